/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arenas: what each got from the system, and what it holds. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

static const hc_block_state free_states[] = {
	HC_BLOCK_TCACHE,
	HC_BLOCK_FASTBIN,
	HC_BLOCK_UNSORTED,
	HC_BLOCK_SMALL,
	HC_BLOCK_LARGE,
	HC_BLOCK_TOP,
	HC_BLOCK_UNLISTED,
};

/* The first screen shows the columns marked in is_brief(). */
static const hc_column columns[] = {
	{ "index", NULL, HC_CELL_COUNT },
	{ NULL, "ARENA", HC_CELL_TEXT },
	{ "address", "AT", HC_CELL_ADDRESS },
	{ "contiguous", NULL, HC_CELL_FLAG },
	{ "system_mem", "SYSTEM", HC_CELL_SIZE },
	{ "max_system_mem", NULL, HC_CELL_SIZE },
	{ "heaps", "HEAPS", HC_CELL_COUNT },
	{ "attached_threads", NULL, HC_CELL_COUNT },
	{ "threads", NULL, HC_CELL_JSON },
	{ "in_use", NULL, HC_CELL_JSON },
	{ NULL, "IN USE", HC_CELL_SIZE },
	{ "free", NULL, HC_CELL_JSON },
	{ NULL, "FREE", HC_CELL_SIZE },
	{ NULL, "TCACHE", HC_CELL_SIZE },
	{ NULL, "BINS", HC_CELL_SIZE },
	{ NULL, "TOP", HC_CELL_SIZE },
	{ "whole_pages", NULL, HC_CELL_SIZE },
	{ "zero_pages", NULL, HC_CELL_SIZE },
	{ "trim", "TRIM", HC_CELL_SIZE },
	{ "largest_free", "LARGEST FREE", HC_CELL_SIZE },
	{ "consistent", NULL, HC_CELL_FLAG },
	{ NULL, "THREADS", HC_CELL_TEXT },
};

enum {
	ARENA_INDEX,
	ARENA_NAME,
	ARENA_ADDRESS,
	ARENA_CONTIGUOUS,
	ARENA_SYSTEM,
	ARENA_MAX_SYSTEM,
	ARENA_HEAPS,
	ARENA_ATTACHED,
	ARENA_THREAD_IDS,
	ARENA_IN_USE,
	ARENA_IN_USE_BYTES,
	ARENA_FREE,
	ARENA_FREE_BYTES,
	ARENA_TCACHE,
	ARENA_BINS,
	ARENA_TOP,
	ARENA_WHOLE_PAGES,
	ARENA_ZERO_PAGES,
	ARENA_TRIM,
	ARENA_LARGEST,
	ARENA_CONSISTENT,
	ARENA_THREADS,
	ARENA_COLUMN_COUNT,
};

G_STATIC_ASSERT(G_N_ELEMENTS(columns) == ARENA_COLUMN_COUNT);

static bool is_brief(unsigned column)
{
	return column == ARENA_NAME || column == ARENA_SYSTEM || column == ARENA_IN_USE_BYTES ||
	       column == ARENA_FREE_BYTES || column == ARENA_LARGEST || column == ARENA_THREADS;
}

char *hc_arena_name(uint32_t arena)
{
	if (arena == HC_ARENA_NONE)
		return g_strdup("mmapped");
	return arena ? g_strdup_printf("%u", arena) : g_strdup("main");
}

json_t *hc_free_json(const hc_blocks *blocks, uint32_t arena)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < G_N_ELEMENTS(free_states); i++)
		hc_json_set(object, hc_block_state_name(free_states[i]),
			hc_json_amount(hc_blocks_amount(blocks, arena, free_states[i])));
	return object;
}

static json_t *arena_free_json(const hc_blocks *blocks, uint32_t arena)
{
	json_t *object = hc_free_json(blocks, arena);

	hc_json_set(object, "bytes", hc_json_number(hc_blocks_free_amount(blocks, arena).bytes));
	return object;
}

