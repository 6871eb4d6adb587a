/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* allocators/: heaps of every release's layout, found without symbols; their odd corners; and damaged ones. */
#include "allocators/glibc_mmapped.h"
#include "wording/wording.h"
#include "test_process.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static test_process start(const char *release, uint64_t size)
{
	return process_start(release, size, size);
}

static bool run(test_process *f)
{
	return process_run_blocks(f, 1);
}

/* What no healthy heap may be told of. */
static void check_no_complaint(const test_process *f)
{
	static const char *const kinds[] = { "heap-inconsistent", "heap-unreadable", "arena-size-differs",
		"free-unlisted", "mmapped-chunks-differ", "mmapped-chunks-guessed", "heap-regions-overlap",
		"malloc-parameters-missing", "tcache-keys", "tcache-keys-unexplained", "tcache-broken",
		"malloc-in-operation", "tcache-missing" };

	for (unsigned i = 0; i < hc_diagnostics_count(f->stages.diagnostics); i++) {
		const hc_diagnostic *diagnostic = hc_diagnostics_get(f->stages.diagnostics, i);

		for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++)
			if (!strcmp(diagnostic->kind->id, kinds[k])) {
				printf("\n%s: %s\n", kinds[k], diagnostic->example);
				CU_FAIL("a healthy heap is told to be none");
			}
	}
}

/* Every block of the builder's is found, and nothing is wrong. FALSE: there is nothing to look at. */
static bool run_healthy(test_process *f, const char *file, unsigned line)
{
	if (!run(f))
		return false;
	process_check_blocks(&f->stages, f->heap, file, line);
	check_no_complaint(f);
	return true;
}
#define RUN_HEALTHY(f) run_healthy(f, __FILE__, __LINE__)

static uint64_t told(const test_process *f, const char *id)
{
	return core_builder_told(f->stages.diagnostics, id);
}

static void check_label(const test_process *f, hc_address address, const char *label)
{
	g_autofree char *word = hc_word_label(stages_label(&f->stages, address));

	UNIT_ASSERT_TEXT(word, label);
}

/* One block of every state that the release knows. */
static void fill_arena(heap_builder *heap, unsigned arena, hc_address cache)
{
	static const uint64_t sizes[] = { 24, 25, 40, 100, 1000, 1032, 2000, 5000 };

	for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
		heap_malloc(heap, arena, sizes[i]);
	for (unsigned i = 0; cache && i < 3; i++) {
		heap_free_to_cache(heap, cache, heap_malloc_apart(heap, arena, 40));
		heap_free_to_cache(heap, cache, heap_malloc_apart(heap, arena, 500));
	}
	for (unsigned i = 0; heap->release.fastbins != HEAP_NONE && i < 3; i++) {
		heap_free_to_fastbin(heap, heap_malloc_apart(heap, arena, 24));
		heap_free_to_fastbin(heap, heap_malloc_apart(heap, arena, 120));
	}
	for (unsigned i = 0; i < 3; i++) {
		heap_free_to_bin(heap, heap_malloc_apart(heap, arena, 300 + 100 * i), HEAP_UNSORTED);
		heap_free_to_bin(heap, heap_malloc_apart(heap, arena, 200), 0xd0 / 16); /* chunks of 0xd0 bytes */
		heap_free_to_bin(heap, heap_malloc_apart(heap, arena, 0x800), 80);
	}
	heap_free_to_bin(heap, heap_malloc_apart(heap, arena, 0x3f0 - 8),
		63); /* the last small bin, the first large one, the last */
	heap_free_to_bin(heap, heap_malloc_apart(heap, arena, 0x400 - 8), 64);
	heap_free_to_bin(heap, heap_malloc_apart(heap, arena, 3000), 126);
	heap_malloc(heap, arena, 64);
}

static void check_totals(const test_process *f)
{
	for (int arena = HEAP_NONE; arena < (int)f->heap->arenas->len; arena++)
		for (unsigned state = 0; state < HC_BLOCK_STATE_COUNT; state++) {
			hc_amount expected = { 0 },
				  actual = hc_blocks_amount(f->stages.blocks, heap_arena_index(f->heap, arena), state);

			for (unsigned i = 0; i < f->heap->blocks->len; i++) {
				const heap_block *block = &g_array_index(f->heap->blocks, heap_block, i);

				if (block->arena == arena && block->state == state) {
					expected.blocks++;
					expected.bytes += state == HC_BLOCK_IN_USE ? block->size : block->chunk_size;
				}
			}
			CU_ASSERT_EQUAL(actual.blocks, expected.blocks);
			CU_ASSERT_EQUAL(actual.bytes, expected.bytes);
		}
}

static void check_arenas(const test_process *f)
{
	CU_ASSERT_EQUAL(hc_blocks_arena_count(f->stages.blocks), f->heap->arenas->len);
	for (unsigned i = 0; i < f->heap->arenas->len; i++) {
		const heap_arena *expected = &g_array_index(f->heap->arenas, heap_arena, i);
		const hc_arena *arena = hc_blocks_arena(f->stages.blocks, heap_arena_index(f->heap, i));

		if (!arena)
			return;
		CU_ASSERT_EQUAL(arena->index, heap_arena_index(f->heap, i));
		CU_ASSERT_EQUAL(arena->address, expected->address);
		CU_ASSERT_EQUAL(arena->top, expected->top);
		CU_ASSERT_EQUAL(arena->system_memory, expected->system_memory);
		CU_ASSERT_EQUAL(arena->max_system_memory, expected->system_memory);
		CU_ASSERT_EQUAL(arena->attached_threads, f->heap->release.attached_threads == HEAP_NONE ? 0 : 1);
		CU_ASSERT_EQUAL(arena->heap_count, i ? expected->heaps : 1);
		CU_ASSERT_EQUAL(arena->contiguous, i == 0);
		CU_ASSERT_TRUE(arena->consistent);
		CU_ASSERT_EQUAL(arena->thread_count, 1);
		CU_ASSERT_TRUE(arena->thread_count == 1 && arena->threads[0] == i);
	}
}

