/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings, and the commands that show more of each. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <string.h>

/* ARGUMENT as a shell reads it back; quoted only where it must be. */
static char *shell_argument(const char *argument)
{
	static const char *const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";

	return *argument && !argument[strspn(argument, safe)] ? g_strdup(argument) : g_shell_quote(argument);
}

char *hc_command_line(const char *command, const char *core_path, const hc_report_options *options)
{
	g_auto(GStrv) words = g_strsplit(command, " ", -1);
	g_autoptr(GString) line = g_string_new("heapcore");
	g_autofree char *core = shell_argument(core_path);

	for (char **word = words; *word; word++) {
		if (strcmp(*word, "CORE")) {
			g_string_append_printf(line, " %s", *word);
			continue;
		}
		g_string_append_printf(line, " %s", core);
		if (options->binary) {
			g_autofree char *binary = shell_argument(options->binary);

			g_string_append_printf(line, " %s", binary);
		}
	}
	if (options->repeated_options)
		g_string_append_printf(line, " %s", options->repeated_options);
	/* A core's name may hold the name of the program, and with it anything. */
	return hc_text_utf8(line->str, line->len);
}

void hc_command_print(const char *command, const char *core_path, hc_output *output)
{
	g_autofree char *line = hc_command_line(command, core_path, output->options);
	g_autofree char *shown = hc_text_escape(line, -1);

	hc_output_styled(output, HC_STYLE_COMMAND, shown);
	hc_output_text(output, "\n");
}

/* ---- facts: what each sentence is made of ---- */

static json_t *sizes_json(const hc_finding_lost *lost)
{
	g_autoptr(hc_records) sizes = hc_records_create();

	for (unsigned i = 0; i < MIN(lost->size_count, HC_FINDING_SIZES); i++) {
		const hc_fact facts[] = {
			{ "size", NULL, hc_value_size(lost->sizes[i].size) },
			{ "blocks", NULL, hc_value_count(lost->sizes[i].blocks) },
		};

		hc_records_add(sizes, facts);
	}
	return hc_records_json(sizes);
}

static json_t *lost_json(const hc_finding_lost *lost)
{
	const hc_fact facts[] = {
		{ "heads", NULL, hc_value_count(lost->heads) },
		{ "sizes", NULL, hc_value_json(sizes_json(lost)) },
		{ "size_count", NULL, hc_value_count(lost->size_count) },
		{ "beginning", NULL, hc_value_text(lost->beginning) },
		{ "beginning_share", NULL, hc_value_if(lost->beginning, hc_value_real(lost->beginning_share)) },
		{ "unloaded", NULL, hc_value_count(lost->unloaded) },
		{ "bound", NULL, hc_value_flag(lost->is_bound) },
	};

	return hc_record_json(facts);
}

static json_t *suspect_json(const hc_finding_suspect *suspect)
{
	const hc_owner_accumulation *accumulation = &suspect->accumulation;
	const hc_fact facts[] = {
		{ "owner", NULL, hc_value_text(suspect->owner) },
		{ "type", NULL, hc_value_text(suspect->type) },
		{ "where", NULL, hc_value_take_text(hc_word_where(&suspect->where, suspect->threads)) },
		{ "told_by", NULL, hc_value_plain(hc_owner_basis_name(suspect->basis)) },
		{ "certainty", NULL, hc_value_plain(hc_certainty_name(suspect->certainty)) },
		{ "holds", NULL, hc_value_amount(suspect->holds) },
		{ "retained", NULL, hc_value_if(suspect->has_retained, hc_value_size(suspect->retained)) },
		{ "accumulation", NULL, hc_value_json(hc_accumulation_json(accumulation, suspect->accumulates_at)) },
	};

	return suspect->owner ? hc_record_json(facts) : NULL;
}

static json_t *place_json(const hc_finding_place *place)
{
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(place->path) },
		{ "type", NULL, hc_value_text(place->type) },
		{ "where", NULL, hc_value_take_text(hc_word_where(&place->where, 0)) },
		{ "threads", NULL, hc_value_count(place->threads) },
		{ "count", NULL, hc_value_count(place->count) },
		{ "elements", NULL, hc_value_count(place->elements) },
		{ "elements_at_most", NULL, hc_value_flag(place->is_at_most) },
		{ "bytes_own", NULL, hc_value_size(place->own) },
		{ "unused", NULL, hc_value_size(place->unused) },
		{ "key", NULL, hc_value_text(place->key) },
		{ "keys_alike", NULL, hc_value_flag(place->keys_alike) },
		{ "certainty", NULL, hc_value_plain(hc_certainty_name(place->certainty)) },
		{ "by_words", NULL, hc_value_flag(place->by_words) },
		{ "suspect", NULL, hc_value_json(suspect_json(&place->suspect)) },
	};

	return hc_record_json(facts);
}

