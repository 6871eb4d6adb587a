/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of expressions. To add one: a row in `functions`, and a line in docs/containers.md. */
#include "containers/compiler.h"
#include "containers/functions.h"

#include <string.h>

typedef struct function function;

struct function {
	const char *name;
	unsigned least, most; /* operands */
	hc_operand (*compile)(hc_compiler *c, const function *self, const hc_expression *arguments);
	unsigned detail; /* size, hc_code, or kind */
	bool is_signed;
};

enum {
	ANY_NUMBER = 64,
	FOLLOW_MAX = 8
};

static hc_operand typed(hc_compiler *c, const hc_type *type)
{
	if (!type)
		return hc_compile_fail(c, "there is no such type");
	return (hc_operand){ .form = HC_FORM_TYPE, .type = type, .start = c->code->len };
}

/* ---- memory ---- */

/* u32(address) */
static hc_operand compile_load(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	hc_operand operand = hc_compile(c, arguments);

	if (c->failed)
		return operand;
	if (operand.form != HC_FORM_ADDRESS) {
		hc_compile_value(c, &operand);
		operand.base = operand.is_constant ? HC_BASE_NOWHERE : HC_BASE_STACK;
		if (operand.is_constant)
			hc_compile_cut(c, operand.start, c->stack - 1);
		else
			operand.value = 0;
	}
	operand.form = HC_FORM_PLACE;
	operand.type = NULL;
	operand.is_constant = false;
	operand.load_size = self->detail ? self->detail : c->layout->set->reader.format.size;
	operand.is_signed = self->is_signed;
	operand.bit_size = 0;
	return operand;
}

/* cast(TYPE, address) */
static hc_operand compile_cast(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *type = hc_compile_type(c, arguments);
	hc_operand operand;

	if (!type)
		return hc_compile_fail(c, "there is no such type");
	operand = compile_load(c, self, arguments->next);
	operand.type = type;
	operand.load_size = 0;
	return operand;
}

/* symbol(address, "text") */
static hc_operand compile_symbol(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	hc_operand operand;

	(void)self;
	if (arguments->next->kind != HC_EXPRESSION_STRING)
		return hc_compile_fail(c, "symbol() needs an address and a text");
	operand = hc_compile(c, arguments);
	hc_compile_value(c, &operand);
	hc_compile_emit(c, HC_CODE_SYMBOL, 0, false, c->layout->texts->len, 0);
	g_ptr_array_add(c->layout->texts, (void *)arguments->next->text);
	operand.type = NULL;
	operand.is_constant = false;
	return operand;
}

/* usable(address), start(address) */
static hc_operand compile_block(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	hc_operand operand = hc_compile(c, arguments);

	hc_compile_value(c, &operand);
	hc_compile_emit(c, self->detail, 0, false, 0, 0);
	operand.is_constant = operand.is_signed = false;
	operand.type = NULL;
	return operand;
}

/* climb(address, offset) */
static hc_operand compile_climb(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	hc_operand operand = hc_compile(c, arguments);

	(void)self;
	hc_compile_value(c, &operand);
	if (arguments->next->kind != HC_EXPRESSION_NUMBER)
		return hc_compile_fail(c, "climb() needs an address and a number");
	hc_compile_emit(c, HC_CODE_CLIMB, 0, false, arguments->next->value, 0);
	operand.is_constant = operand.is_signed = false;
	return operand;
}

/* ---- numbers ---- */

static uint64_t fold(hc_code code, uint64_t a, uint64_t b)
{
	if (code == HC_CODE_ALIGN_UP)
		return b && !(b & (b - 1)) ? hc_align_up(a, b) : a;
	return code == HC_CODE_MIN ? MIN(a, b) : MAX(a, b);
}

static hc_operand compile_two(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	unsigned start = c->code->len, stack = c->stack;
	hc_operand a = hc_compile(c, arguments), b;

	hc_compile_value(c, &a);
	b = hc_compile(c, arguments->next);
	hc_compile_value(c, &b);
	if (!c->failed && a.is_constant && b.is_constant) {
		hc_compile_cut(c, start, stack);
		return hc_compile_constant(c, fold(self->detail, a.value, b.value));
	}
	hc_compile_emit(c, self->detail, 0, false, 0, -1);
	return (hc_operand){ .form = c->failed ? HC_FORM_NONE : HC_FORM_VALUE, .start = start };
}

