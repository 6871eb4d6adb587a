/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of all that is alive, shared out: roots in slices, blocks by stretches of the index.
 *
 * What hardly any word answers with yes is asked of a stretch of memory as it lies there, headers and free blocks included: to tell
 * one block from the next takes longer than to ask. Only for a word that said yes it is found out which block it is in.
 */
#include "references/learn.h"

#include "base/parallel.h"

enum {
	SLICE = 256 * 1024,
	STRETCH = 64 * HC_GROUP_GRANULES, /* granules that are taken at once: half a megabyte of heap */
	PIECE = 2 *
		HC_GROUP_GRANULES, /* granules of a stretch that is looked at as words: they stay in the first cache */
	PAGE = 4096,
	WORKERS_MAX = 64 /* as hc_parallel_workers() */
};

struct looking {
	const hc_references *references;
	bool is_native; /* words are of 8 bytes, in our order */
	GArray *roots;	/* of hc_word_source */
	const uint64_t *chosen;
	uint64_t least, most; /* usable bytes of blocks; 0: any */
	const hc_look_sizes *sizes;
	uint64_t every; /* stretches: one in so many is looked at; 0: all */
	hc_look look;
	hc_look_at_blocks look_at_blocks; /* NULL: blocks are looked at one by one */
	hc_look_at_words look_at_words;	  /* or NULL */
	void *data;
	int next_root;
	uint64_t next_granule;
	uint64_t bytes[WORKERS_MAX][8]; /* looked at by each worker; in cache lines of their own */
};

/* What a worker has for look_at_blocks(). */
struct batch {
	unsigned count;
	hc_live_block blocks[HC_LIVE_BLOCKS];
};

/* Slices of which all is known to be zeros are left out, but count. */
static void add_slices(struct looking *looking, hc_words words, hc_address address, bool stack)
{
	for (uint64_t at = 0; at < words.size;) {
		/* A slice of data is a page: what lies close together belongs together. */
		uint64_t slice = stack ? SLICE : PAGE, size = MIN(words.size - at, slice), part;

		if (hc_core_is_hole(looking->references->core, words.bytes + at, words.size - at, &part) &&
			part >= slice) {
			looking->bytes[0][0] += hc_align_down(part, slice);
			at += hc_align_down(part, slice);
			continue;
		}
		hc_word_source source = {
			.bytes = words.bytes + at,
			.size = size,
			.address = address ? address + at : 0,
			.root = true,
			.start = UINT64_MAX,
			.marked = true,
			.holder = stack ? 0 : address + at,
		};

		g_array_append_val(looking->roots, source);
		at += size;
	}
}

static void add_root(struct looking *looking, const hc_root *root)
{
	const hc_references *references = looking->references;
	unsigned word = references->blocks->word;
	hc_address address = hc_align_up(root->start, word);

	if (!root->used)
		return;
	if (root->registers) {
		g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_words));

		hc_references_add_root_words(references, root, words);
		for (unsigned i = 0; i < words->len; i++)
			add_slices(looking, g_array_index(words, hc_words, i), 0, true);
		return;
	}
	/* An area lies in one mapping, a mapping in few pieces. */
	while (address < root->end) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(references->core, address, &available);

		if (!bytes)
			return;
		available = MIN(available, root->end - address);
		add_slices(looking, (hc_words){ bytes, available & ~(uint64_t)(word - 1) }, address,
			root->kind == HC_AREA_STACK);
		address += available;
	}
}

static void look_at_words(struct looking *looking, unsigned worker, const hc_word_source *source)
{
	looking->bytes[worker][0] += source->size;
	looking->look(looking->data, worker, source);
}

bool hc_live_block_is_cache(const hc_blocks *blocks, uint32_t number)
{
	return hc_blocks_is_labelled(blocks, number) &&
	       hc_label_is_cache(g_hash_table_lookup(blocks->labels, GUINT_TO_POINTER(number)));
}

