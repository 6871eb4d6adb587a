/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module's data is called, without debug info: by the symbol that it lies in, static ones too, or by its section.
 *
 * Programs are asked for tens of thousands of such names (every slot of a static table), so symbols and sections are sorted once.
 * Symbols that have no size, and such as the linker makes (_edata), say where something begins, not what lies there: they are left
 * out, and so is what does not lie in the module as it was mapped, which is damaged, or of another file.
 */
#include "base/demangle.h"
#include "base/partition.h"
#include "modules/modules_state.h"

#include <inttypes.h>
#include <string.h>

enum {
	NESTED_MAX = 64 /* symbols that begin before an address are tried, from the nearest one backwards */
};

/* A symbol or a section. */
struct named_data {
	hc_address start, end;
	const char *name; /* libdwfl's */
	Elf_Scn *section; /* libelf's; NULL: a symbol */
};

/*
 * By start; of one start the largest first, and of aliases the one that people write last, so that a search backwards meets it
 * first.
 */
static int compare_data(const void *a, const void *b)
{
	const struct named_data *x = a, *y = b;

	if (x->start != y->start)
		return (x->start > y->start) - (x->start < y->start);
	if (x->end != y->end)
		return (x->end < y->end) - (x->end > y->end);
	size_t underscores = strspn(x->name, "_"), others = strspn(y->name, "_");

	return underscores != others ? (underscores < others) - (underscores > others) : strcmp(y->name, x->name);
}

/* Keeps SIZE bytes at ADDRESS, if they lie in MODULE. */
static void add_data(
	GArray *data, const hc_module *module, hc_address address, uint64_t size, const char *name, Elf_Scn *section)
{
	if (!name || !*name || !size || address < module->start || address >= module->end ||
		size > module->end - address)
		return;
	g_array_append_val(data, ((struct named_data){ address, address + size, name, section }));
}

static GArray *load_symbols(const hc_module *module, Dwfl_Module *dwfl_module)
{
	GArray *symbols = g_array_new(FALSE, FALSE, sizeof(struct named_data));
	int count = dwfl_module ? dwfl_module_getsymtab(dwfl_module) : 0;

	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(dwfl_module, i, &symbol, &address, &section, NULL, NULL);
		unsigned type = name ? GELF_ST_TYPE(symbol.st_info) : STT_NOTYPE;

		if (section != SHN_UNDEF && (type == STT_OBJECT || type == STT_COMMON))
			add_data(symbols, module, address, symbol.st_size, name, NULL);
	}
	g_array_sort(symbols, compare_data);
	return symbols;
}

/* The sections that are in memory: their names are libelf's. */
static GArray *load_sections(const hc_module *module, Dwfl_Module *dwfl_module)
{
	GArray *sections = g_array_new(FALSE, FALSE, sizeof(struct named_data));
	GElf_Addr bias;
	Elf *elf = dwfl_module ? dwfl_module_getelf(dwfl_module, &bias) : NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return sections;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_flags & SHF_ALLOC && !(header.sh_flags & SHF_TLS))
			add_data(sections, module, header.sh_addr + bias, header.sh_size,
				elf_strptr(elf, names, header.sh_name), section);
	}
	g_array_sort(sections, compare_data);
	return sections;
}

/* How many of DATA begin at ADDRESS or before. */
static unsigned count_before(const GArray *data, hc_address address)
{
	return HC_PARTITION_POINT(
		middle, 0, data->len, g_array_index(data, struct named_data, middle).start <= address);
}

/* What ADDRESS lies in, of several that which begins last; NULL: nothing is known. */
static const struct named_data *find_data(const GArray *data, hc_address address)
{
	unsigned after = count_before(data, address);

	for (unsigned i = after; i-- > 0 && after - i <= NESTED_MAX;)
		if (g_array_index(data, struct named_data, i).end > address)
			return &g_array_index(data, struct named_data, i);
	return NULL;
}

/* The section that ADDRESS is in; NULL: none is known. */
static const struct named_data *find_section(hc_modules *modules, struct module *module, hc_address address)
{
	if (!module->data_sections)
		module->data_sections = load_sections(&module->public, hc_module_dwfl(modules, module));
	return find_data(module->data_sections, address);
}

bool hc_modules_is_constant(hc_modules *modules, hc_address address, uint64_t value, hc_word_format format)
{
	const hc_module *module = hc_modules_find(modules, address);
	const struct named_data *section = module ? find_section(modules, hc_module_private(module), address) : NULL;
	/* Of a section that has no contents in the file d_buf is NULL. */
	const Elf_Data *data = section ? elf_rawdata(section->section, NULL) : NULL;

	return data && data->d_buf && data->d_size >= format.size &&
	       address - section->start <= data->d_size - format.size &&
	       hc_load_word((const char *)data->d_buf + (address - section->start), format) == value;
}

bool hc_modules_data_name(hc_modules *modules, hc_address address, hc_data_name *ret_name)
{
	const hc_module *module = hc_modules_find(modules, address);
	struct module *private = module ? hc_module_private(module) : NULL;

	if (!private)
		return false;
	hc_data_name name = { .module = module, .start = module->bias, .end = module->end };

	if (!private->data_symbols)
	private->data_symbols = load_symbols(module, hc_module_dwfl(modules, private));
	const struct named_data *symbol = find_data(private->data_symbols, address),
				*section = symbol ? NULL : find_section(modules, private, address),
				*found = symbol ? symbol : section;
	unsigned after = count_before(private->data_symbols, address);

	if (found) {
		name.start = found->start;
		name.end = found->end;
		name.symbol = symbol ? symbol->name : NULL;
		name.section = section ? section->name : NULL;
	}
	if (after < private->data_symbols->len)
		name.end = MIN(name.end, g_array_index(private->data_symbols, struct named_data, after).start);
	*ret_name = name;
	return true;
}

char *hc_variable_name(const char *symbol)
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
		return hc_variable_name(name->symbol);
	return g_strdup_printf("%s%s%s+%#" PRIx64, name->module->name, name->section ? " " : "",
		name->section ? name->section : "", address - name->start);
}
