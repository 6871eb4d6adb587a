/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is asked of every word of memory, and answered with no for nearly all: up to 64 words of 8 bytes, in our byte order, at once, as a
 * bit for each, the first word's the lowest. With AVX-512 that is eight words at a time; elsewhere one by one, but without a branch for each.
 */
#pragma once

#include <stdint.h>

enum {
	HC_WORD_MASK = 64, /* words */
	HC_NEW_WORDS = 32,
};

/* Values from LOW on, SPAN of them, which is not 0: of these every 2^SHIFTth. */
typedef struct hc_word_range {
	uint64_t low, span;
	unsigned shift;
} hc_word_range;

/* The words of COUNT, at most HC_WORD_MASK, that are in RANGE. */
uint64_t hc_words_in_range(const uint8_t *bytes, unsigned count, hc_word_range range);

/* The words that are in neither range, and not 0. A range without values has the span 0 here. No shift is looked at. */
uint64_t hc_words_in_neither(const uint8_t *bytes, unsigned count, hc_word_range first, hc_word_range second);

/* The words that are not 0, and in RANGE if the place of each is added, the first one's being PLACE. */
uint64_t hc_words_from_place(const uint8_t *bytes, unsigned count, uint64_t place, hc_word_range range);

/* The words whose lower 48 bits are in RANGE, and whose upper ones are not all 0. No shift is looked at. */
uint64_t hc_words_tagged(const uint8_t *bytes, unsigned count, hc_word_range range);

/* What is known of the words of blocks of one size, by where they are in the block. */
typedef struct hc_known_words {
	uint32_t rooms[2 * HC_NEW_WORDS]; /* two for each word */
	uint64_t last[2][HC_NEW_WORDS];	  /* words that are known */
	uint64_t small[HC_NEW_WORDS];	  /* a bit for each word below 64 that is known */
} hc_known_words;

/* Words of a block. */
typedef struct hc_new_words {
	const uint8_t *bytes;
	uint64_t words; /* a bit for each that is asked for, of the first HC_NEW_WORDS */
	const hc_known_words *known;
} hc_new_words;

/* Leaves of the words of COUNT blocks those that are not known, and of which a half, times MULTIPLIER and less 1, is below its room. */
void hc_words_leave_new(hc_new_words *blocks, unsigned count, uint32_t multiplier);

/* The same without AVX-512, for tests. */
void hc_words_leave_new_plain(hc_new_words *blocks, unsigned count, uint32_t multiplier);
uint64_t hc_words_in_range_plain(const uint8_t *bytes, unsigned count, hc_word_range range);
uint64_t hc_words_in_neither_plain(const uint8_t *bytes, unsigned count, hc_word_range first, hc_word_range second);
uint64_t hc_words_from_place_plain(const uint8_t *bytes, unsigned count, uint64_t place, hc_word_range range);
uint64_t hc_words_tagged_plain(const uint8_t *bytes, unsigned count, hc_word_range range);
