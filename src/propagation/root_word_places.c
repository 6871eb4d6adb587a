/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a word of a root is: of a symbol, of a table without one, of a frame, a register, a mapping; and how much it says. root_words.c tells why. */
#include "propagation/root_words.h"

enum {
	TABLE_MIXED = 64, /* so many words side by side, without a symbol, are one table */
	TABLE_WORDS = 16, /* ... or so many that lead to blocks of one size */
	TABLE_GAP = 512,  /* ... with no more than these bytes between two of them */
};

/* ---- what a word leads to ---- */

bool hc_naming_is_unowned(const struct hc_naming *naming, uint64_t value)
{
	hc_propagation *propagation = naming->propagation;
	hc_spot spot;

	return hc_propagation_locate(propagation, value, &spot) &&
	       (!propagation->types->owner_of[spot.number] ||
		       (hc_propagation_is_pool(propagation, &spot) &&
			       !hc_propagation_is_taken_piece(propagation, &spot)));
}

bool hc_naming_is_constant(const struct hc_naming *naming, const hc_root_word *word)
{
	return word->root->kind == HC_AREA_MODULE_DATA &&
	       hc_modules_is_constant(naming->sources.modules, word->address, word->value, naming->propagation->format);
}

uint64_t hc_naming_target_size(const struct hc_naming *naming, unsigned index)
{
	const hc_parcels *parcels = naming->propagation->types->parcels;
	hc_address value = hc_naming_word(naming, index)->value;
	uint32_t number;
	hc_spot spot;

	if (hc_propagation_locate(naming->propagation, value, &spot))
		return hc_blocks_usable_size(naming->propagation->blocks, spot.region, spot.address);
	if (!hc_parcels_find(parcels, value, &number))
		return 0;
	hc_range range = hc_parcels_get(parcels, number);

	return range.end - range.start;
}

/* ---- whose it is ---- */

/* The end of the table that begins with word INDEX, before LIMIT; 0 if that begins none. */
static hc_address find_table(const struct hc_naming *naming, unsigned index, hc_address limit)
{
	unsigned word_size = naming->propagation->format.size, last = index, end = index, others = 0;
	const hc_root_word *first = hc_naming_word(naming, index);
	uint64_t size = hc_naming_target_size(naming, index);
	bool is_dense = true;

	/* The data of a module is in several mappings, and areas. */
	for (unsigned i = index + 1; i < naming->words->len; i++) {
		const hc_root_word *word = hc_naming_word(naming, i);
		uint64_t gap = word->address - hc_naming_word(naming, last)->address;

		if (word->root->kind != HC_AREA_MODULE_DATA || word->root->owner != first->root->owner ||
			word->address >= limit || gap > TABLE_GAP ||
			(gap != word_size && is_dense && i - index >= TABLE_MIXED))
			break;
		is_dense &= gap == word_size;
		/* Some blocks are larger than the others, where malloc had a little too much. */
		bool is_same = hc_naming_target_size(naming, i) == size;

		others += !is_same;
		if (!is_dense && others > (i - index) / 8 + 1)
			break;
		last = i;
		/* The last ones that have gaps and are of other sizes may belong to what is next. */
		end = is_dense || is_same ? i : end;
	}
	bool is_mixed = others > (end - index) / 8 + 1;

	return end - index + 1 >= (is_mixed ? TABLE_MIXED : TABLE_WORDS) ?
		       hc_naming_word(naming, end)->address + word_size :
		       0;
}

/* The owner of all words from START on, and before END. */
static hc_owner *set_extent(struct hc_naming *naming, hc_address start, hc_address end, hc_owner *owner)
{
	if (owner)
		naming->last = (hc_owner_extent){ start, end, owner };
	return owner;
}

/* FALSE if word INDEX is not in a module. *ret_owner: NULL if there are too many. */
static bool find_owner_in_data(struct hc_naming *naming, unsigned index, hc_owner **ret_owner)
{
	const hc_root_word *word = hc_naming_word(naming, index);
	hc_data_name name;

	if (!hc_modules_data_name(naming->sources.modules, word->address, &name))
		return false;
	g_autofree char *text = hc_data_name_text(&name, word->address);
	hc_named_root place = { .kind = HC_PLACE_VARIABLE,
		.address = name.symbol ? name.start : word->address,
		.module = name.module,
		.has_symbol = name.symbol != NULL,
		.is_library = name.module != hc_modules_executable(naming->sources.modules),
		.frame = -1 };
	hc_address table_end = name.symbol ? name.end : find_table(naming, index, name.end);
	hc_address end = table_end ? table_end : word->address + naming->propagation->format.size;

	*ret_owner = set_extent(naming, word->address, end, hc_root_places_get(naming->places, text, &place));
	hc_root_places_keep(naming->places, name.symbol ? name.start : word->address, end, *ret_owner);
	return true;
}

hc_owner *hc_naming_owner(struct hc_naming *naming, unsigned index)
{
	const hc_root_word *word = hc_naming_word(naming, index);
	hc_owner *owner = NULL;

	if (word->address && word->address - naming->last.start < naming->last.end - naming->last.start)
		return naming->last.owner;
	if (word->root->kind == HC_AREA_MODULE_DATA && find_owner_in_data(naming, index, &owner))
		return owner;
	return hc_root_places_elsewhere(naming->places, word, &naming->last);
}

/* ---- how much it says ---- */

hc_word_rank hc_word_rank_of(const hc_owner *owner)
{
	if (!owner->root)
		return RANK_CALLS;
	switch (owner->root->kind) {
	case HC_PLACE_STACK:
		if (owner->root->frame < 0)
			return RANK_DEAD;
		return owner->root->is_lasting ? RANK_LASTING : RANK_CALLS;
	case HC_PLACE_REGISTER:
		return RANK_CALLS;
	case HC_PLACE_STACK_UNUSED:
		return RANK_DEAD;
	case HC_PLACE_THREAD_DESCRIPTOR: /* keys are libraries', such as g_slice's */
		return RANK_LIBRARY;
	case HC_PLACE_MAPPING:
		return RANK_MAPPING;
	default:
		return owner->root->is_library ? RANK_LIBRARY : RANK_PROGRAM;
	}
}

/* Registers, those too that a call further in has saved, are used for one thing after the other. */
static bool is_in_register(const struct hc_naming *naming, const hc_root_word *word)
{
	return !word->address ||
	       hc_modules_saved_register_at(naming->sources.modules, word->root->owner, word->address) >= 0;
}

/* What stands in an object that is free is left over, wherever that is. */
hc_word_rank hc_naming_rank(const struct hc_naming *naming, const hc_root_word *word, const hc_owner *owner)
{
	hc_word_rank rank = hc_word_rank_of(owner);

	if (rank == RANK_LASTING && is_in_register(naming, word))
		return RANK_CALLS;
	return rank == RANK_MAPPING && hc_parcels_is_nobodys(naming->propagation->types->parcels, word->address) ?
		       RANK_DEAD :
		       rank;
}
