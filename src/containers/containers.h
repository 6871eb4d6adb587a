/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of containers/: descriptions of containers (data files), and the one walker that reads them.
 *
 *	description (a group of a key file)  --for a type: compiled once-->  layout  --for an address-->  walk
 *
 * Each of these files uses only what stands above it (but compile.c, keys.c and functions.c, which
 * are one):
 *
 *	reader.c	address -> bytes, and whether a live block holds them
 *	expression.c	text -> tree
 *	compile.c	tree + type -> program: keys.c, functions.c (compiler.h)
 *	description.c	key files -> descriptions and annotations
 *	layout.c	which description fits a type, and its programs
 *	encoded.c	whether a container may hold what no word leads to
 *	evaluate.c	program + object -> number
 *	walker.c	what all walks share (walker.h)
 *	walk_rows.c	one walk: elements in a row
 *	walk_objects.c	... one object, or none
 *	walk_nodes.c	... tree, buckets, slots (walk_nodes.h)
 *	walk_chains.c	... linked, one or many at once
 *	walk.c		... of whatever kind the description says
 *	record.c	walks that are kept, made by any thread
 *	straight.c	many containers of one layout (straight.h)
 *	straight_rows.c	... whose elements lie in a row, and are not visited
 *	straight_trees.c	... that are small trees
 *	straight_objects.c	... that are smart pointers
 *	fill.c		how full a hash table is, and how its elements share buckets
 *	deduce.c	what the elements of a list are, whose links do not tell it
 *	containers.c	the set, and walks as others ask for them
 *
 * Nothing about a container is compiled in but the kinds of walk. Descriptions are matched by the type's template name or by
 * its shape (member names). All offsets, sizes and constant expressions are worked out when the layout is made; a walk reads
 * memory only.
 */
#pragma once

#include <heapcore/blocks.h>
#include <heapcore/debuginfo.h>
#include <heapcore/types.h>

#include "base/diagnostics.h"

typedef struct hc_container_set hc_container_set;

/*
 * The descriptions for the process whose MODULES and BLOCKS these are; both must outlive the result. One thread at a time.
 * Made by JOBS threads. Empty at first: add files, those of the user before the installed ones (the first that fits wins).
 */
hc_container_set *hc_container_set_create(
	hc_variables *variables, const hc_blocks *blocks, unsigned jobs, hc_diagnostics *diagnostics);
void hc_container_set_destroy(hc_container_set *set);

/* What ADDRESS, if it is in the heap, leads to will be asked for in the index of blocks; and its contents will be read. */
void hc_container_set_prefetch(const hc_container_set *set, hc_address address, bool with_contents);

/* Fails with HC_ERROR_IO, or HC_ERROR_BAD_DATA with file, group, key and column of the mistake. */
bool hc_container_set_add_file(hc_container_set *set, const char *path, GError **error);

/* All *.containers files of a directory, by name. A directory that is not there is no error. */
bool hc_container_set_add_directory(hc_container_set *set, const char *path, GError **error);

/* The same of one that nobody asked for: what may not be read there is counted among the diagnostics, and only a mistake is an error. */
bool hc_container_set_add_users_directory(hc_container_set *set, const char *path, GError **error);

typedef enum {
	HC_WALK_CONTIGUOUS,
	HC_WALK_SEGMENTED,
	HC_WALK_LINKED,
	HC_WALK_TREE,
	HC_WALK_BUCKETS,
	HC_WALK_SLOTS,
	HC_WALK_SINGLE,
	HC_WALK_VARIANT,
	HC_WALK_ERASED,
	HC_WALK_MEMBER, /* is what its first member is: that one's layout stands for it */
	HC_WALK_KIND_COUNT,
} hc_walk_kind;

const char *hc_walk_kind_name(hc_walk_kind kind); /* "contiguous", ... as in the files */

/* A description made ready for one type. */
typedef struct hc_layout hc_layout;

/*
 * The layout for TYPE, or NULL if no description fits it; of no type (a shape has none), too. Kept, NULL too. NAME of the variable or "struct.member" for
 * annotations of the user's (which give void pointers a type); may be NULL. TYPE may be a pointer: a GList *, and an element
 * that a hash table of uthash starts at, are containers; so is what was only declared (struct _GHashTable). Ask with the NAME
 * for members of structs: the links of a list are not lists themselves.
 */
