/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pins/: runs, islands, and what would go back, on heaps of a few blocks. The expected figures are worked out by hand from systrim() and
 * heap_trim() (malloc.c, arena.c of glibc 2.36): of a top of SIZE bytes, if that is mp_.trim_threshold or more, all but MINSIZE + 1 +
 * mp_.top_pad in whole pages.
 */
#include "test_process.h"
#include "unit.h"

#include "wording/wording.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	THRESHOLD = 0x20000,
	PAD = 0x1000,
	HEAP = 0x100000,
	PAGE = 0x1000
};

/* trim_threshold, top_pad and mmap_threshold are the first words of struct malloc_par in all releases. */
static void set_thresholds(test_process *f, uint64_t trim, uint64_t pad, uint64_t mmap)
{
	core_builder_put_word(f->core, f->heap->parameters, trim);
	core_builder_put_word(f->core, f->heap->parameters + 8, pad);
	core_builder_put_word(f->core, f->heap->parameters + 16, mmap);
}

static test_process start(uint64_t size, uint64_t capacity)
{
	test_process f = process_start("2.36", size, capacity);

	set_thresholds(&f, THRESHOLD, PAD, 0x20000);
	return f;
}

static bool run(test_process *f)
{
	if (!process_run_blocks(f, 1))
		return false;
	f->pins = hc_pins_create(f->stages.core, f->stages.blocks, NULL);
	return true;
}

static const hc_pin_run *run_at(const test_process *f, hc_address start)
{
	for (unsigned i = 0; i < hc_pins_run_count(f->pins); i++)
		if (hc_pins_run(f->pins, i)->start == start)
			return hc_pins_run(f->pins, i);
	printf("\nno run at %#" PRIx64 "\n", start);
	CU_FAIL("no such run");
	return NULL;
}

/* A block of that chunk size, to be freed later. */
static hc_address take(test_process *f, unsigned arena, uint64_t chunk_size)
{
	return heap_malloc(f->heap, arena, chunk_size - 8);
}

static uint64_t trim(uint64_t size)
{
	return (size - 0x21 - PAD) & ~(uint64_t)(PAGE - 1);
}

/* free 0x40000 | pin 0x110 | free 0x20000 | two pins | top. */
static void test_two_islands(void)
{
	g_auto(test_process) f = start(HEAP, HEAP);
	hc_address base = f.heap->sbrk_base;
	hc_address low = take(&f, 0, 0x40000), pin = heap_malloc(f.heap, 0, 0x108);
	hc_address high = take(&f, 0, 0x20000);

	heap_malloc(f.heap, 0, 0x18);
	heap_malloc(f.heap, 0, 0x28);
	heap_free_to_bin(f.heap, low, HEAP_UNSORTED);
	heap_free_to_bin(f.heap, high, HEAP_UNSORTED);
	if (!run(&f))
		return;
	const hc_pin_run *one = run_at(&f, heap_chunk(low)), *two = run_at(&f, heap_chunk(high));

	if (!one || !two)
		return;
	CU_ASSERT_EQUAL(hc_pins_run_count(f.pins), 3); /* and the top */
	CU_ASSERT_EQUAL(one->bytes, 0x40000);
	CU_ASSERT_EQUAL(one->whole, 0x3f000); /* the first page has the chunk's header */
	CU_ASSERT_TRUE(one->pinned && two->pinned && !one->is_top);
	CU_ASSERT_EQUAL(one->above.start, heap_chunk(pin));
	CU_ASSERT_EQUAL(one->above.amount.blocks, 1);
	CU_ASSERT_EQUAL(one->above.amount.bytes, 0x110);
	CU_ASSERT_EQUAL(two->above.amount.blocks, 2);
	CU_ASSERT_EQUAL(two->above.amount.bytes, 0x20 + 0x30);
	CU_ASSERT_EQUAL(one->islands, 2);
	CU_ASSERT_EQUAL(two->islands, 1);
	CU_ASSERT_EQUAL(one->goes_back, trim(base + HEAP - one->start));
	CU_ASSERT_EQUAL(two->goes_back, trim(base + HEAP - two->start));
	CU_ASSERT_EQUAL(hc_pins_run(f.pins, 0)->is_top, true); /* most whole pages first */
	CU_ASSERT_EQUAL(hc_pins_run(f.pins, 0)->goes_back, 0);
}

