/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The second search: from blocks that only pointers to their middle lead to. */
#include "references/references_state.h"

/* Blocks that are not marked, but that interior pointers lead to. They are marked. */
static GArray *take_interior(hc_references *references, const uint64_t *interior)
{
	const hc_blocks *blocks = references->blocks;
	GArray *starts = g_array_new(FALSE, FALSE, sizeof(uint64_t));

	for (uint64_t word = 0; word < blocks->granule_count / 64; word++) {
		uint64_t bits = interior[word] & ~references->marks[word];

		references->marks[word] |= bits;
		for (; bits; bits &= bits - 1) {
			uint64_t start = word * 64 + __builtin_ctzll(bits);

			g_array_append_val(starts, start);
		}
	}
	return starts;
}

bool hc_references_search_interior(hc_references *references, const uint64_t *interior, unsigned jobs)
{
	uint64_t words = references->blocks->granule_count / 64;
	g_autofree uint64_t *before = g_try_new(uint64_t, words + 1);

	if (!before)
		return false;
	memcpy(before, references->marks, words * sizeof *before);
	g_autoptr(GArray) starts = take_interior(references, interior);

	if (!starts->len)
		return true;
	if (!hc_references_mark(references, references->marks, NULL, NULL, starts, jobs, &references->totals))
		return false;
	for (uint64_t word = 0; word < words; word++)
		before[word] = (references->marks[word] & ~before[word]) |
			       (references->possible ? references->possible[word] : 0);
	g_free(references->possible);
	references->possible = g_steal_pointer(&before);
	return true;
}
