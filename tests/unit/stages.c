/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stages.h"

#include "unit.h"

#include <stdio.h>

bool stages_run_path(stage_results *stages, const char *path, const hc_analysis_options *options)
{
	g_autoptr(GError) error = NULL;
	hc_analysis *analysis = hc_analysis_run(path, options, &error);

	if (!analysis) {
		printf("\n%s\n", error->message);
		CU_FAIL("there is an analysis");
		return false;
	}
	*stages = (stage_results){
		.analysis = analysis,
		.diagnostics = hc_analysis_diagnostics(analysis),
		.core = hc_analysis_core(analysis),
		.modules = hc_analysis_modules(analysis),
		.blocks = hc_analysis_blocks(analysis),
		.areas = hc_analysis_areas(analysis),
		.references = hc_analysis_references(analysis),
		.memory = hc_analysis_memory(analysis),
	};
	return true;
}

static bool run_until(stage_results *stages, core_builder *core, hc_stage until, unsigned jobs)
{
	const hc_analysis_options options = { .sysroot = "/nonexistent", .until = until, .jobs = jobs };

	return stages_run_path(stages, core_builder_path(core), &options);
}

bool stages_run_blocks(stage_results *stages, core_builder *core, unsigned jobs)
{
	return run_until(stages, core, HC_STAGE_BLOCKS, jobs);
}

bool stages_run(stage_results *stages, core_builder *core, unsigned jobs)
{
	return run_until(stages, core, HC_STAGE_MEMORY, jobs);
}

void stages_clear(stage_results *stages)
{
	hc_analysis_destroy(stages->analysis);
	*stages = (stage_results){ 0 };
}

const hc_label *stages_label(const stage_results *stages, hc_address address)
{
	hc_block block;

	return hc_blocks_find(stages->blocks, address, &block) && block.address == address ? block.label : NULL;
}
