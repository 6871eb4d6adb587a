/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree of dominators from the top down: what groups of blocks retain, and where memory accumulates.
 *
 * Dominators tell the way up. Here each node has a list of those right below it, two numbers of four bytes a node; blocks that several
 * roots lead to are below a *virtual root*, whose number is that of the nodes.
 *
 * What a group retains (find_groups()): the bytes that hang on one of its blocks alone, each byte once. That is the sum of what the
 * topmost of its blocks retain, those that no other of the group is above. A walk through the tree has a bit for each group that
 * it is inside of. What hangs on several of the group together, and on none of them alone, is not counted: for a group of one block
 * the figure is what would be unreachable without it, for a larger one at least so much would.
 *
 * Where it accumulates (hc_dominator_tree_accumulation()): one goes down to the largest of those below while that retains more than half
 * of what the first one does. Where that ends, things are many and small. In a list each node retains all that follow, so the way ends
 * in its middle: if the last steps went through many nodes that are alike, it is what leads to the first of them that accumulates.
 * A long way through nodes that are not alike is a list, too, and nobody can say where it begins: then it is where the way began.
 *
 * All of it is linear in the nodes, with nothing recursive; each step waits for memory, so siblings are in order of number.
 */
#include "base/bits.h"
#include "base/error.h"
#include "base/pages.h"
#include "owners/owners.h"

#include <string.h>

enum {
	ALIKE_MANY = 16, /* steps through nodes that are alike: a list */
	STEPS_MANY = 24	 /* steps through any: one as well */
};

struct hc_dominator_tree {
	const hc_dominators *dominators;
	uint32_t nodes;
	uint32_t *first, *next; /* 0: none; else the node's number plus one */
};

static size_t table_size(uint32_t nodes)
{
	return ((size_t)nodes + 1) * sizeof(uint32_t);
}

/* What NODE is right below: a node, or the virtual root. HC_GRAPH_NOBODY: it is not in the tree. */
static uint32_t parent_of(const hc_dominator_tree *tree, uint32_t node)
{
	uint32_t dominator = hc_dominators_of(tree->dominators, node);

	return dominator == HC_GRAPH_SEVERAL_ROOTS ? tree->nodes : dominator;
}

hc_dominator_tree *hc_dominator_tree_create(const hc_dominators *dominators, GError **error)
{
	g_autoptr(hc_dominator_tree) tree = g_new0(hc_dominator_tree, 1);

	tree->dominators = dominators;
	tree->nodes = hc_dominators_nodes(dominators);
	tree->first = hc_pages_create(table_size(tree->nodes));
	tree->next = hc_pages_create(table_size(tree->nodes));
	if (!tree->first || !tree->next) {
		g_set_error(
			error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the dominators of %u nodes", tree->nodes);
		return NULL;
	}
	for (uint32_t node = tree->nodes; node-- > 0;) {
		uint32_t parent = parent_of(tree, node);

		if (parent == HC_GRAPH_NOBODY)
			continue;
		tree->next[node] = tree->first[parent];
		tree->first[parent] = node + 1;
	}
	return g_steal_pointer(&tree);
}

void hc_dominator_tree_destroy(hc_dominator_tree *tree)
{
	if (!tree)
		return;
	hc_pages_destroy(tree->first, table_size(tree->nodes));
	hc_pages_destroy(tree->next, table_size(tree->nodes));
	g_free(tree);
}

/* ---- groups ---- */

/* A walk that is below these groups' blocks. */
struct walk {
	const hc_dominator_tree *tree;
	uint32_t (*group_of)(void *data, uint32_t node);
	void *data;
	uint64_t *inside;  /* bit of each group: a block of it is above */
	uint64_t *topmost; /* bit of each node: it set that bit */
	uint64_t *retained;
};

static void enter(const struct walk *walk, uint32_t node)
{
	uint32_t group = walk->group_of(walk->data, node);

	if (group == HC_GRAPH_NOBODY || hc_bit(walk->inside, group))
		return;
	walk->retained[group] += hc_dominators_retained(walk->tree->dominators, node);
	/* What is below a leaf is nobody's. */
	if (!walk->tree->first[node])
		return;
	hc_set_bit(walk->inside, group);
	hc_set_bit(walk->topmost, node);
}

static void leave(const struct walk *walk, uint32_t node)
{
	if (hc_bit(walk->topmost, node))
		hc_clear_bit(walk->inside, walk->group_of(walk->data, node));
}

static void find_groups(const struct walk *walk)
{
	const hc_dominator_tree *tree = walk->tree;

	for (uint32_t next = tree->first[tree->nodes]; next;) {
		uint32_t node = next - 1;

		enter(walk, node);
		next = tree->first[node];
		while (!next && node != tree->nodes) {
			leave(walk, node);
			next = tree->next[node];
			if (!next)
				node = parent_of(tree, node);
		}
	}
}

bool hc_dominator_tree_groups(const hc_dominator_tree *tree, uint32_t (*group_of)(void *data, uint32_t node),
	void *data, uint32_t groups, uint64_t *ret_retained)
{
	size_t inside_size = (groups / 64 + (size_t)1) * sizeof(uint64_t),
	       topmost_size = (tree->nodes / 64 + (size_t)1) * sizeof(uint64_t);
	struct walk walk = { tree, group_of, data, hc_pages_create(inside_size), hc_pages_create(topmost_size),
		ret_retained };
	bool ok = walk.inside && walk.topmost;

	memset(ret_retained, 0, groups * sizeof *ret_retained);
	if (ok)
		find_groups(&walk);
	hc_pages_destroy(walk.inside, inside_size);
	hc_pages_destroy(walk.topmost, topmost_size);
	return ok;
}

/* ---- where it accumulates ---- */

/* The node right below NODE that retains most; HC_GRAPH_NOBODY: there is none. */
static uint32_t largest_below(const hc_dominator_tree *tree, uint32_t node, uint64_t *ret_count)
{
	uint32_t largest = HC_GRAPH_NOBODY;

	*ret_count = 0;
	for (uint32_t next = tree->first[node]; next; next = tree->next[next - 1]) {
		++*ret_count;
		if (largest == HC_GRAPH_NOBODY || hc_dominators_retained(tree->dominators, next - 1) >
							  hc_dominators_retained(tree->dominators, largest))
			largest = next - 1;
	}
	return largest;
}

hc_accumulation hc_dominator_tree_accumulation(const hc_dominator_tree *tree, uint32_t start,
	bool (*are_alike)(void *data, uint32_t a, uint32_t b), void *data)
{
	uint64_t half = hc_dominators_retained(tree->dominators, start) / 2, steps = 0, below;
	/* The way goes through nodes that are alike since it left `before`. */
	uint32_t at = start, before = start, next;
	uint64_t alike = 0, most_alike = 0;

	while ((next = largest_below(tree, at, &below)) != HC_GRAPH_NOBODY &&
		hc_dominators_retained(tree->dominators, next) > half) {
		bool goes_on = at != start && are_alike(data, at, next);

		if (!goes_on)
			before = at;
		alike = goes_on ? alike + 1 : 1;
		most_alike = MAX(most_alike, alike);
		steps++;
		at = next;
	}
	bool ends_in_list = alike >= ALIKE_MANY, is_uneven = most_alike < ALIKE_MANY && steps >= STEPS_MANY;
	hc_accumulation found = {
		.node = ends_in_list ? before :
			is_uneven    ? start :
				       at,
		.is_list = ends_in_list || is_uneven,
	};

	largest_below(tree, found.node, &found.below);
	found.retained = hc_dominators_retained(tree->dominators, found.node);
	return found;
}
