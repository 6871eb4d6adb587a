/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a word of a block without a type is worth, by what most blocks of its size have in the same place.
 *
 * A word at one place in many blocks of one size that leads to the start of another such block is a *link*: to the next node of a list,
 * to a tree's child. A place from which next to none of many blocks leads anywhere has no pointers: the one that does is left over from what
 * had the block before, or is a number; that is a *stray* word.
 *
 * Where most of the blocks that have links at all have one in some place, the few that don't are the ends of the structure, which who owns
 * it leads to: a list's first and last node, a tree's root. (That is so of links that are answered: nodes that are on a list by age are in the
 * middle of that, and each may be the first of a hash table's chain.) A word that leads to a node in the middle is an *alias*: a cursor, or left over.
 * So is one to an end that leads back to somebody else: a std::list's first node to its list, a std::map's root to its map. In a chain
 * without a way back all nodes but the first have another before them.
 *
 * Most programs ask of a few sizes only, so blocks are looked at when the first word asks of their size; which ones these are, a sample where there
 * are many, was chosen for all sizes at once.
 */
#include "base/bits.h"
#include "base/pages.h"
#include "base/parallel.h"
#include "propagation/passes.h"
#include "propagation/walks_ahead.h"

enum {
	LOOKED_AT = 1 << 18, /* of more blocks not all are looked at */
	LINK_WORDS = 64,     /* of the beginning of a block */
	START_WORDS = 4096,  /* the same, for who leads to starts of blocks at all */
	BLOCKS_LEAST = 4,    /* of a size, or nothing is said of it */
	LINKS_SHARE =
		4, /* in one of so many there is one; of the others' most are NULL: at the ends of trees and lists */
	ASKED_MAX = 1024,  /* links in a place of which it is asked whether they are answered */
	MANY = 16,	   /* so many blocks of a size tell what is rare among them */
	RARE = 16,	   /* not even one of so many has a pointer there */
	PLAIN_OTHERS = 2,  /* pointers that tell a block from those of its size, which have none */
	TEXT_LEAST = 4,	   /* characters */
	PLACE_BYTES = 128, /* what leads back to within so many bytes of a word in data leads to what the word is of */
	SIZES_MAX = 1 << 14,
	LINKS_AT_ONCE = 32, /* whose lines of the index are fetched together */
	SIZES_ALONE = 4,    /* of which it is asked what precedes; then all others are looked at, too */
	ALONE_MAX = 2,	    /* blocks of a size that are asked of one by one; then all are */
	/* blocks of a sample between fetching one, what its first words lead to, and looking at it */
	FAR = 24,
	NEAR = 12,
	FETCHED_WORDS = 8
};

struct links {
	uint64_t size;
	GArray *sample;		 /* of uint32_t: numbers of blocks to look at; NULL: that was done */
	bool knows_preceded;	 /* all links of this size were followed */
	uint32_t alone[ALONE_MAX]; /* numbers of blocks that were asked of before that, ... */
	unsigned alone_count;	   /* ... each once */
	uint32_t blocks, linked; /* that were looked at; of these, that have a link */
	uint32_t asked[LINK_WORDS], answered[LINK_WORDS]; /* links; of these, those to a node that has one back */
	uint32_t words[LINK_WORDS];			  /* links in that place */
	uint32_t pointers[LINK_WORDS];			  /* what leads to the start of any block */
};

static void free_links(void *data)
{
	struct links *links = data;

	g_clear_pointer(&links->sample, g_array_unref);
	g_free(links);
}

static struct links *links_of(hc_propagation *propagation, uint64_t size)
{
	struct links *links = g_hash_table_lookup(propagation->links, GSIZE_TO_POINTER(size));

	if (!links && g_hash_table_size(propagation->links) < SIZES_MAX) {
		links = g_new0(struct links, 1);
		links->size = size;
		links->sample = g_array_new(FALSE, FALSE, sizeof(uint32_t));
		g_hash_table_insert(propagation->links, GSIZE_TO_POINTER(size), links);
	}
	return links;
}

/* Usable bytes of the block at SPOT, which itself is not looked at. */
static uint64_t size_at(const hc_propagation *propagation, const hc_spot *spot)
{
	return hc_blocks_size_in_index(
		propagation->blocks, spot->region, hc_blocks_granule(propagation->blocks, spot->region, spot->address));
}

/* Whether the node at ADDRESS has a link to NODE. */
static bool links_to(hc_propagation *propagation, uint64_t size, hc_address address, hc_address node)
{
	unsigned word_size = propagation->format.size;
	hc_address value;

	for (unsigned i = 0; i < LINK_WORDS && (i + 1) * (uint64_t)word_size <= size; i++)
		if (hc_propagation_load(propagation, address + i * word_size, &value) && value == node)
			return true;
	return false;
}

static void look_at(hc_propagation *propagation, struct links *links, const hc_block *block)
{
	unsigned word_size = propagation->format.size;
	bool is_linked = false;

	links->blocks++;
	for (unsigned i = 0; i < START_WORDS && (i + 1) * (uint64_t)word_size <= block->size; i++) {
		hc_address value;
		hc_spot spot;

		if (!hc_propagation_load(propagation, block->address + i * word_size, &value) ||
			!hc_propagation_locate(propagation, value, &spot))
			continue;
		hc_propagation_note_entry(propagation, &spot, spot.number != block->number);
		if (spot.address != value || spot.number == block->number)
			continue;
		hc_set_bit(propagation->started, spot.number);
		if (i >= LINK_WORDS)
			continue;
		links->pointers[i]++;
		if (size_at(propagation, &spot) == block->size) {
			links->words[i]++;
			is_linked = true;
			if (links->asked[i] < ASKED_MAX) {
				links->asked[i]++;
				links->answered[i] += links_to(propagation, block->size, spot.address, block->address);
			}
		}
	}
	links->linked += is_linked;
}

/* Which blocks will be looked at, when somebody asks of their size. */
static void choose(hc_propagation *propagation)
{
	uint32_t one_in = propagation->blocks->count / LOOKED_AT + 1;
	hc_block_iterator iterator;
	hc_block block;

	propagation->links = g_hash_table_new_full(NULL, NULL, NULL, free_links);
	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		struct links *links =
			block.state == HC_BLOCK_IN_USE && !block.label ? links_of(propagation, block.size) : NULL;

		if (links)
			g_array_append_val(links->sample, block.number);
		hc_block_iterator_skip_to(&iterator, block.number - block.number % one_in + one_in);
	}
}

