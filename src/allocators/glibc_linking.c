/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Safe-linking: whether the pointers of fastbins and thread caches are mangled (2.32 on, malloc.c: PROTECT_PTR).
 *
 * Only a list that is one tells: each block on it has the list's size and is in use, and it ends, in a thread's cache after as many
 * blocks as the cache's own count says. A list that is whole if read in one way is not in the other: its end is 0, plain or mangled.
 * The lists asked are fastbins and the caches that threads lead to. Memory that merely looks like a cache is asked only where
 * there are none of these and libc's version is not known either. Without any list the version decides.
 */
#include "allocators/glibc.h"

enum {
	STEPS_MAX = 64, /* of one list: so many in a row are no accident */
};

struct lists {
	const glibc *g;
	const hc_block_table *table;
	unsigned plain, mangled; /* lists that are whole, read so */
};

struct list {
	hc_address first;	      /* block; 0: empty */
	glibc_size_range chunk_sizes; /* of each */
	int64_t length;		      /* -1: not known */
	bool of_chunks;		      /* pointers are to chunks, not to blocks */
};

static bool is_whole(const struct lists *lists, const struct list *list, bool mangled)
{
	const glibc *g = lists->g;
	hc_address at = list->first;
	int64_t steps = 0;

	for (; at; steps++) {
		hc_block_entry entry;

		if (steps == STEPS_MAX)
			return true;
		if (steps == list->length || !hc_block_table_find(lists->table, at, &entry) ||
			entry.state != HC_BLOCK_IN_USE || !glibc_size_is_in(g, list->chunk_sizes, &entry))
			return false;
		at = glibc_word_or_zero(g, entry.address) ^ (mangled ? entry.address >> 12 : 0);
		if (at && list->of_chunks)
			at = chunk_to_block(g, at);
	}
	return list->length < 0 || steps == list->length;
}

static void ask(struct lists *lists, const struct list *list)
{
	if (!list->first)
		return;
	lists->plain += is_whole(lists, list, false);
	lists->mangled += is_whole(lists, list, true);
}

static void ask_fastbins(struct lists *lists, const hc_arena *arena)
{
	const glibc *g = lists->g;

	for (int i = 0; i < g->layout.arena.fastbin_count; i++) {
		hc_address chunk = glibc_word_or_zero(g, arena->address + g->layout.arena.fastbins + i * g->word);
		struct list list = {
			.first = chunk ? chunk_to_block(g, chunk) : 0,
			.chunk_sizes = { g->minimum + i * g->alignment, g->minimum + i * g->alignment },
			.length = -1,
			.of_chunks = true,
		};

		ask(lists, &list);
	}
}

static void ask_cache(struct lists *lists, const glibc_tcache_layout *layout, hc_address cache)
{
	const glibc *g = lists->g;

	for (int i = 0; i < layout->bins; i++) {
		struct list list = {
			.first = glibc_word_or_zero(g, cache + layout->entries + i * g->word),
			.chunk_sizes = glibc_cache_chunk_sizes(g, i),
			.length = glibc_cache_count(g, layout, cache, i),
		};

		ask(lists, &list);
	}
}

static void ask_threads(struct lists *lists)
{
	const glibc *g = lists->g;

	for (unsigned i = 0; g->cache_distance && i < g->thread_blocks->len; i++) {
		hc_address thread = g_array_index(g->thread_blocks, hc_address, i),
			   cache = glibc_word_or_zero(g, glibc_thread_local(g, thread, g->cache_distance));
		glibc_cache_look look;

		/* A live thread's is the cache, however damaged it is. */
		if (cache && (hc_core_find_thread(g->core, thread) ||
				     glibc_looks_like_cache(g, lists->table, &g->layout.tcache, cache, &look)))
			ask_cache(lists, &g->layout.tcache, cache);
	}
}

struct look {
	struct lists *lists;
	const glibc_tcache_layout *layout;
};

static bool ask_look_alike(const hc_block_entry *block, void *data)
{
	struct look *look = data;
	glibc_cache_look seen;

	if (glibc_looks_like_cache(look->lists->g, look->lists->table, look->layout, block->address, &seen))
		ask_cache(look->lists, look->layout, block->address);
	return true;
}

static void ask_look_alikes(glibc *g, struct lists *lists)
{
	for (unsigned row = 0;; row++) {
		glibc_tcache_layout layout = g->layout.tcache;
		struct look look = { lists, &layout };

		if (!g->layout.has_tcache && !glibc_tcache_layout_row(row, g->word, &layout))
			break;
		glibc_each_of_size(g, lists->table, glibc_cache_block_size(g, &layout),
			glibc_cache_block_size_max(g, &layout), ask_look_alike, &look);
		if (g->layout.has_tcache)
			break;
	}
}

/* "2.31" -> 31; -1 if it is not known. */
static int minor_version(const glibc *g)
{
	return g->version && g_str_has_prefix(g->version, "2.") ? (int)g_ascii_strtoll(g->version + 2, NULL, 10) : -1;
}

void glibc_detect_safe_linking(glibc *g, hc_block_table *table)
{
	struct lists lists = { .g = g, .table = table };

	for (unsigned i = 0; i < g->heap->arenas->len; i++)
		ask_fastbins(&lists, &g_array_index(g->heap->arenas, hc_arena, i));
	ask_threads(&lists);
	if (lists.plain == lists.mangled && minor_version(g) < 0)
		ask_look_alikes(g, &lists);
	if (lists.plain != lists.mangled)
		g->heap->info.safe_linking = lists.mangled > lists.plain;
	else
		g->heap->info.safe_linking = minor_version(g) < 0 || minor_version(g) >= 32;
}
