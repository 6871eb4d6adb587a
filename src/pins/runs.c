/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs, the islands above them, and what would go back once those are gone.
 *
 * An arena's memory has an order in which it can go back: from the end of the top chunk downwards. In the main arena that is the
 * order of addresses. A thread's arena has heaps that lie anywhere; heap_info.prev leads from the newest, which holds the top,
 * to the first (arena.c). So each arena becomes a row of regions, bottom to top, and what lies between two runs of the row,
 * across heaps too, is the island above the lower one.
 *
 * What free() gives back (malloc.c and arena.c, 2.17 to 2.43), once the blocks of all islands above a run are free, and so the run
 * and all above it are one chunk with the top:
 *
 *	main arena	systrim(), called by _int_free() for a merged chunk of FASTBIN_CONSOLIDATION_THRESHOLD (64 KiB) or more if the
 *			top has mp_.trim_threshold: all of it but MINSIZE + 1 + mp_.top_pad, in whole pages (mp_.thp_pagesize if set, 2.35 on); only if the top ends at the
 *			program break, so nothing that is malloc's not may lie above
 *	thread arena	heap_trim(), called at each such free: heaps with nothing but the top chunk in them are unmapped, if the one
 *			before has top_pad + MINSIZE + a page left to grow or free; then the top as above
 *
 * The damaged heap: a row is followed for at most as many heaps as there are, and regions that it does not lead to come below all
 * others, cut off from them: nothing in them counts as going back.
 */
#include "pins/pins_state.h"

G_STATIC_ASSERT((int)HC_PINS_RUN_MINIMUM == (int)HC_FREE_RUN_MINIMUM);

/* One arena's regions, bottom to top. */
struct row {
	hc_pins *pins;
	const hc_arena *arena;
	GArray *regions;	     /* of uint32_t: indices in blocks->regions */
	unsigned sound;		     /* from this place on each region follows the one before */
	const uint32_t *first_run;   /* of each region: index in blocks->runs; one more at the end */
	unsigned first_entry;	     /* of the row, in pins->entries */
	uint64_t *tails, *vanishing; /* by place: see fill_tails() */
};

static const hc_block_region *region_at(const struct row *row, unsigned place)
{
	return &row->pins->blocks->regions[g_array_index(row->regions, uint32_t, place)];
}

/* ---- blocks of an island ---- */

static void enter_piece(hc_pin_walk *walk)
{
	if (walk->piece == walk->end_piece)
		return;
	walk->region = &walk->blocks->regions[walk->piece->region];
	walk->at = walk->piece->first;
	walk->cursor = hc_start_cursor_at(walk->blocks, hc_blocks_start_of_number(walk->blocks, walk->at));
	walk->next = hc_blocks_address(walk->blocks, walk->region, hc_start_cursor_next(&walk->cursor)) -
		     2 * walk->blocks->word;
}

void hc_pin_walk_init(hc_pin_walk *walk, const hc_pins *pins, const hc_pin_entry *entry)
{
	*walk = (hc_pin_walk){ .blocks = pins->blocks };
	if (!entry->piece_count)
		return;
	walk->piece = &g_array_index(pins->pieces, hc_pin_piece, entry->first_piece);
	walk->end_piece = walk->piece + entry->piece_count;
	enter_piece(walk);
}

bool hc_pin_walk_next(hc_pin_walk *walk)
{
	while (walk->piece != walk->end_piece) {
		const hc_block_region *region = walk->region;

		if (walk->at == walk->piece->end) {
			walk->piece++;
			enter_piece(walk);
			continue;
		}
		walk->number = walk->at++;
		walk->chunk = walk->next;
		walk->next = walk->at < region->first_block + region->block_count ?
				     hc_blocks_address(walk->blocks, region, hc_start_cursor_next(&walk->cursor)) -
					     2 * walk->blocks->word :
				     region->end;
		walk->size = walk->next - walk->chunk;
		walk->state = walk->blocks->states[walk->number];
		if (walk->state != HC_BLOCK_FENCEPOST)
			return true;
	}
	return false;
}

