/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that allocate less for an object than its class has: how a module whose debug info does not have the class, or that has none, shows that it was
 * built with another layout. gcc describes a class whose first virtual function that is not inline is elsewhere in that file alone.
 *
 * The code says how much, and whose constructor is called on it, or whose vtable put in front (sites/made.c). Both are another module's, whose debug
 * info has the class. An object is never smaller than what stands at its beginning, so a call that allocates less contradicts it. One that
 * allocates more proves nothing: what is made may be of a class that is derived from this one.
 */
#include "abi/abi_state.h"

enum {
	ANSWERS_MAX = 1 << 12,
};

/* One difference for each class and number of bytes; whose calls these are is added to it. */
static void add(hc_abi *abi, const hc_type *type, const hc_module *owner, const hc_site *site, unsigned first)
{
	GArray *changes;

	for (unsigned i = first; i < abi->differences->len; i++) {
		hc_abi_difference *told = &g_array_index(abi->differences, hc_abi_difference, i);

		if (told->sides[0].type == type && told->sides[1].size == site->size) {
			hc_abi_add_module(&told->sides[1], site->module);
			return;
		}
	}
	if (abi->differences->len - first >= ANSWERS_MAX)
		return;
	changes = hc_abi_members_beyond(type, site->size);
	g_ptr_array_add(abi->changes, changes);
	hc_abi_difference difference = {
		.kind = HC_ABI_ALLOCATION,
		.same = HC_ABI_SAME_LINKAGE,
		.name = hc_type_name(type),
		.sides = { { .type = type, .size = hc_type_size(type), .parts = hc_abi_count_parts(type) },
			{ .size = site->size } },
		.changes = (const hc_abi_change *)(const void *)changes->data,
		.change_count = changes->len,
		.site = site,
		.place = hc_sites_place(abi->sites, site),
	};
	hc_abi_add_module(&difference.sides[0], owner);
	hc_abi_add_module(&difference.sides[1], site->module);
	g_array_append_val(abi->differences, difference);
}

static void look_at(hc_abi *abi, const hc_site *site, unsigned first)
{
	hc_program_types *types = abi->input.program_types;
	g_autoptr(GArray) made = hc_sites_made(abi->sites, site);

	for (unsigned i = 0; i < made->len; i++) {
		const hc_made *one = &g_array_index(made, hc_made, i);
		const hc_type *type = one->module != site->module && hc_program_types_describes(types, one->module) ?
					      hc_program_types_find(types, one->name) :
					      NULL;

		if (type && hc_type_size(type) > site->size && !hc_abi_is_told(abi, hc_type_name(type), first))
			add(abi, type, one->module, site, first);
	}
}

void hc_abi_find_allocations(hc_abi *abi)
{
	unsigned first = abi->differences->len;
	hc_sites *sites;

	if (!abi->input.core || !abi->totals.modules)
		return;
	sites = hc_abi_sites(abi);
	for (unsigned i = 0; i < hc_sites_count(sites); i++) {
		const hc_site *site = hc_sites_get(sites, i);

		if (site->size_kind == HC_SITE_CONSTANT && !site->is_pool && !hc_module_is_runtime(site->module))
			look_at(abi, site, first);
	}
}
