/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking the index: by number, by address, in order; and the totals. */
#include "blocks/blocks.h"

#include "base/partition.h"

enum {
	NEAR_GROUPS = 8 /* that are looked at one after the other, when blocks are skipped */
};

static const char *const state_names[HC_BLOCK_STATE_COUNT] = {
	[HC_BLOCK_IN_USE] = "in use",
	[HC_BLOCK_TCACHE] = "tcache",
	[HC_BLOCK_FASTBIN] = "fastbin",
	[HC_BLOCK_UNSORTED] = "unsorted",
	[HC_BLOCK_SMALL] = "small",
	[HC_BLOCK_LARGE] = "large",
	[HC_BLOCK_TOP] = "top",
	[HC_BLOCK_UNLISTED] = "unlisted",
	[HC_BLOCK_FENCEPOST] = "fencepost",
	[HC_BLOCK_FOREIGN] = "foreign",
	[HC_BLOCK_UNREADABLE] = "unreadable",
};

const char *hc_block_state_name(hc_block_state state)
{
	return (unsigned)state < HC_BLOCK_STATE_COUNT ? state_names[state] : "unknown";
}

bool hc_block_state_parse(const char *text, hc_block_state *ret_state)
{
	g_autofree char *plain = g_strdelimit(g_ascii_strdown(text, -1), "-_", ' ');

	for (unsigned i = 0; i < HC_BLOCK_STATE_COUNT; i++)
		if (!strcmp(plain, state_names[i])) {
			*ret_state = i;
			return true;
		}
	return false;
}

const hc_heap_info *hc_blocks_heap(const hc_blocks *blocks)
{
	return &blocks->heap.info;
}

unsigned hc_blocks_arena_count(const hc_blocks *blocks)
{
	return blocks->heap.arenas->len;
}

const hc_arena *hc_blocks_arena(const hc_blocks *blocks, unsigned index)
{
	return index < blocks->heap.arenas->len ? &g_array_index(blocks->heap.arenas, hc_arena, index) : NULL;
}

uint32_t hc_blocks_count(const hc_blocks *blocks)
{
	return blocks->count;
}

uint64_t hc_blocks_usable_size(const hc_blocks *blocks, const hc_block_region *region, hc_address address)
{
	hc_word_format format = hc_core_word_format(blocks->core);
	uint64_t header;

	if (region->region.is_mmapped)
		return region->region.block_size;
	if (region->bytes && address - blocks->word - region->start < region->end - region->start)
		header = hc_load_word(region->bytes + (address - blocks->word - region->start), format);
	else if (!hc_core_read_word(blocks->core, address - blocks->word, &header))
		return 0;
	header &= ~(uint64_t)7;
	return header > blocks->word ? header - blocks->word : 0;
}

const hc_block_region *hc_blocks_region_of_start(const hc_blocks *blocks, uint64_t start)
{
	uint32_t after =
		HC_PARTITION_POINT(middle, 1, blocks->region_count, blocks->regions[middle].first_granule <= start);

	return &blocks->regions[after - 1];
}

/* The granule at which block NUMBER starts, which is in GROUP. */
static uint64_t start_in_group(const hc_blocks *blocks, uint64_t group, uint32_t number)
{
	uint32_t left = number - blocks->rank[group];
	uint64_t word = group * HC_GROUP_WORDS, last = word + HC_GROUP_WORDS - 1;

	while (word < last && hc_blocks_word_rank(blocks, word + 1) <= left)
		word++;
	uint64_t bits = blocks->starts[word];

	for (left -= hc_blocks_word_rank(blocks, word); left; left--)
		bits &= bits - 1;
	return word * 64 + __builtin_ctzll(bits);
}

/* The group in which block NUMBER starts: at or behind LOW. */
static uint64_t group_of(const hc_blocks *blocks, uint64_t low, uint32_t number)
{
	uint64_t groups = blocks->granule_count / HC_GROUP_GRANULES;

	return HC_PARTITION_POINT(middle, low + 1, groups, blocks->rank[middle] <= number) - 1;
}

uint64_t hc_blocks_start_of_number(const hc_blocks *blocks, uint32_t number)
{
	return start_in_group(blocks, group_of(blocks, 0, number), number);
}

uint32_t hc_blocks_next_unused(const hc_blocks *blocks, uint32_t number)
{
	enum {
		AT_ONCE = sizeof(uint64_t)
	};

	G_STATIC_ASSERT(HC_BLOCK_IN_USE == 0);
	/* Several at once while they are all in use. */
	while (blocks->count - number >= AT_ONCE && !hc_load_u64(blocks->states + number, false))
		number += AT_ONCE;
	while (number < blocks->count && blocks->states[number] == HC_BLOCK_IN_USE)
		number++;
	return number;
}

static const hc_label *label_of(const hc_blocks *blocks, uint32_t number)
{
	if (!hc_blocks_is_labelled(blocks, number))
		return NULL;
	return g_hash_table_lookup(blocks->labels, GUINT_TO_POINTER(number));
}

/*
 * Describes the block NUMBER that starts at granule START of REGION. NEXT is where the next block starts, or beyond the
 * region: the distance is the chunk's size, so its header is not read; only the last chunk's is.
 */
