/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions that name an object: a variable or an address, then members, elements, pointers. */
#include "values/strings.h"

#include <inttypes.h>

enum {
	STARS_MAX = 16
};

struct evaluation {
	const hc_types *types;
	const char *text, *at; /* at: not read yet */
	int64_t thread;
	int frame;
	hc_object object;
	GError **error;
};

G_GNUC_PRINTF(2, 3) static bool fail(struct evaluation *evaluation, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(evaluation->error, HC_ERROR, HC_ERROR_BAD_DATA, "\"%s\", at character %d: %s", evaluation->text,
		(int)(evaluation->at - evaluation->text) + 1, what);
	return false;
}

static void skip_spaces(struct evaluation *evaluation)
{
	while (g_ascii_isspace(*evaluation->at))
		evaluation->at++;
}

static bool take(struct evaluation *evaluation, const char *token)
{
	skip_spaces(evaluation);
	if (!g_str_has_prefix(evaluation->at, token))
		return false;
	evaluation->at += strlen(token);
	return true;
}

/* ---- steps ---- */

static bool is_pointer(const hc_type *type)
{
	return hc_type_get_kind(type) == HC_TYPE_POINTER || hc_type_get_kind(type) == HC_TYPE_REFERENCE;
}

/* A class that has virtual functions is what its object says. */
static void find_class(struct evaluation *evaluation)
{
	const hc_type *class = NULL;
	const char *name;
	uint64_t vtable;
	int64_t to_top;

	hc_type_kind kind = hc_type_get_kind(evaluation->object.type);

	if ((kind == HC_TYPE_INCOMPLETE ||
		    (kind == HC_TYPE_STRUCT && hc_type_is_polymorphic(evaluation->object.type))) &&
		hc_values_word(evaluation->types, evaluation->object.address, &vtable) &&
		hc_program_types_class_of_vtable(evaluation->types->program_types, vtable, &class, &to_top, &name) &&
		class) {
		evaluation->object.type = class;
		evaluation->object.address += to_top;
	}
}

static bool follow(struct evaluation *evaluation)
{
	const hc_type *target = is_pointer(evaluation->object.type) ? hc_type_target(evaluation->object.type) : NULL;
	hc_grade grade;
	uint64_t value, walked;

	if (!target) {
		/* A smart pointer, an optional. */
		g_autoptr(GArray) held = hc_types_elements(
			evaluation->types, evaluation->object.type, evaluation->object.address, 0, 1, &grade, &walked);

		if (!held || held->len != 1 || !g_array_index(held, hc_object, 0).type)
			return fail(
				evaluation, "%s is no pointer, or an empty one", hc_type_name(evaluation->object.type));
		evaluation->object = g_array_index(held, hc_object, 0);
		find_class(evaluation);
		return true;
	}
	if (!hc_values_word(evaluation->types, evaluation->object.address, &value))
		return fail(evaluation, "the pointer at %#" PRIx64 " cannot be read", evaluation->object.address);
	if (!value)
		return fail(evaluation, "the pointer is NULL");
	if (!hc_core_find_mapping(evaluation->types->core, value))
		return fail(evaluation, "the pointer leads to %#" PRIx64 ", where nothing is mapped", value);
	evaluation->object = (hc_object){ .type = target, .address = value };
	find_class(evaluation);
	return true;
}

static char *take_name(struct evaluation *evaluation)
{
	const char *start;

	skip_spaces(evaluation);
	start = evaluation->at;
	if (g_str_has_prefix(evaluation->at, "(anonymous namespace)"))
		evaluation->at += strlen("(anonymous namespace)");
	while (g_ascii_isalnum(*evaluation->at) || *evaluation->at == '_' || *evaluation->at == '$' ||
		g_str_has_prefix(evaluation->at, "::"))
		evaluation->at += *evaluation->at == ':' ? 2 : 1;
	return evaluation->at > start ? g_strndup(start, evaluation->at - start) : NULL;
}

