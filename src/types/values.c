/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of the dead process as text, as a debugger prints them: bounded in length and depth, escaped. */
#include "types/values.h"

#include "base/text.h"

enum {
	FORMAT_BYTES = 4096, /* of a whole value */
	DEPTH_MAX = 6,
	LIKELY_TEXT = 4 /* so many printable bytes, and then a NUL, are text */
};

/* ---- strings ---- */

/*
 * Characters at ADDRESS, LENGTH of them; at most HC_VALUES_TEXT_BYTES, and as far as they can be read. NULL if none can. Behind them stands a NUL,
 * others may be among them.
 */
static char *read_text(const hc_types *types, hc_address address, uint64_t length)
{
	g_autofree char *text = g_malloc0(HC_VALUES_TEXT_BYTES + 1);
	uint64_t available, count = 0;
	const uint8_t *bytes = hc_core_bytes(types->core, address, &available);

	length = MIN(length, HC_VALUES_TEXT_BYTES);
	if (bytes && available >= length) {
		memcpy(text, bytes, length);
		return g_steal_pointer(&text);
	}
	for (; count < length; count++)
		if (!hc_modules_read(types->modules, address + count, text + count, 1))
			return count ? g_steal_pointer(&text) : NULL;
	return g_steal_pointer(&text);
}

static bool take_first(hc_address address, uint64_t index, void *data)
{
	(void)index;
	*(hc_address *)data = address;
	return false;
}

static char *text_of_container(const hc_types *types, const hc_layout *layout, hc_address address, uint64_t *ret_length)
{
	hc_address first = 0;
	hc_walk_visitor visitor = { .element = take_first, .data = &first };
	hc_walk walk;

	hc_layout_walk(layout, address, &visitor, &walk);
	if (walk.grade == HC_GRADE_IMPLAUSIBLE || (walk.element_size && walk.element_size != 1))
		return NULL;
	*ret_length = first ? walk.walked : 0;
	return first ? read_text(types, first, walk.walked) : g_strdup("");
}

static char *likely_text(const hc_types *types, hc_address address)
{
	g_autofree char *text = read_text(types, address, HC_VALUES_TEXT_BYTES);
	size_t length = text ? strlen(text) : 0;

	if (length < LIKELY_TEXT || !g_utf8_validate(text, length, NULL))
		return NULL;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ')
			return NULL;
	return g_steal_pointer(&text);
}

bool hc_values_word(const hc_types *types, hc_address address, uint64_t *ret_value)
{
	hc_word_format format = hc_core_word_format(types->core);
	uint8_t buffer[sizeof(uint64_t)] = { 0 };

	if (!hc_modules_read(types->modules, address, buffer, format.size))
		return false;
	*ret_value = hc_load_word(buffer, format);
	return true;
}

/* Text that a NUL ends. */
static char *read_terminated(const hc_types *types, hc_address address, uint64_t limit, uint64_t *ret_length)
{
	char *text = read_text(types, address, limit);

	*ret_length = text ? strlen(text) : 0;
	/* It goes on, for all that is known. */
	*ret_length += *ret_length == HC_VALUES_TEXT_BYTES && limit > HC_VALUES_TEXT_BYTES;
	return text;
}

char *hc_values_text(const hc_types *types, const hc_type *type, hc_address address, uint64_t *ret_length)
{
	uint64_t value, unused, *length = ret_length ? ret_length : &unused;
	const hc_layout *layout;
	char *text;

	if (!type) {
		text = hc_values_word(types, address, &value) && value ? likely_text(types, value) : NULL;
		*length = text ? strlen(text) : 0;
		return text;
	}
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_POINTER:
		type = hc_type_target(type);
		if (!type || hc_type_get_kind(type) != HC_TYPE_CHAR || hc_type_size(type) != 1 ||
			!hc_values_word(types, address, &value) || !value)
			return NULL;
		return read_terminated(types, value, UINT64_MAX, length);
	case HC_TYPE_ARRAY:
		if (!hc_type_target(type) || hc_type_get_kind(hc_type_target(type)) != HC_TYPE_CHAR ||
			hc_type_size(hc_type_target(type)) != 1)
			return NULL;
		return read_terminated(types, address, hc_type_size(type), length);
	case HC_TYPE_REFERENCE:
		type = hc_type_target(type);
		return type && hc_type_get_kind(type) != HC_TYPE_REFERENCE && hc_values_word(types, address, &value) && value ?
			       hc_values_text(types, type, value, length) :
			       NULL;
	case HC_TYPE_STRUCT:
	case HC_TYPE_INCOMPLETE:
		layout = hc_container_set_layout(types->set, type, NULL);
		return layout && hc_layout_is_string(layout) ? text_of_container(types, layout, address, length) : NULL;
	default:
		return NULL;
	}
}

