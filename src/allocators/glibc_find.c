/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding main_arena and mp_.
 *
 * They are local symbols: .symtab or debug info has them, a stripped libc has not. Without symbols:
 *
 * main_arena has 127 bins, each the head of a ring. An empty bin points to itself, minus the two words that a chunk header
 * would take; the first chunk of any other bin points back to it. Nothing else in libc's data has 127 such pairs in a row.
 * Behind the bins and the 16 bytes of the bin map follows `next`, the ring of arenas, which must lead back to main_arena:
 * the difference picks the layout.
 *
 * mp_ is told by its values: n_mmaps_max has a known default, tcache_bins another, sbrk_base lies in the program break.
 */
#include "allocators/glibc.h"

#include <elf.h>

static const hc_diagnostic_kind layout_from_table = {
	"malloc-layout-from-table",
	HC_SEVERITY_NOTE,
	"layout was chosen from a built-in table by the data, for want of libc's debug info (Debian: libc6-dbg; or set DEBUGINFOD_URLS)",
};

static const hc_diagnostic_kind parameters_missing = {
	"malloc-parameters-missing",
	HC_SEVERITY_HEAP_PARTIAL,
	"of malloc's parameters (mp_) could not be found: mmapped chunks cannot be checked against malloc's own count",
};

enum {
	RING_MAX = 65536,
	TABLE_ROWS_MAX = 8
};

/* ---- main_arena by its bins ---- */

/* The pair at ADDRESS is the head of a ring: fd and bk lead to a neighbour that leads back. */
static bool is_bin_head(const glibc *g, hc_address address)
{
	hc_address head = address - 2 * g->word;
	bool ok = true;
	uint64_t fd = glibc_word(g, address, &ok), bk = glibc_word(g, address + g->word, &ok);

	if (!ok || !fd || !bk)
		return false;
	if (fd == head)
		return bk == head;
	return glibc_word(g, fd + 3 * g->word, &ok) == head && glibc_word(g, bk + 2 * g->word, &ok) == head && ok;
}

/*
 * A ring may be damaged, or caught half-way; most are not. The rule for a candidate whose place is known already: nine in ten.
 */
bool glibc_bins_are_valid(const glibc *g, hc_address arena, const glibc_arena_layout *layout)
{
	unsigned valid = 0;

	for (unsigned i = 0; i < GLIBC_BINS; i++)
		valid += is_bin_head(g, arena + layout->bins + i * 2 * g->word);
	return valid >= GLIBC_BINS * 9 / 10;
}

/*
 * How many arenas with bins where LAYOUT says follow `next` from ARENA. *ret_closes tells whether that comes back to it.
 */
static unsigned follow_ring(glibc *g, hc_address arena, const glibc_arena_layout *layout, bool *ret_closes)
{
	hc_address at = arena;
	unsigned steps = 0;

	*ret_closes = false;
	for (; steps < RING_MAX && g->ring_steps; steps++, g->ring_steps--) {
		bool ok = true;

		at = glibc_word(g, at + layout->next, &ok);
		*ret_closes = ok && at == arena;
		if (!ok || *ret_closes ||
			(!is_bin_head(g, at + layout->bins) && !is_bin_head(g, at + layout->bins + 2 * g->word)))
			break;
	}
	return steps;
}

static bool ring_closes(glibc *g, hc_address arena, const glibc_arena_layout *layout)
{
	bool closes;

	follow_ring(g, arena, layout, &closes);
	return closes;
}

/* system_mem is what tells apart rows that differ only behind `next`. */
static bool system_mem_is_plausible(const glibc *g, hc_address arena, const glibc_arena_layout *layout)
{
	uint64_t now = glibc_word_or_zero(g, arena + layout->system_mem),
		 most = glibc_word_or_zero(g, arena + layout->max_system_mem);

	return now && now <= most && now % 16 == 0 && most < (uint64_t)1 << 47 && now >= g->page;
}

