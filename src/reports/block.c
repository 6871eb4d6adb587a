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
} address_facts;

static void facts_deinit(address_facts *facts)
{
	g_free(facts->symbol);
	hc_block_type_clear(&facts->type);
	g_free(facts->references);
	g_array_unref(facts->targets);
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
		g_set_error(error, HC_ERROR, HC_ERROR_NOT_MAPPED,
			"0x%" G_GINT64_MODIFIER "x: the process had nothing mapped there", address);
		return false;
	}
	facts->symbol = hc_word_address_in(hc_analysis_modules(analysis), address);
	facts->in_block = hc_blocks_find(hc_analysis_blocks(analysis), address, &facts->block);
	facts->content_address = facts->in_block ? facts->block.address : address;
	facts->content = hc_core_bytes(core, facts->content_address, &available);
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

/* JSON */

json_t *hc_block_json(const hc_analysis *analysis, const hc_block *block)
{
	hc_reach reach = hc_references_reach(hc_analysis_references(analysis), block->number);
	g_autofree char *label = hc_word_label(block->label);
	json_t *object = json_object();

	hc_json_set(object, "address", hc_json_address(block->address));
	hc_json_set(object, "size", hc_json_number(block->size));
	hc_json_set(object, "chunk_size", hc_json_number(block->chunk_size));
	hc_json_set(object, "state", json_string(hc_block_state_name(block->state)));
	hc_json_set(object, "arena", block->arena == HC_ARENA_NONE ? json_null() : json_integer(block->arena));
	hc_json_set(object, "label", hc_json_text(label));
	hc_json_set(object, "reach", reach == HC_REACH_NONE ? json_null() : json_string(hc_reach_name(reach)));
	return object;
}

static json_t *references_json(const address_facts *facts)
{
	json_t *object = json_object(), *list = json_array();
	hc_place_sources sources = hc_place_sources_of(facts->analysis);

	for (unsigned i = 0; i < facts->reference_count; i++) {
		const hc_reference *reference = &facts->references[i];
		g_autofree char *encoding = hc_word_encoding(&reference->encoding);
		hc_place place;
		json_t *entry = json_object();
		hc_block block;
		bool in_block = reference->block != UINT32_MAX &&
				hc_blocks_get(hc_analysis_blocks(facts->analysis), reference->block, &block);

		hc_place_of_reference(&sources, reference, &place);
		hc_json_set(entry, "from", reference->from ? hc_json_address(reference->from) : json_null());
		hc_json_set(entry, "to", hc_json_address(reference->to));
		hc_json_set(entry, "encoding", hc_json_text(encoding));
		hc_json_set(entry, "thread", place.thread_id ? json_integer(place.thread_id) : json_null());
		hc_json_set(entry, "block", in_block ? hc_json_address(block.address) : json_null());
		g_autofree char *where = hc_word_place(&place);

		hc_json_set(entry, "where", hc_json_text(where));
		hc_json_set(entry, "place", hc_place_json(&place));
		json_array_append_new(list, entry);
	}
	hc_json_set(object, "total", hc_json_number(facts->reference_total));
	hc_json_set(object, "list", list);
	return object;
}

static json_t *targets_json(const address_facts *facts)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < facts->targets->len; i++) {
		const target *found = &g_array_index(facts->targets, target, i);
		g_autofree char *what = found->is_block ? NULL : hc_word_place(&found->place);
		json_t *entry = json_object();

		hc_json_set(entry, "offset", hc_json_number(found->offset));
		hc_json_set(entry, "to", hc_json_address(found->to));
		hc_json_set(entry, "block", found->is_block ? hc_json_address(found->block.address) : json_null());
		hc_json_set(entry, "what", hc_json_text(what));
		hc_json_set(entry, "place", found->is_block ? json_null() : hc_place_json(&found->place));
		json_array_append_new(array, entry);
	}
	return array;
}