/* In releases whose caches differ: plain lists, mangled ones, counters of free places, more of these. */
static void with_caches(void (*check)(const char *release))
{
	check("2.31");
	check("2.36");
	check("2.42");
	check("2.43");
}

/* ---- all releases ---- */

static void check_release(const heap_release *release)
{
	g_auto(test_process) f = start(release->name, 0x21000);
	const hc_address heap_1 = 0x7fffe8000000, heap_2 = 0x7fffe4000000, mmapped = 0x7fffd0000000;
	bool has_cache = release->tcache_lists;
	hc_address main_cache = has_cache ? heap_add_cache(f.heap, 0, 0) : 0, thread_cache;

	fill_arena(f.heap, 0, main_cache);
	unsigned arena = heap_add_arena(f.heap, heap_1, 0x21000),
		 thread = heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, arena);

	thread_cache = has_cache ? heap_add_cache(f.heap, thread, arena) : 0;
	fill_arena(f.heap, arena, thread_cache);
	heap_malloc_until(f.heap, arena, 0x410);
	heap_grow_arena(f.heap, arena, heap_2, 0x9000, HEAP_UNSORTED);
	fill_arena(f.heap, arena, thread_cache);
	core_builder_add_memory(f.core, mmapped, 0x30000, PF_R | PF_W);
	heap_mmap(f.heap, mmapped, 0x30000, 0);
	core_builder_add_memory(f.core, mmapped + 0x100000, 0x22000, PF_R | PF_W);
	heap_mmap(f.heap, mmapped + 0x100000, 0x22000, 0xff0); /* memalign to a page */
	if (!run(&f))
		return;
	const hc_heap_info *info = hc_blocks_heap(f.stages.blocks);

	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	check_totals(&f);
	check_arenas(&f);
	check_no_complaint(&f);
	CU_ASSERT_TRUE(info->found);
	UNIT_ASSERT_TEXT(info->version, release->name);
	UNIT_ASSERT_TEXT(info->library, "libc.so.6");
	UNIT_ASSERT_CONTAINS(info->layout, "table");
	CU_ASSERT_FALSE(info->layout_from_debug_info);
	CU_ASSERT_EQUAL(info->safe_linking, release->mangled);
	CU_ASSERT_TRUE(info->mmapped_known);
	CU_ASSERT_EQUAL(info->mmapped_count, 2);
	CU_ASSERT_EQUAL(info->mmapped_bytes, 0x52000);
	CU_ASSERT_EQUAL(info->alignment, 16);
	if (has_cache) {
		check_label(&f, main_cache, "libc: tcache of thread 1000");
		check_label(&f, thread_cache, "libc: tcache of thread 1001");
		CU_ASSERT_EQUAL(hc_blocks_labelled(f.stages.blocks, HC_ARENA_ALL).blocks, 2);
	}
}

static void test_releases(void)
{
	for (unsigned i = 0; i < heap_release_count; i++) {
		unsigned failures = CU_get_number_of_failures();

		check_release(&heap_releases[i]);
		if (CU_get_number_of_failures() != failures)
			printf("\n(glibc %s)\n", heap_releases[i].name);
	}
}

/* ---- safe-linking ---- */

static void check_linking(const char *release, bool mangled, bool caches, bool fastbins)
{
	g_auto(test_process) f = start(release, 0x4000);

	f.heap->release.mangled = mangled;
	hc_address cache = caches ? heap_add_cache(f.heap, 0, 0) : 0;

	for (unsigned i = 0; i < 2; i++) {
		if (caches)
			heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 40));
		if (fastbins)
			heap_free_to_fastbin(f.heap, heap_malloc_apart(f.heap, 0, 24));
	}
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(hc_blocks_heap(f.stages.blocks)->safe_linking, mangled);
}

/* The lists tell, whatever the version says: distributions port it back. */
static void test_safe_linking(void)
{
	check_linking("2.31", false, true, false);
	check_linking("2.31", true, true, false);
	check_linking("2.31", true, false, true);
	check_linking("2.36", true, true, true);
	check_linking("2.36", false, true, false);
	check_linking("2.36", false, false, true);
}

/* Without any list the version is all there is. */
static void test_safe_linking_by_version(void)
{
	check_linking("2.31", false, false, false);
	check_linking("2.32", true, false, false);
	check_linking("2.43", true, false, false);
}

/*
 * A table of the program's that lies where a cache's entries would: 64 pointers to blocks of one size. It is not asked, whether threads lead to
 * their caches or have nothing that tells.
 */
static void check_table(const char *release, bool with_lists)
{
	g_auto(test_process) f = start(release, 0x8000);
	hc_address cache = heap_add_cache(f.heap, 0, 0), table = heap_malloc(f.heap, 0, f.heap->release.tcache_size);

	for (int i = 0; i < f.heap->release.tcache_lists; i++)
		core_builder_put_word(f.core, table + f.heap->release.entries + i * 8, heap_malloc(f.heap, 0, 120));
	for (unsigned i = 0; with_lists && i < 7; i++)
		heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 40));
	if (!RUN_HEALTHY(&f))
		return;
	CU_ASSERT_EQUAL(hc_blocks_heap(f.stages.blocks)->safe_linking, f.heap->release.mangled);
	CU_ASSERT_PTR_NULL(stages_label(&f.stages, table));
}

static void test_table_of_pointers(void)
{
	static const char *const releases[] = { "2.27", "2.31", "2.36", "2.42", "2.43" };

	for (unsigned i = 0; i < G_N_ELEMENTS(releases); i++) {
		check_table(releases[i], true);
		check_table(releases[i], false);
	}
}

/* ---- caches ---- */

static void test_cache_count(void)
{
	static const char *const releases[] = { "2.27", "2.31", "2.43" };

	for (unsigned i = 0; i < G_N_ELEMENTS(releases); i++) {
		g_auto(test_process) f = start(releases[i], 0x4000);
		hc_address cache = heap_add_cache(f.heap, 0, 0);

		for (unsigned k = 0; k < 4; k++)
			heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 40));
		core_builder_put(f.core, cache + f.heap->release.counter, 2, f.heap->release.counter);
		if (!run(&f))
			return;
		STAGES_CHECK_BLOCKS(&f.stages, f.heap); /* the list decides, not the count */
		CU_ASSERT_EQUAL(told(&f, "heap-inconsistent"), 1);
	}
}

