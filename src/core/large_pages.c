/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is walked at random, in large pages.
 *
 * The core is mapped, by pages of 4 KiB as a rule: the processor then looks up where a page is nearly as often as what is in it, and half
 * of the time goes there. With pages of 2 MiB it does not.
 *
 *	the mapped core   |---------|=========|=========|=========|----...
 *	units of 2 MiB     as it was, the heap's: anonymous memory in large pages, with the same bytes at the same place
 *
 * (1) choose_units(): the units of the file of which heap is at least a half. Where the file has holes there is nothing to read.
 * (2) wake(): one page of each is asked for, in large pages. On file systems that keep files in such (tmpfs with huge=, ext4 and XFS of
 *     what is read or written by the megabyte) the kernel maps a whole unit at once; are_large() looks, and nothing more is done.
 * (3) Else copies are made, if there is room: all workers read units of the file into anonymous memory that takes the mapping's place.
 *     Pointers into the mapping stay true. A unit that cannot be read (the file was cut meanwhile, the disk fails) is mapped again.
 *
 * Copies take at most half of the memory that there is, and leave room for all of the core beside them: where memory is scarce, pages of
 * the file can go and come back, copies can't. A unit costs half a millisecond of a processor, and saves one at least. It costs ten
 * times that on a virtual machine whose free memory was given back to the host, which must find some first: after a few units of that
 * kind the rest stay as they are.
 */
#include "core/core_state.h"

#include "base/memory.h"
#include "base/pages.h"
#include "base/parallel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

#define UNIT ((uint64_t)HC_LARGE_PAGE)

enum {
	WORTHWHILE = 16, /* units: what is less than 32 MiB, the processor's table of pages nearly holds */
	LARGE_OF = 4,	 /* large enough are three units of four */
	DEAR_MAX = 4,	 /* so many dear ones in a row, and there will be more */
};

typedef struct file_extent {
	uint64_t start, end;
} file_extent;

/* ---- (1) which units ---- */

static int compare_extents(const void *a, const void *b)
{
	const file_extent *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Where RANGES, sorted and disjoint, lie in the file, sorted and disjoint too. */
static GArray *find_extents(const hc_core *core, const hc_range *ranges, unsigned count)
{
	GArray *extents = g_array_new(FALSE, FALSE, sizeof(file_extent));
	uint64_t end = 0;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = hc_core_mapping_after(core, ranges[i].start); j < core->mapping_count; j++) {
			const hc_mapping *mapping = &core->mappings[j];
			hc_address from = MAX(mapping->start, ranges[i].start), to = MIN(mapping->end, ranges[i].end);

			if (mapping->start >= ranges[i].end)
				break;
			if (mapping->source != HC_SOURCE_CORE || from >= to)
				continue;
			uint64_t offset = mapping->bytes - core->file + (from - mapping->start);
			file_extent extent = { offset, offset + (to - from) };

			g_array_append_val(extents, extent);
		}
	}
	g_array_sort(extents, compare_extents);
	for (unsigned i = 0; i < extents->len; i++) {
		file_extent *extent = &g_array_index(extents, file_extent, i);

		extent->start = MAX(extent->start, end);
		end = extent->end = MAX(extent->end, extent->start);
	}
	return extents;
}

