/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of types/ share. */
#pragma once

#include "areas/areas.h"
#include "blocks/blocks.h"
#include "types/types.h"

/* ---- plans.c: what of an object must be looked at ---- */

typedef enum {
	HC_PART_POINTER,   /* of target `type` */
	HC_PART_CONTAINER, /* of `type`, read by `layout` */
	HC_PART_ARRAY,	   /* `count` elements of `type`, `stride` bytes apart, each with `plan` */
	HC_PART_UNION,	   /* of `type` */
} hc_part_kind;

typedef struct hc_plan hc_plan;

typedef struct hc_part {
	hc_part_kind kind;
	uint64_t offset;
	const hc_type *type;
	const hc_layout *layout;
	const hc_plan *plan; /* of an array's element; of a container that is a guess, what to do if it is none */
	uint64_t count, stride;
	const char *name; /* "queue_", "state.lock"; "" for the object itself */
	bool is_link;	  /* a pointer that a list has to a pointer, wherever that is a part of */
} hc_part;

struct hc_plan {
	const hc_type *type;
	GArray *parts;	     /* of hc_part */
	bool is_polymorphic; /* begins with a pointer to a vtable */
};

typedef struct hc_plans hc_plans;

hc_plans *hc_plans_create(hc_container_set *set);
void hc_plans_destroy(hc_plans *plans);

/* The plan for objects of TYPE. Kept. NAME of the variable that is one, for annotations; or NULL. Without parts: nothing to look at. */
const hc_plan *hc_plans_get(hc_plans *plans, const hc_type *type, const char *name);

/* True if an object of OUTER has an object of INNER within it, by value, that is not the whole of it. Kept. */
bool hc_plans_contains(hc_plans *plans, const hc_type *outer, const hc_type *inner);

/* A smart pointer, an optional, a variant, an erased object: what it holds is one thing. */
static inline bool hc_layout_is_single(const hc_layout *layout)
{
	hc_walk_kind kind = hc_layout_kind(layout);

	return kind == HC_WALK_SINGLE || kind == HC_WALK_VARIANT || kind == HC_WALK_ERASED;
}

/* ---- owners.c: who holds what ---- */

typedef enum {
	HC_STEP_VARIABLE, /* begins a path */
	HC_STEP_PART,	  /* a container, array or union that is a member of the object */
	HC_STEP_TARGET,	  /* what a pointer leads to */
	HC_STEP_ELEMENT,  /* of a container */
	HC_STEP_ITEM,	  /* of an array */
	HC_STEP_CLASS,	  /* the object that a base class told itself to be */
	HC_STEP_SWEPT,	  /* nothing leads to it: begins a path too */
	HC_STEP_BEYOND,	  /* what words of the object lead to that its type says nothing of */
	HC_STEP_WORD,	  /* words lead to it, of a place without a type: begins a path too */
} hc_step;

typedef struct hc_owner hc_owner;

struct hc_owner {
	uint32_t number;
	hc_owner *parent; /* NULL: begins a path */
	hc_step step;
	hc_certainty certainty;
	bool is_interior, is_index;
	bool is_intrusive;	     /* a container whose elements are the nodes */
	const hc_type *type;	     /* of the object; NULL: known by name only */
	const char *name;	     /* of a variable; of a part; of a class without debug info */
	const hc_variable *variable; /* of HC_STEP_VARIABLE */
	hc_named_root *root;	     /* of HC_STEP_WORD: owned */
	hc_owner *joined;	     /* likewise: it is one place with this one; NULL: with none */
	const hc_plan *plan;
	const hc_layout *layout; /* it is a container: its blocks are buffers and nodes */
	hc_owner **
		targets; /* by part of the plan: what a pointer leads to, what an array or container holds; NULL at first */
	hc_owner *elements[2]; /* of a container: its elements; what they are mapped to, where that lies apart */
	hc_owner *index;       /* of a container: its bucket arrays, control blocks */
	hc_owner *interior;    /* as this one, but only pointers into the middle of blocks lead there */
	hc_owner *deduced;     /* as this one, but nothing proves that what leads there is what it is declared as */
	hc_owner *beyond;      /* what words lead to that lie in its blocks where its type says nothing */
	hc_owner *plain;       /* of a container that is a guess: the same object where it is none */
	GPtrArray *classes;    /* hc_owner of HC_STEP_CLASS; NULL at first */
	struct hc_wants {
		bool known, element, mapped;
	} wants;     /* of a container, by its own layout: what it holds has to be looked at; once `known` */
	bool is_own; /* its blocks count as its parent's own: what a smart pointer leads to */