/*
 * An arena right behind a heap_info, whose first word leads to it (arena.c, new_heap), is a thread's: the main arena is in libc's data.
 * Heaps are aligned to 1 MiB at least.
 */
static bool is_thread_arena(const glibc *g, hc_address arena)
{
	enum {
		HEAP_ALIGNMENT_MIN = 1 << 20,
		HEAP_INFO_MAX = 256
	};
	hc_address heap = hc_align_down(arena, HEAP_ALIGNMENT_MIN);

	return arena - heap <= HEAP_INFO_MAX && glibc_word_or_zero(g, heap) == arena;
}

/*
 * Whether the arena of a thread has ARENA behind it in the ring: the one that was made first has the main arena there. Each search takes as
 * many of the steps that are left as there are mappings.
 */
static bool is_behind_thread_arena(glibc *g, hc_address arena, const glibc_arena_layout *layout)
{
	unsigned count = hc_core_mapping_count(g->core);

	if (g->ring_steps < count)
		return false;
	g->ring_steps -= count;
	for (unsigned i = 0; i < count; i++) {
		hc_address other = glibc_word_or_zero(g, hc_core_mapping(g->core, i)->start);

		if (hc_core_find_mapping(g->core, other) == hc_core_mapping(g->core, i) && is_thread_arena(g, other) &&
			glibc_word_or_zero(g, other + layout->next) == arena)
			return true;
	}
	return false;
}

/*
 * Whether an arena at ARENA fits LAYOUT, less strictly from 2 to 0: a damaged ring does not close, but leads to another arena at
 * least, or another leads here.
 */
static bool arena_fits(glibc *g, hc_address arena, const glibc_arena_layout *layout, int strict)
{
	bool closes;
	unsigned steps = follow_ring(g, arena, layout, &closes);

	return (closes || (strict == 0 && (steps || is_behind_thread_arena(g, arena, layout)))) &&
	       (strict == 1 || system_mem_is_plausible(g, arena, layout));
}

/* Picks the row of the table that fits an arena whose bins begin at BINS, at least as strictly as LEAST. */
static bool choose_arena_layout(
	glibc *g, hc_address bins, int least, hc_address *ret_arena, glibc_arena_layout *ret_layout)
{
	for (int strict = 2; strict >= least; strict--) {
		for (unsigned row = 0; row < TABLE_ROWS_MAX; row++) {
			glibc_arena_layout layout;

			if (!glibc_arena_layout_row(row, g->word, g->alignment, &layout))
				break;
			hc_address arena = bins - layout.bins;

			if (arena_fits(g, arena, &layout, strict)) {
				*ret_arena = arena;
				*ret_layout = layout;
				return true;
			}
		}
	}
	return false;
}

struct arena_place {
	hc_address arena;
	glibc_arena_layout layout;
};

/*
 * Searches the pairs at START and behind it, up to END, for 127 bins in a row: a window of so many slides over them. Up to a tenth may be
 * damaged. If the first is, nothing but what follows the bins tells where they begin: such a place is noted in *FALLBACK, of which
 * `arena` is 0 as long as there is none.
 */
static bool search_pairs(
	glibc *g, hc_address start, hc_address end, struct arena_place *ret_place, struct arena_place *fallback)
{
	bool is_head[GLIBC_BINS] = { 0 }; /* of the window's pairs, a ring */
	unsigned pair = 2 * g->word, heads = 0;
	uint64_t count = 0;

	for (hc_address at = start; at < end && end - at >= pair; at += pair) {
		unsigned slot = count++ % GLIBC_BINS, oldest = count % GLIBC_BINS;
		struct arena_place place;

		heads -= is_head[slot];
		is_head[slot] = is_bin_head(g, at);
		heads += is_head[slot];
		if (heads < GLIBC_BINS - GLIBC_BINS / 10 || (!is_head[oldest] && fallback->arena) ||
			!choose_arena_layout(g, at - (GLIBC_BINS - 1) * pair, is_head[oldest] ? 0 : 2, &place.arena,
				&place.layout) ||
			is_thread_arena(g, place.arena))
			continue;
		if (is_head[oldest]) {
			*ret_place = place;
			return true;
		}
		*fallback = place;
	}
	return false;
}

