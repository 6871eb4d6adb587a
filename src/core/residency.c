/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of a range was in memory, or swapped out?
 *
 * Of each of both there is a list of disjoint ranges in order of address, each with the bytes of all before it. A query is two bisections:
 * the first range that ends behind START, and the first that begins at END or behind it; what lies between is a difference of two sums, and
 * only its first and its last range may stick out. Most queries are of a block, which is within one range or two: these are tried first.
 */
#include "core/residency.h"

#include "base/partition.h"

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
