/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Per-thread caches (2.26 on).
 *
 * A cached block looks in use: only the cache's list tells. The cache itself is a block, and the thread-local variable
 * `tcache` points to it: glibc_tcache_place.c.
 *
 * Threads that ended gave their caches back. After fork() the child keeps the caches of the parent's other threads, though
 * it has not these threads: their control blocks are still in memory (hc_allocators_find_thread_blocks()), with the pointer at
 * the same distance. A cache whose control block is gone too is found by its own look.
 */
#include "allocators/glibc_tcache.h"

#include <inttypes.h>

enum {
	CHAIN_MAX = 1 << 20, /* of one list; tcache_count is at most 65535 */
	KEYED_MIN = 3,	     /* blocks that have the same word for a key, more than others have */
};

static const hc_diagnostic_kind tcache_missing = {
	"tcache-missing",
	HC_SEVERITY_HEAP_PARTIAL,
	"of the per-thread caches could not be found: blocks cached by threads are counted as in use",
};

static const hc_diagnostic_kind tcache_keys = {
	"tcache-keys",
	HC_SEVERITY_NOTE,
	"blocks in use carry the key of a cached block (left from a thread that ended, or the program's own data)",
};

static const hc_diagnostic_kind tcache_keys_unexplained = {
	"tcache-keys-unexplained",
	HC_SEVERITY_HEAP_PARTIAL,
	"blocks have link and key of cached blocks, but no cache leads to them: they count as in use, and may be called lost",
};

static const hc_diagnostic_kind tcache_doubtful = {
	"tcache-doubtful",
	HC_SEVERITY_HEAP_PARTIAL,
	"blocks look like a thread's cache, with malloc's key in what they lead to, but the program points to them: they and what they lead to count as in use, which is a bound",
};

static const hc_diagnostic_kind in_operation = {
	"malloc-in-operation",
	HC_SEVERITY_NOTE,
	"lists of thread caches were caught between two steps of malloc or free: their count is off by one",
};

struct caches {
	glibc *g;
	hc_block_table *table;
	GHashTable *known;   /* addresses of caches that were followed */
	GArray *broken;	     /* of glibc_broken_list */
	uint64_t key;	     /* what cached blocks carry in word 1: 2.34 on; 0 if not known */
	uint64_t supported;  /* blocks with the key, less those with another, while it is being learned */
	unsigned off_by_one; /* lists of the cache that is followed */
	bool complete;	     /* each live thread's cache was followed */
};

/* ---- following a cache ---- */

/* The key that most cached blocks carry: one or the other may have been written to. */
static void learn_key(struct caches *caches, hc_address cache, hc_address block)
{
	uint64_t key = glibc_word_or_zero(caches->g, block + caches->g->word);
	hc_block_entry entry;

	if (caches->g->key)
		return;
	if (caches->key && key == caches->key)
		caches->supported++;
	else if (caches->key && --caches->supported == 0)
		caches->key = 0;
	if (!caches->key && key && key != cache && !hc_block_table_find(caches->table, key, &entry)) {
		caches->key = key;
		caches->supported = 1;
	}
}

static void complain(struct caches *caches, hc_address cache, int bin, hc_address at, const char *what)
{
	hc_diagnostics_add(caches->g->diagnostics, &glibc_inconsistent, 0,
		"tcache at %#" PRIx64 ", bin %d: %s (%#" PRIx64 ")", cache, bin, what, at);
}

/* The list ended well after LENGTH blocks; of the lists of one cache a live thread may be about to count one. */
static void check_length(struct caches *caches, hc_address cache, int bin, int64_t length, int64_t thread)
{
	int64_t claimed = glibc_cache_count(caches->g, &caches->g->layout.tcache, cache, bin);

	if (claimed < 0 || claimed == length)
		return;
	if (thread && ABS(claimed - length) == 1 && !caches->off_by_one++)
		hc_diagnostics_add(
			caches->g->diagnostics, &in_operation, 0, "tcache at %#" PRIx64 ", bin %d", cache, bin);
	else
		complain(caches, cache, bin, cache, "its count differs from its length");
}

/* The list broke off at AT after LENGTH blocks. */
static void add_broken(struct caches *caches, hc_address cache, int bin, hc_address at, int64_t length, int64_t thread)
{
	int64_t claimed = glibc_cache_count(caches->g, &caches->g->layout.tcache, cache, bin);

	complain(caches, cache, bin, at, "an entry that is no block, or on another list");
	if (claimed > length) {
		glibc_broken_list list = { cache, bin, thread, length, claimed - length };

		g_array_append_val(caches->broken, list);
	}
}

