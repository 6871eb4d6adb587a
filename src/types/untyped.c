/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hangs on memory without a type.
 *
 * A GHashTable's values are void pointers, a library's context is a structure that only the library knows. Types end there, but who
 * holds what need not: whatever such a block leads to is there for the sake of the same owner. So once all that is typed has been claimed,
 * the words of blocks that have an owner but no type are tried as addresses, and blocks that nobody has go to the same owner. That is
 * conservative, as in references/: a number may look like an address. Its certainty is "unknown", whatever the owner's.
 *
 * First all blocks that were untyped before, in order of address; what these lead to waits in the queue, so that the nearest
 * owner comes first. Each word of untyped blocks is looked at once.
 *
 * From a block to another of its size, where most have a link (links.c), is no step: that is a list's next node, a tree's child, and
 * all of these are as near as the first. Else a stray word that leads into the middle of a long list would have the rest of it.
 */
#include "base/bits.h"
#include "types/passes.h"
#include "types/word_rows.h"

enum {
	LITTLE_UNOWNED = 1000, /* a share of all: typed blocks are not searched for the sake of less */
	BATCH_WORDS = 32,      /* words whose targets are fetched together */
	PIECE_BYTES = 128      /* so much is looked at of what lies in the middle of a block */
};

/* The owner of what an untyped block of OWNER leads to: all of it is one step. */
static hc_owner *owner_below(hc_propagation *propagation, hc_owner *owner)
{
	if (owner->layout && hc_owner_is_opaque(owner))
		return hc_owners_element(propagation->owners, owner, 0, NULL, NULL);
	if (owner->layout)
		return hc_owners_beyond(propagation->owners, owner);
	if (!owner->type || owner->certainty == HC_CERTAINTY_UNKNOWN)
		return owner;
	if (hc_owner_is_opaque(owner))
		return hc_owners_target(
			propagation->owners, owner, 0, HC_STEP_TARGET, NULL, NULL, HC_CERTAINTY_UNKNOWN);
	return hc_owners_beyond(propagation->owners, owner);
}

/* ---- words ---- */

/* A word, and the block that holds it. */
typedef struct hc_word {
	hc_address value;
	uint64_t offset; /* in the block */
	uint64_t size;	 /* usable bytes of the block; 0: it is in none */
} hc_word;

/* A pointer into the middle of a block that other words lead to by its start does not hold it. */
static bool holds(const hc_propagation *propagation, const hc_spot *spot, hc_address value)
{
	return value == spot->address ||
	       hc_references_holds(propagation->types->references,
		       hc_blocks_granule(propagation->blocks, spot->region, spot->address), value);
}

/*
 * Whether what lies in the middle of the block at SPOT may be OWNER's, though the block is not: allocators that are libraries (g_slice)
 * have the block, and what they gave out of it has others.
 */
static bool may_be_piece(const hc_propagation *propagation, const hc_spot *spot, const hc_owner *owner)
{
	uint32_t current = propagation->types->owner_of[spot->number];
	const hc_named_root *root = hc_owner_root(owner);

	return !(root && root->is_library) && current != HC_OWNER_CLOSED &&
	       (!current || ((root = hc_owner_root(hc_types_owner(propagation->types, current))) && root->is_library));
}

/* Whether a word of OWNER's that leads to a block of the owner CURRENT (0: nobody's) can change anything. Most can't, and holds() takes time. */
static bool can_matter(const hc_propagation *propagation, const hc_spot *spot, const hc_owner *owner, uint32_t current)
{
	if (!current)
		return true;
	return current != HC_OWNER_CLOSED && current != owner->number &&
	       (hc_owners_may_meet(owner, hc_types_owner(propagation->types, current)) ||
		       may_be_piece(propagation, spot, owner));
}

/* A block that words lead to now waits for being searched. */
static void wait(hc_propagation *propagation, const hc_owner *owner, const hc_word *word, const hc_spot *spot)
{
	hc_edge edge = {
		.value = spot->address, .holder = spot->number, .owner = owner->number, .part = HC_EDGE_UNTYPED
	};

	if (word->size && hc_blocks_size_in_index(propagation->blocks, spot->region, spot->start) == word->size &&
		hc_propagation_is_link(propagation, word->size, word->offset))
		hc_propagation_defer_near(propagation, &edge);
	else
		hc_propagation_defer_edge(propagation, &edge, HC_CERTAINTY_GUESS);
}