/* A cache that leads back into itself, and one whose entry is no block. */
static void test_cache_damaged(void)
{
	g_auto(test_process) f = start("2.36", 0x4000);
	hc_address cache = heap_add_cache(f.heap, 0, 0), first = heap_malloc_apart(f.heap, 0, 40),
		   last = heap_malloc_apart(f.heap, 0, 40);
	hc_address other = heap_malloc_apart(f.heap, 0, 100);

	heap_free_to_cache(f.heap, cache, first);
	heap_free_to_cache(f.heap, cache, last);
	core_builder_put_word(f.core, first, first >> 12 ^ last); /* the end of the list leads to its beginning */
	heap_free_to_cache(f.heap, cache, other);
	core_builder_put_word(f.core, other, other >> 12 ^ (other + 16));
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "heap-inconsistent"), 2);
}

/*
 * Three lists, of which one is overwritten in its first block: the four blocks behind it are told by count and key. A fifth block has
 * the key but another size: it is in use.
 */
static void check_broken(const char *release)
{
	g_auto(test_process) f = start(release, 0x4000);
	hc_address cache = heap_add_cache(f.heap, 0, 0), first = 0, other = heap_malloc_apart(f.heap, 0, 72);

	for (unsigned i = 0; i < 2; i++) {
		heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 24));
		heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 200));
	}
	for (unsigned i = 0; i < 5; i++)
		heap_free_to_cache(f.heap, cache, first = heap_malloc_apart(f.heap, 0, 40));
	core_builder_put_word(f.core, first, 0x4141414141414141);
	core_builder_put_word(f.core, other + 8, f.heap->release.key == 1 ? cache : f.heap->tcache_key);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "tcache-broken"), 1);
	CU_ASSERT_TRUE(hc_diagnostics_partial(f.stages.diagnostics));
	check_label(&f, cache, "libc: tcache of thread 1000");
}

static void test_cache_broken(void)
{
	with_caches(check_broken);
}

/*
 * 2.42's lists of mixed sizes: blocks of each size between the list's ends are told by count and key. Blocks of the sizes next to them
 * carry the key, too, and are in use.
 */
static void check_broken_large(const char *release)
{
	static const unsigned sizes[] = { 2040, 1048, 1500, 1900,
		1400 }; /* chunks of 1,056 to 2,048 - 16 but for the first */
	g_auto(test_process) f = start(release, 0x9000);
	hc_address cache = heap_add_cache(f.heap, 0, 0), first = 0, small = heap_malloc_apart(f.heap, 0, 1032),
		   large = heap_malloc_apart(f.heap, 0, sizes[0]);

	for (unsigned i = 1; i < G_N_ELEMENTS(sizes); i++)
		heap_free_to_cache(f.heap, cache, first = heap_malloc_apart(f.heap, 0, sizes[i]));
	for (unsigned i = 0; i < 2; i++)
		heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 5000 + 2000 * i));
	core_builder_put_word(f.core, first, 0x4141414141414141);
	core_builder_put_word(f.core, small + 8, f.heap->tcache_key);
	core_builder_put_word(f.core, large + 8, f.heap->tcache_key);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "tcache-broken"), 1);
	CU_ASSERT_EQUAL(told(&f, "tcache-keys"), 2);
	CU_ASSERT_TRUE(hc_diagnostics_partial(f.stages.diagnostics));
}

static void test_cache_broken_large(void)
{
	check_broken_large("2.42");
	check_broken_large("2.43");
}

/*
 * A thread's cache and the pointer to it are overwritten: what it held counts as in use, and that this is a bound is said. The program's
 * own copy of a key has no link before it.
 */
static void test_cache_overwritten(void)
{
	g_auto(test_process) f = start("2.36", 0x4000);
	unsigned thread = heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, 0);
	hc_address cache = heap_add_cache(f.heap, 0, 0), lost = heap_add_cache(f.heap, thread, 0);
	hc_address own = heap_malloc_apart(f.heap, 0, 72), pointer;

	pointer = heap_thread_at(f.heap, thread)->pointer;
	heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 40));
	for (unsigned i = 0; i < 3; i++) {
		hc_address block = heap_malloc_apart(f.heap, 0, 72);

		heap_free_to_cache(f.heap, lost, block);
		heap_block_at(f.heap, block)->state = HC_BLOCK_IN_USE; /* for all that can be known */
	}
	core_builder_put_word(f.core, own, own);
	core_builder_put_word(f.core, own + 8, f.heap->tcache_key);
	for (int at = 0; at < f.heap->release.tcache_size; at += 8)
		core_builder_put_word(f.core, lost + at, 0x4141414141414141);
	for (uint64_t at = 8; at < 0x200; at += 8)
		if (*(uint64_t *)core_builder_at(f.core, pointer - at) == lost)
			core_builder_put_word(f.core, pointer - at, 0x4141414141414140);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "tcache-keys-unexplained"), 3);
	CU_ASSERT_EQUAL(told(&f, "tcache-keys"), 1);
	CU_ASSERT_TRUE(hc_diagnostics_partial(f.stages.diagnostics));
}

/* fork(): the child has the memory of the parent's threads, but not the threads. KEY: 0 for one that looks like nothing else. */
static void check_forked_with(const char *release, uint64_t key)
{
	g_auto(test_process) f = start(release, 0x8000);

	f.heap->tcache_key = key ? key : f.heap->tcache_key;
	hc_address cache = heap_add_cache(f.heap, 0, 0), dead, orphan;
	unsigned thread = heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, 0);

	dead = heap_add_cache(f.heap, thread, 0);
	orphan = heap_add_orphan_cache(f.heap, 0);
	for (unsigned i = 0; i < 4; i++)
		heap_free_to_cache(f.heap, cache, heap_malloc_apart(f.heap, 0, 40 + 16 * i));
	heap_free_to_cache(f.heap, dead, heap_malloc_apart(f.heap, 0, 40));
	heap_free_to_cache(f.heap, dead, heap_malloc_apart(f.heap, 0, 80));
	heap_free_to_cache(f.heap, orphan, heap_malloc_apart(f.heap, 0, 40));
	heap_free_to_cache(f.heap, orphan, heap_malloc_apart(f.heap, 0, 40));
	g_array_set_size(f.heap->threads, 1);
	if (!RUN_HEALTHY(&f))
		return;
	check_label(&f, cache, "libc: tcache of thread 1000");
	check_label(&f, dead, "libc: tcache of a thread that is not in this process any more");
	check_label(&f, orphan, "libc: tcache that no thread leads to");
}

