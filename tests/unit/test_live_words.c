/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * references/learn.c: a look at a heap as stretches of words against what the heap's builder knows. Each word of a block in use is in that block
 * once, whatever the number of workers; those of headers, of what is free and of malloc's caches are in none; and each block is told
 * once, with its place and size. And references/numbers.c: the numbers of a stretch against those of its blocks, looked at one by one.
 */
#include "references/numbers.h"
#include "test_process.h"
#include "unit.h"

enum {
	SIZE = 0x300000,
	BLOCKS = 12000,
	MAPPED = 3,
	SEEDS = 6,
};

typedef struct seen {
	GMutex mutex;
	GHashTable *words;  /* address of a word in a block -> address of the block; each once */
	GHashTable *blocks; /* address -> size; each once */
	unsigned again;	    /* words and blocks that were told twice */
	uint64_t stretches;
	/* For numbers: */
	hc_references *references;
	hc_numbers *numbers;
} seen;

static void note(seen *s, GHashTable *table, uint64_t key, uint64_t value)
{
	s->again += !g_hash_table_insert(table, GSIZE_TO_POINTER(key), GSIZE_TO_POINTER(value));
}

static void look(void *data, unsigned worker, const hc_word_source *source)
{
	(void)data;
	(void)worker;
	CU_ASSERT_TRUE(source->root);
}

static void look_at_blocks(void *data, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	seen *s = data;

	(void)worker;
	g_mutex_lock(&s->mutex);
	for (unsigned i = 0; i < count; i++) {
		note(s, s->blocks, blocks[i].address, blocks[i].block_size);
		for (uint64_t at = 0; at < blocks[i].size; at += 8)
			note(s, s->words, blocks[i].address + at, blocks[i].address);
	}
	g_mutex_unlock(&s->mutex);
}

static void look_at_words(void *data, unsigned worker, const hc_live_words *words)
{
	seen *s = data;
	hc_stretch_blocks blocks = hc_stretch_blocks_of(words);
	hc_live_block block;

	(void)worker;
	g_mutex_lock(&s->mutex);
	s->stretches++;
	for (uint64_t at = 0; at < words->size; at += 8)
		if (hc_live_words_block(words, words->bytes + at, &block))
			note(s, s->words, words->address + at, block.address);
	while (hc_stretch_blocks_next(&blocks, &block))
		note(s, s->blocks, block.address, block.block_size);
	g_mutex_unlock(&s->mutex);
}

/* What free() does with a block of SIZE bytes, now and then. Its neighbour is there: it has the flag that tells. */
static void free_some(heap_builder *heap, GRand *dice, hc_address block, uint64_t size)
{
	if (size > 1100 && g_rand_boolean(dice))
		heap_free_to_bin(heap, block, HEAP_UNSORTED);
	else if (size < 100 && !g_rand_int_range(dice, 0, 5))
		heap_free_to_fastbin(heap, block);
}

/* Blocks of two arenas and some of their own, in use and free in several ways. */
static void fill(heap_builder *heap, GRand *dice)
{
	unsigned arena = heap_add_arena(heap, 0x7fff90000000, SIZE);
	hc_address before[2] = { 0 };
	uint64_t sizes[2] = { 0 };

	heap_add_cache(heap, 0, 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		uint64_t size = g_rand_int_range(dice, 0, 40) ? g_rand_int_range(dice, 1, 200) :
								g_rand_int_range(dice, 200, 9000);
		hc_address block = heap_malloc(heap, i % 2 ? arena : 0, size);

		if (before[i % 2])
			free_some(heap, dice, before[i % 2], sizes[i % 2]);
		before[i % 2] = block;
		sizes[i % 2] = size;
	}
	for (unsigned i = 0; i < MAPPED; i++) {
		hc_address base = 0x7fffd0000000 + 0x100000 * (hc_address)i;
		uint64_t size = 0x21000 + 0x1000 * i;

		core_builder_add_memory(heap->core, base, size, PF_R | PF_W);
		heap_mmap(heap, base, size, 0);
	}
}

/* How many of the blocks, and words, that the builder has in use were told as they are. */
static void check(const test_process *process, const seen *s)
{
	STAGES_CHECK_BLOCKS(&process->stages, process->heap);
	unsigned blocks = 0;
	uint64_t words = 0;

	for (unsigned i = 0; i < process->heap->blocks->len; i++) {
		const heap_block *block = &g_array_index(process->heap->blocks, heap_block, i);
		const hc_label *label = stages_label(&process->stages, block->address);

		if (block->state != HC_BLOCK_IN_USE || (label && hc_label_is_cache(label)))
			continue;
		blocks++;
		words += block->size / 8;
		CU_ASSERT_EQUAL(GPOINTER_TO_SIZE(g_hash_table_lookup(s->blocks, GSIZE_TO_POINTER(block->address))),
			block->size);
		for (hc_address at = block->address; at < block->address + block->size / 8 * 8; at += 8)
			CU_ASSERT_EQUAL(
				GPOINTER_TO_SIZE(g_hash_table_lookup(s->words, GSIZE_TO_POINTER(at))), block->address);
	}
	CU_ASSERT_TRUE(blocks > BLOCKS / 2);
	CU_ASSERT_EQUAL(g_hash_table_size(s->blocks), blocks);
	CU_ASSERT_EQUAL(g_hash_table_size(s->words), words);
	CU_ASSERT_EQUAL(s->again, 0);
	CU_ASSERT_TRUE(s->stretches > 1);
}

