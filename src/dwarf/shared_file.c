/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file that several debug files have in common. "dwz -m" moves what is in more than one of them there, and distributions do that for
 * all programs of a package: types and names of a program stand in it, so without it little of the program's own debug info has a
 * meaning. It is referred to by name and build-id in .gnu_debugaltlink (its text, a NUL, the bytes). DWARF 5's own way to say the same (7.3.6:
 * .debug_sup; "dwz --dwarf-5") is not read: libdw does not follow its references (DW_FORM_ref_sup4; elfutils 0.188, dwarf_formref_die.c).
 *
 * It is looked for where modules/debug_files.c says. Whatever is found is taken only if its
 * build-id is the one that is referred to.
 *
 * It is opened and uncompressed once for all modules, but its units are scanned for each module
 * that refers to it, as if they were the module's own: a type belongs to a module.
 */
#include "dwarf/dwarf_state.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>

/* What is referred to. Points into the section. */
struct link {
	const char *name;
	const uint8_t *id;
	size_t id_size;
};

/* ---- links ---- */

static struct section section_of(Elf *elf, const char *name)
{
	Elf_Scn *section = hc_debug_find_section(elf, name);
	const Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;

	return data && data->d_buf ? (struct section){ data->d_buf, data->d_size } : (struct section){ NULL, 0 };
}

static bool read_altlink(const struct section *section, struct link *ret_link)
{
	const uint8_t *nul = section->bytes ? memchr(section->bytes, 0, section->size) : NULL;

	if (!nul || nul + 1 == section->bytes + section->size)
		return false;
	*ret_link = (struct link){ (const char *)section->bytes, nul + 1,
		section->size - (size_t)(nul + 1 - section->bytes) };
	return true;
}

static bool is_linked(Elf *elf, const struct link *link)
{
	const void *bytes = NULL;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);

	return size > 0 && (size_t)size == link->id_size && !memcmp(bytes, link->id, link->id_size);
}

/* ---- finding it ---- */

static bool same_order(Elf *elf, bool swap)
{
	const char *ident = elf_getident(elf, NULL);

	return ident && (ident[EI_DATA] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB)) == swap;
}

/* Opens PATH if it is what LINK refers to; otherwise NULL. */
static struct shared_debug *open_path(const char *path, bool swap, const struct link *link)
{
	g_autoptr(GMappedFile) mapped = hc_debug_map(path);
	Elf *elf = mapped && g_mapped_file_get_length(mapped) ? hc_modules_open_elf(mapped) : NULL;
	Dwarf *dwarf = elf && same_order(elf, swap) && is_linked(elf, link) ? hc_debug_begin(elf) : NULL;

	if (!dwarf) {
		if (elf)
			elf_end(elf);
		return NULL;
	}
	struct shared_debug *shared = g_new0(struct shared_debug, 1);

	shared->path = g_strdup(path);
	shared->mapped = g_steal_pointer(&mapped);
	shared->elf = elf;
	shared->dwarf = dwarf;
	hc_debug_read_sections(elf, shared->sections);
	return shared;
}

/* The same file, as another module has opened it already; NULL if none has. */
static struct shared_debug *find_open(
	const hc_debug_info *info, const struct module_debug *debug, const struct link *link)
{
	for (unsigned i = 0; i < hc_modules_count(info->modules); i++) {
		const struct module_debug *other = info->opened[i];
		struct shared_debug *shared = other ? other->shared : NULL;

		if (shared && other->swap == debug->swap && is_linked(shared->elf, link))
			return shared;
	}
	return NULL;
}

bool hc_debug_open_shared(hc_debug_info *info, struct module_debug *debug)
{
	struct section section = section_of(debug->elf, ".gnu_debugaltlink");
	struct link link;

	if (hc_debug_find_section(debug->elf, "sup")) {
		debug->gap = g_strdup(
			"parts of it stand in a supplementary file as DWARF 5 has them (.debug_sup), which is not read");
		return false;
	}
	if (!section.bytes)
		return true;
	if (!read_altlink(&section, &link)) {
		debug->gap = g_strdup("its link to a second file that several share (.gnu_debugaltlink) is damaged");
		return false;
	}
	debug->shared = find_open(info, debug, &link);
	if (!debug->shared) {
		g_autofree char *id = hc_build_id_text(link.id, link.id_size);
		g_autoptr(GPtrArray) paths = hc_modules_debug_paths_shared(info->modules, debug->path, link.name, id);

		for (unsigned i = 0; i < paths->len && !debug->shared; i++)
			debug->shared = open_path(paths->pdata[i], debug->swap, &link);
	}
	if (!debug->shared) {
		debug->gap = g_strdup_printf(
			"parts of it stand in a second file that several share (dwz), which is not here: %s",
			link.name);
		return false;
	}
	debug->shared->users++;
	dwarf_setalt(debug->dwarf, debug->shared->dwarf);
	return true;
}

void hc_shared_debug_release(struct shared_debug *shared)
{
	if (!shared || --shared->users)
		return;
	dwarf_end(shared->dwarf);
	elf_end(shared->elf);
	g_mapped_file_unref(shared->mapped);
	g_free(shared->path);
	g_free(shared);
}
