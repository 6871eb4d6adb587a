/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory table. Bytes outside the heap come from the areas; bytes of the heap from the blocks, and what remains of the
 * heap's areas is malloc's own. So the top rows add up to the areas' total by construction; what is checked is that the
 * remainder is what the blocks stage says it is.
 */
#include "memory/memory_parts.h"

#include "base/diagnostics.h"

#include <inttypes.h>

static const hc_diagnostic_kind table_differs = {
	"memory-table-differs",
	HC_SEVERITY_PARTIAL,
	"of the heap are counted differently by its regions and by its blocks (please report this: it is a bug of heapcore)",
};

static hc_memory_row *add(hc_memory *memory, hc_row_id id, uint64_t bytes)
{
	hc_memory_row row = { .id = id,
		.bytes = bytes,
		.is_memory = true,
		.knows_resident = memory->knows_resident,
		.resident = memory->resident[id],
		.proportional = memory->proportional[id] };

	g_array_append_val(memory->rows, row);
	return &g_array_index(memory->rows, hc_memory_row, memory->rows->len - 1);
}

static hc_memory_row *add_counted(hc_memory *memory, hc_row_id id, hc_amount amount)
{
	hc_memory_row *row = add(memory, id, amount.bytes);

	row->count = amount.blocks;
	row->unit = "blocks";
	return row;
}

static void add_lost(hc_memory *memory, hc_row_id id, hc_row_id of, bool is_bound, hc_amount amount)
{
	hc_memory_row *row = add_counted(memory, id, amount);

	row->of = of;
	row->is_bound = is_bound;
}

static hc_amount minus(hc_amount a, hc_amount b)
{
	return (hc_amount){ a.blocks - b.blocks, a.bytes - b.bytes };
}

static hc_amount plus(hc_amount a, hc_amount b)
{
	return (hc_amount){ a.blocks + b.blocks, a.bytes + b.bytes };
}

/* ---- the heap ---- */

/* Of the lost blocks, those that are mmapped. */
static hc_amount lost_mmapped(const hc_blocks *blocks, const hc_references *references)
{
	hc_amount lost = { 0 };

	for (uint32_t i = 0; i < blocks->region_count; i++) {
		const hc_block_region *region = &blocks->regions[i];

		if (region->region.is_mmapped && blocks->states[region->first_block] == HC_BLOCK_IN_USE &&
			hc_reach_is_lost(hc_references_reach_at(references, region->first_granule))) {
			hc_amount_count(&lost, region->region.block_size);
		}
	}
	return lost;
}

/* Returns the sum of the rows added. */
static uint64_t add_in_use(hc_memory *memory, const hc_blocks *blocks, const hc_references *references)
{
	hc_amount all = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE),
		  mmapped = hc_blocks_amount(blocks, HC_ARENA_NONE, HC_BLOCK_IN_USE);
	hc_amount labelled = hc_blocks_labelled(blocks, HC_ARENA_ALL),
		  labelled_mmapped = hc_blocks_labelled(blocks, HC_ARENA_NONE);
	hc_amount lost = { 0 }, lost_there = { 0 };
	bool is_bound = references && hc_references_lost_is_bound(references);

	if (references) {
		const hc_references_totals *totals = hc_references_get_totals(references);

		lost_there = lost_mmapped(blocks, references);
		lost = minus(plus(totals->directly_lost, totals->indirectly_lost), lost_there);
	}
	add_counted(memory, HC_ROW_IN_USE, minus(minus(all, mmapped), minus(labelled, labelled_mmapped)));
	if (lost.blocks)
		add_lost(memory, HC_ROW_LOST, HC_ROW_IN_USE, is_bound, lost);
	add_counted(memory, HC_ROW_MMAPPED, minus(mmapped, labelled_mmapped));
	if (lost_there.blocks)
		add_lost(memory, HC_ROW_LOST_MMAPPED, HC_ROW_MMAPPED, is_bound, lost_there);
	add_counted(memory, HC_ROW_RUNTIME, labelled);
	return all.bytes;
}

static uint64_t add_free(hc_memory *memory, const hc_blocks *blocks)
{
	hc_amount tcache = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_TCACHE);
	hc_amount fastbins = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_FASTBIN);
	hc_amount top = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_TOP);
	hc_amount bins = plus(plus(hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_UNSORTED),
				      hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_SMALL)),
		plus(hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_LARGE),
			hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_UNLISTED)));

	add_counted(memory, HC_ROW_FREE_TCACHE, tcache);
	add_counted(memory, HC_ROW_FREE_FASTBINS, fastbins);
	add_counted(memory, HC_ROW_FREE_BINS, bins);
	add_counted(memory, HC_ROW_FREE_TOP, top);
	return tcache.bytes + fastbins.bytes + bins.bytes + top.bytes;
}

static void add_heap(hc_memory *memory, const hc_references *references, hc_diagnostics *diagnostics)
{
	const hc_blocks *blocks = memory->blocks;
	const hc_areas *areas = memory->areas;
	uint64_t state = hc_areas_bytes(areas, HC_AREA_MALLOC_STATE);
	uint64_t heap = hc_areas_bytes(areas, HC_AREA_HEAP) + hc_areas_bytes(areas, HC_AREA_MMAPPED) + state;
	uint64_t used = add_in_use(memory, blocks, references), kept = add_free(memory, blocks);
	uint64_t overhead = heap - used - kept;

	if (used + kept > heap || overhead != hc_blocks_overhead(blocks) + state)
		hc_diagnostics_add(diagnostics, &table_differs, 0,
			"areas %" PRIu64 ", in use %" PRIu64 ", free %" PRIu64 ", overhead %" PRIu64, heap, used, kept,
			hc_blocks_overhead(blocks) + state);
	if (used + kept > heap)
		overhead = 0;
	add(memory, HC_ROW_OVERHEAD, overhead);
}

