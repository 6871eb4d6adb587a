/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hash tables without nodes: GHashTable (glib/ghash.c, since 2.64).
 *
 *	size, mod, mask, count, count of slots that are not unused, flags, keys, hashes, values, ...
 *
 * A slot's hash is 0 where it was never used, 1 where what was in it has been removed, 2 or more where it is in use. So both counts are
 * counted again: that they agree is no chance.
 */
#include "shapes/shapes_state.h"

enum {
	SLOTS_LEAST = 8,
	FLAG_BIG_KEYS = 1 << 0,
	FLAG_BIG_VALUES = 1 << 1,
	HASH_BYTES = sizeof(uint32_t)
};

static bool counts_agree(hc_shapes *shapes, hc_address hashes, uint32_t slots, uint32_t in_use, uint32_t not_unused)
{
	uint32_t live = 0, touched = 0;

	for (uint32_t i = 0; i < slots; i++) {
		const uint8_t *bytes = hc_shapes_bytes(shapes, hashes + (uint64_t)i * HASH_BYTES, HASH_BYTES);

		if (!bytes)
			return false;
		uint32_t hash = hc_load_u32(bytes, shapes->format.swap);

		live += hash >= 2;
		touched += hash != 0;
	}
	return live == in_use && touched == not_unused;
}

static bool is_array(hc_shapes *shapes, hc_address address, uint64_t slots, bool is_big)
{
	hc_shape_block block;

	return hc_shapes_block(shapes, address, &block) &&
	       hc_shapes_fits(shapes, &block, slots * (is_big ? shapes->format.size : HASH_BYTES));
}

bool hc_shapes_find_slots(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	uint64_t slots = hc_shape_word(words, -4), flags = hc_shape_word(words, -1) & 3;
	hc_address keys = hc_shape_word(words, 0), hashes = hc_shape_word(words, 1), values = hc_shape_word(words, 2);
	uint32_t mask = (uint32_t)(hc_shape_word(words, -3) >> 32), count = (uint32_t)hc_shape_word(words, -2),
		 touched = (uint32_t)(hc_shape_word(words, -2) >> 32);
	unsigned size = shapes->format.size;

	/* The fields are told apart as they lie in memory of 64-bit words of x86-64, where malloc's heap is read. */
	if (size != 8 || shapes->format.swap || slots < SLOTS_LEAST || (slots & (slots - 1)) || slots > UINT32_MAX ||
		mask != slots - 1 || !count || touched < count || touched > slots ||
		!hc_shapes_may_scan(shapes, slots) || !is_array(shapes, keys, slots, flags & FLAG_BIG_KEYS) ||
		!is_array(shapes, hashes, slots, false) ||
		(values != keys && !is_array(shapes, values, slots, flags & FLAG_BIG_VALUES)))
		return false;
	if (!counts_agree(shapes, hashes, (uint32_t)slots, count, touched))
		return hc_shapes_scanned_in_vain(shapes, slots);
	g_array_append_val(shapes->found, keys);
	if (values != keys)
		g_array_append_val(shapes->found, values);
	shape->kind = HC_SHAPE_SLOTS;
	shape->head = words->at - HC_SHAPE_BEFORE * size;
	shape->end = words->at + 3 * size;
	shape->count = count;
	shape->capacity = slots;
	shape->index[0] = hashes;
	shape->bytes = (uint64_t)count * size * (values == keys ? 1 : 2);
	shape->from = keys;
	return true;
}
