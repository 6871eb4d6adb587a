/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pointers of 32 bits: a number that, times 1, 4, 8 or 16, is the distance from a base that all of them share. Virtual machines keep
 * references so (HotSpot's compressed oops, V8's pointer compression), and arenas do.
 *
 * Neither the base nor the factor is known. What is known are the lost blocks: if a number leads to one of them, that gives a base, and
 * all other numbers at the same place must lead to blocks from there, too. A place is an offset in blocks of one size; a large block
 * or a page of data without any address is a place as a whole, since it may be a table.
 *
 *	sample	 Of each place up to HC_NUMBER_SAMPLE different numbers: those whose hash is lowest, so that the order of looking does not
 *		 matter (numbers.c). Places with fewer than HC_NUMBER_SAMPLE_MIN are left aside: small numbers of few values prove nothing.
 *	search	 For each factor, each of the first ANCHORS numbers, each lost block: the base. It is a candidate if of the sample
 *		 all but one in HC_NUMBER_MISSES_SHARE lead to starts of blocks. Nearly all bases fail at the first few numbers.
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
 * Nearly always no place has a candidate at all, and that is known before anything is counted: no more than a sample is needed, and all
 * workers ask at once, in any order (hc_compressed_is_hopeless()).
 *
 * Passes: one over all words, one over those of the places whose sample speaks for them, and one more over live ones for each place with
 * several candidates; none where fewer than HC_NUMBER_SAMPLE_MIN blocks are lost. The search stops after TESTS_MAX numbers, the places with most numbers first; live memory is
 * asked for bases CHOICES_MAX times at most.
 */
#include "references/encodings.h"
#include "references/numbers.h"

#include "base/parallel.h"

enum {
	ANCHORS = 4,
	CANDIDATES_MAX = 4096, /* of one place and factor */
	PROOF_BITS = 30,
	RULES_MAX = 8,
	HOME = 32768,
	HOMES_MAX = 64,
	TESTS_MAX = 1 << 24,
	CHOICES_MAX = 8,
	LOST_MAX = 1 << 20,
	/* Of the search that only asks whether there is a candidate: */
	BATCH = 4096,	     /* lost blocks that are tried at once */
	ASKED_MAX = 1 << 26, /* tests */
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
	uint8_t places[HC_NUMBER_PLACES]; /* number of the rule, plus 1 */
	GHashTable *tables;		  /* holder -> the same */
	GHashTable *node_sizes;		  /* of blocks that have a learned place */
};

struct candidate {
	hc_address base;
	uint64_t held; /* live words hold it */
};

struct hc_compressed_learning {
	hc_references *references;
	hc_numbers *numbers;
	GArray *lost; /* of hc_address */
	uint64_t tests;
	unsigned choices;   /* how often live memory was asked which base it holds */
	GArray *candidates; /* of struct candidate: of the place and factor at hand, by base */
	struct hc_compressed *compressed;
};

/* ---- the search for a base ---- */

