/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of pins/ share. */
#pragma once

#include "pins/pins.h"

/* Blocks of one region, by number; END is exclusive. */
typedef struct hc_pin_piece {
	uint32_t region, first, end;
} hc_pin_piece;

/* A run, and the blocks of the island above it: a slice of pins->pieces, since an island may go on in the next heap. */
typedef struct hc_pin_entry {
	hc_pin_run run;
	uint32_t region;
	uint32_t first_piece, piece_count;
	bool shared; /* the island is that of the run above, with nothing between but the end of a heap */
} hc_pin_entry;

struct hc_pins {
	const hc_core *core;
	const hc_blocks *blocks;
	const hc_types *types; /* may be NULL */
	uint64_t page, minimum;
	uint64_t trim_unit;		  /* of which the main arena's top is given back */
	uint64_t trim_threshold, top_pad; /* malloc's, or the defaults */
	GArray *pieces;			  /* of hc_pin_piece */
	GArray *entries;		  /* of hc_pin_entry */
	GArray *holders;		  /* of hc_pin_holder */
	GStringChunk *texts;
	hc_pins_totals totals;
	hc_pins_summary summary;
};

/* Visits the blocks of pieces in order: hc_pin_walk_next() until it is FALSE. Fenceposts are left out. */
typedef struct hc_pin_walk {
	const hc_blocks *blocks;
	const hc_pin_piece *piece, *end_piece;
	const hc_block_region *region;
	hc_start_cursor cursor;
	hc_address next;  /* chunk of block `at` */
	uint32_t at;	  /* the next block */
	uint32_t number;  /* the block that was found */
	hc_address chunk; /* where its chunk begins */
	uint64_t size;	  /* of its chunk */
	hc_block_state state;
} hc_pin_walk;
void hc_pin_walk_init(hc_pin_walk *walk, const hc_pins *pins, const hc_pin_entry *entry);
bool hc_pin_walk_next(hc_pin_walk *walk);

/* What free() gives back of a top chunk of SIZE bytes, by the threshold and the pad, in multiples of UNIT. */
uint64_t hc_pins_trim(const hc_pins *pins, uint64_t size, uint64_t unit);

void hc_pins_find_runs(hc_pins *pins);	 /* runs.c */
void hc_pins_add_holders(hc_pins *pins); /* holders.c */
void hc_pins_sum_up(hc_pins *pins);	 /* kept.c: the summary */
