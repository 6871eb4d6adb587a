/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks in use by size. The distance between two starts is the size of a chunk, so the bitmap alone tells; the heap, many
 * times its size, is not read.
 */
#include "findings/findings.h"

enum {
	SMALL_GRANULES = 4096
};

struct counter {
	uint64_t small[SMALL_GRANULES]; /* by the chunk's size in granules */
	GHashTable *large;		/* usable size -> number */
};

static void count_large(struct counter *counter, uint64_t size)
{
	gpointer key = GSIZE_TO_POINTER(size);

	g_hash_table_insert(
		counter->large, key, GSIZE_TO_POINTER(GPOINTER_TO_SIZE(g_hash_table_lookup(counter->large, key)) + 1));
}

static bool is_wanted(const hc_findings_input *input, hc_sizes_of which, uint32_t number, uint64_t start)
{
	if (input->blocks->states[number] != HC_BLOCK_IN_USE)
		return false;
	if (which == HC_SIZES_UNKNOWN && input->types && hc_types_path_of_block(input->types, number))
		return false;
	return hc_reach_is_lost(hc_references_reach_at(input->references, start)) == (which == HC_SIZES_LOST);
}

bool hc_sizes_is_unknown(const hc_findings_input *input, const hc_block *block)
{
	return block->state == HC_BLOCK_IN_USE && !block->label &&
	       !(input->types && hc_types_path_of_block(input->types, block->number)) &&
	       !hc_reach_is_lost(hc_references_reach(input->references, block->number));
}

static void count_size(struct counter *counter, const hc_blocks *blocks, uint64_t granules)
{
	if (granules < SMALL_GRANULES)
		counter->small[granules]++;
	else
		count_large(counter, (granules << blocks->granule_shift) - blocks->word);
}

/* Where a block beyond the last one of REGION would begin. */
static uint64_t end_of_blocks(const hc_blocks *blocks, const hc_block_region *region)
{
	return region->first_granule + ((region->end + 2 * blocks->word - region->base) >> blocks->granule_shift);
}

/* Lost blocks are few: words of the index without any are passed over. */
static void count_lost(struct counter *counter, const hc_findings_input *input, const hc_block_region *region)
{
	const hc_blocks *blocks = input->blocks;
	uint64_t end = region->first_granule + region->granules;

	for (uint64_t word = region->first_granule / 64; word * 64 < end; word++) {
		hc_lost_bits bits = hc_references_lost_bits(input->references, word);

		for (uint64_t lost = bits.directly | bits.indirectly; lost; lost &= lost - 1) {
			uint64_t start = word * 64 + (unsigned)__builtin_ctzll(lost),
				 next = hc_blocks_next_start(blocks, start + 1);

			if (is_wanted(input, HC_SIZES_LOST, hc_blocks_number(blocks, start), start))
				count_size(
					counter, blocks, (next < end ? next : end_of_blocks(blocks, region)) - start);
		}
	}
}

static void count_region(
	struct counter *counter, const hc_findings_input *input, hc_sizes_of which, const hc_block_region *region)
{
	const hc_blocks *blocks = input->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, region->first_granule);
	uint64_t start = hc_start_cursor_next(&cursor);

	if (region->region.is_mmapped) {
		if (is_wanted(input, which, region->first_block, start))
			count_large(counter, region->region.block_size);
		return;
	}
	if (which == HC_SIZES_LOST)
		return count_lost(counter, input, region);
	for (uint32_t i = 0; i < region->block_count; i++) {
		uint64_t next = i + 1 < region->block_count ? hc_start_cursor_next(&cursor) :
							      end_of_blocks(blocks, region);

		if (is_wanted(input, which, region->first_block + i, start))
			count_size(counter, blocks, next - start);
		start = next;
	}
}

static int compare_counts(const void *a, const void *b)
{
	const hc_size_count *x = a, *y = b;
	uint64_t x_bytes = x->size * x->blocks, y_bytes = y->size * y->blocks;

	if (x_bytes != y_bytes)
		return (y_bytes > x_bytes) - (y_bytes < x_bytes);
	return (x->size > y->size) - (x->size < y->size);
}

/* Labelled blocks are few: they are taken out one by one. */
static void leave_out_labelled(struct counter *counter, const hc_findings_input *input)
{
	const hc_blocks *blocks = input->blocks;
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, blocks->labels);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		hc_block block;

		if (!hc_blocks_get(blocks, GPOINTER_TO_UINT(key), &block) ||
			(input->types && hc_types_path_of_block(input->types, block.number)))
			continue;
		uint64_t granules = (block.size + blocks->word) >> blocks->granule_shift;

		if (block.arena != HC_ARENA_NONE && granules < SMALL_GRANULES && counter->small[granules])
			counter->small[granules]--;
	}
}

GArray *hc_sizes_count(const hc_findings_input *input, hc_sizes_of which)
{
	const hc_blocks *blocks = input->blocks;
	struct counter *counter = g_new0(struct counter, 1);
	GArray *counts = g_array_new(FALSE, FALSE, sizeof(hc_size_count));
	GHashTableIter iter;
	gpointer key, value;

	counter->large = g_hash_table_new(NULL, NULL);
	for (uint32_t i = 0; i < blocks->region_count; i++)
		count_region(counter, input, which, &blocks->regions[i]);
	if (which == HC_SIZES_UNKNOWN)
		leave_out_labelled(counter, input);
	for (unsigned i = 0; i < SMALL_GRANULES; i++) {
		hc_size_count count = { ((uint64_t)i << blocks->granule_shift) - blocks->word, counter->small[i] };

		if (count.blocks)
			g_array_append_val(counts, count);
	}
	g_hash_table_iter_init(&iter, counter->large);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		hc_size_count count = { GPOINTER_TO_SIZE(key), GPOINTER_TO_SIZE(value) };

		g_array_append_val(counts, count);
	}
	g_array_sort(counts, compare_counts);
	g_hash_table_unref(counter->large);
	g_free(counter);
	return counts;
}
