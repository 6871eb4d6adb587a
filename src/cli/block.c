/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

/* The argument that is the address: one that begins with 0x, or else the last one. */
static unsigned find_address(const cli_options *options)
{
	for (unsigned i = 0; i < options->argument_count; i++) {
		hc_address address;

		if (g_str_has_prefix(options->arguments[i], "0x") && cli_parse_address(options->arguments[i], &address))
			return i;
	}
	return options->argument_count - 1;
}

cli_status cli_run_block(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	const char *files[3] = { NULL };
	GError *error = NULL;
	hc_address address;
	cli_status status;
	unsigned place, count = 0;
	bool written;

	if (!cli_parse(command, argc, argv, NULL, 2, 3, &options, &status))
		return status;
	place = find_address(&options);
	if (!cli_parse_address(options.arguments[place], &address))
		return cli_complain_usage(
			command, "\"%s\" is no address: write it in hexadecimal, 0x...", options.arguments[place]);
	for (unsigned i = 0; i < options.argument_count; i++) {
		if (i != place)
			files[count++] = options.arguments[i];
	}
	analysis = cli_analyse(&options, &files[0], &files[1], HC_STAGE_REFERENCES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, files[1]);
	written = hc_report_block(analysis, address, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