static json_t *thread_ids(const hc_core *core, const hc_arena *arena)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < arena->thread_count; i++)
		json_array_append_new(array, json_integer(hc_core_thread(core, arena->threads[i])->id));
	return array;
}

/* "8901, 8902, 3 more; inconsistent" */
static char *thread_text(const hc_core *core, const hc_arena *arena, unsigned shown)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < MIN(arena->thread_count, shown); i++)
		g_string_append_printf(
			text, "%s%" G_GINT64_FORMAT, i ? ", " : "", hc_core_thread(core, arena->threads[i])->id);
	if (arena->thread_count > shown)
		g_string_append_printf(text, ", %u more", arena->thread_count - shown);
	if (!arena->thread_count)
		g_string_append(text, "none");
	if (!arena->consistent)
		g_string_append(text, "; INCONSISTENT");
	return g_string_free(text, FALSE);
}

static uint64_t bins_bytes(const hc_blocks *blocks, uint32_t arena)
{
	return hc_blocks_free_amount(blocks, arena).bytes - hc_blocks_amount(blocks, arena, HC_BLOCK_TCACHE).bytes -
	       hc_blocks_amount(blocks, arena, HC_BLOCK_TOP).bytes;
}

static void add_arena(hc_table *table, const hc_analysis *analysis, const hc_arena *arena, bool wide)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_core *core = hc_analysis_core(analysis);
	hc_amount in_use = hc_blocks_amount(blocks, arena->index, HC_BLOCK_IN_USE);
	g_autofree char *name = hc_arena_name(arena->index);
	g_autofree char *threads = thread_text(core, arena, wide ? 8 : 3);
	hc_free_pages pages;

	hc_blocks_free_pages(blocks, arena->index, &pages);
	hc_table_add_row(table);
	hc_table_set_number(table, ARENA_INDEX, arena->index);
	hc_table_set_plain(table, ARENA_NAME, name);
	hc_table_set_number(table, ARENA_ADDRESS, arena->address);
	hc_table_set_number(table, ARENA_CONTIGUOUS, arena->contiguous);
	hc_table_set_number(table, ARENA_SYSTEM, arena->system_memory);
	hc_table_set_number(table, ARENA_MAX_SYSTEM, arena->max_system_memory);
	hc_table_set_number(table, ARENA_HEAPS, arena->heap_count);
	hc_table_set_number(table, ARENA_ATTACHED, arena->attached_threads);
	hc_table_take_json(table, ARENA_THREAD_IDS, thread_ids(core, arena));
	hc_table_take_json(table, ARENA_IN_USE, hc_json_amount(in_use));
	hc_table_set_number(table, ARENA_IN_USE_BYTES, in_use.bytes);
	hc_table_take_json(table, ARENA_FREE, arena_free_json(blocks, arena->index));
	hc_table_set_number(table, ARENA_FREE_BYTES, hc_blocks_free_amount(blocks, arena->index).bytes);
	hc_table_set_number(table, ARENA_TCACHE, hc_blocks_amount(blocks, arena->index, HC_BLOCK_TCACHE).bytes);
	hc_table_set_number(table, ARENA_BINS, bins_bytes(blocks, arena->index));
	hc_table_set_number(table, ARENA_TOP, hc_blocks_amount(blocks, arena->index, HC_BLOCK_TOP).bytes);
	hc_table_set_number(table, ARENA_WHOLE_PAGES, pages.whole);
	hc_table_set_number(table, ARENA_ZERO_PAGES, pages.zero);
	hc_table_set_number(table, ARENA_TRIM, pages.trim);
	hc_table_set_number(table, ARENA_LARGEST, pages.largest);
	hc_table_set_number(table, ARENA_CONSISTENT, arena->consistent);
	hc_table_set_plain(table, ARENA_THREADS, threads);
	if (!arena->consistent)
		hc_table_set_style(table, HC_STYLE_BAD);
}

