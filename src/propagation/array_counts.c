/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts that a program keeps beside its arrays: how long a tail is, and how many slots of an array
 * are in use, be it a member, a variable, or what a pointer leads to.
 *
 * What a slot behind the count holds was left there when its element went; what it leads to may be anything by now. Nothing says which
 * integer is an array's count. It must be a neighbour (declared next to the array) or be called like a count, and agree with what is
 * there: no slot below it may be empty. Where an integer like that leaves slots out that are not empty, these prove nothing.
 */
#include "propagation/propagation_state.h"

#include <string.h>

enum {
	COUNT_DEPTH = 4, /* structs within structs that are searched for a count */
	COUNTS_MAX = 64, /* fields */
	SLOTS_MAX = 1 << 16,
	STEM_MIN = 3,  /* letters that two names have in common */
	NEIGHBOURS = 8 /* variables declared before and behind */
};

static bool load_count(const hc_propagation *propagation, const hc_type *type, hc_address address, uint64_t *ret_value)
{
	hc_type_kind kind = hc_type_get_kind(type);
	uint8_t buffer[sizeof(uint64_t)] = { 0 };
	uint64_t size = hc_type_size(type);

	if ((kind != HC_TYPE_SIGNED && kind != HC_TYPE_UNSIGNED) ||
		(size != 1 && size != 2 && size != 4 && size != 8) ||
		!hc_variables_read(propagation->types->variables, address, buffer, size))
		return false;
	*ret_value = hc_load_unsigned(buffer, (unsigned)size, propagation->format.swap);
	return true;
}

/* ---- tails ---- */

struct tail {
	hc_propagation *propagation;
	hc_address object;
	uint64_t offset, stride;
	uint64_t size; /* of the block */
	unsigned left; /* fields that may still be looked at */
};

/* The count, among the integers of the object of TYPE at ADDRESS, that lets the tail end where the block does; 0 if there is none. */
static uint64_t find_count(struct tail *tail, const hc_type *type, hc_address address, unsigned depth)
{
	for (unsigned i = 0; i < hc_type_field_count(type) && tail->left; i++) {
		const hc_field *field = hc_type_field(type, i);
		hc_address at = address + field->offset;
		uint64_t count = 0;

		if (field->bit_size || field->is_virtual || at - tail->object >= tail->offset)
			continue;
		tail->left--;
		if (hc_type_get_kind(field->type) == HC_TYPE_STRUCT && depth < COUNT_DEPTH)
			count = find_count(tail, field->type, at, depth + 1);
		else if (!load_count(tail->propagation, field->type, at, &count))
			continue;
		/* Of text the zero at the end is seldom counted. */
		if (count && count <= (tail->size - tail->offset) / tail->stride &&
			(hc_propagation_fits(tail->propagation, tail->size, tail->offset + count * tail->stride) ||
				(tail->stride == 1 &&
					hc_propagation_fits(tail->propagation, tail->size, tail->offset + count + 1))))
			return count;
	}
	return 0;
}

uint64_t hc_propagation_tail_count(
	hc_propagation *propagation, const hc_type *type, hc_address object, uint64_t offset, uint64_t stride)
{
	struct tail tail = {
		.propagation = propagation, .object = object, .offset = offset, .stride = stride, .left = COUNTS_MAX
	};
	hc_spot spot;

	if (!type || !stride || !hc_propagation_find_block(propagation, object, &spot) || spot.address != object)
		return 0;
	tail.size = hc_blocks_usable_size(propagation->blocks, spot.region, object);
	return offset < tail.size ? find_count(&tail, type, object, 0) : 0;
}

/* ---- slots ---- */

struct slots {
	hc_propagation *propagation;
	hc_address address;
	hc_address place; /* of the array, or the pointer to it, in what it is a member of */
	uint64_t stride, count;
	const char *name; /* of the array, without what it is a member of */
	uint64_t filled;  /* slots at the beginning that are not empty */
	uint64_t last;	  /* behind the last one that is not */
	uint64_t live;	  /* the result */
};

/* Behind the first COUNT slots. A slot's first word tells. */
static void look_at_slots(struct slots *slots)
{
	bool in_row = true;

	for (uint64_t i = 0; i < slots->count; i++) {
		uint64_t value;

		if (!hc_propagation_load(slots->propagation, slots->address + i * slots->stride, &value) || !value) {
			in_row = false;
			continue;
		}
		slots->filled += in_row;
		slots->last = i + 1;
	}
}

static const char *own_name(const char *name)
{
	const char *dot = name ? strrchr(name, '.') : NULL, *colon = name ? g_strrstr(name, "::") : NULL;

	return dot ? dot + 1 : colon ? colon + 2 : name ? name : "";
}

/* Whether something that is called NAME counts things. */
static bool is_called_count(const char *name)
{
	static const char *const words[] = { "num", "count", "cnt", "len", "used", "fill", "free", "live", "top",
		"depth", "size", "nr", NULL };
	g_autofree char *lower = g_ascii_strdown(name, -1);

	if (!strcmp(lower, "n") || !strcmp(lower, "sp") || g_str_has_prefix(lower, "n_") ||
		g_str_has_suffix(lower, "_n") || strstr(lower, "_n_"))
		return true;
	for (unsigned i = 0; words[i]; i++)
		if (strstr(lower, words[i]))
			return true;
	return false;
}

/* Whether COUNTER has some letters of ARRAY's name in it: "numfree" and "free_list", "nthings" and "things". */
static bool is_related(const char *counter, const char *array)
{
	g_autofree char *where = g_ascii_strdown(counter, -1), *what = g_ascii_strdown(array, -1);
	g_auto(GStrv) words = g_strsplit_set(what, "_", -1);

	for (unsigned i = 0; words[i]; i++) {
		size_t length = strlen(words[i]);

		if (length < STEM_MIN)
			continue;
		/* "items" and "n_item" */
		if (words[i][length - 1] == 's' && length > STEM_MIN)
			words[i][length - 1] = 0;
		if (strstr(where, words[i]))
			return true;
	}
	return false;
}

