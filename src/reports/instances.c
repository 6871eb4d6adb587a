/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The blocks of one type: where each is, who holds it, what it says.
 *
 * All are counted, and only those that are shown are kept: 12 bytes each. By size, twice as many as are to be shown are collected at most,
 * and cut back to the largest whenever there are so many.
 */
#include "reports/parts.h"

#include "base/error.h"
#include "base/text.h"
#include "values/values.h"
#include "wording/wording.h"

#include <inttypes.h>

enum {
	MEMBERS = 4,	     /* of a value in a row */
	VALUE_COLUMNS = 100, /* of it, unless nothing is to be shortened */
	PREVIEW = 60,
	LEAST_ROOM = 1024,
};

typedef struct instance {
	uint64_t size;
	uint32_t number;
} instance;

struct instances {
	const hc_analysis *analysis;
	const hc_instances_view *view;
	GArray *kept; /* of instance */
	hc_amount all;
	uint64_t least; /* smaller ones are not among those to show */
};

static int larger_first(const void *a, const void *b)
{
	const instance *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return (x->number > y->number) - (x->number < y->number);
}

static void keep(struct instances *instances, const hc_block *block)
{
	uint64_t limit = instances->view->limit;
	bool by_size = instances->view->order == HC_CHUNKS_BY_SIZE;
	const instance one = { block->size, block->number };

	hc_amount_count(&instances->all, block->size);
	if (!by_size && limit && instances->kept->len >= limit)
		return;
	if (block->size < instances->least)
		return;
	g_array_append_val(instances->kept, one);
	if (by_size && limit && limit < LEAST_ROOM * LEAST_ROOM && instances->kept->len >= 2 * MAX(limit, LEAST_ROOM)) {
		g_array_sort(instances->kept, larger_first);
		g_array_set_size(instances->kept, (unsigned)limit);
		instances->least = g_array_index(instances->kept, instance, limit - 1).size;
	}
}

static void collect(struct instances *instances, const hc_selection *selection)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, hc_analysis_blocks(instances->analysis));
	while (hc_block_iterator_next(&iterator, &block))
		if (hc_selection_has(selection, &block))
			keep(instances, &block);
	if (instances->view->order == HC_CHUNKS_BY_SIZE)
		g_array_sort(instances->kept, larger_first);
	if (instances->view->limit && instances->kept->len > instances->view->limit)
		g_array_set_size(instances->kept, (unsigned)instances->view->limit);
}

/* What BLOCK says: by its type, or as it looks. Escaped; NULL: nothing. */
static char *value_of(const hc_analysis *analysis, const hc_block *block)
{
	char *value = hc_types_format_block(hc_analysis_types(analysis), block, MEMBERS);
	g_autofree char *preview = value ? NULL : hc_preview(analysis, block, PREVIEW);

	return preview ? hc_text_escape(preview, -1) : value;
}

/* VALUE, which is taken, no longer than a row. */
static char *shorten(char *value, bool verbose)
{
	g_autofree char *taken = value;

	if (!value || verbose || g_utf8_strlen(value, -1) <= VALUE_COLUMNS)
		return g_steal_pointer(&taken);
	g_autofree char *start = g_utf8_substring(value, 0, VALUE_COLUMNS);

	return g_strconcat(start, "...", NULL);
}

static void add_row(hc_records *records, const hc_analysis *analysis, uint32_t number, bool is_text, bool verbose)
{
	g_auto(hc_block_type) type = { .certainty = HC_CERTAINTY_UNKNOWN };
	hc_block block;

	if (!hc_blocks_get(hc_analysis_blocks(analysis), number, &block))
		return;
	if (block.label)
		type.certainty = HC_CERTAINTY_CERTAIN;
	else
		hc_types_of_block(hc_analysis_types(analysis), number, &type);
	char *value = value_of(analysis, &block);
	const char *certainty = hc_certainty_name(type.certainty);
	const hc_fact facts[] = {
		{ "address", "ADDRESS", hc_value_address(block.address) },
		{ "size", NULL, hc_value_size(block.size) },
		{ NULL, "SIZE", hc_value_count(block.size) },
		{ "certainty", "CERTAINTY", hc_value_plain(certainty) },
		{ "path", "OWNER", hc_value_text(type.path) },
		{ "value", "VALUE", hc_value_take_plain(is_text ? shorten(value, verbose) : value) },
	};

	hc_records_add(records, facts);
}