static void follow_list(struct caches *caches, hc_address cache, int bin, int64_t thread)
{
	const glibc *g = caches->g;
	hc_address at = glibc_word_or_zero(g, cache + g->layout.tcache.entries + bin * g->word);
	int64_t length = 0;

	while (at && length < CHAIN_MAX) {
		hc_block_entry entry;

		if (!hc_block_table_find(caches->table, at, &entry) || entry.state != HC_BLOCK_IN_USE) {
			add_broken(caches, cache, bin, at, length, thread);
			return;
		}
		learn_key(caches, cache, at);
		hc_cached_block cached = { at, thread };

		hc_block_table_set_state(caches->table, &entry, HC_BLOCK_TCACHE);
		g_array_append_val(g->heap->cached, cached);
		length++;
		at = glibc_reveal(g, at, glibc_word_or_zero(g, at));
	}
	check_length(caches, cache, bin, length, thread);
}

static bool is_known(const struct caches *caches, hc_address address)
{
	guint64 key = address;

	return g_hash_table_contains(caches->known, &key);
}

static void follow_cache(struct caches *caches, hc_address address, hc_label label)
{
	hc_block_entry entry;
	guint64 key = address;

	if (is_known(caches, address) || !hc_block_table_find(caches->table, address, &entry) ||
		entry.state != HC_BLOCK_IN_USE)
		return;
	g_hash_table_add(caches->known, g_memdup2(&key, sizeof key));
	hc_block_table_label(caches->table, &entry, label);
	hc_cached_block followed = { address, label.thread };

	g_array_append_val(caches->g->caches, followed);
	caches->off_by_one = 0;
	for (int i = 0; i < caches->g->layout.tcache.bins; i++)
		follow_list(caches, address, i, label.thread);
}

/* From 2.43 on threads without a cache have the address of a dummy in libc there. */
static bool leads_to_block(const struct caches *caches, hc_address cache)
{
	hc_block_entry entry;

	return hc_block_table_find(caches->table, cache, &entry) || hc_modules_find(caches->g->modules, cache);
}

/* Those of threads that are alive, or of those that are not. */
static void follow_threads(struct caches *caches, bool alive)
{
	const glibc *g = caches->g;
	const GArray *pointers = g->thread_blocks;

	for (unsigned i = 0; i < pointers->len; i++) {
		hc_address pointer = g_array_index(pointers, hc_address, i);
		const hc_thread *thread = hc_core_find_thread(g->core, pointer);
		uint64_t cache = glibc_word_or_zero(g, glibc_thread_local(g, pointer, g->cache_distance));
		glibc_cache_look look;

		if (alive != (thread != NULL))
			continue;
		if (thread && cache && !leads_to_block(caches, cache)) {
			caches->complete = false;
			hc_diagnostics_add(g->diagnostics, &tcache_missing, 0,
				"thread %" PRId64 ": what leads there leads to no block, %#" PRIx64, thread->id, cache);
		}
		/* A damaged cache is still the cache: of a live thread it need not look right in every bin. */
		if (cache && !is_known(caches, cache) &&
			(glibc_looks_like_cache(g, caches->table, &g->layout.tcache, cache, &look) || thread))
			follow_cache(caches, cache, (hc_label){ HC_LABEL_TCACHE, thread ? thread->id : 0 });
	}
}

/* ---- caches that nothing leads to ---- */

static bool collect_orphan(const hc_block_entry *block, void *data)
{
	GArray *orphans = data;

	g_array_append_val(orphans, block->address);
	return true;
}

/* All non-empty lists' first blocks carry the key (or the cache's own address, to 2.33). */
static bool keys_agree(const struct caches *caches, hc_address cache)
{
	const glibc *g = caches->g;

	for (int i = 0; i < g->layout.tcache.bins; i++) {
		uint64_t head = glibc_word_or_zero(g, cache + g->layout.tcache.entries + i * g->word), key;

		if (!head)
			continue;
		key = glibc_word_or_zero(g, head + g->word);
		if (key != cache && (!caches->key || key != caches->key))
			return false;
	}
	return true;
}

static bool is_orphan(const struct caches *caches, hc_address cache)
{
	const glibc *g = caches->g;
	glibc_cache_look look;

	return !is_known(caches, cache) && glibc_looks_like_cache(g, caches->table, &g->layout.tcache, cache, &look) &&
	       look.entries && keys_agree(caches, cache);
}

