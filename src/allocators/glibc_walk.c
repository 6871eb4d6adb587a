/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walking the chunks of a region.
 *
 *	chunk           user memory                             next chunk
 *	| prev_size | size+flags | ....................... | prev_size | size+flags | ...
 *	                         ^ the block                ^ belongs to the block while it is in use
 *
 * Whether a chunk is free is in the *next* header's PREV_INUSE, so each header settles the chunk before it. The inner loop
 * (walk_run) does nothing else: one load, one bit, one byte for each chunk, no branch that depends on the state.
 *
 * What stops it is handled outside (walk): the top chunk; fenceposts, after which there may be memory that somebody else
 * got from sbrk(); a header that cannot be one. In the last two cases the walk goes on at the next place from which
 * CHAIN_MIN chunks follow each other, and what lies between becomes a pseudo-block, so that no byte is unaccounted for.
 */
#include "allocators/glibc_walk.h"

#include <inttypes.h>

const hc_diagnostic_kind hc_heap_unreadable = {
	"heap-unreadable",
	HC_SEVERITY_HEAP_PARTIAL,
	"of the heap could not be followed (overwritten, cut off or not dumped): blocks in it are not counted",
};

enum {
	CHAIN_MIN = 8, /* so many plausible chunks in a row are no accident */
};

static bool window_move(struct window *window, hc_address address)
{
	const hc_mapping *mapping = hc_core_find_mapping(window->core, address);

	if (!mapping || !mapping->bytes) {
		window->start = window->end = 0;
		return false;
	}
	window->start = mapping->start;
	window->end = mapping->end;
	window->bytes = mapping->bytes;
	return true;
}

static inline bool window_load(struct window *window, hc_address address, hc_word_format format, uint64_t *ret_value)
{
	if (address - window->start >= window->end - window->start && !window_move(window, address))
		return false;
	if (window->end - address < format.size)
		return false;
	*ret_value = hc_load_word(window->bytes + (address - window->start), format);
	return true;
}

/* ---- what a walk tells ---- */

static inline void emit(hc_block_sink *sink, hc_address block, hc_block_state state)
{
	uint64_t granule = (block - sink->base) >> sink->granule_shift;

	sink->starts[granule / 64] |= (uint64_t)1 << granule % 64;
	sink->states[sink->count++] = state;
}

static void emit_counted(struct walk *walk, hc_address start, hc_address end, hc_block_state state)
{
	glibc_drop_parts(walk, start);
	emit(walk->sink, chunk_to_block(walk->g, start), state);
	walk->sink->blocks[state]++;
	walk->sink->chunk_bytes[state] += end - start;
}

static inline bool size_is_plausible(uint64_t size, uint64_t minimum, uint64_t alignment_mask, uint64_t room)
{
	return size >= minimum && !(size & alignment_mask) && size <= room;
}

/* ---- the inner loop ---- */

/* What the walk looks for in passing (see glibc.h), and where it keeps it. Chunk sizes are compared without their lower end. */
struct notes {
	uint64_t smallest, span, key;
};

static struct notes what_to_note(const glibc *g)
{
	/* No chunk has the size 0 or less. */
	return (struct notes){ g->noted_smallest + g->word, g->noted_largest - g->noted_smallest, g->key };
}

static void note(struct walk *walk, hc_address block)
{
	g_array_append_val(walk->notes, block);
}

static inline bool is_noted(
	struct window *window, const struct notes *notes, hc_address chunk, uint64_t size, hc_word_format format)
{
	uint64_t word;

	return size - notes->smallest <= notes->span ||
	       (notes->key && window_load(window, chunk + 3 * format.size, format, &word) && word == notes->key);
}

/*
 * Walks plain chunks from walk->at to the top chunk, the limit, or a header that is not plain. FORMAT is a constant in each
 * instance below.
 */
static inline __attribute__((always_inline)) void walk_run(struct walk *walk, const hc_word_format format)
{
	hc_block_sink *sink = walk->sink;
	const hc_address end = walk->region->end, limit = walk->limit, top = walk->region->top;
	const uint64_t minimum = walk->g->minimum, mask = walk->alignment_mask;
	hc_address at = walk->at, last = walk->last;
	uint64_t last_size = last ? at - last : 0, free_bytes = 0, free_blocks = 0, used_bytes = 0;
	uint32_t first = sink->count;
	uint64_t header;
	struct window window = walk->window;
	const struct notes notes = what_to_note(walk->g);

	while (at < limit && window_load(&window, at + format.size, format, &header)) {
		uint64_t size = header & ~(uint64_t)CHUNK_FLAGS;
		bool free = !(header & CHUNK_PREV_IN_USE);

		if (at == top || !size_is_plausible(size, minimum, mask, end - at))
			break;
		if (last) {
			sink->states[sink->count - 1] = free ? HC_BLOCK_UNLISTED : HC_BLOCK_IN_USE;
			free_bytes += free ? last_size : 0;
			free_blocks += free;
		}
		emit(sink, at + 2 * format.size, HC_BLOCK_IN_USE);
		if (G_UNLIKELY(is_noted(&window, &notes, at, size, format)))
			note(walk, at + 2 * format.size);
		used_bytes += size;
		last = at;
		last_size = size;
		at += size;
	}
	walk->window = window;
	walk->at = at;
	walk->last = last;
	sink->blocks[HC_BLOCK_IN_USE] += sink->count - first - free_blocks;
	sink->chunk_bytes[HC_BLOCK_IN_USE] += used_bytes - free_bytes;
	sink->blocks[HC_BLOCK_UNLISTED] += free_blocks;
	sink->chunk_bytes[HC_BLOCK_UNLISTED] += free_bytes;
}

