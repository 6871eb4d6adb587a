/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arenas and the memory that belongs to them.
 *
 * The arenas are a ring from main_arena through `next`. A thread's arena lives in its first heap; heaps are aligned to
 * HEAP_MAX_SIZE and begin with a heap_info whose first word is the arena. So all heaps are found by looking at every
 * aligned address, without trusting a chain; and an arena that a damaged ring no longer leads to is found with them.
 *
 * The main arena grows by sbrk. Where that failed, or huge pages are asked for, it goes on in pieces got by mmap. The last
 * chunk of a superseded piece is a double fencepost; pieces are found by walking from page starts to such an end.
 */
#include "allocators/glibc.h"

#include "base/partition.h"

#include <inttypes.h>

enum {
	ARENAS_MAX = 65536,
	HEAP_STEPS_MAX = 1 << 20 /* in chains of heaps that run in circles */,
	HEAP_INFO_WORDS = 4
};

static const hc_diagnostic_kind search_given_up = {
	"main-arena-search-ended",
	HC_SEVERITY_HEAP_PARTIAL,
	"search for pieces of the main arena was given up: too much memory looks like chunks, and blocks may be missing",
};

static const uint64_t default_heap_max[] = { 64 << 20, 1 << 20 }; /* 64-bit, 32-bit: 2 * DEFAULT_MMAP_THRESHOLD_MAX */

/* ---- claimed memory ---- */

static unsigned claims_after(const glibc *g, hc_address address)
{
	unsigned low = HC_PARTITION_POINT(
		middle, 0, g->pieces_claimed->len, g_array_index(g->pieces_claimed, hc_range, middle).end <= address);
	return low;
}

void glibc_claim(glibc *g, hc_address start, hc_address end)
{
	hc_range range = { start, end };
	unsigned i = claims_after(g, start);
	hc_range *before = i ? &g_array_index(g->pieces_claimed, hc_range, i - 1) : NULL;

	/* What goes on where the last claim ended needs no entry of its own: heaps come in rows. */
	if (before && before->end == start)
		before->end = end;
	else
		g_array_insert_val(g->pieces_claimed, i, range);
}

hc_address glibc_skip_claimed(const glibc *g, hc_address address)
{
	for (unsigned i = claims_after(g, address); i < g->pieces_claimed->len; i++) {
		const hc_range *range = &g_array_index(g->pieces_claimed, hc_range, i);

		if (range->start > address)
			break;
		address = MAX(address, range->end);
	}
	return address;
}

hc_address glibc_next_claimed(const glibc *g, hc_address address)
{
	unsigned i = claims_after(g, address);

	return i < g->pieces_claimed->len ? MAX(address, g_array_index(g->pieces_claimed, hc_range, i).start) :
					    UINT64_MAX;
}

bool glibc_is_anonymous(const hc_mapping *mapping)
{
	return mapping->flags & HC_MAPPING_WRITE && !(mapping->flags & HC_MAPPING_UNLISTED) &&
	       (!mapping->path || g_str_has_prefix(mapping->path, "/anon_hugepage"));
}

/* ---- arenas ---- */

static hc_arena *add_arena(glibc *g, hc_address address)
{
	const glibc_arena_layout *layout = &g->layout.arena;
	bool ok = true;
	hc_arena arena = {
		.index = g->heap->arenas->len,
		.address = address,
		.system_memory = glibc_word(g, address + layout->system_mem, &ok),
		.max_system_memory = glibc_word(g, address + layout->max_system_mem, &ok),
		.top = glibc_word(g, address + layout->top, &ok),
		.attached_threads =
			layout->attached_threads >= 0 ? glibc_word(g, address + layout->attached_threads, &ok) : 0,
		.contiguous = address == g->main_arena && !(glibc_int_or_zero(g, address + layout->flags) & 2),
		.consistent = ok,
	};

	/* An arena that was never used has its own first bin for a top chunk: malloc.c, initial_top. */
	if (arena.top >= address && arena.top < address + layout->size)
		arena.top = 0;
	g_array_append_val(g->heap->arenas, arena);
	g_hash_table_insert(
		g->arena_indices, g_memdup2(&arena.address, sizeof arena.address), GUINT_TO_POINTER(arena.index + 1));
	return &g_array_index(g->heap->arenas, hc_arena, arena.index);
}

