/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_mappings(const cli_command *command, int argc, char **argv)
{
	return cli_report_core(command, argc, argv, HC_STAGE_AREAS, hc_report_mappings);
}
