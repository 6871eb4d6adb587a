/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds and retains the blocks of a core:
 *
 *	ownership.c	the object, and asking for it
 *	path_rows.c	rows of paths, and what each holds
 *	core_graph.c	the graph of a core's words
 *	retained.c	what rows and blocks retain, and where it accumulates
 */
#pragma once

#include "owners/owners.h"

struct hc_ownership {
	const hc_core *core;
	const hc_blocks *blocks;
	const hc_references *references;
	const hc_types *types; /* NULL: all that is alive is of unknown owners */
	GArray *rows;	       /* of hc_owner_row */
	GStringChunk *texts;
	uint32_t path_count;
	uint32_t *row_of; /* of each path by number; HC_OWNER_NO_ROW: nothing hangs on it */
	hc_owners_by by;
	uint32_t first;
	hc_dominators *dominators; /* of blocks, then roots; NULL: not asked for */
	hc_amount unknown, libc, lost_directly, lost_indirectly;
};

static inline hc_owner_row *hc_ownership_row_at(const hc_ownership *ownership, uint32_t index)
{
	return &g_array_index(ownership->rows, hc_owner_row, index);
}

/* Makes rows, with what they hold. FALSE if memory was out. */
bool hc_ownership_make_rows(hc_ownership *ownership);

/* The roots of a graph for those who know the rows. */
typedef struct hc_owner_roots {
	const uint32_t *of_row; /* the root of each row that begins a path */
	const bool *have_words; /* of each root: FALSE of a variable in a register, of which nobody knows which */
} hc_owner_roots;

/* Tells what rows retain. Fails with HC_ERROR_NO_MEMORY or HC_ERROR_UNSUPPORTED. */
bool hc_ownership_find_retained(hc_ownership *ownership, unsigned jobs, GError **error);

/* Takes DOMINATORS over, and reads of them what rows retain. Fails with HC_ERROR_NO_MEMORY. */
bool hc_ownership_read_dominators(
	hc_ownership *ownership, hc_dominators *dominators, const hc_owner_roots *roots, GError **error);

/* Where what rows hold piles up, of those of which nothing better is known. Needs the order of the rows. */
void hc_ownership_find_accumulations(hc_ownership *ownership);

/*
 * core_graph.c: the graph of the core's words, on JOBS threads, as hc_graph_create(). OWNERSHIP has its rows, and must outlive the result.
 * Fails with HC_ERROR_NO_MEMORY or HC_ERROR_UNSUPPORTED.
 */
typedef struct hc_core_graph hc_core_graph;

hc_core_graph *hc_core_graph_create(const hc_ownership *ownership, unsigned jobs, GError **error);
void hc_core_graph_destroy(hc_core_graph *core_graph);

/* Lives as long as CORE_GRAPH. */
const hc_graph *hc_core_graph_rows(const hc_core_graph *core_graph);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_core_graph, hc_core_graph_destroy)
