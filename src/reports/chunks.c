/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The blocks, one a line.
 *
 * A core may have tens of millions of them, so a line is put together by hand in the output's buffer: no printf, no
 * JSON tree, no allocation. In order of address nothing is held. By size, the blocks that may still be shown are held
 * as (size, number), 16 bytes each: all of them without a limit; with one, at most twice the limit, as the candidates
 * are cut back to the limit whenever there are that many, and whatever is smaller than the last kept one is then not
 * collected any more.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <inttypes.h>
#include <string.h>

enum {
	ADDRESS_WIDTH = 16, /* columns in text */
	BYTES_WIDTH = 15,
	STATE_WIDTH = 10,
	ARENA_WIDTH = 7,
	PREVIEW_WIDTH = 40,
	LINE_LENGTH = 256,   /* of a line without its label */
	LABEL_LENGTH = 1024, /* of an escaped label, cut there */
	LEAST_CAPACITY = 4096,
};

/* What malloc hands out or keeps: the states listed where the filter names none. */
static const unsigned default_states = 1u << HC_BLOCK_IN_USE | 1u << HC_BLOCK_TCACHE | 1u << HC_BLOCK_FASTBIN |
				       1u << HC_BLOCK_UNSORTED | 1u << HC_BLOCK_SMALL | 1u << HC_BLOCK_LARGE |
				       1u << HC_BLOCK_TOP | 1u << HC_BLOCK_UNLISTED;

typedef struct chunk_key {
	uint64_t size;
	uint32_t number;
} chunk_key;

typedef struct chunk_list {
	const hc_analysis *analysis;
	const hc_blocks *blocks;
	const hc_references *references; /* only if the filter asks for lost ones */
	const hc_chunks_filter *filter;
	const hc_selection *selection; /* NULL: type and owner do not matter */
	unsigned states;
	bool knows_resident;
	hc_output *output;
	const hc_label *label; /* the last one met, and below how it is written */
	char label_json[LABEL_LENGTH];
	hc_amount matched; /* all blocks that the filter lets through */
	uint64_t shown;
} chunk_list;

static inline bool matches(const chunk_list *list, const hc_block *block)
{
	const hc_chunks_filter *filter = list->filter;

	if (!(list->states >> block->state & 1) || block->size < filter->minimum || block->size > filter->maximum)
		return false;
	if (filter->arena != HC_ARENA_ALL && block->arena != filter->arena)
		return false;
	if (filter->labelled && !block->label)
		return false;
	return !list->selection || hc_selection_has(list->selection, block);
}

/* Where a list is: in all blocks, or in the lost ones only. */
typedef struct chunk_cursor {
	hc_block_iterator iterator;
	uint32_t number;
} chunk_cursor;

static inline bool next_block(const chunk_list *list, chunk_cursor *cursor, hc_block *block)
{
	hc_reach reach;

	if (list->references)
		return hc_references_next_lost(list->references, &cursor->number, block, &reach);
	return hc_block_iterator_next(&cursor->iterator, block);
}

static inline char *put(char *out, const char *text)
{
	size_t length = strlen(text);

	memcpy(out, text, length);
	return out + length;
}

/* LABEL as JSON. Labels repeat: the last one is kept. */
static const char *label_json(chunk_list *list, const hc_label *label)
{
	g_autofree char *word = NULL;
	json_t *string;
	size_t length;

	if (label == list->label)
		return list->label_json;
	word = hc_word_label(label);
	string = hc_json_text(word);
	length = json_dumpb(string, list->label_json, sizeof list->label_json - 1, JSON_ENCODE_ANY);
	json_decref(string);
	if (length >= sizeof list->label_json)
		length = put(list->label_json, "\"(too long)\"") - list->label_json;
	list->label_json[length] = '\0';
	list->label = label;
	return list->label_json;
}

static uint64_t resident_of(const chunk_list *list, const hc_block *block)
{
	return hc_core_resident(hc_analysis_core(list->analysis), block->address, block->address + block->size)
		.resident;
}

