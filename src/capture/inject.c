/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One system call in a thread of another process that stands still.
 *
 * The instruction is there already, in libc: `syscall; ret`. The thread gets the call's registers, and a stack on which `ret` finds the way
 * to rt_sigreturn and the thread's own state (emergency_frame.c). We don't let it get that far: it stops behind the call, and its registers
 * are put back as they were, so that a system call that it was waiting in goes on as if nothing had been. If we die at any moment the
 * thread does the rest by itself.
 *
 * So nothing of the thread may be changed in another order than this one:
 *
 *	frame on the stack --> registers (all at once) --> signals blocked --> it runs --> signal mask --> registers --> what was on the stack
 *
 * The frame lies where no program has anything: below the red zone of a stack that has room there. A thread within a restartable sequence
 * (rseq(2)), which must not be left, is not taken, nor one that a signal waits for.
 */
#include "capture/inject_parts.h"

#ifdef HC_CAN_INJECT

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CODE_CHUNK = 1 << 20,  /* bytes of code that are searched at once */
	CODE_MAX = 256 << 20,  /* ... and in all */
	STACK_ROOM = 64 << 10, /* bytes of the mapping below a frame, at least */
	USER_CODE = 0x33,      /* the code segment of 64-bit programs */
	MASK_SIZE = sizeof(uint64_t),
	CALL_STOP = SIGTRAP | 0x80, /* PTRACE_O_TRACESYSGOOD */
};

static const uint8_t call_code[] = { 0x0f, 0x05, 0xc3 };
static const uint8_t give_back_code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05 };
static const uint8_t give_back_short[] = { 0xb8, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05 };

static bool fail(GError **error, const char *what)
{
	g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED, "%s: %s", what, g_strerror(errno));
	return false;
}

static bool fail_with(GError **error, const char *why)
{
	g_set_error_literal(error, HC_ERROR, HC_ERROR_UNSUPPORTED, why);
	return false;
}

/* ---- code ---- */

static uint64_t find_code(const uint8_t *bytes, size_t size, uint64_t address, const uint8_t *code, size_t length)
{
	const uint8_t *found = memmem(bytes, size, code, length);

	return found ? address + (uint64_t)(found - bytes) : 0;
}

static void search_chunk(const uint8_t *bytes, size_t size, uint64_t address, hc_injection_code *code)
{
	if (!code->call)
		code->call = find_code(bytes, size, address, call_code, sizeof call_code);
	if (!code->give_back)
		code->give_back = find_code(bytes, size, address, give_back_code, sizeof give_back_code);
	if (!code->give_back)
		code->give_back = find_code(bytes, size, address, give_back_short, sizeof give_back_short);
}

/* The file that is mapped, as the process sees it; -1: it is not to be had. */
static int open_mapped(pid_t pid, const hc_smaps_entry *entry)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/root%s", (int)pid, entry->path);
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (file >= 0 && (fstat(file, &status) || !S_ISREG(status.st_mode))) {
		close(file);
		return -1;
	}
	return file;
}

/* Searches the file, not the memory: what is looked at there would be resident from then on. */
static void search_mapping(
	int file, const hc_smaps_entry *entry, uint8_t *buffer, uint64_t *left, hc_injection_code *code)
{
	const size_t overlap = sizeof give_back_code;
	uint64_t size = entry->end - entry->start;

	for (uint64_t at = 0; at < size && *left && !(code->call && code->give_back);) {
		ssize_t got = pread(file, buffer, MIN(size - at, CODE_CHUNK), (off_t)(entry->offset + at));

		if (got <= 0)
			return;
		search_chunk(buffer, (size_t)got, entry->start + at, code);
		*left -= MIN(*left, (uint64_t)got);
		at += (size_t)got == CODE_CHUNK ? (uint64_t)got - overlap : (uint64_t)got;
	}
}

/* Whether the process has that there, now: it may run on after it was found. */
static bool is_code_there(int memory, const hc_injection_code *code)
{
	uint8_t call[sizeof call_code], back[sizeof give_back_code];

	if (pread(memory, call, sizeof call, (off_t)code->call) != sizeof call ||
		memcmp(call, call_code, sizeof call) != 0 ||
		pread(memory, back, sizeof back, (off_t)code->give_back) != sizeof back)
		return false;
	return !memcmp(back, give_back_code, sizeof back) || !memcmp(back, give_back_short, sizeof give_back_short);
}