static hc_arena *find_arena(const glibc *g, hc_address address)
{
	unsigned known = GPOINTER_TO_UINT(g_hash_table_lookup(g->arena_indices, &address));

	return known ? &g_array_index(g->heap->arenas, hc_arena, known - 1) : NULL;
}

static void follow_ring(glibc *g)
{
	hc_address at = g->main_arena;

	for (unsigned i = 0; i < ARENAS_MAX; i++) {
		bool ok = true;

		if (find_arena(g, at))
			break;
		add_arena(g, at);
		at = glibc_word(g, at + g->layout.arena.next, &ok);
		if (ok && at == g->main_arena)
			return;
		if (!ok || (at & (g->heap_max - 1)) > 256 || !hc_core_find_mapping(g->core, at))
			break;
	}
	hc_diagnostics_add(g->diagnostics, &glibc_inconsistent, 0, "the ring of arenas is broken behind %#" PRIx64,
		g_array_index(g->heap->arenas, hc_arena, g->heap->arenas->len - 1).address);
}

/* ---- heaps of thread arenas ---- */

struct heap_header {
	hc_address arena, previous;
	uint64_t size;
};

/*
 * heap_info at ADDRESS: { ar_ptr, prev, size, mprotect_size, ... }, arena.c. TRUE if it is one: its arena is known, or lies
 * right behind it.
 */
static bool read_heap(glibc *g, hc_address address, struct heap_header *heap)
{
	bool ok = true;

	heap->arena = glibc_word(g, address, &ok);
	if (!ok || !heap->arena || heap->arena == g->main_arena)
		return false;
	heap->previous = glibc_word(g, address + g->word, &ok);
	heap->size = glibc_word(g, address + 2 * g->word, &ok);
	if (!ok || heap->size < g->minimum || heap->size > g->heap_max || heap->size & (g->alignment - 1))
		return false;
	return find_arena(g, heap->arena) || heap->arena == address + g->layout.heap_info_size;
}

static void add_heap(glibc *g, hc_address address, const struct heap_header *heap)
{
	hc_arena *arena = find_arena(g, heap->arena);
	bool first = heap->arena == address + g->layout.heap_info_size;

	if (!arena) {
		hc_diagnostics_add(g->diagnostics, &glibc_inconsistent, 0,
			"the arena at %#" PRIx64 " is not in the ring of arenas", heap->arena);
		arena = add_arena(g, heap->arena);
	}
	hc_region region = {
		.outer_start = address,
		.outer_end = address + heap->size,
		.start = chunk_align_up(
			g, first ? heap->arena + g->layout.arena.size : address + g->layout.heap_info_size),
		.end = address + heap->size,
		.arena = arena->index,
		.reserved_end = address + g->heap_max,
	};

	if (arena->top >= region.start && arena->top < region.end)
		region.top = arena->top;
	arena->heap_count++;
	if (region.start < region.end)
		g_array_append_val(g->heap->regions, region);
	glibc_claim(g, address, address + g->heap_max);
}

/* The chains of heaps that are whole. */
struct chains {
	GHashTable *heaps;  /* address of each member */
	GHashTable *arenas; /* whose they are */
	unsigned steps;	    /* that may still be made */
};

static void add_address(GHashTable *set, hc_address address)
{
	g_hash_table_add(set, g_memdup2(&address, sizeof address));
}

/* From the heap that the top chunk is in to the one that the arena itself is in, by heap_info.prev. */
static void read_chain(const glibc *g, const hc_arena *arena, struct chains *chains)
{
	g_autoptr(GArray) members = g_array_new(FALSE, FALSE, sizeof(hc_address));
	hc_address at = hc_align_down(arena->top, g->heap_max), first = hc_align_down(arena->address, g->heap_max);

	for (bool ok = true; chains->steps; chains->steps--) {
		hc_address owner = glibc_word(g, at, &ok);

		if (!ok || owner != arena->address || at & (g->heap_max - 1))
			return;
		g_array_append_val(members, at);
		if (at == first)
			break;
		at = glibc_word(g, at + g->word, &ok);
	}
	if (at != first)
		return;
	add_address(chains->arenas, arena->address);
	for (unsigned i = 0; i < members->len; i++)
		add_address(chains->heaps, g_array_index(members, hc_address, i));
}

