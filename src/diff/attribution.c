/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The growth, shared out.
 *
 * Blocks with an owner: the tree of paths is cut into rows, each block in one. From the top, a path whose own number of things (elements
 * of a container, blocks of anything else) grew as its bytes did explains all that lies below it: one row. Else what is below
 * makes rows of its own: a table of ten sessions does not grow, the queue that each of them has does. What did not change at all is
 * one row as far up as that holds.
 *
 * All else has rows by what it is. The rest is what the memory table has and no row: it is computed, not assumed.
 */
#include "diff/diff_state.h"

#include "base/text.h"

#include <string.h>

enum {
	SIZES_APART = 12,    /* sizes of blocks whose owner is not known; the others are one row */
	OUTSIDE_ELSEWHERE = 100, /* of what a path has besides malloc's memory: one in so many bytes may be elsewhere */
	LITTLE_OUTSIDE = 10, /* of growth: if one in so many bytes is not malloc's, that is told */
};

typedef struct rows_of_paths {
	hc_diff *diff;
	uint32_t *row;	/* by path: its row; HC_SNAPSHOT_NONE: none yet */
	bool *explains; /* by path: all below is in its row */
	GArray *rows;	/* of struct path_row */
} rows_of_paths;

/* The bytes of a row, in blocks from the heap and in mmapped ones. */
struct path_row {
	uint32_t path;
	uint64_t *own, *mapped; /* by snapshot; OWN without MAPPED */
	uint64_t *own_resident, *mapped_resident;
	uint64_t blocks[2], mapped_blocks[2]; /* first, last */
	uint64_t shared[2], most_shared;      /* first, last; of one path */
	const hc_sharing *sharing;	      /* of the path that has most; NULL: none */
	uint64_t outside[2];		      /* first, last: of OWN */
	uint64_t free_between[2];	      /* first, last */
};

bool hc_growth_is_unused_capacity(const hc_growth *row)
{
	return row->owner && row->owner->kind && !row->threads && !row->elements_after && row->owner->capacity &&
	       row->owner->capacity != UINT64_MAX;
}

bool hc_growth_is_shared(const hc_growth *row)
{
	return row->shared && row->bytes > 0 && row->shared_after > row->shared_before &&
	       row->shared_after - row->shared_before >= (uint64_t)row->bytes / 2;
}

bool hc_growth_is_outside(const hc_growth *row)
{
	return row->bytes > 0 && row->outside_after > row->outside_before &&
	       row->outside_after - row->outside_before >= (uint64_t)row->bytes / LITTLE_OUTSIDE;
}

static uint64_t *new_steps(hc_diff *diff)
{
	uint64_t *steps = g_new0(uint64_t, diff->count);

	g_ptr_array_add(diff->steps, steps);
	return steps;
}

/* Completes ROW, whose steps are set, and adds it. */
static void add(hc_diff *diff, hc_growth row)
{
	row.before = row.steps[0];
	row.after = row.steps[diff->count - 1];
	row.bytes = (int64_t)(row.after - row.before);
	row.trend = hc_diff_trend(row.steps, diff->count);
	if (!diff->knows_resident)
		row.resident_steps = NULL;
	if (row.resident_steps)
		row.resident = (int64_t)(row.resident_steps[diff->count - 1] - row.resident_steps[0]);
	g_array_append_val(diff->attribution, row);
}

/* ---- paths ---- */

/* The number of things that PATH itself has. */
static const uint64_t *things_of(const hc_merged_path *path)
{
	return path->is_container ? path->elements : path->things;
}

bool hc_diff_explains(const hc_diff *diff, const hc_merged_path *path)
{
	unsigned last = diff->count - 1;
	const uint64_t *things = things_of(path);
	double more = (double)things[last] - (double)things[0],
	       bytes = (double)path->below[last] - (double)path->below[0];

	if (!path->changed)
		return true;
	if (!more)
		return false;
	/* Of what came or went as a whole, a container explains all it held; an object what is mostly in itself. */
	if (!things[0] || !things[last])
		return path->is_container || 2 * ABS((double)path->own[last] - (double)path->own[0]) >= ABS(bytes);
	if (more * bytes >= 0 && ABS(more * path->below[0] / things[0]) >= ABS(bytes) / 2)
		return true;
	/* New elements may be larger than those that were there, if it is not that something in these grew. */
	return path->is_container && more >= things[0] && bytes > 0 && path->fattened < bytes / 2;
}

