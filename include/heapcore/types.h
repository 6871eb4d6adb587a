/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Types: what each block is, told from the program's variables on. A typed variable leads to objects, their members to others;
 * containers lead to their elements; objects with virtual functions tell their class themselves. Every type has its certainty,
 * and the path that gave it.
 *
 * Containers: what the variables hold, by name, with elements and bytes.
 */
#pragma once

#include <heapcore/debuginfo.h>
#include <heapcore/places.h>

HC_BEGIN_DECLS

/* How sure a block's type is. A surer type replaces a less sure one, never the other way round. */
typedef enum {
	HC_CERTAINTY_CERTAIN, /* a declared pointer, or a container that proved itself, leads to the block */
	/*
	 * By a vtable, by the other elements of an array, by an interior pointer, by a local that may not
	 * be set yet, by a slot that an array may have left over, by the back link of a list.
	 */
	HC_CERTAINTY_DEDUCED,
	HC_CERTAINTY_GUESS, /* by the one member of a union that fits; and all that hangs below */
	HC_CERTAINTY_UNKNOWN,
	HC_CERTAINTY_COUNT,
} hc_certainty;

/* "certain", "deduced", "guess", "unknown" */
const char *hc_certainty_name(hc_certainty certainty);

/* Grade of a walk through a container. */
typedef enum {
	HC_GRADE_EXACT, /* every check holds, one that chance would not pass, and as many elements were walked as claimed */
	HC_GRADE_TRUNCATED,   /* memory ends, or does not fit, before all elements were walked */
	HC_GRADE_IMPLAUSIBLE, /* a check failed: not initialised, already destroyed, damaged, or not of this type */
	HC_GRADE_BOUND,	      /* every check holds, but no count is kept: at most so many elements fit into the block */
	HC_GRADE_DEDUCED, /* nothing contradicts, but it keeps nothing that could be checked: std::string_view, a chain of foreign nodes */
	HC_GRADE_COUNT,
} hc_grade;

const char *hc_grade_name(hc_grade grade); /* "exact", "truncated", "implausible", "bound", "deduced" */

typedef struct hc_types hc_types;

typedef struct hc_types_options {
	const char *const
		*container_files; /* descriptions of the user's, before all others; NULL-terminated; may be NULL */
	unsigned jobs;		  /* threads for reading debug info; 0: one per processor */
} hc_types_options;

void hc_types_destroy(hc_types *types);

/* Blocks in use of one type and certainty; usable bytes. */
typedef struct hc_type_row {
	const char *name; /* "Session", "std::map<int, Session> node", "char []"; of unknown ones what they look like */
	const hc_label *label; /* of blocks of libc or the runtime, whose `name` is NULL; else NULL */
	const hc_type *type;   /* NULL: not by debug info */
	hc_certainty certainty;
	hc_amount amount;
	const char *path;   /* where the first of them was found: "g_registry.sessions_[]" */
	hc_address example; /* the first */
} hc_type_row;

/* Most bytes first. */
unsigned hc_types_row_count(const hc_types *types);
const hc_type_row *hc_types_row(const hc_types *types, unsigned index);

/* Blocks in use by certainty: all of them, those of libc and the runtime among the certain ones. */
hc_amount hc_types_coverage(const hc_types *types, hc_certainty certainty);

/* What leads to a block in use that is not libc's own. */
typedef enum {
	HC_PATH_FROM_VARIABLE, /* the types, from a variable on */
	HC_PATH_FROM_PLACE,    /* words, from a place that has a name: a symbol, a section, a frame */
	HC_PATH_FROM_NOTHING,  /* nothing that is known, though it may have a type: lost, or in circles */
	HC_PATH_BEGIN_COUNT
} hc_path_begin;

/* Blocks in use by what their paths begin at; with those of libc and the runtime they are all that are in use. */
hc_amount hc_types_held_by(const hc_types *types, hc_path_begin begin);

/* What is known of block NUMBER; FALSE if nothing is. Clear with hc_block_type_clear(). */
typedef struct hc_block_type {
	char *name;
	const hc_type *type; /* NULL: not by debug info */
	hc_certainty certainty;
	char *path; /* "g_registry.sessions_[]->name_" */
} hc_block_type;
bool hc_types_of_block(const hc_types *types, uint32_t number, hc_block_type *ret_type);
void hc_block_type_clear(hc_block_type *type);

