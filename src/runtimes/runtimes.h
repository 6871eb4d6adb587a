/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of runtimes/: whose private mappings are that malloc never saw.
 *
 * A virtual machine, an interpreter or another allocator takes memory by mmap() and keeps books of it. These books are in the core. What
 * they say is taken for a proof only if memory says the same in return: the VM's own table of where its heap is; a page of objects whose
 * header leads to a record that leads back to the page; an extent that a tree tells of an address, and that says that address of itself.
 * Names that the kernel has for mappings (PR_SET_VMA_ANON_NAME) are the process's own words. What rests on less is "probably".
 *
 * One file a runtime: its books, where the facts come from, and what is compared. All of them are asked only if a module of the
 * process can have such a runtime in it, so a process without any pays for a look at the names of its modules.
 *
 *	runtimes.c	the list of ranges, and who is asked
 *	looking.c	how books are read
 *	names.c		names that the kernel has for mappings
 *	java.c		HotSpot's heap and its compiled code
 *	v8.c		V8's pages of objects
 *	go.c		Go's heap
 *	python.c	CPython's arenas of small objects
 *	python_pools.c	... and the objects in them, one by one
 *	ruby.c		Ruby's pages of objects
 *	php.c		PHP's chunks
 *	luajit.c	LuaJIT's segments
 *	jemalloc.c	jemalloc's extents
 *	runtimes_state.h	what these share
 */
#pragma once

#include <heapcore/areas.h>

#include "modules/modules.h"

/* Memory of a runtime's. Parts of it may be no memory: reserved, or given back. */
typedef struct hc_runtime_range {
	hc_address start, end;
	hc_runtime_use use;
} hc_runtime_range;

/*
 * Memory that a runtime has cut into objects of one size, where its books tell so, and agree: a header, and objects, those that are in use and
 * those that are not. What stands in these last is left over, or leads to the next that is free.
 */
typedef struct hc_runtime_page {
	hc_address start, objects, end; /* of the header; of the first object; of the last */
	hc_address unused;		/* from there on none is in use */
	uint32_t size;			/* bytes of an object */
	uint32_t first_free, free_count; /* those before that are free: hc_runtimes_free_objects() */
} hc_runtime_page;

enum {
	HC_RUNTIME_LINKS = 16 /* bytes of a collector's two links */
};

typedef struct hc_runtimes hc_runtimes;

/* FOREIGN: what serves the program in place of glibc's malloc, or NULL; it must outlive the runtimes, as CORE and MODULES must. */
hc_runtimes *hc_runtimes_create(const hc_core *core, hc_modules *modules, const char *foreign);
void hc_runtimes_destroy(hc_runtimes *runtimes);

/* In order of address, disjoint. Their names belong to the runtimes. */
unsigned hc_runtimes_count(const hc_runtimes *runtimes);
const hc_runtime_range *hc_runtimes_get(const hc_runtimes *runtimes, unsigned index);

/* In order of address, disjoint. */
unsigned hc_runtimes_page_count(const hc_runtimes *runtimes);
const hc_runtime_page *hc_runtimes_page(const hc_runtimes *runtimes, unsigned index);

/* PAGE's free objects in front of `unused`, by their numbers, in order; `free_count` of them. */
const uint16_t *hc_runtimes_free_objects(const hc_runtimes *runtimes, const hc_runtime_page *page);

/*
 * Where the collector's links stand, HC_RUNTIME_LINKS bytes, in the OBJECT in use of SIZE bytes, of such a page; 0: it has none. They lead to
 * other objects, whoever uses them.
 */
hc_address hc_runtimes_links(const hc_runtimes *runtimes, hc_address object, uint64_t size);

/* The module that malloc comes from, if that is another allocator's; else NULL. */
const hc_module *hc_runtimes_provider(const hc_runtimes *runtimes);
