/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of roots one by one, for those who give names to them. */
#include "references/learn.h"

struct visiting {
	const hc_references *references;
	const hc_root *root;
	hc_word_format format;
	hc_visit_root_word visit;
	void *data;
};

static void look(void *data, unsigned worker, const hc_word_source *source)
{
	const struct visiting *visiting = data;
	unsigned size = visiting->format.size;

	(void)worker;
	for (uint64_t at = 0; at + size <= source->size; at += size) {
		hc_root_word word = { visiting->root, source->address ? source->address + at : 0,
			hc_load_word(source->bytes + at, visiting->format) };

		if (hc_blocks_may_contain(visiting->references->blocks, word.value))
			visiting->visit(visiting->data, &word);
	}
}

void hc_references_each_root_word(const hc_references *references, hc_visit_root_word visit, void *data)
{
	struct visiting visiting = {
		.references = references,
		.format = hc_core_word_format(references->core),
		.visit = visit,
		.data = data,
	};

	for (unsigned i = 0; i < references->roots->len; i++) {
		visiting.root = &g_array_index(references->roots, hc_root, i);
		hc_references_look_at_root(references, visiting.root, look, &visiting);
	}
}

bool hc_references_holds(const hc_references *references, uint64_t start, hc_address address)
{
	const hc_blocks *blocks = references->blocks;
	hc_address block = hc_blocks_address(blocks, hc_blocks_region_of_start(blocks, start), start);

	return address == block || hc_references_reach_at(references, start) != HC_REACH_REACHABLE ||
	       hc_references_is_as_good_as_start(references, start, address);
}
