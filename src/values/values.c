/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of the dead process as text, as a debugger prints them: bounded in length and depth, escaped. */
#include "values/scalars.h"
#include "values/strings.h"

#include "base/text.h"

#include <inttypes.h>

enum {
	FORMAT_BYTES = 4096, /* of a whole value */
	DEPTH_MAX = 6,
	BASES_MAX = 16, /* classes within each other that a single value may be in */
};

/* ---- everything ---- */

struct formatting {
	const hc_types *types;
	GString *text;
	unsigned limit, depth;
};

static void format_value(struct formatting *formatting, const hc_type *type, hc_address address);

/* The layout of the object of TYPE at ADDRESS. Some types are containers only as variables: a list's head, but not its links. */
static const hc_layout *layout_at(const hc_types *types, const hc_type *type, hc_address address)
{
	const hc_layout *layout = hc_container_set_layout(types->set, type, NULL);
	unsigned count;

	if (layout || !hc_container_set_layout(types->set, type, ""))
		return layout;
	count = hc_variables_load(types->variables, 0);
	for (unsigned i = 0; i < count; i++) {
		const hc_variable *variable = hc_variables_get(types->variables, i);

		if (variable->address == address && variable->type == type && variable->state <= HC_VARIABLE_VALUE)
			return hc_container_set_layout(types->set, type, variable->name);
	}
	return NULL;
}

/* SIZE bytes of the dead process, as a number of its byte order. */
static bool read_number(const hc_types *types, hc_address address, uint64_t size, uint64_t *ret_value)
{
	uint8_t bytes[8] = { 0 };
	bool big = hc_core_process(types->core)->big_endian;

	if (!size || size > 8 || !hc_variables_read(types->variables, address, bytes, size))
		return false;
	*ret_value = 0;
	for (unsigned i = 0; i < size; i++)
		*ret_value |= (uint64_t)bytes[big ? size - 1 - i : i] << 8 * i;
	return true;
}

/* Of the core's content nothing is to be told but what kind of thing is where. */
static bool hides_content(const struct formatting *formatting)
{
	return hc_core_hides_content(formatting->types->core);
}

static void hide(struct formatting *formatting)
{
	g_string_append(formatting->text, "<hidden>");
}

static void format_bits(
	struct formatting *formatting, const hc_type *type, hc_address address, unsigned bit_offset, unsigned bit_size)
{
	unsigned unused = 64 - MIN(bit_size, 64);
	uint64_t value;

	if (hides_content(formatting))
		return hide(formatting);
	if (!read_number(formatting->types, address, MIN(hc_type_size(type), 8), &value)) {
		g_string_append(formatting->text, "<not readable>");
		return;
	}
	value = value >> bit_offset % 64 << unused;
	value = hc_scalar_is_signed(type) ? (uint64_t)((int64_t)value >> unused) : value >> unused;
	hc_scalar_append_number(formatting->text, type, value);
}

static void format_fields(struct formatting *formatting, const hc_type *type, hc_address address)
{
	GString *text = formatting->text;
	unsigned count = hc_type_field_count(type), shown = 0;

	g_string_append_c(text, '{');
	for (unsigned i = 0; i < count; i++) {
		const hc_field *field = hc_type_field(type, i);

		if (field->is_virtual || (field->is_base && !hc_type_field_count(field->type)))
			continue;
		if (shown++)
			g_string_append(text, ", ");
		if (shown > formatting->limit || text->len > FORMAT_BYTES) {
			g_string_append(text, "...");
			break;
		}
		if (field->name)
			g_string_append_printf(text, "%s = ", field->name);
		if (field->bit_size)
			format_bits(
				formatting, field->type, address + field->offset, field->bit_offset, field->bit_size);
		else
			format_value(formatting, field->type, address + field->offset);
	}
	g_string_append_c(text, '}');
}

static void format_object(struct formatting *formatting, const hc_object *object)
{
	if (!object->type)
		g_string_append_printf(formatting->text, "%#" PRIx64, object->address);
	else if (object->bit_size)
		format_bits(formatting, object->type, object->address, object->bit_offset, object->bit_size);
	else
		format_value(formatting, object->type, object->address);
}

