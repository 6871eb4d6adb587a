/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keeps the heap's free memory from going back: advice, causes, the largest runs, who holds them. */
#include "reports/parts.h"

#include "base/text.h"
#include "pins/pins.h"
#include "wording/wording.h"

static const hc_column kept_columns[] = {
	{ "bytes", "KEPT", HC_CELL_SIZE },
	{ "cause", "WHY", HC_CELL_TEXT },
	{ "tunable", NULL, HC_CELL_TEXT },
	{ "text", "", HC_CELL_TEXT },
};

enum {
	KEPT_BYTES,
	KEPT_CAUSE,
	KEPT_TUNABLE,
	KEPT_TEXT
};

static const hc_column run_columns[] = {
	{ "arena", NULL, HC_CELL_COUNT },
	{ NULL, "ARENA", HC_CELL_TEXT },
	{ "start", "FREE FROM", HC_CELL_ADDRESS },
	{ "bytes", "BYTES", HC_CELL_SIZE },
	{ "whole_pages", NULL, HC_CELL_SIZE },
	{ "zero_pages", "ZERO", HC_CELL_SIZE },
	{ "trim", "TRIM", HC_CELL_SIZE },
	{ "is_top", NULL, HC_CELL_FLAG },
	{ "pinned", NULL, HC_CELL_FLAG },
	{ "above", NULL, HC_CELL_JSON },
	{ "islands", NULL, HC_CELL_COUNT },
	{ "goes_back", "GOES BACK", HC_CELL_SIZE },
	{ NULL, "ONCE THESE ARE FREED", HC_CELL_TEXT },
};

enum {
	RUN_ARENA,
	RUN_ARENA_NAME,
	RUN_START,
	RUN_BYTES,
	RUN_WHOLE,
	RUN_ZERO,
	RUN_TRIM,
	RUN_TOP,
	RUN_PINNED,
	RUN_ABOVE,
	RUN_ISLANDS,
	RUN_GOES_BACK,
	RUN_ISLAND
};

static const hc_column holder_columns[] = {
	{ "pinned", "PINS", HC_CELL_SIZE },
	{ "alone", "ALONE", HC_CELL_SIZE },
	{ "runs", "RUNS", HC_CELL_COUNT },
	{ "count", "BLOCKS", HC_CELL_COUNT },
	{ "bytes", "BYTES", HC_CELL_SIZE },
	{ "kind", NULL, HC_CELL_TEXT },
	{ "thread", NULL, HC_CELL_JSON },
	{ "size", NULL, HC_CELL_JSON },
	{ "evidence", NULL, HC_CELL_TEXT },
	{ "path", NULL, HC_CELL_JSON },
	{ "example", "EXAMPLE", HC_CELL_ADDRESS },
	{ "holder", NULL, HC_CELL_JSON },
	{ NULL, "HELD BY", HC_CELL_TEXT },
};

enum {
	HOLDER_PINNED,
	HOLDER_ALONE,
	HOLDER_RUNS,
	HOLDER_COUNT,
	HOLDER_BYTES,
	HOLDER_KIND,
	HOLDER_THREAD,
	HOLDER_SIZE,
	HOLDER_EVIDENCE,
	HOLDER_PATH,
	HOLDER_EXAMPLE,
	HOLDER_NAME,
	HOLDER_TEXT
};

static char *advice_of(const hc_pins *pins)
{
	return hc_word_pins_advice(hc_pins_get_summary(pins), hc_pins_holder(pins, 0));
}

static unsigned shown_of(unsigned count, uint64_t limit)
{
	return limit ? MIN(count, limit) : count;
}

