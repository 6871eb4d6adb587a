/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	PATHS_MOST = 1000
};

cli_status cli_run_path(const cli_command *command, int argc, char **argv)
{
	int paths = 1;
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_INTEGER, "paths", &paths, .help = "so many, without a block in common (default: 1)",
			.argument = "N" },
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	char *files[3] = { NULL };
	hc_address address;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 2, 3, &options, &status))
		return status;
	if (paths < 1 || paths > PATHS_MOST)
		return cli_complain_usage(command, "--paths takes a number from 1 to %d", PATHS_MOST);
	if (!cli_take_address(command, &options, files, &address))
		return CLI_USAGE;
	if (!cli_core_report_begin(&report, &options, files, HC_STAGE_REFERENCES, &status))
		return status;
	return cli_core_report_end(
		&report, hc_report_path(report.analysis, address, paths, &report.output.options, &report.error));
}
