/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leaks: totals, groups, mappings, what was suppressed; every block if asked for. There may be millions of blocks: they are
 * written one by one behind the rest, in JSON too, where the report's last brace is written after them.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <inttypes.h>
#include <string.h>

enum {
	EVIDENCE_SHOWN = 2,
	DETAIL_INDENT = 4, /* columns */
	WORDS_INDENT = 11, /* behind "words: " */
	LINE_LENGTH = 256,
};

typedef struct leaks_report {
	const hc_analysis *analysis;
	const hc_leaks *leaks;
	const hc_leaks_view *view;
	hc_output *output;
	uint64_t listed; /* blocks */
	hc_site_answer *answers; /* of the groups that are shown; NULL: not asked */
} leaks_report;

/* Whether what looks lost may be pointed to from memory that the core lacks. */
static bool is_bound(const leaks_report *report)
{
	return hc_references_lost_is_bound(hc_analysis_references(report->analysis));
}

/* ---- totals ---- */

static void add_total(hc_records *records, const char *name, hc_amount amount)
{
	const hc_fact facts[] = {
		{ NULL, "", hc_value_plain(name) },
		{ NULL, "", hc_value_size(amount.bytes) },
		{ NULL, "", hc_value_take_plain(hc_unit_text(amount.blocks, "blocks")) },
	};

	hc_records_add(records, facts);
}

static void print_totals(const leaks_report *report)
{
	const hc_leaks_totals *totals = hc_leaks_get_totals(report->leaks);
	g_autoptr(hc_records) records = hc_records_create();
	bool bound = is_bound(report);

	add_total(records, bound ? "lost, at most" : "definitely lost", totals->definitely_lost);
	add_total(records, bound ? "indirectly, at most" : "indirectly lost", totals->indirectly_lost);
	add_total(records, "possibly lost", totals->possibly_lost);
	add_total(records, "still reachable", totals->still_reachable);
	if (totals->suppressed.blocks)
		add_total(records, "suppressed", totals->suppressed);
	hc_records_print(records, report->output);
	hc_learned_print(hc_analysis_references(report->analysis), report->output);
}

static json_t *totals_json(const leaks_report *report)
{
	const hc_leaks_totals *totals = hc_leaks_get_totals(report->leaks);
	const hc_references *references = hc_analysis_references(report->analysis);
	const hc_fact facts[] = {
		{ "definitely_lost", NULL, hc_value_amount(totals->definitely_lost) },
		{ "indirectly_lost", NULL, hc_value_amount(totals->indirectly_lost) },
		{ "possibly_lost", NULL, hc_value_amount(totals->possibly_lost) },
		{ "still_reachable", NULL, hc_value_amount(totals->still_reachable) },
		{ "suppressed", NULL, hc_value_amount(totals->suppressed) },
		{ "held_inside", NULL, hc_value_json(hc_held_inside_json(references)) },
		{ "encoded", NULL, hc_value_json(hc_encoded_json(references)) },
	};

	return hc_record_json(facts);
}

/* ---- one group, in JSON ---- */

static json_t *sizes_json(const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->size_count; i++) {
		const hc_leak_size *size = &group->sizes[i];
		const hc_fact facts[] = {
			{ "size", NULL, hc_value_if(size->size, hc_value_size(size->size)) },
			{ "blocks", NULL, hc_value_count(size->blocks) },
		};

		json_array_append_new(array, hc_record_json(facts));
	}
	return array;
}

static json_t *modules_json(const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->module_count; i++) {
		const hc_leak_module *module = &group->modules[i];
		const hc_fact facts[] = {
			{ "module", NULL, hc_value_text(module->module->name) },
			{ "path", NULL, hc_value_text(module->module->path) },
			{ "words", NULL, hc_value_count(module->words) },
			{ "vtables", NULL, hc_value_count(module->vtables) },
			{ "evidence", NULL, hc_value_count(module->evidence) },
		};

		json_array_append_new(array, hc_record_json(facts));
	}
	return array;
}

