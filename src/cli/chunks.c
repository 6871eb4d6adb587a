/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

enum {
	TEXT_LIMIT = 40
};

/* The options as given. */
typedef struct chunks_words {
	char **states;
	char *arena, *minimum, *maximum, *sort, *limit, *type, *owner;
	gboolean labelled, lost;
} chunks_words;

static void chunks_words_deinit(chunks_words *words)
{
	g_strfreev(words->states);
	g_free(words->arena);
	g_free(words->minimum);
	g_free(words->maximum);
	g_free(words->sort);
	g_free(words->limit);
	g_free(words->type);
	g_free(words->owner);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(chunks_words, chunks_words_deinit)

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

static bool parse_number(const cli_command *command, const char *option, const char *text, uint64_t *number)
{
	if (!text || cli_parse_size(text, number))
		return true;
	cli_complain_usage(command, "--%s takes a number such as 4096 or 10K, not \"%s\"", option, text);
	return false;
}

/* All but the arena, which needs the analysis. */
static bool parse_filter(const cli_command *command, const chunks_words *words, bool json, hc_chunks_filter *filter)
{
	*filter = HC_CHUNKS_FILTER_INIT;
	filter->limit = json ? 0 : TEXT_LIMIT;
	filter->labelled = words->labelled;
	filter->lost = words->lost;
	filter->type = words->type;
	filter->owner = words->owner;
	if (!parse_states(command, words->states, &filter->states) ||
		!parse_number(command, "min", words->minimum, &filter->minimum) ||
		!parse_number(command, "max", words->maximum, &filter->maximum) ||
		!parse_number(command, "limit", words->limit, &filter->limit))
		return false;
	if (!words->sort) {
		filter->order = filter->limit ? HC_CHUNKS_BY_SIZE : HC_CHUNKS_BY_ADDRESS;
	} else if (!strcmp(words->sort, "size")) {
		filter->order = HC_CHUNKS_BY_SIZE;
	} else if (strcmp(words->sort, "address")) {
		cli_complain_usage(command, "--sort takes address or size, not \"%s\"", words->sort);
		return false;
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

static hc_stage stage_of(const chunks_words *words)
{
	return words->type || words->owner ? HC_STAGE_TYPES : words->lost ? HC_STAGE_REFERENCES : HC_STAGE_BLOCKS;
}

cli_status cli_run_chunks(const cli_command *command, int argc, char **argv)
{
	g_auto(chunks_words) words = { 0 };
	g_auto(cli_options) options = { 0 };
	const GOptionEntry entries[] = {
		{ "state", 0, 0, G_OPTION_ARG_STRING_ARRAY, &words.states,
			"only these states (repeatable, or with commas)", "STATE" },
		{ "arena", 0, 0, G_OPTION_ARG_STRING, &words.arena,
			"only this one: main, a number, mmapped, or its address", "ARENA" },
		{ "min", 0, 0, G_OPTION_ARG_STRING, &words.minimum, "only blocks of at least SIZE", "SIZE" },
		{ "max", 0, 0, G_OPTION_ARG_STRING, &words.maximum, "only blocks of at most SIZE", "SIZE" },
		{ "labelled", 0, 0, G_OPTION_ARG_NONE, &words.labelled, "only those of libc and the language's runtime",
			NULL },
		{ "lost", 0, 0, G_OPTION_ARG_NONE, &words.lost, "only those that nothing points to, or only lost ones",
			NULL },
		{ "type", 0, 0, G_OPTION_ARG_STRING, &words.type, "only those of this type, as `types` names it",
			"TYPE" },
		{ "owner", 0, 0, G_OPTION_ARG_STRING, &words.owner,
			"only what hangs on this path, as `owners` has it, or below it", "PATH" },
		{ "sort", 0, 0, G_OPTION_ARG_STRING, &words.sort, "address, or size (largest first)", "ORDER" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &words.limit, "at most N; 0: all (default: 40, all with --json)",
			"N" },
		CLI_CONTAINERS_ENTRY(options),
		{ NULL },
	};
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	hc_chunks_filter filter;
	arena_choice arena;
	GError *error = NULL;
	const char *core, *binary;
	cli_status status;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	if (!parse_filter(command, &words, options.json, &filter) || !parse_arena(command, words.arena, &arena))
		return CLI_USAGE;
	core = options.arguments[0];
	binary = options.arguments[1];
	analysis = cli_analyse(&options, &core, &binary, stage_of(&words));
	if (!analysis)
		return CLI_FAILED;
	if (!find_arena(command, hc_analysis_blocks(analysis), &arena, &filter.arena))
		return CLI_USAGE;
	cli_report_init(&report, &options, binary);
	written = hc_report_chunks(analysis, &filter, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
