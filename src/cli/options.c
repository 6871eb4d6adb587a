/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options, from tables that tell what each is read into.
 *
 * GOption leaves words. What they mean (a size, a number of rows, one of a few names) is read here, and complained of here if they mean
 * nothing. The words are cli_options': a command has what was read, and nothing to free.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

/* An option, and what was given of it. */
struct given {
	cli_option option;
	char *word;   /* of one that takes a word ... */
	char **words; /* ... or that may be repeated */
};

static void free_given(void *data)
{
	struct given *given = data;

	g_free(given->word);
	g_strfreev(given->words);
	g_free(given);
}

static GOptionEntry entry_of(struct given *given)
{
	static const GOptionArg arguments[] = {
		[CLI_FLAG] = G_OPTION_ARG_NONE,
		[CLI_INTEGER] = G_OPTION_ARG_INT,
		[CLI_LONG_INTEGER] = G_OPTION_ARG_INT64,
		[CLI_WORD] = G_OPTION_ARG_STRING,
		[CLI_PATH] = G_OPTION_ARG_FILENAME,
		[CLI_WORDS] = G_OPTION_ARG_STRING_ARRAY,
		[CLI_PATHS] = G_OPTION_ARG_FILENAME_ARRAY,
		[CLI_SIZE] = G_OPTION_ARG_STRING,
		[CLI_LIMIT] = G_OPTION_ARG_STRING,
		[CLI_CHOICE] = G_OPTION_ARG_STRING,
	};
	const cli_option *option = &given->option;
	bool is_repeated = option->kind == CLI_WORDS || option->kind == CLI_PATHS;
	void *word = is_repeated ? (void *)&given->words : (void *)&given->word;

	return (GOptionEntry){
		.long_name = option->name,
		.short_name = option->letter,
		.flags = option->is_hidden ? G_OPTION_FLAG_HIDDEN : G_OPTION_FLAG_NONE,
		.arg = arguments[option->kind],
		.arg_data = option->kind <= CLI_LONG_INTEGER ? option->place : word,
		.description = option->help,
		.arg_description = option->argument,
	};
}

void cli_options_add(GOptionContext *context, const cli_option *table, cli_options *options)
{
	if (!options->given)
		options->given = g_ptr_array_new_with_free_func(free_given);
	for (; table && table->name; table++) {
		struct given *given = g_new0(struct given, 1);

		given->option = *table;
		g_ptr_array_add(options->given, given);
		g_option_context_add_main_entries(context, (const GOptionEntry[]){ entry_of(given), { 0 } }, NULL);
	}
}

/* "bytes or elements", "holds, own, retains or blocks" */
static char *join_choices(const char *const *choices)
{
	GString *text = g_string_new(choices[0]);

	for (unsigned i = 1; choices[i]; i++)
		g_string_append_printf(text, "%s%s", choices[i + 1] ? ", " : " or ", choices[i]);
	return g_string_free(text, FALSE);
}

static bool complain(const cli_command *command, const struct given *given, const char *takes)
{
	const cli_option *option = &given->option;

	cli_complain_usage(
		command, "--%s takes %s, not \"%s\"", option->name, option->takes ? option->takes : takes, given->word);
	return false;
}

static bool read_choice(const cli_command *command, const struct given *given)
{
	const char *const *choices = given->option.choices;
	g_autofree char *takes = join_choices(choices);

	for (int i = 0; choices[i]; i++) {
		if (strcmp(choices[i], given->word))
			continue;
		*(int *)given->option.place = i;
		return true;
	}
	return complain(command, given, takes);
}

static bool read_given(const cli_command *command, const cli_options *options, const struct given *given)
{
	const cli_option *option = &given->option;

	switch (option->kind) {
	case CLI_WORD:
	case CLI_PATH:
		if (given->word)
			*(const char **)option->place = given->word;
		return true;
	case CLI_WORDS:
	case CLI_PATHS:
		if (given->words)
			*(char ***)option->place = given->words;
		return true;
	case CLI_LIMIT:
		*(uint64_t *)option->place = options->json ? option->rows.json : option->rows.text;
		return !given->word || cli_parse_size(given->word, option->place) ||
		       complain(command, given, "a number");
	case CLI_SIZE:
		return !given->word || cli_parse_size(given->word, option->place) || complain(command, given, "a size");
	case CLI_CHOICE:
		return !given->word || read_choice(command, given);
	default:
		return true;
	}
}

bool cli_options_read(const cli_command *command, const cli_options *options)
{
	for (unsigned i = 0; i < options->given->len; i++)
		if (!read_given(command, options, options->given->pdata[i]))
			return false;
	return true;
}

/*
 * ---- for shells ----
 *
 * What the completion of bash and zsh (data/completion) asks the program for, so that it is never older than the program: lines of fields with
 * tabs between, none of them empty. Not for people, and in no help.
 *
 *	heapcore --list-commands			NAME, ARGUMENTS, SUMMARY
 *	heapcore COMMAND --list-options			--NAME, LETTER, ARGUMENT, VALUES, HELP
 *	heapcore show --list-variables CORE [BINARY]	NAME
 *
 * VALUES is "file", "folder", "process", "variable", or "=" and the words that it takes. What there is not is "-".
 */

static const char *values_of(const cli_option *option)
{
	static const struct {
		const char *argument, *values;
	} by_argument[] = { { "DIR", "folder" }, { "FILE", "file" }, { "PID", "process" }, { "PATH", "variable" } };

	for (unsigned i = 0; option->argument && i < G_N_ELEMENTS(by_argument); i++)
		if (!strcmp(option->argument, by_argument[i].argument))
			return by_argument[i].values;
	return strcmp(option->name, "variable") ? "-" : "variable";
}

static void print_option(const cli_option *option)
{
	g_autofree char *words = option->choices ? g_strjoinv(" ", (char **)option->choices) : NULL;

	printf("--%s\t%c\t%s\t%s%s\t%s\n", option->name, option->letter ? option->letter : '-',
		option->argument ? option->argument : "-", words ? "=" : "", words ? words : values_of(option),
		option->help);
}

void cli_options_list(const cli_options *options)
{
	for (unsigned i = 0; i < options->given->len; i++) {
		const struct given *given = options->given->pdata[i];

		if (!given->option.is_hidden)
			print_option(&given->option);
	}
}
