/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The containers of an object: claims the blocks that are theirs, and looks at what they hold. What
 * was claimed is taken back if the walk ends badly.
 */
#include "propagation/container_pieces.h"
#include "propagation/objects.h"
#include "propagation/walks_ahead.h"

#include "variables/variables.h"

enum {
	/* elements between fetching one, what it leads to, whose that is, and looking at it */
	FAR = 32,
	NEAR = 20,
	CLOSE = 10,
	PREFETCHED_PARTS = 8,
	SOME_SEEN = 32, /* elements that show what such elements hold */
	MANY_SEEN = 1024
};

/* Addresses of elements, or of what they are mapped to: of a kept walk, or the propagation's from FIRST on. */
struct contents {
	const hc_address *kept;
	const GArray *list; /* which may move while it is gone through: more is put behind its end */
	unsigned first;
	uint64_t count;
};

struct walking {
	hc_pieces pieces;
	hc_record_wants wants;
	hc_address element; /* the first; 0: none yet */
	struct contents elements, mapped;
};

/* How many of the elements are in use; UINT64_MAX: all may be. And whose the others are. */
struct live {
	uint64_t count;
	hc_owner *behind;
};

static inline const hc_address *contents_from(const struct contents *contents, uint64_t index)
{
	return contents->kept ? contents->kept + index :
				&g_array_index(contents->list, hc_address, contents->first + index);
}

static bool note_element(hc_address address, uint64_t index, void *data)
{
	struct walking *walking = data;

	if (!index)
		walking->element = address;
	if (walking->wants.element)
		g_array_append_val(walking->pieces.propagation->elements, address);
	return walking->wants.element || walking->wants.mapped;
}

static void claim_memory(hc_address address, uint64_t size, hc_memory_role role, void *data)
{
	struct walking *walking = data;

	hc_pieces_claim(&walking->pieces, address, size, role);
}

static bool note_mapped(hc_address address, uint64_t index, void *data)
{
	struct walking *walking = data;

	(void)index;
	g_array_append_val(walking->pieces.propagation->mapped, address);
	return true;
}

void hc_container_sums_add(hc_container_sums *sums, hc_address address, const hc_walk *walk)
{
	uint64_t elements = walk->claimed == UINT64_MAX ? walk->walked : walk->claimed;

	sums->claimed += elements;
	sums->walked += walk->walked;
	sums->elements_bytes += walk->walked * walk->element_size;
	sums->grades[walk->grade]++;
	if (walk->capacity != UINT64_MAX) {
		sums->has_capacity = true;
		sums->capacity += walk->capacity;
	}
	if (walk->reason && !sums->reason)
		sums->reason = walk->reason;
	if (!sums->containers++ || elements > sums->largest_elements) {
		sums->largest = address;
		sums->largest_elements = elements;
	}
}

void hc_container_sums_give(const hc_container_sums *sums, hc_owner *container)
{
	container->claimed += sums->claimed;
	container->walked += sums->walked;
	container->elements_bytes += sums->elements_bytes;
	for (unsigned i = 0; i < HC_GRADE_COUNT; i++)
		container->grades[i] += sums->grades[i];
	container->has_capacity |= sums->has_capacity;
	container->capacity += sums->capacity;
	if (!container->reason)
		container->reason = sums->reason;
	if (sums->containers && (!container->largest || sums->largest_elements > container->largest_elements)) {
		container->largest = sums->largest;
		container->largest_elements = sums->largest_elements;
	}
	container->containers += sums->containers;
}

static void add_up(hc_owner *container, hc_address address, const hc_walk *walk)
{
	hc_container_sums sums = { 0 };

	hc_container_sums_add(&sums, address, walk);
	hc_container_sums_give(&sums, container);
}

/* The owner of CONTAINER's elements (or of what they are mapped to: PLACE 1), which are of TYPE. */
static hc_owner *element_owner(hc_propagation *propagation, hc_owner *container, unsigned place, const hc_type *type)
{
	const hc_plan *plan = type ? hc_plans_get(propagation->types->plans, type, NULL) : NULL;
	hc_owner *owner = hc_owners_element(propagation->owners, container, place,
		place ? hc_layout_mapped(container->layout) : hc_layout_element(container->layout), plan);

	/* Of a variant's and the like each object tells its own. */
	return type && type != owner->type ? hc_owners_class(propagation->owners, owner, type, NULL, plan) : owner;
}

