/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a check of the heap carries from file to file. */
#pragma once

#include "allocators/glibc.h"

struct check {
	const glibc *g;
	const hc_blocks *blocks;
	GArray *damage; /* of hc_damage */
	GArray *lists;	/* of hc_free_list: those that were followed */
	uint32_t *
		list_of; /* by block number: index in lists, from 1 on; 0: in none. NULL: no memory, and lists are not checked */
	GArray *skipped; /* of hc_range, in order: heaps that were not walked, as their heads are damaged */
	bool *walked;	 /* by arena: whether any of its memory was */
};

/* Adds a place that was found damaged. */
static inline void check_add(struct check *check, const hc_damage *damage)
{
	g_array_append_vals(check->damage, damage, 1);
}

/* The block whose chunk begins at CHUNK, and which is no pseudo-block. */
static inline bool check_find_chunk(const struct check *check, hc_address chunk, hc_block *ret_block)
{
	hc_address address = chunk_to_block(check->g, chunk);

	return hc_blocks_find(check->blocks, address, ret_block) && ret_block->address == address &&
	       ret_block->state < HC_BLOCK_FENCEPOST;
}

/* A list that is followed. */
struct check_walk {
	struct check *check;
	uint32_t list;	   /* index in lists, from 1 on */
	hc_address place;  /* of the link that is followed ... */
	uint64_t raw;	   /* ... and what it says */
	hc_address holder; /* the chunk that it is in; of the first link the cache's, or 0: it is in the arena */
};

/* Begins with a list: its head is the link at PLACE. */
struct check_walk check_walk_begin(struct check *check, hc_free_list list, hc_address place);

/* A place of that list, at ADDRESS, to be completed by the caller. */
hc_damage check_walk_place(const struct check_walk *walk, hc_damage_kind kind, hc_address address);

/*
 * Whether CHUNK, which a list of ARENA leads to (HC_ARENA_NONE: of a thread's cache), is where blocks could not be read: in memory that the core
 * lacks, or that was not walked because of damage elsewhere, which is told. Then nothing is known of the link.
 */
bool check_is_unread(const struct check *check, uint32_t arena, hc_address chunk);

/*
 * The link, decoded, leads to CHUNK. TRUE if a block is there that was in no list yet, and is in this one now; else the list ends, and that is
 * told, unless check_is_unread().
 */
bool check_walk_to(struct check_walk *walk, hc_address chunk, hc_block *ret_block);

/* glibc_check_arenas.c, glibc_check_bins.c, glibc_check_singly.c */
void glibc_check_arenas(struct check *check);
void glibc_check_bins(struct check *check, const hc_arena *arena);
void glibc_check_fastbins(struct check *check, const hc_arena *arena);
void glibc_check_tcaches(struct check *check);
