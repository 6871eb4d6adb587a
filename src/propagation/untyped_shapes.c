/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers in memory without a type, by their shapes (shapes/).
 *
 * Where words are followed, each may be a part of a container's head. If it is, the container has its nodes and buffers, and what their
 * elements have is one step farther, under its path: "server .bss+0x40", its elements "server .bss+0x40[]", strings in these
 * "server .bss+0x40[]+0x8". So it is as with containers that types tell of, but for the names of members.
 *
 * Only what nobody has, or what words alone lead to, becomes a part of a shape. All shapes at one place of one kind are one path: that
 * place is the offset in the data, in an element, or in blocks of one size ("g_state->{136}+0x10"). A structure that has others of its
 * own kind (a tree of vectors) has one path for all of them.
 */
#include "propagation/passes.h"

#include "base/divisor.h"

#include <inttypes.h>

enum {
	PLACES_MAX = 64,   /* shapes of one owner that are told apart by where they are */
	ANCESTORS_MAX = 64 /* that are looked at for one of the same place */
};

/* Shapes of one path. */
struct shape_key {
	uint32_t owner;
	hc_shape_kind kind;
	hc_shape_place place;
};

static unsigned hash_key(const void *data)
{
	const struct shape_key *key = data;

	return key->owner * 31 + (unsigned)(key->place.size * 7 + key->place.offset) * 17 + key->kind;
}

static int equal_keys(const void *a, const void *b)
{
	const struct shape_key *x = a, *y = b;

	return x->owner == y->owner && x->kind == y->kind && x->place.is_in_block == y->place.is_in_block &&
	       x->place.is_in_element == y->place.is_in_element && x->place.has_offset == y->place.has_offset &&
	       x->place.size == y->place.size && x->place.offset == y->place.offset;
}

/* Whether a block is nobody's, or somebody's by words alone. */
static bool may_be_claimed(void *data, uint32_t number)
{
	const hc_types *types = data;
	uint32_t owner = types->owner_of[number];

	return !owner || (owner != HC_OWNER_CLOSED && hc_types_owner(types, owner)->certainty == HC_CERTAINTY_UNKNOWN);
}

void hc_propagation_begin_shapes(hc_propagation *propagation)
{
	propagation->shapes =
		hc_shapes_create(propagation->core, propagation->blocks, may_be_claimed, propagation->types);
	propagation->shape_owners = g_hash_table_new_full(hash_key, equal_keys, g_free, NULL);
}

void hc_propagation_end_shapes(hc_propagation *propagation)
{
	g_clear_pointer(&propagation->shapes, hc_shapes_destroy);
	g_clear_pointer(&propagation->shape_owners, g_hash_table_unref);
}

bool hc_propagation_find_shape(hc_propagation *propagation, hc_address address, hc_shape *ret_shape)
{
	return hc_shapes_find(propagation->shapes, address, ret_shape);
}

/* ---- owners ---- */

/* "", "+0x40", "->{136}+0x10"; ".string-like" in elements whose size is not known. Free with g_free(). */
static char *name_of(const struct shape_key *key)
{
	const hc_shape_place *place = &key->place;
	g_autofree char *block = place->is_in_block ? g_strdup_printf("->{%" PRIu64 "}", place->size) : g_strdup(""),
			*offset = place->has_offset && place->offset ? g_strdup_printf("+%#" PRIx64, place->offset) :
								       g_strdup("");

	if (!place->has_offset)
		return g_strconcat(block, ".", hc_shape_kind_name(key->kind), NULL);
	return g_strconcat(block, offset, NULL);
}

/* A shape above OWNER that is at such a place as well, in an element: structures have others of their own kind. */
static hc_owner *find_above(hc_owner *owner, hc_shape_kind kind, const char *name)
{
	unsigned steps = 0;

	for (; owner && steps < ANCESTORS_MAX; owner = owner->parent, steps++)
		if (owner->shape == kind && owner->parent && owner->parent->step == HC_STEP_ELEMENT &&
			!strcmp(owner->name, name))
			return owner;
	return NULL;
}

