/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Expressions -> programs, for one type.
 *
 * An operand is a place (memory of a type), an address, a number or a type. Places and addresses are kept as base + offset as long
 * as that is all there is to them, so that a path through members and base classes becomes one load. Numbers that are known are
 * folded, and what a known condition rules out is not compiled: `has(x) ? x : y` fits types with and without x. Each key of a
 * description is a program of its own; others that use it take its value, worked out once a walk, unless it differs from node to
 * node, or is a place or a type: then its tree is compiled again where it is used. What that can cost is bounded by `work`.
 */
#include "containers/compiler.h"

#include <string.h>

enum {
	WORK_MAX = 20000,
	DEPTH_MAX = 200
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

static bool is_pointer(const hc_type *type)
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
static void push_address(hc_compiler *c, hc_operand *operand)
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
		push_address(c, operand);
		return;
	}
	if (operand->form != HC_FORM_PLACE) {
		hc_compile_fail(c, "%s is a type, where a number is needed", hc_compile_type_name(type));
		return;
	}
	if (kind == HC_TYPE_ARRAY) {
		push_address(c, operand);
		return;
	}
	if (is_pointer(type) && !size)
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
	if (!is_pointer(type))
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

	if (!c->failed && operand.form != HC_FORM_TYPE && is_pointer(operand.type))
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
	push_address(c, &base);
	index = hc_compile(c, expression->child->next);
	hc_compile_value(c, &index);
	hc_compile_emit(c, HC_CODE_SCALE, 0, false, size, -1);
	base.form = HC_FORM_PLACE;
	base.base = HC_BASE_STACK;
	base.is_constant = false;
	base.value = 0;
	return base;
}

/* ---- keys and names ---- */

static hc_operand use_key(hc_compiler *c, unsigned index);

static hc_operand place(hc_compiler *c, hc_base base, const hc_type *type, uint64_t offset)
{
	return (hc_operand){
		.form = HC_FORM_PLACE, .base = base, .type = type, .value = offset, .start = c->code->len
	};
}

static hc_operand type_operand(hc_compiler *c, const hc_type *type)
{
	return (hc_operand){ .form = HC_FORM_TYPE, .type = type, .start = c->code->len };
}

static hc_operand template_argument(hc_compiler *c, unsigned number)
{
	unsigned count = c->object ? hc_type_argument_count(c->object) : 0;

	for (unsigned i = 0; i < count; i++) {
		const hc_template_argument *argument = hc_type_argument(c->object, i);

		if (argument->type && !number--)
			return type_operand(c, argument->type);
	}
	return hc_compile_fail(c, "there are not so many template arguments");
}

/* The names that are not looked for anywhere. */
static bool reserved(hc_compiler *c, const char *name, hc_operand *ret_operand)
{
	const hc_layout *layout = c->layout;

	if (!strcmp(name, "this")) {
		*ret_operand = place(c, HC_BASE_THIS, layout->type, 0);
	} else if (!strcmp(name, "node")) {
		*ret_operand = place(c, HC_BASE_NODE, layout->node, 0);
	} else if (!strcmp(name, "link")) {
		*ret_operand = layout->link_field ?
				       place(c, HC_BASE_NODE, layout->link_field->type, layout->link_offset) :
				       hc_compile_fail(c, "no member of the node is its link");
	} else if (!strcmp(name, "index") || !strcmp(name, "slot")) {
		*ret_operand = (hc_operand){ .form = HC_FORM_VALUE, .start = c->code->len };
		hc_compile_emit(c, HC_CODE_VARIABLE, 0, false, *name == 'i' ? HC_VARIABLE_INDEX : HC_VARIABLE_SLOT, 1);
	} else if (!strcmp(name, "E")) {
		*ret_operand = layout->element ? type_operand(c, layout->element) :
						 hc_compile_fail(c, "the type of elements is not known");
	} else if (name[0] == 'T' && g_ascii_isdigit(name[1]) && !name[2]) {
		*ret_operand = template_argument(c, name[1] - '0');
	} else {
		return false;
	}
	return true;
}

static hc_operand compile_name(hc_compiler *c, const char *name)
{
	const hc_layout *layout = c->layout;
	hc_operand operand;

	if (reserved(c, name, &operand))
		return operand;
	if (c->in_node && layout->node && hc_type_find_field(layout->node, name, &(uint64_t){ 0 }))
		return hc_compile_member(c, place(c, HC_BASE_NODE, layout->node, 0), name);
	if (c->object && hc_type_find_field(c->object, name, &(uint64_t){ 0 }))
		return hc_compile_member(c, place(c, HC_BASE_THIS, layout->type, 0), name);
	for (unsigned i = 0; i < c->description->key_count; i++)
		if (c->states[i] != HC_STATE_ACTIVE && !strcmp(c->description->keys[i].name, name))
			return use_key(c, i);
	return hc_compile_fail(c, "%s has no member %s, and the description no such key",
		hc_compile_type_name(c->object ? c->object : layout->type), name);
}

