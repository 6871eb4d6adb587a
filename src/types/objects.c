/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One object: its pointers, containers, unions and arrays; and one pointer: which block, of what type, how many objects.
 *
 * Nothing is taken for granted. A pointer must lead to a block that is in use and large enough for its target; objects with virtual
 * functions must begin with a vtable; elements of an array beyond the first must look like what they are taken for. Owners whose
 * objects fail that too often are cut: nothing below them is looked at any more.
 */
#include "types/internal.h"

enum {
	DEPTH_MAX = 24,	    /* values within values; deeper ones wait in the queue */
	UNSOUND_MIN = 32,   /* so many failures before an owner may be cut */
	SEEN_MAX = 1 << 22, /* objects outside of malloc's heap */
	FAR = 16,
	NEAR = 8, /* elements between prefetching one, what it leads to, and looking at it */
	PREFETCHED_PARTS = 8,
	WAITING = 16,
	CUT_OFF_ROOM = 64, /* bytes behind a node and another one, that malloc never leaves */
	EDGES_MANY = 1 << 20
};

/* ---- objects outside of malloc's heap ---- */

struct seen {
	hc_address address;
	const void *type;
};

static unsigned hash_seen(const void *data)
{
	const struct seen *seen = data;

	return (unsigned)((seen->address ^ (uintptr_t)seen->type >> 4) * 0x9e3779b97f4a7c15u >> 32);
}

static int equal_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->address == y->address && x->type == y->type;
}

GHashTable *hc_propagation_new_seen(void)
{
	return g_hash_table_new_full(hash_seen, equal_seen, g_free, NULL);
}

bool hc_propagation_is_new(hc_propagation *propagation, hc_address address, const void *type)
{
	struct seen seen = { address, type };

	if (g_hash_table_size(propagation->seen) >= SEEN_MAX || g_hash_table_contains(propagation->seen, &seen))
		return false;
	g_hash_table_add(propagation->seen, g_memdup2(&seen, sizeof seen));
	return true;
}

/* ---- claiming ---- */

/*
 * Whether OWNER gives way to evidence of CERTAINTY that its blocks are of TYPE. Not if that is what it says itself, and they are a
 * container's nodes: then they stay in it, so that its figures are right.
 */
static inline bool gives_way(const hc_owner *owner, const hc_type *type, hc_certainty certainty)
{
	return owner->certainty > certainty && !(owner->is_own && owner->type == type);
}

static bool is_surer(const hc_propagation *propagation, uint32_t number, const hc_owner *owner)
{
	uint32_t current = propagation->types->owner_of[number];

	return !current || gives_way(hc_types_owner(propagation->types, current), owner->type, owner->certainty);
}

bool hc_propagation_claim(hc_propagation *propagation, uint32_t number, const hc_owner *owner)
{
	if (!is_surer(propagation, number, owner))
		return false;
	propagation->types->owner_of[number] = owner->number;
	return true;
}

/* A block in use that is not libc's own, and holds ADDRESS. */
struct place {
	const hc_block_region *region;
	uint32_t number;
	uint64_t granule;   /* of the address asked for */
	hc_address address; /* of the block */
	uint64_t offset;    /* in it, of a piece that a container owns */
};

static inline bool locate(const hc_propagation *propagation, hc_address address, struct place *place)
{
	const hc_blocks *blocks = propagation->blocks;

	if (!hc_blocks_may_contain(blocks, address) || !(place->region = hc_blocks_region(blocks, address)))
		return false;
	place->granule = hc_blocks_granule(blocks, place->region, address);
	uint64_t start = hc_blocks_start_of(blocks, place->granule, address);

	if (start == UINT64_MAX)
		return false;
	place->number = hc_blocks_number(blocks, start);
	place->address = hc_blocks_address(blocks, place->region, start);
	return true;
}

/* Whether ADDRESS is in a block that can have an owner: in use, and not libc's. */
static inline bool find_block(const hc_propagation *propagation, hc_address address, struct place *place)
{
	return locate(propagation, address, place) && propagation->types->owner_of[place->number] != HC_OWNER_CLOSED;
}

/*
 * Whether there is nothing more to find where a pointer to PLACE leads, to an object of TYPE with PLAN, of an owner of CERTAINTY: the
 * block has an owner, and the object was looked at, or is a part of one that was. (A block can hold objects that know nothing of each
 * other: an allocator of the program's own.)
 */
