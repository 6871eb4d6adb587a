/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <unistd.h>

/* What is written, and where to. */
struct exporting {
	const cli_command *command;
	cli_options *options;
	hc_export_options what;
	hc_export *export;
	cli_report output; /* standard output */
	GError *error;
	bool partial;
};

/* Seconds since 1970, or a date with a time and a zone. FALSE, and that was said, if it is neither. */
static bool parse_time(const cli_command *command, const char *word, int64_t *ret_time)
{
	g_autoptr(GDateTime) time = word ? g_date_time_new_from_iso8601(word, NULL) : NULL;
	uint64_t seconds;

	*ret_time = 0;
	if (time)
		*ret_time = g_date_time_to_unix(time);
	else if (word && cli_parse_size(word, &seconds) && seconds <= INT32_MAX * (uint64_t)64)
		*ret_time = (int64_t)seconds;
	if (!word || *ret_time > 0)
		return true;
	cli_complain_usage(command,
		"--time takes seconds since 1970, or a date with its zone such as 2026-11-30T14:50:00Z, not \"%s\"",
		word);
	return false;
}

static bool check(const struct exporting *exporting, int format)
{
	const cli_command *command = exporting->command;

	if (format < 0)
		cli_complain_usage(command, "say with --format what to write");
	else if (exporting->options->json)
		cli_complain_usage(command, "--format says what is written: --json has no meaning here");
	else if (!exporting->what.path && !hc_export_format_is_text(exporting->what.format) && isatty(STDOUT_FILENO))
		cli_complain_usage(command, "this is no text for a terminal: say with -o where to, a file");
	else
		return true;
	return false;
}

static bool write_analysis(struct exporting *exporting)
{
	char **files = exporting->options->arguments;
	const char *core = files[0], *binary = files[0] ? files[1] : NULL;
	g_autoptr(hc_analysis) analysis = cli_analyse(exporting->options, &core, &binary, HC_STAGE_TYPES);

	if (!analysis)
		return false;
	exporting->partial = hc_diagnostics_partial(hc_analysis_diagnostics(analysis));
	return hc_export_analysis(exporting->export, analysis, &exporting->error);
}

/* One after the other, so that there is one in memory. An executable among the arguments is that of the cores. */
static bool write_snapshots(struct exporting *exporting)
{
	g_autoptr(GPtrArray) inputs = g_ptr_array_new();
	const char *binary = NULL;

	for (char **argument = exporting->options->arguments; *argument; argument++) {
		if (hc_core_is_program(*argument) && !binary)
			binary = *argument;
		else
			g_ptr_array_add(inputs, *argument);
	}
	if (!inputs->len || (inputs->len > 1 && !exporting->what.fleet)) {
		cli_complain_usage(exporting->command, "one core or snapshot is needed%s",
			inputs->len ? ": only the rows of a fleet are of several" : "");
		return false;
	}
	for (unsigned i = 0; i < inputs->len; i++) {
		g_autoptr(GPtrArray) one = g_ptr_array_new(), snapshots = NULL;

		g_ptr_array_add(one, inputs->pdata[i]);
		snapshots = cli_take_snapshots(exporting->options, one, binary);
		if (!snapshots)
			return false;
		const hc_snapshot *snapshot = snapshots->pdata[0];

		exporting->partial |= hc_diagnostics_partial(snapshot->diagnostics);
		if (!hc_export_snapshot(exporting->export, snapshot, &exporting->error))
			return false;
	}
	return true;
}

/* What could not be written to standard output was said where that was met. */
static cli_status finish(struct exporting *exporting, bool written)
{
	cli_status status = exporting->partial ? CLI_PARTIAL : CLI_DONE;
	GError *error = NULL;

	if (written)
		written = hc_export_finish(exporting->export, &exporting->error);
	error = g_steal_pointer(&exporting->error);
	if (error && (exporting->what.path || !g_error_matches(error, HC_ERROR, HC_ERROR_IO)))
		cli_complain("%s", error->message);
	g_clear_error(&error);
	return written || exporting->output.broken_pipe ? status : CLI_FAILED;
}