/* As hc_blocks_usable_size(), for the common case without a call. */
static inline uint64_t usable_size(const struct looking *looking, const hc_block_region *region, hc_address address)
{
	const hc_blocks *blocks = looking->references->blocks;
	uint64_t offset = address - blocks->word - region->start, size;

	if (!looking->is_native || !region->bytes || region->region.is_mmapped || offset >= region->end - region->start)
		return hc_blocks_usable_size(blocks, region, address);
	size = hc_load_u64(region->bytes + offset, false) & ~(uint64_t)7;
	return size > sizeof size ? size - sizeof size : 0;
}

/* A block whose memory is not in one piece of the core. */
static void look_at_pieces(
	struct looking *looking, unsigned worker, const hc_block_region *region, const hc_word_source *whole)
{
	const hc_references *references = looking->references;
	hc_address address = whole->block, end = address + whole->block_size;

	while (address < end) {
		hc_word_source source = *whole;
		uint64_t available = end - address;

		source.bytes = region->bytes && address >= region->start ?
				       region->bytes + (address - region->start) :
				       hc_core_bytes(references->core, address, &available);
		if (!source.bytes)
			return;
		source.address = address;
		available = MIN(available, end - address);
		source.size = available & ~(uint64_t)(references->blocks->word - 1);
		if (source.size)
			look_at_words(looking, worker, &source);
		address += available;
	}
}

static void look_at_batch(struct looking *looking, unsigned worker, struct batch *batch)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < batch->count; i++)
		bytes += batch->blocks[i].size;
	looking->bytes[worker][0] += bytes;
	if (batch->count)
		looking->look_at_blocks(looking->data, worker, batch->blocks, batch->count);
	batch->count = 0;
}

/* BATCH: NULL, or where blocks are collected. */
static inline __attribute__((always_inline)) void look_at_block(
	struct looking *looking, unsigned worker, const hc_block_region *region, uint64_t start, struct batch *batch)
{
	const hc_references *references = looking->references;
	hc_address address = hc_blocks_address(references->blocks, region, start);
	uint64_t size = usable_size(looking, region, address);
	hc_live_block block = { .address = address, .start = start, .block_size = MIN(size, region->end - address) };

	if (G_UNLIKELY(!region->bytes || address < region->start)) {
		hc_word_source source = hc_live_block_source(references, &block);

		look_at_pieces(looking, worker, region, &source);
		return;
	}
	block.bytes = region->bytes + (address - region->start);
	block.size = block.block_size & ~(uint64_t)(references->blocks->word - 1);
	if (!block.size)
		return;
	if (batch) {
		batch->blocks[batch->count++] = block;
	} else {
		hc_word_source source = hc_live_block_source(references, &block);

		look_at_words(looking, worker, &source);
	}
}

/* Whether the block that starts at granule START has a size that is asked for. */
static inline bool has_size(const struct looking *looking, uint64_t start)
{
	const hc_blocks *blocks = looking->references->blocks;
	uint64_t chunk = (hc_blocks_next_start(blocks, start + 1) - start) << blocks->granule_shift;

	return chunk - blocks->word - looking->least <= looking->most - looking->least;
}

static void look_at_stretch(struct looking *looking, unsigned worker, uint64_t first)
{
	const hc_blocks *blocks = looking->references->blocks;
	uint64_t end = MIN(first + STRETCH, blocks->granule_count) / 64;
	uint32_t number = blocks->rank[first / HC_GROUP_GRANULES];
	const hc_block_region *region = NULL;

	for (uint64_t word = first / 64; word < end; word++) {
		uint64_t chosen = looking->chosen ? looking->chosen[word] : ~(uint64_t)0;

		if (!(chosen & blocks->starts[word])) {
			number += __builtin_popcountll(blocks->starts[word]);
			continue;
		}
		for (uint64_t bits = blocks->starts[word]; bits; bits &= bits - 1, number++) {
			uint64_t start = word * 64 + __builtin_ctzll(bits);

			if (!(chosen & bits & -bits) || blocks->states[number] != HC_BLOCK_IN_USE ||
				hc_live_block_is_cache(blocks, number) || (looking->most && !has_size(looking, start)))
				continue;
			if (!region || start - region->first_granule >= region->granules)
				region = hc_blocks_region_of_start(blocks, start);
			look_at_block(looking, worker, region, start, NULL);
		}
	}
}

