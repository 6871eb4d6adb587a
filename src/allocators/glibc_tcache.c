/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Per-thread caches (2.26 on).
 *
 * A cached block looks in use: only the cache's list tells. The cache itself is a block, and the thread-local variable
 * `tcache` points to it. Finding that variable needs libc's place in thread-local storage, which is not in a core. But it is
 * at the same distance from every thread's control block; so the distance is searched for, at which each thread has either
 * nothing or the address of a block that is a cache: entries that lead to blocks of each entry's own size, counts that are
 * zero where the entry is. The symbol `tcache`, where known, is needed for nothing.
 *
 * Threads that ended gave their caches back. After fork() the child keeps the caches of the parent's other threads, though
 * it has not these threads: their control blocks are still in memory (hc_allocators_find_thread_blocks()), with the pointer at
 * the same distance. A cache whose control block is gone too is found by its own look.
 */
#include "allocators/glibc.h"

enum {
	TLS_REACH = 256 * 1024, /* static TLS searched below a thread's control block */
	VOTERS_MAX = 256,	/* threads that are asked where the variable is */
	CHAIN_MAX = 1 << 20,	/* of one list; tcache_count is at most 65535 */
};

static const hc_diagnostic_kind tcache_missing = {
	"tcache-missing",
	HC_SEVERITY_PARTIAL,
	"of the per-thread caches could not be found: blocks cached by threads are counted as in use",
};

static const hc_diagnostic_kind tcache_keys = {
	"tcache-keys",
	HC_SEVERITY_NOTE,
	"blocks in use still carry the key of a cached block (reused without being written, or a cache that no thread leads to)",
};

struct caches {
	glibc *g;
	hc_block_table *table;
	GHashTable *known; /* addresses of caches that were followed */
	GHashTable
		*judged; /* address of a block of the right size -> lists that are not empty, plus one; 0: no cache */
	uint64_t key;	 /* what cached blocks carry in word 1: 2.34 on; 0 if not known */
	uint64_t cached;
};

uint64_t glibc_cache_block_size(const glibc *g, const glibc_tcache_layout *layout)
{
	return hc_align_up(layout->size + g->word, g->alignment) - g->word;
}

/*
 * And the largest: a chunk that was not worth splitting is up to MINSIZE longer. From 2.42 on tcache_init() hands request2size() to
 * _int_malloc(), which adds the header once more.
 */
uint64_t glibc_cache_block_size_max(const glibc *g, const glibc_tcache_layout *layout)
{
	return glibc_cache_block_size(g, layout) + (layout->counts_free ? 2 : 1) * g->alignment;
}

static bool is_cache_sized(const glibc *g, const glibc_tcache_layout *layout, uint64_t size)
{
	return size >= glibc_cache_block_size(g, layout) && size <= glibc_cache_block_size_max(g, layout);
}

/* Chunk size of bin I: tidx2csize(). The large bins of 2.42 (from 64 on) hold mixed sizes: 0. */
static uint64_t bin_chunk_size(const glibc *g, int bin)
{
	return bin < 64 ? g->minimum + bin * g->alignment : 0;
}

/*
 * How many blocks bin I of the cache at ADDRESS claims; -1 if that cannot be told. 2.42 on: num_slots counts what still
 * fits, and tcache_count is what fits.
 */
static int64_t claimed_count(const glibc *g, const glibc_tcache_layout *layout, hc_address address, int bin)
{
	uint64_t value;

	if (!hc_core_read_unsigned(
		    g->core, address + layout->counts + bin * layout->count_size, layout->count_size, &value))
		return -1;
	if (!layout->counts_free)
		return value;
	return g->tcache_count < 0 ? -1 : g->tcache_count - (int64_t)value;
}

/*
 * Whether the block at ADDRESS looks like a cache of LAYOUT. *ret_entries counts the lists that are not empty: with none of
 * them any block of zeros looks like a cache.
 */
static bool looks_like_cache(
	const struct caches *caches, const glibc_tcache_layout *layout, hc_address address, unsigned *ret_entries)
{
	const glibc *g = caches->g;
	hc_block_entry block, entry;

	*ret_entries = 0;
	if (!hc_block_table_find(caches->table, address, &block) || block.state != HC_BLOCK_IN_USE ||
		!is_cache_sized(g, layout, block.size))
		return false;
	for (int i = 0; i < layout->bins; i++) {
		uint64_t head = glibc_word_or_zero(g, address + layout->entries + i * g->word),
			 chunk_size = bin_chunk_size(g, i);
		int64_t count = claimed_count(g, layout, address, i);

		/* A thread may be caught between the two, so one of them off by one is no objection. */
		if (count < -1 || (count > 1 && !head) || (!head && layout->count_size == 1 && count > 1))
			return false;
		if (!head)
			continue;
		if (!hc_block_table_find(caches->table, head, &entry) || entry.state != HC_BLOCK_IN_USE ||
			(chunk_size && entry.chunk_size != chunk_size && entry.chunk_size != chunk_size + g->alignment))
			return false;
		++*ret_entries;
	}
	return true;
}

