/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sample of the blocks that hang on paths, and of what these have in memory that is not malloc's. Two snapshots of one process that choose by address have the same blocks in their samples, as
 * long as these stay: so a comparison tells what came from what was there before on another path.
 *
 * Large blocks are all in it; of the others, those whose address has a hash that ends in so many zeros that they are not too many.
 */
#include "snapshot/format.h"

#include <string.h>

enum {
	SMALL_MAX = 2048,
	LARGE_MAX = 512,
	LARGE_LEAST = 1 << 16, /* bytes, at first */
	SHIFT_MAX = 48
};

/* The finalizer of splitmix64. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

bool hc_snapshot_is_sampled(const hc_snapshot_block *block, unsigned shift, uint64_t large)
{
	return block->size >= large || !(mix(block->address) & ((UINT64_C(1) << shift) - 1));
}

void hc_sampling_begin(hc_sampling *sampling, hc_snapshot *snapshot)
{
	*sampling = (hc_sampling){ .snapshot = snapshot };
	snapshot->sample_large = LARGE_LEAST;
	snapshot->sample_shift = 0;
}

static void count(hc_sampling *sampling, const hc_snapshot_block *block)
{
	(*(block->size >= sampling->snapshot->sample_large ? &sampling->large : &sampling->small))++;
}

/* Of what was chosen so far, what still is. */
static void choose_again(hc_sampling *sampling)
{
	hc_snapshot *snapshot = sampling->snapshot;
	hc_snapshot_block *blocks = (hc_snapshot_block *)(void *)snapshot->sample->data;
	unsigned kept = 0;

	sampling->small = sampling->large = 0;
	for (unsigned i = 0; i < snapshot->sample->len; i++)
		if (hc_snapshot_is_sampled(&blocks[i], snapshot->sample_shift, snapshot->sample_large)) {
			count(sampling, &blocks[i]);
			blocks[kept++] = blocks[i];
		}
	g_array_set_size(snapshot->sample, kept);
}

void hc_sampling_add(hc_sampling *sampling, hc_address address, uint64_t size, uint32_t owner)
{
	hc_snapshot *snapshot = sampling->snapshot;
	hc_snapshot_block block = { address, size, owner };

	if (!hc_snapshot_is_sampled(&block, snapshot->sample_shift, snapshot->sample_large))
		return;
	g_array_append_val(snapshot->sample, block);
	count(sampling, &block);
	while (sampling->small > SMALL_MAX || sampling->large > LARGE_MAX) {
		if (sampling->large > LARGE_MAX)
			snapshot->sample_large *= 2;
		else if (snapshot->sample_shift < SHIFT_MAX)
			snapshot->sample_shift++;
		choose_again(sampling);
	}
}

static int by_address(const void *a, const void *b)
{
	const hc_snapshot_block *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

void hc_sampling_end(hc_sampling *sampling)
{
	g_array_sort(sampling->snapshot->sample, by_address);
}

GVariant *hc_sample_store(const hc_snapshot *snapshot)
{
	GVariantBuilder blocks;

	g_variant_builder_init(&blocks, G_VARIANT_TYPE("a(ttu)"));
	for (unsigned i = 0; i < snapshot->sample->len; i++) {
		const hc_snapshot_block *block = &g_array_index(snapshot->sample, hc_snapshot_block, i);

		g_variant_builder_add(&blocks, "(ttu)", block->address, block->size, block->owner);
	}
	return g_variant_new(SNAPSHOT_SAMPLE, snapshot->sample_shift, snapshot->sample_large, &blocks);
}

bool hc_sample_load(hc_snapshot *snapshot, GVariant *section)
{
	g_autoptr(GVariantIter) blocks = NULL;
	hc_snapshot_block block;
	hc_address next = 0;

	g_variant_get(section, SNAPSHOT_SAMPLE, &snapshot->sample_shift, &snapshot->sample_large, &blocks);
	if (snapshot->sample_shift > SHIFT_MAX || g_variant_iter_n_children(blocks) > SMALL_MAX + LARGE_MAX)
		return false;
	while (g_variant_iter_next(blocks, "(ttu)", &block.address, &block.size, &block.owner)) {
		if (block.address < next || block.size > SNAPSHOT_BYTES_MAX || block.owner >= snapshot->owners->len ||
			!hc_snapshot_is_sampled(&block, snapshot->sample_shift, snapshot->sample_large) ||
			__builtin_add_overflow(block.address, MAX(block.size, 1), &next))
			return false;
		g_array_append_val(snapshot->sample, block);
	}
	return true;
}
