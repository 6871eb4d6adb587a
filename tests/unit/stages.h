/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages of the pipeline, run on what the builders made, and comparing blocks with the builder's own list. */
#pragma once

#include "heap_builder.h"

#include "areas/areas.h"
#include "base/diagnostics.h"
#include "memory/memory.h"
#include "references/references.h"

typedef struct stage_results {
	hc_diagnostics *diagnostics;
	hc_core *core;
	hc_modules *modules;
	hc_blocks *blocks;
	hc_areas *areas;
	hc_references *references;
	hc_memory *memory;
} stage_results;

/* All stages, on JOBS threads. FALSE, and the test has failed, if one of them fails. Both are to be cleared. */
bool stages_run(stage_results *stages, core_builder *core, unsigned jobs);
/* Up to the blocks. */
bool stages_run_blocks(stage_results *stages, core_builder *core, unsigned jobs);
void stages_clear(stage_results *stages);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(stage_results, stages_clear)

/* Every block of the builder's, and no other, with address, sizes, state and arena. Says what differs. */
void stages_check_blocks(const stage_results *stages, heap_builder *heap, const char *file, unsigned line);
#define STAGES_CHECK_BLOCKS(stages, heap) stages_check_blocks(stages, heap, __FILE__, __LINE__)

/* The label of the block at ADDRESS; NULL if it has none, or there is no such block. */
const char *stages_label(const stage_results *stages, hc_address address);
