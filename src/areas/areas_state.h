/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of areas/ share. */
#pragma once

#include "areas/areas.h"


/* Somebody's claim on a part of the address space. Claims are disjoint when areas are cut. */
typedef struct hc_area_claim {
	hc_address start, end;
	hc_area_kind kind;
	unsigned owner;
} hc_area_claim;

struct hc_areas {
	const hc_core *core;
	hc_modules *modules;
	const hc_blocks *blocks;
	hc_diagnostics *diagnostics;
	hc_runtimes *runtimes;
	GArray *list;	/* of hc_area */
	GArray *claims; /* of hc_area_claim, sorted by start */
	uint64_t bytes[HC_AREA_KIND_COUNT];
	GArray *results; /* of hc_range, sorted */
	/*
	 * Of hc_range: the stacks, without guards that are mappings of their own, that libc keeps for threads that have ended and were
	 * not joined. None of those where it is not known whether they were.
	 */
	GArray *unjoined_stacks;
	GArray *unjoined_routines; /* of hc_address: of each of them where it began; 0: not known */
	char *unjoined_routine;	   /* what `unjoined` points to */
	hc_unjoined unjoined;
	GHashTable *guards; /* stacks.c: hc_mapping * -> whether it is address space only */
};

/* ---- claims.c ---- */

void hc_areas_claim(hc_areas *areas, hc_address start, hc_address end, hc_area_kind kind, unsigned owner);

/* Claims the regions of the heap, and malloc's state. */
void hc_areas_claim_heap(hc_areas *areas);

/* Of claims on one place the kind that comes first is left. Sorts them by start. */
void hc_areas_make_claims_disjoint(hc_areas *areas);

/* stacks.c: claims live and unused parts of thread stacks. */
void hc_areas_claim_stacks(hc_areas *areas);

/* Claims a stack that may have frames anywhere: unused up to the first byte that is not zero. THREAD_INDEX: UINT_MAX if nobody's. */
void hc_areas_claim_left_stack(hc_areas *areas, hc_address start, hc_address end, unsigned thread_index);

/* The stack whose thread descriptor is at POINTER, without a guard that is a mapping of its own; FALSE if the descriptor tells none. */
bool hc_areas_stack_block(const hc_areas *areas, hc_address pointer, hc_range *ret_stack);

/* Where `stackblock` is in the thread descriptor at POINTER. FALSE if it tells no stack. */
bool hc_areas_descriptor_end(const hc_areas *areas, hc_address pointer, hc_address *ret_end);

/* Whether ADDRESS is in a file's executable mapping; one that the core does not list, whose flags are not known, counts. */
static inline bool hc_areas_is_code(const hc_areas *areas, hc_address address)
{
	const hc_mapping *mapping = hc_core_find_mapping(areas->core, address);

	return mapping && mapping->path && mapping->flags & (HC_MAPPING_EXECUTE | HC_MAPPING_UNLISTED);
}

/* coroutines.c: claims stacks that libc did not make. After all other claims. */
void hc_areas_claim_coroutines(hc_areas *areas);

/* results.c: fills `results`, `unjoined_stacks` and `unjoined_routines`. */
void hc_areas_find_results(hc_areas *areas);

/* unjoined.c: fills `unjoined`. */
void hc_areas_count_unjoined(hc_areas *areas);

/* claimed_by_runtimes.c: claims what other runtimes have of anonymous and shared memory; and tells it of the areas, once they are cut. */
void hc_areas_claim_runtimes(hc_areas *areas);
void hc_areas_name_runtimes(hc_areas *areas);

/* mapping_kinds.c: what an unclaimed part of a mapping is. *ret_owner: a module's index, or UINT_MAX. */
hc_area_kind hc_areas_classify(const hc_areas *areas, const hc_mapping *mapping, unsigned *ret_owner);

/* True if MAPPING is address space that never was memory: PROT_NONE, or what gdb makes of it. */
bool hc_areas_is_reserved(const hc_core *core, const hc_mapping *mapping);

/* pointed_from.c: who uses the largest anonymous areas. */
void hc_areas_find_users(hc_areas *areas);
