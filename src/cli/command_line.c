/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

cli_status cli_worse(cli_status a, cli_status b)
{
	static const cli_status order[] = { CLI_USAGE, CLI_FAILED, CLI_CONDITION_MET, CLI_PARTIAL };

	for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
		if (a == order[i] || b == order[i])
			return order[i];
	}
	return CLI_DONE;
}

bool cli_shows_progress(const cli_options *options)
{
	return !options->quiet && cli_is_terminal(STDERR_FILENO);
}

void cli_options_deinit(cli_options *options)
{
	cli_pager_end(options);
	g_clear_pointer(&options->given, g_ptr_array_unref);
	if (options->live) {
		hc_capture_release(options->live->held);
		g_free(options->live->name);
		g_free(options->live);
	}
	g_strfreev(options->arguments);
}

static const char *const colours[] = { "auto", "always", "never", NULL };

/* The options that all commands share, behind the command's own. */
static GOptionContext *make_context(const cli_command *command, const cli_option *own, cli_options *options)
{
	const cli_option reading[] = {
		{ CLI_WORD, "pid", &options->pid_word,
			.help = "a live process in place of CORE; it is paused for milliseconds, and no core is left behind",
			.argument = "PID" },
		{ CLI_WORD, "coredumpctl", &options->coredump_word,
			.help = "the newest core that systemd-coredump keeps of MATCH (a pid, a program's name or path) in place of CORE",
			.argument = "MATCH" },
		{ CLI_PATH, "coredump-dir", &options->coredump_folder,
			.help = "where --coredumpctl looks, instead of /var/lib/systemd/coredump", .argument = "DIR" },
		CLI_NO_CONTENT_OPTION(*options),
		{ 0 },
	};
	const cli_option shared[] = {
		{ CLI_FLAG, "json", &options->json, .help = "JSON instead of text", .letter = 'j' },
		{ CLI_PATH, "sysroot", &options->sysroot, .help = "look for the process's files below DIR instead of /",
			.argument = "DIR" },
		{ CLI_PATHS, "debug-dir", &options->debug_directories,
			.help = "look for debug info in DIR too (repeatable)", .argument = "DIR" },
		{ CLI_FLAG, "no-encodings", &options->no_encodings,
			.help = "learn no encodings of pointers, nor headers and pools: what they hold is (possibly) lost" },
		{ CLI_INTEGER, "jobs", &options->jobs, .help = "threads to use; 0: one per processor",
			.argument = "N" },
		{ CLI_WORD, "memory", &options->memory_word,
			.help = "take no more memory than SIZE for copies, the core's own size included; default: half of what is free",
			.argument = "SIZE" },
		{ CLI_WORD, "color", &options->colour, .choices = colours,
			.help = "auto (on a terminal, unless NO_COLOR is set), always, never", .argument = "WHEN" },
		{ CLI_INTEGER, "width", &options->width,
			.help = "columns of the text, 60 at least; default: the terminal's, or 100", .argument = "N" },
		{ CLI_FLAG, "no-pager", &options->no_pager,
			.help = "no pager, which text on a terminal goes through otherwise" },
		{ CLI_FLAG, "bytes", &options->exact, .help = "sizes in tables to the byte" },
		{ CLI_FLAG, "verbose", &options->verbose,
			.help = "empty rows, notes and examples too; nothing shortened", .letter = 'v' },
		{ CLI_FLAG, "quiet", &options->quiet, .help = "no progress", .letter = 'q' },
		{ CLI_FLAG, "no-sandbox", &options->no_sandbox, .help = "give up no rights before the core is read" },
		{ CLI_FLAG, "help", &options->help, .help = "this help", .letter = 'h' },
		{ CLI_FLAG, "list-options", &options->list, .is_hidden = true },
		{ 0 },
	};
	GOptionContext *context = g_option_context_new(command->arguments);
	g_autofree char *name = g_strdup_printf("heapcore %s", command->name);

	g_set_prgname(name); /* for the usage line */
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_summary(context, command->summary);
	g_option_context_set_description(context, command->details);
	cli_options_add(context, own, options);
	if (command->cores)
		cli_options_add(context, reading, options);
	cli_options_add(context, shared, options);
	return context;
}

