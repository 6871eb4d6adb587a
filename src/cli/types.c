/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

enum {
	TEXT_LIMIT = 25,
	JSON_LIMIT = 1000, /* of instances: each has its value */
};

/* The options as given. */
typedef struct types_words {
	char *limit, *instances, *sort;
} types_words;

static void types_words_deinit(types_words *words)
{
	g_free(words->limit);
	g_free(words->instances);
	g_free(words->sort);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(types_words, types_words_deinit)

static bool parse_words(const cli_command *command, const types_words *words, bool json, hc_instances_view *view)
{
	*view = (hc_instances_view){ .type = words->instances, .limit = json ? JSON_LIMIT : TEXT_LIMIT };
	if (words->sort && !words->instances) {
		cli_complain_usage(command, "--sort is for --instances");
		return false;
	}
	if (words->limit && !cli_parse_size(words->limit, &view->limit)) {
		cli_complain_usage(command, "--limit takes a number, not \"%s\"", words->limit);
		return false;
	}
	if (!words->sort || !strcmp(words->sort, "size")) {
		view->order = HC_CHUNKS_BY_SIZE;
	} else if (!strcmp(words->sort, "address")) {
		view->order = HC_CHUNKS_BY_ADDRESS;
	} else {
		cli_complain_usage(command, "--sort takes address or size, not \"%s\"", words->sort);
		return false;
	}
	return true;
}

static cli_status report_instances(const cli_options *options, const hc_instances_view *view)
{
	const char *core = options->arguments[0], *binary = options->arguments[1];
	g_autoptr(hc_analysis) analysis = cli_analyse(options, &core, &binary, HC_STAGE_TYPES);
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	bool written;

	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, options, binary);
	written = hc_report_instances(analysis, view, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}

cli_status cli_run_types(const cli_command *command, int argc, char **argv)
{
	g_auto(types_words) words = { 0 };
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "instances", 0, 0, G_OPTION_ARG_STRING, &words.instances,
			"the blocks of this type, each with who holds it and what it says", "TYPE" },
		{ "sort", 0, 0, G_OPTION_ARG_STRING, &words.sort,
			"of instances: size (largest first, the default), address", "ORDER" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &words.limit,
			"at most so many rows; 0: all (default 25, with --json 0; of instances 1000)", "N" },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	hc_instances_view view;
	cli_status status;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	if (!parse_words(command, &words, options.json, &view))
		return CLI_USAGE;
	return words.instances ? report_instances(&options, &view) :
				 cli_report_limited(command, &options, words.limit, TEXT_LIMIT, hc_report_types);
}
