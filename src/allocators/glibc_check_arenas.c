/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arenas: their ring, their tops, the heads of the heaps that thread arenas consist of; and mmapped chunks, by their number and sum.
 *
 * A heap whose head was overwritten was not walked: it is looked for where the arena, which lies in its first heap, and the top chunk, which
 * lies in its last, say that one is.
 */
#include "allocators/glibc_check.h"

enum {
	HEAPS_MAX = 1 << 16 /* of one arena, in chains that run in circles */
};

static bool has_bytes(const glibc *g, hc_address address)
{
	const hc_mapping *mapping = hc_core_find_mapping(g->core, address);

	return mapping && mapping->bytes;
}

static bool has_region(const glibc *g, hc_address address)
{
	for (unsigned i = 0; i < g->heap->regions->len; i++) {
		const hc_region *region = &g_array_index(g->heap->regions, hc_region, i);

		if (!region->is_mmapped && address - region->outer_start < region->outer_end - region->outer_start)
			return true;
	}
	return false;
}

static hc_damage arena_damage(const struct check *check, hc_damage_kind kind, const hc_arena *arena, hc_address place)
{
	return (hc_damage){
		.kind = kind,
		.place = place,
		.size = check->g->word,
		.found = glibc_word_or_zero(check->g, place),
		.arena = arena->index,
	};
}

/* ---- heaps of thread arenas ---- */

/* struct heap_info: { ar_ptr, prev, size, mprotect_size } */
enum {
	ARENA,
	PREVIOUS,
	SIZE,
	PROTECTED
};

/* The first of the words at HEAP that cannot be what it says; its damage is then in *RET_DAMAGE. */
static bool find_bad_word(const struct check *check, const hc_arena *arena, hc_address heap, hc_damage *ret_damage)
{
	const glibc *g = check->g;
	bool is_first = hc_align_down(arena->address, g->heap_max) == heap;
	uint64_t size = glibc_word_or_zero(g, heap + SIZE * g->word),
		 protected_size = glibc_word_or_zero(g, heap + PROTECTED * g->word),
		 previous = glibc_word_or_zero(g, heap + PREVIOUS * g->word);
	int bad = -1;

	if (glibc_word_or_zero(g, heap + ARENA * g->word) != arena->address)
		bad = ARENA;
	else if (is_first ? previous != 0 : !previous || previous & (g->heap_max - 1))
		bad = PREVIOUS;
	else if (size < g->minimum || size > g->heap_max || size % g->page)
		bad = SIZE;
	else if (protected_size < size || protected_size > g->heap_max || protected_size % g->page)
		bad = PROTECTED;
	if (bad < 0)
		return false;
	*ret_damage = arena_damage(check, HC_DAMAGE_HEAP_INFO, arena, heap + bad * g->word);
	ret_damage->has_expected = bad == ARENA || (bad == PREVIOUS && is_first);
	ret_damage->expected = bad == ARENA ? arena->address : 0;
	return true;
}

/* Where the memory of the heap at HEAP ends that could have chunks. */
static hc_address end_of_heap(const glibc *g, hc_address heap)
{
	hc_address end = heap;

	for (unsigned i = hc_core_mapping_after(g->core, heap); i < hc_core_mapping_count(g->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);

		if (mapping->start > end || !glibc_is_anonymous(mapping) || end >= heap + g->heap_max)
			break;
		end = mapping->end;
	}
	return MIN(end, heap + g->heap_max);
}

/* TRUE if the head of the heap at HEAP is as it must be. */
static bool check_heap(struct check *check, const hc_arena *arena, hc_address heap)
{
	const glibc *g = check->g;
	hc_damage damage;

	if (!has_bytes(g, heap))
		return false;
	if (!find_bad_word(check, arena, heap, &damage))
		return true;
	if (!has_region(g, heap)) {
		damage.skipped = heap;
		damage.resumed = end_of_heap(g, heap);
	}
	check_add(check, &damage);
	return false;
}

static void check_heaps(struct check *check, const hc_arena *arena)
{
	const glibc *g = check->g;
	hc_address first = hc_align_down(arena->address, g->heap_max), at = hc_align_down(arena->top, g->heap_max);

	for (unsigned i = 0; arena->top && at != first && i < HEAPS_MAX; i++) {
		if (!check_heap(check, arena, at))
			break;
		at = glibc_word_or_zero(g, at + PREVIOUS * g->word);
	}
	check_heap(check, arena, first);
}

/* ---- arenas ---- */

