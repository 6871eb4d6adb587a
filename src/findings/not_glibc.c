/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does another allocator than glibc's serve the program, or was its heap not read? */
#include "findings/findings.h"

#include "base/text.h"

void hc_find_not_glibc(const hc_evidence *evidence, hc_findings *findings)
{
	const hc_heap_info *heap = hc_blocks_heap(evidence->blocks);
	uint64_t anonymous = hc_areas_bytes(evidence->areas, HC_AREA_ANONYMOUS);
	hc_amount in_use = hc_blocks_amount(evidence->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	g_autofree char *unread = hc_heap_why_unread(heap, hc_core_process(evidence->core));
	char size[HC_TEXT_SIZE_LENGTH];

	if (heap->foreign)
		hc_findings_add(findings, "not-glibc", anonymous, 0,
			g_strdup_printf(
				"the heap is not glibc's: %s serves this program%s%s. Its blocks are not read; they lie in the anonymous mappings. "
				"glibc's malloc holds %s in use beside it",
				heap->foreign, heap->provider ? ", from " : "", heap->provider ? heap->provider : "",
				hc_text_size(size, in_use.bytes)),
			g_strdup("mappings CORE"));
	else if (unread)
		hc_findings_add(findings, heap->state >= HC_HEAP_MISSING ? "heap-not-read" : "not-glibc", anonymous, 0,
			g_steal_pointer(&unread), g_strdup("mappings CORE"));
}