/* ---- the distance from a thread's control block ---- */

struct distance_votes {
	int64_t distance;
	unsigned caches, entries;
};

/* As looks_like_cache(), while no block changes its state: thousands of words can lead to the same block. */
static bool judge(struct caches *caches, const glibc_tcache_layout *layout, hc_address address, unsigned *ret_entries)
{
	guint64 key = address;
	hc_block_entry block;
	gpointer known;

	if (g_hash_table_lookup_extended(caches->judged, &key, NULL, &known)) {
		*ret_entries = GPOINTER_TO_UINT(known) - 1;
		return known != NULL;
	}
	if (!hc_block_table_find(caches->table, address, &block) || block.state != HC_BLOCK_IN_USE ||
		!is_cache_sized(caches->g, layout, block.size))
		return false;
	bool is_cache = looks_like_cache(caches, layout, address, ret_entries);

	g_hash_table_insert(
		caches->judged, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(is_cache ? *ret_entries + 1 : 0));
	return is_cache;
}

/* For each place below THREAD's control block that holds the address of a cache, a vote. */
static void vote_for_distances(
	struct caches *caches, const glibc_tcache_layout *layout, hc_address thread_pointer, GHashTable *votes)
{
	const glibc *g = caches->g;

	for (int64_t distance = g->word; distance <= TLS_REACH; distance += g->word) {
		uint64_t value;
		unsigned entries;

		if (!hc_core_read_word(g->core, thread_pointer - distance, &value))
			return;
		if (!value || value & (g->alignment - 1) || !judge(caches, layout, value, &entries))
			continue;
		struct distance_votes *vote = g_hash_table_lookup(votes, &distance);

		if (!vote) {
			vote = g_new0(struct distance_votes, 1);
			vote->distance = distance;
			g_hash_table_insert(votes, &vote->distance, vote);
		}
		vote->caches++;
		vote->entries += entries;
	}
}

/*
 * At the right distance every thread has a cache, or nothing, or (2.43) the dummy in libc. A pointer of the program's to a
 * block of that size is somewhere else in each thread, or in one thread only.
 */
static const struct distance_votes *best_distance(GHashTable *votes)
{
	GHashTableIter iter;
	gpointer value;
	const struct distance_votes *best = NULL;

	g_hash_table_iter_init(&iter, votes);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct distance_votes *vote = value;

		if (!best || vote->caches > best->caches ||
			(vote->caches == best->caches && vote->entries > best->entries) ||
			(vote->caches == best->caches && vote->entries == best->entries &&
				vote->distance < best->distance))
			best = vote;
	}
	return best;
}

/* Some of the threads, live ones first: all have the variable at the same distance, so few can tell. */
static GArray *choose_voters(const glibc *g)
{
	GArray *voters = g_array_new(FALSE, FALSE, sizeof(hc_address));

	for (unsigned i = 0; i < hc_core_thread_count(g->core) && voters->len < VOTERS_MAX; i++) {
		const hc_thread *thread = hc_core_thread(g->core, i);

		if (thread->thread_pointer && hc_core_find_thread(g->core, thread->thread_pointer) == thread)
			g_array_append_val(voters, thread->thread_pointer);
	}
	for (unsigned i = 0; i < g->thread_blocks->len && voters->len < VOTERS_MAX; i++) {
		hc_address pointer = g_array_index(g->thread_blocks, hc_address, i);

		if (!hc_core_find_thread(g->core, pointer))
			g_array_append_val(voters, pointer);
	}
	return voters;
}

