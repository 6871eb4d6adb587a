/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	PATHS_MOST = 1000
};

cli_status cli_run_path(const cli_command *command, int argc, char **argv)
{
	int paths = 1;
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "paths", 0, 0, G_OPTION_ARG_INT, &paths, "so many, without a block in common (default: 1)", "N" },
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
	if (paths < 1 || paths > PATHS_MOST)
		return cli_complain_usage(command, "--paths takes a number from 1 to %d", PATHS_MOST);
	if (!cli_take_address(command, &options, files, &address))
		return CLI_USAGE;
	analysis = cli_analyse(&options, &files[0], &files[1], HC_STAGE_REFERENCES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, files[1]);
	written = hc_report_path(analysis, address, paths, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
