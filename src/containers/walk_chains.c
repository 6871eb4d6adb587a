/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists.
 *
 * Each node waits for the memory of the one before: nothing in a list tells where the node after the next one is. Two things help.
 * Nodes of a list that grew while others did lie at equal distances: when two steps were of the same length, what lies some
 * such steps ahead is fetched; a wrong guess costs nothing but the memory's time. Where they are of different lengths, the index may guess
 * (hc_blocks_fetch_next()). And lists do not wait for each other: where
 * many have to be walked, each of a ring of them makes a step in turn (hc_walk_chains()), and fetches its next node for its next turn.
 *
 * A walk ends at one element more than the container claims; without a claim a circle is found by Brent's algorithm: a node is
 * remembered, and another one each time that the distance has doubled.
 */
#include "containers/walk_nodes.h"

enum {
	GUESSED_STEPS = 6, /* of the same length, that far ahead memory is fetched */
};

/* TRUE if ADDRESS has been met before. */
static inline bool goes_in_circles(hc_chain *c, hc_address address)
{
	if (address == c->met)
		return true;
	if (++c->steps == c->power) {
		c->steps = 0;
		c->power *= 2;
		c->met = address;
	}
	return false;
}

/* One node of a list, that CHAIN stands at. */
static inline bool step(hc_walker *walker, const hc_nodes *n, hc_chain *c)
{
	const uint8_t *bytes = hc_node_enter(walker, n, c->node);
	hc_address other;

	if (!bytes)
		return false;
	if (n->prev.program) {
		if (!hc_node_follow(walker, n, &n->prev, bytes, &other))
			return false;
		if (other != c->came_from)
			return hc_walker_break(walker, "an element does not lead back to the one before it");
	}
	if (n->back.program && c->slot) {
		if (!hc_node_follow(walker, n, &n->back, bytes, &other))
			return false;
		if (other != c->slot)
			return hc_walker_break(walker, "an element does not lead back to what leads to it");
	}
	c->last = c->came_from = c->node;
	c->slot = n->next.is_plain ? c->node + (uint64_t)n->next.at : 0;
	return hc_node_follow(walker, n, &n->next, bytes, &c->node);
}

/* The next node's memory, and by the length of the steps that of some nodes further on, will be wanted. */
static inline void fetch(const hc_walker *walker, const hc_nodes *n, hc_chain *c)
{
	uint64_t distance = c->node - c->last;

	hc_reader_prefetch(walker->reader, c->node + (uint64_t)n->first);
	if (distance == c->distance)
		hc_reader_prefetch(walker->reader, c->node + (uint64_t)n->first + GUESSED_STEPS * distance);
	else if (walker->reader->checked != UINT64_MAX)
		hc_blocks_fetch_next(
			walker->reader->blocks, walker->reader->region, walker->reader->checked, &c->guess);
	c->distance = distance;
}

bool hc_chain_step(hc_walker *walker, const hc_nodes *n, hc_chain *c, bool *ret_is_sound)
{
	hc_address node = c->node;

	*ret_is_sound = true;
	if (node == c->stop)
		return false;
	*ret_is_sound = false;
	if (!node)
		return hc_walker_break(walker, "a link is null where the list should go on");
	if (walker->walk->walked == walker->walk->claimed)
		return hc_walker_break(walker, "there are more elements than it claims");
	if (goes_in_circles(c, node))
		return hc_walker_break(walker, "it goes in a circle");
	if (!step(walker, n, c))
		return false;
	fetch(walker, n, c);
	hc_node_take(walker, n, node);
	return !hc_walker_is_enough(walker);
}

bool hc_chain_walk(hc_walker *walker, const hc_nodes *n, hc_chain *c)
{
	bool is_sound;

	while (hc_chain_step(walker, n, c, &is_sound))
		;
	return is_sound;
}

/* ---- one list ---- */

