/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What operators do, once for constants (compile.c) and for values (evaluate.c). Nothing is
 * undefined here: numbers wrap around, and too long a shift leaves nothing.
 */
#pragma once

#include "containers/expression.h"

/* What differs for numbers with a sign. */
static inline bool hc_operator_apply_signed(hc_operator operation, int64_t a, int64_t b, uint64_t *ret_value)
{
	switch (operation) {
	case HC_OPERATOR_LESS:
		*ret_value = a < b;
		return true;
	case HC_OPERATOR_LESS_EQUAL:
		*ret_value = a <= b;
		return true;
	case HC_OPERATOR_GREATER:
		*ret_value = a > b;
		return true;
	case HC_OPERATOR_GREATER_EQUAL:
		*ret_value = a >= b;
		return true;
	case HC_OPERATOR_DIVIDE:
		/* The smallest number has no opposite. */
		*ret_value = !b ? 0 : b == -1 ? -(uint64_t)a : (uint64_t)(a / b);
		return b != 0;
	case HC_OPERATOR_REMAINDER:
		*ret_value = !b || b == -1 ? 0 : (uint64_t)(a % b);
		return b != 0;
	default:
		*ret_value = (uint64_t)(a >> MIN((uint64_t)b, 63));
		return true;
	}
}

/* A OPERATION B, an operation of two operands but && and ||. FALSE: division by zero. */
static inline bool hc_operator_apply(hc_operator operation, bool is_signed, uint64_t a, uint64_t b, uint64_t *ret_value)
{
	uint64_t result;

	switch (operation) {
	case HC_OPERATOR_OR:
		result = a | b;
		break;
	case HC_OPERATOR_XOR:
		result = a ^ b;
		break;
	case HC_OPERATOR_AND:
		result = a & b;
		break;
	case HC_OPERATOR_EQUAL:
		result = a == b;
		break;
	case HC_OPERATOR_UNEQUAL:
		result = a != b;
		break;
	case HC_OPERATOR_ADD:
		result = a + b;
		break;
	case HC_OPERATOR_SUBTRACT:
		result = a - b;
		break;
	case HC_OPERATOR_MULTIPLY:
		result = a * b;
		break;
	case HC_OPERATOR_SHIFT_LEFT:
		result = b < 64 ? a << b : 0;
		break;
	default:
		if (is_signed)
			return hc_operator_apply_signed(operation, a, b, ret_value);
		if (operation == HC_OPERATOR_DIVIDE || operation == HC_OPERATOR_REMAINDER) {
			if (!b)
				return false;
			result = operation == HC_OPERATOR_DIVIDE ? a / b : a % b;
		} else {
			result = operation == HC_OPERATOR_LESS		? a < b :
				 operation == HC_OPERATOR_LESS_EQUAL	? a <= b :
				 operation == HC_OPERATOR_GREATER	? a > b :
				 operation == HC_OPERATOR_GREATER_EQUAL ? a >= b :
				 b < 64					? a >> b :
									  0;
		}
		break;
	}
	*ret_value = result;
	return true;
}
