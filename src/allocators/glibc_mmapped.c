/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mmapped chunks. They are in no list; mp_.n_mmaps and mp_.mmapped_mem say how many there are and how large they are
 * together, and that decides.
 *
 *	mapping start (page)                chunk                          mapping end (page)
 *	| unused: `offset` bytes ... | prev_size = offset | size, flag 2 | user memory ... |
 *
 * `offset` is 0 but for memalign(), which moves the header up so that the block is aligned, and leaves the old header at
 * the mapping's start as it was. So of several headers that lead back to the same start the last one counts. The kernel merges
 * neighbouring mappings, and other memory may lie beside them, so in each run of unclaimed anonymous memory every page is
 * probed, at the few places where a header can be:
 *
 *	0			malloc, realloc
 *	A - 16, 2 * A - 16	memalign to A < page (the second if the first left less than MINSIZE in front)
 *	page - 16		memalign to a page or more: the block begins with a page
 *
 * mremap() keeps the offset when it moves a mapping, so these hold after realloc too, though the alignment does not.
 *
 * Other memory can look like that too. If number and sum are not malloc's own, glibc_mmapped_choice.c chooses the set that
 * has them; among several the likeliest: what fills a mapping, is as large as malloc's threshold, and whose block a word somewhere
 * in memory leads to. That word is searched for in all of memory, and only then.
 */
#include "allocators/glibc.h"
#include "allocators/glibc_mmapped.h"

#include <inttypes.h>

static const hc_diagnostic_kind mmapped_differ = {
	"mmapped-chunks-differ",
	HC_SEVERITY_HEAP_PARTIAL,
	"disagreement between the mmapped chunks that were found and malloc's own count of them: their bytes are a bound",
};

static const hc_diagnostic_kind mmapped_guessed = {
	"mmapped-chunks-guessed",
	HC_SEVERITY_HEAP_PARTIAL,
	"of the mmapped chunks could not be told from look-alikes: their number and sum are malloc's own, but which memory they are is a guess, and what is said of them a bound",
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
static bool read_candidate(const glibc *g, const uint8_t *header, hc_address chunk, hc_address free, hc_address end,
	glibc_mapped_candidate *candidate)
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
	return candidate->end > chunk && candidate->end <= end && candidate->start % g->page == 0 &&
	       candidate->end % g->page == 0;
}

/* Probes the page at PAGE for headers. BYTES are the page's; [free, run_end) is the run. */
static void probe_page(
	const glibc *g, const uint8_t *bytes, hc_address page, hc_address free, hc_address run_end, GArray *found)
{
	glibc_mapped_candidate candidate = { 0 };
	uint64_t header = 2 * g->word;

	if (read_candidate(g, bytes, page, free, run_end, &candidate) && !candidate.offset)
		g_array_append_val(found, candidate);
	for (uint64_t alignment = g->alignment > header ? g->alignment : 2 * g->alignment; alignment <= g->page;
		alignment *= 2)
		if (read_candidate(
			    g, bytes + alignment - header, page + alignment - header, free, run_end, &candidate) &&
			candidate.offset)
			g_array_append_val(found, candidate);
}

/* Probes the whole pages of [AT, END), which are in MAPPING and in the run RUN; no header is in a page of zeros. */
static void probe_pages(
	const glibc *g, const hc_mapping *mapping, hc_address at, hc_address end, hc_range run, GArray *found)
{
	while (at < end && end - at >= g->page) {
		const uint8_t *bytes = mapping->bytes + (at - mapping->start);
		uint64_t size;

		if (hc_core_is_hole(g->core, bytes, end - at, &size) && size >= g->page) {
			at += hc_align_down(size, g->page);
			continue;
		}
		probe_page(g, bytes, at, run.start, run.end, found);
		at += g->page;
	}
}

static int compare_candidates(const void *a, const void *b)
{
	const glibc_mapped_candidate *x = a, *y = b;

	if (x->start != y->start)
		return (x->start > y->start) - (x->start < y->start);
	return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

/*
 * memalign() leaves the old header at the mapping's start as it was: of those with the same mapping the last counts. Sorts, and
 * returns the number of pairs that overlap.
 */
static unsigned drop_old_headers(GArray *found)
{
	unsigned kept = 0, overlapping = 0;
	hc_address end = 0;

	g_array_sort(found, compare_candidates);
	for (unsigned i = 0; i < found->len; i++) {
		glibc_mapped_candidate candidate = g_array_index(found, glibc_mapped_candidate, i);
		glibc_mapped_candidate *before = kept ? &g_array_index(found, glibc_mapped_candidate, kept - 1) : NULL;

		if (before && before->start == candidate.start && before->end == candidate.end) {
			*before = candidate;
			continue;
		}
		overlapping += candidate.start < end;
		end = MAX(end, candidate.end);
		g_array_index(found, glibc_mapped_candidate, kept++) = candidate;
	}
	g_array_set_size(found, kept);
	return overlapping;
}

/* From left to right: of those that overlap the likelier. */
static void keep_disjoint(GArray *found)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < found->len; i++) {
		glibc_mapped_candidate candidate = g_array_index(found, glibc_mapped_candidate, i);
		glibc_mapped_candidate *before = kept ? &g_array_index(found, glibc_mapped_candidate, kept - 1) : NULL;

		if (!before || candidate.start >= before->end)
			g_array_index(found, glibc_mapped_candidate, kept++) = candidate;
		else if (candidate.likelihood > before->likelihood)
			*before = candidate;
	}
	g_array_set_size(found, kept);
}

