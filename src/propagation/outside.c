/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose is memory that is not malloc's?
 *
 * Objects of other allocators lie in mappings that are cut into parcels (parcels/). What leads to
 * one has it, as with blocks: a pointer with a type, a container's walk over its nodes; else a
 * word. And what the words of a parcel lead to, blocks or other parcels, is there for the sake of
 * the same owner. So a list of strings whose nodes another allocator has is the list's, strings and
 * all.
 *
 * Those allocators lead to whatever they have given out: from tables of slabs, and from one slab to
 * the next. What leads to parcels from data of libraries, or from what hangs on that, waits until
 * all that the program's own data leads to was followed, however long that way is; then what stands
 * on stacks. (If the program is its own allocator nothing tells the two apart: the nearest has the
 * parcel.)
 *
 * A word may be left over, or be no pointer (TBB's vectors keep where a segment would begin if it
 * had the elements before it, too), and lead into the middle of somebody's list. So a word from
 * elsewhere that leads to a parcel that another one leads to as well waits until all others were
 * followed, unless the parcel leads back to where the word stands, as a list's first node does.
 *
 * What a parcel has is known up to the next place that is led to: with what is free behind it, and
 * less if a word that is left over leads into its middle. So its bytes are never certain, but for a
 * container's whose elements have a size. Parcels that nobody has are free, or only their allocator
 * knows of them; words there begin paths of their own ("[anon]").
 *
 * What was on a free list when it was last used, and what hangs on that, comes after all of these, but before words that nobody has.
 *
 * What a runtime's books tell to be free nobody has, and what its words lead to has others; if it has none, it is told as what stacks have that
 * is left over.
 *
 * Each parcel is looked at once.
 */
#include "base/bits.h"
#include "base/pages.h"
#include "modules/modules.h"
#include "propagation/passes.h"

enum {
	WAITING_MAX = 1 << 22, /* words that wait; more do not */
	BACK_WORDS = 64,       /* so many words of a parcel are looked at for one that leads back */
	PARTS_MAX = 64,	       /* parcels that may be parts of one object, if somebody asks whether it fits */
};

static size_t bits_size(const hc_types *types)
{
	return (types->parcels->count / 64 + (size_t)1) * sizeof(uint64_t);
}

static bool turn_init(struct hc_outside_turn *turn, const hc_types *types)
{
	turn->words = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	turn->waits = hc_pages_create(bits_size(types));
	return turn->waits != NULL;
}

static void turn_clear(struct hc_outside_turn *turn, const hc_types *types)
{
	g_array_unref(turn->words);
	hc_pages_destroy(turn->waits, bits_size(types));
}

bool hc_propagation_begin_outside(hc_propagation *propagation)
{
	bool ok = turn_init(&propagation->alias_turn, propagation->types);

	ok &= turn_init(&propagation->library_turn, propagation->types);
	ok &= turn_init(&propagation->unused_turn, propagation->types);
	propagation->outside_searched = hc_pages_create(bits_size(propagation->types));
	return ok && propagation->outside_searched;
}

void hc_propagation_end_outside(hc_propagation *propagation)
{
	turn_clear(&propagation->alias_turn, propagation->types);
	turn_clear(&propagation->library_turn, propagation->types);
	turn_clear(&propagation->unused_turn, propagation->types);
	hc_pages_destroy(propagation->outside_searched, bits_size(propagation->types));
}

/* ---- what a word on a stack begins ---- */

static uint64_t length_of(const hc_parcels *parcels, uint32_t number)
{
	hc_range range = hc_parcels_get(parcels, number);

	return range.end - range.start;
}

/*
 * Whether the weak parcel NUMBER, behind FIRST, is an object of its own: what is in front of it is
 * as long as the object before that, or as the one behind, as in a slab.
 */
static bool begins_object(const hc_parcels *parcels, uint32_t first, uint32_t number)
{
	uint64_t length = hc_parcels_get(parcels, number).start - hc_parcels_get(parcels, first).start;

	return (first && length_of(parcels, first - 1) == length) ||
	       (number + 2 < parcels->count && length_of(parcels, number + 1) == length);
}

/*
 * Whether parcel NUMBER is likely to be a part of the object before it: only words on stacks lead
 * there.
 */
static bool goes_on(const hc_parcels *parcels, uint32_t first, uint32_t number)
{
	return number < parcels->count && hc_parcels_is_weak(parcels, number) && !begins_object(parcels, first, number);
}

