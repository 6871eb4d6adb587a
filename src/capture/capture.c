/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking a capture: all that can be refused is refused before the process is stopped; capture.ini is written last; after an error
 * everything that was written is removed.
 *
 * The process stands still while its threads' registers and its mappings are read and a copy of it
 * is made (freeze.c). All that can be read of the copy is read when it goes on: how much memory
 * there was (account.c), and the memory. Nothing is written to a disk before, but what a copy does
 * not have, if there is no memory for that. Where no copy can be made, or none is wanted, it stands
 * still until all is written.
 *
 * The core is written here and not by gcore, because gdb writes address space that was only reserved as zeros (gdb 13: a reserved
 * terabyte is a file of a terabyte), and reads symbols while the process stands still.
 */
#include "capture/capture_parts.h"

#include "base/scratch.h"
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
	COMPRESSED_SHARE = 2,  /* one in so many bytes is left, at most, of most heaps */
	DIRECTORY_MODE = 0700, /* a core holds what the process held: keys, passwords */
};

typedef struct capture_task {
	pid_t pid;
	pid_t reader;	    /* hc_proc_living_thread() of it */
	bool is_i386;
	int64_t own_number; /* where it runs */
	const hc_capture_options *options;
	int directory; /* descriptor */
	bool made;     /* the folder is ours */
	char core_name[32];
	uint64_t estimate;
	double stopped;	   /* seconds */
	char *why_stopped; /* why it stood still all the time; NULL: it did not. Owned */
	hc_capture_rest *rest; /* of one whose core has no name; NULL: it has one */
	hc_guardian *guardian; /* ours, if there is no REST */
	hc_frozen_copy copy;
	char *status; /* of /proc, while it stands still; owned */
	hc_account account;
	hc_thread_notes threads;
	GArray *mappings;  /* of hc_smaps_entry: those of the core; owned */
	GByteArray *notes; /* owned */
	hc_core_writer writer;
} capture_task;

const char *const hc_capture_files[] = { "capture.ini", "smaps", "status", "maps", "meminfo", "sockstat", "sockstat6",
	"descriptors", "sockets", "cgroup", "smaps_rollup", HC_RESIDENCY_FILE, NULL };

static bool fail_usage(GError **error, const char *format, int64_t pid)
{
	g_autofree char *number = g_strdup_printf("%" PRId64, pid);
	g_auto(GStrv) parts = g_strsplit(format, "%", -1);
	g_autofree char *message = g_strjoinv(number, parts);

	g_set_error_literal(error, HC_ERROR, HC_ERROR_USAGE, message);
	return false;
}

/* capabilities(7) */
enum {
	CAPABILITY_DAC_OVERRIDE = 1,
	CAPABILITY_DAC_READ_SEARCH = 2,
	CAPABILITY_SYS_PTRACE = 19
};

static bool has_capability(unsigned number)
{
	g_autofree char *status = hc_proc_read(getpid(), "status", NULL, NULL);
	const char *line = status ? strstr(status, "CapEff:") : NULL;

	return line && (g_ascii_strtoull(line + strlen("CapEff:"), NULL, 16) >> number & 1);
}

/* user_namespaces(7): only the first one has all users of the machine. */
static bool is_in_user_namespace(void)
{
	g_autofree char *map = hc_proc_read(getpid(), "uid_map", NULL, NULL);
	g_auto(GStrv) words = g_strsplit_set(map ? map : "", " \n", -1);
	const char *last = NULL;

	for (char **word = words; *word; word++)
		last = **word ? *word : last;
	return last && g_ascii_strtoull(last, NULL, 10) < UINT32_MAX;
}

static const char *why_denied(void)
{
	if (is_in_user_namespace())
		return "heapcore runs in a user namespace (a container without privileges?), and what it may do there it may not do "
		       "to a process of another one: capture from outside";
	if (!geteuid() && !has_capability(CAPABILITY_SYS_PTRACE))
		return "root lacks the capability CAP_SYS_PTRACE here: start the container with --cap-add SYS_PTRACE, or capture "
		       "from outside";
	if (!geteuid() && !has_capability(CAPABILITY_DAC_OVERRIDE) && !has_capability(CAPABILITY_DAC_READ_SEARCH))
		return "root lacks the capability CAP_DAC_OVERRIDE here, which it needs for files of other users";
	if (!geteuid())
		return "a security module (AppArmor, SELinux) may forbid it: see the kernel's log";
	return "it may be protected (setuid, or PR_SET_DUMPABLE), or have a user namespace of its own: use sudo";
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
			"the memory of process %d may not be read (ptrace is denied): %s", (int)pid, why_denied());
	}
}

