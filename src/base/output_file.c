/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files are written without a name in the folder of their place (O_TMPFILE), synchronized, and get their name last: so there is the whole file, or
 * what was there before, and whatever ends us, be it a signal, leaves nothing behind. Without leave to replace the last step fails if
 * something is there, whoever put it there meanwhile.
 *
 * Only a new name can be given to such a file. So one that replaces another gets a name beside it (O_EXCL) and is then renamed; and where a file system
 * knows no such files (NFS, some of FUSE), or /proc is not there to name them by, the file has that name from the beginning: there
 * a signal leaves it.
 */
#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OWN_MODE = 0600, /* it tells of what a process held */
	TRIES = 100,
	DESCRIPTOR_LENGTH = 32 /* of a name in /proc/self/fd */
};

static bool fail(const char *path, int code, const char *reason, GError **error)
{
	g_set_error(error, HC_ERROR, code, "%s: %s", path, reason);
	return false;
}

bool hc_output_file_is_misled(const char *path)
{
	g_autofree char *prefix = g_strdup(path);
	struct stat status;

	for (char *end = prefix; *end; end++) {
		char next = end[1];

		if (next && next != '/')
			continue;
		end[1] = '\0';
		if (!lstat(prefix, &status) && S_ISLNK(status.st_mode) && status.st_uid && status.st_uid != geteuid())
			return true;
		end[1] = next;
	}
	return false;
}

/* Whether something is at PATH: *RET_THERE, with its *RET_STATUS, which is a regular file's. FALSE: it must stay, or is not to be trusted. */
static bool look(const char *path, bool replace, bool *ret_there, struct stat *ret_status, GError **error)
{
	struct stat link;

	*ret_there = false;
	if (hc_output_file_is_misled(path))
		return fail(path, HC_ERROR_USAGE,
			"it leads through a symbolic link of another user, and is not written", error);
	if (lstat(path, &link)) /* else whatever is wrong shows when it is written */
		return true;
	*ret_there = true;
	if (stat(path, ret_status))
		return fail(path, HC_ERROR_USAGE, "it is a link that leads nowhere, and is not written", error);
	if (!S_ISREG(ret_status->st_mode))
		return fail(path, HC_ERROR_USAGE,
			S_ISDIR(ret_status->st_mode) ? "it is a folder" : "it is no regular file, and is not written",
			error);
	return replace || fail(path, HC_ERROR_USAGE, "it is there already, and is not replaced without --force", error);
}

bool hc_output_file_check(const char *path, bool replace, GError **error)
{
	struct stat status;
	bool is_there;

	return look(path, replace, &is_there, &status, error);
}

/* A name beside PATH that nothing has yet, most likely. To be freed. */
static char *name_beside(const char *path)
{
	return g_strdup_printf("%s.new-%08x", path, g_random_int());
}

/* As open(2) and linkat(2) know the file DESCRIPTOR by name. Returns BUFFER. */
static const char *name_of_nameless(int descriptor, char buffer[DESCRIPTOR_LENGTH])
{
	g_snprintf(buffer, DESCRIPTOR_LENGTH, "/proc/self/fd/%d", descriptor);
	return buffer;
}

/* A file in the folder of PATH, to which a name can be given later. -1: there is none. */
static int make_nameless(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, OWN_MODE);
	char name[DESCRIPTOR_LENGTH];

	if (file < 0 || !access(name_of_nameless(file, name), F_OK))
		return file;
	close(file);
	return -1;
}

/* A file beside PATH: its descriptor, and *RET_NAME, to be freed. -1: errno says why. */
static int make_beside(const char *path, char **ret_name)
{
	for (unsigned i = 0; i < TRIES; i++) {
		g_autofree char *name = name_beside(path);
		int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OWN_MODE);

		if (file >= 0)
			*ret_name = g_steal_pointer(&name);
		if (file >= 0 || errno != EEXIST)
			return file;
	}
	return -1;
}

static bool write_all(int file, const char *bytes, size_t left)
{
	while (left) {
		ssize_t done = write(file, bytes, left);

		if (done < 0 && errno != EINTR)
			return false;
		bytes += MAX(done, 0);
		left -= (size_t)MAX(done, 0);
	}
	return true;
}

