/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is much of the heap in blocks of which nothing is known but their size? A size is a poor name, so it is told only of blocks whose type and
 * owner are not known, and with it who points there: the pointers to a sample of them are looked for in the roots, and in a part of the
 * blocks in use that is read in a moment.
 */
#include "findings/findings.h"

enum {
	WORTH_SAYING = 1 << 20,
	SHARE = 10, /* bytes; at least a tenth of what is in use */
	SIZES_TOLD = 3,
	FEW_BLOCKS = 64,
	SAMPLE = 64,	   /* blocks of a size */
	REFERENCES = 256,  /* to the sample */
	BUDGET = 512 << 20 /* bytes looked at for them */
};

/* Some of the blocks of COUNT, spread evenly, in order of address. GArray of hc_block. */
static GArray *take_sample(const hc_findings_input *input, const hc_size_count *count)
{
	GArray *sample = g_array_new(FALSE, FALSE, sizeof(hc_block));
	uint64_t every = 1 + count->blocks / SAMPLE, seen = 0;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, input->blocks);
	while (sample->len < SAMPLE && hc_block_iterator_next(&iterator, &block))
		if (block.size == count->size && hc_sizes_is_unknown(input, &block) && seen++ % every == 0)
			g_array_append_val(sample, block);
	return sample;
}

/* Who holds the word at REFERENCE. *RET_NAME, *RET_SIZE: of kinds that have one. */
static hc_referrer identify(const hc_findings_input *input, const hc_reference *reference, uint64_t size,
	char **ret_name, uint64_t *ret_size)
{
	hc_block block;
	hc_block_type type;

	*ret_name = NULL;
	*ret_size = 0;
	if (reference->block == UINT32_MAX)
		return HC_REFERRER_ROOT;
	if (input->types && hc_types_of_block(input->types, reference->block, &type)) {
		*ret_name = g_strdup(type.path && *type.path ? type.path : type.name);
		hc_block_type_clear(&type);
		return HC_REFERRER_NAMED;
	}
	if (!hc_blocks_get(input->blocks, reference->block, &block))
		return HC_REFERRER_NONE;
	*ret_size = block.size;
	return block.size == size ? HC_REFERRER_OTHERS : HC_REFERRER_SIZE;
}

/* A vote: so many references are from there. */
struct referrer {
	hc_referrer kind;
	char *name;
	uint64_t size;
	const hc_reference *reference; /* the first of them */
	unsigned votes;
};

/* Takes NAME over. Each word of a root stands for itself. */
static struct referrer *vote_for(
	GArray *votes, hc_referrer kind, char *name, uint64_t size, const hc_reference *reference)
{
	struct referrer fresh = { kind, name, size, reference, 0 };

	for (unsigned i = 0; kind != HC_REFERRER_ROOT && i < votes->len; i++) {
		struct referrer *known = &g_array_index(votes, struct referrer, i);

		if (known->kind == kind && known->size == size && !g_strcmp0(known->name, name)) {
			g_free(name);
			return known;
		}
	}
	g_array_append_val(votes, fresh);
	return &g_array_index(votes, struct referrer, votes->len - 1);
}

static void clear_referrer(void *data)
{
	g_free(((struct referrer *)data)->name);
}

/* Fills what is known of who points to blocks of COUNT's size. */
static void find_referrers(const hc_findings_input *input, const hc_size_count *count, hc_finding_size *size)
{
	g_autoptr(GArray) sample = take_sample(input, count);
	g_autoptr(GArray) references = hc_references_to_some(
		input->references, (const hc_block *)(void *)sample->data, sample->len, REFERENCES, BUDGET);
	g_autoptr(GArray) votes = g_array_new(FALSE, FALSE, sizeof(struct referrer));
	struct referrer most = { HC_REFERRER_NONE, NULL, 0, NULL, 0 };

	g_array_set_clear_func(votes, clear_referrer);
	for (unsigned i = 0; i < references->len; i++) {
		char *name;
		uint64_t from_size;
		const hc_reference *reference = &g_array_index(references, hc_reference, i);
		hc_referrer kind = identify(input, reference, count->size, &name, &from_size);
		struct referrer *referrer = kind ? vote_for(votes, kind, name, from_size, reference) : NULL;

		if (referrer && ++referrer->votes > most.votes)
			most = *referrer;
	}
	size->referrer = most.kind;
	size->name = g_strdup(most.name);
	if (most.kind == HC_REFERRER_ROOT)
		size->root = *most.reference;
	size->from_size = most.kind == HC_REFERRER_SIZE ? most.size : 0;
	size->and_elsewhere = most.votes < references->len;
}

static void find_one_size(const hc_findings_input *input, hc_findings *findings, const hc_size_count *count)
{
	hc_finding finding = {
		.kind = count->blocks < FEW_BLOCKS ? HC_FINDING_BIG_BLOCKS : HC_FINDING_ONE_SIZE,
		.bytes = count->size * count->blocks,
		.blocks = count->blocks,
		.size = { .size = count->size },
	};

	find_referrers(input, count, &finding.size);
	hc_findings_add(findings, &finding);
}

void hc_find_big_blocks(const hc_findings_input *input, hc_findings *findings)
{
	uint64_t in_use = hc_blocks_amount(input->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes,
		 worth = MAX(WORTH_SAYING, in_use / SHARE);
	g_autoptr(GArray) sizes = NULL;

	/* Of what no path leads to, all sizes together are less than one has to be. */
	if (input->types && hc_types_held_by(input->types, HC_PATH_FROM_NOTHING).bytes < worth)
		return;
	sizes = hc_sizes_count(input, HC_SIZES_UNKNOWN);
	for (unsigned i = 0; i < MIN(sizes->len, SIZES_TOLD); i++) {
		const hc_size_count *count = &g_array_index(sizes, hc_size_count, i);

		if (count->size * count->blocks >= worth)
			find_one_size(input, findings, count);
	}
}
