/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jemalloc (5.0 and later) has a tree from pages to extents (include/jemalloc/internal/rtree.h): a table in its data with a word for each GiB,
 * which leads to a table with a word for each page of 4 KiB, whose lower 48 bits lead to the record of the extent that the page is in. The
 * record has the extent's address and size at 8 and 16.
 *
 * Where the tree is no exported symbol tells. But a mapping of jemalloc's is at a known place of it: so each word of its data that leads to
 * private memory is tried as that of the mapping's GiB, and the extent that is found must have the page. So the extents are certain, but no
 * page whose extent is not found that way is jemalloc's because of its neighbours.
 *
 * jemalloc's own records lie in blocks that are in no tree. Such a block begins with its size and the next one, and has a record of what is
 * left of itself, up to its end (src/base.c).
 */
#include "runtimes/runtimes_state.h"

enum {
	PAGE_SHIFT = 12,
	GIB_SHIFT = 30,
	LEVEL_BITS = 18,
	RECORD_ALIGNMENT = 64, /* flags stand in the bits below */
	MAPPINGS_TRIED = 8,
	BLOCK_WORDS = 64, /* of a block of records: so far its own is looked for */
};

static const uint64_t PAGE = 1 << PAGE_SHIFT, HUGE_PAGE = 2 << 20, LOOKS_MAX = 1 << 24;

static uint64_t slot_of(hc_address address, unsigned shift)
{
	return (address >> shift & ((1u << LEVEL_BITS) - 1)) * sizeof(uint64_t);
}

/* The extent that LEAF, of the GiB, tells of ADDRESS; FALSE if it tells none. */
static bool look_up(const hc_runtimes *runtimes, hc_address leaf, hc_address address, hc_range *ret_extent)
{
	uint64_t word = hc_runtimes_word(runtimes, leaf + slot_of(address, PAGE_SHIFT)), start, size;
	hc_address record = (hc_address)((int64_t)(word << 16) >> 16) & ~(hc_address)(RECORD_ALIGNMENT - 1);

	if (!record || !hc_runtimes_is_private(runtimes, record))
		return false;
	start = hc_runtimes_word(runtimes, record + 8) & ~(PAGE - 1);
	size = hc_runtimes_word(runtimes, record + 16) & ~(PAGE - 1);
	if (!start || !size || address - start >= size || size > UINT64_MAX - start)
		return false;
	*ret_extent = (hc_range){ start, start + size };
	return true;
}

/* Whether the root of the tree is known by the word VALUE at ADDRESS: it is that of one of MAPPINGS, and leads to its extent. */
static bool is_of_root(const hc_runtimes *runtimes, const GArray *mappings, hc_address address, uint64_t value,
	hc_address *ret_root)
{
	for (unsigned i = 0; i < MIN(mappings->len, MAPPINGS_TRIED); i++) {
		const hc_mapping *mapping = g_array_index(mappings, const hc_mapping *, i);
		hc_range extent;

		if (look_up(runtimes, value, mapping->start, &extent)) {
			*ret_root = address - slot_of(mapping->start, GIB_SHIFT);
			return true;
		}
	}
	return false;
}

static bool find_root(const hc_runtimes *runtimes, const GArray *mappings, hc_address *ret_root)
{
	unsigned index = 0;
	hc_range data;
	const uint8_t *bytes;

	while (hc_runtimes_next_data(runtimes, runtimes->provider, &index, &data, &bytes)) {
		for (uint64_t at = 0; at + sizeof(uint64_t) <= data.end - data.start; at += sizeof(uint64_t)) {
			uint64_t value = hc_load_word(bytes + at, runtimes->format);

			if (value && value % RECORD_ALIGNMENT == 0 && hc_runtimes_is_private(runtimes, value) &&
				is_of_root(runtimes, mappings, data.start + at, value, ret_root))
				return true;
		}
	}
	return false;
}

/* The size of a block of jemalloc's own records at ADDRESS; 0 if there is none. */
static uint64_t size_of_block(const hc_runtimes *runtimes, hc_address address, uint64_t room)
{
	uint64_t size = hc_runtimes_word(runtimes, address);

	if (!size || size > room || size % PAGE)
		return 0;
	for (unsigned i = 2; i < BLOCK_WORDS; i++) {
		hc_address start = hc_runtimes_word(runtimes, address + i * sizeof(uint64_t));
		uint64_t left = hc_runtimes_word(runtimes, address + (i + 1) * sizeof(uint64_t));

		if (start > address && start - address <= size && start + left == address + size)
			return size;
	}
	return 0;
}

static void add_extents(hc_runtimes *runtimes, const hc_mapping *mapping, hc_address root, uint64_t *looks)
{
	for (hc_address at = mapping->start; at < mapping->end && *looks; --*looks) {
		hc_address leaf = hc_runtimes_word(runtimes, root + slot_of(at, GIB_SHIFT));
		hc_range extent = { at, at };
		uint64_t size = 0;

		if (!leaf || !look_up(runtimes, leaf, at, &extent)) {
			size = at % HUGE_PAGE ? 0 : size_of_block(runtimes, at, mapping->end - at);
			extent = (hc_range){ at, at + size };
		}
		hc_runtimes_add(
			runtimes, MAX(extent.start, at), MIN(extent.end, mapping->end), HC_RUNTIME_ALLOCATOR, true);
		at = MAX(extent.end, at + PAGE);
	}
}

static int largest_first(const void *a, const void *b)
{
	const hc_mapping *x = *(const hc_mapping *const *)a, *y = *(const hc_mapping *const *)b;
	uint64_t x_size = x->end - x->start, y_size = y->end - y->start;

	return (y_size > x_size) - (y_size < x_size);
}

void hc_runtimes_find_jemalloc(hc_runtimes *runtimes)
{
	g_autoptr(GArray) mappings = g_array_new(FALSE, FALSE, sizeof(const hc_mapping *));
	uint64_t looks = LOOKS_MAX;
	hc_address root;

	if (!runtimes->provider || g_strcmp0(runtimes->foreign, "jemalloc") ||
		hc_core_process(runtimes->core)->page_size != PAGE)
		return;
	for (unsigned i = 0; i < hc_core_mapping_count(runtimes->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(runtimes->core, i);

		if (hc_runtimes_is_candidate(runtimes, mapping))
			g_array_append_val(mappings, mapping);
	}
	g_array_sort(mappings, largest_first);
	if (!find_root(runtimes, mappings, &root))
		return;
	for (unsigned i = 0; i < mappings->len; i++)
		add_extents(runtimes, g_array_index(mappings, const hc_mapping *, i), root, &looks);
}
