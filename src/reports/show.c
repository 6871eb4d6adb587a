/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One object: its type, its place, and its members or a page of its elements. */
#include "reports/parts.h"

#include "base/text.h"
#include "values/values.h"

enum {
	INNER_LIMIT = 8 /* elements and members within a value */
};

/* A row: a member or an element. */
struct piece {
	char *name;
	hc_object object; /* type NULL: not known */
};

struct pieces {
	GArray *list; /* of struct piece */
	bool is_container;
	uint64_t total; /* elements or members */
	hc_grade grade;
};

static void clear_piece(void *data)
{
	g_free(((struct piece *)data)->name);
}

static void add_piece(struct pieces *pieces, char *name, hc_object object)
{
	struct piece piece = { name, object };

	g_array_append_val(pieces->list, piece);
}

static void add_numbered(struct pieces *pieces, uint64_t number, hc_object object)
{
	add_piece(pieces, g_strdup_printf("[%" G_GUINT64_FORMAT "]", number), object);
}

static void add_elements(struct pieces *pieces, const hc_object *object, const hc_show_view *view)
{
	const hc_type *element = hc_type_target(object->type);
	uint64_t count = hc_type_count(object->type);

	pieces->total = count;
	for (uint64_t i = view->first; i < count && i - view->first < view->limit; i++)
		add_numbered(pieces, i,
			(hc_object){ .type = element, .address = object->address + i * hc_type_size(element) });
}

static void add_members(struct pieces *pieces, const hc_object *object, const hc_show_view *view)
{
	unsigned count = hc_type_field_count(object->type);

	pieces->total = count;
	for (uint64_t i = view->first; i < count && i - view->first < view->limit; i++) {
		const hc_field *field = hc_type_field(object->type, i);

		if (!field->is_virtual)
			add_piece(pieces,
				g_strdup(field->name	? field->name :
					 field->is_base ? "(base)" :
							  "(anonymous)"),
				(hc_object){ field->type, object->address + field->offset, field->bit_size,
					field->bit_offset });
	}
}

static void add_parts(struct pieces *pieces, const GArray *parts, const hc_show_view *view)
{
	pieces->total = parts->len;
	for (uint64_t i = view->first; i < parts->len && i - view->first < view->limit; i++)
		add_numbered(pieces, i, g_array_index(parts, hc_object, i));
}

static void find_pieces(const hc_types *types, const hc_object *object, const hc_show_view *view, struct pieces *pieces)
{
	g_autoptr(GArray) elements = hc_types_elements(
		types, object->type, object->address, view->first, view->limit, &pieces->grade, &pieces->total);
	g_autoptr(GArray) parts = elements ? NULL : hc_types_tuple(object->type, object->address);

	pieces->list = g_array_new(FALSE, FALSE, sizeof(struct piece));
	g_array_set_clear_func(pieces->list, clear_piece);
	pieces->is_container = elements != NULL;
	for (unsigned i = 0; elements && i < elements->len; i++)
		add_numbered(pieces, view->first + i, g_array_index(elements, hc_object, i));
	if (elements)
		return;
	if (parts)
		add_parts(pieces, parts, view);
	else if (hc_type_get_kind(object->type) == HC_TYPE_ARRAY && hc_type_target(object->type))
		add_elements(pieces, object, view);
	else if (hc_type_field_count(object->type))
		add_members(pieces, object, view);
}

static char *value_of(const hc_types *types, const struct piece *piece)
{
	return hc_types_format_object(types, &piece->object, INNER_LIMIT);
}

static const hc_column columns[] = {
	{ NULL, "", HC_CELL_TEXT },
	{ NULL, "", HC_CELL_TEXT },
	{ NULL, "", HC_CELL_TEXT },
};