static bool search_bins(
	glibc *g, hc_address start, hc_address end, hc_address *ret_arena, glibc_arena_layout *ret_layout)
{
	struct arena_place place, fallback = { 0 };

	start = hc_align_up(start, g->word);
	if (!search_pairs(g, start, end, &place, &fallback) &&
		!search_pairs(g, start + g->word, end, &place, &fallback))
		place = fallback;
	if (!place.arena)
		return false;
	*ret_arena = place.arena;
	*ret_layout = place.layout;
	return true;
}

/* ---- mp_ by its values ---- */

/*
 * mmapped_mem against n_mmaps. Each mapping is some pages; but from 2.43 on mremap_chunk() forgets two words of what it takes
 * off, so that the sum creeps up, and is not 0 when no mapping is left.
 */
static bool mmapped_is_plausible(const glibc *g, uint64_t count, uint64_t bytes)
{
	enum {
		REMAPS_MAX = 1 << 20
	};

	if (bytes % (2 * g->word))
		return false;
	return count ? bytes / g->page >= count : bytes < REMAPS_MAX * 2 * g->word;
}

static unsigned score_parameters(const glibc *g, hc_address address, const glibc_parameters_layout *layout)
{
	unsigned score = 0;
	uint64_t sbrk_base = glibc_word_or_zero(g, address + layout->sbrk_base);
	uint64_t top = glibc_word_or_zero(g, g->main_arena + g->layout.arena.top);
	uint64_t n_mmaps = glibc_int_or_zero(g, address + layout->n_mmaps);
	uint64_t limit = glibc_int_or_zero(g, address + layout->n_mmaps_max);
	uint64_t mmapped = glibc_word_or_zero(g, address + layout->mmapped_mem);

	if (n_mmaps > limit || !mmapped_is_plausible(g, n_mmaps, mmapped))
		return 0;
	score += limit == 65536 ? 2 : 0;
	/* arena_test: NARENAS_FROM_NCORES(1). Of two rows that differ in front of n_mmaps only one has it in its place. */
	score += glibc_word_or_zero(g, address + 3 * g->word) == (g->word == 8 ? 8 : 2);
	if (layout->tcache_bins >= 0) {
		uint64_t bins = glibc_word_or_zero(g, address + layout->tcache_bins);
		uint64_t count = glibc_word_or_zero(g, address + layout->tcache_count);

		score += (bins == 64 || bins == 76) ? 2 : 0;
		score += count <= 127 ? 1 : 0;
	}
	if (sbrk_base && sbrk_base <= top && top - sbrk_base < (uint64_t)1 << 46 &&
		hc_core_find_mapping(g->core, sbrk_base)) {
		bool ok = true;
		uint64_t size = glibc_word(g, chunk_align_up(g, sbrk_base) + g->word, &ok);

		score += 1;
		if (ok && size & CHUNK_PREV_IN_USE && (size & ~(uint64_t)CHUNK_FLAGS) >= g->minimum)
			score += 4;
	}
	return score;
}

/* Searches [start, end) with every row, and keeps the best. */
static unsigned search_parameters(glibc *g, hc_address start, hc_address end, unsigned best)
{
	for (unsigned row = 0; row < TABLE_ROWS_MAX; row++) {
		glibc_parameters_layout layout;

		if (!glibc_parameters_layout_row(row, g->word, &layout))
			break;
		for (hc_address at = hc_align_up(start, g->word); at + layout.size <= end; at += g->word) {
			bool overlaps = at < g->main_arena + g->layout.arena.size && g->main_arena < at + layout.size;
			unsigned score = overlaps ? 0 : score_parameters(g, at, &layout);

			if (score > best) {
				best = score;
				g->parameters = at;
				g->layout.parameters = layout;
			}
		}
	}
	return best;
}

