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

/* What a pointer leads to is one of these. */
struct place {
	hc_address block;
	uint32_t number;
	uint64_t granule;
};

/* Whether the block at PLACE, which somebody has, was looked at for an object of TARGET's. */
static bool is_looked_at(const hc_propagation *propagation, const struct place *place, const hc_owner *target)
{
	const hc_types *types = propagation->types;
	uint32_t current = types->owner_of[place->number];

	return current != HC_OWNER_CLOSED &&
	       !hc_owner_gives_way(hc_types_owner(types, current), target->type, target->certainty) &&
	       hc_bit(propagation->looked_at, place->granule);
}

/* The block at PLACE, which is nobody's, becomes whose ENTRY says; FROM: where the pointer is. FALSE: its USABLE bytes are another size. */
static bool take(hc_propagation *propagation, const hc_plain_target *entry, const struct place *place, uint64_t usable,
	hc_address from)
{
	hc_owner *object = entry->object;

	if (usable < entry->size ||
		usable > (object->certainty == HC_CERTAINTY_CERTAIN ? entry->most_certain : entry->most))
		return false;
	propagation->from = from;
	hc_propagation_claim(propagation, place->number, object);
	hc_set_bit(propagation->looked_at, place->granule);
	if (!object->plan->parts->len)
		return true;
	object->sound++;
	propagation->depth++;
	hc_propagation_look_at_nested(propagation, object, place->block);
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

/* The entry for pointers in part PART of objects of OWNER, to objects of TARGET's that begin with FIRST_WORD. NULL: they are not plain. */
static const hc_plain_target *find_entry(
	hc_propagation *propagation, const hc_owner *owner, uint32_t part, hc_owner *target, uint64_t first_word)
{
	const hc_known_class *known = NULL;

	if (!target->plan->is_polymorphic)
		return hc_type_get_kind(target->type) == HC_TYPE_STRUCT ?
			       find(propagation, owner, part, target, 0, NULL) :
			       NULL;
	if (!first_word || !(known = hc_propagation_class(propagation, first_word)) || known->to_top)
		return NULL;
	return find(propagation, owner, part, target, first_word, known);
}

bool hc_propagation_follow_plain(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address holder, hc_address value)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	hc_owner *target = owner->targets ? owner->targets[index] : NULL;
	const hc_plain_target *entry;
	uint64_t first_word = 0;
	hc_spot spot;

	if (!is_plain(propagation, owner, part, target) || !hc_propagation_locate(propagation, value, &spot) ||
		spot.address != value || spot.region->region.is_mmapped)
		return false;
	const struct place place = { value, spot.number, spot.granule };
	hc_address from = holder ? holder + part->offset : 0;

	if (propagation->types->owner_of[spot.number]) {
		if (!is_looked_at(propagation, &place, target))
			return false;
		propagation->from = from;
		return true;
	}
	if ((target->plan->is_polymorphic && !hc_propagation_load(propagation, value, &first_word)) ||
		!(entry = find_entry(propagation, owner, index, target, first_word)))
		return false;
	hc_propagation_guess_next(propagation, &spot);
	return take(propagation, entry, &place, hc_blocks_usable_size(propagation->blocks, spot.region, value), from);
}

bool hc_propagation_follow_target(
	hc_propagation *propagation, hc_owner *owner, const hc_edge *edge, const hc_edge_target *told)
{
	const struct place place = { told->value, told->number, told->granule };
	const hc_plain_target *entry;

	/* It is told of pointers in a part only. */
	if (!told->is_told || told->value != edge->value || edge->part >= HC_EDGE_OUTSIDE)
		return false;
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, edge->part);
	hc_owner *target = owner->targets ? owner->targets[edge->part] : NULL;

	if (!is_plain(propagation, owner, part, target) || propagation->types->owner_of[told->number])
		return false;
	entry = find_entry(propagation, owner, edge->part, target, told->first_word);
	return entry && take(propagation, entry, &place, told->usable, edge->holder ? edge->holder + part->offset : 0);
}
