/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holes of the core file. Whoever writes a core seeks over pages that the process never touched, as the kernel, gdb and
 * heapcore do; arenas of garbage collectors, stacks and buffers are such for the most part. The file system knows where
 * (lseek(2), SEEK_DATA), and a hole reads as zeros. So a search for pointers may pass over it, and the system need not make
 * pages of zeros for us to look at.
 *
 * Where the file system knows nothing, or the file was copied without its holes, there are none. Short ones are not kept:
 * they save less than they cost in looking them up. A hole begins and ends at a multiple of ROUND in the file, so where
 * segments lie in it as they do in memory no word is partly in one.
 */
#include "core/core_state.h"

#include "base/bytes.h"
#include "base/partition.h"

#include <unistd.h>

enum {
	ROUND = 512,
	HOLE_MIN = 16 * 1024,
	HOLES_MAX = 1 << 16, /* the first ones; each takes two calls */
};

void hc_core_find_holes(hc_core *core)
{
	off_t at = 0, size = core->file_size;

	for (unsigned calls = 0; at < size && calls < HOLES_MAX; calls++) {
		off_t hole = lseek(core->descriptor, at, SEEK_HOLE), data;

		if (hole < at || hole >= size)
			return;
		data = lseek(core->descriptor, hole, SEEK_DATA);
		if (data <= hole)
			data = size; /* ENXIO: a hole up to the end */
		at = MIN(data, size);
		hc_range range = { hc_align_up(hole, ROUND), hc_align_down(at, ROUND) };

		if (at - hole >= HOLE_MIN)
			g_array_append_val(core->holes, range);
	}
}

bool hc_core_is_hole(const hc_core *core, const uint8_t *bytes, uint64_t size, uint64_t *ret_size)
{
	uint64_t offset = (uintptr_t)bytes - (uintptr_t)core->file;
	const hc_range *holes = (const hc_range *)(const void *)core->holes->data;
	unsigned count = core->holes->len;

	*ret_size = size;
	if (!core->file || offset >= core->file_size || offset % core->format.size)
		return false;
	unsigned next = HC_PARTITION_POINT(middle, 0u, count, holes[middle].end <= offset);

	if (next == count)
		return false;
	bool is_hole = holes[next].start <= offset;

	*ret_size = MIN(size, (is_hole ? holes[next].end : holes[next].start) - offset);
	return is_hole;
}

bool hc_core_is_zero(const hc_core *core, const uint8_t *bytes, uint64_t size)
{
	uint64_t part;

	for (; size; bytes += part, size -= part)
		if (!hc_core_is_hole(core, bytes, size, &part) && !hc_bytes_are_zero(bytes, part))
			return false;
	return true;
}
