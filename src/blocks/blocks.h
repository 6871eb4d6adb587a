/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of blocks/: the index of all blocks.
 *
 * Each region of the heap has one bit for every granule (16 bytes, the alignment of blocks): set where a block's user memory
 * begins. The regions' bitmaps lie one after the other in one array, each at a multiple of 512 bits (a *group*: 8 KiB of
 * heap, one cache line). For each group the number of the first block in it, how many start before each of its words, and the last
 * start before it are kept.
 *
 *	address --(span, cell)--> region --> granule --(mask, highest bit)--> start of the block --(ranks, popcount)--> number
 *
 * So the block that holds an address, interior addresses too, costs one or two cache lines, and no table needs a pointer. It
 * is 1.6 % of the heap with the marks that references/ keeps in a bitmap of the same shape, plus a byte a block for its state.
 *
 *	build.c		building the index
 *	table.c		the index as an allocator's classify() writes to it
 *	index.c		asking it: by number, by address, in order; and the totals
 *	free_pages.c	free memory in whole pages, and what malloc_trim(0) would give back of it
 *	guess.c		where the next nodes of a list may be
 */
#pragma once

#include <heapcore/blocks.h>

#include "allocators/allocators.h"

#include "base/bits.h"
#include "base/partition.h"

enum {
	HC_GROUP_GRANULES = 512,
	HC_GROUP_WORDS = 8,
	HC_WORD_RANK_BITS = 9 /* of a number up to HC_GROUP_GRANULES, exclusive: not all granules can be starts */
};

static inline void hc_amount_add(hc_amount *amount, hc_amount more)
{
	amount->blocks += more.blocks;
	amount->bytes += more.bytes;
}

/* One block more, of BYTES. */
static inline void hc_amount_count(hc_amount *amount, uint64_t bytes)
{
	amount->blocks++;
	amount->bytes += bytes;
}

typedef struct hc_block_region {
	hc_region region;
	hc_address start, end;	/* where addresses of its blocks lie */
	hc_address base;	/* of the region's granule 0 */
	uint64_t first_granule; /* of the whole index: a multiple of HC_GROUP_GRANULES */
	uint64_t granules;
	uint32_t first_block, block_count;
	const uint8_t *bytes; /* of start, if all of [start, end) is one piece of the core; else NULL */
} hc_block_region;

/* Up to two clusters of regions: the program break, and what mmap gave. Most words of a process are in neither. */
typedef struct hc_block_span {
	hc_address start;
	uint64_t size;
	unsigned cell_shift;
	uint32_t *cells; /* for each cell of 1 << cell_shift bytes: the first region that ends behind its beginning */
} hc_block_span;

enum {
	HC_FREE_RUN_MINIMUM = 64 * 1024
};

/* Free chunks side by side with at least HC_FREE_RUN_MINIMUM bytes of whole pages: free_pages.c. */
typedef struct hc_free_run {
	uint32_t region;		 /* index in regions[] */
	uint32_t first_block, end_block; /* numbers; the end is exclusive */
	hc_address start, end;		 /* of chunks */
	uint64_t whole, zero;		 /* bytes, as in hc_free_pages */
	bool top;			 /* the last of them is the top chunk */
	uint64_t trim;			 /* what malloc_trim(0) would release of it, without zero pages */
} hc_free_run;

struct hc_blocks {
	const hc_core *core;
	const hc_allocator *allocator;
	hc_diagnostics *diagnostics;
	hc_heap heap;
	unsigned word; /* bytes of the dead process's word */
	uint64_t alignment;
	unsigned granule_shift;
	hc_block_region *regions;
	uint32_t region_count;
	hc_block_span spans[2]; /* size 0: unused */
	uint64_t granule_count; /* a multiple of HC_GROUP_GRANULES */
	uint64_t *starts;
	uint32_t *rank;	      /* for each group, and one beyond: the number of the first block at or after it */
	uint64_t *
		word_ranks; /* for each group: starts in it before its second, third, ... word, HC_WORD_RANK_BITS for each */
	uint64_t *last_start; /* for each group: the last start before it in its region; UINT64_MAX if there is none */
	uint8_t *states;      /* hc_block_state of each block */
	uint64_t states_room; /* bytes, as allocated */
	uint32_t count;
	uint64_t *labelled;		/* bit for each block's number: it has a label */
	GHashTable *labels;		/* number -> hc_label */
	GHashTable *kinds_of_labels;	/* set of hc_label: what those of `labels` are */
	GArray *runs;			/* of hc_free_run, in order of address */
	struct hc_block_totals *totals; /* for each arena, and last for mmapped blocks */
};

