/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The terminal. Names come from a core: nothing that moves the cursor is written, only what is printable in UTF-8; all else is a question mark.
 */
#include "browse.h"

#include <curses.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

/* Capabilities of terminals, which are of no use here. */
#undef columns
#undef lines

enum {
	HEAD = 2, /* lines above what is shown */
	FOOT = 1,
	BAR = 10,	   /* columns */
	WIDE = 108,	   /* columns that all keys take at the foot; where there are fewer no row has a bar */
	ESCAPE_DELAY = 25, /* milliseconds after Esc, in which the rest of a key's sequence comes */
	LONGEST_WORD = 80,
};

struct browse_screen {
	SCREEN *screen;
	unsigned top;	  /* the first row or line that is shown */
	const void *what; /* of what */
};

browse_screen *browse_screen_new(void)
{
	browse_screen *screen;
	SCREEN *taken;
	int found;

	/* Asked first, as newterm() leaks if there is none. */
	if (setupterm(NULL, STDOUT_FILENO, &found) == ERR || found != 1)
		return NULL;
	del_curterm(cur_term);
	taken = newterm(NULL, stdout, stdin);
	if (!taken)
		return NULL;
	set_escdelay(ESCAPE_DELAY);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	screen = g_new0(browse_screen, 1);
	screen->screen = taken;
	return screen;
}

void browse_screen_free(browse_screen *screen)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen->screen);
	g_free(screen);
}

unsigned browse_screen_width(const browse_screen *screen)
{
	(void)screen;
	return (unsigned)MAX(COLS, 1);
}

unsigned browse_screen_height(const browse_screen *screen)
{
	(void)screen;
	return (unsigned)MAX(LINES - HEAD - FOOT, 1);
}

/* TEXT in line Y from column X on, as far as the terminal goes; the rest of the line is cleared, in STYLE. */
static void put(int y, int x, attr_t style, const char *text)
{
	const char *end = text + strlen(text);
	bool is_utf8 = g_get_charset(NULL);

	attrset(style);
	move(y, x);
	while (text < end && x < COLS) {
		gunichar character = g_utf8_get_char_validated(text, end - text);
		bool is_valid = character != (gunichar)-1 && character != (gunichar)-2;
		bool is_shown = is_valid && (is_utf8 || character < 0x80) && g_unichar_isprint(character) &&
				!g_unichar_iszerowidth(character);
		int columns = is_shown && g_unichar_iswide(character) ? 2 : 1;
		size_t length = is_valid ? g_utf8_next_char(text) - text : 1;

		if (x + columns > COLS)
			break;
		if (is_shown)
			addnstr(text, (int)length);
		else
			addch('?');
		x += columns;
		text += length;
	}
	while (x++ < COLS)
		addch(' ');
	attrset(A_NORMAL);
}

/* Scrolls such that the line CURSOR of WHAT, which has COUNT, is seen. */
static void scroll_to(browse_screen *screen, const void *what, unsigned cursor, unsigned count)
{
	unsigned height = browse_screen_height(screen);

	if (screen->what != what)
		screen->top = 0;
	screen->what = what;
	if (cursor < screen->top)
		screen->top = cursor;
	if (cursor >= screen->top + height)
		screen->top = cursor - height + 1;
	if (screen->top + height > count)
		screen->top = count > height ? count - height : 0;
}

/* ---- rows ---- */

/* At most ten columns: "61.8 MiB", "-1000.0 KiB". */
static const char *size_text(char *buffer, size_t room, int64_t bytes, bool is_growth)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = bytes < 0 ? -(double)bytes : (double)bytes;
	const char *sign = bytes < 0 ? "-" : is_growth && bytes > 0 ? "+" : "";
	unsigned unit = 0;

	/* What would be rounded to 1024.0 is one of the next unit. */
	while (value >= 1023.95 && unit + 1 < G_N_ELEMENTS(units)) {
		value /= 1024;
		unit++;
	}
	g_snprintf(buffer, room, unit ? "%s%.1f %s" : "%s%.0f %s", sign, value, units[unit]);
	return buffer;
}