static json_t *retained_json(const hc_finding_retained *retained)
{
	const hc_pin_holder *holder = &retained->holder;
	const hc_fact facts[] = {
		{ "whole_pages", NULL, hc_value_size(retained->whole) },
		{ "zero_pages", NULL, hc_value_size(retained->zero) },
		{ "trim", NULL, hc_value_size(retained->trim) },
		{ "pinned", NULL, hc_value_size(holder->pinned) },
		{ "pinned_by", NULL, hc_value_take_text(holder->pinned ? hc_word_pin_holder(holder) : NULL) },
		{ "pinning", NULL, hc_value_amount(holder->amount) },
	};

	return hc_record_json(facts);
}

static json_t *size_json(const hc_analysis *analysis, const hc_finding_size *size)
{
	static const char *const referrers[] = {
		[HC_REFERRER_NONE] = NULL,
		[HC_REFERRER_ROOT] = "named",
		[HC_REFERRER_NAMED] = "named",
		[HC_REFERRER_OTHERS] = "others",
		[HC_REFERRER_SIZE] = "size",
	};
	bool is_from_size = size->referrer == HC_REFERRER_SIZE;
	const hc_fact facts[] = {
		{ "size", NULL, hc_value_size(size->size) },
		{ "referrer", NULL, hc_value_plain(referrers[size->referrer]) },
		{ "referrer_name", NULL, hc_value_take_text(hc_word_referrer(analysis, size)) },
		{ "referrer_size", NULL, hc_value_if(is_from_size, hc_value_size(size->from_size)) },
		{ "elsewhere", NULL, hc_value_flag(size->referrer && size->and_elsewhere) },
	};

	return hc_record_json(facts);
}

static json_t *unjoined_json(const hc_unjoined *unjoined)
{
	const hc_fact facts[] = {
		{ "threads", NULL, hc_value_count(unjoined->threads) },
		{ "address_space", NULL, hc_value_size(unjoined->bytes) },
		{ "resident", NULL, hc_value_flag(unjoined->is_resident) },
	};

	return hc_record_json(facts);
}

static json_t *not_heap_json(const hc_finding *finding)
{
	const hc_fact facts[] = {
		{ "row", NULL, hc_value_plain(hc_row_name(finding->not_heap.row)) },
		{ "owner", NULL, hc_value_text(finding->not_heap.owner) },
		{ "outside", NULL, hc_value_size(finding->not_heap.outside) },
	};

	return hc_record_json(facts);
}

static json_t *corrupt_json(const hc_finding *finding)
{
	const hc_fact facts[] = {
		{ "overwritten", NULL, hc_value_flag(finding->corrupt.is_overwritten) },
		{ "places", NULL, hc_value_count(finding->corrupt.places) },
		{ "first", NULL, hc_value_address(finding->corrupt.first) },
	};

	return hc_record_json(facts);
}

static json_t *duplicates_json(const hc_finding_duplicates *duplicates)
{
	const hc_fact facts[] = {
		{ "groups", NULL, hc_value_count(duplicates->groups) },
		{ "rarer_left_out", NULL, hc_value_flag(duplicates->rarer_left_out) },
		{ "largest_saved", NULL, hc_value_size(duplicates->largest_saved) },
		{ "largest_blocks", NULL, hc_value_count(duplicates->largest_blocks) },
		{ "largest_size", NULL, hc_value_size(duplicates->largest_size) },
		{ "largest_path", NULL, hc_value_text(duplicates->path) },
	};

	return hc_record_json(facts);
}

static json_t *collisions_json(const hc_finding_collisions *collisions)
{
	const hc_table_fill *fill = &collisions->fill;
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(collisions->path) },
		{ "type", NULL, hc_value_text(collisions->type) },
		{ "count", NULL, hc_value_count(collisions->count) },
		{ "elements", NULL, hc_value_count(fill->elements) },
		{ "buckets", NULL, hc_value_count(fill->buckets) },
		{ "used", NULL, hc_value_count(fill->used) },
		{ "longest", NULL, hc_value_count(fill->longest) },
	};

	return hc_record_json(facts);
}

