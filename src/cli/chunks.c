/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

/* In the order of hc_chunks_order. */
static const char *const orders[] = { "address", "size", NULL };

/* For shells: the states of hc_block_state, as one types them; and arenas that have a name. */
static const char *const state_names[] = { "in-use", "tcache", "fastbin", "unsorted", "small", "large", "top",
	"unlisted", "fencepost", "foreign", "unreadable", NULL };
static const char *const arena_names[] = { "main", "mmapped", "all", NULL };

/* Lists with commas between, any number of times. */
static bool parse_states(const cli_command *command, char **texts, unsigned *states)
{
	for (; texts && *texts; texts++) {
		g_auto(GStrv) names = g_strsplit(*texts, ",", -1);

		for (char **name = names; *name; name++) {
			hc_block_state state;

			if (!hc_block_state_parse(g_strstrip(*name), &state)) {
				cli_complain_usage(command, "--state: there is no state \"%s\"", *name);
				return false;
			}
			*states |= 1u << state;
		}
	}
	return true;
}

/* What --arena says; which arena that is needs the analysis. */
typedef struct arena_choice {
	enum {
		ARENA_BY_NUMBER,
		ARENA_BY_ADDRESS
	} kind;
	uint64_t number; /* index, HC_ARENA_NONE or HC_ARENA_ALL; or the address of a malloc_state */
} arena_choice;

static bool parse_arena(const cli_command *command, const char *text, arena_choice *choice)
{
	*choice = (arena_choice){ ARENA_BY_NUMBER, HC_ARENA_ALL };
	if (!text || !strcmp(text, "all"))
		return true;
	if (!strcmp(text, "mmapped")) {
		choice->number = HC_ARENA_NONE;
		return true;
	}
	if (!strcmp(text, "main")) {
		choice->number = 0;
		return true;
	}
	if (g_str_has_prefix(text, "0x") && cli_parse_address(text, &choice->number)) {
		choice->kind = ARENA_BY_ADDRESS;
		return true;
	}
	if (cli_parse_size(text, &choice->number) && choice->number < HC_ARENA_ALL)
		return true;
	cli_complain_usage(command, "--arena takes main, a number, mmapped or an address 0x..., not \"%s\"", text);
	return false;
}

static bool find_arena(const cli_command *command, const hc_blocks *blocks, const arena_choice *choice, uint32_t *arena)
{
	unsigned count = hc_blocks_arena_count(blocks);

	if (choice->kind == ARENA_BY_NUMBER && (choice->number < count || choice->number >= HC_ARENA_ALL)) {
		*arena = choice->number;
		return true;
	}
	for (unsigned i = 0; i < count && choice->kind == ARENA_BY_ADDRESS; i++) {
		if (hc_blocks_arena(blocks, i)->address == choice->number) {
			*arena = i;
			return true;
		}
	}
	cli_complain_usage(command, "--arena: there is no such arena; this core has %u", count);
	return false;
}

static hc_stage stage_of(const hc_chunks_filter *filter)
{
	return filter->type || filter->owner ? HC_STAGE_TYPES : filter->lost ? HC_STAGE_REFERENCES : HC_STAGE_BLOCKS;
}

cli_status cli_run_chunks(const cli_command *command, int argc, char **argv)
{
	static const char number[] = "a number such as 4096 or 10K";
	hc_chunks_filter filter = HC_CHUNKS_FILTER_INIT;
	gboolean labelled = FALSE, lost = FALSE;
	int order = -1;
	const char *arena_word = NULL;
	char **states = NULL;
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_WORDS, "state", &states, .help = "only these states (repeatable, or with commas)",
			.argument = "STATE", .choices = state_names },
		{ CLI_WORD, "arena", &arena_word, .help = "only this one: main, a number, mmapped, or its address",
			.argument = "ARENA", .choices = arena_names },
		{ CLI_SIZE, "min", &filter.minimum, .help = "only blocks of at least SIZE", .argument = "SIZE",
			.takes = number },
		{ CLI_SIZE, "max", &filter.maximum, .help = "only blocks of at most SIZE", .argument = "SIZE",
			.takes = number },
		{ CLI_FLAG, "labelled", &labelled, .help = "only those of libc and the language's runtime" },
		{ CLI_FLAG, "lost", &lost, .help = "only those that nothing points to, or only lost ones" },
		{ CLI_WORD, "type", &filter.type, .help = "only those of this type, as `types` names it",
			.argument = "TYPE" },
		{ CLI_WORD, "owner", &filter.owner,
			.help = "only what hangs on this path, as `owners` has it, or below it", .argument = "PATH" },
		{ CLI_CHOICE, "sort", &order, .choices = orders, .help = "address, or size (largest first)",
			.argument = "ORDER" },
		{ CLI_LIMIT, "limit", &filter.limit, .rows = { .text = 40 }, .takes = number, .argument = "N",
			.help = "at most N; 0: all (default: 40, all with --json)" },
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	arena_choice arena;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	if (!parse_states(command, states, &filter.states) || !parse_arena(command, arena_word, &arena))
		return CLI_USAGE;
	filter.labelled = labelled;
	filter.lost = lost;
	filter.order = order >= 0 ? (hc_chunks_order)order : filter.limit ? HC_CHUNKS_BY_SIZE : HC_CHUNKS_BY_ADDRESS;
	if (!cli_core_report_begin(&report, &options, options.arguments, stage_of(&filter), &status))
		return status;
	if (!find_arena(command, hc_analysis_blocks(report.analysis), &arena, &filter.arena))
		return CLI_USAGE;
	return cli_core_report_end(
		&report, hc_report_chunks(report.analysis, &filter, &report.output.options, &report.error));
}
