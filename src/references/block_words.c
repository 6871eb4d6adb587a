/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which words of blocks lead to blocks, for those who need all of them: the graph of owners/, and what hangs on memory without a type.
 *
 * Blocks are read in the order of their addresses, which is fast; where their words lead is not. So nothing is looked up at once:
 *
 *	words --(heap's address range?)--> ring --(block, number)--> batch --(in use?)--> visitor
 *
 * While a word is in the ring, its line of the index is fetched; while it is in the batch, the state of the block that it leads to.
 * Each range of blocks is read by one thread, without anything that is shared.
 */
#include "references/references_state.h"

enum {
	RING = 64,
	BATCH = HC_BLOCK_WORDS
};

struct candidate {
	const hc_block_region *region;
	uint64_t granule;
	hc_address value;
	uint64_t offset, from_size;
	uint32_t from;
};

struct reading {
	const hc_references *references;
	const hc_blocks *blocks;
	const hc_block_visitor *visitor;
	hc_word_format format;
	struct candidate ring[RING];
	unsigned in, out; /* counters; the place is modulo the ring's size */
	hc_block_word batch[BATCH];
	unsigned count;
};

/* Tells of those in the batch that lead to blocks in use. */
static void flush(struct reading *reading)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < reading->count; i++) {
		hc_block_word *word = &reading->batch[i];

		if (reading->blocks->states[word->to] != HC_BLOCK_IN_USE)
			continue;
		reading->batch[kept++] = *word;
	}
	reading->count = 0;
	if (kept)
		reading->visitor->visit(reading->visitor->data, reading->batch, kept);
}

static inline void resolve_one(struct reading *reading)
{
	const struct candidate *candidate = &reading->ring[reading->out++ % RING];
	const hc_blocks *blocks = reading->blocks;
	uint64_t start = hc_blocks_start_of(blocks, candidate->granule, candidate->value);

	if (start == UINT64_MAX)
		return;
	hc_block_word *word = &reading->batch[reading->count++];

	*word = (hc_block_word){
		.from = candidate->from,
		.to = hc_blocks_number(blocks, start),
		.offset = candidate->offset,
		.from_size = candidate->from_size,
		.value = candidate->value,
		.block = hc_blocks_address(blocks, candidate->region, start),
		.region = candidate->region,
		.start = start,
	};
	__builtin_prefetch(&blocks->states[word->to]);
	if (reading->count == BATCH)
		flush(reading);
}

/* Words at BYTES, the first of them OFFSET behind the beginning of block FROM of FROM_SIZE usable bytes. */
static inline __attribute__((always_inline)) void look_at_words(
	struct reading *reading, const uint8_t *bytes, uint64_t size, hc_word_format format, struct candidate from)
{
	const hc_blocks *blocks = reading->blocks;

	for (uint64_t at = 0; at + format.size <= size; at += format.size) {
		hc_address value = hc_load_word(bytes + at, format);

		if (!hc_blocks_may_contain(blocks, value) || !(from.region = hc_blocks_region(blocks, value)))
			continue;
		struct candidate *candidate = &reading->ring[reading->in++ % RING];

		*candidate = from;
		candidate->offset += at;
		candidate->value = value;
		candidate->granule = hc_blocks_granule(blocks, from.region, value);
		__builtin_prefetch(&blocks->starts[candidate->granule / 64]);
		__builtin_prefetch(&blocks->rank[candidate->granule / HC_GROUP_GRANULES]);
		__builtin_prefetch(&blocks->word_ranks[candidate->granule / HC_GROUP_GRANULES]);
		if (reading->in - reading->out == RING)
			resolve_one(reading);
	}
}

static inline void look_at(
	struct reading *reading, const uint8_t *bytes, uint64_t size, uint64_t offset, const struct candidate *from)
{
	struct candidate candidate = *from;

	candidate.offset = offset;
	if (reading->format.size == 8 && !reading->format.swap)
		look_at_words(reading, bytes, size, (hc_word_format){ 8, false }, candidate);
	else
		look_at_words(reading, bytes, size, reading->format, candidate);
}

/* NEXT: where the next block of the index starts. */
static void look_at_block(
	struct reading *reading, const hc_block_region *region, uint32_t number, uint64_t start, uint64_t next)
{
	const hc_blocks *blocks = reading->blocks;
	hc_address address = hc_blocks_address(blocks, region, start);
	struct candidate from = { .from = number, .from_size = hc_blocks_size_up_to(blocks, region, start, next) };
	uint64_t size = MIN(from.from_size, region->end - address);

	if (region->bytes)
		return look_at(reading, region->bytes + (address - region->start), size, 0, &from);
	for (uint64_t offset = 0; offset < size;) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(blocks->core, address + offset, &available);

		if (!bytes)
			return;
		available = MIN(available, size - offset);
		look_at(reading, bytes, available, offset, &from);
		offset += available;
	}
}

/* malloc's caches lead to what is free. */
static bool is_cache(const hc_blocks *blocks, uint32_t number)
{
	return hc_blocks_is_labelled(blocks, number) &&
	       hc_label_is_cache(g_hash_table_lookup(blocks->labels, GUINT_TO_POINTER(number)));
}

void hc_references_each_block_word(
	const hc_references *references, uint32_t first, uint32_t end, const hc_block_visitor *visitor)
{
	const hc_blocks *blocks = references->blocks;
	struct reading reading = {
		.references = references,
		.blocks = blocks,
		.visitor = visitor,
		.format = hc_core_word_format(references->core),
	};

	if (first >= end)
		return;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, first));
	const hc_block_region *region = &blocks->regions[0];
	uint64_t start, next = hc_start_cursor_next(&cursor);

	for (uint32_t number = first; number < end; number++) {
		start = next;
		next = hc_start_cursor_next(&cursor);
		if (start - region->first_granule >= region->granules)
			region = hc_blocks_region_of_start(blocks, start);
		if (blocks->states[number] == HC_BLOCK_IN_USE &&
			(!visitor->is_wanted || visitor->is_wanted(visitor->data, number)) && !is_cache(blocks, number))
			look_at_block(&reading, region, number, start, next);
	}
	while (reading.out != reading.in)
		resolve_one(&reading);
	flush(&reading);
}
