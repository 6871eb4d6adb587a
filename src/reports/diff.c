/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots side by side: the same program?, the verdict, what the growth is attributed to, what did not grow; and with more words the
 * memory table and the sizes.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

enum {
	GROWTH_SHOWN = 14,	   /* rows */
	GROWTH_LEAST_SHARE = 1000, /* of the growth: less is among the others */
	STEADY_SHOWN = 8,
	STEPS_SHOWN = 6, /* snapshots with a column of their own */
	VERDICT_INDENT = 9,
};

/* A growth that is known only if no core lacks a part. */
static hc_value known_growth(const hc_diff *diff, int64_t growth)
{
	return hc_value_if(!hc_diff_is_torn(diff), hc_value_growth(growth));
}

/* What is known only if all cores are captures'. */
static hc_value known_resident(const hc_diff *diff, hc_value value)
{
	return hc_value_if(hc_diff_knows_resident(diff), value);
}

/* ---- the memory table, and the sizes ---- */

static void add_row(hc_records *records, const hc_diff *diff, const hc_diff_row *row, unsigned depth)
{
	const char *name = hc_word_row(row->id, row->is_bound);
	bool is_torn = hc_diff_is_torn(diff);
	const hc_fact facts[] = {
		{ "id", NULL, hc_value_plain(hc_row_name(row->id)) },
		{ "name", NULL, hc_value_plain(name) },
		{ "of", NULL, row->of ? hc_value_plain(hc_row_name(row->of)) : hc_value_omitted() },
		{ NULL, "MEMORY TABLE", hc_value_take_plain(hc_row_title(name, depth, true)) },
		{ "bytes_a", "FIRST", hc_value_size(row->bytes_a) },
		{ "bytes_b", "LAST", hc_value_size(row->bytes_b) },
		{ "growth", "GROWTH", known_growth(diff, row->growth) },
		{ "resident_a", NULL, known_resident(diff, hc_value_size(row->resident_a)) },
		{ "resident_b", NULL, known_resident(diff, hc_value_size(row->resident_b)) },
		{ "resident_growth", "RESIDENT", known_resident(diff, hc_value_growth(row->resident_growth)) },
		{ NULL, "", hc_value_if(!is_torn, hc_value_take_text(hc_word_row_growth(row))) },
		{ "count_a", NULL, hc_value_if(row->unit, hc_value_count(row->count_a)) },
		{ "count_b", NULL, hc_value_if(row->unit, hc_value_count(row->count_b)) },
		{ "unit", NULL, hc_value_text(row->unit) },
		{ "memory", NULL, hc_value_flag(row->is_memory) },
		{ "bound", NULL, hc_value_flag(row->is_bound) },
	};

	hc_records_add(records, facts);
	if (depth || !row->is_memory || !row->growth)
		hc_records_set_style(records, HC_STYLE_DIM);
}

/* The rows that are parts of PARENT (NULL: top rows), each with its own parts. */
static void add_rows(hc_records *records, const hc_diff *diff, hc_row_id parent, bool is_memory, unsigned depth)
{
	for (unsigned i = 0; i < hc_diff_row_count(diff) && depth < 8; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (row->of != parent || (!parent && row->is_memory != is_memory))
			continue;
		add_row(records, diff, row, depth);
		add_rows(records, diff, row->id, is_memory, depth + 1);
	}
}

static void add_sum(hc_records *records, const hc_diff *diff, const char *title, uint64_t bytes_a, uint64_t bytes_b)
{
	const hc_fact facts[] = {
		{ NULL, "MEMORY TABLE", hc_value_plain(title) },
		{ NULL, "FIRST", hc_value_size(bytes_a) },
		{ NULL, "LAST", hc_value_size(bytes_b) },
		{ NULL, "GROWTH", hc_value_growth((int64_t)(bytes_b - bytes_a)) },
		{ NULL, "RESIDENT", known_resident(diff, hc_value_growth(hc_diff_resident_growth(diff))) },
		{ NULL, "", hc_value_none() },
	};

	hc_records_add(records, facts);
	hc_records_set_style(records, HC_STYLE_HEADING);
}