/* Where number I of SAMPLE begins; 0: there is none. */
static hc_address address_in(const hc_propagation *propagation, const GArray *sample, unsigned i)
{
	const hc_blocks *blocks = propagation->blocks;

	if (i >= sample->len)
		return 0;
	uint64_t start = hc_blocks_start_of_number(blocks, g_array_index(sample, uint32_t, i));

	return hc_blocks_address(blocks, hc_blocks_region_of_start(blocks, start), start);
}

/* Blocks of SAMPLE behind number I lie far apart: what is in them is fetched, and what the first WORDS of nearer ones lead to. */
static void fetch(hc_propagation *propagation, const GArray *sample, unsigned i, unsigned words)
{
	hc_address near = address_in(propagation, sample, i + NEAR);

	hc_container_set_prefetch(propagation->types->set, address_in(propagation, sample, i + FAR), true);
	for (unsigned word = 0; near && word < words; word++) {
		hc_address value;

		if (hc_propagation_load(propagation, near + word * propagation->format.size, &value))
			hc_container_set_prefetch(propagation->types->set, value, true);
	}
}

static void learn(hc_propagation *propagation, struct links *links)
{
	g_autoptr(GArray) sample = g_steal_pointer(&links->sample);
	unsigned words = (unsigned)MIN(links->size / propagation->format.size, FETCHED_WORDS);
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, propagation->blocks);
	for (unsigned i = 0; i < sample->len; i++) {
		fetch(propagation, sample, i, words);
		hc_block_iterator_skip_to(&iterator, g_array_index(sample, uint32_t, i));
		hc_block_iterator_next(&iterator, &block);
		look_at(propagation, links, &block);
	}
}

