/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of shapes/: containers without debug info, by what stands in memory.
 *
 * Where no type tells, memory itself does: the header of a std::map is followed by a tree whose every node has a pointer back to its
 * parent, and a count that says how many these are. Chance does not meet that. So a word that leads to a block is taken for a part of
 * such a head, and what follows from it is verified:
 *
 *	word --(its neighbours: cheap, most fail)--> a kind --(walk: links, back links, counts, ends)--> its blocks
 *
 * What was verified by something that chance can't meet is deduced, what is only like it a guess; nothing is certain. A shape is what it
 * is like ("map-like"), for std::set, boost's and others' trees are the same in memory.
 *
 *	shapes.c	which kinds a word may begin
 *	found.c		reading memory, and the blocks that were found (shapes_state.h)
 *	sequences.c	strings, vectors, deques: buffers
 *	trees.c		trees with links back
 *	chains.c	rings of list nodes, chains of hash nodes
 *	tables.c	hash tables without nodes (GLib's)
 *
 * A walk costs what it walks. One that fails is in vain, and hostile memory could have many: once they have walked several times the
 * heap, only short ones are tried.
 */
#pragma once

#include "blocks/blocks.h"

typedef enum {
	HC_SHAPE_NONE,
	HC_SHAPE_STRING,
	HC_SHAPE_VECTOR,
	HC_SHAPE_DEQUE,
	HC_SHAPE_LIST,
	HC_SHAPE_RING, /* of links within what they link, without a count */
	HC_SHAPE_TREE,
	HC_SHAPE_HASH,
	HC_SHAPE_SLOTS, /* a hash table without nodes */
	HC_SHAPE_QUEUE, /* a chain with a first, a last and a count */
	HC_SHAPE_COUNT,
} hc_shape_kind;

/* "map-like"; "" of HC_SHAPE_NONE */
const char *hc_shape_kind_name(hc_shape_kind kind);

typedef struct hc_shape {
	hc_shape_kind kind;
	bool is_guess;
	hc_address head, end; /* the words that are its head, the end exclusive */
	uint64_t count;	      /* elements; UINT64_MAX: how large these are is not known */
	uint64_t capacity;    /* room for elements; UINT64_MAX: not known */
	uint64_t bytes;	      /* that elements have in buffers; of nodes all that is in use of their blocks */
	uint64_t node_bytes;  /* usable bytes of its smallest node; 0: it has buffers */
	unsigned value;	      /* bytes in front of what a node holds */
	unsigned stride;      /* of elements in buffers; 0: not known */
	uint64_t
		whole; /* of these, bytes that are a whole number of elements: more than `stride`, and one may be several */
	hc_address from, to;  /* of sequences: where the first element begins, and the last one ends, exclusive */
	hc_address index[2];  /* blocks that only lead to the others, or hold numbers; 0: none */
	const GArray *
		blocks; /* of hc_address: its nodes or buffers, in order. They are the finder's, until it is asked again. */
} hc_shape;

typedef struct hc_shapes hc_shapes;

/* Whether block NUMBER may be a part of a shape. */
typedef bool (*hc_shapes_filter)(void *data, uint32_t number);

/* CORE and BLOCKS must outlive the result. FILTER is asked with DATA. */
hc_shapes *hc_shapes_create(const hc_core *core, const hc_blocks *blocks, hc_shapes_filter filter, void *data);
void hc_shapes_destroy(hc_shapes *shapes);

/* The shape whose head has the word at ADDRESS, which leads into the heap, as its first one that does. FALSE: there is none. */
bool hc_shapes_find(hc_shapes *shapes, hc_address address, hc_shape *ret_shape);

/*
 * From now on the first NODES of a tree or of chains of hash nodes are all that is walked, in no order. Nothing else is verified: for who knows
 * that the shape is there. 0: all.
 */
void hc_shapes_set_enough(hc_shapes *shapes, uint64_t nodes);

enum {
	HC_SHAPE_SHORT_TEXT =
		16 /* bytes of a libstdc++ string that has its text in itself, with its NUL, behind two words */
};

/* Whether a libstdc++ string that has its text in itself is at ADDRESS: a pointer to that, and a length that a NUL is behind. */
bool hc_shapes_is_short_string(hc_shapes *shapes, hc_address address);

/* The shape found last is of no use: its blocks may be found again, and were walked in vain. */
void hc_shapes_refuse(hc_shapes *shapes);

/*
 * The text of the std::string at ADDRESS, if one is there by all that can be seen; else NULL. *ret_is_llvm: it is libc++'s, and then it is
 * not empty: zeros would be one. Free with g_free().
 */
char *hc_shapes_text(hc_shapes *shapes, hc_address address, bool *ret_is_llvm);