static void measure_island(const hc_pins *pins, hc_pin_entry *entry)
{
	hc_pin_island *island = &entry->run.above;
	hc_pin_walk walk;

	hc_pin_walk_init(&walk, pins, entry);
	while (hc_pin_walk_next(&walk)) {
		if (hc_block_state_is_free(walk.state)) {
			island->free += walk.size;
			continue;
		}
		if (!island->start)
			island->start = walk.chunk;
		island->end = walk.chunk + walk.size;
		if (walk.state != HC_BLOCK_IN_USE && walk.state != HC_BLOCK_TCACHE) {
			island->blocked = true;
			continue;
		}
		hc_amount_count(&island->amount, walk.size);
		if (walk.state == HC_BLOCK_TCACHE)
			hc_amount_count(&island->cached, walk.size);
		else if (hc_blocks_is_labelled(pins->blocks, walk.number))
			hc_amount_count(&island->libc, walk.size);
	}
}

/* ---- what goes back ---- */

uint64_t hc_pins_trim(const hc_pins *pins, uint64_t size, uint64_t unit)
{
	if (size < pins->trim_threshold || size <= pins->minimum + 1 || size - pins->minimum - 1 <= pins->top_pad)
		return 0;
	return hc_align_down(size - pins->minimum - 1 - pins->top_pad, unit);
}

static uint64_t heap_size(const hc_block_region *region)
{
	return region->region.outer_end - region->region.outer_start;
}

/* Where the free memory at the end of REGION begins: behind its last block that is in use. */
static hc_address tail_start(const hc_blocks *blocks, const hc_block_region *region)
{
	uint32_t i = region->block_count;

	while (i && (hc_block_state_is_free(blocks->states[region->first_block + i - 1]) ||
			    blocks->states[region->first_block + i - 1] == HC_BLOCK_FENCEPOST))
		i--;
	if (i == region->block_count)
		return region->end;
	return hc_blocks_address(blocks, region, hc_blocks_start_of_number(blocks, region->first_block + i)) -
	       2 * blocks->word;
}

/* heap_trim() lets a heap go only if the one before, whose last FREE bytes are free, has enough room. */
static bool has_room(const hc_pins *pins, const hc_block_region *before, uint64_t free)
{
	uint64_t reserved = before->region.reserved_end > before->region.outer_end ?
				    before->region.reserved_end - before->region.outer_end :
				    0;
	uint64_t room = free + reserved, needed = pins->minimum + pins->page;

	return room >= needed && room - needed >= pins->top_pad;
}

/*
 * For each heap of a thread's arena: how many bytes at its end are free (with the fencepost); and what goes back of it and the heaps
 * below it if it has nothing but the top chunk in it.
 */
static void fill_tails(struct row *row)
{
	for (unsigned place = 0; place < row->regions->len; place++) {
		const hc_block_region *region = region_at(row, place), *before;
		uint64_t below;

		row->tails[place] = region->region.outer_end - tail_start(row->pins->blocks, region);
		row->vanishing[place] =
			hc_pins_trim(row->pins, region->region.outer_end - region->region.start, row->pins->page);
		if (place <= row->sound)
			continue;
		before = region_at(row, place - 1);
		if (!has_room(row->pins, before, row->tails[place - 1]))
			continue;
		below = row->tails[place - 1] == before->region.outer_end - before->region.start ?
				row->vanishing[place - 1] :
				hc_pins_trim(row->pins, row->tails[place - 1], row->pins->page);
		row->vanishing[place] = heap_size(region) + below;
	}
}

/* Of a thread's arena: a run that begins at START in the heap at PLACE; ABOVE: the heaps above the next one, together. */
static uint64_t heaps_go_back(const struct row *row, unsigned place, hc_address start, uint64_t above)
{
	const hc_block_region *region = region_at(row, place);
	uint64_t free = region->region.outer_end - start;

	if (place + 1 < row->regions->len) {
		const hc_block_region *next = region_at(row, place + 1);

		if (!has_room(row->pins, region, free))
			return above +
			       hc_pins_trim(row->pins, next->region.outer_end - next->region.start, row->pins->page);
		above += heap_size(next);
	}
	return above +
	       (start == region->region.start ? row->vanishing[place] : hc_pins_trim(row->pins, free, row->pins->page));
}

