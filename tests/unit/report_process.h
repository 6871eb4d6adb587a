/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small process with a bit of everything, for tests of what reads a whole analysis (reports,
 * conditions of --fail-on): a program with debug info, a libc of which another build is here, two
 * threads, two arenas, blocks of most states, of which some are lost.
 *
 *	g_auto(report_process) process = report_process_create(NULL);
 *	... what the test wants to be different: heap_malloc(process.heap, ...) ...
 *	if (!report_process_run(&process))
 *		return;
 *	... process.analysis ...
 */
#pragma once

#include "program_builder.h"
#include "test_process.h"

typedef struct report_names {
	const char *process, *arguments, *session; /* of the type of g_sessions' blocks */
	const char *program;			   /* its path in the process */
	const char *core;			   /* the core's file name */
} report_names;

typedef struct report_process {
	test_process process;
	core_builder *core; /* of PROCESS */
	heap_builder *heap; /* of PROCESS */
	report_names names;
	char *folder; /* with the core, and, as a sysroot, the program and another build of libc */
	char *core_path;
	unsigned arena;		     /* of thread 1 */
	const hc_analysis *analysis; /* set by report_process_run() */

	/* Blocks, by address; sizes are usable bytes. In the main arena, in this order: */
	hc_address cache;   /* 648, thread 0's */
	hc_address small;   /* 24, held by libc's data; begins with the program's address */
	hc_address cached;  /* 40, in the cache */
	hc_address lost;    /* 40, "LOG/1\n"; its word 2 leads to CHILD, whose word 1 leads back to LOST+4 */
	hc_address session; /* 40, g_sessions[0] */
	hc_address large;   /* 2040, free in a large bin */
	hc_address app;	    /* 24, g_app */
	hc_address state;   /* 24, g_app->state: 7 elements */
	hc_address array;   /* 56, its data */
	hc_address filler;  /* 3000, held by libc's data */
	hc_address top;	    /* of the main arena */
	/* In the arena of thread 1, which does not have as much memory as it says: */
	hc_address child;     /* 104 */
	hc_address keeper;    /* 1688, held by libc's data */
	hc_address fencepost; /* at the end of the arena's first heap */
	hc_address second_top;
	/* By mmap: */
	hc_address mapped; /* 1048560, held by libc's data */
} report_process;

enum {
	REPORT_MAIN_SIZE = 0x4000,
	REPORT_HEAP_SIZE = 0x1000, /* of each of the two heaps of the second arena */
	REPORT_LEFT_OUT = 0x3000,  /* bytes of memory that are not in the core */
	REPORT_CUT = 0x1000,	   /* bytes by which the file is too short: of anonymous memory */
	REPORT_ELEMENTS = 7
};

/* NAMES: of which any may be NULL: what one expects. NULL: all. */
report_process report_process_create(const report_names *names);

/* Analyses it. FALSE, and the test has failed, if there is no analysis. */
bool report_process_run(report_process *process);

/* After the analysis, which keeps open what it has read. */
void report_process_remove_files(report_process *process);
void report_process_clear(report_process *process);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(report_process, report_process_clear)
