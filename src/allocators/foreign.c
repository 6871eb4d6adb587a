/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which allocator serves the program? The module that the program's malloc comes from, and names that only one allocator
 * exports, tell. A preloaded library that only passes calls on (a recorder) has none of those names.
 */
#include "allocators/allocators.h"

static const struct {
	const char *symbol, *name;
} signatures[] = {
	{ "mallctl", "jemalloc" },
	{ "je_mallctl", "jemalloc" },
	{ "mi_malloc", "mimalloc" },
	{ "tc_malloc", "tcmalloc (gperftools)" },
	{ "MallocExtension_Internal_GetNumericProperty", "tcmalloc (Google)" },
	{ "__asan_init", "AddressSanitizer's allocator" },
	{ "__msan_init", "MemorySanitizer's allocator" },
	{ "__tsan_init", "ThreadSanitizer's allocator" },
	{ "__lsan_init", "LeakSanitizer's allocator" },
	{ "scudo_malloc", "scudo" },
	{ "__scudo_print_stats", "scudo" },
	{ "rpmalloc", "rpmalloc" },
	{ "sn_malloc", "snmalloc" },
	{ "hoard_malloc", "Hoard" },
};

/* Library names, where the file with the symbols is not here. */
static const struct {
	const char *prefix, *name;
} libraries[] = {
	{ "libjemalloc", "jemalloc" },
	{ "libtcmalloc", "tcmalloc (gperftools)" },
	{ "libmimalloc", "mimalloc" },
	{ "libasan", "AddressSanitizer's allocator" },
	{ "libhoard", "Hoard" },
	{ "libscudo", "scudo" },
	{ "libsnmalloc", "snmalloc" },
	{ "librpmalloc", "rpmalloc" },
};

static const char *by_library_name(const hc_modules *modules)
{
	for (unsigned i = 0; i < hc_modules_count(modules); i++)
		for (unsigned k = 0; k < G_N_ELEMENTS(libraries); k++)
			if (g_str_has_prefix(hc_modules_get(modules, i)->name, libraries[k].prefix))
				return libraries[k].name;
	return NULL;
}

const char *hc_allocators_foreign(hc_modules *modules, const hc_module **ret_provider)
{
	const hc_module *provider = hc_modules_provider(modules, "malloc");

	*ret_provider = provider;
	if (!provider)
		return by_library_name(modules);
	for (unsigned i = 0; i < G_N_ELEMENTS(signatures); i++)
		if (hc_module_defines(modules, provider, signatures[i].symbol))
			return signatures[i].name;
	for (unsigned k = 0; k < G_N_ELEMENTS(libraries); k++)
		if (g_str_has_prefix(provider->name, libraries[k].prefix))
			return libraries[k].name;
	return NULL;
}