/*
 * Whether what looks like a heap at ADDRESS is one: in its arena's chain, if that is whole. If not, it may be, but an arena's first heap
 * is only the one that the arena lies in. Copies that a program keeps of malloc's memory are neither.
 */
static bool is_heap_of_arena(
	const glibc *g, hc_address address, const struct heap_header *heap, const struct chains *chains)
{
	if (g_hash_table_contains(chains->arenas, &heap->arena))
		return g_hash_table_contains(chains->heaps, &address);
	return heap->previous || hc_align_down(heap->arena, g->heap_max) == address;
}

/* A hole of the core file has no heap: what stands in it is not looked at, as that would have the system make pages of zeros. */
static bool is_hole(const glibc *g, const hc_mapping *mapping, hc_address at)
{
	uint64_t size;

	return hc_core_is_hole(g->core, mapping->bytes + (at - mapping->start), mapping->end - at, &size) && size >= g->word;
}

static void search_heaps(glibc *g, const struct chains *chains)
{
	uint64_t step = g->heap_max;

	for (unsigned i = 0; i < hc_core_mapping_count(g->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);

		if (!mapping->bytes || !glibc_is_anonymous(mapping))
			continue;
		for (hc_address at = hc_align_up(mapping->start, step);
			at < mapping->end && mapping->end - at > HEAP_INFO_WORDS * g->word; at += step) {
			struct heap_header heap;

			if (!is_hole(g, mapping, at) && read_heap(g, at, &heap) &&
				is_heap_of_arena(g, at, &heap, chains))
				add_heap(g, at, &heap);
			if (at + step < at)
				break;
		}
	}
}

static void find_heaps(glibc *g)
{
	struct chains chains = {
		.heaps = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.arenas = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.steps = HEAP_STEPS_MAX,
	};

	for (unsigned i = 1; i < g->heap->arenas->len; i++)
		read_chain(g, &g_array_index(g->heap->arenas, hc_arena, i), &chains);
	search_heaps(g, &chains);
	g_hash_table_unref(chains.heaps);
	g_hash_table_unref(chains.arenas);
}

/* The chain of heaps from the top chunk's must have as many members as were found by address. */
static void check_heap_chains(glibc *g)
{
	for (unsigned i = 1; i < g->heap->arenas->len; i++) {
		hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, i);
		hc_address at = hc_align_down(arena->top, g->heap_max);
		unsigned length = 0;
		struct heap_header heap = { 0 };

		while (at && length <= arena->heap_count && read_heap(g, at, &heap) && heap.arena == arena->address) {
			length++;
			at = heap.previous;
		}
		if (length != arena->heap_count) {
			arena->consistent = false;
			hc_diagnostics_add(g->diagnostics, &glibc_inconsistent, 0,
				"arena at %#" PRIx64 ": %u heaps found, its chain has %u", arena->address,
				arena->heap_count, length);
		}
	}
}

/* ---- HEAP_MAX_SIZE ---- */

/*
 * Whether the heaps of the arena at ADDRESS are as they must be if HEAP_MAX_SIZE is MAXIMUM: the top chunk lies in a heap of
 * the arena, and the chain from there leads through heaps, none larger, to the one that the arena itself lies in.
 */
static bool heaps_agree(const glibc *g, hc_address arena, uint64_t maximum, unsigned *steps)
{
	bool ok = true;
	hc_address top = glibc_word(g, arena + g->layout.arena.top, &ok), heap = hc_align_down(top, maximum);

	for (unsigned i = 0; ok && *steps; i++, --*steps) {
		hc_address owner = glibc_word(g, heap, &ok), previous = glibc_word(g, heap + g->word, &ok);
		uint64_t size = glibc_word(g, heap + 2 * g->word, &ok);

		if (!ok || owner != arena || size > maximum || previous & (maximum - 1) || (!i && top - heap >= size))
			return false;
		if (!previous)
			return hc_align_down(arena, maximum) == heap;
		heap = previous;
	}
	return false;
}