/* ---- where to search ---- */

typedef bool (*search_function)(glibc *g, hc_address start, hc_address end, void *data);

/* Calls SEARCH for each writable range of MODULE with bytes; TRUE as soon as SEARCH says so. */
static bool search_module(glibc *g, const hc_module *module, search_function search, void *data)
{
	for (unsigned i = 0; i < hc_module_segment_count(g->modules, module); i++) {
		const hc_module_segment *segment = hc_module_segment_get(g->modules, module, i);

		if (segment->type != PT_LOAD || !(segment->flags & PF_W))
			continue;
		for (hc_address start = segment->start, end; hc_core_next_stretch(g->core, &start, segment->end, &end);
			start = end)
			if (search(g, start, end, data))
				return true;
	}
	return false;
}

static bool search_arena(glibc *g, hc_address start, hc_address end, void *data)
{
	(void)data;
	return search_bins(g, start, end, &g->main_arena, &g->layout.arena);
}

static bool search_best_parameters(glibc *g, hc_address start, hc_address end, void *data)
{
	unsigned *best = data;

	*best = search_parameters(g, start, end, *best);
	return false;
}

/* A process has one libc, or a few that dlmopen() loaded. Symbols and debug info of thousands would take hours. */
enum {
	LIBCS_MAX = 16
};

bool glibc_is_libc(const hc_module *module)
{
	return g_str_has_prefix(module->name, "libc.so") || g_str_has_prefix(module->name, "libc-2.");
}

/* Modules in the order in which libc's malloc is to be expected: libc by name, the executable (static), the others. */
static GPtrArray *candidate_modules(const glibc *g)
{
	GPtrArray *list = g_ptr_array_new();

	for (int pass = 0; pass < 3; pass++)
		for (unsigned i = 0; i < hc_modules_count(g->modules); i++) {
			const hc_module *module = hc_modules_get(g->modules, i);
			int rank = glibc_is_libc(module) ? 0 : module->is_executable ? 1 : 2;

			if (rank == pass && !module->is_vdso)
				g_ptr_array_add(list, (gpointer)module);
		}
	return list;
}

/* Takes the layout of main_arena from the table: by the symbol's size, or by the data. */
static bool layout_from_data(glibc *g, uint64_t symbol_size)
{
	for (int strict = 2; strict >= 0; strict--)
		for (unsigned row = 0; row < TABLE_ROWS_MAX; row++) {
			glibc_arena_layout layout;

			if (!glibc_arena_layout_row(row, g->word, g->alignment, &layout))
				break;
			if (strict ? ring_closes(g, g->main_arena, &layout) &&
						(strict == 1 || system_mem_is_plausible(g, g->main_arena, &layout)) :
				     symbol_size == (uint64_t)layout.size) {
				g->layout.arena = layout;
				return true;
			}
		}
	return false;
}

/* By symbol. The executable's own main_arena comes last: only a static executable has one, and then it is libc too. */
static bool find_by_symbol(glibc *g, const hc_module *module)
{
	hc_symbol arena, parameters;

	if (!hc_module_symbol(g->modules, module, "main_arena", &arena) || arena.is_tls)
		return false;
	g->libc = module;
	g->main_arena = arena.address;
	g->layout_known = glibc_layout_from_debug_info(g);
	if (!g->layout_known && !layout_from_data(g, arena.size))
		return false;
	if (hc_module_symbol(g->modules, module, "mp_", &parameters)) {
		g->parameters = parameters.address;
		if (!g->layout_known) {
			unsigned best = 0;

			for (unsigned row = 0; row < TABLE_ROWS_MAX; row++) {
				glibc_parameters_layout layout;

				if (!glibc_parameters_layout_row(row, g->word, &layout))
					break;
				unsigned score = score_parameters(g, g->parameters, &layout) * 2 +
						 (parameters.size == (uint64_t)layout.size);

				if (score > best) {
					best = score;
					g->layout.parameters = layout;
				}
			}
		}
	}
	return true;
}

