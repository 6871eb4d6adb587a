/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows' names, and what kind of memory they are. */
#include "memory/memory_parts.h"

static const char *const names[HC_ROW_COUNT] = {
	[HC_ROW_NONE] = "",
	[HC_ROW_IN_USE] = "in-use",
	[HC_ROW_LOST] = "lost",
	[HC_ROW_MMAPPED] = "mmapped",
	[HC_ROW_LOST_MMAPPED] = "lost-mmapped",
	[HC_ROW_RUNTIME] = "runtime",
	[HC_ROW_FREE_TCACHE] = "free-tcache",
	[HC_ROW_FREE_FASTBINS] = "free-fastbins",
	[HC_ROW_FREE_BINS] = "free-bins",
	[HC_ROW_FREE_TOP] = "free-top",
	[HC_ROW_OVERHEAD] = "malloc-overhead",
	[HC_ROW_STACKS] = "stacks",
	[HC_ROW_DATA] = "data",
	[HC_ROW_FILES] = "files",
	[HC_ROW_SHARED] = "shared",
	[HC_ROW_ANONYMOUS] = "anonymous",
	[HC_ROW_FOREIGN_SBRK] = "foreign-sbrk",
	[HC_ROW_KERNEL] = "kernel",
	[HC_ROW_STACKS_UNUSED] = "stacks-unused",
	[HC_ROW_RESERVED] = "reserved",
	[HC_ROW_NOT_DUMPED] = "not-dumped",
	[HC_ROW_HEAP_UNREADABLE] = "heap-unreadable",
	[HC_ROW_TRUNCATED] = "truncated",
};

const char *hc_row_name(hc_row_id id)
{
	return (unsigned)id < HC_ROW_COUNT ? names[id] : "";
}

hc_row_id hc_row_called(const char *name)
{
	for (unsigned id = HC_ROW_NONE + 1; id < HC_ROW_COUNT; id++)
		if (!g_strcmp0(names[id], name))
			return id;
	return HC_ROW_NONE;
}

bool hc_row_is_free(hc_row_id id)
{
	return id >= HC_ROW_FREE_TCACHE && id <= HC_ROW_FREE_TOP;
}

bool hc_row_is_lost(hc_row_id id)
{
	return id == HC_ROW_LOST || id == HC_ROW_LOST_MMAPPED;
}

bool hc_row_is_mallocs(hc_row_id id)
{
	return id == HC_ROW_IN_USE || id == HC_ROW_MMAPPED || id == HC_ROW_RUNTIME || hc_row_is_free(id) ||
	       id == HC_ROW_OVERHEAD;
}

hc_row_id hc_memory_row_of_area(hc_area_kind kind)
{
	static const hc_row_id rows[HC_AREA_KIND_COUNT] = {
		[HC_AREA_STACK] = HC_ROW_STACKS,
		[HC_AREA_MODULE_DATA] = HC_ROW_DATA,
		[HC_AREA_FILE] = HC_ROW_FILES,
		[HC_AREA_SHARED] = HC_ROW_SHARED,
		[HC_AREA_ANONYMOUS] = HC_ROW_ANONYMOUS,
		[HC_AREA_FOREIGN_SBRK] = HC_ROW_FOREIGN_SBRK,
		[HC_AREA_KERNEL] = HC_ROW_KERNEL,
		[HC_AREA_STACK_UNUSED] = HC_ROW_STACKS_UNUSED,
		[HC_AREA_RESERVED] = HC_ROW_RESERVED,
		[HC_AREA_NOT_DUMPED] = HC_ROW_NOT_DUMPED,
		[HC_AREA_HEAP_UNREADABLE] = HC_ROW_HEAP_UNREADABLE,
		[HC_AREA_TRUNCATED] = HC_ROW_TRUNCATED,
	};

	return rows[kind];
}
