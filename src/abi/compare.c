/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs between two layouts of one class.
 *
 * Members are matched by name, where that is unique; those of anonymous structs and unions count as the class's own. One differs if it is
 * elsewhere, larger or smaller, or something else: a pointer in place of a number. What has another name, but place, size and type of
 * what the other side has, was renamed, which moves nothing. Types of members are compared by name, through pointers to a depth: a struct that
 * is a member, and differs itself, is told under its own name.
 *
 * A vtable's slots are compared by the functions that both sides declare. What the compiler made (a destructor) may be missing in files that
 * do not use it, and of templates whatever is not used: what only one side has counts where neither is so.
 */
#include "abi/abi_state.h"

#include <string.h>

enum {
	DEPTH_MAX = 6,	  /* pointers to pointers, arrays of arrays, members of unnamed members */
	PARTS_MAX = 2048, /* of a class; more are not compared */
};

struct part {
	hc_abi_part part;
	const char *name; /* NULL: an unnamed bit field */
	hc_abi_place place;
};

/* ---- are two types alike? ---- */

static bool is_unnamed(const hc_type *type)
{
	return !hc_type_template_name(type);
}

static bool is_composite(const hc_type *type)
{
	hc_type_kind kind = hc_type_get_kind(type);

	return kind == HC_TYPE_STRUCT || kind == HC_TYPE_UNION || kind == HC_TYPE_ENUM || kind == HC_TYPE_INCOMPLETE;
}

static bool is_alike(const hc_type *a, const hc_type *b, unsigned depth)
{
	hc_type_kind kind = hc_type_get_kind(a);

	if (a == b || depth > DEPTH_MAX)
		return true;
	if (is_composite(a) && is_composite(b)) {
		if (kind == HC_TYPE_INCOMPLETE || hc_type_get_kind(b) == HC_TYPE_INCOMPLETE ||
			(!is_unnamed(a) && !is_unnamed(b)))
			return !strcmp(hc_type_name(a), hc_type_name(b)) || is_unnamed(a) || is_unnamed(b);
		return kind == hc_type_get_kind(b) && hc_type_size(a) == hc_type_size(b);
	}
	if (kind != hc_type_get_kind(b)) {
		/* "char" and "signed char", "bool" and "unsigned char" are told apart by encodings that languages differ in. */
		bool both_numbers = kind >= HC_TYPE_BOOL && kind <= HC_TYPE_UNSIGNED &&
				    hc_type_get_kind(b) >= HC_TYPE_BOOL && hc_type_get_kind(b) <= HC_TYPE_UNSIGNED;
		bool enum_and_number = (kind == HC_TYPE_ENUM) != (hc_type_get_kind(b) == HC_TYPE_ENUM) &&
				       kind >= HC_TYPE_BOOL && kind <= HC_TYPE_ENUM && kind != HC_TYPE_FLOAT &&
				       hc_type_get_kind(b) >= HC_TYPE_BOOL && hc_type_get_kind(b) <= HC_TYPE_ENUM &&
				       hc_type_get_kind(b) != HC_TYPE_FLOAT;

		return (both_numbers || enum_and_number) && hc_type_size(a) == hc_type_size(b);
	}
	switch (kind) {
	case HC_TYPE_POINTER:
	case HC_TYPE_REFERENCE:
		/* What void * leads to any pointer may. */
		if (hc_type_get_kind(hc_type_target(a)) == HC_TYPE_VOID ||
			hc_type_get_kind(hc_type_target(b)) == HC_TYPE_VOID)
			return true;
		return is_alike(hc_type_target(a), hc_type_target(b), depth + 1);
	case HC_TYPE_ARRAY:
		return hc_type_count(a) == hc_type_count(b) &&
		       is_alike(hc_type_target(a), hc_type_target(b), depth + 1);
	default:
		return hc_type_size(a) == hc_type_size(b);
	}
}

/* Whether pointers stand where the other has none, or a number where the other has one with a fraction: one side misreads what the other wrote. */
static bool is_misread(const hc_type *a, const hc_type *b)
{
	hc_type_kind kinds[2] = { hc_type_get_kind(a), hc_type_get_kind(b) };
	bool is_pointer[2], is_float[2];

	for (unsigned i = 0; i < 2; i++) {
		is_pointer[i] = kinds[i] == HC_TYPE_POINTER || kinds[i] == HC_TYPE_REFERENCE;
		is_float[i] = kinds[i] == HC_TYPE_FLOAT || kinds[i] == HC_TYPE_COMPLEX;
	}
	return is_pointer[0] != is_pointer[1] || is_float[0] != is_float[1];
}

/* ---- parts ---- */