static void check_forked(const char *release)
{
	check_forked_with(release, 0);
}

/* One in 2,000 random words looks like text. */
static void check_forked_with_text(const char *release)
{
	check_forked_with(release, 0x4b6579206f66206d);
}

static void test_forked(void)
{
	with_caches(check_forked);
	with_caches(check_forked_with_text);
}

/* The program's own block of a cache's size, which a thread-local variable of its own points to. */
static void test_looks_like_a_cache(void)
{
	g_auto(test_process) f = start("2.36", 0x8000);
	unsigned thread = heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, 0);
	hc_address first = heap_add_cache(f.heap, 0, 0), second = heap_add_cache(f.heap, thread, 0),
		   own = heap_malloc(f.heap, 0, 640);

	heap_free_to_cache(f.heap, first, heap_malloc_apart(f.heap, 0, 40));
	heap_free_to_cache(f.heap, second, heap_malloc_apart(f.heap, 0, 40));
	core_builder_put_word(f.core, heap_thread_at(f.heap, 0)->pointer - 0x20, own);
	core_builder_put_word(
		f.core, own + 128, heap_malloc(f.heap, 0, 24)); /* it even holds a block where an entry would be */
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_PTR_NULL(stages_label(&f.stages, own));
	check_label(&f, first, "libc: tcache of thread 1000");
	check_label(&f, second, "libc: tcache of thread 1001");
}

/* ---- the program break ---- */

/* GLIBC_TUNABLES and static programs use sbrk() before malloc does, in bytes. */
static void test_unaligned_base(void)
{
	static const uint64_t offsets[] = { 8, 16, 0x118, 0x1238 };

	for (unsigned i = 0; i < G_N_ELEMENTS(offsets); i++) {
		g_auto(test_process) f = process_create("2.36");

		heap_add_thread(f.heap, 0, 0, 0, 0);
		heap_start_main(f.heap, offsets[i], 0x4000 - offsets[i], 0x4000);
		heap_malloc(f.heap, 0, 100);
		heap_free_to_bin(f.heap, heap_malloc_apart(f.heap, 0, 400), HEAP_UNSORTED);
		RUN_HEALTHY(&f);
	}
}

enum foreign_content {
	ZEROS,
	TEXT,
	CHUNKS
};

/* Somebody else's memory in the break, with what may be in it: even chunks, though they don't lead to malloc's. */
static void put_foreign(test_process *f, hc_address start, uint64_t size, enum foreign_content content)
{
	for (uint64_t at = 0; content != ZEROS && at < (content == CHUNKS ? size * 3 / 4 : size); at += 8)
		core_builder_put_word(f->core, start + at,
			content == TEXT ? 0x2065726577656854 :
			at % 32 == 8	? 0x21 :
					  0);
}

/* REST: bytes that the old top had when the break was taken away. */
static void check_foreign(uint64_t rest, uint64_t foreign, int bin, enum foreign_content content)
{
	g_auto(test_process) f = process_create("2.36");

	heap_add_thread(f.heap, 0, 0, 0, 0);
	heap_start_main(f.heap, 0, 0x3000, 0x10000);
	heap_malloc(f.heap, 0, 100);
	heap_malloc_until(f.heap, 0, rest);
	hc_address end = f.heap->sbrk_base + 0x3000;

	heap_grow_main(f.heap, foreign, 0x10000 - 0x3000 - foreign, bin);
	put_foreign(&f, end, foreign, content);
	for (unsigned i = 0; i < 12; i++)
		heap_malloc(f.heap, 0, 100);
	if (!RUN_HEALTHY(&f))
		return;
	CU_ASSERT_TRUE(hc_blocks_arena(f.stages.blocks, 0)->consistent);
}

static void test_foreign_sbrk(void)
{
	check_foreign(0x800, 0x1000, HEAP_UNSORTED, ZEROS);
	check_foreign(0x800, 0x1000, HEAP_UNSORTED, TEXT);
	check_foreign(0x800, 0x1000, HEAP_UNSORTED, CHUNKS);
	check_foreign(0x60, 0x2000, HEAP_FASTBIN, TEXT); /* the rest is in a fastbin, and looks in use */
	check_foreign(0x800, 0x10, HEAP_UNSORTED, ZEROS);
	check_foreign(0x40, 0x1000, HEAP_FASTBIN, ZEROS);
}

/* Old tops that leave nothing but fenceposts: two, and three. */
static void test_fenceposts(void)
{
	check_foreign(0x20, 0x1000, HEAP_UNSORTED, TEXT);
	check_foreign(0x20, 0x1000, HEAP_UNSORTED, CHUNKS);
	check_foreign(0x30, 0x1000, HEAP_UNSORTED, TEXT);
	check_foreign(0x30, 0x1000, HEAP_UNSORTED, ZEROS);
}

/* Somebody else got the last bytes of the break. */
static void test_foreign_behind_top(void)
{
	g_auto(test_process) f = process_create("2.36");

	heap_add_thread(f.heap, 0, 0, 0, 0);
	heap_start_main(f.heap, 0, 0x3000, 0x5000);
	put_foreign(&f, f.heap->sbrk_base + 0x3000, 0x2000, TEXT);
	heap_malloc(f.heap, 0, 100);
	if (!run(&f))
		return;
	hc_block block;

	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, f.heap->sbrk_base + 0x3000, &block));
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, f.heap->sbrk_base + 0x4000, &block));
	check_no_complaint(&f);
}

