/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words that cut.
 *
 * All memory that is searched for pointers is read once, in its order: roots, blocks in use, and
 * what is cut itself. A word that is an aligned address there sets the bit of its place. That is
 * all that has to be known of it: whose the parcel becomes is told later, by words of those who
 * have an owner (types/). Words of roots are kept for that.
 *
 * Of what stands on stacks it is kept that the cut is weak, unless other words make it too.
 *
 * One kind of word does not cut: one that leads to itself, or to the word before itself, since it
 * is likely to stand in the object that it leads to (the head of an empty list); an object that is
 * led to from elsewhere too is cut by that.
 *
 * What lies in objects that are free, by the books of a runtime, or is its collector's links, cuts nothing; nor is it cut.
 *
 * Work is shared out in units: a part of a root, a part of what is cut, a number of blocks. Bits
 * are set atomically, and words of roots are put together in the order of the units, so the result
 * does not depend on who does which. Bound by memory: each byte of the heap and of the roots is
 * read once, and a bit for 8 bytes of what is cut is written at random. Next to no word of a block
 * leads there, so 64 are asked at once, of blocks that lie one behind the other as if they were one.
 */
#include "base/parallel.h"
#include "base/word_masks.h"
#include "parcels/parcels_state.h"

enum {
	UNIT_BYTES = 4 << 20,
	UNIT_BLOCKS = 1 << 16,
	SELF_BYTES = 16,	  /* a word so little behind the place that it leads to is the head of an empty list */
	NODE_MAX = 1024,	  /* bytes of what may be a node of a list */
	UNIT_WORDS_MAX = 1 << 16, /* more words of a root are not kept of one unit ... */
	ROOT_WORDS_MAX = 1 << 24  /* ... nor of all */
};

struct unit {
	const hc_root *root;   /* NULL: blocks */
	hc_address start, end; /* of memory; 0: registers */
	uint32_t first_block, end_block;
	bool is_cut;   /* the root is cut itself */
	bool is_weak;  /* what stands there may be left over */
	GArray *words; /* of hc_root_word; NULL: none */
};

struct cutting {
	hc_parcels *parcels;
	const hc_blocks *blocks;
	const hc_references *references;
	hc_word_format format;
	bool is_numbered; /* all cuts are known: now it is asked who precedes whom */
	GArray *units;	  /* of struct unit */
	unsigned next;	  /* the unit that nobody has taken yet */
};

/* ---- words ---- */

static void set_bit(uint64_t *bitmap, uint64_t index)
{
	uint64_t bit = (uint64_t)1 << index % 64, *word = &bitmap[index / 64];

	if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
		__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
}

/* Sets the bits of the place that VALUE leads to. FALSE if it is in no range. */
static bool cut(const hc_parcels *parcels, hc_address value, bool is_weak)
{
	const hc_parcel_range *range = hc_parcels_range_of(parcels, value);

	if (!range)
		return false;
	if (value % HC_PARCEL_GRANULE)
		return true;
	uint64_t granule = hc_parcels_granule(range, value);

	if (hc_parcels_is_nobodys(parcels, value))
		return true;
	set_bit(parcels->cuts, granule);
	if (!is_weak)
		set_bit(parcels->strong, granule);
	return true;
}

/* A word of a root that is not cut. */
static void keep(struct unit *unit, hc_address address, hc_address value)
{
	hc_root_word word = { unit->root, address, value };

	if (!unit->words)
		unit->words = g_array_new(FALSE, FALSE, sizeof(hc_root_word));
	if (unit->words->len < UNIT_WORDS_MAX)
		g_array_append_val(unit->words, word);
}

