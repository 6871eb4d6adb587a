/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions as in C: the same operators with the same precedence, on member paths and calls. Recursion has a limit. */
#include "containers/expression.h"

#include <string.h>

typedef enum {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_SIGN, /* operator or bracket */
	TOKEN_WRONG,
} token_kind;

typedef struct parser {
	const char *text, *at; /* at: behind the token */
	GPtrArray *memory;
	token_kind token;
	const char *start; /* of the token */
	size_t length;
	uint64_t number;
	unsigned depth;
	char *message; /* the first mistake */
	unsigned column;
} parser;

/* The longest first. Binary operators have a precedence, as in C. */
static const struct sign {
	const char *text;
	hc_operator binary;
	unsigned precedence;
} signs[] = {
	{ "||", HC_OPERATOR_OR_ELSE, 1 },
	{ "&&", HC_OPERATOR_AND_THEN, 2 },
	{ "==", HC_OPERATOR_EQUAL, 6 },
	{ "!=", HC_OPERATOR_UNEQUAL, 6 },
	{ "<=", HC_OPERATOR_LESS_EQUAL, 7 },
	{ ">=", HC_OPERATOR_GREATER_EQUAL, 7 },
	{ "<<", HC_OPERATOR_SHIFT_LEFT, 8 },
	{ ">>", HC_OPERATOR_SHIFT_RIGHT, 8 },
	{ "->", HC_OPERATOR_NONE, 0 },
	{ "|", HC_OPERATOR_OR, 3 },
	{ "^", HC_OPERATOR_XOR, 4 },
	{ "&", HC_OPERATOR_AND, 5 },
	{ "<", HC_OPERATOR_LESS, 7 },
	{ ">", HC_OPERATOR_GREATER, 7 },
	{ "+", HC_OPERATOR_ADD, 9 },
	{ "-", HC_OPERATOR_SUBTRACT, 9 },
	{ "*", HC_OPERATOR_MULTIPLY, 10 },
	{ "/", HC_OPERATOR_DIVIDE, 10 },
	{ "%", HC_OPERATOR_REMAINDER, 10 },
	{ "!", HC_OPERATOR_NONE, 0 },
	{ "~", HC_OPERATOR_NONE, 0 },
	{ "(", HC_OPERATOR_NONE, 0 },
	{ ")", HC_OPERATOR_NONE, 0 },
	{ "[", HC_OPERATOR_NONE, 0 },
	{ "]", HC_OPERATOR_NONE, 0 },
	{ ",", HC_OPERATOR_NONE, 0 },
	{ ".", HC_OPERATOR_NONE, 0 },
	{ "?", HC_OPERATOR_NONE, 0 },
	{ ":", HC_OPERATOR_NONE, 0 },
};

static void *fail_at(parser *p, const char *at, const char *message)
{
	if (!p->message) {
		p->message = g_strdup(message);
		p->column = at - p->text + 1;
	}
	return NULL;
}

/* ---- tokens ---- */

static bool begins_name(char c)
{
	return g_ascii_isalpha(c) || c == '_';
}

static size_t name_length(const char *text)
{
	size_t length = 0;

	while (g_ascii_isalnum(text[length]) || text[length] == '_' ||
		(text[length] == ':' && text[length + 1] == ':' && begins_name(text[length + 2])))
		length += text[length] == ':' ? 2 : 1;
	return length;
}

static void read_number(parser *p)
{
	char *end;

	p->number = g_ascii_strtoull(p->start, &end, 0);
	p->length = end - p->start;
	p->token = begins_name(*end) || g_ascii_isdigit(*end) ? TOKEN_WRONG : TOKEN_NUMBER;
}

static void read_string(parser *p)
{
	const char *end = strchr(p->start + 1, '"');

	p->token = end ? TOKEN_STRING : TOKEN_WRONG;
	p->length = end ? (size_t)(end - p->start) + 1 : 1;
}

