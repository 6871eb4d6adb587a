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
 *	1  look_at_edges	what leads to each block from blocks of its owner: how many do, and whether one before it does
 *	2  count_crossings	words from one owner's blocks of a size to others', each block that they lead to once
 *	3  seed, spread		rivals, breadth first
 *
 * All edges are read three times, in their order but for the search. Memory: 14 bytes a block beside the graph.
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
	SIZES = 64 * 1024 /* that are asked for at once */
};

/* In place of a rival: the owner's root refers to the block directly. */
static const uint32_t DIRECT = UINT32_MAX - 1;

struct sharing {
	const hc_graph *graph;
	const uint32_t *owners, *ranks;
	uint32_t *rivals, *queue, *sizes;
	uint32_t head, tail;
	uint8_t *degrees;   /* of each block: blocks of its owner that lead there, HUB at most */
	uint64_t *preceded; /* bit for each block: one of its owner and size leads there, and it does not lead back */
	uint64_t *crossed;  /* bit for each block: a word of another owner's was counted */
	GArray *classes;    /* of struct class, by number - 1 */
	GHashTable *class_numbers, *crossings;
	uint32_t last_class;
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

/* ---- pass 1 ---- */

static void ask_sizes(struct sharing *sharing)
{
	const hc_graph_source *source = &sharing->graph->source;
	g_autofree uint64_t *sizes = g_new(uint64_t, SIZES);

	for (uint32_t first = 0; first < source->blocks; first += MIN(SIZES, source->blocks - first)) {
		uint32_t count = MIN(SIZES, source->blocks - first);

		source->sizes(source->data, first, first + count, sizes);
		for (uint32_t i = 0; i < count; i++)
			sharing->sizes[first + i] = (uint32_t)MIN(sizes[i], UINT32_MAX);
	}
}

static void look_at_edges(struct sharing *sharing)
{
	const hc_graph *graph = sharing->graph;

	for (uint32_t block = 0; block < graph->source.blocks; block++) {
		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (!is_strong(graph->edges[i]) || sharing->owners[target] != sharing->owners[block])
				continue;
			if (sharing->degrees[target] < HUB)
				sharing->degrees[target]++;
			if (sharing->sizes[target] == sharing->sizes[block] && !hc_bit(sharing->preceded, target) &&
				!leads_to(graph, target, block))
				hc_take_bit(sharing->preceded, target);
		}
	}
}

/* ---- pass 2 ---- */

/* Of the blocks of an owner that have one size. */
struct class
{
	uint64_t key; /* owner << 32 | size */
	uint64_t blocks;
};

/* Words of a class that lead to blocks of another owner, each block counted once. */
struct crossing {
	uint64_t key;	       /* owner of these << 32 | number of the class */
	uint64_t count, words; /* words: that one of the class's blocks has room for */
	uint64_t blocks;       /* of the class */
};

static uint32_t class_of(struct sharing *sharing, uint32_t block)
{
	struct class key = { (uint64_t)sharing->owners[block] << 32 | sharing->sizes[block], 0 };

	if (sharing->last_class &&
		g_array_index(sharing->classes, struct class, sharing->last_class - 1).key == key.key)
		return sharing->last_class;
	sharing->last_class = GPOINTER_TO_UINT(g_hash_table_lookup(sharing->class_numbers, GSIZE_TO_POINTER(key.key)));
	if (!sharing->last_class && sharing->classes->len < TABLE_MAX) {
		g_array_append_val(sharing->classes, key);
		sharing->last_class = sharing->classes->len;
		g_hash_table_insert(
			sharing->class_numbers, GSIZE_TO_POINTER(key.key), GUINT_TO_POINTER(sharing->last_class));
	}
	return sharing->last_class;
}

static struct crossing *find_crossing(struct sharing *sharing, uint32_t from, uint32_t to)
{
	uint64_t key = (uint64_t)sharing->owners[to] << 32 | class_of(sharing, from);

