/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where words lead by the encodings that were learned (encodings.c), one word after the other. */
#include "references/encoding_places.h"
#include "references/encodings.h"

const hc_encoding_kind hc_encoding_kinds[HC_DECODED_KINDS] = {
	[HC_DECODED_TAG] = HC_ENCODING_TAG,
	[HC_DECODED_FROM_WORD] = HC_ENCODING_FROM_WORD,
	[HC_DECODED_FROM_BLOCK] = HC_ENCODING_FROM_BLOCK,
};

/*
 * Whether a word at OFFSET of SOURCE is at a place that was learned for KIND. A far distance also where the block got 16 bytes more than
 * the size at which that was learned: what is left of a free chunk stays with the block if it is too small for a chunk
 * (_int_malloc() in glibc's malloc.c, MINSIZE).
 */
static bool is_accepted(
	const hc_references *references, const hc_word_source *source, uint64_t offset, unsigned kind, uint64_t value)
{
	const struct hc_encodings *learned = references->learned;
	uint64_t size = source->block_size, slack = references->blocks->alignment;
	unsigned place = hc_encoding_place(source->root, size, offset),
		 tight = hc_encoding_place(source->root, size - MIN(size, slack), offset);

	if (hc_bit(learned->accepted[kind], place))
		return true;
	return hc_encoding_is_far(value) &&
	       (hc_bit(learned->accepted_far[kind], place) ||
		       (!source->root &&
			       (hc_bit(learned->accepted[kind], tight) || hc_bit(learned->accepted_far[kind], tight))));
}

/* Whether the decoded word counts: at its place, or as a head. START is the block that it leads to. */
static bool counts(const hc_references *references, const hc_word_source *source, uint64_t i, uint64_t value,
	const hc_decoded *decoded, uint64_t start)
{
	const hc_blocks *blocks = references->blocks;
	uint64_t offset = source->root ? 0 : source->address + i - source->block;

	uint64_t size = hc_blocks_usable_size(blocks, hc_blocks_region_of_start(blocks, start), decoded->address);

	if (decoded->kind == HC_DECODED_FROM_BLOCK && hc_word_is_pattern(references, source, i, size))
		return true;
	if (!(references->encodings >> decoded->kind & 1))
		return false;
	if (decoded->kind == HC_DECODED_TAG || is_accepted(references, source, offset, decoded->kind, value))
		return true;

	return !hc_decoded_is_neighbour(blocks, source, decoded->address) &&
	       g_hash_table_contains(references->learned->node_sizes, GSIZE_TO_POINTER(size));
}

static bool is_wanted(const hc_references *references, uint64_t start, hc_wanted_blocks wanted)
{
	switch (wanted) {
	case HC_WANT_LOST:
		return hc_encoded_can_be_saved(references, start);
	case HC_WANT_SAVED:
		return hc_bit(references->encoded, start);
	default:
		return true;
	}
}

bool hc_encodings_follow(const hc_references *references, const hc_word_source *source, uint64_t i,
	hc_wanted_blocks wanted, hc_encoded_word *ret_word)
{
	const hc_blocks *blocks = references->blocks;
	uint64_t value = hc_load_word(source->bytes + i, hc_core_word_format(references->core));
	hc_decoded decoded[HC_DECODED_KINDS];

	if (!references->learned || !value || hc_blocks_may_contain(blocks, value))
		return false;
	for (unsigned n = hc_decode(blocks, source, i, value, decoded); n-- > 0;) {
		uint64_t start;

		if (decoded[n].kind != HC_DECODED_FROM_BLOCK && !(references->encodings >> decoded[n].kind & 1))
			continue;
		start = hc_encoded_block_at(blocks, decoded[n].address);
		if (start == UINT64_MAX || start == source->start || !is_wanted(references, start, wanted) ||
			!counts(references, source, i, value, &decoded[n], start))
			continue;
		*ret_word = (hc_encoded_word){ i, start, { .kind = hc_encoding_kinds[decoded[n].kind] } };
		return true;
	}
	return false;
}

/* Of the words of SOURCE that were told: *AT is behind its bytes by the number of those that were asked for. */
static bool next_told(const hc_references *references, const hc_word_source *source, uint64_t *at,
	hc_wanted_blocks wanted, hc_encoded_word *ret_word)
{
	unsigned count = 0;
	const hc_told_word *told =
		references->told_words && source->address ?
			hc_told_in(references, source->address, source->address + source->size, &count) :
			NULL;

	while (*at - source->size < count) {
		const hc_told_word *word = &told[(*at)++ - source->size];

		if (word->start == source->start || !is_wanted(references, word->start, wanted))
			continue;
		*ret_word = (hc_encoded_word){ word->from - source->address, word->start, { .kind = word->kind } };
		return true;
	}
	return false;
}

/* The byte of the next word of SOURCE from byte AT on, a multiple of 8, that is not 0 and may be decoded; the size if there is none. */
static uint64_t next_decodable(const hc_references *references, const hc_word_source *source, uint64_t at)
{
	const hc_blocks *blocks = references->blocks;
	bool swap = hc_core_word_format(references->core).swap;
	hc_decoded decoded[HC_DECODED_KINDS];

	for (; at + 8 <= source->size; at += 8) {
		uint64_t value = hc_load_u64(source->bytes + at, swap);

		if (value && !hc_blocks_may_contain(blocks, value) && hc_decode(blocks, source, at, value, decoded))
			return at;
	}
	return source->size;
}

/* hc_encodings_next_wanted() where nothing was learned of 32 bits. */
static bool next_of_64_bits(const hc_references *references, const hc_word_source *source, uint64_t *at,
	hc_wanted_blocks wanted, hc_encoded_word *ret_word)
{
	if (!references->learned)
		return false;
	for (uint64_t i = hc_align_up(*at, 8); (i = next_decodable(references, source, i)) < source->size; i += 8)
		if (hc_encodings_follow(references, source, i, wanted, ret_word)) {
			*at = i + 8;
			return true;
		}
	return false;
}

bool hc_encodings_next_wanted(const hc_references *references, const hc_word_source *source, uint64_t *at,
	hc_wanted_blocks wanted, hc_encoded_word *ret_word)
{
	if (!references->compressed && next_of_64_bits(references, source, at, wanted, ret_word))
		return true;
	for (; references->compressed && *at + 4 <= source->size; *at += 4) {
		uint64_t start;

		if (*at % 8 == 0 && *at + 8 <= source->size &&
			hc_encodings_follow(references, source, *at, wanted, ret_word)) {
			*at += 8;
			return true;
		}
		hc_encoding encoding = { 0 };

		start = hc_compressed_follow(references, source, *at, &encoding);
		if (start == UINT64_MAX || start == source->start || !is_wanted(references, start, wanted))
			continue;
		*ret_word = (hc_encoded_word){ *at, start, encoding };
		*at += 4;
		return true;
	}
	*at = MAX(*at, source->size);
	return next_told(references, source, at, wanted, ret_word);
}

bool hc_encodings_next(
	const hc_references *references, const hc_word_source *source, uint64_t *at, hc_encoded_word *ret_word)
{
	return references->encoded && hc_encodings_next_wanted(references, source, at, HC_WANT_SAVED, ret_word);
}

bool hc_encodings_next_to_any(
	const hc_references *references, const hc_word_source *source, uint64_t *at, hc_encoded_word *ret_word)
{
	return references->encoded && hc_encodings_next_wanted(references, source, at, HC_WANT_ANY, ret_word);
}
