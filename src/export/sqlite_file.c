/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How SQLite gets at the file that it may write: by a descriptor that is there. SQLite would open the file by its name, and others beside it; the
 * sandbox lets nothing be opened for writing but files that are new, and one place in the program makes those (base/output_file.c).
 *
 * So there is a file system of our own (sqlite.org/vfs.html) with one file. What SQLite wants for sorting, when an index is made, has no name: it
 * gets a file of base/scratch.h. Nobody else can open either, so locks do nothing.
 */
#include "export/sqlite_file.h"

#include "base/scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct opened {
	sqlite3_file base; /* first, as SQLite sees only this */
	int descriptor;
	bool is_ours; /* to be closed */
};

static int descriptor_of(sqlite3_file *file)
{
	return ((struct opened *)file)->descriptor;
}

static int close_file(sqlite3_file *file)
{
	struct opened *opened = (struct opened *)file;

	return opened->is_ours && close(opened->descriptor) ? SQLITE_IOERR_CLOSE : SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *buffer, int size, sqlite3_int64 offset)
{
	char *bytes = buffer;

	while (size > 0) {
		ssize_t done = pread(descriptor_of(file), bytes, (size_t)size, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return SQLITE_IOERR_READ;
		if (!done)
			break;
		bytes += done;
		offset += done;
		size -= (int)done;
	}
	memset(bytes, 0, (size_t)size);
	return size ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int write_file(sqlite3_file *file, const void *buffer, int size, sqlite3_int64 offset)
{
	const char *bytes = buffer;

	while (size > 0) {
		ssize_t done = pwrite(descriptor_of(file), bytes, (size_t)size, offset);

		if (done < 0 && errno != EINTR)
			return errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
		done = MAX(done, 0);
		bytes += done;
		offset += done;
		size -= (int)done;
	}
	return SQLITE_OK;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
	return ftruncate(descriptor_of(file), size) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

/* Who makes the file synchronizes it once it is whole. */
static int sync_file(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	return SQLITE_OK;
}

static int tell_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	struct stat status;

	if (fstat(descriptor_of(file), &status))
		return SQLITE_IOERR_FSTAT;
	*ret_size = status.st_size;
	return SQLITE_OK;
}

static int lock_file(sqlite3_file *file, int kind)
{
	(void)file;
	(void)kind;
	return SQLITE_OK;
}

static int is_locked(sqlite3_file *file, int *ret_is)
{
	(void)file;
	*ret_is = false;
	return SQLITE_OK;
}

static int control_file(sqlite3_file *file, int what, void *argument)
{
	(void)file;
	(void)what;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int characteristics(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = close_file,
	.xRead = read_file,
	.xWrite = write_file,
	.xTruncate = truncate_file,
	.xSync = sync_file,
	.xFileSize = tell_size,
	.xLock = lock_file,
	.xUnlock = lock_file,
	.xCheckReservedLock = is_locked,
	.xFileControl = control_file,
	.xSectorSize = sector_size,
	.xDeviceCharacteristics = characteristics,
};

static int open_file(sqlite3_vfs *system, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct opened *opened = (struct opened *)file;
	const hc_sqlite_file *database = system->pAppData;
	bool is_main = flags & SQLITE_OPEN_MAIN_DB;

	opened->base.pMethods = NULL;
	if (!is_main && name)
		return SQLITE_CANTOPEN; /* a journal: there is none */
	opened->is_ours = !is_main;
	opened->descriptor = is_main ? database->descriptor : hc_scratch_on_disk(NULL, NULL);
	if (opened->descriptor < 0)
		return SQLITE_CANTOPEN;
	opened->base.pMethods = &methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int remove_file(sqlite3_vfs *system, const char *name, int sync)
{
	(void)system;
	(void)name;
	(void)sync;
	return SQLITE_OK;
}

static int may_access(sqlite3_vfs *system, const char *name, int flags, int *ret_may)
{
	(void)system;
	(void)name;
	(void)flags;
	*ret_may = false;
	return SQLITE_OK;
}

static int full_name(sqlite3_vfs *system, const char *name, int size, char *ret_name)
{
	(void)system;
	g_strlcpy(ret_name, name, (gsize)size);
	return SQLITE_OK;
}

static int randomness(sqlite3_vfs *system, int size, char *bytes)
{
	(void)system;
	for (int i = 0; i < size; i++)
		bytes[i] = (char)g_random_int();
	return size;
}

static int sleep_for(sqlite3_vfs *system, int microseconds)
{
	(void)system;
	return microseconds;
}

/* Nothing that is written has a time in it. */
static int current_time(sqlite3_vfs *system, double *ret_time)
{
	(void)system;
	*ret_time = 0;
	return SQLITE_OK;
}

static int last_error(sqlite3_vfs *system, int size, char *text)
{
	(void)system;
	(void)size;
	(void)text;
	return 0;
}

bool hc_sqlite_file_register(hc_sqlite_file *file, int descriptor)
{
	g_snprintf(file->name, sizeof file->name, "heapcore-%p", (void *)file);
	file->descriptor = descriptor;
	file->system = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct opened),
		.mxPathname = sizeof file->name,
		.zName = file->name,
		.pAppData = file,
		.xOpen = open_file,
		.xDelete = remove_file,
		.xAccess = may_access,
		.xFullPathname = full_name,
		.xRandomness = randomness,
		.xSleep = sleep_for,
		.xCurrentTime = current_time,
		.xGetLastError = last_error,
	};
	return sqlite3_vfs_register(&file->system, false) == SQLITE_OK;
}

void hc_sqlite_file_forget(hc_sqlite_file *file)
{
	sqlite3_vfs_unregister(&file->system);
}
