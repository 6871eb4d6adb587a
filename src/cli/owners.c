/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

enum {
	TEXT_LIMIT = 25,
	DEPTH = 3
};

/* The options as given. */
typedef struct owners_words {
	char *sort, *by, *minimum, *limit, *focus, *ignore;
	int depth;
	gboolean no_retained;
} owners_words;

static void owners_words_deinit(owners_words *words)
{
	g_free(words->sort);
	g_free(words->by);
	g_free(words->focus);
	g_free(words->ignore);
	g_free(words->minimum);
	g_free(words->limit);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(owners_words, owners_words_deinit)

/* The index of WORD among NAMES, which end with NULL, or 0 of NULL; -1 if it is none. */
static int index_of(const char *const *names, const char *word)
{
	for (int i = 0; word && names[i]; i++)
		if (!strcmp(names[i], word))
			return i;
	return word ? -1 : 0;
}

static bool parse_order(const cli_command *command, const owners_words *words, hc_ownership_options *options)
{
	static const char *const orders[] = { "holds", "own", "retains", "blocks", NULL }, *const groups[] = { "root",
		"thread", "module", NULL };
	int order = index_of(orders, words->sort), by = index_of(groups, words->by);

	if (order < 0) {
		cli_complain_usage(command, "--sort takes holds, own, retains or blocks, not \"%s\"", words->sort);
		return false;
	}
	if (by < 0) {
		cli_complain_usage(command, "--by takes root, thread or module, not \"%s\"", words->by);
		return false;
	}
	options->order = (hc_owners_order)order;
	options->by = (hc_owners_by)by;
	options->no_retained = words->no_retained;
	options->with_shared = !words->no_retained;
	if (options->order == HC_OWNERS_RETAINS && options->no_retained) {
		cli_complain_usage(command, "--sort retains needs what --no-retained leaves out");
		return false;
	}
	return true;
}

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

static bool parse_words(
	const cli_command *command, const owners_words *words, hc_ownership_options *options, hc_owners_view *view)
{
	if (words->minimum && !cli_parse_size(words->minimum, &view->minimum)) {
		cli_complain_usage(command, "--min takes a size, not \"%s\"", words->minimum);
		return false;
	}
	if (words->limit && !cli_parse_size(words->limit, &view->limit)) {
		cli_complain_usage(command, "--limit takes a number, not \"%s\"", words->limit);
		return false;
	}
	if (words->depth < 1) {
		cli_complain_usage(command, "--depth takes a number from 1 on");
		return false;
	}
	if (!is_pattern(command, "--focus", words->focus) || !is_pattern(command, "--ignore", words->ignore))
		return false;
	view->depth = (unsigned)words->depth;
	view->focus = words->focus;
	view->ignore = words->ignore;
	return parse_order(command, words, options);
}

/* Of two arguments the second is a file, the binary, or a path. */
static const char *take_path(const cli_options *options, const char **ret_binary)
{
	bool is_file = options->argument_count == 2 && g_file_test(options->arguments[1], G_FILE_TEST_EXISTS);

	*ret_binary = options->argument_count == 3 || is_file ? options->arguments[1] : NULL;
	return options->argument_count == 3		? options->arguments[2] :
	       options->argument_count == 2 && !is_file ? options->arguments[1] :
							  NULL;
}

cli_status cli_run_owners(const cli_command *command, int argc, char **argv)
{
	g_auto(owners_words) words = { .depth = DEPTH };
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "depth", 0, 0, G_OPTION_ARG_INT, &words.depth, "so many levels of the tree (default 3)", "N" },
		{ "min", 0, 0, G_OPTION_ARG_STRING, &words.minimum,
			"rows of at least so many bytes (default: 1 % of what is in use)", "BYTES" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &words.limit,
			"at most so many rows of the first level; 0: all (default 25, with --json 0)", "N" },
		{ "sort", 0, 0, G_OPTION_ARG_STRING, &words.sort,
			"what has most comes first: holds (default), own, retains, blocks", "WHAT" },
		{ "by", 0, 0, G_OPTION_ARG_STRING, &words.by,
			"what the first level is: root (default: variables and places), thread, module", "WHAT" },
		{ "focus", 0, 0, G_OPTION_ARG_STRING, &words.focus,
			"only rows whose path or type has this, and what is below them", "REGEX" },
		{ "ignore", 0, 0, G_OPTION_ARG_STRING, &words.ignore, "nothing of such rows, or below them", "REGEX" },
		{ "no-retained", 0, 0, G_OPTION_ARG_NONE, &words.no_retained, "tell what each holds only: faster",
			NULL },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	hc_ownership_options ownership_options = { 0 };
	hc_owners_view view = { .minimum = UINT64_MAX };
	g_autoptr(hc_analysis) analysis = NULL;
	g_autoptr(hc_ownership) ownership = NULL;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	const char *core, *binary;
	cli_status status;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 3, &options, &status))
		return status;
	view.limit = options.json ? 0 : TEXT_LIMIT;
	if (!parse_words(command, &words, &ownership_options, &view))
		return CLI_USAGE;
	core = options.arguments[0];
	view.path = take_path(&options, &binary);
	ownership_options.jobs = options.jobs;
	analysis = cli_analyse(&options, &core, &binary, HC_STAGE_TYPES);
	if (!analysis)
		return CLI_FAILED;
	cli_report_init(&report, &options, binary);
	ownership = hc_analysis_find_owners(analysis, &ownership_options, &error);
	written = ownership && hc_report_owners(analysis, ownership, &view, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
