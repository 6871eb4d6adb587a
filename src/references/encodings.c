/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that are reached by pointers which are not addresses.
 *
 * Lock-free lists keep a counter in the upper 16 bits of their pointers; what is to live in shared memory or in a file keeps
 * distances, from the pointer's own place (offset_ptr) or from the beginning of the block (fontconfig); where memory is short,
 * 32 bits are kept, shifted (compressed.c). To a search for addresses all of it is lost. So before that is said, it is asked whether one such
 * encoding explains what is lost.
 *
 * Why a word that decodes to a lost block is no accident. One such word proves little: small numbers are everywhere, and the
 * number 96 in a block is the distance to a block nearby often enough. But an accident has no place. Words are counted by where they
 * are: the offset in blocks of one size (a *place*). A place speaks for an encoding if
 *
 *	- its words hit the starts of at least TARGETS different lost blocks: exactly, where the chance of a random address in the
 *	  heap is 1/32 at best (the smallest chunk);
 *	- nearly all of its words that decode into the heap's range hit the start of a block in use: three quarters where there are TARGETS,
 *	  half where there are TARGETS_MANY. With five of five hits that is a chance of 2^-25, with eight of sixteen 2^-27;
 *	- for distances, at least DISTANCES different ones were seen, and what hits the next chunk is no hit: a size is the distance
 *	  to the neighbour, and structures of one kind hold one number often.
 *
 * Where other structures of the same size keep numbers at the same offset, not nearly all words hit. There far distances speak by
 * themselves: backwards, or FAR bytes and more. Few blocks are lost that no other lost one points to (*heads*), so it is hardly ever by
 * accident that a number leads to the start of just these. Of N words at a place that decode to a multiple of the alignment, each hits a head with a chance of P: the heads' share of the heap's granules, and of those around where it
 * leads, the one that it hits aside.
 * That K of them do, all different, is less likely than (e N P / K)^K (Chernoff's bound); it must be below 2^-EVIDENCE_BITS.
 * Then far distances at this place count, near ones don't, and no heads elsewhere.
 *
 * The place is learned from all blocks, lost ones too: in a list each node tells of the next one only. What is saved is what
 * live memory leads to: words at learned places of live blocks, and the heads, which stand elsewhere, once each. A head counts if
 * its word has a tag (that 48 bits fall on a lost block's start by accident is improbable enough), or if it is a distance to the start of
 * a block that has a learned place itself. From there on, both addresses and learned places lead on. A list whose head is gone stays lost:
 * no live word leads into it.
 *
 * What is possibly lost can be saved as well as what is lost. What a saved block points into, but not to its start, becomes possibly
 * lost, and habits (inner.c) are asked again whether they explain that; the blocks that this makes safe may hold encoded pointers in turn,
 * and so on until nothing is new.
 *
 * Passes: of a large heap, one over a part of it (look_first()); one over all words, in which numbers of 32 bits are gathered, too (numbers.c), and tables looked for (in_front.c); one over the words
 * at places that may be learned (encoding_places.c tells how that is decided), if there are any; one over live words if something was
 * learned; then the blocks that are saved; for each further round one over live words, or over those that may be patterns. None where nothing is lost.
 */
#include "references/encodings.h"
#include "references/encoding_places.h"

#include "base/parallel.h"

enum {
	ROUNDS_MAX = 16,
	SAMPLED_FROM = 1 << 22, /* granules of the heap from which on a part is looked at first */
	SAMPLED_EVERY = 16,	/* one stretch of the heap in so many */
};

struct encoded {
	hc_references *references;
	hc_place_learning *places;
	uint64_t *heads;       /* bit for each granule: can be saved, and no other that can be points there */
	bool patterns;	       /* a word that leads on was a distance from its block's start */
	uint64_t *found;       /* bit for each granule: lost blocks that live words lead to */
	uint64_t *interior;    /* bit for each granule: lost blocks that saved ones point into */
	uint64_t *patterns_to; /* bit for each granule: lost blocks that the first look saw patterns lead to */
	GArray *todo;	       /* of uint64_t granules */
	uint64_t saved;	       /* blocks */
	hc_compressed_learning *compressed; /* NULL: there is nothing to learn of 32 bits */
	hc_numbers *numbers;		    /* what it learns from */
	bool are_numbers_hopeless;	    /* nothing can be learned of them */
	bool are_places_counted, are_numbers_counted; /* by the look at hand */
	hc_in_front *in_front;
	bool is_sampling; /* a part of the heap is looked at, for numbers only */
};

/* ---- learning ---- */

/* All that is learned looks at the same time: so memory is read once. */
static void learn(void *data, unsigned worker, const hc_word_source *source)
{
	struct encoded *encoded = data;

	if (encoded->numbers)
		hc_numbers_gather(encoded->numbers, worker, source);
	if (encoded->is_sampling)
		return;
	if (encoded->places)
		hc_places_gather(encoded->places, worker, source);
	if (encoded->in_front)
		hc_in_front_gather(encoded->in_front, worker, source);
}

static void learn_blocks(void *data, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	struct encoded *encoded = data;
	uint64_t numbers[HC_LIVE_BLOCKS];

	hc_live_blocks_numbers(encoded->references->blocks, blocks, count,
		hc_core_word_format(encoded->references->core).swap, numbers);
	if (encoded->places && !encoded->is_sampling)
		hc_places_gather_blocks(encoded->places, worker, blocks, numbers, count);
	if (encoded->in_front && !encoded->is_sampling)
		hc_in_front_gather_blocks(encoded->in_front, worker, blocks, count);
	if (encoded->numbers)
		hc_numbers_gather_blocks(encoded->numbers, worker, blocks, numbers, count);
}

/* Words in our byte order. What each of few words answers with yes is asked of all of the stretch; numbers go by blocks. */
static void learn_stretch(void *data, unsigned worker, const hc_live_words *words)
{
	struct encoded *encoded = data;

	if (encoded->places && !encoded->is_sampling)
		hc_places_gather_stretch(encoded->places, worker, words);
	if (encoded->in_front && !encoded->is_sampling)
		hc_in_front_gather_stretch(encoded->in_front, worker, words);
	if (encoded->numbers)
		hc_numbers_gather_stretch(encoded->numbers, worker, words);
}

static bool is_sampled(const struct encoded *encoded)
{
	return encoded->references->blocks->granule_count >= SAMPLED_FROM;
}

/* The first look; before it, in a large heap, one at a part of it, which tells what numbers need not be asked of all. */
static void look_first(struct encoded *encoded, unsigned jobs)
{
	hc_look_options options = { .look = learn, .look_at_blocks = learn_blocks, .data = encoded };

	if (!hc_core_word_format(encoded->references->core).swap)
		options.look_at_words = learn_stretch;
	if (encoded->numbers && is_sampled(encoded)) {
		options.every = SAMPLED_EVERY;
		encoded->is_sampling = true;
		hc_references_look_with(encoded->references, &options, jobs);
		hc_numbers_leave_out_hopeless(encoded->numbers);
	}
	options.every = 0;
	options.roots = true;
	encoded->is_sampling = false;
	hc_references_look_with(encoded->references, &options, jobs);
}

/* The second look. */
static void count(void *data, unsigned worker, const hc_word_source *source)
{
	struct encoded *encoded = data;

	if (encoded->are_places_counted)
		hc_places_count(encoded->places, worker, source);
	if (encoded->are_numbers_counted)
		hc_numbers_count(encoded->numbers, worker, source);
}

static void count_blocks(void *data, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	struct encoded *encoded = data;

	if (encoded->are_places_counted)
		hc_places_count_blocks(encoded->places, worker, blocks, count);
	if (encoded->are_numbers_counted)
		hc_numbers_count_blocks(encoded->numbers, worker, blocks, count);
}

/* The second look, if there is anything to count; in a large heap places are asked in a part of it first. */
static void look_again(struct encoded *encoded, unsigned jobs)
{
	hc_look_sizes sizes = { 0 };
	hc_look_options options = { .sizes = &sizes, .look = count, .look_at_blocks = count_blocks, .data = encoded };

	encoded->are_numbers_counted = false;
	encoded->are_places_counted = encoded->places && hc_places_choose(encoded->places, &sizes, &options.roots);
	if (encoded->are_places_counted && is_sampled(encoded)) {
		options.every = SAMPLED_EVERY;
		hc_references_look_with(encoded->references, &options, jobs);
		encoded->are_places_counted = hc_places_leave_out_hopeless(encoded->places);
		options.every = 0;
	}
	encoded->are_numbers_hopeless = encoded->numbers && hc_compressed_is_hopeless(encoded->compressed, jobs);
	encoded->are_numbers_counted = encoded->numbers && !encoded->are_numbers_hopeless &&
				       hc_numbers_choose_places(encoded->numbers, &sizes);
	if (encoded->are_places_counted || encoded->are_numbers_counted)
		hc_references_look_with(encoded->references, &options, jobs);
}

/* ---- following ---- */

static void find_heads(void *data, unsigned worker, const hc_word_source *source)
{
	struct encoded *encoded = data;
	hc_encoded_word word;

	(void)worker;
	for (uint64_t at = 0; hc_encodings_next_wanted(encoded->references, source, &at, HC_WANT_LOST, &word);) {
		if (word.encoding.kind == HC_ENCODING_FROM_BLOCK)
			__atomic_store_n(&encoded->patterns, true, __ATOMIC_RELAXED);
		__atomic_fetch_or(&encoded->found[word.start / 64], (uint64_t)1 << word.start % 64, __ATOMIC_RELAXED);
	}
}

/* Where nothing was learned patterns alone lead on; the first look saw them. */
static void take_patterns(struct encoded *encoded)
{
	for (uint64_t word = 0; word < encoded->references->blocks->granule_count / 64; word++) {
		encoded->patterns |= encoded->patterns_to[word] != 0;
		encoded->found[word] |= encoded->patterns_to[word];
	}
}

/* The same in later rounds: find_heads() for the one distance of patterns. */
static void find_patterns(void *data, unsigned worker, const hc_word_source *source)
{
	struct encoded *encoded = data;
	hc_encoded_word word;

	(void)worker;
	if (source->size < HC_PATTERN ||
		!hc_encodings_follow(encoded->references, source, HC_PATTERN_DISTANCE, HC_WANT_LOST, &word))
		return;
	__atomic_store_n(&encoded->patterns, true, __ATOMIC_RELAXED);
	__atomic_fetch_or(&encoded->found[word.start / 64], (uint64_t)1 << word.start % 64, __ATOMIC_RELAXED);
}

static void save(struct encoded *encoded, uint64_t start)
{
	hc_references *references = encoded->references;

	if (!hc_encoded_can_be_saved(references, start))
		return;
	hc_set_bit(references->marks, start);
	hc_set_bit(references->encoded, start);
	if (references->possible)
		hc_clear_bit(references->possible, start);
	g_array_append_val(encoded->todo, start);
}

/* What a saved block leads to, by addresses and by encodings. */
static void follow_all(void *data, unsigned worker, const hc_word_source *source)
{
	struct encoded *encoded = data;
	const hc_references *references = encoded->references;
	const hc_blocks *blocks = references->blocks;
	hc_word_format format = hc_core_word_format(references->core);
	hc_encoded_word word;

	(void)worker;
	for (uint64_t i = 0; i + format.size <= source->size; i += format.size) {
		uint64_t value = hc_load_word(source->bytes + i, format), start;
		const hc_block_region *region = hc_blocks_region(blocks, value);

		if (!region)
			continue;
		start = hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, value), value);
		if (start == UINT64_MAX)
			continue;
		if (value == hc_blocks_address(blocks, region, start) ||
			hc_references_is_as_good_as_start(references, start, value))
			save(encoded, start);
		else if (!hc_bit(references->marks, start))
			hc_set_bit(encoded->interior, start);
	}
	for (uint64_t at = 0; hc_encodings_next_wanted(references, source, &at, HC_WANT_LOST, &word);) {
		encoded->patterns |= word.encoding.kind == HC_ENCODING_FROM_BLOCK;
		save(encoded, word.start);
	}
}

