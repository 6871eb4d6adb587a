/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports that have to fit into a page. */
#include "reports/page.h"
#include "unit.h"

#include <string.h>

enum {
	ROWS = 5000
};

/* As it stands in a page. */
static GString *written(const json_t *value)
{
	GString *text = g_string_new(NULL);
	const hc_report_options options = { .format = HC_REPORT_JSON, .write = unit_append, .write_data = text };
	g_autoptr(hc_output) output = hc_output_create(&options);

	hc_page_write_json(output, value);
	CU_ASSERT(hc_output_finish(output, NULL));
	return text;
}

static uint64_t written_length(const json_t *value)
{
	GString *text = written(value);
	uint64_t length = text->len;

	g_string_free(text, TRUE);
	return length;
}

/* Rows of 1 to ROWS bytes in an order that is none, some of them less than 0, each of as many letters as its number has. */
static json_t *make_rows(void)
{
	json_t *rows = json_array();

	for (int64_t i = 0; i < ROWS; i++) {
		int64_t bytes = i * 1237 % ROWS + 1;

		json_array_append_new(
			rows, json_pack("{s:I, s:s}", "bytes", (json_int_t)(i % 3 ? bytes : -bytes), "type", "map<int>"));
	}
	return rows;
}

static json_int_t bytes_at(const json_t *rows, size_t index)
{
	return json_integer_value(json_object_get(json_array_get(rows, index), "bytes"));
}

/* What is left of `rows` of REPORT, made of ALL: the largest, in their order, and what is said of the others. */
static void check_rows(const json_t *report, const json_t *all)
{
	const json_t *rows = json_object_get(report, "rows"),
		     *gone = json_object_get(json_object_get(report, "left_out_here"), "rows");
	json_int_t least = G_MAXINT64, most_gone = 0, sum = 0;
	size_t next = 0, count_gone = 0;

	for (size_t i = 0; i < json_array_size(all); i++) {
		json_int_t bytes = bytes_at(all, i);

		if (next < json_array_size(rows) && bytes_at(rows, next) == bytes) {
			least = MIN(least, ABS(bytes));
			next++;
		} else {
			most_gone = MAX(most_gone, ABS(bytes));
			sum += bytes;
			count_gone++;
		}
	}
	CU_ASSERT(next == json_array_size(rows) && next > 0);
	CU_ASSERT(most_gone <= least);
	CU_ASSERT(json_integer_value(json_object_get(gone, "rows")) == (json_int_t)count_gone);
	CU_ASSERT(json_integer_value(json_object_get(gone, "bytes")) == sum);
}

static void test_smallest_rows_go(void)
{
	static const hc_page_list lists[] = { { "rows", "bytes" }, { "none", NULL }, { NULL, NULL } };
	json_t *all = make_rows();

	for (uint64_t budget = 1000; budget < 400000; budget = budget * 3 / 2) {
		json_t *report = json_pack("{s:O, s:i}", "rows", all, "total", ROWS), *copy = json_deep_copy(report);

		CU_ASSERT(hc_page_fit(copy, lists, budget));
		CU_ASSERT(written_length(copy) <= budget + 100); /* and what it says of what is gone */
		if (written_length(report) > budget)
			check_rows(copy, all);
		else
			CU_ASSERT(json_array_size(json_object_get(copy, "rows")) == ROWS);
		json_decref(report);
		json_decref(copy);
	}
	json_decref(all);
}