static json_t *words_json(hc_modules *modules, const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->word_count; i++) {
		const hc_leak_word *word = &group->words[i];
		char *symbol = word->value ? hc_word_address_in(modules, word->value) : NULL;
		const hc_fact facts[] = {
			{ "kind", NULL, hc_value_plain(hc_word_kind_name(word->kind)) },
			{ "module", NULL, hc_value_text(word->module ? word->module->name : NULL) },
			{ "symbol", NULL, hc_value_take_text(symbol) },
		};

		json_array_append_new(array, hc_record_json(facts));
	}
	return array;
}

static json_t *evidence_json(const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->evidence_count; i++) {
		const hc_leak_evidence *evidence = &group->evidence[i];
		bool is_known = evidence->size > 0;
		const hc_fact facts[] = {
			{ "where", NULL, hc_value_plain(evidence->on_stack ? "stack" : "freed") },
			{ "heads", NULL, hc_value_count(evidence->heads) },
			{ "size", NULL, hc_value_if(is_known, hc_value_size(evidence->size)) },
			{ "offset", NULL, hc_value_if(is_known, hc_value_size(evidence->offset)) },
			{ "module", NULL, hc_value_text(evidence->module ? evidence->module->name : NULL) },
			{ "type", NULL, hc_value_text(evidence->type) },
			{ "by_others", NULL, hc_value_flag(evidence->by_others) },
			{ "text", NULL, hc_value_take_text(hc_word_leak_evidence(group, evidence)) },
		};

		json_array_append_new(array, hc_record_json(facts));
	}
	return array;
}

static json_t *examples_json(const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < HC_LEAK_EXAMPLES_MAX && group->examples[i]; i++)
		json_array_append_new(array, hc_json_address(group->examples[i]));
	return array;
}

/* ---- the groups ---- */

static const hc_site_answer *answer_of(const leaks_report *report, const hc_leak_group *group)
{
	return report->answers ? &report->answers[group->index] : NULL;
}

static void add_group(const leaks_report *report, hc_records *records, const hc_leak_group *group)
{
	const hc_module *owner = hc_leak_group_owner(group);
	const char *class = hc_leak_class_name(group->class);
	bool knows_resident = hc_core_knows_resident(hc_analysis_core(report->analysis));
	bool at_most = group->class == HC_LEAK_LOST && is_bound(report);
	hc_modules *modules = hc_analysis_modules(report->analysis);
	const hc_fact facts[] = {
		{ "group", "", hc_value_count(group->index + 1) },
		{ "class", NULL, hc_value_plain(class) },
		{ NULL, "CLASS", hc_value_plain(at_most ? "at most lost" : class) },
		{ "bytes", "BYTES", hc_value_size(hc_leak_group_amount(group).bytes) },
		{ "resident", "RESIDENT", hc_value_if(knows_resident, hc_value_size(group->resident)) },
		{ "blocks", "BLOCKS", hc_value_count(hc_leak_group_amount(group).blocks) },
		{ "trees", "HEADS", hc_value_count(group->trees) },
		{ NULL, "SIZES", hc_value_take_plain(hc_word_leak_sizes(group)) },
		{ "sizes", NULL, hc_value_json(sizes_json(group)) },
		{ "heads", NULL, hc_value_amount(group->heads) },
		{ "others", NULL, hc_value_amount(group->others) },
		{ "rings", NULL, hc_value_count(group->rings) },
		{ "holding_themselves", NULL, hc_value_count(group->holding_themselves) },
		{ "unloaded", NULL, hc_value_count(group->unloaded) },
		{ "owner", NULL, hc_value_text(owner ? owner->name : NULL) },
		{ "type", NULL, hc_value_text(group->type) },
		{ "beginning", NULL, hc_value_text(group->beginning) },
		{ "sample", NULL, hc_value_text(group->sample) },
		{ "modules", NULL, hc_value_json(modules_json(group)) },
		{ "words", NULL, hc_value_json(words_json(modules, group)) },
		{ "evidence", NULL, hc_value_json(evidence_json(group)) },
		{ "examples", NULL, hc_value_json(examples_json(group)) },
		{ "sites", NULL, hc_value_json(hc_site_answer_json(answer_of(report, group))) },
		{ "suppression", NULL, hc_value_text(group->suppression) },
		{ NULL, "WHOSE: WHAT", hc_value_take_text(hc_word_leak(group)) },
	};

	hc_records_add(records, facts);
	if (group->suppression)
		hc_records_set_style(records, HC_STYLE_DIM);
}

