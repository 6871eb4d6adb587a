/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

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

bool hc_file_write(const char *path, const char *contents, size_t length, GError **error)
{
	g_autoptr(GError) reason = NULL;

	if (g_file_set_contents_full(path, contents, length, G_FILE_SET_CONTENTS_CONSISTENT, 0666, &reason))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s", reason->message);
	return false;
}

size_t hc_file_peek(const char *path, char *buffer, size_t length)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t count = file < 0 ? 0 : read(file, buffer, length);

	if (file >= 0)
		close(file);
	return count > 0 ? (size_t)count : 0;
}
