/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check/, allocators/glibc_check*.c: heaps of every release's layout that were laid out by hand, so that it is known which word is wrong.
 *
 * A heap that nobody damaged is sound; then one word, or what one mistake of a program writes, is damaged, and that place is told, as
 * that kind, with what ought to stand there, and no other.
 */
#include "check/check.h"
#include "test_process.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	WORD = 8,
	IN_USE = 12,
	SMALL_SIZE = 0x30, /* chunks of the fastbin and of the cache's list */
	CACHED = 5,	   /* so many that one without the key is told from the others */
	SMALL_BIN = 0xd0 / 16,
	BIN_OF_0x410 = 64, /* the first large one */
};

static const hc_address thread_heap = 0x7fffe8000000, mapped = 0x7fffd0000000;
static const uint64_t nowhere = 0x1122334455667788;

/* A heap that has one of everything. */
typedef struct sample_heap {
	test_process process;
	heap_builder *heap;
	const heap_release *release;
	unsigned thread_arena;
	bool has_one_list;	   /* the cache */
	bool has_block_in_front;   /* of the cache */
	hc_address blocks[IN_USE]; /* in use, one behind the other; more follow */
	hc_address unsorted, small[2], fast[2], cached[CACHED], cache;
	hc_address of_thread; /* in use, in the thread's arena */
	hc_address mapped[2];
	bool is_alive, at_work; /* no signal ended the process; a thread was in libc */
	/* What is wrong. */
	hc_damage_kind kind;
	hc_address place;
	bool has_expected;
	uint64_t expected;
} sample_heap;

static void sample_clear(sample_heap *sample)
{
	process_stop(&sample->process);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sample_heap, sample_clear)

static hc_address free_apart(const sample_heap *sample, uint64_t size, int bin)
{
	hc_address block = heap_malloc_apart(sample->heap, 0, size);

	heap_free_to_bin(sample->heap, block, bin);
	return block;
}

static void fill_lists(sample_heap *sample)
{
	heap_builder *heap = sample->heap;

	sample->unsorted = free_apart(sample, 0x500, HEAP_UNSORTED);
	for (unsigned i = 0; i < G_N_ELEMENTS(sample->small); i++)
		sample->small[i] = free_apart(sample, SMALL_BIN * 16 - WORD, SMALL_BIN);
	for (unsigned i = 0; i < G_N_ELEMENTS(sample->fast) && heap->release.fastbins != HEAP_NONE; i++) {
		sample->fast[i] = heap_malloc_apart(heap, 0, SMALL_SIZE - WORD);
		heap_free_to_fastbin(heap, sample->fast[i]);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(sample->cached) && sample->cache; i++) {
		sample->cached[i] = heap_malloc_apart(heap, 0, SMALL_SIZE - WORD);
		heap_free_to_cache(heap, sample->cache, sample->cached[i]);
	}
	/* Without symbols a cache is known by its lists: one may be damaged if others are as they should be. */
	for (unsigned i = 0; i < 3 && sample->cache && !sample->has_one_list; i++)
		heap_free_to_cache(heap, sample->cache, heap_malloc_apart(heap, 0, 200 + 100 * i));
}

static void sample_fill(sample_heap *sample, const heap_release *release)
{
	sample->release = release;
	sample->process = process_start(release->name, 0x21000, 0x21000);
	heap_builder *heap = sample->heap = sample->process.heap;

	if (sample->has_block_in_front)
		heap_malloc(heap, 0, 40);
	if (release->tcache_lists)
		sample->cache = heap_add_cache(heap, 0, 0);
	for (unsigned i = 0; i < IN_USE; i++)
		sample->blocks[i] = heap_malloc(heap, 0, 40 + 16 * i);
	fill_lists(sample);
	for (unsigned i = 0; i < 2 * IN_USE; i++)
		heap_malloc(heap, 0, 72);
	sample->thread_arena = heap_add_arena(heap, thread_heap, 0x21000);
	heap_add_thread(heap, 0x7fffb0000000, 0x4000, HEAP_GUARD_SIZE, sample->thread_arena);
	for (unsigned i = 0; i < IN_USE; i++)
		sample->of_thread = heap_malloc(heap, sample->thread_arena, SMALL_SIZE - WORD);
	heap_malloc(heap, sample->thread_arena, 100);
	heap_free_to_bin(heap, heap_malloc_apart(heap, sample->thread_arena, 0x600), HEAP_UNSORTED);
	for (unsigned i = 0; i < G_N_ELEMENTS(sample->mapped); i++) {
		core_builder_add_memory(heap->core, mapped + i * 0x100000, 0x22000 + i * 0x1000, PF_R | PF_W);
		sample->mapped[i] = heap_mmap(heap, mapped + i * 0x100000, 0x22000 + i * 0x1000, 0);
	}
}

