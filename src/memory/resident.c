/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of each row was resident?
 *
 * The kernel has pages, rows have blocks, and many blocks lie in one page. A page's bytes count where they are: of a block, its bytes on
 * resident pages. So every byte of a resident page is in exactly one top row, and the rows add up to what was resident. Outside the heap
 * that is one query an area; in the heap one a block, in order of address, so a step each. What is left of the heap's areas is malloc's own.
 */
#include "memory/memory_parts.h"

#include "core/core.h"

static void add_resident(hc_resident *sum, hc_resident more)
{
	sum->resident += more.resident;
	sum->swapped += more.swapped;
}

static hc_resident subtract(hc_resident from, hc_resident part)
{
	return (hc_resident){ from.resident - MIN(from.resident, part.resident),
		from.swapped - MIN(from.swapped, part.swapped) };
}

static hc_row_id row_of_state(hc_block_state state)
{
	switch (state) {
	case HC_BLOCK_TCACHE:
		return HC_ROW_FREE_TCACHE;
	case HC_BLOCK_FASTBIN:
		return HC_ROW_FREE_FASTBINS;
	case HC_BLOCK_TOP:
		return HC_ROW_FREE_TOP;
	case HC_BLOCK_UNSORTED:
	case HC_BLOCK_SMALL:
	case HC_BLOCK_LARGE:
	case HC_BLOCK_UNLISTED:
		return HC_ROW_FREE_BINS;
	default:
		return HC_ROW_NONE;
	}
}

static hc_row_id row_of_used(const hc_blocks *blocks, const hc_block_region *region, uint32_t number)
{
	if (hc_blocks_is_labelled(blocks, number))
		return HC_ROW_RUNTIME;
	return region->region.is_mmapped ? HC_ROW_MMAPPED : HC_ROW_IN_USE;
}

/*
 * The bytes of a block that count: of one in use its usable bytes, of a free one the whole chunk, as in the table. A chunk's last word is the
 * next one's first, and is counted with the chunk; the last free chunk of a region has no next one, and all of it is its own.
 */
static hc_range range_of(
	const hc_blocks *blocks, const hc_block_region *region, uint64_t start, bool is_used, bool is_last)
{
	hc_address address = hc_blocks_address(blocks, region, start);

	if (is_used)
		return (hc_range){ address, address + hc_blocks_size_in_index(blocks, region, start) };
	if (is_last)
		return (hc_range){ address - 2 * blocks->word, region->region.end };
	return (hc_range){ address - blocks->word, address + hc_blocks_size_in_index(blocks, region, start) };
}

static void count_region(
	hc_memory *memory, const hc_block_region *region, const hc_references *references, hc_resident *heap)
{
	const hc_blocks *blocks = memory->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, region->first_granule);
	size_t hint[2] = { 0, 0 };

	for (uint32_t i = 0; i < region->block_count; i++) {
		uint32_t number = region->first_block + i;
		uint64_t start = hc_start_cursor_next(&cursor);
		hc_block_state state = blocks->states[number];
		bool is_used = state == HC_BLOCK_IN_USE;
		hc_row_id row = is_used ? row_of_used(blocks, region, number) : row_of_state(state);

		if (!row)
			continue;
		hc_range range = range_of(blocks, region, start, is_used, i + 1 == region->block_count);
		hc_resident resident = hc_core_resident_next(memory->core, range.start, range.end, hint);

		add_resident(&memory->resident[row], resident);
		add_resident(heap, resident);
		if (is_used && references && hc_reach_is_lost(hc_references_reach_at(references, start)))
			add_resident(&memory->resident[region->region.is_mmapped ? HC_ROW_LOST_MMAPPED : HC_ROW_LOST],
				resident);
	}
}

static void count_areas(const hc_memory *memory, hc_resident kinds[HC_AREA_KIND_COUNT])
{
	size_t hint[2] = { 0, 0 };

	for (unsigned i = 0; i < hc_areas_count(memory->areas); i++) {
		const hc_area *area = hc_areas_get(memory->areas, i);

		add_resident(&kinds[area->kind], hc_core_resident_next(memory->core, area->start, area->end, hint));
	}
}

void hc_memory_count_resident(hc_memory *memory, const hc_references *references)
{
	hc_resident kinds[HC_AREA_KIND_COUNT] = { { 0, 0 } }, heap = { 0, 0 };

	memory->knows_resident = hc_core_knows_resident(memory->core);
	if (!memory->knows_resident)
		return;
	count_areas(memory, kinds);
	for (uint32_t i = 0; i < memory->blocks->region_count; i++)
		count_region(memory, &memory->blocks->regions[i], references, &heap);
	for (unsigned kind = 0; kind < HC_AREA_KIND_COUNT; kind++) {
		hc_row_id row = hc_memory_row_of_area(kind);

		add_resident(&memory->total_resident, kinds[kind]);
		if (row)
			memory->resident[row] = kinds[kind];
		else
			add_resident(&memory->resident[HC_ROW_OVERHEAD], kinds[kind]);
	}
	memory->resident[HC_ROW_OVERHEAD] = subtract(memory->resident[HC_ROW_OVERHEAD], heap);
}