/* The integer of TYPE at ADDRESS, called NAME, may be the count. */
static void try_count(struct slots *slots, const char *name, const hc_type *type, hc_address address, bool is_next)
{
	uint64_t value;

	name = own_name(name);
	if (hc_type_size(type) < 2 || !load_count(slots->propagation, type, address, &value) || value > slots->filled ||
		value >= slots->last)
		return;
	if (is_called_count(name) ? !is_next && !is_related(name, slots->name) : !is_next || !value)
		return;
	slots->live = MIN(slots->live, value);
}

/* Integers that are members of the same struct, of OUTER at ADDRESS or of one within it. */
static void try_members(struct slots *slots, const hc_type *outer, hc_address address)
{
	for (unsigned depth = 0; depth < COUNT_DEPTH && outer; depth++) {
		const hc_type *inner = NULL;
		unsigned count = hc_type_field_count(outer), place = 0;
		uint64_t start = 0;

		for (unsigned i = 0; i < count; i++) {
			const hc_field *field = hc_type_field(outer, i);

			if (slots->place - address - field->offset < hc_type_size(field->type)) {
				place = i;
				start = field->offset;
				inner = hc_type_get_kind(field->type) == HC_TYPE_STRUCT ? field->type : NULL;
			}
		}
		for (unsigned i = inner			 ? count :
				  place > COUNTS_MAX / 2 ? place - COUNTS_MAX / 2 :
							   0;
			i < MIN(count, place + COUNTS_MAX / 2); i++) {
			const hc_field *field = hc_type_field(outer, i);

			/* In a struct with one array its count needs no name in common. */
			if (field->name && !field->bit_size && !field->is_virtual)
				try_count(slots, field->name, field->type, address + field->offset,
					i + 1 == place || i == place + 1);
		}
		address += start;
		outer = inner;
	}
}

/* Integer variables declared around ARRAY, which is the array, or a pointer to it. */
static void try_variables(struct slots *slots, const hc_variable *array)
{
	const hc_variables *variables = slots->propagation->types->variables;
	unsigned count = slots->propagation->variable_count, place = 0;

	place = GPOINTER_TO_UINT(g_hash_table_lookup(slots->propagation->places, array));
	if (!place--)
		return;
	for (unsigned i = place > NEIGHBOURS ? place - NEIGHBOURS : 0; i < MIN(count, place + NEIGHBOURS + 1); i++) {
		const hc_variable *variable = hc_variables_get(variables, i);

		if (i != place && variable->module == array->module && variable->state == HC_VARIABLE_IN_MEMORY &&
			variable->kind == array->kind && variable->thread == array->thread)
			try_count(slots, variable->name, variable->type, variable->address,
				i + 1 == place || i == place + 1);
	}
}

/* What integers say that are beside the array, or the pointer to it: PART of an object of OWNER. */
static uint64_t live_by_counts(struct slots *slots, const hc_owner *owner, const hc_part *part)
{
	look_at_slots(slots);
	if (!slots->last)
		return UINT64_MAX;
	if (owner->type && hc_type_get_kind(owner->type) == HC_TYPE_STRUCT)
		try_members(slots, owner->type, slots->place - part->offset);
	else if (owner->variable && !part->offset)
		try_variables(slots, owner->variable);
	return slots->live;
}

uint64_t hc_propagation_live_slots(
	hc_propagation *propagation, const hc_owner *owner, const hc_part *part, hc_address address)
{
	struct slots slots = {
		.propagation = propagation,
		.address = address,
		.place = address,
		.stride = part->kind == HC_PART_ARRAY ? part->stride : propagation->format.size,
		.count = part->kind == HC_PART_ARRAY ? part->count : hc_type_count(part->type),
		.name = own_name(*part->name ? part->name : owner->name),
		.live = UINT64_MAX,
	};

	if (slots.count < 2 || slots.count > SLOTS_MAX || owner->certainty >= HC_CERTAINTY_DEDUCED)
		return UINT64_MAX;
	return live_by_counts(&slots, owner, part);
}

/*
 * Where a table of structs ends that has no count: at the first struct that begins with a pointer
 * that is NULL, as PyMemberDef's name is. UINT64_MAX: there is none.
 */
static uint64_t find_terminator(const struct slots *slots, const hc_type *type)
{
	const hc_type *first = NULL;

	if (hc_type_get_kind(type) == HC_TYPE_STRUCT && hc_type_field_count(type) && !hc_type_field(type, 0)->offset)
		first = hc_type_field(type, 0)->type;
	if (!first || hc_type_get_kind(first) != HC_TYPE_POINTER || !slots->filled || slots->filled >= slots->count)
		return UINT64_MAX;
	return slots->filled;
}

uint64_t hc_propagation_live_items(hc_propagation *propagation, const hc_owner *owner, const hc_part *part,
	hc_address holder, hc_address items, uint64_t count)
{
	struct slots slots = {
		.propagation = propagation,
		.address = items,
		.place = holder + part->offset,
		.stride = hc_type_size(part->type),
		.count = MIN(count, SLOTS_MAX),
		.name = own_name(*part->name ? part->name : owner->name),
		.live = UINT64_MAX,
	};
	uint64_t live;

	if (count < 2 || owner->certainty >= HC_CERTAINTY_DEDUCED)
		return UINT64_MAX;
	live = live_by_counts(&slots, owner, part);
	return MIN(live, find_terminator(&slots, part->type));
}