/* SIZE bytes at ADDRESS; 0: of registers. */
static inline __attribute__((always_inline)) void look_at_words(struct cutting *cutting, struct unit *unit,
	const uint8_t *bytes, uint64_t size, hc_address address, hc_word_format format)
{
	const hc_parcels *parcels = cutting->parcels;
	const hc_address low = parcels->low;
	const uint64_t span = parcels->span;
	bool is_kept = unit->root && !unit->is_cut;

	for (uint64_t at = 0; at + format.size <= size; at += format.size) {
		hc_address value = hc_load_word(bytes + at, format);

		if (G_LIKELY(value - low >= span) ||
			(unit->is_cut && (address + at - value < SELF_BYTES || hc_parcels_is_nobodys(parcels, address + at))))
			continue;
		if (cut(parcels, value, unit->is_weak) && is_kept)
			keep(unit, address ? address + at : 0, value);
	}
}

/*
 * Whether parcels HERE and THERE, one of which leads to the other, may be nodes of one list or
 * tree.
 */
static bool are_nodes(hc_range here, hc_range there)
{
	uint64_t size = here.end - here.start, other = there.end - there.start;

	return size == other || MAX(size, other) <= NODE_MAX;
}

/* The words of a part of what is cut: nodes that others lead to the start of are preceded. */
static void look_for_preceded(struct cutting *cutting, const uint8_t *bytes, uint64_t size, hc_address address)
{
	const hc_parcels *parcels = cutting->parcels;
	hc_word_format format = cutting->format;
	uint32_t from = 0, to;
	hc_range here = { 0 };

	for (uint64_t at = 0; at + format.size <= size; at += format.size) {
		hc_address value = hc_load_word(bytes + at, format), place = address + at;

		if (!hc_parcels_may_contain(parcels, value) || !hc_parcels_find(parcels, value, &to))
			continue;
		hc_range there = hc_parcels_get(parcels, to);

		if (there.start != value || hc_parcels_is_nobodys(parcels, place))
			continue;
		if (place - here.start >= here.end - here.start && hc_parcels_find(parcels, place, &from))
			here = hc_parcels_get(parcels, from);
		if (from != to && are_nodes(here, there))
			set_bit(parcels->preceded, to);
	}
}

static void look_at(struct cutting *cutting, struct unit *unit, const uint8_t *bytes, uint64_t size, hc_address address)
{
	if (cutting->is_numbered)
		look_for_preceded(cutting, bytes, size, address);
	else if (cutting->format.size == 8 && !cutting->format.swap)
		look_at_words(cutting, unit, bytes, size, address, (hc_word_format){ 8, false });
	else
		look_at_words(cutting, unit, bytes, size, address, cutting->format);
}

/* All of [start, end) that the core has; holes of its file are zeros, and lead nowhere. */
static void look_at_memory(struct cutting *cutting, struct unit *unit, hc_address start, hc_address end)
{
	hc_address stretch_end;

	for (; hc_core_next_stretch(cutting->parcels->core, &start, end, &stretch_end); start = stretch_end) {
		while (start < stretch_end) {
			uint64_t available;
			const uint8_t *bytes = hc_core_bytes(cutting->parcels->core, start, &available);

			if (!bytes)
				break;
			available = MIN(available, stretch_end - start);
			if (!hc_core_is_hole(cutting->parcels->core, bytes, available, &available))
				look_at(cutting, unit, bytes, available, start);
			start += available;
		}
	}
}

/* The same without pages of zeros: of memory that other allocators took many were never written. */
static void look_at_touched(struct cutting *cutting, struct unit *unit)
{
	hc_address start = unit->start, end;

	for (; hc_parcels_next_stretch(cutting->parcels->core, &start, unit->end, &end); start = end)
		look_at_memory(cutting, unit, start, end);
}

/* ---- units ---- */

static void look_at_registers(struct cutting *cutting, struct unit *unit)
{
	const hc_thread *thread = hc_core_thread(cutting->parcels->core, unit->root->owner);

	/* They are in our byte order and of 64 bits. */
	if (cutting->format.size == 8)
		look_at_words(cutting, unit, (const uint8_t *)thread->registers,
			thread->register_count * sizeof(uint64_t), 0, (hc_word_format){ 8, false });
}

/* Blocks in use that lie one behind the other in a region that is one piece of the core. */
struct row {
	const hc_block_region *region;
	hc_address start, end; /* end: of the last block's memory */
};

