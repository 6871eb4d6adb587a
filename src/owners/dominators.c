/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would be unreachable without this?
 *
 * A node dominates a block if every way from a root to the block leads through it. The nearest
 * dominators make a tree, below one *virtual root* that leads to all roots, and what would go with
 * a node is its subtree: retained bytes are a sum from the leaves up.
 *
 * This is Semi-NCA (Georgiadis, Tarjan and Werneck, "Finding Dominators in Practice", 2006), a
 * variant of Lengauer and Tarjan's algorithm. Nodes are numbered in the order of a depth-first
 * search, the virtual root 0; below, numbers of this kind are meant. The *semidominator* of w is
 * the lowest number from which a way leads to w by nodes above w only.
 *
 *	1  number_nodes		the search: order, and parents in its tree
 *	2  collect_sources	for each node those that refer to it, its parent apart
 *	3  find_semidominators	from the last node to the first: the lowest of what refers to it,
 *				and of the semidominators above the node on the tree paths down to
 *				these. Paths are compressed, the lowest is kept.
 *	4  find_dominators	from the first to the last: the deepest dominator of its parent that is
 *				not above its semidominator
 *	5  add_up		back to the graph's numbers; retained bytes
 *
 * Nothing is recursive: the search keeps its stack as a chain through the nodes on it, and only of
 * those that have a target left; a path is turned around while it is climbed, and back on the way
 * down.
 *
 * Pass 4, done by walking, is what makes Semi-NCA quadratic: a long row of dominators below which
 * thousands of nodes hang with one reference from near its top each. A core may be made so.
 * Therefore each node has, beside its dominator, a *jump* to one further up (Myers, "An applicative
 * random-access stack", 1983), and a walk takes steps of the logarithm of its length. In all: N
 * nodes and E edges take O((N + E) log N), and in practice about as many cache misses as there are
 * edges.
 *
 * Everything waits for memory, so what will be read at random is fetched ahead wherever it is known
 * before: targets along the rows, sources along their table, the row that the search will come back
 * to. What is read together lies together (struct link).
 *
 * Memory, in bytes a node beside the graph, with M edges a node: order 4 (until pass 5), node 4
 * (passes 1 and 5), parents 4, links 8 (passes 1 to 4), sources 4 (M - 1) if all are reached, since
 * the tree's edges are left out (passes 2 to 4), and the result's 12 (pass 5). Nothing else is
 * needed: labels take the place of where sources end, from the last node on, as sources are used
 * up; semidominators that are not the parent are stacked where the sources were; pass 4 has its
 * jumps and depths where labels and ancestors were. So passes 2 to 4 need 12 + 4 M, which is 24
 * with three edges, and the others up to 20.
 */
#include "owners/graph.h"

#include "base/error.h"
#include "base/pages.h"

enum {
	AHEAD = 8, /* targets whose rows are fetched when a node is entered */
	FAR = 32,  /* edges or sources: what is behind this one of which the numbers are fetched */
	NEAR = 16  /* and what they lead to */
};

/* In parents: the semidominator is not the parent, and is in `semis`. */
static const uint32_t STACKED = (uint32_t)1 << 31;

struct hc_dominators {
	uint32_t nodes;
	uint32_t *dominators;
	uint64_t *retained;
};

/* Of a node, by order. */
struct link {
	/*
	 * Pass 1: where in its row a node on the stack goes on. Pass 2: where its sources begin,
	 * and when they are there, end. Pass 3: its label, from its turn on. Pass 4: its jump.
	 */
	uint32_t place;
	/* Pass 1: what is on the stack below it. Pass 3: its ancestor. Pass 4: its depth. */
	uint32_t above;
};

/* Tables by order have one place more than there are nodes, for the virtual root. */
struct tree {
	const hc_graph *graph;
	size_t room;	   /* places of each table */
	uint32_t count;	   /* the last number */
	uint64_t *reached; /* bit for each node */
	uint32_t *order;   /* of each node; 0: not reached */
	uint32_t *node;	   /* by order */
	uint32_t *parent;  /* by order; in the end the dominator */
	struct link *links;
	uint32_t *sources; /* by order: what refers to each node, by order */
	size_t source_count;
	size_t semis; /* where in `sources` the stack of semidominators begins; it ends at the end */
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

static void clear_links(struct tree *tree)
{
	hc_pages_destroy(tree->links, tree->room * sizeof *tree->links);
	tree->links = NULL;
}

static void clear_sources(struct tree *tree)
{
	hc_pages_destroy(tree->sources, (tree->source_count + 1) * sizeof *tree->sources);
	tree->sources = NULL;
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

static inline void push(struct tree *tree, uint32_t *top, uint32_t number, struct row row)
{
	tree->links[number] = (struct link){ row.at, *top };
	*top = number;
}

/* Takes a node from the stack, and fetches what the next one will need. */
static inline struct row pop(struct tree *tree, uint32_t *top, uint32_t *ret_number)
{
	const uint32_t *starts = tree->graph->starts;
	uint32_t number = *top;
	struct row row = { tree->links[number].place, starts[tree->node[number] + 1] };

	*ret_number = number;
	*top = tree->links[number].above;
	__builtin_prefetch(&starts[tree->node[*top]]);
	__builtin_prefetch(&tree->graph->edges[tree->links[*top].place]);
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

			if (find_unreached(tree, &row))
				push(tree, &top, current, row);
			row = enter(tree, child, current);
			current = tree->count;
		} else if (top) {
			row = pop(tree, &top, &current);
		} else {
			return;
		}
	}
}

static bool number_nodes(struct tree *tree)
{
	size_t bitmap = (tree->graph->nodes / 64 + 1) * sizeof(uint64_t);
	bool ok;

	tree->reached = hc_pages_create(bitmap);
	tree->order = create_table(tree);
	tree->node = create_table(tree);
	tree->parent = create_table(tree);
	tree->links = hc_pages_create(tree->room * sizeof *tree->links);
	ok = tree->reached && tree->order && tree->node && tree->parent && tree->links;
	for (uint32_t node = tree->graph->source.blocks; ok && node < tree->graph->nodes; node++)
		search_from(tree, node);
	hc_pages_destroy(tree->reached, bitmap);
	clear_table(tree, &tree->node);
	return ok;
}

/* ---- pass 2 ---- */

/* Fetches what the edges behind the one at AT will need. */
static inline void read_ahead(const struct tree *tree, uint32_t at)
{
	const hc_graph *graph = tree->graph;

	if (graph->edge_count - at <= FAR)
		return;
	__builtin_prefetch(&tree->order[hc_graph_target(graph->edges[at + FAR])]);
	uint32_t near = tree->order[hc_graph_target(graph->edges[at + NEAR])];

	__builtin_prefetch(&tree->links[near], 1);
	__builtin_prefetch(&tree->parent[near]);
}

/*
 * In the order of the graph's nodes: so rows are read one behind the other, and only targets at
 * random.
 */
static void count_sources(struct tree *tree)
{
	const hc_graph *graph = tree->graph;

	for (uint32_t node = 0; node < graph->nodes; node++) {
		uint32_t from = tree->order[node];

		for (uint32_t i = graph->starts[node]; from && i < graph->starts[node + 1]; i++) {
			uint32_t to = tree->order[hc_graph_target(graph->edges[i])];

			read_ahead(tree, i);
			tree->links[to].place += tree->parent[to] != from;
		}
	}
}

/* From counts to the beginnings of each node's sources. */
static void place_sources(struct tree *tree)
{
	uint32_t sum = 0;

	for (uint32_t number = 0; number <= tree->count; number++) {
		uint32_t here = tree->links[number].place;

		tree->links[number].place = sum;
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

			read_ahead(tree, i);
			if (tree->parent[to] != from)
				tree->sources[tree->links[to].place++] = from;
		}
	}
}

