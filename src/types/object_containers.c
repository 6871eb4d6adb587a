/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The containers of an object: claims the blocks that are theirs, and looks at what they hold. What
 * was claimed is taken back if the walk ends badly.
 */
#include "types/objects.h"

enum {
	/* elements between fetching one, what it leads to, whose that is, and looking at it */
	FAR = 32,
	NEAR = 20,
	CLOSE = 10,
	PREFETCHED_PARTS = 8,
	WAITING = 16,
	CUT_OFF_ROOM = 64 /* bytes behind a node and another one, that malloc never leaves */
};

/* A piece of memory that a container owns. */
struct piece {
	hc_spot spot;
	uint64_t offset; /* in its block */
	uint64_t size;
	uint32_t owner;
};

struct walking {
	hc_propagation *propagation;
	hc_owner *container;
	hc_owner *nodes;	       /* whose the nodes are: NULL: the container's */
	bool by_pointer;	       /* what it holds is an object of its own: that one claims its block */
	bool wants;		       /* elements have to be looked at */
	bool wants_mapped;	       /* ... and what they are mapped to */
	hc_address node, element;      /* the first; 0: none yet */
	struct piece waiting[WAITING]; /* blocks to claim: a ring, so that who has them is fetched meanwhile */
	unsigned waiting_in, waiting_out;
	const hc_walk *walk;
	uint64_t pieces_bytes, index_bytes; /* of nodes, and of indexes, in blocks that hold several pieces */
};

/* The owner of CONTAINER's bucket arrays, maps of segments and control blocks: they are its own, but no elements. */
static const hc_owner *index_owner(hc_propagation *propagation, hc_owner *container)
{
	if (!container->index && !propagation->owners->full) {
		container->index = hc_owners_add(
			propagation->owners, container, HC_STEP_CLASS, container->type, NULL, container->certainty);
		container->index->is_own = container->index->is_index = true;
	}
	return container->index ? container->index : container;
}

/*
 * Whether PIECE is no part of the object of FIRST, which has the block by a pointer to its beginning, nor of others beside it.
 */
static bool is_apart(const hc_propagation *propagation, const hc_owner *first, const struct piece *piece)
{
	uint64_t size = first && first->type ? hc_type_size(first->type) : 0;

	if (!size || first->layout || first->piece_size || piece->offset < size)
		return false;
	for (uint64_t back = 0; back < size; back += propagation->blocks->alignment) {
		uint64_t granule = piece->spot.granule - back / propagation->blocks->alignment;

		if (propagation->looked_at[granule / 64] >> granule % 64 & 1)
			return false;
	}
	return true;
}

/*
 * Whether PIECE was cut off a block, though it is the only one that is known: in its middle, or a node that has far more room than it
 * was made for. Not where nodes are the elements (they may be of any length), or are in what nobody knows.
 */
static bool is_cut_off(const struct walking *walking, const struct piece *piece)
{
	const hc_blocks *blocks = walking->propagation->blocks;

	if (hc_layout_deduces(walking->container->layout) || piece->size <= walking->walk->element_size)
		return false;
	if (piece->offset)
		return true;
	/* Where nodes are blocks, to look at one of them is enough. */
	return (walking->pieces_bytes || walking->waiting_out == 1) && walking->node &&
	       hc_blocks_usable_size(blocks, piece->spot.region, piece->spot.address) >= 2 * piece->size + CUT_OFF_ROOM;
}

/*
 * An allocator of the program's own (GSlice) cuts blocks into pieces; then no container has the block for itself, and of its bytes only
 * those of its pieces. (An object may be in two lists: both find it at the block's beginning.)
 */
static void note_piece(struct walking *walking, const struct piece *piece)
{
	hc_types *types = walking->propagation->types;
	uint32_t number = piece->spot.number, current = types->owner_of[number];
	hc_owner *first = current && current != HC_OWNER_CLOSED ? hc_types_owner(types, current) : NULL,
		 *owner = hc_types_owner(types, piece->owner);
	uint64_t bit = (uint64_t)1 << number % 64, *several = &types->several[number / 64],
		 *interior = &types->interior[number / 64],
		 *bytes = owner->is_index ? &walking->index_bytes : &walking->pieces_bytes;
	bool is_interior = piece->offset != 0;

	if (!(*several & bit) && first && first->piece_size && (is_interior || *interior & bit)) {
		*several |= bit;
		*(first == owner ? bytes : &first->pieces_bytes) += first->piece_size;
	}
	if (!first && is_cut_off(walking, piece))
		*several |= bit;
	if (*several & bit || is_apart(walking->propagation, first, piece))
		*bytes += piece->size;
	if (is_interior)
		*interior |= bit;
	owner->piece_size = piece->size;
}

