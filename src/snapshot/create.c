/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an analysis to a snapshot. */
#include "snapshot/snapshot_parts.h"

#include "analysis/analysis.h"
#include "areas/areas.h"
#include "leaks/leaks.h"
#include "memory/memory.h"
#include "pins/pins.h"
#include "types/types.h"
#include "values/values.h"

#include <string.h>

enum {
	NUMBERS_MAX = 20000,
	PINS_MAX = 100,
	RANDOM_BYTES = 16, /* at AT_RANDOM: getauxval(3) */
};

static const hc_module *find_executable(const hc_modules *modules)
{
	for (unsigned i = 0; i < hc_modules_count(modules); i++)
		if (hc_modules_get(modules, i)->is_executable)
			return hc_modules_get(modules, i);
	return NULL;
}

static bool has_debug_info(hc_modules *modules)
{
	const hc_module *executable = find_executable(modules);

	return executable && hc_module_debug_file(modules, executable);
}

/* Where the module with malloc in it was loaded; 0 if it is not known. */
static hc_address find_libc(const hc_modules *modules, const hc_heap_info *heap)
{
	for (unsigned i = 0; heap->library && i < hc_modules_count(modules); i++)
		if (!strcmp(hc_modules_get(modules, i)->name, heap->library))
			return hc_modules_get(modules, i)->start;
	return 0;
}

/* Only a hash: they are the canary of the program's stacks, and what libc hides its pointers with. */
static char *read_random(const hc_core *core)
{
	uint64_t available;
	hc_address address = hc_core_process(core)->initial_stack;
	const uint8_t *bytes = address ? hc_core_bytes(core, address, &available) : NULL;
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; bytes && available >= RANDOM_BYTES && i < RANDOM_BYTES; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	g_autofree char *hexadecimal = g_string_free(text, !text->len);

	return hexadecimal ? hc_snapshot_hash_random(hexadecimal) : NULL;
}

static void add_process(hc_snapshot *snapshot, const hc_analysis *analysis)
{
	const hc_core *core = hc_analysis_core(analysis);
	const hc_modules *modules = hc_analysis_modules(analysis);
	const hc_module *executable = find_executable(modules);
	g_autofree char *random = read_random(core);

	snapshot->process = *hc_core_process(core);
	snapshot->heap = *hc_blocks_heap(hc_analysis_blocks(analysis));
	hc_snapshot_keep_process(snapshot, &snapshot->process);
	hc_snapshot_keep_heap(snapshot, &snapshot->heap);
	snapshot->path = hc_snapshot_keep(snapshot, hc_core_name(core));
	snapshot->core_size = hc_core_file_size(core);
	snapshot->thread_count = hc_core_thread_count(core);
	for (unsigned i = 0; i < snapshot->thread_count; i++)
		g_array_append_val(snapshot->threads, hc_core_thread(core, i)->id);
	snapshot->program =
		hc_snapshot_keep(snapshot, executable && *executable->name ? executable->name : snapshot->process.name);
	snapshot->build_id = hc_snapshot_keep(snapshot, executable ? executable->build_id : NULL);
	snapshot->program_start = executable ? executable->start : 0;
	snapshot->libc_start = find_libc(modules, &snapshot->heap);
	snapshot->random = hc_snapshot_keep(snapshot, random);
}

static void add_diagnostics(hc_snapshot *snapshot, const hc_diagnostics *diagnostics)
{
	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++)
		hc_diagnostics_restore(snapshot->diagnostics, hc_diagnostics_get(diagnostics, i));
}

static void add_memory(hc_snapshot *snapshot, const hc_memory *memory)
{
	snapshot->total = hc_memory_total(memory);
	snapshot->knows_resident = snapshot->knows_lost_resident = hc_memory_knows_resident(memory);
	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		hc_memory_row row = *hc_memory_row_get(memory, i);

		row.unit = hc_snapshot_keep(snapshot, row.unit);
		row.largest = NULL;
		row.proportional = UINT64_MAX;
		g_array_append_val(snapshot->memory, row);
	}
}

/* What other runtimes have, and what of that paths have. */
static void add_uses(hc_snapshot *snapshot, const hc_analysis *analysis)
{
	const hc_memory *memory = hc_analysis_memory(analysis);
	const hc_areas *areas = hc_analysis_areas(analysis);
	const hc_types *types = hc_analysis_types(analysis);

	snapshot->knows_uses = true;
	for (unsigned i = 0; i < hc_memory_use_count(memory); i++) {
		hc_snapshot_use use = { .part = *hc_memory_use_get(memory, i) };

		use.part.use.name = hc_snapshot_keep(snapshot, use.part.use.name);
		g_array_append_val(snapshot->uses, use);
	}
	for (unsigned i = 0; types && i < hc_areas_count(areas); i++) {
		const hc_area *area = hc_areas_get(areas, i);
		unsigned number = hc_memory_use_of_area(memory, area);
		hc_range range = { area->start, area->end };
		uint64_t resident;

		if (number == UINT_MAX)
			continue;
		hc_snapshot_use *use = &g_array_index(snapshot->uses, hc_snapshot_use, number);

		use->outside += hc_types_outside_in(types, range, &resident);
		use->outside_resident += resident;
	}
}

