/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Offsets of malloc's structures. DWARF of the libc in question is the authority; the table below stands in where there
 * is none, and then the data decide which row it is (glibc_find.c): version numbers lie, distributions back-port.
 *
 * The rows are the members in their order, laid out by the C ABI's rules, so that they serve every word size.
 * Source: malloc/malloc.c (struct malloc_state, malloc_par, tcache_perthread_struct) of each release named.
 */
#include "allocators/glibc.h"

const hc_diagnostic_kind glibc_inconsistent = {
	"heap-inconsistent",
	HC_SEVERITY_HEAP_PARTIAL,
	"contradictions in malloc's accounting (a heap caught in mid-operation, or damaged by a bug in the program)",
};

/* A structure that is being laid out. */
struct cursor {
	int offset;
};

static int place(struct cursor *cursor, int size, int count)
{
	int at = (cursor->offset + size - 1) / size * size;

	cursor->offset = at + size * count;
	return at;
}

static const struct arena_row {
	bool have_fastchunks; /* 2.27 to 2.42, 2.26's branch */
	bool fastbins;	      /* to 2.42 */
	bool attached;	      /* from 2.23, 2.22's branch */
} arena_rows[] = {
	{ true, true, true },	/* 2.27 - 2.42 */
	{ false, false, true }, /* 2.43 */
	{ false, true, true },	/* 2.23 - 2.26 */
	{ false, true, false }, /* 2.17 - 2.22 */
};

bool glibc_arena_layout_row(unsigned row, unsigned word, uint64_t alignment, glibc_arena_layout *layout)
{
	struct cursor cursor = { 0 };

	if (row >= G_N_ELEMENTS(arena_rows))
		return false;
	place(&cursor, 4, 1); /* mutex */
	layout->flags = place(&cursor, 4, 1);
	if (arena_rows[row].have_fastchunks)
		place(&cursor, 4, 1);
	layout->fastbins = ABSENT;
	layout->fastbin_count = 0;
	if (arena_rows[row].fastbins) {
		/* NFASTBINS = fastbin_index(request2size(MAX_FAST_SIZE)) + 1 */
		uint64_t largest = hc_align_up(80 * word / 4 + word, alignment);

		layout->fastbin_count = (largest >> (word == 8 ? 4 : 3)) - 2 + 1;
		layout->fastbins = place(&cursor, word, layout->fastbin_count);
	}
	layout->top = place(&cursor, word, 1);
	place(&cursor, word, 1); /* last_remainder */
	layout->bins = place(&cursor, word, 2 * GLIBC_BINS);
	place(&cursor, 4, 4); /* binmap */
	layout->next = place(&cursor, word, 1);
	place(&cursor, word, 1); /* next_free */
	layout->attached_threads = arena_rows[row].attached ? place(&cursor, word, 1) : ABSENT;
	layout->system_mem = place(&cursor, word, 1);
	layout->max_system_mem = place(&cursor, word, 1);
	layout->size = cursor.offset;
	return true;
}

static const struct parameters_row {
	bool thp_mode;	    /* 2.43 */
	bool huge_pages;    /* 2.35 on */
	bool max_total_mem; /* to 2.23 */
	bool tcache;	    /* 2.26 on */
} parameters_rows[] = {
	{ false, true, false, true },	/* 2.35 - 2.42 */
	{ true, true, false, true },	/* 2.43 */
	{ false, false, false, true },	/* 2.26 - 2.34 */
	{ false, false, false, false }, /* 2.24, 2.25 */
	{ false, false, true, false },	/* 2.17 - 2.23 */
};

bool glibc_parameters_layout_row(unsigned row, unsigned word, glibc_parameters_layout *layout)
{
	struct cursor cursor = { 0 };

	if (row >= G_N_ELEMENTS(parameters_rows))
		return false;
	layout->trim_threshold = place(&cursor, word, 1);
	layout->top_pad = place(&cursor, word, 1);
	layout->mmap_threshold = place(&cursor, word, 1);
	place(&cursor, word, 2); /* arena_test, arena_max */
	layout->thp_pagesize = layout->hp_pagesize = ABSENT;
	if (parameters_rows[row].thp_mode)
		place(&cursor, 4, 1);
	if (parameters_rows[row].huge_pages) {
		layout->thp_pagesize = place(&cursor, word, 1);
		layout->hp_pagesize = place(&cursor, word, 1);
		place(&cursor, 4, 1); /* hp_flags */
	}
	layout->n_mmaps = place(&cursor, 4, 1);
	layout->n_mmaps_max = place(&cursor, 4, 1);
	place(&cursor, 4, 1); /* max_n_mmaps */
	layout->no_dyn_threshold = place(&cursor, 4, 1);
	layout->mmapped_mem = place(&cursor, word, 1);
	place(&cursor, word, 1); /* max_mmapped_mem */
	if (parameters_rows[row].max_total_mem)
		place(&cursor, word, 1);
	layout->sbrk_base = place(&cursor, word, 1);
	layout->tcache_bins = layout->tcache_count = ABSENT;
	if (parameters_rows[row].tcache) {
		layout->tcache_bins = place(&cursor, word, 1);
		place(&cursor, word, 1); /* tcache_max_bytes */
		layout->tcache_count = place(&cursor, word, 1);
		place(&cursor, word, 1); /* tcache_unsorted_limit */
	}
	layout->size = cursor.offset;
	return true;
}