static void test_stretches(void)
{
	for (guint32 seed = 1; seed <= SEEDS; seed++) {
		g_auto(test_process) process = process_start("2.36", SIZE, SIZE);
		g_autoptr(GRand) dice = g_rand_new_with_seed(seed);

		fill(process.heap, dice);
		if (!process_run(&process, 1))
			return;
		seen s = { .words = g_hash_table_new(NULL, NULL), .blocks = g_hash_table_new(NULL, NULL) };
		hc_look_options options = {
			.look = look, .look_at_blocks = look_at_blocks, .look_at_words = look_at_words, .data = &s
		};

		g_mutex_init(&s.mutex);
		hc_references_look_with((hc_references *)process.stages.references, &options, 1 + seed % 3);
		check(&process, &s);
		g_mutex_clear(&s.mutex);
		g_hash_table_unref(s.words);
		g_hash_table_unref(s.blocks);
	}
}

/* ---- numbers ---- */

/* Zeros, small numbers, two in a word, and addresses of the heap. */
static uint64_t any_word(GRand *dice, hc_address address)
{
	switch (g_rand_int_range(dice, 0, 5)) {
	case 0:
		return 0;
	case 1:
		return g_rand_int_range(dice, 1, 40);
	case 2:
		return address + 64;
	default:
		return (uint64_t)g_rand_int(dice) << 32 | g_rand_int(dice);
	}
}

static void write_words(const test_process *process, GRand *dice)
{
	for (unsigned i = 0; i < process->heap->blocks->len; i++) {
		const heap_block *block = &g_array_index(process->heap->blocks, heap_block, i);

		for (uint64_t at = 0; block->state == HC_BLOCK_IN_USE && at + 8 <= MIN(block->size, 4096); at += 8)
			if (block->size != 0x288) /* a cache */
				core_builder_put_word(
					process->core, block->address + at, any_word(dice, block->address));
	}
}

static void gather_roots(void *data, unsigned worker, const hc_word_source *source)
{
	(void)data;
	(void)worker;
	(void)source;
}

static void gather_blocks(void *data, unsigned worker, const hc_live_block *blocks, unsigned count)
{
	const seen *s = data;

	for (unsigned i = 0; i < count; i++) {
		hc_word_source source = hc_live_block_source(s->references, &blocks[i]);

		hc_numbers_gather(s->numbers, worker, &source);
	}
}

static void gather_stretch(void *data, unsigned worker, const hc_live_words *words)
{
	const seen *s = data;

	hc_numbers_gather_stretch(s->numbers, worker, words);
}

static hc_numbers *gather(const test_process *process, unsigned jobs, hc_look_at_words look_at)
{
	hc_references *references = (hc_references *)process->stages.references;
	seen s = { .references = references, .numbers = hc_numbers_create(references, jobs) };
	hc_look_options options = {
		.look = gather_roots, .look_at_blocks = gather_blocks, .look_at_words = look_at, .data = &s
	};

	hc_references_look_with(references, &options, jobs);
	return s.numbers;
}

static void test_numbers(void)
{
	for (guint32 seed = 1; seed <= SEEDS; seed++) {
		g_auto(test_process) process = process_start("2.36", SIZE, SIZE);
		g_autoptr(GRand) dice = g_rand_new_with_seed(seed);
		unsigned filled = 0;

		fill(process.heap, dice);
		write_words(&process, dice);
		if (!process_run(&process, 1))
			return;
		hc_numbers *by_blocks = gather(&process, 1, NULL),
			   *by_stretches = gather(&process, 1 + seed % 3, gather_stretch);
		const hc_number_sketch *expected = hc_numbers_take_samples(by_blocks),
				       *found = hc_numbers_take_samples(by_stretches);

		for (unsigned i = 0; i < HC_NUMBER_PLACES; i++) {
			CU_ASSERT_EQUAL(found[i].size, expected[i].size);
			CU_ASSERT_FALSE(memcmp(
				found[i].hashes, expected[i].hashes, expected[i].size * sizeof *found[i].hashes));
			filled += expected[i].size > HC_NUMBER_SAMPLE / 2;
		}
		CU_ASSERT_TRUE(filled > 100);
		hc_numbers_destroy(by_blocks);
		hc_numbers_destroy(by_stretches);
	}
}

int main(void)
{
	static const unit_case cases[] = {
		{ "a heap as stretches of words", test_stretches },
		{ "numbers of a stretch", test_numbers },
	};

	return unit_main("live-words", cases, G_N_ELEMENTS(cases));
}
