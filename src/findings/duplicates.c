/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of the heap is held more than once?
 *
 * To compare all blocks costs as much as it does to mark them. So of very many a fixed choice, spread evenly, is compared first: only if that
 * promises as much as is worth a finding all are. A content that the choice has J times is taken to be there J times as often as one block in
 * so many was chosen. What is there two or three times only is hardly ever twice in a choice: of that much may be missed, in heaps of many blocks.
 */
#include "findings/findings.h"

#include "duplicates/duplicates.h"

enum {
	WORTH_SAYING = 1 << 20,
	SHARE = 20,		   /* one byte in so many of those in use */
	COMPARED_AT_ONCE = 1 << 18 /* blocks */
};

/* Bytes that GROUP would save, as far as they are certain to be the same and worth saving. */
static uint64_t saving(const hc_duplicate_group *group)
{
	return group->is_zero || group->compared == HC_COMPARED_LIKELY_TEXT ? 0 : hc_duplicate_saving(group);
}

static hc_duplicates *compare(const hc_findings_input *input, uint64_t every)
{
	const hc_duplicates_options options = { .every = every, .jobs = input->jobs };

	return hc_duplicates_create(input->core, input->blocks, input->references, input->types, &options, NULL);
}

/* Whether one block in EVERY promises that all save WORTH bytes. */
static bool promises(const hc_findings_input *input, uint64_t every, uint64_t worth)
{
	g_autoptr(hc_duplicates) chosen = compare(input, every);
	uint64_t bytes = 0;

	for (size_t i = 0; chosen && i < hc_duplicates_count(chosen); i++) {
		const hc_duplicate_group *group = hc_duplicates_group(chosen, i);

		bytes += saving(group) ? group->blocks * group->size : 0;
	}
	return bytes >= worth / every;
}

static void describe_largest(const hc_findings_input *input, const hc_duplicates *all, const hc_duplicate_group *group,
	hc_finding_duplicates *ret_facts)
{
	g_autoptr(GArray) owners = hc_duplicates_owners(all, group);

	ret_facts->largest_saved = hc_duplicate_saving(group);
	ret_facts->largest_blocks = group->blocks;
	ret_facts->largest_size = group->size;
	if (owners->len && g_array_index(owners, hc_duplicate_owner, 0).blocks > group->blocks / 2)
		ret_facts->path = hc_types_path_text(input->types, g_array_index(owners, hc_duplicate_owner, 0).path);
}

void hc_find_duplicates(const hc_findings_input *input, hc_findings *findings)
{
	hc_amount in_use = hc_blocks_amount(input->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	uint64_t worth = MAX(in_use.bytes / SHARE, WORTH_SAYING), every = 1 + in_use.blocks / COMPARED_AT_ONCE;
	hc_finding finding = { .kind = HC_FINDING_DUPLICATES };
	const hc_duplicate_group *largest = NULL;
	g_autoptr(hc_duplicates) all = NULL;

	if (in_use.bytes < worth || (every > 1 && !promises(input, every, worth)))
		return;
	all = compare(input, 1);
	for (size_t i = 0; all && i < hc_duplicates_count(all); i++) {
		const hc_duplicate_group *group = hc_duplicates_group(all, i);
		uint64_t bytes = saving(group);

		if (!bytes)
			continue;
		largest = largest ? largest : group;
		finding.bytes += bytes;
		finding.blocks += group->blocks;
		finding.duplicates.groups++;
	}
	if (!largest || finding.bytes < worth)
		return;
	describe_largest(input, all, largest, &finding.duplicates);
	hc_findings_add(findings, &finding);
}
