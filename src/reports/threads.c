/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The threads: where each stood, its stack, its arena. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

static const hc_column columns[] = {
	{ "id", NULL, HC_CELL_JSON },
	{ NULL, "THREAD", HC_CELL_TEXT },
	{ "signal", "SIGNAL", HC_CELL_TEXT },
	{ "arena", NULL, HC_CELL_JSON },
	{ NULL, "ARENA", HC_CELL_TEXT },
	{ "stack_bytes", "LIVE STACK", HC_CELL_SIZE },
	{ "stack_pointer", "STACK POINTER", HC_CELL_ADDRESS },
	{ "program_counter", NULL, HC_CELL_ADDRESS },
	{ "in_system_call", NULL, HC_CELL_FLAG },
	{ "frames", NULL, HC_CELL_JSON },
	{ "location", "STOPPED IN", HC_CELL_TEXT },
};

enum {
	THREAD_ID_JSON,
	THREAD_ID,
	THREAD_SIGNAL,
	THREAD_ARENA_JSON,
	THREAD_ARENA,
	THREAD_STACK,
	THREAD_STACK_POINTER,
	THREAD_PROGRAM_COUNTER,
	THREAD_IN_SYSTEM_CALL,
	THREAD_FRAMES,
	THREAD_LOCATION,
};

enum {
	FRAMES_SHOWN = 100
}; /* of a thread, with --verbose */

/* For each thread the bytes of its stack from its stack pointer up. Free with g_free(). */
static uint64_t *live_stacks(const hc_analysis *analysis)
{
	const hc_areas *areas = hc_analysis_areas(analysis);
	unsigned count = hc_core_thread_count(hc_analysis_core(analysis));
	uint64_t *bytes = g_new0(uint64_t, count + 1);

	for (unsigned i = 0; i < hc_areas_count(areas); i++) {
		const hc_area *area = hc_areas_get(areas, i);

		if (area->kind == HC_AREA_STACK && area->owner < count)
			bytes[area->owner] += area->end - area->start;
	}
	return bytes;
}

/* For each thread the index of its arena, HC_ARENA_NONE where it has none. Free with g_free(). */
static uint32_t *thread_arenas(const hc_analysis *analysis)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	unsigned count = hc_core_thread_count(hc_analysis_core(analysis));
	uint32_t *arenas = g_new(uint32_t, count + 1);

	for (unsigned i = 0; i < count; i++)
		arenas[i] = HC_ARENA_NONE;
	for (unsigned i = 0; i < hc_blocks_arena_count(blocks); i++) {
		const hc_arena *arena = hc_blocks_arena(blocks, i);

		for (unsigned j = 0; j < arena->thread_count; j++) {
			if (arena->threads[j] < count)
				arenas[arena->threads[j]] = arena->index;
		}
	}
	return arenas;
}

static void set_signal(hc_table *table, int signal)
{
	char number[16];

	if (!signal)
		return;
	g_snprintf(number, sizeof number, "%d", signal);
	hc_table_set_plain(table, THREAD_SIGNAL, hc_signal_name(signal) ? hc_signal_name(signal) : number);
}

static json_t *frames_json(hc_modules *modules, unsigned thread)
{
	unsigned count;
	const hc_frame *frames = hc_modules_frames(modules, thread, &count);
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++) {
		g_autofree char *function = hc_word_frame(modules, &frames[i]);
		json_t *object = json_object();

		hc_json_set(object, "program_counter", hc_json_address(frames[i].program_counter));
		hc_json_set(object, "stack_pointer",
			frames[i].stack_pointer ? hc_json_address(frames[i].stack_pointer) : json_null());
		hc_json_set(object, "function", hc_json_text(function));
		json_array_append_new(list, object);
	}
	return list;
}

/* Below a thread's row. */
static void add_frames(hc_table *table, hc_modules *modules, unsigned thread)
{
	unsigned count;
	const hc_frame *frames = hc_modules_frames(modules, thread, &count);

	for (unsigned i = 0; i < MIN(count, FRAMES_SHOWN); i++) {
		g_autofree char *function = hc_word_frame(modules, &frames[i]);
		g_autofree char *escaped = function ? hc_text_escape(function, -1) : g_strdup("?");
		g_autofree char *line = g_strdup_printf("#%-3u %s", i, escaped);

		hc_table_add_line(table, HC_STYLE_DIM, line);
	}
	if (count > FRAMES_SHOWN) {
		g_autofree char *line = g_strdup_printf("... %u more", count - FRAMES_SHOWN);

		hc_table_add_line(table, HC_STYLE_DIM, line);
	}
}

static hc_table *make_table(const hc_analysis *analysis, const hc_report_options *options)
{
	const hc_core *core = hc_analysis_core(analysis);
	hc_modules *modules = hc_analysis_modules(analysis);
	hc_table *table = hc_table_create(columns, G_N_ELEMENTS(columns));
	g_autofree uint64_t *stacks = live_stacks(analysis);
	g_autofree uint32_t *arenas = thread_arenas(analysis);

	for (unsigned i = 0; i < hc_core_thread_count(core); i++) {
		const hc_thread *thread = hc_core_thread(core, i);
		g_autofree char *location = hc_word_address_in(modules, thread->program_counter);
		char id[24];

		g_snprintf(id, sizeof id, "%" G_GINT64_FORMAT, thread->id);
		hc_table_add_row(table);
		hc_table_take_json(table, THREAD_ID_JSON, json_integer(thread->id));
		hc_table_set_plain(table, THREAD_ID, id);
		set_signal(table, thread->signal);
		if (arenas[i] != HC_ARENA_NONE) {
			g_autofree char *name = hc_arena_name(arenas[i]);

			hc_table_take_json(table, THREAD_ARENA_JSON, json_integer(arenas[i]));
			hc_table_set_plain(table, THREAD_ARENA, name);
		}
		hc_table_set_number(table, THREAD_STACK, stacks[i]);
		hc_table_set_number(table, THREAD_STACK_POINTER, thread->stack_pointer);
		hc_table_set_number(table, THREAD_PROGRAM_COUNTER, thread->program_counter);
		hc_table_set_number(table, THREAD_IN_SYSTEM_CALL, thread->in_system_call);
		hc_table_set_text(table, THREAD_LOCATION, location);
		if (options->format == HC_REPORT_JSON)
			hc_table_take_json(table, THREAD_FRAMES, frames_json(modules, i));
		else if (options->verbose)
			add_frames(table, modules, i);
	}
	return table;
}

bool hc_report_threads(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autoptr(hc_table) table = make_table(analysis, options);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);

	if (options->format == HC_REPORT_JSON) {
		json_t *report = hc_json_report("threads");

		hc_json_set(report, "threads", hc_table_json(table));
		hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
		hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
		hc_json_write(output, report);
	} else {
		hc_table_print(table, output);
		hc_diagnostics_print(diagnostics, NULL, output);
	}
	return hc_output_finish(output, error);
}
