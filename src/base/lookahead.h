/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tasks that are wanted in their order by one thread, and made ahead by others.
 *
 *	consumer	wait(0) release(1) wait(1) release(2) ...	makes what nobody has begun with itself
 *	helpers		make(0), make(1), ...			at most WINDOW tasks ahead of what was released
 *
 * What a task makes must not depend on who makes it, nor when: then the consumer's result is the same with any number of workers. While
 * the consumer is busy with one task's result it may begin another row of tasks; helpers take from that one first.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hc_lookahead hc_lookahead;

/* A row of tasks: the caller's. The first five are told by him. */
typedef struct hc_task_row {
	void (*make)(void *data, unsigned worker,
		uint64_t index);       /* WORKER: below the number of workers; 0 is the consumer */
	bool (*may_go_on)(void *data); /* NULL, or FALSE: helpers wait until something is released */
	void *data;
	uint64_t count, window; /* tasks; those that may be made, or being made, and not yet released: at most 64 */
	uint64_t next, released;
	uint64_t made, being_made; /* bits, by the number modulo 64 */
} hc_task_row;

/* WORKERS - 1 helpers, which start when there is something to do. NULL for one worker: then the consumer makes all of it. */
hc_lookahead *hc_lookahead_create(unsigned workers);
void hc_lookahead_destroy(hc_lookahead *lookahead);

/* From now on until the end of ROW helpers work on it. FALSE: there are too many rows within each other; it must not be ended then. */
bool hc_lookahead_begin(hc_lookahead *lookahead, hc_task_row *row);
void hc_lookahead_end(hc_lookahead *lookahead, hc_task_row *row);

/* Returns when task INDEX is made; it must not have been released. */
void hc_lookahead_wait(hc_lookahead *lookahead, hc_task_row *row, uint64_t index);

/* The results of all tasks before INDEX are not wanted any more, and nobody is making one of them. */
void hc_lookahead_release(hc_lookahead *lookahead, hc_task_row *row, uint64_t index);
