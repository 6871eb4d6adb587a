/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPython's objects of up to 512 bytes, one by one (Objects/obmalloc.c).
 *
 * A pool has objects of one size behind its header, which says how many are in use, where the first is that was free again, and where the
 * part begins of which none was given out yet. A free object begins with the address of the next, NULL in the last.
 *
 * A pool counts if its header agrees with itself, with the arena, and with its list: that has as many objects as are neither in use nor in the
 * part that was never given out, each once and at a place of its own. Of a pool without objects in use all is free. Of any other pool nothing
 * is told: words cut it, as they cut what no books tell of.
 *
 * An object that the collector knows has two links (PyGC_Head, Include/internal/pycore_gc.h) in front of the count of its references and its
 * type, which is where others lead to. They begin what was allocated, or stand behind two words that lead to its attributes (since 3.11). They
 * chain all such objects, in no order that has to do with who uses whom. A chain agrees with itself: what the first link leads to has a second
 * one that leads back, but for bits of the collector's. While the collector is at work it may not; then these are words as all others.
 */
#include "base/bits.h"
#include "runtimes/runtimes_state.h"

enum {
	HEADER = 48, /* bytes: POOL_OVERHEAD */
	HEADER_FREE = 8,
	HEADER_ARENA = 32,
	HEADER_CLASS = 36,
	HEADER_NEXT = 40, /* nextoffset: what was never given out begins there */
	HEADER_LAST = 44, /* maxnextoffset: the last object */
	OBJECT_MAX = 512,
	LINKS_FARTHEST = 16, /* two words may be in front of the links */
	LINK_FLAGS = 3, /* the collector's bits in a link */
	HEAD_BACK = 8, /* the link back, behind the other */
	STEP_LEAST = 8, /* bytes from a class of sizes to the next; 16 since 3.7 */
	OBJECTS_MAX = 2048,
	PAGES_MAX = 1 << 21,
	FREE_MAX = 1 << 26,
};

struct pool {
	hc_address start;
	uint64_t bytes; /* of the pool */
	uint64_t in_use, size, given; /* objects in use; bytes of one; objects that were given out ever */
	hc_address first_free;
};

static bool is_size(uint64_t size, uint64_t class)
{
	return size && size <= OBJECT_MAX && (size == (class + 1) * STEP_LEAST || size == (class + 1) * 2 * STEP_LEAST);
}

/* FALSE if the header of POOL, of which START and BYTES are known, makes no sense. */
static bool read_header(const hc_runtimes *runtimes, struct pool *pool, uint64_t arena)
{
	uint64_t next = hc_runtimes_half(runtimes, pool->start + HEADER_NEXT), last = hc_runtimes_half(runtimes, pool->start + HEADER_LAST);

	if (hc_runtimes_half(runtimes, pool->start + HEADER_ARENA) != arena || last >= pool->bytes || next < HEADER)
		return false;
	pool->size = pool->bytes - last;
	pool->in_use = hc_runtimes_half(runtimes, pool->start);
	pool->first_free = hc_runtimes_word(runtimes, pool->start + HEADER_FREE);
	if (!is_size(pool->size, hc_runtimes_half(runtimes, pool->start + HEADER_CLASS)) || (next - HEADER) % pool->size)
		return false;
	pool->given = (next - HEADER) / pool->size;
	return pool->given <= (pool->bytes - HEADER) / pool->size && pool->in_use <= pool->given;
}

/* Sets the bits of objects that POOL's list of free ones has. FALSE if these are not as many as they should be. */
static bool read_list(const hc_runtimes *runtimes, const struct pool *pool, uint64_t *bits)
{
	hc_address objects = pool->start + HEADER, at = pool->first_free;
	uint64_t count = 0;

	for (; at; at = hc_runtimes_word(runtimes, at)) {
		uint64_t number = (at - objects) / pool->size;

		if (at < objects || (at - objects) % pool->size || number >= pool->given || !hc_take_bit(bits, number))
			return false;
		count++;
	}
	return count == pool->given - pool->in_use;
}

static void add_pool(hc_runtimes *runtimes, const struct pool *pool)
{
	uint64_t free[OBJECTS_MAX / 64] = { 0 }, objects = (pool->bytes - HEADER) / pool->size;
	hc_runtime_page page = { .start = pool->start,
		.objects = pool->start + HEADER,
		.end = pool->start + HEADER + objects * pool->size,
		.size = (uint32_t)pool->size,
		.first_free = runtimes->free->len };

	if (runtimes->pages->len >= PAGES_MAX || runtimes->free->len >= FREE_MAX ||
		(pool->in_use && !read_list(runtimes, pool, free)))
		return;
	for (uint64_t i = 0; pool->in_use && i < pool->given; i++) {
		uint16_t number = (uint16_t)i;

		if (hc_bit(free, i))
			g_array_append_val(runtimes->free, number);
	}
	page.free_count = runtimes->free->len - page.first_free;
	page.unused = page.objects + (pool->in_use ? pool->given * pool->size : 0);
	g_array_append_val(runtimes->pages, page);
}

void hc_runtimes_add_python_pools(
	hc_runtimes *runtimes, hc_address first, hc_address end, uint64_t pool, uint64_t number)
{
	for (hc_address start = first; start < end && end - start >= pool; start += pool) {
		struct pool is = { .start = start, .bytes = pool };

		if (read_header(runtimes, &is, number))
			add_pool(runtimes, &is);
	}
}

/* Whether two links at PLACE are in front of an object, and in a chain. */
static bool are_links(const hc_runtimes *runtimes, hc_address place)
{
	uint64_t next = hc_runtimes_word(runtimes, place) & ~(uint64_t)LINK_FLAGS;
	uint64_t count = hc_runtimes_word(runtimes, place + HC_RUNTIME_LINKS);

	return next && count && count <= UINT32_MAX &&
	       (hc_runtimes_word(runtimes, next + HEAD_BACK) & ~(uint64_t)LINK_FLAGS) == place;
}

hc_address hc_runtimes_links(const hc_runtimes *runtimes, hc_address object, uint64_t size)
{
	for (unsigned at = 0; at <= LINKS_FARTHEST && at + 2 * HC_RUNTIME_LINKS <= size; at += LINKS_FARTHEST)
		if (are_links(runtimes, object + at))
			return object + at;
	return 0;
}