static hc_records *make_rows(const struct instances *instances, bool is_text, bool verbose)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < instances->kept->len; i++)
		add_row(records, instances->analysis, g_array_index(instances->kept, instance, i).number, is_text,
			verbose);
	return records;
}

/* Of the blocks that are listed. FALSE: nothing is to be told. */
static bool ask_sites(const struct instances *instances, const hc_report_options *options, hc_site_answer *ret_answer)
{
	const hc_blocks *blocks = hc_analysis_blocks(instances->analysis);
	g_autofree hc_address *addresses = g_new(hc_address, (size_t)instances->kept->len + 1);
	g_autofree uint64_t *sizes = g_new(uint64_t, (size_t)instances->kept->len + 1);
	unsigned count = 0;

	if (!instances->view->sites || hc_sites_why_none(instances->view->sites))
		return false;
	for (unsigned i = 0; i < instances->kept->len; i++) {
		hc_block block;

		if (!hc_blocks_get(blocks, g_array_index(instances->kept, instance, i).number, &block) || block.label)
			continue;
		addresses[count] = block.address;
		sizes[count++] = block.size;
	}
	if (!count)
		return false;
	hc_sites_ask_blocks(instances->view->sites, addresses, sizes, count, instances->all.blocks, NULL, ret_answer);
	hc_site_answer_place(instances->view->sites, ret_answer, options);
	return true;
}

static void print_sites(const struct instances *instances, hc_output *output)
{
	hc_site_answer answer;

	if (!ask_sites(instances, output->options, &answer))
		return;
	hc_output_sentence(output, 0, 0, hc_word_site_answer(&answer));
	hc_site_answer_clear(&answer);
}

static json_t *sites_json(const struct instances *instances, const hc_report_options *options)
{
	hc_site_answer answer;

	if (!ask_sites(instances, options, &answer))
		return NULL;
	json_t *object = hc_site_answer_json(&answer);

	hc_site_answer_clear(&answer);
	return object;
}

static void print(const struct instances *instances, hc_output *output)
{
	g_autoptr(hc_records) rows = make_rows(instances, true, output->options->verbose);
	g_autofree char *blocks = hc_unit_text(instances->all.blocks, "blocks");
	char size[HC_TEXT_SIZE_LENGTH];

	hc_records_print(rows, output);
	hc_output_printf(output, "%s, %s\n", blocks, hc_text_size(size, instances->all.bytes));
	hc_left_out_print((unsigned)MIN(instances->all.blocks, UINT_MAX), instances->view->limit, output);
	print_sites(instances, output);
	hc_debug_info_gaps_print(instances->analysis, output);
	hc_diagnostics_print(hc_analysis_diagnostics(instances->analysis), NULL, output);
}

static json_t *instances_json(const struct instances *instances, const hc_report_options *options)
{
	g_autoptr(hc_records) rows = make_rows(instances, false, true);
	const hc_fact facts[] = {
		{ "type", NULL, hc_value_text(instances->view->type) },
		{ "count", NULL, hc_value_count(instances->all.blocks) },
		{ "bytes", NULL, hc_value_count(instances->all.bytes) },
		{ "instances", NULL, hc_value_json(hc_records_json(rows)) },
		{ "sites", NULL, hc_value_json(sites_json(instances, options)) },
		{ "debug_info_gaps", NULL, hc_value_json(hc_debug_info_gaps_json(instances->analysis)) },
	};

	return hc_report_json("instances", facts, hc_analysis_diagnostics(instances->analysis));
}

bool hc_report_instances(
	const hc_analysis *analysis, const hc_instances_view *view, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autoptr(hc_selection) selection = hc_select_blocks(hc_analysis_types(analysis), view->type, NULL, error);
	g_autoptr(GArray) kept = NULL;
	struct instances instances = { analysis, view, NULL, { 0 }, 0 };

	if (!selection)
		return false;
	instances.kept = kept = g_array_new(FALSE, FALSE, sizeof(instance));
	collect(&instances, selection);
	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, instances_json(&instances, options));
	else
		print(&instances, output);
	return hc_output_finish(output, error);
}
