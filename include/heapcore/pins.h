/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pins: which blocks keep the free memory of the heap from going back to the system.
 *
 *	start of an arena's region                                                  its end
 *	| ... | run: 40 MiB free | island: 3 blocks, 6 KiB | run: 9 MiB free | island | top: 132 KiB free |
 *
 * free() gives memory back only at the end: the top chunk shrinks once it is large enough. So a few blocks high up keep all
 * that is free below them. A *run* is free chunks side by side with at least HC_PINS_RUN_MINIMUM bytes of whole pages; an
 * *island* all blocks between one run and the next, or the end. An island with fewer bytes than the run below it *pins* that
 * run. Blocks in a thread's cache look in use to malloc, so they are of islands.
 *
 * malloc_trim(0) does not need the end: it gives back whole pages inside of free chunks, but for the tops of thread arenas.
 *
 * All sizes are bytes; free ones are of whole chunks, and so are an island's. Everything belongs to the hc_pins.
 */
#pragma once

#include <heapcore/types.h>

HC_BEGIN_DECLS

enum {
	HC_PINS_RUN_MINIMUM = 64 * 1024
};

/* The blocks between a run and the next one, or the end of its region. */
typedef struct hc_pin_island {
	hc_address start, end; /* of chunks; equal: there is nothing between the run and the end */
	hc_amount amount;      /* blocks in use or cached by a thread, bytes of their chunks */
	hc_amount cached;      /* of these: freed, in a thread's cache */
	hc_amount libc;	       /* of these: libc's or the runtime's own */
	uint64_t free;	       /* free memory among them that is no run of its own, a small top too */
	bool blocked; /* in it, or further up, is memory that is no chunk (foreign, unreadable): nothing goes back by free() */
} hc_pin_island;

typedef struct hc_pin_run {
	uint32_t arena;
	hc_address start; /* of its first chunk */
	uint64_t bytes;
	uint64_t whole; /* in whole pages that could go back */
	uint64_t zero;	/* of these, all zero in the core: given back already, or never touched */
	uint64_t trim;	/* what malloc_trim(0) would give back as it stands, zero pages left out */
	bool is_top;	/* its last chunk is the top of its arena */
	bool pinned;	/* by few bytes: it is not the top, and the island above has less bytes than the run */
	hc_pin_island above;
	unsigned islands; /* between it and the end of its arena, further heaps of a thread's arena included */
	/*
	 * What free() alone gives back once all blocks of these islands are freed, and in no cache: of this run and all above it,
	 * whether zero or not. At most: freed from the top down, the last part may be below the threshold. 0: nothing, or it is
	 * the top. By the default thresholds where malloc's are not known.
	 */
	uint64_t goes_back;
} hc_pin_run;

/* What the blocks of islands that pin are. */
typedef enum {
	HC_HOLDER_TYPED,   /* by type and path */
	HC_HOLDER_CACHED,  /* freed: in a thread's cache */
	HC_HOLDER_LIBC,	   /* libc's or the runtime's own */
	HC_HOLDER_UNKNOWN, /* in use, of one size */
	HC_HOLDER_KIND_COUNT,
} hc_holder_kind;

const char *hc_holder_kind_name(hc_holder_kind kind); /* "typed", "cached", "libc", "unknown" */

typedef struct hc_pin_holder {
	hc_holder_kind kind;
	const char *name;	/* of HC_HOLDER_TYPED: "Session"; NULL: not known. Untrusted */
	hc_label label;		/* of HC_HOLDER_LIBC */
	const char *path;	/* of HC_HOLDER_TYPED: "g_registry.sessions_[]"; else NULL. Untrusted */
	hc_certainty certainty; /* of the type */
	int64_t thread;		/* of HC_HOLDER_CACHED: whose cache; 0: not known, or it has ended */
	uint64_t size;		/* of HC_HOLDER_UNKNOWN: usable bytes of each */
	hc_amount amount;	/* in islands that pin: blocks, bytes of their chunks */
	uint64_t runs;		/* that are pinned by an island with any of them in it */
	uint64_t pinned;	/* ... their bytes in whole pages. Runs below mixed islands count for each holder */
	uint64_t alone;		/* ... of these below islands that have no other blocks */
	hc_address example;	/* a block (user memory) above the largest of these runs */
} hc_pin_holder;

