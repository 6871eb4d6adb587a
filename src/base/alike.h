/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	HC_ALIKE_THREADS = 3, /* that make one row */
	HC_ALIKE_SHARE = 4
};

/*
 * Whether what COUNT threads have of one variable, SUM together and MOST at most, is so much the same that it is told as one figure: no
 * thread has more than half as much again as the mean, or more than a quarter of all. 0 is not: there is nothing to tell.
 */
static inline bool hc_are_alike(uint64_t sum, uint64_t most, unsigned count)
{
	return sum && count >= HC_ALIKE_THREADS &&
	       (most <= sum / HC_ALIKE_SHARE || most <= sum / count + sum / count / 2);
}
