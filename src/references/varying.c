/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Headers whose length a word beside the pointer tells.
 *
 * A hash table that keeps its index in front of its entries, in one block, holds a pointer to the entries. How far into the block
 * that leads depends on the table's size, so no single distance is a habit. But the size stands beside the pointer: PHP's arrays have
 * in the 32 bits before it the negative number of index entries, of 4 bytes each (HT_HASH_SIZE() in Zend/zend_types.h).
 *
 * A rule is a place beside the pointer and a factor: the distance is the factor times the signed 32 bits there. It is learned if
 *
 *	- it gave the exact distance into at least BLOCKS_NEEDED different blocks,
 *	- with at least DISTANCES_NEEDED different distances,
 *	- from numbers of at least NUMBER_MIN: flags, counts of references and the like are small, and equal to a small distance
 *	  often enough.
 *
 * One number beside a pointer into a block of S bytes is such a one by accident with a chance of about 1 / S, if it is a number of that
 * size at all; four different ones at one place with one factor are beyond that. In PHP two rules fit, the mask and the size: both are true.
 */
#include "references/varying.h"

enum {
	BLOCKS_NEEDED = 16,
	DISTANCES_NEEDED = 4,
	NUMBER_MIN = 16,
	FACTORS = HC_VARYING_FACTORS / 2, /* and as many negative ones */
};

static const uint8_t factors[FACTORS] = { 1, 2, 4, 8, 12, 16, 24, 32 };

/* From the pointer to word number WORD, in bytes. */
static int place_of(unsigned word)
{
	return 4 * ((int)word - HC_VARYING_WORDS / 2);
}

/* The signed 32 bits at word number WORD beside the pointer at AT; 0 if there are none. */
static int64_t number_at(const hc_references *references, const hc_word_source *source, uint64_t at, unsigned word)
{
	hc_word_format format = hc_core_word_format(references->core);
	int place = place_of(word);

	if ((place >= 0 && place < (int)format.size) || (place < 0 && at < (uint64_t)-place) ||
		at + place + 4 > source->size)
		return 0;
	return (int32_t)hc_load_u32(source->bytes + at + place, format.swap);
}

/* The number of the factor by which NUMBER tells DISTANCE; -1 if there is none. */
static int factor_of(int64_t number, uint64_t distance)
{
	uint64_t size = number < 0 ? -number : number;

	if (size < NUMBER_MIN || distance % size)
		return -1;
	for (unsigned i = 0; i < FACTORS; i++)
		if (factors[i] == distance / size)
			return (int)i + (number < 0 ? FACTORS : 0);
	return -1;
}

void hc_varying_count(hc_varying_counters *counters, const hc_references *references, const hc_word_source *source,
	uint64_t at, uint64_t start, uint64_t distance)
{
	for (unsigned word = 0; word < HC_VARYING_WORDS; word++) {
		int factor = factor_of(number_at(references, source, at, word), distance);
		unsigned bit = hc_learn_hash(start) % HC_VARYING_BLOCKS;

		if (factor < 0)
			continue;
		hc_varying_rule *rule = &counters->rules[word][factor];

		hc_set_bit(rule->blocks, bit);
		rule->distances |= (uint64_t)1 << hc_learn_hash(distance) % 64;
	}
}

/* Whether the rule that all workers saw parts of is proved. */
static bool is_proved(hc_varying_counters *counters, unsigned count, unsigned word, unsigned factor)
{
	hc_varying_rule *all = &counters[0].rules[word][factor];
	unsigned blocks = 0;

	for (unsigned i = 0; i < HC_VARYING_BLOCKS / 64; i++) {
		for (unsigned worker = 1; worker < count; worker++)
			all->blocks[i] |= counters[worker].rules[word][factor].blocks[i];
		blocks += __builtin_popcountll(all->blocks[i]);
	}
	for (unsigned worker = 1; worker < count; worker++)
		all->distances |= counters[worker].rules[word][factor].distances;
	return blocks >= BLOCKS_NEEDED && __builtin_popcountll(all->distances) >= DISTANCES_NEEDED;
}

bool hc_varying_learn(hc_references *references, hc_varying_counters *counters, unsigned count)
{
	bool learned = false;

	for (unsigned word = 0; word < HC_VARYING_WORDS; word++)
		for (unsigned factor = 0; factor < HC_VARYING_FACTORS; factor++)
			if (is_proved(counters, count, word, factor)) {
				references->varying_rules[word] |= 1u << factor;
				learned = true;
			}
	return learned;
}

bool hc_varying_explains(const hc_references *references, const hc_word_source *source, uint64_t at, uint64_t distance)
{
	for (unsigned word = 0; word < HC_VARYING_WORDS; word++) {
		if (!references->varying_rules[word])
			continue;
		int factor = factor_of(number_at(references, source, at, word), distance);

		if (factor >= 0 && references->varying_rules[word] >> factor & 1)
			return true;
	}
	return false;
}

void hc_varying_tell(const hc_references *references, GArray *habits)
{
	for (unsigned word = 0; word < HC_VARYING_WORDS; word++)
		for (unsigned factor = 0; factor < HC_VARYING_FACTORS; factor++) {
			hc_habit habit = {
				.kind = HC_HABIT_VARYING_HEADER,
				.factor = factor < FACTORS ? factors[factor] : -factors[factor - FACTORS],
				.place = place_of(word),
			};

			if (references->varying_rules[word] >> factor & 1)
				g_array_append_val(habits, habit);
		}
}
