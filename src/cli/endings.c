/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the program ends where no call can fail: signals, memory that is out, output that cannot be written.
 *
 * GLib and libdw end the program if they get no memory, each in a way of its own (g_error(), abort(), assert(), a pointer that is NULL). What
 * they say is not for a user, and a crash is no exit status: so whatever ends it while there is no memory to be had says that, and
 * ends with CLI_FAILED. Any other crash stays one. Handlers do only what signal-safety(7) lets them.
 *
 * What the libraries themselves say before they end it goes to standard error, which has a buffer for that: it is written out where the program says
 * something, or crashes, and is forgotten where memory was out.
 */
#include "cli.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PROBE = 16 << 20,	  /* bytes: who cannot have so many more has none */
	ALTERNATE_SIZE = 64 << 10, /* bytes */
	BUFFER_SIZE = 4096,	   /* likewise: of standard error */
	PATIENCE = 1000		   /* milliseconds */
};

static void write_message(const char *message, size_t length)
{
	ssize_t ignored = write(STDERR_FILENO, message, length);

	(void)ignored;
}

/* Several threads may find at the same time that there is no memory: one says so. */
static G_GNUC_NORETURN void end_with(const char *message)
{
	static int said;

	if (!g_atomic_int_exchange(&said, 1))
		write_message(message, strlen(message));
	else
		poll(NULL, 0, PATIENCE); /* the other one ends us */
	_exit(CLI_FAILED);
}

static G_GNUC_NORETURN void end_without_memory(void)
{
	end_with(
		"heapcore: there is not enough memory for this: raise the limit (ulimit -v, the control group's), free some, or "
		"use a machine that has more\n");
}

/*
 * Core and files are mapped: reading what has been cut off since, or a disk that fails, is no error of a call but this signal.
 * Nothing can go on from here, but the user is to know that it is not heapcore's fault.
 */
static void end_of_bus_error(int number)
{
	(void)number;
	end_with("heapcore: the core, or a file that it needs, was cut off while it was being read, or "
		 "cannot be read (disk error): wait until it is written, copy it, and try again\n");
}

static void end_of_crash(int number)
{
	int error = errno;
	void *probe = mmap(NULL, PROBE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (probe == MAP_FAILED)
		end_without_memory();
	munmap(probe, PROBE);
	/* What stands in the buffer, without the lock of it, which the thread that crashed may have. */
	write_message(stderr->_IO_write_base, (size_t)(stderr->_IO_write_ptr - stderr->_IO_write_base));
	errno = error;
	signal(number, SIG_DFL);
	raise(number); /* comes when this returns */
}

/*
 * In place of libc's, for libraries that assert() that they got memory: that one would write past the buffer where it has none to make its
 * message.
 */
void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function)
{
	fprintf(stderr, "heapcore: %s:%u: %s: Assertion `%s' failed.\n", file, line, function, assertion);
	abort();
}

/* The others, such as a debugger's or a sanitizer's, know better. */
static void set_handler(int number, void (*handler)(int number))
{
	struct sigaction action;

	if (sigaction(number, NULL, &action) || action.sa_flags & SA_SIGINFO || action.sa_handler != SIG_DFL)
		return;
	action.sa_handler = handler;
	action.sa_flags = SA_ONSTACK;
	sigaction(number, &action, NULL);
}

static void note_message(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
	if (level & G_LOG_LEVEL_ERROR && strstr(message, "failed to allocate"))
		end_without_memory();
	g_log_default_handler(domain, level, message, data);
}

/* A stack for handlers, beside one that may be used up: GLib calls itself for ever where there is no memory to say that there is none. */
static void set_stack(void)
{
	stack_t former;

	if (sigaltstack(NULL, &former) || !(former.ss_flags & SS_DISABLE))
		return; /* a sanitizer's */
	stack_t stack = {
		.ss_sp = mmap(NULL, ALTERNATE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		.ss_size = ALTERNATE_SIZE,
	};

	if (stack.ss_sp != MAP_FAILED)
		sigaltstack(&stack, NULL);
}

/* On the thread's own stack, whose lowest frame it is. */
void cli_with_stack_for_handlers(void (*function)(void *data), void *data)
{
	char alternate[ALTERNATE_SIZE];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate }, former;
	bool is_set = !sigaltstack(&stack, &former);

	function(data);
	if (is_set)
		sigaltstack(&former, NULL);
}

void cli_handle_endings(void)
{
	static const int crashes[] = { SIGABRT, SIGTRAP, SIGSEGV };

	setvbuf(stderr, g_malloc(BUFFER_SIZE), _IOFBF, BUFFER_SIZE);
	set_stack();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an error of write(2) */
	signal(SIGBUS, end_of_bus_error);
	for (unsigned i = 0; i < G_N_ELEMENTS(crashes); i++)
		set_handler(crashes[i], end_of_crash);
	g_log_set_default_handler(note_message, NULL);
}

cli_status cli_close_output(cli_status status)
{
	fflush(stderr);
	if (!ferror(stdout) && !fflush(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	cli_complain("standard output: %s", g_strerror(errno));
	return cli_worse(status, CLI_FAILED);
}
