/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of owners/: who keeps each block, as a graph of numbers.
 *
 *	graph.c		references from roots and blocks to blocks, with evidence, in compressed rows
 *	graph.h		the rows, for the other files
 *	holds.c		each block once: the root that owns it, and the one that shares it
 *	dominators.c	what would be unreachable without a node: retained bytes
 *	sharing.c	who else leads to what a root holds
 *	dominator_tree.c	... from the top down: what groups retain, and where it accumulates
 *
 *	ownership.c	who holds and retains the blocks of a core
 *	ownership.h	... for the other files
 *	path_rows.c	... by the paths of types/, as rows
 *	core_graph.c	... by the words of the core, as a graph
 *	path_sharing.c	... and what others lead to as well
 *	retained.c	... of what rows and blocks retain
 *
 * The graph knows nothing of cores. It is made of what a source tells: the blocks are 0 to blocks -
 * 1, the roots 0 to roots - 1, and as *nodes* the roots follow behind the blocks. A root is never
 * the target of an edge.
 *
 * Memory, in bytes a block, where a block refers to M others: the graph takes 4 + 4 M. On top of it
 * dominators take 12 + 4 M while they are made (20 if that is more), and 12 when they are; holds take
 * 12, then 8. The tree from the top down takes 8 beside dominators, when the graph is gone. So with
 * three references a block nothing needs more than 40, if dominators are made first.
 */
#pragma once

#include <heapcore/owners.h>

#include "types/types.h"

enum {
	HC_GRAPH_EVIDENCE_BITS = 3
};

/* What a reference rests on, strongest first. */
typedef enum hc_graph_evidence {
	HC_GRAPH_CERTAIN, /* a member at its declared place, of a type that is certain */
	HC_GRAPH_DEDUCED, /* the same, of a type that was deduced */
	HC_GRAPH_WORD,	  /* a word in an object whose type is not known */
	HC_GRAPH_BEYOND,  /* a word behind a typed block's declared part; an encoded pointer */
	/* A word that may be left over: in a recycled block's tail, past a count, in a frame's dead part. */
	HC_GRAPH_STALE,
	HC_GRAPH_EVIDENCE_COUNT
} hc_graph_evidence;

enum {
	HC_GRAPH_NODES_MAX = (1 << (32 - HC_GRAPH_EVIDENCE_BITS)) - 2 /* 536 million */
};

/* In place of a node or a root. */
static const uint32_t HC_GRAPH_NOBODY = UINT32_MAX, HC_GRAPH_SEVERAL_ROOTS = UINT32_MAX - 1;

/* ---- graph.c ---- */

/* Where the edges of a range of nodes go while a graph is built. Belongs to one worker. */
typedef struct hc_graph_sink {
	uint32_t from;	 /* the node whose row is being written; HC_GRAPH_NOBODY before the first */
	uint32_t *edges; /* of the range so far: target << HC_GRAPH_EVIDENCE_BITS | evidence */
	size_t count, room;
	size_t row; /* where the row of `from` begins */
} hc_graph_sink;

/*
 * For hc_graph_add(): ends the row that is being written, and begins that of FROM. Makes room;
 * FALSE if memory was out.
 */
void hc_graph_begin_row(hc_graph_sink *sink, uint32_t from);
bool hc_graph_make_room(hc_graph_sink *sink);

/*
 * Says that the node FROM refers to block TO. Nodes come in ascending order, the targets of one in
 * any. Of several references to the same block the strongest is kept; what a block refers to in
 * itself is dropped.
 */
static inline void hc_graph_add(hc_graph_sink *sink, uint32_t from, uint32_t to, hc_graph_evidence evidence)
{
	if (from == to)
		return;
	if (from != sink->from)
		hc_graph_begin_row(sink, from);
	if (G_UNLIKELY(sink->count == sink->room) && !hc_graph_make_room(sink))
		return;
	sink->edges[sink->count++] = to << HC_GRAPH_EVIDENCE_BITS | evidence;
}