/* The words of ROW, of 8 bytes in our order. Between two of its blocks is the size field of a header, which is nobody's. */
static void look_at_row(struct cutting *cutting, const struct row *row)
{
	const hc_parcels *parcels = cutting->parcels;
	const hc_blocks *blocks = cutting->blocks;
	const hc_word_range range = { parcels->low, parcels->span, HC_PARCEL_GRANULE_SHIFT };
	const hc_word_format format = { 8, false };
	uint64_t count = (row->end - row->start) / format.size;

	for (uint64_t first = 0; first < count; first += HC_WORD_MASK) {
		const uint8_t *bytes = row->region->bytes + (row->start - row->region->start) + first * format.size;
		uint64_t mask = hc_words_in_range(bytes, (unsigned)MIN(count - first, HC_WORD_MASK), range);

		for (; mask; mask &= mask - 1) {
			unsigned i = (unsigned)__builtin_ctzll(mask);
			hc_address place = row->start + (first + i) * format.size;

			if (hc_blocks_start_of(blocks, hc_blocks_granule(blocks, row->region, place), place) !=
				UINT64_MAX)
				cut(parcels, hc_load_word(bytes + i * format.size, format), false);
		}
	}
}

/* The block of SIZE bytes at ADDRESS in REGION is looked at: with ROW, which it may be the next of, if there are 64 words to look at at once. */
static void look_at_block(struct cutting *cutting, struct unit *unit, struct row *row, const hc_block_region *region,
	hc_address address, uint64_t size)
{
	hc_address end = address + size;

	if (!region->bytes || address < region->start || address >= region->end)
		return look_at_memory(cutting, unit, address, end);
	end = address + MIN(size, region->end - address);
	if (cutting->format.size != 8 || cutting->format.swap)
		return look_at(cutting, unit, region->bytes + (address - region->start), end - address, address);
	if (row->region != region || address != row->end + cutting->format.size) {
		look_at_row(cutting, row);
		*row = (struct row){ region, address, address };
	}
	row->end = end;
}

static void look_at_blocks(struct cutting *cutting, struct unit *unit)
{
	const hc_blocks *blocks = cutting->blocks;
	hc_start_cursor cursor;
	const hc_block_region *region = NULL;
	struct row row = { NULL, 0, 0 };
	uint64_t start, next;

	if (unit->first_block >= unit->end_block)
		return;
	cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, unit->first_block));
	start = hc_start_cursor_next(&cursor);
	for (uint32_t number = unit->first_block; number < unit->end_block; number++, start = next) {
		next = hc_start_cursor_next(&cursor);
		if (blocks->states[number] != HC_BLOCK_IN_USE)
			continue;
		if (!region || start - region->first_granule >= region->granules)
			region = hc_blocks_region_of_start(blocks, start);
		look_at_block(cutting, unit, &row, region, hc_blocks_address(blocks, region, start),
			hc_blocks_size_up_to(blocks, region, start, next));
	}
	look_at_row(cutting, &row);
}

static void work(void *data, unsigned worker)
{
	struct cutting *cutting = data;

	(void)worker;
	for (;;) {
		unsigned index = __atomic_fetch_add(&cutting->next, 1, __ATOMIC_RELAXED);

		if (index >= cutting->units->len)
			return;
		struct unit *unit = &g_array_index(cutting->units, struct unit, index);

		if (!unit->root)
			look_at_blocks(cutting, unit);
		else if (unit->root->registers)
			look_at_registers(cutting, unit);
		else if (unit->is_cut)
			look_at_touched(cutting, unit);
		else
			look_at_memory(cutting, unit, unit->start, unit->end);
	}
}

/*
 * The first place behind AT, and not behind END, where what is cut begins or ends. *RET_IS_CUT:
 * whether AT is in it.
 */
