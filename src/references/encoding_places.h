/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of 64 bits that may be encoded, and the places at which such words were learned: encoding_places.c learns, encodings.c follows. */
#pragma once

#include "references/learn.h"

enum {
	HC_DECODED_TAG,	       /* bits 48 to 63 */
	HC_DECODED_FROM_WORD,  /* the distance from the word's own place */
	HC_DECODED_FROM_BLOCK, /* the distance from the beginning of the block that holds it */
	HC_DECODED_KINDS,

	HC_ENCODING_PLACES = 16384, /* hashed: places that fall together make each other weaker, not stronger */
	HC_ENCODING_OFFSETS = 4096, /* distances further inside of a block are not looked at: arrays of numbers */
	HC_ENCODING_TAG_SHIFT = 48,
	HC_ENCODING_FAR = 4096, /* bytes */

	HC_PATTERN = 24, /* bytes of fontconfig's patterns, and where the distance is; hc_word_is_pattern() */
	HC_PATTERN_DISTANCE = 8,
};

/* What was learned. */
struct hc_encodings {
	/* A bit for each place. */
	uint64_t accepted[HC_DECODED_KINDS][HC_ENCODING_PLACES / 64],
		accepted_far[HC_DECODED_KINDS][HC_ENCODING_PLACES / 64];
	GHashTable *node_sizes; /* of blocks that have an accepted place */
};

/* A word, decoded. */
typedef struct hc_decoded {
	hc_address address;
	unsigned kind;
} hc_decoded;

/* The place of a word at OFFSET in a block of SIZE bytes. Roots are one place. */
static inline unsigned hc_encoding_place(bool root, uint64_t size, uint64_t offset)
{
	return hc_learn_hash(size * 31 + offset / 4 + (root ? 7777 : 0)) % HC_ENCODING_PLACES;
}

/* The addresses in the heap's range that VALUE, at byte I of SOURCE, may stand for. Returns how many; the last kind is the last of them. */
static inline unsigned hc_decode(const hc_blocks *blocks, const hc_word_source *source, uint64_t i, uint64_t value,
	hc_decoded decoded[HC_DECODED_KINDS])
{
	unsigned count = 0;
	uint64_t distance = value + ((uint64_t)1 << 46), tag = value >> HC_ENCODING_TAG_SHIFT;
	hc_address untagged = value & (((uint64_t)1 << HC_ENCODING_TAG_SHIFT) - 1);

	if (!value)
		return 0;
	if (tag && hc_blocks_may_contain(blocks, untagged))
		decoded[count++] = (hc_decoded){ untagged, HC_DECODED_TAG };
	if (distance >> 47 || !source->address)
		return count;
	hc_address from_word = source->address + i + value, from_block = source->block + value;

	if (hc_blocks_may_contain(blocks, from_word))
		decoded[count++] = (hc_decoded){ from_word, HC_DECODED_FROM_WORD };
	if (!source->root && source->address + i - source->block < HC_ENCODING_OFFSETS &&
		hc_blocks_may_contain(blocks, from_block))
		decoded[count++] = (hc_decoded){ from_block, HC_DECODED_FROM_BLOCK };
	return count;
}

/* Whether ADDRESS is in the block that holds SOURCE, or begins the next chunk. */
static inline bool hc_decoded_is_neighbour(const hc_blocks *blocks, const hc_word_source *source, hc_address address)
{
	return !source->root && address - source->block <= source->block_size + blocks->word;
}

static inline bool hc_encoding_is_far(uint64_t distance)
{
	return distance >= HC_ENCODING_FAR; /* or backwards */
}

/* What is being learned. */
typedef struct hc_place_learning hc_place_learning;

/*
 * Begins to learn what words of 64 bits are. HEADS: a bit for each granule, blocks that can be saved and that no other that can be
 * points to. PATTERNS: gets the bits of blocks that can be saved and that fontconfig's patterns lead to. Both must outlive the result.
 * NULL if memory was out.
 */
hc_place_learning *hc_place_learning_create(
	hc_references *references, const uint64_t *heads, uint64_t *patterns, unsigned jobs);
void hc_place_learning_destroy(hc_place_learning *learning);

/* To be given all words, of roots and of blocks in use: as an hc_look, and as an hc_look_at_blocks whose NUMBERS are known. */
void hc_places_gather(hc_place_learning *learning, unsigned worker, const hc_word_source *source);
void hc_places_gather_blocks(hc_place_learning *learning, unsigned worker, const hc_live_block *blocks,
	const uint64_t *numbers, unsigned count);

/* The same for a stretch, whose words are in our byte order. */
void hc_places_gather_stretch(hc_place_learning *learning, unsigned worker, const hc_live_words *words);

/*
 * Chooses the places at which words are to be tried by a second look, when all were gathered, and adds to SIZES what blocks are to be
 * given to it; *ROOTS is set if roots are. FALSE: there are none.
 */
bool hc_places_choose(hc_place_learning *learning, hc_look_sizes *sizes, bool *roots);

/* When that look was at a part of the heap: leaves out the places that are hopeless. Returns whether there are others; they are counted anew. */
bool hc_places_leave_out_hopeless(hc_place_learning *learning);

/* That look. */
void hc_places_count(hc_place_learning *learning, unsigned worker, const hc_word_source *source);
void hc_places_count_blocks(hc_place_learning *learning, unsigned worker, const hc_live_block *blocks, unsigned count);

/* Learns from what was gathered and counted: sets references->learned, and the bits of what was in references->encodings. */
void hc_places_learn(hc_place_learning *learning);

/*
 * One encoding is known without evidence, as programs with few fonts have too little of it: fontconfig's patterns are
 * | number | room | distance from the start | references |, and lead to an array of ROOM elements of 16 bytes (struct _FcPattern in its
 * src/fcint.h). Whether the word at byte I of SOURCE is such a distance, to a block of SIZE bytes.
 */
bool hc_word_is_pattern(const hc_references *references, const hc_word_source *source, uint64_t i, uint64_t size);
