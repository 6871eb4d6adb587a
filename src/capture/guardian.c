/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that cleans up after us if we are killed, which nothing in us could do.
 *
 * It waits at a pipe whose other end only we have. When that is closed, we have ended: the copy of the captured process, whose tracer we
 * were, has been killed by the kernel, and is a zombie that the process does not know of. It is collected as we would have done it. If we
 * were killed just when the copy was made, its number is not known: then it is a child that ended, sends no signal (no fork() makes such), and
 * is younger than the guardian.
 *
 * It has a session of its own, blocks all signals and keeps no descriptor but the two that it needs, so that it outlives a terminal, and nobody
 * waits for it. Were the captured process to inherit it (the first process of a container does, or who asked for that: prctl(2),
 * PR_SET_CHILD_SUBREAPER), it would be told of a child that is not its own: then there is no guardian.
 */
#include "capture/capture_parts.h"

#include "core/core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TRIES = 250,	  /* while the copy is there, and has not ended yet */
	TRIES_ALONE = 10, /* while there is none: the thread that is to make it may have gone on just now */
	PAUSE = 20000,	  /* microseconds: five seconds in all */
	LONGEST = 60,	  /* seconds that cleaning up may take */
	ANCESTORS_MAX = 64,
	STAT_START = 19,  /* proc(5), stat: words behind the name's parenthesis; the 22nd of all */
	STAT_SIGNAL = 35, /* the 38th */
};

struct hc_guardian {
	pid_t pid;
	int pipe; /* the end that tells that we live */
	hc_freeze_trace *trace;
};

/* Words of /proc/PID/stat behind the name; free with g_strfreev(). Empty if there is no such process. */
static char **read_stat(pid_t pid)
{
	g_autofree char *text = hc_proc_read(pid, "stat", NULL, NULL);
	const char *end = text ? strrchr(text, ')') : NULL;

	return g_strsplit(end ? end + 2 : "", " ", -1);
}

static uint64_t start_of(pid_t pid)
{
	g_auto(GStrv) words = read_stat(pid);

	return g_strv_length(words) > STAT_START ? g_ascii_strtoull(words[STAT_START], NULL, 10) : 0;
}

/* The number that PID has where it runs: the last one of NSpid. */
static int64_t own_number_of(pid_t pid)
{
	g_autofree char *status = hc_proc_read(pid, "status", NULL, NULL);
	uint64_t number = 0;

	return hc_proc_own_number(status, "NSpid:", &number) ? (int64_t)number : pid;
}

typedef struct copy_search {
	int64_t number;	     /* the copy's own number; 0: not known */
	uint64_t not_before; /* when it was made at the earliest, as /proc tells it */
	bool is_there;	     /* found: it is there, */
	int64_t ended;	     /* ... and has ended: its own number */
} copy_search;

static void look_at(copy_search *search, pid_t child)
{
	g_auto(GStrv) words = read_stat(child);
	int64_t number = own_number_of(child);

	if (g_strv_length(words) <= STAT_SIGNAL)
		return;
	if (search->number ? number != search->number :
			     strcmp(words[STAT_SIGNAL], "0") ||
				     g_ascii_strtoull(words[STAT_START], NULL, 10) < search->not_before)
		return;
	search->is_there = true;
	if (!strcmp(words[0], "Z"))
		search->ended = number;
}

/* Looks for the copy among the children of ORIGINAL. */
static void find_copy(copy_search *search, pid_t original)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)original);
	g_autoptr(GDir) tasks = g_dir_open(path, 0, NULL);
	const char *name;

	search->is_there = false;
	search->ended = 0;
	while (tasks && !search->ended && (name = g_dir_read_name(tasks))) {
		g_autofree char *file = g_strdup_printf("task/%s/children", name);
		g_autofree char *text = hc_proc_read(original, file, NULL, NULL);
		g_auto(GStrv) children = g_strsplit(text ? text : "", " ", -1);

		for (char **child = children; *child && !search->ended; child++)
			look_at(search, (pid_t)g_ascii_strtoll(*child, NULL, 10));
	}
}

