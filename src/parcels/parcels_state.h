/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share. */
#pragma once

#include "parcels/parcels.h"

/* objects.c: sets the bits of what is free, and of links, in the pages that RUNTIMES tell of. FALSE if memory was out. */
bool hc_parcels_find_objects(hc_parcels *parcels, const hc_runtimes *runtimes);

/* objects.c: PARCELS, which words have cut, are the objects of these pages, there. */
void hc_parcels_cut_objects(hc_parcels *parcels, const hc_runtimes *runtimes);

/* The number of the granule at ADDRESS, which is in RANGE. */
static inline uint64_t hc_parcels_granule(const hc_parcel_range *range, hc_address address)
{
	return range->first + ((address - range->start) >> HC_PARCEL_GRANULE_SHIFT);
}

/* Bytes of a bit for each granule. */
static inline size_t hc_parcels_bits_size(const hc_parcels *parcels)
{
	return parcels->granules / 8 + sizeof(uint64_t);
}

/* cuts.c: sets the bits of PARCELS, whose ranges are known, and collects root words. */
void hc_parcels_cut(hc_parcels *parcels, hc_modules *modules, const hc_blocks *blocks, const hc_references *references,
	unsigned jobs);

/* cuts.c: sets the bits of parcels that are preceded, once they have numbers. */
void hc_parcels_find_preceded(hc_parcels *parcels, const hc_references *references, unsigned jobs);
