/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pointers that wait to be followed: a ring, first in, first out, but for those that are a part of
 * what is being followed; and behind it a list for each certainty whose turn has not come, lists of
 * words that are some steps behind, and one of those that are likely to be left over.
 */
#include "propagation/walks_ahead.h"

enum {
	LATER_MAX = 1 << 24,  /* edges that wait for their certainty's turn; more do not wait */
	WAITING_MAX = 1 << 22 /* the same of words that wait for some steps, or for all others */
};

static bool grow(hc_propagation *propagation)
{
	uint64_t before = propagation->edges_room, room = before ? before * 2 : 4096;
	hc_edge *edges;

	hc_propagation_end_edges(propagation);
	edges = g_try_realloc_n(propagation->edges, room, sizeof *edges);
	if (!edges) {
		propagation->failed = true;
		return false;
	}
	/* Half of all places are where they were; the others are as far behind that as there was room. */
	for (uint64_t i = propagation->edges_out; i != propagation->edges_in; i++)
		if (i & before)
			edges[i & (room - 1)] = edges[i & (before - 1)];
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

void hc_propagation_defer_first(hc_propagation *propagation, const hc_edge *edge)
{
	if (propagation->edges_in - propagation->edges_out == propagation->edges_room && !grow(propagation))
		return;
	propagation->edges[--propagation->edges_out & (propagation->edges_room - 1)] = *edge;
}

static bool append(GArray *list, const hc_edge *edge)
{
	if (list->len >= WAITING_MAX)
		return false;
	g_array_append_val(list, *edge);
	return true;
}

bool hc_propagation_defer_steps(hc_propagation *propagation, const hc_edge *edge, unsigned steps)
{
	return append(propagation->late[(propagation->step + steps) % HC_LATE_STEPS], edge);
}

bool hc_propagation_defer_stray(hc_propagation *propagation, const hc_edge *edge, bool is_alias)
{
	return append(is_alias ? propagation->aliases : propagation->strays, edge);
}

bool hc_propagation_defer_unused(hc_propagation *propagation, const hc_edge *edge)
{
	return append(propagation->unused, edge);
}

bool hc_propagation_defer_library(hc_propagation *propagation, const hc_edge *edge)
{
	return propagation->of_libraries && append(propagation->of_libraries, edge);
}

bool hc_propagation_defer_last(hc_propagation *propagation, const hc_edge *edge)
{
	return append(propagation->last, edge);
}

static void take(hc_propagation *propagation, GArray *list)
{
	for (unsigned i = 0; i < list->len; i++)
		hc_propagation_defer_edge(propagation, &g_array_index(list, hc_edge, i), HC_CERTAINTY_UNKNOWN);
	g_array_set_size(list, 0);
}

void hc_propagation_take_libraries(hc_propagation *propagation)
{
	g_autoptr(GArray) list = g_steal_pointer(&propagation->of_libraries);

	if (list)
		take(propagation, list);
}

bool hc_propagation_take_late(hc_propagation *propagation)
{
	bool any = false;

	propagation->step++;
	take(propagation, propagation->late[propagation->step % HC_LATE_STEPS]);
	for (unsigned i = 0; i < HC_LATE_STEPS; i++)
		any |= propagation->late[i]->len != 0;
	return any || propagation->edges_out != propagation->edges_in;
}

bool hc_propagation_take_strays(hc_propagation *propagation)
{
	GArray *next = propagation->strays->len	 ? propagation->strays :
		       propagation->aliases->len ? propagation->aliases :
						   propagation->unused;

	take(propagation, next);
	return propagation->edges_out != propagation->edges_in;
}

bool hc_propagation_take_last(hc_propagation *propagation)
{
	take(propagation, propagation->last);
	return propagation->edges_out != propagation->edges_in;
}

bool hc_propagation_defer_late(hc_propagation *propagation, hc_address address, const hc_owner *owner, uint32_t part)
{
	if (propagation->level < HC_CERTAINTY_GUESS && !hc_propagation_is_early(propagation, HC_CERTAINTY_GUESS))
		return false;
	hc_propagation_defer(propagation, address, owner, part, HC_CERTAINTY_GUESS);
	return true;
}
