/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/output.h"

#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_WIDTH = 100,
	LEAST_WIDTH = 60,
};

/*
 * Where memory is out jansson leaves out what does not fit, and what is written then looks whole. So it gets its memory from GLib, which
 * ends the process; of a program that has chosen another way of its own it gets it there.
 */
static void mind_memory(void)
{
	json_malloc_t allocate;
	json_free_t release;

	json_get_alloc_funcs(&allocate, &release);
	if (allocate == malloc)
		json_set_alloc_funcs(g_malloc, g_free);
}

hc_output *hc_output_create(const hc_report_options *options)
{
	hc_output *output = g_new(hc_output, 1);

	if (options->format == HC_REPORT_JSON)
		mind_memory();
	output->options = options;
	output->width = MAX(options->width ? options->width : DEFAULT_WIDTH, LEAST_WIDTH);
	hc_sink_init(&output->sink, options->write, options->write_data);
	return output;
}

void hc_output_destroy(hc_output *output)
{
	g_free(output);
}

bool hc_output_finish(hc_output *output, GError **error)
{
	if (hc_sink_flush(&output->sink))
		return true;
	g_set_error_literal(error, HC_ERROR, HC_ERROR_IO, "the report could not be written");
	return false;
}

void hc_output_printf(hc_output *output, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	hc_sink_vprintf(&output->sink, format, arguments);
	va_end(arguments);
}

void hc_output_spaces(hc_output *output, unsigned count)
{
	while (count--)
		hc_output_bytes(output, " ", 1);
}

void hc_output_style(hc_output *output, hc_style style)
{
	static const char *const sequences[] = {
		[HC_STYLE_PLAIN] = "\033[0m",
		[HC_STYLE_HEADING] = "\033[1m",
		[HC_STYLE_BAD] = "\033[1;31m",
		[HC_STYLE_DIM] = "\033[2m",
		[HC_STYLE_COMMAND] = "\033[36m",
	};

	if (output->options->colour)
		hc_output_text(output, sequences[style]);
}

void hc_output_styled(hc_output *output, hc_style style, const char *text)
{
	if (style != HC_STYLE_PLAIN)
		hc_output_style(output, style);
	hc_output_text(output, text);
	if (style != HC_STYLE_PLAIN)
		hc_output_style(output, HC_STYLE_PLAIN);
}

static unsigned span_columns(const char *text, const char *end)
{
	unsigned columns = 0;

	for (; text < end; text = g_utf8_next_char(text)) {
		gunichar character = g_utf8_get_char(text);

		if (!g_unichar_iszerowidth(character))
			columns += g_unichar_iswide(character) ? 2 : 1;
	}
	return columns;
}

unsigned hc_text_columns(const char *text)
{
	return span_columns(text, text + strlen(text));
}

void hc_output_wrapped(hc_output *output, unsigned column, unsigned indent, const char *text)
{
	unsigned leading = (unsigned)strspn(text, " ");
	bool first = true;

	hc_output_spaces(output, leading);
	column += leading;
	indent += leading;
	text += leading;
	while (*text) {
		const char *end = text + strcspn(text, " ");
		unsigned columns = span_columns(text, end);

		if (first) {
			first = false;
		} else if (column + 1 + columns > output->width) {
			hc_output_text(output, "\n");
			hc_output_spaces(output, indent);
			column = indent;
		} else {
			hc_output_text(output, " ");
			column++;
		}
		hc_output_bytes(output, text, end - text);
		column += columns;
		text = *end ? end + 1 : end;
	}
	hc_output_text(output, "\n");
}

void hc_output_sentence(hc_output *output, unsigned indent, unsigned hanging, char *text)
{
	g_autofree char *taken = text, *shown = text ? hc_text_escape(text, -1) : NULL;

	if (!shown)
		return;
	hc_output_spaces(output, indent);
	hc_output_wrapped(output, indent, hanging, shown);
}
