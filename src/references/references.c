/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search as a whole, and asking for its result. */
#include "base/pages.h"
#include "references/encodings.h"

const char *hc_reach_name(hc_reach reach)
{
	static const char *const names[HC_REACH_COUNT] = {
		[HC_REACH_NONE] = "",
		[HC_REACH_REACHABLE] = "reachable",
		[HC_REACH_DIRECTLY_LOST] = "directly lost",
		[HC_REACH_INDIRECTLY_LOST] = "indirectly lost",
		[HC_REACH_POSSIBLY_LOST] = "possibly lost",
		[HC_REACH_INNER] = "held inside",
		[HC_REACH_ENCODED] = "reached by encoded pointers",
	};

	return (unsigned)reach < HC_REACH_COUNT ? names[reach] : "";
}

/* The same for the blocks that start in GROUP. */
static void mark_unused_of_group(hc_references *references, uint64_t group)
{
	const hc_blocks *blocks = references->blocks;
	uint32_t number = blocks->rank[group];

	for (uint64_t word = group * HC_GROUP_WORDS; word < (group + 1) * HC_GROUP_WORDS; word++)
		for (uint64_t bits = blocks->starts[word]; bits; bits &= bits - 1)
			if (blocks->states[number++] != HC_BLOCK_IN_USE)
				references->marks[word] |= bits & -bits;
}

/* Marks what is not in use, so that the search never enters it. Groups in which all blocks are are not gone through one by one. */
static void mark_unused(hc_references *references)
{
	const hc_blocks *blocks = references->blocks;
	uint32_t unused = hc_blocks_next_unused(blocks, 0);

	for (uint64_t group = 0; group < blocks->granule_count / HC_GROUP_GRANULES; group++) {
		if (blocks->rank[group + 1] <= unused)
			continue;
		mark_unused_of_group(references, group);
		unused = hc_blocks_next_unused(blocks, blocks->rank[group + 1]);
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
		if (!hc_label_is_cache(value))
			g_array_append_val(starts, start);
	}
	return starts;
}

static hc_amount add_up(const hc_references *references, const uint64_t *bitmap)
{
	const hc_blocks *blocks = references->blocks;
	hc_amount amount = { 0 };

	for (uint64_t word = 0; bitmap && word < blocks->granule_count / 64; word++)
		for (uint64_t bits = bitmap[word]; bits; bits &= bits - 1) {
			uint64_t start = word * 64 + __builtin_ctzll(bits);
			const hc_block_region *region = hc_blocks_region_of_start(blocks, start);

			hc_amount_count(&amount,
				hc_blocks_usable_size(blocks, region, hc_blocks_address(blocks, region, start)));
		}
	return amount;
}

static size_t bitmap_bytes(const hc_references *references)
{
	return references->blocks->granule_count / 8 + sizeof(uint64_t);
}

/* Tells what is lost apart from what is not, and adds all up. FALSE if memory was out. */
static bool sort_and_add_up(hc_references *references, unsigned jobs)
{
	hc_amount in_use = hc_blocks_amount(references->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	hc_references_totals *totals = &references->totals;

	totals->directly_lost = totals->indirectly_lost = (hc_amount){ 0 };
	g_clear_pointer(&references->direct, g_free);
	if (!hc_references_sort_lost(references, jobs))
		return false;
	totals->reachable.blocks = in_use.blocks - totals->directly_lost.blocks - totals->indirectly_lost.blocks;
	totals->reachable.bytes = in_use.bytes - totals->directly_lost.bytes - totals->indirectly_lost.bytes;
	totals->possibly_lost = add_up(references, references->possible);
	totals->held_inside = add_up(references, references->inner);
	totals->encoded = add_up(references, references->encoded);
	g_array_set_size(references->habits, 0);
	g_array_set_size(references->encodings_told, 0);
	if (totals->held_inside.blocks)
		hc_references_tell_habits(references);
	if (totals->encoded.blocks)
		hc_references_tell_encodings(references);
	return true;
}

static bool search(hc_references *references, bool learn, unsigned jobs)
{
	g_autoptr(GArray) words = hc_references_root_words(references), starts = NULL;
	uint64_t *interior;
	hc_references_totals *totals = &references->totals;

	references->marks = hc_pages_create(bitmap_bytes(references));
	if (!references->marks)
		return false;
	mark_unused(references);
	starts = mark_labelled(references);
	for (unsigned i = 0; i < words->len; i++)
		totals->root_bytes += g_array_index(words, hc_words, i).size;
	interior = hc_pages_create(bitmap_bytes(references));
	bool ok = interior &&
		  hc_references_mark(references, references->marks, interior, words, starts, jobs, totals) &&
		  hc_references_search_interior(references, interior, jobs) &&
		  (!learn || (hc_references_explain_inner(references, jobs) &&
				     hc_references_find_encoded(references, jobs)));

	hc_pages_destroy(interior, bitmap_bytes(references));
	return ok && sort_and_add_up(references, jobs);
}

hc_references *hc_references_create(const hc_core *core, const hc_blocks *blocks, const hc_areas *areas, bool learn,
	unsigned jobs, hc_diagnostics *diagnostics, GError **error)
{
	hc_references *references = g_new0(hc_references, 1);

	references->core = core;
	references->blocks = blocks;
	references->areas = areas;
	references->diagnostics = diagnostics;
	references->roots = g_array_new(FALSE, FALSE, sizeof(hc_root));
	references->missing = g_array_new(FALSE, FALSE, sizeof(hc_missing));
	references->habits = g_array_new(FALSE, FALSE, sizeof(hc_habit));
	references->encodings_told = g_array_new(FALSE, FALSE, sizeof(hc_encoding));
	references->texts = g_string_chunk_new(256);
	hc_references_find_roots(references);
	if (!search(references, learn, jobs)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to search %u blocks for references",
			blocks->count);
		hc_references_destroy(references);
		return NULL;
	}
	hc_references_find_missing(references, jobs);
	return references;
}

