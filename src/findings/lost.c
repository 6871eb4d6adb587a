/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which blocks does nothing point to? */
#include "findings/findings.h"

void hc_find_lost(const hc_findings_input *input, hc_findings *findings)
{
	const hc_references_totals *totals = hc_references_get_totals(input->references);
	hc_finding finding = {
		.kind = HC_FINDING_LOST,
		.bytes = totals->directly_lost.bytes + totals->indirectly_lost.bytes,
		.blocks = totals->directly_lost.blocks + totals->indirectly_lost.blocks,
		.lost = {
			.heads = totals->directly_lost.blocks,
			.is_bound = hc_references_lost_is_bound(input->references),
		},
	};

	if (!finding.blocks)
		return;
	g_autoptr(GArray) sizes = hc_sizes_count(input, HC_SIZES_LOST);

	finding.lost.size_count = sizes->len;
	for (unsigned i = 0; i < MIN(sizes->len, HC_FINDING_SIZES); i++)
		finding.lost.sizes[i] = g_array_index(sizes, hc_size_count, i);
	finding.lost.beginning = hc_lost_content(input->core, input->references, &finding.lost.beginning_share);
	finding.lost.unloaded = hc_unloaded_amount(input->unloaded).blocks;
	hc_findings_add(findings, &finding);
}
