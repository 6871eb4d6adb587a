/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DWARF expressions: the stack, and the operations that need nothing else (DWARF 5, 2.5.1.3 and
 * 2.5.1.4).
 */
#include "variables/expressions.h"

#include <dwarf.h>

hc_outcome hc_dwarf_expression_fail(struct hc_dwarf_expression *run, hc_variable_state state, const char *reason)
{
	hc_evaluation_fail(run->evaluation, state, reason);
	return HC_OUTCOME_FAILED;
}

hc_outcome hc_dwarf_expression_malformed(struct hc_dwarf_expression *run)
{
	return hc_dwarf_expression_fail(
		run, HC_VARIABLE_UNSUPPORTED, "the expression that tells where it is makes no sense");
}

uint64_t hc_truncate(uint64_t bits, unsigned size)
{
	return size >= 8 ? bits : bits & ((UINT64_C(1) << (size * 8)) - 1);
}

int64_t hc_sign_extended(struct hc_dwarf_operand value)
{
	unsigned shift = 64 - 8u * value.size;

	return (int64_t)(value.bits << shift) >> shift;
}

hc_outcome hc_dwarf_expression_push_operand(struct hc_dwarf_expression *run, struct hc_dwarf_operand value)
{
	if (run->depth == HC_STACK_MAX)
		return hc_dwarf_expression_malformed(run);
	value.bits = hc_truncate(value.bits, value.size);
	run->stack[run->depth++] = value;
	return HC_OUTCOME_DONE;
}

hc_outcome hc_dwarf_expression_push(struct hc_dwarf_expression *run, uint64_t bits)
{
	return hc_dwarf_expression_push_operand(
		run, (struct hc_dwarf_operand){ .bits = bits, .size = run->address_size });
}

bool hc_dwarf_expression_pop(struct hc_dwarf_expression *run, struct hc_dwarf_operand *value)
{
	if (!run->depth)
		return hc_dwarf_expression_malformed(run) != HC_OUTCOME_FAILED;
	*value = run->stack[--run->depth];
	return true;
}

/* ---- the stack's own, arithmetic ---- */

static hc_outcome pick(struct hc_dwarf_expression *run, uint64_t index)
{
	return index < run->depth ? hc_dwarf_expression_push_operand(run, run->stack[run->depth - 1 - index]) :
				    hc_dwarf_expression_malformed(run);
}

hc_outcome hc_dwarf_expression_run_stack(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	struct hc_dwarf_operand *top = run->stack + run->depth, value;

	switch (operation->atom) {
	case DW_OP_dup:
		return pick(run, 0);
	case DW_OP_over:
		return pick(run, 1);
	case DW_OP_pick:
		return pick(run, operation->number);
	case DW_OP_drop:
		return hc_dwarf_expression_pop(run, &value) ? HC_OUTCOME_DONE : HC_OUTCOME_FAILED;
	case DW_OP_swap:
		if (run->depth < 2)
			return hc_dwarf_expression_malformed(run);
		value = top[-1];
		top[-1] = top[-2];
		top[-2] = value;
		return HC_OUTCOME_DONE;
	case DW_OP_rot: /* the top goes below the two that follow it */
		if (run->depth < 3)
			return hc_dwarf_expression_malformed(run);
		value = top[-1];
		top[-1] = top[-2];
		top[-2] = top[-3];
		top[-3] = value;
		return HC_OUTCOME_DONE;
	default:
		return HC_OUTCOME_NOT_MINE;
	}
}

hc_outcome hc_dwarf_expression_run_unary(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	struct hc_dwarf_operand *top = run->depth ? &run->stack[run->depth - 1] : NULL;
	uint64_t bits;

	switch (operation->atom) {
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_plus_uconst:
		break;
	default:
		return HC_OUTCOME_NOT_MINE;
	}
	if (!top)
		return hc_dwarf_expression_malformed(run);
	bits = top->bits;
	if (operation->atom == DW_OP_plus_uconst)
		bits += operation->number;
	else if (operation->atom == DW_OP_not)
		bits = ~bits;
	else if (operation->atom == DW_OP_neg || ((top->is_signed || !top->is_typed) && hc_sign_extended(*top) < 0))
		bits = -bits;
	top->bits = hc_truncate(bits, top->size);
	return HC_OUTCOME_DONE;
}

