/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filter of system calls (seccomp(2), Documentation/userspace-api/seccomp_filter.rst): a program for the kernel that is asked before each call.
 *
 * To read: a list of what is let through; all else is EPERM. Calls that are newer than the list, and clone3(), whose flags lie in memory where no
 * filter can look, are ENOSYS: libc then does it the older way. To capture: a list of what is not let through.
 * Calls of other ABIs (32-bit on 64, x32) are refused as a whole, as the numbers would mean something else.
 *
 * Threads that are there get it too (SECCOMP_FILTER_FLAG_TSYNC). Kernels before 5.16 would make all that is filtered slower, against attacks on
 * secrets of the same process by its own scripts: there are no such here (SECCOMP_FILTER_FLAG_SPEC_ALLOW).
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <linux/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__ && !defined __ILP32__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __i386__
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined __aarch64__ && G_BYTE_ORDER == G_LITTLE_ENDIAN
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined __powerpc64__ && G_BYTE_ORDER == G_LITTLE_ENDIAN
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined __s390x__
#define ARCHITECTURE AUDIT_ARCH_S390X
#elif defined __arm__ && defined __ARM_EABI__
#define ARCHITECTURE AUDIT_ARCH_ARM
#else
#define ARCHITECTURE 0 /* there is no filter */
#endif

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER
#endif
#elif defined __SANITIZE_ADDRESS__
#define HAS_LEAK_SANITIZER
#endif

enum {
	NEWER = 451, /* the first number that is later than Linux 5.17, on all machines above */
	LOW_WORD = G_BYTE_ORDER == G_BIG_ENDIAN ? 4 : 0, /* of an argument, which has 64 bits */
	TERMIOS2 = 44,					 /* bytes: what glibc 2.42 asks a terminal for */
	X32_BIT = 0x40000000,				 /* of the numbers of x32, x86-64's ABI with short pointers */
};

#define LOAD(offset)	 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define RETURN(what)	 BPF_STMT(BPF_RET | BPF_K, (what))
#define AND(mask)	 BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (mask))
#define FAIL(number)	 RETURN(SECCOMP_RET_ERRNO | (number))
#define IF(value)	 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1) /* else the next instruction is left out */
#define ARGUMENT(number) LOAD(offsetof(struct seccomp_data, args) + 8 * (number) + LOW_WORD)

