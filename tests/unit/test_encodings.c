/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is learned of a program's pointers, each kind for itself, with several seeds: blocks of one size, with live ones of random sizes
 * between them, in a list whose head a mapping holds, or each held by a live block. And the same with words that are as large as such
 * pointers, but random: nothing may be learned from these.
 */
#include "heap_builder.h"
#include "stages.h"
#include "unit.h"
#include "wording/wording.h"

#include <inttypes.h>
#include <string.h>

enum {
	NODES = 300,
	NODE_SIZE = 88,
	LINK = 16,
	SEEDS = 24,
	HEADER = 24,
	FACTOR = 8,
	ROOTS = 0x4000, /* bytes */
	HEAP = 0x180000,
	WIDE_HEAP = 0x300000,
	/* So large that a sample is looked at first: half a megabyte for every other node. */
	LARGE_HEAP = 0x5800000,
	FILLER = 0x80000,
	NUMBERS = 60, /* blocks of numbers beside each of these */
	NUMBERS_SIZE = 40,
};

static const hc_address roots = 0x7fffa0000000;

typedef enum {
	UPPER_TAG,
	LOWER_TAG,
	OWN_PLACE,
	BLOCK_START,
	FIXED_HEADER,
	VARYING_HEADER,
	COMPRESSED,
	LINKED,
	KINDS
} pointer_kind;

static const char *const learned[KINDS] = {
	[UPPER_TAG] = "tag in bits 48-63",
	[LOWER_TAG] = "headers of 3 bytes",
	[OWN_PLACE] = "distance from the pointer's own place",
	[BLOCK_START] = "distance from the start of the block that holds it",
	[FIXED_HEADER] = "headers of 24 bytes",
	[VARYING_HEADER] = "headers of varying length (-4 times the 32 bits 4 bytes before the pointer)",
	[COMPRESSED] = "32 bits times 8 from 0x",
	[LINKED] = "lists linked both ways",
};

typedef struct world {
	core_builder *core;
	heap_builder *heap;
	stage_results stages;
	GRand *dice;
	hc_address nodes[NODES], holders[NODES], base;
	uint64_t node_size, link; /* where in a node, or in what holds one, the word is */
	unsigned root_words;
} world;

