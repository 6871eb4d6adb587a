/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bitmaps: bit INDEX of an array of 64-bit words, from the least significant bit of the first word on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool hc_bit(const uint64_t *bitmap, uint64_t index)
{
	return bitmap[index / 64] >> index % 64 & 1;
}

static inline void hc_set_bit(uint64_t *bitmap, uint64_t index)
{
	bitmap[index / 64] |= (uint64_t)1 << index % 64;
}

/* Sets the bit; true if it was not set before. */
static inline bool hc_take_bit(uint64_t *bitmap, uint64_t index)
{
	bool is_new = !hc_bit(bitmap, index);

	hc_set_bit(bitmap, index);
	return is_new;
}

static inline void hc_clear_bit(uint64_t *bitmap, uint64_t index)
{
	bitmap[index / 64] &= ~((uint64_t)1 << index % 64);
}

/* How many bits of the word that bit INDEX is in are set before it. */
static inline unsigned hc_bits_before(const uint64_t *bitmap, uint64_t index)
{
	return __builtin_popcountll(bitmap[index / 64] & (((uint64_t)1 << index % 64) - 1));
}
