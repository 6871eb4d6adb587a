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
 *
 * Not every word is worth as much. What is left over from what had the memory before leads to blocks of anybody's, and may be nearer than
 * who holds them. So a word that leads to one of many blocks of a size has to be one of many, too: its like has such a pointer in most
 * blocks of its size, or its neighbours lead to such blocks; or the node leads back to it. One to an array of pointers has to have a
 * number of its items beside it. Else it is some steps behind. Words that are
 * likely to be strays, or aliases (links.c), and those behind the end of a vector, are followed when nothing else is left. So are those that stand
 * where a string would have its text if that was short, or where a short one has no more characters; and if their like do not have pointers there,
 * which a structure of C might that looks like a string, what stacks lead to comes before them.
 *
 * A pointer into the middle of a block that others lead to by its start holds nothing, but in memory that a library gives out parts of;
 * and where a frame has the number of items beside it that fill the block from there on, for then calls may have left what leads to the start.
 * Whether it is a library's is known when that has had time to claim it.
 */
#include "base/bits.h"
#include "propagation/owned_blocks.h"
#include "propagation/passes.h"

enum {
	LITTLE_UNOWNED = 1000, /* a share of all: typed blocks are not searched for the sake of less */
	BATCH_WORDS = 32,      /* words whose targets are fetched together */
	STRUCTURE_MAX = 4096,  /* bytes of a block that may be one structure; larger ones are arrays */
	PIECE_BYTES = 128,     /* so much is looked at of what lies in the middle of a block */
	HEADER_MAX = 128,      /* bytes in front of the first object of a pool's page */
	FRONT_MAX = 32,	       /* bytes of a header in front of an array */
	ARRAY_LEAST = 8,       /* words of what may be an array of pointers */
	ARRAY_TRIED = 4,       /* of these are looked at */
	COUNT_NEAR = 3,	       /* words from a pointer to an array to the number of its items, at most */
	COUNT_SHARE = 4,       /* one in so many of the items that there is room for is in use, at least */
	ROOM_LEAST = 16,       /* items that an array has room for; fewer fit anything */
	ITEM_MAX = 512,	       /* bytes of an item of such an array */
	ROUNDED_UP = 32,       /* malloc's blocks have less than this too much */
	TABLE_LEAST = 4	       /* words of a batch that lead to blocks of one size are a table */
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

/* ---- words ---- */

/* A word, and the block that holds it. */
typedef struct hc_word {
	hc_address value;
	uint64_t offset;	   /* in the block */
	uint64_t size;		   /* usable bytes of the block; 0: it is in none */
	hc_address block, address; /* the block; where the word stands. 0: in none; in a register */
	uint64_t target;	   /* usable bytes of the block that it leads to; 0: not asked yet */
	bool is_table;		   /* others beside it lead to blocks of the same size */
	bool is_behind_end;	   /* of what is in use of the block */
	bool is_room;		   /* in a string, for characters that are elsewhere, or are fewer */
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

/* ---- what a word is worth ---- */

typedef enum {
	WORTH_LINK,  /* it is a part of the structure that holds it */
	WORTH_MUCH,  /* others like it say the same; or there is nothing to compare it with */
	WORTH_LESS,  /* it stands alone, and leads to one of many */
	WORTH_STRAY, /* it is likely to be left over, or a number; or others lead to the start of what it leads into */
	WORTH_ALIAS, /* it leads into the middle of what somebody else leads to the beginning of, or malloc has left it */
} worth;

/* Whether the block at SPOT, of SIZE bytes, begins with pointers to blocks of one size. */
static bool is_array_of_pointers(hc_propagation *propagation, const hc_spot *spot, uint64_t size)
{
	unsigned word_size = propagation->format.size;
	uint64_t first = 0;
	hc_spot item;

	if (size < ARRAY_LEAST * (uint64_t)word_size)
		return false;
	for (unsigned i = 0; i < ARRAY_TRIED; i++) {
		if (!hc_propagation_locate_target(propagation, spot->address + i * word_size, &item))
			return false;
		uint64_t target = hc_blocks_usable_size(propagation->blocks, item.region, item.address);

		if (i && target != first)
			return false;
		first = target;
	}
	return true;
}

/* Whether a word beside WORD tells how many items an array of SIZE bytes has: an integer, or a pointer to where they end. */
static bool is_counted(hc_propagation *propagation, const hc_word *word, const hc_spot *spot, uint64_t size)
{
	int word_size = (int)propagation->format.size;
	uint64_t most = size / (unsigned)word_size, value;

	for (int i = -COUNT_NEAR; word->address && i <= COUNT_NEAR; i++) {
		hc_address at = word->address + (hc_address)(int64_t)(i * word_size);

		if (!i || (word->block && at - word->block >= word->size) ||
			!hc_propagation_load(propagation, at, &value))
			continue;
		if (value > spot->address && value <= spot->address + size + (unsigned)word_size)
			return true;
		/* Of two integers of half a word each one may be it. */
		uint64_t half = word_size == 8 ? value & UINT32_MAX : value;

		if (half <= most && half >= most / COUNT_SHARE)
			return true;
	}
	return false;
}

/*
 * Whether WORD, of a block, is what malloc writes into a chunk that is free (malloc.c: fd, bk): the address of another chunk, two words in
 * front of what malloc gives out. Where that is in use again it is the last word of the block at SPOT, of SIZE bytes, which lies in front.
 */
static bool is_of_free_chunk(const hc_propagation *propagation, const hc_word *word, const hc_spot *spot, uint64_t size)
{
	return word->block && word->value % propagation->blocks->alignment == 0 &&
	       word->value - spot->address == size - propagation->format.size;
}

/* Of WORD, which leads to the start of the block at SPOT, or holds it from its middle. */
static worth worth_of(hc_propagation *propagation, const hc_word *word, const hc_spot *spot)
{
	uint64_t size = word->target ? word->target :
				       hc_blocks_usable_size(propagation->blocks, spot->region, spot->address);
	hc_word_place from = word->block ? (hc_word_place){ word->block, word->block + word->size } :
					   hc_place_of_root_word(word->address);

	if (word->size && size == word->size && !word->is_behind_end &&
		hc_propagation_is_link(propagation, size, word->offset))
		return hc_propagation_is_answered(propagation, spot, size, word->block, word->offset) ? WORTH_LINK :
													WORTH_STRAY;
	hc_word_support support = word->size ?
					  hc_propagation_support(propagation, word->block, word->size, word->offset) :
					  HC_SUPPORT_UNKNOWN;
	hc_entry entry = hc_propagation_entry(propagation, spot, size, &from);

	if (entry == HC_ENTRY_ALIAS || is_of_free_chunk(propagation, word, spot, size))
		return WORTH_ALIAS;
	if (support == HC_SUPPORT_STRAY || word->is_behind_end || word->is_room)
		return WORTH_STRAY;
	/*
	 * Behind a header there may be what the block is there for; what many words beside each other lead into
	 * is known to them by its middle (a page cache has its header at the page's end).
	 */
	if (word->value != spot->address && hc_propagation_is_started(propagation, spot->number))
		return word->value - spot->address <= HEADER_MAX || word->is_table ? WORTH_LESS : WORTH_STRAY;
	if (is_array_of_pointers(propagation, spot, size) && !is_counted(propagation, word, spot, size))
		return WORTH_LESS;
	return entry == HC_ENTRY_HEAD || support == HC_SUPPORT_COMMON || word->is_table ||
			       !hc_propagation_is_one_of_many(propagation, spot->address, size) ?
		       WORTH_MUCH :
		       WORTH_LESS;
}

/* The block at SPOT is OWNER's, and waits for its own words to be followed; IS_LINK: they are next. */
static void claim_block(hc_propagation *propagation, const hc_owner *owner, const hc_spot *spot, bool is_link)
{
	hc_edge block = { .value = spot->address, .owner = owner->number, .part = HC_EDGE_UNTYPED };

	if (!hc_propagation_claim(propagation, spot->number, owner) ||
		!hc_take_bit(propagation->searched, spot->number))
		return;
	if (is_link)
		hc_propagation_defer_first(propagation, &block);
	else
		hc_propagation_defer_edge(propagation, &block, HC_CERTAINTY_GUESS);
}

/* Whether WORD is in the room of a string, and nothing says that it is a structure's of C that looks like one. */
static bool is_in_string(hc_propagation *propagation, const hc_word *word)
{
	return word->is_room && !(word->size && hc_propagation_support(propagation, word->block, word->size,
							word->offset) == HC_SUPPORT_COMMON);
}

/* What WORD leads to is OWNER's, or will be unless somebody else has it when its time has come. */
static void take(hc_propagation *propagation, const hc_owner *owner, const hc_word *word, const hc_spot *spot)
{
	hc_edge later = { .value = word->value, .owner = owner->number, .part = HC_EDGE_WORD };
	worth worth_it = owner->is_unused ? WORTH_ALIAS : worth_of(propagation, word, spot);

	if (is_in_string(propagation, word) && hc_propagation_defer_last(propagation, &later))
		return;
	if ((worth_it == WORTH_LESS && hc_propagation_defer_steps(propagation, &later, HC_LATE_STEPS - 1)) ||
		(worth_it >= WORTH_STRAY && hc_propagation_defer_stray(propagation, &later, worth_it == WORTH_ALIAS)))
		return;
	claim_block(propagation, owner, spot, worth_it == WORTH_LINK);
}

/* Whether WORD is in a block, where its like say that it is left over. */
static bool is_left_over(hc_propagation *propagation, const hc_word *word)
{
	return word->is_behind_end || word->is_room ||
	       (word->size &&
		       hc_propagation_support(propagation, word->block, word->size, word->offset) == HC_SUPPORT_STRAY);
}

/* A piece of the block at SPOT. It waits if the block may yet become somebody's who has the piece, too. */
static void take_piece(hc_propagation *propagation, const hc_owner *owner, const hc_word *word, const hc_spot *spot)
{
	hc_edge edge = { .value = word->value, .owner = owner->number, .part = HC_EDGE_PIECE };

	if (is_left_over(propagation, word))
		hc_propagation_defer_stray(propagation, &edge, true);
	else if (propagation->types->owner_of[spot->number] ||
		 !hc_propagation_defer_steps(propagation, &edge, HC_LATE_STEPS - 2))
		hc_propagation_defer_edge(propagation, &edge, HC_CERTAINTY_GUESS);
}

/* WORD leads to an object in a pool. What hangs together there is one step: no word from elsewhere gets between. */
static void follow_into_pool(
	hc_propagation *propagation, const hc_owner *owner, const hc_word *word, const hc_spot *spot)
{
	hc_edge edge = { .value = word->value, .owner = owner->number, .part = HC_EDGE_PIECE };
	hc_spot from;

	if (hc_propagation_is_taken_piece(propagation, spot))
		return;
	if (is_left_over(propagation, word))
		hc_propagation_defer_stray(propagation, &edge, false);
	else if (!word->block && word->address && hc_propagation_locate(propagation, word->address, &from))
		hc_propagation_defer_first(propagation, &edge);
	else
		hc_propagation_defer_edge(propagation, &edge, HC_CERTAINTY_GUESS);
}

/* Whether WORD, which leads to the block at SPOT, is not left over: it is a root's, or a link among nodes of one size. */
static bool is_sure(hc_propagation *propagation, const hc_word *word, const hc_spot *spot)
{
	hc_spot from;

	if (!word->size)
		return !hc_propagation_locate(propagation, word->address, &from);
	return hc_blocks_usable_size(propagation->blocks, spot->region, spot->address) == word->size &&
	       hc_propagation_is_link(propagation, word->size, word->offset);
}

/*
 * Whether WORD leads to what lies behind a short header of the block at SPOT, or has flags in the lowest bits of the block's address: it is
 * better than what leads to the block's start from a frame alone, which malloc's answer is left over in.
 */
static bool may_be_front(hc_propagation *propagation, const hc_word *word, const hc_spot *spot)
{
	uint64_t offset = word->value - spot->address;
	bool is_aligned = word->value % propagation->format.size == 0;

	return ((offset <= FRONT_MAX && is_aligned) || offset < propagation->format.size) &&
	       !is_left_over(propagation, word);
}

/* Whether an array of BYTES, of which malloc's may have ROUNDED too many, has room for just so many items. */
static bool is_room_of(uint64_t items, uint64_t bytes, uint64_t rounded)
{
	if (items < ROOM_LEAST || items > bytes)
		return false;
	uint64_t item = bytes / items;

	return item <= ITEM_MAX && (item % 8 == 0 || (item & (item - 1)) == 0) && bytes - items * item < rounded;
}

/*
 * Whether WORD, of a frame, leads behind a short header of the block at SPOT, and a number beside it says how many items there is room for:
 * that many fill the block to its end. It is an array, as protobuf's RepeatedField has one, not what a call has left there.
 */
static bool is_array_in_frame(
	hc_propagation *propagation, const hc_owner *owner, const hc_word *word, const hc_spot *spot)
{
	const hc_named_root *root = hc_owner_root(owner);
	int word_size = (int)propagation->format.size;
	uint64_t size, bytes, rounded, value;

	if (word->size || !word->address || !root || root->kind != HC_PLACE_STACK || root->frame < 0)
		return false;
	size = hc_blocks_usable_size(propagation->blocks, spot->region, spot->address);
	if (size <= word->value - spot->address)
		return false;
	bytes = size - (word->value - spot->address);
	rounded = spot->region->region.is_mmapped ? propagation->page_size : ROUNDED_UP;
	for (int i = -COUNT_NEAR; i <= COUNT_NEAR; i++)
		if (i &&
			hc_propagation_load(
				propagation, word->address + (hc_address)(int64_t)(i * word_size), &value) &&
			(is_room_of(value, bytes, rounded) ||
				(word_size == 8 && (is_room_of(value & UINT32_MAX, bytes, rounded) ||
							   is_room_of(value >> 32, bytes, rounded)))))
			return true;
	return false;
}

/* WORD is one of OWNER's, and leads to the block at SPOT. */
static void follow_spot(hc_propagation *propagation, hc_owner *owner, const hc_word *word, const hc_spot *spot)
{
	uint32_t current = propagation->types->owner_of[spot->number];

	if (hc_propagation_is_pool(propagation, spot)) {
		follow_into_pool(propagation, owner, word, spot);
		return;
	}
	if (!can_matter(propagation, spot, owner, current))
		return;
	if (!holds(propagation, spot, word->value)) {
		hc_edge front = { .value = word->value, .owner = owner->number, .part = HC_EDGE_WORD };

		if (!current && may_be_front(propagation, word, spot)) {
			if (is_array_in_frame(propagation, owner, word, spot))
				claim_block(propagation, owner, spot, false);
			else
				hc_propagation_defer_stray(propagation, &front, true);
		}
		if (word->value % propagation->format.size == 0 && may_be_piece(propagation, spot, owner) &&
			hc_take_bit(propagation->pieces, spot->granule))
			take_piece(propagation, owner, word, spot);
	} else if (current) {
		hc_owners_meet(owner, hc_types_owner(propagation->types, current), is_sure(propagation, word, spot));
	} else {
		take(propagation, owner, word, spot);
	}
}

void hc_propagation_follow_word(hc_propagation *propagation, const hc_root_edge *edge)
{
	hc_word word = { .value = edge->value, .address = edge->address, .is_table = edge->is_table };
	hc_spot spot;

	if (hc_propagation_locate(propagation, edge->value, &spot))
		follow_spot(propagation, edge->owner, &word, &spot);
}

void hc_propagation_take_word(hc_propagation *propagation, hc_owner *owner, hc_address value)
{
	hc_spot spot;

	if (!hc_propagation_locate(propagation, value, &spot) || hc_propagation_is_pool(propagation, &spot))
		return;
	uint32_t current = propagation->types->owner_of[spot.number];

	if (current && current != HC_OWNER_CLOSED)
		hc_owners_meet(owner, hc_types_owner(propagation->types, current), false);
	else if (!current)
		claim_block(propagation, owner, &spot, false);
}

/* ---- how much of a block is in use ---- */

/*
 * Three pointers side by side, to the start of a block and to two places in it, the last at least as far: a vector, of whose
 * elements the second is the end.
 */
static void note_end(hc_propagation *propagation, const hc_spot *start, hc_address end, hc_address capacity)
{
	uint64_t size = hc_blocks_usable_size(propagation->blocks, start->region, start->address);

	if (end >= start->address && capacity > end && capacity - start->address <= size + propagation->format.size &&
		(end - start->address) % propagation->format.size == 0)
		g_hash_table_insert(
			propagation->ends, GUINT_TO_POINTER(start->number), GSIZE_TO_POINTER(end - start->address + 1));
}

void hc_propagation_note_vector(hc_propagation *propagation, const hc_address words[3])
{
	hc_spot start;

	if (words[0] <= words[1] && words[1] < words[2] && hc_propagation_locate(propagation, words[0], &start) &&
		start.address == words[0])
		note_end(propagation, &start, words[1], words[2]);
}

/* Bytes in use of block NUMBER; UINT64_MAX: nobody said. */
static uint64_t end_of(const hc_propagation *propagation, uint32_t number)
{
	size_t end = GPOINTER_TO_SIZE(g_hash_table_lookup(propagation->ends, GUINT_TO_POINTER(number)));

	return end ? end - 1 : UINT64_MAX;
}

/* ---- all words ---- */

/* Whether the block at SPOT begins with what may be an address in the heap. */
static bool begins_with_address(hc_propagation *propagation, const hc_spot *spot)
{
	uint64_t value;

	return hc_propagation_load(propagation, spot->address, &value) &&
	       hc_blocks_may_contain(propagation->blocks, value);
}

/*
 * Tells which of WORDS stand among others that lead to blocks of the same size: they are items of an array. Among pointers to texts, one
 * to what begins with an address is none of them: its text is gone, and something else has its memory.
 */
static void find_table(
	hc_propagation *propagation, hc_word *words, const hc_spot *spots, const bool *is_found, unsigned count)
{
	uint64_t sizes[BATCH_WORDS] = { 0 };
	unsigned same[BATCH_WORDS] = { 0 }, addresses[BATCH_WORDS] = { 0 };
	bool begins[BATCH_WORDS] = { false };

	for (unsigned i = 0; i < count; i++)
		if (is_found[i] && !propagation->types->owner_of[spots[i].number])
			sizes[i] = hc_blocks_usable_size(propagation->blocks, spots[i].region, spots[i].address);
	for (unsigned i = 0; i < count; i++) {
		words[i].target = sizes[i];
		for (unsigned j = 0; sizes[i] && j < count; j++)
			same[i] += sizes[j] == sizes[i];
		begins[i] = same[i] >= TABLE_LEAST && begins_with_address(propagation, &spots[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; begins[i] && j < count; j++)
			addresses[i] += begins[j] && sizes[j] == sizes[i];
		words[i].is_table = same[i] >= TABLE_LEAST && (!begins[i] || addresses[i] >= TABLE_LEAST);
	}
}

/* Words that may be addresses. Where they lead is far apart in memory, so all that is needed of them is fetched before any is used. */
static void follow_batch(hc_propagation *propagation, hc_owner *owner, hc_word *words, unsigned count)
{
	hc_spot spots[BATCH_WORDS];
	bool is_found[BATCH_WORDS];

	for (unsigned i = 0; i < count; i++) {
		is_found[i] = hc_propagation_locate(propagation, words[i].value, &spots[i]);
		if (is_found[i])
			__builtin_prefetch(&propagation->types->owner_of[spots[i].number], 1);
	}
	if (count >= TABLE_LEAST)
		find_table(propagation, words, spots, is_found, count);
	for (unsigned i = 0; i < count; i++)
		if (is_found[i])
			follow_spot(propagation, owner, &words[i], &spots[i]);
		else if (hc_parcels_may_contain(propagation->types->parcels, words[i].value))
			hc_propagation_follow_outside(propagation, owner, words[i].value, words[i].address);
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
	uint64_t size = block ? end - start : 0, in_use = block ? end_of(propagation, block->number) : UINT64_MAX;
	hc_address last[3] = { 0 };
	hc_word words[BATCH_WORDS];
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
		follow_spot(encoded->propagation, encoded->owner, &word, &spot);
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
	if (propagation->types->owner_of[block.number] && !may_be_piece(propagation, &block, owner))
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
static bool is_much_unowned(const hc_propagation *propagation)
{
	const hc_types *types = propagation->types;
	uint64_t few = hc_blocks_amount(propagation->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes / LITTLE_UNOWNED;
	uint64_t bytes = 0;
	hc_owned_blocks owned;
	hc_block block;

	hc_owned_blocks_begin(&owned, types, is_nobody, true);
	while (bytes <= few && hc_owned_blocks_next(&owned, &block))
		if (!hc_reach_is_lost(hc_references_reach(types->references, block.number)))
			bytes += block.size;
	hc_owned_blocks_end(&owned);
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
