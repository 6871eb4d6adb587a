/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* areas/: every byte of the address space in exactly one area, and what it is. */
#include "test_process.h"
#include "unit.h"
#include "wording/wording.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	RW = PF_R | PF_W,
	RED_ZONE = 128
};

static test_process start(void)
{
	test_process f = process_start("2.36", 0x3000, 0x3000);

	heap_malloc(f.heap, 0, 100);
	return f;
}

/* Each mapping is cut into areas without a gap; kinds and totals add up. */
static void check_cover(const test_process *f)
{
	const hc_areas *areas = f->stages.areas;
	uint64_t mapped = 0, kinds[HC_AREA_KIND_COUNT] = { 0 };
	unsigned next = 0;

	for (unsigned i = 0; i < hc_core_mapping_count(f->stages.core); i++) {
		const hc_mapping *mapping = hc_core_mapping(f->stages.core, i);
		hc_address at = mapping->start;

		mapped += mapping->end - mapping->start;
		while (at < mapping->end) {
			const hc_area *area = hc_areas_get(areas, next++);

			if (!area || area->start != at || area->end <= at || area->end > mapping->end ||
				area->mapping != mapping) {
				printf("\nno area, or a wrong one, at %#" PRIx64 "\n", at);
				CU_FAIL("the areas cover all mappings");
				return;
			}
			kinds[area->kind] += area->end - area->start;
			CU_ASSERT_PTR_EQUAL(hc_areas_find(areas, area->start), area);
			CU_ASSERT_PTR_EQUAL(hc_areas_find(areas, area->end - 1), area);
			at = area->end;
		}
	}
	CU_ASSERT_EQUAL(next, hc_areas_count(areas));
	CU_ASSERT_PTR_NULL(hc_areas_get(areas, next));
	CU_ASSERT_EQUAL(hc_areas_total(areas), mapped);
	for (unsigned kind = 0; kind < HC_AREA_KIND_COUNT; kind++)
		CU_ASSERT_EQUAL(hc_areas_bytes(areas, kind), kinds[kind]);
}

static bool run(test_process *f)
{
	if (!process_run(f, 1))
		return false;
	check_cover(f);
	return true;
}

/* [from, to) is of one kind; it may be more than one area. */
static void check_kind(const test_process *f, hc_address from, hc_address to, hc_area_kind kind, unsigned line)
{
	for (hc_address at = from; at < to;) {
		const hc_area *area = hc_areas_find(f->stages.areas, at);

		if (!area || area->kind != kind) {
			printf("\n%s:%u: at %#" PRIx64 " is %s, should be %s\n", __FILE__, line, at,
				area ? hc_area_kind_name(area->kind) : "nothing", hc_area_kind_name(kind));
			CU_assertImplementation(CU_FALSE, line, "the kind of area", __FILE__, "", CU_FALSE);
			return;
		}
		at = area->end;
	}
}
#define CHECK_KIND(f, from, to, kind) check_kind(f, from, to, kind, __LINE__)

/* And not more: what lies around it is something else. */
#define CHECK_EXACTLY(f, from, to, what) \
	do { \
		const hc_area *before_ = hc_areas_find((f)->stages.areas, (from)-1), \
			      *behind_ = hc_areas_find((f)->stages.areas, to); \
\
		check_kind(f, from, to, what, __LINE__); \
		CU_ASSERT_TRUE(!before_ || before_->kind != (what)); \
		CU_ASSERT_TRUE(!behind_ || behind_->kind != (what)); \
	} while (0)