	/* while propagating */
	uint32_t sound, unsound; /* objects that were what they were taken for, and that were not */
	bool cut;
	uint64_t cut_objects;

	/* containers of this path, added up */
	uint64_t containers, claimed, walked, capacity, elements_bytes, grades[HC_GRADE_COUNT];
	bool has_capacity;
	const char *reason;
	hc_address largest;
	uint64_t largest_elements;

	/* nodes, and other pieces of memory of containers */
	uint64_t piece_size;   /* bytes of the last one; 0: it has none */
	uint64_t pieces_bytes; /* of those in blocks that hold several */

	/* blocks, at the end */
	bool is_doubtful;	     /* their sizes are not what they should be: none of them is certain */
	uint64_t shared_bytes;	     /* of blocks that hold several pieces: the part of own that may be others' */
	hc_amount own, below, given; /* given: the part of own that a smart pointer leads to */
	uint64_t untouched;
	uint32_t first_block;
};

typedef struct hc_owners {
	GPtrArray *list; /* of hc_owner; number 0 is none */
	GStringChunk *texts;
	bool full; /* OWNERS_MAX: no more paths are told apart */
} hc_owners;

hc_owners *hc_owners_create(void);
void hc_owners_destroy(hc_owners *owners);
hc_owner *hc_owners_add(hc_owners *owners, hc_owner *parent, hc_step step, const hc_type *type, const hc_plan *plan,
	hc_certainty certainty);

/*
 * What the pointer in part PART of OWNER leads to, or what the container OWNER holds. If an object of the same type is above it
 * on the path already (a list's next node, a tree's child), that is the owner: paths do not grow with the data.
 */
hc_owner *hc_owners_target(hc_owners *owners, hc_owner *owner, unsigned part, hc_step step, const hc_type *type,
	const hc_plan *plan, hc_certainty certainty);

/* What the container CONTAINER holds: its elements (PLACE 0), or what they are mapped to (1). TYPE NULL: differs, or pointers to anything. */
hc_owner *hc_owners_element(
	hc_owners *owners, hc_owner *container, unsigned place, const hc_type *type, const hc_plan *plan);

/* What words of OWNER's blocks lead to where its type says nothing. */
hc_owner *hc_owners_beyond(hc_owners *owners, hc_owner *owner);

/* OWNER, but where nothing proves that an object is there: what it leads to is deduced at most. OWNER itself if it is that already. */
hc_owner *hc_owners_deduced(hc_owners *owners, hc_owner *owner);

/* OWNER, but of objects that say they are of CLASS (or, without debug info, of the class NAME). */
hc_owner *hc_owners_class(
	hc_owners *owners, hc_owner *owner, const hc_type *class, const char *name, const hc_plan *plan);

/* The words that OWNER's path begins at; NULL: it begins at a variable, or at nothing. */
const hc_named_root *hc_owner_root(const hc_owner *owner);

/* The owner that OWNER has become one with; itself if there is none. */
const hc_owner *hc_owner_joined(const hc_owner *owner);

/* A word of what hangs on A leads to what hangs on B: if they are words of one unnamed structure, they are one from now on. */
void hc_owners_meet(hc_owner *a, hc_owner *b);

/* "g_registry.sessions_[]->queue_". Free with g_free(). */
char *hc_owner_path(const hc_owner *owner);

/* "Session", "std::map<int, Session> node", "char []": what blocks of OWNER are. Free with g_free(). */
char *hc_owner_type_name(const hc_owner *owner);

/* "static", "field of Session", ... Free with g_free(). */
char *hc_owner_where(const hc_owner *owner, const hc_core *core);

enum {
	HC_OWNER_CLOSED = UINT32_MAX
};

/* ---- the stage ---- */

struct hc_types {
	const hc_core *core;
	hc_modules *modules;
	const hc_blocks *blocks;
	const hc_areas *areas;
	const hc_references *references;
	hc_container_set *set;
	hc_plans *plans;
	hc_owners *owners;
	uint32_t *owner_of; /* by block number; 0: none; HC_OWNER_CLOSED: not in use, or libc's own */
	uint64_t *interior; /* bit for each block: a piece that a container owns lies in its middle */
	uint64_t *several;  /* bit for each block: more than one lies in it */
	uint64_t variables[HC_VARIABLE_STATE_COUNT];
	hc_types_losses losses;
	hc_amount coverage[HC_CERTAINTY_COUNT];
	GArray *rows;	    /* of hc_type_row */
	GArray *containers; /* of hc_container */
	GStringChunk *texts;
};

