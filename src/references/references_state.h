/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of references/ share. */
#pragma once

#include "references/references.h"

enum {
	HC_VARYING_WORDS = 17, /* 32 bits each, from 32 bytes before a pointer to 32 behind it */
};

struct hc_references {
	const hc_core *core;
	const hc_blocks *blocks;
	const hc_areas *areas;
	hc_diagnostics *diagnostics; /* while being created */
	GArray *roots;		     /* of hc_root */
	GArray *missing;	     /* of hc_missing */
	GStringChunk *texts;
	uint64_t *marks;    /* bit for each granule: reachable, or not in use */
	uint64_t *possible; /* bit for each granule: possibly lost; NULL if nothing is */
	uint64_t *direct;   /* bit for each granule: directly lost; NULL if nothing is lost */
	uint64_t *inner;    /* bit for each granule: held inside; NULL if nothing is */
	uint64_t *pools;    /* bit for each granule: a pool, so that a pointer anywhere inside counts; or NULL */
	uint64_t *
		told; /* bit for each granule: the word that points into it, or what it points to, tells why; or NULL */
	uint32_t varying_rules[HC_VARYING_WORDS]; /* bits for factors, for each place beside the pointer: varying.c */
	uint64_t *encoded;	      /* bit for each granule: reached by encoded pointers; NULL if nothing is */
	bool inner_learned;	      /* the following count, and headers that lead back */
	uint64_t inner_offsets;	      /* of HC_INNER_SLOT's slots: pointers so far behind a block's start count */
	bool links_seen;	      /* entries of lists were linked both ways */
	bool way_back_seen;	      /* a header inside of a block led back to its start */
	struct hc_encodings *learned; /* encodings.c: what was learned of words of 64 bits; NULL: nothing was tried */
	struct hc_compressed *compressed; /* compressed.c: of 32 bits; NULL: nothing */
	GArray *told_words;		  /* told_words.c: words whose places are known; NULL: none */
	unsigned encodings;		  /* a bit for each of encodings.c's kinds: what was learned */
	GArray *habits, *encodings_told;  /* of hc_habit, of hc_encoding: the same for the public */
	hc_references_totals totals;
};

/* A stretch of our memory that holds words of the dead process. */
typedef struct hc_words {
	const uint8_t *bytes;
	uint64_t size; /* bytes: a multiple of the word size */
} hc_words;

/* roots.c: the list of roots, and the words of those that are used. GArray of hc_words. */
void hc_references_find_roots(hc_references *references);
GArray *hc_references_root_words(const hc_references *references);

/* Appends the words of one root; nothing if it is not used. */
void hc_references_add_root_words(const hc_references *references, const hc_root *root, GArray *words);

/* Roots in the order in which a person wants to hear of them: 0 data of modules, then other memory, stacks, registers. */
enum {
	HC_ROOT_RANKS = 4
};
unsigned hc_references_root_rank(const hc_root *root);

/*
 * incoming.c: the first LIMIT words in roots whose value is in [START, END), or that lead to a block at START in an encoding, by rank.
 * GArray of hc_reference.
 */
GArray *hc_references_from_roots(const hc_references *references, hc_address start, hc_address end, unsigned limit);

/* Appends the words of [start, end) that the core has. */
void hc_references_add_words(const hc_references *references, hc_address start, hc_address end, GArray *words);

/*
 * mark.c: sets the bit in MARKS of every block that can be reached from WORDS (GArray of hc_words) and from the blocks that
 * start at STARTS (GArray of uint64_t granules, already marked), through blocks not marked yet. With INTERIOR not NULL a
 * pointer to the middle of a block does not lead to it, but sets its bit there. FALSE if memory was out.
 */
bool hc_references_mark(const hc_references *references, uint64_t *marks, uint64_t *interior, const GArray *words,
	const GArray *starts, unsigned jobs, hc_references_totals *totals);