const hc_layout *hc_container_set_layout(hc_container_set *set, const hc_type *type, const char *name);

hc_walk_kind hc_layout_kind(const hc_layout *layout);
const char *hc_layout_description(const hc_layout *layout); /* the group's name: "libstdc++ vector" */
const hc_type *hc_layout_type(const hc_layout *layout);	    /* the container's */
const hc_type *hc_layout_element(
	const hc_layout *layout); /* NULL: not known (void pointers), or by object (erased, variant) */

/* What elements, as keys, are mapped to, where that is not a part of the element (GHashTable, GTree); NULL: nothing, or not known. */
const hc_type *hc_layout_mapped(const hc_layout *layout);

/* Where an element stands in a node, from its beginning. FALSE: there are no nodes, or it differs from one to the other. */
bool hc_layout_element_offset(const hc_layout *layout, uint64_t *ret_offset);

/*
 * The container holds pointers, and the elements are what these lead to: memory that is not its own. (Without an annotation
 * the pointers are the elements.)
 */
bool hc_layout_by_pointer(const hc_layout *layout);

/* Whether a container of LAYOUT may hold memory that no word leads to, as its description computes addresses. */
bool hc_layout_is_encoding(const hc_layout *layout);
bool hc_layout_is_guess(const hc_layout
		*layout); /* matched by the shape of its members, not by its name: accepted by its invariants only */
bool hc_layout_is_string(const hc_layout *layout); /* characters that the program means as text */
bool hc_layout_is_view(const hc_layout *layout);   /* refers to elements of others: to be shown, but it holds nothing */
bool hc_layout_is_keyed(
	const hc_layout *layout); /* elements are found by what they are: trees, hash tables, chains with an index */
bool hc_layout_is_queue(const hc_layout *layout); /* elements go in and out at ends: lists, segments, rings */

typedef enum {
	HC_MEMORY_BUFFER, /* holds elements, or room for them */
	HC_MEMORY_NODE,	  /* one element and links */
	HC_MEMORY_INDEX,  /* bucket arrays, deque's map, control blocks */
} hc_memory_role;

typedef struct hc_walk {
	hc_grade grade;
	const char *
		reason; /* of a grade that is not exact, one clause: "_M_finish is before _M_start"; belongs to the set */
	uint64_t claimed; /* elements, by the container's own count; UINT64_MAX if it keeps none */
	uint64_t walked;
	uint64_t capacity;	/* elements there is room for without allocating; UINT64_MAX: no such thing */
	uint64_t element_size;	/* bytes; 0: unknown, or bits */
	unsigned element_bits;	/* of elements that are bits, in a row; else 0 */
	bool is_inline;		/* small buffer: elements are within the object */
	bool is_proved;		/* what was checked could not have held by chance */
	bool is_shared;		/* counted by reference, and more than one refer to it */
	const hc_type *element; /* as hc_layout_element(), but of this object */
	/* Of buckets and slots; of lists with buckets only the first two, and only if the visitor wants them. */
	hc_address fronts; /* of a list: a table of words, the node in front of the first of each bucket, or 0 */
	uint64_t buckets, used_buckets;
	uint64_t longest, sharing; /* most elements of one bucket; those that are not alone in theirs */
} hc_walk;

/*
 * Called while walking; each may be NULL. ELEMENT: at ADDRESS (within the object itself for small buffers); return FALSE to
 * stop being called (the walk goes on, to count). MAPPED: the same for what the element, as a key, is mapped to: of type
 * hc_layout_mapped(), right after its ELEMENT. MEMORY: what the container owns beside its object, as the range that it
 * needs; the caller decides which block that is. It may be called for static memory, too. A walk whose grade turns out
 * implausible may have called them before. While they are called, *ret_walk already tells what is known so far: `element` too.
 */
typedef struct hc_walk_visitor {
	bool (*element)(hc_address address, uint64_t index, void *data);
	bool (*mapped)(hc_address address, uint64_t index, void *data);
	void (*memory)(hc_address address, uint64_t size, hc_memory_role role, void *data);
	void *data;
	bool wants_fronts; /* a list's table of buckets is asked for */
	bool takes_bits; /* `element` is called for bits, too: ADDRESS is that of the byte that number INDEX * element_bits is in */
	uint64_t
		limit; /* elements in nodes, slots or segments after which the walk ends, graded by what it met; 0: none */
} hc_walk_visitor;