bool hc_propagation_fits_outside(const hc_propagation *propagation, hc_address address, uint64_t size)
{
	const hc_parcels *parcels = propagation->types->parcels;
	uint32_t first;

	if (!hc_parcels_find(parcels, address, &first))
		return true;
	for (uint32_t number = first; number - first < PARTS_MAX; number++) {
		if (size <= hc_parcels_get(parcels, number).end - address)
			return true;
		if (!goes_on(parcels, first, number + 1))
			return false;
	}
	return true;
}

/* ---- with a type ---- */

static void claim(hc_propagation *propagation, const hc_owner *owner, uint32_t number)
{
	uint32_t *place = &propagation->types->parcel_owner[number];
	hc_claim claim = { number, *place };

	if (*place == owner->number || hc_parcels_is_free(propagation->types->parcels, number) ||
		(*place &&
			!hc_owner_gives_way(hc_types_owner(propagation->types, *place), owner->type, owner->certainty)))
		return;
	g_array_append_val(propagation->outside_claims, claim);
	*place = owner->number;
}

void hc_propagation_claim_outside(hc_propagation *propagation, const hc_owner *owner, hc_address address, uint64_t size)
{
	const hc_parcels *parcels = propagation->types->parcels;
	const hc_parcel_range *range = hc_parcels_range_of(parcels, address);
	uint32_t number;

	if (!range || !hc_parcels_find(parcels, address, &number))
		return;
	hc_address end = range->end - address < size ? range->end : address + size;
	uint32_t first = number;

	do
		claim(propagation, owner, number++);
	while (number < parcels->count &&
		(hc_parcels_get(parcels, number).start - address < end - address || goes_on(parcels, first, number)));
}

void hc_propagation_claim_target_outside(hc_propagation *propagation, const hc_owner *owner, hc_address address)
{
	const hc_parcels *parcels = propagation->types->parcels;
	uint64_t size = owner->type ? hc_type_size(owner->type) : 0;
	unsigned claims = propagation->outside_claims->len;
	uint32_t number;

	/* Pointers to anything, or to bytes, may lead to where something ends. */
	if (size <= 1 || !hc_parcels_find(parcels, address, &number) ||
		(number && goes_on(parcels, number - 1, number)))
		return;
	const hc_owner *current = hc_types_owner_outside(propagation->types, address);

	/* That it is declared to lead there is no more than others have who came first. */
	if (current && current->certainty < HC_CERTAINTY_UNKNOWN)
		return;
	hc_propagation_claim_outside(propagation, owner, address, size);
	g_array_set_size(propagation->outside_claims, claims);
}

void hc_propagation_take_back_outside(hc_propagation *propagation, unsigned count)
{
	for (unsigned i = propagation->outside_claims->len; i-- > count;) {
		const hc_claim *claim = &g_array_index(propagation->outside_claims, hc_claim, i);

		propagation->types->parcel_owner[claim->block] = claim->owner;
	}
	g_array_set_size(propagation->outside_claims, count);
}

/* ---- words ---- */

static const hc_owner *beginning_of(const hc_owner *owner)
{
	while (owner->parent)
		owner = owner->parent;
	return owner;
}

/* Whether OWNER's path begins in such memory itself, in what nobody has of it. */
static bool begins_outside(const hc_owner *owner)
{
	owner = beginning_of(owner);
	return owner->root && owner->root->kind == HC_PLACE_MAPPING;
}

bool hc_propagation_is_library(const hc_propagation *propagation, const hc_owner *owner)
{
	owner = beginning_of(owner);
	if (owner->root)
		return owner->root->is_library || owner->root->kind == HC_PLACE_THREAD_DESCRIPTOR;
	return owner->variable && owner->variable->module &&
	       owner->variable->module != hc_modules_executable(propagation->types->modules);
}

/* Whether parcel NUMBER has a word that leads back to where the one at ADDRESS stands. */
static bool leads_back(hc_propagation *propagation, uint32_t number, hc_address address)
{
	hc_range range = hc_parcels_get(propagation->types->parcels, number);
	hc_word_place place = hc_place_of_root_word(address);
	unsigned word_size = propagation->format.size;
	uint64_t value;

	for (unsigned i = 0; i < BACK_WORDS && (i + 1) * (uint64_t)word_size <= range.end - range.start; i++)
		if (hc_propagation_load(propagation, range.start + i * word_size, &value) && value >= place.start &&
			value < place.end)
			return true;
	return false;
}

/* Whether the word at ADDRESS leads to parcel NUMBER as to the middle of what others lead to. */
static bool is_alias(hc_propagation *propagation, uint32_t number, hc_address address)
{
	const hc_parcels *parcels = propagation->types->parcels;

	return hc_bit(parcels->preceded, number) && !hc_parcels_range_of(parcels, address) &&
	       (!address || !leads_back(propagation, number, address));
}

