/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/machine.h"

#include <elf.h>
#include <glib.h>

#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif

/* user_regs_struct of asm/user.h; user_pt_regs of asm/ptrace.h */
static const char *const x86_64_names[] = {
	"r15",
	"r14",
	"r13",
	"r12",
	"rbp",
	"rbx",
	"r11",
	"r10",
	"r9",
	"r8",
	"rax",
	"rcx",
	"rdx",
	"rsi",
	"rdi",
	"orig_rax",
	"rip",
	"cs",
	"eflags",
	"rsp",
	"ss",
	"fs_base",
	"gs_base",
	"ds",
	"es",
	"fs",
	"gs",
};

static const char *const i386_names[] = {
	"ebx",
	"ecx",
	"edx",
	"esi",
	"edi",
	"ebp",
	"eax",
	"ds",
	"es",
	"fs",
	"gs",
	"orig_eax",
	"eip",
	"cs",
	"eflags",
	"esp",
	"ss",
};

static const char *const aarch64_names[] = {
	"x0",
	"x1",
	"x2",
	"x3",
	"x4",
	"x5",
	"x6",
	"x7",
	"x8",
	"x9",
	"x10",
	"x11",
	"x12",
	"x13",
	"x14",
	"x15",
	"x16",
	"x17",
	"x18",
	"x19",
	"x20",
	"x21",
	"x22",
	"x23",
	"x24",
	"x25",
	"x26",
	"x27",
	"x28",
	"x29",
	"x30",
	"sp",
	"pc",
	"pstate",
};

static const hc_machine machines[] = {
	{
		.id = EM_X86_64,
		.name = "x86-64",
		.status_pid = 32,
		.status_registers = 112,
		.register_count = G_N_ELEMENTS(x86_64_names),
		.stack_pointer = 19,
		.program_counter = 16,
		.system_call = 15,
		.register_names = x86_64_names,
		.pointer_place = HC_POINTER_REGISTER,
		.pointer_register = 21,
		.dwarf_count = 17,
		.dwarf_stack_pointer = 7,
		.dwarf_kept = UINT32_C(0xf048), /* rbx, rbp, r12 to r15 */
		.dwarf_registers = { 10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16 },
		.dwarf_vector_first = 17,
		.dwarf_vector_last = 32,
		.has_xsave = true,
		.dtv = 1,
		.block_has_self = true,
		.block_canary = 0x28,
		.block_alignment = 64,
		.block_thread = 720,
		.red_zone =
			128, /* System V ABI, AMD64, 3.2.2: leaf functions use it without moving the stack pointer */
		.relocation_relative = R_X86_64_RELATIVE,
		.relocation_copy = R_X86_64_COPY,
		.malloc_alignment = 16,
		.has_coroutines = true,
	},
	{
		.id = EM_386,
		.name = "i386",
		.status_pid = 24,
		.status_registers = 72,
		.register_count = G_N_ELEMENTS(i386_names),
		.stack_pointer = 15,
		.program_counter = 12,
		.system_call = 11,
		.register_names = i386_names,
		.pointer_place = HC_POINTER_DESCRIPTOR,
		.pointer_register = 10,
		.pointer_note = NT_386_TLS,
		.dwarf_count = 9,
		.dwarf_stack_pointer = 4,
		.dwarf_kept = UINT32_C(0xe8), /* ebx, ebp, esi, edi: System V ABI, Intel386, 2.2.3 */
		.dwarf_registers = { 6, 1, 2, 0, 15, 5, 3, 4, 12 },
		.dwarf_vector_first = 21,
		.dwarf_vector_last = 36,
		.dtv = 1,
		.block_has_self = true,
		.block_canary = 0x14,
		.block_alignment = 16,
		.block_thread = 104, /* behind a header of 24 words and a list */
		.relocation_relative = R_386_RELATIVE,
		.relocation_copy = R_386_COPY,
		.malloc_alignment = 16, /* from 2.26 on */
	},
	{
		.id = EM_AARCH64,
		.name = "aarch64",
		.status_pid = 32,
		.status_registers = 112,
		.register_count = G_N_ELEMENTS(aarch64_names),
		.stack_pointer = 31,
		.program_counter = 32,
		.system_call = -1,
		.register_names = aarch64_names,
		.pointer_place = HC_POINTER_NOTE,
		.pointer_note = NT_ARM_TLS,
		.dwarf_count = 32,
		.dwarf_stack_pointer = 31,
		.dwarf_registers = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
			23, 24, 25, 26, 27, 28, 29, 30, 31 },
		.dwarf_kept = UINT32_C(0x3ff80000), /* x19 to x29: AAPCS64, 6.1.1 */
		.signed_bits = 48,
		.dwarf_vector_first = 64,
		.dwarf_vector_last = 95,
		.tls_above = true,
		.tls_header = 16,
		.relocation_relative = R_AARCH64_RELATIVE,
		.relocation_copy = R_AARCH64_COPY,
		.malloc_alignment = 16,
	},
};

const hc_machine *hc_machine_find(unsigned id)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(machines); i++)
		if (machines[i].id == id)
			return &machines[i];
	return NULL;
}
