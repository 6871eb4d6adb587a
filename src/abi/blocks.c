/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which blocks are of a class that has two layouts, and which of these malloc gave for which.
 *
 * A type tells that a block is of the class, by whichever definition. malloc rounds what is asked for: where both sizes end in one and the same
 * nothing is told. A block that is too small for the larger layout was made for the other one: whoever knows the larger one reads and
 * writes behind its end. What stands damaged there is told by check/, with the block in front of it.
 */
#include "abi/abi_state.h"

enum {
	DOUBTFUL_LEAST = 16 /* blocks */
};

/* The differences of a type, by their indices in the list. */
static GHashTable *differences_by_type(const hc_abi *abi)
{
	GHashTable *by_type = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);

	for (unsigned i = 0; i < abi->differences->len; i++) {
		const hc_abi_difference *difference = &g_array_index(abi->differences, hc_abi_difference, i);

		for (unsigned side = 0; side < 2 && hc_abi_is_class(difference); side++) {
			gpointer type = (gpointer)difference->sides[side].type;
			GArray *list;

			if (!type)
				continue;
			list = g_hash_table_lookup(by_type, type);
			if (!list) {
				list = g_array_new(FALSE, FALSE, sizeof(unsigned));
				g_hash_table_insert(by_type, type, list);
			}
			g_array_append_val(list, i);
		}
	}
	return by_type;
}

static const GArray *differences_of(const hc_abi *abi, GHashTable *by_type, const hc_block *block)
{
	hc_block_object object;

	if (!hc_types_object_of_block(abi->input.types, block, &object))
		return g_hash_table_lookup(by_type, hc_types_cut_class(abi->input.types, block));
	return object.address == block->address && object.count == 1 ? g_hash_table_lookup(by_type, object.type) : NULL;
}

uint64_t hc_abi_usable(const hc_abi *abi, uint64_t size)
{
	return hc_least_usable(size, abi->input.blocks->word, abi->input.blocks->alignment);
}

/* What is too little to be a block of its own malloc gives away with the one before it: so the larger size may have been given for the smaller one. */
static bool is_doubtful(const hc_abi *abi, const hc_abi_difference *difference, const hc_block *block)
{
	uint64_t smaller = hc_abi_usable(abi, difference->sides[1].size);

	return smaller < hc_abi_usable(abi, difference->sides[0].size) &&
	       block->size == smaller + abi->input.blocks->alignment;
}

/* The side that BLOCK's size fits alone; -1: both, or none. */
static int side_of(const hc_abi *abi, const hc_abi_difference *difference, const hc_block *block)
{
	uint64_t larger = hc_abi_usable(abi, difference->sides[0].size),
		 smaller = hc_abi_usable(abi, difference->sides[1].size), more = abi->input.blocks->alignment;

	if (larger == smaller)
		return -1;
	if (block->size < larger)
		return block->size == smaller || block->size == smaller + more ? 1 : -1;
	return !is_doubtful(abi, difference, block) && block->size <= larger + more ? 0 : -1;
}

static void count_damage(hc_abi *abi, GHashTable *by_type)
{
	g_autoptr(hc_check) check = hc_check_create(abi->input.core, abi->input.blocks);

	for (unsigned i = 0; i < hc_check_count(check); i++) {
		const hc_damage_place *place = hc_check_get(check, i);
		const GArray *list = place->has_before && !place->damage.in_operation ?
					     differences_of(abi, by_type, &place->before) :
					     NULL;

		for (unsigned k = 0; list && k < list->len; k++) {
			hc_abi_difference *difference =
				&g_array_index(abi->differences, hc_abi_difference, g_array_index(list, unsigned, k));

			difference->overrun += side_of(abi, difference, &place->before) == 1;
		}
	}
}

void hc_abi_each_object(hc_abi *abi, hc_abi_visit_object visit, void *data)
{
	g_autoptr(GHashTable) by_type = differences_by_type(abi);
	hc_block_iterator iterator;
	hc_block block;

	if (!g_hash_table_size(by_type))
		return;
	hc_block_iterator_init(&iterator, abi->input.blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		const GArray *list =
			block.state == HC_BLOCK_IN_USE && !block.label ? differences_of(abi, by_type, &block) : NULL;

		for (unsigned i = 0; list && i < list->len; i++) {
			unsigned index = g_array_index(list, unsigned, i);

			visit(abi, index, &block,
				side_of(abi, &g_array_index(abi->differences, hc_abi_difference, index), &block), data);
		}
	}
}

static void count_object(hc_abi *abi, unsigned index, const hc_block *block, int side, void *data)
{
	hc_abi_difference *difference = &g_array_index(abi->differences, hc_abi_difference, index);
	hc_amount *doubtful = data;

	hc_amount_count(&difference->objects, block->size);
	if (side >= 0)
		hc_amount_count(&difference->sides[side].fits, block->size);
	else if (is_doubtful(abi, difference, block))
		hc_amount_count(&doubtful[index], block->size);
}

void hc_abi_count_blocks(hc_abi *abi)
{
	g_autoptr(GHashTable) by_type = differences_by_type(abi);
	g_autofree hc_amount *doubtful = g_new0(hc_amount, abi->differences->len);
	bool has_small = false;

	hc_abi_each_object(abi, count_object, doubtful);
	for (unsigned i = 0; i < abi->differences->len; i++) {
		hc_abi_difference *difference = &g_array_index(abi->differences, hc_abi_difference, i);

		/* Of many blocks that were made for the smaller one, some would have its usual size. */
		if (!difference->sides[1].fits.blocks && doubtful[i].blocks >= DOUBTFUL_LEAST) {
			difference->sides[0].fits.blocks += doubtful[i].blocks;
			difference->sides[0].fits.bytes += doubtful[i].bytes;
		}
		has_small |= difference->sides[1].fits.blocks != 0;
	}
	if (has_small)
		count_damage(abi, by_type);
}
