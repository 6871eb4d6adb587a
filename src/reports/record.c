/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/record.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

/* ---- values ---- */

hc_value hc_value_none(void)
{
	return (hc_value){ .kind = HC_VALUE_NONE };
}

hc_value hc_value_omitted(void)
{
	return (hc_value){ .kind = HC_VALUE_OMITTED };
}

hc_value hc_value_text(const char *bytes)
{
	return bytes ? (hc_value){ .kind = HC_VALUE_TEXT, .text = bytes } : hc_value_none();
}

hc_value hc_value_plain(const char *text)
{
	return text ? (hc_value){ .kind = HC_VALUE_PLAIN, .text = text } : hc_value_none();
}

hc_value hc_value_take_text(char *bytes)
{
	hc_value value = hc_value_text(bytes);

	value.is_taken = bytes != NULL;
	return value;
}

hc_value hc_value_take_plain(char *text)
{
	hc_value value = hc_value_plain(text);

	value.is_taken = text != NULL;
	return value;
}

hc_value hc_value_id(int64_t number)
{
	return (hc_value){ .kind = HC_VALUE_ID, .integer = number };
}

hc_value hc_value_count(uint64_t number)
{
	return (hc_value){ .kind = HC_VALUE_COUNT, .number = number };
}

hc_value hc_value_size(uint64_t bytes)
{
	return (hc_value){ .kind = HC_VALUE_SIZE, .number = bytes };
}

hc_value hc_value_growth(int64_t bytes)
{
	return (hc_value){ .kind = HC_VALUE_GROWTH, .integer = bytes };
}

hc_value hc_value_share(double part, double whole)
{
	return whole != 0 ? (hc_value){ .kind = HC_VALUE_SHARE, .real = 100 * part / whole } : hc_value_none();
}

hc_value hc_value_amount(hc_amount amount)
{
	return (hc_value){ .kind = HC_VALUE_AMOUNT, .amount = amount };
}

hc_value hc_value_address(hc_address address)
{
	return (hc_value){ .kind = HC_VALUE_ADDRESS, .number = address };
}

hc_value hc_value_flag(bool flag)
{
	return (hc_value){ .kind = HC_VALUE_FLAG, .number = flag };
}

hc_value hc_value_real(double real)
{
	return (hc_value){ .kind = HC_VALUE_REAL, .real = real };
}

hc_value hc_value_json(json_t *json)
{
	return json ? (hc_value){ .kind = HC_VALUE_JSON, .json = json } : hc_value_none();
}

static void release(const hc_value *value)
{
	if (value->is_taken)
		g_free((char *)value->text);
	if (value->kind == HC_VALUE_JSON)
		json_decref(value->json);
}

hc_value hc_value_if(bool condition, hc_value value)
{
	if (condition)
		return value;
	release(&value);
	return hc_value_none();
}

static bool is_left(hc_value_kind kind)
{
	return kind == HC_VALUE_TEXT || kind == HC_VALUE_PLAIN || kind == HC_VALUE_ID || kind == HC_VALUE_ADDRESS;
}

/* Bytes to the byte; NULL of what is no size. Free with g_free(). */
static char *exact_text(const hc_value *value)
{
	char buffer[HC_TEXT_COUNT_LENGTH];

	switch (value->kind) {
	case HC_VALUE_SIZE:
		return g_strdup(hc_text_count(buffer, value->number));
	case HC_VALUE_AMOUNT:
		return g_strdup(hc_text_count(buffer, value->amount.bytes));
	case HC_VALUE_GROWTH:
		return g_strdup_printf("%s%s",
			value->integer > 0 ? "+" :
			value->integer < 0 ? "-" :
					     "",
			hc_text_count(
				buffer, value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer));
	default:
		return NULL;
	}
}

/* As it is printed; NULL: nothing. Free with g_free(). */
static char *value_text(const hc_value *value)
{
	char buffer[HC_TEXT_COUNT_LENGTH];

	G_STATIC_ASSERT(sizeof buffer >= HC_TEXT_SIZE_LENGTH && sizeof buffer >= HC_TEXT_GROWTH_LENGTH);
	switch (value->kind) {
	case HC_VALUE_TEXT:
		return hc_text_escape(value->text, -1);
	case HC_VALUE_PLAIN:
		return hc_text_utf8(value->text, -1);
	case HC_VALUE_ID:
		return g_strdup_printf("%" PRIi64, value->integer);
	case HC_VALUE_COUNT:
		return g_strdup(hc_text_count(buffer, value->number));
	case HC_VALUE_SIZE:
		return g_strdup(hc_text_size(buffer, value->number));
	case HC_VALUE_GROWTH:
		return g_strdup(hc_text_growth(buffer, value->integer));
	case HC_VALUE_SHARE:
		return g_strdup_printf("%.1f%%", value->real);
	case HC_VALUE_AMOUNT:
		return g_strdup(hc_text_size(buffer, value->amount.bytes));
	case HC_VALUE_ADDRESS:
		return g_strdup_printf("0x%" PRIx64, value->number);
	default:
		return NULL;
	}
}