/*
 * Where blocks of a region are in our memory: the result, plus their address. NULL: look_at_block() tells. What is in one piece is looked
 * at without touching it before all of a batch is on its way into the cache.
 */
static const uint8_t *place_of(const hc_block_region *region)
{
	return region->bytes && !region->region.is_mmapped ?
		       (const uint8_t *)((uintptr_t)region->bytes - region->start) :
		       NULL;
}

/* Whether the block that starts at granule START, the next one at NEXT, is asked for; the last one of a region always is. */
static inline bool may_have_size(
	const struct looking *looking, const hc_block_region *region, uint64_t start, uint64_t next)
{
	return next - start >= HC_LOOK_GRANULES || next - region->first_granule >= region->granules ||
	       hc_bit(looking->sizes->granules, next - start);
}

static inline void add_to_batch(const struct looking *looking, struct batch *batch, const hc_block_region *region,
	const uint8_t *place, uint64_t start, uint64_t next)
{
	const hc_blocks *blocks = looking->references->blocks;
	hc_address address = hc_blocks_address(blocks, region, start);
	const uint8_t *bytes = (const uint8_t *)((uintptr_t)place + address);
	uint64_t size = MIN(hc_blocks_size_up_to(blocks, region, start, next), region->end - address);

	__builtin_prefetch(bytes);
	batch->blocks[batch->count] =
		(hc_live_block){ bytes, size & ~(uint64_t)(blocks->word - 1), address, start, size };
	batch->count += size >= blocks->word;
}

static void look_at_stretch_in_batches(struct looking *looking, unsigned worker, uint64_t first, uint64_t until)
{
	const hc_blocks *blocks = looking->references->blocks;
	uint64_t end = until / 64;
	uint32_t number = blocks->rank[first / HC_GROUP_GRANULES];
	const hc_block_region *region = NULL;
	const uint8_t *place = NULL;
	struct batch batch;

	batch.count = 0;
	for (uint64_t word = first / 64; word < end; word++) {
		uint64_t starts = blocks->starts[word], chosen = looking->chosen ? looking->chosen[word] : starts;

		for (uint64_t rest; starts; starts = rest, number++) {
			uint64_t start = word * 64 + __builtin_ctzll(starts), next;

			rest = starts & (starts - 1);
			if (!(chosen & starts & -starts) || blocks->states[number] != HC_BLOCK_IN_USE ||
				hc_live_block_is_cache(blocks, number))
				continue;
			if (!region || start - region->first_granule >= region->granules) {
				region = hc_blocks_region_of_start(blocks, start);
				place = place_of(region);
			}
			next = rest ? word * 64 + __builtin_ctzll(rest) : hc_blocks_next_start(blocks, word * 64 + 64);
			if (looking->sizes && !may_have_size(looking, region, start, next))
				continue;
			if (place && hc_blocks_address(blocks, region, start) >= region->start)
				add_to_batch(looking, &batch, region, place, start, next);
			else
				look_at_block(looking, worker, region, start, &batch);
			if (batch.count == HC_LIVE_BLOCKS)
				look_at_batch(looking, worker, &batch);
		}
	}
	look_at_batch(looking, worker, &batch);
}

