/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Integers among the program's static data: what it counts itself. */
#include "values/strings.h"

enum {
	NUMBERS_DEPTH = 4, /* of members within members */
	NUMBERS_FIELDS = 64
};

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
		!hc_variables_read(numbers->types->variables, address, buffer, size))
		return;
	value = hc_load_unsigned(buffer, (unsigned)size, format.swap);
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
	unsigned count = hc_variables_load(types->variables, 0);

	for (unsigned i = 0; i < count && numbers.left; i++) {
		const hc_variable *variable = hc_variables_get(types->variables, i);

		if (variable->state == HC_VARIABLE_IN_MEMORY &&
			(variable->kind == HC_VARIABLE_GLOBAL || variable->kind == HC_VARIABLE_FUNCTION))
			visit_object(&numbers, variable->type, variable->address, variable->name, true, 0);
	}
}
