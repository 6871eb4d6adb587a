/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree of owners for Graphviz: the rows that hold most, and those above them; what is left out stands in a box of its own, so that the figures
 * of all boxes without an arrow to them add up to what is in use. Boxes are as dark as what they hold is large.
 */
#include "export/export_parts.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum {
	ROWS_SHOWN = 60,
	NAME_LENGTH = 80 /* characters; of a longer name the end is shown, which tells more */
};

struct drawing {
	hc_export *export;
	const hc_ownership *ownership;
	uint64_t total;
	bool *is_shown; /* by row */
};

/* TEXT, which is in no quotes, as a label: what was escaped for people is escaped once more for Graphviz. */
static void write_label(hc_export *export, const char *text)
{
	g_autofree char *escaped = hc_text_escape(text, -1);
	glong length = g_utf8_strlen(escaped, -1);
	const char *from = length > NAME_LENGTH ? g_utf8_offset_to_pointer(escaped, length - NAME_LENGTH) : escaped;

	if (from != escaped)
		hc_export_text(export, "...");
	for (; *from; from++) {
		if (*from == '"' || *from == '\\')
			hc_export_text(export, "\\");
		hc_export_bytes(export, from, 1);
	}
}

static unsigned per_cent(const struct drawing *drawing, uint64_t bytes)
{
	return drawing->total ? (unsigned)(100.0 * (double)bytes / (double)drawing->total) : 0;
}

/* A box up to its name; the end of one behind that, with its figures. */
static void begin_box(const struct drawing *drawing, const char *name, uint64_t bytes)
{
	/* From white to a red on which black can be read. */
	hc_sink_printf(&drawing->export->sink,
		"\t%s [fillcolor=\"0.02 %.2f 1.0\" tooltip=\"%" PRIu64 " bytes\" label=\"", name,
		0.6 * MIN(per_cent(drawing, bytes), 100) / 100, bytes);
}

static void end_box(const struct drawing *drawing, uint64_t blocks, uint64_t bytes, const hc_owner_row *row)
{
	char size[HC_TEXT_SIZE_LENGTH], count[HC_TEXT_COUNT_LENGTH];

	hc_sink_printf(&drawing->export->sink, "\\n%s (%u %%), %s blocks", hc_text_size(size, bytes),
		per_cent(drawing, bytes), hc_text_count(count, blocks));
	if (row && row->begins && row->has_retained)
		hc_sink_printf(&drawing->export->sink, "\\nretains %s", hc_text_size(size, row->retained));
	hc_export_text(drawing->export, "\"];\n");
}

static void write_row(const struct drawing *drawing, uint32_t index)
{
	const hc_owner_row *row = hc_ownership_row(drawing->ownership, index);
	char name[16], parent[16], size[HC_TEXT_SIZE_LENGTH];

	g_snprintf(name, sizeof name, "r%" PRIu32, index);
	begin_box(drawing, name, row->holds.bytes);
	write_label(drawing->export, hc_owner_row_tail(drawing->ownership, row));
	if (row->type && *row->type) {
		hc_export_text(drawing->export, "\\n");
		write_label(drawing->export, row->type);
	}
	end_box(drawing, row->holds.blocks, row->holds.bytes, row);
	if (row->parent == HC_OWNER_NO_ROW)
		return;
	g_snprintf(parent, sizeof parent, "r%" PRIu32, row->parent);
	hc_sink_printf(&drawing->export->sink, "\t%s -> %s [label=\"%s\"];\n", parent, name,
		hc_text_size(size, row->holds.bytes));
}

static void write_other(const struct drawing *drawing, const char *name, const char *label, hc_amount amount)
{
	if (!amount.blocks)
		return;
	begin_box(drawing, name, amount.bytes);
	write_label(drawing->export, label);
	end_box(drawing, amount.blocks, amount.bytes, NULL);
}

/* ---- which rows ---- */

static int compare_rows(const void *a, const void *b, void *data)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint64_t x_bytes = hc_ownership_row(data, x)->holds.bytes, y_bytes = hc_ownership_row(data, y)->holds.bytes;

	return x_bytes != y_bytes ? (x_bytes < y_bytes) - (x_bytes > y_bytes) : (x > y) - (x < y);
}

/* A row holds no less than the rows below it, and is in front of them: so the first ones are a tree. */
static void choose(const struct drawing *drawing, uint64_t limit)
{
	uint32_t count = hc_ownership_row_count(drawing->ownership);
	g_autofree uint32_t *rows = g_new(uint32_t, count + (size_t)1);

	for (uint32_t i = 0; i < count; i++)
		rows[i] = i;
	g_qsort_with_data(rows, (int)count, sizeof *rows, compare_rows, (void *)drawing->ownership);
	for (uint32_t i = 0; i < count && i < limit; i++)
		drawing->is_shown[rows[i]] = hc_ownership_row(drawing->ownership, rows[i])->holds.blocks > 0;
}

/* Rows that begin paths and are not shown. */
static hc_amount left_out(const struct drawing *drawing)
{
	hc_amount sum = { 0 };

	for (uint32_t i = hc_ownership_first(drawing->ownership); i != HC_OWNER_NO_ROW;
		i = hc_ownership_row(drawing->ownership, i)->next)
		if (!drawing->is_shown[i])
			hc_amount_add(&sum, hc_ownership_row(drawing->ownership, i)->holds);
	return sum;
}

bool hc_dot_write(hc_export *export, hc_table_source *source, GError **error)
{
	const hc_ownership *ownership = hc_table_source_ownership(source, error);

	if (!ownership)
		return false;
	struct drawing drawing = {
		.export = export,
		.ownership = ownership,
		.total = hc_ownership_total(ownership).bytes,
		.is_shown = g_new0(bool, hc_ownership_row_count(ownership) + (size_t)1),
	};

	choose(&drawing, export->options->limit ? export->options->limit : ROWS_SHOWN);
	hc_export_text(export,
		"digraph owners {\n\trankdir=LR;\n\tnode [shape=box style=filled fontname=\"sans-serif\"];\n"
		"\tedge [fontname=\"sans-serif\"];\n");
	for (uint32_t i = 0; i < hc_ownership_row_count(ownership); i++)
		if (drawing.is_shown[i])
			write_row(&drawing, i);
	write_other(&drawing, "left_out", "(others, not shown)", left_out(&drawing));
	write_other(&drawing, "unknown", "(owner not known)", hc_ownership_amount(ownership, HC_OWNER_UNKNOWN));
	write_other(&drawing, "libc", "(libc and the runtime)", hc_ownership_amount(ownership, HC_OWNER_LIBC));
	write_other(&drawing, "lost", "(lost: nothing points to it)", hc_ownership_amount(ownership, HC_OWNER_LOST));
	hc_export_text(export, "}\n");
	g_free(drawing.is_shown);
	return true;
}
