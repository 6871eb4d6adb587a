/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* blocks/: asking the index by address, by number and in order; totals; pages that are free. */
#include "blocks/blocks.h"
#include "test_process.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

/* The builder's block that holds ADDRESS: the slow and obvious way. */
static const heap_block *holder(const test_process *f, hc_address address)
{
	for (unsigned i = 0; i < f->heap->blocks->len; i++) {
		const heap_block *block = &g_array_index(f->heap->blocks, heap_block, i);

		/* Of a top's usable bytes the last word would be the next chunk's: there is none. */
		if (address - block->address < block->size - (block->state == HC_BLOCK_TOP ? 8 : 0))
			return block;
	}
	return NULL;
}

/* Every byte of [start, end). */
static void check_bytes(const test_process *f, hc_address from, hc_address to)
{
	unsigned wrong = 0;

	for (hc_address at = from; at < to && wrong < 5; at++) {
		const heap_block *expected = holder(f, at);
		hc_block block = { .address = 0 };
		bool found = hc_blocks_find(f->stages.blocks, at, &block);

		if (found == (expected != NULL) &&
			(!found || (block.address == expected->address && block.size == expected->size &&
					   block.state == expected->state && block.chunk_size == expected->chunk_size)))
			continue;
		wrong++;
		printf("\n%#" PRIx64 ": found %d at %#" PRIx64 ", should be at %#" PRIx64 "\n", at, found,
			found ? block.address : 0, expected ? expected->address : 0);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static bool same(const hc_block *a, const hc_block *b)
{
	return a->number == b->number && a->state == b->state && a->address == b->address && a->size == b->size &&
	       a->chunk_size == b->chunk_size && a->arena == b->arena && a->label == b->label;
}

/* In steps of STRIDE blocks: the same as one after the other. */
static void check_steps(const hc_blocks *blocks, uint32_t stride)
{
	hc_block_iterator iterator;
	hc_block block, by_number;
	uint32_t number = 0;

	hc_block_iterator_init(&iterator, blocks);
	for (; hc_block_iterator_next(&iterator, &block); number += stride) {
		CU_ASSERT_EQUAL_FATAL(block.number, number);
		CU_ASSERT_TRUE(hc_blocks_get(blocks, number, &by_number) && same(&block, &by_number));
		hc_block_iterator_skip_to(&iterator, number); /* it is behind that already */
		hc_block_iterator_skip_to(&iterator, number + stride);
	}
	CU_ASSERT_EQUAL(number, (hc_blocks_count(blocks) + stride - 1) / stride * stride);
}

/* By number, by address and in order: the same. */
static void check_numbers(const test_process *f)
{
	const hc_blocks *blocks = f->stages.blocks;
	hc_block_iterator iterator;
	hc_block block, by_number, by_address;
	uint32_t number = 0;

	hc_block_iterator_init(&iterator, blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		CU_ASSERT_EQUAL(block.number, number);
		CU_ASSERT_TRUE(hc_blocks_get(blocks, number, &by_number));
		CU_ASSERT_TRUE(same(&block, &by_number));
		/* A fencepost of two words has no usable byte to be found by. */
		if (block.size) {
			uint64_t last = block.size - 1 - (block.state == HC_BLOCK_TOP ? 8 : 0);

			CU_ASSERT_TRUE(hc_blocks_find(blocks, block.address, &by_address) && same(&block, &by_address));
			CU_ASSERT_TRUE(
				hc_blocks_find(blocks, block.address + last, &by_address) && same(&block, &by_address));
		}
		number++;
	}
	CU_ASSERT_EQUAL(number, hc_blocks_count(blocks));
	CU_ASSERT_EQUAL(number, f->heap->blocks->len);
	CU_ASSERT_FALSE(hc_block_iterator_next(&iterator, &block));
	CU_ASSERT_FALSE(hc_blocks_get(blocks, number, &block));
	CU_ASSERT_FALSE(hc_blocks_get(blocks, UINT32_MAX, &block));
	for (uint32_t stride = 1; stride < 8 * number; stride = stride * 2 + 1)
		check_steps(blocks, stride);
}

/* A heap of a few kilobytes with everything in it. */
static void fill(test_process *f)
{
	heap_builder *heap = f->heap;
	hc_address cache = heap_add_cache(heap, 0, 0);

	for (unsigned size = 1; size < 200; size += 13)
		heap_malloc(heap, 0, size);
	heap_free_to_cache(heap, cache, heap_malloc_apart(heap, 0, 40));
	heap_free_to_fastbin(heap, heap_malloc_apart(heap, 0, 24));
	heap_free_to_bin(heap, heap_malloc_apart(heap, 0, 600), HEAP_UNSORTED);
	heap_free_to_bin(heap, heap_malloc_apart(heap, 0, 2000), 80);
}

static void test_every_byte(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x6000);

	fill(&f);
	heap_malloc_until(f.heap, 0, 0x200);
	heap_grow_main(f.heap, 0x800, 0x2800, HEAP_UNSORTED);
	heap_malloc(f.heap, 0, 100);
	core_builder_add_memory(f.core, 0x7fffd0000000, 0x22000, PF_R | PF_W);
	heap_mmap(f.heap, 0x7fffd0000000, 0x22000, 0x30);
	if (!process_run_blocks(&f, 1))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	check_bytes(&f, f.heap->sbrk_base - 64, f.heap->break_end + 64);
	check_bytes(&f, 0x7fffd0000000 - 64, 0x7fffd0000000 + 0x100);
	check_bytes(&f, 0x7fffd0022000 - 0x100, 0x7fffd0022000 + 64);
	check_numbers(&f);
}

static void test_words_of_headers(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x3000);
	hc_address a = heap_malloc(f.heap, 0, 40), b = heap_malloc(f.heap, 0, 40);
	hc_block block;

	if (!process_run_blocks(&f, 1))
		return;
	const hc_blocks *blocks = f.stages.blocks;

	CU_ASSERT_EQUAL(b, a + 48);
	CU_ASSERT_FALSE(hc_blocks_find(blocks, a - 16, &block)); /* prev_size of the first chunk */
	CU_ASSERT_FALSE(hc_blocks_find(blocks, a - 8, &block));	 /* its size */
	CU_ASSERT_TRUE(hc_blocks_find(blocks, a, &block) && block.address == a);
	CU_ASSERT_TRUE(hc_blocks_find(blocks, b - 16, &block) && block.address == a); /* prev_size: a may use it */
	CU_ASSERT_TRUE(hc_blocks_find(blocks, b - 9, &block) && block.address == a);
	CU_ASSERT_FALSE(hc_blocks_find(blocks, b - 8, &block)); /* size */
	CU_ASSERT_FALSE(hc_blocks_find(blocks, b - 1, &block));
	CU_ASSERT_TRUE(hc_blocks_find(blocks, b, &block) && block.address == b);
	CU_ASSERT_EQUAL(block.size, 40);
	CU_ASSERT_EQUAL(block.chunk_size, 48);
	CU_ASSERT_FALSE(hc_blocks_find(blocks, 0, &block));
	CU_ASSERT_FALSE(hc_blocks_find(blocks, UINT64_MAX, &block));
}

