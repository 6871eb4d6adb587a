/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stopping all threads of a process, and letting them go on.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT (ptrace(2)) send no SIGSTOP that could be left behind, and the kernel lets a seized process go on by
 * itself if we die, however we do. A thread may meet a signal of its own before the interrupt: that is given to it when it goes on.
 * Threads are looked for until a whole pass over /proc/PID/task finds no new one: a stopped one starts none.
 */
#include "capture/capture_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
	PATIENCE = 10 * G_USEC_PER_SEC, /* for one thread to stop: it may be waiting for a disk */
	PAUSE = 50,
	PASSES_MAX = 1000,
	THREADS_MAX = 1 << 20,
};

typedef struct stopped_thread {
	pid_t id;
	int signal; /* to be given to it when it goes on; 0: none */
} stopped_thread;

struct hc_stopped_process {
	pid_t pid;
	GArray *threads;   /* of stopped_thread */
	unsigned stopped;  /* of these stand still: the first ones */
	GHashTable *known; /* thread ids */
};

/* Whether THREAD ran to its end: the main one stays as a zombie while others go on, and cannot be traced. */
static bool has_ended(pid_t thread)
{
	g_autofree char *status = hc_proc_read(thread, "status", NULL, NULL);
	const char *state = status ? strstr(status, "\nState:") : NULL;

	state = state ? state + strlen("\nState:") : "";
	state += strspn(state, " \t");
	return !status || *state == 'Z' || *state == 'X';
}

static bool seize(pid_t pid, pid_t thread, bool *ret_gone, GError **error)
{
	*ret_gone = false;
	if (!ptrace(PTRACE_SEIZE, thread, NULL, NULL))
		return true;
	int reason = errno;

	if (thread != pid && (reason == ESRCH || has_ended(thread))) {
		*ret_gone = true;
		return true;
	}
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot stop thread %d of process %d: %s", (int)thread, (int)pid,
		g_strerror(reason));
	return false;
}

/* Waits until THREAD stands still. *RET_GONE: it ended. */
static bool wait_for_stop(
	stopped_thread *thread, hc_keep_waiting_function keep_waiting, void *data, bool *ret_gone, GError **error)
{
	gint64 begin = g_get_monotonic_time();
	gulong pause = PAUSE;

	*ret_gone = false;
	for (;;) {
		int status;
		pid_t got = waitpid(thread->id, &status, __WALL | WNOHANG);

		if (got < 0 && errno != EINTR) {
			*ret_gone = true;
			return true;
		}
		if (got == thread->id && !WIFSTOPPED(status)) {
			*ret_gone = true;
			return true;
		}
		if (got == thread->id) {
			if (!(status >> 16))
				thread->signal = WSTOPSIG(status);
			return true;
		}
		if (!keep_waiting(data)) {
			g_set_error(error, HC_ERROR, HC_ERROR_CANCELLED, "interrupted; the process is running again");
			return false;
		}
		if (g_get_monotonic_time() - begin > PATIENCE) {
			g_set_error(error, HC_ERROR, HC_ERROR_IO,
				"thread %d does not stop (it may be waiting for a disk or a file server); the process is running again",
				(int)thread->id);
			return false;
		}
		g_usleep(pause);
		pause = MIN(pause * 2, 20000);
	}
}

/* Tells thread ID to stop; it does so in its own time. */
static bool interrupt_thread(hc_stopped_process *process, pid_t id, GError **error)
{
	stopped_thread thread = { .id = id };
	bool gone;

	g_hash_table_add(process->known, GINT_TO_POINTER(id));
	if (!seize(process->pid, id, &gone, error))
		return false;
	if (gone)
		return true;
	g_array_append_val(process->threads, thread); /* from here on it is let go, whatever happens */
	if (!ptrace(PTRACE_INTERRUPT, id, NULL, NULL) || errno == ESRCH)
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot stop thread %d: %s", (int)id, g_strerror(errno));
	return false;
}

