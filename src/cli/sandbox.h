/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving up rights, so that whatever a hostile core makes of the program can do little: see sandbox.c.
 *
 *	sandbox.c	in what order, and what of it this system does not have
 *	sandbox_calls.c	which system calls are let through: seccomp(2)
 *	sandbox_files.c	where files may be made: Landlock
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What is left. Can be called again with less, never with more. */
typedef enum {
	CLI_RIGHTS_TO_CAPTURE, /* all but to run programs, to talk to the network, and to change the system */
	CLI_RIGHTS_TO_READ,    /* to read files, to start threads, and to write where a sandbox_needs says */
} cli_rights;

/* What may be done below a folder: bits. */
enum {
	SANDBOX_WRITE = 1,	    /* to files that are there, or have no name */
	SANDBOX_MAKE = 2,	    /* files */
	SANDBOX_REMOVE = 4,	    /* likewise */
	SANDBOX_MAKE_FOLDERS = 8,   /* and move files between them */
	SANDBOX_REMOVE_FOLDERS = 16 /* which are empty */
};

typedef struct sandbox_folder {
	char *path;
	unsigned may; /* bits of the above */
} sandbox_folder;

typedef struct sandbox_needs {
	cli_rights rights;
	bool network;	 /* debuginfod may be asked */
	bool names;	 /* files are made that have names, renamed or removed */
	GArray *folders; /* of sandbox_folder: where; those that are not there are left out */
} sandbox_needs;

/* sandbox.c */

/* What reading does besides. */
typedef struct sandbox_uses {
	const char *output; /* the file that will be written; NULL: none */
	const char *held;   /* the folder of a capture that will be removed; likewise */
	bool processes; /* files are named by way of another process (/proc/PID/root), which takes the rights of its debugger */
} sandbox_uses;

/* Whether PATH is of the kind that sandbox_uses.processes is about. NULL: no. */
bool cli_sandbox_is_of_process(const char *path);

/* Returns what could not be given up, in words, to be freed; NULL: all was. */
char *cli_sandbox_enter(cli_rights rights, const sandbox_uses *uses);

/* What this system offers, a line for --version; to be freed. */
char *cli_sandbox_describe(void);

/* sandbox_calls.c: for this thread and all others. FALSE: the system cannot, and *RET_REASON says why. */
bool cli_sandbox_filter_calls(const sandbox_needs *needs, const char **ret_reason);

/* Whether the kernel has such filters, and we know its numbers. */
bool cli_sandbox_has_filters(void);

/* sandbox_files.c: for this thread, and those that it starts. FALSE: the system cannot. */
bool cli_sandbox_protect_files(const sandbox_needs *needs);

/* Landlock's version; 0: the kernel has none. */
unsigned cli_sandbox_landlock_version(void);

/* Whether files without a name can be made in FOLDER (O_TMPFILE). */
bool cli_sandbox_has_nameless_files(const char *folder);
