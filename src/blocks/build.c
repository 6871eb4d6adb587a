/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Building the index: open the allocator, lay out the bitmaps, walk the regions, number the blocks, classify. */
#include "base/pages.h"
#include "base/parallel.h"
#include "blocks/blocks.h"

#include <inttypes.h>

enum {
	CELLS_MAX = 1 << 18,
	CELL_SHIFT_MIN = 16
};

/* Of the heap's memory that the core lacks, so much is indexed: the index is a hundredth of it, and the core a bound for the index. */
enum {
	HOLES_MIN = 1 << 30,
	HOLES_PER_BYTE = 64
};

/* A region is walked in parts if it has some of so many bytes; shorter ones save less than two threads take to start. */
enum {
	PART_MIN = 4 << 20,
	PARTS_A_WORKER = 4
};

/* In marking alone, 2 MiB in large pages save so many nanoseconds of a processor. */
enum {
	COPY_DEAR = 1500000
};

static const hc_diagnostic_kind regions_overlap = {
	"heap-regions-overlap",
	HC_SEVERITY_HEAP_PARTIAL,
	"of the heap are claimed twice by the allocator's own structures and were left out once",
};

static const hc_diagnostic_kind foreign_allocator = {
	"foreign-allocator",
	HC_SEVERITY_HEAP_PARTIAL,
	"an allocator other than glibc's serves this program: its blocks are not read, and what is said of the heap is only glibc's part",
};

/* ---- regions ---- */

static int compare_regions(const void *a, const void *b)
{
	const hc_region *x = a, *y = b;

	return (x->outer_start > y->outer_start) - (x->outer_start < y->outer_start);
}

/*
 * Where the mapped memory that goes on from ADDRESS without a gap ends; ADDRESS itself if it is not mapped. Looks no further than
 * LIMIT, and not behind a hole of bytes that the core lacks and that is larger than *HOLES, from which holes are taken off.
 */
static hc_address end_of_mapped(const hc_core *core, hc_address address, hc_address limit, uint64_t *holes)
{
	for (unsigned i = hc_core_mapping_after(core, address); address < limit && i < hc_core_mapping_count(core);
		i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);
		uint64_t hole = mapping->bytes ? 0 : MIN(mapping->end, limit) - address;

		if (mapping->start > address || hole > *holes)
			break;
		*holes -= hole;
		address = mapping->end;
	}
	return address;
}

/* A damaged heap_info can claim more than is mapped; a core that was cut off, or a damaged one, can map more than the index can hold. */
static void clip_region(const hc_core *core, hc_region *region, uint64_t *holes)
{
	hc_address end = end_of_mapped(core, region->outer_start, region->outer_end, holes);

	region->outer_end = MIN(region->outer_end, end);
	region->end = MIN(region->end, end);
	if (region->is_mmapped)
		region->block_size = MIN(region->block_size, region->outer_end - MIN(region->outer_end, region->block));
}

/* Sorted and disjoint: a damaged core can describe the same memory twice. */
static void sort_regions(hc_blocks *blocks)
{
	GArray *regions = blocks->heap.regions;
	uint64_t holes = HOLES_MIN + HOLES_PER_BYTE * hc_core_file_size(blocks->core);
	unsigned kept = 0;

	g_array_sort(regions, compare_regions);
	for (unsigned i = 0; i < regions->len; i++) {
		hc_region *region = &g_array_index(regions, hc_region, i);

		hc_address end = region->outer_end;

		clip_region(blocks->core, region, &holes);
		if (region->outer_end < end && region->end > region->start &&
			hc_core_find_mapping(blocks->core, region->outer_end))
			hc_diagnostics_add(blocks->diagnostics, &hc_heap_unreadable, end - region->outer_end,
				"%#" PRIx64 " to %#" PRIx64 ": %s", region->outer_end, end,
				hc_core_why_missing(blocks->core, region->outer_end));
		if (region->end <= region->start || region->start < region->outer_start ||
			region->end > region->outer_end ||
			(kept && region->outer_start < g_array_index(regions, hc_region, kept - 1).outer_end)) {
			hc_diagnostics_add(blocks->diagnostics, &regions_overlap,
				region->outer_end - region->outer_start, "%#" PRIx64 " to %#" PRIx64,
				region->outer_start, region->outer_end);
			continue;
		}
		g_array_index(regions, hc_region, kept++) = *region;
	}
	g_array_set_size(regions, kept);
}