static void claim_next(struct walking *walking)
{
	hc_propagation *propagation = walking->propagation;
	const struct piece *piece = &walking->waiting[walking->waiting_out++ % WAITING];

	note_piece(walking, piece);
	hc_claim claim = { piece->spot.number, propagation->types->owner_of[piece->spot.number] };

	if (claim.owner != HC_OWNER_CLOSED &&
		hc_propagation_claim(propagation, claim.block, hc_types_owner(propagation->types, piece->owner)))
		g_array_append_val(propagation->claims, claim);
}

static void claim_memory(hc_address address, uint64_t size, hc_memory_role role, void *data)
{
	struct walking *walking = data;
	hc_propagation *propagation = walking->propagation;
	struct piece *piece = &walking->waiting[walking->waiting_in % WAITING];
	const hc_owner *owner = walking->container;

	if (walking->by_pointer && role != HC_MEMORY_INDEX)
		return;
	if (!hc_propagation_locate(propagation, address, &piece->spot)) {
		if (hc_parcels_may_contain(propagation->types->parcels, address))
			hc_propagation_claim_outside(propagation, owner, address, size);
		return;
	}
	if (role == HC_MEMORY_INDEX)
		owner = index_owner(propagation, walking->container);
	else if (role == HC_MEMORY_NODE && walking->nodes)
		owner = walking->nodes;
	if (role == HC_MEMORY_NODE && !walking->node)
		walking->node = address;
	__builtin_prefetch(&propagation->types->owner_of[piece->spot.number], 1);
	piece->offset = address - piece->spot.address;
	piece->size = size;
	piece->owner = owner->number;
	walking->waiting_in++;
	if (walking->waiting_in - walking->waiting_out == WAITING)
		claim_next(walking);
}

static bool note_element(hc_address address, uint64_t index, void *data)
{
	struct walking *walking = data;

	if (!index)
		walking->element = address;
	if (walking->wants)
		g_array_append_val(walking->propagation->elements, address);
	return walking->wants || walking->wants_mapped;
}

static bool note_mapped(hc_address address, uint64_t index, void *data)
{
	struct walking *walking = data;

	(void)index;
	g_array_append_val(walking->propagation->mapped, address);
	return true;
}

static void take_back(hc_propagation *propagation, unsigned first)
{
	for (unsigned i = propagation->claims->len; i-- > first;) {
		const hc_claim *claim = &g_array_index(propagation->claims, hc_claim, i);

		propagation->types->owner_of[claim->block] = claim->owner;
	}
}

