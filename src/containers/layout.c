/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which description fits a type.
 *
 * Descriptions are asked in the order in which they were added; of those that tell a type's name only these. A description fits if its
 * shape is there, `when` holds, and all of its keys compile. What a program does to a type (another version of a library, another
 * name of a member) is thus said in the files: the description that fits is the right one. Each type is asked for once.
 */
#include "base/text.h"
#include "containers/compiler.h"

#include <string.h>

enum {
	LINKS_MAX = 8,	/* members of one node that could be a list's link */
	LINK_DEPTH = 3, /* structs in structs that they are looked for in */
};

static const hc_diagnostic_kind no_fit = {
	"container-does-not-fit", HC_SEVERITY_NOTE,
	"types have the name of a container, or an annotation, but no description fits them: they are read as plain structs"
};

/* ---- fitting ---- */

void hc_layout_free(void *data)
{
	hc_layout *layout = data;

	g_ptr_array_unref(layout->code);
	g_ptr_array_unref(layout->texts);
	g_free(layout->programs);
	g_free(layout);
}

typedef struct candidate {
	hc_container_set *set;
	const hc_type *type;
	const hc_annotation *annotation;
	hc_holder holder;
	char **misfit; /* what the first description that has the type's name, and does not fit, says */
} candidate;

/* The name that descriptions match. A type that is declared only has no other. */
static const char *match_name(const hc_type *type)
{
	const char *name = hc_type_template_name(type);

	return name || hc_type_get_kind(type) != HC_TYPE_INCOMPLETE ? name : hc_type_name(type);
}

static bool has_shape(const hc_description *description, const hc_type *type)
{
	for (unsigned i = 0; description->shape && i < description->shape->len; i++) {
		char **names = description->shape->pdata[i];
		uint64_t offset;

		while (*names && !hc_type_find_field(type, *names, &offset))
			names++;
		if (!*names)
			return false;
	}
	return true;
}

static bool has_name(const hc_description *description, const char *name)
{
	if (!description->match)
		return true;
	for (unsigned i = 0; name && i < description->match->len; i++)
		if (!strcmp(description->match->pdata[i], name))
			return true;
	for (unsigned i = 0; name && i < description->patterns->len; i++)
		if (hc_text_matches(description->patterns->pdata[i], name))
			return true;
	return false;
}

/* Whether the object that LAYOUT, of kind single, holds is of the type that is declared, as far as that can be told. */
static bool is_plain_object(const hc_layout *layout)
{
	const hc_type *element = layout->element;
	hc_type_kind kind = element ? hc_type_get_kind(element) : HC_TYPE_VOID;

	return element && layout->description->known[HC_KEY_CLASS_OF] == HC_NO_KEY && kind != HC_TYPE_ARRAY &&
	       !(kind == HC_TYPE_STRUCT && hc_type_is_polymorphic(element));
}

/* Whether its programs ask for no symbols, and its kind for no types. */
static bool is_pure(const hc_layout *layout)
{
	const hc_description *description = layout->description;

	if (description->kind > HC_WALK_SINGLE || (description->kind == HC_WALK_SINGLE && !is_plain_object(layout)))
		return false;
	for (unsigned i = 0; i < description->key_count; i++)
		for (unsigned j = 0; j < layout->programs[i].length; j++)
			if (layout->programs[i].code[j].code == HC_CODE_SYMBOL)
				return false;
	return true;
}

