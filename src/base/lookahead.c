/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/lookahead.h"

#include "base/thread.h"

enum {
	ROWS_MAX = 6, /* within each other */
	HELPERS_MAX = 63
};

struct hc_lookahead {
	GMutex lock;
	GCond changed; /* there may be something to take, or something was made */
	hc_task_row *rows[ROWS_MAX];
	unsigned row_count, workers, helper_count;
	unsigned waiting; /* threads that wait for `changed` */
	bool ends;
	GThread *helpers[HELPERS_MAX];
};

struct helper {
	hc_lookahead *lookahead;
	unsigned worker;
};

static uint64_t bit_of(uint64_t index)
{
	return (uint64_t)1 << index % 64;
}

static bool can_take(const hc_task_row *row)
{
	return row->next < row->count && row->next < row->released + row->window &&
	       (!row->may_go_on || row->may_go_on(row->data));
}

/* The lock is held before and after, not meanwhile. */
static void wait_for_change(hc_lookahead *lookahead)
{
	lookahead->waiting++;
	g_cond_wait(&lookahead->changed, &lookahead->lock);
	lookahead->waiting--;
}

/* The lock is held. GLib calls the system even if nobody waits. */
static void tell_change(hc_lookahead *lookahead)
{
	if (lookahead->waiting)
		g_cond_broadcast(&lookahead->changed);
}

/*
 * Whether it pays to wake those who have found ROW's window full: once half of it is free. To wake one for each task takes as long as to
 * make a small one. Nobody waits in vain, for what no helper has begun with the consumer makes.
 */
static bool has_much_room(const hc_task_row *row)
{
	return row->released + row->window - row->next >= row->window / 2;
}

/* Makes task INDEX. The lock is held before and after, not meanwhile. */
static void make(hc_lookahead *lookahead, hc_task_row *row, unsigned worker, uint64_t index)
{
	row->being_made |= bit_of(index);
	g_mutex_unlock(&lookahead->lock);
	row->make(row->data, worker, index);
	g_mutex_lock(&lookahead->lock);
	row->being_made &= ~bit_of(index);
	row->made |= bit_of(index);
	tell_change(lookahead);
}

/* The innermost row that has something to take, or NULL. */
static hc_task_row *find_row(hc_lookahead *lookahead)
{
	for (unsigned i = lookahead->row_count; i-- > 0;)
		if (can_take(lookahead->rows[i]))
			return lookahead->rows[i];
	return NULL;
}

static gpointer help(gpointer data)
{
	struct helper *helper = data;
	hc_lookahead *lookahead = helper->lookahead;

	g_mutex_lock(&lookahead->lock);
	while (!lookahead->ends) {
		hc_task_row *row = find_row(lookahead);

		if (row)
			make(lookahead, row, helper->worker, row->next++);
		else
			wait_for_change(lookahead);
	}
	g_mutex_unlock(&lookahead->lock);
	g_free(helper);
	return NULL;
}

hc_lookahead *hc_lookahead_create(unsigned workers)
{
	if (workers < 2)
		return NULL;
	hc_lookahead *lookahead = g_new0(hc_lookahead, 1);

	g_mutex_init(&lookahead->lock);
	g_cond_init(&lookahead->changed);
	lookahead->workers = MIN(workers, HELPERS_MAX + 1);
	return lookahead;
}

void hc_lookahead_destroy(hc_lookahead *lookahead)
{
	if (!lookahead)
		return;
	g_mutex_lock(&lookahead->lock);
	lookahead->ends = true;
	tell_change(lookahead);
	g_mutex_unlock(&lookahead->lock);
	for (unsigned i = 0; i < lookahead->helper_count; i++)
		g_thread_join(lookahead->helpers[i]);
	g_mutex_clear(&lookahead->lock);
	g_cond_clear(&lookahead->changed);
	g_free(lookahead);
}

/* Threads that cannot be made are not missed: the consumer makes what nobody has begun with. */
static void start_helpers(hc_lookahead *lookahead)
{
	while (lookahead->helper_count + 1 < lookahead->workers) {
		struct helper *helper = g_new0(struct helper, 1);
		GThread *thread;

		*helper = (struct helper){ lookahead, lookahead->helper_count + 1 };
		thread = hc_thread_try_new("heapcore", help, helper);
		if (!thread) {
			g_free(helper);
			lookahead->workers = lookahead->helper_count + 1;
			return;
		}
		lookahead->helpers[lookahead->helper_count++] = thread;
	}
}

bool hc_lookahead_begin(hc_lookahead *lookahead, hc_task_row *row)
{
	bool ok = true;

	row->next = row->released = 0;
	row->made = row->being_made = 0;
	if (!lookahead)
		return true;
	g_mutex_lock(&lookahead->lock);
	ok = lookahead->row_count < ROWS_MAX;
	if (ok)
		lookahead->rows[lookahead->row_count++] = row;
	tell_change(lookahead);
	g_mutex_unlock(&lookahead->lock);
	if (ok)
		start_helpers(lookahead);
	return ok;
}

void hc_lookahead_end(hc_lookahead *lookahead, hc_task_row *row)
{
	if (!lookahead)
		return;
	g_mutex_lock(&lookahead->lock);
	row->next = row->count;
	while (row->being_made)
		wait_for_change(lookahead);
	lookahead->row_count--;
	g_mutex_unlock(&lookahead->lock);
}

/* Nobody has begun with task INDEX: the caller makes it. */
static void make_own(hc_lookahead *lookahead, hc_task_row *row, uint64_t index)
{
	row->next = index + 1;
	make(lookahead, row, 0, index);
}

void hc_lookahead_wait(hc_lookahead *lookahead, hc_task_row *row, uint64_t index)
{
	if (!lookahead) {
		if (!(row->made & bit_of(index)) || row->next <= index)
			row->make(row->data, 0, index);
		row->made |= bit_of(index);
		row->next = MAX(row->next, index + 1);
		return;
	}
	g_mutex_lock(&lookahead->lock);
	while (row->next <= index || row->being_made & bit_of(index)) {
		if (row->next <= index)
			make_own(lookahead, row, index);
		else if (can_take(row))
			make(lookahead, row, 0, row->next++);
		else
			wait_for_change(lookahead);
	}
	g_mutex_unlock(&lookahead->lock);
}

void hc_lookahead_release(hc_lookahead *lookahead, hc_task_row *row, uint64_t index)
{
	uint64_t gone = 0;

	for (uint64_t i = row->released; i < index && i < row->released + 64; i++)
		gone |= bit_of(i);
	if (!lookahead) {
		row->made &= ~gone;
		row->released = MAX(row->released, index);
		return;
	}
	g_mutex_lock(&lookahead->lock);
	row->next = MAX(row->next, index);
	while (row->being_made & gone)
		wait_for_change(lookahead);
	row->made &= ~gone;
	row->released = MAX(row->released, index);
	if (has_much_room(row))
		tell_change(lookahead);
	g_mutex_unlock(&lookahead->lock);
}
