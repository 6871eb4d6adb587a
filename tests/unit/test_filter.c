/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lets a search for few blocks pass over most words: each shortcut against a plain loop over all words. A word that a shortcut drops is
 * a pointer that is not found.
 */
#include "references/learn.h"
#include "unit.h"

#include <string.h>

enum {
	WORDS = 4096,
	ROUNDS = 200,
	BLOCKS = 100,
};

static const hc_address heap = 0x555555800000;

typedef struct world {
	GRand *dice;
	hc_address_filter filter;
	uint8_t bytes[WORDS * 8];
} world;

static void clear(world *w)
{
	hc_address_filter_clear(&w->filter);
	g_rand_free(w->dice);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(world, clear)

static void store(world *w, unsigned i, uint64_t value, hc_word_format format)
{
	if (format.size == 4) {
		uint32_t word = format.swap ? __builtin_bswap32((uint32_t)value) : (uint32_t)value;

		memcpy(w->bytes + 4 * i, &word, sizeof word);
	} else {
		value = format.swap ? __builtin_bswap64(value) : value;
		memcpy(w->bytes + 8 * i, &value, sizeof value);
	}
}

/* Words of all kinds, of which every so many lead into what is put into the filter. */
static void start(world *w, guint32 seed, hc_word_format format)
{
	hc_address base = format.size == 4 ? 0x56000000 : heap;
	unsigned targets = 1 + seed % 40, often = 1 + seed % 60;

	w->dice = g_rand_new_with_seed(seed);
	CU_ASSERT_TRUE(hc_address_filter_init(&w->filter, seed % 2 ? 4 : 12, targets));
	for (unsigned i = 0; i < targets; i++) {
		hc_address target = base + 16 * (hc_address)g_rand_int_range(w->dice, 0, 100000);

		hc_address_filter_add(&w->filter, target, target + 1 + seed % 100);
		for (unsigned k = 0; k < 3; k++)
			store(w, g_rand_int_range(w->dice, 0, WORDS), target + g_rand_int_range(w->dice, 0, 100),
				format);
	}
	for (unsigned i = 0; i < WORDS; i++)
		if (g_rand_int_range(w->dice, 0, (gint32)often))
			store(w, i,
				g_rand_int(w->dice) % 3 ? base + g_rand_int_range(w->dice, 0, 1600000) :
							  g_rand_int(w->dice) >> seed % 32,
				format);
}

static bool is_in(const world *w, unsigned byte, hc_word_format format)
{
	return hc_address_filter_has(&w->filter, hc_load_word(w->bytes + byte, format));
}

/* Returns how many the filter has. */
static uint64_t check_words(guint32 seed, hc_word_format format)
{
	g_auto(world) w = { 0 };
	uint64_t size = (WORDS - seed % 9) * format.size, next = 0, found = 0;

	start(&w, seed, format);
	for (uint64_t at = 0; at < size; at += format.size) {
		if (!is_in(&w, at, format))
			continue;
		CU_ASSERT_EQUAL(next = hc_address_filter_next(&w.filter, w.bytes, next, size, format), at);
		next += format.size;
		found++;
	}
	CU_ASSERT_TRUE(hc_address_filter_next(&w.filter, w.bytes, next, size, format) >= size);
	return found;
}

static void test_words(void)
{
	uint64_t found = 0;

	for (guint32 seed = 1; seed <= ROUNDS; seed++)
		found += check_words(seed, (hc_word_format){ seed % 3 ? 8 : 4, seed % 5 == 0 });
	CU_ASSERT_TRUE(found > ROUNDS);
}

/* All that was put in is there, and what is outside of its range is not. */
static void test_members(void)
{
	for (guint32 seed = 1; seed <= ROUNDS; seed++) {
		g_autoptr(GRand) dice = g_rand_new_with_seed(seed);
		hc_address_filter filter;
		hc_address ends[BLOCKS][2], lowest = UINT64_MAX, highest = 0;

		CU_ASSERT_TRUE(hc_address_filter_init(&filter, seed % 13, BLOCKS));
		for (unsigned i = 0; i < BLOCKS; i++) {
			ends[i][0] = heap + (hc_address)g_rand_int(dice) * (seed % 4);
			ends[i][1] = ends[i][0] + g_rand_int_range(dice, 1, 5000);
			lowest = MIN(lowest, ends[i][0]);
			highest = MAX(highest, ends[i][1]);
			hc_address_filter_add(&filter, ends[i][0], ends[i][1]);
		}
		for (unsigned i = 0; i < BLOCKS; i++)
			for (hc_address address = ends[i][0]; address < ends[i][1]; address += 7)
				CU_ASSERT_TRUE(hc_address_filter_has(&filter, address));
		CU_ASSERT_FALSE(hc_address_filter_has(&filter, lowest - 1));
		CU_ASSERT_FALSE(hc_address_filter_has(&filter, highest));
		hc_address_filter_clear(&filter);
	}
}

/* Blocks in a row, with gaps now and then, small and large, of which some are not given. */
static unsigned lay_out(world *w, hc_live_block blocks[BLOCKS])
{
	unsigned count = 0;

	for (uint64_t at = 8; count < BLOCKS;) {
		uint64_t size = 8 + 16 * (uint64_t)g_rand_int_range(w->dice, 1, 8);

		if (at + size > sizeof w->bytes)
			break;
		if (g_rand_int_range(w->dice, 0, 5))
			blocks[count++] = (hc_live_block){
				.bytes = w->bytes + at,
				.size = size,
				.address = heap + at + (at > sizeof w->bytes / 2 ? 0x100000 : 0),
				.block_size = size,
			};
		at += size + 8 + (g_rand_int_range(w->dice, 0, 9) ? 0 : 16 * g_rand_int_range(w->dice, 0, 40));
	}
	return count;
}

static uint64_t ask(const void *data, const uint8_t *bytes, unsigned count, hc_address place)
{
	/* Every place is that of a block, or a little behind one. */
	CU_ASSERT_TRUE(place - heap < 0x200000);
	return hc_address_filter_mask(data, bytes, count, (hc_word_format){ 8, false });
}

static uint64_t ask_swapped(const void *data, const uint8_t *bytes, unsigned count, hc_address place)
{
	(void)place;
	return hc_address_filter_mask(data, bytes, count, (hc_word_format){ 8, true });
}

static void test_blocks(void)
{
	for (guint32 seed = 1; seed <= ROUNDS; seed++) {
		g_auto(world) w = { 0 };
		hc_word_format format = { 8, seed % 5 == 0 };
		hc_live_block blocks[BLOCKS];
		const hc_live_block *block;
		uint64_t at;

		start(&w, seed, format);
		hc_asked_words words = { .blocks = blocks, .count = lay_out(&w, blocks) };

		for (unsigned i = 0; i < words.count; i++)
			for (uint64_t k = 0; k < blocks[i].size; k += 8) {
				if (!is_in(&w, blocks[i].bytes - w.bytes + k, format))
					continue;
				CU_ASSERT_TRUE(hc_asked_words_next(
					&words, format.swap ? ask_swapped : ask, &w.filter, format, &block, &at));
				CU_ASSERT_PTR_EQUAL(block, &blocks[i]);
				CU_ASSERT_EQUAL(at, k);
			}
		CU_ASSERT_FALSE(
			hc_asked_words_next(&words, format.swap ? ask_swapped : ask, &w.filter, format, &block, &at));
	}
}

/* Words on both sides of both ends of RANGE, as they are and as distances from their places. */
static void store_ends(world *w, hc_word_range range)
{
	uint64_t last = (range.span - 1) >> range.shift << range.shift;
	const uint64_t ends[] = { 0, last, -((uint64_t)1 << range.shift), last + ((uint64_t)1 << range.shift), 1,
		range.span - 1, range.span };

	for (unsigned i = 0; i < 2 * G_N_ELEMENTS(ends); i++) {
		uint64_t value = range.low + ends[i / 2];

		store(w, i, i % 2 ? value - (heap + 8 * i) : value, (hc_word_format){ 8, false });
	}
}

/* COUNT words at byte AT: each question against the sentence that says what is asked, with AVX-512 (where there is that) and without. */
static void check_masks(const world *w, uint64_t at, unsigned count, hc_word_range range, hc_word_range other)
{
	const uint8_t *bytes = w->bytes + at;
	uint64_t place = heap + at, in = 0, neither = 0, from_place = 0, tagged = 0, step = (uint64_t)1 << range.shift;

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = hc_load_u64(bytes + 8 * i, false), lower = value & 0xffffffffffff,
			 distance = value - range.low, led = place + 8 * i + value - range.low;

		in |= (uint64_t)(distance < range.span && distance % step == 0) << i;
		neither |= (uint64_t)(value && distance >= range.span && value - other.low >= other.span) << i;
		from_place |= (uint64_t)(value && led < range.span && led % step == 0) << i;
		tagged |= (uint64_t)(value >> 48 && lower - range.low < range.span) << i;
	}
	CU_ASSERT_EQUAL(hc_words_in_range(bytes, count, range), in);
	CU_ASSERT_EQUAL(hc_words_in_range_plain(bytes, count, range), in);
	CU_ASSERT_EQUAL(hc_words_in_neither(bytes, count, range, other), neither);
	CU_ASSERT_EQUAL(hc_words_in_neither_plain(bytes, count, range, other), neither);
	CU_ASSERT_EQUAL(hc_words_from_place(bytes, count, place, range), from_place);
	CU_ASSERT_EQUAL(hc_words_from_place_plain(bytes, count, place, range), from_place);
	CU_ASSERT_EQUAL(hc_words_tagged(bytes, count, range), tagged);
	CU_ASSERT_EQUAL(hc_words_tagged_plain(bytes, count, range), tagged);
}

