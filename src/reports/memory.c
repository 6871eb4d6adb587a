/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory table: top rows add up to the total; parts stand indented below the row that they are of. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <string.h>

static const hc_column columns[] = {
	{ NULL, "WHERE THE MEMORY IS", HC_CELL_TEXT },
	{ NULL, "BYTES", HC_CELL_SIZE },
	{ NULL, "SHARE", HC_CELL_SHARE },
	{ NULL, "", HC_CELL_TEXT },
};

enum {
	MEMORY_NAME,
	MEMORY_BYTES,
	MEMORY_SHARE,
	MEMORY_DETAIL
};

static json_t *row_json(const hc_memory_row *row)
{
	json_t *object = json_object();
	g_autofree char *note = hc_word_row_note(row);

	hc_json_set(object, "id", hc_json_text(hc_row_name(row->id)));
	hc_json_set(object, "name", json_string(hc_word_row(row->id, row->is_bound)));
	if (row->of)
		hc_json_set(object, "of", hc_json_text(hc_row_name(row->of)));
	hc_json_set(object, "bytes", hc_json_number(row->bytes));
	hc_json_set(object, "count", row->unit ? hc_json_number(row->count) : json_null());
	hc_json_set(object, "unit", hc_json_text(row->unit));
	hc_json_set(object, "memory", json_boolean(row->is_memory));
	hc_json_set(object, "bound", json_boolean(row->is_bound));
	hc_json_set(object, "note", hc_json_text(note));
	hc_json_set(object, "largest", hc_area_json(row->largest));
	return object;
}

json_t *hc_memory_json(const hc_memory *memory)
{
	json_t *object = json_object(), *rows = json_array(), *parts = json_array();

	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);

		json_array_append_new(row->of ? parts : rows, row_json(row));
	}
	hc_json_set(object, "total", hc_json_number(hc_memory_total(memory)));
	hc_json_set(object, "rows", rows);
	hc_json_set(object, "parts", parts);
	return object;
}

enum {
	NOTE_LEAST_SHARE = 100
}; /* notes only of rows with at least one in so many bytes: the rest is noise */

/* What the table is printed from. */
typedef struct memory_view {
	const hc_memory *memory;
	const hc_blocks *blocks;
	const hc_findings *findings;
	bool verbose;
	double shared_total; /* the bytes that are 100 % */
	hc_table *table;
} memory_view;

/* The number of the first finding of that KIND; 0 if there is none. */
static unsigned finding_of_kind(const hc_findings *findings, hc_finding_kind kind)
{
	for (unsigned i = 0; i < hc_findings_count(findings); i++) {
		if (hc_findings_get(findings, i)->kind == kind)
			return i + 1;
	}
	return 0;
}

/* The number of the finding that says more about ROW; 0 if none does. */
static unsigned finding_of_row(const hc_findings *findings, const hc_memory_row *row)
{
	unsigned not_glibc = 0;

	if (row->id == HC_ROW_ANONYMOUS)
		not_glibc = MAX(finding_of_kind(findings, HC_FINDING_NOT_GLIBC),
			finding_of_kind(findings, HC_FINDING_HEAP_NOT_READ));
	if (hc_row_is_lost(row->id))
		return finding_of_kind(findings, HC_FINDING_LOST);
	if (not_glibc)
		return not_glibc;
	for (unsigned i = 0; i < hc_findings_count(findings); i++) {
		const hc_finding *finding = hc_findings_get(findings, i);

		if (finding->kind == HC_FINDING_NOT_HEAP && finding->row == row->id)
			return i + 1;
	}
	return 0;
}

char *hc_row_title(const char *title, unsigned depth, bool verbose)
{
	const char *parenthesis = verbose ? NULL : strstr(title, " (");
	int length = parenthesis && title[strlen(title) - 1] == ')' ? (int)(parenthesis - title) : (int)strlen(title);

	return g_strdup_printf("%*s%.*s", 2 * (int)depth, "", length, title);
}

static char *row_detail(const memory_view *view, const hc_memory_row *row)
{
	GString *detail = g_string_new(NULL);
	unsigned finding = row->bytes ? finding_of_row(view->findings, row) : 0;

	if (row->unit && row->count) {
		g_autofree char *count = hc_unit_text(row->count, row->unit);

		g_string_append(detail, count);
	}
	/* The finding has the note too. */
	if (row->largest && (view->verbose || (!finding && row->bytes * NOTE_LEAST_SHARE >= view->shared_total))) {
		g_autofree char *note = hc_word_row_note(row), *shown = hc_text_escape(note, -1);

		g_string_append_printf(detail, "%s%s", detail->len ? "; " : "", shown);
	}
	if (finding)
		g_string_append_printf(detail, "%s-> %u", detail->len ? "  " : "", finding);
	return g_string_free(detail, FALSE);
}