/* That only root may give a file away is no error. */
static bool keep_mode(int file, const struct stat *former)
{
	if (fchown(file, former->st_uid, former->st_gid) && errno != EPERM)
		return false;
	return !fchmod(file, former->st_mode & 07777 & ~(mode_t)(S_ISUID | S_ISGID));
}

/* As rename(2), but fails (EEXIST) if something is there. Not every file system can do that at once: then a second name does it. */
static bool rename_to_new(const char *name, const char *path)
{
	if (!renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE))
		return true;
	return (errno == EINVAL || errno == ENOSYS) && !link(name, path) && !unlink(name);
}

struct hc_output_file {
	char *path;   /* as given */
	char *target; /* where it will stand: behind links */
	char *name;   /* beside that; NULL: it has none yet, or its place */
	struct stat former;
	bool is_there; /* something is, which it replaces */
	int descriptor;
};

hc_output_file *hc_output_file_create(const char *path, bool replace, GError **error)
{
	g_autoptr(hc_output_file) file = g_new0(hc_output_file, 1);

	file->descriptor = -1;
	file->path = g_strdup(path);
	if (!look(path, replace, &file->is_there, &file->former, error))
		return NULL;
	file->target = file->is_there ? realpath(path, NULL) : strdup(path);
	if (file->target)
		file->descriptor = make_nameless(file->target);
	if (file->target && file->descriptor < 0)
		file->descriptor = make_beside(file->target, &file->name);
	if (file->descriptor < 0) {
		fail(path, HC_ERROR_IO, g_strerror(errno), error);
		return NULL;
	}
	return g_steal_pointer(&file);
}

void hc_output_file_destroy(hc_output_file *file)
{
	if (!file)
		return;
	if (file->descriptor >= 0)
		close(file->descriptor);
	if (file->name)
		unlink(file->name);
	free(file->target);
	g_free(file->name);
	g_free(file->path);
	g_free(file);
}

int hc_output_file_descriptor(const hc_output_file *file)
{
	return file->descriptor;
}

bool hc_output_file_append(hc_output_file *file, const char *bytes, size_t length, GError **error)
{
	return write_all(file->descriptor, bytes, length) || fail(file->path, HC_ERROR_IO, g_strerror(errno), error);
}

/* Gives a file without a name the one that it is to have, or, if something is there, one beside it. False: errno says why. */
static bool give_name(hc_output_file *file)
{
	char nameless[DESCRIPTOR_LENGTH];

	name_of_nameless(file->descriptor, nameless);
	if (!file->is_there)
		return !linkat(AT_FDCWD, nameless, AT_FDCWD, file->target, AT_SYMLINK_FOLLOW);
	for (unsigned i = 0; i < TRIES; i++) {
		g_autofree char *name = name_beside(file->target);

		if (!linkat(AT_FDCWD, nameless, AT_FDCWD, name, AT_SYMLINK_FOLLOW)) {
			file->name = g_steal_pointer(&name);
			return true;
		}
		if (errno != EEXIST)
			return false;
	}
	return false;
}

bool hc_output_file_finish(hc_output_file *file, GError **error)
{
	bool done = (!file->is_there || keep_mode(file->descriptor, &file->former)) && !fsync(file->descriptor) &&
		    (file->name || give_name(file));

	if (!done)
		return fail(file->path, HC_ERROR_IO, g_strerror(errno), error);
	done = !close(file->descriptor);
	file->descriptor = -1;
	if (!done || (file->name && (file->is_there ? rename(file->name, file->target) :
						      !rename_to_new(file->name, file->target))))
		return fail(file->path, HC_ERROR_IO, g_strerror(errno), error);
	g_clear_pointer(&file->name, g_free);
	return true;
}

bool hc_output_file_write(const char *path, const char *contents, size_t length, bool replace, GError **error)
{
	g_autoptr(hc_output_file) file = hc_output_file_create(path, replace, error);

	return file && hc_output_file_append(file, contents, length, error) && hc_output_file_finish(file, error);
}