/* ---- words ---- */

static uint64_t get(const sample_heap *sample, hc_address place)
{
	return core_builder_word(sample->heap->core, place);
}

static void put(const sample_heap *sample, hc_address place, uint64_t value)
{
	core_builder_put_word(sample->heap->core, place, value);
}

static hc_address header_of(hc_address block)
{
	return block - WORD;
}

/* The head of BIN of the main arena, as a chunk. */
static hc_address head_of(const sample_heap *sample, int bin)
{
	return sample->heap->main_arena + sample->release->bins + (bin - 1) * 2 * WORD - 2 * WORD;
}

static hc_address fastbin_at(const sample_heap *sample, uint64_t size)
{
	return sample->heap->main_arena + sample->release->fastbins + (size / 16 - 2) * WORD;
}

static hc_address cache_count_at(const sample_heap *sample, uint64_t size)
{
	return sample->cache + (size / 16 - 2) * sample->release->counter;
}

/* ---- what is told ---- */

/* PLACE is wrong, and told as KIND. */
static void wrong(sample_heap *sample, hc_damage_kind kind, hc_address place)
{
	sample->kind = kind;
	sample->place = place;
}

/* The same, of a word that is right as it is, and becomes VALUE. */
static void overwrite(sample_heap *sample, hc_damage_kind kind, hc_address place, uint64_t value)
{
	wrong(sample, kind, place);
	sample->has_expected = true;
	sample->expected = get(sample, place);
	put(sample, place, value);
}

/* Both are in libc: where the process is at work, to do something there; else the kernel has them, and the first raised a signal. */
static void write_threads(const sample_heap *sample)
{
	for (unsigned i = 0; i < sample->heap->threads->len; i++) {
		const heap_thread *thread = heap_thread_at(sample->heap, i);

		core_builder_add_thread(sample->heap->core, &(core_thread){
								    .id = thread->id,
								    .signal = sample->is_alive ? 0 : 6,
								    .stack_pointer = thread->stack_pointer,
								    .thread_pointer = thread->pointer,
								    .program_counter = sample->heap->libc + 0x100,
								    .in_system_call = !sample->at_work,
							    });
	}
}

static hc_check *run_check(sample_heap *sample)
{
	write_threads(sample);
	return stages_run_blocks(&sample->process.stages, sample->heap->core, 1) ?
		       hc_analysis_check(sample->process.stages.analysis) :
		       NULL;
}

static void complain(const sample_heap *sample, const char *way, const hc_check *check)
{
	printf("\n%s, %s: wanted %s at 0x%" PRIx64 " (0x%" PRIx64 "), told", sample->release->name, way,
		hc_damage_kind_name(sample->kind), sample->place, sample->expected);
	for (unsigned i = 0; i < hc_check_count(check); i++) {
		const hc_damage *damage = &hc_check_get(check, i)->damage;

		printf(" %s at 0x%" PRIx64 " (0x%" PRIx64 ")", hc_damage_kind_name(damage->kind), damage->place,
			damage->expected);
	}
	printf("\n");
}

/* What was made wrong is told, and nothing else. */
static void check_told(sample_heap *sample, const char *way)
{
	g_autoptr(hc_check) check = run_check(sample);
	const hc_damage *damage = check && hc_check_count(check) == 1 ? &hc_check_get(check, 0)->damage : NULL;
	bool is_told = damage && damage->kind == sample->kind && damage->place == sample->place &&
		       !damage->in_operation &&
		       (!sample->has_expected || (damage->has_expected && damage->expected == sample->expected));

	CU_ASSERT_TRUE(is_told);
	if (check && !is_told)
		complain(sample, way, check);
}

/* ---- ways: FALSE of a release whose malloc has no such thing ---- */

/* The chunk behind BLOCK's. */
static hc_address behind(const sample_heap *sample, hc_address block)
{
	return heap_chunk(block) + heap_block_at(sample->heap, block)->chunk_size;
}

static bool damage_size(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_CHUNK_SIZE, header_of(sample->blocks[3]), 0x4141414141414141);
	return true;
}

