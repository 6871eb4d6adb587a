/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

cli_status cli_run_help(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	const cli_command *topic;
	cli_status status;
	char *help_arguments[] = { NULL, (char *)"--help", NULL };

	if (!cli_parse(command, argc, argv, NULL, 0, 1, &options, &status))
		return status;
	if (!options.argument_count) {
		cli_print_overview();
		return CLI_DONE;
	}
	topic = cli_find_command(options.arguments[0]);
	if (!topic)
		return cli_complain_usage(command, "there is no command \"%s\"", options.arguments[0]);
	help_arguments[0] = options.arguments[0];
	return topic->run(topic, 2, help_arguments);
}
