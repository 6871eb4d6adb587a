/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds that hold one object, or none: smart pointers and optionals, variants, and type-erased ones,
 * whose object's type a function or a vtable tells.
 */
#include "containers/walker.h"

#include "modules/modules.h"

enum {
	BASES_DEPTH = 16, /* of classes */
	ROUNDED_MAX = 64, /* bytes that may lie behind an object: what malloc rounds up, and padding of what holds it */
};

/* It is all of its block; or of a class that derives from what is declared, and that its vtable tells. */
static void prove_by_object(hc_walker *walker, hc_address object, uint64_t size)
{
	const hc_type *class = NULL;
	const char *name;
	uint64_t vtable;
	int64_t to_top;
	bool has_vtable = walker->walk->element && hc_type_get_kind(walker->walk->element) == HC_TYPE_STRUCT &&
			  hc_type_is_polymorphic(walker->walk->element);

	if (has_vtable && walker->set->program_types && hc_reader_word(walker->reader, object, &vtable) &&
		hc_program_types_class_of_vtable(walker->set->program_types, vtable, &class, &to_top, &name))
		walker->is_proved = true;
	else
		hc_walker_prove_by_block(walker, object, size);
}

/* What it leads to lies somewhere; and is its own if that is not the container itself. */
static bool walk_object(hc_walker *walker, hc_address object, uint64_t size)
{
	hc_range_kind place;

	walker->walk->element_size = size;
	if (hc_walker_is_within(walker, object, size)) {
		walker->walk->is_inline = walker->is_proved = true;
	} else {
		place = hc_reader_check(walker->reader, object, MAX(size, 1));
		if (!hc_place_is_usable(place))
			return hc_walker_refuse(walker, hc_place_reason(place));
		prove_by_object(walker, object, size);
		if (hc_walker_owns(walker))
			hc_walker_own(walker, object, MAX(size, 1), HC_MEMORY_BUFFER);
	}
	if (walker->visits)
		hc_walker_visit(walker, object, 0);
	walker->walk->walked = 1;
	return true;
}

/* Where BASE lies in TYPE, by value, as the base class of a base class ...: FALSE if it is none. */
static bool find_base(const hc_type *type, const hc_type *base, unsigned depth, uint64_t *ret_offset)
{
	if (type == base)
		return true;
	for (unsigned i = 0; i < hc_type_field_count(type) && depth < BASES_DEPTH; i++) {
		const hc_field *field = hc_type_field(type, i);

		if (!field->is_base || field->is_virtual || !find_base(field->type, base, depth + 1, ret_offset))
			continue;
		*ret_offset += field->offset;
		return true;
	}
	return false;
}

/* The first template argument of the class whose vtable is VTABLE: "counted<T, ...>" -> T. */
static const hc_type *first_argument_of_class(hc_walker *walker, hc_address vtable)
{
	hc_container_set *set = walker->set;
	const hc_type *class = NULL, *type = NULL;
	const char *name;
	int64_t to_top;
	void *found;

	if (g_hash_table_lookup_extended(set->functions, &vtable, NULL, &found))
		return found;
	if (set->program_types &&
		hc_program_types_class_of_vtable(set->program_types, vtable, &class, &to_top, &name)) {
		for (unsigned i = 0; class && !type && i < hc_type_argument_count(class); i++)
			type = hc_type_argument(class, i)->type;
	}
	if (g_hash_table_size(set->functions) < HC_FUNCTIONS_MAX)
		g_hash_table_insert(set->functions, g_memdup2(&vtable, sizeof vtable), (void *)type);
	return type;
}

/*
 * What keeps the object (a control block) has a class that tells which type the object was made as; what is declared is void, or a base
 * class. *DATA moves to the object's beginning. DECLARED if nothing is told, or if *DATA leads to a part of the object only: a member
 * that shares its lifetime.
 */
static bool find_class_of(hc_walker *walker, const hc_type *declared, hc_address *data, const hc_type **ret_type)
{
	uint64_t keeper, vtable, is_inline, offset = 0, room;
	const hc_type *type;

	*ret_type = declared;
	if (!hc_walker_need(walker, HC_KEY_CLASS_OF, 0, &keeper) ||
		!hc_walker_need(walker, HC_KEY_IS_INLINE, 0, &is_inline))
		return false;
	if (!keeper || !hc_reader_word(walker->reader, keeper, &vtable))
		return true;
	type = first_argument_of_class(walker, vtable);
	if (type && !is_inline)
		type = hc_type_get_kind(type) == HC_TYPE_POINTER ? hc_type_target(type) : NULL;
	if (!type || type == declared || !hc_type_size(type))
		return true;
	room = hc_reader_rest(walker->reader, *data);
	if (!declared || hc_type_get_kind(declared) == HC_TYPE_VOID) {
		/* Behind the whole object is nothing but what malloc rounds up. */
		if (room >= hc_type_size(type) && (!is_inline || room - hc_type_size(type) <= ROUNDED_MAX))
			*ret_type = type;
	} else if (hc_type_get_kind(type) == HC_TYPE_STRUCT && find_base(type, declared, 0, &offset)) {
		*data -= offset;
		*ret_type = type;
	}
	return true;
}

