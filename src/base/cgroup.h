/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the kernel tells of the control groups that a process's memory is counted in. */
#pragma once

#include <glib.h>

/*
 * The folders of the memory controller for GROUPS, what /proc/PID/cgroup holds, with its lines "0::/path" (version 2) and
 * "4:memory:/path" (version 1); MOUNTS is /proc/self/mountinfo. Folders that are not mounted here are left out. Free with
 * g_ptr_array_unref().
 */
GPtrArray *hc_cgroup_memory_folders(const char *groups, const char *mounts);
