/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory of the program's own can look like a thread's cache in everything: a table of blocks, each
 * of another size, with counts beside them and words in them that malloc's key might be. What such
 * a table has and a cache has not is somebody who knows where it is: only the thread-local variable
 * `tcache` leads to a cache (and, to 2.33, the key of the blocks in it). So data of modules and
 * blocks in use are searched for its address.
 *
 * Everything is read, so this is asked only where there is something to decide.
 */
#include "allocators/glibc_tcache.h"

#include <elf.h>

struct search {
	const glibc *g;
	const hc_block_table *table;
	GHashTable *wanted; /* address -> GUINT_TO_POINTER(1); 2: by places where no key is */
	GHashTable *found;
	hc_address low, high; /* of those wanted */
};

static void look_at(struct search *search, hc_address at, hc_address word)
{
	guint64 key = word;
	gpointer how = word < search->low || word > search->high ? NULL : g_hash_table_lookup(search->wanted, &key);
	hc_block_entry entry;

	if (!how || (GPOINTER_TO_UINT(how) == 2 && at % search->g->alignment == search->g->word))
		return;
	/* What is in it is no word from outside. */
	if (hc_block_table_find(search->table, word, &entry) && at >= word && at - word < entry.size)
		return;
	g_hash_table_add(search->found, g_memdup2(&key, sizeof key));
}

static void search_range(struct search *search, hc_address start, hc_address end)
{
	const glibc *g = search->g;
	hc_address stretch;

	for (start = hc_align_up(start, g->word); hc_core_next_stretch(g->core, &start, end, &stretch);
		start = stretch) {
		hc_address at = hc_align_up(start, g->word);

		while (at < stretch && stretch - at >= g->word) {
			uint64_t available;
			const uint8_t *bytes = hc_core_bytes(g->core, at, &available);

			available = bytes ? MIN(available, stretch - at) / g->word * g->word : 0;
			for (uint64_t i = 0; i < available; i += g->word)
				look_at(search, at + i, hc_load_word(bytes + i, g->format));
			at += MAX(available, g->word);
		}
	}
}

static bool search_block(const hc_block_entry *block, void *data)
{
	search_range(data, block->address, block->address + block->size);
	return true;
}

static void search_modules(struct search *search)
{
	const glibc *g = search->g;

	for (unsigned i = 0; i < hc_modules_count(g->modules); i++) {
		const hc_module *module = hc_modules_get(g->modules, i);

		for (unsigned k = 0; module != g->libc && k < hc_module_segment_count(g->modules, module); k++) {
			const hc_module_segment *segment = hc_module_segment_get(g->modules, module, k);

			if (segment->type == PT_LOAD && segment->flags & PF_W)
				search_range(search, segment->start, segment->end);
		}
	}
}

GHashTable *glibc_find_pointed(
	const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout, const GArray *caches)
{
	struct search search = {
		.g = g,
		.table = table,
		.wanted = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.found = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.low = UINT64_MAX,
	};

	for (unsigned i = 0; i < caches->len; i++) {
		guint64 key = g_array_index(caches, hc_address, i);
		bool is_key = glibc_commonest_key(g, layout, key) == key;

		g_hash_table_insert(search.wanted, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(is_key ? 2 : 1));
		search.low = MIN(search.low, key);
		search.high = MAX(search.high, key);
	}
	if (caches->len) {
		search_modules(&search);
		hc_block_table_each(table, HC_BLOCK_IN_USE, 0, UINT64_MAX, search_block, &search);
	}
	g_hash_table_unref(search.wanted);
	return search.found;
}
