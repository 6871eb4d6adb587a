/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the search for pointers began, and where not, and why. JSON has each range; text adds up those of one kind and
 * reason, and has a line for each module's data.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

enum {
	MODULES_SHOWN = 8
};

static uint64_t root_size(const hc_root *root)
{
	return root->end - root->start;
}

static const char *root_kind(const hc_root *root)
{
	return root->registers ? "registers" : hc_area_kind_name(root->kind);
}

static const hc_thread *root_thread(const hc_analysis *analysis, const hc_root *root)
{
	bool is_stack = root->registers || root->kind == HC_AREA_STACK || root->kind == HC_AREA_STACK_UNUSED;

	return is_stack && root->owner < hc_core_thread_count(hc_analysis_core(analysis)) ?
		       hc_core_thread(hc_analysis_core(analysis), root->owner) :
		       NULL;
}

static const hc_module *root_module(const hc_analysis *analysis, const hc_root *root)
{
	bool is_data = !root->registers && root->kind == HC_AREA_MODULE_DATA;

	return is_data && root->owner < hc_modules_count(hc_analysis_modules(analysis)) ?
		       hc_modules_get(hc_analysis_modules(analysis), root->owner) :
		       NULL;
}

/* Rows: ranges of one kind, module and reason. */

typedef struct root_row {
	const hc_root *first;
	const hc_module *module;
	uint64_t ranges, bytes;
} root_row;

static int compare_rows(const void *a, const void *b)
{
	const root_row *x = a, *y = b;

	if (x->bytes != y->bytes)
		return (y->bytes > x->bytes) - (y->bytes < x->bytes);
	return (x->first->start > y->first->start) - (x->first->start < y->first->start);
}

/* GArray of root_row, largest first. */
static GArray *make_rows(const hc_analysis *analysis, bool used)
{
	const hc_references *references = hc_analysis_references(analysis);
	GArray *rows = g_array_new(FALSE, FALSE, sizeof(root_row));

	for (unsigned i = 0; i < hc_references_root_count(references); i++) {
		const hc_root *root = hc_references_root(references, i);
		const hc_module *module = root_module(analysis, root);
		root_row *row = NULL;

		if (root->used != used)
			continue;
		for (unsigned k = 0; k < rows->len && !row; k++) {
			root_row *other = &g_array_index(rows, root_row, k);

			if (other->module == module && other->first->reason == root->reason &&
				root_kind(other->first) == root_kind(root))
				row = other;
		}
		if (!row) {
			root_row fresh = { .first = root, .module = module };

			g_array_append_val(rows, fresh);
			row = &g_array_index(rows, root_row, rows->len - 1);
		}
		row->ranges++;
		row->bytes += root_size(root);
	}
	g_array_sort(rows, compare_rows);
	return rows;
}

static uint64_t sum_rows(const GArray *rows, uint64_t *ret_ranges)
{
	uint64_t bytes = 0;

	*ret_ranges = 0;
	for (unsigned i = 0; i < rows->len; i++) {
		bytes += g_array_index(rows, root_row, i).bytes;
		*ret_ranges += g_array_index(rows, root_row, i).ranges;
	}
	return bytes;
}

static uint64_t register_bytes(const hc_analysis *analysis)
{
	g_autoptr(GArray) rows = make_rows(analysis, true);
	uint64_t ranges, memory = sum_rows(rows, &ranges),
			 all = hc_references_get_totals(hc_analysis_references(analysis))->root_bytes;

	return all > memory ? all - memory : 0;
}

/* Text */

static const hc_column row_columns[] = {
	{ NULL, "RANGES", HC_CELL_COUNT },
	{ NULL, "SIZE", HC_CELL_SIZE },
	{ NULL, "WHAT", HC_CELL_TEXT },
	{ NULL, "WHY", HC_CELL_TEXT },
};

enum {
	ROW_RANGES,
	ROW_SIZE,
	ROW_WHAT,
	ROW_WHY
};

static void add_row(hc_table *table, uint64_t ranges, uint64_t bytes, const char *what, const char *why)
{
	hc_table_add_row(table);
	hc_table_set_number(table, ROW_RANGES, ranges);
	if (bytes)
		hc_table_set_number(table, ROW_SIZE, bytes);
	hc_table_set_text(table, ROW_WHAT, what);
	hc_table_set_plain(table, ROW_WHY, why);
}

