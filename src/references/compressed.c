/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pointers of 32 bits: a number that, times 1, 4, 8 or 16, is the distance from a base that all of them share. Virtual machines keep
 * references so (HotSpot's compressed oops, V8's pointer compression), and arenas do.
 *
 * Neither the base nor the factor is known. What is known are the lost blocks: if a number leads to one of them, that gives a base, and
 * all other numbers at the same place must lead to blocks from there, too. A place is an offset in blocks of one size; a large block
 * or a page of data without any address is a place as a whole, since it may be a table.
 *
 *	sample	 Of each place up to SAMPLE different numbers: those whose hash is lowest, so that the order of looking does not
 *		 matter. Places with fewer than SAMPLE_MIN are left aside: small numbers of few values prove nothing.
 *	search	 For each factor, each of the first ANCHORS numbers, each lost block: the base. It is a candidate if of the sample
 *		 all but one in MISSES_SHARE lead to starts of blocks. Nearly all bases fail at the first few numbers.
 *	proof	 With a density D of starts between the first and the last target, N numbers all hit by accident with a chance of
 *		 about D^N. Times the bases that were tried, this must be below 2^-PROOF_BITS.
 *	one	 Blocks of one size in a row, and numbers in a row, fit from several bases, shifted by a block or more. A base
 *	base	 that is the only one to fit is learned. Of several only those are left from which all of the sample and the lowest and
 *		 the highest number lead to starts, and which live memory holds as a plain address, as whoever decodes such
 *		 a pointer needs it; or which are multiples of 4 GiB. One must be left, and the numbers must stand in lost blocks for
 *		 the most part, as in lists and trees, or in a table: numbers in a row are in live blocks everywhere.
 *
 * Saved is what live memory leads to: learned places of live blocks, and heads. A head is a number that leads to a block as those that
 * have a learned place, and that stands beside the base: in the same block, or less than HOME bytes away in the same data. Elsewhere a
 * single number is no evidence: such lists stay lost.
 *
 * Passes: one over all words, one more over live ones for each place with candidates; none where fewer than SAMPLE_MIN blocks are lost. In
 * a large heap a sample is looked at first, and a place whose numbers there are far from any encoding is left out of the pass. The search stops after TESTS_MAX numbers, the places with most numbers first; live memory is
 * asked for bases CHOICES_MAX times at most.
 */
#include "references/encodings.h"

#include "base/parallel.h"

enum {
	PLACES = 8192,
	SAMPLE = 64,
	SAMPLE_MIN = 24,
	ANCHORS = 4,
	MISSES_SHARE = 16,
	CANDIDATES_MAX = 4096, /* of one place and factor */
	PROOF_BITS = 30,
	RULES_MAX = 8,
	SMALL_BLOCK = 4096, /* up to here offsets are places */
	TABLE_MIN = 256,    /* from here on the block as a whole is one */
	TABLES_MAX = 4096,  /* those with most numbers */
	HOME = 32768,
	HOMES_MAX = 64,
	FACTORS = 4,
	TESTS_MAX = 1 << 24,
	CHOICES_MAX = 8,
	LOST_MAX = 1 << 20,
	SAMPLED_FROM = 1 << 22, /* granules of the heap from which on a sample is looked at first */
	RECENT = 8,
	REMAINDERS = 16,    /* modulo the alignment of blocks that are told apart */
	SAMPLED_EVERY = 16, /* one stretch of the heap in so many */
};

static const uint8_t factors[FACTORS] = { 1, 4, 8, 16 };

/* Odd, so that the product modulo 2^32 has an inverse: a number's hash tells the number. */
static const uint32_t HASH = 0x9e3779b1, HASH_INVERSE = 0x0e8b2f51;

