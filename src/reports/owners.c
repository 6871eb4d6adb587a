/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds what is in use, and who retains it: a tree of paths, then what no path holds, so that the first column adds up to all bytes
 * in use.
 */
#include "reports/parts.h"

#include "base/error.h"
#include "base/text.h"
#include "blocks/blocks.h"
#include "wording/wording.h"

enum {
	SHARES = 100,	 /* rows of less than one in so many are left out, unless somebody says how many bytes */
	CALLS_TOLD = 16, /* rows whose calls are told: to people */
	CALLS_MOST = 64, /* ... to programs */
};

struct showing {
	const hc_ownership *ownership;
	const hc_owners_view *view;
	uint64_t total, minimum;
	bool knows_resident;
	bool has_outside; /* rows have memory that is not malloc's, as much as a row that is shown has */
	hc_amount *holds; /* of each row, what --focus and --ignore leave of it; NULL: there are none */
	hc_amount *own;
	hc_amount filtered; /* what they leave out */
	hc_records *records;
	hc_amount left_out;	       /* of rows beside those at the top */
	uint64_t rows_left_out, below; /* their number; that of rows further down */
	GArray *calls;		       /* of hc_owner_calls: of rows that are shown; NULL: they are not told */
	unsigned calls_left_out;       /* rows more that they could be told of */
	hc_sites *sites;
};

static hc_amount held(const struct showing *showing, uint32_t index)
{
	return showing->holds ? showing->holds[index] : hc_ownership_row(showing->ownership, index)->holds;
}

static hc_amount owned(const struct showing *showing, uint32_t index)
{
	return showing->own ? showing->own[index] : hc_ownership_row(showing->ownership, index)->own;
}

static bool is_shown(const struct showing *showing, uint32_t index)
{
	const hc_owner_row *row = hc_ownership_row(showing->ownership, index);

	if (showing->holds && !showing->holds[index].blocks)
		return false;
	return held(showing, index).bytes + row->outside >= showing->minimum ||
	       row->retained >= MAX(showing->minimum, 1);
}

/* ---- --focus and --ignore ---- */

static bool fits(const GRegex *pattern, const hc_owner_row *row)
{
	/* Names of a dump need not be UTF-8: patterns are compiled for bytes. */
	return pattern && (g_regex_match(pattern, row->text, 0, NULL) ||
				  (row->type && g_regex_match(pattern, row->type, 0, NULL)));
}

/* What is left of each row: what it has itself, if it or a row above it fits FOCUS, and none of them IGNORE. */
static void filter(struct showing *showing, const GRegex *focus, const GRegex *ignore)
{
	const hc_ownership *ownership = showing->ownership;
	uint32_t count = hc_ownership_row_count(ownership);
	g_autofree bool *is_focused = g_new(bool, count + 1), *is_ignored = g_new(bool, count + 1);

	showing->holds = g_new0(hc_amount, count + 1);
	showing->own = g_new0(hc_amount, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		const hc_owner_row *row = hc_ownership_row(ownership, i);
		bool has_parent = row->parent != HC_OWNER_NO_ROW;

		is_focused[i] = !focus || (has_parent && is_focused[row->parent]) || fits(focus, row);
		is_ignored[i] = (has_parent && is_ignored[row->parent]) || fits(ignore, row);
		if (is_focused[i] && !is_ignored[i])
			showing->own[i] = row->own;
		else
			hc_amount_add(&showing->filtered, row->own);
	}
	for (uint32_t i = count; i-- > 0;) {
		uint32_t parent = hc_ownership_row(ownership, i)->parent;

		hc_amount_add(&showing->holds[i], showing->own[i]);
		if (parent != HC_OWNER_NO_ROW)
			hc_amount_add(&showing->holds[parent], showing->holds[i]);
	}
}

/* FALSE if TEXT is no regular expression. *RET_PATTERN is NULL of NULL. */
static bool compile(const char *text, GRegex **ret_pattern, GError **error)
{
	g_autoptr(GError) reason = NULL;

	*ret_pattern = text ? g_regex_new(text, G_REGEX_RAW | G_REGEX_OPTIMIZE, 0, &reason) : NULL;
	if (reason)
		g_set_error(
			error, HC_ERROR, HC_ERROR_USAGE, "\"%s\" is no regular expression: %s", text, reason->message);
	return !reason;
}

static bool init_filter(struct showing *showing, GError **error)
{
	g_autoptr(GRegex) focus = NULL;
	g_autoptr(GRegex) ignore = NULL;

	if (!compile(showing->view->focus, &focus, error) || !compile(showing->view->ignore, &ignore, error))
		return false;
	if (focus || ignore)
		filter(showing, focus, ignore);
	return true;
}