/* Why malloc keeps free memory. The same byte can be under several. */
typedef enum {
	HC_KEPT_PINNED,	     /* whole pages of pinned runs */
	HC_KEPT_UNDER_LIVE,  /* whole pages of runs below islands larger than they are */
	HC_KEPT_TOP,	     /* whole pages of the main arena's top */
	HC_KEPT_THREAD_TOPS, /* whole pages of thread arenas' tops: malloc_trim() does not touch them */
	HC_KEPT_SCATTERED,   /* pages' parts, and whole pages of runs too small to be listed */
	HC_KEPT_LARGE,	     /* at most: free chunks that would have been mmapped had the threshold not risen */
	HC_KEPT_TCACHE,
	HC_KEPT_FASTBINS,
	HC_KEPT_ARENAS, /* free memory of thread arenas, where there are many */
	HC_KEPT_CAUSE_COUNT,
} hc_kept_cause;

/* "pinned", "under-live", "top", "thread-tops", "scattered", "large", "tcache", "fastbins", "arenas" */
const char *hc_kept_cause_name(hc_kept_cause cause);

typedef struct hc_kept {
	hc_kept_cause cause;
	uint64_t bytes;
} hc_kept;

/* "glibc.malloc.trim_threshold (MALLOC_TRIM_THRESHOLD_)": what sets how much of that is kept; NULL: nothing does. */
const char *hc_kept_tunable(hc_kept_cause cause);

typedef struct hc_pins_totals {
	uint64_t tcache, fastbins, bins, top; /* free memory, by kind; bins: with chunks that are in no list */
	uint64_t free;			      /* all four */
	hc_free_pages pages;		      /* of all arenas: hc_blocks_free_pages() */
	uint64_t trim;			      /* what malloc_trim(0) would give back: pages.trim - pages.trim_zero */
	uint64_t run_count, run_bytes, run_whole;
	uint64_t pinned, pinned_zero; /* whole pages of pinned runs; of these all zero */
	uint64_t pinned_trim;	      /* ... what malloc_trim(0) would give back of them */
	uint64_t pins;		      /* islands that pin */
	hc_amount pinning;	      /* their blocks */
} hc_pins_totals;

/* What advice is made of: a snapshot keeps it. */
typedef struct hc_pins_summary {
	bool heap_found;     /* FALSE: nothing is known, all else is 0 */
	uint64_t free;	     /* bytes that malloc keeps */
	uint64_t trim, zero; /* bytes that malloc_trim(0) would give back; of whole free pages that are zero already */
	bool knows_resident; /* `zero` is what was given back, or never touched, by the list of pages */
	uint64_t pinned;     /* bytes of whole pages of pinned runs */
	hc_amount pinning;   /* blocks of the islands that pin them */
	bool thresholds_known; /* malloc's own; else trim_threshold is the default */
	bool thresholds_move;  /* nobody set them */
	bool threshold_rose; /* ... and a large block was freed since: requests up to mmap_threshold are not mmapped any more */
	uint64_t trim_threshold, mmap_threshold; /* bytes */
	unsigned kept_count;
	hc_kept kept[HC_KEPT_CAUSE_COUNT]; /* those that hold anything, most bytes first */
} hc_pins_summary;

typedef struct hc_pins hc_pins;

/*
 * BLOCKS and TYPES (may be NULL: nothing is named by type) must outlive the result. Never fails; a heap that was not found gives
 * one without runs.
 */
hc_pins *hc_pins_create(const hc_core *core, const hc_blocks *blocks, const hc_types *types);
void hc_pins_destroy(hc_pins *pins);

void hc_pins_get_totals(const hc_pins *pins, hc_pins_totals *ret_totals);

/* Most whole pages first. */
unsigned hc_pins_run_count(const hc_pins *pins);
const hc_pin_run *hc_pins_run(const hc_pins *pins, unsigned index);

/* Most pinned bytes first. */
unsigned hc_pins_holder_count(const hc_pins *pins);
const hc_pin_holder *hc_pins_holder(const hc_pins *pins, unsigned index);

const hc_pins_summary *hc_pins_get_summary(const hc_pins *pins);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_pins, hc_pins_destroy)

HC_END_DECLS
