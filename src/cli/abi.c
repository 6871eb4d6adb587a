/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

/* What was found wins over what could not be read; where nothing was compared nothing was found sound. */
static cli_status status_of(const hc_analysis *analysis, const hc_abi *abi)
{
	if (hc_abi_count(abi))
		return CLI_CONDITION_MET;
	return hc_diagnostics_partial(hc_analysis_diagnostics(analysis)) || !hc_abi_get_totals(abi)->modules ?
		       CLI_PARTIAL :
		       CLI_DONE;
}

cli_status cli_run_abi(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	uint64_t limit;
	gboolean no_sites = FALSE;
	const cli_option own[] = {
		{ CLI_LIMIT, "limit", &limit, .rows = { .text = 25, .json = 1000 }, .argument = "N",
			.help = "at most so many classes and functions; 0: all (default 25, with --json 1000)" },
		{ CLI_FLAG, "no-sites", &no_sites,
			.help = "do not read the program's code for objects that are too small" },
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	g_autoptr(hc_abi) abi = NULL;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status) ||
		!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_TYPES, &status))
		return status;
	abi = hc_analysis_find_abi(report.analysis, &(hc_abi_options){ .no_code = no_sites });
	status = cli_core_report_end(
		&report, hc_report_abi(report.analysis, abi, limit, &report.output.options, &report.error));
	return status == CLI_FAILED ? status : status_of(report.analysis, abi);
}
