/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the heap damaged? */
#include "findings/findings.h"

void hc_find_damage(const hc_findings_input *input, hc_findings *findings)
{
	hc_amount unreadable = hc_blocks_amount(input->blocks, HC_ARENA_ALL, HC_BLOCK_UNREADABLE);
	hc_finding finding = {
		.kind = HC_FINDING_CORRUPT, .bytes = unreadable.bytes, .corrupt = { .places = unreadable.blocks }
	};
	hc_block_iterator iterator;
	hc_block block;
	hc_address first = 0;

	if (!unreadable.blocks)
		return;
	hc_block_iterator_init(&iterator, input->blocks);
	while (!first && hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_UNREADABLE)
			first = block.address;
	finding.corrupt.first = first;
	hc_findings_add(findings, &finding);
}
