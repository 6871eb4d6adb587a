/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots side by side: the same program?, the verdict, what the growth is attributed to, what did not grow; and with more words the
 * memory table and the sizes.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <string.h>

static const hc_column row_columns[] = {
	{ NULL, "MEMORY TABLE", HC_CELL_TEXT },
	{ NULL, "FIRST", HC_CELL_SIZE },
	{ NULL, "LAST", HC_CELL_SIZE },
	{ NULL, "GROWTH", HC_CELL_GROWTH },
	{ NULL, "", HC_CELL_TEXT },
};

enum {
	ROW_NAME,
	ROW_A,
	ROW_B,
	ROW_GROWTH,
	ROW_DETAIL
};

static const hc_column size_columns[] = {
	{ "size", "BLOCKS OF SIZE", HC_CELL_COUNT },
	{ "blocks_a", "FIRST", HC_CELL_COUNT },
	{ "blocks_b", "LAST", HC_CELL_COUNT },
	{ "growth", "GROWTH", HC_CELL_GROWTH },
	{ "lost_a", "LOST FIRST", HC_CELL_COUNT },
	{ "lost_b", "LOST LAST", HC_CELL_COUNT },
};

enum {
	SIZE_SIZE,
	SIZE_BLOCKS_A,
	SIZE_BLOCKS_B,
	SIZE_GROWTH,
	SIZE_LOST_A,
	SIZE_LOST_B
};

enum {
	GROWTH_SHOWN = 14,	   /* rows */
	GROWTH_LEAST_SHARE = 1000, /* of the growth: less is among the others */
	STEADY_SHOWN = 8,
	STEPS_SHOWN = 6, /* snapshots with a column of their own */
	VERDICT_INDENT = 9,
};

static hc_table *make_sizes(const hc_diff *diff)
{
	hc_table *table = hc_table_create(size_columns, G_N_ELEMENTS(size_columns));

	for (unsigned i = 0; i < hc_diff_size_count(diff); i++) {
		const hc_diff_size *size = hc_diff_size_get(diff, i);

		hc_table_add_row(table);
		hc_table_set_number(table, SIZE_SIZE, size->size);
		hc_table_set_number(table, SIZE_BLOCKS_A, size->blocks_a);
		hc_table_set_number(table, SIZE_BLOCKS_B, size->blocks_b);
		hc_table_set_growth(table, SIZE_GROWTH, size->growth);
		hc_table_set_number(table, SIZE_LOST_A, size->lost_a);
		hc_table_set_number(table, SIZE_LOST_B, size->lost_b);
	}
	return table;
}

/* ---- JSON ---- */

/* A growth that is known only if no core lacks a part. */
static json_t *known_growth_json(const hc_diff *diff, int64_t growth)
{
	return hc_diff_is_torn(diff) ? json_null() : json_integer(growth);
}

static json_t *row_json(const hc_diff *diff, const hc_diff_row *row)
{
	json_t *object = json_object();

	hc_json_set(object, "id", hc_json_text(hc_row_name(row->id)));
	hc_json_set(object, "name", json_string(hc_word_row(row->id, row->is_bound)));
	if (row->of)
		hc_json_set(object, "of", hc_json_text(hc_row_name(row->of)));
	hc_json_set(object, "bytes_a", hc_json_number(row->bytes_a));
	hc_json_set(object, "bytes_b", hc_json_number(row->bytes_b));
	hc_json_set(object, "growth", known_growth_json(diff, row->growth));
	hc_json_set(object, "count_a", row->unit ? hc_json_number(row->count_a) : json_null());
	hc_json_set(object, "count_b", row->unit ? hc_json_number(row->count_b) : json_null());
	hc_json_set(object, "unit", hc_json_text(row->unit));
	hc_json_set(object, "memory", json_boolean(row->is_memory));
	hc_json_set(object, "bound", json_boolean(row->is_bound));
	return object;
}

static json_t *memory_json(const hc_diff *diff)
{
	json_t *object = json_object(), *rows = json_array(), *parts = json_array();

	for (unsigned i = 0; i < hc_diff_row_count(diff); i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		json_array_append_new(row->of ? parts : rows, row_json(diff, row));
	}
	hc_json_set(object, "total_a", hc_json_number(hc_diff_first(diff)->total));
	hc_json_set(object, "total_b", hc_json_number(hc_diff_last(diff)->total));
	hc_json_set(object, "growth", json_integer(hc_diff_growth(diff)));
	hc_json_set(object, "rows", rows);
	hc_json_set(object, "parts", parts);
	return object;
}

