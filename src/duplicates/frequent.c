/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Contents of which a sample shows several blocks, counted in all blocks.
 *
 * Whoever asks what blocks that hold the same cost asks for what is there often. That is in a sample
 * more than once. So very many blocks are not all hashed, sorted and compared with each other, but
 * each is compared with the few contents that the sample has shown:
 *
 *	table	The sample's groups stand in it by a fingerprint: size, first 16 and last 8 bytes. How
 *		those of one size begin stands in a set of bits, besides.
 *	count	All blocks pass in order of address. One whose size no content has is not touched; of
 *		one that begins like none, which most are, nothing more is asked. Of the others a line
 *		or two are read, and only where the fingerprint is known all bytes, which proves that
 *		they are the same.
 *
 * The figures of a content are exact, those of all contents a lower bound: what the sample has shown
 * once only is not counted. Where more than PROBES_MAX contents contend for a place of the table,
 * those that save most stand in it.
 *
 * Time: the index once, and the first line of blocks of some sizes, at memory's speed. Memory: a few
 * words for each content. The result is a sum, and so does not depend on the number of workers.
 */
#include "duplicates/content.h"

#include "base/parallel.h"

#include <string.h>

enum {
	STRETCH = 1 << 16, /* granules looked at in one go: a multiple of HC_GROUP_GRANULES */
	SIZES = 1 << 12,   /* entries of a table by size */
	BEGINNING = 16,	   /* bytes */
	BEGINNING_BITS = 8, /* of the set, for each place of the table of contents */
	PROBES_MAX = 64,
	PATHS_MAX = 1 << 20, /* pairs of content and path that are told apart */
	WORKERS_MAX = 64,    /* hc_parallel_workers() */
};

/* A place in the table. */
typedef struct slot {
	uint64_t fingerprint;
	uint32_t content; /* its number, plus 1; 0: none */
} slot;

/* How many blocks of CONTENT hang on PATH. */
typedef struct path_count {
	uint32_t content, path;
	uint32_t blocks; /* 0: unused */
} path_count;

/* Open addressing, a power of two of places. */
typedef struct path_counts {
	path_count *all;
	size_t room, used;
	bool failed; /* there was no room */
} path_counts;

/* The first bytes of a content; or 1 bits where all contents of a size have any: none where there is no content. */
typedef struct beginning {
	uint64_t words[BEGINNING / sizeof(uint64_t)];
} beginning;

typedef struct worker {
	_Alignas(HC_APART) uint64_t *blocks; /* of each content */
	path_counts paths;
} worker;

typedef struct counting {
	const hc_duplicates *sample;
	GArray *frequent; /* of hc_frequent_content */
	hc_content *contents;
	slot *slots;
	uint64_t mask;		 /* of places of slots[] */
	beginning common[SIZES]; /* by size: what of a beginning matters */
	uint64_t *begins;	 /* set of hashes of beginnings */
	uint64_t begins_mask;	 /* of places of that */
	worker workers[WORKERS_MAX];
	uint64_t next_granule; /* atomic */
} counting;

/* ---- the table ---- */

static inline unsigned place_of_size(const hc_blocks *blocks, uint64_t size)
{
	return (size >> blocks->granule_shift) % SIZES;
}

static void add_content(counting *c, const hc_duplicate_group *group, uint32_t number)
{
	const hc_content *content = &c->contents[number];
	uint64_t fingerprint = hc_content_fingerprint(content, group->size), place = fingerprint & c->mask;

	for (unsigned probes = 0; c->slots[place].content; place = (place + 1) & c->mask)
		if (++probes == PROBES_MAX)
			return;
	c->slots[place] = (slot){ fingerprint, number + 1 };
}

/* The place in the set of what a block that BYTES are the first of has in COMMON. */
static inline uint64_t place_of_beginning(const counting *c, const beginning *common, const uint8_t bytes[BEGINNING])
{
	beginning own;

	memcpy(&own, bytes, sizeof own);
	uint64_t hash = (own.words[0] & common->words[0]) * UINT64_C(0x9e3779b97f4a7c15) ^
			(own.words[1] & common->words[1]) * UINT64_C(0xe7037ed1a0b428db);

	return (hash ^ hash >> 32) & c->begins_mask;
}

