/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the heap is damaged: what is wrong, what stands there, and who may have written it. */
#include "reports/parts.h"

#include "base/text.h"
#include "check/check.h"
#include "wording/wording.h"

#include <inttypes.h>

enum {
	LINE = 16,
	LINES = 4, /* of memory that are shown */
};

/* What a report has of one place. */
typedef struct place_facts {
	const hc_analysis *analysis;
	const hc_damage_place *place;
	bool is_hidden; /* the core hides its content */
	bool has_type;
	hc_block_type type; /* of the likely writer */
	const hc_type *cut; /* the class of an object that it is too small for; NULL: none */
	hc_range shown;	    /* of memory */
	const uint8_t *bytes;
} place_facts;

static void place_facts_deinit(place_facts *facts)
{
	hc_block_type_clear(&facts->type);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(place_facts, place_facts_deinit)

/* The line of the place, one in front and two behind, as far as the core has them in one piece. */
static void find_bytes(place_facts *facts)
{
	hc_address place = facts->place->damage.place, line = hc_align_down(place, LINE);
	const hc_mapping *mapping = place ? hc_core_find_mapping(hc_analysis_core(facts->analysis), place) : NULL;

	if (facts->is_hidden || !mapping || !mapping->bytes)
		return;
	facts->shown.start = line - MIN(line - MIN(line, mapping->start), LINE);
	facts->shown.end = facts->shown.start + MIN(LINES * LINE, mapping->end - facts->shown.start);
	facts->bytes = mapping->bytes + (facts->shown.start - mapping->start);
}

static place_facts facts_of(const hc_analysis *analysis, const hc_damage_place *place)
{
	const hc_types *types = hc_analysis_types(analysis);
	place_facts facts = {
		.analysis = analysis, .place = place, .is_hidden = hc_core_hides_content(hc_analysis_core(analysis))
	};

	if (types && place->has_writer) {
		facts.has_type = hc_types_of_block(types, place->writer.number, &facts.type);
		facts.cut = hc_types_cut_class(types, &place->writer);
	}
	find_bytes(&facts);
	return facts;
}

/* ---- JSON ---- */

static json_t *list_json(const hc_free_list *list)
{
	bool is_cache = list->kind == HC_LIST_TCACHE;
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_list_kind_name(list->kind)) },
		{ "bin", NULL, hc_value_id(list->bin) },
		{ "arena", NULL, hc_value_if(!is_cache, hc_value_id(list->arena)) },
		{ "cache", NULL, hc_value_if(is_cache, hc_value_address(list->cache)) },
		{ "thread", NULL, hc_value_if(is_cache && list->thread, hc_value_id(list->thread)) },
	};

	return list->kind == HC_LIST_NONE ? NULL : hc_record_json(facts);
}

static json_t *skipped_json(const hc_damage *damage)
{
	const hc_fact facts[] = {
		{ "start", NULL, hc_value_address(damage->skipped) },
		{ "end", NULL, hc_value_address(damage->resumed) },
		{ "bytes", NULL, hc_value_size(damage->resumed - damage->skipped) },
	};

	return damage->resumed ? hc_record_json(facts) : NULL;
}

static json_t *run_json(const hc_core *core, const hc_damage_place *place)
{
	bool is_hidden = hc_word_run_is_content(place) && hc_core_hides_content(core);
	bool has_pattern = (place->run == HC_RUN_BYTE || place->run == HC_RUN_WORD) && !is_hidden;
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(hc_run_kind_name(place->run)) },
		{ "start", NULL, hc_value_address(place->run_range.start) },
		{ "end", NULL, hc_value_address(place->run_range.end) },
		{ "pattern", NULL, hc_value_if(has_pattern, hc_value_address(place->pattern)) },
	};

	return place->run == HC_RUN_NONE ? NULL : hc_record_json(facts);
}

