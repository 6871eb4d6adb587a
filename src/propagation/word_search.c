/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether some word of the heap holds one value.
 *
 * Who asks this of a few values need not know of all words where they lead: memory is read in its order, 64 words are compared at once, and
 * only a word that holds the value is looked at. So it takes as long as reading the heap does, whatever is in it: a fourth of what it takes to
 * find out of each block how large it is, and to look up what its words lead to.
 *
 * All workers take parts of regions in turn, and stop when one of them has found a word; whether there is one does not depend on who
 * finds it. Holes of the core's file are passed over.
 */
#include "base/parallel.h"
#include "base/word_masks.h"
#include "propagation/passes.h"
#include "propagation/walks_ahead.h"

enum {
	PART = 4 << 20, /* bytes that a worker takes at once */
	WORD = 8
};

struct search {
	const hc_propagation *propagation;
	hc_address value;
	hc_word_test *test;
	const void *data;
	uint64_t next; /* part that nobody has taken yet, atomically */
	int found;     /* atomically */
};

/* Where words of blocks in REGION may begin: its first, and every WORD bytes on. */
static hc_address first_word(const hc_block_region *region)
{
	hc_address block = region->region.is_mmapped ? region->region.block : region->base;

	return block >= region->start ? block : region->start + (block - region->start) % WORD;
}

static uint64_t word_count(const hc_block_region *region)
{
	hc_address first = first_word(region);

	return first < region->end ? (region->end - first) / WORD : 0;
}

/* COUNT words at BYTES, in no hole, the first of them at PLACE. */
static bool compare(const struct search *search, const hc_block_region *region, const uint8_t *bytes, uint64_t count,
	hc_address place)
{
	const hc_word_range range = { search->value, 1, 0 };

	for (uint64_t first = 0; first < count; first += HC_WORD_MASK) {
		uint64_t mask =
			hc_words_in_range(bytes + first * WORD, (unsigned)MIN(count - first, HC_WORD_MASK), range);

		for (; mask; mask &= mask - 1)
			if (search->test(
				    search->data, region, place + (first + (unsigned)__builtin_ctzll(mask)) * WORD))
				return true;
	}
	return false;
}

/* COUNT words of REGION from PLACE on. */
static bool search_part(const struct search *search, const hc_block_region *region, hc_address place, uint64_t count)
{
	const uint8_t *bytes = region->bytes + (place - region->start);
	uint64_t size = count * WORD, stretch;

	for (; size >= WORD; size -= stretch, bytes += stretch, place += stretch) {
		bool is_hole = hc_core_is_hole(search->propagation->core, bytes, size, &stretch);

		if (!is_hole && compare(search, region, bytes, stretch / WORD, place))
			return true;
	}
	return false;
}

static void work(void *data, unsigned worker)
{
	struct search *search = data;
	const hc_blocks *blocks = search->propagation->blocks;
	const uint64_t most = PART / WORD;
	uint64_t before = 0; /* parts of regions before REGION */
	uint32_t region = 0;

	(void)worker;
	while (!g_atomic_int_get(&search->found)) {
		uint64_t part = __atomic_fetch_add(&search->next, 1, __ATOMIC_RELAXED), parts;

		for (; region < blocks->region_count; region++, before += parts) {
			parts = (word_count(&blocks->regions[region]) + most - 1) / most;
			if (part - before < parts)
				break;
		}
		if (region == blocks->region_count)
			return;
		const hc_block_region *at = &blocks->regions[region];
		uint64_t first = (part - before) * most;

		if (search_part(search, at, first_word(at) + first * WORD, MIN(word_count(at) - first, most)))
			g_atomic_int_set(&search->found, TRUE);
	}
}

bool hc_propagation_can_search(const hc_propagation *propagation)
{
	const hc_blocks *blocks = propagation->blocks;

	if (propagation->format.size != WORD || propagation->format.swap)
		return false;
	for (uint32_t i = 0; i < blocks->region_count; i++)
		if (!blocks->regions[i].bytes)
			return false;
	return true;
}

bool hc_propagation_has_word(const hc_propagation *propagation, hc_address value, hc_word_test *test, const void *data)
{
	struct search search = { .propagation = propagation, .value = value, .test = test, .data = data };

	hc_parallel_run(MAX(hc_propagation_worker_count(propagation), 1), work, &search);
	return search.found;
}
