/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the figures rest on: the things that could not be read, counted. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

static const char *severity_name(const hc_diagnostic *diagnostic)
{
	return diagnostic->kind->severity >= HC_SEVERITY_PARTIAL ? "partial" : "note";
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

static void print_one(const hc_diagnostic *diagnostic, const char *name, hc_output *output)
{
	bool partial = diagnostic->kind->severity >= HC_SEVERITY_PARTIAL;
	const char *title = partial ? "not read:" : "note:";
	g_autofree char *line = hc_word_diagnostic(diagnostic);
	unsigned column = 0;

	if (name) {
		hc_output_printf(output, "%s ", name);
		column = hc_text_columns(name) + 1;
	}
	hc_output_styled(output, partial ? HC_STYLE_BAD : HC_STYLE_DIM, title);
	hc_output_text(output, " ");
	column += hc_text_columns(title) + 1;
	hc_output_wrapped(output, column, column, line);
	if (output->options->verbose && diagnostic->example) {
		g_autofree char *example = hc_text_escape(diagnostic->example, -1);
		g_autofree char *first = g_strdup_printf("first: %s", example);

		hc_output_spaces(output, column);
		hc_output_wrapped(output, column, column, first);
	}
}

void hc_diagnostics_print(const hc_diagnostics *diagnostics, const char *name, hc_output *output)
{
	g_autofree char *unsaid = hc_word_diagnostics_unsaid(diagnostics);
	bool verbose = output->options->verbose;

	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++) {
		const hc_diagnostic *diagnostic = hc_diagnostics_get(diagnostics, i);

		if (verbose || diagnostic->kind->severity >= HC_SEVERITY_PARTIAL)
			print_one(diagnostic, name, output);
	}
	if (!verbose && unsaid)
		hc_output_printf(output, "%s%s%s\n", name ? name : "", name ? " " : "", unsaid);
}
