/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which places hold most? One finding for each place that a good part of the heap piles up at (held.h): what it is, how much of it is not in
 * use, and what its keys look like. Whether keys are bounded one core cannot tell.
 */
#include "findings/held.h"
#include "values/values.h"

enum {
	FINDINGS_MAX = 5,
	LEAST_SHARE = 20,	/* of the bytes in use: a twentieth */
	LEAST_BYTES = 64 << 10, /* less is nobody's problem */
	KEYS_ASKED = 2,
};

/* Free room in buffers of elements in a row, at HELD itself. */
static uint64_t unused_capacity(const hc_held *held)
{
	if (!held->is.is_container || held->is.capacity == UINT64_MAX || held->is.capacity <= held->is.elements ||
		held->is.own.bytes <= held->is.elements_bytes)
		return 0;
	return held->is.own.bytes - held->is.elements_bytes;
}

/* The place below INDEX whose unused capacity is most of what INDEX holds; INDEX itself if there is none. */
static uint32_t find_unused(const GArray *tree, uint32_t index)
{
	uint64_t half = hc_held_get(tree, index)->is.below.bytes / 2;

	for (uint32_t at = index; at != HC_HELD_NONE && hc_held_get(tree, at)->is.below.bytes > half;
		at = hc_held_get(tree, at)->heaviest)
		if (unused_capacity(hc_held_get(tree, at)) > half)
			return at;
	return index;
}

static void find_keys(const hc_findings_input *input, const hc_held *held, hc_finding_place *place)
{
	g_auto(hc_sample) sample = { 0 };

	if (!held->is.is_keyed)
		return;
	hc_types_path_sample(input->types, held->path, KEYS_ASKED, &sample);
	if (sample.looked_at < 2)
		return;
	place->key = g_strdup(sample.texts[0]);
	place->keys_alike = hc_keys_are_alike(held->is.most_elements, sample.shapes);
}

/* HALF of what is told: more of it is unused capacity, or that is not worth telling. */
static void add(const hc_findings_input *input, const hc_held *held, uint64_t half, hc_findings *findings)
{
	uint64_t unused = unused_capacity(held);
	hc_finding finding = {
		.kind = held->is.is_container ? HC_FINDING_CONTAINER : HC_FINDING_OWNER,
		.bytes = held->is.below.bytes,
		.blocks = held->is.below.blocks,
		.place = {
			.path = hc_types_path_text(input->types, held->path),
			.type = hc_types_path_type_name(input->types, held->path),
			.by_words = held->is.root != NULL,
			.threads = held->threads,
			.kind = held->is.kind,
			.count = held->is.count,
			.elements = held->is.elements,
			.is_at_most = held->is.grade == HC_GRADE_BOUND,
			.own = held->is.own.bytes,
			.parts = held->is.parts,
			.unused = unused > half ? unused : 0,
			.certainty = held->is.certainty,
		},
	};

	hc_types_path_where(input->types, held->path, &finding.place.where);
	if (held->is.is_container && !finding.place.unused)
		find_keys(input, held, &finding.place);
	hc_findings_add(findings, &finding);
}

/* Where what is at INDEX begins. */
static uint32_t beginning_of(const GArray *tree, uint32_t index)
{
	while (hc_held_get(tree, index)->parent != HC_HELD_NONE)
		index = hc_held_get(tree, index)->parent;
	return index;
}

void hc_find_piles(const hc_findings_input *input, hc_findings *findings)
{
	if (!input->types)
		return;
	uint64_t in_use = hc_blocks_amount(input->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes;
	g_autoptr(GArray) tree = hc_held_collect(input);
	g_autoptr(GArray) chosen = hc_held_choose(tree, MAX(in_use / LEAST_SHARE, LEAST_BYTES));
	g_autofree uint32_t *told = g_new0(uint32_t, MAX(tree->len, 1));

	for (unsigned i = 0; i < MIN(chosen->len, FINDINGS_MAX); i++) {
		uint32_t index = g_array_index(chosen, uint32_t, i);

		add(input, hc_held_get(tree, find_unused(tree, index)), hc_held_get(tree, index)->is.below.bytes / 2,
			findings);
		uint32_t *first = &told[beginning_of(tree, index)];

		*first = *first ? *first : findings->list->len;
	}
	hc_suspects_add(input, tree, told, in_use, findings);
}
