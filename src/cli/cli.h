/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program `heapcore`: the library's first user. It sees public headers only, and is the only code that prints or
 * exits.
 *
 *	main.c		options before the command
 *	commands.c	the table of commands, and help
 *	<command>.c	one a command
 *	browse*.c	the owners as a tree in the terminal: see browse.h
 *	command_line.c	options that all commands share, arguments, exit statuses
 *	options.c	options, from tables that tell what each is read into
 *	page.c		a page for a browser, written beside a report
 *	pager.c		the terminal, and the pager that text goes through
 *	complaints.c	what is said on standard error
 *	core_report.c	one report on one core: what most commands are
 *	endings.c	signals, memory that is out, output that cannot be written
 *	live.c		a live process in place of a core; taking captures
 *	run.c		running an analysis with progress, writing a report
 *	sandbox.h	giving up rights before a core is read
 *	snapshots.c	reading and taking snapshots of all that was given
 *	fail_on.c	conditions that make the exit status 1
 *	number.c	sizes and addresses as one types them
 */
#pragma once

#include "sandbox.h"

#include <heapcore/heapcore.h>
#include <signal.h>

/*
 * Exit statuses; in the help texts and the manual too. A condition that is met wins over an analysis in part: what was
 * found in a part of the core is found. One that is not met does not, as the rest of the core is unknown.
 */
typedef enum {
	CLI_DONE = 0,
	CLI_CONDITION_MET = 1, /* --fail-on */
	CLI_FAILED = 2,	       /* no analysis, or no report */
	CLI_PARTIAL = 3,       /* hc_diagnostics_partial(); of check hc_diagnostics_heap_partial() */
	CLI_USAGE = 64,	       /* EX_USAGE of sysexits.h */
} cli_status;

/* Whether a live process may stand in the place of a core (--pid), and where that is among the arguments. */
typedef enum {
	CLI_CORES_NONE,
	CLI_CORES_ONE,	   /* the first */
	CLI_CORES_IN_TIME, /* several: the last */
} cli_cores;

typedef struct cli_command {
	const char *name;
	const char *arguments; /* in the usage line: "CORE [BINARY]" */
	const char *summary;   /* one line of the list of commands, lower case, no full stop */
	const char *details;   /* below the options in the command's help; may be NULL */
	cli_status (*run)(const struct cli_command *command, int argc, char **argv); /* argv[0] is the command */
	cli_cores cores;
} cli_command;

/* All commands, in the order of the help; ends with a NULL name. See main.c for how to add one. */
extern const cli_command cli_commands[];
const cli_command *cli_find_command(const char *name); /* NULL if there is none */

cli_status cli_run_abi(const cli_command *command, int argc, char **argv);
cli_status cli_run_analyze(const cli_command *command, int argc, char **argv);
cli_status cli_run_browse(const cli_command *command, int argc, char **argv);
cli_status cli_run_capture(const cli_command *command, int argc, char **argv);
cli_status cli_run_diff(const cli_command *command, int argc, char **argv);
cli_status cli_run_arenas(const cli_command *command, int argc, char **argv);
cli_status cli_run_chunks(const cli_command *command, int argc, char **argv);
cli_status cli_run_block(const cli_command *command, int argc, char **argv);
cli_status cli_run_path(const cli_command *command, int argc, char **argv);
cli_status cli_run_roots(const cli_command *command, int argc, char **argv);
cli_status cli_run_leaks(const cli_command *command, int argc, char **argv);
cli_status cli_run_containers(const cli_command *command, int argc, char **argv);
cli_status cli_run_snapshot(const cli_command *command, int argc, char **argv);
cli_status cli_run_show(const cli_command *command, int argc, char **argv);
cli_status cli_run_owners(const cli_command *command, int argc, char **argv);
cli_status cli_run_export(const cli_command *command, int argc, char **argv);
cli_status cli_run_check(const cli_command *command, int argc, char **argv);
cli_status cli_run_duplicates(const cli_command *command, int argc, char **argv);
cli_status cli_run_pins(const cli_command *command, int argc, char **argv);
cli_status cli_run_types(const cli_command *command, int argc, char **argv);
cli_status cli_run_mappings(const cli_command *command, int argc, char **argv);
cli_status cli_run_watch(const cli_command *command, int argc, char **argv);
cli_status cli_run_threads(const cli_command *command, int argc, char **argv);
cli_status cli_run_help(const cli_command *command, int argc, char **argv);

/* command_line.c */

/* A live process in the place of a core. */
typedef struct cli_live {
	int64_t pid;
	char *name;	       /* "--pid=PID", as on a command line */
	hc_held_capture *held; /* NULL: it was not captured yet */
} cli_live;

