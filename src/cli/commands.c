/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of commands, and `help`, which tells it.
 *
 * To add a command: its function in a file of its own, declared in cli.h; a row in the table below; its page in
 * docs/man; the file in sources.am. A test compares the help with the manual.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#define FAIL_ON_DETAILS \
	"Conditions: NAME OP VALUE, OP one of > >= < <= == !=, VALUE with K, M, G or T for powers of 1024. Names:\n" \
	"lost (also called leaked), directly-lost, indirectly-lost, possibly-lost (blocks), the same with -bytes, in-use-bytes, free-bytes,\n" \
	"trim-bytes, mapped-bytes, ROW-bytes for every id of a row in the JSON's memory table, and container:PATH.elements,\n" \
	"container:PATH.bytes, container:PATH.count (paths as `containers` has them). Quote them for the shell.\n"

#define STATUS_DETAILS \
	"Exit status: 0 done, 1 a --fail-on condition is met, 2 could not analyse, 3 analysed in part, 64 wrong usage.\n" \
	"1 wins over 3."

const cli_command cli_commands[] = {
	{ "analyze", "CORE [BINARY]", "where the memory is: the process, the memory table, arenas, findings",
		FAIL_ON_DETAILS "\n" STATUS_DETAILS, cli_run_analyze, CLI_CORES_ONE },
	{ "browse", "CORE [BINARY]", "the owners as a tree in the terminal, to walk about in",
		"Arrows and Enter walk down the tree, / searches, s sorts, p shows the path to a block, r who refers to it, c its content, d what\n"
		"grew since the core of --against; ? tells all keys.\n\n"
		"Exit status: 0 done, 2 could not, 64 wrong usage.",
		cli_run_browse, CLI_CORES_ONE },
	{ "diff", "CORE_A CORE_B... [BINARY]",
		"what grew between cores or snapshots, who holds it, and what did not grow",
		"Each argument is a core, a capture's folder or a snapshot, in the order of time; an executable is the binary.\n"
		"Three and more tell what grows at every step from what grew once.\n\n" FAIL_ON_DETAILS
		"They are about the growth from the first to the last; unread-bytes is what waits in sockets.\n\n" STATUS_DETAILS,
		cli_run_diff, CLI_CORES_IN_TIME },
	{ "snapshot", "CORE [BINARY] -o FILE", "what diff needs of a core, in a small file",
		"The file replaces the core in diff, later and elsewhere, without binary and debug info. It has names and figures,\n"
		"and samples of keys and of lost text unless --no-content is given.\n\n"
		"Exit status: 0 done, 2 could not, 3 of a core that was read in part, 64 wrong usage.",
		cli_run_snapshot, CLI_CORES_ONE },
	{ "capture", "PID -o DIR", "take a core of a live process, and what no core holds: its sockets, ...",
		"DIR is made; it gets core.PID (sparse: address space that is only reserved takes no room) and beside it smaps,\n"
		"status, maps, descriptors, sockets with their queues, cgroup, meminfo, sockstat. The process is paused while\n"
		"its memory is copied, and runs on afterwards, also if this is interrupted. Every command takes DIR in place of a core:\n"
		"heapcore diff DIR_A DIR_B then tells of kernel memory, too.\n\n"
		"Exit status: 0 done, 2 could not (nothing is left in DIR), 64 wrong usage.",
		cli_run_capture, CLI_CORES_NONE },
	{ "watch", "PID [BINARY]", "snapshots of a live process every so often, and what grew, a line each",
		"A step is a snapshot, as `snapshot --pid` takes it: the process is paused for milliseconds. The first and the last are\n"
		"kept, and others between them, evenly. It ends with the diff of those: when the process ends, at SIGINT or SIGTERM,\n"
		"after --count steps, or once --until holds of the growth since the first (a size is about resident memory).\n"
		"With --json the lines go to standard error, and the diff is JSON.\n\n"
		"Exit status: 0 done, 1 --until holds, 2 could not, 3 analysed in part, 64 wrong usage.",
		cli_run_watch, CLI_CORES_NONE },
	{ "arenas", "CORE [BINARY]", "malloc's arenas: what each got from the system and holds", NULL, cli_run_arenas,
		CLI_CORES_ONE },
	{ "chunks", "CORE [BINARY]", "the blocks, one a line, filtered and sorted",
		"A list that is cut begins with the largest blocks, a whole one is in order of address; --sort says otherwise.\n"
		"States: in-use, tcache, fastbin, unsorted, small, large, top, unlisted; and, listed only if asked for,\n"
		"fencepost, foreign, unreadable. Sizes are usable bytes and take K, M, G or T for powers of 1024.\n"
		"TYPE is as for `types --instances`; PATH as the tree of `owners` has it, with what is below: \"server .bss+0x40\" too.",
		cli_run_chunks, CLI_CORES_ONE },
	{ "leaks", "CORE [BINARY]", "what was lost, in groups: with sizes, content and the likely owner",
		"Possibly lost is what only pointers into the middle of blocks lead to. --group-by shape: one row for heads of one\n"
		"type, or whose text begins alike, or of one size and layout.\n"
		"A file of suppressions has a group for each: [name], and type=, module=, content= (patterns with * and ?),\n"
		"size=BYTES or MIN..MAX. What is suppressed does not count for --fail-on.\n\n" FAIL_ON_DETAILS
		"\n" STATUS_DETAILS,
		cli_run_leaks, CLI_CORES_ONE },
	{ "containers", "CORE [BINARY]", "the containers by name: elements, bytes, a sample of their keys",
		"BYTES is all that is reached first through a container, OWN its buffers and nodes. A row for a member stands for\n"
		"all objects that have it. Needs debug info (-g) of the program or library whose variables hold them.",
		cli_run_containers, CLI_CORES_ONE },
	{ "show", "CORE [BINARY] EXPRESSION", "a variable or an address with its members or elements",
		"EXPRESSION: a variable; then .member, ->member, [number of an element]; * in front follows a pointer;\n"
		"(TYPE *)0xADDRESS is an object of that type, 0xADDRESS alone one of the type that its block has. Quote it.",
		cli_run_show, CLI_CORES_ONE },
	{ "owners", "CORE [BINARY] [PATH|ADDRESS]", "who holds what is in use, as a tree, and what each retains",
		"HOLDS: each block once, where the best evidence leads; the column adds up to what is in use. OWN: of no row below.\n"
		"In pprof's words: HOLDS is cum, SHARE cum%, OWN flat, OWN% flat%; shares are of all that is in use.\n"
		"RETAINS: what no pointer would lead to any more without it; what two hold neither retains. Of a row that does not\n"
		"begin a path: what hangs on one of its own blocks alone. \"Accumulates\" stands where most of a path's memory piles\n"
		"up: as far down as one object, or one row, still has more than half of it.\n"
		"PATH, as the tree has it, or the address of a block starts there. Without debug info paths begin at symbols, or at\n"
		"section and offset, and follow pointers.",
		cli_run_owners, CLI_CORES_ONE },
	{ "types", "CORE [BINARY]", "what the blocks are, by type, and how sure that is",
		"Evidence: certain (a declared pointer or a sound container leads there), deduced (a vtable, neighbours in an\n"
		"array), guess, unknown (what such blocks look like: size, and what their first words are).\n"
		"TYPE of --instances is what the table says; spaces, inline namespaces and, if only one type is meant, the namespaces\n"
		"in front may differ.",
		cli_run_types, CLI_CORES_ONE },
	{ "duplicates", "CORE [BINARY]", "blocks in use that hold the same, and what one for all would save",
		"Blocks of one size whose content is the same, byte for byte: all of it, the object that the type says, or the text\n"
		"up to its NUL, where malloc or a string's capacity left room behind it. Likely text is what looks like that, but no type\n"
		"says so. Zeros come last, and do not count; lost blocks and libc's own are left out.",
		cli_run_duplicates, CLI_CORES_ONE },
	{ "check", "CORE [BINARY]", "damage in the heap, place by place, and who may have written there",
		"Every header, free list, thread cache, top chunk and heap is held against its neighbours. Each place is told with what\n"
		"stands there, what ought to, and the likely writer, which is a guess: the block that what is written begins in, or else\n"
		"the one in front.\n\n"
		"Exit status: 0 the heap is sound, 1 it is damaged, 2 could not analyse, 3 sound as far as it could be read, or what was\n"
		"found may be malloc itself, 64 wrong usage. What other memory lacks does not count.",
		cli_run_check, CLI_CORES_ONE },
	{ "abi", "CORE [BINARY]",
		"classes and functions that two parts of the program see differently, and what it did to the heap",
		"The debug info of all modules is compared: classes, structs, unions and enums of one name with different size, members, bases,\n"
		"virtual functions or values; where there is none, the lengths of vtables. What is private to a file does not count, nor what\n"
		"happens to have one name. Then the blocks of such classes, by the size that malloc gave them, lost blocks that hang on a\n"
		"member which one side does not know, and damage behind blocks that are too small for the other side.\n\n"
		"Exit status: 0 no class is seen differently, 1 some are, 2 could not analyse, 3 none as far as it could be read, or no module\n"
		"has debug info, 64 wrong usage.",
		cli_run_abi, CLI_CORES_ONE },
	{ "pins", "CORE [BINARY]", "which blocks stop free memory from being returned to the system",
		"free() gives memory back only at the end of a heap: a few blocks high up pin what is free below them. Runs of free\n"
		"memory of 64 KiB or more, with the blocks above each; GOES BACK: what free() alone gives back once these, and all\n"
		"above, are freed; TRIM: what malloc_trim(0) would give back as it stands. Then who holds these blocks.",
		cli_run_pins, CLI_CORES_ONE },
	{ "export", "CORE [BINARY] --format FORMAT",
		"what was found, for other tools: pprof, flame graphs, SQLite, CSV, ...",
		"Formats: pprof (profile.proto, gzip: go tool pprof), folded (flamegraph.pl, speedscope), dot (Graphviz), sqlite (a database\n"
		"with all tables), ndjson and csv (the rows of one table), openmetrics (Prometheus). Tables: process, memory, mappings,\n"
		"modules, roots, types, owners, containers, lost, blocks, pointers. With --fleet and for openmetrics CORE may be a snapshot,\n"
		"with --fleet there may be several. docs/export.md has the columns and queries, docs/fleet.md those of --fleet.\n\n"
		"Exit status: 0 done, 2 could not, 3 of a core that was read in part, 64 wrong usage.",
		cli_run_export, CLI_CORES_ONE },
	{ "block", "CORE [BINARY] ADDRESS", "everything known of one address",
		"ADDRESS is hexadecimal; it may point into the middle of a block.", cli_run_block, CLI_CORES_ONE },
	{ "path", "CORE [BINARY] ADDRESS", "who holds a block: the shortest paths to it from what the program holds",
		"ADDRESS is hexadecimal; it may point into the middle of the block. The path to a lost block begins at the\n"
		"block that was lost first. A list's middle is left out.",
		cli_run_path, CLI_CORES_ONE },
	{ "roots", "CORE [BINARY]", "where the search for pointers began, where not, and why", NULL, cli_run_roots,
		CLI_CORES_ONE },
	{ "mappings", "CORE [BINARY]", "the address space, area by area, with what each is", NULL, cli_run_mappings,
		CLI_CORES_ONE },
	{ "threads", "CORE [BINARY]", "the threads: where each stopped, its stack, its arena", NULL, cli_run_threads,
		CLI_CORES_ONE },
	{ "help", "[COMMAND]", "the overview, or the help of a command", NULL, cli_run_help, CLI_CORES_NONE },
	{ NULL },
};

