/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Symbols of one module, through libdwfl, which also tells where its debug info is. One Dwfl for
 * each module that is asked about, made at the first question, so that a core with hundreds of
 * libraries opens none of them but libc.
 *
 * libdwfl looks for separate debug info (beside the file, by build-id in the debug directories, by
 * .gnu_debuglink, and from debuginfod if DEBUGINFOD_URLS is set) and takes it only if it belongs to
 * the file.
 */
#include "base/memory.h"
#include "modules/modules_state.h"

#include <errno.h>
#include <gelf.h>

enum {
	KNOWN_SYMBOLS_MAX = 1 << 16,
	EXPANSION_MAX = 1032 /* times that zlib makes anything smaller, at best: its technical details */
};

/* The debug file of a module whose own file is not here: by build-id, in the same directories. */
char *hc_module_debug_file_by_id(const hc_modules *modules, const struct module *module)
{
	g_autoptr(GPtrArray) paths = hc_modules_debug_paths_by_id(modules, module->build_id);

	for (unsigned i = 0; i < paths->len; i++)
		if (g_file_test(paths->pdata[i], G_FILE_TEST_IS_REGULAR))
			return g_strdup(paths->pdata[i]);
	return NULL;
}

Dwfl_Module *hc_module_dwfl(hc_modules *modules, struct module *module)
{
	g_autofree char *file = NULL;

	if (module->dwfl_tried)
		return module->dwfl_module;
	module->dwfl_tried = true;
	file = module->mapped ? g_strdup(module->file) : hc_module_debug_file_by_id(modules, module);
	if (!file)
		return NULL;
	module->dwfl = dwfl_begin(&modules->callbacks);
	if (!module->dwfl)
		hc_memory_end();
	dwfl_report_begin(module->dwfl);
	errno = 0;
	module->dwfl_module = dwfl_report_elf(module->dwfl, module->name, file, -1, module->public.bias, true);
	if (!module->dwfl_module)
		hc_memory_end_if_out(errno);
	dwfl_report_end(module->dwfl, NULL, NULL);
	return module->dwfl_module;
}

/* As dwfl_module_getsymtab(). */
static int count_symbols(Dwfl_Module *dwfl_module)
{
	int count;

	errno = 0;
	count = dwfl_module_getsymtab(dwfl_module);
	if (count <= 0)
		hc_memory_end_if_out(errno);
	return count;
}

Dwarf *hc_modules_dwarf(Dwfl_Module *dwfl_module, Dwarf_Addr *ret_bias)
{
	Dwarf *dwarf;

	errno = 0;
	dwarf = dwfl_module_getdwarf(dwfl_module, ret_bias);
	if (!dwarf)
		hc_memory_end_if_out(errno);
	hc_modules_mind_memory(dwarf);
	return dwarf;
}

/* ---- symbols ---- */

static void load_symbols(hc_modules *modules, struct module *module)
{
	Dwfl_Module *dwfl_module = hc_module_dwfl(modules, module);
	int count;

	module->symbols = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	if (!dwfl_module || (count = count_symbols(dwfl_module)) <= 0)
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
	Elf *elf = hc_module_elf(module);
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
	Dwfl_Module *dwfl_module = module ? hc_module_dwfl(modules, hc_module_private(module)) : NULL;
	struct known_symbol *known = g_new0(struct known_symbol, 1);
	GElf_Off offset = 0;
	GElf_Sym symbol;

	known->address = address;
	if (dwfl_module)
		known->name = dwfl_module_addrinfo(dwfl_module, address, &offset, &symbol, NULL, NULL, NULL);
	known->offset = offset;
	return known;
}

/*
 * libdwfl compares with every symbol of the module, but the same few places are asked for again and
 * again.
 */
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

bool hc_modules_name(hc_modules *modules, hc_address address, hc_address_name *ret_name)
{
	const hc_module *module = hc_modules_find(modules, address);

	if (!module)
		return false;
	*ret_name = (hc_address_name){ .module = module, .offset = address - module->bias };
	ret_name->symbol = hc_modules_symbol_at(modules, address, &ret_name->offset);
	return true;
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
	Dwfl_Module *dwfl_module = hc_module_dwfl(modules, module);
	int count = dwfl_module ? count_symbols(dwfl_module) : 0;

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

/* ---- where debug info is ---- */

void hc_module_note_debug_file(hc_modules *modules, const hc_module *module, const char *path)
{
	struct module *private = hc_module_private(module);
	char *noted = g_strdup(path);

	(void)modules;
	private->debug_noted = true;
	g_free(private->noted_file);
	private->noted_file = noted;
}

/* libdw has uncompressed all sections that it reads, and does without those for which there was no memory, as if they were not there. */
static void end_if_compressed(Elf *elf)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		GElf_Chdr compression;

		if (gelf_getshdr(section, &header) && header.sh_flags & SHF_COMPRESSED &&
			gelf_getchdr(section, &compression) && compression.ch_size &&
			compression.ch_size / EXPANSION_MAX <= header.sh_size)
			hc_memory_end_without(compression.ch_size);
	}
}

void hc_modules_mind_memory(Dwarf *dwarf)
{
	if (!dwarf)
		return;
	dwarf_new_oom_handler(dwarf, hc_memory_end);
	end_if_compressed(dwarf_getelf(dwarf));
}

const char *hc_module_debug_file(hc_modules *modules, const hc_module *module)
{
	struct module *private = hc_module_private(module);
	const char *main_file = NULL, *debug_file = NULL;
	Dwfl_Module *dwfl_module;
	Dwarf *dwarf;
	Dwarf_Addr bias;

	if (private->debug_tried)
		return private->debug_file;
	private->debug_tried = true;
	/*
	 * To open it takes seconds for a large one that is compressed: not for its name alone, and
	 * not a second time.
	 */
	if (private->noted_file)
		return private->debug_file = private->noted_file;
	if (private->one_unit)
		return private->debug_file = private->one_unit->path;
	/* It was looked for wherever it may be here, and libdwfl would look for a server first. */
	if (private->debug_noted && !private->structs)
		return NULL;
	if (!private->structs && !private->debug_noted &&
		(private->separate_file = hc_module_debug_file_by_id(modules, private)))
		return private->debug_file = private->separate_file;
	dwfl_module = hc_module_dwfl(modules, private);
	dwarf = dwfl_module ? hc_modules_dwarf(dwfl_module, &bias) : NULL;
	if (dwarf) {
		dwfl_module_info(dwfl_module, NULL, NULL, NULL, NULL, NULL, &main_file, &debug_file);
		private->debug_file = debug_file ? debug_file : main_file;
	}
	return private->debug_file;
}
