/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds whose elements lie in nodes, and tables.
 *
 * Links that are plain members of the node, as almost all are, are loaded from the node's bytes; others are programs. Each node is
 * looked up in the index of blocks. A walk ends at one element more than the container claims; without a claim a circle is found
 * by Brent's algorithm: a node is remembered, and another one each time that the distance has doubled. No recursion: trees are
 * walked in order with a stack of their own.
 */
#include "containers/walker.h"

enum {
	STACK_FIXED = 96, /* levels of a tree, before memory is needed for them */
	STACK_MAX = 1 << 22,
	AHEAD_LEVELS = 8, /* of a tree, that are fetched before they are walked */
	AHEAD_LEAST = 32, /* trees of fewer nodes are walked at once */
	NODE_SIZE_MAX = 1 << 24,
	PROVING_NODES = 16,  /* of a chain that nothing else proves, whose blocks are looked at */
	TABLE_BITS_MAX = 40, /* no table has more slots, or larger ones */
};

/* A link from node to node. */
typedef struct node_link {
	const hc_program *program; /* NULL: there is none */
	bool is_plain;
	int64_t at; /* of a plain one: its offset in the node */
} node_link;

typedef struct nodes {
	int64_t first;	/* offset of the first byte of a node from its address; 0 or less */
	uint64_t size;	/* bytes from there on */
	int64_t value;	/* offset of the element */
	int64_t mapped; /* ... and of what it is mapped to */
	bool has_mapped, owned;
	hc_address skip; /* a node that holds no element; 0: none */
	node_link next, prev, back, left, right, parent;
} nodes;

/* ---- nodes ---- */

static node_link link_of(const hc_walker *walker, hc_key key, int64_t *end)
{
	const hc_program *program = hc_layout_program(walker->layout, key);
	node_link result = { program, program && program->is_node_word && program->offset < NODE_SIZE_MAX, 0 };

	if (result.is_plain) {
		result.at = program->offset;
		*end = MAX(*end, result.at + (int64_t)walker->reader->format.size);
	}
	return result;
}

static uint64_t part_size(const hc_walker *walker, bool by_pointer, uint64_t size)
{
	return by_pointer ? walker->reader->format.size : size;
}

static bool is_sane(int64_t offset)
{
	return offset > -NODE_SIZE_MAX && offset < NODE_SIZE_MAX;
}

static bool read_nodes(hc_walker *walker, nodes *n)
{
	const hc_layout *layout = walker->layout;
	uint64_t value, mapped, size, owned, alignment = walker->reader->format.size;
	int64_t end = layout->node ? (int64_t)MIN(hc_type_size(layout->node), NODE_SIZE_MAX) : 0;

	if (!hc_walker_need(walker, HC_KEY_VALUE, layout->link_value, &value) ||
		!hc_walker_need(walker, HC_KEY_MAPPED, 0, &mapped) ||
		!hc_walker_need(walker, HC_KEY_ELEM_SIZE, layout->element_size, &size) ||
		!hc_walker_need(walker, HC_KEY_OWNED, 1, &owned) || !hc_walker_need(walker, HC_KEY_SKIP, 0, &n->skip))
		return false;
	size = part_size(walker, walker->by_pointer, size);
	walker->walk->element_size = size;
	size = MIN(size, NODE_SIZE_MAX);
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
		end = MAX(end, n->mapped + (int64_t)part_size(walker, walker->mapped_by_pointer,
						   MIN(layout->mapped_size, NODE_SIZE_MAX)));
	if (n->value > 0 && layout->element && !walker->by_pointer)
		alignment = MAX(alignment, MIN(hc_type_alignment(layout->element), 4096));
	/* The compiler leaves room behind an element of odd size: a node's size is a multiple of its alignment. */
	if (n->value > 0)
		end = hc_align_up(end, alignment);
	if (!hc_walker_need(walker, HC_KEY_NODE_SIZE, MAX(end - n->first, 1), &n->size))
		return false;
	n->size = MAX(n->size, (uint64_t)(end - n->first));
	return n->size < 4 * NODE_SIZE_MAX || hc_walker_refuse(walker, "its nodes are too large");
}

static inline bool follow(
	hc_walker *walker, const nodes *n, const node_link *l, const uint8_t *bytes, hc_address *ret_address)
{
	if (G_LIKELY(l->is_plain)) {
		*ret_address = hc_load_word(bytes + (l->at - n->first), walker->reader->format);
		return true;
	}
	return hc_walker_run(walker, l->program, ret_address) || hc_walker_break(walker, "its memory cannot be read");
}

/* The bytes of the node at ADDRESS; NULL, and the walk is over, if it is in no live memory. */
static inline const uint8_t *enter(hc_walker *walker, const nodes *n, hc_address address)
{
	hc_address start = address + (uint64_t)n->first;

	hc_reader_prefetch(walker->reader, start); /* while the index is asked */
	hc_range_kind place = hc_reader_check(walker->reader, start, n->size);
	const uint8_t *bytes;

	if (G_UNLIKELY(!hc_place_is_usable(place))) {
		hc_walker_break(walker, hc_place_reason(place));
		return NULL;
	}
	if (!hc_walker_charge(walker, MAX(n->size, 16)))
		return NULL;
	bytes = hc_reader_at(walker->reader, start, n->size);
	if (G_UNLIKELY(!bytes))
		hc_walker_break(walker, "its memory cannot be read");
	walker->node = address;
	return bytes;
}