/*
 * What a smart pointer or a type-erased object at AT holds: something within the object itself or within its own block, or an object
 * of its own.
 */
static void look_at_held(
	hc_propagation *propagation, hc_owner *container, hc_address at, hc_owner *element, hc_address address)
{
	hc_spot spot;

	if (address - at < hc_type_size(container->type)) {
		hc_propagation_look_at_nested(propagation, element, address);
		return;
	}
	element->is_own = true;
	/* Of std::make_shared() the object lies in the control block, and is most of it. */
	if (container->index && hc_propagation_find_block(propagation, address, &spot) &&
		propagation->types->owner_of[spot.number] == container->index->number) {
		propagation->types->owner_of[spot.number] = element->number;
		hc_propagation_set_looked_at(propagation, address);
		hc_propagation_look_at_nested(propagation, element, address);
		return;
	}
	hc_propagation_reach(propagation, element, address);
}

/*
 * What the pointers of an object of PLAN lead to, and the first words of its containers: most of these are pointers, too. With OWNERS: who
 * has that.
 */
static void prefetch_parts(hc_propagation *propagation, const hc_plan *plan, hc_address address, bool owners)
{
	for (uint32_t i = 0; i < MIN(plan->parts->len, PREFETCHED_PARTS); i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);
		uint64_t value;

		if (part->kind > HC_PART_CONTAINER || !hc_propagation_load(propagation, address + part->offset, &value))
			continue;
		if (owners)
			hc_propagation_prefetch_owner(propagation, value);
		else
			hc_container_set_prefetch(propagation->types->set, value, true);
	}
}

/* What will be wanted of the elements behind number I. */
static void prefetch_elements(
	hc_propagation *propagation, const hc_owner *element, bool pointed_to, const hc_address *from, uint64_t left)
{

	if (left > FAR)
		hc_container_set_prefetch(propagation->types->set, from[FAR], true);
	if (left > NEAR && element->plan)
		prefetch_parts(propagation, element->plan, from[NEAR], false);
	if (left > CLOSE && element->plan)
		prefetch_parts(propagation, element->plan, from[CLOSE], true);
	if (left > CLOSE && pointed_to)
		hc_propagation_prefetch_owner(propagation, from[CLOSE]);
}

/* Whether an element at ADDRESS of a container that is a guess, at AT, lies in memory of which nothing is known. */
static bool is_unproven(const hc_propagation *propagation, const hc_owner *container, hc_address at, hc_address address)
{
	return hc_layout_is_guess(container->layout) && !hc_blocks_may_contain(propagation->blocks, address) &&
	       address - at >= hc_type_size(container->type);
}

/* The block that begins with the element at ADDRESS is ELEMENT's, if CONTAINER claimed it as a node. */
static void give_to(hc_propagation *propagation, const hc_owner *container, const hc_owner *element, hc_address address)
{
	hc_spot spot;

	if (hc_propagation_locate(propagation, address, &spot) && spot.address == address &&
		propagation->types->owner_of[spot.number] == container->number)
		propagation->types->owner_of[spot.number] = element->number;
}

/* Whether the elements are objects that are in no other container, and all are in use. */
static bool may_be_leaves(
	const hc_owner *container, const hc_owner *element, const struct contents *contents, bool held, uint64_t live)
{
	return contents->kept && live == UINT64_MAX && element->type && !held && !element->is_own &&
	       !hc_layout_by_pointer(container->layout) && !hc_layout_is_guess(container->layout);
}

/* Whether it is tried to look at all elements from number I on at once: not all of what the first ones may hold need be there. */
static bool is_turn_of_leaves(uint64_t i)
{
	return i == 1 || i == SOME_SEEN || i == MANY_SEEN;
}

/* An element behind a free list's count leads to VALUE: that waits until all else was followed. FALSE: it can't. */
static bool defer_left_over(hc_propagation *propagation, const hc_owner *element, hc_address value)
{
	hc_edge edge = { .value = value, .owner = element->number, .part = HC_EDGE_REACH };

	return element->is_left_over && hc_propagation_defer_unused(propagation, &edge);
}

