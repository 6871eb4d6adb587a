/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trees of owners of all snapshots laid over each other. Two paths are one if they read the same and begin at the same variable:
 * of that name, in that function, of that thread, and with the same place among others of the name. Of one
 * process threads are the ids that the kernel gave them; of several the n-th thread stands for the n-th.
 */
#include "diff/diff_state.h"

#include <inttypes.h>
#include <string.h>

enum {
	FIGURES = 14 /* of a path */
};

struct merging {
	hc_merged_paths *paths;
	GHashTable *known; /* key -> index + 1 */
	bool is_one_process;
};

/* The place of thread ID among all of them, in order of ids. */
static unsigned thread_rank(const hc_snapshot *snapshot, int64_t id)
{
	unsigned rank = 1;

	for (unsigned i = 0; i < snapshot->threads->len; i++)
		rank += g_array_index(snapshot->threads, int64_t, i) < id;
	return rank;
}

static char *key_of(const struct merging *merging, const hc_snapshot *snapshot, const hc_snapshot_owner *owner)
{
	int64_t thread = owner->thread;

	if (thread && !merging->is_one_process)
		thread = thread_rank(snapshot, thread);
	return g_strdup_printf("%s\n%s\n%" PRId64 "\n%u\n%d", owner->path, owner->function ? owner->function : "",
		thread, owner->ordinal, owner->is_found);
}

static uint32_t add_path(struct merging *merging, char *key, uint32_t parent)
{
	hc_merged_paths *paths = merging->paths;
	uint64_t *figures = g_new0(uint64_t, (size_t)FIGURES * paths->snapshots);
	hc_merged_path path = {
		.parent = parent,
		.own = figures,
		.own_blocks = figures + paths->snapshots,
		.mapped = figures + 2 * paths->snapshots,
		.mapped_blocks = figures + 3 * paths->snapshots,
		.below = figures + 4 * paths->snapshots,
		.elements = figures + 5 * paths->snapshots,
		.count = figures + 6 * paths->snapshots,
		.shared = figures + 7 * paths->snapshots,
		.own_resident = figures + 8 * paths->snapshots,
		.mapped_resident = figures + 9 * paths->snapshots,
		.below_resident = figures + 10 * paths->snapshots,
		.outside = figures + 11 * paths->snapshots,
		.things = figures + 12 * paths->snapshots,
		.free_between = figures + 13 * paths->snapshots,
	};

	g_ptr_array_add(paths->figures, figures);
	g_array_append_val(paths->list, path);
	g_hash_table_insert(merging->known, key, GUINT_TO_POINTER(paths->list->len));
	return paths->list->len - 1;
}

/* Where a path was a container and has memory now, but nobody knows how many elements, that is all that can be told of it. */
static bool is_container(const hc_merged_path *path, const hc_snapshot_owner *owner)
{
	return owner->kind ? path->is_container || !owner->is_value :
			     path->is_container && !owner->own.blocks && !owner->outside_places;
}

static void add_figures(hc_merged_path *path, const hc_snapshot_owner *owner, unsigned snapshot)
{
	path->owner = owner;
	path->is_container = is_container(path, owner);
	path->is_at_most |= owner->kind && owner->grade == HC_GRADE_BOUND;
	path->is_exact |= owner->kind && owner->grade == HC_GRADE_EXACT && owner->elements;
	path->own[snapshot] += owner->own.bytes + owner->outside;
	path->outside[snapshot] += owner->outside;
	path->things[snapshot] += owner->own.blocks + owner->outside_places;
	path->own_blocks[snapshot] += owner->own.blocks;
	path->mapped[snapshot] += owner->mapped.bytes;
	path->mapped_blocks[snapshot] += owner->mapped.blocks;
	path->own_resident[snapshot] += owner->own_resident + owner->outside_resident;
	path->mapped_resident[snapshot] += owner->mapped_resident;
	path->elements[snapshot] += owner->kind ? owner->elements : 0;
	path->count[snapshot] += owner->count;
	path->shared[snapshot] += owner->shared.amount.bytes;
	path->free_between[snapshot] += owner->free_between;
}

