/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings: what a person should look at, largest first.
 */
#pragma once

#include <heapcore/abi.h>
#include <heapcore/memory.h>
#include <heapcore/owners.h>
#include <heapcore/pins.h>

HC_BEGIN_DECLS

typedef enum {
	HC_FINDING_LOST,       /* nothing points to it */
	HC_FINDING_CONTAINER,  /* a container where memory piles up */
	HC_FINDING_OWNER,      /* another place where it does */
	HC_FINDING_SUSPECT,    /* a variable, or another root, that has much; its memory is not told by the two above */
	HC_FINDING_RETAINED,   /* free, kept by malloc */
	HC_FINDING_BIG_BLOCKS, /* a few large blocks of one size whose type and owner are not known */
	HC_FINDING_ONE_SIZE,   /* very many such */
	HC_FINDING_NOT_GLIBC,  /* another allocator serves the program, or glibc's was never used */
	HC_FINDING_HEAP_NOT_READ, /* the heap is missing in the core, or of a machine that is not read */
	HC_FINDING_NOT_HEAP,	  /* a lot of memory outside malloc's heap */
	HC_FINDING_UNJOINED,	  /* threads that ended and were not joined */
	HC_FINDING_DUPLICATES,	  /* blocks that hold the same */
	HC_FINDING_COLLISIONS,	  /* a hash table whose elements are in few of its buckets */
	HC_FINDING_CORRUPT,	  /* a part of the heap could not be followed */
	HC_FINDING_TWO_LAYOUTS, /* lost or damaged blocks hang on a class that two parts of the program see differently */
	HC_FINDING_KIND_COUNT,
} hc_finding_kind;

const char *hc_finding_kind_name(hc_finding_kind kind); /* "lost", "container", ...: stable, for JSON */

/* Blocks of one size. */
typedef struct hc_size_count {
	uint64_t size; /* usable bytes */
	uint64_t blocks;
} hc_size_count;

enum {
	HC_FINDING_SIZES = 4
};

typedef struct hc_finding_lost {
	uint64_t heads;			       /* of the blocks, those that nothing at all points to */
	hc_size_count sizes[HC_FINDING_SIZES]; /* most bytes first */
	unsigned size_count;		       /* how many there are, which may be more */
	char *beginning;	/* printable text that many begin with; NULL: none is common to enough of them */
	double beginning_share; /* of the bytes, in blocks that do */
	uint64_t unloaded;	/* blocks that begin as objects of a library that was unloaded */
	bool is_bound;		/* memory that the core lacks may point to them */
} hc_finding_lost;

/* An owner that holds a tenth of what is in use, or retains it if that was asked for. */
typedef struct hc_finding_suspect {
	char *owner; /* "g_scene"; NULL: it is none. Untrusted, as what follows */
	char *type;  /* "": not known */
	hc_where where;
	unsigned threads;
	hc_owner_basis basis;
	bool mostly_untyped; /* a type leads there, but only words to most of what it holds */
	hc_certainty certainty;
	hc_amount holds;		    /* without what is lost */
	uint64_t in_use;		    /* bytes that are */
	bool has_retained;		    /* it was asked for, and is known */
	uint64_t retained;		    /* bytes */
	hc_owner_accumulation accumulation; /* if what is retained was asked for */
	char *accumulates_at;		    /* the path of its row; NULL: it has none */
} hc_finding_suspect;

typedef struct hc_finding_place {
	char *path, *type; /* "g_scene->buffers[].data", "std::vector<char>"; untrusted */
	hc_where where;	   /* of one of them, if THREADS */
	unsigned threads;  /* that have the variable, alike; 0: it is no thread's, or one thread has most */
	const char *kind;  /* of a container: its description, "libstdc++ vector"; NULL: it is none */
	uint64_t count;	   /* objects of that place */
	uint64_t elements;
	bool is_at_most;	  /* there may be fewer elements */
	uint64_t own;		  /* bytes that the place has itself */
	hc_container_parts parts; /* what these are */
	uint64_t unused;	  /* bytes of buffers without elements, where that is most; else 0 */
	char *key;		  /* one of a map's keys; NULL: none, or it is no map. Untrusted */
	bool keys_alike;	  /* many, which differ in numbers only */
	hc_certainty certainty;
	bool by_words; /* words without a type lead there, where no variable does */
	hc_finding_suspect
		suspect; /* the owner that the path begins at, if it is one: told once, with the largest place */
} hc_finding_place;

