/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks of one hash, compared.
 *
 *	hash		each worker reads a range of blocks in order of address: (32 bits of hash, number), 8 bytes a block
 *	scatter		into 256 buckets by the hash's highest byte, each in order of number
 *	sort		each bucket by the other bits: two passes of counting, which keep the order
 *	compare		blocks of one hash with one of each content; what is equal is moved together
 *
 * Time: the bytes once, at memory's speed, and once more those of blocks whose hash is not their own. Memory: 16 bytes a block while it is
 * sorted, then 8. Contents that share a hash are compared with at most CONTENTS_MAX others: what a core does on purpose costs no more than
 * that, and what is left out is counted. The result does not depend on the number of workers.
 */
#include "duplicates/content.h"

#include "base/parallel.h"

#include <string.h>

enum {
	BUCKETS = 256,
	DIGIT = 1 << 12, /* of the sort within a bucket: 24 bits are two */
	CONTENTS_MAX = 16,
	WORKERS_MAX = 64, /* hc_parallel_workers() */
	RING = 16,
};

static const uint64_t NO_ENTRY = UINT64_MAX;

typedef struct worker {
	_Alignas(HC_APART) size_t first,
		end; /* places in entries: the blocks that are looked at, in order of address */
	size_t counts[BUCKETS], places[BUCKETS];
	hc_duplicates_totals totals;
	GArray *groups; /* of hc_duplicate_group */
} worker;

typedef struct search {
	hc_duplicates *duplicates;
	uint64_t *entries, *sorted;
	worker *workers;
	unsigned worker_count;
	size_t begins[BUCKETS + 1];
	int next_bucket; /* atomic */
} search;

/* ---- hash ---- */

/* Whether BLOCK, which starts at granule START, is to be looked at; counts it if it is lost. */
static inline bool is_wanted(
	const hc_duplicates *duplicates, const hc_compared_block *block, uint64_t start, hc_duplicates_totals *totals)
{
	const hc_blocks *blocks = duplicates->blocks;

	if (blocks->states[block->number] != HC_BLOCK_IN_USE || block->size < duplicates->minimum || !block->size ||
		hc_blocks_is_labelled(blocks, block->number))
		return false;
	if (!hc_reach_is_lost(hc_references_reach_at(duplicates->references, start)))
		return true;
	hc_amount_count(&totals->lost, block->size);
	return false;
}

/* A block whose bytes may be on their way. */
typedef struct waiting {
	hc_compared_block block;
	const uint8_t *bytes;
	size_t position;
} waiting;

static void hash_block(search *s, worker *w, const waiting *one)
{
	hc_content content = hc_content_of(s->duplicates, &one->block, one->bytes);
	uint32_t hash = (uint32_t)(hc_content_hash(&content, one->block.size) >> 32);

	hc_amount_count(&w->totals.looked_at, one->block.size);
	s->entries[one->position] = (uint64_t)hash << 32 | one->block.number;
	w->counts[hash >> 24]++;
}

/* Looks at the block NUMBER that starts at granule START: *ONE is what is to be hashed of it. FALSE: nothing is. */
static inline bool prepare(search *s, worker *w, const hc_block_region **region, uint64_t start, uint64_t next,
	uint32_t number, waiting *one)
{
	hc_duplicates *duplicates = s->duplicates;

	if (G_UNLIKELY(!*region || start - (*region)->first_granule >= (*region)->granules))
		*region = hc_blocks_region_of_start(duplicates->blocks, start);
	one->block = hc_compared_block_at(duplicates->blocks, *region, start, next, number);
	if (!is_wanted(duplicates, &one->block, start, &w->totals))
		return false;
	one->bytes = hc_compared_bytes(duplicates, *region, &one->block);
	if (!one->bytes)
		hc_amount_count(&w->totals.unreadable, one->block.size);
	return one->bytes != NULL;
}

static void hash_all(search *s, worker *w)
{
	const hc_blocks *blocks = s->duplicates->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, (uint32_t)w->first));
	uint64_t start = hc_start_cursor_next(&cursor);
	const hc_block_region *region = NULL;

	for (size_t number = w->first; number < w->end; number++) {
		uint64_t next = hc_start_cursor_next(&cursor);
		waiting one = { .position = number };

		s->entries[number] = NO_ENTRY;
		if (prepare(s, w, &region, start, next, (uint32_t)number, &one))
			hash_block(s, w, &one);
		start = next;
	}
}

/* One number of EVERY from the POSITIONth EVERY on, so that patterns of the program's own do not decide which. */
static inline uint64_t choose_number(size_t position, uint64_t every)
{
	return position * every + (position * UINT64_C(0x9e3779b97f4a7c15) >> 32) % every;
}