static json_t *writer_json(const place_facts *facts)
{
	const hc_damage_place *place = facts->place;
	bool has_name = facts->has_type && facts->type.certainty != HC_CERTAINTY_UNKNOWN;
	const hc_fact list[] = {
		{ "kind", NULL, hc_value_plain(hc_writer_kind_name(place->writer_kind)) },
		{ "block", NULL,
			hc_value_json(place->has_writer ? hc_block_json(facts->analysis, &place->writer) : NULL) },
		{ "type", NULL, hc_value_text(has_name ? facts->type.name : NULL) },
		{ "certainty", NULL,
			hc_value_plain(facts->has_type ? hc_certainty_name(facts->type.certainty) : NULL) },
		{ "path", NULL, hc_value_text(facts->has_type ? facts->type.path : NULL) },
		{ "too_small_for", NULL, hc_value_text(facts->cut ? hc_type_name(facts->cut) : NULL) },
	};

	return place->has_writer || place->writer_kind != HC_WRITER_UNKNOWN ? hc_record_json(list) : NULL;
}

static char *digits_of(const place_facts *facts)
{
	GString *digits = g_string_new(NULL);

	for (uint64_t i = 0; facts->bytes && i < facts->shown.end - facts->shown.start; i++)
		g_string_append_printf(digits, "%02x", facts->bytes[i]);
	return g_string_free(digits, !facts->bytes);
}

static char *text_of(const place_facts *facts)
{
	const hc_heap_info *heap = hc_blocks_heap(hc_analysis_blocks(facts->analysis));

	return hc_word_damage(&facts->place->damage, hc_analysis_core(facts->analysis), heap->alignment);
}

static void add_place(hc_records *records, const place_facts *facts)
{
	const hc_damage_place *place = facts->place;
	const hc_damage *damage = &place->damage;
	bool has_target = damage->target != 0, has_chunk = damage->chunk != 0;
	const hc_fact list[] = {
		{ "kind", NULL, hc_value_plain(hc_damage_kind_name(damage->kind)) },
		{ "place", NULL, hc_value_if(damage->place, hc_value_address(damage->place)) },
		{ "size", NULL, hc_value_size(damage->size) },
		{ "found", NULL, hc_value_if(!facts->is_hidden, hc_value_address(damage->found)) },
		{ "expected", NULL, hc_value_if(damage->has_expected, hc_value_address(damage->expected)) },
		{ "expected_is_likely", NULL, hc_value_flag(damage->is_likely) },
		{ "chunk", NULL, hc_value_if(has_chunk, hc_value_address(damage->chunk)) },
		{ "arena", NULL, hc_value_if(damage->arena != HC_ARENA_NONE, hc_value_id(damage->arena)) },
		{ "list", NULL, hc_value_json(list_json(&damage->list)) },
		{ "other_list", NULL, hc_value_json(list_json(&damage->other)) },
		{ "target", NULL, hc_value_if(has_target, hc_value_address(damage->target)) },
		{ "instead", NULL, hc_value_if(damage->instead, hc_value_address(damage->instead)) },
		{ "skipped", NULL, hc_value_json(skipped_json(damage)) },
		{ "in_operation", NULL, hc_value_flag(damage->in_operation) },
		{ "run", NULL, hc_value_json(run_json(hc_analysis_core(facts->analysis), place)) },
		{ "before", NULL,
			hc_value_json(place->has_before ? hc_block_json(facts->analysis, &place->before) : NULL) },
		{ "writer", NULL, hc_value_json(writer_json(facts)) },
		{ "content_address", NULL, hc_value_if(facts->bytes, hc_value_address(facts->shown.start)) },
		{ "content", NULL, hc_value_take_plain(digits_of(facts)) },
		{ "text", NULL, hc_value_take_plain(text_of(facts)) },
	};

	hc_records_add(records, list);
}

static char *summary_of(const hc_analysis *analysis, const hc_check *check)
{
	return hc_word_check(check, hc_blocks_heap(hc_analysis_blocks(analysis)),
		hc_core_process(hc_analysis_core(analysis)),
		hc_diagnostics_heap_partial(hc_analysis_diagnostics(analysis)));
}