static unsigned arenas_that_agree(const glibc *g, uint64_t maximum)
{
	unsigned count = 0, steps = HEAP_STEPS_MAX;
	hc_address at = g->main_arena;
	bool ok = true;

	for (unsigned i = 0; i < ARENAS_MAX; i++) {
		at = glibc_word(g, at + g->layout.arena.next, &ok);
		if (!ok || at == g->main_arena)
			break;
		count += heaps_agree(g, at, maximum, &steps);
	}
	return count;
}

/*
 * HEAP_MAX_SIZE is a constant, but from 2.35 to 2.41 4 * mp_.hp_pagesize if a tunable set that; later releases have the
 * member, and the constant all the same. The heaps decide; if they leave it open, all lie as far apart as the larger one
 * wants and are no larger than the smaller one, which then does for both.
 */
static void settle_heap_max(glibc *g)
{
	uint64_t huge = 0;

	g->heap_max = default_heap_max[g->word == 8 ? 0 : 1];
	if (!g->parameters || g->layout.parameters.hp_pagesize < 0 ||
		!hc_core_read_word(g->core, g->parameters + g->layout.parameters.hp_pagesize, &huge) ||
		huge <= g->page || huge & (huge - 1) || huge >= (uint64_t)1 << 40)
		return;
	unsigned constant = arenas_that_agree(g, g->heap_max), tuned = arenas_that_agree(g, 4 * huge);

	if (tuned > constant || (tuned == constant && 4 * huge < g->heap_max))
		g->heap_max = 4 * huge;
}

/* Without DWARF: heap_info is 32 bytes to 2.34, 48 from 2.35 (three words of padding); the arena's address tells. */
static void settle_heap_info_size(glibc *g)
{
	uint64_t next = glibc_word_or_zero(g, g->main_arena + g->layout.arena.next);
	uint64_t offset = next & (g->heap_max - 1);

	if (g->layout.heap_info_size)
		return;
	g->layout.heap_info_size = next != g->main_arena && offset <= 256 ? offset : 6 * g->word;
}

void glibc_find_arenas(glibc *g)
{
	settle_heap_max(g);
	settle_heap_info_size(g);
	follow_ring(g);
	find_heaps(g);
	check_heap_chains(g);
}

/* ---- the main arena ---- */

static void add_main_region(glibc *g, hc_address outer_start, hc_address start, hc_address end, hc_address outer_end)
{
	hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, 0);
	hc_region region = {
		.outer_start = outer_start,
		.outer_end = outer_end,
		.start = start,
		.end = end,
		.arena = 0,
	};

	if (arena->top >= start && arena->top < end)
		region.top = arena->top;
	arena->heap_count++;
	g_array_append_val(g->heap->regions, region);
	glibc_claim(g, outer_start, outer_end);
}

/* Where the unbroken run of anonymous writable memory that holds ADDRESS ends. */
static hc_address end_of_run(const glibc *g, hc_address address)
{
	hc_address end = address;

	for (unsigned i = hc_core_mapping_after(g->core, address); i < hc_core_mapping_count(g->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);

		if (mapping->start > end || !glibc_is_anonymous(mapping))
			break;
		end = mapping->end;
	}
	return end;
}

/* The end of the chunk at TOP, or of the run that it is in, if its header cannot be read or believed. */
static hc_address end_of_top(const glibc *g, hc_address top, hc_address run_end)
{
	bool ok = true;
	uint64_t size = glibc_word(g, top + g->word, &ok) & ~(uint64_t)CHUNK_FLAGS;

	return ok && size >= g->minimum && size <= run_end - top ? top + size : run_end;
}

static void find_program_break(glibc *g)
{
	const hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, 0);

	if (!g->sbrk_base)
		return;
	hc_address start = chunk_align_up(g, g->sbrk_base), end = end_of_run(g, g->sbrk_base);

	if (end <= start)
		return;
	/*
	 * The program break is one mapping. If the top chunk lies in it, malloc's memory ends with it. If not, the arena went on
	 * elsewhere; what lies behind the fenceposts of its last piece here will be a foreign pseudo-block of the walk.
	 */
	if (arena->top >= start && arena->top < end)
		end = end_of_top(g, arena->top, end);
	add_main_region(g, g->sbrk_base, start, end, end);
}