/* Returns how many blocks were saved. Adds them to encoded->saved. */
static uint64_t follow_saved(struct encoded *encoded)
{
	const hc_references *references = encoded->references;
	uint64_t saved = 0;

	for (uint64_t word = 0; word < references->blocks->granule_count / 64; word++)
		for (uint64_t bits = encoded->found[word]; bits; bits &= bits - 1)
			save(encoded, word * 64 + __builtin_ctzll(bits));
	for (; encoded->todo->len; saved++) {
		uint64_t start = g_array_index(encoded->todo, uint64_t, encoded->todo->len - 1);

		g_array_set_size(encoded->todo, encoded->todo->len - 1);
		hc_references_look_at(references, start, follow_all, encoded);
	}
	encoded->saved += saved;
	return saved;
}

/* Round after round, as the comment at the top tells. */
static bool follow_rounds(struct encoded *encoded, unsigned jobs)
{
	hc_references *references = encoded->references;

	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		bool learned = references->encodings || references->compressed || references->told_words;

		if (!learned && !round)
			take_patterns(encoded);
		else if (!learned)
			hc_references_look_at_sizes(references, references->marks, HC_PATTERN,
				HC_PATTERN + references->blocks->alignment, jobs, find_patterns, encoded);
		else
			hc_references_look(references, !round, references->marks, jobs, find_heads, encoded);
		if (!follow_saved(encoded))
			break;
		if (!hc_references_search_interior(references, encoded->interior, jobs) ||
			!hc_references_explain_inner(references, jobs))
			return false;
	}
	return true;
}

