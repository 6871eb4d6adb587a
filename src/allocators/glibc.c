/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* glibc's malloc: the allocator object. What the other files do, in order. */
#include "allocators/glibc.h"

#include <elf.h>
#include <inttypes.h>

static const hc_diagnostic_kind arena_differs = {
	"arena-size-differs",
	HC_SEVERITY_HEAP_PARTIAL,
	"disagreement between the chunks of an arena and its own system_mem: what it has in use and free is a bound",
};

static const hc_diagnostic_kind free_unlisted = {
	"free-unlisted",
	HC_SEVERITY_HEAP_PARTIAL,
	"free chunks are on no list of their arena: some may be in use",
};

static const hc_diagnostic_kind machine_unsupported = {
	"machine-unsupported",
	HC_SEVERITY_HEAP_PARTIAL,
	"machine of the core: its heap is not read by this version",
};

static const hc_diagnostic_kind heap_missing = {
	"heap-missing",
	HC_SEVERITY_HEAP_PARTIAL,
	"malloc's heap is missing in the core, or the memory that it is found by: its blocks are not known",
};

enum {
	RING_STEPS_MAX = 1 << 22
};

/* mp_'s thresholds, which decide what free() gives back. */
static void read_thresholds(const glibc *g)
{
	const glibc_parameters_layout *layout = &g->layout.parameters;
	hc_heap_info *info = &g->heap->info;
	uint64_t fixed, unit;

	if (!g->parameters || layout->trim_threshold < 0 || layout->top_pad < 0 || layout->mmap_threshold < 0 ||
		layout->no_dyn_threshold < 0)
		return;
	info->thresholds_known =
		hc_core_read_word(g->core, g->parameters + layout->trim_threshold, &info->trim_threshold) &&
		hc_core_read_word(g->core, g->parameters + layout->top_pad, &info->top_pad) &&
		hc_core_read_word(g->core, g->parameters + layout->mmap_threshold, &info->mmap_threshold) &&
		hc_core_read_unsigned(g->core, g->parameters + layout->no_dyn_threshold, 4, &fixed);
	info->thresholds_move = info->thresholds_known && !fixed;
	if (layout->thp_pagesize >= 0 && hc_core_read_word(g->core, g->parameters + layout->thp_pagesize, &unit) &&
		unit > g->page && !(unit & (unit - 1)))
		info->trim_unit = unit;
}

static bool has_bytes(const glibc *g, hc_address address)
{
	uint64_t available;

	return hc_core_bytes(g->core, address, &available) != NULL;
}

/* Whether the core lacks libc's data, the heap that main_arena leads to, or anything at its end. */
static bool may_be_missing(const glibc *g)
{
	hc_address top = g->main_arena ? glibc_word_or_zero(g, g->main_arena + g->layout.arena.top) : 0;

	for (unsigned i = 0; i < hc_core_mapping_count(g->core); i++)
		if (hc_core_mapping(g->core, i)->source == HC_SOURCE_TRUNCATED)
			return true;
	for (unsigned i = 0; i < hc_modules_count(g->modules); i++) {
		const hc_module *module = hc_modules_get(g->modules, i);

		for (unsigned k = 0; glibc_is_libc(module) && k < hc_module_segment_count(g->modules, module); k++) {
			const hc_module_segment *segment = hc_module_segment_get(g->modules, module, k);

			if (segment->type == PT_LOAD && segment->flags & PF_W && !has_bytes(g, segment->start))
				return true;
		}
	}
	/* Of an arena that was never used `top` points into its own bins. */
	return top && top - g->main_arena >= (uint64_t)g->layout.arena.size && !has_bytes(g, top);
}

static void tell_why_unread(const glibc *g)
{
	hc_heap_info *info = &g->heap->info;

	info->state = info->library ? HC_HEAP_UNUSED : HC_HEAP_ABSENT;
	if (may_be_missing(g)) {
		info->state = HC_HEAP_MISSING;
		hc_diagnostics_add(g->diagnostics, &heap_missing, 0, NULL);
	}
}

