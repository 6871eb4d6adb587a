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
 * Where a word leads, and what that is worth: untyped_words.c.
 */
#include "base/bits.h"
#include "propagation/owned_blocks.h"
#include "propagation/passes.h"

enum {
	LITTLE_UNOWNED = 1000, /* a share of all: typed blocks are not searched for the sake of less */
	STRUCTURE_MAX = 4096,  /* bytes of a block that may be one structure; larger ones are arrays */
	PIECE_BYTES = 128,     /* so much is looked at of what lies in the middle of a block */
};

bool hc_propagation_is_opaque(const hc_owner *owner)
{
	if (owner->layout)
		return !hc_layout_element(owner->layout) && !hc_layout_is_single(owner->layout) && !owner->is_index;
	if (owner->certainty == HC_CERTAINTY_UNKNOWN)
		return true;
	/* Of some structures that are only declared a description knows more. */
	return owner->type && hc_type_get_kind(owner->type) == HC_TYPE_INCOMPLETE &&
	       !(owner->plan && owner->plan->parts->len);
}

/* The owner of what an untyped block of OWNER leads to: all of it is one step. */
static hc_owner *owner_below(hc_propagation *propagation, hc_owner *owner)
{
	if (owner->layout && hc_propagation_is_opaque(owner))
		return hc_owners_element(propagation->owners, owner, 0, NULL, NULL);
	if (owner->layout)
		return hc_owners_beyond(propagation->owners, owner);
	if (!owner->type || owner->certainty == HC_CERTAINTY_UNKNOWN)
		return owner;
	if (hc_propagation_is_opaque(owner))
		return hc_owners_target(
			propagation->owners, owner, 0, HC_STEP_TARGET, NULL, NULL, HC_CERTAINTY_UNKNOWN);
	return hc_owners_beyond(propagation->owners, owner);
}