static unsigned shown_groups(const leaks_report *report)
{
	return hc_limited(hc_leaks_group_count(report->leaks), report->view->limit);
}

static hc_records *make_groups(const leaks_report *report)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < shown_groups(report); i++)
		add_group(report, records, hc_leaks_group(report->leaks, i));
	return records;
}

/* Behind the table, as lines of their own: what is too wide for a cell. */
typedef struct detail {
	unsigned indent; /* of its later lines */
	char *text;
} detail;

static void clear_detail(void *data)
{
	g_free(((detail *)data)->text);
}

/* TEXT is taken; nothing if it is NULL. */
static void add_detail(GArray *details, unsigned indent, char *text)
{
	const detail added = { indent, text };

	if (text)
		g_array_append_val(details, added);
}

static GArray *details_of(const leaks_report *report, const hc_leak_group *group)
{
	GArray *details = g_array_new(FALSE, FALSE, sizeof(detail));
	bool is_verbose = report->output->options->verbose;
	unsigned shown = is_verbose ? group->evidence_count : MIN(group->evidence_count, EVIDENCE_SHOWN);

	g_array_set_clear_func(details, clear_detail);
	add_detail(details, DETAIL_INDENT, hc_word_leak_rings(group));
	add_detail(details, DETAIL_INDENT, hc_word_leak_unloaded(group));
	if (answer_of(report, group))
		add_detail(details, DETAIL_INDENT, hc_word_site_answer(answer_of(report, group)));
	add_detail(details, WORDS_INDENT, hc_word_leak_words(hc_analysis_modules(report->analysis), group));
	for (unsigned i = 0; i < shown; i++) {
		const hc_leak_evidence *evidence = &group->evidence[i];

		/* "freed memory" says nothing. */
		if (evidence->module || evidence->size || is_verbose)
			add_detail(details, DETAIL_INDENT, hc_word_leak_evidence(group, evidence));
	}
	return details;
}

static bool are_alike(const GArray *a, const GArray *b)
{
	bool alike = a->len && a->len == b->len;

	for (unsigned i = 0; alike && i < a->len; i++)
		alike = !strcmp(g_array_index(a, detail, i).text, g_array_index(b, detail, i).text);
	return alike;
}

/* Of the groups FIRST to LAST, of which all of DETAILS is true; the examples are the first one's. */
static void print_details(
	const GArray *details, const hc_leak_group *first, const hc_leak_group *last, hc_output *output)
{
	if (first == last)
		hc_output_printf(output, "%u: at", first->index + 1);
	else
		hc_output_printf(output, "%u to %u: the first at", first->index + 1, last->index + 1);
	for (unsigned i = 0; i < HC_LEAK_EXAMPLES_MAX && first->examples[i]; i++)
		hc_output_printf(output, " 0x%" PRIx64, first->examples[i]);
	hc_output_text(output, first->trees > HC_LEAK_EXAMPLES_MAX ? " ...\n" : "\n");
	for (unsigned i = 0; i < details->len; i++) {
		const detail *told = &g_array_index(details, detail, i);
		g_autofree char *shown = hc_text_escape(told->text, -1);

		hc_output_spaces(output, DETAIL_INDENT);
		hc_output_wrapped(output, DETAIL_INDENT, told->indent, shown);
	}
}

/* What is said of several groups one after the other in the same words is said once. */
static void print_all_details(const leaks_report *report, unsigned count)
{
	for (unsigned i = 0; i < count;) {
		const hc_leak_group *first = hc_leaks_group(report->leaks, i), *last = first;
		g_autoptr(GArray) details = details_of(report, first);

		for (i++; i < count; i++) {
			const hc_leak_group *next = hc_leaks_group(report->leaks, i);
			g_autoptr(GArray) others = details_of(report, next);

			if (!are_alike(details, others))
				break;
			last = next;
		}
		print_details(details, first, last, report->output);
	}
}