static void glibc_open(hc_heap *heap, const hc_core *core, hc_modules *modules, hc_diagnostics *diagnostics)
{
	glibc *g = g_new0(glibc, 1);
	const hc_process *process = hc_core_process(core);
	const hc_machine *machine = hc_core_machine(core);

	heap->private = g;
	heap->info.allocator = hc_allocator_glibc.name;
	g->core = core;
	g->modules = modules;
	g->diagnostics = diagnostics;
	g->heap = heap;
	g->format = hc_core_word_format(core);
	g->word = g->format.size;
	g->machine = machine;
	g->alignment = machine && machine->malloc_alignment ? machine->malloc_alignment : 2 * g->word;
	g->minimum = hc_align_up(4 * g->word, g->alignment); /* fd and bk behind the header */
	g->page = process->page_size;
	g->tcache_count = -1;
	g->pieces_claimed = g_array_new(FALSE, FALSE, sizeof(hc_range));
	g->arena_indices = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	g->ring_steps = RING_STEPS_MAX;
	g->thread_lists = g_ptr_array_new_with_free_func(g_free);
	g->caches = g_array_new(FALSE, FALSE, sizeof(hc_cached_block));
	g->notes = g_array_new(FALSE, FALSE, sizeof(hc_address));
	g_mutex_init(&g->notes_mutex);
	heap->info.alignment = g->alignment;
	if (!machine || !machine->malloc_alignment) {
		heap->info.state = HC_HEAP_UNSUPPORTED;
		hc_diagnostics_add(diagnostics, &machine_unsupported, 0, "%s", process->machine);
		return;
	}
	if (!glibc_find(g))
		return tell_why_unread(g);
	glibc_find_arenas(g);
	glibc_find_main_regions(g);
	glibc_find_mmapped(g);
	if (g->parameters && g->layout.parameters.tcache_count >= 0) {
		uint64_t count = glibc_word_or_zero(g, g->parameters + g->layout.parameters.tcache_count);

		g->tcache_count = count <= UINT16_MAX ? (int64_t)count : -1;
	}
	read_thresholds(g);
	heap->info.found = heap->regions->len > 0;
	if (!heap->info.found)
		tell_why_unread(g);
	glibc_prepare_notes(g);

	hc_range state = { g->main_arena, g->main_arena + g->layout.arena.size };
	hc_range parameters = { g->parameters, g->parameters + g->layout.parameters.size };

	g_array_append_val(heap->states, state);
	if (g->parameters)
		g_array_append_val(heap->states, parameters);
}

/* Bytes of the regions of each arena. Free with g_free(). */
static uint64_t *region_bytes(const glibc *g)
{
	uint64_t *bytes = g_new0(uint64_t, g->heap->arenas->len);

	for (unsigned i = 0; i < g->heap->regions->len; i++) {
		const hc_region *region = &g_array_index(g->heap->regions, hc_region, i);

		if (region->arena != HC_ARENA_NONE)
			bytes[region->arena] += region->outer_end - region->outer_start;
	}
	return bytes;
}

static void check_arena(glibc *g, hc_block_table *table, hc_arena *arena, uint64_t sum)
{
	hc_amount unlisted = hc_block_table_amount(table, arena->index, HC_BLOCK_UNLISTED);

	if (!hc_block_table_is_complete(table, arena->index)) {
		arena->consistent = false;
		return;
	}
	/* In the main arena's sum a piece that somebody else's sbrk cut off may or may not be counted: sysmalloc counts it. */
	if (sum != arena->system_memory &&
		sum - hc_block_table_amount(table, arena->index, HC_BLOCK_FOREIGN).bytes != arena->system_memory) {
		arena->consistent = false;
		hc_diagnostics_add(g->diagnostics, &arena_differs, 0,
			"arena %u: %" PRIu64 " bytes found, system_mem is %" PRIu64, arena->index, sum,
			arena->system_memory);
	}
	if (unlisted.blocks) {
		arena->consistent = false;
		hc_diagnostics_add(g->diagnostics, &free_unlisted, unlisted.bytes, "%" PRIu64 " in arena %u",
			unlisted.blocks, arena->index);
	}
}

static void glibc_classify(hc_heap *heap, hc_block_table *table)
{
	glibc *g = heap->private;

	if (!heap->info.found)
		return;
	g->thread_blocks = heap->thread_blocks;
	glibc_attach_threads(g);
	/* Bins and fastbins first: what they hold cannot be in a tcache. */
	for (unsigned i = 0; i < heap->arenas->len; i++)
		glibc_follow_bins(g, table, &g_array_index(heap->arenas, hc_arena, i));
	glibc_return_unlisted(g, table);
	glibc_locate_caches(g, table);
	glibc_detect_safe_linking(g, table);
	for (unsigned i = 0; i < heap->arenas->len; i++)
		glibc_follow_fastbins(g, table, &g_array_index(heap->arenas, hc_arena, i));
	glibc_find_tcaches(g, table);
	glibc_label_blocks(g, table);
	g_autofree uint64_t *bytes = region_bytes(g);

	for (unsigned i = 0; i < heap->arenas->len; i++)
		check_arena(g, table, &g_array_index(heap->arenas, hc_arena, i), bytes[i]);
}

static void glibc_close(hc_heap *heap)
{
	glibc *g = heap->private;

	if (!g)
		return;
	g_array_unref(g->pieces_claimed);
	g_hash_table_unref(g->arena_indices);
	g_ptr_array_unref(g->thread_lists);
	g_array_unref(g->caches);
	g_array_unref(g->notes);
	g_mutex_clear(&g->notes_mutex);
	g_free(g->version);
	g_free(g->layout_text);
	g_free(g);
	heap->private = NULL;
}

const hc_allocator hc_allocator_glibc = {
	.name = "glibc malloc",
	.open = glibc_open,
	.divide = glibc_divide,
	.walk_part = glibc_walk_part,
	.walk = glibc_walk,
	.classify = glibc_classify,
	.check = glibc_check,
	.close = glibc_close,
};
