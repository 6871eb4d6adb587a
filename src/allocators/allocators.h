/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of allocators/, and the contract between an allocator and the blocks stage.
 *
 * An allocator knows where its memory is and how to find the blocks in it. The blocks stage owns the index of all blocks and
 * calls, in this order:
 *
 *	open      finds the allocator's state in the core: fills an hc_heap with arenas and regions. A core without this
 *		  allocator is not an error: heap->info.found stays FALSE.
 *	divide	  for a long region: where it may be walked by several threads, in parts of about SIZE bytes. Appends to PARTS, of
 *		  hc_walk_part; the sink is the one that walk will have.
 *	walk_part once for each part, from several threads at the same time: walks it ahead.
 *	walk      once for each region, from several threads at the same time, when its parts were walked: reports each chunk to
 *		  the sink, in order of address, without gaps between the region's `start` and `end`. PARTS, if not NULL, are what
 *		  divide gave. They save time; what is reported does not depend on them.
 *	classify  once, when every block can be looked up by address: follows free lists and caches, sets the states that chunk
 *		  headers do not show, and labels the blocks that belong to libc or a language runtime. Completes heap->arenas.
 *	check	  only if it is asked for, after classify: holds all of the heap against what the allocator would have left there, and
 *		  appends to DAMAGE, of hc_damage, a place for each word that differs. What the core lacks is no damage.
 *	close	  frees heap->private.
 *
 * Contradictions in the dump are counted in the diagnostics; the allocator goes on with what it has. It never trusts a
 * count, a pointer or a size from the dump without a bound.
 *
 *	allocators.c	the table of allocators that are read
 *	glibc.h		glibc's malloc, with a list of its files
 *	foreign.c	which allocator serves the program, if it is none of these
 *	thread_blocks.c	thread control blocks by their look, from which caches and arenas are found
 *
 * To add one: a file family of its own here, an hc_allocator object declared below, and a line in the table in allocators.c.
 */
#pragma once

#include <heapcore/blocks.h>
#include <heapcore/check.h>

#include "base/diagnostics.h"
#include "modules/modules.h"

/* A stretch of memory that the allocator divides into chunks. Regions are sorted by address and disjoint. */
typedef struct hc_region {
	hc_address outer_start, outer_end; /* all that is the allocator's: heap_info and malloc_state included */
	hc_address start, end;		   /* its chunks: the first chunk's beginning, and the last one's end */
	hc_address top;			   /* the top chunk if it lies here, else 0 */
	uint32_t arena;			   /* index; HC_ARENA_NONE: an mmapped chunk */
	hc_address reserved_end;	   /* end of address space that is set aside for it (thread heaps); 0: none */
	bool is_mmapped;		   /* exactly one block, and no others */
	hc_address block;		   /* mmapped: the user memory ... */
	uint64_t block_size;		   /* ... and its usable size */
} hc_region;

/* A block in a thread's cache. */
typedef struct hc_cached_block {
	hc_address address; /* user memory */
	int64_t thread;	    /* 0: of a thread that is not in this process any more, or not known */
} hc_cached_block;

typedef struct hc_heap {
	hc_heap_info info;
	GArray *arenas;	 /* of hc_arena */
	GArray *regions; /* of hc_region; the blocks stage sorts them after open() */
	GArray *states; /* of hc_range: the allocator's own variables outside its regions (main_arena, mp_): never roots */
	GArray *thread_blocks; /* hc_allocators_find_thread_blocks(), which the blocks stage calls before classify() */
	GArray *cached;	       /* of hc_cached_block, sorted by address, each once: classify() fills it */
	void *private;
} hc_heap;

/* Where walk() puts the chunks of one region. The blocks stage owns the memory; it is sized for the smallest chunks. */
typedef struct hc_block_sink {
	hc_address base;	/* of granule 0: a multiple of the granule */
	unsigned granule_shift; /* log2 of the alignment of blocks */
	uint64_t *starts;	/* bit set: a block's user memory (or a pseudo-block) begins at that granule */
	uint8_t *states;	/* hc_block_state of each block, in order */
	uint32_t count;		/* blocks so far */
	uint64_t chunk_bytes[HC_BLOCK_STATE_COUNT]; /* by state */
	uint64_t blocks[HC_BLOCK_STATE_COUNT];
	bool complete; /* walked to the end without a contradiction */
} hc_block_sink;

/*
 * A part of a region that is walked ahead: a stretch of its sink. Bits of the words from `floor` to `limit` are this part's, until walk() took
 * it or dropped it.
 */
