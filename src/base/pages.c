/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pages.h"

#include <sys/mman.h>

/* A mapping begins where the system likes: one large page more, and what is not needed goes back. */
static void *map_aligned(size_t size, int protection)
{
	size_t room = size + HC_LARGE_PAGE;
	char *start = mmap(NULL, room, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	size_t before = -(guintptr)start % HC_LARGE_PAGE;

	if (before)
		munmap(start, before);
	munmap(start + before + size, room - before - size);
	return start + before;
}

static size_t whole_pages(size_t size)
{
	return (size + HC_LARGE_PAGE - 1) & ~(size_t)(HC_LARGE_PAGE - 1);
}

void *hc_pages_create(size_t size)
{
	if (size < HC_LARGE_PAGE)
		return g_try_malloc0(MAX(size, 1));
	if (size > G_MAXSIZE - 2 * (size_t)HC_LARGE_PAGE)
		return NULL;
	void *pages = map_aligned(whole_pages(size), PROT_READ | PROT_WRITE);

	if (pages)
		madvise(pages, whole_pages(size), MADV_HUGEPAGE);
	return pages;
}

void hc_pages_trim(void *pages, size_t size, size_t used)
{
	size_t kept = whole_pages(used);

	if (pages && size >= HC_LARGE_PAGE && kept < size)
		madvise((char *)pages + kept, whole_pages(size) - kept, MADV_DONTNEED);
}

void hc_pages_discard(void *place, size_t size)
{
	guintptr start = ((guintptr)place + HC_LARGE_PAGE - 1) & ~(guintptr)(HC_LARGE_PAGE - 1);
	guintptr end = ((guintptr)place + size) & ~(guintptr)(HC_LARGE_PAGE - 1);

	if (start < end)
		madvise((void *)start, end - start, MADV_DONTNEED);
}

void hc_pages_destroy(void *pages, size_t size)
{
	if (pages && size >= HC_LARGE_PAGE)
		munmap(pages, whole_pages(size));
	else
		g_free(pages);
}

void *hc_pages_reserve(size_t size)
{
	return size > G_MAXSIZE - 2 * (size_t)HC_LARGE_PAGE ? NULL : map_aligned(whole_pages(size), PROT_NONE);
}