/* Sets g->layout.tcache if it is not known, and the distance. FALSE if no thread has a cache anywhere. */
static bool find_distance(struct caches *caches, const GArray *voters, int64_t *ret_distance)
{
	glibc *g = caches->g;
	unsigned best_caches = 0, best_entries = 0;

	for (unsigned row = 0;; row++) {
		glibc_tcache_layout layout = g->layout.tcache;
		g_autoptr(GHashTable) votes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);

		if (!g->layout.has_tcache && !glibc_tcache_layout_row(row, g->word, &layout))
			break;
		g_hash_table_remove_all(caches->judged);
		for (unsigned i = 0; i < voters->len; i++)
			vote_for_distances(caches, &layout, g_array_index(voters, hc_address, i), votes);
		const struct distance_votes *best = best_distance(votes);

		if (best &&
			(best->caches > best_caches || (best->caches == best_caches && best->entries > best_entries))) {
			best_caches = best->caches;
			best_entries = best->entries;
			*ret_distance = best->distance;
			if (!g->layout.has_tcache)
				g->layout.tcache = layout;
		}
		if (g->layout.has_tcache)
			break;
	}
	if (best_caches)
		g->layout.has_tcache = true;
	return best_caches > 0;
}

/* ---- following a cache ---- */

static void learn_key(struct caches *caches, hc_address cache, hc_address block)
{
	uint64_t key = glibc_word_or_zero(caches->g, block + caches->g->word);
	hc_block_entry entry;

	if (caches->key || !key || key == cache || hc_block_table_find(caches->table, key, &entry))
		return;
	caches->key = key;
}

static void complain(struct caches *caches, hc_address cache, int bin, hc_address at, const char *what)
{
	hc_diagnostics_add(caches->g->diagnostics, &glibc_inconsistent, 0,
		"tcache at %#" G_GINT64_MODIFIER "x, bin %d: %s (%#" G_GINT64_MODIFIER "x)", cache, bin, what, at);
}

static void follow_list(struct caches *caches, hc_address cache, int bin, int64_t thread)
{
	const glibc *g = caches->g;
	hc_address at = glibc_word_or_zero(g, cache + g->layout.tcache.entries + bin * g->word);
	int64_t claimed = claimed_count(g, &g->layout.tcache, cache, bin), length = 0;

	while (at && length < CHAIN_MAX) {
		hc_block_entry entry;

		if (!hc_block_table_find(caches->table, at, &entry) || entry.state != HC_BLOCK_IN_USE) {
			complain(caches, cache, bin, at, "an entry that is no block, or on another list");
			return;
		}
		learn_key(caches, cache, at);
		hc_cached_block cached = { at, thread };

		hc_block_table_set_state(caches->table, &entry, HC_BLOCK_TCACHE);
		g_array_append_val(g->heap->cached, cached);
		length++;
		caches->cached++;
		at = glibc_reveal(g, at, glibc_word_or_zero(g, at));
	}
	if (claimed >= 0 && claimed != length)
		complain(caches, cache, bin, at, "its count differs from its length");
}

static bool is_known(const struct caches *caches, hc_address address)
{
	guint64 key = address;

	return g_hash_table_contains(caches->known, &key);
}

/* THREAD: whose it is; 0: nobody's that is known. */
static void follow_cache(struct caches *caches, hc_address address, const char *label, int64_t thread)
{
	hc_block_entry entry;
	guint64 key = address;

	if (is_known(caches, address) || !hc_block_table_find(caches->table, address, &entry) ||
		entry.state != HC_BLOCK_IN_USE)
		return;
	g_hash_table_add(caches->known, g_memdup2(&key, sizeof key));
	hc_block_table_label(caches->table, &entry, label);
	for (int i = 0; i < caches->g->layout.tcache.bins; i++)
		follow_list(caches, address, i, thread);
}

