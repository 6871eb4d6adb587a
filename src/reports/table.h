/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table, described once: aligned columns in text, an array of objects in JSON.
 *
 *	hc_table *table = hc_table_create(columns, G_N_ELEMENTS(columns));
 *	hc_table_add_row(table);
 *	hc_table_set_number(table, COLUMN_BYTES, bytes);
 *	...
 *	hc_table_print(table, output);		or	json = hc_table_json(table);
 *
 * A cell that was not set is empty in text and null in JSON.
 */
#pragma once

#include "reports/json.h"

typedef enum {
	HC_CELL_TEXT,	 /* left; JSON string */
	HC_CELL_COUNT,	 /* right, "25,573"; JSON integer */
	HC_CELL_SIZE,	 /* right, "31.9 MiB"; JSON integer, exact */
	HC_CELL_GROWTH,	 /* right, "+31.9 MiB"; JSON integer, exact, signed */
	HC_CELL_SHARE,	 /* right, "36.8%": set_share(); text only */
	HC_CELL_ADDRESS, /* "0x..." in both */
	HC_CELL_FLAG,	 /* JSON true or false; no text */
	HC_CELL_JSON,	 /* any value; no text */
} hc_cell_kind;

typedef struct hc_column {
	const char *key;   /* in JSON; NULL: not there */
	const char *title; /* in text; NULL: not there */
	hc_cell_kind kind;
} hc_column;

typedef struct hc_table hc_table;

/* COLUMNS must outlive the table. */
hc_table *hc_table_create(const hc_column *columns, unsigned column_count);
void hc_table_destroy(hc_table *table);

/* The setters work on the row added last. */
void hc_table_add_row(hc_table *table);
void hc_table_set_text(hc_table *table, unsigned column, const char *bytes); /* from the dump: escaped; NULL: not set */
void hc_table_set_plain(
	hc_table *table, unsigned column, const char *text); /* ours, or escaped before; NULL: not set */
void hc_table_set_number(hc_table *table, unsigned column, uint64_t number); /* COUNT, SIZE, ADDRESS, FLAG */
void hc_table_set_growth(hc_table *table, unsigned column, int64_t number);
void hc_table_set_share(hc_table *table, unsigned column, double part, double whole); /* not set if WHOLE is 0 */
void hc_table_take_json(hc_table *table, unsigned column, json_t *value);
void hc_table_set_style(hc_table *table, hc_style style); /* of the whole row */

/* A row of text only: dashes in COLUMN. */
void hc_table_add_rule(hc_table *table, unsigned column);

/* A row of text only: TEXT in the last column, never wrapped. */
void hc_table_add_line(hc_table *table, hc_style style, const char *text);

unsigned hc_table_row_count(const hc_table *table);

/*
 * Prints titles (unless all are empty) and rows. Columns without any text are left out; the last one is wrapped at the
 * output's width.
 */
void hc_table_print(const hc_table *table, hc_output *output);

/* An array of one object a row; a new reference. */
json_t *hc_table_json(const hc_table *table);

/* As hc_text_size(), with a sign: "+1.2 MiB", "-300 B", "0 B". */
enum {
	HC_TEXT_GROWTH_LENGTH = 20
};
char *hc_text_growth(char buffer[HC_TEXT_GROWTH_LENGTH], int64_t bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_table, hc_table_destroy)
