/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The blocks of one container, while it is walked, or as a walk was kept (containers/record.c): container_pieces.c. Each piece of memory
 * that it owns is claimed in turn.
 */
#pragma once

#include "propagation/propagation_state.h"

/* A piece of memory that a container owns. */
typedef struct hc_piece {
	hc_spot spot;
	uint64_t offset; /* in its block */
	uint64_t size;
	uint32_t owner;
} hc_piece;

enum {
	HC_PIECES_WAITING = 16,
};

typedef struct hc_pieces {
	hc_propagation *propagation;
	hc_owner *container;
	hc_owner *nodes; /* whose the nodes are: NULL: the container's */
	bool by_pointer; /* what it holds is an object of its own: that one claims its block */
	hc_address node; /* the first; 0: none yet */
	hc_piece *
		waiting; /* room for HC_PIECES_WAITING: a ring, so that who has the blocks is fetched before they are claimed */
	unsigned waiting_in, waiting_out;
	const hc_walk *walk;
	uint64_t pieces_bytes, index_bytes; /* of nodes, and of indexes, in blocks that hold several pieces */
} hc_pieces;

/* Notes the piece of SIZE bytes at ADDRESS, to be claimed. */
void hc_pieces_claim(hc_pieces *pieces, hc_address address, uint64_t size, hc_memory_role role);

/* Claims those that wait. */
void hc_pieces_claim_rest(hc_pieces *pieces);

/* Claims all of RECORD's. KEEP: it will be taken back. */
void hc_pieces_claim_record(hc_pieces *pieces, const hc_walk_record *record, bool keep);

/* A piece of one of many containers. */
typedef struct hc_leaf_piece {
	uint32_t number; /* of the block that it begins */
	uint32_t size;
	uint16_t part; /* whose container it is */
	bool is_index;
	bool is_first; /* of its container */
	bool is_plain; /* that its block is larger means nothing */
} hc_leaf_piece;

/* Whether the block with SIZE bytes at ADDRESS has no room for as much again. Any thread may ask. */
bool hc_pieces_is_whole(const hc_propagation *propagation, hc_address address, uint64_t size);

/* Claims COUNT pieces, in this order, for the CONTAINERS of their parts. */
void hc_pieces_claim_leaves(
	hc_propagation *propagation, hc_owner *const *containers, const hc_leaf_piece *pieces, uint64_t count);

/*
 * The same if each of these blocks is nobody's, and each piece all that there is in it. FALSE: one is not, or is two pieces' of these; then
 * nothing was claimed.
 */
bool hc_pieces_claim_new_leaves(
	hc_propagation *propagation, hc_owner *const *containers, const hc_leaf_piece *pieces, uint64_t count);

/* Undoes the propagation's claims from FIRST on. */
void hc_propagation_take_back(hc_propagation *propagation, unsigned first);