static void append_size(GString *line, bool is_known, int64_t bytes, bool is_growth)
{
	char text[32];

	g_string_append_printf(line, "%11s", is_known ? size_text(text, sizeof text, bytes, is_growth) : "");
}

static bool is_wide(void)
{
	return COLS >= WIDE;
}

static void append_bar(GString *line, double share)
{
	int full = (int)(share * BAR + 0.5);

	g_string_append(line, "  [");
	for (int i = 0; i < BAR; i++)
		g_string_append_c(line, i < full ? '#' : ' ');
	g_string_append(line, "] ");
}

static char *line_of(const browse_rows *rows, const browse_row *row, uint64_t most)
{
	uint64_t total = hc_ownership_total(rows->ownership).bytes;
	g_autofree char *blocks = browse_count_text(row->holds.blocks);
	GString *line = g_string_new(NULL);

	append_size(line, true, (int64_t)row->holds.bytes, false);
	g_string_append_printf(line, "%6.1f%%", total ? 100.0 * row->holds.bytes / total : 0);
	append_size(line, row->has_retained, (int64_t)row->retained, false);
	if (rows->knows_resident)
		append_size(line, row->has_resident, (int64_t)row->resident, false);
	if (rows->before)
		append_size(line, row->index != HC_OWNER_NO_ROW, row->growth, true);
	g_string_append_printf(line, "%11s", blocks);
	if (is_wide())
		append_bar(line, most ? (double)row->holds.bytes / most : 0);
	else
		g_string_append(line, "  ");
	g_string_append_printf(line, "%c%s", row->has_below ? '/' : ' ', row->name);
	return g_string_free(line, FALSE);
}

static char *titles_of(const browse_rows *rows)
{
	static const char *const orders[BROWSE_ORDER_COUNT] = { "holds", "retains", "own", "blocks", "growth", "name" };

	return g_strdup_printf("%11s%7s%11s%s%s%11s  %-*s OWNER (by %s)", "HOLDS", "SHARE", "RETAINS",
		rows->knows_resident ? "   RESIDENT" : "", rows->before ? "     GROWTH" : "", "BLOCKS",
		is_wide() ? BAR + 3 : 0, "", orders[rows->order]);
}

/* What there is no room for stands in the help. */
static void put_foot(const char *keys, const char *fewer_keys, const char *message)
{
	put(LINES - 1, 0, message ? A_BOLD : A_REVERSE, message ? message : is_wide() ? keys : fewer_keys);
}

/* TITLE and WHERE, which is to be seen if there is no room for both. */
static char *head_of(const char *title, const char *where)
{
	bool fits = g_utf8_strlen(title, -1) + 3 + g_utf8_strlen(where, -1) <= COLS;

	return g_strdup_printf("%s   %s", fits ? title : where, fits ? where : title);
}

void browse_screen_show_rows(browse_screen *screen, const char *title, const char *where, const browse_rows *rows,
	unsigned cursor, const char *message)
{
	unsigned height = browse_screen_height(screen), count = rows->rows->len;
	g_autofree char *head = head_of(title, where), *titles = titles_of(rows);
	uint64_t most = 0;

	for (unsigned i = 0; i < count; i++)
		most = MAX(most, g_array_index(rows->rows, browse_row, i).holds.bytes);
	scroll_to(screen, rows, cursor, count);
	put(0, 0, A_REVERSE, head);
	put(1, 0, A_BOLD, titles);
	for (unsigned y = 0; y < height; y++) {
		unsigned i = screen->top + y;
		g_autofree char *line = i < count ? line_of(rows, &g_array_index(rows->rows, browse_row, i), most) :
						    g_strdup("");

		put(HEAD + (int)y, 0, i < count && i == cursor ? A_REVERSE : A_NORMAL, line);
	}
	put_foot(
		"Enter: in  Backspace: out  s: sort  /: search  p: path  r: who refers  c: content  d: diff  ?: help  q: quit",
		"Enter: in  Backspace: out  s: sort  /: search  p: path  ?: help  q: quit", message);
	refresh();
}