static inline void take(hc_walker *walker, const nodes *n, hc_address address)
{
	const hc_walk_visitor *visitor = walker->visitor;

	if (G_UNLIKELY(!walker->is_proved) && walker->walk->walked < PROVING_NODES)
		hc_walker_prove_by_block(walker, address + (uint64_t)n->first, n->size);

	if (visitor) {
		if (visitor->memory && n->owned)
			visitor->memory(address + (uint64_t)n->first, n->size, HC_MEMORY_NODE, visitor->data);
		if (walker->visits && address != n->skip)
			hc_walker_visit(walker, address + (uint64_t)n->value,
				n->has_mapped ? address + (uint64_t)n->mapped : 0);
	}
	walker->walk->walked += address != n->skip;
}

/* ---- lists ---- */

typedef struct brent {
	hc_address kept;
	uint64_t steps, power;
} brent;

/* TRUE if ADDRESS has been met before. */
static inline bool goes_in_circles(brent *b, hc_address address)
{
	if (address == b->kept)
		return true;
	if (++b->steps == b->power) {
		b->steps = 0;
		b->power *= 2;
		b->kept = address;
	}
	return false;
}

typedef struct chain {
	hc_address node, stop;
	hc_address last;      /* the node that led to this one */
	hc_address slot;      /* where the pointer to this one is; 0: not known */
	hc_address came_from; /* what `prev` of this one should be */
} chain;

/* One node of a list, that CHAIN stands at. */
static inline bool step(hc_walker *walker, const nodes *n, chain *c)
{
	const uint8_t *bytes = enter(walker, n, c->node);
	hc_address other;

	if (!bytes)
		return false;
	if (n->prev.program) {
		if (!follow(walker, n, &n->prev, bytes, &other))
			return false;
		if (other != c->came_from)
			return hc_walker_break(walker, "an element does not lead back to the one before it");
	}
	if (n->back.program && c->slot) {
		if (!follow(walker, n, &n->back, bytes, &other))
			return false;
		if (other != c->slot)
			return hc_walker_break(walker, "an element does not lead back to what leads to it");
	}
	c->last = c->came_from = c->node;
	c->slot = n->next.is_plain ? c->node + (uint64_t)n->next.at : 0;
	return follow(walker, n, &n->next, bytes, &c->node);
}

/* Walks from CHAIN's node to its stop. */
static bool walk_chain(hc_walker *walker, const nodes *n, chain *c)
{
	uint64_t limit = walker->walk->claimed;
	brent circle = { 0, 0, 1 };

	while (c->node != c->stop) {
		hc_address node = c->node;

		if (!node)
			return hc_walker_break(walker, "a link is null where the list should go on");
		if (walker->walk->walked == limit)
			return hc_walker_break(walker, "there are more elements than it claims");
		if (goes_in_circles(&circle, node))
			return hc_walker_break(walker, "it goes in a circle");
		if (!step(walker, n, c))
			return false;
		take(walker, n, node);
		if (hc_walker_is_enough(walker))
			return false;
	}
	return true;
}

void hc_walk_linked(hc_walker *walker)
{
	const hc_program *head = hc_layout_program(walker->layout, HC_KEY_HEAD);
	uint64_t tail, tail_slot;
	chain c = { 0 };
	nodes n;

	if (!hc_walker_need(walker, HC_KEY_HEAD, 0, &c.node) || !hc_walker_need(walker, HC_KEY_STOP, 0, &c.stop) ||
		!read_nodes(walker, &n))
		return;
	walker->is_proved |= n.prev.program || n.back.program || walker->walk->claimed != UINT64_MAX ||
			     hc_walker_has(walker, HC_KEY_TAIL) || hc_walker_has(walker, HC_KEY_TAIL_SLOT);
	c.last = c.came_from = c.stop;
	if (head->is_member)
		c.slot = walker->address + head->offset;
	if (!hc_walker_need(walker, HC_KEY_TOP, c.stop, &c.came_from))
		return;
	hc_address first_slot = c.slot;

	if (walker->visitor && walker->visitor->wants_fronts && hc_walker_has(walker, HC_KEY_FRONTS) &&
		!(hc_walker_get(walker, HC_KEY_FRONTS, 0, &walker->walk->fronts) &&
			hc_walker_get(walker, HC_KEY_BUCKETS, 0, &walker->walk->buckets)))
		walker->walk->fronts = 0;

	if (!walk_chain(walker, &n, &c))
		return;
	if (!hc_walker_need(walker, HC_KEY_TAIL, c.last, &tail) ||
		!hc_walker_need(walker, HC_KEY_TAIL_SLOT, 0, &tail_slot))
		return;
	if (tail != c.last)
		hc_walker_break(walker, "its tail is not its last element");
	/* The pointer that the next element would be entered in. */
	else if (tail_slot && tail_slot != (walker->walk->walked ? c.slot : first_slot))
		hc_walker_break(walker, "its tail is not its last element");
}

