/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first screen: process, memory, arenas, findings, and what could not be read. */
#include "reports/parts.h"

#include "base/text.h"

enum {
	ARENAS_SHOWN = 10
};

static json_t *in_use_json(const hc_blocks *blocks)
{
	json_t *object = json_object();
	hc_amount all = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	hc_amount runtime = hc_blocks_labelled(blocks, HC_ARENA_ALL);
	hc_amount program = { all.blocks - runtime.blocks, all.bytes - runtime.bytes };

	hc_json_set(object, "program", hc_json_amount(program));
	hc_json_set(object, "runtime", hc_json_amount(runtime));
	hc_json_set(object, "mmapped", hc_json_amount(hc_blocks_amount(blocks, HC_ARENA_NONE, HC_BLOCK_IN_USE)));
	return object;
}

static json_t *references_json(const hc_references *references)
{
	const hc_references_totals *totals = hc_references_get_totals(references);
	json_t *object = json_object();

	hc_json_set(object, "reachable", hc_json_amount(totals->reachable));
	hc_json_set(object, "directly_lost", hc_json_amount(totals->directly_lost));
	hc_json_set(object, "indirectly_lost", hc_json_amount(totals->indirectly_lost));
	hc_json_set(object, "possibly_lost", hc_json_amount(totals->possibly_lost));
	hc_json_set(object, "missing", hc_missing_json(references));
	hc_learned_json(references, object);
	hc_json_set(object, "roots_bytes", hc_json_number(totals->root_bytes));
	hc_json_set(object, "words", hc_json_number(totals->words));
	hc_json_set(object, "candidates", hc_json_number(totals->candidates));
	return object;
}

static json_t *free_json(const hc_blocks *blocks)
{
	json_t *object = hc_free_json(blocks, HC_ARENA_ALL);
	hc_free_pages pages;

	hc_blocks_free_pages(blocks, HC_ARENA_ALL, &pages);
	hc_json_set(object, "bytes", hc_json_number(hc_blocks_free_amount(blocks, HC_ARENA_ALL).bytes));
	hc_json_set(object, "whole_pages", hc_json_number(pages.whole));
	hc_json_set(object, "zero_pages", hc_json_number(pages.zero));
	hc_json_set(object, "trim", hc_json_number(pages.trim));
	hc_json_set(object, "trim_zero", hc_json_number(pages.trim_zero));
	return object;
}

static json_t *timings_json(const hc_analysis *analysis)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < HC_STAGE_COUNT; i++)
		hc_json_set(object, hc_stage_name(i), json_real(hc_analysis_seconds(analysis, i)));
	return object;
}

static json_t *analysis_json(const hc_analysis *analysis, const hc_report_options *options)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	const hc_core *core = hc_analysis_core(analysis);
	const char *core_path = hc_core_path(core);
	json_t *report = hc_json_report("analyze");

	hc_json_set(report, "process",
		hc_process_json(hc_core_process(core), hc_core_thread_count(core), core_path, hc_core_file_size(core)));
	hc_json_set(report, "files", hc_files_json(analysis));
	hc_json_set(report, "allocator", hc_allocator_json(hc_blocks_heap(hc_analysis_blocks(analysis))));
	hc_json_set(report, "memory", hc_memory_json(hc_analysis_memory(analysis)));
	hc_json_set(report, "in_use", in_use_json(blocks));
	hc_json_set(report, "references", references_json(hc_analysis_references(analysis)));
	hc_json_set(report, "free", free_json(blocks));
	hc_json_set(report, "arenas", hc_arenas_json(analysis));
	hc_json_set(report, "findings", hc_findings_json(analysis, options));
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "timings", timings_json(analysis));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return report;
}

/* The process on the left and its allocator on the right, or below where the line is too short for both. */
static void print_header(const hc_analysis *analysis, hc_output *output)
{
	const hc_core *core = hc_analysis_core(analysis);
	g_autofree char *process = hc_process_title(hc_core_process(core), hc_core_thread_count(core));
	g_autofree char *allocator = hc_allocator_title(hc_blocks_heap(hc_analysis_blocks(analysis)));
	unsigned left = hc_text_columns(process), right = hc_text_columns(allocator);
	unsigned width = MIN(output->width, 100);

	hc_output_styled(output, HC_STYLE_HEADING, process);
	if (left + right + 4 <= width)
		hc_output_spaces(output, width - left - right);
	else
		hc_output_text(output, "\n");
	hc_output_text(output, allocator);
	hc_output_text(output, "\n");
	hc_files_print(analysis, output);
}

static void print_timings(const hc_analysis *analysis, hc_output *output)
{
	g_autoptr(GString) line = g_string_new("time:");

	for (unsigned i = 0; i < HC_STAGE_COUNT; i++)
		g_string_append_printf(
			line, "%s %s %.2f s", i ? "," : "", hc_stage_text(i), hc_analysis_seconds(analysis, i));
	hc_output_wrapped(output, 0, 6, line->str);
}

static void print_analysis(const hc_analysis *analysis, hc_output *output)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);

	print_header(analysis, output);
	hc_memory_print(analysis, output);
	if (hc_blocks_heap(hc_analysis_blocks(analysis))->found) {
		hc_output_text(output, "\n");
		hc_arenas_print(analysis, false, output->options->verbose ? 0 : ARENAS_SHOWN, output);
	}
	hc_findings_print(analysis, output);
	hc_learned_encodings_print(hc_analysis_references(analysis), output);
	if (hc_diagnostics_count(diagnostics)) {
		hc_output_text(output, "\n");
		hc_diagnostics_print(diagnostics, NULL, output);
	}
	if (output->options->verbose)
		print_timings(analysis, output);
}

bool hc_report_analysis(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, analysis_json(analysis, options));
	else
		print_analysis(analysis, output);
	return hc_output_finish(output, error);
}
