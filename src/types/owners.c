/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds what: a tree of paths.
 *
 * Millions of objects have few paths that lead to them, if all elements of a container count as one, and an object that leads to
 * others of its own type (a list's next node, a tree's children) stands for them. So each block keeps the number of its path's
 * end, and counts of a path are added up once, at the end.
 */
#include "types/owners.h"

#include <inttypes.h>

enum {
	OWNERS_MAX = 1 << 20,
	CLASSES_MAX = 4096,
	PATH_STEPS = 64
};

static void owner_destroy(void *data)
{
	hc_owner *owner = data;

	if (!owner)
		return;
	g_free(owner->targets);
	g_free(owner->root);
	g_clear_pointer(&owner->classes, g_ptr_array_unref);
	g_clear_pointer(&owner->met, g_array_unref);
	g_free(owner);
}

hc_owners *hc_owners_create(void)
{
	hc_owners *owners = g_new0(hc_owners, 1);

	owners->list = g_ptr_array_new_with_free_func(owner_destroy);
	g_ptr_array_add(owners->list, NULL);
	owners->texts = g_string_chunk_new(4096);
	return owners;
}

void hc_owners_destroy(hc_owners *owners)
{
	if (!owners)
		return;
	g_ptr_array_unref(owners->list);
	g_string_chunk_free(owners->texts);
	g_free(owners);
}

hc_owner *hc_owners_add(hc_owners *owners, hc_owner *parent, hc_step step, const hc_type *type, const hc_plan *plan,
	hc_certainty certainty)
{
	hc_owner *owner = g_new0(hc_owner, 1);

	owner->number = owners->list->len;
	owner->parent = parent;
	owner->step = step;
	owner->type = type;
	owner->plan = plan;
	owner->certainty = parent ? MAX(parent->certainty, certainty) : certainty;
	owner->first_block = UINT32_MAX;
	owner->is_unused = parent && parent->is_unused;
	g_ptr_array_add(owners->list, owner);
	owners->full = owners->list->len >= OWNERS_MAX;
	return owner;
}

/* What OWNER's objects are declared as, whatever they turned out to be. */
static const hc_owner *object_of(const hc_owner *owner)
{
	while (owner->step == HC_STEP_CLASS && owner->parent)
		owner = owner->parent;
	return owner;
}

/* ---- free lists ---- */

/* Whether "free" at AT in NAME begins the name of a member, or has but one letter in front of it: "free", "pool.free_", "m_free". */
static bool begins_member(const char *name, const char *at)
{
	if (at - name >= 2 && at[-1] == '_')
		at -= 2;
	return at == name || at[-1] == '.' || at[-1] == ':' || at[-1] == '>';
}

bool hc_name_is_free_list(const char *name)
{
	static const char *const things[] = { "list", "lists", "objects", "nodes", "items", "blocks", "entries",
		"elements", "records", "links", "slots", "cells", "chunks", "buffers", "pool", "connections", "head",
		NULL };

	for (const char *at = name; at && (at = strstr(at, "free")); at += strlen("free")) {
		const char *rest = at + strlen("free");

		if (at != name && g_ascii_isalpha(at[-1]))
			continue;
		rest += *rest == '_';
		for (unsigned i = 0; things[i]; i++)
			if (g_str_has_prefix(rest, things[i]) && !g_ascii_islower(rest[strlen(things[i])]))
				return true;
		if ((!*rest || *rest == '.' || *rest == '[') && begins_member(name, at))
			return true;
	}
	return false;
}

/* An owner above, or OWNER itself, whose blocks are objects of TYPE found in the same way. */
static hc_owner *find_above(hc_owner *owner, hc_step step, const hc_type *type, hc_certainty certainty)
{
	certainty = MAX(certainty, owner->certainty);
	for (; owner; owner = owner->parent) {
		if (owner->step != step || owner->type != type || owner->layout)
			continue;
		if (owner->certainty >= certainty)
			return owner;
		if (owner->deduced && owner->deduced->certainty >= certainty)
			return owner->deduced;
	}
	return NULL;
}

