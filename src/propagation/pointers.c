/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pointer: which block it leads to, of what type that is, and how many objects there are.
 *
 * Nothing is taken for granted. A pointer must lead to a block that is in use and large enough for its target; objects with virtual
 * functions must begin with a vtable; elements of an array beyond the first must look like what they are taken for. Owners whose
 * objects fail that too often are cut: nothing below them is looked at any more.
 */
#include "propagation/objects.h"
#include "propagation/passes.h"

enum {
	TRIED_ELEMENTS = 256, /* of a container in what may be an object */
	TRIED_NOTED = 64,     /* objects tried in vain that are worth a note */
	TRIED_MAX = 1 << 20,
	FEW_EDGES = 4 /* that wait: too few to fetch ahead what they lead to */
};

/*
 * Whether there is nothing more to find where a pointer to SPOT leads, to an object of TYPE with PLAN, of an owner of CERTAINTY: the
 * block has an owner, and the object was looked at, or is a part of one that was. (A block can hold objects that know nothing of each
 * other: an allocator of the program's own.)
 */
static bool is_settled(const hc_propagation *propagation, const hc_spot *spot, const hc_type *type, const hc_plan *plan,
	hc_certainty certainty)
{
	const hc_types *types = propagation->types;
	const hc_owner *owner = hc_types_owner(types, types->owner_of[spot->number]);

	if (!types->owner_of[spot->number] || hc_owner_gives_way(owner, type, certainty))
		return false;
	if (!type || !plan || !plan->parts->len || propagation->looked_at[spot->granule / 64] >> spot->granule % 64 & 1)
		return true;
	const hc_type *holder = owner->layout ? hc_layout_element(owner->layout) : owner->type;

	/* What is known by name alone may hold this; the nodes of a list of pointers do not, but others may lie in the same block. */
	if (!holder)
		return !owner->layout || hc_layout_mapped(owner->layout);
	return hc_plans_contains(types->plans, holder, type) ||
	       (owner->layout && (holder == type || hc_layout_mapped(owner->layout)));
}

/* ---- classes ---- */

const hc_known_class *hc_propagation_class(hc_propagation *propagation, hc_address vtable)
{
	hc_known_class *known = &propagation->classes[(vtable >> 3 ^ vtable >> 13) % HC_VTABLES];

	if (!vtable || vtable % propagation->format.size)
		return NULL;
	if (known->vtable != vtable) {
		known->vtable = vtable;
		known->type = NULL;
		known->is_class = hc_program_types_class_of_vtable(
			propagation->types->program_types, vtable, &known->type, &known->to_top, &known->name);
	}
	return known->is_class ? known : NULL;
}

/*
 * The object at *ADDRESS, of OWNER by declaration, may be the base of a larger one: moves *ADDRESS to its beginning, and gives its
 * owner. NULL if the object does not begin with a vtable: it is no such object.
 */
static hc_owner *find_class(hc_propagation *propagation, hc_owner *owner, hc_address *address)
{
	uint64_t vtable;
	const hc_known_class *known;

	if (!hc_propagation_load(propagation, *address, &vtable) || !vtable)
		return NULL;
	known = hc_propagation_class(propagation, vtable);
	if (!known)
		return hc_modules_find(propagation->types->modules, vtable) ? owner : NULL;
	const hc_plan *plan = known->type ? hc_plans_get(propagation->types->plans, known->type, NULL) : owner->plan;

	*address += known->to_top;
	return hc_owners_class(propagation->owners, owner, known->type, known->name, plan);
}

/* A class that is only declared (std::__future_base::_Result_base is defined in the library) may be the base of one that is known. */
static hc_owner *find_class_of_incomplete(hc_propagation *propagation, hc_owner *owner, hc_address *address)
{
	const hc_known_class *known;
	uint64_t vtable;

	if (!hc_propagation_load(propagation, *address, &vtable) ||
		!hc_modules_find(propagation->types->modules, vtable) ||
		!(known = hc_propagation_class(propagation, vtable)) || !known->type || known->type == owner->type)
		return owner;
	*address += known->to_top;
	return hc_owners_class(propagation->owners, owner, known->type, known->name,
		hc_plans_get(propagation->types->plans, known->type, NULL));
}

/* ---- a pointer ---- */

