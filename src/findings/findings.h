/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of findings/: what a person should look at. One question per file; each adds at most a few findings, and
 * none where there is nothing to say.
 *
 *	finders.c	the table of finders, and asking them
 *	findings.c	the list of what they found
 *	held.c		where memory piles up
 *	suspects.c	... and who has much of it
 *	sizes.c		blocks in use by size
 *	content.c	what lost blocks begin with
 *	<finder>.c	one a question
 *
 * To add one: a file with a function of the type hc_finder, a declaration below, and a line in the table in finders.c.
 */
#pragma once

#include <heapcore/findings.h>

#include "abi/abi.h"
#include "leaks/leaks.h"
#include "memory/memory.h"
#include "owners/owners.h"
#include "types/types.h"

/* What a finder may look at. All of it is complete. */
typedef struct hc_findings_input {
	const hc_core *core;
	const hc_blocks *blocks;
	const hc_areas *areas;
	const hc_references *references;
	const hc_unloaded *unloaded;
	const hc_memory *memory;
	const hc_types *types;	       /* NULL: not asked for */
	const hc_ownership *ownership; /* with what owners retain; NULL: not asked for */
	hc_diagnostics *diagnostics;
	unsigned jobs; /* threads; 0: one per processor */
	bool no_sites; /* the program's code is not to be read */
} hc_findings_input;

struct hc_findings {
	GArray *list; /* of hc_finding, largest first */
	/* What those of two layouts point into; NULL: there are none. */
	hc_abi *abi;
	GPtrArray *answers; /* of hc_site_answer; in front of abi, whose sites they point into */
};

typedef void (*hc_finder)(const hc_findings_input *input, hc_findings *findings);

hc_findings *hc_findings_create(const hc_findings_input *input);

/* Takes the strings of FINDING over. */
void hc_findings_add(hc_findings *findings, const hc_finding *finding);

void hc_findings_free(hc_findings *findings);

/* ---- the finders ---- */

void hc_find_lost(const hc_findings_input *input, hc_findings *findings);
void hc_find_piles(const hc_findings_input *input, hc_findings *findings);
void hc_find_retained(const hc_findings_input *input, hc_findings *findings);
void hc_find_big_blocks(const hc_findings_input *input, hc_findings *findings);
void hc_find_not_glibc(const hc_findings_input *input, hc_findings *findings);
void hc_find_not_heap(const hc_findings_input *input, hc_findings *findings);
void hc_find_unjoined(const hc_findings_input *input, hc_findings *findings);
void hc_find_duplicates(const hc_findings_input *input, hc_findings *findings);
void hc_find_collisions(const hc_findings_input *input, hc_findings *findings);
void hc_find_damage(const hc_findings_input *input, hc_findings *findings);
void hc_find_two_layouts(const hc_findings_input *input, hc_findings *findings);

/*
 * two_layouts.c: whether so much is lost that it is worth the reading of code, or of debug info, to tell more of it: 64 KiB, and a 200th of
 * what is in use.
 */
bool hc_findings_lose_enough(const hc_blocks *blocks, const hc_references *references);

/* ---- sizes.c: blocks in use by their size, which several finders ask about ---- */

typedef enum {
	HC_SIZES_LOST,	  /* of lost blocks */
	HC_SIZES_UNKNOWN, /* of the program's blocks in use that are not lost, and whose type and owner are not known */
} hc_sizes_of;

/*
 * Blocks by usable size, most bytes first. Read from the index and the tables by block number, without touching the heap. GArray
 * of hc_size_count.
 */
GArray *hc_sizes_count(const hc_findings_input *input, hc_sizes_of which);
/* Whether hc_sizes_count() counts BLOCK among the unknown ones. */
bool hc_sizes_is_unknown(const hc_findings_input *input, const hc_block *block);

/* ---- content.c ---- */

/*
 * What most of the lost blocks begin with, printable: "ORDER/1.0 id="; *RET_SHARE is the share of their bytes that are in blocks that do.
 * NULL if no text is common to enough of them. Free with g_free().
 */
char *hc_lost_content(const hc_core *core, const hc_references *references, double *ret_share);