static void print_show(const hc_analysis *analysis, const char *expression, const hc_object *object,
	const hc_show_view *view, hc_output *output)
{
	const hc_types *types = hc_analysis_types(analysis);
	struct pieces pieces = { 0 };
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));
	g_autofree char *type = hc_text_escape(hc_type_short_name(object->type), -1);
	g_autofree char *value = hc_types_format_object(types, object, INNER_LIMIT);
	char total[HC_TEXT_COUNT_LENGTH];

	find_pieces(types, object, view, &pieces);
	hc_output_printf(output, "%s: %s at %#" G_GINT64_MODIFIER "x", expression, type, object->address);
	if (pieces.is_container)
		hc_output_printf(output, ", %s element%s, %s", hc_text_count(total, pieces.total),
			pieces.total == 1 ? "" : "s", hc_grade_name(pieces.grade));
	hc_output_text(output, "\n");
	bool is_text = value[0] == '"' && !view->first; /* character by character only if a page is asked for */

	if (is_text || (!pieces.list->len && !pieces.is_container)) {
		hc_output_text(output, value);
		hc_output_text(output, "\n");
	}
	for (unsigned i = 0; i < pieces.list->len && !is_text; i++) {
		const struct piece *piece = &g_array_index(pieces.list, struct piece, i);
		g_autofree char *text = value_of(types, piece);

		hc_table_add_row(table);
		hc_table_set_text(table, 0, piece->name);
		if (!pieces.is_container && piece->object.type)
			hc_table_set_text(table, 1, hc_type_short_name(piece->object.type));
		hc_table_set_plain(table, 2, text);
	}
	hc_table_print(table, output);
	if (!is_text && view->first + pieces.list->len < pieces.total && pieces.list->len)
		hc_output_printf(output, "%s more: --first %" G_GUINT64_FORMAT " goes on\n",
			hc_text_count(total, pieces.total - view->first - pieces.list->len),
			view->first + pieces.list->len);
	g_array_unref(pieces.list);
}

static json_t *show_json(
	const hc_analysis *analysis, const char *expression, const hc_object *object, const hc_show_view *view)
{
	const hc_types *types = hc_analysis_types(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	json_t *report = hc_json_report("show"), *list = json_array();
	struct pieces pieces = { 0 };
	g_autofree char *value = hc_types_format_object(types, object, INNER_LIMIT);

	find_pieces(types, object, view, &pieces);
	for (unsigned i = 0; i < pieces.list->len; i++) {
		const struct piece *piece = &g_array_index(pieces.list, struct piece, i);
		g_autofree char *text = value_of(types, piece);
		json_t *item = json_object();

		hc_json_set(item, "name", hc_json_text(piece->name));
		hc_json_set(item, "type",
			piece->object.type ? hc_json_text(hc_type_short_name(piece->object.type)) : json_null());
		hc_json_set(item, "address", hc_json_address(piece->object.address));
		hc_json_set(item, "value", hc_json_text(text));
		json_array_append_new(list, item);
	}
	hc_json_set(report, "expression", hc_json_text(expression));
	hc_json_set(report, "type", hc_json_text(hc_type_short_name(object->type)));
	hc_json_set(report, "address", hc_json_address(object->address));
	hc_json_set(report, "size", hc_json_number(hc_type_size(object->type)));
	hc_json_set(report, "value", hc_json_text(value));
	hc_json_set(report, "is_container", json_boolean(pieces.is_container));
	hc_json_set(report, "total", hc_json_number(pieces.total));
	hc_json_set(report, "grade", pieces.is_container ? json_string(hc_grade_name(pieces.grade)) : json_null());
	hc_json_set(report, "first", hc_json_number(view->first));
	hc_json_set(report, "pieces", list);
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	g_array_unref(pieces.list);
	return report;
}

bool hc_report_show(const hc_analysis *analysis, const char *expression, const hc_show_view *view,
	const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	hc_object object;

	if (!hc_types_evaluate(hc_analysis_types(analysis), expression, view->thread, view->frame, &object, error))
		return false;
	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, show_json(analysis, expression, &object, view));
	else
		print_show(analysis, expression, &object, view, output);
	return hc_output_finish(output, error);
}