/* What reading takes, whatever the arguments. Not all machines have all. */
static const int reading_calls[] = {
	/* memory */
	SYS_brk,
	SYS_munmap,
	SYS_mprotect,
	SYS_mremap,
	SYS_madvise,
	SYS_mincore,
	SYS_msync,
	SYS_mlock,
	SYS_munlock,
#ifdef SYS_mmap
	SYS_mmap,
#endif
#ifdef SYS_mmap2
	SYS_mmap2,
#endif
#ifdef SYS_memfd_create
	SYS_memfd_create,
#endif
	/* descriptors */
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_pwrite64,
	SYS_preadv,
	SYS_pwritev,
	SYS_lseek,
	SYS_close,
	SYS_dup,
	SYS_dup3,
	SYS_fcntl,
	SYS_fsync,
	SYS_fdatasync,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_pipe2,
	SYS_eventfd2,
	SYS_ppoll,
	SYS_pselect6,
	SYS_flock,
#ifdef SYS_close_range
	SYS_close_range,
#endif
#ifdef SYS__llseek
	SYS__llseek,
#endif
#ifdef SYS_fcntl64
	SYS_fcntl64,
#endif
#ifdef SYS_ftruncate64
	SYS_ftruncate64,
#endif
#ifdef SYS_dup2
	SYS_dup2,
#endif
#ifdef SYS_pipe
	SYS_pipe,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_select
	SYS_select,
#endif
#ifdef SYS__newselect
	SYS__newselect,
#endif
#ifdef SYS_fadvise64
	SYS_fadvise64,
#endif
#ifdef SYS_fadvise64_64
	SYS_fadvise64_64,
#endif
#ifdef SYS_arm_fadvise64_64
	SYS_arm_fadvise64_64,
#endif
#ifdef SYS_ppoll_time64
	SYS_ppoll_time64,
	SYS_pselect6_time64,
#endif
	/* what files there are */
	SYS_getcwd,
	SYS_getdents64,
	SYS_readlinkat,
	SYS_faccessat,
	SYS_statfs,
	SYS_fstatfs,
	SYS_getxattr,
	SYS_lgetxattr,
	SYS_fgetxattr,
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef SYS_statx
	SYS_statx,
#endif
#ifdef SYS_fstat
	SYS_fstat,
#endif
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_fstatat64
	SYS_fstatat64,
#endif
#ifdef SYS_stat
	SYS_stat,
	SYS_lstat,
#endif
#ifdef SYS_stat64
	SYS_stat64,
	SYS_lstat64,
	SYS_fstat64,
#endif
#ifdef SYS_statfs64
	SYS_statfs64,
	SYS_fstatfs64,
#endif
#ifdef SYS_readlink
	SYS_readlink,
#endif
#ifdef SYS_access
	SYS_access,
#endif
#ifdef SYS_getdents
	SYS_getdents,
#endif
	/* threads, and waiting for a process that was started before */
	SYS_futex,
	SYS_set_robust_list,
	SYS_get_robust_list,
	SYS_set_tid_address,
	SYS_exit,
	SYS_exit_group,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_sched_getattr,
	SYS_sched_getparam,
	SYS_sched_getscheduler,
	SYS_wait4,
	SYS_waitid,
#ifdef SYS_futex_time64
	SYS_futex_time64,
#endif
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_membarrier
	SYS_membarrier,
#endif
	/* signals that come */
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigtimedwait,
	SYS_sigaltstack,
	SYS_restart_syscall,
#ifdef SYS_sigreturn
	SYS_sigreturn,
#endif
#ifdef SYS_rt_sigtimedwait_time64
	SYS_rt_sigtimedwait_time64,
#endif
	/* who and when */
	SYS_getpid,
	SYS_gettid,
	SYS_getppid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getgroups,
	SYS_capget,
	SYS_getrusage,
	SYS_sysinfo,
	SYS_uname,
	SYS_getrandom,
	SYS_getcpu,
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	SYS_times,
	SYS_umask,
#ifdef SYS_getuid32
	SYS_getuid32,
	SYS_geteuid32,
	SYS_getgid32,
	SYS_getegid32,
	SYS_getgroups32,
#endif
#ifdef SYS_time
	SYS_time,
#endif
#ifdef SYS_clock_gettime64
	SYS_clock_gettime64,
	SYS_clock_getres_time64,
	SYS_clock_nanosleep_time64,
#endif
#ifdef SYS_getrlimit
	SYS_getrlimit,
#endif
#ifdef SYS_ugetrlimit
	SYS_ugetrlimit,
#endif
#ifdef HAS_LEAK_SANITIZER
	/* At the end it stops the other threads, as a debugger does, from a process of its own. */
	SYS_ptrace,
	SYS_clone,
	SYS_prctl,
	SYS_kill,
#endif
};

/* Besides, where files with names are made. */
static const int naming_calls[] = {
	SYS_renameat2,
	SYS_linkat,
	SYS_unlinkat,
	SYS_fchmod,
	SYS_fchown,
#ifdef SYS_fchown32
	SYS_fchown32,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
#ifdef SYS_rename
	SYS_rename,
#endif
#ifdef SYS_link
	SYS_link,
#endif
#ifdef SYS_unlink
	SYS_unlink,
#endif
#ifdef SYS_rmdir
	SYS_rmdir,
#endif
};

/* Besides, where debuginfod may be asked: what libcurl and its resolvers take, and a cache of files. */
static const int network_calls[] = {
	SYS_mkdirat,
	SYS_utimensat,
	SYS_fchmodat,
	SYS_truncate,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
#ifdef SYS_mkdir
	SYS_mkdir,
#endif
#ifdef SYS_chmod
	SYS_chmod,
#endif
#ifdef SYS_utime
	SYS_utime,
#endif
#ifdef SYS_utimes
	SYS_utimes,
#endif
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
#ifdef SYS_send
	SYS_send,
	SYS_recv,
#endif
#ifdef SYS_socketcall
	SYS_socketcall,
#endif
#ifdef SYS_socket
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_getsockname,
	SYS_getpeername,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_sendto,
	SYS_recvfrom,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_sendmmsg,
	SYS_recvmmsg,
	SYS_shutdown,
#endif
};

