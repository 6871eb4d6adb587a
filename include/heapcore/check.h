/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Damage: places of the heap that are not as malloc leaves them. Each chunk's header, each free list, each thread's cache, each top chunk
 * and heap_info is held against what its neighbours and the lists say.
 */
#pragma once

#include <heapcore/blocks.h>

HC_BEGIN_DECLS

typedef enum {
	HC_DAMAGE_CHUNK_SIZE,	/* a header's size is none, or leads to where no chunk is */
	HC_DAMAGE_CHUNK_FLAGS,	/* a header's flags are not those of its arena */
	HC_DAMAGE_PREV_IN_USE,	/* the flag disagrees with the chunk in front */
	HC_DAMAGE_PREV_SIZE,	/* a free chunk's size, as it stands behind it, is another one */
	HC_DAMAGE_TOP_SIZE,	/* the top chunk does not end where its arena does */
	HC_DAMAGE_ARENA_TOP,	/* an arena's top is in none of its heaps */
	HC_DAMAGE_ARENA_RING,	/* an arena's `next` leads to none */
	HC_DAMAGE_HEAP_INFO,	/* the head of a thread arena's heap */
	HC_DAMAGE_LINK,		/* of a free list: leads to nothing that can be in it */
	HC_DAMAGE_BACK_LINK,	/* of a bin: does not lead back to where its chunk was come from */
	HC_DAMAGE_LISTED_SIZE,	/* a chunk in a list of other sizes */
	HC_DAMAGE_LISTED_ARENA, /* a chunk in a list of another arena */
	HC_DAMAGE_LOOP,		/* a list leads to a chunk that it led to before */
	HC_DAMAGE_DOUBLE_FREE,	/* a chunk in two lists */
	HC_DAMAGE_TCACHE_COUNT, /* a thread's cache counts other than its list has */
	HC_DAMAGE_TCACHE_KEY,	/* a cached block lacks the key that free() writes to it */
	HC_DAMAGE_MMAPPED,	/* malloc counts more mmapped chunks than have a header */
	HC_DAMAGE_KIND_COUNT
} hc_damage_kind;

const char *hc_damage_kind_name(hc_damage_kind kind); /* "chunk-size", ...: for JSON */

typedef enum {
	HC_LIST_NONE,
	HC_LIST_TCACHE,
	HC_LIST_FASTBIN,
	HC_LIST_BIN, /* 1: unsorted, up to 63: small, from 64 on: large */
	HC_LIST_KIND_COUNT
} hc_list_kind;

const char *hc_list_kind_name(hc_list_kind kind); /* NULL, "tcache", "fastbin", "bin": for JSON */

typedef struct hc_free_list {
	hc_list_kind kind;
	int bin;
	uint32_t arena;	  /* index, of fastbins and bins */
	hc_address cache; /* of a thread's cache: its block ... */
	int64_t thread;	  /* ... and whose it is; 0: not known */
} hc_free_list;

/* What an allocator tells of one place. */
typedef struct hc_damage {
	hc_damage_kind kind;
	hc_address place; /* of the word that is wrong; 0: not known (HC_DAMAGE_MMAPPED) */
	unsigned size;	  /* of that word, in bytes */
	uint64_t found;
	bool has_expected;
	uint64_t expected;  /* what ought to stand there ... */
	bool is_likely;	    /* ... if nothing but that is damaged there */
	hc_address chunk;   /* that the word is of, header included; 0: of none (an arena, a heap_info) */
	uint32_t arena;	    /* index; HC_ARENA_NONE: of none */
	hc_free_list list;  /* that was followed */
	hc_free_list other; /* HC_DAMAGE_DOUBLE_FREE: where it was met before */
	hc_address
		target; /* user memory of the block that is met twice; of a link: where it leads, as malloc reads it */
	hc_address instead; /* the word that may be what is wrong in place of this one; 0: none */
	hc_address skipped,
		resumed;   /* bytes that could not be followed because of it: [skipped, resumed); both 0: none */
	bool in_operation; /* a thread was in libc, or the arena locked, in a process that went on: malloc itself may be between two steps */
} hc_damage;

/* What the bytes there look like that are not malloc's. */
typedef enum {
	HC_RUN_NONE,
	HC_RUN_TEXT, /* printable, with the NUL behind it if that was written too */
	HC_RUN_BYTE, /* one byte over and over: memset(), guard bytes, M_PERTURB */
	HC_RUN_WORD, /* four bytes over and over: 0xdeadbeef */
	HC_RUN_ZEROS,
	HC_RUN_KIND_COUNT
} hc_run_kind;

const char *hc_run_kind_name(hc_run_kind kind); /* NULL, "text", "byte", "word", "zeros": for JSON */

/* What the run says of who wrote. */
typedef enum {
	HC_WRITER_UNKNOWN,    /* nothing tells: the block in front is the likeliest */
	HC_WRITER_BEFORE,     /* what is written begins in the block in front */
	HC_WRITER_ITSELF,     /* it goes on into the block itself, and does not begin in front: an underflow */
	HC_WRITER_AFTER_FREE, /* it begins in a block that is free: who had it before */
	HC_WRITER_KIND_COUNT
} hc_writer_kind;

const char *hc_writer_kind_name(hc_writer_kind kind); /* "unknown", "before", "itself", "after-free": for JSON */

typedef struct hc_damage_place {
	hc_damage damage;
	hc_run_kind run;
	hc_range run_range; /* the bytes that look so, the place's among them */
	uint32_t pattern;   /* the byte or the word */
	hc_writer_kind writer_kind;
	bool has_before;
	hc_block before; /* the block in front, in whose memory what is written begins, or may */
	bool has_writer;
	hc_block writer; /* the likely one: `before`, or the block itself; a block in use may have a type and a path */
} hc_damage_place;

typedef struct hc_check_totals {
	uint64_t places;       /* damaged, but for those in operation */
	uint64_t in_operation; /* see hc_damage */
	uint64_t skipped;      /* bytes that could not be followed */
	uint64_t chunks;       /* whose headers were looked at */
	uint64_t arenas;
} hc_check_totals;

typedef struct hc_check hc_check;
void hc_check_destroy(hc_check *check);

const hc_check_totals *hc_check_get_totals(const hc_check *check);

/* In order of address; what has no place last. */
unsigned hc_check_count(const hc_check *check);
const hc_damage_place *hc_check_get(const hc_check *check, unsigned index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_check, hc_check_destroy)

HC_END_DECLS
