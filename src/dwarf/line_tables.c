/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The debug info of a module with its tables of lines, which are hidden from libdw elsewhere (debug_file.c): few ask for them, and where they are
 * compressed they would cost all others time. So the file is opened once more, for those modules that are asked about.
 */
#include "dwarf/dwarf_state.h"

#include "base/memory.h"

#include <errno.h>

static void open_again(struct module_debug *debug)
{
	g_autoptr(GMappedFile) mapped = hc_debug_map(debug->path);
	Elf *elf = mapped && g_mapped_file_get_length(mapped) ? hc_modules_open_elf(mapped) : NULL;

	if (!elf)
		return;
	errno = 0;
	/* It may have been replaced since. */
	if (debug->mapped && g_mapped_file_get_length(mapped) == g_mapped_file_get_length(debug->mapped))
		debug->lines = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!debug->lines) {
		if (errno == ENOMEM)
			hc_memory_end();
		elf_end(elf);
		return;
	}
	hc_modules_mind_memory(debug->lines);
	debug->lines_elf = elf;
	debug->lines_mapped = g_steal_pointer(&mapped);
}

Dwarf *hc_debug_with_lines(struct module_debug *debug)
{
	if (debug->is_borrowed)
		return debug->dwarf;
	if (!debug->tried_lines && debug->path) {
		debug->tried_lines = true;
		open_again(debug);
	}
	return debug->lines;
}

void hc_debug_close_lines(struct module_debug *debug)
{
	if (debug->lines)
		dwarf_end(g_steal_pointer(&debug->lines));
	if (debug->lines_elf)
		elf_end(g_steal_pointer(&debug->lines_elf));
	g_clear_pointer(&debug->lines_mapped, g_mapped_file_unref);
}