/* Blocks so large that whole groups of the bitmap (8 KiB of heap) have no start in them. */
static void test_empty_groups(void)
{
	g_auto(test_process) f = process_start("2.36", 0x200000, 0x200000);
	hc_address small = heap_malloc(f.heap, 0, 24), large = heap_malloc(f.heap, 0, 0x100000),
		   next = heap_malloc(f.heap, 0, 24);
	hc_address group = heap_malloc(f.heap, 0, 0x2000 - 8), last = heap_malloc(f.heap, 0, 24);
	hc_block block;

	if (!process_run_blocks(&f, 1))
		return;
	for (uint64_t offset = 0; offset < 0x100000; offset += 0x1fe8)
		CU_ASSERT_TRUE(hc_blocks_find(f.stages.blocks, large + offset, &block) && block.address == large &&
			       block.number == 1);
	CU_ASSERT_TRUE(hc_blocks_find(f.stages.blocks, small + 23, &block) && block.number == 0);
	CU_ASSERT_TRUE(hc_blocks_find(f.stages.blocks, next, &block) && block.number == 2);
	CU_ASSERT_TRUE(hc_blocks_find(f.stages.blocks, group + 0x1000, &block) && block.number == 3);
	CU_ASSERT_TRUE(hc_blocks_find(f.stages.blocks, last, &block) && block.number == 4);
	CU_ASSERT_TRUE(hc_blocks_find(f.stages.blocks, f.heap->break_end - 1, &block) && block.number == 5 &&
		       block.state == HC_BLOCK_TOP);
	check_numbers(&f);
}