/* How many of the sample lead to starts from BASE; 0 if more than ALLOWED do not. */
static unsigned count_hits(hc_compressed_learning *learning, const hc_number_sketch *sketch, hc_address base,
	unsigned factor, unsigned allowed)
{
	const hc_blocks *blocks = learning->references->blocks;
	const hc_block_region *region = NULL;
	unsigned misses = 0;

	for (unsigned i = 0; i < sketch->size; i++) {
		uint64_t distance = (uint64_t)hc_number_of_hash(sketch->hashes[i]) * factor;

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
static void find_candidates(hc_compressed_learning *learning, const hc_number_sketch *sketch, unsigned factor)
{
	unsigned allowed = sketch->size / HC_NUMBER_MISSES_SHARE, kept = 0;

	g_array_set_size(learning->candidates, 0);
	for (unsigned anchor = 0; anchor < ANCHORS; anchor++)
		for (unsigned i = 0; i < learning->lost->len && learning->candidates->len < CANDIDATES_MAX &&
				     learning->tests < TESTS_MAX;
			i++) {
			uint64_t distance = (uint64_t)hc_number_of_hash(sketch->hashes[anchor]) * factor;
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

/* ---- whether there is any candidate ---- */

struct asking {
	const hc_compressed_learning *learning;
	GPtrArray *sketches; /* of const hc_number_sketch */
	unsigned batches;    /* of lost blocks */
	uint64_t next;	     /* item: a sketch, and one of the batches */
	uint64_t tests;
	int found; /* a candidate, or that it takes too long */
};

/* Whether all DISTANCES but ALLOWED lead to where blocks begin, in use or not, from BASE: find_candidates() asks for more. */
static inline bool may_be_base(const hc_blocks *blocks, const uint64_t *distances, unsigned count, hc_address base,
	unsigned allowed, uint64_t *tests)
{
	const hc_block_region *region = NULL;
	unsigned misses = 0, i = 0;

	for (; i < count && misses <= allowed; i++)
		misses += hc_encoded_start_near(blocks, &region, base + distances[i]) == UINT64_MAX;
	*tests += i;
	return misses <= allowed;
}

static bool has_candidate(
	const hc_compressed_learning *learning, const hc_number_sketch *sketch, unsigned batch, uint64_t *tests)
{
	const hc_address *lost = (const hc_address *)(const void *)learning->lost->data;
	unsigned end = MIN((batch + 1) * BATCH, learning->lost->len);
	uint64_t distances[HC_NUMBER_SAMPLE];

	for (unsigned k = 0; k < HC_NUMBER_FACTORS; k++) {
		if (!hc_numbers_are_possible(learning->numbers, sketch, hc_number_factors[k]))
			continue;
		for (unsigned i = 0; i < sketch->size; i++)
			distances[i] = (uint64_t)hc_number_of_hash(sketch->hashes[i]) * hc_number_factors[k];
		for (unsigned anchor = 0; anchor < ANCHORS; anchor++)
			for (unsigned i = batch * BATCH; i < end; i++)
				if (lost[i] >= distances[anchor] &&
					may_be_base(learning->references->blocks, distances, sketch->size,
						lost[i] - distances[anchor], sketch->size / HC_NUMBER_MISSES_SHARE,
						tests))
					return true;
	}
	return false;
}

static void ask(void *data, unsigned worker)
{
	struct asking *asking = data;
	uint64_t item, items = (uint64_t)asking->sketches->len * asking->batches;

	(void)worker;
	while (!g_atomic_int_get(&asking->found) &&
		(item = __atomic_fetch_add(&asking->next, 1, __ATOMIC_RELAXED)) < items) {
		uint64_t tests = 0;

		if (has_candidate(asking->learning, g_ptr_array_index(asking->sketches, item / asking->batches),
			    item % asking->batches, &tests) ||
			__atomic_add_fetch(&asking->tests, tests, __ATOMIC_RELAXED) > ASKED_MAX)
			g_atomic_int_set(&asking->found, 1);
	}
}

bool hc_compressed_is_hopeless(const hc_compressed_learning *learning, unsigned jobs)
{
	g_autoptr(GPtrArray) sketches = g_ptr_array_new();
	const hc_number_sketch *places = hc_numbers_take_samples(learning->numbers);
	unsigned table_count, lost = learning->lost->len;
	const hc_number_table *tables = hc_numbers_tables(learning->numbers, &table_count);
	struct asking asking = { .learning = learning, .sketches = sketches, .batches = (lost + BATCH - 1) / BATCH };

	/* Where not all lost blocks are known others may be next time. */
	if (lost >= LOST_MAX)
		return false;
	for (unsigned i = 0; i < HC_NUMBER_PLACES + table_count; i++) {
		const hc_number_sketch *sketch = i < HC_NUMBER_PLACES ? &places[i] :
									&tables[i - HC_NUMBER_PLACES].sketch;

		if (sketch->size >= HC_NUMBER_SAMPLE_MIN)
			g_ptr_array_add(sketches, (gpointer)sketch);
	}
	hc_parallel_run(hc_parallel_workers(jobs), ask, &asking);
	return !asking.found;
}

/* ---- proof ---- */

/* The share of granules from the first to the last target at which a block begins. */
static double density(
	const hc_compressed_learning *learning, const hc_number_sketch *sketch, hc_address base, unsigned factor)
{
	const hc_blocks *blocks = learning->references->blocks;
	uint64_t low = UINT64_MAX, high = 0, starts = 0;

	for (unsigned i = 0; i < sketch->size; i++) {
		uint64_t start =
			hc_encoded_block_at(blocks, base + (uint64_t)hc_number_of_hash(sketch->hashes[i]) * factor);

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
static bool is_proved(
	hc_compressed_learning *learning, const hc_number_sketch *sketch, hc_address base, unsigned factor)
{
	unsigned hits = count_hits(learning, sketch, base, factor, sketch->size / HC_NUMBER_MISSES_SHARE);
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
static bool fits_wholly(
	hc_compressed_learning *learning, const hc_number_sketch *sketch, hc_address base, unsigned factor)
{
	const hc_blocks *blocks = learning->references->blocks;

	return count_hits(learning, sketch, base, factor, 0) &&
	       hc_encoded_block_at(blocks, base + (uint64_t)(uint32_t)~sketch->low * factor) != UINT64_MAX &&
	       hc_encoded_block_at(blocks, base + (uint64_t)sketch->high * factor) != UINT64_MAX;
}

/* The one base of the candidates; FALSE if there is none, or it is not clear which. */
static bool choose(hc_compressed_learning *learning, const hc_number_sketch *sketch, unsigned factor, unsigned jobs,
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
static unsigned try(hc_compressed_learning *learning, const hc_number_sketch *sketch, unsigned jobs)
{
	struct candidate candidate = { 0 };

	for (unsigned i = 0; i < HC_NUMBER_FACTORS && learning->tests < TESTS_MAX; i++) {
		if (!hc_numbers_are_possible(learning->numbers, sketch, hc_number_factors[i]))
			continue;
		find_candidates(learning, sketch, hc_number_factors[i]);
		if (!learning->candidates->len || learning->candidates->len >= CANDIDATES_MAX ||
			!is_proved(learning, sketch, g_array_index(learning->candidates, struct candidate, 0).base,
				hc_number_factors[i]) ||
			learning->choices++ >= CHOICES_MAX ||
			!choose(learning, sketch, hc_number_factors[i], jobs, &candidate))
			continue;
		return add_rule(learning->compressed, candidate.base, hc_number_factors[i]);
	}
	return 0;
}

struct order {
	uint32_t count;
	unsigned place; /* from HC_NUMBER_PLACES on: number of a table */
};

static int compare_orders(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count ? 1 : -1) : (x->place > y->place) - (x->place < y->place);
}

/* TABLE: NULL, or what PLACE is. */
static void try_place(hc_compressed_learning *learning, unsigned place, const hc_number_table *table,
	const hc_number_sketch *sketch, unsigned jobs)
{
	struct hc_compressed *compressed = learning->compressed;
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
	const hc_number_sketch *places = hc_numbers_places(learning->numbers);
	unsigned table_count;
	const hc_number_table *tables = hc_numbers_tables(learning->numbers, &table_count);

	for (unsigned i = 0; i < HC_NUMBER_PLACES + table_count; i++) {
		const hc_number_sketch *sketch = i < HC_NUMBER_PLACES ? &places[i] :
									&tables[i - HC_NUMBER_PLACES].sketch;
		struct order order = { sketch->count, i };

		if (sketch->size >= HC_NUMBER_SAMPLE_MIN)
			g_array_append_val(orders, order);
	}
	g_array_sort(orders, compare_orders);
	for (unsigned i = 0; i < orders->len; i++) {
		unsigned place = g_array_index(orders, struct order, i).place;
		const hc_number_table *table = place < HC_NUMBER_PLACES ? NULL : &tables[place - HC_NUMBER_PLACES];

		try_place(learning, place, table, table ? &table->sketch : &places[place], jobs);
	}
}

/* ---- following ---- */

/* The number of the rule for the place of the word, plus 1. */
static unsigned rule_at(const struct hc_compressed *compressed, const hc_word_source *source, uint64_t at)
{
	int place = hc_number_place(source, at);

	if (place >= 0 && compressed->places[place])
		return compressed->places[place];
	return hc_numbers_may_be_table(source) ?
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

/* Whether the number at byte AT of SOURCE is a half of a pointer into the heap: its upper half is much the same in all of them. */
static bool is_half_of_pointer(const hc_references *references, const hc_word_source *source, uint64_t at)
{
	uint64_t start = at - at % 8, value;

	if (source->size - start < 8)
		return false;
	value = hc_load_u64(source->bytes + start, hc_core_word_format(references->core).swap);
	return hc_blocks_may_contain(references->blocks, value) && hc_blocks_region(references->blocks, value);
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

		if (start != UINT64_MAX && is_head(references, &compressed->rules[i], source, at, start) &&
			!is_half_of_pointer(references, source, at)) {
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
		for (uint64_t bits = hc_encoded_savable(references, word); bits; bits &= bits - 1) {
			uint64_t start = word * 64 + __builtin_ctzll(bits);
			hc_address address = hc_blocks_address(blocks, hc_blocks_region_of_start(blocks, start), start);

			g_array_append_val(lost, address);
		}
	return lost;
}

bool hc_compressed_learning_create(hc_references *references, unsigned jobs, hc_compressed_learning **ret_learning)
{
	g_autoptr(GArray) lost = find_lost(references);
	hc_compressed_learning *learning;
	hc_numbers *numbers;

	if (lost->len < HC_NUMBER_SAMPLE_MIN)
		return true;
	numbers = hc_numbers_create(references, jobs);
	if (!numbers)
		return false;
	learning = g_new0(hc_compressed_learning, 1);
	learning->references = references;
	learning->numbers = numbers;
	learning->lost = g_steal_pointer(&lost);
	learning->candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
	learning->compressed = g_new0(struct hc_compressed, 1);
	learning->compressed->node_sizes = g_hash_table_new(NULL, NULL);
	learning->compressed->tables = g_hash_table_new(NULL, NULL);
	*ret_learning = learning;
	return true;
}

void hc_compressed_learning_destroy(hc_compressed_learning *learning)
{
	if (!learning)
		return;
	hc_numbers_destroy(learning->numbers);
	hc_compressed_destroy(learning->compressed);
	g_array_unref(learning->candidates);
	g_array_unref(learning->lost);
	g_free(learning);
}

hc_numbers *hc_compressed_numbers(const hc_compressed_learning *learning)
{
	return learning ? learning->numbers : NULL;
}

void hc_compressed_learn(hc_compressed_learning *learning, unsigned jobs)
{
	hc_references *references = learning->references;

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
