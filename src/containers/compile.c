/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Expressions -> programs, for one type.
 *
 * An operand is a place (memory of a type), an address, a number or a type. Places and addresses are kept as base + offset as long
 * as that is all there is to them, so that a path through members and base classes becomes one load. Numbers that are known are
 * folded, and what a known condition rules out is not compiled: `has(x) ? x : y` fits types with and without x. What a tree can cost is
 * bounded by `work`.
 */
#include "containers/compiler.h"
#include "containers/operators.h"

#include <string.h>

enum {
	WORK_MAX = 20000
};

static const hc_operand nothing = { .form = HC_FORM_NONE };

hc_operand hc_compile_fail(hc_compiler *c, const char *format, ...)
{
	va_list arguments;

	if (!c->failed) {
		va_start(arguments, format);
		c->message = g_strdup_vprintf(format, arguments);
		va_end(arguments);
	}
	c->failed = true;
	return nothing;
}

void hc_compile_emit(hc_compiler *c, hc_code code, unsigned size, bool is_signed, uint64_t value, int stack)
{
	const hc_instruction instruction = { code, size, is_signed, value };

	if (c->code->len >= HC_PROGRAM_LENGTH) {
		hc_compile_fail(c, "is too long when its keys are put in");
		return;
	}
	g_array_append_val(c->code, instruction);
	c->stack += stack;
	if (c->stack > HC_PROGRAM_STACK)
		hc_compile_fail(c, "is too deep");
	if (code == HC_CODE_NODE || code == HC_CODE_LOAD_NODE || code == HC_CODE_VARIABLE)
		c->uses_node = true;
}

void hc_compile_cut(hc_compiler *c, unsigned start, unsigned stack)
{
	g_array_set_size(c->code, MIN(start, c->code->len));
	c->stack = stack;
}

hc_operand hc_compile_constant(hc_compiler *c, uint64_t value)
{
	hc_operand operand = { .form = HC_FORM_VALUE, .is_constant = true, .value = value, .start = c->code->len };

	hc_compile_emit(c, HC_CODE_PUSH, 0, false, value, 1);
	return operand;
}

const char *hc_compile_type_name(const hc_type *type)
{
	return type ? hc_type_short_name(type) : "something without a type";
}

/* ---- operands ---- */

bool hc_type_is_pointer(const hc_type *type)
{
	hc_type_kind kind = type ? hc_type_get_kind(type) : HC_TYPE_OTHER;

	return kind == HC_TYPE_POINTER || kind == HC_TYPE_REFERENCE;
}

static bool is_signed(const hc_type *type)
{
	if (type && hc_type_get_kind(type) == HC_TYPE_ENUM)
		type = hc_type_target(type);
	return type && hc_type_get_kind(type) == HC_TYPE_SIGNED;
}

/* Its address, on the stack. */
void hc_compile_address(hc_compiler *c, hc_operand *operand)
{
	switch (operand->base) {
	case HC_BASE_THIS:
		hc_compile_emit(c, HC_CODE_THIS, 0, false, operand->value, 1);
		break;
	case HC_BASE_NODE:
		hc_compile_emit(c, HC_CODE_NODE, 0, false, operand->value, 1);
		break;
	case HC_BASE_NOWHERE:
		hc_compile_emit(c, HC_CODE_PUSH, 0, false, operand->value, 1);
		operand->is_constant = true;
		break;
	case HC_BASE_STACK:
		if (operand->value)
			hc_compile_emit(c, HC_CODE_OFFSET, 0, false, operand->value, 0);
		break;
	}
	operand->form = HC_FORM_VALUE;
	operand->is_signed = false;
}

