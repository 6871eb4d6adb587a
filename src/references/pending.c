/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done once for many blocks that wait. */
#include "references/pending.h"

enum {
	SHIFT_LEAST = 18, /* 4 MiB of blocks that are aligned to 16 bytes: a thousand pages */
	SHIFT_MOST = 32,  /* a place has 32 bits */
	BUCKETS_MAX = 4096,
};

bool hc_pending_init(hc_pending *pending, uint64_t granules)
{
	unsigned shift = SHIFT_LEAST;

	while (shift < SHIFT_MOST && granules >> shift >= BUCKETS_MAX)
		shift++;
	*pending = (hc_pending){ .shift = shift, .bucket_count = (granules >> shift) + 1 };
	pending->buckets = g_try_new0(hc_pending_chunk *, pending->bucket_count);
	pending->filled = g_try_new0(uint64_t, pending->bucket_count / 64 + 1);
	return pending->buckets && pending->filled;
}

static void free_chunks(hc_pending_chunk *chunk)
{
	while (chunk) {
		hc_pending_chunk *next = chunk->next;

		g_free(chunk);
		chunk = next;
	}
}

void hc_pending_clear(hc_pending *pending)
{
	for (unsigned i = 0; pending->buckets && i < pending->bucket_count; i++)
		free_chunks(pending->buckets[i]);
	free_chunks(pending->spare);
	g_free(pending->buckets);
	g_free(pending->filled);
}

hc_pending_chunk *hc_pending_grow(hc_pending *pending, unsigned bucket)
{
	hc_pending_chunk *chunk = pending->spare;

	if (chunk)
		pending->spare = chunk->next;
	else
		chunk = g_try_new(hc_pending_chunk, 1);
	if (!chunk)
		return NULL;
	chunk->next = pending->buckets[bucket];
	chunk->count = 0;
	pending->buckets[bucket] = chunk;
	hc_set_bit(pending->filled, bucket);
	return chunk;
}

void hc_pending_shrink(hc_pending *pending)
{
	hc_pending_chunk *chunk = pending->buckets[pending->current];

	pending->buckets[pending->current] = chunk->next;
	chunk->next = pending->spare;
	pending->spare = chunk;
	if (!pending->buckets[pending->current])
		hc_clear_bit(pending->filled, pending->current);
}

void hc_pending_turn(hc_pending *pending)
{
	unsigned words = pending->bucket_count / 64 + 1, word = pending->current / 64;
	/* Behind the one at hand; a shift by 64 would be none. */
	uint64_t bits = pending->filled[word] & ~(uint64_t)1 << pending->current % 64;

	while (!bits) {
		word = (word + 1) % words;
		bits = pending->filled[word];
	}
	pending->current = word * 64 + __builtin_ctzll(bits);
}
