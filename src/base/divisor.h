/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two numbers have in common. */
#pragma once

#include <stdint.h>

/* The greatest number that divides A and B; of 0 and a number that number. */
static inline uint64_t hc_greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}
