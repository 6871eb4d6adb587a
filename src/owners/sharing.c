/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who else leads to what a root holds?
 *
 * A block has one owner, the root that leads there by the best evidence; but programs keep one thing in several places: items hang on an
 * index by key and on a list by age. To say that the index grew is half of the truth then. So for each block it is asked whether another
 * root, its *rival*, leads there as well.
 *
 * Almost everything leads to almost everything, by pointers back to a parent. What counts is therefore less than all words:
 *
 *   - pointers to a block's start only, and those of stacks not at all where data has the block;
 *   - a root's word, unless it leads into the middle of a list or a tree (a cursor): to a node with two neighbours of its size that both
 *     lead back to it, or with one before it that it does not lead back to;
 *   - of words in one owner's blocks that lead to another's those that are many: to several different blocks, from many of the blocks of
 *     a size. A thousand sessions that all lead back to their server do not share it; nor does who has recycled blocks of a map;
 *   - on from there, within the owner's blocks, all words but those to a *hub*, which very many of these blocks lead to.
 *
 * A block that its owner's root refers to directly is the owner's alone unless another root does, too: it is what the variable is the name
 * of (holds.c). That is not so of a table's many items.
 *
 * A rival comes in from outside, or not at all. So the words that cross from one owner to another are looked at first; an owner is
 * *contested* if one of them counts, or a root's. In most programs few are, and of the others' blocks nothing has to be known.
 *
 *	1  count_crossings	words from one owner's blocks of a size to others', each block that they lead to once; and of how many blocks,
 *				as far as it takes to know that these are too many for so few words, which is soon as a rule
 *	2  contest		owners with blocks that others' words lead to
 *	3  look_at_edges	what leads to each block from blocks of its owner: how many do, and whether one before it does
 *	4  seed, spread		rivals, breadth first
 *
 * 1 and 2 need the references that cross, 3 and 4 in addition those within contested owners: so a graph of all will do for both, and two that
 * have no more than that, too. Memory: 4 bytes a block beside the first graph, 14 beside the second; all edges are read in their order but
 * for the search.
 */
#include "owners/graph.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/pages.h"

#include <string.h>

enum {
	SEVERAL = 8,	  /* different blocks that words of one owner lead to */
	FEW = 16,	  /* a root that refers to more blocks is a table, and not the name of what it refers to */
	HUB = 64,	  /* so many blocks of one owner lead to a block that what it leads to is not theirs */
	SHARE = 16,	  /* ... of one in so many of its blocks of a size, at least */
	WORDS_MANY = 64,  /* ... in blocks of so many words, ... */
	WORDS_SHARE = 32, /* ... of one in so many of their words */
	TABLE_MAX = 1 << 20,
	SIZES = 64 * 1024, /* that are asked for at once */
	NEAR_CLASSES = 64, /* neighbours are of a few: a power of two */
};

/* In place of a rival: the owner's root refers to the block directly. */
static const uint32_t DIRECT = UINT32_MAX - 1;

struct hc_rivals {
	const hc_graph *crossing, *graph; /* the references that cross; those within contested owners */
	const uint32_t *owners, *ranks;
	uint32_t blocks, roots;
	uint64_t *contested; /* bit for each root */
	bool is_contested;   /* one is */
	uint32_t *rivals, *queue, *sizes;
	uint32_t head, tail;
	uint8_t *degrees;   /* of each block: blocks of its owner that lead there, HUB at most */
	uint64_t *asked;    /* bit for each block: somebody wants to know whether it is preceded */
	uint64_t *preceded; /* the same: one of its owner and size leads there, and it does not lead back */
	uint64_t *crossed;  /* bit for each block: a word of another owner's was counted */
	GArray *classes;    /* of struct class, by number - 1 */
	GHashTable *class_numbers, *crossings;
	uint32_t near_classes[NEAR_CLASSES]; /* by a hash: the last ones that were asked for; 0: none */
};

static bool is_strong(uint32_t edge)
{
	return hc_graph_edge_evidence(edge) <= HC_GRAPH_WORD;
}

