/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	TEXT_LIMIT = 25,
	JSON_LIMIT = 1000, /* there may be millions */
};

/* The options as given. */
typedef struct duplicates_words {
	char *minimum, *limit;
} duplicates_words;

static void duplicates_words_deinit(duplicates_words *words)
{
	g_free(words->minimum);
	g_free(words->limit);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(duplicates_words, duplicates_words_deinit)

cli_status cli_run_duplicates(const cli_command *command, int argc, char **argv)
{
	g_auto(duplicates_words) words = { 0 };
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "min", 0, 0, G_OPTION_ARG_STRING, &words.minimum, "only blocks of at least SIZE", "SIZE" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &words.limit,
			"at most so many groups; 0: all (default 25, with --json 1000)", "N" },
		{ "no-types", 0, 0, G_OPTION_ARG_NONE, &options.no_types,
			"read no debug info, tell no owner: faster, and all bytes count", NULL },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	hc_duplicates_options duplicates_options = { 0 };
	g_autoptr(hc_analysis) analysis = NULL;
	g_autoptr(hc_duplicates) duplicates = NULL;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	const char *core, *binary;
	cli_status status;
	uint64_t limit;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	limit = options.json ? JSON_LIMIT : TEXT_LIMIT;
	if (words.limit && !cli_parse_size(words.limit, &limit))
		return cli_complain_usage(command, "--limit takes a number, not \"%s\"", words.limit);
	if (words.minimum && !cli_parse_size(words.minimum, &duplicates_options.minimum))
		return cli_complain_usage(command, "--min takes a size, not \"%s\"", words.minimum);
	core = options.arguments[0];
	binary = options.arguments[1];
	duplicates_options.jobs = options.jobs;
	analysis = cli_analyse(&options, &core, &binary, HC_STAGE_TYPES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, binary);
	duplicates = hc_analysis_find_duplicates(analysis, &duplicates_options, &error);
	written = duplicates && hc_report_duplicates(analysis, duplicates, limit, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
