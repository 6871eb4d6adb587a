/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of findings. */
#include "findings/findings.h"

const char *hc_finding_kind_name(hc_finding_kind kind)
{
	static const char *const names[HC_FINDING_KIND_COUNT] = {
		[HC_FINDING_LOST] = "lost",
		[HC_FINDING_CONTAINER] = "container",
		[HC_FINDING_OWNER] = "owner",
		[HC_FINDING_SUSPECT] = "suspect",
		[HC_FINDING_RETAINED] = "retained",
		[HC_FINDING_BIG_BLOCKS] = "big-blocks",
		[HC_FINDING_ONE_SIZE] = "one-size",
		[HC_FINDING_NOT_GLIBC] = "not-glibc",
		[HC_FINDING_HEAP_NOT_READ] = "heap-not-read",
		[HC_FINDING_NOT_HEAP] = "not-heap",
		[HC_FINDING_UNJOINED] = "unjoined",
		[HC_FINDING_DUPLICATES] = "duplicates",
		[HC_FINDING_COLLISIONS] = "collisions",
		[HC_FINDING_CORRUPT] = "corrupt",
		[HC_FINDING_TWO_LAYOUTS] = "two-layouts",
	};

	return (unsigned)kind < HC_FINDING_KIND_COUNT ? names[kind] : "";
}

void hc_findings_add(hc_findings *findings, const hc_finding *finding)
{
	g_array_append_vals(findings->list, finding, 1);
}

static void clear_suspect(hc_finding_suspect *suspect)
{
	g_free(suspect->owner);
	g_free(suspect->type);
	g_free(suspect->accumulates_at);
	hc_where_clear(&suspect->where);
}

static void free_strings(hc_finding *finding)
{
	switch (finding->kind) {
	case HC_FINDING_LOST:
		g_free(finding->lost.beginning);
		return;
	case HC_FINDING_CONTAINER:
	case HC_FINDING_OWNER:
		g_free(finding->place.path);
		g_free(finding->place.type);
		hc_where_clear(&finding->place.where);
		g_free(finding->place.key);
		clear_suspect(&finding->place.suspect);
		return;
	case HC_FINDING_SUSPECT:
		clear_suspect(&finding->suspect);
		return;
	case HC_FINDING_RETAINED:
		g_free((char *)finding->retained.holder.name);
		g_free((char *)finding->retained.holder.path);
		return;
	case HC_FINDING_NOT_HEAP:
		g_free(finding->not_heap.owner);
		return;
	case HC_FINDING_DUPLICATES:
		g_free(finding->duplicates.path);
		return;
	case HC_FINDING_COLLISIONS:
		g_free(finding->collisions.path);
		g_free(finding->collisions.type);
		return;
	case HC_FINDING_BIG_BLOCKS:
	case HC_FINDING_ONE_SIZE:
		g_free(finding->size.name);
		return;
	default:
		return;
	}
}

void hc_findings_free(hc_findings *findings)
{
	if (!findings)
		return;
	for (unsigned i = 0; i < findings->list->len; i++)
		free_strings(&g_array_index(findings->list, hc_finding, i));
	g_array_unref(findings->list);
	g_clear_pointer(&findings->answers, g_ptr_array_unref);
	hc_abi_destroy(findings->abi);
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
