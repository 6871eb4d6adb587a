/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every block, and every word that leads to one.
 *
 * There may be tens of millions, so what a row takes of texts is looked up once for each path and each row of types, not for each block.
 */
#include "export/export_parts.h"

#include "blocks/blocks.h"
#include "references/references.h"
#include "wording/wording.h"

const hc_export_column hc_block_columns[] = {
	{ "address", .kind = HC_COLUMN_KEY_ADDRESS },
	{ "size", .kind = HC_COLUMN_NUMBER },
	{ "chunk_size", .kind = HC_COLUMN_NUMBER },
	{ "state", .kind = HC_COLUMN_TEXT },
	{ "arena", .kind = HC_COLUMN_NUMBER },
	{ "reach", .kind = HC_COLUMN_TEXT },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "retained", .kind = HC_COLUMN_NUMBER },
	{ "type_id", .kind = HC_COLUMN_NUMBER, .of = "types" },
	{ "type", .kind = HC_COLUMN_TEXT, .is_repeated = true },
	{ "certainty", .kind = HC_COLUMN_TEXT, .is_repeated = true },
	{ "owner_id", .kind = HC_COLUMN_NUMBER, .of = "owners" },
	{ "owner", .kind = HC_COLUMN_TEXT, .is_repeated = true },
	{ 0 },
};

struct block_rows {
	hc_table_source *source;
	hc_row_writer *writer;
	const hc_types *types;
	const hc_references *references;
	const hc_ownership *ownership;
	const hc_row_lookup *lookup;
	const hc_core *core;
	char **labels; /* by row of types, of those that have one */
	bool knows_resident;
};

/* The key in the table of owners; 0: none, as the block is not in use. */
static uint64_t owner_of(const struct block_rows *rows, const hc_block *block, hc_reach reach)
{
	uint32_t count = hc_ownership_row_count(rows->ownership), row = HC_OWNER_NO_ROW;

	if (block->state != HC_BLOCK_IN_USE)
		return 0;
	if (block->label)
		return (uint64_t)count + HC_OWNER_LIBC;
	if (hc_reach_is_lost(reach))
		return (uint64_t)count + HC_OWNER_LOST;
	uint32_t path = hc_types_path_of_block(rows->types, block->number);

	if (path)
		row = hc_ownership_row_of_path(rows->ownership, path);
	return row != HC_OWNER_NO_ROW ? (uint64_t)row + 1 : (uint64_t)count + HC_OWNER_UNKNOWN;
}

static void write_block(const struct block_rows *rows, const hc_block *block)
{
	hc_reach reach = hc_references_reach(rows->references, block->number);
	uint32_t type = hc_row_lookup_find(rows->lookup, block);
	uint64_t owner = owner_of(rows, block, reach), retained = 0;
	bool has_type = type != HC_TYPES_NO_ROW, is_path = owner && owner <= hc_ownership_row_count(rows->ownership),
	     has_retained = hc_ownership_retained_by_block(rows->ownership, block->number, &retained);
	const hc_type_row *row = has_type ? hc_types_row(rows->types, type) : NULL;
	uint64_t resident =
		rows->knows_resident ?
			hc_core_resident(rows->core, block->address, block->address + block->size).resident :
			0;
	const hc_cell cells[] = {
		hc_cell_number(block->address),
		hc_cell_number(block->size),
		hc_cell_number(block->chunk_size),
		hc_cell_text(hc_block_state_name(block->state)),
		hc_cell_if(block->arena != HC_ARENA_NONE, block->arena),
		hc_cell_text(reach ? hc_reach_name(reach) : NULL),
		hc_cell_if(rows->knows_resident, resident),
		hc_cell_if(has_retained, retained),
		hc_cell_if(has_type, (uint64_t)type + 1),
		hc_cell_text(!row	? NULL :
			     row->label ? rows->labels[type] :
					  row->name),
		hc_cell_text(row ? hc_certainty_name(row->certainty) : NULL),
		hc_cell_if(owner, owner),
		hc_cell_text(is_path ? hc_ownership_row(rows->ownership, (uint32_t)owner - 1)->text : NULL),
	};

	rows->writer->write(rows->writer, cells);
}

static char **labels_of(const hc_types *types)
{
	unsigned count = hc_types_row_count(types);
	char **labels = g_new0(char *, count + 1);

	for (unsigned i = 0; i < count; i++)
		labels[i] = hc_word_label(hc_types_row(types, i)->label);
	return labels;
}

