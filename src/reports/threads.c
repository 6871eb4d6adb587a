/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The threads: where each stood, its stack, its arena. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

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

/* Its name, or where it has none its number. */
static hc_value signal_value(int signal)
{
	const char *name = hc_word_signal(signal);

	if (!signal || name)
		return hc_value_plain(name);
	return hc_value_take_plain(g_strdup_printf("%d", signal));
}

static json_t *frames_json(hc_modules *modules, unsigned thread)
{
	unsigned count;
	const hc_frame *frames = hc_modules_frames(modules, thread, &count);
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned i = 0; i < count; i++) {
		hc_address stack = frames[i].stack_pointer;
		const hc_fact facts[] = {
			{ "program_counter", NULL, hc_value_address(frames[i].program_counter) },
			{ "stack_pointer", NULL, hc_value_if(stack, hc_value_address(stack)) },
			{ "function", NULL, hc_value_take_text(hc_word_frame(modules, &frames[i])) },
		};

		hc_records_add(records, facts);
	}
	return hc_records_json(records);
}

/* Below a thread's row. */
static void add_frames(hc_records *records, hc_modules *modules, unsigned thread)
{
	unsigned count;
	const hc_frame *frames = hc_modules_frames(modules, thread, &count);

	for (unsigned i = 0; i < MIN(count, FRAMES_SHOWN); i++) {
		g_autofree char *function = hc_word_frame(modules, &frames[i]);
		g_autofree char *escaped = function ? hc_text_escape(function, -1) : g_strdup("?");
		g_autofree char *line = g_strdup_printf("#%-3u %s", i, escaped);

		hc_records_add_line(records, HC_STYLE_DIM, line);
	}
	if (count > FRAMES_SHOWN) {
		g_autofree char *line = g_strdup_printf("... %u more", count - FRAMES_SHOWN);

		hc_records_add_line(records, HC_STYLE_DIM, line);
	}
}

static hc_records *make_records(const hc_analysis *analysis, const hc_report_options *options)
{
	const hc_core *core = hc_analysis_core(analysis);
	hc_modules *modules = hc_analysis_modules(analysis);
	hc_records *records = hc_records_create();
	g_autofree uint64_t *stacks = live_stacks(analysis);
	g_autofree uint32_t *arenas = thread_arenas(analysis);
	bool is_json = options->format == HC_REPORT_JSON;

	for (unsigned i = 0; i < hc_core_thread_count(core); i++) {
		const hc_thread *thread = hc_core_thread(core, i);
		bool has_arena = arenas[i] != HC_ARENA_NONE;
		char *arena = has_arena ? hc_arena_name(arenas[i]) : NULL;
		char *location = hc_word_address_in(modules, thread->program_counter);
		const hc_fact facts[] = {
			{ "id", "THREAD", hc_value_id(thread->id) },
			{ "signal", "SIGNAL", signal_value(thread->signal) },
			{ "arena", NULL, hc_value_if(has_arena, hc_value_count(arenas[i])) },
			{ NULL, "ARENA", hc_value_take_plain(arena) },
			{ "stack_bytes", "LIVE STACK", hc_value_size(stacks[i]) },
			{ "stack_pointer", "STACK POINTER", hc_value_address(thread->stack_pointer) },
			{ "program_counter", NULL, hc_value_address(thread->program_counter) },
			{ "in_system_call", NULL, hc_value_flag(thread->in_system_call) },
			{ "frames", NULL, hc_value_json(is_json ? frames_json(modules, i) : NULL) },
			{ "location", "STOPPED IN", hc_value_take_text(location) },
		};

		hc_records_add(records, facts);
		if (!is_json && options->verbose)
			add_frames(records, modules, i);
	}
	return records;
}

bool hc_report_threads(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autoptr(hc_records) records = make_records(analysis, options);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);

	if (options->format == HC_REPORT_JSON) {
		const hc_fact facts[] = {
			{ "threads", NULL, hc_value_json(hc_records_json(records)) },
		};

		hc_json_write(output, hc_report_json("threads", facts, diagnostics));
	} else {
		hc_records_print(records, output);
		hc_diagnostics_print(diagnostics, NULL, output);
	}
	return hc_output_finish(output, error);
}
