/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Symbols and structures of one module, through libdwfl. One Dwfl for each module that is asked about, made at the first
 * question, so that a core with hundreds of libraries opens none of them but libc.
 *
 * libdwfl looks for separate debug info (beside the file, by build-id in the debug directories, by .gnu_debuglink, and from
 * debuginfod if DEBUGINFOD_URLS is set) and takes it only if it belongs to the file.
 */
#include "debuginfo/index.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

enum {
	KNOWN_SYMBOLS_MAX = 1 << 16
};

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

void hc_module_release_dwfl(struct module *module)
{
	g_clear_pointer(&module->symbols, g_hash_table_unref);
	g_clear_pointer(&module->tls_symbols, g_array_unref);
	g_clear_pointer(&module->data_symbols, g_array_unref);
	g_clear_pointer(&module->structs, g_hash_table_unref);
	g_clear_pointer(&module->dwfl, dwfl_end);
}

/* The debug file of a module whose own file is not here: by build-id, in the same directories. */
static char *find_by_build_id(const hc_modules *modules, const struct module *module)
{
	g_auto(GStrv) directories = g_strsplit(modules->debug_path, ":", -1);

	if (!module->build_id || strlen(module->build_id) < 4)
		return NULL;
	for (unsigned i = 0; directories[i]; i++) {
		g_autofree char *path = g_strdup_printf(
			"%s/.build-id/%.2s/%s.debug", directories[i], module->build_id, module->build_id + 2);

		if (g_path_is_absolute(path) && g_file_test(path, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&path);
	}
	return NULL;
}

Dwfl_Module *hc_module_open_dwfl(hc_modules *modules, struct module *module)
{
	g_autofree char *file = NULL;

	if (module->dwfl_tried)
		return module->dwfl_module;
	module->dwfl_tried = true;
	file = module->mapped ? g_strdup(module->file) : find_by_build_id(modules, module);
	if (!file)
		return NULL;
	module->dwfl = dwfl_begin(&modules->callbacks);
	if (!module->dwfl)
		return NULL;
	dwfl_report_begin(module->dwfl);
	module->dwfl_module = dwfl_report_elf(module->dwfl, module->name, file, -1, module->public.bias, true);
	dwfl_report_end(module->dwfl, NULL, NULL);
	return module->dwfl_module;
}

/* ---- symbols ---- */

static void load_symbols(hc_modules *modules, struct module *module)
{
	Dwfl_Module *dwfl_module = hc_module_open_dwfl(modules, module);
	int count;

	module->symbols = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	if (!dwfl_module || (count = dwfl_module_getsymtab(dwfl_module)) <= 0)
		return;
	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(dwfl_module, i, &symbol, &address, &section, NULL, NULL);
		int type = GELF_ST_TYPE(symbol.st_info);

		if (!name || !*name || section == SHN_UNDEF ||
			(type != STT_OBJECT && type != STT_FUNC && type != STT_TLS && type != STT_GNU_IFUNC &&
				type != STT_NOTYPE) ||
			g_hash_table_contains(module->symbols, name))
			continue;
		hc_symbol *entry = g_new0(hc_symbol, 1);

		entry->is_tls = type == STT_TLS;
		entry->address = entry->is_tls ? symbol.st_value : address;
		entry->size = symbol.st_size;
		g_hash_table_insert(module->symbols, (char *)name, entry);
	}
}

bool hc_module_symbol(hc_modules *modules, const hc_module *module, const char *name, hc_symbol *ret_symbol)
{
	struct module *private = hc_module_private(module);

	if (!private->symbols)
		load_symbols(modules, private);
	const hc_symbol *symbol = g_hash_table_lookup(private->symbols, name);

	if (symbol)
		*ret_symbol = *symbol;
	return symbol != NULL;
}

/* Whether the table of type TYPE (SHT_DYNSYM, SHT_SYMTAB) in ELF defines NAME. */
static bool table_defines(Elf *elf, unsigned type, const char *name)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != type || !header.sh_entsize ||
			!(data = elf_getdata(section, NULL)))
			continue;
		for (uint64_t i = 0; i < MIN(header.sh_size / header.sh_entsize, G_MAXINT); i++) {
			GElf_Sym symbol;
			const char *text;

			if (gelf_getsym(data, i, &symbol) && symbol.st_shndx != SHN_UNDEF &&
				(text = elf_strptr(elf, header.sh_link, symbol.st_name)) && !strcmp(text, name))
				return true;
		}
	}
	return false;
}

bool hc_module_defines(hc_modules *modules, const hc_module *module, const char *name)
{
	struct module *private = hc_module_private(module);

	(void)modules;
	if (!private->mapped)
		return false;
	Elf *elf = elf_memory(g_mapped_file_get_contents(private->mapped), g_mapped_file_get_length(private->mapped));
	bool defines = elf && (table_defines(elf, SHT_DYNSYM, name) ||
				      (!private->dynamic && table_defines(elf, SHT_SYMTAB, name)));

	if (elf)
		elf_end(elf);
	return defines;
}

struct known_symbol {
	guint64 address;
	const char *name; /* libdwfl's; NULL: none */
	uint64_t offset;
};