static uint64_t break_goes_back(const struct row *row, const hc_block_region *region, hc_address start)
{
	bool at_end = row->arena->contiguous && region->region.top && region->end == region->region.end &&
		      region->end % row->pins->page == 0;

	return at_end ? hc_pins_trim(row->pins, region->end - start, row->pins->trim_unit) : 0;
}

/* LOWER ends with its heap, and HIGHER begins the next one: the same blocks keep both. */
static void share_island(hc_pin_entry *lower, const hc_pin_entry *higher)
{
	lower->run.above = higher->run.above;
	lower->first_piece = higher->first_piece;
	lower->piece_count = higher->piece_count;
	lower->shared = true;
}

/* Fills islands and goes_back, from the top down. */
static void judge_row(struct row *row)
{
	GArray *entries = row->pins->entries;
	unsigned index = entries->len, islands = 0;
	uint64_t above = 0; /* heaps above the next one */
	bool blocked = false;

	for (unsigned place = row->regions->len; place-- > 0;) {
		uint32_t region = g_array_index(row->regions, uint32_t, place);

		blocked |= place + 1 == row->sound;
		if (place + 2 < row->regions->len)
			above += heap_size(region_at(row, place + 2));
		for (; index > row->first_entry && g_array_index(entries, hc_pin_entry, index - 1).region == region;
			index--) {
			hc_pin_entry *entry = &g_array_index(entries, hc_pin_entry, index - 1);
			hc_pin_run *run = &entry->run;

			blocked |= run->above.blocked;
			islands += run->above.amount.blocks > 0;
			if (!run->above.amount.blocks && index < entries->len && entry[1].run.above.amount.blocks)
				share_island(entry, entry + 1);
			run->islands = islands;
			run->above.blocked = blocked;
			run->pinned = !run->is_top && run->above.amount.blocks && run->above.amount.bytes < run->bytes;
			if (!blocked && !run->is_top)
				run->goes_back = row->arena->index ?
							 heaps_go_back(row, place, run->start, above) :
							 break_goes_back(row, region_at(row, place), run->start);
		}
	}
}

/* ---- rows ---- */

static void add_piece(const struct row *row, uint32_t region, uint32_t first, uint32_t end)
{
	hc_pin_piece piece = { region, first, end };
	hc_pins *pins = row->pins;

	if (first == end || pins->entries->len == row->first_entry)
		return;
	g_array_append_val(pins->pieces, piece);
	g_array_index(pins->entries, hc_pin_entry, pins->entries->len - 1).piece_count++;
}

static void add_run(const struct row *row, const hc_free_run *found)
{
	hc_pin_entry entry = {
		.run = {
			.arena = row->arena->index,
			.start = found->start,
			.bytes = found->end - found->start,
			.whole = found->whole,
			.zero = found->zero,
			.trim = found->trim,
			.is_top = found->top,
		},
		.region = found->region,
		.first_piece = row->pins->pieces->len,
	};

	g_array_append_val(row->pins->entries, entry);
}

static void add_row(struct row *row)
{
	hc_pins *pins = row->pins;
	const hc_blocks *blocks = pins->blocks;

	row->first_entry = pins->entries->len;
	for (unsigned place = 0; place < row->regions->len; place++) {
		uint32_t index = g_array_index(row->regions, uint32_t, place);
		const hc_block_region *region = &blocks->regions[index];
		uint32_t at = region->first_block;

		for (uint32_t i = row->first_run[index]; i < row->first_run[index + 1]; i++) {
			const hc_free_run *run = &g_array_index(blocks->runs, hc_free_run, i);

			add_piece(row, index, at, run->first_block);
			add_run(row, run);
			at = run->end_block;
		}
		add_piece(row, index, at, region->first_block + region->block_count);
	}
	for (unsigned i = row->first_entry; i < pins->entries->len; i++)
		measure_island(pins, &g_array_index(pins->entries, hc_pin_entry, i));
	row->tails = g_new(uint64_t, row->regions->len);
	row->vanishing = g_new(uint64_t, row->regions->len);
	if (row->arena->index)
		fill_tails(row);
	judge_row(row);
	g_free(row->tails);
	g_free(row->vanishing);
}

