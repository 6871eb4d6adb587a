/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an allocator's classify() works on: the index, writable. hc_block_table is hc_blocks by another name. */
#include "blocks/blocks.h"

static hc_blocks *writable(hc_block_table *table)
{
	return (hc_blocks *)table;
}

static const hc_blocks *readable(const hc_block_table *table)
{
	return (const hc_blocks *)table;
}

static const uint8_t *contents(const hc_block_region *region, hc_address address)
{
	return region->bytes ? region->bytes + (address - region->start) : NULL;
}

static bool fill_entry(const hc_blocks *blocks, hc_address address, bool exact, hc_block_entry *entry)
{
	hc_block block;

	if (!hc_blocks_find(blocks, address, &block) || block.state >= HC_BLOCK_FENCEPOST ||
		(exact && block.address != address))
		return false;
	entry->region = hc_blocks_region(blocks, address) - blocks->regions;
	entry->index = block.number - blocks->regions[entry->region].first_block;
	entry->arena = block.arena;
	entry->state = block.state;
	entry->address = block.address;
	entry->chunk_size = block.chunk_size;
	entry->size = block.size;
	entry->bytes = contents(&blocks->regions[entry->region], block.address);
	return true;
}

bool hc_block_table_find(const hc_block_table *table, hc_address address, hc_block_entry *ret_entry)
{
	return fill_entry(readable(table), address, true, ret_entry);
}

bool hc_block_table_find_inside(const hc_block_table *table, hc_address address, hc_block_entry *ret_entry)
{
	return fill_entry(readable(table), address, false, ret_entry);
}

static uint32_t number_of(const hc_blocks *blocks, const hc_block_entry *entry)
{
	return blocks->regions[entry->region].first_block + entry->index;
}

void hc_block_table_set_state(hc_block_table *table, hc_block_entry *entry, hc_block_state state)
{
	hc_blocks *blocks = writable(table);
	hc_block_totals *totals = hc_blocks_totals_of(blocks, entry->arena);

	blocks->states[number_of(blocks, entry)] = state;
	totals->blocks[entry->state]--;
	totals->chunk_bytes[entry->state] -= entry->chunk_size;
	totals->blocks[state]++;
	totals->chunk_bytes[state] += entry->chunk_size;
	if (entry->state == HC_BLOCK_IN_USE)
		totals->usable_in_use -= entry->size;
	if (state == HC_BLOCK_IN_USE)
		totals->usable_in_use += entry->size;
	entry->state = state;
}

unsigned hc_label_hash(const void *data)
{
	const hc_label *label = data;
	gint64 thread = label->thread;

	return g_int64_hash(&thread) * HC_LABEL_KIND_COUNT + label->kind;
}

int hc_label_equal(const void *a, const void *b)
{
	const hc_label *x = a, *y = b;

	return x->kind == y->kind && x->thread == y->thread;
}

/* The one object that is equal to LABEL. */
static hc_label *intern_label(hc_blocks *blocks, hc_label label)
{
	hc_label *known = g_hash_table_lookup(blocks->kinds_of_labels, &label);

	if (!known) {
		known = g_memdup2(&label, sizeof label);
		g_hash_table_add(blocks->kinds_of_labels, known);
	}
	return known;
}

void hc_block_table_label(hc_block_table *table, const hc_block_entry *entry, hc_label label)
{
	hc_blocks *blocks = writable(table);
	hc_block_totals *totals = hc_blocks_totals_of(blocks, entry->arena);

	if (entry->state != HC_BLOCK_IN_USE || hc_block_table_is_labelled(table, entry))
		return;
	uint32_t number = number_of(blocks, entry);

	g_hash_table_insert(blocks->labels, GUINT_TO_POINTER(number), intern_label(blocks, label));
	hc_set_bit(blocks->labelled, number);
	hc_amount_count(&totals->labelled, entry->size);
}

bool hc_block_table_is_labelled(const hc_block_table *table, const hc_block_entry *entry)
{
	const hc_blocks *blocks = readable(table);

	return hc_blocks_is_labelled(blocks, number_of(blocks, entry));
}

hc_amount hc_block_table_amount(const hc_block_table *table, uint32_t arena, hc_block_state state)
{
	const hc_block_totals *totals = hc_blocks_totals_of(readable(table), arena);

	return (hc_amount){ totals->blocks[state], totals->chunk_bytes[state] };
}

bool hc_block_table_is_complete(const hc_block_table *table, uint32_t arena)
{
	return hc_blocks_totals_of(readable(table), arena)->complete;
}

/* The blocks of one region, for hc_block_table_each(). FALSE if VISIT ended it. */
static bool each_in_region(const hc_blocks *blocks, uint32_t region_index, hc_block_state state, uint64_t minimum_size,
	uint64_t maximum_size, bool (*visit)(const hc_block_entry *entry, void *data), void *data)
{
	const hc_block_region *region = &blocks->regions[region_index];
	hc_block_entry entry = { .region = region_index, .arena = region->region.arena, .state = state };
	hc_start_cursor cursor = hc_start_cursor_at(blocks, region->first_granule);
	uint64_t next = hc_start_cursor_next(&cursor);

	for (uint32_t i = 0; i < region->block_count; i++) {
		uint64_t start = next;

		next = hc_start_cursor_next(&cursor);
		/* The distance to the next start is the chunk's size, but for the last block: the others' headers need not be read. */
		uint64_t distance = (next - start) << blocks->granule_shift;

		if (blocks->states[region->first_block + i] != state || distance < minimum_size ||
			(i + 1 < region->block_count && distance - blocks->word > maximum_size))
			continue;
		entry.index = i;
		entry.address = hc_blocks_address(blocks, region, start);
		entry.size = i + 1 < region->block_count ? distance - blocks->word :
							   hc_blocks_usable_size(blocks, region, entry.address);
		entry.chunk_size = region->region.is_mmapped ? region->region.outer_end - region->region.outer_start :
							       entry.size + blocks->word;
		entry.bytes = contents(region, entry.address);
		if (entry.size >= minimum_size && entry.size <= maximum_size && !visit(&entry, data))
			return false;
	}
	return true;
}

void hc_block_table_each(const hc_block_table *table, hc_block_state state, uint64_t minimum_size,
	uint64_t maximum_size, bool (*visit)(const hc_block_entry *entry, void *data), void *data)
{
	const hc_blocks *blocks = readable(table);

	for (uint32_t i = 0; i < blocks->region_count; i++)
		if (hc_blocks_totals_of(blocks, blocks->regions[i].region.arena)->blocks[state] &&
			!each_in_region(blocks, i, state, minimum_size, maximum_size, visit, data))
			return;
}
