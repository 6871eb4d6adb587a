/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LuaJIT's allocator (src/lj_alloc.c, after Doug Lea's) takes segments by mmap(). What it knows of one is three words: where it begins, how
 * long it is, and the record of the next. The record of the segment that came last stands in the allocator's state, in the first segment, where
 * that began at first; that of each other one in the segment that came after it. In front of the record there are lists of free
 * chunks, of which empty ones lead to themselves. So each page is tried as that of the state: the segments from a record there must be
 * private memory, the last of them must have this page, and some of the lists must be empty.
 */
#include "runtimes/runtimes_state.h"

enum {
	STATE_WORDS = 192, /* of the first segment, in which the state has the record */
	LIST_WORDS = 98,   /* 32 lists of large chunks, and two words each of 33 lists of small ones */
	LEAST_EMPTY = 4,   /* of these 33 */
	LOOKS_MAX = 1 << 26, /* at words and records, of damaged ones too */
};

/* Whether the record at ADDRESS tells a whole part of private memory. */
static bool is_segment(const hc_runtimes *runtimes, hc_address address, hc_range *ret_segment, hc_address *ret_next)
{
	uint64_t page = hc_core_process(runtimes->core)->page_size, start = hc_runtimes_word(runtimes, address),
		 size = hc_runtimes_word(runtimes, address + sizeof(uint64_t));

	if (!start || !size || start % page || size % page || size > UINT64_MAX - start ||
		!hc_runtimes_is_private(runtimes, start) || !hc_runtimes_is_private(runtimes, start + size - 1))
		return false;
	*ret_segment = (hc_range){ start, start + size };
	*ret_next = hc_runtimes_word(runtimes, address + 2 * sizeof(uint64_t));
	return true;
}

/* Whether there are empty lists in front of the record at ADDRESS: two words each that lead to 16 bytes in front of the first. */
static bool has_lists(const hc_runtimes *runtimes, hc_address address)
{
	unsigned empty = 0;

	for (hc_address at = address - LIST_WORDS * sizeof(uint64_t); at < address; at += sizeof(uint64_t)) {
		hc_address list = hc_runtimes_word(runtimes, at);

		empty += list == at - 16 && hc_runtimes_word(runtimes, at + 8) == list;
	}
	return empty >= LEAST_EMPTY;
}

/* The segments from RECORD on, if that is the state's. *LOOKS: looks that are left. */
static bool add_segments(hc_runtimes *runtimes, hc_address record, uint64_t *looks)
{
	unsigned before = runtimes->ranges->len;
	hc_address address = record;
	hc_range segment = { 0 };

	while (address && *looks && is_segment(runtimes, address, &segment, &address)) {
		--*looks;
		hc_runtimes_add(runtimes, segment.start, segment.end, HC_RUNTIME_LUAJIT, true);
	}
	if (!address && record - segment.start < segment.end - segment.start && has_lists(runtimes, record))
		return true;
	g_array_set_size(runtimes->ranges, before);
	return false;
}

/* Whether the state is on the page at ADDRESS; then its segments are added. */
static bool add_from(hc_runtimes *runtimes, hc_address address, uint64_t *looks)
{
	for (unsigned word = 0; word < STATE_WORDS; word++) {
		hc_address record = address + word * sizeof(uint64_t);

		if (hc_runtimes_word(runtimes, record) && add_segments(runtimes, record, looks))
			return true;
	}
	return false;
}

void hc_runtimes_find_luajit(hc_runtimes *runtimes)
{
	static const char *const names[] = { "luajit", "libluajit", NULL };
	uint64_t page = hc_core_process(runtimes->core)->page_size, looks = LOOKS_MAX;

	if (!hc_runtimes_module(runtimes, names, NULL))
		return;
	for (unsigned i = 0; i < hc_core_mapping_count(runtimes->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(runtimes->core, i);
		hc_address at = mapping->start;

		if (!hc_runtimes_is_candidate(runtimes, mapping))
			continue;
		for (; at < mapping->end && looks > STATE_WORDS; at += page, looks -= STATE_WORDS)
			if (add_from(runtimes, at, &looks))
				break;
	}
}
