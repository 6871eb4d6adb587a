/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of contents: the stages in order, what each makes from what. */
#include "analysis/analysis.h"

#include "propagation/propagation.h"
#include "variables/variables.h"

struct hc_analysis {
	hc_diagnostics *diagnostics;
	hc_core *core;
	hc_modules *modules;
	hc_debug_info *debug_info;
	hc_program_types *program_types;
	hc_variables *variables;
	hc_blocks *blocks;
	hc_areas *areas;
	hc_references *references;
	hc_unloaded *unloaded;
	hc_memory *memory;
	hc_types *types;
	hc_findings *findings;
	hc_ownership *ownership; /* NULL: what is retained was not asked for */
	char *path;
	const hc_analysis_options *options; /* only while running */
	unsigned jobs;
	bool reads_code;
	double seconds[HC_STAGE_COUNT];
};

static bool run_core(hc_analysis *analysis, GError **error)
{
	const hc_core_options options = {
		.memory = analysis->options->memory,
		.unpacking = analysis->options->unpacking,
		.unpacking_data = analysis->options->progress_data,
	};

	analysis->core = hc_core_open_with(analysis->path, &options, analysis->diagnostics, error);
	if (!analysis->core)
		return false;
	if (analysis->options->core_name)
		hc_core_set_name(analysis->core, analysis->options->core_name);
	if (analysis->options->no_content)
		hc_core_hide_content(analysis->core);
	if (analysis->options->is_live)
		hc_core_set_live(analysis->core);
	return true;
}

static bool run_modules(hc_analysis *analysis, GError **error)
{
	hc_modules_options options = {
		.binary = analysis->options->binary,
		.sysroot = analysis->options->sysroot,
		.debug_directories = analysis->options->debug_directories,
	};

	analysis->modules = hc_modules_open(analysis->core, &options, analysis->diagnostics, error);
	if (!analysis->modules)
		return false;
	analysis->debug_info = hc_debug_info_create(analysis->modules);
	analysis->program_types = hc_program_types_create(analysis->debug_info);
	analysis->variables = hc_variables_create(analysis->debug_info, analysis->program_types, analysis->diagnostics);
	return true;
}

static bool run_blocks(hc_analysis *analysis, GError **error)
{
	hc_blocks_options options = {
		.jobs = analysis->options->jobs,
		.is_marked = analysis->options->until >= HC_STAGE_REFERENCES,
		.share = MAX(analysis->options->at_once, 1),
		.memory = analysis->options->memory ? analysis->options->memory : UINT64_MAX,
	};

	analysis->blocks = hc_blocks_create(analysis->core, analysis->modules, &options, analysis->diagnostics, error);
	return analysis->blocks != NULL;
}

static bool run_areas(hc_analysis *analysis, GError **error)
{
	(void)error;
	analysis->areas = hc_areas_create(analysis->core, analysis->modules, analysis->blocks, analysis->diagnostics);
	return true;
}

static hc_types_options types_options(const hc_analysis *analysis)
{
	return (hc_types_options){
		.container_files = analysis->options->container_files,
		.jobs = analysis->options->jobs,
	};
}

/* Whether the stage that tells all types is to come. */
static bool has_types(const hc_analysis *analysis)
{
	return !analysis->options->no_types && analysis->options->until >= HC_STAGE_TYPES;
}

static void find_unloaded(hc_analysis *analysis)
{
	analysis->unloaded = hc_unloaded_find(analysis->core, analysis->modules, analysis->references);
}

static bool run_references(hc_analysis *analysis, GError **error)
{
	hc_types_options options = types_options(analysis);

	analysis->references = hc_references_create(analysis->core, analysis->blocks, analysis->areas,
		!analysis->options->no_encodings, analysis->options->jobs, analysis->diagnostics, error);
	if (!analysis->references)
		return false;
	if (has_types(analysis))
		return true;
	if (!analysis->options->no_types &&
		!hc_types_tell_references(analysis->core, analysis->variables, analysis->blocks, analysis->areas,
			analysis->references, &options, error))
		return false;
	find_unloaded(analysis);
	return true;
}

static void add_up_memory(hc_analysis *analysis)
{
	analysis->memory = hc_memory_create(
		analysis->core, analysis->blocks, analysis->areas, analysis->references, analysis->diagnostics);
}

