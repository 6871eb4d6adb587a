/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The map of the heap. Each heap of an arena is a row of cells, one size for all of them, chosen such that they are few whatever the heap
 * is; a cell has bytes by what is in them: chunks, split where a cell ends, headers and all. What is left of a cell is no chunk's.
 *
 * Pinned bytes are those of runs that few blocks keep (pins.h), pinning ones those of the chunks in the islands that do. Both are counted
 * a second time.
 *
 * Three passes in order of address: all blocks; those that are lost, taken from the program's; the runs and islands. Each takes a few
 * operations a block and a cell.
 */
#include "reports/page.h"

#include "blocks/blocks.h"
#include "reports/parts.h"

#include <stdlib.h>
#include <string.h>

enum {
	CELLS = 2048,  /* about; a region has at least one */
	REGIONS = 512, /* the largest are shown */
	LEAST_CELL = 4096,
};

typedef enum {
	CONTENT_PROGRAM,
	CONTENT_LOST,
	CONTENT_LIBC,
	CONTENT_CACHED, /* freed, in a thread's cache or a fastbin */
	CONTENT_FREE,
	CONTENT_TOP,
	CONTENT_OTHER, /* no chunk: padding, fenceposts, foreign memory, what could not be read */
	CONTENT_PINNED,
	CONTENT_PINNING,
	CONTENT_COUNT
} content;

static const char *const content_names[CONTENT_COUNT] = {
	[CONTENT_PROGRAM] = "program",
	[CONTENT_LOST] = "lost",
	[CONTENT_LIBC] = "libc",
	[CONTENT_CACHED] = "cached",
	[CONTENT_FREE] = "free",
	[CONTENT_TOP] = "top",
	[CONTENT_OTHER] = "other",
	[CONTENT_PINNED] = "pinned",
	[CONTENT_PINNING] = "pinning",
};

struct cell {
	uint64_t bytes[CONTENT_COUNT];
};

struct map {
	const hc_blocks *blocks;
	uint64_t cell_size;
	uint32_t *shown;  /* indices of regions, in order of address */
	uint32_t count;	  /* of them */
	uint32_t *firsts; /* of each region of the heap: its first cell; UINT32_MAX: it is not shown */
	struct cell *cells;
	uint32_t cell_count;
};

static uint64_t length_of(const hc_block_region *region)
{
	return region->region.end > region->region.start ? region->region.end - region->region.start : 0;
}

static uint32_t cells_of(const struct map *map, const hc_block_region *region)
{
	return (uint32_t)((length_of(region) + map->cell_size - 1) / map->cell_size);
}

/* ---- which regions ---- */

static int compare_lengths(const void *first, const void *second, void *data)
{
	const hc_blocks *blocks = data;
	uint32_t a = *(const uint32_t *)first, b = *(const uint32_t *)second;
	uint64_t length_a = length_of(&blocks->regions[a]), length_b = length_of(&blocks->regions[b]);

	if (length_a != length_b)
		return length_a > length_b ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int compare_numbers(const void *first, const void *second)
{
	uint32_t a = *(const uint32_t *)first, b = *(const uint32_t *)second;

	return a < b ? -1 : a > b;
}

static uint64_t cells_for(const struct map *map)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < map->count; i++)
		count += cells_of(map, &map->blocks->regions[map->shown[i]]);
	return count;
}

static void choose_regions(struct map *map, uint64_t *ret_left_out, uint64_t *ret_bytes)
{
	const hc_blocks *blocks = map->blocks;
	uint32_t found = 0;

	map->shown = g_new(uint32_t, blocks->region_count + 1);
	for (uint32_t i = 0; i < blocks->region_count; i++) {
		if (!blocks->regions[i].region.is_mmapped && length_of(&blocks->regions[i]))
			map->shown[found++] = i;
	}
	g_qsort_with_data(map->shown, (int)found, sizeof *map->shown, compare_lengths, (void *)blocks);
	map->count = MIN(found, REGIONS);
	*ret_left_out = found - map->count;
	*ret_bytes = 0;
	for (uint32_t i = map->count; i < found; i++)
		*ret_bytes += length_of(&blocks->regions[map->shown[i]]);
	qsort(map->shown, map->count, sizeof *map->shown, compare_numbers);
}

