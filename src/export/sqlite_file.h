/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that SQLite writes by a descriptor, and no other. */
#pragma once

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>

typedef struct hc_sqlite_file {
	sqlite3_vfs system;
	char name[48]; /* of the system, and of its file */
	int descriptor;
} hc_sqlite_file;

/* Until it is forgotten, sqlite3_open_v2() with file->name for the file and the system opens DESCRIPTOR, which stays the caller's. */
bool hc_sqlite_file_register(hc_sqlite_file *file, int descriptor);
void hc_sqlite_file_forget(hc_sqlite_file *file);
