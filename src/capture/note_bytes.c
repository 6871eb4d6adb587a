/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One note of a core in bytes (elf(5), Elf64_Nhdr), of whatever is in it; and one of a set of registers, as ptrace(2) gives them. */
#include "capture/notes.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum {
	REGISTERS_MAX = 16 << 10, /* XSAVE areas grow: 11 KiB with AMX */
};

static void pad(GByteArray *notes)
{
	static const guint8 zeros[4] = { 0 };

	g_byte_array_append(notes, zeros, -notes->len & 3);
}

void hc_note_append(GByteArray *notes, const char *name, unsigned type, const void *data, size_t size)
{
	const Elf64_Nhdr header = { .n_namesz = strlen(name) + 1, .n_descsz = size, .n_type = type };

	g_byte_array_append(notes, (const guint8 *)&header, sizeof header);
	g_byte_array_append(notes, (const guint8 *)name, header.n_namesz);
	pad(notes);
	g_byte_array_append(notes, data, size);
	pad(notes);
}

void hc_note_append_registers(GByteArray *notes, pid_t thread, const char *name, unsigned type)
{
	g_autofree guint8 *registers = g_malloc(REGISTERS_MAX);
	struct iovec vector = { registers, REGISTERS_MAX };

	if (!ptrace(PTRACE_GETREGSET, thread, (void *)(uintptr_t)type, &vector))
		hc_note_append(notes, name, type, registers, vector.iov_len);
}
