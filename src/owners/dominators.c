/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would be unreachable without this?
 *
 * A node dominates a block if every way from a root to the block leads through it. The nearest dominators make a tree, below one
 * *virtual root* that leads to all roots, and what would go with a node is its subtree: retained bytes are a sum from the leaves up.
 *
 * This is Semi-NCA (Georgiadis, Tarjan and Werneck, "Finding Dominators in Practice", 2006), a variant of Lengauer and Tarjan's
 * algorithm. Nodes are numbered in the order of a depth-first search, the virtual root 0; below, numbers of this kind are meant.
 * The *semidominator* of w is the lowest number from which a way leads to w by nodes above w only.
 *
 *	1  number_nodes		the search: order and parents in its tree
 *	2  collect_sources	for each node the nodes that refer to it, its parent apart
 *	3  find_semidominators	from the last node to the first: the lowest of what refers to w, and of the semidominators on the tree
 *				paths above these down to w. Paths are compressed, the lowest kept.
 *	4  find_dominators	from the first to the last: the deepest dominator of w's parent that is not above w's semidominator
 *	5  add_up		back to the graph's numbers; retained bytes
 *
 * Nothing is recursive: the search keeps its stack as a chain through the nodes on it, and only of those that have a target left;
 * a path is turned around while it is climbed, and back on the way down.
 *
 * Pass 4, done by walking, is what makes Semi-NCA quadratic: a long row of dominators below which thousands of nodes hang with one
 * reference from near its top each. A core may be made so. Therefore each node has, beside its dominator, a *jump* to one further up
 * (Myers, "An applicative random-access stack", 1983), and a walk takes steps of the logarithm of its length. In all: N nodes and E
 * edges take O((N + E) log N), and in practice about as many cache misses as there are edges.
 *
 * Memory, in bytes a node beside the graph, M being edges a node: order (1, 2), node and parent (all passes), chain (1), starts (2, 3),
 * sources (4 (M - 1): all edges but the tree's), ancestors (3). Labels take the place of starts, from the end on, as starts are used
 * up; semidominators that are not the parent are stacked where sources were used up; pass 4 has jumps and depths where labels and
 * ancestors were. So it is 12 + 4 M in pass 3, which is the most: 24 at 3 edges.
 */
#include "owners/graph.h"

#include "base/error.h"
#include "base/pages.h"

enum {
	AHEAD = 8 /* targets whose rows are fetched when a node is entered */
};

/* In parents: the semidominator is not the parent, and is in `semis`. */
static const uint32_t STACKED = (uint32_t)1 << 31;

struct hc_dominators {
	uint32_t nodes;
	uint32_t *dominators;
	uint64_t *retained;
};

/* Tables by order have one place more than there are nodes, for the virtual root. */
struct tree {
	const hc_graph *graph;
	size_t room;	   /* places of each table below */
	uint32_t count;	   /* the last number */
	uint64_t *reached; /* bit for each node */
	uint32_t *order;   /* of each node; 0: not reached */
	uint32_t *node;	   /* by order */
	uint32_t *parent;  /* by order; in the end the dominator */
	uint32_t *
		place; /* by order: pass 1: where in its row a node on the stack goes on; then the end of its sources; then labels; jumps */
	uint32_t *above;   /* by order: pass 1: what is on the stack below; pass 3: ancestors; pass 4: depths */
	uint32_t *sources; /* by order: what refers to each node, by order */
	size_t source_count;
	size_t semis; /* where in `sources` the stack of semidominators begins: it ends at source_count */
};

static uint32_t *create_table(const struct tree *tree)
{
	return hc_pages_create(tree->room * sizeof(uint32_t));
}

static void clear_table(const struct tree *tree, uint32_t **table)
{
	hc_pages_destroy(*table, tree->room * sizeof(uint32_t));
	*table = NULL;
}

/* ---- pass 1 ---- */

struct row {
	uint32_t at, end; /* in the graph's edges */
};

/* Goes to the next edge whose target is not reached. FALSE: there is none. */
static inline bool find_unreached(const struct tree *tree, struct row *row)
{
	for (; row->at < row->end; row->at++) {
		uint32_t target = hc_graph_target(tree->graph->edges[row->at]);

		if (!(tree->reached[target / 64] >> target % 64 & 1))
			return true;
	}
	return false;
}

/* Gives the node the next number. */
static inline struct row enter(struct tree *tree, uint32_t node, uint32_t parent)
{
	const uint32_t *starts = tree->graph->starts, *edges = tree->graph->edges;
	struct row row = { starts[node], starts[node + 1] };
	uint32_t number = ++tree->count, ahead = MIN(row.end - row.at, AHEAD);

	tree->reached[node / 64] |= (uint64_t)1 << node % 64;
	tree->order[node] = number;
	tree->node[number] = node;
	tree->parent[number] = parent;
	for (uint32_t i = 0; i < ahead; i++)
		__builtin_prefetch(&starts[hc_graph_target(edges[row.at + i])]);
	return row;
}

static void search_from(struct tree *tree, uint32_t root)
{
	uint32_t top = 0; /* of the stack: the innermost node to come back to */
	struct row row = enter(tree, root, 0);
	uint32_t current = tree->count;

	for (;;) {
		if (find_unreached(tree, &row)) {
			uint32_t child = hc_graph_target(tree->graph->edges[row.at++]);

			if (find_unreached(tree, &row)) {
				tree->place[current] = row.at;
				tree->above[current] = top;
				top = current;
			}
			row = enter(tree, child, current);
			current = tree->count;
		} else if (top) {
			current = top;
			top = tree->above[current];
			row = (struct row){ tree->place[current], tree->graph->starts[tree->node[current] + 1] };
		} else {
			return;
		}
	}
}

static bool number_nodes(struct tree *tree)
{
	size_t bitmap = (tree->graph->nodes / 64 + 1) * sizeof(uint64_t);

	tree->reached = hc_pages_create(bitmap);
	tree->order = create_table(tree);
	tree->node = create_table(tree);
	tree->parent = create_table(tree);
	tree->place = create_table(tree);
	tree->above = create_table(tree);
	if (tree->reached && tree->order && tree->node && tree->parent && tree->place && tree->above)
		for (uint32_t node = tree->graph->source.blocks; node < tree->graph->nodes; node++)
			search_from(tree, node);
	hc_pages_destroy(tree->reached, bitmap);
	clear_table(tree, &tree->above);
	clear_table(tree, &tree->place);
	return tree->order && tree->node && tree->parent;
}

/* ---- pass 2 ---- */

/* In the order of the graph's nodes: so rows are read one behind the other, and only targets at random. */
static void count_sources(struct tree *tree)
{
	const hc_graph *graph = tree->graph;

	for (uint32_t node = 0; node < graph->nodes; node++) {
		uint32_t from = tree->order[node];

		for (uint32_t i = graph->starts[node]; from && i < graph->starts[node + 1]; i++) {
			uint32_t to = tree->order[hc_graph_target(graph->edges[i])];

			tree->place[to] += tree->parent[to] != from;
		}
	}
}

/* From counts to the beginnings of each node's sources. */
static void place_sources(struct tree *tree)
{
	uint32_t sum = 0;

	for (uint32_t number = 0; number <= tree->count; number++) {
		uint32_t here = tree->place[number];

		tree->place[number] = sum;
		sum += here;
	}
	tree->source_count = sum;
}

/* Afterwards places are the ends of each node's sources. */
static void fill_sources(struct tree *tree)
{
	const hc_graph *graph = tree->graph;

	for (uint32_t node = 0; node < graph->nodes; node++) {
		uint32_t from = tree->order[node];

		for (uint32_t i = graph->starts[node]; from && i < graph->starts[node + 1]; i++) {
			uint32_t to = tree->order[hc_graph_target(graph->edges[i])];

			if (tree->parent[to] != from)
				tree->sources[tree->place[to]++] = from;
		}
	}
}

static bool collect_sources(struct tree *tree)
{
	tree->place = create_table(tree);
	if (!tree->place)
		return false;
	count_sources(tree);
	place_sources(tree);
	tree->sources = hc_pages_create((tree->source_count + 1) * sizeof *tree->sources);
	if (!tree->sources)
		return false;
	fill_sources(tree);
	clear_table(tree, &tree->order);
	return true;
}

/* ---- pass 3 ---- */

/*
 * The lowest label from NUMBER up to the last node above LIMIT; the tree's nodes above LIMIT are linked, those up to it are not yet.
 * An ancestor is a node further up, a label the lowest semidominator on the way there, without the ancestor's own.
 */
static inline uint32_t evaluate(struct tree *tree, uint32_t number, uint32_t limit)
{
	uint32_t *above = tree->above, *labels = tree->place, below = 0, at = number, lowest, top;

	while (above[at] > limit) {
		uint32_t next = above[at];

		above[at] = below;
		below = at;
		at = next;
	}
	top = above[at];
	lowest = labels[at];
	while (below) {
		uint32_t next = above[below];

		above[below] = top;
		lowest = labels[below] = MIN(labels[below], lowest);
		below = next;
	}
	return lowest;
}

static bool find_semidominators(struct tree *tree)
{
	size_t end = tree->source_count;

	tree->above = create_table(tree);
	if (!tree->above)
		return false;
	tree->semis = tree->source_count;
	for (uint32_t number = tree->count; number; number--) {
		/* Of the node before: its place is no label yet. */
		size_t begin = tree->place[number - 1];
		uint32_t parent = tree->parent[number], semi = parent;

		for (size_t i = begin; i < end; i++) {
			uint32_t from = tree->sources[i];

			semi = MIN(semi, from < number ? from : evaluate(tree, from, number));
		}
		if (semi != parent) {
			tree->sources[--tree->semis] = semi;
			tree->parent[number] |= STACKED;
		}
		tree->place[number] = semi;
		tree->above[number] = parent;
		end = begin;
	}
	return true;
}

/* ---- pass 4 ---- */

static void find_dominators(struct tree *tree)
{
	uint32_t *dominators = tree->parent, *jumps = tree->place, *depths = tree->above;

	jumps[0] = depths[0] = dominators[0] = 0;
	for (uint32_t number = 1; number <= tree->count; number++) {
		uint32_t dominator = dominators[number] & ~STACKED, jump;

		if (dominators[number] & STACKED) {
			uint32_t semi = tree->sources[tree->semis++];

			while (dominator > semi)
				dominator = jumps[dominator] >= semi ? jumps[dominator] : dominators[dominator];
		}
		jump = jumps[dominator];
		dominators[number] = dominator;
		depths[number] = depths[dominator] + 1;
		jumps[number] = depths[dominator] - depths[jump] == depths[jump] - depths[jumps[jump]] ? jumps[jump] :
													 dominator;
	}
}

/* ---- pass 5 ---- */

static bool add_up(const struct tree *tree, hc_dominators *result)
{
	const hc_graph_source *source = &tree->graph->source;

	result->dominators = hc_pages_create(((size_t)result->nodes + 1) * sizeof *result->dominators);
	result->retained = hc_pages_create(((size_t)result->nodes + 1) * sizeof *result->retained);
	if (!result->dominators || !result->retained)
		return false;
	source->sizes(source->data, 0, source->blocks, result->retained);
	for (uint32_t node = 0; node < result->nodes; node++)
		result->dominators[node] = HC_GRAPH_NOBODY;
	for (uint32_t number = tree->count; number; number--) {
		uint32_t node = tree->node[number], dominator = tree->parent[number];

		result->dominators[node] = dominator ? tree->node[dominator] : HC_GRAPH_SEVERAL_ROOTS;
		if (dominator)
			result->retained[tree->node[dominator]] += result->retained[node];
	}
	for (uint32_t node = 0; node < source->blocks; node++)
		if (result->dominators[node] == HC_GRAPH_NOBODY)
			result->retained[node] = 0;
	return true;
}

static bool build(struct tree *tree, hc_dominators *result)
{
	if (!number_nodes(tree) || !collect_sources(tree) || !find_semidominators(tree))
		return false;
	find_dominators(tree);
	clear_table(tree, &tree->place);
	clear_table(tree, &tree->above);
	hc_pages_destroy(tree->sources, (tree->source_count + 1) * sizeof *tree->sources);
	tree->sources = NULL;
	return add_up(tree, result);
}

hc_dominators *hc_dominators_create(const hc_graph *graph, GError **error)
{
	g_autoptr(hc_dominators) result = g_new0(hc_dominators, 1);
	struct tree tree = { .graph = graph, .room = (size_t)graph->nodes + 1 };
	bool ok;

	result->nodes = graph->nodes;
	ok = build(&tree, result);
	clear_table(&tree, &tree.order);
	clear_table(&tree, &tree.node);
	clear_table(&tree, &tree.parent);
	clear_table(&tree, &tree.place);
	clear_table(&tree, &tree.above);
	hc_pages_destroy(tree.sources, (tree.source_count + 1) * sizeof *tree.sources);
	if (ok)
		return g_steal_pointer(&result);
	g_set_error(
		error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the dominators of %u blocks", graph->source.blocks);
	return NULL;
}

void hc_dominators_destroy(hc_dominators *dominators)
{
	if (!dominators)
		return;
	hc_pages_destroy(dominators->dominators, ((size_t)dominators->nodes + 1) * sizeof *dominators->dominators);
	hc_pages_destroy(dominators->retained, ((size_t)dominators->nodes + 1) * sizeof *dominators->retained);
	g_free(dominators);
}

uint32_t hc_dominators_of(const hc_dominators *dominators, uint32_t node)
{
	return dominators->dominators[node];
}

uint64_t hc_dominators_retained(const hc_dominators *dominators, uint32_t node)
{
	return dominators->retained[node];
}
