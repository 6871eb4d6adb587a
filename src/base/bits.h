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

/* Bits that are set in bytes of WORD, each byte's count in its place. Without an instruction for it __builtin_popcountll() is a call. */
static inline uint64_t hc_bits_of_bytes(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	return (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
}

/* The sum of bytes. */
static inline unsigned hc_sum_of_bytes(uint64_t bytes)
{
	bytes = (bytes & 0x00ff00ff00ff00ff) + (bytes >> 8 & 0x00ff00ff00ff00ff);
	return (unsigned)(bytes * 0x0001000100010001 >> 48);
}

/* How many bits are set in the bits before INDEX, from the word FIRST on: of no more than 31 words. */
static inline unsigned hc_bits_between(const uint64_t *bitmap, uint64_t first, uint64_t index)
{
	uint64_t bytes = hc_bits_of_bytes(bitmap[index / 64] & (((uint64_t)1 << index % 64) - 1));

	for (uint64_t word = first; word < index / 64; word++)
		bytes += hc_bits_of_bytes(bitmap[word]);
	return hc_sum_of_bytes(bytes);
}

/* How many bits of the word that bit INDEX is in are set before it. */
static inline unsigned hc_bits_before(const uint64_t *bitmap, uint64_t index)
{
	return hc_bits_between(bitmap, index / 64, index);
}