/* How the contents in the table begin: as many bytes as the shortest of a size has. */
static void add_beginnings(counting *c)
{
	const hc_blocks *blocks = c->sample->blocks;

	for (unsigned i = 0; i < c->frequent->len; i++) {
		const hc_duplicate_group *group = &g_array_index(c->frequent, hc_frequent_content, i).group;
		beginning *common = &c->common[place_of_size(blocks, group->size)], own = { 0 };
		bool is_first = !common->words[0];

		memset(&own, UINT8_MAX, MIN(group->length, sizeof own));
		for (unsigned j = 0; j < G_N_ELEMENTS(own.words); j++)
			common->words[j] = is_first ? own.words[j] : common->words[j] & own.words[j];
	}
	for (unsigned i = 0; i < c->frequent->len; i++) {
		const hc_duplicate_group *group = &g_array_index(c->frequent, hc_frequent_content, i).group;
		const hc_content *content = &c->contents[i];
		uint8_t bytes[BEGINNING] = { 0 };

		memcpy(bytes, content->bytes, MIN(content->length, sizeof bytes));
		hc_set_bit(c->begins, place_of_beginning(c, &c->common[place_of_size(blocks, group->size)], bytes));
	}
}

/* Takes the groups of the sample that are certain to be worth counting. FALSE if memory was out. */
static bool make_table(counting *c)
{
	const hc_duplicates *sample = c->sample;
	uint64_t available;
	size_t room = 64;

	for (unsigned i = 0; i < sample->groups->len; i++) {
		const hc_duplicate_group *group = &g_array_index(sample->groups, hc_duplicate_group, i);
		hc_frequent_content frequent = { .group = *group };

		frequent.group.blocks = 0;
		if (hc_duplicate_is_certain(group))
			g_array_append_val(c->frequent, frequent);
	}
	while (room < (size_t)c->frequent->len * 4)
		room *= 2;
	c->mask = room - 1;
	c->slots = g_try_new0(slot, room);
	c->contents = g_try_new(hc_content, (size_t)c->frequent->len + 1);
	c->begins = g_try_new0(uint64_t, room * BEGINNING_BITS / 64);
	c->begins_mask = room * BEGINNING_BITS - 1;
	if (!c->slots || !c->contents || !c->begins)
		return false;
	for (unsigned i = 0; i < c->frequent->len; i++) {
		const hc_duplicate_group *group = &g_array_index(c->frequent, hc_frequent_content, i).group;

		c->contents[i] = (hc_content){ hc_core_bytes(sample->core, group->example, &available), group->length,
			group->compared };
		add_content(c, group, i);
	}
	add_beginnings(c);
	return true;
}

/* ---- paths ---- */

/* Of the product the upper bits depend on all of the pair, the lower ones on the path and little of the content. */
static path_count *find_path(path_count *all, size_t room, uint32_t content, uint32_t path)
{
	uint64_t hash = ((uint64_t)content << 32 | path) * UINT64_C(0x9e3779b97f4a7c15) >> 40;

	for (size_t place = hash & (room - 1);; place = (place + 1) & (room - 1))
		if (!all[place].blocks || (all[place].content == content && all[place].path == path))
			return &all[place];
}

static bool grow_paths(path_counts *paths)
{
	size_t room = paths->room ? paths->room * 2 : 1024;
	path_count *all = room <= 2 * PATHS_MAX ? g_try_new0(path_count, room) : NULL;

	for (size_t i = 0; all && i < paths->room; i++)
		if (paths->all[i].blocks)
			*find_path(all, room, paths->all[i].content, paths->all[i].path) = paths->all[i];
	if (!all) {
		paths->failed = true;
		return false;
	}
	g_free(paths->all);
	paths->all = all;
	paths->room = room;
	return true;
}

static void count_path(path_counts *paths, uint32_t content, uint32_t path, uint32_t blocks)
{
	path_count *count = paths->room ? find_path(paths->all, paths->room, content, path) : NULL;

	if (!count || (!count->blocks && paths->used >= paths->room / 2)) {
		if (paths->failed || !grow_paths(paths))
			return;
		count = find_path(paths->all, paths->room, content, path);
	}
	if (!count->blocks) {
		*count = (path_count){ content, path, 0 };
		paths->used++;
	}
	count->blocks += blocks;
}

/* ---- count ---- */

/* The number of CONTENT, of a block of SIZE usable bytes; -1: none that is counted. */
static int64_t find_content(const counting *c, const hc_content *content, uint64_t size)
{
	uint64_t fingerprint = hc_content_fingerprint(content, size), place = fingerprint & c->mask;

	for (unsigned probes = 0; c->slots[place].content && probes < PROBES_MAX;
		place = (place + 1) & c->mask, probes++) {
		uint32_t number = c->slots[place].content - 1;

		if (c->slots[place].fingerprint == fingerprint &&
			g_array_index(c->frequent, hc_frequent_content, number).group.size == size &&
			hc_contents_are_equal(&c->contents[number], content))
			return number;
	}
	return -1;
}

