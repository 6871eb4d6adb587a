/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Template arguments of functions, and of the classes that they are members of: what an object whose type was erased is, by the function
 * that manages it.
 */
#include "variables/locations.h"
#include "program_types/program_types_state.h"

#include <dwarf.h>

enum {
	STEPS_MAX = 8, /* from an instance to its origin, to its declaration, and so on */
	CHILDREN_MAX = 1 << 16,
	KNOWN_MAX = 1 << 18,
};

/* The argument NAME among the children of DIE. */
static bool find_argument(Dwarf_Die *die, const char *name, Dwarf_Die *ret_argument)
{
	unsigned steps = 0;
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return false;
	do {
		if (dwarf_tag(&child) == DW_TAG_template_type_parameter && !g_strcmp0(dwarf_diename(&child), name)) {
			*ret_argument = child;
			return true;
		}
	} while (++steps < CHILDREN_MAX && !dwarf_siblingof(&child, &child));
	return false;
}

bool hc_function_origin(Dwarf_Die *function, Dwarf_Die *ret_origin)
{
	Dwarf_Attribute attribute;

	return (dwarf_attr(function, DW_AT_abstract_origin, &attribute) ||
		       dwarf_attr(function, DW_AT_specification, &attribute)) &&
	       dwarf_formref_die(&attribute, ret_origin);
}

bool hc_function_scope(const struct module_debug *debug, Dwarf_Die *function, Dwarf_Die *ret_scope)
{
	uint64_t offset = hc_die_offset(debug, function);
	const struct unit *unit = hc_debug_unit(debug, offset);
	const struct scope *scope = unit ? hc_unit_scope_around(unit, offset) : NULL;

	Dwarf_Attribute attribute;
	Dwarf_Die target;

	if (!scope || !hc_debug_die(debug, unit->offset + scope->start, ret_scope))
		return false;
	/* Its arguments stand in a type unit. */
	if (dwarf_attr(ret_scope, DW_AT_signature, &attribute) && dwarf_formref_die(&attribute, &target))
		*ret_scope = target;
	return true;
}

static const hc_type *look_up(hc_modules *modules, hc_address address, const char *name)
{
	const hc_module *found = hc_modules_find(modules, address);
	struct module *module = found ? hc_module_private(found) : NULL;
	const struct module_debug *debug = module ? hc_module_index(modules, module) : NULL;
	Dwarf_Die function, class, argument;

	if (!debug || !hc_function_at(modules, module, address, &function))
		return NULL;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		Dwarf_Die next;

		if (find_argument(&function, name, &argument) ||
			(hc_function_scope(debug, &function, &class) && find_argument(&class, name, &argument)))
			return hc_type_of_variable(modules, module, &argument);
		if (!hc_function_origin(&function, &next))
			break;
		function = next;
	}
	return NULL;
}

const hc_type *hc_modules_argument_of_function(hc_modules *modules, hc_address address, const char *name)
{
	struct hc_debug *state = hc_modules_debug(modules);
	char *key = g_strdup_printf("%" G_GINT64_MODIFIER "x %s", (guint64)address, name);
	gpointer known;

	if (!state->arguments)
		state->arguments = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (g_hash_table_lookup_extended(state->arguments, key, NULL, &known)) {
		g_free(key);
		return known;
	}
	if (g_hash_table_size(state->arguments) >= KNOWN_MAX)
		g_hash_table_remove_all(state->arguments);
	const hc_type *type = look_up(modules, address, name);

	g_hash_table_insert(state->arguments, key, (hc_type *)type);
	return type;
}