struct sketch {
	uint32_t count;		 /* of numbers, different or not */
	uint32_t fit;		 /* of these: in tables, or in lost blocks */
	uint32_t low, high;	 /* the numbers; low is kept as its complement, so that 0 is none yet */
	uint32_t size;		 /* of the sample */
	uint32_t recent[RECENT]; /* hashes that were added of late, by their highest bits */
	uint64_t block_size;	 /* the largest that the place is in */
	uint32_t hashes[SAMPLE]; /* rising */
};

/* What one worker saw. */
struct sketches {
	struct sketch places[PLACES];
	GArray *tables; /* of struct table */
};

struct table {
	uint64_t holder; /* as hc_word_source */
	struct sketch sketch;
};

struct rule {
	hc_address base;
	unsigned factor;
	GArray *homes; /* of struct home: around what holds the base */
};

/* A block, or data around a word. */
struct home {
	hc_address start, end;
};

struct hc_compressed {
	struct rule rules[RULES_MAX];
	unsigned rule_count;
	uint8_t places[PLACES]; /* number of the rule, plus 1 */
	GHashTable *tables;	/* holder -> the same */
	GHashTable *node_sizes; /* of blocks that have a learned place */
};

struct candidate {
	hc_address base;
	uint64_t held; /* live words hold it */
};

struct hc_compressed_learning {
	hc_references *references;
	bool swap;		   /* the byte order of the process is not ours */
	struct sketches *sketches; /* one for each worker; put together in the first */
	unsigned workers;
	GArray *lost;	      /* of hc_address */
	uint64_t region_size; /* of the largest */
	uint64_t tests;
	unsigned choices;		/* how often live memory was asked which base it holds */
	uint64_t hopeless[PLACES / 64]; /* places that the sample spoke against */
	uint32_t open[TABLE_MIN / 8];	/* words that have other places, in blocks of so many words */
	GArray *candidates;		/* of struct candidate: of the place and factor at hand, by base */
	struct hc_compressed *compressed;
};

/* ---- places and samples ---- */

/* The place of a word at OFFSET in a block of SIZE bytes, up to SMALL_BLOCK. */
static inline unsigned place_in_block(uint64_t size, uint64_t offset)
{
	return hc_learn_hash(size * 31 + offset / 4) % PLACES;
}

/* The place of a word as an offset; -1: none. */
static int place_of(const hc_word_source *source, uint64_t at)
{
	return source->root || source->block_size > SMALL_BLOCK ?
		       -1 :
		       (int)place_in_block(source->block_size, source->address + at - source->block);
}

static bool may_be_table(const hc_word_source *source)
{
	return source->root ? source->holder != 0 : source->block_size >= TABLE_MIN;
}

