/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records: facts described once, as objects, lines, arrays and tables. */
#include "reports/record.h"
#include "unit.h"

#include <string.h>

static hc_output *open_output(hc_report_options *options, GString *text)
{
	options->write = unit_append;
	options->write_data = text;
	return hc_output_create(options);
}

static char *print(const hc_records *records, unsigned width, bool colour)
{
	GString *text = g_string_new(NULL);
	hc_report_options options = { .width = width, .colour = colour };
	g_autoptr(hc_output) output = open_output(&options, text);

	hc_records_print(records, output);
	CU_ASSERT_TRUE(hc_output_finish(output, NULL));
	return g_string_free(text, FALSE);
}

/* Takes JSON. */
static void assert_json(json_t *json, const char *expected)
{
	char *text = json_dumps(json, JSON_COMPACT);

	UNIT_ASSERT_TEXT(text, expected);
	free(text);
	json_decref(json);
}

static void add_example(hc_records *records, const char *name, uint64_t bytes, bool is_known)
{
	const hc_fact facts[] = {
		{ "name", "NAME", hc_value_text(name) },
		{ "bytes", "BYTES", hc_value_size(bytes) },
		{ "hidden", NULL, hc_value_count(25573) },
		{ "at", "AT", hc_value_if(is_known, hc_value_address(0xffffffffff600000)) },
		{ "flag", NULL, hc_value_if(is_known, hc_value_flag(true)) },
		{ NULL, "NOTE", hc_value_plain(is_known ? "one two" : NULL) },
	};

	hc_records_add(records, facts);
}

static hc_records *example_records(void)
{
	hc_records *records = hc_records_create();

	add_example(records, "a\x1b[31m\xff", 1536, true);
	add_example(records, NULL, 3, false);
	hc_records_add_rule(records, "BYTES");
	hc_records_add_line(records, HC_STYLE_PLAIN, "a line");
	return records;
}

static void test_table(void)
{
	g_autoptr(hc_records) records = example_records();
	g_autofree char *text = print(records, 100, false);

	UNIT_ASSERT_TEXT(text, "NAME             BYTES  AT                  NOTE\n"
			       "a\\x1b[31m\\xff  1.5 KiB  0xffffffffff600000  one two\n"
			       "                   3 B\n"
			       "               -------\n"
			       "                                            a line\n");
	CU_ASSERT_EQUAL(hc_records_count(records), 4);
}

static void test_array(void)
{
	g_autoptr(hc_records) records = example_records();

	assert_json(hc_records_json(records),
		"[{\"name\":\"a\\u001B[31m\\\\xff\",\"bytes\":1536,\"hidden\":25573,"
		"\"at\":\"0xffffffffff600000\",\"flag\":true},"
		"{\"name\":null,\"bytes\":3,\"hidden\":25573,\"at\":null,\"flag\":null}]");
}

static void test_nothing(void)
{
	g_autoptr(hc_records) records = hc_records_create();
	g_autofree char *text = print(records, 100, false);

	UNIT_ASSERT_TEXT(text, "");
	assert_json(hc_records_json(records), "[]");
}

/* The last column is wrapped; a column without any text is not shown, nor are titles that are all empty. */
static void test_wrapped(void)
{
	g_autoptr(hc_records) records = hc_records_create();
	const hc_fact facts[] = {
		{ NULL, "", hc_value_count(1000) },
		{ NULL, "EMPTY", hc_value_none() },
		{ NULL, "", hc_value_plain("the quick brown fox jumps over the lazy dog and then it jumps back") },
	};
	g_autofree char *text = NULL;

	hc_records_add(records, facts);
	text = print(records, 60, false);
	UNIT_ASSERT_TEXT(text, "1,000  the quick brown fox jumps over the lazy dog and then\n"
			       "       it jumps back\n");
}

/* Spaces that a cell or a line begins with are a tree's: they stand before all its lines, and a long first word is not broken off from them. */
static void test_wrapped_indented(void)
{
	g_autoptr(hc_records) records = hc_records_create();
	const hc_fact facts[] = {
		{ NULL, "", hc_value_count(1) },
		{ NULL, "", hc_value_plain("  g_registry->a_long_name_that_no_line_has_room_for_at_all[], a type") },
	};
	g_autofree char *text = NULL;

	hc_records_add(records, facts);
	hc_records_add_line(records, HC_STYLE_DIM, "    most of it stands in the block there, as one can see");
	hc_records_add_line(records, HC_STYLE_COMMAND, "heapcore owners core.4711 ./program 'a_path_to_be_copied'");
	text = print(records, 60, false);
	UNIT_ASSERT_TEXT(text, "1    g_registry->a_long_name_that_no_line_has_room_for_at_all[],\n"
			       "     a type\n"
			       "       most of it stands in the block there, as one can see\n"
			       "   heapcore owners core.4711 ./program 'a_path_to_be_copied'\n");
}

