/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leaks: totals, groups, mappings, what was suppressed; every block if asked for. There may be millions of blocks: they are
 * written one by one behind the rest, in JSON too, where the report's last brace is written after them.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <string.h>

enum {
	SIZES_SHOWN = 3,
	MODULES_SHOWN = 3,
	WORDS_SHOWN = 12,
	EVIDENCE_SHOWN = 2,
	CONTENT_COLUMNS = 40,
	LINE_LENGTH = 256,
};

typedef struct leaks_report {
	const hc_analysis *analysis;
	const hc_leaks *leaks;
	const hc_leaks_view *view;
	hc_output *output;
	uint64_t listed; /* blocks */
} leaks_report;

/* Whether what looks lost may be pointed to from memory that the core lacks. */
static bool is_bound(const leaks_report *report)
{
	return hc_references_missing_count(hc_analysis_references(report->analysis)) > 0;
}

/* ---- totals ---- */

static const hc_column total_columns[] = {
	{ NULL, "", HC_CELL_TEXT },
	{ NULL, "", HC_CELL_SIZE },
	{ NULL, "", HC_CELL_TEXT },
};

static void add_total(hc_table *table, const char *name, hc_amount amount)
{
	g_autofree char *blocks = hc_unit_text(amount.blocks, "blocks");

	hc_table_add_row(table);
	hc_table_set_plain(table, 0, name);
	hc_table_set_number(table, 1, amount.bytes);
	hc_table_set_plain(table, 2, blocks);
}

static void print_totals(const leaks_report *report)
{
	const hc_leaks_totals *totals = hc_leaks_get_totals(report->leaks);
	g_autoptr(hc_table) table = hc_table_create(total_columns, G_N_ELEMENTS(total_columns));

	bool bound = is_bound(report);

	add_total(table, bound ? "lost, at most" : "definitely lost", totals->definitely_lost);
	add_total(table, bound ? "indirectly, at most" : "indirectly lost", totals->indirectly_lost);
	add_total(table, "possibly lost", totals->possibly_lost);
	add_total(table, "still reachable", totals->still_reachable);
	if (totals->suppressed.blocks)
		add_total(table, "suppressed", totals->suppressed);
	hc_table_print(table, report->output);
	hc_learned_print(hc_analysis_references(report->analysis), report->output);
}

static json_t *totals_json(const hc_leaks *leaks, const hc_references *references)
{
	const hc_leaks_totals *totals = hc_leaks_get_totals(leaks);
	json_t *object = json_object();

	hc_json_set(object, "definitely_lost", hc_json_amount(totals->definitely_lost));
	hc_json_set(object, "indirectly_lost", hc_json_amount(totals->indirectly_lost));
	hc_json_set(object, "possibly_lost", hc_json_amount(totals->possibly_lost));
	hc_json_set(object, "still_reachable", hc_json_amount(totals->still_reachable));
	hc_json_set(object, "suppressed", hc_json_amount(totals->suppressed));
	hc_learned_json(references, object);
	return object;
}

/* ---- one group, in words ---- */

/* "2,500 x 3.9 KiB, 2,497 x 1.5 KiB, ..." */
static char *sizes_text(const hc_leak_group *group)
{
	GString *text = g_string_new(NULL);
	unsigned shown = MIN(group->size_count, SIZES_SHOWN);

	for (unsigned i = 0; i < shown; i++) {
		char blocks[HC_TEXT_COUNT_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];

		if (!group->sizes[i].size)
			g_string_append_printf(
				text, "%s%s others", i ? ", " : "", hc_text_count(blocks, group->sizes[i].blocks));
		else
			g_string_append_printf(text, "%s%s x %s", i ? ", " : "",
				hc_text_count(blocks, group->sizes[i].blocks),
				hc_text_size(bytes, group->sizes[i].size));
	}
	if (group->size_count > shown)
		g_string_append(text, ", ...");
	return g_string_free(text, FALSE);
}

/* Names of modules, the most probable owner first. NULL: none. */
static char *whose_text(const hc_leak_group *group)
{
	GString *text = g_string_new(NULL);

	unsigned shown = 0;

	if (hc_leak_group_is_unloaded(group))
		g_string_append(text, "an unloaded library");
	for (unsigned i = 0; i < group->module_count && shown < MODULES_SHOWN; i++)
		if (hc_leak_group_is_of(group, &group->modules[i]))
			g_string_append_printf(text, "%s%s", shown++ ? ", " : "", group->modules[i].module->name);
	if (text->len)
		return g_string_free(text, FALSE);
	g_string_free(text, TRUE);
	return NULL;
}

