/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files of the user's that are read; output_file.h has those that are made. */
#pragma once

#include "base/error.h"

/*
 * All of the file PATH, NUL-terminated behind its end; *RET_LENGTH may be NULL. Fails with HC_ERROR_IO, also if it is longer than
 * LIMIT bytes, of which no more is read, or no regular file, such as a pipe that nobody writes to; with HC_ERROR_NO_MEMORY if there is none. Free with g_free().
 */
char *hc_file_read(const char *path, size_t limit, size_t *ret_length, GError **error);

/* The same of a key file (GKeyFile). Fails with HC_ERROR_BAD_DATA too, if it is none. Free with g_key_file_unref(). */
GKeyFile *hc_file_read_keys(const char *path, size_t limit, GError **error);

/*
 * PATH, mapped; with WRITABLE privately, so that a change stays in memory. Fails with HC_ERROR_IO, also if it is no regular file: such is
 * neither waited for nor read. Free with g_mapped_file_unref().
 */
GMappedFile *hc_file_map(const char *path, bool writable, GError **error);

/* The first LENGTH bytes of PATH, or as many as there are, in BUFFER. 0 if it cannot be read, or is no regular file. */
size_t hc_file_peek(const char *path, char *buffer, size_t length);

/* True if there is nothing of that name, as opposed to what may not be read. */
bool hc_file_is_missing(const char *path);

/*
 * Where PATH, absolute, is below the folder ROOT ("" for /), symbolic links on the way followed as they would be if ROOT were /: absolute
 * ones begin there, and ".." leads no further up. What is not there, or leads in a circle, is as it was named. Free with g_free().
 */
char *hc_file_below(const char *root, const char *path);
