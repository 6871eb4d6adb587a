/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * References: which blocks the program can still reach, by a conservative scan. Any word that holds an address inside a
 * block keeps it alive, wherever in the block it points. A block that only such interior pointers lead to is *possibly lost*,
 * in valgrind's sense: programs seldom keep a block by a pointer into its middle alone. Known exceptions count as pointers
 * to the start: the elements behind an array cookie, a second base class, strings behind their length.
 */
#pragma once

#include <heapcore/areas.h>

HC_BEGIN_DECLS

typedef enum {
	HC_REACH_NONE,		/* not in use: neither alive nor lost */
	HC_REACH_REACHABLE,	/* a chain of pointers leads to it from a root; or it is libc's own */
	HC_REACH_DIRECTLY_LOST, /* nothing points to it (or only its own ring does: one block of the ring stands for it) */
	HC_REACH_INDIRECTLY_LOST, /* only lost blocks point to it */
	HC_REACH_POSSIBLY_LOST, /* alive only if a pointer into its middle counts, or hangs on such a block; not counted as lost */
	HC_REACH_INNER, /* alive: the pointers into its middle are where a header or a pool explains them; or hangs on such a block */
	HC_REACH_ENCODED, /* alive: pointers in an encoding that was learned, or that types tell, lead to it; or hangs on such a block */
	HC_REACH_COUNT,
} hc_reach;

/* "reachable", "directly lost", "indirectly lost", "possibly lost", "held inside", "reached by encoded pointers"; "" for none */
const char *hc_reach_name(hc_reach reach);

static inline bool hc_reach_is_lost(hc_reach reach)
{
	return reach == HC_REACH_DIRECTLY_LOST || reach == HC_REACH_INDIRECTLY_LOST;
}

/* Why memory was searched for pointers, or was not. */
typedef enum {
	HC_ROOT_REGISTERS,
	HC_ROOT_DATA,	       /* of the program or a library */
	HC_ROOT_STACK,	       /* frames, thread-local storage */
	HC_ROOT_RESULT,	       /* of a thread that has ended and waits to be joined */
	HC_ROOT_WRITABLE_FILE, /* a mapping of one */
	HC_ROOT_SHARED,	       /* shared memory */
	HC_ROOT_ANONYMOUS,     /* memory that is not malloc's */
	HC_ROOT_SBRK,	       /* memory that the program got from sbrk() itself */
	HC_ROOT_UNREADABLE,    /* malloc's, but the blocks in it are not known */
	HC_ROOT_KERNEL,	       /* the kernel's: searched if it is no code */
	HC_ROOT_MALLOC_STATE,  /* from here on not searched */
	HC_ROOT_STACK_UNUSED,
	HC_ROOT_FILE,	    /* read-only */
	HC_ROOT_RESERVED,   /* address space only */
	HC_ROOT_NOT_DUMPED, /* its bytes are not in the core */
	HC_ROOT_LACKING,    /* likewise, and they would be searched */
	HC_ROOT_REASON_COUNT,
} hc_root_reason;

const char *hc_root_reason_name(hc_root_reason reason); /* "registers", "data", ...: for JSON */

/* A range of memory (or a register file) that was searched for pointers, or was not, and why. */
typedef struct hc_root {
	hc_address start, end; /* of memory; both 0 for registers */
	hc_area_kind kind;
	unsigned owner; /* as hc_area; thread index for registers */
	bool registers;
	bool used;
	hc_root_reason reason;
} hc_root;

typedef struct hc_references hc_references;

typedef struct hc_references_totals {
	hc_amount reachable, directly_lost, indirectly_lost; /* usable bytes; labelled blocks are in `reachable` */
	hc_amount possibly_lost; /* a part of `reachable`: only interior pointers lead there */
	hc_amount held_inside;	 /* another part: interior pointers that a header or a pool explains */
	hc_amount encoded;	 /* another part: only encoded pointers lead there */
	uint64_t root_bytes;	 /* searched */
	uint64_t words;		 /* looked at, roots and blocks */
	uint64_t candidates;	 /* words whose value lies in the heap's address range */
	uint64_t learning;	 /* looked at to learn encodings and habits: words, and numbers tried */
} hc_references_totals;