/* The type, the text or the ring: what one would call it. Escaped; NULL: nothing. */
static char *what_text(const hc_leak_group *group)
{
	GString *text = g_string_new(NULL);
	const char *content = group->sample;

	if (group->type) {
		g_autofree char *type = hc_text_escape(group->type, -1);

		g_string_append(text, type);
	}
	if (content) {
		bool cut = g_utf8_strlen(content, -1) > CONTENT_COLUMNS;
		g_autofree char *escaped = hc_text_escape(content, cut ? CONTENT_COLUMNS : -1);

		g_string_append_printf(text, "%s%s\"%s%s", text->len ? ", " : "",
			group->beginning || group->trees == 1 ? "" : "such as ", escaped, cut ? "\"..." : "\"");
	}
	if (group->rings)
		g_string_append_printf(text, "%sROOT CYCLE", text->len ? ", " : "");
	if (group->suppression) {
		g_autofree char *name = hc_text_escape(group->suppression, -1);

		g_string_append_printf(text, "%ssuppressed by [%s]", text->len ? ", " : "", name);
	}
	if (text->len)
		return g_string_free(text, FALSE);
	g_string_free(text, TRUE);
	return NULL;
}

/* One word: "heap", "libx.so (codec_ops)", "zero". */
static char *word_text(const hc_analysis *analysis, const hc_leak_word *word)
{
	g_autofree char *description = NULL;

	if (word->kind == HC_WORD_UNLOADED)
		return g_strdup("unloaded library");
	if (word->kind != HC_WORD_MODULE || !word->module)
		return g_strdup(hc_word_kind_name(word->kind));
	if (word->value)
		description = hc_word_address_in(hc_analysis_modules(analysis), word->value);
	return description ? hc_text_escape(description, -1) : hc_text_escape(word->module->name, -1);
}

/* "words: heap, zero x 3, codec_ops in libx.so, ..."; NULL if they say nothing. */
static char *words_text(const hc_analysis *analysis, const hc_leak_group *group)
{
	GString *text = g_string_new("words: ");
	unsigned shown = 0, i = 0;
	bool telling = false;

	while (i < group->word_count && shown < WORDS_SHOWN) {
		g_autofree char *word = word_text(analysis, &group->words[i]);
		unsigned run = 1;

		telling |= group->words[i].kind == HC_WORD_HEAP || group->words[i].kind == HC_WORD_MODULE;
		for (; i + run < group->word_count; run++) {
			const hc_leak_word *next = &group->words[i + run];

			if (next->kind != group->words[i].kind || next->module != group->words[i].module ||
				next->value != group->words[i].value)
				break;
		}
		g_string_append_printf(text, "%s%s", shown++ ? ", " : "", word);
		if (run > 1)
			g_string_append_printf(text, " x %u", run);
		i += run;
	}
	if (i < group->word_count)
		g_string_append(text, ", ...");
	if (telling)
		return g_string_free(text, FALSE);
	g_string_free(text, TRUE);
	return NULL;
}

static char *evidence_text(const hc_leak_group *group, const hc_leak_evidence *evidence)
{
	g_autofree char *heads = hc_unit_text(evidence->heads, "heads");
	g_autofree char *module = evidence->module ? hc_text_escape(evidence->module->name, -1) : NULL;
	g_autofree char *type = evidence->type ? hc_text_escape(evidence->type, -1) : NULL;
	GString *text = g_string_new(NULL);
	char size[HC_TEXT_COUNT_LENGTH];

	if (group->trees != evidence->heads)
		g_string_append_printf(text, "%s ", heads);
	g_string_append(text, "last pointed to from ");
	if (evidence->on_stack) {
		g_string_append_printf(text, "dead stack, in a frame that returns into %s", module);
		return g_string_free(text, FALSE);
	}
	if (evidence->size)
		g_string_append_printf(text, "a freed block of %s bytes", hc_text_count(size, evidence->size));
	else
		g_string_append(text, "freed memory");
	if (evidence->size)
		g_string_append_printf(text, " (at offset %s)", hc_text_count(size, evidence->offset));
	if (evidence->by_others)
		g_string_append_printf(
			text, "; live blocks of its kind are %s%sof %s", type ? type : "", type ? ", " : "", module);
	else if (module)
		g_string_append_printf(text, " that points into %s%s%s%s", module, type ? " (" : "", type ? type : "",
			type ? ")" : "");
	return g_string_free(text, FALSE);
}

