/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over the blocks in use: each is lost, or hangs on a path, or is somebody's who is not known. Most blocks are small and
 * their sizes are multiples of 4 (of 8 on 64-bit machines), so those are counted in an array that stays in the cache; the rest in a
 * hash.
 */
#include "snapshot/snapshot_parts.h"

#include "blocks/blocks.h"
#include "core/core.h"
#include "types/types.h"

enum {
	SMALL_LIMIT = 1 << 16, /* bytes */
	SMALL_STEP = 4,
};

/* The last block that a path has, and what is free since then. */
struct gap {
	uint32_t path;	 /* 0: none, or something else stands behind it */
	hc_address next; /* where the next chunk has its memory, if that follows at once */
	uint64_t free;	 /* bytes of free chunks between */
};

struct counting {
	hc_snapshot_size *small; /* SMALL_LIMIT / SMALL_STEP of them */
	GHashTable *large;	 /* uint64_t * (inside the value) -> hc_snapshot_size * */
	const hc_types *types;
	hc_path_amounts *amounts;
	hc_sampling sampling;
	const hc_core *core;
	size_t hint[2]; /* hc_core_resident_next(): blocks come in order of address */
	struct gap gap;
	uint32_t *beginnings; /* by path: that which it begins with */
};

static hc_snapshot_size *size_of(struct counting *counting, uint64_t size)
{
	hc_snapshot_size *entry;

	if (size < SMALL_LIMIT && size % SMALL_STEP == 0)
		return &counting->small[size / SMALL_STEP];
	entry = g_hash_table_lookup(counting->large, &size);
	if (!entry) {
		entry = g_new0(hc_snapshot_size, 1);
		entry->size = size;
		g_hash_table_insert(counting->large, &entry->size, entry);
	}
	return entry;
}

/* PATH: 0 if it has none. */
static void count_block(struct counting *counting, const hc_block *block, bool is_lost, uint32_t path)
{
	hc_snapshot_size *entry = size_of(counting, block->size);
	bool is_mapped = block->arena == HC_ARENA_NONE;
	uint64_t resident =
		hc_core_resident_next(counting->core, block->address, block->address + block->size, counting->hint)
			.resident;

	entry->blocks++;
	if (is_lost) {
		entry->lost++;
	} else if (path) {
		hc_amount_count(&counting->amounts->own[path], block->size);
		counting->amounts->own_resident[path] += resident;
		if (is_mapped)
			hc_amount_count(&counting->amounts->mapped[path], block->size);
		counting->amounts->mapped_resident[path] += is_mapped ? resident : 0;
		hc_sampling_add(&counting->sampling, block->address, block->size, path);
	} else {
		entry->unowned++;
		entry->unowned_mapped += is_mapped;
		entry->unowned_resident += resident;
		entry->unowned_mapped_resident += is_mapped ? resident : 0;
	}
}

/* Free memory between two blocks of one owner is there because of these: it goes back, or is one piece, when they are gone. */
static void count_gap(struct counting *counting, const hc_block *block, bool is_lost, uint32_t path)
{
	struct gap *gap = &counting->gap;
	bool is_free = block->state == HC_BLOCK_TCACHE || hc_block_state_is_free(block->state);

	path = is_lost ? 0 : path;
	if (block->address != gap->next || (block->state != HC_BLOCK_IN_USE && !is_free))
		gap->path = 0;
	gap->next = block->address + block->chunk_size;
	if (is_free) {
		gap->free += block->chunk_size;
		return;
	}
	if (gap->path && path && counting->beginnings[gap->path] == counting->beginnings[path])
		counting->amounts->free_between[gap->path] += gap->free;
	gap->path = path;
	gap->free = 0;
}

/* Free with g_free(); NULL without types, or if memory was out. */
static uint32_t *find_beginnings(const hc_types *types)
{
	uint32_t count = types ? hc_types_path_count(types) : 0;
	uint32_t *beginnings = types ? g_try_new0(uint32_t, (size_t)count + 1) : NULL;

	for (uint32_t i = 1; beginnings && i <= count; i++) {
		hc_types_path path;

		hc_types_path_get(types, i, &path);
		beginnings[i] = path.parent ? beginnings[path.parent] : i;
	}
	return beginnings;
}