void browse_screen_show_page(browse_screen *screen, const browse_page *page, const char *message)
{
	unsigned height = browse_screen_height(screen);
	g_autofree char *position =
		g_strdup_printf("line %u of %u", page->lines->len ? page->cursor + 1 : 0, page->lines->len);

	scroll_to(screen, page, page->cursor, page->lines->len);
	put(0, 0, A_REVERSE, page->title);
	put(1, 0, A_DIM, position);
	for (unsigned y = 0; y < height; y++) {
		unsigned i = screen->top + y;
		bool is_in = i < page->lines->len;

		put(HEAD + (int)y, 0, is_in && i == page->cursor ? A_REVERSE : A_NORMAL,
			is_in ? page->lines->pdata[i] : "");
	}
	put_foot("Enter: the block of that address  p: path to it  /: search  Backspace: back  ?: help  q: quit",
		"Enter: the block  p: path  /: search  Backspace: back  ?: help  q: quit", message);
	refresh();
}

void browse_screen_wait(browse_screen *screen, const char *text)
{
	(void)screen;
	put_foot("", "", text);
	refresh();
}

/* ---- keys ---- */

browse_key browse_screen_key(browse_screen *screen)
{
	static const struct {
		int code;
		browse_key key;
	} keys[] = {
		{ KEY_UP, BROWSE_UP },
		{ 'k', BROWSE_UP },
		{ KEY_DOWN, BROWSE_DOWN },
		{ 'j', BROWSE_DOWN },
		{ KEY_PPAGE, BROWSE_PAGE_UP },
		{ 'B' - '@', BROWSE_PAGE_UP },
		{ KEY_NPAGE, BROWSE_PAGE_DOWN },
		{ ' ', BROWSE_PAGE_DOWN },
		{ 'F' - '@', BROWSE_PAGE_DOWN },
		{ KEY_HOME, BROWSE_FIRST },
		{ 'g', BROWSE_FIRST },
		{ KEY_END, BROWSE_LAST },
		{ 'G', BROWSE_LAST },
		{ '\r', BROWSE_IN },
		{ '\n', BROWSE_IN },
		{ KEY_ENTER, BROWSE_IN },
		{ KEY_RIGHT, BROWSE_IN },
		{ 'l', BROWSE_IN },
		{ KEY_LEFT, BROWSE_OUT },
		{ 'h', BROWSE_OUT },
		{ KEY_BACKSPACE, BROWSE_OUT },
		{ 127, BROWSE_OUT },
		{ '\b', BROWSE_OUT },
		{ 27, BROWSE_OUT },
		{ 's', BROWSE_SORT },
		{ '/', BROWSE_SEARCH },
		{ 'n', BROWSE_NEXT },
		{ 'N', BROWSE_PREVIOUS },
		{ 'p', BROWSE_PATH },
		{ 'r', BROWSE_REFERRERS },
		{ 'c', BROWSE_CONTENT },
		{ 'b', BROWSE_BLOCKS },
		{ 'd', BROWSE_DIFF },
		{ 'a', BROWSE_TABLE },
		{ '?', BROWSE_HELP },
		{ 'q', BROWSE_QUIT },
	};
	int code = getch();

	(void)screen;
	if (code == ERR)
		return BROWSE_QUIT; /* the terminal has gone */
	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return BROWSE_NOTHING;
}

char *browse_screen_ask(browse_screen *screen, const char *question)
{
	char word[LONGEST_WORD + 1] = "";
	int got;

	(void)screen;
	put_foot("", "", question);
	move(LINES - 1, (int)strlen(question));
	echo();
	curs_set(1);
	got = getnstr(word, LONGEST_WORD);
	curs_set(0);
	noecho();
	return got == OK && *word ? g_strdup(word) : NULL;
}

const char *browse_curses_version(void)
{
	const char *name = curses_version(), *version = strchr(name, ' '); /* "ncurses 6.4.20221231" */

	return version ? version + 1 : name;
}
