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
#include "types/internal.h"

enum {
	COUNT_DEPTH = 4, /* structs within structs that are searched for a count */
	COUNTS_MAX = 64	 /* fields */
};

/* ---- how long a tail is ---- */

/* The first granule in [FROM, TO) where an object begins that is known; TO if there is none. */
static uint64_t next_known(const hc_propagation *propagation, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at = (at / 64 + 1) * 64) {
		uint64_t word =
			(propagation->looked_at[at / 64] | propagation->shared[at / 64]) & UINT64_MAX << at % 64;

		if (word)
			return MIN(to, at / 64 * 64 + (unsigned)__builtin_ctzll(word));
	}
	return to;
}

uint64_t hc_propagation_room(const hc_propagation *propagation, hc_address address)
{
	const hc_blocks *blocks = propagation->blocks;
	hc_spot spot;

	if (!hc_propagation_find_block(propagation, address, &spot))
		return 0;
	hc_address end = spot.address + hc_blocks_usable_size(blocks, spot.region, spot.address);

	if (end <= address)
		return 0;
	uint64_t last = spot.granule + (end - address + blocks->alignment - 1) / blocks->alignment,
		 known = next_known(propagation, spot.granule + 1, last);

	if (known == last)
		return end - address;
	return hc_blocks_address(blocks, spot.region, known) - address;
}

struct tail {
	hc_propagation *propagation;
	const hc_part *part;
	hc_address object;
	uint64_t size; /* of the block */
	unsigned left; /* fields that may still be looked at */
};

static bool load_count(const struct tail *tail, const hc_type *type, hc_address address, uint64_t *ret_value)
{
	hc_type_kind kind = hc_type_get_kind(type);
	uint8_t buffer[sizeof(uint64_t)] = { 0 };
	uint64_t size = hc_type_size(type);

	if ((kind != HC_TYPE_SIGNED && kind != HC_TYPE_UNSIGNED) || (size != 2 && size != 4 && size != 8) ||
		!hc_modules_read(tail->propagation->types->modules, address, buffer, size))
		return false;
	bool swap = tail->propagation->format.swap;

	*ret_value = size == 2 ? hc_load_u16(buffer, swap) :
		     size == 4 ? hc_load_u32(buffer, swap) :
				 hc_load_u64(buffer, swap);
	return true;
}

/* The count, among the integers of the object of TYPE at ADDRESS, that lets the tail end where the block does; 0 if there is none. */
static uint64_t find_count(struct tail *tail, const hc_type *type, hc_address address, unsigned depth)
{
	const hc_part *part = tail->part;

	for (unsigned i = 0; i < hc_type_field_count(type) && tail->left; i++) {
		const hc_field *field = hc_type_field(type, i);
		hc_address at = address + field->offset;
		uint64_t count = 0;

		if (field->bit_size || field->is_virtual || at - tail->object >= part->offset)
			continue;
		tail->left--;
		if (hc_type_get_kind(field->type) == HC_TYPE_STRUCT && depth < COUNT_DEPTH)
			count = find_count(tail, field->type, at, depth + 1);
		else if (!load_count(tail, field->type, at, &count))
			continue;
		if (count && count <= (tail->size - part->offset) / part->stride &&
			hc_propagation_fits(tail->propagation, tail->size, part->offset + count * part->stride))
			return count;
	}
	return 0;
}

/* How many elements the tail PART of the object of OWNER at OBJECT has by the object's own count; 0: none that is right. */
static uint64_t checked_count(
	hc_propagation *propagation, const hc_owner *owner, const hc_part *part, hc_address object)
{
	struct tail tail = { .propagation = propagation, .part = part, .object = object, .left = COUNTS_MAX };
	hc_spot spot;

	if (!owner->type || !hc_propagation_find_block(propagation, object, &spot) || spot.address != object)
		return 0;
	tail.size = hc_blocks_usable_size(propagation->blocks, spot.region, object);
	return part->offset < tail.size ? find_count(&tail, owner->type, object, 0) : 0;
}

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

static void look_at_items(
	hc_propagation *propagation, hc_owner *item, const hc_part *part, hc_address address, uint64_t count)
{
	for (uint64_t i = 0; i < count && !item->cut; i++)
		hc_propagation_look_at_nested(propagation, item, address + i * part->stride);
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
	uint64_t checked = is_open(owner, part) ?
				   checked_count(propagation, owner, part, address - part->offset) :
				   0,
		 count = checked ? checked : part->count;
	hc_owner *item = count ? item_owner(propagation, owner, index, part) : NULL;

	if (item)
		look_at_items(propagation, item, part, address, count);
	if (!checked && is_open(owner, part) && hc_blocks_may_contain(propagation->blocks, address) &&
		!hc_propagation_defer_late(propagation, address + part->count * part->stride, owner, index))
		owner->cut_objects++;
}

/* ---- unions ---- */

/* The one pointer of a union's members whose target fits where the word leads: a guess. */
void hc_propagation_look_at_union(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	const hc_type *fitting = NULL;
	uint64_t value, size;
	hc_spot spot;
	unsigned count = 0;

	if (!hc_propagation_load(propagation, address, &value) ||
		!hc_propagation_find_block(propagation, value, &spot) || spot.address != value)
		return;
	size = hc_blocks_usable_size(propagation->blocks, spot.region, value);
	for (unsigned i = 0; i < hc_type_field_count(part->type); i++) {
		const hc_field *field = hc_type_field(part->type, i);
		const hc_type *target = field->offset || hc_type_get_kind(field->type) != HC_TYPE_POINTER ?
						NULL :
						hc_type_target(field->type);

		if (!target || hc_type_get_kind(target) == HC_TYPE_VOID ||
			hc_type_get_kind(target) == HC_TYPE_FUNCTION || hc_type_size(target) > size)
			continue;
		fitting = target;
		count++;
	}
	if (count != 1)
		return;
	hc_owner *target = hc_owners_target(propagation->owners, owner, index, HC_STEP_TARGET, fitting,
		hc_plans_get(propagation->types->plans, fitting, NULL), HC_CERTAINTY_GUESS);

	if (target->type == fitting)
		hc_propagation_defer(propagation, value, target, HC_EDGE_REACH, HC_CERTAINTY_GUESS);
}