static void load(hc_compiler *c, hc_operand *operand, unsigned size, bool sign)
{
	bool sign_bytes = sign && !operand->bit_size;

	switch (operand->base) {
	case HC_BASE_THIS:
		hc_compile_emit(c, HC_CODE_LOAD_THIS, size, sign_bytes, operand->value, 1);
		break;
	case HC_BASE_NODE:
		hc_compile_emit(c, HC_CODE_LOAD_NODE, size, sign_bytes, operand->value, 1);
		break;
	case HC_BASE_NOWHERE:
		hc_compile_emit(c, HC_CODE_PUSH, 0, false, operand->value, 1);
		hc_compile_emit(c, HC_CODE_LOAD, size, sign_bytes, 0, 0);
		break;
	case HC_BASE_STACK:
		hc_compile_emit(c, HC_CODE_LOAD, size, sign_bytes, operand->value, 0);
		break;
	}
	if (operand->bit_size)
		hc_compile_emit(c, HC_CODE_BITS, operand->bit_size, sign, operand->bit_offset, 0);
	operand->form = HC_FORM_VALUE;
	operand->is_signed = sign;
}

void hc_compile_value(hc_compiler *c, hc_operand *operand)
{
	const hc_type *type = operand->type;
	uint64_t size = type ? hc_type_size(type) : operand->load_size;
	hc_type_kind kind = type ? hc_type_get_kind(type) : HC_TYPE_UNSIGNED;

	if (c->failed || operand->form == HC_FORM_VALUE)
		return;
	if (operand->form == HC_FORM_ADDRESS) {
		hc_compile_address(c, operand);
		return;
	}
	if (operand->form != HC_FORM_PLACE) {
		hc_compile_fail(c, "%s is a type, where a number is needed", hc_compile_type_name(type));
		return;
	}
	if (kind == HC_TYPE_ARRAY) {
		hc_compile_address(c, operand);
		return;
	}
	if (hc_type_is_pointer(type) && !size)
		size = c->layout->set->reader.format.size;
	if (kind == HC_TYPE_STRUCT || kind == HC_TYPE_UNION || (size != 1 && size != 2 && size != 4 && size != 8)) {
		hc_compile_fail(c, "%s is no number", hc_compile_type_name(type));
		return;
	}
	load(c, operand, size, type ? is_signed(type) : operand->is_signed);
}

/* What the pointer, or array, OPERAND leads to. */
static hc_operand target_of(hc_compiler *c, hc_operand operand)
{
	const hc_type *type = operand.type;

	if (c->failed)
		return nothing;
	if (operand.form == HC_FORM_TYPE) {
		operand.type = hc_type_target(type);
		return operand.type ? operand : hc_compile_fail(c, "%s leads to no type", hc_compile_type_name(type));
	}
	if (type && operand.form == HC_FORM_PLACE && hc_type_get_kind(type) == HC_TYPE_ARRAY) {
		operand.type = hc_type_target(type);
		return operand;
	}
	if (!hc_type_is_pointer(type))
		return hc_compile_fail(c, "%s is no pointer", hc_compile_type_name(type));
	hc_compile_value(c, &operand);
	operand.form = HC_FORM_PLACE;
	operand.base = operand.is_constant ? HC_BASE_NOWHERE : HC_BASE_STACK;
	if (operand.is_constant)
		hc_compile_cut(c, operand.start, c->stack - 1);
	else
		operand.value = 0;
	operand.is_constant = false;
	operand.type = hc_type_target(type);
	operand.bit_size = 0;
	return operand;
}

hc_operand hc_compile_member(hc_compiler *c, hc_operand operand, const char *name)
{
	const hc_field *field;
	uint64_t offset;

	if (!c->failed && operand.form != HC_FORM_TYPE && hc_type_is_pointer(operand.type))
		operand = target_of(c, operand);
	if (c->failed)
		return nothing;
	if ((operand.form != HC_FORM_PLACE && operand.form != HC_FORM_TYPE) || !operand.type)
		return hc_compile_fail(c, "%s is asked for in what has no members", name);
	field = hc_type_find_field(operand.type, name, &offset);
	if (!field)
		return hc_compile_fail(c, "%s has no member %s", hc_compile_type_name(operand.type), name);
	operand.type = field->type;
	operand.value += offset;
	operand.bit_size = field->bit_size;
	operand.bit_offset = field->bit_offset;
	return operand;
}

