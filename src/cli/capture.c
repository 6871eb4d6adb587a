/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking a capture. Signals that would end us are blocked meanwhile and asked for with each progress, so that nothing is left behind; they
 * are not forgotten: we end as they would have ended us.
 */
#include "cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static bool take(int64_t pid, const char *directory, bool stop, const cli_options *options)
{
	capture_progress progress = { .shows = cli_shows_progress(options), .begin = g_get_monotonic_time() };
	hc_capture_options capture_options = { directory, note_progress, &progress, stop };
	g_autoptr(GError) error = NULL;
	sigset_t former;
	bool taken;

	sigemptyset(&progress.signals);
	sigaddset(&progress.signals, SIGINT);
	sigaddset(&progress.signals, SIGTERM);
	sigaddset(&progress.signals, SIGHUP);
	sigaddset(&progress.signals, SIGQUIT);
	sigprocmask(SIG_BLOCK, &progress.signals, &former);
	taken = hc_capture_take(pid, &capture_options, &error);
	if (progress.shown) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	if (!taken)
		cli_complain("%s", error->message);
	if (progress.signal)
		raise(progress.signal);
	sigprocmask(SIG_SETMASK, &former, NULL);
	return taken;
}

static cli_status report_capture(const cli_options *options, const char *directory)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_side_facts) facts = hc_side_facts_read(directory, &error);
	g_auto(cli_report) report = { 0 };

	if (!facts) {
		cli_complain("%s", error->message);
		return CLI_FAILED;
	}
	cli_report_init(&report, options, NULL);
	return hc_report_capture(facts, directory, &report.options, NULL) || report.broken_pipe ? CLI_DONE : CLI_FAILED;
}

cli_status cli_run_capture(const cli_command *command, int argc, char **argv)
{
	g_autofree char *directory = NULL;
	gboolean stop = FALSE;
	const GOptionEntry entries[] = {
		{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &directory, "the folder to make (needed)", "DIR" },
		{ "stop", 0, 0, G_OPTION_ARG_NONE, &stop, "the process stands still until all is written", NULL },
		{ NULL },
	};
	g_auto(cli_options) options = { 0 };
	cli_status status;
	char *end;
	gint64 pid;

	if (!cli_parse(command, argc, argv, entries, 1, 1, &options, &status))
		return status;
	pid = g_ascii_strtoll(options.arguments[0], &end, 10);
	if (!g_ascii_isdigit(*options.arguments[0]) || *end || !pid)
		return cli_complain_usage(command, "\"%s\" is no process id", options.arguments[0]);
	if (!directory || !*directory)
		return cli_complain_usage(command, "say with -o where to: a folder, which is made");
	return take(pid, directory, stop, &options) ? report_capture(&options, directory) : CLI_FAILED;
}