/* Reads where the list of WALKER begins and ends. FALSE: the walk is over. */
static bool begin(hc_walker *walker, hc_nodes *n, hc_chain *c, hc_address *ret_first_slot)
{
	const hc_program *head = hc_layout_program(walker->layout, HC_KEY_HEAD);

	*c = hc_chain_from(0, 0);
	if (!hc_walker_need(walker, HC_KEY_HEAD, 0, &c->node) || !hc_walker_need(walker, HC_KEY_STOP, 0, &c->stop) ||
		!hc_nodes_read(walker, n))
		return false;
	walker->is_proved |= n->prev.program || n->back.program || walker->walk->claimed != UINT64_MAX ||
			     hc_walker_has(walker, HC_KEY_TAIL) || hc_walker_has(walker, HC_KEY_TAIL_SLOT);
	c->last = c->came_from = c->stop;
	if (head->is_member)
		c->slot = walker->address + head->offset;
	*ret_first_slot = c->slot;
	if (!hc_walker_need(walker, HC_KEY_TOP, c->stop, &c->came_from))
		return false;
	if (walker->visitor && walker->visitor->wants_fronts && hc_walker_has(walker, HC_KEY_FRONTS) &&
		!(hc_walker_get(walker, HC_KEY_FRONTS, 0, &walker->walk->fronts) &&
			hc_walker_get(walker, HC_KEY_BUCKETS, 0, &walker->walk->buckets)))
		walker->walk->fronts = 0;
	return true;
}

/* The list was walked to its end: does it say so, too? */
static void check_tail(hc_walker *walker, const hc_chain *c, hc_address first_slot)
{
	uint64_t tail, tail_slot;

	if (!hc_walker_need(walker, HC_KEY_TAIL, c->last, &tail) ||
		!hc_walker_need(walker, HC_KEY_TAIL_SLOT, 0, &tail_slot))
		return;
	if (tail != c->last)
		hc_walker_break(walker, "its tail is not its last element");
	/* The pointer that the next element would be entered in. */
	else if (tail_slot && tail_slot != (walker->walk->walked ? c->slot : first_slot))
		hc_walker_break(walker, "its tail is not its last element");
}

void hc_walk_linked(hc_walker *walker)
{
	hc_address first_slot;
	hc_nodes n;
	hc_chain c;

	if (begin(walker, &n, &c, &first_slot) && hc_chain_walk(walker, &n, &c))
		check_tail(walker, &c, first_slot);
}

/* ---- many lists at once ---- */

struct cursor {
	hc_walker *walker;
	hc_nodes nodes;
	hc_chain chain;
	hc_address first_slot;
};

/* Puts the next of the WALKERS that has anything to walk to CURSOR. FALSE: there is none. */
static bool take_next(struct cursor *cursor, hc_walker *const *walkers, unsigned count, unsigned *next)
{
	while (*next < count) {
		cursor->walker = walkers[(*next)++];
		if (begin(cursor->walker, &cursor->nodes, &cursor->chain, &cursor->first_slot)) {
			hc_reader_prefetch(cursor->walker->reader, cursor->chain.node + (uint64_t)cursor->nodes.first);
			return true;
		}
	}
	return false;
}

void hc_walk_chains(hc_walker *const *walkers, unsigned count)
{
	struct cursor ring[HC_CHAINS_AT_ONCE];
	unsigned next = 0, active = 0;

	while (active < HC_CHAINS_AT_ONCE && take_next(&ring[active], walkers, count, &next))
		active++;
	while (active)
		for (unsigned i = 0; i < active;) {
			struct cursor *cursor = &ring[i];
			bool is_sound;

			if (hc_chain_step(cursor->walker, &cursor->nodes, &cursor->chain, &is_sound)) {
				i++;
				continue;
			}
			if (is_sound)
				check_tail(cursor->walker, &cursor->chain, cursor->first_slot);
			if (!take_next(cursor, walkers, count, &next))
				ring[i] = ring[--active];
		}
}
