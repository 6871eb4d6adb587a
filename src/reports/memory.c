/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory table: top rows add up to the total; parts stand indented below the row that they are of. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <string.h>

static void add_row_json(hc_records *records, const hc_memory_row *row)
{
	const hc_fact facts[] = {
		{ "id", NULL, hc_value_plain(hc_row_name(row->id)) },
		{ "name", NULL, hc_value_plain(hc_word_row(row->id, row->is_bound)) },
		{ "of", NULL, row->of ? hc_value_plain(hc_row_name(row->of)) : hc_value_omitted() },
		{ "bytes", NULL, hc_value_size(row->bytes) },
		{ "resident", NULL, hc_value_if(row->knows_resident, hc_value_size(row->resident.resident)) },
		{ "swapped", NULL, hc_value_if(row->knows_resident, hc_value_size(row->resident.swapped)) },
		{ "proportional", NULL,
			hc_value_if(row->proportional != UINT64_MAX, hc_value_size(row->proportional)) },
		{ "count", NULL, hc_value_if(row->unit, hc_value_count(row->count)) },
		{ "unit", NULL, hc_value_plain(row->unit) },
		{ "memory", NULL, hc_value_flag(row->is_memory) },
		{ "bound", NULL, hc_value_flag(row->is_bound) },
		{ "note", NULL, hc_value_take_text(hc_word_row_note(row)) },
		{ "largest", NULL, hc_value_json(hc_area_json(row->largest)) },
	};

	hc_records_add(records, facts);
}

static void add_use_json(hc_records *records, const hc_memory_use *use, bool knows_resident)
{
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_runtime_kind_name(use->use.kind)) },
		{ "name", NULL, hc_value_take_text(hc_word_runtime(&use->use)) },
		{ "of", NULL, hc_value_plain(hc_row_name(use->row)) },
		{ "proved", NULL, hc_value_flag(use->use.is_proved) },
		{ "bytes", NULL, hc_value_size(use->bytes) },
		{ "resident", NULL, hc_value_if(knows_resident, hc_value_size(use->resident.resident)) },
		{ "swapped", NULL, hc_value_if(knows_resident, hc_value_size(use->resident.swapped)) },
		{ "mappings", NULL, hc_value_count(use->mappings) },
	};

	hc_records_add(records, facts);
}

/* Bytes of the kernel's page tables of the process; UINT64_MAX: not known. */
static uint64_t page_tables_of(const hc_analysis *analysis)
{
	g_autoptr(hc_side_facts) facts = hc_side_facts_read(hc_core_path(hc_analysis_core(analysis)), NULL);

	return facts && facts->page_tables != HC_FACT_UNKNOWN ? facts->page_tables : UINT64_MAX;
}

