/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_analyze(const cli_command *command, int argc, char **argv)
{
	g_auto(GStrv) fail_on = NULL;
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "fail-on", 0, 0, G_OPTION_ARG_STRING_ARRAY, &fail_on, "exit with 1 if it holds (repeatable)",
			"CONDITION" },
		{ "no-types", 0, 0, G_OPTION_ARG_NONE, &options.no_types,
			"read no debug info, name no containers: faster", NULL },
		{ "retained", 0, 0, G_OPTION_ARG_NONE, &options.retained,
			"tell what owners retain, and where it accumulates: slower", NULL },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	g_autoptr(cli_conditions) conditions = NULL;
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	const char *core, *binary;
	cli_status status;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	conditions = cli_conditions_parse(command, "--fail-on", fail_on);
	if (!conditions)
		return CLI_USAGE;
	core = options.arguments[0];
	binary = options.arguments[1];
	analysis = cli_analyse(&options, &core, &binary, HC_STAGE_FINDINGS);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, binary);
	written = hc_report_analysis(analysis, &report.options, &error);
	status = cli_finish(&report, written, error, analysis);
	return cli_worse(status, cli_conditions_check(conditions, analysis));
}
