/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What glibc's malloc makes of a request (malloc.c: request2size(), MINSIZE), on the machines whose code is read. */
#include "sites/sites.h"

#include "blocks/blocks.h"

enum {
	HEADER = 8,
	ALIGNMENT = 16,
	LEAST = 24, /* usable bytes */
	MMAPPED_LEAST = 1 << 17,
	PAGE = 1 << 12,
};

bool hc_sites_gives(uint64_t request, uint64_t usable, bool *ret_is_larger)
{
	uint64_t least = hc_least_usable(request, HEADER, ALIGNMENT);

	*ret_is_larger = false;
	if (request > usable)
		return false;
	if (least == usable || (usable >= MMAPPED_LEAST && usable - request < PAGE + ALIGNMENT))
		return true;
	/* A chunk that is taken again is not cut if what would be left is less than the smallest one (malloc.c: MINSIZE). */
	*ret_is_larger = least + ALIGNMENT == usable;
	return *ret_is_larger;
}

uint64_t hc_sites_least_request(uint64_t usable)
{
	return usable >= MMAPPED_LEAST	  ? usable - PAGE - ALIGNMENT :
	       usable > LEAST + ALIGNMENT ? usable - 2 * ALIGNMENT :
					    0;
}
