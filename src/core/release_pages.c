/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving the mapping's pages back. What munmap() does alone takes as long as reading a part of the core: each page that was touched is
 * counted off its file. So it is shared out before.
 */
#include "core/core_state.h"

#include "base/parallel.h"

#include <sys/mman.h>

enum {
	SLICE = 32 << 20 /* bytes */
};

typedef struct release_task {
	const hc_core *core;
	uint64_t next; /* byte, atomically */
} release_task;

static void release(void *data, unsigned worker)
{
	release_task *task = data;
	uint64_t at;

	(void)worker;
	while ((at = __atomic_fetch_add(&task->next, SLICE, __ATOMIC_RELAXED)) < task->core->file_size)
		madvise((void *)(task->core->file + at), MIN(SLICE, task->core->room - at), MADV_DONTNEED);
}

void hc_core_release_pages(hc_core *core)
{
	release_task task = { .core = core };
	unsigned workers = MIN(core->closers, core->file_size / SLICE);

	if (workers > 1)
		hc_parallel_run(workers, release, &task);
}
