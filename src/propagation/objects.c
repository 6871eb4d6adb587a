/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One object: what its plan says must be looked at. */
#include "propagation/objects.h"

enum {
	DEPTH_MAX = 24 /* values within values; deeper ones wait in the queue */
};

void hc_propagation_look_at_nested(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	if (propagation->depth < DEPTH_MAX)
		hc_propagation_look_at(propagation, owner, address);
	else
		hc_propagation_defer(propagation, address, owner, HC_EDGE_OBJECT, owner->certainty);
}

/* Pointers wait their turn, unless there are so many that the queue would need more memory than the heap's other tables. */
static void defer_or_follow(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address holder, hc_address value)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	const hc_type *target = part->type;
	hc_certainty certainty = owner->certainty;

	/* The next object on a free list is there as this one is; all else was left in it. */
	if (owner->is_left_over || (owner->is_unused && target != owner->type)) {
		hc_edge edge = { .value = value, .holder = holder, .owner = owner->number, .part = index };

		if (hc_propagation_defer_unused(propagation, &edge)) {
			if (owner->is_left_over)
				g_hash_table_add(propagation->left_over, (gpointer)(uintptr_t)(holder + part->offset));
			return;
		}
	}

	/* Those to anything prove nothing, and whoever knows more takes their block from them at any time. */
	if (owner->variable && hc_type_get_kind(target) != HC_TYPE_VOID)
		certainty = MAX(certainty, hc_propagation_target_certainty(owner, target));
	if (part->is_link)
		certainty = MAX(certainty, HC_CERTAINTY_DEDUCED);
	if (propagation->edges_in - propagation->edges_out < HC_EDGES_MANY || propagation->depth >= DEPTH_MAX ||
		hc_propagation_is_early(propagation, certainty)) {
		hc_edge edge = { .value = value, .holder = holder, .owner = owner->number, .part = index };

		hc_propagation_defer_edge(propagation, &edge, certainty);
		return;
	}
	propagation->depth++;
	hc_propagation_follow(propagation, owner, index, holder, value);
	propagation->depth--;
}

void hc_propagation_look_at(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	const hc_plan *plan = owner->plan;

	if (!plan)
		return;
	if (owner->cut) {
		owner->cut_objects++;
		return;
	}
	propagation->types->losses.objects++;
	for (uint32_t i = 0; i < plan->parts->len; i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);
		hc_address at = address + part->offset;
		uint64_t value;

		switch (part->kind) {
		case HC_PART_POINTER:
			if (hc_propagation_load(propagation, at, &value) && value)
				defer_or_follow(propagation, owner, i, address, value);
			break;
		case HC_PART_CONTAINER:
			hc_propagation_look_at_container(propagation, owner, i, part, at);
			break;
		case HC_PART_ARRAY:
			hc_propagation_look_at_array(propagation, owner, i, at);
			break;
		case HC_PART_UNION:
			hc_propagation_look_at_union(propagation, owner, i, at);
			break;
		}
	}
}