/*
 * The layout of the container at ADDRESS, if its elements' type is to be found in memory: that of a list_head, whose links lead to
 * links (`deduce = true`). LAYOUT itself if there is nothing to find, or nothing that fits. *ret_certainty: of the elements' type.
 */
bool hc_layout_deduces(const hc_layout *layout); /* whether there is anything to find */
const hc_layout *hc_layout_deduce(const hc_layout *layout, hc_address address, hc_certainty *ret_certainty);

/* Walks the container of LAYOUT at ADDRESS. Ends always: by the claimed count, a circle, the heap's end, or the set's budget. */
void hc_layout_walk(const hc_layout *layout, hc_address address, const hc_walk_visitor *visitor, hc_walk *ret_walk);

/* The same without a visitor: elements in a row are not looked at one by one. */
void hc_layout_measure(const hc_layout *layout, hc_address address, hc_walk *ret_walk);

/*
 * How full the hash table of LAYOUT at ADDRESS is. FALSE if it is none, or a walk through it was not exact. With ONLY_USED a list with buckets is
 * not walked: `is_shared_known` is FALSE.
 */
bool hc_layout_fill(const hc_layout *layout, hc_address address, bool only_used, hc_table_fill *ret_fill);

/* ---- walks that are kept: record.c ---- */

/* Whether walks through LAYOUT ask nobody but memory, so that any thread can make them, as long as no file is added to the set. */
bool hc_layout_is_pure(const hc_layout *layout);

/* Memory for walks of one process, of one thread: reader.h. */
typedef struct hc_reader hc_reader;

/* ADDRESS, or what the word there leads to, will be read soon, and asked for in the index of blocks. */
void hc_reader_fetch(hc_reader *reader, hc_address address);
void hc_reader_fetch_target(hc_reader *reader, hc_address address);

/* The SIZE bytes at ADDRESS, some few, will be read soon; not asked for in the index. */
void hc_reader_fetch_bytes(hc_reader *reader, hc_address address, uint64_t size);

/* The word at ADDRESS. */
bool hc_reader_load(hc_reader *reader, hc_address address, uint64_t *ret_value);

/* How many elements the container at ADDRESS claims, if it is sound itself and keeps a count; else 0. Of a pure layout. */
uint64_t hc_layout_count(const hc_layout *layout, hc_address address, hc_reader *reader);

/* The set's own, for the thread that uses the set; and one for another thread. Free that with g_free(), before the set. */
hc_reader *hc_container_set_reader(hc_container_set *set);
hc_reader *hc_container_set_new_reader(const hc_container_set *set);

/* Bytes that walks may still look at; and that a kept one, which is made use of, did look at. FALSE: so many are not left. */
uint64_t hc_container_set_budget(const hc_container_set *set);
bool hc_container_set_charge(hc_container_set *set, uint64_t bytes);

/* How much memory records may have together, and have. */
typedef struct hc_record_room {
	uint64_t held, most; /* bytes; `held` is changed by all threads */
	bool needs_blocks;   /* walks that meet pieces in no block are not kept: somebody asks for these */
} hc_record_room;

/* Pieces of what a container owns, of one role and one size, one after the other. */
typedef struct hc_piece_run {
	hc_address address; /* of the first */
	uint64_t size;	    /* bytes that the container needs of each */
	uint64_t count;
	hc_memory_role role;
} hc_piece_run;

typedef struct hc_address_list {
	hc_address *addresses;
	uint64_t count, room;
} hc_address_list;

/* What of a container's elements, and what these are mapped to, is kept. */
typedef struct hc_record_wants {
	bool element, mapped;
} hc_record_wants;

/*
 * One walk. The caller tells the first three, the walk the rest. If it `failed` it is as if it had never been made: the container is in a
 * register, or there was no memory.
 */
typedef struct hc_walk_record {
	const hc_layout *layout;
	hc_address address;
	hc_record_wants wants;
	bool failed;
	hc_walk walk;
	uint64_t charged;	  /* bytes that it looked at */
	hc_address first_element; /* 0: it has none */
	hc_piece_run *runs;
	uint64_t run_count, run_room;
	uint32_t *numbers; /* of the blocks of all pieces that are in one */
	uint64_t number_count, number_room;
	uint64_t *offsets; /* of the first OFFSET_COUNT pieces in their blocks; those behind begin with their block */
	uint64_t offset_count, offset_room;
	hc_address_list lists[2]; /* elements; what they are mapped to */
	uint64_t held;		  /* bytes */
	hc_record_room *room;	  /* or NULL */
} hc_walk_record;