static json_t *type_json(const address_facts *facts)
{
	json_t *object;

	if (!facts->has_type)
		return json_null();
	object = json_object();
	hc_json_set(object, "name",
		facts->type.certainty == HC_CERTAINTY_UNKNOWN ? json_null() : hc_json_text(facts->type.name));
	hc_json_set(object, "certainty", json_string(hc_certainty_name(facts->type.certainty)));
	hc_json_set(object, "path", hc_json_text(facts->type.path));
	return object;
}

static json_t *content_json(const address_facts *facts)
{
	GString *digits;
	json_t *value;

	if (!facts->content)
		return json_null();
	digits = g_string_new(NULL);
	for (uint64_t i = 0; i < facts->content_length; i++)
		g_string_append_printf(digits, "%02x", facts->content[i]);
	value = json_string(digits->str);
	g_string_free(digits, TRUE);
	return value;
}

static json_t *facts_json(const address_facts *facts)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(facts->analysis);
	json_t *report = hc_json_report("block");
	json_t *block = facts->in_block ? hc_block_json(facts->analysis, &facts->block) : json_null();

	if (facts->in_block)
		hc_json_set(block, "offset", hc_json_number(facts->address - facts->block.address));
	hc_json_set(report, "address", hc_json_address(facts->address));
	hc_json_set(report, "block", block);
	hc_json_set(report, "type", type_json(facts));
	hc_json_set(report, "previous",
		facts->has_previous ? hc_block_json(facts->analysis, &facts->previous) : json_null());
	hc_json_set(report, "next", facts->has_next ? hc_block_json(facts->analysis, &facts->next) : json_null());
	hc_json_set(report, "allocation_site", json_null());
	hc_json_set(report, "references", references_json(facts));
	hc_json_set(report, "points_to", targets_json(facts));
	hc_json_set(report, "content", content_json(facts));
	hc_json_set(report, "symbol", hc_json_text(facts->symbol));
	hc_json_set(report, "area", hc_area_json(facts->area));
	hc_json_set(report, "mapping", hc_mapping_json(facts->mapping));
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return report;
}

/* Text */

enum {
	NAME_WIDTH = 17
};

static void print_fact(hc_output *output, const char *name, const char *text)
{
	hc_output_style(output, HC_STYLE_DIM);
	hc_output_printf(output, "%s:", name);
	hc_output_style(output, HC_STYLE_PLAIN);
	hc_output_spaces(output, NAME_WIDTH - hc_text_columns(name) - 1);
	hc_output_wrapped(output, NAME_WIDTH, NAME_WIDTH, text);
}