static bool leads_to(const hc_graph *graph, uint32_t from, uint32_t to)
{
	uint32_t low = graph->starts[from], high = graph->starts[from + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (hc_graph_target(graph->edges[middle]) < to)
			low = middle + 1;
		else
			high = middle;
	}
	return low < graph->starts[from + 1] && hc_graph_target(graph->edges[low]) == to;
}

static bool is_table(const hc_graph *graph, uint32_t root)
{
	return graph->starts[root + 1] - graph->starts[root] > FEW;
}

static size_t table_size(const hc_rivals *rivals)
{
	return ((size_t)rivals->blocks + 1) * sizeof(uint32_t);
}

static size_t bits_size(uint32_t count)
{
	return (count / 64 + (size_t)1) * sizeof(uint64_t);
}

/* FALSE if memory was out. */
static bool ask_sizes(hc_rivals *rivals)
{
	const hc_graph_source *source = &rivals->crossing->source;
	g_autofree uint64_t *sizes = g_new(uint64_t, SIZES);

	if (rivals->sizes)
		return true;
	rivals->sizes = hc_pages_create(table_size(rivals));
	for (uint32_t first = 0; rivals->sizes && first < rivals->blocks; first += MIN(SIZES, rivals->blocks - first)) {
		uint32_t count = MIN(SIZES, rivals->blocks - first);

		source->sizes(source->data, first, first + count, sizes);
		for (uint32_t i = 0; i < count; i++)
			rivals->sizes[first + i] = (uint32_t)MIN(sizes[i], UINT32_MAX);
	}
	return rivals->sizes != NULL;
}

/* Usable bytes of BLOCK; all of them are asked for only where most are wanted. */
static uint32_t size_of(const hc_rivals *rivals, uint32_t block)
{
	const hc_graph_source *source = &rivals->crossing->source;
	uint64_t size;

	if (rivals->sizes)
		return rivals->sizes[block];
	source->sizes(source->data, block, block + 1, &size);
	return (uint32_t)MIN(size, UINT32_MAX);
}

/* ---- pass 1 ---- */

/* Of the blocks of an owner that have one size: those that words of one lead to another owner's. */
struct class
{
	uint64_t key;	 /* owner << 32 | size */
	uint64_t blocks; /* LIMIT at most */
	uint64_t
		limit; /* if there are so many, nothing that its words lead to is many; 0: that is so however many there are */
};

/* Words of a class that lead to blocks of another owner, each block counted once. */
struct crossing {
	uint64_t key;	       /* owner of these << 32 | number of the class */
	uint64_t count, words; /* words: that one of the class's blocks has room for */
	uint64_t blocks;       /* of the class */
};

static uint64_t class_key(uint32_t owner, uint32_t size)
{
	return (uint64_t)owner << 32 | size;
}

static struct class *nth_class(const hc_rivals *rivals, uint32_t number)
{
	return &g_array_index(rivals->classes, struct class, number - 1);
}

/* Its number; 0: no word of such a block was counted. */
static uint32_t find_class(hc_rivals *rivals, uint32_t owner, uint32_t size)
{
	uint64_t key = class_key(owner, size);
	uint32_t *near = &rivals->near_classes[(owner * 31 + size / 8) % NEAR_CLASSES];

	if (!*near || nth_class(rivals, *near)->key != key)
		*near = GPOINTER_TO_UINT(g_hash_table_lookup(rivals->class_numbers, GSIZE_TO_POINTER(key)));
	return *near;
}

/* 0: there are too many. */
static uint32_t class_of(hc_rivals *rivals, uint32_t block)
{
	uint32_t owner = rivals->owners[block], size = size_of(rivals, block), number = find_class(rivals, owner, size);
	const struct class key = { .key = class_key(owner, size) };

	if (number || rivals->classes->len >= TABLE_MAX)
		return number;
	g_array_append_val(rivals->classes, key);
	number = rivals->classes->len;
	g_hash_table_insert(rivals->class_numbers, GSIZE_TO_POINTER(key.key), GUINT_TO_POINTER(number));
	return number;
}

static struct crossing *find_crossing(hc_rivals *rivals, uint32_t from, uint32_t to)
{
	uint64_t key = (uint64_t)rivals->owners[to] << 32 | class_of(rivals, from);

	return g_hash_table_lookup(rivals->crossings, &key);
}

