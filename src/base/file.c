/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

char *hc_file_read(const char *path, size_t limit, size_t *ret_length, GError **error)
{
	g_autofree char *contents = NULL;
	g_autoptr(GError) reason = NULL;
	size_t length;

	if (!g_file_get_contents(path, &contents, &length, &reason)) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s", reason->message);
		return NULL;
	}
	if (length > limit) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: too long, %" G_GSIZE_FORMAT " bytes", path, length);
		return NULL;
	}
	if (ret_length)
		*ret_length = length;
	return g_steal_pointer(&contents);
}