/* The first byte from OFFSET on that is in no hole; END if there is none before. */
static uint64_t next_data(const hc_core *core, uint64_t offset, uint64_t end)
{
	off_t data = lseek(core->descriptor, (off_t)offset, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : offset; /* a file system that knows no holes */
	return MIN((uint64_t)data, end);
}

/* Where what begins at OFFSET, in no hole, goes over into one; END if not before. */
static uint64_t end_of_data(const hc_core *core, uint64_t offset, uint64_t end)
{
	off_t hole = lseek(core->descriptor, (off_t)offset, SEEK_HOLE);

	return hole > (off_t)offset ? MIN((uint64_t)hole, end) : end;
}

static void add_unit(GArray *units, const hc_core *core, uint64_t unit, uint64_t wanted)
{
	if (wanted >= UNIT / 2 && (unit + 1) * UNIT <= core->file_size)
		g_array_append_val(units, unit);
}

/* Numbers of units, ascending. A file's last one is left out if it is not whole: a mapping does not go on behind the file. */
static GArray *choose_units(const hc_core *core, const hc_range *ranges, unsigned count)
{
	g_autoptr(GArray) extents = find_extents(core, ranges, count);
	GArray *units = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t unit = 0, wanted = 0;

	for (unsigned i = 0; i < extents->len; i++) {
		uint64_t end = g_array_index(extents, file_extent, i).end;
		uint64_t at = g_array_index(extents, file_extent, i).start;

		while ((at = at < end ? next_data(core, at, end) : end) < end) {
			uint64_t until = MIN(end, (at / UNIT + 1) * UNIT);

			if (at / UNIT != unit) {
				add_unit(units, core, unit, wanted);
				unit = at / UNIT;
				wanted = 0;
			}
			wanted += until - at;
			at = until;
		}
	}
	add_unit(units, core, unit, wanted);
	return units;
}

/* ---- what all workers do ---- */

typedef struct unit_task {
	hc_core *core;
	const uint64_t *units;
	uint8_t *failed; /* for each unit */
	unsigned count;
	uint64_t dear_from; /* ns */
	int next;	    /* unit to do, atomically */
	int dear;	    /* atomically: copies that were dear, since the last one that was not */
	void (*work)(struct unit_task *task, unsigned index);
} unit_task;

static uint8_t *place_of(const unit_task *task, unsigned index)
{
	return (uint8_t *)task->core->file + task->units[index] * UNIT;
}

static void do_units(void *data, unsigned worker)
{
	unit_task *task = data;

	(void)worker;
	for (;;) {
		unsigned index = g_atomic_int_add(&task->next, 1);

		if (index >= task->count)
			return;
		task->work(task, index);
	}
}

static void run(unit_task *task, unsigned jobs, void (*work)(unit_task *task, unsigned index))
{
	task->work = work;
	task->next = 0;
	hc_parallel_run(MIN(hc_parallel_workers(jobs), task->count), do_units, task);
}

/* Whether the unit INDEX is the one behind that before it. */
static bool follows(const unit_task *task, unsigned index)
{
	return task->units[index] == task->units[index - 1] + 1;
}

/* Calls VISIT for each run of units that follow each other. */
static bool each_run(unit_task *task, bool (*visit)(hc_core *core, uint64_t offset, size_t size))
{
	for (unsigned i = 0, end; i < task->count; i = end) {
		for (end = i + 1; end < task->count && follows(task, end);)
			end++;
		if (!visit(task->core, task->units[i] * UNIT, (end - i) * UNIT))
			return false;
	}
	return true;
}

/* ---- (2) pages of the file that are large ---- */

static bool ask_for_large_pages(hc_core *core, uint64_t offset, size_t size)
{
	madvise((void *)(core->file + offset), size, MADV_HUGEPAGE);
	return true;
}

/* By madvise() and not by reading, which a disk error would answer with SIGBUS. */
static void touch(unit_task *task, unsigned index)
{
	madvise(place_of(task, index), 1, MADV_POPULATE_READ);
}

/* Bytes of the mapped core that are in large pages now (proc(5), smaps). */
static uint64_t bytes_in_large_pages(const hc_core *core)
{
	g_autofree char *smaps = NULL;
	guintptr first = (guintptr)core->file, start = 0, end;
	uint64_t bytes = 0, amount;

	if (!g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL))
		return 0;
	for (const char *line = smaps; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (g_ascii_isxdigit(*line) && sscanf(line, "%zx-%zx ", &start, &end) == 2)
			continue;
		if (start - first < core->file_size && (sscanf(line, "FilePmdMapped: %" SCNu64, &amount) == 1 ||
							       sscanf(line, "ShmemPmdMapped: %" SCNu64, &amount) == 1))
			bytes += amount * 1024;
	}
	return bytes;
}

static bool are_large(unit_task *task, unsigned jobs)
{
	each_run(task, ask_for_large_pages);
	run(task, jobs, touch);
	return bytes_in_large_pages(task->core) / UNIT >= task->count - task->count / LARGE_OF;
}

/* ---- (3) copies ---- */

