/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths to a block: from what the program holds, or if it is lost from the block that was lost first. A path may have
 * millions of blocks (a list): its middle is left out.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

enum {
	ENDS_SHOWN_TEXT = 10, /* blocks at each end of a path */
	ENDS_SHOWN_JSON = 100,
	PREVIEW = 40,
};

typedef struct path_facts {
	const hc_analysis *analysis;
	hc_address address;
	hc_block block;
	hc_reach reach;
	hc_paths *paths;
} path_facts;

static void path_facts_deinit(path_facts *facts)
{
	hc_paths_destroy(facts->paths);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(path_facts, path_facts_deinit)

static bool collect(const hc_analysis *analysis, hc_address address, unsigned limit, path_facts *facts, GError **error)
{
	*facts = (path_facts){ .analysis = analysis, .address = address };
	if (!hc_blocks_find(hc_analysis_blocks(analysis), address, &facts->block)) {
		g_autofree char *place = hc_place_text(analysis, address);

		g_set_error(error, HC_ERROR, HC_ERROR_NOT_MAPPED, "0x%" G_GINT64_MODIFIER "x is in no block: %s",
			address, place);
		return false;
	}
	facts->reach = hc_references_reach(hc_analysis_references(analysis), facts->block.number);
	facts->paths = hc_paths_find(hc_analysis_references(analysis), facts->block.number, limit, error);
	return facts->paths != NULL;
}

/* The blocks [*begin, *end) of a path of LENGTH are not shown. */
static void left_out(uint32_t length, uint32_t ends, uint32_t *begin, uint32_t *end)
{
	*begin = *end = 0;
	if (length > 2 * ends + 1) {
		*begin = ends;
		*end = length - ends;
	}
}

/* JSON */

/* The name of the word that leads to STEP, where it is more than a block's: thread-local storage can lie on the heap. FALSE if it has none. */
static bool find_place(const path_facts *facts, const hc_path_step *step, uint32_t number, hc_place *ret_place)
{
	hc_place_sources sources = hc_place_sources_of(facts->analysis);

	if (!step->has_reference)
		return false;
	hc_place_of_reference(&sources, &step->reference, ret_place);
	return !number || ret_place->kind != HC_PLACE_BLOCK;
}

static json_t *step_json(const path_facts *facts, const hc_path_step *step, uint32_t number)
{
	const hc_block *block = &step->block;
	g_autofree char *preview = hc_preview(facts->analysis, block, PREVIEW), *label = hc_word_label(block->label);
	g_autofree char *encoding = step->has_reference ? hc_word_encoding(&step->reference.encoding) : NULL;
	hc_place place = { 0 };
	json_t *object = json_object();
	hc_block before;
	bool has_offset = number && step->has_reference &&
			  hc_blocks_get(hc_analysis_blocks(facts->analysis), step->reference.block, &before);

	hc_json_set(object, "place", find_place(facts, step, number, &place) ? hc_place_json(&place) : json_null());
	hc_json_set(object, "offset", has_offset ? hc_json_number(step->reference.from - before.address) : json_null());
	hc_json_set(object, "to", step->has_reference ? hc_json_address(step->reference.to) : json_null());
	hc_json_set(object, "encoding", hc_json_text(encoding));
	hc_json_set(object, "block", hc_json_address(block->address));
	hc_json_set(object, "size", hc_json_number(block->size));
	hc_json_set(object, "state", json_string(hc_block_state_name(block->state)));
	hc_json_set(object, "label", hc_json_text(label));
	hc_json_set(object, "preview", hc_json_text(preview));
	return object;
}

static json_t *path_json(const path_facts *facts, unsigned index)
{
	static const char *const starts[] = {
		[HC_PATH_ROOT] = "root", [HC_PATH_OWN] = "runtime", [HC_PATH_LOST] = "lost"
	};
	uint32_t length = hc_paths_length(facts->paths, index), begin, end;
	json_t *object = json_object(), *steps = json_array();

	left_out(length, ENDS_SHOWN_JSON, &begin, &end);
	for (uint32_t i = 0; i < length; i++) {
		hc_path_step step;

		if (i == begin && end)
			i = end;
		if (!hc_paths_step(facts->paths, index, i, &step))
			continue;
		json_array_append_new(steps, step_json(facts, &step, i));
	}
	hc_json_set(object, "begins", json_string(starts[hc_paths_start(facts->paths, index)]));
	hc_json_set(object, "length", hc_json_number(length));
	hc_json_set(object, "omitted", hc_json_number(end - begin));
	hc_json_set(object, "steps", steps);
	return object;
}

static json_t *paths_json(const path_facts *facts)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(facts->analysis);
	json_t *report = hc_json_report("path"), *list = json_array();

	for (unsigned i = 0; i < hc_paths_count(facts->paths); i++)
		json_array_append_new(list, path_json(facts, i));
	hc_json_set(report, "address", hc_json_address(facts->address));
	hc_json_set(report, "block", hc_block_json(facts->analysis, &facts->block));
	hc_json_set(report, "paths", list);
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return report;
}

/* Text */

static const hc_column step_columns[] = {
	{ NULL, "WORD", HC_CELL_TEXT },
	{ NULL, "LEADS TO", HC_CELL_TEXT },
	{ NULL, "SIZE", HC_CELL_COUNT },
	{ NULL, "BLOCK", HC_CELL_TEXT },
};

enum {
	STEP_WORD,
	STEP_TO,
	STEP_SIZE,
	STEP_WHAT
};

