/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * parcels/: where mappings are cut, by words that lead into them from data, stacks, blocks and the mappings themselves, against a search
 * of all bytes that knows the rules as sentences: an aligned address cuts; one that leads to itself or to the word before itself does
 * not; what only a stack leads to is weak.
 */
#include "parcels/parcels.h"
#include "program_builder.h"
#include "test_process.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	MAPPING = 0x40000,
	WORDS = MAPPING / 8,
	BLOCKS = 12,
	BLOCK_BYTES = 120,
	PAGE = 0x1000,
	TOUCHED = 0x8000 /* of the mapping, at its start; the rest is zeros */
};

static const hc_address low = 0x7fffa0000000, high = 0x7fffb0000000, read_only = 0x7fffa8000000;

/* What the words of the process say, for each granule of both mappings. */
typedef struct model {
	bool cut[2][WORDS], strong[2][WORDS];
	unsigned from_roots; /* words of data and stack that lead into the mappings */
} model;

static model expected;

static void expect(hc_address value, hc_address place, bool is_inside, bool is_weak)
{
	hc_address start = value - low < MAPPING ? low : high;
	uint64_t at = value - start;

	if (at >= MAPPING)
		return;
	expected.from_roots += !is_inside && place;
	if (at % 8 || (is_inside && (value == place || value == place - 8)))
		return;
	expected.cut[start == high][at / 8] = true;
	expected.strong[start == high][at / 8] |= !is_weak;
}

static void put(test_process *process, hc_address place, hc_address value)
{
	core_builder_put_word(process->core, place, value);
}

/* Where the next word leads: mostly to one of few places, so that these meet. */
static hc_address random_target(GRand *random)
{
	hc_address start = g_rand_boolean(random) ? low : high;

	switch (g_rand_int_range(random, 0, 8)) {
	case 0:
		return start + (hc_address)g_rand_int_range(random, 0, MAPPING); /* mostly not aligned */
	case 1:
		return start - 8 + 16 * (hc_address)g_rand_int_range(random, 0, 2);
	case 2:
		return start + MAPPING - 8 + 8 * (hc_address)g_rand_int_range(random, 0, 2);
	case 3:
		return (hc_address)g_rand_int_range(random, 0, 100000); /* a number */
	default:
		return start + 8 * (hc_address)g_rand_int_range(random, 0, WORDS);
	}
}

static void fill_mapping(test_process *process, GRand *random, hc_address start)
{
	core_builder_add_memory(process->core, start, MAPPING, PF_R | PF_W);
	for (unsigned i = 0; i < 150; i++) {
		hc_address place = start + 8 * (hc_address)g_rand_int_range(random, 0, TOUCHED / 8), value;
		int kind = g_rand_int_range(random, 0, 6);

		if (core_builder_word(process->core, place))
			continue;
		value = kind == 0 ? place : kind == 1 ? place - 8 : random_target(random);
		put(process, place, value);
		expect(value, place, true, false);
	}
}

static test_process make(GRand *random)
{
	test_process process = process_start("2.36", 0x4000, 0x4000);
	const heap_thread *thread = heap_thread_at(process.heap, 0);

	memset(&expected, 0, sizeof expected);
	/* Each begins with a cut. */
	expected.cut[0][0] = expected.strong[0][0] = expected.cut[1][0] = expected.strong[1][0] = true;
	heap_add_cache(process.heap, 0, 0);
	core_builder_add_memory(process.core, read_only, 0x1000, PF_R);
	put(&process, read_only, 1);
	put(&process, read_only + 8, low + 0x1238);
	expect(low + 0x1238, read_only + 8, false, false);
	fill_mapping(&process, random, low);
	fill_mapping(&process, random, high);
	for (unsigned i = 0; i < BLOCKS; i++) {
		hc_address block = heap_malloc(process.heap, 0, BLOCK_BYTES);

		heap_keep(process.heap, block);
		for (unsigned j = 0; j < BLOCK_BYTES / 8; j++) {
			hc_address value = random_target(random);

			put(&process, block + 8 * j, value);
			expect(value, 0, false, false);
		}
	}
	for (unsigned i = 0; i < 20; i++) {
		hc_address place = thread->stack_pointer + 8 + 8 * (hc_address)i, value = random_target(random);

		put(&process, place, value);
		expect(value, place, false, true);
	}
	return process;
}

