/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What nothing typed leads to. Objects with virtual functions say what they are, wherever they are found; and what they lead to in turn
 * is typed as from a variable. The rest is sorted by what it looks like, so that a program without debug info has rows too.
 */
#include "propagation/objects.h"
#include "propagation/owned_blocks.h"
#include "propagation/passes.h"

/* The owner of a block that nothing typed leads to: below the untyped pointer that does, or on its own. */
static hc_owner *owner_of_class(hc_propagation *propagation, uint32_t number, const hc_known_class *class)
{
	hc_types *types = propagation->types;
	const hc_plan *plan = class->type ? hc_plans_get(types->plans, class->type, NULL) : NULL;
	hc_owner *owner;

	if (types->owner_of[number]) {
		hc_owner *untyped = hc_types_owner(types, types->owner_of[number]);

		owner = hc_owners_class(propagation->owners, untyped, class->type, class->name, plan);
		if (owner == untyped)
			return NULL;
		owner->certainty = HC_CERTAINTY_DEDUCED;
		return owner;
	}
	owner = g_hash_table_lookup(propagation->swept, class->name);
	if (!owner && !propagation->owners->full) {
		owner = hc_owners_add(
			propagation->owners, NULL, HC_STEP_SWEPT, class->type, plan, HC_CERTAINTY_DEDUCED);
		owner->name = g_string_chunk_insert_const(propagation->owners->texts, class->name);
		g_hash_table_insert(propagation->swept, (gpointer)owner->name, owner);
	}
	return owner;
}

static bool is_unknown(const hc_owner *owner)
{
	return owner->certainty == HC_CERTAINTY_UNKNOWN;
}

static void sweep_block(hc_propagation *propagation, const hc_block *block)
{
	hc_types *types = propagation->types;
	uint32_t current = types->owner_of[block->number];
	const hc_known_class *class;
	uint64_t word;

	if ((current && !is_unknown(hc_types_owner(types, current))) ||
		!hc_propagation_load(propagation, block->address, &word) ||
		hc_blocks_may_contain(types->blocks, word) || !hc_modules_find(types->modules, word))
		return;
	class = hc_propagation_class(propagation, word);
	if (!class || class->to_top || (class->type && hc_type_size(class->type) > block->size))
		return;
	hc_owner *owner = owner_of_class(propagation, block->number, class);

	if (!owner || !hc_propagation_claim(propagation, block->number, owner))
		return;
	hc_propagation_look_at(propagation, owner, block->address);
	hc_propagation_run(propagation, HC_CERTAINTY_DEDUCED);
}

void hc_types_sweep(hc_propagation *propagation)
{
	hc_owned_blocks owned;
	hc_block block;

	hc_owned_blocks_begin(&owned, propagation->types, is_unknown, true);
	while (!propagation->failed && hc_owned_blocks_next(&owned, &block))
		sweep_block(propagation, &block);
	hc_owned_blocks_end(&owned);
}