/*
 * A piece of the main arena at START: a chain of chunks of the main arena that ends at the top chunk, or with a double
 * fencepost at the end of a page.
 */
static bool is_main_piece(
	const glibc *g, hc_address start, hc_address run_end, uint64_t *steps_left, hc_address *ret_end)
{
	const hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, 0);
	bool ok = true;
	uint64_t header = glibc_word(g, start + g->word, &ok), steps, fence;

	if (!ok || !(header & CHUNK_PREV_IN_USE) || header & (CHUNK_MMAPPED | CHUNK_NON_MAIN))
		return false;
	hc_address limit = arena->top >= start && arena->top < run_end ? arena->top : run_end;
	hc_address reached = glibc_follow(g, start, limit, *steps_left, &steps, &fence);

	*steps_left -= steps;
	if (reached == arena->top && limit == arena->top) {
		*ret_end = end_of_top(g, arena->top, run_end);
		return true;
	}
	if (fence && steps) {
		*ret_end = glibc_fence_end(g, reached + fence);
		return *ret_end % g->page == 0;
	}
	return false;
}

static uint64_t main_bytes_found(const glibc *g)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < g->heap->regions->len; i++) {
		const hc_region *region = &g_array_index(g->heap->regions, hc_region, i);

		if (region->arena == 0 && !region->is_mmapped)
			sum += region->outer_end - region->outer_start;
	}
	return sum;
}

/* Steps from chunk to chunk in search of pieces: many times what memory without false trails takes. */
static uint64_t steps_allowed(const glibc *g)
{
	return (1 << 20) + 4 * hc_core_file_size(g->core) / g->alignment;
}

/* Pieces that were got by mmap: looked for only if the arena says that it has some, until its sum is complete. */
static void find_mapped_pieces(glibc *g)
{
	const hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, 0);
	uint64_t steps_left = steps_allowed(g), found = main_bytes_found(g);
	hc_address run_end = 0;

	if (arena->contiguous || !arena->top)
		return;
	for (unsigned i = 0; i < hc_core_mapping_count(g->core) && found < arena->system_memory; i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);

		if (!mapping->bytes || !glibc_is_anonymous(mapping))
			continue;
		if (mapping->start >= run_end)
			run_end = end_of_run(g, mapping->start);
		for (hc_address at = hc_align_up(mapping->start, g->page); at < mapping->end && steps_left;
			at += g->page) {
			hc_address end;

			at = hc_align_up(glibc_skip_claimed(g, at), g->page);
			if (at >= mapping->end)
				break;
			if (is_main_piece(g, chunk_align_up(g, at), MIN(run_end, glibc_next_claimed(g, at)),
				    &steps_left, &end)) {
				add_main_region(g, at, chunk_align_up(g, at), end, end);
				found += end - at;
				at = hc_align_up(end, g->page) - g->page;
			}
		}
	}
	if (!steps_left)
		hc_diagnostics_add(g->diagnostics, &search_given_up, 0, NULL);
}

/* Where mp_ is not known: malloc's first sbrk is the start of the mapping that its top chunk lies in. */
static void guess_sbrk_base(glibc *g)
{
	const hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, 0);
	hc_address end;

	if (g->sbrk_base || !arena->top)
		return;
	end = end_of_top(g, arena->top, end_of_run(g, arena->top));
	if (arena->contiguous && arena->system_memory <= end &&
		hc_core_find_mapping(g->core, end - arena->system_memory))
		g->sbrk_base = end - arena->system_memory;
}

void glibc_find_main_regions(glibc *g)
{
	if (g->parameters)
		g->sbrk_base = glibc_word_or_zero(g, g->parameters + g->layout.parameters.sbrk_base);
	if (g->sbrk_base && !hc_core_find_mapping(g->core, g->sbrk_base))
		g->sbrk_base = 0;
	guess_sbrk_base(g);
	find_program_break(g);
	find_mapped_pieces(g);
}
