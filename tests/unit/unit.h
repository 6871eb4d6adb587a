/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A CUnit program's main(): runs the cases of one suite, then prints the line that counts them. */
#pragma once

#include <CUnit/CUnit.h>
#include <glib.h>
#include <stdbool.h>

typedef struct unit_case {
	const char *name;
	void (*run)(void);
} unit_case;

/* Returns main()'s status. Use CUnit's plain asserts, not the _FATAL ones: these leave past every cleanup. */
int unit_main(const char *suite, const unit_case *cases, unsigned count);

/* A report's `write` (heapcore/reports.h) that appends to the GString DATA. */
bool unit_append(const char *text, size_t length, void *data);

/* Leaves TEXT, JSON of a report, as a file in the folder $UNIT_JSON_FOLDER, if there is one: test_json.py holds it against the schema. */
void unit_keep_json(const char *text);

/* Says what differs, which CU_ASSERT_STRING_EQUAL() does not. */
void unit_assert_text(const char *actual, const char *expected, const char *file, unsigned line);
#define UNIT_ASSERT_TEXT(actual, expected) unit_assert_text(actual, expected, __FILE__, __LINE__)

/* PART must stand in TEXT. */
void unit_assert_contains(const char *text, const char *part, const char *file, unsigned line);
#define UNIT_ASSERT_CONTAINS(text, part) unit_assert_contains(text, part, __FILE__, __LINE__)
