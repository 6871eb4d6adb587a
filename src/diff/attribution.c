/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The growth, shared out.
 *
 * Blocks with an owner have the rows of the tree of paths (path_rows.c). All else has rows by what it is. The rest is what the memory table has and no row: it is computed, not assumed.
 */
#include "diff/diff_state.h"

#include "base/text.h"

#include <string.h>

enum {
	SIZES_APART = 12, /* sizes of blocks whose owner is not known; the others are one row */
};

/* ---- lost blocks ---- */

static void attribute_lost(hc_diff *diff)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(hc_growth));

	for (unsigned i = 0; i < diff->count; i++)
		for (unsigned j = 0; j < diff->snapshots[i]->lost->len; j++) {
			const hc_leak_kind *lost = &g_array_index(diff->snapshots[i]->lost, hc_leak_kind, j);
			unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(known, lost->key));
			hc_growth fresh = {
				.kind = HC_GROWTH_LOST, .elements_before = UINT64_MAX, .elements_after = UINT64_MAX
			};
			hc_growth *row;

			if (!place) {
				fresh.steps = hc_diff_new_steps(diff);
				fresh.resident_steps = diff->knows_lost_resident ? hc_diff_new_steps(diff) : NULL;
				g_array_append_val(rows, fresh);
				place = rows->len;
				g_hash_table_insert(known, (gpointer)lost->key, GUINT_TO_POINTER(place));
			}
			row = &g_array_index(rows, hc_growth, place - 1);
			row->lost = lost;
			((uint64_t *)row->steps)[i] += lost->amount.bytes;
			if (row->resident_steps)
				((uint64_t *)row->resident_steps)[i] += lost->resident;
			if (!i)
				row->blocks_before += lost->amount.blocks;
			if (i == diff->count - 1)
				row->blocks_after += lost->amount.blocks;
		}
	for (unsigned i = 0; i < rows->len; i++) {
		hc_growth *row = &g_array_index(rows, hc_growth, i);

		row->type = row->lost->type;
		hc_diff_add_growth(diff, *row);
	}
}

/* ---- blocks whose owner is not known ---- */

struct unowned {
	uint64_t size;
	uint64_t *blocks;   /* by snapshot */
	uint64_t *resident; /* bytes */
};

static void count_unowned(hc_diff *diff, GHashTable *sizes, bool mapped)
{
	for (unsigned i = 0; i < diff->count; i++)
		for (unsigned j = 0; j < diff->snapshots[i]->sizes->len; j++) {
			const hc_snapshot_size *size = &g_array_index(diff->snapshots[i]->sizes, hc_snapshot_size, j);
			uint64_t blocks = mapped ? size->unowned_mapped : size->unowned - size->unowned_mapped;
			struct unowned *row;

			if (!blocks)
				continue;
			row = g_hash_table_lookup(sizes, &size->size);
			if (!row) {
				row = g_new0(struct unowned, 1);
				row->size = size->size;
				row->blocks = hc_diff_new_steps(diff);
				row->resident = hc_diff_new_steps(diff);
				g_hash_table_insert(sizes, &row->size, row);
			}
			row->blocks[i] += blocks;
			row->resident[i] += mapped ? size->unowned_mapped_resident :
						     size->unowned_resident - size->unowned_mapped_resident;
		}
}

static uint64_t change_of(const hc_diff *diff, const struct unowned *row)
{
	int64_t more = (int64_t)(row->blocks[diff->count - 1] - row->blocks[0]);

	return row->size * (uint64_t)ABS(more);
}

