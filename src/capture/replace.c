/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Captures into a folder, and (--force) in place of one that is there. It is written beside its place and renamed once it is whole, so that
 * whatever ends us leaves nothing that looks like a capture; of a former one that is when both change places. An empty folder that is there
 * may be a mount, or all that we may write to: then the capture is written into it, capture.ini last.
 */
#include "capture/capture_parts.h"

#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether NAME is a file that captures have. */
static bool is_own(const char *name)
{
	return hc_core_is_captures(name) || g_strv_contains(hc_capture_files, name);
}

/* Whether the folder PATH has files, in *RET_ANY. FALSE: HC_ERROR_USAGE, one of them is no capture's. */
static bool check_former(const char *path, bool *ret_any, GError **error)
{
	g_autoptr(GDir) entries = g_dir_open(path, 0, NULL);
	const char *name;

	*ret_any = false;
	while (entries && (name = g_dir_read_name(entries))) {
		*ret_any = true;
		if (is_own(name))
			continue;
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE,
			"the folder %s holds %s, which no capture has: it is not replaced", path, name);
		return false;
	}
	return true;
}

/* Whether the folder PATH, if it is there (*RET_THERE), is ours: in another user's we would write what that user may take away. */
static bool check_owner(const char *path, bool *ret_there, GError **error)
{
	struct stat status;

	*ret_there = !stat(path, &status);
	if (hc_output_file_is_misled(path))
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "%s leads through a symbolic link of another user", path);
	else if (*ret_there && status.st_uid != geteuid())
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE,
			"the folder %s belongs to another user: name one that is not there yet", path);
	else
		return true;
	return false;
}

/* Makes a capture beside its place, where nothing is, or (REPLACES) a former one, and gives it that place. */
static bool make_beside(int64_t pid, const hc_capture_options *options, bool replaces, GError **error)
{
	g_autofree char *path = g_canonicalize_filename(options->directory, NULL);
	g_autofree char *new = g_strdup_printf("%s.new-%08x", path, g_random_int());
	hc_capture_options own = *options;

	own.directory = new;
	if (!hc_capture_make(pid, &own, NULL, error))
		return false;
	if (!renameat2(AT_FDCWD, new, AT_FDCWD, path, replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE)) {
		if (replaces)
			hc_capture_remove_folder(new); /* the former one now */
		return true;
	}
	if (!replaces && errno == EINVAL && !rename(new, path))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_IO,
		replaces ? "the new capture is %s, as it cannot take the place of %s: %s" :
			   "the capture is %s, as it cannot be renamed to %s: %s",
		new, path, g_strerror(errno));
	return false;
}

bool hc_capture_take(int64_t pid, const hc_capture_options *options, GError **error)
{
	bool any = false, is_there;

	if (!check_owner(options->directory, &is_there, error))
		return false;
	if (!is_there)
		return make_beside(pid, options, false, error);
	if (options->force && !check_former(options->directory, &any, error))
		return false;
	return any ? make_beside(pid, options, true, error) : hc_capture_make(pid, options, NULL, error);
}
