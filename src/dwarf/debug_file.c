/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file that holds a module's debug info: the module's own, or a separate one that lies in a debug directory under the build-id
 * or is named by .gnu_debuglink. Files that are here only, nothing is downloaded: an index of all modules would download them all.
 * A separate file is taken if its build-id is the module's, or if there is none, if its checksum is the one in .gnu_debuglink.
 */
#include "dwarf/dwarf.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

static const char *const section_names[SECTION_COUNT] = { "info", "types", "abbrev", "str", "line_str", "str_offsets" };

bool hc_module_is_runtime(const struct module *module)
{
	static const char *const names[] = { "ld-linux", "ld", "ld64", "libc", "libc++", "libc++abi", "libdl",
		"libgcc_s", "libm", "libmvec", "libpthread", "libresolv", "librt", "libstdc++", "libthread_db",
		"libutil" };
	const char *name = module->name;

	if (g_str_has_prefix(name, "ld-linux") || g_str_has_prefix(name, "libnss_"))
		return true;
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t length = strlen(names[i]);
		const char *rest = name + length;

		/* "libc.so.6", "libc-2.31.so" */
		if (!strncmp(name, names[i], length) &&
			(g_str_has_prefix(rest, ".so") || (*rest == '-' && g_ascii_isdigit(rest[1]))))
			return true;
	}
	return false;
}

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

Elf *hc_debug_open_elf(GMappedFile *mapped)
{
	return elf_memory(g_mapped_file_get_contents(mapped), g_mapped_file_get_length(mapped));
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

static bool has_build_id(Elf *elf, const char *build_id)
{
	const void *bytes = NULL;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);

	if (size <= 0 || strlen(build_id) != (size_t)size * 2)
		return false;
	for (ssize_t i = 0; i < size; i++)
		if (g_ascii_xdigit_value(build_id[2 * i]) * 16 + g_ascii_xdigit_value(build_id[2 * i + 1]) !=
			((const uint8_t *)bytes)[i])
			return false;
	return true;
}

/*
 * Mapped for writing, privately: libelf changes the header of a section that it has uncompressed, and does that in place. The file is opened for
 * reading only: it may belong to somebody else, or be running.
 */
GMappedFile *hc_debug_map(const char *path)
{
	int file = g_file_test(path, G_FILE_TEST_IS_REGULAR) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	GMappedFile *mapped = file >= 0 ? g_mapped_file_new_from_fd(file, TRUE, NULL) : NULL;

	if (file >= 0)
		close(file);
	return mapped;
}

