/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fastbins and thread caches: chains of single links, whose blocks look in use to all others.
 *
 * A block that was freed twice is in its list twice (the list runs in a circle), or in two. free() looks for that, by the first block of a
 * fastbin, and by the key in a cached block; a key that was overwritten hides it.
 */
#include "allocators/glibc_check.h"

/* ---- fastbins ---- */

static void check_fastbin(struct check *check, const hc_arena *arena, int bin)
{
	const glibc *g = check->g;
	hc_free_list list = { .kind = HC_LIST_FASTBIN, .bin = bin, .arena = arena->index };
	struct check_walk walk =
		check_walk_begin(check, list, arena->address + g->layout.arena.fastbins + bin * g->word);
	/* fastbin_index() */
	uint64_t size = (uint64_t)(bin + 2) << (g->word == 8 ? 4 : 3);
	hc_address chunk = walk.raw;

	while (chunk) {
		hc_block block;

		if (!check_walk_to(&walk, chunk, &block))
			return;
		hc_damage damage = check_walk_place(&walk, HC_DAMAGE_LISTED_SIZE, chunk + g->word);

		damage.chunk = chunk;
		damage.has_expected = damage.is_likely = true;
		damage.expected = size | (damage.found & CHUNK_FLAGS);
		if (block.arena != arena->index) {
			damage.kind = HC_DAMAGE_LISTED_ARENA;
			damage.has_expected = false;
			check_add(check, &damage);
		} else if (block.chunk_size != size) {
			check_add(check, &damage);
		}
		walk.holder = chunk;
		walk.place = block.address;
		chunk = glibc_reveal(g, block.address, glibc_word_or_zero(g, block.address));
	}
}

void glibc_check_fastbins(struct check *check, const hc_arena *arena)
{
	for (int i = 0; i < check->g->layout.arena.fastbin_count; i++)
		check_fastbin(check, arena, i);
}

/* ---- thread caches ---- */

/* The word that most of the blocks on the lists have as second: a majority by pairing, then by counting. */
struct keys {
	uint64_t key, own; /* own: blocks with their cache's address instead, as to 2.33 */
	uint64_t lead, count, blocks;
};

struct caches_check {
	struct check *check;
	GArray *members; /* of hc_cached_block: address of a block; `thread` is its list's index in lists */
};

static int compare_count(int64_t claimed, int64_t length)
{
	return claimed < 0 || claimed == length ? 0 : claimed - length == 1 || length - claimed == 1 ? 1 : 2;
}

static void check_count(
	struct check *check, const struct check_walk *walk, hc_free_list list, int64_t length, unsigned *off_by_one)
{
	const glibc_tcache_layout *layout = &check->g->layout.tcache;
	int differs = compare_count(glibc_cache_count(check->g, layout, list.cache, list.bin), length);
	hc_damage damage = check_walk_place(
		walk, HC_DAMAGE_TCACHE_COUNT, list.cache + layout->counts + list.bin * layout->count_size);

	/* A live thread may be about to count one; of a process that a signal ended it is less likely, but not excluded. */
	if (!differs || (differs == 1 && list.thread && !(*off_by_one)++))
		return;
	damage.size = layout->count_size;
	damage.found = 0;
	hc_core_read_unsigned(check->g->core, damage.place, layout->count_size, &damage.found);
	damage.chunk = block_to_chunk(check->g, list.cache);
	damage.has_expected = !layout->counts_free;
	damage.expected = (uint64_t)length;
	check_add(check, &damage);
}

static void check_cache_size(const struct check_walk *walk, const hc_block *block)
{
	const glibc *g = walk->check->g;
	hc_damage damage = check_walk_place(walk, HC_DAMAGE_LISTED_SIZE, block->address - g->word);
	glibc_size_range sizes = glibc_cache_chunk_sizes(g, damage.list.bin);
	hc_block_entry entry = { .arena = block->arena, .chunk_size = block->chunk_size };

	if (glibc_size_is_in(g, sizes, &entry))
		return;
	damage.chunk = block_to_chunk(g, block->address);
	damage.has_expected = damage.is_likely = sizes.least == sizes.most;
	damage.expected = sizes.least | (damage.found & CHUNK_FLAGS);
	check_add(walk->check, &damage);
}

