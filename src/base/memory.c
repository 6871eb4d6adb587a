/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MemAvailable of /proc/meminfo; and of each control group with a limit, from ours up to the root: the limit less what is used, but for
 * the pages of files, which go when others are wanted (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst). And what a limit of
 * the address space (RLIMIT_AS: ulimit -v) leaves, which the pages of files count for as well.
 */
#include "base/memory.h"

#include "base/cgroup.h"
#include "base/file.h"

#include <string.h>
#include <sys/resource.h>

enum {
	FILE_LIMIT = 1 << 20,
	LEVELS_MAX = 64
};

static char *read_file(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	return hc_file_read(path, FILE_LIMIT, NULL, NULL);
}

/* The number behind KEY at the beginning of a line of TEXT; MISSING if there is none. */
static uint64_t field(const char *text, const char *key, uint64_t missing)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length))
			return g_ascii_strtoull(line + length, NULL, 10);
	}
	return missing;
}

/* The number that FOLDER's file NAME is; MISSING if it is none: "max", or no such file. */
static uint64_t number(const char *folder, const char *name, uint64_t missing)
{
	g_autofree char *text = read_file(folder, name);

	return text && g_ascii_isdigit(*text) ? g_ascii_strtoull(text, NULL, 10) : missing;
}

/* What one group leaves; UINT64_MAX: it has no limit. */
static uint64_t left_by_group(const char *folder)
{
	uint64_t limit = number(folder, "memory.max", number(folder, "memory.limit_in_bytes", UINT64_MAX));
	uint64_t used = number(folder, "memory.current", number(folder, "memory.usage_in_bytes", 0));

	if (limit == UINT64_MAX)
		return UINT64_MAX;
	g_autofree char *statistics = read_file(folder, "memory.stat");
	uint64_t files = field(statistics, "total_inactive_file ", field(statistics, "inactive_file ", 0)) +
			 field(statistics, "total_active_file ", field(statistics, "active_file ", 0));

	used -= MIN(used, files);
	return limit - MIN(limit, used);
}

/* The same of the group in FOLDER and all that it is in. FOLDER is cut short. */
static uint64_t left_by_groups(char *folder)
{
	uint64_t left = UINT64_MAX;

	for (unsigned i = 0; i < LEVELS_MAX && strcmp(folder, "/"); i++) {
		uint64_t one = left_by_group(folder);
		char *slash = strrchr(folder, '/');

		left = MIN(left, one);
		if (!slash || slash == folder)
			break;
		*slash = '\0';
	}
	return left;
}

/* What the limit of the address space of the process in FOLDER leaves; UINT64_MAX: it has none. */
static uint64_t left_of_addresses(const char *folder)
{
	g_autofree char *limits = read_file(folder, "limits"), *status = read_file(folder, "status");
	/* "unlimited" is read as 0, with which no process could run. */
	uint64_t limit = field(limits, "Max address space", 0), used = field(status, "VmSize:", 0);

	return limit ? limit - MIN(limit, used > UINT64_MAX / 1024 ? UINT64_MAX : used * 1024) : UINT64_MAX;
}

uint64_t hc_memory_available(const char *proc, const char *process)
{
	g_autofree char *own_folder = g_build_filename(proc, process, NULL);
	g_autofree char *own_groups = g_build_filename(process, "cgroup", NULL);
	g_autofree char *system = read_file(proc, "meminfo"), *groups = read_file(proc, own_groups),
			*mounts = read_file(proc, "self/mountinfo");
	uint64_t pages = field(system, "MemAvailable:", UINT64_MAX);
	uint64_t available = pages > UINT64_MAX / 1024 ? UINT64_MAX : pages * 1024;
	uint64_t addresses = left_of_addresses(own_folder);

	available = MIN(available, addresses);
	if (!groups || !mounts)
		return available;
	g_autoptr(GPtrArray) folders = hc_cgroup_memory_folders(groups, mounts);

	for (unsigned i = 0; i < folders->len; i++) {
		uint64_t left = left_by_groups(folders->pdata[i]);

		available = MIN(available, left);
	}
	return available;
}

uint64_t hc_memory_peak(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}