static hc_operand index_of(hc_compiler *c, const hc_expression *expression)
{
	hc_operand base = target_of(c, hc_compile(c, expression->child)), index;
	uint64_t size = !c->failed && base.type ? hc_type_size(base.type) : 0;
	unsigned start;

	if (c->failed)
		return nothing;
	if (!size)
		return hc_compile_fail(c, "the size of %s is not known", hc_compile_type_name(base.type));
	/* A known index needs no code; another one needs the base below it. */
	start = c->code->len;
	unsigned stack = c->stack;

	if (hc_compile_try(c, expression->child->next, &index) && index.form == HC_FORM_VALUE && index.is_constant) {
		hc_compile_cut(c, start, stack);
		base.value += index.value * size;
		return base;
	}
	hc_compile_cut(c, start, stack);
	if (base.form == HC_FORM_TYPE)
		return base;
	hc_compile_address(c, &base);
	index = hc_compile(c, expression->child->next);
	hc_compile_value(c, &index);
	hc_compile_emit(c, HC_CODE_SCALE, 0, false, size, -1);
	base.form = HC_FORM_PLACE;
	base.base = HC_BASE_STACK;
	base.is_constant = false;
	base.value = 0;
	return base;
}

/* ---- operators ---- */

static hc_operand boolean(hc_compiler *c, hc_operand operand)
{
	hc_compile_value(c, &operand);
	if (c->failed)
		return nothing;
	if (operand.is_constant) {
		hc_compile_cut(c, operand.start, c->stack - 1);
		return hc_compile_constant(c, operand.value != 0);
	}
	hc_compile_emit(c, HC_CODE_BOOL, 0, false, 0, 0);
	return (hc_operand){ .form = HC_FORM_VALUE, .start = operand.start };
}

static void set_jump(hc_compiler *c, unsigned at)
{
	if (at < c->code->len)
		g_array_index(c->code, hc_instruction, at).value = c->code->len;
}

/* && and ||: what a known left side decides is not compiled. */
static hc_operand compile_logical(hc_compiler *c, const hc_expression *expression)
{
	bool is_or = expression->operation == HC_OPERATOR_OR_ELSE;
	unsigned start = c->code->len, stack = c->stack, jump;
	hc_operand left = hc_compile(c, expression->child);

	hc_compile_value(c, &left);
	if (c->failed)
		return nothing;
	if (left.is_constant) {
		hc_compile_cut(c, start, stack);
		if ((left.value != 0) == is_or)
			return hc_compile_constant(c, is_or);
		return boolean(c, hc_compile(c, expression->child->next));
	}
	jump = c->code->len;
	hc_compile_emit(c, is_or ? HC_CODE_OR_ELSE : HC_CODE_AND_THEN, 0, false, 0, -1);
	hc_operand right = hc_compile(c, expression->child->next);

	hc_compile_value(c, &right);
	hc_compile_emit(c, HC_CODE_BOOL, 0, false, 0, 0);
	set_jump(c, jump);
	return (hc_operand){ .form = HC_FORM_VALUE, .start = start };
}

static hc_operand compile_condition(hc_compiler *c, const hc_expression *expression)
{
	const hc_expression *yes = expression->child->next, *no = yes->next;
	unsigned start = c->code->len, stack = c->stack, past_yes, past_no;
	hc_operand condition = hc_compile(c, expression->child), a, b;

	hc_compile_value(c, &condition);
	if (c->failed)
		return nothing;
	if (condition.is_constant) {
		hc_compile_cut(c, start, stack);
		return hc_compile(c, condition.value ? yes : no);
	}
	past_yes = c->code->len;
	hc_compile_emit(c, HC_CODE_JUMP_IF_NOT, 0, false, 0, -1);
	a = hc_compile(c, yes);
	hc_compile_value(c, &a);
	past_no = c->code->len;
	hc_compile_emit(c, HC_CODE_JUMP, 0, false, 0, 0);
	set_jump(c, past_yes);
	c->stack = stack;
	b = hc_compile(c, no);
	hc_compile_value(c, &b);
	set_jump(c, past_no);
	return (hc_operand){ .form = HC_FORM_VALUE,
		.type = hc_type_is_pointer(a.type) ? a.type :
			hc_type_is_pointer(b.type) ? b.type :
						     NULL,
		.is_signed = a.is_signed || b.is_signed,
		.start = start };
}

