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

uint64_t hc_parcels_touched(const hc_parcels *parcels, uint32_t number)
{
	hc_range range = hc_parcels_get(parcels, number);
	uint64_t page = hc_core_process(parcels->core)->page_size, touched = range.end - range.start;

	for (hc_address at = hc_align_up(range.start, page); at < range.end && range.end - at >= page; at += page) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(parcels->core, at, &available);

		if (bytes && available >= page && hc_bytes_are_zero(bytes, page))
			touched -= page;
	}
	return touched;
}
