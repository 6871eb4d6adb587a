/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why no heap was read. Nothing is said to be absent that may only be missing. */
#include "wording/wording.h"

char *hc_word_unread(const hc_heap_info *heap, const hc_process *process)
{
	if (heap->found)
		return NULL;
	if (heap->foreign)
		return g_strdup_printf("%s serves this program, and its blocks are not read", heap->foreign);
	switch (heap->state) {
	case HC_HEAP_UNSUPPORTED:
		return g_strdup_printf(
			"heaps of %s processes are not read yet: this version reads those of x86-64, i386 and aarch64",
			process->machine ? process->machine : "such");
	case HC_HEAP_MISSING:
		return g_strdup("malloc's heap was not found, for the core lacks memory that it is in or is found by");
	case HC_HEAP_UNUSED:
		return g_strdup("glibc's malloc is in this process, but was never used: no heap of its own was found");
	default:
		return g_strdup("no heap of glibc's malloc was found in this process");
	}
}