static bool is_settled(const hc_propagation *propagation, const struct place *place, const hc_type *type,
	const hc_plan *plan, hc_certainty certainty)
{
	const hc_types *types = propagation->types;
	const hc_owner *owner = hc_types_owner(types, types->owner_of[place->number]);

	if (!types->owner_of[place->number] || gives_way(owner, type, certainty))
		return false;
	if (!type || !plan || !plan->parts->len ||
		propagation->looked_at[place->granule / 64] >> place->granule % 64 & 1)
		return true;
	const hc_type *holder = owner->layout ? hc_layout_element(owner->layout) : owner->type;

	/* What is known by name alone may hold this; the nodes of a list of pointers do not, but others may lie in the same block. */
	if (!holder)
		return !owner->layout || hc_layout_mapped(owner->layout);
	return hc_plans_contains(types->plans, holder, type) ||
	       (owner->layout && (holder == type || hc_layout_mapped(owner->layout)));
}

static void set_looked_at(hc_propagation *propagation, hc_address address)
{
	const hc_block_region *region = hc_blocks_may_contain(propagation->blocks, address) ?
						hc_blocks_region(propagation->blocks, address) :
						NULL;
	uint64_t granule = region ? hc_blocks_granule(propagation->blocks, region, address) : 0;

	if (region)
		propagation->looked_at[granule / 64] |= (uint64_t)1 << granule % 64;
}

/* ---- owners that prove wrong ---- */