/* What the options that all commands share say, and the arguments that are left. Zero it first. */
typedef struct cli_options {
	gboolean json, verbose, quiet, help, list, exact, no_pager;
	int width; /* 0: the terminal's */
	const char *sysroot;
	char **debug_directories;
	int jobs;
	const char *memory_word;
	uint64_t memory;  /* as hc_analysis_options */
	unsigned at_once; /* likewise */
	gboolean no_types, no_encodings, no_content, no_sites, retained;
	gboolean no_sandbox;
	const char *output;	/* the file that the command will write; NULL: none */
	char **container_files; /* of the commands that have them */
	const char *colour;	/* as given; checked */
	pid_t pager;		/* the process of a pager; 0: there is none */
	int terminal;		/* with a pager: what standard output was */
	const char *pid_word;	/* likewise */
	const char *coredump_word, *coredump_folder; /* of --coredumpctl, --coredump-dir; may be NULL */
	cli_live *live;		/* of the commands that read cores; NULL: there is no --pid */
	GPtrArray *given;	/* options.c: the words that were given, and what is read from them */
	char **arguments; /* not options; NULL-terminated; with --pid one that is live->name, where the core stands */
	unsigned argument_count;
} cli_options;

void cli_options_deinit(cli_options *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_options, cli_options_deinit)

/* What an option is read into. Nothing is written to its place if it is not given, but for a CLI_LIMIT. */
typedef enum {
	CLI_FLAG,	  /* gboolean */
	CLI_INTEGER,	  /* int */
	CLI_LONG_INTEGER, /* gint64 */
	CLI_WORD,	  /* const char *: it is cli_options' */
	CLI_PATH,	  /* the same, in the encoding of file names */
	CLI_WORDS,	  /* char **, of one that may be repeated: likewise */
	CLI_PATHS,
	CLI_SIZE,   /* uint64_t: "4096", "10K" */
	CLI_LIMIT,  /* the same, of rows; has defaults */
	CLI_CHOICE, /* int: which of `choices` */
} cli_option_kind;

typedef struct cli_option {
	cli_option_kind kind;
	const char *name; /* NULL ends a table */
	void *place;
	const char *help, *argument; /* for the command's help; argument: NULL of a flag */
	struct {
		uint64_t text, json;
	} rows;			    /* CLI_LIMIT: the defaults; 0: all */
	const char *const *choices; /* CLI_CHOICE; of another kind: what shells complete. Ends with NULL */
	const char *takes;	    /* what it is said to take where what was given is wrong; NULL: the kind says it */
	char letter;		    /* 0: none */
	bool is_hidden;		    /* for shells: in no help and no list */
} cli_option;

/*
 * Reads the shared options and the table OWN (the command's; may be NULL). FALSE if there is nothing more to do, with the
 * exit status in *RET_STATUS: help was asked for and shown, or the command line is wrong and that was said. All rights that the
 * command does not need are given up then: whatever is read is hostile.
 */
bool cli_parse(const cli_command *command, int argc, char **argv, const cli_option *own, unsigned least_arguments,
	unsigned most_arguments, cli_options *options, cli_status *ret_status);

/*
 * Of two or three arguments the address, wherever it stands, and the others in FILES, which the caller has zeroed. FALSE, and that was
 * said, if none is an address.
 */
bool cli_take_address(const cli_command *command, const cli_options *options, char *files[3], hc_address *ret_address);

/* The option of commands that read cores: one place decides, hc_core_hides_content(). */
#define CLI_NO_CONTENT_OPTION(options) \
	{ \
		CLI_FLAG, "no-content", &(options).no_content, \
			.help = "tell and keep nothing of what memory holds: no texts, numbers, bytes, arguments" \
	}

/* The option of commands that can do without debug info, with what they lack then: TEXT. */
#define CLI_NO_TYPES_OPTION(options, text) \
	{ \
		CLI_FLAG, "no-types", &(options).no_types, .help = (text) \
	}

/* The option of commands that read the program's code where it can tell who allocates. */
#define CLI_NO_SITES_OPTION(options) \
	{ \
		CLI_FLAG, "no-sites", &(options).no_sites, \
			.help = "do not read the program's code for the calls that may have made the blocks" \
	}

/* The option of commands that may fail by a figure: see fail_on.c. */
#define CLI_FAIL_ON_OPTION(words, text) \
	{ \
		CLI_WORDS, "fail-on", &(words), .help = (text), .argument = "CONDITION" \
	}

