/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follows the pointers that wait (edges.c), and what is found meanwhile, the surest first. */
#include "propagation/objects.h"
#include "propagation/passes.h"
#include "propagation/walks_ahead.h"

enum {
	AHEAD = 12, /* edges between one step of fetching and the next, or use */
	MANY = 4096 /* edges that wait: helpers look at them ahead */
};

/*
 * What the edges behind the next one lead to is fetched in turn: the index of blocks and what is in the block; then the block's owner,
 * whose place only the index tells. (A step between them, so that blocks with an owner are not fetched, costs what it saves.)
 */
static void look_ahead(const hc_propagation *propagation)
{
	uint64_t ahead = propagation->edges_out + AHEAD, further = ahead + AHEAD, mask = propagation->edges_room - 1;

	if ((int64_t)(propagation->edges_in - further) > 0)
		hc_container_set_prefetch(propagation->types->set, propagation->edges[further & mask].value, true);
	if ((int64_t)(propagation->edges_in - ahead) > 0)
		hc_propagation_prefetch_owner(propagation, propagation->edges[ahead & mask].value);
}

static void follow_edge(hc_propagation *propagation)
{
	hc_edge edge = propagation->edges[propagation->edges_out & (propagation->edges_room - 1)];
	hc_owner *owner = hc_types_owner(propagation->types, edge.owner);
	const hc_edge_target *target = propagation->edges_ahead ? hc_propagation_next_target(propagation) : NULL;

	if (!target)
		look_ahead(propagation);
	propagation->edges_out++;
	if (target && hc_propagation_follow_target(propagation, owner, &edge, target))
		return;
	switch (edge.part) {
	case HC_EDGE_OBJECT:
		return hc_propagation_look_at(propagation, owner, edge.value);
	case HC_EDGE_UNTYPED:
		return hc_propagation_search(propagation, owner, edge.value);
	case HC_EDGE_WORD:
		return hc_propagation_take_word(propagation, owner, edge.value);
	case HC_EDGE_PIECE:
		return hc_propagation_search_piece(propagation, owner, edge.value);
	case HC_EDGE_RANGE:
		return hc_propagation_search_range(propagation, owner, edge.value, edge.holder);
	case HC_EDGE_OUTSIDE:
		return hc_propagation_search_outside(propagation, owner, edge.value);
	case HC_EDGE_REACH:
		propagation->from = edge.holder;
		return hc_propagation_reach(propagation, owner, edge.value);
	default:
		return hc_propagation_follow(propagation, owner, edge.part, edge.holder, edge.value);
	}
}

/* FALSE: there is nothing more. */
static bool step(hc_propagation *propagation)
{
	uint64_t end = propagation->edges_in;

	while (propagation->edges_out != end && !propagation->failed) {
		/* Once more if the ring has moved. */
		if (!propagation->edges_ahead && end - propagation->edges_out >= MANY)
			hc_propagation_begin_edges(propagation);
		follow_edge(propagation);
	}
	hc_propagation_end_edges(propagation);
	return hc_propagation_take_late(propagation) && !propagation->failed;
}

static void follow_edges(hc_propagation *propagation)
{
	while (step(propagation))
		;
}

void hc_propagation_step(hc_propagation *propagation)
{
	step(propagation);
}

void hc_propagation_run_strays(hc_propagation *propagation)
{
	while (hc_propagation_take_strays(propagation) && !propagation->failed)
		hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
}

void hc_propagation_run_last(hc_propagation *propagation)
{
	while (hc_propagation_take_last(propagation) && !propagation->failed) {
		hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
		hc_propagation_run_strays(propagation);
	}
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
