/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking for parcels by number. */
#include "parcels/parcels_state.h"

#include "base/bytes.h"

hc_range hc_parcels_get(const hc_parcels *parcels, uint32_t number)
{
	const hc_parcel_range *list = (const hc_parcel_range *)(const void *)parcels->ranges->data;
	uint32_t granule = parcels->granule_of[number];
	const hc_parcel_range *range =
		&list[HC_PARTITION_POINT(middle, 0u, parcels->ranges->len, list[middle].first <= granule) - 1];
	hc_address start = range->start + ((granule - range->first) << HC_PARCEL_GRANULE_SHIFT), end = range->end;

	if (number + 1 < parcels->count)
		end = MIN(end,
			range->start + ((parcels->granule_of[number + 1] - range->first) << HC_PARCEL_GRANULE_SHIFT));
	return (hc_range){ start, end };
}

/* Bytes of whole pages, before END, that are known to be of zeros only from AT on; 0: none, or AT is inside of a page. */
static uint64_t blank_bytes(const hc_core *core, hc_address at, hc_address end, uint64_t page)
{
	uint64_t available, hole;
	const uint8_t *bytes = at % page || end - at < page ? NULL : hc_core_bytes(core, at, &available);

	if (!bytes || available < page)
		return 0;
	if (hc_core_is_hole(core, bytes, MIN(available, end - at), &hole) && hole >= page)
		return hc_align_down(hole, page);
	return hc_bytes_are_zero(bytes, page) ? page : 0;
}

bool hc_parcels_next_stretch(const hc_core *core, hc_address *start, hc_address end, hc_address *ret_end)
{
	uint64_t page = hc_core_process(core)->page_size;
	hc_address at = *start;
	uint64_t blank;

	while (at < end && (blank = blank_bytes(core, at, end, page)))
		at += blank;
	*start = at;
	while (at < end && !blank_bytes(core, at, end, page))
		at = MIN(end, hc_align_down(at, page) + page);
	*ret_end = at;
	return *start < end;
}

bool hc_parcels_next_words(const hc_parcels *parcels, hc_address *start, hc_address end, hc_address *ret_end)
{
	const hc_parcel_range *range = parcels->links ? hc_parcels_range_of(parcels, *start) : NULL;
	hc_address at = *start;

	*ret_end = end;
	if (!range)
		return at < end;
	while (at < end && hc_bit(parcels->links, hc_parcels_granule(range, at)))
		at += HC_PARCEL_GRANULE;
	*start = at;
	for (; at < end; at += HC_PARCEL_GRANULE)
		if (hc_bit(parcels->links, hc_parcels_granule(range, at))) {
			*ret_end = at;
			break;
		}
	return *start < *ret_end;
}

uint64_t hc_parcels_touched(const hc_parcels *parcels, uint32_t number)
{
	hc_range range = hc_parcels_get(parcels, number);
	hc_address stretch_end;
	uint64_t touched = 0;

	for (; hc_parcels_next_stretch(parcels->core, &range.start, range.end, &stretch_end); range.start = stretch_end)
		touched += stretch_end - range.start;
	return touched;
}