/* ---- everything ---- */

struct formatting {
	const hc_types *types;
	GString *text;
	unsigned limit, depth;
};

static void format_value(struct formatting *formatting, const hc_type *type, hc_address address);

static bool read_number(const hc_types *types, hc_address address, uint64_t size, uint64_t *ret_value)
{
	uint8_t bytes[8] = { 0 };
	bool big = hc_core_process(types->core)->big_endian;

	if (!size || size > 8 || !hc_modules_read(types->modules, address, bytes, size))
		return false;
	*ret_value = 0;
	for (unsigned i = 0; i < size; i++)
		*ret_value |= (uint64_t)bytes[big ? size - 1 - i : i] << 8 * i;
	return true;
}

static int64_t sign_extend(uint64_t value, uint64_t size)
{
	return size < 8 ? (int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size) : (int64_t)value;
}

static void format_float(struct formatting *formatting, uint64_t value, uint64_t size)
{
	float single;
	double number;
	uint32_t bits = value;
	char buffer[G_ASCII_DTOSTR_BUF_SIZE];

	if (size == 4) {
		memcpy(&single, &bits, sizeof single);
		number = single;
	} else {
		memcpy(&number, &value, sizeof number);
	}
	g_string_append(formatting->text, g_ascii_formatd(buffer, sizeof buffer, "%.9g", number));
}

/* The layout of the object of TYPE at ADDRESS. Some types are containers only as variables: a list's head, but not its links. */
static const hc_layout *layout_at(const hc_types *types, const hc_type *type, hc_address address)
{
	const hc_layout *layout = hc_container_set_layout(types->set, type, NULL);
	unsigned count;

	if (layout || !hc_container_set_layout(types->set, type, ""))
		return layout;
	count = hc_modules_load_variables(types->modules, 0);
	for (unsigned i = 0; i < count; i++) {
		const hc_variable *variable = hc_modules_variable(types->modules, i);

		if (variable->address == address && variable->type == type && variable->state <= HC_VARIABLE_VALUE)
			return hc_container_set_layout(types->set, type, variable->name);
	}
	return NULL;
}

/* char is signed, and so is wchar_t, on the machines that are read; the others are not. */
static bool is_signed_char(const hc_type *type)
{
	const char *name = hc_type_name(type);

	return !g_str_has_prefix(name, "unsigned") && !g_str_has_prefix(name, "char8_t") &&
	       !g_str_has_prefix(name, "char16_t") && !g_str_has_prefix(name, "char32_t");
}

static void format_number(struct formatting *formatting, const hc_type *type, uint64_t value)
{
	GString *text = formatting->text;
	uint64_t size = hc_type_size(type);
	const char *name;

	switch (hc_type_get_kind(type)) {
	case HC_TYPE_BOOL:
		g_string_append(text, value ? "true" : "false");
		break;
	case HC_TYPE_FLOAT:
		format_float(formatting, value, size);
		break;
	case HC_TYPE_ENUM:
		name = hc_type_enumerator(type, sign_extend(value, size));
		if (name)
			g_string_append(text, name);
		else
			g_string_append_printf(text, "%" G_GINT64_FORMAT, sign_extend(value, size));
		break;
	case HC_TYPE_CHAR:
		g_string_append_printf(
			text, "%" G_GINT64_FORMAT, is_signed_char(type) ? sign_extend(value, size) : (int64_t)value);
		if (value >= ' ' && value < 0x7f)
			g_string_append_printf(text, " '%c'", (char)value);
		break;
	case HC_TYPE_SIGNED:
		g_string_append_printf(text, "%" G_GINT64_FORMAT, sign_extend(value, size));
		break;
	default:
		g_string_append_printf(text, "%" G_GUINT64_FORMAT, value);
		break;
	}
}

