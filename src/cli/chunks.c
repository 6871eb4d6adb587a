/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

enum { TEXT_LIMIT = 40 };

/* The options as given. */
typedef struct chunks_words {
	char **states;
	char *arena, *minimum, *maximum, *sort, *limit;
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

/* "main", "mmapped", an index, or the address of a malloc_state. */
static bool parse_arena(const cli_command *command, const char *text, const hc_blocks *blocks, uint32_t *arena)
{
	hc_address address;
	uint64_t index;

	if (!text || !strcmp(text, "all"))
		return true;
	if (!strcmp(text, "mmapped")) {
		*arena = HC_ARENA_NONE;
		return true;
	}
	if (!strcmp(text, "main"))
		text = "0";
	if (g_str_has_prefix(text, "0x") && cli_parse_address(text, &address)) {
		for (unsigned i = 0; i < hc_blocks_arena_count(blocks); i++) {
			if (hc_blocks_arena(blocks, i)->address == address) {
				*arena = i;
				return true;
			}
		}
	} else if (cli_parse_size(text, &index) && index < hc_blocks_arena_count(blocks)) {
		*arena = index;
		return true;
	}
	cli_complain_usage(command, "--arena: there is no arena \"%s\"; this core has %u", text,
			   hc_blocks_arena_count(blocks));
	return false;
}

cli_status cli_run_chunks(const cli_command *command, int argc, char **argv)
{
	g_auto(chunks_words) words = { 0 };
	const GOptionEntry entries[] = {
		{ "state", 0, 0, G_OPTION_ARG_STRING_ARRAY, &words.states, "only these states (repeatable, or with commas)",
		  "STATE" },
		{ "arena", 0, 0, G_OPTION_ARG_STRING, &words.arena, "only this one: main, a number, mmapped, or its address",
		  "ARENA" },
		{ "min", 0, 0, G_OPTION_ARG_STRING, &words.minimum, "only blocks of at least SIZE", "SIZE" },
		{ "max", 0, 0, G_OPTION_ARG_STRING, &words.maximum, "only blocks of at most SIZE", "SIZE" },
		{ "labelled", 0, 0, G_OPTION_ARG_NONE, &words.labelled, "only those of libc and the language's runtime",
		  NULL },
		{ "lost", 0, 0, G_OPTION_ARG_NONE, &words.lost, "only those that nothing points to, or only lost ones", NULL },
		{ "sort", 0, 0, G_OPTION_ARG_STRING, &words.sort, "address, or size (largest first)", "ORDER" },
		{ "limit", 0, 0, G_OPTION_ARG_STRING, &words.limit, "at most N; 0: all (default: 40, all with --json)", "N" },
		{ NULL },
	};
	g_auto(cli_options) options = { 0 };
	g_autoptr(hc_analysis) analysis = NULL;
	g_auto(cli_report) report = { 0 };
	hc_chunks_filter filter;
	GError *error = NULL;
	const char *core, *binary;
	cli_status status;
	bool written;

	if (!cli_parse(command, argc, argv, entries, 1, 2, &options, &status))
		return status;
	if (!parse_filter(command, &words, options.json, &filter))
		return CLI_USAGE;
	core = options.arguments[0];
	binary = options.arguments[1];
	analysis = cli_analyse(&options, &core, &binary, words.lost ? HC_STAGE_REFERENCES : HC_STAGE_BLOCKS);
	if (!analysis)
		return CLI_FAILED;
	if (!parse_arena(command, words.arena, hc_analysis_blocks(analysis), &filter.arena))
		return CLI_USAGE;
	cli_report_init(&report, &options, binary);
	written = hc_report_chunks(analysis, &filter, &report.options, &error);
	return cli_finish(&report, written, error, analysis);
}
