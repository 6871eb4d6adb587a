/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vtables of one class with different lengths, by their symbols: what modules without debug info show of a class that has two layouts.
 *
 * A class without a key function has its vtable in each module that uses it, and the dynamic linker has all of them use the first. One that has
 * fewer functions than the callers expect ends before the function that is called. Classes of anonymous namespaces are each file's own.
 * What debug info has told already, with the functions by name, is not told twice.
 */
#include "abi/abi_state.h"

#include "base/demangle.h"

#include <string.h>

enum {
	VTABLES_MAX = 1 << 22,
	ANSWERS_MAX = 1 << 12,
};

struct sighting {
	const char *name; /* mangled */
	const hc_module *module;
	uint64_t size;
};

static int compare_sightings(const void *a, const void *b)
{
	const struct sighting *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1; /* the larger one first */
	return x->module->start < y->module->start ? -1 : x->module->start > y->module->start;
}

static bool is_private(const char *mangled)
{
	return strstr(mangled, "_GLOBAL__N") != NULL || *mangled == 'Z';
}

static GArray *find_sightings(hc_abi *abi)
{
	hc_modules *modules = hc_program_types_modules(abi->input.program_types);
	GArray *sightings = g_array_new(FALSE, FALSE, sizeof(struct sighting));

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);
		unsigned count = 0;
		const hc_vtable_symbol *symbols = hc_program_types_vtables(abi->input.program_types, module, &count);

		for (unsigned k = 0; k < count && sightings->len < VTABLES_MAX; k++) {
			struct sighting sighting = { symbols[k].name, module, symbols[k].end - symbols[k].start };

			if (sighting.size && !is_private(sighting.name))
				g_array_append_val(sightings, sighting);
		}
	}
	g_array_sort(sightings, compare_sightings);
	return sightings;
}

/* ALL: COUNT of one name, the largest first. */
static void add_difference(hc_abi *abi, const struct sighting *all, unsigned count)
{
	g_autofree char *name = hc_demangle_type(all[0].name);
	unsigned first_other = 1;

	while (first_other < count && all[first_other].size == all[0].size)
		first_other++;
	if (first_other == count || !name || hc_abi_is_told(abi, name, abi->differences->len))
		return;
	hc_abi_difference difference = {
		.kind = HC_ABI_VTABLE,
		.same = HC_ABI_SAME_LINKAGE,
		.name = g_string_chunk_insert_const(abi->texts, name),
		.sides = { { .size = all[0].size }, { .size = all[first_other].size } },
	};
	for (unsigned i = 0; i < count; i++)
		for (unsigned side = 0; side < 2; side++)
			if (all[i].size == difference.sides[side].size)
				hc_abi_add_module(&difference.sides[side], all[i].module);
	g_array_append_val(abi->differences, difference);
}

void hc_abi_find_vtables(hc_abi *abi)
{
	g_autoptr(GArray) table = find_sightings(abi);
	const struct sighting *sightings = (const struct sighting *)(const void *)table->data;
	unsigned told = 0;

	for (unsigned start = 0, end; start < table->len && told < ANSWERS_MAX; start = end) {
		for (end = start + 1; end < table->len && !strcmp(sightings[end].name, sightings[start].name); end++)
			;
		if (sightings[end - 1].size != sightings[start].size) {
			add_difference(abi, &sightings[start], end - start);
			told++;
		}
	}
}