/* A new reference. */
static json_t *value_json(const hc_value *value)
{
	switch (value->kind) {
	case HC_VALUE_TEXT:
	case HC_VALUE_PLAIN:
		return hc_json_text(value->text);
	case HC_VALUE_ID:
	case HC_VALUE_GROWTH:
		return json_integer(value->integer);
	case HC_VALUE_COUNT:
	case HC_VALUE_SIZE:
		return hc_json_number(value->number);
	case HC_VALUE_AMOUNT:
		return hc_json_amount(value->amount);
	case HC_VALUE_ADDRESS:
		return hc_json_address(value->number);
	case HC_VALUE_FLAG:
		return json_boolean(value->number);
	case HC_VALUE_REAL:
		return json_real(value->real);
	case HC_VALUE_JSON:
		return json_incref(value->json);
	default:
		return json_null();
	}
}

/* ---- one record ---- */

static void set_facts(json_t *object, const hc_fact *facts, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (facts[i].key && facts[i].value.kind != HC_VALUE_OMITTED)
			hc_json_set(object, facts[i].key, value_json(&facts[i].value));
	}
}

static void release_facts(const hc_fact *facts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		release(&facts[i].value);
}

void hc_record_extend_n(json_t *object, const hc_fact *facts, unsigned count)
{
	set_facts(object, facts, count);
	release_facts(facts, count);
}

json_t *hc_record_json_n(const hc_fact *facts, unsigned count)
{
	json_t *object = json_object();

	hc_record_extend_n(object, facts, count);
	return object;
}

void hc_record_print_n(const hc_fact *facts, unsigned count, hc_output *output)
{
	enum {
		TITLE_WIDTH = 17
	};

	for (unsigned i = 0; i < count; i++) {
		const hc_value *value = &facts[i].value;
		g_autofree char *exact = facts[i].title && output->options->exact ? exact_text(value) : NULL,
				*text = exact	       ? g_strdup_printf("%s B", exact) :
					facts[i].title ? value_text(value) :
							 NULL;

		if (!text)
			continue;
		hc_output_style(output, HC_STYLE_DIM);
		hc_output_printf(output, "%s:", facts[i].title);
		hc_output_style(output, HC_STYLE_PLAIN);
		hc_output_spaces(output, TITLE_WIDTH - hc_text_columns(facts[i].title) - 1);
		hc_output_wrapped(output, TITLE_WIDTH, TITLE_WIDTH, text);
	}
	release_facts(facts, count);
}

/* ---- many records ---- */

typedef struct column {
	char *title;
	bool is_left;
	unsigned width; /* while printing; 0: nothing to show, its title neither */
} column;

typedef enum {
	ROW_RECORD,
	ROW_RULE,
	ROW_LINE,
} row_kind;

typedef struct row {
	row_kind kind;
	hc_style style;
	char **cells; /* of a record: one a column, as printed, each may be NULL */
	char **exact; /* likewise, of sizes to the byte */
	json_t *json; /* of a record */
	char *text;   /* of a rule its column's title, of a line what it says */
} row;

struct hc_records {
	GArray *columns; /* of column: the titled facts of the first record */
	GArray *rows;	 /* of row */
};

enum {
	COLUMN_GAP = 2,
	LEAST_WRAP = 24, /* columns that a wrapped cell needs to be worth it */
};

hc_records *hc_records_create(void)
{
	hc_records *records = g_new(hc_records, 1);

	records->columns = g_array_new(FALSE, TRUE, sizeof(column));
	records->rows = g_array_new(FALSE, TRUE, sizeof(row));
	return records;
}

static column *get_column(const hc_records *records, unsigned index)
{
	return &g_array_index(records->columns, column, index);
}

static row *get_row(const hc_records *records, unsigned index)
{
	return &g_array_index(records->rows, row, index);
}

void hc_records_destroy(hc_records *records)
{
	if (!records)
		return;
	for (unsigned i = 0; i < records->rows->len; i++) {
		row *removed = get_row(records, i);

		for (unsigned k = 0; removed->cells && k < records->columns->len; k++) {
			g_free(removed->cells[k]);
			g_free(removed->exact[k]);
		}
		g_free(removed->cells);
		g_free(removed->exact);
		json_decref(removed->json);
		g_free(removed->text);
	}
	for (unsigned i = 0; i < records->columns->len; i++)
		g_free(get_column(records, i)->title);
	g_array_unref(records->rows);
	g_array_unref(records->columns);
	g_free(records);
}

static void make_columns(hc_records *records, const hc_fact *facts, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		column added = { .title = g_strdup(facts[i].title) };

		if (facts[i].title)
			g_array_append_val(records->columns, added);
	}
}

