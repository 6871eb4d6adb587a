/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in tables of malloc's structures, on x86-64, against the offsets that gdb (ptype /o) prints for the debug info of the
 * releases. Every row must be one of those, and every one of those a row.
 */
#include "allocators/glibc.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

enum {
	NONE = ABSENT
};

typedef struct layout {
	const char *releases;
	int offsets[10];
} layout;

/* flags, fastbinsY and how many they are, top, bins, next, attached_threads, system_mem, max_system_mem; the size. */
static const layout arenas[] = {
	{ "2.17 to 2.22", { 4, 8, 10, 88, 104, 2152, NONE, 2168, 2176, 2184 } },
	{ "2.23 to 2.26, 2.22's branch", { 4, 8, 10, 88, 104, 2152, 2168, 2176, 2184, 2192 } },
	{ "2.27 to 2.42, 2.26's branch", { 4, 16, 10, 96, 112, 2160, 2176, 2184, 2192, 2200 } },
	{ "2.43", { 4, NONE, 0, 8, 24, 2072, 2088, 2096, 2104, 2112 } },
};

/* n_mmaps, n_mmaps_max, mmapped_mem, sbrk_base, hp_pagesize, tcache_bins, tcache_count; the size. */
static const layout parameters[] = {
	{ "2.17 to 2.23", { 40, 44, 56, 80, NONE, NONE, NONE, 88 } },
	{ "2.24, 2.25", { 40, 44, 56, 72, NONE, NONE, NONE, 80 } },
	{ "2.26 to 2.34", { 40, 44, 56, 72, NONE, 80, 96, 112 } },
	{ "2.35 to 2.42", { 60, 64, 80, 96, 48, 104, 120, 136 } },
	{ "2.43", { 68, 72, 88, 104, 56, 112, 128, 144 } },
};

/* counts, the size of one, how many bins, entries; the size; whether places are counted, not chunks. */
static const layout tcaches[] = {
	{ "2.26 to 2.29", { 0, 1, 64, 64, 576, false } },
	{ "2.30 to 2.41", { 0, 2, 64, 128, 640, false } },
	{ "2.42 on", { 0, 2, 76, 152, 760, true } },
};

static layout layout_of_arena(const glibc_arena_layout *row)
{
	return (layout){ .offsets = { row->flags, row->fastbins, row->fastbin_count, row->top, row->bins, row->next,
				 row->attached_threads, row->system_mem, row->max_system_mem, row->size } };
}

static layout layout_of_parameters(const glibc_parameters_layout *row)
{
	return (layout){ .offsets = { row->n_mmaps, row->n_mmaps_max, row->mmapped_mem, row->sbrk_base,
				 row->hp_pagesize, row->tcache_bins, row->tcache_count, row->size } };
}

static layout layout_of_tcache(const glibc_tcache_layout *row)
{
	return (layout){ .offsets = {
				 row->counts, row->count_size, row->bins, row->entries, row->size, row->counts_free } };
}

/* Counts in MET[i] the rows that are the i-th of the KNOWN layouts. */
static void meet(layout row, const layout *known, unsigned count, unsigned *met)
{
	for (unsigned i = 0; i < count; i++)
		met[i] += !memcmp(row.offsets, known[i].offsets, sizeof row.offsets);
}

/* Each of COUNT known layouts is one of as many rows. */
static void check_met(const char *what, const layout *known, unsigned count, const unsigned *met, unsigned rows)
{
	for (unsigned i = 0; i < count; i++)
		if (met[i] != 1) {
			printf("\n%s: the layout of %s is in %u rows\n", what, known[i].releases, met[i]);
			CU_FAIL("each layout is one row");
		}
	CU_ASSERT_EQUAL(rows, count);
}

static void test_arenas(void)
{
	unsigned met[G_N_ELEMENTS(arenas)] = { 0 }, rows = 0;
	glibc_arena_layout row;

	for (; glibc_arena_layout_row(rows, 8, 16, &row); rows++)
		meet(layout_of_arena(&row), arenas, G_N_ELEMENTS(arenas), met);
	check_met("malloc_state", arenas, G_N_ELEMENTS(arenas), met, rows);
	CU_ASSERT_FALSE(glibc_arena_layout_row(1000, 8, 16, &row));
}

static void test_parameters(void)
{
	unsigned met[G_N_ELEMENTS(parameters)] = { 0 }, rows = 0;
	glibc_parameters_layout row;

	for (; glibc_parameters_layout_row(rows, 8, &row); rows++)
		meet(layout_of_parameters(&row), parameters, G_N_ELEMENTS(parameters), met);
	check_met("malloc_par", parameters, G_N_ELEMENTS(parameters), met, rows);
}

static void test_tcaches(void)
{
	unsigned met[G_N_ELEMENTS(tcaches)] = { 0 }, rows = 0;
	glibc_tcache_layout row;

	for (; glibc_tcache_layout_row(rows, 8, &row); rows++)
		meet(layout_of_tcache(&row), tcaches, G_N_ELEMENTS(tcaches), met);
	check_met("tcache_perthread_struct", tcaches, G_N_ELEMENTS(tcaches), met, rows);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "struct malloc_state", test_arenas },
		{ "struct malloc_par", test_parameters },
		{ "struct tcache_perthread_struct", test_tcaches },
	};

	return unit_main("layouts", cases, G_N_ELEMENTS(cases));
}