/* [start, end) in one piece of the core, or NULL. */
static const uint8_t *flat_bytes(const hc_core *core, hc_address start, hc_address end)
{
	uint64_t available;
	const uint8_t *bytes = hc_core_bytes(core, start, &available);

	return bytes && available >= end - start ? bytes : NULL;
}

static void lay_out(hc_blocks *blocks)
{
	const GArray *regions = blocks->heap.regions;

	blocks->region_count = regions->len;
	blocks->regions = g_new0(hc_block_region, regions->len + 1);
	for (uint32_t i = 0; i < regions->len; i++) {
		hc_block_region *region = &blocks->regions[i];

		region->region = g_array_index(regions, hc_region, i);
		if (region->region.is_mmapped) {
			region->start = region->base = region->region.block;
			region->end = region->start + region->region.block_size;
			region->granules = HC_GROUP_GRANULES;
		} else {
			region->start = region->region.start;
			region->end = region->region.end;
			region->base = hc_align_down(region->start, blocks->alignment);
			/* A pseudo-block's "user memory" may begin at the very end. */
			region->granules = hc_align_up(
				((region->end - region->base) >> blocks->granule_shift) + 2, HC_GROUP_GRANULES);
		}
		region->first_granule = blocks->granule_count;
		blocks->granule_count += region->granules;
		region->bytes = flat_bytes(blocks->core, region->start, region->end);
	}
}

/* ---- spans: address -> region ---- */

static void make_span(hc_blocks *blocks, hc_block_span *span, uint32_t first, uint32_t last)
{
	span->start = blocks->regions[first].start;
	span->size = blocks->regions[last].end - span->start;
	span->cell_shift = CELL_SHIFT_MIN;
	while (span->size >> span->cell_shift >= CELLS_MAX)
		span->cell_shift++;
	uint64_t cells = (span->size >> span->cell_shift) + 2; /* one beyond, for the end of the last */
	uint32_t region = first;

	span->cells = g_new(uint32_t, cells);
	for (uint64_t i = 0; i < cells; i++) {
		while (region < last && blocks->regions[region].end <= span->start + (i << span->cell_shift))
			region++;
		span->cells[i] = region;
	}
}

static void make_spans(hc_blocks *blocks)
{
	uint32_t split = 0;
	uint64_t widest = 0;

	if (!blocks->region_count)
		return;
	for (uint32_t i = 1; i < blocks->region_count; i++) {
		uint64_t gap = blocks->regions[i].start - blocks->regions[i - 1].end;

		if (gap > widest) {
			widest = gap;
			split = i;
		}
	}
	make_span(blocks, &blocks->spans[0], 0, split ? split - 1 : blocks->region_count - 1);
	if (split)
		make_span(blocks, &blocks->spans[1], split, blocks->region_count - 1);
}

/* ---- walking ---- */

struct walks {
	hc_blocks *blocks;
	hc_block_sink *sinks; /* one for each region */
	GArray **parts;	      /* for each region: of hc_walk_part; NULL: it is walked as one */
	GPtrArray *ahead;     /* of struct part: all of them */
	int next_part;	      /* to walk ahead, atomically */
	int next;	      /* region to walk, atomically */
	int failed;	      /* a region was too large */
};

struct part {
	uint32_t region, index;
};

/* The smallest chunks give the most. */
static uint64_t most_blocks(const hc_blocks *blocks, const hc_block_region *region)
{
	return region->region.is_mmapped ? 1 : (region->end - region->start) / (2 * blocks->word) + 2;
}

/* The sinks, and in them room for the states of each region's blocks, one behind the other. What is not touched costs nothing. */
static bool open_sinks(hc_blocks *blocks, hc_block_sink *sinks, GError **error)
{
	uint64_t room = 1;

	for (uint32_t i = 0; i < blocks->region_count; i++)
		room += most_blocks(blocks, &blocks->regions[i]);
	blocks->states = hc_pages_create(room);
	if (!blocks->states) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the states of the heap's blocks");
		return false;
	}
	blocks->states_room = room;
	room = 0;
	for (uint32_t i = 0; i < blocks->region_count; i++) {
		sinks[i].states = blocks->states + room;
		sinks[i].starts = blocks->starts + blocks->regions[i].first_granule / 64;
		sinks[i].base = blocks->regions[i].base;
		sinks[i].granule_shift = blocks->granule_shift;
		room += most_blocks(blocks, &blocks->regions[i]);
	}
	return true;
}

