/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows as NDJSON: one JSON object a line, with all keys in each; written at once, as there may be tens of millions. */
#include "export/export_parts.h"

#include "base/text.h"

char *hc_export_json_text(const char *bytes)
{
	g_autofree char *copy = NULL;
	const char *text = hc_text_valid(bytes, &copy);
	GString *json = g_string_new("\"");

	for (const char *at = text; *at; at++) {
		if (*at == '"' || *at == '\\')
			g_string_append_c(json, '\\');
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			g_string_append_printf(json, "\\u%04x", (unsigned)*at);
		else
			g_string_append_c(json, *at);
	}
	g_string_append_c(json, '"');
	return g_string_free(json, FALSE);
}

/* Whether TEXT stands in JSON as it is: it is ASCII, with nothing to escape. */
static bool is_plain(const char *text)
{
	for (const char *at = text; *at; at++)
		if (*at < ' ' || *at >= 0x7f || *at == '"' || *at == '\\')
			return false;
	return true;
}

static void write_text(hc_export *export, const char *bytes)
{
	g_autofree char *json = NULL;

	if (!is_plain(bytes)) {
		json = hc_export_json_text(bytes);
		hc_export_text(export, json);
		return;
	}
	hc_export_text(export, "\"");
	hc_export_text(export, bytes);
	hc_export_text(export, "\"");
}

static void write_address(hc_export *export, uint64_t address)
{
	hc_export_text(export, "\"");
	hc_export_hexadecimal(export, address);
	hc_export_text(export, "\"");
}

static void write_cell(hc_export *export, hc_column_kind kind, const hc_cell *cell)
{
	if (!cell->is_there)
		hc_export_text(export, "null");
	else if (kind == HC_COLUMN_TEXT)
		write_text(export, cell->text);
	else if (kind == HC_COLUMN_FLAG)
		hc_export_text(export, cell->number ? "true" : "false");
	else if (kind == HC_COLUMN_ADDRESS || kind == HC_COLUMN_KEY_ADDRESS)
		write_address(export, cell->number);
	else
		hc_export_decimal(export, hc_cell_limited(cell->number));
}

static void write_row(hc_row_writer *writer, const hc_cell *cells)
{
	hc_export *export = ((hc_line_writer *)writer)->export;
	const hc_export_column *columns = writer->table->columns;

	for (unsigned i = 0; columns[i].name; i++) {
		hc_export_text(export, i ? ",\"" : "{\"");
		hc_export_text(export, columns[i].name);
		hc_export_text(export, "\":");
		write_cell(export, columns[i].kind, &cells[i]);
	}
	hc_export_text(export, "}\n");
}

hc_line_writer hc_ndjson_writer(hc_export *export, const hc_export_table *table)
{
	return (hc_line_writer){ { write_row, table }, export };
}
