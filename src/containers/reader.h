/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for walks: the piece of the core, or the region of the heap, that was used last is kept at hand, so that a load is a
 * comparison and a load.
 */
#pragma once

#include <heapcore/debuginfo.h>

#include "blocks/blocks.h"
#include "containers/containers.h"
#include "core/core.h"

struct hc_reader {
	const hc_core *core;
	const hc_blocks *blocks;
	const hc_variables *variables; /* for objects that are in registers; may be NULL */
	hc_word_format format;
	hc_address start; /* bytes: of [start, start + size) */
	uint64_t size;
	const uint8_t *bytes;
	const hc_block_region *region; /* the last one; or NULL */
	uint64_t *live;		       /* as blocks->starts, but of blocks in use only; NULL: no memory for it */
	uint64_t
		checked; /* granule, of `region`, at which the block in use starts that the range checked last is in; UINT64_MAX: in none */
	uint8_t scratch[4096]; /* what is not in one piece */
};

/* Where a range lies. */
typedef enum {
	HC_RANGE_LIVE,	  /* in one block in use */
	HC_RANGE_OUTSIDE, /* not in the heap, but readable */
	HC_RANGE_FREED,
	HC_RANGE_SPLIT, /* reaches over the end of its block */
	HC_RANGE_UNREADABLE,
} hc_range_kind;

/* On up to JOBS threads. */
void hc_reader_init(
	hc_reader *reader, const hc_core *core, const hc_blocks *blocks, const hc_variables *variables, unsigned jobs);
void hc_reader_clear(hc_reader *reader);

/*
 * A reader for another thread: what ORIGINAL keeps for all of them stays its own, and must outlive it. Needs no clearing. What is in registers
 * it does not read.
 */
void hc_reader_init_copy(hc_reader *reader, const hc_reader *original);

/* As hc_reader_at(), for another piece than the last one. */
const uint8_t *hc_reader_move(hc_reader *reader, hc_address address, uint64_t size);

/* The SIZE bytes at ADDRESS; NULL if they cannot be had in one piece (up to 4096 may lie in several). Valid until the next call. */
static inline const uint8_t *hc_reader_at(hc_reader *reader, hc_address address, uint64_t size)
{
	uint64_t offset = address - reader->start;

	if (G_LIKELY(offset < reader->size && size <= reader->size - offset))
		return reader->bytes + offset;
	return hc_reader_move(reader, address, size);
}

/* As hc_reader_at(), but only of the piece that was used last; else NULL. */
static inline const uint8_t *hc_reader_near(const hc_reader *reader, hc_address address, uint64_t size)
{
	uint64_t offset = address - reader->start;

	return offset < reader->size && size <= reader->size - offset ? reader->bytes + offset : NULL;
}

/*
 * ADDRESS, in REGION, will be asked for in the index. Inlined everywhere: GCC takes a function that does nothing but this for one without any
 * effect, and leaves calls of it out.
 */
static inline __attribute__((always_inline)) void hc_reader_prefetch_index(
	const hc_reader *reader, const hc_block_region *region, hc_address address)
{
	uint64_t granule = hc_blocks_granule(reader->blocks, region, address);

	__builtin_prefetch(&reader->blocks->starts[granule / 64]);
	__builtin_prefetch(&reader->blocks->rank[granule / HC_GROUP_GRANULES]);
	__builtin_prefetch(&reader->blocks->word_ranks[granule / HC_GROUP_GRANULES]);
	if (reader->live)
		__builtin_prefetch(&reader->live[granule / 64]);
}

/*
 * ADDRESS, in any region, will be asked for in the index soon, and OFFSET bytes behind it will be read; not if that is behind the region.
 */
void hc_reader_fetch_index(hc_reader *reader, hc_address address, uint64_t offset);

/* ADDRESS will be read soon. */
static inline __attribute__((always_inline)) void hc_reader_prefetch_bytes(const hc_reader *reader, hc_address address)
{
	if (address - reader->start < reader->size)
		__builtin_prefetch(reader->bytes + (address - reader->start));
}

/* ... and asked for in the index. */
static inline __attribute__((always_inline)) void hc_reader_prefetch(const hc_reader *reader, hc_address address)
{
	const hc_block_region *region = reader->region;

	hc_reader_prefetch_bytes(reader, address);
	if (region && address >= region->start && address < region->end)
		hc_reader_prefetch_index(reader, region, address);
}

static inline bool hc_reader_word(hc_reader *reader, hc_address address, uint64_t *ret_value)
{
	const uint8_t *bytes = hc_reader_at(reader, address, reader->format.size);

	if (!bytes)
		return false;
	*ret_value = hc_load_word(bytes, reader->format);
	return true;
}

/* As hc_reader_check(), for what is not in the last region. */
hc_range_kind hc_reader_check_elsewhere(hc_reader *reader, hc_address address, uint64_t size);

/* Bytes from ADDRESS to the end of the block in use, or of the piece of memory, that it is in; 0 if there are none. */
uint64_t hc_reader_rest(hc_reader *reader, hc_address address);

/* Whether the block that starts at granule START is in use: a bit, where its state would have to be asked for by its number. */
static inline bool hc_reader_is_live(const hc_reader *reader, uint64_t start)
{
	if (G_LIKELY(reader->live != NULL))
		return reader->live[start / 64] >> start % 64 & 1;
	return reader->blocks->states[hc_blocks_number(reader->blocks, start)] == HC_BLOCK_IN_USE;
}

/* The same as hc_reader_check() for an address in REGION. */
static inline hc_range_kind hc_reader_check_region(
	hc_reader *reader, const hc_block_region *region, hc_address address, uint64_t size)
{
	const hc_blocks *blocks = reader->blocks;
	uint64_t start, last;

	reader->checked = UINT64_MAX;
	if (size > region->end - address)
		return HC_RANGE_SPLIT;
	if (region->region.is_mmapped) {
		if (address < region->region.block)
			return HC_RANGE_UNREADABLE;
		reader->checked = region->first_granule;
		return HC_RANGE_LIVE;
	}
	start = hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, address), address);
	if (start == UINT64_MAX)
		return HC_RANGE_SPLIT;
	last = address + size - (size ? 1 : 0);
	if (hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, last), last) != start)
		return HC_RANGE_SPLIT;
	if (!hc_reader_is_live(reader, start))
		return HC_RANGE_FREED;
	reader->checked = start;
	return HC_RANGE_LIVE;
}

/* Where the SIZE bytes at ADDRESS lie. */
static inline hc_range_kind hc_reader_check(hc_reader *reader, hc_address address, uint64_t size)
{
	const hc_block_region *region = reader->region;

	if (G_LIKELY(region && address >= region->start && address < region->end))
		return hc_reader_check_region(reader, region, address, size);
	return hc_reader_check_elsewhere(reader, address, size);
}
