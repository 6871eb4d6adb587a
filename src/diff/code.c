/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What debug info and code of the last snapshot tell of what grew: classes of two layouts, and calls that may have allocated. */
#include "diff/diff_state.h"

#include <string.h>

/* The same class, seen in the same two ways, in SNAPSHOT; NULL: none. */
static const hc_abi_difference *find_same(const hc_snapshot *snapshot, const hc_abi_difference *difference)
{
	for (unsigned i = 0; i < snapshot->layouts->len; i++) {
		const hc_abi_difference *other = &g_array_index(snapshot->layouts, hc_snapshot_layouts, i).difference;

		if (!strcmp(other->name, difference->name) && other->sides[0].size == difference->sides[0].size &&
			other->sides[1].size == difference->sides[1].size)
			return other;
	}
	return NULL;
}

unsigned hc_diff_layouts_count(const hc_diff *diff)
{
	return diff->last->layouts->len;
}

hc_diff_layouts hc_diff_layouts_get(const hc_diff *diff, unsigned index)
{
	const hc_snapshot_layouts *layouts = &g_array_index(diff->last->layouts, hc_snapshot_layouts, index);
	const hc_abi_difference *before = find_same(diff->first, &layouts->difference);

	return (hc_diff_layouts){
		.layouts = layouts,
		.knows_before = diff->first->knows_layouts,
		.before = before ? hc_abi_all_lost(before) : (hc_amount){ 0 },
	};
}

bool hc_snapshot_is_without_code(const hc_snapshot *snapshot)
{
	return snapshot->has_types && !snapshot->knows_layouts;
}

const hc_site_answer *hc_diff_site(const hc_diff *diff, const hc_growth *row)
{
	const GArray *lost = diff->last->lost;

	for (unsigned i = 0; i < diff->last->sites->len; i++) {
		const hc_snapshot_site *site = &g_array_index(diff->last->sites, hc_snapshot_site, i);
		bool is_lost = row->lost && site->lost < lost->len &&
			       &g_array_index(lost, hc_leak_kind, site->lost) == row->lost;
		bool is_size = row->kind == HC_GROWTH_HELD && !row->owner && row->size && row->size == site->size &&
			       site->lost == HC_SNAPSHOT_NONE;

		if (is_lost || is_size)
			return &site->answer;
	}
	return NULL;
}
