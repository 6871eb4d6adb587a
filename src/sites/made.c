/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Of which class is the object that a call makes?
 *
 * The constructor that is called on the whole block says so by its name, if the linker knows it; where it was inlined, the vtable that is put into the
 * first word does. A constructor of a base, that of the object having been inlined, and its vtable say the same of the base, which stands at the same
 * place: so the object is one of each class that is named, or of one that begins with it. It is never smaller.
 */
#include "sites/sites_state.h"

#include "base/demangle.h"

static void clear_made(void *data)
{
	hc_made *made = data;

	g_free(made->name);
}

/* NAME is taken. */
static void add(hc_sites *sites, GArray *list, char *name, hc_address address)
{
	hc_made made = { name, hc_modules_find(sites->modules, address) };

	if (name && made.module)
		g_array_append_val(list, made);
	else
		g_free(name);
}

static void add_constructor(hc_sites *sites, GArray *list, hc_address function)
{
	uint64_t offset;
	const char *symbol = hc_modules_symbol_at(sites->modules, function, &offset);

	if (symbol && !offset)
		add(sites, list, hc_demangle_constructed(symbol), function);
}

GArray *hc_sites_made(hc_sites *sites, const hc_site *site)
{
	unsigned index = (unsigned)(site - &g_array_index(sites->sites, hc_site, 0));
	const struct flow_object *object = &g_array_index(sites->calls, const struct flow_call *, index)->object;
	const struct code_module *module = hc_sites_module_of(sites, site->address);
	GArray *list = g_array_new(FALSE, FALSE, sizeof(hc_made));

	g_array_set_clear_func(list, clear_made);
	for (unsigned i = 0; i < object->uses->len; i++) {
		const struct flow_use *use = &g_array_index(object->uses, struct flow_use, i);
		hc_address function;

		if (!use->offset && hc_sites_resolve_callee(sites, module, &use->callee, &function))
			add_constructor(sites, list, function);
	}
	for (unsigned i = 0; i < object->stores->len; i++) {
		const struct flow_store *store = &g_array_index(object->stores, struct flow_store, i);
		uint64_t value;

		if (!store->offset && store->width == 8 && hc_sites_resolve(sites, module, &store->value, &value))
			add(sites, list, g_strdup(hc_program_types_class_name_of_vtable(sites->program_types, value)),
				value);
	}
	return list;
}
