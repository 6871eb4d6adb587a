/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owners: a tree of paths, and what the objects are that they lead to. owners.c makes the tree and
 * names what is in it.
 *
 * A block keeps one number, its owner's, for two facts: *what* it is (type, certainty) and *who* holds
 * it (the path). propagation/ finds out; rows.c reports what it is, holdings.c and path_queries.c who holds it.
 */
#pragma once

#include "shapes/shapes.h"
#include "types/plans.h"

typedef enum {
	HC_STEP_VARIABLE, /* begins a path */
	HC_STEP_PART,	  /* a container, array or union that is a member of the object */
	HC_STEP_TARGET,	  /* what a pointer leads to */
	HC_STEP_ELEMENT,  /* of a container */
	HC_STEP_ITEM,	  /* of an array */
	HC_STEP_CLASS,	  /* the object that a base class told itself to be */
	HC_STEP_BEYOND,	  /* what words of the object lead to that its type says nothing of */
	HC_STEP_SWEPT,	  /* nothing leads to it: begins a path too */
	HC_STEP_WORD,	  /* words lead to it, of a place without a type: begins a path too */
	HC_STEP_SHAPE,	  /* a container by what stands in memory, where no type tells */
} hc_step;

typedef struct hc_owner hc_owner;
typedef struct hc_owners hc_owners;

/* Words of an owner's blocks lead to what OTHER has. */
struct hc_met {
	hc_owner *other;
	uint32_t words;
};

struct hc_owner {
	uint32_t number;

	/* what its objects or blocks are */
	const hc_type *type; /* of the object; NULL: known by name only */
	const hc_plan *plan;
	const hc_layout *layout; /* it is a container: its blocks are buffers and nodes */
	hc_shape_kind shape;	 /* likewise, but by what stands in memory alone */
	hc_certainty certainty;
	bool is_interior, is_index;
	bool is_intrusive; /* a container whose elements are the nodes */
	bool is_unused;	   /* its objects wait on a free list, or hang on one that does: what they lead to was left there */
	bool is_left_over; /* items of a free list behind its count, or what these lead to: that was on it */
	bool is_doubtful;  /* the sizes of its blocks are not what they should be: none of them is certain (sizes.c) */

	/* who holds them: the path */
	hc_owner *parent; /* NULL: begins a path */
	hc_step step;
	const char *name;	     /* of a variable; of a part; of a class without debug info */
	const hc_variable *variable; /* of HC_STEP_VARIABLE */
	hc_named_root *root;	     /* of HC_STEP_WORD: owned */
	hc_owner *joined;	     /* likewise: it is one place with this one, which comes first; NULL: with none */
	GArray *met;		     /* likewise: of struct hc_met; NULL at first */
	hc_address last_word;	     /* likewise: where the last of those that joined it stands; 0: none did */
	bool is_own;		     /* its blocks count as its parent's own: what a smart pointer leads to */

	/* where the path goes on */
	hc_owner **
		targets; /* by part of the plan: what a pointer leads to, what an array or container holds; NULL at first */
	hc_owner *elements[2]; /* of a container: its elements; what they are mapped to, where that lies apart */
	hc_owner *index;       /* of a container: its bucket arrays, control blocks */
	hc_owner *interior;    /* as this one, but only pointers into the middle of blocks lead there */
	hc_owner *deduced;     /* as this one, but nothing proves that what leads there is what it is declared as */
	hc_owner *left_over;   /* as this one, but items of a free list behind its count, or what these lead to */
	hc_owner *beyond;      /* what words lead to that lie in its blocks where its type says nothing */
	hc_owner *plain;       /* of a container that is a guess: the same object where it is none */
	GPtrArray *classes;    /* hc_owner of HC_STEP_CLASS, or of a union's target; NULL at first */

	/* while propagating */
	bool knows_wants;
	hc_record_wants
		wants; /* of a container, by its own layout: what it holds has to be looked at; once `knows_wants` */
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

	unsigned shape_places; /* shapes of it, told apart by where they are */

	/* of a shape */
	uint64_t node_bytes; /* usable bytes of a node; 0: they differ */
	unsigned stride;     /* of elements in buffers; 0: not known */
	bool has_strides;    /* some showed it */
	uint64_t whole;	     /* bytes that are a whole number of elements in each of them; 0: not known */
	bool is_uncounted;   /* of one, how large elements are is not known */

	/* blocks, at the end (holdings.c) */
	uint64_t shared_bytes;	     /* of blocks that hold several pieces: the part of own that may be others' */
	hc_amount own, below, given; /* given: the part of own that a smart pointer leads to */
	uint64_t untouched;
	uint64_t outside, outside_below; /* bytes of its parcels: memory that is not malloc's */
	uint64_t parcels, outside_resident;
	uint32_t first_block;
};

