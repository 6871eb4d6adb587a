/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An analysis: one core taken through the stages
 *
 *	core -> modules -> heap and blocks -> areas -> references -> memory table -> types and containers -> findings
 *
 * Each stage writes its table once; after that it is const. Two analyses live side by side in one process.
 */
#pragma once

#include <heapcore/abi.h>
#include <heapcore/check.h>
#include <heapcore/duplicates.h>
#include <heapcore/findings.h>
#include <heapcore/leaks.h>
#include <heapcore/owners.h>
#include <heapcore/sites.h>
#include <heapcore/types.h>

HC_BEGIN_DECLS

typedef enum {
	HC_STAGE_CORE,
	HC_STAGE_MODULES,
	HC_STAGE_BLOCKS,
	HC_STAGE_AREAS,
	HC_STAGE_REFERENCES,
	HC_STAGE_MEMORY,
	HC_STAGE_TYPES,
	HC_STAGE_FINDINGS,
	HC_STAGE_COUNT,
} hc_stage;

const char *hc_stage_name(hc_stage stage); /* "core", "modules", ...: for JSON */

/*
 * Called on the analysing thread when a stage begins, and now and then within. FRACTION is of the whole analysis, 0 to 1.
 * Return FALSE to cancel: the analysis fails with HC_ERROR_CANCELLED.
 */
typedef bool (*hc_progress_function)(hc_stage stage, double fraction, void *data);

typedef struct hc_analysis_options {
	const char *core_name; /* as hc_core_name() is to say; NULL: the core's path */
	bool is_live; /* the core is that of a process that goes on, and will be gone: hc_capture_hold() */
	const char *binary;
	const char *sysroot;
	const char *const *debug_directories; /* NULL-terminated; may be NULL */
	unsigned jobs;			      /* threads to use; 0: one per processor */
	uint64_t memory;  /* bytes that the analysis may take in all, the core's pages included; 0: what there is */
	unsigned at_once; /* analyses that run at the same time and share that; 0: only this one */
	hc_stage until;	  /* the last stage to run */
	bool no_types;	  /* leave HC_STAGE_TYPES out: no debug info is read, nothing is named by it */
	bool retained;	  /* look at what owners retain, when types are known: takes longer */
	bool no_content;  /* nothing that memory holds is told: hc_core_hides_content() */
	bool no_sites; /* do not read the program's code for the calls that allocate: findings and snapshots do where much is lost */
	bool no_encodings; /* learn no encodings of pointers, nor headers and pools: what only these explain is (possibly) lost */
	const char *const *container_files; /* as hc_types_options */
	hc_progress_function progress;	    /* may be NULL */
	hc_unpacking_function unpacking;    /* as the core is decompressed; may be NULL */
	void *progress_data;		    /* of both */
} hc_analysis_options;

typedef struct hc_analysis hc_analysis;

/*
 * Analyses CORE_PATH. NULL only if there is no answer at all; a core in part gives an analysis whose diagnostics say so.
 * OPTIONS may be NULL: all stages. Everything that the accessors give belongs to the analysis. Accessors of stages after
 * options->until give NULL.
 */
hc_analysis *hc_analysis_run(const char *core_path, const hc_analysis_options *options, GError **error);
void hc_analysis_destroy(hc_analysis *analysis);

/*
 * How many of the COUNT files CORES are best analysed at the same time, each on its share of the threads and memory that OPTIONS (may be NULL) say: 1, or
 * 2 where there are threads and memory for two, and one is not much larger than all others. What is no core counts as nothing.
 */
unsigned hc_analyses_at_once(const char *const *cores, size_t count, const hc_analysis_options *options);

const hc_core *hc_analysis_core(const hc_analysis *analysis);
hc_modules *hc_analysis_modules(
	const hc_analysis *analysis); /* looks up lazily: one thread at a time, as the next two */
hc_program_types *hc_analysis_program_types(const hc_analysis *analysis);
hc_variables *hc_analysis_variables(const hc_analysis *analysis);
const hc_blocks *hc_analysis_blocks(const hc_analysis *analysis);
const hc_areas *hc_analysis_areas(const hc_analysis *analysis);
const hc_references *hc_analysis_references(const hc_analysis *analysis);
const hc_memory *hc_analysis_memory(const hc_analysis *analysis);
const hc_types *hc_analysis_types(const hc_analysis *analysis);		/* NULL with options->no_types */
const hc_ownership *hc_analysis_ownership(const hc_analysis *analysis); /* NULL without options->retained */
const hc_findings *hc_analysis_findings(const hc_analysis *analysis);
const hc_diagnostics *hc_analysis_diagnostics(const hc_analysis *analysis);
double hc_analysis_seconds(const hc_analysis *analysis, hc_stage stage); /* wall time; 0 if it did not run */

/*
 * The leaks of an analysis that has run up to the references at least: not made before they are asked for. OPTIONS may be NULL.
 * ANALYSIS and what OPTIONS point to must outlive the result. Fails with HC_ERROR_NO_MEMORY.
 */
hc_leaks *hc_analysis_find_leaks(const hc_analysis *analysis, const hc_leaks_options *options, GError **error);

/*
 * The calls of the program that allocate, by an analysis that has run up to the modules at least: not looked for before it is asked for, and
 * read once for each call of this. ANALYSIS must outlive the result, and is asked while that is: one thread at a time.
 */
hc_sites *hc_analysis_find_sites(const hc_analysis *analysis);

/*
 * Who holds and retains what is in use, by an analysis that has run up to the types: not made before it is asked for. OPTIONS may be
 * NULL. ANALYSIS must outlive the result. Fails with HC_ERROR_NO_MEMORY, or HC_ERROR_UNSUPPORTED if there are too many references.
 */
hc_ownership *hc_analysis_find_owners(const hc_analysis *analysis, const hc_ownership_options *options, GError **error);

/*
 * Blocks that hold the same, of an analysis that has run up to the references at least, and by their types if up to these: not made before
 * it is asked for. OPTIONS may be NULL. ANALYSIS must outlive the result. Fails with HC_ERROR_NO_MEMORY.
 */
hc_duplicates *hc_analysis_find_duplicates(
	const hc_analysis *analysis, const hc_duplicates_options *options, GError **error);

/*
 * Damage in the heap, of an analysis that has run up to the blocks at least: not looked for before it is asked for. ANALYSIS must outlive
 * the result.
 */
hc_check *hc_analysis_check(const hc_analysis *analysis);

/*
 * Classes that two parts of the program see differently, of an analysis that has run at all; with what it did to the heap, of one that has run up
 * to the types. Not looked for before it is asked for. OPTIONS may be NULL. ANALYSIS must outlive the result.
 */
hc_abi *hc_analysis_find_abi(const hc_analysis *analysis, const hc_abi_options *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_analysis, hc_analysis_destroy)

HC_END_DECLS
