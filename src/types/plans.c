/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans: what of an object must be looked at.
 *
 * Most members of most types are numbers. A plan is the list of those that are not, flat over members and base classes, so that an
 * object costs what it holds and no more. Types contain each other by value only finitely deep; arrays refer to the plan of their
 * element.
 */
#include "types/plans.h"

#include <inttypes.h>

enum {
	PARTS_MAX = 4096, /* of one plan: a damaged file could nest to no end */
	DEPTH_MAX = 64,
	APART_MAX = 16
};

struct hc_plans {
	hc_container_set *set;
	GHashTable *by_type;   /* hc_type -> hc_plan */
	GHashTable *contained; /* struct containment -> whether */
	GPtrArray *named;      /* plans for a variable of that name alone */
	GStringChunk *names;
};

struct containment {
	const hc_type *outer, *inner;
};

static unsigned hash_containment(const void *data)
{
	const struct containment *containment = data;

	return g_direct_hash(containment->outer) * 31 + g_direct_hash(containment->inner);
}

static int equal_containments(const void *a, const void *b)
{
	const struct containment *x = a, *y = b;

	return x->outer == y->outer && x->inner == y->inner;
}

static void plan_destroy(void *data)
{
	hc_plan *plan = data;

	g_array_unref(plan->parts);
	g_free(plan);
}

hc_plans *hc_plans_create(hc_container_set *set)
{
	hc_plans *plans = g_new0(hc_plans, 1);

	plans->set = set;
	plans->by_type = g_hash_table_new_full(NULL, NULL, NULL, plan_destroy);
	plans->contained = g_hash_table_new_full(hash_containment, equal_containments, g_free, NULL);
	plans->named = g_ptr_array_new_with_free_func(plan_destroy);
	plans->names = g_string_chunk_new(4096);
	return plans;
}

void hc_plans_destroy(hc_plans *plans)
{
	if (!plans)
		return;
	g_hash_table_unref(plans->by_type);
	g_hash_table_unref(plans->contained);
	g_ptr_array_unref(plans->named);
	g_string_chunk_free(plans->names);
	g_free(plans);
}

/* ---- parts ---- */

struct maker {
	hc_plans *plans;
	hc_plan *plan;
	const hc_type *owner; /* the struct whose members are added: annotations name "struct.member" */
};

static void add_type(struct maker *maker, const hc_type *type, uint64_t offset, const char *name,
	const char *annotation, unsigned depth);

/* Whether an object of KIND may have parts, or be one. */
static bool may_have_parts(hc_type_kind kind)
{
	return kind == HC_TYPE_ARRAY || kind == HC_TYPE_POINTER || kind == HC_TYPE_REFERENCE ||
	       kind == HC_TYPE_STRUCT || kind == HC_TYPE_UNION || kind == HC_TYPE_INCOMPLETE;
}

static void add_part(struct maker *maker, hc_part part, const char *name)
{
	part.name = g_string_chunk_insert_const(maker->plans->names, name);
	g_array_append_val(maker->plan->parts, part);
}

static void add_array(struct maker *maker, const hc_type *type, uint64_t offset, const char *name)
{
	const hc_type *element = hc_type_target(type);
	const hc_plan *plan = element ? hc_plans_get(maker->plans, element, NULL) : NULL;

	if (!plan || !plan->parts->len || !hc_type_size(element))
		return;
	/* Few containers side by side are told apart. */
	if (hc_type_count(type) && hc_type_count(type) <= APART_MAX &&
		hc_container_set_layout(maker->plans->set, element, NULL)) {
		for (uint64_t i = 0; i < hc_type_count(type); i++) {
			g_autofree char *place = g_strdup_printf("%s[%" PRIu64 "]", name, i);

			add_type(maker, element, offset + i * hc_type_size(element), place, NULL, DEPTH_MAX / 2);
		}
		return;
	}
	add_part(maker,
		(hc_part){ .kind = HC_PART_ARRAY,
			.offset = offset,
			.type = element,
			.plan = plan,
			.count = hc_type_count(type),
			.stride = hc_type_size(element) },
		name);
}

