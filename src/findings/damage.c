/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the heap damaged? */
#include "findings/findings.h"

#include "base/text.h"

void hc_find_damage(const hc_evidence *evidence, hc_findings *findings)
{
	hc_amount unreadable = hc_blocks_amount(evidence->blocks, HC_ARENA_ALL, HC_BLOCK_UNREADABLE);
	char places[HC_TEXT_COUNT_LENGTH];
	hc_block_iterator iterator;
	hc_block block;
	hc_address first = 0;

	if (!unreadable.blocks)
		return;
	hc_block_iterator_init(&iterator, evidence->blocks);
	while (!first && hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_UNREADABLE)
			first = block.address;
	hc_findings_add(findings, "corrupt", unreadable.bytes, 0,
		g_strdup_printf(
			"%s place%s where the heap's chunks could not be followed: overwritten by a bug in the program, or missing in the core",
			hc_text_count(places, unreadable.blocks), unreadable.blocks == 1 ? "" : "s"),
		g_strdup_printf("block CORE %#" G_GINT64_MODIFIER "x", first));
}
