/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places as reports show them: by name, and where memory accumulates. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

hc_place_sources hc_place_sources_of(const hc_analysis *analysis)
{
	return (hc_place_sources){
		.core = hc_analysis_core(analysis),
		.modules = hc_analysis_modules(analysis),
		.blocks = hc_analysis_blocks(analysis),
		.areas = hc_analysis_areas(analysis),
	};
}

char *hc_place_text(const hc_analysis *analysis, hc_address address)
{
	hc_place_sources sources = hc_place_sources_of(analysis);
	g_autofree char *name = NULL;
	hc_place place;

	hc_place_find(&sources, address, &place);
	name = hc_word_place(&place);
	return hc_text_escape(name, -1);
}

json_t *hc_place_json(const hc_place *place)
{
	bool is_register = place->kind == HC_PLACE_REGISTER;
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_place_kind_name(place->kind)) },
		{ "name", NULL, hc_value_take_text(hc_word_place(place)) },
		{ "address", NULL, hc_value_if(!is_register, hc_value_address(place->address)) },
		{ "thread", NULL, hc_value_if(place->thread_id, hc_value_id(place->thread_id)) },
		{ "frame", NULL, hc_value_if(place->frame >= 0, hc_value_id(place->frame)) },
		{ "module", NULL, hc_value_text(place->module ? place->module->path : NULL) },
	};

	return hc_record_json(facts);
}

json_t *hc_accumulation_json(const hc_owner_accumulation *accumulation, const char *path)
{
	bool is_object = !accumulation->is_by_holding;
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(path) },
		{ "by", NULL, hc_value_plain(is_object ? "retained" : "held") },
		{ "bytes", NULL, hc_value_size(accumulation->bytes) },
		{ "block", NULL, hc_value_if(accumulation->block, hc_value_address(accumulation->block)) },
		{ "block_size", NULL, hc_value_if(accumulation->block, hc_value_size(accumulation->size)) },
		{ "below", NULL, hc_value_if(is_object, hc_value_count(accumulation->below)) },
		{ "list", NULL, hc_value_flag(accumulation->is_list) },
	};

	return accumulation->is_found ? hc_record_json(facts) : NULL;
}