const cli_command *cli_find_command(const char *name)
{
	for (const cli_command *command = cli_commands; command->name; command++) {
		if (!strcmp(command->name, name))
			return command;
	}
	return NULL;
}

void cli_print_overview(void)
{
	puts("heapcore: where the memory of a dead process is\n\n"
	     "Usage:\n"
	     "  heapcore COMMAND [OPTION...] CORE [BINARY]\n\n"
	     "Commands:");
	for (const cli_command *command = cli_commands; command->name; command++)
		printf("  %-12s%s\n", command->name, command->summary);
	puts("\n"
	     "Options:\n"
	     "  -h, --help  this overview; after a command: its options\n"
	     "  --version   the version\n\n"
	     "Begin with: heapcore analyze CORE; of a live process: heapcore capture PID -o DIR, then heapcore analyze DIR\n\n" STATUS_DETAILS);
}

void cli_list_commands(void)
{
	for (const cli_command *command = cli_commands; command->name; command++)
		printf("%s\t%s\t%s\n", command->name, command->arguments, command->summary);
}

cli_status cli_run_help(const cli_command *command, int argc, char **argv)
{
	g_auto(cli_options) options = { 0 };
	const cli_command *topic;
	cli_status status;
	char *help_arguments[] = { NULL, (char *)"--help", NULL };

	if (!cli_parse(command, argc, argv, NULL, 0, 1, &options, &status))
		return status;
	if (!options.argument_count) {
		cli_print_overview();
		return CLI_DONE;
	}
	topic = cli_find_command(options.arguments[0]);
	if (!topic)
		return cli_complain_usage(command, "there is no command \"%s\"", options.arguments[0]);
	help_arguments[0] = options.arguments[0];
	return topic->run(topic, 2, help_arguments);
}