static bool run_memory(hc_analysis *analysis, GError **error)
{
	(void)error;
	/* Types tell of references that no word shows. */
	if (!has_types(analysis))
		add_up_memory(analysis);
	return true;
}

static bool find_owners(hc_analysis *analysis, GError **error)
{
	hc_ownership_options options = { .jobs = analysis->options->jobs };

	analysis->ownership = hc_analysis_find_owners(analysis, &options, error);
	return analysis->ownership != NULL;
}

static bool run_types(hc_analysis *analysis, GError **error)
{
	hc_types_options options = types_options(analysis);

	if (analysis->options->no_types)
		return true;
	analysis->types = hc_types_create(analysis->core, analysis->variables, analysis->blocks, analysis->areas,
		analysis->references, &options, analysis->diagnostics, error);
	if (!analysis->types)
		return false;
	/* What is lost is known now. */
	find_unloaded(analysis);
	add_up_memory(analysis);
	return !analysis->options->retained || find_owners(analysis, error);
}

static bool run_findings(hc_analysis *analysis, GError **error)
{
	hc_findings_input input = {
		.core = analysis->core,
		.blocks = analysis->blocks,
		.areas = analysis->areas,
		.references = analysis->references,
		.unloaded = analysis->unloaded,
		.memory = analysis->memory,
		.types = analysis->types,
		.ownership = analysis->ownership,
		.diagnostics = analysis->diagnostics,
		.jobs = analysis->options->jobs,
		.no_sites = analysis->options->no_sites,
	};

	(void)error;
	analysis->findings = hc_findings_create(&input);
	return true;
}

static const struct stage {
	double begins; /* as a fraction of a usual analysis of a large core */
	bool (*run)(hc_analysis *analysis, GError **error);
} stages[HC_STAGE_COUNT] = {
	[HC_STAGE_CORE] = { 0, run_core },
	[HC_STAGE_MODULES] = { 0.02, run_modules },
	[HC_STAGE_BLOCKS] = { 0.05, run_blocks },
	[HC_STAGE_AREAS] = { 0.18, run_areas },
	[HC_STAGE_REFERENCES] = { 0.2, run_references },
	[HC_STAGE_MEMORY] = { 0.45, run_memory },
	[HC_STAGE_TYPES] = { 0.46, run_types },
	[HC_STAGE_FINDINGS] = { 0.97, run_findings },
};

const char *hc_stage_name(hc_stage stage)
{
	static const char *const names[HC_STAGE_COUNT] = {
		[HC_STAGE_CORE] = "core",
		[HC_STAGE_MODULES] = "modules",
		[HC_STAGE_BLOCKS] = "blocks",
		[HC_STAGE_AREAS] = "areas",
		[HC_STAGE_REFERENCES] = "references",
		[HC_STAGE_MEMORY] = "memory",
		[HC_STAGE_TYPES] = "types",
		[HC_STAGE_FINDINGS] = "findings",
	};

	return (unsigned)stage < HC_STAGE_COUNT ? names[stage] : "";
}

static bool report_progress(const hc_analysis_options *options, hc_stage stage, GError **error)
{
	if (!options->progress || options->progress(stage, stages[stage].begins, options->progress_data))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_CANCELLED, "cancelled in the stage \"%s\"", hc_stage_name(stage));
	return false;
}

hc_analysis *hc_analysis_run(const char *core_path, const hc_analysis_options *options, GError **error)
{
	static const hc_analysis_options everything = { .until = HC_STAGE_FINDINGS };
	g_autoptr(hc_analysis) analysis = g_new0(hc_analysis, 1);

	analysis->path = g_strdup(core_path);
	analysis->options = options ? options : &everything;
	analysis->jobs = analysis->options->jobs;
	analysis->reads_code = !analysis->options->no_sites;
	analysis->diagnostics = hc_diagnostics_create();
	for (unsigned stage = 0; stage < HC_STAGE_COUNT && stage <= analysis->options->until; stage++) {
		gint64 begin = g_get_monotonic_time();

		if (!report_progress(analysis->options, stage, error) || !stages[stage].run(analysis, error))
			return NULL;
		analysis->seconds[stage] = (g_get_monotonic_time() - begin) / 1e6;
	}
	analysis->options = NULL;
	return g_steal_pointer(&analysis);
}