/* Where a graph comes from. */
typedef struct hc_graph_source {
	uint32_t blocks, roots;
	/*
	 * Calls hc_graph_add() for the references of the nodes [first, end), each node once. Called
	 * once for each range of a partition of all nodes, on any of the workers (numbered from 0),
	 * several at the same time.
	 */
	void (*references)(void *data, unsigned worker, uint32_t first, uint32_t end, hc_graph_sink *sink);
	/* Writes the bytes of the blocks [first, end). Called from one thread. */
	void (*sizes)(void *data, uint32_t first, uint32_t end, uint64_t *ret_sizes);
	void *data;
} hc_graph_source;

typedef struct hc_graph hc_graph;

/*
 * Builds the graph on JOBS threads (0: one per processor); it is the same for any number. SOURCE
 * and its data must outlive it. Fails with HC_ERROR_NO_MEMORY, or HC_ERROR_UNSUPPORTED if there are
 * more than HC_GRAPH_NODES_MAX nodes or 2^32 - 1 edges.
 */
hc_graph *hc_graph_create(const hc_graph_source *source, unsigned jobs, GError **error);
void hc_graph_destroy(hc_graph *graph);

uint32_t hc_graph_root_count(const hc_graph *graph);

/* Edges of that evidence, of all nodes. */
uint64_t hc_graph_edge_count(const hc_graph *graph, hc_graph_evidence evidence);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_graph, hc_graph_destroy)

/* ---- holds.c ---- */

/* Who keeps a block. What owner and rival mean stands at the top of holds.c. */
typedef struct hc_claim {
	uint32_t owner; /* a root; HC_GRAPH_NOBODY if none leads to the block */
	uint32_t rival; /* another root that holds it as well; HC_GRAPH_NOBODY: none */
	/* The weakest reference on the best way; HC_GRAPH_EVIDENCE_COUNT if there is none. */
	hc_graph_evidence evidence;
} hc_claim;

/* What a root owns. */
typedef struct hc_holding {
	uint64_t blocks, bytes;
	uint64_t shared_blocks, shared_bytes; /* part of these: another root holds them as well */
} hc_holding;

typedef struct hc_holds hc_holds;

/* The graph need not outlive the result. Fails with HC_ERROR_NO_MEMORY. */
hc_holds *hc_holds_create(const hc_graph *graph, GError **error);
void hc_holds_destroy(hc_holds *holds);

hc_claim hc_holds_block(const hc_holds *holds, uint32_t block);

/* What ROOT owns; with HC_GRAPH_NOBODY, what no root leads to. These add up to all blocks. */
hc_holding hc_holds_root(const hc_holds *holds, uint32_t root);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_holds, hc_holds_destroy)

/* ---- dominators.c ---- */

typedef struct hc_dominators hc_dominators;

/* The graph need not outlive the result. Fails with HC_ERROR_NO_MEMORY. */
hc_dominators *hc_dominators_create(const hc_graph *graph, GError **error);
void hc_dominators_destroy(hc_dominators *dominators);

/*
 * The nearest node that all ways from roots to NODE lead through. HC_GRAPH_SEVERAL_ROOTS if there
 * is none, and for each root; HC_GRAPH_NOBODY for a block that no root leads to.
 */
uint32_t hc_dominators_of(const hc_dominators *dominators, uint32_t node);

/*
 * Bytes of blocks that no root would lead to without NODE, its own among them; 0 for a block that
 * no root leads to.
 */
uint64_t hc_dominators_retained(const hc_dominators *dominators, uint32_t node);

/* Blocks and roots. */
uint32_t hc_dominators_nodes(const hc_dominators *dominators);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_dominators, hc_dominators_destroy)

/* ---- sharing.c ---- */

/* For each block the root that leads there beside its owner. */
typedef struct hc_rivals hc_rivals;

