/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings and chains: std::list, std::unordered_map, GQueue, links that items have in them (list_head).
 *
 *	ring	head: next, previous (and a count)		node: next, previous, value
 *		Each node leads back to the one before it, the last one is where the head's second word leads, and its next is the head.
 *	hash	head: buckets, their number, first, count, the largest load	node: next, (hash,) value
 *		The chain ends after as many nodes as the count says. Each bucket in use leads to the node in front of its first one,
 *		so exactly one leads to the word of the head that has the first node.
 *	queue	head: first, last, count			node: a value, next, previous
 *
 * A ring looks the same from each of its nodes. Who comes to a node first (an LRU cache has a hash table of iterators) finds the head
 * among the nodes: it is the one that is not in a block like the others, or the one with the count.
 */
#include "shapes/shapes_state.h"

enum {
	LOWEST_ADDRESS = 1 << 16,
	RING_LEAST = 3, /* nodes of a ring without a count that no chance has made */
	BUCKETS_MAX = 1 << 30,
	BUCKETS_LOOKED_AT = 64, /* of those in use */
};

/* ---- rings ---- */

/* A ring from HEAD on. */
struct ring {
	hc_address head, last;
	uint64_t offset; /* of links in their blocks */
	hc_address odd;	 /* a member that is in no block like the others; 0: none */
	hc_address
		counted; /* a node with what would be the count behind its links, at the end the head itself; 0: none */
	uint64_t members; /* without the head */
};

/* One more member, whose links are at ADDRESS. */
static bool add_member(hc_shapes *shapes, struct ring *ring, hc_address address)
{
	hc_shape_block block;

	if (!shapes->found->len) {
		if (!hc_shapes_block_around(shapes, address, &block))
			return false;
		ring->offset = address - block.address;
	}
	if (hc_shapes_add_node(shapes, address - ring->offset))
		return true;
	if (ring->odd)
		return false;
	ring->odd = address;
	return true;
}

static bool walk_ring(hc_shapes *shapes, struct ring *ring)
{
	uint64_t limit = hc_shapes_limit(shapes), links[2];
	hc_address before = ring->head, node;

	if (!hc_shapes_load(shapes, ring->head, 2, links))
		return false;
	ring->last = links[1];
	for (node = links[0]; node != ring->head; node = links[0]) {
		if (++ring->members > limit || node % shapes->format.size || !hc_shapes_load(shapes, node, 2, links) ||
			links[1] != before || !add_member(shapes, ring, node))
			return false;
		before = node;
	}
	return before == ring->last;
}

/* The node with the number of all others behind its links; 0: not exactly one has it. */
static hc_address find_counted(hc_shapes *shapes, const struct ring *ring)
{
	hc_address found = 0;

	for (unsigned i = 0; i < shapes->found->len; i++) {
		hc_address node = g_array_index(shapes->found, hc_address, i) + ring->offset;
		uint64_t count;

		if (!hc_shapes_load(shapes, node + 2 * shapes->format.size, 1, &count) || count != ring->members)
			continue;
		if (found)
			return 0;
		found = node;
	}
	return found;
}

/* The true head is HEAD, a member; the one that it was found by is a node, if it is in a block like the others. */
static bool move_head(hc_shapes *shapes, struct ring *ring, hc_address head)
{
	hc_address block = head - ring->offset;

	for (unsigned i = 0; head != ring->odd && i < shapes->found->len; i++)
		if (g_array_index(shapes->found, hc_address, i) == block) {
			g_array_remove_index(shapes->found, i);
			break;
		}
	if (!hc_shapes_add_node(shapes, ring->head - ring->offset))
		return false;
	ring->head = head;
	return true;
}

/* Whether the head is where it was looked for, or somewhere else in the ring. */
static bool find_head(hc_shapes *shapes, struct ring *ring, bool *ret_counted)
{
	uint64_t count;

	*ret_counted = !ring->odd && hc_shapes_load(shapes, ring->head + 2 * shapes->format.size, 1, &count) &&
		       count == ring->members;
	if (*ret_counted)
		return true;
	if (ring->odd) {
		*ret_counted = hc_shapes_load(shapes, ring->odd + 2 * shapes->format.size, 1, &count) &&
			       count == ring->members;
		return move_head(shapes, ring, ring->odd);
	}
	ring->counted = find_counted(shapes, ring);
	*ret_counted = ring->counted != 0 && move_head(shapes, ring, ring->counted);
	return true;
}

