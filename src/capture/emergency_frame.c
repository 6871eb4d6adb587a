/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a thread needs to become again what it was without our help.
 *
 * While a thread runs a call for us, its registers are ours. If we die then, the kernel lets it go on, so it has to find its own way back:
 * behind the call stands rt_sigreturn(2), as behind a signal handler, and on its stack the frame that the kernel would have made for
 * one: registers, signal mask, and the state of the floating point unit (arch/x86/kernel/signal_64.c, struct rt_sigframe; fpu/signal.c).
 * A system call that it was waiting in is begun again; one that sleeps for a time may end with EINTR, as after any signal.
 */
#include "capture/inject_parts.h"

#ifdef HC_CAN_INJECT

#include <signal.h>
#include <string.h>
#include <ucontext.h>

enum {
	RESTART_SYS = -512, /* linux/errno.h: how a call ends that is to be begun again; programs never see these */
	RESTART_NO_INTR = -513,
	RESTART_NO_HANDLER = -514,
	RESTART_BLOCK = -516,
	CALL_SIZE = 2,		/* bytes of the instruction `syscall` */
	RESTART_NUMBER = 219,	/* restart_syscall(2) */
	NO_STACK_FLAGS = 0x1234 /* not the flags of any signal stack: the kernel keeps the one there is */
};

/* asm/ucontext.h: the frame has XSAVE's state; and SS, which is to be restored as it is. */
#define FLAGS_OF_FRAME UINT64_C(7)

/* Where REGISTERS would stand after the kernel has seen to the system call that they were in. */
static void finish_call(struct user_regs_struct *registers)
{
	if ((int64_t)registers->orig_rax < 0)
		return;
	switch ((int64_t)registers->rax) {
	case RESTART_SYS:
	case RESTART_NO_INTR:
	case RESTART_NO_HANDLER:
		registers->rax = registers->orig_rax;
		registers->rip -= CALL_SIZE;
		break;
	case RESTART_BLOCK:
		registers->rax = RESTART_NUMBER;
		registers->rip -= CALL_SIZE;
		break;
	default:
		break;
	}
}

static void fill_registers(ucontext_t *context, const struct user_regs_struct *is)
{
	greg_t *to = context->uc_mcontext.gregs;

	to[REG_R8] = (greg_t)is->r8;
	to[REG_R9] = (greg_t)is->r9;
	to[REG_R10] = (greg_t)is->r10;
	to[REG_R11] = (greg_t)is->r11;
	to[REG_R12] = (greg_t)is->r12;
	to[REG_R13] = (greg_t)is->r13;
	to[REG_R14] = (greg_t)is->r14;
	to[REG_R15] = (greg_t)is->r15;
	to[REG_RDI] = (greg_t)is->rdi;
	to[REG_RSI] = (greg_t)is->rsi;
	to[REG_RBP] = (greg_t)is->rbp;
	to[REG_RBX] = (greg_t)is->rbx;
	to[REG_RDX] = (greg_t)is->rdx;
	to[REG_RAX] = (greg_t)is->rax;
	to[REG_RCX] = (greg_t)is->rcx;
	to[REG_RSP] = (greg_t)is->rsp;
	to[REG_RIP] = (greg_t)is->rip;
	to[REG_EFL] = (greg_t)is->eflags;
	to[REG_CSGSFS] = (greg_t)(is->cs | is->gs << 16 | is->fs << 32 | is->ss << 48);
}

/* The state as the kernel puts it into a frame: it says how large it is, and has a mark at its end. */
static void fill_state(uint8_t *to, const uint8_t *state, size_t size)
{
	struct _fpx_sw_bytes description = { .magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)size + FP_XSTATE_MAGIC2_SIZE,
		.xstate_size = (uint32_t)size };
	const uint32_t end = FP_XSTATE_MAGIC2;
	size_t at = sizeof(struct _fpstate) - sizeof description;

	memcpy(to, state, size);
	memcpy(&description.xstate_bv, state + at, sizeof description.xstate_bv); /* as PTRACE_GETREGSET has it */
	memcpy(to + at, &description, sizeof description);
	memcpy(to + size, &end, sizeof end);
}

static uint64_t align_down(uint64_t number, uint64_t unit)
{
	return number / unit * unit;
}

void hc_emergency_frame_make(const hc_thread_state *state, uint64_t give_back, hc_emergency_frame *ret_frame)
{
	struct user_regs_struct registers = state->registers;
	ucontext_t context = { .uc_flags = FLAGS_OF_FRAME, .uc_stack = { .ss_flags = NO_STACK_FLAGS } };
	size_t head = sizeof give_back + offsetof(ucontext_t, uc_sigmask) + sizeof state->mask;
	uint64_t end = registers.rsp - HC_RED_ZONE;
	uint64_t fpu = align_down(end - state->fpu_size - FP_XSTATE_MAGIC2_SIZE, HC_XSAVE_ALIGNMENT);
	/* As if `call` had pushed the address where it goes on. */
	uint64_t start = align_down(fpu - head, 16) - sizeof give_back;

	finish_call(&registers);
	fill_registers(&context, &registers);
	context.uc_mcontext.fpregs = (fpregset_t)(uintptr_t)fpu; /* of the other process */
	ret_frame->address = start;
	ret_frame->size = end - start;
	ret_frame->bytes = g_malloc0(ret_frame->size);
	memcpy(ret_frame->bytes, &give_back, sizeof give_back);
	memcpy(ret_frame->bytes + sizeof give_back, &context, offsetof(ucontext_t, uc_sigmask));
	memcpy(ret_frame->bytes + head - sizeof state->mask, &state->mask, sizeof state->mask);
	fill_state(ret_frame->bytes + (fpu - start), state->fpu, state->fpu_size);
}

#endif
