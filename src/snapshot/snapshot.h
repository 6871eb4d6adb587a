/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of snapshot/: an analysis boiled down to what a comparison needs.
 *
 *	tables.c	the tables, empty at first
 *	create.c	the tables that are copied, and the order of all
 *	blocks.c	one pass over the blocks: each is counted in one row
 *	code.c		what debug info and code tell of lost blocks
 *	code_sections.c	... as sections
 *	owner_rows.c	the paths that blocks hang on
 *	sample.c	some of the blocks, each with its path
 *	resident.c	what was in memory of all that, as a section
 *	uses.c		what other runtimes have, as a section
 *	file.c		writing
 *	read.c		reading, where nothing is believed
 */
#pragma once

#include <heapcore/snapshot.h>

/* Whether what looks lost may be held from memory that the core lacks: by the diagnostics that references/ made. */
bool hc_snapshot_lost_is_bound(const hc_snapshot *snapshot);

/* Whether a type leads to OWNER, but only words to most of what it has itself. */
static inline bool hc_snapshot_owner_is_mostly_untyped(const hc_snapshot_owner *owner)
{
	return !owner->by_words && owner->untyped > (owner->own.bytes + owner->outside) / 2;
}

/* Whether BLOCK is in each sample that has all blocks of LARGE bytes or more, and one in 2^SHIFT of the others. */
bool hc_snapshot_is_sampled(const hc_snapshot_block *block, unsigned shift, uint64_t large);
