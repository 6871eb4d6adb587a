/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Large tables that are read at random. */
#pragma once

#include <glib.h>

/*
 * SIZE bytes, all zero, in huge pages where the system gives them (transparent huge pages: madvise(2)): with pages of 4 KiB almost
 * every look-up in a table of megabytes misses the processor's table of pages as well. NULL if there is no memory.
 */
void *hc_pages_create(size_t size);

/* Frees what hc_pages_create(SIZE) gave. NULL is fine. */
void hc_pages_destroy(void *pages, size_t size);
