/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a container may hold memory that no word leads to.
 *
 * Most descriptions find blocks by words as they stand in memory, and so does whoever looks at all words. Others compute: a tag is taken
 * off, a distance is added, a node begins before the link that leads to it. Which of them do is seen in their expressions: what an address
 * comes from is followed through names, conditions and casts to where it is read; if there is anything else on the way, it is computed.
 * That may be said of one too many, never of one too few.
 */
#include "containers/layout.h"

#include <string.h>

enum {
	NESTED_MAX = 32 /* names that stand for each other; deeper ones are taken for computed */
};

static bool is_computed(const hc_description *description, const hc_expression *expression, unsigned depth);

static bool is_name_computed(const hc_description *description, const char *name, unsigned depth)
{
	for (unsigned i = 0; i < description->key_count; i++)
		if (!strcmp(description->keys[i].name, name))
			return is_computed(description, description->keys[i].expression, depth + 1);
	return false;
}

/* Of a function's value: what it reads, or what it is given. */
static bool is_call_computed(const hc_description *description, const hc_expression *call, unsigned depth)
{
	static const char *const reads[] = { "word", "u64", "u32", "usable", "sizeof", "alignof", "has", "climb" };
	const hc_expression *last = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(reads); i++)
		if (!strcmp(call->text, reads[i]))
			return strcmp(call->text, "u32") == 0;
	if (strcmp(call->text, "first") && strcmp(call->text, "cast"))
		return true;
	/* The last operand of a cast is the address. */
	for (const hc_expression *operand = call->child; operand; operand = operand->next) {
		last = operand;
		if (strcmp(call->text, "first") == 0 && is_computed(description, operand, depth + 1))
			return true;
	}
	return last && is_computed(description, last, depth + 1);
}

static bool is_computed(const hc_description *description, const hc_expression *expression, unsigned depth)
{
	const hc_expression *child = expression ? expression->child : NULL;

	if (!expression || depth > NESTED_MAX)
		return expression != NULL;
	switch (expression->kind) {
	case HC_EXPRESSION_NAME:
		return is_name_computed(description, expression->text, depth);
	case HC_EXPRESSION_UNARY:
		return expression->operation == HC_OPERATOR_INVERT || expression->operation == HC_OPERATOR_NEGATE;
	case HC_EXPRESSION_BINARY:
		return expression->operation > HC_OPERATOR_AND_THEN;
	case HC_EXPRESSION_CONDITION:
		return is_computed(description, child->next, depth + 1) ||
		       is_computed(description, child->next->next, depth + 1);
	case HC_EXPRESSION_CALL:
		return is_call_computed(description, expression, depth);
	default:
		return false;
	}
}

bool hc_layout_is_encoding(const hc_layout *layout)
{
	static const hc_key addresses[] = { HC_KEY_DATA, HC_KEY_FIRST, HC_KEY_HEAD, HC_KEY_LEFT, HC_KEY_MAP,
		HC_KEY_NEXT, HC_KEY_OBJECT, HC_KEY_RIGHT, HC_KEY_ROOT, HC_KEY_TABLE };
	const hc_description *description = layout->description;
	uint8_t value = description->known[HC_KEY_VALUE];

	if (description->link || layout->link_offset || layout->link_value)
		return true;
	for (unsigned i = 0; i < G_N_ELEMENTS(addresses); i++) {
		uint8_t key = description->known[addresses[i]];

		if (key != HC_NO_KEY && is_computed(description, description->keys[key].expression, 0))
			return true;
	}
	for (unsigned i = 0; i < description->memory_count; i++)
		if (is_computed(description, description->keys[description->memories[i]].expression, 0))
			return true;
	return description->kind == HC_WALK_SLOTS && description->known[HC_KEY_NODE] != HC_NO_KEY &&
	       value != HC_NO_KEY && is_computed(description, description->keys[value].expression, 0);
}