/* sbrk() failed: the main arena goes on in mmapped pieces. */
static void test_pieces(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);

	heap_malloc(f.heap, 0, 100);
	heap_malloc_until(f.heap, 0, 0x500);
	heap_grow_by_mmap(f.heap, 0x7fffc0000000, 0x100000, HEAP_UNSORTED);
	heap_malloc(f.heap, 0, 100);
	heap_malloc_until(f.heap, 0, 0x700);
	heap_grow_by_mmap(f.heap, 0x7fffb8000000, 0x100000, HEAP_UNSORTED);
	heap_malloc(f.heap, 0, 100);
	heap_malloc(f.heap, 0, 3000);
	/* Other memory that is no piece. */
	core_builder_add_memory(f.core, 0x7fffa8000000, 0x4000, PF_R | PF_W);
	if (!RUN_HEALTHY(&f))
		return;
	const hc_arena *arena = hc_blocks_arena(f.stages.blocks, 0);

	CU_ASSERT_FALSE(arena->contiguous);
	CU_ASSERT_EQUAL(arena->heap_count, 3);
	CU_ASSERT_TRUE(arena->consistent);
}

/* ---- heaps of thread arenas ---- */

/* REST: bytes of the old top; 0x20 and 0x30 leave no chunk. */
static void check_heap_end(uint64_t rest, int bin)
{
	static const char *const releases[] = { "2.31", "2.36" };

	for (unsigned i = 0; i < G_N_ELEMENTS(releases); i++) {
		g_auto(test_process) f = start(releases[i], 0x3000);
		unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x5000);

		heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, arena);
		heap_malloc(f.heap, arena, 100);
		heap_malloc_until(f.heap, arena, rest);
		heap_grow_arena(f.heap, arena, 0x7fffe0000000, 0x3000, bin);
		heap_malloc(f.heap, arena, 100);
		if (RUN_HEALTHY(&f))
			check_arenas(&f);
	}
}

static void test_heap_ends(void)
{
	check_heap_end(0x20, 0);
	check_heap_end(0x30, 0);
	check_heap_end(0x40, HEAP_FASTBIN);
	check_heap_end(0x50, HEAP_FASTBIN);
	check_heap_end(0x400, HEAP_UNSORTED);
	check_heap_end(0x410, HEAP_UNSORTED);
}

/* 2.35 to 2.41 with huge pages: heaps are 4 * mp_.hp_pagesize apart. */
static void test_huge_page_heaps(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);

	f.heap->heap_max = 8 << 20;
	core_builder_put_word(f.core, f.heap->parameters + 48, 2 << 20); /* hp_pagesize */
	unsigned arena = heap_add_arena(f.heap, 0x7fffe8800000, 0x5000);

	heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, arena);
	heap_malloc(f.heap, arena, 100);
	heap_malloc_until(f.heap, arena, 0x800);
	heap_grow_arena(f.heap, arena, 0x7fffe9800000, 0x5000, HEAP_UNSORTED);
	heap_malloc(f.heap, arena, 100);
	if (RUN_HEALTHY(&f))
		check_arenas(&f);
}

static void test_many_arenas(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);

	for (unsigned i = 1; i <= 10; i++) {
		unsigned arena = heap_add_arena(f.heap, 0x7fff00000000 + i * 0x8000000, 0x2000 + i * 0x1000);

		heap_add_thread(f.heap, 0x7ffe00000000 + i * 0x100000, 0x4000, HEAP_GUARD_SIZE, arena);
		heap_malloc(f.heap, arena, 100 * i);
	}
	if (RUN_HEALTHY(&f))
		check_arenas(&f);
}

/* main_arena.next leads past an arena that lives on. */
static void test_arena_not_in_ring(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x5000);

	heap_malloc(f.heap, 0, 100);
	heap_malloc(f.heap, arena, 100);
	core_builder_put_word(f.core, f.heap->main_arena + f.heap->release.next, f.heap->main_arena);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "heap-inconsistent"), 1);
}

/* The ring leads out of the heap: into nowhere, to itself, to memory of another kind. */
static void check_ring(hc_address next)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x5000);
	hc_address address = g_array_index(f.heap->arenas, heap_arena, arena).address;

	heap_malloc(f.heap, 0, 100);
	heap_malloc(f.heap, arena, 100);
	core_builder_put_word(f.core, address + f.heap->release.next, next ? next : address);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_TRUE(told(&f, "heap-inconsistent") >= 1);
}

static void test_ring_broken(void)
{
	check_ring(0xdead0000);
	check_ring(0); /* to itself */
	check_ring(0x7fffe8001000);
}

/* ---- mmapped chunks ---- */

static void test_mmapped_merged(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address at = 0x7fffd0000000;

	/* The kernel made one mapping of four, with somebody else's pages between and around. */
	core_builder_add_memory(f.core, at, 0x100000, PF_R | PF_W);
	heap_mmap(f.heap, at + 0x1000, 0x21000, 0);
	heap_mmap(f.heap, at + 0x22000, 0x30000, 0x10);	  /* memalign to 32 */
	heap_mmap(f.heap, at + 0x60000, 0x22000, 0x7f0);  /* to 2048 */
	heap_mmap(f.heap, at + 0x90000, 0x40000, 0xfff0); /* to 64 KiB */
	RUN_HEALTHY(&f);
}

/* Somebody else's memory looks just like an mmapped chunk: malloc's own count decides. */
static void test_mmapped_decoy(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address at = 0x7fffd0000000;

	core_builder_add_memory(f.core, at, 0x40000, PF_R | PF_W);
	core_builder_add_memory(f.core, at + 0x100000, 0x50000, PF_R | PF_W);
	core_builder_add_memory(f.core, at + 0x200000, 0x60000, PF_R | PF_W);
	heap_mmap(f.heap, at, 0x40000, 0);
	heap_mmap(f.heap, at + 0x200000, 0x60000, 0);
	core_builder_put_word(f.core, at + 0x100008, 0x50002);
	RUN_HEALTHY(&f);
}