static int most_changed_first(const void *a, const void *b, void *data)
{
	const struct unowned *x = *(struct unowned *const *)a, *y = *(struct unowned *const *)b;
	uint64_t change_x = change_of(data, x), change_y = change_of(data, y);

	if (change_x != change_y)
		return change_x < change_y ? 1 : -1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static hc_growth new_unowned_row(hc_diff *diff, bool mapped)
{
	return (hc_growth){
		.kind = mapped ? HC_GROWTH_BUFFER : HC_GROWTH_HELD,
		.elements_before = UINT64_MAX,
		.elements_after = UINT64_MAX,
		.steps = hc_diff_new_steps(diff),
		.resident_steps = hc_diff_new_steps(diff),
	};
}

static void add_unowned(const hc_diff *diff, hc_growth *growth, const struct unowned *row)
{
	for (unsigned i = 0; i < diff->count; i++) {
		((uint64_t *)growth->steps)[i] += row->size * row->blocks[i];
		((uint64_t *)growth->resident_steps)[i] += row->resident[i];
	}
	growth->blocks_before += row->blocks[0];
	growth->blocks_after += row->blocks[diff->count - 1];
}

/* MAPPED: those that are mmapped, or the others. */
static void attribute_unowned(hc_diff *diff, bool mapped)
{
	g_autoptr(GHashTable) sizes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	hc_growth others = new_unowned_row(diff, mapped);
	GHashTableIter iterator;
	void *value;

	count_unowned(diff, sizes, mapped);
	g_hash_table_iter_init(&iterator, sizes);
	while (g_hash_table_iter_next(&iterator, NULL, &value))
		g_ptr_array_add(sorted, value);
	g_ptr_array_sort_with_data(sorted, most_changed_first, diff);
	for (unsigned i = 0; i < sorted->len; i++) {
		const struct unowned *row = sorted->pdata[i];
		hc_growth growth;

		if (i >= SIZES_APART || !change_of(diff, row)) {
			add_unowned(diff, &others, row);
			continue;
		}
		growth = new_unowned_row(diff, mapped);
		add_unowned(diff, &growth, row);
		growth.size = row->size;
		hc_diff_add_growth(diff, growth);
	}
	if (hc_diff_is_ever(others.steps, diff->count))
		hc_diff_add_growth(diff, others);
}

/* ---- what is beside blocks in use ---- */

static hc_growth_kind kind_of_row(hc_row_id id)
{
	if (hc_row_is_free(id))
		return HC_GROWTH_FREE;
	switch (id) {
	case HC_ROW_RUNTIME:
		return HC_GROWTH_RUNTIME;
	case HC_ROW_OVERHEAD:
		return HC_GROWTH_OVERHEAD;
	case HC_ROW_STACKS:
		return HC_GROWTH_STACKS;
	case HC_ROW_DATA:
		return HC_GROWTH_DATA;
	default:
		return HC_GROWTH_MAPPING;
	}
}

/* Whether the books of all snapshots are whole, of torn ones too. */
static bool has_whole_books(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->count; i++)
		if (hc_snapshot_is_torn(diff->snapshots[i]) && !hc_snapshot_has_whole_heap(diff->snapshots[i]))
			return false;
	return true;
}

/* Bytes in mappings that paths have: these are in the paths' rows. */
static uint64_t outside_of(const hc_snapshot *snapshot, uint64_t *ret_resident)
{
	uint64_t bytes = 0;

	*ret_resident = 0;
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);

		bytes += owner->outside;
		*ret_resident += owner->outside_resident;
	}
	return bytes;
}

/* Whether it is known in all snapshots how much of the stacks of threads that were not joined was in memory. */
static bool knows_unjoined(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->count; i++)
		if (!diff->snapshots[i]->knows_unjoined || !diff->snapshots[i]->unjoined.is_resident)
			return false;
	return diff->knows_resident;
}

/* What of row FOUND of snapshot NUMBER has no row elsewhere. */
static void count_row(
	const hc_diff *diff, const hc_memory_row *found, unsigned number, uint64_t *steps, uint64_t *resident)
{
	const hc_snapshot *snapshot = diff->snapshots[number];
	uint64_t outside = 0, outside_resident = 0;

	if (found->id == HC_ROW_ANONYMOUS)
		outside = outside_of(snapshot, &outside_resident);
	if (found->id == HC_ROW_STACKS_UNUSED && knows_unjoined(diff))
		outside_resident = snapshot->unjoined.memory;
	/* What is no memory may have been touched before: the unused part of a stack. */
	steps[number] = found->is_memory ? found->bytes - outside : 0;
	resident[number] = found->resident.resident - MIN(found->resident.resident, outside_resident);
}

static void attribute_row(hc_diff *diff, const hc_diff_row *row)
{
	uint64_t *steps = hc_diff_new_steps(diff), *resident = hc_diff_new_steps(diff);
	hc_growth growth = {
		.kind = kind_of_row(row->id),
		.row = row->id,
		.is_bound = row->is_bound,
		.elements_before = UINT64_MAX,
		.elements_after = UINT64_MAX,
		.blocks_before = g_strcmp0(row->unit, "blocks") ? 0 : row->count_a,
		.blocks_after = g_strcmp0(row->unit, "blocks") ? 0 : row->count_b,
		.steps = steps,
		.resident_steps = resident,
	};

	for (unsigned i = 0; i < diff->count; i++) {
		const hc_memory_row *found = hc_snapshot_row(diff->snapshots[i], row->id);

		if (found)
			count_row(diff, found, i, steps, resident);
	}
	if (row->is_memory ? row->bytes_a || row->bytes_b : hc_diff_is_ever(resident, diff->count))
		hc_diff_add_growth(diff, growth);
}