/* Where in the elements of a shape, or in a block of OWNER, the head of a shape is. */
static hc_shape_place place_of(const hc_owner *owner, uint64_t offset, uint64_t size)
{
	const hc_owner *container = owner->step == HC_STEP_ELEMENT ? owner->parent : NULL;

	/* In an array of them, whose size is another one in the next core, they are all one place. */
	if (size > STRUCTURE_MAX)
		return (hc_shape_place){ 0 };
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

/*
 * Whether the word at AT is the first of a shape; then it is claimed. *RET_END: where its head ends. *RET_ROOM: where, behind a string's, what a
 * short text would have ends.
 */
static bool claim_shape_at(hc_propagation *propagation, hc_owner *owner, hc_address at, const struct words *words,
	hc_address *ret_end, hc_address *ret_room)
{
	hc_shape shape;

	if (!hc_propagation_find_shape(propagation, at, &shape))
		return false;
	bool is_here = shape.head <= at && at < shape.end;

	/* Behind the end is another block's. */
	if (is_here && (shape.head < words->start || shape.end > words->end)) {
		hc_shapes_refuse(propagation->shapes);
		return false;
	}
	/* A ring may be met at one of its nodes: its head is elsewhere, and so may its owner be. */
	hc_shape_place place = is_here ? place_of(owner, shape.head - words->start, words->size) :
					 (hc_shape_place){ 0 };

	hc_propagation_claim_shape(propagation, owner, &shape, &place);
	*ret_end = is_here ? shape.end : at;
	/* Of libstdc++, whose first word leads to the text: behind that are length and capacity, and the other half of a short text's room. */
	if (shape.kind == HC_SHAPE_STRING && shape.head == at)
		*ret_room = shape.end + propagation->format.size;
	return true;
}

/* The words of [start, end). BLOCK: that begins at START, of SIZE usable bytes; NULL: they are in the middle of one. */
static void follow_words(
	hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end, const hc_spot *block)
{
	unsigned word_size = propagation->format.size, count = 0;
	uint64_t size = block ? end - start : 0,
		 in_use = block ? hc_propagation_end_of(propagation, block->number) : UINT64_MAX;
	hc_address last[3] = { 0 };
	hc_word words[HC_BATCH_WORDS];
	hc_address shape_end = start, room_end = start;

	/* A block whose header cannot be read ends before START. */
	for (hc_address at = start; at < end && end - at >= word_size; at += word_size) {
		hc_word *word = &words[count];

		*word = (hc_word){ .offset = at - start,
			.size = size,
			.block = block ? start : 0,
			.address = at,
			.is_behind_end = at - start >= in_use,
			.is_room = at >= shape_end && at < room_end };
		if (!hc_propagation_load(propagation, at, &word->value))
			continue;
		last[0] = last[1], last[1] = last[2], last[2] = word->value;
		if (last[0] <= last[1] && last[1] < last[2] && hc_blocks_may_contain(propagation->blocks, last[0]))
			hc_propagation_note_vector(propagation, last);
		if (!hc_blocks_may_contain(propagation->blocks, word->value)) {
			if (hc_parcels_may_contain(propagation->types->parcels, word->value))
				hc_propagation_follow_outside(propagation, owner, word->value, at);
			continue;
		}
		if (at >= shape_end && !word->is_room &&
			claim_shape_at(
				propagation, owner, at, &(struct words){ start, end, size }, &shape_end, &room_end))
			continue;
		if (word->value == at + 2 * word_size && hc_shapes_is_short_string(propagation->shapes, at)) {
			shape_end = at + 2 * word_size;
			room_end = shape_end + HC_SHAPE_SHORT_TEXT;
			continue;
		}
		hc_container_set_prefetch(propagation->types->set, word->value, false);
		if (++count == HC_BATCH_WORDS) {
			hc_propagation_follow_batch(propagation, owner, words, count);
			count = 0;
		}
	}
	hc_propagation_follow_batch(propagation, owner, words, count);
}

/* Whether block NUMBER, which was OWNER's, was found to be a part of a shape: that has looked into it. */
static bool is_of_shape(const hc_propagation *propagation, const hc_owner *owner, uint32_t number)
{
	uint32_t current = propagation->types->owner_of[number];

	return current != owner->number && current && current != HC_OWNER_CLOSED &&
	       hc_types_owner(propagation->types, current)->shape;
}

struct encoded {
	hc_propagation *propagation;
	hc_owner *owner;
	uint64_t size; /* usable bytes of the block */
};

static void follow_encoded(void *data, uint64_t offset, hc_address target)
{
	const struct encoded *encoded = data;
	hc_word word = { .value = target, .offset = offset, .size = encoded->size };
	hc_spot spot;

	if (hc_propagation_locate(encoded->propagation, target, &spot))
		hc_propagation_follow_spot(encoded->propagation, encoded->owner, &word, &spot);
}

/* The encoded pointers of BLOCK; ONLY: those to blocks that no address leads to. What they lead to is OWNER's. */
static void search_encoded(hc_propagation *propagation, hc_owner *owner, const hc_spot *block, bool only)
{
	struct encoded encoded = { propagation, owner,
		hc_blocks_usable_size(propagation->blocks, block->region, block->address) };

	hc_references_each_encoded(propagation->types->references, block->granule, only, follow_encoded, &encoded);
}

void hc_propagation_search(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	hc_owner *below = owner_below(propagation, owner);
	hc_spot block;

	if (!hc_propagation_locate(propagation, address, &block) || is_of_shape(propagation, owner, block.number))
		return;
	uint64_t size = hc_blocks_usable_size(propagation->blocks, block.region, address);

	follow_words(propagation, below, address, address + size, &block);

	search_encoded(propagation, below, &block, true);
}

/* Where the next piece of BLOCK begins behind the one at ADDRESS, if that is before END; else END. */
static hc_address end_of_piece(
	const hc_propagation *propagation, const hc_spot *block, hc_address address, hc_address end)
{
	uint64_t bytes = (uint64_t)1 << propagation->blocks->granule_shift, granule = block->granule;

	for (hc_address at = (address & -bytes) + bytes; at < end; at += bytes)
		if (hc_bit(propagation->pieces, ++granule))
			return at;
	return end;
}

void hc_propagation_search_piece(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	hc_spot block;

	if (!hc_propagation_locate(propagation, address, &block))
		return;
	if (hc_propagation_is_pool(propagation, &block)) {
		hc_address piece_end;

		if (hc_propagation_take_piece(propagation, owner, &block, address, &piece_end))
			follow_words(propagation, owner_below(propagation, owner),
				address & -(hc_address)propagation->format.size, piece_end, NULL);
		return;
	}
	hc_address end = block.address + hc_blocks_usable_size(propagation->blocks, block.region, block.address);

	/* Whose the block is may be known by now. */
	if (propagation->types->owner_of[block.number] && !hc_propagation_may_be_piece(propagation, &block, owner))
		return;
	end = MIN(end, address + PIECE_BYTES);
	follow_words(propagation, owner, address, end_of_piece(propagation, &block, address, end), NULL);
}

void hc_propagation_search_parcel(hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end)
{
	follow_words(propagation, owner_below(propagation, owner), start, end, NULL);
}

void hc_propagation_search_range(hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end)
{
	follow_words(propagation, owner, start, end, NULL);
}

static bool is_pool(hc_propagation *propagation, hc_address address)
{
	hc_spot spot;

	return hc_propagation_locate(propagation, address, &spot) && hc_propagation_is_pool(propagation, &spot);
}

/* Looks into BLOCK, which is OWNER's, unless that waits already, or was done. */
static void search_block(hc_propagation *propagation, hc_owner *owner, const hc_block *block)
{
	if (!is_pool(propagation, block->address) && hc_take_bit(propagation->searched, block->number))
		hc_propagation_search(propagation, owner, block->address);
}

void hc_types_search_untyped(hc_propagation *propagation)
{
	hc_types *types = propagation->types;
	hc_owned_blocks owned;
	hc_block block;

	hc_owned_blocks_begin(&owned, types, hc_propagation_is_opaque, false);
	while (!propagation->failed && hc_owned_blocks_next(&owned, &block)) {
		hc_owner *owner = hc_types_owner(types, types->owner_of[block.number]);

		/* Not those that wait since this loop began: they are farther away. */
		if (hc_propagation_is_opaque(owner))
			search_block(propagation, owner, &block);
	}
	hc_owned_blocks_end(&owned);
}

static bool is_nobody(const hc_owner *owner)
{
	return !owner;
}

/* Whether more than next to nothing of what something holds is nobody's. */
static bool is_much_unowned(hc_propagation *propagation)
{
	const hc_types *types = propagation->types;
	uint64_t few = hc_blocks_amount(propagation->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes / LITTLE_UNOWNED;
	uint64_t bytes = 0;
	hc_owned_blocks owned;
	hc_block block;

	/* Who has a block keeps it, or gives it to another one: so it does not become more. */
	if (propagation->is_little_unowned)
		return false;
	hc_owned_blocks_begin(&owned, types, is_nobody, true);
	while (bytes <= few && hc_owned_blocks_next(&owned, &block))
		if (!hc_reach_is_lost(hc_references_reach(types->references, block.number)))
			bytes += block.size;
	hc_owned_blocks_end(&owned);
	propagation->is_little_unowned = bytes <= few;
	return bytes > few;
}

/* What a container has behind its elements is left over. Elements that are the nodes may have more than the list knows of. */
static bool is_buffer(const hc_owner *owner)
{
	return owner->is_index || owner->shape || (owner->layout && !owner->is_intrusive);
}

static bool is_typed_buffer(const hc_owner *owner)
{
	return is_buffer(owner) && !hc_propagation_is_opaque(owner);
}

static bool is_typed_other(const hc_owner *owner)
{
	return !is_buffer(owner) && !hc_propagation_is_opaque(owner);
}

/* Words of the blocks of typed owners that are WANTED. */
static void search_typed(hc_propagation *propagation, bool (*wanted)(const hc_owner *owner))
{
	hc_types *types = propagation->types;
	hc_owned_blocks owned;
	hc_block block;

	if (!is_much_unowned(propagation))
		return;
	hc_owned_blocks_begin(&owned, types, wanted, false);
	while (!propagation->failed && hc_owned_blocks_next(&owned, &block)) {
		hc_owner *owner = hc_types_owner(types, types->owner_of[block.number]);

		if (wanted(owner))
			search_block(propagation, owner, &block);
	}
	hc_owned_blocks_end(&owned);
}

/*
 * Words of typed blocks where the type says nothing: behind the declared part (structs that begin with a common head, arrays declared
 * with one element), in padding and in integers.
 */
void hc_types_search_typed(hc_propagation *propagation)
{
	search_typed(propagation, is_typed_other);
}

/* Elements may have storage that no type tells of: a hash table's slots, an object that is made where it lies. */
void hc_types_search_buffers(hc_propagation *propagation)
{
	search_typed(propagation, is_typed_buffer);
}

static bool is_no_buffer(const hc_owner *owner)
{
	return !is_buffer(owner);
}

/* Once more, for encoded pointers to blocks that addresses lead to as well: so far only such as may be left over, on stacks. */
void hc_types_search_encoded(hc_propagation *propagation)
{
	hc_types *types = propagation->types;
	hc_owned_blocks owned;
	hc_block block;

	if (!hc_references_get_totals(types->references)->encoded.blocks || !is_much_unowned(propagation))
		return;
	hc_owned_blocks_begin(&owned, types, is_no_buffer, false);
	while (!propagation->failed && hc_owned_blocks_next(&owned, &block)) {
		hc_owner *owner = hc_types_owner(types, types->owner_of[block.number]);
		hc_spot spot;

		if (is_no_buffer(owner) && hc_propagation_locate(propagation, block.address, &spot))
			search_encoded(propagation, owner_below(propagation, owner), &spot, false);
	}
	hc_owned_blocks_end(&owned);
}
