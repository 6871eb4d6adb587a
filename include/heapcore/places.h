/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Places: what a word of the dead process belongs to, by name. A variable of the program or a library, a thread's own copy of a
 * thread-local one, a slot in the stack frame of a function, a register, a block of the heap; or else the mapping.
 */
#pragma once

#include <heapcore/references.h>

HC_BEGIN_DECLS

typedef enum {
	HC_PLACE_UNMAPPED,
	HC_PLACE_REGISTER,
	HC_PLACE_VARIABLE,	    /* in a module's writable data; named if a trusted file has a symbol there */
	HC_PLACE_CODE,		    /* in what a module maps read-only: functions, constants */
	HC_PLACE_THREAD_LOCAL,	    /* in a thread's copy of a module's thread-local storage */
	HC_PLACE_THREAD_DESCRIPTOR, /* in libc's descriptor of a thread, behind the thread pointer */
	HC_PLACE_STACK,		    /* in the live part of a thread's stack */
	HC_PLACE_STACK_UNUSED,	    /* below it, or in the stack of a thread that has ended */
	HC_PLACE_BLOCK,
	HC_PLACE_MAPPING, /* none of these: the area says more */
	HC_PLACE_KIND_COUNT,
} hc_place_kind;

/* Stable and short, for JSON: "unmapped", "register", "variable", "thread-local", "stack", ... */
const char *hc_place_kind_name(hc_place_kind kind);

/* What is known of a place on a stack. */
typedef enum {
	HC_STACK_NOT,
	HC_STACK_FRAME,	     /* in a frame: `symbol` is its function, `offset` is from its stack pointer */
	HC_STACK_LAST_FRAME, /* in or above the last one that is known; likewise */
	HC_STACK_NO_FRAME,   /* `offset` is from the thread's stack pointer */
	HC_STACK_LEFT,	     /* of a thread that runs on another one now: a coroutine's or a signal handler's */
	HC_STACK_OF_MAIN,    /* which has ended */
	HC_STACK_COROUTINE,  /* on which no thread runs now */
	HC_STACK_RESULT,     /* of a thread that has ended and waits to be joined */
	HC_STACK_BELOW,	     /* the unused part of a thread's; `offset` is from its stack pointer */
	HC_STACK_ENDED,	     /* of a thread that has ended */
} hc_stack_place;

typedef struct hc_place {
	hc_place_kind kind;
	hc_address address; /* 0 for registers */
	int64_t thread_id;  /* of registers, thread-locals, descriptors and stacks; 0 if it is nobody's or not known */
	int frame;	    /* number of the frame on a stack, 0 the innermost; -1 if it is not known */
	bool is_lasting;    /* the frame is there as long as its thread */
	int saved_by; /* number of the frame in which it is, as a register of FRAME's that was saved there; -1: it is in FRAME itself */
	const hc_module *module; /* of variables, thread-locals and code; else NULL */
	bool in_block;		 /* of HC_PLACE_BLOCK, and of thread-locals that libc has on the heap */
	hc_block block;
	hc_stack_place stack; /* of HC_PLACE_STACK and HC_PLACE_STACK_UNUSED */
	int64_t offset;	      /* from what STACK says; of a descriptor from the thread pointer; else 0 */
	const hc_area *area;  /* that it is in; NULL: none, or a register */
	hc_address_name
		name; /* of variables, code, thread-locals and the functions of frames; its module is NULL: not known */
	/* of registers: the name, "rbx"; or else the number, of a part of the vector registers if it is one */
	const char *register_name;
	hc_vector_part vector;
	unsigned register_number;
} hc_place;

/* What is asked for names. MODULES looks up lazily: one thread at a time. */
typedef struct hc_place_sources {
	const hc_core *core;
	hc_modules *modules;
	const hc_blocks *blocks;
	const hc_areas *areas;
} hc_place_sources;

/* The place of ADDRESS. */
void hc_place_find(const hc_place_sources *sources, hc_address address, hc_place *ret_place);

/* The place of the word that REFERENCE tells of, which may be a register. */
void hc_place_of_reference(const hc_place_sources *sources, const hc_reference *reference, hc_place *ret_place);

HC_END_DECLS
