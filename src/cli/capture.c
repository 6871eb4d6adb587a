/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

static cli_status report_capture(const cli_options *options, const char *directory)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_side_facts) facts = hc_side_facts_read(directory, &error);
	g_auto(cli_report) report = { 0 };

	if (!facts) {
		cli_complain("%s", error->message);
		return CLI_FAILED;
	}
	cli_report_init(&report, options, NULL);
	return hc_report_capture(facts, directory, &report.options, NULL) || report.broken_pipe ? CLI_DONE : CLI_FAILED;
}

cli_status cli_run_capture(const cli_command *command, int argc, char **argv)
{
	const char *directory = NULL;
	gboolean stop = FALSE, force = FALSE, compress = FALSE, heap_only = FALSE;
	const cli_option own[] = {
		{ CLI_PATH, "output", &directory, .letter = 'o', .help = "the folder to make (needed)",
			.argument = "DIR" },
		{ CLI_FLAG, "force", &force, .help = "replace a capture that is there, once the new one is whole" },
		{ CLI_FLAG, "compress", &compress, .help = "compress the core (zstd)" },
		{ CLI_FLAG, "heap-only", &heap_only,
			.help = "leave out shared memory, and what of files the process has not changed" },
		{ CLI_FLAG, "stop", &stop, .help = "the process stands still until all is written" },
		{ 0 },
	};
	g_auto(cli_options) options = { 0 };
	g_autoptr(GError) error = NULL;
	cli_status status;
	int64_t pid;

	if (!cli_parse(command, argc, argv, own, 1, 1, &options, &status))
		return status;
	if (!cli_parse_pid(options.arguments[0], &pid))
		return cli_complain_usage(command, "\"%s\" is no process id", options.arguments[0]);
	if (!directory || !*directory)
		return cli_complain_usage(command, "say with -o where to: a folder, which is made");
	const hc_capture_options what = {
		.directory = directory, .force = force, .compress = compress, .heap_only = heap_only, .stop = stop
	};

	if (cli_take_capture(pid, &what, &options, NULL, &error))
		return report_capture(&options, directory);
	cli_complain("%s", error->message);
	return CLI_FAILED;
}
