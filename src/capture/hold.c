/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A capture that is in no folder of the user's, for commands that read a live process.
 *
 * All that reads a core maps it, and walks it in any order: so the copy of the process is written down once, and ended at once, for as long
 * as it is there the process pays for each page that it writes. The core has no name; what lies beside it, some kilobytes of text, is in a
 * temporary folder with a link to the core, /proc/self/fd/N, so that the folder is a capture's like any other. Guardian and release remove it.
 */
#include "capture/capture_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct hc_held_capture {
	char *directory;
	int root;	 /* descriptor; -1: files are the same for us */
	char *root_path; /* of it; NULL likewise */
	hc_capture_rest rest;
};

/* The descriptor keeps the process's mounts, also when it has ended. */
static void hold_root(hc_held_capture *held, pid_t pid)
{
	g_autofree char *root = hc_proc_foreign_root(hc_proc_living_thread(pid));

	held->root = root ? open(root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	held->root_path = held->root >= 0 ? g_strdup_printf("/proc/self/fd/%d", held->root) : NULL;
}

/* The guardian knows of the folder before there is one. NULL: HC_ERROR_IO. */
static const char *make_directory(hc_held_capture *held, pid_t pid, GError **error)
{
	g_autofree char *name = g_strdup_printf("heapcore-%08x%08x", g_random_int(), g_random_int());
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), name, NULL);
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);

	held->rest.guardian = hc_guardian_start(pid, absolute);
	if (!mkdir(absolute, 0700))
		return held->directory = g_steal_pointer(&absolute);
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot make a temporary folder in %s: %s (TMPDIR names another)",
		g_get_tmp_dir(), g_strerror(errno));
	if (held->rest.guardian)
		hc_guardian_trace(held->rest.guardian)->not_ours = true;
	return NULL;
}

hc_held_capture *hc_capture_hold(int64_t pid, uint64_t memory, const hc_capture_options *options, GError **error)
{
	hc_held_capture *held = g_new0(hc_held_capture, 1);
	hc_capture_options own = *options;

	held->rest = (hc_capture_rest){ .memory = memory, .core = -1 };
	hold_root(held, (pid_t)pid);
	own.directory = make_directory(held, (pid_t)pid, error);
	if (!own.directory || !hc_capture_make(pid, &own, &held->rest, error))
		g_clear_pointer(&held, hc_capture_release);
	return held;
}

const char *hc_held_capture_path(const hc_held_capture *capture)
{
	return capture->directory;
}

const char *hc_held_capture_root(const hc_held_capture *capture)
{
	return capture->root_path;
}

void hc_capture_release(hc_held_capture *capture)
{
	if (!capture)
		return;
	hc_guardian_end(capture->rest.guardian);
	hc_capture_remove_folder(capture->directory); /* the guardian may have been killed, or there was none */
	if (capture->rest.core >= 0)
		close(capture->rest.core);
	if (capture->root >= 0)
		close(capture->root);
	g_free(capture->root_path);
	g_free(capture->directory);
	g_free(capture);
}
