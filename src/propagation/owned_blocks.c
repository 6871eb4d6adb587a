/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "propagation/owned_blocks.h"

void hc_owned_blocks_begin(
	hc_owned_blocks *owned, const hc_types *types, bool (*wants)(const hc_owner *owner), bool wants_nobodys)
{
	uint32_t count = types->owners->list->len;
	bool any = wants_nobodys;

	*owned = (hc_owned_blocks){ .types = types, .known = count, .skips = g_malloc(count) };
	owned->skips[0] = !wants_nobodys;
	for (uint32_t i = 1; i < count; i++) {
		owned->skips[i] = !wants(hc_types_owner(types, i));
		any |= !owned->skips[i];
	}
	/* Nothing changes whose blocks are but visits, so without any there is nothing to come. */
	if (!any)
		owned->next = types->blocks->count;
	hc_block_iterator_init(&owned->iterator, types->blocks);
}

void hc_owned_blocks_end(hc_owned_blocks *owned)
{
	g_free(owned->skips);
}

bool hc_owned_blocks_next(hc_owned_blocks *owned, hc_block *ret_block)
{
	const uint32_t *owner_of = owned->types->owner_of;
	const uint8_t *skips = owned->skips;
	uint32_t number = owned->next, count = owned->types->blocks->count, known = owned->known;

	/* What is closed has no owner, and a number beyond all owners'. */
	while (number < count &&
		(owner_of[number] < known ? skips[owner_of[number]] : owner_of[number] == HC_OWNER_CLOSED))
		number++;
	owned->next = number + (number < count);
	if (number >= count)
		return false;
	hc_block_iterator_skip_to(&owned->iterator, number);
	return hc_block_iterator_next(&owned->iterator, ret_block);
}
