/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the next nodes of a list may be.
 *
 * A node tells where the next one is, and of no other: who follows a list waits for the memory of each node. But programs make the nodes of
 * a list one after the other, with other things between them, and malloc cuts what it hands out off one end of the heap: so most nodes lie
 * in the order of the list or in the opposite one, at short distances, of which no two are the same. The index knows, without touching
 * them, which blocks in that direction are as large as the nodes are. These are fetched, some steps ahead. A wrong guess costs
 * nothing but the memory's time; each start in between is looked at once.
 */
#include "blocks/blocks.h"

enum {
	STEP_MAX = 128,	 /* granules: nodes further from each other lie anywhere */
	STEPS_LEAST = 4, /* short ones in one direction, before anything is fetched */
	AHEAD = 8,	 /* steps, of the usual length */
	SHARE = 8,	 /* of the usual length, one part in so many is the last step's */
	LINE_GRANULES = 3
};

/*
 * The block that starts at granule START will be read, as far as two cache lines go: its header, too. Inlined, or GCC leaves the calls of
 * what does nothing but this out.
 */
static inline __attribute__((always_inline)) void fetch(
	const hc_blocks *blocks, const hc_block_region *region, uint64_t start, uint64_t size)
{
	uint64_t offset = hc_blocks_address(blocks, region, start) - region->start;

	/* The first one's header may be in another piece of memory. */
	if (offset < blocks->word || offset >= region->end - region->start)
		return;
	const uint8_t *place = region->bytes + offset;

	__builtin_prefetch(place - blocks->word);
	if (size > LINE_GRANULES)
		__builtin_prefetch(place + LINE_GRANULES * blocks->alignment);
}

/* Blocks of SIZE granules behind the node at START, up to the end of REGION at most. */
static void fetch_behind(const hc_blocks *blocks, const hc_block_region *region, uint64_t start, uint64_t size,
	uint64_t far, hc_node_guess *guess)
{
	uint64_t at = guess->at > start && guess->at - start <= far + STEP_MAX ? guess->at : start, next;

	for (; at < start + far; at = next) {
		next = hc_blocks_next_start(blocks, at + 1);
		if (next - region->first_granule >= region->granules)
			break;
		if (next - at == size)
			fetch(blocks, region, at, size);
	}
	guess->at = at;
}

/* The same in front of it. */
static void fetch_in_front(const hc_blocks *blocks, const hc_block_region *region, uint64_t start, uint64_t size,
	uint64_t far, hc_node_guess *guess)
{
	uint64_t at = guess->at < start && start - guess->at <= far + STEP_MAX ? guess->at : start, before;

	for (; at > region->first_granule && start - at < far; at = before) {
		before = hc_blocks_start_of(blocks, at - 1, 0);
		if (before - region->first_granule >= region->granules)
			break;
		if (at - before == size)
			fetch(blocks, region, before, size);
	}
	guess->at = at;
}

void hc_blocks_fetch_next(const hc_blocks *blocks, const hc_block_region *region, uint64_t start, hc_node_guess *guess)
{
	bool is_behind = start > guess->last;
	uint64_t step = is_behind ? start - guess->last : guess->last - start;

	guess->last = start;
	if (step > STEP_MAX || is_behind != guess->is_behind || !region->bytes || region->region.is_mmapped) {
		guess->is_behind = is_behind;
		guess->steps = 0;
		return;
	}
	guess->length += step - guess->length / SHARE;
	if (++guess->steps < STEPS_LEAST)
		return;
	uint64_t size = hc_blocks_next_start(blocks, start + 1) - start, far = guess->length * AHEAD / SHARE;

	if (is_behind)
		fetch_behind(blocks, region, start, size, far, guess);
	else
		fetch_in_front(blocks, region, start, size, far, guess);
}
