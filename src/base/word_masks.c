/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each question is here twice: in C, and in AVX-512, which has a bit for each of eight words as the result of a comparison. What is told is the
 * same (tests/unit/test_filter.c asks both).
 *
 * A multiple of a power of two in a range is one comparison: rotated by that many bits, the difference to the lowest value is large if one of the
 * bits that came to the top is set.
 */
#include "base/word_masks.h"

#include "base/word.h"

static const uint64_t LOWER = ((uint64_t)1 << 48) - 1;

static inline uint64_t rotate(uint64_t value, unsigned shift)
{
	return value >> shift | value << (64 - shift) % 64;
}

static inline bool is_in(uint64_t value, hc_word_range range)
{
	return rotate(value - range.low, range.shift) <= (range.span - 1) >> range.shift;
}

#if defined __x86_64__ && !defined __ILP32__
#include <immintrin.h>

#define WITH_AVX512 __attribute__((target("avx512f")))

static inline bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

/* Those of eight words from word I on that there are. */
static inline __mmask8 present(unsigned count, unsigned i)
{
	return count - i >= 8 ? 0xff : (__mmask8)((1u << (count - i)) - 1);
}

static inline WITH_AVX512 __mmask8 are_in(__mmask8 which, __m512i values, __m512i low, __m512i shift, __m512i highest)
{
	return _mm512_mask_cmple_epu64_mask(which, _mm512_rorv_epi64(_mm512_sub_epi64(values, low), shift), highest);
}

static WITH_AVX512 uint64_t in_range_avx512(const uint8_t *bytes, unsigned count, hc_word_range range)
{
	const __m512i low = _mm512_set1_epi64(range.low), shift = _mm512_set1_epi64(range.shift),
		      highest = _mm512_set1_epi64((range.span - 1) >> range.shift);
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i += 8) {
		__mmask8 which = present(count, i);
		__m512i values = _mm512_maskz_loadu_epi64(which, bytes + 8 * i);

		mask |= (uint64_t)are_in(which, values, low, shift, highest) << i;
	}
	return mask;
}

static WITH_AVX512 uint64_t in_neither_avx512(
	const uint8_t *bytes, unsigned count, hc_word_range first, hc_word_range second)
{
	const __m512i low = _mm512_set1_epi64(first.low), span = _mm512_set1_epi64(first.span),
		      other_low = _mm512_set1_epi64(second.low), other_span = _mm512_set1_epi64(second.span);
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i += 8) {
		__mmask8 which = present(count, i);
		__m512i values = _mm512_maskz_loadu_epi64(which, bytes + 8 * i);

		which = _mm512_mask_test_epi64_mask(which, values, values);
		which = _mm512_mask_cmpge_epu64_mask(which, _mm512_sub_epi64(values, low), span);
		which = _mm512_mask_cmpge_epu64_mask(which, _mm512_sub_epi64(values, other_low), other_span);
		mask |= (uint64_t)which << i;
	}
	return mask;
}

static WITH_AVX512 uint64_t from_place_avx512(const uint8_t *bytes, unsigned count, uint64_t place, hc_word_range range)
{
	const __m512i shift = _mm512_set1_epi64(range.shift),
		      highest = _mm512_set1_epi64((range.span - 1) >> range.shift), step = _mm512_set1_epi64(64);
	/* The range as each word sees it: from LOW less its own place on. */
	__m512i low =
		_mm512_sub_epi64(_mm512_set1_epi64(range.low - place), _mm512_set_epi64(56, 48, 40, 32, 24, 16, 8, 0));
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i += 8) {
		__mmask8 which = present(count, i);
		__m512i values = _mm512_maskz_loadu_epi64(which, bytes + 8 * i);

		which = _mm512_mask_test_epi64_mask(which, values, values);
		mask |= (uint64_t)are_in(which, values, low, shift, highest) << i;
		low = _mm512_sub_epi64(low, step);
	}
	return mask;
}

static WITH_AVX512 uint64_t tagged_avx512(const uint8_t *bytes, unsigned count, hc_word_range range)
{
	const __m512i low = _mm512_set1_epi64(range.low), span = _mm512_set1_epi64(range.span),
		      lower = _mm512_set1_epi64(LOWER);
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i += 8) {
		__mmask8 which = present(count, i);
		__m512i values = _mm512_maskz_loadu_epi64(which, bytes + 8 * i);

		which = _mm512_mask_cmpgt_epu64_mask(which, values, lower);
		which = _mm512_mask_cmplt_epu64_mask(
			which, _mm512_sub_epi64(_mm512_and_si512(values, lower), low), span);
		mask |= (uint64_t)which << i;
	}
	return mask;
}

