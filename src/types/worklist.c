/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follows the pointers that wait (edges.c), and what is found meanwhile, the surest first. */
#include "types/objects.h"
#include "types/passes.h"
#include "types/word_rows.h"

enum {
	AHEAD = 12,   /* edges between one step of fetching and the next, or use */
	ROW_AHEAD = 6 /* ... of blocks whose words are in rows */
};

/* The edge that is followed AHEAD edges behind the next one, if it leads to a block whose words are in a row; else NULL. */
static const hc_edge *row_edge(const hc_edge_ring *ring, unsigned ahead)
{
	const hc_edge *edge = &ring->edges[(ring->out + ahead) & (ring->room - 1)];

	return ring->in - ring->out > ahead && edge->part == HC_EDGE_UNTYPED ? edge : NULL;
}

/* Blocks without a type are not looked into: what is fetched is where their row begins, then the row, then what it leads to. */
static void look_ahead_in_rows(const hc_propagation *propagation, const hc_edge_ring *ring)
{
	for (unsigned step = 0; propagation->rows && step < HC_ROW_STEPS; step++) {
		const hc_edge *edge = row_edge(ring, (HC_ROW_STEPS - step) * ROW_AHEAD);

		if (edge)
			hc_word_rows_prefetch(propagation->rows, propagation, (uint32_t)edge->holder, step);
	}
}

/*
 * What the edges behind the next one lead to is fetched in turn: the index of blocks and what is in the block; then the block's owner,
 * whose place only the index tells. (A step between them, so that blocks with an owner are not fetched, costs what it saves.)
 */
static void look_ahead(const hc_propagation *propagation)
{
	uint64_t ahead = propagation->edges_out + AHEAD, further = ahead + AHEAD, mask = propagation->edges_room - 1;
	const hc_edge *edge = &propagation->edges[further & mask];
	bool in_rows = propagation->rows != NULL;

	if ((int64_t)(propagation->edges_in - further) > 0 && !(in_rows && edge->part == HC_EDGE_UNTYPED))
		hc_container_set_prefetch(propagation->types->set, edge->value, true);
	edge = &propagation->edges[ahead & mask];
	if ((int64_t)(propagation->edges_in - ahead) > 0 && !(in_rows && edge->part == HC_EDGE_UNTYPED))
		hc_propagation_prefetch_owner(propagation, edge->value);
	look_ahead_in_rows(propagation, &(hc_edge_ring){ propagation->edges, propagation->edges_in,
						propagation->edges_out, propagation->edges_room });
}

static void follow(hc_propagation *propagation, const hc_edge *edge)
{
	hc_owner *owner = hc_types_owner(propagation->types, edge->owner);

	switch (edge->part) {
	case HC_EDGE_OBJECT:
		return hc_propagation_look_at(propagation, owner, edge->value);
	case HC_EDGE_UNTYPED:
		return hc_propagation_search(propagation, owner, edge->value, (uint32_t)edge->holder);
	case HC_EDGE_PIECE:
		return hc_propagation_search_piece(propagation, owner, edge->value);
	case HC_EDGE_RANGE:
		return hc_propagation_search_range(propagation, owner, edge->value, edge->holder);
	case HC_EDGE_REACH:
		return hc_propagation_reach(propagation, owner, edge->value);
	default:
		return hc_propagation_follow(propagation, owner, edge->part, edge->holder, edge->value);
	}
}

/* All that is one step with what was followed last. */
static void follow_near(hc_propagation *propagation)
{
	hc_edge_ring *near = &propagation->near;

	while (near->out != near->in && !propagation->failed) {
		hc_edge edge = near->edges[near->out & (near->room - 1)];

		look_ahead_in_rows(propagation, near);
		near->out++;
		follow(propagation, &edge);
	}
}

static void follow_edge(hc_propagation *propagation)
{
	hc_edge edge = propagation->edges[propagation->edges_out & (propagation->edges_room - 1)];

	look_ahead(propagation);
	propagation->edges_out++;
	follow(propagation, &edge);
	follow_near(propagation);
}

static void follow_edges(hc_propagation *propagation)
{
	follow_near(propagation);
	while (propagation->edges_out != propagation->edges_in && !propagation->failed)
		follow_edge(propagation);
}

void hc_propagation_step(hc_propagation *propagation)
{
	uint64_t end = propagation->edges_in;

	follow_near(propagation);
	while (propagation->edges_out != end && !propagation->failed)
		follow_edge(propagation);
}

/* What has waited for its certainty's turn. */
static void take_later(hc_propagation *propagation, GArray *later)
{
	for (unsigned i = 0; i < later->len; i++)
		hc_propagation_defer_edge(propagation, &g_array_index(later, hc_edge, i), propagation->level);
	g_array_set_size(later, 0);
}

void hc_propagation_run(hc_propagation *propagation, hc_certainty least)
{
	for (hc_certainty level = HC_CERTAINTY_CERTAIN; level <= least; level++) {
		propagation->level = level;
		take_later(propagation, propagation->later[level]);
		follow_edges(propagation);
	}
}
