/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables, wrapped text and JSON values: what reports are made of. */
#include "reports/table.h"
#include "unit.h"

#include <string.h>

static bool refuse(const char *text, size_t length, void *data)
{
	(void)text;
	(void)length;
	++*(unsigned *)data;
	return false;
}

static const hc_column columns[] = {
	{ "name", "NAME", HC_CELL_TEXT },
	{ "bytes", "BYTES", HC_CELL_SIZE },
	{ "hidden", NULL, HC_CELL_COUNT },
	{ "at", "AT", HC_CELL_ADDRESS },
	{ "flag", NULL, HC_CELL_FLAG },
	{ NULL, "NOTE", HC_CELL_TEXT },
};

static hc_table *example_table(void)
{
	hc_table *table = hc_table_create(columns, G_N_ELEMENTS(columns));

	hc_table_add_row(table);
	hc_table_set_text(table, 0, "a\x1b[31m\xff");
	hc_table_set_number(table, 1, 1536);
	hc_table_set_number(table, 2, 25573);
	hc_table_set_number(table, 3, 0xffffffffff600000);
	hc_table_set_number(table, 4, true);
	hc_table_set_plain(table, 5, "one two");
	hc_table_add_row(table);
	hc_table_set_text(table, 0, NULL);
	hc_table_set_number(table, 1, 3);
	hc_table_add_rule(table, 1);
	hc_table_add_line(table, HC_STYLE_PLAIN, "a line");
	return table;
}

static char *print(const hc_table *table, unsigned width, bool colour)
{
	GString *text = g_string_new(NULL);
	hc_report_options options = { .width = width, .colour = colour, .write = unit_append, .write_data = text };
	g_autoptr(hc_output) output = hc_output_create(&options);

	hc_table_print(table, output);
	CU_ASSERT_TRUE(hc_output_finish(output, NULL));
	return g_string_free(text, FALSE);
}

static void test_text(void)
{
	g_autoptr(hc_table) table = example_table();
	g_autofree char *text = print(table, 100, false);

	UNIT_ASSERT_TEXT(text, "NAME             BYTES  AT                  NOTE\n"
			       "a\\x1b[31m\\xff  1.5 KiB  0xffffffffff600000  one two\n"
			       "                   3 B\n"
			       "               -------\n"
			       "                                            a line\n");
}

static void test_json(void)
{
	g_autoptr(hc_table) table = example_table();
	json_t *json = hc_table_json(table);
	char *text = json_dumps(json, JSON_COMPACT);

	UNIT_ASSERT_TEXT(text, "[{\"name\":\"a\\u001B[31m\\\\xff\",\"bytes\":1536,\"hidden\":25573,"
			       "\"at\":\"0xffffffffff600000\",\"flag\":true},"
			       "{\"name\":null,\"bytes\":3,\"hidden\":null,\"at\":null,\"flag\":null}]");
	free(text);
	json_decref(json);
}

/* The last column is wrapped; a column without any text is not shown, nor are titles that are all empty. */
static void test_wrapped(void)
{
	static const hc_column untitled[] = { { NULL, "", HC_CELL_COUNT }, { NULL, "EMPTY", HC_CELL_TEXT },
		{ NULL, "", HC_CELL_TEXT } };
	g_autoptr(hc_table) table = hc_table_create(untitled, G_N_ELEMENTS(untitled));
	g_autofree char *text = NULL;

	hc_table_add_row(table);
	hc_table_set_number(table, 0, 1000);
	hc_table_set_plain(table, 2, "the quick brown fox jumps over the lazy dog and then it jumps back");
	text = print(table, 60, false);
	UNIT_ASSERT_TEXT(text, "1,000  the quick brown fox jumps over the lazy dog and then\n"
			       "       it jumps back\n");
}

static void test_colour(void)
{
	g_autoptr(hc_table) table = example_table();
	g_autofree char *text = NULL;

	hc_table_add_row(table);
	hc_table_set_plain(table, 0, "bad");
	hc_table_set_style(table, HC_STYLE_BAD);
	text = print(table, 100, true);
	UNIT_ASSERT_CONTAINS(text, "\033[1;31mbad\033[0m");
	CU_ASSERT_PTR_NULL(strstr(text, "\033[31m"));
}

static void test_growth(void)
{
	char buffer[HC_TEXT_GROWTH_LENGTH];

	UNIT_ASSERT_TEXT(hc_text_growth(buffer, 0), "0 B");
	UNIT_ASSERT_TEXT(hc_text_growth(buffer, 2048), "+2.0 KiB");
	UNIT_ASSERT_TEXT(hc_text_growth(buffer, -300), "-300 B");
	UNIT_ASSERT_TEXT(hc_text_growth(buffer, INT64_MIN), "-8.0 EiB");
}

static void test_columns(void)
{
	CU_ASSERT_EQUAL(hc_text_columns(""), 0);
	CU_ASSERT_EQUAL(hc_text_columns("abc"), 3);
	CU_ASSERT_EQUAL(hc_text_columns("\u00e4\u6f22"), 3); /* one narrow, one wide */
	CU_ASSERT_EQUAL(hc_text_columns("e\u0301"), 1);	     /* a combining accent */
}

/* More than the buffer holds arrives whole and in order; a write that fails stops the writing, and is told. */
static void test_output(void)
{
	GString *text = g_string_new(NULL);
	unsigned calls = 0;
	hc_report_options options = { .write = unit_append, .write_data = text };
	hc_report_options refusing = { .write = refuse, .write_data = &calls };
	g_autoptr(hc_output) output = hc_output_create(&options);
	g_autoptr(hc_output) refused = hc_output_create(&refusing);
	g_autoptr(GError) error = NULL;
	unsigned count = 3 * HC_OUTPUT_BUFFER_SIZE / 8, wrong = 0;

	for (unsigned i = 0; i < count; i++) {
		hc_output_printf(output, "%07u\n", i);
		hc_output_printf(refused, "%07u\n", i);
	}
	CU_ASSERT_TRUE(hc_output_finish(output, &error));
	CU_ASSERT_EQUAL(text->len, 8 * count);
	for (unsigned i = 0; i < count; i++)
		wrong += (unsigned)atoi(text->str + 8 * i) != i;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_FALSE(hc_output_finish(refused, &error));
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_IO));
	CU_ASSERT_EQUAL(calls, 1);
	g_string_free(text, TRUE);
}

static void test_json_values(void)
{
	json_t *huge = hc_json_number(UINT64_MAX), *address = hc_json_address(UINT64_MAX),
	       *nothing = hc_json_text(NULL);

	CU_ASSERT_TRUE(json_integer_value(huge) == INT64_MAX);
	UNIT_ASSERT_TEXT(json_string_value(address), "0xffffffffffffffff");
	CU_ASSERT_TRUE(json_is_null(nothing));
	json_decref(huge);
	json_decref(address);
	json_decref(nothing);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "a table as text", test_text },
		{ "a table as JSON", test_json },
		{ "wrapped cells", test_wrapped },
		{ "colour", test_colour },
		{ "growth", test_growth },
		{ "columns of a terminal", test_columns },
		{ "the sink", test_output },
		{ "JSON values", test_json_values },
	};

	return unit_main("table", cases, G_N_ELEMENTS(cases));
}
