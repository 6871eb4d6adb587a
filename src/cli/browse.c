/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One walks down the tree of owners, as ncdu walks down folders; whatever else is asked for is the report of another command, as a page over it.
 * Nothing but what a key asks for is computed, so it is as quick with ten million blocks as with ten.
 */
#include "browse.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	BLOCKS_SHOWN = 1000,
	ELEMENTS_SHOWN = 1000,
};

static const char help[] = "The tree of owners: who holds what is in use. A row with / has more below it.\n"
			   "\n"
			   "  Up, Down, k, j           one row up or down;  PgUp, PgDn, Space: a screen\n"
			   "  Home, End, g, G          the first, the last\n"
			   "  Enter, Right, l          in; of a row with nothing below it: its blocks\n"
			   "  Backspace, Left, h, Esc  out, or back from a page\n"
			   "  s                        sort by what it holds, retains, owns itself,\n"
			   "                           by blocks, growth, name\n"
			   "  /                        search in paths and types of the whole tree,\n"
			   "                           on a page in its lines; n, N: next, previous\n"
			   "\n"
			   "  b   the blocks of the row, the largest first\n"
			   "  p   the path from a root of the program to its largest block;\n"
			   "      on a page: to the block at the address in the line\n"
			   "  r   who refers to its largest block, and what stands in that\n"
			   "  c   its content: elements or members, by its type\n"
			   "  d   what grew since the core of --against\n"
			   "  a   the whole process: the memory table, and findings\n"
			   "  q   quit\n"
			   "\n"
			   "On a page Enter opens the block at the address (0x...) in the line.\n"
			   "\n"
			   "HOLDS: each block once, where the best evidence leads. RETAINS: what nothing\n"
			   "would lead to without it. RESIDENT: of what it holds, what was in memory.\n"
			   "GROWTH: of what it holds, since the core of --against.\n";

typedef struct browse_state {
	const hc_analysis *analysis;
	const hc_ownership *ownership;
	hc_report_options reports; /* for pages: without where they are written */
	hc_snapshot *before;	   /* of --against; NULL: none was given */
	browse_screen *screen;
	browse_rows rows;
	unsigned cursor;
	GPtrArray *pages; /* of browse_page, one over the other; none: the rows are shown */
	char *title;
	char *word;	     /* that was looked for last; or NULL */
	const char *message; /* to be said once; or NULL */
	bool is_over;
} browse_state;

/* ---- pages ---- */

/* TEXT is taken. ERROR (taken) says why there is nothing. */
static void open_page(browse_state *state, const char *title, GString *text, GError *error)
{
	if (error)
		g_string_assign(text, error->message);
	g_ptr_array_add(state->pages, browse_page_new(title, text->str));
	g_string_free(text, TRUE);
	g_clear_error(&error);
}

static browse_page *top_page(const browse_state *state)
{
	return state->pages->len ? state->pages->pdata[state->pages->len - 1] : NULL;
}

static const browse_row *current_row(const browse_state *state)
{
	return state->cursor < state->rows.rows->len ? &g_array_index(state->rows.rows, browse_row, state->cursor) :
						       NULL;
}

/* The path of the row; NULL: it is of none, or stands for several. */
static const char *current_path(const browse_state *state)
{
	const browse_row *row = current_row(state);
	const hc_owner_row *owner =
		row && row->index != HC_OWNER_NO_ROW ? hc_ownership_row(state->ownership, row->index) : NULL;

	return owner && !owner->group ? owner->text : NULL;
}

static hc_report_options options_for(browse_state *state, GString *text)
{
	hc_report_options options = state->reports;

	options.width = browse_screen_width(state->screen);
	options.write = cli_append;
	options.write_data = text;
	browse_screen_wait(state->screen, "one moment ...");
	return options;
}

static void open_block(browse_state *state, hc_address address)
{
	GString *text = g_string_new(NULL);
	const hc_report_options options = options_for(state, text);
	GError *error = NULL;

	hc_report_block(state->analysis, address, NULL, &options, &error);
	open_page(state, "A block, who refers to it, and what stands in it", text, error);
}

static void open_path(browse_state *state, hc_address address)
{
	GString *text = g_string_new(NULL);
	const hc_report_options options = options_for(state, text);
	GError *error = NULL;

	hc_report_path(state->analysis, address, 1, &options, &error);
	open_page(state, "The path from a root of the program to a block", text, error);
}

