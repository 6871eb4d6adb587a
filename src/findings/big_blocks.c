/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the heap made of a few large blocks, or of very many of one size? */
#include "findings/findings.h"

#include "base/text.h"

enum {
	WORTH_SAYING = 1 << 20,
	SHARE = 10
}; /* bytes; at least a tenth of what is in use */
enum {
	FEW_BLOCKS = 64
};

static void find_one_size(hc_findings *findings, const hc_size_count *count)
{
	char blocks[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];
	bool few = count->blocks < FEW_BLOCKS;

	hc_text_count(blocks, count->blocks);
	hc_text_size(size, count->size);
	hc_findings_add(findings, few ? "big-blocks" : "one-size", count->size * count->blocks, count->blocks,
		few ? g_strdup_printf("in %s large block%s of %s in use", blocks, count->blocks == 1 ? "" : "s", size) :
		      g_strdup_printf("in %s blocks of one size, %s, in use", blocks, size),
		g_strdup_printf("chunks CORE --state in-use --min %" G_GUINT64_FORMAT " --max %" G_GUINT64_FORMAT,
			count->size, count->size));
}

void hc_find_big_blocks(const hc_evidence *evidence, hc_findings *findings)
{
	uint64_t in_use = hc_blocks_amount(evidence->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes;
	g_autoptr(GArray) sizes = hc_sizes_count(evidence->blocks, evidence->references, false);

	for (unsigned i = 0; i < MIN(sizes->len, 3); i++) {
		const hc_size_count *count = &g_array_index(sizes, hc_size_count, i);

		if (count->size * count->blocks >= MAX(WORTH_SAYING, in_use / SHARE))
			find_one_size(findings, count);
	}
}
