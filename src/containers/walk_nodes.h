/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes: what walks of lists, trees and tables have in common.
 *
 *	walk_nodes.c	what a container's nodes are like; trees, and tables of buckets and slots
 *	walk_chains.c	lists, one or many at once
 */
#pragma once

#include "containers/walker.h"

enum {
	HC_NODE_SIZE_MAX = 1 << 24,
	HC_PROVING_NODES = 16, /* of a container that nothing else proves, whose blocks are looked at */
};

/* A link from node to node. */
typedef struct hc_node_link {
	const hc_program *program; /* NULL: there is none */
	bool is_plain;
	int64_t at; /* of a plain one: its offset in the node */
} hc_node_link;

typedef struct hc_nodes {
	int64_t first;	/* offset of the first byte of a node from its address; 0 or less */
	uint64_t size;	/* bytes from there on */
	int64_t value;	/* offset of the element */
	int64_t mapped; /* ... and of what it is mapped to */
	bool has_mapped, owned;
	hc_address skip; /* a node that holds no element; 0: none */
	hc_node_link next, prev, back, left, right, parent;
} hc_nodes;

/* A walk along a list, step by step. */
typedef struct hc_chain {
	hc_address node, stop;
	hc_address last;       /* the node that led to this one */
	hc_address slot;       /* where the pointer to this one is; 0: not known */
	hc_address came_from;  /* what `prev` of this one should be */
	hc_address met;	       /* a node that was met: who meets it again goes in a circle */
	uint64_t steps, power; /* ... since then; until the next one is remembered */
	uint64_t distance;     /* between the last two nodes */
	hc_node_guess guess;
} hc_chain;

/* FALSE, and the walk is over: they cannot be nodes. */
bool hc_nodes_read(hc_walker *walker, hc_nodes *n);

/* Bytes of an element. */
static inline uint64_t hc_part_size(const hc_walker *walker, bool by_pointer, uint64_t size)
{
	return by_pointer ? walker->reader->format.size : size;
}

/* The chain that begins at NODE and ends at STOP. */
static inline hc_chain hc_chain_from(hc_address node, hc_address stop)
{
	return (hc_chain){ .node = node, .stop = stop, .power = 1 };
}

/* One node more. FALSE: that was the last one, or the walk is over (*RET_IS_SOUND: FALSE). */
bool hc_chain_step(hc_walker *walker, const hc_nodes *n, hc_chain *c, bool *ret_is_sound);

/* Walks from CHAIN's node to its stop. FALSE: the walk is over. */
bool hc_chain_walk(hc_walker *walker, const hc_nodes *n, hc_chain *c);

/* Where the link L of the node with BYTES leads. FALSE, and the walk is over, if that cannot be told. */
static inline bool hc_node_follow(
	hc_walker *walker, const hc_nodes *n, const hc_node_link *l, const uint8_t *bytes, hc_address *ret_address)
{
	if (G_LIKELY(l->is_plain)) {
		*ret_address = hc_load_word(bytes + (l->at - n->first), walker->reader->format);
		return true;
	}
	return hc_walker_run(walker, l->program, ret_address) || hc_walker_break(walker, "its memory cannot be read");
}

/* The bytes of the node at ADDRESS; NULL, and the walk is over, if it is in no live memory. */
static inline const uint8_t *hc_node_enter(hc_walker *walker, const hc_nodes *n, hc_address address)
{
	hc_address start = address + (uint64_t)n->first;

	hc_reader_prefetch_bytes(walker->reader, start); /* while the index is asked */
	hc_range_kind place = hc_reader_check(walker->reader, start, n->size);
	const uint8_t *bytes;

	if (G_UNLIKELY(!hc_place_is_usable(place))) {
		hc_walker_break(walker, hc_place_reason(place));
		return NULL;
	}
	if (!hc_walker_charge(walker, MAX(n->size, 16)))
		return NULL;
	bytes = hc_reader_at(walker->reader, start, n->size);
	if (G_UNLIKELY(!bytes))
		hc_walker_break(walker, "its memory cannot be read");
	walker->node = address;
	return bytes;
}

/* Tells of the node at ADDRESS, which was the last that was entered (reader->checked is its block's). */
static inline void hc_node_take(hc_walker *walker, const hc_nodes *n, hc_address address)
{
	const hc_walk_visitor *visitor = walker->visitor;

	if (visitor) {
		if (visitor->memory && n->owned)
			visitor->memory(address + (uint64_t)n->first, n->size, HC_MEMORY_NODE, visitor->data);
		if (walker->visits && address != n->skip)
			hc_walker_visit(walker, address + (uint64_t)n->value,
				n->has_mapped ? address + (uint64_t)n->mapped : 0);
	}
	if (G_UNLIKELY(!walker->is_proved) && walker->walk->walked < HC_PROVING_NODES)
		hc_walker_prove_by_block(walker, address + (uint64_t)n->first, n->size);
	walker->walk->walked += address != n->skip;
}
