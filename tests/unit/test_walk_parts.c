/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A region that is walked in parts, against the same region walked as one: whole heaps, heaps with words overwritten at random, and
 * heaps with blocks full of what looks like chunks, for parts of many sizes.
 */
#include "allocators/glibc.h"
#include "blocks/blocks.h"
#include "test_process.h"
#include "unit.h"

#include <string.h>

enum {
	ROOM = 0x60000,
	SEEDS = 60
};

/* What one walk told. */
struct result {
	hc_block_sink sink;
	uint64_t told; /* diagnostics */
	unsigned notes;
};

static uint64_t unreadable(const stage_results *stages)
{
	return core_builder_told(stages->diagnostics, "heap-unreadable") +
	       core_builder_told(stages->diagnostics, "heap-inconsistent");
}

/* SIZE: of parts; 0: as one. The arrays of the sink are the caller's. */
static struct result walk(
	const stage_results *stages, const hc_block_region *region, uint64_t size, unsigned *ret_parts)
{
	const hc_heap *heap = &stages->blocks->heap;
	const glibc *g = heap->private;
	GArray *parts = g_array_new(FALSE, FALSE, sizeof(hc_walk_part));
	uint64_t most = (region->end - region->start) / 16 + 2;
	struct result result = { .sink = {
					 .base = region->base,
					 .granule_shift = stages->blocks->granule_shift,
					 .starts = g_new0(uint64_t, region->granules / 64 + 1),
					 .states = g_new0(uint8_t, most),
				 } };
	uint64_t before = unreadable(stages);
	unsigned notes = g->notes->len;

	if (size)
		hc_allocator_glibc.divide(heap, &region->region, &result.sink, size, parts);
	/* The last one first: no part may need what another did. */
	for (unsigned i = parts->len; i-- > 0;)
		hc_allocator_glibc.walk_part(heap, &region->region, &g_array_index(parts, hc_walk_part, i));
	hc_allocator_glibc.walk(heap, &region->region, size ? parts : NULL, &result.sink);
	*ret_parts = parts->len;
	result.told = unreadable(stages) - before;
	result.notes = g->notes->len - notes;
	g_array_unref(parts);
	return result;
}

static void clear(struct result *result)
{
	g_free(result->sink.starts);
	g_free(result->sink.states);
}

static bool same(const struct result *a, const struct result *b, const hc_block_region *region)
{
	return a->sink.count == b->sink.count && a->sink.complete == b->sink.complete && a->told == b->told &&
	       a->notes == b->notes && !memcmp(a->sink.states, b->sink.states, a->sink.count) &&
	       !memcmp(a->sink.starts, b->sink.starts, region->granules / 8) &&
	       !memcmp(a->sink.blocks, b->sink.blocks, sizeof a->sink.blocks) &&
	       !memcmp(a->sink.chunk_bytes, b->sink.chunk_bytes, sizeof a->sink.chunk_bytes);
}

/* Returns how many parts there were. */
static unsigned compare(const stage_results *stages, unsigned seed)
{
	static const uint64_t sizes[] = { 1024, 1500, 4096, 0x8000 };
	unsigned all = 0, parts;

	for (uint32_t i = 0; i < stages->blocks->region_count; i++) {
		const hc_block_region *region = &stages->blocks->regions[i];

		if (region->region.is_mmapped)
			continue;
		struct result one = walk(stages, region, 0, &parts);

		for (unsigned k = 0; k < G_N_ELEMENTS(sizes); k++) {
			struct result other = walk(stages, region, sizes[k], &parts);

			all += parts;
			if (!same(&one, &other, region))
				printf("\nseed %u, parts of %" G_GUINT64_FORMAT "\n", seed, sizes[k]);
			CU_ASSERT_TRUE(same(&one, &other, region));
			clear(&other);
		}
		clear(&one);
	}
	return all;
}

/* A heap of blocks of many sizes, some free; every hundredth is full of headers that lead to each other. */
static void fill(heap_builder *heap, GRand *random)
{
	while (heap_top_size(heap, 0) > 0x4000) {
		bool decoy = !g_rand_int_range(random, 0, 100);
		uint64_t size = decoy ? 0x1800 : (uint64_t)g_rand_int_range(random, 1, 400);
		hc_address block = heap_malloc_apart(heap, 0, size);

		for (uint64_t at = 8; decoy && at + 8 < size; at += 0x40)
			core_builder_put_word(heap->core, block + at, 0x41);
		if (!decoy && size > 200 && g_rand_boolean(random))
			heap_free_to_bin(heap, block, HEAP_UNSORTED);
	}
}

/* DAMAGES words are overwritten. */
static void try_heap(unsigned seed, unsigned damages, unsigned *parts)
{
	g_auto(test_process) f = process_start("2.36", ROOM, ROOM);
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);

	fill(f.heap, random);
	for (unsigned i = 0; i < damages; i++) {
		static const uint64_t values[] = { 0, 1, 0x21, 0x31, 0x41, 0x40, 0x2001, 0xffffffffffffffff };
		hc_address at = f.heap->break_start + 8 * (uint64_t)g_rand_int_range(random, 0x100, ROOM / 8);

		core_builder_put_word(f.heap->core, at, values[g_rand_int_range(random, 0, G_N_ELEMENTS(values))]);
	}
	if (process_run_blocks(&f, 1))
		*parts += compare(&f.stages, seed);
}

static void test_whole(void)
{
	unsigned parts = 0;

	for (unsigned seed = 0; seed < 5; seed++)
		try_heap(seed, 0, &parts);
	/* Without parts nothing would be compared. */
	CU_ASSERT_TRUE(parts > 100);
}

static void test_damaged(void)
{
	unsigned parts = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++)
		try_heap(seed, 1 + seed * 3, &parts);
	CU_ASSERT_TRUE(parts > 1000);
}

/* Another piece of the program break behind memory of somebody else, and a second arena. */
static void test_fenceposts(void)
{
	g_auto(test_process) f = process_start("2.36", 0x20000, 0x80000);
	unsigned parts;

	for (unsigned i = 0; i < 200; i++)
		heap_malloc(f.heap, 0, 24 + i);
	heap_grow_main(f.heap, 0x3000, 0x20000, HEAP_UNSORTED);
	for (unsigned i = 0; i < 400; i++)
		heap_malloc(f.heap, 0, 24 + i % 200);
	if (!process_run_blocks(&f, 1))
		return;
	parts = compare(&f.stages, 0);
	CU_ASSERT_TRUE(parts > 10);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "whole heaps", test_whole },
		{ "damaged heaps", test_damaged },
		{ "fenceposts and somebody else's memory", test_fenceposts },
	};

	return unit_main("walk parts", cases, G_N_ELEMENTS(cases));
}
