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
	bool is_memory, is_bound;
	uint64_t bytes_a, bytes_b; /* of the first and the last snapshot */
	uint64_t count_a, count_b;
	const char *unit;
	int64_t growth;			 /* bytes_b - bytes_a */
	uint64_t resident_a, resident_b; /* bytes of it that were in memory; 0 if hc_diff_knows_resident() does not */
	int64_t resident_growth;
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
	HC_GROWTH_MAPPING,  /* memory outside malloc's heap */
	HC_GROWTH_UNJOINED, /* stacks of threads that ended and were not joined: what of them is in memory */
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
	const char *name; /* of paths; else NULL. Untrusted */
	hc_row_id row;	  /* of the memory table, if it is one; else HC_ROW_NONE */
	bool is_bound;	  /* of rows of the memory table, as there */
	const hc_runtime_use
		*runtime; /* of such a row what this runtime has; NULL: all of it, or what no runtime has */
	hc_where where;	  /* of paths; of one of them, if THREADS */
	unsigned threads; /* of one variable in so many threads, whose rows are one; 0: of no thread, or of one */
	const char *type; /* of paths and lost blocks; NULL: not known */
	int64_t bytes;	  /* growth, from the first to the last */
	uint64_t before, after;
	uint64_t size; /* of blocks without a known owner: usable bytes of each; 0: of several sizes */
	uint64_t blocks_before, blocks_after;	  /* 0 where there are none to count */
	uint64_t elements_before, elements_after; /* UINT64_MAX: not a container */
	bool is_at_most; /* there may be fewer elements: no count is kept, or an element may be several of what was counted */
	const uint64_t *steps;			  /* bytes in each snapshot */
	const uint64_t *
		resident_steps; /* of these, bytes that were in memory, and of what is no memory as well; NULL: not known */
	int64_t resident;	 /* growth of that, from the first to the last; 0 if it is not known */
	hc_trend trend;
	const hc_snapshot_owner *owner; /* of paths, as in the last snapshot that has it; else NULL */
	const hc_leak_kind *lost;	/* of lost blocks, likewise */
	/* Of paths: bytes that others lead to as well, whatever KIND; and who. NULL: nobody. Of rows of one path it is said in each. */
	uint64_t shared_before, shared_after;
	const hc_sharing *shared;
	uint64_t outside_before,
		outside_after; /* of paths: bytes of these that are in no block: in memory that is not malloc's */
	uint64_t free_between_before,
		free_between_after; /* of paths: bytes of free chunks, each between two blocks of its; not of BYTES */
} hc_growth;

/* Whether what the row of a container holds is room for elements, with nothing in it. */
bool hc_growth_is_unused_capacity(const hc_growth *row);

/* Whether what grew is mostly what others lead to as well. */
bool hc_growth_is_shared(const hc_growth *row);

/* Whether what grew is in part memory that is not malloc's, so that it is worth telling. */
bool hc_growth_is_outside(const hc_growth *row);

typedef struct hc_diff hc_diff;

/*
 * Whose memory most of what ROW grew by besides malloc's is in; *RET_ALL: all of it, give or take a hundredth. NULL: that is not known, or it is
 * of several.
 */
const hc_runtime_use *hc_growth_outside_use(const hc_diff *diff, const hc_growth *row, bool *ret_all);

/* How sure a sentence is. */
typedef enum {
	HC_CONFIDENCE_CERTAIN,	/* the figures say so */
	HC_CONFIDENCE_LIKELY,	/* it rests on a deduction, or a core was not read whole */
	HC_CONFIDENCE_POSSIBLE, /* on a guess */
} hc_confidence;

const char *hc_confidence_name(hc_confidence confidence); /* "certain", "likely", "possible" */

/* What is behind growth, of a kind that somebody would do something about. */
typedef enum {
	HC_CAUSE_LEAK,		 /* all lost blocks */
	HC_CAUSE_CONTAINER,	 /* more elements, or more room for them */
	HC_CAUSE_BACKLOG,	 /* a container, with two counters of the program's that agree with it */
	HC_CAUSE_UNBOUNDED_KEYS, /* a container whose keys differ in numbers only */
	HC_CAUSE_OWNER,		 /* what hangs on a path that is no container */
	HC_CAUSE_BUFFER,	 /* mmapped blocks, in no container */
	HC_CAUSE_HELD,		 /* all blocks that something points to, but nothing that is known */
	HC_CAUSE_RETAINED,	 /* all free memory that malloc keeps */
	HC_CAUSE_OVERHEAD,	 /* malloc's own, libc's and the runtime's */
	HC_CAUSE_NOT_HEAP,	 /* a row of the memory table outside the heap */
	HC_CAUSE_SOCKETS,	 /* the kernel's memory: what waits in sockets */
	HC_CAUSE_UNJOINED, /* stacks of threads that ended and were not joined: address space, and some memory in it */
	HC_CAUSE_PAGE_TABLES, /* the kernel's memory: the process's page tables */
	HC_CAUSE_KIND_COUNT,
} hc_cause_kind;