/* Whether VALUE, if it is not 0, may lead to an object of TYPE, which may be NULL: there is room for it, and no variable says otherwise. */
static bool may_lead_to(hc_propagation *propagation, const hc_type *type, uint64_t value)
{
	hc_spot spot;

	if (!value)
		return true;
	if (!hc_core_find_mapping(propagation->core, value))
		return false;
	if (!type || hc_type_get_kind(type) != HC_TYPE_STRUCT)
		return true;
	if (!hc_propagation_locate(propagation, value, &spot))
		return hc_propagation_fits_outside(propagation, value, hc_type_size(type)) &&
		       !hc_propagation_is_declared_otherwise(propagation, value, type);
	uint64_t size = hc_blocks_usable_size(propagation->blocks, spot.region, spot.address);

	return value - spot.address <= size && hc_type_size(type) <= size - (value - spot.address);
}

bool hc_propagation_looks_like(
	hc_propagation *propagation, const hc_plan *plan, hc_address address, bool *ret_has_content)
{
	*ret_has_content = false;
	propagation->types->losses.tried++;
	for (uint32_t i = 0; i < plan->parts->len; i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);
		hc_walk_visitor visitor = { .limit = TRIED_ELEMENTS };
		uint64_t value;
		hc_walk walk;

		if (part->kind == HC_PART_POINTER) {
			if (!hc_propagation_load(propagation, address + part->offset, &value) ||
				!may_lead_to(propagation, part->type, value))
				return false;
			*ret_has_content |= value != 0;
		} else if (part->kind == HC_PART_CONTAINER && !part->plan) {
			hc_layout_walk(part->layout, address + part->offset, &visitor, &walk);
			if (walk.grade == HC_GRADE_IMPLAUSIBLE)
				return false;
			*ret_has_content |= walk.walked != 0;
		}
	}
	return true;
}

/* The range in which objects of TYPE were tried in vain, in the block that starts at ADDRESS; NULL if there is none. */
static hc_tried *find_tried(const hc_propagation *propagation, hc_address address, const hc_type *type)
{
	hc_tried key = { .block = address, .type = type };

	return g_hash_table_lookup(propagation->tried, &key);
}

static void note_tried(
	hc_propagation *propagation, hc_address block, const hc_type *type, hc_address from, hc_address to)
{
	hc_tried *tried = find_tried(propagation, block, type), new = { block, type, from, to };

	if (tried) {
		tried->from = MIN(tried->from, from);
		tried->to = MAX(tried->to, to);
	} else if (g_hash_table_size(propagation->tried) < TRIED_MAX) {
		g_hash_table_add(propagation->tried, g_memdup2(&new, sizeof new));
	}
}

/*
 * How many objects of OWNER's type lie from ADDRESS on, in the block that starts at BLOCK, before the next one that is known, the first
 * of them certain. Those at the end that hold nothing are not counted: they may as well be members that only the owner of the type knows
 * of. Where it was tried before, it is not tried again. *ret_sound: how many could be such objects, those that hold nothing too.
 */
static uint64_t count_objects(
	hc_propagation *propagation, const hc_owner *owner, hc_address address, hc_address block, uint64_t *ret_sound)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0, count = 1, i = 1, room;
	bool has_content;

	*ret_sound = 1;
	if (!size || !owner->plan || !owner->plan->parts->len || owner->plan->is_polymorphic ||
		(room = hc_propagation_room(propagation, address)) < 2 * size)
		return 1;
	const hc_tried *tried = room / size > TRIED_NOTED ? find_tried(propagation, block, owner->type) : NULL;

	if (tried && address >= tried->from && address < tried->to)
		return 1;
	if (tried && address < tried->from)
		room = MIN(room, tried->from - address);
	for (; i < room / size; i++) {
		if (!hc_propagation_looks_like(propagation, owner->plan, address + i * size, &has_content))
			break;
		if (has_content)
			count = i + 1;
	}
	*ret_sound = i;
	if (i - count > TRIED_NOTED)
		note_tried(propagation, block, owner->type, address + count * size, address + i * size);
	return count;
}

/* The number of objects of an array whose count stands in front of it (Itanium C++ ABI, 2.7); 0 if it is none. */
static uint64_t cookie_count(
	hc_propagation *propagation, const hc_owner *owner, const hc_spot *spot, hc_address value, uint64_t block_size)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0, count, cookie;

	/* Almost all point to the block's beginning: nothing stands in front. */
	if (!size || value == spot->address)
		return 0;
	cookie = MAX(propagation->format.size, hc_type_alignment(owner->type));
	if (value - spot->address != cookie ||
		!hc_propagation_load(propagation, value - propagation->format.size, &count) || !count ||
		count > (block_size - cookie) / size ||
		block_size - cookie - count * size > hc_references_slack(propagation->types->references, spot->region))
		return 0;
	return count;
}

