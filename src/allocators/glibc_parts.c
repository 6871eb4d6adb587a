/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walking one long region by several threads.
 *
 * Where a chunk begins is known only from the chunk before it. But so many plausible chunks in a row as GUESS_CHAIN are no
 * accident; so the region is divided where such a chain is found, and the parts are walked ahead, each from its guess to
 * the next one's. The walk itself then goes from part to part as if there were none:
 *
 *	part 0                    part 1                      part 2
 *	|--chunk--|--chunk--| ... |--chunk--|-- no chunk      |--chunk--| ...
 *	                          ^ comes to its start:        ^ goes on alone behind the damage, and
 *	                            takes it over                takes part 2 if it comes to its start
 *
 * A part that the walk does not come to, because the guess was wrong or the heap is damaged there, is dropped: its bits are
 * cleared, and the walk does that stretch alone. So the result is that of one walk, whatever was guessed.
 *
 * Two threads never write the same word of the bitmap of starts: a part begins at a chunk whose bit is in another word than
 * that of the chunk before it, and nobody sets a bit in this word but the part, until it was taken or dropped.
 *
 * Cost: a few cache misses for each guess; the states of a part's blocks, a byte each, are moved together. So that this takes little
 * memory that was not in use before, which can be dear, they begin with a large page, and go back as soon as they were moved.
 */
#include "allocators/glibc_walk.h"

#include "base/pages.h"

#include <string.h>

enum {
	GUESS_CHAIN = 64,
	GUESS_REACH = 256 * 1024, /* bytes from where a part should begin that are searched for a chain */
	WORD_BITS = 64
};

/* The number of the word of the bitmap that the block of CHUNK is in. */
static uint64_t word_of(const glibc *g, const hc_block_sink *sink, hc_address chunk)
{
	return ((chunk_to_block(g, chunk) - sink->base) >> sink->granule_shift) / WORD_BITS;
}

/* The first chunk of a chain from CHUNK on whose bit is in another word than that of the chunk before it; 0 if there is none. */
static hc_address first_in_word(const glibc *g, const hc_region *region, const hc_block_sink *sink, hc_address chunk)
{
	uint64_t steps, fence;

	for (unsigned i = 0; i < GUESS_CHAIN; i++) {
		hc_address next = glibc_follow(g, chunk, region->end, 1, &steps, &fence);

		if (!steps || next >= region->end || next == region->top)
			return 0;
		if (word_of(g, sink, next) != word_of(g, sink, chunk))
			return next;
		chunk = next;
	}
	return 0;
}

/* Where chunks are likely to begin, from FROM on: as first_in_word() says. 0: not found. */
static hc_address guess(const glibc *g, const hc_region *region, const hc_block_sink *sink, hc_address from)
{
	hc_address end = MIN(region->end, from + GUESS_REACH);

	for (hc_address at = chunk_align_up(g, from); at < end; at += g->alignment) {
		uint64_t steps, fence;

		glibc_follow(g, at, region->end, GUESS_CHAIN, &steps, &fence);
		if (steps == GUESS_CHAIN)
			return first_in_word(g, region, sink, at);
	}
	return 0;
}

/*
 * Where the states of the part from START on begin, which has SIZE bytes or more. There is room for chunks of two words, and none is smaller
 * than four: in half of what is a part's room a large page may be waited for.
 */
static uint8_t *states_of(
	const glibc *g, const hc_region *region, const hc_block_sink *sink, hc_address start, uint64_t size)
{
	uint8_t *states = sink->states + (start - region->start) / (2 * g->word);
	uint64_t before = -(guintptr)states % HC_LARGE_PAGE;

	return start > region->start && before <= MIN(size, region->end - start) / (4 * g->word) ? states + before :
												   states;
}