static void add_fields(GArray *parts, const hc_type *type, uint64_t offset, unsigned depth)
{
	for (unsigned i = 0; i < hc_type_field_count(type) && parts->len < PARTS_MAX; i++) {
		const hc_field *field = hc_type_field(type, i);
		struct part part = {
			.part = field->is_base ? HC_ABI_BASE : HC_ABI_MEMBER,
			.name = field->is_base ? hc_type_name(field->type) : field->name,
			.place = { .is_known = true,
				.offset = offset + field->offset,
				.bit_offset = field->bit_offset,
				.bit_size = field->bit_size,
				.size = hc_type_size(field->type),
				.is_virtual = field->is_virtual,
				.type = field->type },
		};

		if (!part.name && !field->bit_size && is_composite(field->type) && depth < DEPTH_MAX)
			add_fields(parts, field->type, offset + field->offset, depth + 1);
		/* gcc and clang call the pointer to the vtable "_vptr.name" and "_vptr$name". */
		else if (part.name && !g_str_has_prefix(part.name, "_vptr"))
			g_array_append_val(parts, part);
	}
}

static GArray *parts_of(const hc_type *type)
{
	GArray *parts = g_array_new(FALSE, FALSE, sizeof(struct part));

	if (hc_type_get_kind(type) != HC_TYPE_ENUM) {
		add_fields(parts, type, 0, 0);
		return parts;
	}
	for (unsigned i = 0; i < hc_type_enumerator_count(type) && parts->len < PARTS_MAX; i++) {
		struct part part = { .part = HC_ABI_ENUMERATOR, .place = { .is_known = true } };

		part.name = hc_type_enumerator_at(type, i, &part.place.value);
		g_array_append_val(parts, part);
	}
	return parts;
}

/* The part of that name: the number of times that there is one, and its index. */
static GHashTable *index_parts(const GArray *parts)
{
	GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < parts->len; i++) {
		const struct part *part = &g_array_index(parts, struct part, i);

		if (!g_hash_table_contains(index, part->name))
			g_hash_table_insert(index, (char *)part->name, GUINT_TO_POINTER(i + 1));
	}
	return index;
}

static const struct part *find_part(const GArray *parts, GHashTable *index, const char *name)
{
	guint number = GPOINTER_TO_UINT(g_hash_table_lookup(index, name));

	return number ? &g_array_index(parts, struct part, number - 1) : NULL;
}

unsigned hc_abi_count_parts(const hc_type *type)
{
	g_autoptr(GArray) parts = parts_of(type);
	unsigned count = 0;

	for (unsigned i = 0; i < parts->len; i++)
		count += g_array_index(parts, struct part, i).part != HC_ABI_BASE;
	return count;
}

GArray *hc_abi_members_beyond(const hc_type *type, uint64_t size)
{
	g_autoptr(GArray) parts = parts_of(type);
	GArray *changes = g_array_new(FALSE, FALSE, sizeof(hc_abi_change));

	for (unsigned i = 0; i < parts->len; i++) {
		const struct part *part = &g_array_index(parts, struct part, i);
		hc_abi_change change = { .part = part->part, .name = part->name, .sides = { part->place } };

		if (part->part == HC_ABI_MEMBER && part->name &&
			(part->place.offset >= size || size - part->place.offset < part->place.size))
			g_array_append_val(changes, change);
	}
	return changes;
}

unsigned hc_abi_count_common(const hc_type *a, const hc_type *b)
{
	g_autoptr(GArray) mine = parts_of(a), others = parts_of(b);
	g_autoptr(GHashTable) index = index_parts(others);
	unsigned count = 0;

	for (unsigned i = 0; i < mine->len; i++) {
		const struct part *part = &g_array_index(mine, struct part, i),
				  *other = find_part(others, index, part->name);

		count += other && (part->part == HC_ABI_ENUMERATOR || is_alike(part->place.type, other->place.type, 0));
	}
	return count;
}

/* ---- what differs ---- */

static uint64_t first_bit(const hc_abi_place *place)
{
	return place->offset * 8 + place->bit_offset;
}

static bool is_same_place(const hc_abi_place *a, const hc_abi_place *b)
{
	return a->is_virtual == b->is_virtual && first_bit(a) == first_bit(b) && a->bit_size == b->bit_size &&
	       (a->bit_size || a->size == b->size);
}

static bool differs(const struct part *a, const struct part *b)
{
	if (a->part != b->part)
		return true;
	if (a->part == HC_ABI_ENUMERATOR)
		return a->place.value != b->place.value;
	if (!is_same_place(&a->place, &b->place))
		return true;
	return !is_alike(a->place.type, b->place.type, 0) && is_misread(a->place.type, b->place.type);
}

