/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread's cache that the program damaged, and that has not the look of one any more (glibc_looks_like_cache()): a counter or an entry was
 * overwritten, or the header of the first block of a list, and there are too few other lists to outweigh that.
 *
 * What is left: a thread leads to it, its block has the size, most of its counters still agree with the entries; and either
 *
 *	- it is the first block of its arena: to 2.41 malloc() makes the cache before it hands out the first block (MAYBE_INIT_TCACHE),
 *	- or a list has what may be malloc's key,
 *	- or (2.42 on) its counters are those of a cache: what still fits into a list, and so the same number in all that are empty.
 *
 * If that is not enough either, or no thread leads to where the cache must be, it is said that there is one which was not found.
 */
#include "allocators/glibc_tcache.h"

GHashTable *glibc_first_blocks(const glibc *g)
{
	GHashTable *firsts = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	for (unsigned i = 0; i < g->heap->regions->len; i++) {
		const hc_region *region = &g_array_index(g->heap->regions, hc_region, i);

		if (region->is_mmapped || region->arena >= g->heap->arenas->len)
			continue;
		hc_address arena = g_array_index(g->heap->arenas, hc_arena, region->arena).address;
		bool is_first = region->arena ? arena >= region->outer_start && arena < region->start :
						g->sbrk_base && region->start == chunk_align_up(g, g->sbrk_base);
		guint64 block = chunk_to_block(g, region->start);

		if (is_first)
			g_hash_table_add(firsts, g_memdup2(&block, sizeof block));
	}
	return firsts;
}

bool glibc_may_have_caches(const glibc *g)
{
	if (g->layout.has_tcache || g->tcache_count > 0)
		return g->tcache_count != 0;
	return g->tcache_count < 0 && !g->parameters && g->layout.arena.attached_threads != ABSENT;
}

bool glibc_lacks_cache(const glibc *g, const hc_block_table *table, GHashTable *firsts)
{
	bool is_recent = g->parameters && g->layout.parameters.thp_pagesize != ABSENT; /* 2.35 on */
	GHashTableIter iter;
	gpointer key;
	glibc_tcache_layout layout;

	g_hash_table_iter_init(&iter, firsts);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		for (unsigned row = 0; glibc_tcache_layout_row(row, g->word, &layout); row++)
			if (!layout.counts_free && !(is_recent && layout.count_size == 1) &&
				glibc_is_cache_sized(g, table, &layout, *(const guint64 *)key))
				return true;
	return false;
}

/* Whether counter and entry of list BIN can be a cache's, and *RET_FILLED, whether there is anything in it. */
static bool list_agrees(const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout,
	hc_address cache, int bin, bool *ret_filled)
{
	uint64_t head = glibc_word_or_zero(g, cache + layout->entries + bin * g->word);
	int64_t count = glibc_cache_count(g, layout, cache, bin);
	hc_block_entry entry;

	*ret_filled = head != 0;
	if (!head)
		return !count;
	return count > 0 && (g->tcache_count < 0 || count <= g->tcache_count) &&
	       hc_block_table_find(table, head, &entry) && entry.state == HC_BLOCK_IN_USE &&
	       glibc_size_is_in(g, glibc_cache_chunk_sizes(g, bin), &entry);
}

bool glibc_may_be_damaged_cache(const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout,
	hc_address address, GHashTable *firsts, glibc_cache_look *ret_look)
{
	guint64 key = address;
	int contradictions = 0;

	*ret_look = (glibc_cache_look){ 0 };
	if (!glibc_is_cache_sized(g, table, layout, address))
		return false;
	for (int i = 0; i < layout->bins; i++) {
		bool is_filled, agrees = list_agrees(g, table, layout, address, i, &is_filled);

		contradictions += !agrees;
		ret_look->entries += agrees && is_filled;
	}
	if (contradictions > layout->bins / 8)
		return false;
	ret_look->first = !layout->counts_free && g_hash_table_contains(firsts, &key);
	ret_look->keyed = glibc_count_keyed(g, layout, address);
	return ret_look->first || ret_look->keyed || (layout->counts_free && g->tcache_count > 0);
}