/* Where something of the program's data stands. */
typedef enum {
	HC_WHERE_UNKNOWN,      /* it is no such thing, or nobody told */
	HC_WHERE_UNTYPED,      /* nothing typed leads to it */
	HC_WHERE_STATIC,       /* a variable of the program */
	HC_WHERE_FUNCTION,     /* a static one of function `name` */
	HC_WHERE_THREAD_LOCAL, /* a variable of thread `thread` */
	HC_WHERE_FRAME,	       /* a local of function `name`, in frame `frame` of thread `thread` */
	HC_WHERE_FIELD,	       /* a member of objects of the type `name` */
	HC_WHERE_ELEMENTS,     /* in every element of the container whose path is `name` */
	HC_WHERE_DATA,	       /* data without a symbol */
	HC_WHERE_LIBRARY,      /* a variable of the library `name` */
	HC_WHERE_STACK,	       /* frame `frame` (UINT_MAX: not known), or registers, of thread `thread` */
	HC_WHERE_MAPPING,      /* memory that is not malloc's */
	HC_WHERE_KIND_COUNT,
} hc_where_kind;

typedef struct hc_where {
	hc_where_kind kind;
	const char *name; /* untrusted; NULL: not known, or KIND has none */
	int64_t thread;	  /* its id; 0: nobody's */
	unsigned frame;
} hc_where;

/* How full a hash table is. */
typedef struct hc_table_fill {
	uint64_t elements;
	uint64_t buckets, used; /* buckets, or slots of one element each; those with any element */
	bool is_chained;	/* a bucket may have several elements */
	bool is_shared_known;	/* the two below are: it is chained, and was walked */
	uint64_t longest;	/* most elements in one bucket */
	uint64_t sharing;	/* elements that are not alone in their bucket */
} hc_table_fill;

/* A container; or all those that are the same member of objects of one kind, added up. */
typedef struct hc_container {
	unsigned index;
	const char *path; /* "g_registry.summaries_", "frames", "g_sessions[]->queue_" */
	hc_where where;
	uint32_t number;	       /* of its path: hc_types_path_get() */
	const char *type;	       /* "std::vector<int>" */
	const char *kind;	       /* the description's name: "libstdc++ vector" */
	const hc_type *container_type; /* NULL of a shape */
	bool is_shape;		       /* by what stands in memory: no type tells of it */
	bool is_uncounted;	       /* of some how large elements are, and so how many, is not known */
	uint64_t node_bytes;	       /* of a shape: usable bytes of a node; 0: it has none, or they differ */
	const char *
		element; /* the type of its elements, where that was deduced from memory; NULL: by its own type, or not known */
	hc_certainty
		certainty; /* that it is one: a guess is one by its shape only; and of what it holds, where that was deduced */
	uint64_t count;	   /* containers in this row */
	uint64_t elements; /* as they claim; where they keep no count, as walked */
	uint64_t walked;
	uint64_t capacity;	 /* UINT64_MAX: it has none */
	hc_amount own;		 /* blocks that are its buffers, nodes, indexes */
	uint64_t elements_bytes; /* walked elements, at their own size */
	hc_amount below;	 /* own, and every block that is first reached through it; each block counted once */
	uint64_t untouched;	 /* bytes of `own` in whole pages of zeros: never written, or given back */
	hc_grade grade;		 /* the worst */
	uint64_t grades[HC_GRADE_COUNT]; /* containers by grade */
	const char *reason;		 /* why not exact: of the first that is not; or NULL */
	hc_address address;		 /* of the one with the most elements */
	uint64_t most_elements;		 /* that it has */
	const hc_variable *variable;	 /* that the path begins at */
} hc_container;

/* Most bytes below first. Those that are implausible are counted, not listed. */
unsigned hc_types_container_count(const hc_types *types);
const hc_container *hc_types_container(const hc_types *types, unsigned index);

/* ---- paths: who holds what ---- */

/* A place of words that paths begin at, where no variable with a type does. */
typedef struct hc_named_root {
	hc_place_kind kind;	 /* HC_PLACE_VARIABLE, _THREAD_LOCAL, _THREAD_DESCRIPTOR, _STACK, _REGISTER, _MAPPING */
	hc_address address;	 /* of the symbol, the first word, the mapping; 0 of registers */
	const hc_module *module; /* of data and thread-locals; else NULL */
	bool has_symbol;	 /* the path begins with its name */
	bool is_library;	 /* MODULE is not the program itself */
	const char *function;	 /* whose frame it is; NULL: none, or not known */
	int64_t thread;		 /* 0: nobody's */
	int frame;		 /* -1: none, or not known */
	bool is_lasting;	 /* the frame is main()'s, or that of what the thread was made to run */
} hc_named_root;

