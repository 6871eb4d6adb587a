/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the blocks are: by type, with its certainty; and how much of the heap has one. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

static hc_amount total_of(const hc_types *types)
{
	hc_amount total = { 0 };

	for (unsigned certainty = 0; certainty < HC_CERTAINTY_COUNT; certainty++) {
		total.blocks += hc_types_coverage(types, certainty).blocks;
		total.bytes += hc_types_coverage(types, certainty).bytes;
	}
	return total;
}

/* By hc_path_begin. */
static const char *const begin_keys[] = { "variables", "places", "nothing" };
static const char *const begin_titles[] = { "variables", "places of words", "nothing" };

/* RESIDENT: bytes in memory; UINT64_MAX: not known. */
static void add_row(hc_records *records, const hc_type_row *row, uint64_t total, uint64_t resident)
{
	const char *certainty = hc_certainty_name(row->certainty);
	g_autofree char *label = hc_word_label(row->label);
	const char *name = label ? label : row->name;
	const hc_fact facts[] = {
		{ "type", NULL, hc_value_text(name) },
		{ "certainty", NULL, hc_value_plain(certainty) },
		{ "count", NULL, hc_value_count(row->amount.blocks) },
		{ "bytes", "BYTES", hc_value_size(row->amount.bytes) },
		{ "resident", "RESIDENT", hc_value_if(resident != UINT64_MAX, hc_value_size(resident)) },
		{ NULL, "SHARE", hc_value_share(row->amount.bytes, total) },
		{ NULL, "BLOCKS", hc_value_count(row->amount.blocks) },
		{ NULL, "CERTAINTY", hc_value_plain(certainty) },
		{ NULL, "TYPE", hc_value_text(name) },
		{ "path", NULL, hc_value_text(row->path) },
		{ "example", NULL, hc_value_address(row->example) },
	};

	hc_records_add(records, facts);
}

static hc_records *make_rows(const hc_types *types, uint64_t limit, bool verbose)
{
	hc_records *records = hc_records_create();
	g_autoptr(hc_types_resident) resident = hc_types_find_resident(types);
	uint64_t total = total_of(types).bytes;

	for (unsigned i = 0; i < hc_limited(hc_types_row_count(types), limit); i++) {
		const hc_type_row *row = hc_types_row(types, i);

		add_row(records, row, total, hc_types_resident_of_row(resident, i));
		if (verbose && row->path) {
			g_autofree char *safe = hc_text_escape(row->path, -1);
			g_autofree char *line = g_strdup_printf("  first at %s", safe);

			hc_records_add_line(records, HC_STYLE_DIM, line);
		}
	}
	return records;
}

static void print_coverage(const hc_types *types, hc_output *output)
{
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned certainty = 0; certainty < HC_CERTAINTY_COUNT; certainty++) {
		const hc_type_row sum = { .certainty = certainty, .amount = hc_types_coverage(types, certainty) };

		add_row(records, &sum, total_of(types).bytes, UINT64_MAX);
	}
	hc_records_print(records, output);
}

/* "Held by variables: 20.7 %, places of words: 79.3 %, nothing: 0.0 %." */
static void print_held_by(const hc_types *types, hc_output *output)
{
	GString *text = g_string_new("Held by ");
	uint64_t total = 0;

	for (unsigned begin = 0; begin < HC_PATH_BEGIN_COUNT; begin++)
		total += hc_types_held_by(types, begin).bytes;
	for (unsigned begin = 0; begin < HC_PATH_BEGIN_COUNT; begin++) {
		char size[HC_TEXT_SIZE_LENGTH];
		uint64_t bytes = hc_types_held_by(types, begin).bytes;

		g_string_append_printf(text, "%s%s: %s (%.1f %%)", begin ? ", " : "", begin_titles[begin],
			hc_text_size(size, bytes), total ? 100.0 * (double)bytes / (double)total : 0.0);
	}
	g_string_append(text, ".\n");
	hc_output_text(output, text->str);
	g_string_free(text, TRUE);
}

static void print_rows(const hc_types *types, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_records) records = make_rows(types, limit, output->options->verbose);

	hc_records_print(records, output);
	hc_left_out_print(hc_types_row_count(types), limit, output);
}

static json_t *coverage_json(const hc_types *types)
{
	json_t *object = json_object();

	for (unsigned certainty = 0; certainty < HC_CERTAINTY_COUNT; certainty++)
		hc_json_set(object, hc_certainty_name(certainty), hc_json_amount(hc_types_coverage(types, certainty)));
	return object;
}

static json_t *held_by_json(const hc_types *types)
{
	json_t *object = json_object();

	for (unsigned begin = 0; begin < HC_PATH_BEGIN_COUNT; begin++)
		hc_json_set(object, begin_keys[begin], hc_json_amount(hc_types_held_by(types, begin)));
	return object;
}

static json_t *work_json(const hc_types *types)
{
	const hc_types_losses *losses = hc_types_get_losses(types);
	const hc_fact facts[] = {
		{ "objects", NULL, hc_value_count(losses->objects) },
		{ "tried", NULL, hc_value_count(losses->tried) },
	};

	return hc_record_json(facts);
}

static json_t *types_json(const hc_analysis *analysis, uint64_t limit)
{
	const hc_types *types = hc_analysis_types(analysis);
	g_autoptr(hc_records) rows = make_rows(types, limit, false);
	const hc_fact facts[] = {
		{ "coverage", NULL, hc_value_json(coverage_json(types)) },
		{ "held_by", NULL, hc_value_json(held_by_json(types)) },
		{ "types", NULL, hc_value_json(hc_records_json(rows)) },
		{ "variables", NULL, hc_value_json(hc_variables_json(types)) },
		{ "losses", NULL, hc_value_json(hc_losses_json(types)) },
		{ "work", NULL, hc_value_json(work_json(types)) },
		{ "debug_info_gaps", NULL, hc_value_json(hc_debug_info_gaps_json(analysis)) },
	};

	return hc_report_json("types", facts, hc_analysis_diagnostics(analysis));
}

bool hc_report_types(const hc_analysis *analysis, uint64_t limit, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON) {
		hc_json_write(output, types_json(analysis, limit));
	} else {
		print_coverage(hc_analysis_types(analysis), output);
		print_held_by(hc_analysis_types(analysis), output);
		hc_output_text(output, "\n");
		print_rows(hc_analysis_types(analysis), limit, output);
		hc_debug_info_gaps_print(analysis, output);
		hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
	}
	return hc_output_finish(output, error);
}