void hc_references_destroy(hc_references *references)
{
	if (!references)
		return;
	g_array_unref(references->roots);
	g_array_unref(references->missing);
	g_array_unref(references->habits);
	g_array_unref(references->encodings_told);
	g_string_chunk_free(references->texts);
	hc_pages_destroy(references->marks, bitmap_bytes(references));
	g_free(references->possible);
	g_free(references->direct);
	g_free(references->inner);
	g_free(references->pools);
	g_free(references->told);
	g_free(references->encoded);
	hc_encodings_destroy(references->learned);
	hc_compressed_destroy(references->compressed);
	g_clear_pointer(&references->told_words, g_array_unref);
	g_free(references);
}

const hc_references_totals *hc_references_get_totals(const hc_references *references)
{
	return &references->totals;
}

const hc_habit *hc_references_habits(const hc_references *references, unsigned *ret_count)
{
	*ret_count = references->habits->len;
	return (const hc_habit *)(const void *)references->habits->data;
}

const hc_encoding *hc_references_encodings(const hc_references *references, unsigned *ret_count)
{
	*ret_count = references->encodings_told->len;
	return (const hc_encoding *)(const void *)references->encodings_told->data;
}

hc_reach hc_references_reach_at(const hc_references *references, uint64_t start)
{
	if (hc_bit(references->marks, start)) {
		if (references->possible && hc_bit(references->possible, start))
			return HC_REACH_POSSIBLY_LOST;
		if (references->inner && hc_bit(references->inner, start))
			return HC_REACH_INNER;
		return references->encoded && hc_bit(references->encoded, start) ? HC_REACH_ENCODED :
										   HC_REACH_REACHABLE;
	}
	return hc_bit(references->direct, start) ? HC_REACH_DIRECTLY_LOST : HC_REACH_INDIRECTLY_LOST;
}

hc_lost_bits hc_references_lost_bits(const hc_references *references, uint64_t word)
{
	uint64_t lost = references->blocks->starts[word] & ~references->marks[word];
	uint64_t directly = references->direct ? lost & references->direct[word] : 0;

	return (hc_lost_bits){ directly, lost & ~directly, references->possible ? references->possible[word] : 0 };
}

bool hc_references_add_typed(
	hc_references *references, const hc_typed_reference *typed, unsigned count, unsigned jobs, GError **error)
{
	if (!count || (hc_references_follow_typed(references, typed, count, jobs) && sort_and_add_up(references, jobs)))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to search %u blocks for references",
		references->blocks->count);
	return false;
}

hc_reach hc_references_reach(const hc_references *references, uint32_t block_number)
{
	const hc_blocks *blocks = references->blocks;

	if (block_number >= blocks->count || blocks->states[block_number] != HC_BLOCK_IN_USE)
		return HC_REACH_NONE;
	return hc_references_reach_at(references, hc_blocks_start_of_number(blocks, block_number));
}

bool hc_references_next_lost(
	const hc_references *references, uint32_t *number, hc_block *ret_block, hc_reach *ret_reach)
{
	const hc_blocks *blocks = references->blocks;

	if (*number >= blocks->count)
		return false;
	uint64_t start =
		hc_references_next_unmarked(blocks, references->marks, hc_blocks_start_of_number(blocks, *number));

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
