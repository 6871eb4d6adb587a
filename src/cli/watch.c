/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watching a live process: every so often a snapshot, and what has grown since the first one as a line; at the end the diff of all that are kept.
 *
 * Kept are the first and the last, and of those between so many that they lie about as far apart from each other: if there is one too many,
 * the one goes whose neighbours are the nearest. It ends when the process does, with a signal, after --count steps, or once --until holds.
 * Signals are blocked all the time, and asked for between the steps.
 *
 * Each step is a process of its own, as capturing takes the rights of a debugger, and reading what was captured must not have them: it captures,
 * gives up its rights, reads, and hands a snapshot back in a file in memory. Here nothing is read but that, as any snapshot is.
 */
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	KEEP = 6,
	EVERY = 600, /* seconds */
	EVERY_MAX = 366 * 86400,
	FAILURES_MAX = 3 /* steps in a row */
};

/* The options as given. */
typedef struct watch_words {
	const char *every, *until, *directory;
	int keep, count;
} watch_words;

typedef struct kept_snapshot {
	hc_snapshot *snapshot;
	char *path;  /* of its file; NULL: it has none */
	gint64 time; /* microseconds of g_get_monotonic_time() */
} kept_snapshot;

typedef struct process_watch {
	cli_options *options;
	const watch_words *words;
	cli_conditions *conditions; /* of --until; NULL: none */
	uint64_t growth;	    /* likewise: bytes; UINT64_MAX: none */
	gint64 every;		    /* microseconds */
	int64_t pid;
	const char *binary;
	int process, signals; /* descriptors; process -1: the kernel has none */
	GArray *kept;	      /* of kept_snapshot */
	unsigned taken;	      /* snapshots so far */
	bool unwritten;	      /* the file of one could not be */
} process_watch;

static void free_kept(void *data)
{
	kept_snapshot *kept = data;

	hc_snapshot_destroy(kept->snapshot);
	g_free(kept->path);
}

/* "90", "90s", "10m", "2h", "1d": seconds. FALSE: it is none, or 0, or more than a year. */
static bool parse_interval(const char *text, gint64 *ret_seconds)
{
	static const struct {
		char letter;
		unsigned seconds;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	guint64 number = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, &end, 10) : 0;

	for (unsigned i = 0; number && number <= EVERY_MAX && i < G_N_ELEMENTS(units); i++) {
		if (*end != units[i].letter || (*end && end[1]))
			continue;
		*ret_seconds = (gint64)(number * units[i].seconds);
		return *ret_seconds <= EVERY_MAX;
	}
	return false;
}

static bool parse_until(const cli_command *command, process_watch *watch)
{
	char *texts[] = { (char *)watch->words->until, NULL };

	watch->growth = UINT64_MAX;
	if (!watch->words->until || cli_parse_size(watch->words->until, &watch->growth))
		return true;
	watch->conditions = cli_conditions_parse(command, "--until", texts);
	return watch->conditions != NULL;
}

static bool parse_words(const cli_command *command, process_watch *watch)
{
	const watch_words *words = watch->words;
	gint64 seconds = EVERY;

	if (words->every && !parse_interval(words->every, &seconds)) {
		cli_complain_usage(command, "--every takes a time as 90s, 10m, 2h or 1d, not \"%s\"", words->every);
		return false;
	}
	if (words->keep < 2 || words->keep > HC_DIFF_SNAPSHOTS_MAX || words->count < 0) {
		cli_complain_usage(
			command, "--keep takes a number from 2 to %d, --count one from 1 on", HC_DIFF_SNAPSHOTS_MAX);
		return false;
	}
	watch->every = seconds * G_USEC_PER_SEC;
	return parse_until(command, watch);
}

/* ---- what is kept ---- */

static kept_snapshot *kept_at(const process_watch *watch, unsigned index)
{
	return &g_array_index(watch->kept, kept_snapshot, index);
}

static void drop_one(process_watch *watch)
{
	unsigned dropped = 1;
	gint64 least = G_MAXINT64;

	for (unsigned i = 1; i + 1 < watch->kept->len; i++) {
		gint64 apart = kept_at(watch, i + 1)->time - kept_at(watch, i - 1)->time;

		if (apart < least) {
			least = apart;
			dropped = i;
		}
	}
	if (kept_at(watch, dropped)->path)
		unlink(kept_at(watch, dropped)->path);
	g_array_remove_index(watch->kept, dropped);
}

/* SNAPSHOT is taken. FALSE: its file could not be written, which was said. */
static bool keep(process_watch *watch, hc_snapshot *snapshot)
{
	kept_snapshot kept = { .snapshot = snapshot, .time = g_get_monotonic_time() };
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%S");
	/* With a number: two may be of one second, where the clock was set or the first of them took long. */
	g_autofree char *name = g_strdup_printf("%s-%u-%06u.snap", time, (unsigned)getpid(), ++watch->taken);
	g_autoptr(GError) error = NULL;
	bool written = true;

	if (watch->words->directory) {
		kept.path = g_build_filename(watch->words->directory, name, NULL);
		written = hc_snapshot_write(snapshot, kept.path, false, NULL, &error);
	}
	g_array_append_val(watch->kept, kept);
	if (!written) {
		cli_complain("%s", error->message);
		watch->unwritten = true;
	}
	if (watch->kept->len > (unsigned)watch->words->keep)
		drop_one(watch);
	return written;
}

