/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every area of the address space with what it is. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

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
	char protection[4];

	if (!mapping)
		return json_null();
	const hc_fact facts[] = {
		{ "start", NULL, hc_value_address(mapping->start) },
		{ "end", NULL, hc_value_address(mapping->end) },
		{ "protection", NULL, hc_value_plain(hc_protection_name(mapping->flags, protection)) },
		{ "source", NULL, hc_value_plain(hc_source_name(mapping->source)) },
		{ "path", NULL, hc_value_text(mapping->path) },
		{ "offset", NULL, hc_value_if(mapping->path, hc_value_count(mapping->path_offset)) },
	};

	return hc_record_json(facts);
}

/* Who uses AREA, by the looks of it: {"kind", "name", "words"}, or null. */
static json_t *user_json(const hc_area *area)
{
	bool is_module = area->user == HC_AREA_USER_MODULE;

	if (!area->user)
		return json_null();
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_area_user_name(area->user)) },
		{ "name", NULL, hc_value_text(area->user_name) },
		{ "words", NULL, hc_value_if(is_module, hc_value_count(area->user_words)) },
	};

	return hc_record_json(facts);
}

/* What other runtime has AREA: {"kind", "name", "proved"}, or null. */
static json_t *runtime_json(const hc_area *area)
{
	if (!area->runtime.kind)
		return json_null();
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_runtime_kind_name(area->runtime.kind)) },
		{ "name", NULL, hc_value_text(area->runtime.name) },
		{ "proved", NULL, hc_value_flag(area->runtime.is_proved) },
	};

	return hc_record_json(facts);
}

json_t *hc_area_json(const hc_area *area)
{
	if (!area)
		return json_null();
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_area_kind_name(area->kind)) },
		{ "start", NULL, hc_value_address(area->start) },
		{ "end", NULL, hc_value_address(area->end) },
		{ "note", NULL, hc_value_take_text(hc_word_area(area)) },
		{ "user", NULL, hc_value_json(user_json(area)) },
		{ "runtime", NULL, hc_value_json(runtime_json(area)) },
	};

	return hc_record_json(facts);
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

static void add_area(hc_records *records, const hc_analysis *analysis, const hc_area *area)
{
	const hc_mapping *mapping = area->mapping;
	const char *path = mapping ? mapping->path : NULL, *protection = NULL, *source = NULL;
	const hc_core *core = hc_analysis_core(analysis);
	hc_resident resident = hc_core_resident(core, area->start, area->end);
	bool is_known = hc_core_knows_resident(core);
	uint64_t offset = 0;
	char buffer[4];

	if (mapping) {
		protection = hc_protection_name(mapping->flags, buffer);
		source = hc_source_name(mapping->source);
		offset = mapping->path_offset + (area->start - mapping->start);
	}
	const hc_fact facts[] = {
		{ "start", "START", hc_value_address(area->start) },
		{ "end", "END", hc_value_address(area->end) },
		{ "size", "SIZE", hc_value_size(area->end - area->start) },
		{ "resident", "RESIDENT", hc_value_if(is_known, hc_value_size(resident.resident)) },
		{ "swapped", NULL, hc_value_if(is_known, hc_value_size(resident.swapped)) },
		{ "protection", "PROT", hc_value_plain(protection) },
		{ "kind", "KIND", hc_value_plain(hc_area_kind_name(area->kind)) },
		{ "source", "BYTES FROM", hc_value_plain(source) },
		{ "path", NULL, hc_value_text(path) },
		{ "offset", NULL, hc_value_if(path, hc_value_count(offset)) },
		{ "owner", NULL, hc_value_json(owner_json(analysis, area)) },
		{ "note", NULL, hc_value_take_text(hc_word_area(area)) },
		{ "user", NULL, hc_value_json(user_json(area)) },
		{ "runtime", NULL, hc_value_json(runtime_json(area)) },
		{ NULL, "WHAT", hc_value_take_text(hc_word_mapping(core, area)) },
	};

	hc_records_add(records, facts);
}

bool hc_report_mappings(const hc_analysis *analysis, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autoptr(hc_records) records = hc_records_create();
	const hc_areas *areas = hc_analysis_areas(analysis);
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	uint64_t total = hc_areas_total(areas);

	for (unsigned i = 0; i < hc_areas_count(areas); i++)
		add_area(records, analysis, hc_areas_get(areas, i));
	if (options->format == HC_REPORT_JSON) {
		const hc_fact facts[] = {
			{ "total", NULL, hc_value_size(total) },
			{ "mappings", NULL, hc_value_json(hc_records_json(records)) },
		};

		hc_json_write(output, hc_report_json("mappings", facts, diagnostics));
	} else {
		char size[HC_TEXT_SIZE_LENGTH];

		hc_records_print(records, output);
		hc_output_printf(output, "%u areas, %s\n", hc_records_count(records), hc_text_size(size, total));
		hc_diagnostics_print(diagnostics, NULL, output);
	}
	return hc_output_finish(output, error);
}
