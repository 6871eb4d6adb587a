/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The dynamic linker's list of what it has loaded, in the order in which it looks for symbols:
 * struct r_debug, and the public part of struct link_map (<link.h>). The program's DT_DEBUG leads
 * there.
 */
#include "modules/modules_state.h"

#include <link.h>

enum {
	LINK_MAPS_MAX = 65536,
};

GArray *hc_modules_link_maps(const hc_modules *modules, unsigned limit)
{
	GArray *maps = g_array_new(FALSE, FALSE, sizeof(hc_address));
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	const hc_core *core = modules->core;
	unsigned size = hc_core_process(core)->word_size;
	uint64_t debug = 0, map = 0;

	limit = MIN(limit, LINK_MAPS_MAX);
	if (!modules->executable || !hc_module_read_dynamic(core, modules->executable, DT_DEBUG, &debug) || !debug ||
		!hc_core_read_word(core, debug + size, &map))
		return maps;
	while (map && maps->len < limit) {
		guint64 key = map;

		if (!g_hash_table_add(seen, g_memdup2(&key, sizeof key)))
			break;
		g_array_append_val(maps, map);
		if (!hc_core_read_word(core, map + 3 * size, &map))
			break;
	}
	return maps;
}

const hc_module *hc_modules_provider(hc_modules *modules, const char *name)
{
	g_autoptr(GArray) maps = hc_modules_link_maps(modules, LINK_MAPS_MAX);
	g_autoptr(GHashTable) asked = g_hash_table_new(NULL, NULL);
	unsigned size = hc_core_process(modules->core)->word_size;

	for (unsigned i = 0; i < maps->len; i++) {
		uint64_t dynamic;
		const hc_module *module = NULL;

		if (hc_core_read_word(modules->core, g_array_index(maps, hc_address, i) + 2 * size, &dynamic))
			module = hc_modules_find(modules, dynamic);
		if (module && g_hash_table_add(asked, (gpointer)module) && hc_module_defines(modules, module, name))
			return module;
	}
	if (maps->len)
		return NULL;
	if (modules->executable && hc_module_defines(modules, &modules->executable->public, name))
		return &modules->executable->public;
	return NULL;
}