/* OBJECTS in a row, in front of CLOSE; "..." if they are not all (`is_cut`), or there is no room for them. */
static void format_row(struct formatting *formatting, const GArray *objects, bool is_cut, const char *close)
{
	GString *text = formatting->text;
	unsigned count = MIN(objects->len, formatting->limit), i;

	for (i = 0; i < count && text->len < FORMAT_BYTES; i++) {
		if (i)
			g_string_append(text, ", ");
		format_object(formatting, &g_array_index(objects, hc_object, i));
	}
	g_string_append_printf(text, "%s%s", is_cut || i < objects->len ? ", ..." : "", close);
}

static void format_elements(struct formatting *formatting, const hc_type *type, hc_address address)
{
	GString *text = formatting->text;
	hc_grade grade;
	uint64_t walked;
	g_autoptr(GArray)
		elements = hc_types_elements(formatting->types, type, address, 0, formatting->limit, &grade, &walked);

	if (grade == HC_GRADE_IMPLAUSIBLE) {
		g_string_append(text, "<not initialised, or damaged>");
		return;
	}
	g_string_append_printf(text, "%" PRIu64 " element%s", walked, walked == 1 ? "" : "s");
	if (!elements->len)
		return;
	g_string_append(text, ": {");
	format_row(formatting, elements, walked > elements->len, "}");
}

/* (1, "two", 3.5) */
static bool format_tuple(struct formatting *formatting, const hc_type *type, hc_address address)
{
	g_autoptr(GArray) parts = hc_types_tuple(type, address);

	if (!parts)
		return false;
	g_string_append_c(formatting->text, '(');
	format_row(formatting, parts, false, ")");
	return true;
}

/* A member by a name that is the implementation's (C++ standard, [lex.name]): "_M_i", "__r". */
static bool is_reserved_name(const char *name)
{
	return name && name[0] == '_' && (name[1] == '_' || g_ascii_isupper(name[1]));
}

/*
 * What a class of the library keeps in its one member is its value: of std::atomic, std::chrono::duration, std::complex. NULL if TYPE has
 * more members, or one that is no number or pointer, or that the program named itself. *ADDRESS moves to it.
 */
static const hc_type *sole_value(const hc_type *type, hc_address *address)
{
	bool is_hidden = false;

	for (unsigned depth = 0; depth < BASES_MAX && hc_type_get_kind(type) == HC_TYPE_STRUCT; depth++) {
		const hc_field *sole = NULL;

		for (unsigned i = 0; i < hc_type_field_count(type); i++) {
			const hc_field *field = hc_type_field(type, i);

			if (field->is_base && !field->is_virtual && !hc_type_field_count(field->type))
				continue;
			if (sole || field->is_virtual || field->bit_size ||
				!(field->is_base || is_reserved_name(field->name)))
				return NULL;
			sole = field;
		}
		if (!sole)
			return NULL;
		is_hidden = is_hidden || !sole->is_base;
		*address += sole->offset;
		type = sole->type;
	}
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_STRUCT:
	case HC_TYPE_UNION:
	case HC_TYPE_ARRAY:
	case HC_TYPE_INCOMPLETE:
		return NULL;
	default:
		return is_hidden ? type : NULL;
	}
}

static void format_array(struct formatting *formatting, const hc_type *type, hc_address address)
{
	const hc_type *element = hc_type_target(type);
	uint64_t count = hc_type_count(type), size = element ? hc_type_size(element) : 0;

	g_string_append_c(formatting->text, '{');
	for (uint64_t i = 0; i < count && size; i++) {
		if (i)
			g_string_append(formatting->text, ", ");
		if (i >= formatting->limit || formatting->text->len > FORMAT_BYTES) {
			g_string_append(formatting->text, "...");
			break;
		}
		format_value(formatting, element, address + i * size);
	}
	g_string_append_c(formatting->text, '}');
}

