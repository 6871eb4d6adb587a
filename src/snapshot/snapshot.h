/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of snapshot/: an analysis boiled down to what a comparison needs.
 *
 *	tables.c	the tables, empty at first
 *	create.c	the tables that are copied, and the order of all
 *	blocks.c	one pass over the blocks: each is counted in one row
 *	owner_rows.c	the paths that blocks hang on
 *	resident.c	what was in memory of all that, as a section
 *	uses.c		what other runtimes have, as a section
 *	file.c		writing
 *	read.c		reading, where nothing is believed
 */
#pragma once

#include <heapcore/snapshot.h>

/* Whether what looks lost may be held from memory that the core lacks: by the diagnostics that references/ made. */
bool hc_snapshot_lost_is_bound(const hc_snapshot *snapshot);
