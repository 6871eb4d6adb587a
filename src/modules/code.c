/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a file says of its code: executable bytes, where functions begin, which word stands for which function of another module, names.
 *
 * Functions begin where .eh_frame_hdr has an entry (Linux Standard Base, "Exception Frames"): stripped programs have it, too, as it is what
 * exceptions and backtraces need. It is a sorted table, so nothing else is read. Only where there is none do the symbols tell.
 */
#include "base/memory.h"
#include "modules/modules_state.h"

#include <gelf.h>
#include <string.h>

enum {
	STARTS_MOST = 1 << 24,
	SYMBOLS_MOST = 1 << 24,
	/* .eh_frame_hdr: */
	HEADER_SIZE = 12,      /* version, three encodings, the address of .eh_frame, the number of entries */
	ENTRY_SIZE = 8,	       /* where a function begins, where its description is */
	ENCODING_COUNT = 0x03, /* DW_EH_PE_udata4 */
	ENCODING_TABLE = 0x3b, /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
};

/* The offset of ADDRESS, as the file has it; FALSE if that is not in the module, or beyond its first 4 GiB. */
static bool to_offset(const hc_module *module, uint64_t address, uint32_t *ret_offset)
{
	uint64_t offset = address + module->bias - module->start;

	*ret_offset = (uint32_t)offset;
	return offset < module->end - module->start && offset <= UINT32_MAX;
}

static bool in_code(const hc_module_code *code, uint32_t offset)
{
	for (unsigned i = 0; i < code->segments->len; i++) {
		const hc_code_segment *segment = &g_array_index(code->segments, hc_code_segment, i);

		if (offset >= segment->start && offset < segment->end)
			return true;
	}
	return false;
}

static int compare_offsets(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int compare_functions(const void *a, const void *b)
{
	const hc_code_function *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->is_exported != y->is_exported ? (x->is_exported ? -1 : 1) : 0;
}

static void add_segments(const hc_modules *modules, hc_module_code *code)
{
	const hc_module *module = code->module;
	GMappedFile *mapped = hc_module_mapped(module);
	const uint8_t *bytes = (const uint8_t *)g_mapped_file_get_contents(mapped);
	uint64_t size = g_mapped_file_get_length(mapped);

	for (unsigned i = 0; i < hc_module_segment_count(modules, module); i++) {
		const hc_module_segment *segment = hc_module_segment_get(modules, module, i);

		if (segment->type != PT_LOAD || !(segment->flags & PF_X) || segment->start < module->start ||
			segment->file_end > module->end || segment->file_end <= segment->start ||
			segment->file_end - module->start > UINT32_MAX ||
			segment->offset > size || segment->file_end - segment->start > size - segment->offset)
			continue;
		hc_code_segment one = {
			.start = (uint32_t)(segment->start - module->start),
			.end = (uint32_t)(segment->file_end - module->start),
			.bytes = bytes + segment->offset,
		};
		/* In order, and disjoint, in any file that is loaded. */
		if (!code->segments->len ||
			g_array_index(code->segments, hc_code_segment, code->segments->len - 1).end <= one.start)
			g_array_append_val(code->segments, one);
	}
}

/* ---- where functions begin ---- */

static uint32_t read_word(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof value);
	return value;
}

static void add_frame_starts(hc_module_code *code)
{
	GElf_Shdr header;
	Elf_Scn *section = hc_modules_find_section(code->elf, ".eh_frame_hdr");
	Elf_Data *data = section && gelf_getshdr(section, &header) ? elf_rawdata(section, NULL) : NULL;
	const uint8_t *bytes = data ? data->d_buf : NULL;

	if (!bytes || data->d_size < HEADER_SIZE || bytes[0] != 1 || bytes[2] != ENCODING_COUNT ||
		bytes[3] != ENCODING_TABLE)
		return;
	uint64_t count = MIN(read_word(bytes + 8), (data->d_size - HEADER_SIZE) / ENTRY_SIZE);

	for (uint64_t i = 0; i < MIN(count, STARTS_MOST); i++) {
		int32_t distance = (int32_t)read_word(bytes + HEADER_SIZE + i * ENTRY_SIZE);
		uint32_t offset;

		if (to_offset(code->module, header.sh_addr + (uint64_t)(int64_t)distance, &offset) &&
			in_code(code, offset))
			g_array_append_val(code->starts, offset);
	}
}

static void add_symbol_starts(hc_module_code *code)
{
	for (unsigned i = 0; i < code->functions->len; i++)
		g_array_append_val(code->starts, g_array_index(code->functions, hc_code_function, i).start);
}

