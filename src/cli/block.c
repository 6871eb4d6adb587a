/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_block(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		CLI_NO_TYPES_OPTION(options, "read no debug info, tell no type: faster"),
		CLI_RETAINED_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	char *files[3] = { NULL };
	hc_address address;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 2, 3, &options, &status))
		return status;
	if (!cli_take_address(command, &options, files, &address))
		return CLI_USAGE;
	if (!cli_core_report_begin(&report, &options, files, HC_STAGE_TYPES, &status))
		return status;
	return cli_core_report_end(
		&report, hc_report_block(report.analysis, address, &report.output.options, &report.error));
}
