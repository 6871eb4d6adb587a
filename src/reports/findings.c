/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings, and the commands that show more of each. */
#include "reports/parts.h"

#include "base/text.h"

#include <string.h>

static const hc_column columns[] = {
	{ NULL, "", HC_CELL_COUNT }, /* their numbers, which the memory table points to */
	{ "kind", "", HC_CELL_TEXT },
	{ "bytes", "", HC_CELL_SIZE },
	{ "blocks", NULL, HC_CELL_COUNT },
	{ "command", NULL, HC_CELL_TEXT },
	{ "text", "", HC_CELL_TEXT },
};

enum {
	FINDING_NUMBER,
	FINDING_KIND,
	FINDING_BYTES,
	FINDING_BLOCKS,
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

static hc_table *make_table(const hc_findings *findings, const char *core_path, const hc_report_options *options)
{
	hc_table *table = hc_table_create(columns, G_N_ELEMENTS(columns));

	for (unsigned i = 0; i < hc_findings_count(findings); i++) {
		const hc_finding *finding = hc_findings_get(findings, i);

		hc_table_add_row(table);
		hc_table_set_number(table, FINDING_NUMBER, i + 1);
		hc_table_set_plain(table, FINDING_KIND, finding->kind);
		hc_table_set_number(table, FINDING_BYTES, finding->bytes);
		hc_table_set_number(table, FINDING_BLOCKS, finding->blocks);
		hc_table_set_plain(table, FINDING_TEXT, finding->text);
		if (finding->command) {
			g_autofree char *line = hc_command_line(finding->command, core_path, options);
			g_autofree char *shown = hc_text_escape(line, -1);

			hc_table_set_plain(table, FINDING_COMMAND, line);
			hc_table_add_line(table, HC_STYLE_COMMAND, shown);
		}
	}
	return table;
}

json_t *hc_findings_json(const hc_findings *findings, const char *core_path, const hc_report_options *options)
{
	g_autoptr(hc_table) table = make_table(findings, core_path, options);

	return hc_table_json(table);
}

void hc_findings_print(const hc_findings *findings, const char *core_path, hc_output *output)
{
	g_autoptr(hc_table) table = NULL;

	if (!hc_findings_count(findings))
		return;
	table = make_table(findings, core_path, output->options);
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "FINDINGS");
	hc_output_text(output, "\n");
	hc_table_print(table, output);
}
