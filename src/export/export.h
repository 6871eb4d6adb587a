/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of export/: what other tools read. The public header has the contract, docs/export.md what is in each format.
 *
 *	export.c	beginning, finishing, which function writes what
 *	samples.c	owners as stacks of frames with figures: what profilers show
 *	profile.c	pprof's profile.proto
 *	folded.c	folded stacks
 *	dot.c		Graphviz
 *	tables.c	the list of tables
 *	table_source.c	what their rows are made of
 *	memory_tables.c	the process, its memory, mappings, modules, roots
 *	owner_tables.c	types, owners, containers, lost groups
 *	block_tables.c	blocks, and the pointers between them
 *	csv.c		rows as CSV
 *	ndjson.c	rows as NDJSON
 *	sqlite.c	all tables as a database
 *	sqlite_file.c	how SQLite gets at the one file that it may write
 *	metrics.c	OpenMetrics
 *	fleet.c		rows of snapshots
 *
 * To add a table: a function that gives its rows and a row in the list of tables.c; docs/export.md. To add a format: a function here, its
 * case in export.c, its name in hc_export_format_name().
 */
#pragma once

#include <heapcore/export.h>