static json_t *side_json(const hc_snapshot *snapshot)
{
	json_t *object = json_object();

	hc_json_set(object, "process",
		hc_process_json(&snapshot->process, snapshot->thread_count, snapshot->path, snapshot->core_size));
	hc_json_set(object, "allocator", hc_allocator_json(&snapshot->heap));
	hc_json_set(object, "diagnostics", hc_diagnostics_json(snapshot->diagnostics));
	hc_json_set(object, "status", hc_status_json(hc_diagnostics_partial(snapshot->diagnostics)));
	return object;
}

static json_t *share_json(const hc_diff *diff, int64_t bytes)
{
	int64_t growth = hc_diff_memory_growth(diff);

	return growth > 0 ? json_real((double)bytes / growth) : json_null();
}

static json_t *elements_json(uint64_t elements)
{
	return elements == UINT64_MAX ? json_null() : hc_json_number(elements);
}

static json_t *growth_json(const hc_diff *diff, const hc_growth *growth)
{
	json_t *object = json_object(), *steps = json_array();
	g_autofree char *name = hc_word_growth(growth);

	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++)
		json_array_append_new(steps, hc_json_number(growth->steps[i]));
	hc_json_set(object, "kind", json_string(hc_growth_kind_name(growth->kind)));
	hc_json_set(object, "name", hc_json_text(name));
	hc_json_set(object, "where", hc_json_text(growth->where));
	hc_json_set(object, "type", hc_json_text(growth->type));
	hc_json_set(object, "bytes", json_integer(growth->bytes));
	hc_json_set(object, "share", share_json(diff, growth->bytes));
	hc_json_set(object, "before", hc_json_number(growth->before));
	hc_json_set(object, "after", hc_json_number(growth->after));
	hc_json_set(object, "blocks_before", hc_json_number(growth->blocks_before));
	hc_json_set(object, "blocks_after", hc_json_number(growth->blocks_after));
	hc_json_set(object, "elements_before", elements_json(growth->elements_before));
	hc_json_set(object, "elements_after", elements_json(growth->elements_after));
	hc_json_set(object, "steps", steps);
	hc_json_set(object, "trend", json_string(hc_trend_name(growth->trend)));
	return object;
}

static json_t *steady_json(const hc_diff *diff)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < hc_diff_steady_count(diff); i++) {
		const hc_growth *row = hc_diff_steady(diff, i);
		g_autofree char *name = hc_word_growth(row);
		json_t *object = json_object();

		hc_json_set(object, "kind", json_string(hc_growth_kind_name(row->kind)));
		hc_json_set(object, "name", hc_json_text(name));
		hc_json_set(object, "where", hc_json_text(row->where));
		hc_json_set(object, "before", hc_json_number(row->before));
		hc_json_set(object, "after", hc_json_number(row->after));
		hc_json_set(object, "elements_before", elements_json(row->elements_before));
		hc_json_set(object, "elements_after", elements_json(row->elements_after));
		json_array_append_new(array, object);
	}
	return array;
}

static char *command_of(const hc_diff *diff, const hc_cause *cause, const hc_report_options *options)
{
	g_autofree char *command = hc_word_cause_command(cause);

	return command ? hc_command_line(command, hc_diff_last(diff)->path, options) : NULL;
}

static json_t *cause_json(const hc_diff *diff, const hc_cause *cause, const hc_report_options *options)
{
	g_autofree char *command = command_of(diff, cause, options), *name = hc_word_cause_name(cause),
			*text = hc_word_cause(diff, cause);
	json_t *object = json_object();

	hc_json_set(object, "kind", json_string(hc_cause_name(cause->kind)));
	hc_json_set(object, "name", hc_json_text(name));
	hc_json_set(object, "bytes", json_integer(cause->bytes));
	hc_json_set(object, "share", share_json(diff, cause->bytes));
	hc_json_set(object, "confidence", json_string(hc_confidence_name(cause->confidence)));
	hc_json_set(object, "trend", json_string(hc_trend_name(cause->trend)));
	hc_json_set(object, "text", hc_json_text(text));
	hc_json_set(object, "command", hc_json_text(command));
	return object;
}

static json_t *causes_json(const hc_diff *diff, const hc_report_options *options)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < hc_diff_cause_count(diff); i++)
		json_array_append_new(array, cause_json(diff, hc_diff_cause(diff, i), options));
	return array;
}

