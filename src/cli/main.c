/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options before the command, and dispatch. */
#include "browse.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static cli_status unknown_command(const char *name)
{
	g_autofree char *printable = g_strescape(name, NULL);

	cli_complain("there is no command \"%s\"", printable);
	if (strchr(name, '/') || strchr(name, '.') || g_str_has_prefix(name, "core"))
		cli_complain("for a core: heapcore analyze %s", printable);
	fputs("Try: heapcore --help\n", stderr);
	return CLI_USAGE;
}

/* Options before the command. FALSE if there is nothing more to do. */
static bool parse_own_options(int *argc, char ***argv, cli_status *ret_status)
{
	gboolean help = FALSE, version = FALSE, list = FALSE;
	const GOptionEntry entries[] = {
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, NULL, NULL },
		{ "list-commands", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &list, NULL, NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_strict_posix(context, TRUE);
	g_option_context_add_main_entries(context, entries, NULL);
	*ret_status = CLI_DONE;
	if (!g_option_context_parse(context, argc, argv, &error)) {
		cli_complain("%s", error->message);
		fputs("Try: heapcore --help\n", stderr);
		*ret_status = CLI_USAGE;
		return false;
	}
	if (version) {
		g_autofree char *libraries = hc_describe_libraries(), *sandbox = cli_sandbox_describe();

		printf("heapcore %s\nLibraries: %s, SQLite %s, ncurses %s\n%s\n", hc_version(), libraries,
			hc_export_sqlite_version(), browse_curses_version(), sandbox);
	} else if (help) {
		cli_print_overview();
	} else if (list) {
		cli_list_commands();
	}
	return !help && !version && !list;
}

static cli_status run(int argc, char **argv)
{
	const cli_command *command;
	cli_status status;

	if (!parse_own_options(&argc, &argv, &status))
		return status;
	if (argc < 2) {
		cli_complain("no command given");
		fputs("Try: heapcore --help\n", stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--") && argc > 2) {
		argc--;
		argv++;
	}
	command = cli_find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	return command->run(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: "25,573 blocks, 1.5 MiB" reads the same everywhere */
	cli_handle_endings();
	g_set_prgname("heapcore");
	return cli_close_output(run(argc, argv));
}
