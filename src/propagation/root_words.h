/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of roots and their places, for those who claim what they lead to:
 *
 *	root_words.c		claims it, in which order
 *	root_word_places.c	whose a word is, and how much that says
 */
#pragma once

#include "modules/modules.h"
#include "propagation/passes.h"

typedef enum {
	RANK_PROGRAM, /* its data, threads' local storage */
	RANK_LIBRARY, /* data of libraries, and thread-specific data */
	RANK_LASTING, /* the frame of main(), and of what a thread was made to run: it is there as long as the thread */
	RANK_MAPPING, /* memory that is not malloc's: others hold it */
	RANK_CALLS,   /* other frames, and registers */
	RANK_DEAD,    /* what is below all frames, or between some */
} hc_word_rank;

/* A word that leads to a block which has no owner yet, and its place once that was asked for. */
struct hc_kept_word {
	hc_root_word is;
	uint32_t owner; /* 0: not asked yet; HC_OWNER_CLOSED: none */
};

/* Shapes in data without a symbol that follow each other at one distance. */
struct run {
	hc_shape_kind kind;
	unsigned count;
	hc_address last; /* head */
	uint64_t stride;
	hc_owner *owner; /* of the last one; NULL: it had too many */
};

struct hc_naming {
	hc_propagation *propagation;
	const hc_references *references;
	hc_place_sources sources;
	GArray *words;	     /* of struct hc_kept_word */
	const hc_root *root; /* that the last of many words stands in */
	GHashTable *targets; /* ... and the blocks that its words lead to */
	hc_root_places *places;
	hc_owner_extent last; /* of the word that was asked for last */
	struct run run;
};

static inline const hc_root_word *hc_naming_word(const struct hc_naming *naming, unsigned index)
{
	return &g_array_index(naming->words, struct hc_kept_word, index).is;
}

/* True if VALUE leads into a block that nobody has, or to an object in a pool. */
bool hc_naming_is_unowned(const struct hc_naming *naming, uint64_t value);

/* Numbers that a module's file has are not addresses of blocks: bytecode, tables. In a heap below 4 GiB many look like them. */
bool hc_naming_is_constant(const struct hc_naming *naming, const hc_root_word *word);

/* Usable bytes of the block, or those of the parcel, that word INDEX leads to; 0 if it leads to none. */
uint64_t hc_naming_target_size(const struct hc_naming *naming, unsigned index);

/* Whose word INDEX is. NULL: there are too many owners. */
hc_owner *hc_naming_owner(struct hc_naming *naming, unsigned index);

/* How much a word of OWNER says; of WORD itself, which is one. */
hc_word_rank hc_word_rank_of(const hc_owner *owner);
hc_word_rank hc_naming_rank(const struct hc_naming *naming, const hc_root_word *word, const hc_owner *owner);