static hc_owner *make_target(hc_owners *owners, hc_owner *owner, hc_step step, const hc_type *type, const hc_plan *plan,
	hc_certainty certainty)
{
	hc_owner *above = step == HC_STEP_TARGET || step == HC_STEP_ELEMENT ? find_above(owner, step, type, certainty) :
									      NULL;

	if (above)
		return above;
	/* Too many paths: what comes now is counted where it branches off. */
	return owners->full ? owner : hc_owners_add(owners, owner, step, type, plan, certainty);
}

/* Whether what the pointer in part PART of OWNER leads to is on a free list. */
static bool leads_to_unused(const hc_owner *owner, unsigned part)
{
	const char *name =
		owner->plan && part < owner->plan->parts->len ? g_array_index(owner->plan->parts, hc_part, part).name : NULL;

	owner = object_of(owner);
	return hc_name_is_free_list(name) ||
	       ((owner->step == HC_STEP_VARIABLE || owner->step == HC_STEP_ITEM) && hc_name_is_free_list(owner->name));
}

hc_owner *hc_owners_target(hc_owners *owners, hc_owner *owner, unsigned part, hc_step step, const hc_type *type,
	const hc_plan *plan, hc_certainty certainty)
{
	if (!owner->targets)
		owner->targets =
			g_new0(hc_owner *, owner->plan && owner->plan->parts->len ? owner->plan->parts->len : 1);
	if (!owner->targets[part]) {
		hc_owner *made = make_target(owners, owner, step, type, plan, certainty);

		/* One that is new. */
		if (step == HC_STEP_TARGET && made->step == step && made->parent == owner && leads_to_unused(owner, part))
			made->is_unused = true;
		owner->targets[part] = made;
	}
	return owner->targets[part];
}

static hc_owner *find_class(const hc_owner *owner, const hc_type *class, const char *name)
{
	for (unsigned i = 0; owner->classes && i < owner->classes->len; i++) {
		hc_owner *known = owner->classes->pdata[i];

		if (class ? known->type == class : !known->type && !strcmp(known->name, name))
			return known;
	}
	return NULL;
}

static void add_class(hc_owner *owner, hc_owner *class)
{
	if (!owner->classes)
		owner->classes = g_ptr_array_new();
	g_ptr_array_add(owner->classes, class);
}

hc_owner *hc_owners_alternative(
	hc_owners *owners, hc_owner *owner, hc_owner *target, const hc_type *type, const hc_plan *plan)
{
	hc_owner *known = find_class(target, type, NULL);

	if (known)
		return known;
	if (owners->full || (target->classes && target->classes->len >= CLASSES_MAX))
		return target;
	hc_owner *made = make_target(owners, owner, HC_STEP_TARGET, type, plan, HC_CERTAINTY_GUESS);

	add_class(target, made);
	return made;
}

hc_owner *hc_owners_element(
	hc_owners *owners, hc_owner *container, unsigned place, const hc_type *type, const hc_plan *plan)
{
	/* Words that lead anywhere: nothing is known of what they lead to. */
	hc_certainty certainty = type || hc_layout_kind(container->layout) >= HC_WALK_SINGLE ? HC_CERTAINTY_CERTAIN :
											       HC_CERTAINTY_UNKNOWN;

	if (!container->elements[place]) {
		hc_owner *made = make_target(owners, container, HC_STEP_ELEMENT, type, plan, certainty);

		if (made->step == HC_STEP_ELEMENT && made->parent == container && hc_name_is_free_list(container->name))
			made->is_unused = true;
		container->elements[place] = made;
	}
	return container->elements[place];
}

hc_owner *hc_owners_deduced(hc_owners *owners, hc_owner *owner)
{
	if (owner->certainty >= HC_CERTAINTY_DEDUCED)
		return owner;
	if (!owner->deduced && !owners->full) {
		owner->deduced =
			hc_owners_add(owners, owner, HC_STEP_CLASS, owner->type, owner->plan, HC_CERTAINTY_DEDUCED);
		owner->deduced->name = owner->type ? NULL : owner->name;
		owner->deduced->is_own = owner->is_own;
	}
	return owner->deduced ? owner->deduced : owner;
}

