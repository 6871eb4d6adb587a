/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every area of the address space with what it is. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

static const hc_column columns[] = {
	{ "start", "START", HC_CELL_ADDRESS },
	{ "end", "END", HC_CELL_ADDRESS },
	{ "size", "SIZE", HC_CELL_SIZE },
	{ "protection", "PROT", HC_CELL_TEXT },
	{ "kind", "KIND", HC_CELL_TEXT },
	{ "source", "BYTES FROM", HC_CELL_TEXT },
	{ "path", NULL, HC_CELL_TEXT },
	{ "offset", NULL, HC_CELL_COUNT },
	{ "owner", NULL, HC_CELL_JSON },
	{ "note", NULL, HC_CELL_TEXT },
	{ "user", NULL, HC_CELL_JSON },
	{ NULL, "WHAT", HC_CELL_TEXT },
};

enum {
	MAPPING_START,
	MAPPING_END,
	MAPPING_SIZE,
	MAPPING_PROTECTION,
	MAPPING_KIND,
	MAPPING_SOURCE,
	MAPPING_PATH,
	MAPPING_OFFSET,
	MAPPING_OWNER,
	MAPPING_NOTE,
	MAPPING_USER,
	MAPPING_WHAT,
};

const char *hc_protection_name(unsigned flags, char buffer[4])
{
	if (flags & HC_MAPPING_UNLISTED)
		return "?";
	buffer[0] = flags & HC_MAPPING_READ ? 'r' : '-';
	buffer[1] = flags & HC_MAPPING_WRITE ? 'w' : '-';
	buffer[2] = flags & HC_MAPPING_EXECUTE ? 'x' : '-';
	buffer[3] = '\0';
	return buffer;
}

const char *hc_source_name(hc_source source)
{
	switch (source) {
	case HC_SOURCE_CORE:
		return "core";
	case HC_SOURCE_FILE:
		return "file";
	case HC_SOURCE_TRUNCATED:
		return "truncated";
	default:
		return "none";
	}
}

json_t *hc_mapping_json(const hc_mapping *mapping)
{
	json_t *object;
	char protection[4];

	if (!mapping)
		return json_null();
	object = json_object();
	hc_json_set(object, "start", hc_json_address(mapping->start));
	hc_json_set(object, "end", hc_json_address(mapping->end));
	hc_json_set(object, "protection", json_string(hc_protection_name(mapping->flags, protection)));
	hc_json_set(object, "source", json_string(hc_source_name(mapping->source)));
	hc_json_set(object, "path", hc_json_text(mapping->path));
	hc_json_set(object, "offset", mapping->path ? hc_json_number(mapping->path_offset) : json_null());
	return object;
}

/* Who uses AREA, by the looks of it: {"kind", "name", "words"}, or null. */
static json_t *user_json(const hc_area *area)
{
	json_t *object;

	if (!area->user)
		return json_null();
	object = json_object();
	hc_json_set(object, "kind", json_string(hc_area_user_name(area->user)));
	hc_json_set(object, "name", hc_json_text(area->user_name));
	hc_json_set(
		object, "words", area->user == HC_AREA_USER_MODULE ? hc_json_number(area->user_words) : json_null());
	return object;
}

json_t *hc_area_json(const hc_area *area)
{
	g_autofree char *note = area ? hc_word_area(area) : NULL;
	json_t *object;

	if (!area)
		return json_null();
	object = json_object();
	hc_json_set(object, "kind", json_string(hc_area_kind_name(area->kind)));
	hc_json_set(object, "start", hc_json_address(area->start));
	hc_json_set(object, "end", hc_json_address(area->end));
	hc_json_set(object, "note", hc_json_text(note));
	hc_json_set(object, "user", user_json(area));
	return object;
}

