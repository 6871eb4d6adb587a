/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * glibc's malloc (ptmalloc2), as a core reader sees it.
 *
 *	glibc.c		the allocator object: open, classify
 *	glibc_layout.c	offsets of malloc's structures: from DWARF, or from a table of all releases
 *	glibc_find.c	main_arena and mp_: by symbol, or by what only they look like
 *	glibc_arenas.c	the ring of arenas; heaps of thread arenas; pieces of the main arena -> regions
 *	glibc_mmapped.c	mmapped chunks, which are in no list
 *	glibc_mmapped_choice.c	which of the candidates are some, if there are too many
 *	glibc_walk.h	what a walk of a region carries
 *	glibc_walk.c	chunks of a region
 *	glibc_parts.c	parts of a long region, walked at the same time
 *	glibc_notes.c	what the walk notes in passing: sizes of caches, keys of cached blocks
 *	glibc_linking.c	whether list pointers are mangled
 *	glibc_lists.c	fastbins and bins
 *	glibc_tcache.c	per-thread caches, those that no thread leads to included
 *	glibc_tcache_place.c	what looks like a cache, and where threads point to theirs
 *	glibc_tcache_damaged.c	what may still be a cache if nothing looks like one
 *	glibc_tcache_pointed.c	which of the look-alikes the program knows of
 *	glibc_tcache_broken.c	blocks of a cache whose list does not lead to them any more
 *	glibc_thread_arenas.c	which arena a thread allocates from
 *	glibc_check.h	what a check carries
 *	glibc_check.c	what is not as malloc leaves it: chunks, their headers, what could not be followed
 *	glibc_check_arenas.c	the same of arenas, their heaps and tops, and mmapped chunks
 *	glibc_check_bins.c	the same of bins
 *	glibc_check_singly.c	the same of fastbins and thread caches
 *	glibc_labels.c	blocks that are libc's, the dynamic linker's or libstdc++'s own
 *
 * Facts are from malloc/malloc.c and malloc/arena.c of glibc 2.17 to 2.43, and are named after the functions there.
 */
#pragma once

#include "allocators/allocators.h"

/* Flags in the low bits of a chunk's size field: malloc.c, PREV_INUSE, IS_MMAPPED, NON_MAIN_ARENA. */
enum {
	CHUNK_PREV_IN_USE = 1,
	CHUNK_MMAPPED = 2,
	CHUNK_NON_MAIN = 4,
	CHUNK_FLAGS = 7
};

enum {
	GLIBC_BINS = 127,
	GLIBC_FASTBINS_MAX = 16,
	GLIBC_TCACHE_BINS_MAX = 128,
	GLIBC_TLS_REACH = 256 * 1024 /* bytes of static TLS that are searched beside a thread's control block */
};

enum {
	ABSENT = -1
}; /* the release has no such member */

/* Offsets in bytes. */
typedef struct glibc_arena_layout {
	int fastbins, fastbin_count; /* struct malloc_state */
	int flags, top, bins, next, attached_threads, system_mem, max_system_mem;
	int size;
} glibc_arena_layout;

typedef struct glibc_parameters_layout {
	int trim_threshold, top_pad, mmap_threshold, no_dyn_threshold;
	int thp_pagesize; /* 2.35 on */
	int hp_pagesize, n_mmaps, n_mmaps_max, mmapped_mem, sbrk_base, tcache_bins,
		tcache_count; /* struct malloc_par */
	int size;
} glibc_parameters_layout;

typedef struct glibc_tcache_layout {
	int counts, count_size, entries, bins; /* struct tcache_perthread_struct; bins: how many */
	int size;
	bool counts_free; /* num_slots (2.42): free places, not cached chunks */
} glibc_tcache_layout;

typedef struct glibc_layout {
	glibc_arena_layout arena;
	glibc_parameters_layout parameters;
	glibc_tcache_layout tcache;
	bool has_tcache;	  /* the layout is known; FALSE: none in this release, or not found yet */
	int heap_info_size;	  /* struct heap_info: where the arena lies in its first heap */
	bool mmap_header_in_tail; /* 2.43: the last two words of an mmapped chunk's mapping are not part of its size */
} glibc_layout;