static void count_unsound(hc_propagation *propagation, hc_owner *owner)
{
	owner->unsound++;
	if (owner->cut || owner->unsound < UNSOUND_MIN || owner->unsound <= owner->sound)
		return;
	owner->cut = true;
	propagation->types->losses.cut++;
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
		known->is_class = hc_modules_class_of_vtable(
			propagation->types->modules, vtable, &known->type, &known->to_top, &known->name);
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

/* ---- containers ---- */

static void look_at_element(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	if (propagation->depth < DEPTH_MAX)
		hc_propagation_look_at(propagation, owner, address);
	else
		hc_propagation_defer(propagation, address, owner, HC_EDGE_OBJECT, owner->certainty);
}

struct walking {
	hc_propagation *propagation;
	hc_owner *container;
	hc_owner *nodes;	  /* whose the nodes are: NULL: the container's */
	bool by_pointer;	  /* what it holds is an object of its own: that one claims its block */
	bool wants;		  /* elements have to be looked at */
	hc_address node, element; /* the first; 0: none yet */
	/* blocks to claim: a ring, so that who has them is fetched meanwhile */
	struct {
		struct place place;
		uint32_t owner;
		uint64_t size;
	} waiting[WAITING];
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

/* Whether what is at PLACE is no part of the object of FIRST, which has the block by a pointer to its beginning, nor of others beside it. */
static bool is_apart(const hc_propagation *propagation, const hc_owner *first, const struct place *place)
{
	uint64_t size = first && first->type ? hc_type_size(first->type) : 0;

	if (!size || first->layout || first->piece_size || place->offset < size)
		return false;
	for (uint64_t back = 0; back < size; back += propagation->blocks->alignment) {
		uint64_t granule = place->granule - back / propagation->blocks->alignment;

		if (propagation->looked_at[granule / 64] >> granule % 64 & 1)
			return false;
	}
	return true;
}

/*
 * Whether a piece of SIZE bytes at PLACE was cut off a block, though it is the only one that is known: in its middle, or a node that has far
 * more room than it was made for. Not where nodes are the elements (they may be of any length), or are in what nobody knows.
 */
static bool is_cut_off(const struct walking *walking, uint64_t size, const struct place *place)
{
	const hc_blocks *blocks = walking->propagation->blocks;

	if (hc_layout_deduces(walking->container->layout) || size <= walking->walk->element_size)
		return false;
	if (place->offset)
		return true;
	/* Where nodes are blocks, to look at one of them is enough. */
	return (walking->pieces_bytes || walking->waiting_out == 1) && walking->node &&
	       hc_blocks_usable_size(blocks, place->region, place->address) >= 2 * size + CUT_OFF_ROOM;
}

/*
 * A piece of SIZE bytes in block NUMBER. An allocator of the program's own (GSlice) cuts blocks into pieces; then no container has the block
 * for itself, and of its bytes only those of its pieces. (An object may be in two lists: both find it at the block's beginning.)
 */
static void note_piece(
	struct walking *walking, uint32_t number, hc_owner *owner, uint64_t size, const struct place *place)
{
	hc_types *types = walking->propagation->types;
	uint32_t current = types->owner_of[number];
	hc_owner *first = current && current != HC_OWNER_CLOSED ? hc_types_owner(types, current) : NULL;
	uint64_t bit = (uint64_t)1 << number % 64, *several = &types->several[number / 64],
		 *interior = &types->interior[number / 64],
		 *bytes = owner->is_index ? &walking->index_bytes : &walking->pieces_bytes;
	bool is_interior = place->offset != 0;

	if (!(*several & bit) && first && first->piece_size && (is_interior || *interior & bit)) {
		*several |= bit;
		*(first == owner ? bytes : &first->pieces_bytes) += first->piece_size;
	}
	if (!first && is_cut_off(walking, size, place))
		*several |= bit;
	if (*several & bit || is_apart(walking->propagation, first, place))
		*bytes += size;
	if (is_interior)
		*interior |= bit;
	owner->piece_size = size;
}

static void claim_next(struct walking *walking)
{
	hc_propagation *propagation = walking->propagation;
	unsigned i = walking->waiting_out++ % WAITING;

	note_piece(walking, walking->waiting[i].place.number,
		hc_types_owner(propagation->types, walking->waiting[i].owner), walking->waiting[i].size,
		&walking->waiting[i].place);
	hc_claim claim = { walking->waiting[i].place.number,
		propagation->types->owner_of[walking->waiting[i].place.number] };

	if (claim.owner != HC_OWNER_CLOSED && hc_propagation_claim(propagation, claim.block,
						      hc_types_owner(propagation->types, walking->waiting[i].owner)))
		g_array_append_val(propagation->claims, claim);
}

static void claim_memory(hc_address address, uint64_t size, hc_memory_role role, void *data)
{
	struct walking *walking = data;
	hc_propagation *propagation = walking->propagation;
	const hc_owner *owner = walking->container;
	struct place place;

	if ((walking->by_pointer && role != HC_MEMORY_INDEX) || !locate(propagation, address, &place))
		return;
	if (role == HC_MEMORY_INDEX)
		owner = index_owner(propagation, walking->container);
	else if (role == HC_MEMORY_NODE && walking->nodes)
		owner = walking->nodes;
	if (role == HC_MEMORY_NODE && !walking->node)
		walking->node = address;
	__builtin_prefetch(&propagation->types->owner_of[place.number], 1);
	place.offset = address - place.address;
	walking->waiting[walking->waiting_in % WAITING].place = place;
	walking->waiting[walking->waiting_in % WAITING].size = size;
	walking->waiting[walking->waiting_in++ % WAITING].owner = owner->number;
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
	return walking->wants;
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
	struct place place;

	/* Of std::make_shared() the object lies in the control block. */
	if (address - at < hc_type_size(container->type) ||
		(container->index && find_block(propagation, address, &place) &&
			propagation->types->owner_of[place.number] == container->index->number)) {
		look_at_element(propagation, element, address);
		return;
	}
	element->is_own = true;
	hc_propagation_reach(propagation, element, address);
}

/* What the pointers of an object of PLAN lead to, and the first words of its containers: most of these are pointers, too. */
static void prefetch_parts(hc_propagation *propagation, const hc_plan *plan, hc_address address)
{
	for (uint32_t i = 0; i < MIN(plan->parts->len, PREFETCHED_PARTS); i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);
		uint64_t value;

		if (part->kind <= HC_PART_CONTAINER && hc_propagation_load(propagation, address + part->offset, &value))
			hc_propagation_prefetch(propagation, value);
	}
}

/* The elements (or what they are mapped to) in LIST from FIRST on. */
static void look_at_elements(hc_propagation *propagation, hc_owner *container, hc_address at, hc_owner *element,
	const GArray *list, unsigned first)
{
	bool held = hc_layout_is_single(container->layout), pointed_to = hc_layout_by_pointer(container->layout);
	unsigned last = list->len;

	propagation->depth++;
	element->is_own |= held && pointed_to;
	for (unsigned i = first; i < last; i++) {
		hc_address address = g_array_index(list, hc_address, i);

		if (last - i > FAR)
			hc_propagation_prefetch(propagation, g_array_index(list, hc_address, i + FAR));
		if (last - i > NEAR && element->plan)
			prefetch_parts(propagation, element->plan, g_array_index(list, hc_address, i + NEAR));
		uint64_t value;

		if (pointed_to)
			hc_propagation_reach(propagation, element, address);
		else if (!element->type && hc_propagation_load(propagation, address, &value))
			hc_propagation_reach(propagation, element, value);
		else if (element->type && held)
			look_at_held(propagation, container, at, element, address);
		else if (element->type) {
			if (element->is_own)
				set_looked_at(propagation, address);
			look_at_element(propagation, element, address);
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

/*
 * That it is a container may be a guess, by the names of its members; but if all its checks hold, its blocks are what its pointers are
 * declared to lead to.
 */
static hc_owner *container_owner(hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part)
{
	hc_owner *container = hc_owners_target(
		propagation->owners, owner, index, HC_STEP_PART, part->type, NULL, HC_CERTAINTY_CERTAIN);

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
	look_at_element(propagation, container->plain, address);
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

static void look_at_container(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part, hc_address address)
{
	hc_owner *container = container_owner(propagation, owner, index, part);
	const hc_layout *layout = part->layout;
	hc_certainty certainty;
	unsigned first_claim = propagation->claims->len, first_element = propagation->elements->len,
		 first_mapped = propagation->mapped->len;
	struct walking walking = {
		.propagation = propagation,
		.container = container,
		.by_pointer = hc_layout_is_single(layout),
	};
	hc_walk_visitor visitor = { .element = note_element, .memory = claim_memory, .data = &walking };
	hc_walk walk = { 0 };

	walking.walk = &walk;

	if (container->layout != layout || (!hc_blocks_may_contain(propagation->blocks, address) &&
						   !hc_propagation_is_new(propagation, address, layout)))
		return;
	layout = hc_layout_deduce(layout, address, &certainty);
	if (layout != part->layout)
		walking.nodes = deduced_owner(propagation, container, layout, certainty);
	walking.wants = has_parts(propagation, layout, hc_layout_element(layout));
	if (hc_layout_mapped(layout) && has_parts(propagation, layout, hc_layout_mapped(layout)))
		visitor.mapped = note_mapped;
	hc_layout_walk(layout, address, &visitor, &walk);
	while (walking.waiting_out != walking.waiting_in)
		claim_next(&walking);
	if (walk.grade == HC_GRADE_IMPLAUSIBLE || (walk.grade != HC_GRADE_EXACT && part->plan)) {
		take_back(propagation, first_claim);
		if (part->plan) {
			look_at_plain(propagation, container, part, address);
		} else {
			add_up(container, address, &(hc_walk){ .grade = walk.grade, .reason = walk.reason });
			propagation->types->losses.implausible++;
			count_unsound(propagation, owner);
		}
	} else {
		add_up(container, address, &walk);
		(walking.nodes ? walking.nodes : container)->pieces_bytes += walking.pieces_bytes;
		if (container->index)
			container->index->pieces_bytes += walking.index_bytes;
		owner->sound++;
		bool is_intrusive = walking.node && walking.node == walking.element && !walking.nodes;
		hc_owner *element = walking.nodes;

		container->is_intrusive |= is_intrusive;
		if (!element && (is_intrusive || propagation->elements->len > first_element))
			element = element_owner(
				propagation, container, 0, walk.element ? walk.element : hc_layout_element(layout));
		if (propagation->elements->len > first_element)
			look_at_elements(
				propagation, container, address, element, propagation->elements, first_element);
		if (propagation->mapped->len > first_mapped)
			look_at_elements(propagation, container, address,
				element_owner(propagation, container, 1, hc_layout_mapped(part->layout)),
				propagation->mapped, first_mapped);
	}
	g_array_set_size(propagation->claims, first_claim);
	g_array_set_size(propagation->elements, first_element);
	g_array_set_size(propagation->mapped, first_mapped);
}

/* ---- arrays and unions ---- */

/* The usable bytes from ADDRESS to the end of its block; 0 if it is in none. */
static uint64_t room_at(const hc_propagation *propagation, hc_address address)
{
	struct place place;

	if (!find_block(propagation, address, &place))
		return 0;
	uint64_t size = hc_blocks_usable_size(propagation->blocks, place.region, place.address);

	return size - MIN(size, address - place.address);
}

static void look_at_array(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part, hc_address address)
{
	hc_owner *item = hc_owners_target(
		propagation->owners, owner, index, HC_STEP_ITEM, part->type, part->plan, HC_CERTAINTY_CERTAIN);
	uint64_t count = part->count ? part->count : room_at(propagation, address) / part->stride;

	if (item == owner)
		return;
	item->name = part->name;
	for (uint64_t i = 0; i < count && !item->cut; i++)
		look_at_element(propagation, item, address + i * part->stride);
}

/* The one pointer of a union's members whose target fits where the word leads: a guess. */
static void look_at_union(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part, hc_address address)
{
	const hc_type *fitting = NULL;
	uint64_t value, size;
	struct place place;
	unsigned count = 0;

	if (!hc_propagation_load(propagation, address, &value) || !find_block(propagation, value, &place) ||
		place.address != value)
		return;
	size = hc_blocks_usable_size(propagation->blocks, place.region, value);
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

/* ---- an object ---- */

/* A pointer of a local may not be set yet. */
static hc_certainty certainty_of_target(const hc_owner *owner, const hc_type *target)
{
	if (hc_type_get_kind(target) == HC_TYPE_VOID)
		return HC_CERTAINTY_UNKNOWN;
	return owner->variable && (owner->variable->kind == HC_VARIABLE_LOCAL ||
					  owner->variable->kind == HC_VARIABLE_PARAMETER) ?
		       HC_CERTAINTY_DEDUCED :
		       HC_CERTAINTY_CERTAIN;
}

/* Pointers wait their turn, unless there are so many that the queue would need more memory than the heap's other tables. */
static void defer_or_follow(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_type *target, hc_address value)
{
	hc_certainty certainty = owner->certainty;

	/* Those to anything prove nothing, and whoever knows more takes their block from them at any time. */
	if (owner->variable && hc_type_get_kind(target) != HC_TYPE_VOID)
		certainty = MAX(certainty, certainty_of_target(owner, target));
	if (propagation->edges_in - propagation->edges_out < EDGES_MANY || propagation->depth >= DEPTH_MAX ||
		hc_propagation_is_early(propagation, certainty)) {
		hc_propagation_defer(propagation, value, owner, index, certainty);
		return;
	}
	propagation->depth++;
	hc_propagation_follow(propagation, owner, index, value);
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
	for (uint32_t i = 0; i < plan->parts->len; i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);
		hc_address at = address + part->offset;
		uint64_t value;

		switch (part->kind) {
		case HC_PART_POINTER:
			if (hc_propagation_load(propagation, at, &value) && value)
				defer_or_follow(propagation, owner, i, part->type, value);
			break;
		case HC_PART_CONTAINER:
			look_at_container(propagation, owner, i, part, at);
			break;
		case HC_PART_ARRAY:
			look_at_array(propagation, owner, i, part, at);
			break;
		case HC_PART_UNION:
			look_at_union(propagation, owner, i, part, at);
			break;
		}
	}
}

/* ---- a pointer ---- */

/*
 * Whether an object at ADDRESS could be of PLAN: its pointers lead somewhere, or nowhere, its containers are sound. *ret_has_content: some
 * of them do lead somewhere.
 */
static bool looks_like(hc_propagation *propagation, const hc_plan *plan, hc_address address, bool *ret_has_content)
{
	*ret_has_content = false;
	for (uint32_t i = 0; i < plan->parts->len; i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);
		uint64_t value;
		hc_walk walk;

		if (part->kind == HC_PART_POINTER) {
			if (!hc_propagation_load(propagation, address + part->offset, &value) ||
				(value && !hc_core_find_mapping(propagation->core, value)))
				return false;
			*ret_has_content |= value != 0;
		} else if (part->kind == HC_PART_CONTAINER && !part->plan) {
			hc_layout_measure(part->layout, address + part->offset, &walk);
			if (walk.grade == HC_GRADE_IMPLAUSIBLE)
				return false;
			*ret_has_content |= walk.walked != 0;
		}
	}
	return true;
}

/*
 * How many objects of OWNER's type lie from ADDRESS on in ROOM bytes, the first of them certain. Those at the end that hold nothing are
 * not counted: they may as well be members that only the owner of the type knows of.
 */
static uint64_t count_objects(hc_propagation *propagation, const hc_owner *owner, hc_address address, uint64_t room)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0, count = 1;
	bool has_content;

	if (!size || room < 2 * size || owner->plan->is_polymorphic)
		return 1;
	for (uint64_t i = 1; i < room / size; i++) {
		if (!looks_like(propagation, owner->plan, address + i * size, &has_content))
			break;
		if (has_content)
			count = i + 1;
	}
	return count;
}

/* The number of objects of an array whose count stands in front of it (Itanium C++ ABI, 2.7); 0 if it is none. */
static uint64_t cookie_count(hc_propagation *propagation, const hc_owner *owner, const struct place *place,
	hc_address value, uint64_t block_size)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0, count,
		 cookie = MAX(propagation->format.size, owner->type ? hc_type_alignment(owner->type) : 1);

	if (!size || value - place->address != cookie ||
		!hc_propagation_load(propagation, value - propagation->format.size, &count) || !count ||
		count > (block_size - cookie) / size ||
		block_size - cookie - count * size > 2 * propagation->blocks->alignment + propagation->format.size)
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

/* The object is not malloc's: in data, on a stack, in memory of another allocator. */
static void reach_outside(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	const hc_area *area;

	if (!owner->plan || !owner->plan->parts->len || !owner->type ||
		!(area = hc_areas_find(propagation->types->areas, address)) || !area->mapping ||
		!(area->mapping->flags & HC_MAPPING_WRITE))
		return;
	if (hc_propagation_is_new(propagation, address, owner->type))
		look_at_element(propagation, owner, address);
}

static void look_at_all(hc_propagation *propagation, hc_owner *owner, hc_address address, uint64_t count)
{
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0;

	propagation->depth++;
	for (uint64_t i = 0; i < count; i++) {
		set_looked_at(propagation, address + i * size);
		look_at_element(propagation, owner, address + i * size);
	}
	propagation->depth--;
}

void hc_propagation_reach(hc_propagation *propagation, hc_owner *owner, hc_address value)
{
	struct place place;

	if (!value)
		return;
	if (!find_block(propagation, value, &place)) {
		if (!hc_blocks_may_contain(propagation->blocks, value))
			reach_outside(propagation, owner, value);
		return;
	}
	if (is_settled(propagation, &place, owner->type, owner->plan, owner->certainty))
		return;
	if (!owner->type || hc_type_get_kind(owner->type) == HC_TYPE_VOID) {
		hc_propagation_claim(propagation, place.number, owner);
		return;
	}
	uint64_t size = hc_blocks_usable_size(propagation->blocks, place.region, place.address);
	hc_address object = value;

	if (owner->plan && owner->plan->is_polymorphic) {
		hc_owner *actual = find_class(propagation, owner, &object);

		if (!actual || object - place.address >= size)
			return count_unsound(propagation, owner);
		owner = actual;
	}
	uint64_t count = cookie_count(propagation, owner, &place, object, size);

	if (object - place.address + (owner->type ? hc_type_size(owner->type) : 0) > size)
		return count_unsound(propagation, owner);
	if (object != place.address && !count) {
		if (hc_propagation_is_early(propagation, HC_CERTAINTY_DEDUCED)) {
			hc_propagation_defer(propagation, value, owner, HC_EDGE_REACH, HC_CERTAINTY_DEDUCED);
			return;
		}
		owner = interior_of(propagation, owner);
	}
	if (is_settled(propagation, &place, owner->type, owner->plan, owner->certainty))
		return;
	hc_propagation_claim(propagation, place.number, owner);
	set_looked_at(propagation, value); /* a pointer to a base class leads to the middle of the object */
	if (!owner->plan || !owner->plan->parts->len)
		return;
	owner->sound++;
	if (!count)
		count = count_objects(propagation, owner, object, size - (object - place.address));
	look_at_all(propagation, owner, object, count);
}

void hc_propagation_follow(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address value)
{
	const hc_part *part = &g_array_index(owner->plan->parts, hc_part, index);
	struct place place;
	hc_owner *target = owner->targets ? owner->targets[index] : NULL;

	const hc_plan *plan = target ? NULL : hc_plans_get(propagation->types->plans, part->type, NULL);

	/* Most pointers lead to blocks that somebody has already: no path is made for them. */
	if (!target && find_block(propagation, value, &place) &&
		is_settled(propagation, &place, part->type, plan,
			MAX(owner->certainty, certainty_of_target(owner, part->type))))
		return;
	if (!target)
		target = hc_owners_target(propagation->owners, owner, index, HC_STEP_TARGET, part->type,
			hc_plans_get(propagation->types->plans, part->type, NULL),
			certainty_of_target(owner, part->type));
	if (target == owner && target->type != part->type)
		return; /* too many paths */
	hc_propagation_reach(propagation, target, value);
}
