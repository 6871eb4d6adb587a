/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notes of a core, as the kernel writes them (fs/binfmt_elf.c; core(5) for NT_FILE): the
 * process, the auxiliary vector, the mapped files, and each thread's registers and signal. One
 * more, HEAPCORE, says who wrote it. Only what changes is read while the process stands still.
 */
#include "capture/notes.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	WRITER_NOTE = 0x48434f52, /* "HCOR": no type that a reader who looks at no names could take for another */
};

/* Numbers of the process and its threads as it sees them itself, as the kernel has them in a core. */
typedef struct own_numbers {
	pid_t pid, group, session;
	bool differ; /* from what we see */
} own_numbers;

static own_numbers read_numbers(pid_t pid, const char *status)
{
	own_numbers own = { .pid = pid, .group = getpgid(pid), .session = getsid(pid) };
	uint64_t number, group = 0, session = 0;

	if (!hc_proc_own_number(status, "NStgid:", &number) || number == (uint64_t)pid)
		return own;
	hc_proc_own_number(status, "NSpgid:", &group);
	hc_proc_own_number(status, "NSsid:", &session);
	return (own_numbers){ (pid_t)number, (pid_t)group, (pid_t)session, true };
}

static pid_t own_thread(const own_numbers *own, pid_t pid, pid_t thread)
{
	g_autofree char *name = own->differ ? g_strdup_printf("task/%d/status", (int)thread) : NULL;
	g_autofree char *status = name ? hc_proc_read(pid, name, NULL, NULL) : NULL;
	uint64_t number;

	return hc_proc_own_number(status, "NSpid:", &number) ? (pid_t)number : thread;
}

/* READER: whose files in /proc tell of the memory. */
static void append_process(
	GByteArray *notes, pid_t pid, pid_t reader, const own_numbers *own, const char *status, bool is_i386)
{
	g_autofree char *command = hc_proc_read(pid, "comm", NULL, NULL);
	size_t length = 0;
	g_autofree char *arguments = hc_proc_read(reader, "cmdline", &length, NULL);
	prpsinfo_t process = { .pr_pid = own->pid, .pr_pgrp = own->group, .pr_sid = own->session, .pr_sname = 'R' };
	uint64_t number;

	if (command)
		memcpy(process.pr_fname, command, MIN(strcspn(command, "\n"), sizeof process.pr_fname - 1));
	length = MIN(length, sizeof process.pr_psargs - 1);
	for (size_t i = 0; i < length; i++)
		process.pr_psargs[i] = arguments[i] ? arguments[i] : ' ';
	if (length && process.pr_psargs[length - 1] == ' ')
		process.pr_psargs[length - 1] = '\0';
	if (!own->differ && hc_proc_field(status, "PPid:", &number))
		process.pr_ppid = (pid_t)number;
	if (hc_proc_field(status, "Uid:", &number))
		process.pr_uid = number;
	if (hc_proc_field(status, "Gid:", &number))
		process.pr_gid = number;
	if (is_i386)
		hc_i386_append_process(notes, &process);
	else
		hc_note_append(notes, "CORE", NT_PRPSINFO, &process, sizeof process);
}

/* A path as /proc writes it: backslash and octal digits for a line break and the like. */
static char *plain_path(const char *path)
{
	GString *plain = g_string_new(NULL);

	for (; *path; path++) {
		if (path[0] == '\\' && path[1] >= '0' && path[1] <= '3' && path[2] >= '0' && path[2] <= '7' &&
			path[3] >= '0' && path[3] <= '7') {
			g_string_append_c(plain, (char)((path[1] - '0') * 64 + (path[2] - '0') * 8 + path[3] - '0'));
			path += 3;
		} else {
			g_string_append_c(plain, *path);
		}
	}
	return g_string_free(plain, FALSE);
}

/* As the process has words: of 4 bytes if it IS_I386. */
static void append_words(GByteArray *table, const GArray *words, bool is_i386)
{
	for (unsigned i = 0; i < words->len; i++) {
		uint64_t word = g_array_index(words, uint64_t, i);
		uint32_t narrow = (uint32_t)word;

		g_byte_array_append(table, is_i386 ? (const guint8 *)&narrow : (const guint8 *)&word,
			is_i386 ? sizeof narrow : sizeof word);
	}
}

