/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An analysis that was never run: the accessors of <heapcore/...> over plain tables that a test fills. For tests of
 * what only reads analyses (reports, diff). A program that links it gets none of the real stages.
 */
#pragma once

#include <heapcore/heapcore.h>

enum {
	FAKE_LIMIT = 64
};

struct hc_core {
	const char *path;
	uint64_t size;
	hc_process process;
	unsigned thread_count, mapping_count;
	hc_thread threads[FAKE_LIMIT];
	hc_mapping mappings[FAKE_LIMIT];
};

struct hc_modules {
	unsigned count;
	hc_module list[FAKE_LIMIT];
	const char *debug_files[FAKE_LIMIT];
	unsigned frame_count; /* of thread 0; the others have none */
	hc_frame frames[FAKE_LIMIT];
};

struct hc_blocks {
	hc_heap_info heap;
	unsigned arena_count;
	hc_arena arenas[FAKE_LIMIT];
	uint32_t count;
	hc_block *list; /* sorted by address, numbered; owned by the test */
	hc_free_pages pages;
};

struct hc_areas {
	unsigned count;
	hc_area list[FAKE_LIMIT];
};

struct hc_references {
	const hc_blocks *blocks;
	hc_references_totals totals;
	hc_reach *reach; /* by block number; NULL: all HC_REACH_NONE */
	unsigned reference_count;
	hc_reference references[FAKE_LIMIT]; /* to any block */
	unsigned root_count;
	hc_root roots[FAKE_LIMIT];
	unsigned path_length; /* of the only path to any block; 0: there is none */
	hc_path_start path_start;
};

struct hc_memory {
	unsigned count;
	hc_memory_row rows[FAKE_LIMIT];
};

struct hc_findings {
	unsigned count;
	hc_finding list[FAKE_LIMIT];
};

struct hc_analysis {
	hc_core core;
	hc_modules modules;
	hc_blocks blocks;
	hc_areas areas;
	hc_references references;
	hc_memory memory;
	hc_findings findings;
	hc_diagnostics *diagnostics;
};

/* A small process with a bit of everything. Free with fake_destroy(). */
hc_analysis *fake_create(void);
void fake_destroy(hc_analysis *fake);
