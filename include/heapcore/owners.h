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

/* Paths of one text below one row; of variables of several threads with one name, all together. */
typedef struct hc_owner_row {
	hc_owner_kind kind;
	uint32_t parent;	    /* HC_OWNER_NO_ROW: it begins a path, or is none */
	uint32_t first_child, next; /* the one below that holds most; the next one beside it; or HC_OWNER_NO_ROW */
	unsigned level;		    /* rows above it */
	const char *text;	    /* "g_registry.sessions_[]->queue_"; NULL of others than paths */
	const char *type;	    /* of most of its blocks; NULL: not known */
	hc_where where;
	unsigned threads; /* whose variables they are; 0 or 1: of one, or none */
	hc_owner_basis basis;
	hc_certainty certainty; /* the best of its paths' */
	hc_amount holds, own;	/* usable bytes; own: that hang on no row below */
	bool has_retained;	/* it begins a path, and that was asked for, and could be told */
	uint64_t retained;	/* bytes */
} hc_owner_row;

typedef struct hc_ownership_options {
	bool no_retained; /* takes longest */
	bool by_retained; /* rows that begin a path: what retains most comes first */
	unsigned jobs;	  /* threads; 0: one per processor */
} hc_ownership_options;

typedef struct hc_ownership hc_ownership;
void hc_ownership_destroy(hc_ownership *ownership);

/* Rows 0 to COUNT - 1, parents before their children. */
uint32_t hc_ownership_row_count(const hc_ownership *ownership);
const hc_owner_row *hc_ownership_row(const hc_ownership *ownership, uint32_t index);

/* The first of those that begin paths, in order; HC_OWNER_NO_ROW: none. The next ones: hc_owner_row.next. */
uint32_t hc_ownership_first(const hc_ownership *ownership);

/* The row of the path TEXT that holds most; HC_OWNER_NO_ROW if there is none. */
uint32_t hc_ownership_find(const hc_ownership *ownership, const char *text);

/* What is held by no path; all together: bytes in use. */
hc_amount hc_ownership_amount(const hc_ownership *ownership, hc_owner_kind kind);
hc_amount hc_ownership_lost(const hc_ownership *ownership, bool directly);
hc_amount hc_ownership_total(const hc_ownership *ownership);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_ownership, hc_ownership_destroy)

HC_END_DECLS
