/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	TEXT_LIMIT = 12
};

cli_status cli_run_pins(const cli_command *command, int argc, char **argv)
{
	g_autofree char *limit_word = NULL;
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &limit_word,
			"at most so many runs and holders; 0: all (default 12, with --json 0)", "N" },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	const char *core, *binary;
	GError *error = NULL;
	cli_status status;
	uint64_t limit;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	limit = options.json ? 0 : TEXT_LIMIT;
	if (limit_word && !cli_parse_size(limit_word, &limit))
		return cli_complain_usage(command, "--limit takes a number, not \"%s\"", limit_word);
	core = options.arguments[0];
	binary = options.arguments[1];
	analysis = cli_analyse(&options, &core, &binary, HC_STAGE_TYPES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, binary);
	written = hc_report_pins(analysis, limit, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
