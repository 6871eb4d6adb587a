/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	TEXT_LIMIT = 25,
	JSON_LIMIT = 1000, /* a cache of a million blocks can be overwritten */
};

/* What CHECK found wins over what could not be read; without a heap nothing was found sound. */
static cli_status status_of(const hc_analysis *analysis, const hc_check *check, cli_status status)
{
	if (status == CLI_FAILED)
		return status;
	if (hc_check_get_totals(check)->places)
		return CLI_CONDITION_MET;
	if (hc_check_get_totals(check)->in_operation)
		return CLI_PARTIAL;
	return hc_blocks_heap(hc_analysis_blocks(analysis))->found ? status : CLI_PARTIAL;
}

cli_status cli_run_check(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	hc_check_view view = { 0 };
	g_autofree char *limit = NULL;
	const GOptionEntry entries[] = {
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &limit,
			"at most so many places; 0: all (default 25, with --json 1000)", "N" },
		{ "no-types", 0, 0, G_OPTION_ARG_NONE, &options.no_types,
			"read no debug info, tell no type of who wrote: faster", NULL },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	g_autoptr(hc_analysis) analysis = NULL;
	g_autoptr(hc_check) check = NULL;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	const char *core, *binary;
	cli_status status;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	view.limit = options.json ? JSON_LIMIT : TEXT_LIMIT;
	if (limit && !cli_parse_size(limit, &view.limit))
		return cli_complain_usage(command, "--limit takes a number, not \"%s\"", limit);
	core = options.arguments[0];
	binary = options.arguments[1];
	analysis = cli_analyse(&options, &core, &binary, HC_STAGE_TYPES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, binary);
	check = hc_analysis_check(analysis);
	written = hc_report_check(analysis, check, &view, &report.options, &error);
	return status_of(analysis, check, cli_finish(&report, written, error, analysis));
}
