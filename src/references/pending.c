/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done once for many blocks that wait. */
#include "references/pending.h"

enum {
	SHIFT_LEAST = 18, /* 4 MiB of blocks that are aligned to 16 bytes: a thousand pages */
	SHIFT_MOST = 32,  /* a place has 32 bits */
	BUCKETS_MAX = 4096,
};

/* Words of `here`: those of `words` and `summary` are a 64th, and a 64th of that. */
static unsigned word_count(const hc_pending *pending)
{
	return 1u << (pending->shift - 6);
}

bool hc_pending_init(hc_pending *pending, uint64_t granules)
{
	unsigned shift = SHIFT_LEAST;

	while (shift < SHIFT_MOST && granules >> shift >= BUCKETS_MAX)
		shift++;
	*pending = (hc_pending){ .shift = shift, .bucket_count = (granules >> shift) + 1 };
	pending->buckets = g_try_new0(hc_pending_chunk *, pending->bucket_count);
	pending->filled = g_try_new0(uint64_t, pending->bucket_count / 64 + 1);
	pending->here = g_try_new0(uint64_t, word_count(pending));
	pending->words = g_try_new0(uint64_t, word_count(pending) / 64);
	pending->summary = g_try_new0(uint64_t, word_count(pending) / 64 / 64);
	return pending->buckets && pending->filled && pending->here && pending->words && pending->summary;
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
	g_free(pending->here);
	g_free(pending->words);
	g_free(pending->summary);
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

/* The first bit from FROM on that is set in a bitmap of COUNT words, round and round; UINT_MAX: there is none. */
static unsigned next_bit(const uint64_t *bitmap, unsigned count, unsigned from)
{
	unsigned word = from / 64;
	uint64_t bits = bitmap[word] & ~(uint64_t)0 << from % 64;

	for (unsigned left = count; !bits && left; left--) {
		word = word + 1 < count ? word + 1 : 0;
		bits = bitmap[word];
	}
	return bits ? word * 64 + __builtin_ctzll(bits) : UINT_MAX;
}

/* The first bucket from FROM on that has a list; UINT_MAX: none has. */
static unsigned next_list(const hc_pending *pending, unsigned from)
{
	return next_bit(pending->filled, pending->bucket_count / 64 + 1, from);
}

/* Takes the first chunk from the list of BUCKET. */
static void drop_chunk(hc_pending *pending, unsigned bucket)
{
	hc_pending_chunk *chunk = pending->buckets[bucket];

	pending->buckets[bucket] = chunk->next;
	chunk->next = pending->spare;
	pending->spare = chunk;
	if (!pending->buckets[bucket])
		hc_clear_bit(pending->filled, bucket);
}

/* The list of the next bucket that has one becomes bits. */
static void turn(hc_pending *pending)
{
	unsigned bucket = next_list(pending, pending->current);

	for (; pending->buckets[bucket]; drop_chunk(pending, bucket)) {
		const hc_pending_chunk *chunk = pending->buckets[bucket];

		for (uint32_t i = 0; i < chunk->count; i++)
			pending->count -= !hc_pending_set(pending, chunk->places[i]);
	}
	pending->current = bucket;
	pending->word = 0;
}

/* The first group of 64 words from FROM on, round and round, of which any is not 0; UINT_MAX: there is none. */
static unsigned next_group(const hc_pending *pending, unsigned from)
{
	unsigned groups = word_count(pending) / 64;

	return next_bit(pending->summary, groups / 64, from % groups);
}

void hc_pending_go_on(hc_pending *pending)
{
	unsigned group = pending->word / 64;

	/* The word at hand is empty; it may have been the last one of its group. */
	hc_clear_bit(pending->words, pending->word);
	if (!pending->words[group])
		hc_clear_bit(pending->summary, group);
	uint64_t behind = pending->words[group] & ~(uint64_t)0 << pending->word % 64;

	if (!behind) {
		group = next_group(pending, group + 1);
		if (group == UINT_MAX) {
			turn(pending);
			group = next_group(pending, 0);
		}
		behind = pending->words[group];
	}
	pending->word = group * 64 + __builtin_ctzll(behind);
}

unsigned hc_pending_give(hc_pending *pending, uint64_t *starts, unsigned room)
{
	unsigned given = 0, far = (pending->current + pending->bucket_count / 2) % pending->bucket_count, bucket;

	while (given < room && (bucket = next_list(pending, far)) != UINT_MAX) {
		hc_pending_chunk *chunk = pending->buckets[bucket];

		while (given < room && chunk->count)
			starts[given++] = (uint64_t)bucket << pending->shift | chunk->places[--chunk->count];
		if (!chunk->count)
			drop_chunk(pending, bucket);
	}
	pending->count -= given;
	while (given < room && pending->count)
		starts[given++] = hc_pending_pop(pending);
	return given;
}