/* GOption writes "[OPTION…]" in UTF-8 locales and capitalises nothing: both as in the manual here. */
static void print_context_help(GOptionContext *context)
{
	g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
	g_auto(GStrv) parts = g_strsplit(help, "\u2026", -1);
	g_autofree char *plain = g_strjoinv("...", parts);

	fputs(plain, stdout);
}

/* How many arguments are standard input. */
static unsigned count_streams(const cli_options *options)
{
	unsigned count = 0;

	for (unsigned i = 0; i < options->argument_count; i++)
		count += !strcmp(options->arguments[i], "-");
	return count;
}

static bool check(const cli_command *command, cli_options *options, unsigned least, unsigned most)
{
	if (options->memory_word && !cli_parse_size(options->memory_word, &options->memory)) {
		cli_complain_usage(command, "--memory takes a size as 4G, not \"%s\"", options->memory_word);
		return false;
	}
	if (options->memory_word)
		options->memory = MAX(options->memory, 1); /* 0 is no limit to the library */
	if (options->colour && !g_strv_contains(colours, options->colour)) {
		cli_complain_usage(command, "--color takes auto, always or never, not \"%s\"", options->colour);
		return false;
	}
	if (options->jobs < 0) {
		cli_complain_usage(command, "--jobs takes a number from 0 on");
		return false;
	}
	if (options->width < 0) {
		cli_complain_usage(command, "--width takes a number of columns");
		return false;
	}
	if (count_streams(options) > 1) {
		cli_complain_usage(command, "standard input holds one core: \"-\" may be given once");
		return false;
	}
	if (options->argument_count < least || options->argument_count > most) {
		cli_complain_usage(command, "%s",
			options->argument_count < least ? "arguments are missing" : "too many arguments");
		return false;
	}
	return true;
}

cli_live *cli_live_new(int64_t pid)
{
	cli_live *live = g_new0(cli_live, 1);

	live->pid = pid;
	live->name = g_strdup_printf("--pid=%" PRIi64, pid);
	return live;
}

/* CORE takes the first place among the arguments, where a core stands; of diff the last one in time. */
static void place_core(const cli_command *command, cli_options *options, const char *core)
{
	unsigned place = command->cores == CLI_CORES_IN_TIME ? options->argument_count : 0;

	memmove(options->arguments + place + 1, options->arguments + place,
		(options->argument_count - place) * sizeof *options->arguments);
	options->arguments[place] = g_strdup(core);
	options->argument_count++;
}

/* The process of --pid is placed so. FALSE: that was said. */
static bool place_process(const cli_command *command, cli_options *options)
{
	int64_t pid;

	if (!options->pid_word)
		return true;
	if (!cli_parse_pid(options->pid_word, &pid)) {
		cli_complain_usage(command, "--pid takes the number of a process, not \"%s\"", options->pid_word);
		return false;
	}
	options->live = cli_live_new(pid);
	place_core(command, options, options->live->name);
	return true;
}

/* Which one was taken: there may be several, and a name may mean more than one program. */
static void tell_coredump(const hc_coredump *dump)
{
	g_autoptr(GDateTime) ended = g_date_time_new_from_unix_local(dump->time / G_USEC_PER_SEC);
	g_autofree char *when = ended ? g_date_time_format(ended, "%F %T") : NULL;

	cli_complain("reading %s: process %" PRIi64 ", %s, ended %s", dump->path, dump->pid,
		dump->executable ? dump->executable : dump->name, when ? when : "at an unknown time");
}