/* ---- propagate.c, objects.c, pointers.c: from object to object ---- */

/* A pointer that was met, to be followed later. */
typedef struct hc_edge {
	hc_address value;
	hc_address holder; /* the object that holds it; 0: does not matter */
	uint32_t owner;	   /* of that */
	uint32_t
		part; /* of the owner's plan; HC_EDGE_OBJECT: VALUE is an object of the owner that nobody has looked at yet;
			  HC_EDGE_UNTYPED: VALUE is a block of the owner, without a type */
} hc_edge;

enum {
	HC_EDGE_OBJECT = UINT32_MAX,
	HC_EDGE_REACH = UINT32_MAX - 1, /* VALUE leads to an object of the owner */
	HC_EDGE_UNTYPED = UINT32_MAX - 2,
	HC_EDGE_PIECE = UINT32_MAX - 3, /* VALUE leads into the middle of a block that is another's: what lies there is the owner's */
	HC_VTABLES = 1024
};

/* What a vtable told. */
typedef struct hc_known_class {
	hc_address vtable; /* 0: empty */
	bool is_class;
	const hc_type *type;
	const char *name;
	int64_t to_top;
} hc_known_class;

/* Where in a block objects of a type were tried in vain: addresses [FROM, TO). */
typedef struct hc_tried {
	hc_address block;
	const hc_type *type;
	hc_address from, to;
} hc_tried;

/* Whose a block was before a container claimed it. */
typedef struct hc_claim {
	uint32_t block, owner;
} hc_claim;

typedef struct hc_propagation {
	hc_types *types;
	const hc_core *core;
	const hc_blocks *blocks;
	hc_owners *owners;
	hc_word_format format;
	/* pointers to follow: a ring, first in, first out */
	hc_edge *edges;
	uint64_t edges_in, edges_out, edges_room; /* counters; the place is modulo the room, a power of two */
	hc_certainty level;		     /* of the pointers that are followed now; those that prove less wait: */
	GArray *later[HC_CERTAINTY_UNKNOWN]; /* of hc_edge, by certainty */
	bool failed;			     /* memory was out */
	/* the piece of the core read from last */
	hc_address view_start;
	uint64_t view_size;
	const uint8_t *view;
	GHashTable *seen;    /* of struct seen (objects.c): objects outside of malloc's heap, by address and type */
	GHashTable *tried;   /* of hc_tried, by block and type */
	GHashTable *swept;   /* name of a class -> hc_owner of the blocks that nothing typed leads to */
	uint64_t *looked_at; /* bit for each granule of the heap where an object begins that was looked at */
	uint64_t *pieces;    /* bit for each granule that a piece begins at which was looked into */
	uint64_t *searched;  /* bit for each block that was looked into without a type */
	uint64_t *shared; /* the same as `looked_at`, of objects that several containers may have in them, looked at for one of them */
	GHashTable *
		mapped_starts; /* address of a block with a mapping of its own -> bitmap of where objects begin in it */
	hc_address last_mapped; /* asked for last, with its bitmap */
	uint64_t *last_starts;
	hc_known_class classes[HC_VTABLES];
	GArray *claims; /* of hc_claim: what is taken back if a container turns out to be none */
	GArray *elements,
		*mapped; /* of hc_address: elements of the containers being looked at, and what they are mapped to */
	unsigned depth;
	uint64_t page_size;
	GHashTable *places; /* hc_variable that is an array or a pointer -> its number + 1 */
	unsigned variable_count;
} hc_propagation;

/* A word of the dead process, or of a variable's value. */
bool hc_propagation_load(hc_propagation *propagation, hc_address address, uint64_t *ret_value);

/* Keeps an edge for later; CERTAINTY: of what it leads to. */
void hc_propagation_defer(
	hc_propagation *propagation, hc_address value, const hc_owner *owner, uint32_t part, hc_certainty certainty);
void hc_propagation_defer_edge(hc_propagation *propagation, const hc_edge *edge, hc_certainty certainty);

/* Keeps the tail at ADDRESS, part PART of an object of OWNER, until all else has been followed. FALSE: there are too many. */
bool hc_propagation_defer_late(hc_propagation *propagation, hc_address address, const hc_owner *owner, uint32_t part);

/* Whether what leads to something of CERTAINTY has to wait for its turn. */
bool hc_propagation_is_early(const hc_propagation *propagation, hc_certainty certainty);