static json_t *verdict_json(const hc_diff *diff)
{
	g_auto(GStrv) lines = hc_word_verdict(diff);
	g_autofree char *text = g_strjoinv("\n", lines);

	return hc_json_text(text);
}

/* What is not the cause. */
static json_t *cleared_json(const hc_diff *diff)
{
	json_t *object = json_object();
	int64_t growth;

	hc_json_set(object, "containers", json_string(hc_containers_state_name(hc_diff_containers(diff, &growth))));
	hc_json_set(object, "containers_growth", json_integer(growth));
	hc_json_set(object, "keeps_little", json_boolean(hc_diff_keeps_little(diff)));
	return object;
}

/* What keeps the free memory of the last snapshot. */
static json_t *pins_json(const hc_diff *diff)
{
	const hc_snapshot *last = hc_diff_last(diff);
	g_autofree char *advice = hc_word_snapshot_advice(last);
	json_t *object = json_object(), *holders = json_array();

	for (unsigned i = 0; i < last->pins->len; i++) {
		const hc_snapshot_pin *pin = &g_array_index(last->pins, hc_snapshot_pin, i);
		json_t *holder = json_object();

		hc_json_set(holder, "name", hc_json_text(pin->name));
		hc_json_set(holder, "blocks", hc_json_number(pin->blocks));
		hc_json_set(holder, "bytes", hc_json_number(pin->bytes));
		hc_json_set(holder, "pinned", hc_json_number(pin->pinned));
		json_array_append_new(holders, holder);
	}
	hc_json_set(object, "free", hc_json_number(last->free.bytes));
	hc_json_set(object, "trim", hc_json_number(hc_free_pages_gain(&last->free_pages)));
	hc_json_set(object, "advice", hc_json_text(advice));
	hc_json_set(object, "holders", holders);
	return object;
}

static json_t *diff_json(const hc_diff *diff, const hc_report_options *options)
{
	g_autoptr(hc_table) sizes = make_sizes(diff);
	json_t *report = hc_json_report("diff"), *snapshots = json_array(), *attribution = json_array();
	g_autofree char *sameness = hc_word_sameness(diff);

	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++)
		json_array_append_new(snapshots, side_json(hc_diff_snapshot(diff, i)));
	for (unsigned i = 0; i < hc_diff_attribution_count(diff); i++)
		json_array_append_new(attribution, growth_json(diff, hc_diff_attribution(diff, i)));
	hc_json_set(report, "sameness", json_string(hc_sameness_name(hc_diff_sameness(diff))));
	hc_json_set(report, "sameness_text", hc_json_text(sameness));
	hc_json_set(report, "growth", known_growth_json(diff, hc_diff_memory_growth(diff)));
	hc_json_set(report, "verdict", verdict_json(diff));
	hc_json_set(report, "sentences", causes_json(diff, options));
	hc_json_set(report, "cleared", cleared_json(diff));
	hc_json_set(report, "attribution", attribution);
	hc_json_set(report, "steady", steady_json(diff));
	hc_json_set(report, "a", side_json(hc_diff_first(diff)));
	hc_json_set(report, "b", side_json(hc_diff_last(diff)));
	hc_json_set(report, "snapshots", snapshots);
	hc_json_set(report, "memory", memory_json(diff));
	hc_json_set(report, "retained", pins_json(diff));
	hc_json_set(report, "side_facts", hc_side_facts_json(diff));
	hc_json_set(report, "sizes", hc_table_json(sizes));
	hc_json_set(report, "status", hc_status_json(hc_diff_is_partial(diff)));
	return report;
}

/* ---- the verdict ---- */

static void print_command(const hc_diff *diff, unsigned index, hc_output *output)
{
	g_autofree char *command = command_of(diff, hc_diff_cause(diff, index), output->options);
	g_autofree char *shown = command ? hc_text_escape(command, -1) : NULL;

	if (!shown)
		return;
	hc_output_spaces(output, VERDICT_INDENT);
	hc_output_styled(output, HC_STYLE_COMMAND, shown);
	hc_output_text(output, "\n");
}

static void print_verdict(const hc_diff *diff, hc_output *output)
{
	g_auto(GStrv) lines = hc_word_verdict(diff);

	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "VERDICT");
	hc_output_text(output, "  ");
	for (unsigned i = 0; lines[i]; i++) {
		g_autofree char *line = hc_text_escape(lines[i], -1);

		if (i)
			hc_output_spaces(output, VERDICT_INDENT);
		hc_output_wrapped(output, VERDICT_INDENT, VERDICT_INDENT, line);
		if (i < MIN(hc_diff_cause_count(diff), HC_DIFF_CAUSES_TOLD))
			print_command(diff, i, output);
	}
}

