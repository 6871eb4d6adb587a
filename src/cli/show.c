/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	TEXT_LIMIT = 20
};

cli_status cli_run_show(const cli_command *command, int argc, char **argv)
{
	int limit = TEXT_LIMIT, frame = -1;
	gint64 thread = 0, first = 0;
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "first", 0, 0, G_OPTION_ARG_INT64, &first, "begin with this element or member (default 0)", "N" },
		{ "limit", 0, 0, G_OPTION_ARG_INT, &limit, "at most so many (default 20)", "N" },
		{ "thread", 0, 0, G_OPTION_ARG_INT64, &thread, "the local or thread-local variable of this thread",
			"ID" },
		{ "frame", 0, 0, G_OPTION_ARG_INT, &frame, "the local of this frame", "N" },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	cli_status status;
	const char *core, *binary, *expression;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 2, 3, &options, &status))
		return status;
	if (limit < 1 || first < 0)
		return cli_complain_usage(command, "--limit takes a number from 1 on, --first one from 0 on");
	core = options.arguments[0];
	binary = options.argument_count == 3 ? options.arguments[1] : NULL;
	expression = options.arguments[options.argument_count - 1];
	analysis = cli_analyse(&options, &core, &binary, HC_STAGE_TYPES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, binary);
	written = hc_report_show(analysis, expression,
		&(hc_show_view){ .thread = thread, .frame = frame, .first = first, .limit = limit }, &report.options,
		&error);
	return cli_finish(&report, written, error, analysis);
}
