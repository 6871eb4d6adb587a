/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The heap: which allocator it is, its arenas, and every block by number and by address.
 *
 * A block is what one call of malloc returned: its `address` is the user memory, its `size` what malloc_usable_size()
 * would say. The chunk behind it (header and all) is the allocator's view. Blocks are numbered from 0 in the order of
 * their addresses; numbers are dense, so that tables about blocks are plain arrays.
 */
#pragma once

#include <heapcore/modules.h>

HC_BEGIN_DECLS

typedef enum {
	HC_BLOCK_IN_USE,
	HC_BLOCK_TCACHE,  /* freed, in a thread's cache; its chunk looks in use */
	HC_BLOCK_FASTBIN, /* freed, in a fastbin; its chunk looks in use */
	HC_BLOCK_UNSORTED,
	HC_BLOCK_SMALL,
	HC_BLOCK_LARGE,
	HC_BLOCK_TOP,	   /* the wilderness at the end of an arena */
	HC_BLOCK_UNLISTED, /* free by its flags, but in no list: a heap that was caught in mid-operation, or is corrupt */
	HC_BLOCK_FENCEPOST,  /* the allocator's own end marks; never handed out */
	HC_BLOCK_FOREIGN,    /* not a chunk: memory inside the heap that somebody else got from sbrk() */
	HC_BLOCK_UNREADABLE, /* not a chunk: bytes of the heap that could not be followed (cut off or corrupt) */
	HC_BLOCK_STATE_COUNT,
} hc_block_state;

/* "in use", "tcache", "fastbin", "unsorted", "small", "large", "top", "unlisted", "fencepost", "foreign", "unreadable". */
const char *hc_block_state_name(hc_block_state state);

/* Reads such a name ("in-use" and "in_use" too). FALSE if it is none. */
bool hc_block_state_parse(const char *text, hc_block_state *ret_state);

enum {
	HC_ARENA_NONE = UINT32_MAX
}; /* of mmapped blocks */

typedef struct hc_arena {
	unsigned index;		    /* 0 is the main arena; the others in the order of the arenas' ring */
	hc_address address;	    /* of its malloc_state */
	bool contiguous;	    /* the main arena only: grows by sbrk without gaps of its own making */
	uint64_t system_memory;	    /* bytes that it got from the system, as malloc counts them */
	uint64_t max_system_memory; /* the most it ever had */
	hc_address top;		    /* its top chunk; 0 if it never had one */
	unsigned heap_count;	    /* regions: 1 for a contiguous main arena, heaps for a thread's */
	uint64_t attached_threads;  /* as malloc counts them; glibc 2.23 on */
	const unsigned *threads;    /* indices (hc_core_thread) of the threads that use it now */
	unsigned thread_count;
	bool consistent; /* walked to its end, bins agree with flags, sizes add up to system_memory */
} hc_arena;

/* A number of blocks and their bytes. */
typedef struct hc_amount {
	uint64_t blocks;
	uint64_t bytes;
} hc_amount;

/* Whether glibc's heap was read, and if not, why. */
typedef enum {
	HC_HEAP_READ,
	HC_HEAP_ABSENT,	     /* there is none in the process, as far as the core tells, and the core is whole */
	HC_HEAP_UNUSED,	     /* glibc's malloc is in the process, but has no heap of its own */
	HC_HEAP_MISSING,     /* the core lacks memory that it is found by, or the heap itself */
	HC_HEAP_UNSUPPORTED, /* of a machine that this version does not read */
	HC_HEAP_STATE_COUNT,
} hc_heap_state;

typedef struct hc_heap_info {
	const char *allocator; /* "glibc malloc" */
	const char *version;   /* "2.36"; NULL if no readable text tells */
	const char *layout;    /* where the layout of malloc's structures comes from, one clause */
	bool layout_from_debug_info;
	bool safe_linking;	 /* list pointers are mangled (glibc 2.32 and back-ports) */
	const char *library;	 /* name of the module that holds main_arena; NULL if not found */
	const char *provider;	 /* name of the module whose malloc the program calls; NULL if unknown */
	const char *foreign;	 /* the other allocator that serves this program ("jemalloc"), or NULL */
	bool found;		 /* glibc's malloc state was found and is in use; FALSE: there are no blocks */
	hc_heap_state state;	 /* HC_HEAP_READ if FOUND */
	uint64_t mmapped_count;	 /* mp_.n_mmaps: malloc's own count of mmapped chunks */
	uint64_t mmapped_bytes;	 /* mp_.mmapped_mem */
	bool mmapped_known;	 /* the two above could be read */
	uint64_t alignment;	 /* of blocks: 16, or 8 */
	bool thresholds_known;	 /* those below could be read (mp_) */
	uint64_t trim_threshold; /* M_TRIM_THRESHOLD: the top is given back from this size on */
	uint64_t top_pad;	 /* M_TOP_PAD: what is left of it then */
	uint64_t mmap_threshold; /* M_MMAP_THRESHOLD: requests from this size on are mmapped */
	uint64_t trim_unit;	 /* the main arena's top is given back in multiples of it; 0: of pages */
	bool thresholds_move;	 /* nobody set them: they rise with the largest mmapped block that was freed */
} hc_heap_info;

