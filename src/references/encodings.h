/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What encodings.c, encoded_words.c and compressed.c share, and what they give to those who walk references afterwards. */
#pragma once

#include "references/numbers.h"

/* ---- for both ---- */

/* Lost, or possibly lost: it can be saved. */
static inline bool hc_encoded_can_be_saved(const hc_references *references, uint64_t start)
{
	return !hc_bit(references->marks, start) || (references->possible && hc_bit(references->possible, start));
}

/* The same of 64 granules, those of word WORD of the bitmaps. */
static inline uint64_t hc_encoded_savable(const hc_references *references, uint64_t word)
{
	return references->blocks->starts[word] &
	       (~references->marks[word] | (references->possible ? references->possible[word] : 0));
}

/* The block that begins at ADDRESS, as hc_encoded_block_near() has it, in use or not. */
static inline uint64_t hc_encoded_start_near(
	const hc_blocks *blocks, const hc_block_region **region, hc_address address)
{
	uint64_t granule;

	if (!*region || address < (*region)->start || address >= (*region)->end) {
		const hc_block_region *other = hc_blocks_region(blocks, address);

		if (!other)
			return UINT64_MAX;
		*region = other;
	}
	granule = hc_blocks_granule(blocks, *region, address);
	return hc_bit(blocks->starts, granule) && hc_blocks_address(blocks, *region, granule) == address ? granule :
													   UINT64_MAX;
}

/*
 * The block in use that begins at ADDRESS: its granule, or UINT64_MAX. *REGION, or NULL, is where it is
 * looked for first; it is set to where ADDRESS is.
 */
static inline uint64_t hc_encoded_block_near(
	const hc_blocks *blocks, const hc_block_region **region, hc_address address)
{
	uint64_t granule = hc_encoded_start_near(blocks, region, address);

	return granule != UINT64_MAX && blocks->states[hc_blocks_number(blocks, granule)] == HC_BLOCK_IN_USE ?
		       granule :
		       UINT64_MAX;
}

static inline uint64_t hc_encoded_block_at(const hc_blocks *blocks, hc_address address)
{
	const hc_block_region *region = NULL;

	return hc_encoded_block_near(blocks, &region, address);
}

/* ---- compressed.c ---- */

typedef struct hc_compressed_learning hc_compressed_learning;

/*
 * What there is to learn, from what can still be saved. *RET_LEARNING stays NULL if that is too little.
 * FALSE if memory was out.
 */
bool hc_compressed_learning_create(hc_references *references, unsigned jobs, hc_compressed_learning **ret_learning);
void hc_compressed_learning_destroy(hc_compressed_learning *learning);

/* What is to be given words, and to count; owned. NULL of NULL. */
hc_numbers *hc_compressed_numbers(const hc_compressed_learning *learning);

/*
 * When all was gathered: whether the numbers of no place lead to blocks from any base, so that nothing will be learned, and nothing needs
 * to be counted. FALSE: those of some do, or it would take too long to tell.
 */
bool hc_compressed_is_hopeless(const hc_compressed_learning *learning, unsigned jobs);

/* Learns from what was gathered and counted. Sets references->compressed; it stays NULL if nothing was learned. */
void hc_compressed_learn(hc_compressed_learning *learning, unsigned jobs);

void hc_compressed_destroy(struct hc_compressed *compressed);

/*
 * Where the 32 bits at byte AT of SOURCE lead to, if they are at a place that was learned, or at the head of a list: the granule of a
 * block in use, whatever else is known of it; *ret_encoding is then its encoding. UINT64_MAX: nowhere.
 */
uint64_t hc_compressed_follow(
	const hc_references *references, const hc_word_source *source, uint64_t at, hc_encoding *ret_encoding);

/* Appends what was learned to ENCODINGS, of hc_encoding. */
void hc_compressed_tell(const hc_references *references, GArray *encodings);

/* ---- told_words.c ---- */

/* A word that leads to a block, as somebody found out. */
typedef struct hc_told_word {
	hc_address from; /* there may be several at one place */
	uint64_t start;	 /* granule of a block in use */
	hc_encoding_kind kind;
} hc_told_word;

/* Keeps COUNT WORDS beside those that are known. FALSE if memory was out. */
bool hc_told_add(hc_references *references, const hc_told_word *words, unsigned count);

/* The first of the words that lie in [START, END), *RET_COUNT of them; by place, then by block. */
const hc_told_word *hc_told_in(const hc_references *references, hc_address start, hc_address end, unsigned *ret_count);

/* ---- in_front.c ---- */

typedef struct hc_in_front hc_in_front;

/* Begins to look for tables whose words lead in front of blocks that can be saved. FALSE if memory was out; destroy it all the same. */
bool hc_in_front_create(hc_references *references, unsigned jobs, hc_in_front **ret_in_front);
void hc_in_front_destroy(hc_in_front *in_front);

/* An hc_look, DATA being an hc_in_front: to be given all words, of roots and of blocks in use. */
void hc_in_front_gather(void *data, unsigned worker, const hc_word_source *source);

/* The same for several blocks. */
void hc_in_front_gather_blocks(hc_in_front *in_front, unsigned worker, const hc_live_block *blocks, unsigned count);

/* The same for a stretch, whose words are in our byte order. */
void hc_in_front_gather_stretch(hc_in_front *in_front, unsigned worker, const hc_live_words *words);

/* Tells the words of those tables that are proved. FALSE if memory was out. */
bool hc_in_front_learn(hc_in_front *in_front, unsigned jobs);

/* ---- for paths and references ---- */

/* A word that leads to a block in an encoding. */
typedef struct hc_encoded_word {
	uint64_t at;	/* byte of the source */
	uint64_t start; /* granule of the block; the word leads to its first byte */
	hc_encoding encoding;
} hc_encoded_word;

/* Of each way to decode a word (HC_DECODED_KINDS, encoding_places.h). */
extern const hc_encoding_kind hc_encoding_kinds[];

/* Before all is done what can still be saved is looked for; then what was saved, or anything. */
typedef enum {
	HC_WANT_LOST,
	HC_WANT_SAVED,
	HC_WANT_ANY,
} hc_wanted_blocks;

/* Where the word at byte I of SOURCE leads by an encoding that was learned. FALSE: nowhere, or to what is not wanted. */
bool hc_encodings_follow(const hc_references *references, const hc_word_source *source, uint64_t i,
	hc_wanted_blocks wanted, hc_encoded_word *ret_word);

/*
 * The next word of SOURCE from byte *AT on, of 64 or of 32 bits, that leads to a wanted block; behind all of them those that were
 * told.
 */
bool hc_encodings_next_wanted(const hc_references *references, const hc_word_source *source, uint64_t *at,
	hc_wanted_blocks wanted, hc_encoded_word *ret_word);

/* The next such word of SOURCE from byte *AT on that leads to a block reached by encoded pointers; sets *AT behind it. FALSE: no more. */
bool hc_encodings_next(
	const hc_references *references, const hc_word_source *source, uint64_t *at, hc_encoded_word *ret_word);

/* The same, of words that lead to any block in use. */
bool hc_encodings_next_to_any(
	const hc_references *references, const hc_word_source *source, uint64_t *at, hc_encoded_word *ret_word);

void hc_encodings_destroy(struct hc_encodings *encodings);