/* Takes from the heads what the words of SOURCE point to. */
static void drop_pointed_to(void *data, unsigned worker, const hc_word_source *source)
{
	struct encoded *encoded = data;
	const hc_blocks *blocks = encoded->references->blocks;
	hc_word_format format = hc_core_word_format(encoded->references->core);

	(void)worker;
	for (uint64_t i = 0; i + format.size <= source->size; i += format.size) {
		uint64_t start = hc_blocks_start_at(blocks, hc_load_word(source->bytes + i, format));

		if (start != UINT64_MAX && start != source->start)
			__atomic_fetch_and(&encoded->heads[start / 64], ~((uint64_t)1 << start % 64), __ATOMIC_RELAXED);
	}
}

/* FALSE if memory was out. */
static bool find_unpointed(struct encoded *encoded, unsigned jobs)
{
	hc_references *references = encoded->references;
	uint64_t words = references->blocks->granule_count / 64;
	g_autofree uint64_t *lost = g_try_new0(uint64_t, words + 1);

	encoded->heads = g_try_new0(uint64_t, words + 1);
	if (!lost || !encoded->heads)
		return false;
	for (uint64_t word = 0; word < words; word++)
		lost[word] = encoded->heads[word] = hc_encoded_savable(references, word);
	hc_references_look(references, false, lost, jobs, drop_pointed_to, encoded);
	return true;
}

