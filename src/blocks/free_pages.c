/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of the free memory lies in whole pages, and what malloc_trim(0) would give back of it.
 *
 * malloc_trim() first merges the fastbins' chunks with their free neighbours (malloc_consolidate), so a run of free chunks
 * counts as one, and a run that touches the top chunk becomes part of it. Then mtrim(): of a free chunk, the whole pages
 * behind its first sizeof(struct malloc_chunk) bytes. Then systrim(), for the main arena only and only if its top ends at
 * the program break: the whole pages at its end that leave MINSIZE + 1 bytes. Tops of thread arenas are not touched.
 * (malloc/malloc.c, 2.17 to 2.43.) Cached blocks (tcache) look in use and are in no run.
 */
#include "base/bytes.h"
#include "blocks/blocks.h"

struct count {
	const hc_blocks *blocks;
	const hc_block_region *region;
	uint64_t page;
	hc_free_pages *pages;
};

/* Bytes of zero pages in [start, end), which are page borders. */
static uint64_t zero_bytes(const struct count *count, hc_address start, hc_address end)
{
	uint64_t zero = 0;

	for (hc_address at = start; at < end; at += count->page) {
		uint64_t available;
		const uint8_t *bytes = count->region->bytes ? count->region->bytes + (at - count->region->start) :
							      hc_core_bytes(count->blocks->core, at, &available);

		if (count->region->bytes ? true : bytes && available >= count->page)
			zero += hc_bytes_are_zero(bytes, count->page) ? count->page : 0;
	}
	return zero;
}

/* The whole pages of RUN are [start, end). */
static void add_pages(const struct count *count, hc_free_run *run, hc_address start, hc_address end)
{
	if (start >= end)
		return;
	uint64_t zero = zero_bytes(count, start, end);

	count->pages->whole += end - start;
	count->pages->zero += zero;
	if (run->trimmable) {
		count->pages->trim += end - start;
		count->pages->trim_zero += zero;
	}
	run->whole = end - start;
	run->zero = zero;
	if (run->whole >= HC_FREE_RUN_MINIMUM)
		g_array_append_vals(count->blocks->runs, run, 1);
}

/* RUN: all but its pages is known. */
static void count_run(const struct count *count, hc_free_run *run)
{
	hc_address start = run->start, end = run->end;
	unsigned word = count->blocks->word;
	const hc_region *region = &count->region->region;

	count->pages->largest = MAX(count->pages->largest, end - start);
	if (!run->top) {
		run->trimmable = true;
		add_pages(count, run, hc_align_up(start + 6 * word, count->page), hc_align_down(end, count->page));
		return;
	}
	uint64_t minimum = hc_align_up(4 * word, count->blocks->alignment), size = end - start;

	if (size <= minimum + 1)
		return;
	uint64_t whole = hc_align_down(size - minimum - 1, count->page);
	const hc_arena *arena = &g_array_index(count->blocks->heap.arenas, hc_arena, region->arena);

	/* A top that does not end at a page border has somebody else's memory behind it: sbrk cannot take it back. */
	run->trimmable = region->arena == 0 && arena->contiguous && end == region->end && end % count->page == 0;
	add_pages(count, run, hc_align_up(end - whole, count->page), hc_align_down(end, count->page));
}

static void end_run(const struct count *count, hc_free_run *run, uint32_t end_block, hc_address end)
{
	run->end_block = end_block;
	run->end = end;
	count_run(count, run);
	run->start = 0;
}

static void count_region(const struct count *count)
{
	const hc_blocks *blocks = count->blocks;
	const hc_block_region *region = count->region;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, region->first_granule);
	hc_free_run run = { 0 };

	for (uint32_t i = 0; i < region->block_count; i++) {
		hc_block_state state = blocks->states[region->first_block + i];
		hc_address chunk = hc_blocks_address(blocks, region, hc_start_cursor_next(&cursor)) - 2 * blocks->word;

		if (hc_block_state_is_free(state)) {
			if (!run.start)
				run = (hc_free_run){
					.region = region - blocks->regions,
					.first_block = region->first_block + i,
					.start = chunk,
				};
			run.top |= state == HC_BLOCK_TOP;
		} else if (run.start) {
			end_run(count, &run, region->first_block + i, chunk);
		}
	}
	if (run.start)
		end_run(count, &run, region->first_block + region->block_count, region->end);
}

void hc_blocks_count_free_pages(hc_blocks *blocks)
{
	for (uint32_t i = 0; i < blocks->region_count; i++) {
		const hc_block_region *region = &blocks->regions[i];
		struct count count = {
			.blocks = blocks,
			.region = region,
			.page = hc_core_process(blocks->core)->page_size,
		};

		if (region->region.is_mmapped)
			continue;
		count.pages = &blocks->totals[region->region.arena].free_pages;
		count_region(&count);
	}
}