/* Section 2.5.1.4: of the generic type division is signed and the remainder is not. */
static hc_outcome divide(
	struct hc_dwarf_expression *run, uint8_t atom, struct hc_dwarf_operand left, struct hc_dwarf_operand right)
{
	bool is_signed = left.is_typed ? left.is_signed : atom == DW_OP_div;

	if (!right.bits)
		return hc_dwarf_expression_fail(
			run, HC_VARIABLE_UNSUPPORTED, "the expression that tells where it is divides by zero");
	if (!is_signed)
		left.bits = atom == DW_OP_div ? left.bits / right.bits : left.bits % right.bits;
	else if (hc_sign_extended(right) == -1) /* the one that can overflow */
		left.bits = atom == DW_OP_div ? -left.bits : 0;
	else
		left.bits = (uint64_t)(atom == DW_OP_div ? hc_sign_extended(left) / hc_sign_extended(right) :
							   hc_sign_extended(left) % hc_sign_extended(right));
	return hc_dwarf_expression_push_operand(run, left);
}

static hc_outcome shift(
	struct hc_dwarf_expression *run, uint8_t atom, struct hc_dwarf_operand left, struct hc_dwarf_operand right)
{
	unsigned by = right.bits < 64 ? (unsigned)right.bits : 63;
	bool all = right.bits >= left.size * 8u;

	if (atom == DW_OP_shra)
		left.bits = (uint64_t)(hc_sign_extended(left) >> by);
	else if (all)
		left.bits = 0;
	else
		left.bits = atom == DW_OP_shl ? left.bits << by : left.bits >> by;
	return hc_dwarf_expression_push_operand(run, left);
}

static hc_outcome compare(
	struct hc_dwarf_expression *run, uint8_t atom, struct hc_dwarf_operand left, struct hc_dwarf_operand right)
{
	bool is_unsigned = left.is_typed && !left.is_signed;
	bool less = is_unsigned ? left.bits < right.bits : hc_sign_extended(left) < hc_sign_extended(right);
	bool equal = left.bits == right.bits;

	switch (atom) {
	case DW_OP_eq:
		return hc_dwarf_expression_push(run, equal);
	case DW_OP_ne:
		return hc_dwarf_expression_push(run, !equal);
	case DW_OP_lt:
		return hc_dwarf_expression_push(run, less);
	case DW_OP_le:
		return hc_dwarf_expression_push(run, less || equal);
	case DW_OP_gt:
		return hc_dwarf_expression_push(run, !less && !equal);
	default:
		return hc_dwarf_expression_push(run, !less);
	}
}

static hc_outcome calculate(
	struct hc_dwarf_expression *run, uint8_t atom, struct hc_dwarf_operand left, struct hc_dwarf_operand right)
{
	switch (atom) {
	case DW_OP_and:
		left.bits &= right.bits;
		break;
	case DW_OP_or:
		left.bits |= right.bits;
		break;
	case DW_OP_xor:
		left.bits ^= right.bits;
		break;
	case DW_OP_plus:
		left.bits += right.bits;
		break;
	case DW_OP_minus:
		left.bits -= right.bits;
		break;
	case DW_OP_mul:
		left.bits *= right.bits;
		break;
	case DW_OP_div:
	case DW_OP_mod:
		return divide(run, atom, left, right);
	default:
		return compare(run, atom, left, right);
	}
	return hc_dwarf_expression_push_operand(run, left);
}

hc_outcome hc_dwarf_expression_run_binary(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	struct hc_dwarf_operand left, right;
	uint8_t atom = operation->atom;

	switch (atom) {
	case DW_OP_and:
	case DW_OP_or:
	case DW_OP_xor:
	case DW_OP_plus:
	case DW_OP_minus:
	case DW_OP_mul:
	case DW_OP_div:
	case DW_OP_mod:
	case DW_OP_eq:
	case DW_OP_ne:
	case DW_OP_lt:
	case DW_OP_le:
	case DW_OP_gt:
	case DW_OP_ge:
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		break;
	default:
		return HC_OUTCOME_NOT_MINE;
	}
	if (!hc_dwarf_expression_pop(run, &right) || !hc_dwarf_expression_pop(run, &left))
		return HC_OUTCOME_FAILED;
	if (atom == DW_OP_shl || atom == DW_OP_shr || atom == DW_OP_shra)
		return shift(run, atom, left, right);
	if (left.size != right.size || left.is_typed != right.is_typed || left.is_signed != right.is_signed)
		return hc_dwarf_expression_malformed(run);
	return calculate(run, atom, left, right);
}
