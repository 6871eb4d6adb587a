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
		CLI_RETAINED_ENTRY(options),
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	cli_status status;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	return cli_report_limited(command, &options, limit_word, TEXT_LIMIT, hc_report_pins);
}
