/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "core/core.h"
#include "modules/modules.h"
#include "reports/reports.h"
#include "sites/sites.h"

#include <jansson.h>

const char *hc_version(void)
{
	return PACKAGE_VERSION;
}

char *hc_describe_libraries(void)
{
	GString *text = g_string_new(NULL);
	g_autofree char *capstone = hc_sites_capstone_version();
	const char *name, *version;

	g_string_append_printf(text, "GLib %u.%u.%u, elfutils %s, jansson %s, capstone %s", glib_major_version,
		glib_minor_version, glib_micro_version, hc_modules_elfutils_version(), jansson_version_str(), capstone);
	for (unsigned i = 0; hc_core_library(i, &name, &version); i++)
		g_string_append_printf(text, version ? ", %s %s" : ", no %s", name, version);
	return g_string_free(text, FALSE);
}