/* Its list leads to what could not be read: nothing is wrong with the link. */
static bool damage_free_size(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_CHUNK_SIZE, header_of(sample->unsorted), 0x4141414141414141);
	return true;
}

static bool flip(sample_heap *sample, hc_damage_kind kind, hc_address header, uint64_t flags)
{
	overwrite(sample, kind, header, get(sample, header) ^ flags);
	return true;
}

static bool damage_mapped_flag(sample_heap *sample)
{
	return flip(sample, HC_DAMAGE_CHUNK_FLAGS, header_of(sample->blocks[3]), 2);
}

static bool damage_arena_flag(sample_heap *sample)
{
	return flip(sample, HC_DAMAGE_CHUNK_FLAGS, header_of(sample->of_thread), 4);
}

static bool damage_flag_behind_used(sample_heap *sample)
{
	return flip(sample, HC_DAMAGE_PREV_IN_USE, header_of(sample->blocks[3]), 1);
}

static bool damage_flag_behind_free(sample_heap *sample)
{
	return flip(sample, HC_DAMAGE_PREV_IN_USE, behind(sample, sample->unsorted) + WORD, 1);
}

static bool damage_size_behind(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_PREV_SIZE, behind(sample, sample->unsorted), 0x40);
	return true;
}

static bool damage_top_size(sample_heap *sample, unsigned arena)
{
	hc_address header = g_array_index(sample->heap->arenas, heap_arena, arena).top + WORD;

	overwrite(sample, HC_DAMAGE_TOP_SIZE, header, get(sample, header) - 0x3000);
	return true;
}

static bool damage_main_top_size(sample_heap *sample)
{
	return damage_top_size(sample, 0);
}

static bool damage_thread_top_size(sample_heap *sample)
{
	return damage_top_size(sample, sample->thread_arena);
}

/* A word of malloc's own that leads nowhere. */
static bool lead_astray(sample_heap *sample, hc_damage_kind kind, hc_address place)
{
	wrong(sample, kind, place);
	if (place)
		put(sample, place, nowhere);
	return place;
}

static bool damage_top(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_ARENA_TOP, sample->heap->main_arena + sample->release->top);
}

static bool damage_ring(sample_heap *sample)
{
	const heap_arena *arena = &g_array_index(sample->heap->arenas, heap_arena, sample->thread_arena);

	return lead_astray(sample, HC_DAMAGE_ARENA_RING, arena->address + sample->release->next);
}

static bool damage_heap_arena(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_HEAP_INFO, thread_heap, nowhere);
	return true;
}

static bool damage_heap_size(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_HEAP_INFO, thread_heap + 2 * WORD);
}

static bool damage_link(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_LINK, sample->small[1]);
}

/* Of the first bin: without symbols the main arena is found by its bins, from the first on. */
static bool damage_first_link(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_LINK, sample->unsorted);
}

static bool damage_first_head(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_BACK_LINK, head_of(sample, 1) + 3 * WORD, nowhere);
	return true;
}

static bool damage_fastbin_link(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_LINK, sample->fast[1]);
}

static bool damage_cache_link(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_LINK, sample->cached[1]);
}

static bool damage_back_link(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_BACK_LINK, sample->small[0] + WORD, nowhere);
	return true;
}

static bool damage_head_back_link(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_BACK_LINK, head_of(sample, SMALL_BIN) + 3 * WORD, nowhere);
	return true;
}

/* The link of BLOCK, which is in a list of single links, leads to TARGET: a chunk of a fastbin, else a block. */
static void lead_to(const sample_heap *sample, hc_address block, hc_address target)
{
	put(sample, block, sample->release->mangled ? block >> 12 ^ target : target);
}

/* In lists of single links the block that was freed last is first. */
static bool damage_cache_loop(sample_heap *sample)
{
	wrong(sample, HC_DAMAGE_LOOP, sample->cached[0]);
	if (sample->place)
		lead_to(sample, sample->place, sample->cached[CACHED - 1]);
	return sample->place;
}

static bool damage_fastbin_loop(sample_heap *sample)
{
	wrong(sample, HC_DAMAGE_LOOP, sample->fast[0]);
	if (sample->place)
		lead_to(sample, sample->place, heap_chunk(sample->fast[1]));
	return sample->place;
}

