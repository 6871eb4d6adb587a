/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables whose words lead in front of blocks.
 *
 * An array that grows without moving what it has is made of segments, each twice as large as the one before it, and element N of 2^K to
 * 2^(K+1) - 1 is in segment K. So that nobody has to subtract, the word for segment K is the segment's address minus what N
 * begins with: it leads as far in front of the segment as that is large (concurrent_vector, and the buckets of concurrent_unordered_map,
 * of Threading Building Blocks). No word leads to such a segment, so it looks lost; and what lies in front of it looks as if
 * somebody held it.
 *
 * A word V at place K, and a block in use at A that was asked for with D bytes, are such a pair if V + D = A. The words behind it then
 * lead in front of blocks of 2 D, 4 D, ... bytes by just as much: there is one unknown, which the first of them tells; each of the others
 * has to lead to the start of a block of the one right size. That is a *chain*. In front of a chain there may be its *anchor*, a
 * word that leads to the start of a block of D bytes: the first segments are often one block.
 *
 * Why a chain is no accident. Of all places in the heap one in P has a block of the right size, counted for each size; one in
 * RARE_BITS bits at most, as places of blocks may have a pattern. So a chain says as many bits as its words do together, without the
 * first. It is proved if these are EVIDENCE_BITS more than there were words that could begin one, and there are WORDS_LEAST of them, or
 * one less with an anchor. Once there is one, the program has such tables, and EVIDENCE_BITS_KNOWN more are enough for others.
 *
 * What is looked for are blocks that can be saved: a list of where words for these would lead, and a filter that tells most words that they
 * lead to none. The words of a proved chain are told (told_words.c). Costs 16 bytes for each block that is lost, up to WANTED_MAX.
 */
#include "references/encodings.h"

#include "base/bytes.h"
#include "base/parallel.h"
#include "base/partition.h"

enum {
	WANTED_MAX = 1 << 22,
	CHAINS_MAX = 1 << 16, /* of each worker */
	CHAIN_WORDS = 48,     /* as many doublings as there are bits in an address */
	FILTER_SHIFT = 5,
	FILTER_ROOM = 4,       /* pointers are everywhere: each should seldom be taken for one of these */
	MAPPED_MIN = 64 << 10, /* bytes from which on malloc may map a block on its own */
	PAGE = 4096,
	RARE_BITS = 12,
	WORDS_LEAST = 3,
	EVIDENCE_BITS = 16,
	EVIDENCE_BITS_KNOWN = 8,
	WORKERS_MAX = 64,
	TRIES_MAX = 32 /* blocks that one word may lead to */
};

/* A block that can be saved, by the lowest word that may lead to it. */
struct wanted {
	hc_address lowest;
	uint64_t start; /* granule */
};

struct chain {
	hc_address first; /* place of the first word */
	uint64_t size;	  /* bytes by which that leads in front of its block */
	unsigned words;
	bool is_anchored;
};

struct hc_in_front {
	hc_references *references;
	GArray *wanted[2]; /* of struct wanted: of all blocks; of those that may have more room than a chunk leaves */
	hc_address_filter filter;
	GArray *chains[WORKERS_MAX]; /* of struct chain */
	uint64_t tries[WORKERS_MAX];
	GHashTable *sizes; /* usable bytes of blocks in use -> how many have them; NULL: not counted yet */
};

/* ---- blocks ---- */

/* Bytes by which a block with USABLE bytes may be larger than what was asked for, exclusive. */
static uint64_t slack_of(const hc_references *references, uint64_t usable)
{
	return 2 * references->blocks->alignment + (usable >= MAPPED_MIN ? PAGE : 0);
}

/* Whether malloc gives a block of USABLE bytes to who asks for SIZE: propagation/sizes.c. */
static bool fits(const hc_references *references, uint64_t usable, uint64_t size)
{
	const hc_blocks *blocks = references->blocks;
	uint64_t least = hc_least_usable(size, blocks->word, blocks->alignment);

	return usable >= size && (usable <= least + blocks->alignment ||
					 (size >= MAPPED_MIN && usable - size < slack_of(references, MAPPED_MIN)));
}

