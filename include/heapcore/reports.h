/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reports: what an analysis found, as text for people or as JSON for programs. docs/json.md describes the JSON.
 *
 * A report is written piece by piece into a function of the caller, so that a list of ten million blocks needs no
 * memory. Strings from the dump are escaped for where they go.
 */
#pragma once

#include <heapcore/diff.h>
#include <heapcore/places.h>

HC_BEGIN_DECLS

/* This library's version, "0.1.0"; the number of the JSON's schema, which rises when a key changes its meaning or goes. */
const char *hc_version(void);
enum {
	HC_REPORT_SCHEMA = 1
};

/* The libraries that this one works with, each with the version that is loaded: "GLib 2.74.6, elfutils 0.188, ...". Free it with g_free(). */
char *hc_describe_libraries(void);

typedef enum {
	HC_REPORT_TEXT,
	HC_REPORT_JSON,
} hc_report_format;

/* Takes LENGTH bytes of the report (never 0). FALSE stops the report, which then fails with HC_ERROR_IO. */
typedef bool (*hc_report_write_function)(const char *text, size_t length, void *data);

typedef struct hc_report_options {
	hc_report_format format;
	bool colour;	    /* text: with escape sequences of a terminal */
	bool verbose;	    /* text: empty rows and examples too, nothing shortened */
	bool exact; /* text: sizes in tables and lines of facts to the byte; those within sentences stay rounded */
	unsigned width;	    /* text: columns of the terminal; 0: 100 */
	const char *binary; /* the program's file as the user named it, repeated in the commands shown; or NULL */
	const char *repeated_options; /* more to repeat there ("--sysroot /mnt"), quoted for a shell; or NULL */
	hc_report_write_function write;
	void *write_data;
} hc_report_options;

const char *hc_stage_text(hc_stage stage); /* "reading the heap", for progress */

/*
 * The reports. Each needs the analysis to have run up to the stage named, and fails only with HC_ERROR_IO, when the
 * write function did, or as said.
 */
bool hc_report_analysis(const hc_analysis *analysis, const hc_report_options *options, GError **error); /* findings */
bool hc_report_diff(const hc_diff *diff, const hc_report_options *options, GError **error);

/*
 * Pages for a browser: one HTML file that needs nothing else, of at most HC_PAGE_SIZE_MAX bytes whatever the core is. It has the reports as JSON,
 * with what was left out of them, and a script that draws them. Of an analysis: the reports of analyze, owners, leaks, containers, types,
 * pins and mappings, and a map of the heap; findings; JOBS as in hc_analysis_options. Of OPTIONS only binary, repeated_options and the
 * write function count.
 */
enum {
	HC_PAGE_SIZE_MAX = 3000000
};
bool hc_report_analysis_page(
	const hc_analysis *analysis, unsigned jobs, const hc_report_options *options, GError **error);
bool hc_report_diff_page(const hc_diff *diff, const hc_report_options *options, GError **error);

/*
 * A report as a file: written at once or not at all, and its owner's alone (0600). With REPLACE a regular file may be there, which keeps
 * its mode. Fails with HC_ERROR_USAGE if PATH may not be written, which the first tells beforehand, and with HC_ERROR_IO.
 */
bool hc_report_may_write(const char *path, bool replace, GError **error);
bool hc_report_write_file(const char *path, const char *bytes, size_t length, bool replace, GError **error);

/*
 * A line of a process that is watched: when SNAPSHOT was taken, what was resident, and the first line of what DIFF, from the first snapshot
 * to this one, says; NULL: this is the first. As text only.
 */
bool hc_report_step(const hc_snapshot *snapshot, const hc_diff *diff, const hc_report_options *options, GError **error);

/* That SNAPSHOT was written to PATH, SIZE bytes. */
bool hc_report_snapshot(
	const hc_snapshot *snapshot, const char *path, uint64_t size, const hc_report_options *options, GError **error);

/* What was captured in DIRECTORY. */
bool hc_report_capture(
	const hc_side_facts *facts, const char *directory, const hc_report_options *options, GError **error);
