/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds whose elements lie in nodes, and tables; lists are in walk_chains.c.
 *
 * Links that are plain members of the node, as almost all are, are loaded from the node's bytes; others are programs. Each node is
 * looked up in the index of blocks. No recursion: trees are walked in order with a stack of their own.
 */
#include "containers/walk_nodes.h"

enum {
	STACK_FIXED = 96, /* levels of a tree, before memory is needed for them */
	STACK_MAX = 1 << 22,
	AHEAD_LEVELS = 8,    /* of a tree, that are fetched before they are walked */
	AHEAD_LEAST = 32,    /* trees of fewer nodes are walked at once */
	TABLE_BITS_MAX = 40, /* no table has more slots, or larger ones */
};

/* ---- nodes ---- */

static hc_node_link link_of(const hc_walker *walker, hc_key key, int64_t *end)
{
	const hc_program *program = hc_layout_program(walker->layout, key);
	hc_node_link result = { program, program && program->is_node_word && program->offset < HC_NODE_SIZE_MAX, 0 };

	if (result.is_plain) {
		result.at = program->offset;
		*end = MAX(*end, result.at + (int64_t)walker->reader->format.size);
	}
	return result;
}

static bool is_sane(int64_t offset)
{
	return offset > -HC_NODE_SIZE_MAX && offset < HC_NODE_SIZE_MAX;
}

bool hc_nodes_read(hc_walker *walker, hc_nodes *n)
{
	const hc_layout *layout = walker->layout;
	uint64_t value, mapped, size, owned, alignment = walker->reader->format.size;
	int64_t end = layout->node ? (int64_t)MIN(hc_type_size(layout->node), HC_NODE_SIZE_MAX) : 0;

	if (!hc_walker_need(walker, HC_KEY_VALUE, layout->link_value, &value) ||
		!hc_walker_need(walker, HC_KEY_MAPPED, 0, &mapped) ||
		!hc_walker_need(walker, HC_KEY_ELEM_SIZE, layout->element_size, &size) ||
		!hc_walker_need(walker, HC_KEY_OWNED, 1, &owned) || !hc_walker_need(walker, HC_KEY_SKIP, 0, &n->skip))
		return false;
	size = hc_part_size(walker, walker->by_pointer, size);
	walker->walk->element_size = size;
	size = MIN(size, HC_NODE_SIZE_MAX);
	n->value = value;
	n->mapped = mapped;
	n->has_mapped = hc_walker_has(walker, HC_KEY_MAPPED);
	n->owned = owned != 0;
	if (!is_sane(n->value) || !is_sane(n->mapped))
		return hc_walker_refuse(walker, "its nodes are too large");
	n->next = link_of(walker, HC_KEY_NEXT, &end);
	n->prev = link_of(walker, HC_KEY_PREV, &end);
	n->back = link_of(walker, HC_KEY_BACK, &end);
	n->left = link_of(walker, HC_KEY_LEFT, &end);
	n->right = link_of(walker, HC_KEY_RIGHT, &end);
	n->parent = link_of(walker, HC_KEY_PARENT, &end);
	n->first = MIN(0, n->value);
	end = MAX(end, n->value + (int64_t)size);
	if (n->has_mapped)
		end = MAX(end, n->mapped + (int64_t)hc_part_size(walker, walker->mapped_by_pointer,
						   MIN(layout->mapped_size, HC_NODE_SIZE_MAX)));
	if (n->value > 0 && layout->element && !walker->by_pointer)
		alignment = MAX(alignment, layout->element_alignment);
	/* The compiler leaves room behind an element of odd size: a node's size is a multiple of its alignment. */
	if (n->value > 0)
		end = hc_align_up(end, alignment);
	if (!hc_walker_need(walker, HC_KEY_NODE_SIZE, MAX(end - n->first, 1), &n->size))
		return false;
	n->size = MAX(n->size, (uint64_t)(end - n->first));
	return n->size < 4 * HC_NODE_SIZE_MAX || hc_walker_refuse(walker, "its nodes are too large");
}

/* ---- trees ---- */

typedef struct level {
	hc_address node;
	uint64_t start;	  /* as reader->checked, of the node */
	unsigned fetched; /* levels below the node that were fetched with it */
} level;

