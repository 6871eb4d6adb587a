/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the rows other runtimes have: the areas of each, added up. */
#include "memory/memory_parts.h"

#include "core/core.h"

enum {
	USES_MAX = 32 /* a process may name its mappings as it likes */
};

unsigned hc_memory_use_of_area(const hc_memory *memory, const hc_area *area)
{
	hc_row_id row = hc_memory_row_of_area(area->kind);

	for (unsigned i = 0; area->runtime.kind && i < memory->uses->len; i++) {
		const hc_memory_use *use = hc_memory_use_get(memory, i);

		if (use->row == row && use->use.is_proved == area->runtime.is_proved &&
			hc_runtime_use_is_same(&use->use, &area->runtime))
			return i;
	}
	return UINT_MAX;
}

static int compare_uses(const void *a, const void *b)
{
	const hc_memory_use *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->use.kind != y->use.kind ? (int)x->use.kind - (int)y->use.kind : g_strcmp0(x->use.name, y->use.name);
}

void hc_memory_find_uses(hc_memory *memory)
{
	size_t hint[2] = { 0, 0 };

	for (unsigned i = 0; i < hc_areas_count(memory->areas); i++) {
		const hc_area *area = hc_areas_get(memory->areas, i);
		unsigned number = hc_memory_use_of_area(memory, area);
		hc_resident resident;
		hc_memory_use *use;

		if (!area->runtime.kind || (number == UINT_MAX && memory->uses->len >= USES_MAX))
			continue;
		if (number == UINT_MAX) {
			hc_memory_use fresh = { .row = hc_memory_row_of_area(area->kind), .use = area->runtime };

			g_array_append_val(memory->uses, fresh);
			number = memory->uses->len - 1;
		}
		use = &g_array_index(memory->uses, hc_memory_use, number);
		resident = hc_core_resident_next(memory->core, area->start, area->end, hint);
		use->bytes += area->end - area->start;
		use->mappings++;
		use->resident.resident += resident.resident;
		use->resident.swapped += resident.swapped;
	}
	g_array_sort(memory->uses, compare_uses);
}

unsigned hc_memory_use_count(const hc_memory *memory)
{
	return memory->uses->len;
}

const hc_memory_use *hc_memory_use_get(const hc_memory *memory, unsigned index)
{
	return index < memory->uses->len ? &g_array_index(memory->uses, hc_memory_use, index) : NULL;
}