/* Blocks and starts around the borders of groups: every alignment of a chunk to 8 KiB. */
static void test_group_borders(void)
{
	g_auto(test_process) f = process_start("2.36", 0x200000, 0x200000);

	for (unsigned i = 0; i < 64; i++)
		heap_malloc(f.heap, 0, 0x1ff0 + 16 * (i % 5));
	for (unsigned i = 0; i < 1100; i++)
		heap_malloc(f.heap, 0, 24);
	if (!process_run_blocks(&f, 1))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	check_numbers(&f);
}

/* Regions of all kinds, far apart and side by side: nothing between them is found. */
static void test_regions(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x3000);
	hc_block block;
	const hc_address mmapped = 0x7fffd0000000, heaps = 0x7fff00000000;

	fill(&f);
	for (unsigned i = 0; i < 5; i++) {
		unsigned arena = heap_add_arena(
			f.heap, heaps + i * 0x4000000, 0x2000); /* each right behind the other's 64 MiB */

		heap_malloc(f.heap, arena, 100);
		heap_free_to_bin(f.heap, heap_malloc_apart(f.heap, arena, 1500), HEAP_UNSORTED);
	}
	core_builder_add_memory(f.core, mmapped, 0x200000, PF_R | PF_W);
	for (unsigned i = 0; i < 20; i++)
		heap_mmap(f.heap, mmapped + i * 0x4000, 0x4000, 0);
	if (!process_run_blocks(&f, 3))
		return;
	STAGES_CHECK_BLOCKS(&f.stages, f.heap);
	check_numbers(&f);
	check_bytes(&f, mmapped + 0x3f00, mmapped + 0x4100);
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, mmapped + 20 * 0x4000, &block));
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, heaps + 8, &block));	  /* heap_info */
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, heaps + 0x100, &block));  /* malloc_state */
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, heaps + 0x2000, &block)); /* not in use yet */
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, heaps + 0x3fffff8, &block));
	CU_ASSERT_FALSE(hc_blocks_find(f.stages.blocks, 0x600000000000, &block));
}

static void test_totals(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x6000);
	uint64_t regions = 0x3000 + 0x3000, in_use = 0, kept = 0;
	hc_amount labelled;

	fill(&f);
	heap_malloc_until(f.heap, 0, 0x20);
	heap_grow_main(
		f.heap, 0x800, 0x2800, HEAP_UNSORTED); /* with 0x20 bytes of fenceposts, and 0x800 that are foreign */
	unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x4000);

	regions += 0x4000;
	heap_malloc(f.heap, arena, 100);
	core_builder_add_memory(f.core, 0x7fffd0000000, 0x22000, PF_R | PF_W);
	heap_mmap(f.heap, 0x7fffd0000000, 0x22000, 0);
	regions += 0x22000;
	if (!process_run_blocks(&f, 1))
		return;
	for (unsigned i = 0; i < f.heap->blocks->len; i++) {
		const heap_block *block = &g_array_index(f.heap->blocks, heap_block, i);

		if (block->state == HC_BLOCK_IN_USE)
			in_use += block->size;
		else if (block->state != HC_BLOCK_FENCEPOST)
			kept += block->chunk_size;
	}
	CU_ASSERT_EQUAL(hc_blocks_overhead(f.stages.blocks), regions - in_use - kept);
	CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes, in_use);
	CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, HC_ARENA_ALL, HC_BLOCK_FOREIGN).bytes, 0x800);
	CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, 0, HC_BLOCK_FENCEPOST).bytes, 0x20);
	CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, HC_ARENA_NONE, HC_BLOCK_IN_USE).bytes, 0x22000 - 16);
	CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, 1, HC_BLOCK_IN_USE).bytes, 104);
	CU_ASSERT_EQUAL(hc_blocks_amount(f.stages.blocks, 1, HC_BLOCK_IN_USE).blocks, 1);
	labelled = hc_blocks_labelled(f.stages.blocks, 0);
	CU_ASSERT_EQUAL(labelled.blocks, 1);
	CU_ASSERT_EQUAL(labelled.bytes, 0x290 - 8);
	CU_ASSERT_EQUAL(hc_blocks_labelled(f.stages.blocks, 1).blocks, 0);
}