/* The nearest shape of KIND above OWNER, of a path that is as long as it may be; NULL: there is none. */
static hc_owner *find_nearest(hc_owner *owner, hc_shape_kind kind)
{
	for (unsigned steps = 0; owner && steps < ANCESTORS_MAX; owner = owner->parent, steps++)
		if (owner->shape == kind && !owner->is_index)
			return owner;
	return NULL;
}

static bool is_deep(const hc_owner *owner)
{
	unsigned steps = 0;

	while ((owner = owner->parent) && steps < ANCESTORS_MAX)
		steps++;
	return steps == ANCESTORS_MAX;
}

/* NULL: the path would be too long. */
static hc_owner *make_owner(hc_propagation *propagation, hc_owner *owner, const struct shape_key *key, bool is_guess)
{
	hc_owners *owners = propagation->owners;
	g_autofree char *name = name_of(key);
	hc_owner *made = find_above(owner, key->kind, name);

	if (made || is_deep(owner))
		return made ? made : find_nearest(owner, key->kind);
	made = hc_owners_add(owners, owner, HC_STEP_SHAPE, NULL, NULL, HC_CERTAINTY_CERTAIN);
	made->name = g_string_chunk_insert_const(owners->texts, name);
	made->shape = key->kind;
	made->certainty = is_guess ? HC_CERTAINTY_GUESS : HC_CERTAINTY_DEDUCED;
	return made;
}

/* The path of shapes of KIND at PLACE of OWNER; NULL: there are too many paths, or it would be too long. */
static hc_owner *owner_of_shape(
	hc_propagation *propagation, hc_owner *owner, const hc_shape *shape, const hc_shape_place *place)
{
	struct shape_key key = { owner->number, shape->kind, *place };
	hc_owner *known = g_hash_table_lookup(propagation->shape_owners, &key);

	/* That is an array: how large its block is changes as it grows. */
	if (!known && owner->shape_places >= PLACES_MAX) {
		key.place = (hc_shape_place){ .is_in_element = place->is_in_element };
		known = g_hash_table_lookup(propagation->shape_owners, &key);
	}
	if (!known && !propagation->owners->full) {
		known = make_owner(propagation, owner, &key, shape->is_guess);
		if (!known)
			return NULL;
		owner->shape_places++;
		g_hash_table_insert(propagation->shape_owners, g_memdup2(&key, sizeof key), known);
	}
	if (known && shape->is_guess)
		known->certainty = HC_CERTAINTY_GUESS;
	return known;
}

static hc_owner *index_owner(hc_propagation *propagation, hc_owner *container)
{
	if (!container->index && !propagation->owners->full) {
		hc_owner *index =
			hc_owners_add(propagation->owners, container, HC_STEP_CLASS, NULL, NULL, container->certainty);

		index->shape = container->shape;
		index->is_own = index->is_index = true;
		container->index = index;
	}
	return container->index ? container->index : container;
}

static hc_owner *element_owner(hc_propagation *propagation, hc_owner *container)
{
	if (!container->elements[0] && !propagation->owners->full)
		container->elements[0] = hc_owners_add(
			propagation->owners, container, HC_STEP_ELEMENT, NULL, NULL, HC_CERTAINTY_UNKNOWN);
	return container->elements[0] ? container->elements[0] : container;
}

/* ---- blocks ---- */

/* Makes the block at ADDRESS OWNER's. Returns its usable bytes; 0 if it is none, or was a part of the shape already. */
static uint64_t claim_block(hc_propagation *propagation, const hc_owner *owner, hc_address address)
{
	hc_spot spot;

	if (!hc_propagation_locate(propagation, address, &spot) ||
		!hc_propagation_claim(propagation, spot.number, owner))
		return 0;
	return hc_blocks_usable_size(propagation->blocks, spot.region, address);
}

/* Whether a word in [start, end) may be an address of a block. */
static bool leads_anywhere(hc_propagation *propagation, hc_address start, hc_address end)
{
	uint64_t value;

	for (; start + propagation->format.size <= end; start += propagation->format.size)
		if (hc_propagation_load(propagation, start, &value) &&
			hc_blocks_may_contain(propagation->blocks, value))
			return true;
	return false;
}