/*
 * heuristics.c: whether ADDRESS, in the middle of the block at granule START, is where a language runtime keeps the pointer to
 * such a block.
 */
bool hc_references_is_as_good_as_start(const hc_references *references, uint64_t start, hc_address address);
/* The same, of a block whose REGION is known. */
bool hc_references_is_as_good_in(
	const hc_references *references, const hc_block_region *region, uint64_t start, hc_address address);

/*
 * Distances that are told apart: from a block's start any up to 31 bytes, then those of whole words; and in larger blocks a few words
 * before the end. The slots fill the lower bits of a block's record in inner.c. -1: none of them.
 */
enum {
	HC_INNER_BYTES = 31,
	HC_INNER_START_SLOTS = 47,
	HC_INNER_MAX = 32 + 8 * (HC_INNER_START_SLOTS - HC_INNER_BYTES - 1),
	HC_INNER_END_SLOTS = 8,
	HC_INNER_SLOTS = HC_INNER_START_SLOTS + HC_INNER_END_SLOTS
};

static inline int hc_inner_slot(uint64_t distance, uint64_t size)
{
	uint64_t before_end = size - distance;

	if (distance - 1 < HC_INNER_BYTES)
		return (int)distance - 1;
	if (distance % 8)
		return -1;
	if (distance <= HC_INNER_MAX)
		return HC_INNER_BYTES + (int)(distance - 32) / 8;
	return before_end % 8 == 0 && before_end - 8 < 8 * HC_INNER_END_SLOTS ?
		       HC_INNER_START_SLOTS + (int)(before_end - 8) / 8 :
		       -1;
}

/* Bytes from the start, or before the end. */
static inline unsigned hc_inner_distance(unsigned slot)
{
	if (slot >= HC_INNER_START_SLOTS)
		return 8 * (slot - HC_INNER_START_SLOTS + 1);
	return slot < HC_INNER_BYTES ? slot + 1 : 32 + 8 * (slot - HC_INNER_BYTES);
}

/*
 * heuristics.c: true if a word close behind ADDRESS, in the middle of a block of SIZE bytes at BLOCK, leads to BLOCK, or to what a short
 * header there leaves as the beginning.
 */
bool hc_references_leads_back(const hc_references *references, hc_address block, uint64_t size, hc_address address);

/*
 * second_search.c: the second search: from the unmarked blocks whose bit is set in INTERIOR, by pointers of any kind. What it reaches is
 * marked, and joins references->possible. FALSE if memory was out.
 */
bool hc_references_search_interior(hc_references *references, const uint64_t *interior, unsigned jobs);

/*
 * inner.c: which of the blocks in references->possible, all of them marked, are held inside. Takes them from there. When called again
 * it applies what it has learned to what has become possibly lost since, or safe. FALSE if memory was out.
 */
bool hc_references_explain_inner(hc_references *references, unsigned jobs);

/* encodings.c: marks the unmarked blocks that learned encodings lead to, and all below. FALSE if memory was out. */
bool hc_references_find_encoded(hc_references *references, unsigned jobs);

/* encodings.c: the same for COUNT TYPED references; told_words.c has these then. FALSE if memory was out. */
bool hc_references_follow_typed(
	hc_references *references, const hc_typed_reference *typed, unsigned count, unsigned jobs);

/* inner.c, encodings.c: fill references->habits and references->encodings_told from what was learned. */
void hc_references_tell_habits(hc_references *references);
void hc_references_tell_encodings(hc_references *references);

/* lost_heads.c: which of the unmarked blocks are lost directly. FALSE if memory was out. */
bool hc_references_sort_lost(hc_references *references, unsigned jobs);

/* missing.c: fills references->missing, once the search is done; says of what is missing in diagnostics. */
void hc_references_find_missing(hc_references *references, unsigned jobs);

/* The next granule from START on whose bit is set in the index and not in MARKS; granule_count if there is none. */
uint64_t hc_references_next_unmarked(const hc_blocks *blocks, const uint64_t *marks, uint64_t start);