static void add_row(const memory_view *view, const hc_memory_row *row, unsigned depth)
{
	g_autofree char *title = hc_row_title(hc_word_row(row->id, row->is_bound), depth, view->verbose);
	g_autofree char *detail = row_detail(view, row);

	hc_table_add_row(view->table);
	hc_table_set_plain(view->table, MEMORY_NAME, title);
	hc_table_set_number(view->table, MEMORY_BYTES, row->bytes);
	if (row->is_memory)
		hc_table_set_share(view->table, MEMORY_SHARE, row->bytes, view->shared_total);
	hc_table_set_plain(view->table, MEMORY_DETAIL, detail);
	if (row->bytes && hc_row_is_lost(row->id))
		hc_table_set_style(view->table, HC_STYLE_BAD);
	else if (depth || !row->is_memory)
		hc_table_set_style(view->table, HC_STYLE_DIM);
}

static bool is_shown(const memory_view *view, const hc_memory_row *row)
{
	return row->bytes || row->count || view->verbose;
}

/* Behind the rows of free memory: how much of it could go back to the system. */
static void add_free_pages(const memory_view *view)
{
	char zero[HC_TEXT_SIZE_LENGTH], trim[HC_TEXT_SIZE_LENGTH];
	g_autofree char *detail = NULL;
	unsigned finding = finding_of_kind(view->findings, HC_FINDING_RETAINED);
	hc_free_pages pages;

	hc_blocks_free_pages(view->blocks, HC_ARENA_ALL, &pages);
	if (!pages.whole && !view->verbose)
		return;
	hc_text_size(zero, pages.zero);
	hc_text_size(trim, hc_free_pages_gain(&pages));
	detail = g_strdup_printf("%s zero; trimming gives %s", zero, trim);
	if (finding) {
		char *text = g_strdup_printf("%s  -> %u", detail, finding);

		g_free(detail);
		detail = text;
	}
	hc_table_add_row(view->table);
	hc_table_set_plain(view->table, MEMORY_NAME, "  of the free, in whole pages");
	hc_table_set_number(view->table, MEMORY_BYTES, pages.whole);
	hc_table_set_share(view->table, MEMORY_SHARE, pages.whole, view->shared_total);
	hc_table_set_plain(view->table, MEMORY_DETAIL, detail);
	hc_table_set_style(view->table, HC_STYLE_DIM);
}

/* The rows that are parts of PARENT (NULL: top rows), each with its own parts. */
static void add_rows(const memory_view *view, hc_row_id parent, bool is_memory, unsigned depth)
{
	bool free_before = false;

	for (unsigned i = 0; i < hc_memory_row_count(view->memory) && depth < 8; i++) {
		const hc_memory_row *row = hc_memory_row_get(view->memory, i);
		bool is_free = hc_row_is_free(row->id);

		if (row->of != parent || (!parent && row->is_memory != is_memory))
			continue;
		if (free_before && !is_free)
			add_free_pages(view);
		free_before = is_free;
		if (!is_shown(view, row))
			continue;
		add_row(view, row, depth);
		add_rows(view, row->id, is_memory, depth + 1);
	}
}

static void add_sum(const memory_view *view, const char *title, uint64_t bytes)
{
	hc_table_add_row(view->table);
	hc_table_set_plain(view->table, MEMORY_NAME, title);
	hc_table_set_number(view->table, MEMORY_BYTES, bytes);
	hc_table_set_style(view->table, HC_STYLE_HEADING);
}

void hc_memory_print(const hc_analysis *analysis, hc_output *output)
{
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));
	const hc_memory *memory = hc_analysis_memory(analysis);
	memory_view view = {
		.memory = memory,
		.blocks = hc_analysis_blocks(analysis),
		.findings = hc_analysis_findings(analysis),
		.verbose = output->options->verbose,
		.table = table,
	};
	uint64_t bytes = 0, total = hc_memory_total(memory);

	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);

		if (hc_memory_row_counts(row))
			bytes += row->bytes;
	}
	view.shared_total = bytes;
	add_rows(&view, HC_ROW_NONE, true, 0);
	hc_table_add_rule(table, MEMORY_BYTES);
	if (bytes != total) {
		add_sum(&view, "memory", bytes);
		add_rows(&view, HC_ROW_NONE, false, 0);
		hc_table_add_rule(table, MEMORY_BYTES);
	}
	add_sum(&view, "mapped address space", total);
	hc_output_text(output, "\n");
	hc_table_print(table, output);
}
