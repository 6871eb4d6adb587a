/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One look, by all workers, at the words of the roots and of blocks in use: for inner.c and encodings.c, which say what to do
 * with them.
 */
#pragma once

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

/* Called on any worker, each source once; large roots in slices. What it writes must be put together regardless of order. */
typedef void (*hc_look)(void *data, unsigned worker, const hc_word_source *source);

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

/* The same for all blocks in use in one stretch of the heap of EVERY, spread over it; always the same. */
void hc_references_look_at_sample(hc_references *references, uint64_t every, unsigned jobs, hc_look look, void *data);

/* Calls LOOK, as worker 0, for the words of one root, in the same slices; for none if it is not used. */
void hc_references_look_at_root(const hc_references *references, const hc_root *root, hc_look look, void *data);

/* Calls LOOK, as worker 0, for the block that starts at granule START. */
void hc_references_look_at(const hc_references *references, uint64_t start, hc_look look, void *data);
