/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why did resident memory shrink, or grow by less than what is mapped?
 *
 * Of each kind of memory it is known what more is mapped, in memory, and swapped out. What is mapped and neither of the others is absent: it was
 * not touched, or given back (malloc_trim(), MADV_DONTNEED), or, of files, dropped by the kernel. Sums do not tell a mapping that was given back
 * from one that went while an untouched one came; of malloc's memory they do where no more of it is mapped, and what is absent is free: blocks
 * tell where that is, and free memory that came with none is none that was never touched.
 */
#include "diff/diff_state.h"

#include "memory/memory.h"

#include <stdlib.h>

enum {
	LEAST = 1 << 20,  /* bytes that what is mapped moved by more than what is resident: less is not told */
	LITTLE_SHARE = 20 /* nor is what is less than one in so many of these bytes */
};

/* More than before, in bytes. */
typedef struct moved {
	int64_t mapped, resident, swapped;
} moved;

static bool is_of(hc_absent_kind kind, hc_row_id row)
{
	switch (kind) {
	case HC_ABSENT_SWAPPED:
		return true;
	case HC_ABSENT_HEAP:
		return hc_row_is_mallocs(row);
	case HC_ABSENT_ANONYMOUS:
		return row == HC_ROW_ANONYMOUS || row == HC_ROW_FOREIGN_SBRK;
	case HC_ABSENT_SHARED:
		return row == HC_ROW_SHARED;
	case HC_ABSENT_FILES:
		return row == HC_ROW_FILES;
	default:
		return false;
	}
}

static void add_snapshot(const hc_snapshot *snapshot, hc_absent_kind kind, int sign, moved *sum)
{
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		if (row->of || !is_of(kind, row->id))
			continue;
		sum->mapped += sign * (int64_t)(row->is_memory ? row->bytes : 0);
		sum->resident += sign * (int64_t)row->resident.resident;
		sum->swapped += sign * (int64_t)row->resident.swapped;
	}
}

static moved moved_of(const hc_diff *diff, hc_absent_kind kind)
{
	moved sum = { 0, 0, 0 };

	add_snapshot(diff->last, kind, 1, &sum);
	add_snapshot(diff->first, kind, -1, &sum);
	return sum;
}

static int most_first(const void *a, const void *b)
{
	const hc_absent *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return (int)x->kind - (int)y->kind;
}

/* Bytes of SNAPSHOT's free memory that are neither in memory nor swapped out. */
static int64_t absent_free(const hc_snapshot *snapshot)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		if (hc_row_is_free(row->id))
			bytes += row->bytes - row->resident.resident - row->resident.swapped;
	}
	return (int64_t)bytes;
}

/* Whether BYTES of malloc's memory, of which SUM moved, are absent because they are free and were given back. */
static bool is_given_back(const hc_diff *diff, const moved *sum, int64_t bytes)
{
	const hc_memory_row *a = hc_snapshot_row(diff->first, HC_ROW_MMAPPED),
			    *b = hc_snapshot_row(diff->last, HC_ROW_MMAPPED);

	return sum->mapped <= 0 && (a ? a->bytes : 0) == (b ? b->bytes : 0) &&
	       absent_free(diff->last) - absent_free(diff->first) >= bytes - bytes / LITTLE_SHARE;
}

unsigned hc_diff_absent(const hc_diff *diff, hc_absent list[HC_ABSENT_COUNT])
{
	int64_t apart = diff->memory_growth - diff->resident_growth;
	unsigned count = 0;

	if (!diff->knows_resident || apart < LEAST || diff->resident_growth > diff->memory_growth / 2)
		return 0;
	for (hc_absent_kind kind = 0; kind < HC_ABSENT_COUNT; kind++) {
		moved sum = moved_of(diff, kind);
		int64_t bytes = kind == HC_ABSENT_SWAPPED ? sum.swapped : sum.mapped - sum.resident - sum.swapped;

		if (bytes < MAX(1, apart / LITTLE_SHARE))
			continue;
		list[count++] = (hc_absent){
			.kind = kind,
			.bytes = (uint64_t)bytes,
			.is_given_back = kind == HC_ABSENT_HEAP && is_given_back(diff, &sum, bytes),
		};
	}
	qsort(list, count, sizeof *list, most_first);
	return count;
}