/*
 * Which owners have something that others' words lead to. CROSSING has of all roots the references, and of all blocks those to blocks of
 * another owner, as OWNERS and RANKS say: hc_rivals_may_cross(). Others do not matter. OWNERS: of each block its root, or HC_GRAPH_NOBODY.
 * RANKS: of each root; one of a higher rank than the owner's shares nothing. All three must outlive the result. Fails with
 * HC_ERROR_NO_MEMORY.
 */
hc_rivals *hc_rivals_create(const hc_graph *crossing, const uint32_t *owners, const uint32_t *ranks, GError **error);
void hc_rivals_destroy(hc_rivals *rivals);

/* Whether a reference of FROM, a root or the owner of a block, to the block TO can make another root of the one that TO has. */
static inline bool hc_rivals_may_cross(const uint32_t *owners, const uint32_t *ranks, uint32_t from, uint32_t to)
{
	uint32_t owner = owners[to];

	return from != owner && from != HC_GRAPH_NOBODY && owner != HC_GRAPH_NOBODY && ranks[from] <= ranks[owner];
}

/* A bit for each root: such an owner. NULL: there is none, so no block has a rival. */
const uint64_t *hc_rivals_contested(const hc_rivals *rivals);

/*
 * Finds rivals. GRAPH has of all roots the references, and of all blocks of contested owners those to blocks of the same owner. Others do not
 * matter. Once at most; not needed where there is no contested owner. Fails with HC_ERROR_NO_MEMORY.
 */
bool hc_rivals_find(hc_rivals *rivals, const hc_graph *graph, GError **error);

/* A root; HC_GRAPH_NOBODY: none leads to BLOCK beside its owner. */
uint32_t hc_rivals_of(const hc_rivals *rivals, uint32_t block);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_rivals, hc_rivals_destroy)

/* ---- dominator_tree.c ---- */

typedef struct hc_dominator_tree hc_dominator_tree;

/* DOMINATORS must outlive the result. Takes 8 bytes a node. Fails with HC_ERROR_NO_MEMORY. */
hc_dominator_tree *hc_dominator_tree_create(const hc_dominators *dominators, GError **error);
void hc_dominator_tree_destroy(hc_dominator_tree *tree);

/*
 * For each of GROUPS groups the bytes of blocks that hang on one of its nodes alone, that node's own
 * among them; each byte once. GROUP_OF tells the group of a node, HC_GRAPH_NOBODY if it has none; it
 * is asked twice, and has to say the same. FALSE if memory was out.
 */
bool hc_dominator_tree_groups(const hc_dominator_tree *tree, uint32_t (*group_of)(void *data, uint32_t node),
	void *data, uint32_t groups, uint64_t *ret_retained);

/* Where what a node retains is many and small. */
typedef struct hc_accumulation {
	uint32_t node;	   /* it, or one below it */
	uint64_t retained; /* by that node */
	uint64_t below;	   /* nodes right below it */
	bool is_list;	   /* what is below it is a row of nodes, each of which retains the next */
} hc_accumulation;

/* ARE_ALIKE says whether B, right below A, may be the next node of a list that A is of. */
hc_accumulation hc_dominator_tree_accumulation(const hc_dominator_tree *tree, uint32_t start,
	bool (*are_alike)(void *data, uint32_t a, uint32_t b), void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_dominator_tree, hc_dominator_tree_destroy)

/* ---- ownership.c ---- */

/*
 * TYPES may be NULL: nobody is known to own anything. OPTIONS may be NULL. The arguments must outlive the result. Fails with
 * HC_ERROR_NO_MEMORY, or HC_ERROR_UNSUPPORTED as hc_graph_create().
 */
hc_ownership *hc_ownership_create(const hc_core *core, const hc_blocks *blocks, const hc_references *references,
	const hc_types *types, const hc_ownership_options *options, GError **error);