/* Learns what words of 64 bits are, and what is needed for the others. FALSE if memory was out. */
static bool learn_words(struct encoded *encoded, unsigned jobs)
{
	if (!find_unpointed(encoded, jobs))
		return false;
	encoded->numbers = hc_compressed_numbers(encoded->compressed);
	encoded->places = hc_place_learning_create(encoded->references, encoded->heads, encoded->patterns_to, jobs);
	if (!encoded->places)
		return false;
	look_first(encoded, jobs);
	look_again(encoded, jobs);
	hc_places_learn(encoded->places);
	hc_place_learning_destroy(g_steal_pointer(&encoded->places));
	return true;
}

/* Learns what words of 32 bits are. FALSE if memory was out. */
static bool learn_numbers(struct encoded *encoded, unsigned jobs)
{
	hc_references *references = encoded->references;

	/* Where no lost block is led to, fewer of them change nothing. */
	if (encoded->are_numbers_hopeless)
		return true;
	/* What is explained by then is no evidence any more. */
	if (encoded->saved) {
		hc_compressed_learning_destroy(encoded->compressed);
		encoded->compressed = NULL;
		if (!hc_compressed_learning_create(references, jobs, &encoded->compressed))
			return false;
		encoded->numbers = hc_compressed_numbers(encoded->compressed);
		if (encoded->numbers) {
			look_first(encoded, jobs);
			look_again(encoded, jobs);
		}
	}
	if (encoded->compressed && !encoded->are_numbers_hopeless)
		hc_compressed_learn(encoded->compressed, jobs);
	return true;
}