json_t *hc_arenas_json(const hc_analysis *analysis)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));

	for (unsigned i = 0; i < hc_blocks_arena_count(blocks); i++)
		add_arena(table, analysis, hc_blocks_arena(blocks, i), true);
	return hc_table_json(table);
}

static int by_system_memory(const void *a, const void *b)
{
	const hc_arena *const *first = a, *const *second = b;

	if ((*first)->system_memory != (*second)->system_memory)
		return (*first)->system_memory < (*second)->system_memory ? 1 : -1;
	return (*first)->index < (*second)->index ? -1 : 1;
}

static int by_index(const void *a, const void *b)
{
	const hc_arena *const *first = a, *const *second = b;

	return (*first)->index < (*second)->index ? -1 : 1;
}

/* The LIMIT largest arenas (0: all) in the order of their indices; their number in *RET_COUNT. */
static const hc_arena **largest_arenas(const hc_blocks *blocks, unsigned limit, unsigned *ret_count)
{
	unsigned count = hc_blocks_arena_count(blocks);
	const hc_arena **arenas = g_new(const hc_arena *, count + 1);

	for (unsigned i = 0; i < count; i++)
		arenas[i] = hc_blocks_arena(blocks, i);
	if (limit && count > limit) {
		qsort(arenas, count, sizeof *arenas, by_system_memory);
		count = limit;
	}
	qsort(arenas, count, sizeof *arenas, by_index);
	*ret_count = count;
	return arenas;
}

void hc_arenas_print(const hc_analysis *analysis, bool wide, unsigned limit, hc_output *output)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	hc_column shown[ARENA_COLUMN_COUNT];
	g_autoptr(hc_table) table = NULL;
	g_autofree const hc_arena **arenas = NULL;
	unsigned count;

	for (unsigned i = 0; i < ARENA_COLUMN_COUNT; i++) {
		shown[i] = columns[i];
		if (!wide && !is_brief(i))
			shown[i].title = NULL;
	}
	table = hc_table_create(shown, ARENA_COLUMN_COUNT);
	arenas = largest_arenas(blocks, limit, &count);
	if (!count)
		return;
	for (unsigned i = 0; i < count; i++)
		add_arena(table, analysis, arenas[i], wide);
	hc_table_print(table, output);
	if (count < hc_blocks_arena_count(blocks)) {
		g_autofree char *line =
			hc_command_line("arenas CORE", hc_core_path(hc_analysis_core(analysis)), output->options);
		g_autofree char *shown_line = hc_text_escape(line, -1);

		hc_output_printf(output, "%u smaller ones more: ", hc_blocks_arena_count(blocks) - count);
		hc_output_styled(output, HC_STYLE_COMMAND, shown_line);
		hc_output_text(output, "\n");
	}
}

char *hc_why_unread(const hc_analysis *analysis)
{
	g_autofree char *unread = hc_word_unread(
		hc_blocks_heap(hc_analysis_blocks(analysis)), hc_core_process(hc_analysis_core(analysis)));

	return unread ? hc_text_escape(unread, -1) : NULL;
}

void hc_no_arenas_print(const hc_analysis *analysis, hc_output *output)
{
	g_autofree char *unread = hc_why_unread(analysis);

	hc_output_printf(output, "no arenas%s%s\n", unread ? ": " : "", unread ? unread : "");
}

bool hc_report_arenas(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	const hc_blocks *blocks = hc_analysis_blocks(analysis);

	if (options->format == HC_REPORT_JSON) {
		json_t *report = hc_json_report("arenas");
		const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);

		hc_json_set(report, "allocator", hc_allocator_json(hc_blocks_heap(hc_analysis_blocks(analysis))));
		hc_json_set(report, "arenas", hc_arenas_json(analysis));
		hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
		hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
		hc_json_write(output, report);
		return hc_output_finish(output, error);
	}
	if (!hc_blocks_arena_count(blocks)) {
		hc_no_arenas_print(analysis, output);
	}
	hc_arenas_print(analysis, true, 0, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
	return hc_output_finish(output, error);
}
