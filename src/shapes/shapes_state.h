/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of shapes/ share: reading memory, and the blocks of the shape that is being looked at.
 *
 *	shapes.c	whom to ask
 *	found.c		reading, and blocks
 *	sequences.c	buffers
 *	trees.c		trees
 *	chains.c	rings and chains
 *	tables.c	hash tables without nodes
 */
#pragma once

#include "shapes/shapes.h"

enum {
	HC_SHAPE_BEFORE = 4, /* words in front of the one that leads to the heap, and behind it, that are at hand */
	HC_SHAPE_AFTER = 12
};

/* A word that leads to the heap, and its neighbours; those that cannot be read are 0. */
typedef struct hc_shape_words {
	hc_address at;
	uint64_t words[HC_SHAPE_BEFORE + HC_SHAPE_AFTER];
} hc_shape_words;

struct hc_shapes {
	const hc_core *core;
	const hc_blocks *blocks;
	hc_word_format format;
	hc_shapes_filter filter;
	void *data;
	GArray *found;	      /* of hc_address: blocks of the shape that is being looked at */
	uint64_t least, most; /* usable bytes of these, once there are some */
	uint64_t vain;	      /* steps that were walked for nothing */
	uint64_t enough;      /* nodes that are wanted; 0: all */

	/* the piece of the core that was read last */
	hc_address view_start;
	uint64_t view_size;
	const uint8_t *view;
};

/* A block that a word leads to. */
typedef struct hc_shape_block {
	const hc_block_region *region;
	hc_address address;
	uint32_t number;
	uint64_t size; /* usable */
} hc_shape_block;

/* The word AHEAD behind the one that leads to the heap. */
static inline uint64_t hc_shape_word(const hc_shape_words *words, int ahead)
{
	return words->words[HC_SHAPE_BEFORE + ahead];
}

static inline bool hc_shapes_is_heap(const hc_shapes *shapes, uint64_t value)
{
	return hc_blocks_may_contain(shapes->blocks, value) && value % shapes->format.size == 0;
}

/* COUNT bytes at ADDRESS; NULL if they are not in one piece of the core. */
const uint8_t *hc_shapes_bytes(hc_shapes *shapes, hc_address address, uint64_t count);

/* COUNT words at ADDRESS. FALSE if they cannot be read. */
bool hc_shapes_load(hc_shapes *shapes, hc_address address, unsigned count, uint64_t *ret_words);

/* The block in use that ADDRESS is the first byte of; FALSE: there is none, or it may not be a part. */
bool hc_shapes_block(hc_shapes *shapes, hc_address address, hc_shape_block *ret_block);

/* The same, wherever ADDRESS is in it. */
bool hc_shapes_block_around(hc_shapes *shapes, hc_address address, hc_shape_block *ret_block);

/* Whether malloc gives BLOCK to who asks for SIZE bytes. */
bool hc_shapes_fits(const hc_shapes *shapes, const hc_shape_block *block, uint64_t size);

/* One more block of the shape begins at ADDRESS. FALSE if there is none, or it is not as large as the others. */
bool hc_shapes_add_node(hc_shapes *shapes, hc_address address);

/* Whether as many nodes as are wanted were added. */
static inline bool hc_shapes_has_enough(const hc_shapes *shapes)
{
	return shapes->enough && shapes->found->len >= shapes->enough;
}

/* How many nodes may be walked. */
uint64_t hc_shapes_limit(const hc_shapes *shapes);

/* Whether COUNT words of a table may be looked at, one after the other. */
bool hc_shapes_may_scan(const hc_shapes *shapes, uint64_t count);

/* COUNT of them were, for nothing. Returns FALSE. */
bool hc_shapes_scanned_in_vain(hc_shapes *shapes, uint64_t count);

/* Each looks for shapes of its own. FALSE: there is none. */
bool hc_shapes_find_string(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_llvm_string(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_vector(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_deque(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_tree(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_ring(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_hash(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_queue(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
bool hc_shapes_find_slots(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape);
