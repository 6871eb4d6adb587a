/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the search shares: content.c, groups.c, frequent.c, duplicates.c. */
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

/* A block in use, as far as comparing needs it. */
typedef struct hc_compared_block {
	uint32_t number;
	hc_address address;
	uint64_t size; /* usable bytes */
} hc_compared_block;

/* The block NUMBER that starts at granule START of REGION, NEXT being where the one behind it starts: the block itself is not touched. */
static inline hc_compared_block hc_compared_block_at(
	const hc_blocks *blocks, const hc_block_region *region, uint64_t start, uint64_t next, uint32_t number)
{
	return (hc_compared_block){ number, hc_blocks_address(blocks, region, start),
		hc_blocks_size_up_to(blocks, region, start, next) };
}

/* Our copy of the first bytes of BLOCK, in REGION; NULL if the core lacks some of its SIZE bytes. */
static inline const uint8_t *hc_compared_bytes(
	const hc_duplicates *duplicates, const hc_block_region *region, const hc_compared_block *block)
{
	uint64_t available;
	const uint8_t *bytes;

	if (region->bytes && block->address >= region->start && block->size <= region->end - block->address)
		return region->bytes + (block->address - region->start);
	bytes = hc_core_bytes(duplicates->core, block->address, &available);
	return bytes && available >= block->size ? bytes : NULL;
}

/* Of a block in use, of which BYTES are all. */
hc_content hc_content_of(const hc_duplicates *duplicates, const hc_compared_block *block, const uint8_t *bytes);

/* The same for CONTENT and SIZE that are the same: of all bytes; of the first 16 and the last 8. */
uint64_t hc_content_hash(const hc_content *content, uint64_t size);
uint64_t hc_content_fingerprint(const hc_content *content, uint64_t size);

static inline bool hc_contents_are_equal(const hc_content *a, const hc_content *b)
{
	return a->length == b->length && a->compared == b->compared && !memcmp(a->bytes, b->bytes, a->length);
}

/* ---- groups.c ---- */

/* Fills entries and groups, in no order. FALSE if memory was out. */
bool hc_duplicates_find_groups(hc_duplicates *duplicates);
