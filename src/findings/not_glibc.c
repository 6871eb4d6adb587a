/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does another allocator than glibc's serve the program? */
#include "findings/findings.h"

#include "base/text.h"

void hc_find_not_glibc(const hc_evidence *evidence, hc_findings *findings)
{
	const hc_heap_info *heap = hc_blocks_heap(evidence->blocks);
	uint64_t anonymous = hc_areas_bytes(evidence->areas, HC_AREA_ANONYMOUS);
	hc_amount in_use = hc_blocks_amount(evidence->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	char size[HC_TEXT_SIZE_LENGTH];

	if (heap->foreign)
		hc_findings_add(findings, "not-glibc", anonymous, 0,
			g_strdup_printf(
				"the heap is not glibc's: %s serves this program%s%s. Its blocks are not read; they lie in the anonymous mappings. "
				"glibc's malloc holds %s in use beside it",
				heap->foreign, heap->provider ? ", from " : "", heap->provider ? heap->provider : "",
				hc_text_size(size, in_use.bytes)),
			g_strdup("mappings CORE"));
	else if (!heap->found)
		hc_findings_add(findings, "not-glibc", anonymous, 0,
			g_strdup(
				heap->library ?
					"glibc's malloc is in this process, but was never used: no heap of its own was found" :
					"no heap of glibc's malloc was found in this process"),
			g_strdup("mappings CORE"));
}
