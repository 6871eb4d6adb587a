/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hot loop: words -> candidates -> blocks, with everything prefetched one ring ahead.
 *
 *	words of a block --(heap's address range?)--> candidate ring --(start of the block, new?)--> stack
 *	      ^                                                                                       |
 *	      +------------------------------ block ring <--------------------------------------------+
 *
 * A scanner belongs to one thread. What happens to a block that a candidate leads to is up to `resolve`, a constant at each
 * call of hc_scanner_words(), so that the compiler makes one loop for each purpose.
 */
#pragma once

#include "references/references_state.h"

enum {
	HC_SCAN_CANDIDATES = 64,
	HC_SCAN_BLOCKS = 32
};

typedef struct hc_candidate {
	uint64_t granule;
	hc_address address;
} hc_candidate;

typedef struct hc_scanner {
	const hc_blocks *blocks;
	uint64_t *marks;
	hc_candidate candidates[HC_SCAN_CANDIDATES];
	uint64_t candidates_in, candidates_out; /* how many there were; the place is modulo the ring's size */
	uint64_t words;				/* that were looked at */
	/*
	 * The largest region: most addresses are in it, and need no look-up. All that the loop needs of it, and of the index,
	 * is here, in one place that stays in the cache.
	 */
	hc_address hot_start, hot_base;
	uint64_t hot_size;
	uint64_t hot_first, hot_granules;
	const uint8_t
		*hot_origin; /* where granule 0 of the whole index would be in our memory; NULL: not in one piece */
	const hc_block_region *hot;
	const uint64_t *starts;
	const uint8_t *hot_end; /* where the region ends in our memory */
	unsigned granule_shift, word;
	uint64_t granule_mask;	/* low bits of an address within its granule */
	uint64_t header_offset; /* an address with these low bits may be a chunk's size field */
	void *data;		/* of resolve */
} hc_scanner;

/* Called for each candidate; START is the granule at which the block begins that it points into. */
typedef void (*hc_scan_resolve)(hc_scanner *scanner, uint64_t start, const hc_candidate *candidate);

static inline void hc_scanner_init(hc_scanner *scanner, const hc_blocks *blocks, uint64_t *marks, void *data)
{
	*scanner = (hc_scanner){
		.blocks = blocks,
		.marks = marks,
		.data = data,
		.starts = blocks->starts,
		.granule_shift = blocks->granule_shift,
		.word = blocks->word,
		.granule_mask = ((uint64_t)1 << blocks->granule_shift) - 1,
		.header_offset = blocks->alignment - blocks->word,
	};
	for (uint32_t i = 0; i < blocks->region_count; i++) {
		const hc_block_region *region = &blocks->regions[i];

		if (!region->region.is_mmapped && region->end - region->start > scanner->hot_size) {
			scanner->hot = region;
			scanner->hot_start = region->start;
			scanner->hot_size = region->end - region->start;
		}
	}
	if (!scanner->hot)
		return;
	scanner->hot_base = scanner->hot->base;
	scanner->hot_first = scanner->hot->first_granule;
	scanner->hot_granules = scanner->hot->granules;
	/* May point outside of the mapping by itself; with a granule of the region added it does not. */
	if (scanner->hot->bytes) {
		scanner->hot_origin =
			(const uint8_t *)((uintptr_t)scanner->hot->bytes - (scanner->hot->start - scanner->hot_base) -
					  (scanner->hot_first << scanner->granule_shift));
		scanner->hot_end = scanner->hot->bytes + scanner->hot_size;
	}
}

/* As hc_blocks_start_of(), with what it needs at hand. */
static inline __attribute__((always_inline)) uint64_t hc_scanner_start_of(
	const hc_scanner *scanner, uint64_t granule, hc_address address)
{
	const uint64_t *starts = scanner->starts;
	uint64_t word = granule / 64, bits = starts[word] & (((uint64_t)2 << granule % 64) - 1), next = granule + 1;

	if (G_LIKELY(bits)) {
		if (G_UNLIKELY((address & (scanner->header_offset | (scanner->header_offset - 1))) >=
			       scanner->header_offset) &&
			hc_bit(starts, next))
			return UINT64_MAX;
		return word * 64 + 63 - __builtin_clzll(bits);
	}
	return hc_blocks_start_of(scanner->blocks, granule, address);
}

static inline __attribute__((always_inline)) void hc_scanner_resolve_one(hc_scanner *scanner, hc_scan_resolve resolve)
{
	const hc_candidate *candidate = &scanner->candidates[scanner->candidates_out++ % HC_SCAN_CANDIDATES];
	uint64_t start = candidate->granule;

	/* Most lead to the first byte of a granule in which a block begins. */
	if (G_UNLIKELY((candidate->address & scanner->granule_mask) || !hc_bit(scanner->starts, start)))
		start = hc_scanner_start_of(scanner, start, candidate->address);
	if (G_LIKELY(start != UINT64_MAX))
		resolve(scanner, start, candidate);
}

static inline __attribute__((always_inline)) void hc_scanner_candidate(
	hc_scanner *scanner, hc_address address, hc_scan_resolve resolve)
{
	uint64_t granule = scanner->hot_first + ((address - scanner->hot_base) >> scanner->granule_shift);

	if (G_UNLIKELY(address - scanner->hot_start >= scanner->hot_size)) {
		const hc_block_region *region = hc_blocks_region(scanner->blocks, address);

		if (!region)
			return;
		granule = hc_blocks_granule(scanner->blocks, region, address);
	}
	__builtin_prefetch(&scanner->starts[granule / 64]);
	__builtin_prefetch(&scanner->marks[granule / 64], 1);
	scanner->candidates[scanner->candidates_in++ % HC_SCAN_CANDIDATES] = (hc_candidate){ granule, address };
	if (scanner->candidates_in - scanner->candidates_out == HC_SCAN_CANDIDATES)
		hc_scanner_resolve_one(scanner, resolve);
}

/* Looks at every word. */
static inline __attribute__((always_inline)) void hc_scanner_words(
	hc_scanner *scanner, const uint8_t *bytes, uint64_t size, hc_word_format format, hc_scan_resolve resolve)
{
	const hc_block_span *first = &scanner->blocks->spans[0], *second = &scanner->blocks->spans[1];
	const hc_address first_start = first->start, second_start = second->start;
	const uint64_t first_size = first->size, second_size = second->size;

	scanner->words += size / format.size;
	for (const uint8_t *end = bytes + size / format.size * format.size; bytes < end; bytes += format.size) {
		hc_address value = hc_load_word(bytes, format);

		if (value - first_start < first_size || value - second_start < second_size)
			hc_scanner_candidate(scanner, value, resolve);
	}
}

/* Resolves what is still in the ring. */
static inline __attribute__((always_inline)) void hc_scanner_flush(hc_scanner *scanner, hc_scan_resolve resolve)
{
	while (scanner->candidates_out != scanner->candidates_in)
		hc_scanner_resolve_one(scanner, resolve);
}

/* The contents of the block that starts at granule START, outside the largest region or not in one piece. */
hc_words hc_scanner_contents_elsewhere(const hc_scanner *scanner, uint64_t start);

/*
 * Where the contents of the block that starts at granule START begin, without touching them, if it is in the largest region, and that in one
 * piece; else NULL.
 */
static inline const uint8_t *hc_scanner_hot_place(const hc_scanner *scanner, uint64_t start)
{
	return G_LIKELY(start - scanner->hot_first < scanner->hot_granules && scanner->hot_origin) ?
		       scanner->hot_origin + (start << scanner->granule_shift) :
		       NULL;
}

/* The same of any block, for prefetching. NULL if they are not in one piece. */
const uint8_t *hc_scanner_place_elsewhere(const hc_scanner *scanner, uint64_t start);

/* The contents that begin at PLACE, as hc_scanner_hot_place() has it. */
static inline hc_words hc_scanner_hot_contents(const hc_scanner *scanner, const uint8_t *place, hc_word_format format)
{
	uint64_t size = (hc_load_word(place - format.size, format) & ~(uint64_t)7) - format.size;
	uint64_t room = (uint64_t)(scanner->hot_end - place);

	/* A damaged size is larger than its region; the walk found the block all the same. */
	return (hc_words){ place, MIN(size, room) & ~(uint64_t)(format.size - 1) };
}

/* The contents of the block that starts at granule START, if they are in one piece; bytes is NULL if they are not. */
static inline hc_words hc_scanner_contents(const hc_scanner *scanner, uint64_t start, hc_word_format format)
{
	const uint8_t *place = hc_scanner_hot_place(scanner, start);

	return place ? hc_scanner_hot_contents(scanner, place, format) : hc_scanner_contents_elsewhere(scanner, start);
}
