/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places by name, as reports show them. */
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
	g_autofree char *name = hc_word_place(place);
	json_t *object = json_object();

	hc_json_set(object, "kind", json_string(hc_place_kind_name(place->kind)));
	hc_json_set(object, "name", hc_json_text(name));
	hc_json_set(
		object, "address", place->kind == HC_PLACE_REGISTER ? json_null() : hc_json_address(place->address));
	hc_json_set(object, "thread", place->thread_id ? json_integer(place->thread_id) : json_null());
	hc_json_set(object, "frame", place->frame < 0 ? json_null() : json_integer(place->frame));
	hc_json_set(object, "module", place->module ? hc_json_text(place->module->path) : json_null());
	return object;
}
