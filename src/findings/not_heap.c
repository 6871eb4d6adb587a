/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the memory somewhere else than in the heap? */
#include "findings/findings.h"

enum {
	WORTH_SAYING = 1 << 20,
	SHARE = 20
}; /* bytes; at least a twentieth of the memory */

static const hc_row_id places[] = { HC_ROW_ANONYMOUS, HC_ROW_SHARED, HC_ROW_STACKS, HC_ROW_FOREIGN_SBRK };

static uint64_t memory_bytes(const hc_memory *memory)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);

		sum += hc_memory_row_counts(row) ? row->bytes : 0;
	}
	return sum;
}

void hc_find_not_heap(const hc_findings_input *input, hc_findings *findings)
{
	uint64_t all = memory_bytes(input->memory);
	const hc_heap_info *heap = hc_blocks_heap(input->blocks);

	for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
		hc_finding finding = {
			.kind = HC_FINDING_NOT_HEAP,
			.bytes = hc_memory_row_bytes(input->memory, places[i]),
			.row = places[i],
		};

		/* What another allocator holds, and where a heap may be that was not found, is told by a finding of its own. */
		if (finding.bytes >= MAX(WORTH_SAYING, all / SHARE) &&
			((!heap->foreign && heap->found) || places[i] != HC_ROW_ANONYMOUS))
			hc_findings_add(findings, &finding);
	}
}
