/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding out what each block is: what is known so far, and what everybody needs who finds out more. Each section names the file that it
 * is of. Of these files only array_counts.c uses others, those of words and of sizes.
 */
#pragma once

#include "areas/areas.h"
#include "blocks/blocks.h"
#include "shapes/shapes.h"
#include "types/types.h"

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
	HC_EDGE_PIECE =
		UINT32_MAX -
		3, /* VALUE leads into the middle of a block that is another's: what lies there is the owner's */
	HC_EDGE_RANGE =
		UINT32_MAX - 4, /* from VALUE to HOLDER, exclusive, is what a shape of the owner's has for elements */
	HC_EDGE_WORD = UINT32_MAX - 5,	  /* VALUE leads to a block, which is the owner's if it is nobody's */
	HC_EDGE_OUTSIDE = UINT32_MAX - 6, /* VALUE is the start of a parcel of the owner */
	HC_EDGES_MANY =
		1 << 20, /* that wait: more are followed at once, if they are as sure as those that are followed now */
	HC_LATE_STEPS = 4,
	HC_LINKS_KEPT = 64, /* powers of two */
	HC_KINDS_KEPT = 256,
	HC_VTABLES = 1024,
	HC_ANSWERS = 64,
	HC_PLAIN_TARGETS = 256
};

/* What a vtable told. */
typedef struct hc_known_class {
	hc_address vtable; /* 0: empty */
	bool is_class;
	const hc_type *type;
	const char *name;
	int64_t to_top;
} hc_known_class;

/* What pointers of one member lead to that is as usual: plain_targets.c. */
typedef struct hc_plain_target {
	uint32_t owner, part; /* whose objects have them, in that part; owner 0: empty */
	hc_address vtable;    /* of what they lead to; 0: it has none */
	hc_owner *object;     /* whose that becomes */
	uint64_t size, most,
		most_certain; /* usable bytes of its block; 0: none is as usual. most_certain: if that is certain */
} hc_plain_target;

/* What any thread can tell of what a pointer leads to: edges_ahead.c. */
typedef struct hc_edge_target {
	hc_address value;
	bool is_told; /* it is the beginning of a block that is one of many in its region: */
	uint32_t number;
	uint64_t granule, usable; /* usable: bytes */
	uint64_t first_word;
	const uint8_t *bytes;
} hc_edge_target;

/* What hc_propagation_is_declared_otherwise() said. */
typedef struct hc_declared_answer {
	hc_address address;
	const hc_type *type; /* NULL: empty */
	bool is_otherwise;
} hc_declared_answer;

/* Where in a block objects of a type were tried in vain: addresses [FROM, TO). */
typedef struct hc_tried {
	hc_address block;
	const hc_type *type;
	hc_address from, to;
} hc_tried;

/* What was asked of a block last: whether it is another kind than most of its size. */
typedef struct hc_asked_kind {
	hc_address block; /* 0: nothing */
	uint64_t size;
	bool is_another;
} hc_asked_kind;

typedef struct hc_walks_ahead hc_walks_ahead;
typedef struct hc_nest hc_nest;
typedef struct hc_edges_ahead hc_edges_ahead;

/* Whose a block (or a parcel) was before a container claimed it. */
typedef struct hc_claim {
	uint32_t block, owner;
} hc_claim;

