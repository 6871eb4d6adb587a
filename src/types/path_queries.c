/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking for the tree of paths that the stage made. */
#include "types/types.h"

uint32_t hc_types_path_count(const hc_types *types)
{
	return types->owners->list->len - 1;
}

static hc_container_parts parts_of(const hc_owner *owner)
{
	if (owner->is_intrusive)
		return HC_PARTS_NONE;
	switch (hc_layout_kind(owner->layout)) {
	case HC_WALK_CONTIGUOUS:
	case HC_WALK_SEGMENTED:
		return HC_PARTS_BUFFERS;
	case HC_WALK_LINKED:
	case HC_WALK_TREE:
		return HC_PARTS_NODES;
	case HC_WALK_BUCKETS:
		return HC_PARTS_NODES_AND_BUCKETS;
	case HC_WALK_SLOTS:
		return HC_PARTS_SLOTS;
	default:
		return HC_PARTS_NONE;
	}
}

static hc_container_parts shape_parts(hc_shape_kind kind)
{
	switch (kind) {
	case HC_SHAPE_STRING:
	case HC_SHAPE_VECTOR:
	case HC_SHAPE_DEQUE:
		return HC_PARTS_BUFFERS;
	case HC_SHAPE_HASH:
		return HC_PARTS_NODES_AND_BUCKETS;
	case HC_SHAPE_SLOTS:
		return HC_PARTS_SLOTS;
	default:
		return HC_PARTS_NODES;
	}
}

static void describe_shape(const hc_owner *owner, hc_types_path *path)
{
	hc_shape_kind kind = owner->shape;

	path->is_value = kind == HC_SHAPE_STRING;
	path->is_queue = kind == HC_SHAPE_LIST || kind == HC_SHAPE_RING || kind == HC_SHAPE_DEQUE ||
			 kind == HC_SHAPE_QUEUE;
	path->is_keyed = kind == HC_SHAPE_TREE || kind == HC_SHAPE_HASH || kind == HC_SHAPE_SLOTS;
	path->is_shape = true;
	path->kind = hc_shape_kind_name(kind);
	path->parts = shape_parts(kind);
}

static void describe_layout(const hc_owner *owner, hc_types_path *path)
{
	path->is_value = hc_layout_is_single(owner->layout) || hc_layout_is_string(owner->layout);
	path->is_queue = hc_layout_is_queue(owner->layout);
	path->is_keyed = hc_layout_is_keyed(owner->layout);
	path->kind = hc_layout_description(owner->layout);
	path->parts = parts_of(owner);
	if (hc_layout_is_guess(owner->layout))
		path->certainty = MAX(path->certainty, HC_CERTAINTY_GUESS);
}

static void describe_container(const hc_owner *owner, hc_types_path *path)
{
	/* Of what holds nobody knows how much, the path is all that there is to be told. */
	path->is_container = owner->containers > owner->grades[HC_GRADE_IMPLAUSIBLE] && !owner->is_uncounted;
	if (owner->shape)
		describe_shape(owner, path);
	else
		describe_layout(owner, path);
	path->count = owner->containers - owner->grades[HC_GRADE_IMPLAUSIBLE];
	path->elements = owner->claimed;
	path->capacity = owner->has_capacity ? owner->capacity : UINT64_MAX;
	/* That nothing could be checked is a matter of certainty. */
	path->grade = owner->grades[HC_GRADE_TRUNCATED] ? HC_GRADE_TRUNCATED :
		      owner->grades[HC_GRADE_BOUND]	? HC_GRADE_BOUND :
							  HC_GRADE_EXACT;
	path->elements_bytes = owner->elements_bytes;
	path->largest = owner->largest;
	path->most_elements = owner->largest_elements;
}

void hc_types_path_get(const hc_types *types, uint32_t number, hc_types_path *ret_path)
{
	const hc_owner *owner = hc_types_owner(types, number), *root = owner;

	while (root->parent)
		root = root->parent;
	*ret_path = (hc_types_path){
		.parent = owner->parent ? owner->parent->number : 0,
		.variable = root->variable,
		.root = root->root,
		.type = owner->type,
		.certainty = owner->certainty,
		.is_index = owner->is_index,
		.capacity = UINT64_MAX,
		.own = owner->own,
		.below = owner->below,
		.outside = owner->outside,
		.outside_below = owner->outside_below,
		.outside_places = owner->parcels,
		.outside_resident = owner->outside_resident,
	};
	if (hc_owner_is_container(owner) && !owner->is_index)
		describe_container(owner, ret_path);
}

char *hc_types_path_text(const hc_types *types, uint32_t number)
{
	return hc_owner_path(hc_types_owner(types, number));
}

void hc_types_path_where(const hc_types *types, uint32_t number, hc_where *ret_where)
{
	hc_owner_where(hc_types_owner(types, number), types->core, ret_where);
}

void hc_where_clear(hc_where *where)
{
	g_free((char *)where->name);
	*where = (hc_where){ 0 };
}

char *hc_types_path_type_name(const hc_types *types, uint32_t number)
{
	const hc_owner *owner = hc_types_owner(types, number);

	if (owner->step == HC_STEP_WORD)
		return g_strdup("");
	if (owner->shape)
		return hc_owner_shape_name(owner->is_index ? owner->parent : owner);
	return owner->layout && owner->type ? g_strdup(hc_type_short_name(owner->type)) : hc_owner_type_name(owner);
}

uint32_t hc_types_path_of_block(const hc_types *types, uint32_t number)
{
	uint32_t owner = types->owner_of[number];

	return owner == HC_OWNER_CLOSED ? 0 : owner;
}

uint64_t hc_types_outside(const hc_types *types)
{
	return types->outside;
}

bool hc_types_next_outside(const hc_types *types, uint32_t *next, hc_range *ret_place, uint32_t *ret_path)
{
	while (*next < types->parcels->count) {
		uint32_t number = (*next)++;

		if (!types->parcel_owner[number])
			continue;
		*ret_place = hc_parcels_get(types->parcels, number);
		*ret_path = types->parcel_owner[number];
		return true;
	}
	return false;
}

uint64_t hc_types_outside_in(const hc_types *types, hc_range range, uint64_t *ret_resident)
{
	uint64_t bytes = 0;
	uint32_t number;

	*ret_resident = 0;
	if (!hc_parcels_find(types->parcels, range.start, &number))
		return 0;
	for (; number < types->parcels->count; number++) {
		hc_range parcel = hc_parcels_get(types->parcels, number);

		if (parcel.start >= range.end)
			break;
		if (parcel.start < range.start || !types->parcel_owner[number])
			continue;
		bytes += hc_parcels_touched(types->parcels, number);
		*ret_resident += hc_core_resident(types->core, parcel.start, parcel.end).resident;
	}
	return bytes;
}