static uint64_t usable_of(const hc_references *references, uint64_t start, hc_address *ret_address)
{
	const hc_block_region *region = hc_blocks_region_of_start(references->blocks, start);

	*ret_address = hc_blocks_address(references->blocks, region, start);
	return hc_blocks_usable_size(references->blocks, region, *ret_address);
}

/* The granule of the block in use of SIZE bytes that begins at ADDRESS; UINT64_MAX: there is none. */
static uint64_t block_of_size(const hc_references *references, hc_address address, uint64_t size)
{
	uint64_t start = hc_encoded_block_at(references->blocks, address);

	return start != UINT64_MAX && fits(references, usable_of(references, start, &address), size) ? start :
												       UINT64_MAX;
}

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (x->lowest > y->lowest) - (x->lowest < y->lowest);
}

static void want(hc_in_front *in_front, uint64_t start)
{
	hc_address address;
	uint64_t usable = usable_of(in_front->references, start, &address);
	struct wanted wanted = { address - usable, start };

	if (usable < address)
		g_array_append_val(in_front->wanted[usable >= MAPPED_MIN], wanted);
}

static bool find_wanted(hc_in_front *in_front)
{
	const hc_references *references = in_front->references;

	for (uint64_t word = 0; word < references->blocks->granule_count / 64; word++)
		for (uint64_t bits = hc_encoded_savable(references, word); bits; bits &= bits - 1)
			if (in_front->wanted[0]->len + in_front->wanted[1]->len < WANTED_MAX)
				want(in_front, word * 64 + __builtin_ctzll(bits));
	if (!hc_address_filter_init(&in_front->filter, FILTER_SHIFT,
		    FILTER_ROOM * in_front->wanted[0]->len + 128 * in_front->wanted[1]->len))
		return false;
	for (unsigned k = 0; k < 2; k++) {
		uint64_t slack = slack_of(references, k ? MAPPED_MIN : 0);

		g_array_sort(in_front->wanted[k], compare_wanted);
		for (unsigned i = 0; i < in_front->wanted[k]->len; i++) {
			hc_address lowest = g_array_index(in_front->wanted[k], struct wanted, i).lowest;

			hc_address_filter_add(&in_front->filter, lowest, lowest + slack);
		}
	}
	return true;
}

/* ---- chains ---- */

/* Whether the word at ADDRESS leads SIZE bytes in front of a block of that size. */
static bool leads_in_front(const hc_references *references, hc_address address, uint64_t size)
{
	uint64_t value;

	return hc_core_read_word(references->core, address, &value) && value && value + size > value &&
	       block_of_size(references, value + size, size) != UINT64_MAX;
}

/* Finds the chain that the word at PLACE is of, which leads SIZE bytes in front of its block. */
static struct chain find_chain(const hc_references *references, hc_address place, uint64_t size)
{
	unsigned word = references->blocks->word;
	struct chain chain = { place, size, 1, false };
	uint64_t value;

	while (chain.words < CHAIN_WORDS && chain.size % 2 == 0 &&
		leads_in_front(references, chain.first - word, chain.size / 2)) {
		chain.first -= word;
		chain.size /= 2;
		chain.words++;
	}
	while (chain.words < CHAIN_WORDS && chain.size << chain.words >> chain.words == chain.size &&
		leads_in_front(references, chain.first + chain.words * (uint64_t)word, chain.size << chain.words))
		chain.words++;
	chain.is_anchored = hc_core_read_word(references->core, chain.first - word, &value) &&
			    block_of_size(references, value, chain.size) != UINT64_MAX;
	return chain;
}

/* VALUE, at PLACE, may lead in front of one of WANTED, as far as SLACK allows. */
static void try(hc_in_front *in_front, unsigned worker, const GArray *wanted, uint64_t slack, hc_address place,
	hc_address value)
{
	const struct wanted *list = (const struct wanted *)(const void *)wanted->data;
	unsigned i = HC_PARTITION_POINT(middle, 0u, wanted->len, list[middle].lowest + slack <= value);

	for (unsigned end = MIN(i + TRIES_MAX, wanted->len); i < end && list[i].lowest <= value; i++) {
		hc_address address;
		uint64_t usable = usable_of(in_front->references, list[i].start, &address);

		if (!fits(in_front->references, usable, address - value))
			continue;
		struct chain chain = find_chain(in_front->references, place, address - value);

		in_front->tries[worker]++;
		if (chain.words + chain.is_anchored > 1 && in_front->chains[worker]->len < CHAINS_MAX)
			g_array_append_val(in_front->chains[worker], chain);
	}
}