static json_t *check_json(const hc_analysis *analysis, const hc_check *check, const hc_check_view *view)
{
	const hc_check_totals *totals = hc_check_get_totals(check);
	bool found = hc_blocks_heap(hc_analysis_blocks(analysis))->found;
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned i = 0; i < hc_limited(hc_check_count(check), view->limit); i++) {
		g_auto(place_facts) facts = facts_of(analysis, hc_check_get(check, i));

		add_place(records, &facts);
	}
	const hc_fact facts[] = {
		{ "summary", NULL, hc_value_take_plain(summary_of(analysis, check)) },
		{ "sound", NULL,
			hc_value_if(
				found && (totals->places || !totals->in_operation), hc_value_flag(!totals->places)) },
		{ "whole", NULL,
			hc_value_flag(found && !hc_diagnostics_heap_partial(hc_analysis_diagnostics(analysis))) },
		{ "places", NULL, hc_value_count(totals->places) },
		{ "in_operation", NULL, hc_value_count(totals->in_operation) },
		{ "skipped", NULL, hc_value_size(totals->skipped) },
		{ "chunks", NULL, hc_value_count(totals->chunks) },
		{ "arenas", NULL, hc_value_count(totals->arenas) },
		{ "damage", NULL, hc_value_json(hc_records_json(records)) },
	};

	return hc_report_json("check", facts, hc_analysis_diagnostics(analysis));
}

/* ---- text ---- */

static void print_bytes(const place_facts *facts, hc_output *output)
{
	uint64_t length = facts->bytes ? facts->shown.end - facts->shown.start : 0;

	for (uint64_t line = 0; line < length; line += LINE) {
		uint64_t end = MIN(line + LINE, length);

		hc_output_printf(output, "    0x%" PRIx64 " ", facts->shown.start + line);
		for (uint64_t i = line; i < line + LINE; i++) {
			if (i < end)
				hc_output_printf(output, " %02x", facts->bytes[i]);
			else
				hc_output_text(output, "   ");
		}
		hc_output_text(output, "  |");
		for (uint64_t i = line; i < end; i++)
			hc_output_printf(output, "%c", g_ascii_isprint(facts->bytes[i]) ? facts->bytes[i] : '.');
		hc_output_text(output, "|\n");
	}
}

static void print_place(const place_facts *facts, hc_output *output)
{
	const hc_damage_place *place = facts->place;
	g_autofree char *title = place->damage.place ? g_strdup_printf("0x%" PRIx64 "  %s", place->damage.place,
							       hc_damage_kind_name(place->damage.kind)) :
						       g_strdup(hc_damage_kind_name(place->damage.kind));

	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_BAD, title);
	hc_output_text(output, "\n");
	hc_output_sentence(output, 4, 4, text_of(facts));
	hc_output_sentence(output, 4, 4, hc_word_run(hc_analysis_core(facts->analysis), place));
	hc_output_sentence(output, 4, 4, hc_word_writer(place, facts->has_type ? &facts->type : NULL, facts->cut));
	print_bytes(facts, output);
}

static void print(const hc_analysis *analysis, const hc_check *check, const hc_check_view *view, hc_output *output)
{
	g_autofree char *summary = summary_of(analysis, check);

	hc_output_wrapped(output, 0, 0, summary);
	for (unsigned i = 0; i < hc_limited(hc_check_count(check), view->limit); i++) {
		g_auto(place_facts) facts = facts_of(analysis, hc_check_get(check, i));

		print_place(&facts, output);
	}
	hc_left_out_print(hc_check_count(check), view->limit, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

bool hc_report_check(const hc_analysis *analysis, const hc_check *check, const hc_check_view *view,
	const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, check_json(analysis, check, view));
	else
		print(analysis, check, view, output);
	return hc_output_finish(output, error);
}
