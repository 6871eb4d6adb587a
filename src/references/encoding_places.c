/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * At which places words of 64 bits are encoded pointers. What speaks for a place, and why that is no accident, is told at the top of
 * encodings.c. Here is how that is counted with one look at memory, and hardly ever two.
 *
 * Nothing can speak for a place at which fewer than DISTANCES words lead to blocks that can be saved, and those are few. So the first look
 * asks of each number only whether it leads to one of them, by a filter that fits into the cache and without touching the index of
 * blocks; what it finds, it notes exactly: the targets of each place, and the values that led to them. That alone rules out all places that the
 * program doesn't use so, since these are conditions in any case (may_be_evidence()). For the others all words there have to be tried, those that
 * miss, too: they are counted by the second look, which touches no other words. If there are none there is no second look. Of a large heap
 * the second look is at a part of it first: places at which hardly any word of many hits a block there are hopeless
 * (is_hopeless()), and mostly none is left.
 *
 * The first look also notices fontconfig's patterns, which need no evidence.
 */
#include "references/encoding_places.h"
#include "references/encodings.h"

#include "base/parallel.h"

enum {
	TARGETS = 5,	  /* and then three quarters of the tries hit */
	TARGETS_MANY = 8, /* half of them */
	DISTANCES = 4,
	EVIDENCE_BITS = 40, /* there are 2^15 places that each may deceive */
	FILTER_SHIFT = 4,
	HOPELESS_TRIES = 512,
	HOPELESS_SHARE = 8,
	SMALL_BLOCK = 256, /* bytes below which the words that are to be tried are known by the block's size */
};

struct place {
	/* Of words that lead to what can be saved. */
	uint64_t targets, values; /* bitmaps of hashes */
	uint64_t far_targets, far_values;
	uint64_t size; /* of the blocks that have it: the largest, if several fall together */
	/* Of all words, at places that may be evidence. */
	uint32_t tries, hits, far_tries;
	uint32_t far_around; /* heads within the 64 granules around each far try, but for the one that is hit */
};

struct places {
	struct place places[HC_DECODED_KINDS][HC_ENCODING_PLACES];
};

struct hc_place_learning {
	hc_references *references;
	const uint64_t *heads;
	uint64_t *patterns;
	unsigned workers;
	bool swap;
	bool may_be_learned;   /* enough can be saved for evidence */
	struct places *places; /* one for each worker; put together in the first */
	hc_address_filter filter;
	/* Bits for places that may be evidence: for each kind, and for any. */
	uint64_t candidates[HC_DECODED_KINDS][HC_ENCODING_PLACES / 64], any[HC_ENCODING_PLACES / 64];
	uint32_t open[SMALL_BLOCK / 8]; /* such words, in blocks of so many words */
};

bool hc_word_is_pattern(const hc_references *references, const hc_word_source *source, uint64_t i, uint64_t size)
{
	bool swap = hc_core_word_format(references->core).swap;
	enum {
		ELEMENT = 16
	};
	uint64_t slack = references->blocks->alignment;

	if (source->root || i < HC_PATTERN_DISTANCE || source->address + i != source->block + HC_PATTERN_DISTANCE ||
		source->block_size < HC_PATTERN || source->block_size > HC_PATTERN + slack)
		return false;
	uint64_t number = hc_load_u32(source->bytes + i - 8, swap), room = hc_load_u32(source->bytes + i - 4, swap);

	return number && number <= room && size >= room * ELEMENT && size - room * ELEMENT <= slack + 8;
}

/* ---- counting ---- */

/* How many heads begin within the same 64 granules, but not at ADDRESS, which is in REGION or in none. */
static unsigned heads_around(const hc_place_learning *learning, const hc_block_region *region, hc_address address)
{
	if (!region || address < region->start || address >= region->end)
		return 0;
	uint64_t granule = hc_blocks_granule(learning->references->blocks, region, address);

	return __builtin_popcountll(learning->heads[granule / 64] & ~((uint64_t)1 << granule % 64));
}