static void test_colour(void)
{
	g_autoptr(hc_records) records = example_records();
	g_autofree char *text = NULL;

	add_example(records, "bad", 1, false);
	hc_records_set_style(records, HC_STYLE_BAD);
	text = print(records, 100, true);
	UNIT_ASSERT_CONTAINS(text, "\033[1;31mbad\033[0m");
	CU_ASSERT_PTR_NULL(strstr(text, "\033[31m"));
}

/* Every kind of value, and that what is taken is freed (the address sanitizer looks). */
static void test_object(void)
{
	const hc_fact facts[] = {
		{ "none", NULL, hc_value_none() },
		{ "omitted", NULL, hc_value_omitted() },
		{ "taken", NULL, hc_value_take_text(g_strdup("t")) },
		{ "dropped", NULL, hc_value_if(false, hc_value_json(json_object())) },
		{ "id", NULL, hc_value_id(-8901) },
		{ "growth", NULL, hc_value_growth(-300) },
		{ "amount", NULL, hc_value_amount((hc_amount){ 2, 48 }) },
		{ "real", NULL, hc_value_real(0.5) },
		{ "json", NULL, hc_value_json(json_array()) },
		{ NULL, "title", hc_value_take_plain(g_strdup("p")) },
	};

	assert_json(hc_record_json(facts),
		"{\"none\":null,\"taken\":\"t\",\"dropped\":null,\"id\":-8901,\"growth\":-300,"
		"\"amount\":{\"blocks\":2,\"bytes\":48},\"real\":0.5,\"json\":[]}");
}

static void test_lines(void)
{
	const hc_fact facts[] = {
		{ "id", "thread", hc_value_id(8901) },
		{ "key", "nothing", hc_value_text(NULL) },
		{ "hidden", NULL, hc_value_count(1) },
		{ NULL, "share", hc_value_share(1, 3) },
		{ NULL, "no share", hc_value_share(1, 0) },
		{ "amount", "in use", hc_value_amount((hc_amount){ 2, 2048 }) },
	};
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = { .width = 80 };
	g_autoptr(hc_output) output = open_output(&options, text);

	hc_record_print(facts, output);
	CU_ASSERT_TRUE(hc_output_finish(output, NULL));
	UNIT_ASSERT_TEXT(text->str, "thread:          8901\n"
				    "share:           33.3%\n"
				    "in use:          2.0 KiB\n");
}

/* Sizes of all kinds to the byte, in tables and in lines; nothing else changes. */
static void test_exact(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = { .width = 80, .exact = true };
	g_autoptr(hc_output) output = open_output(&options, text);
	g_autoptr(hc_records) records = hc_records_create();
	const int64_t growths[] = { 1536, -2000000, 0, INT64_MIN };
	const hc_fact line[] = { { NULL, "in use", hc_value_amount((hc_amount){ 2, 2048 }) },
		{ NULL, "blocks", hc_value_count(2) } };

	for (unsigned i = 0; i < G_N_ELEMENTS(growths); i++) {
		const hc_fact facts[] = { { NULL, "BYTES", hc_value_size(i ? 1048576 : UINT64_MAX) },
			{ NULL, "GROWTH", hc_value_growth(growths[i]) }, { NULL, "SHARE", hc_value_share(i, 4) } };

		hc_records_add(records, facts);
	}
	hc_records_print(records, output);
	hc_record_print(line, output);
	CU_ASSERT_TRUE(hc_output_finish(output, NULL));
	UNIT_ASSERT_TEXT(text->str, "                     BYTES                      GROWTH  SHARE\n"
				    "18,446,744,073,709,551,615                      +1,536   0.0%\n"
				    "                 1,048,576                  -2,000,000  25.0%\n"
				    "                 1,048,576                           0  50.0%\n"
				    "                 1,048,576  -9,223,372,036,854,775,808  75.0%\n"
				    "in use:          2,048 B\n"
				    "blocks:          2\n");
}

int main(void)
{
	static const unit_case cases[] = {
		{ "records as a table", test_table },
		{ "records as an array", test_array },
		{ "no records", test_nothing },
		{ "wrapped cells", test_wrapped },
		{ "wrapped cells of a tree", test_wrapped_indented },
		{ "colour", test_colour },
		{ "a record as an object", test_object },
		{ "a record as lines", test_lines },
		{ "sizes to the byte", test_exact },
	};

	return unit_main("records", cases, G_N_ELEMENTS(cases));
}
