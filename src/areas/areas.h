/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of areas/: every byte of the address space in exactly one area.
 *
 * The pieces of the core are cut where somebody claims a part of them: the heap's regions, thread stacks, malloc's state.
 * What nobody claims is told by its mapping: file, flags, neighbours.
 *
 *	areas.c		cutting, by the claims
 *	claims.c	claims of the heap; which one counts where several are on one place
 *	stacks.c	claims of threads' stacks, live and unused
 *	results.c	what threads left that ended and were not joined
 *	unjoined.c	how many these are, and what their stacks keep
 *	coroutines.c	claims of stacks that libc did not make
 *	mapping_kinds.c	what a mapping is that nobody claims
 *	claimed_by_runtimes.c	... or that another runtime has
 *	pointed_from.c	whose the anonymous mappings are
 *	lookup.c	asking: by number, by address, for sums
 */
#pragma once

#include <heapcore/areas.h>

#include "blocks/blocks.h"
#include "runtimes/runtimes.h"

/* The arguments must outlive the areas. */
hc_areas *hc_areas_create(
	const hc_core *core, hc_modules *modules, const hc_blocks *blocks, hc_diagnostics *diagnostics);
void hc_areas_destroy(hc_areas *areas);

/* The words in which results of threads stand that have ended and wait to be joined: of hc_range, sorted. The areas own it. */
const GArray *hc_areas_results(const hc_areas *areas);

/* Whose mappings are that malloc never saw. The areas own it. */
const hc_runtimes *hc_areas_runtimes(const hc_areas *areas);

enum {
	HC_UNJOINED_LEAST = 10 /* threads that are worth telling of; fewer may well be joined yet */
};