typedef struct hc_propagation {
	hc_types *types;
	const hc_core *core;
	const hc_blocks *blocks;
	hc_owners *owners;
	hc_word_format format;
	uint64_t page_size;
	bool failed;	 /* memory was out */
	unsigned depth;	 /* of objects within objects, where one is being looked at */
	hc_address from; /* the container, or the pointer, that is being followed; 0: not known */

	/* memory_view.c: the piece of the core read from last */
	hc_address view_start;
	uint64_t view_size;
	const uint8_t *view;

	/* edges.c: pointers to follow, in a ring, first in, first out */
	hc_edge *edges;
	uint64_t edges_in, edges_out,
		edges_room; /* counters, which may wrap; the place is modulo the room, a power of two */
	hc_edges_ahead *edges_ahead; /* edges_ahead.c; NULL: helpers look at none of them now */
	hc_certainty level; /* of the pointers that are followed now; those that prove less wait: */
	GArray *later[HC_CERTAINTY_UNKNOWN]; /* of hc_edge, by certainty */
	GArray *late[HC_LATE_STEPS];	     /* of hc_edge, by the step that they wait for, modulo their number */
	unsigned step;
	GArray *strays; /* of hc_edge: what is likely to be left over */
	GArray *of_libraries; /* ...: pointers to anything that libraries' variables lead to; NULL: they do not wait any more */
	GArray *last;	      /* ... what stands where a string has room for characters: followed when all else was */
	GArray *aliases; /* ... what leads into the middle of a list or a tree: followed when no strays are left */

	/* typed_references.c */
	uint64_t *
		doubtful; /* bit for each block: no word tells that it is alive; NULL: there is none, or they have been told */
	GArray *held; /* of struct held: what holds these */

	/* known_objects.c */
	uint64_t *looked_at; /* bit for each granule of the heap where an object begins that was looked at */
	uint64_t *shared; /* the same, of objects that several containers may have in them, looked at for one of them */
	GHashTable *
		mapped_starts; /* address of a block with a mapping of its own -> bitmap of where objects begin in it */
	hc_address last_mapped; /* asked for last, with its bitmap */
	uint64_t *last_starts;
	GHashTable *seen;      /* of struct seen: objects outside of malloc's heap, by address and type */
	GArray *unused;	       /* ... what free lists lead to, or led to: followed when neither is left */
	GHashTable *left_over; /* addresses of words that wait for that reason: they lead nowhere before */
	GArray *declared;      /* of struct declared: where variables lie, by address; NULL: nobody asked yet */
	hc_declared_answer answers[HC_ANSWERS]; /* by a hash of the address */

	hc_node_guess guess; /* pointers.c: of a list that is followed */
	hc_plain_target plain_targets[HC_PLAIN_TARGETS]; /* by a hash of the first three */

	/* links.c */
	GHashTable *links; /* size -> what is known of the words in blocks of it; NULL: nobody asked yet */
	void *kept_links[HC_LINKS_KEPT];    /* of these, those asked for last, by a hash of the size; NULL: none */
	hc_asked_kind kinds[HC_KINDS_KEPT]; /* by a hash of the block */
	uint64_t *preceded;		    /* bit for each block: a link of another of its size leads there */
	unsigned preceded_sizes;	    /* ... of which somebody asked */
	uint64_t *started;		    /* bit for each block: another has a pointer to its start */
	bool knows_started;		    /* ... as somebody asked */

	/* untyped.c */
	bool is_little_unowned; /* next to nothing that something holds is nobody's; FALSE: or nobody asked yet */
	uint64_t *searched; /* bit for each block that waits to be, or was, looked into without a type */
	uint64_t *pieces;   /* bit for each granule in which a piece begins that waits, or was looked into */
	GHashTable *ends;   /* number of a block -> bytes in use, as two pointers beside that to its start say */

	/* pools.c */
	uint64_t *entries;  /* bit for each granule of blocks aligned like pools that a word leads to */
	GHashTable *pools;  /* number of such a block -> what is known of it */
	GHashTable *shares; /* block and owner -> bytes of the pieces that he has of it */
	bool knows_entries; /* ... as somebody asked */

	/* untyped_shapes.c */
	hc_shapes *shapes;
	GHashTable *shape_owners; /* of struct shape_key -> hc_owner */

	/* outside.c */
	uint64_t *outside_searched; /* bit for each parcel whose words were looked at, or wait for that */
	struct hc_outside_turn {
		uint64_t *waits; /* bit for each parcel that waits for it */
		GArray *words;	 /* of hc_edge: what leads to these; VALUE, and the owner */
		bool is_now;
	} alias_turn, library_turn, unused_turn; /* of words that lead into the middle of something; of libraries'; of what waits on a free list */

	hc_walks_ahead *walks_ahead; /* walks_ahead.c; NULL: no walks are kept */
	hc_nest *nest;		     /* nests_ahead.c: the innermost; NULL: there is none */

	/* object_containers.c: of the containers being looked at */
	GArray *claims;		/* of hc_claim: what is taken back if a container turns out to be none */
	GArray *outside_claims; /* the same of parcels */
	GArray *elements;	/* of hc_address */
	GArray *mapped;		/* of hc_address: what these are mapped to */

	/* array_counts.c */
	GHashTable *places; /* hc_variable that is an array or a pointer -> its number + 1 */
	unsigned variable_count;

	GHashTable *tried; /* pointers.c: of hc_tried, by block and type */
	GHashTable *swept; /* sweep.c: name of a class -> hc_owner of the blocks that nothing typed leads to */
	hc_known_class classes[HC_VTABLES]; /* pointers.c: by a hash of the vtable */
} hc_propagation;

