/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What functions of C take: as they are defined, and as files that call them have them declared.
 *
 * Compilers write the declaration of a function that a file calls, with its parameters, beside those that it defines. That is compared where its
 * name alone tells the function: one that C++ has mangled carries its parameters in its name. Without a prototype, or with "...", a declaration does
 * not say what is passed: such a function has no signature here.
 */
#include "program_types/program_types_state.h"

#include <dwarf.h>

enum {
	ORIGINS_MAX = 8,
	PARAMETERS_MAX = 256,
	CHILDREN_MAX = 1 << 16, /* of a DIE */
};

void hc_signature_clear(hc_signature *signature)
{
	g_clear_pointer(&signature->parameters, g_array_unref);
}

static bool is_cxx(Dwarf_Die *die)
{
	/* Then DW_LANG_C_plus_plus_17 and _20, which older headers lack. */
	static const int languages[] = { DW_LANG_C_plus_plus, DW_LANG_C_plus_plus_03, DW_LANG_C_plus_plus_11,
		DW_LANG_C_plus_plus_14, 0x002a, 0x002b };
	Dwarf_Die unit;
	int language = dwarf_diecu(die, &unit, NULL, NULL) ? dwarf_srclang(&unit) : -1;
	bool is_found = false;

	for (unsigned i = 0; i < G_N_ELEMENTS(languages); i++)
		is_found |= languages[i] == language;
	return is_found;
}

/* Compilers of C say of each function whether it has a prototype; in C++ all have. Other languages have rules of their own. */
static bool has_prototype(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	bool is_prototyped;

	if (dwarf_attr(die, DW_AT_prototyped, &attribute))
		return !dwarf_formflag(&attribute, &is_prototyped) && is_prototyped;
	return is_cxx(die);
}

/* FALSE if not all of them are known. */
static bool read_parameters(hc_program_types *types, const hc_module *module, Dwarf_Die *die, GArray *parameters)
{
	unsigned steps = 0;
	Dwarf_Die child;
	int end = dwarf_child(die, &child);

	for (; !end; end = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);
		hc_parameter parameter;

		if (++steps > CHILDREN_MAX || tag == DW_TAG_unspecified_parameters)
			return false;
		if (tag != DW_TAG_formal_parameter)
			continue;
		if (dwarf_hasattr(&child, DW_AT_artificial) || parameters->len == PARAMETERS_MAX)
			return false;
		parameter.name = hc_type_keep(types, dwarf_diename(&child));
		parameter.type = hc_type_of_variable(types, module, &child);
		g_array_append_val(parameters, parameter);
	}
	return end == 1; /* no more; -1: damaged */
}

/* FALSE if FUNCTION, without others that it comes from, does not say what it takes, or is none of C. */
static bool read_signature(
	hc_program_types *types, const hc_module *module, Dwarf_Die *function, hc_signature *ret_signature)
{
	hc_signature signature = {
		.module = module,
		.offset = hc_die_offset(hc_module_debug(types->info, module), function),
	};
	const char *name = dwarf_diename(function);

	if (!name || dwarf_hasattr(function, DW_AT_linkage_name) || dwarf_hasattr(function, DW_AT_MIPS_linkage_name) ||
		!dwarf_hasattr(function, DW_AT_external) || !has_prototype(function))
		return false;
	signature.parameters = g_array_new(FALSE, FALSE, sizeof(hc_parameter));
	if (!read_parameters(types, module, function, signature.parameters)) {
		hc_signature_clear(&signature);
		return false;
	}
	signature.name = hc_type_keep(types, name);
	*ret_signature = signature;
	return true;
}

void hc_program_types_place_signature(hc_program_types *types, hc_signature *signature)
{
	struct module_debug *debug = hc_module_debug(types->info, signature->module);
	uint64_t line = 0;
	Dwarf_Die die, unit;

	if (!hc_debug_die(debug, signature->offset, &die))
		return;
	signature->declared = hc_type_keep(types, hc_debug_decl_file(debug, signature->offset));
	if (hc_die_unsigned(&die, DW_AT_decl_line, &line))
		signature->line = (unsigned)MIN(line, UINT_MAX);
	if (!(signature->offset & OFFSET_PLACE) && dwarf_diecu(&die, &unit, NULL, NULL))
		signature->unit = hc_type_keep(types, dwarf_diename(&unit));
}

/* ---- as it is defined ---- */

bool hc_program_types_signature_at(hc_program_types *types, hc_address address, hc_signature *ret_signature)
{
	const hc_module *module = hc_modules_find(types->modules, address);
	Dwarf_Die function, origin;
	Dwarf_Addr entry, bias;
	unsigned origins = 0;

	if (!module || !hc_module_index(types->info, module) || !hc_module_dwarf(types->info, module, &bias) ||
		!hc_function_at(types->info, module, address, &function) || dwarf_entrypc(&function, &entry) ||
		entry + bias != address)
		return false;
	/* An instance of a function that is inlined elsewhere may lack parameters that the compiler had no use for. */
	while (hc_function_origin(&function, &origin)) {
		if (++origins > ORIGINS_MAX || dwarf_hasattr(&function, DW_AT_specification))
			return false;
		function = origin;
	}
	return read_signature(types, module, &function, ret_signature);
}

/* ---- as it is declared ---- */

static bool is_declaration_of(Dwarf_Die *die, GHashTable *names)
{
	const char *name;

	return dwarf_tag(die) == DW_TAG_subprogram && dwarf_hasattr(die, DW_AT_declaration) &&
	       (name = dwarf_diename(die)) && g_hash_table_contains(names, name);
}

static void look_through_unit(hc_program_types *types, const hc_module *module, Dwarf_Die *unit, GHashTable *names,
	hc_declared_visit visit, void *data)
{
	Dwarf_Off last = 0;
	Dwarf_Die die;

	if (dwarf_child(unit, &die))
		return;
	/* A made-up sibling may stand in front: then there would be no end. */
	for (int end = 0; !end && dwarf_dieoffset(&die) > last; end = dwarf_siblingof(&die, &die)) {
		hc_signature signature;

		last = dwarf_dieoffset(&die);
		if (!is_declaration_of(&die, names) || !read_signature(types, module, &die, &signature))
			continue;
		visit(&signature, data);
		hc_signature_clear(&signature);
	}
}

void hc_program_types_each_declared(
	hc_program_types *types, const hc_module *module, GHashTable *names, hc_declared_visit visit, void *data)
{
	const struct module_debug *debug = hc_module_index(types->info, module);

	for (unsigned i = 0; debug && i < debug->units->len; i++) {
		const struct unit *unit = &g_array_index(debug->units, struct unit, i);
		Dwarf_Die die;

		/* What several files share does not say which of them has it. */
		if (!(unit->first & OFFSET_PLACE) && !unit->is_split && hc_debug_die(debug, unit->first, &die))
			look_through_unit(types, module, &die, names, visit, data);
	}
}
