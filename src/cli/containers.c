/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	TEXT_LIMIT = 20
};

/* The options as given. */
typedef struct containers_words {
	char *sort, *type, *variable, *thread, *minimum, *limit;
} containers_words;

static void containers_words_deinit(containers_words *words)
{
	g_free(words->sort);
	g_free(words->type);
	g_free(words->variable);
	g_free(words->thread);
	g_free(words->minimum);
	g_free(words->limit);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(containers_words, containers_words_deinit)

static bool parse_words(const cli_command *command, const containers_words *words, hc_containers_view *view)
{
	gint64 thread = 0;

	if (words->sort && g_strcmp0(words->sort, "bytes") && g_strcmp0(words->sort, "elements")) {
		cli_complain_usage(command, "--sort takes bytes or elements, not \"%s\"", words->sort);
		return false;
	}
	if (words->limit && !cli_parse_size(words->limit, &view->limit)) {
		cli_complain_usage(command, "--limit takes a number, not \"%s\"", words->limit);
		return false;
	}
	if (words->minimum && !cli_parse_size(words->minimum, &view->minimum)) {
		cli_complain_usage(command, "--min takes a size, not \"%s\"", words->minimum);
		return false;
	}
	if (words->thread && (!g_ascii_string_to_signed(words->thread, 10, 1, G_MAXINT64, &thread, NULL))) {
		cli_complain_usage(command, "--thread takes the number of a thread, not \"%s\"", words->thread);
		return false;
	}
	view->by_elements = !g_strcmp0(words->sort, "elements");
	view->thread = thread;
	view->type = words->type;
	view->variable = words->variable;
	return true;
}

cli_status cli_run_containers(const cli_command *command, int argc, char **argv)
{
	g_auto(containers_words) words = { 0 };
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "sort", 0, 0, G_OPTION_ARG_STRING, &words.sort, "most of what first: bytes (default), elements",
			"WHAT" },
		{ "type", 0, 0, G_OPTION_ARG_STRING, &words.type, "only types that contain this, or match it",
			"PATTERN" },
		{ "variable", 0, 0, G_OPTION_ARG_STRING, &words.variable, "the same for the name and path", "PATTERN" },
		{ "thread", 0, 0, G_OPTION_ARG_STRING, &words.thread, "only those of this thread's stack and storage",
			"ID" },
		{ "min", 0, 0, G_OPTION_ARG_STRING, &words.minimum, "only those with at least so many bytes below",
			"SIZE" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &words.limit,
			"at most so many rows; 0: all (default 20, with --json 0)", "N" },
		CLI_RETAINED_ENTRY(options),
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	hc_containers_view view = { 0 };
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	const char *core, *binary;
	GError *error = NULL;
	cli_status status;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	view.limit = options.json ? 0 : TEXT_LIMIT;
	if (!parse_words(command, &words, &view))
		return CLI_USAGE;
	core = options.arguments[0];
	binary = options.arguments[1];
	analysis = cli_analyse(&options, &core, &binary, HC_STAGE_TYPES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, binary);
	written = hc_report_containers(analysis, &view, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
