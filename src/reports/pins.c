/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keeps the heap's free memory from going back: advice, causes, the largest runs, who holds them. */
#include "reports/parts.h"

#include "base/text.h"
#include "pins/pins.h"
#include "wording/wording.h"

static char *advice_of(const hc_pins *pins)
{
	return hc_word_pins_advice(hc_pins_get_summary(pins), hc_pins_holder(pins, 0));
}

static hc_records *make_kept(const hc_pins *pins)
{
	hc_records *records = hc_records_create();
	const hc_pins_summary *summary = hc_pins_get_summary(pins);

	for (unsigned i = 0; i < summary->kept_count; i++) {
		const hc_kept *kept = &summary->kept[i];
		const char *tunable = hc_kept_tunable(kept->cause);
		g_autofree char *why = hc_word_kept(summary, kept->cause);
		const hc_fact facts[] = {
			{ "bytes", "KEPT", hc_value_size(kept->bytes) },
			{ "cause", "WHY", hc_value_plain(hc_kept_cause_name(kept->cause)) },
			{ "tunable", NULL, hc_value_plain(tunable) },
			{ "text", NULL, hc_value_plain(why) },
			{ NULL, "", hc_value_take_plain(g_strjoin("; ", why, tunable, NULL)) },
		};

		hc_records_add(records, facts);
	}
	return records;
}

static json_t *island_json(const hc_pin_island *island)
{
	const hc_fact facts[] = {
		{ "blocks", NULL, hc_value_count(island->amount.blocks) },
		{ "bytes", NULL, hc_value_size(island->amount.bytes) },
		{ "start", NULL, hc_value_if(island->start, hc_value_address(island->start)) },
		{ "end", NULL, hc_value_if(island->end, hc_value_address(island->end)) },
		{ "cached", NULL, hc_value_amount(island->cached) },
		{ "libc", NULL, hc_value_amount(island->libc) },
		{ "free", NULL, hc_value_size(island->free) },
		{ "blocked", NULL, hc_value_flag(island->blocked) },
	};

	return hc_record_json(facts);
}

static hc_records *make_runs(const hc_core *core, const hc_pins *pins, uint64_t limit)
{
	hc_records *records = hc_records_create();
	bool knows_resident = hc_core_knows_resident(core);

	for (unsigned i = 0; i < hc_limited(hc_pins_run_count(pins), limit); i++) {
		const hc_pin_run *run = hc_pins_run(pins, i);
		hc_resident resident = hc_core_resident(core, run->start, run->start + run->bytes);
		const hc_fact facts[] = {
			{ "arena", NULL, hc_value_id(run->arena) },
			{ NULL, "ARENA", hc_value_take_plain(hc_arena_name(run->arena)) },
			{ "start", "FREE FROM", hc_value_address(run->start) },
			{ "bytes", "BYTES", hc_value_size(run->bytes) },
			{ "resident", "RESIDENT", hc_value_if(knows_resident, hc_value_size(resident.resident)) },
			{ "whole_pages", NULL, hc_value_size(run->whole) },
			{ "zero_pages", knows_resident ? "GIVEN BACK" : "ZERO", hc_value_size(run->zero) },
			{ "trim", "TRIM", hc_value_size(run->trim) },
			{ "is_top", NULL, hc_value_flag(run->is_top) },
			{ "pinned", NULL, hc_value_flag(run->pinned) },
			{ "above", NULL, hc_value_json(island_json(&run->above)) },
			{ "islands", NULL, hc_value_count(run->islands) },
			{ "goes_back", "GOES BACK", hc_value_size(run->goes_back) },
			{ NULL, "ONCE THESE ARE FREED", hc_value_take_plain(hc_word_above(run)) },
		};

		hc_records_add(records, facts);
	}
	return records;
}

/* Without its path, which has a column of its own in JSON. */
static char *holder_name(const hc_pin_holder *holder)
{
	hc_pin_holder pathless = *holder;

	pathless.path = NULL;
	return hc_word_pin_holder(&pathless);
}

static void add_holder(hc_records *records, const hc_pin_holder *holder, hc_value retained)
{
	g_autofree char *name = holder_name(holder);
	const char *path = holder->path && *holder->path ? holder->path : NULL;
	bool is_typed = holder->kind == HC_HOLDER_TYPED, is_unknown = holder->kind == HC_HOLDER_UNKNOWN;
	const hc_fact facts[] = {
		{ "pinned", "PINS", hc_value_size(holder->pinned) },
		{ "alone", "ALONE", hc_value_size(holder->alone) },
		{ "runs", "RUNS", hc_value_count(holder->runs) },
		{ "count", "BLOCKS", hc_value_count(holder->amount.blocks) },
		{ "bytes", "BYTES", hc_value_size(holder->amount.bytes) },
		{ "retained", "RETAINS", retained },
		{ "kind", NULL, hc_value_plain(hc_holder_kind_name(holder->kind)) },
		{ "thread", NULL, hc_value_if(holder->thread, hc_value_id(holder->thread)) },
		{ "size", NULL, hc_value_if(is_unknown, hc_value_size(holder->size)) },
		{ "certainty", NULL, hc_value_plain(is_typed ? hc_certainty_name(holder->certainty) : NULL) },
		{ "path", NULL, hc_value_text(holder->path) },
		{ "example", "EXAMPLE", hc_value_address(holder->example) },
		{ "holder", NULL, hc_value_text(name) },
		{ NULL, "HELD BY", hc_value_take_text(path ? g_strdup_printf("%s: %s", path, name) : g_strdup(name)) },
	};

	hc_records_add(records, facts);
}

