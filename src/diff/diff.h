/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of diff/.
 *
 *	diff.c		the rows of the memory tables side by side; the steps of a comparison, in order
 *	sameness.c	are they of one process, one build?
 *	sizes.c		blocks by size
 *	merged_paths.c	the trees of owners laid over each other, with their figures in each snapshot
 *	attribution.c	the growth shared out among paths, lost blocks, free memory, mappings
 *	path_rows.c	... its rows of paths
 *	moved.c		... of which some have what others had before
 *	growth.c	one of its rows
 *	steady.c	what did not grow
 *	absent.c	why resident memory grew by less than what is mapped
 *	alike.c		rows of one variable in many threads, added up
 *	code.c		what debug info and code tell of it
 *	counters.c	pairs of the program's own counters that tell a backlog
 *	causes.c	what is behind the growth, and what is not; the most bytes first
 *	lookup.c	what a comparison tells, by number; names of kinds
 *	trend.c		whether figures grow at every step, or grew once
 *	figures.c	figures by name, for conditions
 */
#pragma once

#include <heapcore/diff.h>

#include "snapshot/snapshot.h"