static void test_masks(void)
{
	for (guint32 seed = 1; seed <= ROUNDS; seed++) {
		g_auto(world) w = { 0 };
		hc_word_range range = { heap + 4096 * (seed % 7), 1 + (seed * 7919) % 900000, seed % 13 },
			      other = { heap + 1000000, 8 * (seed % 100000), 0 };

		start(&w, seed, (hc_word_format){ 8, false });
		for (unsigned i = 0; i < WORDS; i += 1 + seed % 5)
			store(&w, i,
				g_rand_int(w.dice) % 2 ? (uint64_t)g_rand_int_range(w.dice, -2000000, 2000000) :
							 range.low + g_rand_int_range(w.dice, -9, 900000) +
								 ((uint64_t)g_rand_int(w.dice) << 48),
				(hc_word_format){ 8, false });
		if (seed % 11 == 0)
			range = (hc_word_range){ UINT64_MAX - 99, 4000, 0 };
		store_ends(&w, range);
		check_masks(&w, 0, 1 + seed % HC_WORD_MASK, range, other);
		check_masks(&w, 0, HC_WORD_MASK, range, other);
		for (unsigned i = 0; i < 40; i++) {
			unsigned count = 1 + (seed + i * 7) % HC_WORD_MASK;

			check_masks(&w, g_rand_int_range(w.dice, 0, 8 * (WORDS - HC_WORD_MASK)), count, range, other);
		}
	}
}

