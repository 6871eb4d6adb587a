/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mmapped chunks. They are in no list; mp_.n_mmaps and mp_.mmapped_mem say how many there are and how large they are
 * together, and that decides.
 *
 *	mapping start (page)                chunk                          mapping end (page)
 *	| unused: `offset` bytes ... | prev_size = offset | size, flag 2 | user memory ... |
 *
 * `offset` is 0 but for memalign(). The kernel merges neighbouring mappings, and other memory may lie beside them, so each
 * run of unclaimed anonymous memory is searched from its start: at every place where a chunk could begin, does prev_size lead
 * back to a page start that is still free, and size forward to a page end?
 *
 * Other memory can look like that too. If there are more candidates than chunks, those are left out without which the
 * number and the sum are right; the least likely first: those that nothing else suggests.
 */
#include "allocators/glibc.h"

static const hc_diagnostic_kind mmapped_differ = {
	"mmapped-chunks-differ", HC_SEVERITY_NOTE,
	"disagreement between the mmapped chunks that were found and malloc's own count of them",
};

struct candidate {
	hc_address start, end; /* of the mapping */
	hc_address chunk;
	uint64_t size;	       /* of the chunk, as its header says */
	uint64_t offset;
};

/* The part of a mapping, in front of the chunk or behind, that its size does not count. */
static uint64_t tail_bytes(const glibc *g)
{
	return g->layout.mmap_header_in_tail ? 2 * g->word : 0;
}

/*
 * The header at CHUNK, in a run that is free from FREE on and ends at END. 2.43 keeps a flag for huge pages in the lowest bit
 * of prev_size.
 */
static bool read_candidate(const glibc *g, const uint8_t *header, hc_address chunk, hc_address free, hc_address end, struct candidate *candidate)
{
	uint64_t head = hc_load_word(header + g->word, g->format);

	if ((head & CHUNK_FLAGS) != CHUNK_MMAPPED)
		return false;
	candidate->chunk = chunk;
	candidate->size = head & ~(uint64_t)CHUNK_FLAGS;
	candidate->offset = hc_load_word(header, g->format);
	if (g->layout.mmap_header_in_tail)
		candidate->offset &= ~(uint64_t)1;
	if (candidate->offset > chunk - free || candidate->size < g->minimum || candidate->size > end - chunk)
		return false;
	candidate->start = chunk - candidate->offset;
	candidate->end = chunk + candidate->size + tail_bytes(g);
	return candidate->end > chunk && candidate->end <= end && candidate->start % g->page == 0 && candidate->end % g->page == 0;
}

/* Every candidate in [start, end), of which BYTES are the bytes; from left to right, without overlap. */
static void search_piece(const glibc *g, const uint8_t *bytes, hc_address start, hc_address end, hc_address run_end, GArray *found)
{
	hc_address free = start;

	for (hc_address at = chunk_align_up(g, start); at + 2 * g->word <= end; at += g->alignment) {
		struct candidate candidate;

		if (!read_candidate(g, bytes + (at - start), at, free, run_end, &candidate))
			continue;
		g_array_append_val(found, candidate);
		free = candidate.end;
		if (candidate.end >= end)
			return;
		at = chunk_align_up(g, candidate.end) - g->alignment;
	}
}

static void search_all(const glibc *g, GArray *found)
{
	hc_address last_end = 0;

	for (unsigned i = 0; i < hc_core_mapping_count(g->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);
		hc_address at = MAX(mapping->start, last_end);

		if (!mapping->bytes || !glibc_is_anonymous(mapping))
			continue;
		while (at < mapping->end) {
			at = glibc_skip_claimed(g, at);
			hc_address end = MIN(mapping->end, glibc_next_claimed(g, at));
			unsigned before = found->len;

			if (at >= end)
				break;
			/* A chunk may run on into the next piece of memory: it is the mapping's end in the core that ends it. */
			hc_address run_end = end;

			for (unsigned k = i + 1; run_end == hc_core_mapping(g->core, k - 1)->end && k < hc_core_mapping_count(g->core) &&
						 hc_core_mapping(g->core, k)->start == run_end && glibc_is_anonymous(hc_core_mapping(g->core, k)); k++)
				run_end = MIN(hc_core_mapping(g->core, k)->end, glibc_next_claimed(g, run_end));
			search_piece(g, mapping->bytes + (at - mapping->start), at, end, run_end, found);
			if (found->len > before)
				last_end = g_array_index(found, struct candidate, found->len - 1).end;
			at = end;
		}
	}
}

