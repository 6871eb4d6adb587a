/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --fail-on: conditions for use in CI, "leaked>0", "leaked-bytes > 10M". Of one analysis they are about its figures, of
 * a diff about their growth, which may be negative.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#define CONTAINER_PREFIX "container:"

typedef enum {
	OPERATOR_GREATER_OR_EQUAL,
	OPERATOR_LESS_OR_EQUAL,
	OPERATOR_EQUAL,
	OPERATOR_NOT_EQUAL,
	OPERATOR_GREATER,
	OPERATOR_LESS,
} fail_operator;

/* Longer ones first, as they are looked for in this order. */
static const char *const operators[] = {
	[OPERATOR_GREATER_OR_EQUAL] = ">=",
	[OPERATOR_LESS_OR_EQUAL] = "<=",
	[OPERATOR_EQUAL] = "==",
	[OPERATOR_NOT_EQUAL] = "!=",
	[OPERATOR_GREATER] = ">",
	[OPERATOR_LESS] = "<",
};

typedef struct fail_condition {
	char *text; /* as given */
	char *name;
	fail_operator operator;
	uint64_t value;
} fail_condition;

struct cli_conditions {
	const cli_command *command;
	GArray *list; /* of fail_condition */
};

static void free_condition(void *data)
{
	fail_condition *condition = data;

	g_free(condition->text);
	g_free(condition->name);
}

void cli_conditions_free(cli_conditions *conditions)
{
	if (!conditions)
		return;
	g_array_unref(conditions->list);
	g_free(conditions);
}

/* Where the operator begins: the last one, as paths of containers may hold "->". NULL: there is none. */
static const char *find_operator(const char *text)
{
	const char *end = text + strlen(text);

	while (end > text && !strchr("<>=!", end[-1]))
		end--;
	if (end == text)
		return NULL;
	end--;
	return end > text && *end == '=' && strchr("<>=!", end[-1]) ? end - 1 : end;
}

static bool parse(const char *text, fail_condition *ret_condition)
{
	const char *place = find_operator(text);

	for (unsigned i = 0; place && i < G_N_ELEMENTS(operators); i++) {
		g_autofree char *name = NULL, *number = NULL;
		uint64_t value;

		if (!g_str_has_prefix(place, operators[i]))
			continue;
		name = g_strstrip(g_strndup(text, place - text));
		number = g_strstrip(g_strdup(place + strlen(operators[i])));
		if (!*name || !cli_parse_size(number, &value))
			return false;
		*ret_condition = (fail_condition){ g_strdup(text), g_steal_pointer(&name), i, value };
		return true;
	}
	return false;
}

/* Names of rows are only known with the table; the others are checked before the work is done. */
static bool may_be_known(const char *name)
{
	static const char *const blocks[] = { "lost", "leaked", "directly-lost", "indirectly-lost", "possibly-lost" };

	for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++) {
		if (!strcmp(name, blocks[i]))
			return true;
	}
	return g_str_has_suffix(name, "-bytes") || g_str_has_prefix(name, CONTAINER_PREFIX);
}

static cli_status complain_unknown(const cli_command *command, const fail_condition *condition)
{
	return cli_complain_usage(command, "--fail-on %s: there is no figure \"%s\"", condition->text, condition->name);
}

cli_conditions *cli_conditions_parse(const cli_command *command, char **texts)
{
	g_autoptr(cli_conditions) conditions = g_new0(cli_conditions, 1);

	conditions->command = command;
	conditions->list = g_array_new(FALSE, FALSE, sizeof(fail_condition));
	g_array_set_clear_func(conditions->list, free_condition);
	for (; texts && *texts; texts++) {
		fail_condition parsed;

		if (!parse(*texts, &parsed)) {
			cli_complain_usage(
				command, "--fail-on takes a condition such as \"leaked>0\", not \"%s\"", *texts);
			return NULL;
		}
		g_array_append_val(conditions->list, parsed);
		if (!may_be_known(parsed.name)) {
			complain_unknown(command, &parsed);
			return NULL;
		}
	}
	return g_steal_pointer(&conditions);
}

static uint64_t trim_bytes(const hc_blocks *blocks)
{
	hc_free_pages pages;

	hc_blocks_free_pages(blocks, HC_ARENA_ALL, &pages);
	return pages.trim;
}

/* A row of the memory table: its id with "-bytes" behind it. */
static bool find_row(const hc_memory *memory, const char *name, uint64_t *ret_value)
{
	g_autofree char *id = NULL;
	const hc_memory_row *row;

	if (!g_str_has_suffix(name, "-bytes"))
		return false;
	id = g_strndup(name, strlen(name) - strlen("-bytes"));
	row = hc_memory_row_find(memory, id);
	if (!row)
		return false;
	*ret_value = row->bytes;
	return true;
}