void hc_propagation_look_at_words(hc_propagation *propagation)
{
	GHashTableIter iterator;
	void *links;

	if (propagation->knows_started)
		return;
	propagation->knows_started = true;
	if (!propagation->links)
		choose(propagation);
	g_hash_table_iter_init(&iterator, propagation->links);
	while (g_hash_table_iter_next(&iterator, NULL, &links))
		if (((struct links *)links)->sample)
			learn(propagation, links);
}

static struct links *find_links(hc_propagation *propagation, uint64_t size)
{
	if (!propagation->links)
		choose(propagation);
	struct links *links = g_hash_table_lookup(propagation->links, GSIZE_TO_POINTER(size));

	if (links && links->sample)
		learn(propagation, links);
	return links && links->blocks >= BLOCKS_LEAST ? links : NULL;
}

/* What is known of blocks of SIZE; NULL: nothing, or too little. Asked several times of each word. */
static struct links *known_links(hc_propagation *propagation, uint64_t size)
{
	void **kept = &propagation->kept_links[(size >> propagation->blocks->granule_shift) % HC_LINKS_KEPT];
	struct links *links = *kept;

	if (links && links->size == size)
		return links;
	links = find_links(propagation, size);
	if (links)
		*kept = links;
	return links;
}

static bool is_link(const struct links *links, uint64_t word)
{
	return word < LINK_WORDS && links->words[word] >= links->blocks / LINKS_SHARE && links->words[word];
}

/* Whether most nodes that lead to another there are led to by that one. */
static bool are_mutual(const struct links *links, uint64_t word)
{
	return links->answered[word] > links->asked[word] / 2;
}

/* Whether of the blocks that have links most have one there. */
static bool is_common_link(const struct links *links, uint64_t word)
{
	return links->words[word] >= links->linked - links->linked / LINKS_SHARE;
}

bool hc_propagation_is_link(hc_propagation *propagation, uint64_t size, uint64_t offset)
{
	const struct links *links = known_links(propagation, size);

	return links && is_link(links, offset / propagation->format.size);
}

/* Whether VALUE is the beginning of a text, in memory. */
static bool is_text(uint64_t value)
{
	unsigned printable = 0;

	while (printable < sizeof(value) && (value & 0xff) >= ' ' && (value & 0xff) < 0x7f)
		printable++, value >>= 8;
	return printable >= TEXT_LEAST;
}

/*
 * Whether the block at ADDRESS lacks a pointer that nearly all of its size have, and has one where next to none has; or has some
 * where next to none has any, and no text that malloc's answer for something else is left over behind.
 */
static bool find_kind(hc_propagation *propagation, const struct links *links, hc_address address, uint64_t size)
{
	unsigned word_size = propagation->format.size, heap_words = 0;
	bool lacks = false, has = false, are_plain = true, has_text = false;
	hc_address value;

	for (unsigned i = 0; i < LINK_WORDS && (i + 1) * (uint64_t)word_size <= size; i++) {
		if (!hc_propagation_load(propagation, address + i * word_size, &value))
			continue;
		const hc_block_region *region = hc_blocks_region(propagation->blocks, value);
		uint64_t start = region ? hc_blocks_start_of(propagation->blocks,
						  hc_blocks_granule(propagation->blocks, region, value), value) :
					  UINT64_MAX;
		bool is_heap = start != UINT64_MAX;
		bool is_pointer = is_heap && hc_blocks_address(propagation->blocks, region, start) == value;

		lacks |= !is_pointer && links->pointers[i] >= links->blocks - links->blocks / RARE;
		has |= is_pointer && links->pointers[i] < links->blocks / RARE;
		are_plain &= links->pointers[i] < links->blocks / RARE;
		heap_words += is_heap;
		has_text |= is_text(value);
	}
	return (lacks && has) || (are_plain && heap_words >= PLAIN_OTHERS && !has_text);
}