bool hc_report_arenas(const hc_analysis *analysis, const hc_report_options *options, GError **error);	/* blocks */
bool hc_report_mappings(const hc_analysis *analysis, const hc_report_options *options, GError **error); /* areas */
bool hc_report_threads(const hc_analysis *analysis, const hc_report_options *options, GError **error);	/* areas */

/*
 * Everything known of ADDRESS. References. SITES tell which calls may have made the block; NULL: that is not told. HC_ERROR_NOT_MAPPED if the
 * process had nothing there.
 */
bool hc_report_block(const hc_analysis *analysis, hc_address address, hc_sites *sites, const hc_report_options *options,
	GError **error);

/* Where the search for pointers began, and where not, and why. References. */
bool hc_report_roots(const hc_analysis *analysis, const hc_report_options *options, GError **error);

/* At most LIMIT paths that lead to the block that holds ADDRESS. References. HC_ERROR_NOT_MAPPED if it is in none; HC_ERROR_NO_MEMORY. */
bool hc_report_path(const hc_analysis *analysis, hc_address address, unsigned limit, const hc_report_options *options,
	GError **error);

typedef enum {
	HC_CHUNKS_BY_ADDRESS,
	HC_CHUNKS_BY_SIZE, /* largest first, then by address */
} hc_chunks_order;

/* Which blocks hc_report_chunks() lists. All conditions must hold. */
typedef struct hc_chunks_filter {
	unsigned states;   /* bits 1u << hc_block_state; 0: all but fenceposts, foreign, unreadable */
	uint32_t arena;	   /* index, HC_ARENA_NONE for mmapped ones, or HC_ARENA_ALL */
	uint64_t minimum;  /* usable bytes, inclusive */
	uint64_t maximum;  /* usable bytes, inclusive; UINT64_MAX: no bound */
	bool labelled;	   /* only those of libc and the runtime */
	bool lost;	   /* only those that are lost, directly or indirectly */
	const char *type;  /* only blocks in use of this type, as hc_report_instances() takes it; NULL: any */
	const char *owner; /* only what hangs on this path, as hc_report_owners() has it, or below; NULL: any */
	hc_chunks_order order;
	uint64_t limit; /* at most so many; 0: all */
} hc_chunks_filter;

/* A filter that lets everything through, in order of address, without limit. */
#define HC_CHUNKS_FILTER_INIT ((hc_chunks_filter){ .arena = HC_ARENA_ALL, .maximum = UINT64_MAX })

/*
 * The blocks, one a line (JSON too: one object a line). Blocks; with filter->lost: references; with filter->type or filter->owner: types.
 * Also fails with HC_ERROR_NO_MEMORY: sorting by size without a limit takes 16 bytes a block; and with HC_ERROR_USAGE if there is no such
 * type or owner.
 */
bool hc_report_chunks(
	const hc_analysis *analysis, const hc_chunks_filter *filter, const hc_report_options *options, GError **error);

/* What hc_report_leaks() shows. */
typedef struct hc_leaks_view {
	const hc_suppressions *suppressions; /* to show their uses; may be NULL */
	uint64_t limit;			     /* groups, at most; 0: all */
	bool addresses;			     /* every block of every group, shown or not */
	hc_sites *sites;		     /* to tell which calls may have made the blocks; NULL: that is not told */
} hc_leaks_view;

/* The lost blocks by group. References. Also fails with HC_ERROR_NO_MEMORY. */
bool hc_report_leaks(const hc_analysis *analysis, const hc_leaks *leaks, const hc_leaks_view *view,
	const hc_report_options *options, GError **error);

/* Which containers hc_report_containers() shows. All conditions must hold. */
typedef struct hc_containers_view {
	bool by_elements;     /* most elements first; else most bytes */
	const char *type;     /* a pattern with * and ?, or what the type must contain; NULL: any */
	const char *variable; /* the same for the path */
	int64_t thread;	      /* of the stack or thread-local storage that the path begins in; 0: any */
	uint64_t minimum;     /* bytes below */
	uint64_t limit;	      /* rows; 0: all */
} hc_containers_view;

