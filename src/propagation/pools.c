/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that an allocator of the program's has cut into objects.
 *
 * GLib's slices, and slabs like them, are pages from malloc in which objects of many owners lie
 * side by side. Nobody but the allocator has such a page; what one word in it leads to is not
 * there for the sake of who holds its neighbour. So a page has no owner at first: each object in
 * it, a *piece*, is followed for who leads to it, from where a word leads to up to where the next
 * one does. In the end the page itself goes to whoever has most of its bytes, and what is left of
 * its words is followed for him.
 *
 * Who finds the page of an object by clearing low bits of its address has it aligned to its size:
 * of other blocks one in hundreds is. If words of others lead to several places in it, then it is
 * a pool. (Of a large array with such an alignment, that is wrong: then items are pieces, and the
 * array is his who has most of them.)
 *
 * What stands on a stack may lead into the middle of an object: a function was given the address of a member, or has looked for something in
 * it. So such words begin no piece that would be nearer to the one before it than any two are that other words lead to.
 *
 * Words are looked at once, when links.c looks at all blocks; of very many blocks not at all of
 * them, so that some pieces may have a neighbour's words, too: they are cut at PIECE_MAX.
 */
#include "base/bits.h"
#include "base/pages.h"
#include "propagation/passes.h"

enum {
	POOL_LEAST = 256, /* bytes of a pool; so one of other blocks in 16 may look like one */
	PIECE_MAX = 256,  /* bytes of an object, at most */
	POOLS_MAX = 1 << 22
};

/* What is known of a block that is aligned like a pool. */
struct pool {
	uint64_t entry; /* granule that a word elsewhere leads to, and 1; 0: none does */
	bool several;	/* others lead to other places */
	uint64_t least; /* granules between two places that words lead to which are not on stacks; 0: not asked yet */
};

/* One who has pieces of a pool. */
struct hc_share {
	uint32_t block, owner;
};

static guint hash_share(gconstpointer key)
{
	const struct hc_share *share = key;

	return share->block * 2654435761u ^ share->owner;
}

static gboolean are_equal_shares(gconstpointer a, gconstpointer b)
{
	const struct hc_share *x = a, *y = b;

	return x->block == y->block && x->owner == y->owner;
}

bool hc_pools_create(hc_propagation *propagation, size_t bitmap_size)
{
	propagation->entries = hc_pages_create(bitmap_size);
	propagation->pools = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	propagation->shares = g_hash_table_new_full(hash_share, are_equal_shares, g_free, NULL);
	return propagation->entries;
}

void hc_pools_destroy(hc_propagation *propagation, size_t bitmap_size)
{
	hc_pages_destroy(propagation->entries, bitmap_size);
	g_hash_table_unref(propagation->pools);
	g_hash_table_unref(propagation->shares);
}

/* Whether the block at SPOT is aligned to its own size, as a pool would be. */
static bool is_aligned(const hc_propagation *propagation, const hc_spot *spot)
{
	if (spot->address % POOL_LEAST || spot->region->region.is_mmapped)
		return false;
	uint64_t size = hc_blocks_usable_size(propagation->blocks, spot->region, spot->address);
	uint64_t lowest = spot->address & -spot->address, rest = 2 * propagation->blocks->alignment;

	/* malloc gives a little more where what is left would be no block. */
	return size + rest >= POOL_LEAST && size <= lowest + rest;
}

void hc_propagation_note_entry(hc_propagation *propagation, const hc_spot *spot, bool is_elsewhere)
{
	if (!is_aligned(propagation, spot))
		return;
	struct pool *pool = g_hash_table_lookup(propagation->pools, GUINT_TO_POINTER(spot->number));

	if (!pool && g_hash_table_size(propagation->pools) < POOLS_MAX) {
		pool = g_new0(struct pool, 1);
		g_hash_table_insert(propagation->pools, GUINT_TO_POINTER(spot->number), pool);
	}
	if (!pool)
		return;
	hc_set_bit(propagation->entries, spot->granule);
	if (!is_elsewhere)
		return;
	pool->several |= pool->entry && pool->entry != spot->granule + 1;
	pool->entry = spot->granule + 1;
}