static bool step_to_member(struct evaluation *evaluation)
{
	g_autofree char *name = take_name(evaluation);
	const hc_field *field;
	uint64_t offset;

	if (!name)
		return fail(evaluation, "the name of a member is missing");
	for (unsigned i = 0; i < STARS_MAX; i++) {
		field = hc_type_find_field(evaluation->object.type, name, &offset);
		if (field || (!is_pointer(evaluation->object.type) &&
				     !hc_container_set_layout(evaluation->types->set, evaluation->object.type, NULL)))
			break;
		if (!follow(evaluation))
			return false;
	}
	if (!field)
		return fail(evaluation, "%s has no member \"%s\"", hc_type_name(evaluation->object.type), name);
	evaluation->object.type = field->type;
	evaluation->object.address += offset;
	evaluation->object.bit_size = field->bit_size;
	evaluation->object.bit_offset = field->bit_offset;
	return true;
}

static bool step_to_element(struct evaluation *evaluation)
{
	char *end;
	uint64_t index = g_ascii_strtoull(evaluation->at, &end, 0), walked;
	hc_grade grade;

	if (end == evaluation->at)
		return fail(evaluation, "the number of an element is missing");
	evaluation->at = end;
	if (!take(evaluation, "]"))
		return fail(evaluation, "] is missing");
	if (hc_type_get_kind(evaluation->object.type) == HC_TYPE_REFERENCE && !follow(evaluation))
		return false;
	const hc_type *type = evaluation->object.type;

	if (hc_type_get_kind(type) == HC_TYPE_ARRAY || is_pointer(type)) {
		uint64_t count = hc_type_count(type);

		if (hc_type_get_kind(type) == HC_TYPE_ARRAY && count && index >= count)
			return fail(evaluation, "there are %" PRIu64 " elements only", count);
		if (is_pointer(type) && !follow(evaluation))
			return false;
		if (!is_pointer(type))
			evaluation->object.type = hc_type_target(type);
		evaluation->object.address += index * hc_type_size(evaluation->object.type);
		return true;
	}
	g_autoptr(GArray) parts = hc_types_tuple(type, evaluation->object.address);

	if (parts && index >= parts->len)
		return fail(evaluation, "there are %u elements only", parts->len);
	if (parts) {
		evaluation->object = g_array_index(parts, hc_object, index);
		return true;
	}
	g_autoptr(GArray) elements =
		hc_types_elements(evaluation->types, type, evaluation->object.address, index, 1, &grade, &walked);

	if (!elements)
		return fail(evaluation, "%s is neither an array, a pointer nor a container", hc_type_name(type));
	if (!elements->len)
		return fail(evaluation, "there are %" PRIu64 " elements only", walked);
	if (!g_array_index(elements, hc_object, 0).type)
		return fail(evaluation, "the type of the elements is not known: cast, or describe the container");
	evaluation->object = g_array_index(elements, hc_object, 0);
	return true;
}

/* ---- where it begins ---- */

static bool is_named(const hc_variable *variable, const char *name)
{
	size_t length = strlen(variable->name), wanted = strlen(name);

	return !strcmp(variable->name, name) || (length > wanted + 2 && g_str_has_suffix(variable->name, name) &&
							!strncmp(variable->name + length - wanted - 2, "::", 2));
}

static bool is_meant(const struct evaluation *evaluation, const hc_variable *variable)
{
	const hc_core *core = evaluation->types->core;

	if (evaluation->frame >= 0 && variable->frame != (unsigned)evaluation->frame)
		return false;
	return !evaluation->thread || (variable->thread < hc_core_thread_count(core) &&
					      hc_core_thread(core, variable->thread)->id == evaluation->thread);
}

/* Data before locals, readable before not; of locals the innermost. */
static unsigned rank(const hc_variable *variable)
{
	return 4 * (variable->state > HC_VARIABLE_VALUE) + 2 * (variable->frame != UINT_MAX) +
	       (variable->kind == HC_VARIABLE_THREAD_LOCAL);
}