/*
 * Most of what is left over from what had the memory before is found in a few of many blocks, and among few words of a large one. So many
 * blocks of a size are too many for COUNT words.
 */
static uint64_t too_many_for(const struct crossing *crossing)
{
	return crossing->words < WORDS_MANY ?
		       (crossing->count + 1) * SHARE :
		       ((crossing->count + 1) * WORDS_SHARE + crossing->words - 1) / crossing->words;
}

static bool is_many(const struct crossing *crossing)
{
	return crossing && crossing->count >= SEVERAL && crossing->blocks < too_many_for(crossing);
}

static bool can_rival(const hc_rivals *rivals, uint32_t from, uint32_t to)
{
	return hc_rivals_may_cross(rivals->owners, rivals->ranks, from, to);
}

static bool has_crossings(const hc_rivals *rivals)
{
	return rivals->crossing->starts[rivals->blocks] != 0;
}

/* One more word of BLOCK's that leads to another owner's block TARGET. */
static void count_crossing(hc_rivals *rivals, uint32_t block, uint32_t target)
{
	uint32_t number = class_of(rivals, block);
	struct crossing *crossing = number ? find_crossing(rivals, block, target) : NULL;

	if (number && !crossing && g_hash_table_size(rivals->crossings) < TABLE_MAX) {
		crossing = g_new0(struct crossing, 1);
		crossing->key = (uint64_t)rivals->owners[target] << 32 | number;
		crossing->words = size_of(rivals, block) / sizeof(uint64_t);
		g_hash_table_add(rivals->crossings, crossing);
	}
	if (crossing)
		crossing->count++;
}

/* How many classes have words that may be many. */
static uint32_t set_limits(hc_rivals *rivals)
{
	GHashTableIter iter;
	gpointer value;
	uint32_t open = 0;

	g_hash_table_iter_init(&iter, rivals->crossings);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct crossing *crossing = value;
		struct class *class = nth_class(rivals, (uint32_t)crossing->key);

		if (crossing->count < SEVERAL)
			continue;
		open += !class->limit;
		class->limit = MAX(class->limit, too_many_for(crossing));
	}
	return open;
}

/* One more block of OWNER's. Returns whether there are too many of its size now. */
static bool count_block(hc_rivals *rivals, uint32_t owner, uint32_t size)
{
	uint32_t number = find_class(rivals, owner, size);
	struct class *class = number ? nth_class(rivals, number) : NULL;

	return class && class->blocks < class->limit && ++class->blocks == class->limit;
}

/* Blocks of classes that have a limit, until there are too many of each. */
static void count_classes(hc_rivals *rivals)
{
	const hc_graph_source *source = &rivals->crossing->source;
	uint32_t open = set_limits(rivals);
	g_autofree uint64_t *sizes = g_new(uint64_t, SIZES), *owners = g_new0(uint64_t, bits_size(rivals->roots) / 8);

	for (unsigned i = 0; i < rivals->classes->len; i++)
		if (nth_class(rivals, i + 1)->limit)
			hc_set_bit(owners, nth_class(rivals, i + 1)->key >> 32);
	for (uint32_t first = 0; open && first < rivals->blocks; first += MIN(SIZES, rivals->blocks - first)) {
		uint32_t end = first + MIN(SIZES, rivals->blocks - first);

		source->sizes(source->data, first, end, sizes);
		for (uint32_t block = first; block < end && open; block++) {
			uint32_t owner = rivals->owners[block];

			if (owner != HC_GRAPH_NOBODY && hc_bit(owners, owner))
				open -= count_block(rivals, owner, (uint32_t)MIN(sizes[block - first], UINT32_MAX));
		}
	}
}

/* How many blocks its class has. */
static void set_blocks(const hc_rivals *rivals)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, rivals->crossings);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct crossing *crossing = value;

		crossing->blocks = nth_class(rivals, (uint32_t)crossing->key)->blocks;
	}
}

static void count_crossings(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->crossing;

	for (uint32_t block = 0; block < rivals->blocks; block++) {
		uint32_t from = rivals->owners[block];

		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (is_strong(graph->edges[i]) && can_rival(rivals, from, target) &&
				hc_take_bit(rivals->crossed, target))
				count_crossing(rivals, block, target);
		}
	}
	count_classes(rivals);
	set_blocks(rivals);
}

