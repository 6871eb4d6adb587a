/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory as the finders read it, and the blocks that they have found for a shape. */
#include "shapes/shapes_state.h"

#include "base/bits.h"

enum {
	VAIN_SHARE = 4, /* so many times the number of blocks may be walked in vain */
	VAIN_LEAST = 1 << 16,
	SHORT = 64,	      /* nodes that are walked once that was too much */
	SCANNED = 16,	      /* words of a table that cost as much as a node */
	MAPPED_MIN = 64 << 10 /* bytes from which on malloc may map a block on its own */
};

/* ---- memory ---- */

const uint8_t *hc_shapes_bytes(hc_shapes *shapes, hc_address address, uint64_t count)
{
	if (address - shapes->view_start >= shapes->view_size ||
		shapes->view_size - (address - shapes->view_start) < count) {
		const hc_mapping *mapping = hc_core_find_mapping(shapes->core, address);
		uint64_t available;

		if (mapping && mapping->bytes) {
			shapes->view = mapping->bytes;
			shapes->view_start = mapping->start;
			shapes->view_size = mapping->end - mapping->start;
		} else if ((shapes->view = hc_core_bytes(shapes->core, address, &available))) {
			shapes->view_start = address;
			shapes->view_size = available;
		} else {
			shapes->view_size = 0;
			return NULL;
		}
		if (shapes->view_size - (address - shapes->view_start) < count)
			return NULL;
	}
	return shapes->view + (address - shapes->view_start);
}

bool hc_shapes_load(hc_shapes *shapes, hc_address address, unsigned count, uint64_t *ret_words)
{
	unsigned size = shapes->format.size;
	const uint8_t *bytes = hc_shapes_bytes(shapes, address, (uint64_t)count * size);

	if (!bytes)
		return false;
	/* Asked for each word that may be an address: nothing is decided in the loop where words are as ours. */
	if (size == sizeof *ret_words && !shapes->format.swap)
		for (unsigned i = 0; i < count; i++)
			ret_words[i] = hc_load_u64(bytes + i * sizeof *ret_words, false);
	else
		for (unsigned i = 0; i < count; i++)
			ret_words[i] = hc_load_word(bytes + i * size, shapes->format);
	return true;
}

/* ---- blocks ---- */

/* Fills in the rest of *BLOCK, whose region and address are known. */
static bool finish_block(hc_shapes *shapes, uint64_t start, hc_shape_block *block)
{
	block->number = hc_blocks_number(shapes->blocks, start);
	if (!shapes->filter(shapes->data, block->number))
		return false;
	block->size = hc_blocks_usable_size(shapes->blocks, block->region, block->address);
	return block->size != 0;
}

bool hc_shapes_block(hc_shapes *shapes, hc_address address, hc_shape_block *ret_block)
{
	const hc_blocks *blocks = shapes->blocks;
	const hc_block_region *region = hc_blocks_may_contain(blocks, address) ? hc_blocks_region(blocks, address) :
										 NULL;

	if (!region)
		return false;
	uint64_t granule = hc_blocks_granule(blocks, region, address);

	if (!hc_bit(blocks->starts, granule) || hc_blocks_address(blocks, region, granule) != address)
		return false;
	*ret_block = (hc_shape_block){ .region = region, .address = address };
	return finish_block(shapes, granule, ret_block);
}

bool hc_shapes_block_around(hc_shapes *shapes, hc_address address, hc_shape_block *ret_block)
{
	const hc_blocks *blocks = shapes->blocks;
	const hc_block_region *region = hc_blocks_may_contain(blocks, address) ? hc_blocks_region(blocks, address) :
										 NULL;
	uint64_t start = region ? hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, address), address) :
				  UINT64_MAX;

	if (start == UINT64_MAX)
		return false;
	*ret_block = (hc_shape_block){ .region = region, .address = hc_blocks_address(blocks, region, start) };
	return finish_block(shapes, start, ret_block) && address - ret_block->address < ret_block->size;
}

bool hc_shapes_fits(const hc_shapes *shapes, const hc_shape_block *block, uint64_t size)
{
	uint64_t alignment = shapes->blocks->alignment, least;

	if (size > block->size)
		return false;
	least = hc_least_usable(size, shapes->format.size, alignment);
	/* What would be left over may be too small for a chunk; and what has mappings of its own ends with a page. */
	return block->size <= least + alignment ||
	       (size >= MAPPED_MIN && block->size - size < hc_core_process(shapes->core)->page_size + 2 * alignment);
}

bool hc_shapes_add_node(hc_shapes *shapes, hc_address address)
{
	hc_shape_block block;

	if (!hc_shapes_block(shapes, address, &block))
		return false;
	if (!shapes->found->len)
		shapes->least = shapes->most = block.size;
	shapes->least = MIN(shapes->least, block.size);
	shapes->most = MAX(shapes->most, block.size);
	/* malloc gives away what would be left over and is too small for a chunk. */
	if (shapes->most - shapes->least > shapes->blocks->alignment)
		return false;
	g_array_append_val(shapes->found, address);
	return true;
}

static bool is_tired(const hc_shapes *shapes)
{
	return shapes->vain > (uint64_t)hc_blocks_count(shapes->blocks) * VAIN_SHARE + VAIN_LEAST;
}

uint64_t hc_shapes_limit(const hc_shapes *shapes)
{
	return is_tired(shapes) ? SHORT : hc_blocks_count(shapes->blocks);
}

bool hc_shapes_may_scan(const hc_shapes *shapes, uint64_t count)
{
	return count <= SHORT * SCANNED || !is_tired(shapes);
}

bool hc_shapes_scanned_in_vain(hc_shapes *shapes, uint64_t count)
{
	shapes->vain += count / SCANNED;
	return false;
}
