/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where blocks of a size have links: to the next node of a list, to a tree's children.
 *
 * A word at the same place in many blocks of one size that leads to the start of another such block is one. A word that is left
 * over from what had the block before may lead to a block of that size too, but does so at one place in few of them.
 */
#include "types/passes.h"

enum {
	LOOKED_AT = 1 << 18, /* of more blocks not all are looked at */
	LINK_WORDS = 32,     /* of the beginning of a block */
	BLOCKS_LEAST = 4,    /* of a size, or nothing is said of it */
	LINKS_SHARE =
		4, /* in one of so many there is one; of the others' most are NULL: at the ends of trees and lists */
	SIZES_MAX = 1 << 16
};

struct links {
	uint32_t blocks;
	uint32_t words[LINK_WORDS];
};

static struct links *links_of(hc_propagation *propagation, uint64_t size)
{
	struct links *links = g_hash_table_lookup(propagation->links, GSIZE_TO_POINTER(size));

	if (!links && g_hash_table_size(propagation->links) < SIZES_MAX) {
		links = g_new0(struct links, 1);
		g_hash_table_insert(propagation->links, GSIZE_TO_POINTER(size), links);
	}
	return links;
}

static void look_at(hc_propagation *propagation, const hc_block *block)
{
	struct links *links = links_of(propagation, block->size);
	unsigned word_size = propagation->format.size;

	if (!links)
		return;
	links->blocks++;
	for (unsigned i = 0; i < LINK_WORDS && (i + 1) * (uint64_t)word_size <= block->size; i++) {
		hc_address value;
		hc_spot spot;

		if (hc_propagation_load(propagation, block->address + i * word_size, &value) &&
			hc_propagation_locate(propagation, value, &spot) && spot.address == value &&
			spot.number != block->number &&
			hc_blocks_usable_size(propagation->blocks, spot.region, value) == block->size)
			links->words[i]++;
	}
}

static void learn(hc_propagation *propagation)
{
	uint32_t one_in = propagation->blocks->count / LOOKED_AT + 1;
	hc_block_iterator iterator;
	hc_block block;

	propagation->links = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block))
		if (block.number % one_in == 0 && block.state == HC_BLOCK_IN_USE && !block.label)
			look_at(propagation, &block);
}

bool hc_propagation_is_link(hc_propagation *propagation, uint64_t size, uint64_t offset)
{
	if (!propagation->links)
		learn(propagation);
	const struct links *links = g_hash_table_lookup(propagation->links, GSIZE_TO_POINTER(size));
	uint64_t word = offset / propagation->format.size;

	return links && word < LINK_WORDS && links->blocks >= BLOCKS_LEAST &&
	       links->words[word] >= links->blocks / LINKS_SHARE;
}
