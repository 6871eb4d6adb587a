/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running an analysis and writing a report.
 *
 * Progress stands on standard error, if that is a terminal, once an analysis has taken over a second, five times a
 * second, and is erased at the end.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	PROGRESS_DELAY = G_USEC_PER_SEC,
	PROGRESS_INTERVAL = G_USEC_PER_SEC / 5,
};

/* Shared by the analysing thread and the one that shows. */
typedef struct analysis_progress {
	const char *core;
	GMutex mutex;
	GCond ended; /* signalled when `running` turns false */
	bool running;
	hc_stage stage;
	double fraction;
	uint64_t read, size, written; /* of a core that is decompressed; written: 0, none is */
} analysis_progress;

static bool note_progress(hc_stage stage, double fraction, void *data)
{
	analysis_progress *progress = data;

	g_mutex_lock(&progress->mutex);
	progress->stage = stage;
	progress->fraction = fraction;
	progress->written = 0;
	g_mutex_unlock(&progress->mutex);
	return true;
}

static bool note_unpacking(uint64_t read, uint64_t size, uint64_t written, void *data)
{
	analysis_progress *progress = data;

	g_mutex_lock(&progress->mutex);
	progress->read = read;
	progress->size = size;
	progress->written = MAX(written, 1);
	g_mutex_unlock(&progress->mutex);
	return true;
}

/* A core may take longer to be decompressed than to be analysed: that is told by itself. */
static void print_progress(const analysis_progress *progress, const char *core, int seconds)
{
	fprintf(stderr, "\r\033[K%.40s: ", core);
	if (!progress->written)
		fprintf(stderr, "%s, %.0f %%, %d s", hc_stage_text(progress->stage), 100 * progress->fraction, seconds);
	else if (progress->size)
		fprintf(stderr, "decompressing it, %.0f %%, %" PRIu64 " MiB, %d s",
			100.0 * progress->read / progress->size, progress->written >> 20, seconds);
	else
		fprintf(stderr, "reading it, %" PRIu64 " MiB, %d s", progress->written >> 20, seconds);
	fflush(stderr);
}

/* A thread of its own: a stage may take seconds without a call. */
static void show_progress(void *data)
{
	analysis_progress *progress = data;
	g_autofree char *core = g_path_get_basename(progress->core);
	g_autofree char *printable = g_strescape(core, NULL);
	gint64 start = g_get_monotonic_time(), next = start + PROGRESS_DELAY;
	bool shown = false;

	g_mutex_lock(&progress->mutex);
	while (progress->running) {
		if (g_cond_wait_until(&progress->ended, &progress->mutex, next) || !progress->running)
			continue;
		print_progress(progress, printable, (int)((next - start) / G_USEC_PER_SEC));
		shown = true;
		next += PROGRESS_INTERVAL;
	}
	g_mutex_unlock(&progress->mutex);
	if (shown) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
}

static void *run_progress(void *data)
{
	cli_with_stack_for_handlers(show_progress, data);
	return NULL;
}

static GThread *progress_start(analysis_progress *progress, const char *core)
{
	progress->core = core;
	progress->running = true;
	g_mutex_init(&progress->mutex);
	g_cond_init(&progress->ended);
	return g_thread_try_new("progress", run_progress, progress, NULL);
}

static void progress_end(analysis_progress *progress, GThread *thread)
{
	g_mutex_lock(&progress->mutex);
	progress->running = false;
	g_cond_signal(&progress->ended);
	g_mutex_unlock(&progress->mutex);
	if (thread)
		g_thread_join(thread);
	g_cond_clear(&progress->ended);
	g_mutex_clear(&progress->mutex);
}

static hc_analysis *analyse_once(
	const cli_options *options, const char *core, const char *binary, hc_stage until, GError **error)
{
	analysis_progress progress = { 0 };
	bool shows = cli_shows_progress(options);
	const char *root = cli_live_root(options, core), *path = cli_live_path(options, core);
	hc_analysis_options analysis_options = {
		.core_name = path == core ? NULL : core,
		.is_live = path != core,
		.binary = binary,
		.sysroot = options->sysroot || !root ? options->sysroot : root,
		.debug_directories = (const char *const *)options->debug_directories,
		.container_files = (const char *const *)options->container_files,
		.no_types = options->no_types,
		.no_encodings = options->no_encodings,
		.no_sites = options->no_sites,
		.no_content = options->no_content,
		.retained = options->retained,
		.jobs = options->jobs,
		.memory = options->memory,
		.at_once = options->at_once,
		.until = until,
		.progress = shows ? note_progress : NULL,
		.unpacking = shows ? note_unpacking : NULL,
		.progress_data = &progress,
	};
	GThread *thread = shows ? progress_start(&progress, core) : NULL;
	hc_analysis *analysis = hc_analysis_run(path, &analysis_options, error);

	if (shows)
		progress_end(&progress, thread);
	return analysis;
}