/* The option of commands that can tell what is retained. */
#define CLI_RETAINED_OPTION(options) \
	{ \
		CLI_FLAG, "retained", &(options).retained, \
			.help = "tell what is retained, i.e. what nothing else leads to: slower" \
	}

/* The option of commands that read containers. */
#define CLI_CONTAINERS_OPTION(options) \
	{ \
		CLI_PATHS, "containers", &(options).container_files, \
			.help = "descriptions of containers of your own (repeatable)", .argument = "FILE" \
	}

/* The process PID, which is not captured yet; cli_options_deinit() frees it. */
cli_live *cli_live_new(int64_t pid);

void cli_print_overview(void);

/* The commands, for shells: see options.c. */
void cli_list_commands(void);

/* Gives up all rights but RIGHTS, unless OPTIONS say otherwise. cli_parse() has done so: of a live process all but those to capture. */
void cli_give_up_rights(const cli_options *options, cli_rights rights);

/* Whether progress may stand on standard error, the reader's terminal. */
bool cli_shows_progress(const cli_options *options);

/* One of the two statuses: see cli_status for who wins. */
cli_status cli_worse(cli_status a, cli_status b);

/* complaints.c */

/* "heapcore: ..." on standard error. */
void cli_complain(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The same with a hint at the command's help. Returns CLI_USAGE. */
cli_status cli_complain_usage(const cli_command *command, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* options.c */

/* Adds the options of TABLE, which may be NULL and need not live on, to those that CONTEXT parses. */
void cli_options_add(GOptionContext *context, const cli_option *table, cli_options *options);

/* Once that has parsed: reads all of them into their places. FALSE, and that was said, if one means nothing. */
bool cli_options_read(const cli_command *command, const cli_options *options);

/* Those of all tables that were added, for shells. */
void cli_options_list(const cli_options *options);

/* endings.c */

/* To be called once, at the beginning. */
void cli_handle_endings(void);

/* Runs FUNCTION, the whole of a thread, such that its end is handled as that of the first one. */
void cli_with_stack_for_handlers(void (*function)(void *data), void *data);

/* Writes out what stands in stdio's buffers. STATUS, or CLI_FAILED if that could not be written, which is said then. */
cli_status cli_close_output(cli_status status);

/* live.c */

/*
 * Captures the process of --pid, if there is one and that was not done yet. FALSE after an error, which was said. To be called while there is
 * one thread.
 */
bool cli_live_take(const cli_options *options);

/* The file to analyse for INPUT: of a process that was captured its folder, else INPUT itself. */
const char *cli_live_path(const cli_options *options, const char *input);

/* Where the files of INPUT are, if it is a process that sees other ones than we do; else NULL. */
const char *cli_live_root(const cli_options *options, const char *input);

/*
 * Captures PID as WHAT says, with progress on a terminal; with RET_HELD (else NULL) as hc_capture_hold(). If a signal ends it we end as that
 * has us end.
 */
bool cli_take_capture(int64_t pid, const hc_capture_options *what, const cli_options *options,
	hc_held_capture **ret_held, GError **error);

/* Those that end a program, unless they are ignored: SIGINT and its like. */
void cli_ending_signals(sigset_t *ret_signals);

/* snapshots.c */

/*
 * A snapshot of each of INPUTS, cores and snapshots, in their order. Of cores one at a time is in memory, or as many as
 * hc_analyses_at_once() says. NULL after an error, which was said: of more than one the first's. Free each with hc_snapshot_destroy().
 */
GPtrArray *cli_take_snapshots(const cli_options *options, GPtrArray *inputs, const char *binary);

/* run.c */

/*
 * Analyses CORE up to UNTIL, with progress on a terminal. BINARY may be NULL. NULL after an error, which was said.
 * If CORE is no core but *BINARY is, they were given in the other order: they are swapped.
 */
hc_analysis *cli_analyse(const cli_options *options, const char **core, const char **binary, hc_stage until);

/* The same, which says nothing of an error, but gives it. */
hc_analysis *cli_try_analyse(
	const cli_options *options, const char **core, const char **binary, hc_stage until, GError **error);

/* How to write a report. Free the strings with cli_report_deinit(). */
typedef struct cli_report {
	hc_report_options options;
	bool broken_pipe; /* the reader has gone: no error */
	char *repeated_options;
	int descriptor; /* to write to: standard output, unless it is changed */
	const cli_options *cli;
} cli_report;

void cli_report_init(cli_report *report, const cli_options *options, const char *binary);
void cli_report_deinit(cli_report *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_report, cli_report_deinit)

/* The exit status after a report. WRITTEN and ERROR (taken) are what the report function gave; PARTIAL: something could not be read. */
cli_status cli_finish_report(cli_report *report, bool written, GError *error, bool partial);

/* Gathers what a report writes, as an hc_report_write_function: DATA is a GString. */
bool cli_append(const char *text, size_t length, void *data);

/* page.c */

/* The options of commands that can write a page. */
#define CLI_PAGE_OPTIONS(options, force) \
	{ CLI_PATH, "html", &(options).output, \
		.help = "write a page for a browser, too: one file that needs no other", .argument = "FILE" }, \
	{ \
		CLI_FLAG, "force", &(force), .help = "replace a page that is there" \
	}

/* A page that is made in memory. Free it with cli_page_deinit(). */
typedef struct cli_page {
	cli_report report; /* for the function that writes it */
	GString *text;
	GError *error; /* likewise */
} cli_page;

void cli_page_deinit(cli_page *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_page, cli_page_deinit)

/* Whether the file of --html, if that is given, may be written: to be asked before the core is read. FALSE: that was said. */
bool cli_page_may_write(const cli_options *options, bool replace);

void cli_page_begin(cli_page *page, const cli_options *options, const char *binary);

/* Writes the file, and tells where it is. WRITTEN is what the function that wrote it gave, with page->error. CLI_FAILED after an error, which was said. */
cli_status cli_page_end(cli_page *page, const cli_options *options, bool written, bool replace);

/* pager.c */

/* Whether DESCRIPTOR is a terminal that can do more than write lines. */
bool cli_is_terminal(int descriptor);

/* Has standard output go to a pager, if it is a terminal and one is wanted: before rights are given up, while there is one thread. */
void cli_pager_begin(cli_options *options);

/* What is asked for width and colours: standard output, or the terminal that the pager shows it on. */
int cli_pager_terminal(const cli_options *options);

/* From here on SIGINT is the pager's, if there is one: the report is about to be written. */
void cli_pager_gets_signals(const cli_options *options);

/* Waits until the reader has seen enough. */
void cli_pager_end(cli_options *options);

/* core_report.c */

/* A report on one core. Zero it first; cli_core_report_deinit() frees all of it. */
typedef struct cli_core_report {
	hc_analysis *analysis;
	cli_report output;
	GError *error; /* for the function that writes it */
} cli_core_report;

void cli_core_report_deinit(cli_core_report *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cli_core_report, cli_core_report_deinit)

/*
 * Analyses the core of FILES (CORE [BINARY], with NULL for what is not given), as cli_analyse() does. FALSE after an error, which was said:
 * *RET_STATUS is CLI_FAILED then.
 */
bool cli_core_report_begin(cli_core_report *report, const cli_options *options, char *const *files, hc_stage until,
	cli_status *ret_status);

/* The exit status. WRITTEN is what the function that wrote it gave, with report->error. */
cli_status cli_core_report_end(cli_core_report *report, bool written);

/* A command that is nothing more: no options of its own, and one report. */
cli_status cli_report_core(const cli_command *command, int argc, char **argv, hc_stage until,
	bool (*write_report)(const hc_analysis *analysis, const hc_report_options *options, GError **error));

/* number.c */

/* "4096", "10K", "10KiB", "3M", ...: powers of 1024. FALSE if it is none, or above UINT64_MAX. */
bool cli_parse_size(const char *text, uint64_t *ret_size);

/* A process number. FALSE if TEXT is none. */
bool cli_parse_pid(const char *text, int64_t *ret_pid);

/* Hexadecimal, with or without 0x. */
bool cli_parse_address(const char *text, hc_address *ret_address);

/* fail_on.c */

typedef struct cli_conditions cli_conditions;

/* Reads "leaked>0" and the like, of the OPTION "--fail-on" or another; TEXTS is NULL-terminated or NULL. NULL after an error, which was said. */
cli_conditions *cli_conditions_parse(const cli_command *command, const char *option, char **texts);
void cli_conditions_free(cli_conditions *conditions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(cli_conditions, cli_conditions_free)

/* CLI_CONDITION_MET if any is met (each of these is said), CLI_USAGE if a name is unknown, else CLI_DONE. */
cli_status cli_conditions_check(const cli_conditions *conditions, const hc_analysis *analysis);

/* The same with what leaks count: LEAKS is without what is suppressed. */
cli_status cli_conditions_check_leaks(
	const cli_conditions *conditions, const hc_analysis *analysis, const hc_leaks_totals *leaks);
cli_status cli_conditions_check_growth(const cli_conditions *conditions, const hc_diff *diff);