typedef struct glibc {
	const hc_core *core;
	hc_modules *modules;
	hc_diagnostics *diagnostics;
	hc_heap *heap;
	const hc_module *libc;
	hc_word_format format;
	unsigned word;	    /* bytes */
	uint64_t alignment; /* MALLOC_ALIGNMENT */
	uint64_t minimum;   /* MINSIZE: the smallest chunk */
	uint64_t page;
	glibc_layout layout;
	bool layout_known; /* malloc_state's came from DWARF */
	hc_address main_arena;
	hc_address parameters;	     /* mp_; 0 if not found */
	hc_address sbrk_base;	     /* 0 if unknown or never used */
	uint64_t heap_max;	     /* HEAP_MAX_SIZE: alignment of thread heaps */
	int64_t tcache_count;	     /* mp_.tcache_count; -1 if unknown */
	const GArray *thread_blocks; /* the heap's; from classify() on */
	const hc_machine *machine;   /* a heap of none that is known is not read */
	int64_t cache_distance; /* of the pointer to a thread's cache from its control block: glibc_thread_local(); 0: not known */
	bool cache_missing;	/* with that: there is a cache, but not where */
	GArray *pieces_claimed;	     /* of hc_range: memory already explained, sorted */
	GHashTable *arena_indices;   /* address -> index + 1 */
	uint64_t
		ring_steps; /* that may still be made in search of main_arena: memory full of rings must end some time */
	GPtrArray *thread_lists; /* owns hc_arena.threads */
	GArray *caches;		 /* of hc_cached_block: the threads' caches that were followed */
	/*
	 * What the walk notes in passing, so that later questions need no pass over all blocks of their own: blocks of a thread
	 * cache's size, and blocks whose second word is the key of cached blocks.
	 */
	uint64_t noted_smallest, noted_largest; /* usable bytes; both 0: no size is noted */
	uint64_t key;				/* tcache_key; 0: not known, or none in this release */
	uint64_t learned_key; /* where that is not known: what blocks in caches of live threads have; 0: nothing yet */
	GMutex notes_mutex;   /* while walking */
	GArray *notes;				/* of hc_address */
	char *version, *layout_text;
} glibc;

/* ---- reading ---- */

static inline uint64_t glibc_word(const glibc *g, hc_address address, bool *ok)
{
	uint64_t value = 0;

	if (!hc_core_read_word(g->core, address, &value))
		*ok = false;
	return value;
}

/* 0 where it cannot be read: for members whose absence is checked elsewhere. */
static inline uint64_t glibc_word_or_zero(const glibc *g, hc_address address)
{
	bool ok = true;

	return glibc_word(g, address, &ok);
}

static inline uint64_t glibc_int_or_zero(const glibc *g, hc_address address)
{
	uint64_t value = 0;

	return hc_core_read_unsigned(g->core, address, 4, &value) ? value : 0;
}

/* The place of thread-local storage DISTANCE bytes from the control block at POINTER, below or above it as the machine has it. */
static inline hc_address glibc_thread_local(const glibc *g, hc_address pointer, int64_t distance)
{
	return g->machine->tls_above ? pointer + distance : pointer - distance;
}

/* chunk2mem and mem2chunk */
static inline hc_address chunk_to_block(const glibc *g, hc_address chunk)
{
	return chunk + 2 * g->word;
}

static inline hc_address block_to_chunk(const glibc *g, hc_address block)
{
	return block - 2 * g->word;
}

/* The first address from ADDRESS on where a chunk can begin: its user memory is aligned. */
static inline hc_address chunk_align_up(const glibc *g, hc_address address)
{
	return hc_align_up(address + 2 * g->word, g->alignment) - 2 * g->word;
}

/*
 * Where a piece ends whose fenceposts end at ADDRESS: the old top ended with a page, and where chunks are not aligned as their blocks
 * are (i386) a few bytes are left in front of that.
 */
static inline hc_address glibc_fence_end(const glibc *g, hc_address address)
{
	hc_address end = hc_align_up(address, g->page);

	return end - address < g->alignment ? end : address;
}

/* ---- glibc_layout.c ---- */

extern const hc_diagnostic_kind glibc_inconsistent; /* counts that malloc keeps do not agree with its memory */

/* Layout rows of the table for one word size, most recent first; NULL beyond the last. */
bool glibc_arena_layout_row(unsigned row, unsigned word, uint64_t alignment, glibc_arena_layout *ret_layout);
bool glibc_parameters_layout_row(unsigned row, unsigned word, glibc_parameters_layout *ret_layout);
bool glibc_tcache_layout_row(unsigned row, unsigned word, glibc_tcache_layout *ret_layout);

/* Fills g->layout from libc's DWARF. FALSE if there is none. */
bool glibc_layout_from_debug_info(glibc *g);

/* ---- glibc_find.c ---- */

/* Sets libc, main_arena, parameters, layout (of arena and parameters) and what heap->info says of them. */
bool glibc_find(glibc *g);

/* By its file's name. */
bool glibc_is_libc(const hc_module *module);

/* True if the arena at ADDRESS has bins as LAYOUT has them: each ring leads back to its head. */
bool glibc_bins_are_valid(const glibc *g, hc_address arena, const glibc_arena_layout *layout);

/* ---- glibc_arenas.c ---- */

void glibc_find_arenas(glibc *g);
void glibc_find_main_regions(glibc *g);

/* Marks memory as explained. */
void glibc_claim(glibc *g, hc_address start, hc_address end);
/* The first byte from ADDRESS on that is not claimed; ADDRESS itself if it is free. */
hc_address glibc_skip_claimed(const glibc *g, hc_address address);
/* The next claimed byte at or after ADDRESS, or UINT64_MAX. */
hc_address glibc_next_claimed(const glibc *g, hc_address address);
/* Private, writable, anonymous (huge pages included): memory that malloc could have got by mmap. */
bool glibc_is_anonymous(const hc_mapping *mapping);

/* ---- glibc_mmapped.c ---- */

void glibc_find_mmapped(glibc *g);

/* ---- glibc_notes.c ---- */

