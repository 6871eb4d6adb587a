/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where threads have the pointer to their cache.
 *
 * The thread-local variable `tcache` is at the same distance from every thread's control block. With libc's symbols and the dynamic
 * linker's link maps that is known. Without, the distance is searched for at which each thread has either nothing or the address of a
 * block that looks like a cache: entries that lead to blocks of each entry's own size, counts that are zero where the entry is.
 * If there is none, or none that has anything in it, the cache may be damaged: glibc_tcache_damaged.c.
 */
#include "allocators/glibc_tcache.h"

enum {
	SMALL_BINS = 64,  /* TCACHE_SMALL_BINS */
	VOTERS_MAX = 256, /* threads that are asked where the variable is */
};

struct search {
	glibc *g;
	hc_block_table *table;
	GHashTable *judged;	   /* address of a block of the right size -> glibc_cache_look; NULL: no cache */
	int64_t nearest, farthest; /* distances that are asked for */
	GHashTable *firsts;	   /* glibc_first_blocks() where damaged caches are looked for, else NULL */
	bool met;		   /* of these: a thread leads to a block of the right size */
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

bool glibc_is_cache_sized(
	const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout, hc_address address)
{
	hc_block_entry block;

	return hc_block_table_find(table, address, &block) && block.state == HC_BLOCK_IN_USE &&
	       block.size >= glibc_cache_block_size(g, layout) && block.size <= glibc_cache_block_size_max(g, layout);
}

/*
 * Bin I: tidx2csize(). The large bins of 2.42 have powers of two, the first from where the small ones end on:
 * large_csize2tidx().
 */
glibc_size_range glibc_cache_chunk_sizes(const glibc *g, int bin)
{
	uint64_t small = g->minimum + 63 * g->alignment, size = g->minimum + bin * g->alignment;
	uint64_t power = (uint64_t)1 << (g_bit_storage(small) - 1);

	if (bin < SMALL_BINS)
		return (glibc_size_range){ size, size };
	power <<= MIN(bin - SMALL_BINS, 32);
	return (glibc_size_range){ MAX(power, small + g->alignment), 2 * power - g->alignment };
}

/*
 * How many blocks bin I of the cache at ADDRESS claims; -1 if that cannot be told. 2.42 on: num_slots counts what still
 * fits, and tcache_count is what fits.
 */
int64_t glibc_cache_count(const glibc *g, const glibc_tcache_layout *layout, hc_address address, int bin)
{
	uint64_t value;

	if (!hc_core_read_unsigned(
		    g->core, address + layout->counts + bin * layout->count_size, layout->count_size, &value))
		return -1;
	if (!layout->counts_free)
		return value;
	return g->tcache_count < 0 ? -1 : g->tcache_count - (int64_t)value;
}

/* What contradicts that a block is a cache. */
struct faults {
	unsigned counts;   /* that say nothing is there where something is, or the other way round */
	unsigned pointers; /* that lead to nothing that such a list could hold */
};

/*
 * A thread may be caught between setting a list and counting, so one count is no objection; nor is one list that the program
 * overwrote, if two others are as they should be; nor are keys that it overwrote in less than half of the lists.
 */
static bool is_forgiven(const struct faults *faults, const glibc_cache_look *look, bool has_keys)
{
	return faults->counts <= 1 && faults->pointers <= (look->entries >= 2 ? 1 : 0) &&
	       (!has_keys || 2 * look->keyed >= look->entries);
}

/* ---- keys ---- */

/*
 * tcache_key (2.34 on) is a random word. What many objects of a program have in common is an address, a small number or
 * text; a random word is one of these once in 2,000 times.
 */
static bool is_random(const glibc *g, uint64_t word)
{
	unsigned zeros = 0, text = 0;

	for (unsigned i = 0; i < g->word; i++) {
		uint8_t byte = word >> 8 * i & 0xff;

		zeros += !byte;
		text += !byte || (byte >= 0x20 && byte < 0x7f);
	}
	return zeros <= g->word / 4 && text < g->word && !hc_core_find_mapping(g->core, word);
}

/* Whether blocks of the cache at CACHE can carry KEY: to 2.33 it is the cache's own address. */
static bool can_be_key(const glibc *g, hc_address cache, uint64_t key)
{
	return g->key ? key == g->key : key == cache || (key && key == g->learned_key) || is_random(g, key);
}

/* By pairing off those that differ. */
uint64_t glibc_commonest_key(const glibc *g, const glibc_tcache_layout *layout, hc_address cache)
{
	uint64_t common = 0;
	unsigned lead = 0;

	for (int i = 0; i < layout->bins; i++) {
		uint64_t head = glibc_word_or_zero(g, cache + layout->entries + i * g->word), key;

		if (!head)
			continue;
		key = glibc_word_or_zero(g, head + g->word);
		if (!lead)
			common = key;
		lead += key == common ? 1 : -1;
	}
	return common;
}

unsigned glibc_count_keyed(const glibc *g, const glibc_tcache_layout *layout, hc_address cache)
{
	uint64_t key = glibc_commonest_key(g, layout, cache);
	unsigned keyed = 0;

	if (!can_be_key(g, cache, key))
		return 0;
	for (int i = 0; i < layout->bins; i++) {
		uint64_t head = glibc_word_or_zero(g, cache + layout->entries + i * g->word);

		keyed += head && glibc_word_or_zero(g, head + g->word) == key;
	}
	return keyed;
}

/* All releases whose counters have two bytes have keys, too (2.28's and 2.29's branches, 2.30 on). */
static bool has_keys(const glibc_tcache_layout *layout)
{
	return layout->count_size > 1;
}

bool glibc_looks_like_cache(const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout,
	hc_address address, glibc_cache_look *ret_look)
{
	struct faults faults = { 0 };
	hc_block_entry entry;

	*ret_look = (glibc_cache_look){ 0 };
	if (!glibc_is_cache_sized(g, table, layout, address))
		return false;
	for (int i = 0; i < layout->bins; i++) {
		uint64_t head = glibc_word_or_zero(g, address + layout->entries + i * g->word);
		glibc_size_range sizes = glibc_cache_chunk_sizes(g, i);
		int64_t count = glibc_cache_count(g, layout, address, i);

		if (count < -1 || (count > 1 && !head))
			return false;
		faults.counts += head ? !count : count == 1;
		if (!head)
			continue;
		if (!hc_block_table_find(table, head, &entry) || entry.state != HC_BLOCK_IN_USE ||
			!glibc_size_is_in(g, sizes, &entry))
			faults.pointers++;
		else
			ret_look->entries++;
	}
	if (ret_look->entries)
		ret_look->keyed = glibc_count_keyed(g, layout, address);
	return is_forgiven(&faults, ret_look, has_keys(layout));
}

/* ---- the distance from a thread's control block ---- */

struct distance_votes {
	int64_t distance;
	unsigned caches;
	glibc_cache_look look; /* of all of them */
};

/* As glibc_looks_like_cache(), while no block changes its state: thousands of words can lead to the same block. */
static bool judge(
	struct search *search, const glibc_tcache_layout *layout, hc_address address, glibc_cache_look *ret_look)
{
	guint64 key = address;
	gpointer known;
	bool is_cache;

