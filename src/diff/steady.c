/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What did not grow: the suspects cleared. Containers whose elements are as many as before, or that hold so little that they cannot be
 * a cause; and memory outside the heap of which nothing moved, neither what is mapped nor what is in memory.
 */
#include "diff/diff_state.h"

#include <string.h>

enum {
	LITTLE_SHARE = 1000, /* of the growth */
	STEADY_SHARE = 100,  /* a change of less than a hundredth is none */
};

static bool is_steady(const hc_diff *diff, const uint64_t *figures, uint64_t tolerance)
{
	for (unsigned i = 1; i < diff->count; i++)
		if (figures[i] > figures[0] + MAX(figures[0] / STEADY_SHARE, tolerance))
			return false;
	return true;
}

/* What fell to less than half did not grow, and is not steady either. */
static bool fell(const hc_diff *diff, const uint64_t *figures)
{
	return figures[diff->count - 1] < figures[0] / 2;
}

/*
 * Whether FIGURES, of what was in memory, or of what was mapped, stayed as they were, give or take TOLERANCE bytes. Where nobody knows what
 * was in memory (NULL), that is not held against it.
 */
static bool is_unmoved(const hc_diff *diff, const uint64_t *figures, uint64_t tolerance)
{
	for (unsigned i = 1; figures && i < diff->count; i++)
		if (MAX(figures[i], figures[0]) - MIN(figures[i], figures[0]) > tolerance)
			return false;
	return true;
}

/* Its elements did not grow, or so little memory that it cannot be a cause. */
static bool is_steady_container(const hc_diff *diff, const hc_merged_path *path)
{
	uint64_t little = (uint64_t)hc_diff_share_base(diff) / LITTLE_SHARE;

	if (is_steady(diff, path->elements, 0))
		return is_steady(diff, path->below, little);
	return is_steady(diff, path->below, little) && !is_steady(diff, path->below, 0);
}

/* Grown rows explain what is below them: nothing there is a suspect of its own. */
static bool is_below_grown(const hc_diff *diff, const hc_merged_path *path)
{
	while (path->parent != HC_SNAPSHOT_NONE) {
		path = hc_merged_paths_get(diff->paths, path->parent);
		if (path->is_container && path->changed && hc_diff_explains(diff, path))
			return true;
	}
	return false;
}

static int largest_first(const void *a, const void *b)
{
	const hc_growth *x = a, *y = b;
	bool is_container = x->kind == HC_GROWTH_CONTAINER;

	if (is_container != (y->kind == HC_GROWTH_CONTAINER))
		return is_container ? -1 : 1;
	if (x->after != y->after)
		return x->after < y->after ? 1 : -1;
	if (x->elements_after != y->elements_after)
		return x->elements_after < y->elements_after ? 1 : -1;
	return g_strcmp0(x->name, y->name);
}

void hc_diff_find_steady(hc_diff *diff)
{
	for (uint32_t i = 0; i < diff->paths->list->len; i++) {
		const hc_merged_path *path = hc_merged_paths_get(diff->paths, i);
		hc_growth row;

		if (!path->is_container || path->owner->is_found || !is_steady_container(diff, path) ||
			is_below_grown(diff, path) || hc_diff_is_joined(diff, path->owner) || path->is_unsure ||
			fell(diff, path->elements) || fell(diff, path->below) ||
			(diff->knows_resident &&
				!is_unmoved(diff, path->below_resident, path->below_resident[0] / STEADY_SHARE)))
			continue;
		row = hc_diff_describe_path(diff, path, HC_GROWTH_CONTAINER);
		row.steps = path->below;
		row.before = path->below[0];
		row.after = path->below[diff->count - 1];
		row.bytes = (int64_t)(row.after - row.before);
		row.trend = hc_diff_trend(row.steps, diff->count);
		/* What looks like an empty container is nobody's suspect. */
		if (row.elements_before || (row.before && !path->owner->by_words))
			g_array_append_val(diff->steady, row);
	}
	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		/* What has no bytes is no memory, of which something is in memory all the same. */
		if (row->kind >= HC_GROWTH_STACKS && row->kind <= HC_GROWTH_MAPPING && row->before &&
			is_unmoved(diff, row->steps, 0) && is_unmoved(diff, row->resident_steps, 0))
			g_array_append_val(diff->steady, *row);
	}
	g_array_sort(diff->steady, largest_first);
}