static void print_rows(const hc_diff *diff, hc_output *output)
{
	g_autoptr(hc_records) records = hc_records_create();

	add_rows(records, diff, HC_ROW_NONE, true, 0);
	add_rows(records, diff, HC_ROW_NONE, false, 0);
	hc_records_add_rule(records, "GROWTH");
	add_sum(records, diff, "mapped address space", hc_diff_first(diff)->total, hc_diff_last(diff)->total);
	hc_output_text(output, "\n");
	hc_records_print(records, output);
}

static json_t *memory_json(const hc_diff *diff)
{
	g_autoptr(hc_records) rows = hc_records_create(), parts = hc_records_create();

	for (unsigned i = 0; i < hc_diff_row_count(diff); i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		add_row(row->of ? parts : rows, diff, row, 0);
	}
	const hc_fact facts[] = {
		{ "total_a", NULL, hc_value_size(hc_diff_first(diff)->total) },
		{ "total_b", NULL, hc_value_size(hc_diff_last(diff)->total) },
		{ "growth", NULL, hc_value_growth(hc_diff_growth(diff)) },
		{ "resident_growth", NULL, known_resident(diff, hc_value_growth(hc_diff_resident_growth(diff))) },
		{ "rows", NULL, hc_value_json(hc_records_json(rows)) },
		{ "parts", NULL, hc_value_json(hc_records_json(parts)) },
	};

	return hc_record_json(facts);
}

static hc_records *make_sizes(const hc_diff *diff)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < hc_diff_size_count(diff); i++) {
		const hc_diff_size *size = hc_diff_size_get(diff, i);
		const hc_fact facts[] = {
			{ "size", "BLOCKS OF SIZE", hc_value_count(size->size) },
			{ "blocks_a", "FIRST", hc_value_count(size->blocks_a) },
			{ "blocks_b", "LAST", hc_value_count(size->blocks_b) },
			{ "growth", "GROWTH", hc_value_growth(size->growth) },
			{ "lost_a", "LOST FIRST", hc_value_count(size->lost_a) },
			{ "lost_b", "LOST LAST", hc_value_count(size->lost_b) },
		};

		hc_records_add(records, facts);
	}
	return records;
}

static void print_sizes(const hc_diff *diff, hc_output *output)
{
	g_autoptr(hc_records) sizes = make_sizes(diff);

	if (!hc_records_count(sizes))
		return;
	hc_output_text(output, "\n");
	hc_records_print(sizes, output);
}

/* ---- JSON ---- */

static json_t *side_json(const hc_snapshot *snapshot)
{
	const hc_diagnostics *diagnostics = snapshot->diagnostics;
	json_t *process =
		hc_process_json(&snapshot->process, snapshot->thread_count, snapshot->path, snapshot->core_size);
	const hc_fact facts[] = {
		{ "process", NULL, hc_value_json(process) },
		{ "allocator", NULL, hc_value_json(hc_allocator_json(&snapshot->heap)) },
		{ "diagnostics", NULL, hc_value_json(hc_diagnostics_json(diagnostics)) },
		{ "status", NULL, hc_value_json(hc_status_json(hc_diagnostics_partial(diagnostics))) },
	};

	return hc_record_json(facts);
}

static hc_value share(const hc_diff *diff, int64_t bytes)
{
	int64_t growth = hc_diff_memory_growth(diff);

	return hc_value_if(growth > 0, hc_value_real((double)bytes / growth));
}

static hc_value elements(uint64_t count)
{
	return hc_value_if(count != UINT64_MAX, hc_value_count(count));
}

