/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_roots(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, NULL, 1, 2, &options, &status))
		return status;
	return cli_report_core(&options, HC_STAGE_REFERENCES, hc_report_roots);
}