static void reverse(GArray *regions, unsigned from)
{
	for (unsigned i = from, j = regions->len; i + 1 < j; i++) {
		uint32_t *first = &g_array_index(regions, uint32_t, i), *last = &g_array_index(regions, uint32_t, --j);
		uint32_t kept = *first;

		*first = *last;
		*last = kept;
	}
}

/*
 * Puts the heaps of a thread's arena in the order of heap_info.prev, its second word (arena.c). Regions that the top's heap does not
 * lead to come first; their number in row->sound.
 */
static void order_heaps(struct row *row)
{
	const hc_blocks *blocks = row->pins->blocks;
	g_autoptr(GHashTable) by_heap = g_hash_table_new(g_int64_hash, g_int64_equal);
	GArray *chain = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	hc_block_region *at = NULL;

	for (unsigned i = 0; i < row->regions->len; i++) {
		hc_block_region *region = &blocks->regions[g_array_index(row->regions, uint32_t, i)];

		g_hash_table_insert(by_heap, &region->region.outer_start, region);
		if (region->region.top)
			at = region;
	}
	while (at) {
		uint32_t index = at - blocks->regions;
		uint64_t before;

		g_array_append_val(chain, index);
		g_hash_table_remove(by_heap, &at->region.outer_start); /* so a ring ends */
		at = hc_core_read_word(row->pins->core, at->region.outer_start + blocks->word, &before) ?
			     g_hash_table_lookup(by_heap, &before) :
			     NULL;
	}
	for (unsigned i = row->regions->len; i-- > 0;) {
		uint32_t index = g_array_index(row->regions, uint32_t, i);

		if (g_hash_table_contains(by_heap, &blocks->regions[index].region.outer_start))
			g_array_append_val(chain, index);
	}
	row->sound = g_hash_table_size(by_heap);
	reverse(chain, 0);
	g_array_unref(row->regions);
	row->regions = chain;
}

/* The main arena's regions: the one with the top last; the others are cut off from it by what is not malloc's. */
static void order_pieces(struct row *row)
{
	for (unsigned i = 0; i + 1 < row->regions->len; i++) {
		uint32_t index = g_array_index(row->regions, uint32_t, i);

		if (!row->pins->blocks->regions[index].region.top)
			continue;
		g_array_remove_index(row->regions, i);
		g_array_append_val(row->regions, index);
		break;
	}
	row->sound = row->regions->len ? row->regions->len - 1 : 0;
}

/* Index of the first of blocks->runs in each region, and one more. */
static uint32_t *count_runs(const hc_blocks *blocks)
{
	uint32_t *first = g_new(uint32_t, blocks->region_count + 1), run = 0;

	for (uint32_t i = 0; i < blocks->region_count; i++) {
		first[i] = run;
		while (run < blocks->runs->len && g_array_index(blocks->runs, hc_free_run, run).region == i)
			run++;
	}
	first[blocks->region_count] = run;
	return first;
}

static int compare_entries(const void *a, const void *b)
{
	const hc_pin_run *x = &((const hc_pin_entry *)a)->run, *y = &((const hc_pin_entry *)b)->run;

	if (x->whole != y->whole)
		return x->whole < y->whole ? 1 : -1;
	return (x->start > y->start) - (x->start < y->start);
}

void hc_pins_find_runs(hc_pins *pins)
{
	const hc_blocks *blocks = pins->blocks;
	unsigned arenas = hc_blocks_arena_count(blocks);
	g_autofree uint32_t *first_run = count_runs(blocks);
	GArray **regions = g_new(GArray *, arenas + 1);

	for (unsigned i = 0; i < arenas; i++)
		regions[i] = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t i = 0; i < blocks->region_count; i++)
		if (blocks->regions[i].region.arena < arenas)
			g_array_append_val(regions[blocks->regions[i].region.arena], i);
	for (unsigned i = 0; i < arenas; i++) {
		struct row row = {
			.pins = pins,
			.arena = hc_blocks_arena(blocks, i),
			.regions = regions[i],
			.first_run = first_run,
		};

		if (i)
			order_heaps(&row);
		else
			order_pieces(&row);
		add_row(&row);
		g_array_unref(row.regions);
	}
	g_free(regions);
	g_array_sort(pins->entries, compare_entries);
}
