/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy of a process, so that it need not stand still while its memory is written.
 *
 * A thread of it calls clone(2) for us (inject.c). The child has the memory as it was, copy on write, and never runs an instruction: it is
 * ours to trace from its first moment, and dies if we do (PTRACE_O_EXITKILL). Were we to die between these two, it would go on behind the call
 * with a stack at address 1 and all signals blocked, and be killed by that.
 *
 * The process does not notice: the child shares its table of files, so that what it closes is closed; it sends no signal when it ends, and
 * wait(2) does not see it but with __WALL or __WCLONE. When it has ended, a thread of the process is stopped once more, for a moment, to
 * wait for it: else it would stay as a zombie. If we are killed before, another process of ours does that (guardian.c).
 *
 * What a child does not have is memory that several processes share, as it was: that changes on; and pages that are not for children
 * (MADV_DONTFORK): these are kept aside before the process goes on (core_file.c).
 */
#include "capture/inject_parts.h"

#include "base/memory.h"
#include "base/text.h"

#ifdef HC_CAN_INJECT

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NO_STACK = 1,		 /* where nothing is */
	WRITTEN_SHARE = 4,	 /* one in so many of the pages may be written while we read: these are there twice */
	SPARE_MEMORY = 64 << 20, /* bytes beside that */
	COLLECT_TRIES = 50,	 /* of all threads, until one is fit for it */
	COLLECT_PAUSE = 2000	 /* microseconds */
};

static bool fail_with(GError **error, const char *why)
{
	g_set_error_literal(error, HC_ERROR, HC_ERROR_UNSUPPORTED, why);
	return false;
}

/* Whether there is memory for the page tables of the copy, and for what the process writes meanwhile. */
static bool has_memory(pid_t pid, const char *status, GArray *mappings, GError **error)
{
	g_autofree char *number = g_strdup_printf("%d", (int)pid);
	uint64_t anonymous = 0, available = hc_memory_available("/proc", number), tables = 0, need;
	char text[HC_TEXT_SIZE_LENGTH], have[HC_TEXT_SIZE_LENGTH];

	for (unsigned i = 0; i < mappings->len; i++)
		anonymous += g_array_index(mappings, hc_smaps_entry, i).anonymous;
	hc_proc_field(status, "VmPTE:", &tables);
	need = anonymous / WRITTEN_SHARE + (tables << 10) + SPARE_MEMORY;
	if (available >= need)
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
		"a copy of it may need %s while it goes on, and no more than %s are to be had",
		hc_text_size(text, need), hc_text_size(have, available));
	return false;
}

bool hc_freeze_prepare(pid_t pid, const char *status, GArray *mappings, hc_frozen_copy *copy, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/mem", (int)pid);
	const char *state = strstr(status, "State:\t");
	uint64_t filter = 0;

	*copy = (hc_frozen_copy){ .original = pid, .memory = -1 };
	if (state && (state[7] == 'T' || state[7] == 't'))
		return fail_with(error, "it is stopped anyway");
	if (hc_proc_field(status, "Seccomp:", &filter) && filter)
		return fail_with(error, "its system calls are filtered (seccomp)");
	if (strstr(status, "shstk"))
		return fail_with(error, "it has a shadow stack");
	if (!has_memory(pid, status, mappings, error))
		return false;
	/* As to the process, so to its copy. */
	if (kill(pid, 0) && errno == EPERM)
		return fail_with(error, "a copy of it may not be ended: heapcore lacks the capability CAP_KILL");
	copy->memory = open(path, O_RDWR | O_CLOEXEC);
	if (copy->memory < 0)
		return fail_with(
			error, "its memory may not be written: heapcore lacks the capability CAP_DAC_OVERRIDE");
	if (hc_injection_find_code(pid, copy->memory, mappings, &copy->code))
		return true;
	hc_freeze_end(copy);
	return fail_with(error, "it has no libc whose code could make one");
}

/* Waits until the copy stands still, at its beginning. */
static bool wait_for_copy(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return false;
	return WIFSTOPPED(status);
}

