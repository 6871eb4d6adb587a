/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A live process in place of a core (--pid), and taking captures.
 *
 * Signals that would end us are blocked while a capture is taken and asked for with each progress, so that nothing is left behind; they
 * are not forgotten: we end as they would have ended us.
 */
#include "cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PROGRESS_DELAY = G_USEC_PER_SEC,
};

typedef struct capture_progress {
	sigset_t signals;
	int signal; /* that came; 0: none */
	bool shows, shown;
	gint64 begin;
} capture_progress;

static bool note_progress(uint64_t bytes, uint64_t estimate, void *data)
{
	static const struct timespec at_once = { 0 };
	capture_progress *progress = data;
	int signal = sigtimedwait(&progress->signals, NULL, &at_once);
	gint64 elapsed = g_get_monotonic_time() - progress->begin;

	if (signal > 0) {
		progress->signal = signal;
		return false;
	}
	if (progress->shows && elapsed > PROGRESS_DELAY) {
		fprintf(stderr, "\r\033[Kcapture: %" PRIu64 " of about %" PRIu64 " MiB, %d s", bytes >> 20,
			estimate >> 20, (int)(elapsed / G_USEC_PER_SEC));
		fflush(stderr);
		progress->shown = true;
	}
	return true;
}

/* One that is ignored (nohup) must not end us: while it is blocked the kernel keeps it all the same. */
void cli_ending_signals(sigset_t *ret_signals)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF,
		SIGXCPU };
	struct sigaction action;

	sigemptyset(ret_signals);
	for (unsigned i = 0; i < G_N_ELEMENTS(ending); i++)
		if (!sigaction(ending[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(ret_signals, ending[i]);
}

/* Signals that would stop us (Ctrl-Z), and with us the process that stands still for us: they come once it has gone on. */
static void block(const sigset_t *ending, sigset_t *ret_former)
{
	sigset_t all = *ending;

	sigaddset(&all, SIGTSTP);
	sigaddset(&all, SIGTTIN);
	sigaddset(&all, SIGTTOU);
	sigprocmask(SIG_BLOCK, &all, ret_former);
}

bool cli_take_capture(int64_t pid, const hc_capture_options *what, const cli_options *options,
	hc_held_capture **ret_held, GError **error)
{
	capture_progress progress = { .shows = cli_shows_progress(options), .begin = g_get_monotonic_time() };
	hc_capture_options capture_options = *what;
	sigset_t former;
	bool taken;

	capture_options.progress = note_progress;
	capture_options.progress_data = &progress;
	cli_ending_signals(&progress.signals);
	block(&progress.signals, &former);
	if (ret_held)
		*ret_held =
			hc_capture_hold(pid, options->memory ? options->memory : UINT64_MAX, &capture_options, error);
	taken = ret_held ? *ret_held != NULL : hc_capture_take(pid, &capture_options, error);
	if (progress.shown) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	if (progress.signal)
		raise(progress.signal); /* comes when it is let through */
	sigprocmask(SIG_SETMASK, &former, NULL);
	return taken;
}

/* That the process stood still until all was read, if it did: whoever it serves has noticed. */
static void tell_pause(const cli_options *options)
{
	g_autoptr(hc_side_facts) facts = hc_side_facts_read(hc_held_capture_path(options->live->held), NULL);

	if (facts && facts->why_stopped && !options->quiet)
		cli_complain("process %" PRIi64 " stood still for %.0f ms, until all was read: %s", facts->pid,
			facts->stopped * 1000, facts->why_stopped);
}

bool cli_live_take(const cli_options *options)
{
	g_autoptr(GError) error = NULL;
	const hc_capture_options what = { 0 };
	cli_live *live = options->live;

	if (!live || live->held)
		return true;
	if (cli_take_capture(live->pid, &what, options, &live->held, &error)) {
		cli_give_up_rights(options, CLI_RIGHTS_TO_READ);
		tell_pause(options);
		return true;
	}
	cli_complain("%s", error->message);
	return false;
}

/* Whether INPUT stands for the process. */
static bool is_live(const cli_options *options, const char *input)
{
	return options->live && options->live->held && !strcmp(input, options->live->name);
}

const char *cli_live_path(const cli_options *options, const char *input)
{
	return is_live(options, input) ? hc_held_capture_path(options->live->held) : input;
}

const char *cli_live_root(const cli_options *options, const char *input)
{
	return is_live(options, input) ? hc_held_capture_root(options->live->held) : NULL;
}