void hc_walk_single(hc_walker *walker)
{
	const hc_type *element = walker->layout->element;
	hc_address data;

	if (!hc_walker_need(walker, HC_KEY_DATA, 0, &data))
		return;
	if (!hc_walker_has(walker, HC_KEY_COUNT))
		walker->walk->claimed = data != 0;
	if (!walker->walk->claimed)
		return;
	if (walker->walk->claimed > 1) {
		hc_walker_refuse(walker, "it is neither empty nor holds one");
		return;
	}
	/* new T[n] keeps no count that could be found: one of them. */
	if (element && hc_type_get_kind(element) == HC_TYPE_ARRAY && !hc_type_size(element))
		walker->walk->element = element = hc_type_target(element);
	if (!find_class_of(walker, element, &data, &element))
		return;
	walker->walk->element = element;
	walk_object(walker, data, element ? hc_type_size(element) : 0);
}

static const hc_type *alternative_type(const hc_layout *layout, uint64_t number)
{
	unsigned count = hc_type_argument_count(layout->type);

	for (unsigned i = 0; i < count; i++) {
		const hc_template_argument *argument = hc_type_argument(layout->type, i);

		if (argument->type && !number--)
			return argument->type;
	}
	return NULL;
}

void hc_walk_variant(hc_walker *walker)
{
	hc_address data;
	uint64_t alternative;

	if (!hc_walker_has(walker, HC_KEY_COUNT))
		walker->walk->claimed = 1;
	if (!walker->walk->claimed)
		return;
	if (!hc_walker_need(walker, HC_KEY_DATA, walker->address, &data) ||
		!hc_walker_need(walker, HC_KEY_ALTERNATIVE, 0, &alternative))
		return;
	walker->walk->element = alternative_type(walker->layout, alternative);
	if (!walker->walk->element) {
		hc_walker_refuse(walker, "it has no such alternative");
		return;
	}
	walker->is_proved = true; /* its number is that of an alternative */
	walk_object(walker, data, hc_type_size(walker->walk->element));
}

/* ---- erased types ---- */

static const hc_type *erased_type(hc_walker *walker, hc_address function)
{
	hc_container_set *set = walker->set;
	const hc_type *type;
	void *found;

	if (g_hash_table_lookup_extended(set->functions, &function, NULL, &found))
		return found;
	type = set->program_types ? hc_program_types_argument_of_function(
					    set->program_types, function, walker->layout->description->argument) :
				    NULL;
	if (g_hash_table_size(set->functions) < HC_FUNCTIONS_MAX)
		g_hash_table_insert(set->functions, g_memdup2(&function, sizeof function), (void *)type);
	return type;
}

/* True if what is stored by value here could be moved by copying bytes: then the library keeps it within the object. */
static bool is_plain(const hc_type *type, unsigned depth)
{
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_STRUCT:
		if (hc_type_argument_count(type) || hc_type_is_polymorphic(type) || depth > 4)
			return false;
		for (unsigned i = 0; i < hc_type_field_count(type); i++)
			if (!is_plain(hc_type_field(type, i)->type, depth + 1))
				return false;
		return true;
	case HC_TYPE_ARRAY:
		return hc_type_target(type) && is_plain(hc_type_target(type), depth + 1);
	case HC_TYPE_UNION:
	case HC_TYPE_INCOMPLETE:
		return false;
	default:
		return true;
	}
}

/*
 * Whether an object of TYPE is kept in the container, by INLINE bytes there are, or behind a pointer. Small objects may be either, as
 * the library looks at how they are copied, which debug info does not tell: then the pointer is believed if it is a block's
 * beginning, and the block not larger than malloc makes it for the object.
 */
static bool is_kept_inline(hc_walker *walker, const hc_type *type, hc_address object)
{
	uint64_t size = hc_type_size(type), room;
	hc_block block;

	if (!hc_walker_get(walker, HC_KEY_ROOM, 2 * walker->reader->format.size, &room) || size > room)
		return false;
	if (is_plain(type, 0))
		return true;
	return !hc_blocks_find(walker->set->blocks, object, &block) || block.address != object ||
	       block.state != HC_BLOCK_IN_USE || block.size < size || block.size > size + 24;
}

void hc_walk_erased(hc_walker *walker)
{
	hc_address function, object, place;
	const hc_type *type;
	uint64_t is_inline;

	if (!hc_walker_need(walker, HC_KEY_FUNCTION, 0, &function))
		return;
	if (!hc_walker_has(walker, HC_KEY_COUNT))
		walker->walk->claimed = function != 0;
	if (!walker->walk->claimed)
		return;
	if (!hc_walker_need(walker, HC_KEY_OBJECT, 0, &object) || !hc_walker_need(walker, HC_KEY_INLINE, 0, &place))
		return;
	type = walker->walk->element = erased_type(walker, function);
	if (!type && (!walker->set->modules || !hc_modules_find(walker->set->modules, function))) {
		hc_walker_refuse(walker, "its function is in no module");
		return;
	}
	if (!type) {
		hc_walker_end(walker, HC_GRADE_TRUNCATED, "no debug info tells the type that it holds");
		return;
	}
	walker->is_proved = true; /* its function is one that the library made for this type */
	is_inline = is_kept_inline(walker, type, object);
	if (!hc_walker_get(walker, HC_KEY_IS_INLINE, is_inline, &is_inline))
		return;
	walk_object(walker, is_inline ? place : object, hc_type_size(type));
}
