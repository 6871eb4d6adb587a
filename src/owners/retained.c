/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What rows and blocks retain, by dominators over the graph of the core's words; and where it accumulates.
 *
 * A row that begins a path is a root of the graph. The rows below are groups of blocks: each row's own ones.
 *
 * Where an owner retains most of what it holds, the tree of dominators tells where that accumulates. Where it does not, as two indexes
 * of the same objects do, each of these objects is below no single block, and the tree says nothing; then the tree of rows is gone down
 * in the same way. It has no single objects: a container is one row, and what is in it is another with many blocks.
 */
#include "owners/ownership.h"

#include "base/error.h"

enum {
	SHARES = 100,	 /* rows with less than one in so many of what is in use do not accumulate */
	MANY_BLOCKS = 16 /* so many below a container are its elements */
};

/* ---- what rows retain ---- */

/* The row that NODE, a block, is counted in. */
static uint32_t row_of_block(const hc_ownership *ownership, uint32_t node)
{
	const hc_blocks *blocks = ownership->blocks;

	if (!ownership->types || node >= blocks->count || blocks->states[node] != HC_BLOCK_IN_USE ||
		hc_blocks_is_labelled(blocks, node))
		return HC_OWNER_NO_ROW;
	return hc_ownership_row_of_path(ownership, hc_types_path_of_block(ownership->types, node));
}

static uint32_t group_of(void *data, uint32_t node)
{
	uint32_t row = row_of_block(data, node);

	return row == HC_OWNER_NO_ROW ? HC_GRAPH_NOBODY : row;
}

static void set_retained(hc_ownership *ownership, const hc_owner_roots *roots, const uint64_t *by_groups)
{
	for (uint32_t i = 0; i < ownership->rows->len; i++) {
		hc_owner_row *row = hc_ownership_row_at(ownership, i);
		bool is_first = row->begins;
		uint32_t root = is_first ? roots->of_row[i] : 0;

		row->has_retained = is_first ? roots->have_words[root] : row->own.blocks > 0;
		if (row->has_retained)
			row->retained = is_first ? hc_dominators_retained(
							   ownership->dominators, ownership->blocks->count + root) :
						   by_groups[i];
	}
}

/* ---- where it accumulates ---- */

static uint64_t least_to_accumulate(const hc_ownership *ownership)
{
	return MAX(hc_ownership_total(ownership).bytes / SHARES, 1);
}

/* Nodes of a list: of one size, or of one place if their type is known. */
static bool are_alike(void *data, uint32_t a, uint32_t b)
{
	const hc_ownership *ownership = data;
	uint32_t row = row_of_block(ownership, a);
	hc_block first, second;

	if (row != HC_OWNER_NO_ROW && row == row_of_block(ownership, b) && hc_ownership_row_at(ownership, row)->type)
		return true;
	return hc_blocks_get(ownership->blocks, a, &first) && hc_blocks_get(ownership->blocks, b, &second) &&
	       first.size == second.size;
}

/* That of the row INDEX, whose root is ROOT. */
static void accumulate(hc_ownership *ownership, const hc_dominator_tree *tree, uint32_t index, uint32_t root)
{
	hc_owner_row *row = hc_ownership_row_at(ownership, index);
	hc_accumulation found =
		hc_dominator_tree_accumulation(tree, ownership->blocks->count + root, are_alike, ownership);
	bool is_block = found.node < ownership->blocks->count;
	hc_block block = { 0 };

	if (is_block)
		hc_blocks_get(ownership->blocks, found.node, &block);
	row->accumulation = (hc_owner_accumulation){
		.is_found = true,
		.row = is_block ? row_of_block(ownership, found.node) : index,
		.block = block.address,
		.size = block.size,
		.bytes = found.retained,
		.below = found.below,
		.is_list = found.is_list,
	};
}

static uint32_t first_of(const hc_ownership *ownership, uint32_t index)
{
	while (index != HC_OWNER_NO_ROW && !hc_ownership_row_at(ownership, index)->begins)
		index = hc_ownership_row_at(ownership, index)->parent;
	return index;
}

