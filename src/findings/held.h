/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of paths as findings look at it: what is lost taken out, variables that many threads have as one. */
#pragma once

#include "findings/findings.h"

enum {
	HC_HELD_NONE = UINT32_MAX
};

/* A place that blocks hang on; in several threads the same place of each. Figures of all threads added up. */
typedef struct hc_held {
	uint32_t path;	   /* number of the first such path */
	uint32_t parent;   /* index, smaller than its own; HC_HELD_NONE */
	uint32_t heaviest; /* index of the child that most hangs on; HC_HELD_NONE */
	unsigned threads;  /* that have the variable; 0: it is no thread's, or one thread has most */
	hc_types_path is;
} hc_held;

/* GArray of hc_held, parents first. Nothing is read of the core. */
GArray *hc_held_collect(const hc_findings_input *input);

static inline const hc_held *hc_held_get(const GArray *tree, uint32_t index)
{
	return &g_array_index(tree, hc_held, index);
}

/*
 * What a person must look at, most bytes first: each of these holds LEAST bytes or more, none is below another. It is where things
 * pile up: one goes down from the variable while one child holds most, to where many alike things begin. GArray of uint32_t (indices).
 */
GArray *hc_held_choose(const GArray *tree, uint64_t least);

/* ---- suspects.c ---- */

/*
 * Tells of owners that have much, IN_USE bytes being in use: in the finding of a place that was made for what begins at index I of TREE, if
 * TOLD[I] is its number plus one; in one of their own where that is 0.
 */
void hc_suspects_add(const hc_findings_input *input, const GArray *tree, const uint32_t *told, uint64_t in_use,
	hc_findings *findings);
