/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings of the dead process as bytes; those of wide characters (wchar_t, char16_t, char32_t) as UTF-8. */
#include "values/strings.h"

enum {
	WIDE_MAX = 4,	/* bytes of a character */
	LIKELY_TEXT = 4 /* so many printable bytes, and then a NUL, are text */
};

/* Characters in a row. */
struct row {
	hc_address address;
	uint64_t count;	    /* at most */
	unsigned size;	    /* bytes of one: 1, 2 or 4 */
	bool is_terminated; /* by the first that is 0, if there is one */
};

struct text {
	char *bytes; /* a NUL stands behind them, others may be among them; NULL: none */
	size_t length;
	bool is_cut;
};

/* As many characters as can be read, at most MOST, in BYTES. Returns how many. */
static size_t read_characters(const hc_types *types, const struct row *row, uint8_t *bytes, size_t most)
{
	uint64_t available;
	size_t count = 0;
	const uint8_t *mapped = hc_core_bytes(types->core, row->address, &available);

	most = MIN(most, row->count);
	if (mapped && available / row->size >= most) {
		memcpy(bytes, mapped, most * row->size);
		return most;
	}
	while (count < most && hc_variables_read(types->variables, row->address + count * row->size,
				       bytes + count * row->size, row->size))
		count++;
	return count;
}

static gunichar character_at(const hc_types *types, const uint8_t *bytes, unsigned size)
{
	bool big = hc_core_process(types->core)->big_endian;
	gunichar value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (gunichar)bytes[big ? size - 1 - i : i] << 8 * i;
	return value;
}

/*
 * The characters at BYTES, COUNT of them, as UTF-8, as far as TEXT has room for them. FALSE if there are some among them that Unicode does
 * not know: then they are no text. *ret_used: how many were converted.
 */
static bool convert(const hc_types *types, const uint8_t *bytes, size_t count, const struct row *row, struct text *text,
	size_t *ret_used)
{
	size_t at = 0;

	while (at < count) {
		gunichar value = character_at(types, bytes + at * row->size, row->size);
		size_t next = at + 1;
		char encoded[8];

		if (row->is_terminated && !value)
			break;
		if (row->size == 2 && (value & 0xfc00) == 0xd800) { /* UTF-16: the first of two (RFC 2781, 2.2) */
			gunichar second = next < count ? character_at(types, bytes + 2 * next, 2) : 0;

			if (next == count && count < row->count)
				break;
			if ((second & 0xfc00) != 0xdc00)
				return false;
			value = 0x10000 + ((value & 0x3ff) << 10 | (second & 0x3ff));
			next++;
		}
		if (!g_unichar_validate(value))
			return false;
		int length = g_unichar_to_utf8(value, encoded);

		if (text->length + (size_t)length > HC_VALUES_TEXT_BYTES) {
			text->is_cut = true;
			break;
		}
		memcpy(text->bytes + text->length, encoded, (size_t)length);
		text->length += (size_t)length;
		at = next;
	}
	*ret_used = at;
	return true;
}

static struct text read_text(const hc_types *types, const struct row *row)
{
	uint8_t bytes[HC_VALUES_TEXT_BYTES * WIDE_MAX];
	struct text text = { g_malloc0(HC_VALUES_TEXT_BYTES + 1), 0, false };
	size_t count = read_characters(types, row, bytes, HC_VALUES_TEXT_BYTES), used = count;

	if (row->size == 1) {
		const uint8_t *end = row->is_terminated && count ? memchr(bytes, 0, count) : NULL;

		text.length = used = end ? (size_t)(end - bytes) : count;
		memcpy(text.bytes, bytes, text.length);
	} else if (!convert(types, bytes, count, row, &text, &used)) {
		count = 0;
	}
	if (!count && row->count)
		g_clear_pointer(&text.bytes, g_free);
	/* Of what a NUL ends it is not known whether it goes on where it cannot be read. */
	text.is_cut = text.is_cut ||
		      (used == count && count < row->count && (count == HC_VALUES_TEXT_BYTES || !row->is_terminated));
	return text;
}

