/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers of 32 bits by their places, as compressed.c needs them, which tells what a place is and what a sample of its numbers can prove.
 *
 *	hopeless  Of a large heap a part is looked at first. Places whose numbers there are far from any encoding are left out of all
 *		  that follows.
 *	samples	  The first look takes of each place the numbers whose hashes are lowest. Nearly all numbers have no room in a sample
 *		  that is full, or are known already: that is one comparison for each, with a table that has for each size of a
 *		  block, and each place in it, the highest hash that is of use.
 *	counts	  How many numbers there are, and between which they lie, matters only where the sample may be encoded pointers at all. The
 *		  second look counts them there, and touches no block without such a place.
 */
#include "references/numbers.h"
#include "references/encodings.h"

#include "base/parallel.h"
#include "base/partition.h"

enum {
	TABLES_MAX = 4096,	/* those with most numbers */
	REMAINDERS = 16,	/* modulo the alignment of blocks that are told apart */
	WINDOW = 4,		/* times HC_WORD_MASK words */
	SEEN_BITS = 6,
};

/* What one worker saw. */
struct sketches {
	hc_number_sketch places[HC_NUMBER_PLACES];
	/*
	 * In small blocks of so many words. Rooms: hashes of a number less 1 are of no use from there on. Known: the last words, one that is even
	 * and one that is odd, and small ones. What was looked at is of no use again, and most texts are alike; lengths, states, kinds, ... are of
	 * few values.
	 */
	hc_known_words known[HC_NUMBER_TABLE_MIN / 8];
	/* Others that were looked at there, by a hash. */
	uint64_t seen[HC_NUMBER_TABLE_MIN / 8][HC_NUMBER_TABLE_MIN / 8][1 << SEEN_BITS];
	GArray *tables; /* of hc_number_table */
};

struct hc_numbers {
	hc_references *references;
	bool swap;		   /* the byte order of the process is not ours */
	struct sketches *sketches; /* one for each worker; put together in the first */
	unsigned workers;
	uint64_t region_size;			  /* of the largest */
	uint64_t hopeless[HC_NUMBER_PLACES / 64]; /* places that the sample spoke against */
	uint64_t wanted[HC_NUMBER_PLACES / 64];	  /* places that the second look counts */
	uint32_t open[HC_NUMBER_TABLE_MIN / 8];	  /* words that have such places, in blocks of so many words */
	uint32_t hopeful[HC_NUMBER_TABLE_MIN / 8]; /* words of which not both halves are hopeless */
	uint16_t places[HC_NUMBER_TABLE_MIN / 8]
		       [HC_NUMBER_TABLE_MIN / 4]; /* in blocks of so many words: of each 32 bits */
};

/* ---- places and samples ---- */

/* The place of a word at OFFSET in a block of SIZE bytes, up to HC_NUMBER_SMALL_BLOCK. */
static inline unsigned place_in_block(uint64_t size, uint64_t offset)
{
	return hc_learn_hash(size * 31 + offset / 4) % HC_NUMBER_PLACES;
}

/* The place of a word as an offset; -1: none. */
int hc_number_place(const hc_word_source *source, uint64_t at)
{
	return source->root || source->block_size > HC_NUMBER_SMALL_BLOCK ?
		       -1 :
		       (int)place_in_block(source->block_size, source->address + at - source->block);
}

static void sketch_add(hc_number_sketch *sketch, uint32_t hash)
{
	unsigned place = HC_PARTITION_POINT(middle, 0u, sketch->size, sketch->hashes[middle] < hash);

	if (place < sketch->size && sketch->hashes[place] == hash)
		return;
	sketch->size = MIN(sketch->size + 1, HC_NUMBER_SAMPLE);
	memmove(&sketch->hashes[place + 1], &sketch->hashes[place], (sketch->size - place - 1) * sizeof hash);
	sketch->hashes[place] = hash;
}

/* Whether the 8 bytes are an address rather than two numbers. */
static inline bool is_address(const hc_references *references, uint64_t value)
{
	return hc_blocks_may_contain(references->blocks, value) ||
	       (value >> 32 && !(value >> 47) && hc_areas_find(references->areas, value));
}

