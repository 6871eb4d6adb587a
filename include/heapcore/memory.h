/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory table: where the mapped memory of the process is. Its top rows are disjoint and add up to the total, byte for
 * byte; that is asserted when it is made.
 */
#pragma once

#include <heapcore/references.h>

HC_BEGIN_DECLS

typedef struct hc_memory_row {
	const char *id;	   /* stable, for JSON and --fail-on: "in-use", "free-tcache", ... (docs/json.md lists them) */
	const char *title; /* for people: "in use by the program" */
	uint64_t bytes;
	uint64_t count;	  /* of `unit`; 0 where there is nothing to count */
	const char *unit; /* "blocks", "threads", "mappings"; NULL if nothing is counted */
	const char *of;	  /* id of the row that this one is a part of; NULL: a top row, one of those that add up */
	bool is_memory;	  /* FALSE: reserved, not dumped, cut off: address space, or memory whose content is unknown */
	char *note;	  /* a clause, or NULL; owned by the table */
} hc_memory_row;

typedef struct hc_memory hc_memory;

uint64_t hc_memory_total(const hc_memory *memory); /* all mapped bytes: the sum of the top rows */
unsigned hc_memory_row_count(const hc_memory *memory);
const hc_memory_row *hc_memory_row_get(const hc_memory *memory, unsigned index);  /* in the order they are shown */
const hc_memory_row *hc_memory_row_find(const hc_memory *memory, const char *id); /* NULL if there is none */

HC_END_DECLS
