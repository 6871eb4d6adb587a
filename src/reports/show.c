/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One object: its type, its place, and its members or a page of its elements. */
#include "reports/parts.h"

#include "base/text.h"
#include "values/values.h"

#include <inttypes.h>

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
	add_piece(pieces, g_strdup_printf("[%" PRIu64 "]", number), object);
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

static hc_records *make_rows(const hc_types *types, const struct pieces *pieces)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < pieces->list->len; i++) {
		const struct piece *piece = &g_array_index(pieces->list, struct piece, i);
		const hc_object *object = &piece->object;
		const char *type = object->type ? hc_type_short_name(object->type) : NULL;
		const hc_fact facts[] = {
			{ "name", "", hc_value_text(piece->name) },
			{ "type", NULL, hc_value_text(type) },
			{ NULL, "", hc_value_text(pieces->is_container ? NULL : type) },
			{ "address", NULL, hc_value_address(object->address) },
			{ "value", "", hc_value_take_plain(hc_types_format_object(types, object, INNER_LIMIT)) },
		};

		hc_records_add(records, facts);
	}
	return records;
}

static void print_show(const hc_analysis *analysis, const char *expression, const hc_object *object,
	const hc_show_view *view, hc_output *output)
{
	const hc_types *types = hc_analysis_types(analysis);
	struct pieces pieces = { 0 };
	g_autoptr(hc_records) rows = NULL;
	g_autofree char *type = hc_text_escape(hc_type_short_name(object->type), -1);
	g_autofree char *value = hc_types_format_object(types, object, INNER_LIMIT);
	bool is_text = value[0] == '"' && !view->first; /* character by character only if a page is asked for */
	char total[HC_TEXT_COUNT_LENGTH];

	find_pieces(types, object, view, &pieces);
	rows = make_rows(types, &pieces);
	hc_output_printf(output, "%s: %s at %#" PRIx64, expression, type, object->address);
	if (pieces.is_container) {
		g_autofree char *elements = hc_unit_text(pieces.total, "elements");

		hc_output_printf(output, ", %s, %s", elements, hc_grade_name(pieces.grade));
	}
	hc_output_text(output, "\n");
	if (is_text || (!pieces.list->len && !pieces.is_container))
		hc_output_printf(output, "%s\n", value);
	if (!is_text)
		hc_records_print(rows, output);
	if (!is_text && view->first + pieces.list->len < pieces.total && pieces.list->len)
		hc_output_printf(output, "%s more: --first %" PRIu64 " goes on\n",
			hc_text_count(total, pieces.total - view->first - pieces.list->len),
			view->first + pieces.list->len);
	g_array_unref(pieces.list);
}

static json_t *show_json(
	const hc_analysis *analysis, const char *expression, const hc_object *object, const hc_show_view *view)
{
	const hc_types *types = hc_analysis_types(analysis);
	struct pieces pieces = { 0 };
	g_autoptr(hc_records) rows = NULL;
	const char *grade;

	find_pieces(types, object, view, &pieces);
	rows = make_rows(types, &pieces);
	grade = pieces.is_container ? hc_grade_name(pieces.grade) : NULL;
	g_array_unref(pieces.list);
	const hc_fact facts[] = {
		{ "expression", NULL, hc_value_text(expression) },
		{ "type", NULL, hc_value_text(hc_type_short_name(object->type)) },
		{ "address", NULL, hc_value_address(object->address) },
		{ "size", NULL, hc_value_size(hc_type_size(object->type)) },
		{ "value", NULL, hc_value_take_plain(hc_types_format_object(types, object, INNER_LIMIT)) },
		{ "is_container", NULL, hc_value_flag(pieces.is_container) },
		{ "total", NULL, hc_value_count(pieces.total) },
		{ "grade", NULL, hc_value_plain(grade) },
		{ "first", NULL, hc_value_count(view->first) },
		{ "pieces", NULL, hc_value_json(hc_records_json(rows)) },
	};

	return hc_report_json("show", facts, hc_analysis_diagnostics(analysis));
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