/* ---- rows ---- */

static void add_amount(struct showing *showing, const char *kind, hc_amount holds, char *what, const char *key)
{
	const hc_fact facts[] = {
		{ "bytes", "HOLDS", hc_value_size(holds.bytes) },
		{ NULL, "RESIDENT", hc_value_none() },
		{ NULL, "SHARE", hc_value_share(holds.bytes, showing->total) },
		{ NULL, "OWN", hc_value_none() },
		{ NULL, "OWN%", hc_value_none() },
		{ NULL, "RETAINS", hc_value_none() },
		{ NULL, showing->has_outside ? "OUTSIDE" : NULL, hc_value_none() },
		{ "blocks", "BLOCKS", hc_value_count(holds.blocks) },
		{ key, NULL, hc_value_plain(kind) },
		{ NULL, "WHAT", hc_value_take_plain(what) },
	};

	hc_records_add(showing->records, facts);
}

static json_t *accumulation_of_row(const hc_ownership *ownership, const hc_owner_row *row)
{
	const hc_owner_row *at =
		row->accumulation.row == HC_OWNER_NO_ROW ? NULL : hc_ownership_row(ownership, row->accumulation.row);

	return hc_accumulation_json(&row->accumulation, at ? at->text : NULL);
}

/* The accumulation to be told beside the row INDEX: its own, or that of the row above it that begins the path; NULL: none. */
static const hc_owner_accumulation *accumulation_at(
	const struct showing *showing, uint32_t index, unsigned level, const hc_owner_row **ret_first)
{
	const hc_owner_row *row = hc_ownership_row(showing->ownership, index), *first = row;

	while (!first->begins && first->parent != HC_OWNER_NO_ROW)
		first = hc_ownership_row(showing->ownership, first->parent);
	*ret_first = first;
	/* That it is the owner itself, by what it holds, says nothing. */
	if (row == first && first->accumulation.is_by_holding && first->accumulation.row == index)
		return NULL;
	if (row->accumulates)
		return &first->accumulation;
	if (row != first || !first->accumulation.is_found)
		return NULL;
	uint32_t at = first->accumulation.row;
	/* Where its own row is not shown, or is none. */
	bool is_hidden = at == HC_OWNER_NO_ROW ||
			 hc_ownership_row(showing->ownership, at)->level - row->level + level >= showing->view->depth;

	return is_hidden ? &first->accumulation : NULL;
}

static void add_accumulation(struct showing *showing, uint32_t index, unsigned level)
{
	const hc_owner_row *first;
	const hc_owner_accumulation *accumulation = accumulation_at(showing, index, level, &first);
	g_autofree char *text =
		accumulation ? hc_word_accumulation(showing->ownership, first, accumulation->row != index) : NULL;
	g_autofree char *indent = g_strnfill(2 * level + 2, ' '), *line = text ? g_strconcat(indent, text, NULL) : NULL,
			*shown = line ? hc_text_escape(line, -1) : NULL;

	if (shown)
		hc_records_add_line(showing->records, HC_STYLE_DIM, shown);
}

/* Of the row that was asked for its calls are told, and of rows below it that have no type. */
static void note_calls(const struct showing *showing, uint32_t index, unsigned level)
{
	const hc_owner_row *row = hc_ownership_row(showing->ownership, index);
	bool is_wanted = !level || !row->type || hc_owner_row_is_mostly_untyped(row);

	if (showing->calls && is_wanted && owned(showing, index).blocks)
		g_array_append_val(showing->calls, ((const hc_owner_calls){ .row = index }));
}