static void follow_threads(struct caches *caches, const GArray *pointers, int64_t distance)
{
	const glibc *g = caches->g;

	for (unsigned i = 0; i < pointers->len; i++) {
		hc_address pointer = g_array_index(pointers, hc_address, i);
		const hc_thread *thread = hc_core_find_thread(g->core, pointer);
		uint64_t cache = glibc_word_or_zero(g, pointer - distance);
		unsigned entries;
		g_autofree char *label =
			thread ? g_strdup_printf("libc: tcache of thread %" G_GINT64_FORMAT, thread->id) :
				 g_strdup("libc: tcache of a thread that is not in this process any more");

		/* A damaged cache is still the cache: of a live thread it need not look right in every bin. */
		if (cache && !is_known(caches, cache) &&
			(looks_like_cache(caches, &g->layout.tcache, cache, &entries) || thread))
			follow_cache(caches, cache, label, thread ? thread->id : 0);
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

static void follow_orphans(struct caches *caches)
{
	const glibc *g = caches->g;
	const glibc_tcache_layout *layout = &g->layout.tcache;
	g_autoptr(GArray) orphans = g_array_new(FALSE, FALSE, sizeof(hc_address));

	glibc_each_of_size(caches->g, caches->table, glibc_cache_block_size(g, layout),
		glibc_cache_block_size_max(g, layout), collect_orphan, orphans);
	for (unsigned i = 0; i < orphans->len; i++) {
		hc_address cache = g_array_index(orphans, hc_address, i);
		unsigned entries;

		if (looks_like_cache(caches, &g->layout.tcache, cache, &entries) && entries &&
			keys_agree(caches, cache))
			follow_cache(caches, cache, "libc: tcache that no thread leads to", 0);
	}
}

/* ---- the check by key ---- */

static bool tell_keyed(const hc_block_entry *block, void *data)
{
	struct caches *caches = data;

	hc_diagnostics_add(
		caches->g->diagnostics, &tcache_keys, block->size, "%#" G_GINT64_MODIFIER "x", block->address);
	return true;
}

/*
 * Not proof of a cached block: a thread that ends frees its cache into the bins, the key stays in the memory, and whoever gets
 * the block next may never write there. So such blocks are in use, and are told.
 */
static void check_keys(struct caches *caches)
{
	uint64_t largest = bin_chunk_size(caches->g, 63);

	if (caches->key)
		glibc_each_keyed(caches->g, caches->table, largest, caches->key, tell_keyed, caches);
}

/* ---- threads' arenas ---- */

/* The distance at which most of the threads have the address of an arena; 0 if none has one anywhere. */
static int64_t find_arena_distance(const glibc *g, const GArray *voters, GHashTable *arenas)
{
	int64_t best = 0;
	unsigned best_votes = 0;
	g_autoptr(GHashTable) votes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	for (unsigned i = 0; i < voters->len; i++) {
		hc_address pointer = g_array_index(voters, hc_address, i);

		for (int64_t distance = g->word; distance <= TLS_REACH; distance += g->word) {
			uint64_t value;

			if (!hc_core_read_word(g->core, pointer - distance, &value))
				break;
			if (!g_hash_table_contains(arenas, &value))
				continue;
			unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(votes, &distance)) + 1;

			g_hash_table_insert(votes, g_memdup2(&distance, sizeof distance), GUINT_TO_POINTER(count));
			if (count > best_votes || (count == best_votes && distance < best)) {
				best = distance;
				best_votes = count;
			}
		}
	}
	return best;
}

/* Appends to a plain array that grows at powers of two. */
static void attach_thread(hc_arena *arena, unsigned thread)
{
	unsigned *threads = (unsigned *)arena->threads;

	if (!(arena->thread_count & (arena->thread_count - 1)))
		threads = g_renew(unsigned, threads, MAX(2 * arena->thread_count, 1));
	threads[arena->thread_count++] = thread;
	arena->threads = threads;
}

/* thread_arena lies in the same TLS block; every thread that ever allocated has the address of an arena there. */
static void attach_threads(glibc *g, const GArray *voters)
{
	g_autoptr(GHashTable) arenas = g_hash_table_new(g_int64_hash, g_int64_equal);

	for (unsigned i = 0; i < g->heap->arenas->len; i++) {
		hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, i);

		g_hash_table_insert(arenas, &arena->address, arena);
	}
	int64_t distance = find_arena_distance(g, voters, arenas);

	for (unsigned i = 0; distance && i < hc_core_thread_count(g->core); i++) {
		hc_address pointer = hc_core_thread(g->core, i)->thread_pointer;
		uint64_t address = pointer ? glibc_word_or_zero(g, pointer - distance) : 0;
		hc_arena *arena = g_hash_table_lookup(arenas, &address);

		if (arena)
			attach_thread(arena, i);
	}
	for (unsigned i = 0; i < g->heap->arenas->len; i++)
		if (g_array_index(g->heap->arenas, hc_arena, i).threads)
			g_ptr_array_add(g->thread_lists, (gpointer)g_array_index(g->heap->arenas, hc_arena, i).threads);
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
		.judged = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
	};
	const GArray *pointers = g->thread_blocks;
	g_autoptr(GArray) voters = choose_voters(g);
	int64_t distance;

	attach_threads(g, voters);
	if (find_distance(&caches, voters, &distance))
		follow_threads(&caches, pointers, distance);
	else if (g->layout.has_tcache && !pointers->len)
		hc_diagnostics_add(g->diagnostics, &tcache_missing, 0, "no thread's registers are in the core");
	if (g->key)
		caches.key = g->key;
	if (g->layout.has_tcache) {
		follow_orphans(&caches);
		check_keys(&caches);
	}
	g_array_sort(g->heap->cached, compare_cached);
	g_hash_table_unref(caches.known);
	g_hash_table_unref(caches.judged);
}
