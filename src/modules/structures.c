/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layouts of a few C structures of a library that we know: malloc's state, and that of the dynamic
 * linker.
 *
 * The program's types (program_types/) come from an index of the debug info of all modules, and
 * from files that are here only. A heap must be read before that index is made, most often without
 * it, and libc's debug info may come from debuginfod: so the one unit that matters is asked
 * directly, through libdwfl, for the structures at its top by their names.
 */
#include "modules/modules_state.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>

struct hc_struct {
	uint64_t size;
	GHashTable *members; /* name -> hc_member * */
};

void hc_struct_destroy(void *data)
{
	hc_struct *structure = data;

	g_hash_table_unref(structure->members);
	g_free(structure);
}

/* Whether MODULE's own file has debug info: then libdwfl takes that. */
static bool has_own(const struct module *module)
{
	Elf *elf = hc_module_elf(&module->public);
	size_t names;
	bool has = false;

	for (Elf_Scn *section = NULL;
		elf && !has && !elf_getshdrstrndx(elf, &names) && (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

		has = name && (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info"));
	}
	if (elf)
		elf_end(elf);
	return has;
}

/* Sets the one unit of MODULE that ADDRESS is in, if its debug info is a separate file in the debug directories, without reading the rest. */
static bool find_one_unit(const hc_modules *modules, struct module *module, hc_address address)
{
	g_autofree char *path = module->build_id && !has_own(module) ? hc_module_debug_file_by_id(modules, module) :
								       NULL;
	struct one_unit *one = path ? hc_one_unit_open(path, module->build_id, address - module->public.bias) : NULL;
	uint64_t unit;
	Dwarf *dwarf;

	if (!one)
		return false;
	dwarf = hc_one_unit_dwarf(one, &unit);
	hc_modules_mind_memory(dwarf);
	if (!dwarf || !dwarf_offdie(dwarf, unit, &module->unit)) {
		hc_one_unit_close(one);
		return false;
	}
	module->one_unit = one;
	return true;
}

/*
 * The unit that FUNCTION is in; where .debug_aranges does not tell, each unit is asked whether it
 * has the address.
 */
static bool find_unit(hc_modules *modules, struct module *module, const char *function, Dwarf_Die *ret_unit)
{
	hc_symbol symbol;
	Dwarf_Addr bias;
	bool is_known = hc_module_symbol(modules, &module->public, function, &symbol) && !symbol.is_tls;

	if (is_known && (module->one_unit || (!module->dwarf && find_one_unit(modules, module, symbol.address)))) {
		*ret_unit = module->unit;
		return true;
	}
	Dwfl_Module *dwfl_module = hc_module_dwfl(modules, module);
	Dwarf *dwarf = dwfl_module ? hc_modules_dwarf(dwfl_module, &bias) : NULL;

	module->dwarf = dwarf;
	if (!dwarf || !is_known)
		return false;
	if (dwarf_addrdie(dwarf, symbol.address - bias, ret_unit))
		return true;
	Dwarf_CU *unit = NULL;
	uint8_t type;

	while (!dwarf_get_units(dwarf, unit, &unit, NULL, &type, ret_unit, NULL))
		if (type == DW_UT_compile && dwarf_haspc(ret_unit, symbol.address - bias) > 0)
			return true;
	return false;
}

static uint64_t array_element_size(Dwarf_Die *type)
{
	Dwarf_Die element, stripped;
	Dwarf_Attribute attribute;
	Dwarf_Word size;

	while (dwarf_tag(type) == DW_TAG_array_type) {
		if (!dwarf_attr_integrate(type, DW_AT_type, &attribute) || !dwarf_formref_die(&attribute, &element))
			return 0;
		*type = element;
		if (!dwarf_peel_type(type, &stripped))
			*type = stripped;
	}
	return dwarf_aggregate_size(type, &size) ? 0 : size;
}

static void add_member(hc_struct *structure, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Attribute attribute;
	Dwarf_Die type, stripped;
	Dwarf_Word offset = 0, size = 0;

	if (!name || !dwarf_attr_integrate(die, DW_AT_data_member_location, &attribute) ||
		dwarf_formudata(&attribute, &offset) || !dwarf_attr_integrate(die, DW_AT_type, &attribute) ||
		!dwarf_formref_die(&attribute, &type))
		return;
	if (!dwarf_peel_type(&type, &stripped))
		type = stripped;
	if (dwarf_aggregate_size(&type, &size))
		size = 0;
	hc_member *member = g_new0(hc_member, 1);

	member->offset = offset;
	member->size = size;
	member->element_size = dwarf_tag(&type) == DW_TAG_array_type ? array_element_size(&type) : size;
	g_hash_table_insert(structure->members, g_strdup(name), member);
}

static hc_struct *read_struct(Dwarf_Die *unit, const char *name)
{
	Dwarf_Die die, member;

	if (dwarf_child(unit, &die))
		return NULL;
	do {
		const char *die_name = dwarf_diename(&die);
		Dwarf_Attribute attribute;
		Dwarf_Word size;

		if (dwarf_tag(&die) != DW_TAG_structure_type || !die_name || strcmp(die_name, name) ||
			dwarf_hasattr(&die, DW_AT_declaration) || !dwarf_attr(&die, DW_AT_byte_size, &attribute) ||
			dwarf_formudata(&attribute, &size) || dwarf_child(&die, &member))
			continue;
		hc_struct *structure = g_new0(hc_struct, 1);

		structure->size = size;
		structure->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		do {
			if (dwarf_tag(&member) == DW_TAG_member)
				add_member(structure, &member);
		} while (!dwarf_siblingof(&member, &member));
		return structure;
	} while (!dwarf_siblingof(&die, &die));
	return NULL;
}

const hc_struct *hc_module_struct(hc_modules *modules, const hc_module *module, const char *function, const char *name)
{
	struct module *private = hc_module_private(module);
	gpointer known;
	Dwarf_Die unit;

	if (!private->structs)
	private->structs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (g_hash_table_lookup_extended(private->structs, name, NULL, &known))
		return known;
	hc_struct *structure = find_unit(modules, private, function, &unit) ? read_struct(&unit, name) : NULL;

	if (structure)
		g_ptr_array_add(modules->structs, structure);
	g_hash_table_insert(private->structs, g_strdup(name), structure);
	return structure;
}

Dwarf *hc_module_opened_dwarf(const hc_module *module)
{
	return hc_module_private(module)->dwarf;
}

uint64_t hc_struct_size(const hc_struct *structure)
{
	return structure->size;
}

bool hc_struct_member(const hc_struct *structure, const char *name, hc_member *ret_member)
{
	const hc_member *member = g_hash_table_lookup(structure->members, name);

	if (member)
		*ret_member = *member;
	return member != NULL;
}
