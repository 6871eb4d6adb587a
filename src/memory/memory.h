/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of memory/: the table whose rows add up.
 *
 *	memory.c	the rows: bytes outside the heap from areas, those of the heap from blocks
 *	resident.c	what of each row was resident
 *	proportional.c	... and its share of what other processes map as well
 *	uses.c		what of a row other runtimes have
 *	rows.c		names of rows, and what kind of memory they are
 *	figures.c	names of figures in conditions
 *	memory_parts.h	what these share
 */
#pragma once

#include <heapcore/memory.h>

#include "references/references.h"

/* The arguments are only read. REFERENCES may be NULL: then nothing is said of lost blocks. */
hc_memory *hc_memory_create(const hc_core *core, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, hc_diagnostics *diagnostics);
void hc_memory_destroy(hc_memory *memory);

/* Of USES (hc_memory_use) the number of that which AREA is counted in; UINT_MAX: in none. */
unsigned hc_memory_use_of_area(const hc_memory *memory, const hc_area *area);