/* An otherwise empty fastbin begins with the chunk that is last in a full one. Of two lists the one of larger chunks is looked at later. */
static bool damage_two_lists(sample_heap *sample)
{
	if (!sample->fast[0])
		return false;
	wrong(sample, HC_DAMAGE_DOUBLE_FREE, fastbin_at(sample, SMALL_SIZE + 16));
	put(sample, sample->place, heap_chunk(sample->fast[0]));
	return true;
}

static bool damage_size_in_bin(sample_heap *sample)
{
	wrong(sample, HC_DAMAGE_LISTED_SIZE, header_of(free_apart(sample, SMALL_BIN * 16 + WORD, SMALL_BIN)));
	return true;
}

/* A block in use that is taken for one of a list of chunks of 16 bytes less. */
static hc_address take_for_smaller(sample_heap *sample, uint64_t *ret_size)
{
	hc_address block = sample->blocks[3];

	*ret_size = heap_block_at(sample->heap, block)->chunk_size - 16;
	wrong(sample, HC_DAMAGE_LISTED_SIZE, header_of(block));
	sample->has_expected = true;
	sample->expected = *ret_size | 1;
	lead_to(sample, block, 0);
	return block;
}

static bool damage_size_in_fastbin(sample_heap *sample)
{
	uint64_t size;
	hc_address block = take_for_smaller(sample, &size);

	if (sample->release->fastbins == HEAP_NONE)
		return false;
	put(sample, fastbin_at(sample, size), heap_chunk(block));
	return true;
}

/* Adds to what SAMPLE's cache counts of the list for chunks of SIZE, or takes from the places that it counts. */
static void add_to_count(const sample_heap *sample, uint64_t size, unsigned blocks)
{
	const heap_release *release = sample->release;
	hc_address place = cache_count_at(sample, size);
	unsigned count = *core_builder_at(sample->heap->core, place);

	core_builder_put(
		sample->heap->core, place, release->counts_free ? count - blocks : count + blocks, release->counter);
}

static bool damage_size_in_cache(sample_heap *sample)
{
	uint64_t size;
	hc_address block = take_for_smaller(sample, &size);

	if (!sample->cache)
		return false;
	put(sample, sample->cache + sample->release->entries + (size / 16 - 2) * WORD, block);
	put(sample, block + WORD, get(sample, sample->cached[0] + WORD)); /* the key */
	add_to_count(sample, size, 1);
	return true;
}

static bool damage_arena_in_fastbin(sample_heap *sample)
{
	if (!sample->fast[0])
		return false;
	wrong(sample, HC_DAMAGE_LISTED_ARENA, header_of(sample->of_thread));
	lead_to(sample, sample->fast[0], heap_chunk(sample->of_thread));
	lead_to(sample, sample->of_thread, 0);
	return true;
}

/* A chunk of the thread's arena is free, and the only one of a ring of the main arena's. */
static bool damage_arena_in_bin(sample_heap *sample)
{
	hc_address block = heap_malloc_apart(sample->heap, sample->thread_arena, 0x400), chunk = heap_chunk(block),
		   next = behind(sample, block), head = head_of(sample, BIN_OF_0x410);

	wrong(sample, HC_DAMAGE_LISTED_ARENA, header_of(block));
	put(sample, next, next - chunk);
	put(sample, next + WORD, get(sample, next + WORD) ^ 1);
	for (unsigned i = 2; i < 4; i++) {
		put(sample, chunk + i * WORD, head);
		put(sample, head + i * WORD, chunk);
	}
	return true;
}

static bool damage_count(sample_heap *sample)
{
	if (!sample->cache)
		return false;
	wrong(sample, HC_DAMAGE_TCACHE_COUNT, cache_count_at(sample, SMALL_SIZE));
	sample->has_expected = !sample->release->counts_free;
	sample->expected = CACHED;
	add_to_count(sample, SMALL_SIZE, 2);
	return true;
}

static bool damage_key(sample_heap *sample)
{
	if (!sample->release->key)
		return false;
	overwrite(sample, HC_DAMAGE_TCACHE_KEY, sample->cached[2] + WORD, 7);
	return true;
}

static bool damage_mapped(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_MMAPPED, header_of(sample->mapped[1]), nowhere);
	if (sample->release->tail_header) { /* which one it is cannot be told by its size */
		sample->place = 0;
		sample->expected = G_N_ELEMENTS(sample->mapped);
	}
	return true;
}

typedef struct damage_way {
	const char *name;
	bool (*damage)(sample_heap *sample);
} damage_way;

