/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocation sites: the calls in the program's code that allocate, and which of them may have made given blocks.
 *
 * Which call made a block is not in a core. The code is: how much each call asks for, where that is a number, and what is put into the block
 * next. So of most blocks it can be told that one of few calls made them; never more than that is said.
 */
#pragma once

#include <heapcore/debuginfo.h>
#include <heapcore/leaks.h>

HC_BEGIN_DECLS

typedef struct hc_sites hc_sites;

typedef enum {
	HC_SITE_CONSTANT, /* a number of bytes */
	HC_SITE_MULTIPLE, /* a multiple of a number, and one more in addition */
	HC_SITE_COMPUTED,
	HC_SITE_SIZE_COUNT,
} hc_site_size;

/* "constant", "multiple", "computed" */
const char *hc_site_size_name(hc_site_size size);

/* A call that allocates. */
typedef struct hc_site {
	const hc_module *module;
	hc_address address;    /* of the call */
	hc_address comes_back; /* behind it; of a jump, which does not come back, 0 */
	hc_address function;   /* where the code that it is in begins */
	const char *
		allocator; /* that it calls: "malloc", "operator new"; or a function of the program's. Untrusted; NULL: it has no name */
	hc_site_size size_kind;
	uint64_t size;	   /* of HC_SITE_CONSTANT the bytes, of HC_SITE_MULTIPLE those of each; else 0 */
	uint64_t added;	   /* of HC_SITE_MULTIPLE: bytes besides */
	bool is_never_made; /* control never came there: on the way functions are called that the dynamic linker had not looked for yet */
	bool is_pool;	   /* what it calls does not always give a block of malloc's */
	bool is_handed_on; /* its size is what the function was called with: calls of that function are sites, too */
} hc_site;

/* By size, those of no constant size last; then by address. */
unsigned hc_sites_count(const hc_sites *sites);
const hc_site *hc_sites_get(const hc_sites *sites, unsigned index);

/* What was read: bytes of code; of these that could not be decoded; modules whose code is not here. */
typedef struct hc_sites_read_amount {
	uint64_t bytes, unread_bytes;
	unsigned modules, unread_modules;
} hc_sites_read_amount;
hc_sites_read_amount hc_sites_amount(const hc_sites *sites);
const hc_module *hc_sites_unread_module(
	const hc_sites *sites, unsigned index); /* of these the one whose code is not here */

/* Why nothing could be read at all, a clause; NULL: something was. */
const char *hc_sites_why_none(const hc_sites *sites);

/* Where a site is in the source. Texts are untrusted, belong to the sites, and may be NULL: not known. */
typedef struct hc_site_place {
	const char *
		function; /* the function that a person would look at: not one of the C++ library's that was inlined there */
	uint64_t offset;     /* if only a symbol tells: from the function's beginning; else 0 */
	const char *file;    /* its last part */
	int line;	     /* 0: not known */
	const char *inlined; /* the innermost function that was inlined there, if it is not FUNCTION */
} hc_site_place;

/* Looks it up, at the first call for each: one thread at a time. */
const hc_site_place *hc_sites_place(hc_sites *sites, const hc_site *site);

/* Blocks that are asked about: of one kind, and most of one size. */
typedef struct hc_site_question {
	uint64_t size;		  /* usable bytes of most */
	uint64_t total;		  /* blocks of the kind */
	const hc_address *blocks; /* some of them, whose contents are looked at */
	unsigned block_count;
	uint64_t least;		/* usable bytes of the smallest of these; 0: SIZE */
	const hc_module *owner; /* whose they are by other evidence; NULL: not known */
	bool is_varying;	/* their sizes differ: no call with a number made them all */
} hc_site_question;

typedef enum {
	HC_SITE_VERDICT_NONE,	  /* no call asks for so much, nor computes a size */
	HC_SITE_VERDICT_COMPUTED, /* no call has a number that fits: those that compute theirs are left */
	HC_SITE_VERDICT_SOME,	  /* one of several calls, or of one that computes its size */
	HC_SITE_VERDICT_PROBABLY, /* one call fits, and agrees in more than the size; what else there is, is less likely */
	HC_SITE_VERDICT_COUNT,
} hc_site_verdict;

/* "none", "computed", "one-of", "probably" */
const char *hc_site_verdict_name(hc_site_verdict verdict);

enum {
	HC_SITES_TOLD_MAX = 8, /* of more sites than this none is named to people */
	HC_SITES_KEPT_MAX = 64 /* calls of one answer that are told to programs */
};

typedef struct hc_site_answer {
	uint64_t size; /* usable bytes, as it was asked */
	hc_site_verdict verdict;
	const hc_site *const *
		sites; /* that fit: best first; of more than HC_SITES_TOLD_MAX the program's own first. Of HC_SITE_VERDICT_COMPUTED those of the owner, or of the program, that compute their size */
	unsigned count;
	unsigned of_size; /* calls with a number that fits, in the whole process */
	bool is_varying;  /* their sizes differ, as it was asked */
	bool without_runtime; /* those of libc and the language's runtime were left out: they hardly ever make many blocks */
	bool by_class;	      /* what they make is an object of the blocks' class, by its vtable */
	bool by_contents;	  /* what they put into a block stands in the blocks */
	const hc_module *only_in; /* what is said is of this module alone; NULL: of the process */
	unsigned computed;	  /* calls that compute their size, in ONLY_IN, or in the process */
	hc_site_place *places;	  /* of the first PLACE_COUNT of the sites: hc_sites_find_places() */
	unsigned place_count;
} hc_site_answer;

/* Free *RET_ANSWER with hc_site_answer_clear(). One thread at a time. */
void hc_sites_ask(hc_sites *sites, const hc_site_question *question, hc_site_answer *ret_answer);
void hc_site_answer_clear(hc_site_answer *answer);

/*
 * The same of some blocks at ADDRESSES, of SIZES (COUNT of each), that TOTAL like them are asked about with: what size most of them have, and
 * whether they differ in it, is found out. OWNER as in the question.
 */
void hc_sites_ask_blocks(hc_sites *sites, const hc_address *addresses, const uint64_t *sizes, unsigned count,
	uint64_t total, const hc_module *owner, hc_site_answer *ret_answer);

/* Looks up where the first sites of ANSWER are in the source, MOST of them: to tell of one that is in words. */
void hc_sites_find_places(hc_sites *sites, hc_site_answer *answer, unsigned most);

/*
 * The same for the heads of groups of LEAKS, put together as ROWS says: the row of each group, others than the first COUNT are left out. NULL: each
 * of the first COUNT groups is a row. RET_ANSWERS has room for COUNT, to be cleared one by one. FALSE: memory was out, and they are empty.
 */
bool hc_sites_ask_leaks(
	hc_sites *sites, const hc_leaks *leaks, const unsigned *rows, unsigned count, hc_site_answer *ret_answers);

void hc_sites_destroy(hc_sites *sites); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_sites, hc_sites_destroy)

HC_END_DECLS
