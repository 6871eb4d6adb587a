/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking a capture: all that can be refused is refused before the process is stopped; capture.ini is written last; after an error
 * everything that was written is removed.
 *
 * The core is written here and not by gcore, because gdb writes address space that was only reserved as zeros (gdb 13: a reserved
 * terabyte is a file of a terabyte), and reads symbols while the process stands still.
 */
#include "capture/capture_parts.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	SPARE = 64 << 20,      /* bytes of the disk to be left free, */
	SPARE_SHARE = 20,      /* or one in so many of the estimate, if that is more */
	DIRECTORY_MODE = 0700, /* a core holds what the process held: keys, passwords */
};

typedef struct capture_task {
	pid_t pid;
	const hc_capture_options *options;
	int directory; /* descriptor */
	bool made;     /* the folder is ours */
	char core_name[32];
	uint64_t estimate;
	double stopped; /* seconds */
} capture_task;

static const char *const file_names[] = { "capture.ini", "smaps", "status", "maps", "meminfo", "sockstat", "sockstat6",
	"descriptors", "sockets", "cgroup", "smaps_rollup", HC_RESIDENCY_FILE };

static bool fail_usage(GError **error, const char *format, int64_t pid)
{
	g_autofree char *number = g_strdup_printf("%" PRId64, pid);
	g_auto(GStrv) parts = g_strsplit(format, "%", -1);
	g_autofree char *message = g_strjoinv(number, parts);

	g_set_error_literal(error, HC_ERROR, HC_ERROR_USAGE, message);
	return false;
}

/* Why the memory of a process may not be read, and what to do about it. */
static void explain_denial(pid_t pid, const char *status, GError **error)
{
	g_autofree char *yama = hc_proc_read(pid, "../sys/kernel/yama/ptrace_scope", NULL, NULL);
	uint64_t owner = 0;
	struct passwd record, *found = NULL;
	char buffer[1024];
	int scope = yama ? (int)g_ascii_strtoll(yama, NULL, 10) : 0;

	if (hc_proc_field(status, "Uid:", &owner) && geteuid() && owner != geteuid()) {
		getpwuid_r((uid_t)owner, &record, buffer, sizeof buffer, &found);
		g_set_error(error, HC_ERROR, HC_ERROR_IO,
			"process %d is not yours but %s's: run heapcore capture as that user, or as root (sudo)",
			(int)pid, found ? found->pw_name : "another user");
	} else if (scope >= 3) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO,
			"the memory of process %d may not be read: kernel.yama.ptrace_scope is 3, which forbids it to all "
			"until the machine starts again",
			(int)pid);
	} else if (scope && geteuid()) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO,
			"the memory of process %d may not be read: kernel.yama.ptrace_scope is %d: use sudo, or "
			"sudo sysctl kernel.yama.ptrace_scope=0",
			(int)pid, scope);
	} else {
		g_set_error(error, HC_ERROR, HC_ERROR_IO,
			"the memory of process %d may not be read (ptrace is denied): %s", (int)pid,
			geteuid() ? "it may be protected (setuid, or PR_SET_DUMPABLE): use sudo" :
				    "in a container, give it the capability SYS_PTRACE, or capture from outside");
	}
}

/* Whether PID is a process whose memory may be read. */
static bool check_process(const capture_task *capture, GError **error)
{
	g_autofree char *status = hc_proc_read(capture->pid, "status", NULL, NULL);
	g_autofree char *memory = g_strdup_printf("/proc/%d/mem", (int)capture->pid);
	uint64_t tracer = 0, resident, leader = capture->pid;
	int descriptor;

	if (!status)
		return fail_usage(error, "there is no process %", capture->pid);
	if (hc_proc_field(status, "Tgid:", &leader) && leader != (uint64_t)capture->pid) {
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "%d is a thread of process %" PRIu64, (int)capture->pid,
			leader);
		return false;
	}
	if (capture->pid == getpid())
		return fail_usage(error, "process % is heapcore itself", capture->pid);
	if (!hc_proc_field(status, "VmRSS:", &resident))
		return fail_usage(error, "process % has no memory: it is one of the kernel's, or has ended (a zombie)",
			capture->pid);
	if (hc_proc_field(status, "TracerPid:", &tracer) && tracer) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO,
			"process %d is being traced by process %" PRIu64 " (a debugger?): end that first",
			(int)capture->pid, tracer);
		return false;
	}
	descriptor = open(memory, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0) {
		explain_denial(capture->pid, status, error);
		return false;
	}
	close(descriptor);
	return true;
}