static void write_json(chunk_list *list, const hc_block *block)
{
	char *out = hc_output_reserve(list->output, LINE_LENGTH + LABEL_LENGTH);

	out = put(out, "{\"address\":\"");
	out = hc_put_hexadecimal(out, block->address);
	out = put(out, "\",\"size\":");
	out = hc_put_decimal(out, block->size);
	out = put(out, ",\"state\":\"");
	out = put(out, hc_block_state_name(block->state));
	out = put(out, "\",\"arena\":");
	out = block->arena == HC_ARENA_NONE ? put(out, "null") : hc_put_decimal(out, block->arena);
	out = put(out, ",\"label\":");
	out = block->label ? put(out, label_json(list, block->label)) : put(out, "null");
	if (list->knows_resident) {
		out = put(out, ",\"resident\":");
		out = hc_put_decimal(out, resident_of(list, block));
	}
	out = put(out, "}\n");
	hc_output_commit(list->output, out);
}

static inline char *put_right(char *out, const char *text, unsigned width)
{
	for (size_t length = strlen(text); length < width; length++)
		*out++ = ' ';
	return put(out, text);
}

static inline char *put_left(char *out, const char *text, unsigned width)
{
	char *end = put(out, text);

	while (end < out + width)
		*end++ = ' ';
	return end;
}

/* The last column: the label, or what the content looks like. NULL: nothing to say. Escaped; free with g_free(). */
static char *describe(const chunk_list *list, const hc_block *block)
{
	g_autofree char *preview = NULL;

	if (block->label)
		return hc_word_label(block->label);
	preview = block->state == HC_BLOCK_IN_USE ? hc_preview(list->analysis, block, PREVIEW_WIDTH) : NULL;
	return preview ? hc_text_escape(preview, -1) : NULL;
}

static void write_text(chunk_list *list, const hc_block *block)
{
	char *out = hc_output_reserve(list->output, LINE_LENGTH);
	char text[HC_TEXT_COUNT_LENGTH];
	g_autofree char *what = describe(list, block);

	*hc_put_hexadecimal(text, block->address) = '\0';
	out = put_left(out, text, ADDRESS_WIDTH);
	out = put_right(out, hc_text_count(text, block->size), BYTES_WIDTH);
	if (list->knows_resident)
		out = put_right(out, hc_text_count(text, resident_of(list, block)), BYTES_WIDTH);
	out = put(out, "  ");
	out = put_left(out, hc_block_state_name(block->state), STATE_WIDTH);
	out = put(out, "  ");
	if (block->arena == HC_ARENA_NONE)
		strcpy(text, "mmapped");
	else if (block->arena)
		*hc_put_decimal(text, block->arena) = '\0';
	else
		strcpy(text, "main");
	out = put_left(out, text, what ? ARENA_WIDTH + 2 : 0);
	hc_output_commit(list->output, out);
	if (what)
		hc_output_styled(list->output, block->label ? HC_STYLE_DIM : HC_STYLE_PLAIN, what);
	hc_output_text(list->output, "\n");
}

static void write_block(chunk_list *list, const hc_block *block)
{
	if (list->output->options->format == HC_REPORT_JSON)
		write_json(list, block);
	else
		write_text(list, block);
	list->shown++;
}

static void list_by_address(chunk_list *list)
{
	bool all_counted = list->output->options->format == HC_REPORT_TEXT;
	uint64_t limit = list->filter->limit;
	chunk_cursor cursor = { 0 };
	hc_block block;

	hc_block_iterator_init(&cursor.iterator, list->blocks);
	while (next_block(list, &cursor, &block) && !list->output->sink.failed) {
		if (!matches(list, &block))
			continue;
		list->matched.blocks++;
		list->matched.bytes += block.size;
		if (!limit || list->shown < limit)
			write_block(list, &block);
		else if (!all_counted)
			return;
	}
}

static int larger_first(const void *a, const void *b)
{
	const chunk_key *first = a, *second = b;

	if (first->size != second->size)
		return first->size < second->size ? 1 : -1;
	return first->number < second->number ? -1 : 1;
}

