/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owners: who holds what is in use, and who retains it.
 *
 * Two figures, each with one meaning. What a path *holds* are the blocks that hang on it by the best evidence there is (hc_types): each
 * block is counted once, so the paths' sums, with what is libc's, lost or not known, are all bytes in use. What one *retains* would be
 * unreachable without it: blocks that no other pointer leads to from anywhere. Blocks of two variables are held by one, and retained by
 * neither.
 */
#pragma once

#include <heapcore/types.h>

HC_BEGIN_DECLS

typedef enum {
	HC_OWNER_PATH,
	HC_OWNER_UNKNOWN, /* alive, but no path leads there */
	HC_OWNER_LIBC,	  /* blocks of libc and the runtime */
	HC_OWNER_LOST,	  /* directly or indirectly */
	HC_OWNER_KIND_COUNT,
} hc_owner_kind;

const char *hc_owner_kind_name(hc_owner_kind kind); /* "path", "unknown", "libc", "lost": for JSON */

/* What an owner was told by. */
typedef enum {
	HC_OWNER_BY_TYPE,     /* a variable with a type */
	HC_OWNER_BY_POINTERS, /* the place of words; no type leads there */
	HC_OWNER_BY_CONTENT,  /* nothing: the blocks say by a vtable what they are */
} hc_owner_basis;

const char *hc_owner_basis_name(hc_owner_basis basis); /* "type", "pointers", "content": for JSON */

enum {
	HC_OWNER_NO_ROW = UINT32_MAX
};

/* The part of what a path holds that pointers from elsewhere in the program's data lead to as well. */
typedef struct hc_sharing {
	hc_amount amount;
	const char *with; /* the path that most of it is reached from, too; NULL: none, or that was not asked for */
	unsigned others;  /* more such paths */
} hc_sharing;

/* What rows of level 0 are. */
typedef enum {
	HC_OWNERS_BY_ROOT,   /* those that begin paths */
	HC_OWNERS_BY_THREAD, /* threads, whose stacks and storage paths begin in; one more for all other paths */
	HC_OWNERS_BY_MODULE, /* the program and libraries, whose data they begin in */
} hc_owners_by;

/*
 * Where what an owner has piles up: going down from it to the largest of what is below, as long as that has more than half of it, one
 * comes to what has many small things. Where the owner retains most of what it holds, that is an object in the tree of what retains
 * what; else a row, by what rows hold.
 */
typedef struct hc_owner_accumulation {
	bool is_found;
	uint32_t row;	    /* HC_OWNER_NO_ROW: it hangs on another owner's path */
	bool is_by_holding; /* what follows is of the row; else of the object */
	hc_address block;   /* the object; 0: the owner itself is it, or it is a row */
	uint64_t size;	    /* its usable bytes */
	uint64_t bytes;	    /* that it retains, or holds */
	uint64_t below;	    /* blocks right below it: what each of them retains it retains, too; 0 of a row */
	bool is_list;	    /* these are one, and lead to the next, and so on */
} hc_owner_accumulation;

/* Paths of one text below one row; of variables of several threads with one name, all together. */
typedef struct hc_owner_row {
	hc_owner_kind kind;
	uint32_t parent;	    /* HC_OWNER_NO_ROW: it is of level 0 */
	uint32_t first_child, next; /* the one below that holds most; the next one beside it; or HC_OWNER_NO_ROW */
	unsigned level;		    /* rows above it */
	bool begins;		    /* a path begins here: the rows below it are of the same variable, or place */
	hc_owners_by group;	    /* what it is, with rows that begin paths below it; HC_OWNERS_BY_ROOT: none */
	const char *text; /* "g_registry.sessions_[]->queue_"; of a group "thread 4711", "libfoo.so", "" (all others) */
	const char *type; /* of most of its blocks; NULL: not known */
	hc_where where;
	unsigned threads; /* whose variables they are; 0 or 1: of one, or none */
	hc_owner_basis basis;
	hc_certainty certainty; /* the best of its paths' */
	hc_amount holds, own;	/* usable bytes; own: that hang on no row below */
	uint64_t outside;  /* bytes besides, with those of rows below: in memory that is not malloc's (hc_types_path) */
	uint64_t untyped;  /* bytes of both that only words lead to, whatever the type is of what those stand in */
	uint64_t resident; /* of the bytes of `holds`, those that were in memory; 0 if that is not known */
	uint64_t outside_resident; /* the same of `outside`, with its pages of zeros */
	bool is_container; /* most of what it has itself is of one */
	bool has_retained; /* that was asked for, and could be told */
	/*
	 * Bytes. Of one that begins a path: what nothing would lead to without it. Of others: what hangs on one of its own blocks
	 * alone, each byte once; so for several blocks it is the least that nothing would lead to without them.
	 */
	uint64_t retained;
	bool accumulates;		    /* it is where what the row that begins its path has accumulates */
	hc_owner_accumulation accumulation; /* of one that begins a path and has at least 1 % of what is in use */
	hc_sharing shared;
} hc_owner_row;