/* Address + known number: nothing to do yet. FALSE if it is not that; then nothing has been compiled of the right side. */
static bool add_offset(hc_compiler *c, const hc_expression *expression, hc_operand *left)
{
	unsigned start = c->code->len, stack = c->stack;
	hc_operand right;
	bool is_known;

	if (left->form != HC_FORM_ADDRESS ||
		(expression->operation != HC_OPERATOR_ADD && expression->operation != HC_OPERATOR_SUBTRACT))
		return false;
	is_known = hc_compile_try(c, expression->child->next, &right) && right.form == HC_FORM_VALUE &&
		   right.is_constant;
	hc_compile_cut(c, start, stack);
	if (is_known)
		left->value += expression->operation == HC_OPERATOR_ADD ? right.value : -right.value;
	return is_known;
}

/* Division by a power of two, as most sizes are. */
static void reduce(hc_operator *operation, uint64_t *value, bool is_signed_operation)
{
	if (is_signed_operation || !*value || *value & (*value - 1))
		return;
	if (*operation == HC_OPERATOR_DIVIDE) {
		*operation = HC_OPERATOR_SHIFT_RIGHT;
		*value = __builtin_ctzll(*value);
	} else if (*operation == HC_OPERATOR_REMAINDER) {
		*operation = HC_OPERATOR_AND;
		*value -= 1;
	}
}

static hc_operand compile_binary(hc_compiler *c, const hc_expression *expression)
{
	unsigned start = c->code->len, stack = c->stack;
	hc_operand left, right, result = { .form = HC_FORM_VALUE, .start = start };
	hc_operator operation = expression->operation;
	bool is_comparison = operation >= HC_OPERATOR_EQUAL && operation <= HC_OPERATOR_GREATER_EQUAL;

	if (operation == HC_OPERATOR_OR_ELSE || operation == HC_OPERATOR_AND_THEN)
		return compile_logical(c, expression);
	left = hc_compile(c, expression->child);
	if (!c->failed && add_offset(c, expression, &left))
		return left;
	hc_compile_value(c, &left);
	right = hc_compile(c, expression->child->next);
	hc_compile_value(c, &right);
	if (c->failed)
		return nothing;
	result.is_signed = left.is_signed || right.is_signed;
	if (left.is_constant && right.is_constant) {
		if (!hc_operator_apply(operation, result.is_signed, left.value, right.value, &result.value))
			return hc_compile_fail(c, "divides by zero");
		hc_compile_cut(c, start, stack);
		left = hc_compile_constant(c, result.value);
		left.is_signed = result.is_signed && !is_comparison;
		return left;
	}
	if (right.is_constant) {
		hc_compile_cut(c, right.start, c->stack - 1);
		reduce(&operation, &right.value, result.is_signed);
		hc_compile_emit(c, HC_CODE_BINARY_CONSTANT, operation, result.is_signed, right.value, 0);
	} else {
		hc_compile_emit(c, HC_CODE_BINARY, operation, result.is_signed, 0, -1);
	}
	operation = expression->operation;
	result.is_signed = result.is_signed && !is_comparison;
	/* Pointer + number is still a pointer: p + 8 may be followed. */
	if (operation == HC_OPERATOR_ADD || operation == HC_OPERATOR_SUBTRACT || operation == HC_OPERATOR_AND)
		result.type = hc_type_is_pointer(left.type) && !hc_type_is_pointer(right.type) ? left.type : NULL;
	return result;
}

