/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds what is in use, and who retains it: a tree of paths, then what no path holds, so that the first column adds up to all bytes
 * in use.
 */
#include "reports/parts.h"

#include "base/error.h"
#include "base/text.h"
#include "wording/wording.h"

enum {
	SHARES = 100 /* rows of less than one in so many are left out, unless somebody says how many bytes */
};

struct showing {
	const hc_ownership *ownership;
	const hc_owners_view *view;
	uint64_t total, minimum;
	hc_records *records;
	hc_amount left_out;	       /* of rows beside those at the top */
	uint64_t rows_left_out, below; /* their number; that of rows further down */
};

static bool is_shown(const struct showing *showing, const hc_owner_row *row)
{
	return row->holds.bytes >= showing->minimum || row->retained >= MAX(showing->minimum, 1);
}

static void add_amount(struct showing *showing, const char *kind, hc_amount holds, char *what, const char *key)
{
	const hc_fact facts[] = {
		{ "bytes", "HOLDS", hc_value_size(holds.bytes) },
		{ NULL, "SHARE", hc_value_share(holds.bytes, showing->total) },
		{ NULL, "OWN", hc_value_none() },
		{ NULL, "RETAINS", hc_value_none() },
		{ "blocks", "BLOCKS", hc_value_count(holds.blocks) },
		{ key, NULL, hc_value_plain(kind) },
		{ NULL, "WHAT", hc_value_take_plain(what) },
	};

	hc_records_add(showing->records, facts);
}

static void add_row(struct showing *showing, const hc_owner_row *row, unsigned level)
{
	g_autofree char *where = hc_word_where(&row->where, row->threads > 1 ? row->threads : 0),
			*what = hc_word_owner(row), *indent = g_strnfill(2 * level, ' ');
	bool is_first = row->parent == HC_OWNER_NO_ROW;
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(row->text) },
		{ "level", NULL, hc_value_count(level) },
		{ "type", NULL, hc_value_text(row->type) },
		{ "where", NULL, hc_value_text(where) },
		{ "threads", NULL, hc_value_count(row->threads) },
		{ "told_by", NULL, hc_value_plain(hc_owner_basis_name(row->basis)) },
		{ "certainty", NULL, hc_value_plain(hc_certainty_name(row->certainty)) },
		{ "bytes", "HOLDS", hc_value_size(row->holds.bytes) },
		{ NULL, "SHARE", hc_value_share(row->holds.bytes, showing->total) },
		{ "own", NULL, hc_value_amount(row->own) },
		{ NULL, "OWN", hc_value_size(row->own.bytes) },
		{ "retained", "RETAINS", hc_value_if(is_first && row->has_retained, hc_value_size(row->retained)) },
		{ "blocks", "BLOCKS", hc_value_count(row->holds.blocks) },
		{ NULL, "WHAT", hc_value_take_text(g_strconcat(indent, what, NULL)) },
	};

	hc_records_add(showing->records, facts);
}

static void leave_out(struct showing *showing, const hc_owner_row *row, unsigned level)
{
	if (level) {
		showing->below++;
		return;
	}
	showing->rows_left_out++;
	showing->left_out.blocks += row->holds.blocks;
	showing->left_out.bytes += row->holds.bytes;
}

static uint64_t count_children(const hc_ownership *ownership, const hc_owner_row *row)
{
	uint64_t count = 0;

	for (uint32_t i = row->first_child; i != HC_OWNER_NO_ROW; i = hc_ownership_row(ownership, i)->next)
		count++;
	return count;
}

/*
 * The row FIRST, and those beside it that are large enough, if not IS_ALONE; with what is below them. Without recursion: the way back is
 * by parents.
 */
static void add_tree(struct showing *showing, uint32_t first, bool is_alone)
{
	const hc_ownership *ownership = showing->ownership;
	unsigned base = first == HC_OWNER_NO_ROW ? 0 : hc_ownership_row(ownership, first)->level;
	uint64_t shown = 0;

	for (uint32_t i = first; i != HC_OWNER_NO_ROW;) {
		const hc_owner_row *row = hc_ownership_row(ownership, i);
		unsigned level = row->level - base;
		bool is_top = !level, has_room = !is_top || !showing->view->limit || shown < showing->view->limit,
		     is_in = is_alone && is_top ? true : is_shown(showing, row) && has_room;

		if (is_in)
			add_row(showing, row, level);
		else
			leave_out(showing, row, level);
		shown += is_top && is_in;
		if (is_in && level + 1 >= showing->view->depth) {
			showing->below += count_children(ownership, row);
		} else if (is_in && row->first_child != HC_OWNER_NO_ROW) {
			i = row->first_child;
			continue;
		}
		while (row->next == HC_OWNER_NO_ROW && row->level > base)
			row = hc_ownership_row(ownership, row->parent);
		i = row->level == base && is_alone ? HC_OWNER_NO_ROW : row->next;
	}
}

