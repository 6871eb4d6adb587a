/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The growth of blocks that have an owner: the tree of paths is cut into rows, each block in one.
 *
 * From the top, a path whose own number of things (elements of a container, blocks of anything else) grew as its bytes did explains all
 * that lies below it: one row. Else what is below makes rows of its own: a table of ten sessions does not grow, the queue
 * that each of them has does. What did not change at all is one row as far up as that holds.
 */
#include "diff/path_rows.h"

#include <string.h>

typedef struct rows_of_paths {
	hc_diff *diff;
	uint32_t *row;	/* by path: its row; HC_SNAPSHOT_NONE: none yet */
	bool *explains; /* by path: all below is in its row */
	GArray *rows;	/* of hc_path_row */
} rows_of_paths;

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
	hc_path_row row = { .path = path,
		.own = hc_diff_new_steps(rows->diff),
		.mapped = hc_diff_new_steps(rows->diff),
		.own_resident = hc_diff_new_steps(rows->diff),
		.mapped_resident = hc_diff_new_steps(rows->diff) };

	g_array_append_val(rows->rows, row);
	return rows->rows->len - 1;
}

static void add_to_row(rows_of_paths *rows, uint32_t number, const hc_merged_path *path)
{
	hc_path_row *row = &g_array_index(rows->rows, hc_path_row, number);
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

hc_growth hc_diff_describe_path(const hc_diff *diff, const hc_merged_path *path, hc_growth_kind kind)
{
	return (hc_growth){
		.kind = kind,
		.name = path->owner->path,
		.where = path->owner->where,
		.type = path->owner->type,
		.elements_before = path->is_container ? path->elements[0] : UINT64_MAX,
		.elements_after = path->is_container ? path->elements[diff->count - 1] : UINT64_MAX,
		/* Where one of a kind is known to be an element, each is. */
		.is_at_most = path->is_container && path->is_at_most && !path->is_exact,
		.owner = path->owner,
	};
}

/*
 * Whether blocks went from the heap into mappings of their own, or back: malloc does that as they grow and as its threshold rises. To say
 * that one part grew and another shrank would be wrong of both.
 */
static bool has_moved(const hc_diff *diff, const hc_path_row *row)
{
	unsigned last = diff->count - 1;

	return (row->own[last] < row->own[0] && row->mapped[last] > row->mapped[0]) ||
	       (row->own[last] > row->own[0] && row->mapped[last] < row->mapped[0]);
}

/* A container's blocks are its own, mmapped or not; of other paths mmapped ones are buffers, unless that changed. */
static void add_path_row(hc_diff *diff, const hc_path_row *row)
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
		hc_diff_add_growth(diff, growth);
		return;
	}
	if (hc_diff_is_ever(row->own, diff->count)) {
		growth.steps = row->own;
		growth.resident_steps = row->own_resident;
		growth.blocks_before = row->blocks[0];
		growth.blocks_after = row->blocks[1];
		hc_diff_add_growth(diff, growth);
	}
	if (hc_diff_is_ever(row->mapped, diff->count)) {
		growth.kind = HC_GROWTH_BUFFER;
		growth.outside_before = growth.outside_after = 0;
		growth.free_between_before = growth.free_between_after = 0;
		growth.steps = row->mapped;
		growth.resident_steps = row->mapped_resident;
		growth.blocks_before = row->mapped_blocks[0];
		growth.blocks_after = row->mapped_blocks[1];
		hc_diff_add_growth(diff, growth);
	}
}

/* Whether ROW, which begins a path and is no container, has mostly what OTHER leads to as well. */
static bool is_shared_with(const hc_diff *diff, const hc_path_row *row, const hc_path_row *other)
{
	const hc_merged_path *path = hc_merged_paths_get(diff->paths, row->path);
	unsigned last = diff->count - 1;

	return row->sharing && path->parent == HC_SNAPSHOT_NONE && !path->is_container &&
	       2 * row->shared[1] >= row->own[last] + row->mapped[last] &&
	       !strcmp(row->sharing->with, hc_merged_paths_get(diff->paths, other->path)->owner->path);
}

void hc_diff_add_path_rows(const hc_diff *diff, hc_path_row *row, hc_path_row *other)
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
		const hc_path_row *row = &g_array_index(list, hc_path_row, i);

		if (row->sharing)
			g_hash_table_insert(rows, (gpointer)hc_merged_paths_get(diff->paths, row->path)->owner->path,
				GUINT_TO_POINTER(i + 1));
	}
	for (unsigned i = 0; i < list->len; i++) {
		hc_path_row *row = &g_array_index(list, hc_path_row, i), *other;
		unsigned place = row->sharing && row->path != HC_SNAPSHOT_NONE ?
					 GPOINTER_TO_UINT(g_hash_table_lookup(rows, row->sharing->with)) :
					 0;

		if (!place || place == i + 1)
			continue;
		other = &g_array_index(list, hc_path_row, place - 1);
		if (other->path == HC_SNAPSHOT_NONE || !is_shared_with(diff, row, other) ||
			!is_shared_with(diff, other, row))
			continue;
		if (row->own[last] + row->mapped[last] >= other->own[last] + other->mapped[last])
			hc_diff_add_path_rows(diff, row, other);
		else
			hc_diff_add_path_rows(diff, other, row);
	}
}

void hc_diff_attribute_paths(hc_diff *diff)
{
	unsigned count = diff->paths->list->len;
	g_autofree uint32_t *row = g_new(uint32_t, MAX(count, 1));
	g_autofree bool *explained = g_new0(bool, MAX(count, 1));
	g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(hc_path_row));
	rows_of_paths rows = { diff, row, explained, list };

	for (uint32_t i = 0; i < count; i++) {
		const hc_merged_path *path = hc_merged_paths_get(diff->paths, i);
		bool inherited = path->parent != HC_SNAPSHOT_NONE && explained[path->parent];

		row[i] = inherited ? row[path->parent] : HC_SNAPSHOT_NONE;
		explained[i] = inherited || hc_diff_explains(diff, path);
		if (row[i] == HC_SNAPSHOT_NONE &&
			(explained[i] || path->is_container || hc_diff_is_ever(path->own, diff->count)))
			row[i] = add_row(&rows, i);
		if (row[i] != HC_SNAPSHOT_NONE)
			add_to_row(&rows, row[i], path);
	}
	join_shared(diff, list);
	hc_diff_join_moved(diff, list, row);
	for (unsigned i = 0; i < list->len; i++)
		if (g_array_index(list, hc_path_row, i).path != HC_SNAPSHOT_NONE)
			add_path_row(diff, &g_array_index(list, hc_path_row, i));
}