static void test_thresholds(void)
{
	static const struct {
		uint64_t threshold, pad;
		bool goes;
	} rows[] = {
		{ 0x60000, 0, true },	      /* to the byte: the run, the pin and the top are 0x60000 */
		{ 0x60001, 0, false },	      /* ... one byte short */
		{ 0, 0x60000 - 0x21, false }, /* nothing beyond the pad */
		{ 0, UINT64_MAX, false },     /* mallopt(M_TOP_PAD, -1) */
		{ UINT64_MAX, 0, false },     /* mallopt(M_TRIM_THRESHOLD, -1) */
		{ 0, 0x5e000 - 0x21, true },  /* two pages */
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(test_process) f = start(HEAP, HEAP);
		hc_address low;

		heap_malloc(f.heap, 0, HEAP - 0x60000 - 8);
		low = take(&f, 0, 0x40000);
		heap_malloc(f.heap, 0, 0x18);
		heap_free_to_bin(f.heap, low, HEAP_UNSORTED);
		set_thresholds(&f, rows[i].threshold, rows[i].pad, 0x20000);
		if (!run(&f))
			return;
		const hc_pin_run *one = run_at(&f, heap_chunk(low));

		if (!one)
			return;
		CU_ASSERT_EQUAL(
			one->goes_back, rows[i].goes ? (0x60000 - 0x21 - rows[i].pad) & ~(uint64_t)(PAGE - 1) : 0);
	}
}

/* What a fastbin holds merges before anything goes back; what a thread caches does not. */
static void test_fastbins_and_cache(void)
{
	g_auto(test_process) f = start(HEAP, HEAP);
	hc_address cache = heap_add_cache(f.heap, 0, 0), low = take(&f, 0, 0x20000);
	hc_address fast = heap_malloc(f.heap, 0, 0x18), cached = heap_malloc(f.heap, 0, 0x38);
	hc_pins_totals totals;

	heap_free_to_bin(f.heap, low, HEAP_UNSORTED);
	heap_free_to_fastbin(f.heap, fast);
	heap_free_to_cache(f.heap, cache, cached);
	if (!run(&f))
		return;
	const hc_pin_run *one = run_at(&f, heap_chunk(low));
	const hc_pin_holder *holder = hc_pins_holder(f.pins, 0);

	if (!one || !holder)
		return;
	CU_ASSERT_EQUAL(one->bytes, 0x20000 + 0x20);
	CU_ASSERT_EQUAL(one->above.amount.blocks, 1);
	CU_ASSERT_EQUAL(one->above.cached.blocks, 1);
	CU_ASSERT_EQUAL(one->above.cached.bytes, 0x40);
	CU_ASSERT_EQUAL(hc_pins_holder_count(f.pins), 1);
	CU_ASSERT_EQUAL(holder->kind, HC_HOLDER_CACHED);
	CU_ASSERT_EQUAL(holder->thread, heap_thread_at(f.heap, 0)->id);
	CU_ASSERT_EQUAL(holder->example, cached);
	CU_ASSERT_EQUAL(holder->pinned, one->whole);
	CU_ASSERT_EQUAL(holder->alone, one->whole);
	hc_pins_get_totals(f.pins, &totals);
	CU_ASSERT_EQUAL(totals.tcache, 0x40);
	CU_ASSERT_EQUAL(totals.fastbins, 0x20);
}