	if (g_hash_table_lookup_extended(search->judged, &key, NULL, &known)) {
		if (known)
			*ret_look = *(const glibc_cache_look *)known;
		return known != NULL;
	}
	if (!glibc_is_cache_sized(search->g, search->table, layout, address))
		return false;
	if (search->firsts)
		/* Where libc's symbols tell the place, what it leads to is the cache. */
		is_cache = glibc_may_be_damaged_cache(
				   search->g, search->table, layout, address, search->firsts, ret_look) ||
			   search->nearest == search->farthest;
	else
		is_cache = glibc_looks_like_cache(search->g, search->table, layout, address, ret_look);
	search->met = true;
	g_hash_table_insert(
		search->judged, g_memdup2(&key, sizeof key), is_cache ? g_memdup2(ret_look, sizeof *ret_look) : NULL);
	return is_cache;
}

/* For each place that is asked for beside THREAD's control block that holds the address of a cache, a vote. */
static void vote_for_distances(
	struct search *search, const glibc_tcache_layout *layout, hc_address thread_pointer, GHashTable *votes)
{
	const glibc *g = search->g;

	for (int64_t distance = search->nearest; distance <= search->farthest; distance += g->word) {
		uint64_t value;
		glibc_cache_look look;

		if (!hc_core_read_word(g->core, glibc_thread_local(g, thread_pointer, distance), &value))
			return;
		if (!value || value & (g->alignment - 1) || !judge(search, layout, value, &look))
			continue;
		struct distance_votes *vote = g_hash_table_lookup(votes, &distance);

		if (!vote) {
			vote = g_new0(struct distance_votes, 1);
			vote->distance = distance;
			g_hash_table_insert(votes, &vote->distance, vote);
		}
		vote->caches++;
		vote->look.first += look.first;
		vote->look.entries += look.entries;
		vote->look.keyed += look.keyed;
	}
}

/*
 * At the right distance every thread has a cache, or nothing, or (2.43) the dummy in libc. A pointer of the program's to a
 * block of that size is somewhere else in each thread, or in one thread only; or in all of them, a thread-local variable: then
 * keys tell, as no block in use has one.
 */
static bool is_better(const struct distance_votes *vote, const struct distance_votes *best)
{
	if (!best || vote->look.first != best->look.first)
		return !best || vote->look.first > best->look.first;
	if (vote->look.keyed != best->look.keyed)
		return vote->look.keyed > best->look.keyed;
	if (vote->caches != best->caches)
		return vote->caches > best->caches;
	if (vote->look.entries != best->look.entries)
		return vote->look.entries > best->look.entries;
	return vote->distance < best->distance;
}

static const struct distance_votes *best_distance(GHashTable *votes)
{
	GHashTableIter iter;
	gpointer value;
	const struct distance_votes *best = NULL;

	g_hash_table_iter_init(&iter, votes);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct distance_votes *vote = value;

		if (is_better(vote, best))
			best = vote;
	}
	return best;
}