bool hc_injection_find_code(pid_t pid, int memory, GArray *mappings, hc_injection_code *ret_code)
{
	g_autofree uint8_t *buffer = g_malloc(CODE_CHUNK);
	uint64_t left = CODE_MAX;

	*ret_code = (hc_injection_code){ 0 };
	/* libc's comes before others': it is the one that is sure to be meant as code. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < mappings->len; i++) {
			const hc_smaps_entry *entry = &g_array_index(mappings, hc_smaps_entry, i);
			bool is_wanted = entry->executable && entry->readable && entry->path[0] == '/' &&
					 (strstr(entry->path, "/libc") != NULL) == !pass;
			int file = is_wanted ? open_mapped(pid, entry) : -1;

			if (file < 0)
				continue;
			search_mapping(file, entry, buffer, &left, ret_code);
			close(file);
		}
	return ret_code->call && ret_code->give_back && is_code_there(memory, ret_code);
}

/* ---- which thread ---- */

/* rseq(2): where the thread keeps what sequence it is in, and that. */
struct restartable {
	uint32_t version, flags;
	uint64_t start, length, abort;
};

static bool is_in_sequence(int memory, pid_t thread, const struct user_regs_struct *registers)
{
	struct __ptrace_rseq_configuration configuration = { 0 };
	struct restartable sequence;
	uint64_t address = 0;

	/* Nobody makes system calls within one. */
	if ((int64_t)registers->orig_rax >= 0)
		return false;
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, thread, (void *)sizeof configuration, &configuration) < 0)
		return true; /* an old kernel does not tell */
	if (!configuration.rseq_abi_pointer)
		return false;
	if (pread(memory, &address, sizeof address, (off_t)(configuration.rseq_abi_pointer + 8)) != sizeof address)
		return true;
	if (!address)
		return false;
	return pread(memory, &sequence, sizeof sequence, (off_t)address) != sizeof sequence ||
	       registers->rip - sequence.start < sequence.length;
}

/* Whether the stack at POINTER has room for a frame: it is a mapping of its own, and nobody has anything below. */
static bool has_room(GArray *mappings, uint64_t pointer)
{
	const hc_smaps_entry *below = NULL;

	for (unsigned i = 0; i < mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(mappings, hc_smaps_entry, i);

		if (pointer >= entry->start && pointer < entry->end) {
			bool is_guarded = !strcmp(entry->path, "[stack]") ||
					  (below && below->end == entry->start && !below->readable && !below->writable);

			return entry->writable && !entry->shared && !entry->not_forked && is_guarded &&
			       pointer - entry->start >= STACK_ROOM + HC_FPU_MAX;
		}
		below = entry;
	}
	return false;
}

static bool get_set(pid_t thread, unsigned type, void *data, size_t *size)
{
	struct iovec vector = { data, *size };

	if (ptrace(PTRACE_GETREGSET, thread, (void *)(uintptr_t)type, &vector))
		return false;
	*size = vector.iov_len;
	return true;
}

static bool set_registers(pid_t thread, const struct user_regs_struct *registers)
{
	struct iovec vector = { (void *)registers, sizeof *registers };

	return !ptrace(PTRACE_SETREGSET, thread, (void *)NT_PRSTATUS, &vector);
}

static bool read_state(pid_t thread, hc_thread_state *state)
{
	size_t size = sizeof state->registers;

	state->fpu_size = sizeof state->fpu - FP_XSTATE_ROOM;
	return get_set(thread, NT_PRSTATUS, &state->registers, &size) && size == sizeof state->registers &&
	       get_set(thread, NT_X86_XSTATE, state->fpu, &state->fpu_size) &&
	       !ptrace(PTRACE_GETSIGMASK, thread, (void *)MASK_SIZE, &state->mask);
}

/* Whether THREAD, which stands still, can run a call. Its state is in *STATE. */
static bool is_fit(int memory, pid_t thread, GArray *mappings, hc_thread_state *state)
{
	return read_state(thread, state) && state->registers.cs == USER_CODE &&
	       has_room(mappings, state->registers.rsp) && !is_in_sequence(memory, thread, &state->registers);
}

/* ---- the call ---- */

/* Lets THREAD go on to the next stop. *RET_STATUS: as waitpid(2) says. FALSE: it is gone. */
static bool go_on(pid_t thread, enum __ptrace_request how, int *ret_status)
{
	if (ptrace(how, thread, NULL, NULL))
		return false;
	for (;;) {
		pid_t got = waitpid(thread, ret_status, __WALL);

		if (got == thread)
			return WIFSTOPPED(*ret_status);
		if (got < 0 && errno != EINTR)
			return false;
	}
}

