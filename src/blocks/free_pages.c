/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of the free memory lies in whole pages, and what malloc_trim(0) would give back of it.
 *
 * malloc_trim() first merges the fastbins' chunks with their free neighbours (malloc_consolidate), so a run of free chunks
 * counts as one, and a run that touches the top chunk becomes part of it. Then mtrim(): of a free chunk, the whole pages
 * behind its first sizeof(struct malloc_chunk) bytes. Then systrim(), for the main arena only and only if its top ends at
 * the program break: the whole pages (huge ones, if a tunable says so: 2.35 on) at its end that leave MINSIZE + 1 bytes. Tops of thread arenas are not touched.
 * (malloc/malloc.c, 2.17 to 2.43.) Cached blocks (tcache) look in use and are in no run.
 */
#include "blocks/blocks.h"

struct count {
	const hc_blocks *blocks;
	const hc_block_region *region;
	uint64_t page;
	hc_free_pages *pages;
};

/*
 * Bytes of zero pages in [start, end), which are page borders. Where it is known which pages there were, those that were not: one that is
 * resident is given back like any other, zeros or not.
 */
static uint64_t zero_bytes(const struct count *count, hc_address start, hc_address end)
{
	uint64_t zero = 0;

	if (hc_core_knows_resident(count->blocks->core)) {
		hc_resident there = hc_core_resident(count->blocks->core, start, end);

		return end - start - there.resident - there.swapped;
	}
	for (hc_address at = start; at < end; at += count->page) {
		uint64_t available;
		const uint8_t *bytes = count->region->bytes ? count->region->bytes + (at - count->region->start) :
							      hc_core_bytes(count->blocks->core, at, &available);

		if (count->region->bytes ? true : bytes && available >= count->page)
			zero += hc_core_is_zero(count->blocks->core, bytes, count->page) ? count->page : 0;
	}
	return zero;
}

/* A run of free chunks; most are small, so nothing is made of them but sums. */
struct run {
	hc_address start, end;	    /* of chunks */
	uint32_t first, blocks_end; /* of the region's blocks */
	bool top;		    /* the last of them is the top chunk */
};

/* Whole pages of a run: [start, end), of which malloc_trim(0) would release [trim, end). */
struct whole_pages {
	hc_address start, trim, end;
};

static void keep_run(const struct count *count, const struct run *run, const struct whole_pages *pages, uint64_t zero,
	uint64_t trim_zero)
{
	hc_free_run kept = {
		.region = count->region - count->blocks->regions,
		.first_block = count->region->first_block + run->first,
		.end_block = count->region->first_block + run->blocks_end,
		.start = run->start,
		.end = run->end,
		.whole = pages->end - pages->start,
		.zero = zero,
		.trim = pages->end - pages->trim - trim_zero,
		.top = run->top,
	};

	g_array_append_val(count->blocks->runs, kept);
}

static void add_pages(const struct count *count, const struct run *run, const struct whole_pages *pages)
{
	if (pages->start >= pages->end)
		return;
	uint64_t trim_zero = zero_bytes(count, pages->trim, pages->end),
		 zero = trim_zero + zero_bytes(count, pages->start, pages->trim);

	count->pages->whole += pages->end - pages->start;
	count->pages->zero += zero;
	count->pages->trim += pages->end - pages->trim;
	count->pages->trim_zero += trim_zero;
	if (pages->end - pages->start >= HC_FREE_RUN_MINIMUM)
		keep_run(count, run, pages, zero, trim_zero);
}

static void count_top(const struct count *count, const struct run *run)
{
	const hc_region *region = &count->region->region;
	const hc_arena *arena = &g_array_index(count->blocks->heap.arenas, hc_arena, region->arena);
	uint64_t minimum = hc_least_chunk(count->blocks->word, count->blocks->alignment), size = run->end - run->start;
	uint64_t unit = MAX(count->blocks->heap.info.trim_unit, count->page);

	if (size <= minimum + 1)
		return;
	struct whole_pages pages = {
		.start = hc_align_up(run->end - hc_align_down(size - minimum - 1, count->page), count->page),
		.end = hc_align_down(run->end, count->page),
	};

	/* A top that does not end at a page border has somebody else's memory behind it: sbrk cannot take it back. */
	pages.trim = pages.end;
	if (region->arena == 0 && arena->contiguous && run->end == region->end && run->end % count->page == 0)
		pages.trim -= hc_align_down(size - minimum - 1, unit);
	add_pages(count, run, &pages);
}

static void count_run(const struct count *count, const struct run *run)
{
	count->pages->largest = MAX(count->pages->largest, run->end - run->start);
	if (run->top) {
		count_top(count, run);
		return;
	}
	hc_address start = hc_align_up(run->start + 6 * count->blocks->word, count->page);
	struct whole_pages pages = { start, start, hc_align_down(run->end, count->page) };

	add_pages(count, run, &pages);
}

/* The number in REGION of a block from number INDEX on: those that are passed over are all in use, 64 at a time. */
static uint32_t skip_in_use(const hc_blocks *blocks, const hc_block_region *region, uint32_t index)
{
	const uint8_t *states = blocks->states + region->first_block;

	for (; region->block_count - index >= 64; index += 64) {
		unsigned others = 0;

		for (unsigned i = 0; i < 64; i++)
			others |= states[index + i] ^ HC_BLOCK_IN_USE;
		if (others)
			break;
	}
	return index;
}

static void count_region(const struct count *count)
{
	const hc_blocks *blocks = count->blocks;
	const hc_block_region *region = count->region;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, region->first_granule);
	hc_address start = 0;
	uint32_t first = 0;
	bool top = false;

	for (uint32_t i = 0; i < region->block_count; i++) {
		uint32_t next = start || i % 64 ? i : skip_in_use(blocks, region, i);

		if (next == region->block_count)
			break;
		if (next != i) {
			i = next;
			cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, region->first_block + i));
		}
		hc_block_state state = blocks->states[region->first_block + i];
		hc_address chunk = hc_blocks_address(blocks, region, hc_start_cursor_next(&cursor)) - 2 * blocks->word;

		if (!hc_block_state_is_free(state) && start) {
			struct run run = { start, chunk, first, i, top };

			count_run(count, &run);
			start = 0;
			top = false;
		} else if (hc_block_state_is_free(state)) {
			if (!start) {
				start = chunk;
				first = i;
			}
			top |= state == HC_BLOCK_TOP;
		}
	}
	if (start) {
		struct run run = { start, region->end, first, region->block_count, top };

		count_run(count, &run);
	}
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
