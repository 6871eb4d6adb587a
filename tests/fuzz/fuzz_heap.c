/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A heap of glibc's whose words the input changes: allocators/, blocks/, areas/, references/, memory/, leaks/, pins/, duplicates/, and
 * check/, which says what is wrong with it. What the tables promise of a sound heap they promise of any.
 *
 *	byte 0		which heap: see `heaps`; from REAL on that of a real core of i386, which tests/fuzz/make-corpus made
 *	then		changes, as patched.h has them, of the ranges in the order of add_ranges()
 */
#include "patched.h"
#include "process.h"
#include "../unit/test_process.h"

#include <heapcore/pins.h>

enum {
	MAIN_SIZE = 0x3000,
	HEAP_SIZE = 0x1000,
	MAPPED_SIZE = 0x2000,
	REAL = 0xf0
};

static const hc_address first_heap = 0x7fffe8000000, second_heap = 0x7fffec000000, mapped = 0x7fffd0000000,
			thread_stack = 0x7fffb0000000;

static const struct {
	const char *release;
	unsigned machine;
} heaps[] = {
	{ "2.36", EM_X86_64 },
	{ "2.31", EM_X86_64 },
	{ "2.43", EM_X86_64 },
	{ "2.17", EM_X86_64 },
	{ "2.27", EM_X86_64 },
	{ "2.36", EM_AARCH64 },
};

/* ---- the heap ---- */

static void fill_main_arena(heap_builder *heap)
{
	hc_address cache = heap->release.tcache_bins == HEAP_NONE ? 0 : heap_add_cache(heap, 0, 0);
	hc_address blocks[12];

	for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++) {
		blocks[i] = heap_malloc_apart(heap, 0, 24 + i % 3 * 40);
		core_builder_put_word(heap->core, blocks[i], i ? blocks[i - 1] : 0);
	}
	heap_keep(heap, blocks[11]);
	heap_free_to_bin(heap, heap_malloc_apart(heap, 0, 2040), 80);
	heap_free_to_bin(heap, heap_malloc_apart(heap, 0, 2000), 79);
	heap_free_to_bin(heap, heap_malloc_apart(heap, 0, 200), HEAP_UNSORTED);
	heap_free_to_bin(heap, heap_malloc_apart(heap, 0, 136), 9);
	for (unsigned i = 0; i < 3; i++) {
		hc_address block = heap_malloc(heap, 0, 40);

		if (cache)
			heap_free_to_cache(heap, cache, block);
		if (heap->release.fastbins != HEAP_NONE)
			heap_free_to_fastbin(heap, heap_malloc(heap, 0, 56));
	}
}

/* Two that say the same, two that lead to each other, and one that leads to a module. */
static void add_lost(heap_builder *heap)
{
	hc_address blocks[5];

	for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++)
		blocks[i] = heap_malloc_apart(heap, 0, 88);
	core_builder_put_bytes(heap->core, blocks[0], "ORDER/1 of many", 16);
	core_builder_put_bytes(heap->core, blocks[1], "ORDER/2 of many", 16);
	core_builder_put_word(heap->core, blocks[2] + 8, blocks[3]);
	core_builder_put_word(heap->core, blocks[3] + 16, blocks[2]);
	core_builder_put_word(heap->core, blocks[4], heap->data + 0x100);
}

static core_builder *build(unsigned number, heap_builder **ret_heap)
{
	test_process process = process_start(heaps[number].release, MAIN_SIZE, MAIN_SIZE);
	heap_builder *heap = process.heap;
	unsigned arena;

	process.core->machine = heaps[number].machine;
	fill_main_arena(heap);
	add_lost(heap);
	arena = heap_add_arena(heap, first_heap, HEAP_SIZE);
	heap_add_thread(heap, thread_stack, 0x2000, HEAP_GUARD_SIZE, (int)arena);
	heap_keep(heap, heap_malloc(heap, arena, 500));
	heap_malloc(heap, arena, 700);
	heap_grow_arena(heap, arena, second_heap, HEAP_SIZE, HEAP_UNSORTED);
	core_builder_add_memory(heap->core, mapped, MAPPED_SIZE, PF_R | PF_W);
	heap_keep(heap, heap_mmap(heap, mapped, MAPPED_SIZE, 0));
	heap_write_threads(heap);
	*ret_heap = heap;
	return process.core;
}

