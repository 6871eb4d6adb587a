/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What other runtimes have (runtimes/) of the mappings that nobody else claims.
 *
 * Their ranges are claims of the kind that the mapping is of anyhow, so that areas are cut at them. A claim's owner is the number of the range,
 * until the areas are told what it says.
 *
 * Of an allocator that serves the program, but whose books are not read here, it is probable that it has what its own data leads to, and
 * what nobody's does.
 */
#include "areas/areas_state.h"

enum {
	LEAST_PROBABLE = 1 << 16, /* bytes: of less it is not said */
};

static void claim_in_mapping(hc_areas *areas, const hc_mapping *mapping, const hc_runtime_range *range, unsigned number)
{
	hc_mapping part = *mapping;
	hc_area_kind kind;
	unsigned owner;

	part.start = MAX(mapping->start, range->start);
	part.end = MIN(mapping->end, range->end);
	part.bytes = mapping->bytes ? mapping->bytes + (part.start - mapping->start) : NULL;
	kind = hc_areas_classify(areas, &part, &owner);
	if (kind == HC_AREA_ANONYMOUS || kind == HC_AREA_SHARED)
		hc_areas_claim(areas, part.start, part.end, kind, number);
}

void hc_areas_claim_runtimes(hc_areas *areas)
{
	unsigned next = 0;

	for (unsigned i = 0; i < hc_runtimes_count(areas->runtimes); i++) {
		const hc_runtime_range *range = hc_runtimes_get(areas->runtimes, i);

		next = MAX(next, hc_core_mapping_after(areas->core, range->start));
		for (unsigned at = next; at < hc_core_mapping_count(areas->core); at++) {
			const hc_mapping *mapping = hc_core_mapping(areas->core, at);

			if (mapping->start >= range->end)
				break;
			claim_in_mapping(areas, mapping, range, i);
		}
	}
}

/* Whether AREA is probably of the allocator that serves the program. */
static bool is_allocators(const hc_areas *areas, const hc_area *area)
{
	const hc_module *provider = hc_runtimes_provider(areas->runtimes);

	if (area->kind != HC_AREA_ANONYMOUS || area->end - area->start < LEAST_PROBABLE)
		return false;
	return area->user == HC_AREA_USER_ALLOCATOR ||
	       (area->user == HC_AREA_USER_MODULE && provider && !g_strcmp0(area->user_name, provider->name));
}

void hc_areas_name_runtimes(hc_areas *areas)
{
	const char *foreign = hc_blocks_heap(areas->blocks)->foreign;
	bool is_read = false;

	for (unsigned i = 0; i < areas->list->len; i++) {
		hc_area *area = &g_array_index(areas->list, hc_area, i);

		if ((area->kind != HC_AREA_ANONYMOUS && area->kind != HC_AREA_SHARED) || area->owner == UINT_MAX)
			continue;
		area->runtime = hc_runtimes_get(areas->runtimes, area->owner)->use;
		area->owner = UINT_MAX;
		is_read |= area->runtime.kind == HC_RUNTIME_ALLOCATOR;
	}
	for (unsigned i = 0; foreign && !is_read && i < areas->list->len; i++) {
		hc_area *area = &g_array_index(areas->list, hc_area, i);

		if (!area->runtime.kind && is_allocators(areas, area))
			area->runtime = (hc_runtime_use){ .kind = HC_RUNTIME_ALLOCATOR, .name = foreign };
	}
}
