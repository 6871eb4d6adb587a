/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * references/shortest_paths.c, places.c: shortest paths on small graphs, several without a block in common, to lost and to freed blocks, along a long
 * list; and the names of the places where they begin.
 */
#include "test_process.h"
#include "unit.h"
#include "wording/wording.h"

#include <stdio.h>

enum {
	SIZE = 104,
	LONG = 20000
};

static test_process start(uint64_t size)
{
	return process_start("2.36", size, size);
}

static bool run(test_process *g)
{
	return process_run(g, 1);
}

static hc_address node(test_process *g)
{
	return heap_malloc(g->heap, 0, SIZE);
}

static void link_at(test_process *g, hc_address from, unsigned word, hc_address to)
{
	core_builder_put_word(g->core, from + 8 * word, to);
}

static hc_paths *find(const test_process *g, hc_address address, unsigned limit)
{
	hc_block block = { .number = UINT32_MAX };
	g_autoptr(GError) error = NULL;

	CU_ASSERT_TRUE(hc_blocks_find(g->stages.blocks, address, &block));
	return hc_paths_find(g->stages.references, block.number, limit, &error);
}

/* The path's blocks must be NODES (ends with 0). */
static void check_path(const hc_paths *paths, unsigned index, hc_path_start begin, const hc_address *nodes)
{
	unsigned count = 0;

	if (index >= hc_paths_count(paths)) {
		CU_FAIL("there are more paths");
		return;
	}
	CU_ASSERT_EQUAL(hc_paths_start(paths, index), begin);
	for (; nodes[count]; count++) {
		hc_path_step step;

		CU_ASSERT_TRUE(hc_paths_step(paths, index, count, &step));
		CU_ASSERT_EQUAL(step.block.address, nodes[count]);
		CU_ASSERT_EQUAL(step.has_reference, count || begin == HC_PATH_ROOT);
		CU_ASSERT_TRUE(!step.has_reference || step.reference.to - nodes[count] < SIZE);
		CU_ASSERT_TRUE(!count || step.reference.from - nodes[count - 1] < SIZE);
	}
	CU_ASSERT_EQUAL(hc_paths_length(paths, index), count);
}

#define CHECK_PATH(paths, index, begin, ...) check_path(paths, index, begin, (const hc_address[]){ __VA_ARGS__, 0 })

/* Two ways of different lengths: root -> a -> d; root -> b -> c -> d. */
static void test_shortest(void)
{
	g_auto(test_process) g = start(0x4000);
	hc_address b = node(&g), c = node(&g), a = node(&g), d = node(&g);

	heap_keep(g.heap, b);
	heap_keep(g.heap, a);
	link_at(&g, b, 1, c);
	link_at(&g, c, 2, d);
	link_at(&g, a, 3, d);
	link_at(&g, d, 4, b); /* and back */
	if (!run(&g))
		return;
	g_autoptr(hc_paths) one = find(&g, d, 1), three = find(&g, d + 50, 3), straight = find(&g, a, 5);
	hc_path_step step;

	CU_ASSERT_EQUAL(hc_paths_count(one), 1);
	CHECK_PATH(one, 0, HC_PATH_ROOT, a, d);
	CU_ASSERT_TRUE(hc_paths_step(one, 0, 0, &step));
	CU_ASSERT_EQUAL(step.reference.from, heap_kept_at(g.heap, 1));
	CU_ASSERT_TRUE(hc_paths_step(one, 0, 1, &step));
	CU_ASSERT_EQUAL(step.reference.from, a + 24);
	CU_ASSERT_FALSE(hc_paths_step(one, 0, 2, &step));
	CU_ASSERT_EQUAL(hc_paths_count(three), 2);
	CHECK_PATH(three, 0, HC_PATH_ROOT, a, d);
	CHECK_PATH(three, 1, HC_PATH_ROOT, b, c, d);
	CU_ASSERT_EQUAL(hc_paths_count(straight), 1);
	CHECK_PATH(straight, 0, HC_PATH_ROOT, a);
}

/* Words of roots that lead straight to it come first: data, stack, register. */
static void test_roots_in_order(void)
{
	g_auto(test_process) g = start(0x4000);
	hc_address a = node(&g), b = node(&g);

	heap_keep(g.heap, b);
	heap_keep(g.heap, a);
	link_at(&g, b, 0, a);
	heap_thread_at(g.heap, 0)->rbx = a;
	core_builder_put_word(g.core, heap_thread_at(g.heap, 0)->stack_pointer + 8, a);
	if (!run(&g))
		return;
	g_autoptr(hc_paths) paths = find(&g, a, 10);
	hc_place_sources sources = { g.stages.core, g.stages.modules, g.stages.blocks, g.stages.areas };
	hc_path_step step;

	CU_ASSERT_EQUAL(hc_paths_count(paths), 4);
	for (unsigned i = 0; i < 3; i++)
		CHECK_PATH(paths, i, HC_PATH_ROOT, a);
	CHECK_PATH(paths, 3, HC_PATH_ROOT, b, a);
	static const hc_place_kind kinds[] = { HC_PLACE_VARIABLE, HC_PLACE_STACK, HC_PLACE_REGISTER };

	for (unsigned i = 0; i < 3; i++) {
		hc_place place = { 0 };

		CU_ASSERT_TRUE(hc_paths_step(paths, i, 0, &step));
		hc_place_of_reference(&sources, &step.reference, &place);
		g_autofree char *name = hc_word_place(&place);

		CU_ASSERT_EQUAL(place.kind, kinds[i]);
		if (i == 0)
			UNIT_ASSERT_CONTAINS(name, "libc.so.6+0x");
		if (i == 1)
			UNIT_ASSERT_CONTAINS(name, "sp+0x8");
		if (i == 2)
			UNIT_ASSERT_CONTAINS(name, "rbx of thread ");
	}
}

