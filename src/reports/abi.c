/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes and functions that two parts of the program see differently: both sides, what differs, and what it did to the heap. */
#include "reports/parts.h"

#include "abi/abi.h"
#include "base/text.h"
#include "wording/wording.h"

enum {
	CHANGES_SHOWN = 8, /* of a class, in text */
};

/* ---- JSON ---- */

static json_t *modules_json(const hc_abi_side *side)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < MIN(side->module_count, HC_ABI_MODULES_MAX); i++)
		json_array_append_new(array, hc_json_text(side->modules[i]->name));
	return array;
}

static json_t *side_json(const hc_abi_difference *difference, unsigned index)
{
	const hc_abi_side *side = &difference->sides[index];
	bool is_function = difference->kind == HC_ABI_DECLARATION, has_parts = is_function || side->type;
	const hc_fact facts[] = {
		{ "module", NULL, hc_value_text(side->modules[0]->name) },
		{ "path", NULL, hc_value_text(side->modules[0]->path) },
		{ "modules", NULL, hc_value_json(modules_json(side)) },
		{ "module_count", NULL, hc_value_count(side->module_count) },
		{ "unit", NULL, hc_value_text(side->unit) },
		{ "declared", NULL, hc_value_text(side->declared) },
		{ "line", NULL, hc_value_if(side->line, hc_value_count(side->line)) },
		{ "size", NULL, hc_value_if(!is_function, hc_value_size(side->size)) },
		{ "parts", NULL, hc_value_if(has_parts, hc_value_count(side->parts)) },
		{ "fits", NULL, hc_value_amount(side->fits) },
	};

	return hc_record_json(facts);
}

static json_t *place_json(const hc_abi_change *change, unsigned index)
{
	const hc_abi_place *place = &change->sides[index];
	bool is_data = change->part == HC_ABI_MEMBER || change->part == HC_ABI_BASE || change->part == HC_ABI_PARAMETER;
	bool is_value = change->part == HC_ABI_ENUMERATOR, has_offset = !is_value && !place->is_virtual;
	const hc_fact facts[] = {
		{ "offset", NULL, hc_value_if(has_offset, hc_value_count(place->offset)) },
		{ "size", NULL, hc_value_if(is_data, hc_value_size(place->size)) },
		{ "bit_offset", NULL, hc_value_if(place->bit_size, hc_value_count(place->bit_offset)) },
		{ "bit_size", NULL, hc_value_if(place->bit_size, hc_value_count(place->bit_size)) },
		{ "type", NULL, hc_value_text(place->type ? hc_type_short_name(place->type) : NULL) },
		{ "value", NULL, hc_value_if(is_value, hc_value_id(place->value)) },
	};

	return place->is_known ? hc_record_json(facts) : json_null();
}

static json_t *changes_json(const hc_abi_difference *difference)
{
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned i = 0; i < difference->change_count; i++) {
		const hc_abi_change *change = &difference->changes[i];
		const hc_fact facts[] = {
			{ "part", NULL, hc_value_plain(hc_abi_part_name(change->part)) },
			{ "name", NULL, hc_value_text(change->name) },
			{ "sides", NULL,
				hc_value_json(json_pack("[oo]", place_json(change, 0), place_json(change, 1))) },
		};

		hc_records_add(records, facts);
	}
	return hc_records_json(records);
}

static json_t *lost_json(const hc_abi_difference *difference)
{
	const hc_fact facts[] = {
		{ hc_abi_lost_name(HC_ABI_LOST_BY_FREED), NULL,
			hc_value_amount(difference->lost[HC_ABI_LOST_BY_FREED]) },
		{ hc_abi_lost_name(HC_ABI_LOST_BY_LIKES), NULL,
			hc_value_amount(difference->lost[HC_ABI_LOST_BY_LIKES]) },
	};

	return hc_record_json(facts);
}

static json_t *holders_json(const hc_abi_difference *difference)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < difference->holder_count; i++)
		json_array_append_new(array, hc_json_text(difference->holders[i]));
	return array;
}