static void print_fact_printf(hc_output *output, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void print_fact_printf(hc_output *output, const char *name, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	print_fact(output, name, text);
}

static const char *state_phrase(hc_block_state state)
{
	switch (state) {
	case HC_BLOCK_IN_USE:
		return "a block in use";
	case HC_BLOCK_TCACHE:
		return "a freed block, in a thread's cache";
	case HC_BLOCK_FASTBIN:
		return "a freed block, in a fastbin";
	case HC_BLOCK_UNSORTED:
		return "a free block, in the unsorted bin";
	case HC_BLOCK_SMALL:
		return "a free block, in a small bin";
	case HC_BLOCK_LARGE:
		return "a free block, in a large bin";
	case HC_BLOCK_TOP:
		return "the top chunk, never handed out or merged back";
	case HC_BLOCK_UNLISTED:
		return "a free block that is in no list";
	case HC_BLOCK_FENCEPOST:
		return "malloc's own end mark";
	case HC_BLOCK_FOREIGN:
		return "memory in the heap that somebody else got from sbrk()";
	default:
		return "a part of the heap that could not be followed";
	}
}

static void print_headline(const address_facts *facts, hc_output *output)
{
	uint64_t offset = facts->address - facts->block.address;
	g_autofree char *place = NULL;
	g_autoptr(GString) line = g_string_new(NULL);

	g_string_printf(line, "0x%" G_GINT64_MODIFIER "x is ", facts->address);
	if (facts->in_block && offset)
		g_string_append_printf(
			line, "%" G_GUINT64_FORMAT " bytes into %s", offset, state_phrase(facts->block.state));
	else if (facts->in_block)
		g_string_append(line, state_phrase(facts->block.state));
	else
		g_string_append_printf(line, "in no block: %s", place = hc_place_text(facts->analysis, facts->address));
	hc_output_styled(output, HC_STYLE_HEADING, line->str);
	hc_output_text(output, "\n");
}

static char *reach_phrase(const address_facts *facts)
{
	hc_reach reach = hc_references_reach(hc_analysis_references(facts->analysis), facts->block.number);

	switch (reach) {
	case HC_REACH_REACHABLE:
		return g_strdup("reachable: the program can still find it");
	case HC_REACH_DIRECTLY_LOST:
		return g_strdup("directly lost: nothing that is alive points to it");
	case HC_REACH_INDIRECTLY_LOST:
		return g_strdup("indirectly lost: only lost blocks point to it");
	case HC_REACH_INNER:
		return g_strdup("reachable by pointers behind a header or into a pool");
	case HC_REACH_ENCODED:
		return g_strdup("reachable by encoded pointers");
	case HC_REACH_POSSIBLY_LOST:
		return g_strdup("possibly lost: only pointers into the middle of a block keep it alive");
	default:
		return NULL;
	}
}

static void print_neighbour(const char *name, const hc_block *block, hc_output *output)
{
	g_autofree char *label = hc_word_label(block->label);
	char size[HC_TEXT_COUNT_LENGTH];

	print_fact_printf(output, name, "0x%" G_GINT64_MODIFIER "x, %s bytes, %s%s%s", block->address,
		hc_text_count(size, block->size), hc_block_state_name(block->state), label ? ", " : "",
		label ? label : "");
}

/* A pointer to void, or to what nobody defines, leads to a block that has a path, but no type. */
static void print_type(const hc_block_type *type, hc_output *output)
{
	g_autofree char *name = hc_text_escape(type->name, -1), *path = hc_text_escape(type->path, -1);

	if (type->certainty != HC_CERTAINTY_UNKNOWN)
		print_fact_printf(output, "type", "%s, %s", name, hc_certainty_name(type->certainty));
	print_fact(output, "held by", path);
}

static void print_block(const address_facts *facts, hc_output *output)
{
	const hc_block *block = &facts->block;
	g_autofree char *arena = hc_arena_name(block->arena);
	g_autofree char *reach = reach_phrase(facts), *label = hc_word_label(block->label);
	char size[HC_TEXT_COUNT_LENGTH], chunk_size[HC_TEXT_COUNT_LENGTH];

	print_fact_printf(output, "block", "0x%" G_GINT64_MODIFIER "x, %s bytes usable, %s with malloc's header",
		block->address, hc_text_count(size, block->size), hc_text_count(chunk_size, block->chunk_size));
	print_fact(output, "state", hc_block_state_name(block->state));
	print_fact(output, "arena", block->arena == HC_ARENA_NONE ? "none: a mapping of its own" : arena);
	if (label)
		print_fact(output, "label", label);
	if (facts->has_type)
		print_type(&facts->type, output);
	if (reach)
		print_fact(output, "reach", reach);
	if (block->state == HC_BLOCK_IN_USE)
		print_fact(output, "allocation site", "not in a core");
	if (facts->has_previous)
		print_neighbour("before it", &facts->previous, output);
	if (facts->has_next)
		print_neighbour("after it", &facts->next, output);
}

static void print_references(const address_facts *facts, hc_output *output)
{
	static const hc_column columns[] = {
		{ NULL, "", HC_CELL_TEXT },
		{ NULL, "", HC_CELL_ADDRESS },
		{ NULL, "", HC_CELL_TEXT },
		{ NULL, "", HC_CELL_TEXT },
	};
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));
	hc_place_sources sources = hc_place_sources_of(facts->analysis);
	char count[HC_TEXT_COUNT_LENGTH];

	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "POINTED TO BY");
	hc_output_printf(output, " %s word%s\n", hc_text_count(count, facts->reference_total),
		facts->reference_total == 1 ? "" : "s");
	for (unsigned i = 0; i < facts->reference_count; i++) {
		const hc_reference *reference = &facts->references[i];
		hc_place place;
		g_autofree char *offset =
			g_strdup_printf("to +%" G_GUINT64_FORMAT, reference->to - facts->block.address);
		g_autofree char *encoding = hc_word_encoding(&reference->encoding);

		hc_place_of_reference(&sources, reference, &place);
		g_autofree char *where = hc_word_place(&place);

		hc_table_add_row(table);
		if (reference->from)
			hc_table_set_number(table, 1, reference->from);
		hc_table_set_plain(table, 2, offset);
		if (encoding) {
			g_autofree char *text = g_strdup_printf("%s, by an encoded pointer: %s", where, encoding);

			hc_table_set_text(table, 3, text);
		} else {
			hc_table_set_text(table, 3, where);
		}
	}
	hc_table_print(table, output);
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
		char size[HC_TEXT_COUNT_LENGTH];

		hc_output_printf(
			output, "+%-8" G_GUINT64_FORMAT " 0x%" G_GINT64_MODIFIER "x  ", found->offset, found->to);
		if (!found->is_block) {
			g_autofree char *word = hc_word_place(&found->place), *name = hc_text_escape(word, -1);

			hc_output_printf(output, "%s\n", name);
			continue;
		}
		hc_output_printf(output, "block of %s bytes, %s", hc_text_count(size, found->block.size),
			hc_block_state_name(found->block.state));
		if (found->to != found->block.address)
			hc_output_printf(output, ", %" G_GUINT64_FORMAT " into it", found->to - found->block.address);
		g_autofree char *label = hc_word_label(found->block.label);

		hc_output_printf(output, "%s%s\n", label ? ", " : "", label ? label : "");
	}
}

