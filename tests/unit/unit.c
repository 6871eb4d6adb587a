/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int unit_main(const char *suite_name, const unit_case *cases, unsigned count)
{
	unsigned failed = count, passed = 0;
	CU_pSuite suite = NULL;

	if (CU_initialize_registry() == CUE_SUCCESS)
		suite = CU_add_suite(suite_name, NULL, NULL);
	for (unsigned i = 0; suite && i < count; i++) {
		if (!CU_add_test(suite, cases[i].name, cases[i].run))
			suite = NULL;
	}
	if (suite) {
		CU_basic_set_mode(CU_BRM_VERBOSE);
		CU_basic_run_tests();
		failed = CU_get_number_of_tests_failed();
		passed = CU_get_number_of_tests_run() - failed;
	}
	CU_cleanup_registry();
	printf("heapcore-tests: %u passed, %u failed\n", passed, failed);
	return failed || passed != count;
}

bool unit_append(const char *text, size_t length, void *data)
{
	g_string_append_len(data, text, length);
	return true;
}

void unit_keep_json(const char *text)
{
	const char *folder = g_getenv("UNIT_JSON_FOLDER");
	g_autofree char *path = folder ? g_build_filename(folder, "XXXXXX.json", NULL) : NULL;
	int file = folder ? g_mkstemp(path) : -1;

	if (!folder)
		return;
	CU_ASSERT_TRUE(file >= 0 && g_file_set_contents(path, text, -1, NULL));
	if (file >= 0)
		close(file);
}

void unit_assert_text(const char *actual, const char *expected, const char *file, unsigned line)
{
	bool same = !g_strcmp0(actual, expected);

	if (!same)
		printf("\n%s:%u: is <%s>, should be <%s>\n", file, line, actual ? actual : "NULL", expected);
	CU_assertImplementation(same, line, "texts are the same", file, "", CU_FALSE);
}

void unit_assert_contains(const char *text, const char *part, const char *file, unsigned line)
{
	bool contains = text && strstr(text, part);

	if (!contains)
		printf("\n%s:%u: <%s> does not stand in <%s>\n", file, line, part, text ? text : "NULL");
	CU_assertImplementation(contains, line, "a text contains another", file, "", CU_FALSE);
}