/* How a pointer is kept that is not an address. */
typedef enum {
	HC_ENCODING_NONE,	/* it is an address */
	HC_ENCODING_TAG,	/* an address with something else in bits 48 to 63 */
	HC_ENCODING_FROM_WORD,	/* the distance from the word's own place */
	HC_ENCODING_FROM_BLOCK, /* the distance from the start of the block that holds the word */
	HC_ENCODING_COMPRESSED, /* 32 bits: times `factor`, from `base` */
	HC_ENCODING_IN_FRONT,	/* words of a table: each leads as far in front of its block as that is large */
	HC_ENCODING_TYPED,	/* the program's types tell: a container, or a pointer, at the word's place holds the block */
	HC_ENCODING_KIND_COUNT,
} hc_encoding_kind;

const char *hc_encoding_kind_name(hc_encoding_kind kind); /* "tag", "from-word", ...: for JSON; NULL of none */

typedef struct hc_encoding {
	hc_encoding_kind kind;
	unsigned factor; /* of compressed ones; else 0 */
	hc_address base;
} hc_encoding;

/* What explains pointers into the middle of blocks. */
typedef enum {
	HC_HABIT_HEADER,	 /* of `bytes` before what the pointer leads to */
	HC_HABIT_HEADER_AT_END,	 /* the pointer leads to one close to the block's end */
	HC_HABIT_VARYING_HEADER, /* its length is `factor` times the signed 32 bits `place` bytes behind the pointer */
	HC_HABIT_POOL,		 /* many hold pointers into one block */
	HC_HABIT_LINKED,	 /* entries of lists, linked both ways */
	HC_HABIT_WAY_BACK,	 /* a header inside of the block leads back to its start */
	HC_HABIT_KIND_COUNT,
} hc_habit_kind;

const char *hc_habit_kind_name(hc_habit_kind kind); /* "header", "pool", ...: for JSON */

typedef struct hc_habit {
	hc_habit_kind kind;
	unsigned bytes;	   /* of a header; else 0 */
	int factor, place; /* of a varying one; else 0. PLACE is negative before the pointer */
} hc_habit;

/*
 * What was learned, *RET_COUNT of it: what explains the blocks that are held inside, and the encodings by which others are reached.
 * The references own it. None if there are no such blocks.
 */
const hc_habit *hc_references_habits(const hc_references *references, unsigned *ret_count);
const hc_encoding *hc_references_encodings(const hc_references *references, unsigned *ret_count);

const hc_references_totals *hc_references_get_totals(const hc_references *references);
hc_reach hc_references_reach(const hc_references *references, uint32_t block_number);

/*
 * The next lost block from number *NUMBER on, and sets *NUMBER to the one behind it: to visit all, begin with 0. FALSE when
 * there is none any more. Takes no time for blocks that are not lost.
 */
bool hc_references_next_lost(
	const hc_references *references, uint32_t *number, hc_block *ret_block, hc_reach *ret_reach);

unsigned hc_references_root_count(const hc_references *references);
const hc_root *hc_references_root(const hc_references *references, unsigned index);

/* Why a core lacks memory that may point to blocks. */
typedef enum {
	HC_MISSING_CUT,	     /* the core file ends before it */
	HC_MISSING_EXCLUDED, /* the program keeps it out of cores: madvise(MADV_DONTDUMP) */
	HC_MISSING_SHARED,   /* a mapping of a file that others may share: cores leave these out by default */
	HC_MISSING_LEFT_OUT, /* anonymous memory that the core leaves out, and does not tell why */
	HC_MISSING_UNKNOWN,  /* in no mapping of the core, but something points there: left out, or unmapped since */
} hc_missing_why;

/* A clause, of diagnostics: "kept out of cores by madvise(MADV_DONTDUMP)". */
const char *hc_missing_why_text(hc_missing_why why);
const char *hc_missing_why_name(hc_missing_why why); /* "cut", "excluded", "shared", "left-out", "unknown": for JSON */

