/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --fail-on: conditions for use in CI, "leaked>0", "leaked-bytes > 10M". Of one analysis they are about its figures, of
 * a diff about their growth, which may be negative.
 */
#include "cli.h"

#include <inttypes.h>
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
	const char *option; /* what has them: "--fail-on" */
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

/* Names of containers are only known with the types; the others are checked before the work is done. */
static bool may_be_known(const char *name)
{
	static const hc_figures none;
	uint64_t value;

	return hc_figures_find(&none, name, &value) || hc_figures_row(name) || g_str_has_prefix(name, CONTAINER_PREFIX);
}

static cli_status complain_unknown(const cli_conditions *conditions, const fail_condition *condition)
{
	return cli_complain_usage(conditions->command, "%s %s: there is no figure \"%s\"", conditions->option,
		condition->text, condition->name);
}

cli_conditions *cli_conditions_parse(const cli_command *command, const char *option, char **texts)
{
	g_autoptr(cli_conditions) conditions = g_new0(cli_conditions, 1);

	conditions->command = command;
	conditions->option = option;
	conditions->list = g_array_new(FALSE, FALSE, sizeof(fail_condition));
	g_array_set_clear_func(conditions->list, free_condition);
	for (; texts && *texts; texts++) {
		fail_condition parsed;

		if (!parse(*texts, &parsed)) {
			cli_complain_usage(
				command, "%s takes a condition such as \"leaked>0\", not \"%s\"", option, *texts);
			return NULL;
		}
		g_array_append_val(conditions->list, parsed);
		if (!may_be_known(parsed.name)) {
			complain_unknown(conditions, &parsed);
			return NULL;
		}
	}
	return g_steal_pointer(&conditions);
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
static hc_figures figures_of(const hc_analysis *analysis, const hc_leaks_totals *leaks)
{
	const hc_references_totals *totals = hc_references_get_totals(hc_analysis_references(analysis));
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	g_autoptr(hc_side_facts) beside = hc_side_facts_read(hc_core_path(hc_analysis_core(analysis)), NULL);
	hc_free_pages pages;

	hc_blocks_free_pages(blocks, HC_ARENA_ALL, &pages);
	return (hc_figures){
		.directly_lost = leaks ? leaks->definitely_lost : totals->directly_lost,
		.indirectly_lost = leaks ? leaks->indirectly_lost : totals->indirectly_lost,
		.possibly_lost = leaks ? leaks->possibly_lost : totals->possibly_lost,
		.in_use = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes -
			  hc_blocks_labelled(blocks, HC_ARENA_ALL).bytes,
		.free = hc_blocks_free_amount(blocks, HC_ARENA_ALL).bytes,
		.trim = hc_free_pages_gain(&pages),
		.mapped = hc_memory_total(hc_analysis_memory(analysis)),
		.unread = beside ? beside->unread : HC_FACT_UNKNOWN,
	};
}

static bool find_figure(const hc_analysis *analysis, const hc_figures *figures, const char *name, uint64_t *ret_value)
{
	hc_row_id row = hc_figures_row(name);

	if (g_str_has_prefix(name, CONTAINER_PREFIX))
		return find_container(hc_analysis_types(analysis), name + strlen(CONTAINER_PREFIX), ret_value);
	if (hc_figures_find(figures, name, ret_value))
		return true;
	*ret_value = hc_memory_row_bytes(hc_analysis_memory(analysis), row);
	return row;
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
static cli_status complain_met(
	const cli_conditions *conditions, const fail_condition *condition, const char *what, int64_t figure)
{
	cli_complain("%s %s: %s is %" PRId64, conditions->option, condition->text, what, figure);
	return CLI_CONDITION_MET;
}

static cli_status check(const cli_conditions *conditions, const hc_analysis *analysis, const hc_leaks_totals *leaks)
{
	cli_status status = CLI_DONE;

	if (!conditions->list->len)
		return CLI_DONE;
	hc_figures figures = figures_of(analysis, leaks);

	for (unsigned i = 0; i < conditions->list->len; i++) {
		const fail_condition *condition = &g_array_index(conditions->list, fail_condition, i);
		uint64_t value;

		if (!find_figure(analysis, &figures, condition->name, &value))
			return complain_unknown(conditions, condition);
		if (holds(condition->operator,(int64_t) value, condition->value))
			status = complain_met(conditions, condition, condition->name, (int64_t)value);
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
			return complain_unknown(conditions, condition);
		if (holds(condition->operator, growth, condition->value))
			status = complain_met(conditions, condition, "the growth", growth);
	}
	return status;
}
