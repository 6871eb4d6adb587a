/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings, and the commands that show more of each. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <string.h>

static const hc_column columns[] = {
	{ NULL, "", HC_CELL_COUNT }, /* their numbers, which the memory table points to */
	{ "kind", "", HC_CELL_TEXT },
	{ "bytes", "", HC_CELL_SIZE },
	{ "blocks", NULL, HC_CELL_COUNT },
	{ "facts", NULL, HC_CELL_JSON },
	{ "command", NULL, HC_CELL_TEXT },
	{ "text", "", HC_CELL_TEXT },
};

enum {
	FINDING_NUMBER,
	FINDING_KIND,
	FINDING_BYTES,
	FINDING_BLOCKS,
	FINDING_FACTS,
	FINDING_COMMAND,
	FINDING_TEXT
};

/* ARGUMENT as a shell reads it back; quoted only where it must be. */
static char *shell_argument(const char *argument)
{
	static const char *const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";

	return *argument && !argument[strspn(argument, safe)] ? g_strdup(argument) : g_shell_quote(argument);
}

char *hc_command_line(const char *command, const char *core_path, const hc_report_options *options)
{
	g_auto(GStrv) words = g_strsplit(command, " ", -1);
	g_autoptr(GString) line = g_string_new("heapcore");
	g_autofree char *core = shell_argument(core_path);

	for (char **word = words; *word; word++) {
		if (strcmp(*word, "CORE")) {
			g_string_append_printf(line, " %s", *word);
			continue;
		}
		g_string_append_printf(line, " %s", core);
		if (options->binary) {
			g_autofree char *binary = shell_argument(options->binary);

			g_string_append_printf(line, " %s", binary);
		}
	}
	if (options->repeated_options)
		g_string_append_printf(line, " %s", options->repeated_options);
	/* A core's name may hold the name of the program, and with it anything. */
	return hc_text_utf8(line->str, line->len);
}

/* ---- facts: what each sentence is made of ---- */

static json_t *lost_json(const hc_finding_lost *lost)
{
	json_t *object = json_object(), *sizes = json_array();

	for (unsigned i = 0; i < MIN(lost->size_count, HC_FINDING_SIZES); i++) {
		json_t *size = json_object();

		hc_json_set(size, "size", hc_json_number(lost->sizes[i].size));
		hc_json_set(size, "blocks", hc_json_number(lost->sizes[i].blocks));
		json_array_append_new(sizes, size);
	}
	hc_json_set(object, "heads", hc_json_number(lost->heads));
	hc_json_set(object, "sizes", sizes);
	hc_json_set(object, "size_count", hc_json_number(lost->size_count));
	hc_json_set(object, "beginning", hc_json_text(lost->beginning));
	hc_json_set(object, "beginning_share", lost->beginning ? json_real(lost->beginning_share) : json_null());
	hc_json_set(object, "unloaded", hc_json_number(lost->unloaded));
	hc_json_set(object, "bound", json_boolean(lost->is_bound));
	return object;
}

static json_t *place_json(const hc_finding_place *place)
{
	g_autofree char *where = hc_word_where(&place->where, 0);
	json_t *object = json_object();

	hc_json_set(object, "path", hc_json_text(place->path));
	hc_json_set(object, "type", hc_json_text(place->type));
	hc_json_set(object, "where", hc_json_text(where));
	hc_json_set(object, "threads", hc_json_number(place->threads));
	hc_json_set(object, "count", hc_json_number(place->count));
	hc_json_set(object, "elements", hc_json_number(place->elements));
	hc_json_set(object, "bytes_own", hc_json_number(place->own));
	hc_json_set(object, "unused", hc_json_number(place->unused));
	hc_json_set(object, "key", hc_json_text(place->key));
	hc_json_set(object, "keys_alike", json_boolean(place->keys_alike));
	hc_json_set(object, "certainty", hc_json_text(hc_certainty_name(place->certainty)));
	return object;
}

static json_t *retained_json(const hc_finding_retained *retained)
{
	const hc_pin_holder *holder = &retained->holder;
	g_autofree char *name = holder->pinned ? hc_word_pin_holder(holder) : NULL;
	json_t *object = json_object();

	hc_json_set(object, "whole_pages", hc_json_number(retained->whole));
	hc_json_set(object, "zero_pages", hc_json_number(retained->zero));
	hc_json_set(object, "trim", hc_json_number(retained->trim));
	hc_json_set(object, "pinned", hc_json_number(holder->pinned));
	hc_json_set(object, "pinned_by", hc_json_text(name));
	hc_json_set(object, "pinning", hc_json_amount(holder->amount));
	return object;
}