static const struct tcache_row {
	int count_size, bins;
	bool counts_free;
} tcache_rows[] = {
	{ 2, 64, false }, /* 2.30 - 2.41 */
	{ 2, 76, true },  /* 2.42 - 2.43 */
	{ 1, 64, false }, /* 2.26 - 2.29 */
};

bool glibc_tcache_layout_row(unsigned row, unsigned word, glibc_tcache_layout *layout)
{
	struct cursor cursor = { 0 };

	if (row >= G_N_ELEMENTS(tcache_rows))
		return false;
	layout->count_size = tcache_rows[row].count_size;
	layout->bins = tcache_rows[row].bins;
	layout->counts_free = tcache_rows[row].counts_free;
	layout->counts = place(&cursor, layout->count_size, layout->bins);
	layout->entries = place(&cursor, word, layout->bins);
	layout->size = cursor.offset;
	return true;
}

/* ---- from DWARF ---- */

/* The unit that defines malloc is malloc.c, with arena.c in it. */
static const char malloc_function[] = "malloc";

static int member_offset(const hc_struct *structure, const char *name)
{
	hc_member member;

	return hc_struct_member(structure, name, &member) ? (int)member.offset : ABSENT;
}

static bool arena_from_debug_info(glibc *g, const hc_struct *state)
{
	glibc_arena_layout *layout = &g->layout.arena;
	hc_member fastbins;

	layout->fastbins = ABSENT;
	layout->fastbin_count = 0;
	if (hc_struct_member(state, "fastbinsY", &fastbins)) {
		layout->fastbins = fastbins.offset;
		layout->fastbin_count = MIN(fastbins.size / g->word, GLIBC_FASTBINS_MAX);
	}
	layout->flags = member_offset(state, "flags");
	layout->top = member_offset(state, "top");
	layout->bins = member_offset(state, "bins");
	layout->next = member_offset(state, "next");
	layout->attached_threads = member_offset(state, "attached_threads");
	layout->system_mem = member_offset(state, "system_mem");
	layout->max_system_mem = member_offset(state, "max_system_mem");
	layout->size = hc_struct_size(state);
	return layout->flags >= 0 && layout->top >= 0 && layout->bins >= 0 && layout->next >= 0 &&
	       layout->system_mem >= 0 && layout->max_system_mem >= 0;
}

static bool parameters_from_debug_info(glibc *g, const hc_struct *parameters)
{
	glibc_parameters_layout *layout = &g->layout.parameters;

	layout->trim_threshold = member_offset(parameters, "trim_threshold");
	layout->top_pad = member_offset(parameters, "top_pad");
	layout->mmap_threshold = member_offset(parameters, "mmap_threshold");
	layout->no_dyn_threshold = member_offset(parameters, "no_dyn_threshold");
	layout->thp_pagesize = member_offset(parameters, "thp_pagesize");
	layout->hp_pagesize = member_offset(parameters, "hp_pagesize");
	layout->n_mmaps = member_offset(parameters, "n_mmaps");
	layout->n_mmaps_max = member_offset(parameters, "n_mmaps_max");
	layout->mmapped_mem = member_offset(parameters, "mmapped_mem");
	layout->sbrk_base = member_offset(parameters, "sbrk_base");
	layout->tcache_bins = member_offset(parameters, "tcache_bins");
	layout->tcache_count = member_offset(parameters, "tcache_count");
	layout->size = hc_struct_size(parameters);
	return layout->n_mmaps >= 0 && layout->mmapped_mem >= 0 && layout->sbrk_base >= 0;
}

static void tcache_from_debug_info(glibc *g, const hc_struct *tcache)
{
	glibc_tcache_layout *layout = &g->layout.tcache;
	hc_member counts, entries;

	layout->counts_free = hc_struct_member(tcache, "num_slots", &counts);
	if ((!layout->counts_free && !hc_struct_member(tcache, "counts", &counts)) ||
		!hc_struct_member(tcache, "entries", &entries) || !counts.element_size ||
		entries.size / g->word > GLIBC_TCACHE_BINS_MAX)
		return;
	layout->counts = counts.offset;
	layout->count_size = counts.element_size;
	layout->entries = entries.offset;
	layout->bins = entries.size / g->word;
	layout->size = hc_struct_size(tcache);
	g->layout.has_tcache = true;
}

bool glibc_layout_from_debug_info(glibc *g)
{
	const hc_struct *state = hc_module_struct(g->modules, g->libc, malloc_function, "malloc_state");
	const hc_struct *parameters = hc_module_struct(g->modules, g->libc, malloc_function, "malloc_par");
	const hc_struct *heap_info = hc_module_struct(g->modules, g->libc, malloc_function, "_heap_info");
	const hc_struct *tcache = hc_module_struct(g->modules, g->libc, malloc_function, "tcache_perthread_struct");

	if (!heap_info)
		heap_info = hc_module_struct(g->modules, g->libc, malloc_function, "heap_info");
	if (!state || !parameters || !heap_info || !arena_from_debug_info(g, state) ||
		!parameters_from_debug_info(g, parameters))
		return false;
	g->layout.heap_info_size = hc_struct_size(heap_info);
	if (tcache)
		tcache_from_debug_info(g, tcache);
	return true;
}