static hc_address next_border(const hc_parcels *parcels, hc_address at, hc_address end, bool *ret_is_cut)
{
	const hc_parcel_range *list = (const hc_parcel_range *)(const void *)parcels->ranges->data;
	unsigned next = HC_PARTITION_POINT(middle, 0u, parcels->ranges->len, list[middle].end <= at);

	*ret_is_cut = next < parcels->ranges->len && list[next].start <= at;
	if (next == parcels->ranges->len)
		return end;
	return MIN(end, *ret_is_cut ? list[next].end : list[next].start);
}

static void add_root(struct cutting *cutting, const hc_root *root)
{
	hc_address at = hc_align_up(root->start, cutting->format.size);

	do {
		bool is_cut;
		hc_address limit = root->registers ? at : next_border(cutting->parcels, at, root->end, &is_cut),
			   end = limit - at > UNIT_BYTES ? at + UNIT_BYTES : limit;
		struct unit unit = { .root = root,
			.start = at,
			.end = end,
			.is_cut = !root->registers && is_cut,
			.is_weak = root->kind == HC_AREA_STACK };

		if (!cutting->is_numbered || unit.is_cut)
			g_array_append_val(cutting->units, unit);
		at = end;
	} while (at < root->end);
}

static void add_roots(struct cutting *cutting)
{
	for (unsigned i = 0; i < hc_references_root_count(cutting->references); i++) {
		const hc_root *root = hc_references_root(cutting->references, i);

		if (root->used)
			add_root(cutting, root);
	}
}

static void add_blocks(struct cutting *cutting)
{
	uint32_t count = hc_blocks_count(cutting->blocks);

	for (uint32_t first = 0; first < count; first += UNIT_BLOCKS) {
		struct unit unit = { .first_block = first,
			.end_block = count - first > UNIT_BLOCKS ? first + UNIT_BLOCKS : count };

		g_array_append_val(cutting->units, unit);
		if (unit.end_block == count)
			break;
	}
}

/* Each range begins with a cut. */
static void cut_at_starts(const hc_parcels *parcels)
{
	for (unsigned i = 0; i < parcels->ranges->len; i++)
		cut(parcels, g_array_index(parcels->ranges, hc_parcel_range, i).start, false);
}

/*
 * Threads' local storage lies in stacks, and is not left over. Names are looked up on one thread.
 */
static void strengthen(const hc_parcels *parcels, hc_modules *modules)
{
	for (unsigned i = 0; i < parcels->root_words->len; i++) {
		const hc_root_word *word = &g_array_index(parcels->root_words, hc_root_word, i);

		if (word->root->kind == HC_AREA_STACK && word->address && hc_modules_tls_at(modules, word->address))
			cut(parcels, word->value, false);
	}
}

void hc_parcels_cut(hc_parcels *parcels, hc_modules *modules, const hc_blocks *blocks, const hc_references *references,
	unsigned jobs)
{
	struct cutting cutting = {
		.parcels = parcels,
		.blocks = blocks,
		.references = references,
		.format = hc_core_word_format(parcels->core),
		.units = g_array_new(FALSE, FALSE, sizeof(struct unit)),
	};

	cut_at_starts(parcels);
	add_roots(&cutting);
	add_blocks(&cutting);
	hc_parallel_run(hc_parallel_workers(jobs), work, &cutting);
	for (unsigned i = 0; i < cutting.units->len; i++) {
		struct unit *unit = &g_array_index(cutting.units, struct unit, i);

		if (!unit->words)
			continue;
		if (parcels->root_words->len < ROOT_WORDS_MAX)
			g_array_append_vals(parcels->root_words, unit->words->data, unit->words->len);
		g_array_unref(unit->words);
	}
	g_array_unref(cutting.units);
	strengthen(parcels, modules);
}

void hc_parcels_find_preceded(hc_parcels *parcels, const hc_references *references, unsigned jobs)
{
	struct cutting cutting = {
		.parcels = parcels,
		.references = references,
		.format = hc_core_word_format(parcels->core),
		.is_numbered = true,
		.units = g_array_new(FALSE, FALSE, sizeof(struct unit)),
	};

	add_roots(&cutting);
	hc_parallel_run(hc_parallel_workers(jobs), work, &cutting);
	g_array_unref(cutting.units);
}