/* The elements (or what they are mapped to) of CONTAINER, up to those that may be left over. */
static void look_at_elements(hc_propagation *propagation, hc_owner *container, hc_address at, hc_owner *element,
	const struct contents *contents, const struct live *live)
{
	bool held = hc_layout_is_single(container->layout), pointed_to = hc_layout_by_pointer(container->layout);
	/* An object that links itself into a container may be in several. */
	bool is_shared = !held && (container->is_intrusive || element->is_own);
	hc_nest *nest = NULL;
	uint64_t first_nested = 0, done = 0;

	propagation->depth++;
	element->is_own |= held && pointed_to;
	for (uint64_t i = 0; i < contents->count; i++) {
		/* The first ones have shown whose its containers' blocks are, and what these hold. */
		if (is_turn_of_leaves(i) && may_be_leaves(container, element, contents, held, live->count) &&
			!is_shared)
			done = hc_propagation_look_at_leaves(
				propagation, element, contents->kept + i, contents->count - i);
		if (done) {
			hc_propagation_end_nest(nest);
			nest = NULL;
			first_nested = 0;
			i += done;
			done = 0;
		}
		if (i == contents->count)
			break;
		if (i && !first_nested && contents->kept && !pointed_to && element->type) {
			nest = hc_propagation_begin_nest(
				propagation, element->plan, contents->kept + i, contents->count - i);
			first_nested = i;
		}
		const hc_address *from = contents_from(contents, i);
		hc_address address = *from;

		if (i == live->count)
			element = live->behind;
		if (i >= live->count)
			give_to(propagation, container, element, address);
		prefetch_elements(propagation, element, pointed_to, from, contents->count - i);
		if (nest)
			hc_propagation_seek_nest(nest, i - first_nested);
		uint64_t value;

		propagation->from = at;
		if (pointed_to && defer_left_over(propagation, element, address))
			continue;
		if (pointed_to)
			hc_propagation_reach(propagation, element, address);
		else if (!element->type && hc_propagation_load(propagation, address, &value))
			hc_propagation_reach(propagation, element, value);
		else if (element->type && held)
			look_at_held(propagation, container, at, element, address);
		else if (element->type) {
			if (element->is_own)
				hc_propagation_set_looked_at(propagation, address);
			if (is_unproven(propagation, container, at, address))
				element = hc_owners_deduced(propagation->owners, element);
			if (!is_shared || hc_propagation_is_first_look(propagation, address, element->type))
				hc_propagation_look_at_nested(propagation, element, address);
		}
	}
	propagation->depth--;
	hc_propagation_end_nest(nest);
}

/* Asked for each container: of the path's own LAYOUT worked out for the first one, but not of what was deduced for one list alone. */
static hc_record_wants wants_of(const hc_propagation *propagation, hc_owner *container, const hc_layout *layout)
{
	if (layout != container->layout)
		return hc_plans_wants(propagation->types->plans, layout);
	if (!container->knows_wants) {
		container->wants = hc_plans_wants(propagation->types->plans, layout);
		container->knows_wants = true;
	}
	return container->wants;
}

/*
 * That it is a container may be a guess, by the names of its members; but if all its checks hold, its blocks are what its pointers are
 * declared to lead to.
 */
static hc_owner *container_owner(hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part)
{
	/* A local may not be set yet: what is no guess has checks that would tell. */
	hc_certainty certainty = hc_layout_is_guess(part->layout) && owner->variable &&
						 hc_variable_is_local(owner->variable) ?
					 HC_CERTAINTY_DEDUCED :
					 HC_CERTAINTY_CERTAIN;
	hc_owner *container =
		hc_owners_target(propagation->owners, owner, index, HC_STEP_PART, part->type, NULL, certainty);

	if (container != owner) {
		container->layout = part->layout;
		container->name = part->name;
	}
	return container;
}

/* The members of what was taken for a container by its shape, and is none. */
static void look_at_plain(hc_propagation *propagation, hc_owner *container, const hc_part *part, hc_address address)
{
	if (!container->plain) {
		container->plain = hc_owners_add(propagation->owners, container->parent, HC_STEP_PART, part->type,
			part->plan, HC_CERTAINTY_CERTAIN);
		container->plain->name = part->name;
	}
	hc_propagation_look_at_nested(propagation, container->plain, address);
}

/*
 * The owner of the elements of one list, whose type was deduced for this list alone: LAYOUT's. Its nodes are they themselves: they are
 * typed by it, and count as CONTAINER's own.
 */
