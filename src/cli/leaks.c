/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	TEXT_LIMIT = 20
};

/* The options as given. */
typedef struct leaks_words {
	char *group_by, *limit;
	char **suppressions, **fail_on;
	gboolean addresses;
} leaks_words;

static void leaks_words_deinit(leaks_words *words)
{
	g_free(words->group_by);
	g_free(words->limit);
	g_strfreev(words->suppressions);
	g_strfreev(words->fail_on);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(leaks_words, leaks_words_deinit)

static bool parse_words(
	const cli_command *command, const leaks_words *words, hc_leaks_options *options, hc_leaks_view *view)
{
	if (words->group_by && !hc_leaks_grouping_parse(words->group_by, &options->grouping)) {
		cli_complain_usage(
			command, "--group-by takes shape, size, type or module, not \"%s\"", words->group_by);
		return false;
	}
	if (words->limit && !cli_parse_size(words->limit, &view->limit)) {
		cli_complain_usage(command, "--limit takes a number, not \"%s\"", words->limit);
		return false;
	}
	view->addresses = words->addresses;
	return true;
}

/* NULL after an error, which was said; CLI_FAILED then. */
static hc_suppressions *read_suppressions(char **files)
{
	g_autoptr(hc_suppressions) suppressions = hc_suppressions_create();
	g_autoptr(GError) error = NULL;

	for (; files && *files; files++) {
		if (!hc_suppressions_add_file(suppressions, *files, &error)) {
			cli_complain("%s", error->message);
			return NULL;
		}
	}
	return g_steal_pointer(&suppressions);
}

static cli_status report_leaks(const cli_options *options, const hc_leaks_options *leaks_options,
	const hc_leaks_view *view, const cli_conditions *conditions)
{
	const char *core = options->arguments[0], *binary = options->arguments[1];
	g_autoptr(hc_analysis) analysis = cli_analyse(options, &core, &binary, HC_STAGE_MEMORY);
	g_autoptr(hc_leaks) leaks = NULL;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	cli_status status;
	bool written;

	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, options, binary);
	leaks = hc_analysis_find_leaks(analysis, leaks_options, &error);
	if (!leaks)
		return cli_finish(&report, false, error, analysis);
	written = hc_report_leaks(analysis, leaks, view, &report.options, &error);
	status = cli_finish(&report, written, error, analysis);
	return cli_worse(status, cli_conditions_check_leaks(conditions, analysis, hc_leaks_get_totals(leaks)));
}

cli_status cli_run_leaks(const cli_command *command, int argc, char **argv)
{
	g_auto(leaks_words) words = { 0 };
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "group-by", 0, 0, G_OPTION_ARG_STRING, &words.group_by,
			"what is one row: shape (default), size, type, module", "WHAT" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &words.limit,
			"at most so many rows; 0: all (default 20, with --json 0)", "N" },
		{ "addresses", 0, 0, G_OPTION_ARG_NONE, &words.addresses, "every lost block, too", NULL },
		CLI_CONTAINERS_ENTRY(options),
		{ "suppressions", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &words.suppressions,
			"known leaks, not to be counted (repeatable)", "FILE" },
		{ "fail-on", 0, 0, G_OPTION_ARG_STRING_ARRAY, &words.fail_on, "exit with 1 if it holds (repeatable)",
			"CONDITION" },
		{ NULL },
	};
	g_autoptr(cli_conditions) conditions = NULL;
	g_autoptr(hc_suppressions) suppressions = NULL;
	hc_leaks_options leaks_options = { 0 };
	hc_leaks_view view = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	view.limit = options.json ? 0 : TEXT_LIMIT;
	conditions = cli_conditions_parse(command, "--fail-on", words.fail_on);
	if (!conditions || !parse_words(command, &words, &leaks_options, &view))
		return CLI_USAGE;
	suppressions = read_suppressions(words.suppressions);
	if (!suppressions)
		return CLI_FAILED;
	leaks_options.suppressions = suppressions;
	view.suppressions = suppressions;
	return report_leaks(&options, &leaks_options, &view, conditions);
}
