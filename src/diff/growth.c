/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A row of the growth that was shared out: how one is made, and what is asked of it. */
#include "diff/diff_state.h"

enum {
	LITTLE_OUTSIDE = 10, /* of growth: if one in so many bytes is not malloc's, that is told */
};

uint64_t *hc_diff_new_steps(hc_diff *diff)
{
	uint64_t *steps = g_new0(uint64_t, diff->count);

	g_ptr_array_add(diff->steps, steps);
	return steps;
}

void hc_diff_add_growth(hc_diff *diff, hc_growth row)
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

bool hc_diff_is_ever(const uint64_t *figures, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (figures[i])
			return true;
	return false;
}
