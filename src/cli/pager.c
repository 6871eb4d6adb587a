/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pager: text that goes to a terminal goes through it. A process is made for it before rights are given up, as afterwards no program can be run;
 * it waits until there is text, and becomes the pager then. So there is none if nothing is written, and progress stands on a terminal that is
 * nobody else's.
 *
 *	heapcore ---- pipe ----> sh -c "$HEAPCORE_PAGER" ----> terminal
 *
 * Until the report is written SIGINT ends us, and with the pipe the process that waits; from then on it is the pager's, which outlives it.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool cli_is_terminal(int descriptor)
{
	const char *terminal = g_getenv("TERM");

	return isatty(descriptor) && terminal && strcmp(terminal, "dumb");
}

/* NULL: none is wanted. */
static const char *pager_of(const cli_options *options)
{
	const char *own = g_getenv("HEAPCORE_PAGER"), *pager = own ? own : g_getenv("PAGER");
	g_autofree char *less = NULL;

	if (options->json || options->no_pager || !cli_is_terminal(STDOUT_FILENO))
		return NULL;
	if (pager)
		return *pager && strcmp(pager, "cat") ? pager : NULL;
	less = g_find_program_in_path("less");
	return less ? "less" : NULL;
}

/* Where there is no shell: what the pager would have shown. */
static void copy(void)
{
	char buffer[4096];
	ssize_t length;

	while ((length = read(STDIN_FILENO, buffer, sizeof buffer)) > 0 || (length < 0 && errno == EINTR)) {
		for (ssize_t done = 0; done < length;) {
			ssize_t part = write(STDOUT_FILENO, buffer + done, (size_t)(length - done));

			if (part < 0 && errno != EINTR)
				return;
			done += MAX(part, 0);
		}
	}
}

/* The child's part: never returns. */
static G_GNUC_NORETURN void become(const char *pager, const int ends[2], char **environment)
{
	struct pollfd text = { .fd = ends[0], .events = POLLIN };
	const char *const words[] = { "sh", "-c", pager, NULL };

	close(ends[1]);
	while (poll(&text, 1, -1) < 0 && errno == EINTR)
		;
	if (!(text.revents & POLLIN)) /* the other end is closed, and nothing was written */
		_exit(0);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	signal(SIGPIPE, SIG_DFL);
	execve("/bin/sh", (char *const *)words, environment);
	copy();
	_exit(0);
}

/* Unless the user has chosen otherwise: less ends if all is on one screen, shows colours, and leaves the screen as it is. */
static char **environment_of(void)
{
	char **environment = g_environ_setenv(g_get_environ(), "LESS", "FRX", FALSE);

	return g_environ_setenv(environment, "LV", "-c", FALSE);
}

void cli_pager_begin(cli_options *options)
{
	const char *pager = pager_of(options);
	g_auto(GStrv) environment = environment_of();
	int ends[2], terminal;

	if (!pager || pipe2(ends, O_CLOEXEC))
		return;
	terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	fflush(stderr);
	options->pager = terminal < 0 ? 0 : fork();
	if (terminal >= 0 && !options->pager)
		become(pager, ends, environment);
	close(ends[0]);
	if (options->pager > 0) {
		options->terminal = terminal;
		dup2(ends[1], STDOUT_FILENO);
	} else {
		options->pager = 0;
		if (terminal >= 0)
			close(terminal);
	}
	close(ends[1]);
}

int cli_pager_terminal(const cli_options *options)
{
	return options->pager ? options->terminal : STDOUT_FILENO;
}

void cli_pager_gets_signals(const cli_options *options)
{
	if (options->pager)
		signal(SIGINT, SIG_IGN);
}

void cli_pager_end(cli_options *options)
{
	if (!options->pager)
		return;
	cli_pager_gets_signals(options);
	fflush(stdout);
	dup2(options->terminal, STDOUT_FILENO); /* the last one who could write to the pipe */
	close(options->terminal);
	while (waitpid(options->pager, NULL, 0) < 0 && errno == EINTR)
		;
	options->pager = 0;
}