/* Many look-alikes, of sizes that real ones have too; real ones are found by the words that lead to their blocks. */
static void test_mmapped_decoys(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address at = 0x7fffd0000000, holder = heap_malloc(f.heap, 0, 64 * 8);

	for (unsigned i = 0; i < 64; i++) {
		uint64_t size = 0x30000 + (i % 5) * 0x1000;
		hc_address mapping = at + i * 0x100000;

		core_builder_add_memory(f.core, mapping, size, PF_R | PF_W);
		if (i % 3)
			core_builder_put_word(f.core, mapping + 8, size | 2);
		else {
			heap_mmap(f.heap, mapping, size, 0);
			core_builder_put_word(f.core, holder + i * 8, mapping + 16);
		}
	}
	RUN_HEALTHY(&f);
}

/* A header in somebody's page in front of a chunk claims that chunk's mapping as its own. */
static void test_mmapped_overlap(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address at = 0x7fffd0000000;

	core_builder_add_memory(f.core, at, 0x100000, PF_R | PF_W);
	core_builder_put_word(f.core, at + 8, 0x60000 | 2);
	heap_mmap(f.heap, at + 0x1000, 0x31000, 0);
	core_builder_put_word(f.core, at + 0x2008, 0x2000 | 2); /* in the middle of a block */
	heap_mmap(f.heap, at + 0x70000, 0x24000, 0);
	RUN_HEALTHY(&f);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* True if the candidates in SET (a bit each) are disjoint, and as many and as large as TRUTH says. */
static bool is_solution(const GArray *all, unsigned set, const glibc_mapped_truth *truth)
{
	hc_address end = 0;
	uint64_t count = 0, bytes = 0;

	for (unsigned i = 0; i < all->len; i++) {
		const glibc_mapped_candidate *one = &g_array_index(all, glibc_mapped_candidate, i);

		if (!(set >> i & 1))
			continue;
		if (one->start < end)
			return false;
		end = one->end;
		count++;
		bytes += one->end - one->start;
	}
	return count == truth->count && bytes == truth->bytes;
}

static unsigned set_of(const GArray *all, const GArray *kept)
{
	unsigned set = 0, k = 0;

	for (unsigned i = 0; i < all->len && k < kept->len; i++)
		if (g_array_index(all, glibc_mapped_candidate, i).chunk ==
			g_array_index(kept, glibc_mapped_candidate, k).chunk) {
			set |= 1u << i;
			k++;
		}
	CU_ASSERT_EQUAL(k, kept->len);
	return set;
}

/* Those that SET leaves out, as a sum of references or of likelihood. */
static unsigned loss_of(const GArray *all, unsigned set, bool references)
{
	unsigned loss = 0;

	for (unsigned i = 0; i < all->len; i++) {
		const glibc_mapped_candidate *one = &g_array_index(all, glibc_mapped_candidate, i);

		if (!(set >> i & 1))
			loss += references ? one->is_referenced : one->likelihood;
	}
	return loss;
}

/* The candidates that some solution leaves out which has no fewer references than any other: tried one by one. */
static unsigned doubtful_of(const GArray *all, const glibc_mapped_truth *truth)
{
	unsigned best = UINT_MAX, doubtful = 0;

	for (unsigned set = 0; set < 1u << all->len; set++) {
		unsigned loss = is_solution(all, set, truth) ? loss_of(all, set, true) : UINT_MAX;

		if (loss < best)
			doubtful = 0;
		if (loss <= best && loss != UINT_MAX) {
			best = loss;
			doubtful |= ~set;
		}
	}
	return doubtful;
}

/* Of up to ten candidates a set is chosen that has the number and the sum, if there is one. */
static void test_mmapped_choice(void)
{
	uint64_t random = 5;
	unsigned guessed = 0, certain = 0;

	for (unsigned round = 0; round < 300; round++) {
		g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(glibc_mapped_candidate)), kept = NULL;
		glibc_mapped_truth truth = { .page = 0x1000 };
		unsigned chosen = next_random(&random);
		hc_address start = 0x10000, end = 0;
		bool found;

		for (unsigned i = 0; i < 3 + round % 8; i++, start += next_random(&random) % 4 * 0x1000) {
			glibc_mapped_candidate one = { .start = start, .chunk = start + i };

			one.end = start + (1 + next_random(&random) % 5) * 0x1000;
			one.likelihood = next_random(&random) % (GLIBC_MAPPED_LIKELIHOOD_MAX + 1);
			one.is_referenced = one.likelihood > 4;
			g_array_append_val(all, one);
			if (chosen >> i & 1 && one.start >= end) {
				end = one.end;
				truth.count++;
				truth.bytes += one.end - one.start;
			}
		}
		kept = g_array_copy(all);
		found = glibc_choose_mapped(kept, &truth);
		CU_ASSERT_TRUE(found);
		CU_ASSERT_TRUE(is_solution(all, set_of(all, kept), &truth));
		unsigned doubtful = doubtful_of(all, &truth), guesses = 0;

		for (unsigned i = 0, k = 0; i < all->len && k < kept->len; i++)
			if (g_array_index(all, glibc_mapped_candidate, i).chunk ==
				g_array_index(kept, glibc_mapped_candidate, k).chunk)
				guesses |= (unsigned)g_array_index(kept, glibc_mapped_candidate, k++).is_guess << i;
		CU_ASSERT_EQUAL(guesses, doubtful & set_of(all, kept));
		guessed += guesses != 0;
		certain += !guesses;
		truth.bytes += 0x100000;
		found = glibc_choose_mapped(kept, &truth);
		CU_ASSERT_FALSE(found);
	}
	CU_ASSERT_TRUE(guessed > 30 && certain > 30);
}

/* Nothing leads to any: of the look-alikes of one size each may be the one. The one that alone has its size is certain. */
static void test_mmapped_guessed(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address at = 0x7fffd0000000;

	for (unsigned i = 0; i < 6; i++)
		core_builder_add_memory(f.core, at + i * 0x100000, i < 5 ? 0x40000 : 0x73000, PF_R | PF_W);
	for (unsigned i = 0; i < 5; i++)
		if (i % 2)
			heap_mmap(f.heap, at + i * 0x100000, 0x40000, 0);
		else
			core_builder_put_word(f.core, at + i * 0x100000 + 8, 0x40002);
	heap_mmap(f.heap, at + 5 * 0x100000, 0x73000, 0);
	if (!run(&f))
		return;
	CU_ASSERT_EQUAL(told(&f, "mmapped-chunks-guessed"), 2);
	CU_ASSERT_EQUAL(told(&f, "mmapped-chunks-differ"), 0);
	CU_ASSERT_TRUE(hc_diagnostics_partial(f.stages.diagnostics));
}