/* The containers that variables lead to. Types. */
bool hc_report_containers(
	const hc_analysis *analysis, const hc_containers_view *view, const hc_report_options *options, GError **error);

/* Which rows hc_report_owners() shows. */
typedef struct hc_owners_view {
	const char *
		path; /* the row that has it, or that the block at this address ("0x...") is of, and what is below; NULL: all */
	unsigned depth;	  /* levels, from 1 on */
	uint64_t minimum; /* bytes held or retained; UINT64_MAX: 1 % of what is in use */
	uint64_t limit;	  /* rows of level 0; 0: all */
	const char *
		focus; /* only what is of a row that this regular expression fits, or below one; NULL: all. The path and the type */
	const char *ignore; /* nothing of such rows; NULL: all */
	/*
	 * With PATH: read the program's code for the calls that may have made the blocks which the row has itself, and those of rows below it that have no
	 * type. It may take seconds.
	 */
	bool sites;
} hc_owners_view;

/*
 * Who holds and retains what is in use. Types. Also fails with HC_ERROR_USAGE if nothing has view->path, or if a pattern is no regular
 * expression.
 */
bool hc_report_owners(const hc_analysis *analysis, const hc_ownership *ownership, const hc_owners_view *view,
	const hc_report_options *options, GError **error);

/* What hc_report_check() shows. */
typedef struct hc_check_view {
	uint64_t limit; /* places, at most; 0: all */
} hc_check_view;

/* Where the heap is damaged. Blocks; whose the likely writers are: types. */
bool hc_report_check(const hc_analysis *analysis, const hc_check *check, const hc_check_view *view,
	const hc_report_options *options, GError **error);

/* Classes that two parts of the program see differently; at most LIMIT (0: all). What it did to the heap: types. */
bool hc_report_abi(const hc_analysis *analysis, const hc_abi *abi, uint64_t limit, const hc_report_options *options,
	GError **error);

/* Blocks that hold the same; at most LIMIT groups (0: all). References; who holds them: types. */
bool hc_report_duplicates(const hc_analysis *analysis, const hc_duplicates *duplicates, uint64_t limit,
	const hc_report_options *options, GError **error);

/* What the blocks are; at most LIMIT rows (0: all). Types. */
bool hc_report_types(const hc_analysis *analysis, uint64_t limit, const hc_report_options *options, GError **error);

/* Which blocks hc_report_instances() lists. */
typedef struct hc_instances_view {
	/*
	 * A type as hc_report_types() names it; or written otherwise, or without its namespaces, if only one is meant. Of the rows of all
	 * certainties.
	 */
	const char *type;
	hc_chunks_order order;
	uint64_t limit; /* at most so many; 0: all */
	hc_sites
		*sites; /* to tell which calls may have made the blocks of most frequent size; NULL: that is not told */
} hc_instances_view;

/*
 * The blocks of one type, each with who holds it and what it says. Types. Also fails with HC_ERROR_USAGE if there is no such type, or
 * several are meant: the message names some; and with HC_ERROR_NO_MEMORY.
 */
bool hc_report_instances(
	const hc_analysis *analysis, const hc_instances_view *view, const hc_report_options *options, GError **error);

/*
 * What keeps free memory of the heap from going back; at most LIMIT runs and holders (0: all). Blocks; who holds the blocks by type:
 * types.
 */
bool hc_report_pins(const hc_analysis *analysis, uint64_t limit, const hc_report_options *options, GError **error);

/* What hc_report_show() shows. */
typedef struct hc_show_view {
	int64_t thread; /* of locals; 0: any */
	int frame;	/* of locals; -1: any */
	uint64_t first; /* element of a container or array */
	unsigned limit; /* elements or members */
} hc_show_view;

/* The object that EXPRESSION names (hc_types_evaluate()). Types. Fails as that does. */
bool hc_report_show(const hc_analysis *analysis, const char *expression, const hc_show_view *view,
	const hc_report_options *options, GError **error);

HC_END_DECLS