/* WORD is one of OWNER's, and leads to the block at SPOT. */
static void follow_spot(hc_propagation *propagation, hc_owner *owner, const hc_word *word, const hc_spot *spot)
{
	uint32_t current = propagation->types->owner_of[spot->number];

	if (!can_matter(propagation, spot, owner, current))
		return;
	if (!holds(propagation, spot, word->value)) {
		if (word->value % propagation->format.size == 0 && may_be_piece(propagation, spot, owner) &&
			hc_take_bit(propagation->pieces, spot->granule))
			hc_propagation_defer(propagation, word->value, owner, HC_EDGE_PIECE, HC_CERTAINTY_GUESS);
	} else if (current) {
		hc_owners_meet(owner, hc_types_owner(propagation->types, current));
	} else if (hc_propagation_claim(propagation, spot->number, owner) &&
		   hc_take_bit(propagation->searched, spot->number)) {
		wait(propagation, owner, word, spot);
	}
}

void hc_propagation_follow_word(hc_propagation *propagation, hc_owner *owner, hc_address value)
{
	hc_word word = { .value = value };
	hc_spot spot;

	if (hc_propagation_locate(propagation, value, &spot))
		follow_spot(propagation, owner, &word, &spot);
}

/* Words that may be addresses. Where they lead is far apart in memory, so all that is needed of them is fetched before any is used. */
static void follow_batch(hc_propagation *propagation, hc_owner *owner, const hc_word *words, unsigned count)
{
	hc_spot spots[BATCH_WORDS];
	bool is_found[BATCH_WORDS];

	for (unsigned i = 0; i < count; i++) {
		is_found[i] = hc_propagation_locate(propagation, words[i].value, &spots[i]);
		if (is_found[i])
			__builtin_prefetch(&propagation->types->owner_of[spots[i].number], 1);
	}
	for (unsigned i = 0; i < count; i++)
		if (is_found[i])
			follow_spot(propagation, owner, &words[i], &spots[i]);
}

/* Where in the elements of a shape, or in a block of OWNER, the head of a shape is. */
static hc_shape_place place_of(const hc_owner *owner, uint64_t offset, uint64_t size)
{
	const hc_owner *container = owner->step == HC_STEP_ELEMENT ? owner->parent : NULL;

	if (size)
		return (hc_shape_place){ .is_in_block = true, .size = size, .has_offset = true, .offset = offset };
	if (!container || !container->shape)
		return (hc_shape_place){ 0 };
	if (container->stride)
		offset %= container->stride;
	return (hc_shape_place){
		.is_in_element = true,
		.has_offset = container->stride || container->node_bytes,
		.offset = container->stride || container->node_bytes ? offset : 0,
	};
}

/* What words are looked at. */
struct words {
	hc_address start, end;
	uint64_t size; /* usable bytes of the block that begins at START; 0: they are in the middle of one */
};

/* Whether the word at AT is the first of a shape; then it is claimed. *RET_END: where its head ends. */
static bool claim_shape_at(
	hc_propagation *propagation, hc_owner *owner, hc_address at, const struct words *words, hc_address *ret_end)
{
	hc_shape shape;

	if (!hc_propagation_find_shape(propagation, at, &shape))
		return false;
	bool is_here = shape.head <= at && at < shape.end;

	/* Behind the end is another block's. */
	if (is_here && (shape.head < words->start || shape.end > words->end))
		return false;
	/* A ring may be met at one of its nodes: its head is elsewhere, and so may its owner be. */
	hc_shape_place place = is_here ? place_of(owner, shape.head - words->start, words->size) :
					 (hc_shape_place){ 0 };

	hc_propagation_claim_shape(propagation, owner, &shape, &place);
	*ret_end = is_here ? shape.end : at;
	return true;
}

/* The words of [start, end). SIZE: usable bytes of the block that begins at START; 0: they are in the middle of one. */
static void follow_words(hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end, uint64_t size)
{
	unsigned word_size = propagation->format.size, count = 0;
	hc_word words[BATCH_WORDS];
	hc_address shape_end = start;

	/* A block whose header cannot be read ends before START. */
	for (hc_address at = start; at < end && end - at >= word_size; at += word_size) {
		hc_word *word = &words[count];

		*word = (hc_word){ .offset = at - start, .size = size };
		if (!hc_propagation_load(propagation, at, &word->value) ||
			!hc_blocks_may_contain(propagation->blocks, word->value))
			continue;
		if (at >= shape_end &&
			claim_shape_at(propagation, owner, at, &(struct words){ start, end, size }, &shape_end))
			continue;
		hc_container_set_prefetch(propagation->types->set, word->value, false);
		if (++count == BATCH_WORDS) {
			follow_batch(propagation, owner, words, count);
			count = 0;
		}
	}
	follow_batch(propagation, owner, words, count);
}