/* A long region's parts: so many for each worker that none waits long for the last. */
static void divide(struct walks *walks, uint32_t i, unsigned workers)
{
	const hc_blocks *blocks = walks->blocks;
	const hc_block_region *region = &blocks->regions[i];
	uint64_t size = MAX((region->end - region->start) / (PARTS_A_WORKER * workers), PART_MIN);

	if (workers == 1 || region->region.is_mmapped || region->end - region->start < 2 * size ||
		most_blocks(blocks, region) >= UINT32_MAX)
		return;
	walks->parts[i] = g_array_new(FALSE, FALSE, sizeof(hc_walk_part));
	blocks->allocator->divide(&blocks->heap, &region->region, &walks->sinks[i], size, walks->parts[i]);
	for (uint32_t k = 0; k < walks->parts[i]->len; k++)
		g_ptr_array_add(walks->ahead, g_memdup2(&(struct part){ i, k }, sizeof(struct part)));
}

static void walk_ahead(void *data, unsigned worker)
{
	struct walks *walks = data;
	const hc_blocks *blocks = walks->blocks;
	unsigned next;

	(void)worker;
	while ((next = g_atomic_int_add(&walks->next_part, 1)) < walks->ahead->len) {
		const struct part *part = g_ptr_array_index(walks->ahead, next);

		blocks->allocator->walk_part(&blocks->heap, &blocks->regions[part->region].region,
			&g_array_index(walks->parts[part->region], hc_walk_part, part->index));
	}
}

static bool walk_region(struct walks *walks, uint32_t i)
{
	hc_blocks *blocks = walks->blocks;
	hc_block_region *region = &blocks->regions[i];
	hc_block_sink *sink = &walks->sinks[i];

	if (region->region.is_mmapped) {
		sink->states[0] = HC_BLOCK_IN_USE;
		sink->starts[0] = 1;
		sink->count = 1;
		sink->blocks[HC_BLOCK_IN_USE] = 1;
		sink->chunk_bytes[HC_BLOCK_IN_USE] = region->region.outer_end - region->region.outer_start;
		sink->complete = true;
		return true;
	}
	if (most_blocks(blocks, region) >= UINT32_MAX)
		return false;
	blocks->allocator->walk(&blocks->heap, &region->region, walks->parts[i], sink);
	return true;
}

static void walk_some(void *data, unsigned worker)
{
	struct walks *walks = data;

	(void)worker;
	for (;;) {
		int i = g_atomic_int_add(&walks->next, 1);

		if ((uint32_t)i >= walks->blocks->region_count)
			return;
		if (!walk_region(walks, i))
			g_atomic_int_set(&walks->failed, 1);
	}
}

/* Takes the sinks' counts over, moves their states together, gives the regions their numbers. */
static bool collect(hc_blocks *blocks, const hc_block_sink *sinks, GError **error)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < blocks->region_count; i++)
		count += sinks[i].count;
	if (count >= UINT32_MAX) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"the heap has %" PRIu64 " blocks; this version numbers them with 32 bits", count);
		return false;
	}
	blocks->count = count;
	blocks->labelled = g_try_new0(uint64_t, count / 64 + 1);
	if (!blocks->labelled) {
		g_set_error(
			error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the labels of %" PRIu64 " blocks", count);
		return false;
	}
	count = 0;
	for (uint32_t i = 0; i < blocks->region_count; i++) {
		hc_block_region *region = &blocks->regions[i];
		hc_block_totals *totals = hc_blocks_totals_of(blocks, region->region.arena);

		region->first_block = count;
		region->block_count = sinks[i].count;
		memmove(blocks->states + count, sinks[i].states, sinks[i].count);
		count += sinks[i].count;
		totals->complete &= sinks[i].complete;
		for (unsigned state = 0; state < HC_BLOCK_STATE_COUNT; state++) {
			totals->blocks[state] += sinks[i].blocks[state];
			totals->chunk_bytes[state] += sinks[i].chunk_bytes[state];
		}
		totals->usable_in_use +=
			region->region.is_mmapped ?
				region->region.block_size :
				sinks[i].chunk_bytes[HC_BLOCK_IN_USE] - sinks[i].blocks[HC_BLOCK_IN_USE] * blocks->word;
	}
	hc_pages_trim(blocks->states, blocks->states_room, count + 1);
	return true;
}

