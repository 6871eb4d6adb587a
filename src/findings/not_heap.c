/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the memory somewhere else than in the heap? */
#include "findings/findings.h"

#include "base/text.h"

enum {
	WORTH_SAYING = 1 << 20,
	SHARE = 20
}; /* bytes; at least a twentieth of the memory */

static const struct {
	hc_row_id row;
	const char *text;
} places[] = {
	{ HC_ROW_ANONYMOUS, "in anonymous mappings that are not malloc's" },
	{ HC_ROW_SHARED, "in shared memory" },
	{ HC_ROW_STACKS, "in live parts of stacks" },
	{ HC_ROW_FOREIGN_SBRK, "in the program break, but not malloc's: the program calls sbrk() itself" },
};

static uint64_t memory_bytes(const hc_memory *memory)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);

		sum += hc_memory_row_counts(row) ? row->bytes : 0;
	}
	return sum;
}

void hc_find_not_heap(const hc_evidence *evidence, hc_findings *findings)
{
	uint64_t all = memory_bytes(evidence->memory);
	const hc_heap_info *heap = hc_blocks_heap(evidence->blocks);

	for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
		const hc_memory_row *row = hc_memory_row_find(evidence->memory, places[i].row);

		/* What another allocator holds, and where a heap may be that was not found, is told by a finding of its own. */
		if (!row || row->bytes < MAX(WORTH_SAYING, all / SHARE) ||
			((heap->foreign || !heap->found) && row->id == HC_ROW_ANONYMOUS))
			continue;
		hc_findings_add(findings, "not-heap", row->bytes, 0,
			g_strdup_printf("%s%s%s", places[i].text, row->note ? "; " : "", row->note ? row->note : ""),
			g_strdup("mappings CORE"));
	}
}