static void sketch_add(struct sketch *sketch, uint32_t hash)
{
	unsigned place = sketch->size;

	while (place && sketch->hashes[place - 1] >= hash)
		place--;
	if (place < sketch->size && sketch->hashes[place] == hash)
		return;
	sketch->size = MIN(sketch->size + 1, SAMPLE);
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
static bool is_possible(const hc_compressed_learning *learning, const struct sketch *sketch, unsigned factor)
{
	uint64_t alignment = learning->references->blocks->alignment, low = UINT64_MAX, high = 0;
	unsigned odd = 0;

	for (unsigned i = 0; i < sketch->size; i++) {
		uint64_t distance = (uint64_t)(sketch->hashes[i] * HASH_INVERSE) * factor,
			 first = (uint64_t)(sketch->hashes[0] * HASH_INVERSE) * factor;

		odd += (distance - first) % alignment != 0;
		low = MIN(low, distance);
		high = MAX(high, distance);
	}
	return odd <= sketch->size / MISSES_SHARE && high - low < learning->region_size;
}

static inline void sketch_number(struct sketch *sketch, const hc_word_source *source, uint32_t number, bool fit)
{
	uint32_t hash = number * HASH;

	sketch->count++;
	sketch->fit += fit;
	if (sketch->low < ~number)
		sketch->low = ~number;
	if (sketch->high < number)
		sketch->high = number;
	if (sketch->block_size < source->block_size)
		sketch->block_size = source->block_size;
	/* Of few different numbers most are known; they cost no search. */
	if ((sketch->size == SAMPLE && hash >= sketch->hashes[SAMPLE - 1]) || sketch->recent[hash >> 29] == hash)
		return;
	sketch->recent[hash >> 29] = hash;
	sketch_add(sketch, hash);
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
static bool is_hopeless(const hc_compressed_learning *learning, const struct sketch *sketch)
{
	uint64_t alignment = learning->references->blocks->alignment;
	uint32_t numbers[SAMPLE];

	if (sketch->size < SAMPLE)
		return false;
	for (unsigned i = 0; i < SAMPLE; i++)
		numbers[i] = sketch->hashes[i] * HASH_INVERSE;
	qsort(numbers, SAMPLE, sizeof *numbers, compare_numbers);
	for (unsigned k = 0; k < FACTORS; k++) {
		uint64_t range = (uint64_t)(numbers[SAMPLE * 3 / 4] - numbers[SAMPLE / 4]) * factors[k];
		unsigned agree[REMAINDERS] = { 0 }, most = 0;

		for (unsigned i = 0; i < SAMPLE; i++) {
			unsigned *count = &agree[(uint64_t)numbers[i] * factors[k] % alignment % REMAINDERS];

			most = MAX(most, ++*count);
		}
		if (range < learning->region_size && most > SAMPLE * 3 / 4)
			return false;
	}
	return true;
}

static int compare_tables(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

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

static void add_table(hc_compressed_learning *learning, GArray *tables, const struct table *table)
{
	bool possible = false;

	for (unsigned i = 0; i < FACTORS; i++)
		possible |= is_possible(learning, &table->sketch, factors[i]);
	if (!possible)
		return;
	g_array_append_val(tables, *table);
	if (tables->len >= 2 * TABLES_MAX)
		cut_tables(tables);
}

/* Counts the numbers of the 8 bytes at byte I of SOURCE. TABLE: NULL, or the block's own sketch. */
static inline __attribute__((always_inline)) void gather_word(hc_compressed_learning *learning,
	struct sketches *sketches, const hc_word_source *source, uint64_t i, bool is_lost, struct sketch *table,
	bool swap)
{
	for (uint64_t at = i; at < i + 8; at += 4) {
		uint32_t number = hc_load_u32(source->bytes + at, swap);
		int place = number ? place_of(source, at) : -1;

		if (place >= 0 && !hc_bit(learning->hopeless, place))
			sketch_number(&sketches->places[place], source, number, is_lost);
		if (number && table)
			sketch_number(table, source, number, true);
	}
}

/* Of a small block, all of it. */
static inline __attribute__((always_inline)) void gather_open(
	hc_compressed_learning *learning, struct sketches *sketches, const hc_word_source *source, bool swap)
{
	const hc_references *references = learning->references;
	bool is_lost = hc_encoded_can_be_saved(references, source->start);

	for (uint32_t open = learning->open[source->size / 8]; open; open &= open - 1) {
		uint64_t i = 8 * (uint64_t)__builtin_ctz(open), value = hc_load_u64(source->bytes + i, swap);

		if (value && !is_address(references, value))
			gather_word(learning, sketches, source, i, is_lost, NULL, swap);
	}
}

static void gather_all(hc_compressed_learning *learning, struct sketches *sketches, const hc_word_source *source)
{
	const hc_references *references = learning->references;
	bool is_lost = !source->root && hc_encoded_can_be_saved(references, source->start),
	     is_table = may_be_table(source);
	struct table table = { .holder = source->holder };

	for (uint64_t i = 0; i + 8 <= source->size; i += 8) {
		uint64_t value = hc_load_u64(source->bytes + i, learning->swap);

		if (!value)
			continue;
		if (is_address(references, value))
			is_table = false;
		else
			gather_word(learning, sketches, source, i, is_lost, is_table ? &table.sketch : NULL,
				learning->swap);
	}
	if (is_table && table.sketch.size >= SAMPLE_MIN)
		add_table(learning, sketches->tables, &table);
}

void hc_compressed_gather(void *data, unsigned worker, const hc_word_source *source)
{
	hc_compressed_learning *learning = data;
	struct sketches *sketches = &learning->sketches[worker];

	if (source->root || source->block_size >= TABLE_MIN || source->size != source->block_size)
		gather_all(learning, sketches, source);
	else if (learning->swap)
		gather_open(learning, sketches, source, true);
	else
		gather_open(learning, sketches, source, false);
}

static void merge(hc_compressed_learning *learning)
{
	for (unsigned worker = 1; worker < learning->workers; worker++) {
		const GArray *tables = learning->sketches[worker].tables;

		g_array_append_vals(learning->sketches[0].tables, tables->data, tables->len);
		for (unsigned i = 0; i < PLACES; i++) {
			struct sketch *to = &learning->sketches[0].places[i];
			const struct sketch *from = &learning->sketches[worker].places[i];

			to->count += from->count;
			to->fit += from->fit;
			to->low = MAX(to->low, from->low);
			to->high = MAX(to->high, from->high);
			to->block_size = MAX(to->block_size, from->block_size);
			for (unsigned k = 0; k < from->size; k++)
				if (to->size < SAMPLE || from->hashes[k] < to->hashes[SAMPLE - 1])
					sketch_add(to, from->hashes[k]);
		}
	}
	cut_tables(learning->sketches[0].tables);
}

/* ---- the search for a base ---- */

/* How many of the sample lead to starts from BASE; 0 if more than ALLOWED do not. */
static unsigned count_hits(hc_compressed_learning *learning, const struct sketch *sketch, hc_address base,
	unsigned factor, unsigned allowed)
{
	const hc_blocks *blocks = learning->references->blocks;
	const hc_block_region *region = NULL;
	unsigned misses = 0;

	for (unsigned i = 0; i < sketch->size; i++) {
		uint64_t distance = (uint64_t)(sketch->hashes[i] * HASH_INVERSE) * factor;

		learning->tests++;
		if (hc_encoded_block_near(blocks, &region, base + distance) == UINT64_MAX && ++misses > allowed)
			return 0;
	}
	return sketch->size - misses;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

/* Fills learning->candidates. */
static void find_candidates(hc_compressed_learning *learning, const struct sketch *sketch, unsigned factor)
{
	unsigned allowed = sketch->size / MISSES_SHARE, kept = 0;

	g_array_set_size(learning->candidates, 0);
	for (unsigned anchor = 0; anchor < ANCHORS; anchor++)
		for (unsigned i = 0; i < learning->lost->len && learning->candidates->len < CANDIDATES_MAX &&
				     learning->tests < TESTS_MAX;
			i++) {
			uint64_t distance = (uint64_t)(sketch->hashes[anchor] * HASH_INVERSE) * factor;
			struct candidate candidate = { g_array_index(learning->lost, hc_address, i) - distance, 0 };

			if (g_array_index(learning->lost, hc_address, i) >= distance &&
				count_hits(learning, sketch, candidate.base, factor, allowed))
				g_array_append_val(learning->candidates, candidate);
		}
	g_array_sort(learning->candidates, compare_candidates);
	for (unsigned i = 0; i < learning->candidates->len; i++) {
		struct candidate *all = (struct candidate *)(void *)learning->candidates->data;

		if (!kept || all[kept - 1].base != all[i].base)
			all[kept++] = all[i];
	}
	g_array_set_size(learning->candidates, kept);
}

/* The share of granules from the first to the last target at which a block begins. */
static double density(
	const hc_compressed_learning *learning, const struct sketch *sketch, hc_address base, unsigned factor)
{
	const hc_blocks *blocks = learning->references->blocks;
	uint64_t low = UINT64_MAX, high = 0, starts = 0;

	for (unsigned i = 0; i < sketch->size; i++) {
		uint64_t start =
			hc_encoded_block_at(blocks, base + (uint64_t)(sketch->hashes[i] * HASH_INVERSE) * factor);

		if (start == UINT64_MAX)
			continue;
		low = MIN(low, start / 64);
		high = MAX(high, start / 64 + 1);
	}
	for (uint64_t word = low; word < high; word++)
		starts += __builtin_popcountll(blocks->starts[word]);
	return high > low ? (double)starts / (64 * (high - low)) : 1;
}

/* The chance of so many hits among N numbers, but for the anchor, times the bases that were tried, is small enough. */
static bool is_proved(hc_compressed_learning *learning, const struct sketch *sketch, hc_address base, unsigned factor)
{
	unsigned hits = count_hits(learning, sketch, base, factor, sketch->size / MISSES_SHARE);
	double share = density(learning, sketch, base, factor), chance = learning->tests;

	/* Of the sample's misses any may be the ones: C(n, misses) ways, at most n^misses. */
	for (unsigned i = 1; i < hits; i++)
		chance *= share;
	for (unsigned i = hits; i < sketch->size; i++)
		chance *= sketch->size;
	return chance * ((uint64_t)1 << PROOF_BITS) <= 1;
}

/* Which candidates live memory holds. */
static void find_held(void *data, unsigned worker, const hc_word_source *source)
{
	hc_compressed_learning *learning = data;
	hc_word_format format = hc_core_word_format(learning->references->core);
	struct candidate *candidates = (struct candidate *)(void *)learning->candidates->data;
	unsigned count = learning->candidates->len;

	(void)worker;
	for (uint64_t i = 0; i + 8 <= source->size; i += 8) {
		uint64_t value = hc_load_word(source->bytes + i, format);
		struct candidate *found;

		if (value < candidates[0].base || value > candidates[count - 1].base)
			continue;
		found = bsearch(
			&(struct candidate){ value, 0 }, candidates, count, sizeof *candidates, compare_candidates);
		if (found)
			__atomic_store_n(&found->held, 1, __ATOMIC_RELAXED);
	}
}

/* Whether all numbers that are known of the place lead to starts. */
static bool fits_wholly(hc_compressed_learning *learning, const struct sketch *sketch, hc_address base, unsigned factor)
{
	const hc_blocks *blocks = learning->references->blocks;

	return count_hits(learning, sketch, base, factor, 0) &&
	       hc_encoded_block_at(blocks, base + (uint64_t)(uint32_t)~sketch->low * factor) != UINT64_MAX &&
	       hc_encoded_block_at(blocks, base + (uint64_t)sketch->high * factor) != UINT64_MAX;
}

/* The one base of the candidates; FALSE if there is none, or it is not clear which. */
static bool choose(hc_compressed_learning *learning, const struct sketch *sketch, unsigned factor, unsigned jobs,
	struct candidate *ret_candidate)
{
	hc_references *references = learning->references;
	bool single = learning->candidates->len == 1;
	unsigned left = 0;

	if (!single && sketch->fit < sketch->count / 2)
		return false;
	if (!single)
		hc_references_look(references, true, references->marks, jobs, find_held, learning);
	for (unsigned i = 0; i < learning->candidates->len; i++) {
		struct candidate *candidate = &g_array_index(learning->candidates, struct candidate, i);

		/* What virtual machines choose is known without being kept. */
		if (!single && ((!candidate->held && candidate->base % ((uint64_t)1 << 32)) ||
				       !fits_wholly(learning, sketch, candidate->base, factor)))
			continue;
		*ret_candidate = *candidate;
		left++;
	}
	return left == 1;
}

/* Who holds the bases. One worker at a time: so the homes that are kept are always the same. */
static void find_homes(void *data, unsigned worker, const hc_word_source *source)
{
	hc_compressed_learning *learning = data;
	const hc_references *references = learning->references;
	struct hc_compressed *compressed = learning->compressed;
	hc_word_format format = hc_core_word_format(references->core);

	(void)worker;
	for (uint64_t i = 0; source->holder && i + 8 <= source->size; i += 8) {
		uint64_t value = hc_load_word(source->bytes + i, format);

		for (unsigned k = 0; k < compressed->rule_count; k++) {
			GArray *homes = compressed->rules[k].homes;
			hc_address address = source->address + i;
			const hc_area *area;

			if (value != compressed->rules[k].base || homes->len == HOMES_MAX)
				continue;
			struct home home = { source->block, source->block + source->block_size };

			if (source->root && (area = hc_areas_find(references->areas, address)))
				home = (struct home){ MAX(area->start, address - MIN(address, HOME)),
					MIN(area->end, address + HOME) };
			g_array_append_val(homes, home);
		}
	}
}

/* The number of the rule, plus 1; 0 if there is no room. */
static unsigned add_rule(struct hc_compressed *compressed, hc_address base, unsigned factor)
{
	for (unsigned i = 0; i < compressed->rule_count; i++)
		if (compressed->rules[i].base == base && compressed->rules[i].factor == factor)
			return i + 1;
	if (compressed->rule_count == RULES_MAX)
		return 0;
	struct rule *rule = &compressed->rules[compressed->rule_count++];

	*rule = (struct rule){
		.base = base, .factor = factor, .homes = g_array_new(FALSE, FALSE, sizeof(struct home))
	};
	return compressed->rule_count;
}

/* The number of the rule that is learned from SKETCH, plus 1; 0: none. */
static unsigned try(hc_compressed_learning *learning, const struct sketch *sketch, unsigned jobs)
{
	struct candidate candidate = { 0 };

	for (unsigned i = 0; i < FACTORS && learning->tests < TESTS_MAX; i++) {
		if (!is_possible(learning, sketch, factors[i]))
			continue;
		find_candidates(learning, sketch, factors[i]);
		if (!learning->candidates->len || learning->candidates->len >= CANDIDATES_MAX ||
			!is_proved(learning, sketch, g_array_index(learning->candidates, struct candidate, 0).base,
				factors[i]) ||
			learning->choices++ >= CHOICES_MAX || !choose(learning, sketch, factors[i], jobs, &candidate))
			continue;
		return add_rule(learning->compressed, candidate.base, factors[i]);
	}
	return 0;
}

struct order {
	uint32_t count;
	unsigned place; /* from PLACES on: number of a table */
};

static int compare_orders(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count ? 1 : -1) : (x->place > y->place) - (x->place < y->place);
}

static void try_place(hc_compressed_learning *learning, unsigned place, unsigned jobs)
{
	struct hc_compressed *compressed = learning->compressed;
	const struct sketches *sketches = &learning->sketches[0];
	const struct table *table = place < PLACES ? NULL :
						     &g_array_index(sketches->tables, struct table, place - PLACES);
	const struct sketch *sketch = table ? &table->sketch : &sketches->places[place];
	unsigned rule = try(learning, sketch, jobs);

	if (!rule)
		return;
	if (table) {
		g_hash_table_insert(compressed->tables, GSIZE_TO_POINTER(table->holder), GUINT_TO_POINTER(rule));
	} else {
		compressed->places[place] = rule;
		g_hash_table_add(compressed->node_sizes, GSIZE_TO_POINTER(sketch->block_size));
	}
}

static void try_places(hc_compressed_learning *learning, unsigned jobs)
{
	g_autoptr(GArray) orders = g_array_new(FALSE, FALSE, sizeof(struct order));
	const struct sketches *sketches = &learning->sketches[0];

	for (unsigned i = 0; i < PLACES + sketches->tables->len; i++) {
		const struct sketch *sketch = i < PLACES ?
						      &sketches->places[i] :
						      &g_array_index(sketches->tables, struct table, i - PLACES).sketch;
		struct order order = { sketch->count, i };

		if (sketch->size >= SAMPLE_MIN)
			g_array_append_val(orders, order);
	}
	g_array_sort(orders, compare_orders);
	for (unsigned i = 0; i < orders->len; i++)
		try_place(learning, g_array_index(orders, struct order, i).place, jobs);
}

/* ---- following ---- */

/* The number of the rule for the place of the word, plus 1. */
static unsigned rule_at(const struct hc_compressed *compressed, const hc_word_source *source, uint64_t at)
{
	int place = place_of(source, at);

	if (place >= 0 && compressed->places[place])
		return compressed->places[place];
	return may_be_table(source) ?
		       GPOINTER_TO_UINT(g_hash_table_lookup(compressed->tables, GSIZE_TO_POINTER(source->holder))) :
		       0;
}

static uint64_t decode(const hc_references *references, const struct rule *rule, uint32_t number)
{
	return hc_encoded_block_at(references->blocks, rule->base + (uint64_t)number * rule->factor);
}

/* Whether a word of SOURCE that leads to the block at granule START is the head of a list. */
static bool is_head(const hc_references *references, const struct rule *rule, const hc_word_source *source, uint64_t at,
	uint64_t start)
{
	const hc_blocks *blocks = references->blocks;
	const hc_block_region *region = hc_blocks_region_of_start(blocks, start);
	uint64_t size = hc_blocks_usable_size(blocks, region, hc_blocks_address(blocks, region, start));

	if (!source->holder || !g_hash_table_contains(references->compressed->node_sizes, GSIZE_TO_POINTER(size)))
		return false;
	for (unsigned i = 0; i < rule->homes->len; i++) {
		const struct home *home = &g_array_index(rule->homes, struct home, i);

		if (source->address + at - home->start < home->end - home->start)
			return true;
	}
	return false;
}

static hc_encoding encoding_of(const struct rule *rule)
{
	return (hc_encoding){ HC_ENCODING_COMPRESSED, rule->factor, rule->base };
}

uint64_t hc_compressed_follow(
	const hc_references *references, const hc_word_source *source, uint64_t at, hc_encoding *ret_encoding)
{
	const struct hc_compressed *compressed = references->compressed;
	uint32_t number = hc_load_u32(source->bytes + at, hc_core_word_format(references->core).swap);
	unsigned rule = number ? rule_at(compressed, source, at) : 0;

	if (!number)
		return UINT64_MAX;
	if (rule) {
		*ret_encoding = encoding_of(&compressed->rules[rule - 1]);
		return decode(references, &compressed->rules[rule - 1], number);
	}
	for (unsigned i = 0; i < compressed->rule_count; i++) {
		uint64_t start = decode(references, &compressed->rules[i], number);

		if (start != UINT64_MAX && is_head(references, &compressed->rules[i], source, at, start)) {
			*ret_encoding = encoding_of(&compressed->rules[i]);
			return start;
		}
	}
	return UINT64_MAX;
}

/* ---- all of it ---- */

/* GArray of hc_address, by address: the first LOST_MAX or some more. */
static GArray *find_lost(const hc_references *references)
{
	const hc_blocks *blocks = references->blocks;
	GArray *lost = g_array_new(FALSE, FALSE, sizeof(hc_address));

	for (uint64_t word = 0; word < blocks->granule_count / 64 && lost->len < LOST_MAX; word++)
		for (uint64_t bits = blocks->starts[word]; bits; bits &= bits - 1) {
			uint64_t start = word * 64 + __builtin_ctzll(bits);
			hc_address address;

			if (!hc_encoded_can_be_saved(references, start))
				continue;
			address = hc_blocks_address(blocks, hc_blocks_region_of_start(blocks, start), start);
			g_array_append_val(lost, address);
		}
	return lost;
}

/* Which words of small blocks are to be looked at. */
static void open_words(hc_compressed_learning *learning)
{
	for (unsigned words = 0; words < TABLE_MIN / 8; words++) {
		uint64_t size = (uint64_t)words * 8;

		learning->open[words] = 0;
		for (unsigned word = 0; word < words; word++)
			if (!hc_bit(learning->hopeless, place_in_block(size, 8 * word)) ||
				!hc_bit(learning->hopeless, place_in_block(size, 8 * word + 4)))
				learning->open[words] |= (uint32_t)1 << word;
	}
}

/* Finds the places of a large heap that are hopeless. Nothing else of the sample is kept. */
static void look_at_sample(hc_compressed_learning *learning, unsigned jobs)
{
	hc_references_look_at_sample(learning->references, SAMPLED_EVERY, jobs, hc_compressed_gather, learning);
	merge(learning);
	for (unsigned i = 0; i < PLACES; i++)
		if (is_hopeless(learning, &learning->sketches[0].places[i]))
			hc_set_bit(learning->hopeless, i);
	for (unsigned worker = 0; worker < learning->workers; worker++) {
		memset(learning->sketches[worker].places, 0, sizeof learning->sketches[worker].places);
		g_array_set_size(learning->sketches[worker].tables, 0);
	}
	open_words(learning);
}

bool hc_compressed_learning_create(hc_references *references, unsigned jobs, hc_compressed_learning **ret_learning)
{
	g_autoptr(GArray) lost = find_lost(references);
	hc_compressed_learning *learning;
	struct sketches *sketches;

	if (lost->len < SAMPLE_MIN)
		return true;
	sketches = g_try_new0(struct sketches, hc_parallel_workers(jobs));
	if (!sketches)
		return false;
	learning = g_new0(hc_compressed_learning, 1);
	learning->references = references;
	learning->swap = hc_core_word_format(references->core).swap;
	learning->workers = hc_parallel_workers(jobs);
	learning->sketches = sketches;
	learning->lost = g_steal_pointer(&lost);
	learning->candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
	learning->compressed = g_new0(struct hc_compressed, 1);
	learning->compressed->node_sizes = g_hash_table_new(NULL, NULL);
	learning->compressed->tables = g_hash_table_new(NULL, NULL);
	for (unsigned worker = 0; worker < learning->workers; worker++)
		sketches[worker].tables = g_array_new(FALSE, FALSE, sizeof(struct table));
	for (uint32_t i = 0; i < references->blocks->region_count; i++)
		learning->region_size = MAX(learning->region_size,
			references->blocks->regions[i].end - references->blocks->regions[i].start);
	open_words(learning);
	if (references->blocks->granule_count >= SAMPLED_FROM)
		look_at_sample(learning, jobs);
	*ret_learning = learning;
	return true;
}

void hc_compressed_learning_destroy(hc_compressed_learning *learning)
{
	if (!learning)
		return;
	for (unsigned worker = 0; worker < learning->workers; worker++)
		g_array_unref(learning->sketches[worker].tables);
	hc_compressed_destroy(learning->compressed);
	g_array_unref(learning->candidates);
	g_array_unref(learning->lost);
	g_free(learning->sketches);
	g_free(learning);
}

void hc_compressed_learn(hc_compressed_learning *learning, unsigned jobs)
{
	hc_references *references = learning->references;

	merge(learning);
	try_places(learning, jobs);
	references->totals.learning += learning->tests;
	if (!learning->compressed->rule_count)
		return;
	hc_references_look(references, true, references->marks, 1, find_homes, learning);
	references->compressed = g_steal_pointer(&learning->compressed);
}

void hc_compressed_destroy(struct hc_compressed *compressed)
{
	if (!compressed)
		return;
	for (unsigned i = 0; i < compressed->rule_count; i++)
		g_array_unref(compressed->rules[i].homes);
	g_hash_table_unref(compressed->node_sizes);
	g_hash_table_unref(compressed->tables);
	g_free(compressed);
}

void hc_compressed_tell(const hc_references *references, GArray *encodings)
{
	const struct hc_compressed *compressed = references->compressed;

	for (unsigned i = 0; compressed && i < compressed->rule_count; i++) {
		hc_encoding encoding = encoding_of(&compressed->rules[i]);

		g_array_append_val(encodings, encoding);
	}
}
