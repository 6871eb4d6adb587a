/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that pointers into their middle hold, by a program's habit and not by accident.
 *
 * A block that only pointers into its middle lead to is possibly lost: one word that merely looks like an address, or one that
 * is left over, hits a block anywhere. But many programs never keep the address that malloc() gave: what they allocate has a header in
 * front (my_malloc, talloc, sds, PyGC_Head), or is a pool from which they give out pieces. What tells the two apart is what chance
 * cannot give:
 *
 *	headers	 The distance from the block's start (or, of a slab whose header is its last words, from the end). A
 *		 stray word is as likely to hit any word of a block as any other that is aligned like it. A distance at which
 *		 DISTINCT_BLOCKS different blocks of a size or more are pointed to, OVER_OTHERS times as many as at a third of
 *		 the distances of that alignment (others may be habits, too), is one of that size; and if most blocks that are hit there are
 *		 of such sizes, it is a habit. It is learned from all blocks that are alive in any way, since in a list each
 *		 node shows the distance of the next one only.
 *	varying	 Headers whose length a word beside the pointer tells: varying.c.
 *	links	 Of the first two words at the place pointed to one holds the address of the pointer, or of the word before it: the
 *		 list entry there is linked with the one that the pointer is in, both ways. A random word is that with a chance of 2^-63.
 *	pools	 A block that at least POOL_HOLDERS different holders (live blocks, pages of data) point into. Stacks and
 *		 registers do not count: there lie copies of what is held elsewhere. Strays hit a block independently: at
 *		 a rate of r strays a block, r far below one, that is r^3 / 6.
 *	the way  (heuristics.c) In a block of at least WAY_BACK_SIZE bytes a word close behind the place pointed to holds the address of
 *	back	 the very block, or one up to FRONT bytes behind it: a page cache's header at the end of its page, a pool
 *		 that was allocated from itself. A random word is that with a chance of 2^-57.
 *
 * Passes: one look at all live words (learn.c) fills a record of 8 bytes for each possibly lost block; one more if there are headers of
 * varying length. Then a search as the first one, from the blocks that the records speak for, in which pointers at learned
 * distances count as pointers to the start. What it reaches is held inside, and is looked at for holders of pools in turn, until nothing
 * is new: each block is looked at twice. What it does not reach stays possibly lost. Nothing is done where nothing is possibly lost.
 */
#include "references/varying.h"

#include "base/pages.h"
#include "base/parallel.h"

enum {
	DISTINCT_BLOCKS = 16,
	OVER_OTHERS = 4,
	POOL_HOLDERS = 3,
	ROUNDS_MAX = 1000, /* a chain of pools in pools: each round enters one more */
	REGISTERS = 256,   /* of a counter */
	FILTER_SHIFT = 12, /* possibly lost blocks are looked for by pages */
	SIZE_EXACT = 32,   /* words: sizes up to here have a class each, larger ones one for each power of two */
	SIZE_CLASSES = SIZE_EXACT + 1 + 27,
};

/* A record: a bit for each slot, then LEADS_BACK, then a bit for each of HOLDER_BITS hashes of holders. */
static const uint64_t LEADS_BACK = (uint64_t)1 << HC_INNER_SLOTS;

enum {
	HOLDERS_SHIFT = HC_INNER_SLOTS + 1,
	HOLDER_BITS = 64 - HOLDERS_SHIFT
};

/*
 * How many different values were seen, without keeping them (Flajolet and others, HyperLogLog, 2007): of those whose hash chooses a register,
 * the most zeros that one's other bits end with. Right to about 7 %, be they ten or a hundred million.
 */
typedef struct hc_distinct {
	uint8_t registers[REGISTERS];
} hc_distinct;

/* The blocks of a class of sizes that were hit at a slot. */
struct counters {
	hc_distinct hits[SIZE_CLASSES][HC_INNER_SLOTS];
};

struct inner {
	hc_references *references;
	hc_word_format format;
	uint32_t *ranks;	  /* for each word of the bitmap `possible`: how many bits are set before it */
	uint64_t *records;	  /* for each block of it */
	uint64_t *possible;	  /* as it was at first */
	hc_address_filter filter; /* where the blocks of `possible` are */
	struct counters *counters;
	hc_varying_counters *varying;
	bool way_back_seen, links_seen;
};

