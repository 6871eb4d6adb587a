/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/scratch.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	MEMORY_SHARE = 2,     /* one in so many bytes of memory that are free may be taken */
	DISK_SPARE = 64 << 20 /* bytes of the disk that stay free */
};

int hc_scratch_on_disk(char **ret_folder, GError **error)
{
	const char *named = g_getenv("TMPDIR"), *folder = named && *named ? named : "/var/tmp";
	int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (file < 0) { /* not every file system has such files */
		g_autofree char *path = g_build_filename(folder, "heapcore-XXXXXX", NULL);

		file = mkostemp(path, O_CLOEXEC);
		if (file >= 0)
			unlink(path);
	}
	if (file < 0)
		g_set_error(error, HC_ERROR, HC_ERROR_IO,
			"cannot make a temporary file in %s: %s (TMPDIR names another folder)", folder,
			g_strerror(errno));
	else if (ret_folder)
		*ret_folder = g_strdup(folder);
	return file;
}

uint64_t hc_scratch_room(int file)
{
	struct statvfs status;
	uint64_t available = fstatvfs(file, &status) ? 0 : (uint64_t)status.f_bavail * status.f_frsize;

	return available - MIN(available, DISK_SPARE);
}

int hc_scratch_open(uint64_t size, uint64_t memory, GError **error)
{
	uint64_t available = MIN(hc_memory_available("/proc", "self"), memory), room;
	char need[HC_TEXT_SIZE_LENGTH], have[HC_TEXT_SIZE_LENGTH], free[HC_TEXT_SIZE_LENGTH];
	g_autofree char *folder = NULL;
	int file = size <= available / MEMORY_SHARE ? memfd_create("heapcore", MFD_CLOEXEC) : -1;

	if (file >= 0)
		return file;
	file = hc_scratch_on_disk(&folder, error);
	if (file < 0)
		return -1;
	room = hc_scratch_room(file);
	if (size <= room)
		return file;
	close(file);
	g_set_error(error, HC_ERROR, HC_ERROR_IO,
		"what has to be copied takes about %s, for which there is no room: of memory half of %s may be taken, and %s has room for %s (TMPDIR "
		"names another folder)",
		hc_text_size(need, size), hc_text_size(have, available), folder, hc_text_size(free, room));
	return -1;
}