static hc_layout *make_layout(const candidate *of, const hc_description *description, const hc_type *node,
	const hc_field *link, uint64_t link_offset, char **ret_message)
{
	hc_layout *layout = g_new0(hc_layout, 1);

	layout->set = of->set;
	layout->description = description;
	layout->annotation = of->annotation;
	layout->holder = of->holder;
	layout->type = of->type;
	layout->node = node;
	layout->link_field = link;
	layout->link_offset = link_offset;
	layout->code = g_ptr_array_new_with_free_func(g_free);
	layout->texts = g_ptr_array_new();
	layout->programs = g_new0(hc_program, description->key_count);
	if (!hc_layout_compile(layout, ret_message)) {
		hc_layout_free(layout);
		return NULL;
	}
	layout->element_size = layout->element ? hc_type_size(layout->element) : 0;
	layout->object_size = hc_type_size(of->type);
	layout->object_mask = MIN(hc_type_alignment(of->type), of->set->reader.format.size) - 1;
	layout->element_alignment = layout->element ? MIN(hc_type_alignment(layout->element), 4096) : 1;
	layout->element_mask = layout->element ? MIN(layout->element_alignment, 16) - 1 : 0;
	layout->mapped_size = layout->mapped ? hc_type_size(layout->mapped) : 0;
	layout->is_pure = is_pure(layout);
	g_ptr_array_add(of->set->all_layouts, layout);
	return layout;
}

hc_layout *hc_layout_make_holder(const hc_layout *layout, hc_holder holder)
{
	g_autofree char *message = NULL;
	const candidate of = {
		.set = layout->set, .type = layout->type, .annotation = layout->annotation, .holder = holder
	};
	hc_layout *made = make_layout(&of, layout->description, NULL, NULL, 0, &message);

	if (made)
		made->through_pointer = layout->through_pointer;
	return made;
}

/* ---- links: a list through one of the members of its nodes ---- */

typedef struct link_search {
	const candidate *of;
	const hc_description *description;
	const hc_type *node;
	hc_layout *first, **last;
	unsigned found;
	char *message;
} link_search;

static void find_links(link_search *search, const hc_type *type, uint64_t base, unsigned depth)
{
	for (unsigned i = 0; i < hc_type_field_count(type) && search->found < LINKS_MAX; i++) {
		const hc_field *field = hc_type_field(type, i);
		hc_layout *layout;
		uint64_t offset;

		if (hc_type_get_kind(field->type) != HC_TYPE_STRUCT)
			continue;
		if (!field->name || !hc_type_find_field(field->type, search->description->link, &offset)) {
			if (depth < LINK_DEPTH)
				find_links(search, field->type, base + field->offset, depth + 1);
			continue;
		}
		search->found++;
		g_clear_pointer(&search->message, g_free);
		layout = make_layout(
			search->of, search->description, search->node, field, base + field->offset, &search->message);
		if (layout) {
			*search->last = layout;
			search->last = &layout->next_link;
		}
	}
}

/* The node's type: what the first pointer of the shape leads to. */
static const hc_type *linked_type(const hc_description *description, const hc_type *type)
{
	char **names = description->shape && description->shape->len ? description->shape->pdata[0] : NULL;
	const hc_field *field = NULL;
	uint64_t offset;

	while (names && *names && !field)
		field = hc_type_find_field(type, *names++, &offset);
	return field && hc_type_get_kind(field->type) == HC_TYPE_POINTER ? hc_type_target(field->type) : NULL;
}

static hc_layout *fit_links(const candidate *of, const hc_description *description, const hc_type *object)
{
	link_search search = { of, description, linked_type(description, object), NULL, NULL, 0, NULL };

	search.last = &search.first;
	if (search.node && hc_type_get_kind(search.node) == HC_TYPE_STRUCT)
		find_links(&search, search.node, 0, 0);
	g_free(search.message);
	return search.first;
}

static hc_layout *fit(const candidate *of, const hc_description *description)
{
	const hc_type *object = of->type;
	bool is_pointer = hc_type_get_kind(object) == HC_TYPE_POINTER;
	g_autofree char *message = NULL;
	hc_layout *layout;

	if (description->is_pointer != is_pointer ||
		description->is_array != (hc_type_get_kind(object) == HC_TYPE_ARRAY))
		return NULL;
	if (is_pointer)
		object = hc_type_target(object);
	if (!object || !has_name(description, match_name(object)) || !has_shape(description, object))
		return NULL;
	if (description->link)
		return fit_links(of, description, object);
	layout = make_layout(of, description, NULL, NULL, 0, &message);
	if (!layout && message && description->match && !*of->misfit)
		*of->misfit = g_strdup_printf("[%s]: %s", description->name, message);
	return layout;
}