/* Leaves out the one or two candidates whose bytes are exactly what is too much. TRUE if that settled it. */
static bool drop_by_sum(GArray *found, uint64_t count, uint64_t bytes)
{
	uint64_t sum = 0, extra;

	for (unsigned i = 0; i < found->len; i++) {
		const struct candidate *candidate = &g_array_index(found, struct candidate, i);

		sum += candidate->end - candidate->start;
	}
	if (sum < bytes || found->len < count || found->len - count > 2)
		return false;
	extra = sum - bytes;
	for (unsigned i = 0; i < found->len; i++) {
		const struct candidate *one = &g_array_index(found, struct candidate, i);

		if (found->len - count == 1 && one->end - one->start == extra) {
			g_array_remove_index(found, i);
			return true;
		}
		for (unsigned k = i + 1; found->len - count == 2 && k < found->len; k++) {
			const struct candidate *two = &g_array_index(found, struct candidate, k);

			if (one->end - one->start + (two->end - two->start) == extra) {
				g_array_remove_index(found, k);
				g_array_remove_index(found, i);
				return true;
			}
		}
	}
	return false;
}

/*
 * malloc itself maps a whole mapping for one chunk, page by page: the request is below the mapping by less than a page, and
 * offsets come from memalign, so that the block is aligned to a power of two that the chunk's natural place is not.
 */
static int likelihood(const glibc *g, const struct candidate *candidate)
{
	const hc_mapping *mapping = hc_core_find_mapping(g->core, candidate->start);
	int score = 0;

	score += candidate->offset == 0;
	score += candidate->start == mapping->start;
	score += candidate->end == mapping->end;
	score += candidate->size >= 128 * 1024; /* the smallest default threshold */
	return score;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Keeps the COUNT likeliest. */
static void drop_unlikely(const glibc *g, GArray *found, uint64_t count)
{
	for (int score = 0; score <= 4 && found->len > count; score++)
		for (unsigned i = found->len; i-- > 0 && found->len > count;)
			if (likelihood(g, &g_array_index(found, struct candidate, i)) <= score)
				g_array_remove_index(found, i);
	g_array_sort(found, compare_candidates);
}

/* True if the number and the sum are malloc's own. The sum drifts by two words with each mremap of 2.43. */
static bool agrees(const glibc *g, const GArray *found)
{
	const hc_heap_info *info = &g->heap->info;
	uint64_t sum = 0;

	for (unsigned i = 0; i < found->len; i++)
		sum += g_array_index(found, struct candidate, i).end - g_array_index(found, struct candidate, i).start;
	return found->len == info->mmapped_count &&
	       (sum == info->mmapped_bytes || (g->layout.mmap_header_in_tail && hc_align_up(info->mmapped_bytes, g->page) >= sum - MIN(sum, g->page)));
}

static void settle(const glibc *g, GArray *found)
{
	const hc_heap_info *info = &g->heap->info;
	unsigned before = found->len;

	if (!info->mmapped_known || agrees(g, found))
		return;
	if (found->len > info->mmapped_count && !drop_by_sum(found, info->mmapped_count, info->mmapped_bytes))
		drop_unlikely(g, found, info->mmapped_count);
	if (!agrees(g, found))
		hc_diagnostics_add(g->diagnostics, &mmapped_differ, 0,
				   "malloc counts %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes together; %u look like one, %u were taken",
				   info->mmapped_count, info->mmapped_bytes, before, found->len);
}

static void add_region(glibc *g, const struct candidate *candidate)
{
	hc_region region = {
		.outer_start = candidate->start,
		.outer_end = candidate->end,
		.start = candidate->chunk,
		.end = candidate->end,
		.arena = HC_ARENA_NONE,
		.is_mmapped = true,
		.block = chunk_to_block(g, candidate->chunk),
		/* musable(): chunksize - 2 words; from 2.43 on chunksize - 1 word. */
		.block_size = candidate->size - (g->layout.mmap_header_in_tail ? 0 : 2 * g->word),
	};

	if (g->layout.mmap_header_in_tail)
		region.block_size = candidate->size - g->word;
	g_array_append_val(g->heap->regions, region);
	glibc_claim(g, candidate->start, candidate->end);
}

void glibc_find_mmapped(glibc *g)
{
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct candidate));
	hc_heap_info *info = &g->heap->info;
	uint64_t bytes;

	if (g->parameters && hc_core_read_word(g->core, g->parameters + g->layout.parameters.mmapped_mem, &bytes)) {
		info->mmapped_count = glibc_int_or_zero(g, g->parameters + g->layout.parameters.n_mmaps);
		info->mmapped_bytes = bytes;
		info->mmapped_known = true;
		if (!info->mmapped_count)
			return;
	}
	search_all(g, found);
	settle(g, found);
	for (unsigned i = 0; i < found->len; i++)
		add_region(g, &g_array_index(found, struct candidate, i));
}