/* Memory that is not in the core, and that may point to blocks that look lost. */
typedef struct hc_missing {
	hc_address start,
		end; /* HC_MISSING_UNKNOWN: from the lowest address pointed to up to the next mapping; END is a limit */
	hc_missing_why why;
	const char *path; /* of the file; untrusted; NULL: anonymous, or not known */
	uint64_t
		pointers; /* words of live memory that point there; 0: none, or not counted as the range is known to be memory */
	hc_address from; /* the lowest of these words; 0: none in memory */
} hc_missing;

/* What the core lacks of memory that may hold pointers, by address; found only if blocks look lost. */
unsigned hc_references_missing_count(const hc_references *references);
const hc_missing *hc_references_missing(const hc_references *references, unsigned index);

/* Whether what is called lost is an upper bound: the core lacks memory that may point there. */
bool hc_references_lost_is_bound(const hc_references *references);

/* hc_reference.register_index: an index of hc_thread.registers, or HC_REGISTER_VECTOR + an offset in vector_registers. */
enum {
	HC_REGISTER_NONE = -1,
	HC_REGISTER_VECTOR = 4096
};

/* Where a pointer to a block was found. */
typedef struct hc_reference {
	hc_address from;      /* address of the word; 0 if it is a register */
	hc_address to;	      /* the word's value; of an encoded pointer what it stands for */
	int64_t thread_id;    /* of the register or stack; 0 otherwise */
	uint32_t block;	      /* number of the block that holds the word; UINT32_MAX if it is a root */
	int register_index;   /* HC_REGISTER_NONE if it is in memory */
	hc_encoding encoding; /* as it was learned */
} hc_reference;

/*
 * The words that point into block NUMBER, at most LIMIT of them, roots first: data, then other memory, stacks, registers. Reads
 * all roots and all blocks in use: as slow as one marking. Free *ret_references with g_free(). *ret_total counts those beyond the
 * limit too.
 */
unsigned hc_references_to(const hc_references *references, uint32_t number, unsigned limit,
	hc_reference **ret_references, uint64_t *ret_total);

/* What a path begins at. */
typedef enum {
	HC_PATH_ROOT, /* a word in a root */
	HC_PATH_OWN,  /* a block that is libc's or the runtime's own, and alive by that */
	HC_PATH_LOST, /* a block that is directly lost: nothing leads there */
} hc_path_start;

/* A block on a path, and the word that leads to it: in a root, or in the block before it. */
typedef struct hc_path_step {
	hc_block block;
	bool has_reference; /* FALSE for the first block of HC_PATH_OWN and HC_PATH_LOST */
	hc_reference reference;
} hc_path_step;

typedef struct hc_paths hc_paths;

/*
 * The shortest paths to block NUMBER, at most LIMIT (1 to 1000), shortest first. No block is between on two of them; the blocks at
 * their ends are this one and whatever roots hold. A block that is reachable is so by pointers to the starts of blocks (and such
 * as are as good); paths to one that is possibly lost go by any pointer. Paths to a lost block begin at the directly lost one
 * that drags it. To a block that is not in use they tell who points to freed memory; there may be none.
 *
 * Takes 8 bytes for each block, and for each path at most as long as a marking on one thread. REFERENCES must outlive the
 * result. Fails with HC_ERROR_NO_MEMORY.
 */
hc_paths *hc_paths_find(const hc_references *references, uint32_t number, unsigned limit, GError **error);
void hc_paths_destroy(hc_paths *paths);

unsigned hc_paths_count(const hc_paths *paths);
hc_path_start hc_paths_start(const hc_paths *paths, unsigned index);
uint32_t hc_paths_length(const hc_paths *paths, unsigned index); /* blocks, the asked one included */

/* The block at place STEP (0: the first) of path INDEX. Reads the block before it, or for the first of all the roots. */
bool hc_paths_step(const hc_paths *paths, unsigned index, uint32_t step, hc_path_step *ret_step);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_paths, hc_paths_destroy)

HC_END_DECLS