/* The granules [FIRST, UNTIL) of REGION, which is in one piece, with all that lies between its blocks. */
static void look_at_stretch_as_words(struct looking *looking, unsigned worker, const hc_block_region *region,
	const uint8_t *place, uint64_t first, uint64_t until)
{
	const hc_references *references = looking->references;
	const hc_blocks *blocks = references->blocks;

	for (; first < until; first += PIECE) {
		hc_live_words words = { .references = references, .region = region, .first = first };

		words.end = MIN(first + PIECE, until);
		words.address = hc_align_up(MAX(hc_blocks_address(blocks, region, first), region->start), blocks->word);
		hc_address end = MIN(hc_blocks_address(blocks, region, words.end), region->end);

		if (words.address >= end)
			continue;
		words.size = (end - words.address) & ~(uint64_t)(blocks->word - 1);
		words.bytes = (const uint8_t *)((uintptr_t)place + words.address);
		looking->bytes[worker][0] += words.size;
		looking->look_at_words(looking->data, worker, &words);
	}
}

/* Each region's part of the stretch in its own way. */
static void look_at_stretch_by_regions(struct looking *looking, unsigned worker, uint64_t first)
{
	const hc_blocks *blocks = looking->references->blocks;
	uint64_t end = MIN(first + STRETCH, blocks->granule_count);

	while (first < end) {
		const hc_block_region *region = hc_blocks_region_of_start(blocks, first);
		const uint8_t *place = place_of(region);
		uint64_t until = MIN(end, region->first_granule + region->granules);

		if (place)
			look_at_stretch_as_words(looking, worker, region, place, first, until);
		else
			look_at_stretch_in_batches(looking, worker, first, until);
		first = until;
	}
}

bool hc_live_words_block(const hc_live_words *words, const uint8_t *word, hc_live_block *ret_block)
{
	const hc_blocks *blocks = words->references->blocks;
	const hc_block_region *region = words->region;
	hc_address block;
	uint64_t start = hc_live_words_start(words, word, &block);
	uint32_t number = start == UINT64_MAX ? 0 : hc_blocks_number(blocks, start);

	if (start == UINT64_MAX || blocks->states[number] != HC_BLOCK_IN_USE || hc_live_block_is_cache(blocks, number))
		return false;
	uint64_t size = MIN(hc_blocks_size_up_to(blocks, region, start, hc_blocks_next_start(blocks, start + 1)),
		region->end - block);

	*ret_block = (hc_live_block){ words->bytes + (block - words->address), size & ~(uint64_t)(blocks->word - 1),
		block, start, size };
	return (uint64_t)(word - ret_block->bytes) + blocks->word <= ret_block->size;
}

static void run_worker(void *data, unsigned worker)
{
	struct looking *looking = data;
	const hc_blocks *blocks = looking->references->blocks;
	bool as_words = looking->look_at_words && !looking->chosen && !looking->sizes;
	uint64_t first;
	unsigned root;

	while ((root = g_atomic_int_add(&looking->next_root, 1)) < looking->roots->len)
		look_at_words(looking, worker, &g_array_index(looking->roots, hc_word_source, root));
	while ((first = __atomic_fetch_add(&looking->next_granule, STRETCH, __ATOMIC_RELAXED)) < blocks->granule_count)
		if (looking->every && hc_learn_hash(first / STRETCH) % looking->every)
			continue;
		else if (as_words)
			look_at_stretch_by_regions(looking, worker, first);
		else if (looking->look_at_blocks)
			look_at_stretch_in_batches(looking, worker, first, MIN(first + STRETCH, blocks->granule_count));
		else
			look_at_stretch(looking, worker, first);
}

static struct looking look_with(const hc_references *references, hc_look look, void *data)
{
	hc_word_format format = hc_core_word_format(references->core);

	return (struct looking){
		.references = references,
		.is_native = format.size == 8 && !format.swap,
		.look = look,
		.data = data,
		.roots = g_array_new(FALSE, FALSE, sizeof(hc_word_source)),
	};
}

static void look_at_all(struct looking *looking, hc_references *references, unsigned jobs)
{
	hc_parallel_run(hc_parallel_workers(jobs), run_worker, looking);
	for (unsigned worker = 0; worker < WORKERS_MAX; worker++)
		references->totals.learning += looking->bytes[worker][0] / references->blocks->word;
	g_array_unref(looking->roots);
}

