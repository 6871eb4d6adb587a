/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * types/owned_blocks.c, against an iterator over all blocks that asks each block's owner: with owners at random, and with visits that give away
 * blocks further on, to owners that were there and to new ones.
 */
#include "test_process.h"
#include "unit.h"

#include "propagation/owned_blocks.h"

#include <string.h>

enum {
	BLOCKS = 3000,
	OWNERS = 40,
	HEAP = 0x80000
};

/* What a pass needs of the types: blocks, and whose they are. */
static hc_types make_types(const hc_blocks *blocks)
{
	hc_types types = { .blocks = blocks, .owners = hc_owners_create() };

	for (unsigned i = 0; i < OWNERS; i++)
		hc_owners_add(types.owners, NULL, HC_STEP_SWEPT, NULL, NULL,
			i % 4 == 1 ? HC_CERTAINTY_UNKNOWN : HC_CERTAINTY_CERTAIN);
	types.owner_of = g_new0(uint32_t, blocks->count);
	return types;
}

static void clear_types(hc_types *types)
{
	hc_owners_destroy(types->owners);
	g_free(types->owner_of);
}

static bool is_unknown(const hc_owner *owner)
{
	return owner->certainty == HC_CERTAINTY_UNKNOWN;
}

/* Nobody's blocks are few, or half of all. */
static void give_at_random(hc_types *types, GRand *random, bool many_nobodys)
{
	for (uint32_t i = 0; i < types->blocks->count; i++)
		types->owner_of[i] =
			types->blocks->states[i] != HC_BLOCK_IN_USE ? HC_OWNER_CLOSED :
			many_nobodys && g_rand_boolean(random)	    ? 0 :
								      (uint32_t)g_rand_int_range(random, 0, OWNERS + 1);
}

/* A visit: sometimes a block further on becomes somebody else's, who may be new. */
static void change_something(hc_types *types, GRand *random, uint32_t number)
{
	uint32_t count = types->blocks->count, owner;

	if (g_rand_int_range(random, 0, 3) || number + 1 >= count)
		return;
	owner = (uint32_t)g_rand_int_range(random, 1, (int)types->owners->list->len + 1);
	if (owner == types->owners->list->len)
		hc_owners_add(types->owners, NULL, HC_STEP_SWEPT, NULL, NULL,
			g_rand_boolean(random) ? HC_CERTAINTY_UNKNOWN : HC_CERTAINTY_CERTAIN);
	number = (uint32_t)g_rand_int_range(random, (int)number + 1, (int)count);
	if (types->owner_of[number] != HC_OWNER_CLOSED)
		types->owner_of[number] = owner;
}

/* The definition: every block in use, by who has it when its turn comes. */
static bool is_wanted(const hc_types *types, const hc_block *block, bool wants_nobodys)
{
	uint32_t owner = types->owner_of[block->number];

	if (block->state != HC_BLOCK_IN_USE || owner == HC_OWNER_CLOSED)
		return false;
	return owner ? is_unknown(hc_types_owner(types, owner)) : wants_nobodys;
}

static GArray *visit_all(hc_types *types, GRand *random, bool wants_nobodys)
{
	GArray *visited = g_array_new(FALSE, FALSE, sizeof(hc_block));
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, types->blocks);
	while (hc_block_iterator_next(&iterator, &block))
		if (is_wanted(types, &block, wants_nobodys)) {
			g_array_append_val(visited, block);
			change_something(types, random, block.number);
		}
	return visited;
}

static GArray *visit_owned(hc_types *types, GRand *random, bool wants_nobodys)
{
	GArray *visited = g_array_new(FALSE, FALSE, sizeof(hc_block));
	hc_owned_blocks owned;
	hc_block block;

	hc_owned_blocks_begin(&owned, types, is_unknown, wants_nobodys);
	while (hc_owned_blocks_next(&owned, &block))
		if (is_wanted(types, &block, wants_nobodys)) {
			g_array_append_val(visited, block);
			change_something(types, random, block.number);
		}
	hc_owned_blocks_end(&owned);
	return visited;
}

static bool are_equal(const hc_block *a, const hc_block *b)
{
	return a->number == b->number && a->address == b->address && a->size == b->size && a->state == b->state &&
	       a->label == b->label;
}

static void compare(const hc_blocks *blocks, unsigned seed, bool many_nobodys, bool wants_nobodys)
{
	GArray *visited[2];

	for (unsigned i = 0; i < 2; i++) {
		hc_types types = make_types(blocks);
		GRand *random = g_rand_new_with_seed(seed);

		give_at_random(&types, random, many_nobodys);
		visited[i] = (i ? visit_owned : visit_all)(&types, random, wants_nobodys);
		g_rand_free(random);
		clear_types(&types);
	}
	CU_ASSERT_EQUAL(visited[0]->len, visited[1]->len);
	for (unsigned i = 0; i < MIN(visited[0]->len, visited[1]->len); i++)
		CU_ASSERT(are_equal(&g_array_index(visited[0], hc_block, i), &g_array_index(visited[1], hc_block, i)));
	CU_ASSERT(visited[0]->len > BLOCKS / 16);
	g_array_unref(visited[0]);
	g_array_unref(visited[1]);
}

/* Blocks of several sizes, every fifth one free. */
static test_process start(void)
{
	test_process f = process_start("2.36", HEAP, HEAP);

	for (unsigned i = 0; i < BLOCKS; i++) {
		hc_address address = heap_malloc(f.heap, 0, 24 + i % 7 * 16);

		if (i % 5 == 4)
			heap_free_to_bin(f.heap, address, HEAP_UNSORTED);
	}
	return f;
}

static void test_same_blocks(void)
{
	g_auto(test_process) f = start();

	if (!process_run_blocks(&f, 1))
		return;
	for (unsigned seed = 0; seed < 20; seed++)
		for (unsigned i = 0; i < 4; i++)
			compare(f.stages.blocks, seed, i & 1, i & 2);
}

static bool is_nobody(const hc_owner *owner)
{
	return !owner;
}

static void test_none_wanted(void)
{
	g_auto(test_process) f = start();
	hc_owned_blocks owned;
	hc_block block;

	if (!process_run_blocks(&f, 1))
		return;
	hc_types types = make_types(f.stages.blocks);

	hc_owned_blocks_begin(&owned, &types, is_nobody, false);
	CU_ASSERT_FALSE(hc_owned_blocks_next(&owned, &block));
	CU_ASSERT_FALSE(hc_owned_blocks_next(&owned, &block));
	hc_owned_blocks_end(&owned);
	clear_types(&types);
}

int main(void)
{
	const unit_case cases[] = {
		{ "the same blocks as one after the other", test_same_blocks },
		{ "where nobody is wanted no block is", test_none_wanted },
	};

	return unit_main("owned blocks", cases, G_N_ELEMENTS(cases));
}
