/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Anonymous memory that nothing points to: a mmap() whose address was lost.
 *
 * references/ takes such areas for roots, as they may be anything. Here they are what is asked about, so they lead somewhere only
 * once something leads to them:
 *
 *	1  every word of the other roots that is an address in an anonymous area makes that one alive
 *	2  the words of areas that are alive make others alive, until no more are
 *	3  the same for words of the live blocks, then 2 again
 *
 * Live blocks come last, and only until all areas are alive: mostly the roots lead to them. Where one is left the pass
 * costs one look at all live memory, in order of address. Not done where there are no anonymous areas.
 */
#include "leaks/leaks_state.h"

#include "base/partition.h"

struct candidate {
	const hc_area *area;
	bool alive;
};

struct mappings {
	const hc_leaks *leaks;
	GArray *candidates; /* of struct candidate, by address */
	GArray *todo;	    /* of unsigned: alive, but not searched yet */
	unsigned alive;	    /* how many are */
	hc_address low, high;
};

static void note_word(struct mappings *mappings, hc_address value)
{
	struct candidate *candidates = (struct candidate *)(void *)mappings->candidates->data;
	unsigned low = HC_PARTITION_POINT(middle, 0, mappings->candidates->len, candidates[middle].area->end <= value);
	if (low == mappings->candidates->len || candidates[low].area->start > value || candidates[low].alive)
		return;
	candidates[low].alive = true;
	mappings->alive++;
	g_array_append_val(mappings->todo, low);
}

static void scan_words(struct mappings *mappings, const uint8_t *bytes, uint64_t size)
{
	hc_word_format format = mappings->leaks->format;
	hc_address low = mappings->low, span = mappings->high - low;

	for (uint64_t i = 0; i < size; i += format.size) {
		hc_address value = hc_load_word(bytes + i, format);

		if (value - low < span)
			note_word(mappings, value);
	}
}

/* No mapping begins at 0, so holes of the core's file are passed over. */
static void scan_memory(struct mappings *mappings, hc_address start, hc_address end)
{
	const hc_leaks *leaks = mappings->leaks;
	struct piece piece;

	while (hc_leaks_next_piece(leaks, &start, end, &piece))
		for (uint64_t at = 0, size; at < piece.size; at += size)
			if (!hc_core_is_hole(leaks->core, piece.bytes + at, piece.size - at, &size))
				scan_words(mappings, piece.bytes + at, size);
}

static void scan_roots(struct mappings *mappings)
{
	const hc_leaks *leaks = mappings->leaks;

	for (unsigned i = 0; i < hc_references_root_count(leaks->references); i++) {
		const hc_root *root = hc_references_root(leaks->references, i);

		if (root->registers) {
			const hc_thread *thread = hc_core_thread(leaks->core, root->owner);

			for (unsigned k = 0; k < thread->register_count; k++)
				if (thread->registers[k] - mappings->low < mappings->high - mappings->low)
					note_word(mappings, thread->registers[k]);
		} else if (root->used && root->kind != HC_AREA_ANONYMOUS) {
			scan_memory(mappings, root->start, root->end);
		}
	}
}

static void scan_blocks(struct mappings *mappings)
{
	const hc_leaks *leaks = mappings->leaks;
	const hc_blocks *blocks = leaks->blocks;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, blocks);
	while (mappings->alive < mappings->candidates->len && hc_block_iterator_next(&iterator, &block)) {
		if (block.state != HC_BLOCK_IN_USE)
			continue;
		uint64_t start = hc_leaks_target(leaks, block.address);

		if (start != UINT64_MAX && !hc_reach_is_lost(hc_references_reach_at(leaks->references, start)))
			scan_memory(mappings, block.address, block.address + block.size);
	}
}

static void find_candidates(struct mappings *mappings)
{
	const hc_areas *areas = mappings->leaks->areas;

	for (unsigned i = 0; i < hc_areas_count(areas); i++) {
		struct candidate candidate = { .area = hc_areas_get(areas, i) };

		if (candidate.area->kind != HC_AREA_ANONYMOUS)
			continue;
		if (!mappings->candidates->len)
			mappings->low = candidate.area->start;
		mappings->high = candidate.area->end;
		g_array_append_val(mappings->candidates, candidate);
	}
}

/* What is missing in the core may point anywhere; so may a heap that was not read. */
static bool is_whole(const hc_leaks *leaks)
{
	return leaks->blocks->heap.info.state < HC_HEAP_MISSING && !hc_areas_bytes(leaks->areas, HC_AREA_TRUNCATED) &&
	       !hc_references_lost_is_bound(leaks->references);
}

/* Searches the areas that are alive, and those that they make alive. */
static void scan_areas(struct mappings *mappings)
{
	while (mappings->todo->len) {
		unsigned index = g_array_index(mappings->todo, unsigned, mappings->todo->len - 1);
		const hc_area *area = g_array_index(mappings->candidates, struct candidate, index).area;

		g_array_set_size(mappings->todo, mappings->todo->len - 1);
		scan_memory(mappings, area->start, area->end);
	}
}

void hc_leaks_find_mappings(hc_leaks *leaks)
{
	struct mappings mappings = {
		.leaks = leaks,
		.candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate)),
		.todo = g_array_new(FALSE, FALSE, sizeof(unsigned)),
	};

	if (is_whole(leaks))
		find_candidates(&mappings);
	if (mappings.candidates->len) {
		scan_roots(&mappings);
		scan_areas(&mappings);
		scan_blocks(&mappings);
		scan_areas(&mappings);
	}
	for (unsigned i = 0; i < mappings.candidates->len; i++) {
		const struct candidate *candidate = &g_array_index(mappings.candidates, struct candidate, i);

		if (!candidate->alive)
			g_array_append_val(leaks->mappings, candidate->area);
	}
	g_array_unref(mappings.candidates);
	g_array_unref(mappings.todo);
}
