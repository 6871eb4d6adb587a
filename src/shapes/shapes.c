/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which shapes a word may begin; and what the finders of each kind share.
 *
 * Nearly every word that leads to the heap begins none, so its neighbours are looked at first: they are at hand, where it leads is not.
 * Each kind has neighbours that another one does not have (two more addresses, two numbers, ...), so one or two are tried, not all.
 */
#include "shapes/shapes_state.h"

const char *hc_shape_kind_name(hc_shape_kind kind)
{
	static const char *const names[HC_SHAPE_COUNT] = {
		[HC_SHAPE_NONE] = "",
		[HC_SHAPE_STRING] = "string-like",
		[HC_SHAPE_VECTOR] = "vector-like",
		[HC_SHAPE_DEQUE] = "deque-like",
		[HC_SHAPE_LIST] = "list-like",
		[HC_SHAPE_RING] = "ring-like",
		[HC_SHAPE_TREE] = "map-like",
		[HC_SHAPE_HASH] = "hash-map-like",
		[HC_SHAPE_SLOTS] = "hash-table-like",
		[HC_SHAPE_QUEUE] = "queue-like",
	};

	return (unsigned)kind < HC_SHAPE_COUNT ? names[kind] : "";
}

hc_shapes *hc_shapes_create(const hc_core *core, const hc_blocks *blocks, hc_shapes_filter filter, void *data)
{
	hc_shapes *shapes = g_new0(hc_shapes, 1);

	shapes->core = core;
	shapes->blocks = blocks;
	shapes->format = hc_core_word_format(core);
	shapes->filter = filter;
	shapes->data = data;
	shapes->found = g_array_new(FALSE, FALSE, sizeof(hc_address));
	return shapes;
}

void hc_shapes_destroy(hc_shapes *shapes)
{
	if (!shapes)
		return;
	g_array_unref(shapes->found);
	g_free(shapes);
}

/* ---- one word ---- */

/* The words around ADDRESS, at once if they are in one piece of the core. */
static bool load_words(hc_shapes *shapes, hc_address address, hc_shape_words *words)
{
	unsigned size = shapes->format.size;
	hc_address start = address - HC_SHAPE_BEFORE * size;

	words->at = address;
	if (hc_shapes_load(shapes, start, HC_SHAPE_BEFORE + HC_SHAPE_AFTER, words->words))
		return true;
	for (unsigned i = 0; i < HC_SHAPE_BEFORE + HC_SHAPE_AFTER; i++)
		if (!hc_shapes_load(shapes, start + i * size, 1, &words->words[i]))
			words->words[i] = 0;
	return true;
}

/* Whether one of the finders knows it; they are asked by what stands beside the first word. */
static bool ask(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	uint64_t next = hc_shape_word(words, 1), second = hc_shape_word(words, 2);

	/* What stands behind it may be anything. */
	if (hc_shapes_find_llvm_string(shapes, words, shape))
		return true;
	if (hc_blocks_may_contain(shapes->blocks, next)) {
		if (hc_shapes_find_deque(shapes, words, shape) || hc_shapes_find_vector(shapes, words, shape))
			return true;
		return hc_shapes_find_tree(shapes, words, shape) || hc_shapes_find_ring(shapes, words, shape) ||
		       hc_shapes_find_queue(shapes, words, shape) || hc_shapes_find_slots(shapes, words, shape);
	}
	if (hc_blocks_may_contain(shapes->blocks, second))
		return hc_shapes_find_hash(shapes, words, shape) || hc_shapes_find_deque(shapes, words, shape) ||
		       hc_shapes_find_string(shapes, words, shape);
	return hc_shapes_find_ring(shapes, words, shape) || hc_shapes_find_string(shapes, words, shape);
}

bool hc_shapes_find(hc_shapes *shapes, hc_address address, hc_shape *ret_shape)
{
	hc_shape_words words;

	load_words(shapes, address, &words);
	/* Mostly nothing was found for the word before. */
	if (shapes->found->len)
		g_array_set_size(shapes->found, 0);
	*ret_shape =
		(hc_shape){ .count = UINT64_MAX, .capacity = UINT64_MAX, .blocks = shapes->found, .head = address };
	if (!ask(shapes, &words, ret_shape)) {
		shapes->vain += shapes->found->len;
		return false;
	}
	ret_shape->node_bytes = ret_shape->from ? 0 : shapes->least;
	return true;
}

void hc_shapes_set_enough(hc_shapes *shapes, uint64_t nodes)
{
	shapes->enough = nodes;
}

void hc_shapes_refuse(hc_shapes *shapes)
{
	shapes->vain += shapes->found->len;
}