static void make_cells(struct map *map)
{
	uint32_t count = 0;

	map->cell_size = LEAST_CELL;
	while (map->cell_size < G_MAXUINT64 / 4 && cells_for(map) > CELLS + map->count)
		map->cell_size *= 2;
	map->firsts = g_new(uint32_t, map->blocks->region_count + 1);
	memset(map->firsts, 0xff, (map->blocks->region_count + 1) * sizeof *map->firsts);
	for (uint32_t i = 0; i < map->count; i++) {
		map->firsts[map->shown[i]] = count;
		count += cells_of(map, &map->blocks->regions[map->shown[i]]);
	}
	map->cell_count = count;
	map->cells = g_new0(struct cell, count + 1);
}

/* ---- what is in them ---- */

/* Bytes [START, END), as far as they are in REGION: WHAT gets them, TAKEN_FROM (if it is another) loses them. */
static void add(struct map *map, uint32_t region, hc_address start, hc_address end, content what, content taken_from)
{
	const hc_region *bounds = &map->blocks->regions[region].region;

	if (map->firsts[region] == UINT32_MAX)
		return;
	start = MAX(start, bounds->start);
	end = MIN(end, bounds->end);
	while (start < end) {
		uint64_t index = (start - bounds->start) / map->cell_size;
		uint64_t left = map->cell_size - (start - bounds->start) % map->cell_size,
			 part = MIN(left, end - start);
		struct cell *cell = &map->cells[map->firsts[region] + index];

		cell->bytes[what] += part;
		if (what != taken_from)
			cell->bytes[taken_from] -= MIN(part, cell->bytes[taken_from]);
		start += part;
	}
}

static content content_of(const hc_block *block)
{
	switch (block->state) {
	case HC_BLOCK_IN_USE:
		return block->label ? CONTENT_LIBC : CONTENT_PROGRAM;
	case HC_BLOCK_TCACHE:
	case HC_BLOCK_FASTBIN:
		return CONTENT_CACHED;
	case HC_BLOCK_UNSORTED:
	case HC_BLOCK_SMALL:
	case HC_BLOCK_LARGE:
	case HC_BLOCK_UNLISTED:
		return CONTENT_FREE;
	case HC_BLOCK_TOP:
		return CONTENT_TOP;
	default:
		return CONTENT_OTHER;
	}
}

static void add_block(struct map *map, uint32_t region, const hc_block *block, content what, content taken_from)
{
	hc_address start = block->address - 2 * map->blocks->word;
	uint64_t size = MIN(block->chunk_size, G_MAXUINT64 - start);

	add(map, region, start, start + size, what, taken_from);
}

static void add_blocks(struct map *map)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, map->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		content what = content_of(&block);

		if (what != CONTENT_OTHER) /* computed */
			add_block(map, iterator.region, &block, what, what);
	}
}

static void add_lost(struct map *map, const hc_references *references)
{
	hc_block block;
	hc_reach reach;
	uint32_t number = 0;

	while (references && hc_references_next_lost(references, &number, &block, &reach)) {
		const hc_block_region *region = hc_blocks_region(map->blocks, block.address);

		if (region && hc_reach_is_lost(reach))
			add_block(
				map, (uint32_t)(region - map->blocks->regions), &block, CONTENT_LOST, CONTENT_PROGRAM);
	}
}

static void add_others(struct map *map)
{
	for (uint32_t i = 0; i < map->count; i++) {
		const hc_block_region *region = &map->blocks->regions[map->shown[i]];

		for (uint32_t k = 0; k < cells_of(map, region); k++) {
			struct cell *cell = &map->cells[map->firsts[map->shown[i]] + k];
			uint64_t length = MIN(map->cell_size, length_of(region) - k * map->cell_size), known = 0;

			for (content what = CONTENT_PROGRAM; what < CONTENT_OTHER; what++)
				known += cell->bytes[what];
			cell->bytes[CONTENT_OTHER] = length - MIN(known, length);
		}
	}
}

