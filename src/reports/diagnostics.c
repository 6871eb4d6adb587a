/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the figures rest on: the things that could not be read, counted. */
#include "reports/parts.h"

#include "base/text.h"

static const char *severity_name(const hc_diagnostic *diagnostic)
{
	return diagnostic->kind->severity == HC_SEVERITY_PARTIAL ? "partial" : "note";
}

json_t *hc_diagnostics_json(const hc_diagnostics *diagnostics)
{
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++) {
		const hc_diagnostic *diagnostic = hc_diagnostics_get(diagnostics, i);
		const hc_fact facts[] = {
			{ "id", NULL, hc_value_plain(diagnostic->kind->id) },
			{ "severity", NULL, hc_value_plain(severity_name(diagnostic)) },
			{ "count", NULL, hc_value_count(diagnostic->count) },
			{ "bytes", NULL, hc_value_size(diagnostic->bytes) },
			{ "text", NULL, hc_value_text(diagnostic->kind->text) },
			{ "example", NULL, hc_value_text(diagnostic->example) },
		};

		hc_records_add(records, facts);
	}
	return hc_records_json(records);
}

json_t *hc_status_json(bool partial)
{
	return json_string(partial ? "partial" : "complete");
}

json_t *hc_report_json_n(const char *command, const hc_fact *facts, unsigned count, const hc_diagnostics *diagnostics)
{
	json_t *report = hc_json_report(command);

	hc_record_extend_n(report, facts, count);
	if (diagnostics) {
		hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
		hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	}
	return report;
}

/* The texts go on after an amount: "12.0 KiB of the heap could not be followed ...", "3 libraries are not here ..." */
static void describe(const hc_diagnostic *diagnostic, GString *line)
{
	char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];
	const char *text = diagnostic->kind->text;
	bool needs_amount = g_str_has_prefix(text, "of ");

	hc_text_count(count, diagnostic->count);
	hc_text_size(size, diagnostic->bytes);
	g_string_truncate(line, 0);
	if (needs_amount && diagnostic->bytes)
		g_string_append_printf(line, "%s ", size);
	else if (needs_amount || diagnostic->count > 1)
		g_string_append_printf(line, "%s ", count);
	g_string_append(line, text);
	if (needs_amount && diagnostic->bytes && diagnostic->count > 1)
		g_string_append_printf(line, " (%s times)", count);
	else if (!needs_amount && diagnostic->bytes)
		g_string_append_printf(line, " (%s)", size);
}

static void print_one(const hc_diagnostic *diagnostic, const char *name, hc_output *output)
{
	bool partial = diagnostic->kind->severity == HC_SEVERITY_PARTIAL;
	const char *title = partial ? "not read:" : "note:";
	g_autoptr(GString) line = g_string_new(NULL);
	unsigned column = 0;

	if (name) {
		hc_output_printf(output, "%s ", name);
		column = hc_text_columns(name) + 1;
	}
	hc_output_styled(output, partial ? HC_STYLE_BAD : HC_STYLE_DIM, title);
	hc_output_text(output, " ");
	column += hc_text_columns(title) + 1;
	describe(diagnostic, line);
	hc_output_wrapped(output, column, column, line->str);
	if (output->options->verbose && diagnostic->example) {
		g_autofree char *example = hc_text_escape(diagnostic->example, -1);

		g_string_printf(line, "first: %s", example);
		hc_output_spaces(output, column);
		hc_output_wrapped(output, column, column, line->str);
	}
}

void hc_diagnostics_print(const hc_diagnostics *diagnostics, const char *name, hc_output *output)
{
	unsigned notes = 0, examples = 0;

	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++) {
		const hc_diagnostic *diagnostic = hc_diagnostics_get(diagnostics, i);

		if (diagnostic->kind->severity != HC_SEVERITY_PARTIAL && !output->options->verbose) {
			notes++;
			continue;
		}
		examples += diagnostic->example != NULL;
		print_one(diagnostic, name, output);
	}
	if (output->options->verbose || !(notes || examples))
		return;
	hc_output_printf(output, "%s%s", name ? name : "", name ? " " : "");
	if (notes)
		hc_output_printf(output, "%u note%s%s; -v lists %s\n", notes, notes == 1 ? "" : "s",
			hc_diagnostics_partial(diagnostics) ? " more" : "", notes == 1 ? "it" : "them");
	else
		hc_output_text(output, "-v shows an example of each\n");
}
