/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of the blocks of each type, and of all that hangs on each owner, was in memory?
 *
 * Only reports of captures ask, so it is counted when they do: one pass over the blocks in use, in order of address. A block counts for the
 * row of types that it was counted in (rows.c), which is found by the same names, and for its owner; then what owners have is added up to
 * their parents (holdings.c). A node that several containers have a part of is whole with one of them: of these, and of what they hang on,
 * nothing is told.
 */
#include "types/rows.h"

#include "core/core.h"

struct hc_types_resident {
	uint64_t *rows;	 /* bytes by row of types */
	uint64_t *below; /* bytes by owner, with all that hangs on it */
	bool *is_parted; /* by owner: it, or something that hangs on it, has parts of blocks */
};

struct counting_resident {
	const hc_types *types;
	hc_types_resident *resident;
	GHashTable *names[HC_CERTAINTY_COUNT]; /* name -> row + 1 */
	GHashTable *labels;		       /* hc_label -> row + 1 */
	uint32_t *row_of;		       /* by owner: row + 1; 0: none */
};

static uint32_t row_called(const struct counting_resident *counting, hc_certainty certainty, const char *name)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(counting->names[certainty], name));
}

static void find_rows(struct counting_resident *counting)
{
	const hc_types *types = counting->types;

	for (unsigned i = 0; i < HC_CERTAINTY_COUNT; i++)
		counting->names[i] = g_hash_table_new(g_str_hash, g_str_equal);
	counting->labels = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < hc_types_row_count(types); i++) {
		const hc_type_row *row = hc_types_row(types, i);

		if (row->label)
			g_hash_table_insert(counting->labels, (gpointer)row->label, GUINT_TO_POINTER(i + 1));
		else if (row->name)
			g_hash_table_insert(
				counting->names[row->certainty], (gpointer)row->name, GUINT_TO_POINTER(i + 1));
	}
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		const hc_owner *owner = hc_types_owner(types, i);

		if (!owner->own.blocks || owner->certainty == HC_CERTAINTY_UNKNOWN)
			continue;
		g_autofree char *name = hc_owner_type_name(owner);

		counting->row_of[i] = row_called(counting, hc_owner_block_certainty(owner), name);
	}
}

/* Of a block whose type no owner tells; 0: none. */
static uint32_t row_of_unknown(const struct counting_resident *counting, const hc_block *block)
{
	uint32_t row;

	if (block->label)
		return GPOINTER_TO_UINT(g_hash_table_lookup(counting->labels, block->label));
	g_autofree char *name = hc_types_shape_name(counting->types, block);

	row = row_called(counting, HC_CERTAINTY_UNKNOWN, name);
	return row ? row : row_called(counting, HC_CERTAINTY_UNKNOWN, HC_SHAPES_LEFT);
}

static void count_blocks(const struct counting_resident *counting)
{
	const hc_types *types = counting->types;
	hc_block_iterator iterator;
	hc_block block;
	size_t hint[2] = { 0, 0 };

	hc_block_iterator_init(&iterator, types->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		if (block.state != HC_BLOCK_IN_USE)
			continue;
		uint32_t owner = types->owner_of[block.number], row;
		uint64_t bytes =
			hc_core_resident_next(types->core, block.address, block.address + block.size, hint).resident;

		owner = owner == HC_OWNER_CLOSED ? 0 : owner;
		row = owner && counting->row_of[owner] ? counting->row_of[owner] : row_of_unknown(counting, &block);
		if (row)
			counting->resident->rows[row - 1] += bytes;
		if (owner)
			counting->resident->below[owner] += bytes;
	}
}

/* Children come behind their parents. */
static void add_up(const hc_types *types, hc_types_resident *resident)
{
	for (unsigned i = types->owners->list->len; i-- > 1;) {
		const hc_owner *owner = hc_types_owner(types, i);

		resident->is_parted[i] |= owner->pieces_bytes || owner->shared_bytes || owner->given.blocks;
		if (!owner->parent)
			continue;
		resident->below[owner->parent->number] += resident->below[i];
		resident->is_parted[owner->parent->number] |= resident->is_parted[i];
	}
}

hc_types_resident *hc_types_find_resident(const hc_types *types)
{
	g_autoptr(hc_types_resident) resident = NULL;
	size_t owners = types ? types->owners->list->len : 0, rows = types ? types->rows->len : 0;
	struct counting_resident counting = { .types = types };

	if (!types || !hc_core_knows_resident(types->core))
		return NULL;
	resident = g_new0(hc_types_resident, 1);
	resident->rows = g_try_new0(uint64_t, rows + 1);
	resident->below = g_try_new0(uint64_t, owners + 1);
	resident->is_parted = g_try_new0(bool, owners + 1);
	counting.row_of = g_try_new0(uint32_t, owners + 1);
	counting.resident = resident;
	if (!resident->rows || !resident->below || !resident->is_parted || !counting.row_of) {
		g_free(counting.row_of);
		return NULL;
	}
	find_rows(&counting);
	count_blocks(&counting);
	add_up(types, resident);
	for (unsigned i = 0; i < HC_CERTAINTY_COUNT; i++)
		g_hash_table_unref(counting.names[i]);
	g_hash_table_unref(counting.labels);
	g_free(counting.row_of);
	return g_steal_pointer(&resident);
}

void hc_types_resident_free(hc_types_resident *resident)
{
	if (!resident)
		return;
	g_free(resident->rows);
	g_free(resident->below);
	g_free(resident->is_parted);
	g_free(resident);
}

uint64_t hc_types_resident_of_row(const hc_types_resident *resident, unsigned index)
{
	return resident ? resident->rows[index] : UINT64_MAX;
}

uint64_t hc_types_resident_of_container(const hc_types_resident *resident, const hc_container *container)
{
	if (!resident || resident->is_parted[container->number])
		return UINT64_MAX;
	return resident->below[container->number];
}