/* Counts BLOCK, whose size some contents have, and these COMMON. */
static void count_block(counting *c, worker *w, const hc_block_region *region, uint64_t start,
	const hc_compared_block *block, const beginning *common)
{
	const hc_duplicates *sample = c->sample;
	const uint8_t *bytes = hc_compared_bytes(sample, region, block);
	int64_t number;

	if (!bytes || (block->size >= BEGINNING && !hc_bit(c->begins, place_of_beginning(c, common, bytes))))
		return;
	if (hc_blocks_is_labelled(sample->blocks, block->number) ||
		hc_reach_is_lost(hc_references_reach_at(sample->references, start)))
		return;
	hc_content content = hc_content_of(sample, block, bytes);

	number = find_content(c, &content, block->size);
	if (number < 0)
		return;
	w->blocks[number]++;
	if (sample->types)
		count_path(&w->paths, (uint32_t)number, hc_types_path_of_block(sample->types, block->number), 1);
}

static void count_stretch(counting *c, worker *w, uint64_t first)
{
	const hc_blocks *blocks = c->sample->blocks;
	uint64_t end = MIN(first + STRETCH, blocks->granule_count);
	uint32_t number = blocks->rank[first / HC_GROUP_GRANULES];
	hc_start_cursor cursor = hc_start_cursor_at(blocks, first);
	uint64_t start = hc_start_cursor_next(&cursor);
	const hc_block_region *region = NULL;

	for (; start < end; number++) {
		uint64_t next = hc_start_cursor_next(&cursor);

		if (G_UNLIKELY(!region || start - region->first_granule >= region->granules))
			region = hc_blocks_region_of_start(blocks, start);
		if (blocks->states[number] == HC_BLOCK_IN_USE) {
			hc_compared_block block = hc_compared_block_at(blocks, region, start, next, number);
			const beginning *common = &c->common[place_of_size(blocks, block.size)];

			if (common->words[0])
				count_block(c, w, region, start, &block, common);
		}
		start = next;
	}
}

static void run_worker(void *data, unsigned index)
{
	counting *c = data;
	uint64_t first;

	while ((first = __atomic_fetch_add(&c->next_granule, STRETCH, __ATOMIC_RELAXED)) <
		c->sample->blocks->granule_count)
		count_stretch(c, &c->workers[index], first);
}

/* ---- the whole ---- */

/* Puts together what the workers counted. Paths are told only if all of them could be told apart, by whichever worker. */
static void add_up(counting *c, unsigned workers)
{
	path_counts all = { 0 };

	for (unsigned i = 0; i < workers; i++) {
		const path_counts *paths = &c->workers[i].paths;

		all.failed |= paths->failed;
		for (unsigned k = 0; k < c->frequent->len; k++)
			g_array_index(c->frequent, hc_frequent_content, k).group.blocks += c->workers[i].blocks[k];
		for (size_t k = 0; k < paths->room; k++)
			if (paths->all[k].blocks)
				count_path(&all, paths->all[k].content, paths->all[k].path, paths->all[k].blocks);
	}
	for (size_t k = 0; !all.failed && k < all.room; k++) {
		hc_frequent_content *frequent = &g_array_index(c->frequent, hc_frequent_content, all.all[k].content);

		if (all.all[k].blocks > frequent->group.blocks / 2)
			frequent->path = all.all[k].path;
	}
	g_free(all.all);
}

GArray *hc_duplicates_frequent(const hc_duplicates *sample)
{
	counting *c = g_aligned_alloc0(1, sizeof *c, HC_APART);
	unsigned workers = MIN(sample->workers, WORKERS_MAX);
	bool ok;

	c->sample = sample;
	c->frequent = g_array_new(FALSE, FALSE, sizeof(hc_frequent_content));
	ok = make_table(c);
	for (unsigned i = 0; i < workers; i++) {
		c->workers[i].blocks = g_try_new0(uint64_t, (size_t)c->frequent->len + 1);
		ok &= c->workers[i].blocks != NULL;
	}
	if (ok) {
		hc_parallel_run(workers, run_worker, c);
		add_up(c, workers);
	}
	for (unsigned i = 0; i < workers; i++) {
		g_free(c->workers[i].blocks);
		g_free(c->workers[i].paths.all);
	}
	g_free(c->slots);
	g_free(c->contents);
	g_free(c->begins);
	if (!ok)
		g_clear_pointer(&c->frequent, g_array_unref);
	GArray *frequent = c->frequent;

	g_aligned_free(c);
	return frequent;
}
