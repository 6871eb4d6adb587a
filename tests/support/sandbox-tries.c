/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox-tries: preloaded into heapcore, it tries what nobody in there should be able to do, at the moment when a report is first written:
 * all of the core has been read then. With SANDBOX_TRIES_AT it is when a snapshot is handed over (`watch`). SANDBOX_TRIES is the descriptor that gets a line for each: its name and "done", or the error's number;
 * SANDBOX_VICTIM a file that must stay as it is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	OPENAT2 = 437,
	IO_URING_SETUP = 425,
	X32_GETPID = 0x40000000 + 39,
};

static sigjmp_buf crashed;

__attribute__((format(printf, 2, 3))) static void tell(int output, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vdprintf(output, format, arguments);
	va_end(arguments);
}

static void told(int output, const char *name, long result)
{
	if (result >= 0)
		tell(output, "%s done\n", name);
	else
		tell(output, "%s %d\n", name, errno);
}

static void try_programs(int output)
{
	char *arguments[] = { (char *)"true", NULL };
	long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!child)
		_exit(0);
	told(output, "fork", child);
	if (child > 0)
		waitpid((pid_t)child, NULL, 0);
	child = vfork();
	if (!child) {
		execve("/bin/true", arguments, NULL);
		_exit(127);
	}
	told(output, "vfork", child);
	if (child > 0)
		waitpid((pid_t)child, NULL, 0);
}

static void try_network(int output)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
	int pair[2];

	told(output, "socket-internet", socket(AF_INET, SOCK_STREAM, 0));
	told(output, "socket-internet6", socket(AF_INET6, SOCK_DGRAM, 0));
	told(output, "socket-netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	told(output, "socket-unix", socket(AF_UNIX, SOCK_STREAM, 0));
	told(output, "socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	if (connect(0, (struct sockaddr *)&address, sizeof address) && errno != ENOTSOCK)
		told(output, "connect", -1);
	else
		tell(output, "connect done\n");
}

static void try_processes(int output)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { (void *)try_processes, 1 };

	told(output, "kill", kill(getppid(), 0));
	told(output, "ptrace", ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
	ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
	/* The parent has other code there: that would be EFAULT. */
	if (process_vm_readv(getppid(), &here, 1, &there, 1, 0) < 0 && errno != EFAULT)
		told(output, "process_vm_readv", -1);
	else
		tell(output, "process_vm_readv done\n");
}

static void try_files(int output, const char *victim)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDWR, 0, 0 };
	char beside[4096], other[4096];

	snprintf(beside, sizeof beside, "%s.beside", victim);
	snprintf(other, sizeof other, "%s.other", victim);
	told(output, "open-write", open(victim, O_WRONLY));
	told(output, "open-both", open(victim, O_RDWR));
	told(output, "open-append", open(victim, O_WRONLY | O_APPEND));
	told(output, "openat2", syscall(OPENAT2, AT_FDCWD, victim, &how, sizeof how));
	told(output, "open-create", open(beside, O_WRONLY | O_CREAT, 0600));
	told(output, "open-new", open(other, O_WRONLY | O_CREAT | O_EXCL, 0600));
	unlink(beside);
	unlink(other);
	told(output, "mkdir", mkdir(beside, 0700));
	rmdir(beside);
	told(output, "symlink", symlink(victim, beside));
	unlink(beside);
	told(output, "mkfifo", mkfifo(beside, 0600));
	unlink(beside);
	told(output, "link", link(victim, beside));
	unlink(beside);
	told(output, "rename", rename(victim, beside));
	rename(beside, victim);
	told(output, "setxattr", setxattr(victim, "user.heapcore", "", 0, 0));
	told(output, "open-truncate", open(victim, O_RDONLY | O_TRUNC));
	told(output, "truncate", truncate(victim, 0));
	told(output, "chmod", chmod(victim, 0666));
	told(output, "unlink", unlink(victim));
}

static void try_system(int output)
{
	told(output, "unshare", syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
	told(output, "mount", mount("none", "/proc/self/fdinfo", "tmpfs", 0, NULL) ? -1 : umount("/proc/self/fdinfo"));
	told(output, "chroot", chroot("/"));
	told(output, "bpf", syscall(SYS_bpf, 0, NULL, 0));
	told(output, "perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	told(output, "io_uring", syscall(IO_URING_SETUP, 1, NULL));
	told(output, "keyctl", syscall(SYS_keyctl, 0, -3, 0));
	told(output, "type-into-terminal", ioctl(0, 0x5412 /* TIOCSTI */, ""));
}

static void leap(int number)
{
	(void)number;
	siglongjmp(crashed, 1);
}

/* Numbers of other ABIs: what they do must not pass for what the same number of this one does. */
static void try_other_abis(int output)
{
#ifdef __x86_64__
	struct sigaction action = { .sa_handler = leap }, former;
	volatile long result = -ENOSYS;

	told(output, "x32", syscall(X32_GETPID));
	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &former);
	if (!sigsetjmp(crashed, 1)) {
		long number = 20; /* getpid() of i386 */

		__asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
		result = number;
	}
	sigaction(SIGSEGV, &former, NULL);
	errno = result < 0 ? (int)-result : 0;
	told(output, "i386", result);
#else
	(void)output;
#endif
}

static void tell_status(int output)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	while (status && fgets(line, sizeof line, status))
		if (!strncmp(line, "Seccomp:", 8) || !strncmp(line, "NoNewPrivs:", 11) || !strncmp(line, "CapEff:", 7))
			tell(output, "status %s", line);
	if (status)
		fclose(status);
}

static void try_all(int output)
{
	char *arguments[] = { (char *)"true", NULL };

	tell_status(output);
	try_programs(output);
	try_network(output);
	try_processes(output);
	try_files(output, getenv("SANDBOX_VICTIM"));
	try_system(output);
	try_other_abis(output);
	/* Last: nothing comes after it if it works. */
	tell(output, "end\n");
	told(output, "execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0));
	told(output, "execve", execve("/bin/true", arguments, NULL));
}

/* Whether FILE is where to try: standard output, or the file in memory with a name that has SANDBOX_TRIES_AT in it. */
static int is_place(int file)
{
	const char *name = getenv("SANDBOX_TRIES_AT");
	char path[64], target[256] = "";

	if (!name)
		return file == STDOUT_FILENO;
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	return readlink(path, target, sizeof target - 1) > 0 && strstr(target, "memfd:") && strstr(target, name);
}

ssize_t write(int file, const void *bytes, size_t count)
{
	static int tried;
	ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	const char *output = getenv("SANDBOX_TRIES");

	if (output && is_place(file) && !__atomic_exchange_n(&tried, 1, __ATOMIC_RELAXED))
		try_all(atoi(output));
	return real(file, bytes, count);
}
