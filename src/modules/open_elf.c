/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF files in memory, and what happens where that is out. */
#include "base/memory.h"
#include "modules/modules_state.h"

#include <errno.h>
#include <libelf.h>

Elf *hc_modules_open_elf(GMappedFile *mapped)
{
	Elf *elf;

	errno = 0;
	elf = elf_memory(g_mapped_file_get_contents(mapped), g_mapped_file_get_length(mapped));
	if (!elf)
		hc_memory_end_if_out(errno);
	return elf;
}