static void print_line(const address_facts *facts, uint64_t offset, hc_output *output)
{
	char text[CONTENT_LINE + 1] = "";
	uint64_t length = MIN(CONTENT_LINE, facts->content_length - offset);

	hc_output_printf(output, "0x%" G_GINT64_MODIFIER "x  ", facts->content_address + offset);
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
		hc_output_printf(output, "  %s\n",
			hc_core_why_missing(hc_analysis_core(facts->analysis), facts->content_address));
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
		hc_output_printf(
			output, "... %" G_GUINT64_FORMAT " bytes more\n", facts->block.size - facts->content_length);
}

static void print_place(const address_facts *facts, hc_output *output)
{
	char protection[4];

	if (facts->symbol) {
		g_autofree char *symbol = hc_text_escape(facts->symbol, -1);

		print_fact(output, "symbol", symbol);
	}
	if (facts->area) {
		g_autofree char *note = hc_word_area(facts->area), *shown = note ? hc_text_escape(note, -1) : NULL;

		print_fact_printf(output, "area", "0x%" PRIx64 "-0x%" PRIx64 " %s%s%s", facts->area->start,
			facts->area->end, hc_area_kind_name(facts->area->kind), shown ? ": " : "", shown ? shown : "");
	}
	if (facts->mapping) {
		g_autofree char *path = facts->mapping->path ? hc_text_escape(facts->mapping->path, -1) : NULL;

		print_fact_printf(output, "mapping",
			"0x%" G_GINT64_MODIFIER "x-0x%" G_GINT64_MODIFIER "x %s, bytes from: %s%s%s",
			facts->mapping->start, facts->mapping->end,
			hc_protection_name(facts->mapping->flags, protection), hc_source_name(facts->mapping->source),
			path ? "; " : "", path ? path : "");
	}
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

bool hc_report_block(const hc_analysis *analysis, hc_address address, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_auto(address_facts) facts;

	if (!collect(analysis, address, &facts, error))
		return false;
	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, facts_json(&facts));
	else
		print_facts(&facts, output);
	return hc_output_finish(output, error);
}
