/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory table: where the mapped memory of the process is. Its top rows are disjoint and add up to the total, byte for
 * byte; that is asserted when it is made.
 */
#pragma once

#include <heapcore/references.h>

HC_BEGIN_DECLS

/* The rows that a table may have, in the order they are shown. docs/json.md says of each what it counts. */
typedef enum {
	HC_ROW_NONE,
	HC_ROW_IN_USE,	     /* blocks in use by the program, in arenas; usable bytes */
	HC_ROW_LOST,	     /* a part of it */
	HC_ROW_MMAPPED,	     /* blocks in use by the program, each in a mapping of its own */
	HC_ROW_LOST_MMAPPED, /* a part of these */
	HC_ROW_RUNTIME,	     /* blocks in use by libc and the language's runtime */
	HC_ROW_FREE_TCACHE,  /* free, kept by malloc; whole chunks */
	HC_ROW_FREE_FASTBINS,
	HC_ROW_FREE_BINS, /* unsorted, small and large ones, and free chunks on no list */
	HC_ROW_FREE_TOP,
	HC_ROW_OVERHEAD, /* malloc's own: headers, arenas, alignment, end marks */
	HC_ROW_STACKS,	 /* live parts */
	HC_ROW_DATA,	 /* of the program and libraries */
	HC_ROW_FILES,
	HC_ROW_SHARED,
	HC_ROW_ANONYMOUS,     /* private mappings that are nothing else */
	HC_ROW_FOREIGN_SBRK,  /* the program break, not malloc's */
	HC_ROW_KERNEL,	      /* vdso, vvar */
	HC_ROW_STACKS_UNUSED, /* from here on not memory, or not known */
	HC_ROW_RESERVED,
	HC_ROW_NOT_DUMPED,
	HC_ROW_HEAP_UNREADABLE,
	HC_ROW_TRUNCATED,
	HC_ROW_COUNT
} hc_row_id;

/* "in-use", "free-tcache", ...: stable, for JSON, snapshots and --fail-on. "" of what is no row. */
const char *hc_row_name(hc_row_id id);
/* HC_ROW_NONE if no row is called NAME. */
hc_row_id hc_row_called(const char *name);
bool hc_row_is_free(hc_row_id id); /* free memory that malloc keeps */
bool hc_row_is_lost(hc_row_id id);
/* Whether malloc counts the row's bytes among what it got from the system: in use, free, or its own. */
bool hc_row_is_mallocs(hc_row_id id);

typedef struct hc_memory_row {
	hc_row_id id;
	uint64_t bytes;
	bool knows_resident;
	hc_resident resident; /* what of it was in memory, and what was swapped out; 0 if that is not known */
	/*
	 * Of what was in memory, this process's share, as smaps tells it (Pss): a page that so many processes map counts as so much less.
	 * UINT64_MAX: not known, as of malloc's rows, and of snapshots.
	 */
	uint64_t proportional;
	uint64_t count;	      /* of `unit`; 0 where there is nothing to count */
	const char *unit;     /* "blocks", "threads", "mappings"; NULL if nothing is counted */
	hc_row_id of;	      /* the row that this one is a part of; HC_ROW_NONE: a top row, one of those that add up */
	bool is_memory; /* FALSE: reserved, not dumped, cut off: address space, or memory whose content is unknown */
	/* Fewer may be what ID says: lost, as the core lacks memory that may hold pointers; anonymous, as the heap was not found. */
	bool is_bound;
	const hc_area *
		largest; /* of shared and anonymous memory: the largest mapping; NULL: there is none, or it is not known */
} hc_memory_row;

/* Whether ROW is one of those that add up to the process's memory, without reserved address space. */
static inline bool hc_memory_row_counts(const hc_memory_row *row)
{
	return !row->of && row->is_memory;
}

typedef struct hc_memory hc_memory;

uint64_t hc_memory_total(const hc_memory *memory); /* all mapped bytes: the sum of the top rows */

/*
 * Whether it is known what was resident (hc_core_knows_resident()), and how much all top rows had of it: those that are no memory, too, for
 * a stack's unused part may have been touched before.
 */
bool hc_memory_knows_resident(const hc_memory *memory);
hc_resident hc_memory_resident(const hc_memory *memory); /* 0 if it is not known */

uint64_t hc_memory_proportional(const hc_memory *memory); /* the share of all rows; UINT64_MAX: not known */

unsigned hc_memory_row_count(const hc_memory *memory);
const hc_memory_row *hc_memory_row_get(const hc_memory *memory, unsigned index); /* in the order they are shown */
const hc_memory_row *hc_memory_row_find(const hc_memory *memory, hc_row_id id);	 /* NULL if there is none */
uint64_t hc_memory_row_bytes(const hc_memory *memory, hc_row_id id);		 /* 0 if there is none */

/* What of a row another runtime has (hc_area.runtime). */
typedef struct hc_memory_use {
	hc_row_id row;
	hc_runtime_use use;
	uint64_t bytes, mappings;
	hc_resident resident; /* 0 if that is not known */
} hc_memory_use;

/* In order of the rows, of each the most bytes first. Of very many only the first that are met: the rest is only in the row. */
unsigned hc_memory_use_count(const hc_memory *memory);
const hc_memory_use *hc_memory_use_get(const hc_memory *memory, unsigned index);

/* ---- what conditions name ---- */

/* Figures of one process, as `--fail-on` names them. Blocks in use and lost count usable bytes, free ones whole chunks. */
typedef struct hc_figures {
	hc_amount directly_lost, indirectly_lost, possibly_lost;
	uint64_t in_use; /* bytes: the program's, without those of libc and the runtime */
	uint64_t free;	 /* bytes that malloc keeps */
	uint64_t trim;	 /* bytes that malloc_trim(0) would give back: hc_free_pages_gain() */
	uint64_t mapped; /* bytes of address space */
	uint64_t unread; /* bytes that wait in sockets; UINT64_MAX if that is not known */
} hc_figures;

/* The figure called NAME ("lost", "leaked-bytes", "trim-bytes"); FALSE if none is, or it is not known. */
bool hc_figures_find(const hc_figures *figures, const char *name, uint64_t *ret_value);
/* The row whose bytes NAME means: its name with "-bytes" behind it; HC_ROW_NONE if there is none. */
hc_row_id hc_figures_row(const char *name);

HC_END_DECLS