/* As OWNER, for blocks that only a pointer into their middle leads to. */
static hc_owner *interior_of(hc_propagation *propagation, hc_owner *owner)
{
	if (!owner->interior && !propagation->owners->full) {
		owner->interior = hc_owners_add(
			propagation->owners, owner, HC_STEP_CLASS, owner->type, owner->plan, HC_CERTAINTY_DEDUCED);
		owner->interior->is_interior = true;
	}
	return owner->interior ? owner->interior : owner;
}

/* Whether the object of TYPE at ADDRESS ends with an array whose length an integer of the object tells, so that the block ends there. */
static bool has_counted_tail(hc_propagation *propagation, const hc_type *type, hc_address address)
{
	unsigned count = hc_type_get_kind(type) == HC_TYPE_STRUCT ? hc_type_field_count(type) : 0;
	const hc_field *last = count ? hc_type_field(type, count - 1) : NULL;

	if (!last || hc_type_get_kind(last->type) != HC_TYPE_ARRAY || hc_type_count(last->type) > 1 ||
		!hc_type_target(last->type))
		return false;
	return hc_propagation_tail_count(
		       propagation, type, address, last->offset, hc_type_size(hc_type_target(last->type))) != 0;
}

/*
 * Whether the block of USABLE bytes, with COUNT objects of OWNER's type from its beginning on, is as large as malloc makes it for these. A
 * larger one may be a pool's page, or hold a struct that only begins with this one. For some small things every block is as large as it
 * would be for a number of them: that proves something of what is counted in characters and numbers only.
 */
static bool has_its_size(hc_propagation *propagation, const hc_owner *owner, const hc_spot *spot, uint64_t usable,
	uint64_t count, uint64_t sound)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0;

	if (!size)
		return true;
	switch (hc_type_get_kind(owner->type)) {
	case HC_TYPE_STRUCT:
	case HC_TYPE_UNION:
	case HC_TYPE_ARRAY:
		return hc_propagation_fits(propagation, usable, size) ||
		       has_counted_tail(propagation, owner->type, spot->address) ||
		       (count > 1 && size > 2 * propagation->blocks->alignment &&
			       hc_propagation_fits(propagation, usable, count * size));
	case HC_TYPE_POINTER:
	case HC_TYPE_REFERENCE:
		return hc_propagation_fits(propagation, usable, sound * size);
	default:
		return true;
	}
}

/* VALUE, which leads to an object of OWNER, waits until what is surer than CERTAINTY was followed. */
static void defer_reach(hc_propagation *propagation, hc_address value, const hc_owner *owner, hc_certainty certainty)
{
	hc_edge edge = { .value = value, .holder = propagation->from, .owner = owner->number, .part = HC_EDGE_REACH };

	hc_propagation_defer_edge(propagation, &edge, certainty);
}

/* As OWNER, for what may be something else than it is declared as; NULL if VALUE has to wait for that, and does. */
static hc_owner *deduced_of(hc_propagation *propagation, hc_owner *owner, hc_address value)
{
	if (!hc_propagation_is_early(propagation, HC_CERTAINTY_DEDUCED))
		return hc_owners_deduced(propagation->owners, owner);
	defer_reach(propagation, value, owner, HC_CERTAINTY_DEDUCED);
	return NULL;
}

/* The object is not malloc's: in data, on a stack, in memory of another allocator. */
static void reach_outside(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	const hc_area *area;

	hc_propagation_claim_target_outside(propagation, owner, address);
	if (!owner->plan || !owner->plan->parts->len || !owner->type ||
		!(area = hc_areas_find(propagation->types->areas, address)) || !area->mapping ||
		!(area->mapping->flags & HC_MAPPING_WRITE))
		return;
	/* A variable of that type is known already; that memory can be written proves nothing. */
	if (hc_propagation_is_known(propagation, address, owner->type))
		return;
	if (hc_propagation_is_declared_otherwise(propagation, address, owner->type)) {
		hc_propagation_count_unsound(propagation, owner);
		return;
	}
	if (!(owner = deduced_of(propagation, owner, address)))
		return;
	if (hc_propagation_is_new(propagation, address, owner->type))
		hc_propagation_look_at_nested(propagation, owner, address);
}

