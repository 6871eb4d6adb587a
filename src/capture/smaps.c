/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/PID/smaps (proc(5)), and what of each mapping the core is to hold: what the kernel dumps by default (core(5), coredump_filter
 * 0x33), but also private file mappings that may be written, as gdb does. Address space that was only reserved is in the headers
 * alone: a process may have terabytes of it.
 */
#include "capture/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	PAGE = 4096,
	THREAD_NOTES = 64 << 10,
	UNTOUCHED_LIMIT = 1 << 30, /* nothing in memory, and as large: address space, even if it may be written */
};

static void clear_entry(void *data)
{
	g_free(((hc_smaps_entry *)data)->path);
}

/* "7f1c000-7f1d000 rw-p 00000000 fd:01 1234    /path". FALSE if LINE is no such line. */
static bool parse_mapping(const char *line, hc_smaps_entry *ret_entry)
{
	char permissions[5];
	int path = -1;
	hc_smaps_entry entry = { 0 };

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64 " %n", &entry.start, &entry.end,
		    permissions, &entry.offset, &entry.inode, &path) != 5 ||
		path < 0 || entry.end <= entry.start || strlen(permissions) != 4)
		return false;
	entry.readable = permissions[0] == 'r';
	entry.writable = permissions[1] == 'w';
	entry.executable = permissions[2] == 'x';
	entry.shared = permissions[3] == 's';
	entry.path = g_strdup(line + path);
	*ret_entry = entry;
	return true;
}

/* "Rss:    12 kB", "VmFlags: rd wr mr ...". */
static void parse_field(const char *line, hc_smaps_entry *entry)
{
	const struct {
		const char *key;
		uint64_t *number;
	} fields[] = {
		{ "Rss:", &entry->resident },
		{ "Pss:", &entry->proportional },
		{ "Swap:", &entry->swapped },
		{ "Anonymous:", &entry->anonymous },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (!g_str_has_prefix(line, fields[i].key))
			continue;
		*fields[i].number = MIN(g_ascii_strtoull(line + strlen(fields[i].key), NULL, 10), UINT64_MAX >> 11)
				    << 10;
		return;
	}
	if (g_str_has_prefix(line, "VmFlags:"))
		entry->excluded = strstr(line, " dd") || strstr(line, " io") || strstr(line, " pf");
}

GArray *hc_smaps_parse(const char *text)
{
	GArray *entries = g_array_new(FALSE, FALSE, sizeof(hc_smaps_entry));

	g_array_set_clear_func(entries, clear_entry);
	while (*text) {
		const char *end = strchrnul(text, '\n');
		g_autofree char *line = g_strndup(text, end - text);
		hc_smaps_entry entry;

		if (parse_mapping(line, &entry))
			g_array_append_val(entries, entry);
		else if (entries->len)
			parse_field(line, &g_array_index(entries, hc_smaps_entry, entries->len - 1));
		text = *end ? end + 1 : end;
	}
	return entries;
}

static bool is_memory_file(const char *path)
{
	return g_str_has_prefix(path, "/dev/zero") || g_str_has_prefix(path, "/SYSV") ||
	       g_str_has_prefix(path, "/memfd:") || g_str_has_prefix(path, "/anon_hugepage");
}

hc_dump_kind hc_smaps_dump_kind(const hc_smaps_entry *entry)
{
	bool has_memory = entry->resident || entry->swapped, is_file = entry->inode != 0;

	if (!strcmp(entry->path, "[vdso]"))
		return HC_DUMP_ALL;
	if (entry->excluded || g_str_has_prefix(entry->path, "[vvar") || !strcmp(entry->path, "[vsyscall]"))
		return HC_DUMP_NOTHING;
	if (entry->shared) {
		/* Other processes may have put pages there that this one has not looked at. */
		return is_memory_file(entry->path) && has_memory ? HC_DUMP_ALL : HC_DUMP_NOTHING;
	}
	if (is_file && !is_memory_file(entry->path)) {
		if (entry->anonymous || entry->swapped || (entry->writable && entry->readable))
			return HC_DUMP_ALL;
		return entry->readable && !entry->offset ? HC_DUMP_HEADER : HC_DUMP_NOTHING;
	}
	if (!has_memory && (!entry->writable || entry->end - entry->start >= UNTOUCHED_LIMIT))
		return HC_DUMP_NOTHING;
	return HC_DUMP_PRESENT;
}

uint64_t hc_smaps_estimate(GArray *entries, unsigned threads)
{
	uint64_t bytes = (uint64_t)threads * THREAD_NOTES;

	for (unsigned i = 0; i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);

		bytes += PAGE;
		switch (hc_smaps_dump_kind(entry)) {
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