/* What a block is that the program did not ask for: libc's, the dynamic linker's, or a language runtime's. */
typedef enum {
	HC_LABEL_NONE,
	HC_LABEL_TCACHE,	 /* a thread's cache of freed blocks */
	HC_LABEL_TCACHE_ORPHAN,	 /* one that no thread leads to */
	HC_LABEL_DTV,		 /* where a thread has the thread-local storage of modules */
	HC_LABEL_THREAD_LOCAL,	 /* thread-local storage */
	HC_LABEL_LINK_MAP,	 /* ld.so's entry of a library */
	HC_LABEL_LIBRARY_NAME,	 /* the name in it */
	HC_LABEL_LOADED_OBJECTS, /* ld.so's table of them, for _dl_find_object() */
	HC_LABEL_STREAM,	 /* stdio's FILE */
	HC_LABEL_STREAM_BUFFER,
	HC_LABEL_EXCEPTION_POOL, /* libstdc++'s emergency pool */
	HC_LABEL_KIND_COUNT,
} hc_label_kind;

typedef struct hc_label {
	hc_label_kind kind;
	int64_t thread; /* id of the one that it belongs to; 0: it has ended, or the kind is of no thread */
} hc_label;

/* Whether the contents of a block with LABEL must not keep others alive: a cache's entries are freed blocks. */
static inline bool hc_label_is_cache(const hc_label *label)
{
	return label->kind == HC_LABEL_TCACHE || label->kind == HC_LABEL_TCACHE_ORPHAN;
}

typedef struct hc_blocks hc_blocks;

typedef struct hc_block {
	uint32_t number;
	hc_block_state state;
	hc_address address;    /* user memory */
	uint64_t size;	       /* usable bytes */
	uint64_t chunk_size;   /* with the allocator's header; for an mmapped block the whole mapping */
	uint32_t arena;	       /* index, or HC_ARENA_NONE: mmapped */
	const hc_label *label; /* NULL: it is the program's. Equal labels are one object, which the index owns */
} hc_block;

const hc_heap_info *hc_blocks_heap(const hc_blocks *blocks);
unsigned hc_blocks_arena_count(const hc_blocks *blocks);
const hc_arena *hc_blocks_arena(const hc_blocks *blocks, unsigned index);

/* Of all states, those that are no chunks included. */
uint32_t hc_blocks_count(const hc_blocks *blocks);

/* The block with that number; FALSE if there is none. O(log n). */
bool hc_blocks_get(const hc_blocks *blocks, uint32_t number, hc_block *ret_block);

/*
 * The block whose usable bytes hold ADDRESS (interior addresses too), of any state. FALSE if it is in none: outside the
 * heap, or in a chunk's header. Constant time.
 */
bool hc_blocks_find(const hc_blocks *blocks, hc_address address, hc_block *ret_block);

/*
 * All blocks in order of address, faster than hc_blocks_get() for each:
 *	hc_block_iterator i; hc_block_iterator_init(&i, blocks); while (hc_block_iterator_next(&i, &block)) ...
 */
typedef struct hc_block_iterator {
	const hc_blocks *blocks;
	uint32_t region;
	uint32_t number;
	uint64_t granule;
} hc_block_iterator;
void hc_block_iterator_init(hc_block_iterator *iterator, const hc_blocks *blocks);
bool hc_block_iterator_next(hc_block_iterator *iterator, hc_block *ret_block);

/*
 * Blocks and *usable* bytes of one state in one arena (HC_ARENA_NONE: mmapped; ARENA_ALL: everywhere). For free states the
 * bytes are of whole chunks: that is what malloc_info() adds up and what the memory table shows.
 */
enum {
	HC_ARENA_ALL = UINT32_MAX - 1
};
hc_amount hc_blocks_amount(const hc_blocks *blocks, uint32_t arena, hc_block_state state);

/* All free memory, what threads cache and the tops included. */
static inline hc_amount hc_blocks_free_amount(const hc_blocks *blocks, uint32_t arena)
{
	hc_amount sum = { 0, 0 };

	for (int state = HC_BLOCK_TCACHE; state <= HC_BLOCK_UNLISTED; state++) {
		hc_amount amount = hc_blocks_amount(blocks, arena, (hc_block_state)state);

		sum.blocks += amount.blocks;
		sum.bytes += amount.bytes;
	}
	return sum;
}

/* Blocks in use that carry a label, i.e. are libc's or the runtime's own. Part of HC_BLOCK_IN_USE above. */
hc_amount hc_blocks_labelled(const hc_blocks *blocks, uint32_t arena);

/* Bytes of the heap's regions that are in no block: headers, malloc_state, heap_info, alignment gaps, fenceposts. */
uint64_t hc_blocks_overhead(const hc_blocks *blocks);

/* How much of the free memory lies in whole pages. All in bytes. */
typedef struct hc_free_pages {
	uint64_t whole; /* pages wholly inside free memory (bins, fastbins merged with their neighbours, tops) */
	/*
	 * ... of these, given back already, or never touched: those that were neither resident nor swapped out, or, where that is not
	 * known (hc_core_knows_resident()), those that are all zero in the core.
	 */
	uint64_t zero;
	uint64_t trim;	    /* what malloc_trim(0) would release: as `whole`, without the tops of thread arenas */
	uint64_t trim_zero; /* ... of these, given back already: releasing them again gains nothing */
	uint64_t largest;   /* the longest run of free chunks */
} hc_free_pages;

/* What malloc_trim(0) would give back to the system, in bytes. */
static inline uint64_t hc_free_pages_gain(const hc_free_pages *pages)
{
	return pages->trim - MIN(pages->trim, pages->trim_zero);
}
void hc_blocks_free_pages(const hc_blocks *blocks, uint32_t arena, hc_free_pages *ret_pages); /* or HC_ARENA_ALL */

HC_END_DECLS
