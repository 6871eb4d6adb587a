/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds and retains the blocks of a core:
 *
 *	ownership.c	the object, and asking for it
 *	path_rows.c	rows of paths, and what each holds
 *	core_graph.c	the graph of a core's words
 *	path_sharing.c	... and what several of its roots lead to
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
	uint32_t *row_of;   /* of each path by number; HC_OWNER_NO_ROW: nothing hangs on it */
	hc_sharing *shared; /* of each path; NULL: not asked for */
	hc_owners_by by;
	uint32_t first;
	hc_dominators *dominators; /* of blocks, then roots; NULL: not asked for */
	hc_amount unknown, libc, lost_directly, lost_indirectly;
};

static inline hc_owner_row *hc_ownership_row_at(const hc_ownership *ownership, uint32_t index)
{
	return &g_array_index(ownership->rows, hc_owner_row, index);
}

/* How BLOCK, which is in use, is reached: by its address, which is found sooner than its number. */
static inline hc_reach hc_ownership_reach(const hc_ownership *ownership, const hc_block *block)
{
	const hc_blocks *blocks = ownership->blocks;

	return hc_references_reach_at(ownership->references,
		hc_blocks_granule(blocks, hc_blocks_region(blocks, block->address), block->address));
}

/* Makes rows, with what they hold. FALSE if memory was out. */
bool hc_ownership_make_rows(hc_ownership *ownership);

/* Tells what rows that begin a path retain, and what others lead to as well, as OPTIONS say. Fails with HC_ERROR_NO_MEMORY or HC_ERROR_UNSUPPORTED. */
bool hc_ownership_read_graph(hc_ownership *ownership, const hc_ownership_options *options, GError **error);

/* The roots of a graph for those who know the rows. */
typedef struct hc_owner_roots {
	const uint32_t *of_row; /* the root of each row that begins a path */
	const bool *have_words; /* of each root: FALSE of a variable in a register, of which nobody knows which */
} hc_owner_roots;

/* Takes DOMINATORS over, and reads of them what rows retain. Fails with HC_ERROR_NO_MEMORY. */
bool hc_ownership_read_dominators(
	hc_ownership *ownership, hc_dominators *dominators, const hc_owner_roots *roots, GError **error);

/* Where what rows hold piles up, of those of which nothing better is known. Needs the order of the rows. */
void hc_ownership_find_accumulations(hc_ownership *ownership);

/* ---- core_graph.c: the graph of the core's words ---- */

/* Its roots: the rows that begin a path, then paths without a row, then two that are neither. */
typedef struct hc_graph_roots {
	uint32_t *of_row;  /* of each row that begins a path */
	uint32_t first;	   /* of the paths without a row: they stand side by side */
	GArray *paths;	   /* of uint32_t: of each of these the path */
	uint32_t *of_path; /* the other way round; 0: it is none */
} hc_graph_roots;

/*
 * The roots and their words, without any block's. WITH_NAMES: with roots for each path that has a name of its own, as
 * hc_ownership_find_shared() needs them. OWNERSHIP has its rows, and must outlive the result.
 */
typedef struct hc_core_graph hc_core_graph;

hc_core_graph *hc_core_graph_create(const hc_ownership *ownership, bool with_names);
void hc_core_graph_destroy(hc_core_graph *core_graph);

const hc_graph_roots *hc_core_graph_roots(const hc_core_graph *core_graph);
uint32_t hc_core_graph_root_count(const hc_core_graph *core_graph);

/* Reads the words of all blocks, unless that was done. On JOBS threads, as hc_graph_create(). Fails with HC_ERROR_NO_MEMORY or HC_ERROR_UNSUPPORTED. */
bool hc_core_graph_build(hc_core_graph *core_graph, unsigned jobs, GError **error);

/* What hc_core_graph_build() made, as long as CORE_GRAPH lives; NULL: nothing yet. */
const hc_graph *hc_core_graph_rows(const hc_core_graph *core_graph);

/*
 * Less of it, read anew: of the blocks those words that hc_rivals_create() needs; those that hc_rivals_find() needs, for owners that have a
 * bit in WITHIN. Weak words are not dropped. CORE_GRAPH and the tables must outlive the result. Fail as hc_core_graph_build().
 */
hc_graph *hc_core_graph_crossing(
	hc_core_graph *core_graph, const uint32_t *owners, const uint32_t *ranks, unsigned jobs, GError **error);
hc_graph *hc_core_graph_within(
	hc_core_graph *core_graph, const uint32_t *owners, const uint64_t *within, unsigned jobs, GError **error);

/* Whether one of ROOTS, which have their bit set, has weak words: what it leads to depends on what all others lead to. */
bool hc_core_graph_is_weak(const hc_core_graph *core_graph, const uint64_t *roots);

/* Tells what others lead to as well: by all words if they were read, otherwise by no more than it takes. Fails as hc_core_graph_build(). */
bool hc_ownership_find_shared(hc_ownership *ownership, hc_core_graph *core_graph, unsigned jobs, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_core_graph, hc_core_graph_destroy)