/* ROOM, or NULL, must outlive it. Reset: for another walk. */
void hc_walk_record_init(hc_walk_record *record, hc_record_room *room);
void hc_walk_record_reset(hc_walk_record *record);
void hc_walk_record_clear(hc_walk_record *record);

/* Walks RECORD's container with READER, a thread's own: no farther than BUDGET bytes. Its layout is pure. */
void hc_walk_record_make(hc_walk_record *record, hc_reader *reader, uint64_t budget);

/* The same for COUNT of them; lists among them make their steps in turn. */
void hc_walk_record_make_all(hc_walk_record *records, unsigned count, hc_reader *reader, uint64_t budget);

/* ---- many rows: straight_rows.c ---- */

/* For walks of containers of one layout, whose elements lie in a row and are not visited: of one thread. */
typedef struct hc_row_walks hc_row_walks;

/* What one of these was found to be. */
typedef struct hc_row_found {
	const hc_walk *walk; /* until the next one is made; its grade is exact */
	uint64_t charged;    /* bytes that a walk would have looked at */
	uint64_t bytes;	     /* of its row, a buffer's, which begins the block NUMBER; 0: it has none of its own */
	uint32_t number;
} hc_row_found;

/* Walks of LAYOUT, with READER, both of which must outlive them. NULL: its containers have to be walked like others. */
hc_row_walks *hc_row_walks_create(const hc_layout *layout, hc_reader *reader);
void hc_row_walks_destroy(hc_row_walks *walks);

/* What a kept walk of the container at ADDRESS, which wants no elements, would be. FALSE: only that one can tell. */
bool hc_row_walks_make(hc_row_walks *walks, hc_address address, hc_row_found *ret_found);

/* The container at ADDRESS, which is at hand, will be walked soon: what is needed for that is fetched. */
void hc_row_walks_fetch(hc_row_walks *walks, hc_address address);

/* ---- many small trees: straight_trees.c ---- */

enum {
	HC_TREE_NODES_MAX = 32 /* that a small one has */
};

/* For walks of containers of one layout that are small trees, whose elements are not visited: of one thread. */
typedef struct hc_tree_walks hc_tree_walks;

/* What one of these was found to be. */
typedef struct hc_tree_found {
	const hc_walk *walk; /* until the next one is made; its grade is exact */
	uint64_t charged;    /* bytes that a walk would have looked at */
	uint64_t node_size;  /* bytes that it needs of each node */
	hc_address first;    /* node in order, if there is any */
	unsigned count;	     /* nodes, each of which begins a block: */
	uint32_t numbers[HC_TREE_NODES_MAX];
} hc_tree_found;

/* As hc_row_walks_create() and hc_row_walks_make(). */
hc_tree_walks *hc_tree_walks_create(const hc_layout *layout, hc_reader *reader);
void hc_tree_walks_destroy(hc_tree_walks *walks);
bool hc_tree_walks_make(hc_tree_walks *walks, hc_address address, hc_tree_found *ret_found);

/* ---- many smart pointers: straight_objects.c ---- */

/* For walks of containers of one layout that are no more than a pointer to an object of their own: of one thread. */
typedef struct hc_object_walks hc_object_walks;

/* What one of these was found to be. */
typedef struct hc_object_found {
	const hc_walk *walk; /* until the next one is made; its grade is exact */
	hc_address
		object; /* 0: it is empty; else it begins a block in use, which malloc would have made as large for it */
} hc_object_found;

/* Walks of LAYOUT, with READER, both of which must outlive them. NULL: its containers have to be walked like others. */
hc_object_walks *hc_object_walks_create(const hc_layout *layout, hc_reader *reader);
void hc_object_walks_destroy(hc_object_walks *walks);

/* What a kept walk of the container at ADDRESS, which wants its element, would be. FALSE: only that one can tell. */
bool hc_object_walks_make(hc_object_walks *walks, hc_address address, hc_object_found *ret_found);