static void clear(world *w)
{
	stages_clear(&w->stages);
	heap_builder_destroy(w->heap);
	core_builder_destroy(w->core);
	g_rand_free(w->dice);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(world, clear)

/* A word that a mapping holds. The first lies behind room for the base and the head. */
static void hold(world *w, uint64_t value)
{
	core_builder_put_word(w->core, roots + 0x40 + 8 * w->root_words++, value);
}

/* Where in a node its list entry is: in each at another place, so that this is no header. */
static uint64_t entry_offset(unsigned i)
{
	return 8 + i % 8 * 8;
}

static uint32_t varying_length(unsigned i)
{
	return 16u << i % 6;
}

/* A large live block, which holds blocks of numbers of 32 bits. */
static void fill(world *w)
{
	hc_address filler = heap_malloc(w->heap, 0, FILLER);

	hold(w, filler);
	for (unsigned i = 0; i < NUMBERS; i++) {
		hc_address block = heap_malloc(w->heap, 0, NUMBERS_SIZE);

		core_builder_put_word(w->core, filler + 8 * i, block);
		for (unsigned k = 0; k < NUMBERS_SIZE; k += 4)
			core_builder_put(w->core, block + k, g_rand_int(w->dice) | 1, 4);
	}
}

/* HEAP_SIZE: bytes. */
static world start_with(uint64_t heap_size, uint64_t node_size, uint64_t link, pointer_kind kind, guint32 seed)
{
	bool large = heap_size == LARGE_HEAP;
	world w = { .core = core_builder_create(8, false),
		.dice = g_rand_new_with_seed(seed),
		.node_size = node_size,
		.link = link };

	w.heap = heap_builder_create(w.core, heap_release_find("2.36"));
	heap_add_thread(w.heap, 0, 0, 0, 0);
	heap_start_main(w.heap, 0, heap_size, heap_size);
	heap_add_cache(w.heap, 0, 0);
	core_builder_add_memory(w.core, roots, ROOTS, PF_R | PF_W);
	w.base = heap_malloc(w.heap, 0, 24);
	hold(&w, w.base);
	for (unsigned i = 0; i < NODES; i++) {
		uint64_t size = kind == VARYING_HEADER ? varying_length(i) * 4 + NODE_SIZE : node_size;

		if (large && i % 2)
			fill(&w);
		w.nodes[i] = heap_malloc(w.heap, 0, size);
		hold(&w, heap_malloc(w.heap, 0, g_rand_int_range(w.dice, 24, 300)));
	}
	for (unsigned i = 0; i < NODES; i++) {
		w.holders[i] = heap_malloc(w.heap, 0, MAX(40, link + 8));
		hold(&w, w.holders[i]);
	}
	return w;
}

static world start_in(bool large, pointer_kind kind, guint32 seed)
{
	return start_with(large ? LARGE_HEAP : HEAP, NODE_SIZE, LINK, kind, seed);
}

static world start(pointer_kind kind, guint32 seed)
{
	return start_in(false, kind, seed);
}

static bool run(world *w, unsigned jobs)
{
	const heap_thread *thread = &g_array_index(w->heap->threads, heap_thread, 0);

	core_builder_add_thread(w->core,
		&(core_thread){
			.id = thread->id, .stack_pointer = thread->stack_pointer, .thread_pointer = thread->pointer });
	return stages_run(&w->stages, w->core, jobs);
}

/* Writes to PLACE, in BLOCK, what leads to node TO; or a random word that leads somewhere near as such a pointer does. */
static void link_to(world *w, pointer_kind kind, hc_address place, hc_address block, unsigned to, bool random)
{
	hc_address target = w->nodes[to], first = w->nodes[0], last = w->nodes[NODES - 1];
	hc_address anywhere = first + g_rand_int_range(w->dice, 0, last - first);

	switch (kind) {
	case UPPER_TAG:
		core_builder_put_word(w->core, place,
			(random ? anywhere : target) | (uint64_t)g_rand_int_range(w->dice, 1, 0x8000) << 48);
		return;
	case LOWER_TAG:
		/* One pointer into each, at a place of its own. */
		core_builder_put_word(w->core, place, target + (random ? g_rand_int_range(w->dice, 1, NODE_SIZE) : 3));
		return;
	case OWN_PLACE:
		core_builder_put_word(w->core, place, (random ? anywhere & ~(hc_address)15 : target) - place);
		return;
	case BLOCK_START:
		core_builder_put_word(w->core, place, (random ? anywhere & ~(hc_address)15 : target) - block);
		return;
	case FIXED_HEADER:
		core_builder_put_word(
			w->core, place, target + (random ? 8 * g_rand_int_range(w->dice, 1, NODE_SIZE / 8) : HEADER));
		return;
	case VARYING_HEADER:
		core_builder_put_word(w->core, place,
			target + (random ? 8u * g_rand_int_range(w->dice, 1, (varying_length(to) * 4 + NODE_SIZE) / 8) :
					   varying_length(to) * 4));
		core_builder_put(w->core, place - 4, -varying_length(g_rand_int_range(w->dice, 0, 100)), 4);
		if (!random)
			core_builder_put(w->core, place - 4, -varying_length(to), 4);
		return;
	case LINKED:
		core_builder_put_word(w->core, place,
			target + (random ? 8u * g_rand_int_range(w->dice, 1, NODE_SIZE / 8) : entry_offset(to)));
		core_builder_put_word(w->core, target + entry_offset(to) + 8, random ? anywhere : place);
		return;
	default:
		core_builder_put(w->core, place, (random ? anywhere - w->base : target - w->base) / FACTOR, 4);
	}
}

/* Blocks of the nodes that are ENCODED or INNER, and those that are lost. */
static void count(const world *w, unsigned *ret_saved, unsigned *ret_lost)
{
	*ret_saved = *ret_lost = 0;
	for (unsigned i = 0; i < NODES; i++) {
		hc_block block;
		hc_reach reach = hc_blocks_find(w->stages.blocks, w->nodes[i], &block) ?
					 hc_references_reach(w->stages.references, block.number) :
					 HC_REACH_NONE;

		*ret_saved += reach == HC_REACH_ENCODED || reach == HC_REACH_INNER;
		*ret_lost += hc_reach_is_lost(reach);
	}
}

/* Each in a list, or by a holder of its own, as suits the kind. */
static void link_all(world *w, pointer_kind kind, bool random)
{
	bool held = kind == BLOCK_START || kind == VARYING_HEADER;

	for (unsigned i = 0; i < NODES; i++) {
		hc_address block = held || !i ? w->holders[i] : w->nodes[i - 1];

		if (!held && !i) /* the head: in the mapping, beside the base */
			link_to(w, kind, roots + 0x10, roots, i, random);
		else
			link_to(w, kind, block + (kind == LINKED ? entry_offset(i - 1) : w->link), block, i, random);
	}
	core_builder_put_word(w->core, roots, w->base);
}

static void check_kind(bool large, pointer_kind kind, guint32 seed, unsigned jobs)
{
	g_auto(world) w = start_in(large, kind, seed);
	unsigned saved, lost;

	link_all(&w, kind, false);
	if (!run(&w, jobs))
		return;
	count(&w, &saved, &lost);
	bool inner = kind == LOWER_TAG || kind == FIXED_HEADER || kind == VARYING_HEADER || kind == LINKED;
	g_autofree char *text = inner ? hc_word_habits(w.stages.references) : hc_word_encodings(w.stages.references);

	CU_ASSERT_EQUAL(saved, NODES);
	CU_ASSERT_EQUAL(lost, 0);
	unit_assert_contains(text ? text : "nothing", learned[kind], __FILE__, __LINE__);
}

static void test_kinds(void)
{
	for (pointer_kind kind = 0; kind < KINDS; kind++)
		for (guint32 seed = 1; seed <= 4; seed++)
			check_kind(false, kind, seed, seed % 2 ? 1 : 4);
}

/*
 * In blocks of any size, at their beginning and at their end: those that are looked at word by word, and those for which there is something
 * quicker. A word that the first look dropped would leave all behind it lost.
 */
static void test_sizes(void)
{
	static const pointer_kind kinds[] = { UPPER_TAG, OWN_PLACE, BLOCK_START, COMPRESSED };
	static const uint64_t sizes[] = { 24, 40, 232, 248, 264, 504, 520, 536, 1048, 4072 };

	for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++)
		for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
			for (unsigned end = 0; end < 2; end++) {
				g_auto(world) w =
					start_with(WIDE_HEAP, sizes[i], end ? sizes[i] - 8 : 0, kinds[k], 31 * i + end);
				unsigned saved, lost;

				link_all(&w, kinds[k], false);
				if (!run(&w, 1 + i % 3))
					return;
				count(&w, &saved, &lost);
				if (saved != NODES)
					printf("\nkind %u, %" PRIu64 " bytes, at %" PRIu64 ": %u saved\n", kinds[k],
						sizes[i], w.link, saved);
				CU_ASSERT_EQUAL(saved, NODES);
				CU_ASSERT_EQUAL(lost, 0);
			}
}

