/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pointers that wait to be followed: a ring, first in, first out; before it another of those that are
 * a part of what is being followed; and behind it a list for each certainty whose turn has not come.
 */
#include "types/propagation.h"

enum {
	LATER_MAX = 1 << 24 /* edges that wait for their certainty's turn; more do not wait */
};

static bool grow(hc_propagation *propagation)
{
	uint64_t room = propagation->edges_room ? propagation->edges_room * 2 : 4096;
	hc_edge *edges = g_try_new(hc_edge, room);

	if (!edges) {
		propagation->failed = true;
		return false;
	}
	for (uint64_t i = propagation->edges_out; i != propagation->edges_in; i++)
		edges[i & (room - 1)] = propagation->edges[i & (propagation->edges_room - 1)];
	g_free(propagation->edges);
	propagation->edges = edges;
	propagation->edges_room = room;
	return true;
}

bool hc_propagation_is_early(const hc_propagation *propagation, hc_certainty certainty)
{
	return certainty > propagation->level && certainty < HC_CERTAINTY_UNKNOWN &&
	       propagation->later[certainty]->len < LATER_MAX;
}

void hc_propagation_defer_edge(hc_propagation *propagation, const hc_edge *edge, hc_certainty certainty)
{
	if (hc_propagation_is_early(propagation, certainty)) {
		g_array_append_val(propagation->later[certainty], *edge);
		return;
	}
	if (propagation->edges_in - propagation->edges_out == propagation->edges_room && !grow(propagation))
		return;
	propagation->edges[propagation->edges_in++ & (propagation->edges_room - 1)] = *edge;
}

void hc_propagation_defer(
	hc_propagation *propagation, hc_address value, const hc_owner *owner, uint32_t part, hc_certainty certainty)
{
	hc_edge edge = { .value = value, .owner = owner->number, .part = part };

	hc_propagation_defer_edge(propagation, &edge, certainty);
}

/* First in, first out, too: so it is known early what will be needed of each (worklist.c). */
void hc_propagation_defer_near(hc_propagation *propagation, const hc_edge *edge)
{
	hc_edge_ring *near = &propagation->near;

	if (near->in - near->out == near->room) {
		uint64_t room = near->room ? near->room * 2 : 4096;
		hc_edge *edges = g_try_new(hc_edge, room);

		if (!edges) {
			propagation->failed = true;
			return;
		}
		for (uint64_t i = near->out; i != near->in; i++)
			edges[i & (room - 1)] = near->edges[i & (near->room - 1)];
		g_free(near->edges);
		near->edges = edges;
		near->room = room;
	}
	near->edges[near->in++ & (near->room - 1)] = *edge;
}

bool hc_propagation_defer_late(hc_propagation *propagation, hc_address address, const hc_owner *owner, uint32_t part)
{
	if (propagation->level < HC_CERTAINTY_GUESS && !hc_propagation_is_early(propagation, HC_CERTAINTY_GUESS))
		return false;
	hc_propagation_defer(propagation, address, owner, part, HC_CERTAINTY_GUESS);
	return true;
}
