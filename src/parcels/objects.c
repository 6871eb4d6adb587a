/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects that the books of a runtime tell of, in pages of objects of one size.
 *
 * There it is known where each begins, and which are free. What is free is marked before words cut anything, so that what is left over in it
 * cuts nothing. When they have cut, each object is a parcel, and all that is free beside each other is one. Of words that lead into the
 * middle of an object only those count that lead behind a head that it may have: the collector's list leads to that, all others behind it.
 *
 * One step for each object, and one for 8 bytes of each page.
 */
#include "parcels/parcels_state.h"

#include "base/pages.h"

/* The range that PAGE is in, from its first byte to its last; NULL: it is in none. */
static const hc_parcel_range *range_of_page(const hc_parcels *parcels, const hc_runtime_page *page)
{
	const hc_parcel_range *range = hc_parcels_range_of(parcels, page->start);

	return range && page->end <= range->end && page->start % HC_PARCEL_GRANULE == 0 ? range : NULL;
}

static void mark_free(hc_parcels *parcels, const hc_parcel_range *range, hc_address start, hc_address end)
{
	for (hc_address at = start; at < end; at += HC_PARCEL_GRANULE)
		hc_set_bit(parcels->free, hc_parcels_granule(range, at));
}

bool hc_parcels_find_free(hc_parcels *parcels, const hc_runtimes *runtimes)
{
	unsigned count = hc_runtimes_page_count(runtimes);

	if (!count)
		return true;
	parcels->free = hc_pages_create(hc_parcels_bits_size(parcels));
	for (unsigned i = 0; parcels->free && i < count; i++) {
		const hc_runtime_page *page = hc_runtimes_page(runtimes, i);
		const hc_parcel_range *range = range_of_page(parcels, page);
		const uint16_t *free = hc_runtimes_free_objects(runtimes, page);

		if (!range)
			continue;
		for (unsigned j = 0; j < page->free_count; j++) {
			hc_address object = page->objects + (hc_address)free[j] * page->size;

			mark_free(parcels, range, object, object + page->size);
		}
		mark_free(parcels, range, page->unused, page->end);
	}
	return parcels->free;
}

/* The granules from FIRST to END are one parcel, or two if words lead to granule HEAD. */
static void cut_object(hc_parcels *parcels, uint64_t first, uint64_t end, uint64_t head)
{
	hc_set_bit(parcels->cuts, first);
	hc_set_bit(parcels->strong, first);
	for (uint64_t granule = first + 1; granule < end; granule++)
		if (granule != head || !hc_bit(parcels->strong, granule)) {
			hc_clear_bit(parcels->cuts, granule);
			hc_clear_bit(parcels->strong, granule);
		}
}

/* Where the object at ADDRESS begins behind its head; where it begins if it has none. */
static uint64_t end_of_head(const hc_runtimes *runtimes, const hc_parcel_range *range, hc_address address)
{
	return hc_parcels_granule(range, address + hc_runtimes_head(runtimes, address));
}

static void cut_page(hc_parcels *parcels, const hc_runtimes *runtimes, const hc_parcel_range *range,
	const hc_runtime_page *page)
{
	uint64_t start = hc_parcels_granule(range, page->start), first = hc_parcels_granule(range, page->objects);
	uint64_t granules = page->size / HC_PARCEL_GRANULE;
	bool was_free = false;

	cut_object(parcels, start, first, start);
	for (hc_address at = page->objects; at < page->end; at += page->size) {
		uint64_t object = hc_parcels_granule(range, at);
		bool is_free = hc_bit(parcels->free, object);

		if (!is_free)
			cut_object(parcels, object, object + granules, end_of_head(runtimes, range, at));
		else if (!was_free)
			cut_object(parcels, object, object + 1, object);
		was_free = is_free;
	}
	if (page->end < range->end) {
		uint64_t end = hc_parcels_granule(range, page->end);

		cut_object(parcels, end, end + 1, end);
	}
}

void hc_parcels_cut_objects(hc_parcels *parcels, const hc_runtimes *runtimes)
{
	for (unsigned i = 0; parcels->free && i < hc_runtimes_page_count(runtimes); i++) {
		const hc_runtime_page *page = hc_runtimes_page(runtimes, i);
		const hc_parcel_range *range = range_of_page(parcels, page);

		if (range)
			cut_page(parcels, runtimes, range, page);
	}
}