/* head -> a -> b, nothing leads to head; and a ring that nothing leads to. */
static void test_lost(void)
{
	g_auto(test_process) g = start(0x4000);
	hc_address head = node(&g), a = node(&g), b = node(&g), first = node(&g), second = node(&g);

	link_at(&g, head, 0, a);
	link_at(&g, a, 0, b + 40);
	link_at(&g, b, 0, head);
	link_at(&g, first, 1, second);
	link_at(&g, second, 1, first);
	core_builder_put_word(g.core, head, a);
	if (!run(&g))
		return;
	g_autoptr(hc_paths) to_b = find(&g, b, 3), to_head = find(&g, head, 3), to_second = find(&g, second, 1);

	CU_ASSERT_EQUAL(hc_paths_count(to_b), 1);
	CHECK_PATH(to_b, 0, HC_PATH_LOST, head, a, b);
	CU_ASSERT_EQUAL(hc_paths_count(to_head), 1);
	CHECK_PATH(to_head, 0, HC_PATH_LOST, head);
	CHECK_PATH(to_second, 0, HC_PATH_LOST, first, second);
}

/* A pointer to freed memory; and a block that only a pointer into its middle leads to. */
static void test_freed_and_interior(void)
{
	g_auto(test_process) g = start(0x4000);
	hc_address holder = node(&g), freed = node(&g), unknown = node(&g), middle = node(&g), below = node(&g);

	node(&g);
	heap_keep(g.heap, holder);
	link_at(&g, holder, 5, freed + 16);
	heap_keep(g.heap, middle + 40);
	link_at(&g, middle, 2, below);
	heap_free_to_fastbin(g.heap, freed);
	heap_free_to_fastbin(g.heap, unknown);
	if (!run(&g))
		return;
	g_autoptr(hc_paths) to_freed = find(&g, freed, 2), to_unknown = find(&g, unknown, 2),
			    to_below = find(&g, below, 1);

	CU_ASSERT_EQUAL(hc_paths_count(to_freed), 1);
	CHECK_PATH(to_freed, 0, HC_PATH_ROOT, holder, freed);
	CU_ASSERT_EQUAL(hc_paths_count(to_unknown), 0);
	CHECK_PATH(to_below, 0, HC_PATH_ROOT, middle, below);
}

/* No recursion, and not a search for each block. */
static void test_long_list(void)
{
	g_auto(test_process) g = start(0x400000);
	hc_address first = node(&g), last = first;
	hc_path_step step;

	heap_keep(g.heap, first);
	for (unsigned i = 1; i < LONG; i++) {
		hc_address next = node(&g);

		link_at(&g, last, 6, next);
		last = next;
	}
	if (!run(&g))
		return;
	g_autoptr(hc_paths) paths = find(&g, last, 2);

	CU_ASSERT_EQUAL(hc_paths_count(paths), 1);
	CU_ASSERT_EQUAL(hc_paths_length(paths, 0), LONG);
	CU_ASSERT_TRUE(hc_paths_step(paths, 0, LONG - 1, &step));
	CU_ASSERT_EQUAL(step.block.address, last);
	CU_ASSERT_TRUE(hc_paths_step(paths, 0, 0, &step));
	CU_ASSERT_EQUAL(step.block.address, first);
}

/* Many ways without a block in common: each is found, no more. */
static void test_disjoint(void)
{
	g_auto(test_process) g = start(0x10000);
	hc_address target = node(&g), gate = node(&g);

	for (unsigned i = 0; i < 7; i++) {
		hc_address way = node(&g);

		heap_keep(g.heap, way);
		link_at(&g, way, i, i < 5 ? target : gate); /* two of them by the same block */
	}
	link_at(&g, gate, 0, target);
	if (!run(&g))
		return;
	g_autoptr(hc_paths) all = find(&g, target, 100), some = find(&g, target, 3);

	CU_ASSERT_EQUAL(hc_paths_count(all), 6);
	CU_ASSERT_EQUAL(hc_paths_length(all, 4), 2);
	CU_ASSERT_EQUAL(hc_paths_length(all, 5), 3);
	CU_ASSERT_EQUAL(hc_paths_count(some), 3);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "the shortest path", test_shortest },
		{ "roots in order, by name", test_roots_in_order },
		{ "lost blocks", test_lost },
		{ "freed blocks, pointers into the middle", test_freed_and_interior },
		{ "a long list", test_long_list },
		{ "several paths", test_disjoint },
	};

	return unit_main("paths", cases, G_N_ELEMENTS(cases));
}
