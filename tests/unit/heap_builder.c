/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "heap_builder.h"

#include <string.h>

enum {
	WORD = 8,
	PREV_IN_USE = 1,
	MMAPPED = 2,
	NON_MAIN = 4,
	BINS = 127,
	SMALLEST = 32, /* MINSIZE */
	PAGE = 4096,
	RW = PF_R | PF_W,
	DATA_SIZE = 0x3000,
	/* In the libc's data. */
	PARAMETERS_AT = 0x280,
	MAIN_ARENA_AT = 0xc60,
	POINTERS_AT = 0x2000,
	/* Below the thread control block. */
	TLS_CACHE = 0x48,
	TLS_ARENA = 0x50,
};

static const hc_address libc_start = 0x7ffff7c00000, break_start = 0x555555800000, main_tls = 0x7ffff7fa0000,
			main_stack = 0x7ffffffde000;
static const uint64_t canary = 0x4f6c2a91d3e7b500;

/* clang-format off */
const heap_release heap_releases[] = {
	/* name  fast top bins  next attach sysmem size | n_mm mmapped sbrk tcache size | counter lists entries size | heap_info */
	{ "2.17",    8, 88, 104, 2152, HEAP_NONE, 2168, 2184,  40, 56, 80, HEAP_NONE, 88,  0, 0, 0, 0,     32, 0, false, false, 0, false },
	{ "2.23",    8, 88, 104, 2152, 2168, 2176, 2192,  40, 56, 80, HEAP_NONE, 88,  0, 0, 0, 0,     32, 0, false, false, 0, false },
	{ "2.24",    8, 88, 104, 2152, 2168, 2176, 2192,  40, 56, 72, HEAP_NONE, 80,  0, 0, 0, 0,     32, 0, false, false, 0, false },
	{ "2.26",    8, 88, 104, 2152, 2168, 2176, 2192,  40, 56, 72, 80, 112,  1, 64, 64, 576,   32, 7, false, false, 0, false },
	{ "2.27",   16, 96, 112, 2160, 2176, 2184, 2200,  40, 56, 72, 80, 112,  1, 64, 64, 576,   32, 7, false, false, 0, false },
	{ "2.29",   16, 96, 112, 2160, 2176, 2184, 2200,  40, 56, 72, 80, 112,  1, 64, 64, 576,   32, 7, false, false, 1, false },
	{ "2.31",   16, 96, 112, 2160, 2176, 2184, 2200,  40, 56, 72, 80, 112,  2, 64, 128, 640,  32, 7, false, false, 1, false },
	{ "2.32",   16, 96, 112, 2160, 2176, 2184, 2200,  40, 56, 72, 80, 112,  2, 64, 128, 640,  32, 7, false, true, 1, false },
	{ "2.34",   16, 96, 112, 2160, 2176, 2184, 2200,  40, 56, 72, 80, 112,  2, 64, 128, 640,  32, 7, false, true, 2, false },
	{ "2.36",   16, 96, 112, 2160, 2176, 2184, 2200,  60, 80, 96, 104, 136, 2, 64, 128, 640,  48, 7, false, true, 2, false },
	{ "2.42",   16, 96, 112, 2160, 2176, 2184, 2200,  60, 80, 96, 104, 136, 2, 76, 152, 760,  48, 7, true, true, 2, false },
	{ "2.43", HEAP_NONE, 8, 24, 2072, 2088, 2096, 2112,  68, 88, 104, 112, 144, 2, 76, 152, 760,  48, 16, true, true, 2, true },
};
/* clang-format on */
const unsigned heap_release_count = G_N_ELEMENTS(heap_releases);

const heap_release *heap_release_find(const char *name)
{
	for (unsigned i = 0; i < heap_release_count; i++)
		if (!strcmp(heap_releases[i].name, name))
			return &heap_releases[i];
	g_assert_not_reached();
}

/* ---- shorthand ---- */

static void put(heap_builder *heap, hc_address address, uint64_t value)
{
	core_builder_put_word(heap->core, address, value);
}

