/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Integers of the dead process: its word size and its byte order are not necessarily ours. The inline functions fold to a
 * plain load where SIZE and SWAP are constants, so hot loops are written once and instantiated for each format.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct hc_word_format {
	unsigned size; /* 4 or 8 */
	bool swap;     /* the process's byte order is not ours */
} hc_word_format;

static inline uint16_t hc_load_u16(const void *pointer, bool swap)
{
	uint16_t value;

	memcpy(&value, pointer, sizeof value);
	return swap ? __builtin_bswap16(value) : value;
}

static inline uint32_t hc_load_u32(const void *pointer, bool swap)
{
	uint32_t value;

	memcpy(&value, pointer, sizeof value);
	return swap ? __builtin_bswap32(value) : value;
}

static inline uint64_t hc_load_u64(const void *pointer, bool swap)
{
	uint64_t value;

	memcpy(&value, pointer, sizeof value);
	return swap ? __builtin_bswap64(value) : value;
}

static inline uint64_t hc_load_word(const void *pointer, hc_word_format format)
{
	return format.size == 8 ? hc_load_u64(pointer, format.swap) : hc_load_u32(pointer, format.swap);
}

/* SIZE is 1, 2, 4 or 8. */
static inline uint64_t hc_load_unsigned(const void *pointer, unsigned size, bool swap)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)pointer;
	case 2:
		return hc_load_u16(pointer, swap);
	case 4:
		return hc_load_u32(pointer, swap);
	default:
		return hc_load_u64(pointer, swap);
	}
}

static inline uint64_t hc_align_down(uint64_t value, uint64_t power_of_two)
{
	return value & ~(power_of_two - 1);
}

/* Saturates to the largest multiple instead of wrapping. */
static inline uint64_t hc_align_up(uint64_t value, uint64_t power_of_two)
{
	uint64_t up = (value + power_of_two - 1) & ~(power_of_two - 1);

	return up < value ? ~(power_of_two - 1) : up;
}