/* What capturing does without: to run programs, ... */
static const int capturing_never[] = {
	SYS_execve,
	SYS_execveat,
	/* ... to change where files are, who we are, or the system, */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_open_by_handle_at,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_syslog,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
	SYS_iopl,
#endif
#ifdef SYS_ioperm
	SYS_ioperm,
#endif
#ifdef SYS_open_tree
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
#endif
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
	/* ... and what has been a way into the kernel more than once. */
	SYS_bpf,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_perf_event_open,
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
#endif
};

/* Likewise, unless debuginfod may be asked. */
static const int capturing_no_network[] = {
#ifdef SYS_socketcall
	SYS_socketcall,
#endif
#ifdef SYS_socket
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_accept4,
#endif
#ifdef SYS_accept
	SYS_accept,
#endif
};

typedef struct sock_filter instruction;

static void add(GArray *program, const instruction *instructions, unsigned count)
{
	g_array_append_vals(program, instructions, count);
}

#define ADD(program, ...) \
	do { \
		const instruction added[] = { __VA_ARGS__ }; \
		add(program, added, G_N_ELEMENTS(added)); \
	} while (0)

/* Those of CALLS come back with RESULT. The number is loaded. */
static void add_calls(GArray *program, const int *calls, size_t count, uint32_t result)
{
	for (size_t i = 0; i < count; i++)
		ADD(program, IF((uint32_t)calls[i]), RETURN(result));
}

/* Of call NUMBER the instructions of CONDITION, each way through which returns, decide. */
static void add_condition(GArray *program, int number, const instruction *condition, unsigned count)
{
	ADD(program, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, (uint8_t)count));
	add(program, condition, count);
}

/* Of call NUMBER the low word of ARGUMENT must be one of VALUES, or it fails. */
static void add_choice(GArray *program, int number, unsigned argument, const uint32_t *values, unsigned count)
{
	g_autoptr(GArray) condition = g_array_new(FALSE, FALSE, sizeof(instruction));

	ADD(condition, ARGUMENT(argument));
	for (unsigned i = 0; i < count; i++)
		ADD(condition, IF(values[i]), RETURN(SECCOMP_RET_ALLOW));
	ADD(condition, FAIL(EPERM));
	add_condition(program, number, (const instruction *)(void *)condition->data, condition->len);
}

/* A file may be opened to be read; to be written if it has no name, and with NAMES also if it was not there before. */
static void add_open(GArray *program, int number, unsigned flags, bool names)
{
	const uint32_t without_name = O_TMPFILE, anew = O_CREAT | O_EXCL;
	const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (without_name & ~(uint32_t)O_DIRECTORY);
	const instruction condition[] = {
		ARGUMENT(flags),
		AND(writing),
		IF(0),
		RETURN(SECCOMP_RET_ALLOW),
		ARGUMENT(flags),
		AND(without_name),
		IF(without_name),
		RETURN(SECCOMP_RET_ALLOW),
		ARGUMENT(flags),
		AND(anew),
		IF(names ? anew : UINT32_MAX), /* which no flags that were masked are */
		RETURN(SECCOMP_RET_ALLOW),
		FAIL(EPERM),
	};

	add_condition(program, number, condition, G_N_ELEMENTS(condition));
}

/* A thread is started, but no process. */
static void add_clone(GArray *program)
{
#ifdef __s390x__
	const unsigned flags = 1; /* clone(2): the first two arguments are the other way round */
#else
	const unsigned flags = 0;
#endif
	const instruction condition[] = {
		ARGUMENT(flags),
		AND(CLONE_THREAD),
		IF(CLONE_THREAD),
		RETURN(SECCOMP_RET_ALLOW),
		FAIL(EPERM),
	};

	add_condition(program, SYS_clone, condition, G_N_ELEMENTS(condition));
}