/* free 0x20000 | a, b | free 0x30000 | a | top: two sizes, one of them in both islands. */
static void test_holders(void)
{
	g_auto(test_process) f = start(HEAP, HEAP);
	hc_address low = take(&f, 0, 0x20000), high, last;

	heap_malloc(f.heap, 0, 0x108);
	heap_malloc(f.heap, 0, 0x208);
	high = take(&f, 0, 0x30000);
	last = heap_malloc(f.heap, 0, 0x108);
	heap_free_to_bin(f.heap, low, HEAP_UNSORTED);
	heap_free_to_bin(f.heap, high, HEAP_UNSORTED);
	if (!run(&f))
		return;
	const hc_pin_holder *a = hc_pins_holder(f.pins, 0), *b = hc_pins_holder(f.pins, 1);
	hc_pins_totals totals;

	CU_ASSERT_EQUAL(hc_pins_holder_count(f.pins), 2);
	if (!a || !b)
		return;
	CU_ASSERT_EQUAL(a->kind, HC_HOLDER_UNKNOWN);
	CU_ASSERT_EQUAL(a->size, 0x108);
	CU_ASSERT_EQUAL(a->example, last); /* the largest run's island comes first */
	CU_ASSERT_EQUAL(a->amount.blocks, 2);
	CU_ASSERT_EQUAL(a->amount.bytes, 2 * 0x110);
	CU_ASSERT_EQUAL(a->runs, 2);
	CU_ASSERT_EQUAL(a->pinned, 0x1f000 + 0x2f000);
	CU_ASSERT_EQUAL(a->alone, 0x2f000);
	CU_ASSERT_EQUAL(b->amount.blocks, 1);
	CU_ASSERT_EQUAL(b->runs, 1);
	CU_ASSERT_EQUAL(b->pinned, 0x1f000);
	CU_ASSERT_EQUAL(b->alone, 0);
	hc_pins_get_totals(f.pins, &totals);
	CU_ASSERT_EQUAL(totals.pins, 2);
	CU_ASSERT_EQUAL(totals.pinned, 0x1f000 + 0x2f000);
	CU_ASSERT_EQUAL(totals.pinning.blocks, 3);
}

/* More is in use above than is free below: kept, but not by a few blocks. */
static void test_under_live(void)
{
	g_auto(test_process) f = start(HEAP, HEAP);
	hc_address low = take(&f, 0, 0x12000);
	hc_pins_totals totals;

	for (unsigned i = 0; i < 0x12; i++)
		heap_malloc(f.heap, 0, 0x1000 - 8);
	heap_free_to_bin(f.heap, low, HEAP_UNSORTED);
	if (!run(&f))
		return;
	const hc_pin_run *one = run_at(&f, heap_chunk(low));

	CU_ASSERT_TRUE(one && !one->pinned && one->above.amount.bytes == 0x12000);
	hc_pins_get_totals(f.pins, &totals);
	CU_ASSERT_EQUAL(totals.pinned, 0);
	CU_ASSERT_EQUAL(hc_pins_holder_count(f.pins), 0);
}

/* Somebody else's memory from sbrk lies between: what is below it stays. */
static void test_foreign(void)
{
	g_auto(test_process) f = start(HEAP, 4 * HEAP);
	hc_address low = take(&f, 0, 0x40000), high;

	heap_malloc(f.heap, 0, 0x18);
	heap_free_to_bin(f.heap, low, HEAP_UNSORTED);
	heap_grow_main(f.heap, 0x2000, HEAP, HEAP_UNSORTED);
	high = take(&f, 0, 0x40000);
	heap_malloc(f.heap, 0, 0x18);
	heap_free_to_bin(f.heap, high, HEAP_UNSORTED);
	if (!run(&f))
		return;
	const hc_pin_run *one = run_at(&f, heap_chunk(low)), *two = run_at(&f, heap_chunk(high));

	if (!one || !two)
		return;
	CU_ASSERT_TRUE(one->above.blocked);
	CU_ASSERT_EQUAL(one->goes_back, 0);
	CU_ASSERT_FALSE(two->above.blocked);
}