static void add_others(struct showing *showing)
{
	for (unsigned kind = HC_OWNER_PATH + 1; kind < HC_OWNER_KIND_COUNT; kind++) {
		hc_amount amount = hc_ownership_amount(showing->ownership, (hc_owner_kind)kind);

		if (amount.blocks)
			add_amount(showing, hc_owner_kind_name((hc_owner_kind)kind), amount,
				hc_word_owner_kind(showing->ownership, (hc_owner_kind)kind), "kind");
	}
}

static bool init(struct showing *showing, const hc_ownership *ownership, const hc_owners_view *view,
	uint32_t *ret_first, GError **error)
{
	uint64_t total = hc_ownership_total(ownership).bytes;

	*showing = (struct showing){
		.ownership = ownership,
		.view = view,
		.total = total,
		.minimum = view->minimum == UINT64_MAX ? total / SHARES : view->minimum,
	};
	*ret_first = view->path ? hc_ownership_find(ownership, view->path) : hc_ownership_first(ownership);
	if (view->path && *ret_first == HC_OWNER_NO_ROW) {
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "nothing is held by a path \"%s\"", view->path);
		return false;
	}
	return true;
}

static void write_json(const hc_analysis *analysis, struct showing *showing, uint32_t first, hc_output *output)
{
	g_autoptr(hc_records) rows = showing->records = hc_records_create(), others = hc_records_create();

	add_tree(showing, first, showing->view->path != NULL);
	showing->records = others;
	add_others(showing);
	const hc_fact left_out[] = {
		{ "rows", NULL, hc_value_count(showing->rows_left_out) },
		{ "blocks", NULL, hc_value_count(showing->left_out.blocks) },
		{ "bytes", NULL, hc_value_count(showing->left_out.bytes) },
		{ "rows_below", NULL, hc_value_count(showing->below) },
	};
	bool is_read = hc_blocks_heap(hc_analysis_blocks(analysis))->found;
	const hc_fact facts[] = {
		{ "summary", NULL, hc_value_take_text(hc_word_owners(showing->ownership)) },
		{ "in_use", NULL, hc_value_if(is_read, hc_value_amount(hc_ownership_total(showing->ownership))) },
		{ "rows", NULL, hc_value_json(hc_records_json(rows)) },
		{ "left_out", NULL, hc_value_json(hc_record_json(left_out)) },
		{ "others", NULL, hc_value_json(hc_records_json(others)) },
		{ "lost_directly", NULL, hc_value_amount(hc_ownership_lost(showing->ownership, true)) },
		{ "lost_indirectly", NULL, hc_value_amount(hc_ownership_lost(showing->ownership, false)) },
		{ "debug_info_gaps", NULL, hc_value_json(hc_debug_info_gaps_json(analysis)) },
	};

	hc_json_write(output, hc_report_json("owners", facts, hc_analysis_diagnostics(analysis)));
}

static void print(const hc_analysis *analysis, struct showing *showing, uint32_t first, hc_output *output)
{
	g_autoptr(hc_records) records = showing->records = hc_records_create();
	bool is_whole = !showing->view->path;

	if (!hc_blocks_arena_count(hc_analysis_blocks(analysis))) {
		hc_no_arenas_print(analysis, output);
	} else {
		g_autofree char *summary = hc_word_owners(showing->ownership), *escaped = hc_text_escape(summary, -1);

		if (is_whole) {
			hc_output_wrapped(output, 0, 0, escaped);
			hc_output_text(output, "\n");
		}
		add_tree(showing, first, !is_whole);
		if (showing->rows_left_out)
			add_amount(showing, NULL, showing->left_out, hc_word_owners_left_out(showing->rows_left_out),
				NULL);
		if (is_whole) {
			add_others(showing);
			hc_records_add_rule(records, "HOLDS");
			add_amount(showing, NULL, hc_ownership_total(showing->ownership), g_strdup("in use"), NULL);
		}
		hc_records_print(records, output);
		if (showing->below) {
			g_autofree char *more = hc_word_owners_left_out_below(showing->below);

			hc_output_printf(output, "%s\n", more);
		}
	}
	hc_debug_info_gaps_print(analysis, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

bool hc_report_owners(const hc_analysis *analysis, const hc_ownership *ownership, const hc_owners_view *view,
	const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	struct showing showing;
	uint32_t first;

	if (!init(&showing, ownership, view, &first, error))
		return false;
	if (options->format == HC_REPORT_JSON)
		write_json(analysis, &showing, first, output);
	else
		print(analysis, &showing, first, output);
	return hc_output_finish(output, error);
}