static void add_totals(hc_snapshot *snapshot, const hc_analysis *analysis)
{
	const hc_references_totals *totals = hc_references_get_totals(hc_analysis_references(analysis));
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	hc_amount runtime = hc_blocks_labelled(blocks, HC_ARENA_ALL);

	snapshot->directly_lost = totals->directly_lost;
	snapshot->indirectly_lost = totals->indirectly_lost;
	snapshot->possibly_lost = totals->possibly_lost;
	snapshot->in_use = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	snapshot->in_use.blocks -= runtime.blocks;
	snapshot->in_use.bytes -= runtime.bytes;
	snapshot->free = hc_blocks_free_amount(blocks, HC_ARENA_ALL);
	hc_blocks_free_pages(blocks, HC_ARENA_ALL, &snapshot->free_pages);
}

/* What keeps free memory, most of it first. */
static void add_pins(hc_snapshot *snapshot, const hc_analysis *analysis)
{
	g_autoptr(hc_pins) pins =
		hc_pins_create(hc_analysis_core(analysis), hc_analysis_blocks(analysis), hc_analysis_types(analysis));

	for (unsigned i = 0; i < MIN(hc_pins_holder_count(pins), PINS_MAX); i++) {
		hc_pin_holder holder = *hc_pins_holder(pins, i);

		holder.name = hc_snapshot_keep(snapshot, holder.name);
		holder.path = hc_snapshot_keep(snapshot, holder.path);
		g_array_append_val(snapshot->pins, holder);
	}
	snapshot->pinning = *hc_pins_get_summary(pins);
}

static bool add_number(const char *path, int64_t value, void *data)
{
	hc_snapshot *snapshot = data;
	hc_snapshot_number number = { hc_snapshot_keep(snapshot, path), value };

	g_array_append_val(snapshot->numbers, number);
	return true;
}

static bool add_lost(hc_snapshot *snapshot, const hc_analysis *analysis, GError **error)
{
	hc_leaks_options options = { .no_mappings = true };
	g_autoptr(hc_leaks) leaks = hc_analysis_find_leaks(analysis, &options, error);
	g_autoptr(GStringChunk) texts = g_string_chunk_new(4096);
	g_autofree unsigned *kinds = leaks ? g_new(unsigned, (size_t)hc_leaks_group_count(leaks) + 1) : NULL;

	if (!leaks)
		return false;
	g_array_unref(snapshot->lost);
	snapshot->lost = hc_leaks_make_kinds(leaks, texts, kinds);
	for (unsigned i = 0; i < snapshot->lost->len; i++)
		hc_snapshot_keep_lost(snapshot, &g_array_index(snapshot->lost, hc_leak_kind, i));
	hc_snapshot_add_code(snapshot, analysis, leaks, kinds);
	return true;
}

hc_snapshot *hc_snapshot_create(const hc_analysis *analysis, GError **error)
{
	g_autoptr(hc_snapshot) snapshot = hc_snapshot_new();
	const hc_types *types = hc_analysis_types(analysis);
	const hc_ownership_options options = {
		.no_retained = true,
		.with_shared = true,
		.jobs = hc_analysis_jobs(analysis),
	};
	g_autoptr(hc_ownership) ownership = types ? hc_analysis_find_owners(analysis, &options, error) : NULL;
	hc_path_amounts amounts = { 0 };
	bool ok;

	if (types && !ownership)
		return NULL;
	snapshot->has_types = types != NULL;
	snapshot->has_debug_info = types && has_debug_info(hc_analysis_modules(analysis));
	snapshot->has_content = true;
	add_process(snapshot, analysis);
	add_diagnostics(snapshot, hc_analysis_diagnostics(analysis));
	add_memory(snapshot, hc_analysis_memory(analysis));
	add_uses(snapshot, analysis);
	add_totals(snapshot, analysis);
	snapshot->knows_unjoined = true;
	snapshot->unjoined = *hc_areas_unjoined(hc_analysis_areas(analysis));
	snapshot->unjoined.routine = hc_snapshot_keep(snapshot, snapshot->unjoined.routine);
	add_pins(snapshot, analysis);
	ok = hc_snapshot_count_blocks(snapshot, analysis, &amounts);
	if (ok && types) {
		hc_snapshot_add_owners(snapshot, types, hc_analysis_core(analysis), &amounts, ownership);
		hc_types_each_number(types, NUMBERS_MAX, add_number, snapshot);
	}
	hc_path_amounts_clear(&amounts);
	if (!ok) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to count %u blocks",
			hc_blocks_count(hc_analysis_blocks(analysis)));
		return NULL;
	}
	if (!add_lost(snapshot, analysis, error))
		return NULL;
	snapshot->side_facts = hc_side_facts_read(hc_core_path(hc_analysis_core(analysis)), NULL);
	if (hc_core_hides_content(hc_analysis_core(analysis)))
		hc_snapshot_forget_content(snapshot);
	return g_steal_pointer(&snapshot);
}
