/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of roots one by one, for those who give names to them; and the words that lead on in an encoding. */
#include "references/encodings.h"

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

/* ---- encoded ones ---- */

struct visiting_encoded {
	const hc_references *references;
	const hc_root *root; /* NULL: a block */
	hc_visit_encoded_root_word visit_root_word;
	hc_visit_encoded visit;
	bool only;
	void *data;
};

static hc_address address_of(const hc_references *references, uint64_t start)
{
	return hc_blocks_address(references->blocks, hc_blocks_region_of_start(references->blocks, start), start);
}

/* Of 32 bits the value is that of the word that they are in. */
static void look_at_encoded_root_words(void *data, unsigned worker, const hc_word_source *source)
{
	const struct visiting_encoded *visiting = data;
	hc_word_format format = hc_core_word_format(visiting->references->core);
	hc_encoded_word found;

	(void)worker;
	for (uint64_t at = 0; hc_encodings_next_to_any(visiting->references, source, &at, &found);) {
		uint64_t place = found.at - found.at % format.size;
		hc_root_word word = { visiting->root, source->address ? source->address + place : 0,
			hc_load_word(source->bytes + place, format) };

		visiting->visit_root_word(visiting->data, &word, address_of(visiting->references, found.start));
	}
}

void hc_references_each_encoded_root_word(const hc_references *references, hc_visit_encoded_root_word visit, void *data)
{
	struct visiting_encoded visiting = { .references = references, .visit_root_word = visit, .data = data };

	if (!references->totals.encoded.blocks)
		return;
	for (unsigned i = 0; i < references->roots->len; i++) {
		visiting.root = &g_array_index(references->roots, hc_root, i);
		hc_references_look_at_root(references, visiting.root, look_at_encoded_root_words, &visiting);
	}
}

static void look_at_encoded(void *data, unsigned worker, const hc_word_source *source)
{
	const struct visiting_encoded *visiting = data;
	hc_encoded_word found;

	(void)worker;
	for (uint64_t at = 0; visiting->only ? hc_encodings_next(visiting->references, source, &at, &found) :
					       hc_encodings_next_to_any(visiting->references, source, &at, &found);)
		visiting->visit(visiting->data, source->address + found.at - source->block,
			address_of(visiting->references, found.start));
}

void hc_references_each_encoded(
	const hc_references *references, uint64_t start, bool only, hc_visit_encoded visit, void *data)
{
	struct visiting_encoded visiting = { .references = references, .visit = visit, .only = only, .data = data };

	if (references->totals.encoded.blocks)
		hc_references_look_at(references, start, look_at_encoded, &visiting);
}

/* ---- what holds ---- */

bool hc_references_holds(const hc_references *references, uint64_t start, hc_address address)
{
	const hc_blocks *blocks = references->blocks;
	const hc_block_region *region = hc_blocks_region_of_start(blocks, start);

	return address == hc_blocks_address(blocks, region, start) ||
	       hc_references_reach_at(references, start) != HC_REACH_REACHABLE ||
	       hc_references_is_as_good_in(references, region, start, address);
}
