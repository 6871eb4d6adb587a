/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks of a thread's cache that its list does not lead to any more. Programs that write into freed memory overwrite the link in a
 * block's first word; what lies behind it looks in use then, and lost.
 *
 * The cache counts the blocks of each list, so it is known how many are missing. Each cached block carries a key in its second word
 * (2.29 on; it is cleared when the block is handed out), and lies in a chunk of the list's size, or of one of its sizes (2.42's
 * large lists). If no more such blocks are in use than
 * are missing, they are these. If there are more, some are left from threads that ended, and all are taken: what is cached is never
 * called lost. Either way the figures are a bound, and that is said.
 */
#include "allocators/glibc_tcache.h"

#include <inttypes.h>

static const hc_diagnostic_kind tcache_broken = {
	"tcache-broken",
	HC_SEVERITY_HEAP_PARTIAL,
	"thread caches have lists that break off (memory written to after it was freed?): the blocks behind were told by malloc's count and key",
};

struct missing {
	int bin;
	glibc_size_range chunk_sizes;
	uint64_t count; /* over all lists of the bin, and of the key */
	hc_address key; /* what their blocks carry */
	const glibc_broken_list *first;
	uint64_t found, taken; /* blocks */
	uint64_t bytes;	       /* of those taken */
};

struct search {
	glibc *g;
	hc_block_table *table;
	GArray *missing; /* of struct missing, few: at most one for each bin, and cache to 2.33 */
	GArray *blocks;	 /* of hc_address */
	uint64_t key;	 /* looked for now */
};

static void add_missing(struct search *search, const glibc_broken_list *list, uint64_t key)
{
	for (unsigned i = 0; i < search->missing->len; i++) {
		struct missing *missing = &g_array_index(search->missing, struct missing, i);

		if (missing->bin == list->bin && missing->key == key) {
			missing->count += list->missing;
			missing->found += list->found;
			return;
		}
	}
	struct missing missing = { list->bin, glibc_cache_chunk_sizes(search->g, list->bin), list->missing, key, list,
		list->found, 0, 0 };

	g_array_append_val(search->missing, missing);
}

/* One is taken: visiting and changing states do not go together. */
static bool collect(const hc_block_entry *block, void *data)
{
	struct search *search = data;

	for (unsigned i = 0; i < search->missing->len; i++) {
		const struct missing *missing = &g_array_index(search->missing, struct missing, i);

		if (missing->key == search->key && glibc_size_is_in(search->g, missing->chunk_sizes, block)) {
			g_array_append_val(search->blocks, block->address);
			break;
		}
	}
	return true;
}

static void take(struct search *search, hc_address address)
{
	hc_block_entry entry;

	if (!hc_block_table_find(search->table, address, &entry) || entry.state != HC_BLOCK_IN_USE ||
		hc_block_table_is_labelled(search->table, &entry))
		return;
	for (unsigned i = 0; i < search->missing->len; i++) {
		struct missing *missing = &g_array_index(search->missing, struct missing, i);

		if (missing->key != search->key || !glibc_size_is_in(search->g, missing->chunk_sizes, &entry))
			continue;
		hc_cached_block cached = { address, missing->first->thread };

		missing->taken++;
		missing->bytes += entry.chunk_size;
		hc_block_table_set_state(search->table, &entry, HC_BLOCK_TCACHE);
		g_array_append_val(search->g->heap->cached, cached);
		return;
	}
}

/* Blocks with KEY; those of any key have been looked for already if a missing one before has the same. */
static void take_keyed(struct search *search, uint64_t key)
{
	uint64_t largest = 0;

	for (unsigned i = 0; i < search->missing->len; i++)
		largest = MAX(largest, g_array_index(search->missing, struct missing, i).chunk_sizes.most);
	search->key = key;
	g_array_set_size(search->blocks, 0);
	glibc_each_keyed(search->g, search->table, largest, key, collect, search);
	for (unsigned i = 0; i < search->blocks->len; i++)
		take(search, g_array_index(search->blocks, hc_address, i));
}

static void tell(const struct search *search, const struct missing *missing)
{
	const glibc *g = search->g;
	bool mixed = missing->chunk_sizes.least != missing->chunk_sizes.most;

	hc_diagnostics_add(g->diagnostics, &tcache_broken,
		mixed ? missing->bytes : missing->count * missing->chunk_sizes.most,
		"tcache at %#" PRIx64 ", bin %d: its lists lead to %" PRIu64 " blocks of %" PRIu64 ", %" PRIu64
		" more were found by their key",
		missing->first->cache, missing->first->bin, missing->found, missing->found + missing->count,
		missing->taken);
}

void glibc_take_missing(glibc *g, hc_block_table *table, const GArray *lists, uint64_t key)
{
	struct search search = {
		.g = g,
		.table = table,
		.missing = g_array_new(FALSE, FALSE, sizeof(struct missing)),
		.blocks = g_array_new(FALSE, FALSE, sizeof(hc_address)),
	};

	for (unsigned i = 0; i < lists->len; i++) {
		const glibc_broken_list *list = &g_array_index(lists, glibc_broken_list, i);

		add_missing(&search, list, key ? key : list->cache);
	}
	for (unsigned i = 0; i < search.missing->len; i++) {
		const struct missing *missing = &g_array_index(search.missing, struct missing, i);

		if (!missing->taken)
			take_keyed(&search, missing->key);
	}
	for (unsigned i = 0; i < search.missing->len; i++)
		tell(&search, &g_array_index(search.missing, struct missing, i));
	g_array_unref(search.missing);
	g_array_unref(search.blocks);
}
