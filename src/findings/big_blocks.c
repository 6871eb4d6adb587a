/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is much of the heap in blocks of which nothing is known but their size? A size is a poor name, so it is told only of blocks whose type and
 * owner are not known, and with it who points there: the pointers to a sample of them are looked for in the roots, and in a part of the
 * blocks in use that is read in a moment.
 */
#include "findings/findings.h"

#include "base/text.h"

enum {
	WORTH_SAYING = 1 << 20,
	SHARE = 10, /* bytes; at least a tenth of what is in use */
	SIZES_TOLD = 3,
	FEW_BLOCKS = 64,
	SAMPLE = 64,	  /* blocks of a size */
	REFERENCES = 256, /* to the sample */
	BUDGET = 512 << 20 /* bytes looked at for them */
};

/* Some of the blocks of COUNT, spread evenly, in order of address. GArray of hc_block. */
static GArray *take_sample(const hc_evidence *evidence, const hc_size_count *count)
{
	GArray *sample = g_array_new(FALSE, FALSE, sizeof(hc_block));
	uint64_t every = 1 + count->blocks / SAMPLE, seen = 0;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, evidence->blocks);
	while (sample->len < SAMPLE && hc_block_iterator_next(&iterator, &block))
		if (block.size == count->size && hc_sizes_is_unknown(evidence, &block) && seen++ % every == 0)
			g_array_append_val(sample, block);
	return sample;
}

/* Who holds the word at REFERENCE, as one would name it; untrusted. Free with g_free(). */
static char *name_of(const hc_evidence *evidence, const hc_reference *reference, uint64_t size)
{
	hc_place_sources sources = { evidence->core, evidence->modules, evidence->blocks, evidence->areas };
	char text[HC_TEXT_SIZE_LENGTH];
	hc_block block;
	hc_block_type type;

	if (reference->block == UINT32_MAX) {
		g_auto(hc_place) place = { 0 };

		hc_place_of_reference(&sources, reference, &place);
		return g_strdup(place.name);
	}
	if (evidence->types && hc_types_of_block(evidence->types, reference->block, &type)) {
		char *name = g_strdup_printf("%s", type.path && *type.path ? type.path : type.name);

		hc_block_type_clear(&type);
		return name;
	}
	if (!hc_blocks_get(evidence->blocks, reference->block, &block))
		return NULL;
	return block.size == size ? g_strdup("others of them") :
				    g_strdup_printf("blocks of %s", hc_text_size(text, block.size));
}

/* "; pointed to from g_table and elsewhere"; "" if nobody was found in time. */
static char *describe_referrers(const hc_evidence *evidence, const hc_size_count *count)
{
	g_autoptr(GArray) sample = take_sample(evidence, count);
	g_autoptr(GArray) references = hc_references_to_some(
		evidence->references, (const hc_block *)(void *)sample->data, sample->len, REFERENCES, BUDGET);
	g_autoptr(GHashTable) votes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const char *most = NULL;
	unsigned most_votes = 0;

	for (unsigned i = 0; i < references->len; i++) {
		char *name = name_of(evidence, &g_array_index(references, hc_reference, i), count->size);
		unsigned known = name ? GPOINTER_TO_UINT(g_hash_table_lookup(votes, name)) : 0;

		if (!name)
			continue;
		g_hash_table_replace(votes, name, GUINT_TO_POINTER(known + 1));
		if (known + 1 > most_votes) {
			most_votes = known + 1;
			most = name;
		}
	}
	if (!most)
		return g_strdup("");
	g_autofree char *escaped = hc_text_escape(most, -1);

	return g_strdup_printf("; pointed to from %s%s", escaped, most_votes < references->len ? " and elsewhere" : "");
}

static void find_one_size(const hc_evidence *evidence, hc_findings *findings, const hc_size_count *count)
{
	g_autofree char *referrers = describe_referrers(evidence, count);
	char blocks[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];

	hc_findings_add(findings, count->blocks < FEW_BLOCKS ? "big-blocks" : "one-size", count->size * count->blocks,
		count->blocks,
		g_strdup_printf("%s block%s of %s, type and owner not known%s", hc_text_count(blocks, count->blocks),
			count->blocks == 1 ? "" : "s", hc_text_size(size, count->size), referrers),
		g_strdup_printf("chunks CORE --state in-use --min %" G_GUINT64_FORMAT " --max %" G_GUINT64_FORMAT,
			count->size, count->size));
}

void hc_find_big_blocks(const hc_evidence *evidence, hc_findings *findings)
{
	uint64_t in_use = hc_blocks_amount(evidence->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes;
	g_autoptr(GArray) sizes = hc_sizes_count(evidence, HC_SIZES_UNKNOWN);

	for (unsigned i = 0; i < MIN(sizes->len, SIZES_TOLD); i++) {
		const hc_size_count *count = &g_array_index(sizes, hc_size_count, i);

		if (count->size * count->blocks >= MAX(WORTH_SAYING, in_use / SHARE))
			find_one_size(evidence, findings, count);
	}
}