static hc_owner *deduced_owner(
	hc_propagation *propagation, hc_owner *container, const hc_layout *layout, hc_certainty certainty)
{
	const hc_type *type = hc_layout_element(layout);
	const hc_plan *plan = hc_plans_get(propagation->types->plans, type, NULL);
	hc_owner *first = hc_owners_element(propagation->owners, container, 0, type, plan), *owner;

	owner = type == first->type ? first : hc_owners_class(propagation->owners, first, type, NULL, plan);
	/* Not if it is one further up, that leads to its own type. */
	if (first->parent == container) {
		first->is_own = true;
		owner->certainty = MAX(owner->certainty, certainty);
	}
	return owner;
}

/* It is none: then its members are what they are without it, or OWNER is not sound. */
static void refuse(struct walking *walking, hc_owner *owner, const hc_part *part, hc_address address)
{
	hc_propagation *propagation = walking->pieces.propagation;
	const hc_walk *walk = walking->pieces.walk;

	if (part->plan) {
		look_at_plain(propagation, walking->pieces.container, part, address);
		return;
	}
	add_up(walking->pieces.container, address, &(hc_walk){ .grade = walk->grade, .reason = walk->reason });
	propagation->types->losses.implausible++;
	hc_propagation_count_unsound(propagation, owner);
}

/* What a container is to be looked at for. */
struct container_place {
	hc_owner *owner; /* of the object that it is part PART of */
	const hc_part *part;
	const hc_layout *layout;
	hc_address address;
};

/* How many of the elements are those that the first slots in use of the array at PLACE lead to; UINT64_MAX: all may be. */
static uint64_t live_elements(
	hc_propagation *propagation, const struct container_place *place, const struct contents *elements)
{
	hc_address address = place->address;
	uint64_t live = hc_type_get_kind(place->part->type) == HC_TYPE_ARRAY && elements->count ?
				hc_propagation_live_slots(propagation, place->owner, place->part, address) :
				UINT64_MAX,
		 value;

	for (uint64_t i = 0; live != UINT64_MAX && i < live; i++)
		if (i >= elements->count ||
			!hc_propagation_load(propagation, address + i * propagation->format.size, &value) ||
			value != *contents_from(elements, i))
			return i;
	return live;
}

/*
 * Whose the elements behind the first LIVE in use of the array at PLACE are: as ELEMENT, but nothing proves that. What was on a free list
 * waits until all else was followed, as do words of the array that lead there.
 */
static hc_owner *owner_behind(
	hc_propagation *propagation, const struct container_place *place, hc_owner *element, uint64_t live)
{
	if (!hc_propagation_is_free_list(place->owner, place->part))
		return hc_owners_deduced(propagation->owners, element);
	for (uint64_t i = live;
		i < hc_type_count(place->part->type) && !hc_blocks_may_contain(propagation->blocks, place->address);
		i++)
		g_hash_table_add(
			propagation->left_over, (gpointer)(uintptr_t)(place->address + i * propagation->format.size));
	return hc_owners_left_over(propagation->owners, element);
}

/* It is one: counts it, and looks at its elements. */
static void accept(struct walking *walking, const struct container_place *place)
{
	const hc_layout *layout = place->layout;
	hc_address address = place->address;
	const hc_pieces *pieces = &walking->pieces;
	hc_propagation *propagation = pieces->propagation;
	hc_owner *container = pieces->container, *element = pieces->nodes;
	const hc_walk *walk = pieces->walk;
	bool is_intrusive = pieces->node && pieces->node == walking->element && !pieces->nodes;

	add_up(container, address, walk);
	(pieces->nodes ? pieces->nodes : container)->pieces_bytes += pieces->pieces_bytes;
	if (container->index)
		container->index->pieces_bytes += pieces->index_bytes;
	container->is_intrusive |= is_intrusive;
	if (!element && (is_intrusive || walking->elements.count))
		element = element_owner(
			propagation, container, 0, walk->element ? walk->element : hc_layout_element(layout));
	if (walking->elements.count) {
		struct live live = { .count = live_elements(propagation, place, &walking->elements) };

		if (live.count != UINT64_MAX)
			live.behind = owner_behind(propagation, place, element, live.count);
		look_at_elements(propagation, container, address, element, &walking->elements, &live);
	}
	if (walking->mapped.count)
		look_at_elements(propagation, container, address,
			element_owner(propagation, container, 1, hc_layout_mapped(container->layout)), &walking->mapped,
			&(struct live){ .count = UINT64_MAX });
}