/* At most LIMIT blocks of PATH, the largest first. */
static bool write_blocks(browse_state *state, const char *path, uint64_t limit, bool labelled,
	const hc_report_options *options, GError **error)
{
	hc_chunks_filter filter = HC_CHUNKS_FILTER_INIT;

	filter.states = 1u << HC_BLOCK_IN_USE;
	filter.owner = path;
	filter.labelled = labelled;
	filter.order = HC_CHUNKS_BY_SIZE;
	filter.limit = limit;
	return hc_report_chunks(state->analysis, &filter, options, error);
}

static bool find_largest_block(browse_state *state, const char *path, hc_address *ret_address)
{
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = options_for(state, text);
	g_autoptr(browse_page) page = NULL;

	options.format = HC_REPORT_JSON;
	if (!write_blocks(state, path, 1, false, &options, NULL))
		return false;
	page = browse_page_new("", text->str);
	do {
		if (browse_page_address(page, ret_address))
			return true;
	} while (++page->cursor < page->lines->len);
	return false;
}

static void open_blocks(browse_state *state)
{
	const browse_row *row = current_row(state);
	const char *path = current_path(state);
	GString *text = g_string_new(NULL);
	const hc_report_options options = options_for(state, text);
	GError *error = NULL;

	if (path) {
		write_blocks(state, path, BLOCKS_SHOWN, false, &options, &error);
	} else if (row && row->index == HC_OWNER_NO_ROW && row->kind == HC_OWNER_LIBC) {
		write_blocks(state, NULL, BLOCKS_SHOWN, true, &options, &error);
	} else if (row && row->index == HC_OWNER_NO_ROW && row->kind == HC_OWNER_LOST) {
		const hc_leaks_options how = { 0 };
		const hc_leaks_view view = { .limit = BLOCKS_SHOWN };
		g_autoptr(hc_leaks) leaks = hc_analysis_find_leaks(state->analysis, &how, &error);

		if (leaks)
			hc_report_leaks(state->analysis, leaks, &view, &options, &error);
	} else {
		state->message = "of this row there is no list of blocks";
		g_string_free(text, TRUE);
		return;
	}
	open_page(state, "Blocks, the largest first", text, error);
}

static void open_content(browse_state *state)
{
	const hc_show_view view = { .frame = -1, .limit = ELEMENTS_SHOWN };
	const char *path = current_path(state);
	GString *text = g_string_new(NULL);
	const hc_report_options options = options_for(state, text);
	GError *error = NULL;
	hc_address address;

	if (path && hc_report_show(state->analysis, path, &view, &options, &error)) {
		open_page(state, path, text, NULL);
		return;
	}
	g_string_free(text, TRUE);
	g_clear_error(&error);
	/* Where no type tells what it is, or it stands for many: what stands in a block of it. */
	if (path && find_largest_block(state, path, &address))
		open_block(state, address);
	else
		state->message = "what this is no type tells, and it has no block";
}

static void open_diff(browse_state *state)
{
	GString *text;
	GError *error = NULL;
	g_autoptr(hc_snapshot) now = NULL;
	hc_report_options options;

	if (!state->before) {
		state->message = "give the other core with --against CORE, and this tells what grew since";
		return;
	}
	text = g_string_new(NULL);
	options = options_for(state, text);
	now = hc_snapshot_create(state->analysis, &error);
	if (now) {
		const hc_snapshot *both[] = { state->before, now };
		g_autoptr(hc_diff) diff = hc_diff_create(both, G_N_ELEMENTS(both));

		hc_report_diff(diff, &options, &error);
	}
	open_page(state, "What grew", text, error);
}

static void open_analysis(browse_state *state)
{
	GString *text = g_string_new(NULL);
	const hc_report_options options = options_for(state, text);
	GError *error = NULL;

	hc_report_analysis(state->analysis, &options, &error);
	open_page(state, "The whole process", text, error);
}

/* Of the row's largest block, or, on a page, of the block at the address in the line. */
static void open_of_block(browse_state *state, void (*open_page_of)(browse_state *state, hc_address address))
{
	const browse_page *page = top_page(state);
	const char *path = current_path(state);
	hc_address address;

	if (page ? browse_page_address(page, &address) : path && find_largest_block(state, path, &address))
		open_page_of(state, address);
	else
		state->message = page ? "there is no address in this line" : "this row has no block of its own";
}