/* Where the run of unclaimed anonymous memory ends that piece INDEX holds up to END. */
static hc_address end_of_free_run(const glibc *g, unsigned index, hc_address end)
{
	while (end == hc_core_mapping(g->core, index)->end && index + 1 < hc_core_mapping_count(g->core) &&
		hc_core_mapping(g->core, index + 1)->start == end &&
		glibc_is_anonymous(hc_core_mapping(g->core, index + 1))) {
		index++;
		end = MIN(hc_core_mapping(g->core, index)->end, glibc_next_claimed(g, end));
	}
	return end;
}

/* Returns the number of pairs in FOUND that overlap. */
static unsigned search_all(const glibc *g, GArray *found)
{
	hc_address run_start = 0, run_end = 0;

	for (unsigned i = 0; i < hc_core_mapping_count(g->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(g->core, i);
		hc_address at = mapping->start;

		if (!mapping->bytes || !glibc_is_anonymous(mapping))
			continue;
		while ((at = hc_align_up(glibc_skip_claimed(g, at), g->page)) < mapping->end) {
			hc_address end = MIN(mapping->end, glibc_next_claimed(g, at));

			if (at >= run_end) {
				run_start = at;
				run_end = end_of_free_run(g, i, end);
			}
			probe_pages(g, mapping, at, end, (hc_range){ run_start, run_end }, found);
			at = end;
		}
	}
	return drop_old_headers(found);
}

/*
 * malloc itself maps a whole mapping for one chunk, page by page: the request is below the mapping by less than a page, and
 * offsets come from memalign, so that the block is aligned to a power of two that the chunk's natural place is not.
 */
static unsigned likelihood(const glibc *g, const glibc_mapped_candidate *candidate)
{
	const hc_mapping *mapping = hc_core_find_mapping(g->core, candidate->start);
	unsigned score = 0;

	score += candidate->offset == 0;
	score += candidate->start == mapping->start;
	score += candidate->end == mapping->end;
	score += candidate->size >= 128 * 1024; /* the smallest default threshold */
	return score;
}

/* Adds to the likelihood of each candidate in BLOCKS (by the address of its block) that a word of PART, offsets in MAPPING, leads to. */
static void find_referenced_in(
	const glibc *g, const hc_mapping *mapping, hc_range part, GHashTable *blocks, hc_address low, hc_address high)
{
	for (uint64_t at = part.start; part.end - at >= g->word; at += g->word) {
		hc_address word = hc_load_word(mapping->bytes + at, g->format);
		glibc_mapped_candidate *candidate;

		if (word < low || word > high || word % g->alignment)
			continue;
		candidate = g_hash_table_lookup(blocks, &word);
		if (candidate && mapping->start + at - candidate->start >= candidate->end - candidate->start) {
			candidate->likelihood += GLIBC_MAPPED_LIKELIHOOD_MAX - 4;
			candidate->is_referenced = true;
			g_hash_table_remove(blocks, &word);
		}
	}
}

static void find_referenced(
	const glibc *g, const hc_mapping *mapping, GHashTable *blocks, hc_address low, hc_address high)
{
	uint64_t size = mapping->end - mapping->start, part;

	for (uint64_t at = 0; at < size; at += part)
		if (!hc_core_is_hole(g->core, mapping->bytes + at, size - at, &part))
			find_referenced_in(g, mapping, (hc_range){ at, at + part }, blocks, low, high);
}

static void judge(const glibc *g, GArray *found)
{
	g_autoptr(GHashTable) blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	hc_address low = UINT64_MAX, high = 0;

	for (unsigned i = 0; i < found->len; i++) {
		glibc_mapped_candidate *candidate = &g_array_index(found, glibc_mapped_candidate, i);
		hc_address block = chunk_to_block(g, candidate->chunk);

		candidate->likelihood = likelihood(g, candidate);
		g_hash_table_insert(blocks, g_memdup2(&block, sizeof block), candidate);
		low = MIN(low, block);
		high = MAX(high, block);
	}
	for (unsigned i = 0; i < hc_core_mapping_count(g->core) && g_hash_table_size(blocks); i++)
		if (hc_core_mapping(g->core, i)->bytes)
			find_referenced(g, hc_core_mapping(g->core, i), blocks, low, high);
}

static uint64_t sum_of(const GArray *found)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < found->len; i++)
		sum += g_array_index(found, glibc_mapped_candidate, i).end -
		       g_array_index(found, glibc_mapped_candidate, i).start;
	return sum;
}