/* ---- thread arenas ---- */

enum {
	FIRST = 0x200000, /* of the first heap */
	SECOND = 0x80000
};
static const hc_address first_heap = 0x7fffe8000000, second_heap = 0x7fffe0000000; /* the newer one lies below */

typedef struct two_heaps {
	unsigned arena;
	hc_address low, tail, pin; /* blocks: below the first heap's pin, at its end, and in the second heap */
} two_heaps;

/* first: in use | free | pin | free to the end; second: FREE_HEAD free bytes, pin, top. */
static two_heaps add_two_heaps(test_process *f, uint64_t free_head)
{
	two_heaps two = { .arena = heap_add_arena(f->heap, first_heap, FIRST) };
	hc_address head = 0;

	heap_malloc(f->heap, two.arena, 0x1000 - 8);
	two.low = take(f, two.arena, 0x40000);
	heap_malloc(f->heap, two.arena, 0x18);
	two.tail = take(f, two.arena, 0x100000);
	heap_malloc_until(f->heap, two.arena, 0x20);
	heap_grow_arena(f->heap, two.arena, second_heap, SECOND, HEAP_FASTBIN);
	if (free_head)
		head = take(f, two.arena, free_head);
	two.pin = heap_malloc(f->heap, two.arena, 0x18);
	heap_free_to_bin(f->heap, two.low, HEAP_UNSORTED);
	heap_free_to_bin(f->heap, two.tail, HEAP_UNSORTED);
	if (head)
		heap_free_to_bin(f->heap, head, HEAP_UNSORTED);
	return two;
}

static void test_heaps(void)
{
	g_auto(test_process) f = start(HEAP, HEAP);
	two_heaps two = add_two_heaps(&f, 0x20000);

	if (!run(&f))
		return;
	const hc_pin_run *low = run_at(&f, heap_chunk(two.low)), *tail = run_at(&f, heap_chunk(two.tail)),
			 *head = run_at(&f, second_heap + f.heap->release.heap_info_size);

	if (!low || !tail || !head)
		return;
	/* low | island | tail | what is in use at the first heap's end | head | island | top */
	CU_ASSERT_EQUAL(low->arena, 1);
	CU_ASSERT_EQUAL(low->islands, 3);
	CU_ASSERT_EQUAL(tail->islands, 2);
	CU_ASSERT_EQUAL(head->islands, 1);
	CU_ASSERT_EQUAL(low->goes_back, SECOND + trim(first_heap + FIRST - low->start));
	CU_ASSERT_EQUAL(tail->goes_back, SECOND + trim(first_heap + FIRST - tail->start));
	/* The second heap goes; at the first one's end there is less free than the threshold. */
	CU_ASSERT_EQUAL(head->above.amount.blocks, 1);
	CU_ASSERT_EQUAL(head->above.start, heap_chunk(two.pin));
	CU_ASSERT_EQUAL(head->goes_back, SECOND);
}

/* heap_info.prev leads in a ring, or nowhere: the first heap is cut off, and nothing in it counts as going back. */
static void test_damaged_chain(void)
{
	static const hc_address previous[] = { 0, 0x7fffe0000000, 0x7fffe8000008, 0xdead0000, UINT64_MAX };

	for (unsigned i = 0; i < G_N_ELEMENTS(previous); i++) {
		g_auto(test_process) f = start(HEAP, HEAP);
		two_heaps two = add_two_heaps(&f, 0x20000);

		core_builder_put_word(f.core, second_heap + 8, previous[i]);
		if (!run(&f))
			return;
		for (unsigned k = 0; k < hc_pins_run_count(f.pins); k++) {
			const hc_pin_run *one = hc_pins_run(f.pins, k);

			if (one->start == heap_chunk(two.low) || one->start == heap_chunk(two.tail))
				CU_ASSERT_EQUAL(one->goes_back, 0);
		}
	}
}

