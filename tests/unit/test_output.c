/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where reports go: the sink, columns of a terminal, JSON values. */
#include "reports/json.h"
#include "unit.h"

#include <stdlib.h>

static bool refuse(const char *text, size_t length, void *data)
{
	(void)text;
	(void)length;
	++*(unsigned *)data;
	return false;
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
	unsigned count = 3 * HC_SINK_BUFFER / 8, wrong = 0;

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
		{ "columns of a terminal", test_columns },
		{ "the sink", test_output },
		{ "JSON values", test_json_values },
	};

	return unit_main("output", cases, G_N_ELEMENTS(cases));
}