hc_owner *hc_owners_left_over(hc_owners *owners, hc_owner *owner)
{
	if (owner->is_left_over)
		return owner;
	if (!owner->left_over && !owners->full) {
		owner->left_over = hc_owners_add(owners, owner, HC_STEP_CLASS, owner->type, owner->plan,
			MAX(owner->certainty, HC_CERTAINTY_DEDUCED));
		owner->left_over->name = owner->type ? NULL : owner->name;
		owner->left_over->is_own = owner->is_own;
		owner->left_over->is_left_over = true;
	}
	return owner->left_over ? owner->left_over : owner;
}

hc_owner *hc_owners_beyond(hc_owners *owners, hc_owner *owner)
{
	if (owner->step == HC_STEP_BEYOND)
		return owner;
	if (!owner->beyond && !owners->full)
		owner->beyond = hc_owners_add(owners, owner, HC_STEP_BEYOND, NULL, NULL, HC_CERTAINTY_UNKNOWN);
	return owner->beyond ? owner->beyond : owner;
}

hc_owner *hc_owners_class(
	hc_owners *owners, hc_owner *owner, const hc_type *class, const char *name, const hc_plan *plan)
{
	/* Of a class that is a step of its own already the alternatives are its siblings. */
	if (owner->step == HC_STEP_CLASS && owner->parent->deduced != owner && !owner->is_left_over)
		owner = owner->parent;
	if (class && class == owner->type)
		return owner;
	hc_owner *known = find_class(owner, class, name);

	if (known)
		return known;
	if (owners->full || (owner->classes && owner->classes->len >= CLASSES_MAX))
		return owner;
	hc_owner *made = hc_owners_add(owners, owner, HC_STEP_CLASS, class, plan, HC_CERTAINTY_CERTAIN);

	made->name = class ? NULL : g_string_chunk_insert_const(owners->texts, name);
	add_class(owner, made);
	return made;
}

/* ---- places without a type ---- */

enum {
	STRUCTURE_BYTES = 64, /* words of one structure are no farther from each other */
	MET_MAX = 16,	      /* places that are as near */
	MET_SHARE = 8,	      /* for so many blocks of the larger one a word leads to the other's, if they are one */
	MET_LEAST = 2	      /* ... and so many, but of fewer blocks one is enough */
};

const hc_named_root *hc_owner_root(const hc_owner *owner)
{
	while (owner->parent)
		owner = owner->parent;
	return owner->root;
}

const hc_owner *hc_owner_joined(const hc_owner *owner)
{
	while (owner->joined)
		owner = owner->joined;
	return owner;
}

bool hc_owners_may_meet(const hc_owner *a, const hc_owner *b)
{
	return a->root && b->root && a->root->kind == HC_PLACE_VARIABLE && b->root->kind == HC_PLACE_VARIABLE &&
	       !a->root->has_symbol && !b->root->has_symbol;
}

static void count_word(hc_owner *a, hc_owner *b)
{
	struct hc_met new = { b, 1 };

	if (!a->met)
		a->met = g_array_new(FALSE, FALSE, sizeof(struct hc_met));
	for (unsigned i = 0; i < a->met->len; i++) {
		struct hc_met *met = &g_array_index(a->met, struct hc_met, i);

		if (met->other == b) {
			met->words++;
			return;
		}
	}
	if (a->met->len < MET_MAX)
		g_array_append_val(a->met, new);
}

static bool are_near(const hc_owner *a, const hc_owner *b)
{
	hc_address x = a->root->address, y = b->root->address;

	return MAX(x, y) - MIN(x, y) <= STRUCTURE_BYTES;
}

static void join(hc_owner *a, hc_owner *b)
{
	hc_owner *first = (hc_owner *)hc_owner_joined(a), *second = (hc_owner *)hc_owner_joined(b);

	if (first == second)
		return;
	if (first->root->address > second->root->address) {
		hc_owner *swap = first;

		first = second;
		second = swap;
	}
	hc_address last = MAX(MAX(first->last_word, second->last_word), second->root->address);

	if (last - first->root->address > STRUCTURE_BYTES)
		return;
	second->joined = first;
	first->last_word = last;
}

void hc_owners_meet(hc_owner *a, hc_owner *b, bool sure)
{
	if (a == b || !hc_owners_may_meet(a, b) || !are_near(a, b))
		return;
	if (sure)
		join(a, b);
	else
		count_word(a, b);
}