/* Program of key INDEX out of what its expression became. */
static void finish_program(hc_compiler *c, hc_program *program, hc_operand *operand)
{
	const hc_instruction *code;

	program->form = operand->form;
	program->type = operand->type;
	program->is_member = operand->form == HC_FORM_PLACE && operand->base == HC_BASE_THIS && !operand->bit_size;
	program->offset = operand->value;
	if (operand->form == HC_FORM_PLACE && operand->type &&
		(hc_type_get_kind(operand->type) == HC_TYPE_STRUCT || hc_type_get_kind(operand->type) == HC_TYPE_UNION))
		push_address(c, operand);
	else if (operand->form != HC_FORM_TYPE)
		hc_compile_value(c, operand);
	if (c->failed)
		return;
	program->is_constant = operand->form == HC_FORM_VALUE && operand->is_constant;
	program->is_signed = operand->is_signed;
	program->value = operand->value;
	program->uses_node = c->uses_node;
	program->length = c->code->len;
	code = (const hc_instruction *)c->code->data;
	if (program->length == 1 && code->code == HC_CODE_LOAD_NODE && !code->is_signed &&
		code->size == c->layout->set->reader.format.size) {
		program->is_node_word = true;
		program->offset = code->value;
	}
	program->code = g_memdup2(code, program->length * sizeof *code);
	g_ptr_array_add(c->layout->code, (void *)program->code);
	program->is_compiled = true;
}

static bool compile_key(hc_compiler *c, unsigned index)
{
	const hc_description_key *key = &c->description->keys[index];
	hc_compiler outer = *c;

	if (c->states[index] == HC_STATE_DONE)
		return true;
	if (c->states[index] == HC_STATE_FAILED || c->depth > DEPTH_MAX) {
		hc_compile_fail(c, "the key %s does not fit", key->name);
		return false;
	}
	c->states[index] = HC_STATE_ACTIVE;
	c->code = g_array_new(FALSE, FALSE, sizeof(hc_instruction));
	c->stack = 0;
	c->in_node = key->is_node;
	c->uses_node = false;
	hc_operand operand = hc_compile(c, key->expression);

	if (!c->failed)
		finish_program(c, &c->layout->programs[index], &operand);
	g_array_unref(c->code);
	c->code = outer.code;
	c->stack = outer.stack;
	c->in_node = outer.in_node;
	c->uses_node = outer.uses_node;
	c->states[index] = c->failed ? HC_STATE_FAILED : HC_STATE_DONE;
	return !c->failed;
}

