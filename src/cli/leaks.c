/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

/* NULL after an error, which was said; CLI_FAILED then. */
static hc_suppressions *read_suppressions(char **files)
{
	g_autoptr(hc_suppressions) suppressions = hc_suppressions_create();
	g_autoptr(GError) error = NULL;

	for (; files && *files; files++) {
		if (!hc_suppressions_add_file(suppressions, *files, &error)) {
			cli_complain("%s", error->message);
			return NULL;
		}
	}
	return g_steal_pointer(&suppressions);
}

cli_status cli_run_leaks(const cli_command *command, int argc, char **argv)
{
	static const char *const groupings[] = { "shape", "size", "type", "module", NULL };
	const char *group_by = NULL;
	char **suppression_files = NULL, **fail_on = NULL;
	gboolean addresses = FALSE;
	hc_leaks_view view = { 0 };
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_WORD, "group-by", &group_by, .help = "what is one row: shape (default), size, type, module",
			.argument = "WHAT", .choices = groupings },
		{ CLI_LIMIT, "limit", &view.limit, .rows = { .text = 20 }, .argument = "N",
			.help = "at most so many rows; 0: all (default 20, with --json 0)" },
		{ CLI_FLAG, "addresses", &addresses, .help = "every lost block, too" },
		CLI_NO_SITES_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ CLI_PATHS, "suppressions", &suppression_files, .help = "known leaks, not to be counted (repeatable)",
			.argument = "FILE" },
		CLI_FAIL_ON_OPTION(fail_on, "exit with 1 if it holds (repeatable)"),
		{ 0 },
	};
	g_autoptr(cli_conditions) conditions = NULL;
	g_autoptr(hc_suppressions) suppressions = NULL;
	g_auto(cli_core_report) report = { 0 };
	g_autoptr(hc_leaks) leaks = NULL;
	g_autoptr(hc_sites) sites = NULL;
	hc_leaks_options leaks_options = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	conditions = cli_conditions_parse(command, "--fail-on", fail_on);
	if (!conditions)
		return CLI_USAGE;
	if (group_by && !hc_leaks_grouping_parse(group_by, &leaks_options.grouping))
		return cli_complain_usage(
			command, "--group-by takes shape, size, type or module, not \"%s\"", group_by);
	suppressions = read_suppressions(suppression_files);
	if (!suppressions)
		return CLI_FAILED;
	leaks_options.suppressions = suppressions;
	view.suppressions = suppressions;
	view.addresses = addresses;
	if (!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_MEMORY, &status))
		return status;
	leaks = hc_analysis_find_leaks(report.analysis, &leaks_options, &report.error);
	if (!leaks)
		return cli_core_report_end(&report, false);
	if (!options.no_sites && hc_leaks_group_count(leaks))
		view.sites = sites = hc_analysis_find_sites(report.analysis);
	status = cli_core_report_end(
		&report, hc_report_leaks(report.analysis, leaks, &view, &report.output.options, &report.error));
	return cli_worse(status, cli_conditions_check_leaks(conditions, report.analysis, hc_leaks_get_totals(leaks)));
}
