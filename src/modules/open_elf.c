/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF files in memory, what happens where that is out, and whether a file is the right one. */
#include "base/memory.h"
#include "modules/modules_state.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <libelf.h>
#include <string.h>

Elf *hc_modules_open_elf(GMappedFile *mapped)
{
	Elf *elf;

	errno = 0;
	elf = elf_memory(g_mapped_file_get_contents(mapped), g_mapped_file_get_length(mapped));
	if (!elf)
		hc_memory_end_if_out(errno);
	return elf;
}

bool hc_modules_has_build_id(Elf *elf, const char *build_id)
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