/* Chosen blocks lie far apart: the bytes of some are fetched while others are hashed. */
static void hash_chosen(search *s, worker *w)
{
	const hc_blocks *blocks = s->duplicates->blocks;
	const hc_block_region *region = NULL;
	waiting ring[RING];
	unsigned in = 0, out = 0;

	for (size_t position = w->first; position < w->end; position++) {
		uint64_t number = choose_number(position, s->duplicates->every), start;
		waiting *one = &ring[in % RING];

		s->entries[position] = NO_ENTRY;
		if (number >= blocks->count)
			continue;
		start = hc_blocks_start_of_number(blocks, (uint32_t)number);
		one->position = position;
		if (!prepare(s, w, &region, start, hc_blocks_next_start(blocks, start + 1), (uint32_t)number, one))
			continue;
		__builtin_prefetch(one->bytes);
		__builtin_prefetch(one->bytes + MIN(one->block.size, 64) - 1);
		if (++in - out == RING)
			hash_block(s, w, &ring[out++ % RING]);
	}
	while (out != in)
		hash_block(s, w, &ring[out++ % RING]);
}

static void hash_range(void *data, unsigned index)
{
	search *s = data;
	worker *w = &s->workers[index];

	if (w->first >= w->end)
		return;
	if (s->duplicates->every == 1)
		hash_all(s, w);
	else
		hash_chosen(s, w);
}

/* ---- scatter ---- */

static void make_places(search *s)
{
	size_t place = 0;

	for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
		s->begins[bucket] = place;
		for (unsigned i = 0; i < s->worker_count; i++) {
			s->workers[i].places[bucket] = place;
			place += s->workers[i].counts[bucket];
		}
	}
	s->begins[BUCKETS] = place;
}

static void scatter_range(void *data, unsigned index)
{
	search *s = data;
	worker *w = &s->workers[index];

	for (size_t position = w->first; position < w->end; position++) {
		uint64_t entry = s->entries[position];

		if (entry != NO_ENTRY)
			s->sorted[w->places[entry >> 56]++] = entry;
	}
}

/* ---- sort ---- */

static void sort_by_digit(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
	size_t places[DIGIT] = { 0 }, place = 0;

	for (size_t i = 0; i < count; i++)
		places[from[i] >> shift & (DIGIT - 1)]++;
	for (unsigned i = 0; i < DIGIT; i++) {
		size_t here = places[i];

		places[i] = place;
		place += here;
	}
	for (size_t i = 0; i < count; i++)
		to[places[from[i] >> shift & (DIGIT - 1)]++] = from[i];
}

/* ---- compare ---- */

/* What stands first of one content. */
typedef struct kind {
	hc_content content;
	hc_compared_block block;
	size_t count; /* entries */
} kind;

/* The content of ENTRY among KINDS, of which there are *COUNT; a new one if there is room. -1: there is none. */
static int find_kind(
	const hc_duplicates *duplicates, kind *kinds, unsigned *count, uint64_t entry, hc_compared_block *block)
{
	const hc_blocks *blocks = duplicates->blocks;
	uint64_t start = hc_blocks_start_of_number(blocks, (uint32_t)entry);
	const hc_block_region *region = hc_blocks_region_of_start(blocks, start);
	const uint8_t *bytes;

	*block = hc_compared_block_at(blocks, region, start, hc_blocks_next_start(blocks, start + 1), (uint32_t)entry);
	bytes = hc_compared_bytes(duplicates, region, block);
	if (!bytes)
		return -1;
	hc_content content = hc_content_of(duplicates, block, bytes);

	for (unsigned i = 0; i < *count; i++)
		if (kinds[i].block.size == block->size && hc_contents_are_equal(&kinds[i].content, &content)) {
			kinds[i].count++;
			return (int)i;
		}
	if (*count == CONTENTS_MAX)
		return -1;
	kinds[*count] = (kind){ content, *block, 1 };
	return (int)(*count)++;
}

static void add_group(worker *w, const kind *one, size_t first)
{
	const hc_content *content = &one->content;
	hc_duplicate_group group = {
		.blocks = one->count,
		.size = one->block.size,
		.length = content->length,
		.compared = content->compared,
		.is_zero = !content->bytes[0] &&
			   !memcmp(content->bytes, content->bytes + 1, (size_t)content->length - 1),
		.example = one->block.address,
		.first = first,
	};

	if (one->count > 1)
		g_array_append_val(w->groups, group);
}

/* Memory of one worker for the entries of a run, and for which kind each is of. */
typedef struct room {
	uint8_t *bytes;
	size_t entries;
} room;

static bool make_room(room *r, size_t entries)
{
	uint8_t *more;

	if (entries <= r->entries)
		return true;
	more = entries < SIZE_MAX / 16 ? g_try_realloc(r->bytes, entries * (sizeof(uint64_t) + 1)) : NULL;
	if (!more)
		return false;
	r->bytes = more;
	r->entries = entries;
	return true;
}

