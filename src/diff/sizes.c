/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks by size, in A and in B. One pass over the blocks of either heap, and one over the lost ones. Most blocks are small and their sizes are multiples of 4
 * (of 8 on 64-bit machines), so those are counted in an array that stays in the cache; the rest in a hash.
 */
#include "diff/internal.h"

enum {
	SMALL_LIMIT = 1 << 16, /* bytes */
	SMALL_STEP = 4,
};

typedef struct size_counts {
	hc_diff_size *small; /* SMALL_LIMIT / SMALL_STEP of them */
	GHashTable *large;   /* uint64_t * (inside the value) -> hc_diff_size * */
} size_counts;

static hc_diff_size *counts_of(size_counts *counts, uint64_t size)
{
	hc_diff_size *entry;

	if (size < SMALL_LIMIT && size % SMALL_STEP == 0)
		return &counts->small[size / SMALL_STEP];
	entry = g_hash_table_lookup(counts->large, &size);
	if (!entry) {
		entry = g_new0(hc_diff_size, 1);
		entry->size = size;
		g_hash_table_insert(counts->large, &entry->size, entry);
	}
	return entry;
}

static void count_block(size_counts *counts, uint64_t size, bool is_b, bool lost)
{
	hc_diff_size *entry = counts_of(counts, size);

	if (is_b) {
		entry->blocks_b += !lost;
		entry->lost_b += lost;
	} else {
		entry->blocks_a += !lost;
		entry->lost_a += lost;
	}
}

static void count_blocks(size_counts *counts, const hc_analysis *analysis, bool is_b)
{
	hc_block_iterator iterator;
	hc_block block;
	hc_reach reach;
	uint32_t number = 0;

	hc_block_iterator_init(&iterator, hc_analysis_blocks(analysis));
	while (hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_IN_USE && !block.label)
			count_block(counts, block.size, is_b, false);
	while (hc_references_next_lost(hc_analysis_references(analysis), &number, &block, &reach))
		count_block(counts, block.size, is_b, true);
}

static void add_changed(GArray *sizes, hc_diff_size *entry)
{
	if (entry->blocks_a == entry->blocks_b && entry->lost_a == entry->lost_b)
		return;
	entry->growth = (int64_t)(entry->size * (entry->blocks_b - entry->blocks_a));
	g_array_append_val(sizes, *entry);
}

static int most_grown_first(const void *a, const void *b)
{
	const hc_diff_size *first = a, *second = b;

	if (first->growth != second->growth)
		return first->growth < second->growth ? 1 : -1;
	return first->size < second->size ? -1 : first->size > second->size;
}

GArray *hc_diff_count_sizes(const hc_analysis *a, const hc_analysis *b)
{
	GArray *sizes = g_array_new(FALSE, FALSE, sizeof(hc_diff_size));
	g_autofree hc_diff_size *small = g_new0(hc_diff_size, SMALL_LIMIT / SMALL_STEP);
	g_autoptr(GHashTable) large = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	size_counts counts = { small, large };
	GHashTableIter iterator;
	void *value;

	count_blocks(&counts, a, false);
	count_blocks(&counts, b, true);
	for (unsigned i = 0; i < SMALL_LIMIT / SMALL_STEP; i++) {
		small[i].size = (uint64_t)i * SMALL_STEP;
		add_changed(sizes, &small[i]);
	}
	g_hash_table_iter_init(&iterator, large);
	while (g_hash_table_iter_next(&iterator, NULL, &value))
		add_changed(sizes, value);
	g_array_sort(sizes, most_grown_first);
	return sizes;
}