static int smallest_first(const void *a, const void *b)
{
	const hc_snapshot_size *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

static void collect(hc_snapshot *snapshot, const struct counting *counting)
{
	GHashTableIter iterator;
	void *value;

	for (unsigned i = 0; i < SMALL_LIMIT / SMALL_STEP; i++) {
		counting->small[i].size = (uint64_t)i * SMALL_STEP;
		if (counting->small[i].blocks)
			g_array_append_val(snapshot->sizes, counting->small[i]);
	}
	g_hash_table_iter_init(&iterator, counting->large);
	while (g_hash_table_iter_next(&iterator, NULL, &value))
		g_array_append_vals(snapshot->sizes, value, 1);
	g_array_sort(snapshot->sizes, smallest_first);
}

static bool make_amounts(const hc_types *types, hc_path_amounts *amounts)
{
	size_t count = types ? (size_t)hc_types_path_count(types) + 1 : 0;

	amounts->own = g_try_new0(hc_amount, count);
	amounts->mapped = g_try_new0(hc_amount, count);
	amounts->own_resident = g_try_new0(uint64_t, count);
	amounts->mapped_resident = g_try_new0(uint64_t, count);
	amounts->free_between = g_try_new0(uint64_t, count);
	return !types || (amounts->own && amounts->mapped && amounts->own_resident && amounts->mapped_resident &&
				 amounts->free_between);
}

void hc_path_amounts_clear(hc_path_amounts *amounts)
{
	g_free(amounts->own);
	g_free(amounts->mapped);
	g_free(amounts->own_resident);
	g_free(amounts->mapped_resident);
	g_free(amounts->free_between);
}

/* What paths have in memory that is not malloc's: it may change from one path to another as blocks do. */
static void sample_outside(struct counting *counting)
{
	hc_range place;
	uint32_t next = 0, path;

	while (counting->types && hc_types_next_outside(counting->types, &next, &place, &path))
		hc_sampling_add(&counting->sampling, place.start, place.end - place.start, path);
}

bool hc_snapshot_count_blocks(hc_snapshot *snapshot, const hc_analysis *analysis, hc_path_amounts *amounts)
{
	const hc_references *references = hc_analysis_references(analysis);
	g_autofree hc_snapshot_size *small = g_new0(hc_snapshot_size, SMALL_LIMIT / SMALL_STEP);
	g_autoptr(GHashTable) large = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	g_autofree uint32_t *beginnings = find_beginnings(hc_analysis_types(analysis));
	struct counting counting = { small, large, hc_analysis_types(analysis), amounts, { 0 },
		hc_analysis_core(analysis), { 0, 0 }, { 0 }, beginnings };
	hc_block block, lost;
	hc_block_iterator iterator;
	hc_reach reach;
	uint32_t next = 0;
	bool more;

	if (!make_amounts(counting.types, amounts) || (counting.types && !beginnings))
		return false;
	hc_sampling_begin(&counting.sampling, snapshot);
	more = hc_references_next_lost(references, &next, &lost, &reach);
	hc_block_iterator_init(&iterator, hc_analysis_blocks(analysis));
	while (hc_block_iterator_next(&iterator, &block)) {
		bool is_lost = more && lost.number == block.number,
		     is_counted = block.state == HC_BLOCK_IN_USE && !block.label;
		uint32_t path = is_counted && counting.types ? hc_types_path_of_block(counting.types, block.number) : 0;

		if (is_counted)
			count_block(&counting, &block, is_lost, path);
		if (beginnings)
			count_gap(&counting, &block, is_lost, path);
		if (is_lost)
			more = hc_references_next_lost(references, &next, &lost, &reach);
	}
	sample_outside(&counting);
	hc_sampling_end(&counting.sampling);
	collect(snapshot, &counting);
	return true;
}