/* Whether block NUMBER, which was OWNER's, was found to be a part of a shape: that has looked into it. */
static bool is_of_shape(const hc_propagation *propagation, const hc_owner *owner, uint32_t number)
{
	uint32_t current = propagation->types->owner_of[number];

	return current != owner->number && current && current != HC_OWNER_CLOSED &&
	       hc_types_owner(propagation->types, current)->shape;
}

/* ---- blocks ---- */

/* A block whose words are followed, and whose they are. */
struct searched {
	hc_owner *owner; /* of what it leads to */
	const hc_block_region *region;
	uint64_t granule;
	hc_address address;
	uint64_t size; /* usable bytes */
};

/* The block that EDGE leads to from BLOCK; of a word that leads into the middle also the granule, once it was read. */
static bool find_spot(hc_propagation *propagation, const struct searched *block, const hc_word_edge *edge,
	hc_word *ret_word, hc_spot *ret_spot)
{
	const hc_block_region *region = block->region;

	if (edge->start - region->first_granule >= region->granules)
		region = hc_blocks_region_of_start(propagation->blocks, edge->start);
	*ret_spot = (hc_spot){ region, edge->to, edge->start, edge->start,
		hc_blocks_address(propagation->blocks, region, edge->start) };
	*ret_word = (hc_word){ .value = ret_spot->address,
		.offset = (uint64_t)edge->place * propagation->format.size,
		.size = block->size };
	if (edge->is_start)
		return true;
	if (!hc_propagation_load(propagation, block->address + ret_word->offset, &ret_word->value))
		return false;
	ret_spot->granule = hc_blocks_granule(propagation->blocks, region, ret_word->value);
	return true;
}

/* Claims the shapes of BLOCK that begin where one of EDGES is; sets *TAKEN's bits of edges that are parts of them. */
static hc_address claim_shapes(hc_propagation *propagation, const struct searched *block, const hc_word_edge *edges,
	unsigned count, hc_address shape_end, uint32_t *ret_taken)
{
	*ret_taken = 0;
	for (unsigned i = 0; i < count; i++) {
		hc_address at = block->address + (uint64_t)edges[i].place * propagation->format.size;

		if (at >= shape_end &&
			claim_shape_at(propagation, block->owner, at,
				&(struct words){ block->address, block->address + block->size, block->size },
				&shape_end))
			*ret_taken |= (uint32_t)1 << i;
	}
	return shape_end;
}

/* Words of BLOCK that were read ahead. */
static void follow_row(
	hc_propagation *propagation, const struct searched *block, const hc_word_edge *edges, uint32_t count)
{
	const uint32_t *owner_of = propagation->types->owner_of;
	hc_address shape_end = block->address;

	for (uint32_t first = 0; first < count; first += BATCH_WORDS) {
		unsigned batch = MIN(count - first, BATCH_WORDS);
		uint32_t taken;

		for (unsigned i = 0; i < batch; i++)
			__builtin_prefetch(&owner_of[edges[first + i].to], 1);
		shape_end = claim_shapes(propagation, block, edges + first, batch, shape_end, &taken);
		for (unsigned i = 0; i < batch; i++) {
			hc_spot spot = { .number = edges[first + i].to };
			hc_word word;

			if (!(taken >> i & 1) && can_matter(propagation, &spot, block->owner, owner_of[spot.number]) &&
				find_spot(propagation, block, &edges[first + i], &word, &spot))
				follow_spot(propagation, block->owner, &word, &spot);
		}
	}
}

struct encoded {
	hc_propagation *propagation;
	const struct searched *block;
};

static void follow_encoded(void *data, uint64_t offset, hc_address target)
{
	const struct encoded *encoded = data;
	hc_word word = { .value = target, .offset = offset, .size = encoded->block->size };
	hc_spot spot;

	if (hc_propagation_locate(encoded->propagation, target, &spot))
		follow_spot(encoded->propagation, encoded->block->owner, &word, &spot);
}

/* The encoded pointers of BLOCK; ONLY: those to blocks that no address leads to. */
static void search_encoded(hc_propagation *propagation, const struct searched *block, bool only)
{
	struct encoded encoded = { propagation, block };

	hc_references_each_encoded(
		propagation->types->references, block->granule, only, follow_encoded, &encoded);
}

void hc_propagation_search(hc_propagation *propagation, hc_owner *owner, hc_address address, uint32_t number)
{
	const hc_blocks *blocks = propagation->blocks;
	const hc_block_region *region = hc_blocks_region(blocks, address);
	struct searched block = { owner_below(propagation, owner), region, hc_blocks_granule(blocks, region, address),
		address, 0 };
	const hc_word_edge *edges;
	uint32_t count;

	if (is_of_shape(propagation, owner, number))
		return;
	block.size = hc_blocks_size_in_index(blocks, region, block.granule);
	if (propagation->rows && hc_word_rows_get(propagation->rows, number, &edges, &count)) {
		follow_row(propagation, &block, edges, count);
	} else {
		block.size = hc_blocks_usable_size(blocks, region, address);
		follow_words(propagation, block.owner, address, address + block.size, block.size);
	}
	search_encoded(propagation, &block, true);
}

