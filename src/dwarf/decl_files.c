/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In which file a DIE was declared: a number that the unit's line table explains, which nobody else asks for, and which is therefore hidden from
 * libdw (debug_file.c). So the file is opened once more, for those modules that are asked about; what several files share (dwz) is not.
 */
#include "dwarf/dwarf_state.h"

static void open_again(struct module_debug *debug)
{
	g_autoptr(GMappedFile) mapped = debug->path ? hc_debug_map(debug->path) : NULL;
	Elf *elf = mapped && g_mapped_file_get_length(mapped) ? hc_modules_open_elf(mapped) : NULL;

	if (!elf)
		return;
	/* It may have been replaced since. */
	if (debug->mapped && g_mapped_file_get_length(mapped) == g_mapped_file_get_length(debug->mapped))
		debug->whole = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!debug->whole) {
		elf_end(elf);
		return;
	}
	hc_modules_mind_memory(debug->whole);
	debug->whole_elf = elf;
	debug->whole_mapped = g_steal_pointer(&mapped);
}

const char *hc_debug_decl_file(struct module_debug *debug, uint64_t offset)
{
	Dwarf_Die die;

	if (offset & OFFSET_IN_SHARED)
		return NULL;
	if (!debug->tried_whole) {
		debug->tried_whole = true;
		open_again(debug);
	}
	if (!debug->whole ||
		!(offset & OFFSET_IN_TYPES ? dwarf_offdie_types(debug->whole, offset & ~OFFSET_IN_TYPES, &die) :
					     dwarf_offdie(debug->whole, offset, &die)))
		return NULL;
	return dwarf_decl_file(&die);
}

void hc_debug_close_again(struct module_debug *debug)
{
	if (debug->whole)
		dwarf_end(debug->whole);
	if (debug->whole_elf)
		elf_end(debug->whole_elf);
	g_clear_pointer(&debug->whole_mapped, g_mapped_file_unref);
}
