/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module's data is called, without debug info: by the symbol that it lies in, static ones too, or by its section.
 *
 * Programs are asked for tens of thousands of such names (every slot of a static table), so the symbols are sorted once. Symbols that
 * have no size, and such as the linker makes (_edata), say where something begins, not what lies there: they are left out.
 */
#include "base/demangle.h"
#include "base/partition.h"
#include "modules/modules_state.h"

#include <string.h>

enum {
	NESTED_MAX = 64 /* symbols that begin before an address are tried, from the nearest one backwards */
};

struct data_symbol {
	hc_address start, end;
	const char *name; /* libdwfl's */
};

/* By start; of one start the largest first, and of aliases the one that people write last, so that a search backwards meets it first. */
static int compare_symbols(const void *a, const void *b)
{
	const struct data_symbol *x = a, *y = b;

	if (x->start != y->start)
		return (x->start > y->start) - (x->start < y->start);
	if (x->end != y->end)
		return (x->end < y->end) - (x->end > y->end);
	size_t underscores = strspn(x->name, "_"), others = strspn(y->name, "_");

	return underscores != others ? (underscores < others) - (underscores > others) : strcmp(y->name, x->name);
}

static GArray *load_symbols(Dwfl_Module *dwfl_module)
{
	GArray *symbols = g_array_new(FALSE, FALSE, sizeof(struct data_symbol));
	int count = dwfl_module ? dwfl_module_getsymtab(dwfl_module) : 0;

	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(dwfl_module, i, &symbol, &address, &section, NULL, NULL);
		unsigned type = GELF_ST_TYPE(symbol.st_info);

		if (!name || !*name || section == SHN_UNDEF || (type != STT_OBJECT && type != STT_COMMON) ||
			!symbol.st_size || address + symbol.st_size < address)
			continue;
		g_array_append_val(
			symbols, ((struct data_symbol){ address, address + symbol.st_size, name }));
	}
	g_array_sort(symbols, compare_symbols);
	return symbols;
}

static bool find_symbol(const GArray *symbols, hc_address address, hc_data_name *name)
{
	unsigned after = HC_PARTITION_POINT(
		middle, 0, symbols->len, g_array_index(symbols, struct data_symbol, middle).start <= address);

	for (unsigned i = after; i-- > 0 && after - i <= NESTED_MAX;) {
		const struct data_symbol *symbol = &g_array_index(symbols, struct data_symbol, i);

		if (symbol->end <= address)
			continue;
		name->symbol = symbol->name;
		name->start = symbol->start;
		name->end = symbol->end;
		return true;
	}
	return false;
}

/* The section of MODULE's file that ADDRESS is in: its name is libelf's. */
static void find_section(Dwfl_Module *dwfl_module, hc_address address, hc_data_name *name)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module ? dwfl_module_getelf(dwfl_module, &bias) : NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) ||
			header.sh_flags & SHF_TLS || address - bias - header.sh_addr >= header.sh_size)
			continue;
		name->section = elf_strptr(elf, names, header.sh_name);
		name->start = header.sh_addr + bias;
		name->end = name->start + header.sh_size;
		return;
	}
}

bool hc_modules_data_name(hc_modules *modules, hc_address address, hc_data_name *ret_name)
{
	const hc_module *module = hc_modules_find(modules, address);
	struct module *private = module ? hc_module_private(module) : NULL;

	if (!private)
		return false;
	Dwfl_Module *dwfl_module = hc_module_dwfl(modules, private);
	hc_data_name name = { .module = module, .start = module->bias, .end = address + 1 };

	if (!private->data_symbols)
		private->data_symbols = load_symbols(dwfl_module);
	if (!find_symbol(private->data_symbols, address, &name))
		find_section(dwfl_module, address, &name);
	*ret_name = name;
	return true;
}

/* Without "[abi:cxx11]", and an unnamed namespace's: as people, and DWARF, name variables. */
static char *plain_name(const char *symbol)
{
	static const char unnamed[] = "(anonymous namespace)::";
	g_autofree char *demangled = hc_demangle(symbol);
	GString *name = g_string_new(demangled ? demangled : symbol);
	const char *tag, *end;

	if (g_str_has_prefix(name->str, unnamed))
		g_string_erase(name, 0, sizeof unnamed - 1);

	while ((tag = strstr(name->str, "[abi:")) && (end = strchr(tag, ']')))
		g_string_erase(name, tag - name->str, end + 1 - tag);
	return g_string_free(name, FALSE);
}

char *hc_data_name_text(const hc_data_name *name, hc_address address)
{
	if (name->symbol)
		return plain_name(name->symbol);
	return g_strdup_printf("%s%s%s+%#" G_GINT64_MODIFIER "x", name->module->name, name->section ? " " : "",
		name->section ? name->section : "", address - name->start);
}