static void print_rows(const hc_analysis *analysis, bool used, bool verbose, hc_output *output)
{
	g_autoptr(GArray) rows = make_rows(analysis, used);
	g_autoptr(hc_table) table = hc_table_create(row_columns, G_N_ELEMENTS(row_columns));
	uint64_t registers = used ? register_bytes(analysis) : 0, ranges, bytes = sum_rows(rows, &ranges);
	uint64_t more_ranges = 0, more_bytes = 0;
	unsigned modules = 0, more_modules = 0;
	char size[HC_TEXT_SIZE_LENGTH];

	hc_output_styled(output, HC_STYLE_HEADING, used ? "SEARCHED" : "NOT SEARCHED");
	hc_output_printf(output, " %s\n", hc_text_size(size, bytes + registers));
	for (unsigned i = 0; i < rows->len; i++) {
		const root_row *row = &g_array_index(rows, root_row, i);

		if (row->module && modules++ >= MODULES_SHOWN && !verbose) {
			more_modules++;
			more_ranges += row->ranges;
			more_bytes += row->bytes;
			continue;
		}
		g_autofree char *what = row->module ? g_strdup_printf("data of %s", row->module->name) :
						      g_strdup(root_kind(row->first));

		add_row(table, row->ranges, row->first->registers ? registers : row->bytes, what,
			hc_word_root(row->first->reason));
	}
	if (more_modules) {
		g_autofree char *what = g_strdup_printf("data of %u more", more_modules);

		add_row(table, more_ranges, more_bytes, what, "-v shows each");
	}
	hc_table_print(table, output);
	hc_output_text(output, "\n");
}

static void print_figures(const hc_analysis *analysis, hc_output *output)
{
	const hc_references_totals *totals = hc_references_get_totals(hc_analysis_references(analysis));
	hc_amount own = hc_blocks_labelled(hc_analysis_blocks(analysis), HC_ARENA_ALL);
	char words[HC_TEXT_COUNT_LENGTH], candidates[HC_TEXT_COUNT_LENGTH], blocks[HC_TEXT_COUNT_LENGTH],
		size[HC_TEXT_SIZE_LENGTH];
	g_autofree char *text = g_strdup_printf(
		"%s words were looked at, here and in the blocks that they led to; %s of them could be addresses in the heap. "
		"Blocks are searched when something leads to them; %s blocks (%s) of libc and the language's runtime count as reached.",
		hc_text_count(words, totals->words), hc_text_count(candidates, totals->candidates),
		hc_text_count(blocks, own.blocks), hc_text_size(size, own.bytes));

	hc_output_wrapped(output, 0, 0, text);
	hc_learned_print(hc_analysis_references(analysis), output);
}

/* JSON */

static json_t *root_json(const hc_analysis *analysis, const hc_root *root)
{
	const hc_thread *thread = root_thread(analysis, root);
	const hc_module *module = root_module(analysis, root);
	json_t *object = json_object();

	hc_json_set(object, "kind", json_string(root_kind(root)));
	hc_json_set(object, "start", root->registers ? json_null() : hc_json_address(root->start));
	hc_json_set(object, "end", root->registers ? json_null() : hc_json_address(root->end));
	hc_json_set(object, "size", root->registers ? json_null() : hc_json_number(root_size(root)));
	hc_json_set(object, "used", json_boolean(root->used));
	hc_json_set(object, "reason", json_string(hc_word_root(root->reason)));
	hc_json_set(object, "why", json_string(hc_root_reason_name(root->reason)));
	hc_json_set(object, "thread", thread ? json_integer(thread->id) : json_null());
	hc_json_set(object, "module", module ? hc_json_text(module->path) : json_null());
	return object;
}

static json_t *totals_json(const hc_analysis *analysis)
{
	const hc_references_totals *totals = hc_references_get_totals(hc_analysis_references(analysis));
	g_autoptr(GArray) unused = make_rows(analysis, false);
	uint64_t ranges;
	json_t *object = json_object();

	hc_json_set(object, "used_bytes", hc_json_number(totals->root_bytes));
	hc_json_set(object, "unused_bytes", hc_json_number(sum_rows(unused, &ranges)));
	hc_json_set(object, "words", hc_json_number(totals->words));
	hc_json_set(object, "candidates", hc_json_number(totals->candidates));
	hc_learned_json(hc_analysis_references(analysis), object);
	hc_json_set(object, "runtime", hc_json_amount(hc_blocks_labelled(hc_analysis_blocks(analysis), HC_ARENA_ALL)));
	return object;
}

static json_t *roots_json(const hc_analysis *analysis)
{
	const hc_references *references = hc_analysis_references(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	json_t *report = hc_json_report("roots"), *list = json_array();

	for (unsigned i = 0; i < hc_references_root_count(references); i++)
		json_array_append_new(list, root_json(analysis, hc_references_root(references, i)));
	hc_json_set(report, "totals", totals_json(analysis));
	hc_json_set(report, "roots", list);
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return report;
}

bool hc_report_roots(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON) {
		hc_json_write(output, roots_json(analysis));
	} else {
		print_rows(analysis, true, options->verbose, output);
		print_rows(analysis, false, options->verbose, output);
		print_figures(analysis, output);
		hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
	}
	return hc_output_finish(output, error);
}
