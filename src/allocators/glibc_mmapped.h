/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the search for mmapped chunks (glibc_mmapped.c) and the choice among what looks like one (glibc_mmapped_choice.c).
 */
#pragma once

#include <heapcore/core.h>

#include <glib.h>

typedef struct glibc_mapped_candidate {
	hc_address start, end; /* of the mapping: whole pages */
	hc_address chunk;
	uint64_t size; /* of the chunk, as its header says */
	uint64_t offset;
	unsigned likelihood; /* up to GLIBC_MAPPED_LIKELIHOOD_MAX; the higher, the more speaks for it */
	bool is_referenced;  /* a word outside of it leads to its block */
	bool is_guess;	     /* another choice without it has as much evidence */
} glibc_mapped_candidate;

#define GLIBC_MAPPED_LIKELIHOOD_MAX 7

/* What malloc says of its mmapped chunks, in bytes of whole mappings. */
typedef struct glibc_mapped_truth {
	uint64_t count;
	uint64_t bytes;
	uint64_t drift; /* the sum may be less than BYTES by up to this */
	uint64_t page;
} glibc_mapped_truth;

/*
 * Keeps in CANDIDATES (glibc_mapped_candidate, in order of start, then chunk) a set of which no two overlap and whose number and
 * sum are TRUTH's; of several such sets the one that leaves out the least likelihood. Those of the
 * chosen that another set of that number and sum leaves out, which has as many referenced ones, are
 * marked as guesses. FALSE, and nothing changes, if there is none or if the search had to end
 * before it found one: it remembers at most a million states.
 */
bool glibc_choose_mapped(GArray *candidates, const glibc_mapped_truth *truth);