static void add_fields(struct maker *maker, const hc_type *type, uint64_t offset, const char *name, unsigned depth)
{
	const hc_type *outer = maker->owner;

	maker->owner = type;
	for (unsigned i = 0; i < hc_type_field_count(type) && maker->plan->parts->len < PARTS_MAX; i++) {
		const hc_field *field = hc_type_field(type, i);

		if (field->is_virtual || field->bit_size || !may_have_parts(hc_type_get_kind(field->type)))
			continue;
		const char *own_name = field->name ? field->name : "";
		const char *type_name = hc_type_template_name(type);
		g_autofree char *path = *name && *own_name ? g_strconcat(name, ".", own_name, NULL) :
							     g_strdup(*name ? name : own_name);
		g_autofree char *annotation = type_name && *own_name ? g_strconcat(type_name, ".", own_name, NULL) :
								       NULL;

		add_type(maker, field->type, offset + field->offset, path, annotation, depth + 1);
	}
	maker->owner = outer;
}

/*
 * Whether the pointer of TYPE, in OWNER, is a list's way to a pointer that leads to a node, so as to
 * change it: { T *first; T **last }, { T *next; T **previous } (queue(7), hlist_node of Linux). That
 * pointer is a part of something, and nothing tells of what.
 */
static bool is_link(const hc_type *owner, const hc_type *type)
{
	const hc_type *first;

	if (!owner || hc_type_get_kind(owner) != HC_TYPE_STRUCT || hc_type_field_count(owner) != 2)
		return false;
	first = hc_type_field(owner, 0)->type;
	return hc_type_get_kind(first) == HC_TYPE_POINTER && hc_type_field(owner, 1)->type == type &&
	       hc_type_target(type) == first;
}

static void add_pointer(struct maker *maker, const hc_type *type, uint64_t offset, const char *name)
{
	const hc_type *target = hc_type_target(type);

	if (target && hc_type_get_kind(target) != HC_TYPE_FUNCTION)
		add_part(maker,
			(hc_part){ .kind = HC_PART_POINTER,
				.offset = offset,
				.type = target,
				.is_link = is_link(maker->owner, type) },
			name);
}

/* A description by shape may be wrong: then the members are looked at one by one. */
static void add_container(
	struct maker *maker, const hc_type *type, const hc_layout *layout, uint64_t offset, const char *name)
{
	hc_part part = { .kind = HC_PART_CONTAINER, .offset = offset, .type = type, .layout = layout };

	if (hc_layout_is_guess(layout)) {
		hc_plan *plain = g_new0(hc_plan, 1);
		struct maker inner = { .plans = maker->plans, .plan = plain };

		plain->type = type;
		plain->parts = g_array_new(FALSE, FALSE, sizeof(hc_part));
		g_ptr_array_add(maker->plans->named, plain);
		if (hc_type_get_kind(type) == HC_TYPE_POINTER)
			add_pointer(&inner, type, 0, "");
		else if (hc_type_get_kind(type) == HC_TYPE_ARRAY)
			add_array(&inner, type, 0, "");
		else
			add_fields(&inner, type, 0, "", 1);
		part.plan = plain;
	}
	add_part(maker, part, name);
}

/* Whether a member of the union TYPE is a pointer: of what else is in it nothing can be told. */
static bool has_pointer(const hc_type *type)
{
	for (unsigned i = 0; i < hc_type_field_count(type); i++)
		if (hc_type_get_kind(hc_type_field(type, i)->type) == HC_TYPE_POINTER)
			return true;
	return false;
}

