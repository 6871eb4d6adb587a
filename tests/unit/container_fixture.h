/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of containers/ share: a process, types that were made by hand, and walks that keep what they met. */
#pragma once

#include "containers/containers.h"
#include "program_types/type.h"
#include "test_process.h"
#include "unit.h"

enum {
	WORD = 8,
	SEEN_MAX = 4096
};

typedef struct fixture {
	test_process process;
	hc_diagnostics *diagnostics; /* of the walks */
	hc_container_set *set;
	GPtrArray *types;
	hc_type *u8, *i32, *u32, *u64, *character, *nothing;
} fixture;

typedef struct seen {
	hc_address elements[SEEN_MAX];
	uint64_t element_count, memory_count, bytes[3];
	hc_address memory; /* the first */
	uint64_t most;	   /* elements that are wanted */
} seen;

/* ---- types: they live as long as the fixture ---- */

hc_type *make_type(fixture *f, hc_type_kind kind, const char *name, uint64_t size);
hc_type *pointer_to(fixture *f, const hc_type *target);
hc_type *array_of(fixture *f, const hc_type *element, uint64_t count);
hc_type *make_struct(fixture *f, const char *name, uint64_t size); /* up to 16 members */
void add_field(
	hc_type *type, const char *name, const hc_type *field_type, uint64_t offset); /* NAME NULL: a base class */
void add_argument(fixture *f, hc_type *type, const char *name, const hc_type *argument, int64_t value);

/* ---- the process ---- */

fixture start(void);
void stop(fixture *f);

/* From the heap; and a word there. */
hc_address take(fixture *f, uint64_t size);
void put(fixture *f, hc_address address, uint64_t value);

/* The memory stands: what walks see from here on. No types by name: they are the test's own. FALSE, and the test has failed. */
bool dump(fixture *f);

/* ---- descriptions ---- */

bool add_text(hc_container_set *set, const char *text, GError **error);
void describe(fixture *f, const char *text); /* which must be good */
void add_installed(fixture *f);

/* ---- walks ---- */

bool see_element(hc_address address, uint64_t index, void *data); /* of a visitor whose data is a `seen` */

/* With all calls of the visitor in RET_SEEN. */
hc_walk walk(fixture *f, const hc_type *type, hc_address address, seen *ret_seen);
/* REASON: a part of it; NULL: there should be none. */
void expect_walk(
	fixture *f, const hc_type *type, hc_address address, hc_grade grade, const char *reason, uint64_t walked);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fixture, stop)
