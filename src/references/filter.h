/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A set of stretches of addresses that fits into the cache: one bit for each stretch of 2^shift bytes,
 * modulo the number of bits. It has all that was put in, and may have others.
 *
 * Who looks for pointers to few blocks asks it first: nearly all words lead elsewhere, and then the index
 * of blocks, which is larger than the cache, is not touched. Whole stretches of words are asked for eight at a time, without a
 * branch for each: whether a word is an address at all cannot be foretold. What is far from all that was put in is not looked up.
 */
#pragma once

#include "base/bits.h"
#include "base/word.h"
#include "base/word_masks.h"

#include <heapcore/core.h>

typedef struct hc_address_filter {
	uint64_t *bits;
	uint64_t mask;
	unsigned shift;
	hc_address lowest, span; /* all that was put in is in [lowest, lowest + span) */
} hc_address_filter;

/* Makes room for COUNT stretches. FALSE if memory was out. Free with hc_address_filter_clear(). */
static inline bool hc_address_filter_init(hc_address_filter *filter, unsigned shift, uint64_t count)
{
	uint64_t bits = (uint64_t)1 << 15;

	while (bits < (uint64_t)1 << 23 && bits / 16 < count)
		bits *= 2;
	*filter = (hc_address_filter){ g_try_new0(uint64_t, bits / 64), bits - 1, shift, 0, 0 };
	return filter->bits != NULL;
}

static inline void hc_address_filter_clear(hc_address_filter *filter)
{
	g_clear_pointer(&filter->bits, g_free);
}

/* Puts the addresses [start, end) in. */
static inline void hc_address_filter_add(hc_address_filter *filter, hc_address start, hc_address end)
{
	if (start < end) {
		hc_address lowest = filter->span ? MIN(filter->lowest, start) : start;

		filter->span = MAX(filter->lowest + filter->span, end) - lowest;
		filter->lowest = lowest;
	}
	uint64_t first = start >> filter->shift, count = start < end ? ((end - 1) >> filter->shift) - first + 1 : 0;

	for (uint64_t i = 0; i < MIN(count, filter->mask + 1); i++)
		hc_set_bit(filter->bits, (first + i) & filter->mask);
}

static inline bool hc_address_filter_has(const hc_address_filter *filter, hc_address address)
{
	return (address - filter->lowest < filter->span) &
	       hc_bit(filter->bits, address >> filter->shift & filter->mask);
}

/* The first of the words of BYTES, from byte AT to byte SIZE, that the filter has: its byte. SIZE, or a little more: none. */
static inline __attribute__((always_inline)) uint64_t hc_address_filter_next(
	const hc_address_filter *all, const uint8_t *bytes, uint64_t at, uint64_t size, hc_word_format format)
{
	const hc_address_filter filter = *all;
	const unsigned step = 8 * format.size;

	for (; at + step <= size; at += step) {
		unsigned near = 0;

#pragma GCC unroll 8
		for (unsigned i = 0; i < 8; i++)
			near |= (unsigned)(hc_load_word(bytes + at + i * format.size, format) - filter.lowest <
					   filter.span)
				<< i;
		for (; near; near &= near - 1) {
			uint64_t found = at + __builtin_ctz(near) * format.size;

			if (hc_address_filter_has(&filter, hc_load_word(bytes + found, format)))
				return found;
		}
	}
	while (at + format.size <= size && !hc_address_filter_has(&filter, hc_load_word(bytes + at, format)))
		at += format.size;
	return at + format.size <= size ? at : size;
}

/* The same of COUNT words at once, at most HC_WORD_MASK: a bit for each that the filter has. */
static inline __attribute__((always_inline)) uint64_t hc_address_filter_mask(
	const hc_address_filter *filter, const uint8_t *bytes, unsigned count, hc_word_format format)
{
	uint64_t near = 0, has = 0;

	if (!filter->span)
		return 0;
	if (format.size == 8 && !format.swap)
		near = hc_words_in_range(bytes, count, (hc_word_range){ filter->lowest, filter->span, 0 });
	else
		near = ~(uint64_t)0 >> (HC_WORD_MASK - count);
	for (; near; near &= near - 1) {
		unsigned i = __builtin_ctzll(near);

		has |= (uint64_t)hc_address_filter_has(filter, hc_load_word(bytes + i * format.size, format)) << i;
	}
	return has;
}