/* Counts that VALUE, in SOURCE, leads to ADDRESS, which is likely to be in *REGION. */
static void count(struct place *place, const hc_place_learning *learning, const hc_word_source *source, unsigned kind,
	uint64_t value, hc_address address, const hc_block_region **region)
{
	const hc_blocks *blocks = learning->references->blocks;
	uint64_t start;

	place->tries++;
	/* Blocks begin at multiples of the alignment, and most numbers lead elsewhere. */
	if (address & (blocks->alignment - 1))
		return;
	start = hc_encoded_block_near(blocks, region, address);
	if (kind != HC_DECODED_TAG && hc_encoding_is_far(value)) {
		place->far_tries++;
		place->far_around += heads_around(learning, *region, address);
	}
	place->hits += start != UINT64_MAX && start != source->start &&
		       (kind == HC_DECODED_TAG || !hc_decoded_is_neighbour(blocks, source, address));
}

/* The word at byte I of SOURCE. */
static inline void count_word(hc_place_learning *learning, unsigned worker, const hc_word_source *source, uint64_t i,
	const hc_block_region **region)
{
	const hc_blocks *blocks = learning->references->blocks;
	uint64_t value = hc_load_u64(source->bytes + i, learning->swap);
	unsigned place;
	hc_decoded decoded[HC_DECODED_KINDS];

	if (!value || hc_blocks_may_contain(blocks, value))
		return;
	place = hc_encoding_place(
		source->root, source->block_size, source->root ? 0 : source->address + i - source->block);
	if (!hc_bit(learning->any, place))
		return;
	for (unsigned n = hc_decode(blocks, source, i, value, decoded); n-- > 0;)
		if (hc_bit(learning->candidates[decoded[n].kind], place))
			count(&learning->places[worker].places[decoded[n].kind][place], learning, source,
				decoded[n].kind, value, decoded[n].address, region);
}

void hc_places_count(hc_place_learning *learning, unsigned worker, const hc_word_source *source)
{
	const hc_block_region *region = NULL;

	for (uint64_t i = 0; i + 8 <= source->size; i += 8)
		count_word(learning, worker, source, i, &region);
}

/* Whether the words of BLOCK that are counted are told by its size. */
static inline bool is_small(const hc_live_block *block)
{
	return block->block_size < SMALL_BLOCK && block->size == block->block_size;
}

/* The words of a small BLOCK that OPEN has. */
static inline void count_open(hc_place_learning *learning, unsigned worker, const hc_live_block *block, uint32_t open,
	const hc_block_region **region)
{
	hc_word_source source = hc_live_block_source(learning->references, block);

	for (; open; open &= open - 1)
		count_word(learning, worker, &source, 8 * (uint64_t)__builtin_ctz(open), region);
}

void hc_places_count_blocks(hc_place_learning *learning, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	const hc_block_region *region = NULL;

	for (unsigned k = 0; k < count; k++) {
		uint32_t open = is_small(&blocks[k]) ? learning->open[blocks[k].size / 8] : 0;

		if (open) {
			count_open(learning, worker, &blocks[k], open, &region);
		} else if (!is_small(&blocks[k])) {
			hc_word_source source = hc_live_block_source(learning->references, &blocks[k]);

			hc_places_count(learning, worker, &source);
		}
	}
}

/* ---- the first look ---- */

/* Whether a number at PLACE, in a block at BLOCK, may lead to a block that can be saved; those begin at multiples of words. */
static inline bool may_lead_to_savable(
	const hc_address_filter *filter, hc_address place, hc_address block, uint64_t value)
{
	uint64_t distance = value + ((uint64_t)1 << 46), tag = value >> HC_ENCODING_TAG_SHIFT;

	if (!(distance >> 47) && value % 8 == 0 &&
		(hc_address_filter_has(filter, place + value) || hc_address_filter_has(filter, block + value)))
		return true;
	return tag && hc_address_filter_has(filter, value & (((uint64_t)1 << HC_ENCODING_TAG_SHIFT) - 1));
}