static void add_row(struct showing *showing, uint32_t index, unsigned level)
{
	const hc_owner_row *row = hc_ownership_row(showing->ownership, index);
	hc_amount holds = held(showing, index), own = owned(showing, index);
	g_autofree char *where = hc_word_where(&row->where, row->threads > 1 ? row->threads : 0),
			*what = hc_word_owner(row), *indent = g_strnfill(2 * level, ' ');
	bool knows_resident = showing->knows_resident && holds.blocks == row->holds.blocks;
	/* What a part of it retains is not known. */
	bool has_retained = row->has_retained && holds.blocks == row->holds.blocks;
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(row->text) },
		{ "level", NULL, hc_value_count(level) },
		{ "group", NULL, hc_value_flag(row->group != HC_OWNERS_BY_ROOT) },
		{ "type", NULL, hc_value_text(row->type) },
		{ "where", NULL, hc_value_text(where) },
		{ "threads", NULL, hc_value_count(row->threads) },
		{ "told_by", NULL, hc_value_if(!row->group, hc_value_plain(hc_owner_basis_name(row->basis))) },
		{ "untyped", NULL, hc_value_if(holds.blocks == row->holds.blocks, hc_value_count(row->untyped)) },
		{ "certainty", NULL, hc_value_if(!row->group, hc_value_plain(hc_certainty_name(row->certainty))) },
		{ "bytes", "HOLDS", hc_value_size(holds.bytes) },
		{ "resident", "RESIDENT", hc_value_if(knows_resident, hc_value_size(row->resident)) },
		{ "outside_resident", NULL, hc_value_if(knows_resident, hc_value_size(row->outside_resident)) },
		{ NULL, "SHARE", hc_value_share(holds.bytes, showing->total) },
		{ "own", NULL, hc_value_amount(own) },
		{ NULL, "OWN", hc_value_size(own.bytes) },
		{ NULL, "OWN%", hc_value_share(own.bytes, showing->total) },
		{ "retained", "RETAINS", hc_value_if(has_retained, hc_value_size(row->retained)) },
		{ "outside", showing->has_outside ? "OUTSIDE" : NULL, hc_value_size(row->outside) },
		{ "shared", NULL, hc_value_amount(row->shared.amount) },
		{ "shared_with", NULL, hc_value_text(row->shared.with) },
		{ "sharers", NULL, hc_value_count(row->shared.others + (row->shared.with != NULL)) },
		{ "blocks", "BLOCKS", hc_value_count(holds.blocks) },
		{ "accumulates", NULL, hc_value_flag(row->accumulates) },
		{ "accumulation", NULL, hc_value_json(accumulation_of_row(showing->ownership, row)) },
		{ NULL, "WHAT", hc_value_take_text(g_strconcat(indent, what, NULL)) },
	};

	hc_records_add(showing->records, facts);
	add_accumulation(showing, index, level);
	note_calls(showing, index, level);
}

static void leave_out(struct showing *showing, uint32_t index, unsigned level)
{
	if (showing->holds && !showing->holds[index].blocks)
		return;
	if (level) {
		showing->below++;
		return;
	}
	showing->rows_left_out++;
	hc_amount_add(&showing->left_out, held(showing, index));
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
		     is_in = is_alone && is_top ? true : is_shown(showing, i) && has_room;

		if (is_in)
			add_row(showing, i, level);
		else
			leave_out(showing, i, level);
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

/* ---- calls ---- */

static int compare_calls(const void *a, const void *b, void *data)
{
	const struct showing *showing = data;
	const hc_owner_calls *x = a, *y = b;
	uint64_t x_bytes = hc_ownership_row(showing->ownership, x->row)->own.bytes,
		 y_bytes = hc_ownership_row(showing->ownership, y->row)->own.bytes;

	return x_bytes != y_bytes ? (x_bytes < y_bytes ? 1 : -1) : (x->row > y->row) - (x->row < y->row);
}

/* Reads the program's code if a row is shown that it may tell something of. Of too many rows those that have most are taken. */
static void find_calls(const hc_analysis *analysis, struct showing *showing, const hc_report_options *options)
{
	unsigned most = options->format == HC_REPORT_JSON ? CALLS_MOST : CALLS_TOLD;

	if (!showing->calls || !showing->calls->len)
		return;
	g_array_sort_with_data(showing->calls, compare_calls, showing);
	if (showing->calls->len > most) {
		showing->calls_left_out = showing->calls->len - most;
		g_array_set_size(showing->calls, most);
	}
	showing->sites = hc_analysis_find_sites(analysis);
	hc_owner_calls_find(analysis, showing->ownership, showing->sites, (hc_owner_calls *)showing->calls->data,
		showing->calls->len, options);
}

static void print_calls(const hc_analysis *analysis, struct showing *showing, hc_output *output)
{
	find_calls(analysis, showing, output->options);
	if (!showing->sites)
		return;
	hc_owner_calls_print(
		showing->ownership, (const hc_owner_calls *)showing->calls->data, showing->calls->len, output);
	if (showing->calls_left_out)
		hc_output_sentence(output, 0, 0, hc_word_owner_calls_left_out(showing->calls_left_out));
	hc_output_sentence(output, 0, 0, hc_word_sites_unread(showing->sites));
}

static json_t *calls_json(const struct showing *showing)
{
	return !showing->calls ? NULL :
				 hc_owner_calls_json(showing->ownership, (const hc_owner_calls *)showing->calls->data,
					 showing->calls->len);
}

/* The row of the block at the address TEXT. */
static uint32_t row_at(const hc_analysis *analysis, const hc_ownership *ownership, const char *text)
{
	const hc_types *types = hc_analysis_types(analysis);
	char *end;
	hc_address address = g_ascii_strtoull(text, &end, 16);
	hc_block block;

	if (*end || !types || !hc_blocks_find(hc_analysis_blocks(analysis), address, &block))
		return HC_OWNER_NO_ROW;
	return hc_ownership_row_of_path(ownership, hc_types_path_of_block(types, block.number));
}

static uint32_t find_row(const hc_analysis *analysis, const hc_ownership *ownership, const char *text)
{
	uint32_t row = hc_ownership_find(ownership, text);

	return row == HC_OWNER_NO_ROW && g_str_has_prefix(text, "0x") ? row_at(analysis, ownership, text) : row;
}

static void clear(struct showing *showing)
{
	g_free(showing->holds);
	g_free(showing->own);
	for (unsigned i = 0; showing->calls && i < showing->calls->len; i++)
		hc_owner_calls_clear(&g_array_index(showing->calls, hc_owner_calls, i));
	g_clear_pointer(&showing->calls, g_array_unref);
	hc_sites_destroy(showing->sites);
}

static bool init(const hc_analysis *analysis, struct showing *showing, const hc_ownership *ownership,
	const hc_owners_view *view, uint32_t *ret_first, GError **error)
{
	uint64_t total = hc_ownership_total(ownership).bytes, outside = hc_ownership_outside(ownership);

	*showing = (struct showing){
		.ownership = ownership,
		.view = view,
		.total = total,
		.minimum = view->minimum == UINT64_MAX ? (total + outside) / SHARES : view->minimum,
		.knows_resident = hc_core_knows_resident(hc_analysis_core(analysis)),
	};
	showing->has_outside = outside && outside >= showing->minimum;
	*ret_first = view->path ? find_row(analysis, ownership, view->path) : hc_ownership_first(ownership);
	if (view->path && *ret_first == HC_OWNER_NO_ROW) {
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "nothing is held by a path \"%s\"", view->path);
		return false;
	}
	if (!init_filter(showing, error))
		return false;
	if (view->sites && view->path)
		showing->calls = g_array_new(FALSE, FALSE, sizeof(hc_owner_calls));
	return true;
}

