/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of blocks without a type, read ahead.
 *
 * To follow words from block to block means to wait for memory at each step: the block's contents, the index for each word, the header of
 * what it leads to. But which words of a block lead to which blocks does not depend on who has them. So that is found out beforehand, for
 * all blocks that nobody has, or whose owner does not tell what is in them: by all workers, in the order of addresses, which is fast. What
 * is left for the search, which goes from one block to the next in an order of its own, is a row for each block: it is the same for any
 * number of workers.
 *
 * A block that is not in the table (its type was known when it was made) is read when its turn comes. So is everything if there is no
 * memory for the table, or the heap is too large for its numbers.
 *
 * Memory: 4 bytes a block, and 12 for each word of a block without a type that leads to a block; until all words were followed.
 */
#include "types/word_rows.h"

#include "base/bits.h"
#include "base/pages.h"
#include "base/parallel.h"
#include "types/passes.h"

enum {
	RANGE = 1 << 16, /* blocks that a worker takes at once */
	ROOM = 4096,	 /* edges of a fresh buffer */
	TARGETS = 16	 /* of a row whose targets are fetched before it is followed */
};

/* In starts: the block has a row. */
static const uint32_t HAS_ROW = (uint32_t)1 << 31;

/* Edges of RANGE blocks. */
struct piece {
	hc_word_edge *edges;
	uint32_t count;
};

struct hc_word_rows {
	uint32_t blocks, ranges;
	uint32_t *starts; /* of each block, and one more for each range: where its row begins in its range's piece */
	struct piece *pieces; /* of each range */
};

struct reading {
	hc_word_rows *rows;
	const hc_propagation *propagation;
	uint64_t *opaque; /* bit for each owner's number; of 0, which is nobody's, too */
	unsigned next;	  /* atomic: the range that no worker has taken yet */
	int failed;	  /* atomic */
};

/* A worker's. */
struct range {
	struct reading *reading;
	hc_word_edge *edges;
	uint32_t count, room;
	uint32_t next; /* the block whose row has not begun */
	uint32_t *starts;
};

static size_t starts_size(const hc_word_rows *rows)
{
	return ((size_t)rows->blocks + rows->ranges + 1) * sizeof *rows->starts;
}

/* Where the row of BLOCK begins. */
static uint32_t *start_of(const hc_word_rows *rows, uint32_t block)
{
	return &rows->starts[block + block / RANGE];
}

/* ---- reading ---- */

static bool is_wanted(void *data, uint32_t number)
{
	const struct range *range = data;

	return (range->starts[number] & HAS_ROW) != 0;
}

static bool make_room(struct range *range)
{
	uint32_t room = range->room ? range->room * 2 : ROOM;
	hc_word_edge *edges = room < HAS_ROW ? g_try_realloc_n(range->edges, room, sizeof *edges) : NULL;

	if (!edges) {
		g_atomic_int_set(&range->reading->failed, 1);
		return false;
	}
	range->edges = edges;
	range->room = room;
	return true;
}

/* The rows of blocks up to UPTO begin here. */
static void begin_rows(struct range *range, uint32_t upto)
{
	for (; range->next <= upto; range->next++)
		range->starts[range->next] |= range->count;
}

static void add_words(void *data, const hc_block_word *words, unsigned count)
{
	struct range *range = data;
	const hc_propagation *propagation = range->reading->propagation;

	for (unsigned i = 0; i < count; i++) {
		const hc_block_word *word = &words[i];
		uint64_t place = word->offset / propagation->format.size;

		if (propagation->types->owner_of[word->to] == HC_OWNER_CLOSED)
			continue;
		if (place > UINT32_MAX / 2)
			g_atomic_int_set(&range->reading->failed, 1);
		if (range->count == range->room && !make_room(range))
			return;
		begin_rows(range, word->from);
		range->edges[range->count++] = (hc_word_edge){
			.to = word->to,
			.start = (uint32_t)word->start,
			.place = (uint32_t)place,
			.is_start = word->value == word->block,
		};
	}
}

/* What a worker has of a range becomes PIECE. */
static bool keep_piece(const struct range *range, struct piece *piece)
{
	if (!range->count)
		return true;
	piece->edges = hc_pages_create(range->count * sizeof *piece->edges);
	if (!piece->edges)
		return false;
	piece->count = range->count;
	memcpy(piece->edges, range->edges, range->count * sizeof *piece->edges);
	return true;
}

