/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two analyses side by side: the same program?, the verdict, the memory table with its growth, sizes, findings. */
#include "reports/parts.h"

#include "base/text.h"

#include <string.h>

static const hc_column row_columns[] = {
	{ NULL, "GROWTH OF", HC_CELL_TEXT },
	{ NULL, "A", HC_CELL_SIZE },
	{ NULL, "B", HC_CELL_SIZE },
	{ NULL, "GROWTH", HC_CELL_GROWTH },
	{ NULL, "SHARE", HC_CELL_SHARE },
	{ NULL, "", HC_CELL_TEXT },
};

enum {
	ROW_NAME,
	ROW_A,
	ROW_B,
	ROW_GROWTH,
	ROW_SHARE,
	ROW_DETAIL
};

static const hc_column size_columns[] = {
	{ "size", "BLOCKS OF SIZE", HC_CELL_COUNT },
	{ "blocks_a", "A", HC_CELL_COUNT },
	{ "blocks_b", "B", HC_CELL_COUNT },
	{ "growth", "GROWTH", HC_CELL_GROWTH },
	{ "lost_a", "LOST IN A", HC_CELL_COUNT },
	{ "lost_b", "LOST IN B", HC_CELL_COUNT },
};

enum {
	SIZE_SIZE,
	SIZE_BLOCKS_A,
	SIZE_BLOCKS_B,
	SIZE_GROWTH,
	SIZE_LOST_A,
	SIZE_LOST_B
};

enum {
	SIZES_SHOWN = 6,
	SHARE_LEAST = 2000, /* below 0.05 % a share says nothing */
};

static hc_table *make_sizes(const hc_diff *diff, unsigned limit)
{
	hc_table *table = hc_table_create(size_columns, G_N_ELEMENTS(size_columns));

	for (unsigned i = 0; i < hc_diff_size_count(diff) && (!limit || i < limit); i++) {
		const hc_diff_size *size = hc_diff_size_get(diff, i);

		hc_table_add_row(table);
		hc_table_set_number(table, SIZE_SIZE, size->size);
		hc_table_set_number(table, SIZE_BLOCKS_A, size->blocks_a);
		hc_table_set_number(table, SIZE_BLOCKS_B, size->blocks_b);
		hc_table_set_growth(table, SIZE_GROWTH, size->growth);
		hc_table_set_number(table, SIZE_LOST_A, size->lost_a);
		hc_table_set_number(table, SIZE_LOST_B, size->lost_b);
	}
	return table;
}

static json_t *row_json(const hc_diff_row *row)
{
	json_t *object = json_object();

	hc_json_set(object, "id", hc_json_text(row->id));
	hc_json_set(object, "name", hc_json_text(row->title));
	if (row->of)
		hc_json_set(object, "of", hc_json_text(row->of));
	hc_json_set(object, "bytes_a", hc_json_number(row->bytes_a));
	hc_json_set(object, "bytes_b", hc_json_number(row->bytes_b));
	hc_json_set(object, "growth", json_integer(row->growth));
	hc_json_set(object, "count_a", row->unit ? hc_json_number(row->count_a) : json_null());
	hc_json_set(object, "count_b", row->unit ? hc_json_number(row->count_b) : json_null());
	hc_json_set(object, "unit", hc_json_text(row->unit));
	hc_json_set(object, "memory", json_boolean(row->is_memory));
	return object;
}

static json_t *memory_json(const hc_diff *diff, const hc_analysis *a, const hc_analysis *b)
{
	json_t *object = json_object(), *rows = json_array(), *parts = json_array();

	for (unsigned i = 0; i < hc_diff_row_count(diff); i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		json_array_append_new(row->of ? parts : rows, row_json(row));
	}
	hc_json_set(object, "total_a", hc_json_number(hc_memory_total(hc_analysis_memory(a))));
	hc_json_set(object, "total_b", hc_json_number(hc_memory_total(hc_analysis_memory(b))));
	hc_json_set(object, "growth", json_integer(hc_diff_growth(diff)));
	hc_json_set(object, "rows", rows);
	hc_json_set(object, "parts", parts);
	return object;
}

