/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of a range was in memory, or swapped out?
 *
 * Of each of both there is a list of disjoint ranges in order of address, each with the bytes of all before it. A query is two bisections:
 * the first range that ends behind START, and the first that begins at END or behind it; what lies between is a difference of two sums, and
 * only its first and its last range may stick out. Most queries are of a block, which is within one range or two: these are tried first.
 */
#include "core/core_state.h"

#include "core/residency.h"

#include "base/file.h"
#include "base/partition.h"

#include <inttypes.h>

/* Bytes at [start, end), and BEFORE bytes in all ranges in front of it. */
typedef struct counted_range {
	hc_address start, end;
	uint64_t before;
} counted_range;

typedef struct range_list {
	counted_range *ranges;
	size_t count, room;
} range_list;

struct hc_residency {
	range_list resident, swapped;
};

/* FALSE: no memory, or too many. START is not below the last one's end. */
static bool append_range(range_list *list, hc_address start, hc_address end)
{
	counted_range *last = list->count ? &list->ranges[list->count - 1] : NULL;

	if (last && last->end == start) {
		last->end = end;
		return true;
	}
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		counted_range *larger = list->count < HC_RESIDENCY_RUNS_LIMIT ?
						g_try_realloc_n(list->ranges, room, sizeof *larger) :
						NULL;

		if (!larger)
			return false;
		list->ranges = larger;
		list->room = room;
		last = list->count ? &list->ranges[list->count - 1] : NULL;
	}
	list->ranges[list->count++] =
		(counted_range){ start, end, last ? last->before + (last->end - last->start) : 0 };
	return true;
}

/* Bytes of the ranges in front of number INDEX. */
static uint64_t bytes_before(const range_list *list, size_t index)
{
	const counted_range *last;

	if (index < list->count)
		return list->ranges[index].before;
	last = &list->ranges[list->count - 1];
	return last->before + (last->end - last->start);
}

/* The first range from FROM on that ends behind ADDRESS. */
static size_t range_behind(const range_list *list, size_t from, hc_address address)
{
	if (from == list->count || list->ranges[from].end > address)
		return from;
	if (from + 1 == list->count || list->ranges[from + 1].end > address)
		return from + 1;
	return HC_PARTITION_POINT(middle, from + 2, list->count, list->ranges[middle].end <= address);
}

static uint64_t sum_of(const range_list *list, hc_address start, hc_address end, size_t *hint)
{
	const counted_range *ranges = list->ranges;
	bool goes_on = *hint < list->count && (!*hint || ranges[*hint - 1].end <= start);
	size_t first, behind;
	uint64_t sum;

	if (!list->count || start >= end)
		return 0;
	first = range_behind(list, goes_on ? *hint : 0, start);
	*hint = first;
	if (first == list->count || ranges[first].start >= end)
		return 0;
	/* The first range that ends behind END is also the first that may reach beyond it. */
	behind = range_behind(list, first, end);
	sum = bytes_before(list, behind) - ranges[first].before;
	if (behind < list->count && ranges[behind].start < end)
		sum += end - ranges[behind].start;
	return sum - (ranges[first].start < start ? start - ranges[first].start : 0);
}

hc_resident hc_residency_next(const hc_residency *residency, hc_address start, hc_address end, size_t hint[2])
{
	return (hc_resident){
		sum_of(&residency->resident, start, end, &hint[0]),
		sum_of(&residency->swapped, start, end, &hint[1]),
	};
}

hc_resident hc_residency_of(const hc_residency *residency, hc_address start, hc_address end)
{
	size_t hint[2] = { 0, 0 };

	return hc_residency_next(residency, start, end, hint);
}

bool hc_residency_add(hc_residency *residency, const hc_page_run *run)
{
	if (run->kind & HC_PAGE_SWAPPED)
		return append_range(&residency->swapped, run->start, run->end);
	if (run->kind & HC_PAGE_PRESENT && !(run->kind & HC_PAGE_ZERO))
		return append_range(&residency->resident, run->start, run->end);
	return true;
}

hc_residency *hc_residency_new(void)
{
	return g_new0(hc_residency, 1);
}

void hc_residency_free(hc_residency *residency)
{
	if (!residency)
		return;
	g_free(residency->resident.ranges);
	g_free(residency->swapped.ranges);
	g_free(residency);
}

/* ---- of a core ---- */

static const hc_diagnostic_kind not_read = {
	"resident-pages-not-read",
	HC_SEVERITY_NOTE,
	"beside the core tells which pages were resident, and could not be read: how much of each row was resident is not known",
};

static const hc_diagnostic_kind differs = {
	"resident-pages-differ",
	HC_SEVERITY_NOTE,
	"of mappings are counted differently by the capture's list of pages and by its smaps: resident and swapped bytes may differ by as much",
};

static const hc_diagnostic_kind share_unknown = {
	"shares-not-known",
	HC_SEVERITY_NOTE,
	"were in memory in mappings that changed while the process was captured: how much of that other processes share is not known",
};

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The list of pages and smaps are of one moment: mapping by mapping they must agree. */
static void compare_with_smaps(hc_core *core)
{
	g_autoptr(GArray) entries = hc_core_read_smaps(core);
	size_t hint[2] = { 0, 0 };

	for (unsigned i = 0; entries && i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);
		hc_resident pages = hc_residency_next(core->residency, entry->start, entry->end, hint);
		uint64_t resident = entry->resident + entry->huge_table;
		uint64_t bytes = difference(pages.resident, resident) + difference(pages.swapped, entry->swapped);

		if (bytes)
			hc_diagnostics_add(core->diagnostics, &differs, bytes,
				"at %#" PRIx64 ": %" PRIu64 " bytes resident and %" PRIu64 " swapped by pages, %" PRIu64
				" and %" PRIu64 " by smaps",
				entry->start, pages.resident, pages.swapped, resident, entry->swapped);
		if (entry->resident && !entry->knows_proportional)
			hc_diagnostics_add(core->diagnostics, &share_unknown, entry->resident,
				"at %#" PRIx64 ": %" PRIu64 " bytes%s%s", entry->start, entry->resident,
				*entry->path ? " of " : "", entry->path);
	}
}

void hc_core_load_residency(hc_core *core)
{
	g_autofree char *path = hc_core_beside(core, HC_RESIDENCY_FILE), *contents = NULL;
	g_autoptr(GError) error = NULL;
	size_t length;

	if (!path || !g_file_test(path, G_FILE_TEST_EXISTS))
		return;
	contents = hc_file_read(path, HC_RESIDENCY_FILE_LIMIT, &length, &error);
	if (contents)
		core->residency = hc_residency_load(contents, length, core->process.page_size, &error);
	if (!core->residency) {
		hc_diagnostics_add(core->diagnostics, &not_read, 0, "%s", error->message);
		return;
	}
	compare_with_smaps(core);
}

bool hc_core_knows_resident(const hc_core *core)
{
	return core->residency != NULL;
}

hc_resident hc_core_resident(const hc_core *core, hc_address start, hc_address end)
{
	return core->residency ? hc_residency_of(core->residency, start, end) : (hc_resident){ 0, 0 };
}

hc_resident hc_core_resident_next(const hc_core *core, hc_address start, hc_address end, size_t hint[2])
{
	return core->residency ? hc_residency_next(core->residency, start, end, hint) : (hc_resident){ 0, 0 };
}