	return g_hash_table_lookup(sharing->crossings, &key);
}

static void count_classes(struct sharing *sharing)
{
	for (uint32_t block = 0; block < sharing->graph->source.blocks; block++) {
		uint32_t number = sharing->owners[block] == HC_GRAPH_NOBODY ? 0 : class_of(sharing, block);

		if (number)
			g_array_index(sharing->classes, struct class, number - 1).blocks++;
	}
}

/* Most of what is left over from what had the memory before is found in a few of many blocks, and among few words of a large one. */
static bool is_many(const struct crossing *crossing)
{
	if (!crossing || crossing->count < SEVERAL)
		return false;
	return crossing->words < WORDS_MANY ? crossing->count >= crossing->blocks / SHARE :
					      crossing->count >= crossing->blocks * crossing->words / WORDS_SHARE;
}

/* Whether a word of FROM, a root or a block of one, can make another root of the one that TO has. */
static bool can_rival(const struct sharing *sharing, uint32_t from, uint32_t to)
{
	uint32_t owner = sharing->owners[to];

	return from != owner && from != HC_GRAPH_NOBODY && owner != HC_GRAPH_NOBODY &&
	       sharing->ranks[from] <= sharing->ranks[owner];
}

static void count_crossings(struct sharing *sharing)
{
	const hc_graph *graph = sharing->graph;

	count_classes(sharing);
	for (uint32_t block = 0; block < graph->source.blocks; block++) {
		uint32_t from = sharing->owners[block];

		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]), number;

			if (!is_strong(graph->edges[i]) || !can_rival(sharing, from, target) ||
				!hc_take_bit(sharing->crossed, target) || !(number = class_of(sharing, block)))
				continue;
			struct crossing *crossing = find_crossing(sharing, block, target);

			if (!crossing && g_hash_table_size(sharing->crossings) < TABLE_MAX) {
				crossing = g_new0(struct crossing, 1);
				crossing->key = (uint64_t)sharing->owners[target] << 32 | number;
				crossing->blocks = g_array_index(sharing->classes, struct class, number - 1).blocks;
				crossing->words = sharing->sizes[block] / sizeof(uint64_t);
				g_hash_table_add(sharing->crossings, crossing);
			}
			if (crossing)
				crossing->count++;
		}
	}
}

/* ---- pass 3 ---- */

static void mark_direct(struct sharing *sharing)
{
	const hc_graph *graph = sharing->graph;
	uint32_t blocks = graph->source.blocks;

	for (uint32_t node = blocks; node < graph->nodes; node++)
		for (uint32_t i = graph->starts[node]; !is_table(graph, node) && i < graph->starts[node + 1]; i++)
			if (sharing->owners[hc_graph_target(graph->edges[i])] == node - blocks)
				sharing->rivals[hc_graph_target(graph->edges[i])] = DIRECT;
}

/* Whether BLOCK is in the middle of a list or a tree of its owner's. */
static bool is_inner(const struct sharing *sharing, uint32_t block)
{
	const hc_graph *graph = sharing->graph;
	unsigned neighbours = 0;

	for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1] && neighbours < 2; i++) {
		uint32_t target = hc_graph_target(graph->edges[i]);

		neighbours += sharing->sizes[target] == sharing->sizes[block] &&
			      sharing->owners[target] == sharing->owners[block] && leads_to(graph, target, block);
	}
	return neighbours >= 2 || (!neighbours && hc_bit(sharing->preceded, block));
}

static void add_seed(struct sharing *sharing, uint32_t block, uint32_t rival, bool is_direct)
{
	uint32_t *rivals = sharing->rivals;

	if (rivals[block] != HC_GRAPH_NOBODY && !(rivals[block] == DIRECT && is_direct))
		return;
	rivals[block] = rival;
	sharing->queue[sharing->tail++] = block;
}

