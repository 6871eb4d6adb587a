/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file that holds a module's debug info: the module's own, or a separate one that lies in a
 * debug directory under the build-id or is named by .gnu_debuglink (modules/debug_files.c tells
 * where). Files that are here only, nothing is downloaded: an index of all modules would download
 * them all. A separate file is taken if its build-id is the module's, or if there is none, if its
 * checksum is the one in .gnu_debuglink.
 */
#include "base/file.h"
#include "base/memory.h"
#include "dwarf/dwarf_state.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <gelf.h>

static const char *const section_names[SECTION_COUNT] = { "info", "types", "abbrev", "str", "line_str", "str_offsets" };

/* ---- sections ---- */

Elf_Scn *hc_debug_find_section(Elf *elf, const char *name)
{
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		const char *text = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

		if (!text || header.sh_type == SHT_NOBITS)
			continue;
		if (*text == '.' && (g_str_has_prefix(text, ".debug_") || g_str_has_prefix(text, ".zdebug_")))
			text = strchr(text, '_') + 1;
		if (!strcmp(text, name))
			return section;
	}
	return NULL;
}

void hc_debug_read_sections(Elf *elf, struct section *ret_sections)
{
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		Elf_Scn *section = hc_debug_find_section(elf, section_names[i]);
		const Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;

		if (data && data->d_buf)
			ret_sections[i] = (struct section){ data->d_buf, data->d_size };
	}
}

/* ---- finding the file ---- */

/*
 * libdw uncompresses every section that it knows when it opens a file. What nobody here asks it for (lines, macros, indices) is told to hold
 * nothing: with large debug info that is a sixth of the time.
 */
static void hide_unused(Elf *elf)
{
	static const char *const unused[] = { "line", "aranges", "macro", "macinfo", "pubnames", "pubtypes" };

	for (unsigned i = 0; i < G_N_ELEMENTS(unused); i++) {
		Elf_Scn *section = hc_debug_find_section(elf, unused[i]);
		GElf_Shdr header;

		if (!section || !gelf_getshdr(section, &header))
			continue;
		header.sh_type = SHT_NOBITS;
		gelf_update_shdr(section, &header);
	}
}

Dwarf *hc_debug_begin(Elf *elf)
{
	Dwarf *dwarf;

	hide_unused(elf);
	errno = 0;
	dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!dwarf && errno == ENOMEM)
		hc_memory_end();
	hc_modules_mind_memory(dwarf);
	return dwarf;
}

/* CRC-32 as .gnu_debuglink has it (that of zlib). */
static uint32_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t table[256], sum = 0xffffffff;

	for (unsigned i = 0; i < 256; i++) {
		table[i] = i;
		for (unsigned bit = 0; bit < 8; bit++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xedb88320 : table[i] >> 1;
	}
	for (size_t i = 0; i < size; i++)
		sum = table[(sum ^ bytes[i]) & 0xff] ^ sum >> 8;
	return ~sum;
}

/*
 * Mapped for writing, privately: libelf changes the header of a section that it has uncompressed,
 * and does that in place. The file is opened for reading only: it may belong to somebody else, or
 * be running.
 */
GMappedFile *hc_debug_map(const char *path)
{
	return hc_file_map(path, true, NULL);
}

/*
 * Opens PATH if it is debug info of MODULE. SUM: its checksum if there is no build-id; NULL:
 * unknown.
 */
static bool try_file(struct module_debug *debug, const hc_module *module, const char *path, const uint32_t *sum)
{
	g_autoptr(GMappedFile) mapped = hc_debug_map(path);
	Elf *elf = mapped && g_mapped_file_get_length(mapped) ? hc_modules_open_elf(mapped) : NULL;

	if (!elf)
		return false;
	bool belongs = module->build_id ? hc_modules_has_build_id(elf, module->build_id) :
					  sum && *sum == checksum((const uint8_t *)g_mapped_file_get_contents(mapped),
								 g_mapped_file_get_length(mapped));

	if (!belongs || !hc_debug_find_section(elf, "info")) {
		elf_end(elf);
		return false;
	}
	debug->elf = elf;
	debug->path = g_strdup(path);
	debug->mapped = g_steal_pointer(&mapped);
	return true;
}

static bool try_files(struct module_debug *debug, const hc_module *module, const GPtrArray *paths, const uint32_t *sum)
{
	for (unsigned i = 0; i < paths->len; i++)
		if (try_file(debug, module, paths->pdata[i], sum))
			return true;
	return false;
}

/* By the name in .gnu_debuglink: "/usr/bin/x" names "x.debug". */
static bool find_by_link(const hc_debug_info *info, struct module_debug *debug, const hc_module *module)
{
	Elf *elf = hc_module_elf(module);
	GElf_Word word;
	const char *name = elf ? dwelf_elf_gnu_debuglink(elf, &word) : NULL;
	bool found = false;

	if (name && *name && !strchr(name, '/')) {
		g_autoptr(GPtrArray) paths = hc_modules_debug_paths_by_link(info->modules, module->file, name);
		uint32_t sum = word;

		found = try_files(debug, module, paths, &sum);
	}
	if (elf)
		elf_end(elf);
	return found;
}

/*
 * The module's own file, which was compared with the core: if it has debug info, and is still as it
 * was.
 */
static bool open_own_file(struct module_debug *debug, const hc_module *module)
{
	size_t size = g_mapped_file_get_length(hc_module_mapped(module));
	Elf *elf = hc_module_elf(module);
	bool has_info = elf && hc_debug_find_section(elf, "info");

	if (elf)
		elf_end(elf);
	if (!has_info)
		return false;
	g_autoptr(GMappedFile) mapped = hc_debug_map(module->file);

	if (!mapped || g_mapped_file_get_length(mapped) != size)
		return false;
	debug->elf = hc_modules_open_elf(mapped);
	if (!debug->elf || (module->build_id && !hc_modules_has_build_id(debug->elf, module->build_id))) {
		if (debug->elf)
			elf_end(g_steal_pointer(&debug->elf));
		return false;
	}
	debug->path = g_strdup(module->file);
	debug->mapped = g_steal_pointer(&mapped);
	return true;
}

void hc_debug_find_file(const hc_debug_info *info, struct module_debug *debug)
{
	const hc_module *module = debug->module;
	g_autoptr(GPtrArray) paths = hc_modules_debug_paths_by_id(info->modules, module->build_id);

	if (hc_module_mapped(module) && open_own_file(debug, module))
		return;
	if (!try_files(debug, module, paths, NULL) && hc_module_mapped(module))
		find_by_link(info, debug, module);
}
