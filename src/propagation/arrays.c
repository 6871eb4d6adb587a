/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arrays and unions that are members of an object.
 *
 * How many elements an array has its type says, but for a flexible one (or one of a single element that ends a struct: C before C99). There
 * the object's own count may say it: one that is right makes the array end exactly where malloc would have let the block end. Without one
 * the array may go on to the end of the block, but the block may as well be a page of a pool with the next object right behind: so it waits
 * until all else has been followed, ends where the next object begins that is known by then, or where a word cannot be an element, and what
 * it leads to is deduced. So bytes between known objects are looked at once.
 */
#include "propagation/objects.h"

/* Whether PART of an object of OWNER may go on behind its declared end. */
static bool is_open(const hc_owner *owner, const hc_part *part)
{
	if (!part->count)
		return true;
	return part->count == 1 && owner->type && hc_type_get_kind(owner->type) == HC_TYPE_STRUCT && part->offset &&
	       hc_type_size(owner->type) - part->offset < 2 * part->stride;
}

/* ---- arrays ---- */

static hc_owner *item_owner(hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part)
{
	hc_owner *item = hc_owners_target(
		propagation->owners, owner, index, HC_STEP_ITEM, part->type, part->plan, HC_CERTAINTY_CERTAIN);

	if (item == owner)
		return NULL;
	item->name = part->name;
	return item;
}

/* The LIVE ones among COUNT; those behind may be left over. */
static void look_at_items(hc_propagation *propagation, hc_owner *item, const hc_part *part, hc_address address,
	uint64_t count, uint64_t live)
{
	for (uint64_t i = 0; i < count && !item->cut; i++) {
		if (i == live) {
			hc_owner *behind = hc_owners_deduced(propagation->owners, item);

			/* If there is none apart from those that are live, all that is known is that some are. */
			if (behind != item)
				behind->is_left_over = live && hc_name_is_free_list(part->name);
			item = behind;
		}
		hc_propagation_look_at_nested(propagation, item, address + i * part->stride);
	}
}

void hc_propagation_look_at_tail(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	hc_owner *item = item_owner(propagation, owner, index, part);
	uint64_t count = hc_propagation_room(propagation, address) / part->stride;
	bool has_content;

	if (!item)
		return;
	item = hc_owners_deduced(propagation->owners, item);
	for (uint64_t i = 0; i < count && !item->cut; i++) {
		hc_address at = address + i * part->stride;

		if (!hc_propagation_looks_like(propagation, part->plan, at, &has_content))
			break;
		if (has_content)
			hc_propagation_look_at_nested(propagation, item, at);
	}
}

void hc_propagation_look_at_array(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	uint64_t checked = is_open(owner, part) ? hc_propagation_tail_count(propagation, owner->type,
							  address - part->offset, part->offset, part->stride) :
						  0,
		 count = checked ? checked : part->count;
	hc_owner *item = count ? item_owner(propagation, owner, index, part) : NULL;

	if (item)
		look_at_items(propagation, item, part, address, count,
			checked ? count : hc_propagation_live_slots(propagation, owner, part, address));
	if (!checked && is_open(owner, part) && hc_blocks_may_contain(propagation->blocks, address) &&
		!hc_propagation_defer_late(propagation, address + part->count * part->stride, owner, index))
		owner->cut_objects++;
}

/* ---- unions ---- */

/* What a member of a union says of the word that is in it. */
struct member {
	const hc_type *target;
	bool is_proven; /* malloc would have made the block that large for it, and what is in there looks like it */
};

/* FALSE: FIELD does not lead to the block of USABLE bytes at ADDRESS. */
static bool try_member(hc_propagation *propagation, const hc_field *field, hc_address address, uint64_t usable,
	struct member *ret_member)
{
	const hc_type *target =
		field->offset || hc_type_get_kind(field->type) != HC_TYPE_POINTER ? NULL : hc_type_target(field->type);
	bool has_content = false;

	if (!target || hc_type_get_kind(target) == HC_TYPE_VOID || hc_type_get_kind(target) == HC_TYPE_FUNCTION ||
		hc_type_size(target) > usable)
		return false;
	const hc_plan *plan = hc_plans_get(propagation->types->plans, target, NULL);

	if (plan->parts->len && !hc_propagation_looks_like(propagation, plan, address, &has_content))
		return false;
	*ret_member = (struct member){ target,
		has_content && hc_propagation_fits(propagation, usable, hc_type_size(target)) };
	return true;
}

/* The member that is proven, if no other is; else the only one that is not ruled out. NULL: none, or several. */
static const hc_type *find_target(hc_propagation *propagation, const hc_type *type, hc_address address, uint64_t usable)
{
	const hc_type *proven = NULL, *possible = NULL;
	unsigned proofs = 0, count = 0;

	for (unsigned i = 0; i < hc_type_field_count(type); i++) {
		struct member member;

		if (!try_member(propagation, hc_type_field(type, i), address, usable, &member))
			continue;
		possible = member.target;
		count++;
		proven = member.is_proven ? member.target : proven;
		proofs += member.is_proven;
	}
	return proofs == 1 ? proven : count == 1 ? possible : NULL;
}

/*
 * A guess: the pointer of the union's members whose target fits where the word leads. If that may be one of several, the block is
 * the owner's all the same, without a type.
 */
void hc_propagation_look_at_union(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	uint64_t value;
	hc_spot spot;

	if (!hc_propagation_load(propagation, address, &value) ||
		!hc_propagation_find_block(propagation, value, &spot) || spot.address != value)
		return;
	const hc_type *type = find_target(
		propagation, part->type, value, hc_blocks_usable_size(propagation->blocks, spot.region, value));
	hc_owner *target =
		hc_owners_target(propagation->owners, owner, index, HC_STEP_TARGET, NULL, NULL, HC_CERTAINTY_UNKNOWN);

	if (target == owner)
		return; /* too many paths */
	if (type)
		target = hc_owners_alternative(
			propagation->owners, owner, target, type, hc_plans_get(propagation->types->plans, type, NULL));
	hc_propagation_defer(propagation, value, target, HC_EDGE_REACH, HC_CERTAINTY_GUESS);
}