/*
 * Keeps the COUNT likeliest. Of those that are as likely as one that was dropped each is a guess.
 */
static void drop_unlikely(GArray *found, uint64_t count)
{
	unsigned dropped = 0;

	for (unsigned score = 0; score <= GLIBC_MAPPED_LIKELIHOOD_MAX && found->len > count; score++)
		for (unsigned i = found->len; i-- > 0 && found->len > count;)
			if (g_array_index(found, glibc_mapped_candidate, i).likelihood <= score) {
				g_array_remove_index(found, i);
				dropped = score + 1;
			}
	for (unsigned i = 0; i < found->len; i++)
		if (g_array_index(found, glibc_mapped_candidate, i).likelihood < dropped)
			g_array_index(found, glibc_mapped_candidate, i).is_guess = true;
}

static void tell_guesses(const glibc *g, const GArray *found)
{
	for (unsigned i = 0; i < found->len; i++) {
		const glibc_mapped_candidate *one = &g_array_index(found, glibc_mapped_candidate, i);

		if (one->is_guess)
			hc_diagnostics_add(g->diagnostics, &mmapped_guessed, 0,
				"the chunk at %#" PRIx64 " of %" PRIu64 " bytes, one of %u", one->chunk, one->size,
				found->len);
	}
}

/* How far the sum of a 2.43 may have drifted for a set of candidates to be found by it: 16,384 times realloc of an mmapped block. */
#define DRIFT_PAGES 64

/*
 * What the mappings have together, by mp_.mmapped_mem. From 2.43 on mremap_chunk() takes chunksize() off for the old mapping, which
 * lacks two words of it: the sum drifts up by these each time, and is told only to the page.
 */
static uint64_t expected_bytes(const glibc *g)
{
	uint64_t bytes = g->heap->info.mmapped_bytes;

	return g->layout.mmap_header_in_tail ? hc_align_down(bytes, g->page) : bytes;
}

/* True if the number and the sum are malloc's own. After a page's worth of drift the sum is an upper limit. */
static bool agrees(const glibc *g, const GArray *found)
{
	uint64_t sum = sum_of(found), expected = expected_bytes(g);

	return found->len == g->heap->info.mmapped_count &&
	       (sum == expected || (g->layout.mmap_header_in_tail && sum < expected));
}

static void settle(const glibc *g, GArray *found, unsigned overlapping)
{
	const hc_heap_info *info = &g->heap->info;
	glibc_mapped_truth truth = {
		.count = info->mmapped_count,
		.bytes = expected_bytes(g),
		.drift = g->layout.mmap_header_in_tail ? DRIFT_PAGES * g->page : 0,
		.page = g->page,
	};
	unsigned before = found->len;

	if (!overlapping && (!info->mmapped_known || agrees(g, found)))
		return;
	judge(g, found);
	if (info->mmapped_known && glibc_choose_mapped(found, &truth))
		return;
	keep_disjoint(found);
	if (!info->mmapped_known)
		return;
	if (!agrees(g, found))
		drop_unlikely(found, info->mmapped_count);
	if (!agrees(g, found))
		hc_diagnostics_add(g->diagnostics, &mmapped_differ, 0,
			"malloc counts %" PRIu64 " of %" PRIu64 " bytes together; %u look like one, %u were taken",
			info->mmapped_count, info->mmapped_bytes, before, found->len);
}

static void add_region(glibc *g, const glibc_mapped_candidate *candidate)
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
		.block_size = candidate->size - (g->layout.mmap_header_in_tail ? 1 : 2) * g->word,
	};

	g_array_append_val(g->heap->regions, region);
	glibc_claim(g, candidate->start, candidate->end);
}

void glibc_find_mmapped(glibc *g)
{
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(glibc_mapped_candidate));
	hc_heap_info *info = &g->heap->info;
	uint64_t bytes;

	if (g->parameters && hc_core_read_word(g->core, g->parameters + g->layout.parameters.mmapped_mem, &bytes)) {
		info->mmapped_count = glibc_int_or_zero(g, g->parameters + g->layout.parameters.n_mmaps);
		info->mmapped_bytes = bytes;
		info->mmapped_known = true;
		if (!info->mmapped_count)
			return;
	}
	settle(g, found, search_all(g, found));
	tell_guesses(g, found);
	for (unsigned i = 0; i < found->len; i++)
		add_region(g, &g_array_index(found, glibc_mapped_candidate, i));
}
