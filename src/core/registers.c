/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of registers: the general ones in the order in which the kernel keeps them in elf_prstatus (user_regs_struct of
 * asm/user.h, asm/ptrace.h), the vector registers by where they lie in the note.
 *
 * Names and numbers: base/machine.c.
 */
#include "core/core_state.h"

const char *hc_core_register_name(const hc_core *core, unsigned index)
{
	return core->machine && index < core->machine->register_count ? core->machine->register_names[index] : NULL;
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

	bool is_known = core->machine && core->machine->has_xsave;

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