typedef struct levels {
	level fixed[STACK_FIXED], *nodes;
	uint64_t depth, capacity, limit;
	unsigned ahead; /* levels to fetch at once; 0: none */
	hc_address *queue;
} levels;

static bool push(hc_walker *walker, levels *l, level node)
{
	if (l->depth == l->limit)
		return hc_walker_break(walker, "it is deeper than its count allows");
	if (l->depth == l->capacity) {
		level *more = g_try_new(level, l->capacity * 2);

		if (!more)
			return hc_walker_end(walker, HC_GRADE_TRUNCATED, "it is too deep for this machine's memory");
		memcpy(more, l->nodes, l->depth * sizeof *more);
		if (l->nodes != l->fixed)
			g_free(l->nodes);
		l->nodes = more;
		l->capacity *= 2;
	}
	l->nodes[l->depth++] = node;
	return true;
}

/*
 * Levels to fetch at once. In order, each node waits for the memory of the one before; but the nodes of one level do not wait for
 * each other. So before a subtree is walked, its upper levels are read breadth first:
 *
 *	            o		fetched before the root is walked
 *	        o       o
 *	      x   x   x   x	... before each of these
 *	     / \ / \ / \ / \
 *
 * No more of them than the processor's caches hold, and so many that the last round has as many as the first.
 */
static unsigned choose_ahead(const hc_walker *walker, const hc_nodes *n)
{
	uint64_t claimed = walker->walk->claimed;
	unsigned height, rounds;

	if (claimed < AHEAD_LEAST || !n->left.is_plain || !n->right.is_plain)
		return 0;
	height = claimed == UINT64_MAX ? AHEAD_LEVELS : 64 - (unsigned)__builtin_clzll(claimed);
	rounds = (height + AHEAD_LEVELS - 1) / AHEAD_LEVELS;
	return (height + rounds - 1) / rounds;
}

/* Nothing is checked, and nothing decided: what is wrong with a node is told when it is walked. */
static void fetch_ahead(hc_walker *walker, const hc_nodes *n, levels *l, hc_address root, hc_address nil)
{
	unsigned in = 0, out = 0, most = (1u << l->ahead) - 1;

	l->queue[in++] = root;
	while (out < in && in < most) {
		const uint8_t *bytes = hc_reader_near(walker->reader, l->queue[out++] + (uint64_t)n->first, n->size);
		hc_address child;

		if (!bytes)
			continue;
		hc_node_follow(walker, n, &n->left, bytes, &child);
		if (child && child != nil) {
			hc_reader_prefetch(walker->reader, child + (uint64_t)n->first);
			l->queue[in++] = child;
		}
		hc_node_follow(walker, n, &n->right, bytes, &child);
		if (child && child != nil) {
			hc_reader_prefetch(walker->reader, child + (uint64_t)n->first);
			l->queue[in++] = child;
		}
	}
}

/* From NODE, with FETCHED levels that are fetched, down to the left as far as it goes. */
static bool descend(
	hc_walker *walker, const hc_nodes *n, levels *l, level node_level, hc_address parent, hc_address nil)
{
	hc_address node = node_level.node;
	unsigned fetched = node_level.fetched;
	uint64_t most = walker->walk->claimed + (n->skip && walker->walk->claimed != UINT64_MAX);

	while (node && node != nil) {
		const uint8_t *bytes;
		hc_address other;

		/* Each node is pushed once: those that were visited, and those that wait. */
		if (walker->walk->walked + l->depth >= most)
			return hc_walker_break(walker, "there are more elements than it claims");
		if (l->ahead && !fetched) {
			fetch_ahead(walker, n, l, node, nil);
			fetched = l->ahead;
		}
		bytes = hc_node_enter(walker, n, node);
		if (!bytes)
			return false;
		if (n->parent.program && parent) {
			if (!hc_node_follow(walker, n, &n->parent, bytes, &other))
				return false;
			if (other != parent)
				return hc_walker_break(walker, "an element does not lead back to its parent");
		}
		fetched -= fetched != 0;
		if (!push(walker, l, (level){ node, walker->reader->checked, fetched }))
			return false;
		parent = node;
		if (!hc_node_follow(walker, n, &n->left, bytes, &node))
			return false;
	}
	return true;
}

