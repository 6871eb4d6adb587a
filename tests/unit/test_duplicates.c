/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Contents that a sample of blocks shows more than once, and how many blocks have them: compared with what the test wrote into each
 * block. Some contents differ in the middle only, some are zeros or text that no type tells of, and some blocks are lost.
 */
#include "duplicates/duplicates.h"
#include "heap_builder.h"
#include "stages.h"
#include "unit.h"

#include <string.h>

enum {
	BLOCKS = 12000,
	CONTENTS = 40,
	ZEROS = 38, /* the content of this number is zeros, the next one text */
	TEXT = 39,
	ALIKE = 4, /* contents of a size, which differ in one byte in the middle */
	LOST = 37, /* one block in so many */
	EVERY = 9,
	CERTAINLY = 80, /* blocks: of a content that is there so often the sample has two */
	HEAP = 0x180000,
	ROOTS = 0x20000, /* bytes */
};

static const hc_address roots = 0x7fffa0000000;

typedef struct world {
	core_builder *core;
	heap_builder *heap;
	stage_results stages;
	GRand *dice;
	unsigned held[CONTENTS]; /* blocks that are not lost, by content */
	GHashTable *content_of;	 /* address -> content plus 1 */
} world;

static void clear(world *w)
{
	g_hash_table_unref(w->content_of);
	g_rand_free(w->dice);
	stages_clear(&w->stages);
	heap_builder_destroy(w->heap);
	core_builder_destroy(w->core);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(world, clear)

static unsigned size_of(unsigned content)
{
	return 40 + 16 * (content / ALIKE);
}

static void fill(world *w, hc_address address, unsigned content)
{
	uint8_t bytes[512] = { 0 };
	unsigned size = size_of(content);

	if (content == TEXT) {
		memset(bytes, 'x', size - 1);
	} else if (content != ZEROS) {
		memset(bytes, 1 + (int)(content / ALIKE), size);
		bytes[20] = (uint8_t)content;
	}
	core_builder_put_bytes(w->core, address, bytes, size);
}

/* Blocks of all contents, some more often than others, among blocks that are like no other. */
static world start(void)
{
	world w = { .core = core_builder_create(8, false), .dice = g_rand_new_with_seed(7) };
	unsigned words = 0;

	w.content_of = g_hash_table_new(NULL, NULL);
	w.heap = heap_builder_create(w.core, heap_release_find("2.36"));
	heap_add_thread(w.heap, 0, 0, 0, 0);
	heap_start_main(w.heap, 0, HEAP, HEAP);
	heap_add_cache(w.heap, 0, 0);
	core_builder_add_memory(w.core, roots, ROOTS, PF_R | PF_W);
	for (unsigned i = 0; i < BLOCKS; i++) {
		unsigned content =
			(unsigned)g_rand_int_range(w.dice, 0, (int)g_rand_int_range(w.dice, 1, 2 * CONTENTS));
		hc_address address = heap_malloc(w.heap, 0, content < CONTENTS ? size_of(content) : 56);

		if (content < CONTENTS)
			fill(&w, address, content);
		else
			core_builder_put_word(w.core, address + 8, 0x1000000000001 * (uint64_t)i);
		if (i % LOST == 0)
			continue;
		core_builder_put_word(w.core, roots + 8 * words++, address);
		if (content >= CONTENTS)
			continue;
		w.held[content]++;
		g_hash_table_insert(w.content_of, GSIZE_TO_POINTER(address), GUINT_TO_POINTER(content + 1));
	}
	return w;
}

static bool run(world *w)
{
	const heap_thread *thread = &g_array_index(w->heap->threads, heap_thread, 0);

	core_builder_add_thread(w->core,
		&(core_thread){
			.id = thread->id, .stack_pointer = thread->stack_pointer, .thread_pointer = thread->pointer });
	return stages_run(&w->stages, w->core, 1);
}

static hc_duplicates *sample_of(const world *w, unsigned jobs)
{
	hc_duplicates_options options = { .every = EVERY, .jobs = jobs };

	return hc_duplicates_create(w->stages.core, w->stages.blocks, w->stages.references, NULL, &options, NULL);
}

static void test_frequent(void)
{
	g_auto(world) w = start();
	bool told[CONTENTS] = { false };

	if (!run(&w))
		return;
	g_autoptr(hc_duplicates) sample = sample_of(&w, 2);
	g_autoptr(GArray) frequent = hc_duplicates_frequent(sample);

	CU_ASSERT_TRUE(frequent->len > CONTENTS / 2);
	for (unsigned i = 0; i < frequent->len; i++) {
		const hc_duplicate_group *group = &g_array_index(frequent, hc_frequent_content, i).group;
		unsigned content =
			GPOINTER_TO_UINT(g_hash_table_lookup(w.content_of, GSIZE_TO_POINTER((gsize)group->example)));

		CU_ASSERT_TRUE(content > 0);
		if (!content--)
			continue;
		CU_ASSERT_FALSE(told[content]);
		told[content] = true;
		CU_ASSERT_EQUAL(group->blocks, w.held[content]);
		CU_ASSERT_EQUAL(group->size, size_of(content));
		CU_ASSERT_EQUAL(g_array_index(frequent, hc_frequent_content, i).path, 0);
	}
	for (unsigned content = 0; content < CONTENTS; content++)
		CU_ASSERT_TRUE(told[content] || content >= ZEROS || w.held[content] < CERTAINLY);
	CU_ASSERT_FALSE(told[ZEROS] || told[TEXT]);
}

/* The sample looks at one block in so many, the same ones whoever looks; and so do the counts. */
static void test_workers(void)
{
	g_auto(world) w = start();

	if (!run(&w))
		return;
	g_autoptr(hc_duplicates) one = sample_of(&w, 1), three = sample_of(&w, 3);
	g_autoptr(GArray) by_one = hc_duplicates_frequent(one), by_three = hc_duplicates_frequent(three);
	const hc_duplicates_totals *totals = hc_duplicates_get_totals(one), *others = hc_duplicates_get_totals(three);
	uint64_t chosen = totals->looked_at.blocks + totals->lost.blocks;

	CU_ASSERT_TRUE(chosen <= BLOCKS / EVERY + 1 && chosen >= BLOCKS / EVERY - 10);
	CU_ASSERT_EQUAL(totals->looked_at.bytes, others->looked_at.bytes);
	CU_ASSERT_EQUAL(totals->saved, others->saved);
	CU_ASSERT_EQUAL(by_one->len, by_three->len);
	for (unsigned i = 0; i < MIN(by_one->len, by_three->len); i++) {
		const hc_duplicate_group *a = &g_array_index(by_one, hc_frequent_content, i).group,
					 *b = &g_array_index(by_three, hc_frequent_content, i).group;

		CU_ASSERT_TRUE(a->blocks == b->blocks && a->example == b->example && a->size == b->size);
	}
}

int main(void)
{
	static const unit_case cases[] = {
		{ "what a sample shows is counted in all blocks", test_frequent },
		{ "workers make no difference", test_workers },
	};

	return unit_main("duplicates", cases, G_N_ELEMENTS(cases));
}
