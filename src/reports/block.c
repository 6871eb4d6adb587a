/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything known of one address: the block that holds it, who points there, where it points, what it holds; and where
 * it is in no block, what is there instead.
 *
 * All of it is collected first (address_facts), then shown as text or JSON.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <inttypes.h>
#include <string.h>

enum {
	REFERENCES_SHOWN = 16,
	TARGETS_SHOWN = 16,
	TARGET_WORDS = 4096, /* of a block, searched for pointers */
	CONTENT_BYTES = 256,
	CONTENT_LINE = 16,
};

/* A word of the block that points somewhere known. */
typedef struct target {
	uint64_t offset;
	hc_address to;
	bool is_block;
	hc_block block;
	hc_place place; /* where it is no block */
} target;

typedef struct address_facts {
	const hc_analysis *analysis;
	hc_address address;
	const hc_mapping *mapping;
	const hc_area *area;
	char *symbol; /* NULL if it is in no module */
	bool in_block;
	hc_block block;
	bool has_previous, has_next;
	hc_block previous, next;
	bool has_type;
	hc_block_type type;
	unsigned reference_count;
	uint64_t reference_total;
	hc_reference *references;
	GArray *targets;	/* of target */
	const uint8_t *content; /* from the block's start, or else from the address */
	uint64_t content_length;
	hc_address content_address;
	bool has_site;
	hc_site_answer site;
} address_facts;

static void facts_deinit(address_facts *facts)
{
	g_free(facts->symbol);
	hc_block_type_clear(&facts->type);
	g_free(facts->references);
	g_array_unref(facts->targets);
	hc_site_answer_clear(&facts->site);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(address_facts, facts_deinit)

static void find_targets(address_facts *facts)
{
	const hc_core *core = hc_analysis_core(facts->analysis);
	const hc_blocks *blocks = hc_analysis_blocks(facts->analysis);
	unsigned word_size = hc_core_process(core)->word_size;
	uint64_t words = MIN(facts->block.size / word_size, TARGET_WORDS);
	hc_place_sources sources = hc_place_sources_of(facts->analysis);

	for (uint64_t i = 0; i < words && facts->targets->len < TARGETS_SHOWN; i++) {
		target found = { .offset = i * word_size };

		if (!hc_core_read_word(core, facts->block.address + found.offset, &found.to))
			return;
		if (!found.to)
			continue;
		found.is_block = hc_blocks_find(blocks, found.to, &found.block);
		if (!found.is_block) {
			hc_place_find(&sources, found.to, &found.place);
			if (found.place.kind == HC_PLACE_UNMAPPED)
				continue;
		}
		g_array_append_val(facts->targets, found);
	}
}

static void find_neighbours(address_facts *facts)
{
	const hc_blocks *blocks = hc_analysis_blocks(facts->analysis);
	uint32_t number = facts->block.number;

	facts->has_previous = number > 0 && hc_blocks_get(blocks, number - 1, &facts->previous);
	facts->has_next = number < UINT32_MAX && hc_blocks_get(blocks, number + 1, &facts->next);
}

/* What is known of block NUMBER beyond that some untyped pointer leads to it; FALSE if nothing is. */
static bool find_type(const hc_analysis *analysis, uint32_t number, hc_block_type *ret_type)
{
	const hc_types *types = hc_analysis_types(analysis);
	hc_block_type type;

	if (!types || !hc_types_of_block(types, number, &type))
		return false;
	*ret_type = type;
	return true;
}

static bool collect(const hc_analysis *analysis, hc_address address, address_facts *facts, GError **error)
{
	const hc_core *core = hc_analysis_core(analysis);
	uint64_t available = 0;

	*facts = (address_facts){ .analysis = analysis, .address = address };
	facts->targets = g_array_new(FALSE, FALSE, sizeof(target));
	facts->mapping = hc_core_find_mapping(core, address);
	facts->area = hc_areas_find(hc_analysis_areas(analysis), address);
	if (!facts->mapping && !facts->area) {
		g_set_error(error, HC_ERROR, HC_ERROR_NOT_MAPPED, "0x%" PRIx64 ": the process had nothing mapped there",
			address);
		return false;
	}
	facts->symbol = hc_word_address_in(hc_analysis_modules(analysis), address);
	facts->in_block = hc_blocks_find(hc_analysis_blocks(analysis), address, &facts->block);
	facts->content_address = facts->in_block ? facts->block.address : address;
	facts->content = hc_core_hides_content(core) ? NULL : hc_core_bytes(core, facts->content_address, &available);
	facts->content_length = MIN(available, CONTENT_BYTES);
	if (!facts->in_block)
		return true;
	facts->content_length = MIN(facts->content_length, facts->block.size);
	find_neighbours(facts);
	facts->has_type = find_type(analysis, facts->block.number, &facts->type);
	if (facts->block.state == HC_BLOCK_IN_USE) {
		find_targets(facts);
		facts->reference_count = hc_references_to(hc_analysis_references(analysis), facts->block.number,
			REFERENCES_SHOWN, &facts->references, &facts->reference_total);
	}
	return true;
}

/* ---- parts of both ---- */

static void add_reference(hc_records *records, const address_facts *facts, const hc_reference *reference)
{
	hc_place_sources sources = hc_place_sources_of(facts->analysis);
	g_autofree char *where = NULL;
	hc_place place;
	hc_block block;
	bool in_block = reference->block != UINT32_MAX &&
			hc_blocks_get(hc_analysis_blocks(facts->analysis), reference->block, &block);

	hc_place_of_reference(&sources, reference, &place);
	where = hc_word_place(&place);
	const hc_fact list[] = {
		{ "from", "", hc_value_if(reference->from, hc_value_address(reference->from)) },
		{ "to", NULL, hc_value_address(reference->to) },
		{ NULL, "",
			hc_value_take_plain(g_strdup_printf("to +%" PRIu64, reference->to - facts->block.address)) },
		{ "encoding", NULL, hc_value_take_text(hc_word_encoding(&reference->encoding)) },
		{ "thread", NULL, hc_value_if(place.thread_id, hc_value_id(place.thread_id)) },
		{ "block", NULL, in_block ? hc_value_address(block.address) : hc_value_none() },
		{ "where", NULL, hc_value_text(where) },
		{ "place", NULL, hc_value_json(hc_place_json(&place)) },
		{ NULL, "", hc_value_take_text(hc_word_reference(where, &reference->encoding)) },
	};

	hc_records_add(records, list);
}

static hc_records *make_references(const address_facts *facts)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < facts->reference_count; i++)
		add_reference(records, facts, &facts->references[i]);
	return records;
}