hc_analysis *cli_try_analyse(
	const cli_options *options, const char **core, const char **binary, hc_stage until, GError **error)
{
	GError *failure = NULL;
	hc_analysis *analysis = analyse_once(options, *core, *binary, until, &failure);

	if (!analysis && *binary && g_error_matches(failure, HC_ERROR, HC_ERROR_BAD_DATA)) {
		analysis = analyse_once(options, *binary, *core, until, NULL);
		if (analysis) {
			const char *swapped = *core;

			g_clear_error(&failure);
			*core = *binary;
			*binary = swapped;
		}
	}
	if (!analysis)
		g_propagate_error(error, failure);
	return analysis;
}

hc_analysis *cli_analyse(const cli_options *options, const char **core, const char **binary, hc_stage until)
{
	g_autoptr(GError) error = NULL;
	hc_analysis *analysis;

	if (!cli_live_take(options))
		return NULL;
	analysis = cli_try_analyse(options, core, binary, until, &error);
	if (!analysis)
		cli_complain("%s", error->message);
	return analysis;
}

bool cli_append(const char *text, size_t length, void *data)
{
	g_string_append_len(data, text, (gssize)length);
	return true;
}

static bool write_piece(const char *text, size_t length, void *data)
{
	cli_report *report = data;

	cli_pager_gets_signals(report->cli);
	while (length) {
		ssize_t written = write(report->descriptor, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			report->broken_pipe = errno == EPIPE;
			if (!report->broken_pipe)
				cli_complain("standard output: %s", g_strerror(errno));
			return false;
		}
		text += written;
		length -= written;
	}
	return true;
}

static bool wants_colour(const cli_options *options)
{
	const char *no_colour = g_getenv("NO_COLOR");

	if (options->json || (options->colour && !strcmp(options->colour, "never")))
		return false;
	if (options->colour && !strcmp(options->colour, "always"))
		return true;
	return cli_is_terminal(cli_pager_terminal(options)) && !(no_colour && *no_colour);
}

static unsigned terminal_width(const cli_options *options)
{
	int terminal = cli_pager_terminal(options);
	struct winsize size;

	return isatty(terminal) && !ioctl(terminal, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

void cli_report_init(cli_report *report, const cli_options *options, const char *binary)
{
	GString *repeated = g_string_new(NULL);

	if (options->sysroot) {
		g_autofree char *quoted = g_shell_quote(options->sysroot);

		g_string_append_printf(repeated, "--sysroot %s", quoted);
	}
	for (char **directory = options->debug_directories; directory && *directory; directory++) {
		g_autofree char *quoted = g_shell_quote(*directory);

		g_string_append_printf(repeated, "%s--debug-dir %s", repeated->len ? " " : "", quoted);
	}
	*report = (cli_report){
		.repeated_options = g_string_free(repeated, FALSE), .descriptor = STDOUT_FILENO, .cli = options
	};
	report->options = (hc_report_options){
		.format = options->json ? HC_REPORT_JSON : HC_REPORT_TEXT,
		.colour = wants_colour(options),
		.verbose = options->verbose,
		.exact = options->exact,
		.width = options->width ? (unsigned)options->width : terminal_width(options),
		.binary = binary,
		.repeated_options = *report->repeated_options ? report->repeated_options : NULL,
		.write = write_piece,
		.write_data = report,
	};
}

void cli_report_deinit(cli_report *report)
{
	g_free(report->repeated_options);
}

cli_status cli_finish_report(cli_report *report, bool written, GError *error, bool partial)
{
	cli_status status = partial ? CLI_PARTIAL : CLI_DONE;

	if (!written && !report->broken_pipe) {
		if (!g_error_matches(error, HC_ERROR, HC_ERROR_IO)) /* else write_piece() has said it */
			cli_complain("%s", error->message);
		status = CLI_FAILED;
	}
	g_clear_error(&error);
	return status;
}