/* Moves the entries [first, end) of one kind together, in their order; WHICH says of which kind each is. */
static void move_together(search *s, size_t first, size_t end, size_t *places, const room *r, const uint8_t *which)
{
	memcpy(r->bytes, &s->sorted[first], (end - first) * sizeof(uint64_t));
	for (size_t i = first; i < end; i++)
		memcpy(&s->sorted[places[which[i - first]]++], r->bytes + (i - first) * sizeof(uint64_t),
			sizeof(uint64_t));
}

/* The entries [first, end) have one hash: those of one content become a group; behind them is what was not told. */
static void compare_run(search *s, worker *w, size_t first, size_t end, room *r)
{
	kind kinds[CONTENTS_MAX];
	size_t places[CONTENTS_MAX + 1], place = first;
	unsigned count = 0;
	bool has_room = make_room(r, end - first);
	uint8_t *which = has_room ? r->bytes + (end - first) * sizeof(uint64_t) : NULL;

	for (size_t i = first; i < end; i++) {
		hc_compared_block block = { 0 };
		int found = has_room ? find_kind(s->duplicates, kinds, &count, s->sorted[i], &block) : -1;

		if (found < 0)
			hc_amount_count(&w->totals.unverified, block.size);
		if (has_room)
			which[i - first] = found < 0 ? CONTENTS_MAX : (uint8_t)found;
	}
	for (unsigned i = 0; i < count; i++) {
		places[i] = place;
		add_group(w, &kinds[i], place);
		place += kinds[i].count;
	}
	places[CONTENTS_MAX] = place;
	if (has_room && (count > 1 || place < end))
		move_together(s, first, end, places, r, which);
}

static void compare_bucket(search *s, worker *w, size_t first, size_t end, room *r)
{
	while (first < end) {
		size_t behind = first + 1;

		while (behind < end && s->sorted[behind] >> 32 == s->sorted[first] >> 32)
			behind++;
		if (behind - first > 1)
			compare_run(s, w, first, behind, r);
		first = behind;
	}
}

static void sort_buckets(void *data, unsigned index)
{
	search *s = data;
	worker *w = &s->workers[index];
	room r = { 0 };

	for (int bucket = g_atomic_int_add(&s->next_bucket, 1); bucket < BUCKETS;
		bucket = g_atomic_int_add(&s->next_bucket, 1)) {
		size_t first = s->begins[bucket], count = s->begins[bucket + 1] - first;

		sort_by_digit(s->sorted + first, s->entries + first, count, 32);
		sort_by_digit(s->entries + first, s->sorted + first, count, 44);
		compare_bucket(s, w, first, first + count, &r);
	}
	g_free(r.bytes);
}

/* ---- the whole ---- */

static void add_up(hc_duplicates *duplicates, worker *w)
{
	hc_duplicates_totals *totals = &duplicates->totals;

	hc_amount_add(&totals->looked_at, w->totals.looked_at);
	hc_amount_add(&totals->lost, w->totals.lost);
	hc_amount_add(&totals->unreadable, w->totals.unreadable);
	hc_amount_add(&totals->unverified, w->totals.unverified);
	g_array_append_vals(duplicates->groups, w->groups->data, w->groups->len);
	g_array_unref(w->groups);
}

bool hc_duplicates_find_groups(hc_duplicates *duplicates)
{
	size_t count = (hc_blocks_count(duplicates->blocks) + duplicates->every - 1) / duplicates->every;
	worker workers[WORKERS_MAX] = { 0 };
	search s = {
		.duplicates = duplicates,
		.entries = g_try_new(uint64_t, count + 1),
		.sorted = g_try_new(uint64_t, count + 1),
		.workers = workers,
		.worker_count = MIN(duplicates->workers, WORKERS_MAX),
	};

	if (!s.entries || !s.sorted) {
		g_free(s.entries);
		g_free(s.sorted);
		return false;
	}
	for (unsigned i = 0; i < s.worker_count; i++) {
		workers[i].first = count * i / s.worker_count;
		workers[i].end = count * (i + 1) / s.worker_count;
		workers[i].groups = g_array_new(FALSE, FALSE, sizeof(hc_duplicate_group));
	}
	hc_parallel_run(s.worker_count, hash_range, &s);
	make_places(&s);
	hc_parallel_run(s.worker_count, scatter_range, &s);
	hc_parallel_run(s.worker_count, sort_buckets, &s);
	for (unsigned i = 0; i < s.worker_count; i++)
		add_up(duplicates, &workers[i]);
	g_free(s.entries);
	duplicates->entries = s.sorted;
	return true;
}
