/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of paths while they are made: path_rows.c; moved.c. */
#pragma once

#include "diff/diff_state.h"

/* The bytes of a row, in blocks from the heap and in mmapped ones. */
typedef struct hc_path_row {
	uint32_t path;
	uint64_t *own, *mapped; /* by snapshot; OWN without MAPPED */
	uint64_t *own_resident, *mapped_resident;
	uint64_t blocks[2], mapped_blocks[2]; /* first, last */
	uint64_t shared[2], most_shared;      /* first, last; of one path */
	const hc_sharing *sharing;	      /* of the path that has most; NULL: none */
	uint64_t outside[2];		      /* first, last: of OWN */
	uint64_t free_between[2];	      /* first, last */
} hc_path_row;

/* All that OTHER has becomes ROW's; OTHER is no row any more: its path is HC_SNAPSHOT_NONE. */
void hc_diff_add_path_rows(const hc_diff *diff, hc_path_row *row, hc_path_row *other);

/*
 * Joins rows of LIST (of hc_path_row) of which one seems to have grown by what the other had before. ROW_OF: by path, its place in LIST;
 * HC_SNAPSHOT_NONE: it has none.
 */
void hc_diff_join_moved(const hc_diff *diff, GArray *list, const uint32_t *row_of);