/* A part from START on, of SIZE bytes or more. */
static void add_part(const glibc *g, const hc_region *region, const hc_block_sink *sink, hc_address start,
	uint64_t size, GArray *parts)
{
	hc_walk_part part = { .start = start, .floor = start, .limit = region->end, .sink = *sink };

	if (parts->len) {
		part.floor = sink->base + ((word_of(g, sink, start) * WORD_BITS) << sink->granule_shift) - 2 * g->word;
		g_array_index(parts, hc_walk_part, parts->len - 1).limit = part.floor;
	}
	part.sink.states = states_of(g, region, sink, start, size);
	g_array_append_val(parts, part);
}

void glibc_divide(const hc_heap *heap, const hc_region *region, const hc_block_sink *sink, uint64_t size, GArray *parts)
{
	const glibc *g = heap->private;
	hc_address last = region->start;

	add_part(g, region, sink, last, size, parts);
	while (region->end - last > 2 * size) {
		hc_address start = guess(g, region, sink, last + size);

		if (start)
			add_part(g, region, sink, start, size, parts);
		last = start ? start : last + size;
	}
}

void glibc_walk_part(const hc_heap *heap, const hc_region *region, hc_walk_part *part)
{
	struct walk walk = glibc_walk_from(heap->private, region, &part->sink, part->start, part->limit);

	glibc_walk_plain(&walk);
	part->at = walk.at;
	part->last = walk.last;
	part->notes = walk.notes;
}

/* ---- taking and dropping ---- */

static void drop(struct walk *walk, hc_walk_part *part)
{
	const hc_block_sink *sink = &part->sink;

	if (sink->count) {
		uint64_t first = word_of(walk->g, sink, part->start), last = word_of(walk->g, sink, part->last);

		memset(sink->starts + first, 0, (last - first + 1) * sizeof *sink->starts);
	}
	g_clear_pointer(&part->notes, g_array_unref);
}

/* The states of PART's blocks go behind those that the walk has. */
static void move_states(hc_block_sink *sink, const hc_block_sink *part)
{
	uint8_t *end = sink->states + sink->count + part->count, *from = MAX(part->states, end);

	memmove(sink->states + sink->count, part->states, part->count);
	if (from < part->states + part->count)
		hc_pages_discard(from, part->states + part->count - from);
	sink->count += part->count;
}

/* The walk has come to where PART begins, which has a chunk at least. */
static void take(struct walk *walk, hc_walk_part *part)
{
	hc_block_sink *sink = walk->sink;
	const glibc *g = walk->g;
	uint64_t header;

	if (walk->last && hc_core_read_word(g->core, part->start + g->word, &header) && !(header & CHUNK_PREV_IN_USE))
		glibc_walk_last_is_free(walk);
	move_states(sink, &part->sink);
	for (unsigned state = 0; state < HC_BLOCK_STATE_COUNT; state++) {
		sink->blocks[state] += part->sink.blocks[state];
		sink->chunk_bytes[state] += part->sink.chunk_bytes[state];
	}
	walk->at = part->at;
	walk->last = part->last;
	g_array_append_vals(walk->notes, part->notes->data, part->notes->len);
	g_clear_pointer(&part->notes, g_array_unref);
}

static hc_walk_part *next_part(const struct walk *walk)
{
	return walk->parts && walk->next_part < walk->parts->len ?
		       &g_array_index(walk->parts, hc_walk_part, walk->next_part) :
		       NULL;
}

void glibc_drop_parts(struct walk *walk, hc_address chunk)
{
	hc_walk_part *part;

	for (; (part = next_part(walk)) && part->floor <= chunk; walk->next_part++)
		drop(walk, part);
}

void glibc_take_parts(struct walk *walk)
{
	hc_walk_part *part;

	for (; (part = next_part(walk)) && part->floor <= walk->at; walk->next_part++)
		if (part->start == walk->at && part->sink.count)
			take(walk, part);
		else
			drop(walk, part);
	walk->limit = part ? part->floor : walk->region->end;
}