/* VALUE, at PLACE, is a word that the filter has. */
static void try_word(hc_in_front *in_front, unsigned worker, hc_address place, hc_address value)
{
	for (unsigned k = 0; k < 2; k++)
		try(in_front, worker, in_front->wanted[k], slack_of(in_front->references, k ? MAPPED_MIN : 0), place,
			value);
}

void hc_in_front_gather(void *data, unsigned worker, const hc_word_source *source)
{
	hc_in_front *in_front = data;
	hc_word_format format = hc_core_word_format(in_front->references->core);

	for (uint64_t at = 0; source->address && (at = hc_address_filter_next(&in_front->filter, source->bytes, at,
							  source->size, format)) < source->size;
		at += format.size)
		try_word(in_front, worker, source->address + at, hc_load_word(source->bytes + at, format));
}

static inline __attribute__((always_inline)) uint64_t ask_swapped(
	const void *data, const uint8_t *bytes, unsigned count, hc_address place)
{
	(void)place;
	return hc_address_filter_mask(data, bytes, count, (hc_word_format){ 8, true });
}

static inline __attribute__((always_inline)) void gather(hc_in_front *in_front, unsigned worker,
	const hc_live_block *blocks, unsigned count, hc_ask_words ask_words, hc_word_format format)
{
	const hc_address_filter filter = in_front->filter;
	hc_asked_words words = { .blocks = blocks, .count = count };
	const hc_live_block *block;
	uint64_t at;

	while (hc_asked_words_next(&words, ask_words, &filter, format, &block, &at))
		try_word(in_front, worker, block->address + at, hc_load_word(block->bytes + at, format));
}

void hc_in_front_gather_blocks(hc_in_front *in_front, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	if (hc_core_word_format(in_front->references->core).swap)
		gather(in_front, worker, blocks, count, ask_swapped, (hc_word_format){ 8, true });
	else
		gather(in_front, worker, blocks, count, hc_ask_filter, (hc_word_format){ 8, false });
}

void hc_in_front_gather_stretch(hc_in_front *in_front, unsigned worker, const hc_live_words *words)
{
	const hc_address_filter filter = in_front->filter;
	hc_asked_stretch stretch = { .words = words };
	const uint8_t *word;
	hc_live_block block;

	while (hc_asked_stretch_next(&stretch, hc_ask_filter, &filter, (hc_word_format){ 8, false }, &word))
		if (hc_live_words_block(words, word, &block))
			try_word(in_front, worker, words->address + (word - words->bytes), hc_load_u64(word, false));
}

/* ---- evidence ---- */

static int compare_chains(const void *a, const void *b)
{
	const struct chain *x = a, *y = b;

	if (x->first != y->first)
		return (x->first > y->first) - (x->first < y->first);
	return (x->size > y->size) - (x->size < y->size);
}

static void count_sizes(hc_in_front *in_front)
{
	hc_block_iterator iterator;
	hc_block block;

	in_front->sizes = g_hash_table_new(NULL, NULL);
	hc_block_iterator_init(&iterator, in_front->references->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		gpointer key = GSIZE_TO_POINTER(block.size);
		size_t count = GPOINTER_TO_SIZE(g_hash_table_lookup(in_front->sizes, key));

		if (block.state == HC_BLOCK_IN_USE)
			g_hash_table_insert(in_front->sizes, key, GSIZE_TO_POINTER(count + 1));
	}
}

/* The logarithm of NUMBER to base 2, rounded down; 0 of 0. */
static unsigned bits_of(uint64_t number)
{
	return number ? 63 - (unsigned)__builtin_clzll(number) : 0;
}

/* How many bits it says that a place has the start of a block of SIZE bytes. */
static unsigned bits_of_size(const hc_in_front *in_front, uint64_t size)
{
	const hc_references *references = in_front->references;
	uint64_t count = 0, slack = slack_of(references, size), first = hc_align_up(size, references->blocks->word);

	for (uint64_t usable = first; usable < size + slack; usable += references->blocks->word)
		count += GPOINTER_TO_SIZE(g_hash_table_lookup(in_front->sizes, GSIZE_TO_POINTER(usable)));
	return MIN(RARE_BITS, bits_of(references->blocks->granule_count / MAX(count, 1)));
}