static void test_plain(void)
{
	g_auto(test_process) f = start();
	const hc_address file = 0x7ffff7000000;

	core_builder_add_memory(f.core, file, 0x1000, PF_R | PF_X);
	core_builder_add_file(f.core, file, file + 0x1000, 0x3000, "/opt/data");
	core_builder_add_memory(f.core, file + 0x10000, 0x1000, RW);
	core_builder_add_file(f.core, file + 0x10000, file + 0x11000, 0, "/var/lib/writable");
	core_builder_add_memory(f.core, file + 0x20000, 0x2000, RW);
	core_builder_add_file(f.core, file + 0x20000, file + 0x22000, 0, "/dev/shm/shared");
	core_builder_add_partly(f.core, file + 0x30000, 0x2000, 0, RW);
	core_builder_add_file(f.core, file + 0x30000, file + 0x32000, 0, "/memfd:buffer (deleted)");
	core_builder_add_memory(f.core, file + 0x40000, 0x3000, RW);
	core_builder_add_partly(f.core, file + 0x50000, 0x4000, 0, RW);
	core_builder_add_partly(f.core, file + 0x60000, 0x5000, 0, 0);
	core_builder_add_zeros(f.core, file + 0x70000, 0x6000, PF_R);
	core_builder_add_memory(f.core, file + 0x80000, 0x1000, PF_R);
	core_builder_put_word(f.core, file + 0x80ff8, 1);
	core_builder_add_file(f.core, file + 0x90000, file + 0x92000, 0, "/lib/left-out"); /* as gdb leaves text out */
	core_builder_add_memory(f.core, 0xffffffffff600000, 0x1000, PF_X);
	if (!run(&f))
		return;
	CHECK_EXACTLY(&f, file, file + 0x1000, HC_AREA_FILE);
	CHECK_EXACTLY(&f, file + 0x10000, file + 0x11000, HC_AREA_FILE);
	CHECK_EXACTLY(&f, file + 0x20000, file + 0x22000, HC_AREA_SHARED);
	CHECK_EXACTLY(&f, file + 0x30000, file + 0x32000, HC_AREA_SHARED);
	CHECK_EXACTLY(&f, file + 0x40000, file + 0x43000, HC_AREA_ANONYMOUS);
	CHECK_EXACTLY(&f, file + 0x50000, file + 0x54000, HC_AREA_NOT_DUMPED);
	CHECK_EXACTLY(&f, file + 0x60000, file + 0x65000, HC_AREA_RESERVED);
	CHECK_EXACTLY(&f, file + 0x70000, file + 0x76000, HC_AREA_RESERVED);  /* as gdb writes it */
	CHECK_EXACTLY(&f, file + 0x80000, file + 0x81000, HC_AREA_ANONYMOUS); /* was written before it was protected */
	CHECK_EXACTLY(&f, file + 0x90000, file + 0x92000, HC_AREA_FILE);
	CHECK_EXACTLY(&f, 0xffffffffff600000, 0xffffffffff601000, HC_AREA_KERNEL);
	CHECK_EXACTLY(&f, f.heap->break_start, f.heap->break_end, HC_AREA_HEAP);
	CHECK_KIND(&f, f.heap->libc, f.heap->libc + 0x1000, HC_AREA_FILE);
	CHECK_EXACTLY(&f, f.heap->main_arena, f.heap->main_arena + 2200, HC_AREA_MALLOC_STATE);
	CHECK_EXACTLY(&f, f.heap->parameters, f.heap->parameters + 136, HC_AREA_MALLOC_STATE);
	CHECK_KIND(&f, f.heap->data, f.heap->parameters, HC_AREA_MODULE_DATA);
	CHECK_KIND(&f, f.heap->main_arena + 2200, f.heap->data_end, HC_AREA_MODULE_DATA);
	CU_ASSERT_PTR_NULL(hc_areas_find(f.stages.areas, file + 0x1000));
	CU_ASSERT_PTR_NULL(hc_areas_find(f.stages.areas, 0));
}