/* ---- moving ---- */

static void go_in(browse_state *state)
{
	const browse_row *row = current_row(state);

	if (top_page(state)) {
		open_of_block(state, open_block);
	} else if (row && row->has_below) {
		browse_rows_fill(&state->rows, row->index);
		state->cursor = 0;
	} else if (row) {
		open_blocks(state);
	}
}

static void go_out(browse_state *state)
{
	uint32_t from = state->rows.parent;

	if (top_page(state)) {
		g_ptr_array_set_size(state->pages, (int)state->pages->len - 1);
	} else if (from != HC_OWNER_NO_ROW) {
		browse_rows_fill(&state->rows, hc_ownership_row(state->ownership, from)->parent);
		state->cursor = browse_rows_place_of(&state->rows, from);
	}
}

static void sort_next(browse_state *state)
{
	const browse_row *row = current_row(state);
	uint32_t index = row ? row->index : HC_OWNER_NO_ROW;
	browse_order next = (browse_order)((state->rows.order + 1) % BROWSE_ORDER_COUNT);

	if (top_page(state))
		return;
	if (next == BROWSE_BY_GROWTH && !state->before)
		next = BROWSE_BY_NAME;
	browse_rows_sort(&state->rows, next);
	state->cursor = index == HC_OWNER_NO_ROW ? 0 : browse_rows_place_of(&state->rows, index);
}

static void find(browse_state *state, bool forwards)
{
	const browse_row *row = current_row(state);
	browse_page *page = top_page(state);
	uint32_t found;

	if (!state->word) {
		state->message = "nothing was looked for yet: /";
		return;
	}
	if (page) {
		if (!browse_page_find(page, state->word, forwards))
			state->message = "no line has that";
		return;
	}
	found = browse_rows_find(state->ownership, state->word, row ? row->index : HC_OWNER_NO_ROW, forwards);
	if (found == HC_OWNER_NO_ROW) {
		state->message = "no path or type has that";
		return;
	}
	browse_rows_fill(&state->rows, hc_ownership_row(state->ownership, found)->parent);
	state->cursor = browse_rows_place_of(&state->rows, found);
}

static void search(browse_state *state)
{
	char *word = browse_screen_ask(state->screen, "search: ");

	if (!word)
		return;
	g_free(state->word);
	state->word = word;
	find(state, true);
}

static unsigned moved(const browse_state *state, browse_key key, unsigned cursor, unsigned count)
{
	unsigned height = browse_screen_height(state->screen), last = count ? count - 1 : 0;

	switch (key) {
	case BROWSE_UP:
		return cursor ? cursor - 1 : 0;
	case BROWSE_DOWN:
		return MIN(cursor + 1, last);
	case BROWSE_PAGE_UP:
		return cursor > height ? cursor - height : 0;
	case BROWSE_PAGE_DOWN:
		return MIN(cursor + height, last);
	case BROWSE_FIRST:
		return 0;
	case BROWSE_LAST:
		return last;
	default:
		return cursor;
	}
}

static void move_cursor(browse_state *state, browse_key key)
{
	browse_page *page = top_page(state);

	if (page)
		page->cursor = moved(state, key, page->cursor, page->lines->len);
	else
		state->cursor = moved(state, key, state->cursor, state->rows.rows->len);
}

static void handle(browse_state *state, browse_key key)
{
	switch (key) {
	case BROWSE_IN:
		go_in(state);
		break;
	case BROWSE_OUT:
		go_out(state);
		break;
	case BROWSE_SORT:
		sort_next(state);
		break;
	case BROWSE_SEARCH:
		search(state);
		break;
	case BROWSE_NEXT:
	case BROWSE_PREVIOUS:
		find(state, key == BROWSE_NEXT);
		break;
	case BROWSE_PATH:
		open_of_block(state, open_path);
		break;
	case BROWSE_REFERRERS:
		open_of_block(state, open_block);
		break;
	case BROWSE_CONTENT:
		open_content(state);
		break;
	case BROWSE_BLOCKS:
		open_blocks(state);
		break;
	case BROWSE_DIFF:
		open_diff(state);
		break;
	case BROWSE_TABLE:
		open_analysis(state);
		break;
	case BROWSE_HELP:
		open_page(state, "Keys", g_string_new(help), NULL);
		break;
	case BROWSE_QUIT:
		state->is_over = true;
		break;
	default:
		move_cursor(state, key);
	}
}