/* ---- everything else ---- */

static uint64_t count_areas(const hc_memory *memory, hc_area_kind kind)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < hc_areas_count(memory->areas); i++)
		count += hc_areas_get(memory->areas, i)->kind == kind;
	return count;
}

static const hc_area *largest_area(const hc_memory *memory, hc_area_kind kind)
{
	const hc_area *largest = NULL;

	for (unsigned i = 0; i < hc_areas_count(memory->areas); i++) {
		const hc_area *area = hc_areas_get(memory->areas, i);

		if (area->kind == kind && (!largest || area->end - area->start > largest->end - largest->start))
			largest = area;
	}
	return largest;
}

static void add_area(hc_memory *memory, hc_area_kind kind, const char *unit, bool is_memory, bool always)
{
	uint64_t bytes = hc_areas_bytes(memory->areas, kind);

	if (!bytes && !always)
		return;
	hc_memory_row *row = add(memory, hc_memory_row_of_area(kind), bytes);

	row->is_memory = is_memory;
	row->unit = unit;
	row->count = unit ? count_areas(memory, kind) : 0;
	if (kind == HC_AREA_STACK)
		row->count = hc_core_thread_count(memory->core);
	row->is_bound = kind == HC_AREA_ANONYMOUS && !hc_blocks_heap(memory->blocks)->found;
	if (kind == HC_AREA_ANONYMOUS || kind == HC_AREA_SHARED)
		row->largest = largest_area(memory, kind);
}

static void add_areas(hc_memory *memory)
{
	add_area(memory, HC_AREA_STACK, "threads", true, true);
	add_area(memory, HC_AREA_MODULE_DATA, NULL, true, true);
	add_area(memory, HC_AREA_FILE, "mappings", true, true);
	add_area(memory, HC_AREA_SHARED, "mappings", true, true);
	add_area(memory, HC_AREA_ANONYMOUS, "mappings", true, true);
	add_area(memory, HC_AREA_FOREIGN_SBRK, "mappings", true, false);
	add_area(memory, HC_AREA_KERNEL, NULL, true, false);
	add_area(memory, HC_AREA_STACK_UNUSED, NULL, false, true);
	add_area(memory, HC_AREA_RESERVED, "mappings", false, true);
	add_area(memory, HC_AREA_NOT_DUMPED, "mappings", false, true);
	add_area(memory, HC_AREA_HEAP_UNREADABLE, "mappings", false, false);
	add_area(memory, HC_AREA_TRUNCATED, "mappings", false, false);
}

hc_memory *hc_memory_create(const hc_core *core, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, hc_diagnostics *diagnostics)
{
	hc_memory *memory = g_new0(hc_memory, 1);
	uint64_t sum = 0;

	memory->rows = g_array_new(FALSE, FALSE, sizeof(hc_memory_row));
	memory->uses = g_array_new(FALSE, FALSE, sizeof(hc_memory_use));
	memory->core = core;
	memory->blocks = blocks;
	memory->areas = areas;
	memory->total = hc_areas_total(areas);
	hc_memory_count_resident(memory, references);
	hc_memory_count_proportional(memory);
	hc_memory_find_uses(memory);
	add_heap(memory, references, diagnostics);
	add_areas(memory);
	for (unsigned i = 0; i < memory->rows->len; i++)
		if (!g_array_index(memory->rows, hc_memory_row, i).of)
			sum += g_array_index(memory->rows, hc_memory_row, i).bytes;
	if (sum != memory->total)
		hc_diagnostics_add(diagnostics, &table_differs, 0, "the rows add up to %" PRIu64 " of %" PRIu64, sum,
			memory->total);
	return memory;
}

void hc_memory_destroy(hc_memory *memory)
{
	if (!memory)
		return;
	g_array_unref(memory->rows);
	g_array_unref(memory->uses);
	g_free(memory);
}

uint64_t hc_memory_total(const hc_memory *memory)
{
	return memory->total;
}

bool hc_memory_knows_resident(const hc_memory *memory)
{
	return memory->knows_resident;
}

hc_resident hc_memory_resident(const hc_memory *memory)
{
	return memory->total_resident;
}

uint64_t hc_memory_proportional(const hc_memory *memory)
{
	return memory->total_proportional;
}

unsigned hc_memory_row_count(const hc_memory *memory)
{
	return memory->rows->len;
}

const hc_memory_row *hc_memory_row_get(const hc_memory *memory, unsigned index)
{
	return index < memory->rows->len ? &g_array_index(memory->rows, hc_memory_row, index) : NULL;
}

const hc_memory_row *hc_memory_row_find(const hc_memory *memory, hc_row_id id)
{
	for (unsigned i = 0; i < memory->rows->len; i++)
		if (g_array_index(memory->rows, hc_memory_row, i).id == id)
			return &g_array_index(memory->rows, hc_memory_row, i);
	return NULL;
}

uint64_t hc_memory_row_bytes(const hc_memory *memory, hc_row_id id)
{
	const hc_memory_row *row = hc_memory_row_find(memory, id);

	return row ? row->bytes : 0;
}