static hc_operand compile_log2(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	hc_operand operand = hc_compile(c, arguments);

	(void)self;
	hc_compile_value(c, &operand);
	hc_compile_emit(c, HC_CODE_LOG2, 0, false, 0, 0);
	operand.is_constant = false;
	operand.type = NULL;
	return operand;
}

/* ---- choices ---- */

static hc_operand compile_has(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	unsigned start = c->code->len, stack = c->stack;
	bool uses_node = c->uses_node, has;
	hc_operand operand;

	(void)self;
	has = hc_compile_try(c, arguments, &operand);
	hc_compile_cut(c, start, stack);
	c->uses_node = uses_node;
	return hc_compile_constant(c, has);
}

static hc_operand compile_first(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	hc_operand operand;

	(void)self;
	for (; arguments->next; arguments = arguments->next)
		if (hc_compile_try(c, arguments, &operand))
			return operand;
	return hc_compile(c, arguments);
}

/* ---- types ---- */

static hc_operand compile_size(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *type = hc_compile_type(c, arguments);

	if (!type)
		return hc_compile_fail(c, "there is no such type");
	if (!strcmp(self->name, "alignof"))
		return hc_compile_constant(c, hc_type_alignment(type));
	if (!hc_type_size(type))
		return hc_compile_fail(c, "the size of %s is not known", hc_compile_type_name(type));
	return hc_compile_constant(c, hc_type_size(type));
}

static hc_operand compile_typeof(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *type;

	if (arguments->kind == HC_EXPRESSION_STRING) {
		hc_program_types *types = c->layout->set->program_types;

		type = types ? hc_program_types_find(types, arguments->text) : NULL;
	} else {
		type = hc_compile_type(c, arguments);
	}
	if (type && !strcmp(self->name, "target"))
		type = hc_type_target(type);
	return typed(c, type);
}

/* base(x): its first base class. */
static hc_operand compile_base(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *type = hc_compile_type(c, arguments);

	(void)self;
	for (unsigned i = 0; type && i < hc_type_field_count(type); i++)
		if (hc_type_field(type, i)->is_base)
			return typed(c, hc_type_field(type, i)->type);
	return hc_compile_fail(c, "%s has no base class", hc_compile_type_name(type));
}

/* The template argument of TYPE that EXPRESSION, a name or a number, tells. Names are looked for in base classes, too. */
static const hc_template_argument *find_argument(const hc_type *type, const hc_expression *expression, unsigned depth)
{
	unsigned count = hc_type_argument_count(type);

	if (expression->kind == HC_EXPRESSION_NUMBER)
		return expression->value < count ? hc_type_argument(type, expression->value) : NULL;
	for (unsigned i = 0; i < count; i++) {
		const hc_template_argument *argument = hc_type_argument(type, i);

		if (argument->name && !strcmp(argument->name, expression->text))
			return argument;
	}
	for (unsigned i = 0; i < hc_type_field_count(type) && depth < FOLLOW_MAX; i++) {
		const hc_field *field = hc_type_field(type, i);
		const hc_template_argument *argument =
			field->is_base ? find_argument(field->type, expression, depth + 1) : NULL;

		if (argument)
			return argument;
	}
	return NULL;
}

/* param(x, _Tp), vparam(x, _Nm) */
static hc_operand compile_argument(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *type = hc_compile_type(c, arguments);
	const hc_expression *which = arguments->next;
	const hc_template_argument *argument;

	if (which->kind != HC_EXPRESSION_NAME && which->kind != HC_EXPRESSION_NUMBER)
		return hc_compile_fail(
			c, "%s() needs a type, and the name or number of a template argument", self->name);
	argument = type ? find_argument(type, which, 0) : NULL;
	if (!argument || (argument->type != NULL) != (self->detail == 1))
		return hc_compile_fail(c, "%s has no such template argument", hc_compile_type_name(type));
	return argument->type ? typed(c, argument->type) : hc_compile_constant(c, argument->value);
}

static hc_operand compile_same(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *a = hc_compile_type(c, arguments), *b = c->failed ? NULL : hc_compile_type(c, arguments->next);

	(void)self;
	return c->failed ? (hc_operand){ .form = HC_FORM_NONE } : hc_compile_constant(c, a == b);
}

