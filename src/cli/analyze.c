/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_analyze(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	char **fail_on = NULL;
	const cli_option own[] = {
		CLI_FAIL_ON_OPTION(fail_on, "exit with 1 if it holds (repeatable)"),
		CLI_NO_TYPES_OPTION(options, "read no debug info, name no containers: faster"),
		{ CLI_FLAG, "retained", &options.retained,
			.help = "tell what owners retain, and where it accumulates: slower" },
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_autoptr(cli_conditions) conditions = NULL;
	g_auto(cli_core_report) report = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	conditions = cli_conditions_parse(command, "--fail-on", fail_on);
	if (!conditions)
		return CLI_USAGE;
	if (!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_FINDINGS, &status))
		return status;
	status = cli_core_report_end(
		&report, hc_report_analysis(report.analysis, &report.output.options, &report.error));
	return cli_worse(status, cli_conditions_check(conditions, report.analysis));
}