/*
 * The words that miss count, too: a place is learned where half of them lead to blocks, and not where fewer do. Others of the holders'
 * size hold, at the same place, what is as large, but leads between blocks.
 */
static void check_misses(pointer_kind kind, unsigned misses, bool is_learned)
{
	g_auto(world) w = start(kind, misses);
	unsigned saved, lost;

	for (unsigned i = 0; i < misses; i++) {
		hc_address block = heap_malloc(w.heap, 0, 40);

		hold(&w, block);
		core_builder_put_word(w.core, block + LINK,
			kind == UPPER_TAG ? (w.nodes[i % NODES] + 8) | (uint64_t)1 << 50 :
					    w.nodes[i % NODES] + 24 - (kind == OWN_PLACE ? block + LINK : block));
	}
	/* Each node by a holder of its own. */
	for (unsigned i = 0; i < NODES; i++)
		link_to(&w, kind, w.holders[i] + LINK, w.holders[i], i, false);
	if (!run(&w, 2))
		return;
	count(&w, &saved, &lost);
	CU_ASSERT_EQUAL(saved, is_learned ? NODES : 0);
	CU_ASSERT_EQUAL(lost, is_learned ? 0 : NODES);
}

static void test_misses(void)
{
	static const pointer_kind kinds[] = { UPPER_TAG, OWN_PLACE, BLOCK_START };

	for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
		check_misses(kinds[k], NODES - 20, true);
		check_misses(kinds[k], NODES + 20, false);
	}
}

/* Fontconfig's patterns, | number | room | distance | references |, need no evidence: one is enough; but NUMBER is at most ROOM. */
static void check_patterns(unsigned patterns, unsigned number, bool is_followed)
{
	enum {
		ROOM = 5
	};
	g_auto(world) w = start_with(HEAP, ROOM * 16, LINK, OWN_PLACE, patterns);
	unsigned saved, lost;

	for (unsigned i = 0; i < NODES; i++) {
		hc_address pattern = heap_malloc(w.heap, 0, 24);

		hold(&w, pattern);
		if (i >= patterns)
			hold(&w, w.nodes[i]);
		core_builder_put(w.core, pattern, number, 4);
		core_builder_put(w.core, pattern + 4, ROOM, 4);
		core_builder_put_word(w.core, pattern + 8, i < patterns ? w.nodes[i] - pattern : 8);
	}
	if (!run(&w, 2))
		return;
	count(&w, &saved, &lost);
	CU_ASSERT_EQUAL(saved, is_followed ? patterns : 0);
	CU_ASSERT_EQUAL(lost, is_followed ? 0 : patterns);
}

