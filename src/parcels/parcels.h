/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of parcels/: private memory that is not malloc's, cut where words lead into it.
 *
 * Allocators of a library's or the program's own (TBB's, Python's, jemalloc) take memory by mmap()
 * and put objects there. Where these begin the core does not tell; but who uses an object has a
 * word that leads to it. So such memory is cut at each address that a word of the program leads to:
 * in data, on stacks, in blocks in use, and in such memory itself. From one cut to the next there
 * is a *parcel*: an object with what lies free behind it, a part of an object, or something free
 * that only its allocator knows of.
 *
 * What stands on stacks and in registers may be left over, and lead into the middle of an object:
 * parcels that only such words begin are *weak*.
 *
 * Parcels that another one like them leads to are *preceded*: they are in the middle of a list, or
 * below a tree's root.
 *
 * Where a runtime's books tell of its objects (runtimes/), these are the parcels; what stands in those that are free cuts nothing, and makes
 * nothing preceded. So do the links by which its collector chains those in use, and who leads to these leads to no object.
 *
 * What is cut are private mappings that are nothing else (HC_AREA_ANONYMOUS), but for what threads
 * have there for stacks and local storage, and for heaps of runtimes that move their objects, or pack
 * pointers.
 *
 *	parcels.c	which memory is cut; the numbers of parcels
 *	objects.c	what books tell of objects
 *	cuts.c		the words that cut, and who precedes whom
 *	lookup.c	asking by number
 *	parcels_state.h	what these share
 *
 * Memory: 5 bytes for each 128 that are cut, 9 where books tell of objects, and 4 for each parcel.
 */
#pragma once

#include "base/bits.h"
#include "base/partition.h"
#include "modules/modules.h"
#include "references/references.h"

enum {
	HC_PARCEL_GRANULE_SHIFT = 3, /* cuts are at multiples of 8 bytes */
	HC_PARCEL_GRANULE = 1 << HC_PARCEL_GRANULE_SHIFT
};

/* Memory that is cut. */
typedef struct hc_parcel_range {
	hc_address start, end;
	uint64_t first; /* the number of its first granule; a multiple of 64 */
} hc_parcel_range;

typedef struct hc_parcels {
	const hc_core *core;
	GArray *ranges;	      /* of hc_parcel_range, by address */
	hc_address low;	      /* the first byte of all ranges ... */
	uint64_t span;	      /* ... and the distance to the end of the last; 0: there are none */
	uint64_t granules;    /* of all ranges, up to a multiple of 64 */
	uint64_t *cuts;	      /* bit for each granule: a parcel begins there */
	uint64_t *strong;     /* likewise: one that is not weak */
	uint64_t *free;	      /* likewise: it is of an object that is free, by the books of a runtime; NULL: none is */
	uint64_t *links;      /* likewise: it is of a collector's links, in an object in use; NULL: none is */
	uint32_t *rank;	      /* for each 64 granules: parcels that begin before them */
	uint32_t *granule_of; /* of each parcel */
	uint64_t *preceded;   /* bit for each parcel */
	uint32_t count;
	GArray *root_words; /* of hc_root_word, in order of the roots: what leads here from those not cut */
} hc_parcels;

/*
 * Cuts on JOBS threads (0: one per processor); the result is the same for any number. The arguments
 * must outlive it. Of more memory than can be looked at the rest is left out, and DIAGNOSTICS say
 * so. Fails with HC_ERROR_NO_MEMORY.
 */
hc_parcels *hc_parcels_create(const hc_core *core, hc_modules *modules, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, unsigned jobs, hc_diagnostics *diagnostics, GError **error);
void hc_parcels_destroy(hc_parcels *parcels);

/* True if ADDRESS lies in the address range of what is cut: the cheap test. */
static inline bool hc_parcels_may_contain(const hc_parcels *parcels, hc_address address)
{
	return address - parcels->low < parcels->span;
}

/* The range that ADDRESS is in; NULL if it is in none. */
static inline const hc_parcel_range *hc_parcels_range_of(const hc_parcels *parcels, hc_address address)
{
	const hc_parcel_range *list = (const hc_parcel_range *)(const void *)parcels->ranges->data;

	if (!hc_parcels_may_contain(parcels, address))
		return NULL;
	unsigned at = HC_PARTITION_POINT(middle, 0u, parcels->ranges->len, list[middle].end <= address);

	return list[at].start <= address ? &list[at] : NULL;
}

/* The number of the parcel that ADDRESS is in; FALSE if it is in none. */
static inline bool hc_parcels_find(const hc_parcels *parcels, hc_address address, uint32_t *ret_number)
{
	const hc_parcel_range *range = hc_parcels_range_of(parcels, address);

	if (!range)
		return false;
	uint64_t granule = range->first + ((address - range->start) >> HC_PARCEL_GRANULE_SHIFT);

	/* Each range begins with a cut. */
	*ret_number = parcels->rank[granule / 64] + hc_bits_before(parcels->cuts, granule) +
		      hc_bit(parcels->cuts, granule) - 1;
	return true;
}

/* Where parcel NUMBER lies. */
hc_range hc_parcels_get(const hc_parcels *parcels, uint32_t number);

static inline bool hc_parcels_is_weak(const hc_parcels *parcels, uint32_t number)
{
	return !hc_bit(parcels->strong, parcels->granule_of[number]);
}

/* Whether a runtime's books tell that parcel NUMBER is free: nobody has it, and its words are left over, or its allocator's. */
static inline bool hc_parcels_is_free(const hc_parcels *parcels, uint32_t number)
{
	return parcels->free && hc_bit(parcels->free, parcels->granule_of[number]);
}

/* Whether ADDRESS is in what nobody has by the books of a runtime: an object that is free, or a collector's links. */
static inline bool hc_parcels_is_nobodys(const hc_parcels *parcels, hc_address address)
{
	const hc_parcel_range *range = parcels->free ? hc_parcels_range_of(parcels, address) : NULL;

	if (!range)
		return false;
	uint64_t granule = range->first + ((address - range->start) >> HC_PARCEL_GRANULE_SHIFT);

	return hc_bit(parcels->free, granule) || hc_bit(parcels->links, granule);
}

/*
 * The first stretch of [*START, END), in one range, without a collector's links: moves *START to it, and gives its end. FALSE if there is none.
 */
bool hc_parcels_next_words(const hc_parcels *parcels, hc_address *start, hc_address end, hc_address *ret_end);

/* Bytes of parcel NUMBER without whole pages of zeros: those were never written, or given back. */
uint64_t hc_parcels_touched(const hc_parcels *parcels, uint32_t number);

/*
 * The first stretch of [*START, END) without whole pages of zeros, which hold no words: moves *START
 * to it, and gives its end. FALSE if there is none.
 */
bool hc_parcels_next_stretch(const hc_core *core, hc_address *start, hc_address end, hc_address *ret_end);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_parcels, hc_parcels_destroy)
