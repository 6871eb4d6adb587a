/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much free memory does malloc keep, would trimming help, and what pins most of it? */
#include "findings/findings.h"

#include "base/text.h"
#include "pins/pins.h"

enum {
	WORTH_SAYING = 1 << 20
};

/* "; 36 MiB of it is pinned by 12 blocks of Session (g_sessions[])" if one kind pins most of it; or "". Free with g_free(). */
static char *main_pin(const hc_evidence *evidence, uint64_t bytes)
{
	g_autoptr(hc_pins) pins = hc_pins_create(evidence->core, evidence->blocks, evidence->types);
	const hc_pin_holder *holder = hc_pins_holder(pins, 0);
	char pinned[HC_TEXT_SIZE_LENGTH], count[HC_TEXT_COUNT_LENGTH];

	if (!holder || holder->pinned < bytes / 2)
		return g_strdup("");
	g_autofree char *text = hc_pin_holder_text(holder), *escaped = hc_text_escape(text, -1);

	return g_strdup_printf("; %s of it is pinned by %s block%s: %s", hc_text_size(pinned, holder->pinned),
		hc_text_count(count, holder->amount.blocks), holder->amount.blocks == 1 ? "" : "s", escaped);
}

void hc_find_retained(const hc_evidence *evidence, hc_findings *findings)
{
	const hc_memory *memory = evidence->memory;
	uint64_t bins = hc_memory_row_bytes(memory, HC_ROW_FREE_BINS) +
			hc_memory_row_bytes(memory, HC_ROW_FREE_FASTBINS),
		 top = hc_memory_row_bytes(memory, HC_ROW_FREE_TOP);
	uint64_t tcache = hc_memory_row_bytes(memory, HC_ROW_FREE_TCACHE), bytes = bins + top + tcache;
	hc_free_pages pages;
	char all[HC_TEXT_SIZE_LENGTH], trim[HC_TEXT_SIZE_LENGTH], zero[HC_TEXT_SIZE_LENGTH], whole[HC_TEXT_SIZE_LENGTH];

	hc_blocks_free_pages(evidence->blocks, HC_ARENA_ALL, &pages);
	uint64_t resident = hc_free_pages_gain(&pages);

	if (bytes < WORTH_SAYING || bytes < hc_memory_total(memory) / 50)
		return;
	hc_text_size(all, bytes);
	hc_text_size(whole, pages.whole);
	hc_text_size(zero, pages.zero);
	hc_text_size(trim, resident);
	g_autofree char *pin = main_pin(evidence, bytes);

	hc_findings_add(findings, "retained", bytes, 0,
		g_strdup_printf(
			"free, but kept by malloc: %s in whole pages, %s of them zero already; malloc_trim(0) would give %s%s back%s",
			whole, zero, resident >= WORTH_SAYING ? "" : "only ", trim, pin),
		g_strdup("pins CORE"));
}
