/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names that the kernel has for anonymous mappings: prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME), Linux 5.17 with CONFIG_ANON_VMA_NAME. Go since
 * 1.25, V8 on some systems, glibc with its tunable decorate_maps and others give them. smaps has "[anon:NAME]", and "[anon_shmem:NAME]" for
 * shared memory; no core has any.
 */
#include "runtimes/runtimes_state.h"

#include <string.h>

/* "Go: heap" of "[anon: Go: heap]"; NULL if PATH is no such name. Belongs to the runtimes. */
static const char *name_of(hc_runtimes *runtimes, const char *path)
{
	static const char *const prefixes[] = { "[anon:", "[anon_shmem:" };
	size_t length = strlen(path);

	for (unsigned i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		size_t begin = strlen(prefixes[i]);

		if (!g_str_has_prefix(path, prefixes[i]) || path[length - 1] != ']')
			continue;
		while (path[begin] == ' ')
			begin++;
		if (begin >= length - 1)
			return NULL;
		g_autofree char *name = g_strndup(path + begin, length - 1 - begin);

		return g_string_chunk_insert_const(runtimes->names, name);
	}
	return NULL;
}

void hc_runtimes_find_names(hc_runtimes *runtimes)
{
	g_autoptr(GArray) entries = hc_core_read_smaps(runtimes->core);

	for (unsigned i = 0; entries && i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);
		const char *name = name_of(runtimes, entry->path);

		if (!name)
			continue;
		hc_runtimes_add(runtimes, entry->start, entry->end, HC_RUNTIME_NAMED, true);
		g_array_index(runtimes->ranges, hc_runtime_range, runtimes->ranges->len - 1).use.name = name;
	}
}