/* Patterns are no evidence, but are to be named. */
static void name_patterns(struct encoded *encoded)
{
	if (encoded->patterns)
		encoded->references->encodings |= 1u << HC_DECODED_FROM_BLOCK;
}

static bool find(struct encoded *encoded, unsigned jobs)
{
	hc_references *references = encoded->references;
	uint64_t words = references->blocks->granule_count / 64;

	encoded->found = g_try_new0(uint64_t, words + 1);
	encoded->interior = g_try_new0(uint64_t, words + 1);
	encoded->patterns_to = g_try_new0(uint64_t, words + 1);
	references->encoded = g_try_new0(uint64_t, words + 1);
	if (!encoded->found || !encoded->interior || !encoded->patterns_to || !references->encoded ||
		!hc_compressed_learning_create(references, jobs, &encoded->compressed) ||
		!hc_in_front_create(references, jobs, &encoded->in_front) || !learn_words(encoded, jobs))
		return false;
	if (!hc_in_front_learn(encoded->in_front, jobs))
		return false;
	hc_in_front_destroy(g_steal_pointer(&encoded->in_front));
	if (!follow_rounds(encoded, jobs))
		return false;
	name_patterns(encoded);
	return learn_numbers(encoded, jobs) && (!references->compressed || follow_rounds(encoded, jobs));
}

/* Whether anything is lost, or possibly lost. */
static bool is_anything_lost(const hc_references *references)
{
	const hc_blocks *blocks = references->blocks;

	return references->possible ||
	       hc_references_next_unmarked(blocks, references->marks, 0) < blocks->granule_count;
}

bool hc_references_find_encoded(hc_references *references, unsigned jobs)
{
	g_autofree struct encoded *encoded = NULL;

	/* A tag in the upper bits, and distances of 64 bits: nothing of the kind is known of processes with other words. */
	if (references->blocks->word != 8 || !is_anything_lost(references))
		return true;
	encoded = g_new0(struct encoded, 1);
	encoded->references = references;
	encoded->todo = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	bool ok = find(encoded, jobs);

	hc_compressed_learning_destroy(encoded->compressed);
	hc_in_front_destroy(encoded->in_front);
	g_array_unref(encoded->todo);
	hc_place_learning_destroy(encoded->places);
	g_free(encoded->heads);
	g_free(encoded->patterns_to);
	g_free(encoded->found);
	g_free(encoded->interior);
	return ok;
}

/* ---- what types tell ---- */

/* Whether the word at ADDRESS is alive: in no block, or in a live one. */
static bool is_alive(const hc_references *references, hc_address address)
{
	const hc_blocks *blocks = references->blocks;
	uint64_t start = hc_blocks_start_at(blocks, address);

	return start == UINT64_MAX || (blocks->states[hc_blocks_number(blocks, start)] == HC_BLOCK_IN_USE &&
					      !hc_encoded_can_be_saved(references, start));
}

