/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	LIMIT = 20
};

cli_status cli_run_show(const cli_command *command, int argc, char **argv)
{
	int limit = LIMIT, frame = -1;
	gint64 thread = 0, first = 0;
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_LONG_INTEGER, "first", &first, .help = "begin with this element or member (default 0)",
			.argument = "N" },
		{ CLI_INTEGER, "limit", &limit, .help = "at most so many (default 20)", .argument = "N" },
		{ CLI_LONG_INTEGER, "thread", &thread, .help = "the local or thread-local variable of this thread",
			.argument = "ID" },
		{ CLI_INTEGER, "frame", &frame, .help = "the local of this frame", .argument = "N" },
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 2, 3, &options, &status))
		return status;
	if (limit < 1 || first < 0)
		return cli_complain_usage(command, "--limit takes a number from 1 on, --first one from 0 on");
	char *const files[] = { options.arguments[0], options.argument_count == 3 ? options.arguments[1] : NULL };
	const char *expression = options.arguments[options.argument_count - 1];
	const hc_show_view view = { .thread = thread, .frame = frame, .first = first, .limit = limit };

	if (!cli_core_report_begin(&report, &options, files, HC_STAGE_TYPES, &status))
		return status;
	return cli_core_report_end(
		&report, hc_report_show(report.analysis, expression, &view, &report.output.options, &report.error));
}