/* find_kind(), which one asks for each word of a block. Neither memory nor LINKS change. */
static bool is_another_kind(hc_propagation *propagation, const struct links *links, hc_address address, uint64_t size)
{
	hc_asked_kind *asked = &propagation->kinds[(address >> propagation->blocks->granule_shift) % HC_KINDS_KEPT];

	if (asked->block != address || asked->size != size || !address)
		*asked = (hc_asked_kind){ address, size, find_kind(propagation, links, address, size) };
	return asked->is_another;
}

bool hc_propagation_is_one_of_many(hc_propagation *propagation, hc_address address, uint64_t size)
{
	const struct links *links = known_links(propagation, size);

	return links && links->blocks >= MANY && !is_another_kind(propagation, links, address, size);
}

bool hc_propagation_is_started(hc_propagation *propagation, uint32_t number)
{
	hc_propagation_look_at_words(propagation);
	return hc_bit(propagation->started, number);
}

hc_word_support hc_propagation_support(hc_propagation *propagation, hc_address address, uint64_t size, uint64_t offset)
{
	const struct links *links = known_links(propagation, size);
	uint64_t word = offset / propagation->format.size;

	if (!links || links->blocks < MANY || word >= LINK_WORDS)
		return HC_SUPPORT_UNKNOWN;
	if (links->pointers[word] < links->blocks / RARE)
		return is_another_kind(propagation, links, address, size) ? HC_SUPPORT_UNKNOWN : HC_SUPPORT_STRAY;
	return links->pointers[word] >= links->blocks / LINKS_SHARE ? HC_SUPPORT_COMMON : HC_SUPPORT_UNKNOWN;
}

/* ---- aliases ---- */

/* What stands in a node where most nodes have a link. */
typedef enum {
	LINK_NULL,
	LINK_MUTUAL,  /* to a node that has a link to this one */
	LINK_ONE_WAY, /* to another node */
	LINK_BACK,    /* to where one comes from */
	LINK_FOREIGN, /* to something else that leads here: the list, the map */
} link_kind;

static link_kind kind_of_link(hc_propagation *propagation, const struct links *links, hc_address node, uint64_t size,
	unsigned word, const hc_word_place *from)
{
	hc_address value;
	hc_spot spot;

	if (!hc_propagation_load(propagation, node + (uint64_t)word * propagation->format.size, &value) || !value)
		return LINK_NULL;
	if (value >= from->start && value < from->end)
		return LINK_BACK;
	if (!hc_propagation_locate(propagation, value, &spot) || spot.address != value ||
		size_at(propagation, &spot) != size)
		return links_to(propagation, PLACE_BYTES, value, node) ? LINK_FOREIGN : LINK_NULL;
	return are_mutual(links, word) && links_to(propagation, size, value, node) ? LINK_MUTUAL : LINK_ONE_WAY;
}

bool hc_propagation_is_answered(
	hc_propagation *propagation, const hc_spot *spot, uint64_t size, hc_address node, uint64_t offset)
{
	const struct links *links = known_links(propagation, size);
	uint64_t word = offset / propagation->format.size;

	return !links || word >= LINK_WORDS || !are_mutual(links, word) ||
	       links_to(propagation, size, spot->address, node);
}

/* The links of BLOCK: sets the bits of the blocks of its size that they lead to. */
static void follow_links(hc_propagation *propagation, const struct links *links, const hc_block *block)
{
	unsigned word_size = propagation->format.size;

	for (unsigned i = 0; i < LINK_WORDS && (i + 1) * (uint64_t)word_size <= block->size; i++) {
		hc_spot spot;

		if (is_link(links, i) && !are_mutual(links, i) &&
			hc_propagation_locate_target(propagation, block->address + i * word_size, &spot) &&
			spot.number != block->number && !hc_bit(propagation->preceded, spot.number) &&
			size_at(propagation, &spot) == block->size)
			hc_set_bit(propagation->preceded, spot.number);
	}
}

/* Follows the links of all blocks of any size that was not asked of yet. */
static void follow_other_links(hc_propagation *propagation)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, propagation->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		if (block.state != HC_BLOCK_IN_USE)
			continue;
		const struct links *links = known_links(propagation, block.size);

		if (links && links->linked && !links->knows_preceded)
			follow_links(propagation, links, &block);
	}
}

