/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owners as stacks of frames with figures. A profiler adds up what it is given: so a sample has what a row has itself, and the rows above it
 * are the frames around it; what a row holds is then the sum below it.
 *
 * What is retained cannot be shared out like that: it is told of the row that begins a path only. What two such rows retain is disjoint, as a block
 * that two lead to neither retains.
 */
#include "export/export_parts.h"

#include <string.h>

enum {
	UNKNOWN,
	LIBC,
	LOST,
	LOST_INDIRECTLY,
	OTHERS
};

/* By the above. */
static const char *const frames[OTHERS][3] = {
	{ "[owner not known]" },
	{ "[libc and the runtime]" },
	{ "[lost]", "[lost directly]" },
	{ "[lost]", "[lost indirectly]" },
};

/* Who a block in use is of that no path holds; OTHERS: one does. */
static unsigned other_of(const hc_analysis *analysis, const hc_ownership *ownership, const hc_block *block)
{
	const hc_types *types = hc_analysis_types(analysis);
	hc_reach reach = hc_references_reach(hc_analysis_references(analysis), block->number);
	uint32_t path;

	if (block->label)
		return LIBC;
	if (hc_reach_is_lost(reach))
		return reach == HC_REACH_DIRECTLY_LOST ? LOST : LOST_INDIRECTLY;
	path = types ? hc_types_path_of_block(types, block->number) : 0;
	return path && hc_ownership_row_of_path(ownership, path) != HC_OWNER_NO_ROW ? OTHERS : UNKNOWN;
}

/* What was in memory of what no path holds: only captures tell, so only of them all blocks are visited. */
static void count_resident(
	const hc_analysis *analysis, const hc_ownership *ownership, hc_sample_figures figures[OTHERS + 1])
{
	const hc_core *core = hc_analysis_core(analysis);
	hc_block_iterator i;
	hc_block block;

	if (!hc_core_knows_resident(core))
		return;
	hc_block_iterator_init(&i, hc_analysis_blocks(analysis));
	while (hc_block_iterator_next(&i, &block)) {
		if (block.state != HC_BLOCK_IN_USE)
			continue;
		figures[other_of(analysis, ownership, &block)].resident +=
			hc_core_resident(core, block.address, block.address + block.size).resident;
	}
}

static uint64_t less(uint64_t all, uint64_t part)
{
	return all - MIN(all, part);
}

/* What ROW has itself: what it holds without what the rows below it do. */
static hc_sample_figures figures_of(const hc_ownership *ownership, const hc_owner_row *row)
{
	hc_sample_figures figures = {
		.amount = row->own,
		.resident = row->resident,
		.retained = row->begins ? row->retained : 0,
		.outside = row->outside,
	};

	for (uint32_t i = row->first_child; i != HC_OWNER_NO_ROW; i = hc_ownership_row(ownership, i)->next) {
		const hc_owner_row *below = hc_ownership_row(ownership, i);

		figures.resident = less(figures.resident, below->resident);
		figures.outside = less(figures.outside, below->outside);
	}
	return figures;
}

static void add(GArray *samples, uint32_t row, const char *const *others, hc_sample_figures figures)
{
	const hc_owner_sample sample = { .row = row, .others = others, .figures = figures };

	if (figures.amount.blocks || figures.retained || figures.outside)
		g_array_append_val(samples, sample);
}

GArray *hc_owner_samples(const hc_analysis *analysis, const hc_ownership *ownership)
{
	GArray *samples = g_array_new(FALSE, FALSE, sizeof(hc_owner_sample));
	hc_sample_figures figures[OTHERS + 1] = {
		[UNKNOWN].amount = hc_ownership_amount(ownership, HC_OWNER_UNKNOWN),
		[LIBC].amount = hc_ownership_amount(ownership, HC_OWNER_LIBC),
		[LOST].amount = hc_ownership_lost(ownership, true),
		[LOST_INDIRECTLY].amount = hc_ownership_lost(ownership, false),
	};

	for (uint32_t i = 0; i < hc_ownership_row_count(ownership); i++)
		add(samples, i, NULL, figures_of(ownership, hc_ownership_row(ownership, i)));
	count_resident(analysis, ownership, figures);
	for (unsigned i = 0; i < OTHERS; i++)
		add(samples, HC_OWNER_NO_ROW, frames[i], figures[i]);
	return samples;
}