/* "  +8, name, encoded: tag in bits 48-63": the word that leads on. NAME may be NULL. NULL: nothing is known of it. */
static char *describe_word(const path_facts *facts, const hc_path_step *step, uint32_t number, const char *name)
{
	g_autofree char *encoding = step->has_reference ? hc_word_encoding(&step->reference.encoding) : NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	hc_block before;

	if (number && step->has_reference &&
		hc_blocks_get(hc_analysis_blocks(facts->analysis), step->reference.block, &before))
		g_string_append_printf(text, "  +%" G_GUINT64_FORMAT, step->reference.from - before.address);
	if (name)
		g_string_append_printf(text, "%s%s", text->len ? ", " : "", name);
	if (encoding)
		g_string_append_printf(text, "%sby an encoded pointer: %s", text->len ? ", " : "", encoding);
	return text->len ? g_strdup(text->str) : NULL;
}

static void add_step(const path_facts *facts, hc_table *table, const hc_path_step *step, uint32_t number)
{
	const hc_block *block = &step->block;
	uint64_t into = step->has_reference ? step->reference.to - block->address : 0;
	g_autofree char *to =
		into ? g_strdup_printf("0x%" G_GINT64_MODIFIER "x+%" G_GUINT64_FORMAT, block->address, into) :
		       g_strdup_printf("0x%" G_GINT64_MODIFIER "x", block->address);
	g_autofree char *preview = hc_preview(facts->analysis, block, PREVIEW);
	const char *state = block->state == HC_BLOCK_IN_USE ? NULL : hc_block_state_name(block->state);
	hc_place place = { 0 };
	bool named = find_place(facts, step, number, &place);

	hc_table_add_row(table);
	g_autofree char *name = named ? hc_word_place(&place) : NULL, *word = describe_word(facts, step, number, name),
			*label = hc_word_label(block->label);

	if (word)
		hc_table_set_text(table, STEP_WORD, word);
	hc_table_set_plain(table, STEP_TO, to);
	hc_table_set_number(table, STEP_SIZE, block->size);
	if (label)
		hc_table_set_text(table, STEP_WHAT, label);
	else
		hc_table_set_plain(table, STEP_WHAT, state ? state : preview);
}

static void print_path(const path_facts *facts, unsigned index, hc_output *output)
{
	static const char *const starts[] = {
		[HC_PATH_ROOT] = "",
		[HC_PATH_OWN] = ", from a block that is libc's or the runtime's own",
		[HC_PATH_LOST] = ", from the block that was lost directly",
	};
	g_autoptr(hc_table) table = hc_table_create(step_columns, G_N_ELEMENTS(step_columns));
	uint32_t length = hc_paths_length(facts->paths, index), begin, end;
	g_autofree char *blocks = hc_unit_text(length, "blocks");

	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "PATH");
	hc_output_printf(output, " %u: %s%s\n", index + 1, blocks, starts[hc_paths_start(facts->paths, index)]);
	left_out(length, ENDS_SHOWN_TEXT, &begin, &end);
	for (uint32_t i = 0; i < length; i++) {
		hc_path_step step;

		if (i == begin && end) {
			g_autofree char *more = hc_unit_text(end - begin, "blocks");
			g_autofree char *line = g_strdup_printf("... %s more", more);

			hc_table_add_row(table);
			hc_table_set_plain(table, STEP_TO, line);
			i = end;
		}
		if (hc_paths_step(facts->paths, index, i, &step))
			add_step(facts, table, &step, i);
	}
	hc_table_print(table, output);
}

static const char *headline(const path_facts *facts)
{
	switch (facts->reach) {
	case HC_REACH_REACHABLE:
		return "reachable";
	case HC_REACH_DIRECTLY_LOST:
		return "directly lost: nothing that is alive points to it";
	case HC_REACH_INDIRECTLY_LOST:
		return "indirectly lost: only lost blocks point to it";
	case HC_REACH_INNER:
		return "reachable by pointers behind a header or into a pool";
	case HC_REACH_ENCODED:
		return "reachable by encoded pointers";
	case HC_REACH_POSSIBLY_LOST:
		return "possibly lost: only pointers into the middle of a block keep it alive";
	default:
		return "not in use: who leads here points to freed memory";
	}
}

static void print_paths(const path_facts *facts, hc_output *output)
{
	char size[HC_TEXT_COUNT_LENGTH];

	hc_output_printf(output, "0x%" G_GINT64_MODIFIER "x: %s bytes, %s, ", facts->block.address,
		hc_text_count(size, facts->block.size), hc_block_state_name(facts->block.state));
	hc_output_styled(output, hc_reach_is_lost(facts->reach) ? HC_STYLE_BAD : HC_STYLE_PLAIN, headline(facts));
	hc_output_text(output, "\n");
	if (!hc_paths_count(facts->paths))
		hc_output_wrapped(output, 0, 0, "No path leads to it.");
	for (unsigned i = 0; i < hc_paths_count(facts->paths); i++)
		print_path(facts, i, output);
	if (hc_diagnostics_count(hc_analysis_diagnostics(facts->analysis))) {
		hc_output_text(output, "\n");
		hc_diagnostics_print(hc_analysis_diagnostics(facts->analysis), NULL, output);
	}
}

bool hc_report_path(const hc_analysis *analysis, hc_address address, unsigned limit, const hc_report_options *options,
	GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);
	g_auto(path_facts) facts = { 0 };

	if (!collect(analysis, address, limit, &facts, error))
		return false;
	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, paths_json(&facts));
	else
		print_paths(&facts, output);
	return hc_output_finish(output, error);
}