static json_t *layout_json(const hc_abi_side *side)
{
	const hc_fact facts[] = {
		{ "module", NULL, hc_value_text(side->modules[0]->name) },
		{ "unit", NULL, hc_value_text(side->unit) },
		{ "size", NULL, hc_value_size(side->size) },
		{ "parts", NULL, hc_value_count(side->parts) },
	};

	return hc_record_json(facts);
}

json_t *hc_two_layouts_json(const hc_abi_difference *difference, const hc_site_answer *site)
{
	json_t *holders = json_array();

	for (unsigned i = 0; i < difference->holder_count; i++)
		json_array_append_new(holders, hc_json_text(difference->holders[i]));
	const hc_fact facts[] = {
		{ "name", NULL, hc_value_text(difference->name) },
		{ "same", NULL, hc_value_plain(hc_abi_same_name(difference->same)) },
		{ "sides", NULL,
			hc_value_json(json_pack(
				"[oo]", layout_json(&difference->sides[0]), layout_json(&difference->sides[1]))) },
		{ "holders", NULL, hc_value_json(holders) },
		{ "overrun", NULL, hc_value_count(difference->overrun) },
		{ "sites", NULL, hc_value_json(hc_site_answer_json(site)) },
	};

	return hc_record_json(facts);
}

static json_t *facts_json(const hc_analysis *analysis, const hc_finding *finding)
{
	switch (finding->kind) {
	case HC_FINDING_LOST:
		return lost_json(&finding->lost);
	case HC_FINDING_CONTAINER:
	case HC_FINDING_OWNER:
		return place_json(&finding->place);
	case HC_FINDING_SUSPECT:
		return suspect_json(&finding->suspect);
	case HC_FINDING_RETAINED:
		return retained_json(&finding->retained);
	case HC_FINDING_BIG_BLOCKS:
	case HC_FINDING_ONE_SIZE:
		return size_json(analysis, &finding->size);
	case HC_FINDING_UNJOINED:
		return unjoined_json(&finding->unjoined);
	case HC_FINDING_NOT_HEAP:
		return not_heap_json(finding);
	case HC_FINDING_DUPLICATES:
		return duplicates_json(&finding->duplicates);
	case HC_FINDING_COLLISIONS:
		return collisions_json(&finding->collisions);
	case HC_FINDING_CORRUPT:
		return corrupt_json(finding);
	case HC_FINDING_TWO_LAYOUTS:
		return hc_two_layouts_json(finding->two_layouts.difference, finding->two_layouts.site);
	default:
		return json_null();
	}
}

/* ---- the table ---- */

static hc_records *make_records(const hc_analysis *analysis, const hc_report_options *options)
{
	const hc_findings *findings = hc_analysis_findings(analysis);
	const char *core_path = hc_core_name(hc_analysis_core(analysis));
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < hc_findings_count(findings); i++) {
		const hc_finding *finding = hc_findings_get(findings, i);
		g_autofree char *command = hc_word_finding_command(finding);
		g_autofree char *line = hc_command_line(command, core_path, options), *shown = hc_text_escape(line, -1);
		const hc_fact facts[] = {
			{ NULL, "", hc_value_count(i + 1) }, /* which the memory table points to */
			{ "kind", "", hc_value_plain(hc_finding_kind_name(finding->kind)) },
			{ "bytes", "", hc_value_size(finding->bytes) },
			{ "blocks", NULL, hc_value_count(finding->blocks) },
			{ "facts", NULL, hc_value_json(facts_json(analysis, finding)) },
			{ "command", NULL, hc_value_plain(line) },
			{ "text", "", hc_value_take_text(hc_word_finding(analysis, finding)) },
		};

		hc_records_add(records, facts);
		hc_records_add_line(records, HC_STYLE_COMMAND, shown);
	}
	return records;
}

json_t *hc_findings_json(const hc_analysis *analysis, const hc_report_options *options)
{
	g_autoptr(hc_records) records = make_records(analysis, options);

	return hc_records_json(records);
}

void hc_findings_print(const hc_analysis *analysis, hc_output *output)
{
	g_autoptr(hc_records) records = NULL;

	if (!hc_findings_count(hc_analysis_findings(analysis)))
		return;
	records = make_records(analysis, output->options);
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "FINDINGS");
	hc_output_text(output, "\n");
	hc_records_print(records, output);
}