static void print_groups(const leaks_report *report)
{
	g_autoptr(hc_records) groups = make_groups(report);
	unsigned count = hc_leaks_group_count(report->leaks), shown = shown_groups(report);

	if (!count)
		return;
	hc_output_text(report->output, "\n");
	hc_records_print(groups, report->output);
	if (shown < count) {
		g_autofree char *text = hc_word_leaks_shown(shown, count);

		hc_output_printf(report->output, "%s\n", text);
	}
	hc_output_text(report->output, "\n");
	print_all_details(report, shown);
}

/* ---- mappings ---- */

static hc_records *make_mappings(const hc_leaks *leaks)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < hc_leaks_mapping_count(leaks); i++) {
		const hc_area *area = hc_leaks_mapping(leaks, i);
		const hc_fact facts[] = {
			{ "start", "START", hc_value_address(area->start) },
			{ "end", "END", hc_value_address(area->end) },
			{ "size", "SIZE", hc_value_size(area->end - area->start) },
			{ "note", "", hc_value_take_text(hc_word_area(area)) },
		};

		hc_records_add(records, facts);
	}
	return records;
}

static void print_mappings(const leaks_report *report)
{
	g_autoptr(hc_records) mappings = make_mappings(report->leaks);

	if (!hc_leaks_mapping_count(report->leaks))
		return;
	hc_output_text(report->output, "\n");
	hc_output_styled(report->output, HC_STYLE_HEADING, "ANONYMOUS MAPPINGS THAT NOTHING POINTS TO");
	hc_output_text(report->output, "\n");
	hc_records_print(mappings, report->output);
}

/* ---- suppressions ---- */

static hc_records *make_suppressions(const hc_suppressions *suppressions, bool unused_too)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; suppressions && i < hc_suppressions_count(suppressions); i++) {
		hc_amount used = hc_suppressions_used(suppressions, i);
		const hc_fact facts[] = {
			{ "name", "SUPPRESSION", hc_value_text(hc_suppressions_name(suppressions, i)) },
			{ "blocks", "BLOCKS", hc_value_count(used.blocks) },
			{ "bytes", "BYTES", hc_value_size(used.bytes) },
		};

		if (used.blocks || unused_too)
			hc_records_add(records, facts);
	}
	return records;
}

static void print_suppressions(const leaks_report *report)
{
	g_autoptr(hc_records) records = make_suppressions(report->view->suppressions, report->output->options->verbose);

	if (!hc_records_count(records))
		return;
	hc_output_text(report->output, "\n");
	hc_records_print(records, report->output);
}

/* ---- blocks ---- */

static bool list_block(const hc_block *block, hc_reach reach, hc_address head, const hc_leak_group *group, void *data)
{
	leaks_report *report = data;
	char *line = hc_output_reserve(report->output, LINE_LENGTH);
	unsigned number = group ? group->index + 1 : 0;

	if (report->output->options->format == HC_REPORT_JSON)
		line += g_snprintf(line, LINE_LENGTH,
			"%s\n    {\"address\": \"0x%" PRIx64 "\", \"size\": %" PRIu64
			", \"reach\": \"%s\", \"head\": \"0x%" PRIx64 "\", \"group\": %u}",
			report->listed ? "," : "", block->address, block->size, hc_reach_name(reach), head, number);
	else
		line += g_snprintf(line, LINE_LENGTH, "0x%-16" PRIx64 " %12" PRIu64 "  %-15s  0x%-16" PRIx64 " %5u\n",
			block->address, block->size, hc_reach_name(reach), head, number);
	hc_output_commit(report->output, line);
	report->listed++;
	return !report->output->sink.failed;
}