/* A mapping is missing: the rest is taken, and the difference told. */
static void test_mmapped_missing(void)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address at = 0x7fffd0000000;

	core_builder_add_memory(f.core, at, 0x40000, PF_R | PF_W);
	heap_mmap(f.heap, at, 0x40000, 0);
	core_builder_put(f.core, f.heap->parameters + f.heap->release.n_mmaps, 2, 4);
	core_builder_put_word(f.core, f.heap->parameters + f.heap->release.mmapped_mem, 0x90000);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "mmapped-chunks-differ"), 1);
}

/* ---- damage ---- */

/* Thirty blocks of 100 bytes; returns the address of number INDEX. */
static hc_address thirty_blocks(test_process *f, unsigned index)
{
	hc_address wanted = 0;

	for (unsigned i = 0; i < 30; i++) {
		hc_address block = heap_malloc(f->heap, 0, 100);

		if (i == index)
			wanted = block;
	}
	return wanted;
}

/* The size of one chunk is overwritten with SIZE: it is lost, and no other. */
static void check_damaged_size(unsigned index, uint64_t size)
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address block = thirty_blocks(&f, index);

	core_builder_put_word(f.core, block - 8, size);
	if (!run(&f))
		return;
	heap_block *lost = heap_block_at(f.heap, block);

	lost->state = HC_BLOCK_UNREADABLE;
	lost->size = lost->chunk_size - 16;
	unsigned failures = CU_get_number_of_failures();

	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "heap-unreadable"), 1);
	CU_ASSERT_FALSE(hc_blocks_arena(f.stages.blocks, 0)->consistent);
	CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, HC_ARENA_ALL, HC_BLOCK_UNREADABLE).bytes, 112);
	if (CU_get_number_of_failures() != failures)
		printf("\n(block %u, size %#" PRIx64 ")\n", index, size);
}

static void test_damaged_size(void)
{
	static const unsigned indices[] = { 0, 1, 10, 20, 28, 29 };

	for (unsigned i = 0; i < G_N_ELEMENTS(indices); i++) {
		check_damaged_size(indices[i], 0x4141414141414141);
		check_damaged_size(indices[i], 0);
		check_damaged_size(indices[i], 0x11);
		check_damaged_size(indices[i], 0x79); /* not a multiple of 16 */
		check_damaged_size(indices[i], UINT64_MAX);
	}
	/* Too large by one byte of an overflow: leads into the middle of a later block. */
	check_damaged_size(10, 0x141);
	check_damaged_size(0, 0x201);
}

/* A ring that leads to itself, to a block in use, to nowhere. The first block in it is in the bin, the others are in none. */
static void check_bin(hc_address (*target)(hc_address first, hc_address second, hc_address used))
{
	g_auto(test_process) f = start("2.36", 0x3000);
	hc_address used = heap_malloc(f.heap, 0, 400), second = heap_malloc_apart(f.heap, 0, 400),
		   first = heap_malloc_apart(f.heap, 0, 400);

	heap_free_to_bin(f.heap, second, HEAP_UNSORTED);
	heap_free_to_bin(f.heap, first, HEAP_UNSORTED);
	core_builder_put_word(f.core, first, target(heap_chunk(first), heap_chunk(second), heap_chunk(used)));
	if (!run(&f))
		return;
	heap_block_at(f.heap, second)->state = HC_BLOCK_UNLISTED;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "heap-inconsistent"), 1);
	CU_ASSERT_EQUAL(told(&f, "free-unlisted"), 1);
	CU_ASSERT_FALSE(hc_blocks_arena(f.stages.blocks, 0)->consistent);
}

static hc_address to_itself(hc_address first, hc_address second, hc_address used)
{
	(void)second;
	(void)used;
	return first;
}

static hc_address to_used(hc_address first, hc_address second, hc_address used)
{
	(void)first;
	(void)second;
	return used;
}

static hc_address to_nowhere(hc_address first, hc_address second, hc_address used)
{
	(void)first;
	(void)second;
	(void)used;
	return 0x4242424242424242;
}

static hc_address to_middle(hc_address first, hc_address second, hc_address used)
{
	(void)first;
	(void)used;
	return second + 16;
}

static void test_bins_damaged(void)
{
	check_bin(to_itself);
	check_bin(to_used);
	check_bin(to_nowhere);
	check_bin(to_middle);
}

/* A fastbin whose last entry leads back to its first. */
static void test_fastbin_loop(void)
{
	g_auto(test_process) f = start("2.31", 0x3000);
	hc_address first = heap_malloc_apart(f.heap, 0, 24), last = heap_malloc_apart(f.heap, 0, 24);

	heap_free_to_fastbin(f.heap, first);
	heap_free_to_fastbin(f.heap, last);
	core_builder_put_word(f.core, first, heap_chunk(last));
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(told(&f, "heap-inconsistent"), 1);
}

/* The core ends, or does not hold the heap, from the middle of a block on. */
static void test_heap_left_out(void)
{
	g_auto(test_process) f = start("2.36", 0x4000);

	thirty_blocks(&f, 0);
	heap_malloc_until(f.heap, 0, 0x800);
	/* The segment of the break is dumped to 0x3000 only. */
	for (unsigned i = 0; i < f.core->segments->len; i++) {
		core_segment *segment = &g_array_index(f.core->segments, core_segment, i);

		if (segment->address == f.heap->break_start)
			segment->dumped = 0x3000;
	}
	if (!run(&f))
		return;
	/* All blocks are there: the top's header is missing, so the top is all that cannot be read, or taken for what it is. */
	hc_amount in_use = hc_blocks_amount(f.stages.blocks, 0, HC_BLOCK_IN_USE);

	CU_ASSERT_EQUAL(in_use.blocks, 31);
	CU_ASSERT_TRUE(told(&f, "heap-unreadable") + told(&f, "heap-inconsistent") > 0);
	CU_ASSERT_FALSE(hc_blocks_arena(f.stages.blocks, 0)->consistent);
}

