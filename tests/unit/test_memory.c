/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory/: the rows of the memory table against sums that the builders know. */
#include "test_process.h"
#include "unit.h"
#include "wording/wording.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	RW = PF_R | PF_W
};

/* The top rows add up to all that is mapped; parts name a row that there is, and are no larger. */
static void check_sum(const test_process *f)
{
	uint64_t mapped = 0, sum = 0;

	for (unsigned i = 0; i < f->core->segments->len; i++)
		mapped += g_array_index(f->core->segments, core_segment, i).size;
	for (unsigned i = 0; i < hc_memory_row_count(f->stages.memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(f->stages.memory, i),
				    *whole = row->of ? hc_memory_row_find(f->stages.memory, row->of) : NULL;

		CU_ASSERT_PTR_EQUAL(hc_memory_row_find(f->stages.memory, row->id), row);
		CU_ASSERT_NOT_EQUAL(*hc_word_row(row->id, row->is_bound), '\0');
		if (!row->of)
			sum += row->bytes;
		else
			CU_ASSERT_TRUE(whole && !whole->of && row->bytes <= whole->bytes && row->count <= whole->count);
	}
	CU_ASSERT_EQUAL(sum, mapped);
	CU_ASSERT_EQUAL(hc_memory_total(f->stages.memory), mapped);
	CU_ASSERT_EQUAL(core_builder_told(f->stages.diagnostics, "memory-table-differs"), 0);
	CU_ASSERT_PTR_NULL(hc_memory_row_get(f->stages.memory, hc_memory_row_count(f->stages.memory)));
	CU_ASSERT_PTR_NULL(hc_memory_row_find(f->stages.memory, HC_ROW_NONE));
}

static bool run(test_process *f)
{
	if (!process_run(f, 1))
		return false;
	check_sum(f);
	return true;
}

static void check_row(const test_process *f, const char *id, uint64_t bytes, uint64_t count, unsigned line)
{
	const hc_memory_row *row = hc_memory_row_find(f->stages.memory, hc_row_called(id));

	if (row && row->bytes == bytes && row->count == count)
		return;
	printf("\n%s:%u: %s is %" PRIu64 " (%" PRIu64 "), should be %" PRIu64 " (%" PRIu64 ")\n", __FILE__, line, id,
		row ? row->bytes : 0, row ? row->count : 0, bytes, count);
	CU_assertImplementation(CU_FALSE, line, "a row", __FILE__, "", CU_FALSE);
}

static void check_note(const test_process *f, hc_row_id id, const char *part)
{
	g_autofree char *note = hc_word_row_note(hc_memory_row_find(f->stages.memory, id));

	UNIT_ASSERT_CONTAINS(note, part);
}

#define CHECK_ROW(f, id, bytes, count) check_row(f, id, bytes, count, __LINE__)

/*
 * By hand. Regions: the break, 0x6000, with 0x1000 foreign in it; a thread's heap, 0x5000; two mmapped chunks of 0x21000 and 0x10000.
 */
static void test_rows(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x6000);
	hc_address cache, block;

	cache = heap_add_cache(f.heap, 0, 0);			       /* 0x290, libc's */
	heap_keep(f.heap, heap_malloc(f.heap, 0, 104));		       /* 0x70 */
	heap_keep(f.heap, heap_malloc(f.heap, 0, 40));		       /* 0x30 */
	heap_malloc(f.heap, 0, 1000);				       /* 0x3f0, lost */
	heap_free_to_cache(f.heap, cache, heap_malloc(f.heap, 0, 56)); /* 0x40 */
	heap_free_to_fastbin(f.heap, heap_malloc(f.heap, 0, 120));     /* 0x80 */
	heap_keep(f.heap, heap_malloc(f.heap, 0, 24));		       /* 0x20 */
	block = heap_malloc(f.heap, 0, 500);			       /* 0x200 */
	heap_keep(f.heap, heap_malloc_until(f.heap, 0, 0x440));	       /* all but 0x440 */
	heap_free_to_bin(f.heap, block, HEAP_UNSORTED);
	heap_grow_main(f.heap, 0x1000, 0x2000, HEAP_UNSORTED); /* 0x420 freed, 0x20 of fenceposts, a top of 0x2000 */
	unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x5000); /* 0x8d0 in front of its chunks */

	heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, arena);
	heap_keep(f.heap, heap_malloc(f.heap, arena, 2000)); /* 0x7e0 */
	core_builder_add_memory(f.core, 0x7fffd0000000, 0x21000, RW);
	core_builder_add_memory(f.core, 0x7fffd8000000, 0x10000, RW);
	heap_keep(f.heap, heap_mmap(f.heap, 0x7fffd0000000, 0x21000, 0));
	heap_mmap(f.heap, 0x7fffd8000000, 0x10000, 0);			/* lost */
	core_builder_add_memory(f.core, 0x7fffa0000000, 0x7000, RW);	/* anonymous */
	core_builder_add_partly(f.core, 0x7fffa8000000, 0x8000, 0, RW); /* not dumped */
	core_builder_add_memory(f.core, 0x7fff90000000, 0x3000, PF_R);
	core_builder_add_file(f.core, 0x7fff90000000, 0x7fff90003000, 0, "/dev/shm/x");
	if (!run(&f))
		return;
	const uint64_t until = 0x3000 - 0x290 - 0x70 - 0x30 - 0x3f0 - 0x40 - 0x80 - 0x20 - 0x200 - 0x440;
	const uint64_t main_used = (0x70 - 8) + (0x30 - 8) + (0x3f0 - 8) + (0x20 - 8) + (until - 8);

	CHECK_ROW(&f, "in-use", main_used + 0x7e0 - 8, 6);
	CHECK_ROW(&f, "lost", 0x3f0 - 8, 1);
	CHECK_ROW(&f, "mmapped", 0x21000 - 16 + 0x10000 - 16, 2);
	CHECK_ROW(&f, "lost-mmapped", 0x10000 - 16, 1);
	CHECK_ROW(&f, "runtime", 0x290 - 8, 1);
	CHECK_ROW(&f, "free-tcache", 0x40, 1);
	CHECK_ROW(&f, "free-fastbins", 0x80, 1);
	CHECK_ROW(&f, "free-bins", 0x200 + 0x420, 2);
	CHECK_ROW(&f, "free-top", 0x2000 + (0x5000 - 0x8d0 - 0x7e0), 2);
	/* Seven headers in use, two mappings' double ones, fenceposts, the arenas' structures, mp_ (136 bytes). */
	CHECK_ROW(&f, "malloc-overhead", 7 * 8 + 2 * 16 + 0x20 + 0x8d0 + 2200 + 136, 0);
	CHECK_ROW(&f, "stacks", (0x2000 + 128) + (0x2000 + 128), 2);
	CHECK_ROW(&f, "stacks-unused", (0x2000 - 128) + (0x2000 - 128), 0);
	CHECK_ROW(&f, "data", 0x3000 - 2200 - 136, 0);
	CHECK_ROW(&f, "files", 0x1000, 1);
	CHECK_ROW(&f, "shared", 0x3000, 1);
	/* With the two pages of the main thread's control block. */
	CHECK_ROW(&f, "anonymous", 0x7000 + 0x2000, 2);
	CHECK_ROW(&f, "foreign-sbrk", 0x1000, 1);
	CHECK_ROW(&f, "reserved", (64 << 20) - 0x5000 + HEAP_GUARD_SIZE, 2);
	CHECK_ROW(&f, "not-dumped", 0x8000, 1);
	CU_ASSERT_TRUE(hc_memory_row_find(f.stages.memory, HC_ROW_IN_USE)->is_memory);
	CU_ASSERT_FALSE(hc_memory_row_find(f.stages.memory, HC_ROW_RESERVED)->is_memory);
	CU_ASSERT_FALSE(hc_memory_row_find(f.stages.memory, HC_ROW_STACKS_UNUSED)->is_memory);
	check_note(&f, HC_ROW_ANONYMOUS, "0x7fffa0000000");
	check_note(&f, HC_ROW_SHARED, "/dev/shm/x");
	CU_ASSERT_PTR_NULL(hc_memory_row_find(f.stages.memory, HC_ROW_FILES)->largest);
}