static void note_target(struct place *place, const struct hc_place_learning *learning, const hc_word_source *source,
	unsigned kind, uint64_t value, uint64_t start)
{
	place->targets |= (uint64_t)1 << hc_learn_hash(start) % 64;
	place->values |= (uint64_t)1 << hc_learn_hash(value) % 64;
	if (kind != HC_DECODED_TAG && hc_encoding_is_far(value) && hc_bit(learning->heads, start)) {
		place->far_targets |= (uint64_t)1 << hc_learn_hash(start) % 64;
		place->far_values |= (uint64_t)1 << hc_learn_hash(value) % 64;
	}
	place->size = MAX(place->size, source->block_size);
}

/* FROM: the block with the word, which leads to START. */
static void note_pattern(
	const hc_place_learning *learning, const hc_word_source *from, uint64_t i, hc_address address, uint64_t start)
{
	const hc_references *references = learning->references;
	const hc_blocks *blocks = references->blocks;
	uint64_t size = hc_blocks_usable_size(blocks, hc_blocks_region_of_start(blocks, start), address);

	if (from->marked && from->size >= HC_PATTERN && hc_word_is_pattern(references, from, i, size))
		__atomic_fetch_or(&learning->patterns[start / 64], (uint64_t)1 << start % 64, __ATOMIC_RELAXED);
}

/* VALUE is at byte I of SOURCE, and is likely to lead to what can be saved. */
static void note(hc_place_learning *learning, unsigned worker, const hc_word_source *source, uint64_t i, uint64_t value)
{
	const hc_references *references = learning->references;
	const hc_blocks *blocks = references->blocks;
	hc_decoded decoded[HC_DECODED_KINDS];
	unsigned place = hc_encoding_place(
		source->root, source->block_size, source->root ? 0 : source->address + i - source->block);

	for (unsigned n = hc_decode(blocks, source, i, value, decoded); n-- > 0;) {
		uint64_t start = hc_encoded_block_at(blocks, decoded[n].address);
		unsigned kind = decoded[n].kind;

		if (start == UINT64_MAX || start == source->start || !hc_encoded_can_be_saved(references, start))
			continue;
		if (kind == HC_DECODED_FROM_BLOCK && i == HC_PATTERN_DISTANCE)
			note_pattern(learning, source, i, decoded[n].address, start);
		if (kind == HC_DECODED_TAG || !hc_decoded_is_neighbour(blocks, source, decoded[n].address))
			note_target(
				&learning->places[worker].places[kind][place], learning, source, kind, value, start);
	}
}

void hc_places_gather(hc_place_learning *learning, unsigned worker, const hc_word_source *source)
{
	const hc_blocks *blocks = learning->references->blocks;

	for (uint64_t i = 0; i + 8 <= source->size; i += 8) {
		uint64_t value = hc_load_u64(source->bytes + i, learning->swap);

		if (value && !hc_blocks_may_contain(blocks, value) &&
			may_lead_to_savable(&learning->filter, source->address + i, source->block, value))
			note(learning, worker, source, i, value);
	}
}

static inline __attribute__((always_inline)) void gather_numbers(
	hc_place_learning *learning, unsigned worker, const hc_live_block *block, uint64_t numbers, bool swap)
{
	const hc_address_filter filter = learning->filter;

	for (; numbers; numbers &= numbers - 1) {
		uint64_t i = 8 * (uint64_t)__builtin_ctzll(numbers), value = hc_load_u64(block->bytes + i, swap);

		if (G_LIKELY(!may_lead_to_savable(&filter, block->address + i, block->address, value)))
			continue;
		hc_word_source source = hc_live_block_source(learning->references, block);

		note(learning, worker, &source, i, value);
	}
}