/* Both lists are in the order of the descriptions. */
static hc_layout *first_fit(const candidate *of, const GPtrArray *named, const GPtrArray *others)
{
	unsigned i = 0, j = 0;

	while ((named && i < named->len) || j < others->len) {
		const hc_description *a = named && i < named->len ? named->pdata[i] : NULL,
				     *b = j < others->len ? others->pdata[j] : NULL;
		bool take_named = a && (!b || a->order <= b->order);
		hc_layout *layout;

		i += take_named;
		j += !take_named;
		layout = fit(of, take_named ? a : b);
		if (layout)
			return layout;
	}
	return NULL;
}

static bool may_be_container(const hc_type *type)
{
	hc_type_kind kind = hc_type_get_kind(type);

	if (kind == HC_TYPE_ARRAY)
		return true;
	if (kind == HC_TYPE_POINTER) {
		type = hc_type_target(type);
		kind = type ? hc_type_get_kind(type) : HC_TYPE_VOID;
	}
	return kind == HC_TYPE_STRUCT || kind == HC_TYPE_UNION || kind == HC_TYPE_INCOMPLETE;
}

static hc_layout *find_named(const candidate *of)
{
	const hc_type *object = of->type;
	const char *name;

	if (!may_be_container(object))
		return NULL;
	if (hc_type_get_kind(object) == HC_TYPE_POINTER)
		object = hc_type_target(object);
	name = match_name(object);
	return first_fit(of, name ? g_hash_table_lookup(of->set->descriptions.by_name, name) : NULL,
		of->set->descriptions.by_shape);
}

/* The user has told of a variable: if that is a pointer, what it leads to is meant, unless pointers themselves are such containers. */
static hc_layout *find_annotated(const candidate *of)
{
	const char *as = of->annotation->as;
	const hc_description *description = as ? hc_descriptions_find(&of->set->descriptions, as) : NULL;
	bool is_pointer = hc_type_get_kind(of->type) == HC_TYPE_POINTER;
	candidate target = *of;
	hc_layout *layout;

	if (as && !description) {
		*of->misfit = g_strdup_printf("there is no group [%s]", as);
		return NULL;
	}
	if (!as || !is_pointer || description->is_pointer) {
		layout = as ? make_layout(of, description, NULL, NULL, 0, of->misfit) : find_named(of);
		if (layout || !is_pointer)
			return layout;
	}
	target.type = hc_type_target(of->type);
	if (!target.type)
		return NULL;
	layout = as ? make_layout(&target, description, NULL, NULL, 0, of->misfit) : find_named(&target);
	for (hc_layout *link = layout; link; link = link->next_link)
		link->through_pointer = true;
	return layout;
}

/* LAYOUT's object is called a container, and is one by its first member, of a smaller type or the only one. */
static hc_layout *find_layout_of_member(const hc_layout *layout, char **ret_misfit)
{
	const hc_program *data = hc_layout_program(layout, HC_KEY_DATA);
	hc_container_set *set = layout->set;

	if (!data->is_member || data->offset || !data->type || data->type == layout->type ||
		hc_type_size(data->type) > hc_type_size(layout->type)) {
		*ret_misfit = g_strdup_printf("[%s]: data is not its first member", layout->description->name);
		return NULL;
	}
	/* A damaged file may let types contain each other. */
	g_hash_table_insert(set->layouts, (void *)layout->type, NULL);
	return (hc_layout *)hc_container_set_layout(set, data->type, NULL);
}

static hc_layout *find_layout(hc_container_set *set, const hc_type *type, const hc_annotation *annotation)
{
	g_autofree char *misfit = NULL;
	const candidate of = { .set = set, .type = type, .annotation = annotation, .misfit = &misfit };
	hc_layout *layout = annotation ? find_annotated(&of) : find_named(&of);

	if (layout && layout->description->kind == HC_WALK_MEMBER)
		layout = find_layout_of_member(layout, &misfit);
	if (!layout && misfit)
		hc_diagnostics_add(set->diagnostics, &no_fit, 0, "%s: %s",
			annotation ? annotation->name : hc_type_short_name(type), misfit);
	return layout;
}

