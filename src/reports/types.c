/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the blocks are: by type, with the evidence; and how much of the heap has one. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

static const hc_column columns[] = {
	{ NULL, "BYTES", HC_CELL_SIZE },
	{ NULL, "SHARE", HC_CELL_SHARE },
	{ NULL, "BLOCKS", HC_CELL_COUNT },
	{ NULL, "EVIDENCE", HC_CELL_TEXT },
	{ NULL, "TYPE", HC_CELL_TEXT },
};

enum {
	COLUMN_BYTES,
	COLUMN_SHARE,
	COLUMN_BLOCKS,
	COLUMN_EVIDENCE,
	COLUMN_TYPE
};

static hc_amount total_of(const hc_types *types)
{
	hc_amount total = { 0 };

	for (unsigned certainty = 0; certainty < HC_CERTAINTY_COUNT; certainty++) {
		total.blocks += hc_types_coverage(types, certainty).blocks;
		total.bytes += hc_types_coverage(types, certainty).bytes;
	}
	return total;
}

static void print_coverage(const hc_types *types, hc_output *output)
{
	hc_amount total = total_of(types);
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));

	for (unsigned certainty = 0; certainty < HC_CERTAINTY_COUNT; certainty++) {
		hc_amount amount = hc_types_coverage(types, certainty);

		hc_table_add_row(table);
		hc_table_set_number(table, COLUMN_BYTES, amount.bytes);
		hc_table_set_share(table, COLUMN_SHARE, amount.bytes, total.bytes);
		hc_table_set_number(table, COLUMN_BLOCKS, amount.blocks);
		hc_table_set_plain(table, COLUMN_EVIDENCE, hc_certainty_name(certainty));
	}
	hc_table_print(table, output);
}

static void print_rows(const hc_types *types, uint64_t limit, bool verbose, hc_output *output)
{
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));
	unsigned count = hc_types_row_count(types), shown = limit ? MIN(count, limit) : count;
	hc_amount total = total_of(types);
	char more[HC_TEXT_COUNT_LENGTH];

	for (unsigned i = 0; i < shown; i++) {
		const hc_type_row *row = hc_types_row(types, i);
		g_autofree char *label = hc_word_label(row->label);

		hc_table_add_row(table);
		hc_table_set_number(table, COLUMN_BYTES, row->amount.bytes);
		hc_table_set_share(table, COLUMN_SHARE, row->amount.bytes, total.bytes);
		hc_table_set_number(table, COLUMN_BLOCKS, row->amount.blocks);
		hc_table_set_plain(table, COLUMN_EVIDENCE, hc_certainty_name(row->certainty));
		hc_table_set_text(table, COLUMN_TYPE, label ? label : row->name);
		if (verbose && row->path) {
			g_autofree char *safe = hc_text_escape(row->path, -1);
			g_autofree char *line = g_strdup_printf("  first at %s", safe);

			hc_table_add_line(table, HC_STYLE_DIM, line);
		}
	}
	hc_table_print(table, output);
	if (shown < count)
		hc_output_printf(output, "%s more: --limit 0 shows all\n", hc_text_count(more, count - shown));
}

static json_t *coverage_json(const hc_types *types)
{
	json_t *object = json_object();

	for (unsigned certainty = 0; certainty < HC_CERTAINTY_COUNT; certainty++)
		hc_json_set(object, hc_certainty_name(certainty), hc_json_amount(hc_types_coverage(types, certainty)));
	return object;
}

static json_t *row_json(const hc_type_row *row)
{
	g_autofree char *label = hc_word_label(row->label);
	json_t *object = json_object();

	hc_json_set(object, "type", hc_json_text(label ? label : row->name));
	hc_json_set(object, "evidence", json_string(hc_certainty_name(row->certainty)));
	hc_json_set(object, "count", hc_json_number(row->amount.blocks));
	hc_json_set(object, "bytes", hc_json_number(row->amount.bytes));
	hc_json_set(object, "path", hc_json_text(row->path));
	hc_json_set(object, "example", hc_json_address(row->example));
	return object;
}

static json_t *work_json(const hc_types *types)
{
	const hc_types_losses *losses = hc_types_get_losses(types);
	json_t *object = json_object();

	hc_json_set(object, "objects", hc_json_number(losses->objects));
	hc_json_set(object, "tried", hc_json_number(losses->tried));
	return object;
}

static json_t *types_json(const hc_analysis *analysis, uint64_t limit)
{
	const hc_types *types = hc_analysis_types(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	json_t *report = hc_json_report("types"), *list = json_array();
	unsigned count = hc_types_row_count(types);

	for (unsigned i = 0; i < (limit ? MIN(count, limit) : count); i++)
		json_array_append_new(list, row_json(hc_types_row(types, i)));
	hc_json_set(report, "coverage", coverage_json(types));
	hc_json_set(report, "types", list);
	hc_json_set(report, "variables", hc_variables_json(types));
	hc_json_set(report, "losses", hc_losses_json(types));
	hc_json_set(report, "work", work_json(types));
	hc_json_set(report, "debug_info_gaps", hc_debug_info_gaps_json(analysis));
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return report;
}

bool hc_report_types(const hc_analysis *analysis, uint64_t limit, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON) {
		hc_json_write(output, types_json(analysis, limit));
	} else {
		print_coverage(hc_analysis_types(analysis), output);
		hc_output_text(output, "\n");
		print_rows(hc_analysis_types(analysis), limit, options->verbose, output);
		hc_debug_info_gaps_print(analysis, output);
		hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
	}
	return hc_output_finish(output, error);
}