/* Whether a walk of GRADE shows that there is no container of PART. */
static bool is_refused(hc_grade grade, const hc_part *part)
{
	return grade == HC_GRADE_IMPLAUSIBLE || (grade != HC_GRADE_EXACT && grade != HC_GRADE_DEDUCED && part->plan);
}

static void finish(struct walking *walking, const struct container_place *place)
{
	if (is_refused(walking->pieces.walk->grade, place->part)) {
		refuse(walking, place->owner, place->part, place->address);
		return;
	}
	place->owner->sound++;
	accept(walking, place);
}

/* Walks the container at PLACE, and claims its blocks while that goes on. */
static void walk(struct walking *walking, const struct container_place *place)
{
	hc_propagation *propagation = walking->pieces.propagation;
	unsigned first_claim = propagation->claims->len, first_element = propagation->elements->len,
		 first_mapped = propagation->mapped->len, first_outside = propagation->outside_claims->len;
	hc_piece waiting[HC_PIECES_WAITING];
	hc_walk walk = { 0 };
	hc_walk_visitor visitor = { .element = note_element,
		.mapped = walking->wants.mapped ? note_mapped : NULL,
		.memory = claim_memory,
		.data = walking };

	walking->pieces.walk = &walk;
	walking->pieces.waiting = waiting;
	hc_layout_walk(place->layout, place->address, &visitor, &walk);
	hc_pieces_claim_rest(&walking->pieces);
	if (is_refused(walk.grade, place->part)) {
		hc_propagation_take_back(propagation, first_claim);
		hc_propagation_take_back_outside(propagation, first_outside);
	}
	walking->elements = (struct contents){ .list = propagation->elements,
		.first = first_element,
		.count = propagation->elements->len - first_element };
	walking->mapped = (struct contents){
		.list = propagation->mapped, .first = first_mapped, .count = propagation->mapped->len - first_mapped
	};
	finish(walking, place);
	g_array_set_size(propagation->claims, first_claim);
	g_array_set_size(propagation->outside_claims, first_outside);
	g_array_set_size(propagation->elements, first_element);
	g_array_set_size(propagation->mapped, first_mapped);
}

/* The same of a container whose walk was kept. */
static void make_use_of(struct walking *walking, const struct container_place *place, const hc_walk_record *record)
{
	hc_propagation *propagation = walking->pieces.propagation;
	unsigned first_claim = propagation->claims->len;
	bool refused = is_refused(record->walk.grade, place->part);

	walking->pieces.walk = &record->walk;
	walking->element = record->first_element;
	walking->elements = (struct contents){ .kept = record->lists[0].addresses, .count = record->lists[0].count };
	walking->mapped = (struct contents){ .kept = record->lists[1].addresses, .count = record->lists[1].count };
	hc_pieces_claim_record(&walking->pieces, record, refused);
	if (refused) {
		hc_propagation_take_back(propagation, first_claim);
		g_array_set_size(propagation->claims, first_claim);
	}
	finish(walking, place);
}

void hc_propagation_look_at_container(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part, hc_address address)
{
	hc_owner *container = container_owner(propagation, owner, index, part);
	struct container_place place = { owner, part, part->layout, address };
	hc_walk_record *record;
	hc_certainty certainty;
	struct walking walking = {
		.pieces.propagation = propagation,
		.pieces.container = container,
		.pieces.by_pointer = hc_layout_is_single(part->layout),
	};

	propagation->from = address;
	if (container->layout != part->layout || (!hc_blocks_may_contain(propagation->blocks, address) &&
							 !hc_propagation_is_new(propagation, address, part->layout)))
		return;
	place.layout = hc_layout_deduce(part->layout, address, &certainty);
	if (place.layout != part->layout)
		walking.pieces.nodes = deduced_owner(propagation, container, place.layout, certainty);
	walking.wants = wants_of(propagation, container, place.layout);
	record = hc_propagation_kept_walk(propagation, place.layout, address, walking.wants);
	if (record) {
		make_use_of(&walking, &place, record);
		hc_propagation_release_walk(propagation, record);
	} else {
		walk(&walking, &place);
	}
}
