/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Template arguments of functions, and of the classes that they are members of: what an object
 * whose type was erased is, by the function that manages it.
 */
#include "program_types/program_types_state.h"

#include <dwarf.h>
#include <inttypes.h>

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

static const hc_type *look_up(hc_program_types *types, hc_address address, const char *name)
{
	const hc_module *module = hc_modules_find(types->modules, address);
	const struct module_debug *debug = module ? hc_module_index(types->info, module) : NULL;
	Dwarf_Die function, class, argument;

	if (!debug || !hc_function_at(types->info, module, address, &function))
		return NULL;
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		Dwarf_Die next;

		if (find_argument(&function, name, &argument) ||
			(hc_function_scope(debug, &function, &class) && find_argument(&class, name, &argument)))
			return hc_type_of_variable(types, module, &argument);
		if (!hc_function_origin(&function, &next))
			break;
		function = next;
	}
	return NULL;
}

const hc_type *hc_program_types_argument_of_function(hc_program_types *types, hc_address address, const char *name)
{
	char *key = g_strdup_printf("%" PRIx64 " %s", (uint64_t)address, name);
	gpointer known;

	if (!types->arguments)
		types->arguments = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (g_hash_table_lookup_extended(types->arguments, key, NULL, &known)) {
		g_free(key);
		return known;
	}
	if (g_hash_table_size(types->arguments) >= KNOWN_MAX)
		g_hash_table_remove_all(types->arguments);
	const hc_type *type = look_up(types, address, name);

	g_hash_table_insert(types->arguments, key, (hc_type *)type);
	return type;
}