static void test_patterns(void)
{
	for (unsigned patterns = 1; patterns <= 4; patterns++) {
		check_patterns(patterns, 3, true);
		check_patterns(patterns, 6, false);
	}
	check_patterns(100, 3, true);
}

/* A small part of a large heap is enough. */
static void test_large(void)
{
	for (pointer_kind kind = 0; kind < KINDS; kind++)
		check_kind(true, kind, 1 + kind, 2);
}

/* Where there is nothing to learn words are looked at once, and some more for the sample. */
static void test_large_work(void)
{
	g_auto(world) w = start_in(true, UPPER_TAG, 3);

	link_all(&w, UPPER_TAG, true);
	if (!run(&w, 2))
		return;
	const hc_references_totals *totals = hc_references_get_totals(w.stages.references);
	hc_amount in_use = hc_blocks_amount(w.stages.blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	uint64_t words = (in_use.bytes + totals->root_bytes) / 8;

	CU_ASSERT_EQUAL(totals->encoded.blocks, 0);
	CU_ASSERT_TRUE(totals->directly_lost.blocks >= NODES / 2);
	CU_ASSERT_TRUE(totals->learning > words);
	CU_ASSERT_TRUE(totals->learning < words + words / 4);
}

static void check_decoy(pointer_kind kind, guint32 seed)
{
	g_auto(world) w = start(kind, seed);
	unsigned saved, lost;

	link_all(&w, kind, true);
	if (!run(&w, 1 + seed % 3))
		return;
	count(&w, &saved, &lost);
	g_autofree char *inner = hc_word_habits(w.stages.references),
			*encodings = hc_word_encodings(w.stages.references);

	if (saved || inner || encodings)
		printf("\nkind %u, seed %u: %u saved, %s, %s\n", kind, seed, saved, inner ? inner : "-",
			encodings ? encodings : "-");
	CU_ASSERT_EQUAL(saved, 0);
	CU_ASSERT_PTR_NULL(inner);
	CU_ASSERT_PTR_NULL(encodings);
}

static void test_decoys(void)
{
	for (pointer_kind kind = 0; kind < KINDS; kind++)
		for (guint32 seed = 1; seed <= SEEDS; seed++)
			check_decoy(kind, seed);
}

/* Each word is looked at a few times, and a bounded number of bases is tried, whatever the words are. */
static void check_work(pointer_kind kind, bool random)
{
	enum {
		LOOKS = 8,
		TESTS = 1 << 24
	};
	g_auto(world) w = start(kind, 99);

	link_all(&w, kind, random);
	for (unsigned i = 0; i < 20000; i++) {
		hc_address block = heap_malloc(w.heap, 0, 40);

		for (unsigned k = 0; k < 5; k++)
			core_builder_put_word(w.core, block + 8 * k, g_rand_int(w.dice) >> 12);
	}
	if (!run(&w, 2))
		return;
	const hc_references_totals *totals = hc_references_get_totals(w.stages.references);
	hc_amount in_use = hc_blocks_amount(w.stages.blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	uint64_t words = (in_use.bytes + totals->root_bytes) / 8;

	CU_ASSERT_TRUE(totals->learning > words);
	CU_ASSERT_TRUE(totals->learning <= LOOKS * words + TESTS);
}

static void test_work(void)
{
	check_work(UPPER_TAG, false);
	check_work(VARYING_HEADER, false);
	check_work(COMPRESSED, false);
	check_work(COMPRESSED, true);
	check_work(OWN_PLACE, true);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "each kind is learned", test_kinds },
		{ "each kind is learned in blocks of any size", test_sizes },
		{ "what misses counts", test_misses },
		{ "patterns lead on", test_patterns },
		{ "nothing is learned from random words", test_decoys },
		{ "work is bounded", test_work },
		{ "each kind is learned in a large heap", test_large },
		{ "a large heap is looked at once", test_large_work },
	};

	return unit_main("encodings", cases, G_N_ELEMENTS(cases));
}
