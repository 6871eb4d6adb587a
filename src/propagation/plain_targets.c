/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pointers of one member, to structs that have a block each: the most frequent kind by far.
 *
 * What hc_propagation_follow() asks of a pointer depends mostly on which member it is, and on the class of what it leads to. So that is put
 * together once: whose the object becomes, and how large its block may be. A pointer to the beginning of a block of such a size that is
 * nobody's, or that was looked at, is settled by few instructions; what is said here is what would be said there. Whatever is not as usual is
 * left to that.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "propagation/objects.h"

/* The entry for pointers in part PART of objects of OWNER, to objects with VTABLE (0: their type tells all). */
static hc_plain_target *entry_of(hc_propagation *propagation, const hc_owner *owner, uint32_t part, hc_address vtable)
{
	uint64_t hash = ((uint64_t)owner->number << 32 ^ vtable ^ part) * 0x9e3779b97f4a7c15u;

	return &propagation->plain_targets[(hash >> 32) % HC_PLAIN_TARGETS];
}

/* Whose an object is that is declared as TARGET's; KNOWN: its class, or NULL. As find_class() of pointers.c has it. */
static hc_owner *object_owner(hc_propagation *propagation, hc_owner *target, const hc_known_class *known)
{
	if (!known)
		return target;
	return hc_owners_class(propagation->owners, target, known->type, known->name,
		known->type ? hc_plans_get(propagation->types->plans, known->type, NULL) : target->plan);
}

/* Blocks of other sizes may hold more than one object, or a larger one than is declared. */
static void fill(hc_propagation *propagation, hc_plain_target *entry, hc_owner *target, const hc_known_class *known)
{
	uint64_t alignment = propagation->blocks->alignment, size;
	hc_owner *object = object_owner(propagation, target, known);

	entry->object = object;
	entry->size = entry->most = entry->most_certain = 0;
	if (!object->type || hc_type_get_kind(object->type) != HC_TYPE_STRUCT || !object->plan ||
		(size = hc_type_size(object->type)) < 1 || size > UINT32_MAX)
		return;
	entry->size = size;
	entry->most = 2 * size - 1;
	entry->most_certain = MIN(entry->most, hc_least_usable(size, propagation->format.size, alignment) + alignment);
}

static const hc_plain_target *find(hc_propagation *propagation, const hc_owner *owner, uint32_t part, hc_owner *target,
	hc_address vtable, const hc_known_class *known)
{
	hc_plain_target *entry = entry_of(propagation, owner, part, vtable);

	if (entry->owner == owner->number && entry->part == part && entry->vtable == vtable)
		return entry;
	*entry = (hc_plain_target){ .owner = owner->number, .part = part, .vtable = vtable };
	fill(propagation, entry, target, known);
	return entry;
}

/* Whether the block at SPOT, which somebody has, was looked at for an object of TARGET's. */
static bool is_looked_at(const hc_propagation *propagation, const hc_spot *spot, const hc_owner *target)
{
	const hc_types *types = propagation->types;
	uint32_t current = types->owner_of[spot->number];

	return current != HC_OWNER_CLOSED &&
	       !hc_owner_gives_way(hc_types_owner(types, current), target->type, target->certainty) &&
	       hc_bit(propagation->looked_at, spot->granule);
}

/* The block at SPOT, which is nobody's, becomes whose ENTRY says; FROM: where the pointer is. FALSE: it has another size. */
static bool take(hc_propagation *propagation, const hc_plain_target *entry, const hc_spot *spot, hc_address from)
{
	hc_owner *object = entry->object;
	uint64_t usable = hc_blocks_usable_size(propagation->blocks, spot->region, spot->address);

	if (usable < entry->size ||
		usable > (object->certainty == HC_CERTAINTY_CERTAIN ? entry->most_certain : entry->most))
		return false;
	propagation->from = from;
	hc_propagation_claim(propagation, spot->number, object);
	hc_set_bit(propagation->looked_at, spot->granule);
	if (!object->plan->parts->len)
		return true;
	object->sound++;
	propagation->depth++;
	hc_propagation_look_at_nested(propagation, object, spot->address);
	propagation->depth--;
	return true;
}

/* Whether a pointer in PART of an object of OWNER is one that leads to what is TARGET's, whatever else it leads to. */
static bool is_plain(
	const hc_propagation *propagation, const hc_owner *owner, const hc_part *part, const hc_owner *target)
{
	return target && part->kind == HC_PART_POINTER && owner->step != HC_STEP_VARIABLE && !owner->is_left_over &&
	       (!owner->is_unused || part->type == owner->type) && target->type && target->plan &&
	       !target->is_left_over && (target != owner || target->type == part->type) &&
	       !propagation->types->parcels->free;
}

bool hc_propagation_follow_plain(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address holder, hc_address value)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	hc_owner *target = owner->targets ? owner->targets[index] : NULL;
	const hc_known_class *known = NULL;
	uint64_t vtable = 0;
	hc_spot spot;

	if (!is_plain(propagation, owner, part, target) || !hc_propagation_locate(propagation, value, &spot) ||
		spot.address != value || spot.region->region.is_mmapped)
		return false;
	hc_address from = holder ? holder + part->offset : 0;

	if (propagation->types->owner_of[spot.number]) {
		if (!is_looked_at(propagation, &spot, target))
			return false;
		propagation->from = from;
		return true;
	}
	if (target->plan->is_polymorphic &&
		(!hc_propagation_load(propagation, value, &vtable) || !vtable ||
			!(known = hc_propagation_class(propagation, vtable)) || known->to_top))
		return false;
	if (!target->plan->is_polymorphic && hc_type_get_kind(target->type) != HC_TYPE_STRUCT)
		return false;
	hc_propagation_guess_next(propagation, &spot);
	return take(propagation, find(propagation, owner, index, target, vtable, known), &spot, from);
}
