/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of memory/ share. */
#pragma once

#include "memory/memory.h"

#include "areas/areas.h"
#include "blocks/blocks.h"

struct hc_memory {
	GArray *rows; /* of hc_memory_row */
	GArray *uses; /* of hc_memory_use */
	uint64_t total;
	bool knows_resident;
	hc_resident resident[HC_ROW_COUNT]; /* of each row */
	hc_resident total_resident;
	uint64_t proportional[HC_ROW_COUNT]; /* of each row; UINT64_MAX: not known */
	uint64_t total_proportional;
	const hc_core *core;
	const hc_blocks *blocks;
	const hc_areas *areas;
};

/* rows.c: the row of what lies in areas of KIND; HC_ROW_NONE: in the heap, where blocks tell. */
hc_row_id hc_memory_row_of_area(hc_area_kind kind);

/* resident.c: fills what was resident of all rows that there may be. */
void hc_memory_count_resident(hc_memory *memory, const hc_references *references);

/* uses.c: fills `uses`. */
void hc_memory_find_uses(hc_memory *memory);

/* proportional.c: fills what the rows' share of pages was that other processes map as well. After hc_memory_count_resident(). */
void hc_memory_count_proportional(hc_memory *memory);
