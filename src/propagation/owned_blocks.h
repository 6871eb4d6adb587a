/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks in use, in their order, by whose they are.
 *
 * Several passes look for the few blocks whose owners they want, among many that are settled. What is wanted is asked once of each owner, not
 * of each block; so a block that is passed over costs a look at its owner's number and at one byte, and a pass that wants no
 * owner at all costs nothing.
 */
#pragma once

#include "types/types.h"

#include "blocks/blocks.h"

typedef struct hc_owned_blocks {
	const hc_types *types;
	uint8_t *skips; /* by number of the owner; 0 is nobody */
	uint32_t known; /* owners that were there at the beginning; all blocks of others are visited */
	uint32_t next;	/* block */
	hc_block_iterator iterator;
} hc_owned_blocks;

/*
 * From the first block on. WANTS is asked of each owner that is there now, and may say yes of some that are not wanted: who visits looks once more,
 * as a visit may change whose blocks are. No visit may make an owner wanted that was not. WANTS_NOBODYS: also blocks that nobody has.
 */
void hc_owned_blocks_begin(
	hc_owned_blocks *owned, const hc_types *types, bool (*wants)(const hc_owner *owner), bool wants_nobodys);
void hc_owned_blocks_end(hc_owned_blocks *owned);

/* The next block that is somebody's who was wanted, or who was not there yet. FALSE: there is none any more. */
bool hc_owned_blocks_next(hc_owned_blocks *owned, hc_block *ret_block);
