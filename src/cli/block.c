/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_block(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "no-types", 0, 0, G_OPTION_ARG_NONE, &options.no_types, "read no debug info, tell no type: faster",
			NULL },
		CLI_RETAINED_ENTRY(options),
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	const char *files[3] = { NULL };
	GError *error = NULL;
	hc_address address;
	cli_status status;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 2, 3, &options, &status))
		return status;
	if (!cli_take_address(command, &options, files, &address))
		return CLI_USAGE;
	analysis = cli_analyse(&options, &files[0], &files[1], HC_STAGE_TYPES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, files[1]);
	written = hc_report_block(analysis, address, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