/* Owners of one path in one snapshot stand for one: the last decides. */
static bool is_whole(const hc_snapshot *snapshot, const hc_snapshot_owner *owner)
{
	return hc_snapshot_is_torn(snapshot) && hc_snapshot_has_whole_heap(snapshot) &&
	       (!owner->kind || owner->grade != HC_GRADE_TRUNCATED);
}

static void merge_snapshot(struct merging *merging, const hc_snapshot *snapshot, unsigned number)
{
	uint32_t *merged = merging->paths->path_of[number] = g_new(uint32_t, MAX(snapshot->owners->len, 1));

	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);
		g_autofree char *key = key_of(merging, snapshot, owner);
		uint32_t known = GPOINTER_TO_UINT(g_hash_table_lookup(merging->known, key));

		merged[i] =
			known ? known - 1 :
				add_path(merging, g_steal_pointer(&key),
					owner->parent == HC_SNAPSHOT_NONE ? HC_SNAPSHOT_NONE : merged[owner->parent]);
		add_figures(hc_merged_paths_get(merging->paths, merged[i]), owner, number);
		hc_merged_paths_get(merging->paths, merged[i])->whole += is_whole(snapshot, owner);
	}
}

static bool is_constant(const uint64_t *figures, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		if (figures[i] != figures[0])
			return false;
	return true;
}

/* What PATH grew by, if each of its containers holds twice of what it held. */
static uint64_t fattened_by(const hc_merged_path *path, unsigned last)
{
	double before = path->count[0] ? (double)path->below[0] / path->count[0] : 0,
	       after = path->count[last] ? (double)path->below[last] / path->count[last] : 0;

	return path->is_container && path->count[0] && after >= 2 * before && path->below[last] > path->below[0] ?
		       path->below[last] - path->below[0] :
		       0;
}

/* Children come after their parents: from the end on each is complete when it is added to its parent. */
static void add_up(hc_merged_paths *paths, unsigned torn)
{
	for (uint32_t i = paths->list->len; i-- > 0;) {
		hc_merged_path *path = hc_merged_paths_get(paths, i);
		hc_merged_path *parent = path->parent == HC_SNAPSHOT_NONE ? NULL :
									    hc_merged_paths_get(paths, path->parent);

		path->is_unsure |= path->whole < torn;
		path->changed |= !is_constant(path->own, paths->snapshots) ||
				 (path->is_container && !is_constant(path->elements, paths->snapshots));
		for (unsigned snapshot = 0; snapshot < paths->snapshots; snapshot++) {
			path->below[snapshot] += path->own[snapshot];
			path->below_resident[snapshot] += path->own_resident[snapshot];
			if (!parent)
				continue;
			parent->below[snapshot] += path->below[snapshot];
			parent->below_resident[snapshot] += path->below_resident[snapshot];
		}
		if (!parent)
			continue;
		parent->changed |= path->changed;
		parent->is_unsure |= path->is_unsure;
		parent->fattened = MAX(parent->fattened, MAX(path->fattened, fattened_by(path, paths->snapshots - 1)));
	}
}

hc_merged_paths *hc_diff_merge_paths(const hc_snapshot *const *snapshots, unsigned count, bool is_one_process)
{
	hc_merged_paths *paths = g_new0(hc_merged_paths, 1);
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct merging merging = { paths, known, is_one_process };
	unsigned torn = 0;

	paths->snapshots = count;
	paths->list = g_array_new(FALSE, FALSE, sizeof(hc_merged_path));
	paths->figures = g_ptr_array_new_with_free_func(g_free);
	paths->path_of = g_new0(uint32_t *, count);
	for (unsigned i = 0; i < count; i++) {
		merge_snapshot(&merging, snapshots[i], i);
		torn += hc_snapshot_is_torn(snapshots[i]);
	}
	add_up(paths, torn);
	return paths;
}

void hc_merged_paths_free(hc_merged_paths *paths)
{
	if (!paths)
		return;
	g_array_unref(paths->list);
	g_ptr_array_unref(paths->figures);
	for (unsigned i = 0; i < paths->snapshots; i++)
		g_free(paths->path_of[i]);
	g_free(paths->path_of);
	g_free(paths);
}
