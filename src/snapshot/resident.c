/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was resident, as sections of their own: the tables that they are about are as those of older files. */
#include "snapshot/format.h"

#define PAIRS "a(tt)"

static void add_pair(GVariantBuilder *builder, uint64_t a, uint64_t b)
{
	g_variant_builder_add(builder, "(tt)", a, b);
}

GVariant *hc_snapshot_store_resident(const hc_snapshot *snapshot)
{
	GVariantBuilder memory, owners, sizes;

	g_variant_builder_init(&memory, G_VARIANT_TYPE(PAIRS));
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		add_pair(&memory, row->resident.resident, row->resident.swapped);
	}
	g_variant_builder_init(&owners, G_VARIANT_TYPE(PAIRS));
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);

		add_pair(&owners, owner->own_resident, owner->mapped_resident);
	}
	g_variant_builder_init(&sizes, G_VARIANT_TYPE(PAIRS));
	for (unsigned i = 0; i < snapshot->sizes->len; i++) {
		const hc_snapshot_size *size = &g_array_index(snapshot->sizes, hc_snapshot_size, i);

		add_pair(&sizes, size->unowned_resident, size->unowned_mapped_resident);
	}
	return g_variant_new(SNAPSHOT_RESIDENT, &memory, &owners, &sizes);
}

static bool load_memory(hc_snapshot *snapshot, GVariantIter *pairs)
{
	uint64_t resident, swapped;

	for (unsigned i = 0; g_variant_iter_next(pairs, "(tt)", &resident, &swapped); i++) {
		hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		if (resident > row->bytes || swapped > row->bytes - resident)
			return false;
		row->knows_resident = true;
		row->resident = (hc_resident){ resident, swapped };
	}
	return true;
}

static bool load_owners(hc_snapshot *snapshot, GVariantIter *pairs)
{
	uint64_t own, mapped;

	for (unsigned i = 0; g_variant_iter_next(pairs, "(tt)", &own, &mapped); i++) {
		hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);

		if (own > owner->own.bytes || mapped > owner->mapped.bytes || mapped > own)
			return false;
		owner->own_resident = own;
		owner->mapped_resident = mapped;
	}
	return true;
}

static bool load_sizes(hc_snapshot *snapshot, GVariantIter *pairs)
{
	uint64_t unowned, mapped;

	for (unsigned i = 0; g_variant_iter_next(pairs, "(tt)", &unowned, &mapped); i++) {
		hc_snapshot_size *size = &g_array_index(snapshot->sizes, hc_snapshot_size, i);

		/* That these products do not overflow was looked at when the sizes were read. */
		if (unowned > size->size * size->unowned || mapped > size->size * size->unowned_mapped ||
			mapped > unowned)
			return false;
		size->unowned_resident = unowned;
		size->unowned_mapped_resident = mapped;
	}
	return true;
}

bool hc_snapshot_load_resident(hc_snapshot *snapshot, GVariant *section)
{
	g_autoptr(GVariantIter) memory = NULL, owners = NULL, sizes = NULL;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_RESIDENT)))
		return false;
	g_variant_get(section, SNAPSHOT_RESIDENT, &memory, &owners, &sizes);
	if (g_variant_iter_n_children(memory) != snapshot->memory->len ||
		g_variant_iter_n_children(owners) != snapshot->owners->len ||
		g_variant_iter_n_children(sizes) != snapshot->sizes->len)
		return false;
	snapshot->knows_resident = true;
	return load_memory(snapshot, memory) && load_owners(snapshot, owners) && load_sizes(snapshot, sizes);
}

/* ---- lost blocks, which have a section of their own: earlier versions did not keep it ---- */

GVariant *hc_snapshot_store_lost_resident(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_LOST_RESIDENT));
	for (unsigned i = 0; i < snapshot->lost->len; i++)
		g_variant_builder_add(&builder, "t", g_array_index(snapshot->lost, hc_leak_kind, i).resident);
	return g_variant_builder_end(&builder);
}

bool hc_snapshot_load_lost_resident(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	uint64_t resident;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_LOST_RESIDENT)) ||
		g_variant_iter_init(&rows, section) != snapshot->lost->len)
		return false;
	for (unsigned i = 0; g_variant_iter_next(&rows, "t", &resident); i++) {
		hc_leak_kind *lost = &g_array_index(snapshot->lost, hc_leak_kind, i);

		if (resident > lost->amount.bytes)
			return false;
		lost->resident = resident;
	}
	snapshot->knows_lost_resident = true;
	return true;
}
