/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the elements of a list_head are.
 *
 * Its links lead to links: struct list_head, a member of whatever the program put into the list. Which struct that is, the source says in
 * calls of list_entry(), and no debug info does. But there are not many: the structs that have such a member (hc_program_types_holders()), and
 * elements are most often blocks of their own. So for a struct of SIZE bytes with the link at OFFSET
 *
 *	link - OFFSET    must be a block's beginning, and SIZE what the program asked for, as far as malloc's rounding lets that be seen
 *	                 or, where no struct does that, one of a row of such structs that fill a block
 *
 * for each of the first links. One struct for which that holds is deduced. Of several a guess is made: those whose size is what malloc
 * would have rounded to the block's before those with room behind them, for what they may have at their end; and of those, ones that
 * agree in size and place before nothing at all. What was found must hold for the list as far as VERIFIED elements; else the
 * list's elements stay what they are without this, its links.
 *
 * Costs a walk of SAMPLE links times the structs, and one of VERIFIED; the structs are looked for once a process.
 */
#include "containers/walker.h"

enum {
	SAMPLE = 16, /* links that are looked at */
	VERIFIED = 4096,
	ROOM_FACTOR = 2, /* how much larger than the struct its block may be, ... */
	ROOM_MORE = 32,	 /* ... and bytes more */
};

struct candidate {
	hc_holder holder;
	uint64_t size;
	hc_layout *layout; /* made when it is chosen */
	bool is_made;
};

struct links {
	hc_address nodes[SAMPLE];
	hc_block blocks[SAMPLE];
	unsigned count;
};

/* How well a struct fits. */
enum fit {
	FIT_NONE,
	FIT_ROW,   /* as one of several in a block */
	FIT_ROOM,  /* its block has room behind it */
	FIT_TIGHT, /* the block is what malloc makes of its size */
};

static bool keep_link(hc_address address, uint64_t index, void *data)
{
	struct links *links = data;

	(void)index;
	if (links->count < SAMPLE)
		links->nodes[links->count++] = address;
	return links->count < SAMPLE;
}

/* The first links that are in the heap, with their blocks: what lies elsewhere (an element in static data) tells nothing. */
static void take_links(const hc_layout *layout, hc_address address, struct links *links)
{
	hc_walk_visitor visitor = { .element = keep_link, .data = links };
	unsigned count = 0;
	hc_walk walk;

	links->count = 0;
	hc_walk_one(layout, address, &visitor, SAMPLE, &walk);
	for (unsigned i = 0; i < links->count; i++)
		if (hc_blocks_find(layout->set->blocks, links->nodes[i], &links->blocks[count]) &&
			links->blocks[count].state == HC_BLOCK_IN_USE)
			links->nodes[count++] = links->nodes[i];
	links->count = count;
}

static enum fit fit_link(const struct candidate *candidate, hc_address link, const hc_block *block, uint64_t unit)
{
	uint64_t at = link - block->address, size = candidate->size;

	if (at < candidate->holder.offset || at - candidate->holder.offset > block->size ||
		block->size - (at - candidate->holder.offset) < size)
		return FIT_NONE;
	at -= candidate->holder.offset;
	/* malloc rounds to its unit, and makes no block smaller than two of them, of which a word is its own. */
	if (!at && (block->size - size < unit || block->size < 2 * unit))
		return FIT_TIGHT;
	if (!at && block->size < ROOM_FACTOR * size + ROOM_MORE)
		return FIT_ROOM;
	return at % size == 0 && block->size >= 2 * size && block->size % size < unit ? FIT_ROW : FIT_NONE;
}

/* The worst of all links, but for the room behind them: the block of one may have been a larger one before. */
static enum fit fit_links(const struct candidate *candidate, const struct links *links, uint64_t unit)
{
	bool is_tight = false, is_row = false;

	for (unsigned i = 0; i < links->count; i++) {
		enum fit fit = fit_link(candidate, links->nodes[i], &links->blocks[i], unit);

		if (fit == FIT_NONE)
			return FIT_NONE;
		is_row |= fit == FIT_ROW;
		is_tight |= fit == FIT_TIGHT;
	}
	return is_row ? FIT_ROW : is_tight ? FIT_TIGHT : FIT_ROOM;
}

static bool is_alike(const struct candidate *a, const struct candidate *b)
{
	return a->size == b->size && a->holder.offset == b->holder.offset;
}

/* The one that fits best; NULL if there is none, or several that differ. */
static struct candidate *choose(
	GArray *candidates, const struct links *links, uint64_t unit, hc_certainty *ret_certainty)
{
	struct candidate *best = NULL;
	enum fit best_fit = FIT_NONE;
	bool contradicts = false;
	unsigned in_blocks = 0, in_rows = 0;

	for (unsigned i = 0; i < candidates->len; i++) {
		struct candidate *candidate = &g_array_index(candidates, struct candidate, i);
		enum fit fit = fit_links(candidate, links, unit);

		in_blocks += fit > FIT_ROW;
		in_rows += fit == FIT_ROW;
		if (fit != FIT_NONE && fit == best_fit)
			contradicts |= !is_alike(best, candidate);
		if (fit <= best_fit)
			continue;
		best = candidate;
		best_fit = fit;
		contradicts = false;
	}
	*ret_certainty = (in_blocks ? in_blocks : in_rows) == 1 ? HC_CERTAINTY_DEDUCED : HC_CERTAINTY_GUESS;
	return contradicts ? NULL : best;
}

static GArray *candidates_of(const hc_layout *layout)
{
	hc_container_set *set = layout->set;
	GArray *candidates = g_hash_table_lookup(set->candidates, layout);
	const hc_holder *holders;
	unsigned count;

	if (candidates)
		return candidates;
	candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
	holders = hc_program_types_holders(set->program_types, layout->node, &count);
	for (unsigned i = 0; i < count; i++) {
		struct candidate candidate = { .holder = holders[i], .size = hc_type_size(holders[i].type) };

		if (candidate.size)
			g_array_append_val(candidates, candidate);
	}
	g_hash_table_insert(set->candidates, (gpointer)layout, candidates);
	return candidates;
}

/* The list of LAYOUT at ADDRESS as one of what CANDIDATE says. NULL: it does not hold so far. */
static const hc_layout *verify(const hc_layout *layout, struct candidate *candidate, hc_address address)
{
	hc_walk walk;

	if (!candidate->is_made) {
		candidate->is_made = true;
		candidate->layout = hc_layout_make_holder(layout, candidate->holder);
	}
	if (!candidate->layout)
		return NULL;
	hc_walk_one(candidate->layout, address, NULL, VERIFIED, &walk);
	return walk.grade == HC_GRADE_EXACT ? candidate->layout : NULL;
}

bool hc_layout_deduces(const hc_layout *layout)
{
	return layout->description->deduces && !layout->holder.type && layout->node &&
	       !(layout->annotation && layout->annotation->elem);
}

const hc_layout *hc_layout_deduce(const hc_layout *layout, hc_address address, hc_certainty *ret_certainty)
{
	struct candidate *candidate;
	const hc_layout *deduced;
	hc_certainty certainty;
	struct links links;

	*ret_certainty = HC_CERTAINTY_CERTAIN;
	if (!hc_layout_deduces(layout) || !layout->set->program_types)
		return layout;
	take_links(layout, address, &links);
	if (!links.count)
		return layout;
	candidate = choose(candidates_of(layout), &links, layout->set->blocks->alignment, &certainty);
	deduced = candidate ? verify(layout, candidate, address) : NULL;
	if (deduced)
		*ret_certainty = certainty;
	return deduced ? deduced : layout;
}
