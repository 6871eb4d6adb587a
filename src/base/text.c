/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

/* Characters that change how the rest of a line is shown without showing anything themselves. */
static gboolean is_format_control(gunichar character)
{
	return g_unichar_iscntrl(character) || g_unichar_type(character) == G_UNICODE_FORMAT ||
	       g_unichar_type(character) == G_UNICODE_LINE_SEPARATOR ||
	       g_unichar_type(character) == G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void append_escaped(GString *text, gunichar character)
{
	switch (character) {
	case '\n':
		g_string_append(text, "\\n");
		return;
	case '\t':
		g_string_append(text, "\\t");
		return;
	case '\r':
		g_string_append(text, "\\r");
		return;
	default:
		if (character < 0x100)
			g_string_append_printf(text, "\\x%02x", character);
		else
			g_string_append_printf(text, "\\u{%x}", character);
	}
}

static char *escape(const char *bytes, gssize length, gboolean for_terminal)
{
	const char *end = bytes + (length < 0 ? (gssize)strlen(bytes) : length);
	GString *text = g_string_sized_new(end - bytes + 1);

	while (bytes < end) {
		gunichar character = g_utf8_get_char_validated(bytes, end - bytes);

		if (character == (gunichar)-1 || character == (gunichar)-2 || !character) {
			g_string_append_printf(text, "\\x%02x", (guint8)*bytes++);
			continue;
		}
		if (for_terminal && character == '\\')
			g_string_append(text, "\\\\");
		else if (for_terminal && is_format_control(character))
			append_escaped(text, character);
		else
			g_string_append_unichar(text, character);
		bytes = g_utf8_next_char(bytes);
	}
	return g_string_free(text, FALSE);
}

char *hc_text_escape(const char *bytes, gssize length)
{
	return escape(bytes, length, TRUE);
}

char *hc_text_utf8(const char *bytes, gssize length)
{
	return escape(bytes, length, FALSE);
}

const char *hc_text_valid(const char *bytes, char **ret_copy)
{
	if (g_utf8_validate(bytes, -1, NULL))
		return bytes;
	*ret_copy = hc_text_utf8(bytes, -1);
	return *ret_copy;
}

/* Behind the character at TEXT: bytes that go on with one (10xxxxxx) belong to it. */
static const char *behind_character(const char *text)
{
	do
		text++;
	while (((guint8)*text & 0xc0) == 0x80);
	return text;
}

/* What was matched by the last star is made longer, as long as the rest does not fit; those before it need not change. */
bool hc_text_matches(const char *pattern, const char *text)
{
	const char *behind_star = NULL, *star_end = NULL;

	while (*text) {
		if (*pattern == '*') {
			behind_star = ++pattern;
			star_end = text;
		} else if (*pattern == '?') {
			pattern++;
			text = behind_character(text);
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (behind_star) {
			pattern = behind_star;
			text = ++star_end;
		} else {
			return false;
		}
	}
	return !pattern[strspn(pattern, "*")];
}

char *hc_text_size(char buffer[HC_TEXT_SIZE_LENGTH], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = bytes / 1024.0;
	unsigned unit = 0;

	if (bytes < 1024) {
		g_snprintf(buffer, HC_TEXT_SIZE_LENGTH, "%u B", (unsigned)bytes);
		return buffer;
	}
	while (value >= 1023.95 && unit + 1 < G_N_ELEMENTS(units)) {
		value /= 1024;
		unit++;
	}
	g_snprintf(buffer, HC_TEXT_SIZE_LENGTH, "%.1f %s", value, units[unit]);
	return buffer;
}

char *hc_text_growth(char buffer[HC_TEXT_GROWTH_LENGTH], int64_t bytes)
{
	char size[HC_TEXT_SIZE_LENGTH];
	uint64_t magnitude = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;

	g_snprintf(buffer, HC_TEXT_GROWTH_LENGTH, "%s%s",
		bytes > 0 ? "+" :
		bytes < 0 ? "-" :
			    "",
		hc_text_size(size, magnitude));
	return buffer;
}

char *hc_text_count(char buffer[HC_TEXT_COUNT_LENGTH], uint64_t count)
{
	char digits[24];
	int length = g_snprintf(digits, sizeof digits, "%" PRIu64, count);
	char *out = buffer;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buffer;
}

char *hc_unit_text(uint64_t count, const char *unit)
{
	char text[HC_TEXT_COUNT_LENGTH];
	size_t length = strlen(unit);

	if (count == 1 && length && unit[length - 1] == 's')
		length--;
	return g_strdup_printf("%s %.*s", hc_text_count(text, count), (int)length, unit);
}

const char *hc_text_file_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}