/* "leak", "container-growth", "backlog", ...; sockets, unjoined threads and page tables are "not-heap" as well. */
const char *hc_cause_name(hc_cause_kind kind);

/* Two counters of the program's whose difference is what a queue holds, in the first and the last snapshot. */
typedef struct hc_counters {
	const char *in, *out; /* paths; untrusted */
	int64_t in_before, in_after, out_before, out_after;
} hc_counters;

typedef struct hc_cause {
	hc_cause_kind kind;
	const hc_growth *row; /* what it is about; of a leak the row that grew most. NULL: of sums, and of sockets */
	int64_t bytes;	      /* of growth */
	int64_t resident;     /* of growth of what is in memory; 0 if that is not known (hc_diff_knows_resident()) */
	hc_confidence confidence;
	hc_trend trend;
	/* of sums over rows (leak, held, retained) */
	int64_t blocks; /* more of them */
	uint64_t after; /* bytes in the last snapshot */
	unsigned rows;	/* that grew */
	/* of one kind each */
	const char *module;   /* leak: the library that most of it is of; NULL: none is, or is_unloaded. Untrusted */
	bool is_unloaded;     /* leak: most of it is of a library that was unloaded */
	bool is_bound;	      /* leak: memory that a core lacks may point to the blocks */
	hc_counters counters; /* backlog */
	const hc_growth
		*broken;     /* held: a container that claims to have grown, but could be read only in part; or NULL */
	int64_t heap_growth; /* sockets: of what malloc got from the system */
	const hc_growth *between; /* retained: the row whose blocks most of it stands between, if that grew, too */
} hc_cause;

/* What can be said of containers, so that nobody looks there in vain. */
typedef enum {
	HC_CONTAINERS_ARE_CAUSES,    /* one of the causes is a container, or another owner */
	HC_CONTAINERS_NOT_LOOKED_AT, /* in one of the snapshots */
	HC_CONTAINERS_NOT_READ,	     /* no heap was read in one of the cores, or it is another allocator's */
	HC_CONTAINERS_BROKEN,	     /* one that grew could not be read whole; none of the others grew */
	HC_CONTAINERS_GREW_LITTLE,   /* each by so little that it is no cause */
	HC_CONTAINERS_UNKNOWN,	     /* none that is known grew, but the owners of much are not known */
	HC_CONTAINERS_DID_NOT_GROW,
	HC_CONTAINERS_COUNT,
} hc_containers_state;

/* "causes", "not-looked-at", "not-read", "broken", "grew-little", "unknown", "did-not-grow" */
const char *hc_containers_state_name(hc_containers_state state);

/* Of COUNT snapshots (2 to HC_DIFF_SNAPSHOTS_MAX) in the order of time, which must outlive the diff. Never fails: different programs give HC_OTHER_PROGRAM. */
hc_diff *hc_diff_create(const hc_snapshot *const *snapshots, unsigned count);
void hc_diff_destroy(hc_diff *diff);

unsigned hc_diff_snapshot_count(const hc_diff *diff);
const hc_snapshot *hc_diff_snapshot(const hc_diff *diff, unsigned index);
const hc_snapshot *hc_diff_first(const hc_diff *diff);
const hc_snapshot *hc_diff_last(const hc_diff *diff);
char *hc_diff_snapshot_name(unsigned index); /* "A", ..., "Z", "27", ...; free with g_free() */

hc_sameness hc_diff_sameness(const hc_diff *diff);	  /* the worst of all with the first */
const hc_snapshot *hc_diff_compared(const hc_diff *diff); /* the snapshot that is of: hc_diff_sameness() */
bool hc_diff_is_partial(const hc_diff *diff);		  /* one of the cores was not read whole */
/* Seconds from snapshot A to B; FALSE: not known, or they are of different processes' clocks. */
bool hc_snapshot_seconds(const hc_snapshot *a, const hc_snapshot *b, int64_t *ret_seconds);
/* Whether two snapshots have the same load addresses, as far as they are known. */
bool hc_snapshot_same_addresses(const hc_snapshot *a, const hc_snapshot *b);
/* Whether the heap of SNAPSHOT is known: it was found, or glibc's malloc was not used yet. */
bool hc_snapshot_knows_heap(const hc_snapshot *snapshot);
/* Whether SNAPSHOT is of a core that was cut, or that lacks the heap. */
bool hc_snapshot_is_torn(const hc_snapshot *snapshot);
/* The row ID of the memory table; NULL: it has none. */
const hc_memory_row *hc_snapshot_row(const hc_snapshot *snapshot, hc_row_id id);
int64_t hc_diff_growth(const hc_diff *diff); /* of all mapped bytes */

