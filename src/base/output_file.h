/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making files: the one place for all that the user has named. A capture's are made in its folder, which is its own. */
#pragma once

#include "base/error.h"

/*
 * Whether hc_output_file_write() may write to PATH as things are: HC_ERROR_USAGE if not. With REPLACE a regular file may be there, and a
 * link to one, if no link on the way is another user's. To be asked before what is to be written takes minutes.
 */
bool hc_output_file_check(const char *path, bool replace, GError **error);

/*
 * Makes PATH a file of LENGTH bytes, at once or not at all: written beside it and renamed. It is its owner's alone (0600), unless it
 * replaces one, whose mode (and owner, if we may) it keeps. Fails as hc_output_file_check(), and with HC_ERROR_IO.
 */
bool hc_output_file_write(const char *path, const char *contents, size_t length, bool replace, GError **error);

/*
 * The same for what is too large to be held: it is written piece by piece, or by its descriptor, and is at PATH once that is finished. What is
 * destroyed before leaves nothing behind. hc_output_file_create() fails as hc_output_file_check() does.
 */
typedef struct hc_output_file hc_output_file;
hc_output_file *hc_output_file_create(const char *path, bool replace, GError **error);
void hc_output_file_destroy(hc_output_file *file);
bool hc_output_file_append(hc_output_file *file, const char *bytes, size_t length, GError **error);
bool hc_output_file_finish(hc_output_file *file, GError **error); /* nothing more can be written */
int hc_output_file_descriptor(const hc_output_file *file);	  /* it is the file's */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_output_file, hc_output_file_destroy)

/* Whether PATH, or a folder on the way to it, is a symbolic link of a user who is neither ours nor root. */
bool hc_output_file_is_misled(const char *path);
