/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is different from machine to machine, but for word size and byte order, which every core tells itself.
 *
 * To add a machine: a row in machine.c, and nothing else. A member that is not known of it keeps the value that says so, and what needs
 * it is left out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	HC_MACHINE_DWARF_MAX = 32, /* registers that are unwound */
	HC_RED_ZONE_MOST = 512,	   /* of all machines: PowerPC's */
};

/* Where the thread pointer stands in a core. */
typedef enum hc_thread_pointer_place {
	HC_POINTER_REGISTER,   /* among the general registers */
	HC_POINTER_NOTE,       /* the first word of a note of its own */
	HC_POINTER_DESCRIPTOR, /* the base of the segment that a register selects, in a note of struct user_desc */
} hc_thread_pointer_place;

typedef struct hc_machine {
	unsigned id; /* EM_... */
	const char *name;

	/* struct elf_prstatus (asm/elf.h, linux/elfcore.h): offsets in bytes, and numbers of general registers in the kernel's order */
	unsigned status_pid, status_registers;
	unsigned register_count;
	unsigned stack_pointer, program_counter;
	int system_call; /* its register holds -1 outside system calls; -1: not known */
	const char *const *register_names;

	hc_thread_pointer_place pointer_place;
	unsigned pointer_register; /* HC_POINTER_REGISTER: it; HC_POINTER_DESCRIPTOR: the one that selects */
	unsigned pointer_note;	   /* NT_... */

	/*
	 * DWARF's registers ("DWARF Register Number Mapping" of the machine's ABI), those that are unwound: number -> number in the
	 * kernel's order.
	 */
	unsigned dwarf_count, dwarf_stack_pointer;
	uint32_t dwarf_kept; /* bit for each that a call keeps by the ABI; 0: as libdw says */
	uint8_t dwarf_registers[HC_MACHINE_DWARF_MAX];
	unsigned signed_bits; /* a return address may be signed from this bit on (pointer authentication); 0: none is */
	unsigned dwarf_vector_first, dwarf_vector_last; /* DWARF's numbers of vector registers; both 0: not known */
	bool has_xsave;					/* its NT_X86_XSTATE is laid out as registers.c has it */

	/*
	 * Thread-local storage (Ulrich Drepper, "ELF Handling for Thread-Local Storage", 3). Variant II: blocks lie below the thread pointer,
	 * which leads to the thread's descriptor. Variant I: above it, behind a header of TLS_HEADER bytes.
	 */
	bool tls_above;
	unsigned tls_header;
	unsigned dtv; /* in words from the thread pointer: the dtv */

	/* The thread control block, tcbhead_t (glibc's sysdeps/MACHINE/nptl/tls.h): what it is found by. */
	bool block_has_self;	  /* its first and its third word are its own address */
	unsigned block_canary;	  /* bytes; 0: none is in there */
	unsigned block_alignment; /* bytes */
	unsigned block_thread;	  /* struct pthread.tid (glibc's nptl/descr.h); 0: not known */

	unsigned red_zone;			       /* bytes below the stack pointer that a function may use */
	unsigned relocation_relative, relocation_copy; /* R_...; 0: not known */

	unsigned malloc_alignment; /* glibc's malloc-alignment.h; 0: the heap of this machine is not read */

	bool has_coroutines; /* areas/coroutines.c knows its calls and makecontext()'s trampoline */
} hc_machine;

/* NULL: not one of those that are known. */
const hc_machine *hc_machine_find(unsigned id);