/* What a container's own blocks are. */
typedef enum {
	HC_PARTS_NONE, /* its elements, or what it holds */
	HC_PARTS_BUFFERS,
	HC_PARTS_NODES,
	HC_PARTS_NODES_AND_BUCKETS,
	HC_PARTS_SLOTS,
	HC_PARTS_COUNT,
} hc_container_parts;

/*
 * A place in the program's data that blocks hang on; a tree, from the variables on. All elements of a container are one place, and
 * so are objects that lead to others of their own type (the nodes of a list). Numbers go from 1 to hc_types_path_count(); a
 * parent's is smaller than its children's. Several may have the same text: classes that derive from one, a container and its
 * index.
 */
typedef struct hc_types_path {
	uint32_t parent;	     /* 0: the path begins here */
	const hc_variable *variable; /* that it begins with; NULL: nothing typed leads to it */
	const hc_named_root *root;   /* ... but these words do; NULL: none */
	const hc_type *type;	     /* NULL: not by debug info */
	hc_certainty certainty;
	bool is_container, is_index;
	bool is_shape; /* a container by what stands in memory alone */
	/* of containers, added up */
	bool is_value; /* a string, a smart pointer, an optional */
	bool is_queue; /* a list, a deque */
	bool is_keyed; /* a map, a set, a hash table */
	const char *kind;
	hc_container_parts parts;	    /* what `own` is */
	uint64_t count, elements, capacity; /* capacity UINT64_MAX: none */
	uint64_t elements_bytes;	    /* of walked elements, at their own size */
	hc_grade grade;
	hc_address largest; /* the one with the most elements */
	uint64_t most_elements;
	hc_amount own, below; /* of any path: blocks that are its own; and all that hang on it, own included */
	/*
	 * Bytes in mappings that are neither malloc's nor anybody else's that are known: what words or pointers of the path lead to there,
	 * up to the next place that is led to; without whole pages of zeros.
	 */
	uint64_t outside, outside_below;
	uint64_t outside_places;   /* of `outside`: so many places are led to */
	uint64_t outside_resident; /* bytes of the same places that were in memory; 0 if that is not known */
} hc_types_path;

uint32_t hc_types_path_count(const hc_types *types);
void hc_types_path_get(const hc_types *types, uint32_t number, hc_types_path *ret_path);

/* Bytes of such memory that hang on any path: the sum of `outside`. */
uint64_t hc_types_outside(const hc_types *types);

/* "g_registry.sessions_[]->queue_"; "Session". Free with g_free(). */
char *hc_types_path_text(const hc_types *types, uint32_t number);
/* "" of what words lead to, and no type does. */
char *hc_types_path_type_name(const hc_types *types, uint32_t number);

/* Clear *RET_WHERE with hc_where_clear(). */
void hc_types_path_where(const hc_types *types, uint32_t number, hc_where *ret_where);
void hc_where_clear(hc_where *where); /* frees its name */

/* The path that block NUMBER hangs on; 0: not known, not in use, or libc's own. */
uint32_t hc_types_path_of_block(const hc_types *types, uint32_t number);

/*
 * What of each row of types, and of what hangs on each container (`below`), was in memory: counted when it is asked for, O(blocks). NULL if it
 * is not known (hc_core_knows_resident()), or memory was out. TYPES may be NULL; it must outlive the result.
 */
typedef struct hc_types_resident hc_types_resident;
hc_types_resident *hc_types_find_resident(const hc_types *types);
void hc_types_resident_free(hc_types_resident *resident);
/* Bytes; UINT64_MAX: not known, as of containers whose blocks others have a part of, and if RESIDENT is NULL. */
uint64_t hc_types_resident_of_row(const hc_types_resident *resident, unsigned index);
uint64_t hc_types_resident_of_container(const hc_types_resident *resident, const hc_container *container);

/* Variables by what could be read of them. */
uint64_t hc_types_variables(const hc_types *types, hc_variable_state state);

/* What was given up, and why. */
typedef struct hc_types_losses {
	uint64_t
		implausible; /* containers that failed a check, most of them locals that are not alive yet or any more */
	uint64_t cut;	     /* subtrees whose objects failed too often to be what they were taken for */
	uint64_t cut_objects;	 /* left out by that */
	uint64_t objects, tried; /* no losses, but the work: objects looked at, and what was tried whether it is one */
} hc_types_losses;
const hc_types_losses *hc_types_get_losses(const hc_types *types);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_types, hc_types_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_types_resident, hc_types_resident_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hc_block_type, hc_block_type_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hc_where, hc_where_clear)

HC_END_DECLS