/* Whether it is a process whose memory may be read, and by which of its threads. */
static bool check_process(capture_task *capture, GError **error)
{
	g_autofree char *status = hc_proc_read(capture->pid, "status", NULL, NULL), *memory = NULL;
	uint64_t tracer = 0, leader = capture->pid;
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
	capture->reader = hc_proc_living_thread(capture->pid);
	if (!capture->reader)
		return fail_usage(error, "process % has no memory: it is one of the kernel's, or has ended (a zombie)",
			capture->pid);
	if (capture->reader != capture->pid) {
		g_free(status);
		status = hc_proc_read(capture->reader, "status", NULL, error);
		if (!status)
			return false;
	}
	capture->is_i386 = hc_proc_is_i386(capture->reader);
	memory = g_strdup_printf("/proc/%d/mem", (int)capture->reader);
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

	if (capture->rest)
		return true; /* that was seen to when its file was made */
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

static void empty_directory(const capture_task *capture)
{
	for (unsigned i = 0; hc_capture_files[i]; i++)
		unlinkat(capture->directory, hc_capture_files[i], 0);
	unlinkat(capture->directory, capture->core_name, 0);
}

static void remove_files(const capture_task *capture)
{
	empty_directory(capture);
	if (capture->made)
		rmdir(capture->options->directory);
}

static bool keep_waiting(void *data)
{
	const capture_task *capture = data;
	const hc_capture_options *options = capture->options;

	return !options->progress || options->progress(0, capture->estimate, options->progress_data);
}

static double seconds_since(gint64 begin)
{
	return (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
}

/* The file that the core is to be in: a descriptor, or -1. */
static int make_core(const capture_task *capture)
{
	g_autofree char *link = NULL;

	if (!capture->rest)
		return openat(capture->directory, capture->core_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	link = g_strdup_printf("/proc/self/fd/%d", capture->rest->core);
	return symlinkat(link, capture->directory, capture->core_name) ? -1 :
									 fcntl(capture->rest->core, F_DUPFD_CLOEXEC, 0);
}

/*
 * What is known of the mappings is to be written; of those that children do not have, as long as
 * the process stands still.
 */
static void prepare_writer(capture_task *capture)
{
	g_clear_pointer(&capture->mappings, g_array_unref);
	capture->mappings = hc_account_for_core(&capture->account);
	capture->writer.heap_only = capture->options->heap_only;
	capture->writer.is_i386 = capture->is_i386;
	capture->writer.mappings = capture->mappings;
	capture->writer.progress = capture->options->progress;
	capture->writer.progress_data = capture->options->progress_data;
}

/* The core, out of the memory of SOURCE: the process, or its copy. */
static bool write_core(capture_task *capture, pid_t source, GError **error)
{
	int core = make_core(capture);

	if (core < 0) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot write %s: %s", capture->core_name, g_strerror(errno));
		return false;
	}
	prepare_writer(capture);
	capture->notes = hc_capture_join_notes(&capture->threads, capture->mappings);
	capture->writer.notes = capture->notes;
	capture->writer.estimate = capture->estimate;
	return hc_core_sink_init(&capture->writer.sink, core, capture->options->compress, error) &&
	       hc_core_writer_write(&capture->writer, source, error);
}

/* Before the core is written: that reads pages that were not there, and so makes them. */
static bool write_account(const capture_task *capture, GError **error)
{
	const hc_account *account = &capture->account;
	g_autoptr(GByteArray) pages = account->runs ? hc_page_runs_store(account->runs, sysconf(_SC_PAGESIZE)) : NULL;
	const struct {
		const char *name, *text;
		gssize length;
	} files[] = {
		{ "status", capture->status, -1 },
		{ "maps", account->maps, -1 },
		{ "smaps", account->smaps, -1 },
		{ "smaps_rollup", account->rollup, -1 },
		{ HC_RESIDENCY_FILE, pages && pages->len <= HC_RESIDENCY_FILE_LIMIT ? (const char *)pages->data : NULL,
			pages ? pages->len : 0 },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(files); i++)
		if (files[i].text &&
			!hc_capture_write(capture->directory, files[i].name, files[i].text, files[i].length, error))
			return false;
	return true;
}

static int64_t own_number(pid_t pid, const char *status)
{
	uint64_t number;

	return hc_proc_own_number(status, "NStgid:", &number) ? (int64_t)number : pid;
}

/* What the core takes on the disk, about. */
static uint64_t estimate(const capture_task *capture, GArray *mappings, unsigned threads)
{
	uint64_t plain = hc_smaps_estimate(mappings, threads, capture->options->heap_only);

	return capture->options->compress ? plain / COMPRESSED_SHARE : plain;
}

/*
 * Makes the copy of PROCESS, and has it go on. If none can be made, capture->why_stopped tells why,
 * and it stands still. FALSE: HC_ERROR_IO, HC_ERROR_CANCELLED.
 */
static bool freeze(capture_task *capture, hc_stopped_process **process, gint64 begin, GError **error)
{
	g_autoptr(GError) why = NULL;

	if (!hc_account_stop(&capture->account, capture->reader, error))
		return false;
	if (!hc_freeze(&capture->copy, *process, capture->account.mappings, &why)) {
		capture->why_stopped = g_strdup(why->message);
		return true;
	}
	prepare_writer(capture);
	if (!hc_core_writer_keep_aside(&capture->writer, capture->reader, error))
		return false;
	g_clear_pointer(process, hc_process_continue);
	capture->stopped = seconds_since(begin);
	return true;
}

/*
 * All that is done from the moment when it stands still. PROCESS is taken: it may go on before its
 * memory is written. *RET_LOST: it did, and too much is not known; nothing was written yet that is
 * to stay.
 */
static bool read_stopped(
	capture_task *capture, hc_stopped_process *process, gint64 begin, bool *ret_lost, GError **error)
{
	g_autoptr(hc_stopped_process) stopped = process;
	unsigned threads = hc_stopped_process_thread_count(stopped);
	bool known;

	capture->status = hc_proc_read(capture->reader, "status", NULL, error);
	if (!capture->status || !hc_capture_read_threads(capture->pid, stopped, capture->status, capture->is_i386,
					&capture->threads, error))
		return false;
	if (!capture->why_stopped && !freeze(capture, &stopped, begin, error))
		return false;
	capture->own_number = own_number(capture->pid, capture->status);
	if (!hc_capture_copy_proc(capture->reader, capture->directory, error))
		return false;
	known = stopped ? hc_account_read(&capture->account, capture->reader, error) :
			  hc_account_finish(&capture->account, capture->copy.pid, ret_lost, error);
	if (!known)
		return false;
	capture->estimate = estimate(capture, capture->account.mappings, threads);
	return check_room(capture, error) && write_account(capture, error) &&
	       write_core(capture, stopped ? capture->reader : capture->copy.pid, error);
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
	g_autofree char *link = g_strdup_printf("/proc/%d/exe", (int)capture->reader);
	g_autofree char *executable = g_file_read_link(link, NULL);
	g_autofree char *escaped = g_strescape(executable ? executable : "", NULL);
	g_autofree char *text = NULL, *root = hc_proc_foreign_root(capture->reader);

	g_key_file_set_integer(file, "capture", "format", HC_CAPTURE_FORMAT);
	g_key_file_set_int64(file, "capture", "pid", capture->pid);
	if (capture->own_number != capture->pid)
		g_key_file_set_int64(file, "capture", "own-pid", capture->own_number);
	if (root)
		g_key_file_set_string(file, "capture", "root", root);
	g_key_file_set_string(file, "capture", "core", capture->core_name);
	g_key_file_set_int64(file, "capture", "time", time);
	g_key_file_set_int64(file, "capture", "start-time", start_time(capture->pid));
	g_key_file_set_double(file, "capture", "stopped-seconds", capture->stopped);
	if (capture->why_stopped)
		g_key_file_set_string(file, "capture", "stopped-because", capture->why_stopped);
	g_key_file_set_int64(file, "capture", "page-size", sysconf(_SC_PAGESIZE));
	if (capture->options->heap_only)
		g_key_file_set_boolean(file, "capture", "heap-only", TRUE);
	if (executable)
		g_key_file_set_string(file, "capture", "executable", escaped);
	text = g_key_file_to_data(file, NULL, NULL);
	return hc_capture_write(capture->directory, "capture.ini", text, -1, error);
}

/* A file without a name for the core. */
static bool make_scratch(const capture_task *capture, GError **error)
{
	capture->rest->core = hc_scratch_open(capture->estimate, capture->rest->memory, error);
	return capture->rest->core >= 0;
}

/* How much there is, and whether a copy can be made, before anything is stopped. */
static bool prepare(capture_task *capture, GError **error)
{
	g_autofree char *status = hc_proc_read(capture->reader, "status", NULL, error);
	g_autoptr(GError) why = NULL;
	uint64_t threads = 1;

	if (!status || !hc_account_prepare(&capture->account, capture->reader, error))
		return false;
	hc_proc_field(status, "Threads:", &threads);
	capture->estimate = estimate(capture, capture->account.before, (unsigned)MIN(threads, 1 << 20));
	if (capture->options->stop)
		g_set_error_literal(&why, HC_ERROR, HC_ERROR_UNSUPPORTED, "so it was asked for");
	else if (capture->reader != capture->pid)
		g_set_error_literal(&why, HC_ERROR, HC_ERROR_UNSUPPORTED, "its main thread has ended");
	else if (capture->is_i386)
		g_set_error_literal(&why, HC_ERROR, HC_ERROR_UNSUPPORTED, "it is a 32-bit one");
	else if (hc_freeze_prepare(capture->pid, status, capture->account.before, &capture->copy, &why))
		hc_account_prepare_copy(&capture->account, capture->pid);
	if (why)
		capture->why_stopped = g_strdup(why->message);
	return check_room(capture, error) && (!capture->rest || make_scratch(capture, error));
}

/* Before there is a copy, so that one is never alone. */
static void start_guardian(capture_task *capture)
{
	if (!capture->rest && !capture->why_stopped)
		capture->guardian = hc_guardian_start(capture->pid, NULL);
	capture->copy.trace = hc_guardian_trace(capture->rest ? capture->rest->guardian : capture->guardian);
}

/* Has the process stand still, and reads it. *RET_LOST: as of read_stopped(). */
static bool stop_and_read(capture_task *capture, bool *ret_lost, GError **error)
{
	gint64 begin = g_get_monotonic_time();
	hc_stopped_process *process = hc_process_stop(capture->reader, keep_waiting, capture, error);
	bool done;

	*ret_lost = false;
	if (!process)
		return false;
	done = read_stopped(capture, process, begin, ret_lost, error);
	if (!capture->stopped)
		capture->stopped = seconds_since(begin);
	hc_freeze_end(&capture->copy);
	return done;
}

/*
 * What was read of the process is of no use: once more, and now it stands still all the time, for
 * the reason WHY.
 */
static void begin_anew(capture_task *capture, const char *why)
{
	empty_directory(capture);
	hc_core_writer_clear(&capture->writer);
	hc_thread_notes_clear(&capture->threads);
	hc_account_clear_moment(&capture->account);
	g_clear_pointer(&capture->status, g_free);
	capture->stopped = 0;
	capture->why_stopped = g_strdup(why);
}

static bool take(capture_task *capture, GError **error)
{
	g_autoptr(GError) why = NULL;
	int64_t time = g_get_real_time() / G_USEC_PER_SEC;
	bool lost, done;

	if (!prepare(capture, error))
		return false;
	if (!keep_waiting(capture)) {
		g_set_error(error, HC_ERROR, HC_ERROR_CANCELLED, "interrupted; the process was not stopped");
		return false;
	}
	start_guardian(capture);
	done = stop_and_read(capture, &lost, &why);
	if (lost) {
		begin_anew(capture, why->message);
		g_clear_error(&why);
		done = stop_and_read(capture, &lost, &why);
	}
	if (!done)
		g_propagate_error(error, g_steal_pointer(&why));
	return done && hc_core_sink_close(&capture->writer.sink, error) && write_description(capture, time, error);
}

static void clear(capture_task *capture)
{
	hc_freeze_end(&capture->copy);
	hc_guardian_end(capture->guardian);
	hc_core_writer_clear(&capture->writer);
	g_clear_pointer(&capture->mappings, g_array_unref);
	g_clear_pointer(&capture->notes, g_byte_array_unref);
	hc_account_clear(&capture->account);
	hc_thread_notes_clear(&capture->threads);
	g_free(capture->status);
	g_free(capture->why_stopped);
	close(capture->directory);
}

bool hc_capture_make(int64_t pid, const hc_capture_options *options, hc_capture_rest *rest, GError **error)
{
	capture_task capture = {
		.pid = (pid_t)pid,
		.options = options,
		.rest = rest,
		.directory = -1,
		.writer = { .sink.file = -1, .aside.file = -1 },
		.copy = { .original = (pid_t)pid, .memory = -1 },
	};
	bool taken;

	if (pid <= 0 || pid > INT32_MAX)
		return fail_usage(error, "there is no process %", pid);
	g_snprintf(capture.core_name, sizeof capture.core_name, "core.%d%s", (int)capture.pid,
		options->compress ? ".zst" : "");
	if (!check_process(&capture, error) || !open_directory(&capture, error))
		return false;
	taken = take(&capture, error);
	if (!taken)
		remove_files(&capture);
	clear(&capture);
	return taken;
}