void glibc_walk_plain(struct walk *walk)
{
	if (walk->g->format.size == 8 && !walk->g->format.swap)
		walk_run(walk, (hc_word_format){ 8, false });
	else
		walk_run(walk, walk->g->format);
}

void glibc_walk_last_is_free(struct walk *walk)
{
	hc_block_sink *sink = walk->sink;
	uint64_t size = walk->at - walk->last;

	sink->states[sink->count - 1] = HC_BLOCK_UNLISTED;
	sink->blocks[HC_BLOCK_IN_USE]--;
	sink->chunk_bytes[HC_BLOCK_IN_USE] -= size;
	sink->blocks[HC_BLOCK_UNLISTED]++;
	sink->chunk_bytes[HC_BLOCK_UNLISTED] += size;
}

/*
 * The header at walk->at says whether the chunk before it, the last one of a run, is free. It may have been overwritten: a
 * free chunk's size stands in front of it once more (prev_size).
 */
static void settle_last(struct walk *walk, uint64_t header)
{
	const hc_block_sink *sink = walk->sink;
	uint64_t size = walk->at - walk->last, again;

	if (!walk->last || header & CHUNK_PREV_IN_USE || sink->states[sink->count - 1] != HC_BLOCK_IN_USE ||
		!window_load(&walk->window, walk->at, walk->g->format, &again) || again != size)
		return;
	glibc_walk_last_is_free(walk);
}

/* ---- where to go on ---- */

/*
 * Bytes of the fenceposts at CHUNK, whose header is HEADER; 0 if it is none. sysmalloc() ends a superseded piece of the main
 * arena with two headers of the smallest size, and three if the old top had just that much left; a thread's heap with one, and
 * one of size 0. The first one's PREV_INUSE is clear where the chunk in front of it, the rest of the old top, is free.
 */
static uint64_t fence_bytes(const glibc *g, struct window *window, hc_address chunk, uint64_t header)
{
	const uint64_t post = 2 * g->word | CHUNK_PREV_IN_USE;
	uint64_t next, third;

	if (((header & ~(uint64_t)CHUNK_NON_MAIN) | CHUNK_PREV_IN_USE) != post ||
		!window_load(window, chunk + 3 * g->word, g->format, &next))
		return 0;
	if (next == CHUNK_PREV_IN_USE)
		return 4 * g->word;
	if (next != post)
		return 0;
	return window_load(window, chunk + 5 * g->word, g->format, &third) && third == post ? 6 * g->word : 4 * g->word;
}

hc_address glibc_follow(
	const glibc *g, hc_address chunk, hc_address end, uint64_t limit, uint64_t *ret_steps, uint64_t *ret_fence)
{
	struct window window = { .core = g->core };
	uint64_t steps = 0, header;

	*ret_fence = 0;
	while (chunk < end && steps < limit && window_load(&window, chunk + g->word, g->format, &header)) {
		uint64_t size = header & ~(uint64_t)CHUNK_FLAGS;

		*ret_fence = fence_bytes(g, &window, chunk, header);
		if (*ret_fence || header & CHUNK_MMAPPED ||
			!size_is_plausible(size, g->minimum, g->alignment - 1, end - chunk))
			break;
		chunk += size;
		steps++;
	}
	*ret_steps = steps;
	return chunk;
}

/* A chain from CHUNK is long enough to be no accident, or ends where chains end. */
static bool chain_is_plausible(const struct walk *walk, hc_address chunk, hc_address *ret_reached)
{
	uint64_t steps, fence;
	hc_address end = walk->region->end;
	hc_address reached = glibc_follow(walk->g, chunk, end, CHAIN_MIN, &steps, &fence);

	*ret_reached = reached;
	return steps >= CHAIN_MIN || (steps && (fence || reached == end || reached == walk->region->top));
}

/*
 * A chain from CHUNK goes on to the top chunk or a fencepost: of undamaged heaps nothing less is true. The chunks of chains that
 * did not are kept in `rejected`, so that no stretch is followed twice; those of a chain that does are kept too, but the walk
 * itself takes that one next.
 */
