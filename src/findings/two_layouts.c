/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Do lost blocks hang on a member which a part of the program does not know, for it was built against another version of a class? Or is the heap damaged
 * behind objects that such a part made too small?
 *
 * Looked for only where enough is lost, or the heap is damaged, and among classes whose sizes differ: that debug info is indexed is owed to types. The code
 * is read for damage, and for who makes what is lost.
 */
#include "findings/findings.h"

enum {
	LEAST_BYTES = 64 << 10, /* lost */
	LEAST_SHARE = 200,	/* one in so many bytes in use is lost, at least */
	FINDINGS_MAX = 4,
};

bool hc_findings_lose_enough(const hc_blocks *blocks, const hc_references *references)
{
	const hc_references_totals *totals = hc_references_get_totals(references);
	uint64_t lost = totals->directly_lost.bytes + totals->indirectly_lost.bytes;

	return lost >= LEAST_BYTES &&
	       lost >= hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes / LEAST_SHARE;
}

static void free_answer(void *data)
{
	hc_site_answer_clear(data);
	g_free(data);
}

/* Code is read once there is something to ask. NULL: nothing is to be told, or can be. */
static const hc_site_answer *ask_sites(
	const hc_findings_input *input, hc_findings *findings, const hc_abi_difference *difference)
{
	hc_site_answer *answer;
	hc_sites *sites;

	if (input->no_sites || !difference->head_count)
		return NULL;
	sites = hc_abi_sites(findings->abi);
	if (!findings->answers)
		findings->answers = g_ptr_array_new_with_free_func(free_answer);
	if (hc_sites_why_none(sites))
		return NULL;
	answer = g_new0(hc_site_answer, 1);
	g_ptr_array_add(findings->answers, answer);
	return hc_abi_ask_sites(difference, sites, answer) ? answer : NULL;
}

/* hc_find_damage() was asked before. */
static bool found_damage(const hc_findings *findings)
{
	for (unsigned i = 0; i < findings->list->len; i++)
		if (g_array_index(findings->list, hc_finding, i).kind == HC_FINDING_CORRUPT)
			return true;
	return false;
}

void hc_find_two_layouts(const hc_findings_input *input, hc_findings *findings)
{
	bool is_damaged = found_damage(findings);
	const hc_abi_options options = { .sizes_only = true, .no_code = !is_damaged || input->no_sites };
	unsigned told = 0;

	if (!input->types || (!is_damaged && !hc_findings_lose_enough(input->blocks, input->references)))
		return;
	const hc_abi_input abi_input = {
		.core = input->core,
		.program_types = input->types->program_types,
		.types = input->types,
		.blocks = input->blocks,
		.areas = input->areas,
		.references = input->references,
		.unloaded = input->unloaded,
		.jobs = input->jobs,
		.diagnostics = input->diagnostics,
	};

	findings->abi = hc_abi_create(&abi_input, &options);
	for (unsigned i = 0; i < hc_abi_count(findings->abi) && told < FINDINGS_MAX; i++) {
		const hc_abi_difference *difference = hc_abi_get(findings->abi, i);
		hc_amount lost = hc_abi_all_lost(difference);
		hc_finding finding = {
			.kind = HC_FINDING_TWO_LAYOUTS,
			.bytes = lost.bytes,
			.blocks = lost.blocks,
			.two_layouts = { .difference = difference },
		};

		if (!lost.blocks && !difference->overrun)
			continue;
		finding.two_layouts.site = ask_sites(input, findings, difference);
		hc_findings_add(findings, &finding);
		told++;
	}
}
