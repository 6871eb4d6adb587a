/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One look, by all workers, at the words of the roots and of blocks in use: for inner.c and encodings.c, which say what to do
 * with them.
 */
#pragma once

#include "references/filter.h"
#include "references/references_state.h"

/* Where words are. */
typedef struct hc_word_source {
	const uint8_t *bytes;
	uint64_t size;	    /* of the words */
	hc_address address; /* of the first word; 0 in registers */
	bool root;
	/* In a block: */
	uint64_t start;	     /* its granule; UINT64_MAX in roots */
	hc_address block;    /* its address */
	uint64_t block_size; /* usable bytes */
	bool marked, possible;
	uint64_t
		holder; /* the same for all words that one thing holds: a block, a page of data; 0 in stacks and registers */
} hc_word_source;

/* Spreads VALUE for the bitmaps that what was learned is counted in. */
static inline uint64_t hc_learn_hash(uint64_t value)
{
	value *= 0x9e3779b97f4a7c15;
	return value ^ value >> 32;
}

/* A block in use whose memory is in one piece of the core. */
typedef struct hc_live_block {
	const uint8_t *bytes;
	uint64_t size; /* of the words */
	hc_address address;
	uint64_t start;	     /* granule */
	uint64_t block_size; /* usable bytes */
} hc_live_block;

enum {
	HC_LIVE_BLOCKS = 128,
	HC_LIVE_NUMBERS = 64,
	HC_LOOK_GRANULES = 320,
};

/* The words of BLOCK, as those who look at one block at a time get them. */
static inline hc_word_source hc_live_block_source(const hc_references *references, const hc_live_block *block)
{
	return (hc_word_source){
		.bytes = block->bytes,
		.size = block->size,
		.address = block->address,
		.start = block->start,
		.block = block->address,
		.block_size = block->block_size,
		.marked = hc_bit(references->marks, block->start),
		.possible = references->possible && hc_bit(references->possible, block->start),
		.holder = block->address,
	};
}

/* Called on any worker, each source once; large roots in slices. What it writes must be put together regardless of order. */
typedef void (*hc_look)(void *data, unsigned worker, const hc_word_source *source);

/* The same for COUNT blocks at once, at most HC_LIVE_BLOCKS, in order of address: so a block costs no call. */
typedef void (*hc_look_at_blocks)(void *data, unsigned worker, const hc_live_block *blocks, unsigned count);

/*
 * Calls LOOK for the roots, if ROOTS, and for the blocks in use whose bit is set in CHOSEN; all of them if it is NULL. malloc's own caches
 * are left out. Counts the words in references->totals.learning.
 */
void hc_references_look(
	hc_references *references, bool roots, const uint64_t *chosen, unsigned jobs, hc_look look, void *data);

/*
 * The same for blocks in use of LEAST to MOST usable bytes, by the distance to the next block. The others
 * are not touched. MOST is not 0.
 */
void hc_references_look_at_sizes(hc_references *references, const uint64_t *chosen, uint64_t least, uint64_t most,
	unsigned jobs, hc_look look, void *data);

/* Sizes of blocks by their chunks: a bit for each number of granules. Larger blocks are of any size. */
typedef struct hc_look_sizes {
	uint64_t granules[HC_LOOK_GRANULES / 64];
} hc_look_sizes;

/* Adds blocks of SIZE usable bytes. */
static inline void hc_look_sizes_add(hc_look_sizes *sizes, const hc_blocks *blocks, uint64_t size)
{
	uint64_t granules = hc_align_up(size + blocks->word, blocks->alignment) >> blocks->granule_shift;

	if (granules < HC_LOOK_GRANULES)
		hc_set_bit(sizes->granules, granules);
}

/* A short stretch of the heap that is in one piece of the core, and all that lies in it: blocks, their headers, and what is free. */
typedef struct hc_live_words {
	const hc_references *references;
	const hc_block_region *region;
	uint64_t first, end; /* granules */
	const uint8_t *bytes;
	uint64_t size; /* of whole words */
	hc_address address;
} hc_live_words;

/*
 * The same for a stretch at once: whose questions hardly any word answers with yes asks them of all that lies there, and then which block has
 * the word. It is short enough to stay in the cache while several questions are asked.
 */
typedef void (*hc_look_at_words)(void *data, unsigned worker, const hc_live_words *words);