static json_t *growth_json(const hc_diff *diff, const hc_growth *growth)
{
	json_t *steps = json_array();

	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++)
		json_array_append_new(steps, hc_json_number(growth->steps[i]));
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_growth_kind_name(growth->kind)) },
		{ "name", NULL, hc_value_take_text(hc_word_growth(growth)) },
		{ "runtime", NULL,
			hc_value_plain(growth->runtime ? hc_runtime_kind_name(growth->runtime->kind) : NULL) },
		{ "where", NULL, hc_value_take_text(hc_word_where(&growth->where, growth->threads)) },
		{ "type", NULL, hc_value_text(growth->type) },
		{ "by_words", NULL, hc_value_flag(growth->owner && growth->owner->by_words) },
		{ "bytes", NULL, hc_value_growth(growth->bytes) },
		{ "share", NULL, share(diff, growth->bytes) },
		{ "before", NULL, hc_value_size(growth->before) },
		{ "after", NULL, hc_value_size(growth->after) },
		{ "resident", NULL, hc_value_if(growth->resident_steps, hc_value_growth(growth->resident)) },
		{ "blocks_before", NULL, hc_value_count(growth->blocks_before) },
		{ "blocks_after", NULL, hc_value_count(growth->blocks_after) },
		{ "elements_before", NULL, elements(growth->elements_before) },
		{ "elements_after", NULL, elements(growth->elements_after) },
		{ "elements_at_most", NULL, hc_value_flag(growth->is_at_most) },
		{ "steps", NULL, hc_value_json(steps) },
		{ "trend", NULL, hc_value_plain(hc_trend_name(growth->trend)) },
		{ "shared_before", NULL, hc_value_count(growth->shared_before) },
		{ "shared_after", NULL, hc_value_count(growth->shared_after) },
		{ "shared_with", NULL, hc_value_text(growth->shared ? growth->shared->with : NULL) },
		{ "sharers", NULL, hc_value_count(growth->shared ? growth->shared->others + 1 : 0) },
		{ "outside_before", NULL, hc_value_count(growth->outside_before) },
		{ "outside_after", NULL, hc_value_count(growth->outside_after) },
		{ "free_between_before", NULL, hc_value_count(growth->free_between_before) },
		{ "free_between_after", NULL, hc_value_count(growth->free_between_after) },
		{ "sites", NULL, hc_value_json(hc_site_answer_json(hc_diff_site(diff, growth))) },
	};

	return hc_record_json(facts);
}

static json_t *steady_json(const hc_growth *row)
{
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_growth_kind_name(row->kind)) },
		{ "name", NULL, hc_value_take_text(hc_word_growth(row)) },
		{ "where", NULL, hc_value_take_text(hc_word_where(&row->where, row->threads)) },
		{ "before", NULL, hc_value_size(row->before) },
		{ "after", NULL, hc_value_size(row->after) },
		{ "elements_before", NULL, elements(row->elements_before) },
		{ "elements_after", NULL, elements(row->elements_after) },
		{ "elements_at_most", NULL, hc_value_flag(row->is_at_most) },
	};

	return hc_record_json(facts);
}

static char *command_of(const hc_diff *diff, const hc_cause *cause, const hc_report_options *options)
{
	g_autofree char *command = hc_word_cause_command(cause);

	return command ? hc_command_line(command, hc_diff_last(diff)->path, options) : NULL;
}

static json_t *cause_json(const hc_diff *diff, const hc_cause *cause, const hc_report_options *options)
{
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_cause_name(cause->kind)) },
		{ "name", NULL, hc_value_take_text(hc_word_cause_name(cause)) },
		{ "bytes", NULL, hc_value_growth(cause->bytes) },
		{ "share", NULL, share(diff, cause->bytes) },
		{ "resident", NULL, known_resident(diff, hc_value_growth(cause->resident)) },
		{ "confidence", NULL, hc_value_plain(hc_confidence_name(cause->confidence)) },
		{ "trend", NULL, hc_value_plain(hc_trend_name(cause->trend)) },
		{ "text", NULL, hc_value_take_text(hc_word_cause(diff, cause)) },
		{ "command", NULL, hc_value_take_text(command_of(diff, cause, options)) },
	};

	return hc_record_json(facts);
}

static json_t *causes_json(const hc_diff *diff, const hc_report_options *options)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < hc_diff_cause_count(diff); i++)
		json_array_append_new(array, cause_json(diff, hc_diff_cause(diff, i), options));
	return array;
}

static char *verdict_of(const hc_diff *diff)
{
	g_auto(GStrv) lines = hc_word_verdict(diff);

	return g_strjoinv("\n", lines);
}