static void format_pointer(struct formatting *formatting, hc_address address)
{
	uint64_t value;

	if (!hc_values_word(formatting->types, address, &value))
		g_string_append(formatting->text, "<not readable>");
	else if (hides_content(formatting) && value && !hc_core_find_mapping(formatting->types->core, value))
		hide(formatting);
	else if (!value)
		g_string_append(formatting->text, "NULL");
	else
		g_string_append_printf(formatting->text, "%#" PRIx64, value);
}

/* What it refers to. */
static void format_reference(struct formatting *formatting, const hc_type *type, hc_address address)
{
	const hc_type *target = hc_type_target(type);
	uint64_t value;

	if (target && hc_values_word(formatting->types, address, &value) && value)
		format_value(formatting, target, value);
	else
		format_pointer(formatting, address);
}

/* std::complex that keeps two numbers (libc++: __re_, __im_), as C's _Complex is shown. */
static bool format_complex(struct formatting *formatting, const hc_type *type, hc_address address)
{
	GString *text = formatting->text;
	gsize behind;

	if (g_strcmp0(hc_type_template_name(type), "std::complex") != 0 || hc_type_field_count(type) != 2)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		const hc_field *field = hc_type_field(type, i);

		if (hc_type_get_kind(field->type) != HC_TYPE_FLOAT)
			return false;
		behind = text->len;
		format_value(formatting, field->type, address + field->offset);
	}
	bool is_negative = text->str[behind] == '-';

	g_string_insert(text, (gssize)(behind + is_negative), is_negative ? " " : " + ");
	if (is_negative)
		g_string_insert_c(text, (gssize)behind, ' ');
	g_string_append_c(text, 'i');
	return true;
}

static void format_class(struct formatting *formatting, const hc_type *type, hc_address address)
{
	hc_address place = address;
	const hc_type *sole;

	if (layout_at(formatting->types, type, address))
		format_elements(formatting, type, address);
	else if (format_tuple(formatting, type, address) || format_complex(formatting, type, address))
		return;
	else if ((sole = sole_value(type, &place)))
		format_value(formatting, sole, place);
	else
		format_fields(formatting, type, address);
}

static void format_scalar(struct formatting *formatting, const hc_type *type, hc_address address)
{
	uint8_t bytes[HC_SCALAR_BYTES_MAX];
	uint64_t size = hc_type_size(type);

	if (hides_content(formatting))
		hide(formatting);
	else if (!size ||
		 (size <= sizeof bytes && !hc_variables_read(formatting->types->variables, address, bytes, size)))
		g_string_append(formatting->text, "<not readable>");
	else
		hc_scalar_append(formatting->text, type, bytes, hc_core_process(formatting->types->core)->big_endian);
}

static void format_inner(struct formatting *formatting, const hc_type *type, hc_address address)
{
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_POINTER:
		return format_pointer(formatting, address);
	case HC_TYPE_REFERENCE:
		return format_reference(formatting, type, address);
	case HC_TYPE_ARRAY:
		return format_array(formatting, type, address);
	case HC_TYPE_STRUCT:
	case HC_TYPE_UNION:
	case HC_TYPE_INCOMPLETE:
		return format_class(formatting, type, address);
	default:
		return format_scalar(formatting, type, address);
	}
}

static void format_value(struct formatting *formatting, const hc_type *type, hc_address address)
{
	size_t length;
	bool is_cut;
	g_autofree char *string = hc_values_text(formatting->types, type, address, &length, &is_cut);

	if (string && hides_content(formatting)) {
		hide(formatting);
	} else if (string) {
		g_autofree char *escaped = hc_text_escape(string, (gssize)length);

		g_string_append_printf(formatting->text, "\"%s\"%s", escaped, is_cut ? "..." : "");
	} else if (formatting->depth >= DEPTH_MAX || formatting->text->len > FORMAT_BYTES) {
		g_string_append(formatting->text, "...");
	} else {
		formatting->depth++;
		format_inner(formatting, type, address);
		formatting->depth--;
	}
}