/* Waits for all that were told; those that have ended meanwhile are left out. */
static bool wait_for_threads(
	hc_stopped_process *process, hc_keep_waiting_function keep_waiting, void *data, GError **error)
{
	while (process->stopped < process->threads->len) {
		stopped_thread *thread = &g_array_index(process->threads, stopped_thread, process->stopped);
		bool gone;

		if (!wait_for_stop(thread, keep_waiting, data, &gone, error))
			return false;
		if (gone)
			g_array_remove_index(process->threads, process->stopped);
		else
			process->stopped++;
	}
	return true;
}

static bool stop_thread(
	hc_stopped_process *process, pid_t id, hc_keep_waiting_function keep_waiting, void *data, GError **error)
{
	return interrupt_thread(process, id, error) && wait_for_threads(process, keep_waiting, data, error);
}

/* One pass over the threads that there are now: all are told before one is waited for. *RET_NEW: how many of them were not known. */
static bool stop_new_threads(hc_stopped_process *process, hc_keep_waiting_function keep_waiting, void *data,
	unsigned *ret_new, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)process->pid);
	g_autoptr(GDir) tasks = g_dir_open(path, 0, NULL);
	const char *name;

	*ret_new = 0;
	if (!tasks) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "process %d has ended", (int)process->pid);
		return false;
	}
	while ((name = g_dir_read_name(tasks))) {
		pid_t id = (pid_t)g_ascii_strtoll(name, NULL, 10);

		if (id <= 0 || g_hash_table_contains(process->known, GINT_TO_POINTER(id)))
			continue;
		++*ret_new;
		if (!interrupt_thread(process, id, error))
			return false;
	}
	return wait_for_threads(process, keep_waiting, data, error);
}

static hc_stopped_process *new_process(pid_t pid)
{
	hc_stopped_process *process = g_new0(hc_stopped_process, 1);

	process->pid = pid;
	process->threads = g_array_new(FALSE, FALSE, sizeof(stopped_thread));
	process->known = g_hash_table_new(NULL, NULL);
	return process;
}

hc_stopped_process *hc_process_stop(pid_t pid, hc_keep_waiting_function keep_waiting, void *data, GError **error)
{
	g_autoptr(hc_stopped_process) process = new_process(pid);
	unsigned new = 1;

	/* It is the first of the list. */
	if (!interrupt_thread(process, pid, error))
		return NULL;
	for (unsigned pass = 0; new &&pass < PASSES_MAX; pass++) {
		if (!stop_new_threads(process, keep_waiting, data, &new, error))
			return NULL;
	}
	if (new || process->threads->len > THREADS_MAX) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "process %d starts threads faster than they can be stopped",
			(int)pid);
		return NULL;
	}
	if (!process->threads->len || hc_stopped_process_thread(process, 0) != pid) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "process %d has ended, or its main thread has", (int)pid);
		return NULL;
	}
	return g_steal_pointer(&process);
}

void hc_process_continue(hc_stopped_process *process)
{
	if (!process)
		return;
	for (unsigned i = 0; i < process->threads->len; i++) {
		const stopped_thread *thread = &g_array_index(process->threads, stopped_thread, i);

		ptrace(PTRACE_DETACH, thread->id, NULL, (void *)(intptr_t)thread->signal);
	}
	g_array_unref(process->threads);
	g_hash_table_unref(process->known);
	g_free(process);
}

unsigned hc_stopped_process_thread_count(const hc_stopped_process *process)
{
	return process->threads->len;
}

pid_t hc_stopped_process_thread(const hc_stopped_process *process, unsigned index)
{
	return g_array_index(process->threads, stopped_thread, index).id;
}

bool hc_stopped_process_has_signal(const hc_stopped_process *process, unsigned index)
{
	return g_array_index(process->threads, stopped_thread, index).signal != 0;
}

hc_stopped_process *hc_process_stop_thread(
	pid_t pid, pid_t thread, hc_keep_waiting_function keep_waiting, void *data, GError **error)
{
	g_autoptr(hc_stopped_process) process = new_process(pid);

	if (!stop_thread(process, thread, keep_waiting, data, error))
		return NULL;
	return process->threads->len ? g_steal_pointer(&process) : NULL;
}