/* ---- ... of one size, by all workers ---- */

/* Links that wait for their lines of the index. */
struct waiting {
	hc_address values[LINKS_AT_ONCE];
	uint32_t from[LINKS_AT_ONCE];
	unsigned count;
};

struct following {
	hc_propagation *propagation;
	const struct links *links;
	unsigned words[LINK_WORDS], word_count; /* where nodes have a link that is not answered */
	unsigned workers;
};

/* As follow_links() does with each; bits do not depend on the order in which they are set. */
static void follow_waiting(const struct following *following, struct waiting *waiting)
{
	const hc_propagation *propagation = following->propagation;

	for (unsigned i = 0; i < waiting->count; i++) {
		hc_spot spot;

		if (hc_propagation_locate(propagation, waiting->values[i], &spot) &&
			spot.address == waiting->values[i] && spot.number != waiting->from[i] &&
			size_at(propagation, &spot) == following->links->size)
			__atomic_fetch_or(&propagation->preceded[spot.number / 64], (uint64_t)1 << spot.number % 64,
				__ATOMIC_RELAXED);
	}
	waiting->count = 0;
}

/* The links of block NUMBER at ADDRESS in REGION, which has the size that is asked of. */
static void gather_links(const struct following *following, const hc_block_region *region, hc_address address,
	uint32_t number, struct waiting *waiting)
{
	const hc_propagation *propagation = following->propagation;
	unsigned word_size = propagation->format.size;

	for (unsigned i = 0; i < following->word_count; i++) {
		hc_address at = address + following->words[i] * word_size, value;

		if (region->bytes && at + word_size <= region->end)
			value = hc_load_word(region->bytes + (at - region->start), propagation->format);
		else if (!hc_core_read_word(propagation->core, at, &value))
			continue;
		const hc_block_region *to = hc_blocks_region(propagation->blocks, value);

		if (!to)
			continue;
		__builtin_prefetch(
			&propagation->blocks->starts[hc_blocks_granule(propagation->blocks, to, value) / 64]);
		waiting->from[waiting->count] = number;
		waiting->values[waiting->count++] = value;
		if (waiting->count == LINKS_AT_ONCE)
			follow_waiting(following, waiting);
	}
}

static void follow_range(void *data, unsigned worker)
{
	const struct following *following = data;
	const hc_blocks *blocks = following->propagation->blocks;
	uint32_t number = (uint32_t)((uint64_t)blocks->count * worker / following->workers);
	uint32_t end = (uint32_t)((uint64_t)blocks->count * (worker + 1) / following->workers);
	const hc_block_region *region = NULL;
	struct waiting waiting = { .count = 0 };

	if (number >= end)
		return;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, number));
	uint64_t start = hc_start_cursor_next(&cursor), next;

	for (; number < end; number++, start = next) {
		next = hc_start_cursor_next(&cursor);
		if (blocks->states[number] != HC_BLOCK_IN_USE)
			continue;
		if (!region || start - region->first_granule >= region->granules)
			region = hc_blocks_region_of_start(blocks, start);
		if (hc_blocks_size_up_to(blocks, region, start, next) == following->links->size)
			gather_links(following, region, hc_blocks_address(blocks, region, start), number, &waiting);
	}
	follow_waiting(following, &waiting);
}

/* Follows the links of all blocks that LINKS tells of. */
static void follow_all_links(hc_propagation *propagation, const struct links *links)
{
	struct following following = {
		.propagation = propagation, .links = links, .workers = MAX(hc_propagation_worker_count(propagation), 1)
	};

	for (unsigned i = 0; i < LINK_WORDS && (i + 1) * (uint64_t)propagation->format.size <= links->size; i++)
		if (is_link(links, i) && !are_mutual(links, i))
			following.words[following.word_count++] = i;
	if (following.word_count)
		hc_parallel_run(following.workers, follow_range, &following);
}

/* ---- ... to one block ---- */

/* A block that is asked of. */
struct asked {
	const hc_propagation *propagation;
	const struct links *links;
	uint32_t number;
};

