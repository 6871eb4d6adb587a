/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many small trees of one layout whose elements are not visited: maps of numbers, sets.
 *
 * Of what hc_walk_tree() does only this is left: each node is looked up in the index of blocks, must begin a block in use, and must lead back to
 * its parent; there must be as many as are claimed. A tree of more nodes than NODES_MAX is worth a walk of its own, which fetches level by level.
 */
#include "containers/straight.h"
#include "containers/walk_nodes.h"

enum {
	NODES_MAX = HC_TREE_NODES_MAX
};

/* A node whose left subtree is being walked. */
struct waiting {
	hc_address node, right;
	uint32_t number; /* of its block */
};

struct hc_tree_walks {
	hc_straight straight;
	hc_nodes nodes;
	const uint64_t *root, *nil, *top, *count; /* of the walker's values, or constants */
};

static const uint64_t nothing = 0;

/* Whether nodes are alike in all containers of LAYOUT. */
static bool has_constant_nodes(const hc_layout *layout)
{
	static const hc_key keys[] = { HC_KEY_VALUE, HC_KEY_MAPPED, HC_KEY_ELEM_SIZE, HC_KEY_OWNED, HC_KEY_SKIP,
		HC_KEY_NODE_SIZE };
	uint64_t value;

	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
		if (!hc_layout_is_constant(layout, keys[i], 0, &value))
			return false;
	return true;
}

/* Nodes with plain links, whose element is behind these. */
static bool read_nodes(hc_tree_walks *walks)
{
	hc_nodes *n = &walks->nodes;

	return hc_nodes_read(&walks->straight.walker, n) && n->value > 0 && !n->skip && n->left.is_plain &&
	       n->right.is_plain && (n->parent.is_plain || !n->parent.program);
}

hc_tree_walks *hc_tree_walks_create(const hc_layout *layout, hc_reader *reader)
{
	if (layout->description->kind != HC_WALK_TREE || !hc_layout_may_be_straight(layout) ||
		hc_layout_program(layout, HC_KEY_CAPACITY) || !has_constant_nodes(layout))
		return NULL;
	hc_tree_walks *walks = g_aligned_alloc0(1, sizeof *walks, HC_APART);
	hc_straight *straight = &walks->straight;

	hc_straight_begin(straight, layout, reader);
	walks->root = hc_straight_append(straight, HC_KEY_ROOT, &nothing);
	walks->count = hc_straight_append(straight, HC_KEY_COUNT, &nothing);
	walks->nil = hc_straight_append(straight, HC_KEY_STOP, &nothing);
	walks->top = hc_straight_append(straight, HC_KEY_TOP, &nothing);
	hc_straight_ready(straight);
	if (read_nodes(walks))
		return walks;
	hc_tree_walks_destroy(walks);
	return NULL;
}

void hc_tree_walks_destroy(hc_tree_walks *walks)
{
	if (!walks)
		return;
	hc_straight_clear(&walks->straight);
	g_aligned_free(walks);
}

/* The bytes of the node at ADDRESS, which begins a block in use, number *RET_NUMBER; NULL: it does not. */
static inline const uint8_t *enter(const hc_tree_walks *walks, hc_address address, uint32_t *ret_number)
{
	hc_reader *reader = walks->straight.walker.reader;
	const hc_blocks *blocks = reader->blocks;

	hc_reader_prefetch_bytes(reader, address); /* while the index is asked */
	if (hc_reader_check(reader, address, walks->nodes.size) != HC_RANGE_LIVE || reader->region->region.is_mmapped ||
		hc_blocks_address(blocks, reader->region, reader->checked) != address)
		return NULL;
	*ret_number = hc_blocks_number(blocks, reader->checked);
	return hc_reader_at(reader, address, walks->nodes.size);
}

/* Levels that a tree of COUNT nodes can have. */
static uint64_t most_levels(const hc_layout *layout, uint64_t count)
{
	/* Of red-black and AVL trees. */
	return layout->description->is_balanced ? 2 * (64 - (uint64_t)__builtin_clzll(count + 1)) + 1 : count;
}

/* The nodes in order, COUNT of them. FALSE: there are more or fewer, or one is not as they usually are. */
static bool walk(const hc_tree_walks *walks, uint64_t count, hc_tree_found *found)
{
	const hc_nodes *n = &walks->nodes;
	hc_word_format format = walks->straight.walker.reader->format;
	hc_address node = *walks->root, parent = *walks->top, nil = *walks->nil;
	uint64_t limit = MIN(most_levels(walks->straight.walker.layout, count), NODES_MAX);
	struct waiting stack[NODES_MAX];
	unsigned depth = 0;

	found->count = 0;
	for (;;) {
		while (node && node != nil) {
			struct waiting *at = &stack[depth];
			const uint8_t *bytes;

			if (found->count + depth >= count || depth == limit ||
				!(bytes = enter(walks, node, &at->number)) ||
				(n->parent.program && parent && hc_load_word(bytes + n->parent.at, format) != parent))
				return false;
			at->node = parent = node;
			at->right = hc_load_word(bytes + n->right.at, format);
			node = hc_load_word(bytes + n->left.at, format);
			depth++;
		}
		if (!depth)
			return found->count == count;
		const struct waiting *at = &stack[--depth];

		if (!found->count)
			found->first = at->node;
		found->numbers[found->count++] = at->number;
		parent = at->node;
		node = at->right;
	}
}

bool hc_tree_walks_make(hc_tree_walks *walks, hc_address address, hc_tree_found *ret_found)
{
	hc_straight *straight = &walks->straight;

	if (!hc_straight_read(straight, address) || *walks->count > NODES_MAX || !walk(walks, *walks->count, ret_found))
		return false;
	straight->walk.claimed = straight->walk.walked = ret_found->count;
	ret_found->walk = &straight->walk;
	ret_found->node_size = walks->nodes.size;
	ret_found->charged = ret_found->count * MAX(walks->nodes.size, 16);
	return true;
}