static void read_sign(parser *p)
{
	p->token = TOKEN_WRONG;
	p->length = 1;
	for (unsigned i = 0; i < G_N_ELEMENTS(signs); i++)
		if (g_str_has_prefix(p->start, signs[i].text)) {
			p->token = TOKEN_SIGN;
			p->length = strlen(signs[i].text);
			return;
		}
}

static void advance(parser *p)
{
	while (g_ascii_isspace(*p->at))
		p->at++;
	p->start = p->at;
	if (!*p->at) {
		p->token = TOKEN_END;
		p->length = 0;
	} else if (begins_name(*p->at)) {
		p->token = TOKEN_NAME;
		p->length = name_length(p->at);
	} else if (g_ascii_isdigit(*p->at)) {
		read_number(p);
	} else if (*p->at == '"') {
		read_string(p);
	} else {
		read_sign(p);
	}
	p->at += p->length;
	if (p->token == TOKEN_WRONG)
		fail_at(p, p->start, "this is neither a name, a number nor an operator");
}

static bool is_sign(const parser *p, const char *sign)
{
	return p->token == TOKEN_SIGN && p->length == strlen(sign) && !strncmp(p->start, sign, p->length);
}

static bool accept(parser *p, const char *sign)
{
	if (!is_sign(p, sign))
		return false;
	advance(p);
	return true;
}

static bool expect(parser *p, const char *sign)
{
	g_autofree char *message = NULL;

	if (accept(p, sign))
		return true;
	message = g_strdup_printf("a '%s' is missing here", sign);
	fail_at(p, p->start, message);
	return false;
}

/* ---- the tree ---- */

static hc_expression *make(parser *p, hc_expression_kind kind, const char *at)
{
	hc_expression *node = g_new0(hc_expression, 1);

	g_ptr_array_add(p->memory, node);
	node->kind = kind;
	node->column = at - p->text + 1;
	return node;
}

static const char *keep(parser *p, const char *text, size_t length)
{
	char *copy = g_strndup(text, length);

	g_ptr_array_add(p->memory, copy);
	return copy;
}

static hc_expression *parse_condition(parser *p);

static hc_expression *parse_call(parser *p, hc_expression *call)
{
	hc_expression **last = &call->child;

	call->kind = HC_EXPRESSION_CALL;
	if (accept(p, ")"))
		return call;
	do {
		*last = parse_condition(p);
		if (!*last)
			return NULL;
		last = &(*last)->next;
	} while (accept(p, ","));
	return expect(p, ")") ? call : NULL;
}

static bool is_type_keyword(const parser *p)
{
	static const char *const words[] = { "struct", "class", "union", "enum" };

	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
		if (p->length == strlen(words[i]) && !strncmp(p->start, words[i], p->length))
			return true;
	return false;
}

static hc_expression *parse_name(parser *p)
{
	hc_expression *node = make(p, HC_EXPRESSION_NAME, p->start);

	if (is_type_keyword(p)) {
		advance(p);
		if (p->token != TOKEN_NAME)
			return fail_at(p, p->start, "the name of a type is missing here");
	}
	node->text = keep(p, p->start, p->length);
	advance(p);
	return accept(p, "(") ? parse_call(p, node) : node;
}

static hc_expression *parse_primary(parser *p)
{
	hc_expression *node;

	switch (p->token) {
	case TOKEN_NUMBER:
		node = make(p, HC_EXPRESSION_NUMBER, p->start);
		node->value = p->number;
		advance(p);
		return node;
	case TOKEN_STRING:
		node = make(p, HC_EXPRESSION_STRING, p->start);
		node->text = keep(p, p->start + 1, p->length - 2);
		advance(p);
		return node;
	case TOKEN_NAME:
		return parse_name(p);
	default:
		break;
	}
	if (!accept(p, "("))
		return fail_at(p, p->start,
			p->token == TOKEN_END ? "the expression ends too early" : "an operand is missing here");
	node = parse_condition(p);
	return node && expect(p, ")") ? node : NULL;
}

