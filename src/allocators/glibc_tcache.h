/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between following the lists of thread caches (glibc_tcache.c) and making good for those that break (glibc_tcache_broken.c). */
#pragma once

#include "allocators/glibc.h"

/*
 * The word that most first blocks of the lists of a cache of LAYOUT at CACHE have where cached
 * blocks have their key; 0 also if there is none.
 */
uint64_t glibc_commonest_key(const glibc *g, const glibc_tcache_layout *layout, hc_address cache);

/* How many lists of the cache have a first block with what may be malloc's key. */
unsigned glibc_count_keyed(const glibc *g, const glibc_tcache_layout *layout, hc_address cache);

/* Whether the block at ADDRESS is in use, and of the size of a cache of LAYOUT. */
bool glibc_is_cache_sized(
	const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout, hc_address address);

/* ---- glibc_tcache_damaged.c ---- */

/* FALSE: this malloc has no caches, or puts nothing into them. */
bool glibc_may_have_caches(const glibc *g);

/* The first blocks of all arenas, where to 2.41 a thread's cache is: a set of guint64. Free with g_hash_table_unref(). */
GHashTable *glibc_first_blocks(const glibc *g);

/* Whether one of FIRSTS has the size of a cache. */
bool glibc_lacks_cache(const glibc *g, const hc_block_table *table, GHashTable *firsts);

/* As glibc_looks_like_cache(), of a block that a thread leads to, and that the program may have written into. */
bool glibc_may_be_damaged_cache(const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout,
	hc_address address, GHashTable *firsts, glibc_cache_look *ret_look);

/* ---- the others ---- */

/*
 * Those of CACHES (of hc_address) that data of modules or blocks in use have pointers to: a set of
 * guint64. Free with g_hash_table_unref(). Reads all of both.
 */
GHashTable *glibc_find_pointed(
	const glibc *g, const hc_block_table *table, const glibc_tcache_layout *layout, const GArray *caches);

/* A list that ended before its cache's own count. */
typedef struct glibc_broken_list {
	hc_address cache;
	int bin;
	int64_t thread;		 /* as in hc_cached_block */
	uint64_t found, missing; /* blocks */
} glibc_broken_list;

/*
 * Looks for the blocks that LISTS (of glibc_broken_list) do not lead to: blocks of the same size that carry KEY (0: not known; to 2.33 it
 * is the address of their cache), and takes them for cached. Says what it found and what not.
 */
void glibc_take_missing(glibc *g, hc_block_table *table, const GArray *lists, uint64_t key);