/* ---- memory_view.c ---- */

/* hc_propagation_load(), of what is not in the piece read from last. */
bool hc_propagation_load_elsewhere(hc_propagation *propagation, hc_address address, uint64_t *ret_value);

/* A word of the dead process, or of a variable's value. */
static inline bool hc_propagation_load(hc_propagation *propagation, hc_address address, uint64_t *ret_value)
{
	uint64_t offset = address - propagation->view_start;

	if (offset >= propagation->view_size || propagation->view_size - offset < propagation->format.size)
		return hc_propagation_load_elsewhere(propagation, address, ret_value);
	*ret_value = hc_load_word(propagation->view + offset, propagation->format);
	return true;
}

/* ---- edges.c ---- */

/* Keeps an edge for later; CERTAINTY: of what it leads to. */
void hc_propagation_defer(
	hc_propagation *propagation, hc_address value, const hc_owner *owner, uint32_t part, hc_certainty certainty);
/* The same, to be followed next: what is one step with what is followed now. */
void hc_propagation_defer_first(hc_propagation *propagation, const hc_edge *edge);
void hc_propagation_defer_edge(hc_propagation *propagation, const hc_edge *edge, hc_certainty certainty);

/* Keeps an edge for STEPS steps, from 1 to HC_LATE_STEPS - 1; or until all else was followed. FALSE: there are too many. */
bool hc_propagation_defer_steps(hc_propagation *propagation, const hc_edge *edge, unsigned steps);
bool hc_propagation_defer_stray(hc_propagation *propagation, const hc_edge *edge, bool is_alias);
/* Likewise until strays and aliases were followed as well. */
bool hc_propagation_defer_unused(hc_propagation *propagation, const hc_edge *edge);
/* Likewise until stacks were followed, too, and what is left over there. */
bool hc_propagation_defer_last(hc_propagation *propagation, const hc_edge *edge);

/* A step was made: what waited for the next one is followed in it. FALSE: nothing waits. */
bool hc_propagation_take_late(hc_propagation *propagation);
bool hc_propagation_take_strays(hc_propagation *propagation);

/* All that waits to be last is followed now. FALSE: there is nothing to follow. */
bool hc_propagation_take_last(hc_propagation *propagation);

/*
 * Keeps what a pointer to anything, of a library's, leads to until it is the libraries' turn: it proves no more than a word does. FALSE: it
 * is their turn, or there are too many.
 */
bool hc_propagation_defer_library(hc_propagation *propagation, const hc_edge *edge);
void hc_propagation_take_libraries(hc_propagation *propagation);

/* Keeps the tail at ADDRESS, part PART of an object of OWNER, until all else has been followed. FALSE: there are too many. */
bool hc_propagation_defer_late(hc_propagation *propagation, hc_address address, const hc_owner *owner, uint32_t part);

/* Whether what leads to something of CERTAINTY has to wait for its turn. */
bool hc_propagation_is_early(const hc_propagation *propagation, hc_certainty certainty);

/* ---- known_objects.c ---- */

/* The bytes from ADDRESS to the next object of the block that is known, or to its end; 0 if it is in no block. */
uint64_t hc_propagation_room(hc_propagation *propagation, hc_address address);

/* Tables of structs that begin with an address and a type, by these. */
GHashTable *hc_propagation_new_seen(void);

/* True if nobody has looked at an object of TYPE at ADDRESS, outside of malloc's heap, before; from now on somebody has. */
bool hc_propagation_is_new(hc_propagation *propagation, hc_address address, const void *type);

/* Whether somebody has: hc_propagation_is_new() said so. */
bool hc_propagation_is_known(const hc_propagation *propagation, hc_address address, const void *type);

/*
 * Whether there is a variable at ADDRESS whose type has no object of TYPE there: a pointer that leads there does not lead to one. Not
 * where the variable is storage (characters, numbers, a union) that is large enough.
 */
bool hc_propagation_is_declared_otherwise(hc_propagation *propagation, hc_address address, const hc_type *type);

/*
 * True if nobody has looked at an object of TYPE at ADDRESS that several containers may hold; from now on somebody has. (For one that
 * objects of other types begin at, too, it may be true twice.)
 */
bool hc_propagation_is_first_look(hc_propagation *propagation, hc_address address, const hc_type *type);

