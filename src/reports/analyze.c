/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first screen: process, memory, arenas, findings, and what could not be read. */
#include "reports/parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "core/core.h"
#include "wording/wording.h"

enum {
	ARENAS_SHOWN = 10
};

static json_t *in_use_json(const hc_blocks *blocks)
{
	hc_amount all = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	hc_amount runtime = hc_blocks_labelled(blocks, HC_ARENA_ALL);
	hc_amount program = { all.blocks - runtime.blocks, all.bytes - runtime.bytes };
	const hc_fact facts[] = {
		{ "program", NULL, hc_value_amount(program) },
		{ "runtime", NULL, hc_value_amount(runtime) },
		{ "mmapped", NULL, hc_value_amount(hc_blocks_amount(blocks, HC_ARENA_NONE, HC_BLOCK_IN_USE)) },
	};

	return hc_record_json(facts);
}

static json_t *references_json(const hc_references *references)
{
	const hc_references_totals *totals = hc_references_get_totals(references);
	const hc_fact facts[] = {
		{ "reachable", NULL, hc_value_amount(totals->reachable) },
		{ "directly_lost", NULL, hc_value_amount(totals->directly_lost) },
		{ "indirectly_lost", NULL, hc_value_amount(totals->indirectly_lost) },
		{ "possibly_lost", NULL, hc_value_amount(totals->possibly_lost) },
		{ "missing", NULL, hc_value_json(hc_missing_json(references)) },
		{ "held_inside", NULL, hc_value_json(hc_held_inside_json(references)) },
		{ "encoded", NULL, hc_value_json(hc_encoded_json(references)) },
		{ "roots_bytes", NULL, hc_value_size(totals->root_bytes) },
		{ "words", NULL, hc_value_count(totals->words) },
		{ "candidates", NULL, hc_value_count(totals->candidates) },
	};

	return hc_record_json(facts);
}

static json_t *free_json(const hc_blocks *blocks)
{
	json_t *object = hc_free_json(blocks, HC_ARENA_ALL);
	hc_free_pages pages;

	hc_blocks_free_pages(blocks, HC_ARENA_ALL, &pages);
	const hc_fact facts[] = {
		{ "whole_pages", NULL, hc_value_size(pages.whole) },
		{ "zero_pages", NULL, hc_value_size(pages.zero) },
		{ "trim", NULL, hc_value_size(pages.trim) },
		{ "trim_zero", NULL, hc_value_size(pages.trim_zero) },
	};

	hc_record_extend(object, facts);
	return object;
}

static json_t *timings_json(const hc_analysis *analysis)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < HC_STAGE_COUNT; i++)
		hc_json_set(object, hc_stage_name(i), json_real(hc_analysis_seconds(analysis, i)));
	const hc_fact facts[] = {
		{ "peak", NULL, hc_value_size(hc_memory_peak()) },
		{ "copied", NULL, hc_value_size(hc_core_copied_bytes(hc_analysis_core(analysis))) },
	};

	hc_record_extend(object, facts);
	return object;
}

static json_t *process_json(const hc_core *core)
{
	return hc_process_json(
		hc_core_process(core), hc_core_thread_count(core), hc_core_name(core), hc_core_file_size(core));
}

static json_t *analysis_json(const hc_analysis *analysis, const hc_report_options *options)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	const hc_fact facts[] = {
		{ "process", NULL, hc_value_json(process_json(hc_analysis_core(analysis))) },
		{ "files", NULL, hc_value_json(hc_files_json(analysis)) },
		{ "allocator", NULL, hc_value_json(hc_allocator_json(hc_blocks_heap(blocks))) },
		{ "memory", NULL, hc_value_json(hc_memory_json(analysis)) },
		{ "in_use", NULL, hc_value_json(in_use_json(blocks)) },
		{ "references", NULL, hc_value_json(references_json(hc_analysis_references(analysis))) },
		{ "free", NULL, hc_value_json(free_json(blocks)) },
		{ "arenas", NULL, hc_value_json(hc_arenas_json(analysis)) },
		{ "findings", NULL, hc_value_json(hc_findings_json(analysis, options)) },
		{ "diagnostics", NULL, hc_value_json(hc_diagnostics_json(diagnostics)) },
		{ "timings", NULL, hc_value_json(timings_json(analysis)) },
		{ "status", NULL, hc_value_json(hc_status_json(hc_diagnostics_partial(diagnostics))) },
	};

	return hc_report_json("analyze", facts, NULL);
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
	g_autofree char *memory =
		hc_word_memory_taken(hc_memory_peak(), hc_core_copied_bytes(hc_analysis_core(analysis)));

	hc_output_wrapped(output, 0, 6, memory);
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
