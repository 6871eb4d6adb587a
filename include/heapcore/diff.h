/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diff: snapshots of a process side by side: is it the same program, what grew, by whom, and what did not.
 *
 * The growth of memory (reserved address space aside) from the first snapshot to the last is shared out, without a byte left over
 * or counted twice, among lost blocks by kind, containers by path, other blocks by owner, what malloc keeps, and everything
 * beside the heap. Rows are matched by what they are (path, type, shape), never by address: addresses are used again.
 */
#pragma once

#include <heapcore/snapshot.h>

HC_BEGIN_DECLS

enum {
	HC_DIFF_SNAPSHOTS_MAX = 64,
	HC_DIFF_CAUSES_TOLD = 3, /* in the verdict; the others are sentences all the same */
};

typedef enum {
	HC_SAME_PROCESS, /* same executable build-id, same pid, same load addresses, same execution */
	HC_SAME_PROGRAM, /* same executable build-id, another process */
	HC_OTHER_BUILD,	 /* same name, another build-id */
	HC_OTHER_PROGRAM,
	HC_SAME_UNKNOWN, /* the cores do not tell */
} hc_sameness;

const char *hc_sameness_name(hc_sameness sameness); /* "same-process", ...: for JSON */

/* A row of the memory table. */
typedef struct hc_diff_row {
	hc_row_id id, of; /* as hc_memory_row */
	const char *title;
	bool is_memory;
	uint64_t bytes_a, bytes_b; /* of the first and the last snapshot */
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

/* What memory is attributed to. */
typedef enum {
	HC_GROWTH_LOST,	     /* blocks that nothing points to, of one kind */
	HC_GROWTH_CONTAINER, /* what a container owns, and what lies below it */
	HC_GROWTH_OWNER,     /* blocks that hang on a path that is no container */
	HC_GROWTH_BUFFER,    /* mmapped blocks, in no container */
	HC_GROWTH_HELD,	     /* something points to them, but nothing that is known */
	HC_GROWTH_FREE,	     /* kept by malloc */
	HC_GROWTH_RUNTIME,   /* libc's and the runtime's own blocks */
	HC_GROWTH_OVERHEAD,  /* malloc's own */
	HC_GROWTH_STACKS,
	HC_GROWTH_DATA,
	HC_GROWTH_MAPPING, /* memory outside malloc's heap */
	HC_GROWTH_REST,	   /* not attributed */
	HC_GROWTH_KIND_COUNT,
} hc_growth_kind;

const char *hc_growth_kind_name(hc_growth_kind kind); /* "lost", "container", ... */

/* How something changed over three snapshots and more. */
typedef enum {
	HC_TREND_UNKNOWN,  /* two snapshots do not tell */
	HC_TREND_STEADY,   /* did not change */
	HC_TREND_GROWING,  /* grew at every step, by much the same */
	HC_TREND_STOPPED,  /* grew, but not in the last step: warm-up */
	HC_TREND_UNSTEADY, /* up and down, or by leaps */
	HC_TREND_COUNT,
} hc_trend;

const char *hc_trend_name(hc_trend trend); /* "unknown", "steady", "growing", "stopped", "unsteady" */

typedef struct hc_growth {
	hc_growth_kind kind;
	const char *name;  /* a path, a library and what is lost, "top of the heap", ... Untrusted */
	hc_row_id row;	   /* of the memory table, if it is one; else HC_ROW_NONE */
	const char *where; /* of paths: "static", "run_session() frame 2 of thread 4711"; else NULL */
	unsigned threads;  /* of one variable in so many threads, whose rows are one; 0: of no thread, or of one */
	const char *type;  /* of paths and lost blocks; NULL: not known */
	int64_t bytes;	   /* growth, from the first to the last */
	uint64_t before, after;
	uint64_t blocks_before, blocks_after;	  /* 0 where there are none to count */
	uint64_t elements_before, elements_after; /* UINT64_MAX: not a container */
	const uint64_t *steps;			  /* bytes in each snapshot */
	hc_trend trend;
	const hc_snapshot_owner *owner; /* of paths, as in the last snapshot that has it; else NULL */
	const hc_snapshot_lost *lost;	/* of lost blocks, likewise */
} hc_growth;

/* Whether what the row of a container holds is room for elements, with nothing in it. */
bool hc_growth_is_unused_capacity(const hc_growth *row);

/* How sure a sentence is. */
typedef enum {
	HC_CONFIDENCE_CERTAIN,	/* the figures say so */
	HC_CONFIDENCE_LIKELY,	/* it rests on a deduction, or a core was not read whole */
	HC_CONFIDENCE_POSSIBLE, /* on a guess */
} hc_confidence;

const char *hc_confidence_name(hc_confidence confidence); /* "certain", "likely", "possible" */

/* A cause, in words. */
typedef struct hc_sentence {
	const char *
		kind; /* "leak", "container-growth", "backlog", "unbounded-keys", "retained", "big-buffers", "owner-growth", "held",
			     "overhead", "not-heap" (with the name "sockets": the kernel's memory) */
	char *name; /* the object: a path, a library; "" if it has none. Untrusted */
	int64_t bytes;
	hc_confidence confidence;
	hc_trend trend;
	char *text;    /* escaped for terminals */
	char *command; /* as hc_finding; or NULL */
} hc_sentence;

typedef struct hc_diff hc_diff;

/* Of COUNT snapshots (2 to HC_DIFF_SNAPSHOTS_MAX) in the order of time, which must outlive the diff. Never fails: different programs give HC_OTHER_PROGRAM. */
hc_diff *hc_diff_create(const hc_snapshot *const *snapshots, unsigned count);
void hc_diff_destroy(hc_diff *diff);

unsigned hc_diff_snapshot_count(const hc_diff *diff);
const hc_snapshot *hc_diff_snapshot(const hc_diff *diff, unsigned index);
char *hc_diff_snapshot_name(unsigned index); /* "A", ..., "Z", "27", ...; free with g_free() */

hc_sameness hc_diff_sameness(const hc_diff *diff);	/* the worst of all with the first */
const char *hc_diff_sameness_text(const hc_diff *diff); /* one sentence with pids and build-ids */
const char *hc_diff_verdict(const hc_diff *diff); /* sentences, one a line, most bytes first; then what did not grow */
int64_t hc_diff_growth(const hc_diff *diff);	  /* of all mapped bytes */

/*
 * A core lacks memory that it should have (it was cut), or its heap: how much memory grew is then not known (0 is told), and the attribution
 * has only rows that every core has whole. They do not add up.
 */
bool hc_diff_is_torn(const hc_diff *diff);
int64_t hc_diff_memory_growth(
	const hc_diff *diff); /* of the top rows that are memory: without reserved address space */
unsigned hc_diff_row_count(const hc_diff *diff);
const hc_diff_row *hc_diff_row_get(const hc_diff *diff, unsigned index);
unsigned hc_diff_size_count(const hc_diff *diff); /* sizes that grew or shrank, most bytes grown first */
const hc_diff_size *hc_diff_size_get(const hc_diff *diff, unsigned index);

/* What the growth is attributed to, most bytes grown first; all of them add up to hc_diff_memory_growth(). */
unsigned hc_diff_attribution_count(const hc_diff *diff);
const hc_growth *hc_diff_attribution(const hc_diff *diff, unsigned index);

/* What did not grow: containers, most bytes first, then memory outside the heap. */
unsigned hc_diff_steady_count(const hc_diff *diff);
const hc_growth *hc_diff_steady(const hc_diff *diff, unsigned index);

/* The verdict's causes. */
unsigned hc_diff_sentence_count(const hc_diff *diff);
const hc_sentence *hc_diff_sentence(const hc_diff *diff, unsigned index);

/*
 * Growth of what users name in conditions: "lost-bytes", "in-use-bytes" (a row of the memory table, or a figure of the totals),
 * "container:PATH.elements", ".bytes", ".count". FALSE if there is no such thing in any of the snapshots.
 */
bool hc_diff_figure(const hc_diff *diff, const char *name, int64_t *ret_growth);

/* The bytes that wait in sockets and grew; 0 if they did not, or if that is not known. */
uint64_t hc_diff_kernel_growth(const hc_diff *diff);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_diff, hc_diff_destroy)

HC_END_DECLS