static hc_operand compile_unary(hc_compiler *c, const hc_expression *expression)
{
	unsigned stack = c->stack;
	hc_operand operand = hc_compile(c, expression->child);

	if (c->failed)
		return nothing;
	switch (expression->operation) {
	case HC_OPERATOR_TARGET:
		return target_of(c, operand);
	case HC_OPERATOR_ADDRESS:
		if (operand.form != HC_FORM_PLACE || operand.bit_size)
			return hc_compile_fail(c, "& needs something that has an address");
		operand.form = HC_FORM_ADDRESS;
		operand.type = NULL;
		return operand;
	case HC_OPERATOR_NOT:
		operand = boolean(c, operand);
		break;
	default:
		hc_compile_value(c, &operand);
		break;
	}
	if (c->failed)
		return nothing;
	if (operand.is_constant) {
		uint64_t value = operand.value;

		hc_compile_cut(c, operand.start, stack);
		value = expression->operation == HC_OPERATOR_NOT    ? !value :
			expression->operation == HC_OPERATOR_INVERT ? ~value :
								      -value;
		operand = hc_compile_constant(c, value);
	} else {
		hc_compile_emit(c,
			expression->operation == HC_OPERATOR_NOT    ? HC_CODE_NOT :
			expression->operation == HC_OPERATOR_INVERT ? HC_CODE_INVERT :
								      HC_CODE_NEGATE,
			0, false, 0, 0);
		operand.type = NULL;
	}
	operand.is_signed = expression->operation == HC_OPERATOR_NEGATE;
	return operand;
}

hc_operand hc_compile(hc_compiler *c, const hc_expression *expression)
{
	hc_operand operand = nothing;

	if (c->failed)
		return nothing;
	if (++c->work > WORK_MAX || c->depth >= HC_COMPILE_DEPTH)
		return hc_compile_fail(c, "is too long or too deep when its keys are put in");
	c->depth++;
	switch (expression->kind) {
	case HC_EXPRESSION_NUMBER:
		operand = hc_compile_constant(c, expression->value);
		break;
	case HC_EXPRESSION_NAME:
		operand = hc_compile_name(c, expression->text);
		break;
	case HC_EXPRESSION_MEMBER:
		operand = hc_compile_member(c, hc_compile(c, expression->child), expression->text);
		break;
	case HC_EXPRESSION_INDEX:
		operand = index_of(c, expression);
		break;
	case HC_EXPRESSION_UNARY:
		operand = compile_unary(c, expression);
		break;
	case HC_EXPRESSION_BINARY:
		operand = compile_binary(c, expression);
		break;
	case HC_EXPRESSION_CONDITION:
		operand = compile_condition(c, expression);
		break;
	case HC_EXPRESSION_CALL:
		operand = hc_compile_call(c, expression);
		break;
	case HC_EXPRESSION_STRING:
		operand = hc_compile_fail(c, "text is no number");
		break;
	}
	c->depth--;
	return operand;
}

bool hc_compile_try(hc_compiler *c, const hc_expression *expression, hc_operand *ret_operand)
{
	unsigned start = c->code->len, stack = c->stack;
	bool uses_node = c->uses_node;

	*ret_operand = hc_compile(c, expression);
	if (!c->failed)
		return true;
	hc_compile_cut(c, start, stack);
	c->uses_node = uses_node;
	c->failed = false;
	g_clear_pointer(&c->message, g_free);
	return false;
}

const hc_type *hc_compile_type(hc_compiler *c, const hc_expression *expression)
{
	unsigned start = c->code->len, stack = c->stack;
	bool uses_node = c->uses_node, is_name = expression->kind == HC_EXPRESSION_NAME;
	hc_operand operand = nothing;

	if (is_name && !hc_compile_try(c, expression, &operand)) {
		operand.type = c->layout->set->program_types ?
				       hc_program_types_find(c->layout->set->program_types, expression->text) :
				       NULL;
		if (!operand.type)
			hc_compile_fail(c, "there is neither a member nor a type %s", expression->text);
	} else if (!is_name) {
		operand = hc_compile(c, expression);
	}
	hc_compile_cut(c, start, stack);
	c->uses_node = uses_node;
	if (!c->failed && !operand.type)
		hc_compile_fail(c, "has no type");
	return c->failed ? NULL : operand.type;
}