/* The numbers, times FACTOR, may all lead to starts: they agree in what is below the alignment, and fit into a region. */
bool hc_numbers_are_possible(const hc_numbers *numbers, const hc_number_sketch *sketch, unsigned factor)
{
	uint64_t alignment = numbers->references->blocks->alignment, low = UINT64_MAX, high = 0;
	unsigned odd = 0;

	for (unsigned i = 0; i < sketch->size; i++) {
		uint64_t distance = (uint64_t)(hc_number_of_hash(sketch->hashes[i])) * factor,
			 first = (uint64_t)(hc_number_of_hash(sketch->hashes[0])) * factor;

		odd += (distance - first) % alignment != 0;
		low = MIN(low, distance);
		high = MAX(high, distance);
	}
	return odd <= sketch->size / HC_NUMBER_MISSES_SHARE && high - low < numbers->region_size;
}

/* As struct sketches has it. */
static inline uint32_t room_of(const hc_number_sketch *sketch)
{
	return sketch->size == HC_NUMBER_SAMPLE ? sketch->hashes[HC_NUMBER_SAMPLE - 1] - 1 : UINT32_MAX;
}

/* Of few different numbers most are known; they cost no search. */
static inline bool is_known(const hc_number_sketch *sketch, uint32_t hash)
{
	return sketch->recent[hash >> 16 & (HC_NUMBER_RECENT - 1)] == hash;
}

static void sketch_sample(hc_number_sketch *sketch, uint32_t hash)
{
	if (hash - 1 >= room_of(sketch) || is_known(sketch, hash))
		return;
	sketch->recent[hash >> 16 & (HC_NUMBER_RECENT - 1)] = hash;
	sketch_add(sketch, hash);
}