/* ---- JSON ---- */

json_t *hc_block_json(const hc_analysis *analysis, const hc_block *block)
{
	hc_reach reach = hc_references_reach(hc_analysis_references(analysis), block->number);
	const hc_core *core = hc_analysis_core(analysis);
	hc_resident resident = hc_core_resident(core, block->address, block->address + block->size);
	bool is_known = hc_core_knows_resident(core);
	const hc_fact facts[] = {
		{ "address", NULL, hc_value_address(block->address) },
		{ "size", NULL, hc_value_size(block->size) },
		{ "chunk_size", NULL, hc_value_size(block->chunk_size) },
		{ "resident", NULL, hc_value_if(is_known, hc_value_size(resident.resident)) },
		{ "swapped", NULL, hc_value_if(is_known, hc_value_size(resident.swapped)) },
		{ "state", NULL, hc_value_plain(hc_block_state_name(block->state)) },
		{ "arena", NULL, hc_value_if(block->arena != HC_ARENA_NONE, hc_value_id(block->arena)) },
		{ "label", NULL, hc_value_take_text(hc_word_label(block->label)) },
		{ "reach", NULL, hc_value_if(reach != HC_REACH_NONE, hc_value_plain(hc_reach_name(reach))) },
	};

	return hc_record_json(facts);
}

static json_t *references_json(const address_facts *facts)
{
	g_autoptr(hc_records) records = make_references(facts);
	const hc_fact list[] = {
		{ "total", NULL, hc_value_count(facts->reference_total) },
		{ "list", NULL, hc_value_json(hc_records_json(records)) },
	};

	return hc_record_json(list);
}