static void add_ranges(patched_core *core, const heap_builder *heap)
{
	const core_builder *builder = heap->core;
	const heap_thread *thread = heap_thread_at(heap, 0);

	patched_core_add_range(core, builder, heap->break_start, MAIN_SIZE);
	patched_core_add_range(core, builder, heap->main_arena & ~UINT64_C(7), (uint64_t)heap->release.arena_size);
	patched_core_add_range(core, builder, heap->parameters & ~UINT64_C(7), (uint64_t)heap->release.parameters_size);
	patched_core_add_range(core, builder, first_heap, HEAP_SIZE);
	patched_core_add_range(core, builder, second_heap, HEAP_SIZE);
	patched_core_add_range(core, builder, mapped, 64);
	patched_core_add_range(core, builder, thread->pointer - 256, 512);
	patched_core_add_range(core, builder, heap->break_start, 0x300); /* the cache */
}

static patched_core *get_core(unsigned number)
{
	static patched_core *cores[G_N_ELEMENTS(heaps)];

	if (!cores[number]) {
		heap_builder *heap;
		core_builder *builder = build(number, &heap);

		core_builder_path(builder);
		cores[number] = patched_core_create(builder);
		add_ranges(cores[number], heap);
		heap_builder_destroy(heap);
	}
	return cores[number];
}

static patched_core *get_real_core(void)
{
	static patched_core *core;

	if (!core)
		core = patched_core_open("tests/fuzz/heap-i386.core.zst");
	return core;
}

/* ---- what holds of any heap ---- */

static void check_blocks(const hc_blocks *blocks)
{
	hc_address end = 0;
	hc_block block, found;

	for (uint32_t i = 0; hc_blocks_get(blocks, i, &block); i++) {
		fuzz_expect(!i || block.address >= end, "blocks overlap at %#lx", (unsigned long)block.address);
		end = block.address + block.size;
		fuzz_expect(end >= block.address, "a block wraps around");
		if (block.size)
			fuzz_expect(hc_blocks_find(blocks, block.address, &found) && found.address == block.address,
				"the block at %#lx is not found", (unsigned long)block.address);
	}
}

static void check_memory(const hc_memory *memory)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);

		if (!row->of)
			sum += row->bytes;
	}
	fuzz_expect(sum == hc_memory_total(memory), "the rows do not add up to the total");
}

static void check_leaks(const hc_analysis *analysis)
{
	g_autoptr(hc_leaks) leaks = hc_analysis_find_leaks(analysis, NULL, NULL);
	const hc_leaks_view view = { .addresses = true };

	fuzz_expect(leaks != NULL, "no leaks");
	fuzz_expect(hc_report_leaks(analysis, leaks, &view, &fuzz_report_text, NULL), "no report of leaks");
}

static void check_damage(const hc_analysis *analysis, bool is_sound)
{
	g_autoptr(hc_check) check = hc_analysis_check(analysis);
	const hc_check_view view = { 0 };

	if (is_sound)
		fuzz_expect(hc_blocks_heap(hc_analysis_blocks(analysis))->found &&
				    hc_check_get_totals(check)->chunks > 30 && !hc_check_count(check),
			"a sound heap is not read, or damaged");
	fuzz_expect(hc_report_check(analysis, check, &view, &fuzz_report_text, NULL), "no report of damage");
	fuzz_expect(hc_report_check(analysis, check, &view, &fuzz_report_json, NULL), "no report of damage");
}

static void check_reports(const hc_analysis *analysis)
{
	const hc_chunks_filter all = HC_CHUNKS_FILTER_INIT;

	hc_report_arenas(analysis, &fuzz_report_text, NULL);
	hc_report_mappings(analysis, &fuzz_report_text, NULL);
	hc_report_threads(analysis, &fuzz_report_text, NULL);
	hc_report_roots(analysis, &fuzz_report_text, NULL);
	hc_report_pins(analysis, 0, &fuzz_report_text, NULL);
	hc_report_chunks(analysis, &all, &fuzz_report_json, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const hc_analysis_options options = {
		.sysroot = "/nonexistent", .until = HC_STAGE_MEMORY, .jobs = 1, .no_types = true
	};
	fuzz_input input = { data, size };
	unsigned number = (unsigned)fuzz_number(&input, 1);
	patched_core *core = number >= REAL ? get_real_core() : get_core(number % G_N_ELEMENTS(heaps));
	hc_analysis *analysis;

	bool is_sound = !input.left;

	patched_core_change(core, &input);
	analysis = hc_analysis_run(core->path, &options, NULL);
	fuzz_expect(analysis != NULL, "no analysis");
	check_blocks(hc_analysis_blocks(analysis));
	check_memory(hc_analysis_memory(analysis));
	check_leaks(analysis);
	check_damage(analysis, is_sound);
	check_reports(analysis);
	hc_analysis_destroy(analysis);
	patched_core_restore(core);
	return 0;
}