/* Where COUNT typed references lead to from what is alive; round after round, as habits may explain more of it. */
static bool follow_told(struct encoded *encoded, const hc_typed_reference *typed, const hc_told_word *words,
	unsigned count, unsigned jobs)
{
	hc_references *references = encoded->references;

	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		for (unsigned i = 0; i < count; i++)
			if (hc_encoded_can_be_saved(references, words[i].start) && is_alive(references, typed[i].from))
				hc_set_bit(encoded->found, words[i].start);
		if (!follow_saved(encoded))
			break;
		if (!hc_references_search_interior(references, encoded->interior, jobs) ||
			(references->inner_learned && !hc_references_explain_inner(references, jobs)))
			return false;
	}
	name_patterns(encoded);
	return true;
}

bool hc_references_follow_typed(
	hc_references *references, const hc_typed_reference *typed, unsigned count, unsigned jobs)
{
	uint64_t bitmap_words = references->blocks->granule_count / 64 + 1;
	g_autofree hc_told_word *words = g_try_new(hc_told_word, count);
	g_autofree uint64_t *found = g_try_new0(uint64_t, bitmap_words), *interior = g_try_new0(uint64_t, bitmap_words);
	struct encoded encoded = { .references = references, .found = found, .interior = interior };

	if (!references->encoded)
		references->encoded = g_try_new0(uint64_t, bitmap_words);
	if (!words || !found || !interior || !references->encoded)
		return false;
	for (unsigned i = 0; i < count; i++)
		words[i] = (hc_told_word){ typed[i].from, hc_blocks_start_of_number(references->blocks, typed[i].to),
			HC_ENCODING_TYPED };
	if (!hc_told_add(references, words, count))
		return false;
	encoded.todo = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	bool ok = follow_told(&encoded, typed, words, count, jobs);

	g_array_unref(encoded.todo);
	return ok;
}

void hc_encodings_destroy(struct hc_encodings *encodings)
{
	if (!encodings)
		return;
	g_hash_table_unref(encodings->node_sizes);
	g_free(encodings);
}

/* Whether a word of KIND was told to which a block owes that it is alive. */
static bool has_saved(const hc_references *references, hc_encoding_kind kind)
{
	for (unsigned i = 0; references->told_words && i < references->told_words->len; i++) {
		const hc_told_word *word = &g_array_index(references->told_words, hc_told_word, i);

		if (word->kind == kind && hc_bit(references->encoded, word->start))
			return true;
	}
	return false;
}

void hc_references_tell_encodings(hc_references *references)
{
	for (unsigned kind = 0; kind < HC_DECODED_KINDS; kind++) {
		hc_encoding encoding = { .kind = hc_encoding_kinds[kind] };

		if (references->encodings >> kind & 1)
			g_array_append_val(references->encodings_told, encoding);
	}
	hc_compressed_tell(references, references->encodings_told);
	for (hc_encoding_kind kind = HC_ENCODING_IN_FRONT; kind < HC_ENCODING_KIND_COUNT; kind++) {
		hc_encoding encoding = { .kind = kind };

		if (has_saved(references, kind))
			g_array_append_val(references->encodings_told, encoding);
	}
}

const char *hc_encoding_kind_name(hc_encoding_kind kind)
{
	static const char *const names[HC_ENCODING_KIND_COUNT] = {
		[HC_ENCODING_TAG] = "tag",
		[HC_ENCODING_FROM_WORD] = "from-word",
		[HC_ENCODING_FROM_BLOCK] = "from-block",
		[HC_ENCODING_COMPRESSED] = "compressed",
		[HC_ENCODING_IN_FRONT] = "in-front",
		[HC_ENCODING_TYPED] = "typed",
	};

	return (unsigned)kind < HC_ENCODING_KIND_COUNT ? names[kind] : NULL;
}