static void append_files(GByteArray *notes, const GArray *mappings, bool is_i386)
{
	g_autoptr(GByteArray) table = g_byte_array_new(), paths = g_byte_array_new();
	g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	const uint64_t header[2] = { 0, sysconf(_SC_PAGESIZE) };

	g_array_append_vals(words, header, G_N_ELEMENTS(header));
	for (unsigned i = 0; i < mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(mappings, hc_smaps_entry, i);
		const uint64_t row[3] = { entry->start, entry->end, entry->offset / header[1] };
		g_autofree char *path = NULL;

		if (!entry->inode || entry->path[0] != '/')
			continue;
		path = plain_path(entry->path);
		g_array_append_vals(words, row, G_N_ELEMENTS(row));
		g_byte_array_append(paths, (const guint8 *)path, strlen(path) + 1);
		g_array_index(words, uint64_t, 0)++;
	}
	append_words(table, words, is_i386);
	g_byte_array_append(table, paths->data, paths->len);
	hc_note_append(notes, "CORE", NT_FILE, table->data, table->len);
}

/*
 * The signal that the thread stopped with, which it gets when it goes on; of most there is none, and it is zero. Of i386 the rest of it lies
 * otherwise than ours.
 */
static void append_signal(GByteArray *notes, pid_t thread, bool has_signal, bool is_i386)
{
	siginfo_t signal = { 0 };

	if (has_signal && ptrace(PTRACE_GETSIGINFO, thread, NULL, &signal))
		memset(&signal, 0, sizeof signal);
	if (is_i386)
		signal = (siginfo_t){
			.si_signo = signal.si_signo, .si_errno = signal.si_errno, .si_code = signal.si_code
		};
	hc_note_append(notes, "CORE", NT_SIGINFO, &signal, sizeof signal);
}

static bool append_thread(
	GByteArray *notes, pid_t pid, const own_numbers *own, pid_t thread, bool is_i386, GError **error)
{
	struct elf_prstatus status = {
		.pr_pid = own_thread(own, pid, thread), .pr_pgrp = own->group, .pr_sid = own->session
	};
	struct iovec vector = { &status.pr_reg, sizeof status.pr_reg };

	if (is_i386 && hc_i386_append_thread(notes, thread, &status))
		return true;
	if (ptrace(PTRACE_GETREGSET, thread, (void *)(uintptr_t)NT_PRSTATUS, &vector)) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot read the registers of thread %d: %s", (int)thread,
			g_strerror(errno));
		return false;
	}
	if (is_i386 || vector.iov_len != sizeof status.pr_reg) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"process %d is a 32-bit one: take its core with gcore", (int)pid);
		return false;
	}
	status.pr_fpvalid = 1;
	hc_note_append(notes, "CORE", NT_PRSTATUS, &status, sizeof status);
	hc_note_append_registers(notes, thread, "CORE", NT_FPREGSET);
#ifdef __x86_64__
	hc_note_append_registers(notes, thread, "LINUX", NT_X86_XSTATE);
#endif
	return true;
}

bool hc_capture_read_threads(pid_t pid, const hc_stopped_process *process, const char *status, bool is_i386,
	hc_thread_notes *ret_notes, GError **error)
{
	g_autoptr(GByteArray) first = g_byte_array_new(), rest = g_byte_array_new();
	size_t length;
	g_autofree char *auxiliary = hc_proc_read(hc_stopped_process_thread(process, 0), "auxv", &length, error);
	const own_numbers own = read_numbers(pid, status);

	if (!auxiliary)
		return false;
	hc_note_append(first, "HEAPCORE", WRITER_NOTE, "", 0);
	for (unsigned i = 0; i < hc_stopped_process_thread_count(process); i++) {
		pid_t thread = hc_stopped_process_thread(process, i);

		if (!append_thread(i ? rest : first, pid, &own, thread, is_i386, error))
			return false;
		if (!i) {
			append_process(first, pid, thread, &own, status, is_i386);
			hc_note_append(first, "CORE", NT_AUXV, auxiliary, length);
		}
		append_signal(rest, thread, hc_stopped_process_has_signal(process, i), is_i386);
	}
	*ret_notes = (hc_thread_notes){ g_steal_pointer(&first), g_steal_pointer(&rest), is_i386 };
	return true;
}

GByteArray *hc_capture_join_notes(const hc_thread_notes *threads, const GArray *mappings)
{
	GByteArray *notes = g_byte_array_new();

	g_byte_array_append(notes, threads->first->data, threads->first->len);
	append_files(notes, mappings, threads->is_i386);
	g_byte_array_append(notes, threads->rest->data, threads->rest->len);
	return notes;
}

void hc_thread_notes_clear(hc_thread_notes *notes)
{
	g_clear_pointer(&notes->first, g_byte_array_unref);
	g_clear_pointer(&notes->rest, g_byte_array_unref);
}