/* Opens PATH if it is debug info of MODULE. SUM: its checksum if there is no build-id; NULL: unknown. */
static bool try_file(struct module_debug *debug, const struct module *module, const char *path, const uint32_t *sum)
{
	g_autoptr(GMappedFile) mapped = hc_debug_map(path);
	Elf *elf = mapped && g_mapped_file_get_length(mapped) ? hc_debug_open_elf(mapped) : NULL;

	if (!elf)
		return false;
	bool belongs = module->build_id ? has_build_id(elf, module->build_id) :
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

static bool find_by_build_id(struct module_debug *debug, const struct module *module, char **directories)
{
	if (!module->build_id || strlen(module->build_id) < 4)
		return false;
	for (unsigned i = 0; directories[i]; i++) {
		g_autofree char *path = g_strdup_printf(
			"%s/.build-id/%.2s/%s.debug", directories[i], module->build_id, module->build_id + 2);

		if (g_path_is_absolute(path) && try_file(debug, module, path, NULL))
			return true;
	}
	return false;
}

/* "/usr/bin/x" names "x.debug": looked for in /usr/bin, /usr/bin/.debug, and /usr/lib/debug/usr/bin. */
static bool find_by_link(struct module_debug *debug, const struct module *module, char **directories)
{
	Elf *elf = hc_debug_open_elf(module->mapped);
	GElf_Word word;
	const char *name = elf ? dwelf_elf_gnu_debuglink(elf, &word) : NULL;
	g_autofree char *folder = g_path_get_dirname(module->file);
	bool found = false;

	if (name && *name && !strchr(name, '/')) {
		uint32_t sum = word;

		for (unsigned i = 0; directories[i] && !found; i++) {
			const char *directory = directories[i];
			g_autofree char *path = *directory == '/' ?
							g_strdup_printf("%s%s/%s", directory, folder, name) :
							g_build_filename(folder, directory, name, NULL);

			found = try_file(debug, module, path, &sum);
		}
	}
	if (elf)
		elf_end(elf);
	return found;
}

/* The module's own file, which was compared with the core: if it has debug info, and is still as it was. */
static bool open_own_file(struct module_debug *debug, const struct module *module)
{
	size_t size = g_mapped_file_get_length(module->mapped);
	Elf *elf = hc_debug_open_elf(module->mapped);
	bool has_info = elf && hc_debug_find_section(elf, "info");

	if (elf)
		elf_end(elf);
	if (!has_info)
		return false;
	g_autoptr(GMappedFile) mapped = hc_debug_map(module->file);

	if (!mapped || g_mapped_file_get_length(mapped) != size)
		return false;
	debug->elf = hc_debug_open_elf(mapped);
	if (!debug->elf || (module->build_id && !has_build_id(debug->elf, module->build_id))) {
		if (debug->elf)
			elf_end(g_steal_pointer(&debug->elf));
		return false;
	}
	debug->path = g_strdup(module->file);
	debug->mapped = g_steal_pointer(&mapped);
	return true;
}

static void find_file(const hc_modules *modules, const struct module *module, struct module_debug *debug)
{
	g_auto(GStrv) directories = g_strsplit(modules->debug_path, ":", -1);

	if (module->mapped && open_own_file(debug, module))
		return;
	if (!find_by_build_id(debug, module, directories) && module->mapped)
		find_by_link(debug, module, directories);
}

/* ---- opening it ---- */

static void open_file(hc_modules *modules, struct module_debug *debug)
{
	debug->dwarf = dwarf_begin_elf(debug->elf, DWARF_C_READ, NULL);
	if (!debug->dwarf) {
		debug->gap = g_strdup("it is damaged");
		return;
	}
	/* libdw has uncompressed the sections: from here on these are libelf's. */
	hc_debug_read_sections(debug->elf, debug->sections);
	const char *ident = elf_getident(debug->elf, NULL);

	debug->swap = ident && ident[EI_DATA] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB);
	if (hc_debug_open_shared(modules, debug))
		hc_scan_headers(debug);
	else
		g_clear_pointer(&debug->dwarf, dwarf_end);
}

struct module_debug *hc_module_debug(hc_modules *modules, struct module *module)
{
	struct module_debug *debug = module->debug;

	if (debug)
		return debug;
	debug = module->debug = g_new0(struct module_debug, 1);
	debug->module = module;
	debug->units = g_array_new(FALSE, FALSE, sizeof(struct unit));
	elf_version(EV_CURRENT);
	if (!module->public.is_vdso)
		find_file(modules, module, debug);
	if (debug->elf)
		open_file(modules, debug);
	return debug;
}

void hc_module_release_debug(struct module *module)
{
	struct module_debug *debug = module->debug;

	if (!debug)
		return;
	for (unsigned i = 0; i < debug->units->len; i++)
		g_free(g_array_index(debug->units, struct unit, i).scopes);
	g_array_unref(debug->units);
	g_clear_pointer(&debug->types, g_array_unref);
	g_clear_pointer(&debug->variables, g_array_unref);
	g_clear_pointer(&debug->ranges, g_array_unref);
	g_clear_pointer(&debug->by_offset, g_hash_table_unref);
	g_clear_pointer(&debug->names, g_hash_table_unref);
	g_clear_pointer(&debug->vtables, g_array_unref);
	g_free(debug->by_base);
	if (debug->dwarf)
		dwarf_end(debug->dwarf);
	if (debug->elf)
		elf_end(debug->elf);
	hc_shared_debug_release(debug->shared);
	g_clear_pointer(&debug->mapped, g_mapped_file_unref);
	g_free(debug->gap);
	g_free(debug->path);
	g_free(debug);
	module->debug = NULL;
}

Dwarf *hc_module_dwarf(hc_modules *modules, struct module *module, Dwarf_Addr *ret_bias)
{
	const struct module_debug *debug = hc_module_debug(modules, module);

	*ret_bias = module->public.bias;
	return debug->dwarf;
}