/* "PATH.elements" and the like: of all containers of that path. */
static bool find_container(const hc_types *types, const char *name, uint64_t *ret_value)
{
	const char *figure = strrchr(name, '.');
	bool found = false;

	*ret_value = 0;
	for (unsigned i = 0; types && figure && i < hc_types_container_count(types); i++) {
		const hc_container *container = hc_types_container(types, i);
		bool is_called = strlen(container->path) == (size_t)(figure - name) &&
				 g_str_has_prefix(name, container->path);

		if (!is_called)
			continue;
		if (!strcmp(figure, ".elements"))
			*ret_value += container->elements;
		else if (!strcmp(figure, ".bytes"))
			*ret_value += container->below.bytes;
		else if (!strcmp(figure, ".count"))
			*ret_value += container->count;
		else
			return false;
		found = true;
	}
	return found;
}

/* LEAKS: what counts as lost, without what is suppressed; NULL: all that is. */
static bool find_figure(
	const hc_analysis *analysis, const hc_leaks_totals *leaks, const char *name, uint64_t *ret_value)
{
	const hc_references_totals *totals = hc_references_get_totals(hc_analysis_references(analysis));
	hc_amount direct = leaks ? leaks->definitely_lost : totals->directly_lost;
	hc_amount indirect = leaks ? leaks->indirectly_lost : totals->indirectly_lost;
	hc_amount possible = leaks ? leaks->possibly_lost : totals->possibly_lost;
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_memory *memory = hc_analysis_memory(analysis);
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {
		{ "lost", direct.blocks + indirect.blocks },
		{ "lost-bytes", direct.bytes + indirect.bytes },
		{ "leaked", direct.blocks + indirect.blocks },
		{ "leaked-bytes", direct.bytes + indirect.bytes },
		{ "directly-lost", direct.blocks },
		{ "directly-lost-bytes", direct.bytes },
		{ "indirectly-lost", indirect.blocks },
		{ "indirectly-lost-bytes", indirect.bytes },
		{ "possibly-lost", possible.blocks },
		{ "possibly-lost-bytes", possible.bytes },
		{ "in-use-bytes", hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes -
					  hc_blocks_labelled(blocks, HC_ARENA_ALL).bytes },
		{ "free-bytes", hc_blocks_free_amount(blocks, HC_ARENA_ALL).bytes },
		{ "trim-bytes", trim_bytes(blocks) },
		{ "mapped-bytes", hc_memory_total(memory) },
	};

	if (g_str_has_prefix(name, CONTAINER_PREFIX))
		return find_container(hc_analysis_types(analysis), name + strlen(CONTAINER_PREFIX), ret_value);
	for (unsigned i = 0; i < G_N_ELEMENTS(figures); i++) {
		if (!strcmp(figures[i].name, name)) {
			*ret_value = figures[i].value;
			return true;
		}
	}
	return find_row(memory, name, ret_value);
}

static bool holds(fail_operator operator, int64_t figure, uint64_t value)
{
	int order = figure < 0 || (uint64_t)figure < value ? -1 : (uint64_t)figure > value;

	switch (operator) {
	case OPERATOR_GREATER_OR_EQUAL:
		return order >= 0;
	case OPERATOR_LESS_OR_EQUAL:
		return order <= 0;
	case OPERATOR_EQUAL:
		return order == 0;
	case OPERATOR_NOT_EQUAL:
		return order != 0;
	case OPERATOR_GREATER:
		return order > 0;
	default:
		return order < 0;
	}
}

/* Says that CONDITION is met. */
static cli_status complain_met(const fail_condition *condition, const char *what, int64_t figure)
{
	cli_complain("--fail-on %s: %s is %" G_GINT64_FORMAT, condition->text, what, figure);
	return CLI_CONDITION_MET;
}

static cli_status check(const cli_conditions *conditions, const hc_analysis *analysis, const hc_leaks_totals *leaks)
{
	cli_status status = CLI_DONE;

	for (unsigned i = 0; i < conditions->list->len; i++) {
		const fail_condition *condition = &g_array_index(conditions->list, fail_condition, i);
		uint64_t value;

		if (!find_figure(analysis, leaks, condition->name, &value))
			return complain_unknown(conditions->command, condition);
		if (holds(condition->operator,(int64_t) value, condition->value))
			status = complain_met(condition, condition->name, (int64_t)value);
	}
	return status;
}

cli_status cli_conditions_check(const cli_conditions *conditions, const hc_analysis *analysis)
{
	return check(conditions, analysis, NULL);
}

cli_status cli_conditions_check_leaks(
	const cli_conditions *conditions, const hc_analysis *analysis, const hc_leaks_totals *leaks)
{
	return check(conditions, analysis, leaks);
}

cli_status cli_conditions_check_growth(const cli_conditions *conditions, const hc_diff *diff)
{
	cli_status status = CLI_DONE;

	for (unsigned i = 0; i < conditions->list->len; i++) {
		const fail_condition *condition = &g_array_index(conditions->list, fail_condition, i);
		int64_t growth;

		if (!hc_diff_figure(diff, condition->name, &growth))
			return complain_unknown(conditions->command, condition);
		if (holds(condition->operator, growth, condition->value))
			status = complain_met(condition, "the growth", growth);
	}
	return status;
}
