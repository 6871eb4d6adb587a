/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of finders, and asking them. */
#include "findings/findings.h"

static const hc_finder finders[] = {
	hc_find_not_glibc,
	hc_find_lost,
	hc_find_piles,
	hc_find_retained,
	hc_find_big_blocks,
	hc_find_not_heap,
	hc_find_unjoined,
	hc_find_duplicates,
	hc_find_collisions,
	hc_find_damage,
	hc_find_two_layouts,
};

/* A heap that is damaged comes first, for it makes all else doubtful; and why before that. */
static unsigned urgency(const hc_finding *finding)
{
	if (finding->kind == HC_FINDING_TWO_LAYOUTS && finding->two_layouts.difference->overrun)
		return 2;
	return finding->kind == HC_FINDING_CORRUPT && finding->corrupt.is_overwritten;
}

/* Largest first; of the same blocks first what tells why. */
static int compare_findings(const void *a, const void *b)
{
	const hc_finding *x = a, *y = b;

	if (urgency(x) != urgency(y))
		return urgency(x) > urgency(y) ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (y->kind == HC_FINDING_TWO_LAYOUTS) - (x->kind == HC_FINDING_TWO_LAYOUTS);
}

hc_findings *hc_findings_create(const hc_findings_input *input)
{
	hc_findings *findings = g_new0(hc_findings, 1);

	findings->list = g_array_new(FALSE, FALSE, sizeof(hc_finding));
	for (unsigned i = 0; i < G_N_ELEMENTS(finders); i++)
		finders[i](input, findings);
	g_array_sort(findings->list, compare_findings);
	return findings;
}