/* Whether the heap that ARENA itself lies in, and its top if it has no other heap, was not walked for its head's sake. */
static bool has_damaged_head(const struct check *check, const hc_arena *arena)
{
	const glibc *g = check->g;
	hc_address heap = hc_align_down(arena->address, g->heap_max);
	hc_damage damage;

	if (!find_bad_word(check, arena, heap, &damage))
		return false;
	return damage.place == heap || hc_align_down(arena->top, g->heap_max) == heap;
}

static void check_arena_top(struct check *check, const hc_arena *arena)
{
	const glibc *g = check->g;
	hc_damage damage = arena_damage(check, HC_DAMAGE_ARENA_TOP, arena, arena->address + g->layout.arena.top);

	if (!arena->top || has_region(g, arena->top))
		return;
	/* In a heap whose head is damaged: that is told. In memory that the core lacks: nothing is known. */
	if (arena->index && has_bytes(g, arena->top) && has_damaged_head(check, arena))
		return;
	if (has_bytes(g, arena->top) || !hc_core_find_mapping(g->core, arena->top)) {
		damage.target = arena->top;
		check_add(check, &damage);
	}
}

static void check_ring(struct check *check)
{
	const glibc *g = check->g;
	hc_address at = g->main_arena;

	for (unsigned i = 0; i < g->heap->arenas->len; i++) {
		hc_address place = at + g->layout.arena.next, next = glibc_word_or_zero(g, place), here = at;
		unsigned known;

		if (next == g->main_arena || !has_bytes(g, place))
			return;
		known = GPOINTER_TO_UINT(g_hash_table_lookup(g->arena_indices, &next));
		if (!known) {
			unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(g->arena_indices, &here));
			hc_damage damage = arena_damage(check, HC_DAMAGE_ARENA_RING,
				&g_array_index(g->heap->arenas, hc_arena, index ? index - 1 : 0), place);

			damage.target = next;
			if (has_bytes(g, next) || !hc_core_find_mapping(g->core, next))
				check_add(check, &damage);
			return;
		}
		at = next;
	}
}

/* ---- mmapped chunks ---- */

static bool is_all_there(const glibc *g)
{
	for (unsigned i = 0; i < hc_core_mapping_count(g->core); i++)
		if (!hc_core_mapping(g->core, i)->bytes && glibc_is_anonymous(hc_core_mapping(g->core, i)))
			return false;
	return true;
}

/* The one stretch of SIZE bytes of anonymous memory that nothing explains; 0 if there is none, or another one. */
static hc_address find_unclaimed(const glibc *g, uint64_t size)
{
	hc_address found = 0;

	for (unsigned i = 0; i < hc_core_mapping_count(g->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);
		hc_address at = mapping->start;

		while (glibc_is_anonymous(mapping) && (at = glibc_skip_claimed(g, at)) < mapping->end) {
			hc_address end = MIN(mapping->end, glibc_next_claimed(g, at));

			if (end - at == size && found)
				return 0;
			if (end - at == size)
				found = at;
			at = end;
		}
	}
	return found;
}

/* A header that was overwritten makes its chunk look like any other mapping; what malloc counts is one more then. */
static void check_mmapped(struct check *check)
{
	const glibc *g = check->g;
	const hc_heap_info *info = &g->heap->info;
	uint64_t count = 0, bytes = 0;
	hc_damage damage = { .kind = HC_DAMAGE_MMAPPED, .size = g->word, .arena = HC_ARENA_NONE };

	for (unsigned i = 0; i < g->heap->regions->len; i++) {
		const hc_region *region = &g_array_index(g->heap->regions, hc_region, i);

		count += region->is_mmapped;
		bytes += region->is_mmapped ? region->outer_end - region->outer_start : 0;
	}
	if (!info->mmapped_known || count >= info->mmapped_count || !is_all_there(g))
		return;
	if (info->mmapped_count - count == 1 && info->mmapped_bytes > bytes && !g->layout.mmap_header_in_tail) {
		hc_address chunk = find_unclaimed(g, info->mmapped_bytes - bytes);

		if (chunk) {
			damage.chunk = damage.skipped = chunk;
			damage.place = chunk + g->word;
			damage.found = glibc_word_or_zero(g, damage.place);
			damage.has_expected = damage.is_likely = true;
			damage.expected = (info->mmapped_bytes - bytes) | CHUNK_MMAPPED;
			damage.resumed = chunk + info->mmapped_bytes - bytes;
		}
	}
	if (!damage.place) {
		damage.found = count;
		damage.has_expected = true;
		damage.expected = info->mmapped_count;
	}
	check_add(check, &damage);
}

void glibc_check_arenas(struct check *check)
{
	const glibc *g = check->g;

	check_ring(check);
	for (unsigned i = 0; i < g->heap->arenas->len; i++) {
		const hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, i);

		if (i)
			check_heaps(check, arena);
		check_arena_top(check, arena);
	}
	check_mmapped(check);
}
