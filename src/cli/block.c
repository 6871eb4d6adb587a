/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_block(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		CLI_NO_TYPES_OPTION(options, "read no debug info, tell no type: faster"),
		CLI_NO_SITES_OPTION(options),
		CLI_RETAINED_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	char *files[3] = { NULL };
	g_autoptr(hc_sites) sites = NULL;
	hc_address address;
	hc_block block;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 2, 3, &options, &status))
		return status;
	if (!cli_take_address(command, &options, files, &address))
		return CLI_USAGE;
	if (!cli_core_report_begin(&report, &options, files, HC_STAGE_TYPES, &status))
		return status;
	/* Code is read for a block that somebody has allocated. */
	if (!options.no_sites && hc_blocks_find(hc_analysis_blocks(report.analysis), address, &block) &&
		block.state == HC_BLOCK_IN_USE && !block.label)
		sites = hc_analysis_find_sites(report.analysis);
	return cli_core_report_end(
		&report, hc_report_block(report.analysis, address, sites, &report.output.options, &report.error));
}
