/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test_process.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

test_process process_create(const char *release)
{
	test_process process = { .core = core_builder_create(8, false) };

	process.heap = heap_builder_create(process.core, heap_release_find(release));
	return process;
}

test_process process_start(const char *release, uint64_t size, uint64_t capacity)
{
	test_process process = process_create(release);

	heap_add_thread(process.heap, 0, 0, 0, 0);
	heap_start_main(process.heap, 0, size, capacity);
	return process;
}

void process_stop(test_process *process)
{
	hc_pins_destroy(process->pins);
	hc_leaks_destroy(process->leaks);
	stages_clear(&process->stages);
	heap_builder_destroy(process->heap);
	core_builder_destroy(process->core);
}

bool process_run(test_process *process, unsigned jobs)
{
	heap_write_threads(process->heap);
	return stages_run(&process->stages, process->core, jobs);
}

bool process_run_blocks(test_process *process, unsigned jobs)
{
	heap_write_threads(process->heap);
	return stages_run_blocks(&process->stages, process->core, jobs);
}

static void print_block(
	const char *whose, hc_address address, uint64_t size, uint64_t chunk_size, hc_block_state state, uint32_t arena)
{
	printf("  %s: %#" PRIx64 ", %#" PRIx64 " usable, chunk %#" PRIx64 ", %s, arena %" PRId32 "\n", whose, address,
		size, chunk_size, hc_block_state_name(state), (int32_t)arena);
}

static void fail(const char *what, const char *file, unsigned line)
{
	CU_assertImplementation(CU_FALSE, line, what, file, "", CU_FALSE);
}

void process_check_blocks(const stage_results *stages, heap_builder *heap, const char *file, unsigned line)
{
	hc_block_iterator iterator;
	hc_block block;
	uint32_t number = 0;

	heap_sort_blocks(heap);
	hc_block_iterator_init(&iterator, stages->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		const heap_block *expected =
			number < heap->blocks->len ? &g_array_index(heap->blocks, heap_block, number) : NULL;
		uint32_t arena = expected ? heap_arena_index(heap, expected->arena) : 0;

		if (expected && block.address == expected->address && block.size == expected->size &&
			block.chunk_size == expected->chunk_size && block.state == expected->state &&
			block.arena == arena && block.number == number) {
			number++;
			continue;
		}
		printf("\n%s:%u: block %" PRIu32 " differs\n", file, line, number);
		print_block("is       ", block.address, block.size, block.chunk_size, block.state, block.arena);
		if (expected)
			print_block("should be", expected->address, expected->size, expected->chunk_size,
				expected->state, arena);
		fail("blocks are the builder's", file, line);
		return;
	}
	if (number != heap->blocks->len) {
		printf("\n%s:%u: %" PRIu32 " blocks of %u\n", file, line, number, heap->blocks->len);
		fail("all blocks are found", file, line);
	}
}