static hc_records *make_holders(const hc_analysis *analysis, const hc_pins *pins, uint64_t limit)
{
	GHashTable *rows = hc_rows_by_path(hc_analysis_ownership(analysis));
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < hc_limited(hc_pins_holder_count(pins), limit); i++)
		add_holder(records, hc_pins_holder(pins, i), hc_retained_by_path(rows, hc_pins_holder(pins, i)->path));
	g_clear_pointer(&rows, g_hash_table_unref);
	return records;
}

static json_t *totals_json(const hc_pins *pins)
{
	hc_pins_totals totals;

	hc_pins_get_totals(pins, &totals);
	const hc_fact facts[] = {
		{ "free", NULL, hc_value_size(totals.free) },
		{ "tcache", NULL, hc_value_size(totals.tcache) },
		{ "fastbins", NULL, hc_value_size(totals.fastbins) },
		{ "bins", NULL, hc_value_size(totals.bins) },
		{ "top", NULL, hc_value_size(totals.top) },
		{ "whole_pages", NULL, hc_value_size(totals.pages.whole) },
		{ "zero_pages", NULL, hc_value_size(totals.pages.zero) },
		{ "trim", NULL, hc_value_size(totals.trim) },
		{ "runs", NULL, hc_value_count(totals.run_count) },
		{ "runs_bytes", NULL, hc_value_size(totals.run_bytes) },
		{ "runs_whole_pages", NULL, hc_value_size(totals.run_whole) },
		{ "pins", NULL, hc_value_count(totals.pins) },
		{ "pinning", NULL, hc_value_amount(totals.pinning) },
		{ "pinned", NULL, hc_value_size(totals.pinned) },
		{ "pinned_zero", NULL, hc_value_size(totals.pinned_zero) },
		{ "pinned_trim", NULL, hc_value_size(totals.pinned_trim) },
	};

	return hc_record_json(facts);
}

static json_t *thresholds_json(const hc_heap_info *heap)
{
	const hc_fact facts[] = {
		{ "trim_threshold", NULL, hc_value_size(heap->trim_threshold) },
		{ "top_pad", NULL, hc_value_size(heap->top_pad) },
		{ "mmap_threshold", NULL, hc_value_size(heap->mmap_threshold) },
		{ "thresholds_move", NULL, hc_value_flag(heap->thresholds_move) },
	};

	return heap->thresholds_known ? hc_record_json(facts) : NULL;
}

static json_t *pins_json(const hc_analysis *analysis, const hc_pins *pins, uint64_t limit)
{
	const hc_heap_info *heap = hc_blocks_heap(hc_analysis_blocks(analysis));
	g_autoptr(hc_records) kept = make_kept(pins), runs = make_runs(hc_analysis_core(analysis), pins, limit),
			      holders = make_holders(analysis, pins, limit);
	const hc_fact facts[] = {
		{ "advice", NULL, hc_value_take_text(advice_of(pins)) },
		{ "totals", NULL, hc_value_json(totals_json(pins)) },
		{ "thresholds", NULL, hc_value_json(thresholds_json(heap)) },
		{ "kept", NULL, hc_value_json(hc_records_json(kept)) },
		{ "runs", NULL, hc_value_json(hc_records_json(runs)) },
		{ "holders", NULL, hc_value_json(hc_records_json(holders)) },
		{ "debug_info_gaps", NULL, hc_value_json(hc_debug_info_gaps_json(analysis)) },
	};

	return hc_report_json("pins", facts, hc_analysis_diagnostics(analysis));
}

/* Those of COUNT that fit in LIMIT, below HEADING, which is taken. */
static void print_list(char *heading, const hc_records *records, unsigned count, uint64_t limit, hc_output *output)
{
	hc_output_printf(output, "\n%s:\n", heading);
	hc_records_print(records, output);
	hc_left_out_print(count, limit, output);
	g_free(heading);
}

static void print_runs(const hc_core *core, const hc_pins *pins, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_records) records = make_runs(core, pins, limit);
	hc_pins_totals totals;

	hc_pins_get_totals(pins, &totals);
	if (totals.run_count)
		print_list(hc_word_runs(&totals), records, hc_pins_run_count(pins), limit, output);
}

static void print_holders(const hc_analysis *analysis, const hc_pins *pins, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_records) records = make_holders(analysis, pins, limit);
	hc_pins_totals totals;

	hc_pins_get_totals(pins, &totals);
	if (totals.pins)
		print_list(hc_word_islands(&totals), records, hc_pins_holder_count(pins), limit, output);
}

static void print_pins(const hc_analysis *analysis, const hc_pins *pins, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_records) kept = make_kept(pins);

	if (!hc_blocks_arena_count(hc_analysis_blocks(analysis))) {
		hc_no_arenas_print(analysis, output);
	} else {
		g_autofree char *advice = advice_of(pins), *escaped = hc_text_escape(advice, -1);

		hc_output_wrapped(output, 0, 0, escaped);
		if (hc_records_count(kept))
			hc_output_text(output, "\n");
		hc_records_print(kept, output);
		print_runs(hc_analysis_core(analysis), pins, limit, output);
		print_holders(analysis, pins, limit, output);
	}
	hc_debug_info_gaps_print(analysis, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

bool hc_report_found_pins(const hc_analysis *analysis, const hc_pins *pins, uint64_t limit,
	const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, pins_json(analysis, pins, limit));
	else
		print_pins(analysis, pins, limit, output);
	return hc_output_finish(output, error);
}

bool hc_report_pins(const hc_analysis *analysis, uint64_t limit, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_pins) pins =
		hc_pins_create(hc_analysis_core(analysis), hc_analysis_blocks(analysis), hc_analysis_types(analysis));

	return hc_report_found_pins(analysis, pins, limit, options, error);
}
