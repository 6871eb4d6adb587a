/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths to a block: from what the program holds, or if it is lost from the block that was lost first. A path may have
 * millions of blocks (a list): its middle is left out.
 */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

#include <inttypes.h>

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

		g_set_error(error, HC_ERROR, HC_ERROR_NOT_MAPPED, "0x%" PRIx64 " is in no block: %s", address, place);
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

/* ---- steps ---- */

/* The name of the word that leads to STEP, where it is more than a block's: thread-local storage can lie on the heap. FALSE if it has none. */
static bool find_place(const path_facts *facts, const hc_path_step *step, uint32_t number, hc_place *ret_place)
{
	hc_place_sources sources = hc_place_sources_of(facts->analysis);

	if (!step->has_reference)
		return false;
	hc_place_of_reference(&sources, &step->reference, ret_place);
	return !number || ret_place->kind != HC_PLACE_BLOCK;
}

/* The offset of the word that leads to step NUMBER in the block before it; FALSE: it is in none. */
static bool find_offset(const path_facts *facts, const hc_path_step *step, uint32_t number, uint64_t *ret_offset)
{
	hc_block before;

	if (!number || !step->has_reference ||
		!hc_blocks_get(hc_analysis_blocks(facts->analysis), step->reference.block, &before))
		return false;
	*ret_offset = step->reference.from - before.address;
	return true;
}

/*
 * "  +8, name, by an encoded pointer: tag in bits 48-63": the word that leads on. NULL: nothing is
 * known of it.
 */
static char *word_text(const hc_path_step *step, const uint64_t *offset, const hc_place *place)
{
	g_autofree char *name = place ? hc_word_place(place) : NULL,
			*word = step->has_reference ? hc_word_reference(name, &step->reference.encoding) : NULL;

	if (!offset)
		return g_steal_pointer(&word);
	return g_strdup_printf("  +%" PRIu64 "%s%s", *offset, word ? ", " : "", word ? word : "");
}

/* "0x5581e0+8": what the word leads to. */
static char *target_text(const hc_path_step *step)
{
	uint64_t into = step->has_reference ? step->reference.to - step->block.address : 0;

	return into ? g_strdup_printf("0x%" PRIx64 "+%" PRIu64, step->block.address, into) :
		      g_strdup_printf("0x%" PRIx64, step->block.address);
}

static void add_step(hc_records *records, const path_facts *facts, const hc_path_step *step, uint32_t number)
{
	const hc_block *block = &step->block;
	const hc_reference *reference = step->has_reference ? &step->reference : NULL;
	const char *state = hc_block_state_name(block->state);
	g_autofree char *preview = hc_preview(facts->analysis, block, PREVIEW), *label = hc_word_label(block->label);
	hc_place place = { 0 };
	bool is_named = find_place(facts, step, number, &place);
	uint64_t offset = 0;
	bool has_offset = find_offset(facts, step, number, &offset);
	const char *what = label ? label : block->state == HC_BLOCK_IN_USE ? preview : state;
	const hc_fact list[] = {
		{ "place", NULL, hc_value_json(is_named ? hc_place_json(&place) : NULL) },
		{ "offset", NULL, hc_value_if(has_offset, hc_value_size(offset)) },
		{ "to", NULL, reference ? hc_value_address(reference->to) : hc_value_none() },
		{ "encoding", NULL, hc_value_take_text(reference ? hc_word_encoding(&reference->encoding) : NULL) },
		{ "block", NULL, hc_value_address(block->address) },
		{ NULL, "WORD",
			hc_value_take_text(word_text(step, has_offset ? &offset : NULL, is_named ? &place : NULL)) },
		{ NULL, "LEADS TO", hc_value_take_plain(target_text(step)) },
		{ "size", "SIZE", hc_value_count(block->size) },
		{ NULL, "BLOCK", hc_value_text(what) },
		{ "state", NULL, hc_value_plain(state) },
		{ "label", NULL, hc_value_text(label) },
		{ "preview", NULL, hc_value_text(preview) },
	};

	hc_records_add(records, list);
}