static cli_status run(struct exporting *exporting)
{
	hc_export_options *what = &exporting->what;
	bool is_of_snapshots = what->fleet || what->format == HC_EXPORT_OPENMETRICS, written;
	cli_status status;

	cli_report_init(&exporting->output, exporting->options, NULL);
	what->write = exporting->output.options.write;
	what->write_data = exporting->output.options.write_data;
	exporting->export = hc_export_begin(what, &exporting->error);
	if (!exporting->export) {
		cli_complain_usage(exporting->command, "%s", exporting->error->message);
		status = g_error_matches(exporting->error, HC_ERROR, HC_ERROR_USAGE) ? CLI_USAGE : CLI_FAILED;
		g_clear_error(&exporting->error);
	} else {
		written = is_of_snapshots ? write_snapshots(exporting) : write_analysis(exporting);
		status = finish(exporting, written);
	}
	hc_export_destroy(exporting->export);
	cli_report_deinit(&exporting->output);
	return status;
}

cli_status cli_run_export(const cli_command *command, int argc, char **argv)
{
	/* In the order of hc_export_format and hc_export_measure. */
	static const char *const formats[] = { "pprof", "folded", "dot", "sqlite", "ndjson", "csv", "openmetrics",
		NULL },
				 *const measures[] = { "bytes", "blocks", "resident", NULL };
	int format = -1, measure = 0;
	gboolean force = FALSE, fleet = FALSE, no_retained = FALSE;
	const char *time_word = NULL;
	char **labels = NULL;
	g_auto(cli_options) options = { 0 };
	struct exporting exporting = { .command = command, .options = &options };
	const cli_option own[] = {
		{ CLI_CHOICE, "format", &format, .choices = formats, .argument = "FORMAT",
			.help = "pprof, folded, dot, sqlite, ndjson, csv or openmetrics (needed)" },
		{ CLI_PATH, "output", &options.output, .letter = 'o', .argument = "FILE",
			.help = "the file to write (default: standard output; sqlite needs one)" },
		{ CLI_FLAG, "force", &force, .help = "replace a file that is there" },
		{ CLI_WORD, "table", &exporting.what.table, .argument = "NAME",
			.help = "of ndjson and csv: which table's rows" },
		{ CLI_FLAG, "fleet", &fleet,
			.help = "of ndjson and csv: rows of cores or snapshots, for a database of many" },
		{ CLI_CHOICE, "measure", &measure, .choices = measures, .argument = "WHAT",
			.help = "of folded: what is counted: bytes (default), blocks, resident" },
		{ CLI_SIZE, "limit", &exporting.what.limit, .argument = "N",
			.help = "of dot: boxes at most (default 60); of openmetrics: owners and containers (default 20)" },
		{ CLI_FLAG, "no-retained", &no_retained, .help = "leave out what is retained, and shared: faster" },
		{ CLI_WORD, "host", &exporting.what.host, .argument = "NAME",
			.help = "of --fleet and openmetrics: where the process ran" },
		{ CLI_WORD, "time", &time_word, .argument = "TIME",
			.help = "of --fleet: when, if the snapshots do not tell: seconds since 1970, or as ISO 8601" },
		{ CLI_WORDS, "label", &labels, .argument = "KEY=VALUE",
			.help = "of --fleet and openmetrics: said of all rows (repeatable)" },
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, INT_MAX, &options, &status))
		return status;
	/* Nothing that is shown needs the program's code. */
	options.no_sites = TRUE;
	exporting.what.format = (hc_export_format)MAX(format, 0);
	exporting.what.fleet = fleet;
	exporting.what.measure = (hc_export_measure)measure;
	exporting.what.no_retained = no_retained;
	exporting.what.jobs = (unsigned)options.jobs;
	exporting.what.path = options.output;
	exporting.what.replace = force;
	exporting.what.labels = (const char *const *)labels;
	if (!exporting.what.host && options.live)
		exporting.what.host = g_get_host_name();
	if (!parse_time(command, time_word, &exporting.what.time) || !check(&exporting, format))
		return CLI_USAGE;
	if (options.argument_count > 2 && !fleet)
		return cli_complain_usage(command, "too many arguments");
	return run(&exporting);
}
