/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

static cli_status write_page(const cli_options *options, const cli_core_report *report, bool replace)
{
	g_auto(cli_page) page = { 0 };

	if (!options->output)
		return CLI_DONE;
	cli_page_begin(&page, options, report->output.options.binary);
	return cli_page_end(&page, options,
		hc_report_analysis_page(report->analysis, (unsigned)options->jobs, &page.report.options, &page.error),
		replace);
}

cli_status cli_run_analyze(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	char **fail_on = NULL;
	gboolean force = FALSE;
	const cli_option own[] = {
		CLI_FAIL_ON_OPTION(fail_on, "exit with 1 if it holds (repeatable)"),
		CLI_NO_TYPES_OPTION(options, "read no debug info, name no containers: faster"),
		{ CLI_FLAG, "retained", &options.retained,
			.help = "tell what owners retain, and where it accumulates: slower" },
		CLI_NO_SITES_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		CLI_PAGE_OPTIONS(options, force),
		{ 0 },
	};
	g_autoptr(cli_conditions) conditions = NULL;
	g_auto(cli_core_report) report = { 0 };
	cli_status status, page_status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	conditions = cli_conditions_parse(command, "--fail-on", fail_on);
	if (!conditions)
		return CLI_USAGE;
	if (!cli_page_may_write(&options, force))
		return CLI_FAILED;
	if (!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_FINDINGS, &status))
		return status;
	page_status = write_page(&options, &report, force);
	status = cli_core_report_end(
		&report, hc_report_analysis(report.analysis, &report.output.options, &report.error));
	return cli_worse(cli_worse(status, page_status), cli_conditions_check(conditions, report.analysis));
}
