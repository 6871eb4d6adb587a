/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hangs on memory without a type.
 *
 * A GHashTable's values are void pointers, a library's context is a structure that only the library knows. Types end there, but who
 * holds what need not: whatever such a block leads to is there for the sake of the same owner. So once all that is typed has been claimed,
 * the words of blocks that have an owner but no type are tried as addresses, and blocks that nobody has go to the same owner. That is
 * conservative, as in references/: a number may look like an address. Its certainty is "unknown", whatever the owner's.
 *
 * First all blocks that were untyped before, in order of address; what these lead to waits in the queue, so that the nearest
 * owner comes first. Each word of untyped blocks is looked at once.
 */
#include "types/passes.h"

/* Whether blocks of OWNER have contents that no type tells. */
static bool is_opaque(const hc_owner *owner)
{
	if (owner->layout)
		return !hc_layout_element(owner->layout) && !hc_layout_is_single(owner->layout) && !owner->is_index;
	if (owner->certainty == HC_CERTAINTY_UNKNOWN)
		return true;
	/* Of some structures that are only declared a description knows more. */
	return owner->type && hc_type_get_kind(owner->type) == HC_TYPE_INCOMPLETE &&
	       !(owner->plan && owner->plan->parts->len);
}

/* The owner of what an untyped block of OWNER leads to: all of it is one step. */
static hc_owner *owner_below(hc_propagation *propagation, hc_owner *owner)
{
	if (owner->layout)
		return hc_owners_element(propagation->owners, owner, 0, NULL, NULL);
	if (!owner->type || owner->certainty == HC_CERTAINTY_UNKNOWN)
		return owner;
	return hc_owners_target(propagation->owners, owner, 0, HC_STEP_TARGET, NULL, NULL, HC_CERTAINTY_UNKNOWN);
}

/* True if nobody has looked into the block that starts at granule START; from now on somebody has. */
static bool is_new(hc_propagation *propagation, uint64_t start)
{
	uint64_t bit = (uint64_t)1 << start % 64, *word = &propagation->looked_at[start / 64];
	bool is = !(*word & bit);

	*word |= bit;
	return is;
}

void hc_propagation_search(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	const hc_blocks *blocks = propagation->blocks;
	const hc_block_region *region = hc_blocks_region(blocks, address);
	hc_owner *below = owner_below(propagation, owner);
	unsigned word_size = propagation->format.size;

	if (!region || !is_new(propagation, hc_blocks_granule(blocks, region, address)))
		return;
	hc_address end = address + hc_blocks_usable_size(blocks, region, address);

	for (hc_address at = address; end - at >= word_size; at += word_size) {
		hc_address value;
		hc_spot spot;

		if (hc_propagation_load(propagation, at, &value) && hc_propagation_locate(propagation, value, &spot) &&
			!propagation->types->owner_of[spot.number] &&
			hc_propagation_claim(propagation, spot.number, below))
			hc_propagation_defer(propagation, spot.address, below, HC_EDGE_UNTYPED, HC_CERTAINTY_GUESS);
	}
}

void hc_types_search_untyped(hc_propagation *propagation)
{
	hc_types *types = propagation->types;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block) && !propagation->failed) {
		uint32_t number = block.state == HC_BLOCK_IN_USE ? types->owner_of[block.number] : HC_OWNER_CLOSED;

		if (number && number != HC_OWNER_CLOSED && is_opaque(hc_types_owner(types, number)))
			hc_propagation_search(propagation, hc_types_owner(types, number), block.address);
	}
}