static uint32_t words_between(const hc_owner *a, const hc_owner *b)
{
	for (unsigned i = 0; a->met && i < a->met->len; i++)
		if (g_array_index(a->met, struct hc_met, i).other == b)
			return g_array_index(a->met, struct hc_met, i).words;
	return 0;
}

void hc_owners_join_met(hc_owners *owners, const uint32_t *blocks)
{
	for (unsigned i = 1; i < owners->list->len; i++) {
		hc_owner *owner = owners->list->pdata[i];

		for (unsigned j = 0; owner->met && j < owner->met->len; j++) {
			const struct hc_met *met = &g_array_index(owner->met, struct hc_met, j);
			uint32_t words = met->words + words_between(met->other, owner);
			uint32_t largest = MAX(blocks[owner->number], blocks[met->other->number]);

			if (largest < MET_SHARE || words >= MAX(MET_LEAST, largest / MET_SHARE))
				join(owner, met->other);
		}
	}
}

/* ---- names ---- */

static bool is_single(const hc_owner *container)
{
	return container->layout && hc_layout_is_single(container->layout);
}

static bool is_pointed_to(const hc_owner *object)
{
	return object &&
	       (object->step == HC_STEP_TARGET || (object->step == HC_STEP_ELEMENT && is_single(object->parent)));
}

/* "->" behind what a pointer led to, "." behind all else. */
static void append_member(GString *path, const hc_owner *object, const char *name)
{
	if (!name || !*name)
		return;
	if (path->len && *name != '[')
		g_string_append(path, is_pointed_to(object) ? "->" : ".");
	g_string_append(path, name);
}

static bool is_alternative(const hc_owner *target, const hc_owner *child)
{
	return target && target->classes && child->step == HC_STEP_TARGET &&
	       g_ptr_array_find(target->classes, child, NULL);
}

static const char *part_name(const hc_owner *parent, const hc_owner *child)
{
	for (unsigned i = 0; parent->targets && parent->plan && i < parent->plan->parts->len; i++)
		if (parent->targets[i] == child || is_alternative(parent->targets[i], child))
			return g_array_index(parent->plan->parts, hc_part, i).name;
	return NULL;
}

/* The name of the member that an adapter (std::queue) holds its container in; NULL for what hides it (std::optional). */
static const char *adapted_member(const hc_owner *adapter, const hc_owner *element)
{
	for (unsigned i = 0; adapter->type && i < hc_type_field_count(adapter->type); i++) {
		const hc_field *field = hc_type_field(adapter->type, i);

		if (field->type == element->type && field->name)
			return field->name;
	}
	return NULL;
}

char *hc_owner_path(const hc_owner *owner)
{
	const hc_owner *steps[PATH_STEPS];
	unsigned count = 0;
	GString *path = g_string_new(NULL);

	for (; owner && count < PATH_STEPS; owner = owner->parent)
		steps[count++] = owner;
	if (owner)
		g_string_append(path, "...");
	for (unsigned i = count; i-- > 0;) {
		const hc_owner *parent = steps[i]->parent;

		switch (steps[i]->step) {
		case HC_STEP_VARIABLE:
		case HC_STEP_SWEPT:
		case HC_STEP_WORD:
			g_string_append(path, steps[i]->name);
			break;
		case HC_STEP_PART:
			append_member(path, object_of(parent), steps[i]->name);
			break;
		case HC_STEP_TARGET:
			append_member(path, object_of(parent), part_name(parent, steps[i]));
			break;
		case HC_STEP_ITEM:
			append_member(path, object_of(parent), steps[i]->name);
			g_string_append(path, "[]");
			break;
		case HC_STEP_SHAPE:
			g_string_append(path, steps[i]->name);
			break;
		case HC_STEP_ELEMENT:
			if (!is_single(parent))
				g_string_append(path, "[]");
			else if (!steps[i]->is_own)
				append_member(path, object_of(parent), adapted_member(parent, steps[i]));
			break;
		default:
			break;
		}
	}
	return g_string_free(path, FALSE);
}

/* Whether the object of OWNER is the very one that its parent holds or leads to, not a member of it. */
static bool is_whole(const hc_owner *owner)
{
	return (owner->step == HC_STEP_PART || owner->step == HC_STEP_CLASS) && (!owner->name || !*owner->name);
}