/* What is not the cause. */
static json_t *cleared_json(const hc_diff *diff)
{
	int64_t growth;
	hc_containers_state containers = hc_diff_containers(diff, &growth);
	const hc_fact facts[] = {
		{ "containers", NULL, hc_value_plain(hc_containers_state_name(containers)) },
		{ "containers_growth", NULL, hc_value_growth(growth) },
		{ "keeps_little", NULL, hc_value_flag(hc_diff_keeps_little(diff)) },
	};

	return hc_record_json(facts);
}

static json_t *holder_json(const hc_pin_holder *pin)
{
	const hc_fact facts[] = {
		{ "name", NULL, hc_value_take_text(hc_word_pin_holder(pin)) },
		{ "blocks", NULL, hc_value_count(pin->amount.blocks) },
		{ "bytes", NULL, hc_value_size(pin->amount.bytes) },
		{ "pinned", NULL, hc_value_size(pin->pinned) },
	};

	return hc_record_json(facts);
}

/* What keeps the free memory of the last snapshot. */
static json_t *pins_json(const hc_diff *diff)
{
	const hc_snapshot *last = hc_diff_last(diff);
	json_t *holders = json_array();

	for (unsigned i = 0; i < last->pins->len; i++)
		json_array_append_new(holders, holder_json(&g_array_index(last->pins, hc_pin_holder, i)));
	const hc_fact facts[] = {
		{ "free", NULL, hc_value_size(last->free.bytes) },
		{ "trim", NULL, hc_value_size(hc_free_pages_gain(&last->free_pages)) },
		{ "advice", NULL, hc_value_take_text(hc_word_snapshot_advice(last)) },
		{ "holders", NULL, hc_value_json(holders) },
	};

	return hc_record_json(facts);
}

static json_t *layouts_json(const hc_diff *diff)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < hc_diff_layouts_count(diff); i++) {
		hc_diff_layouts layouts = hc_diff_layouts_get(diff, i);
		const hc_abi_difference *difference = &layouts.layouts->difference;
		const hc_fact facts[] = {
			{ "facts", NULL,
				hc_value_json(hc_two_layouts_json(
					difference, layouts.layouts->has_site ? &layouts.layouts->site : NULL)) },
			{ "lost_before", NULL, hc_value_if(layouts.knows_before, hc_value_amount(layouts.before)) },
			{ "lost_after", NULL, hc_value_amount(hc_abi_all_lost(difference)) },
			{ "text", NULL, hc_value_take_text(hc_word_diff_layouts(&layouts)) },
		};

		json_array_append_new(array, hc_record_json(facts));
	}
	return array;
}

static json_t *diff_json(const hc_diff *diff, const hc_report_options *options)
{
	g_autoptr(hc_records) sizes = make_sizes(diff);
	json_t *snapshots = json_array(), *attribution = json_array(), *steady = json_array();

	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++)
		json_array_append_new(snapshots, side_json(hc_diff_snapshot(diff, i)));
	for (unsigned i = 0; i < hc_diff_attribution_count(diff); i++)
		json_array_append_new(attribution, growth_json(diff, hc_diff_attribution(diff, i)));
	for (unsigned i = 0; i < hc_diff_steady_count(diff); i++)
		json_array_append_new(steady, steady_json(hc_diff_steady(diff, i)));
	const hc_fact facts[] = {
		{ "sameness", NULL, hc_value_plain(hc_sameness_name(hc_diff_sameness(diff))) },
		{ "sameness_text", NULL, hc_value_take_text(hc_word_sameness(diff)) },
		{ "growth", NULL, known_growth(diff, hc_diff_memory_growth(diff)) },
		{ "resident_growth", NULL, known_resident(diff, hc_value_growth(hc_diff_resident_growth(diff))) },
		{ "verdict", NULL, hc_value_take_text(verdict_of(diff)) },
		{ "sentences", NULL, hc_value_json(causes_json(diff, options)) },
		{ "cleared", NULL, hc_value_json(cleared_json(diff)) },
		{ "attribution", NULL, hc_value_json(attribution) },
		{ "steady", NULL, hc_value_json(steady) },
		{ "two_layouts", NULL,
			hc_value_if(hc_diff_last(diff)->knows_layouts, hc_value_json(layouts_json(diff))) },
		{ "a", NULL, hc_value_json(side_json(hc_diff_first(diff))) },
		{ "b", NULL, hc_value_json(side_json(hc_diff_last(diff))) },
		{ "snapshots", NULL, hc_value_json(snapshots) },
		{ "memory", NULL, hc_value_json(memory_json(diff)) },
		{ "retained", NULL, hc_value_json(pins_json(diff)) },
		{ "side_facts", NULL, hc_value_json(hc_side_facts_json(diff)) },
		{ "sizes", NULL, hc_value_json(hc_records_json(sizes)) },
		{ "status", NULL, hc_value_json(hc_status_json(hc_diff_is_partial(diff))) },
	};

	return hc_report_json("diff", facts, NULL);
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