static void format_bits(struct formatting *formatting, const hc_field *field, hc_address address)
{
	const hc_type *type = field->type,
		      *integer = hc_type_get_kind(type) == HC_TYPE_ENUM ? hc_type_target(type) : type;
	unsigned unused = 64 - MIN(field->bit_size, 64);
	uint64_t value;

	if (!read_number(formatting->types, address, MIN(hc_type_size(type), 8), &value)) {
		g_string_append(formatting->text, "<not readable>");
		return;
	}
	value = value >> field->bit_offset % 64 << unused;
	value = integer && hc_type_get_kind(integer) == HC_TYPE_SIGNED ? (uint64_t)((int64_t)value >> unused) :
									 value >> unused;
	format_number(formatting, type, value);
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
			format_bits(formatting, field, address + field->offset);
		else
			format_value(formatting, field->type, address + field->offset);
	}
	g_string_append_c(text, '}');
}

static void format_elements(struct formatting *formatting, const hc_type *type, hc_address address)
{
	GString *text = formatting->text;
	const hc_type *element;
	hc_grade grade;
	uint64_t walked;
	g_autoptr(GArray) elements =
		hc_types_elements(formatting->types, type, address, 0, formatting->limit, &element, &grade, &walked);

	if (grade == HC_GRADE_IMPLAUSIBLE) {
		g_string_append(text, "<not initialised, or damaged>");
		return;
	}
	g_string_append_printf(text, "%" G_GUINT64_FORMAT " element%s", walked, walked == 1 ? "" : "s");
	if (!elements->len)
		return;
	g_string_append(text, ": {");
	for (unsigned i = 0; i < elements->len && text->len < FORMAT_BYTES; i++) {
		hc_address at = g_array_index(elements, hc_address, i);

		if (i)
			g_string_append(text, ", ");
		if (element)
			format_value(formatting, element, at);
		else
			g_string_append_printf(text, "%#" G_GINT64_MODIFIER "x", at);
	}
	g_string_append(text, walked > elements->len ? ", ...}" : "}");
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
	else if (!value)
		g_string_append(formatting->text, "NULL");
	else
		g_string_append_printf(formatting->text, "%#" G_GINT64_MODIFIER "x", value);
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

static void format_inner(struct formatting *formatting, const hc_type *type, hc_address address)
{
	uint64_t value;

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
		if (layout_at(formatting->types, type, address))
			return format_elements(formatting, type, address);
		return format_fields(formatting, type, address);
	default:
		if (read_number(formatting->types, address, hc_type_size(type), &value))
			format_number(formatting, type, value);
		else
			g_string_append(formatting->text, hc_type_size(type) > 8 ? "..." : "<not readable>");
	}
}

static void format_value(struct formatting *formatting, const hc_type *type, hc_address address)
{
	uint64_t length;
	g_autofree char *string = hc_values_text(formatting->types, type, address, &length);

	if (string) {
		g_autofree char *escaped = hc_text_escape(string, (gssize)MIN(length, HC_VALUES_TEXT_BYTES));

		g_string_append_printf(
			formatting->text, "\"%s\"%s", escaped, length > HC_VALUES_TEXT_BYTES ? "..." : "");
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
	struct formatting formatting = { .types = types, .limit = limit };

	if (!object->bits)
		return hc_types_format(types, object->type, object->address, limit);
	formatting.text = g_string_new(NULL);
	format_bits(&formatting, object->bits, object->address);
	return g_string_free(formatting.text, FALSE);
}

/* ---- elements ---- */

struct paging {
	uint64_t first;
	unsigned limit;
	GArray *elements;
};

static bool take_page(hc_address address, uint64_t index, void *data)
{
	struct paging *paging = data;

	if (index >= paging->first && paging->elements->len < paging->limit)
		g_array_append_val(paging->elements, address);
	return paging->elements->len < paging->limit;
}

GArray *hc_types_elements(const hc_types *types, const hc_type *type, hc_address address, uint64_t first,
	unsigned limit, const hc_type **ret_element, hc_grade *ret_grade, uint64_t *ret_walked)
{
	const hc_layout *layout = layout_at(types, type, address);
	struct paging paging = { first, limit, NULL };
	hc_walk_visitor visitor = { .element = take_page, .data = &paging };
	hc_walk walk;

	if (!layout)
		return NULL;
	paging.elements = g_array_new(FALSE, FALSE, sizeof(hc_address));
	hc_layout_walk(layout, address, &visitor, &walk);
	*ret_element = walk.element ? walk.element : hc_layout_element(layout);
	*ret_grade = walk.grade;
	*ret_walked = walk.walked;
	return paging.elements;
}