/* Whether the word at PLACE, which leads to the block that is asked of, is a link that is not answered, of another node: as gather_links() has it. */
static bool is_link_to(const void *data, const hc_block_region *region, hc_address place)
{
	const struct asked *asked = data;
	const hc_blocks *blocks = asked->propagation->blocks;
	unsigned word_size = asked->propagation->format.size;
	uint64_t start = hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, place), place);

	if (start == UINT64_MAX)
		return false;
	uint32_t number = hc_blocks_number(blocks, start);
	uint64_t offset = place - hc_blocks_address(blocks, region, start), word = offset / word_size;

	return number != asked->number && blocks->states[number] == HC_BLOCK_IN_USE && offset % word_size == 0 &&
	       is_link(asked->links, word) && !are_mutual(asked->links, word) &&
	       hc_blocks_size_up_to(blocks, region, start, hc_blocks_next_start(blocks, start + 1)) ==
		       asked->links->size &&
	       offset + word_size <= asked->links->size;
}

/*
 * Sets the bit of block SPOT if a link of its size leads there, without a look at where all others lead. FALSE: that has to be done, as too many
 * blocks of its size were asked of.
 */
static bool ask_alone(hc_propagation *propagation, struct links *links, const hc_spot *spot)
{
	const struct asked asked = { propagation, links, spot->number };

	for (unsigned i = 0; i < links->alone_count; i++)
		if (links->alone[i] == spot->number)
			return true;
	if (links->alone_count == ALONE_MAX || !hc_propagation_can_search(propagation))
		return false;
	links->alone[links->alone_count++] = spot->number;
	if (size_at(propagation, spot) == links->size &&
		hc_propagation_has_word(propagation, spot->address, is_link_to, &asked))
		hc_set_bit(propagation->preceded, spot->number);
	return true;
}

/* Whether a node of its size, which LINKS tells of, has a link to the block at SPOT. */
static bool is_preceded(hc_propagation *propagation, struct links *links, const hc_spot *spot)
{
	if (!links->knows_preceded && propagation->preceded_sizes <= SIZES_ALONE &&
		!ask_alone(propagation, links, spot)) {
		if (propagation->preceded_sizes++ < SIZES_ALONE)
			follow_all_links(propagation, links);
		else
			follow_other_links(propagation);
		links->knows_preceded = true;
	}
	return hc_bit(propagation->preceded, spot->number);
}

hc_entry hc_propagation_entry(
	hc_propagation *propagation, const hc_spot *spot, uint64_t size, const hc_word_place *from)
{
	struct links *links = known_links(propagation, size);
	unsigned word_size = propagation->format.size, common = 0, nodes = 0, mutual = 0, mutual_common = 0;
	bool has_links = false, is_foreign = false;

	if (!links || links->linked < MANY)
		return HC_ENTRY_UNKNOWN;
	for (unsigned i = 0; i < LINK_WORDS && (i + 1) * (uint64_t)word_size <= size; i++) {
		bool is_common = is_common_link(links, i);

		if (!is_common && !is_link(links, i))
			continue;
		has_links = true;
		link_kind kind = kind_of_link(propagation, links, spot->address, size, i, from);

		if (is_common && kind == LINK_BACK)
			return HC_ENTRY_HEAD;
		is_foreign |= is_common && kind == LINK_FOREIGN;
		mutual += kind == LINK_MUTUAL;
		nodes += kind == LINK_MUTUAL || kind == LINK_ONE_WAY;
		if (is_common && are_mutual(links, i)) {
			mutual_common += kind == LINK_MUTUAL;
			common++;
		}
	}
	/* What leads to no other node is none, perhaps: something else of that size. */
	if ((is_foreign && nodes) || (common && mutual_common == common))
		return HC_ENTRY_ALIAS;
	return has_links && !mutual && is_preceded(propagation, links, spot) ? HC_ENTRY_ALIAS : HC_ENTRY_UNKNOWN;
}

hc_word_place hc_place_of_root_word(hc_address address)
{
	return (hc_word_place){ address - MIN(address, PLACE_BYTES), address + PLACE_BYTES };
}