/* ---- the growth ---- */

/* Columns of the table of growth: kind, snapshots, growth, share, what. */
typedef struct growth_columns {
	hc_column list[STEPS_SHOWN + 4];
	char *titles[STEPS_SHOWN];
	unsigned steps[STEPS_SHOWN]; /* which snapshot */
	unsigned step_count, count;
} growth_columns;

static void init_columns(growth_columns *columns, const hc_diff *diff)
{
	unsigned snapshots = hc_diff_snapshot_count(diff);
	bool all = snapshots <= STEPS_SHOWN;

	*columns = (growth_columns){ .step_count = all ? snapshots : 2 };
	columns->list[columns->count++] = (hc_column){ NULL, "KIND", HC_CELL_TEXT };
	for (unsigned i = 0; i < columns->step_count; i++) {
		columns->steps[i] = all ? i : i * (snapshots - 1);
		columns->titles[i] = hc_diff_snapshot_name(columns->steps[i]);
		columns->list[columns->count++] = (hc_column){ NULL, columns->titles[i], HC_CELL_SIZE };
	}
	columns->list[columns->count++] = (hc_column){ NULL, "GROWTH", HC_CELL_GROWTH };
	columns->list[columns->count++] = (hc_column){ NULL, "SHARE", HC_CELL_SHARE };
	columns->list[columns->count++] = (hc_column){ NULL, "WHAT", HC_CELL_TEXT };
}

static void clear_columns(growth_columns *columns)
{
	for (unsigned i = 0; i < columns->step_count; i++)
		g_free(columns->titles[i]);
}

/* ": 100 -> 2,300 elements", ": +20,580 blocks", "" */
static void append_count(GString *text, const hc_growth *growth)
{
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH];
	bool more = growth->blocks_after > growth->blocks_before;
	uint64_t change = more ? growth->blocks_after - growth->blocks_before :
				 growth->blocks_before - growth->blocks_after;

	if (hc_growth_is_unused_capacity(growth))
		g_string_append(text, ", unused capacity");
	else if (growth->elements_after != UINT64_MAX)
		g_string_append_printf(text, ", %s -> %s elements", hc_text_count(before, growth->elements_before),
			hc_text_count(after, growth->elements_after));
	else if (change)
		g_string_append_printf(
			text, ", %c%s block%s", more ? '+' : '-', hc_text_count(after, change), change == 1 ? "" : "s");
}

static char *describe_growth(const hc_growth *growth)
{
	g_autofree char *word = hc_word_growth(growth), *name = hc_text_escape(word, -1),
			*where = growth->where ? hc_text_escape(growth->where, -1) : NULL,
			*type = growth->type && growth->owner ? hc_text_escape(growth->type, -1) : NULL;
	GString *text = g_string_new(name);

	if (where && strcmp(where, "static"))
		g_string_append_printf(text, ", %s", where);
	append_count(text, growth);
	if (type && *type)
		g_string_append_printf(text, "%s %s", *type == '(' ? "" : ",", type);
	if (growth->trend == HC_TREND_STOPPED)
		g_string_append(text, " (not in the last step)");
	else if (growth->trend == HC_TREND_GROWING)
		g_string_append(text, " (at every step)");
	return g_string_free(text, FALSE);
}

static void add_growth(hc_table *table, const growth_columns *columns, const hc_diff *diff, const char *kind,
	const char *what, const uint64_t *steps, int64_t bytes)
{
	hc_table_add_row(table);
	hc_table_set_plain(table, 0, kind);
	for (unsigned i = 0; i < columns->step_count; i++)
		hc_table_set_number(table, 1 + i, steps[columns->steps[i]]);
	hc_table_set_growth(table, columns->count - 3, bytes);
	if (hc_diff_memory_growth(diff) > 0)
		hc_table_set_share(table, columns->count - 2, bytes, hc_diff_memory_growth(diff));
	hc_table_set_plain(table, columns->count - 1, what);
}

static bool is_empty(const hc_diff *diff, const hc_growth *growth)
{
	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++)
		if (growth->steps[i])
			return false;
	return true;
}

/* Little is summed up in one row, unless all are asked for. */
static bool is_shown(const hc_diff *diff, const hc_growth *growth, unsigned shown, bool verbose)
{
	uint64_t growth_bytes = (uint64_t)ABS(hc_diff_memory_growth(diff)), bytes = (uint64_t)ABS(growth->bytes);

	if (verbose)
		return growth->before || growth->after;
	return shown < GROWTH_SHOWN && bytes && bytes >= growth_bytes / GROWTH_LEAST_SHARE;
}

