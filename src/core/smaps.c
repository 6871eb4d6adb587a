/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /proc/PID/smaps (proc(5)): as capture reads it of a live process, and as it lies beside a capture's core. */
#include "core/core_state.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	SMAPS_LIMIT = 256 << 20,
	DESCRIPTION_LIMIT = 1 << 16,
}; /* bytes */

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
		{ "Shared_Hugetlb:", &entry->huge_table },
		{ "Private_Hugetlb:", &entry->huge_table },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (!g_str_has_prefix(line, fields[i].key))
			continue;
		uint64_t bytes = MIN(g_ascii_strtoull(line + strlen(fields[i].key), NULL, 10), UINT64_MAX >> 12) << 10;

		/* The pages of hugetlbfs are told in two lines. */
		entry->knows_proportional |= fields[i].number == &entry->proportional;
		*fields[i].number = fields[i].number == &entry->huge_table ? *fields[i].number + bytes : bytes;
		return;
	}
	if (g_str_has_prefix(line, "VmFlags:")) {
		entry->excluded = strstr(line, " dd") || strstr(line, " io") || strstr(line, " pf");
		entry->not_forked = strstr(line, " dc") || strstr(line, " wf");
		entry->is_device = strstr(line, " io") || strstr(line, " pf");
		entry->has_huge_table = strstr(line, " ht");
	}
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

/* Whether capture.ini in FOLDER says that NAME is the core that lies there. */
static bool describes(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, "capture.ini", NULL);
	g_autoptr(GKeyFile) file = hc_file_read_keys(path, DESCRIPTION_LIMIT, NULL);
	g_autofree char *core = file ? g_key_file_get_string(file, "capture", "core", NULL) : NULL;

	return core && (!strcmp(core, name) || hc_core_is_same_captures(core, name));
}

char *hc_core_beside(const hc_core *core, const char *name)
{
	g_autofree char *folder = g_path_get_dirname(core->path), *core_name = g_path_get_basename(core->path);

	return describes(folder, core_name) ? g_build_filename(folder, name, NULL) : NULL;
}

GArray *hc_core_read_smaps(const hc_core *core)
{
	g_autofree char *path = hc_core_beside(core, "smaps");
	g_autofree char *text = path ? hc_file_read(path, SMAPS_LIMIT, NULL, NULL) : NULL;
	g_autoptr(GArray) entries = text ? hc_smaps_parse(text) : NULL;

	return entries && entries->len ? g_steal_pointer(&entries) : NULL;
}
