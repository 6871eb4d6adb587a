/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What expressions.c and arithmetic.c share: an expression that is being evaluated. */
#pragma once

#include "variables/locations.h"

enum {
	HC_STACK_MAX = 64
};

/*
 * Of a base type, or of the generic type: as large as an address, and signed or not as the
 * operation likes.
 */
struct hc_dwarf_operand {
	uint64_t bits; /* above its size: 0 */
	uint8_t size;  /* bytes, at most 8 */
	bool is_typed, is_signed;
};

struct hc_dwarf_expression {
	hc_evaluation *evaluation;
	Dwarf_Attribute *attribute;
	const Dwarf_Op *operations;
	size_t count, next;
	unsigned address_size;
	struct hc_dwarf_operand stack[HC_STACK_MAX];
	unsigned depth;
	bool has_piece; /* the last operation told where the piece is, not what is on the stack */
	hc_piece piece;
	hc_location *location;
};

typedef enum {
	HC_OUTCOME_NOT_MINE,
	HC_OUTCOME_DONE,
	HC_OUTCOME_FAILED,
} hc_outcome;

/* ---- arithmetic.c: the stack, and what happens on it alone ---- */

uint64_t hc_truncate(uint64_t bits, unsigned size);
int64_t hc_sign_extended(struct hc_dwarf_operand value);

/* Both give HC_OUTCOME_FAILED, after noting why. */
hc_outcome hc_dwarf_expression_fail(struct hc_dwarf_expression *run, hc_variable_state state, const char *reason);
hc_outcome hc_dwarf_expression_malformed(struct hc_dwarf_expression *run);

hc_outcome hc_dwarf_expression_push_operand(struct hc_dwarf_expression *run, struct hc_dwarf_operand value);
hc_outcome hc_dwarf_expression_push(struct hc_dwarf_expression *run, uint64_t bits); /* of the generic type */
bool hc_dwarf_expression_pop(struct hc_dwarf_expression *run, struct hc_dwarf_operand *value);

/* Groups of operations. */
hc_outcome hc_dwarf_expression_run_stack(struct hc_dwarf_expression *run, const Dwarf_Op *operation);
hc_outcome hc_dwarf_expression_run_unary(struct hc_dwarf_expression *run, const Dwarf_Op *operation);
hc_outcome hc_dwarf_expression_run_binary(struct hc_dwarf_expression *run, const Dwarf_Op *operation);