static void print_growth(const hc_diff *diff, hc_output *output)
{
	unsigned snapshots = hc_diff_snapshot_count(diff), shown = 0, others = 0;
	g_autofree uint64_t *rest = g_new0(uint64_t, snapshots), *sum = g_new0(uint64_t, snapshots);
	growth_columns columns;
	hc_table *table;

	init_columns(&columns, diff);
	table = hc_table_create(columns.list, columns.count);
	for (unsigned i = 0; i < hc_diff_attribution_count(diff); i++) {
		const hc_growth *growth = hc_diff_attribution(diff, i);
		g_autofree char *what = describe_growth(growth);
		bool is_rest = growth->kind == HC_GROWTH_REST;

		for (unsigned j = 0; j < snapshots; j++)
			sum[j] += growth->steps[j];
		if (is_rest && others) {
			g_autofree char *text = g_strdup_printf("%u others (-v lists them)", others);

			add_growth(table, &columns, diff, "", text, rest, (int64_t)(rest[snapshots - 1] - rest[0]));
			hc_table_set_style(table, HC_STYLE_DIM);
		}
		/* There should be none, and then there is no row. */
		if (is_rest && is_empty(diff, growth))
			continue;
		if (is_rest || is_shown(diff, growth, shown, output->options->verbose)) {
			add_growth(table, &columns, diff, hc_growth_kind_name(growth->kind), what, growth->steps,
				growth->bytes);
			if (growth->kind == HC_GROWTH_LOST && growth->bytes > 0)
				hc_table_set_style(table, HC_STYLE_BAD);
			shown++;
			continue;
		}
		others++;
		for (unsigned j = 0; j < snapshots; j++)
			rest[j] += growth->steps[j];
	}
	if (!hc_diff_is_torn(diff)) {
		hc_table_add_rule(table, columns.count - 3);
		add_growth(table, &columns, diff, "memory", "", sum, (int64_t)(sum[snapshots - 1] - sum[0]));
		hc_table_set_style(table, HC_STYLE_HEADING);
	}
	if (hc_table_row_count(table)) {
		hc_output_text(output, "\n");
		hc_table_print(table, output);
	}
	hc_table_destroy(table);
	clear_columns(&columns);
}

/* ---- what did not grow ---- */

static char *describe_steady(const hc_growth *row)
{
	g_autofree char *word = hc_word_growth(row), *name = hc_text_escape(word, -1);
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH];

	if (row->elements_after == UINT64_MAX && row->after < row->before) {
		char less[HC_TEXT_SIZE_LENGTH];

		return g_strdup_printf("%s (-%s)", name, hc_text_size(less, row->before - row->after));
	}
	if (row->elements_after == UINT64_MAX)
		return g_steal_pointer(&name);
	return g_strdup_printf("%s %s -> %s", name, hc_text_count(before, row->elements_before),
		hc_text_count(after, row->elements_after));
}

static void print_steady(const hc_diff *diff, hc_output *output)
{
	unsigned count = hc_diff_steady_count(diff),
		 shown = output->options->verbose ? count : MIN(count, STEADY_SHOWN);
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < shown; i++) {
		g_autofree char *row = describe_steady(hc_diff_steady(diff, i));

		g_string_append_printf(text, "%s%s", i ? "; " : "", row);
	}
	if (shown < count)
		g_string_append_printf(text, "; %u more (-v)", count - shown);
	if (!count)
		return;
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "STEADY");
	hc_output_text(output, "   ");
	hc_output_wrapped(output, VERDICT_INDENT, VERDICT_INDENT, text->str);
}

/* ---- the memory table ---- */

/* "+30,000 blocks"; "" if their number is the same. */
static char *row_detail(const hc_diff_row *row)
{
	uint64_t more = row->count_b > row->count_a ? row->count_b - row->count_a : row->count_a - row->count_b;
	g_autofree char *count = NULL;

	if (!row->unit || !more)
		return g_strdup("");
	count = hc_unit_text(more, row->unit);
	return g_strdup_printf("%c%s", row->count_b > row->count_a ? '+' : '-', count);
}