/*
 * Those that the program has pointers to may be its own: nothing is taken from it, and that is
 * said.
 */
static void follow_orphans(struct caches *caches)
{
	const glibc *g = caches->g;
	const glibc_tcache_layout *layout = &g->layout.tcache;
	g_autoptr(GArray) orphans = g_array_new(FALSE, FALSE, sizeof(hc_address));
	g_autoptr(GHashTable) pointed = NULL;

	glibc_each_of_size(caches->g, caches->table, glibc_cache_block_size(g, layout),
		glibc_cache_block_size_max(g, layout), collect_orphan, orphans);
	for (unsigned i = orphans->len; i-- > 0;)
		if (!is_orphan(caches, g_array_index(orphans, hc_address, i)))
			g_array_remove_index(orphans, i);
	pointed = glibc_find_pointed(g, caches->table, layout, orphans);
	for (unsigned i = 0; i < orphans->len; i++) {
		guint64 cache = g_array_index(orphans, hc_address, i);

		if (g_hash_table_contains(pointed, &cache))
			hc_diagnostics_add(g->diagnostics, &tcache_doubtful, 0, "%#" PRIx64, cache);
		else if (is_orphan(caches, cache))
			follow_cache(caches, cache, (hc_label){ HC_LABEL_TCACHE_ORPHAN, 0 });
	}
}

/* ---- the check by key ---- */

struct keyed {
	struct caches *caches;
	bool explained;
};

/* Whether the first word is a link, too: to the end of a list, or to a block of the same size with the key. */
static bool has_link(const struct caches *caches, const hc_block_entry *block)
{
	const glibc *g = caches->g;
	hc_address next = glibc_reveal(g, block->address, glibc_word_or_zero(g, block->address));
	hc_block_entry entry;

	return !next || (hc_block_table_find(caches->table, next, &entry) && entry.chunk_size == block->chunk_size &&
				glibc_word_or_zero(g, next + g->word) == caches->key);
}

static bool tell_keyed(const hc_block_entry *block, void *data)
{
	const struct keyed *keyed = data;
	bool explained = keyed->explained || !has_link(keyed->caches, block);

	hc_diagnostics_add(keyed->caches->g->diagnostics, explained ? &tcache_keys : &tcache_keys_unexplained,
		block->size, "%#" PRIx64, block->address);
	return true;
}

/*
 * Not proof of a cached block: a thread that ends frees its cache into the bins, the key stays in the memory, and whoever gets
 * the block next may never write there. So such blocks are in use, and are told. But where a thread's cache was not found, and the word
 * before the key is a link, they may be that cache's.
 */
static void check_keys(struct caches *caches)
{
	const glibc *g = caches->g;
	struct keyed keyed = { caches, caches->complete };

	if (caches->key)
		glibc_each_keyed(caches->g, caches->table, glibc_cache_chunk_sizes(g, g->layout.tcache.bins - 1).most,
			caches->key, tell_keyed, &keyed);
}

static int compare_cached(const void *a, const void *b)
{
	const hc_cached_block *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

void glibc_find_tcaches(glibc *g, hc_block_table *table)
{
	struct caches caches = {
		.g = g,
		.table = table,
		.known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.broken = g_array_new(FALSE, FALSE, sizeof(glibc_broken_list)),
		.key = g->key,
		.complete = g->cache_distance != 0,
	};

	if (g->cache_distance) {
		/* What live threads lead to are caches: their key is malloc's, even if it looks like text or another word of the program's. */
		follow_threads(&caches, true);
		g->learned_key = caches.supported >= KEYED_MIN ? caches.key : 0;
		follow_threads(&caches, false);
	} else if (g->cache_missing)
		hc_diagnostics_add(g->diagnostics, &tcache_missing, 0,
			"no block that a thread leads to has the look of one: is it damaged?");
	else if (g->layout.has_tcache && g->tcache_count != 0)
		hc_diagnostics_add(g->diagnostics, &tcache_missing, 0, "%s",
			g->thread_blocks->len ? "no thread leads to one" : "no thread's registers are in the core");
	if (g->layout.has_tcache) {
		follow_orphans(&caches);
		glibc_take_missing(g, table, caches.broken, caches.key);
		check_keys(&caches);
	}
	g_array_sort(g->heap->cached, compare_cached);
	g_hash_table_unref(caches.known);
	g_array_unref(caches.broken);
}
