/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bins: rings of chunks, linked both ways (malloc.c, unlink_chunk()). In large bins the first chunk of each size is in a second ring, from
 * size to size.
 */
#include "allocators/glibc_check.h"

enum {
	UNSORTED_BIN = 1,
	LAST_SMALL_BIN = 63,
	LAST_BIN = 126
};

/* Bins of 64-bit machines: malloc.c, smallbin_index() and largebin_index_64(). */
static int bin_of_size(uint64_t size)
{
	if (size < 1024)
		return (int)(size >> 4);
	if (size >> 6 <= 48)
		return 48 + (int)(size >> 6);
	if (size >> 9 <= 20)
		return 91 + (int)(size >> 9);
	if (size >> 12 <= 10)
		return 110 + (int)(size >> 12);
	if (size >> 15 <= 4)
		return 119 + (int)(size >> 15);
	return size >> 18 <= 2 ? 124 + (int)(size >> 18) : LAST_BIN;
}

/* A word of CHUNK, at PLACE, ought to say EXPECTED. */
static void check_link(const struct check_walk *walk, hc_address chunk, hc_address place, uint64_t expected)
{
	hc_damage damage = check_walk_place(walk, HC_DAMAGE_BACK_LINK, place);

	if (damage.found == expected)
		return;
	damage.chunk = chunk;
	damage.has_expected = true;
	damage.expected = expected;
	damage.target = damage.found + 2 * walk->check->g->word;
	check_add(walk->check, &damage);
}

/* The second ring. Links of a chunk that is not in it are 0. */
static void check_sizes_ring(const struct check_walk *walk, hc_address chunk)
{
	const glibc *g = walk->check->g;
	hc_address links[] = { chunk + 4 * g->word, chunk + 5 * g->word };

	if (!glibc_word_or_zero(g, links[0]))
		return;
	for (unsigned i = 0; i < G_N_ELEMENTS(links); i++) {
		hc_address to = glibc_word_or_zero(g, links[i]);
		hc_damage damage = check_walk_place(walk, HC_DAMAGE_LINK, links[i]);
		hc_block block;

		damage.chunk = chunk;
		damage.target = chunk_to_block(g, to);
		if (check_find_chunk(walk->check, to, &block) && block.state == HC_BLOCK_LARGE)
			check_link(walk, to, to + (5 - i) * g->word, chunk);
		else if (!check_is_unread(walk->check, damage.list.arena, to))
			check_add(walk->check, &damage);
	}
}

/* The chunk is in the ring by both links, but the header behind it says that it is in use. */
static void tell_flag(const struct check_walk *walk, const hc_block *block)
{
	const glibc *g = walk->check->g;
	hc_address next = block_to_chunk(g, block->address) + block->chunk_size;
	hc_damage damage = check_walk_place(walk, HC_DAMAGE_PREV_IN_USE, next + g->word);

	damage.chunk = next;
	damage.has_expected = true;
	damage.expected = damage.found & ~(uint64_t)CHUNK_PREV_IN_USE;
	check_add(walk->check, &damage);
}

static void check_member(const struct check_walk *walk, const hc_arena *arena, int bin, const hc_block *block)
{
	const glibc *g = walk->check->g;
	hc_address chunk = block_to_chunk(g, block->address);
	hc_damage damage = check_walk_place(walk, HC_DAMAGE_LISTED_SIZE, chunk + g->word);

	damage.chunk = chunk;
	if (block->arena != arena->index) {
		damage.kind = HC_DAMAGE_LISTED_ARENA;
		check_add(walk->check, &damage);
	} else if (bin != UNSORTED_BIN && g->word == 8 && bin_of_size(block->chunk_size) != bin) {
		check_add(walk->check, &damage);
	} else if (bin > LAST_SMALL_BIN) {
		check_sizes_ring(walk, chunk);
	}
}

static void check_bin(struct check *check, const hc_arena *arena, int bin)
{
	const glibc *g = check->g;
	hc_address head = arena->address + g->layout.arena.bins + (bin - 1) * 2 * g->word - 2 * g->word;
	hc_free_list list = { .kind = HC_LIST_BIN, .bin = bin, .arena = arena->index };
	struct check_walk walk = check_walk_begin(check, list, head + 2 * g->word);
	hc_address previous = head, chunk = walk.raw;

	while (chunk != head) {
		hc_block block;

		if (!check_walk_to(&walk, chunk, &block))
			return;
		if (block.state <= HC_BLOCK_FASTBIN) {
			if (glibc_word_or_zero(g, chunk + 3 * g->word) == previous) {
				tell_flag(&walk, &block);
			} else {
				hc_damage damage = check_walk_place(&walk, HC_DAMAGE_LINK, walk.place);

				damage.target = block.address;
				check->list_of[block.number] = 0;
				check_add(check, &damage);
			}
			return;
		}
		check_link(&walk, chunk, chunk + 3 * g->word, previous);
		check_member(&walk, arena, bin, &block);
		walk.holder = previous = chunk;
		walk.place = chunk + 2 * g->word;
		chunk = glibc_word_or_zero(g, walk.place);
	}
	walk.holder = 0;
	check_link(&walk, 0, head + 3 * g->word, previous);
}

void glibc_check_bins(struct check *check, const hc_arena *arena)
{
	if (!arena->top && !glibc_bins_are_valid(check->g, arena->address, &check->g->layout.arena))
		return;
	for (int bin = UNSORTED_BIN; bin <= LAST_BIN; bin++)
		check_bin(check, arena, bin);
}