static hc_operand use_key(hc_compiler *c, unsigned index)
{
	const hc_program *program = &c->layout->programs[index];
	bool is_scalar;

	if (!compile_key(c, index))
		return nothing;
	if (program->is_constant)
		return hc_compile_constant(c, program->value);
	is_scalar = program->form == HC_FORM_VALUE ||
		    (program->form == HC_FORM_PLACE &&
			    (is_pointer(program->type) || (program->type && hc_type_size(program->type) <= 8 &&
								  hc_type_get_kind(program->type) < HC_TYPE_POINTER)));
	if (is_scalar && !program->uses_node) {
		hc_operand operand = { .form = HC_FORM_VALUE,
			.type = program->type,
			.is_signed = program->is_signed,
			.start = c->code->len };

		hc_compile_emit(c, HC_CODE_KEY, 0, false, index, 1);
		return operand;
	}
	/* As a part of this expression: a place stays one, and a node's value is worked out anew for each. */
	c->states[index] = HC_STATE_ACTIVE;
	hc_operand operand = hc_compile(c, c->description->keys[index].expression);
	c->states[index] = HC_STATE_DONE;
	return operand;
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
		.type = is_pointer(a.type) ? a.type :
			is_pointer(b.type) ? b.type :
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
	hc_compile_emit(c, HC_CODE_BINARY, 0, result.is_signed, operation, -1);
	result.is_signed = result.is_signed && !is_comparison;
	/* Pointer + number is still a pointer: p + 8 may be followed. */
	if (operation == HC_OPERATOR_ADD || operation == HC_OPERATOR_SUBTRACT || operation == HC_OPERATOR_AND)
		result.type = is_pointer(left.type) && !is_pointer(right.type) ? left.type : NULL;
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
	if (++c->work > WORK_MAX || c->depth >= DEPTH_MAX)
		return hc_compile_fail(c, "is too long or too deep when its keys are put in");
	c->depth++;
	switch (expression->kind) {
	case HC_EXPRESSION_NUMBER:
		operand = hc_compile_constant(c, expression->value);
		break;
	case HC_EXPRESSION_NAME:
		operand = compile_name(c, expression->text);
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
		operand.type = c->layout->set->modules ?
				       hc_modules_find_type(c->layout->set->modules, expression->text) :
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

/* ---- a layout ---- */

/* The keys whose value is a type are no programs. */
static bool compile_type_key(hc_compiler *c, hc_key key, const hc_type **ret_type)
{
	uint8_t index = c->description->known[key];

	if (index == HC_NO_KEY)
		return true;
	c->states[index] = HC_STATE_ACTIVE;
	c->in_node = false;
	*ret_type = hc_compile_type(c, c->description->keys[index].expression);
	c->states[index] = c->failed ? HC_STATE_FAILED : HC_STATE_DONE;
	c->layout->programs[index].form = HC_FORM_TYPE;
	c->layout->programs[index].type = *ret_type;
	return !c->failed;
}

static bool compile_known(hc_compiler *c, hc_key key)
{
	uint8_t index = c->description->known[key];

	return index == HC_NO_KEY || compile_key(c, index);
}

static const hc_type *named_type(hc_compiler *c, const char *name)
{
	hc_modules *modules = c->layout->set->modules;
	const hc_type *type = modules ? hc_modules_find_type(modules, name) : NULL;

	if (!type)
		hc_compile_fail(c, "the annotation's type %s is in no debug info", name);
	return type;
}

static bool find_elements(hc_compiler *c)
{
	hc_layout *layout = c->layout;
	const hc_annotation *annotation = layout->annotation;

	if (!compile_type_key(c, HC_KEY_ELEM, &layout->element) ||
		!compile_type_key(c, HC_KEY_MAPPED_ELEM, &layout->mapped))
		return false;
	if (annotation && annotation->elem) {
		layout->element = named_type(c, annotation->elem);
		layout->by_pointer = c->description->by_pointer;
	}
	if (annotation && annotation->link && layout->element) {
		if (!hc_type_find_field(layout->element, annotation->link, &layout->link_value))
			hc_compile_fail(
				c, "%s has no member %s", hc_compile_type_name(layout->element), annotation->link);
		layout->link_value = -layout->link_value;
	}
	if (annotation && annotation->value) {
		layout->mapped = named_type(c, annotation->value);
		layout->mapped_by_pointer = c->description->by_pointer;
	}
	return !c->failed;
}

/* The type of nodes: by its key, or what head or root leads to. */
static bool find_node(hc_compiler *c)
{
	static const hc_key starts[] = { HC_KEY_HEAD, HC_KEY_ROOT };
	hc_layout *layout = c->layout;

	if (layout->node) /* a link has been looked for in it */
		return true;
	if (!compile_type_key(c, HC_KEY_NODE, &layout->node))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(starts) && !layout->node; i++) {
		const hc_program *program = hc_layout_program(layout, starts[i]);

		if (!compile_known(c, starts[i]))
			return false;
		if (program && is_pointer(program->type))
			layout->node = hc_type_target(program->type);
	}
	if (layout->node && hc_type_get_kind(layout->node) == HC_TYPE_VOID)
		layout->node = NULL;
	/* A list through the elements themselves. */
	if (!layout->element && layout->node && c->description->known[HC_KEY_VALUE] == HC_NO_KEY &&
		c->description->known[HC_KEY_ELEM_SIZE] == HC_NO_KEY && c->description->kind != HC_WALK_SLOTS)
		layout->element = layout->node;
	return true;
}

static bool when_holds(hc_compiler *c)
{
	const hc_program *when = hc_layout_program(c->layout, HC_KEY_WHEN);

	if (!compile_known(c, HC_KEY_WHEN))
		return false;
	if (when && !when->is_constant) {
		hc_compile_fail(c, "when: is not known before a container is looked at");
		return false;
	}
	return !when || when->value;
}

bool hc_layout_compile(hc_layout *layout, char **ret_message)
{
	hc_compiler c = { .layout = layout, .description = layout->description };
	const hc_type *type = layout->type;
	unsigned current = 0;
	bool fits;

	c.object = layout->description->is_pointer ? hc_type_target(type) : type;
	c.code = g_array_new(FALSE, FALSE, sizeof(hc_instruction));
	fits = when_holds(&c) && find_elements(&c) && find_node(&c);
	for (; fits && current < c.description->key_count; current++)
		fits = compile_key(&c, current);
	if (c.failed)
		*ret_message = g_strdup_printf(
			"%s: %s", current ? c.description->keys[current - 1].name : "elements", c.message);
	else
		*ret_message = NULL;
	g_free(c.message);
	g_array_unref(c.code);
	return fits;
}
