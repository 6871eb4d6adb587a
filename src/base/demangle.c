/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/demangle.h"

#include <glib.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_MAX_BYTES = 2048
};

char *hc_demangle(const char *name)
{
	char *demangled, *copy;

	/* Of a name that isn't mangled libiberty's guess is the name of a type ("i" would be int). */
	if (strlen(name) > NAME_MAX_BYTES ||
		!(g_str_has_prefix(name, "_Z") || g_str_has_prefix(name, "_R") || g_str_has_prefix(name, "_D")))
		return NULL;
	demangled = cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
	copy = g_strdup(demangled);
	free(demangled); /* malloc's, not GLib's */
	return copy;
}

char *hc_demangle_type(const char *name)
{
	static const char *const prefix = "typeinfo for ";
	g_autofree char *symbol = NULL, *demangled = NULL;

	if (strlen(name) > NAME_MAX_BYTES)
		return NULL;
	symbol = g_strconcat("_ZTI", name, NULL);
	demangled = hc_demangle(symbol);
	if (!demangled || !g_str_has_prefix(demangled, prefix))
		return NULL;
	return g_strdup(demangled + strlen(prefix));
}

/* The name that a constructor's is the last part of. */
static struct demangle_component *scope_of_constructor(struct demangle_component *component)
{
	struct demangle_component *last;

	while (component->type == DEMANGLE_COMPONENT_TYPED_NAME || component->type == DEMANGLE_COMPONENT_TEMPLATE)
		component = component->u.s_binary.left;
	if (component->type != DEMANGLE_COMPONENT_QUAL_NAME)
		return NULL;
	last = component->u.s_binary.right;
	while (last && last->type == DEMANGLE_COMPONENT_TAGGED_NAME)
		last = last->u.s_binary.left;
	return last && last->type == DEMANGLE_COMPONENT_CTOR ? component->u.s_binary.left : NULL;
}

char *hc_demangle_constructed(const char *name)
{
	const int options = DMGL_PARAMS | DMGL_ANSI;
	struct demangle_component *component, *scope;
	void *memory = NULL;
	char *printed = NULL, *copy;
	size_t allocated;

	if (strlen(name) > NAME_MAX_BYTES || !g_str_has_prefix(name, "_Z"))
		return NULL;
	component = cplus_demangle_v3_components(name, options, &memory);
	scope = component ? scope_of_constructor(component) : NULL;
	if (scope)
		printed = cplus_demangle_print(options, scope, NAME_MAX_BYTES, &allocated);
	copy = g_strdup(printed);
	free(printed);
	free(memory);
	return copy;
}