/* Runs THREAD until it has made the call that its registers are set up for. *RET_CHILD: what clone(2) made; 0: nothing. */
static bool run_call(pid_t thread, int64_t *ret_result, pid_t *ret_child)
{
	struct user_regs_struct registers;
	size_t size = sizeof registers;
	unsigned stops = 0;
	int status;

	*ret_child = 0;
	while (stops < 2) {
		unsigned long message = 0;

		if (!go_on(thread, PTRACE_SYSCALL, &status))
			return false;
		if (WSTOPSIG(status) == CALL_STOP)
			stops++;
		else if ((status >> 16 == PTRACE_EVENT_CLONE || status >> 16 == PTRACE_EVENT_FORK) &&
			 !ptrace(PTRACE_GETEVENTMSG, thread, NULL, &message))
			*ret_child = (pid_t)message;
		/* All signals are blocked; SIGSTOP, which is not, stops the thread for us as well. */
	}
	if (!get_set(thread, NT_PRSTATUS, &registers, &size))
		return false;
	*ret_result = (int64_t)registers.rax;
	return true;
}

/* From the end of a call to a stop from which the kernel begins again what was interrupted: not every stop is one. */
static bool leave_call(pid_t thread)
{
	int status = 0;

	if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL))
		return false;
	do
		if (!go_on(thread, PTRACE_CONT, &status))
			return false;
	while (status >> 16 != PTRACE_EVENT_STOP);
	return true;
}

static bool write_all(int memory, const void *bytes, size_t size, uint64_t address)
{
	return pwrite(memory, bytes, size, (off_t)address) == (ssize_t)size;
}

/* THREAD is to run the call that CALL tells; FRAME is on its stack. */
static bool run_with_frame(pid_t thread, const hc_thread_state *state, const hc_injection_code *code,
	const hc_emergency_frame *frame, hc_injected_call *call)
{
	struct user_regs_struct registers = state->registers;
	uint64_t all = UINT64_MAX;
	bool ran;

	registers.rip = code->call;
	registers.rsp = frame->address;
	registers.rax = call->number;
	registers.orig_rax = UINT64_MAX;
	registers.rdi = call->arguments[0];
	registers.rsi = call->arguments[1];
	registers.rdx = call->arguments[2];
	registers.r10 = call->arguments[3];
	registers.r8 = call->arguments[4];
	registers.r9 = 0;
	if (!set_registers(thread, &registers))
		return false;
	ran = !ptrace(PTRACE_SETSIGMASK, thread, (void *)MASK_SIZE, &all) &&
	      !ptrace(PTRACE_SETOPTIONS, thread, NULL,
		      (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK)) &&
	      run_call(thread, &call->result, &call->child) && leave_call(thread);
	ptrace(PTRACE_SETOPTIONS, thread, NULL, NULL);
	ptrace(PTRACE_SETSIGMASK, thread, (void *)MASK_SIZE, &state->mask);
	return set_registers(thread, &state->registers) && ran;
}

/* The child was made while the frame was there. */
static void restore_child(pid_t child, const uint8_t *former, size_t size, uint64_t address)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/mem", (int)child);
	int memory = open(path, O_RDWR | O_CLOEXEC);

	if (memory < 0)
		return;
	write_all(memory, former, size, address);
	close(memory);
}

static bool inject(pid_t thread, int memory, const hc_thread_state *state, const hc_injection_code *code,
	hc_injected_call *call, GError **error)
{
	hc_emergency_frame frame;
	bool ran;

	hc_emergency_frame_make(state, code->give_back, &frame);
	g_autofree uint8_t *bytes = frame.bytes, *former = g_malloc(frame.size);

	if (pread(memory, former, frame.size, (off_t)frame.address) != (ssize_t)frame.size)
		return fail(error, "the stack of a thread cannot be read");
	if (!write_all(memory, bytes, frame.size, frame.address))
		return fail(error, "the process's memory may not be written");
	ran = run_with_frame(thread, state, code, &frame, call);
	write_all(memory, former, frame.size, frame.address);
	if (call->child)
		restore_child(call->child, former, frame.size, frame.address);
	if (!ran)
		return fail(error, "a thread does not run a call for us");
	return true;
}

bool hc_inject_call(const hc_injection *injection, hc_injected_call *call, GError **error)
{
	g_autofree hc_thread_state *state = g_new0(hc_thread_state, 1);
	const hc_stopped_process *process = injection->process;

	if (!is_code_there(injection->memory, &injection->code))
		return fail_with(error, "libc's code is not where it was");
	for (unsigned i = 0; i < hc_stopped_process_thread_count(process); i++) {
		pid_t thread = hc_stopped_process_thread(process, i);

		if (!hc_stopped_process_has_signal(process, i) &&
			is_fit(injection->memory, thread, injection->mappings, state))
			return inject(thread, injection->memory, state, &injection->code, call, error);
	}
	return fail_with(error, "no thread can run a call for us just now");
}

#endif