/* Rows under: kind, snapshots, growth, share, what. */
typedef struct growth_table {
	const hc_diff *diff;
	hc_records *records;
	char *titles[STEPS_SHOWN];
	unsigned steps[STEPS_SHOWN]; /* which snapshot */
	unsigned step_count;
} growth_table;

static void growth_table_init(growth_table *table, const hc_diff *diff)
{
	unsigned snapshots = hc_diff_snapshot_count(diff);
	bool all = snapshots <= STEPS_SHOWN;

	*table = (growth_table){ diff, hc_records_create(), .step_count = all ? snapshots : 2 };
	for (unsigned i = 0; i < table->step_count; i++) {
		table->steps[i] = all ? i : i * (snapshots - 1);
		table->titles[i] = hc_diff_snapshot_name(table->steps[i]);
	}
}

static void growth_table_clear(growth_table *table)
{
	for (unsigned i = 0; i < table->step_count; i++)
		g_free(table->titles[i]);
	hc_records_destroy(table->records);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(growth_table, growth_table_clear)

/* What a row has of the growth: of that of resident memory, where it is known and memory grew by less. */
static hc_value shown_share(const hc_diff *diff, int64_t bytes, const int64_t *resident)
{
	int64_t growth = hc_diff_memory_growth(diff), resident_growth = hc_diff_resident_growth(diff);

	if (hc_diff_knows_resident(diff) && resident_growth > growth)
		return resident ? hc_value_share(*resident, MAX(resident_growth, 0)) : hc_value_none();
	return hc_value_share(bytes, MAX(growth, 0));
}

/* RESIDENT: growth of what is in memory; NULL where it is not known. */
static void add_growth(growth_table *table, const char *kind, const char *what, const uint64_t *steps, int64_t bytes,
	const int64_t *resident, hc_style style)
{
	hc_value share = shown_share(table->diff, bytes, resident);
	hc_fact facts[STEPS_SHOWN + 5];
	unsigned count = 0;

	facts[count++] = (hc_fact){ NULL, "KIND", hc_value_plain(kind) };
	for (unsigned i = 0; i < table->step_count; i++)
		facts[count++] = (hc_fact){ NULL, table->titles[i], hc_value_size(steps[table->steps[i]]) };
	facts[count++] = (hc_fact){ NULL, "GROWTH", hc_value_growth(bytes) };
	facts[count++] =
		(hc_fact){ NULL, "RESIDENT", hc_value_if(resident, hc_value_growth(resident ? *resident : 0)) };
	facts[count++] = (hc_fact){ NULL, "SHARE", share };
	facts[count++] = (hc_fact){ NULL, "WHAT", hc_value_text(what) };
	hc_records_add_n(table->records, facts, count);
	hc_records_set_style(table->records, style);
}

static bool is_empty(const hc_diff *diff, const hc_growth *growth)
{
	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++)
		if (growth->steps[i] || (growth->resident_steps && growth->resident_steps[i]))
			return false;
	return true;
}

/* Little is summed up in one row, unless all are asked for. */
static bool is_shown(const hc_diff *diff, const hc_growth *growth, unsigned shown, bool verbose)
{
	uint64_t growth_bytes = (uint64_t)ABS(hc_diff_memory_growth(diff)), bytes = (uint64_t)ABS(growth->bytes);
	uint64_t resident_growth = (uint64_t)ABS(hc_diff_resident_growth(diff)),
		 resident = (uint64_t)ABS(growth->resident);

	if (verbose)
		return growth->before || growth->after || growth->resident;
	return shown < GROWTH_SHOWN && ((bytes && bytes >= growth_bytes / GROWTH_LEAST_SHARE) ||
					       (resident && resident >= resident_growth / GROWTH_LEAST_SHARE));
}

