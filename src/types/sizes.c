/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether blocks are as large as what is said to be in them.
 *
 * A list's node in a block that has room for several may be the first of a pool's page. And a declared struct may be the head of a larger
 * one, which only its user knows of. A few bytes too many prove nothing for one block: malloc gives away what is too small to be a chunk.
 * But that is rare. So if most blocks of an owner have that room, they are something larger, and none of them is certain.
 */
#include "types/passes.h"

enum {
	MAPPED_MIN = 64 << 10 /* bytes from which on malloc may map a block on its own */
};

bool hc_propagation_fits(const hc_propagation *propagation, uint64_t usable, uint64_t size)
{
	uint64_t alignment = propagation->blocks->alignment,
		 least = hc_least_usable(size, propagation->format.size, alignment);

	/* What would be left over may be too small for a chunk; and what has mappings of its own ends with a page. */
	return usable >= size &&
	       (usable <= least + alignment ||
		       (size >= MAPPED_MIN && usable - size < propagation->page_size + 2 * alignment));
}

/* ---- once all is typed ---- */

struct tally {
	uint32_t exact, roomy;
};

/* What a block of OWNER is for, in bytes; 0: of any size. *ret_is_node: nothing but one of these. */
static uint64_t expected_size(const hc_owner *owner, bool *ret_is_node)
{
	hc_type_kind kind;

	*ret_is_node = false;
	if (owner->certainty != HC_CERTAINTY_CERTAIN || owner->is_index)
		return 0;
	if (owner->layout) {
		hc_walk_kind walk = hc_layout_kind(owner->layout);

		*ret_is_node = walk == HC_WALK_LINKED || walk == HC_WALK_TREE || walk == HC_WALK_BUCKETS;
		return *ret_is_node && !hc_layout_deduces(owner->layout) ? owner->piece_size : 0;
	}
	if (!owner->type || (owner->plan && owner->plan->is_polymorphic))
		return 0;
	kind = hc_type_get_kind(owner->type);
	return kind == HC_TYPE_STRUCT || kind == HC_TYPE_UNION ? hc_type_size(owner->type) : 0;
}

static void weigh(hc_types *types, const hc_block *block, hc_owner *owner, struct tally *tally)
{
	uint64_t alignment = types->blocks->alignment, least;
	unsigned word = hc_core_word_format(types->core).size;
	bool is_node;
	uint64_t size = expected_size(owner, &is_node);

	if (!size || size > block->size)
		return;
	least = hc_least_usable(size, word, alignment);
	if (block->size <= least)
		tally->exact++;
	else if (block->size <= least + alignment)
		tally->roomy += !is_node || owner->is_intrusive; /* others may have a little behind their value */
	else if (is_node)
		owner->is_doubtful = true;
}

bool hc_types_check_sizes(hc_types *types)
{
	unsigned count = types->owners->list->len;
	g_autofree struct tally *tallies = g_try_new0(struct tally, count);
	hc_block_iterator iterator;
	hc_block block;

	if (!tallies)
		return false;
	hc_block_iterator_init(&iterator, types->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		uint32_t number = block.state == HC_BLOCK_IN_USE ? types->owner_of[block.number] : 0;

		if (number && number != HC_OWNER_CLOSED)
			weigh(types, &block, hc_types_owner(types, number), &tallies[number]);
	}
	for (unsigned i = 1; i < count; i++)
		if (tallies[i].roomy > tallies[i].exact)
			hc_types_owner(types, i)->is_doubtful = true;
	return true;
}