/* Some of the threads, live ones first: all have the variable at the same distance, so few can tell. */
GArray *glibc_choose_voters(const glibc *g)
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

/*
 * Several distances have caches with keys: at most one of them is right. Those that the program
 * itself points to are not: they are no caches from here on. If it points to all of them, or to
 * none, that tells nothing.
 */
static bool drop_pointed(struct search *search, const glibc_tcache_layout *layout)
{
	g_autoptr(GArray) keyed = g_array_new(FALSE, FALSE, sizeof(hc_address));
	g_autoptr(GHashTable) pointed = NULL;
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, search->judged);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		hc_address address = *(const guint64 *)key;

		if (value && ((const glibc_cache_look *)value)->keyed)
			g_array_append_val(keyed, address);
	}
	pointed = glibc_find_pointed(search->g, search->table, layout, keyed);
	if (!g_hash_table_size(pointed) || g_hash_table_size(pointed) == keyed->len)
		return false;
	g_hash_table_iter_init(&iter, pointed);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_hash_table_insert(search->judged, g_memdup2(key, sizeof(guint64)), NULL);
	return true;
}

static unsigned count_keyed_distances(GHashTable *votes)
{
	GHashTableIter iter;
	gpointer value;
	unsigned count = 0;

	g_hash_table_iter_init(&iter, votes);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		count += ((const struct distance_votes *)value)->look.keyed != 0;
	return count;
}

static GHashTable *collect_votes(struct search *search, const glibc_tcache_layout *layout, const GArray *voters)
{
	GHashTable *votes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);

	for (unsigned i = 0; i < voters->len; i++)
		vote_for_distances(search, layout, g_array_index(voters, hc_address, i), votes);
	return votes;
}

/* The best distance under any layout that may be the caches'; *WINNER has no caches if there is none. */
static void search_rows(
	struct search *search, const GArray *voters, struct distance_votes *winner, glibc_tcache_layout *chosen)
{
	glibc *g = search->g;

