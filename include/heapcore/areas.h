/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Areas: every byte of the dead process's address space in exactly one of them, with what it is.
 */
#pragma once

#include <heapcore/blocks.h>

HC_BEGIN_DECLS

typedef enum {
	HC_AREA_HEAP,		 /* an arena's region: the blocks say more */
	HC_AREA_MMAPPED,	 /* an mmapped chunk with its header */
	HC_AREA_FOREIGN_SBRK,	 /* between the allocator's chunks, but somebody else's */
	HC_AREA_HEAP_UNREADABLE, /* the allocator's, but its chunks could not be followed: corrupt or cut off */
	HC_AREA_MALLOC_STATE,	 /* main_arena and mp_ in libc's data */
	HC_AREA_STACK, /* of a thread, from its stack pointer (and red zone) up, TLS and thread descriptor included */
	HC_AREA_STACK_UNUSED, /* below the stack pointer, and stacks that libc keeps of threads that have ended */
	HC_AREA_MODULE_DATA,  /* writable data, bss and relocated read-only data of the program and libraries */
	HC_AREA_FILE,	      /* text, read-only data, mapped files */
	HC_AREA_SHARED,	      /* shared memory: /dev/zero, /dev/shm, memfd, System V */
	HC_AREA_ANONYMOUS,    /* private anonymous memory that is nobody's of the above */
	HC_AREA_KERNEL,	      /* vdso, vvar, vsyscall */
	HC_AREA_RESERVED,     /* address space that never was memory: thread-heap tails, guard pages, PROT_NONE */
	HC_AREA_NOT_DUMPED,   /* anonymous or unknown memory whose bytes the core leaves out */
	HC_AREA_TRUNCATED,    /* promised by the core's headers, but the file ends before */
	HC_AREA_KIND_COUNT,
} hc_area_kind;

/* Stable and short, for JSON: "heap", "stack-unused", ... */
const char *hc_area_kind_name(hc_area_kind kind);

/* Who uses an anonymous mapping, as far as the core tells. Only the largest are looked at. */
typedef enum {
	HC_AREA_USER_UNKNOWN,
	HC_AREA_USER_MODULE,	/* the data of a module has more pointers there than that of any other */
	HC_AREA_USER_THREAD,	/* a thread's local storage lies in it */
	HC_AREA_USER_ALLOCATOR, /* by default: the allocator that serves the program in place of glibc's */
	HC_AREA_USER_COUNT,
} hc_area_user;

const char *hc_area_user_name(hc_area_user user); /* "module", "thread", "allocator": for JSON; NULL of unknown */

/* What has private memory that is not malloc's, as its own books say, or the process's names for it. */
typedef enum {
	HC_RUNTIME_NONE,
	HC_RUNTIME_JAVA,      /* the heap of a Java VM */
	HC_RUNTIME_JAVA_CODE, /* what it compiled */
	HC_RUNTIME_V8,	      /* the heap of V8, which runs JavaScript */
	HC_RUNTIME_GO,
	HC_RUNTIME_PYTHON, /* arenas of small objects */
	HC_RUNTIME_RUBY,   /* pages of objects */
	HC_RUNTIME_PHP,	   /* chunks */
	HC_RUNTIME_LUAJIT,
	HC_RUNTIME_ALLOCATOR, /* the allocator that serves the program in place of glibc's: `name` */
	HC_RUNTIME_NAMED,     /* the process gave it a name: `name` */
	HC_RUNTIME_COUNT,
} hc_runtime_kind;

const char *hc_runtime_kind_name(hc_runtime_kind kind); /* "java-heap", ...: for JSON; NULL of none */
hc_runtime_kind hc_runtime_kind_called(const char *name); /* HC_RUNTIME_NONE if there is none */

/* Whether the runtime moves its objects, or packs the pointers to them: words then tell little of who holds what there. */
bool hc_runtime_kind_moves(hc_runtime_kind kind);

typedef struct hc_runtime_use {
	hc_runtime_kind kind;
	const char *name; /* of an allocator, or as the process named it (untrusted); else NULL */
	bool is_proved;	  /* FALSE: it is probably so */
} hc_runtime_use;

/* Whether two are the same runtime's memory, proved or not. */
bool hc_runtime_use_is_same(const hc_runtime_use *a, const hc_runtime_use *b);

typedef struct hc_area {
	hc_address start, end;
	hc_area_kind kind;
	const hc_mapping *mapping; /* the piece that holds it */
	unsigned owner; /* stacks: thread index; module data: module index; heap, mmapped: region; else UINT_MAX */
	hc_area_user user;
	const char *user_name; /* of the module or the allocator; untrusted; else NULL */
	unsigned user_words;   /* of the module's data that point there */
	hc_runtime_use runtime; /* of anonymous and shared memory */
} hc_area;

typedef struct hc_areas hc_areas;

unsigned hc_areas_count(const hc_areas *areas);
const hc_area *hc_areas_get(
	const hc_areas *areas, unsigned index); /* sorted by address, disjoint, without gaps in mapped memory */
const hc_area *hc_areas_find(const hc_areas *areas, hc_address address);

/* Bytes of all areas of KIND, and their sum, which is all mapped memory of the core. */
uint64_t hc_areas_bytes(const hc_areas *areas, hc_area_kind kind);
uint64_t hc_areas_total(const hc_areas *areas);

/* Threads that have ended and were not joined, where that is known: what libc keeps for them. */
typedef struct hc_unjoined {
	uint64_t threads;
	uint64_t bytes; /* address space of their stacks */
	uint64_t
		memory; /* of it, what was resident; or else pages that are not zero: at most what was resident or swapped out */
	bool is_resident; /* `memory` is the former: smaps lies beside the core, or there are no such threads */
	const char
		*routine; /* in which most of them began: "play", "server+0x1a40"; untrusted; NULL: that is not known */
	uint64_t routine_threads; /* so many of them */
} hc_unjoined;

const hc_unjoined *hc_areas_unjoined(const hc_areas *areas);

HC_END_DECLS
