/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <stdio.h>
#include <string.h>

enum {
	LIMIT = 20
};

/* Whether a shell can show it as it is and take it as one word: names come from a file, which may hold anything. */
static bool is_plain(const char *name)
{
	return *name && strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_:") == strlen(name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* --list-variables, for shells: see options.c. */
static cli_status list_variables_of(const cli_options *options)
{
	const char *core = options->arguments[0], *binary = options->arguments[1];
	g_autoptr(hc_analysis) analysis = cli_analyse(options, &core, &binary, HC_STAGE_MODULES);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	hc_variables *variables;
	unsigned count;

	if (!analysis)
		return CLI_FAILED;
	variables = hc_analysis_variables(analysis);
	count = hc_variables_load(variables, options->jobs);
	for (unsigned i = 0; i < count; i++) {
		const char *name = hc_variables_get(variables, i)->name;

		if (name && is_plain(name))
			g_ptr_array_add(names, (char *)name);
	}
	g_ptr_array_sort(names, compare_names);
	for (unsigned i = 0; i < names->len; i++)
		if (!i || strcmp(names->pdata[i - 1], names->pdata[i]))
			puts(names->pdata[i]);
	return CLI_DONE;
}

cli_status cli_run_show(const cli_command *command, int argc, char **argv)
{
	int limit = LIMIT, frame = -1;
	gboolean list_variables = FALSE;
	gint64 thread = 0, first = 0;
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_LONG_INTEGER, "first", &first, .help = "begin with this element or member (default 0)",
			.argument = "N" },
		{ CLI_INTEGER, "limit", &limit, .help = "at most so many (default 20)", .argument = "N" },
		{ CLI_LONG_INTEGER, "thread", &thread, .help = "the local or thread-local variable of this thread",
			.argument = "ID" },
		{ CLI_INTEGER, "frame", &frame, .help = "the local of this frame", .argument = "N" },
		CLI_CONTAINERS_OPTION(options),
		{ CLI_FLAG, "list-variables", &list_variables, .is_hidden = true },
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 3, &options, &status))
		return status;
	if (list_variables)
		return list_variables_of(&options);
	if (options.argument_count < 2)
		return cli_complain_usage(command, "arguments are missing");
	if (limit < 1 || first < 0)
		return cli_complain_usage(command, "--limit takes a number from 1 on, --first one from 0 on");
	char *const files[] = { options.arguments[0], options.argument_count == 3 ? options.arguments[1] : NULL };
	const char *expression = options.arguments[options.argument_count - 1];
	const hc_show_view view = { .thread = thread, .frame = frame, .first = first, .limit = limit };

	if (!cli_core_report_begin(&report, &options, files, HC_STAGE_TYPES, &status))
		return status;
	return cli_core_report_end(
		&report, hc_report_show(report.analysis, expression, &view, &report.output.options, &report.error));
}
