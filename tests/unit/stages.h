/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library says of a core that was built in memory: hc_analysis_run(), and the tables of
 * its stages.
 */
#pragma once

#include "heap_builder.h"

#include "areas/areas.h"
#include "base/diagnostics.h"
#include "memory/memory.h"
#include "references/references.h"

#include <heapcore/analysis.h>

/* All of it is the analysis'. What stands in tables of stages that did not run is NULL. */
typedef struct stage_results {
	hc_analysis *analysis;
	const hc_diagnostics *diagnostics;
	const hc_core *core;
	hc_modules *modules;
	const hc_blocks *blocks;
	const hc_areas *areas;
	const hc_references *references;
	const hc_memory *memory;
} stage_results;

/*
 * Up to the memory table, on JOBS threads, without the files of this machine. FALSE, and the test
 * has failed, if there is no analysis. Both are to be cleared. CORE must outlive STAGES.
 */
bool stages_run(stage_results *stages, core_builder *core, unsigned jobs);
/* Up to the blocks. */
bool stages_run_blocks(stage_results *stages, core_builder *core, unsigned jobs);
/* The core at PATH, as OPTIONS say. */
bool stages_run_path(stage_results *stages, const char *path, const hc_analysis_options *options);
void stages_clear(stage_results *stages);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(stage_results, stages_clear)

/* The label of the block at ADDRESS; NULL if it has none, or there is no such block. */
const hc_label *stages_label(const stage_results *stages, hc_address address);