static bool collect_sources(struct tree *tree)
{
	for (uint32_t number = 0; number <= tree->count; number++)
		tree->links[number].place = 0;
	count_sources(tree);
	place_sources(tree);
	tree->sources = hc_pages_create((tree->source_count + 1) * sizeof *tree->sources);
	if (!tree->sources)
		return false;
	fill_sources(tree);
	return true;
}

/* ---- pass 3 ---- */

/*
 * The lowest label from NUMBER up to the last node above LIMIT; the tree's nodes above LIMIT are
 * linked, those up to it are not yet. An ancestor is a node further up, a label the lowest
 * semidominator on the way there, without the ancestor's own.
 */
static inline uint32_t evaluate(struct tree *tree, uint32_t number, uint32_t limit)
{
	struct link *links = tree->links;
	uint32_t below = 0, at = number, lowest, top;

	while (links[at].above > limit) {
		uint32_t next = links[at].above;

		links[at].above = below;
		below = at;
		at = next;
	}
	top = links[at].above;
	lowest = links[at].place;
	while (below) {
		uint32_t next = links[below].above;

		lowest = MIN(links[below].place, lowest);
		links[below] = (struct link){ lowest, top };
		below = next;
	}
	return lowest;
}

static void find_semidominators(struct tree *tree)
{
	size_t end = tree->source_count;

	tree->semis = tree->source_count;
	for (uint32_t number = tree->count; number; number--) {
		/* Of the node before: its place is no label yet. */
		size_t begin = tree->links[number - 1].place;
		uint32_t parent = tree->parent[number], semi = parent;

		for (size_t i = end; i-- > begin;) {
			uint32_t from = tree->sources[i];

			if (i >= NEAR)
				__builtin_prefetch(&tree->links[tree->sources[i - NEAR]], 1);
			semi = MIN(semi, from < number ? from : evaluate(tree, from, number));
		}
		if (semi != parent) {
			tree->sources[--tree->semis] = semi;
			tree->parent[number] |= STACKED;
		}
		tree->links[number] = (struct link){ semi, parent };
		end = begin;
	}
}