/* From now on the object at ADDRESS was looked at. */
void hc_propagation_set_looked_at(hc_propagation *propagation, hc_address address);

/* ---- claims.c ---- */

/* Makes OWNER the owner of block NUMBER, unless one is that is as sure. */
bool hc_propagation_claim(hc_propagation *propagation, uint32_t number, const hc_owner *owner);

/* One more object was not what OWNER says: an owner that fails so too often is cut. */
void hc_propagation_count_unsound(hc_propagation *propagation, hc_owner *owner);

/* How sure it is that a pointer to TARGET, in an object of OWNER, leads to one. */
hc_certainty hc_propagation_target_certainty(const hc_owner *owner, const hc_type *target);

/* ---- typed_references.c ---- */

/* Looks for blocks that may be lost. FALSE if memory was out. */
bool hc_propagation_begin_doubtful(hc_propagation *propagation);
void hc_propagation_end_doubtful(hc_propagation *propagation);

/* Whether no word tells that block NUMBER is alive. Any thread may ask while containers are walked. */
static inline bool hc_propagation_is_doubtful(const hc_propagation *propagation, uint32_t number)
{
	return propagation->doubtful && hc_bit(propagation->doubtful, number);
}

/* Block NUMBER, which is doubtful, became OWNER's by what propagation->from tells. */
void hc_propagation_note_held(hc_propagation *propagation, uint32_t number, const hc_owner *owner);

/* Tells REFERENCES what holds doubtful blocks for certain, or deduced. FALSE if memory was out. */
bool hc_propagation_tell_held(hc_propagation *propagation, hc_references *references, unsigned jobs);

/* ---- sizes.c ---- */

/* Whether malloc gives a block of USABLE bytes to who asks for SIZE. */
bool hc_propagation_fits(const hc_propagation *propagation, uint64_t usable, uint64_t size);

/* ---- array_counts.c ---- */

/*
 * How many elements of STRIDE bytes lie from OFFSET on in the object of TYPE at OBJECT, by one of the object's own integers, if
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

/* Whether the array PART of an object of OWNER is called what has objects that nobody uses at the moment. */
bool hc_propagation_is_free_list(const hc_owner *owner, const hc_part *part);

/*
 * How many of the COUNT elements at ITEMS, which the pointer PART of an object of OWNER at HOLDER
 * leads to, are in use: an integer beside that pointer says so, or an element without its first
 * pointer ends them. UINT64_MAX: all may be.
 */
uint64_t hc_propagation_live_items(hc_propagation *propagation, const hc_owner *owner, const hc_part *part,
	hc_address holder, hc_address items, uint64_t count);

/* ---- outside.c ---- */

/* Parcels of [ADDRESS, ADDRESS + SIZE) become OWNER's, if that is surer than who has them. */
void hc_propagation_claim_outside(
	hc_propagation *propagation, const hc_owner *owner, hc_address address, uint64_t size);

/* The parcels of an object of OWNER at ADDRESS, which a pointer leads to, become OWNER's likewise. */
void hc_propagation_claim_target_outside(hc_propagation *propagation, const hc_owner *owner, hc_address address);

/*
 * FALSE if ADDRESS is in a parcel, and SIZE bytes from there on reach beyond the next place that is led to (by more than words on stacks).
 * An object is larger only if something leads into its middle.
 */
bool hc_propagation_fits_outside(const hc_propagation *propagation, hc_address address, uint64_t size);

/* Whether OWNER's path begins in a library: that may be who gave the memory out, or was only told of it. */
bool hc_propagation_is_library(const hc_propagation *propagation, const hc_owner *owner);

/* Whether a word at ADDRESS (0: in a register) that holds VALUE leads into the middle of what others lead to. */
bool hc_propagation_is_alias_outside(hc_propagation *propagation, hc_address value, hc_address address);

/* Gives parcels back that were claimed since hc_propagation.outside_claims had COUNT. */
void hc_propagation_take_back_outside(hc_propagation *propagation, unsigned count);

/* ---- blocks ---- */

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

/* Whether the word at ADDRESS is a pointer to the first byte of a block, at *SPOT. */
static inline bool hc_propagation_locate_target(hc_propagation *propagation, hc_address address, hc_spot *spot)
{
	uint64_t value;

	return hc_propagation_load(propagation, address, &value) && hc_propagation_locate(propagation, value, spot) &&
	       spot->address == value;
}

/* hc_propagation_locate(), if the block can have an owner: in use, and not libc's. */
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