/* True if NAME, "struct.member", is of a member of the node's own: a link, not the list that it is in. */
static bool is_link(const hc_layout *layout, const char *name)
{
	const hc_type *node = layout->node ? layout->node : layout->element;
	const char *node_name = node ? hc_type_name(node) : NULL;
	size_t length = node_name ? strlen(node_name) : 0;

	return length && !strncmp(name, node_name, length) && name[length] == '.';
}

const hc_layout *hc_container_set_layout(hc_container_set *set, const hc_type *type, const char *name)
{
	const hc_annotation *annotation = name ? g_hash_table_lookup(set->descriptions.annotations, name) : NULL;
	hc_layout *layout;
	void *found;

	if (!type)
		return NULL;
	if (annotation) {
		g_autofree char *key = g_strdup_printf("%s\n%p", name, (const void *)type);

		if (!g_hash_table_lookup_extended(set->named, key, NULL, &found)) {
			found = find_layout(set, type, annotation);
			g_hash_table_insert(set->named, g_steal_pointer(&key), found);
		}
		return found;
	}
	if (!g_hash_table_lookup_extended(set->layouts, type, NULL, &found)) {
		found = find_layout(set, type, annotation);
		g_hash_table_insert(set->layouts, (void *)type, found);
	}
	layout = found;
	if (!layout)
		return NULL;
	if (layout->description->variables_only && (!name || strchr(name, '.')))
		return NULL;
	return name && layout->description->is_pointer && is_link(layout, name) ? NULL : layout;
}

/* ---- what a layout is ---- */

hc_walk_kind hc_layout_kind(const hc_layout *layout)
{
	return layout->description->kind;
}

const char *hc_layout_description(const hc_layout *layout)
{
	return layout->description->name;
}

const hc_type *hc_layout_type(const hc_layout *layout)
{
	return layout->type;
}

const hc_type *hc_layout_element(const hc_layout *layout)
{
	return layout->element;
}

const hc_type *hc_layout_mapped(const hc_layout *layout)
{
	return layout->mapped;
}

bool hc_layout_by_pointer(const hc_layout *layout)
{
	return layout->by_pointer;
}

bool hc_layout_is_guess(const hc_layout *layout)
{
	return layout->description->is_guess;
}

bool hc_layout_is_keyed(const hc_layout *layout)
{
	const hc_description *description = layout->description;

	for (unsigned i = 0; description->kind == HC_WALK_LINKED && i < description->memory_count; i++)
		if (description->keys[description->memories[i]].role == HC_MEMORY_INDEX)
			return true;
	return description->kind == HC_WALK_TREE || description->kind == HC_WALK_BUCKETS ||
	       description->kind == HC_WALK_SLOTS;
}

bool hc_layout_element_offset(const hc_layout *layout, uint64_t *ret_offset)
{
	const hc_program *value = hc_layout_program(layout, HC_KEY_VALUE);
	hc_walk_kind kind = layout->description->kind;

	if (kind != HC_WALK_LINKED && kind != HC_WALK_TREE && kind != HC_WALK_BUCKETS)
		return false;
	if (value && !value->is_constant)
		return false;
	*ret_offset = value ? value->value : layout->link_value;
	return *ret_offset < INT64_MAX;
}

bool hc_layout_is_queue(const hc_layout *layout)
{
	const hc_description *description = layout->description;

	return description->kind == HC_WALK_SEGMENTED ||
	       (description->kind == HC_WALK_LINKED && !hc_layout_is_keyed(layout)) ||
	       (description->kind == HC_WALK_CONTIGUOUS && description->known[HC_KEY_WRAP] != HC_NO_KEY);
}

bool hc_layout_is_view(const hc_layout *layout)
{
	return layout->description->is_view;
}

bool hc_layout_is_string(const hc_layout *layout)
{
	return layout->description->is_text;
}
