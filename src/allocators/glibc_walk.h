/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a walk carries: a family of two files.
 *
 *	glibc_walk.c	the walk of a region, and what it does where a header is not plain
 *	glibc_parts.c	parts of a region that are walked ahead, and what becomes of them
 */
#pragma once

#include "allocators/glibc.h"

/* A window on the memory around an address: one piece of the core. */
struct window {
	const hc_core *core;
	const uint8_t *bytes; /* of start */
	hc_address start, end;
};

struct walk {
	const glibc *g;
	const hc_region *region;
	hc_block_sink *sink;
	struct window window;
	uint64_t alignment_mask;
	hc_address at;	  /* the chunk to look at */
	hc_address last;  /* the chunk before it, 0 if what lies before is no chunk */
	hc_address limit; /* chunks from here on are not walked yet: they may be a part's */
	uint64_t *
		rejected; /* bit for each place where a chunk can be: a chain from there is not complete; NULL at first */
	bool none_complete; /* no complete chain begins in the rest of the region */
	GArray *notes;	    /* of hc_address */
	GArray *parts;	    /* of hc_walk_part; NULL: none */
	unsigned next_part; /* neither taken nor dropped */
};

/* ---- glibc_walk.c ---- */

/* A walk that begins at chunk AT and ends at LIMIT. Free notes with g_array_unref(). */
struct walk glibc_walk_from(
	const glibc *g, const hc_region *region, hc_block_sink *sink, hc_address at, hc_address limit);

/* Walks plain chunks from walk->at on, up to walk->limit, the top chunk, or a header that is not plain. */
void glibc_walk_plain(struct walk *walk);

/* The chunk before walk->at turns out to be free. */
void glibc_walk_last_is_free(struct walk *walk);

/* ---- glibc_parts.c ---- */

/* Takes or drops the parts that begin at or before walk->at, and sets walk->limit. */
void glibc_take_parts(struct walk *walk);

/* Drops the parts in whose words of the bitmap a block at CHUNK, or one before it, would be. To be called before that is set. */
void glibc_drop_parts(struct walk *walk, hc_address chunk);
