/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in tables of malloc's structures, on x86-64, against the offsets that gdb (ptype /o) prints for the debug info of the
 * releases. Every row must be one of those, and every one of those a row.
 */
#include "allocators/glibc.h"
#include "unit.h"

#include <stdio.h>

enum {
	NONE = ABSENT
};

static const glibc_arena_layout arenas[] = {
	/* 2.17 to 2.22 */
	{ .flags = 4,
		.fastbins = 8,
		.fastbin_count = 10,
		.top = 88,
		.bins = 104,
		.next = 2152,
		.attached_threads = NONE,
		.system_mem = 2168,
		.max_system_mem = 2176,
		.size = 2184 },
	/* 2.23 to 2.26, 2.22's branch */
	{ .flags = 4,
		.fastbins = 8,
		.fastbin_count = 10,
		.top = 88,
		.bins = 104,
		.next = 2152,
		.attached_threads = 2168,
		.system_mem = 2176,
		.max_system_mem = 2184,
		.size = 2192 },
	/* 2.27 to 2.42, 2.26's branch */
	{ .flags = 4,
		.fastbins = 16,
		.fastbin_count = 10,
		.top = 96,
		.bins = 112,
		.next = 2160,
		.attached_threads = 2176,
		.system_mem = 2184,
		.max_system_mem = 2192,
		.size = 2200 },
	/* 2.43 */
	{ .flags = 4,
		.fastbins = NONE,
		.fastbin_count = 0,
		.top = 8,
		.bins = 24,
		.next = 2072,
		.attached_threads = 2088,
		.system_mem = 2096,
		.max_system_mem = 2104,
		.size = 2112 },
};

static const glibc_parameters_layout parameters[] = {
	/* 2.17 to 2.23 */
	{ .n_mmaps = 40,
		.n_mmaps_max = 44,
		.mmapped_mem = 56,
		.sbrk_base = 80,
		.hp_pagesize = NONE,
		.tcache_bins = NONE,
		.tcache_count = NONE,
		.size = 88 },
	/* 2.24, 2.25 */
	{ .n_mmaps = 40,
		.n_mmaps_max = 44,
		.mmapped_mem = 56,
		.sbrk_base = 72,
		.hp_pagesize = NONE,
		.tcache_bins = NONE,
		.tcache_count = NONE,
		.size = 80 },
	/* 2.26 to 2.34 */
	{ .n_mmaps = 40,
		.n_mmaps_max = 44,
		.mmapped_mem = 56,
		.sbrk_base = 72,
		.hp_pagesize = NONE,
		.tcache_bins = 80,
		.tcache_count = 96,
		.size = 112 },
	/* 2.35 to 2.42 */
	{ .n_mmaps = 60,
		.n_mmaps_max = 64,
		.mmapped_mem = 80,
		.sbrk_base = 96,
		.hp_pagesize = 48,
		.tcache_bins = 104,
		.tcache_count = 120,
		.size = 136 },
	/* 2.43 */
	{ .n_mmaps = 68,
		.n_mmaps_max = 72,
		.mmapped_mem = 88,
		.sbrk_base = 104,
		.hp_pagesize = 56,
		.tcache_bins = 112,
		.tcache_count = 128,
		.size = 144 },
};

static const glibc_tcache_layout tcaches[] = {
	/* 2.26 to 2.29 */
	{ .counts = 0, .count_size = 1, .bins = 64, .entries = 64, .size = 576, .counts_free = false },
	/* 2.30 to 2.41 */
	{ .counts = 0, .count_size = 2, .bins = 64, .entries = 128, .size = 640, .counts_free = false },
	/* 2.42 on */
	{ .counts = 0, .count_size = 2, .bins = 76, .entries = 152, .size = 760, .counts_free = true },
};

static bool same_arena(const glibc_arena_layout *a, const glibc_arena_layout *b)
{
	return a->flags == b->flags && a->fastbins == b->fastbins && a->fastbin_count == b->fastbin_count &&
	       a->top == b->top && a->bins == b->bins && a->next == b->next &&
	       a->attached_threads == b->attached_threads && a->system_mem == b->system_mem &&
	       a->max_system_mem == b->max_system_mem && a->size == b->size;
}

static bool same_parameters(const glibc_parameters_layout *a, const glibc_parameters_layout *b)
{
	return a->n_mmaps == b->n_mmaps && a->n_mmaps_max == b->n_mmaps_max && a->mmapped_mem == b->mmapped_mem &&
	       a->sbrk_base == b->sbrk_base && a->hp_pagesize == b->hp_pagesize && a->tcache_bins == b->tcache_bins &&
	       a->tcache_count == b->tcache_count && a->size == b->size;
}

static bool same_tcache(const glibc_tcache_layout *a, const glibc_tcache_layout *b)
{
	return a->counts == b->counts && a->count_size == b->count_size && a->bins == b->bins &&
	       a->entries == b->entries && a->size == b->size && a->counts_free == b->counts_free;
}

/* MET[i]: how many rows are the i-th known layout. */
static void check_met(const char *what, const unsigned *met, unsigned known, unsigned rows)
{
	for (unsigned i = 0; i < known; i++)
		if (met[i] != 1) {
			printf("\n%s: layout %u is in %u rows\n", what, i, met[i]);
			CU_FAIL("each layout is one row");
		}
	CU_ASSERT_EQUAL(rows, known);
}

static void test_arenas(void)
{
	unsigned met[G_N_ELEMENTS(arenas)] = { 0 }, rows = 0;
	glibc_arena_layout layout;

	for (; glibc_arena_layout_row(rows, 8, 16, &layout); rows++)
		for (unsigned i = 0; i < G_N_ELEMENTS(arenas); i++)
			met[i] += same_arena(&layout, &arenas[i]);
	check_met("malloc_state", met, G_N_ELEMENTS(arenas), rows);
	CU_ASSERT_FALSE(glibc_arena_layout_row(1000, 8, 16, &layout));
}

static void test_parameters(void)
{
	unsigned met[G_N_ELEMENTS(parameters)] = { 0 }, rows = 0;
	glibc_parameters_layout layout;

	for (; glibc_parameters_layout_row(rows, 8, &layout); rows++)
		for (unsigned i = 0; i < G_N_ELEMENTS(parameters); i++)
			met[i] += same_parameters(&layout, &parameters[i]);
	check_met("malloc_par", met, G_N_ELEMENTS(parameters), rows);
}

static void test_tcaches(void)
{
	unsigned met[G_N_ELEMENTS(tcaches)] = { 0 }, rows = 0;
	glibc_tcache_layout layout;

	for (; glibc_tcache_layout_row(rows, 8, &layout); rows++)
		for (unsigned i = 0; i < G_N_ELEMENTS(tcaches); i++)
			met[i] += same_tcache(&layout, &tcaches[i]);
	check_met("tcache_perthread_struct", met, G_N_ELEMENTS(tcaches), rows);
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