/* The size of the top chunk is nonsense: it goes to the end of the memory it is in. */
static void test_damaged_top(void)
{
	static const uint64_t sizes[] = { 0, 0x11, 0x4141414141414141, 0x100001 };

	for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_auto(test_process) f = start("2.36", 0x4000);

		thirty_blocks(&f, 0);
		core_builder_put_word(f.core, g_array_index(f.heap->arenas, heap_arena, 0).top + 8, sizes[i]);
		if (!run(&f))
			return;
		hc_blocks_amount(f.stages.blocks, 0, HC_BLOCK_IN_USE);
		CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, 0, HC_BLOCK_IN_USE).blocks +
					hc_blocks_amount(f.stages.blocks, 0, HC_BLOCK_UNLISTED).blocks,
			30);
		CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, 0, HC_BLOCK_TOP).blocks, 1);
		CU_ASSERT_EQUAL(told(&f, "heap-inconsistent"), 1);
	}
}

/* ---- no heap ---- */

static void test_never_used(void)
{
	g_auto(test_process) f = process_create("2.36");

	heap_add_thread(f.heap, 0, 0, 0, HEAP_NONE);
	if (!run(&f))
		return;
	CU_ASSERT_FALSE(hc_blocks_heap(f.stages.blocks)->found);
	CU_ASSERT_EQUAL(hc_blocks_count(f.stages.blocks), 0);
}

static void test_no_library(void)
{
	g_auto(test_process) f = { .core = core_builder_create(8, false) };

	core_builder_add_memory(f.core, 0x10000, 0x10000, PF_R | PF_W);
	core_builder_add_thread(f.core, &(core_thread){ .id = 1, .stack_pointer = 0x10800 });
	if (!stages_run_blocks(&f.stages, f.core, 1))
		return;
	hc_block block;

	CU_ASSERT_FALSE(hc_blocks_heap(f.stages.blocks)->found);
	CU_ASSERT_EQUAL(hc_blocks_count(f.stages.blocks), 0);
	CU_ASSERT_EQUAL(hc_blocks_arena_count(f.stages.blocks), 0);
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, 0x10000, &block));
	CU_ASSERT_FALSE(hc_blocks_get(f.stages.blocks, 0, &block));
}

/*
 * libc's first page is not in the core, so that no module is known, and the arenas of threads lie in front of main_arena.
 */
static void check_no_header(const char *release)
{
	g_auto(test_process) f = start(release, 0x5000);
	unsigned arena = heap_add_arena(f.heap, 0x7fff00000000 - 0x1000000000, 0x5000);

	heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, arena);
	for (unsigned i = 0; i < 100; i++)
		heap_malloc(f.heap, 0, 100);
	heap_malloc(f.heap, arena, 500);
	core_builder_put_word(f.core, f.heap->libc, 0);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_EQUAL(hc_modules_count(f.stages.modules), 0);
	CU_ASSERT_TRUE(hc_blocks_heap(f.stages.blocks)->found);
	CU_ASSERT_EQUAL(told(&f, "heap-inconsistent"), 0);
}

static void test_no_header(void)
{
	for (unsigned i = 0; i < heap_release_count; i++)
		check_no_header(heap_releases[i].name);
}

/* Only threads allocated: the main arena has nothing. */
static void test_main_arena_unused(void)
{
	g_auto(test_process) f = process_create("2.36");

	heap_add_thread(f.heap, 0, 0, 0, HEAP_NONE);
	unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x5000);

	heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, arena);
	heap_malloc(f.heap, arena, 100);
	if (!run(&f))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	CU_ASSERT_TRUE(hc_blocks_heap(f.stages.blocks)->found);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "every release, every state", test_releases },
		{ "safe-linking, told by the lists", test_safe_linking },
		{ "safe-linking, told by the version", test_safe_linking_by_version },
		{ "a table of pointers, no cache", test_table_of_pointers },
		{ "a cache's count that is wrong", test_cache_count },
		{ "damaged caches", test_cache_damaged },
		{ "a cache's list that breaks off", test_cache_broken },
		{ "a cache's list of mixed sizes that breaks off", test_cache_broken_large },
		{ "a cache that is overwritten", test_cache_overwritten },
		{ "caches in a forked child", test_forked },
		{ "a block that looks like a cache", test_looks_like_a_cache },
		{ "program break that begins anywhere", test_unaligned_base },
		{ "somebody else's sbrk", test_foreign_sbrk },
		{ "two and three fenceposts", test_fenceposts },
		{ "somebody else's memory behind the top", test_foreign_behind_top },
		{ "main arena in pieces", test_pieces },
		{ "ends of a thread's heaps", test_heap_ends },
		{ "heaps of huge pages", test_huge_page_heaps },
		{ "ten arenas", test_many_arenas },
		{ "an arena that is not in the ring", test_arena_not_in_ring },
		{ "a broken ring of arenas", test_ring_broken },
		{ "mmapped chunks side by side", test_mmapped_merged },
		{ "memory that looks like an mmapped chunk", test_mmapped_decoy },
		{ "64 that look like mmapped chunks, 22 are", test_mmapped_decoys },
		{ "headers of mmapped chunks that contradict each other", test_mmapped_overlap },
		{ "the choice of mmapped chunks", test_mmapped_choice },
		{ "mmapped chunks that nothing tells from look-alikes", test_mmapped_guessed },
		{ "an mmapped chunk that is missing", test_mmapped_missing },
		{ "overwritten sizes", test_damaged_size },
		{ "damaged bins", test_bins_damaged },
		{ "a fastbin that is a ring", test_fastbin_loop },
		{ "a heap whose end is left out", test_heap_left_out },
		{ "a damaged top", test_damaged_top },
		{ "malloc was never called", test_never_used },
		{ "no library at all", test_no_library },
		{ "no header of libc", test_no_header },
		{ "only a thread's arena", test_main_arena_unused },
	};

	return unit_main("glibc", cases, G_N_ELEMENTS(cases));
}
