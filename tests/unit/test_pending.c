/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks that wait to be searched: each comes once, those of one bucket together, however large the heap is. */
#include "references/pending.h"
#include "unit.h"

enum {
	ROUNDS = 60,
	STEPS = 20000,
	BUCKETS = 4096, /* at most */
};

/* Pushes and pops at random, and keeps a set of what waits. */
static void check(guint32 seed, uint64_t granules)
{
	g_autoptr(GRand) dice = g_rand_new_with_seed(seed);
	g_autoptr(GHashTable) waiting = g_hash_table_new(NULL, NULL);
	hc_pending pending;

	CU_ASSERT_TRUE(hc_pending_init(&pending, granules));
	CU_ASSERT_TRUE(pending.bucket_count <= BUCKETS + 1);
	CU_ASSERT_TRUE(granules >> pending.shift < pending.bucket_count);
	for (unsigned i = 0; i < STEPS || pending.count; i++) {
		bool is_full = i < STEPS && g_rand_int_range(dice, 0, 100) < 40 + (gint32)(i / 1000 % 2 * 40);

		CU_ASSERT_EQUAL(pending.count, g_hash_table_size(waiting));
		if (is_full) {
			uint64_t start = (((uint64_t)g_rand_int(dice) << 32 | g_rand_int(dice)) % granules) >>
					 seed % 20;

			if (g_hash_table_add(waiting, GSIZE_TO_POINTER(start + 1)))
				CU_ASSERT_TRUE(hc_pending_push(&pending, start));
		} else if (pending.count) {
			unsigned current = pending.current;
			bool has_more = pending.buckets[current] != NULL;
			uint64_t start = hc_pending_pop(&pending);

			CU_ASSERT_TRUE(g_hash_table_remove(waiting, GSIZE_TO_POINTER(start + 1)));
			CU_ASSERT_EQUAL(start >> pending.shift, pending.current);
			CU_ASSERT_TRUE(!has_more || pending.current == current);
		}
	}
	hc_pending_clear(&pending);
}

static void test_each_once(void)
{
	for (guint32 seed = 1; seed <= ROUNDS; seed++)
		check(seed, seed % 3 ? (uint64_t)1 << (10 + seed % 30) : 1 + (uint64_t)seed * 262144);
}

/* It goes round: none waits for ever while others come. */
static void test_turns(void)
{
	hc_pending pending;

	CU_ASSERT_TRUE(hc_pending_init(&pending, (uint64_t)100 << 18));
	for (uint64_t bucket = 100; bucket-- > 0;)
		CU_ASSERT_TRUE(hc_pending_push(&pending, bucket << pending.shift));
	for (uint64_t i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(hc_pending_pop(&pending), i << pending.shift);
	CU_ASSERT_TRUE(hc_pending_push(&pending, 5));
	hc_pending_turn(&pending);
	CU_ASSERT_EQUAL(pending.current, 0);
	CU_ASSERT_TRUE(hc_pending_push(&pending, (uint64_t)99 << pending.shift));
	hc_pending_turn(&pending);
	CU_ASSERT_EQUAL(pending.current, 99);
	CU_ASSERT_EQUAL(hc_pending_pop(&pending), (uint64_t)99 << pending.shift);
	CU_ASSERT_EQUAL(hc_pending_pop(&pending), 5);
	CU_ASSERT_EQUAL(pending.count, 0);
	hc_pending_clear(&pending);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "each once", test_each_once },
		{ "by turns", test_turns },
	};

	return unit_main("pending", cases, G_N_ELEMENTS(cases));
}
