/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parallel.h"

#include "base/thread.h"

enum {
	WORKERS_MAX = 64
};

struct share {
	void (*work)(void *data, unsigned worker);
	void *data;
	unsigned worker;
};

static gpointer run_share(gpointer data)
{
	struct share *share = data;

	share->work(share->data, share->worker);
	return NULL;
}

void hc_parallel_run(unsigned workers, void (*work)(void *data, unsigned worker), void *data)
{
	struct share shares[WORKERS_MAX];
	GThread *threads[WORKERS_MAX] = { NULL };

	workers = CLAMP(workers, 1, WORKERS_MAX);
	for (unsigned i = 1; i < workers; i++) {
		shares[i] = (struct share){ work, data, i };
		threads[i] = hc_thread_try_new("heapcore", run_share, &shares[i]);
	}
	work(data, 0);
	for (unsigned i = 1; i < workers; i++) {
		if (threads[i])
			g_thread_join(threads[i]);
		else
			work(data, i);
	}
}

unsigned hc_parallel_workers(unsigned jobs)
{
	return CLAMP(jobs ? jobs : g_get_num_processors(), 1, WORKERS_MAX);
}
