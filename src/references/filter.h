/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A set of stretches of addresses that fits into the cache: one bit for each stretch of 2^shift bytes,
 * modulo the number of bits. It has all that was put in, and may have others.
 *
 * Who looks for pointers to few blocks asks it first: nearly all words lead elsewhere, and then the index
 * of blocks, which is larger than the cache, is not touched.
 */
#pragma once

#include "base/bits.h"

#include <heapcore/core.h>

typedef struct hc_address_filter {
	uint64_t *bits;
	uint64_t mask;
	unsigned shift;
} hc_address_filter;

/* Makes room for COUNT stretches. FALSE if memory was out. Free with hc_address_filter_clear(). */
static inline bool hc_address_filter_init(hc_address_filter *filter, unsigned shift, uint64_t count)
{
	uint64_t bits = (uint64_t)1 << 15;

	while (bits < (uint64_t)1 << 23 && bits / 16 < count)
		bits *= 2;
	*filter = (hc_address_filter){ g_try_new0(uint64_t, bits / 64), bits - 1, shift };
	return filter->bits != NULL;
}

static inline void hc_address_filter_clear(hc_address_filter *filter)
{
	g_clear_pointer(&filter->bits, g_free);
}

/* Puts the addresses [start, end) in. */
static inline void hc_address_filter_add(hc_address_filter *filter, hc_address start, hc_address end)
{
	uint64_t first = start >> filter->shift, count = start < end ? ((end - 1) >> filter->shift) - first + 1 : 0;

	for (uint64_t i = 0; i < MIN(count, filter->mask + 1); i++)
		hc_set_bit(filter->bits, (first + i) & filter->mask);
}

static inline bool hc_address_filter_has(const hc_address_filter *filter, hc_address address)
{
	return hc_bit(filter->bits, address >> filter->shift & filter->mask);
}