static void test_truncated(void)
{
	g_auto(test_process) f = start();
	const hc_address late = 0x7ffffff00000; /* behind everything, so it is last in the file too */

	core_builder_add_memory(f.core, late, 0x4000, RW);
	heap_write_threads(f.heap);
	g_autoptr(GByteArray) image = core_builder_image(f.core);

	f.core->truncate = image->len - 0x3000;
	if (!stages_run(&f.stages, f.core, 1))
		return;
	check_cover(&f);
	CHECK_EXACTLY(&f, late, late + 0x1000, HC_AREA_ANONYMOUS);
	CHECK_EXACTLY(&f, late + 0x1000, late + 0x4000, HC_AREA_TRUNCATED);
}

/* ---- stacks ---- */

static void check_stack(const test_process *f, unsigned index)
{
	const heap_thread *thread = heap_thread_at(f->heap, index);
	const hc_area *area = hc_areas_find(f->stages.areas, thread->stack_pointer);

	CHECK_KIND(f, thread->stack, thread->stack_pointer - RED_ZONE, HC_AREA_STACK_UNUSED);
	CHECK_KIND(f, thread->stack_pointer - RED_ZONE, thread->stack_end, HC_AREA_STACK);
	CU_ASSERT_TRUE(area && area->owner == index);
}

static void test_stacks(void)
{
	g_auto(test_process) f = start();
	const hc_address base = 0x7fffb0000000;

	heap_add_thread(f.heap, base, 0x4000, HEAP_GUARD_SIZE, 0);
	heap_add_thread(f.heap, base + 0x100000, 0x8000, HEAP_GUARD_SIZE, 0);
	if (!run(&f))
		return;
	for (unsigned i = 0; i < 3; i++)
		check_stack(&f, i);
	CHECK_EXACTLY(&f, base, base + HEAP_GUARD_SIZE, HC_AREA_RESERVED);
	/* The main thread's control block is not on its stack. */
	CHECK_KIND(&f, heap_thread_at(f.heap, 0)->pointer, heap_thread_at(f.heap, 0)->pointer + 8, HC_AREA_ANONYMOUS);
}

/* Guards that are no mappings of their own, and stacks side by side: only the descriptors tell where they end. */
static void test_stacks_side_by_side(void)
{
	g_auto(test_process) f = start();

	for (unsigned i = 0; i < 3; i++)
		heap_add_thread(f.heap, 0x7fffb0000000 + i * 0x8000, 0x8000, 0, 0);
	if (!run(&f))
		return;
	for (unsigned i = 1; i < 4; i++)
		check_stack(&f, i);
}

/* The stack of a thread that has ended, and that libc keeps: all of it is unused. */
static void test_dead_stack(void)
{
	g_auto(test_process) f = start();
	unsigned live = heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, 0), dead;

	dead = heap_add_thread(f.heap, 0x7fffb8000000, 0x4000, HEAP_GUARD_SIZE, 0);
	heap_thread ended = *heap_thread_at(f.heap, dead);

	g_array_set_size(f.heap->threads, 2);
	if (!run(&f))
		return;
	check_stack(&f, live);
	CHECK_EXACTLY(&f, ended.stack, ended.stack_end, HC_AREA_STACK_UNUSED);
	CHECK_EXACTLY(&f, ended.stack - HEAP_GUARD_SIZE, ended.stack, HC_AREA_RESERVED);
}

/* Without any registers nobody is known to be dead. */
static void test_no_threads(void)
{
	g_auto(test_process) f = start();

	heap_add_thread(f.heap, 0x7fffb8000000, 0x4000, HEAP_GUARD_SIZE, 0);
	heap_thread thread = *heap_thread_at(f.heap, 1);

	g_array_set_size(f.heap->threads, 0);
	if (!run(&f))
		return;
	CU_ASSERT_EQUAL(hc_areas_bytes(f.stages.areas, HC_AREA_STACK_UNUSED), 0);
	CHECK_KIND(&f, thread.stack, thread.stack_end, HC_AREA_ANONYMOUS);
}