/* Bytes of all memory that is neither malloc's nor anybody else's that is known. */
static uint64_t outside_mapped(const hc_analysis *analysis)
{
	return hc_areas_bytes(hc_analysis_areas(analysis), HC_AREA_ANONYMOUS);
}

static void write_json(const hc_analysis *analysis, struct showing *showing, uint32_t first, hc_output *output)
{
	g_autoptr(hc_records) rows = showing->records = hc_records_create(), others = hc_records_create();

	add_tree(showing, first, showing->view->path != NULL);
	find_calls(analysis, showing, output->options);
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
		{ "outside", NULL, hc_value_size(hc_ownership_outside(showing->ownership)) },
		{ "outside_mapped", NULL, hc_value_size(outside_mapped(analysis)) },
		{ "rows", NULL, hc_value_json(hc_records_json(rows)) },
		{ "left_out", NULL, hc_value_json(hc_record_json(left_out)) },
		{ "filtered", NULL, hc_value_amount(showing->filtered) },
		{ "others", NULL, hc_value_json(hc_records_json(others)) },
		{ "lost_directly", NULL, hc_value_amount(hc_ownership_lost(showing->ownership, true)) },
		{ "lost_indirectly", NULL, hc_value_amount(hc_ownership_lost(showing->ownership, false)) },
		{ "calls", NULL, hc_value_json(calls_json(showing)) },
		{ "calls_left_out", NULL, hc_value_count(showing->calls_left_out) },
		{ "code", NULL, hc_value_json(showing->sites ? hc_code_json(showing->sites) : NULL) },
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
		if (showing->filtered.blocks)
			add_amount(
				showing, NULL, showing->filtered, g_strdup("left out by --focus and --ignore"), NULL);
		if (is_whole) {
			add_others(showing);
			hc_records_add_rule(records, "HOLDS");
			add_amount(showing, NULL, hc_ownership_total(showing->ownership), g_strdup("in use"), NULL);
		}
		hc_records_print(records, output);
		if (showing->has_outside) {
			g_autofree char *outside = hc_word_owners_outside(
				hc_ownership_outside(showing->ownership), outside_mapped(analysis));

			hc_output_wrapped(output, 0, 0, outside);
		}
		if (showing->below) {
			g_autofree char *more = hc_word_owners_left_out_below(showing->below);

			hc_output_printf(output, "%s\n", more);
		}
		print_calls(analysis, showing, output);
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

	if (!init(analysis, &showing, ownership, view, &first, error))
		return false;
	if (options->format == HC_REPORT_JSON)
		write_json(analysis, &showing, first, output);
	else
		print(analysis, &showing, first, output);
	clear(&showing);
	return hc_output_finish(output, error);
}