static void test_unreadable(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x3000);
	hc_address middle;

	for (unsigned i = 0; i < 10; i++)
		heap_malloc(f.heap, 0, 100);
	middle = heap_malloc(f.heap, 0, 200); /* 0xd0 */
	for (unsigned i = 0; i < 10; i++)
		heap_malloc(f.heap, 0, 100);
	core_builder_put_word(f.core, middle - 8, 0x1234567812345678);
	if (!run(&f))
		return;
	CHECK_ROW(&f, "heap-unreadable", 0xd0, 1);
	CHECK_ROW(&f, "in-use", 20 * 104, 20);
	CHECK_ROW(&f, "free-top", 0x3000 - 20 * 0x70 - 0xd0, 1);
}

/* A core that is cut in the middle of the heap still adds up, at every length. */
static void test_cut(void)
{
	for (unsigned cut = 0; cut < 12; cut++) {
		g_auto(test_process) f = process_start("2.36", 0x6000, 0x6000);

		for (unsigned i = 0; i < 50; i++)
			heap_malloc(f.heap, 0, 100 + 8 * i);
		heap_write_threads(f.heap);
		g_autoptr(GByteArray) image = core_builder_image(f.core);
		const core_segment *heap = NULL;

		for (unsigned i = 0; i < f.core->segments->len; i++)
			if (g_array_index(f.core->segments, core_segment, i).address == f.heap->break_start)
				heap = &g_array_index(f.core->segments, core_segment, i);
		f.core->truncate = heap->offset + cut * 0x7d8;
		if (!stages_run(&f.stages, f.core, 1))
			return;
		check_sum(&f);
	}
}