/* The COUNT objects at ADDRESS; those behind the first LIVE may be left over. */
static void look_at_all(hc_propagation *propagation, hc_owner *owner, hc_address address, uint64_t count, uint64_t live)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0;

	propagation->depth++;
	for (uint64_t i = 0; i < count; i++) {
		if (i == live)
			owner = hc_owners_deduced(propagation->owners, owner);
		hc_propagation_set_looked_at(propagation, address + i * size);
		hc_propagation_look_at_nested(propagation, owner, address + i * size);
	}
	propagation->depth--;
}

/* A pointer that is being followed. */
struct origin {
	const hc_owner *owner;
	const hc_part *part;
	hc_address holder;
};

/* A variable that leads into the middle of a list, or a tree, waits for who leads to its beginning. */
static bool is_alias(hc_propagation *propagation, const hc_spot *spot, const struct origin *origin)
{
	if (origin->owner->step != HC_STEP_VARIABLE || !hc_propagation_is_early(propagation, HC_CERTAINTY_DEDUCED))
		return false;
	uint64_t size = hc_blocks_usable_size(propagation->blocks, spot->region, spot->address);
	hc_word_place from = hc_place_of_root_word(origin->holder);

	return hc_propagation_entry(propagation, spot, size, &from) == HC_ENTRY_ALIAS;
}

/* The same where the list is not malloc's. What is there is deduced at most, so who leads to the beginning is followed with that. */
static bool is_alias_outside(hc_propagation *propagation, hc_address value, const struct origin *origin)
{
	return origin->owner->step == HC_STEP_VARIABLE && hc_propagation_is_early(propagation, HC_CERTAINTY_GUESS) &&
	       hc_parcels_may_contain(propagation->types->parcels, value) &&
	       hc_propagation_is_alias_outside(propagation, value, origin->holder);
}

/*
 * Whether the object of OWNER at ADDRESS is one of many in a pool, where what lies beside it is not an item of the same array, but may be
 * another's. Then it is looked at, or waits.
 */
static bool reach_piece(hc_propagation *propagation, hc_owner *owner, const hc_spot *spot, hc_address address)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0;

	if (!size || (address == spot->address && hc_propagation_room(propagation, address) < 2 * size) ||
		!hc_propagation_is_pool(propagation, spot))
		return false;
	if (!(owner = deduced_of(propagation, owner, address)))
		return true;
	owner = interior_of(propagation, owner);
	if (!hc_propagation_is_first_look(propagation, address, owner->type))
		return true;
	hc_propagation_add_share(propagation, spot->number, owner, size);
	owner->sound++;
	if (owner->plan && owner->plan->parts->len)
		look_at_all(propagation, owner, address, 1, UINT64_MAX);
	return true;
}

/* Whether somebody has what VALUE leads to. */
static bool is_owned(const hc_propagation *propagation, hc_address value)
{
	hc_spot spot;

	return hc_propagation_find_block(propagation, value, &spot) ?
		       propagation->types->owner_of[spot.number] != 0 :
		       hc_types_owner_outside(propagation->types, value) != NULL;
}

void hc_propagation_guess_next(hc_propagation *propagation, const hc_spot *spot)
{
	if (propagation->edges_in - propagation->edges_out >= FEW_EDGES)
		return;
	hc_blocks_fetch_next(propagation->blocks, spot->region,
		hc_blocks_granule(propagation->blocks, spot->region, spot->address), &propagation->guess);
}