static void walk_levels(hc_walker *walker, const hc_nodes *n, levels *l, hc_address nil)
{
	while (l->depth) {
		level at = l->nodes[--l->depth];
		hc_address node = at.node, right;
		const uint8_t *bytes = hc_reader_at(walker->reader, node + (uint64_t)n->first, n->size);

		walker->node = node;
		if (!bytes || !hc_node_follow(walker, n, &n->right, bytes, &right))
			return;
		walker->reader->checked = at.start;
		hc_node_take(walker, n, node);
		if (hc_walker_is_enough(walker) || !descend(walker, n, l, (level){ right, 0, at.fetched }, node, nil))
			return;
	}
}

void hc_walk_tree(hc_walker *walker)
{
	hc_address root, nil, top;
	levels l; /* of which a small tree needs little: it is not cleared */
	uint64_t claimed = walker->walk->claimed;
	hc_nodes n;

	if (!hc_walker_need(walker, HC_KEY_ROOT, 0, &root) || !hc_walker_need(walker, HC_KEY_STOP, 0, &nil) ||
		!hc_walker_need(walker, HC_KEY_TOP, 0, &top) || !hc_nodes_read(walker, &n))
		return;
	walker->is_proved |= n.parent.program || claimed != UINT64_MAX;
	l.nodes = l.fixed;
	l.depth = 0;
	l.capacity = STACK_FIXED;
	l.limit = STACK_MAX;
	l.queue = NULL;
	/* Of red-black and AVL trees. */
	if (walker->layout->description->is_balanced && claimed != UINT64_MAX)
		l.limit = 2 * (64 - (uint64_t)__builtin_clzll(claimed + 1)) + 1;
	l.ahead = choose_ahead(walker, &n);
	if (l.ahead && !(l.queue = g_try_new(hc_address, (size_t)1 << l.ahead)))
		l.ahead = 0;
	if (descend(walker, &n, &l, (level){ root, 0, 0 }, top, nil))
		walk_levels(walker, &n, &l, nil);
	g_free(l.queue);
	if (l.nodes != l.fixed)
		g_free(l.nodes);
}

/* ---- tables ---- */

typedef struct table {
	hc_address start;
	uint64_t slots, stride;
} table;

static bool read_table(hc_walker *walker, hc_key slots, uint64_t stride, hc_memory_role role, table *t)
{
	hc_range_kind place;

	if (!hc_walker_need(walker, HC_KEY_TABLE, 0, &t->start) || !hc_walker_need(walker, slots, 0, &t->slots) ||
		!hc_walker_need(walker, HC_KEY_STRIDE, stride, &t->stride))
		return false;
	if (t->slots >> TABLE_BITS_MAX || t->stride >> TABLE_BITS_MAX ||
		t->slots > ((uint64_t)1 << TABLE_BITS_MAX) / MAX(t->stride, 1))
		return hc_walker_refuse(walker, "its table is too large");
	if (walker->walk->claimed != UINT64_MAX && walker->walk->claimed && (!t->slots || !t->start))
		return hc_walker_refuse(walker, "it has elements, but no table");
	if (!t->slots || !t->start) {
		t->slots = 0;
		return true;
	}
	/* It is in pieces, and the description says where each bucket or element is. */
	if (!t->stride)
		return hc_layout_program(walker->layout, slots == HC_KEY_BUCKETS ? HC_KEY_FIRST : HC_KEY_VALUE) ||
		       hc_walker_refuse(walker, "its table has slots of no size");
	if (t->start - walker->address < walker->object_size)
		return t->slots * t->stride <= walker->object_size - (t->start - walker->address) ||
		       hc_walker_refuse(walker, "its table is larger than itself");
	place = hc_reader_check(walker->reader, t->start, t->slots * t->stride);
	if (!hc_place_is_usable(place))
		return hc_walker_refuse(walker, hc_place_reason(place));
	hc_walker_own(walker, t->start, t->slots * t->stride, role);
	return true;
}

static bool first_of(hc_walker *walker, const hc_program *first, hc_address slot, hc_address *ret_node)
{
	if (first ? hc_walker_run(walker, first, ret_node) : hc_reader_word(walker->reader, slot, ret_node))
		return true;
	return hc_walker_break(walker, "its memory cannot be read");
}

