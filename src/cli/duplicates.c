/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_duplicates(const cli_command *command, int argc, char **argv)
{
	uint64_t limit;
	hc_duplicates_options duplicates_options = { 0 };
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_SIZE, "min", &duplicates_options.minimum, .help = "only blocks of at least SIZE",
			.argument = "SIZE" },
		/* There may be millions. */
		{ CLI_LIMIT, "limit", &limit, .rows = { .text = 25, .json = 1000 }, .argument = "N",
			.help = "at most so many groups; 0: all (default 25, with --json 1000)" },
		CLI_NO_TYPES_OPTION(options, "read no debug info, tell no owner: faster, and all bytes count"),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	g_autoptr(hc_duplicates) duplicates = NULL;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status) ||
		!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_TYPES, &status))
		return status;
	duplicates_options.jobs = options.jobs;
	duplicates = hc_analysis_find_duplicates(report.analysis, &duplicates_options, &report.error);
	return cli_core_report_end(&report, duplicates && hc_report_duplicates(report.analysis, duplicates, limit,
								  &report.output.options, &report.error));
}