/* A block of the owner's that hangs on another owner's path is in no row of it. */
static void accumulate_all(hc_ownership *ownership, const hc_dominator_tree *tree, const hc_owner_roots *roots)
{
	uint64_t least = least_to_accumulate(ownership);

	for (uint32_t i = 0; i < ownership->rows->len; i++) {
		hc_owner_row *row = hc_ownership_row_at(ownership, i);

		if (!row->begins || row->retained < MAX(least, row->holds.bytes / 2))
			continue;
		accumulate(ownership, tree, i, roots->of_row[i]);
		if (first_of(ownership, row->accumulation.row) != i)
			row->accumulation.row = HC_OWNER_NO_ROW;
	}
}

/* Whether one goes on from ROW to CHILD, which is below it and holds most. */
static bool goes_on(const hc_owner_row *row, const hc_owner_row *child, uint64_t half)
{
	return child->holds.bytes > half && !(row->is_container && child->holds.blocks >= MANY_BLOCKS);
}

static uint32_t largest_child(const hc_ownership *ownership, const hc_owner_row *row)
{
	uint32_t largest = row->first_child;

	for (uint32_t i = largest; i != HC_OWNER_NO_ROW; i = hc_ownership_row_at(ownership, i)->next)
		if (hc_ownership_row_at(ownership, i)->holds.bytes >
			hc_ownership_row_at(ownership, largest)->holds.bytes)
			largest = i;
	return largest;
}

static void accumulate_by_holding(hc_ownership *ownership, uint32_t index)
{
	uint64_t half = hc_ownership_row_at(ownership, index)->holds.bytes / 2;
	uint32_t at = index, next;

	while ((next = largest_child(ownership, hc_ownership_row_at(ownership, at))) != HC_OWNER_NO_ROW &&
		goes_on(hc_ownership_row_at(ownership, at), hc_ownership_row_at(ownership, next), half))
		at = next;
	hc_ownership_row_at(ownership, index)->accumulation = (hc_owner_accumulation){
		.is_found = true,
		.row = at,
		.is_by_holding = true,
		.bytes = hc_ownership_row_at(ownership, at)->holds.bytes,
	};
}

void hc_ownership_find_accumulations(hc_ownership *ownership)
{
	uint64_t least = least_to_accumulate(ownership);

	for (uint32_t i = 0; i < ownership->rows->len; i++) {
		const hc_owner_row *row = hc_ownership_row_at(ownership, i);

		if (!row->begins)
			continue;
		if (!row->accumulation.is_found && row->holds.bytes >= least)
			accumulate_by_holding(ownership, i);
		if (row->accumulation.is_found && row->accumulation.row != HC_OWNER_NO_ROW)
			hc_ownership_row_at(ownership, row->accumulation.row)->accumulates = true;
	}
}

/* ---- all of it ---- */

bool hc_ownership_read_dominators(
	hc_ownership *ownership, hc_dominators *dominators, const hc_owner_roots *roots, GError **error)
{
	uint32_t count = ownership->rows->len;
	g_autofree uint64_t *by_groups = g_new0(uint64_t, count + 1);

	ownership->dominators = dominators;
	g_autoptr(hc_dominator_tree) tree = hc_dominator_tree_create(dominators, error);

	if (!tree)
		return false;
	if (!hc_dominator_tree_groups(tree, group_of, ownership, count, by_groups)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for what %u rows retain", count);
		return false;
	}
	set_retained(ownership, roots, by_groups);
	accumulate_all(ownership, tree, roots);
	return true;
}

bool hc_ownership_retained_by_block(const hc_ownership *ownership, uint32_t number, uint64_t *ret_bytes)
{
	if (!ownership->dominators || number >= ownership->blocks->count ||
		hc_dominators_of(ownership->dominators, number) == HC_GRAPH_NOBODY)
		return false;
	*ret_bytes = hc_dominators_retained(ownership->dominators, number);
	return true;
}

bool hc_ownership_dominator(const hc_ownership *ownership, uint32_t number, uint32_t *ret_dominator)
{
	uint32_t dominator = ownership->dominators && number < ownership->blocks->count ?
				     hc_dominators_of(ownership->dominators, number) :
				     HC_GRAPH_NOBODY;

	if (dominator >= ownership->blocks->count)
		return false;
	*ret_dominator = dominator;
	return true;
}