static const damage_way ways[] = {
	{ "a size", damage_size },
	{ "the size of a free one", damage_free_size },
	{ "the flag of mmapped chunks", damage_mapped_flag },
	{ "the flag of threads' arenas", damage_arena_flag },
	{ "the flag behind a block in use", damage_flag_behind_used },
	{ "the flag behind a free one", damage_flag_behind_free },
	{ "the size behind a free one", damage_size_behind },
	{ "the size of the main top", damage_main_top_size },
	{ "the size of a thread's top", damage_thread_top_size },
	{ "a top", damage_top },
	{ "the ring of arenas", damage_ring },
	{ "the arena of a heap", damage_heap_arena },
	{ "the size of a heap", damage_heap_size },
	{ "a link of a bin", damage_link },
	{ "a link of a fastbin", damage_fastbin_link },
	{ "a link of the first bin", damage_first_link },
	{ "the first bin's link back", damage_first_head },
	{ "a link of a cache", damage_cache_link },
	{ "a link back", damage_back_link },
	{ "a bin's link back", damage_head_back_link },
	{ "a loop of a cache", damage_cache_loop },
	{ "a loop of a fastbin", damage_fastbin_loop },
	{ "two lists", damage_two_lists },
	{ "a size in a bin", damage_size_in_bin },
	{ "a size in a fastbin", damage_size_in_fastbin },
	{ "a size in a cache", damage_size_in_cache },
	{ "an arena in a fastbin", damage_arena_in_fastbin },
	{ "an arena in a bin", damage_arena_in_bin },
	{ "a count", damage_count },
	{ "a key", damage_key },
	{ "an mmapped chunk", damage_mapped },
};

/* ---- tests ---- */

static void test_sound(void)
{
	for (unsigned i = 0; i < heap_release_count; i++) {
		g_auto(sample_heap) sample = { 0 };
		uint64_t chunks = 0;

		sample_fill(&sample, &heap_releases[i]);
		g_autoptr(hc_check) check = run_check(&sample);

		if (!check)
			continue;
		for (unsigned block = 0; block < sample.heap->blocks->len; block++)
			chunks += g_array_index(sample.heap->blocks, heap_block, block).state < HC_BLOCK_FENCEPOST;
		CU_ASSERT_EQUAL(hc_check_count(check), 0);
		if (hc_check_count(check))
			complain(&sample, "nothing", check);
		CU_ASSERT_EQUAL(hc_check_get_totals(check)->chunks, chunks);
		CU_ASSERT_EQUAL(hc_check_get_totals(check)->arenas, 2);
		CU_ASSERT_FALSE(hc_diagnostics_heap_partial(sample.process.stages.diagnostics));
	}
}

/* ---- a cache with one list, which without symbols is not told by its other lists ---- */

static hc_address entry_at(const sample_heap *sample, uint64_t size)
{
	return sample->cache + sample->release->entries + (size / 16 - 2) * WORD;
}

static bool damage_only_entry(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_LINK, entry_at(sample, SMALL_SIZE));
}

static bool damage_only_first_size(sample_heap *sample)
{
	overwrite(sample, HC_DAMAGE_CHUNK_SIZE, header_of(sample->cached[CACHED - 1]), 0x4141414141414141);
	return true;
}

static bool damage_other_count(sample_heap *sample)
{
	wrong(sample, HC_DAMAGE_TCACHE_COUNT, cache_count_at(sample, SMALL_SIZE + 32));
	add_to_count(sample, SMALL_SIZE + 32, 3);
	return true;
}

static bool damage_other_entry(sample_heap *sample)
{
	return lead_astray(sample, HC_DAMAGE_LINK, entry_at(sample, SMALL_SIZE + 32));
}

static void test_one_list(void)
{
	static const damage_way lonely[] = {
		{ "the one entry", damage_only_entry },
		{ "the first block's size", damage_only_first_size },
		{ "the one list's count", damage_count },
		{ "a count of an empty list", damage_other_count },
		{ "an entry of an empty list", damage_other_entry },
	};

	for (unsigned i = 0; i < heap_release_count; i++)
		for (unsigned way = 0; heap_releases[i].tcache_lists && way < G_N_ELEMENTS(lonely); way++) {
			g_auto(sample_heap) sample = { .has_one_list = true };

			sample_fill(&sample, &heap_releases[i]);
			lonely[way].damage(&sample);
			check_told(&sample, lonely[way].name);
		}
}

