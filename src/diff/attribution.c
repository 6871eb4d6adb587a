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
	SIZES_APART = 12,	 /* sizes of blocks whose owner is not known; the others are one row */
	OUTSIDE_ELSEWHERE = 100, /* of what a path has besides malloc's memory: one in so many bytes may be elsewhere */
};

/* A row of KIND with figures of its own, 0 at first; of no container. */
static hc_growth new_growth(hc_diff *diff, hc_growth_kind kind)
{
	return (hc_growth){
		.kind = kind,
		.elements_before = UINT64_MAX,
		.elements_after = UINT64_MAX,
		.steps = hc_diff_new_steps(diff),
		.resident_steps = hc_diff_new_steps(diff),
	};
}

/* Adds to what GROWTH, which is new, has in snapshot NUMBER. */
static void add_to_step(hc_growth *growth, unsigned number, uint64_t bytes, uint64_t resident)
{
	((uint64_t *)growth->steps)[number] += bytes;
	if (growth->resident_steps)
		((uint64_t *)growth->resident_steps)[number] += resident;
}

/* ---- lost blocks ---- */

static void attribute_lost(hc_diff *diff)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(hc_growth));

	for (unsigned i = 0; i < diff->count; i++)
		for (unsigned j = 0; j < diff->snapshots[i]->lost->len; j++) {
			const hc_leak_kind *lost = &g_array_index(diff->snapshots[i]->lost, hc_leak_kind, j);
			unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(known, lost->key));
			hc_growth *row;

			if (!place) {
				hc_growth fresh = new_growth(diff, HC_GROWTH_LOST);

				if (!diff->knows_lost_resident)
					fresh.resident_steps = NULL;
				g_array_append_val(rows, fresh);
				place = rows->len;
				g_hash_table_insert(known, (gpointer)lost->key, GUINT_TO_POINTER(place));
			}
			row = &g_array_index(rows, hc_growth, place - 1);
			row->lost = lost;
			add_to_step(row, i, lost->amount.bytes, lost->resident);
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

static void add_unowned(const hc_diff *diff, hc_growth *growth, const struct unowned *row)
{
	for (unsigned i = 0; i < diff->count; i++)
		add_to_step(growth, i, row->size * row->blocks[i], row->resident[i]);
	growth->blocks_before += row->blocks[0];
	growth->blocks_after += row->blocks[diff->count - 1];
}

/* MAPPED: those that are mmapped, or the others. */
static void attribute_unowned(hc_diff *diff, bool mapped)
{
	g_autoptr(GHashTable) sizes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	hc_growth_kind kind = mapped ? HC_GROWTH_BUFFER : HC_GROWTH_HELD;
	hc_growth others = new_growth(diff, kind);
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
		growth = new_growth(diff, kind);
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

/* ---- what other runtimes have of a row ---- */

static const hc_snapshot_use *find_use(const hc_snapshot *snapshot, hc_row_id row, const hc_runtime_use *use)
{
	for (unsigned i = 0; i < snapshot->uses->len; i++) {
		const hc_snapshot_use *found = &g_array_index(snapshot->uses, hc_snapshot_use, i);

		if (found->part.row == row && hc_runtime_use_is_same(&found->part.use, use))
			return found;
	}
	return NULL;
}

/* Whether it is known in all snapshots. Of torn cores it is not asked: what they lack may be anybody's. */
static bool knows_uses(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->count; i++)
		if (!diff->snapshots[i]->knows_uses)
			return false;
	return !diff->is_torn;
}

/* The bytes of ROW that runtimes have in SNAPSHOT and no path has; *RET_RESIDENT: of them. */
static uint64_t used_of(const hc_snapshot *snapshot, hc_row_id row, uint64_t *ret_resident)
{
	uint64_t bytes = 0;

	*ret_resident = 0;
	for (unsigned i = 0; i < snapshot->uses->len; i++) {
		const hc_snapshot_use *use = &g_array_index(snapshot->uses, hc_snapshot_use, i);

		if (use->part.row != row)
			continue;
		bytes += use->part.bytes - use->outside;
		*ret_resident += use->part.resident.resident - use->outside_resident;
	}
	return bytes;
}

static void attribute_use(hc_diff *diff, hc_row_id row, const hc_runtime_use *use)
{
	hc_growth growth = new_growth(diff, HC_GROWTH_MAPPING);

	growth.row = row;
	growth.runtime = use;
	for (unsigned i = 0; i < diff->count; i++) {
		const hc_snapshot_use *found = find_use(diff->snapshots[i], row, use);

		if (found)
			add_to_step(&growth, i, found->part.bytes - found->outside,
				found->part.resident.resident - found->outside_resident);
	}
	hc_diff_add_growth(diff, growth);
}