/* Collects what matches; *RET_KEYS (g_free) holds *RET_COUNT in no order, a superset of those to show. */
static bool collect(chunk_list *list, chunk_key **ret_keys, size_t *ret_count)
{
	uint64_t limit = list->filter->limit, least = 0;
	size_t capacity = LEAST_CAPACITY, count = 0;
	g_autofree chunk_key *keys = g_try_new(chunk_key, capacity);
	chunk_cursor cursor = { 0 };
	hc_block block;

	hc_block_iterator_init(&cursor.iterator, list->blocks);
	while (keys && next_block(list, &cursor, &block)) {
		if (!matches(list, &block))
			continue;
		list->matched.blocks++;
		list->matched.bytes += block.size;
		if (block.size < least)
			continue;
		if (count == capacity && limit && limit <= capacity / 2) {
			qsort(keys, count, sizeof *keys, larger_first);
			count = limit;
			least = keys[count - 1].size;
		} else if (count == capacity) {
			chunk_key *more = g_try_renew(chunk_key, keys, 2 * capacity);

			if (!more)
				return false;
			keys = more;
			capacity *= 2;
		}
		keys[count++] = (chunk_key){ block.size, block.number };
	}
	*ret_count = count;
	*ret_keys = g_steal_pointer(&keys);
	return *ret_keys != NULL;
}

static bool list_by_size(chunk_list *list, GError **error)
{
	uint64_t limit = list->filter->limit;
	g_autofree chunk_key *keys = NULL;
	size_t count;

	if (!collect(list, &keys, &count)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY,
			"not enough memory to sort %" PRIu64 " blocks by size; give a limit, or sort by address",
			list->matched.blocks);
		return false;
	}
	qsort(keys, count, sizeof *keys, larger_first);
	for (size_t i = 0; i < count && (!limit || i < limit) && !list->output->sink.failed; i++) {
		hc_block block;

		if (hc_blocks_get(list->blocks, keys[i].number, &block))
			write_block(list, &block);
	}
	return true;
}

static void write_heading(const chunk_list *list)
{
	hc_output *output = list->output;

	hc_output_style(output, HC_STYLE_HEADING);
	hc_output_printf(output, "%-*s%*s", ADDRESS_WIDTH, "ADDRESS", BYTES_WIDTH, "SIZE");
	if (list->knows_resident)
		hc_output_printf(output, "%*s", BYTES_WIDTH, "RESIDENT");
	hc_output_printf(output, "  %-*s  %-*s  %s", STATE_WIDTH, "STATE", ARENA_WIDTH, "ARENA", "WHAT");
	hc_output_style(output, HC_STYLE_PLAIN);
	hc_output_text(output, "\n");
}

static void write_footer(const chunk_list *list)
{
	g_autofree char *blocks = hc_unit_text(list->matched.blocks, "blocks");
	char shown[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];

	hc_output_printf(list->output, "%s, %s", blocks, hc_text_size(size, list->matched.bytes));
	if (list->shown < list->matched.blocks)
		hc_output_printf(list->output, "; %s %s shown (--limit 0 for all)",
			list->filter->order == HC_CHUNKS_BY_SIZE ? "the largest" : "the first",
			hc_text_count(shown, list->shown));
	hc_output_text(list->output, "\n");
}

bool hc_report_chunks(
	const hc_analysis *analysis, const hc_chunks_filter *filter, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_autofree chunk_list *list = g_new0(chunk_list, 1);
	g_autoptr(hc_selection) selection = NULL;
	bool text = options->format == HC_REPORT_TEXT;

	if (filter->type || filter->owner) {
		selection = hc_select_blocks(hc_analysis_types(analysis), filter->type, filter->owner, error);
		if (!selection)
			return false;
	}
	list->selection = selection;
	list->analysis = analysis;
	list->blocks = hc_analysis_blocks(analysis);
	list->references = filter->lost ? hc_analysis_references(analysis) : NULL;
	list->filter = filter;
	list->states = filter->states ? filter->states : default_states;
	list->output = output;
	list->knows_resident = hc_core_knows_resident(hc_analysis_core(analysis));
	if (text)
		write_heading(list);
	if (filter->order == HC_CHUNKS_BY_ADDRESS)
		list_by_address(list);
	else if (!list_by_size(list, error))
		return false;
	if (text) {
		write_footer(list);
		hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
	}
	return hc_output_finish(output, error);
}
