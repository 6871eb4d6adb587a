/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pages.h"

#include <sys/mman.h>

enum {
	HUGE_PAGE = 2 << 20
};

/* A mapping begins where the system likes: one huge page more, and what is not needed goes back. */
static void *map_aligned(size_t size)
{
	size_t room = size + HUGE_PAGE;
	char *start = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	size_t before = -(guintptr)start % HUGE_PAGE;

	if (before)
		munmap(start, before);
	munmap(start + before + size, room - before - size);
	madvise(start + before, size, MADV_HUGEPAGE);
	return start + before;
}

static size_t whole_pages(size_t size)
{
	return (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
}

void *hc_pages_create(size_t size)
{
	if (size < HUGE_PAGE)
		return g_try_malloc0(MAX(size, 1));
	return size > G_MAXSIZE - 2 * (size_t)HUGE_PAGE ? NULL : map_aligned(whole_pages(size));
}

void hc_pages_destroy(void *pages, size_t size)
{
	if (pages && size >= HUGE_PAGE)
		munmap(pages, whole_pages(size));
	else
		g_free(pages);
}
