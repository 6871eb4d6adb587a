/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of 32 bits by their places: what compressed.c learns from. Gathered by numbers.c. */
#pragma once

#include "references/learn.h"

enum {
	HC_NUMBER_PLACES = 8192,
	HC_NUMBER_SAMPLE = 64,
	HC_NUMBER_SAMPLE_MIN = 24,
	HC_NUMBER_MISSES_SHARE = 16,  /* one in so many numbers of a sample may lead elsewhere */
	HC_NUMBER_SMALL_BLOCK = 4096, /* bytes: up to here offsets are places */
	HC_NUMBER_TABLE_MIN = 256,    /* bytes: from here on the block as a whole is one */
	HC_NUMBER_FACTORS = 4,
	HC_NUMBER_RECENT = 32, /* a power of two */
};

/* What numbers may be multiplied with. */
static const uint8_t hc_number_factors[HC_NUMBER_FACTORS] = { 1, 4, 8, 16 };

/* Odd, so that the product modulo 2^32 has an inverse: a number's hash tells the number. */
#define HC_NUMBER_MULTIPLIER ((uint32_t)0x9e3779b1)

static inline uint32_t hc_number_hash(uint32_t number)
{
	return number * HC_NUMBER_MULTIPLIER;
}

static inline uint32_t hc_number_of_hash(uint32_t hash)
{
	return hash * 0x0e8b2f51;
}

/* What is known of a place. */
typedef struct hc_number_sketch {
	/* Of places these are counted by the second look, where the sample speaks for them. */
	uint32_t count;			   /* of numbers, different or not */
	uint32_t fit;			   /* of these: in tables, or in lost blocks */
	uint32_t low, high;		   /* the numbers; low is kept as its complement, so that 0 is none yet */
	uint64_t block_size;		   /* the largest that the place is in */
	uint32_t size;			   /* of the sample */
	uint32_t recent[HC_NUMBER_RECENT]; /* hashes that were added of late, by some of their bits */
	uint32_t hashes[HC_NUMBER_SAMPLE]; /* rising */
} hc_number_sketch;

/* A block or a page of data that is a place as a whole. */
typedef struct hc_number_table {
	uint64_t holder; /* as hc_word_source */
	hc_number_sketch sketch;
} hc_number_table;

typedef struct hc_numbers hc_numbers;

/* Begins to gather. NULL if memory was out. */
hc_numbers *hc_numbers_create(hc_references *references, unsigned jobs);
void hc_numbers_destroy(hc_numbers *numbers);

/* An hc_look, DATA being an hc_numbers: to be given all words, of roots and of blocks in use. */
void hc_numbers_gather(void *data, unsigned worker, const hc_word_source *source);

/* The same for several blocks. WORDS: hc_live_blocks_numbers(). */
void hc_numbers_gather_blocks(
	hc_numbers *numbers, unsigned worker, const hc_live_block *blocks, const uint64_t *words, unsigned count);

/* The same for a stretch, whose words are in our byte order. */
void hc_numbers_gather_stretch(hc_numbers *numbers, unsigned worker, const hc_live_words *words);

/* When those of a part of the heap were gathered: leaves out the places that are hopeless from now on. Nothing else of that part is kept. */
void hc_numbers_leave_out_hopeless(hc_numbers *numbers);

/* When all were gathered: the samples of each of HC_NUMBER_PLACES places; owned. Nothing was counted yet. */
const hc_number_sketch *hc_numbers_take_samples(hc_numbers *numbers);

/*
 * Then: chooses the places at which numbers are to be counted by a second look, and adds to SIZES what blocks are to be given to it. FALSE: there
 * are none.
 */
bool hc_numbers_choose_places(hc_numbers *numbers, hc_look_sizes *sizes);

/* That look: an hc_look, and an hc_look_at_blocks; DATA as above. */
void hc_numbers_count(void *data, unsigned worker, const hc_word_source *source);
void hc_numbers_count_blocks(void *data, unsigned worker, const hc_live_block *blocks, unsigned count);

/* When all were gathered and counted, once: of each of HC_NUMBER_PLACES places, and of tables, those with most numbers first. Both are owned. */
const hc_number_sketch *hc_numbers_places(hc_numbers *numbers);
const hc_number_table *hc_numbers_tables(const hc_numbers *numbers, unsigned *ret_count);

/* The numbers of SKETCH, times FACTOR, may all lead to starts: they agree in what is below the alignment, and fit into a region. */
bool hc_numbers_are_possible(const hc_numbers *numbers, const hc_number_sketch *sketch, unsigned factor);

/* The place of 32 bits at byte AT of SOURCE, as an offset; -1: none. */
int hc_number_place(const hc_word_source *source, uint64_t at);

/* Whether SOURCE may be a place as a whole. */
static inline bool hc_numbers_may_be_table(const hc_word_source *source)
{
	return source->root ? source->holder != 0 : source->block_size >= HC_NUMBER_TABLE_MIN;
}