static bool find_by_data(glibc *g, const hc_module *module)
{
	unsigned best = 0;

	if (!search_module(g, module, search_arena, NULL))
		return false;
	g->libc = module;
	search_module(g, module, search_best_parameters, &best);
	if (best < 5)
		g->parameters = 0;
	return true;
}

/* Where no module is known (the core's notes are cut off): all small writable pieces of memory. */
static bool find_without_modules(glibc *g)
{
	enum {
		DATA_MAX = 64 << 20
	};

	for (unsigned i = 0; i < hc_core_mapping_count(g->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);

		if (!mapping->bytes || !(mapping->flags & HC_MAPPING_WRITE) ||
			mapping->end - mapping->start > DATA_MAX ||
			!search_arena(g, mapping->start, mapping->end, NULL))
			continue;
		g->libc = hc_modules_find(g->modules, mapping->start);
		if (search_parameters(g, mapping->start, mapping->end, 0) < 5)
			g->parameters = 0;
		return true;
	}
	return false;
}

/* ---- what is said of it ---- */

/* "GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36." */
static void find_version(glibc *g)
{
	uint64_t available;
	static const char marker[] = "stable release version ", development[] = "development release version ";
	const char *banner = g->libc ? hc_module_find_text(g->modules, g->libc, "GNU C Library (", &available) : NULL;
	const char *number = banner ? memmem(banner, MIN(available, 256), marker, strlen(marker)) : NULL;

	if (number)
		number += strlen(marker);
	else if (banner && (number = memmem(banner, MIN(available, 256), development, strlen(development))))
		number += strlen(development);
	if (!number)
		return;
	size_t length = 0;

	while (length < 16 && number + length < banner + available &&
		(g_ascii_isdigit(number[length]) || number[length] == '.'))
		length++;
	while (length && number[length - 1] == '.')
		length--;
	g->version = g_strndup(number, length);
	g->heap->info.version = g->version;
}

static void describe_layout(glibc *g)
{
	if (g->layout_known) {
		const char *file = hc_module_debug_file(g->modules, g->libc);

		g->layout_text = g_strdup_printf("debug info (%s)", file ? file : g->libc->name);
		g->heap->info.layout_from_debug_info = true;
	} else {
		g->layout_text = g_strdup("built-in table, chosen by the data (no debug info of libc)");
		hc_diagnostics_add(g->diagnostics, &layout_from_table, 0, "%s (build-id %s)",
			g->libc ? g->libc->name : "libc unknown",
			g->libc && g->libc->build_id ? g->libc->build_id : "none");
	}
	g->heap->info.layout = g->layout_text;
	g->heap->info.library = g->libc ? g->libc->name : NULL;
}

bool glibc_find(glibc *g)
{
	g_autoptr(GPtrArray) candidates = candidate_modules(g);
	bool found = false;

	for (unsigned i = 0; i < MIN(candidates->len, LIBCS_MAX) && !found; i++)
		/* Symbols of any module are a look-up in its whole table: only where libc is to be expected. */
		if (glibc_is_libc(candidates->pdata[i]) || ((const hc_module *)candidates->pdata[i])->is_executable)
			found = find_by_symbol(g, candidates->pdata[i]);
	for (unsigned i = 0; i < candidates->len && !found; i++)
		found = find_by_data(g, candidates->pdata[i]);
	if (!found && !find_without_modules(g))
		return false;
	g->layout.mmap_header_in_tail = g->layout.arena.fastbins == ABSENT; /* both came with 2.43 */
	find_version(g);
	describe_layout(g);
	if (!g->parameters)
		hc_diagnostics_add(g->diagnostics, &parameters_missing, 0, NULL);
	return true;
}
