/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much free memory does malloc keep, and would trimming help? */
#include "findings/findings.h"

#include "base/text.h"

enum {
	WORTH_SAYING = 1 << 20
};

static uint64_t row_bytes(const hc_memory *memory, const char *id)
{
	const hc_memory_row *row = hc_memory_row_find(memory, id);

	return row ? row->bytes : 0;
}

void hc_find_retained(const hc_evidence *evidence, hc_findings *findings)
{
	const hc_memory *memory = evidence->memory;
	uint64_t bins = row_bytes(memory, "free-bins") + row_bytes(memory, "free-fastbins"),
		 top = row_bytes(memory, "free-top");
	uint64_t tcache = row_bytes(memory, "free-tcache"), bytes = bins + top + tcache;
	hc_free_pages pages;
	char all[HC_TEXT_SIZE_LENGTH], trim[HC_TEXT_SIZE_LENGTH], zero[HC_TEXT_SIZE_LENGTH], whole[HC_TEXT_SIZE_LENGTH];

	hc_blocks_free_pages(evidence->blocks, HC_ARENA_ALL, &pages);
	uint64_t resident = pages.trim - pages.trim_zero;

	if (bytes < WORTH_SAYING || bytes < hc_memory_total(memory) / 50)
		return;
	hc_text_size(all, bytes);
	hc_text_size(whole, pages.whole);
	hc_text_size(zero, pages.zero);
	hc_text_size(trim, resident);
	hc_findings_add(findings, "retained", bytes, 0,
		resident >= WORTH_SAYING ?
			g_strdup_printf(
				"free, but kept by malloc: %s in whole pages, %s of them zero already; malloc_trim(0) would give %s back",
				whole, zero, trim) :
			g_strdup_printf(
				"free, but kept by malloc: %s in whole pages, %s of them zero already; malloc_trim(0) would give only %s back",
				whole, zero, trim),
		g_strdup("arenas CORE"));
}