/* From the chunk at START to END, or to the end of its heap: an island of a thread's arena may go on in another one. */
static void add_range(struct map *map, hc_address start, hc_address end, content what)
{
	const hc_block_region *region = hc_blocks_region(map->blocks, start + 2 * map->blocks->word);

	if (region && start != end)
		add(map, (uint32_t)(region - map->blocks->regions), start,
			end > start && end <= region->region.end ? end : region->region.end, what, what);
}

static void add_pins(struct map *map, const hc_pins *pins)
{
	for (unsigned i = 0; i < MIN(hc_pins_run_count(pins), (unsigned)CELLS); i++) {
		const hc_pin_run *run = hc_pins_run(pins, i);

		if (!run->pinned)
			continue;
		add_range(map, run->start, run->start + run->bytes, CONTENT_PINNED);
		add_range(map, run->above.start, run->above.end, CONTENT_PINNING);
	}
}

/* ---- JSON ---- */

static json_t *cells_json(const struct map *map, uint32_t index)
{
	const hc_block_region *region = &map->blocks->regions[index];
	json_t *cells = json_array();

	for (uint32_t i = 0; i < cells_of(map, region); i++) {
		const struct cell *cell = &map->cells[map->firsts[index] + i];
		json_t *bytes = json_array();

		for (unsigned k = 0; k < CONTENT_COUNT; k++)
			json_array_append_new(bytes, hc_json_number(cell->bytes[k]));
		json_array_append_new(cells, bytes);
	}
	return cells;
}

static json_t *regions_json(const struct map *map)
{
	json_t *regions = json_array();

	for (uint32_t i = 0; i < map->count; i++) {
		const hc_region *region = &map->blocks->regions[map->shown[i]].region;
		json_t *object = json_object();

		hc_json_set(object, "arena", hc_json_number(region->arena));
		hc_json_set(object, "start", hc_json_address(region->start));
		hc_json_set(object, "end", hc_json_address(region->end));
		hc_json_set(object, "size", hc_json_number(region->end - region->start));
		hc_json_set(object, "cells", cells_json(map, map->shown[i]));
		json_array_append_new(regions, object);
	}
	return regions;
}

static json_t *map_json(const struct map *map, uint64_t left_out, uint64_t left_out_bytes)
{
	json_t *object = json_object(), *contents = json_array(), *out = json_object();
	hc_amount mmapped = hc_blocks_amount(map->blocks, HC_ARENA_NONE, HC_BLOCK_IN_USE);

	for (unsigned i = 0; i < CONTENT_COUNT; i++)
		json_array_append_new(contents, json_string(content_names[i]));
	hc_json_set(out, "regions", hc_json_number(left_out));
	hc_json_set(out, "bytes", hc_json_number(left_out_bytes));
	hc_json_set(object, "cell_bytes", hc_json_number(map->cell_size));
	hc_json_set(object, "contents", contents);
	hc_json_set(object, "regions", regions_json(map));
	hc_json_set(object, "left_out", out);
	hc_json_set(object, "mmapped", hc_json_amount(mmapped));
	return object;
}

json_t *hc_page_map(const hc_analysis *analysis, const hc_pins *pins)
{
	struct map map = { .blocks = hc_analysis_blocks(analysis) };
	uint64_t left_out, left_out_bytes;
	json_t *json;

	if (!hc_blocks_heap(map.blocks)->found)
		return NULL;
	choose_regions(&map, &left_out, &left_out_bytes);
	make_cells(&map);
	add_blocks(&map);
	add_lost(&map, hc_analysis_references(analysis));
	add_others(&map);
	add_pins(&map, pins);
	json = map_json(&map, left_out, left_out_bytes);
	g_free(map.shown);
	g_free(map.firsts);
	g_free(map.cells);
	return json;
}
