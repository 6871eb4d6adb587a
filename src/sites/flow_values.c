/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sites/flow_values.h"

static const struct value unknown = { .kind = VALUE_UNKNOWN };

struct value hc_flow_number(int64_t value)
{
	return (struct value){ .kind = VALUE_NUMBER, .add = value };
}

bool hc_flow_same(const struct value *a, const struct value *b)
{
	return a->kind == b->kind && a->index == b->index && a->scale == b->scale && a->add == b->add;
}

static bool is_one_or_none(const struct value *value)
{
	return value->kind == VALUE_NUMBER && value->add >= 0 && value->add <= 1;
}

static bool is_none(const struct value *value)
{
	return value->kind == VALUE_NUMBER && !value->add;
}

struct value hc_flow_join(const struct value *a, const struct value *b)
{
	if (hc_flow_same(a, b))
		return *a;
	if (a->kind == VALUE_ARGUMENT && a->scale == 1 && !a->add && is_one_or_none(b))
		return *a;
	if (b->kind == VALUE_ARGUMENT && b->scale == 1 && !b->add && is_one_or_none(a))
		return *b;
	/* What an allocator gave, or no memory. */
	if (a->kind == VALUE_RESULT && is_none(b))
		return *a;
	if (b->kind == VALUE_RESULT && is_none(a))
		return *b;
	return unknown;
}

struct value hc_flow_scaled(struct value value, int64_t scale)
{
	if (value.kind == VALUE_NUMBER) {
		if (__builtin_mul_overflow(value.add, scale, &value.add))
			return unknown;
		return value;
	}
	if (value.kind != VALUE_ARGUMENT && value.kind != VALUE_UNKNOWN) {
		value = (struct value){ .kind = VALUE_UNKNOWN, .scale = 1 };
	} else if (!value.scale)
		value.scale = 1;
	if (scale <= 0 || __builtin_mul_overflow(value.scale, scale, &value.scale) ||
		__builtin_mul_overflow(value.add, scale, &value.add))
		return unknown;
	return value;
}

struct value hc_flow_sum(struct value a, struct value b)
{
	if (a.kind == VALUE_NUMBER && b.kind != VALUE_NUMBER) {
		struct value swapped = a;

		a = b;
		b = swapped;
	}
	if (b.kind == VALUE_NUMBER && (a.kind != VALUE_UNKNOWN || a.scale > 1)) {
		if (__builtin_add_overflow(a.add, b.add, &a.add))
			return unknown;
		return a;
	}
	if (a.kind == VALUE_ARGUMENT && b.kind == VALUE_ARGUMENT && a.index == b.index) {
		if (__builtin_add_overflow(a.add, b.add, &a.add) || __builtin_add_overflow(a.scale, b.scale, &a.scale))
			return unknown;
		return a;
	}
	return unknown;
}

struct value hc_flow_cut(struct value value, uint8_t width)
{
	if (width == 4 && value.kind == VALUE_NUMBER)
		value.add = (int64_t)(uint32_t)value.add;
	return value;
}