static void add_up(hc_owner *container, hc_address address, const hc_walk *walk)
{
	uint64_t elements = walk->claimed == UINT64_MAX ? walk->walked : walk->claimed;

	container->containers++;
	container->claimed += elements;
	container->walked += walk->walked;
	container->elements_bytes += walk->walked * walk->element_size;
	container->grades[walk->grade]++;
	if (walk->capacity != UINT64_MAX) {
		container->has_capacity = true;
		container->capacity += walk->capacity;
	}
	if (walk->reason && !container->reason)
		container->reason = walk->reason;
	if (!container->largest || elements > container->largest_elements) {
		container->largest = address;
		container->largest_elements = elements;
	}
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
	hc_propagation *propagation, const hc_owner *element, bool pointed_to, const GArray *list, unsigned i)
{
	const hc_address *from = &g_array_index(list, hc_address, i);
	unsigned left = list->len - i;

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

/* The elements (or what they are mapped to) in LIST from FIRST on. Those behind the first LIVE may be left over. */
static void look_at_elements(hc_propagation *propagation, hc_owner *container, hc_address at, hc_owner *element,
	const GArray *list, unsigned first, uint64_t live)
{
	bool held = hc_layout_is_single(container->layout), pointed_to = hc_layout_by_pointer(container->layout);
	/* An object that links itself into a container may be in several. */
	bool is_shared = !held && (container->is_intrusive || element->is_own);
	unsigned last = list->len;

	propagation->depth++;
	element->is_own |= held && pointed_to;
	for (unsigned i = first; i < last; i++) {
		hc_address address = g_array_index(list, hc_address, i);

		if (i - first == live)
			element = hc_owners_deduced(propagation->owners, element);
		if (i - first >= live)
			give_to(propagation, container, element, address);
		prefetch_elements(propagation, element, pointed_to, list, i);
		uint64_t value;

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
}

/* Whether an element of TYPE (NULL: a pointer to anything) has to be looked at. */
static bool has_parts(const hc_propagation *propagation, const hc_layout *layout, const hc_type *type)
{
	return !type || hc_layout_is_single(layout) || hc_layout_by_pointer(layout) ||
	       hc_plans_get(propagation->types->plans, type, NULL)->parts->len;
}

static struct hc_wants find_wants(const hc_propagation *propagation, const hc_layout *layout)
{
	const hc_type *mapped = hc_layout_mapped(layout);

	return (struct hc_wants){
		.known = true,
		.element = has_parts(propagation, layout, hc_layout_element(layout)),
		.mapped = mapped && has_parts(propagation, layout, mapped),
	};
}

/* Asked for each container: of the path's own LAYOUT worked out for the first one, but not of what was deduced for one list alone. */
static struct hc_wants wants_of(const hc_propagation *propagation, hc_owner *container, const hc_layout *layout)
{
	if (layout != container->layout)
		return find_wants(propagation, layout);
	if (!container->wants.known)
		container->wants = find_wants(propagation, layout);
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
						 hc_propagation_is_local(owner->variable) ?
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
	hc_propagation *propagation = walking->propagation;
	const hc_walk *walk = walking->walk;

	if (part->plan) {
		look_at_plain(propagation, walking->container, part, address);
		return;
	}
	add_up(walking->container, address, &(hc_walk){ .grade = walk->grade, .reason = walk->reason });
	propagation->types->losses.implausible++;
	hc_propagation_count_unsound(propagation, owner);
}

/* It is one: counts it, and looks at its elements, those behind number FIRST_ELEMENT and FIRST_MAPPED. */
static void accept(struct walking *walking, const hc_layout *layout, hc_address address, unsigned first_element,
	unsigned first_mapped, uint64_t live)
{
	hc_propagation *propagation = walking->propagation;
	hc_owner *container = walking->container, *element = walking->nodes;
	const hc_walk *walk = walking->walk;
	bool is_intrusive = walking->node && walking->node == walking->element && !walking->nodes;

	add_up(container, address, walk);
	(walking->nodes ? walking->nodes : container)->pieces_bytes += walking->pieces_bytes;
	if (container->index)
		container->index->pieces_bytes += walking->index_bytes;
	container->is_intrusive |= is_intrusive;
	if (!element && (is_intrusive || propagation->elements->len > first_element))
		element = element_owner(
			propagation, container, 0, walk->element ? walk->element : hc_layout_element(layout));
	if (propagation->elements->len > first_element)
		look_at_elements(propagation, container, address, element, propagation->elements, first_element, live);
	if (propagation->mapped->len > first_mapped)
		look_at_elements(propagation, container, address,
			element_owner(propagation, container, 1, hc_layout_mapped(container->layout)),
			propagation->mapped, first_mapped, UINT64_MAX);
}

/* How many of the elements from FIRST on are those that the first slots in use of the array PART lead to; UINT64_MAX: all may be. */
static uint64_t live_elements(
	hc_propagation *propagation, const hc_owner *owner, const hc_part *part, hc_address address, unsigned first)
{
	uint64_t live = hc_type_get_kind(part->type) == HC_TYPE_ARRAY && propagation->elements->len > first ?
				hc_propagation_live_slots(propagation, owner, part, address) :
				UINT64_MAX,
		 value;

	for (uint64_t i = 0; live != UINT64_MAX && i < live; i++)
		if (i >= propagation->elements->len - first ||
			!hc_propagation_load(propagation, address + i * propagation->format.size, &value) ||
			value != g_array_index(propagation->elements, hc_address, first + i))
			return i;
	return live;
}

void hc_propagation_look_at_container(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part, hc_address address)
{
	hc_owner *container = container_owner(propagation, owner, index, part);
	const hc_layout *layout = part->layout;
	hc_certainty certainty;
	unsigned first_claim = propagation->claims->len, first_element = propagation->elements->len,
		 first_mapped = propagation->mapped->len, first_outside = propagation->outside_claims->len;
	hc_walk walk = { 0 };
	struct walking walking = {
		.propagation = propagation,
		.container = container,
		.by_pointer = hc_layout_is_single(layout),
		.walk = &walk,
	};
	hc_walk_visitor visitor = { .element = note_element, .memory = claim_memory, .data = &walking };

	if (container->layout != layout || (!hc_blocks_may_contain(propagation->blocks, address) &&
						   !hc_propagation_is_new(propagation, address, layout)))
		return;
	layout = hc_layout_deduce(layout, address, &certainty);
	if (layout != part->layout)
		walking.nodes = deduced_owner(propagation, container, layout, certainty);
	struct hc_wants wants = wants_of(propagation, container, layout);

	walking.wants = wants.element;
	walking.wants_mapped = wants.mapped;
	if (wants.mapped)
		visitor.mapped = note_mapped;
	hc_layout_walk(layout, address, &visitor, &walk);
	while (walking.waiting_out != walking.waiting_in)
		claim_next(&walking);
	if (walk.grade == HC_GRADE_IMPLAUSIBLE ||
		(walk.grade != HC_GRADE_EXACT && walk.grade != HC_GRADE_DEDUCED && part->plan)) {
		take_back(propagation, first_claim);
		hc_propagation_take_back_outside(propagation, first_outside);
		refuse(&walking, owner, part, address);
	} else {
		owner->sound++;
		accept(&walking, layout, address, first_element, first_mapped,
			live_elements(propagation, owner, part, address, first_element));
	}
	g_array_set_size(propagation->claims, first_claim);
	g_array_set_size(propagation->outside_claims, first_outside);
	g_array_set_size(propagation->elements, first_element);
	g_array_set_size(propagation->mapped, first_mapped);
}
