/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stages.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

bool stages_run_blocks(stage_results *stages, core_builder *core, unsigned jobs)
{
	static const hc_modules_options options = { .sysroot = "/nonexistent" };
	g_autoptr(GError) error = NULL;

	stages->diagnostics = hc_diagnostics_create();
	stages->core = core_builder_open(core, stages->diagnostics, &error);
	if (stages->core)
		stages->modules = hc_modules_open(stages->core, &options, stages->diagnostics, &error);
	if (stages->modules)
		stages->blocks = hc_blocks_create(stages->core, stages->modules, jobs, stages->diagnostics, &error);
	if (error) {
		printf("\n%s\n", error->message);
		CU_FAIL("a stage failed");
	}
	return stages->blocks;
}

bool stages_run(stage_results *stages, core_builder *core, unsigned jobs)
{
	g_autoptr(GError) error = NULL;

	if (!stages_run_blocks(stages, core, jobs))
		return false;
	stages->areas = hc_areas_create(stages->core, stages->modules, stages->blocks, stages->diagnostics);
	stages->references =
		hc_references_create(stages->core, stages->blocks, stages->areas, true, jobs, stages->diagnostics, &error);
	if (!stages->references) {
		CU_FAIL("references failed");
		return false;
	}
	stages->memory =
		hc_memory_create(stages->core, stages->blocks, stages->areas, stages->references, stages->diagnostics);
	return true;
}

void stages_clear(stage_results *stages)
{
	hc_memory_destroy(stages->memory);
	hc_references_destroy(stages->references);
	hc_areas_destroy(stages->areas);
	hc_blocks_destroy(stages->blocks);
	hc_modules_close(stages->modules);
	hc_core_close(stages->core);
	hc_diagnostics_destroy(stages->diagnostics);
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

void stages_check_blocks(const stage_results *stages, heap_builder *heap, const char *file, unsigned line)
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

const char *stages_label(const stage_results *stages, hc_address address)
{
	hc_block block;

	return hc_blocks_find(stages->blocks, address, &block) && block.address == address ? block.label : NULL;
}
