/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ruby has objects in pages of 64 KiB, at multiples of that (gc.c, since 2.0; got by mmap() since 3.1). A page begins with a word that leads
 * to its record, and the record has where the page's objects begin: a few bytes behind that word. Two such links are taken for a proof.
 */
#include "runtimes/runtimes_state.h"

static const uint64_t PAGE = 1 << 16;

enum {
	RECORD_WORDS = 16,
	FIRST_OBJECT_REACH = 512, /* bytes into the page: objects are aligned by their size */
};

static bool is_page(const hc_runtimes *runtimes, hc_address page)
{
	hc_address record = hc_runtimes_word(runtimes, page);

	if (!record || record % sizeof(uint64_t) || record - page < PAGE)
		return false;
	for (unsigned i = 0; i < RECORD_WORDS; i++) {
		hc_address first = hc_runtimes_word(runtimes, record + i * sizeof(uint64_t));

		if (first > page && first - page <= FIRST_OBJECT_REACH && first % sizeof(uint64_t) == 0)
			return true;
	}
	return false;
}

void hc_runtimes_find_ruby(hc_runtimes *runtimes)
{
	static const char *const names[] = { "libruby", "ruby", NULL };

	if (!hc_runtimes_module(runtimes, names, NULL))
		return;
	for (unsigned i = 0; i < hc_core_mapping_count(runtimes->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(runtimes->core, i);
		hc_address at = mapping->start + (PAGE - mapping->start % PAGE) % PAGE;

		if (!hc_runtimes_is_candidate(runtimes, mapping))
			continue;
		for (; at >= mapping->start && at < mapping->end && mapping->end - at >= PAGE; at += PAGE)
			if (is_page(runtimes, at))
				hc_runtimes_add(runtimes, at, at + PAGE, HC_RUNTIME_RUBY, true);
	}
}
