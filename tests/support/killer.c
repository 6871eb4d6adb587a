/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * killer: preloaded into heapcore, it kills it (SIGKILL) before the call number KILLER_AT of those that change another process: ptrace(2) but
 * for those that only ask, and writing to its memory. So each moment at which a capture may be killed can be tried. With KILLER_SIGNAL it sends
 * itself that one where a file that it made is all written, and has yet to get its place.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	LOWEST_STACK_BITS = 40 /* files that are written have no such offsets, but stacks such addresses */
};

static pid_t whole; /* not what it forks: that is to outlive it */

__attribute__((constructor)) static void begin(void)
{
	whole = getpid();
}

static void count(void)
{
	static unsigned long calls;
	const char *at = getenv("KILLER_AT");

	if (at && getpid() == whole && ++calls == strtoul(at, NULL, 10))
		kill(getpid(), SIGKILL);
}

long ptrace(enum __ptrace_request request, ...)
{
	long (*real)(enum __ptrace_request, ...) = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
	va_list list;

	va_start(list, request);
	pid_t pid = va_arg(list, pid_t);
	void *address = va_arg(list, void *), *data = va_arg(list, void *);

	va_end(list);
	if (request != PTRACE_GETREGSET && request != PTRACE_GETSIGMASK && request != PTRACE_GETEVENTMSG)
		count();
	return real(request, pid, address, data);
}

int fsync(int file)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	const char *number = getenv("KILLER_SIGNAL");

	if (number)
		raise(atoi(number));
	return real(file);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t) =
		(ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");

	if (offset >> LOWEST_STACK_BITS)
		count();
	return real(file, bytes, size, offset);
}