static void sort_starts(GArray *starts)
{
	unsigned kept = 0;

	g_array_sort(starts, compare_offsets);
	for (unsigned i = 0; i < starts->len; i++) {
		uint32_t start = g_array_index(starts, uint32_t, i);

		if (!kept || g_array_index(starts, uint32_t, kept - 1) != start)
			g_array_index(starts, uint32_t, kept++) = start;
	}
	g_array_set_size(starts, kept);
}

/* ---- names ---- */

static void add_function(
	hc_module_code *code, const GElf_Sym *symbol, uint64_t address, const char *name, bool exported)
{
	hc_code_function function = { .is_exported = exported, .name = name };
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	if (name && *name && symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC) &&
		to_offset(code->module, address, &function.start) && in_code(code, function.start))
		g_array_append_val(code->functions, function);
}

/* What other modules may call. */
static void add_exported(hc_module_code *code)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(code->elf, section));) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM || !header.sh_entsize ||
			!(data = elf_getdata(section, NULL)))
			continue;
		for (uint64_t i = 0; i < MIN(data->d_size / header.sh_entsize, SYMBOLS_MOST); i++) {
			GElf_Sym symbol;

			if (gelf_getsym(data, (int)i, &symbol) && GELF_ST_BIND(symbol.st_info) != STB_LOCAL)
				add_function(code, &symbol, symbol.st_value,
					elf_strptr(code->elf, header.sh_link, symbol.st_name), true);
		}
	}
}

/* All others, also those of a file with debug info. */
static void add_local(hc_modules *modules, hc_module_code *code)
{
	Dwfl_Module *dwfl_module = hc_module_dwfl(modules, hc_module_private(code->module));
	int count = dwfl_module ? dwfl_module_getsymtab(dwfl_module) : 0;

	for (int i = 0; i < MIN(count, SYMBOLS_MOST); i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		const char *name = dwfl_module_getsym_info(dwfl_module, i, &symbol, &address, NULL, NULL, NULL);

		add_function(code, &symbol, address - code->module->bias, name, false);
	}
}

/* ---- words for other modules' functions ---- */

static void add_relocations(hc_module_code *code, Elf_Data *data, const GElf_Shdr *header)
{
	GElf_Shdr table;
	Elf_Scn *section = elf_getscn(code->elf, header->sh_link);
	Elf_Data *symbols = section && gelf_getshdr(section, &table) ? elf_getdata(section, NULL) : NULL;

	if (!symbols || !header->sh_entsize)
		return;
	for (uint64_t i = 0; i < MIN(data->d_size / header->sh_entsize, SYMBOLS_MOST); i++) {
		GElf_Rela relocation;
		GElf_Sym symbol;
		hc_code_import import;

		if (!gelf_getrela(data, (int)i, &relocation) || !GELF_R_SYM(relocation.r_info) ||
			!gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol) || relocation.r_addend ||
			!to_offset(code->module, relocation.r_offset, &import.slot))
			continue;
		import.name = elf_strptr(code->elf, table.sh_link, symbol.st_name);
		if (import.name && *import.name)
			g_array_append_val(code->imports, import);
	}
}

static void add_imports(hc_module_code *code)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(code->elf, section));) {
		GElf_Shdr header;
		Elf_Data *data;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA && header.sh_flags & SHF_ALLOC &&
			(data = elf_getdata(section, NULL)))
			add_relocations(code, data, &header);
	}
	g_array_sort(code->imports, compare_offsets); /* the slot comes first */
}

/* ---- all of it ---- */

hc_module_code *hc_module_code_open(hc_modules *modules, const hc_module *module)
{
	hc_module_code *code;

	if (module->is_vdso || !hc_module_mapped(module) || module->end - module->start > UINT32_MAX)
		return NULL;
	code = g_new0(hc_module_code, 1);
	code->module = module;
	code->elf = hc_module_elf(module);
	code->segments = g_array_new(FALSE, FALSE, sizeof(hc_code_segment));
	code->starts = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	code->imports = g_array_new(FALSE, FALSE, sizeof(hc_code_import));
	code->functions = g_array_new(FALSE, FALSE, sizeof(hc_code_function));
	if (code->elf) {
		add_segments(modules, code);
		add_exported(code);
		add_local(modules, code);
		g_array_sort(code->functions, compare_functions);
		add_frame_starts(code);
		if (!code->starts->len)
			add_symbol_starts(code);
		sort_starts(code->starts);
		add_imports(code);
	}
	if (!code->starts->len) {
		hc_module_code_close(code);
		return NULL;
	}
	return code;
}

void hc_module_code_close(hc_module_code *code)
{
	if (!code)
		return;
	g_array_unref(code->segments);
	g_array_unref(code->starts);
	g_array_unref(code->imports);
	g_array_unref(code->functions);
	elf_end(code->elf);
	g_free(code);
}
