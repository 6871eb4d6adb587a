/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of duplicates/: blocks that hold the same.
 *
 *	content.h	what of a block is its content, and the hash of that
 *	content.c	...
 *	groups.c	blocks of one hash, compared: groups
 *	frequent.c	contents that a sample shows more than once, counted in all blocks
 *	duplicates.c	the object, the order of its groups, and asking for it
 */
#pragma once

#include <heapcore/duplicates.h>

#include "types/types.h"

/*
 * TYPES may be NULL: then no type tells what is text. OPTIONS may be NULL. All but OPTIONS must outlive the result. Fails with
 * HC_ERROR_NO_MEMORY.
 */
hc_duplicates *hc_duplicates_create(const hc_core *core, const hc_blocks *blocks, const hc_references *references,
	const hc_types *types, const hc_duplicates_options *options, GError **error);

/* Blocks of a group that hang on one path. */
typedef struct hc_duplicate_owner {
	uint32_t path; /* of hc_types_path_text() */
	uint64_t blocks;
} hc_duplicate_owner;

/* Who holds the blocks of GROUP, or of very many the first, most first: GArray of hc_duplicate_owner, to be unreferenced. */
GArray *hc_duplicates_owners(const hc_duplicates *duplicates, const hc_duplicate_group *group);

/* Whether blocks of GROUP are certainly the same, and worth saving: not zeros, nor likely text. */
static inline bool hc_duplicate_is_certain(const hc_duplicate_group *group)
{
	return !group->is_zero && group->compared != HC_COMPARED_LIKELY_TEXT;
}

typedef struct hc_frequent_content {
	hc_duplicate_group group; /* its `example` is any of them, and `first` means nothing */
	uint32_t path;		  /* more than half of the blocks hang on it (hc_types_path_text()); 0: on none */
} hc_frequent_content;

/*
 * The contents of the certain groups of SAMPLE, in the same order. Each has all its blocks: those in
 * use that are neither lost nor libc's. Other contents are not looked for. GArray of
 * hc_frequent_content, to be unreferenced; NULL if memory was out.
 */
GArray *hc_duplicates_frequent(const hc_duplicates *sample);