static hc_table *make_kept(const hc_pins *pins, bool text)
{
	hc_table *table = hc_table_create(kept_columns, G_N_ELEMENTS(kept_columns));
	const hc_pins_summary *summary = hc_pins_get_summary(pins);

	for (unsigned i = 0; i < summary->kept_count; i++) {
		const hc_kept *kept = &summary->kept[i];
		const char *tunable = hc_kept_tunable(kept->cause);
		g_autofree char *why = hc_word_kept(summary, kept->cause),
				*line = tunable && text ? g_strdup_printf("%s; %s", why, tunable) : g_strdup(why);

		hc_table_add_row(table);
		hc_table_set_number(table, KEPT_BYTES, kept->bytes);
		hc_table_set_plain(table, KEPT_CAUSE, hc_kept_cause_name(kept->cause));
		hc_table_set_plain(table, KEPT_TUNABLE, tunable);
		hc_table_set_plain(table, KEPT_TEXT, line);
	}
	return table;
}

static json_t *island_json(const hc_pin_island *island)
{
	json_t *object = hc_json_amount(island->amount);

	hc_json_set(object, "start", island->start ? hc_json_address(island->start) : json_null());
	hc_json_set(object, "end", island->end ? hc_json_address(island->end) : json_null());
	hc_json_set(object, "cached", hc_json_amount(island->cached));
	hc_json_set(object, "libc", hc_json_amount(island->libc));
	hc_json_set(object, "free", hc_json_number(island->free));
	hc_json_set(object, "blocked", json_boolean(island->blocked));
	return object;
}

/* "3 blocks, 6.0 KiB (2 cached)" and how many islands more. */
static char *island_text(const hc_pin_run *run)
{
	const hc_pin_island *island = &run->above;
	GString *text = g_string_new(NULL);
	char size[HC_TEXT_SIZE_LENGTH], count[HC_TEXT_COUNT_LENGTH];

	if (run->is_top)
		return g_string_free(g_string_append(text, "top of the arena"), FALSE);
	if (island->amount.blocks) {
		bool cached = island->amount.blocks == island->cached.blocks;
		g_autofree char *blocks = hc_unit_text(island->amount.blocks, cached ? "cached blocks" : "blocks");

		g_string_append_printf(text, "%s, %s", blocks, hc_text_size(size, island->amount.bytes));
	} else {
		g_string_append(text, "nothing above it");
	}
	if (island->cached.blocks && island->cached.blocks < island->amount.blocks)
		g_string_append_printf(text, " (%s cached)", hc_text_count(count, island->cached.blocks));
	if (run->islands > 1) {
		g_autofree char *islands = hc_unit_text(run->islands - 1, "islands");

		g_string_append_printf(text, " + %s", islands);
	}
	if (island->blocked)
		g_string_append(text, "; memory that is not malloc's above");
	return g_string_free(text, FALSE);
}

static hc_table *make_runs(const hc_pins *pins, uint64_t limit)
{
	hc_table *table = hc_table_create(run_columns, G_N_ELEMENTS(run_columns));

	for (unsigned i = 0; i < shown_of(hc_pins_run_count(pins), limit); i++) {
		const hc_pin_run *run = hc_pins_run(pins, i);
		g_autofree char *arena = hc_arena_name(run->arena), *island = island_text(run);

		hc_table_add_row(table);
		hc_table_set_number(table, RUN_ARENA, run->arena);
		hc_table_set_plain(table, RUN_ARENA_NAME, arena);
		hc_table_set_number(table, RUN_START, run->start);
		hc_table_set_number(table, RUN_BYTES, run->bytes);
		hc_table_set_number(table, RUN_WHOLE, run->whole);
		hc_table_set_number(table, RUN_ZERO, run->zero);
		hc_table_set_number(table, RUN_TRIM, run->trim);
		hc_table_set_number(table, RUN_TOP, run->is_top);
		hc_table_set_number(table, RUN_PINNED, run->pinned);
		hc_table_take_json(table, RUN_ABOVE, island_json(&run->above));
		hc_table_set_number(table, RUN_ISLANDS, run->islands);
		hc_table_set_number(table, RUN_GOES_BACK, run->goes_back);
		hc_table_set_plain(table, RUN_ISLAND, island);
	}
	return table;
}

