/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Free lists of an arena: fastbins (single links, mangled from 2.32 on) and bins (rings of double links).
 *
 * A list is followed only through blocks that the walk found. Each block leaves the state that the walk gave it when it is
 * met, so a list that runs into itself or another one stops there, and its length needs no other bound.
 */
#include "allocators/glibc.h"

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

/* ---- which encoding ---- */

struct votes {
	const glibc *g;
	hc_block_table *table;
	unsigned plain, mangled;
};

/* A list pointer stored at POSITION: does it lead to a block as it is, or revealed? 0 ends a list: plain as 0. */
static void vote(struct votes *votes, hc_address position)
{
	const glibc *g = votes->g;
	hc_block_entry entry;
	bool ok = true;
	uint64_t value = glibc_word(g, position, &ok), revealed = (position >> 12) ^ value;

	if (!ok)
		return;
	/* Fastbins hold chunk addresses, tcaches block addresses. */
	votes->plain += !value || hc_block_table_find(votes->table, value, &entry) ||
			hc_block_table_find(votes->table, chunk_to_block(g, value), &entry);
	votes->mangled += !revealed || hc_block_table_find(votes->table, revealed, &entry) ||
			  hc_block_table_find(votes->table, chunk_to_block(g, revealed), &entry);
}

static void vote_fastbins(struct votes *votes, const hc_arena *arena)
{
	const glibc *g = votes->g;

	for (int i = 0; i < g->layout.arena.fastbin_count; i++) {
		hc_block_entry entry;
		hc_address chunk = glibc_word_or_zero(g, arena->address + g->layout.arena.fastbins + i * g->word);

		if (chunk && is_fastbin_block(votes->table, chunk_to_block(g, chunk), &entry))
			vote(votes, entry.address);
	}
}

struct tcache_vote {
	struct votes *votes;
	const glibc_tcache_layout *layout;
};

/* A block of a tcache's size whose entries all lead to blocks or nowhere. */
static bool vote_tcache(const hc_block_entry *block, void *data)
{
	struct tcache_vote *tcache = data;
	const glibc *g = tcache->votes->g;
	hc_address heads[GLIBC_TCACHE_BINS_MAX];
	unsigned count = 0;

	for (int i = 0; i < tcache->layout->bins; i++) {
		hc_block_entry entry;
		hc_address head = glibc_word_or_zero(g, block->address + tcache->layout->entries + i * g->word);

		if (!head)
			continue;
		if (!hc_block_table_find(tcache->votes->table, head, &entry))
			return true;
		heads[count++] = head;
	}
	for (unsigned i = 0; i < count; i++)
		vote(tcache->votes, heads[i]);
	return true;
}

/* "2.31" -> 31; -1 if it is not known. */
static int minor_version(const glibc *g)
{
	return g->version && g_str_has_prefix(g->version, "2.") ? (int)g_ascii_strtoll(g->version + 2, NULL, 10) : -1;
}

void glibc_detect_safe_linking(glibc *g, hc_block_table *table)
{
	struct votes votes = { .g = g, .table = table };

	for (unsigned i = 0; i < g->heap->arenas->len; i++)
		vote_fastbins(&votes, &g_array_index(g->heap->arenas, hc_arena, i));
	for (unsigned row = 0;; row++) {
		glibc_tcache_layout layout = g->layout.tcache;
		struct tcache_vote tcache = { &votes, &layout };

		if (!g->layout.has_tcache && !glibc_tcache_layout_row(row, g->word, &layout))
			break;
		uint64_t size = hc_align_up(layout.size + g->word, g->alignment) - g->word;

		glibc_each_of_size(g, table, size, size + g->alignment, vote_tcache, &tcache);
		if (g->layout.has_tcache)
			break;
	}
	if (votes.plain != votes.mangled)
		g->heap->info.safe_linking = votes.mangled > votes.plain;
	else
		g->heap->info.safe_linking = minor_version(g) < 0 || minor_version(g) >= 32;
}

/* ---- fastbins ---- */

static void complain(glibc *g, hc_arena *arena, const char *list, int bin, hc_address at, const char *what)
{
	arena->consistent = false;
	hc_diagnostics_add(g->diagnostics, &glibc_inconsistent, 0, "arena %u, %s %d: %s at %#" G_GINT64_MODIFIER "x",
		arena->index, list, bin, what, at);
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
