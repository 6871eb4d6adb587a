/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages: one HTML file that needs nothing else. What its script draws is the JSON of the reports, made by the reports themselves, so a
 * figure of the page is the figure of `--json`.
 *
 *	page.c		the reports that a page is made of; the file around them
 *	page_data.c	JSON that fits: rows that are the smallest are left out, and counted; long texts cut; written for a script element
 *	page_map.c	the map of the heap: its memory in cells, each with what is in it
 *
 * The style sheet and the script are data/html/, which the build turns into page_files.c.
 */
#pragma once

#include "reports/json.h"

#include "pins/pins.h"

/* page_files.c, written by the build: LENGTH bytes each, without a NUL. */
extern const char hc_page_style[], hc_page_script[];
extern const size_t hc_page_style_length, hc_page_script_length;

/* page_data.c: where rows may be left out: a list, and the key of its objects by which the smallest go first (NULL: the last ones go first). */
typedef struct hc_page_list {
	const char *key;
	const char *size;
} hc_page_list;

/*
 * Leaves rows out of LISTS of REPORT (ends with a NULL key; "files.list" is a list of an object) until it takes no more than BUDGET bytes in
 * a page, and cuts texts. What went is an object "left_out_here" of the report: {"LIST": {"rows", "bytes"}}. FALSE: it does not fit for all that.
 */
bool hc_page_fit(json_t *report, const hc_page_list *lists, uint64_t budget);

/* Writes VALUE such that no text in it can end a script element, or begin a comment. */
void hc_page_write_json(hc_output *output, const json_t *value);

/* page_map.c: a new reference; NULL if there is no heap. PINS are those of ANALYSIS. */
json_t *hc_page_map(const hc_analysis *analysis, const hc_pins *pins);
