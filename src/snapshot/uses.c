/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What other runtimes have, as a section of its own: the memory table is as that of older files. */
#include "snapshot/format.h"

#include "memory/memory.h"

GVariant *hc_snapshot_store_uses(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_RUNTIMES));
	for (unsigned i = 0; i < snapshot->uses->len; i++) {
		const hc_snapshot_use *use = &g_array_index(snapshot->uses, hc_snapshot_use, i);
		const hc_memory_use *part = &use->part;

		g_variant_builder_add(&builder, SNAPSHOT_RUNTIME, hc_row_name(part->row),
			hc_runtime_kind_name(part->use.kind), part->use.name, (gboolean)part->use.is_proved,
			part->bytes, part->mappings, part->resident.resident, part->resident.swapped, use->outside,
			use->outside_resident);
	}
	return g_variant_builder_end(&builder);
}

/* Takes what USE has from LEFT, by row: bytes, and those resident. FALSE if there is not so much. */
static bool take(const hc_snapshot_use *use, hc_resident left[HC_ROW_COUNT], uint64_t bytes_left[HC_ROW_COUNT])
{
	const hc_memory_use *part = &use->part;
	hc_resident *resident = &left[part->row];

	if (part->bytes > bytes_left[part->row] || part->resident.resident > resident->resident ||
		part->resident.swapped > resident->swapped || use->outside > part->bytes ||
		use->outside_resident > part->resident.resident)
		return false;
	bytes_left[part->row] -= part->bytes;
	resident->resident -= part->resident.resident;
	resident->swapped -= part->resident.swapped;
	return true;
}

/* Of a kind that is not known, as of later versions, only the row tells. */
bool hc_snapshot_load_uses(hc_snapshot *snapshot, GVariant *section)
{
	hc_resident resident[HC_ROW_COUNT] = { { 0, 0 } };
	uint64_t bytes[HC_ROW_COUNT] = { 0 };
	const char *row, *kind, *name;
	gboolean is_proved;
	GVariantIter rows;
	hc_snapshot_use use = { 0 };
	hc_memory_use *part = &use.part;

	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *found = &g_array_index(snapshot->memory, hc_memory_row, i);

		resident[found->id] = found->resident;
		bytes[found->id] = found->bytes;
	}
	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(&rows, "(&s&sm&sbtttttt)", &row, &kind, &name, &is_proved, &part->bytes,
		&part->mappings, &part->resident.resident, &part->resident.swapped, &use.outside,
		&use.outside_resident)) {
		part->row = hc_row_called(row);
		part->use =
			(hc_runtime_use){ hc_runtime_kind_called(kind), hc_snapshot_keep(snapshot, name), is_proved };
		bool has_name = part->use.kind == HC_RUNTIME_ALLOCATOR || part->use.kind == HC_RUNTIME_NAMED;

		if (!part->row || !take(&use, resident, bytes) || (has_name && !part->use.name))
			return false;
		if (part->use.kind)
			g_array_append_val(snapshot->uses, use);
	}
	snapshot->knows_uses = true;
	return true;
}
