/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What encodings.c and compressed.c share, and what they give to those who walk references afterwards. */
#pragma once

#include "references/learn.h"

/* ---- for both ---- */

/* Lost, or possibly lost: it can be saved. */
static inline bool hc_encoded_can_be_saved(const hc_references *references, uint64_t start)
{
	return !hc_bit(references->marks, start) || (references->possible && hc_bit(references->possible, start));
}

/* The block in use that begins at ADDRESS: its granule, or UINT64_MAX. */
uint64_t hc_encoded_block_at(const hc_blocks *blocks, hc_address address);

/* ---- compressed.c ---- */

/* Learns from what can still be saved; references->compressed stays NULL if nothing was learned. FALSE if memory was out. */
bool hc_compressed_learn(hc_references *references, unsigned jobs);
void hc_compressed_destroy(struct hc_compressed *compressed);

/*
 * Where the 32 bits at byte AT of SOURCE lead to, if they are at a place that was learned, or at the head of a list: the granule of a
 * block in use, whatever else is known of it; *ret_encoding is then its encoding. UINT64_MAX: nowhere.
 */
uint64_t hc_compressed_follow(
	const hc_references *references, const hc_word_source *source, uint64_t at, hc_encoding *ret_encoding);

/* Appends what was learned to ENCODINGS, of hc_encoding. */
void hc_compressed_tell(const hc_references *references, GArray *encodings);

/* ---- for paths and references ---- */

/* A word that leads to a block in an encoding. */
typedef struct hc_encoded_word {
	uint64_t at;	/* byte of the source */
	uint64_t start; /* granule of the block; the word leads to its first byte */
	hc_encoding encoding;
} hc_encoded_word;

/* The next such word of SOURCE from byte *AT on that leads to a block reached by encoded pointers; sets *AT behind it. FALSE: no more. */
bool hc_encodings_next(
	const hc_references *references, const hc_word_source *source, uint64_t *at, hc_encoded_word *ret_word);

/* The same, of words that lead to any block in use. */
bool hc_encodings_next_to_any(
	const hc_references *references, const hc_word_source *source, uint64_t *at, hc_encoded_word *ret_word);

void hc_encodings_destroy(struct hc_encodings *encodings);