static void collect(hc_frozen_copy *copy, uint64_t not_before)
{
	copy_search search = { .number = copy->trace->own_number, .not_before = not_before };
	unsigned alone = 0;

	for (unsigned tries = 0; copy->trace->made && tries < TRIES && alone < TRIES_ALONE; tries++) {
		find_copy(&search, copy->original);
		if (search.ended) {
			copy->own_number = search.ended;
			hc_freeze_collect(copy);
			return;
		}
		alone += !search.is_there;
		g_usleep(PAUSE);
	}
}

void hc_capture_remove_folder(const char *path)
{
	g_autoptr(GDir) entries = path ? g_dir_open(path, 0, NULL) : NULL;
	const char *name;

	while (entries && (name = g_dir_read_name(entries))) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		unlink(file);
	}
	if (path)
		rmdir(path);
}

/* Closes all descriptors but these two; -1 is none. */
static void keep_two(int one, int two)
{
	int low = MIN(one, two), high = MAX(one, two);

	if (low > 0)
		close_range(0, (unsigned)low - 1, 0);
	if (low >= 0 && high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	if (low < 0 && high > 0)
		close_range(0, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0U, 0);
}

static G_GNUC_NORETURN void guard(pid_t pid, hc_freeze_trace *trace, int pipe, const char *directory)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/mem", (int)pid);
	hc_frozen_copy copy = { .original = pid, .memory = open(path, O_RDWR | O_CLOEXEC), .trace = trace };
	uint64_t begin = start_of(getpid());
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGALRM, SIG_DFL);
	setsid();
	prctl(PR_SET_NAME, "heapcore-guard");
	keep_two(pipe, copy.memory);
	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
	alarm(LONGEST);
	if (!trace->not_ours)
		hc_capture_remove_folder(directory);
	copy.code = trace->code;
	collect(&copy, begin);
	_exit(0);
}

/* Whether PROCESS is to be left alone by what we leave behind. */
static bool may_inherit(pid_t process)
{
	pid_t ancestor = getpid();

	for (unsigned i = 0; i < ANCESTORS_MAX && ancestor > 0 && ancestor != process; i++) {
		g_autofree char *status = hc_proc_read(ancestor, "status", NULL, NULL);
		uint64_t parent = 0;

		hc_proc_field(status, "PPid:", &parent);
		ancestor = (pid_t)parent;
	}
	return process == 1 || ancestor == process;
}

/* Until it has a session of its own, where nobody kills it with us: then it closes what it does not need, its end of this pipe too. */
static void wait_until_apart(int pipe)
{
	char byte;

	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
	close(pipe);
}

hc_guardian *hc_guardian_start(pid_t pid, const char *directory)
{
	hc_guardian guardian = { .pid = -1 };
	int ends[2], apart[2];

	if (may_inherit(pid) || pipe2(ends, O_CLOEXEC))
		return NULL;
	if (pipe2(apart, O_CLOEXEC)) {
		close(ends[0]);
		close(ends[1]);
		return NULL;
	}
	guardian.pipe = ends[1];
	guardian.trace = mmap(NULL, sizeof *guardian.trace, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guardian.trace != MAP_FAILED)
		guardian.pid = fork();
	if (!guardian.pid)
		guard(pid, guardian.trace, ends[0], directory);
	close(ends[0]);
	close(apart[1]);
	wait_until_apart(apart[0]);
	if (guardian.pid > 0)
		return g_memdup2(&guardian, sizeof guardian);
	close(ends[1]);
	if (guardian.trace != MAP_FAILED)
		munmap(guardian.trace, sizeof *guardian.trace);
	return NULL;
}

volatile hc_freeze_trace *hc_guardian_trace(const hc_guardian *guardian)
{
	return guardian ? guardian->trace : NULL;
}

void hc_guardian_end(hc_guardian *guardian)
{
	if (!guardian)
		return;
	close(guardian->pipe);
	while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(guardian->trace, sizeof *guardian->trace);
	g_free(guardian);
}