/* ---- a step ---- */

/* In a process of its own: captures, gives up its rights, writes a snapshot to FILE. FALSE: it could not, which was said. */
static bool take_apart(const process_watch *watch, int file)
{
	g_autoptr(GPtrArray) inputs = g_ptr_array_new(), snapshots = NULL;
	g_autoptr(GError) error = NULL;
	bool written;

	g_ptr_array_add(inputs, watch->options->live->name);
	snapshots = cli_take_snapshots(watch->options, inputs, watch->binary);
	written = snapshots && hc_snapshot_write_to(snapshots->pdata[0], file, &error);
	g_clear_pointer(&watch->options->live->held, hc_capture_release);
	if (error)
		cli_complain("%s", error->message);
	return written;
}

/* Waits for CHILD; a signal that comes meanwhile ends its capture, and stays to be asked for. Returns its status as waitpid(2) has it. */
static int wait_for(const process_watch *watch, pid_t child)
{
	int process = (int)syscall(SYS_pidfd_open, child, 0), status = 0;
	struct pollfd ends[] = { { .fd = process, .events = POLLIN }, { .fd = watch->signals, .events = POLLIN } };

	while (process >= 0 && poll(ends, G_N_ELEMENTS(ends), -1) < 0 && errno == EINTR)
		;
	if (process >= 0 && ends[1].revents && !ends[0].revents)
		kill(child, SIGTERM);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (process >= 0)
		close(process);
	return status;
}

/* What CHILD wrote to FILE. NULL: nothing that is a snapshot, which was said. */
static hc_snapshot *take_over(const process_watch *watch, pid_t child, int file)
{
	int status = wait_for(watch, child);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);
	g_autoptr(GError) error = NULL;
	hc_snapshot *snapshot = NULL;

	if (WIFSIGNALED(status))
		cli_complain("reading the process was ended by a signal: %s", g_strsignal(WTERMSIG(status)));
	else if (!WEXITSTATUS(status))
		snapshot = hc_snapshot_read(path, &error);
	if (error)
		cli_complain("%s", error->message);
	return snapshot;
}

