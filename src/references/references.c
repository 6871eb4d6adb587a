/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search as a whole, and asking for its result. */
#include "references/internal.h"

const char *hc_reach_name(hc_reach reach)
{
	switch (reach) {
	case HC_REACH_REACHABLE:
		return "reachable";
	case HC_REACH_DIRECTLY_LOST:
		return "directly lost";
	case HC_REACH_INDIRECTLY_LOST:
		return "indirectly lost";
	default:
		return "";
	}
}

/* Marks what is not in use, so that the search never enters it. */
static void mark_unused(hc_references *references)
{
	const hc_blocks *blocks = references->blocks;
	uint32_t number = 0;

	for (uint64_t word = 0; word < blocks->granule_count / 64; word++) {
		uint64_t bits = blocks->starts[word], unused = 0;

		for (; bits; bits &= bits - 1)
			if (blocks->states[number++] != HC_BLOCK_IN_USE)
				unused |= bits & -bits;
		references->marks[word] = unused;
	}
}

/* Labelled blocks are libc's own: alive, and searched, but for malloc's own caches. */
static GArray *mark_labelled(hc_references *references)
{
	GArray *starts = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, references->blocks->labels);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		uint64_t start = hc_blocks_start_of_number(references->blocks, GPOINTER_TO_UINT(key));

		hc_set_bit(references->marks, start);
		if (!hc_references_is_allocator_state(value))
			g_array_append_val(starts, start);
	}
	return starts;
}

static bool search(hc_references *references, unsigned jobs)
{
	g_autoptr(GArray) words = hc_references_root_words(references), starts = NULL;
	hc_amount in_use = hc_blocks_amount(references->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	hc_references_totals *totals = &references->totals;

	references->marks = g_try_new0(uint64_t, references->blocks->granule_count / 64 + 1);
	if (!references->marks)
		return false;
	mark_unused(references);
	starts = mark_labelled(references);
	for (unsigned i = 0; i < words->len; i++)
		totals->root_bytes += g_array_index(words, hc_words, i).size;
	if (!hc_references_mark(references, references->marks, words, starts, jobs, totals) || !hc_references_sort_lost(references, jobs))
		return false;
	totals->reachable.blocks = in_use.blocks - totals->directly_lost.blocks - totals->indirectly_lost.blocks;
	totals->reachable.bytes = in_use.bytes - totals->directly_lost.bytes - totals->indirectly_lost.bytes;
	return true;
}

hc_references *hc_references_create(const hc_core *core, const hc_blocks *blocks, const hc_areas *areas, unsigned jobs,
				    hc_diagnostics *diagnostics, GError **error)
{
	hc_references *references = g_new0(hc_references, 1);

	references->core = core;
	references->blocks = blocks;
	references->areas = areas;
	references->diagnostics = diagnostics;
	references->roots = g_array_new(FALSE, FALSE, sizeof(hc_root));
	hc_references_find_roots(references);
	if (!search(references, jobs)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to search %u blocks for references", blocks->count);
		hc_references_destroy(references);
		return NULL;
	}
	return references;
}

void hc_references_destroy(hc_references *references)
{
	if (!references)
		return;
	g_array_unref(references->roots);
	g_free(references->marks);
	g_free(references->direct);
	g_free(references);
}

const hc_references_totals *hc_references_get_totals(const hc_references *references)
{
	return &references->totals;
}

hc_reach hc_references_reach_at(const hc_references *references, uint64_t start)
{
	if (hc_bit(references->marks, start))
		return HC_REACH_REACHABLE;
	return hc_bit(references->direct, start) ? HC_REACH_DIRECTLY_LOST : HC_REACH_INDIRECTLY_LOST;
}

hc_reach hc_references_reach(const hc_references *references, uint32_t block_number)
{
	const hc_blocks *blocks = references->blocks;

	if (block_number >= blocks->count || blocks->states[block_number] != HC_BLOCK_IN_USE)
		return HC_REACH_NONE;
	return hc_references_reach_at(references, hc_blocks_start_of_number(blocks, block_number));
}

bool hc_references_next_lost(const hc_references *references, uint32_t *number, hc_block *ret_block, hc_reach *ret_reach)
{
	const hc_blocks *blocks = references->blocks;

	if (*number >= blocks->count)
		return false;
	uint64_t start = hc_references_next_unmarked(blocks, references->marks, hc_blocks_start_of_number(blocks, *number));

	if (start >= blocks->granule_count || !hc_blocks_get(blocks, hc_blocks_number(blocks, start), ret_block))
		return false;
	*ret_reach = hc_references_reach_at(references, start);
	*number = ret_block->number + 1;
	return true;
}

unsigned hc_references_root_count(const hc_references *references)
{
	return references->roots->len;
}

const hc_root *hc_references_root(const hc_references *references, unsigned index)
{
	return index < references->roots->len ? &g_array_index(references->roots, hc_root, index) : NULL;
}
