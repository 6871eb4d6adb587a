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

/* The section of DWFL_MODULE's file that ADDRESS is in; *RET_START: its address. NULL: it is not known. */
static Elf_Scn *find_section(Dwfl_Module *dwfl_module, hc_address address, GElf_Shdr *ret_header, hc_address *ret_start)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module ? dwfl_module_getelf(dwfl_module, &bias) : NULL;

	if (!elf)
		return NULL;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr *header = gelf_getshdr(section, ret_header);

		if (!header || !(header->sh_flags & SHF_ALLOC) || header->sh_flags & SHF_TLS ||
			address - bias - header->sh_addr >= header->sh_size)
			continue;
		*ret_start = header->sh_addr + bias;
		return section;
	}
	return NULL;
}

static void name_section(Dwfl_Module *dwfl_module, hc_address address, hc_data_name *name)
{
	GElf_Addr bias;
	GElf_Shdr header;
	hc_address start;
	size_t names;

	if (!find_section(dwfl_module, address, &header, &start) ||
		elf_getshdrstrndx(dwfl_module_getelf(dwfl_module, &bias), &names))
		return;
	name->section = elf_strptr(dwfl_module_getelf(dwfl_module, &bias), names, header.sh_name);
	name->start = start;
	name->end = start + header.sh_size;
}

bool hc_modules_is_constant(hc_modules *modules, hc_address address, uint64_t value, hc_word_format format)
{
	const hc_module *module = hc_modules_find(modules, address);
	struct module *private = module ? hc_module_private(module) : NULL;
	Dwfl_Module *dwfl_module = private ? hc_module_dwfl(modules, private) : NULL;
	GElf_Shdr header;
	hc_address start;
	Elf_Scn *section = find_section(dwfl_module, address, &header, &start);
	const Elf_Data *data = section && header.sh_type != SHT_NOBITS ? elf_rawdata(section, NULL) : NULL;

	return data && data->d_buf && data->d_size >= format.size && address - start <= data->d_size - format.size &&
	       hc_load_word((const char *)data->d_buf + (address - start), format) == value;
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
		name_section(dwfl_module, address, &name);
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