typedef struct hc_block_totals {
	uint64_t blocks[HC_BLOCK_STATE_COUNT];
	uint64_t chunk_bytes[HC_BLOCK_STATE_COUNT];
	uint64_t usable_in_use;
	hc_amount labelled;
	hc_free_pages free_pages;
	bool complete;
} hc_block_totals;

/* The totals of ARENA, an index or HC_ARENA_NONE. */
static inline hc_block_totals *hc_blocks_totals_of(const hc_blocks *blocks, uint32_t arena)
{
	return &blocks->totals[MIN(arena, blocks->heap.arenas->len)];
}

typedef struct hc_blocks_options {
	unsigned jobs;	 /* threads to use; 0: one per processor */
	bool is_marked;	 /* what is in the blocks will be read, too: worth large pages */
	unsigned share;	 /* analyses that share the memory, at least 1 */
	uint64_t memory; /* bytes that the process may take in all; UINT64_MAX: what there is */
} hc_blocks_options;

/*
 * Reads the heap of CORE: opens the allocator, walks its regions, classifies. A core without a heap gives an empty index. Fails with
 * HC_ERROR_NO_MEMORY or HC_ERROR_UNSUPPORTED (more than 2^32 blocks). No other thread may read CORE meanwhile.
 */
hc_blocks *hc_blocks_create(hc_core *core, hc_modules *modules, const hc_blocks_options *options,
	hc_diagnostics *diagnostics, GError **error);
void hc_blocks_destroy(hc_blocks *blocks);

/* Of hc_label: for hash tables. */
unsigned hc_label_hash(const void *label);
int hc_label_equal(const void *a, const void *b);

/* ---- for hot loops ---- */

/* True if ADDRESS lies in the address range of the heap: the cheap test that almost every word fails. */
static inline bool hc_blocks_may_contain(const hc_blocks *blocks, hc_address address)
{
	return address - blocks->spans[0].start < blocks->spans[0].size ||
	       address - blocks->spans[1].start < blocks->spans[1].size;
}

/* The region whose blocks' memory ADDRESS is in; NULL if it is in none. */
static inline const hc_block_region *hc_blocks_region(const hc_blocks *blocks, hc_address address)
{
	const hc_block_span *span = &blocks->spans[0];

	if (address - span->start >= span->size) {
		span = &blocks->spans[1];
		if (address - span->start >= span->size)
			return NULL;
	}
	const uint32_t *cell = &span->cells[(address - span->start) >> span->cell_shift];
	uint32_t low = cell[0], high = cell[1];

	/* Mostly low is the one. Where regions lie close, and far from others, a cell can hold thousands. */
	if (low < high && blocks->regions[low].end <= address)
		low = HC_PARTITION_POINT(middle, low + 1, high, blocks->regions[middle].end <= address);
	return blocks->regions[low].start <= address && address < blocks->regions[low].end ? &blocks->regions[low] :
											     NULL;
}

/* The granule that ADDRESS, an address in REGION, is in: an index for starts[] and for bitmaps of the same shape. */
static inline uint64_t hc_blocks_granule(const hc_blocks *blocks, const hc_block_region *region, hc_address address)
{
	return region->region.is_mmapped ? region->first_granule :
					   region->first_granule + ((address - region->base) >> blocks->granule_shift);
}

/*
 * The start of the block that GRANULE of REGION is in, or UINT64_MAX. ADDRESS tells whether it is the size field of the next
 * chunk's header, which is in no block. (The field before it, prev_size, belongs to the block in front of it.)
 */
static inline uint64_t hc_blocks_start_of(const hc_blocks *blocks, uint64_t granule, hc_address address)
{
	uint64_t word = granule / 64, bits = blocks->starts[word] & (((uint64_t)2 << granule % 64) - 1),
		 next = granule + 1;

	/* Regions have granules to spare at their end, so `next` is always of the same region. */
	if ((address & (blocks->alignment - 1)) >= blocks->alignment - blocks->word && hc_bit(blocks->starts, next))
		return UINT64_MAX;
	while (!bits) {
		if (word % HC_GROUP_WORDS == 0)
			return blocks->last_start[word / HC_GROUP_WORDS];
		bits = blocks->starts[--word];
	}
	return word * 64 + 63 - __builtin_clzll(bits);
}