/* A coroutine's stack, an alternate signal stack: memory that keeps its kind, and of which nothing is unused. */
static void test_foreign_stack(void)
{
	g_auto(test_process) f = start();
	const hc_address own = 0x7fffc0000000;
	heap_thread *thread;

	core_builder_add_memory(f.core, own, 0x10000, RW);
	heap_add_thread(f.heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, 0);
	thread = heap_thread_at(f.heap, 1);
	thread->stack_pointer = own + 0x8000;
	heap_thread_at(f.heap, 0)->stack_pointer = f.heap->break_start + 0x200; /* in a block of malloc's */
	if (!run(&f))
		return;
	CHECK_EXACTLY(&f, own, own + 0x10000, HC_AREA_ANONYMOUS);
	CHECK_EXACTLY(&f, f.heap->break_start, f.heap->break_end, HC_AREA_HEAP);
}

/* A descriptor that claims a stack with an mmapped block in it: the heap has precedence. */
static void test_overlapping_claims(void)
{
	g_auto(test_process) f = start();
	const hc_address base = 0x7fffb0000000;
	unsigned index = heap_add_thread(f.heap, base, 0x60000, 0, 0);

	heap_mmap(f.heap, base + 0x40000, 0x10000, 0);
	if (!run(&f))
		return;
	const heap_thread *thread = heap_thread_at(f.heap, index); /* its stack pointer is in the middle, at 0x30000 */

	CHECK_EXACTLY(&f, base, thread->stack_pointer - RED_ZONE, HC_AREA_STACK_UNUSED);
	CHECK_EXACTLY(&f, thread->stack_pointer - RED_ZONE, base + 0x40000, HC_AREA_STACK);
	CHECK_EXACTLY(&f, base + 0x40000, base + 0x50000, HC_AREA_MMAPPED);
	CHECK_EXACTLY(&f, base + 0x50000, base + 0x60000, HC_AREA_STACK);
}

/* ---- heaps ---- */

static void check_heap_tail(bool like_gdb)
{
	g_auto(test_process) f = start();
	const hc_address base = 0x7fffe8000000, end = base + (64 << 20);

	f.heap->like_gdb = like_gdb;
	unsigned arena = heap_add_arena(f.heap, base, 0x5000);

	heap_malloc(f.heap, arena, 100);
	if (!run(&f))
		return;
	CHECK_EXACTLY(&f, base, base + 0x5000, HC_AREA_HEAP);
	CHECK_EXACTLY(&f, base + 0x5000, end, HC_AREA_RESERVED);
}

static void test_heap_tails(void)
{
	check_heap_tail(false);
	check_heap_tail(true);
}

static void test_foreign_in_break(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x9000);

	heap_malloc_until(f.heap, 0, 0x400);
	heap_grow_main(f.heap, 0x2000, 0x3000, HEAP_UNSORTED);
	hc_address first = f.heap->break_start;

	if (!run(&f))
		return;
	CHECK_EXACTLY(&f, first, first + 0x3000, HC_AREA_HEAP);
	CHECK_EXACTLY(&f, first + 0x3000, first + 0x5000, HC_AREA_FOREIGN_SBRK);
	CHECK_EXACTLY(&f, first + 0x5000, first + 0x8000, HC_AREA_HEAP);
	CHECK_EXACTLY(&f, first + 0x8000, first + 0x9000,
		HC_AREA_ANONYMOUS); /* behind the top: not between malloc's chunks */
}

static void test_unreadable(void)
{
	g_auto(test_process) f = start();
	hc_address block = 0;

	for (unsigned i = 0; i < 20; i++)
		block = i == 5 ? heap_malloc(f.heap, 0, 100) : (heap_malloc(f.heap, 0, 100), block);
	core_builder_put_word(f.core, block - 8, 0x4242424242424242);
	if (!run(&f))
		return;
	CHECK_EXACTLY(&f, block - 16, block - 16 + 112, HC_AREA_HEAP_UNREADABLE);
	CHECK_KIND(&f, f.heap->break_start, block - 16, HC_AREA_HEAP);
	CHECK_KIND(&f, block - 16 + 112, f.heap->break_end, HC_AREA_HEAP);
}

