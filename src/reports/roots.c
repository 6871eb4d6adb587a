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

/* WHAT is taken. */
static void add_row(hc_records *table, uint64_t ranges, uint64_t bytes, char *what, const char *why)
{
	const hc_fact facts[] = {
		{ NULL, "RANGES", hc_value_count(ranges) },
		{ NULL, "SIZE", hc_value_if(bytes, hc_value_size(bytes)) },
		{ NULL, "WHAT", hc_value_take_text(what) },
		{ NULL, "WHY", hc_value_plain(why) },
	};

	hc_records_add(table, facts);
}

static void print_rows(const hc_analysis *analysis, bool used, bool verbose, hc_output *output)
{
	g_autoptr(GArray) rows = make_rows(analysis, used);
	g_autoptr(hc_records) table = hc_records_create();
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
		add_row(table, row->ranges, row->first->registers ? registers : row->bytes,
			row->module ? hc_word_root_data(row->module->name) : g_strdup(root_kind(row->first)),
			hc_word_root(row->first->reason));
	}
	if (more_modules)
		add_row(table, more_ranges, more_bytes, hc_word_root_data_of_more(more_modules), "-v shows each");
	hc_records_print(table, output);
	hc_output_text(output, "\n");
}

static void print_figures(const hc_analysis *analysis, hc_output *output)
{
	g_autofree char *text = hc_word_search(hc_references_get_totals(hc_analysis_references(analysis)),
		hc_blocks_labelled(hc_analysis_blocks(analysis), HC_ARENA_ALL));

	hc_output_wrapped(output, 0, 0, text);
	hc_learned_print(hc_analysis_references(analysis), output);
}

/* JSON */

static void add_root(hc_records *records, const hc_analysis *analysis, const hc_root *root)
{
	const hc_thread *thread = root_thread(analysis, root);
	const hc_module *module = root_module(analysis, root);
	bool is_memory = !root->registers;
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(root_kind(root)) },
		{ "start", NULL, hc_value_if(is_memory, hc_value_address(root->start)) },
		{ "end", NULL, hc_value_if(is_memory, hc_value_address(root->end)) },
		{ "size", NULL, hc_value_if(is_memory, hc_value_size(root_size(root))) },
		{ "used", NULL, hc_value_flag(root->used) },
		{ "reason", NULL, hc_value_plain(hc_word_root(root->reason)) },
		{ "why", NULL, hc_value_plain(hc_root_reason_name(root->reason)) },
		{ "thread", NULL, thread ? hc_value_id(thread->id) : hc_value_none() },
		{ "module", NULL, hc_value_text(module ? module->path : NULL) },
	};

	hc_records_add(records, facts);
}

static json_t *totals_json(const hc_analysis *analysis)
{
	const hc_references *references = hc_analysis_references(analysis);
	const hc_references_totals *totals = hc_references_get_totals(references);
	hc_amount runtime = hc_blocks_labelled(hc_analysis_blocks(analysis), HC_ARENA_ALL);
	g_autoptr(GArray) unused = make_rows(analysis, false);
	uint64_t ranges;
	const hc_fact facts[] = {
		{ "used_bytes", NULL, hc_value_size(totals->root_bytes) },
		{ "unused_bytes", NULL, hc_value_size(sum_rows(unused, &ranges)) },
		{ "words", NULL, hc_value_count(totals->words) },
		{ "candidates", NULL, hc_value_count(totals->candidates) },
		{ "held_inside", NULL, hc_value_json(hc_held_inside_json(references)) },
		{ "encoded", NULL, hc_value_json(hc_encoded_json(references)) },
		{ "runtime", NULL, hc_value_amount(runtime) },
	};

	return hc_record_json(facts);
}

static json_t *roots_json(const hc_analysis *analysis)
{
	const hc_references *references = hc_analysis_references(analysis);
	g_autoptr(hc_records) roots = hc_records_create();

	for (unsigned i = 0; i < hc_references_root_count(references); i++)
		add_root(roots, analysis, hc_references_root(references, i));
	const hc_fact facts[] = {
		{ "totals", NULL, hc_value_json(totals_json(analysis)) },
		{ "roots", NULL, hc_value_json(hc_records_json(roots)) },
	};

	return hc_report_json("roots", facts, hc_analysis_diagnostics(analysis));
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