static void add_difference(hc_records *records, const hc_abi_difference *difference)
{
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_abi_kind_name(difference->kind)) },
		{ "name", NULL, hc_value_text(difference->name) },
		{ "same", NULL, hc_value_plain(hc_abi_same_name(difference->same)) },
		{ "sides", NULL, hc_value_json(json_pack("[oo]", side_json(difference, 0), side_json(difference, 1))) },
		{ "changes", NULL, hc_value_json(changes_json(difference)) },
		{ "site", NULL,
			hc_value_json(difference->site ? hc_site_json(difference->site, difference->place) : NULL) },
		{ "objects", NULL, hc_value_amount(difference->objects) },
		{ "lost", NULL, hc_value_json(lost_json(difference)) },
		{ "holders", NULL, hc_value_json(holders_json(difference)) },
		{ "holder_side", NULL,
			hc_value_if(difference->holder_count != 0, hc_value_count(difference->holder_side)) },
		{ "overrun", NULL, hc_value_count(difference->overrun) },
		{ "text", NULL, hc_value_take_text(hc_word_abi(difference)) },
	};

	hc_records_add(records, facts);
}

static json_t *abi_json(const hc_analysis *analysis, const hc_abi *abi, uint64_t limit)
{
	const hc_abi_totals *totals = hc_abi_get_totals(abi);
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned i = 0; i < hc_limited(hc_abi_count(abi), limit); i++)
		add_difference(records, hc_abi_get(abi, i));
	const hc_fact facts[] = {
		{ "summary", NULL, hc_value_take_plain(hc_word_abi_summary(abi)) },
		{ "modules", NULL, hc_value_count(totals->modules) },
		{ "names", NULL, hc_value_count(totals->names) },
		{ "functions", NULL, hc_value_count(totals->functions) },
		{ "unrelated", NULL, hc_value_count(totals->unrelated) },
		{ "standard", NULL, hc_value_count(totals->standard) },
		{ "difference_count", NULL, hc_value_count(hc_abi_count(abi)) },
		{ "differences", NULL, hc_value_json(hc_records_json(records)) },
		{ "debug_info_gaps", NULL, hc_value_json(hc_debug_info_gaps_json(analysis)) },
	};

	return hc_report_json("abi", facts, hc_analysis_diagnostics(analysis));
}

/* ---- text ---- */

static void print_difference(const hc_abi_difference *difference, hc_output *output)
{
	g_autofree char *name = hc_text_escape(difference->name, -1);

	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_BAD, name);
	hc_output_text(output, "\n");
	hc_output_sentence(output, 4, 8, hc_word_abi(difference));
	for (unsigned i = 0; i < MIN(difference->change_count, CHANGES_SHOWN); i++)
		hc_output_sentence(output, 8, 12, hc_word_abi_change(difference, &difference->changes[i]));
	if (difference->change_count > CHANGES_SHOWN)
		hc_output_sentence(output, 8, 12, hc_word_abi_more(difference->change_count - CHANGES_SHOWN));
	hc_output_sentence(output, 4, 8, hc_word_abi_same(difference));
	hc_output_sentence(output, 4, 8, hc_word_abi_blocks(difference));
	hc_output_sentence(output, 4, 8, hc_word_abi_lost(difference));
}

static void print(const hc_analysis *analysis, const hc_abi *abi, uint64_t limit, hc_output *output)
{
	g_autofree char *summary = hc_word_abi_summary(abi);

	hc_output_wrapped(output, 0, 0, summary);
	for (unsigned i = 0; i < hc_limited(hc_abi_count(abi), limit); i++)
		print_difference(hc_abi_get(abi, i), output);
	hc_left_out_print(hc_abi_count(abi), limit, output);
	hc_debug_info_gaps_print(analysis, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

bool hc_report_abi(const hc_analysis *analysis, const hc_abi *abi, uint64_t limit, const hc_report_options *options,
	GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, abi_json(analysis, abi, limit));
	else
		print(analysis, abi, limit, output);
	return hc_output_finish(output, error);
}
