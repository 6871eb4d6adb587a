/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which words of blocks without a type lead to blocks: read before they are followed. */
#pragma once

#include "types/propagation.h"

/* A word that leads to a block which is in use and not libc's. */
typedef struct hc_word_edge {
	uint32_t to;	       /* the block's number */
	uint32_t start;	       /* the granule that it starts at */
	uint32_t place : 31;   /* of the word, in words from the beginning of the block that holds it */
	uint32_t is_start : 1; /* it leads to the block's first byte */
} hc_word_edge;

/*
 * Reads the blocks that nobody has now, or that are hc_owner_is_opaque(), on JOBS threads. NULL: there is no memory for them, or they
 * cannot be numbered.
 * PROPAGATION need not outlive the result.
 */
hc_word_rows *hc_word_rows_create(const hc_propagation *propagation, unsigned jobs);
void hc_word_rows_destroy(hc_word_rows *rows);

/* The words of BLOCK, in order. FALSE: it was not read. */
bool hc_word_rows_get(const hc_word_rows *rows, uint32_t block, const hc_word_edge **ret_edges, uint32_t *ret_count);

enum {
	HC_ROW_STEPS = 3
};

/* Fetches what following the row of BLOCK will need, in steps from 0 on: each needs that the one before was made, and some time ago. */
void hc_word_rows_prefetch(const hc_word_rows *rows, const hc_propagation *propagation, uint32_t block, unsigned step);