static void add_row(hc_table *table, const hc_diff_row *row, bool is_torn, unsigned depth)
{
	g_autofree char *title = hc_row_title(hc_word_row(row->id, row->is_bound), depth, true);
	g_autofree char *detail = row_detail(row);

	hc_table_add_row(table);
	hc_table_set_plain(table, ROW_NAME, title);
	hc_table_set_number(table, ROW_A, row->bytes_a);
	hc_table_set_number(table, ROW_B, row->bytes_b);
	if (!is_torn) {
		hc_table_set_growth(table, ROW_GROWTH, row->growth);
		hc_table_set_plain(table, ROW_DETAIL, detail);
	}
	if (depth || !row->is_memory || !row->growth)
		hc_table_set_style(table, HC_STYLE_DIM);
}

/* The rows that are parts of PARENT (NULL: top rows), each with its own parts. */
static void add_rows(hc_table *table, const hc_diff *diff, hc_row_id parent, bool is_memory, unsigned depth)
{
	for (unsigned i = 0; i < hc_diff_row_count(diff) && depth < 8; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (row->of != parent || (!parent && row->is_memory != is_memory))
			continue;
		add_row(table, row, hc_diff_is_torn(diff), depth);
		add_rows(table, diff, row->id, is_memory, depth + 1);
	}
}

static void add_sum(hc_table *table, const char *title, uint64_t bytes_a, uint64_t bytes_b)
{
	hc_table_add_row(table);
	hc_table_set_plain(table, ROW_NAME, title);
	hc_table_set_number(table, ROW_A, bytes_a);
	hc_table_set_number(table, ROW_B, bytes_b);
	hc_table_set_growth(table, ROW_GROWTH, (int64_t)(bytes_b - bytes_a));
	hc_table_set_style(table, HC_STYLE_HEADING);
}

static void print_rows(const hc_diff *diff, hc_output *output)
{
	g_autoptr(hc_table) table = hc_table_create(row_columns, G_N_ELEMENTS(row_columns));

	add_rows(table, diff, HC_ROW_NONE, true, 0);
	add_rows(table, diff, HC_ROW_NONE, false, 0);
	hc_table_add_rule(table, ROW_GROWTH);
	add_sum(table, "mapped address space", hc_diff_first(diff)->total, hc_diff_last(diff)->total);
	hc_output_text(output, "\n");
	hc_table_print(table, output);
}

static void print_sizes(const hc_diff *diff, hc_output *output)
{
	g_autoptr(hc_table) table = make_sizes(diff);

	if (!hc_table_row_count(table))
		return;
	hc_output_text(output, "\n");
	hc_table_print(table, output);
}

/* ---- the whole ---- */

static void print_sides(const hc_diff *diff, hc_output *output)
{
	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++) {
		const hc_snapshot *snapshot = hc_diff_snapshot(diff, i);
		g_autofree char *name = hc_diff_snapshot_name(i), *path = hc_text_escape(snapshot->path, -1);
		g_autofree char *process = hc_process_title(&snapshot->process, snapshot->thread_count);

		hc_output_printf(output, "%s  %s: %s\n", name, path, process);
	}
}

static void print_diagnostics(const hc_diff *diff, hc_output *output)
{
	bool any = false;

	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++) {
		const hc_diagnostics *diagnostics = hc_diff_snapshot(diff, i)->diagnostics;
		g_autofree char *name = hc_diff_snapshot_name(i);

		if (!any && hc_diagnostics_count(diagnostics))
			hc_output_text(output, "\n");
		any |= hc_diagnostics_count(diagnostics) > 0;
		hc_diagnostics_print(diagnostics, name, output);
	}
}

static void print_diff(const hc_diff *diff, hc_output *output)
{
	g_autofree char *word = hc_word_sameness(diff), *sameness_text = hc_text_escape(word, -1);
	hc_sameness sameness = hc_diff_sameness(diff);
	bool comparable = sameness == HC_SAME_PROCESS || sameness == HC_SAME_PROGRAM;

	print_sides(diff, output);
	hc_output_style(output, comparable ? HC_STYLE_PLAIN : HC_STYLE_BAD);
	hc_output_wrapped(output, 0, 0, sameness_text);
	hc_output_style(output, HC_STYLE_PLAIN);
	print_verdict(diff, output);
	print_growth(diff, output);
	print_steady(diff, output);
	hc_side_facts_print(diff, output);
	if (output->options->verbose) {
		print_rows(diff, output);
		print_sizes(diff, output);
	}
	print_diagnostics(diff, output);
}

bool hc_report_diff(const hc_diff *diff, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, diff_json(diff, options));
	else
		print_diff(diff, output);
	return hc_output_finish(output, error);
}