/* The start of the block that ADDRESS points into, wherever in it; UINT64_MAX if it is in none. */
static inline uint64_t hc_blocks_start_at(const hc_blocks *blocks, hc_address address)
{
	const hc_block_region *region = hc_blocks_region(blocks, address);

	return region ? hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, address), address) : UINT64_MAX;
}

/* How many blocks start in a group before WORD, an index of starts[]. */
static inline uint32_t hc_blocks_word_rank(const hc_blocks *blocks, uint64_t word)
{
	unsigned before = (word - 1) % HC_GROUP_WORDS; /* of the first word, the field behind the last one: that is 0 */

	return blocks->word_ranks[word / HC_GROUP_WORDS] >> before * HC_WORD_RANK_BITS & ((1 << HC_WORD_RANK_BITS) - 1);
}

/* The number of the block that starts at granule START. */
static inline uint32_t hc_blocks_number(const hc_blocks *blocks, uint64_t start)
{
	return blocks->rank[start / HC_GROUP_GRANULES] + hc_blocks_word_rank(blocks, start / 64) +
	       hc_bits_before(blocks->starts, start);
}

/* Whether block NUMBER has a label: it is libc's or the runtime's own. */
static inline bool hc_blocks_is_labelled(const hc_blocks *blocks, uint32_t number)
{
	return hc_bit(blocks->labelled, number);
}

/* The first block from NUMBER on, which is at most the number of blocks, that is not in use; that number if there is none. */
uint32_t hc_blocks_next_unused(const hc_blocks *blocks, uint32_t number);

/* Free to malloc too; what a thread caches looks in use to it. */
static inline bool hc_block_state_is_free(hc_block_state state)
{
	return state == HC_BLOCK_FASTBIN || state == HC_BLOCK_UNSORTED || state == HC_BLOCK_SMALL ||
	       state == HC_BLOCK_LARGE || state == HC_BLOCK_UNLISTED || state == HC_BLOCK_TOP;
}

/* The granule at which block NUMBER starts. */
uint64_t hc_blocks_start_of_number(const hc_blocks *blocks, uint32_t number);

/* The region that granule START belongs to. */
const hc_block_region *hc_blocks_region_of_start(const hc_blocks *blocks, uint64_t start);

/* The user memory of the block that starts at granule START of REGION. */
static inline hc_address hc_blocks_address(const hc_blocks *blocks, const hc_block_region *region, uint64_t start)
{
	return region->region.is_mmapped ? region->region.block :
					   region->base + ((start - region->first_granule) << blocks->granule_shift);
}

/* Usable bytes of the block in a chunk at ADDRESS (user memory) of REGION, from its header; 0 if it cannot be read. */
uint64_t hc_blocks_usable_size(const hc_blocks *blocks, const hc_block_region *region, hc_address address);

/* The first group from GROUP on that a block starts in; the number of groups if there is none. */
static inline uint64_t hc_blocks_next_group(const hc_blocks *blocks, uint64_t group)
{
	uint64_t groups = blocks->granule_count / HC_GROUP_GRANULES;

	if (group >= groups || blocks->rank[group + 1] != blocks->rank[group])
		return group;
	/* A huge block: the number of the next one first changes behind the group. */
	return HC_PARTITION_POINT(middle, group, groups, blocks->rank[middle + 1] == blocks->rank[group]);
}

/* The granule of the next start after GRANULE - 1 in the whole index; granule_count if there is none. */
static inline uint64_t hc_blocks_next_start(const hc_blocks *blocks, uint64_t granule)
{
	uint64_t word = granule / 64, words = blocks->granule_count / 64;

	if (word >= words)
		return blocks->granule_count;
	uint64_t bits = blocks->starts[word] & ~(uint64_t)0 << granule % 64;

	while (!bits) {
		if (++word % HC_GROUP_WORDS == 0)
			word = hc_blocks_next_group(blocks, word / HC_GROUP_WORDS) * HC_GROUP_WORDS;
		if (word >= words)
			return blocks->granule_count;
		bits = blocks->starts[word];
	}
	return word * 64 + __builtin_ctzll(bits);
}