static void add_change(GArray *changes, const struct part *a, const struct part *b)
{
	hc_abi_change change = { .part = (a ? a : b)->part, .name = (a ? a : b)->name };

	if (a)
		change.sides[0] = a->place;
	if (b)
		change.sides[1] = b->place;
	g_array_append_val(changes, change);
}

/* Whether OTHERS, which has no part of PART's name, has one in its place that is as it, and whose name MINE does not have. */
static bool was_renamed(const struct part *part, const GArray *others, GHashTable *mine)
{
	for (unsigned i = 0; i < others->len; i++) {
		const struct part *other = &g_array_index(others, struct part, i);

		if (other->part == part->part && is_same_place(&part->place, &other->place) &&
			!g_hash_table_contains(mine, other->name) && is_alike(part->place.type, other->place.type, 0))
			return true;
	}
	return false;
}

/* Of enumerators: a new name is no difference, as long as no value means two things. */
static bool is_new_value(const struct part *part, const GArray *others)
{
	for (unsigned i = 0; i < others->len; i++)
		if (g_array_index(others, struct part, i).place.value == part->place.value)
			return false;
	return true;
}

static bool counts_alone(const struct part *part, const GArray *others, GHashTable *mine)
{
	if (part->part == HC_ABI_ENUMERATOR)
		return !is_new_value(part, others);
	/* Of no size: an empty base, a flexible array. */
	return !was_renamed(part, others, mine) && (part->place.size || part->place.bit_size);
}

GArray *hc_abi_compare(const hc_type *a, const hc_type *b)
{
	GArray *changes = g_array_new(FALSE, FALSE, sizeof(hc_abi_change));
	g_autoptr(GArray) mine = parts_of(a), others = parts_of(b);
	g_autoptr(GHashTable) my_index = index_parts(mine), their_index = index_parts(others);

	if (mine->len >= PARTS_MAX || others->len >= PARTS_MAX)
		return changes;
	for (unsigned i = 0; i < mine->len; i++) {
		const struct part *part = &g_array_index(mine, struct part, i);
		const struct part *other = find_part(others, their_index, part->name);

		if (find_part(mine, my_index, part->name) != part)
			continue; /* a name that is there twice, in unnamed members */
		if (other ? differs(part, other) : counts_alone(part, others, my_index))
			add_change(changes, part, other);
	}
	for (unsigned i = 0; i < others->len; i++) {
		const struct part *part = &g_array_index(others, struct part, i);

		if (find_part(others, their_index, part->name) == part && !find_part(mine, my_index, part->name) &&
			counts_alone(part, mine, their_index))
			add_change(changes, NULL, part);
	}
	return changes;
}

/* ---- virtual functions ---- */

static const char *key_of(const hc_method *method)
{
	return method->linkage ? method->linkage : method->name;
}

static const hc_method *find_method(const GArray *methods, const hc_method *wanted)
{
	for (unsigned i = 0; i < methods->len; i++) {
		const hc_method *method = &g_array_index(methods, hc_method, i);

		if (method->is_virtual && !method->is_artificial && !strcmp(key_of(method), key_of(wanted)))
			return method;
	}
	return NULL;
}

static void add_method(GArray *changes, const hc_method *a, const hc_method *b)
{
	hc_abi_change change = { .part = HC_ABI_FUNCTION, .name = (a ? a : b)->name };

	if (a)
		change.sides[0] = (hc_abi_place){ .is_known = true, .offset = a->slot };
	if (b)
		change.sides[1] = (hc_abi_place){ .is_known = true, .offset = b->slot };
	g_array_append_val(changes, change);
}

static bool declares_methods(const GArray *methods)
{
	for (unsigned i = 0; i < methods->len; i++)
		if (!g_array_index(methods, hc_method, i).is_artificial)
			return true;
	return false;
}

void hc_abi_compare_methods(const GArray *a, const GArray *b, bool is_template, GArray *changes)
{
	/* A compiler that declares none may leave them out. */
	bool is_whole = !is_template && declares_methods(a) && declares_methods(b);

	if (a->len > PARTS_MAX || b->len > PARTS_MAX)
		return;
	for (unsigned i = 0; i < a->len; i++) {
		const hc_method *method = &g_array_index(a, hc_method, i);
		const hc_method *other = find_method(b, method);

		if (method->is_virtual && !method->is_artificial && (other ? other->slot != method->slot : is_whole))
			add_method(changes, method, other);
	}
	for (unsigned i = 0; is_whole && i < b->len; i++) {
		const hc_method *method = &g_array_index(b, hc_method, i);

		if (method->is_virtual && !method->is_artificial && !find_method(a, method))
			add_method(changes, NULL, method);
	}
}