/* What is looked at, and by whom: by default nothing is left out but roots. */
typedef struct hc_look_options {
	bool roots;
	const uint64_t *chosen; /* as above */
	uint64_t every; /* not 0: only blocks in one stretch of the heap of so many, spread over it; always the same */
	const hc_look_sizes *sizes; /* other blocks are not touched, but for a few */
	hc_look look;
	hc_look_at_blocks look_at_blocks; /* for blocks that are in one piece of the core; NULL: LOOK, for them, too */
	hc_look_at_words
		look_at_words; /* in the place of LOOK_AT_BLOCKS, where a stretch can be looked at and all blocks are; or NULL */
	void *data;
} hc_look_options;

void hc_references_look_with(hc_references *references, const hc_look_options *options, unsigned jobs);

/* Calls LOOK, as worker 0, for the words of one root, in the same slices; for none if it is not used. */
void hc_references_look_at_root(const hc_references *references, const hc_root *root, hc_look look, void *data);

/* Calls LOOK, as worker 0, for the block that starts at granule START. */
void hc_references_look_at(const hc_references *references, uint64_t start, hc_look look, void *data);

/*
 * Which of the words of BLOCKS are numbers, neither zero nor addresses that may be in the heap: for each block a bit for each of its first
 * HC_LIVE_NUMBERS words.
 */
void hc_live_blocks_numbers(
	const hc_blocks *index, const hc_live_block *blocks, unsigned count, bool swap, uint64_t *ret_numbers);

/* ---- some words of blocks ---- */

enum {
	HC_LIVE_GAP = 256 /* bytes between blocks that are looked at sooner than told apart */
};

/* Whether what stands between the blocks can be looked at, too, and is little. */
static inline bool hc_live_block_follows(const hc_live_block *block, const hc_live_block *next)
{
	uint64_t distance = next->bytes - block->bytes;

	return distance == next->address - block->address && distance % 8 == 0 && distance >= block->size &&
	       distance - block->size <= HC_LIVE_GAP;
}

/* Which of the COUNT words of BYTES, at most HC_WORD_MASK, are asked for: a bit for each. The first one's place is PLACE. */
typedef uint64_t (*hc_ask_words)(const void *data, const uint8_t *bytes, unsigned count, hc_address place);

/* Asks for the words that DATA, an hc_address_filter, has: of 8 bytes, in our byte order. */
static inline __attribute__((always_inline)) uint64_t hc_ask_filter(
	const void *data, const uint8_t *bytes, unsigned count, hc_address place)
{
	(void)place;
	return hc_address_filter_mask((const hc_address_filter *)data, bytes, count, (hc_word_format){ 8, false });
}

/* Goes through COUNT BLOCKS, as hc_look_at_blocks() gets them. Begin with these two, and zeros. */
typedef struct hc_asked_words {
	const hc_live_block *blocks;
	unsigned count;
	unsigned block, run_end;   /* indexes: of the block at hand; of the first that does not follow closely */
	const uint8_t *next, *end; /* of that run: what was not asked for yet */
	const uint8_t *asked;
	uint64_t mask; /* what is left of the answer for the words from there on */
} hc_asked_words;

/* Begins with the next blocks that follow each other. FALSE: there are none. */
static inline bool hc_asked_words_next_run(hc_asked_words *words)
{
	const hc_live_block *blocks = words->blocks;
	unsigned end = words->run_end;

	if (end >= words->count)
		return false;
	words->block = end++;
	while (end < words->count && hc_live_block_follows(&blocks[end - 1], &blocks[end]))
		end++;
	words->run_end = end;
	words->next = blocks[words->block].bytes;
	words->end = blocks[end - 1].bytes + blocks[end - 1].size;
	return true;
}

/*
 * The next word that ASK, a constant, says yes to: at byte *RET_AT of *RET_BLOCK. FALSE: there is none. ASK sees what lies between blocks, too,
 * where it is little, but that is not told.
 */
static inline __attribute__((always_inline)) bool hc_asked_words_next(hc_asked_words *words, hc_ask_words ask,
	const void *data, hc_word_format format, const hc_live_block **ret_block, uint64_t *ret_at)
{
	const hc_live_block *block = &words->blocks[words->block];

	for (;;) {
		while (words->mask) {
			const uint8_t *word = words->asked + __builtin_ctzll(words->mask) * format.size;

			words->mask &= words->mask - 1;
			while (words->block + 1 < words->run_end && word >= block[1].bytes) {
				words->block++;
				block++;
			}
			*ret_block = block;
			*ret_at = word - block->bytes;
			if (*ret_at + format.size <= block->size)
				return true;
		}
		if (words->next >= words->end && !hc_asked_words_next_run(words))
			return false;
		block = &words->blocks[words->block];
		uint64_t left = (words->end - words->next) / format.size;
		unsigned count = MIN(left, HC_WORD_MASK);

		words->asked = words->next;
		words->mask = count ? ask(data, words->asked, count, block->address + (words->asked - block->bytes)) :
				      0;
		words->next = left > count ? words->asked + count * format.size : words->end;
	}
}