static void fill_block(const hc_blocks *blocks, const hc_block_region *region, uint64_t start, uint64_t next,
	uint32_t number, hc_block *block)
{
	block->number = number;
	block->state = blocks->states[number];
	block->address = hc_blocks_address(blocks, region, start);
	block->arena = region->region.arena;
	block->label = label_of(blocks, number);
	if (region->region.is_mmapped) {
		block->size = region->region.block_size;
		block->chunk_size = region->region.outer_end - region->region.outer_start;
		return;
	}
	unsigned header = block->state < HC_BLOCK_FENCEPOST ? blocks->word : 2 * blocks->word;

	if (next < region->first_granule + region->granules) {
		block->chunk_size = (next - start) << blocks->granule_shift;
	} else {
		/* The last one: the top chunk, or what the walk made of a damaged end; never more than the region has. */
		uint64_t room = region->end - (block->address - 2 * blocks->word);
		uint64_t usable = block->state < HC_BLOCK_FENCEPOST ?
					  hc_blocks_usable_size(blocks, region, block->address) :
					  room;

		block->chunk_size = MIN(usable + blocks->word, room);
	}
	block->size = block->chunk_size - MIN(block->chunk_size, header);
}

bool hc_blocks_get(const hc_blocks *blocks, uint32_t number, hc_block *ret_block)
{
	if (number >= blocks->count)
		return false;
	uint64_t start = hc_blocks_start_of_number(blocks, number);

	fill_block(blocks, hc_blocks_region_of_start(blocks, start), start, hc_blocks_next_start(blocks, start + 1),
		number, ret_block);
	return true;
}

bool hc_blocks_find(const hc_blocks *blocks, hc_address address, hc_block *ret_block)
{
	const hc_block_region *region = blocks->region_count ? hc_blocks_region(blocks, address) : NULL;

	if (!region)
		return false;
	uint64_t start = hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, address), address);

	if (start == UINT64_MAX)
		return false;
	fill_block(blocks, region, start, hc_blocks_next_start(blocks, start + 1), hc_blocks_number(blocks, start),
		ret_block);
	return address - ret_block->address < ret_block->size;
}

void hc_block_iterator_init(hc_block_iterator *iterator, const hc_blocks *blocks)
{
	*iterator = (hc_block_iterator){ .blocks = blocks };
}

void hc_block_iterator_skip_to(hc_block_iterator *iterator, uint32_t number)
{
	const hc_blocks *blocks = iterator->blocks;
	uint64_t group = iterator->granule / HC_GROUP_GRANULES, near = group + NEAR_GROUPS;

	if (number > iterator->number && number < blocks->count) {
		while (group < near && blocks->rank[group + 1] <= number)
			group++;
		if (blocks->rank[group + 1] <= number)
			group = group_of(blocks, group, number);
		iterator->granule = start_in_group(blocks, group, number);
	}
	iterator->number = MAX(iterator->number, number);
}

bool hc_block_iterator_next(hc_block_iterator *iterator, hc_block *ret_block)
{
	const hc_blocks *blocks = iterator->blocks;

	if (iterator->number >= blocks->count)
		return false;
	uint64_t start = iterator->number ? iterator->granule : hc_blocks_next_start(blocks, 0);

	while (start >= blocks->regions[iterator->region].first_granule + blocks->regions[iterator->region].granules)
		iterator->region++;
	iterator->granule = hc_blocks_next_start(blocks, start + 1);
	fill_block(blocks, &blocks->regions[iterator->region], start, iterator->granule, iterator->number, ret_block);
	iterator->number++;
	return true;
}

/* ---- totals ---- */

/* The totals of ARENA: of one, or of all. */
static void arenas_meant(const hc_blocks *blocks, uint32_t arena, unsigned *ret_first, unsigned *ret_last)
{
	unsigned mmapped = blocks->heap.arenas->len;

	*ret_first = arena == HC_ARENA_ALL ? 0 : MIN(arena, mmapped);
	*ret_last = arena == HC_ARENA_ALL ? mmapped : *ret_first;
}

/* Adds one arena's totals to *SUM in the sense of hc_blocks_amount(). */
static void add_amount(const hc_block_totals *totals, hc_block_state state, hc_amount *sum)
{
	sum->blocks += totals->blocks[state];
	sum->bytes += state == HC_BLOCK_IN_USE ? totals->usable_in_use : totals->chunk_bytes[state];
}

hc_amount hc_blocks_amount(const hc_blocks *blocks, uint32_t arena, hc_block_state state)
{
	unsigned first, last;
	hc_amount sum = { 0 };

	arenas_meant(blocks, arena, &first, &last);
	for (unsigned i = first; i <= last; i++)
		add_amount(&blocks->totals[i], state, &sum);
	return sum;
}

hc_amount hc_blocks_labelled(const hc_blocks *blocks, uint32_t arena)
{
	unsigned first, last;
	hc_amount sum = { 0 };

	arenas_meant(blocks, arena, &first, &last);
	for (unsigned i = first; i <= last; i++) {
		hc_amount_add(&sum, blocks->totals[i].labelled);
	}
	return sum;
}

uint64_t hc_blocks_overhead(const hc_blocks *blocks)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < blocks->region_count; i++)
		bytes += blocks->regions[i].region.outer_end - blocks->regions[i].region.outer_start;
	for (unsigned state = 0; state < HC_BLOCK_STATE_COUNT; state++)
		if (state != HC_BLOCK_FENCEPOST)
			bytes -= hc_blocks_amount(blocks, HC_ARENA_ALL, state).bytes;
	return bytes;
}

void hc_blocks_free_pages(const hc_blocks *blocks, uint32_t arena, hc_free_pages *ret_pages)
{
	unsigned first, last;

	*ret_pages = (hc_free_pages){ 0 };
	arenas_meant(blocks, arena, &first, &last);
	for (unsigned i = first; i <= last; i++) {
		const hc_free_pages *pages = &blocks->totals[i].free_pages;

		ret_pages->whole += pages->whole;
		ret_pages->zero += pages->zero;
		ret_pages->trim += pages->trim;
		ret_pages->trim_zero += pages->trim_zero;
		ret_pages->largest = MAX(ret_pages->largest, pages->largest);
	}
}
