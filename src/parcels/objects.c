/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects that the books of a runtime tell of, in pages of objects of one size.
 *
 * There it is known where each begins, and which are free. What is free is marked before words cut anything, so that what is left over in it
 * cuts nothing, and so are the links by which a collector chains the others. When words have cut, each object is a parcel, and all that is
 * free beside each other is one.
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

static void mark(const hc_parcel_range *range, uint64_t *bits, hc_address start, hc_address end)
{
	for (hc_address at = start; at < end; at += HC_PARCEL_GRANULE)
		hc_set_bit(bits, hc_parcels_granule(range, at));
}

static void mark_free(hc_parcels *parcels, const hc_runtimes *runtimes, const hc_parcel_range *range,
	const hc_runtime_page *page)
{
	const uint16_t *free = hc_runtimes_free_objects(runtimes, page);

	for (unsigned i = 0; i < page->free_count; i++) {
		hc_address object = page->objects + (hc_address)free[i] * page->size;

		mark(range, parcels->free, object, object + page->size);
	}
	mark(range, parcels->free, page->unused, page->end);
}

static void mark_links(hc_parcels *parcels, const hc_runtimes *runtimes, const hc_parcel_range *range,
	const hc_runtime_page *page)
{
	for (hc_address object = page->objects; object < page->unused; object += page->size) {
		hc_address links = hc_bit(parcels->free, hc_parcels_granule(range, object)) ?
					   0 :
					   hc_runtimes_links(runtimes, object, page->size);

		if (links)
			mark(range, parcels->links, links, links + HC_RUNTIME_LINKS);
	}
}

bool hc_parcels_find_objects(hc_parcels *parcels, const hc_runtimes *runtimes)
{
	unsigned count = hc_runtimes_page_count(runtimes);

	if (!count)
		return true;
	parcels->free = hc_pages_create(hc_parcels_bits_size(parcels));
	parcels->links = hc_pages_create(hc_parcels_bits_size(parcels));
	if (!parcels->free || !parcels->links)
		return false;
	for (unsigned i = 0; i < count; i++) {
		const hc_runtime_page *page = hc_runtimes_page(runtimes, i);
		const hc_parcel_range *range = range_of_page(parcels, page);

		if (!range)
			continue;
		mark_free(parcels, runtimes, range, page);
		mark_links(parcels, runtimes, range, page);
	}
	return true;
}

/* A parcel begins at granule FIRST, and none from there to END. */
static void cut_object(hc_parcels *parcels, uint64_t first, uint64_t end)
{
	hc_set_bit(parcels->cuts, first);
	hc_set_bit(parcels->strong, first);
	for (uint64_t granule = first + 1; granule < end; granule++) {
		hc_clear_bit(parcels->cuts, granule);
		hc_clear_bit(parcels->strong, granule);
	}
}

static void cut_page(hc_parcels *parcels, const hc_parcel_range *range, const hc_runtime_page *page)
{
	uint64_t start = hc_parcels_granule(range, page->start), first = hc_parcels_granule(range, page->objects);
	uint64_t granules = page->size / HC_PARCEL_GRANULE;
	bool was_free = false;

	cut_object(parcels, start, first);
	for (hc_address at = page->objects; at < page->end; at += page->size) {
		uint64_t object = hc_parcels_granule(range, at);
		bool is_free = hc_bit(parcels->free, object);

		if (!is_free)
			cut_object(parcels, object, object + granules);
		else if (!was_free)
			cut_object(parcels, object, object + 1);
		was_free = is_free;
	}
	if (page->end < range->end) {
		uint64_t end = hc_parcels_granule(range, page->end);

		cut_object(parcels, end, end + 1);
	}
}

void hc_parcels_cut_objects(hc_parcels *parcels, const hc_runtimes *runtimes)
{
	for (unsigned i = 0; parcels->free && i < hc_runtimes_page_count(runtimes); i++) {
		const hc_runtime_page *page = hc_runtimes_page(runtimes, i);
		const hc_parcel_range *range = range_of_page(parcels, page);

		if (range)
			cut_page(parcels, range, page);
	}
}