static json_t *size_json(const hc_analysis *analysis, const hc_finding_size *size)
{
	static const char *const referrers[] = {
		[HC_REFERRER_NONE] = NULL,
		[HC_REFERRER_ROOT] = "named",
		[HC_REFERRER_NAMED] = "named",
		[HC_REFERRER_OTHERS] = "others",
		[HC_REFERRER_SIZE] = "size",
	};
	g_autofree char *name = hc_word_referrer(analysis, size);
	json_t *object = json_object();

	hc_json_set(object, "size", hc_json_number(size->size));
	hc_json_set(object, "referrer", hc_json_text(referrers[size->referrer]));
	hc_json_set(object, "referrer_name", hc_json_text(name));
	hc_json_set(object, "referrer_size",
		size->referrer == HC_REFERRER_SIZE ? hc_json_number(size->from_size) : json_null());
	hc_json_set(object, "elsewhere", json_boolean(size->referrer && size->and_elsewhere));
	return object;
}

static json_t *unjoined_json(const hc_unjoined *unjoined)
{
	json_t *object = json_object();

	hc_json_set(object, "threads", hc_json_number(unjoined->threads));
	hc_json_set(object, "address_space", hc_json_number(unjoined->bytes));
	hc_json_set(object, "resident", json_boolean(unjoined->is_resident));
	return object;
}

static json_t *facts_json(const hc_analysis *analysis, const hc_finding *finding)
{
	json_t *object;

	switch (finding->kind) {
	case HC_FINDING_LOST:
		return lost_json(&finding->lost);
	case HC_FINDING_CONTAINER:
	case HC_FINDING_OWNER:
		return place_json(&finding->place);
	case HC_FINDING_RETAINED:
		return retained_json(&finding->retained);
	case HC_FINDING_BIG_BLOCKS:
	case HC_FINDING_ONE_SIZE:
		return size_json(analysis, &finding->size);
	case HC_FINDING_UNJOINED:
		return unjoined_json(&finding->unjoined);
	case HC_FINDING_NOT_HEAP:
		object = json_object();
		hc_json_set(object, "row", hc_json_text(hc_row_name(finding->row)));
		return object;
	case HC_FINDING_CORRUPT:
		object = json_object();
		hc_json_set(object, "places", hc_json_number(finding->corrupt.places));
		hc_json_set(object, "first", hc_json_address(finding->corrupt.first));
		return object;
	default:
		return json_null();
	}
}

/* ---- the table ---- */

static hc_table *make_table(const hc_analysis *analysis, const hc_report_options *options)
{
	const hc_findings *findings = hc_analysis_findings(analysis);
	const char *core_path = hc_core_path(hc_analysis_core(analysis));
	hc_table *table = hc_table_create(columns, G_N_ELEMENTS(columns));

	for (unsigned i = 0; i < hc_findings_count(findings); i++) {
		const hc_finding *finding = hc_findings_get(findings, i);
		g_autofree char *text = hc_word_finding(analysis, finding), *command = hc_word_finding_command(finding);
		g_autofree char *line = hc_command_line(command, core_path, options), *shown = hc_text_escape(line, -1);

		hc_table_add_row(table);
		hc_table_set_number(table, FINDING_NUMBER, i + 1);
		hc_table_set_plain(table, FINDING_KIND, hc_finding_kind_name(finding->kind));
		hc_table_set_number(table, FINDING_BYTES, finding->bytes);
		hc_table_set_number(table, FINDING_BLOCKS, finding->blocks);
		hc_table_take_json(table, FINDING_FACTS, facts_json(analysis, finding));
		hc_table_set_text(table, FINDING_TEXT, text);
		hc_table_set_plain(table, FINDING_COMMAND, line);
		hc_table_add_line(table, HC_STYLE_COMMAND, shown);
	}
	return table;
}

json_t *hc_findings_json(const hc_analysis *analysis, const hc_report_options *options)
{
	g_autoptr(hc_table) table = make_table(analysis, options);

	return hc_table_json(table);
}

void hc_findings_print(const hc_analysis *analysis, hc_output *output)
{
	g_autoptr(hc_table) table = NULL;

	if (!hc_findings_count(hc_analysis_findings(analysis)))
		return;
	table = make_table(analysis, output->options);
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "FINDINGS");
	hc_output_text(output, "\n");
	hc_table_print(table, output);
}
