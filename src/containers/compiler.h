/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A description and a type -> the programs of a layout. Each of these calls the others: a name in an
 * expression may be a key, whose expression has names and functions in it.
 *
 *	keys.c		the keys of a description, and what names mean
 *	compile.c	a tree -> a program: member paths become offsets, sizes become numbers
 *	functions.c	the functions that expressions may use
 */
#pragma once

#include "containers/layout.h"

/* Where a place is. Nothing is emitted for it until it is needed, so that paths of members add up. */
typedef enum {
	HC_BASE_NOWHERE, /* `value` is the address */
	HC_BASE_THIS,
	HC_BASE_NODE,
	HC_BASE_STACK, /* the address is on the stack */
} hc_base;

typedef struct hc_operand {
	hc_form form;
	hc_base base;
	const hc_type *type; /* may be NULL: a number, or bytes */
	bool is_signed, is_constant;
	uint64_t value;	    /* constant, or offset from the base */
	unsigned load_size; /* of a place without a type */
	unsigned bit_size, bit_offset;
	unsigned start; /* where its code begins */
} hc_operand;

enum {
	HC_COMPILE_DEPTH = 200 /* of expressions in expressions */
};

typedef enum {
	HC_STATE_NEW,
	HC_STATE_ACTIVE,
	HC_STATE_DONE,
	HC_STATE_FAILED,
} hc_key_state;

typedef struct hc_compiler {
	hc_layout *layout;
	const hc_description *description;
	const hc_type *object; /* the struct that names are looked for in; NULL: it has no members */
	GArray *code;	       /* hc_instruction */
	unsigned stack;
	unsigned depth; /* of expressions in expressions, and of keys in keys */
	unsigned work;	/* steps so far, in all keys */
	bool in_node;
	bool uses_node;
	bool failed;
	char *message; /* the first mistake */
	uint8_t states[HC_KEYS_MAX];
} hc_compiler;

hc_operand hc_compile(hc_compiler *c, const hc_expression *expression);

/* The operand as a number on the stack. */
void hc_compile_value(hc_compiler *c, hc_operand *operand);

/* ... its address. */
void hc_compile_address(hc_compiler *c, hc_operand *operand);

/* What NAME means. */
hc_operand hc_compile_name(hc_compiler *c, const char *name);

bool hc_type_is_pointer(const hc_type *type); /* or a reference; NULL is none */

/* Compiles and forgets: the type that EXPRESSION has, or is. Fails if there is none. */
const hc_type *hc_compile_type(hc_compiler *c, const hc_expression *expression);

/* FALSE if it does not compile; then as if it had not been tried. */
bool hc_compile_try(hc_compiler *c, const hc_expression *expression, hc_operand *ret_operand);

hc_operand hc_compile_fail(hc_compiler *c, const char *format, ...) G_GNUC_PRINTF(2, 3);
hc_operand hc_compile_constant(hc_compiler *c, uint64_t value);
void hc_compile_emit(hc_compiler *c, hc_code code, unsigned size, bool is_signed, uint64_t value, int stack);

/* Takes the code from START on back. */
void hc_compile_cut(hc_compiler *c, unsigned start, unsigned stack);

/* FUNCTION(...). */
hc_operand hc_compile_call(hc_compiler *c, const hc_expression *call);

/* The member PATH of an operand that is a place, or a pointer to one. */
hc_operand hc_compile_member(hc_compiler *c, hc_operand operand, const char *name);

const char *hc_compile_type_name(const hc_type *type);

/*
 * Compiles all keys of LAYOUT, whose description, type, annotation and link are set. FALSE with *RET_MESSAGE (to be freed; NULL: `when`
 * does not hold) if the description does not fit.
 */
bool hc_layout_compile(hc_layout *layout, char **ret_message);