/* ---- pass 4 ---- */

static void find_dominators(struct tree *tree)
{
	uint32_t *dominators = tree->parent;
	struct link *links = tree->links;

	links[0] = (struct link){ 0, 0 };
	for (uint32_t number = 1; number <= tree->count; number++) {
		uint32_t dominator = dominators[number] & ~STACKED, jump, depth;

		if (dominators[number] & STACKED) {
			uint32_t semi = tree->sources[tree->semis++];

			while (dominator > semi)
				dominator = links[dominator].place >= semi ? links[dominator].place :
									     dominators[dominator];
		}
		jump = links[dominator].place;
		depth = links[dominator].above;
		dominators[number] = dominator;
		if (depth - links[jump].above != links[jump].above - links[links[jump].place].above)
			jump = dominator;
		else
			jump = links[jump].place;
		links[number] = (struct link){ jump, depth + 1 };
	}
}

/* ---- pass 5 ---- */

/* Says of each node that it is not reached, and whose number is whose. */
static bool turn_order_around(struct tree *tree, hc_dominators *result)
{
	tree->node = create_table(tree);
	result->dominators = create_table(tree);
	if (!tree->node || !result->dominators)
		return false;
	for (uint32_t node = 0; node < result->nodes; node++) {
		tree->node[tree->order[node]] = node;
		result->dominators[node] = HC_GRAPH_NOBODY;
	}
	clear_table(tree, &tree->order);
	return true;
}

static bool add_up(const struct tree *tree, hc_dominators *result)
{
	const hc_graph_source *source = &tree->graph->source;
	uint32_t *dominators = result->dominators;
	uint64_t *retained = result->retained = hc_pages_create(tree->room * sizeof *retained);

	if (!retained)
		return false;
	source->sizes(source->data, 0, source->blocks, retained);
	for (uint32_t number = tree->count; number; number--) {
		uint32_t node = tree->node[number], dominator = tree->parent[number];

		if (number > NEAR) {
			__builtin_prefetch(&retained[tree->node[number - NEAR]], 1);
			__builtin_prefetch(&dominators[tree->node[number - NEAR]], 1);
		}
		dominators[node] = dominator ? tree->node[dominator] : HC_GRAPH_SEVERAL_ROOTS;
		if (dominator)
			retained[tree->node[dominator]] += retained[node];
	}
	for (uint32_t block = 0; block < source->blocks; block++)
		if (dominators[block] == HC_GRAPH_NOBODY)
			retained[block] = 0;
	return true;
}

static bool build(struct tree *tree, hc_dominators *result)
{
	if (!number_nodes(tree) || !collect_sources(tree))
		return false;
	find_semidominators(tree);
	find_dominators(tree);
	clear_links(tree);
	clear_sources(tree);
	return turn_order_around(tree, result) && add_up(tree, result);
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
	clear_links(&tree);
	clear_sources(&tree);
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

uint32_t hc_dominators_nodes(const hc_dominators *dominators)
{
	return dominators->nodes;
}
