/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of a graph, for holds.c and dominators.c. */
#pragma once

#include "owners/owners.h"

struct hc_graph {
	hc_graph_source source;
	uint32_t nodes;	     /* blocks, then roots */
	uint32_t edge_count; /* of all rows */
	uint32_t *starts;    /* for each node, and one beyond: where its row begins in edges */
	uint32_t *edges;     /* as in hc_graph_sink; ascending in each row, no target twice */
	uint64_t by_evidence[HC_GRAPH_EVIDENCE_COUNT];
};

static inline uint32_t hc_graph_target(uint32_t edge)
{
	return edge >> HC_GRAPH_EVIDENCE_BITS;
}

static inline hc_graph_evidence hc_graph_edge_evidence(uint32_t edge)
{
	return (hc_graph_evidence)(edge & ((1 << HC_GRAPH_EVIDENCE_BITS) - 1));
}
