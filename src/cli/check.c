/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

/*
 * Of the heap alone: what CHECK found wins over what could not be read of it, and what could not be read of other memory takes nothing from
 * that. Without a heap nothing was found sound.
 */
static cli_status status_of(const hc_analysis *analysis, const hc_check *check)
{
	bool is_whole = hc_blocks_heap(hc_analysis_blocks(analysis))->found &&
			!hc_diagnostics_heap_partial(hc_analysis_diagnostics(analysis));

	if (hc_check_get_totals(check)->places)
		return CLI_CONDITION_MET;
	return hc_check_get_totals(check)->in_operation || !is_whole ? CLI_PARTIAL : CLI_DONE;
}

cli_status cli_run_check(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	hc_check_view view;
	const cli_option own[] = {
		/* A cache of a million blocks can be overwritten. */
		{ CLI_LIMIT, "limit", &view.limit, .rows = { .text = 25, .json = 1000 }, .argument = "N",
			.help = "at most so many places; 0: all (default 25, with --json 1000)" },
		CLI_NO_TYPES_OPTION(options, "read no debug info, tell no type of who wrote: faster"),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	g_autoptr(hc_check) check = NULL;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status) ||
		!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_TYPES, &status))
		return status;
	check = hc_analysis_check(report.analysis);
	status = cli_core_report_end(
		&report, hc_report_check(report.analysis, check, &view, &report.output.options, &report.error));
	return status == CLI_FAILED ? status : status_of(report.analysis, check);
}