static bool is_of_call(const hc_root_word *word)
{
	return word->root->kind == HC_AREA_STACK || word->root->registers;
}

static void note_root_word(void *data, const hc_root_word *word)
{
	hc_propagation *propagation = data;
	hc_spot spot;

	if (!is_of_call(word) && hc_propagation_locate(propagation, word->value, &spot))
		hc_propagation_note_entry(propagation, &spot, true);
}

/* The least number of granules between two entries of the block at SPOT; UINT64_MAX if it has less than two. */
static uint64_t least_distance(const hc_propagation *propagation, const hc_spot *spot)
{
	uint64_t size = hc_blocks_usable_size(propagation->blocks, spot->region, spot->address), last = UINT64_MAX;
	uint64_t first = hc_blocks_granule(propagation->blocks, spot->region, spot->address), least = UINT64_MAX;
	uint64_t end = first + (size >> propagation->blocks->granule_shift);

	for (uint64_t granule = first; granule < end; granule++) {
		if (!hc_bit(propagation->entries, granule))
			continue;
		if (last != UINT64_MAX)
			least = MIN(least, granule - last);
		last = granule;
	}
	return least;
}

/* Whether the place at SPOT is nearer to the entry before it than two entries of POOL, which it is in, are. */
static bool is_in_object(const hc_propagation *propagation, struct pool *pool, const hc_spot *spot)
{
	uint64_t first = hc_blocks_granule(propagation->blocks, spot->region, spot->address);

	if (!pool->least)
		pool->least = least_distance(propagation, spot);
	if (pool->least == UINT64_MAX)
		return false;
	for (uint64_t back = 1; back < pool->least && back << propagation->blocks->granule_shift < PIECE_MAX; back++) {
		if (spot->granule - first < back)
			return false;
		if (hc_bit(propagation->entries, spot->granule - back))
			return true;
	}
	return false;
}

/* After all other words. That one of a call leads there tells all the same that the block is a pool. */
static void note_word_of_call(void *data, const hc_root_word *word)
{
	hc_propagation *propagation = data;
	hc_spot spot;

	if (!is_of_call(word) || !hc_propagation_locate(propagation, word->value, &spot))
		return;
	struct pool *pool = g_hash_table_lookup(propagation->pools, GUINT_TO_POINTER(spot.number));
	bool is_entry = !pool || hc_bit(propagation->entries, spot.granule) || !is_in_object(propagation, pool, &spot);

	hc_propagation_note_entry(propagation, &spot, true);
	if (!is_entry)
		hc_clear_bit(propagation->entries, spot.granule);
}

/* Finds what blocks that are aligned like pools are led to by. */
static void find_entries(hc_propagation *propagation)
{
	propagation->knows_entries = true;
	hc_propagation_look_at_words(propagation);
	if (!g_hash_table_size(propagation->pools))
		return;
	hc_references_each_root_word(propagation->types->references, note_root_word, propagation);
	hc_references_each_root_word(propagation->types->references, note_word_of_call, propagation);
}

bool hc_propagation_is_pool(hc_propagation *propagation, const hc_spot *spot)
{
	if (!is_aligned(propagation, spot))
		return false;
	/* What leads to a block's first byte says nothing; most programs have no pools. */
	if (!propagation->knows_entries &&
		spot->granule == hc_blocks_granule(propagation->blocks, spot->region, spot->address))
		return false;
	if (!propagation->knows_entries)
		find_entries(propagation);
	const struct pool *pool = g_hash_table_lookup(propagation->pools, GUINT_TO_POINTER(spot->number));

	return pool && pool->several;
}

