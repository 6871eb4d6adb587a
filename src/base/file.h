/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files of the user's. */
#pragma once

#include "base/error.h"

/*
 * All of the file PATH, NUL-terminated behind its end; *RET_LENGTH may be NULL. Fails with HC_ERROR_IO, also if it is longer than
 * LIMIT bytes. Free with g_free().
 */
char *hc_file_read(const char *path, size_t limit, size_t *ret_length, GError **error);