static uint32_t add_row(rows_of_paths *rows, uint32_t path)
{
	struct path_row row = { .path = path,
		.own = new_steps(rows->diff),
		.mapped = new_steps(rows->diff),
		.own_resident = new_steps(rows->diff),
		.mapped_resident = new_steps(rows->diff) };

	g_array_append_val(rows->rows, row);
	return rows->rows->len - 1;
}

static void add_to_row(rows_of_paths *rows, uint32_t number, const hc_merged_path *path)
{
	struct path_row *row = &g_array_index(rows->rows, struct path_row, number);
	unsigned last = rows->diff->count - 1;

	for (unsigned i = 0; i <= last; i++) {
		row->own[i] += path->own[i] - path->mapped[i];
		row->mapped[i] += path->mapped[i];
		row->own_resident[i] += path->own_resident[i] - path->mapped_resident[i];
		row->mapped_resident[i] += path->mapped_resident[i];
	}
	row->blocks[0] += path->own_blocks[0] - path->mapped_blocks[0];
	row->blocks[1] += path->own_blocks[last] - path->mapped_blocks[last];
	row->mapped_blocks[0] += path->mapped_blocks[0];
	row->mapped_blocks[1] += path->mapped_blocks[last];
	row->outside[0] += path->outside[0];
	row->outside[1] += path->outside[last];
	row->free_between[0] += path->free_between[0];
	row->free_between[1] += path->free_between[last];
	row->shared[0] += path->shared[0];
	row->shared[1] += path->shared[last];
	if (path->owner->shared.with && path->shared[last] >= MAX(row->most_shared, 1)) {
		row->most_shared = path->shared[last];
		row->sharing = &path->owner->shared;
	}
}

static bool is_ever(const uint64_t *figures, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (figures[i])
			return true;
	return false;
}

hc_growth hc_diff_describe_path(const hc_diff *diff, const hc_merged_path *path, hc_growth_kind kind)
{
	return (hc_growth){
		.kind = kind,
		.name = path->owner->path,
		.where = path->owner->where,
		.type = path->owner->type,
		.elements_before = path->is_container ? path->elements[0] : UINT64_MAX,
		.elements_after = path->is_container ? path->elements[diff->count - 1] : UINT64_MAX,
		.owner = path->owner,
	};
}

/*
 * Whether blocks went from the heap into mappings of their own, or back: malloc does that as they grow and as its threshold rises. To say
 * that one part grew and another shrank would be wrong of both.
 */
static bool has_moved(const hc_diff *diff, const struct path_row *row)
{
	unsigned last = diff->count - 1;

	return (row->own[last] < row->own[0] && row->mapped[last] > row->mapped[0]) ||
	       (row->own[last] > row->own[0] && row->mapped[last] < row->mapped[0]);
}