static bool open_directory(capture_task *capture, GError **error)
{
	const char *path = capture->options->directory;
	g_autoptr(GDir) entries = NULL;

	capture->made = !mkdir(path, DIRECTORY_MODE);
	if (!capture->made && errno != EEXIST) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot make the folder %s: %s", path, g_strerror(errno));
		return false;
	}
	capture->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (capture->directory < 0) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", path, g_strerror(errno));
		return false;
	}
	entries = g_dir_open(path, 0, NULL);
	if (!entries || g_dir_read_name(entries)) {
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE,
			"the folder %s is not empty: name one that is not there yet", path);
		close(capture->directory);
		capture->directory = -1;
		return false;
	}
	return true;
}

static bool check_room(const capture_task *capture, GError **error)
{
	uint64_t spare = MAX(SPARE, capture->estimate / SPARE_SHARE), available;
	char need[HC_TEXT_SIZE_LENGTH], have[HC_TEXT_SIZE_LENGTH], left[HC_TEXT_SIZE_LENGTH];
	struct statvfs status;

	if (fstatvfs(capture->directory, &status)) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", capture->options->directory, g_strerror(errno));
		return false;
	}
	available = (uint64_t)status.f_bavail * status.f_frsize;
	if (available >= spare && available - spare >= capture->estimate)
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_IO,
		"the core would not fit: it takes about %s, and %s has %s free, of which %s are to stay free; the process "
		"was not stopped",
		hc_text_size(need, capture->estimate), capture->options->directory, hc_text_size(have, available),
		hc_text_size(left, spare));
	return false;
}

static void remove_files(const capture_task *capture)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(file_names); i++)
		unlinkat(capture->directory, file_names[i], 0);
	unlinkat(capture->directory, capture->core_name, 0);
	if (capture->made)
		rmdir(capture->options->directory);
}

static bool keep_waiting(void *data)
{
	const capture_task *capture = data;
	const hc_capture_options *options = capture->options;

	return !options->progress || options->progress(0, capture->estimate, options->progress_data);
}

static bool write_core(
	capture_task *capture, const hc_stopped_process *process, GArray *mappings, const char *status, GError **error)
{
	g_autoptr(GByteArray) notes = hc_capture_notes(capture->pid, process, mappings, status, error);
	hc_core_writer writer = {
		.pid = capture->pid,
		.mappings = mappings,
		.notes = notes,
		.estimate = capture->estimate,
		.progress = capture->options->progress,
		.progress_data = capture->options->progress_data,
	};
	bool written;

	if (!notes)
		return false;
	writer.core = openat(capture->directory, capture->core_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writer.core < 0) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot write %s: %s", capture->core_name, g_strerror(errno));
		return false;
	}
	written = hc_core_writer_run(&writer, error);
	if (close(writer.core) && written) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot write the core: %s", g_strerror(errno));
		written = false;
	}
	return written;
}

/* The kernel's clock, which no program has put there: neither gdb nor the kernel dumps it. */
static void leave_out_clock(GArray *mappings)
{
	for (unsigned i = 0; i < mappings->len;) {
		if (g_str_has_prefix(g_array_index(mappings, hc_smaps_entry, i).path, "[vvar"))
			g_array_remove_index(mappings, i);
		else
			i++;
	}
}

/* Before the core is written: that reads pages that were not there, and so makes them. */
static bool write_pages(const capture_task *capture, GArray *mappings, GError **error)
{
	g_autoptr(GArray) runs = hc_capture_scan_pages(capture->pid, mappings, false);
	g_autoptr(GByteArray) contents = runs ? hc_page_runs_store(runs, sysconf(_SC_PAGESIZE)) : NULL;

	return !contents || contents->len > HC_RESIDENCY_FILE_LIMIT ||
	       hc_capture_write(
		       capture->directory, HC_RESIDENCY_FILE, (const char *)contents->data, contents->len, error);
}

