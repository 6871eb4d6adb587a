/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of what is in use is there more than once. */
#include "wording/wording.h"

#include "base/text.h"
#include "blocks/blocks.h"

const char *hc_word_compared(hc_compared compared)
{
	static const char *const words[HC_COMPARED_COUNT] = {
		[HC_COMPARED_WHOLE] = "all",
		[HC_COMPARED_OBJECT] = "object",
		[HC_COMPARED_TEXT] = "text",
		[HC_COMPARED_LIKELY_TEXT] = "likely text",
	};

	return words[compared];
}

char *hc_word_duplicates(const hc_analysis *analysis, const hc_duplicates *duplicates)
{
	const hc_duplicates_totals *totals = hc_duplicates_get_totals(duplicates);
	uint64_t in_use = hc_blocks_amount(hc_analysis_blocks(analysis), HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes;
	char saved[HC_TEXT_SIZE_LENGTH], other[HC_TEXT_SIZE_LENGTH];
	GString *text = g_string_new(NULL);
	g_autofree char *groups = hc_unit_text(hc_duplicates_count(duplicates), "groups");

	if (!hc_duplicates_count(duplicates)) {
		g_string_append(text, "No two blocks in use hold the same.");
		return g_string_free(text, FALSE);
	}
	g_string_append_printf(text,
		"One block for all that hold the same would save %s, %.1f %% of what is in use: %s.",
		hc_text_size(saved, totals->saved), in_use ? 100.0 * (double)totals->saved / (double)in_use : 0.0,
		groups);
	if (totals->saved_likely)
		g_string_append_printf(text, " %s of it is likely to be text, which no type says.",
			hc_text_size(saved, totals->saved_likely));
	if (totals->saved_zero)
		g_string_append_printf(text, " Blocks of zeros, %s, are not counted: they may be about to be filled.",
			hc_text_size(other, totals->saved_zero));
	if (totals->lost.blocks) {
		g_autofree char *lost = hc_unit_text(totals->lost.blocks, "blocks");

		g_string_append_printf(text, " %s that are lost were left out.", lost);
	}
	return g_string_free(text, FALSE);
}