/* A row for what each runtime has of ROW, as it is told by the last snapshot that has it. */
static void attribute_uses(hc_diff *diff, hc_row_id row)
{
	for (unsigned i = diff->count; i-- > 0;)
		for (unsigned j = 0; j < diff->snapshots[i]->uses->len; j++) {
			const hc_memory_use *part = &g_array_index(diff->snapshots[i]->uses, hc_snapshot_use, j).part;
			bool is_later = false;

			for (unsigned k = i + 1; k < diff->count && !is_later; k++)
				is_later = find_use(diff->snapshots[k], row, &part->use) != NULL;
			if (part->row == row && !is_later)
				attribute_use(diff, row, &part->use);
		}
}

const hc_runtime_use *hc_growth_outside_use(const hc_diff *diff, const hc_growth *row, bool *ret_all)
{
	const hc_snapshot_use *most = NULL;
	uint64_t resident, elsewhere = outside_of(diff->last, &resident), more = row->outside_after - row->outside_before;

	for (unsigned i = 0; knows_uses(diff) && i < diff->last->uses->len; i++) {
		const hc_snapshot_use *use = &g_array_index(diff->last->uses, hc_snapshot_use, i);

		most = !most || use->outside > most->outside ? use : most;
	}
	/* No path has more elsewhere than all of them together. */
	elsewhere -= most ? MIN(most->outside, elsewhere) : 0;
	*ret_all = elsewhere <= more / OUTSIDE_ELSEWHERE;
	return most && elsewhere <= more / 2 ? &most->part.use : NULL;
}

/* What of row FOUND of snapshot NUMBER has no row elsewhere. */
static void count_row(const hc_diff *diff, const hc_memory_row *found, unsigned number, hc_growth *growth)
{
	const hc_snapshot *snapshot = diff->snapshots[number];
	uint64_t outside = 0, outside_resident = 0, used = 0, used_resident = 0;

	if (found->id == HC_ROW_ANONYMOUS)
		outside = outside_of(snapshot, &outside_resident);
	if (found->id == HC_ROW_STACKS_UNUSED && knows_unjoined(diff))
		outside_resident = snapshot->unjoined.memory;
	if (knows_uses(diff))
		used = used_of(snapshot, found->id, &used_resident);
	outside += used;
	outside_resident += used_resident;
	/* What is no memory may have been touched before: the unused part of a stack. */
	add_to_step(growth, number, found->is_memory ? found->bytes - MIN(outside, found->bytes) : 0,
		found->resident.resident - MIN(found->resident.resident, outside_resident));
}

static void attribute_row(hc_diff *diff, const hc_diff_row *row)
{
	hc_growth growth = new_growth(diff, kind_of_row(row->id));
	bool has_blocks = !g_strcmp0(row->unit, "blocks");

	growth.row = row->id;
	growth.is_bound = row->is_bound;
	growth.blocks_before = has_blocks ? row->count_a : 0;
	growth.blocks_after = has_blocks ? row->count_b : 0;
	for (unsigned i = 0; i < diff->count; i++) {
		const hc_memory_row *found = hc_snapshot_row(diff->snapshots[i], row->id);

		if (found)
			count_row(diff, found, i, &growth);
	}
	if (row->is_memory ? row->bytes_a || row->bytes_b : hc_diff_is_ever(growth.resident_steps, diff->count))
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
		if (knows_uses(diff))
			attribute_uses(diff, row->id);
	}
}

/* Stacks of threads that ended and were not joined: of them only what is in memory counts. */
static void attribute_unjoined(hc_diff *diff)
{
	hc_growth growth = new_growth(diff, HC_GROWTH_UNJOINED);

	for (unsigned i = 0; i < diff->count; i++)
		add_to_step(&growth, i, 0, diff->snapshots[i]->unjoined.memory);
	if (knows_unjoined(diff) && hc_diff_is_ever(growth.resident_steps, diff->count))
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
	hc_growth rest = new_growth(diff, HC_GROWTH_REST);

	if (!diff->knows_lost_resident)
		rest.resident_steps = NULL;
	for (unsigned i = 0; i < diff->count; i++) {
		uint64_t resident, bytes = bytes_of_table(diff->snapshots[i], &resident);

		for (unsigned j = 0; j < diff->attribution->len; j++) {
			const hc_growth *row = hc_diff_attribution(diff, j);

			bytes -= row->steps[i];
			resident -= row->resident_steps ? row->resident_steps[i] : 0;
		}
		add_to_step(&rest, i, bytes, resident);
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
