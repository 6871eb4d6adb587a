/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/table.h"

#include "base/text.h"

#include <string.h>

typedef struct hc_cell {
	bool set;
	char *text;   /* as printed; NULL: nothing */
	json_t *json; /* NULL: null */
} hc_cell;

typedef enum {
	ROW_CELLS,
	ROW_RULE,
	ROW_LINE,
} row_kind;

typedef struct hc_row {
	row_kind kind;
	hc_style style;
	unsigned rule; /* the column with dashes */
	hc_cell *cells;
} hc_row;

struct hc_table {
	const hc_column *columns;
	unsigned column_count;
	GArray *rows; /* of hc_row */
};

enum {
	COLUMN_GAP = 2,
	LEAST_WRAP = 24, /* columns that a wrapped cell needs to be worth it */
};

hc_table *hc_table_create(const hc_column *columns, unsigned column_count)
{
	hc_table *table = g_new(hc_table, 1);

	table->columns = columns;
	table->column_count = column_count;
	table->rows = g_array_new(FALSE, TRUE, sizeof(hc_row));
	return table;
}

void hc_table_destroy(hc_table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < table->rows->len; i++) {
		hc_row *row = &g_array_index(table->rows, hc_row, i);

		for (unsigned column = 0; column < table->column_count; column++) {
			g_free(row->cells[column].text);
			json_decref(row->cells[column].json);
		}
		g_free(row->cells);
	}
	g_array_unref(table->rows);
	g_free(table);
}

static hc_row *add_row(hc_table *table, row_kind kind)
{
	hc_row row = { .kind = kind, .cells = g_new0(hc_cell, table->column_count) };

	g_array_append_val(table->rows, row);
	return &g_array_index(table->rows, hc_row, table->rows->len - 1);
}

void hc_table_add_row(hc_table *table)
{
	add_row(table, ROW_CELLS);
}

void hc_table_add_rule(hc_table *table, unsigned column)
{
	add_row(table, ROW_RULE)->rule = column;
}

void hc_table_add_line(hc_table *table, hc_style style, const char *text)
{
	hc_row *row = add_row(table, ROW_LINE);

	row->style = style;
	row->cells[table->column_count - 1].text = g_strdup(text);
}

static hc_row *last_row(hc_table *table)
{
	g_assert(table->rows->len);
	return &g_array_index(table->rows, hc_row, table->rows->len - 1);
}

/* TEXT and JSON are taken. */
static void set(hc_table *table, unsigned column, char *text, json_t *json)
{
	hc_cell *cell = &last_row(table)->cells[column];

	g_assert(column < table->column_count && !cell->set);
	*cell = (hc_cell){ .set = true, .text = text, .json = json };
}

void hc_table_set_text(hc_table *table, unsigned column, const char *bytes)
{
	if (bytes)
		set(table, column, hc_text_escape(bytes, -1), hc_json_text(bytes));
}

void hc_table_set_plain(hc_table *table, unsigned column, const char *text)
{
	if (text)
		set(table, column, hc_text_utf8(text, -1), hc_json_text(text));
}

