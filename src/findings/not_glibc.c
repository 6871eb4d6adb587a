/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does another allocator than glibc's serve the program, or was its heap not read? */
#include "findings/findings.h"

void hc_find_not_glibc(const hc_findings_input *input, hc_findings *findings)
{
	const hc_heap_info *heap = hc_blocks_heap(input->blocks);
	hc_finding finding = {
		.kind = !heap->foreign && heap->state >= HC_HEAP_MISSING ? HC_FINDING_HEAP_NOT_READ :
									   HC_FINDING_NOT_GLIBC,
		.bytes = hc_areas_bytes(input->areas, HC_AREA_ANONYMOUS),
	};

	if (heap->foreign || !heap->found)
		hc_findings_add(findings, &finding);
}
