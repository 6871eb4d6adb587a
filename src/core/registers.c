/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of registers: the general ones in the order in which the kernel keeps them in elf_prstatus (user_regs_struct of
 * asm/user.h, asm/ptrace.h), the vector registers by where they lie in the note.
 *
 * To add a machine: a row in `machines`.
 */
#include "core/core_state.h"

#include <elf.h>

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

static const struct machine {
	unsigned id;
	unsigned count;
	const char *const *names;
} machines[] = {
	{ EM_X86_64, G_N_ELEMENTS(x86_64_names), x86_64_names },
	{ EM_386, G_N_ELEMENTS(i386_names), i386_names },
	{ EM_AARCH64, G_N_ELEMENTS(aarch64_names), aarch64_names },
};

const char *hc_core_register_name(const hc_core *core, unsigned index)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(machines); i++)
		if (machines[i].id == core->process.machine_id && index < machines[i].count)
			return machines[i].names[index];
	return NULL;
}

/* Intel SDM 1, 13.4: the legacy area has xmm0 at 160; AVX's upper halves stand at 576 in the layout that the kernel writes. */
hc_vector_part hc_core_vector_part(const hc_core *core, size_t offset, unsigned *ret_number)
{
	enum {
		XMM = 160,
		XMM_END = XMM + 16 * 16,
		YMM = 576,
		YMM_END = YMM + 16 * 16
	};

	bool is_known = core->process.machine_id == EM_X86_64;

	if (is_known && offset >= XMM && offset < XMM_END) {
		*ret_number = (unsigned)(offset - XMM) / 16;
		return HC_VECTOR_XMM;
	}
	if (is_known && offset >= YMM && offset < YMM_END) {
		*ret_number = (unsigned)(offset - YMM) / 16;
		return HC_VECTOR_YMM_UPPER;
	}
	*ret_number = (unsigned)offset;
	return HC_VECTOR_OTHER;
}