/* Two lists: the one that takes more gives more. A list of an object, without sizes, gives its last rows. */
static void test_several_lists(void)
{
	static const hc_page_list lists[] = { { "files.list", NULL }, { "rows", "bytes" }, { NULL, NULL } };
	json_t *files = json_array();
	json_t *report, *left, *list;

	for (int i = 0; i < 1000; i++)
		json_array_append_new(files, json_integer(i));
	report = json_pack("{s:{s:o}, s:o}", "files", "list", files, "rows", make_rows());
	CU_ASSERT(hc_page_fit(report, lists, 6000));
	list = json_object_get(json_object_get(report, "files"), "list");
	left = json_object_get(json_object_get(report, "left_out_here"), "files.list");
	CU_ASSERT(json_array_size(list) > 0 && json_array_size(list) < 1000);
	for (size_t i = 0; i < json_array_size(list); i++)
		CU_ASSERT(json_integer_value(json_array_get(list, i)) == (json_int_t)i);
	CU_ASSERT(json_integer_value(json_object_get(left, "rows")) == (json_int_t)(1000 - json_array_size(list)));
	CU_ASSERT(json_is_null(json_object_get(left, "bytes")));
	CU_ASSERT(json_array_size(json_object_get(report, "rows")) > 0);
	json_decref(report);
}

static void test_nothing_to_leave_out(void)
{
	static const hc_page_list lists[] = { { "rows", "bytes" }, { NULL, NULL } };
	json_t *report = json_pack("{s:[i, i], s:s}", "rows", 1, 2, "text", "a text that is long enough to be too much");

	CU_ASSERT(!hc_page_fit(report, lists, 20));
	json_decref(report);
}

static void check_cut(const json_t *value, const char *letter)
{
	const char *text = json_string_value(value);
	size_t length = strlen(letter);

	CU_ASSERT(g_utf8_validate(text, -1, NULL));
	CU_ASSERT(g_str_has_suffix(text, "\u2026") && strlen(text) <= 2003 && strlen(text) > 1990);
	CU_ASSERT(!strncmp(text, letter, length) && (strlen(text) - 3) % length == 0);
}

/* Wherever they are, and never within a letter. */
static void test_long_texts(void)
{
	static const char *const letters[] = { "a", "\u00e9", "\u20ac", "\U0001f600" };
	static const hc_page_list none[] = { { NULL, NULL } };

	for (unsigned i = 0; i < G_N_ELEMENTS(letters); i++) {
		g_autoptr(GString) text = g_string_new(NULL);
		json_t *report;

		while (text->len < 2000 - strlen(letters[i]) + 1)
			g_string_append(text, letters[i]);
		report = json_pack("{s:s}", "fits", text->str);
		CU_ASSERT(hc_page_fit(report, none, 10000));
		CU_ASSERT(!strcmp(json_string_value(json_object_get(report, "fits")), text->str));
		json_decref(report);
		for (unsigned k = 0; k < 1000; k++)
			g_string_append(text, letters[i]);
		report = json_pack("{s:s, s:[{s:[s, i]}]}", "one", text->str, "rows", "deeper", text->str, 7);
		CU_ASSERT(hc_page_fit(report, none, 10000));
		check_cut(json_object_get(report, "one"), letters[i]);
		check_cut(json_array_get(json_object_get(json_array_get(json_object_get(report, "rows"), 0), "deeper"), 0),
			letters[i]);
		json_decref(report);
	}
}

/* No text ends the element that it stands in, and each is what it was. */
static void test_written_for_scripts(void)
{
	json_t *value = json_pack("{s:s, s:[s, s]}", "<key>", "</script><!--", "list", "<", "a<<b");
	GString *text = written(value);
	json_t *again = json_loadb(text->str, text->len, 0, NULL);

	CU_ASSERT(!strchr(text->str, '<'));
	CU_ASSERT(json_equal(value, again));
	CU_ASSERT(strstr(text->str, "\\u003c/script>\\u003c!--") != NULL);
	g_string_free(text, TRUE);
	json_decref(value);
	json_decref(again);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "the smallest rows go", test_smallest_rows_go },
		{ "several lists", test_several_lists },
		{ "nothing to leave out", test_nothing_to_leave_out },
		{ "long texts", test_long_texts },
		{ "written for scripts", test_written_for_scripts },
	};

	return unit_main("page", cases, G_N_ELEMENTS(cases));
}