/* ---- one group, in JSON ---- */

static json_t *sizes_json(const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->size_count; i++) {
		json_t *object = json_object();

		hc_json_set(object, "size", group->sizes[i].size ? hc_json_number(group->sizes[i].size) : json_null());
		hc_json_set(object, "blocks", hc_json_number(group->sizes[i].blocks));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *modules_json(const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->module_count; i++) {
		const hc_leak_module *module = &group->modules[i];
		json_t *object = json_object();

		hc_json_set(object, "module", hc_json_text(module->module->name));
		hc_json_set(object, "path", hc_json_text(module->module->path));
		hc_json_set(object, "words", hc_json_number(module->words));
		hc_json_set(object, "vtables", hc_json_number(module->vtables));
		hc_json_set(object, "evidence", hc_json_number(module->evidence));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *words_json(const hc_analysis *analysis, const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->word_count; i++) {
		const hc_leak_word *word = &group->words[i];
		g_autofree char *symbol = word->value ? hc_word_address_in(hc_analysis_modules(analysis), word->value) :
							NULL;
		json_t *object = json_object();

		hc_json_set(object, "kind", json_string(hc_word_kind_name(word->kind)));
		hc_json_set(object, "module", hc_json_text(word->module ? word->module->name : NULL));
		hc_json_set(object, "symbol", hc_json_text(symbol));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *evidence_json(const hc_leak_group *group)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < group->evidence_count; i++) {
		const hc_leak_evidence *evidence = &group->evidence[i];
		g_autofree char *text = evidence_text(group, evidence);
		json_t *object = json_object();

		hc_json_set(object, "where", json_string(evidence->on_stack ? "stack" : "freed"));
		hc_json_set(object, "heads", hc_json_number(evidence->heads));
		hc_json_set(object, "size", evidence->size ? hc_json_number(evidence->size) : json_null());
		hc_json_set(object, "offset", evidence->size ? hc_json_number(evidence->offset) : json_null());
		hc_json_set(object, "module", hc_json_text(evidence->module ? evidence->module->name : NULL));
		hc_json_set(object, "type", hc_json_text(evidence->type));
		hc_json_set(object, "by_others", json_boolean(evidence->by_others));
		hc_json_set(object, "text", hc_json_text(text));
		json_array_append_new(array, object);
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

static const hc_column columns[] = {
	{ "group", "", HC_CELL_COUNT },
	{ "class", "CLASS", HC_CELL_TEXT },
	{ "bytes", "BYTES", HC_CELL_SIZE },
	{ "blocks", "BLOCKS", HC_CELL_COUNT },
	{ "trees", "HEADS", HC_CELL_COUNT },
	{ NULL, "SIZES", HC_CELL_TEXT },
	{ "sizes", NULL, HC_CELL_JSON },
	{ "heads", NULL, HC_CELL_JSON },
	{ "others", NULL, HC_CELL_JSON },
	{ "rings", NULL, HC_CELL_COUNT },
	{ "holding_themselves", NULL, HC_CELL_COUNT },
	{ "unloaded", NULL, HC_CELL_COUNT },
	{ "owner", NULL, HC_CELL_TEXT },
	{ "type", NULL, HC_CELL_TEXT },
	{ "beginning", NULL, HC_CELL_TEXT },
	{ "sample", NULL, HC_CELL_TEXT },
	{ "modules", NULL, HC_CELL_JSON },
	{ "words", NULL, HC_CELL_JSON },
	{ "evidence", NULL, HC_CELL_JSON },
	{ "examples", NULL, HC_CELL_JSON },
	{ "suppression", NULL, HC_CELL_TEXT },
	{ NULL, "WHOSE: WHAT", HC_CELL_TEXT },
};

enum {
	GROUP_NUMBER,
	GROUP_CLASS,
	GROUP_BYTES,
	GROUP_BLOCKS,
	GROUP_TREES,
	GROUP_SIZES_TEXT,
	GROUP_SIZES,
	GROUP_HEADS,
	GROUP_OTHERS,
	GROUP_RINGS,
	GROUP_HOLDING,
	GROUP_UNLOADED,
	GROUP_OWNER,
	GROUP_TYPE,
	GROUP_BEGINNING,
	GROUP_SAMPLE,
	GROUP_MODULES,
	GROUP_WORDS,
	GROUP_EVIDENCE,
	GROUP_EXAMPLES,
	GROUP_SUPPRESSION,
	GROUP_WHAT
};

static void set_json_cells(const leaks_report *report, hc_table *table, const hc_leak_group *group)
{
	const hc_module *owner = hc_leak_group_owner(group);

	hc_table_set_text(table, GROUP_OWNER, owner ? owner->name : NULL);
	hc_table_take_json(table, GROUP_SIZES, sizes_json(group));
	hc_table_take_json(table, GROUP_HEADS, hc_json_amount(group->heads));
	hc_table_take_json(table, GROUP_OTHERS, hc_json_amount(group->others));
	hc_table_take_json(table, GROUP_MODULES, modules_json(group));
	hc_table_take_json(table, GROUP_WORDS, words_json(report->analysis, group));
	hc_table_take_json(table, GROUP_EVIDENCE, evidence_json(group));
	hc_table_take_json(table, GROUP_EXAMPLES, examples_json(group));
	hc_table_set_text(table, GROUP_TYPE, group->type);
	hc_table_set_text(table, GROUP_BEGINNING, group->beginning);
	hc_table_set_text(table, GROUP_SAMPLE, group->sample);
	hc_table_set_text(table, GROUP_SUPPRESSION, group->suppression);
}

static void set_text_cells(hc_table *table, const hc_leak_group *group)
{
	g_autofree char *sizes = sizes_text(group), *whose = whose_text(group), *what = what_text(group);
	g_autofree char *escaped = whose ? hc_text_escape(whose, -1) : NULL;
	g_autofree char *cell =
		g_strdup_printf("%s%s%s", escaped ? escaped : "", escaped && what ? ": " : "", what ? what : "");

	hc_table_set_plain(table, GROUP_SIZES_TEXT, sizes);
	hc_table_set_plain(table, GROUP_WHAT, cell);
	if (group->suppression)
		hc_table_set_style(table, HC_STYLE_DIM);
}

static void print_rings(hc_output *output, const hc_leak_group *group)
{
	g_autofree char *rings = hc_unit_text(group->rings, "heads"),
			*holding = hc_unit_text(group->holding_themselves, "heads");
	bool is_one = group->rings == 1;

	if (group->rings && group->holding_themselves == group->rings)
		hc_output_printf(output, "    ROOT CYCLE: %s hold%s %s: all references are in what hangs on %s\n",
			holding, is_one ? "s" : "", is_one ? "itself" : "themselves", is_one ? "it" : "them");
	else if (group->rings)
		hc_output_printf(output, "    ROOT CYCLE: %s lead%s back to %s\n", rings, is_one ? "s" : "",
			is_one ? "itself" : "themselves");
}

static void print_unloaded(const leaks_report *report, const hc_leak_group *group)
{
	g_autofree char *blocks = hc_unit_text(group->unloaded, "blocks");

	if (!hc_leak_group_is_unloaded(group))
		return;
	hc_output_text(report->output, "    ");
	g_autofree char *text = g_strdup_printf(
		"%s begin%s with an address where nothing is mapped now, as objects of a library that was unloaded do",
		blocks, group->unloaded == 1 ? "s" : "");

	hc_output_wrapped(report->output, 4, 4, text);
}

/* Behind the table, as lines of their own: too wide for a cell. */
static void print_details(const leaks_report *report, const hc_leak_group *group)
{
	g_autofree char *words = words_text(report->analysis, group);
	hc_output *output = report->output;
	unsigned shown = report->output->options->verbose ? group->evidence_count :
							    MIN(group->evidence_count, EVIDENCE_SHOWN);

	hc_output_printf(output, "%u:", group->index + 1);
	hc_output_printf(output, " at");
	for (unsigned i = 0; i < HC_LEAK_EXAMPLES_MAX && group->examples[i]; i++)
		hc_output_printf(output, " 0x%" G_GINT64_MODIFIER "x", group->examples[i]);
	hc_output_text(output, group->trees > HC_LEAK_EXAMPLES_MAX ? " ...\n" : "\n");
	print_rings(output, group);
	print_unloaded(report, group);
	if (words) {
		hc_output_text(output, "    ");
		hc_output_wrapped(output, 4, 11, words);
	}
	for (unsigned i = 0; i < shown; i++) {
		const hc_leak_evidence *evidence = &group->evidence[i];
		g_autofree char *text = evidence_text(group, evidence);

		if (!evidence->module && !evidence->size && !output->options->verbose)
			continue; /* "freed memory", which says nothing */
		hc_output_text(output, "    ");
		hc_output_wrapped(output, 4, 4, text);
	}
}

static unsigned shown_groups(const leaks_report *report)
{
	unsigned count = hc_leaks_group_count(report->leaks);

	return report->view->limit ? MIN(count, report->view->limit) : count;
}

static hc_table *make_groups(const leaks_report *report)
{
	hc_table *table = hc_table_create(columns, G_N_ELEMENTS(columns));
	bool is_text = report->output->options->format == HC_REPORT_TEXT;

	for (unsigned i = 0; i < shown_groups(report); i++) {
		const hc_leak_group *group = hc_leaks_group(report->leaks, i);

		hc_table_add_row(table);
		hc_table_set_number(table, GROUP_NUMBER, i + 1);
		hc_table_set_plain(table, GROUP_CLASS,
			is_text && group->class == HC_LEAK_LOST && is_bound(report) ? "at most lost" :
										      hc_leak_class_name(group->class));
		hc_table_set_number(table, GROUP_BYTES, group->heads.bytes + group->others.bytes);
		hc_table_set_number(table, GROUP_BLOCKS, group->heads.blocks + group->others.blocks);
		hc_table_set_number(table, GROUP_TREES, group->trees);
		hc_table_set_number(table, GROUP_RINGS, group->rings);
		hc_table_set_number(table, GROUP_HOLDING, group->holding_themselves);
		hc_table_set_number(table, GROUP_UNLOADED, group->unloaded);
		if (is_text)
			set_text_cells(table, group);
		else
			set_json_cells(report, table, group);
	}
	return table;
}

static void print_groups(const leaks_report *report)
{
	g_autoptr(hc_table) table = make_groups(report);
	unsigned count = hc_leaks_group_count(report->leaks), shown = shown_groups(report);

	if (!count)
		return;
	hc_output_text(report->output, "\n");
	hc_table_print(table, report->output);
	if (shown < count)
		hc_output_printf(report->output, "the largest %u of %u groups (--limit 0 for all)\n", shown, count);
	hc_output_text(report->output, "\n");
	for (unsigned i = 0; i < shown; i++)
		print_details(report, hc_leaks_group(report->leaks, i));
}

/* ---- mappings ---- */

static const hc_column mapping_columns[] = {
	{ "start", "START", HC_CELL_ADDRESS },
	{ "end", "END", HC_CELL_ADDRESS },
	{ "size", "SIZE", HC_CELL_SIZE },
	{ "note", "", HC_CELL_TEXT },
};

static hc_table *make_mappings(const hc_leaks *leaks)
{
	hc_table *table = hc_table_create(mapping_columns, G_N_ELEMENTS(mapping_columns));

	for (unsigned i = 0; i < hc_leaks_mapping_count(leaks); i++) {
		const hc_area *area = hc_leaks_mapping(leaks, i);
		g_autofree char *note = hc_word_area(area);

		hc_table_add_row(table);
		hc_table_set_number(table, 0, area->start);
		hc_table_set_number(table, 1, area->end);
		hc_table_set_number(table, 2, area->end - area->start);
		hc_table_set_text(table, 3, note);
	}
	return table;
}

static void print_mappings(const leaks_report *report)
{
	g_autoptr(hc_table) table = make_mappings(report->leaks);

	if (!hc_leaks_mapping_count(report->leaks))
		return;
	hc_output_text(report->output, "\n");
	hc_output_styled(report->output, HC_STYLE_HEADING, "ANONYMOUS MAPPINGS THAT NOTHING POINTS TO");
	hc_output_text(report->output, "\n");
	hc_table_print(table, report->output);
}

/* ---- suppressions ---- */

static const hc_column suppression_columns[] = {
	{ "name", "SUPPRESSION", HC_CELL_TEXT },
	{ "blocks", "BLOCKS", HC_CELL_COUNT },
	{ "bytes", "BYTES", HC_CELL_SIZE },
};

static hc_table *make_suppressions(const hc_suppressions *suppressions, bool unused_too)
{
	hc_table *table = hc_table_create(suppression_columns, G_N_ELEMENTS(suppression_columns));

	for (unsigned i = 0; suppressions && i < hc_suppressions_count(suppressions); i++) {
		hc_amount used = hc_suppressions_used(suppressions, i);

		if (!used.blocks && !unused_too)
			continue;
		hc_table_add_row(table);
		hc_table_set_text(table, 0, hc_suppressions_name(suppressions, i));
		hc_table_set_number(table, 1, used.blocks);
		hc_table_set_number(table, 2, used.bytes);
	}
	return table;
}

static void print_suppressions(const leaks_report *report)
{
	g_autoptr(hc_table) table = make_suppressions(report->view->suppressions, report->output->options->verbose);

	if (!hc_table_row_count(table))
		return;
	hc_output_text(report->output, "\n");
	hc_table_print(table, report->output);
}

/* ---- blocks ---- */

static bool list_block(const hc_block *block, hc_reach reach, hc_address head, const hc_leak_group *group, void *data)
{
	leaks_report *report = data;
	char *line = hc_output_reserve(report->output, LINE_LENGTH);
	unsigned number = group ? group->index + 1 : 0;

	if (report->output->options->format == HC_REPORT_JSON)
		line += g_snprintf(line, LINE_LENGTH,
			"%s\n    {\"address\": \"0x%" G_GINT64_MODIFIER "x\", \"size\": %" G_GUINT64_FORMAT
			", \"reach\": \"%s\", \"head\": \"0x%" G_GINT64_MODIFIER "x\", \"group\": %u}",
			report->listed ? "," : "", block->address, block->size, hc_reach_name(reach), head, number);
	else
		line += g_snprintf(line, LINE_LENGTH,
			"0x%-16" G_GINT64_MODIFIER "x %12" G_GUINT64_FORMAT "  %-15s  0x%-16" G_GINT64_MODIFIER
			"x %5u\n",
			block->address, block->size, hc_reach_name(reach), head, number);
	hc_output_commit(report->output, line);
	report->listed++;
	return !report->output->failed;
}

static bool list_blocks(leaks_report *report, GError **error)
{
	if (hc_leaks_each_block(report->leaks, list_block, report))
		return true;
	g_set_error_literal(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to list the lost blocks");
	return false;
}

/* ---- all of it ---- */

static const char *const not_told = "Which call allocated a block is not in a core.";

static bool write_text(leaks_report *report, GError **error)
{
	hc_output *output = report->output;
	g_autofree char *unread = hc_why_unread(report->analysis);

	hc_missing_print(hc_analysis_references(report->analysis), output);
	if (unread)
		hc_output_printf(output, "whether anything is lost is not known: %s\n", unread);
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
		hc_output_styled(output, HC_STYLE_DIM, not_told);
		hc_output_text(output, "\n");
	}
	hc_diagnostics_print(hc_analysis_diagnostics(report->analysis), NULL, output);
	return true;
}

static json_t *make_json(const leaks_report *report)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(report->analysis);
	json_t *object = hc_json_report("leaks");
	g_autoptr(hc_table) groups = make_groups(report), mappings = make_mappings(report->leaks);
	g_autoptr(hc_table) suppressions = make_suppressions(report->view->suppressions, true);

	g_autofree char *unread = hc_why_unread(report->analysis);

	hc_json_set(object, "totals",
		unread ? json_null() : totals_json(report->leaks, hc_analysis_references(report->analysis)));
	hc_json_set(object, "missing", hc_missing_json(hc_analysis_references(report->analysis)));
	hc_json_set(object, "group_count", hc_json_number(hc_leaks_group_count(report->leaks)));
	hc_json_set(object, "groups", hc_table_json(groups));
	hc_json_set(object, "mappings", hc_table_json(mappings));
	hc_json_set(object, "suppressions", hc_table_json(suppressions));
	hc_json_set(object, "allocation_site", json_null());
	hc_json_set(object, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(object, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return object;
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

bool hc_report_leaks(const hc_analysis *analysis, const hc_leaks *leaks, const hc_leaks_view *view,
	const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	leaks_report report = { .analysis = analysis, .leaks = leaks, .view = view, .output = output };

	if (options->format == HC_REPORT_JSON ? !write_json(&report, error) : !write_text(&report, error))
		return false;
	return hc_output_finish(output, error);
}