static void attribute_rows(hc_diff *diff)
{
	bool whole_books = has_whole_books(diff);

	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (row->of || row->id == HC_ROW_IN_USE || row->id == HC_ROW_MMAPPED ||
			!(row->is_memory || diff->knows_resident) ||
			(diff->is_torn && !(whole_books && hc_row_is_mallocs(row->id))))
			continue;
		attribute_row(diff, row);
	}
}

/* Stacks of threads that ended and were not joined: of them only what is in memory counts. */
static void attribute_unjoined(hc_diff *diff)
{
	uint64_t *resident = hc_diff_new_steps(diff);
	hc_growth growth = {
		.kind = HC_GROWTH_UNJOINED,
		.elements_before = UINT64_MAX,
		.elements_after = UINT64_MAX,
		.steps = hc_diff_new_steps(diff),
		.resident_steps = resident,
	};

	for (unsigned i = 0; i < diff->count; i++)
		resident[i] = diff->snapshots[i]->unjoined.memory;
	if (knows_unjoined(diff) && hc_diff_is_ever(resident, diff->count))
		hc_diff_add_growth(diff, growth);
}

/* Bytes of SNAPSHOT's table; *RET_RESIDENT: what was in memory, also of what is no memory. */
static uint64_t bytes_of_table(const hc_snapshot *snapshot, uint64_t *ret_resident)
{
	uint64_t bytes = 0;

	*ret_resident = 0;
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		bytes += hc_memory_row_counts(row) ? row->bytes : 0;
		*ret_resident += row->of ? 0 : row->resident.resident;
	}
	return bytes;
}

/* What the table has, less what rows have. */
static void attribute_rest(hc_diff *diff)
{
	uint64_t *steps = hc_diff_new_steps(diff), *resident = hc_diff_new_steps(diff);
	hc_growth rest = {
		.kind = HC_GROWTH_REST,
		.elements_before = UINT64_MAX,
		.elements_after = UINT64_MAX,
		.steps = steps,
		.resident_steps = diff->knows_lost_resident ? resident : NULL,
	};

	for (unsigned i = 0; i < diff->count; i++) {
		steps[i] = bytes_of_table(diff->snapshots[i], &resident[i]);
		for (unsigned j = 0; j < diff->attribution->len; j++) {
			const hc_growth *row = hc_diff_attribution(diff, j);

			steps[i] -= row->steps[i];
			resident[i] -= row->resident_steps ? row->resident_steps[i] : 0;
		}
	}
	hc_diff_add_growth(diff, rest);
}

/* Of what is mapped or of what is in memory, whichever is more. */
static int64_t growth_of(const hc_growth *row)
{
	return row->resident_steps ? MAX(row->bytes, row->resident) : row->bytes;
}

static int most_grown_first(const void *a, const void *b)
{
	const hc_growth *x = a, *y = b;

	if ((x->kind == HC_GROWTH_REST) != (y->kind == HC_GROWTH_REST))
		return x->kind == HC_GROWTH_REST ? 1 : -1;
	if (growth_of(x) != growth_of(y))
		return growth_of(x) < growth_of(y) ? 1 : -1;
	if (x->after != y->after)
		return x->after < y->after ? 1 : -1;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->row != y->row)
		return (int)x->row - (int)y->row;
	return x->lost && y->lost ? strcmp(x->lost->key, y->lost->key) : g_strcmp0(x->name, y->name);
}

void hc_diff_attribute(hc_diff *diff)
{
	hc_diff_attribute_paths(diff);
	hc_diff_join_alike(diff);
	/* What nothing points to, and what nobody is known to hold, in a torn core depends on what it lacks. */
	if (!diff->is_torn) {
		attribute_lost(diff);
		attribute_unowned(diff, false);
		attribute_unowned(diff, true);
	}
	attribute_rows(diff);
	attribute_unjoined(diff);
	if (!diff->is_torn)
		attribute_rest(diff);
	g_array_sort(diff->attribution, most_grown_first);
}