static void see(hc_distinct *distinct, uint64_t hash)
{
	uint8_t *reg = &distinct->registers[hash % REGISTERS],
		zeros = 1 + __builtin_ctzll(hash / REGISTERS | (uint64_t)1 << 53);

	*reg = MAX(*reg, zeros);
}

static unsigned size_class(uint64_t words)
{
	return words <= SIZE_EXACT ? words : MIN(SIZE_EXACT + 59 - (unsigned)__builtin_clzll(words), SIZE_CLASSES - 1);
}

/* The fewest words of a block of the class. */
static uint64_t class_words(unsigned class)
{
	return class <= SIZE_EXACT ? class : (uint64_t)SIZE_EXACT << (class - SIZE_EXACT - 1);
}

static uint64_t *record_of(const struct inner *inner, uint64_t start)
{
	return &inner->records[inner->ranks[start / 64] + hc_bits_before(inner->possible, start)];
}

/* Whether the entry at ADDRESS and the one that the pointer at byte AT of SOURCE is in are linked both ways. */
static bool is_linked(const struct inner *inner, const hc_word_source *source, uint64_t at, hc_address address)
{
	const hc_references *references = inner->references;
	hc_word_format format = hc_core_word_format(references->core);
	const hc_block_region *region = hc_blocks_region(references->blocks, address);
	hc_address from = source->address + at;

	if (!source->address || !region || !region->bytes || address < region->start ||
		region->end - address < 2 * format.size)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t back = hc_load_word(region->bytes + (address - region->start) + i * format.size, format);

		if (back == from || back == from - format.size)
			return true;
	}
	return false;
}

static void note(struct inner *inner, unsigned worker, const hc_word_source *source, uint64_t at, uint64_t start,
	hc_address value)
{
	const hc_references *references = inner->references;
	const hc_blocks *blocks = references->blocks;
	const hc_block_region *region = hc_blocks_region_of_start(blocks, start);
	hc_address block = hc_blocks_address(blocks, region, start);
	uint64_t size = hc_blocks_usable_size(blocks, region, block), *record, bits;
	int slot = hc_inner_slot(value - block, size);

	if (value == block || value - block >= size)
		return;
	if (slot >= 0) {
		struct counters *counters = &inner->counters[worker];

		see(&counters->hits[size_class(size / blocks->word)][slot], hc_learn_hash(start));
	}
	if (!references->inner_learned)
		hc_varying_count(&inner->varying[worker], references, source, at, start, value - block);
	if (source->possible || !source->marked)
		return;
	bool linked = is_linked(inner, source, at, value);

	if (linked)
		__atomic_store_n(&inner->links_seen, true, __ATOMIC_RELAXED);
	if (linked || hc_varying_explains(references, source, at, value - block))
		__atomic_fetch_or(&references->told[start / 64], (uint64_t)1 << start % 64, __ATOMIC_RELAXED);
	record = record_of(inner, start);
	bits = source->holder ? (uint64_t)1 << (HOLDERS_SHIFT + hc_learn_hash(source->holder) % HOLDER_BITS) : 0;
	if (slot >= 0)
		bits |= (uint64_t)1 << slot;
	if (!(__atomic_load_n(record, __ATOMIC_RELAXED) & LEADS_BACK) &&
		hc_references_leads_back(references, block, size, value))
		bits |= LEADS_BACK;
	if (bits & ~__atomic_load_n(record, __ATOMIC_RELAXED))
		__atomic_fetch_or(record, bits, __ATOMIC_RELAXED);
}

/* The word at byte AT of SOURCE, which the filter has. */
static void look_at_word(struct inner *inner, unsigned worker, const hc_word_source *source, uint64_t at)
{
	hc_address value = hc_load_word(source->bytes + at, inner->format);
	uint64_t start = hc_blocks_start_at(inner->references->blocks, value);

	if (start != UINT64_MAX && start != source->start && hc_bit(inner->possible, start))
		note(inner, worker, source, at, start, value);
}

static void look(void *data, unsigned worker, const hc_word_source *source)
{
	struct inner *inner = data;
	uint64_t at = 0;

	while ((at = hc_address_filter_next(&inner->filter, source->bytes, at, source->size, inner->format)) <
		source->size) {
		look_at_word(inner, worker, source, at);
		at += inner->format.size;
	}
}

static inline __attribute__((always_inline)) uint64_t ask_foreign(
	const void *data, const uint8_t *bytes, unsigned count, hc_address place)
{
	const struct inner *inner = data;

	(void)place;
	return hc_address_filter_mask(&inner->filter, bytes, count, inner->format);
}

