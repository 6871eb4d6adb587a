/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containers/reader.h"

#include "base/pages.h"
#include "base/parallel.h"

enum {
	PIECES_MAX = 64, /* of the address space, that one range is followed through */
	LINE = 64,	 /* bytes that the processor fetches together */
	MANY_BLOCKS = 1 << 18 /* that are worth a thread more */
};

static size_t live_size(const hc_blocks *blocks)
{
	return blocks->granule_count / 8 + sizeof(uint64_t);
}

/* Those of STARTS, a word of the index, whose blocks are in use; NUMBER: of the first of them. */
static uint64_t live_of(const hc_blocks *blocks, uint64_t starts, uint32_t number)
{
	uint64_t in_use = 0;

	for (; starts; starts &= starts - 1)
		if (blocks->states[number++] == HC_BLOCK_IN_USE)
			in_use |= starts & -starts;
	return in_use;
}

/* What mark_live() shares out. */
struct marking {
	const hc_blocks *blocks;
	uint64_t *live;
	unsigned workers;
};

/* Blocks are numbered in the order of their starts. Mostly all of a word are in use. */
static void mark_share(void *data, unsigned worker)
{
	const struct marking *marking = data;
	const hc_blocks *blocks = marking->blocks;
	uint64_t groups = blocks->granule_count / HC_GROUP_GRANULES, first = groups * worker / marking->workers,
		 end = groups * (worker + 1) / marking->workers;
	uint32_t number = blocks->rank[first];

	for (uint64_t word = first * HC_GROUP_WORDS; word < end * HC_GROUP_WORDS; word++) {
		uint64_t starts = blocks->starts[word];
		unsigned count = hc_sum_of_bytes(hc_bits_of_bytes(starts)), other_states = 0;

		for (unsigned i = 0; i < count; i++)
			other_states |= blocks->states[number + i] ^ HC_BLOCK_IN_USE;
		marking->live[word] = other_states ? live_of(blocks, starts, number) : starts;
		number += count;
	}
}

static void mark_live(const hc_blocks *blocks, uint64_t *live, unsigned jobs)
{
	struct marking marking = { blocks, live, blocks->count < MANY_BLOCKS ? 1 : hc_parallel_workers(jobs) };

	hc_parallel_run(marking.workers, mark_share, &marking);
}

void hc_reader_init(
	hc_reader *reader, const hc_core *core, const hc_blocks *blocks, const hc_variables *variables, unsigned jobs)
{
	*reader = (hc_reader){ .core = core, .blocks = blocks, .variables = variables };
	reader->format = hc_core_word_format(core);
	reader->live = hc_pages_create(live_size(blocks));
	if (reader->live)
		mark_live(blocks, reader->live, jobs);
}

void hc_reader_init_copy(hc_reader *reader, const hc_reader *original)
{
	*reader = (hc_reader){
		.core = original->core, .blocks = original->blocks, .format = original->format, .live = original->live
	};
}

void hc_reader_clear(hc_reader *reader)
{
	hc_pages_destroy(reader->live, live_size(reader->blocks));
}

/*
 * The bytes of a range in several mappings that lie in a row in the core as well. A child of fork() has its heap in two: what it had,
 * and what it got since, and some block lies in both.
 */
static const uint8_t *in_a_row(const hc_core *core, hc_address address, uint64_t size)
{
	unsigned i = hc_core_find_mapping_index(core, address);
	const hc_mapping *mapping = hc_core_mapping(core, i);
	const uint8_t *bytes = mapping->bytes + (address - mapping->start);
	hc_address end = mapping->end;

	while (size > end - address) {
		if (++i == hc_core_mapping_count(core))
			return NULL;
		mapping = hc_core_mapping(core, i);
		if (mapping->start != end || mapping->bytes != bytes + (end - address))
			return NULL;
		end = mapping->end;
	}
	return bytes;
}

const uint8_t *hc_reader_move(hc_reader *reader, hc_address address, uint64_t size)
{
	const hc_block_region *region = hc_blocks_region(reader->blocks, address);
	const hc_mapping *mapping;

	if (region && region->bytes && size <= region->end - address) {
		reader->start = region->start;
		reader->size = region->end - region->start;
		reader->bytes = region->bytes;
		return region->bytes + (address - region->start);
	}
	mapping = hc_core_find_mapping(reader->core, address);
	if (!mapping || !mapping->bytes)
		return NULL;
	if (size <= mapping->end - address) {
		reader->start = mapping->start;
		reader->size = mapping->end - mapping->start;
		reader->bytes = mapping->bytes;
		return mapping->bytes + (address - mapping->start);
	}
	if (size > sizeof reader->scratch)
		return in_a_row(reader->core, address, size);
	if (!hc_core_read(reader->core, address, reader->scratch, size))
		return NULL;
	return reader->scratch;
}

hc_range_kind hc_reader_check_elsewhere(hc_reader *reader, hc_address address, uint64_t size)
{
	const hc_block_region *region = hc_blocks_region(reader->blocks, address);

	if (region) {
		reader->region = region;
		return hc_reader_check_region(reader, region, address, size);
	}
	reader->checked = UINT64_MAX;
	for (unsigned i = 0; i < PIECES_MAX; i++) {
		uint64_t available;

		if (!hc_core_bytes(reader->core, address, &available))
			return HC_RANGE_UNREADABLE;
		if (size <= available)
			return HC_RANGE_OUTSIDE;
		address += available;
		size -= available;
	}
	return HC_RANGE_UNREADABLE;
}

uint64_t hc_reader_rest(hc_reader *reader, hc_address address)
{
	uint64_t available;
	hc_block block;

	if (hc_blocks_region(reader->blocks, address)) {
		if (!hc_blocks_find(reader->blocks, address, &block) || block.state != HC_BLOCK_IN_USE)
			return 0;
		return block.address + block.size - address;
	}
	return hc_core_bytes(reader->core, address, &available) ? available : 0;
}

/* The region of ADDRESS; NULL: it is in none. */
static inline const hc_block_region *region_of(const hc_reader *reader, hc_address address)
{
	const hc_block_region *region = reader->region;

	return region && address >= region->start && address < region->end ? region :
									     hc_blocks_region(reader->blocks, address);
}

void hc_reader_fetch(hc_reader *reader, hc_address address)
{
	hc_reader_fetch_index(reader, address, 0);
}

void hc_reader_fetch_index(hc_reader *reader, hc_address address, uint64_t offset)
{
	const hc_block_region *region = region_of(reader, address);

	if (!region)
		return;
	hc_reader_prefetch_index(reader, region, address);
	if (region->bytes && offset < region->end - address)
		__builtin_prefetch(region->bytes + (address - region->start) + offset);
}

void hc_reader_fetch_bytes(hc_reader *reader, hc_address address, uint64_t size)
{
	const hc_block_region *region = region_of(reader, address);

	if (!region || !region->bytes || size > region->end - address)
		return;
	const uint8_t *bytes = region->bytes + (address - region->start);

	for (uint64_t at = 0; at < size; at += LINE)
		__builtin_prefetch(bytes + at);
	__builtin_prefetch(bytes + size - 1);
}

void hc_reader_fetch_target(hc_reader *reader, hc_address address)
{
	hc_address target;

	if (hc_reader_word(reader, address, &target) && hc_blocks_may_contain(reader->blocks, target))
		hc_reader_fetch(reader, target);
}

bool hc_reader_load(hc_reader *reader, hc_address address, uint64_t *ret_value)
{
	return hc_reader_word(reader, address, ret_value);
}