/* The core of --coredumpctl, likewise. FALSE: that was said. */
static bool place_coredump(const cli_command *command, cli_options *options, cli_status *ret_status)
{
	g_autoptr(hc_coredump) dump = NULL;
	g_autoptr(GError) error = NULL;

	if (!options->coredump_word)
		return true;
	if (options->live) {
		cli_complain_usage(command, "--pid and --coredumpctl both stand for the core: one of them is enough");
		return false;
	}
	dump = hc_coredump_find(options->coredump_folder, options->coredump_word, &error);
	if (!dump) {
		cli_complain("%s", error->message);
		*ret_status = CLI_FAILED;
		return false;
	}
	if (!options->quiet)
		tell_coredump(dump);
	place_core(command, options, dump->path);
	return true;
}

/* Whether any of the files that are to be read is named by way of a process. */
static bool is_by_process(const cli_options *options)
{
	char **const lists[] = { options->arguments, options->debug_directories, options->container_files };
	bool found = cli_sandbox_is_of_process(options->sysroot);

	for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++)
		for (char **path = lists[i]; path && *path; path++)
			found |= cli_sandbox_is_of_process(*path);
	return found;
}

void cli_give_up_rights(const cli_options *options, cli_rights rights)
{
	const sandbox_uses uses = {
		.output = options->output,
		.held = options->live && options->live->held ? hc_held_capture_path(options->live->held) : NULL,
		.processes = is_by_process(options),
	};
	g_autofree char *lacking = options->no_sandbox ? NULL : cli_sandbox_enter(rights, &uses);

	if (lacking && options->verbose)
		cli_complain("the sandbox is not whole: %s", lacking);
}

bool cli_parse(const cli_command *command, int argc, char **argv, const cli_option *own, unsigned least_arguments,
	unsigned most_arguments, cli_options *options, cli_status *ret_status)
{
	g_autoptr(GOptionContext) context = make_context(command, own, options);
	g_auto(GStrv) words = g_new0(char *, argc + 1);
	g_autoptr(GError) error = NULL;
	unsigned count = 0;

	for (int i = 0; i < argc; i++)
		words[i] = g_strdup(argv[i]);
	*ret_status = CLI_USAGE;
	if (!g_option_context_parse_strv(context, &words, &error)) {
		cli_complain_usage(command, "%s", error->message);
		return false;
	}
	if (options->help || options->list) {
		if (options->help)
			print_context_help(context);
		else
			cli_options_list(options);
		*ret_status = CLI_DONE;
		return false;
	}
	options->arguments = g_new0(char *, g_strv_length(words) + 2);
	for (unsigned i = 1; words[i]; i++) {
		bool is_separator = !strcmp(words[i], "--") && count == i - 1;

		if (!is_separator)
			options->arguments[count++] = g_strdup(words[i]);
	}
	options->argument_count = count;
	if (!cli_options_read(command, options) || !place_process(command, options) ||
		!place_coredump(command, options, ret_status) || !check(command, options, least_arguments, most_arguments))
		return false;
	if (command->cores != CLI_CORES_NONE)
		cli_pager_begin(options);
	cli_give_up_rights(options,
		command->cores == CLI_CORES_NONE || options->live ? CLI_RIGHTS_TO_CAPTURE : CLI_RIGHTS_TO_READ);
	return true;
}

/* The argument that is the address: one that begins with 0x, or else the last one. */
static unsigned find_address(const cli_options *options)
{
	for (unsigned i = 0; i < options->argument_count; i++) {
		hc_address address;

		if (g_str_has_prefix(options->arguments[i], "0x") && cli_parse_address(options->arguments[i], &address))
			return i;
	}
	return options->argument_count - 1;
}

bool cli_take_address(const cli_command *command, const cli_options *options, char *files[3], hc_address *ret_address)
{
	unsigned place = find_address(options), count = 0;

	if (!cli_parse_address(options->arguments[place], ret_address)) {
		cli_complain_usage(
			command, "\"%s\" is no address: write it in hexadecimal, 0x...", options->arguments[place]);
		return false;
	}
	for (unsigned i = 0; i < options->argument_count && count < 2; i++) {
		if (i != place)
			files[count++] = options->arguments[i];
	}
	return true;
}