bool hc_shapes_find_ring(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	struct ring ring = { .head = words->at };
	unsigned size = shapes->format.size;
	hc_address back;
	bool is_counted;

	/* The first one's second word leads back to the head. */
	if (hc_shape_word(words, 1) < LOWEST_ADDRESS || hc_shape_word(words, 1) % size ||
		hc_shape_word(words, 0) == words->at || !hc_shapes_is_heap(shapes, hc_shape_word(words, 0)) ||
		!hc_shapes_load(shapes, hc_shape_word(words, 0) + size, 1, &back) || back != words->at ||
		!walk_ring(shapes, &ring) || !find_head(shapes, &ring, &is_counted) || !shapes->found->len)
		return false;
	/* Two that lead to each other are no ring yet. */
	if (!is_counted && ring.members < 2)
		return false;
	shape->kind = is_counted && !ring.offset ? HC_SHAPE_LIST : HC_SHAPE_RING;
	shape->is_guess = !is_counted && ring.members < RING_LEAST;
	shape->count = shapes->found->len;
	shape->head = ring.head;
	shape->end = ring.head + (is_counted ? 3 : 2) * size;
	shape->value = ring.offset ? 0 : 2 * size;
	return true;
}

/* ---- chains of hash nodes ---- */

/* The largest load of a hash table is a float: 1, mostly. */
static bool is_load(uint64_t word)
{
	uint32_t bits = (uint32_t)word;
	float load;

	memcpy(&load, &bits, sizeof load);
	return load >= 0.01f && load <= 1000.0f;
}

/* Whether buckets lead to what is in front of nodes, and one to FIRST, the word in front of all. *RET_READ: so many were read. */
static bool check_buckets(
	hc_shapes *shapes, hc_address buckets, uint64_t count, uint64_t nodes, hc_address first, uint64_t *ret_read)
{
	uint64_t used = 0, firsts = 0;
	unsigned size = shapes->format.size;

	for (uint64_t i = 0; i < count; i++) {
		hc_shape_block block;
		uint64_t value;

		*ret_read = i;
		if (!hc_shapes_load(shapes, buckets + i * size, 1, &value))
			return false;
		if (!value)
			continue;
		firsts += value == first;
		if (++used > nodes)
			return false;
		if (used <= BUCKETS_LOOKED_AT && value != first &&
			(!hc_shapes_block(shapes, value, &block) || block.size < shapes->least ||
				block.size > shapes->most))
			return false;
	}
	return firsts == 1;
}

/* Walks COUNT nodes from FIRST on, linked by their word NEXT; FALSE if there are more or fewer. *ret_last: the last one. */
static bool walk_chain(hc_shapes *shapes, hc_address first, unsigned next, uint64_t count, hc_address *ret_last)
{
	hc_address node = first;

	for (; node && !hc_shapes_has_enough(shapes);
		*ret_last = node, hc_shapes_load(shapes, node + next * shapes->format.size, 1, &node))
		if (shapes->found->len >= count || !hc_shapes_add_node(shapes, node))
			return false;
	return shapes->found->len == count || hc_shapes_has_enough(shapes);
}

bool hc_shapes_find_hash(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	hc_address buckets = hc_shape_word(words, 0), first = hc_shape_word(words, 2), last;
	uint64_t bucket_count = hc_shape_word(words, 1), count = hc_shape_word(words, 3), read = 0;
	unsigned size = shapes->format.size;
	hc_shape_block block;

	if (!bucket_count || bucket_count > BUCKETS_MAX || !count || count > hc_shapes_limit(shapes) ||
		!is_load(hc_shape_word(words, 4)) || !hc_shapes_block(shapes, buckets, &block) ||
		!hc_shapes_fits(shapes, &block, bucket_count * size) || !hc_shapes_may_scan(shapes, bucket_count) ||
		!walk_chain(shapes, first, 0, count, &last))
		return false;
	if (!hc_shapes_has_enough(shapes) &&
		!check_buckets(shapes, buckets, bucket_count, count, words->at + 2 * size, &read))
		return hc_shapes_scanned_in_vain(shapes, read);
	shape->kind = HC_SHAPE_HASH;
	shape->count = count;
	shape->end = words->at + 5 * size;
	shape->value = size;
	shape->index[0] = buckets;
	return true;
}

/* ---- queues ---- */

bool hc_shapes_find_queue(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	hc_address first = hc_shape_word(words, 0), last = hc_shape_word(words, 1), end = 0;
	/* GQueue's is an unsigned int. */
	uint64_t count = (uint32_t)hc_shape_word(words, 2), links[3];
	unsigned size = shapes->format.size;

	if (!count || count > hc_shapes_limit(shapes) || (count == 1) != (first == last) ||
		!hc_shapes_load(shapes, first, 3, links) || links[2] || !hc_shapes_load(shapes, last, 3, links) ||
		links[1] || !walk_chain(shapes, first, 1, count, &end) || end != last)
		return false;
	/* Of few, chance may have made the count. */
	shape->is_guess = count < RING_LEAST;
	shape->kind = HC_SHAPE_QUEUE;
	shape->count = count;
	shape->end = words->at + 3 * size;
	return true;
}
