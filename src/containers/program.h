/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs: what compile.c makes of an expression for one type, and evaluate.c runs for one object.
 */
#pragma once

#include <heapcore/debuginfo.h>

typedef enum {
	HC_CODE_PUSH,	   /* value */
	HC_CODE_THIS,	   /* the container's address + value */
	HC_CODE_NODE,	   /* the node's address + value */
	HC_CODE_VARIABLE,  /* index, slot: value */
	HC_CODE_LOAD_THIS, /* size bytes at the container + value */
	HC_CODE_LOAD_NODE,
	HC_CODE_LOAD,		 /* address + value -> size bytes there */
	HC_CODE_KEY,		 /* the value of key number `value`: worked out once a walk */
	HC_CODE_OFFSET,		 /* a -> a + value */
	HC_CODE_SCALE,		 /* a, index -> a + index * value */
	HC_CODE_BITS,		 /* a -> size bits from bit `value` on */
	HC_CODE_BINARY,		 /* a, b -> a operator b; size: hc_operator */
	HC_CODE_BINARY_CONSTANT, /* a -> a operator value */
	HC_CODE_NOT,
	HC_CODE_INVERT,
	HC_CODE_NEGATE,
	HC_CODE_BOOL,	     /* a -> a != 0 */
	HC_CODE_JUMP,	     /* to instruction number value */
	HC_CODE_JUMP_IF_NOT, /* a -> */
	HC_CODE_AND_THEN,    /* a -> a, and jump if it is 0; else a -> */
	HC_CODE_OR_ELSE,     /* a -> 1, and jump if it is not 0; else a -> */
	HC_CODE_ALIGN_UP,    /* a, b */
	HC_CODE_MIN,
	HC_CODE_MAX,
	HC_CODE_LOG2,	/* a -> the number of its highest bit; 0 -> 0 */
	HC_CODE_SYMBOL, /* address -> the name of the function there holds text number `value` */
	HC_CODE_USABLE, /* address -> bytes from there to the end of the block in use that holds it; 0: there is none */
	HC_CODE_START,	/* address -> the beginning of the block in use that holds it; 0: there is none */
	HC_CODE_CLIMB,	/* address -> the last one on the way along the pointers at offset `value` */
	/* Of programs that several keys are put together in: */
	HC_CODE_STORE,	 /* a -> ; it is the value of key number `value` */
	HC_CODE_REQUIRE, /* a -> ; the program fails if it is 0 */
} hc_code;

typedef struct hc_instruction {
	uint8_t code; /* hc_code */
	uint8_t size;
	bool is_signed;
	uint64_t value;
} hc_instruction;

enum {
	HC_PROGRAM_STACK = 32,	  /* values */
	HC_PROGRAM_LENGTH = 1024, /* instructions; jumps lead forward only, so this bounds the time, too */
	HC_VARIABLE_INDEX = 0,
	HC_VARIABLE_SLOT = 1,
	HC_CLIMB_MAX = 256,	    /* pointers */
	HC_FUNCTIONS_MAX = 1 << 16, /* whose names or types are kept */
};

/* What an expression turned out to be. */
typedef enum {
	HC_FORM_NONE,
	HC_FORM_VALUE,	 /* a number; with the type of a pointer, where it is one */
	HC_FORM_ADDRESS, /* the same, but not worked out yet: base + offset */
	HC_FORM_PLACE,	 /* memory of a type, at base + offset */
	HC_FORM_TYPE,
} hc_form;

typedef struct hc_program {
	bool is_compiled;
	bool is_constant; /* `value`; no code */
	bool uses_node;	  /* differs from node to node */
	bool is_signed;
	bool is_member;	   /* the contents of the container's own memory at `offset` */
	bool is_node_word; /* a word of the node, at `offset`: for loops that need no program */
	hc_form form;
	const hc_type *type;
	uint64_t value, offset;
	unsigned length;
	const hc_instruction *code;
} hc_program;
