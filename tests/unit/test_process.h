/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process as most tests of the stages want it: a core, a glibc heap in it, and what the library
 * says of both.
 *
 *	g_auto(test_process) process = process_start("2.36", 0x3000, 0x3000);
 *	hc_address block = heap_malloc(process.heap, 0, 100);
 *	heap_keep(process.heap, block);
 *	if (!process_run(&process, 1))
 *		return;
 *	... process.stages.blocks, process.stages.memory ...
 */
#pragma once

#include "heap_builder.h"
#include "leaks/leaks.h"
#include "pins/pins.h"
#include "stages.h"

typedef struct test_process {
	core_builder *core;
	heap_builder *heap;
	stage_results stages;
	/* What a test makes of the stages; destroyed with them. */
	hc_leaks *leaks;
	hc_pins *pins;
} test_process;

/* With libc of that release (heap_releases[]), and nothing else. */
test_process process_create(const char *release);

/*
 * And a main thread, and a main arena of SIZE bytes at the beginning of a program break of CAPACITY
 * bytes.
 */
test_process process_start(const char *release, uint64_t size, uint64_t capacity);
void process_stop(test_process *process);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(test_process, process_stop)

/*
 * Writes the notes of the threads, and runs the stages up to the memory table, or up to the blocks:
 * see stages_run().
 */
bool process_run(test_process *process, unsigned jobs);
bool process_run_blocks(test_process *process, unsigned jobs);

/*
 * Every block of the builder's, and no other, must be found, with address, sizes, state and arena.
 * Says what differs.
 */
void process_check_blocks(const stage_results *stages, heap_builder *heap, const char *file, unsigned line);
#define STAGES_CHECK_BLOCKS(stages, heap) process_check_blocks(stages, heap, __FILE__, __LINE__)
