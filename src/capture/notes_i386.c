/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notes of a process of i386 under an x86-64 kernel: what that writes into its core (fs/compat_binfmt_elf.c; <sys/procfs.h> of i386). ptrace(2) gives
 * the registers of such a thread as they stand there.
 */
#include "capture/notes.h"

#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum {
	REGISTERS = 17
};

struct process_note {
	guint8 state, letter, zombie, nice;
	guint32 flags;
	guint16 user, group_id;
	gint32 pid, parent, group, session;
	char name[16], arguments[80];
};

struct thread_note {
	gint32 signal[3];
	gint16 current, padding;
	guint32 pending, held;
	gint32 pid, parent, group, session;
	guint32 times[8];
	guint32 registers[REGISTERS];
	gint32 has_floating_point;
};

G_STATIC_ASSERT(sizeof(struct process_note) == 124);
G_STATIC_ASSERT(sizeof(struct thread_note) == 144);

void hc_i386_append_process(GByteArray *notes, const prpsinfo_t *process)
{
	struct process_note note = {
		.letter = (guint8)process->pr_sname,
		.user = (guint16)process->pr_uid,
		.group_id = (guint16)process->pr_gid,
		.pid = process->pr_pid,
		.parent = process->pr_ppid,
		.group = process->pr_pgrp,
		.session = process->pr_sid,
	};

	G_STATIC_ASSERT(sizeof note.name == sizeof process->pr_fname);
	G_STATIC_ASSERT(sizeof note.arguments == sizeof process->pr_psargs);
	memcpy(note.name, process->pr_fname, sizeof note.name);
	memcpy(note.arguments, process->pr_psargs, sizeof note.arguments);
	hc_note_append(notes, "CORE", NT_PRPSINFO, &note, sizeof note);
}

bool hc_i386_append_thread(GByteArray *notes, pid_t thread, const struct elf_prstatus *status)
{
	struct thread_note note = {
		.pid = status->pr_pid,
		.group = status->pr_pgrp,
		.session = status->pr_sid,
		.has_floating_point = 1,
	};
	struct iovec vector = { note.registers, sizeof note.registers };

	if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &vector) || vector.iov_len != sizeof note.registers)
		return false;
	hc_note_append(notes, "CORE", NT_PRSTATUS, &note, sizeof note);
	hc_note_append_registers(notes, thread, "CORE", NT_FPREGSET);
	hc_note_append_registers(notes, thread, "LINUX", NT_PRXFPREG);
	hc_note_append_registers(notes, thread, "LINUX", NT_X86_XSTATE);
	hc_note_append_registers(notes, thread, "LINUX", NT_386_TLS);
	return true;
}
