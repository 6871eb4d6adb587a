/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking for the tree of paths that the stage made, and for the program's own counters. */
#include "types/types_state.h"
#include "types/values.h"

enum {
	ELEMENTS_SAMPLED = 10000, /* so many keys of the largest container tell what keys look like */
	NUMBERS_DEPTH = 4,	  /* of members within members */
	NUMBERS_FIELDS = 64
};

uint32_t hc_types_path_count(const hc_types *types)
{
	return types->owners->list->len - 1;
}

/* What a container's own blocks are; NULL: its elements, or what it holds. */
static const char *parts_of(const hc_owner *owner)
{
	if (owner->is_intrusive)
		return NULL;
	switch (hc_layout_kind(owner->layout)) {
	case HC_WALK_CONTIGUOUS:
	case HC_WALK_SEGMENTED:
		return "buffers";
	case HC_WALK_LINKED:
	case HC_WALK_TREE:
		return "nodes";
	case HC_WALK_BUCKETS:
		return "nodes and buckets";
	case HC_WALK_SLOTS:
		return "slots";
	default:
		return NULL;
	}
}

static void describe_container(const hc_owner *owner, hc_types_path *path)
{
	path->is_container = owner->containers > owner->grades[HC_GRADE_IMPLAUSIBLE];
	path->is_value = hc_layout_is_single(owner->layout) || hc_layout_is_string(owner->layout);
	path->is_queue = hc_layout_is_queue(owner->layout);
	path->is_keyed = hc_layout_is_keyed(owner->layout);
	path->kind = hc_layout_description(owner->layout);
	path->count = owner->containers - owner->grades[HC_GRADE_IMPLAUSIBLE];
	path->elements = owner->claimed;
	path->capacity = owner->has_capacity ? owner->capacity : UINT64_MAX;
	path->grade = owner->grades[HC_GRADE_TRUNCATED] ? HC_GRADE_TRUNCATED : HC_GRADE_EXACT;
	path->parts = parts_of(owner);
	path->elements_bytes = owner->elements_bytes;
	path->largest = owner->largest;
	path->most_elements = owner->largest_elements;
	if (hc_layout_is_guess(owner->layout))
		path->certainty = MAX(path->certainty, HC_CERTAINTY_GUESS);
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
	};
	if (owner->layout && !owner->is_index)
		describe_container(owner, ret_path);
}

char *hc_types_path_text(const hc_types *types, uint32_t number)
{
	return hc_owner_path(hc_types_owner(types, number));
}

char *hc_types_path_where(const hc_types *types, uint32_t number)
{
	return hc_owner_where(hc_types_owner(types, number), types->core);
}

char *hc_types_path_type_name(const hc_types *types, uint32_t number)
{
	const hc_owner *owner = hc_types_owner(types, number);

	if (owner->step == HC_STEP_WORD)
		return g_strdup("");
	return owner->layout && owner->type ? g_strdup(hc_type_short_name(owner->type)) : hc_owner_type_name(owner);
}

uint32_t hc_types_path_of_block(const hc_types *types, uint32_t number)
{
	uint32_t owner = types->owner_of[number];

	return owner == HC_OWNER_CLOSED ? 0 : owner;
}

void hc_types_path_sample(const hc_types *types, uint32_t number, unsigned limit, hc_sample *ret_sample)
{
	const hc_owner *owner = hc_types_owner(types, number);
	hc_container container = {
		.container_type = owner->type,
		.address = owner->layout ? owner->largest : 0,
	};

	hc_types_sample(types, &container, limit, ELEMENTS_SAMPLED, ret_sample);
}

/* ---- counters ---- */

struct numbers {
	const hc_types *types;
	hc_types_visit_number visit;
	void *data;
	unsigned left;
};

static void visit_object(struct numbers *numbers, const hc_type *type, hc_address address, const char *path,
	bool follow, unsigned depth);

static bool is_integer(const hc_type *type)
{
	hc_type_kind kind = hc_type_get_kind(type);

	return kind == HC_TYPE_SIGNED || kind == HC_TYPE_UNSIGNED;
}

static void visit_integer(struct numbers *numbers, const hc_type *type, hc_address address, const char *path)
{
	hc_word_format format = hc_core_word_format(numbers->types->core);
	uint64_t size = hc_type_size(type), value;
	uint8_t buffer[sizeof(uint64_t)] = { 0 };

	if (size < 2 || size > sizeof buffer || size & (size - 1) ||
		!hc_modules_read(numbers->types->modules, address, buffer, size))
		return;
	value = size == 2 ? hc_load_u16(buffer, format.swap) :
		size == 4 ? hc_load_u32(buffer, format.swap) :
			    hc_load_u64(buffer, format.swap);
	if (hc_type_get_kind(type) == HC_TYPE_SIGNED && size < sizeof value)
		value = (uint64_t)((int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size));
	numbers->left--;
	if (!numbers->visit(path, (int64_t)value, numbers->data))
		numbers->left = 0;
}

/* A member whose name says nothing to its user (std::atomic's) has the name of what it is in. */
static bool is_hidden(const hc_field *field)
{
	return !field->name || (field->name[0] == '_' && field->name[1] == 'M');
}

static void visit_fields(
	struct numbers *numbers, const hc_type *type, hc_address address, const char *path, bool follow, unsigned depth)
{
	for (unsigned i = 0; i < MIN(hc_type_field_count(type), NUMBERS_FIELDS) && numbers->left; i++) {
		const hc_field *field = hc_type_field(type, i);
		g_autofree char *name =
			is_hidden(field) ?
				g_strdup(path) :
				g_strdup_printf("%s%s%s", path, g_str_has_suffix(path, "->") ? "" : ".", field->name);

		if (!field->is_virtual && !field->bit_size)
			visit_object(numbers, field->type, address + field->offset, name, follow, depth + 1);
	}
}

static void visit_object(
	struct numbers *numbers, const hc_type *type, hc_address address, const char *path, bool follow, unsigned depth)
{
	hc_type_kind kind = hc_type_get_kind(type);
	const hc_type *target;
	uint64_t value;

	if (depth > NUMBERS_DEPTH || !numbers->left)
		return;
	if (is_integer(type)) {
		visit_integer(numbers, type, address, path);
	} else if (kind == HC_TYPE_STRUCT) {
		visit_fields(numbers, type, address, path, false, depth);
	} else if (kind == HC_TYPE_POINTER && follow && (target = hc_type_target(type)) &&
		   hc_type_get_kind(target) == HC_TYPE_STRUCT && hc_values_word(numbers->types, address, &value) &&
		   value) {
		g_autofree char *object = g_strdup_printf("%s->", path);

		visit_fields(numbers, target, value, object, false, depth + 1);
	}
}

void hc_types_each_number(const hc_types *types, unsigned limit, hc_types_visit_number visit, void *data)
{
	struct numbers numbers = { .types = types, .visit = visit, .data = data, .left = limit };
	unsigned count = hc_modules_load_variables(types->modules, 0);

	for (unsigned i = 0; i < count && numbers.left; i++) {
		const hc_variable *variable = hc_modules_variable(types->modules, i);

		if (variable->state == HC_VARIABLE_IN_MEMORY &&
			(variable->kind == HC_VARIABLE_GLOBAL || variable->kind == HC_VARIABLE_FUNCTION))
			visit_object(&numbers, variable->type, variable->address, variable->name, true, 0);
	}
}
