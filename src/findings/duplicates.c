/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of the heap is held more than once?
 *
 * To compare all blocks costs more than it does to mark them. So of very many a fixed choice, spread
 * evenly, is compared first. A content that the choice has J times is taken to be there J times as
 * often as one block in so many was chosen. Only if that promises as much as is worth a finding all
 * blocks are looked at, and only for the contents that the choice has more than once: what is there
 * two or three times is hardly ever twice in a choice, and is left out. The figures of what is told
 * are exact.
 */
#include "findings/findings.h"

#include "duplicates/duplicates.h"

enum {
	WORTH_SAYING = 1 << 20,
	SHARE = 20,		    /* one byte in so many of those in use */
	COMPARED_AT_ONCE = 1 << 18, /* blocks: up to so many are all compared */
	SAMPLE = 1 << 17,	    /* blocks of more that are */
};

static hc_duplicates *compare(const hc_findings_input *input, uint64_t every)
{
	const hc_duplicates_options options = { .every = every, .jobs = input->jobs };

	return hc_duplicates_create(input->core, input->blocks, input->references, input->types, &options, NULL);
}

/* Whether the SAMPLE, one block in EVERY, promises that all save WORTH bytes. */
static bool promises(const hc_duplicates *sample, uint64_t every, uint64_t worth)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < hc_duplicates_count(sample); i++) {
		const hc_duplicate_group *group = hc_duplicates_group(sample, i);

		bytes += hc_duplicate_is_certain(group) ? group->blocks * group->size : 0;
	}
	return bytes >= worth / every;
}

static void add_group(hc_finding *finding, const hc_duplicate_group *group)
{
	hc_finding_duplicates *facts = &finding->duplicates;
	uint64_t saved = hc_duplicate_saving(group);

	finding->bytes += saved;
	finding->blocks += group->blocks;
	facts->groups++;
	if (saved <= facts->largest_saved)
		return;
	facts->largest_saved = saved;
	facts->largest_blocks = group->blocks;
	facts->largest_size = group->size;
}

/* Fills FINDING from all blocks. Returns the path of most blocks of the largest group; 0: none that is known. */
static uint32_t add_up_all(const hc_findings_input *input, hc_finding *finding)
{
	g_autoptr(hc_duplicates) all = compare(input, 1);
	const hc_duplicate_group *largest = NULL;

	for (size_t i = 0; all && i < hc_duplicates_count(all); i++) {
		const hc_duplicate_group *group = hc_duplicates_group(all, i);

		if (!hc_duplicate_is_certain(group))
			continue;
		largest = largest ? largest : group;
		add_group(finding, group);
	}
	if (!largest)
		return 0;
	g_autoptr(GArray) owners = hc_duplicates_owners(all, largest);
	const hc_duplicate_owner *most = &g_array_index(owners, hc_duplicate_owner, 0);

	return owners->len && most->blocks > largest->blocks / 2 ? most->path : 0;
}

/* As above, from one block in EVERY, and what they show from all. Nothing is filled where they do not promise WORTH bytes. */
static uint32_t add_up_frequent(const hc_findings_input *input, uint64_t every, uint64_t worth, hc_finding *finding)
{
	g_autoptr(hc_duplicates) sample = compare(input, every);
	g_autoptr(GArray) contents = NULL;
	uint32_t path = 0;

	if (!sample || !promises(sample, every, worth))
		return 0;
	contents = hc_duplicates_frequent(sample);
	for (unsigned i = 0; contents && i < contents->len; i++) {
		const hc_frequent_content *content = &g_array_index(contents, hc_frequent_content, i);
		uint64_t largest = finding->duplicates.largest_saved;

		if (content->group.blocks < 2)
			continue;
		add_group(finding, &content->group);
		if (finding->duplicates.largest_saved > largest)
			path = content->path;
	}
	finding->duplicates.rarer_left_out = true;
	return path;
}

void hc_find_duplicates(const hc_findings_input *input, hc_findings *findings)
{
	hc_amount in_use = hc_blocks_amount(input->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	uint64_t worth = MAX(in_use.bytes / SHARE, WORTH_SAYING);
	hc_finding finding = { .kind = HC_FINDING_DUPLICATES };
	uint32_t path;

	if (in_use.bytes < worth)
		return;
	path = in_use.blocks <= COMPARED_AT_ONCE ? add_up_all(input, &finding) :
						   add_up_frequent(input, 1 + in_use.blocks / SAMPLE, worth, &finding);
	if (!finding.duplicates.groups || finding.bytes < worth)
		return;
	if (path)
		finding.duplicates.path = hc_types_path_text(input->types, path);
	hc_findings_add(findings, &finding);
}
