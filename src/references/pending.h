/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that are yet to be searched, by where they are.
 *
 * What is found leads anywhere. Taken last in, first out, nearly every block is on another page than the one before it, and the processor
 * looks up where the page is for longer than it waits for what is in it: a heap has far more pages than it can remember. So blocks wait in
 * buckets of neighbours, a few megabytes of the heap each, and a bucket is emptied before it is the next one's turn, round and round.
 *
 * Those of the bucket at hand are taken in the order in which they lie in memory, as a bitmap gives them: then one page comes
 * after the other, and what the processor fetches ahead by itself is what is wanted next. Where only one block is known at a time, as in one
 * long list, it costs a few instructions more.
 *
 *	push	into the bucket that the block is in: of the one at hand, a bit; of another, the end of its list
 *	pop	the next bit, round and round; if the bucket at hand is empty, the next one that is not (`filled` has a bit for each) becomes
 *		bits
 *
 * A list is made of chunks of places in the bucket, of 4 bytes. So what waits needs 4 bytes a block, a kilobyte for each bucket that has
 * any, and 32 KiB for the bits, which stay in the first or second cache. There are BUCKETS_MAX at most: in huge heaps they are larger.
 */
#pragma once

#include "base/bits.h"

#include <glib.h>

enum {
	HC_PENDING_ROOM = 253, /* blocks in a chunk, which is a kilobyte then */
};

typedef struct hc_pending_chunk {
	struct hc_pending_chunk *next;
	uint32_t count;
	uint32_t places[HC_PENDING_ROOM];
} hc_pending_chunk;

typedef struct hc_pending {
	uint64_t count;		    /* of blocks */
	uint64_t *here;		    /* bit for each granule of the bucket at hand: waits */
	uint64_t *words, *summary;  /* bit for each word of here that is not 0; the same of words */
	unsigned word;		    /* of here: the one at hand */
	unsigned current;	    /* bucket at hand: it has no list */
	unsigned shift;		    /* a bucket is 2^shift granules */
	hc_pending_chunk **buckets; /* lists */
	uint64_t *filled;
	unsigned bucket_count;
	hc_pending_chunk *spare;
} hc_pending;

/* For blocks that start below GRANULES. FALSE if memory was out. Clear it all the same. */
bool hc_pending_init(hc_pending *pending, uint64_t granules);
void hc_pending_clear(hc_pending *pending);

/* A chunk with room, which is now the first of BUCKET; NULL if memory was out. */
hc_pending_chunk *hc_pending_grow(hc_pending *pending, unsigned bucket);

/* Goes to the next word that is not 0, in this bucket or in another one. There must be one. */
void hc_pending_go_on(hc_pending *pending);

/* Takes up to ROOM blocks: bucket by bucket, those whose turn is far away first, and of the one at hand last. Returns how many. */
unsigned hc_pending_give(hc_pending *pending, uint64_t *starts, unsigned room);

/* PLACE, in the bucket at hand, waits. FALSE: it does already. */
static inline bool hc_pending_set(hc_pending *pending, uint32_t place)
{
	if (hc_bit(pending->here, place))
		return false;
	hc_set_bit(pending->here, place);
	hc_set_bit(pending->words, place / 64);
	hc_set_bit(pending->summary, place / 4096);
	return true;
}

/* FALSE if memory was out: the block is not kept. One that waits already need not come once more, and may. */
static inline bool hc_pending_push(hc_pending *pending, uint64_t start)
{
	unsigned bucket = start >> pending->shift;
	uint32_t place = start & (((uint64_t)1 << pending->shift) - 1);

	if (bucket == pending->current) {
		if (!hc_pending_set(pending, place))
			return true;
	} else {
		hc_pending_chunk *chunk = pending->buckets[bucket];

		if (G_UNLIKELY(!chunk || chunk->count == HC_PENDING_ROOM) &&
			!(chunk = hc_pending_grow(pending, bucket)))
			return false;
		chunk->places[chunk->count++] = place;
	}
	pending->count++;
	return true;
}

/* There must be one. */
static inline uint64_t hc_pending_pop(hc_pending *pending)
{
	if (!pending->here[pending->word])
		hc_pending_go_on(pending);
	uint64_t *bits = &pending->here[pending->word];
	uint64_t place = (uint64_t)pending->word * 64 + __builtin_ctzll(*bits);

	*bits &= *bits - 1;
	pending->count--;
	return (uint64_t)pending->current << pending->shift | place;
}