static inline void sketch_count(hc_number_sketch *sketch, uint64_t block_size, uint32_t number, bool fit)
{
	sketch->count++;
	sketch->fit += fit;
	sketch->low = MAX(sketch->low, ~number);
	sketch->high = MAX(sketch->high, number);
	sketch->block_size = MAX(sketch->block_size, block_size);
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * Whether the numbers of a sample are so far from any encoding that those of all blocks will not be
 * nearer: for each factor a quarter of them disagree in what is below the alignment, or half of them
 * lie further apart than a region is large.
 */
static bool is_hopeless(const hc_numbers *numbers, const hc_number_sketch *sketch)
{
	uint64_t alignment = numbers->references->blocks->alignment;
	uint32_t sample[HC_NUMBER_SAMPLE];

	if (sketch->size < HC_NUMBER_SAMPLE)
		return false;
	for (unsigned i = 0; i < HC_NUMBER_SAMPLE; i++)
		sample[i] = hc_number_of_hash(sketch->hashes[i]);
	qsort(sample, HC_NUMBER_SAMPLE, sizeof *sample, compare_numbers);
	for (unsigned k = 0; k < HC_NUMBER_FACTORS; k++) {
		uint64_t range = (uint64_t)(sample[HC_NUMBER_SAMPLE * 3 / 4] - sample[HC_NUMBER_SAMPLE / 4]) *
				 hc_number_factors[k];
		unsigned agree[REMAINDERS] = { 0 }, most = 0;

		for (unsigned i = 0; i < HC_NUMBER_SAMPLE; i++) {
			unsigned *count = &agree[(uint64_t)sample[i] * hc_number_factors[k] % alignment % REMAINDERS];

			most = MAX(most, ++*count);
		}
		if (range < numbers->region_size && most > HC_NUMBER_SAMPLE * 3 / 4)
			return false;
	}
	return true;
}

static int compare_tables(const void *a, const void *b)
{
	const hc_number_table *x = a, *y = b;

	if (x->sketch.count != y->sketch.count)
		return x->sketch.count < y->sketch.count ? 1 : -1;
	return (x->holder > y->holder) - (x->holder < y->holder);
}

/* The first TABLES_MAX in order. Which these are does not depend on when it is called. */
static void cut_tables(GArray *tables)
{
	g_array_sort(tables, compare_tables);
	g_array_set_size(tables, MIN(tables->len, TABLES_MAX));
}

/* Whether an encoding may be tried with it. */
static bool may_be_learned(const hc_numbers *numbers, const hc_number_sketch *sketch)
{
	bool possible = false;

	for (unsigned i = 0; i < HC_NUMBER_FACTORS && sketch->size >= HC_NUMBER_SAMPLE_MIN; i++)
		possible |= hc_numbers_are_possible(numbers, sketch, hc_number_factors[i]);
	return possible;
}

static void add_table(hc_numbers *numbers, GArray *tables, const hc_number_table *table)
{
	if (!may_be_learned(numbers, &table->sketch))
		return;
	g_array_append_val(tables, *table);
	if (tables->len >= 2 * TABLES_MAX)
		cut_tables(tables);
}

/* Notes the numbers of the 8 bytes at byte I of SOURCE. TABLE: NULL, or the block's own sketch. */
static void gather_word(hc_numbers *numbers, struct sketches *sketches, const hc_word_source *source, uint64_t i,
	hc_number_sketch *table)
{
	for (uint64_t at = i; at < i + 8; at += 4) {
		uint32_t number = hc_load_u32(source->bytes + at, numbers->swap);
		int place = number ? hc_number_place(source, at) : -1;

		if (place >= 0 && !hc_bit(numbers->hopeless, place))
			sketch_sample(&sketches->places[place], hc_number_hash(number));
		if (number && table) {
			sketch_count(table, source->block_size, number, true);
			sketch_sample(table, hc_number_hash(number));
		}
	}
}

void hc_numbers_gather(void *data, unsigned worker, const hc_word_source *source)
{
	hc_numbers *numbers = data;
	const hc_references *references = numbers->references;
	struct sketches *sketches = &numbers->sketches[worker];
	bool is_table = hc_numbers_may_be_table(source);
	hc_number_table table = { .holder = source->holder };

	for (uint64_t i = 0; i + 8 <= source->size; i += 8) {
		uint64_t value = hc_load_u64(source->bytes + i, numbers->swap);

		if (!value)
			continue;
		if (is_address(references, value))
			is_table = false;
		else
			gather_word(numbers, sketches, source, i, is_table ? &table.sketch : NULL);
	}
	if (is_table)
		add_table(numbers, sketches->tables, &table);
}

/* A number that has room where *ROOM tells, at PLACE. */
static void gather_number(hc_number_sketch *sketch, uint32_t hash, uint32_t *room)
{
	sketch_sample(sketch, hash);
	*room = room_of(sketch);
}

/* Whether a word that is not in the heap's range is an address all the same. */
static inline bool is_elsewhere(const hc_references *references, uint64_t value)
{
	return value >> 32 && !(value >> 47) && hc_areas_find(references->areas, value);
}

/* VALUE is the word WORD of a small block of WORDS words, and no address in the heap. FIRST and SECOND are its halves, as they lie. */
static inline __attribute__((always_inline)) void gather_halves(hc_numbers *numbers, struct sketches *sketches,
	unsigned words, unsigned word, uint64_t value, uint32_t first, uint32_t second)
{
	const uint16_t *places = &numbers->places[words][2 * word];
	uint32_t *rooms = &sketches->known[words].rooms[2 * word];

	first = hc_number_hash(first);
	second = hc_number_hash(second);
	bool has_first = first - 1 < rooms[0], has_second = second - 1 < rooms[1];

	if (!(has_first | has_second))
		return;
	has_first = has_first && !is_known(&sketches->places[places[0]], first);
	has_second = has_second && !is_known(&sketches->places[places[1]], second);
	if (!(has_first | has_second) || is_elsewhere(numbers->references, value))
		return;
	if (has_first)
		gather_number(&sketches->places[places[0]], first, &rooms[0]);
	if (has_second)
		gather_number(&sketches->places[places[1]], second, &rooms[1]);
}

/* The numbers of a small block that may have room. */
static inline __attribute__((always_inline)) void gather_numbers(
	hc_numbers *numbers, struct sketches *sketches, const hc_new_words *block, bool swap)
{
	unsigned size = block->known - sketches->known;

	for (uint64_t words = block->words; words; words &= words - 1) {
		unsigned word = (unsigned)__builtin_ctzll(words);
		uint64_t value = hc_load_u64(block->bytes + 8 * word, false),
			 *seen = &sketches->seen[size][word][hc_learn_hash(value) % (1 << SEEN_BITS)];

		if (*seen == value)
			continue;
		*seen = value;
		if (value < 64)
			hc_set_bit(&sketches->known[size].small[word], value);
		else
			sketches->known[size].last[value & 1][word] = value;
		gather_halves(numbers, sketches, size, word, hc_load_u64(block->bytes + 8 * word, swap),
			hc_load_u32(block->bytes + 8 * word, swap), hc_load_u32(block->bytes + 8 * word + 4, swap));
	}
}

static bool is_small(const hc_live_block *block)
{
	return block->block_size < HC_NUMBER_TABLE_MIN && block->size == block->block_size;
}

/* Small blocks whose numbers wait to be asked for at once. */
struct small_blocks {
	hc_new_words blocks[HC_LIVE_BLOCKS];
	unsigned count;
};

static void gather_small(hc_numbers *numbers, struct sketches *sketches, struct small_blocks *small)
{
	if (!numbers->swap)
		hc_words_leave_new(small->blocks, small->count, HC_NUMBER_MULTIPLIER);
	for (unsigned k = 0; k < small->count; k++)
		if (!small->blocks[k].words)
			continue;
		else if (numbers->swap)
			gather_numbers(numbers, sketches, &small->blocks[k], true);
		else
			gather_numbers(numbers, sketches, &small->blocks[k], false);
	small->count = 0;
}

/* WORDS: the numbers of BLOCK, which is small. */
static inline void add_small(hc_numbers *numbers, struct sketches *sketches, struct small_blocks *small,
	const hc_live_block *block, uint64_t words)
{
	unsigned size = block->size / 8;

	small->blocks[small->count] =
		(hc_new_words){ block->bytes, words & numbers->hopeful[size], &sketches->known[size] };
	small->count += small->blocks[small->count].words != 0;
	if (small->count == HC_LIVE_BLOCKS)
		gather_small(numbers, sketches, small);
}

static void gather_large(hc_numbers *numbers, unsigned worker, const hc_live_block *block)
{
	hc_word_source source = hc_live_block_source(numbers->references, block);

	hc_numbers_gather(numbers, worker, &source);
}

void hc_numbers_gather_blocks(
	hc_numbers *numbers, unsigned worker, const hc_live_block *blocks, const uint64_t *words, unsigned count)
{
	struct sketches *sketches = &numbers->sketches[worker];
	struct small_blocks small;

	small.count = 0;
	for (unsigned k = 0; k < count; k++)
		if (is_small(&blocks[k]))
			add_small(numbers, sketches, &small, &blocks[k], words[k]);
		else
			gather_large(numbers, worker, &blocks[k]);
	gather_small(numbers, sketches, &small);
}

/* Which of some words of a stretch are numbers. */
struct window {
	uint64_t first; /* word of the stretch; a multiple of 64 */
	uint64_t masks[WINDOW + 1];
};

/* Has it begin at word FIRST, or a little before. */
static void move_window(struct window *window, const hc_blocks *blocks, const hc_live_words *words, uint64_t first)
{
	const hc_word_range low = { .low = blocks->spans[0].start, .span = blocks->spans[0].size },
			    high = { .low = blocks->spans[1].start, .span = blocks->spans[1].size };
	uint64_t end = (words->region->end - words->address) / 8;

	window->first = hc_align_down(first, HC_WORD_MASK);
	for (unsigned i = 0; i < WINDOW; i++) {
		uint64_t at = window->first + i * HC_WORD_MASK;

		window->masks[i] =
			at < end ? hc_words_in_neither(words->bytes + 8 * at, MIN(end - at, HC_WORD_MASK), low, high) :
				   0;
	}
}

/* The numbers of a small BLOCK. */
static inline uint64_t numbers_of(
	struct window *window, const hc_blocks *blocks, const hc_live_words *words, const hc_live_block *block)
{
	uint64_t at = (block->bytes - words->bytes) / 8;

	if (at - window->first >= (WINDOW - 1) * HC_WORD_MASK)
		move_window(window, blocks, words, at);
	const uint64_t *masks = &window->masks[(at - window->first) / HC_WORD_MASK];

	/* Twice by a part: at the beginning of a mask there is nothing to take of the next. */
	uint64_t from_there = masks[0] >> at % HC_WORD_MASK | masks[1] << 1 << (HC_WORD_MASK - 1 - at % HC_WORD_MASK);

	return from_there & ~(uint64_t)0 >> (HC_WORD_MASK - block->size / 8);
}

void hc_numbers_gather_stretch(hc_numbers *numbers, unsigned worker, const hc_live_words *words)
{
	const hc_blocks *blocks = numbers->references->blocks;
	hc_stretch_blocks at = hc_stretch_blocks_of(words);
	/* Nowhere yet. */
	struct window window = { .first = (uint64_t)1 << 63 };
	struct sketches *sketches = &numbers->sketches[worker];
	struct small_blocks small;
	hc_live_block block;

	small.count = 0;
	while (hc_stretch_blocks_next(&at, &block))
		if (is_small(&block))
			add_small(numbers, sketches, &small, &block, numbers_of(&window, blocks, words, &block));
		else
			gather_large(numbers, worker, &block);
	gather_small(numbers, sketches, &small);
}

/* Puts the samples of all workers together. */
static void merge_samples(hc_numbers *numbers)
{
	for (unsigned worker = 1; worker < numbers->workers; worker++) {
		const GArray *tables = numbers->sketches[worker].tables;

		g_array_append_vals(numbers->sketches[0].tables, tables->data, tables->len);
		for (unsigned i = 0; i < HC_NUMBER_PLACES; i++) {
			hc_number_sketch *to = &numbers->sketches[0].places[i];
			const hc_number_sketch *from = &numbers->sketches[worker].places[i];

			for (unsigned k = 0; k < from->size; k++)
				if (to->size < HC_NUMBER_SAMPLE || from->hashes[k] < to->hashes[HC_NUMBER_SAMPLE - 1])
					sketch_add(to, from->hashes[k]);
		}
	}
	cut_tables(numbers->sketches[0].tables);
}

const hc_number_sketch *hc_numbers_take_samples(hc_numbers *numbers)
{
	merge_samples(numbers);
	return numbers->sketches[0].places;
}

/* ---- the second look ---- */

bool hc_numbers_choose_places(hc_numbers *numbers, hc_look_sizes *sizes)
{
	bool found = false;

	for (unsigned i = 0; i < HC_NUMBER_PLACES; i++)
		if (may_be_learned(numbers, &numbers->sketches[0].places[i])) {
			hc_set_bit(numbers->wanted, i);
			found = true;
		}
	for (unsigned words = 1; words <= HC_NUMBER_SMALL_BLOCK / 8; words++) {
		bool any = false;

		for (unsigned half = 0; half < 2 * words && found; half++) {
			if (!hc_bit(numbers->wanted, place_in_block(8 * words, 4 * half)))
				continue;
			any = true;
			if (words < HC_NUMBER_TABLE_MIN / 8)
				numbers->open[words] |= (uint32_t)1 << half / 2;
		}
		if (any)
			hc_look_sizes_add(sizes, numbers->references->blocks, 8 * words);
	}
	return found;
}

/* Counts the numbers of the 8 bytes at byte I of SOURCE. */
static void count_word(hc_numbers *numbers, struct sketches *sketches, const hc_word_source *source, uint64_t i)
{
	uint64_t value = hc_load_u64(source->bytes + i, numbers->swap);

	if (!value || is_address(numbers->references, value))
		return;
	for (uint64_t at = i; at < i + 8; at += 4) {
		uint32_t number = hc_load_u32(source->bytes + at, numbers->swap);
		int place = number ? hc_number_place(source, at) : -1;

		if (place >= 0 && hc_bit(numbers->wanted, place))
			sketch_count(&sketches->places[place], source->block_size, number,
				hc_encoded_can_be_saved(numbers->references, source->start));
	}
}

void hc_numbers_count(void *data, unsigned worker, const hc_word_source *source)
{
	hc_numbers *numbers = data;

	for (uint64_t i = 0; !source->root && source->block_size <= HC_NUMBER_SMALL_BLOCK && i + 8 <= source->size;
		i += 8)
		count_word(numbers, &numbers->sketches[worker], source, i);
}

void hc_numbers_count_blocks(void *data, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	hc_numbers *numbers = data;

	for (unsigned k = 0; k < count; k++) {
		uint32_t open = is_small(&blocks[k]) ? numbers->open[blocks[k].size / 8] : 0;

		if (is_small(&blocks[k]) && !open)
			continue;
		hc_word_source source = hc_live_block_source(numbers->references, &blocks[k]);

		if (!is_small(&blocks[k]))
			hc_numbers_count(numbers, worker, &source);
		for (; open; open &= open - 1)
			count_word(numbers, &numbers->sketches[worker], &source, 8 * (uint64_t)__builtin_ctz(open));
	}
}

/* Puts together what all workers counted. */
static void merge_counts(hc_numbers *numbers)
{
	for (unsigned worker = 1; worker < numbers->workers; worker++)
		for (unsigned i = 0; i < HC_NUMBER_PLACES; i++) {
			hc_number_sketch *to = &numbers->sketches[0].places[i];
			const hc_number_sketch *from = &numbers->sketches[worker].places[i];

			to->count += from->count;
			to->fit += from->fit;
			to->low = MAX(to->low, from->low);
			to->high = MAX(to->high, from->high);
			to->block_size = MAX(to->block_size, from->block_size);
		}
}

/* Begins with empty samples: there is room for any number, but not at hopeless places. */
static void clear_samples(hc_numbers *numbers)
{
	for (unsigned worker = 0; worker < numbers->workers; worker++) {
		struct sketches *sketches = &numbers->sketches[worker];

		memset(sketches->places, 0, sizeof sketches->places);
		memset(sketches->known, 0, sizeof sketches->known);
		memset(sketches->seen, 0, sizeof sketches->seen);
		g_array_set_size(sketches->tables, 0);
		for (unsigned words = 0; words < HC_NUMBER_TABLE_MIN / 8; words++) {
			uint32_t hopeful = 0;

			for (unsigned half = 0; half < HC_NUMBER_TABLE_MIN / 4; half++) {
				unsigned place = place_in_block(8 * (uint64_t)words, 4 * half);

				bool is_hopeless = hc_bit(numbers->hopeless, place);

				numbers->places[words][half] = place;
				if (!is_hopeless)
					hopeful |= (uint32_t)1 << half / 2;
				sketches->known[words].rooms[half] = is_hopeless ? 0 : UINT32_MAX;
			}
			numbers->hopeful[words] = hopeful;
		}
	}
}

void hc_numbers_leave_out_hopeless(hc_numbers *numbers)
{
	merge_samples(numbers);
	for (unsigned i = 0; i < HC_NUMBER_PLACES; i++)
		if (is_hopeless(numbers, &numbers->sketches[0].places[i]))
			hc_set_bit(numbers->hopeless, i);
	clear_samples(numbers);
}

/* ---- all of it ---- */

hc_numbers *hc_numbers_create(hc_references *references, unsigned jobs)
{
	hc_numbers *numbers = g_new0(hc_numbers, 1);

	numbers->references = references;
	numbers->swap = hc_core_word_format(references->core).swap;
	numbers->workers = hc_parallel_workers(jobs);
	numbers->sketches = g_try_new0(struct sketches, numbers->workers);
	if (!numbers->sketches) {
		g_free(numbers);
		return NULL;
	}
	for (unsigned worker = 0; worker < numbers->workers; worker++)
		numbers->sketches[worker].tables = g_array_new(FALSE, FALSE, sizeof(hc_number_table));
	for (uint32_t i = 0; i < references->blocks->region_count; i++)
		numbers->region_size = MAX(numbers->region_size,
			references->blocks->regions[i].end - references->blocks->regions[i].start);
	clear_samples(numbers);
	return numbers;
}

void hc_numbers_destroy(hc_numbers *numbers)
{
	if (!numbers)
		return;
	for (unsigned worker = 0; worker < numbers->workers; worker++)
		g_array_unref(numbers->sketches[worker].tables);
	g_free(numbers->sketches);
	g_free(numbers);
}

const hc_number_sketch *hc_numbers_places(hc_numbers *numbers)
{
	merge_counts(numbers);
	return numbers->sketches[0].places;
}

const hc_number_table *hc_numbers_tables(const hc_numbers *numbers, unsigned *ret_count)
{
	*ret_count = numbers->sketches[0].tables->len;
	return (const hc_number_table *)(const void *)numbers->sketches[0].tables->data;
}
