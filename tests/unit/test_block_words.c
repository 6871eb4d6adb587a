/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * references/block_words.c: which words of blocks lead to blocks, beside the slow and obvious way: each word of each of the builder's
 * blocks, tried against all of the builder's blocks.
 */
#include "blocks/blocks.h"
#include "references/references.h"
#include "test_process.h"
#include "unit.h"

#include <stdio.h>

enum {
	BLOCKS = 1500,
	PARTS = 7 /* ranges that the blocks are read in */
};

struct found {
	hc_address at, value, to; /* of the word, the word, and the block's */
};

struct seen {
	GArray *found; /* of struct found */
	const hc_blocks *blocks;
	bool only_even;
	unsigned calls_too_large;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static const heap_block *holder(const heap_builder *heap, hc_address address)
{
	for (unsigned i = 0; i < heap->blocks->len; i++) {
		const heap_block *block = &g_array_index(heap->blocks, heap_block, i);

		if (address - block->address < block->size && block->state == HC_BLOCK_IN_USE)
			return block;
	}
	return NULL;
}

/* Fills blocks with numbers, and with pointers to anything: starts, middles, headers, what is free. */
static void fill(test_process *process, uint32_t *state)
{
	GArray *blocks = process->heap->blocks;

	for (unsigned i = 0; i < blocks->len; i++) {
		const heap_block *block = &g_array_index(blocks, heap_block, i);

		for (uint64_t offset = 0; block->state == HC_BLOCK_IN_USE && offset + 8 <= MIN(block->size, 4096);
			offset += 8) {
			const heap_block *to = &g_array_index(blocks, heap_block, next_random(state) % blocks->len);
			uint64_t inside = next_random(state) % 3 ? 0 : next_random(state) % (to->size + 16);

			core_builder_put_word(process->core, block->address + offset,
				next_random(state) % 4 ? to->address + inside : next_random(state));
		}
	}
}

static void make_blocks(test_process *process, uint32_t *state)
{
	hc_address blocks[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++)
		blocks[i] = heap_malloc(process->heap, 0, i % 400 ? 8 + next_random(state) % 200 : 20000);
	for (unsigned i = 0; i + 1 < BLOCKS; i++)
		if (next_random(state) % 8 == 0)
			heap_free_to_bin(process->heap, blocks[i++], HEAP_UNSORTED);
	core_builder_add_memory(process->core, 0x7fffb0000000, 0x40000, PF_R | PF_W);
	heap_mmap(process->heap, 0x7fffb0000000, 0x40000, 0);
	fill(process, state);
}

static bool is_wanted(void *data, uint32_t number)
{
	const struct seen *seen = data;

	return !seen->only_even || number % 2 == 0;
}

static void visit(void *data, const hc_block_word *words, unsigned count)
{
	struct seen *seen = data;

	seen->calls_too_large += count > HC_BLOCK_WORDS;
	for (unsigned i = 0; i < count; i++) {
		hc_block from, to;

		CU_ASSERT_TRUE(hc_blocks_get(seen->blocks, words[i].from, &from));
		CU_ASSERT_TRUE(hc_blocks_get(seen->blocks, words[i].to, &to));
		CU_ASSERT_EQUAL(words[i].from_size, from.size);
		CU_ASSERT_EQUAL(words[i].block, to.address);
		struct found found = { from.address + words[i].offset, words[i].value, to.address };

		g_array_append_val(seen->found, found);
	}
}

/* What there is to find, in order of address. */
static GArray *expected(const test_process *process, bool only_even)
{
	GArray *list = g_array_new(FALSE, FALSE, sizeof(struct found));
	const hc_blocks *blocks = process->stages.blocks;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		const heap_block *own = holder(process->heap, block.address);

		/* The cache is malloc's own. */
		if (!own || block.label || (only_even && block.number % 2))
			continue;
		for (uint64_t offset = 0; offset + 8 <= own->size; offset += 8) {
			struct found found = { .at = own->address + offset };
			const heap_block *to;

			if (!hc_core_read_word(process->stages.core, found.at, &found.value) ||
				!(to = holder(process->heap, found.value)))
				continue;
			found.to = to->address;
			g_array_append_val(list, found);
		}
	}
	return list;
}

static void check(const test_process *process, unsigned parts, bool only_even)
{
	const hc_blocks *blocks = process->stages.blocks;
	struct seen seen = { g_array_new(FALSE, FALSE, sizeof(struct found)), blocks, only_even, 0 };
	const hc_block_visitor visitor = { is_wanted, visit, &seen };
	g_autoptr(GArray) truth = expected(process, only_even);

	for (unsigned part = 0; part < parts; part++)
		hc_references_each_block_word(process->stages.references,
			(uint32_t)((uint64_t)blocks->count * part / parts),
			(uint32_t)((uint64_t)blocks->count * (part + 1) / parts), &visitor);
	CU_ASSERT_EQUAL(seen.calls_too_large, 0);
	CU_ASSERT_TRUE(truth->len > BLOCKS);
	if (seen.found->len != truth->len)
		printf("\n%u words, should be %u\n", seen.found->len, truth->len);
	CU_ASSERT_EQUAL(seen.found->len, truth->len);
	CU_ASSERT_FALSE(memcmp(seen.found->data, truth->data, MIN(seen.found->len, truth->len) * sizeof(struct found)));
	g_array_unref(seen.found);
}

static void test_words(void)
{
	uint32_t state = 7;
	g_auto(test_process) process = process_start("2.36", 0x200000, 0x200000);

	heap_add_cache(process.heap, 0, 0);
	make_blocks(&process, &state);
	if (!process_run(&process, 1))
		return;
	check(&process, 1, false);
	check(&process, PARTS, false);
	check(&process, 1, true);
}

/* What the index says of sizes and numbers is what headers say, and counting. */
static void test_index(void)
{
	uint32_t state = 11, number = 0;
	g_auto(test_process) process = process_start("2.36", 0x200000, 0x200000);
	hc_block_iterator iterator;
	hc_block block;

	make_blocks(&process, &state);
	if (!process_run(&process, 1))
		return;
	const hc_blocks *blocks = process.stages.blocks;

	hc_block_iterator_init(&iterator, blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		uint64_t start = hc_blocks_start_at(blocks, block.address);
		const heap_block *own = holder(process.heap, block.address);

		CU_ASSERT_EQUAL(hc_blocks_number(blocks, start), number);
		number++;
		if (own)
			CU_ASSERT_EQUAL(
				hc_blocks_size_in_index(blocks, hc_blocks_region_of_start(blocks, start), start),
				own->size);
	}
	CU_ASSERT_TRUE(number >= BLOCKS);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "words that lead to blocks", test_words },
		{ "sizes and numbers", test_index },
	};

	return unit_main("block words", cases, G_N_ELEMENTS(cases));
}