static void test_state_names(void)
{
	hc_block_state state;

	for (unsigned i = 0; i < HC_BLOCK_STATE_COUNT; i++) {
		CU_ASSERT_TRUE(hc_block_state_parse(hc_block_state_name(i), &state));
		CU_ASSERT_EQUAL(state, i);
	}
	CU_ASSERT_TRUE(hc_block_state_parse("in-use", &state) && state == HC_BLOCK_IN_USE);
	CU_ASSERT_TRUE(hc_block_state_parse("IN_USE", &state) && state == HC_BLOCK_IN_USE);
	CU_ASSERT_FALSE(hc_block_state_parse("", &state));
	CU_ASSERT_FALSE(hc_block_state_parse("used", &state));
}

/* ---- whole pages ---- */

static bool pages_are(const test_process *f, uint32_t arena, uint64_t whole, uint64_t zero, uint64_t trim,
	uint64_t trim_zero, uint64_t largest)
{
	hc_free_pages pages;

	hc_blocks_free_pages(f->stages.blocks, arena, &pages);
	if (pages.whole == whole && pages.zero == zero && pages.trim == trim && pages.trim_zero == trim_zero &&
		pages.largest == largest)
		return true;
	printf("\nwhole %#" PRIx64 ", zero %#" PRIx64 ", trim %#" PRIx64 ", trim_zero %#" PRIx64 ", largest %#" PRIx64
	       "\n",
		pages.whole, pages.zero, pages.trim, pages.trim_zero, pages.largest);
	return false;
}

/*
 * One free chunk, [0x1010, 0x6010) of the arena. malloc_trim() leaves its first 48 bytes, so the pages from 0x2000 to 0x6000. The
 * top, [0x6030, 0x10000), leaves MINSIZE + 1: 0x9fd0 - 0x21 = 0x9faf, so 9 pages.
 */
static void test_pages_of_a_bin(void)
{
	g_auto(test_process) f = process_start("2.36", 0x10000, 0x10000);
	hc_address base = f.heap->sbrk_base, block;

	heap_malloc(f.heap, 0, 0x1008);
	block = heap_malloc(f.heap, 0, 0x4ff8);
	CU_ASSERT_EQUAL(block, base + 0x1020);
	heap_malloc(f.heap, 0, 24);
	heap_free_to_bin(f.heap, block, 100);
	*core_builder_at(f.core, base + 0x3fff) = 1; /* one page was written to */
	*core_builder_at(f.core, base + 0x5000) = 1; /* another one */
	*core_builder_at(f.core, base + 0x9abc) = 1; /* and one of the top's */
	if (!process_run_blocks(&f, 1))
		return;
	CU_ASSERT_TRUE(
		pages_are(&f, 0, 0x4000 + 0x9000, 0x2000 + 0x8000, 0x4000 + 0x9000, 0x2000 + 0x8000, 0x10000 - 0x6030));
	CU_ASSERT_TRUE(pages_are(&f, HC_ARENA_ALL, 0xd000, 0xa000, 0xd000, 0xa000, 0x9fd0));
	CU_ASSERT_TRUE(pages_are(&f, HC_ARENA_NONE, 0, 0, 0, 0, 0));
}

