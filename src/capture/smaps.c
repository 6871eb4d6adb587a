/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of each mapping in /proc/PID/smaps the core is to hold: what the kernel dumps by default (core(5), coredump_filter 0x33), but
 * also private file mappings that may be written, as gdb does. Address space that was only reserved is in the headers alone: a
 * process may have terabytes of it.
 */
#include "capture/capture_parts.h"

#include <string.h>

enum {
	PAGE = 4096,
	THREAD_NOTES = 64 << 10,
	UNTOUCHED_LIMIT = 1 << 30, /* nothing in memory, and as large: address space, even if it may be written */
};

static bool is_memory_file(const char *path)
{
	return g_str_has_prefix(path, "/dev/zero") || g_str_has_prefix(path, "/SYSV") ||
	       g_str_has_prefix(path, "/memfd:") || g_str_has_prefix(path, "/anon_hugepage");
}

hc_dump_kind hc_smaps_dump_kind(const hc_smaps_entry *entry, bool heap_only)
{
	bool has_memory = entry->resident || entry->swapped, is_file = entry->inode != 0;

	if (!strcmp(entry->path, "[vdso]"))
		return HC_DUMP_ALL;
	if (entry->excluded || g_str_has_prefix(entry->path, "[vvar") || !strcmp(entry->path, "[vsyscall]"))
		return HC_DUMP_NOTHING;
	if (entry->shared) {
		/* Other processes may have put pages there that this one has not looked at. */
		return is_memory_file(entry->path) && has_memory && !heap_only ? HC_DUMP_ALL : HC_DUMP_NOTHING;
	}
	if (is_file && !is_memory_file(entry->path)) {
		if (entry->anonymous || entry->swapped || (entry->writable && entry->readable && !heap_only))
			return HC_DUMP_ALL;
		return entry->readable && !entry->offset ? HC_DUMP_HEADER : HC_DUMP_NOTHING;
	}
	if (!has_memory && (!entry->writable || entry->end - entry->start >= UNTOUCHED_LIMIT))
		return HC_DUMP_NOTHING;
	return HC_DUMP_PRESENT;
}

uint64_t hc_smaps_estimate(GArray *entries, unsigned threads, bool heap_only)
{
	uint64_t bytes = (uint64_t)threads * THREAD_NOTES;

	for (unsigned i = 0; i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);

		bytes += PAGE;
		switch (hc_smaps_dump_kind(entry, heap_only)) {
		case HC_DUMP_ALL:
			bytes += entry->end - entry->start;
			break;
		case HC_DUMP_PRESENT:
			bytes += MIN(entry->resident + entry->swapped, entry->end - entry->start);
			break;
		case HC_DUMP_HEADER:
			bytes += PAGE;
			break;
		case HC_DUMP_NOTHING:
			break;
		}
	}
	return bytes;
}