static struct known_symbol *look_up_symbol(hc_modules *modules, hc_address address)
{
	const hc_module *module = hc_modules_find(modules, address);
	Dwfl_Module *dwfl_module = module ? hc_module_open_dwfl(modules, hc_module_private(module)) : NULL;
	struct known_symbol *known = g_new0(struct known_symbol, 1);
	GElf_Off offset = 0;
	GElf_Sym symbol;

	known->address = address;
	if (dwfl_module)
		known->name = dwfl_module_addrinfo(dwfl_module, address, &offset, &symbol, NULL, NULL, NULL);
	known->offset = offset;
	return known;
}

/* libdwfl compares with every symbol of the module, but the same few places are asked for again and again. */
const char *hc_modules_symbol_at(hc_modules *modules, hc_address address, uint64_t *ret_offset)
{
	guint64 key = address;

	if (!modules->known_symbols)
		modules->known_symbols = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	struct known_symbol *known = g_hash_table_lookup(modules->known_symbols, &key);

	if (!known) {
		if (g_hash_table_size(modules->known_symbols) >= KNOWN_SYMBOLS_MAX)
			g_hash_table_remove_all(modules->known_symbols);
		known = look_up_symbol(modules, address);
		g_hash_table_insert(modules->known_symbols, &known->address, known);
	}
	if (known->name)
		*ret_offset = known->offset;
	return known->name;
}

char *hc_modules_describe(hc_modules *modules, hc_address address)
{
	const hc_module *module = hc_modules_find(modules, address);
	uint64_t offset;

	if (!module)
		return NULL;
	const char *name = hc_modules_symbol_at(modules, address, &offset);

	if (!name)
		return g_strdup_printf("%s+%#" G_GINT64_MODIFIER "x", module->name, address - module->bias);
	if (!offset)
		return g_strdup_printf("%s in %s", name, module->name);
	return g_strdup_printf("%s+%#" G_GINT64_MODIFIER "x in %s", name, (guint64)offset, module->name);
}

/* ---- thread-local symbols ---- */

struct tls_symbol {
	uint64_t offset, size;
	const char *name; /* libdwfl's */
};

static int compare_tls_symbols(const void *a, const void *b)
{
	const struct tls_symbol *x = a, *y = b;

	if (x->offset != y->offset)
		return (x->offset > y->offset) - (x->offset < y->offset);
	return (x->size > y->size) - (x->size < y->size);
}

static void load_tls_symbols(hc_modules *modules, struct module *module)
{
	Dwfl_Module *dwfl_module = hc_module_open_dwfl(modules, module);
	int count = dwfl_module ? dwfl_module_getsymtab(dwfl_module) : 0;

	module->tls_symbols = g_array_new(FALSE, FALSE, sizeof(struct tls_symbol));
	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(dwfl_module, i, &symbol, &address, &section, NULL, NULL);

		if (!name || !*name || section == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_TLS)
			continue;
		struct tls_symbol entry = { symbol.st_value, symbol.st_size, name };

		g_array_append_val(module->tls_symbols, entry);
	}
	g_array_sort(module->tls_symbols, compare_tls_symbols);
}

const char *hc_module_tls_symbol_at(hc_modules *modules, const hc_module *module, uint64_t offset, uint64_t *ret_offset)
{
	struct module *private = hc_module_private(module);
	const struct tls_symbol *found = NULL;

	if (!private->tls_symbols)
		load_tls_symbols(modules, private);
	for (unsigned i = 0; i < private->tls_symbols->len; i++) {
		const struct tls_symbol *symbol = &g_array_index(private->tls_symbols, struct tls_symbol, i);

		if (symbol->offset <= offset && offset - symbol->offset < MAX(symbol->size, 1))
			found = symbol;
	}
	if (!found)
		return NULL;
	*ret_offset = offset - found->offset;
	return found->name;
}

/* ---- structures ---- */

static Dwarf *open_dwarf(hc_modules *modules, struct module *module, Dwarf_Addr *bias)
{
	Dwfl_Module *dwfl_module = hc_module_open_dwfl(modules, module);

	return dwfl_module ? dwfl_module_getdwarf(dwfl_module, bias) : NULL;
}

const char *hc_module_debug_file(hc_modules *modules, const hc_module *module)
{
	struct module *private = hc_module_private(module);
	const char *main_file = NULL, *debug_file = NULL;
	Dwarf_Addr bias;

	if (private->debug_tried)
		return private->debug_file;
	private->debug_tried = true;
	/* To open it takes seconds for a large one that is compressed: not for its name alone, and not a second time. */
	if (private->debug && private->debug->path)
		return private->debug_file = private->debug->path;
	if (!private->structs && !private->debug && (private->separate_file = find_by_build_id(modules, private)))
		return private->debug_file = private->separate_file;
	if (open_dwarf(modules, private, &bias)) {
		dwfl_module_info(private->dwfl_module, NULL, NULL, NULL, NULL, NULL, &main_file, &debug_file);
		private->debug_file = debug_file ? debug_file : main_file;
	}
	return private->debug_file;
}

/* The unit that ADDRESS is in; where .debug_aranges does not tell, the first unit whose name ends in "malloc.c"-like NAME. */
static bool find_unit(hc_modules *modules, struct module *module, const char *function, Dwarf_Die *ret_unit)
{
	hc_symbol symbol;
	Dwarf_Addr bias;
	Dwarf *dwarf = open_dwarf(modules, module, &bias);

	if (!dwarf || !hc_module_symbol(modules, &module->public, function, &symbol) || symbol.is_tls)
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
