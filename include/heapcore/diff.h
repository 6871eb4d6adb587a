/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diff: two analyses side by side: is it the same program, and which rows of the memory table grew?
 */
#pragma once

#include <heapcore/analysis.h>
#include <heapcore/capture.h>

G_BEGIN_DECLS

typedef enum {
	HC_SAME_PROCESS, /* same executable build-id, same pid, same load addresses */
	HC_SAME_PROGRAM, /* same executable build-id, another process */
	HC_OTHER_BUILD,	 /* same name, another build-id */
	HC_OTHER_PROGRAM,
	HC_SAME_UNKNOWN, /* the cores do not tell */
} hc_sameness;

const char *hc_sameness_name(hc_sameness sameness); /* "same-process", ...: for JSON */

typedef struct hc_diff_row {
	const char *id, *title; /* as hc_memory_row */
	const char *of;
	bool is_memory;
	uint64_t bytes_a, bytes_b;
	uint64_t count_a, count_b;
	const char *unit;
	int64_t growth; /* bytes_b - bytes_a */
} hc_diff_row;

/* Blocks in use (the program's) of one usable size: what grew by number. */
typedef struct hc_diff_size {
	uint64_t size;
	uint64_t blocks_a, blocks_b;
	uint64_t lost_a, lost_b; /* of these, directly or indirectly lost */
	int64_t growth;		 /* bytes */
} hc_diff_size;

typedef struct hc_diff hc_diff;

/* Both analyses must have run all stages and outlive the diff. Never fails: different programs give HC_OTHER_PROGRAM. */
hc_diff *hc_diff_create(const hc_analysis *a, const hc_analysis *b);
void hc_diff_destroy(hc_diff *diff);

hc_sameness hc_diff_sameness(const hc_diff *diff);
const char *hc_diff_sameness_text(const hc_diff *diff); /* one sentence with pids and build-ids */
const char *hc_diff_verdict(const hc_diff *diff); /* a sentence or two: how much memory grew, and what explains it */
int64_t hc_diff_growth(const hc_diff *diff);	  /* of all mapped bytes */
int64_t hc_diff_memory_growth(
	const hc_diff *diff); /* of the top rows that are memory: without reserved address space */
unsigned hc_diff_row_count(const hc_diff *diff);
const hc_diff_row *hc_diff_row_get(const hc_diff *diff, unsigned index);
unsigned hc_diff_size_count(const hc_diff *diff); /* sizes that grew or shrank, most bytes grown first */
const hc_diff_size *hc_diff_size_get(const hc_diff *diff, unsigned index);
const hc_findings *hc_diff_findings(const hc_diff *diff); /* what grew, largest first */

/* What lies beside the cores; NULL if nothing does. */
const hc_side_facts *hc_diff_side_facts_a(const hc_diff *diff);
const hc_side_facts *hc_diff_side_facts_b(const hc_diff *diff);

/* Whether ROW is in malloc's books: what it got from the system, in use or free. */
bool hc_diff_is_books_row(const hc_diff_row *row);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_diff, hc_diff_destroy)

G_END_DECLS