static void add_type(struct maker *maker, const hc_type *type, uint64_t offset, const char *name,
	const char *annotation, unsigned depth)
{
	hc_type_kind kind = hc_type_get_kind(type);
	const hc_layout *layout;

	if (depth > DEPTH_MAX || maker->plan->parts->len >= PARTS_MAX)
		return;
	if (kind == HC_TYPE_REFERENCE)
		return add_pointer(maker, type, offset, name);
	if (!may_have_parts(kind))
		return;
	layout = hc_container_set_layout(maker->plans->set, type, annotation);
	if (layout && hc_layout_is_view(layout))
		layout = NULL;
	if (layout)
		add_container(maker, type, layout, offset, name);
	else if (kind == HC_TYPE_ARRAY)
		add_array(maker, type, offset, name);
	else if (kind == HC_TYPE_POINTER)
		add_pointer(maker, type, offset, name);
	else if (kind == HC_TYPE_STRUCT)
		add_fields(maker, type, offset, name, depth);
	else if (kind == HC_TYPE_UNION && has_pointer(type))
		add_part(maker, (hc_part){ .kind = HC_PART_UNION, .offset = offset, .type = type }, name);
}

static hc_plan *make_plan(hc_plans *plans, const hc_type *type, const char *annotation)
{
	hc_plan *plan = g_new0(hc_plan, 1);
	struct maker maker = { .plans = plans, .plan = plan };

	plan->type = type;
	plan->parts = g_array_new(FALSE, FALSE, sizeof(hc_part));
	plan->is_polymorphic = hc_type_get_kind(type) == HC_TYPE_STRUCT && hc_type_is_polymorphic(type);
	/* Known before it is complete: an array's element cannot contain the array, but a damaged file may say so. */
	if (!annotation)
		g_hash_table_insert(plans->by_type, (gpointer)type, plan);
	else
		g_ptr_array_add(plans->named, plan);
	add_type(&maker, type, 0, "", annotation, 0);
	return plan;
}

/* What a description says of a variable by its name, or of variables only, is no plan for the type. */
const hc_plan *hc_plans_get(hc_plans *plans, const hc_type *type, const char *name)
{
	const hc_plan *plan;

	if (name && hc_container_set_layout(plans->set, type, name) != hc_container_set_layout(plans->set, type, NULL))
		return make_plan(plans, type, name);
	plan = g_hash_table_lookup(plans->by_type, type);
	return plan ? plan : make_plan(plans, type, NULL);
}

/* ---- containment ---- */

static bool holds(const hc_type *outer, const hc_type *inner, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	if (hc_type_get_kind(outer) == HC_TYPE_ARRAY && hc_type_target(outer))
		return hc_type_target(outer) == inner || holds(hc_type_target(outer), inner, depth + 1);
	for (unsigned i = 0; i < hc_type_field_count(outer); i++) {
		const hc_field *field = hc_type_field(outer, i);

		if (field->type == inner || holds(field->type, inner, depth + 1))
			return true;
	}
	return false;
}

bool hc_plans_contains(hc_plans *plans, const hc_type *outer, const hc_type *inner)
{
	struct containment containment = { outer, inner };
	gpointer known;

	if (g_hash_table_lookup_extended(plans->contained, &containment, NULL, &known))
		return GPOINTER_TO_INT(known);
	bool contains = holds(outer, inner, 0);

	g_hash_table_insert(plans->contained, g_memdup2(&containment, sizeof containment), GINT_TO_POINTER(contains));
	return contains;
}

/* ---- elements ---- */

/* Whether an element of TYPE (NULL: a pointer to anything) has to be looked at. */
static bool has_parts(hc_plans *plans, const hc_layout *layout, const hc_type *type)
{
	return !type || hc_layout_is_single(layout) || hc_layout_by_pointer(layout) ||
	       hc_plans_get(plans, type, NULL)->parts->len;
}

hc_record_wants hc_plans_wants(hc_plans *plans, const hc_layout *layout)
{
	const hc_type *mapped = hc_layout_mapped(layout);

	return (hc_record_wants){
		.element = has_parts(plans, layout, hc_layout_element(layout)),
		.mapped = mapped && has_parts(plans, layout, mapped),
	};
}