static json_t *targets_json(const address_facts *facts)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < facts->targets->len; i++) {
		const target *found = &g_array_index(facts->targets, target, i);
		const hc_place *place = found->is_block ? NULL : &found->place;
		const hc_fact list[] = {
			{ "offset", NULL, hc_value_size(found->offset) },
			{ "to", NULL, hc_value_address(found->to) },
			{ "block", NULL, hc_value_if(found->is_block, hc_value_address(found->block.address)) },
			{ "what", NULL, hc_value_take_text(place ? hc_word_place(place) : NULL) },
			{ "place", NULL, hc_value_json(place ? hc_place_json(place) : NULL) },
		};

		json_array_append_new(array, hc_record_json(list));
	}
	return array;
}

/* A pointer to void, or to what nobody defines, leads to a block that has a path, but no type. */
static const char *type_name(const address_facts *facts)
{
	return facts->type.certainty == HC_CERTAINTY_UNKNOWN ? NULL : facts->type.name;
}

static json_t *type_json(const address_facts *facts)
{
	const hc_fact list[] = {
		{ "name", NULL, hc_value_text(type_name(facts)) },
		{ "certainty", NULL, hc_value_plain(hc_certainty_name(facts->type.certainty)) },
		{ "path", NULL, hc_value_text(facts->type.path) },
	};

	return hc_record_json(list);
}

static char *content_digits(const address_facts *facts)
{
	GString *digits = g_string_new(NULL);

	for (uint64_t i = 0; i < facts->content_length; i++)
		g_string_append_printf(digits, "%02x", facts->content[i]);
	return g_string_free(digits, !facts->content);
}

static json_t *inner_json(const address_facts *facts)
{
	json_t *object = hc_block_json(facts->analysis, &facts->block);

	hc_json_set(object, "offset", hc_json_number(facts->address - facts->block.address));
	return object;
}

static json_t *facts_json(const address_facts *facts)
{
	const hc_analysis *analysis = facts->analysis;
	const hc_fact list[] = {
		{ "address", NULL, hc_value_address(facts->address) },
		{ "block", NULL, hc_value_json(facts->in_block ? inner_json(facts) : NULL) },
		{ "type", NULL, hc_value_json(facts->has_type ? type_json(facts) : NULL) },
		{ "previous", NULL,
			hc_value_json(facts->has_previous ? hc_block_json(analysis, &facts->previous) : NULL) },
		{ "next", NULL, hc_value_json(facts->has_next ? hc_block_json(analysis, &facts->next) : NULL) },
		{ "retained", NULL, hc_retained_by_block(analysis, facts->in_block ? &facts->block : NULL) },
		{ "dominator", NULL, hc_dominator_of_block(analysis, facts->in_block ? &facts->block : NULL) },
		{ "allocation_site", NULL, hc_value_none() },
		{ "sites", NULL, hc_value_json(hc_site_answer_json(facts->has_site ? &facts->site : NULL)) },
		{ "references", NULL, hc_value_json(references_json(facts)) },
		{ "points_to", NULL, hc_value_json(targets_json(facts)) },
		{ "content", NULL, hc_value_take_plain(content_digits(facts)) },
		{ "symbol", NULL, hc_value_text(facts->symbol) },
		{ "area", NULL, hc_value_json(hc_area_json(facts->area)) },
		{ "mapping", NULL, hc_value_json(hc_mapping_json(facts->mapping)) },
	};

	return hc_report_json("block", list, hc_analysis_diagnostics(analysis));
}

/* ---- text ---- */

static void print_headline(const address_facts *facts, hc_output *output)
{
	g_autofree char *text = NULL, *shown = NULL;

	if (facts->in_block) {
		text = hc_word_address_in_block(&facts->block, facts->address);
	} else {
		hc_place_sources sources = hc_place_sources_of(facts->analysis);
		hc_place place;

		hc_place_find(&sources, facts->address, &place);
		text = hc_word_address_elsewhere(&place);
	}
	shown = hc_text_escape(text, -1);
	hc_output_styled(output, HC_STYLE_HEADING, shown);
	hc_output_text(output, "\n");
}