/* The words that gather_numbers() will find likely, and some others: a block may begin HC_ENCODING_OFFSETS before its word. */
static inline __attribute__((always_inline)) uint64_t ask(
	const void *data, const uint8_t *bytes, unsigned count, hc_address place)
{
	const hc_address_filter *filter = data;
	hc_word_range range = { filter->lowest, filter->span, 0 }, reached = range;

	if (!filter->span)
		return 0;
	reached.span += HC_ENCODING_OFFSETS;
	reached.shift = (place | filter->lowest) % 8 ? 0 : 3;
	return hc_words_from_place(bytes, count, place, reached) | hc_words_tagged(bytes, count, range);
}

/* Words in our byte order. */
static void gather_asked(hc_place_learning *learning, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	const hc_address_filter filter = learning->filter;
	hc_asked_words words = { .blocks = blocks, .count = count };
	const hc_live_block *block;
	uint64_t i;

	while (hc_asked_words_next(&words, ask, &filter, (hc_word_format){ 8, false }, &block, &i)) {
		uint64_t value = hc_load_u64(block->bytes + i, false);

		if (!may_lead_to_savable(&filter, block->address + i, block->address, value) ||
			hc_blocks_may_contain(learning->references->blocks, value))
			continue;
		hc_word_source source = hc_live_block_source(learning->references, block);

		note(learning, worker, &source, i, value);
	}
}

void hc_places_gather_blocks(hc_place_learning *learning, unsigned worker, const hc_live_block *blocks,
	const uint64_t *numbers, unsigned count)
{
	uint64_t slack = learning->references->blocks->alignment;

	if (learning->may_be_learned && !learning->swap) {
		gather_asked(learning, worker, blocks, count);
		return;
	}
	for (unsigned k = 0; k < count; k++) {
		const hc_live_block *block = &blocks[k];

		if (!learning->may_be_learned) {
			if (block->block_size - HC_PATTERN <= slack)
				gather_numbers(learning, worker, block, numbers[k] & 1 << HC_PATTERN_DISTANCE / 8,
					learning->swap);
			continue;
		}
		if (block->size > 8 * HC_LIVE_NUMBERS) {
			hc_word_source source = hc_live_block_source(learning->references, block);

			hc_places_gather(learning, worker, &source);
			continue;
		}
		gather_numbers(learning, worker, block, numbers[k], true);
	}
}

void hc_places_gather_stretch(hc_place_learning *learning, unsigned worker, const hc_live_words *words)
{
	const hc_references *references = learning->references;
	const hc_address_filter filter = learning->filter;
	hc_asked_stretch stretch = { .words = words };
	const uint8_t *word;
	hc_live_block block;

	while (hc_asked_stretch_next(&stretch, ask, &filter, (hc_word_format){ 8, false }, &word)) {
		uint64_t value = hc_load_u64(word, false);
		hc_address start;

		if (hc_blocks_may_contain(references->blocks, value) ||
			hc_live_words_start(words, word, &start) == UINT64_MAX ||
			!may_lead_to_savable(&filter, words->address + (word - words->bytes), start, value) ||
			!hc_live_words_block(words, word, &block))
			continue;
		hc_word_source source = hc_live_block_source(references, &block);

		note(learning, worker, &source, word - block.bytes, value);
	}
}

/* ---- which places are counted ---- */

/* Puts what all workers saw together in the first. */
static void merge(hc_place_learning *learning)
{
	struct places *all = &learning->places[0];

	for (unsigned worker = 1; worker < learning->workers; worker++) {
		for (unsigned kind = 0; kind < HC_DECODED_KINDS; kind++)
			for (unsigned i = 0; i < HC_ENCODING_PLACES; i++) {
				struct place *to = &all->places[kind][i],
					     *from = &learning->places[worker].places[kind][i];

				to->tries += from->tries;
				to->hits += from->hits;
				to->far_tries += from->far_tries;
				to->far_around += from->far_around;
				to->targets |= from->targets;
				to->far_targets |= from->far_targets;
				to->far_values |= from->far_values;
				to->values |= from->values;
				to->size = MAX(to->size, from->size);
			}
		memset(&learning->places[worker], 0, sizeof learning->places[worker]);
	}
}

