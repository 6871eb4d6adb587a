/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is the heap damaged? Each header and list is looked at, which takes as long as the walk once more, if the walk met something that contradicts itself: an arena
 * whose lists and sizes do not add up, chunks that could not be followed.
 */
#include "findings/findings.h"

#include "check/check.h"

static bool is_suspicious(const hc_blocks *blocks)
{
	bool is_consistent = true;

	for (unsigned i = 0; i < hc_blocks_arena_count(blocks) && is_consistent; i++)
		is_consistent = hc_blocks_arena(blocks, i)->consistent;
	return !is_consistent || hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_UNREADABLE).blocks;
}

/* The first place where chunks could not be followed; 0: they could. */
static hc_address find_unreadable(const hc_blocks *blocks)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, blocks);
	while (hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_UNREADABLE)
			return block.address;
	return 0;
}

static const hc_damage_place *first_place(const hc_check *check)
{
	for (unsigned i = 0; i < hc_check_count(check); i++)
		if (!hc_check_get(check, i)->damage.in_operation)
			return hc_check_get(check, i);
	return NULL;
}

void hc_find_damage(const hc_findings_input *input, hc_findings *findings)
{
	hc_amount unreadable = hc_blocks_amount(input->blocks, HC_ARENA_ALL, HC_BLOCK_UNREADABLE);
	hc_finding finding = { .kind = HC_FINDING_CORRUPT, .bytes = unreadable.bytes };

	if (!is_suspicious(input->blocks))
		return;
	g_autoptr(hc_check) check = hc_check_create(input->core, input->blocks);
	const hc_damage_place *place = first_place(check);

	if (place) {
		finding.corrupt.is_overwritten = true;
		finding.corrupt.places = hc_check_get_totals(check)->places;
		finding.corrupt.first = place->damage.place;
	} else if (unreadable.blocks) {
		finding.corrupt.places = unreadable.blocks;
		finding.corrupt.first = find_unreadable(input->blocks);
	}
	if (finding.corrupt.places)
		hc_findings_add(findings, &finding);
}
