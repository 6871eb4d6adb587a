/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Free lists of an arena: fastbins (single links, mangled from 2.32 on) and bins (rings of double links).
 *
 * A list is followed only through blocks that the walk found. Each block leaves the state that the walk gave it when it is
 * met, so a list that runs into itself or another one stops there, and its length needs no other bound.
 */
#include "allocators/glibc.h"

#include <inttypes.h>

enum {
	UNSORTED_BIN = 1,
	LAST_SMALL_BIN = 63,
	LAST_BIN = 126
};

uint64_t glibc_reveal(const glibc *g, hc_address position, uint64_t pointer)
{
	return g->heap->info.safe_linking ? (position >> 12) ^ pointer : pointer;
}

static bool is_fastbin_block(const hc_block_table *table, hc_address block, hc_block_entry *entry)
{
	return hc_block_table_find(table, block, entry) && entry->state == HC_BLOCK_IN_USE;
}

/* ---- fastbins ---- */

static void complain(glibc *g, hc_arena *arena, const char *list, int bin, hc_address at, const char *what)
{
	arena->consistent = false;
	hc_diagnostics_add(g->diagnostics, &glibc_inconsistent, 0, "arena %u, %s %d: %s at %#" PRIx64, arena->index,
		list, bin, what, at);
}

static void follow_fastbin(glibc *g, hc_block_table *table, hc_arena *arena, int bin)
{
	hc_address chunk = glibc_word_or_zero(g, arena->address + g->layout.arena.fastbins + bin * g->word);

	while (chunk) {
		hc_block_entry entry;

		if (!is_fastbin_block(table, chunk_to_block(g, chunk), &entry)) {
			complain(g, arena, "fastbin", bin, chunk, "no chunk, or one of another list,");
			return;
		}
		if (entry.arena != arena->index)
			complain(g, arena, "fastbin", bin, chunk, "a chunk of another arena");
		hc_block_table_set_state(table, &entry, HC_BLOCK_FASTBIN);
		chunk = glibc_reveal(g, entry.address, glibc_word_or_zero(g, entry.address));
	}
}

void glibc_follow_fastbins(glibc *g, hc_block_table *table, hc_arena *arena)
{
	for (int i = 0; i < g->layout.arena.fastbin_count; i++)
		follow_fastbin(g, table, arena, i);
}

/* ---- bins ---- */

static hc_block_state bin_state(int bin)
{
	return bin == UNSORTED_BIN ? HC_BLOCK_UNSORTED : bin <= LAST_SMALL_BIN ? HC_BLOCK_SMALL : HC_BLOCK_LARGE;
}

static void follow_bin(glibc *g, hc_block_table *table, hc_arena *arena, int bin)
{
	/* bin_at(): the head is where a chunk would begin whose fd and bk are the bin's two words. */
	hc_address head = arena->address + g->layout.arena.bins + (bin - 1) * 2 * g->word - 2 * g->word;
	hc_address previous = head, chunk = glibc_word_or_zero(g, head + 2 * g->word);

	while (chunk != head) {
		hc_block_entry entry;

		if (!hc_block_table_find(table, chunk_to_block(g, chunk), &entry)) {
			complain(g, arena, "bin", bin, chunk, "no chunk");
			return;
		}
		if (entry.state != HC_BLOCK_UNLISTED) {
			complain(g, arena, "bin", bin, chunk,
				entry.state == HC_BLOCK_IN_USE ? "a chunk that its neighbour says is in use" :
								 "a chunk of another list");
			return;
		}
		if (entry.arena != arena->index || glibc_word_or_zero(g, chunk + 3 * g->word) != previous ||
			glibc_word_or_zero(g, chunk + entry.chunk_size) != entry.chunk_size)
			complain(g, arena, "bin", bin, chunk, "links or sizes that disagree");
		hc_block_table_set_state(table, &entry, bin_state(bin));
		previous = chunk;
		chunk = glibc_word_or_zero(g, chunk + 2 * g->word);
	}
	if (glibc_word_or_zero(g, head + 3 * g->word) != previous)
		complain(g, arena, "bin", bin, previous, "a ring that does not close");
}

void glibc_follow_bins(glibc *g, hc_block_table *table, hc_arena *arena)
{
	if (!arena->top && !glibc_bins_are_valid(g, arena->address, &g->layout.arena))
		return; /* never used: the bins are not even initialised */
	for (int bin = UNSORTED_BIN; bin <= LAST_BIN; bin++)
		follow_bin(g, table, arena, bin);
}

/* ---- what no bin has ---- */

static const hc_diagnostic_kind flag_overwritten = {
	"prev-in-use-overwritten",
	HC_SEVERITY_HEAP_PARTIAL,
	"blocks are free by the header behind them, but neither in a list nor with their size behind them: they count as in use",
};

struct unlisted {
	const glibc *g;
	GArray *found; /* of hc_address */
};

static bool collect_unlisted(const hc_block_entry *entry, void *data)
{
	struct unlisted *unlisted = data;
	hc_address chunk = block_to_chunk(unlisted->g, entry->address);
	bool ok = true;

	if (glibc_word(unlisted->g, chunk + entry->chunk_size, &ok) != entry->chunk_size && ok)
		g_array_append_val(unlisted->found, entry->address);
	return true;
}

void glibc_return_unlisted(glibc *g, hc_block_table *table)
{
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(hc_address));
	struct unlisted unlisted = { g, found };

	hc_block_table_each(table, HC_BLOCK_UNLISTED, 0, UINT64_MAX, collect_unlisted, &unlisted);
	for (unsigned i = 0; i < found->len; i++) {
		hc_block_entry entry;

		if (!hc_block_table_find(table, g_array_index(found, hc_address, i), &entry))
			continue;
		hc_block_table_set_state(table, &entry, HC_BLOCK_IN_USE);
		if (entry.arena < g->heap->arenas->len)
			g_array_index(g->heap->arenas, hc_arena, entry.arena).consistent = false;
		hc_diagnostics_add(g->diagnostics, &flag_overwritten, entry.size, "%#" PRIx64, entry.address);
	}
}
