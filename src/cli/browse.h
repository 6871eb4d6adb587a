/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Browsing a core in the terminal.
 *
 *	browse.c	the command, and what each key does
 *	browse_rows.c	the rows of one level of the tree of owners: in what order, which one is looked for. No terminal
 *	browse_page.c	a report as lines that one can move in. No terminal
 *	browse_screen.c	drawing, and keys: the only one that knows curses
 */
#pragma once

#include "cli.h"

/* ---- rows ---- */

typedef enum {
	BROWSE_BY_HOLDS,
	BROWSE_BY_RETAINS,
	BROWSE_BY_OWN,
	BROWSE_BY_BLOCKS,
	BROWSE_BY_GROWTH,
	BROWSE_BY_NAME,
	BROWSE_ORDER_COUNT
} browse_order;

/* One row: of a path, or what no path holds. */
typedef struct browse_row {
	uint32_t index;	    /* of the ownership; HC_OWNER_NO_ROW: of no path */
	hc_owner_kind kind; /* what it is then */
	hc_amount holds;
	uint64_t own, retained, resident; /* bytes */
	bool has_retained, has_resident, has_below;
	int64_t growth; /* bytes, since the other core; 0 without one */
	char *name;	/* as is, not escaped: what its path has beyond that of the row above, and its type */
} browse_row;

/* The rows of one level, in an order. Zero it first; browse_rows_deinit() frees what it has. */
typedef struct browse_rows {
	const hc_ownership *ownership;
	GHashTable
		*before; /* path -> uint64_t *, bytes that it held in the other core; NULL: there is none. Borrowed */
	bool knows_resident;
	uint32_t parent; /* HC_OWNER_NO_ROW: the first level */
	browse_order order;
	GArray *rows; /* of browse_row */
} browse_rows;

void browse_rows_deinit(browse_rows *rows);

/* Fills it anew: with what is right below PARENT (HC_OWNER_NO_ROW: the first level, and what no path holds). */
void browse_rows_fill(browse_rows *rows, uint32_t parent);

/* Puts the rows in ORDER. */
void browse_rows_sort(browse_rows *rows, browse_order order);

/* The place of the row that has INDEX; 0 if there is none. */
unsigned browse_rows_place_of(const browse_rows *rows, uint32_t index);

/*
 * The next row of the whole tree, forwards or not, behind AFTER (HC_OWNER_NO_ROW: from the beginning), whose path or type has TEXT in it,
 * in upper or lower case; behind the last comes the first. HC_OWNER_NO_ROW: no row has.
 */
uint32_t browse_rows_find(const hc_ownership *ownership, const char *text, uint32_t after, bool forwards);

/* "25,573", as reports have it; to be freed. */
char *browse_count_text(uint64_t count);

/* Of a snapshot: path -> uint64_t *, the bytes that it and what is below it held. To be unreferenced. */
GHashTable *browse_rows_of_snapshot(const hc_snapshot *snapshot);

/* ---- pages ---- */

/* Lines to be read. */
typedef struct browse_page {
	char *title;
	GPtrArray *lines; /* of char * */
	unsigned cursor;  /* a line; 0 if there is none */
} browse_page;

/* TEXT is cut into lines. Free with browse_page_free(). */
browse_page *browse_page_new(const char *title, const char *text);
void browse_page_free(browse_page *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(browse_page, browse_page_free)

/* Moves the cursor to the next line that has TEXT in it, forwards or not, around the end. FALSE: there is none. */
bool browse_page_find(browse_page *page, const char *text, bool forwards);

/* The first address ("0x...") in the line that the cursor is on. FALSE: it has none. */
bool browse_page_address(const browse_page *page, hc_address *ret_address);

/* ---- screen ---- */

typedef enum {
	BROWSE_NOTHING, /* an unknown key, or the terminal has another size */
	BROWSE_UP,
	BROWSE_DOWN,
	BROWSE_PAGE_UP,
	BROWSE_PAGE_DOWN,
	BROWSE_FIRST,
	BROWSE_LAST,
	BROWSE_IN,
	BROWSE_OUT,
	BROWSE_SORT,
	BROWSE_SEARCH,
	BROWSE_NEXT,
	BROWSE_PREVIOUS,
	BROWSE_PATH,
	BROWSE_REFERRERS,
	BROWSE_CONTENT,
	BROWSE_BLOCKS,
	BROWSE_DIFF,
	BROWSE_TABLE,
	BROWSE_HELP,
	BROWSE_QUIT,
} browse_key;

typedef struct browse_screen browse_screen;

/* Takes the terminal. NULL if it is none that curses knows. */
browse_screen *browse_screen_new(void);
void browse_screen_free(browse_screen *screen); /* gives it back */

unsigned browse_screen_width(const browse_screen *screen);
unsigned browse_screen_height(const browse_screen *screen); /* lines between head and foot */

/* What is shown. TITLE is of the whole, WHERE of this level; MESSAGE (may be NULL) stands once in the place of the keys. */
void browse_screen_show_rows(browse_screen *screen, const char *title, const char *where, const browse_rows *rows,
	unsigned cursor, const char *message);
void browse_screen_show_page(browse_screen *screen, const browse_page *page, const char *message);

browse_key browse_screen_key(browse_screen *screen);

/* Asks for a word. NULL if there is none. To be freed. */
char *browse_screen_ask(browse_screen *screen, const char *question);

/* Of curses, as it is loaded: "6.4.20221231". */
const char *browse_curses_version(void);

/* What stands where something takes long. */
void browse_screen_wait(browse_screen *screen, const char *text);