static inline __attribute__((always_inline)) void look_in(struct inner *inner, unsigned worker, hc_asked_words words,
	hc_ask_words ask_words, const void *data, hc_word_format format)
{
	const hc_live_block *block;
	uint64_t at;

	while (hc_asked_words_next(&words, ask_words, data, format, &block, &at)) {
		hc_word_source source = hc_live_block_source(inner->references, block);

		look_at_word(inner, worker, &source, at);
	}
}

static void look_at_blocks(void *data, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	struct inner *inner = data;
	const hc_address_filter filter = inner->filter;
	hc_asked_words words = { .blocks = blocks, .count = count };

	if (inner->format.size == 8 && !inner->format.swap)
		look_in(inner, worker, words, hc_ask_filter, &filter, (hc_word_format){ 8, false });
	else
		look_in(inner, worker, words, ask_foreign, inner, inner->format);
}

static inline __attribute__((always_inline)) void look_in_stretch(struct inner *inner, unsigned worker,
	const hc_live_words *words, hc_ask_words ask_words, const void *data, hc_word_format format)
{
	hc_asked_stretch stretch = { .words = words };
	const uint8_t *word;
	hc_live_block block;

	while (hc_asked_stretch_next(&stretch, ask_words, data, format, &word)) {
		if (!hc_live_words_block(words, word, &block))
			continue;
		hc_word_source source = hc_live_block_source(inner->references, &block);

		look_at_word(inner, worker, &source, word - block.bytes);
	}
}

static void look_at_stretch(void *data, unsigned worker, const hc_live_words *words)
{
	struct inner *inner = data;
	const hc_address_filter filter = inner->filter;

	if (inner->format.size == 8 && !inner->format.swap)
		look_in_stretch(inner, worker, words, hc_ask_filter, &filter, (hc_word_format){ 8, false });
	else
		look_in_stretch(inner, worker, words, ask_foreign, inner, inner->format);
}

/* At all that is alive: roots, if ROOTS, and the blocks of CHOSEN, or all. */
static void look_around(struct inner *inner, bool roots, const uint64_t *chosen, unsigned jobs)
{
	hc_references_look_with(inner->references,
		&(hc_look_options){ .roots = roots,
			.chosen = chosen,
			.look = look,
			.look_at_blocks = look_at_blocks,
			.look_at_words = look_at_stretch,
			.data = inner },
		jobs);
}

/* While few registers are used, their number tells best. */
static double count_of(const hc_distinct *distinct)
{
	double sum = 0, count;
	unsigned unused = 0;

	for (unsigned i = 0; i < REGISTERS; i++) {
		sum += 1.0 / ((uint64_t)1 << distinct->registers[i]);
		unused += !distinct->registers[i];
	}
	count = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS * REGISTERS / sum;
	if (!unused || count > 2.5 * REGISTERS)
		return count;
	count = 0;
	for (unsigned used = 0; used < REGISTERS - unused; used++)
		count += (double)REGISTERS / (REGISTERS - used);
	return count;
}

/* Of all workers. */
static double count_all(const struct inner *inner, unsigned workers, unsigned class, unsigned slot)
{
	hc_distinct *all = &inner->counters[0].hits[class][slot];

	for (unsigned worker = 1; worker < workers; worker++) {
		const hc_distinct *one = &inner->counters[worker].hits[class][slot];

		for (unsigned i = 0; i < REGISTERS; i++)
			all->registers[i] = MAX(all->registers[i], one->registers[i]);
	}
	return count_of(all);
}

/* Whether strays that hit a block of CLASS hit both slots with the same chance: they are distances of one kind and alignment. */
static bool are_peers(const struct inner *inner, unsigned class, unsigned slot, unsigned other)
{
	uint64_t alignment = inner->references->blocks->alignment, word = inner->references->blocks->word;
	uint64_t distance = hc_inner_distance(slot), size = class_words(class) * word;
	uint64_t step = distance % alignment == 0 ? alignment : distance % word == 0 ? word : 1;

	return slot != other && (slot < HC_INNER_START_SLOTS) == (other < HC_INNER_START_SLOTS) &&
	       hc_inner_distance(other) % step == 0 && hc_inner_distance(other) < size;
}

