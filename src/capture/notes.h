/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of a core's notes share.
 *
 *	note_bytes.c	one note
 *	notes.c		the notes, and those of our own machine
 *	notes_i386.c	those of i386
 */
#pragma once

#include "capture/capture_parts.h"

#include <sys/procfs.h>

void hc_note_append(GByteArray *notes, const char *name, unsigned type, const void *data, size_t size);

/* The registers of TYPE (ptrace(2), PTRACE_GETREGSET) of THREAD, which stands still; if it has none, nothing. */
void hc_note_append_registers(GByteArray *notes, pid_t thread, const char *name, unsigned type);

/* The notes of a process of i386, of what is known as if it were one of our own. */
void hc_i386_append_process(GByteArray *notes, const prpsinfo_t *process);

/* FALSE: the registers could not be read, or are not i386's; nothing was appended. */
bool hc_i386_append_thread(GByteArray *notes, pid_t thread, const struct elf_prstatus *status);