typedef struct hc_finding_retained {
	uint64_t whole, zero, trim; /* bytes of whole free pages; of these zero; what malloc_trim(0) would give back */
	hc_pin_holder holder;	    /* what pins most of it, if holder.pinned; its strings are the finding's */
} hc_finding_retained;

/* Who points to blocks that nobody is known to own. */
typedef enum {
	HC_REFERRER_NONE,   /* nobody was found in time */
	HC_REFERRER_ROOT,   /* a word outside of blocks */
	HC_REFERRER_NAMED,  /* `name`: a path, a type */
	HC_REFERRER_OTHERS, /* others of them */
	HC_REFERRER_SIZE,   /* blocks of another size */
} hc_referrer;

typedef struct hc_finding_size {
	uint64_t size; /* usable bytes of each */
	hc_referrer referrer;
	hc_reference root;  /* of HC_REFERRER_ROOT */
	char *name;	    /* untrusted; else NULL */
	uint64_t from_size; /* of HC_REFERRER_SIZE */
	bool and_elsewhere; /* others point there too */
} hc_finding_size;

typedef struct hc_finding_duplicates {
	uint64_t groups;	/* contents that there are more than once */
	bool rarer_left_out;	/* there are very many blocks, and rare contents were not counted */
	uint64_t largest_saved; /* bytes, of the group that saves most */
	uint64_t largest_blocks, largest_size;
	char *path; /* what most of its blocks hang on; NULL: nothing that is known. Untrusted */
} hc_finding_duplicates;

typedef struct hc_finding_collisions {
	char *path, *type;  /* untrusted */
	uint64_t count;	    /* tables of that path */
	hc_table_fill fill; /* of the one with most elements */
} hc_finding_collisions;

typedef struct hc_finding_not_heap {
	hc_row_id row;
	char *owner;	  /* who holds most of it; NULL: nobody is known to hold much. Untrusted */
	uint64_t outside; /* bytes of the row that the owner holds, with what is free behind them */
} hc_finding_not_heap;

typedef struct hc_finding_two_layouts {
	const hc_abi_difference *difference;
	const hc_site_answer
		*site; /* which calls may have made the lost blocks; NULL: there are none, or code was not read */
} hc_finding_two_layouts;

typedef struct hc_finding {
	hc_finding_kind kind;
	uint64_t bytes;	 /* what it is about */
	uint64_t blocks; /* 0 where it is not about blocks */
	union {
		hc_finding_lost lost;
		hc_finding_place place; /* of containers and owners */
		hc_finding_suspect suspect;
		hc_finding_retained retained;
		hc_finding_size size;		  /* of big blocks and one size */
		hc_finding_duplicates duplicates; /* `bytes` is what one block for all would save */
		hc_finding_collisions collisions; /* `bytes` is what the tables have themselves */
		hc_finding_not_heap not_heap;
		hc_unjoined unjoined;		  /* whose `memory` is the finding's bytes */
		struct {
			bool is_overwritten; /* as hc_check has it; else chunks could not be followed, and nothing tells why */
			uint64_t places;
			hc_address first; /* of these; 0: not known */
		} corrupt;
		hc_finding_two_layouts two_layouts; /* what it leads to belongs to the findings */
	};
} hc_finding;

typedef struct hc_findings hc_findings;

unsigned hc_findings_count(const hc_findings *findings);
const hc_finding *hc_findings_get(const hc_findings *findings, unsigned index);

HC_END_DECLS
