/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trees with links back: std::map and std::set, and what is made like them.
 *
 *	libstdc++ (stl_tree.h)	head: color, root, leftmost, rightmost, count	node: color, parent, left, right, value
 *	libc++ (__tree)		head: leftmost, root, count			node: left, right, parent, color, value
 *
 * The root's parent is the head (of libc++ its second word), and each node's parent is the one that led to it. So the way back needs no
 * stack, and each node is verified on the way: the walk ends where it began after as many nodes as the count says, or there is no tree.
 */
#include "shapes/shapes_state.h"

struct form {
	unsigned left, right, parent; /* words of a node */
	unsigned value;
};

struct tree {
	hc_address root, top, leftmost, rightmost; /* top: what the root says is its parent; rightmost 0: not kept */
	uint64_t count;
};

/* What was seen on the way. */
struct seen {
	hc_address leftmost, rightmost, next_right;
	uint64_t steps;
};

/* The node at ADDRESS, with its WORDS, is met for the first time. */
static bool meet(
	hc_shapes *shapes, const struct form *form, const uint64_t *words, hc_address address, struct seen *seen)
{
	if (!words[form->left] && !seen->leftmost)
		seen->leftmost = address;
	if (address == seen->next_right) {
		seen->rightmost = address;
		seen->next_right = words[form->right];
	}
	return hc_shapes_add_node(shapes, address);
}

/* Where to go from a node with WORDS, which FROM led to and which was met before; 0: FROM is none of its children. */
static hc_address go_on(const struct form *form, const uint64_t *words, hc_address from)
{
	if (from == words[form->left])
		return words[form->right] ? words[form->right] : words[form->parent];
	return from == words[form->right] ? words[form->parent] : 0;
}

static bool walk(hc_shapes *shapes, const struct form *form, const struct tree *tree, struct seen *seen)
{
	hc_address node = tree->root, from = tree->top, next;

	while (node != tree->top) {
		uint64_t words[4];

		if (++seen->steps > 3 * tree->count || !hc_shapes_load(shapes, node, G_N_ELEMENTS(words), words))
			return false;
		if (from == words[form->parent]) {
			if (shapes->found->len >= tree->count || !meet(shapes, form, words, node, seen))
				return false;
			next = words[form->left]  ? words[form->left] :
			       words[form->right] ? words[form->right] :
						    words[form->parent];
		} else {
			next = go_on(form, words, from);
		}
		if (!next)
			return false;
		if (hc_shapes_has_enough(shapes))
			return true;
		from = node;
		node = next;
	}
	return shapes->found->len == tree->count && seen->leftmost == tree->leftmost &&
	       (!tree->rightmost || seen->rightmost == tree->rightmost);
}

static bool is_tree(hc_shapes *shapes, const struct form *form, const struct tree *tree, hc_shape *shape)
{
	struct seen seen = { .next_right = tree->root };
	hc_address parent;

	if (!tree->count || tree->count > hc_shapes_limit(shapes) || !hc_shapes_is_heap(shapes, tree->root) ||
		!hc_shapes_load(shapes, tree->root + form->parent * shapes->format.size, 1, &parent) ||
		parent != tree->top)
		return false;
	if (!walk(shapes, form, tree, &seen)) {
		/* Nodes that lead to each other are come to again and again. */
		shapes->vain += seen.steps;
		return false;
	}
	shape->kind = HC_SHAPE_TREE;
	shape->count = tree->count;
	shape->value = form->value * shapes->format.size;
	return true;
}

bool hc_shapes_find_tree(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	static const struct form gnu = { .parent = 1, .left = 2, .right = 3, .value = 4 };
	static const struct form llvm = { .left = 0, .right = 1, .parent = 2, .value = 4 };
	unsigned size = shapes->format.size;

	/* The head's color is red, which is 0: the root's is black. */
	if (hc_shapes_is_heap(shapes, hc_shape_word(words, 2)) && !(uint32_t)hc_shape_word(words, -1)) {
		struct tree tree = {
			.root = hc_shape_word(words, 0),
			.top = words->at - size,
			.leftmost = hc_shape_word(words, 1),
			.rightmost = hc_shape_word(words, 2),
			.count = hc_shape_word(words, 3),
		};

		if (is_tree(shapes, &gnu, &tree, shape)) {
			/* In front of it is the object that compares, which has nothing but its place. */
			shape->head = words->at - 2 * size;
			shape->end = words->at + 4 * size;
			return true;
		}
		return false;
	}
	struct tree tree = {
		.leftmost = hc_shape_word(words, 0),
		.root = hc_shape_word(words, 1),
		.top = words->at + size,
		.count = hc_shape_word(words, 2),
	};

	if (!is_tree(shapes, &llvm, &tree, shape))
		return false;
	shape->end = words->at + 3 * size;
	return true;
}
