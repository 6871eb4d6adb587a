/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of an expression as a tree. Names mean nothing yet: a tree is made once when a file is read, and compiled for every type
 * that its description is tried with (compile.c).
 */
#pragma once

#include "base/error.h"

typedef enum {
	HC_EXPRESSION_NUMBER,	 /* value */
	HC_EXPRESSION_STRING,	 /* text */
	HC_EXPRESSION_NAME,	 /* text; "std::_Rb_tree_node_base", "struct job" too */
	HC_EXPRESSION_MEMBER,	 /* child . text */
	HC_EXPRESSION_INDEX,	 /* child [ second child ] */
	HC_EXPRESSION_UNARY,	 /* operator, child */
	HC_EXPRESSION_BINARY,	 /* operator, two children */
	HC_EXPRESSION_CONDITION, /* three children */
	HC_EXPRESSION_CALL,	 /* text ( children ) */
} hc_expression_kind;

typedef enum {
	HC_OPERATOR_NONE,
	HC_OPERATOR_OR_ELSE, /* || */
	HC_OPERATOR_AND_THEN,
	HC_OPERATOR_OR,
	HC_OPERATOR_XOR,
	HC_OPERATOR_AND,
	HC_OPERATOR_EQUAL,
	HC_OPERATOR_UNEQUAL,
	HC_OPERATOR_LESS,
	HC_OPERATOR_LESS_EQUAL,
	HC_OPERATOR_GREATER,
	HC_OPERATOR_GREATER_EQUAL,
	HC_OPERATOR_SHIFT_LEFT,
	HC_OPERATOR_SHIFT_RIGHT,
	HC_OPERATOR_ADD,
	HC_OPERATOR_SUBTRACT,
	HC_OPERATOR_MULTIPLY,
	HC_OPERATOR_DIVIDE,
	HC_OPERATOR_REMAINDER,
	/* of one operand */
	HC_OPERATOR_NOT,
	HC_OPERATOR_INVERT,
	HC_OPERATOR_NEGATE,
	HC_OPERATOR_ADDRESS,
	HC_OPERATOR_TARGET, /* what a pointer leads to */
} hc_operator;

typedef struct hc_expression hc_expression;
struct hc_expression {
	hc_expression_kind kind;
	hc_operator operation;
	unsigned column; /* from 1, in the value of the key */
	uint64_t value;
	const char *text;
	hc_expression *child, *next; /* the first operand; the next one of its parent */
};

enum {
	HC_EXPRESSION_LENGTH = 4096, /* bytes of text */
	HC_EXPRESSION_DEPTH = 64,    /* parentheses and operators in each other */
};

/*
 * Parses TEXT. What the tree is made of goes into MEMORY, an array that frees with g_free(). NULL with *RET_MESSAGE (to be freed) and
 * *RET_COLUMN (from 1) if TEXT is no expression, too long or too deep.
 */
const hc_expression *hc_expression_parse(const char *text, GPtrArray *memory, char **ret_message, unsigned *ret_column);