/* ---- stretches ---- */

/* The block that has WORD of WORDS, if one begins before it and it is not a header: its granule, in use or not; else UINT64_MAX. */
static inline uint64_t hc_live_words_start(const hc_live_words *words, const uint8_t *word, hc_address *ret_block)
{
	const hc_blocks *blocks = words->references->blocks;
	hc_address address = words->address + (word - words->bytes);
	uint64_t start = hc_blocks_start_of(blocks, hc_blocks_granule(blocks, words->region, address), address);

	*ret_block = start == UINT64_MAX ? 0 : hc_blocks_address(blocks, words->region, start);
	return start;
}

/* The block in use, and no cache of malloc's, that has all of WORD of WORDS. FALSE: there is none. */
bool hc_live_words_block(const hc_live_words *words, const uint8_t *word, hc_live_block *ret_block);

/* Goes through the words of a stretch that are asked for. Begin with WORDS, and zeros. */
typedef struct hc_asked_stretch {
	const hc_live_words *words;
	uint64_t next; /* byte up to which was asked */
	const uint8_t *asked;
	uint64_t mask; /* what is left of the answer for the words from there on */
} hc_asked_stretch;

/* The next word that ASK, a constant, says yes to, wherever it is. FALSE: there is none. */
static inline __attribute__((always_inline)) bool hc_asked_stretch_next(
	hc_asked_stretch *stretch, hc_ask_words ask, const void *data, hc_word_format format, const uint8_t **ret_word)
{
	const hc_live_words *words = stretch->words;

	while (!stretch->mask) {
		unsigned count = MIN((words->size - stretch->next) / format.size, HC_WORD_MASK);

		if (!count)
			return false;
		stretch->asked = words->bytes + stretch->next;
		stretch->mask = ask(data, stretch->asked, count, words->address + stretch->next);
		stretch->next += count * format.size;
	}
	*ret_word = stretch->asked + __builtin_ctzll(stretch->mask) * format.size;
	stretch->mask &= stretch->mask - 1;
	return true;
}

/* Goes through the blocks that begin in a stretch. */
typedef struct hc_stretch_blocks {
	const hc_live_words *words;
	uint64_t word, bits; /* of the index's bitmap: which is at hand, and what is left of it */
	uint32_t number;     /* of the next block */
} hc_stretch_blocks;

static inline hc_stretch_blocks hc_stretch_blocks_of(const hc_live_words *words)
{
	const hc_blocks *blocks = words->references->blocks;
	uint64_t word = words->first / 64;

	return (hc_stretch_blocks){ words, word, blocks->starts[word], blocks->rank[words->first / HC_GROUP_GRANULES] };
}

/* Whether block NUMBER is one of malloc's caches. */
bool hc_live_block_is_cache(const hc_blocks *blocks, uint32_t number);

/* The next block in use that is no cache. FALSE: there is none. */
static inline bool hc_stretch_blocks_next(hc_stretch_blocks *at, hc_live_block *ret_block)
{
	const hc_live_words *words = at->words;
	const hc_blocks *blocks = words->references->blocks;

	for (;;) {
		while (!at->bits) {
			if (++at->word >= words->end / 64)
				return false;
			at->bits = blocks->starts[at->word];
		}
		uint64_t start = at->word * 64 + __builtin_ctzll(at->bits);
		uint32_t number = at->number++;

		at->bits &= at->bits - 1;
		if (blocks->states[number] != HC_BLOCK_IN_USE ||
			(G_UNLIKELY(hc_blocks_is_labelled(blocks, number)) && hc_live_block_is_cache(blocks, number)))
			continue;
		uint64_t next = at->bits ? at->word * 64 + __builtin_ctzll(at->bits) :
					   hc_blocks_next_start(blocks, at->word * 64 + 64);
		hc_address address = hc_blocks_address(blocks, words->region, start);
		uint64_t size = hc_blocks_size_up_to(blocks, words->region, start, next);

		size = MIN(size, words->region->end - address);
		*ret_block = (hc_live_block){ words->bytes + (address - words->address),
			size & ~(uint64_t)(blocks->word - 1), address, start, size };
		if (G_LIKELY(ret_block->size))
			return true;
	}
}