/* Whether the place can be evidence, whatever the other words there are: what is_evidence() and is_evidence_of_far() ask at least. */
static bool may_be_evidence(const struct place *place, unsigned kind)
{
	if (kind == HC_DECODED_TAG)
		return __builtin_popcountll(place->targets) >= TARGETS;
	return (__builtin_popcountll(place->targets) >= TARGETS && __builtin_popcountll(place->values) >= DISTANCES) ||
	       (__builtin_popcountll(place->far_targets) >= DISTANCES &&
		       __builtin_popcountll(place->far_values) >= DISTANCES);
}

/* Makes `any` and `open` of the candidates. Returns whether there are any. */
static bool open_candidates(hc_place_learning *learning)
{
	bool found = false;

	memset(learning->any, 0, sizeof learning->any);
	memset(learning->open, 0, sizeof learning->open);
	for (unsigned kind = 0; kind < HC_DECODED_KINDS; kind++)
		for (unsigned i = 0; i < HC_ENCODING_PLACES / 64; i++) {
			learning->any[i] |= learning->candidates[kind][i];
			found |= learning->any[i] != 0;
		}
	for (unsigned words = 1; words < SMALL_BLOCK / 8 && found; words++)
		for (unsigned word = 0; word < words; word++)
			if (hc_bit(learning->any, hc_encoding_place(false, 8 * words, 8 * word)))
				learning->open[words] |= (uint32_t)1 << word;
	return found;
}

/* Adds the blocks that have a word at such a place. */
static void add_sizes(const hc_place_learning *learning, hc_look_sizes *sizes)
{
	for (unsigned words = 1; words <= 2 * HC_LOOK_GRANULES; words++)
		for (unsigned word = 0; word < words; word++)
			if (hc_bit(learning->any, hc_encoding_place(false, 8 * words, 8 * word))) {
				hc_look_sizes_add(sizes, learning->references->blocks, 8 * words);
				break;
			}
}

bool hc_places_choose(hc_place_learning *learning, hc_look_sizes *sizes, bool *roots)
{
	merge(learning);
	for (unsigned kind = 0; kind < HC_DECODED_KINDS; kind++)
		for (unsigned i = 0; i < HC_ENCODING_PLACES; i++)
			if (may_be_evidence(&learning->places[0].places[kind][i], kind))
				hc_set_bit(learning->candidates[kind], i);
	if (!open_candidates(learning))
		return false;
	add_sizes(learning, sizes);
	*roots |= hc_bit(learning->any, hc_encoding_place(true, 0, 0));
	return true;
}

/* ---- evidence ---- */

/* The probabilities are in the comment at the top of encodings.c. */
static bool is_evidence(const struct place *place, unsigned kind)
{
	unsigned targets = __builtin_popcountll(place->targets), misses = place->tries - place->hits;

	if (kind != HC_DECODED_TAG && __builtin_popcountll(place->values) < DISTANCES)
		return false;
	return (targets >= TARGETS && place->hits / 3 >= misses) || (targets >= TARGETS_MANY && place->hits >= misses);
}

/* As above, of far distances alone. SHARE: the chance that one of them hits a head. With more of them it is less. */
static bool is_evidence_of_far(const struct place *place, unsigned kind, double share)
{
	unsigned targets = __builtin_popcountll(place->far_targets);
	/* With few heads in the heap, four are enough. */
	double chance = 1, expected = place->far_tries * share + place->far_around / 63.0;

	if (kind == HC_DECODED_TAG || targets < DISTANCES || __builtin_popcountll(place->far_values) < DISTANCES)
		return false;
	for (unsigned i = 0; i < targets; i++)
		chance *= G_E * expected / targets;
	return chance * ((uint64_t)1 << EVIDENCE_BITS) <= 1;
}

/* The heads' starts, of all granules at which blocks can start. */
static double share_of_heads(const hc_place_learning *learning)
{
	uint64_t heads = 0, granules = learning->references->blocks->granule_count;

	for (uint64_t word = 0; word < granules / 64; word++)
		heads += __builtin_popcountll(learning->heads[word]);
	return (double)heads / granules;
}