/* Decides what the walk shall note: from the layout of the thread caches and tcache_key, as far as they are known by then. */
void glibc_prepare_notes(glibc *g);
void glibc_add_notes(glibc *g, const GArray *blocks);

/* As hc_block_table_each() for blocks in use, from the notes where they cover these sizes. */
void glibc_each_of_size(glibc *g, const hc_block_table *table, uint64_t smallest, uint64_t largest,
	bool (*visit)(const hc_block_entry *entry, void *data), void *data);

/* The same for blocks in use of at most LARGEST bytes whose second word is KEY, which is not 0. */
void glibc_each_keyed(glibc *g, const hc_block_table *table, uint64_t largest, uint64_t key,
	bool (*visit)(const hc_block_entry *entry, void *data), void *data);

/* ---- glibc_walk.c ---- */

void glibc_walk(const hc_heap *heap, const hc_region *region, GArray *parts, hc_block_sink *sink);

/*
 * Follows chunks from CHUNK for as long as they are plausible, at most LIMIT of them. Returns where it stopped; *ret_steps
 * tells how many chunks it passed, *ret_fence how many bytes of fenceposts it stopped at; 0: at something else.
 */
hc_address glibc_follow(
	const glibc *g, hc_address chunk, hc_address end, uint64_t limit, uint64_t *ret_steps, uint64_t *ret_fence);

/* ---- glibc_parts.c ---- */

void glibc_divide(
	const hc_heap *heap, const hc_region *region, const hc_block_sink *sink, uint64_t size, GArray *parts);
void glibc_walk_part(const hc_heap *heap, const hc_region *region, hc_walk_part *part);

/* ---- glibc_linking.c ---- */

/* Which of the two encodings list pointers have: sets heap->info.safe_linking. Needs the place of the caches. */
void glibc_detect_safe_linking(glibc *g, hc_block_table *table);

/* ---- glibc_lists.c ---- */

uint64_t glibc_reveal(const glibc *g, hc_address position, uint64_t pointer); /* REVEAL_PTR */
void glibc_follow_fastbins(glibc *g, hc_block_table *table, hc_arena *arena);
void glibc_follow_bins(glibc *g, hc_block_table *table, hc_arena *arena);

/*
 * To be called when all bins were followed: chunks that are on no list, and whose size does not stand behind them as it does behind
 * free ones, are in use; the flag that calls them free was overwritten.
 */
void glibc_return_unlisted(glibc *g, hc_block_table *table);

/* ---- glibc_tcache.c ---- */

void glibc_find_tcaches(glibc *g, hc_block_table *table);

/* ---- glibc_tcache_place.c ---- */

/* Sets cache_distance, and the layout of caches if it was not known. FALSE if no thread has a cache anywhere. */
bool glibc_locate_caches(glibc *g, hc_block_table *table);

/* Some of the threads' control blocks, live ones first: all have a variable at the same distance, so few can tell. */
GArray *glibc_choose_voters(const glibc *g);

/* Usable bytes of the blocks that thread caches of LAYOUT are in. */
uint64_t glibc_cache_block_size(const glibc *g, const glibc_tcache_layout *layout);
uint64_t glibc_cache_block_size_max(const glibc *g, const glibc_tcache_layout *layout);

/* Chunk sizes of the blocks in list BIN: bytes, both inclusive. From 64 on (2.42) they are mixed. */
typedef struct glibc_size_range {
	uint64_t least, most;
} glibc_size_range;
glibc_size_range glibc_cache_chunk_sizes(const glibc *g, int bin);

/* Whether malloc's chunksize() of the block is in RANGE: see mmap_header_in_tail. */
static inline bool glibc_size_is_in(const glibc *g, glibc_size_range range, const hc_block_entry *block)
{
	bool has_tail = block->arena == HC_ARENA_NONE && g->layout.mmap_header_in_tail;
	uint64_t size = block->chunk_size - (has_tail ? 2 * g->word : 0);

	return size >= range.least && size <= range.most;
}

/* How many blocks list BIN of the cache at ADDRESS has by its own count; -1 if that cannot be told. */
int64_t glibc_cache_count(const glibc *g, const glibc_tcache_layout *layout, hc_address address, int bin);

/* What speaks for a block's being a cache. */
typedef struct glibc_cache_look {
	unsigned entries; /* lists that are not empty: with none any block of zeros looks like a cache */
	unsigned keyed;	  /* of these: whose first block carries what may be malloc's key */
	unsigned first;	  /* 1: it is the first block of an arena. Told of those only that may be damaged */
} glibc_cache_look;

/* Whether the block at ADDRESS looks like a cache of LAYOUT. *ret_look is written in any case. */
bool glibc_looks_like_cache(const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout,
	hc_address address, glibc_cache_look *ret_look);

/* ---- glibc_thread_arenas.c ---- */

void glibc_attach_threads(glibc *g);

/* ---- glibc_check.c ---- */

void glibc_check(const hc_heap *heap, const hc_blocks *blocks, GArray *damage);

/* ---- glibc_labels.c ---- */

void glibc_label_blocks(glibc *g, hc_block_table *table);
