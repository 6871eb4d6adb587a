/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_containers(const cli_command *command, int argc, char **argv)
{
	static const char *const orders[] = { "bytes", "elements", NULL };
	int order = 0;
	const char *thread = NULL;
	hc_containers_view view = { 0 };
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_CHOICE, "sort", &order, .choices = orders, .argument = "WHAT",
			.help = "most of what first: bytes (default), elements" },
		{ CLI_WORD, "type", &view.type, .help = "only types that contain this, or match it",
			.argument = "PATTERN" },
		{ CLI_WORD, "variable", &view.variable, .help = "the same for the name and path",
			.argument = "PATTERN" },
		{ CLI_WORD, "thread", &thread, .help = "only those of this thread's stack and storage",
			.argument = "ID" },
		{ CLI_SIZE, "min", &view.minimum, .help = "only those with at least so many bytes below",
			.argument = "SIZE" },
		{ CLI_LIMIT, "limit", &view.limit, .rows = { .text = 20 }, .argument = "N",
			.help = "at most so many rows; 0: all (default 20, with --json 0)" },
		CLI_RETAINED_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	if (thread && !g_ascii_string_to_signed(thread, 10, 1, G_MAXINT64, &view.thread, NULL))
		return cli_complain_usage(command, "--thread takes the number of a thread, not \"%s\"", thread);
	view.by_elements = order == 1;
	if (!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_TYPES, &status))
		return status;
	return cli_core_report_end(
		&report, hc_report_containers(report.analysis, &view, &report.output.options, &report.error));
}