void hc_propagation_search_piece(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	hc_spot block;

	if (!hc_propagation_locate(propagation, address, &block))
		return;
	hc_address end = block.address + hc_blocks_usable_size(propagation->blocks, block.region, block.address);

	follow_words(propagation, owner, address, MIN(end, address + PIECE_BYTES), 0);
}

void hc_propagation_search_range(hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end)
{
	follow_words(propagation, owner, start, end, 0);
}

void hc_types_search_untyped(hc_propagation *propagation)
{
	hc_types *types = propagation->types;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block) && !propagation->failed) {
		uint32_t number = block.state == HC_BLOCK_IN_USE ? types->owner_of[block.number] : HC_OWNER_CLOSED;

		/* Not those that wait since this loop began: they are farther away. */
		if (number && number != HC_OWNER_CLOSED && hc_owner_is_opaque(hc_types_owner(types, number)) &&
			hc_take_bit(propagation->searched, block.number))
			hc_propagation_search(propagation, hc_types_owner(types, number), block.address, block.number);
	}
}

/* Bytes of blocks that something holds, and that nobody has. */
static uint64_t unowned_bytes(const hc_propagation *propagation)
{
	const hc_types *types = propagation->types;
	hc_block_iterator iterator;
	hc_block block;
	uint64_t bytes = 0;

	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_IN_USE && !types->owner_of[block.number] &&
			!hc_reach_is_lost(hc_references_reach(types->references, block.number)))
			bytes += block.size;
	return bytes;
}

/* What a container has behind its elements is left over. Elements that are the nodes may have more than the list knows of. */
static bool is_buffer(const hc_owner *owner)
{
	return owner->is_index || owner->shape || (owner->layout && !owner->is_intrusive);
}

/* Words of typed blocks, of buffers or of all others. */
static void search_typed(hc_propagation *propagation, bool buffers)
{
	hc_types *types = propagation->types;
	hc_block_iterator iterator;
	hc_block block;
	uint64_t all = hc_blocks_amount(propagation->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes;

	if (unowned_bytes(propagation) <= all / LITTLE_UNOWNED)
		return;
	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block) && !propagation->failed) {
		uint32_t number = block.state == HC_BLOCK_IN_USE ? types->owner_of[block.number] : HC_OWNER_CLOSED;

		if (number && number != HC_OWNER_CLOSED && !hc_owner_is_opaque(hc_types_owner(types, number)) &&
			is_buffer(hc_types_owner(types, number)) == buffers &&
			hc_take_bit(propagation->searched, block.number))
			hc_propagation_search(
				propagation, hc_types_owner(types, number), block.address, block.number);
	}
}

/*
 * Words of typed blocks where the type says nothing: behind the declared part (structs that begin with a common head, arrays declared
 * with one element), in padding and in integers.
 */
void hc_types_search_typed(hc_propagation *propagation)
{
	search_typed(propagation, false);
}

/* Elements may have storage that no type tells of: a hash table's slots, an object that is made where it lies. */
void hc_types_search_buffers(hc_propagation *propagation)
{
	search_typed(propagation, true);
}

/* Once more, for encoded pointers to blocks that addresses lead to as well: so far only such as may be left over, on stacks. */
void hc_types_search_encoded(hc_propagation *propagation)
{
	hc_types *types = propagation->types;
	hc_block_iterator iterator;
	hc_block block;
	uint64_t all = hc_blocks_amount(propagation->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes;

	if (!hc_references_get_totals(types->references)->encoded.blocks ||
		unowned_bytes(propagation) <= all / LITTLE_UNOWNED)
		return;
	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block) && !propagation->failed) {
		uint32_t number = block.state == HC_BLOCK_IN_USE ? types->owner_of[block.number] : HC_OWNER_CLOSED;
		hc_owner *owner = number && number != HC_OWNER_CLOSED ? hc_types_owner(types, number) : NULL;

		if (!owner || is_buffer(owner))
			continue;
		const hc_block_region *region = hc_blocks_region(propagation->blocks, block.address);
		const struct searched searched = { owner_below(propagation, owner), region,
			hc_blocks_granule(propagation->blocks, region, block.address), block.address, block.size };

		search_encoded(propagation, &searched, false);
	}
}