static void read_range(struct range *range, uint32_t number)
{
	hc_word_rows *rows = range->reading->rows;
	const hc_types *types = range->reading->propagation->types;
	const uint32_t *owner_of = types->owner_of;
	const hc_block_visitor visitor = { is_wanted, add_words, range };
	uint32_t first = number * RANGE, end = MIN(first + RANGE, rows->blocks);

	range->count = 0;
	range->next = first;
	/* By number, for the blocks of this range. */
	range->starts = rows->starts + number;
	for (uint32_t block = first; block < end; block++)
		if (owner_of[block] != HC_OWNER_CLOSED && hc_bit(range->reading->opaque, owner_of[block]))
			range->starts[block] = HAS_ROW;
	hc_references_each_block_word(types->references, first, end, &visitor);
	begin_rows(range, end);
	if (!keep_piece(range, &rows->pieces[number]))
		g_atomic_int_set(&range->reading->failed, 1);
}

static void read_ranges(void *data, unsigned worker)
{
	struct reading *reading = data;
	struct range range = { .reading = reading };
	unsigned number;

	(void)worker;
	while (!g_atomic_int_get(&reading->failed) &&
		(number = __atomic_fetch_add(&reading->next, 1, __ATOMIC_RELAXED)) < reading->rows->ranges)
		read_range(&range, number);
	g_free(range.edges);
}

/* ---- the table ---- */

/* Types are asked by one thread at a time. Free with g_free(). */
static uint64_t *find_opaque(const hc_types *types)
{
	unsigned count = types->owners->list->len;
	uint64_t *opaque = g_new0(uint64_t, count / 64 + 1);

	hc_set_bit(opaque, 0);
	for (unsigned i = 1; i < count; i++)
		if (hc_owner_is_opaque(hc_types_owner(types, i)))
			hc_set_bit(opaque, i);
	return opaque;
}

hc_word_rows *hc_word_rows_create(const hc_propagation *propagation, unsigned jobs)
{
	const hc_blocks *blocks = propagation->blocks;
	struct reading reading = { .propagation = propagation };

	if (blocks->granule_count > UINT32_MAX || blocks->count > UINT32_MAX - RANGE)
		return NULL;
	hc_word_rows *rows = g_new0(hc_word_rows, 1);

	rows->blocks = blocks->count;
	rows->ranges = (blocks->count + RANGE - 1) / RANGE;
	rows->pieces = g_new0(struct piece, rows->ranges + 1);
	rows->starts = hc_pages_create(starts_size(rows));
	reading.rows = rows;
	reading.opaque = find_opaque(propagation->types);
	if (rows->starts)
		hc_parallel_run(hc_parallel_workers(jobs), read_ranges, &reading);
	g_free(reading.opaque);
	if (rows->starts && !reading.failed)
		return rows;
	hc_word_rows_destroy(rows);
	return NULL;
}

void hc_word_rows_destroy(hc_word_rows *rows)
{
	if (!rows)
		return;
	for (uint32_t i = 0; i < rows->ranges; i++)
		hc_pages_destroy(rows->pieces[i].edges, rows->pieces[i].count * sizeof *rows->pieces[i].edges);
	hc_pages_destroy(rows->starts, starts_size(rows));
	g_free(rows->pieces);
	g_free(rows);
}

bool hc_word_rows_get(const hc_word_rows *rows, uint32_t block, const hc_word_edge **ret_edges, uint32_t *ret_count)
{
	const uint32_t *start = start_of(rows, block);

	if (!(start[0] & HAS_ROW))
		return false;
	*ret_edges = rows->pieces[block / RANGE].edges + (start[0] & ~HAS_ROW);
	*ret_count = (start[1] & ~HAS_ROW) - (start[0] & ~HAS_ROW);
	return true;
}

static void fetch_targets(const hc_propagation *propagation, const hc_word_edge *edges, uint32_t count)
{
	for (uint32_t i = 0; i < MIN(count, TARGETS); i++) {
		__builtin_prefetch(&propagation->types->owner_of[edges[i].to], 1);
		__builtin_prefetch(&propagation->blocks->starts[edges[i].start / 64]);
	}
}

void hc_word_rows_prefetch(const hc_word_rows *rows, const hc_propagation *propagation, uint32_t block, unsigned step)
{
	const uint32_t *start = start_of(rows, block);
	const hc_word_edge *edges;
	uint32_t count;

	if (step == 0)
		__builtin_prefetch(start);
	else if (step == 1)
		__builtin_prefetch(rows->pieces[block / RANGE].edges + (*start & ~HAS_ROW));
	else if (hc_word_rows_get(rows, block, &edges, &count))
		fetch_targets(propagation, edges, count);
}