/* In text only. */
static void add_gap(hc_records *records, uint32_t blocks)
{
	g_autofree char *more = hc_unit_text(blocks, "blocks");
	const hc_fact list[] = {
		{ NULL, "WORD", hc_value_none() },
		{ NULL, "LEADS TO", hc_value_take_plain(g_strdup_printf("... %s more", more)) },
		{ NULL, "SIZE", hc_value_none() },
		{ NULL, "BLOCK", hc_value_none() },
	};

	hc_records_add(records, list);
}

/* The first and the last blocks of path INDEX. */
static hc_records *make_steps(const path_facts *facts, unsigned index, bool is_text, uint32_t *ret_omitted)
{
	hc_records *records = hc_records_create();
	uint32_t ends = is_text ? ENDS_SHOWN_TEXT : ENDS_SHOWN_JSON;
	uint32_t length = hc_paths_length(facts->paths, index), begin, end;

	left_out(length, ends, &begin, &end);
	for (uint32_t i = 0; i < length; i++) {
		hc_path_step step;

		if (i == begin && end) {
			if (is_text)
				add_gap(records, end - begin);
			i = end;
		}
		if (hc_paths_step(facts->paths, index, i, &step))
			add_step(records, facts, &step, i);
	}
	*ret_omitted = end - begin;
	return records;
}

/* ---- JSON ---- */

static json_t *path_json(const path_facts *facts, unsigned index)
{
	static const char *const starts[] = {
		[HC_PATH_ROOT] = "root", [HC_PATH_OWN] = "runtime", [HC_PATH_LOST] = "lost"
	};
	uint32_t omitted;
	g_autoptr(hc_records) steps = make_steps(facts, index, false, &omitted);
	const hc_fact list[] = {
		{ "begins", NULL, hc_value_plain(starts[hc_paths_start(facts->paths, index)]) },
		{ "length", NULL, hc_value_count(hc_paths_length(facts->paths, index)) },
		{ "omitted", NULL, hc_value_count(omitted) },
		{ "steps", NULL, hc_value_json(hc_records_json(steps)) },
	};

	return hc_record_json(list);
}

static json_t *paths_json(const path_facts *facts)
{
	json_t *paths = json_array();

	for (unsigned i = 0; i < hc_paths_count(facts->paths); i++)
		json_array_append_new(paths, path_json(facts, i));
	const hc_fact list[] = {
		{ "address", NULL, hc_value_address(facts->address) },
		{ "block", NULL, hc_value_json(hc_block_json(facts->analysis, &facts->block)) },
		{ "paths", NULL, hc_value_json(paths) },
	};

	return hc_report_json("path", list, hc_analysis_diagnostics(facts->analysis));
}

/* ---- text ---- */

static void print_path(const path_facts *facts, unsigned index, hc_output *output)
{
	uint32_t omitted;
	g_autoptr(hc_records) steps = make_steps(facts, index, true, &omitted);
	g_autofree char *title =
		hc_word_path(hc_paths_start(facts->paths, index), hc_paths_length(facts->paths, index));

	hc_output_text(output, "\n");
	hc_output_styled(output, HC_STYLE_HEADING, "PATH");
	hc_output_printf(output, " %u: %s\n", index + 1, title);
	hc_records_print(steps, output);
}

static void print_paths(const path_facts *facts, hc_output *output)
{
	char size[HC_TEXT_COUNT_LENGTH];

	hc_output_printf(output, "0x%" PRIx64 ": %s bytes, %s, ", facts->block.address,
		hc_text_count(size, facts->block.size), hc_block_state_name(facts->block.state));
	hc_output_styled(output, hc_reach_is_lost(facts->reach) ? HC_STYLE_BAD : HC_STYLE_PLAIN,
		hc_word_reach_by_paths(facts->reach));
	hc_output_text(output, "\n");
	if (!hc_paths_count(facts->paths))
		hc_output_wrapped(output, 0, 0, hc_word_no_path());
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
