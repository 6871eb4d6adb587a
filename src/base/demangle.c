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
