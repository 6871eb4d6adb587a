/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that allocate, in JSON. */
#include "reports/parts.h"

#include "wording/wording.h"

json_t *hc_site_json(const hc_site *site, const hc_site_place *place)
{
	const hc_fact facts[] = {
		{ "address", NULL, hc_value_address(site->address) },
		{ "module", NULL, hc_value_text(site->module->name) },
		{ "function", NULL, hc_value_text(place->function) },
		{ "file", NULL, hc_value_text(place->file) },
		{ "line", NULL, hc_value_if(place->line > 0, hc_value_count((uint64_t)place->line)) },
		{ "inlined", NULL, hc_value_text(place->inlined) },
		{ "allocator", NULL, hc_value_text(site->allocator) },
		{ "size_kind", NULL, hc_value_plain(hc_site_size_name(site->size_kind)) },
		{ "size", NULL, hc_value_if(site->size_kind != HC_SITE_COMPUTED, hc_value_size(site->size)) },
	};

	return hc_record_json(facts);
}

static json_t *sites_json(const hc_site_answer *answer)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < answer->place_count; i++)
		json_array_append_new(array, hc_site_json(answer->sites[i], &answer->places[i]));
	return array;
}

json_t *hc_site_answer_json(const hc_site_answer *answer)
{
	if (!answer)
		return NULL;
	const hc_fact facts[] = {
		{ "verdict", NULL, hc_value_plain(hc_site_verdict_name(answer->verdict)) },
		{ "size", NULL, hc_value_size(answer->size) },
		{ "count", NULL, hc_value_count(answer->count) },
		{ "of_size", NULL, hc_value_count(answer->of_size) },
		{ "by_class", NULL, hc_value_flag(answer->by_class) },
		{ "by_contents", NULL, hc_value_flag(answer->by_contents) },
		{ "without_runtime", NULL, hc_value_flag(answer->without_runtime) },
		{ "only_in", NULL, hc_value_text(answer->only_in ? answer->only_in->name : NULL) },
		{ "computed", NULL, hc_value_count(answer->computed) },
		{ "calls", NULL, hc_value_json(sites_json(answer)) },
		{ "text", NULL, hc_value_take_text(hc_word_site_answer(answer)) },
	};

	return hc_record_json(facts);
}

void hc_site_answer_place(hc_sites *sites, hc_site_answer *answer, const hc_report_options *options)
{
	bool is_json = options->format == HC_REPORT_JSON;

	/* Of more than are told the program's own are, which are the first: one more tells whether these are all. */
	hc_sites_find_places(sites, answer, is_json ? HC_SITES_KEPT_MAX : MIN(answer->count, HC_SITES_TOLD_MAX + 1));
}

json_t *hc_code_json(const hc_sites *sites)
{
	hc_sites_read_amount amount = hc_sites_amount(sites);
	json_t *unread = json_array();

	for (unsigned i = 0; i < amount.unread_modules; i++)
		json_array_append_new(unread, hc_json_text(hc_sites_unread_module(sites, i)->name));
	const hc_fact facts[] = {
		{ "bytes", NULL, hc_value_size(amount.bytes) },
		{ "unread_bytes", NULL, hc_value_size(amount.unread_bytes) },
		{ "modules", NULL, hc_value_count(amount.modules) },
		{ "unread_modules", NULL, hc_value_json(unread) },
		{ "text", NULL, hc_value_take_text(hc_word_sites_unread(sites)) },
	};

	return hc_record_json(facts);
}