/* A cache that cannot be told from the program's own memory, and one that no thread leads to: then nothing is sound for certain. */
static void test_cache_not_found(void)
{
	for (unsigned i = 0; i < heap_release_count; i++)
		for (unsigned way = 0; heap_releases[i].tcache_lists && way < 3; way++) {
			g_auto(sample_heap) sample = { .has_one_list = true };

			sample.has_block_in_front = way == 1;
			sample_fill(&sample, &heap_releases[i]);
			hc_address pointer = heap_thread_at(sample.heap, 0)->pointer;

			if (way == 1)
				damage_only_entry(&sample);
			for (hc_address at = pointer - 0x100; way == 2 && at < pointer; at += WORD)
				if (get(&sample, at) == sample.cache)
					put(&sample, at, 0);
			g_autoptr(hc_check) check = run_check(&sample);
			bool is_told = core_builder_told(sample.process.stages.diagnostics, "tcache-missing") == 1;

			if (!check)
				continue;
			if (way == 0) {
				CU_ASSERT_FALSE(hc_diagnostics_heap_partial(sample.process.stages.diagnostics));
			} else if (heap_releases[i].counts_free && way == 1) {
				CU_ASSERT_EQUAL(hc_check_count(check), 1); /* known by its counters */
			} else if (!heap_releases[i].counts_free) {
				CU_ASSERT_TRUE(is_told);
			}
		}
}

static void test_ways(void)
{
	bool seen[HC_DAMAGE_KIND_COUNT] = { false };

	for (unsigned i = 0; i < heap_release_count; i++)
		for (unsigned way = 0; way < G_N_ELEMENTS(ways); way++) {
			g_auto(sample_heap) sample = { 0 };

			sample_fill(&sample, &heap_releases[i]);
			if (!ways[way].damage(&sample))
				continue;
			seen[sample.kind] = true;
			check_told(&sample, ways[way].name);
		}
	for (unsigned kind = 0; kind < HC_DAMAGE_KIND_COUNT; kind++)
		CU_ASSERT_TRUE(seen[kind]);
}

/* The core ends in the middle of the heap, where the free lists lead: that is no damage, but not the whole heap either. */
static void test_cut(void)
{
	for (unsigned i = 0; i < heap_release_count; i++) {
		g_auto(sample_heap) sample = { 0 };

		sample_fill(&sample, &heap_releases[i]);
		for (unsigned s = 0; s < sample.heap->core->segments->len; s++) {
			core_segment *segment = &g_array_index(sample.heap->core->segments, core_segment, s);

			if (segment->address == sample.heap->break_start)
				segment->dumped = sample.small[0] - segment->address;
		}
		g_autoptr(hc_check) check = run_check(&sample);

		if (!check)
			continue;
		CU_ASSERT_EQUAL(hc_check_count(check), 0);
		if (hc_check_count(check))
			complain(&sample, "a core that ends", check);
		CU_ASSERT_TRUE(hc_diagnostics_heap_partial(sample.process.stages.diagnostics));
	}
}

/* What malloc itself may be about to put right is told as that: a thread was in libc, or it is damage of an arena that is locked. */
static void test_operations(void)
{
	for (unsigned way = 0; way < 3; way++) {
		bool is_running = way == 0, is_locked = way == 1;
		g_auto(sample_heap) sample = { .at_work = is_running, .is_alive = true };

		sample_fill(&sample, heap_release_find("2.36"));
		damage_back_link(&sample);
		if (is_locked)
			core_builder_put(sample.heap->core, sample.heap->main_arena, 1, 4);
		g_autoptr(hc_check) check = run_check(&sample);

		if (!check)
			continue;
		CU_ASSERT_EQUAL(hc_check_count(check), 1);
		CU_ASSERT_EQUAL(hc_check_get_totals(check)->in_operation, is_running || is_locked);
		CU_ASSERT_EQUAL(hc_check_get_totals(check)->places, !is_running && !is_locked);
	}
}

int main(void)
{
	static const unit_case cases[] = {
		{ "sound heaps", test_sound },
		{ "damaged heaps", test_ways },
		{ "a cache with one list", test_one_list },
		{ "a cache that is not found", test_cache_not_found },
		{ "a core that ends in the heap", test_cut },
		{ "malloc between two steps", test_operations },
	};

	return unit_main("check", cases, G_N_ELEMENTS(cases));
}
