/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PHP has chunks of 2 MiB, at multiples of that (Zend/zend_alloc.c, since 7.0). A chunk begins with the heap that it is of, which lies in one of
 * them, and its neighbours in a ring: who is next has it before himself, and of the same heap. Blocks of more than a chunk have mappings of
 * their own, of which nothing is said.
 */
#include "runtimes/runtimes_state.h"

static const uint64_t CHUNK = 2 << 20;

enum {
	CHUNK_NEXT = 8, /* bytes into a chunk */
	CHUNK_BEFORE = 16,
};

static bool is_chunk(const hc_runtimes *runtimes, hc_address chunk)
{
	hc_address heap = hc_runtimes_word(runtimes, chunk), next = hc_runtimes_word(runtimes, chunk + CHUNK_NEXT),
		   before = hc_runtimes_word(runtimes, chunk + CHUNK_BEFORE);

	if (!heap || !next || !before || next % CHUNK || before % CHUNK)
		return false;
	return hc_runtimes_word(runtimes, next + CHUNK_BEFORE) == chunk &&
	       hc_runtimes_word(runtimes, before + CHUNK_NEXT) == chunk && hc_runtimes_word(runtimes, next) == heap &&
	       hc_runtimes_word(runtimes, heap - heap % CHUNK) == heap;
}

void hc_runtimes_find_php(hc_runtimes *runtimes)
{
	static const char *const names[] = { "php", "libphp", "mod_php", NULL };

	if (!hc_runtimes_module(runtimes, names, NULL))
		return;
	for (unsigned i = 0; i < hc_core_mapping_count(runtimes->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(runtimes->core, i);
		hc_address at = mapping->start + (CHUNK - mapping->start % CHUNK) % CHUNK;

		if (!hc_runtimes_is_candidate(runtimes, mapping))
			continue;
		for (; at >= mapping->start && at < mapping->end && mapping->end - at >= CHUNK; at += CHUNK)
			if (is_chunk(runtimes, at))
				hc_runtimes_add(runtimes, at, at + CHUNK, HC_RUNTIME_PHP, true);
	}
}