/* Small numbers, so that some are known, and rooms of all sizes; what is not asked for lies behind the end of memory now and then. */
static void check_new(const world *w, uint64_t at, uint32_t multiplier)
{
	hc_known_words known;
	uint64_t left = 0;
	hc_new_words asked = { w->bytes + at, g_rand_int(w->dice), &known }, plain;

	if (at / 8 + HC_NEW_WORDS > WORDS)
		asked.words &= ((uint64_t)1 << (WORDS - at / 8)) - 1;
	for (unsigned i = 0; i < HC_NEW_WORDS; i++) {
		known.rooms[2 * i] =
			g_rand_int_range(w->dice, 0, 3) ? g_rand_int(w->dice) >> g_rand_int_range(w->dice, 0, 32) : 0;
		known.rooms[2 * i + 1] = g_rand_int_range(w->dice, 0, 3) ? 0 : UINT32_MAX;
		known.last[0][i] = g_rand_int_range(w->dice, 0, 4);
		known.last[1][i] = g_rand_int_range(w->dice, 0, 2) ? 0 : UINT64_C(0x100000001);
		known.small[i] =
			g_rand_int_range(w->dice, 0, 3) ? (uint64_t)g_rand_int(w->dice) << 32 | g_rand_int(w->dice) : 0;
		if (!(asked.words >> i & 1))
			continue;
		uint64_t value = hc_load_u64(asked.bytes + 8 * i, false);
		uint32_t first = hc_load_u32(asked.bytes + 8 * i, false) * multiplier,
			 second = hc_load_u32(asked.bytes + 8 * i + 4, false) * multiplier;
		bool has_room = first - 1 < known.rooms[2 * i] || second - 1 < known.rooms[2 * i + 1];
		bool is_known = value == known.last[0][i] || value == known.last[1][i];

		for (unsigned bit = 0; bit < 64; bit++)
			is_known |= value == bit && known.small[i] & (uint64_t)1 << bit;
		left |= (uint64_t)(has_room && !is_known) << i;
	}
	plain = asked;
	hc_words_leave_new(&asked, 1, multiplier);
	hc_words_leave_new_plain(&plain, 1, multiplier);
	CU_ASSERT_EQUAL(asked.words, left);
	CU_ASSERT_EQUAL(plain.words, left);
}