static bool chain_is_complete(struct walk *walk, hc_address chunk)
{
	hc_address end = walk->region->end, at = chunk;

	while (at < end) {
		uint64_t steps, fence, granule = (at - walk->region->start) / walk->g->alignment;
		hc_address next = glibc_follow(walk->g, at, end, 1, &steps, &fence);

		if (fence)
			return at != chunk;
		if (!steps || walk->rejected[granule / 64] >> granule % 64 & 1)
			break;
		walk->rejected[granule / 64] |= (uint64_t)1 << granule % 64;
		if (next == walk->region->top)
			return true;
		at = next;
	}
	return false;
}

/* The next place from START on where chunks follow each other; region->end if there is none. */
static hc_address find_chain(struct walk *walk, hc_address start, bool complete)
{
	hc_address end = walk->region->end, reached;
	uint64_t header;

	for (hc_address at = chunk_align_up(walk->g, start); at < end;) {
		if (at == walk->region->top)
			return at;
		if (!window_load(&walk->window, at + walk->g->word, walk->g->format, &header)) {
			/* No bytes here: go on behind the hole. */
			unsigned index = hc_core_find_mapping_index(walk->g->core, at + walk->g->word);
			const hc_mapping *mapping = index == UINT_MAX ? NULL : hc_core_mapping(walk->g->core, index);

			if (!mapping)
				return end;
			at = chunk_align_up(walk->g, mapping->bytes ? at + 1 : mapping->end);
			continue;
		}
		if (size_is_plausible(
			    header & ~(uint64_t)CHUNK_FLAGS, walk->g->minimum, walk->alignment_mask, end - at) &&
			!(header & CHUNK_MMAPPED) && (!complete || header & CHUNK_PREV_IN_USE) &&
			(complete ? chain_is_complete(walk, at) : chain_is_plausible(walk, at, &reached)))
			return at;
		at += walk->g->alignment;
	}
	return end;
}

/* The next complete chain; region->end if there is none, or no memory to search for it. */
static hc_address find_complete_chain(struct walk *walk, hc_address start)
{
	hc_address end = walk->region->end;

	if (!walk->rejected)
		walk->rejected = g_try_new0(uint64_t, (end - walk->region->start) / walk->g->alignment / 64 + 1);
	if (!walk->rejected || walk->none_complete)
		return end;
	hc_address chain = find_chain(walk, start, true);

	walk->none_complete = chain == end;
	return chain;
}

/*
 * The header at walk->at cannot be one. Either it was overwritten, or the size of the chunk before it, which led here. In
 * the second case there is a chain inside that chunk that runs past this place without stopping at it.
 */
static bool find_overrun(struct walk *walk, hc_address *ret_chunk)
{
	enum {
		REACH = 1 << 20
	};
	hc_address bad = walk->at, from = walk->last + walk->g->minimum, reached;

	if (!walk->last || bad - walk->last > REACH)
		return false;
	for (hc_address at = from; at < bad; at += walk->g->alignment) {
		uint64_t header;

		if (!window_load(&walk->window, at + walk->g->word, walk->g->format, &header) ||
			!size_is_plausible(header & ~(uint64_t)CHUNK_FLAGS, walk->g->minimum, walk->alignment_mask,
				walk->region->end - at))
			continue;
		if (chain_is_plausible(walk, at, &reached) && reached > bad) {
			*ret_chunk = at;
			return true;
		}
	}
	return false;
}

/* Takes the last chunk back: it becomes the beginning of something unreadable. */
static void retract_last(struct walk *walk)
{
	hc_block_sink *sink = walk->sink;
	uint8_t state = sink->states[sink->count - 1];

	sink->blocks[state]--;
	sink->chunk_bytes[state] -= walk->at - walk->last;
	sink->count--;
	walk->at = walk->last;
}

static void skip_unreadable(struct walk *walk)
{
	hc_address next, start;

	walk->sink->complete = false;
	if (find_overrun(walk, &next))
		retract_last(walk);
	else
		next = find_chain(walk, walk->at + walk->g->alignment, false);
	start = walk->at;
	emit_counted(walk, start, next, HC_BLOCK_UNREADABLE);
	hc_diagnostics_add(walk->g->diagnostics, &hc_heap_unreadable, next - start, "%#" PRIx64 " to %#" PRIx64 ": %s",
		start, next, hc_core_why_missing(walk->g->core, start + walk->g->word));
	walk->at = next;
	walk->last = 0;
}

/*
 * End marks. In the main arena another piece of the program break may follow, behind memory of somebody else, who may have
 * written anything there: so the chain must be complete, unless the heap is damaged and none is.
 */