/* ---- pass 2 ---- */

static void contest_owner_of(hc_rivals *rivals, uint32_t block)
{
	hc_set_bit(rivals->contested, rivals->owners[block]);
	rivals->is_contested = true;
}

/* A root's word counts if it doesn't lead into the middle of a list: that is asked when what leads there is known. */
static void contest(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->crossing;

	for (uint32_t node = 0; node < graph->nodes; node++) {
		bool is_root = node >= rivals->blocks;
		uint32_t from = is_root ? node - rivals->blocks : rivals->owners[node];

		for (uint32_t i = graph->starts[node]; i < graph->starts[node + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (is_strong(graph->edges[i]) && can_rival(rivals, from, target) &&
				(is_root || is_many(find_crossing(rivals, node, target))))
				contest_owner_of(rivals, target);
		}
	}
}

/* ---- pass 3 ---- */

/* A root leads to these; whether they are in the middle of a list depends on what leads there. */
static void ask_preceded(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->graph;

	for (uint32_t node = rivals->blocks; node < graph->nodes; node++)
		for (uint32_t i = graph->starts[node]; !is_table(graph, node) && i < graph->starts[node + 1]; i++)
			hc_set_bit(rivals->asked, hc_graph_target(graph->edges[i]));
}

static void look_at_edges(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->graph;

	for (uint32_t block = 0; block < rivals->blocks; block++) {
		uint32_t owner = rivals->owners[block];

		if (owner == HC_GRAPH_NOBODY || !hc_bit(rivals->contested, owner))
			continue;
		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (!is_strong(graph->edges[i]) || rivals->owners[target] != owner)
				continue;
			if (rivals->degrees[target] < HUB)
				rivals->degrees[target]++;
			if (hc_bit(rivals->asked, target) && rivals->sizes[target] == rivals->sizes[block] &&
				!leads_to(graph, target, block))
				hc_set_bit(rivals->preceded, target);
		}
	}
}

/* ---- pass 4 ---- */

static void mark_direct(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->graph;
	uint32_t blocks = rivals->blocks;

	for (uint32_t node = blocks; node < graph->nodes; node++)
		for (uint32_t i = graph->starts[node]; !is_table(graph, node) && i < graph->starts[node + 1]; i++)
			if (rivals->owners[hc_graph_target(graph->edges[i])] == node - blocks)
				rivals->rivals[hc_graph_target(graph->edges[i])] = DIRECT;
}

/* Whether BLOCK is in the middle of a list or a tree of its owner's. */
static bool is_inner(const hc_rivals *rivals, uint32_t block)
{
	const hc_graph *graph = rivals->graph;
	unsigned neighbours = 0;

	for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1] && neighbours < 2; i++) {
		uint32_t target = hc_graph_target(graph->edges[i]);

		neighbours += rivals->sizes[target] == rivals->sizes[block] &&
			      rivals->owners[target] == rivals->owners[block] && leads_to(graph, target, block);
	}
	return neighbours >= 2 || (!neighbours && hc_bit(rivals->preceded, block));
}

static void add_seed(hc_rivals *rivals, uint32_t block, uint32_t rival, bool is_direct)
{
	uint32_t *of = &rivals->rivals[block];

	if (*of != HC_GRAPH_NOBODY && !(*of == DIRECT && is_direct))
		return;
	*of = rival;
	rivals->queue[rivals->tail++] = block;
}

static void seed_from_roots(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->graph;

	for (uint32_t node = rivals->blocks; node < graph->nodes; node++)
		for (uint32_t i = graph->starts[node]; i < graph->starts[node + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]), root = node - rivals->blocks;

			if (is_strong(graph->edges[i]) && can_rival(rivals, root, target) &&
				(is_table(graph, node) || !is_inner(rivals, target)))
				add_seed(rivals, target, root, true);
		}
}

static void seed_from_blocks(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->crossing;

	for (uint32_t block = 0; block < rivals->blocks; block++) {
		uint32_t from = rivals->owners[block];

		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (is_strong(graph->edges[i]) && can_rival(rivals, from, target) &&
				is_many(find_crossing(rivals, block, target)))
				add_seed(rivals, target, from, false);
		}
	}
}