/* ---- the kernel's ---- */

/* The kernel dumps the vdso, and of vvar nothing; newer ones have vvar in two pieces. */
static void test_vdso(void)
{
	g_auto(test_process) f = start();
	const hc_address vdso = 0x7ffff7fc4000;

	core_builder_add_partly(f.core, vdso - 0x5000, 0x4000, 0, PF_R);
	core_builder_add_partly(f.core, vdso - 0x1000, 0x1000, 0, PF_R);
	core_builder_add_memory(f.core, vdso, 0x2000, PF_R | PF_X);
	core_builder_add_partly(f.core, vdso - 0x9000, 0x1000, 0, PF_R); /* not side by side with it */
	core_builder_add_auxiliary(f.core, AT_SYSINFO_EHDR, vdso);
	if (!run(&f))
		return;
	CHECK_EXACTLY(&f, vdso - 0x5000, vdso + 0x2000, HC_AREA_KERNEL);
	CHECK_EXACTLY(&f, vdso - 0x9000, vdso - 0x8000, HC_AREA_NOT_DUMPED);
}

/* ---- whose anonymous memory is it? ---- */

static void test_owner(void)
{
	g_auto(test_process) f = start();
	const hc_address large = 0x7fffc0000000, small = 0x7fffc8000000, nobodys = 0x7fffd0000000;

	core_builder_add_memory(f.core, large, 0x20000, RW);
	core_builder_add_memory(f.core, small, 0x1000, RW);
	core_builder_add_memory(f.core, nobodys, 0x20000, RW);
	heap_keep(f.heap, large + 0x100);
	heap_keep(f.heap, small + 0x100);
	if (!run(&f))
		return;
	const hc_area *area = hc_areas_find(f.stages.areas, large);
	g_autofree char *words = hc_word_area(area), *no_words = hc_word_area(hc_areas_find(f.stages.areas, small));

	CU_ASSERT_EQUAL(area->user, HC_AREA_USER_MODULE);
	UNIT_ASSERT_TEXT(area->user_name, "libc.so.6");
	CU_ASSERT_EQUAL(area->user_words, 1);
	UNIT_ASSERT_TEXT(words, "the data of libc.so.6 points to it (1 word)");
	/* Too small to be asked for, and pointed to by nobody. */
	CU_ASSERT_EQUAL(hc_areas_find(f.stages.areas, small)->user, HC_AREA_USER_UNKNOWN);
	CU_ASSERT_PTR_NULL(no_words);
	CU_ASSERT_NOT_EQUAL(hc_areas_find(f.stages.areas, nobodys)->user, HC_AREA_USER_MODULE);
}

static void test_names(void)
{
	for (unsigned i = 0; i < HC_AREA_KIND_COUNT; i++) {
		CU_ASSERT_TRUE(hc_area_kind_name(i) && *hc_area_kind_name(i));
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(hc_area_kind_name(i), hc_area_kind_name(k));
	}
}

int main(void)
{
	static const unit_case cases[] = {
		{ "one of each kind", test_plain },
		{ "cut off", test_truncated },
		{ "stacks", test_stacks },
		{ "stacks side by side", test_stacks_side_by_side },
		{ "the stack of a dead thread", test_dead_stack },
		{ "no threads", test_no_threads },
		{ "a stack pointer elsewhere", test_foreign_stack },
		{ "claims that overlap", test_overlapping_claims },
		{ "tails of heaps, as the kernel and gdb write them", test_heap_tails },
		{ "somebody else's memory in the program break", test_foreign_in_break },
		{ "a heap that cannot be followed", test_unreadable },
		{ "vdso and vvar", test_vdso },
		{ "owners of anonymous memory", test_owner },
		{ "names of kinds", test_names },
	};

	return unit_main("areas", cases, G_N_ELEMENTS(cases));
}