/* A container's blocks are its own, mmapped or not; of other paths mmapped ones are buffers, unless that changed. */
static void add_path_row(hc_diff *diff, const struct path_row *row)
{
	const hc_merged_path *path = hc_merged_paths_get(diff->paths, row->path);
	hc_growth_kind kind = path->owner->is_found ? HC_GROWTH_HELD :
			      path->is_container    ? HC_GROWTH_CONTAINER :
						      HC_GROWTH_OWNER;
	hc_growth growth = hc_diff_describe_path(diff, path, kind);

	if (path->is_unsure)
		return;
	growth.shared = row->sharing;
	growth.shared_before = row->shared[0];
	growth.shared_after = row->shared[1];
	growth.outside_before = row->outside[0];
	growth.outside_after = row->outside[1];
	growth.free_between_before = row->free_between[0];
	growth.free_between_after = row->free_between[1];
	if (kind == HC_GROWTH_CONTAINER || has_moved(diff, row)) {
		for (unsigned i = 0; i < diff->count; i++) {
			row->own[i] += row->mapped[i];
			row->own_resident[i] += row->mapped_resident[i];
		}
		growth.steps = row->own;
		growth.resident_steps = row->own_resident;
		growth.blocks_before = row->blocks[0] + row->mapped_blocks[0];
		growth.blocks_after = row->blocks[1] + row->mapped_blocks[1];
		add(diff, growth);
		return;
	}
	if (is_ever(row->own, diff->count)) {
		growth.steps = row->own;
		growth.resident_steps = row->own_resident;
		growth.blocks_before = row->blocks[0];
		growth.blocks_after = row->blocks[1];
		add(diff, growth);
	}
	if (is_ever(row->mapped, diff->count)) {
		growth.kind = HC_GROWTH_BUFFER;
		growth.outside_before = growth.outside_after = 0;
		growth.free_between_before = growth.free_between_after = 0;
		growth.steps = row->mapped;
		growth.resident_steps = row->mapped_resident;
		growth.blocks_before = row->mapped_blocks[0];
		growth.blocks_after = row->mapped_blocks[1];
		add(diff, growth);
	}
}

/* Whether ROW, which begins a path and is no container, has mostly what OTHER leads to as well. */
static bool is_shared_with(const hc_diff *diff, const struct path_row *row, const struct path_row *other)
{
	const hc_merged_path *path = hc_merged_paths_get(diff->paths, row->path);
	unsigned last = diff->count - 1;

	return row->sharing && path->parent == HC_SNAPSHOT_NONE && !path->is_container &&
	       2 * row->shared[1] >= row->own[last] + row->mapped[last] &&
	       !strcmp(row->sharing->with, hc_merged_paths_get(diff->paths, other->path)->owner->path);
}

static void add_rows_up(const hc_diff *diff, struct path_row *row, struct path_row *other)
{
	for (unsigned i = 0; i < diff->count; i++) {
		row->own[i] += other->own[i];
		row->mapped[i] += other->mapped[i];
		row->own_resident[i] += other->own_resident[i];
		row->mapped_resident[i] += other->mapped_resident[i];
	}
	for (unsigned i = 0; i < 2; i++) {
		row->blocks[i] += other->blocks[i];
		row->mapped_blocks[i] += other->mapped_blocks[i];
		row->shared[i] += other->shared[i];
		row->outside[i] += other->outside[i];
		row->free_between[i] += other->free_between[i];
	}
	other->path = HC_SNAPSHOT_NONE;
}

/*
 * Which of two variables has what both lead to may differ from block to block, and from core to core: to say that one of them grew and the
 * other shrank would be wrong of both. They are one row, of the one that has more.
 */
static void join_shared(hc_diff *diff, GArray *list)
{
	g_autoptr(GHashTable) rows = g_hash_table_new(g_str_hash, g_str_equal);
	unsigned last = diff->count - 1;

	for (unsigned i = 0; i < list->len; i++) {
		const struct path_row *row = &g_array_index(list, struct path_row, i);

		if (row->sharing)
			g_hash_table_insert(rows, (gpointer)hc_merged_paths_get(diff->paths, row->path)->owner->path,
				GUINT_TO_POINTER(i + 1));
	}
	for (unsigned i = 0; i < list->len; i++) {
		struct path_row *row = &g_array_index(list, struct path_row, i), *other;
		unsigned place = row->sharing && row->path != HC_SNAPSHOT_NONE ?
					 GPOINTER_TO_UINT(g_hash_table_lookup(rows, row->sharing->with)) :
					 0;

		if (!place || place == i + 1)
			continue;
		other = &g_array_index(list, struct path_row, place - 1);
		if (other->path == HC_SNAPSHOT_NONE || !is_shared_with(diff, row, other) ||
			!is_shared_with(diff, other, row))
			continue;
		if (row->own[last] + row->mapped[last] >= other->own[last] + other->mapped[last])
			add_rows_up(diff, row, other);
		else
			add_rows_up(diff, other, row);
	}
}

