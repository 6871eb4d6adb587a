/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a row of figures grows at every step, or grew once. */
#include "diff/diff_state.h"

enum {
	LEAST_SHARE = 4,    /* every step at least a quarter of the mean: growing */
	STOPPED_SHARE = 20, /* the last step less than a twentieth of the whole: stopped */
};

hc_trend hc_diff_trend(const uint64_t *steps, unsigned count)
{
	int64_t growth = (int64_t)(steps[count - 1] - steps[0]), least = INT64_MAX;
	bool changed = false;

	if (count < 3)
		return HC_TREND_UNKNOWN;
	for (unsigned i = 1; i < count; i++) {
		least = MIN(least, (int64_t)(steps[i] - steps[i - 1]));
		changed |= steps[i] != steps[i - 1];
	}
	if (!changed)
		return HC_TREND_STEADY;
	if (least > 0 && least >= growth / (int64_t)(count - 1) / LEAST_SHARE)
		return HC_TREND_GROWING;
	if (growth > 0 && (int64_t)(steps[count - 1] - steps[count - 2]) < growth / STOPPED_SHARE)
		return HC_TREND_STOPPED;
	return HC_TREND_UNSTEADY;
}