static bool is_habit_of_class(
	const struct inner *inner, const double hits[HC_INNER_SLOTS], unsigned class, unsigned slot)
{
	unsigned peers = 0, seldom = 0;

	for (unsigned other = 0; other < HC_INNER_SLOTS; other++)
		if (are_peers(inner, class, slot, other)) {
			peers++;
			seldom += hits[other] * OVER_OTHERS <= hits[slot];
		}
	return hits[slot] >= DISTINCT_BLOCKS && seldom && 3 * seldom >= peers;
}

static void learn_offsets(struct inner *inner, unsigned workers)
{
	double hits[SIZE_CLASSES][HC_INNER_SLOTS];

	for (unsigned class = 0; class < SIZE_CLASSES; class ++)
		for (unsigned slot = 0; slot < HC_INNER_SLOTS; slot++)
			hits[class][slot] = count_all(inner, workers, class, slot);
	for (unsigned slot = 0; slot < HC_INNER_SLOTS; slot++) {
		double all = 0, habitual = 0;

		for (unsigned class = 2; class < SIZE_CLASSES; class ++) {
			all += hits[class][slot];
			habitual += is_habit_of_class(inner, hits[class], class, slot) ? hits[class][slot] : 0;
		}
		if (habitual >= DISTINCT_BLOCKS && habitual >= all / 2)
			inner->references->inner_offsets |= (uint64_t)1 << slot;
	}
}

/* The blocks that their records speak for, and that are not marked yet. They are marked. */
static GArray *take_explained(struct inner *inner)
{
	hc_references *references = inner->references;
	GArray *starts = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	uint64_t words = references->blocks->granule_count / 64, *record = inner->records;

	for (uint64_t word = 0; word < words; word++)
		for (uint64_t bits = inner->possible[word]; bits; bits &= bits - 1, record++) {
			uint64_t start = word * 64 + __builtin_ctzll(bits);
			bool pool = __builtin_popcountll(*record >> HOLDERS_SHIFT) >= POOL_HOLDERS;

			if (pool)
				hc_set_bit(references->pools, start);
			if (!(pool || hc_bit(references->told, start) || *record & LEADS_BACK ||
				    *record & references->inner_offsets) ||
				hc_bit(references->marks, start))
				continue;
			inner->way_back_seen |= (*record & LEADS_BACK) != 0;
			hc_set_bit(references->marks, start);
			g_array_append_val(starts, start);
		}
	return starts;
}

/* Round after round: search from what is explained, look at what that reached. `fresh` is of the bitmaps' shape. */
static bool search_explained(struct inner *inner, unsigned jobs, uint64_t *fresh, uint64_t *ignored)
{
	hc_references *references = inner->references;
	uint64_t words = references->blocks->granule_count / 64;
	hc_references_totals totals = { 0 };

	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		memcpy(fresh, references->marks, words * sizeof *fresh);
		g_autoptr(GArray) starts = take_explained(inner);

		if (!starts->len)
			return true;
		if (!hc_references_mark(references, references->marks, ignored, NULL, starts, jobs, &totals))
			return false;
		for (uint64_t word = 0; word < words; word++) {
			fresh[word] = references->marks[word] & ~fresh[word];
			references->inner[word] |= fresh[word];
			references->possible[word] &= ~fresh[word];
		}
		look_around(inner, false, fresh, jobs);
	}
	return true;
}

/* Once: in what is left then, an average would be one of strays alone. */
static void learn_headers(struct inner *inner, unsigned jobs)
{
	hc_references *references = inner->references;
	unsigned workers = hc_parallel_workers(jobs);

	learn_offsets(inner, workers);
	references->inner_learned = true;
	if (!hc_varying_learn(references, inner->varying, workers))
		return;
	look_around(inner, true, NULL, jobs);
}

/* Where the COUNT blocks of `possible` are. FALSE if memory was out. */
static bool make_filter(struct inner *inner, uint64_t count)
{
	const hc_blocks *blocks = inner->references->blocks;

	if (!hc_address_filter_init(&inner->filter, FILTER_SHIFT, count))
		return false;
	for (uint64_t word = 0; word < blocks->granule_count / 64; word++)
		for (uint64_t bits = inner->possible[word]; bits; bits &= bits - 1) {
			uint64_t start = word * 64 + __builtin_ctzll(bits);
			const hc_block_region *region = hc_blocks_region_of_start(blocks, start);
			hc_address block = hc_blocks_address(blocks, region, start);
			uint64_t size = hc_blocks_usable_size(blocks, region, block);

			hc_address_filter_add(
				&inner->filter, block, block + MIN(size, region->end - block + blocks->word));
		}
	return true;
}

