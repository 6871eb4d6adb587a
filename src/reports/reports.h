/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reports: an analysis as text or JSON. Front door; the public header has the contract.
 *
 * How one is made. A report is described once and rendered by format:
 *	output.h	the sink: bytes to the caller's function, in large pieces; colours; wrapped paragraphs
 *	record.h	facts with a title (text), a key (JSON), or both: objects and lines, arrays and tables
 *	json.h		what jansson lacks: addresses as strings, bytes that may be no UTF-8, amounts
 *	parts.h		pieces that several reports show: process, files, arenas, memory rows, findings, diagnostics
 *	<report>.c	one a report: analyze.c, diff.c, arenas.c, leaks.c, ...
 *	page.h		several reports as a page for a browser
 * Lists that can have millions of rows (chunks) are formatted line by line and never held.
 *
 * To add a report: a function in <heapcore/reports.h>, its file here, its keys in docs/json.md and
 * docs/heapcore.schema.json, a command in src/cli.
 */
#pragma once

#include <heapcore/reports.h>