static void test_no_heap(void)
{
	g_auto(test_process) f = process_create("2.36");

	heap_add_thread(f.heap, 0, 0, 0, HEAP_NONE);
	if (!run(&f))
		return;
	CHECK_ROW(&f, "in-use", 0, 0);
	CHECK_ROW(&f, "free-top", 0, 0);
}

/* Any words anywhere in the heap: the table adds up all the same. */
static void test_random_damage(void)
{
	GRand *dice = g_rand_new_with_seed(7);

	for (unsigned round = 0; round < 40; round++) {
		g_auto(test_process) f = process_start("2.36", 0x6000, 0x6000);
		hc_address cache;

		cache = heap_add_cache(f.heap, 0, 0);
		unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x5000);

		for (unsigned i = 0; i < 40; i++) {
			hc_address block = heap_malloc(f.heap, i % 2 ? arena : 0, 24 + 8 * i);

			heap_malloc(f.heap, i % 2 ? arena : 0, 24);
			if (i % 5 == 0)
				heap_free_to_cache(f.heap, cache, block);
			else if (i % 5 == 1 && i < 10)
				heap_free_to_fastbin(f.heap, block);
			else if (i % 5 == 2)
				heap_free_to_bin(f.heap, block, HEAP_UNSORTED);
		}
		for (unsigned i = 0; i < 20; i++) {
			bool in_main = g_rand_boolean(dice);
			hc_address at = (in_main ? f.heap->break_start : 0x7fffe8000000) +
					8 * (hc_address)g_rand_int_range(dice, 0, (in_main ? 0x6000 : 0x5000) / 8);
			uint64_t value = g_rand_boolean(dice) ? g_rand_int(dice) :
								(uint64_t)g_rand_int(dice) << 32 | g_rand_int(dice);

			core_builder_put_word(f.core, at, g_rand_int_range(dice, 0, 4) ? value & 0xfff : value);
		}
		run(&f);
	}
	g_rand_free(dice);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "every row by hand", test_rows },
		{ "a heap that cannot be followed", test_unreadable },
		{ "a cut core", test_cut },
		{ "no heap", test_no_heap },
		{ "a heap with random damage", test_random_damage },
	};

	return unit_main("memory", cases, G_N_ELEMENTS(cases));
}