/* What lies in [start, end) is looked at when all that is as near has been. */
static void wait_for_range(hc_propagation *propagation, hc_owner *container, hc_address start, hc_address end)
{
	if (start >= end || !leads_anywhere(propagation, start, end))
		return;
	hc_edge edge = { .value = start,
		.holder = end,
		.owner = element_owner(propagation, container)->number,
		.part = HC_EDGE_RANGE };

	hc_propagation_defer_edge(propagation, &edge, HC_CERTAINTY_GUESS);
}

static void claim_blocks(hc_propagation *propagation, hc_owner *container, const hc_shape *shape)
{
	for (unsigned i = 0; i < shape->blocks->len; i++) {
		hc_address address = g_array_index(shape->blocks, hc_address, i), start = address + shape->value;
		uint64_t size = claim_block(propagation, container, address);

		/* In memory that is damaged one block may be several nodes: it would be looked at that often. */
		if (!size)
			continue;
		/* Some nodes have a few bytes more than was asked for. */
		if (shape->node_bytes)
			size = shape->node_bytes;
		hc_address end = address + size;

		if (i == 0 && shape->from)
			start = shape->from;
		if (i + 1 == shape->blocks->len && shape->to)
			end = MIN(end, shape->to);
		container->elements_bytes += shape->from ? 0 : size - MIN(size, shape->value);
		wait_for_range(propagation, container, start, end);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(shape->index); i++)
		if (shape->index[i])
			claim_block(propagation, index_owner(propagation, container), shape->index[i]);
}

static void count_nodes(const hc_propagation *propagation, hc_owner *container, uint64_t bytes)
{
	if (!container->containers)
		container->node_bytes = bytes;
	else if (container->node_bytes && bytes > container->node_bytes + propagation->blocks->alignment)
		container->node_bytes = 0;
	else
		container->node_bytes = MIN(container->node_bytes, bytes);
}

/* The elements of SHAPE; where it does not show how large they are, others of its place may have shown it. */
static uint64_t count_elements(hc_owner *container, const hc_shape *shape)
{
	if (!container->stride)
		container->stride = container->has_strides ? 0 : shape->stride;
	else if (shape->stride && shape->stride != container->stride)
		container->stride = 0;
	container->has_strides |= shape->stride != 0;
	if (shape->from)
		container->whole = hc_greatest_divisor(container->whole, shape->whole ? shape->whole : shape->bytes);
	if (shape->count != UINT64_MAX)
		return shape->count;
	return container->stride && shape->bytes % container->stride == 0 ? shape->bytes / container->stride :
									    UINT64_MAX;
}

static void count(hc_propagation *propagation, hc_owner *container, const hc_shape *shape)
{
	uint64_t elements = count_elements(container, shape);
	bool is_counted = elements != UINT64_MAX;

	count_nodes(propagation, container, shape->node_bytes);
	container->is_uncounted |= !is_counted;
	container->containers++;
	container->claimed += is_counted ? elements : 0;
	container->walked += is_counted ? elements : 0;
	container->elements_bytes += shape->from ? shape->bytes : 0;
	container->has_capacity |= shape->capacity != UINT64_MAX;
	container->capacity += shape->capacity == UINT64_MAX ? 0 : shape->capacity;
	container->grades[is_counted ? HC_GRADE_EXACT : HC_GRADE_BOUND]++;
	if (!container->largest || (is_counted && elements > container->largest_elements)) {
		container->largest = shape->head;
		container->largest_elements = is_counted ? elements : 0;
	}
}

void hc_propagation_claim_shape(
	hc_propagation *propagation, hc_owner *owner, const hc_shape *shape, const hc_shape_place *place)
{
	hc_owner *container = owner_of_shape(propagation, owner, shape, place);

	if (!container) {
		hc_shapes_refuse(propagation->shapes);
		return;
	}
	count(propagation, container, shape);
	claim_blocks(propagation, container, shape);
}