/* Without its path, which has a column of its own in JSON. */
static char *holder_name(const hc_pin_holder *holder)
{
	hc_pin_holder pathless = *holder;

	pathless.path = NULL;
	return hc_word_pin_holder(&pathless);
}

static hc_table *make_holders(const hc_pins *pins, uint64_t limit)
{
	hc_table *table = hc_table_create(holder_columns, G_N_ELEMENTS(holder_columns));

	for (unsigned i = 0; i < shown_of(hc_pins_holder_count(pins), limit); i++) {
		const hc_pin_holder *holder = hc_pins_holder(pins, i);
		g_autofree char *name = holder_name(holder);
		g_autofree char *text = holder->path && *holder->path ? g_strdup_printf("%s: %s", holder->path, name) :
									g_strdup(name);
		bool typed = holder->kind == HC_HOLDER_TYPED;

		hc_table_add_row(table);
		hc_table_set_number(table, HOLDER_PINNED, holder->pinned);
		hc_table_set_number(table, HOLDER_ALONE, holder->alone);
		hc_table_set_number(table, HOLDER_RUNS, holder->runs);
		hc_table_set_number(table, HOLDER_COUNT, holder->amount.blocks);
		hc_table_set_number(table, HOLDER_BYTES, holder->amount.bytes);
		hc_table_set_plain(table, HOLDER_KIND, hc_holder_kind_name(holder->kind));
		hc_table_take_json(table, HOLDER_THREAD, holder->thread ? json_integer(holder->thread) : json_null());
		hc_table_take_json(table, HOLDER_SIZE,
			holder->kind == HC_HOLDER_UNKNOWN ? hc_json_number(holder->size) : json_null());
		hc_table_set_plain(table, HOLDER_EVIDENCE, typed ? hc_certainty_name(holder->certainty) : NULL);
		hc_table_take_json(table, HOLDER_PATH, hc_json_text(holder->path));
		hc_table_set_number(table, HOLDER_EXAMPLE, holder->example);
		hc_table_take_json(table, HOLDER_NAME, hc_json_text(name));
		hc_table_set_text(table, HOLDER_TEXT, text);
	}
	return table;
}

static json_t *totals_json(const hc_pins *pins)
{
	json_t *object = json_object();
	hc_pins_totals totals;

	hc_pins_get_totals(pins, &totals);
	hc_json_set(object, "free", hc_json_number(totals.free));
	hc_json_set(object, "tcache", hc_json_number(totals.tcache));
	hc_json_set(object, "fastbins", hc_json_number(totals.fastbins));
	hc_json_set(object, "bins", hc_json_number(totals.bins));
	hc_json_set(object, "top", hc_json_number(totals.top));
	hc_json_set(object, "whole_pages", hc_json_number(totals.pages.whole));
	hc_json_set(object, "zero_pages", hc_json_number(totals.pages.zero));
	hc_json_set(object, "trim", hc_json_number(totals.trim));
	hc_json_set(object, "runs", hc_json_number(totals.run_count));
	hc_json_set(object, "runs_bytes", hc_json_number(totals.run_bytes));
	hc_json_set(object, "runs_whole_pages", hc_json_number(totals.run_whole));
	hc_json_set(object, "pins", hc_json_number(totals.pins));
	hc_json_set(object, "pinning", hc_json_amount(totals.pinning));
	hc_json_set(object, "pinned", hc_json_number(totals.pinned));
	hc_json_set(object, "pinned_zero", hc_json_number(totals.pinned_zero));
	hc_json_set(object, "pinned_trim", hc_json_number(totals.pinned_trim));
	return object;
}

static json_t *thresholds_json(const hc_heap_info *heap)
{
	json_t *object;

	if (!heap->thresholds_known)
		return json_null();
	object = json_object();
	hc_json_set(object, "trim_threshold", hc_json_number(heap->trim_threshold));
	hc_json_set(object, "top_pad", hc_json_number(heap->top_pad));
	hc_json_set(object, "mmap_threshold", hc_json_number(heap->mmap_threshold));
	hc_json_set(object, "thresholds_move", json_boolean(heap->thresholds_move));
	return object;
}

