/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks by size, in the first and the last snapshot: two sorted tables become one. */
#include "diff/diff_state.h"

static void add_changed(GArray *sizes, const hc_snapshot_size *a, const hc_snapshot_size *b)
{
	hc_diff_size size = {
		.size = a ? a->size : b->size,
		.blocks_a = a ? a->blocks : 0,
		.blocks_b = b ? b->blocks : 0,
		.lost_a = a ? a->lost : 0,
		.lost_b = b ? b->lost : 0,
	};

	if (size.blocks_a == size.blocks_b && size.lost_a == size.lost_b)
		return;
	size.growth = (int64_t)(size.size * (size.blocks_b - size.blocks_a));
	g_array_append_val(sizes, size);
}

static int most_grown_first(const void *a, const void *b)
{
	const hc_diff_size *first = a, *second = b;

	if (first->growth != second->growth)
		return first->growth < second->growth ? 1 : -1;
	return first->size < second->size ? -1 : first->size > second->size;
}

GArray *hc_diff_count_sizes(const hc_snapshot *a, const hc_snapshot *b)
{
	GArray *sizes = g_array_new(FALSE, FALSE, sizeof(hc_diff_size));
	unsigned i = 0, j = 0;

	while (i < a->sizes->len || j < b->sizes->len) {
		const hc_snapshot_size *x = i < a->sizes->len ? &g_array_index(a->sizes, hc_snapshot_size, i) : NULL;
		const hc_snapshot_size *y = j < b->sizes->len ? &g_array_index(b->sizes, hc_snapshot_size, j) : NULL;
		bool take_x = x && (!y || x->size <= y->size), take_y = y && (!x || y->size <= x->size);

		add_changed(sizes, take_x ? x : NULL, take_y ? y : NULL);
		i += take_x;
		j += take_y;
	}
	g_array_sort(sizes, most_grown_first);
	return sizes;
}