/* All that is done while the process stands still. */
static bool read_stopped(capture_task *capture, const hc_stopped_process *process, GError **error)
{
	g_autofree char *smaps = NULL, *status = NULL;
	g_autoptr(GArray) mappings = NULL;

	if (!hc_capture_copy_proc(capture->pid, capture->directory, error))
		return false;
	status = hc_proc_read(capture->pid, "status", NULL, error);
	smaps = status ? hc_proc_read(capture->pid, "smaps", NULL, error) : NULL;
	if (!smaps)
		return false;
	mappings = hc_smaps_parse(smaps);
	leave_out_clock(mappings);
	capture->estimate = hc_smaps_estimate(mappings, hc_stopped_process_thread_count(process));
	return check_room(capture, error) && hc_capture_write(capture->directory, "status", status, -1, error) &&
	       hc_capture_write(capture->directory, "smaps", smaps, -1, error) &&
	       write_pages(capture, mappings, error) && write_core(capture, process, mappings, status, error);
}

/* proc(5), stat: the 22nd word; the second is a name that may hold anything but ends with the last parenthesis. */
static int64_t start_time(pid_t pid)
{
	g_autofree char *text = hc_proc_read(pid, "stat", NULL, NULL);
	char *end = text ? strrchr(text, ')') : NULL;
	g_auto(GStrv) words = g_strsplit(end ? end : "", " ", -1);

	return g_strv_length(words) > 20 ? g_ascii_strtoll(words[20], NULL, 10) : 0;
}

static bool write_description(const capture_task *capture, int64_t time, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *link = g_strdup_printf("/proc/%d/exe", (int)capture->pid);
	g_autofree char *executable = g_file_read_link(link, NULL);
	g_autofree char *escaped = g_strescape(executable ? executable : "", NULL);
	g_autofree char *text = NULL;

	g_key_file_set_integer(file, "capture", "format", HC_CAPTURE_FORMAT);
	g_key_file_set_int64(file, "capture", "pid", capture->pid);
	g_key_file_set_string(file, "capture", "core", capture->core_name);
	g_key_file_set_int64(file, "capture", "time", time);
	g_key_file_set_int64(file, "capture", "start-time", start_time(capture->pid));
	g_key_file_set_double(file, "capture", "stopped-seconds", capture->stopped);
	g_key_file_set_int64(file, "capture", "page-size", sysconf(_SC_PAGESIZE));
	if (executable)
		g_key_file_set_string(file, "capture", "executable", escaped);
	text = g_key_file_to_data(file, NULL, NULL);
	return hc_capture_write(capture->directory, "capture.ini", text, -1, error);
}

/* How much there is, before anything is stopped. */
static bool estimate(capture_task *capture, GError **error)
{
	g_autofree char *smaps = hc_proc_read(capture->pid, "smaps", NULL, error);
	g_autofree char *status = smaps ? hc_proc_read(capture->pid, "status", NULL, error) : NULL;
	g_autoptr(GArray) mappings = NULL;
	uint64_t threads = 1;

	if (!status)
		return false;
	hc_proc_field(status, "Threads:", &threads);
	mappings = hc_smaps_parse(smaps);
	capture->estimate = hc_smaps_estimate(mappings, (unsigned)MIN(threads, 1 << 20));
	return check_room(capture, error);
}

static bool take(capture_task *capture, GError **error)
{
	g_autoptr(hc_stopped_process) process = NULL;
	int64_t time = g_get_real_time() / G_USEC_PER_SEC;
	gint64 begin;
	bool done;

	if (!estimate(capture, error))
		return false;
	if (!keep_waiting(capture)) {
		g_set_error(error, HC_ERROR, HC_ERROR_CANCELLED, "interrupted; the process was not stopped");
		return false;
	}
	begin = g_get_monotonic_time();
	process = hc_process_stop(capture->pid, keep_waiting, capture, error);
	if (!process)
		return false;
	done = read_stopped(capture, process, error);
	hc_process_continue(g_steal_pointer(&process));
	capture->stopped = (g_get_monotonic_time() - begin) / (double)G_USEC_PER_SEC;
	return done && write_description(capture, time, error);
}

bool hc_capture_take(int64_t pid, const hc_capture_options *options, GError **error)
{
	capture_task capture = { .pid = (pid_t)pid, .options = options, .directory = -1 };
	bool taken;

	if (pid <= 0 || pid > INT32_MAX)
		return fail_usage(error, "there is no process %", pid);
	g_snprintf(capture.core_name, sizeof capture.core_name, "core.%d", (int)capture.pid);
	if (!check_process(&capture, error) || !open_directory(&capture, error))
		return false;
	taken = take(&capture, error);
	if (!taken)
		remove_files(&capture);
	close(capture.directory);
	return taken;
}