static json_t *pins_json(const hc_analysis *analysis, const hc_pins *pins, uint64_t limit)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	json_t *report = hc_json_report("pins");
	g_autoptr(hc_table) kept = make_kept(pins, false);
	g_autoptr(hc_table) runs = make_runs(pins, limit);
	g_autoptr(hc_table) holders = make_holders(pins, limit);
	g_autofree char *advice = advice_of(pins);

	hc_json_set(report, "advice", hc_json_text(advice));
	hc_json_set(report, "totals", totals_json(pins));
	hc_json_set(report, "thresholds", thresholds_json(hc_blocks_heap(hc_analysis_blocks(analysis))));
	hc_json_set(report, "kept", hc_table_json(kept));
	hc_json_set(report, "runs", hc_table_json(runs));
	hc_json_set(report, "holders", hc_table_json(holders));
	hc_json_set(report, "debug_info_gaps", hc_debug_info_gaps_json(analysis));
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return report;
}

static void print_more(unsigned count, uint64_t limit, hc_output *output)
{
	char more[HC_TEXT_COUNT_LENGTH];

	if (shown_of(count, limit) < count)
		hc_output_printf(
			output, "%s more: --limit 0 shows all\n", hc_text_count(more, count - shown_of(count, limit)));
}

static void print_runs(const hc_pins *pins, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_table) table = make_runs(pins, limit);
	hc_pins_totals totals;
	char size[HC_TEXT_SIZE_LENGTH], count[HC_TEXT_COUNT_LENGTH];

	hc_pins_get_totals(pins, &totals);
	if (!totals.run_count)
		return;
	hc_output_printf(output, "\n%s %s of free memory of 64 KiB or more, %s in whole pages:\n",
		hc_text_count(count, totals.run_count), totals.run_count == 1 ? "run" : "runs",
		hc_text_size(size, totals.run_whole));
	hc_table_print(table, output);
	print_more(hc_pins_run_count(pins), limit, output);
}

static void print_holders(const hc_pins *pins, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_table) table = make_holders(pins, limit);
	hc_pins_totals totals;
	char pinned[HC_TEXT_SIZE_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];

	hc_pins_get_totals(pins, &totals);
	if (!totals.pins)
		return;
	g_autofree char *islands = hc_unit_text(totals.pins, "islands");
	g_autofree char *blocks = hc_unit_text(totals.pinning.blocks, "blocks");

	hc_output_printf(output, "\n%s of %s, %s, pin %s:\n", islands, blocks,
		hc_text_size(bytes, totals.pinning.bytes), hc_text_size(pinned, totals.pinned));
	hc_table_print(table, output);
	print_more(hc_pins_holder_count(pins), limit, output);
}

static void print_pins(const hc_analysis *analysis, const hc_pins *pins, uint64_t limit, hc_output *output)
{
	g_autoptr(hc_table) kept = make_kept(pins, true);

	if (!hc_blocks_arena_count(hc_analysis_blocks(analysis))) {
		hc_no_arenas_print(analysis, output);
	} else {
		g_autofree char *advice = advice_of(pins), *escaped = hc_text_escape(advice, -1);

		hc_output_wrapped(output, 0, 0, escaped);
		if (hc_table_row_count(kept))
			hc_output_text(output, "\n");
		hc_table_print(kept, output);
		print_runs(pins, limit, output);
		print_holders(pins, limit, output);
	}
	hc_debug_info_gaps_print(analysis, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

bool hc_report_pins(const hc_analysis *analysis, uint64_t limit, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autoptr(hc_pins) pins =
		hc_pins_create(hc_analysis_core(analysis), hc_analysis_blocks(analysis), hc_analysis_types(analysis));

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, pins_json(analysis, pins, limit));
	else
		print_pins(analysis, pins, limit, output);
	return hc_output_finish(output, error);
}
