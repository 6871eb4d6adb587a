/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks that wait to be searched: each comes once, those of one bucket together and in order, however large the heap is. */
#include "references/pending.h"
#include "unit.h"

enum {
	ROUNDS = 60,
	STEPS = 20000,
	BUCKETS = 4096, /* at most */
	GIVE_EVERY = 500,
	GIVE_MAX = 300,
};

static void take(GHashTable *waiting, uint64_t start)
{
	CU_ASSERT_TRUE(g_hash_table_remove(waiting, GSIZE_TO_POINTER(start + 1)));
}

/* Whether none of what waits is in BUCKET. */
static bool is_empty(GHashTable *waiting, unsigned bucket, unsigned shift)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, waiting);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if ((GPOINTER_TO_SIZE(key) - 1) >> shift == bucket)
			return false;
	return true;
}

static void give(hc_pending *pending, GHashTable *waiting, unsigned room)
{
	uint64_t starts[GIVE_MAX], before = pending->count;
	unsigned given = hc_pending_give(pending, starts, room);

	CU_ASSERT_EQUAL(given, MIN(before, room));
	for (unsigned i = 0; i < given; i++)
		take(waiting, starts[i]);
}

/* Pushes, pops and gives away at random, and keeps a set of what waits. */
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
			unsigned before = pending.current;
			uint64_t start = hc_pending_pop(&pending);

			take(waiting, start);
			CU_ASSERT_EQUAL(start >> pending.shift, pending.current);
			if (i % 16 == 0 && pending.current != before)
				CU_ASSERT_TRUE(is_empty(waiting, before, pending.shift));
		}
		if (i % GIVE_EVERY == 0)
			give(&pending, waiting, 1 + g_rand_int_range(dice, 0, GIVE_MAX));
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
	CU_ASSERT_TRUE(hc_pending_push(&pending, (uint64_t)99 << pending.shift | 7));
	CU_ASSERT_EQUAL(hc_pending_pop(&pending), (uint64_t)99 << pending.shift | 7);
	CU_ASSERT_EQUAL(hc_pending_pop(&pending), 5);
	CU_ASSERT_EQUAL(pending.count, 0);
	hc_pending_clear(&pending);
}

/* Those of one bucket come as they lie. What comes late, in front of the one at hand, waits until it goes round. */
static void test_order(void)
{
	static const uint64_t places[] = { 262143, 5, 4096, 63, 64, 200000, 4095 },
			      sorted[] = { 5, 63, 64, 4095, 4096, 200000, 262143 };

	for (unsigned first = 0; first < 2; first++) {
		uint64_t bucket = first ? 0 : (uint64_t)3 << 18;
		hc_pending pending;

		/* As bits at once, and as a list before that. */
		CU_ASSERT_TRUE(hc_pending_init(&pending, (uint64_t)8 << 18));
		for (unsigned i = 0; i < G_N_ELEMENTS(places); i++)
			CU_ASSERT_TRUE(hc_pending_push(&pending, bucket + places[i]));
		for (unsigned i = 0; i < G_N_ELEMENTS(sorted); i++) {
			CU_ASSERT_EQUAL(hc_pending_pop(&pending), bucket + sorted[i]);
			if (sorted[i] == 4096)
				CU_ASSERT_TRUE(hc_pending_push(&pending, bucket + 100));
		}
		CU_ASSERT_EQUAL(hc_pending_pop(&pending), bucket + 100);
		CU_ASSERT_EQUAL(pending.count, 0);
		hc_pending_clear(&pending);
	}
}

/* Others than those at hand are given away first. */
static void test_giving(void)
{
	hc_pending pending;
	uint64_t starts[3];

	CU_ASSERT_TRUE(hc_pending_init(&pending, (uint64_t)8 << 18));
	CU_ASSERT_EQUAL(hc_pending_give(&pending, starts, 3), 0);
	CU_ASSERT_TRUE(hc_pending_push(&pending, 1));
	CU_ASSERT_TRUE(hc_pending_push(&pending, 2));
	CU_ASSERT_TRUE(hc_pending_push(&pending, (uint64_t)5 << 18));
	CU_ASSERT_EQUAL(hc_pending_give(&pending, starts, 1), 1);
	CU_ASSERT_EQUAL(starts[0], (uint64_t)5 << 18);
	CU_ASSERT_EQUAL(hc_pending_give(&pending, starts, 3), 2);
	CU_ASSERT_EQUAL(starts[0] + starts[1], 3);
	CU_ASSERT_EQUAL(pending.count, 0);
	hc_pending_clear(&pending);
}

/* What waits already comes once, as a bit or in a list. */
static void test_twice(void)
{
	hc_pending pending;

	CU_ASSERT_TRUE(hc_pending_init(&pending, (uint64_t)8 << 18));
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(hc_pending_push(&pending, 70));
		CU_ASSERT_TRUE(hc_pending_push(&pending, (uint64_t)5 << 18));
	}
	CU_ASSERT_EQUAL(hc_pending_pop(&pending), 70);
	CU_ASSERT_EQUAL(hc_pending_pop(&pending), (uint64_t)5 << 18);
	CU_ASSERT_EQUAL(pending.count, 0);
	hc_pending_clear(&pending);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "each once", test_each_once },
		{ "by turns", test_turns },
		{ "in order", test_order },
		{ "giving away", test_giving },
		{ "what comes twice", test_twice },
	};

	return unit_main("pending", cases, G_N_ELEMENTS(cases));
}