/* It is not in a core; what the code tells of it. */
static char *site_text(const address_facts *facts)
{
	g_autofree char *answer = facts->has_site ? hc_word_site_answer(&facts->site) : NULL;

	return answer ? g_strdup_printf("not in a core; %s", answer) : g_strdup("not in a core");
}

static void print_block(const address_facts *facts, hc_output *output)
{
	const hc_block *block = &facts->block;
	hc_reach reach = hc_references_reach(hc_analysis_references(facts->analysis), block->number);
	bool in_use = block->state == HC_BLOCK_IN_USE;
	g_autofree char *arena = hc_arena_name(block->arena);
	const char *type = facts->has_type ? type_name(facts) : NULL;
	const hc_core *core = hc_analysis_core(facts->analysis);
	hc_resident resident = hc_core_resident(core, block->address, block->address + block->size);
	const hc_fact list[] = {
		{ NULL, "block", hc_value_take_text(hc_word_block_size(block)) },
		{ NULL, "resident", hc_value_if(hc_core_knows_resident(core), hc_value_size(resident.resident)) },
		{ NULL, "state", hc_value_plain(hc_block_state_name(block->state)) },
		{ NULL, "arena", hc_value_plain(block->arena == HC_ARENA_NONE ? "none: a mapping of its own" : arena) },
		{ NULL, "label", hc_value_take_text(hc_word_label(block->label)) },
		{ NULL, "type",
			hc_value_take_text(
				type ? g_strdup_printf("%s, %s", type, hc_certainty_name(facts->type.certainty)) :
				       NULL) },
		{ NULL, "held by", hc_value_text(facts->has_type ? facts->type.path : NULL) },
		{ NULL, "reach", hc_value_plain(hc_word_reach(reach)) },
		{ NULL, "retains", hc_retained_by_block(facts->analysis, block) },
		{ NULL, "only through", hc_dominator_of_block(facts->analysis, block) },
		{ NULL, "allocation site", hc_value_take_text(in_use ? site_text(facts) : NULL) },
		{ NULL, "before it",
			hc_value_take_text(facts->has_previous ? hc_word_neighbour(&facts->previous) : NULL) },
		{ NULL, "after it", hc_value_take_text(facts->has_next ? hc_word_neighbour(&facts->next) : NULL) },
	};

	hc_record_print(list, output);
}

static void print_references(const address_facts *facts, hc_output *output)
{
	g_autoptr(hc_records) records = make_references(facts);
	g_autofree char *words = hc_unit_text(facts->reference_total, "words");
	char count[HC_TEXT_COUNT_LENGTH];

	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "POINTED TO BY");
	hc_output_printf(output, " %s\n", words);
	hc_records_print(records, output);
	if (facts->reference_count < facts->reference_total)
		hc_output_printf(output, "  ... %s more\n",
			hc_text_count(count, facts->reference_total - facts->reference_count));
}

static void print_targets(const address_facts *facts, hc_output *output)
{
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "POINTS TO");
	hc_output_text(output, "\n");
	for (unsigned i = 0; i < facts->targets->len; i++) {
		const target *found = &g_array_index(facts->targets, target, i);
		g_autofree char *text = found->is_block ? hc_word_target(&found->block, found->to) :
							  hc_word_place(&found->place);
		g_autofree char *shown = hc_text_escape(text, -1);

		hc_output_printf(output, "+%-8" PRIu64 " 0x%" PRIx64 "  %s\n", found->offset, found->to, shown);
	}
}

static void print_line(const address_facts *facts, uint64_t offset, hc_output *output)
{
	char text[CONTENT_LINE + 1] = "";
	uint64_t length = MIN(CONTENT_LINE, facts->content_length - offset);

	hc_output_printf(output, "0x%" PRIx64 "  ", facts->content_address + offset);
	for (unsigned i = 0; i < CONTENT_LINE; i++) {
		if (i == CONTENT_LINE / 2)
			hc_output_text(output, " ");
		if (i < length) {
			uint8_t byte = facts->content[offset + i];

			hc_output_printf(output, "%02x ", byte);
			text[i] = byte >= ' ' && byte < 0x7f ? byte : '.';
		} else {
			hc_output_text(output, "   ");
		}
	}
	hc_output_printf(output, " %s\n", text);
}

