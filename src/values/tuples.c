/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of a std::tuple. Libraries make it of classes within each other, one leaf for each part, which has the part's number and type
 * as its template arguments. What is empty, or is laid out as such, is the leaf's base class instead of its member.
 *
 *	libstdc++ (<tuple>)	_Tuple_impl<0, A, B> : _Tuple_impl<1, B>, _Head_base<0, A>	{ A _M_head_impl; }
 *	libc++ (<tuple>)	__base_: __tuple_impl<...> : __tuple_leaf<0, A>, __tuple_leaf<1, B>	{ A __value_; }
 */
#include "values/values.h"

enum {
	PLACES_MAX = 4096, /* classes to look at */
	PARTS_MAX = 1024
};

struct place {
	const hc_type *type;
	hc_address address;
};

static bool is_leaf(const hc_type *type)
{
	const char *name = hc_type_template_name(type);

	return !g_strcmp0(name, "std::_Head_base") || !g_strcmp0(name, "std::__tuple_leaf");
}

/* The part that LEAF is, in its place among PARTS, which grow. FALSE if that is taken, or its number cannot be. */
static bool take_leaf(const struct place *leaf, GArray *parts)
{
	bool has_type = hc_type_argument_count(leaf->type) >= 2;
	const hc_template_argument *number = has_type ? hc_type_argument(leaf->type, 0) : NULL,
				   *type = has_type ? hc_type_argument(leaf->type, 1) : NULL;

	if (!has_type || number->type || number->value < 0 || number->value >= PARTS_MAX || !type->type)
		return false;
	if (parts->len <= number->value)
		g_array_set_size(parts, (guint)number->value + 1);
	hc_object *part = &g_array_index(parts, hc_object, (guint)number->value);

	if (part->type)
		return false;
	*part = (hc_object){ .type = type->type, .address = leaf->address };
	for (unsigned i = 0; i < hc_type_field_count(leaf->type); i++) {
		const hc_field *field = hc_type_field(leaf->type, i);

		if (field->is_virtual)
			return false;
		part->address = leaf->address + field->offset;
	}
	return true;
}

/* (Compilers leave the tuple's own template arguments out where it is a partial specialisation.) */
GArray *hc_types_tuple(const hc_type *type, hc_address address)
{
	g_autoptr(GArray) parts = NULL, places = NULL;
	struct place place = { type, address };
	unsigned found = 0;

	if (hc_type_get_kind(type) != HC_TYPE_STRUCT || g_strcmp0(hc_type_template_name(type), "std::tuple") != 0)
		return NULL;
	parts = g_array_new(FALSE, TRUE, sizeof(hc_object));
	places = g_array_new(FALSE, FALSE, sizeof(struct place));
	g_array_append_val(places, place);
	for (unsigned at = 0; at < places->len; at++) {
		struct place outer = g_array_index(places, struct place, at);

		if (is_leaf(outer.type)) {
			if (!take_leaf(&outer, parts))
				return NULL;
			found++;
			continue;
		}
		for (unsigned i = 0; i < hc_type_field_count(outer.type) && places->len < PLACES_MAX; i++) {
			const hc_field *field = hc_type_field(outer.type, i);

			place = (struct place){ field->type, outer.address + field->offset };
			if (!field->is_virtual && hc_type_get_kind(field->type) == HC_TYPE_STRUCT)
				g_array_append_val(places, place);
		}
	}
	bool is_whole = found == parts->len && (found || g_str_has_suffix(hc_type_name(type), "tuple<>"));

	return is_whole ? g_steal_pointer(&parts) : NULL;
}