/* How many bits CHAIN says; 0 if it is too short, for one that is the first of its kind. */
static unsigned evidence_of(const hc_in_front *in_front, const struct chain *chain, bool is_known)
{
	unsigned bits = chain->is_anchored ? bits_of_size(in_front, chain->size) : 0;

	if (!is_known && chain->words + chain->is_anchored < WORDS_LEAST)
		return 0;
	for (unsigned i = 1; i < chain->words; i++)
		bits += bits_of_size(in_front, chain->size << i);
	return bits;
}

/* All chains, each once. Free with g_array_unref(). */
static GArray *merge(hc_in_front *in_front, unsigned workers, uint64_t *ret_tries)
{
	GArray *chains = g_array_new(FALSE, FALSE, sizeof(struct chain));
	unsigned kept = 0;

	*ret_tries = 0;
	for (unsigned worker = 0; worker < workers; worker++) {
		*ret_tries += in_front->tries[worker];
		g_array_append_vals(chains, in_front->chains[worker]->data, in_front->chains[worker]->len);
	}
	g_array_sort(chains, compare_chains);
	for (unsigned i = 0; i < chains->len; i++) {
		const struct chain *chain = &g_array_index(chains, struct chain, i);

		if (!kept || compare_chains(chain, &g_array_index(chains, struct chain, kept - 1)))
			g_array_index(chains, struct chain, kept++) = *chain;
	}
	g_array_set_size(chains, kept);
	return chains;
}

static void tell_chain(const hc_references *references, const struct chain *chain, GArray *words)
{
	for (unsigned i = 0; i < chain->words; i++) {
		hc_address place = chain->first + i * (uint64_t)references->blocks->word;
		uint64_t value, start;

		if (!hc_core_read_word(references->core, place, &value))
			continue;
		start = block_of_size(references, value + (chain->size << i), chain->size << i);
		if (start == UINT64_MAX)
			continue;
		hc_told_word word = { place, start, HC_ENCODING_IN_FRONT };

		g_array_append_val(words, word);
	}
}

bool hc_in_front_learn(hc_in_front *in_front, unsigned jobs)
{
	uint64_t tries;
	g_autoptr(GArray) chains = merge(in_front, hc_parallel_workers(jobs), &tries);
	g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_told_word));
	bool is_known = false;

	if (!chains->len)
		return true;
	count_sizes(in_front);
	for (unsigned i = 0; i < chains->len && !is_known; i++)
		is_known = evidence_of(in_front, &g_array_index(chains, struct chain, i), false) >=
			   EVIDENCE_BITS + bits_of(tries) + 1;
	for (unsigned i = 0; i < chains->len && is_known; i++) {
		const struct chain *chain = &g_array_index(chains, struct chain, i);

		if (evidence_of(in_front, chain, true) >= EVIDENCE_BITS_KNOWN + bits_of(tries) + 1)
			tell_chain(in_front->references, chain, words);
	}
	return hc_told_add(in_front->references, (const hc_told_word *)(const void *)words->data, words->len);
}

/* ---- all of it ---- */

bool hc_in_front_create(hc_references *references, unsigned jobs, hc_in_front **ret_in_front)
{
	hc_in_front *in_front = g_new0(hc_in_front, 1);

	*ret_in_front = in_front;
	in_front->references = references;
	for (unsigned k = 0; k < 2; k++)
		in_front->wanted[k] = g_array_new(FALSE, FALSE, sizeof(struct wanted));
	for (unsigned worker = 0; worker < hc_parallel_workers(jobs); worker++)
		in_front->chains[worker] = g_array_new(FALSE, FALSE, sizeof(struct chain));
	return find_wanted(in_front);
}

void hc_in_front_destroy(hc_in_front *in_front)
{
	if (!in_front)
		return;
	for (unsigned k = 0; k < 2; k++)
		g_array_unref(in_front->wanted[k]);
	for (unsigned worker = 0; worker < WORKERS_MAX; worker++)
		g_clear_pointer(&in_front->chains[worker], g_array_unref);
	g_clear_pointer(&in_front->sizes, g_hash_table_unref);
	hc_address_filter_clear(&in_front->filter);
	g_free(in_front);
}