char *hc_types_format(const hc_types *types, const hc_type *type, hc_address address, unsigned limit)
{
	struct formatting formatting = { .types = types, .text = g_string_new(NULL), .limit = limit };

	if (type)
		format_value(&formatting, type, address);
	else
		format_pointer(&formatting, address);
	return g_string_free(formatting.text, FALSE);
}

char *hc_types_format_object(const hc_types *types, const hc_object *object, unsigned limit)
{
	struct formatting formatting = { .types = types, .text = g_string_new(NULL), .limit = limit };

	if (object->type)
		format_object(&formatting, object);
	else
		format_pointer(&formatting, object->address);
	return g_string_free(formatting.text, FALSE);
}

/* COUNT objects from OBJECT's on. */
static void format_objects(struct formatting *formatting, const hc_block_object *object)
{
	GString *text = formatting->text;
	uint64_t size = hc_type_size(object->type);

	g_string_append_c(text, '{');
	for (uint64_t i = 0; i < object->count && i < formatting->limit && text->len < FORMAT_BYTES; i++) {
		g_string_append(text, i ? ", " : "");
		format_value(formatting, object->type, object->address + i * size);
	}
	g_string_append(text, object->count > formatting->limit ? ", ...}" : "}");
}

char *hc_types_format_block(const hc_types *types, const hc_block *block, unsigned limit)
{
	struct formatting formatting = { .types = types, .limit = limit };
	hc_block_object object;
	char *string;

	if (!hc_types_object_of_block(types, block, &object))
		return NULL;
	string = object.is_array ? hc_values_row_text(types, object.type, object.address, object.count) : NULL;
	formatting.text = g_string_new(NULL);
	if (string && hides_content(&formatting)) {
		hide(&formatting);
		g_free(string);
	} else if (string) {
		g_autofree char *taken = string, *escaped = hc_text_escape(taken, -1);

		g_string_append_printf(formatting.text, "\"%s\"", escaped);
	} else if (object.is_array) {
		format_objects(&formatting, &object);
	} else {
		format_value(&formatting, object.type, object.address);
	}
	return g_string_free(formatting.text, FALSE);
}

/* ---- elements ---- */

struct paging {
	uint64_t first;
	unsigned limit;
	const hc_walk *walk;
	GArray *elements;
};

static bool take_page(hc_address address, uint64_t index, void *data)
{
	struct paging *paging = data;
	hc_object object = { .type = paging->walk->element, .address = address };

	if (paging->walk->element_bits) {
		object.bit_size = paging->walk->element_bits;
		object.bit_offset = (unsigned)(index * object.bit_size % 8);
	}
	if (index >= paging->first && paging->elements->len < paging->limit)
		g_array_append_val(paging->elements, object);
	return paging->elements->len < paging->limit;
}

GArray *hc_types_elements(const hc_types *types, const hc_type *type, hc_address address, uint64_t first,
	unsigned limit, hc_grade *ret_grade, uint64_t *ret_walked)
{
	const hc_layout *layout = layout_at(types, type, address);
	hc_walk walk;
	struct paging paging = { first, limit, &walk, NULL };
	hc_walk_visitor visitor = { .element = take_page, .data = &paging, .takes_bits = true };

	if (!layout)
		return NULL;
	paging.elements = g_array_new(FALSE, FALSE, sizeof(hc_object));
	hc_layout_walk(layout, address, &visitor, &walk);
	for (unsigned i = 0; i < paging.elements->len; i++) {
		hc_object *object = &g_array_index(paging.elements, hc_object, i);

		object->type = walk.element ? walk.element : hc_layout_element(layout);
	}
	*ret_grade = walk.grade;
	*ret_walked = walk.walked;
	return paging.elements;
}

bool hc_types_table_fill(const hc_types *types, const hc_container *container, bool only_used, hc_table_fill *ret_fill)
{
	const hc_layout *layout = hc_container_set_layout(types->set, container->container_type, NULL);

	return layout && container->address && hc_layout_fill(layout, container->address, only_used, ret_fill);
}
