/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copies of what /proc and the control groups say of a process. Nothing here fails because the kernel does not tell: what there is not, the
 * reader calls unknown.
 */
#include "capture/capture_parts.h"

#include "base/cgroup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool hc_capture_write(int directory, const char *name, const char *text, gssize length, GError **error)
{
	int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t left = length < 0 ? strlen(text) : (size_t)length;

	while (file >= 0 && left) {
		ssize_t done = write(file, text, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			break;
		text += done;
		left -= done;
	}
	if (file < 0 || left || close(file)) {
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot write %s: %s", name, g_strerror(errno));
		if (file >= 0 && left)
			close(file);
		return false;
	}
	return true;
}

/* The text of the file `descriptors`, and of its sockets inode -> lowest descriptor. */
static char *describe_descriptors(pid_t pid, GHashTable *sockets)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)pid);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	const char *name;

	if (!folder)
		return NULL;
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *link = g_build_filename(path, name, NULL), *target = g_file_read_link(link, NULL);
		g_autofree char *escaped = g_strescape(target ? target : "?", NULL);
		int descriptor = (int)g_ascii_strtoll(name, NULL, 10);
		gpointer lowest;
		guint64 inode;

		g_string_append_printf(text, "%d %s\n", descriptor, escaped);
		if (!target || sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
			continue;
		if (!g_hash_table_lookup_extended(sockets, &inode, NULL, &lowest) ||
			GPOINTER_TO_INT(lowest) > descriptor)
			g_hash_table_replace(sockets, g_memdup2(&inode, sizeof inode), GINT_TO_POINTER(descriptor));
	}
	return g_strdup(text->str);
}

static bool copy_sockets(pid_t pid, int directory, GError **error)
{
	g_autoptr(GHashTable) sockets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	g_autofree char *descriptors = describe_descriptors(pid, sockets);
	g_autofree char *text = NULL;

	if (!descriptors)
		return true;
	text = hc_sockets_describe(pid, sockets);
	return hc_capture_write(directory, "descriptors", descriptors, -1, error) &&
	       hc_capture_write(directory, "sockets", text, -1, error);
}

static void append_file(GString *text, const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *contents = hc_file_read(path, 1 << 20, NULL, NULL);

	if (contents)
		g_string_append_printf(
			text, "# %s\n%s%s", path, contents, g_str_has_suffix(contents, "\n") ? "" : "\n");
}

static bool copy_cgroup(pid_t pid, int directory, GError **error)
{
	static const char *const files[] = { "memory.current", "memory.max", "memory.swap.current", "memory.stat",
		"memory.usage_in_bytes", "memory.limit_in_bytes", "memory.kmem.usage_in_bytes",
		"memory.kmem.tcp.usage_in_bytes" };
	g_autofree char *groups = hc_proc_read(pid, "cgroup", NULL, NULL);
	g_autofree char *mounts = hc_file_read("/proc/self/mountinfo", HC_PROC_FILE_LIMIT, NULL, NULL);
	g_autoptr(GString) text = g_string_new(NULL);

	if (!groups)
		return true;
	g_autoptr(GPtrArray) folders = hc_cgroup_memory_folders(groups, mounts ? mounts : "");

	g_string_append_printf(text, "# /proc/%d/cgroup\n%s", (int)pid, groups);
	for (unsigned i = 0; i < folders->len; i++) {
		for (unsigned j = 0; j < G_N_ELEMENTS(files); j++)
			append_file(text, folders->pdata[i], files[j]);
	}
	return hc_capture_write(directory, "cgroup", text->str, -1, error);
}

bool hc_capture_copy_proc(pid_t pid, int directory, GError **error)
{
	static const struct {
		const char *name, *source; /* of /proc/PID */
	} copies[] = {
		{ "meminfo", "../meminfo" },
		{ "sockstat", "net/sockstat" },
		{ "sockstat6", "net/sockstat6" },
	};

	/* The queues first: what sends to this process does not stand still. */
	if (!copy_sockets(pid, directory, error) || !copy_cgroup(pid, directory, error))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(copies); i++) {
		size_t length;
		g_autofree char *text = hc_proc_read(pid, copies[i].source, &length, NULL);

		if (text && !hc_capture_write(directory, copies[i].name, text, length, error))
			return false;
	}
	return true;
}