static hc_expression *parse_postfix(parser *p)
{
	hc_expression *node = parse_primary(p);
	unsigned links = 0;

	while (node && (is_sign(p, ".") || is_sign(p, "->") || is_sign(p, "["))) {
		hc_expression *outer = make(p, HC_EXPRESSION_MEMBER, p->start);

		if (++links > HC_EXPRESSION_DEPTH)
			return fail_at(p, p->start, "too deep");
		outer->child = node;
		if (accept(p, "[")) {
			outer->kind = HC_EXPRESSION_INDEX;
			node->next = parse_condition(p);
			if (!node->next || !expect(p, "]"))
				return NULL;
		} else {
			advance(p);
			if (p->token != TOKEN_NAME)
				return fail_at(p, p->start, "the name of a member is missing here");
			outer->text = keep(p, p->start, p->length);
			advance(p);
		}
		node = outer;
	}
	return node;
}

static hc_expression *parse_unary(parser *p)
{
	static const struct {
		const char *sign;
		hc_operator operation;
	} unary[] = { { "!", HC_OPERATOR_NOT }, { "~", HC_OPERATOR_INVERT }, { "-", HC_OPERATOR_NEGATE },
		{ "&", HC_OPERATOR_ADDRESS }, { "*", HC_OPERATOR_TARGET } };

	for (unsigned i = 0; i < G_N_ELEMENTS(unary); i++) {
		if (!is_sign(p, unary[i].sign))
			continue;
		hc_expression *node = make(p, HC_EXPRESSION_UNARY, p->start);

		if (++p->depth > HC_EXPRESSION_DEPTH)
			return fail_at(p, p->start, "too deep");
		node->operation = unary[i].operation;
		advance(p);
		node->child = parse_unary(p);
		p->depth--;
		return node->child ? node : NULL;
	}
	return parse_postfix(p);
}

static const struct sign *binary_sign(const parser *p)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(signs); i++)
		if (signs[i].precedence && is_sign(p, signs[i].text))
			return &signs[i];
	return NULL;
}

/* Operators of at least LEAST precedence, all of them leftmost first. */
static hc_expression *parse_binary(parser *p, unsigned least)
{
	hc_expression *left = parse_unary(p);
	const struct sign *sign;
	unsigned links = 0;

	while (left && (sign = binary_sign(p)) && sign->precedence >= least) {
		hc_expression *node = make(p, HC_EXPRESSION_BINARY, p->start);

		if (++links > HC_EXPRESSION_DEPTH)
			return fail_at(p, p->start, "too many operators in a row: use another key for a part of it");
		advance(p);
		node->operation = sign->binary;
		node->child = left;
		left->next = parse_binary(p, sign->precedence + 1);
		if (!left->next)
			return NULL;
		left = node;
	}
	return left;
}

static hc_expression *parse_condition(parser *p)
{
	hc_expression *node, *outer;
	const char *at;

	if (++p->depth > HC_EXPRESSION_DEPTH)
		return fail_at(p, p->start, "too deep");
	node = parse_binary(p, 1);
	at = p->start;
	if (node && accept(p, "?")) {
		outer = make(p, HC_EXPRESSION_CONDITION, at);
		outer->child = node;
		node->next = parse_condition(p);
		if (!node->next || !expect(p, ":"))
			return NULL;
		node->next->next = parse_condition(p);
		node = node->next->next ? outer : NULL;
	}
	p->depth--;
	return node;
}

const hc_expression *hc_expression_parse(const char *text, GPtrArray *memory, char **ret_message, unsigned *ret_column)
{
	parser p = { .text = text, .at = text, .memory = memory };
	const hc_expression *root = NULL;

	if (strlen(text) > HC_EXPRESSION_LENGTH) {
		fail_at(&p, text, "longer than 4096 bytes");
	} else {
		advance(&p);
		root = parse_condition(&p);
		if (root && p.token != TOKEN_END)
			fail_at(&p, p.start, "the expression should end here");
	}
	if (!p.message)
		return root;
	*ret_message = p.message;
	*ret_column = p.column;
	return NULL;
}
