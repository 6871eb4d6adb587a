/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one instruction does to the values that are followed, whatever the machine: decode_x86.c and decode_aarch64.c make steps of what
 * capstone decodes, flow.c knows steps alone. What a step does not say in detail, it at least says in `clobbers`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STEP_REGISTERS = 32, /* x86-64: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 ...; aarch64: x0 ... x30, sp */
	NO_REGISTER = 0xff,
	STEPS_OF_ONE = 4, /* an instruction makes at most so many */
};

enum step_kind {
	STEP_OTHER,    /* `clobbers` only */
	STEP_SET,      /* to = add */
	STEP_SUM,      /* to = from + other * scale + add; `from` or `other` may be NO_REGISTER */
	STEP_SCALE,    /* to = from * scale */
	STEP_MULTIPLY, /* to = from * other */
	STEP_CHOOSE,   /* to may become from */
	STEP_LOAD,     /* to = *(from + add), WIDTH bytes; from NO_REGISTER: the address is `add` */
	STEP_STORE, /* *(from + add) = other, or `value` if that is NO_REGISTER; WIDTH bytes; from NO_REGISTER: likewise */
	STEP_STORE_UNKNOWN, /* the same of what is not known */
	STEP_CALL,	    /* of `add` */
	STEP_CALL_AT,	    /* of what the word at `add` leads to */
	STEP_CALL_REGISTER, /* of what `from` leads to */
	STEP_JUMP,
	STEP_JUMP_AT,
	STEP_JUMP_REGISTER, /* likewise: nothing comes behind it */
	STEP_BRANCH,	    /* goes to `add`, or on */
	STEP_END,	    /* return, trap: nothing comes behind it */
};

struct step {
	uint32_t at, next; /* offsets in the module: of the instruction, of the one behind it */
	uint8_t kind;
	uint8_t to, from, other;
	uint8_t width;	   /* bytes; of SET, SUM, SCALE, MULTIPLY 4: the upper half becomes 0 */
	bool is_address;   /* SET: `add` is an offset in the module */
	uint32_t clobbers; /* bit for each register whose value is not known any more */
	int64_t scale, add;
	int64_t value;
};

/* Which registers a call is made with, and what it leaves. */
struct calling {
	uint8_t arguments[8];
	unsigned argument_count;
	unsigned registers; /* how many there are */
	uint8_t result, stack, frame;
	uint32_t clobbered;
};

/* ---- decode.c ---- */

struct decoder; /* for one thread */

/* NULL: code of MACHINE (EM_...) is not read, or memory was out. */
struct decoder *hc_decoder_create(unsigned machine);
void hc_decoder_destroy(struct decoder *decoder); /* NULL is fine */
const struct calling *hc_decoder_calling(const struct decoder *decoder);

/*
 * The steps of the instruction in the SIZE bytes at BYTES, whose address is OFFSET: their number, at most STEPS_OF_ONE, in *RET_STEPS, and
 * how long it is; 0: none can be decoded there. What lies behind SIZE is not looked at.
 */
size_t hc_decode(struct decoder *decoder, const uint8_t *bytes, size_t size, uint32_t offset,
	struct step ret_steps[STEPS_OF_ONE], unsigned *ret_count);

/* ---- decode_x86.c, decode_aarch64.c ---- */

struct cs_insn;

/* The steps of what capstone has decoded, with details. */
unsigned hc_steps_of_x86(size_t handle, const struct cs_insn *instruction, struct step *steps);
unsigned hc_steps_of_aarch64(size_t handle, const struct cs_insn *instruction, struct step *steps);
extern const struct calling hc_calling_x86, hc_calling_aarch64;