/*
 * Whether the words of a part of the heap speak against a place so clearly that those of all will not speak for it: fewer than one in
 * HOPELESS_SHARE of many hit, where half is asked for; and the far ones are too many already for the targets, which are those of all.
 */
static bool is_hopeless(const struct place *place, unsigned kind, double share)
{
	return place->tries >= HOPELESS_TRIES && place->hits < place->tries / HOPELESS_SHARE &&
	       !is_evidence_of_far(place, kind, share);
}

static void clear_counts(struct place *place)
{
	place->tries = place->hits = place->far_tries = place->far_around = 0;
}

bool hc_places_leave_out_hopeless(hc_place_learning *learning)
{
	double share = share_of_heads(learning);

	merge(learning);
	for (unsigned kind = 0; kind < HC_DECODED_KINDS; kind++)
		for (unsigned i = 0; i < HC_ENCODING_PLACES; i++) {
			struct place *place = &learning->places[0].places[kind][i];

			if (is_hopeless(place, kind, share))
				hc_clear_bit(learning->candidates[kind], i);
			clear_counts(place);
		}
	return open_candidates(learning);
}

static void accept(hc_place_learning *learning)
{
	struct hc_encodings *learned = learning->references->learned;
	double share = share_of_heads(learning);

	for (unsigned kind = 0; kind < HC_DECODED_KINDS; kind++)
		for (unsigned i = 0; i < HC_ENCODING_PLACES; i++) {
			const struct place *place = &learning->places[0].places[kind][i];

			if (!hc_bit(learning->candidates[kind], i))
				continue;
			if (is_evidence(place, kind)) {
				hc_set_bit(learned->accepted[kind], i);
				g_hash_table_add(learned->node_sizes, GSIZE_TO_POINTER(place->size));
			} else if (is_evidence_of_far(place, kind, share)) {
				hc_set_bit(learned->accepted_far[kind], i);
			} else {
				continue;
			}
			learning->references->encodings |= 1u << kind;
		}
}

void hc_places_learn(hc_place_learning *learning)
{
	hc_references *references = learning->references;

	references->learned = g_new0(struct hc_encodings, 1);
	references->learned->node_sizes = g_hash_table_new(NULL, NULL);
	merge(learning);
	accept(learning);
}

/* ---- all of it ---- */

/* FALSE if memory was out. */
static bool make_filter(hc_place_learning *learning)
{
	const hc_references *references = learning->references;
	const hc_blocks *blocks = references->blocks;
	uint64_t words = blocks->granule_count / 64, count = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass && !hc_address_filter_init(&learning->filter, FILTER_SHIFT, count))
			return false;
		for (uint64_t word = 0; word < words; word++)
			for (uint64_t bits = hc_encoded_savable(references, word); bits; bits &= bits - 1) {
				uint64_t start = word * 64 + __builtin_ctzll(bits);
				hc_address address;

				count++;
				if (!pass)
					continue;
				address = hc_blocks_address(blocks, hc_blocks_region_of_start(blocks, start), start);
				hc_address_filter_add(&learning->filter, address, address + 1);
			}
		learning->may_be_learned = count >= DISTANCES;
	}
	return true;
}

hc_place_learning *hc_place_learning_create(
	hc_references *references, const uint64_t *heads, uint64_t *patterns, unsigned jobs)
{
	hc_place_learning *learning = g_new0(hc_place_learning, 1);

	learning->references = references;
	learning->heads = heads;
	learning->patterns = patterns;
	learning->workers = hc_parallel_workers(jobs);
	learning->swap = hc_core_word_format(references->core).swap;
	learning->places = g_try_new0(struct places, learning->workers);
	if (!learning->places || !make_filter(learning)) {
		hc_place_learning_destroy(learning);
		return NULL;
	}
	return learning;
}

void hc_place_learning_destroy(hc_place_learning *learning)
{
	if (!learning)
		return;
	hc_address_filter_clear(&learning->filter);
	g_free(learning->places);
	g_free(learning);
}
