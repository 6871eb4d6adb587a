/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that stand in no folder: what is in them is gone with their last descriptor, however the process ends. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/*
 * An empty one on the disk: in the folder that TMPDIR names, else in /var/tmp. A descriptor, or -1: HC_ERROR_IO. FOLDER (may be NULL) gets the
 * folder's name, to be freed with g_free().
 */
int hc_scratch_on_disk(char **ret_folder, GError **error);

/*
 * An empty one for SIZE bytes: in memory, if it takes no more than half of what the system has to give and of MEMORY,
 * else on the disk. -1: HC_ERROR_IO, it fits nowhere; the message has the figures.
 */
int hc_scratch_open(uint64_t size, uint64_t memory, GError **error);

/* Bytes that may still be written to a file on the disk: what is free, but for what is to stay so. */
uint64_t hc_scratch_room(int file);