/* Follows all edges that lead to what is at least as sure as LEAST, the surest first. */
void hc_propagation_run(hc_propagation *propagation, hc_certainty least);

/* Follows those edges that wait now, and none that they lead to: one step on from all places. */
void hc_propagation_step(hc_propagation *propagation);

/* Looks at the object of OWNER at ADDRESS: claims what its containers own, defers its pointers. */
void hc_propagation_look_at(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* Looks at an object that is a part of, or is held by, the one that is being looked at: later, if these are nested too deeply. */
void hc_propagation_look_at_nested(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* arrays.c: part INDEX of an object of OWNER, at ADDRESS: an array; what behind it may belong to it; a union. */
void hc_propagation_look_at_array(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address);
void hc_propagation_look_at_tail(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address);
void hc_propagation_look_at_union(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address);

/*
 * counts.c: how many elements of STRIDE bytes lie from OFFSET on in the object of TYPE at OBJECT, by one of the object's own integers, if
 * the block ends behind them; 0 if it is not known.
 */
uint64_t hc_propagation_tail_count(
	hc_propagation *propagation, const hc_type *type, hc_address object, uint64_t offset, uint64_t stride);

/*
 * How many elements of the array PART of an object of OWNER, at ADDRESS, are in use, if an integer beside it says so and others
 * are not empty; else UINT64_MAX.
 */
uint64_t hc_propagation_live_slots(
	hc_propagation *propagation, const hc_owner *owner, const hc_part *part, hc_address address);

/*
 * How many of the COUNT elements at ITEMS, which the pointer PART of an object of OWNER at HOLDER
 * leads to, are in use: an integer beside that pointer says so, or an element without its first
 * pointer ends them. UINT64_MAX: all may be.
 */
uint64_t hc_propagation_live_items(hc_propagation *propagation, const hc_owner *owner, const hc_part *part,
	hc_address holder, hc_address items, uint64_t count);

/* The bytes from ADDRESS to the next object of the block that is known, or to its end; 0 if it is in no block. */
uint64_t hc_propagation_room(hc_propagation *propagation, hc_address address);

/* Whether malloc gives a block of USABLE bytes to who asks for SIZE. */
bool hc_propagation_fits(const hc_propagation *propagation, uint64_t usable, uint64_t size);

/*
 * Whether an object at ADDRESS could be of PLAN: its pointers lead somewhere, or nowhere, its containers are sound. *ret_has_content: some
 * of them do lead somewhere.
 */
bool hc_propagation_looks_like(
	hc_propagation *propagation, const hc_plan *plan, hc_address address, bool *ret_has_content);

/* Follows one pointer, in part PART of an object of OWNER at HOLDER. */
void hc_propagation_follow(
	hc_propagation *propagation, hc_owner *owner, uint32_t part, hc_address holder, hc_address value);

/* Tables of structs that begin with an address and a type, by these. */
GHashTable *hc_propagation_new_seen(void);

/* True if nobody has looked at an object of TYPE at ADDRESS, outside of malloc's heap, before; from now on somebody has. */
bool hc_propagation_is_new(hc_propagation *propagation, hc_address address, const void *type);

/* Whether somebody has: hc_propagation_is_new() said so. */
bool hc_propagation_is_known(const hc_propagation *propagation, hc_address address, const void *type);

/*
 * True if nobody has looked at an object of TYPE at ADDRESS that several containers may hold; from now on somebody has. (For one that
 * objects of other types begin at, too, it may be true twice.)
 */
bool hc_propagation_is_first_look(hc_propagation *propagation, hc_address address, const hc_type *type);

/* From now on the object at ADDRESS was looked at. */
void hc_propagation_set_looked_at(hc_propagation *propagation, hc_address address);

/* How sure it is that a pointer to TARGET, in an object of OWNER, leads to one. */
hc_certainty hc_propagation_target_certainty(const hc_owner *owner, const hc_type *target);

/* Claims the block that VALUE leads to for OWNER, whose type the object there has, and looks at it. */
void hc_propagation_reach(hc_propagation *propagation, hc_owner *owner, hc_address value);

/* The class of an object whose first word is VTABLE. NULL: it is none that is known. */
const hc_known_class *hc_propagation_class(hc_propagation *propagation, hc_address vtable);

/* One more object was not what OWNER says: an owner that fails so too often is cut. */
void hc_propagation_count_unsound(hc_propagation *propagation, hc_owner *owner);

/* Makes OWNER the owner of block NUMBER, unless one is that is as sure. */
bool hc_propagation_claim(hc_propagation *propagation, uint32_t number, const hc_owner *owner);

static inline bool hc_propagation_is_local(const hc_variable *variable)
{
	return variable->kind == HC_VARIABLE_LOCAL || variable->kind == HC_VARIABLE_PARAMETER;
}

/* How sure it is that blocks of OWNER are what it says. */
static inline hc_certainty hc_owner_block_certainty(const hc_owner *owner)
{
	return owner->is_doubtful ? MAX(owner->certainty, HC_CERTAINTY_DEDUCED) : owner->certainty;
}

static inline hc_owner *hc_types_owner(const hc_types *types, uint32_t number)
{
	return types->owners->list->pdata[number];
}

/*
 * Whether OWNER gives way to evidence of CERTAINTY that its blocks are of TYPE. Not if that is what it says itself, and they are a
 * container's nodes: then they stay in it, so that its figures are right.
 */
static inline bool hc_owner_gives_way(const hc_owner *owner, const hc_type *type, hc_certainty certainty)
{
	return owner->certainty > certainty && !(owner->is_own && owner->type == type);
}

/* The block that an address is in. */
typedef struct hc_spot {
	const hc_block_region *region;
	uint32_t number;
	uint64_t granule;   /* of the address asked for */
	hc_address address; /* of the block */
} hc_spot;

/* FALSE if ADDRESS is in no block. */
static inline bool hc_propagation_locate(const hc_propagation *propagation, hc_address address, hc_spot *spot)
{
	const hc_blocks *blocks = propagation->blocks;

	if (!hc_blocks_may_contain(blocks, address) || !(spot->region = hc_blocks_region(blocks, address)))
		return false;
	spot->granule = hc_blocks_granule(blocks, spot->region, address);
	uint64_t start = hc_blocks_start_of(blocks, spot->granule, address);

	if (start == UINT64_MAX)
		return false;
	spot->number = hc_blocks_number(blocks, start);
	spot->address = hc_blocks_address(blocks, spot->region, start);
	return true;
}

/* The same, if the block can have an owner: in use, and not libc's. */
static inline bool hc_propagation_find_block(const hc_propagation *propagation, hc_address address, hc_spot *spot)
{
	return hc_propagation_locate(propagation, address, spot) &&
	       propagation->types->owner_of[spot->number] != HC_OWNER_CLOSED;
}

/* What ADDRESS leads to will be looked at soon; its line of the index is at hand, or on the way. */
static inline void hc_propagation_prefetch_owner(const hc_propagation *propagation, hc_address address)
{
	hc_spot spot;

	if (hc_propagation_locate(propagation, address, &spot))
		__builtin_prefetch(&propagation->types->owner_of[spot.number], 1);
}

/* From all variables on, then hc_types_sweep(). FALSE if memory was out. */
bool hc_types_propagate(hc_types *types, unsigned jobs);

/* sweep.c: blocks in use without a type, by the vtable that they begin with, and on from there. */
void hc_types_sweep(hc_propagation *propagation);

/* root_words.c: blocks that nobody has, by the words of the roots that lead there; then hc_types_search_untyped(). */
void hc_types_search_root_words(hc_propagation *propagation);

/* untyped.c: the same for words of typed blocks; nothing if next to nothing is nobody's. */
void hc_types_search_typed(hc_propagation *propagation);

/* untyped.c: blocks that nobody has, and that words of untyped blocks lead to, for these blocks' owners: the first step of it. */
void hc_types_search_untyped(hc_propagation *propagation);

/* VALUE is a word of what is OWNER's: whose is the block that it leads to, if nobody's? */
void hc_propagation_follow_word(hc_propagation *propagation, hc_owner *owner, hc_address value);

/* Looks into the block of OWNER at ADDRESS, which has no type. */
void hc_propagation_search(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* Looks at what lies from ADDRESS on, in the middle of a block that is not OWNER's. */
void hc_propagation_search_piece(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* The usable bytes of the smallest block that malloc has for SIZE (malloc.c: request2size() less a header). */
static inline uint64_t hc_least_usable(uint64_t size, unsigned word, uint64_t alignment)
{
	return MAX(2 * alignment, (size + word + alignment - 1) / alignment * alignment) - word;
}

/* sizes.c: which owners have blocks that are not as large as they should be. FALSE if memory was out. */
bool hc_types_check_sizes(hc_types *types);

/* rows.c: everything that is asked for. */
void hc_types_make_rows(hc_types *types);