/* As hc_propagation_reach(), by the pointer ORIGIN; NULL: by another way. */
static void reach(hc_propagation *propagation, hc_owner *owner, hc_address value, const struct origin *origin)
{
	hc_spot spot;

	/* What was on a free list takes nothing. What is free is no object any more: the pointer is left over. */
	if (!value || (owner->is_left_over && is_owned(propagation, value)) ||
		hc_parcels_is_nobodys(propagation->types->parcels, value))
		return;
	if (!hc_propagation_find_block(propagation, value, &spot)) {
		if (origin && is_alias_outside(propagation, value, origin)) {
			defer_reach(propagation, value, owner, HC_CERTAINTY_GUESS);
			return;
		}
		if (!hc_blocks_may_contain(propagation->blocks, value))
			reach_outside(propagation, owner, value);
		else if (!hc_blocks_region(propagation->blocks, value))
			hc_propagation_claim_target_outside(propagation, owner, value);
		return;
	}
	if (is_settled(propagation, &spot, owner->type, owner->plan, owner->certainty))
		return;
	if (origin && is_alias(propagation, &spot, origin)) {
		defer_reach(propagation, value, owner, HC_CERTAINTY_DEDUCED);
		return;
	}
	if (!owner->type || hc_type_get_kind(owner->type) == HC_TYPE_VOID) {
		hc_edge edge = { .value = value, .owner = owner->number, .part = HC_EDGE_WORD };

		if (!hc_propagation_is_library(propagation, owner) || !hc_propagation_defer_library(propagation, &edge))
			hc_propagation_claim(propagation, spot.number, owner);
		return;
	}
	hc_propagation_guess_next(propagation, &spot);
	uint64_t size = hc_blocks_usable_size(propagation->blocks, spot.region, spot.address);
	hc_address object = value;

	if (owner->plan && owner->plan->is_polymorphic) {
		hc_owner *actual = find_class(propagation, owner, &object);

		if (!actual || object - spot.address >= size)
			return hc_propagation_count_unsound(propagation, owner);
		owner = actual;
	} else if (hc_type_get_kind(owner->type) == HC_TYPE_INCOMPLETE) {
		owner = find_class_of_incomplete(propagation, owner, &object);
		if (object - spot.address >= size)
			return hc_propagation_count_unsound(propagation, owner);
	}
	uint64_t count = cookie_count(propagation, owner, &spot, object, size);

	if (object - spot.address + (owner->type ? hc_type_size(owner->type) : 0) > size)
		return hc_propagation_count_unsound(propagation, owner);
	if (!count && reach_piece(propagation, owner, &spot, object))
		return;
	if (object != spot.address && !count) {
		if (hc_propagation_is_early(propagation, HC_CERTAINTY_DEDUCED)) {
			defer_reach(propagation, value, owner, HC_CERTAINTY_DEDUCED);
			return;
		}
		owner = interior_of(propagation, owner);
	}
	uint64_t objects = count, sound = count;

	if (!count)
		objects = count_objects(propagation, owner, object, spot.address, &sound);
	if (owner->certainty == HC_CERTAINTY_CERTAIN &&
		!has_its_size(propagation, owner, &spot, size, objects, sound) &&
		!(owner = deduced_of(propagation, owner, value)))
		return;
	if (is_settled(propagation, &spot, owner->type, owner->plan, owner->certainty))
		return;
	/* Into the middle, one says no more than a word. */
	if (value != spot.address)
		propagation->from = 0;
	hc_propagation_claim(propagation, spot.number, owner);
	hc_propagation_set_looked_at(
		propagation, value); /* a pointer to a base class leads to the middle of the object */
	if (!owner->plan || !owner->plan->parts->len)
		return;
	owner->sound++;
	/* All of what new T[] made are objects. */
	look_at_all(propagation, owner, object, objects,
		count || !origin || owner->certainty != HC_CERTAINTY_CERTAIN ?
			UINT64_MAX :
			hc_propagation_live_items(
				propagation, origin->owner, origin->part, origin->holder, object, objects));
}

void hc_propagation_reach(hc_propagation *propagation, hc_owner *owner, hc_address value)
{
	reach(propagation, owner, value, NULL);
}

void hc_propagation_follow(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address holder, hc_address value)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	struct origin origin = { owner, part, holder };
	hc_certainty certainty;
	hc_spot spot;

	if (hc_propagation_follow_plain(propagation, owner, index, holder, value))
		return;
	if (part->kind == HC_PART_ARRAY)
		return hc_propagation_look_at_tail(propagation, owner, index, value);
	hc_owner *target = owner->targets ? owner->targets[index] : NULL;
	const hc_plan *plan = target ? NULL : hc_plans_get(propagation->types->plans, part->type, NULL);

	propagation->from = holder ? holder + part->offset : 0;
	certainty = hc_propagation_target_certainty(owner, part->type);
	if (owner->is_left_over || (owner->is_unused && part->type != owner->type)) {
		if (is_owned(propagation, value))
			return;
		certainty = MAX(certainty, HC_CERTAINTY_DEDUCED);
	}
	if (part->is_link)
		certainty = MAX(certainty, HC_CERTAINTY_DEDUCED);

	/* Most pointers lead to blocks that somebody has already: no path is made for them. */
	if (!target && hc_propagation_find_block(propagation, value, &spot) &&
		is_settled(propagation, &spot, part->type, plan, MAX(owner->certainty, certainty)))
		return;
	if (!target)
		target = hc_owners_target(
			propagation->owners, owner, index, HC_STEP_TARGET, part->type, plan, certainty);
	if (target == owner && target->type != part->type)
		return; /* too many paths */
	reach(propagation, target, value, holder ? &origin : NULL);
}
