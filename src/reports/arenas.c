/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arenas: what each got from the system, and what it holds. */
#include "reports/parts.h"

#include "base/text.h"
#include "blocks/blocks.h"
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

/* Bytes in blocks of that STATE. */
static hc_value state_size(const hc_blocks *blocks, const hc_arena *arena, hc_block_state state)
{
	return hc_value_size(hc_blocks_amount(blocks, arena->index, state).bytes);
}

static hc_value bins_size(const hc_blocks *blocks, const hc_arena *arena)
{
	return hc_value_size(hc_blocks_free_amount(blocks, arena->index).bytes -
			     hc_blocks_amount(blocks, arena->index, HC_BLOCK_TCACHE).bytes -
			     hc_blocks_amount(blocks, arena->index, HC_BLOCK_TOP).bytes);
}

/* Of each arena, what of the memory that it got from the system was in memory; NULL if that is not known. Free with g_free(). */
static uint64_t *resident_of_arenas(const hc_blocks *blocks)
{
	unsigned count = hc_blocks_arena_count(blocks);
	uint64_t *resident = hc_core_knows_resident(blocks->core) ? g_new0(uint64_t, count + 1) : NULL;

	for (uint32_t i = 0; resident && i < blocks->region_count; i++) {
		const hc_region *region = &blocks->regions[i].region;

		if (!region->is_mmapped && region->arena < count)
			resident[region->arena] +=
				hc_core_resident(blocks->core, region->outer_start, region->outer_end).resident;
	}
	return resident;
}

/* RESIDENT: of each arena; NULL: not known. The first screen has room for the columns that do not ask whether it is WIDE. */
static void add_arena(
	hc_records *records, const hc_analysis *analysis, const hc_arena *arena, const uint64_t *resident, bool wide)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_core *core = hc_analysis_core(analysis);
	hc_amount in_use = hc_blocks_amount(blocks, arena->index, HC_BLOCK_IN_USE);
	uint64_t free_bytes = hc_blocks_free_amount(blocks, arena->index).bytes;
	hc_free_pages pages;

	hc_blocks_free_pages(blocks, arena->index, &pages);
	const hc_fact facts[] = {
		{ "index", NULL, hc_value_count(arena->index) },
		{ NULL, "ARENA", hc_value_take_plain(hc_arena_name(arena->index)) },
		{ "address", wide ? "AT" : NULL, hc_value_address(arena->address) },
		{ "contiguous", NULL, hc_value_flag(arena->contiguous) },
		{ "system_mem", "SYSTEM", hc_value_size(arena->system_memory) },
		{ "resident", "RESIDENT", hc_value_if(resident, hc_value_size(resident ? resident[arena->index] : 0)) },
		{ "max_system_mem", NULL, hc_value_size(arena->max_system_memory) },
		{ "heaps", wide ? "HEAPS" : NULL, hc_value_count(arena->heap_count) },
		{ "attached_threads", NULL, hc_value_count(arena->attached_threads) },
		{ "threads", NULL, hc_value_json(thread_ids(core, arena)) },
		{ "in_use", "IN USE", hc_value_amount(in_use) },
		{ "free", NULL, hc_value_json(hc_free_json(blocks, arena->index)) },
		{ NULL, "FREE", hc_value_size(free_bytes) },
		{ NULL, wide ? "TCACHE" : NULL, state_size(blocks, arena, HC_BLOCK_TCACHE) },
		{ NULL, wide ? "BINS" : NULL, bins_size(blocks, arena) },
		{ NULL, wide ? "TOP" : NULL, state_size(blocks, arena, HC_BLOCK_TOP) },
		{ "whole_pages", NULL, hc_value_size(pages.whole) },
		{ "zero_pages", NULL, hc_value_size(pages.zero) },
		{ "trim", wide ? "TRIM" : NULL, hc_value_size(pages.trim) },
		{ "largest_free", "LARGEST FREE", hc_value_size(pages.largest) },
		{ "consistent", NULL, hc_value_flag(arena->consistent) },
		{ NULL, "THREADS", hc_value_take_plain(hc_word_arena_threads(core, arena, wide ? 8 : 3)) },
	};

	hc_records_add(records, facts);
	if (!arena->consistent)
		hc_records_set_style(records, HC_STYLE_BAD);
}

json_t *hc_arenas_json(const hc_analysis *analysis)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	g_autoptr(hc_records) records = hc_records_create();
	g_autofree uint64_t *resident = resident_of_arenas(blocks);

	for (unsigned i = 0; i < hc_blocks_arena_count(blocks); i++)
		add_arena(records, analysis, hc_blocks_arena(blocks, i), resident, true);
	return hc_records_json(records);
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
	g_autoptr(hc_records) records = hc_records_create();
	unsigned count;
	g_autofree const hc_arena **arenas = largest_arenas(blocks, limit, &count);
	g_autofree uint64_t *resident = resident_of_arenas(blocks);

	for (unsigned i = 0; i < count; i++)
		add_arena(records, analysis, arenas[i], resident, wide);
	hc_records_print(records, output);
	if (count < hc_blocks_arena_count(blocks)) {
		g_autofree char *smaller = hc_word_smaller_arenas(hc_blocks_arena_count(blocks) - count);

		hc_output_text(output, smaller);
		hc_command_print("arenas CORE", hc_core_name(hc_analysis_core(analysis)), output);
	}
}

void hc_no_arenas_print(const hc_analysis *analysis, hc_output *output)
{
	g_autofree char *text = hc_word_no_arenas(
		hc_blocks_heap(hc_analysis_blocks(analysis)), hc_core_process(hc_analysis_core(analysis)));
	g_autofree char *shown = hc_text_escape(text, -1);

	hc_output_printf(output, "%s\n", shown);
}

bool hc_report_arenas(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);

	if (options->format == HC_REPORT_JSON) {
		const hc_fact facts[] = {
			{ "allocator", NULL, hc_value_json(hc_allocator_json(hc_blocks_heap(blocks))) },
			{ "arenas", NULL, hc_value_json(hc_arenas_json(analysis)) },
		};

		hc_json_write(output, hc_report_json("arenas", facts, diagnostics));
		return hc_output_finish(output, error);
	}
	if (!hc_blocks_arena_count(blocks))
		hc_no_arenas_print(analysis, output);
	hc_arenas_print(analysis, true, 0, output);
	hc_diagnostics_print(diagnostics, NULL, output);
	return hc_output_finish(output, error);
}
