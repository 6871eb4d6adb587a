/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the search shares: content.c, groups.c, duplicates.c. */
#pragma once

#include "duplicates/duplicates.h"

#include "references/references.h"

/* What of a block counts. */
typedef struct hc_content {
	const uint8_t *bytes;
	uint64_t length;
	hc_compared compared;
} hc_content;

struct hc_duplicates {
	const hc_core *core;
	const hc_blocks *blocks;
	const hc_references *references;
	const hc_types *types; /* or NULL */
	uint64_t minimum, every;
	unsigned workers;
	hc_path_content *rules; /* by path */
	uint64_t *entries;	/* by hash: hash << 32 | number; of blocks that are in groups the numbers are told */
	GArray *groups;		/* of hc_duplicate_group */
	hc_duplicates_totals totals;
};

/* ---- content.c ---- */

/* Fills `rules`, on one thread: types are read as they are asked for. FALSE if memory was out. */
bool hc_contents_prepare(hc_duplicates *duplicates);

/* Of a block in use. FALSE if the core lacks some of its bytes. */
bool hc_content_of(const hc_duplicates *duplicates, const hc_block *block, hc_content *ret_content);

/* The same for CONTENT and SIZE that are the same. */
uint64_t hc_content_hash(const hc_content *content, uint64_t size);

static inline bool hc_contents_are_equal(const hc_content *a, const hc_content *b)
{
	return a->length == b->length && a->compared == b->compared && !memcmp(a->bytes, b->bytes, a->length);
}

/* ---- groups.c ---- */

/* Fills entries and groups, in no order. FALSE if memory was out. */
bool hc_duplicates_find_groups(hc_duplicates *duplicates);
