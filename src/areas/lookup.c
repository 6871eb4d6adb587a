/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the areas tell, once they are cut: one by number or address, sums, names. */
#include "areas/areas_state.h"

#include "base/partition.h"

static const char *const kind_names[HC_AREA_KIND_COUNT] = {
	[HC_AREA_HEAP] = "heap",
	[HC_AREA_MMAPPED] = "mmapped",
	[HC_AREA_FOREIGN_SBRK] = "foreign-sbrk",
	[HC_AREA_HEAP_UNREADABLE] = "heap-unreadable",
	[HC_AREA_MALLOC_STATE] = "malloc-state",
	[HC_AREA_STACK] = "stack",
	[HC_AREA_STACK_UNUSED] = "stack-unused",
	[HC_AREA_MODULE_DATA] = "data",
	[HC_AREA_FILE] = "file",
	[HC_AREA_SHARED] = "shared",
	[HC_AREA_ANONYMOUS] = "anonymous",
	[HC_AREA_KERNEL] = "kernel",
	[HC_AREA_RESERVED] = "reserved",
	[HC_AREA_NOT_DUMPED] = "not-dumped",
	[HC_AREA_TRUNCATED] = "truncated",
};

const char *hc_area_kind_name(hc_area_kind kind)
{
	return (unsigned)kind < HC_AREA_KIND_COUNT ? kind_names[kind] : "unknown";
}

const char *hc_area_user_name(hc_area_user user)
{
	static const char *const names[HC_AREA_USER_COUNT] = {
		[HC_AREA_USER_MODULE] = "module",
		[HC_AREA_USER_THREAD] = "thread",
		[HC_AREA_USER_ALLOCATOR] = "allocator",
	};

	return (unsigned)user < HC_AREA_USER_COUNT ? names[user] : NULL;
}

unsigned hc_areas_count(const hc_areas *areas)
{
	return areas->list->len;
}

const hc_area *hc_areas_get(const hc_areas *areas, unsigned index)
{
	return index < areas->list->len ? &g_array_index(areas->list, hc_area, index) : NULL;
}

const hc_area *hc_areas_find(const hc_areas *areas, hc_address address)
{
	unsigned low = HC_PARTITION_POINT(middle, 0, areas->list->len, hc_areas_get(areas, middle)->end <= address);
	const hc_area *area = hc_areas_get(areas, low);

	return area && area->start <= address ? area : NULL;
}

uint64_t hc_areas_bytes(const hc_areas *areas, hc_area_kind kind)
{
	return areas->bytes[kind];
}

uint64_t hc_areas_total(const hc_areas *areas)
{
	uint64_t total = 0;

	for (unsigned kind = 0; kind < HC_AREA_KIND_COUNT; kind++)
		total += areas->bytes[kind];
	return total;
}