static bool is_character(const hc_type *type)
{
	uint64_t size = type && hc_type_get_kind(type) == HC_TYPE_CHAR ? hc_type_size(type) : 0;

	return size == 1 || size == 2 || size == 4;
}

static bool take_first(hc_address address, uint64_t index, void *data)
{
	(void)index;
	*(hc_address *)data = address;
	return false;
}

static struct text text_of_container(const hc_types *types, const hc_layout *layout, hc_address address)
{
	hc_address first = 0;
	hc_walk_visitor visitor = { .element = take_first, .data = &first };
	hc_walk walk;

	hc_layout_walk(layout, address, &visitor, &walk);
	if (walk.grade == HC_GRADE_IMPLAUSIBLE ||
		(walk.element_size > 1 && (!is_character(walk.element) || walk.element_size > WIDE_MAX)))
		return (struct text){ 0 };
	if (!first)
		return (struct text){ g_strdup(""), 0, false };
	return read_text(types, &(struct row){ first, walk.walked, (unsigned)MAX(walk.element_size, 1), false });
}

static struct text likely_text(const hc_types *types, hc_address address)
{
	struct text text = read_text(types, &(struct row){ address, HC_VALUES_TEXT_BYTES, 1, true });
	bool is_text = text.length >= LIKELY_TEXT && g_utf8_validate(text.bytes, (gssize)text.length, NULL);

	for (size_t i = 0; is_text && i < text.length; i++)
		is_text = (unsigned char)text.bytes[i] >= ' ';
	if (!is_text)
		g_clear_pointer(&text.bytes, g_free);
	return text;
}

bool hc_values_word(const hc_types *types, hc_address address, uint64_t *ret_value)
{
	hc_word_format format = hc_core_word_format(types->core);
	uint8_t buffer[sizeof(uint64_t)] = { 0 };

	if (!hc_variables_read(types->variables, address, buffer, format.size))
		return false;
	*ret_value = hc_load_word(buffer, format);
	return true;
}

static struct text text_of(const hc_types *types, const hc_type *type, hc_address address)
{
	const struct text none = { 0 };
	hc_type_kind kind = type ? hc_type_get_kind(type) : HC_TYPE_POINTER;
	const hc_type *target = type ? hc_type_target(type) : NULL;
	const hc_layout *layout;
	uint64_t value;

	switch (kind) {
	case HC_TYPE_POINTER:
		if ((type && !is_character(target)) || !hc_values_word(types, address, &value) || !value)
			return none;
		return type ? read_text(
				      types, &(struct row){ value, UINT64_MAX, (unsigned)hc_type_size(target), true }) :
			      likely_text(types, value);
	case HC_TYPE_ARRAY:
		return is_character(target) && hc_type_size(type) ?
			       read_text(types, &(struct row){ address, hc_type_size(type) / hc_type_size(target),
							(unsigned)hc_type_size(target), true }) :
			       none;
	case HC_TYPE_REFERENCE:
		return target && hc_type_get_kind(target) != HC_TYPE_REFERENCE &&
				       hc_values_word(types, address, &value) && value ?
			       text_of(types, target, value) :
			       none;
	case HC_TYPE_STRUCT:
	case HC_TYPE_INCOMPLETE:
		layout = hc_container_set_layout(types->set, type, NULL);
		return layout && hc_layout_is_string(layout) ? text_of_container(types, layout, address) : none;
	default:
		return none;
	}
}

char *hc_values_text(const hc_types *types, const hc_type *type, hc_address address, size_t *ret_length, bool *ret_cut)
{
	struct text text = text_of(types, type, address);

	if (ret_length)
		*ret_length = text.length;
	if (ret_cut)
		*ret_cut = text.is_cut;
	return text.bytes;
}

char *hc_values_row_text(const hc_types *types, const hc_type *type, hc_address address, uint64_t count)
{
	struct row row = { address, count, (unsigned)hc_type_size(type), true };

	return is_character(type) ? read_text(types, &row).bytes : NULL;
}