static bool begin_at_variable(struct evaluation *evaluation)
{
	hc_variables *variables = evaluation->types->variables;
	unsigned count = hc_variables_load(variables, 0);
	const hc_variable *found = NULL;
	g_autofree char *name = take_name(evaluation);

	if (!name)
		return fail(evaluation, "a variable, or an address (0x...), is missing");
	for (unsigned i = 0; i < count; i++) {
		const hc_variable *variable = hc_variables_get(variables, i);

		if (is_named(variable, name) && is_meant(evaluation, variable) &&
			(!found || rank(variable) < rank(found) ||
				(rank(variable) == rank(found) && variable->frame != UINT_MAX &&
					variable->frame < found->frame)))
			found = variable;
	}
	if (!found)
		return fail(evaluation, "no variable \"%s\" is known (no debug info of its module?)", name);
	if (found->state > HC_VARIABLE_VALUE)
		return fail(evaluation, "the variable is %s%s%s", hc_variable_state_name(found->state),
			found->reason ? ": " : "", found->reason ? found->reason : "");
	evaluation->object = (hc_object){ .type = found->type, .address = found->address };
	return true;
}

static bool begin_at_address(struct evaluation *evaluation, const char *type_name)
{
	char *end;
	g_autofree char *bare = type_name ? g_strchomp(g_strdup(type_name)) : NULL;
	hc_address address = g_ascii_strtoull(evaluation->at, &end, 16);
	hc_block block;
	g_auto(hc_block_type) type = { 0 };

	if (!g_str_has_prefix(evaluation->at, "0x") || end == evaluation->at)
		return fail(evaluation, "an address (0x...) is missing behind the type");
	evaluation->at = end;
	evaluation->object.address = address;
	if (bare) {
		if (!g_str_has_suffix(bare, "*"))
			return fail(evaluation, "write (TYPE *) in front of an address");
		bare[strlen(bare) - 1] = '\0';
		evaluation->object.type = hc_program_types_find(evaluation->types->program_types, g_strchomp(bare));
		return evaluation->object.type || fail(evaluation, "no type \"%s\" is known", bare);
	}
	if (!hc_blocks_find(evaluation->types->blocks, address, &block) ||
		!hc_types_of_block(evaluation->types, block.number, &type) || !type.type)
		return fail(evaluation, "the type of what is there is not known: write (TYPE *)0x...");
	evaluation->object.type = type.type;
	return true;
}

static bool begin(struct evaluation *evaluation)
{
	skip_spaces(evaluation);
	if (g_str_has_prefix(evaluation->at, "0x"))
		return begin_at_address(evaluation, NULL);
	if (*evaluation->at == '(' && !g_str_has_prefix(evaluation->at, "(anonymous")) {
		const char *close = strchr(evaluation->at, ')');

		if (!close)
			return fail(evaluation, ") is missing");
		g_autofree char *type = g_strndup(evaluation->at + 1, close - evaluation->at - 1);

		evaluation->at = close + 1;
		skip_spaces(evaluation);
		return begin_at_address(evaluation, type);
	}
	return begin_at_variable(evaluation);
}

bool hc_types_evaluate(
	const hc_types *types, const char *expression, int64_t thread, int frame, hc_object *ret_object, GError **error)
{
	struct evaluation evaluation = { types, expression, expression, thread, frame, { 0 }, error };
	unsigned stars = 0;

	while (take(&evaluation, "*"))
		if (++stars > STARS_MAX)
			return fail(&evaluation, "too many *");
	if (!begin(&evaluation))
		return false;
	for (skip_spaces(&evaluation); *evaluation.at; skip_spaces(&evaluation)) {
		bool ok = take(&evaluation, "->") || take(&evaluation, ".") ? step_to_member(&evaluation) :
			  take(&evaluation, "[")			    ? step_to_element(&evaluation) :
									      fail(&evaluation, "., -> or [ is expected");
		if (!ok)
			return false;
	}
	while (stars--)
		if (!follow(&evaluation))
			return false;
	*ret_object = evaluation.object;
	return true;
}
