/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where debug info may be: the places that distributions and people keep it in. Whether what is
 * found there belongs to the module is for whoever opens it.
 *
 *	by build-id	DIRECTORY/.build-id/ab/cdef.debug
 *	by its name	that of .gnu_debuglink, beside the file, in .debug there, and in DIRECTORY at
 *			the path of the file's folder
 *	shared		that of .gnu_debugaltlink, which is a path; and in DIRECTORY what stands behind
 *			"/.dwz/" in it
 *
 * modules->debug_path is the list of directories as libdwfl takes it: an empty part is the file's
 * own folder, a relative one lies in it.
 */
#include "base/file.h"
#include "modules/modules_state.h"

static GPtrArray *paths_create(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

/* The path of BUILD_ID in DIRECTORY; NULL if that is not absolute, or there is no build-id. */
static char *path_of_id(const char *directory, const char *build_id)
{
	return g_path_is_absolute(directory) && build_id && strlen(build_id) >= 4 ?
		       g_strdup_printf("%s/.build-id/%.2s/%s.debug", directory, build_id, build_id + 2) :
		       NULL;
}

static void add_path(GPtrArray *paths, char *path)
{
	if (path)
		g_ptr_array_add(paths, path);
}

char *hc_build_id_text(const uint8_t *bytes, size_t size)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < MIN(size, 64); i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	return g_string_free(text, FALSE);
}

GPtrArray *hc_modules_debug_paths_by_id(const hc_modules *modules, const char *build_id)
{
	g_auto(GStrv) directories = g_strsplit(modules->debug_path, ":", -1);
	GPtrArray *paths = paths_create();

	for (unsigned i = 0; directories[i]; i++)
		add_path(paths, path_of_id(directories[i], build_id));
	return paths;
}

GPtrArray *hc_modules_debug_paths_by_link(const hc_modules *modules, const char *file, const char *name)
{
	g_auto(GStrv) directories = g_strsplit(modules->debug_path, ":", -1);
	g_autofree char *folder = g_path_get_dirname(file);
	GPtrArray *paths = paths_create();

	for (unsigned i = 0; directories[i]; i++)
		add_path(paths, *directories[i] == '/' ? g_strdup_printf("%s%s/%s", directories[i], folder, name) :
							 g_build_filename(folder, directories[i], name, NULL));
	return paths;
}

GPtrArray *hc_modules_debug_paths_shared(
	const hc_modules *modules, const char *debug_file, const char *name, const char *build_id)
{
	g_auto(GStrv) directories = g_strsplit(modules->debug_path, ":", -1);
	const char *below = strstr(name, "/.dwz/");
	GPtrArray *paths = paths_create();

	if (g_path_is_absolute(name)) {
		if (*modules->sysroot)
			add_path(paths, hc_file_below(modules->sysroot, name));
		add_path(paths, g_strdup(name));
	} else {
		/* As seen from the file itself: /usr/lib/debug/.build-id has links to others. */
		g_autofree char *real = realpath(debug_file, NULL),
				*folder = g_path_get_dirname(real ? real : debug_file);

		add_path(paths, g_build_filename(folder, name, NULL));
	}
	for (unsigned i = 0; directories[i]; i++) {
		if (below && g_path_is_absolute(directories[i]))
			add_path(paths, g_strconcat(directories[i], below, NULL));
		add_path(paths, path_of_id(directories[i], build_id));
	}
	return paths;
}