static bool has_kind(hc_type_kind kind, unsigned wanted)
{
	switch (wanted) {
	case HC_TYPE_UNSIGNED:
		return kind == HC_TYPE_UNSIGNED || kind == HC_TYPE_SIGNED;
	case HC_TYPE_STRUCT:
		return kind == HC_TYPE_STRUCT || kind == HC_TYPE_UNION;
	default:
		return kind == wanted;
	}
}

static hc_operand compile_is(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *type = hc_compile_type(c, arguments);

	return type ? hc_compile_constant(c, has_kind(hc_type_get_kind(type), self->detail)) :
		      hc_compile_fail(c, "has no type");
}

/* members(x): how many it has. */
static hc_operand compile_members(hc_compiler *c, const function *self, const hc_expression *arguments)
{
	const hc_type *type = hc_compile_type(c, arguments);

	(void)self;
	return type ? hc_compile_constant(c, hc_type_field_count(type)) : hc_compile_fail(c, "has no type");
}

static const function functions[] = {
	{ "u8", 1, 1, compile_load, 1, false },
	{ "u16", 1, 1, compile_load, 2, false },
	{ "u32", 1, 1, compile_load, 4, false },
	{ "u64", 1, 1, compile_load, 8, false },
	{ "i8", 1, 1, compile_load, 1, true },
	{ "i16", 1, 1, compile_load, 2, true },
	{ "i32", 1, 1, compile_load, 4, true },
	{ "i64", 1, 1, compile_load, 8, true },
	{ "word", 1, 1, compile_load, 0, false },
	{ "cast", 2, 2, compile_cast, 0, false },
	{ "symbol", 2, 2, compile_symbol, 0, false },
	{ "usable", 1, 1, compile_block, HC_CODE_USABLE, false },
	{ "start", 1, 1, compile_block, HC_CODE_START, false },
	{ "climb", 2, 2, compile_climb, 0, false },
	{ "align_up", 2, 2, compile_two, HC_CODE_ALIGN_UP, false },
	{ "min", 2, 2, compile_two, HC_CODE_MIN, false },
	{ "max", 2, 2, compile_two, HC_CODE_MAX, false },
	{ "log2", 1, 1, compile_log2, 0, false },
	{ "has", 1, 1, compile_has, 0, false },
	{ "first", 1, ANY_NUMBER, compile_first, 0, false },
	{ "sizeof", 1, 1, compile_size, 0, false },
	{ "alignof", 1, 1, compile_size, 0, false },
	{ "typeof", 1, 1, compile_typeof, 0, false },
	{ "type", 1, 1, compile_typeof, 0, false },
	{ "target", 1, 1, compile_typeof, 0, false },
	{ "base", 1, 1, compile_base, 0, false },
	{ "param", 2, 2, compile_argument, 1, false },
	{ "vparam", 2, 2, compile_argument, 0, false },
	{ "same", 2, 2, compile_same, 0, false },
	{ "members", 1, 1, compile_members, 0, false },
	{ "is_pointer", 1, 1, compile_is, HC_TYPE_POINTER, false },
	{ "is_integer", 1, 1, compile_is, HC_TYPE_UNSIGNED, false },
	{ "is_struct", 1, 1, compile_is, HC_TYPE_STRUCT, false },
	{ "is_array", 1, 1, compile_is, HC_TYPE_ARRAY, false },
	{ "is_void", 1, 1, compile_is, HC_TYPE_VOID, false },
	{ "is_char", 1, 1, compile_is, HC_TYPE_CHAR, false },
};

static const function *find_function(const hc_expression *call)
{
	unsigned count = 0;

	for (const hc_expression *argument = call->child; argument; argument = argument->next)
		count++;
	for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++)
		if (!strcmp(call->text, functions[i].name))
			return count < functions[i].least || count > functions[i].most ? NULL : &functions[i];
	return NULL;
}

const hc_expression *hc_expression_unknown_call(const hc_expression *expression)
{
	for (; expression; expression = expression->next) {
		const hc_expression *unknown = hc_expression_unknown_call(expression->child);

		if (unknown)
			return unknown;
		if (expression->kind == HC_EXPRESSION_CALL && !find_function(expression))
			return expression;
	}
	return NULL;
}

hc_operand hc_compile_call(hc_compiler *c, const hc_expression *call)
{
	const function *found = find_function(call);

	return found ? found->compile(c, found, call->child) :
		       hc_compile_fail(c, "there is no function %s()", call->text);
}
