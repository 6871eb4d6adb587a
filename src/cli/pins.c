/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_pins(const cli_command *command, int argc, char **argv)
{
	uint64_t limit;
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_LIMIT, "limit", &limit, .rows = { .text = 12 }, .argument = "N",
			.help = "at most so many runs and holders; 0: all (default 12, with --json 0)" },
		CLI_RETAINED_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status) ||
		!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_TYPES, &status))
		return status;
	return cli_core_report_end(
		&report, hc_report_pins(report.analysis, limit, &report.output.options, &report.error));
}