/*
 * Usable bytes of the block in use that starts at granule START of REGION, NEXT being where the next block of the index does:
 * what hc_blocks_get() says, without touching the block unless it is its region's last.
 */
static inline uint64_t hc_blocks_size_up_to(
	const hc_blocks *blocks, const hc_block_region *region, uint64_t start, uint64_t next)
{
	if (region->region.is_mmapped)
		return region->region.block_size;
	if (next - region->first_granule < region->granules)
		return ((next - start) << blocks->granule_shift) - blocks->word;
	hc_address address = hc_blocks_address(blocks, region, start);

	/* A damaged header may say more than there is. */
	return MIN(hc_blocks_usable_size(blocks, region, address), region->end - address + blocks->word);
}

/*
 * Usable bytes of the block in use that starts at granule START of REGION, by where the next one begins: so the block itself, which may be
 * far from all that was looked at, is not touched. The same as hc_blocks_usable_size() says, unless the heap is damaged.
 */
static inline uint64_t hc_blocks_size_in_index(const hc_blocks *blocks, const hc_block_region *region, uint64_t start)
{
	uint64_t next = region->region.is_mmapped ? UINT64_MAX : hc_blocks_next_start(blocks, start + 1);

	if (next - region->first_granule >= region->granules)
		return hc_blocks_usable_size(blocks, region, hc_blocks_address(blocks, region, start));
	return ((next - start) << blocks->granule_shift) - blocks->word;
}

/* The next block is NUMBER, if that is not behind the iterator already; a step of any length takes about as long as a few of one. */
void hc_block_iterator_skip_to(hc_block_iterator *iterator, uint32_t number);

/* Visits starts in order, keeping the word of the bitmap that it is in at hand. */
typedef struct hc_start_cursor {
	const uint64_t *starts;
	uint64_t word, bits, words;
} hc_start_cursor;

static inline hc_start_cursor hc_start_cursor_at(const hc_blocks *blocks, uint64_t granule)
{
	hc_start_cursor cursor = { blocks->starts, granule / 64, 0, blocks->granule_count / 64 };

	if (cursor.word < cursor.words)
		cursor.bits = blocks->starts[cursor.word] & ~(uint64_t)0 << granule % 64;
	return cursor;
}

/* The next start; granule_count when there is none any more. */
static inline uint64_t hc_start_cursor_next(hc_start_cursor *cursor)
{
	while (!cursor->bits) {
		if (++cursor->word >= cursor->words)
			return cursor->words * 64;
		cursor->bits = cursor->starts[cursor->word];
	}
	uint64_t start = cursor->word * 64 + __builtin_ctzll(cursor->bits);

	cursor->bits &= cursor->bits - 1;
	return start;
}

/* The smallest chunk (malloc.c: MINSIZE): a header of two words, and two more for the links of a free one. */
static inline uint64_t hc_least_chunk(unsigned word, uint64_t alignment)
{
	return hc_align_up(4 * word, alignment);
}

/* The usable bytes of the smallest block that malloc has for SIZE (malloc.c: request2size() less a header); SIZE itself if nobody has so much. */
static inline uint64_t hc_least_usable(uint64_t size, unsigned word, uint64_t alignment)
{
	return size > UINT64_MAX / 2 ? size :
				       MAX(hc_least_chunk(word, alignment), hc_align_up(size + word, alignment)) - word;
}

/* Fills totals->free_pages of every arena, and runs: free_pages.c. */
void hc_blocks_count_free_pages(hc_blocks *blocks);

/* What is known of a walk along a list: guess.c. Begin with zeros. */
typedef struct hc_node_guess {
	uint64_t last;	 /* granule at which the block of the node that was told last starts */
	uint64_t at;	 /* ... up to which blocks were fetched */
	uint64_t length; /* granules from node to node, eight times the usual number */
	unsigned steps;	 /* short ones in a row */
	bool is_behind;	 /* the last node was behind the one before it */
} hc_node_guess;

/* The walk has come to a node in the block that starts at granule START of REGION: what may be its next nodes is fetched. */
void hc_blocks_fetch_next(const hc_blocks *blocks, const hc_block_region *region, uint64_t start, hc_node_guess *guess);
