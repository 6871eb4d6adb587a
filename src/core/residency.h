/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages of a process were in memory: runs of pages, as a file beside a capture's core keeps them, and how many bytes of a range were.
 *
 * The file is called `pages`. It is one line of text,
 *
 *	heapcore-pages FORMAT PAGE_SIZE RUNS LENGTH
 *
 * and behind it LENGTH bytes: RUNS runs in order of address, each of them
 *
 *	gap	pages between the end of the run before (0 for the first) and the beginning of this one: LEB128, unsigned
 *	pages	how many pages it has, at least one: LEB128, unsigned
 *	kind	one byte of the bits HC_PAGE_...
 *
 * What is in no run was neither in memory nor swapped out. Two runs may touch. FORMAT is 1; a reader refuses what is newer.
 */
#pragma once

#include "core/core.h"

enum {
	HC_RESIDENCY_FORMAT = 1,
	HC_RESIDENCY_RUNS_LIMIT = 1 << 24, /* that are kept: of what is in memory, and of what is swapped out, each */
};

typedef struct hc_residency hc_residency;

/*
 * Reads such contents. PAGE_SIZE: the process's. Fails with HC_ERROR_BAD_DATA, HC_ERROR_UNSUPPORTED (a later format),
 * HC_ERROR_TRUNCATED, HC_ERROR_NO_MEMORY (also of more runs than are kept). O(runs).
 */
hc_residency *hc_residency_load(const void *contents, size_t length, uint64_t page_size, GError **error);
void hc_residency_free(hc_residency *residency);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_residency, hc_residency_free)

/* One without pages, and RUN appended, which does not begin below the last one's end. FALSE: no memory, or too many runs. */
hc_residency *hc_residency_new(void);
bool hc_residency_add(hc_residency *residency, const hc_page_run *run);

/* What of [start, end) was in memory and swapped out. O(log runs). */
hc_resident hc_residency_of(const hc_residency *residency, hc_address start, hc_address end);

/*
 * The same for callers that ask in order of address, which costs a step or two: *HINT is 0 before the first call, and the callee's after
 * it. Any order gives the right answer.
 */
hc_resident hc_residency_next(const hc_residency *residency, hc_address start, hc_address end, size_t hint[2]);