/* What a container with one thing in it holds in its own memory: what is in there is where the container is. */
static bool is_held_inside(const hc_owner *owner)
{
	return owner->step == HC_STEP_ELEMENT && is_single(owner->parent) && !owner->is_own;
}

/*
 * The object that OWNER is a member of; NULL if the path from the variable on is by value, but for a pointer to OWNER itself. *ret_name:
 * the member's name in it.
 */
static const hc_owner *holder_of(const hc_owner *owner, const char **ret_name)
{
	const char *name = owner->name;

	while (owner && is_whole(owner))
		owner = owner->parent;
	if (owner && owner->step == HC_STEP_TARGET) {
		name = part_name(owner->parent, owner);
		owner = owner->parent;
	} else if (owner && owner->step == HC_STEP_PART) {
		owner = owner->parent;
	}
	for (; owner; owner = owner->parent) {
		if (owner->step == HC_STEP_PART && owner->name && *owner->name)
			name = owner->name;
		if (owner->step == HC_STEP_VARIABLE || owner->step == HC_STEP_WORD)
			return NULL;
		if (owner->step != HC_STEP_PART && !is_held_inside(owner) && !hc_owner_is_container(owner)) {
			*ret_name = name;
			return owner;
		}
	}
	return NULL;
}

static bool is_pair(const hc_type *type)
{
	return type && !g_strcmp0(hc_type_template_name(type), "std::pair");
}

/* What "first.x" or "second.y" of a pair is a member of; NULL: of the pair itself. */
static const hc_type *inner_holder(const hc_type *pair, const char *name)
{
	const char *dot = name ? strchr(name, '.') : NULL;
	g_autofree char *first = dot ? g_strndup(name, dot - name) : NULL;
	uint64_t offset;
	const hc_field *field = first ? hc_type_find_field(pair, first, &offset) : NULL;

	return field ? field->type : NULL;
}

/* Where the member NAME of HOLDER is. FALSE: HOLDER is nothing that has a name, or NAME is none. */
static bool is_in_holder(const hc_owner *holder, const char *name, hc_where *ret_where)
{
	const hc_type *type = is_pair(holder->type) ? inner_holder(holder->type, name) : holder->type;
	const hc_owner *element = holder;

	while (element->step == HC_STEP_CLASS && element->parent)
		element = element->parent;
	if ((element->step == HC_STEP_ELEMENT || element->step == HC_STEP_ITEM) && (!type || !name || !*name)) {
		const hc_owner *whole = element->step == HC_STEP_ELEMENT ? element->parent : element;

		*ret_where = (hc_where){ .kind = HC_WHERE_ELEMENTS, .name = hc_owner_path(whole) };
		return true;
	}
	if ((!type && !holder->name) || !name || !*name)
		return false;
	*ret_where = (hc_where){
		.kind = HC_WHERE_FIELD,
		.name = g_strdup(type ? hc_type_short_name(type) : holder->name),
	};
	return true;
}

static hc_where where_variable_is(const hc_variable *variable, const hc_core *core)
{
	int64_t thread = variable->thread < hc_core_thread_count(core) ? hc_core_thread(core, variable->thread)->id : 0;

	switch (variable->kind) {
	case HC_VARIABLE_THREAD_LOCAL:
		return (hc_where){ .kind = HC_WHERE_THREAD_LOCAL, .thread = thread };
	case HC_VARIABLE_LOCAL:
	case HC_VARIABLE_PARAMETER:
		return (hc_where){ HC_WHERE_FRAME, g_strdup(variable->function), thread, variable->frame };
	case HC_VARIABLE_FUNCTION:
		return (hc_where){ .kind = HC_WHERE_FUNCTION, .name = g_strdup(variable->function) };
	default:
		return (hc_where){ .kind = HC_WHERE_STATIC };
	}
}

