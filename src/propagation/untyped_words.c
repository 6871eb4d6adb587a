/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a word of untyped memory leads, and what that is worth.
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
#include "propagation/passes.h"

enum {
	HEADER_MAX = 128, /* bytes in front of the first object of a pool's page */
	FRONT_MAX = 32,	  /* bytes of a header in front of an array */
	ARRAY_LEAST = 8,  /* words of what may be an array of pointers */
	ARRAY_TRIED = 4,  /* of these are looked at */
	COUNT_NEAR = 3,	  /* words from a pointer to an array to the number of its items, at most */
	COUNT_SHARE = 4,  /* one in so many of the items that there is room for is in use, at least */
	ROOM_LEAST = 16,  /* items that an array has room for; fewer fit anything */
	ITEM_MAX = 512,	  /* bytes of an item of such an array */
	ROUNDED_UP = 32,  /* malloc's blocks have less than this too much */
	TABLE_LEAST = 4	  /* words of a batch that lead to blocks of one size are a table */
};

/* A pointer into the middle of a block that other words lead to by its start does not hold it. */
static bool holds(const hc_propagation *propagation, const hc_spot *spot, hc_address value)
{
	return value == spot->address ||
	       hc_references_holds(propagation->types->references,
		       hc_blocks_granule(propagation->blocks, spot->region, spot->address), value);
}

bool hc_propagation_may_be_piece(const hc_propagation *propagation, const hc_spot *spot, const hc_owner *owner)
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
		       hc_propagation_may_be_piece(propagation, spot, owner));
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
void hc_propagation_follow_spot(hc_propagation *propagation, hc_owner *owner, const hc_word *word, const hc_spot *spot)
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
		if (word->value % propagation->format.size == 0 &&
			hc_propagation_may_be_piece(propagation, spot, owner) &&
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
		hc_propagation_follow_spot(propagation, edge->owner, &word, &spot);
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

uint64_t hc_propagation_end_of(const hc_propagation *propagation, uint32_t number)
{
	size_t end = GPOINTER_TO_SIZE(g_hash_table_lookup(propagation->ends, GUINT_TO_POINTER(number)));

	return end ? end - 1 : UINT64_MAX;
}

/* ---- words of one piece of memory ---- */

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
	uint64_t sizes[HC_BATCH_WORDS] = { 0 };
	unsigned same[HC_BATCH_WORDS] = { 0 }, addresses[HC_BATCH_WORDS] = { 0 };
	bool begins[HC_BATCH_WORDS] = { false };

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
void hc_propagation_follow_batch(hc_propagation *propagation, hc_owner *owner, hc_word *words, unsigned count)
{
	hc_spot spots[HC_BATCH_WORDS];
	bool is_found[HC_BATCH_WORDS];

	for (unsigned i = 0; i < count; i++) {
		is_found[i] = hc_propagation_locate(propagation, words[i].value, &spots[i]);
		if (is_found[i])
			__builtin_prefetch(&propagation->types->owner_of[spots[i].number], 1);
	}
	if (count >= TABLE_LEAST)
		find_table(propagation, words, spots, is_found, count);
	for (unsigned i = 0; i < count; i++)
		if (is_found[i])
			hc_propagation_follow_spot(propagation, owner, &words[i], &spots[i]);
		else if (hc_parcels_may_contain(propagation->types->parcels, words[i].value))
			hc_propagation_follow_outside(propagation, owner, words[i].value, words[i].address);
}
