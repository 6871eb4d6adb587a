/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

static cli_status write_snapshot(
	const cli_options *options, const hc_snapshot *snapshot, bool replace, const char *binary)
{
	const char *path = options->output;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	uint64_t size;
	bool written;

	if (!hc_snapshot_write(snapshot, path, replace, &size, &error)) {
		cli_complain("%s", error->message);
		g_clear_error(&error);
		return CLI_FAILED;
	}
	cli_report_init(&report, options, binary);
	written = hc_report_snapshot(snapshot, path, size, &report.options, &error);
	return cli_finish_report(&report, written, error, hc_diagnostics_partial(snapshot->diagnostics));
}

cli_status cli_run_snapshot(const cli_command *command, int argc, char **argv)
{
	gboolean force = FALSE;
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_PATH, "output", &options.output, .letter = 'o', .help = "the file to write (needed)",
			.argument = "FILE" },
		{ CLI_FLAG, "force", &force, .help = "replace a snapshot that is there" },
		CLI_NO_TYPES_OPTION(options, "read no debug info, name no containers: faster"),
		CLI_NO_SITES_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_autoptr(GPtrArray) inputs = g_ptr_array_new(), snapshots = NULL;
	g_autoptr(GError) error = NULL;
	const char *binary = NULL;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	if (!options.output || !*options.output)
		return cli_complain_usage(command, "say with -o where to: a file");
	for (char **argument = options.arguments; *argument; argument++) {
		if (hc_core_is_program(*argument) && !binary)
			binary = *argument;
		else
			g_ptr_array_add(inputs, *argument);
	}
	if (inputs->len != 1)
		return cli_complain_usage(
			command, "one core is needed%s", inputs->len ? ", and at most one executable" : "");
	if (hc_snapshot_is_one(inputs->pdata[0])) {
		cli_complain("%s is a snapshot already", (const char *)inputs->pdata[0]);
		return CLI_FAILED;
	}
	if (!hc_snapshot_may_write(options.output, force, &error)) {
		cli_complain("%s", error->message);
		return CLI_FAILED;
	}
	snapshots = cli_take_snapshots(&options, inputs, binary);
	return snapshots ? write_snapshot(&options, snapshots->pdata[0], force, binary) : CLI_FAILED;
}