json_t *hc_memory_json(const hc_analysis *analysis)
{
	const hc_memory *memory = hc_analysis_memory(analysis);
	uint64_t proportional = hc_memory_proportional(memory), tables = page_tables_of(analysis);
	g_autoptr(hc_records) rows = hc_records_create(), parts = hc_records_create(), runtimes = hc_records_create();
	hc_resident resident = hc_memory_resident(memory);
	bool is_known = hc_memory_knows_resident(memory);

	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);

		add_row_json(row->of ? parts : rows, row);
	}
	for (unsigned i = 0; i < hc_memory_use_count(memory); i++)
		add_use_json(runtimes, hc_memory_use_get(memory, i), is_known);
	const hc_fact facts[] = {
		{ "total", NULL, hc_value_size(hc_memory_total(memory)) },
		{ "resident", NULL, hc_value_if(is_known, hc_value_size(resident.resident)) },
		{ "swapped", NULL, hc_value_if(is_known, hc_value_size(resident.swapped)) },
		{ "proportional", NULL, hc_value_if(proportional != UINT64_MAX, hc_value_size(proportional)) },
		{ "page_tables", NULL, hc_value_if(tables != UINT64_MAX, hc_value_size(tables)) },
		{ "rows", NULL, hc_value_json(hc_records_json(rows)) },
		{ "parts", NULL, hc_value_json(hc_records_json(parts)) },
		{ "runtimes", NULL, hc_value_json(hc_records_json(runtimes)) },
	};

	return hc_record_json(facts);
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
	bool has_swapped;    /* anything was swapped out */
	hc_records *table;
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

		if (finding->kind == HC_FINDING_NOT_HEAP && finding->not_heap.row == row->id)
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
	if (row->unit && row->proportional < row->resident.resident) {
		g_autofree char *share = hc_word_proportional(row->proportional);

		g_string_append_printf(detail, "%s%s", detail->len ? "; " : "", share);
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

/* RESIDENT: NULL if that is not known. DETAIL is taken, and may be NULL. */
static void add_line(const memory_view *view, hc_style style, const char *title, uint64_t bytes,
	const hc_resident *resident, bool has_share, char *detail)
{
	const hc_fact facts[] = {
		{ NULL, "WHERE THE MEMORY IS", hc_value_plain(title) },
		{ NULL, "BYTES", hc_value_size(bytes) },
		{ NULL, "RESIDENT", hc_value_if(resident, hc_value_size(resident ? resident->resident : 0)) },
		{ NULL, "SWAPPED",
			hc_value_if(resident && view->has_swapped, hc_value_size(resident ? resident->swapped : 0)) },
		{ NULL, "SHARE", hc_value_if(has_share, hc_value_share(bytes, view->shared_total)) },
		{ NULL, "", hc_value_take_plain(detail) },
	};

	hc_records_add(view->table, facts);
	hc_records_set_style(view->table, style);
}

static hc_style row_style(const hc_memory_row *row, unsigned depth)
{
	if (row->bytes && hc_row_is_lost(row->id))
		return HC_STYLE_BAD;
	return depth || !row->is_memory ? HC_STYLE_DIM : HC_STYLE_PLAIN;
}

static void add_row(const memory_view *view, const hc_memory_row *row, unsigned depth)
{
	g_autofree char *title = hc_row_title(hc_word_row(row->id, row->is_bound), depth, view->verbose);

	add_line(view, row_style(row, depth), title, row->bytes, row->knows_resident ? &row->resident : NULL,
		row->is_memory, row_detail(view, row));
}

static bool is_shown(const memory_view *view, const hc_memory_row *row)
{
	return row->bytes || row->count || view->verbose;
}

/* Behind the rows of free memory: how much of it could go back to the system. */
static void add_free_pages(const memory_view *view)
{
	unsigned finding = finding_of_kind(view->findings, HC_FINDING_RETAINED);
	g_autofree char *text = NULL;
	bool is_known = hc_memory_knows_resident(view->memory);
	hc_free_pages pages;

	hc_blocks_free_pages(view->blocks, HC_ARENA_ALL, &pages);
	if (!pages.whole && !view->verbose)
		return;
	text = hc_word_free_pages(&pages, is_known);
	add_line(view, HC_STYLE_DIM, "  of the free, in whole pages", pages.whole, NULL, true,
		finding ? g_strdup_printf("%s  -> %u", text, finding) : g_strdup(text));
}

/* What of ROW other runtimes have. */
static void add_uses(const memory_view *view, const hc_memory_row *row, unsigned depth)
{
	for (unsigned i = 0; i < hc_memory_use_count(view->memory); i++) {
		const hc_memory_use *use = hc_memory_use_get(view->memory, i);
		g_autofree char *name = hc_word_runtime(&use->use), *shown = hc_text_escape(name, -1),
				*title = g_strdup_printf("%*sof which %s", 2 * (int)depth, "", shown);

		if (use->row == row->id)
			add_line(view, HC_STYLE_DIM, title, use->bytes, row->knows_resident ? &use->resident : NULL,
				true, hc_unit_text(use->mappings, "mappings"));
	}
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
		add_uses(view, row, depth + 1);
		add_rows(view, row->id, is_memory, depth + 1);
	}
}

static void add_sum(const memory_view *view, const char *title, uint64_t bytes, hc_resident resident, char *detail)
{
	add_line(view, HC_STYLE_HEADING, title, bytes, hc_memory_knows_resident(view->memory) ? &resident : NULL, false,
		detail);
}

void hc_memory_print(const hc_analysis *analysis, hc_output *output)
{
	g_autoptr(hc_records) table = hc_records_create();
	const hc_memory *memory = hc_analysis_memory(analysis);
	memory_view view = {
		.memory = memory,
		.blocks = hc_analysis_blocks(analysis),
		.findings = hc_analysis_findings(analysis),
		.verbose = output->options->verbose,
		.table = table,
	};
	uint64_t bytes = 0, total = hc_memory_total(memory), tables = page_tables_of(analysis);
	hc_resident resident = { 0, 0 }, total_resident = hc_memory_resident(memory);

	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);

		if (!hc_memory_row_counts(row))
			continue;
		bytes += row->bytes;
		resident.resident += row->resident.resident;
		resident.swapped += row->resident.swapped;
	}
	view.shared_total = bytes;
	view.has_swapped = total_resident.swapped > 0;
	add_rows(&view, HC_ROW_NONE, true, 0);
	hc_records_add_rule(table, "BYTES");
	if (bytes != total) {
		add_sum(&view, "memory", bytes, resident, NULL);
		add_rows(&view, HC_ROW_NONE, false, 0);
		hc_records_add_rule(table, "BYTES");
	}
	add_sum(&view, "mapped address space", total, total_resident,
		g_strdup(hc_memory_knows_resident(memory) ? NULL : hc_word_resident_not_known()));
	if (tables != UINT64_MAX)
		add_line(&view, HC_STYLE_DIM, "the kernel's page tables", tables, NULL, false,
			g_strdup("beside all of these"));
	hc_output_text(output, "\n");
	hc_records_print(table, output);
}
