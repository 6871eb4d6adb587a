/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lays out a glibc heap in the memory of a core_builder, as malloc of a given release would have left it, and keeps its own list of
 * the blocks and what became of them: the truth that tests compare with.
 *
 *	core_builder *core = core_builder_create(8, false);
 *	heap_builder *heap = heap_builder_create(core, heap_release_find("2.36"));
 *	heap_start_main(heap, 0, 0x3000, 0x3000);
 *	hc_address a = heap_malloc(heap, 0, 100), b = heap_malloc(heap, 0, 100);
 *	heap_free_to_bin(heap, a, HEAP_UNSORTED);
 *
 * x86-64 only. Everything is written at once, so the memory is a heap between two calls of malloc at any time. main_arena and mp_ lie
 * in the data of a library called libc.so.6, whose file does not exist: there are no symbols and no debug info.
 *
 * Sources: malloc/malloc.c and malloc/arena.c of the releases named, and the offsets of their structures as gdb
 * prints them (ptype /o). Nothing here comes from heapcore's own tables.
 */
#pragma once

#include "core_builder.h"

#include <heapcore/blocks.h>

enum {
	HEAP_NONE = -1,
	HEAP_UNSORTED = 1,
	HEAP_FASTBIN = 0
};

/* One release, or several with the same structures. Offsets in bytes; HEAP_NONE: no such member. */
typedef struct heap_release {
	const char *name;
	/* struct malloc_state */
	int fastbins, top, bins, next, attached_threads, system_mem, arena_size;
	/* struct malloc_par */
	int n_mmaps, mmapped_mem, sbrk_base, tcache_bins, parameters_size;
	/* struct tcache_perthread_struct: size of a counter; number of bins; where the entries begin */
	int counter, tcache_lists, entries, tcache_size;
	int heap_info_size;
	unsigned tcache_count; /* default of mp_.tcache_count */
	bool counts_free;      /* counters count free places */
	bool mangled;	       /* safe-linking */
	int key;	       /* word 1 of a cached block: 0 nothing, 1 the cache's address, 2 a random number */
	bool tail_header;      /* an mmapped chunk's size leaves out two words at the mapping's end */
} heap_release;

extern const heap_release heap_releases[];
extern const unsigned heap_release_count;
const heap_release *heap_release_find(const char *name); /* must exist */

/* What a block should look like to heapcore. */
typedef struct heap_block {
	hc_address address;
	uint64_t size, chunk_size;
	hc_block_state state;
	int arena; /* in the order of making; HEAP_NONE: mmapped */
} heap_block;

typedef struct heap_arena {
	hc_address address, top;
	hc_address heap; /* the newest heap_info; 0 in the main arena */
	hc_address end;	 /* of the memory that top lies in */
	uint64_t system_memory;
	unsigned heaps;
} heap_arena;

typedef struct heap_thread {
	int32_t id;
	hc_address stack, stack_end;	   /* without the guard */
	hc_address stack_pointer, pointer; /* sp, and the thread control block */
	hc_address cache;		   /* 0: none yet */
	uint64_t rbx, r12;
} heap_thread;

typedef struct heap_builder {
	core_builder *core;
	heap_release release;			 /* a copy: tests may change it before the first call */
	hc_address libc, main_arena, parameters; /* of the library's first page; of main_arena; of mp_ */
	hc_address data, data_end;		 /* the library's data, for pointers of the program's */
	hc_address break_start, break_end;	 /* the segment of the program break */
	hc_address sbrk_base;
	GArray *arenas;	   /* of heap_arena */
	GArray *blocks;	   /* of heap_block */
	GArray *threads;   /* of heap_thread */
	uint64_t heap_max; /* HEAP_MAX_SIZE */
	bool like_gdb;	   /* address space without access is in the core as readable zeros */
	uint64_t tcache_key;
	unsigned mmap_count;
	uint64_t mmap_bytes;
	unsigned kept; /* words of heap_keep() */
} heap_builder;

/* Adds the library to CORE. */
heap_builder *heap_builder_create(core_builder *core, const heap_release *release);
void heap_builder_destroy(heap_builder *heap);