/* Whose AREA is: {"thread": id}, {"module": path}, or null. */
static json_t *owner_json(const hc_analysis *analysis, const hc_area *area)
{
	const hc_core *core = hc_analysis_core(analysis);
	const hc_modules *modules = hc_analysis_modules(analysis);
	json_t *object = NULL;

	if ((area->kind == HC_AREA_STACK || area->kind == HC_AREA_STACK_UNUSED) &&
		area->owner < hc_core_thread_count(core)) {
		object = json_object();
		hc_json_set(object, "thread", json_integer(hc_core_thread(core, area->owner)->id));
	} else if (area->kind == HC_AREA_MODULE_DATA && area->owner < hc_modules_count(modules)) {
		object = json_object();
		hc_json_set(object, "module", hc_json_text(hc_modules_get(modules, area->owner)->path));
	}
	return object ? object : json_null();
}

/* NOTE: as hc_word_area(). */
static char *what(const hc_analysis *analysis, const hc_area *area, const char *note)
{
	const hc_core *core = hc_analysis_core(analysis);
	GString *text = g_string_new(NULL);

	if ((area->kind == HC_AREA_STACK || area->kind == HC_AREA_STACK_UNUSED) &&
		area->owner < hc_core_thread_count(core))
		g_string_append_printf(text, "thread %" G_GINT64_FORMAT, hc_core_thread(core, area->owner)->id);
	if (area->mapping && area->mapping->path) {
		g_autofree char *path = hc_text_escape(area->mapping->path, -1);

		g_string_append_printf(text, "%s%s", text->len ? "; " : "", path);
	}
	if (note) {
		g_autofree char *shown = hc_text_escape(note, -1);

		g_string_append_printf(text, "%s%s", text->len ? "; " : "", shown);
	}
	return g_string_free(text, FALSE);
}

static hc_table *make_table(const hc_analysis *analysis)
{
	const hc_areas *areas = hc_analysis_areas(analysis);
	hc_table *table = hc_table_create(columns, G_N_ELEMENTS(columns));

	for (unsigned i = 0; i < hc_areas_count(areas); i++) {
		const hc_area *area = hc_areas_get(areas, i);
		g_autofree char *note = hc_word_area(area), *text = what(analysis, area, note);
		char protection[4];

		hc_table_add_row(table);
		hc_table_set_number(table, MAPPING_START, area->start);
		hc_table_set_number(table, MAPPING_END, area->end);
		hc_table_set_number(table, MAPPING_SIZE, area->end - area->start);
		hc_table_set_plain(table, MAPPING_KIND, hc_area_kind_name(area->kind));
		hc_table_take_json(table, MAPPING_OWNER, owner_json(analysis, area));
		hc_table_set_text(table, MAPPING_NOTE, note);
		hc_table_take_json(table, MAPPING_USER, user_json(area));
		hc_table_set_plain(table, MAPPING_WHAT, text);
		if (!area->mapping)
			continue;
		hc_table_set_plain(table, MAPPING_PROTECTION, hc_protection_name(area->mapping->flags, protection));
		hc_table_set_plain(table, MAPPING_SOURCE, hc_source_name(area->mapping->source));
		hc_table_set_text(table, MAPPING_PATH, area->mapping->path);
		if (area->mapping->path)
			hc_table_set_number(table, MAPPING_OFFSET,
				area->mapping->path_offset + (area->start - area->mapping->start));
	}
	return table;
}

bool hc_report_mappings(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autoptr(hc_table) table = make_table(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	uint64_t total = hc_areas_total(hc_analysis_areas(analysis));

	if (options->format == HC_REPORT_JSON) {
		json_t *report = hc_json_report("mappings");

		hc_json_set(report, "total", hc_json_number(total));
		hc_json_set(report, "mappings", hc_table_json(table));
		hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
		hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
		hc_json_write(output, report);
	} else {
		char size[HC_TEXT_SIZE_LENGTH];

		hc_table_print(table, output);
		hc_output_printf(output, "%u areas, %s\n", hc_table_row_count(table), hc_text_size(size, total));
		hc_diagnostics_print(diagnostics, NULL, output);
	}
	return hc_output_finish(output, error);
}