void hc_table_set_number(hc_table *table, unsigned column, uint64_t number)
{
	char buffer[HC_TEXT_COUNT_LENGTH];

	switch (table->columns[column].kind) {
	case HC_CELL_SIZE:
		set(table, column, g_strdup(hc_text_size(buffer, number)), hc_json_number(number));
		return;
	case HC_CELL_ADDRESS:
		set(table, column, g_strdup_printf("0x%" G_GINT64_MODIFIER "x", number), hc_json_address(number));
		return;
	case HC_CELL_FLAG:
		set(table, column, NULL, json_boolean(number));
		return;
	default:
		set(table, column, g_strdup(hc_text_count(buffer, number)), hc_json_number(number));
	}
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

void hc_table_set_growth(hc_table *table, unsigned column, int64_t number)
{
	char buffer[HC_TEXT_GROWTH_LENGTH];

	set(table, column, g_strdup(hc_text_growth(buffer, number)), json_integer(number));
}

void hc_table_set_share(hc_table *table, unsigned column, double part, double whole)
{
	if (whole != 0)
		set(table, column, g_strdup_printf("%.1f%%", 100 * part / whole), NULL);
}

void hc_table_take_json(hc_table *table, unsigned column, json_t *value)
{
	set(table, column, NULL, value);
}

void hc_table_set_style(hc_table *table, hc_style style)
{
	last_row(table)->style = style;
}

unsigned hc_table_row_count(const hc_table *table)
{
	return table->rows->len;
}

/* The titles, then the rows, so that one loop prints both. */
static const char *cell_text(const hc_table *table, int row, unsigned column)
{
	const char *text;

	if (row < 0)
		return table->columns[column].title;
	text = g_array_index(table->rows, hc_row, row).cells[column].text;
	return text ? text : "";
}

static bool is_left(hc_cell_kind kind)
{
	return kind == HC_CELL_TEXT || kind == HC_CELL_ADDRESS;
}

static void print_row(const hc_table *table, hc_output *output, int number, const unsigned *widths)
{
	const hc_row *row = number < 0 ? NULL : &g_array_index(table->rows, hc_row, number);
	hc_style style = row ? row->style : HC_STYLE_HEADING;
	unsigned cursor = 0, start = 0;

	for (unsigned column = 0; column < table->column_count; column++) {
		const char *text = cell_text(table, number, column);
		bool is_rule = row && row->kind == ROW_RULE && row->rule == column;
		unsigned columns, position;

		if (!table->columns[column].title || !widths[column])
			continue;
		columns = is_rule ? widths[column] : hc_text_columns(text);
		position = start +
			   (is_left(table->columns[column].kind) ? 0 : widths[column] - MIN(columns, widths[column]));
		start += widths[column] + COLUMN_GAP;
		if (!columns)
			continue;
		hc_output_spaces(output, position - MIN(cursor, position));
		if (style != HC_STYLE_PLAIN)
			hc_output_style(output, style);
		if (is_rule) {
			for (unsigned i = 0; i < columns; i++)
				hc_output_text(output, "-");
		} else if (column + 1 == table->column_count && position + columns > output->width &&
			   position + LEAST_WRAP <= output->width && row && row->kind == ROW_CELLS) {
			hc_output_wrapped(output, position, position, text);
			cursor = UINT_MAX;
		} else {
			hc_output_text(output, text);
		}
		if (style != HC_STYLE_PLAIN)
			hc_output_style(output, HC_STYLE_PLAIN);
		if (cursor == UINT_MAX)
			return;
		cursor = position + columns;
	}
	hc_output_text(output, "\n");
}

void hc_table_print(const hc_table *table, hc_output *output)
{
	g_autofree unsigned *widths = g_new0(unsigned, table->column_count); /* 0: nothing to show, titles neither */
	bool titled = false;

	for (unsigned column = 0; column < table->column_count; column++) {
		if (!table->columns[column].title)
			continue;
		for (unsigned row = 0; row < table->rows->len; row++)
			widths[column] = MAX(widths[column], hc_text_columns(cell_text(table, row, column)));
		if (widths[column]) {
			widths[column] = MAX(widths[column], hc_text_columns(table->columns[column].title));
			titled |= *table->columns[column].title != '\0';
		}
	}
	for (int row = titled ? -1 : 0; row < (int)table->rows->len; row++)
		print_row(table, output, row, widths);
}

json_t *hc_table_json(const hc_table *table)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < table->rows->len; i++) {
		const hc_row *row = &g_array_index(table->rows, hc_row, i);
		json_t *object;

		if (row->kind != ROW_CELLS)
			continue;
		object = json_object();
		for (unsigned column = 0; column < table->column_count; column++) {
			if (table->columns[column].key)
				hc_json_set(object, table->columns[column].key,
					row->cells[column].json ? json_incref(row->cells[column].json) : json_null());
		}
		json_array_append_new(array, object);
	}
	return array;
}
