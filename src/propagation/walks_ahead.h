/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks of containers that are kept (containers/record.c), so that others can make them before they are wanted: walks_ahead.c.
 *
 * The walks of a propagation end by hc_propagation_end_walks(); none are made ahead until hc_propagation_begin_walks().
 *
 *	walks_ahead.c	of variables
 *	nests_ahead.c	of elements
 *	edges_ahead.c	not walks, but where pointers lead
 */
#pragma once

#include "base/lookahead.h"
#include "propagation/propagation_state.h"

/* All containers of variables, ROOTS (of hc_owner, in the order in which they are looked at), are walked on JOBS threads from now on. */
void hc_propagation_begin_walks(hc_propagation *propagation, const GPtrArray *roots, unsigned jobs);

/* Root number INDEX of these is looked at next. */
void hc_propagation_seek_walks(hc_propagation *propagation, unsigned index);

/* The last of these was looked at. */
void hc_propagation_end_root_walks(hc_propagation *propagation);

void hc_propagation_end_walks(hc_propagation *propagation);

/* How many threads make walks (0: none are kept), what runs them (NULL: one does), and the reader of each. */
unsigned hc_propagation_worker_count(const hc_propagation *propagation);
hc_lookahead *hc_propagation_lookahead(const hc_propagation *propagation);
hc_reader *hc_propagation_worker_reader(const hc_propagation *propagation, unsigned worker);

/*
 * What the walk of the container of LAYOUT at ADDRESS met: as it was made ahead, or is made now. NULL: it cannot be kept, and has to be walked
 * by who asks. Release it when it was made use of.
 */
hc_walk_record *hc_propagation_kept_walk(
	hc_propagation *propagation, const hc_layout *layout, hc_address address, hc_record_wants wants);
void hc_propagation_release_walk(hc_propagation *propagation, hc_walk_record *record);

/* ---- of elements: nests_ahead.c ---- */

/*
 * The containers in objects of PLAN at ADDRESSES, which stay there, are walked ahead from now on; nests may begin within each other. NULL: these
 * are few, or there is nothing to walk, or nobody who could.
 */
hc_nest *hc_propagation_begin_nest(
	hc_propagation *propagation, const hc_plan *plan, const hc_address *addresses, uint64_t count);
void hc_propagation_end_nest(hc_nest *nest);

/* Object number INDEX is looked at next; they come in order. */
void hc_propagation_seek_nest(hc_nest *nest, uint64_t index);

/* The walk of the container of LAYOUT at ADDRESS, if it is one that is expected next; it stays the nest's. */
hc_walk_record *hc_propagation_nested_walk(
	hc_nest *nest, const hc_layout *layout, hc_address address, hc_record_wants wants);

/* ---- pointers: edges_ahead.c ---- */

/* Where the pointers that wait now lead is found out ahead from now on. FALSE: there is nobody who could; then it must not be ended. */
bool hc_propagation_begin_edges(hc_propagation *propagation);

/* Before the ring of edges moves, and when they were followed. Nothing if they have ended. */
void hc_propagation_end_edges(hc_propagation *propagation);

/* What is known of the edge that is followed next; NULL: nothing. Until the next call. They have begun. */
const hc_edge_target *hc_propagation_next_target(hc_propagation *propagation);
