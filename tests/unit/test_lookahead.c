/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/lookahead: each task is made once, no farther ahead than it may be, and the consumer has them in order. */
#include "base/lookahead.h"
#include "unit.h"

enum {
	TASKS = 500,
	WINDOW = 8,
	INNER = 20
};

typedef struct tasks {
	unsigned made[TASKS], results[WINDOW];
	unsigned released; /* by the consumer: atomic */
	unsigned too_far, workers;
	bool waits; /* nothing may be made ahead */
} tasks;

static unsigned result_of(uint64_t index)
{
	return (unsigned)(index * 2654435761u);
}

static void make(void *data, unsigned worker, uint64_t index)
{
	tasks *t = data;

	__atomic_add_fetch(&t->made[index], 1, __ATOMIC_RELAXED);
	if (index >= __atomic_load_n(&t->released, __ATOMIC_SEQ_CST) + WINDOW || worker >= t->workers)
		__atomic_add_fetch(&t->too_far, 1, __ATOMIC_RELAXED);
	if (index % 7 == 0)
		g_usleep(200);
	t->results[index % WINDOW] = result_of(index);
}

static bool never(void *data)
{
	(void)data;
	return false;
}

static void inner(hc_lookahead *lookahead, unsigned workers)
{
	g_autofree tasks *t = g_new0(tasks, 1);
	hc_task_row row = { .make = make, .data = t, .count = INNER, .window = WINDOW };
	unsigned wrong = 0;

	t->workers = workers;
	CU_ASSERT_TRUE(hc_lookahead_begin(lookahead, &row));
	for (unsigned i = 0; i < INNER; i++) {
		/* So much is made at once by whoever asks for it. */
		__atomic_store_n(&t->released, i, __ATOMIC_SEQ_CST);
		hc_lookahead_release(lookahead, &row, i);
		hc_lookahead_wait(lookahead, &row, i);
		wrong += t->results[i % WINDOW] != result_of(i);
	}
	hc_lookahead_end(lookahead, &row);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(t->too_far, 0);
}

/* Every STEP-th task is wanted; the others only if somebody made them ahead. */
static void run(unsigned workers, unsigned step, bool waits)
{
	g_autofree tasks *t = g_new0(tasks, 1);
	hc_lookahead *lookahead = hc_lookahead_create(workers);
	hc_task_row row = { .make = make, .data = t, .count = TASKS, .window = WINDOW };
	unsigned wrong = 0;

	t->workers = workers;
	row.may_go_on = waits ? never : NULL;
	CU_ASSERT_TRUE(hc_lookahead_begin(lookahead, &row));
	for (unsigned i = 0; i < TASKS; i += step) {
		__atomic_store_n(&t->released, i, __ATOMIC_SEQ_CST);
		hc_lookahead_release(lookahead, &row, i);
		hc_lookahead_wait(lookahead, &row, i);
		wrong += t->results[i % WINDOW] != result_of(i) || t->made[i] != 1;
		if (i % 100 == 0)
			inner(lookahead, workers);
	}
	hc_lookahead_end(lookahead, &row);
	hc_lookahead_destroy(lookahead);
	for (unsigned i = 0; i < TASKS; i++)
		wrong += i % step ? t->made[i] > (waits || workers == 1 ? 0 : 1) : t->made[i] != 1;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(t->too_far, 0);
}

static void each_is_made_once(void)
{
	for (unsigned workers = 1; workers <= 5; workers++)
		run(workers, 1, false);
}

static void some_are_skipped(void)
{
	for (unsigned workers = 1; workers <= 5; workers++)
		run(workers, 3, false);
}

static void helpers_may_have_to_wait(void)
{
	for (unsigned workers = 1; workers <= 3; workers++)
		run(workers, 1, true);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "each task is made once, whoever makes it", each_is_made_once },
		{ "tasks that nobody wants are skipped", some_are_skipped },
		{ "the consumer makes all where helpers have to wait", helpers_may_have_to_wait },
	};

	return unit_main("lookahead", cases, G_N_ELEMENTS(cases));
}