static void spread(hc_rivals *rivals)
{
	const hc_graph *graph = rivals->graph;

	for (; rivals->head < rivals->tail; rivals->head++) {
		uint32_t block = rivals->queue[rivals->head];

		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (is_strong(graph->edges[i]) && rivals->owners[target] == rivals->owners[block] &&
				rivals->degrees[target] < HUB && rivals->rivals[block] != rivals->owners[target])
				add_seed(rivals, target, rivals->rivals[block], false);
		}
	}
}

/* ---- all of it ---- */

static bool no_memory(const hc_rivals *rivals, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to tell who shares %u blocks", rivals->blocks);
	return false;
}

hc_rivals *hc_rivals_create(const hc_graph *crossing, const uint32_t *owners, const uint32_t *ranks, GError **error)
{
	g_autoptr(hc_rivals) rivals = g_new0(hc_rivals, 1);

	rivals->crossing = crossing;
	rivals->owners = owners;
	rivals->ranks = ranks;
	rivals->blocks = crossing->source.blocks;
	rivals->roots = crossing->source.roots;
	rivals->contested = g_new0(uint64_t, bits_size(rivals->roots) / sizeof(uint64_t));
	rivals->classes = g_array_new(FALSE, FALSE, sizeof(struct class));
	rivals->class_numbers = g_hash_table_new(NULL, NULL);
	rivals->crossings = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	if (has_crossings(rivals)) {
		rivals->crossed = hc_pages_create(bits_size(rivals->blocks));
		if (!rivals->crossed) {
			no_memory(rivals, error);
			return NULL;
		}
		count_crossings(rivals);
	}
	contest(rivals);
	return g_steal_pointer(&rivals);
}

void hc_rivals_destroy(hc_rivals *rivals)
{
	if (!rivals)
		return;
	hc_pages_destroy(rivals->rivals, table_size(rivals));
	hc_pages_destroy(rivals->queue, table_size(rivals));
	hc_pages_destroy(rivals->sizes, table_size(rivals));
	hc_pages_destroy(rivals->degrees, (size_t)rivals->blocks + 1);
	hc_pages_destroy(rivals->asked, bits_size(rivals->blocks));
	hc_pages_destroy(rivals->preceded, bits_size(rivals->blocks));
	hc_pages_destroy(rivals->crossed, bits_size(rivals->blocks));
	g_free(rivals->contested);
	g_array_unref(rivals->classes);
	g_hash_table_unref(rivals->class_numbers);
	g_hash_table_unref(rivals->crossings);
	g_free(rivals);
}

const uint64_t *hc_rivals_contested(const hc_rivals *rivals)
{
	return rivals->is_contested ? rivals->contested : NULL;
}

static bool make_tables(hc_rivals *rivals)
{
	rivals->rivals = hc_pages_create(table_size(rivals));
	rivals->queue = hc_pages_create(table_size(rivals));
	rivals->degrees = hc_pages_create((size_t)rivals->blocks + 1);
	rivals->asked = hc_pages_create(bits_size(rivals->blocks));
	rivals->preceded = hc_pages_create(bits_size(rivals->blocks));
	return rivals->rivals && rivals->queue && rivals->degrees && rivals->asked && rivals->preceded &&
	       ask_sizes(rivals);
}

bool hc_rivals_find(hc_rivals *rivals, const hc_graph *graph, GError **error)
{
	rivals->graph = graph;
	if (!make_tables(rivals))
		return no_memory(rivals, error);
	memset(rivals->rivals, 0xff, table_size(rivals));
	ask_preceded(rivals);
	look_at_edges(rivals);
	mark_direct(rivals);
	seed_from_roots(rivals);
	seed_from_blocks(rivals);
	spread(rivals);
	for (uint32_t block = 0; block < rivals->blocks; block++)
		if (rivals->rivals[block] == DIRECT)
			rivals->rivals[block] = HC_GRAPH_NOBODY;
	return true;
}

uint32_t hc_rivals_of(const hc_rivals *rivals, uint32_t block)
{
	return rivals->rivals ? rivals->rivals[block] : HC_GRAPH_NOBODY;
}