static void attribute_paths(hc_diff *diff)
{
	unsigned count = diff->paths->list->len;
	g_autofree uint32_t *row = g_new(uint32_t, MAX(count, 1));
	g_autofree bool *explained = g_new0(bool, MAX(count, 1));
	g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct path_row));
	rows_of_paths rows = { diff, row, explained, list };

	for (uint32_t i = 0; i < count; i++) {
		const hc_merged_path *path = hc_merged_paths_get(diff->paths, i);
		bool inherited = path->parent != HC_SNAPSHOT_NONE && explained[path->parent];

		row[i] = inherited ? row[path->parent] : HC_SNAPSHOT_NONE;
		explained[i] = inherited || hc_diff_explains(diff, path);
		if (row[i] == HC_SNAPSHOT_NONE &&
			(explained[i] || path->is_container || is_ever(path->own, diff->count)))
			row[i] = add_row(&rows, i);
		if (row[i] != HC_SNAPSHOT_NONE)
			add_to_row(&rows, row[i], path);
	}
	join_shared(diff, list);
	for (unsigned i = 0; i < list->len; i++)
		if (g_array_index(list, struct path_row, i).path != HC_SNAPSHOT_NONE)
			add_path_row(diff, &g_array_index(list, struct path_row, i));
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
			hc_growth fresh = {
				.kind = HC_GROWTH_LOST, .elements_before = UINT64_MAX, .elements_after = UINT64_MAX
			};
			hc_growth *row;

			if (!place) {
				fresh.steps = new_steps(diff);
				fresh.resident_steps = diff->knows_lost_resident ? new_steps(diff) : NULL;
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
		add(diff, *row);
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
				row->blocks = new_steps(diff);
				row->resident = new_steps(diff);
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
		.steps = new_steps(diff),
		.resident_steps = new_steps(diff),
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
		add(diff, growth);
	}
	if (is_ever(others.steps, diff->count))
		add(diff, others);
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
	uint64_t *steps = new_steps(diff), *resident = new_steps(diff);
	hc_growth growth = {
		.kind = HC_GROWTH_MAPPING,
		.row = row,
		.runtime = use,
		.elements_before = UINT64_MAX,
		.elements_after = UINT64_MAX,
		.steps = steps,
		.resident_steps = resident,
	};

	for (unsigned i = 0; i < diff->count; i++) {
		const hc_snapshot_use *found = find_use(diff->snapshots[i], row, use);

		steps[i] = found ? found->part.bytes - found->outside : 0;
		resident[i] = found ? found->part.resident.resident - found->outside_resident : 0;
	}
	add(diff, growth);
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
static void count_row(
	const hc_diff *diff, const hc_memory_row *found, unsigned number, uint64_t *steps, uint64_t *resident)
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
	steps[number] = found->is_memory ? found->bytes - MIN(outside, found->bytes) : 0;
	resident[number] = found->resident.resident - MIN(found->resident.resident, outside_resident);
}

static void attribute_row(hc_diff *diff, const hc_diff_row *row)
{
	uint64_t *steps = new_steps(diff), *resident = new_steps(diff);
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
	if (row->is_memory ? row->bytes_a || row->bytes_b : is_ever(resident, diff->count))
		add(diff, growth);
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
	uint64_t *resident = new_steps(diff);
	hc_growth growth = {
		.kind = HC_GROWTH_UNJOINED,
		.elements_before = UINT64_MAX,
		.elements_after = UINT64_MAX,
		.steps = new_steps(diff),
		.resident_steps = resident,
	};

	for (unsigned i = 0; i < diff->count; i++)
		resident[i] = diff->snapshots[i]->unjoined.memory;
	if (knows_unjoined(diff) && is_ever(resident, diff->count))
		add(diff, growth);
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
	uint64_t *steps = new_steps(diff), *resident = new_steps(diff);
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
	add(diff, rest);
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
	attribute_paths(diff);
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