void hc_analysis_destroy(hc_analysis *analysis)
{
	if (!analysis)
		return;
	/* In the opposite order: later tables point into earlier ones. */
	hc_findings_free(analysis->findings);
	hc_ownership_destroy(analysis->ownership);
	hc_types_destroy(analysis->types);
	hc_memory_destroy(analysis->memory);
	hc_unloaded_free(analysis->unloaded);
	hc_references_destroy(analysis->references);
	hc_areas_destroy(analysis->areas);
	hc_blocks_destroy(analysis->blocks);
	hc_variables_destroy(analysis->variables);
	hc_program_types_destroy(analysis->program_types);
	hc_debug_info_destroy(analysis->debug_info);
	hc_modules_close(analysis->modules);
	hc_core_close(analysis->core);
	hc_diagnostics_destroy(analysis->diagnostics);
	g_free(analysis->path);
	g_free(analysis);
}

const hc_core *hc_analysis_core(const hc_analysis *analysis)
{
	return analysis->core;
}

hc_modules *hc_analysis_modules(const hc_analysis *analysis)
{
	return analysis->modules;
}

hc_program_types *hc_analysis_program_types(const hc_analysis *analysis)
{
	return analysis->program_types;
}

hc_variables *hc_analysis_variables(const hc_analysis *analysis)
{
	return analysis->variables;
}

const hc_blocks *hc_analysis_blocks(const hc_analysis *analysis)
{
	return analysis->blocks;
}

const hc_areas *hc_analysis_areas(const hc_analysis *analysis)
{
	return analysis->areas;
}

const hc_references *hc_analysis_references(const hc_analysis *analysis)
{
	return analysis->references;
}

const hc_memory *hc_analysis_memory(const hc_analysis *analysis)
{
	return analysis->memory;
}

const hc_types *hc_analysis_types(const hc_analysis *analysis)
{
	return analysis->types;
}

const hc_ownership *hc_analysis_ownership(const hc_analysis *analysis)
{
	return analysis->ownership;
}

const hc_findings *hc_analysis_findings(const hc_analysis *analysis)
{
	return analysis->findings;
}

const hc_diagnostics *hc_analysis_diagnostics(const hc_analysis *analysis)
{
	return analysis->diagnostics;
}

double hc_analysis_seconds(const hc_analysis *analysis, hc_stage stage)
{
	return (unsigned)stage < HC_STAGE_COUNT ? analysis->seconds[stage] : 0;
}

unsigned hc_analysis_jobs(const hc_analysis *analysis)
{
	return analysis->jobs;
}

bool hc_analysis_reads_code(const hc_analysis *analysis)
{
	return analysis->reads_code;
}

hc_leaks *hc_analysis_find_leaks(const hc_analysis *analysis, const hc_leaks_options *options, GError **error)
{
	return hc_leaks_create(analysis->core, analysis->program_types, analysis->blocks, analysis->areas,
		analysis->references, analysis->unloaded, options, error);
}

hc_sites *hc_analysis_find_sites(const hc_analysis *analysis)
{
	return hc_sites_create(analysis->core, analysis->modules, analysis->debug_info, analysis->program_types,
		analysis->blocks, analysis->jobs, analysis->diagnostics);
}

hc_ownership *hc_analysis_find_owners(const hc_analysis *analysis, const hc_ownership_options *options, GError **error)
{
	return hc_ownership_create(
		analysis->core, analysis->blocks, analysis->references, analysis->types, options, error);
}

hc_duplicates *hc_analysis_find_duplicates(
	const hc_analysis *analysis, const hc_duplicates_options *options, GError **error)
{
	return hc_duplicates_create(
		analysis->core, analysis->blocks, analysis->references, analysis->types, options, error);
}

hc_check *hc_analysis_check(const hc_analysis *analysis)
{
	return hc_check_create(analysis->core, analysis->blocks);
}

hc_abi *hc_analysis_find_abi(const hc_analysis *analysis, const hc_abi_options *options)
{
	const hc_abi_input input = {
		.core = analysis->core,
		.program_types = analysis->program_types,
		.types = analysis->types,
		.blocks = analysis->blocks,
		.areas = analysis->areas,
		.references = analysis->references,
		.unloaded = analysis->unloaded,
		.jobs = analysis->jobs,
		.diagnostics = analysis->diagnostics,
	};

	return hc_abi_create(&input, options);
}