/* word_ranks of GROUP; returns how many blocks start there. */
static uint32_t rank_words(hc_blocks *blocks, uint64_t group)
{
	uint64_t ranks = 0;
	uint32_t count = 0;

	for (unsigned i = 0; i < HC_GROUP_WORDS; i++) {
		if (i)
			ranks |= (uint64_t)count << (i - 1) * HC_WORD_RANK_BITS;
		count += hc_sum_of_bytes(hc_bits_of_bytes(blocks->starts[group * HC_GROUP_WORDS + i]));
	}
	blocks->word_ranks[group] = ranks;
	return count;
}

/* rank, word_ranks and last_start, from the bitmap. */
static void rank_groups(hc_blocks *blocks)
{
	for (uint32_t i = 0; i < blocks->region_count; i++) {
		const hc_block_region *region = &blocks->regions[i];
		uint64_t first = region->first_granule / HC_GROUP_GRANULES, last_start = UINT64_MAX;
		uint32_t number = region->first_block;

		for (uint64_t group = first; group < first + region->granules / HC_GROUP_GRANULES; group++) {
			blocks->rank[group] = number;
			blocks->last_start[group] = last_start;
			number += rank_words(blocks, group);
			for (uint64_t word = group * HC_GROUP_WORDS; word < (group + 1) * HC_GROUP_WORDS; word++) {
				uint64_t bits = blocks->starts[word];

				if (bits)
					last_start = word * 64 + 63 - __builtin_clzll(bits);
			}
		}
	}
	blocks->rank[blocks->granule_count / HC_GROUP_GRANULES] = blocks->count;
}

static bool walk_all(hc_blocks *blocks, unsigned jobs, GError **error)
{
	struct walks walks = {
		.blocks = blocks,
		.sinks = g_new0(hc_block_sink, blocks->region_count + 1),
		.parts = g_new0(GArray *, blocks->region_count + 1),
		.ahead = g_ptr_array_new_with_free_func(g_free),
	};
	unsigned workers = hc_parallel_workers(jobs);
	bool ok = open_sinks(blocks, walks.sinks, error);

	for (uint32_t i = 0; ok && i < blocks->region_count; i++)
		divide(&walks, i, workers);
	if (walks.ahead->len)
		hc_parallel_run(MIN(workers, walks.ahead->len), walk_ahead, &walks);
	if (ok)
		hc_parallel_run(MIN(workers, MAX(blocks->region_count, 1)), walk_some, &walks);
	if (walks.failed) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "a region of the heap has room for 2^32 blocks");
		ok = false;
	}
	ok = ok && collect(blocks, walks.sinks, error);
	for (uint32_t i = 0; i < blocks->region_count; i++)
		g_clear_pointer(&walks.parts[i], g_array_unref);
	g_ptr_array_unref(walks.ahead);
	g_free(walks.parts);
	g_free(walks.sinks);
	if (ok)
		rank_groups(blocks);
	return ok;
}

static size_t starts_bytes(const hc_blocks *blocks)
{
	return blocks->granule_count / 8 + sizeof(uint64_t);
}

static bool allocate_bitmaps(hc_blocks *blocks, GError **error)
{
	uint64_t groups = blocks->granule_count / HC_GROUP_GRANULES;

	blocks->starts = hc_pages_create(starts_bytes(blocks));
	blocks->rank = g_try_new0(uint32_t, groups + 1);
	blocks->word_ranks = g_try_new0(uint64_t, groups + 1);
	blocks->last_start = g_try_new0(uint64_t, groups + 1);
	if (blocks->starts && blocks->rank && blocks->word_ranks && blocks->last_start)
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for an index of %" PRIu64 " bytes of heap",
		blocks->granule_count << blocks->granule_shift);
	return false;
}

