/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cgroup.h"

#include <stdbool.h>
#include <string.h>

/*
 * The folder of the memory controller for the path of a group. It is below where the controller is mounted, without what of the path
 * the mount hides (proc(5), mountinfo: 4th and 5th word).
 */
static char *folder_of(const char *mounts, const char *path, bool version_2)
{
	g_auto(GStrv) lines = g_strsplit(mounts, "\n", -1);

	for (char **line = lines; *line; line++) {
		const char *kind = strstr(*line, " - ");
		g_auto(GStrv) words = g_strsplit(*line, " ", 6);
		const char *options, *below = path;

		if (!kind || g_strv_length(words) < 6 ||
			!g_str_has_prefix(kind + 3, version_2 ? "cgroup2 " : "cgroup "))
			continue;
		options = strrchr(kind, ' ');
		if (!version_2 && !strstr(options, "memory"))
			continue;
		if (strcmp(words[3], "/") && g_str_has_prefix(path, words[3]))
			below = path + strlen(words[3]);
		return g_build_filename(words[4], below, NULL);
	}
	return NULL;
}

GPtrArray *hc_cgroup_memory_folders(const char *groups, const char *mounts)
{
	GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) lines = g_strsplit(groups, "\n", -1);

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, ":", 3);
		bool version_2 = g_strv_length(words) == 3 && !strcmp(words[0], "0");
		char *folder;

		if (g_strv_length(words) < 3 || (!version_2 && !strstr(words[1], "memory")))
			continue;
		folder = folder_of(mounts, words[2], version_2);
		if (folder)
			g_ptr_array_add(folders, folder);
	}
	return folders;
}