/* ---- trees ---- */

typedef struct level {
	hc_address node;
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
static unsigned choose_ahead(const hc_walker *walker, const nodes *n)
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
static void fetch_ahead(hc_walker *walker, const nodes *n, levels *l, hc_address root, hc_address nil)
{
	unsigned in = 0, out = 0, most = (1u << l->ahead) - 1;

	l->queue[in++] = root;
	while (out < in && in < most) {
		const uint8_t *bytes = hc_reader_near(walker->reader, l->queue[out++] + (uint64_t)n->first, n->size);
		hc_address child;

		if (!bytes)
			continue;
		follow(walker, n, &n->left, bytes, &child);
		if (child && child != nil) {
			hc_reader_prefetch(walker->reader, child + (uint64_t)n->first);
			l->queue[in++] = child;
		}
		follow(walker, n, &n->right, bytes, &child);
		if (child && child != nil) {
			hc_reader_prefetch(walker->reader, child + (uint64_t)n->first);
			l->queue[in++] = child;
		}
	}
}

/* From NODE, with FETCHED levels that are fetched, down to the left as far as it goes. */
static bool descend(hc_walker *walker, const nodes *n, levels *l, level node_level, hc_address parent, hc_address nil)
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
		bytes = enter(walker, n, node);
		if (!bytes)
			return false;
		if (n->parent.program && parent) {
			if (!follow(walker, n, &n->parent, bytes, &other))
				return false;
			if (other != parent)
				return hc_walker_break(walker, "an element does not lead back to its parent");
		}
		fetched -= fetched != 0;
		if (!push(walker, l, (level){ node, fetched }))
			return false;
		parent = node;
		if (!follow(walker, n, &n->left, bytes, &node))
			return false;
	}
	return true;
}

static void walk_levels(hc_walker *walker, const nodes *n, levels *l, hc_address nil)
{
	while (l->depth) {
		level at = l->nodes[--l->depth];
		hc_address node = at.node, right;
		const uint8_t *bytes = hc_reader_at(walker->reader, node + (uint64_t)n->first, n->size);

		walker->node = node;
		if (!bytes || !follow(walker, n, &n->right, bytes, &right))
			return;
		take(walker, n, node);
		if (hc_walker_is_enough(walker) || !descend(walker, n, l, (level){ right, at.fetched }, node, nil))
			return;
	}
}

void hc_walk_tree(hc_walker *walker)
{
	hc_address root, nil, top;
	levels l = { .depth = 0, .capacity = STACK_FIXED, .limit = STACK_MAX };
	uint64_t claimed = walker->walk->claimed;
	nodes n;

	if (!hc_walker_need(walker, HC_KEY_ROOT, 0, &root) || !hc_walker_need(walker, HC_KEY_STOP, 0, &nil) ||
		!hc_walker_need(walker, HC_KEY_TOP, 0, &top) || !read_nodes(walker, &n))
		return;
	walker->is_proved |= n.parent.program || claimed != UINT64_MAX;
	l.nodes = l.fixed;
	/* Of red-black and AVL trees. */
	if (walker->layout->description->is_balanced && claimed != UINT64_MAX)
		l.limit = 2 * (64 - (uint64_t)__builtin_clzll(claimed + 1)) + 1;
	l.ahead = choose_ahead(walker, &n);
	if (l.ahead && !(l.queue = g_try_new(hc_address, (size_t)1 << l.ahead)))
		l.ahead = 0;
	if (descend(walker, &n, &l, (level){ root, 0 }, top, nil))
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
	nodes n;
	table t;

	if (!hc_walker_need(walker, HC_KEY_STOP, 0, &stop) || !read_nodes(walker, &n) ||
		!read_table(walker, HC_KEY_BUCKETS, walker->reader->format.size, HC_MEMORY_INDEX, &t))
		return;
	walker->is_proved |= walker->walk->claimed != UINT64_MAX;
	walker->walk->buckets = t.slots;
	for (uint64_t i = 0; i < t.slots; i++) {
		chain c = { .stop = stop };
		uint64_t walked = walker->walk->walked;

		walker->variables[HC_VARIABLE_INDEX] = i;
		walker->variables[HC_VARIABLE_SLOT] = t.start + i * t.stride;
		if (!hc_walker_charge(walker, MAX(t.stride, walker->reader->format.size)) ||
			!first_of(walker, first, walker->variables[HC_VARIABLE_SLOT], &c.node))
			return;
		if (c.node && !walk_chain(walker, &n, &c))
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
	uint64_t size = part_size(walker, walker->by_pointer, layout->element_size), node_size;
	table t;

	if (!hc_walker_need(walker, HC_KEY_ELEM_SIZE, size, &size) ||
		!hc_walker_need(walker, HC_KEY_NODE_SIZE, 0, &node_size))
		return;
	if (node_size >= NODE_SIZE_MAX) {
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
