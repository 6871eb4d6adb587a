/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a type is kept; for the files of program_types/, and for tests that make types of their own.
 */
#pragma once

#include <heapcore/debuginfo.h>

typedef struct hc_enumerator {
	int64_t value;
	const char *name;
} hc_enumerator;

/*
 * Names, size, kind are known from the start. Target, fields and arguments are filled when they are
 * asked for: as long as `source` is set they are not read yet; a type made by a test has none.
 */
struct hc_type {
	hc_type_kind kind;
	const char *name, *short_name, *template_name;
	uint64_t size, alignment, count;
	const hc_type *target;
	hc_field *fields;
	unsigned field_count;
	hc_template_argument *arguments;
	unsigned argument_count;
	hc_enumerator *enumerators;
	unsigned enumerator_count;
	bool is_polymorphic;
	struct hc_type_source *source; /* where in the debug info it stands; NULL: everything is read */
};
