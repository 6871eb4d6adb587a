/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

static cli_status report_diff(const cli_options *options, const cli_conditions *conditions, const hc_analysis *a,
	const hc_analysis *b, const char *binary)
{
	g_autoptr(hc_diff) diff = hc_diff_create(a, b);
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	cli_status status;
	bool written;

	cli_report_init(&report, options, binary);
	written = hc_report_diff(diff, a, b, &report.options, &error);
	status = cli_finish(&report, written, error, b);
	if (hc_diagnostics_partial(hc_analysis_diagnostics(a)))
		status = cli_worse(status, CLI_PARTIAL);
	return cli_worse(status, cli_conditions_check_growth(conditions, a, b));
}

cli_status cli_run_diff(const cli_command *command, int argc, char **argv)
{
	g_auto(GStrv) fail_on = NULL;
	const GOptionEntry entries[] = {
		{ "fail-on", 0, 0, G_OPTION_ARG_STRING_ARRAY, &fail_on,
			"exit with 1 if it holds of the growth (repeatable)", "CONDITION" },
		{ NULL },
	};
	g_auto(cli_options) options = { 0 };
	g_autoptr(cli_conditions) conditions = NULL;
	g_autoptr(hc_analysis) a = NULL, b = NULL;
	const char *core_a, *core_b, *binary;
	cli_status status;

	if (!cli_parse(command, argc, argv, entries, 2, 3, &options, &status))
		return status;
	conditions = cli_conditions_parse(command, fail_on);
	if (!conditions)
		return CLI_USAGE;
	core_a = options.arguments[0];
	core_b = options.arguments[1];
	binary = options.arguments[2];
	a = cli_analyse(&options, &core_a, &binary, HC_STAGE_FINDINGS);
	if (!a)
		return CLI_FAILED;
	if (core_a != options.arguments[0]) { /* BINARY was given first: what is left is B, between them */
		core_b = core_a == options.arguments[1] ? options.arguments[2] : options.arguments[1];
	}
	b = cli_analyse(&options, &core_b, &binary, HC_STAGE_FINDINGS);
	if (!b)
		return CLI_FAILED;
	return report_diff(&options, conditions, a, b, binary);
}
