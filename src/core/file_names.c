/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/codecs.h"
#include "core/core.h"

#include <string.h>

/* The bytes of NAME in front of what compressing it added; 0: it is no core's in a capture. */
static size_t captures_stem(const char *name)
{
	size_t stem = g_str_has_prefix(name, "core.") ? 5 + strspn(name + 5, "0123456789") : 0;

	return stem > 5 && hc_codec_is_suffix(name + stem) ? stem : 0;
}

bool hc_core_is_captures(const char *name)
{
	return captures_stem(name);
}

bool hc_core_is_same_captures(const char *name, const char *other)
{
	size_t stem = captures_stem(name);

	return stem && stem == captures_stem(other) && !strncmp(name, other, stem);
}

char *hc_core_find_file(const char *path)
{
	g_autofree char *description = g_build_filename(path, "capture.ini", NULL), *found = NULL;
	g_autoptr(GDir) folder = g_file_test(description, G_FILE_TEST_IS_REGULAR) ? g_dir_open(path, 0, NULL) : NULL;
	const char *name;

	while (folder && (name = g_dir_read_name(folder))) {
		if (!hc_core_is_captures(name))
			continue;
		if (found)
			return g_strdup(path);
		found = g_build_filename(path, name, NULL);
	}
	return found ? g_steal_pointer(&found) : g_strdup(path);
}
