/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One report on one core: what most commands are, once their command line is read. */
#include "cli.h"

bool cli_core_report_begin(
	cli_core_report *report, const cli_options *options, char *const *files, hc_stage until, cli_status *ret_status)
{
	const char *core = files[0], *binary = files[1];

	report->analysis = cli_analyse(options, &core, &binary, until);
	if (!report->analysis) {
		*ret_status = CLI_FAILED;
		return false;
	}
	cli_report_init(&report->output, options, binary);
	return true;
}

cli_status cli_core_report_end(cli_core_report *report, bool written)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(report->analysis);

	return cli_finish_report(
		&report->output, written, g_steal_pointer(&report->error), hc_diagnostics_partial(diagnostics));
}

void cli_core_report_deinit(cli_core_report *report)
{
	hc_analysis_destroy(report->analysis);
	cli_report_deinit(&report->output);
	g_clear_error(&report->error);
}

cli_status cli_report_core(const cli_command *command, int argc, char **argv, hc_stage until,
	bool (*write_report)(const hc_analysis *analysis, const hc_report_options *options, GError **error))
{
	g_auto(cli_options) options = { 0 };
	g_auto(cli_core_report) report = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, NULL, 1, 2, &options, &status) ||
		!cli_core_report_begin(&report, &options, options.arguments, until, &status))
		return status;
	return cli_core_report_end(&report, write_report(report.analysis, &report.output.options, &report.error));
}
