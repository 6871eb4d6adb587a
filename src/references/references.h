/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of references/.
 *
 * Theory of operation. A block is alive if a word in a root, or in a live block, holds an address inside it. That is a search
 * through all of the process's memory, bound by memory latency: each word may lead anywhere. So nothing is looked up at
 * once. A word that could be an address enters a ring while its line of the block index is being fetched, and is resolved
 * when it leaves; a block that was found enters another ring while its contents are being fetched (scan.h).
 *
 * Marks are one bit for each granule, of the same shape as the index's bitmap. Blocks that are not in use are marked before
 * the search begins, so that it never enters them: freed and cached blocks are neither roots nor leaks.
 *
 * What is left unmarked is lost. A lost block that no other lost block points to is lost directly; what hangs on it,
 * indirectly. Of a ring that nothing leads to one block stands for all (lost_heads.c).
 *
 * Before that it is asked whether a habit of the program explains what seems lost: pointers behind a header or into a pool
 * (inner.c), pointers in an encoding (encodings.c).
 *
 *	references.c	the search as a whole, and asking for its result
 *	roots.c		where it begins, and where not, and why
 *	root_words.c	the words there one by one
 *	block_words.c	the words of blocks that lead to blocks
 *	mark.c		marking, on several threads
 *	pending.c	blocks that are yet to be searched, by where they are
 *	scan.c		looking at words, with the rings
 *	heuristics.c	pointers into the middle that are as good as those to the start
 *	second_search.c	from blocks that only pointers into their middle lead to
 *	inner.c		such pointers by a habit of the program
 *	varying.c	such pointers, a word beside which tells how far into the block they lead
 *	encodings.c	pointers that are no addresses, of 64 bits
 *	encoded_words.c	... where words lead by those that were learned
 *	encoding_places.c	at which places words are such pointers
 *	compressed.c	the same of 32 bits
 *	numbers.c	the numbers from which that is learned
 *	in_front.c	... tables of words that lead in front of blocks
 *	told_words.c	words that lead to blocks, each known by its place
 *	learn.c		the words of all that is alive, shared out to those that learn from them
 *	filter.h	addresses of few blocks: what tells most words that they lead elsewhere
 *	lost_heads.c	directly or indirectly lost
 *	missing.c	memory that the core leaves out
 *	incoming.c	who points to a block
 *	shortest_paths.c	the way to a block from a root
 *	places.c	what a place is called by
 */
#pragma once

#include <heapcore/places.h>

#include "areas/areas.h"

/*
 * Searches with JOBS threads (0: one per processor); LEARN: encodings of pointers, and what explains pointers into the middle
 * of blocks, are learned before something is called lost. The arguments must outlive the result. Fails with HC_ERROR_NO_MEMORY.
 */
hc_references *hc_references_create(const hc_core *core, const hc_blocks *blocks, const hc_areas *areas, bool learn,
	unsigned jobs, hc_diagnostics *diagnostics, GError **error);
void hc_references_destroy(hc_references *references);

/* What no word shows, but types tell: the container, or the pointer, at FROM holds block TO. */
typedef struct hc_typed_reference {
	hc_address from;
	uint32_t to; /* number of the block */
} hc_typed_reference;

/*
 * The largest difference between what a block of REGION was given and what was asked for. In an arena: up to the alignment, and a remainder that
 * is smaller than the smallest chunk is left with the block (_int_malloc() in glibc's malloc.c, MINSIZE: four words). In a
 * mapping of its own: up to the page, after rounding up to the alignment (sysmalloc_mmap()).
 */
uint64_t hc_references_slack(const hc_references *references, const hc_block_region *region);

/* Of the 64 granules of a word of the index's bitmap: those at which blocks begin that are lost, or possibly lost. */
typedef struct hc_lost_bits {
	uint64_t directly, indirectly, possibly;
} hc_lost_bits;

hc_lost_bits hc_references_lost_bits(const hc_references *references, uint64_t word);

/*
 * From now on COUNT TYPED references count: what they lead to from live blocks, and from memory that is in no block, is reached by
 * encoded pointers, and what hangs on it is alive, too. What begins in lost blocks saves nothing. Nobody else may ask meanwhile. Fails
 * with HC_ERROR_NO_MEMORY.
 */
bool hc_references_add_typed(
	hc_references *references, const hc_typed_reference *typed, unsigned count, unsigned jobs, GError **error);

/*
 * Words that point into any of the COUNT blocks TARGETS (in order of address): those in roots, then in blocks in use, until there are
 * LIMIT of them or BUDGET bytes were looked at. GArray of hc_reference.
 */
GArray *hc_references_to_some(
	const hc_references *references, const hc_block *targets, unsigned count, unsigned limit, uint64_t budget);

/* A word in a root that points into a block in use. */
typedef struct hc_root_word {
	const hc_root *root;
	hc_address address; /* of the word; 0 in a register */
	uint64_t value;
} hc_root_word;

typedef void (*hc_visit_root_word)(void *data, const hc_root_word *word);

/* Calls VISIT for such words of all roots that are searched, in order of the roots; of an encoding none. */
void hc_references_each_root_word(const hc_references *references, hc_visit_root_word visit, void *data);

/* TARGET: the first byte of a block in use; WORD leads there in an encoding, its value is as it stands there. */
typedef void (*hc_visit_encoded_root_word)(void *data, const hc_root_word *word, hc_address target);

/* Calls VISIT for such words of all roots that are searched, in order of the roots. None if nothing is reached by encoded pointers only. */
void hc_references_each_encoded_root_word(
	const hc_references *references, hc_visit_encoded_root_word visit, void *data);

/* TARGET: as above; a word at OFFSET of the block that was asked for leads there in an encoding. */
typedef void (*hc_visit_encoded)(void *data, uint64_t offset, hc_address target);

/* Calls VISIT for such words of the block in use that starts at granule START; if ONLY, for those to blocks that no address leads to. */
void hc_references_each_encoded(
	const hc_references *references, uint64_t start, bool only, hc_visit_encoded visit, void *data);

/*
 * Whether a pointer to ADDRESS holds the block in use that starts at granule START: it leads to its first byte, or is as good as one
 * that does, or the block has none that is.
 */
bool hc_references_holds(const hc_references *references, uint64_t start, hc_address address);

enum {
	HC_BLOCK_WORDS = 64
};

/* A word of a block in use that leads to a block in use, wherever in it: by numbers. */
typedef struct hc_block_word {
	uint32_t from, to;
	uint64_t offset;	       /* of the word in FROM; a multiple of the word size */
	uint64_t from_size;	       /* usable bytes of FROM */
	hc_address value;	       /* the word */
	hc_address block;	       /* of TO */
	uint64_t start;		       /* ... its granule */
	const hc_block_region *region; /* ... and where it is */
} hc_block_word;

typedef struct hc_block_visitor {
	/* Whether the words of block NUMBER matter. NULL: those of all. */
	bool (*is_wanted)(void *data, uint32_t number);
	/* COUNT words, at most HC_BLOCK_WORDS; all calls together in order of FROM, then OFFSET. */
	void (*visit)(void *data, const hc_block_word *words, unsigned count);
	void *data;
} hc_block_visitor;

/*
 * Calls VISITOR, on the caller's thread, for the words of blocks FIRST to END - 1 that are in use and no cache of malloc's. Several
 * threads may do that at the same time.
 */
void hc_references_each_block_word(
	const hc_references *references, uint32_t first, uint32_t end, const hc_block_visitor *visitor);

/* As hc_references_reach(), for the block in use that starts at granule START: without looking its number up. */
hc_reach hc_references_reach_at(const hc_references *references, uint64_t start);
