/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What inject.c and emergency_frame.c share. */
#pragma once

#include "capture/capture_parts.h"

#if defined(__x86_64__) && defined(__linux__)
#define HC_CAN_INJECT 1

#include <sys/user.h>

enum {
	HC_RED_ZONE = 128, /* bytes below the stack pointer that a function may use (x86-64 psABI, 3.2.2) */
	HC_XSAVE_ALIGNMENT = 64,
	HC_FPU_MAX = 16 << 10, /* bytes of XSAVE's state: 11 KiB with AMX */
	FP_XSTATE_ROOM = 64    /* ... and what is behind it in a frame */
};

/* A thread as it was found. */
typedef struct hc_thread_state {
	struct user_regs_struct registers;
	uint64_t mask; /* of signals */
	size_t fpu_size;
	uint8_t fpu[HC_FPU_MAX];
} hc_thread_state;

/* What is put on its stack while it runs a call for us. */
typedef struct hc_emergency_frame {
	uint64_t address;
	size_t size;
	uint8_t *bytes; /* owned */
} hc_emergency_frame;

/* The frame that makes STATE of a thread again that returns to GIVE_BACK, where rt_sigreturn is called; free ret_frame->bytes. */
void hc_emergency_frame_make(const hc_thread_state *state, uint64_t give_back, hc_emergency_frame *ret_frame);
#endif
