/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Variables of libraries that live in the program. A program that was compiled to reach a library's
 * variable directly has room for it in its own data: the dynamic linker copies the initial value
 * there ("copy relocation"), and binds the library to the copy, too. The library's debug info still
 * tells the place that nobody uses any more.
 *
 * The program's relocations of that type name the variables, a handful in most programs.
 */
#include "variables/locations.h"

#include <dwarf.h>
#include <gelf.h>

enum {
	COPIES_MAX = 1 << 16,
};

struct copy {
	char *name;
	hc_address address; /* in the program's data */
};

static void copy_destroy(void *data)
{
	struct copy *copy = data;

	g_free(copy->name);
	g_free(copy);
}

static void add_copy(
	GHashTable *copies, const hc_module *program, Elf *elf, unsigned symbols, const GElf_Rela *relocation)
{
	Elf_Scn *section = elf_getscn(elf, symbols);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	GElf_Shdr header;
	GElf_Sym symbol;
	const char *name;

	if (!data || !gelf_getshdr(section, &header) ||
		!gelf_getsym(data, (int)GELF_R_SYM(relocation->r_info), &symbol) ||
		!(name = elf_strptr(elf, header.sh_link, symbol.st_name)) || !*name)
		return;
	struct copy *copy = g_new0(struct copy, 1);

	copy->name = g_strdup(name);
	copy->address = relocation->r_offset + program->bias;
	g_hash_table_replace(copies, copy->name, copy);
}

static void read_table(GHashTable *copies, const hc_module *program, Elf *elf, Elf_Scn *section, unsigned type)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Shdr header;

	if (!data || !gelf_getshdr(section, &header) || !header.sh_entsize)
		return;
	uint64_t count = MIN(header.sh_size / header.sh_entsize, G_MAXINT);

	for (uint64_t i = 0; i < count && g_hash_table_size(copies) < COPIES_MAX; i++) {
		GElf_Rela relocation = { 0 };
		GElf_Rel without;

		if (header.sh_type == SHT_RELA) {
			if (!gelf_getrela(data, (int)i, &relocation))
				return;
		} else if (gelf_getrel(data, (int)i, &without)) {
			relocation.r_offset = without.r_offset;
			relocation.r_info = without.r_info;
		} else {
			return;
		}
		if (GELF_R_TYPE(relocation.r_info) == type)
			add_copy(copies, program, elf, header.sh_link, &relocation);
	}
}

static GHashTable *find_copies(const hc_variables *variables)
{
	GHashTable *copies = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, copy_destroy);
	const hc_module *program = hc_modules_executable(variables->modules);
	const hc_machine *machine = hc_core_machine(variables->core);
	unsigned type = machine ? machine->relocation_copy : 0;
	Elf *elf = program && type ? hc_module_elf(program) : NULL;

	for (Elf_Scn *section = NULL; elf && (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && (header.sh_type == SHT_RELA || header.sh_type == SHT_REL))
			read_table(copies, program, elf, section, type);
	}
	if (elf)
		elf_end(elf);
	return copies;
}

void hc_variable_follow_copy(hc_variables *variables, const hc_module *module, Dwarf_Die *die, hc_variable *variable)
{
	Dwarf_Attribute attribute;
	hc_symbol symbol;
	uint64_t available;

	if (!variables->copies)
		variables->copies = find_copies(variables);
	if (variable->state != HC_VARIABLE_IN_MEMORY || module == hc_modules_executable(variables->modules) ||
		!g_hash_table_size(variables->copies) || !dwarf_hasattr_integrate(die, DW_AT_external))
		return;
	const char *name = dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ? dwarf_formstring(&attribute) :
										       dwarf_diename(die);
	const struct copy *copy = name ? g_hash_table_lookup(variables->copies, name) : NULL;

	/* A variable of that name that other modules cannot see stays where it is. */
	if (copy && hc_module_symbol(variables->modules, module, name, &symbol) &&
		symbol.address == variable->address && hc_module_defines(variables->modules, module, name) &&
		hc_core_bytes(variables->core, copy->address, &available))
		variable->address = copy->address;
}