void hc_records_add_n(hc_records *records, const hc_fact *facts, unsigned count)
{
	row added = { .kind = ROW_RECORD, .json = json_object() };
	unsigned next = 0;

	if (!records->columns->len)
		make_columns(records, facts, count);
	added.cells = g_new0(char *, records->columns->len);
	added.exact = g_new0(char *, records->columns->len);
	for (unsigned i = 0; i < count; i++) {
		if (!facts[i].title)
			continue;
		g_assert(next < records->columns->len);
		added.cells[next] = value_text(&facts[i].value);
		added.exact[next] = exact_text(&facts[i].value);
		if (added.cells[next])
			get_column(records, next)->is_left = is_left(facts[i].value.kind);
		next++;
	}
	g_assert(next == records->columns->len);
	hc_record_extend_n(added.json, facts, count);
	g_array_append_val(records->rows, added);
}

void hc_records_add_rule(hc_records *records, const char *title)
{
	row added = { .kind = ROW_RULE, .text = g_strdup(title) };

	g_array_append_val(records->rows, added);
}

void hc_records_add_line(hc_records *records, hc_style style, const char *text)
{
	row added = { .kind = ROW_LINE, .style = style, .text = g_strdup(text) };

	g_array_append_val(records->rows, added);
}

void hc_records_set_style(hc_records *records, hc_style style)
{
	g_assert(records->rows->len);
	get_row(records, records->rows->len - 1)->style = style;
}

unsigned hc_records_count(const hc_records *records)
{
	return records->rows->len;
}

static bool is_last(const hc_records *records, unsigned index)
{
	return index + 1 == records->columns->len;
}

/* What stands in the column INDEX of PRINTED, NULL being the titles; never NULL. */
static const char *cell_text(const hc_records *records, const row *printed, unsigned index, bool is_exact)
{
	const char *text = NULL;

	if (!printed)
		return get_column(records, index)->title;
	if (printed->kind == ROW_RECORD)
		text = is_exact && printed->exact[index] ? printed->exact[index] : printed->cells[index];
	if (printed->kind == ROW_LINE && is_last(records, index))
		text = printed->text;
	return text ? text : "";
}

static bool is_ruled(const row *printed, const column *under)
{
	return printed && printed->kind == ROW_RULE && !strcmp(printed->text, under->title);
}

static void print_rule(unsigned width, hc_output *output)
{
	for (unsigned i = 0; i < width; i++)
		hc_output_text(output, "-");
}

/* Titles where PRINTED is NULL. */
static void print_row(const hc_records *records, const row *printed, hc_output *output)
{
	hc_style style = printed ? printed->style : HC_STYLE_HEADING;
	unsigned cursor = 0, start = 0;
	bool wrapped = false;

	for (unsigned i = 0; i < records->columns->len; i++) {
		const column *cell = get_column(records, i);
		const char *text = cell_text(records, printed, i, output->options->exact);
		unsigned columns = is_ruled(printed, cell) ? cell->width : hc_text_columns(text);
		unsigned position = start + (cell->is_left ? 0 : cell->width - MIN(columns, cell->width));

		start += cell->width ? cell->width + COLUMN_GAP : 0;
		if (!cell->width || !columns)
			continue;
		hc_output_spaces(output, position - MIN(cursor, position));
		if (style != HC_STYLE_PLAIN)
			hc_output_style(output, style);
		wrapped = is_last(records, i) && position + columns > output->width &&
			  position + LEAST_WRAP <= output->width && printed && printed->kind != ROW_RULE &&
			  style != HC_STYLE_COMMAND;
		if (is_ruled(printed, cell))
			print_rule(columns, output);
		else if (wrapped)
			hc_output_wrapped(output, position, position, text);
		else
			hc_output_text(output, text);
		if (style != HC_STYLE_PLAIN)
			hc_output_style(output, HC_STYLE_PLAIN);
		cursor = position + columns;
	}
	if (!wrapped)
		hc_output_text(output, "\n");
}

/* Sets the columns' widths; TRUE if one that is shown has a title. */
static bool measure(const hc_records *records, bool is_exact)
{
	bool is_titled = false;

	for (unsigned i = 0; i < records->columns->len; i++) {
		column *measured = get_column(records, i);

		measured->width = 0;
		for (unsigned k = 0; k < records->rows->len; k++)
			measured->width = MAX(
				measured->width, hc_text_columns(cell_text(records, get_row(records, k), i, is_exact)));
		if (measured->width) {
			measured->width = MAX(measured->width, hc_text_columns(measured->title));
			is_titled |= *measured->title != '\0';
		}
	}
	return is_titled;
}

void hc_records_print(const hc_records *records, hc_output *output)
{
	if (measure(records, output->options->exact))
		print_row(records, NULL, output);
	for (unsigned i = 0; i < records->rows->len; i++)
		print_row(records, get_row(records, i), output);
}

json_t *hc_records_json(const hc_records *records)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < records->rows->len; i++) {
		if (get_row(records, i)->kind == ROW_RECORD)
			json_array_append(array, get_row(records, i)->json);
	}
	return array;
}