/*
 * A fastbin chunk [0x1fb0, 0x2010) in front of a binned one [0x2010, 0x4010): consolidated they are one, [0x1fb0, 0x4010), whose
 * first 48 bytes end at 0x1fe0. So the page at 0x2000 counts, which neither has alone, and the one at 0x3000.
 */
static void test_pages_merge(void)
{
	g_auto(test_process) f = process_start("2.36", 0x6000, 0x6000);
	hc_address base = f.heap->sbrk_base, fast, binned;

	heap_malloc(f.heap, 0, 0x1fb0 - 8);
	fast = heap_malloc(f.heap, 0, 0x60 - 8);
	binned = heap_malloc(f.heap, 0, 0x2000 - 8);
	CU_ASSERT_EQUAL(heap_chunk(binned), base + 0x2010);
	heap_malloc_until(f.heap, 0, 0x20); /* too small a top to give anything back */
	heap_free_to_bin(f.heap, binned, 90);
	heap_free_to_fastbin(f.heap, fast);
	if (!process_run_blocks(&f, 1))
		return;
	/* The binned chunk's links and the fastbin chunk's are in the pages at 0x1000 and 0x2000: the latter is not zero. */
	CU_ASSERT_TRUE(pages_are(&f, 0, 0x2000, 0x1000, 0x2000, 0x1000, 0x2060));
}

/* Too small for a page, or not lying right. */
static void test_pages_none(void)
{
	g_auto(test_process) f = process_start("2.36", 0x6000, 0x6000);
	hc_address block;

	heap_malloc(f.heap, 0, 0xff0 - 8);	    /* [0, 0xff0) */
	block = heap_malloc(f.heap, 0, 0x1010 - 8); /* [0xff0, 0x2000): the first 48 bytes reach over 0x1000 */
	heap_malloc(f.heap, 0, 24);
	heap_free_to_bin(f.heap, block, 80);
	block = heap_malloc(f.heap, 0, 0xfd0 - 8);
	heap_malloc_until(f.heap, 0, 0x20);
	heap_free_to_bin(f.heap, block, 79);
	if (!process_run_blocks(&f, 1))
		return;
	CU_ASSERT_TRUE(pages_are(&f, 0, 0, 0, 0, 0, 0x1010));
}

/* A free chunk at START of the arena, up to 0x4000: how many of its pages lie behind its first 48 bytes? */
static void check_pages_from(uint64_t start_at, uint64_t pages)
{
	g_auto(test_process) f = process_start("2.36", 0x6000, 0x6000);
	hc_address block;

	heap_malloc(f.heap, 0, start_at - 8);
	block = heap_malloc(f.heap, 0, 0x4000 - start_at - 8);
	CU_ASSERT_EQUAL(heap_chunk(block), f.heap->sbrk_base + start_at);
	heap_malloc_until(f.heap, 0, 0x20);
	heap_free_to_bin(f.heap, block, 100);
	if (process_run_blocks(&f, 1))
		CU_ASSERT_TRUE(pages_are(
			&f, 0, pages * 0x1000, pages * 0x1000, pages * 0x1000, pages * 0x1000, 0x4000 - start_at));
}

/* A top of SIZE bytes: MINSIZE and one byte stay, whole pages of the rest go. */
static void check_pages_of_top(uint64_t size, uint64_t pages)
{
	g_auto(test_process) f = process_start("2.36", 0x6000, 0x6000);

	heap_malloc_until(f.heap, 0, size);
	if (process_run_blocks(&f, 1))
		CU_ASSERT_TRUE(pages_are(&f, 0, pages * 0x1000, pages * 0x1000, pages * 0x1000, pages * 0x1000, size));
}

static void test_pages_to_the_byte(void)
{
	check_pages_from(0xfc0, 3);
	check_pages_from(0xfd0, 3);
	check_pages_from(0xfe0, 2);
	check_pages_from(0x1000, 2);
	check_pages_of_top(0x1020, 0);
	check_pages_of_top(0x1030, 1);
	check_pages_of_top(0x2010, 1);
	check_pages_of_top(0x2020, 1);
	check_pages_of_top(0x2030, 2);
}