bool hc_propagation_is_alias_outside(hc_propagation *propagation, hc_address value, hc_address address)
{
	uint32_t number;

	return hc_parcels_find(propagation->types->parcels, value, &number) && is_alias(propagation, number, address);
}

/* Whether EDGE, to parcel NUMBER, has to wait for TURN, and does. */
static bool wait_for(struct hc_outside_turn *turn, uint32_t number, const hc_edge *edge)
{
	if (turn->is_now || turn->words->len >= WAITING_MAX)
		return false;
	if (hc_take_bit(turn->waits, number))
		g_array_append_val(turn->words, *edge);
	return true;
}

/* Parcel NUMBER is OWNER's, and waits for its own words to be followed. */
static void take(hc_propagation *propagation, const hc_owner *owner, uint32_t number)
{
	hc_edge edge = { .value = hc_parcels_get(propagation->types->parcels, number).start,
		.owner = owner->number,
		.part = HC_EDGE_OUTSIDE };

	propagation->types->parcel_owner[number] = owner->number;
	if (hc_take_bit(propagation->outside_searched, number))
		hc_propagation_defer_edge(propagation, &edge, HC_CERTAINTY_GUESS);
}

/*
 * Weak parcels behind NUMBER, which is OWNER's: a word on a stack leads into the middle of an
 * object.
 */
static void take_rest(hc_propagation *propagation, const hc_owner *owner, uint32_t number)
{
	const hc_types *types = propagation->types;

	for (uint32_t next = number + 1; goes_on(types->parcels, number, next) && !types->parcel_owner[next]; next++)
		take(propagation, owner, next);
}

void hc_propagation_follow_outside(hc_propagation *propagation, hc_owner *owner, hc_address value, hc_address address)
{
	hc_types *types = propagation->types;
	hc_edge edge = { .value = value, .holder = address, .owner = owner->number };
	uint32_t number;
	hc_spot from; /* a word of a block may be left over */

	if (!hc_parcels_find(types->parcels, value, &number) || hc_parcels_is_nobodys(types->parcels, value))
		return;
	uint32_t current = types->parcel_owner[number];

	if (current) {
		if (current != owner->number)
			hc_owners_meet(owner, hc_types_owner(types, current),
				!hc_propagation_locate(propagation, address, &from));
		return;
	}
	if (begins_outside(owner))
		return;
	if (owner->is_unused && wait_for(&propagation->unused_turn, number, &edge))
		return;
	if ((!propagation->library_turn.is_now && hc_propagation_is_library(propagation, owner) &&
		    wait_for(&propagation->library_turn, number, &edge)) ||
		(!propagation->alias_turn.is_now && is_alias(propagation, number, address) &&
			wait_for(&propagation->alias_turn, number, &edge)))
		return;
	take(propagation, owner, number);
	take_rest(propagation, owner, number);
}

/* The words of parcel NUMBER, which is OWNER's, without pages of zeros, and without a collector's links. */
static void search(hc_propagation *propagation, hc_owner *owner, uint32_t number)
{
	const hc_parcels *parcels = propagation->types->parcels;
	hc_range range = hc_parcels_get(parcels, number);
	hc_address end, words_end;

	for (; hc_parcels_next_stretch(propagation->core, &range.start, range.end, &end); range.start = end)
		for (hc_address start = range.start; hc_parcels_next_words(parcels, &start, end, &words_end);
			start = words_end)
			hc_propagation_search_parcel(propagation, owner, start, words_end);
}

void hc_propagation_search_outside(hc_propagation *propagation, hc_owner *owner, hc_address address)
{
	uint32_t number;

	if (hc_parcels_find(propagation->types->parcels, address, &number))
		search(propagation, owner, number);
}

void hc_types_search_outside(hc_propagation *propagation, bool opaque)
{
	hc_types *types = propagation->types;

	for (uint32_t i = 0; i < types->parcels->count && !propagation->failed; i++) {
		hc_owner *owner = types->parcel_owner[i] ? hc_types_owner(types, types->parcel_owner[i]) : NULL;

		if (!owner || (opaque && !hc_propagation_is_opaque(owner)) ||
			!hc_take_bit(propagation->outside_searched, i))
			continue;
		search(propagation, owner, i);
	}
}

void hc_types_begin_turn_outside(hc_propagation *propagation, struct hc_outside_turn *turn)
{
	turn->is_now = true;
	for (unsigned i = 0; i < turn->words->len; i++) {
		hc_edge edge = g_array_index(turn->words, hc_edge, i);

		hc_propagation_follow_outside(
			propagation, hc_types_owner(propagation->types, edge.owner), edge.value, edge.holder);
	}
	g_array_set_size(turn->words, 0);
}
