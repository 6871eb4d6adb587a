/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows as CSV (RFC 4180): lines end in CR LF, all text is in quotes, what is not there is nothing at all, without quotes. So a loader of a database can
 * tell an empty text from none.
 *
 * Spreadsheets take a cell that begins with = + - @, a tab or a line break for a formula, which may run programs. Text that begins so gets an
 * apostrophe in front, by which they know it for text.
 */
#include "export/export_parts.h"

#include "base/text.h"

#include <string.h>

static void write_text(hc_export *export, const char *bytes)
{
	g_autofree char *copy = NULL;
	const char *text = hc_text_valid(bytes, &copy);

	hc_export_text(export, "\"");
	if (*text && strchr("=+-@\t\r\n", *text))
		hc_export_text(export, "'");
	for (const char *at = text; *at;) {
		const char *quote = strchrnul(at, '"');

		hc_export_bytes(export, at, (size_t)(quote - at));
		if (*quote)
			hc_export_text(export, "\"\"");
		at = *quote ? quote + 1 : quote;
	}
	hc_export_text(export, "\"");
}

static void write_cell(hc_export *export, hc_column_kind kind, const hc_cell *cell)
{
	switch (kind) {
	case HC_COLUMN_TEXT:
		write_text(export, cell->text);
		break;
	case HC_COLUMN_FLAG:
		hc_export_text(export, cell->number ? "true" : "false");
		break;
	case HC_COLUMN_ADDRESS:
	case HC_COLUMN_KEY_ADDRESS:
		hc_export_hexadecimal(export, cell->number);
		break;
	default:
		hc_export_decimal(export, hc_cell_limited(cell->number));
	}
}

static void write_row(hc_row_writer *writer, const hc_cell *cells)
{
	hc_export *export = ((hc_line_writer *)writer)->export;
	const hc_export_column *columns = writer->table->columns;

	for (unsigned i = 0; columns[i].name; i++) {
		if (i)
			hc_export_text(export, ",");
		if (cells[i].is_there)
			write_cell(export, columns[i].kind, &cells[i]);
	}
	hc_export_text(export, "\r\n");
}

hc_line_writer hc_csv_writer(hc_export *export, const hc_export_table *table)
{
	if (!export->is_begun) {
		for (const hc_export_column *column = table->columns; column->name; column++)
			hc_sink_printf(&export->sink, "%s%s", column == table->columns ? "" : ",", column->name);
		hc_export_text(export, "\r\n");
	}
	return (hc_line_writer){ { write_row, table }, export };
}