/* malloc_trim() gives nothing of a thread arena's top back, but whole pages they are all the same. */
static void test_pages_of_a_thread(void)
{
	g_auto(test_process) f = process_start("2.36", 0x3000, 0x3000);
	unsigned arena = heap_add_arena(f.heap, 0x7fffe8000000, 0x10000);
	hc_address block;

	heap_malloc_until(f.heap, 0, 0x20);
	/* The first chunk lies at 48 + 2200, up to where user memory is aligned: 0x8d0. */
	heap_malloc(f.heap, arena, 0x1000 - 0x8d0 - 8);
	block = heap_malloc(f.heap, arena, 0x3000 - 8); /* [0x1000, 0x4000): pages at 0x2000 and 0x3000 */
	CU_ASSERT_EQUAL(heap_chunk(block), 0x7fffe8001000);
	heap_malloc(f.heap, arena, 24);
	heap_free_to_bin(f.heap, block, 90);
	if (!process_run_blocks(&f, 1))
		return;
	/* The top is [0x4020, 0x10000): 0xbfe0 - 0x21, 11 pages. */
	CU_ASSERT_TRUE(pages_are(&f, 1, 0x2000 + 0xb000, 0x2000 + 0xb000, 0x2000, 0x2000, 0xbfe0));
	CU_ASSERT_TRUE(pages_are(&f, 0, 0, 0, 0, 0, 0x20));
}

/* Somebody else's memory behind the top: sbrk() cannot take it back. */
static void test_pages_top_not_last(void)
{
	g_auto(test_process) f = process_start("2.36", 0x6800, 0x8000);

	heap_malloc(f.heap, 0, 24);
	if (!process_run_blocks(&f, 1))
		return;
	/* [0x20, 0x6800): 0x67e0 - 0x21 has 6 pages; but they end at 0x6800, so 5 whole ones of the address space. */
	hc_free_pages pages;

	hc_blocks_free_pages(f.stages.blocks, 0, &pages);
	CU_ASSERT_EQUAL(pages.trim, 0);
	CU_ASSERT_EQUAL(pages.whole, 0x5000);
	CU_ASSERT_EQUAL(pages.largest, 0x67e0);
}

/* What malloc gives for so much, on machines with words and alignments of these: as its malloc_usable_size() says. */
static void test_least_usable(void)
{
	static const struct {
		uint64_t size;
		unsigned word;
		uint64_t alignment, usable;
	} examples[] = {
		{ 0, 8, 16, 24 }, { 24, 8, 16, 24 }, { 25, 8, 16, 40 }, { 1000, 8, 16, 1000 },
		{ 1001, 8, 16, 1016 },					/* x86-64 */
		{ 1, 4, 8, 12 }, { 12, 4, 8, 12 }, { 13, 4, 8, 20 },	/* i386 to 2.25 */
		{ 1, 4, 16, 12 }, { 12, 4, 16, 12 }, { 13, 4, 16, 28 }, /* from 2.26 on */
		{ UINT64_MAX - 1, 8, 16, UINT64_MAX - 1 },		/* nobody has so much */
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++)
		CU_ASSERT_EQUAL(
			hc_least_usable(examples[i].size, examples[i].word, examples[i].alignment), examples[i].usable);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "what malloc gives", test_least_usable },
		{ "every byte of a heap", test_every_byte },
		{ "words of headers", test_words_of_headers },
		{ "groups without a start", test_empty_groups },
		{ "borders of groups", test_group_borders },
		{ "many regions", test_regions },
		{ "totals", test_totals },
		{ "names of states", test_state_names },
		{ "pages of a bin and of the top", test_pages_of_a_bin },
		{ "pages of chunks that would be merged", test_pages_merge },
		{ "no page", test_pages_none },
		{ "pages to the byte", test_pages_to_the_byte },
		{ "pages of a thread's arena", test_pages_of_a_thread },
		{ "a top that cannot be trimmed", test_pages_top_not_last },
	};

	return unit_main("blocks", cases, G_N_ELEMENTS(cases));
}
