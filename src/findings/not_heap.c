/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the memory somewhere else than in the heap? */
#include "findings/findings.h"

enum {
	WORTH_SAYING = 1 << 20, /* bytes ... */
	SHARE = 20,		/* ... and at least a twentieth of the memory */
	OWNER_SHARE = 10,	/* an owner that holds less of the row than a tenth is not told */
};

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

/*
 * The path from a root that holds most of what is not malloc's; 0: there is none, or types are not
 * known. *RET_BYTES of it.
 */
static uint32_t find_owner(const hc_types *types, uint64_t *ret_bytes)
{
	uint32_t best = 0;

	*ret_bytes = 0;
	for (uint32_t i = 1; types && i <= hc_types_path_count(types); i++) {
		hc_types_path path;

		hc_types_path_get(types, i, &path);
		if (!path.parent && path.outside_below > *ret_bytes) {
			*ret_bytes = path.outside_below;
			best = i;
		}
	}
	return best;
}

static void add(const hc_findings_input *input, hc_row_id row, uint64_t bytes, hc_findings *findings)
{
	hc_finding finding = { .kind = HC_FINDING_NOT_HEAP, .bytes = bytes, .not_heap.row = row };
	hc_finding_not_heap *facts = &finding.not_heap;

	if (row == HC_ROW_ANONYMOUS) {
		uint32_t owner = find_owner(input->types, &facts->outside);

		if (owner && facts->outside >= bytes / OWNER_SHARE)
			facts->owner = hc_types_path_text(input->types, owner);
		else
			facts->outside = 0;
	}
	hc_findings_add(findings, &finding);
}

void hc_find_not_heap(const hc_findings_input *input, hc_findings *findings)
{
	uint64_t all = memory_bytes(input->memory);
	const hc_heap_info *heap = hc_blocks_heap(input->blocks);

	for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
		uint64_t bytes = hc_memory_row_bytes(input->memory, places[i]);

		/* What another allocator holds, and where a heap may be that was not found, is told by a finding of its own. */
		if (bytes >= MAX(WORTH_SAYING, all / SHARE) &&
			((!heap->foreign && heap->found) || places[i] != HC_ROW_ANONYMOUS))
			add(input, places[i], bytes, findings);
	}
}