static bool put_memory(hc_core *core, uint64_t offset, size_t size)
{
	void *place = (void *)(core->file + offset);

	if (mmap(place, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	madvise(place, size, MADV_HUGEPAGE);
	return true;
}

static bool put_file(hc_core *core, uint64_t offset, size_t size)
{
	void *place = (void *)(core->file + offset);

	return mmap(place, size, PROT_READ, MAP_SHARED | MAP_FIXED, core->descriptor, (off_t)offset) != MAP_FAILED;
}

static bool protect(hc_core *core, uint64_t offset, size_t size)
{
	return !mprotect((void *)(core->file + offset), size, PROT_READ);
}

static bool read_file(const hc_core *core, uint8_t *place, uint64_t offset, uint64_t end)
{
	while (offset < end) {
		ssize_t got = pread(core->descriptor, place, end - offset, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		place += got;
		offset += got;
	}
	return true;
}

static bool read_unit(const unit_task *task, unsigned index)
{
	uint64_t start = task->units[index] * UNIT, end = start + UNIT, until;
	uint8_t *place = place_of(task, index);

	for (uint64_t at = start; (at = next_data(task->core, at, end)) < end; at = until) {
		until = end_of_data(task->core, at, end);
		if (!read_file(task->core, place + (at - start), at, until))
			return false;
	}
	return true;
}

/* Nanoseconds that this thread has had a processor. Waiting for a disk, or for other programs, is not in it. */
static uint64_t time_of_thread(void)
{
	struct timespec time;

	return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) ? 0 : time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

static void copy_unit(unit_task *task, unsigned index)
{
	uint64_t start = time_of_thread();

	task->failed[index] = g_atomic_int_get(&task->dear) >= DEAR_MAX || !read_unit(task, index);
	if (task->failed[index])
		return;
	if (time_of_thread() - start > task->dear_from)
		g_atomic_int_inc(&task->dear);
	else if (g_atomic_int_get(&task->dear) < DEAR_MAX)
		g_atomic_int_set(&task->dear, 0);
}

/* Bytes that copies may take of AVAILABLE ones. */
static uint64_t room_for_copies(const hc_core *core, uint64_t available)
{
	return MIN(available / 2, available - MIN(available, core->file_size));
}

/* Behind the end of a file that was cut meanwhile there are no zeros but nothing. */
static void fail_what_was_cut(unit_task *task)
{
	off_t size = lseek(task->core->descriptor, 0, SEEK_END);

	for (unsigned i = 0; i < task->count; i++)
		task->failed[i] |= size < 0 || (task->units[i] + 1) * UNIT > (uint64_t)size;
}

static bool copy_units(unit_task *task, unsigned jobs)
{
	hc_core *core = task->core;
	g_autofree uint8_t *failed = g_new0(uint8_t, task->count);

	task->failed = failed;
	if (!each_run(task, put_memory))
		return each_run(task, put_file);
	run(task, jobs, copy_unit);
	fail_what_was_cut(task);
	for (unsigned i = 0, end; i < task->count; i = end) {
		for (end = i + 1; end < task->count && failed[end] == failed[i] && follows(task, end);)
			end++;
		if (!(failed[i] ? put_file : protect)(core, task->units[i] * UNIT, (end - i) * UNIT))
			return false;
		core->copied += failed[i] ? 0 : (end - i) * UNIT;
	}
	return true;
}

/* ---- all of it ---- */

/* "always [madvise] never": the word in brackets holds. */
static bool system_has_large_pages(void)
{
	g_autofree char *setting = NULL;

	return g_file_get_contents("/sys/kernel/mm/transparent_hugepage/enabled", &setting, NULL, NULL) &&
	       !strstr(setting, "[never]");
}

bool hc_core_enlarge_pages(
	hc_core *core, const hc_range *ranges, unsigned count, const hc_paging_options *options, GError **error)
{
	uint64_t wanted = 0, available;

	for (unsigned i = 0; i < count; i++)
		wanted += ranges[i].end - ranges[i].start;
	core->closers = hc_parallel_workers(options->jobs);
	if (wanted < WORTHWHILE * UNIT || (guintptr)core->file % UNIT || core->copied || !system_has_large_pages())
		return true;
	g_autoptr(GArray) units = choose_units(core, ranges, count);
	unit_task task = {
		.core = core,
		.units = (const uint64_t *)(void *)units->data,
		.count = units->len,
		.dear_from = options->dear,
	};

	available = hc_memory_available("/proc", "self");
	available = MIN(available, options->memory) / options->share;
	if (units->len < WORTHWHILE || available < core->file_size || are_large(&task, options->jobs))
		return true;
	task.count = MIN(units->len, room_for_copies(core, available) / UNIT);
	if (!task.count || copy_units(&task, options->jobs))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "%s: its place in memory was lost: %s", core->path,
		g_strerror(errno));
	return false;
}

uint64_t hc_core_copied_bytes(const hc_core *core)
{
	return core->copied;
}