static inline WITH_AVX512 __mmask8 are_new(__mmask8 which, const hc_new_words *block, unsigned i, __m512i multiplier)
{
	__m512i values = _mm512_maskz_loadu_epi64(which, block->bytes + 8 * i),
		hashes = _mm512_sub_epi32(_mm512_mullo_epi32(values, multiplier), _mm512_set1_epi32(1));
	const hc_known_words *known = block->known;
	__mmask16 halves = _mm512_cmplt_epu32_mask(hashes, _mm512_loadu_si512(known->rooms + 2 * i));
	__m512i have_room = _mm512_maskz_set1_epi32(halves, -1);

	which = _mm512_mask_test_epi64_mask(which, have_room, have_room);
	which = _mm512_mask_cmpneq_epi64_mask(which, values, _mm512_loadu_si512(known->last[0] + i));
	which = _mm512_mask_cmpneq_epi64_mask(which, values, _mm512_loadu_si512(known->last[1] + i));
	/* A shift by 64 or more leaves nothing: larger words are not among the small ones. */
	return _mm512_mask_testn_epi64_mask(
		which, _mm512_srlv_epi64(_mm512_loadu_si512(known->small + i), values), _mm512_set1_epi64(1));
}

static WITH_AVX512 void leave_new_avx512(hc_new_words *blocks, unsigned count, uint32_t multiplier)
{
	const __m512i multipliers = _mm512_set1_epi32((int)multiplier);

	for (unsigned k = 0; k < count; k++) {
		uint64_t left = 0;

		for (unsigned i = 0; i < HC_NEW_WORDS && blocks[k].words >> i; i += 8)
			left |= (uint64_t)are_new((__mmask8)(blocks[k].words >> i), &blocks[k], i, multipliers) << i;
		blocks[k].words = left;
	}
}
#else
static inline bool has_avx512(void)
{
	return false;
}

/* Not called. */
#define in_range_avx512(...)   0
#define in_neither_avx512(...) 0
#define from_place_avx512(...) 0
#define tagged_avx512(...)     0
#define leave_new_avx512(...)  ((void)0)
#endif

uint64_t hc_words_in_range_plain(const uint8_t *bytes, unsigned count, hc_word_range range)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i++)
		mask |= (uint64_t)is_in(hc_load_u64(bytes + 8 * i, false), range) << i;
	return mask;
}

uint64_t hc_words_in_neither_plain(const uint8_t *bytes, unsigned count, hc_word_range first, hc_word_range second)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = hc_load_u64(bytes + 8 * i, false);

		mask |= (uint64_t)((value != 0) & (value - first.low >= first.span) &
				   (value - second.low >= second.span))
			<< i;
	}
	return mask;
}

uint64_t hc_words_from_place_plain(const uint8_t *bytes, unsigned count, uint64_t place, hc_word_range range)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = hc_load_u64(bytes + 8 * i, false);

		mask |= (uint64_t)((value != 0) & is_in(place + 8 * i + value, range)) << i;
	}
	return mask;
}

uint64_t hc_words_tagged_plain(const uint8_t *bytes, unsigned count, hc_word_range range)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = hc_load_u64(bytes + 8 * i, false);

		mask |= (uint64_t)((value > LOWER) & ((value & LOWER) - range.low < range.span)) << i;
	}
	return mask;
}

void hc_words_leave_new_plain(hc_new_words *blocks, unsigned count, uint32_t multiplier)
{
	for (unsigned k = 0; k < count; k++) {
		const hc_new_words *block = &blocks[k];
		const hc_known_words *known = block->known;
		uint64_t left = 0;

		for (uint64_t words = block->words; words; words &= words - 1) {
			unsigned i = __builtin_ctzll(words);
			const uint8_t *word = block->bytes + 8 * i;
			uint64_t value = hc_load_u64(word, false);
			uint32_t first = hc_load_u32(word, false) * multiplier - 1,
				 second = hc_load_u32(word + 4, false) * multiplier - 1;

			if (value != known->last[0][i] && value != known->last[1][i] &&
				(value >= 64 || !(known->small[i] >> value & 1)) &&
				((first < known->rooms[2 * i]) | (second < known->rooms[2 * i + 1])))
				left |= words & -words;
		}
		blocks[k].words = left;
	}
}

uint64_t hc_words_in_range(const uint8_t *bytes, unsigned count, hc_word_range range)
{
	return has_avx512() ? in_range_avx512(bytes, count, range) : hc_words_in_range_plain(bytes, count, range);
}

uint64_t hc_words_in_neither(const uint8_t *bytes, unsigned count, hc_word_range first, hc_word_range second)
{
	return has_avx512() ? in_neither_avx512(bytes, count, first, second) :
			      hc_words_in_neither_plain(bytes, count, first, second);
}

uint64_t hc_words_from_place(const uint8_t *bytes, unsigned count, uint64_t place, hc_word_range range)
{
	return has_avx512() ? from_place_avx512(bytes, count, place, range) :
			      hc_words_from_place_plain(bytes, count, place, range);
}

uint64_t hc_words_tagged(const uint8_t *bytes, unsigned count, hc_word_range range)
{
	return has_avx512() ? tagged_avx512(bytes, count, range) : hc_words_tagged_plain(bytes, count, range);
}

void hc_words_leave_new(hc_new_words *blocks, unsigned count, uint32_t multiplier)
{
	if (has_avx512())
		leave_new_avx512(blocks, count, multiplier);
	else
		hc_words_leave_new_plain(blocks, count, multiplier);
}