static json_t *side_json(const hc_analysis *analysis)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	json_t *object = json_object();

	hc_json_set(object, "process", hc_process_json(analysis));
	hc_json_set(object, "allocator", hc_allocator_json(analysis));
	hc_json_set(object, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(object, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return object;
}

static bool is_partial(const hc_analysis *a, const hc_analysis *b)
{
	return hc_diagnostics_partial(hc_analysis_diagnostics(a)) || hc_diagnostics_partial(hc_analysis_diagnostics(b));
}

static json_t *diff_json(
	const hc_diff *diff, const hc_analysis *a, const hc_analysis *b, const hc_report_options *options)
{
	g_autoptr(hc_table) sizes = make_sizes(diff, 0);
	json_t *report = hc_json_report("diff");

	hc_json_set(report, "sameness", json_string(hc_sameness_name(hc_diff_sameness(diff))));
	hc_json_set(report, "sameness_text", hc_json_text(hc_diff_sameness_text(diff)));
	hc_json_set(report, "verdict", hc_json_text(hc_diff_verdict(diff)));
	hc_json_set(report, "a", side_json(a));
	hc_json_set(report, "b", side_json(b));
	hc_json_set(report, "memory", memory_json(diff, a, b));
	hc_json_set(report, "side_facts", hc_side_facts_json(diff));
	hc_json_set(report, "sizes", hc_table_json(sizes));
	hc_json_set(report, "findings",
		hc_findings_json(hc_diff_findings(diff), hc_core_path(hc_analysis_core(b)), options));
	hc_json_set(report, "status", hc_status_json(is_partial(a, b)));
	return report;
}

/* "+30,000 blocks"; "" if their number is the same. */
static char *row_detail(const hc_diff_row *row)
{
	uint64_t more = row->count_b > row->count_a ? row->count_b - row->count_a : row->count_a - row->count_b;
	g_autofree char *count = NULL;

	if (!row->unit || !more)
		return g_strdup("");
	count = hc_unit_text(more, row->unit);
	return g_strdup_printf("%c%s", row->count_b > row->count_a ? '+' : '-', count);
}

static void add_row(hc_table *table, const hc_diff *diff, const hc_diff_row *row, bool verbose, unsigned depth)
{
	g_autofree char *title = hc_row_title(row->title, depth, verbose);
	g_autofree char *detail = row_detail(row);

	hc_table_add_row(table);
	hc_table_set_plain(table, ROW_NAME, title);
	hc_table_set_number(table, ROW_A, row->bytes_a);
	hc_table_set_number(table, ROW_B, row->bytes_b);
	hc_table_set_growth(table, ROW_GROWTH, row->growth);
	if (row->is_memory && hc_diff_memory_growth(diff) > 0 &&
		ABS(row->growth) > hc_diff_memory_growth(diff) / SHARE_LEAST)
		hc_table_set_share(table, ROW_SHARE, row->growth, hc_diff_memory_growth(diff));
	hc_table_set_plain(table, ROW_DETAIL, detail);
	if (row->growth > 0 && g_str_has_prefix(row->id, "lost"))
		hc_table_set_style(table, HC_STYLE_BAD);
	else if (depth || !row->is_memory || !row->growth)
		hc_table_set_style(table, HC_STYLE_DIM);
}

static bool is_shown(const hc_diff_row *row, bool verbose)
{
	return row->bytes_a || row->bytes_b || verbose;
}

/* The rows that are parts of PARENT (NULL: top rows), each with its own parts. */
static void add_rows(
	hc_table *table, const hc_diff *diff, const char *parent, bool is_memory, bool verbose, unsigned depth)
{
	for (unsigned i = 0; i < hc_diff_row_count(diff) && depth < 8; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (g_strcmp0(row->of, parent) || (!parent && row->is_memory != is_memory) || !is_shown(row, verbose))
			continue;
		add_row(table, diff, row, verbose, depth);
		add_rows(table, diff, row->id, is_memory, verbose, depth + 1);
	}
}

static void add_sum(hc_table *table, const char *title, uint64_t bytes_a, uint64_t bytes_b)
{
	hc_table_add_row(table);
	hc_table_set_plain(table, ROW_NAME, title);
	hc_table_set_number(table, ROW_A, bytes_a);
	hc_table_set_number(table, ROW_B, bytes_b);
	hc_table_set_growth(table, ROW_GROWTH, (int64_t)(bytes_b - bytes_a));
	hc_table_set_style(table, HC_STYLE_HEADING);
}

static void print_rows(const hc_diff *diff, const hc_analysis *a, const hc_analysis *b, hc_output *output)
{
	g_autoptr(hc_table) table = hc_table_create(row_columns, G_N_ELEMENTS(row_columns));
	bool verbose = output->options->verbose;
	uint64_t total_a = hc_memory_total(hc_analysis_memory(a)), total_b = hc_memory_total(hc_analysis_memory(b));
	uint64_t memory_a = 0, memory_b = 0;

	for (unsigned i = 0; i < hc_diff_row_count(diff); i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (row->of || !row->is_memory)
			continue;
		memory_a += row->bytes_a;
		memory_b += row->bytes_b;
	}
	add_rows(table, diff, NULL, true, verbose, 0);
	hc_table_add_rule(table, ROW_GROWTH);
	if (memory_a != total_a || memory_b != total_b) {
		add_sum(table, "memory", memory_a, memory_b);
		add_rows(table, diff, NULL, false, verbose, 0);
		hc_table_add_rule(table, ROW_GROWTH);
	}
	add_sum(table, "mapped address space", total_a, total_b);
	hc_output_text(output, "\n");
	hc_table_print(table, output);
}

static void print_side(const char *name, const hc_analysis *analysis, hc_output *output)
{
	g_autofree char *path = hc_text_escape(hc_core_path(hc_analysis_core(analysis)), -1);
	g_autofree char *process = hc_process_title(analysis);

	hc_output_printf(output, "%s  %s: %s\n", name, path, process);
}

static void print_sizes(const hc_diff *diff, hc_output *output)
{
	g_autoptr(hc_table) table = make_sizes(diff, output->options->verbose ? 0 : SIZES_SHOWN);
	unsigned more = hc_diff_size_count(diff) - hc_table_row_count(table);

	if (!hc_table_row_count(table))
		return;
	hc_output_text(output, "\n");
	hc_table_print(table, output);
	if (more)
		hc_output_printf(output, "%u size%s more (-v)\n", more, more == 1 ? "" : "s");
}

static void print_diff(const hc_diff *diff, const hc_analysis *a, const hc_analysis *b, hc_output *output)
{
	hc_sameness sameness = hc_diff_sameness(diff);
	bool comparable = sameness == HC_SAME_PROCESS || sameness == HC_SAME_PROGRAM;

	print_side("A", a, output);
	print_side("B", b, output);
	hc_output_style(output, comparable ? HC_STYLE_PLAIN : HC_STYLE_BAD);
	hc_output_wrapped(output, 0, 0, hc_diff_sameness_text(diff));
	hc_output_style(output, HC_STYLE_PLAIN);
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "VERDICT");
	hc_output_text(output, "  ");
	hc_output_wrapped(output, 9, 9, hc_diff_verdict(diff));
	print_rows(diff, a, b, output);
	hc_side_facts_print(diff, output);
	print_sizes(diff, output);
	hc_findings_print(hc_diff_findings(diff), hc_core_path(hc_analysis_core(b)), output);
	if (hc_diagnostics_count(hc_analysis_diagnostics(a)) || hc_diagnostics_count(hc_analysis_diagnostics(b)))
		hc_output_text(output, "\n");
	hc_diagnostics_print(hc_analysis_diagnostics(a), "A", output);
	hc_diagnostics_print(hc_analysis_diagnostics(b), "B", output);
}

bool hc_report_diff(const hc_diff *diff, const hc_analysis *a, const hc_analysis *b, const hc_report_options *options,
	GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, diff_json(diff, a, b, options));
	else
		print_diff(diff, a, b, output);
	return hc_output_finish(output, error);
}