/* ---- the command ---- */

static void show(browse_state *state)
{
	const char *message = state->message;
	uint32_t parent = state->rows.parent;

	state->message = NULL;
	if (top_page(state))
		browse_screen_show_page(state->screen, top_page(state), message);
	else
		browse_screen_show_rows(state->screen, state->title,
			parent == HC_OWNER_NO_ROW ? "all owners" : hc_ownership_row(state->ownership, parent)->text,
			&state->rows, state->cursor, message);
}

static char *title_of(const hc_ownership *ownership, const char *core)
{
	hc_amount total = hc_ownership_total(ownership);
	g_autofree char *blocks = browse_count_text(total.blocks);

	return g_strdup_printf(
		"heapcore browse %s   %.1f MiB in use, %s blocks", core, total.bytes / 1048576.0, blocks);
}

static cli_status browse(browse_state *state)
{
	browse_rows_fill(&state->rows, HC_OWNER_NO_ROW);
	state->pages = g_ptr_array_new_with_free_func((GDestroyNotify)browse_page_free);
	state->screen = browse_screen_new();
	if (!state->screen) {
		cli_complain("this terminal (TERM=%s) is none that curses knows", g_getenv("TERM"));
	} else {
		while (!state->is_over) {
			show(state);
			handle(state, browse_screen_key(state->screen));
		}
	}
	cli_status status = state->screen ? CLI_DONE : CLI_FAILED;

	browse_screen_free(state->screen);
	g_ptr_array_unref(state->pages);
	browse_rows_deinit(&state->rows);
	g_free(state->word);
	return status;
}

static bool take_before(browse_state *state, const cli_options *options, const char *against, const char *binary)
{
	g_autoptr(GPtrArray) inputs = g_ptr_array_new(), snapshots = NULL;

	if (!against)
		return true;
	g_ptr_array_add(inputs, (char *)against);
	snapshots = cli_take_snapshots(options, inputs, binary);
	if (!snapshots)
		return false;
	state->before = g_ptr_array_steal_index(snapshots, 0);
	state->rows.before = browse_rows_of_snapshot(state->before);
	return true;
}

static cli_status run(const cli_options *options, const char *against)
{
	const hc_ownership_options how = { .jobs = (unsigned)options->jobs };
	g_auto(cli_core_report) report = { 0 };
	g_autoptr(hc_ownership) ownership = NULL;
	g_autofree char *title = NULL;
	browse_state state = { 0 };
	cli_status status = CLI_FAILED;

	if (!take_before(&state, options, against, options->arguments[1]))
		return CLI_FAILED;
	if (cli_core_report_begin(&report, options, options->arguments, HC_STAGE_FINDINGS, &status)) {
		ownership = hc_analysis_find_owners(report.analysis, &how, &report.error);
		if (ownership) {
			title = title_of(ownership, options->arguments[0]);
			state.analysis = report.analysis;
			state.ownership = state.rows.ownership = ownership;
			state.rows.knows_resident = hc_core_knows_resident(hc_analysis_core(report.analysis));
			state.reports = report.output.options;
			state.reports.colour = false;
			state.title = title;
			status = browse(&state);
		} else {
			cli_complain("%s", report.error->message);
			status = CLI_FAILED;
		}
	}
	g_clear_pointer(&state.rows.before, g_hash_table_unref);
	hc_snapshot_destroy(state.before);
	return status;
}

cli_status cli_run_browse(const cli_command *command, int argc, char **argv)
{
	const char *against = NULL;
	g_auto(cli_options) options = { .no_pager = TRUE };
	const cli_option own[] = {
		{ CLI_PATH, "against", &against, .argument = "CORE",
			.help = "an earlier core, or snapshot: what each row grew by since, and what grew (d)" },
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	/* Nothing that is shown needs the program's code. */
	options.no_sites = TRUE;
	if (options.json)
		return cli_complain_usage(command, "it is for people: `owners --json` is for programs");
	if (!cli_is_terminal(STDIN_FILENO) || !cli_is_terminal(STDOUT_FILENO)) {
		cli_complain("browse needs a terminal: `owners` writes the same tree as text");
		return CLI_FAILED;
	}
	return run(&options, against);
}