static bool list_blocks(leaks_report *report, GError **error)
{
	if (hc_leaks_each_block(report->leaks, list_block, report))
		return true;
	g_set_error_literal(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to list the lost blocks");
	return false;
}

/* ---- all of it ---- */

/* Of a heap that was not read nothing is known: no figure is 0. */
static const hc_heap_info *heap_of(const leaks_report *report)
{
	return hc_blocks_heap(hc_analysis_blocks(report->analysis));
}

static bool write_text(leaks_report *report, GError **error)
{
	hc_output *output = report->output;
	const hc_process *process = hc_core_process(hc_analysis_core(report->analysis));
	g_autofree char *unknown = hc_word_leaks_unknown(heap_of(report), process),
			*shown = unknown ? hc_text_escape(unknown, -1) : NULL;

	hc_missing_print(hc_analysis_references(report->analysis), output);
	if (shown)
		hc_output_printf(output, "%s\n", shown);
	else
		print_totals(report);
	print_groups(report);
	print_mappings(report);
	print_suppressions(report);
	if (report->view->addresses && hc_leaks_group_count(report->leaks)) {
		hc_output_text(output, "\n");
		hc_output_style(output, HC_STYLE_HEADING);
		hc_output_printf(output, "%-18s %12s  %-15s  %-18s %5s", "ADDRESS", "SIZE", "REACH", "HEAD", "GROUP");
		hc_output_style(output, HC_STYLE_PLAIN);
		hc_output_text(output, "\n");
		if (!list_blocks(report, error))
			return false;
	}
	if (hc_leaks_group_count(report->leaks)) {
		hc_output_text(output, "\n");
		hc_output_styled(output, HC_STYLE_DIM, hc_word_leaks_untold());
		hc_output_text(output, "\n");
		if (report->view->sites)
			hc_output_sentence(report->output, 0, 0, hc_word_sites_unread(report->view->sites));
	}
	hc_diagnostics_print(hc_analysis_diagnostics(report->analysis), NULL, output);
	return true;
}

static json_t *make_json(const leaks_report *report)
{
	const hc_leaks *leaks = report->leaks;
	g_autoptr(hc_records) groups = make_groups(report), mappings = make_mappings(leaks),
			      suppressions = make_suppressions(report->view->suppressions, true);
	const hc_fact facts[] = {
		{ "totals", NULL, hc_value_json(heap_of(report)->found ? totals_json(report) : NULL) },
		{ "missing", NULL, hc_value_json(hc_missing_json(hc_analysis_references(report->analysis))) },
		{ "group_count", NULL, hc_value_count(hc_leaks_group_count(leaks)) },
		{ "groups", NULL, hc_value_json(hc_records_json(groups)) },
		{ "mappings", NULL, hc_value_json(hc_records_json(mappings)) },
		{ "suppressions", NULL, hc_value_json(hc_records_json(suppressions)) },
		{ "allocation_site", NULL, hc_value_none() },
		{ "code", NULL, hc_value_json(report->view->sites ? hc_code_json(report->view->sites) : NULL) },
	};

	return hc_report_json("leaks", facts, hc_analysis_diagnostics(report->analysis));
}

static bool write_json(leaks_report *report, GError **error)
{
	json_t *object = make_json(report);
	char *text, *end;

	if (!report->view->addresses) {
		hc_json_write(report->output, object);
		return true;
	}
	text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	end = text ? strrchr(text, '}') : NULL;
	if (end) {
		while (end > text && end[-1] == '\n')
			end--;
		hc_output_bytes(report->output, text, end - text);
	}
	free(text); /* jansson's, by malloc */
	hc_output_text(report->output, ",\n  \"blocks\": [");
	if (!list_blocks(report, error))
		return false;
	hc_output_text(report->output, "\n  ]\n}\n");
	return true;
}

/* For want of memory nothing is told of calls. */
static void ask_sites(leaks_report *report)
{
	unsigned count = shown_groups(report);

	if (!report->view->sites || !count || hc_sites_why_none(report->view->sites))
		return;
	report->answers = g_new0(hc_site_answer, count);
	hc_sites_ask_leaks(report->view->sites, report->leaks, NULL, count, report->answers);
	for (unsigned i = 0; i < count; i++)
		hc_site_answer_place(report->view->sites, &report->answers[i], report->output->options);
}

static void forget_sites(leaks_report *report)
{
	for (unsigned i = 0; report->answers && i < shown_groups(report); i++)
		hc_site_answer_clear(&report->answers[i]);
	g_clear_pointer(&report->answers, g_free);
}

bool hc_report_leaks(const hc_analysis *analysis, const hc_leaks *leaks, const hc_leaks_view *view,
	const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	leaks_report report = { .analysis = analysis, .leaks = leaks, .view = view, .output = output };
	bool written;

	ask_sites(&report);
	written = options->format == HC_REPORT_JSON ? write_json(&report, error) : write_text(&report, error);
	forget_sites(&report);
	return written && hc_output_finish(output, error);
}
