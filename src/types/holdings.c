/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds how much. Each owner was told its blocks (propagation/sizes.c); what hangs below it is added up along the paths,
 * children before parents (they are made later, so their numbers are higher). A container has a row.
 */
#include "types/rows.h"

/* ---- what each has ---- */

/* Of what hangs below an owner its parent has all: children come behind their parents. */
static void add_up_below(hc_types *types)
{
	GPtrArray *list = types->owners->list;

	for (unsigned i = list->len; i-- > 1;) {
		hc_owner *owner = list->pdata[i];

		hc_amount_add(&owner->below, owner->own);
		types->losses.cut_objects += owner->cut_objects;
		if (owner->parent)
			hc_amount_add(&owner->parent->below, owner->below);
	}
}

/* What a smart pointer holds is its own; an object of a derived class as well. Only then is `below` added up from `own`. */
static void give_own(hc_owner *owner)
{
	hc_owner *container = owner;

	while (container && container->step == HC_STEP_CLASS && !container->is_index)
		container = container->parent;
	if (container && container->is_own && container->parent)
		hc_amount_add(&container->parent->given, owner->own);
}

/* Of a shape that was counted in parts of elements, none is exact. */
static void settle_grades(hc_types *types)
{
	GPtrArray *list = types->owners->list;

	for (unsigned i = 1; i < list->len; i++) {
		hc_owner *owner = list->pdata[i];

		if (!hc_owner_is_counted_in_parts(owner))
			continue;
		owner->grades[HC_GRADE_BOUND] += owner->grades[HC_GRADE_EXACT];
		owner->grades[HC_GRADE_EXACT] = 0;
		owner->reason = "an element may be several of these";
	}
}

/* ---- rows of containers ---- */

static hc_grade worst_grade(const hc_owner *owner)
{
	return owner->grades[HC_GRADE_TRUNCATED] ? HC_GRADE_TRUNCATED :
	       owner->grades[HC_GRADE_BOUND]	 ? HC_GRADE_BOUND :
	       owner->grades[HC_GRADE_DEDUCED]	 ? HC_GRADE_DEDUCED :
						   HC_GRADE_EXACT;
}

/* That it is a container, and holds what it is said to hold. */
static hc_certainty container_certainty(const hc_owner *owner)
{
	const hc_owner *element = owner->elements[0];

	if (owner->shape)
		return owner->certainty;
	if (hc_layout_is_guess(owner->layout))
		return MAX(owner->certainty, HC_CERTAINTY_GUESS);
	return element && element->is_own && element->certainty < HC_CERTAINTY_UNKNOWN ?
		       MAX(owner->certainty, element->certainty) :
		       owner->certainty;
}

static const char *deduced_element(const hc_owner *owner)
{
	const hc_owner *element = owner->elements[0];

	/* Lists of one path may hold different things. */
	if (owner->shape || !hc_layout_deduces(owner->layout) || !element || !element->is_own || element->classes)
		return NULL;
	return hc_type_short_name(element->type);
}

static void add_container(hc_types *types, const hc_owner *owner)
{
	g_autofree char *path = NULL;
	g_auto(hc_where) where = { 0 };
	const hc_owner *root = owner;

	if (!hc_owner_is_container(owner) || owner->containers == owner->grades[HC_GRADE_IMPLAUSIBLE])
		return;
	while (root->parent)
		root = root->parent;
	path = hc_owner_path(owner);
	hc_owner_where(owner, types->core, &where);
	g_autofree char *shape = owner->shape ? hc_owner_shape_name(owner) : NULL;
	hc_container container = {
		.number = owner->number,
		.path = hc_types_keep(types, path),
		.where = { where.kind, where.name ? hc_types_keep(types, where.name) : NULL, where.thread,
			where.frame },
		.type = shape ? hc_types_keep(types, shape) : hc_type_short_name(owner->type),
		.kind = shape ? hc_shape_kind_name(owner->shape) : hc_layout_description(owner->layout),
		.is_shape = shape != NULL,
		.node_bytes = owner->node_bytes,
		.is_uncounted = owner->is_uncounted,
		.container_type = owner->type,
		.element = deduced_element(owner),
		.certainty = container_certainty(owner),
		.count = owner->containers - owner->grades[HC_GRADE_IMPLAUSIBLE],
		.elements = owner->claimed,
		.walked = owner->walked,
		.capacity = owner->has_capacity ? owner->capacity : UINT64_MAX,
		.own = owner->own,
		.elements_bytes = owner->elements_bytes,
		.below = owner->below,
		.untouched = owner->untouched,
		.grade = worst_grade(owner),
		.reason = owner->is_uncounted ? "how large elements are is not known" : owner->reason,
		.address = owner->largest,
		.most_elements = owner->largest_elements,
		.variable = root->variable,
	};
	memcpy(container.grades, owner->grades, sizeof container.grades);
	g_array_append_val(types->containers, container);
}

static int compare_containers(const void *a, const void *b)
{
	const hc_container *x = a, *y = b;

	if (x->below.bytes != y->below.bytes)
		return x->below.bytes < y->below.bytes ? 1 : -1;
	if (x->elements != y->elements)
		return x->elements < y->elements ? 1 : -1;
	return strcmp(x->path, y->path);
}

static void add_up_outside(hc_types *types)
{
	size_t hint[2] = { 0 };

	for (uint32_t i = 0; i < types->parcels->count; i++) {
		if (!types->parcel_owner[i])
			continue;
		uint64_t bytes = hc_parcels_touched(types->parcels, i);
		hc_range range = hc_parcels_get(types->parcels, i);

		hc_types_owner(types, types->parcel_owner[i])->outside += bytes;
		hc_types_owner(types, types->parcel_owner[i])->parcels++;
		hc_types_owner(types, types->parcel_owner[i])->outside_resident +=
			hc_core_resident_next(types->core, range.start, range.end, hint).resident;
		types->outside += bytes;
	}
	for (unsigned i = types->owners->list->len; i-- > 1;) {
		hc_owner *owner = hc_types_owner(types, i);

		owner->outside_below += owner->outside;
		if (owner->parent)
			owner->parent->outside_below += owner->outside_below;
	}
}

void hc_types_add_up_holdings(hc_types *types)
{
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		hc_owner *owner = hc_types_owner(types, i);

		owner->own.bytes += owner->pieces_bytes - owner->shared_bytes;
	}
	settle_grades(types);
	add_up_below(types);
	add_up_outside(types);
	for (unsigned i = 1; i < types->owners->list->len; i++)
		give_own(hc_types_owner(types, i));
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		hc_owner *owner = hc_types_owner(types, i);

		hc_amount_add(&owner->own, owner->given);
		add_container(types, owner);
	}
	g_array_sort(types->containers, compare_containers);
	for (unsigned i = 0; i < types->containers->len; i++)
		g_array_index(types->containers, hc_container, i).index = i;
}
