/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the walk notes in passing. Two questions of classify() are about blocks all over the heap: which could be a thread's
 * cache (by size), and which carry the key of cached blocks. The walk touches every chunk anyway; to go over all of them again costs as
 * much as the walk itself.
 *
 * Where layout or key are not known before the walk (no symbols), there are no notes, and all blocks are visited.
 */
#include "allocators/glibc.h"

void glibc_prepare_notes(glibc *g)
{
	const glibc_tcache_layout *layout = &g->layout.tcache;
	hc_symbol symbol;

	if (g->layout.has_tcache) {
		g->noted_smallest = glibc_cache_block_size(g, layout);
		g->noted_largest = glibc_cache_block_size_max(g, layout);
	}
	if (g->libc && hc_module_symbol(g->modules, g->libc, "tcache_key", &symbol) && !symbol.is_tls)
		g->key = glibc_word_or_zero(g, symbol.address);
	/* mmapped chunks are not walked; 2.42's caches may hold them. */
	for (unsigned i = 0; g->key && i < g->heap->regions->len; i++) {
		const hc_region *region = &g_array_index(g->heap->regions, hc_region, i);

		if (region->is_mmapped && glibc_word_or_zero(g, region->block + g->word) == g->key)
			g_array_append_val(g->notes, region->block);
	}
}

void glibc_add_notes(glibc *g, const GArray *blocks)
{
	if (!blocks->len)
		return;
	g_mutex_lock(&g->notes_mutex);
	g_array_append_vals(g->notes, blocks->data, blocks->len);
	g_mutex_unlock(&g->notes_mutex);
}

static int compare_addresses(const void *a, const void *b)
{
	const hc_address *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Noted blocks of these sizes that are in use (still: lists take some away), in order of address. */
static void each_noted(glibc *g, const hc_block_table *table, uint64_t smallest, uint64_t largest,
	bool (*visit)(const hc_block_entry *entry, void *data), void *data)
{
	g_array_sort(g->notes, compare_addresses); /* regions are walked at the same time */
	for (unsigned i = 0; i < g->notes->len; i++) {
		hc_block_entry entry;

		if (hc_block_table_find(table, g_array_index(g->notes, hc_address, i), &entry) &&
			entry.state == HC_BLOCK_IN_USE && entry.size >= smallest && entry.size <= largest &&
			!visit(&entry, data))
			return;
	}
}

void glibc_each_of_size(glibc *g, const hc_block_table *table, uint64_t smallest, uint64_t largest,
	bool (*visit)(const hc_block_entry *entry, void *data), void *data)
{
	if (smallest >= g->noted_smallest && largest <= g->noted_largest)
		each_noted(g, table, smallest, largest, visit, data);
	else
		hc_block_table_each(table, HC_BLOCK_IN_USE, smallest, largest, visit, data);
}

struct keyed {
	const glibc *g;
	uint64_t key;
	bool (*visit)(const hc_block_entry *entry, void *data);
	void *data;
};

static bool visit_keyed(const hc_block_entry *block, void *data)
{
	const struct keyed *keyed = data;
	const glibc *g = keyed->g;
	uint64_t word = block->bytes ? hc_load_word(block->bytes + g->word, g->format) :
				       glibc_word_or_zero(g, block->address + g->word);

	return word != keyed->key || keyed->visit(block, keyed->data);
}

void glibc_each_keyed(glibc *g, const hc_block_table *table, uint64_t largest, uint64_t key,
	bool (*visit)(const hc_block_entry *entry, void *data), void *data)
{
	struct keyed keyed = { g, key, visit, data };

	if (key == g->key)
		each_noted(g, table, 2 * g->word, largest, visit_keyed, &keyed);
	else
		hc_block_table_each(table, HC_BLOCK_IN_USE, 2 * g->word, largest, visit_keyed, &keyed);
}