/* A pad that the first heap cannot hold: the second one stays mapped, and only its top shrinks. */
static void test_no_room(void)
{
	g_auto(test_process) f = start(HEAP, HEAP);

	add_two_heaps(&f, 0x20000);
	set_thresholds(&f, 0, (uint64_t)64 << 20, 0x20000);
	if (!run(&f))
		return;
	for (unsigned i = 0; i < hc_pins_run_count(f.pins); i++)
		CU_ASSERT_EQUAL(hc_pins_run(f.pins, i)->goes_back, 0);
}

static void test_nothing(void)
{
	g_auto(test_process) f = start(0x2000, 0x2000);
	hc_pins_totals totals;

	heap_malloc(f.heap, 0, 24);
	if (!run(&f))
		return;
	hc_pins_get_totals(f.pins, &totals);
	CU_ASSERT_EQUAL(hc_pins_run_count(f.pins), 0);
	CU_ASSERT_EQUAL(hc_pins_holder_count(f.pins), 0);
	CU_ASSERT_PTR_NULL(hc_pins_run(f.pins, 0));
	CU_ASSERT_PTR_NULL(hc_pins_holder(f.pins, 0));
	CU_ASSERT_EQUAL(totals.run_count, 0);
	g_autofree char *advice = hc_word_pins_advice(hc_pins_get_summary(f.pins), NULL);

	UNIT_ASSERT_CONTAINS(advice, "little to give back");
}

/* What is at the end, and what was large: the causes and their tunables. */
static void test_causes(void)
{
	g_auto(test_process) f = start(HEAP, HEAP);
	hc_address low = take(&f, 0, 0x40000);
	uint64_t bytes[HC_KEPT_CAUSE_COUNT] = { 0 };

	heap_malloc(f.heap, 0, 0x18);
	heap_free_to_bin(f.heap, low, HEAP_UNSORTED);
	set_thresholds(&f, 0x400000, 0x20000, 0x200000);
	if (!run(&f))
		return;
	const hc_pins_summary *summary = hc_pins_get_summary(f.pins);

	for (unsigned i = 0; i < summary->kept_count; i++) {
		const hc_kept *kept = &summary->kept[i];
		g_autofree char *text = hc_word_kept(summary, kept->cause);

		bytes[kept->cause] = kept->bytes;
		CU_ASSERT_PTR_NOT_NULL(text);
		if (kept->cause == HC_KEPT_TOP) {
			UNIT_ASSERT_CONTAINS(text, "rose to 4.0 MiB");
			UNIT_ASSERT_CONTAINS(hc_kept_tunable(kept->cause), "MALLOC_TRIM_THRESHOLD_");
		}
	}
	CU_ASSERT_EQUAL(bytes[HC_KEPT_PINNED], 0x3f000);
	CU_ASSERT_EQUAL(bytes[HC_KEPT_LARGE], 0x40000);
	CU_ASSERT_EQUAL(bytes[HC_KEPT_TOP], (HEAP - 0x40000 - 0x20 - 0x21) & ~(uint64_t)(PAGE - 1));
	CU_ASSERT_EQUAL(bytes[HC_KEPT_ARENAS], 0);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "two islands", test_two_islands },
		{ "thresholds", test_thresholds },
		{ "fastbins merge, cached blocks do not", test_fastbins_and_cache },
		{ "holders of mixed islands", test_holders },
		{ "below more than is free", test_under_live },
		{ "somebody else's memory above", test_foreign },
		{ "two heaps", test_heaps },
		{ "a damaged chain of heaps", test_damaged_chain },
		{ "no room to let a heap go", test_no_room },
		{ "nothing", test_nothing },
		{ "causes", test_causes },
	};

	return unit_main("pins", cases, G_N_ELEMENTS(cases));
}
