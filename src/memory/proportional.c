/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of each row is the process's own, if pages that others map as well are shared out among all?
 *
 * The kernel tells it of mappings (Pss of smaps), not of pages. A mapping that lies in one row
 * gives it to that row. Of one that nobody shares, every page counts in full, wherever it is. Of
 * others that are of several rows, as a heap that was forked is, nothing is known; nor of those
 * that changed while the process was captured, of which smaps does not tell it (capture/account.c).
 */
#include "memory/memory_parts.h"

#include "core/core.h"

/* What of a mapping lies in areas. */
struct mapping_rows {
	hc_row_id row; /* of the first that has something in memory; of several: HC_ROW_NONE */
	bool is_one;
};

static uint64_t resident_in(const hc_memory *memory, const hc_area *area, const hc_smaps_entry *entry)
{
	return hc_core_resident(memory->core, MAX(area->start, entry->start), MIN(area->end, entry->end)).resident;
}

static void add_to_row(hc_memory *memory, hc_row_id row, uint64_t bytes)
{
	if (row && memory->proportional[row] != UINT64_MAX)
		memory->proportional[row] += bytes;
}

/* The areas from number FIRST on that ENTRY is of: whether all that is in memory is of one row. */
static struct mapping_rows look_at(const hc_memory *memory, const hc_smaps_entry *entry, unsigned first)
{
	struct mapping_rows rows = { HC_ROW_NONE, true };
	bool any = false;

	for (unsigned i = first; i < hc_areas_count(memory->areas); i++) {
		const hc_area *area = hc_areas_get(memory->areas, i);
		hc_row_id row = hc_memory_row_of_area(area->kind);

		if (area->start >= entry->end)
			break;
		if (!resident_in(memory, area, entry))
			continue;
		rows.is_one &= !any || row == rows.row;
		rows.row = row;
		any = true;
	}
	return rows;
}

static void count_mapping(hc_memory *memory, const hc_smaps_entry *entry, unsigned first)
{
	struct mapping_rows rows = look_at(memory, entry, first);

	if (rows.is_one && entry->knows_proportional) {
		add_to_row(memory, rows.row, entry->proportional);
		return;
	}
	for (unsigned i = first; i < hc_areas_count(memory->areas); i++) {
		const hc_area *area = hc_areas_get(memory->areas, i);
		hc_row_id row = hc_memory_row_of_area(area->kind);
		uint64_t resident = 0;

		if (area->start >= entry->end)
			break;
		resident = resident_in(memory, area, entry);
		if (entry->knows_proportional && entry->proportional == entry->resident)
			add_to_row(memory, row, resident);
		else if (resident)
			memory->proportional[row] = UINT64_MAX;
	}
}

void hc_memory_count_proportional(hc_memory *memory)
{
	g_autoptr(GArray) entries = memory->knows_resident ? hc_core_read_smaps(memory->core) : NULL;
	unsigned first = 0;

	for (unsigned row = 0; row < HC_ROW_COUNT; row++)
		memory->proportional[row] = entries && row > HC_ROW_OVERHEAD ? 0 : UINT64_MAX;
	memory->total_proportional = entries ? 0 : UINT64_MAX;
	/* Both are in order of address. */
	for (unsigned i = 0; entries && i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);

		while (first < hc_areas_count(memory->areas) && hc_areas_get(memory->areas, first)->end <= entry->start)
			first++;
		if (!entry->resident)
			continue;
		if (!entry->knows_proportional)
			memory->total_proportional = UINT64_MAX;
		else if (memory->total_proportional != UINT64_MAX)
			memory->total_proportional += entry->proportional;
		count_mapping(memory, entry, first);
	}
}