static void test_new_words(void)
{
	for (guint32 seed = 1; seed <= ROUNDS; seed++) {
		g_auto(world) w = { 0 };

		start(&w, seed, (hc_word_format){ 8, false });
		for (unsigned i = 0; i < WORDS; i++)
			if (g_rand_int_range(w.dice, 0, 3))
				store(&w, i,
					g_rand_int_range(w.dice, 0, seed % 5 ? 5 : 130) |
						(uint64_t)g_rand_int_range(w.dice, 0, 2) << (seed % 2 ? 32 : 45),
					(hc_word_format){ 8, false });
		for (unsigned i = 0; i < 100; i++)
			check_new(&w, 8 * (uint64_t)g_rand_int_range(w.dice, 0, WORDS), seed % 3 ? 0x9e3779b1 : 1);
	}
}

static void test_numbers(void)
{
	hc_blocks index = { .spans = { { .start = heap, .size = 800000 }, { .start = 0x7ffff0000000, .size = 64 } } };

	for (guint32 seed = 1; seed <= ROUNDS; seed++) {
		g_auto(world) w = { 0 };
		bool swap = seed % 5 == 0;
		hc_live_block blocks[BLOCKS];
		uint64_t numbers[BLOCKS];

		start(&w, seed, (hc_word_format){ 8, swap });
		store(&w, 1, index.spans[1].start + 63, (hc_word_format){ 8, swap });
		unsigned count = lay_out(&w, blocks);

		hc_live_blocks_numbers(&index, blocks, count, swap, numbers);
		for (unsigned i = 0; i < count; i++)
			for (uint64_t k = 0; k < blocks[i].size; k += 8) {
				uint64_t value = hc_load_u64(blocks[i].bytes + k, swap);

				CU_ASSERT_EQUAL(
					numbers[i] >> k / 8 & 1, value && !hc_blocks_may_contain(&index, value));
			}
	}
}

int main(void)
{
	static const unit_case cases[] = {
		{ "what was put in is there", test_members },
		{ "words one by one", test_words },
		{ "words of blocks", test_blocks },
		{ "bits of words", test_masks },
		{ "new words", test_new_words },
		{ "numbers", test_numbers },
	};

	return unit_main("filter", cases, G_N_ELEMENTS(cases));
}