/* Whether only words lead to more than half of what the row holds, outside of malloc's memory, too. */
static inline bool hc_owner_row_is_mostly_untyped(const hc_owner_row *row)
{
	return row->untyped > (row->holds.bytes + row->outside) / 2;
}

/* What comes first among rows side by side: most of ... */
typedef enum {
	HC_OWNERS_HOLDS,
	HC_OWNERS_OWN,
	HC_OWNERS_RETAINS,
	HC_OWNERS_BLOCKS,
} hc_owners_order;

typedef struct hc_ownership_options {
	bool no_retained; /* takes longest */
	bool with_shared; /* takes nearly as long */
	hc_owners_by by;
	hc_owners_order order;
	unsigned jobs; /* threads; 0: one per processor */
} hc_ownership_options;

typedef struct hc_ownership hc_ownership;
void hc_ownership_destroy(hc_ownership *ownership);

/* Rows 0 to COUNT - 1, parents before their children. */
uint32_t hc_ownership_row_count(const hc_ownership *ownership);
const hc_owner_row *hc_ownership_row(const hc_ownership *ownership, uint32_t index);

/* What stands behind the path of the row above: "->queue_"; all of it, where the row begins one. */
const char *hc_owner_row_tail(const hc_ownership *ownership, const hc_owner_row *row);

/* The first of level 0, in order; HC_OWNER_NO_ROW: none. The next ones: hc_owner_row.next. */
uint32_t hc_ownership_first(const hc_ownership *ownership);

/* Of path NUMBER alone, as in hc_types_path_get(), without what is below it. */
hc_sharing hc_ownership_shared_of_path(const hc_ownership *ownership, uint32_t number);

/* The row of the path TEXT that holds most; HC_OWNER_NO_ROW if there is none. */
uint32_t hc_ownership_find(const hc_ownership *ownership, const char *text);

/* The row that what hangs on path NUMBER of the types is counted in; HC_OWNER_NO_ROW if nothing does. */
uint32_t hc_ownership_row_of_path(const hc_ownership *ownership, uint32_t number);

/*
 * Bytes that nothing would lead to without block NUMBER, its own among them. FALSE if that was not asked for, or no root that is known
 * leads to the block.
 */
bool hc_ownership_retained_by_block(const hc_ownership *ownership, uint32_t number, uint64_t *ret_bytes);

/* The nearest block that all ways to block NUMBER lead through. FALSE if there is none, or that is not known. */
bool hc_ownership_dominator(const hc_ownership *ownership, uint32_t number, uint32_t *ret_dominator);

/* What is held by no path; all together: bytes in use. */
hc_amount hc_ownership_amount(const hc_ownership *ownership, hc_owner_kind kind);
hc_amount hc_ownership_lost(const hc_ownership *ownership, bool directly);
hc_amount hc_ownership_total(const hc_ownership *ownership);

/* Bytes in memory that is not malloc's that paths have. */
uint64_t hc_ownership_outside(const hc_ownership *ownership);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_ownership, hc_ownership_destroy)

HC_END_DECLS