	for (unsigned row = 0;; row++) {
		glibc_tcache_layout layout = g->layout.tcache;
		g_autoptr(GHashTable) votes = NULL;

		if (!g->layout.has_tcache && !glibc_tcache_layout_row(row, g->word, &layout))
			break;
		if (g->layout.arena.fastbins == ABSENT && !layout.counts_free)
			continue; /* 2.43 */
		g_hash_table_remove_all(search->judged);
		votes = collect_votes(search, &layout, voters);
		if (count_keyed_distances(votes) > 1 && drop_pointed(search, &layout)) {
			g_hash_table_unref(votes);
			votes = collect_votes(search, &layout, voters);
		}
		const struct distance_votes *best = best_distance(votes);

		if (best && (!winner->caches || is_better(best, winner))) {
			*winner = *best;
			*chosen = layout;
		}
		if (g->layout.has_tcache)
			break;
	}
}

/* Where no cache has anything in it that looks right. A better place than *WINNER's is taken; if nothing speaks for either, that is noted. */
static void search_damaged(
	struct search *search, const GArray *voters, struct distance_votes *winner, glibc_tcache_layout *chosen)
{
	glibc *g = search->g;
	struct distance_votes damaged = { 0 };
	glibc_tcache_layout layout = *chosen;
	g_autoptr(GHashTable) firsts = glibc_first_blocks(g);

	search->firsts = firsts;
	search->met = false;
	search_rows(search, voters, &damaged, &layout);
	search->firsts = NULL;
	if (damaged.caches) {
		*winner = damaged;
		*chosen = layout;
	} else if (!winner->caches) {
		g->cache_missing = search->met || glibc_lacks_cache(g, search->table, firsts);
	}
}

/* Sets g->layout.tcache if it is not known, and the distance. FALSE if no thread has a cache anywhere. */
static bool find_distance(struct search *search, const GArray *voters, int64_t *ret_distance)
{
	glibc *g = search->g;
	glibc_tcache_layout chosen = g->layout.tcache;
	struct distance_votes winner = { 0 };

	search_rows(search, voters, &winner, &chosen);
	if (!winner.look.entries && glibc_may_have_caches(g))
		search_damaged(search, voters, &winner, &chosen);
	if (!winner.caches)
		return false;
	*ret_distance = winner.distance;
	g->layout.tcache = chosen;
	g->layout.has_tcache = true;
	return true;
}

/* From libc's symbol and its place in a thread's storage; 0 if either is not known. */
static int64_t distance_by_symbol(const glibc *g)
{
	hc_symbol symbol;

	if (!g->libc || !hc_module_symbol(g->modules, g->libc, "tcache", &symbol) || !symbol.is_tls)
		return 0;
	for (unsigned i = 0; i < hc_core_thread_count(g->core); i++) {
		hc_address pointer = hc_core_thread(g->core, i)->thread_pointer;
		const hc_tls_block *block = pointer ? hc_modules_tls_block(g->modules, g->libc, i) : NULL;

		if (!block || symbol.address >= block->end - block->start)
			continue;
		hc_address variable = block->start + symbol.address;
		uint64_t distance = g->machine->tls_above ? variable - pointer : pointer - variable;

		if (distance <= GLIBC_TLS_REACH && distance % g->word == 0)
			return distance;
	}
	return 0;
}

bool glibc_locate_caches(glibc *g, hc_block_table *table)
{
	struct search search = {
		.g = g,
		.table = table,
		.judged = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
		.nearest = g->word,
		.farthest = GLIBC_TLS_REACH,
	};
	g_autoptr(GArray) voters = glibc_choose_voters(g);
	int64_t known = distance_by_symbol(g);

	if (known)
		search.nearest = search.farthest = known;
	if (known && g->layout.has_tcache)
		g->cache_distance = known;
	else if (!find_distance(&search, voters, &g->cache_distance))
		g->cache_distance = 0;
	g_hash_table_unref(search.judged);
	return g->cache_distance != 0;
}