/* Calls that are let through with some arguments only. */
static void add_conditions(GArray *program, const sandbox_needs *needs)
{
	const uint32_t own[] = { 0, (uint32_t)getpid() };
	const uint32_t options[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE };
	/* What a terminal is, and (browse) how it takes keys; with TERMIOS2 what glibc 2.42 asks. Never TIOCSTI, which types. */
	const uint32_t requests[] = { TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ,
		_IOC(_IOC_READ, 'T', 0x2a, TERMIOS2), _IOC(_IOC_WRITE, 'T', 0x2b, TERMIOS2),
		_IOC(_IOC_WRITE, 'T', 0x2c, TERMIOS2), _IOC(_IOC_WRITE, 'T', 0x2d, TERMIOS2) };

	add_clone(program);
	add_choice(program, SYS_prctl, 0, options, G_N_ELEMENTS(options));
	add_choice(program, SYS_ioctl, 1, requests, G_N_ELEMENTS(requests));
	add_choice(program, SYS_prlimit64, 0, own, G_N_ELEMENTS(own));
	add_choice(program, SYS_sched_setattr, 0, own, G_N_ELEMENTS(own));
	add_choice(program, SYS_tgkill, 0, own + 1, 1);
	add_choice(program, SYS_kill, 0, own + 1, 1);
	add_open(program, SYS_openat, 2, needs->names);
#ifdef SYS_open
	add_open(program, SYS_open, 1, needs->names);
#endif
}

static void add_reading(GArray *program, const sandbox_needs *needs)
{
	static const int opening[] = {
		SYS_openat,
#ifdef SYS_open
		SYS_open,
#endif
	};

	ADD(program, BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NEWER, 0, 1), FAIL(ENOSYS));
#ifdef SYS_clone3
	ADD(program, IF(SYS_clone3), FAIL(ENOSYS));
#endif
	add_calls(program, reading_calls, G_N_ELEMENTS(reading_calls), SECCOMP_RET_ALLOW);
	if (needs->names)
		add_calls(program, naming_calls, G_N_ELEMENTS(naming_calls), SECCOMP_RET_ALLOW);
	if (needs->network) {
		add_calls(program, network_calls, G_N_ELEMENTS(network_calls), SECCOMP_RET_ALLOW);
		add_calls(program, opening, G_N_ELEMENTS(opening), SECCOMP_RET_ALLOW); /* its cache is written anew */
	}
	add_conditions(program, needs);
	ADD(program, FAIL(EPERM));
}

static void add_capturing(GArray *program, const sandbox_needs *needs)
{
	const uint32_t refused = SECCOMP_RET_ERRNO | EPERM;

	add_calls(program, capturing_never, G_N_ELEMENTS(capturing_never), refused);
	if (!needs->network)
		add_calls(program, capturing_no_network, G_N_ELEMENTS(capturing_no_network), refused);
	ADD(program, RETURN(SECCOMP_RET_ALLOW));
}

static GArray *make_program(const sandbox_needs *needs)
{
	GArray *program = g_array_new(FALSE, FALSE, sizeof(instruction));

	ADD(program, LOAD(offsetof(struct seccomp_data, arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		FAIL(EPERM), LOAD(offsetof(struct seccomp_data, nr)));
#ifdef __x86_64__
	ADD(program, BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1), FAIL(EPERM));
#endif
	if (needs->rights == CLI_RIGHTS_TO_READ)
		add_reading(program, needs);
	else
		add_capturing(program, needs);
	return program;
}

static bool install(const struct sock_fprog *program, unsigned flags)
{
	return !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | flags, program);
}

bool cli_sandbox_has_filters(void)
{
	/* A kernel that has them complains that there is none (seccomp(2)). */
	return ARCHITECTURE && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno == EFAULT;
}

bool cli_sandbox_filter_calls(const sandbox_needs *needs, const char **ret_reason)
{
	g_autoptr(GArray) instructions = make_program(needs);
	const struct sock_fprog program = { (unsigned short)instructions->len,
		(instruction *)(void *)instructions->data };

	if (cli_sandbox_has_filters() && (install(&program, SECCOMP_FILTER_FLAG_SPEC_ALLOW) || install(&program, 0)))
		return true;
	*ret_reason = ARCHITECTURE ? "system calls are not filtered (no seccomp here)" :
				     "system calls are not filtered (there is no list of those of this machine)";
	return false;
}