typedef struct hc_walk_part {
	hc_address start;	 /* of the first chunk, as was guessed */
	hc_address floor, limit; /* a chunk in between has its bit in this part's words */
	hc_block_sink sink;
	hc_address at, last; /* where it ended, and the last chunk before that */
	GArray *notes;	     /* the allocator's; NULL: not walked yet, or not needed any more */
} hc_walk_part;

/* Looking up and changing blocks in classify(). */
typedef struct hc_block_table hc_block_table;

typedef struct hc_block_entry {
	uint32_t region;
	uint32_t index; /* within the region */
	uint32_t arena;
	hc_block_state state;
	hc_address address; /* user memory */
	uint64_t chunk_size;
	uint64_t size;	      /* usable */
	const uint8_t *bytes; /* the user memory, if all of its region is one piece of the core; else NULL */
} hc_block_entry;

/* The block that begins exactly at ADDRESS. FALSE if there is none; pseudo-blocks are not found. */
bool hc_block_table_find(const hc_block_table *table, hc_address address, hc_block_entry *ret_entry);

/* The block whose usable bytes hold ADDRESS. */
bool hc_block_table_find_inside(const hc_block_table *table, hc_address address, hc_block_entry *ret_entry);

/* Moves a block to another state and keeps the totals. */
void hc_block_table_set_state(hc_block_table *table, hc_block_entry *entry, hc_block_state state);

/* Labels a block in use as libc's or a runtime's. The first label stays. */
void hc_block_table_label(hc_block_table *table, const hc_block_entry *entry, hc_label label);

/* Whether the block has a label. */
bool hc_block_table_is_labelled(const hc_block_table *table, const hc_block_entry *entry);

/* Bytes of whole chunks in STATE of ARENA (index or HC_ARENA_NONE), and their number, as they are now. */
hc_amount hc_block_table_amount(const hc_block_table *table, uint32_t arena, hc_block_state state);

/* True if all regions of ARENA were walked to their end. */
bool hc_block_table_is_complete(const hc_block_table *table, uint32_t arena);

/* Calls VISIT for each block of STATE and usable SIZE; stops early when it returns FALSE. */
void hc_block_table_each(const hc_block_table *table, hc_block_state state, uint64_t minimum_size,
	uint64_t maximum_size, bool (*visit)(const hc_block_entry *entry, void *data), void *data);

typedef struct hc_allocator {
	const char *name;
	void (*open)(hc_heap *heap, const hc_core *core, hc_modules *modules, hc_diagnostics *diagnostics);
	void (*divide)(
		const hc_heap *heap, const hc_region *region, const hc_block_sink *sink, uint64_t size, GArray *parts);
	void (*walk_part)(const hc_heap *heap, const hc_region *region, hc_walk_part *part);
	void (*walk)(const hc_heap *heap, const hc_region *region, GArray *parts, hc_block_sink *sink);
	void (*classify)(hc_heap *heap, hc_block_table *table);
	void (*check)(const hc_heap *heap, const hc_blocks *blocks, GArray *damage);
	void (*close)(hc_heap *heap);
} hc_allocator;

extern const hc_allocator hc_allocator_glibc;

/*
 * Opens the first allocator of the table that finds its state in CORE; if none does, HEAP has what the last one says of why.
 * HEAP's arrays are empty, info.provider and info.foreign are set. The one that is returned closes it.
 */
const hc_allocator *hc_allocators_open(
	hc_heap *heap, const hc_core *core, hc_modules *modules, hc_diagnostics *diagnostics);

/* Bytes of the heap whose chunks could not be followed. */
extern const hc_diagnostic_kind hc_heap_unreadable;

/*
 * The allocator other than glibc's that serves this program, from the module that the program's malloc comes from and from
 * well-known symbols: "jemalloc", "tcmalloc", "mimalloc", ...; NULL if none is known. *ret_provider is the module that malloc
 * comes from, or NULL.
 */
const char *hc_allocators_foreign(hc_modules *modules, const hc_module **ret_provider);

/*
 * Thread control blocks that libc set up, found by their own addresses in them (the ABI's self pointers): those of live
 * threads and those that no live thread owns: of ended threads whose stacks libc keeps, and in a forked child of the
 * parent's other threads. Sorted GArray of hc_address. Machines without self pointers give the live threads' only. Memory in
 * REGIONS (of hc_region, sorted) is not searched: libc gets stacks by mmap.
 */
GArray *hc_allocators_find_thread_blocks(const hc_core *core, const GArray *regions);
