/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which blocks does nothing point to? */
#include "findings/findings.h"

#include "base/text.h"
#include "leaks/leaks.h"

enum {
	SIZES_SHOWN = 4
};

/* "5,250 x 312 B, 5,040 x 712 B, ..." */
static char *describe_sizes(const GArray *sizes)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < MIN(sizes->len, SIZES_SHOWN); i++) {
		const hc_size_count *count = &g_array_index(sizes, hc_size_count, i);
		char blocks[HC_TEXT_COUNT_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];

		g_string_append_printf(text, "%s%s x %s", i ? ", " : "", hc_text_count(blocks, count->blocks),
			hc_text_size(bytes, count->size));
	}
	if (sizes->len > SIZES_SHOWN)
		g_string_append(text, ", ...");
	return g_string_free(text, FALSE);
}

/* "; 94 % of the bytes are in blocks that begin "ORDER/1.0 id="", or "". */
static char *describe_content(const hc_evidence *evidence)
{
	double share;
	g_autofree char *content = hc_lost_content(evidence->core, evidence->references, &share);

	return content ? g_strdup_printf("; %.0f %% of the bytes are in blocks that begin %s", 100 * share, content) :
			 g_strdup("");
}

/* ", 34 of them directly, the others only from these": "" if all are. */
static char *describe_heads(const hc_references_totals *totals)
{
	char direct[HC_TEXT_COUNT_LENGTH];

	if (!totals->indirectly_lost.blocks)
		return g_strdup("");
	return g_strdup_printf(", %s of them directly, the others only from these",
		hc_text_count(direct, totals->directly_lost.blocks));
}

/* "; 40,401 of them begin as objects of a library that was unloaded do", or "". */
static char *describe_unloaded(const hc_evidence *evidence)
{
	hc_unloaded *unloaded = hc_unloaded_find(evidence->core, evidence->modules, evidence->references);
	uint64_t blocks = hc_unloaded_amount(unloaded).blocks;
	char count[HC_TEXT_COUNT_LENGTH];

	hc_unloaded_free(unloaded);
	if (!blocks)
		return g_strdup("");
	return g_strdup_printf("; %s of them begin%s as objects of a library that was unloaded do",
		hc_text_count(count, blocks), blocks == 1 ? "s" : "");
}

void hc_find_lost(const hc_evidence *evidence, hc_findings *findings)
{
	const hc_references_totals *totals = hc_references_get_totals(evidence->references);
	uint64_t blocks = totals->directly_lost.blocks + totals->indirectly_lost.blocks;
	char all[HC_TEXT_COUNT_LENGTH];

	if (!blocks)
		return;
	g_autoptr(GArray) sizes = hc_sizes_count(evidence, HC_SIZES_LOST);
	g_autofree char *shown = describe_sizes(sizes), *content = describe_content(evidence),
			*heads = describe_heads(totals), *unloaded = describe_unloaded(evidence),
			*missing = hc_references_describe_missing(evidence->references);

	hc_findings_add(findings, "lost", totals->directly_lost.bytes + totals->indirectly_lost.bytes, blocks,
		g_strdup_printf("%s%s block%s that nothing %spoints to%s: %s%s%s%s%s", missing ? "at most lost: " : "",
			hc_text_count(all, blocks), blocks == 1 ? "" : "s", missing ? "in the core " : "", heads, shown,
			content, unloaded, missing ? "; but " : "", missing ? missing : ""),
		g_strdup("leaks CORE"));
}
