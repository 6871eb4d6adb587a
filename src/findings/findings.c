/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list, and the table of finders. */
#include "findings/findings.h"

struct hc_findings {
	GArray *list; /* of hc_finding */
};

static const hc_finder finders[] = {
	hc_find_not_glibc,
	hc_find_lost,
	hc_find_holders,
	hc_find_retained,
	hc_find_big_blocks,
	hc_find_not_heap,
	hc_find_unjoined,
	hc_find_damage,
};

void hc_findings_add(
	hc_findings *findings, const char *kind, uint64_t bytes, uint64_t blocks, char *text, char *command)
{
	hc_finding finding = { kind, bytes, blocks, text, command };

	g_array_append_val(findings->list, finding);
}

/* Largest first. */
static int compare_findings(const void *a, const void *b)
{
	const hc_finding *x = a, *y = b;

	return (y->bytes > x->bytes) - (y->bytes < x->bytes);
}

hc_findings *hc_findings_create(const hc_evidence *evidence)
{
	hc_findings *findings = g_new0(hc_findings, 1);

	findings->list = g_array_new(FALSE, FALSE, sizeof(hc_finding));
	for (unsigned i = 0; i < G_N_ELEMENTS(finders); i++)
		finders[i](evidence, findings);
	g_array_sort(findings->list, compare_findings);
	return findings;
}

void hc_findings_free(hc_findings *findings)
{
	if (!findings)
		return;
	for (unsigned i = 0; i < findings->list->len; i++) {
		g_free(g_array_index(findings->list, hc_finding, i).text);
		g_free(g_array_index(findings->list, hc_finding, i).command);
	}
	g_array_unref(findings->list);
	g_free(findings);
}

unsigned hc_findings_count(const hc_findings *findings)
{
	return findings->list->len;
}

const hc_finding *hc_findings_get(const hc_findings *findings, unsigned index)
{
	return index < findings->list->len ? &g_array_index(findings->list, hc_finding, index) : NULL;
}
