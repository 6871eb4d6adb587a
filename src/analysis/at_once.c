/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many cores may be analysed at the same time?
 *
 * An analysis has parts that only one thread can do: it reads debug info, it follows one chain. So two of them, side by side on half of the
 * threads each, are done sooner than one after the other: unless one is so much larger that the other's threads would have nothing to do for
 * most of the time, or both would not fit into memory.
 */
#include "analysis/analysis.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <sys/stat.h>

enum {
	AT_ONCE = 2
};

/* Bytes of the file that are on disk: a core has holes. A folder, a capture's, is asked for what is in it. */
static uint64_t size_on_disk(const char *path)
{
	g_autofree char *core = hc_core_find_file(path);
	struct stat status;

	return stat(core, &status) ? 0 : (uint64_t)status.st_blocks * 512;
}

unsigned hc_at_once_of_sizes(const uint64_t *sizes, size_t count, unsigned workers, uint64_t available)
{
	uint64_t all = 0, largest = 0, second = 0;

	for (size_t i = 0; i < count; i++) {
		all += sizes[i];
		second = MAX(second, MIN(sizes[i], largest));
		largest = MAX(largest, sizes[i]);
	}
	if (count < AT_ONCE || workers < AT_ONCE || all - largest < largest / 4 * 3)
		return 1;
	/* The pages of both, and as much again for tables and copies. */
	return largest + second > available / 2 ? 1 : AT_ONCE;
}

unsigned hc_analyses_at_once(const char *const *cores, size_t count, const hc_analysis_options *options)
{
	static const hc_analysis_options defaults = { 0 };
	g_autofree uint64_t *sizes = g_new(uint64_t, count + 1);
	uint64_t available = hc_memory_available("/proc", "self");

	options = options ? options : &defaults;
	for (size_t i = 0; i < count; i++)
		sizes[i] = size_on_disk(cores[i]);
	if (options->memory)
		available = MIN(available, options->memory);
	return hc_at_once_of_sizes(sizes, count, hc_parallel_workers(options->jobs), available);
}