static void find_provider(hc_blocks *blocks, hc_modules *modules)
{
	const hc_module *provider;
	const char *foreign = hc_allocators_foreign(modules, &provider);

	blocks->heap.info.provider = provider ? provider->name : NULL;
	blocks->heap.info.foreign = foreign;
	if (foreign)
		hc_diagnostics_add(blocks->diagnostics, &foreign_allocator, 0, "%s%s%s", foreign,
			provider ? ", in " : "", provider ? provider->name : "");
}

/* Has the regions in large pages. */
static bool enlarge_pages(hc_core *core, const GArray *regions, const hc_blocks_options *options, GError **error)
{
	g_autofree hc_range *ranges = g_new(hc_range, regions->len + 1);

	for (unsigned i = 0; i < regions->len; i++) {
		const hc_region *region = &g_array_index(regions, hc_region, i);

		ranges[i] = (hc_range){ region->outer_start, region->outer_end };
	}
	hc_paging_options paging = {
		.jobs = options->jobs,
		.memory = options->memory,
		.share = options->share,
		.dear = COPY_DEAR,
	};

	return hc_core_enlarge_pages(core, ranges, regions->len, &paging, error);
}

hc_blocks *hc_blocks_create(hc_core *core, hc_modules *modules, const hc_blocks_options *options,
	hc_diagnostics *diagnostics, GError **error)
{
	hc_blocks *blocks = g_new0(hc_blocks, 1);

	blocks->core = core;
	blocks->diagnostics = diagnostics;
	blocks->word = hc_core_process(core)->word_size;
	blocks->heap.arenas = g_array_new(FALSE, TRUE, sizeof(hc_arena));
	blocks->heap.regions = g_array_new(FALSE, TRUE, sizeof(hc_region));
	blocks->heap.states = g_array_new(FALSE, TRUE, sizeof(hc_range));
	blocks->heap.cached = g_array_new(FALSE, FALSE, sizeof(hc_cached_block));
	blocks->runs = g_array_new(FALSE, FALSE, sizeof(hc_free_run));
	blocks->labels = g_hash_table_new(NULL, NULL);
	blocks->kinds_of_labels = g_hash_table_new_full(hc_label_hash, hc_label_equal, g_free, NULL);
	find_provider(blocks, modules);
	blocks->allocator = hc_allocators_open(&blocks->heap, core, modules, diagnostics);
	blocks->alignment = blocks->heap.info.alignment;
	blocks->granule_shift = __builtin_ctzll(blocks->alignment);
	blocks->totals = g_new0(hc_block_totals, blocks->heap.arenas->len + 1);
	for (unsigned i = 0; i <= blocks->heap.arenas->len; i++)
		blocks->totals[i].complete = true;
	sort_regions(blocks);
	lay_out(blocks);
	make_spans(blocks);
	if ((options->is_marked && !enlarge_pages(core, blocks->heap.regions, options, error)) ||
		!allocate_bitmaps(blocks, error) || !walk_all(blocks, options->jobs, error)) {
		hc_blocks_destroy(blocks);
		return NULL;
	}
	blocks->heap.thread_blocks = hc_allocators_find_thread_blocks(core, blocks->heap.regions);
	blocks->allocator->classify(&blocks->heap, (hc_block_table *)blocks);
	hc_blocks_count_free_pages(blocks);
	return blocks;
}

void hc_blocks_destroy(hc_blocks *blocks)
{
	if (!blocks)
		return;
	blocks->allocator->close(&blocks->heap);
	g_array_unref(blocks->heap.arenas);
	g_array_unref(blocks->heap.regions);
	g_array_unref(blocks->heap.states);
	g_array_unref(blocks->heap.cached);
	g_array_unref(blocks->runs);
	g_clear_pointer(&blocks->heap.thread_blocks, g_array_unref);
	g_hash_table_unref(blocks->labels);
	g_hash_table_unref(blocks->kinds_of_labels);
	g_free(blocks->spans[0].cells);
	g_free(blocks->spans[1].cells);
	g_free(blocks->regions);
	hc_pages_destroy(blocks->starts, starts_bytes(blocks));
	g_free(blocks->rank);
	g_free(blocks->word_ranks);
	g_free(blocks->last_start);
	hc_pages_destroy(blocks->states, blocks->states_room);
	g_free(blocks->labelled);
	g_free(blocks->totals);
	g_free(blocks);
}