/*
 * The program break, CAPACITY bytes, of which the main arena's first sbrk gets SIZE bytes from OFFSET on. What it does not get is
 * somebody else's.
 */
void heap_start_main(heap_builder *heap, uint64_t offset, uint64_t size, uint64_t capacity);

/*
 * The main arena grows by SIZE bytes, after somebody else took FOREIGN bytes from sbrk. With FOREIGN the old top ends in fenceposts, and
 * what is left of it is freed to BIN (HEAP_FASTBIN: to a fastbin).
 */
void heap_grow_main(heap_builder *heap, uint64_t foreign, uint64_t size, int bin);

/* The same, when sbrk has failed: the main arena goes on in memory got by mmap at BASE (which is added to the core). */
void heap_grow_by_mmap(heap_builder *heap, hc_address base, uint64_t size, int bin);

/*
 * A thread arena, whose first heap is SIZE bytes at BASE, a multiple of 64 MiB. The rest of the 64 MiB is in the core as the kernel
 * describes it (no access, no bytes), or gdb. Returns the arena's number.
 */
unsigned heap_add_arena(heap_builder *heap, hc_address base, uint64_t size);

/* Its next heap. The old top ends in a fencepost; what is left of it, if it is a chunk, is freed to BIN. */
void heap_grow_arena(heap_builder *heap, unsigned arena, hc_address base, uint64_t size, int bin);

/* From the top chunk of ARENA. */
hc_address heap_malloc(heap_builder *heap, unsigned arena, uint64_t size);
uint64_t heap_top_size(const heap_builder *heap, unsigned arena); /* bytes of the top chunk */

/* With a small block behind it that stays in use, so that it can be freed without merging. */
hc_address heap_malloc_apart(heap_builder *heap, unsigned arena, uint64_t size);

/* A variable of the library's points to ADDRESS. Returns where it stands: the first one at heap_kept_at(heap, 0). */
hc_address heap_keep(heap_builder *heap, hc_address address);
hc_address heap_kept_at(const heap_builder *heap, unsigned index);

/* Takes from the top until it has SIZE bytes left, which malloc keeps: one large block. Returns it. */
hc_address heap_malloc_until(heap_builder *heap, unsigned arena, uint64_t size);

void heap_free_to_bin(heap_builder *heap, hc_address block, int bin); /* 1 to 126 */
void heap_free_to_fastbin(heap_builder *heap, hc_address block);

/*
 * An mmapped block whose mapping is the SIZE bytes of memory at BASE, already in the core. OFFSET is where memalign moved the chunk; then
 * the header that mmap's chunk had before is still at the beginning.
 */
hc_address heap_mmap(heap_builder *heap, hc_address base, uint64_t size, uint64_t offset);

/* The main thread (the first one), or another with a stack of SIZE bytes at BASE and GUARD bytes without access below. */
unsigned heap_add_thread(heap_builder *heap, hc_address base, uint64_t size, uint64_t guard, int arena);
heap_thread *heap_thread_at(const heap_builder *heap, unsigned thread);
enum {
	HEAP_MAIN_STACK_SIZE = 0x4000,
	HEAP_THREAD_DESCRIPTOR = 0x900,
	HEAP_GUARD_SIZE = 0x1000
};

/* Makes THREAD's cache in ARENA. */
hc_address heap_add_cache(heap_builder *heap, unsigned thread, unsigned arena);
/* A cache that nothing points to. */
hc_address heap_add_orphan_cache(heap_builder *heap, unsigned arena);
void heap_free_to_cache(heap_builder *heap, hc_address cache, hc_address block);

/* To be called last: writes the notes of the threads. */
void heap_write_threads(heap_builder *heap);

/* ---- the truth ---- */

heap_block *heap_block_at(const heap_builder *heap, hc_address address); /* must exist */
void heap_sort_blocks(heap_builder *heap);
uint32_t heap_arena_index(const heap_builder *heap, int arena); /* heapcore's: the ring's order */

/* Chunk in front of the block. */
static inline hc_address heap_chunk(hc_address block)
{
	return block - 16;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(heap_builder, heap_builder_destroy)
