/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	DEPTH = 3
};

/* Says what is wrong with TEXT, which OPTION has, before a core is read for it. TRUE of NULL. */
static bool is_pattern(const cli_command *command, const char *option, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GRegex) pattern = text ? g_regex_new(text, G_REGEX_RAW, 0, &error) : NULL;

	if (error)
		cli_complain_usage(
			command, "%s takes a regular expression, not \"%s\": %s", option, text, error->message);
	return !error;
}

/* Of two arguments the second is a file, the binary, or a path. */
static const char *take_path(const cli_options *options, char **ret_binary)
{
	bool is_file = options->argument_count == 2 && g_file_test(options->arguments[1], G_FILE_TEST_EXISTS);

	*ret_binary = options->argument_count == 3 || is_file ? options->arguments[1] : NULL;
	return options->argument_count == 3		? options->arguments[2] :
	       options->argument_count == 2 && !is_file ? options->arguments[1] :
							  NULL;
}

/* What is wrong with what is each right by itself. */
static bool check_words(
	const cli_command *command, const hc_ownership_options *options, const hc_owners_view *view, int depth)
{
	if (depth < 1) {
		cli_complain_usage(command, "--depth takes a number from 1 on");
		return false;
	}
	if (!is_pattern(command, "--focus", view->focus) || !is_pattern(command, "--ignore", view->ignore))
		return false;
	if (options->order == HC_OWNERS_RETAINS && options->no_retained) {
		cli_complain_usage(command, "--sort retains needs what --no-retained leaves out");
		return false;
	}
	return true;
}

cli_status cli_run_owners(const cli_command *command, int argc, char **argv)
{
	/* In the order of hc_owners_order and hc_owners_by. */
	static const char *const orders[] = { "holds", "own", "retains", "blocks", NULL }, *const groups[] = { "root",
		"thread", "module", NULL };
	int depth = DEPTH, order = 0, by = 0;
	gboolean no_retained = FALSE;
	hc_owners_view view = { .minimum = UINT64_MAX };
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_INTEGER, "depth", &depth, .help = "so many levels of the tree (default 3)", .argument = "N" },
		{ CLI_SIZE, "min", &view.minimum, .argument = "BYTES",
			.help = "rows of at least so many bytes (default: 1 % of what is in use)" },
		{ CLI_LIMIT, "limit", &view.limit, .rows = { .text = 25 }, .argument = "N",
			.help = "at most so many rows of the first level; 0: all (default 25, with --json 0)" },
		{ CLI_CHOICE, "sort", &order, .choices = orders, .argument = "WHAT",
			.help = "what has most comes first: holds (default), own, retains, blocks" },
		{ CLI_CHOICE, "by", &by, .choices = groups, .argument = "WHAT",
			.help = "what the first level is: root (default: variables and places), thread, module" },
		{ CLI_WORD, "focus", &view.focus, .argument = "REGEX",
			.help = "only rows whose path or type has this, and what is below them" },
		{ CLI_WORD, "ignore", &view.ignore, .argument = "REGEX",
			.help = "nothing of such rows, or below them" },
		{ CLI_FLAG, "no-retained", &no_retained, .help = "tell what each holds only: faster" },
		CLI_NO_SITES_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	g_autoptr(hc_ownership) ownership = NULL;
	char *binary;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 3, &options, &status))
		return status;
	const hc_ownership_options ownership_options = {
		.order = (hc_owners_order)order,
		.by = (hc_owners_by)by,
		.no_retained = no_retained,
		.with_shared = !no_retained,
		.jobs = options.jobs,
	};

	if (!check_words(command, &ownership_options, &view, depth))
		return CLI_USAGE;
	view.depth = (unsigned)depth;
	view.path = take_path(&options, &binary);
	view.sites = !options.no_sites;
	char *const files[] = { options.arguments[0], binary };

	if (!cli_core_report_begin(&report, &options, files, HC_STAGE_TYPES, &status))
		return status;
	ownership = hc_analysis_find_owners(report.analysis, &ownership_options, &report.error);
	return cli_core_report_end(&report, ownership && hc_report_owners(report.analysis, ownership, &view,
								 &report.output.options, &report.error));
}
