/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIECE_LEAST = 16 << 10, /* bytes of one read() */
	PIECE_MOST = 8 << 20,
	LINKS_MOST = 40, /* on the way to a file, as path_resolution(7) has it */
};

static bool fail(const char *path, const char *reason, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", path, reason);
	return false;
}

/* Opens a regular file; of anything else nothing is read, and nothing waits for who writes to it. -1: *ERROR is set. */
static int open_regular(const char *path, GError **error)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (file < 0 || fstat(file, &status))
		fail(path, g_strerror(errno), error);
	else if (S_ISDIR(status.st_mode))
		fail(path, g_strerror(EISDIR), error);
	else if (!S_ISREG(status.st_mode))
		fail(path, "not a regular file", error);
	else
		return file;
	if (file >= 0)
		close(file);
	return -1;
}

/*
 * Reads FILE to its end, or one byte beyond LIMIT. The files of /proc say that they are empty, so how long a file is shows only at its
 * end. NULL: errno says why. Free with g_free().
 */
static char *read_to_end(int file, size_t limit, size_t *ret_length)
{
	size_t length = 0, room = 0;
	char *contents = NULL;

	for (;;) {
		if (length + 1 >= room) {
			size_t more = MIN(room + CLAMP(room, PIECE_LEAST, PIECE_MOST), limit + 2);
			char *larger = g_try_realloc(contents, more);

			if (!larger) {
				errno = ENOMEM;
				break;
			}
			contents = larger;
			room = more;
		}
		ssize_t count = read(file, contents + length, room - length - 1);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			break;
		length += count;
		if (!count || length > limit) {
			contents[length] = '\0';
			*ret_length = length;
			return contents;
		}
	}
	g_free(contents);
	return NULL;
}

char *hc_file_read(const char *path, size_t limit, size_t *ret_length, GError **error)
{
	int file = open_regular(path, error);
	g_autofree char *contents = NULL;
	size_t length;

	if (file < 0)
		return NULL;
	contents = read_to_end(file, limit, &length);
	if (!contents)
		g_set_error(error, HC_ERROR, errno == ENOMEM ? HC_ERROR_NO_MEMORY : HC_ERROR_IO, "%s: %s", path,
			g_strerror(errno));
	close(file);
	if (!contents)
		return NULL;
	if (length > limit) {
		g_set_error(
			error, HC_ERROR, HC_ERROR_IO, "%s: too long, more than %" G_GSIZE_FORMAT " bytes", path, limit);
		return NULL;
	}
	if (ret_length)
		*ret_length = length;
	return g_steal_pointer(&contents);
}

GKeyFile *hc_file_read_keys(const char *path, size_t limit, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) reason = NULL;
	size_t length;
	g_autofree char *contents = hc_file_read(path, limit, &length, error);

	if (!contents)
		return NULL;
	if (!g_key_file_load_from_data(file, contents, length, G_KEY_FILE_NONE, &reason)) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: %s", path, reason->message);
		return NULL;
	}
	return g_steal_pointer(&file);
}

GMappedFile *hc_file_map(const char *path, bool writable, GError **error)
{
	g_autoptr(GError) reason = NULL;
	int file = open_regular(path, error);
	GMappedFile *mapped = file < 0 ? NULL : g_mapped_file_new_from_fd(file, writable, &reason);

	if (file >= 0)
		close(file);
	if (g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOMEM))
		hc_memory_end(); /* or a file that is there would be told as missing */
	if (reason)
		fail(path, reason->message, error);
	return mapped;
}

bool hc_file_is_missing(const char *path)
{
	struct stat status;

	return lstat(path, &status) && (errno == ENOENT || errno == ENOTDIR);
}

size_t hc_file_peek(const char *path, char *buffer, size_t length)
{
	int file = open_regular(path, NULL);
	ssize_t count = file < 0 ? 0 : read(file, buffer, length);

	if (file >= 0)
		close(file);
	return count > 0 ? (size_t)count : 0;
}

/* ---- below another root ---- */

/* A link on the way: *REST is what is still to be walked behind it, DONE what was, with the link's own name at its end. */
static void follow(GString *done, char **rest, const char *target)
{
	g_autofree char *behind = *rest;

	*rest = g_strconcat(target, "/", behind, NULL);
	g_string_truncate(done, *target == '/' ? 0 : (gsize)(strrchr(done->str, '/') - done->str));
}

char *hc_file_below(const char *root, const char *path)
{
	g_autoptr(GString) done = g_string_new(NULL);
	g_autofree char *rest = g_strdup(path);
	unsigned links = 0;
	size_t at = 0;

	while (*root && rest[at]) {
		size_t length = strcspn(rest + at, "/");
		const char *up = strrchr(done->str, '/');

		if (length == 2 && !strncmp(rest + at, "..", 2)) {
			g_string_truncate(done, up ? (gsize)(up - done->str) : 0);
		} else if (length && !(length == 1 && rest[at] == '.')) {
			g_string_append_c(done, '/');
			g_string_append_len(done, rest + at, (gssize)length);
			g_autofree char *place = g_strconcat(root, done->str, NULL),
					*target = g_file_read_link(place, NULL);

			if (target && links++ == LINKS_MOST)
				return g_strconcat(root, path, NULL);
			if (target) {
				memmove(rest, rest + at + length, strlen(rest + at + length) + 1);
				follow(done, &rest, target);
				at = 0;
				continue;
			}
		}
		at += length + (rest[at + length] == '/');
	}
	return g_strconcat(root, *root ? done->str : path, NULL);
}