static bool skip_fenceposts(struct walk *walk, uint64_t header)
{
	uint64_t fence = fence_bytes(walk->g, &walk->window, walk->at, header);
	hc_address end = walk->region->end;

	if (!fence)
		return false;
	/* What is left behind it is part of it at the end only: elsewhere a block begins where chunks do. */
	fence = glibc_fence_end(walk->g, walk->at + fence) >= end ? end - walk->at : fence;
	emit_counted(walk, walk->at, walk->at + fence, HC_BLOCK_FENCEPOST);
	walk->at += fence;
	walk->last = 0;
	if (walk->at < end) {
		hc_address chain = find_complete_chain(walk, walk->at);

		if (chain == end && walk->region->top)
			chain = find_chain(walk, walk->at, false);
		if (chain > walk->at)
			emit_counted(walk, walk->at, chain, HC_BLOCK_FOREIGN);
		walk->at = chain;
	}
	return true;
}

/*
 * heap_trim's and sysmalloc's end of a thread heap whose remainder was too small for a chunk: a header without
 * NON_MAIN_ARENA, which every chunk of a thread's arena has, and then a header of size 0 at the very end.
 */
static bool is_small_fencepost(struct walk *walk, uint64_t header)
{
	uint64_t previous;
	const glibc *g = walk->g;

	return (header & ~(uint64_t)CHUNK_FLAGS) == 0 && walk->last && walk->at + 2 * g->word == walk->region->end &&
	       window_load(&walk->window, walk->last + g->word, g->format, &previous) && !(previous & CHUNK_NON_MAIN);
}

static void end_small_fencepost(struct walk *walk)
{
	hc_block_sink *sink = walk->sink;
	uint8_t state = sink->states[sink->count - 1];

	sink->blocks[state]--;
	sink->chunk_bytes[state] -= walk->at - walk->last;
	sink->states[sink->count - 1] = HC_BLOCK_FENCEPOST;
	sink->blocks[HC_BLOCK_FENCEPOST]++;
	sink->chunk_bytes[HC_BLOCK_FENCEPOST] += walk->region->end - walk->last;
	walk->at = walk->region->end;
	walk->last = 0;
}

static void end_at_top(struct walk *walk, uint64_t header)
{
	uint64_t size = header & ~(uint64_t)CHUNK_FLAGS, room = walk->region->end - walk->at;

	settle_last(walk, header);
	/* It ends with a page, and begins where a chunk can: on i386 that is in the middle between two multiples of its alignment. */
	if (size > room || size & (2 * walk->g->word - 1) || size < walk->g->minimum) {
		hc_diagnostics_add(walk->g->diagnostics, &glibc_inconsistent, 0,
			"the top chunk at %#" PRIx64 " has size %#" PRIx64, walk->at, header);
		walk->sink->complete = false;
		size = room;
	}
	emit_counted(walk, walk->at, walk->at + size, HC_BLOCK_TOP);
	walk->at += size;
	walk->last = 0;
	/* Behind the top chunk, in the program break: what somebody else got from sbrk() last. */
	if (walk->at < walk->region->end) {
		emit_counted(walk, walk->at, walk->region->end, HC_BLOCK_FOREIGN);
		walk->at = walk->region->end;
	}
}

struct walk glibc_walk_from(
	const glibc *g, const hc_region *region, hc_block_sink *sink, hc_address at, hc_address limit)
{
	return (struct walk){
		.g = g,
		.region = region,
		.sink = sink,
		.window = { .core = g->core },
		.alignment_mask = g->alignment - 1,
		.at = at,
		.limit = limit,
		.notes = g_array_new(FALSE, FALSE, sizeof(hc_address)),
	};
}

/* The header at walk->at is not plain. */
static void pass_what_is_not_plain(struct walk *walk)
{
	uint64_t header;

	if (!window_load(&walk->window, walk->at + walk->g->word, walk->g->format, &header)) {
		skip_unreadable(walk);
	} else if (walk->at == walk->region->top) {
		end_at_top(walk, header);
	} else if (is_small_fencepost(walk, header)) {
		end_small_fencepost(walk);
	} else {
		settle_last(walk, header);
		if (!skip_fenceposts(walk, header))
			skip_unreadable(walk);
	}
}

void glibc_walk(const hc_heap *heap, const hc_region *region, GArray *parts, hc_block_sink *sink)
{
	struct walk walk = glibc_walk_from(heap->private, region, sink, region->start, region->end);

	walk.parts = parts;
	sink->complete = true;
	while (walk.at < region->end) {
		glibc_take_parts(&walk);
		glibc_walk_plain(&walk);
		/* At the limit a part begins. */
		if (walk.at < walk.limit)
			pass_what_is_not_plain(&walk);
	}
	glibc_drop_parts(&walk, region->end);
	glibc_add_notes(heap->private, walk.notes);
	g_array_unref(walk.notes);
	g_free(walk.rejected);
}