bool hc_freeze(hc_frozen_copy *copy, const hc_stopped_process *process, GArray *mappings, GError **error)
{
	hc_injection injection = { process, copy->memory, mappings, copy->code };
	hc_injected_call call = { .number = SYS_clone, .arguments = { CLONE_FILES | CLONE_FS, NO_STACK } };

	if (copy->trace) {
		copy->trace->code = copy->code;
		copy->trace->made = true;
	}
	if (!hc_inject_call(&injection, &call, error))
		return false;
	if (call.result < 0 || !call.child) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED, "the kernel makes no copy of it: %s",
			g_strerror(call.result < 0 ? (int)-call.result : ENOSYS));
		return false;
	}
	copy->pid = call.child;
	copy->own_number = call.result;
	if (copy->trace)
		copy->trace->own_number = call.result;
	if (wait_for_copy(copy->pid) && !ptrace(PTRACE_SETOPTIONS, copy->pid, NULL, (void *)PTRACE_O_EXITKILL))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED, "its copy was killed");
	return false;
}

static bool never_cancelled(void *data)
{
	(void)data;
	return true;
}

/* Stops a thread of the process, to wait for the copy that has ended. TRUE: that was done, or need not be any more. */
static bool collect_with(const hc_frozen_copy *copy, pid_t thread)
{
	g_autofree char *smaps = hc_proc_read(copy->original, "maps", NULL, NULL);
	g_autoptr(GArray) mappings = smaps ? hc_smaps_parse(smaps) : NULL;
	g_autoptr(hc_stopped_process)
		process = mappings ? hc_process_stop_thread(copy->original, thread, never_cancelled, NULL, NULL) : NULL;
	hc_injection injection = { process, copy->memory, mappings, copy->code };
	hc_injected_call call = { .number = SYS_wait4, .arguments = { (uint64_t)copy->own_number, 0, __WALL, 0 } };

	return process && hc_inject_call(&injection, &call, NULL) &&
	       (call.result == copy->own_number || call.result == -ECHILD);
}

void hc_freeze_collect(const hc_frozen_copy *copy)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)copy->original);

	for (unsigned tries = 0; tries < COLLECT_TRIES; tries++) {
		g_autoptr(GDir) tasks = g_dir_open(path, 0, NULL);
		const char *name;

		if (!tasks)
			return; /* the process has ended */
		while ((name = g_dir_read_name(tasks)))
			if (collect_with(copy, (pid_t)g_ascii_strtoll(name, NULL, 10)))
				return;
		g_usleep(COLLECT_PAUSE);
	}
}

void hc_freeze_end(hc_frozen_copy *copy)
{
	int status;

	if (copy->pid) {
		if (kill(copy->pid, SIGKILL))
			ptrace(PTRACE_KILL, copy->pid, NULL, NULL);
		while (waitpid(copy->pid, &status, __WALL) == copy->pid ? !WIFSIGNALED(status) : errno == EINTR)
			;
		hc_freeze_collect(copy);
	}
	if (copy->trace)
		copy->trace->made = false;
	copy->pid = 0;
	if (copy->memory >= 0)
		close(copy->memory);
	copy->memory = -1;
}

#else

bool hc_freeze_prepare(pid_t pid, const char *status, GArray *mappings, hc_frozen_copy *copy, GError **error)
{
	(void)pid, (void)status, (void)mappings;
	*copy = (hc_frozen_copy){ .memory = -1 };
	g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED, "that is not known on this machine");
	return false;
}

bool hc_freeze(hc_frozen_copy *copy, const hc_stopped_process *process, GArray *mappings, GError **error)
{
	(void)process;
	return hc_freeze_prepare(0, NULL, mappings, copy, error);
}

void hc_freeze_end(hc_frozen_copy *copy)
{
	(void)copy;
}

void hc_freeze_collect(const hc_frozen_copy *copy)
{
	(void)copy;
}

#endif