void hc_walk_buckets(hc_walker *walker)
{
	const hc_program *first = hc_layout_program(walker->layout, HC_KEY_FIRST);
	hc_address stop;
	hc_nodes n;
	table t;

	if (!hc_walker_need(walker, HC_KEY_STOP, 0, &stop) || !hc_nodes_read(walker, &n) ||
		!read_table(walker, HC_KEY_BUCKETS, walker->reader->format.size, HC_MEMORY_INDEX, &t))
		return;
	walker->is_proved |= walker->walk->claimed != UINT64_MAX;
	walker->walk->buckets = t.slots;
	for (uint64_t i = 0; i < t.slots; i++) {
		hc_chain c = hc_chain_from(0, stop);
		uint64_t walked = walker->walk->walked;

		walker->variables[HC_VARIABLE_INDEX] = i;
		walker->variables[HC_VARIABLE_SLOT] = t.start + i * t.stride;
		if (!hc_walker_charge(walker, MAX(t.stride, walker->reader->format.size)) ||
			!first_of(walker, first, walker->variables[HC_VARIABLE_SLOT], &c.node))
			return;
		if (c.node && !hc_chain_walk(walker, &n, &c))
			return;
		walked = walker->walk->walked - walked;
		walker->walk->used_buckets += walked > 0;
		walker->walk->longest = MAX(walker->walk->longest, walked);
		walker->walk->sharing += walked > 1 ? walked : 0;
	}
}

/* A slot in use may hold no more than a pointer to its element, which the table owns: a node. */
static bool own_slot(hc_walker *walker, hc_address element, uint64_t node_size)
{
	hc_range_kind place = hc_reader_check(walker->reader, element, node_size);

	if (!hc_place_is_usable(place))
		return hc_walker_break(walker, hc_place_reason(place));
	hc_walker_own(walker, element, node_size, HC_MEMORY_NODE);
	return true;
}

void hc_walk_slots(hc_walker *walker)
{
	const hc_layout *layout = walker->layout;
	const hc_program *used = hc_layout_program(layout, HC_KEY_USED),
			 *value = hc_layout_program(layout, HC_KEY_VALUE),
			 *mapped = hc_layout_program(layout, HC_KEY_MAPPED);
	uint64_t size = hc_part_size(walker, walker->by_pointer, layout->element_size), node_size;
	table t;

	if (!hc_walker_need(walker, HC_KEY_ELEM_SIZE, size, &size) ||
		!hc_walker_need(walker, HC_KEY_NODE_SIZE, 0, &node_size))
		return;
	if (node_size >= HC_NODE_SIZE_MAX) {
		hc_walker_refuse(walker, "its nodes are too large");
		return;
	}
	if (!read_table(walker, HC_KEY_SLOTS, size, HC_MEMORY_BUFFER, &t))
		return;
	walker->is_proved |= walker->walk->claimed != UINT64_MAX;
	walker->walk->element_size = size ? size : t.stride;
	walker->walk->buckets = t.slots;
	/* Numbers that were put where pointers go. */
	if (t.stride && t.stride < walker->reader->format.size)
		walker->by_pointer = false;
	for (uint64_t i = 0; i < t.slots; i++) {
		hc_address element = t.start + i * t.stride, other = 0;
		uint64_t is_used;

		walker->variables[HC_VARIABLE_INDEX] = i;
		walker->variables[HC_VARIABLE_SLOT] = element;
		if (!hc_walker_charge(walker, MAX(t.stride, walker->reader->format.size)))
			return;
		if (!hc_walker_run(walker, used, &is_used)) {
			hc_walker_break(walker, "its memory cannot be read");
			return;
		}
		if (!is_used)
			continue;
		if ((value && !hc_walker_run(walker, value, &element)) ||
			(mapped && !hc_walker_run(walker, mapped, &other))) {
			hc_walker_break(walker, "its memory cannot be read");
			return;
		}
		if (node_size && !own_slot(walker, element, node_size))
			return;
		if (walker->visits)
			hc_walker_visit(walker, element, other);
		walker->walk->walked++;
		if (hc_walker_is_enough(walker))
			return;
	}
	if (walker->walk->walked > walker->walk->claimed)
		hc_walker_break(walker, "there are more elements than it claims");
}