static void add_to(uint64_t *sum, const hc_growth *growth, unsigned snapshots)
{
	for (unsigned i = 0; i < snapshots; i++)
		sum[i] += growth->steps[i];
}

static void add_rows_of_growth(growth_table *table, bool verbose, uint64_t *sum)
{
	const hc_diff *diff = table->diff;
	unsigned snapshots = hc_diff_snapshot_count(diff), shown = 0, others = 0;
	g_autofree uint64_t *rest = g_new0(uint64_t, snapshots);
	int64_t resident = 0; /* of REST */

	for (unsigned i = 0; i < hc_diff_attribution_count(diff); i++) {
		const hc_growth *growth = hc_diff_attribution(diff, i);
		g_autofree char *what = hc_word_growth_row(growth);
		bool is_rest = growth->kind == HC_GROWTH_REST;
		bool is_bad = growth->kind == HC_GROWTH_LOST && growth->bytes > 0;

		add_to(sum, growth, snapshots);
		if (is_rest && others) {
			g_autofree char *text = g_strdup_printf("%u others (-v lists them)", others);

			add_growth(table, "", text, rest, (int64_t)(rest[snapshots - 1] - rest[0]),
				hc_diff_knows_resident(diff) ? &resident : NULL, HC_STYLE_DIM);
		}
		/* There should be none, and then there is no row. */
		if (is_rest && is_empty(diff, growth))
			continue;
		if (is_rest || is_shown(diff, growth, shown, verbose)) {
			add_growth(table, hc_growth_kind_name(growth->kind), what, growth->steps, growth->bytes,
				growth->resident_steps ? &growth->resident : NULL,
				is_bad ? HC_STYLE_BAD : HC_STYLE_PLAIN);
			shown++;
			continue;
		}
		others++;
		resident += growth->resident;
		add_to(rest, growth, snapshots);
	}
}

static void print_growth(const hc_diff *diff, hc_output *output)
{
	unsigned last = hc_diff_snapshot_count(diff) - 1;
	g_autofree uint64_t *sum = g_new0(uint64_t, last + 1);
	g_auto(growth_table) table;
	int64_t resident = hc_diff_resident_growth(diff);

	growth_table_init(&table, diff);
	add_rows_of_growth(&table, output->options->verbose, sum);
	if (!hc_diff_is_torn(diff)) {
		hc_records_add_rule(table.records, "GROWTH");
		add_growth(&table, "memory", "", sum, (int64_t)(sum[last] - sum[0]),
			hc_diff_knows_resident(diff) ? &resident : NULL, HC_STYLE_HEADING);
	}
	if (hc_records_count(table.records)) {
		hc_output_text(output, "\n");
		hc_records_print(table.records, output);
	}
}

/* ---- what did not grow ---- */

static void print_steady(const hc_diff *diff, hc_output *output)
{
	unsigned count = hc_diff_steady_count(diff),
		 shown = output->options->verbose ? count : MIN(count, STEADY_SHOWN);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *escaped = NULL;

	for (unsigned i = 0; i < shown; i++) {
		g_autofree char *row = hc_word_steady(hc_diff_steady(diff, i));

		g_string_append_printf(text, "%s%s", i ? "; " : "", row);
	}
	if (shown < count)
		g_string_append_printf(text, "; %u more (-v)", count - shown);
	if (!count)
		return;
	escaped = hc_text_escape(text->str, -1);
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "STEADY");
	hc_output_text(output, "   ");
	hc_output_wrapped(output, VERDICT_INDENT, VERDICT_INDENT, escaped);
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

bool hc_report_step(const hc_snapshot *snapshot, const hc_diff *diff, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autofree char *line = hc_word_step(snapshot, diff), *escaped = hc_text_escape(line, -1);

	hc_output_printf(output, "%s\n", escaped);
	return hc_output_finish(output, error);
}
