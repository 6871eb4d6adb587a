/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exports: what an analysis found, in the formats that other tools read. docs/export.md tells of each what is in it.
 *
 *	hc_export_begin()		where it goes to
 *	hc_export_analysis()		one, of most formats; or ...
 *	hc_export_snapshot()		... snapshots: of HC_EXPORT_OPENMETRICS one, of a fleet's rows as many as there are
 *	hc_export_finish()		until then no file is there
 *
 * Text from the dump is escaped as each format needs.
 */
#pragma once

#include <heapcore/reports.h>

HC_BEGIN_DECLS

typedef enum {
	HC_EXPORT_PPROF,       /* pprof's profile.proto, compressed by gzip */
	HC_EXPORT_FOLDED,      /* a line for each path, "a;b;c 123": flamegraph.pl, speedscope */
	HC_EXPORT_DOT,	       /* Graphviz */
	HC_EXPORT_SQLITE,      /* a database with all tables; to a file only */
	HC_EXPORT_NDJSON,      /* a table, one JSON object a line */
	HC_EXPORT_CSV,	       /* a table, as RFC 4180 has it, with a heading */
	HC_EXPORT_OPENMETRICS, /* of a snapshot */
	HC_EXPORT_FORMAT_COUNT,
} hc_export_format;

const char *hc_export_format_name(hc_export_format format); /* "pprof", "folded", ... */

/* Whether it can be shown on a terminal. */
bool hc_export_format_is_text(hc_export_format format);

/* What is counted where a format counts one thing. */
typedef enum {
	HC_EXPORT_BYTES,
	HC_EXPORT_BLOCKS,
	HC_EXPORT_RESIDENT, /* bytes in memory; of captures only */
} hc_export_measure;

typedef struct hc_export_options {
	hc_export_format format;
	const char *table;	   /* of NDJSON and CSV: hc_export_table_name() */
	bool fleet;		   /* of these: the rows of snapshots, in place of a table */
	hc_export_measure measure; /* of folded stacks */
	uint64_t limit;	  /* of dot the rows, of OpenMetrics the owners, that are shown at most; 0: the default */
	bool no_retained; /* leave out what is retained: faster */
	unsigned jobs;	  /* threads; 0: one per processor */
	const char *path; /* the file to make; NULL: WRITE is called instead */
	bool replace;	  /* a file that is there */
	hc_report_write_function write;
	void *write_data;
	/* of a fleet's rows, and of OpenMetrics */
	const char *host;	   /* where the process ran; NULL: not known */
	int64_t time;		   /* when, in seconds since 1970; 0: as the snapshot tells, if it does */
	const char *const *labels; /* "KEY=VALUE", KEY as hc_export_is_label() says; NULL-terminated; may be NULL */
} hc_export_options;

/* The tables of HC_EXPORT_NDJSON and HC_EXPORT_CSV; HC_EXPORT_SQLITE has all of them. NULL behind the last one. */
const char *hc_export_table_name(unsigned index);

/* Whether TEXT is KEY=VALUE, with a key of letters, digits and _ that begins with no digit, and not with __. */
bool hc_export_is_label(const char *text);

typedef struct hc_export hc_export;

/*
 * OPTIONS, and what they point to, must outlive the result. A file is made beside its place then, and removed if hc_export_finish() is not
 * reached. Fails with HC_ERROR_USAGE (options that cannot be meant; something is at the path), HC_ERROR_IO, HC_ERROR_UNSUPPORTED.
 */
hc_export *hc_export_begin(const hc_export_options *options, GError **error);
void hc_export_destroy(hc_export *export);

/* Of an analysis that has run up to the types at least. Fails with HC_ERROR_IO, HC_ERROR_NO_MEMORY. */
bool hc_export_analysis(hc_export *export, const hc_analysis *analysis, GError **error);
/* HC_ERROR_USAGE: a fleet's rows need a time, and neither the options nor the snapshot tell one. */
bool hc_export_snapshot(hc_export *export, const hc_snapshot *snapshot, GError **error);
bool hc_export_finish(hc_export *export, GError **error);

/* Of SQLite, as it is loaded: "3.40.1". */
const char *hc_export_sqlite_version(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_export, hc_export_destroy)

HC_END_DECLS