static hc_where where_root_is(const hc_named_root *root)
{
	switch (root->kind) {
	case HC_PLACE_VARIABLE:
		return root->is_library && root->has_symbol ?
			       (hc_where){ .kind = HC_WHERE_LIBRARY, .name = g_strdup(root->module->name) } :
			       (hc_where){ .kind = root->has_symbol ? HC_WHERE_STATIC : HC_WHERE_DATA };
	case HC_PLACE_THREAD_LOCAL:
		return (hc_where){ .kind = HC_WHERE_THREAD_LOCAL, .thread = root->thread };
	case HC_PLACE_MAPPING:
		return (hc_where){ .kind = HC_WHERE_MAPPING };
	default:
		return (hc_where){ HC_WHERE_STACK, NULL, root->thread,
			root->frame < 0 ? UINT_MAX : (unsigned)root->frame };
	}
}

void hc_owner_where(const hc_owner *owner, const hc_core *core, hc_where *ret_where)
{
	const char *name = NULL;
	const hc_owner *root = owner;

	/* What a pointer leads to that is no member, as in an array of pointers, is where that pointer is. */
	for (const hc_owner *from = owner, *holder; from && (holder = holder_of(from, &name)); name = NULL) {
		if (is_in_holder(holder, name, ret_where))
			return;
		if (name && *name)
			break;
		from = holder == from ? holder->parent : holder;
	}
	while (root->parent)
		root = root->parent;
	*ret_where = root->variable ? where_variable_is(root->variable, core) :
		     root->root	    ? where_root_is(root->root) :
				      (hc_where){ .kind = HC_WHERE_UNTYPED };
}

static const char *role_of(const hc_layout *layout)
{
	switch (hc_layout_kind(layout)) {
	case HC_WALK_CONTIGUOUS:
	case HC_WALK_SEGMENTED:
	case HC_WALK_SLOTS:
		return "buffer";
	case HC_WALK_LINKED:
	case HC_WALK_TREE:
	case HC_WALK_BUCKETS:
		return "node";
	default:
		return "memory";
	}
}

char *hc_owner_shape_name(const hc_owner *owner)
{
	const char *kind = hc_shape_kind_name(owner->shape);

	return owner->node_bytes ? g_strdup_printf("%s, nodes of %" PRIu64 " bytes", kind, owner->node_bytes) :
				   g_strdup(kind);
}

/* "map-like node"; "vector-like buffer". Free with g_free(). */
static char *shape_role(const hc_owner *owner)
{
	const char *kind = hc_shape_kind_name(owner->shape);

	switch (owner->shape) {
	case HC_SHAPE_STRING:
		return g_strdup_printf("%s text", kind);
	case HC_SHAPE_VECTOR:
	case HC_SHAPE_DEQUE:
	case HC_SHAPE_SLOTS:
		return g_strdup_printf("%s buffer", kind);
	default:
		return owner->node_bytes ? g_strdup_printf("%s node of %" PRIu64 " bytes", kind, owner->node_bytes) :
					   g_strdup_printf("%s node", kind);
	}
}

char *hc_owner_type_name(const hc_owner *owner)
{
	if (owner->shape)
		return owner->is_index ? g_strdup_printf("%s index", hc_shape_kind_name(owner->shape)) :
					 shape_role(owner);
	if (owner->is_index)
		return g_strdup_printf("%s index", hc_type_short_name(owner->type));
	/* What the links are in was not to be found out. */
	if (owner->is_intrusive && owner->elements[0] && owner->elements[0]->type && hc_layout_deduces(owner->layout))
		return g_strdup_printf("(holds %s)", hc_type_short_name(owner->elements[0]->type));
	if (owner->is_intrusive && owner->elements[0] && owner->elements[0]->type)
		return g_strdup(hc_type_short_name(owner->elements[0]->type));
	if (owner->layout)
		return g_strdup_printf("%s %s", hc_type_short_name(owner->type), role_of(owner->layout));
	if (!owner->type)
		return g_strdup(owner->name && owner->step != HC_STEP_WORD ? owner->name : "?");
	switch (hc_type_get_kind(owner->type)) {
	case HC_TYPE_STRUCT:
	case HC_TYPE_UNION:
	case HC_TYPE_INCOMPLETE:
	case HC_TYPE_ARRAY:
		return owner->is_interior ? g_strdup_printf("(holds %s)", hc_type_short_name(owner->type)) :
					    g_strdup(hc_type_short_name(owner->type));
	default:
		return g_strdup_printf("%s []", hc_type_short_name(owner->type));
	}
}