static bool explain(struct inner *inner, unsigned jobs)
{
	hc_references *references = inner->references;
	unsigned workers = hc_parallel_workers(jobs);
	uint64_t words = references->blocks->granule_count / 64, count = 0;
	g_autofree uint64_t *fresh = NULL, *ignored = NULL;

	for (uint64_t word = 0; word < words; word++) {
		inner->ranks[word] = count;
		count += __builtin_popcountll(inner->possible[word]);
	}
	if (!make_filter(inner, count))
		return false;
	inner->records = g_try_new0(uint64_t, count + 1);
	inner->counters = g_try_new0(struct counters, workers);
	inner->varying = g_try_new0(hc_varying_counters, workers);
	fresh = g_try_new(uint64_t, words + 1);
	ignored = g_try_new0(uint64_t, words + 1);
	if (!references->inner_learned) {
		references->inner = g_try_new0(uint64_t, words + 1);
		references->pools = g_try_new0(uint64_t, words + 1);
		references->told = g_try_new0(uint64_t, words + 1);
	}
	if (!inner->records || !inner->counters || !inner->varying || !fresh || !ignored || !references->inner ||
		!references->pools || !references->told)
		return false;
	look_around(inner, true, NULL, jobs);
	if (!references->inner_learned)
		learn_headers(inner, jobs);
	for (uint64_t word = 0; word < words; word++)
		references->marks[word] &= ~inner->possible[word];
	bool ok = search_explained(inner, jobs, fresh, ignored);

	for (uint64_t word = 0; word < words; word++)
		references->marks[word] |= inner->possible[word];
	return ok;
}

bool hc_references_explain_inner(hc_references *references, unsigned jobs)
{
	uint64_t words = references->blocks->granule_count / 64;
	struct inner inner = { .references = references, .format = hc_core_word_format(references->core) };

	if (!references->possible)
		return true;
	inner.possible = g_try_new(uint64_t, words + 1);
	inner.ranks = g_try_new(uint32_t, words + 1);
	bool ok = inner.possible && inner.ranks;

	if (ok) {
		memcpy(inner.possible, references->possible, words * sizeof *inner.possible);
		ok = explain(&inner, jobs);
	}
	references->way_back_seen |= inner.way_back_seen;
	references->links_seen |= inner.links_seen;
	g_free(inner.possible);
	g_free(inner.ranks);
	hc_address_filter_clear(&inner.filter);
	g_free(inner.records);
	g_free(inner.counters);
	g_free(inner.varying);
	return ok;
}

static void add_habit(GArray *habits, hc_habit_kind kind, unsigned bytes)
{
	hc_habit habit = { .kind = kind, .bytes = bytes };

	g_array_append_val(habits, habit);
}

void hc_references_tell_habits(hc_references *references)
{
	GArray *habits = references->habits;
	bool pools = false;

	for (unsigned slot = 0; slot < HC_INNER_START_SLOTS; slot++)
		if (references->inner_offsets >> slot & 1)
			add_habit(habits, HC_HABIT_HEADER, hc_inner_distance(slot));
	if (references->inner_offsets >> HC_INNER_START_SLOTS)
		add_habit(habits, HC_HABIT_HEADER_AT_END, 0);
	hc_varying_tell(references, habits);
	for (uint64_t word = 0; word < references->blocks->granule_count / 64 && !pools; word++)
		pools = references->pools[word] != 0;
	if (pools)
		add_habit(habits, HC_HABIT_POOL, 0);
	if (references->links_seen)
		add_habit(habits, HC_HABIT_LINKED, 0);
	if (references->way_back_seen)
		add_habit(habits, HC_HABIT_WAY_BACK, 0);
}

const char *hc_habit_kind_name(hc_habit_kind kind)
{
	static const char *const names[HC_HABIT_KIND_COUNT] = {
		[HC_HABIT_HEADER] = "header",
		[HC_HABIT_HEADER_AT_END] = "header-at-end",
		[HC_HABIT_VARYING_HEADER] = "varying-header",
		[HC_HABIT_POOL] = "pool",
		[HC_HABIT_LINKED] = "linked",
		[HC_HABIT_WAY_BACK] = "way-back",
	};

	return (unsigned)kind < HC_HABIT_KIND_COUNT ? names[kind] : NULL;
}