void hc_references_look_with(hc_references *references, const hc_look_options *options, unsigned jobs)
{
	struct looking looking = look_with(references, options->look, options->data);

	looking.chosen = options->chosen;
	looking.every = options->every;
	looking.sizes = options->sizes;
	looking.look_at_blocks = options->look_at_blocks;
	looking.look_at_words = options->look_at_words;
	for (unsigned i = 0; options->roots && i < references->roots->len; i++)
		add_root(&looking, &g_array_index(references->roots, hc_root, i));
	look_at_all(&looking, references, jobs);
}

void hc_references_look(
	hc_references *references, bool roots, const uint64_t *chosen, unsigned jobs, hc_look look, void *data)
{
	hc_references_look_with(
		references, &(hc_look_options){ .roots = roots, .chosen = chosen, .look = look, .data = data }, jobs);
}

void hc_references_look_at_sizes(hc_references *references, const uint64_t *chosen, uint64_t least, uint64_t most,
	unsigned jobs, hc_look look, void *data)
{
	struct looking looking = look_with(references, look, data);

	looking.chosen = chosen;
	looking.least = least;
	looking.most = most;
	look_at_all(&looking, references, jobs);
}

void hc_references_look_at_root(const hc_references *references, const hc_root *root, hc_look look, void *data)
{
	struct looking looking = look_with(references, look, data);

	add_root(&looking, root);
	for (unsigned i = 0; i < looking.roots->len; i++)
		look(data, 0, &g_array_index(looking.roots, hc_word_source, i));
	g_array_unref(looking.roots);
}

void hc_references_look_at(const hc_references *references, uint64_t start, hc_look look, void *data)
{
	struct looking looking = { .references = references, .look = look, .data = data };

	look_at_block(&looking, 0, hc_blocks_region_of_start(references->blocks, start), start, NULL);
}

/* Where the words are of another byte order. */
static void find_swapped_numbers(
	const hc_blocks *index, const hc_live_block *blocks, unsigned count, uint64_t *ret_numbers)
{
	for (unsigned k = 0; k < count; k++) {
		unsigned words = MIN(blocks[k].size / 8, HC_LIVE_NUMBERS);

		ret_numbers[k] = 0;
		for (unsigned i = 0; i < words; i++) {
			uint64_t value = hc_load_u64(blocks[k].bytes + 8 * i, true);

			ret_numbers[k] |= (uint64_t)(value && !hc_blocks_may_contain(index, value)) << i;
		}
	}
}

/* Blocks that follow each other closely have one answer, shared out. */
void hc_live_blocks_numbers(
	const hc_blocks *index, const hc_live_block *blocks, unsigned count, bool swap, uint64_t *ret_numbers)
{
	const hc_word_range first = { .low = index->spans[0].start, .span = index->spans[0].size },
			    second = { .low = index->spans[1].start, .span = index->spans[1].size };

	if (swap) {
		find_swapped_numbers(index, blocks, count, ret_numbers);
		return;
	}
	for (unsigned k = 0, end; k < count; k = end) {
		const uint8_t *bytes = blocks[k].bytes;
		uint64_t words = blocks[k].size / 8;

		for (end = k + 1; end < count && hc_live_block_follows(&blocks[end - 1], &blocks[end]); end++) {
			uint64_t more = (blocks[end].bytes + blocks[end].size - bytes) / 8;

			if (more > HC_LIVE_NUMBERS)
				break;
			words = more;
		}
		uint64_t numbers = hc_words_in_neither(bytes, MIN(words, HC_LIVE_NUMBERS), first, second);

		for (unsigned i = k; i < end; i++) {
			unsigned own = MIN(blocks[i].size / 8, HC_LIVE_NUMBERS);

			ret_numbers[i] = numbers >> (blocks[i].bytes - bytes) / 8 & ~(uint64_t)0 >> (64 - own);
		}
	}
}