/* The whole line at OFFSET is as the one before it: hexdump's "*" stands for such lines. The last is always shown. */
static bool repeats(const address_facts *facts, uint64_t offset)
{
	return offset >= CONTENT_LINE && offset + CONTENT_LINE < facts->content_length &&
	       !memcmp(facts->content + offset, facts->content + offset - CONTENT_LINE, CONTENT_LINE);
}

static void print_content(const address_facts *facts, hc_output *output)
{
	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "CONTENT");
	if (!facts->content) {
		const hc_core *core = hc_analysis_core(facts->analysis);

		hc_output_printf(output, "  %s\n",
			hc_core_hides_content(core) ? "not shown: --no-content" :
						      hc_core_why_missing(core, facts->content_address));
		return;
	}
	hc_output_text(output, "\n");
	for (uint64_t i = 0; i < facts->content_length; i += CONTENT_LINE) {
		if (!repeats(facts, i))
			print_line(facts, i, output);
		else if (!repeats(facts, i - CONTENT_LINE))
			hc_output_text(output, "*\n");
	}
	if (facts->in_block && facts->content_length < facts->block.size)
		hc_output_printf(output, "... %" PRIu64 " bytes more\n", facts->block.size - facts->content_length);
}

static char *area_text(const hc_area *area)
{
	g_autofree char *note = hc_word_area(area);

	return g_strdup_printf("0x%" PRIx64 "-0x%" PRIx64 " %s%s%s", area->start, area->end,
		hc_area_kind_name(area->kind), note ? ": " : "", note ? note : "");
}

static char *mapping_text(const hc_mapping *mapping)
{
	char protection[4];

	return g_strdup_printf("0x%" PRIx64 "-0x%" PRIx64 " %s, bytes from: %s%s%s", mapping->start, mapping->end,
		hc_protection_name(mapping->flags, protection), hc_source_name(mapping->source),
		mapping->path ? "; " : "", mapping->path ? mapping->path : "");
}

static void print_place(const address_facts *facts, hc_output *output)
{
	const hc_fact list[] = {
		{ NULL, "symbol", hc_value_text(facts->symbol) },
		{ NULL, "area", hc_value_take_text(facts->area ? area_text(facts->area) : NULL) },
		{ NULL, "mapping", hc_value_take_text(facts->mapping ? mapping_text(facts->mapping) : NULL) },
	};

	hc_record_print(list, output);
}

static void print_facts(const address_facts *facts, hc_output *output)
{
	print_headline(facts, output);
	if (facts->in_block)
		print_block(facts, output);
	print_place(facts, output);
	if (facts->in_block && facts->block.state == HC_BLOCK_IN_USE)
		print_references(facts, output);
	if (facts->targets->len)
		print_targets(facts, output);
	print_content(facts, output);
	if (hc_diagnostics_count(hc_analysis_diagnostics(facts->analysis))) {
		hc_output_text(output, "\n");
		hc_diagnostics_print(hc_analysis_diagnostics(facts->analysis), NULL, output);
	}
}

static void ask_sites(address_facts *facts, hc_sites *sites, const hc_report_options *options)
{
	const hc_block *block = &facts->block;

	if (!sites || !facts->in_block || block->state != HC_BLOCK_IN_USE || block->label || hc_sites_why_none(sites))
		return;
	hc_sites_ask_blocks(sites, &block->address, &block->size, 1, 1, NULL, &facts->site);
	hc_site_answer_place(sites, &facts->site, options);
	facts->has_site = true;
}

bool hc_report_block(const hc_analysis *analysis, hc_address address, hc_sites *sites, const hc_report_options *options,
	GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_auto(address_facts) facts;

	if (!collect(analysis, address, &facts, error))
		return false;
	ask_sites(&facts, sites, options);
	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, facts_json(&facts));
	else
		print_facts(&facts, output);
	return hc_output_finish(output, error);
}
