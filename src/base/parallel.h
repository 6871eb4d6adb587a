/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running one function on several threads. */
#pragma once

#include <glib.h>

enum {
	/* Bytes between what different threads write: else a line of the cache, or a pair of them, goes to and fro. */
	HC_APART = 128
};

/*
 * Calls WORK(data, worker) once for each worker from 0 to WORKERS - 1, each on a thread of its own (worker 0 on the
 * caller's), and returns when all are done. If a thread cannot be made its share runs on the caller's: WORK must be
 * such that any one worker can do all that is left.
 */
void hc_parallel_run(unsigned workers, void (*work)(void *data, unsigned worker), void *data);

/* JOBS, or the number of processors where JOBS is 0; at least 1, at most 64. */
unsigned hc_parallel_workers(unsigned jobs);