static void seed(struct sharing *sharing)
{
	const hc_graph *graph = sharing->graph;
	uint32_t blocks = graph->source.blocks;

	for (uint32_t node = blocks; node < graph->nodes; node++)
		for (uint32_t i = graph->starts[node]; i < graph->starts[node + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (is_strong(graph->edges[i]) && can_rival(sharing, node - blocks, target) &&
				(is_table(graph, node) || !is_inner(sharing, target)))
				add_seed(sharing, target, node - blocks, true);
		}
	for (uint32_t block = 0; block < blocks; block++) {
		uint32_t from = sharing->owners[block];

		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (is_strong(graph->edges[i]) && can_rival(sharing, from, target) &&
				is_many(find_crossing(sharing, block, target)))
				add_seed(sharing, target, from, false);
		}
	}
}

static void spread(struct sharing *sharing)
{
	const hc_graph *graph = sharing->graph;

	for (; sharing->head < sharing->tail; sharing->head++) {
		uint32_t block = sharing->queue[sharing->head];

		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (is_strong(graph->edges[i]) && sharing->owners[target] == sharing->owners[block] &&
				sharing->degrees[target] < HUB && sharing->rivals[block] != sharing->owners[target])
				add_seed(sharing, target, sharing->rivals[block], false);
		}
	}
}

/* ---- all of it ---- */

static size_t table_size(const hc_graph *graph)
{
	return ((size_t)graph->source.blocks + 1) * sizeof(uint32_t);
}

static size_t bits_size(const hc_graph *graph)
{
	return (graph->source.blocks / 64 + (size_t)1) * sizeof(uint64_t);
}

void hc_rivals_free(const hc_graph *graph, uint32_t *rivals)
{
	hc_pages_destroy(rivals, table_size(graph));
}

uint32_t *hc_rivals_find(const hc_graph *graph, const uint32_t *owners, const uint32_t *ranks, GError **error)
{
	uint32_t blocks = graph->source.blocks;
	struct sharing sharing = {
		.graph = graph,
		.owners = owners,
		.ranks = ranks,
		.rivals = hc_pages_create(table_size(graph)),
		.queue = hc_pages_create(table_size(graph)),
		.sizes = hc_pages_create(table_size(graph)),
		.degrees = hc_pages_create((size_t)blocks + 1),
		.preceded = hc_pages_create(bits_size(graph)),
		.crossed = hc_pages_create(bits_size(graph)),
		.classes = g_array_new(FALSE, FALSE, sizeof(struct class)),
		.class_numbers = g_hash_table_new(NULL, NULL),
		.crossings = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
	};
	bool ok = sharing.rivals && sharing.queue && sharing.sizes && sharing.degrees && sharing.preceded &&
		  sharing.crossed;

	if (ok) {
		memset(sharing.rivals, 0xff, table_size(graph));
		ask_sizes(&sharing);
		look_at_edges(&sharing);
		count_crossings(&sharing);
		mark_direct(&sharing);
		seed(&sharing);
		spread(&sharing);
		for (uint32_t block = 0; block < blocks; block++)
			if (sharing.rivals[block] == DIRECT)
				sharing.rivals[block] = HC_GRAPH_NOBODY;
	} else {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to tell who shares %u blocks", blocks);
		hc_pages_destroy(sharing.rivals, table_size(graph));
	}
	hc_pages_destroy(sharing.queue, table_size(graph));
	hc_pages_destroy(sharing.sizes, table_size(graph));
	hc_pages_destroy(sharing.degrees, (size_t)blocks + 1);
	hc_pages_destroy(sharing.preceded, bits_size(graph));
	hc_pages_destroy(sharing.crossed, bits_size(graph));
	g_array_unref(sharing.classes);
	g_hash_table_unref(sharing.class_numbers);
	g_hash_table_unref(sharing.crossings);
	return ok ? sharing.rivals : NULL;
}