/*
 * A core lacks memory that it should have (it was cut), or its heap: how much memory grew is then not known (0 is told), and the attribution
 * has only rows that every core has whole. They do not add up.
 */
bool hc_diff_is_torn(const hc_diff *diff);
int64_t hc_diff_memory_growth(
	const hc_diff *diff); /* of the top rows that are memory: without reserved address space */

/*
 * Whether all snapshots know what was in memory, and how much that grew: the growth of what the system calls the process's resident memory
 * (Rss of smaps), whatever row of the memory table it is in. Causes are then in the order of their resident bytes.
 */
bool hc_diff_knows_resident(const hc_diff *diff);
int64_t hc_diff_resident_growth(const hc_diff *diff); /* 0 if it is not known */
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

/* The causes, most bytes first (resident ones where they are known), those that stopped growing last; of less than a hundredth of the growth only leaks. */
unsigned hc_diff_cause_count(const hc_diff *diff);
const hc_cause *hc_diff_cause(const hc_diff *diff, unsigned index);

/* *RET_GROWTH: of all containers and owners, in bytes. */
hc_containers_state hc_diff_containers(const hc_diff *diff, int64_t *ret_growth);
/* Free memory is no cause, and too little to gain anything from. */
bool hc_diff_keeps_little(const hc_diff *diff);

/* A class of two layouts that lost blocks hang on in the last snapshot, or damage. */
typedef struct hc_diff_layouts {
	const hc_snapshot_layouts *layouts; /* of the last snapshot */
	bool knows_before;		    /* FALSE: in the first snapshot it was not looked for */
	hc_amount before;		    /* lost blocks on it in the first snapshot */
} hc_diff_layouts;

unsigned hc_diff_layouts_count(const hc_diff *diff); /* most lost bytes first */
hc_diff_layouts hc_diff_layouts_get(const hc_diff *diff, unsigned index);

/* Whether SNAPSHOT is of an earlier version, which looked neither for classes of two layouts nor for calls that allocate. */
bool hc_snapshot_is_without_code(const hc_snapshot *snapshot);

/* Which calls may have made the blocks of ROW, lost ones of a kind, or of a size without a known owner, by the last snapshot. NULL: not known. */
const hc_site_answer *hc_diff_site(const hc_diff *diff, const hc_growth *row);

/*
 * Growth of what users name in conditions: "lost-bytes", "in-use-bytes" (a row of the memory table, or a figure of the totals),
 * "container:PATH.elements", ".bytes", ".count". FALSE if there is no such thing in any of the snapshots.
 */
bool hc_diff_figure(const hc_diff *diff, const char *name, int64_t *ret_growth);

/* Memory that is mapped and was not in memory, more than before: why what is resident grew less than what is mapped, or shrank. */
typedef enum {
	HC_ABSENT_SWAPPED,   /* swapped out */
	HC_ABSENT_HEAP,	     /* malloc's */
	HC_ABSENT_ANONYMOUS, /* other private mappings */
	HC_ABSENT_SHARED,    /* shared memory */
	HC_ABSENT_FILES,
	HC_ABSENT_COUNT,
} hc_absent_kind;

typedef struct hc_absent {
	hc_absent_kind kind;
	uint64_t bytes;	    /* so many more; of kinds but the first without what was swapped out */
	bool is_given_back; /* it was in memory before; FALSE: that is not known, it may never have been touched */
} hc_absent;

/*
 * Fills LIST with what tells why, most bytes first, and returns how many there are. 0: what is resident moved as what is mapped did, by half
 * of it at least; or it is not known.
 */
unsigned hc_diff_absent(const hc_diff *diff, hc_absent list[HC_ABSENT_COUNT]);

/* The bytes that wait in sockets and grew; 0 if they did not, or if that is not known. */
uint64_t hc_diff_kernel_growth(const hc_diff *diff);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_diff, hc_diff_destroy)

HC_END_DECLS