/* Whether parcel NUMBER, found at granule I of MAPPING, which begins at START, is what it should be. */
static bool is_right(const hc_parcels *parcels, hc_address start, unsigned mapping, unsigned i, uint32_t number)
{
	hc_range range = hc_parcels_get(parcels, number);
	unsigned end = i + 1;

	while (end < WORDS && !expected.cut[mapping][end])
		end++;
	return range.start == start + 8 * i && range.end == start + 8 * end &&
	       hc_parcels_is_weak(parcels, number) == !expected.strong[mapping][i];
}

/* Each granule of the mapping at START. *NUMBER: of the parcels before it; and of those before its end. */
static void check_mapping(const hc_parcels *parcels, hc_address start, unsigned mapping, uint32_t *number)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		uint32_t found = UINT32_MAX, last = UINT32_MAX;

		*number += expected.cut[mapping][i];
		if (!hc_parcels_find(parcels, start + 8 * i, &found) ||
			!hc_parcels_find(parcels, start + 8 * i + 7, &last) || found != *number - 1 || last != found ||
			found >= parcels->count ||
			(expected.cut[mapping][i] && !is_right(parcels, start, mapping, i, found))) {
			if (!wrong++)
				printf("\nthe first that is wrong: %#" PRIx64 ", parcel %" PRIu32 ", not %" PRIu32 "\n",
					start + 8 * i, found, *number - 1);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Pages of zeros all of which are the parcel's were never written. */
static void check_touched(const test_process *process, const hc_parcels *parcels)
{
	static const uint8_t zeros[PAGE];
	unsigned wrong = 0;

	for (uint32_t i = 0; i < parcels->count; i++) {
		hc_range range = hc_parcels_get(parcels, i);
		uint64_t touched = range.end - range.start;

		for (hc_address page = (range.start + PAGE - 1) / PAGE * PAGE; page + PAGE <= range.end; page += PAGE)
			if (!memcmp(core_builder_at(process->core, page), zeros, PAGE))
				touched -= PAGE;
		wrong += hc_parcels_touched(parcels, i) != touched;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void check_against(const test_process *process, unsigned jobs)
{
	const stage_results *stages = &process->stages;
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_parcels) parcels = hc_parcels_create(stages->core, stages->modules, stages->blocks, stages->areas,
		stages->references, jobs, diagnostics, &error);
	uint32_t number = 0, ignored;

	CU_ASSERT_PTR_NOT_NULL(parcels);
	if (!parcels)
		return;
	check_mapping(parcels, low, 0, &number);
	check_mapping(parcels, high, 1, &number);
	CU_ASSERT_EQUAL(parcels->count, number);
	CU_ASSERT_EQUAL(parcels->root_words->len, expected.from_roots);
	CU_ASSERT_FALSE(hc_parcels_find(parcels, low - 1, &ignored));
	CU_ASSERT_FALSE(hc_parcels_find(parcels, low + MAPPING, &ignored));
	CU_ASSERT_FALSE(hc_parcels_find(parcels, high + MAPPING, &ignored));
	check_touched(process, parcels);
}

static void test_words(void)
{
	for (unsigned seed = 1; seed <= 12; seed++) {
		g_autoptr(GRand) random = g_rand_new_with_seed(seed);
		g_auto(test_process) process = make(random);

		if (!process_run(&process, 1))
			return;
		check_against(&process, 1);
		check_against(&process, 3);
	}
}

/* A list in a mapping, and two things that are in none. */
static void test_preceded(void)
{
	static const hc_address nodes[] = { 0x100, 0x140, 0x180, 0x1c0 };
	g_auto(test_process) process = process_start("2.36", 0x4000, 0x4000);
	const hc_address lone = low + 0x5000, big = low + 0x8000;
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
	g_autoptr(GError) error = NULL;
	uint32_t number = 0;

	core_builder_add_memory(process.core, low, MAPPING, PF_R | PF_W);
	for (unsigned i = 0; i + 1 < G_N_ELEMENTS(nodes); i++)
		put(&process, low + nodes[i], low + nodes[i + 1]);
	hc_address block = heap_malloc(process.heap, 0, BLOCK_BYTES);

	heap_keep(process.heap, block);
	put(&process, block, low + nodes[0]);
	put(&process, block + 8, lone);
	put(&process, block + 16, lone + 0x40);
	put(&process, block + 24, big);
	put(&process, lone + 8, big); /* neither is as large as the other, nor small: no nodes */
	if (!process_run(&process, 1))
		return;
	const stage_results *stages = &process.stages;
	g_autoptr(hc_parcels) parcels = hc_parcels_create(stages->core, stages->modules, stages->blocks, stages->areas,
		stages->references, 2, diagnostics, &error);

	CU_ASSERT_PTR_NOT_NULL(parcels);
	for (unsigned i = 0; parcels && i < G_N_ELEMENTS(nodes); i++) {
		CU_ASSERT(hc_parcels_find(parcels, low + nodes[i], &number));
		/* The last has all that is free behind it, and is no longer known to be a node. */
		CU_ASSERT_EQUAL(hc_bit(parcels->preceded, number), i > 0 && i + 1 < G_N_ELEMENTS(nodes));
	}
	CU_ASSERT(parcels && hc_parcels_find(parcels, lone, &number) && !hc_bit(parcels->preceded, number));
	CU_ASSERT(parcels && hc_parcels_find(parcels, big, &number) && !hc_bit(parcels->preceded, number));
}

/* Little is cut as much is: whose it is may depend on a few pages. */
static void test_little(void)
{
	g_auto(test_process) process = process_start("2.36", 0x4000, 0x4000);
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
	g_autoptr(GError) error = NULL;
	hc_address block = heap_malloc(process.heap, 0, BLOCK_BYTES);

	core_builder_add_memory(process.core, low, 0x1000, PF_R | PF_W);
	heap_keep(process.heap, block);
	put(&process, block, low + 0x40);
	if (!process_run(&process, 1))
		return;
	const stage_results *stages = &process.stages;
	g_autoptr(hc_parcels) parcels = hc_parcels_create(stages->core, stages->modules, stages->blocks, stages->areas,
		stages->references, 1, diagnostics, &error);
	uint32_t number;

	CU_ASSERT_PTR_NOT_NULL(parcels);
	CU_ASSERT(parcels && parcels->count == 2 && hc_parcels_find(parcels, low + 0x40, &number) && number == 1);
}

/* A damaged core tells of memory that begins and ends anywhere: whole granules of it are cut, and its words lead nowhere else. */
static void test_unaligned(void)
{
	g_auto(test_process) process = process_start("2.36", 0x4000, 0x4000);
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
	hc_address block = heap_malloc(process.heap, 0, BLOCK_BYTES);
	uint32_t number;

	core_builder_add_memory(process.core, low + 4, 0x1002, PF_R | PF_W);
	heap_keep(process.heap, block);
	put(&process, block, low + 0x40);
	put(&process, low + 12, low + 8); /* what stands in it leads to its first granule, and in front of that */
	put(&process, low + 20, low + 4);
	if (!process_run(&process, 1))
		return;
	const stage_results *stages = &process.stages;
	g_autoptr(hc_parcels) parcels = hc_parcels_create(stages->core, stages->modules, stages->blocks, stages->areas,
		stages->references, 1, diagnostics, NULL);

	CU_ASSERT_PTR_NOT_NULL(parcels);
	if (!parcels)
		return;
	CU_ASSERT_FALSE(hc_parcels_find(parcels, low + 4, &number));
	CU_ASSERT(hc_parcels_find(parcels, low + 8, &number) && number == 0);
	CU_ASSERT_EQUAL(hc_parcels_get(parcels, 0).start, low + 8);
	CU_ASSERT(hc_parcels_find(parcels, low + 0xfff, &number) && number == 1);
	CU_ASSERT_FALSE(hc_parcels_find(parcels, low + 0x1000, &number));
}

/* ---- objects that books tell of ---- */

enum {
	POOL = 0x4000,
	ARENA = 0x100000,
	RECORD_BYTES = 48
};

static void put_halves(test_process *process, hc_address place, uint32_t low_half, uint32_t high_half)
{
	put(process, place, low_half | (uint64_t)high_half << 32);
}

/* A pool of CPython's, of objects of 16 * (CLASS + 1) bytes; GIVEN were given out, IN_USE of them are in use, FREE is the first that is not. */
static void put_pool(
	test_process *process, hc_address pool, unsigned class, unsigned in_use, unsigned given, hc_address free)
{
	unsigned size = 16 * (class + 1);

	put(process, pool, in_use);
	put(process, pool + 8, free);
	put_halves(process, pool + 32, 0, class);
	put_halves(process, pool + 40, 48 + given * size, POOL - size);
}

/*
 * A process with an arena at LOW. The first pool has ten objects of 64 bytes, four of which are free: 9, 2, 3, 7, in the order of the list. In
 * the second nothing is in use. The list of the third leads in a circle.
 */
static test_process start_python(void)
{
	test_process process = process_start("2.36", 0x4000, 0x4000);
	hc_address table = heap_malloc(process.heap, 0, 4 * RECORD_BYTES), first = low + 48;

	heap_add_cache(process.heap, 0, 0);
	program_map(process.core, "/usr/bin/python3.11");
	put(&process, program_data + 64, table);
	core_builder_add_memory(process.core, low, ARENA, PF_R | PF_W);
	put(&process, table, low);
	put(&process, table + 8, low + 3 * (hc_address)POOL);
	put_halves(&process, table + 16, ARENA / POOL - 3, ARENA / POOL);
	put_pool(&process, low, 3, 6, 10, first + 9 * 64);
	put(&process, first + 9 * 64, first + 2 * 64);
	put(&process, first + 2 * 64, first + 3 * 64);
	put(&process, first + 3 * 64, first + 7 * 64);
	put_pool(&process, low + POOL, 2, 0, 5, low + POOL + 48);
	put_pool(&process, low + 2 * POOL, 2, 3, 5, low + 2 * POOL + 48);
	put(&process, low + 2 * POOL + 48, low + 2 * POOL + 48);
	return process;
}

/*
 * Objects 0 and 5 are in a collector's chain, 5 behind two words of its own; object 6 looks as if it were. Object 1 begins with a number; words
 * lead into others.
 */
static void put_words_to_objects(test_process *process)
{
	hc_address block = heap_malloc(process->heap, 0, BLOCK_BYTES), first = low + 48;
	hc_address links = first + 5 * 64 + 16, no_links = first + 6 * 64;
	const hc_address values[] = { first, first + 16, first + 64, first + 64 + 16, first + 4 * 64 + 32,
		first + 3 * 64 + 24, first + 8 * 64, low + POOL + 48 + 3 * 48, low + 2 * POOL + 0x320, links };

	heap_keep(process->heap, block);
	for (unsigned i = 0; i < G_N_ELEMENTS(values); i++)
		put(process, block + 8 * i, values[i]);
	put(process, first + 64, 1);
	/* What is left over in a free object leads to the start of one in use, and into another. */
	put(process, first + 3 * 64 + 8, first + 5 * 64);
	put(process, first + 3 * 64 + 16, first + 6 * 64 + 16);
	/* A link and a link back, with bits of the collector's; what the others lead to has none back, and nothing is cut there. */
	put(process, first, links);
	put(process, first + 8, low + 2 * POOL + 0x400);
	put(process, first + 16, 2);
	put(process, links, low + 2 * POOL + 0x480);
	put(process, links + 8, first | 2);
	put(process, links + 16, 1);
	put(process, low + 2 * POOL + 0x488, links);
	put(process, no_links, low + 2 * POOL + 0x500);
	put(process, no_links + 8, first);
	put(process, no_links + 16, 1);
}

static hc_parcels *parcels_of(const stage_results *stages)
{
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();

	return hc_parcels_create(
		stages->core, stages->modules, stages->blocks, stages->areas, stages->references, 2, diagnostics, NULL);
}

/* Of what put_words_to_objects() puts, by bytes from the first object on. */
static bool is_link(uint64_t offset)
{
	return offset < 16 || (offset >= 5 * 64 + 16 && offset < 5 * 64 + 32);
}

/* Of the object at ADDRESS, which has links behind two words, what is in front of them and what is behind. */
static void check_words(const hc_parcels *parcels, hc_address address)
{
	hc_address start = address, end;

	CU_ASSERT(hc_parcels_next_words(parcels, &start, address + 64, &end));
	CU_ASSERT(start == address && end == address + 16);
	start = end;
	CU_ASSERT(hc_parcels_next_words(parcels, &start, address + 64, &end));
	CU_ASSERT(start == address + 32 && end == address + 64);
	start = end;
	CU_ASSERT_FALSE(hc_parcels_next_words(parcels, &start, address + 64, &end));
}

static void test_objects(void)
{
	static const struct {
		hc_address start;
		bool is_free;
	} wanted[] = { { 0, false }, { 48, false }, { 112, false }, { 176, true }, { 304, false },
		{ 368, false }, { 432, false }, { 496, true }, { 560, false }, { 624, true }, { POOL - 16, false },
		{ POOL, false }, { POOL + 48, true }, { 2 * POOL - 16, false }, { 2 * POOL + 48, false },
		{ 2 * POOL + 0x320, false }, { 2 * POOL + 0x500, false }, { 3 * POOL, false } };
	g_auto(test_process) process = start_python();
	uint32_t number;

	put_words_to_objects(&process);
	if (!process_run(&process, 1))
		return;
	g_autoptr(hc_parcels) parcels = parcels_of(&process.stages);

	CU_ASSERT_PTR_NOT_NULL(parcels);
	if (!parcels)
		return;
	CU_ASSERT_EQUAL(parcels->count, G_N_ELEMENTS(wanted));
	for (uint32_t i = 0; i < MIN(parcels->count, G_N_ELEMENTS(wanted)); i++) {
		CU_ASSERT_EQUAL(hc_parcels_get(parcels, i).start - low, wanted[i].start);
		CU_ASSERT_EQUAL(hc_parcels_is_free(parcels, i), wanted[i].is_free);
	}
	CU_ASSERT(hc_parcels_find(parcels, low + 368, &number) && !hc_bit(parcels->preceded, number));
	for (hc_address at = low + 48; at < low + 48 + 10 * 64; at += 8)
		CU_ASSERT_EQUAL(hc_bit(parcels->links, (at - low) / 8), is_link(at - low - 48));
	CU_ASSERT(hc_parcels_is_nobodys(parcels, low + 48 + 8) && !hc_parcels_is_nobodys(parcels, low + 48 + 16));
	check_words(parcels, low + 368);
	CU_ASSERT(hc_parcels_is_nobodys(parcels, low + 2000) && !hc_parcels_is_nobodys(parcels, low + 2 * POOL + 48));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "cuts are where words lead, by brute force", test_words },
		{ "what a list's nodes lead to is preceded", test_preceded },
		{ "little is cut, too", test_little },
		{ "memory that begins and ends anywhere", test_unaligned },
		{ "objects are where books tell, and those that are free cut nothing", test_objects },
	};

	return unit_main("parcels", cases, G_N_ELEMENTS(cases));
}