void hc_propagation_add_share(hc_propagation *propagation, uint32_t number, const hc_owner *owner, uint64_t bytes)
{
	struct hc_share share = { number, owner->number };
	size_t before = GPOINTER_TO_SIZE(g_hash_table_lookup(propagation->shares, &share));

	g_hash_table_insert(propagation->shares, g_memdup2(&share, sizeof(share)), GSIZE_TO_POINTER(before + bytes));
}

bool hc_propagation_is_taken_piece(const hc_propagation *propagation, const hc_spot *spot)
{
	return hc_bit(propagation->pieces, spot->granule);
}

bool hc_propagation_take_piece(
	hc_propagation *propagation, const hc_owner *owner, const hc_spot *spot, hc_address at, hc_address *ret_end)
{
	uint64_t bytes = (uint64_t)1 << propagation->blocks->granule_shift, granule = spot->granule;
	hc_address start = spot->address + ((at - spot->address) & ~(bytes - 1)), end = start + bytes;
	hc_address last = spot->address + hc_blocks_usable_size(propagation->blocks, spot->region, spot->address);

	if (!hc_take_bit(propagation->pieces, granule))
		return false;
	while (end < last && end - start < PIECE_MAX && !hc_bit(propagation->entries, ++granule) &&
		hc_take_bit(propagation->pieces, granule))
		end += bytes;
	*ret_end = MIN(end, last);
	hc_propagation_add_share(propagation, spot->number, owner, *ret_end - start);
	return true;
}

/* Who has most of a pool so far. */
struct best {
	uint32_t owner;
	uint64_t bytes;
};

/* Block -> struct best. */
static GHashTable *find_best(const hc_propagation *propagation)
{
	GHashTable *found = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	GHashTableIter iterator;
	gpointer key, value;

	g_hash_table_iter_init(&iterator, propagation->shares);
	while (g_hash_table_iter_next(&iterator, &key, &value)) {
		const struct hc_share *share = key;
		uint64_t bytes = GPOINTER_TO_SIZE(value);
		struct best *best = g_hash_table_lookup(found, GUINT_TO_POINTER(share->block));

		if (!best) {
			best = g_new0(struct best, 1);
			g_hash_table_insert(found, GUINT_TO_POINTER(share->block), best);
		}
		if (bytes > best->bytes || (bytes == best->bytes && share->owner < best->owner))
			*best = (struct best){ share->owner, bytes };
	}
	return found;
}

/*
 * What words of a pool lead to that stand in no piece, if nobody has it, is OWNER's. Most of them are
 * left over from objects that are no more.
 */
static void follow_gaps(hc_propagation *propagation, const hc_owner *owner, const hc_block *block)
{
	unsigned word_size = propagation->format.size;
	hc_spot at, target;
	uint64_t value;

	for (hc_address address = block->address; address + word_size <= block->address + block->size;
		address += word_size) {
		if (!hc_propagation_load(propagation, address, &value) ||
			!hc_propagation_locate(propagation, value, &target) ||
			propagation->types->owner_of[target.number] ||
			!hc_propagation_locate(propagation, address, &at) || hc_bit(propagation->pieces, at.granule))
			continue;
		hc_edge edge = { .value = value, .owner = owner->number, .part = HC_EDGE_WORD };

		hc_propagation_defer_stray(propagation, &edge, false);
	}
}

void hc_types_settle_pools(hc_propagation *propagation)
{
	g_autoptr(GHashTable) found = find_best(propagation);
	hc_types *types = propagation->types;
	hc_block_iterator iterator;
	hc_block block;

	if (!g_hash_table_size(found))
		return;
	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		const struct best *best = g_hash_table_lookup(found, GUINT_TO_POINTER(block.number));

		if (!best || types->owner_of[block.number] == HC_OWNER_CLOSED)
			continue;
		hc_propagation_claim(propagation, block.number, hc_types_owner(types, best->owner));
		follow_gaps(propagation, hc_types_owner(types, types->owner_of[block.number]), &block);
	}
}
