/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Large tables that are read at random. */
#pragma once

#include <glib.h>

enum {
	HC_LARGE_PAGE = 2 << 20 /* bytes: what one entry of the processor's table of pages holds instead of 4 KiB */
};

/*
 * SIZE bytes, all zero, in huge pages where the system gives them (transparent huge pages: madvise(2)): with pages of 4 KiB almost
 * every look-up in a table of megabytes misses the processor's table of pages as well. NULL if there is no memory.
 */
void *hc_pages_create(size_t size);

/* Gives back the memory of what hc_pages_create(SIZE) gave, but for the first USED bytes; the rest is zero again. */
void hc_pages_trim(void *pages, size_t size, size_t used);

/* Gives back the large pages that are wholly in the SIZE bytes at PLACE, in what hc_pages_create() gave: they are zero again. */
void hc_pages_discard(void *place, size_t size);

/* Frees what hc_pages_create(SIZE) gave. NULL is fine. */
void hc_pages_destroy(void *pages, size_t size);

/* Address space for SIZE bytes that begins at a large page, and may not be touched yet; for munmap(). NULL if there is none. */
void *hc_pages_reserve(size_t size);
