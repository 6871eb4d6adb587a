/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that are yet to be searched, by where they are.
 *
 * What is found leads anywhere. Taken last in, first out, nearly every block is on another page than the one before it, and the processor
 * looks up where the page is for longer than it waits for what is in it: a heap has far more pages than it can remember. So blocks wait in
 * buckets of neighbours, a few megabytes of the heap each, and a bucket is emptied before it is the next one's turn, round and round. Its pages
 * are all remembered then. Where only one block is known at a time, as in one long list, it costs a few instructions more.
 *
 *	push	into the bucket that the block is in, also if that is the one at hand
 *	pop	from the bucket at hand; if it is empty, from the next one that is not (`filled` has a bit for each)
 *
 * A bucket is a list of chunks of places in it, of 4 bytes. So what waits needs 4 bytes a block, and a kilobyte for each bucket that has any.
 * There are BUCKETS_MAX at most: in huge heaps they are larger.
 */
#pragma once

#include "base/bits.h"

#include <glib.h>

enum {
	HC_PENDING_ROOM = 253, /* blocks in a chunk, which is a kilobyte then */
};

typedef struct hc_pending_chunk {
	struct hc_pending_chunk *next;
	uint32_t count; /* never 0 in a bucket, once it was pushed to */
	uint32_t places[HC_PENDING_ROOM];
} hc_pending_chunk;

typedef struct hc_pending {
	uint64_t count; /* of blocks */
	hc_pending_chunk **buckets;
	uint64_t *filled;
	unsigned shift; /* a bucket is 2^shift granules */
	unsigned bucket_count;
	unsigned current; /* bucket at hand */
	hc_pending_chunk *spare;
} hc_pending;

/* For blocks that start below GRANULES. FALSE if memory was out. Clear it all the same. */
bool hc_pending_init(hc_pending *pending, uint64_t granules);
void hc_pending_clear(hc_pending *pending);

/* A chunk with room, which is now the first of BUCKET; NULL if memory was out. */
hc_pending_chunk *hc_pending_grow(hc_pending *pending, unsigned bucket);

/* Goes to the next bucket that is not empty, or stays if no other is. There must be one. */
void hc_pending_turn(hc_pending *pending);

/* Takes the first chunk, which is empty, from the bucket at hand. */
void hc_pending_shrink(hc_pending *pending);

/* FALSE if memory was out: the block is not kept. */
static inline bool hc_pending_push(hc_pending *pending, uint64_t start)
{
	unsigned bucket = start >> pending->shift;
	hc_pending_chunk *chunk = pending->buckets[bucket];

	if (G_UNLIKELY(!chunk || chunk->count == HC_PENDING_ROOM) && !(chunk = hc_pending_grow(pending, bucket)))
		return false;
	chunk->places[chunk->count++] = start & (((uint64_t)1 << pending->shift) - 1);
	pending->count++;
	return true;
}

/* There must be one. */
static inline uint64_t hc_pending_pop(hc_pending *pending)
{
	if (G_UNLIKELY(!pending->buckets[pending->current]))
		hc_pending_turn(pending);
	hc_pending_chunk *chunk = pending->buckets[pending->current];
	uint64_t start = (uint64_t)pending->current << pending->shift | chunk->places[--chunk->count];

	pending->count--;
	if (G_UNLIKELY(!chunk->count))
		hc_pending_shrink(pending);
	return start;
}