static void check_cache_list(struct caches_check *caches, hc_free_list list, unsigned *off_by_one)
{
	struct check *check = caches->check;
	const glibc *g = check->g;
	struct check_walk walk =
		check_walk_begin(check, list, list.cache + g->layout.tcache.entries + list.bin * g->word);
	hc_address at = walk.raw;
	int64_t length = 0;

	while (at) {
		hc_block block;

		if (!check_walk_to(&walk, block_to_chunk(g, at), &block))
			return;
		hc_cached_block member = { at, walk.list };

		g_array_append_val(caches->members, member);
		check_cache_size(&walk, &block);
		length++;
		walk.holder = block_to_chunk(g, at);
		walk.place = at;
		at = glibc_reveal(g, at, glibc_word_or_zero(g, at));
	}
	check_count(check, &walk, list, length, off_by_one);
}

static hc_address cache_of(const struct caches_check *caches, const hc_cached_block *member)
{
	return g_array_index(caches->check->lists, hc_free_list, member->thread - 1).cache;
}

static struct keys find_keys(const struct caches_check *caches)
{
	const glibc *g = caches->check->g;
	struct keys keys = { .blocks = caches->members->len };

	for (unsigned i = 0; i < caches->members->len; i++) {
		const hc_cached_block *member = &g_array_index(caches->members, hc_cached_block, i);
		uint64_t word = glibc_word_or_zero(g, member->address + g->word);

		keys.own += word == cache_of(caches, member);
		if (word == keys.key)
			keys.lead++;
		else if (keys.lead)
			keys.lead--;
		else
			keys = (struct keys){ word, keys.own, 1, 0, keys.blocks };
	}
	if (g->key)
		keys.key = g->key;
	for (unsigned i = 0; i < caches->members->len; i++)
		keys.count += glibc_word_or_zero(g,
				      g_array_index(caches->members, hc_cached_block, i).address + g->word) == keys.key;
	return keys;
}

/* Whether so many of all are enough that the others lack what they ought to have. */
static bool is_most(uint64_t count, uint64_t blocks)
{
	return count >= 2 && count >= blocks - blocks / 4;
}

/* Each cached block has the key, from 2.29 on: malloc takes it out again when it hands the block out. */
static void check_keys(struct caches_check *caches)
{
	struct check *check = caches->check;
	const glibc *g = check->g;
	struct keys keys = find_keys(caches);
	bool own = is_most(keys.own, keys.blocks),
	     common = !own && keys.key && (g->key ? keys.count > 0 : is_most(keys.count, keys.blocks));

	for (unsigned i = 0; (own || common) && i < caches->members->len; i++) {
		const hc_cached_block *member = &g_array_index(caches->members, hc_cached_block, i);
		struct check_walk walk = {
			.check = check, .list = (uint32_t)member->thread, .holder = block_to_chunk(g, member->address)
		};
		hc_damage damage = check_walk_place(&walk, HC_DAMAGE_TCACHE_KEY, member->address + g->word);

		damage.has_expected = true;
		damage.expected = own ? cache_of(caches, member) : keys.key;
		damage.target = member->address;
		if (damage.found != damage.expected)
			check_add(check, &damage);
	}
}

void glibc_check_tcaches(struct check *check)
{
	const glibc *g = check->g;
	struct caches_check caches = { check, g_array_new(FALSE, FALSE, sizeof(hc_cached_block)) };

	for (unsigned i = 0; i < g->caches->len; i++) {
		const hc_cached_block *cache = &g_array_index(g->caches, hc_cached_block, i);
		unsigned off_by_one = 0;

		for (int bin = 0; bin < g->layout.tcache.bins; bin++) {
			hc_free_list list = {
				.kind = HC_LIST_TCACHE,
				.bin = bin,
				.arena = HC_ARENA_NONE,
				.cache = cache->address,
				.thread = cache->thread,
			};

			check_cache_list(&caches, list, &off_by_one);
		}
	}
	check_keys(&caches);
	g_array_unref(caches.members);
}