static uint64_t get(const heap_builder *heap, hc_address address)
{
	return core_builder_word(heap->core, address);
}

static heap_arena *arena_at(const heap_builder *heap, unsigned index)
{
	g_assert(index < heap->arenas->len);
	return &g_array_index(heap->arenas, heap_arena, index);
}

heap_thread *heap_thread_at(const heap_builder *heap, unsigned thread)
{
	g_assert(thread < heap->threads->len);
	return &g_array_index(heap->threads, heap_thread, thread);
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static void add_block(
	heap_builder *heap, hc_address chunk, uint64_t chunk_size, uint64_t header, hc_block_state state, int arena)
{
	heap_block block = { chunk + 2 * WORD, chunk_size - header, chunk_size, state, arena };

	g_array_append_val(heap->blocks, block);
}

static heap_block *find_block(const heap_builder *heap, hc_address address)
{
	/* The last ones are asked for most. */
	for (unsigned i = heap->blocks->len; i-- > 0;)
		if (g_array_index(heap->blocks, heap_block, i).address == address)
			return &g_array_index(heap->blocks, heap_block, i);
	return NULL;
}

heap_block *heap_block_at(const heap_builder *heap, hc_address address)
{
	heap_block *block = find_block(heap, address);

	g_assert(block);
	return block;
}

static int compare_blocks(const void *a, const void *b)
{
	const heap_block *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

void heap_sort_blocks(heap_builder *heap)
{
	g_array_sort(heap->blocks, compare_blocks);
}

uint32_t heap_arena_index(const heap_builder *heap, int arena)
{
	/* A new arena goes into the ring right behind main_arena. */
	return arena == HEAP_NONE ? (uint32_t)HC_ARENA_NONE : arena ? heap->arenas->len - arena : 0;
}

/* ---- the library ---- */

static void put_program_header(uint8_t *at, uint32_t type, uint32_t flags, uint64_t start, uint64_t size)
{
	Elf64_Phdr header = {
		.p_type = type,
		.p_flags = flags,
		.p_offset = start,
		.p_vaddr = start,
		.p_paddr = start,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = type == PT_LOAD ? PAGE : 4,
	};

	memcpy(at, &header, sizeof header);
}

static void add_library(heap_builder *heap)
{
	static const char path[] = "/nonexistent/heapcore-tests/libc.so.6";
	uint8_t *page = core_builder_add_memory(heap->core, heap->libc, PAGE, PF_R);
	Elf64_Ehdr header = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	Elf64_Nhdr note = { 4, 20, NT_GNU_BUILD_ID };
	g_autofree char *banner =
		g_strdup_printf("GNU C Library (heapcore's tests) stable release version %s.\n", heap->release.name);

	memcpy(page, &header, sizeof header);
	put_program_header(page + sizeof header, PT_LOAD, PF_R, 0, PAGE);
	put_program_header(page + sizeof header + sizeof(Elf64_Phdr), PT_LOAD, RW, PAGE, DATA_SIZE);
	put_program_header(page + sizeof header + 2 * sizeof(Elf64_Phdr), PT_NOTE, PF_R, 0x200, sizeof note + 4 + 20);
	memcpy(page + 0x200, &note, sizeof note);
	memcpy(page + 0x200 + sizeof note, "GNU", 4);
	for (unsigned i = 0; i < 20; i++)
		page[0x200 + sizeof note + 4 + i] = 0xa0 + i;
	memcpy(page + 0x400, banner, strlen(banner));
	core_builder_add_memory(heap->core, heap->data, DATA_SIZE, RW);
	core_builder_add_file(heap->core, heap->libc, heap->libc + PAGE, 0, path);
	core_builder_add_file(heap->core, heap->data, heap->data + DATA_SIZE, PAGE, path);
}

/* ptmalloc_init(): the values that mp_ starts with. */
static void init_parameters(heap_builder *heap)
{
	const heap_release *release = &heap->release;
	hc_address at = heap->parameters;

	put(heap, at, 128 * 1024);	/* trim_threshold */
	put(heap, at + 8, 128 * 1024);	/* top_pad */
	put(heap, at + 16, 128 * 1024); /* mmap_threshold */
	put(heap, at + 24, 8);		/* arena_test */
	core_builder_put(heap->core, at + release->n_mmaps + 4, 65536, 4);
	if (release->tcache_bins == HEAP_NONE)
		return;
	put(heap, at + release->tcache_bins, 64);
	put(heap, at + release->tcache_bins + 8, 1032); /* tcache_max_bytes */
	put(heap, at + release->tcache_bins + 16, release->tcache_count);
}

/* malloc_init_state() */
static void init_arena(heap_builder *heap, hc_address arena)
{
	const heap_release *release = &heap->release;

	for (unsigned bin = 1; bin <= BINS; bin++) {
		hc_address head = arena + release->bins + (bin - 1) * 16 - 16;

		put(heap, head + 16, head);
		put(heap, head + 24, head);
	}
	put(heap, arena + release->top, arena + release->bins - 16);
	put(heap, arena + release->next, arena);
	if (release->attached_threads != HEAP_NONE)
		put(heap, arena + release->attached_threads, 1);
}

heap_builder *heap_builder_create(core_builder *core, const heap_release *release)
{
	heap_builder *heap = g_new0(heap_builder, 1);
	heap_arena main_arena = { 0 };

	heap->core = core;
	heap->release = *release;
	heap->libc = libc_start;
	heap->data = libc_start + PAGE;
	heap->data_end = heap->data + DATA_SIZE;
	heap->parameters = heap->data + PARAMETERS_AT;
	heap->main_arena = main_arena.address = heap->data + MAIN_ARENA_AT;
	heap->arenas = g_array_new(FALSE, TRUE, sizeof(heap_arena));
	heap->blocks = g_array_new(FALSE, TRUE, sizeof(heap_block));
	heap->threads = g_array_new(FALSE, TRUE, sizeof(heap_thread));
	heap->heap_max = 64 << 20;
	heap->tcache_key = 0x8d5f3ac19b20e677;
	add_library(heap);
	init_parameters(heap);
	init_arena(heap, heap->main_arena);
	g_array_append_val(heap->arenas, main_arena);
	return heap;
}

void heap_builder_destroy(heap_builder *heap)
{
	if (!heap)
		return;
	g_array_unref(heap->arenas);
	g_array_unref(heap->blocks);
	g_array_unref(heap->threads);
	g_free(heap);
}

/* ---- tops ---- */

static void add_system_memory(heap_builder *heap, heap_arena *arena, uint64_t size)
{
	arena->system_memory += size;
	put(heap, arena->address + heap->release.system_mem, arena->system_memory);
	put(heap, arena->address + heap->release.system_mem + 8, arena->system_memory); /* max_system_mem */
}

/* The top chunk is at TOP, and goes to END. */
static void set_top(heap_builder *heap, unsigned index, hc_address top, hc_address end)
{
	heap_arena *arena = arena_at(heap, index);
	heap_block *old = arena->top ? find_block(heap, arena->top + 2 * WORD) : NULL;

	arena->top = top;
	arena->end = end;
	put(heap, arena->address + heap->release.top, top);
	put(heap, top + WORD, (end - top) | PREV_IN_USE);
	if (old && old->state == HC_BLOCK_TOP) {
		old->address = top + 2 * WORD;
		old->chunk_size = end - top;
		old->size = end - top - WORD;
	} else {
		add_block(heap, top, end - top, WORD, HC_BLOCK_TOP, index);
	}
}

/* The top chunk becomes something else: forget it. */
static void drop_top(heap_builder *heap, unsigned index)
{
	heap_block *top = heap_block_at(heap, arena_at(heap, index)->top + 2 * WORD);

	g_array_remove_index(heap->blocks, top - &g_array_index(heap->blocks, heap_block, 0));
}

uint64_t heap_top_size(const heap_builder *heap, unsigned arena)
{
	return arena_at(heap, arena)->end - arena_at(heap, arena)->top;
}

void heap_start_main(heap_builder *heap, uint64_t offset, uint64_t size, uint64_t capacity)
{
	g_assert(offset + size <= capacity);
	core_builder_add_memory(heap->core, break_start, capacity, RW);
	heap->break_start = break_start;
	heap->break_end = break_start + capacity;
	heap->sbrk_base = break_start + offset;
	put(heap, heap->parameters + heap->release.sbrk_base, heap->sbrk_base);
	add_system_memory(heap, arena_at(heap, 0), size);
	set_top(heap, 0, align_up(heap->sbrk_base, 16), heap->sbrk_base + size);
}

/* What is left of a superseded top, [chunk, chunk + size), in use by its header, is freed. */
static void free_rest(heap_builder *heap, unsigned arena, hc_address chunk, uint64_t size, int bin)
{
	add_block(heap, chunk, size, WORD, HC_BLOCK_IN_USE, arena);
	if (bin == HEAP_FASTBIN)
		heap_free_to_fastbin(heap, chunk + 2 * WORD);
	else
		heap_free_to_bin(heap, chunk + 2 * WORD, bin);
}

/* sysmalloc(): "Shrink old_top to insert fenceposts, keeping size a multiple of MALLOC_ALIGNMENT" */
static void end_main_piece(heap_builder *heap, int bin)
{
	heap_arena *arena = arena_at(heap, 0);
	hc_address top = arena->top;
	uint64_t rest = (arena->end - top - 4 * WORD) & ~(uint64_t)15;

	drop_top(heap, 0);
	arena->top = 0;
	put(heap, top + WORD, rest | PREV_IN_USE);
	put(heap, top + rest + WORD, 2 * WORD | PREV_IN_USE);
	put(heap, top + rest + 3 * WORD, 2 * WORD | PREV_IN_USE);
	/* With 16 bytes left these are three posts of the same look: nothing is freed. */
	if (rest >= SMALLEST) {
		add_block(heap, top + rest, 4 * WORD, 2 * WORD, HC_BLOCK_FENCEPOST, 0);
		free_rest(heap, 0, top, rest, bin);
	} else {
		add_block(heap, top, rest + 4 * WORD, 2 * WORD, HC_BLOCK_FENCEPOST, 0);
	}
}

void heap_grow_main(heap_builder *heap, uint64_t foreign, uint64_t size, int bin)
{
	heap_arena *arena = arena_at(heap, 0);
	hc_address end = arena->end, start = align_up(end + foreign, 16);

	g_assert(end + foreign + size <= heap->break_end);
	add_system_memory(heap, arena, foreign + size);
	if (!foreign) {
		set_top(heap, 0, arena->top, end + size);
		return;
	}
	end_main_piece(heap, bin);
	add_block(heap, end, start - end, 2 * WORD, HC_BLOCK_FOREIGN, 0);
	set_top(heap, 0, start, end + foreign + size);
}

void heap_grow_by_mmap(heap_builder *heap, hc_address base, uint64_t size, int bin)
{
	heap_arena *arena = arena_at(heap, 0);

	core_builder_add_memory(heap->core, base, size, RW);
	end_main_piece(heap, bin);
	core_builder_put(heap->core, arena->address + 4, 2, 4); /* NONCONTIGUOUS_BIT */
	add_system_memory(heap, arena, size);
	set_top(heap, 0, base, base + size);
}

/* ---- thread arenas ---- */

static void add_heap(heap_builder *heap, hc_address base, uint64_t size, hc_address arena, hc_address previous)
{
	g_assert(base % heap->heap_max == 0 && size <= heap->heap_max);
	core_builder_add_memory(heap->core, base, size, RW);
	if (heap->like_gdb)
		core_builder_add_zeros(heap->core, base + size, heap->heap_max - size, PF_R);
	else
		core_builder_add_partly(heap->core, base + size, heap->heap_max - size, 0, 0);
	put(heap, base, arena);
	put(heap, base + 8, previous);
	put(heap, base + 16, size);
	put(heap, base + 24, size); /* mprotect_size */
	if (heap->release.heap_info_size == 48)
		put(heap, base + 32, PAGE); /* pagesize */
}

unsigned heap_add_arena(heap_builder *heap, hc_address base, uint64_t size)
{
	const heap_release *release = &heap->release;
	heap_arena arena = { .address = base + release->heap_info_size, .heap = base, .heaps = 1 };
	unsigned index = heap->arenas->len;

	add_heap(heap, base, size, arena.address, 0);
	init_arena(heap, arena.address);
	put(heap, arena.address + release->next, get(heap, heap->main_arena + release->next));
	put(heap, heap->main_arena + release->next, arena.address);
	g_array_append_val(heap->arenas, arena);
	add_system_memory(heap, arena_at(heap, index), size);
	set_top(heap, index, align_up(arena.address + release->arena_size + 16, 16) - 16, base + size);
	return index;
}

/* sysmalloc(): "Setup fencepost and free the old top chunk with a multiple of MALLOC_ALIGNMENT in size." */
void heap_grow_arena(heap_builder *heap, unsigned index, hc_address base, uint64_t size, int bin)
{
	heap_arena *arena = arena_at(heap, index);
	hc_address top = arena->top;
	uint64_t rest = (arena->end - top - SMALLEST) & ~(uint64_t)15;

	add_heap(heap, base, size, arena->address, arena->heap);
	drop_top(heap, index);
	arena->top = 0;
	put(heap, top + rest + 3 * WORD, 0 | PREV_IN_USE);
	if (rest >= SMALLEST) {
		put(heap, top + rest + WORD, 2 * WORD | PREV_IN_USE);
		put(heap, top + rest + 2 * WORD, 2 * WORD);
		put(heap, top + WORD, rest | PREV_IN_USE | NON_MAIN);
		add_block(heap, top + rest, SMALLEST, 2 * WORD, HC_BLOCK_FENCEPOST, index);
		free_rest(heap, index, top, rest, bin);
	} else {
		put(heap, top + WORD, (rest + 2 * WORD) | PREV_IN_USE);
		put(heap, top + rest + 2 * WORD, rest + 2 * WORD);
		add_block(heap, top, rest + SMALLEST, 2 * WORD, HC_BLOCK_FENCEPOST, index);
	}
	arena->heap = base;
	arena->heaps++;
	add_system_memory(heap, arena, size);
	set_top(heap, index, base + heap->release.heap_info_size, base + size);
}

/* ---- blocks ---- */

hc_address heap_malloc(heap_builder *heap, unsigned index, uint64_t size)
{
	heap_arena *arena = arena_at(heap, index);
	uint64_t chunk_size = MAX(SMALLEST, align_up(size + WORD, 16));
	hc_address chunk = arena->top;

	g_assert(arena->end - chunk >= chunk_size + SMALLEST);
	set_top(heap, index, chunk + chunk_size, arena->end);
	put(heap, chunk + WORD, chunk_size | PREV_IN_USE | (index ? NON_MAIN : 0));
	/* The new block takes the place of the top in the list, so that the top is found at the end. */
	heap_block *top = find_block(heap, chunk + chunk_size + 2 * WORD), moved = *top;

	*top = (heap_block){ chunk + 2 * WORD, chunk_size - WORD, chunk_size, HC_BLOCK_IN_USE, index };
	g_array_append_val(heap->blocks, moved);
	return chunk + 2 * WORD;
}

hc_address heap_malloc_until(heap_builder *heap, unsigned arena, uint64_t size)
{
	return heap_malloc(heap, arena, heap_top_size(heap, arena) - size - WORD);
}

hc_address heap_malloc_apart(heap_builder *heap, unsigned arena, uint64_t size)
{
	hc_address block = heap_malloc(heap, arena, size);

	heap_malloc(heap, arena, 24);
	return block;
}

hc_address heap_kept_at(const heap_builder *heap, unsigned index)
{
	return heap->data + POINTERS_AT + index * WORD;
}

hc_address heap_keep(heap_builder *heap, hc_address address)
{
	hc_address place = heap_kept_at(heap, heap->kept++);

	g_assert(place < heap->data_end);
	put(heap, place, address);
	return place;
}

static hc_block_state state_of_bin(int bin)
{
	return bin == HEAP_UNSORTED ? HC_BLOCK_UNSORTED : bin < 64 ? HC_BLOCK_SMALL : HC_BLOCK_LARGE;
}

void heap_free_to_bin(heap_builder *heap, hc_address address, int bin)
{
	heap_block *block = heap_block_at(heap, address);
	hc_address chunk = heap_chunk(address), arena = arena_at(heap, block->arena)->address,
		   next = chunk + block->chunk_size;
	hc_address head = arena + heap->release.bins + (bin - 1) * 16 - 16, first = get(heap, head + 16);

	g_assert(block->state == HC_BLOCK_IN_USE && bin >= 1 && bin <= 126);
	put(heap, chunk + 16, first);
	put(heap, chunk + 24, head);
	put(heap, head + 16, chunk);
	put(heap, first + 24, chunk);
	put(heap, next, block->chunk_size);
	put(heap, next + WORD, get(heap, next + WORD) & ~(uint64_t)PREV_IN_USE);
	block->state = state_of_bin(bin);
}

static uint64_t mangle(const heap_builder *heap, hc_address position, uint64_t pointer)
{
	return heap->release.mangled ? (position >> 12) ^ pointer : pointer;
}

void heap_free_to_fastbin(heap_builder *heap, hc_address address)
{
	heap_block *block = heap_block_at(heap, address);
	hc_address head =
		arena_at(heap, block->arena)->address + heap->release.fastbins + (block->chunk_size / 16 - 2) * WORD;

	g_assert(block->state == HC_BLOCK_IN_USE && heap->release.fastbins != HEAP_NONE && block->chunk_size <= 0x80);
	put(heap, address, mangle(heap, address, get(heap, head)));
	put(heap, head, heap_chunk(address));
	block->state = HC_BLOCK_FASTBIN;
}

hc_address heap_mmap(heap_builder *heap, hc_address base, uint64_t size, uint64_t offset)
{
	uint64_t tail = heap->release.tail_header ? 2 * WORD : 0, chunk_size = size - offset - tail;
	heap_block block = { base + offset + 2 * WORD, chunk_size - (tail ? WORD : 2 * WORD), size, HC_BLOCK_IN_USE,
		HEAP_NONE };

	if (offset) {
		put(heap, base, 0);
		put(heap, base + WORD, (size - tail) | MMAPPED);
	}
	put(heap, base + offset, offset);
	put(heap, base + offset + WORD, chunk_size | MMAPPED);
	g_array_append_val(heap->blocks, block);
	heap->mmap_count++;
	heap->mmap_bytes += size;
	core_builder_put(heap->core, heap->parameters + heap->release.n_mmaps, heap->mmap_count, 4);
	core_builder_put(heap->core, heap->parameters + heap->release.n_mmaps + 8, heap->mmap_count, 4);
	put(heap, heap->parameters + heap->release.mmapped_mem, heap->mmap_bytes);
	put(heap, heap->parameters + heap->release.mmapped_mem + 8, heap->mmap_bytes);
	return block.address;
}

/* ---- threads ---- */

/* tcbhead_t and what matters of struct pthread (nptl/descr.h). The dtv has two slots and is not from this heap. */
static void put_thread_control_block(heap_builder *heap, hc_address pointer, hc_address dtv)
{
	put(heap, dtv - 16, 2);
	put(heap, pointer, pointer);
	put(heap, pointer + 8, dtv);
	put(heap, pointer + 16, pointer);
	put(heap, pointer + 0x28, canary);
}

static heap_thread start_main_thread(heap_builder *heap)
{
	heap_thread thread = {
		.stack = main_stack,
		.stack_end = main_stack + HEAP_MAIN_STACK_SIZE,
		.stack_pointer = main_stack + 0x2000,
		.pointer = main_tls + 0x740,
	};

	core_builder_add_memory(heap->core, main_tls, 0x2000, RW);
	core_builder_add_memory(heap->core, main_stack, HEAP_MAIN_STACK_SIZE, RW);
	core_builder_add_auxiliary(heap->core, AT_RANDOM, thread.stack_end - 0x100);
	put_thread_control_block(heap, thread.pointer, main_tls + 0x1800);
	return thread;
}

unsigned heap_add_thread(heap_builder *heap, hc_address base, uint64_t size, uint64_t guard, int arena)
{
	heap_thread thread;

	if (!heap->threads->len) {
		thread = start_main_thread(heap);
	} else {
		thread = (heap_thread){
			.stack = base + guard,
			.stack_end = base + guard + size,
			.stack_pointer = base + guard + size / 2,
			.pointer = base + guard + size - HEAP_THREAD_DESCRIPTOR,
		};
		if (guard)
			core_builder_add_partly(heap->core, base, guard, 0, 0);
		core_builder_add_memory(heap->core, thread.stack, size, RW);
		put_thread_control_block(heap, thread.pointer, thread.pointer - 0x200);
		put(heap, thread.pointer + 0x690, base);	 /* stackblock: with the guard */
		put(heap, thread.pointer + 0x698, guard + size); /* stackblock_size */
	}
	thread.id = 1000 + heap->threads->len;
	if (arena != HEAP_NONE)
		put(heap, thread.pointer - TLS_ARENA, arena_at(heap, arena)->address);
	g_array_append_val(heap->threads, thread);
	return heap->threads->len - 1;
}

hc_address heap_add_orphan_cache(heap_builder *heap, unsigned arena)
{
	hc_address cache = heap_malloc(heap, arena, heap->release.tcache_size);

	for (int i = 0; heap->release.counts_free && i < heap->release.tcache_lists; i++)
		core_builder_put(heap->core, cache + i * heap->release.counter, heap->release.tcache_count,
			heap->release.counter);
	return cache;
}

hc_address heap_add_cache(heap_builder *heap, unsigned index, unsigned arena)
{
	heap_thread *thread = heap_thread_at(heap, index);

	thread->cache = heap_add_orphan_cache(heap, arena);
	put(heap, thread->pointer - TLS_CACHE, thread->cache);
	return thread->cache;
}

void heap_free_to_cache(heap_builder *heap, hc_address cache, hc_address address)
{
	const heap_release *release = &heap->release;
	heap_block *block = heap_block_at(heap, address);
	unsigned list = block->chunk_size / 16 - 2;

	if (list >= 64) /* 2.42's large lists: chunks from 1,056, 2,048, 4,096 ... on */
		for (list = 64; block->chunk_size >= (uint64_t)2048 << (list - 64); list++)
			;
	hc_address counter = cache + list * release->counter, head = cache + release->entries + list * WORD;
	unsigned count = *core_builder_at(heap->core, counter); /* never more than 255 here */

	g_assert(block->state == HC_BLOCK_IN_USE && list < (unsigned)release->tcache_lists);
	put(heap, address, mangle(heap, address, get(heap, head)));
	if (release->key)
		put(heap, address + WORD, release->key == 1 ? cache : heap->tcache_key);
	put(heap, head, address);
	core_builder_put(heap->core, counter, release->counts_free ? count - 1 : count + 1, release->counter);
	block->state = HC_BLOCK_TCACHE;
}

void heap_write_threads(heap_builder *heap)
{
	for (unsigned i = 0; i < heap->threads->len; i++) {
		const heap_thread *thread = heap_thread_at(heap, i);

		core_builder_add_thread(heap->core, &(core_thread){
							    .id = thread->id,
							    .signal = 6,
							    .stack_pointer = thread->stack_pointer,
							    .thread_pointer = thread->pointer,
							    .program_counter = heap->libc + 0x100,
							    .rbx = thread->rbx,
							    .r12 = thread->r12,
						    });
	}
}