static hc_snapshot *take_snapshot(process_watch *watch)
{
	int file = memfd_create("heapcore-step", MFD_CLOEXEC);
	pid_t own = getpid(), child = file >= 0 ? fork() : -1;
	hc_snapshot *snapshot = NULL;

	if (!child) {
		/* Whoever is killed takes it along; its capture has somebody who sees to that. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == own && take_apart(watch, file) ? 0 : 1);
	}
	if (child < 0)
		cli_complain("cannot start a process to read with: %s", g_strerror(errno));
	else
		snapshot = take_over(watch, child, file);
	if (file >= 0)
		close(file);
	return snapshot;
}

/* Whether both are of one process: a number may be given to another one. */
static bool is_same(const hc_snapshot *a, const hc_snapshot *b)
{
	return !a->side_facts || !b->side_facts || a->side_facts->start_time == b->side_facts->start_time;
}

static hc_diff *diff_of(const process_watch *watch, bool only_ends)
{
	const hc_snapshot *snapshots[HC_DIFF_SNAPSHOTS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < watch->kept->len; i++)
		if (!only_ends || !i || i == watch->kept->len - 1)
			snapshots[count++] = kept_at(watch, i)->snapshot;
	return hc_diff_create(snapshots, count);
}

/* Whether --until holds of DIFF, which is said then. */
static bool holds(const process_watch *watch, const hc_diff *diff)
{
	int64_t growth = hc_diff_knows_resident(diff) ? hc_diff_resident_growth(diff) : hc_diff_memory_growth(diff);

	if (watch->conditions)
		return cli_conditions_check_growth(watch->conditions, diff) == CLI_CONDITION_MET;
	if (growth < 0 || (uint64_t)growth < watch->growth)
		return false;
	cli_complain("--until %s: it has grown so much", watch->words->until);
	return true;
}

/* The line of a step; with --json standard output is for the end. *RET_MET: --until holds. */
static bool tell_step(const process_watch *watch, bool *ret_met)
{
	g_autoptr(hc_diff) diff = watch->kept->len > 1 ? diff_of(watch, true) : NULL;
	const hc_snapshot *last = kept_at(watch, watch->kept->len - 1)->snapshot;
	g_auto(cli_report) report = { 0 };
	bool written;

	cli_report_init(&report, watch->options, watch->binary);
	report.options.format = HC_REPORT_TEXT;
	report.descriptor = watch->options->json ? STDERR_FILENO : STDOUT_FILENO;
	written = hc_report_step(last, diff, &report.options, NULL);
	*ret_met = diff && holds(watch, diff);
	return written;
}

/* Waits until TIME. FALSE: the process ended, or a signal came. */
static bool wait_until(const process_watch *watch, gint64 time)
{
	struct pollfd ends[] = { { .fd = watch->signals, .events = POLLIN },
		{ .fd = watch->process, .events = POLLIN } };

	for (;;) {
		gint64 left = time - g_get_monotonic_time();
		int got = left > 0 ? poll(ends, G_N_ELEMENTS(ends), (int)MIN(left / 1000 + 1, 3600 * 1000)) : 0;

		if (got > 0)
			return false;
		if (got < 0 && errno != EINTR)
			return false;
		if (left <= 0)
			return true;
	}
}

static bool has_ended(const process_watch *watch)
{
	struct pollfd end = { .fd = watch->process, .events = POLLIN };

	return watch->process >= 0 && poll(&end, 1, 0) > 0;
}

/* One step. *RET_FAILURES: how many in a row could not be taken, which was said. FALSE: it is over. */
static bool step(process_watch *watch, unsigned *ret_failures, bool *ret_met)
{
	hc_snapshot *snapshot = take_snapshot(watch);

	if (!snapshot)
		return ++*ret_failures < FAILURES_MAX && watch->kept->len && !has_ended(watch);
	*ret_failures = 0;
	if (watch->kept->len && !is_same(kept_at(watch, 0)->snapshot, snapshot)) {
		hc_snapshot_destroy(snapshot);
		return false; /* it ended, and another one has its number */
	}
	return keep(watch, snapshot) && tell_step(watch, ret_met) && !*ret_met;
}

static void run_steps(process_watch *watch, unsigned *ret_failures, bool *ret_met)
{
	gint64 begin = g_get_monotonic_time();
	int done = 0;

	while (step(watch, ret_failures, ret_met)) {
		gint64 now = g_get_monotonic_time();

		if (watch->words->count && ++done >= watch->words->count)
			return;
		/* What takes longer than the interval leaves steps out, and does not pile them up. */
		if (!wait_until(watch, begin + ((now - begin) / watch->every + 1) * watch->every))
			return;
	}
}

/* The diff of what is kept. */
static cli_status tell_end(const process_watch *watch)
{
	g_autoptr(hc_diff) diff = watch->kept->len > 1 ? diff_of(watch, false) : NULL;
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	bool written;

	if (!diff) {
		cli_complain("there is nothing to compare yet");
		return CLI_DONE;
	}
	cli_report_init(&report, watch->options, watch->binary);
	written = hc_report_diff(diff, &report.options, &error);
	return cli_finish_report(&report, written, error, hc_diff_is_partial(diff));
}

static cli_status run(process_watch *watch)
{
	unsigned failures = 0;
	bool met = false;
	sigset_t signals, former;
	cli_status status;

	cli_ending_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, &former);
	watch->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	watch->process = (int)syscall(SYS_pidfd_open, (pid_t)watch->pid, 0);
	run_steps(watch, &failures, &met);
	status = watch->kept->len ? tell_end(watch) : CLI_FAILED;
	if (met)
		status = cli_worse(status, CLI_CONDITION_MET);
	else if (watch->unwritten || (failures && !has_ended(watch)))
		status = cli_worse(status, CLI_FAILED);
	if (watch->process >= 0)
		close(watch->process);
	close(watch->signals);
	return status;
}

static bool make_directory(const char *path)
{
	if (!path || !mkdir(path, 0700) || errno == EEXIST)
		return true;
	cli_complain("cannot make the folder %s: %s", path, g_strerror(errno));
	return false;
}

cli_status cli_run_watch(const cli_command *command, int argc, char **argv)
{
	watch_words words = { .keep = KEEP };
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_WORD, "every", &words.every, .help = "how often: 90s, 10m (the default), 2h, 1d",
			.argument = "TIME" },
		{ CLI_INTEGER, "keep", &words.keep, .help = "so many snapshots, the first among them (default 6)",
			.argument = "N" },
		{ CLI_WORD, "until", &words.until, .argument = "GROWTH",
			.help = "end, with 1, once it has grown so much (a size, or a condition as of diff --fail-on)" },
		{ CLI_INTEGER, "count", &words.count, .help = "end after so many steps", .argument = "N" },
		{ CLI_PATH, "output", &words.directory, .letter = 'o', .help = "keep the snapshots as files there",
			.argument = "DIR" },
		CLI_NO_TYPES_OPTION(options, "read no debug info, name no containers: faster"),
		CLI_NO_CONTENT_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	process_watch watch = { .options = &options, .words = &words, .process = -1, .signals = -1 };
	g_autoptr(cli_conditions) conditions = NULL;
	g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(kept_snapshot));
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	/* Nothing that is shown needs the program's code. */
	options.no_sites = TRUE;
	if (!cli_parse_pid(options.arguments[0], &watch.pid))
		return cli_complain_usage(command, "\"%s\" is no process id", options.arguments[0]);
	if (!parse_words(command, &watch))
		return CLI_USAGE;
	conditions = watch.conditions;
	g_array_set_clear_func(kept, free_kept);
	watch.kept = kept;
	watch.binary = options.arguments[1];
	options.live = cli_live_new(watch.pid);
	return make_directory(words.directory) ? run(&watch) : CLI_FAILED;
}
