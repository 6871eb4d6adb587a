/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner's way to blocks that are not in the largest region. */
#include "references/scan.h"

hc_words hc_scanner_contents_elsewhere(const hc_scanner *scanner, uint64_t start)
{
	const hc_blocks *blocks = scanner->blocks;
	const hc_block_region *region = hc_blocks_region_of_start(blocks, start);
	hc_address address = hc_blocks_address(blocks, region, start);

	if (!region->bytes)
		return (hc_words){ NULL, 0 };
	const uint8_t *bytes = region->bytes + (address - region->start);
	uint64_t size = hc_blocks_usable_size(blocks, region, address);

	return (hc_words){ bytes, MIN(size, region->end - address) & ~(uint64_t)(blocks->word - 1) };
}

const uint8_t *hc_scanner_place_elsewhere(const hc_scanner *scanner, uint64_t start)
{
	const hc_block_region *region = hc_blocks_region_of_start(scanner->blocks, start);

	return region->bytes ? region->bytes + (hc_blocks_address(scanner->blocks, region, start) - region->start) :
			       NULL;
}