bool hc_block_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_types *types = hc_analysis_types(source->analysis);
	const hc_core *core = hc_analysis_core(source->analysis);
	struct block_rows rows = {
		.source = source,
		.writer = writer,
		.types = types,
		.references = hc_analysis_references(source->analysis),
		.ownership = hc_table_source_ownership(source, error),
		.core = core,
		.knows_resident = hc_core_knows_resident(core),
	};
	hc_block_iterator i;
	hc_block block;

	if (!rows.ownership)
		return false;
	rows.lookup = hc_table_source_lookup(source);
	rows.labels = labels_of(types);
	hc_block_iterator_init(&i, hc_analysis_blocks(source->analysis));
	while (hc_block_iterator_next(&i, &block))
		write_block(&rows, &block);
	for (unsigned k = 0; k < hc_types_row_count(types); k++)
		g_free(rows.labels[k]);
	g_free(rows.labels);
	return true;
}

/* ---- pointers ---- */

const hc_export_column hc_pointer_columns[] = {
	{ "from_address", .kind = HC_COLUMN_ADDRESS },
	{ "from_block", .kind = HC_COLUMN_ADDRESS, .of = "blocks" },
	{ "from_root", .kind = HC_COLUMN_NUMBER, .of = "roots" },
	{ "to_address", .kind = HC_COLUMN_ADDRESS },
	{ "to_block", .kind = HC_COLUMN_ADDRESS, .of = "blocks" },
	{ "is_encoded", .kind = HC_COLUMN_FLAG },
	{ 0 },
};

struct pointer_rows {
	hc_row_writer *writer;
	const hc_references *references;
	const hc_blocks *blocks;
	hc_address from;      /* the block whose words are told */
	uint32_t from_number; /* its number */
};

static void write_root_word(struct pointer_rows *rows, const hc_root_word *word, hc_address to, bool is_encoded)
{
	const hc_root *first = hc_references_root(rows->references, 0);
	hc_block target;

	if (!hc_blocks_find(rows->blocks, to, &target) || target.state != HC_BLOCK_IN_USE)
		return;
	const hc_cell cells[] = {
		hc_cell_if(word->address, word->address),
		hc_cell_none(),
		hc_cell_number((uint64_t)(word->root - first) + 1),
		hc_cell_number(to),
		hc_cell_number(target.address),
		hc_cell_number(is_encoded),
	};

	rows->writer->write(rows->writer, cells);
}

static void visit_root_word(void *data, const hc_root_word *word)
{
	write_root_word(data, word, word->value, false);
}

static void visit_encoded_root_word(void *data, const hc_root_word *word, hc_address target)
{
	write_root_word(data, word, target, true);
}

static void write_block_word(
	struct pointer_rows *rows, uint64_t offset, hc_address to, hc_address to_block, bool is_encoded)
{
	const hc_cell cells[] = {
		hc_cell_number(rows->from + offset),
		hc_cell_number(rows->from),
		hc_cell_none(),
		hc_cell_number(to),
		hc_cell_number(to_block),
		hc_cell_number(is_encoded),
	};

	rows->writer->write(rows->writer, cells);
}

static void visit_block_words(void *data, const hc_block_word *words, unsigned count)
{
	struct pointer_rows *rows = data;

	for (unsigned i = 0; i < count; i++) {
		hc_block block;

		if (words[i].from != rows->from_number && hc_blocks_get(rows->blocks, words[i].from, &block)) {
			rows->from_number = words[i].from;
			rows->from = block.address;
		}
		write_block_word(rows, words[i].offset, words[i].value, words[i].block, false);
	}
}

static void visit_encoded(void *data, uint64_t offset, hc_address target)
{
	struct pointer_rows *rows = data;

	write_block_word(rows, offset, target, target, true);
}

/* Encoded pointers of blocks to what no address leads to. */
static void each_encoded(struct pointer_rows *rows)
{
	hc_block_iterator i;
	hc_block block;

	hc_references_each_encoded_root_word(rows->references, visit_encoded_root_word, rows);
	hc_block_iterator_init(&i, rows->blocks);
	while (hc_block_iterator_next(&i, &block)) {
		if (block.state != HC_BLOCK_IN_USE)
			continue;
		rows->from = block.address;
		hc_references_each_encoded(
			rows->references, hc_blocks_start_at(rows->blocks, block.address), true, visit_encoded, rows);
	}
}

bool hc_pointer_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	struct pointer_rows rows = {
		.writer = writer,
		.references = hc_analysis_references(source->analysis),
		.blocks = hc_analysis_blocks(source->analysis),
		.from_number = UINT32_MAX,
	};
	const hc_block_visitor visitor = { .visit = visit_block_words, .data = &rows };

	(void)error;
	hc_references_each_root_word(rows.references, visit_root_word, &rows);
	hc_references_each_block_word(rows.references, 0, hc_blocks_count(rows.blocks), &visitor);
	if (hc_references_get_totals(rows.references)->encoded.blocks)
		each_encoded(&rows);
	return true;
}