struct hc_owners {
	GPtrArray *list; /* of hc_owner; number 0 is none */
	GStringChunk *texts;
	bool full; /* OWNERS_MAX: no more paths are told apart */
};

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

/* As TARGET, which is what a union in OWNER leads to, if that is of TYPE: a guess. TARGET itself if there are too many. */
hc_owner *hc_owners_alternative(
	hc_owners *owners, hc_owner *owner, hc_owner *target, const hc_type *type, const hc_plan *plan);

/* What the container CONTAINER holds: its elements (PLACE 0), or what they are mapped to (1). TYPE NULL: differs, or pointers to anything. */
hc_owner *hc_owners_element(
	hc_owners *owners, hc_owner *container, unsigned place, const hc_type *type, const hc_plan *plan);

/* What words of OWNER's blocks lead to where its type says nothing. */
hc_owner *hc_owners_beyond(hc_owners *owners, hc_owner *owner);

/* OWNER, but where nothing proves that an object is there: what it leads to is deduced at most. OWNER itself if it is that already. */
hc_owner *hc_owners_deduced(hc_owners *owners, hc_owner *owner);

/* The same of what a free list has behind its count, or of what that leads to, also if OWNER is deduced already. */
hc_owner *hc_owners_left_over(hc_owners *owners, hc_owner *owner);

/* OWNER, but of objects that say they are of CLASS (or, without debug info, of the class NAME). */
hc_owner *hc_owners_class(
	hc_owners *owners, hc_owner *owner, const hc_type *class, const char *name, const hc_plan *plan);

/* The words that OWNER's path begins at; NULL: it begins at a variable, or at nothing. */
const hc_named_root *hc_owner_root(const hc_owner *owner);

/* The owner that OWNER has become one with; itself if there is none. */
const hc_owner *hc_owner_joined(const hc_owner *owner);

/* Whether A and B are words without a symbol, so that they may be of one structure. */
bool hc_owners_may_meet(const hc_owner *a, const hc_owner *b);

/*
 * A word of what hangs on A leads to what hangs on B: if they are words of one unnamed structure, they are one from now on. Words in blocks
 * may be left over: unless it is SURE, that is counted for hc_owners_join_met().
 */
void hc_owners_meet(hc_owner *a, hc_owner *b, bool sure);

/* Places of which enough words lead from one to the other, for the BLOCKS that each has (by number; for its whole path), are one. */
void hc_owners_join_met(hc_owners *owners, const uint32_t *blocks);

/*
 * Whether something called NAME (NULL is fine; with members: "dict_state.free_list") has objects that nobody uses at the moment: a free
 * list, by the name that programs give it.
 */
bool hc_name_is_free_list(const char *name);

/* "g_registry.sessions_[]->queue_". Free with g_free(). */
char *hc_owner_path(const hc_owner *owner);

/* "Session", "std::map<int, Session> node", "char []": what blocks of OWNER are. Free with g_free(). */
char *hc_owner_type_name(const hc_owner *owner);

/* "static", "field of Session", ... Free with g_free(). */
void hc_owner_where(const hc_owner *owner, const hc_core *core, hc_where *ret_where);

enum {
	HC_OWNER_CLOSED = UINT32_MAX
};

/* Whether OWNER's blocks are those of a container. */
static inline bool hc_owner_is_container(const hc_owner *owner)
{
	return owner->layout || owner->shape;
}

/* Whether of a shape only what repeats itself was counted, and an element may be several of that. */
static inline bool hc_owner_is_counted_in_parts(const hc_owner *owner)
{
	return owner->has_strides && owner->whole > owner->stride;
}

/* "map-like, nodes of 48 bytes", of a shape. Free with g_free(). */
char *hc_owner_shape_name(const hc_owner *owner);

/* How sure it is that blocks of OWNER are what it says. */
static inline hc_certainty hc_owner_block_certainty(const hc_owner *owner)
{
	return owner->is_doubtful ? MAX(owner->certainty, HC_CERTAINTY_DEDUCED) : owner->certainty;
}

/*
 * Whether OWNER gives way to evidence of CERTAINTY that its blocks are of TYPE. Not if that is what it says itself, and they are a
 * container's nodes: then they stay in it, so that its figures are right.
 */
static inline bool hc_owner_gives_way(const hc_owner *owner, const hc_type *type, hc_certainty certainty)
{
	return owner->certainty > certainty && !(owner->is_own && owner->type == type);
}
