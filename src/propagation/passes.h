/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The passes of the stage, in their order. What each block is:
 *
 *	propagate.c	from the variables on, and the other passes of propagation in turn
 *	worklist.c	... follows the pointers that wait
 *	sweep.c		... what nothing typed leads to
 *	untyped.c	... what hangs on memory without a type
 *	untyped_words.c	... where a word leads there, and what that is worth
 *	root_words.c	... what no type leads to: by the words that do
 *	joined_owners.c	... owners that are one
 *	outside.c	... memory that is not malloc's
 *	untyped_shapes.c ... by shapes: what is like a container there
 *	links.c		... what a word is worth, by what other blocks of the size have there
 *	word_search.c	whether a word of the heap holds one value
 *	pools.c		... blocks that an allocator has cut into objects
 *	unseen.c	whether types may tell of references that no word shows
 *	sizes.c		what blocks each owner has, and which of that is doubtful
 */
#pragma once

#include "propagation/propagation_state.h"

/* From all variables on, then hc_types_sweep(). What types prove to be alive is told REFERENCES. FALSE if memory was out. */
bool hc_types_propagate(hc_types *types, hc_references *references, unsigned jobs);

/* The same as far as types prove it, and no further. */
bool hc_types_propagate_certain(hc_types *types, hc_references *references, unsigned jobs);

/* Whether types of the VARIABLE_COUNT variables, or what these lead to, may tell of references that no word shows. Reads types. */
bool hc_types_may_show_unseen(hc_types *types, unsigned variable_count);

/* Follows all edges that lead to what is at least as sure as LEAST, the surest first. */
void hc_propagation_run(hc_propagation *propagation, hc_certainty least);

/* Follows those edges that wait now, and none that they lead to: one step on from all places. */
void hc_propagation_step(hc_propagation *propagation);

/* Blocks in use without a type, by the vtable that they begin with, and on from there. */
void hc_types_sweep(hc_propagation *propagation);

/*
 * Blocks that nobody has, and that words of untyped blocks lead to, become these blocks' owners'.
 * What they lead to in turn waits, until hc_propagation_run() is called once more.
 */
void hc_types_search_untyped(hc_propagation *propagation);

/* The same for words of typed blocks; nothing if next to nothing is nobody's. */
void hc_types_search_typed(hc_propagation *propagation);

/* The same for buffers and nodes of containers: last, since there may be elements that are no more. */
void hc_types_search_buffers(hc_propagation *propagation);

/* The same for encoded pointers of all blocks that somebody has, to whatever nobody has. */
void hc_types_search_encoded(hc_propagation *propagation);

/* Blocks that nobody has, by the words of the roots that lead there; with them those of hc_types_search_untyped(). */
void hc_types_search_root_words(hc_propagation *propagation);

/* joined_owners.c: the last of all passes over words. */
void hc_types_join_owners(hc_types *types);

/* ---- links.c: the first who asks of a size waits until blocks of it were looked at ---- */

/* Looks at the words of all blocks, once. */
void hc_propagation_look_at_words(hc_propagation *propagation);

/* Whether a word at OFFSET in blocks of SIZE bytes is a link to others of them. */
bool hc_propagation_is_link(hc_propagation *propagation, uint64_t size, uint64_t offset);

/*
 * Whether the node at SPOT, of SIZE bytes, has a link back to NODE, which has one to it at OFFSET; or nobody expects one, as few such nodes
 * have.
 */
bool hc_propagation_is_answered(
	hc_propagation *propagation, const hc_spot *spot, uint64_t size, hc_address node, uint64_t offset);

/* Whether so many blocks like the one at ADDRESS have SIZE bytes that what one of them has alone is nothing. */
bool hc_propagation_is_one_of_many(hc_propagation *propagation, hc_address address, uint64_t size);

/* Whether another block has a pointer to the start of block NUMBER. */
bool hc_propagation_is_started(hc_propagation *propagation, uint32_t number);

/* What others of the size say of a pointer in a block. */
typedef enum {
	HC_SUPPORT_UNKNOWN,
	HC_SUPPORT_COMMON, /* many have one there */
	HC_SUPPORT_STRAY,  /* next to none has */
} hc_word_support;

/* Of a pointer at OFFSET in the block at ADDRESS, of SIZE usable bytes. A single object may have the size of many: then they say nothing. */
hc_word_support hc_propagation_support(hc_propagation *propagation, hc_address address, uint64_t size, uint64_t offset);

/* ---- word_search.c ---- */

/* Whether the word at PLACE, in REGION (perhaps in no block, or in a free one), is one that is looked for. Any worker asks. */
typedef bool hc_word_test(const void *data, const hc_block_region *region, hc_address place);

/* Whether TEST, with DATA, says yes to some word of the heap that holds VALUE. */
bool hc_propagation_has_word(const hc_propagation *propagation, hc_address value, hc_word_test *test, const void *data);

/* Whether that can be asked of this heap: its words are like ours, and each region is in one piece. */
bool hc_propagation_can_search(const hc_propagation *propagation);

/* ---- links.c, once more ---- */

/* Where a word stands: what leads back to [start, end) leads to its holder. */
typedef struct hc_word_place {
	hc_address start, end;
} hc_word_place;

/* ADDRESS 0: it is in a register. */
hc_word_place hc_place_of_root_word(hc_address address);

/* Where a word from elsewhere enters a list, or a tree. */
typedef enum {
	HC_ENTRY_UNKNOWN,
	HC_ENTRY_HEAD,	/* the node leads back to where the word stands */
	HC_ENTRY_ALIAS, /* in the middle, or at the end of what is another's */
} hc_entry;

/* Of a word at FROM that leads to the block at SPOT, of SIZE usable bytes. */
hc_entry hc_propagation_entry(
	hc_propagation *propagation, const hc_spot *spot, uint64_t size, const hc_word_place *from);

/* ---- untyped.c ---- */

/* Looks into the block of OWNER at ADDRESS, which has no type. */
void hc_propagation_search(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* Looks at what lies from ADDRESS on, in the middle of a block that is not OWNER's. */
void hc_propagation_search_piece(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* ---- untyped_words.c ---- */

/* A word of a root. */
typedef struct hc_root_edge {
	hc_owner *owner;
	hc_address value, address; /* address: 0 of registers */
	bool is_table;		   /* those beside it lead to blocks of the same size */
} hc_root_edge;

/* Whose is the block that EDGE leads to, if nobody's? */
void hc_propagation_follow_word(hc_propagation *propagation, const hc_root_edge *edge);

/* If WORDS, which stand side by side, are those of a vector, what lies behind its end is left over. */
void hc_propagation_note_vector(hc_propagation *propagation, const hc_address words[3]);

/* VALUE, which is a word of OWNER's, has waited: now what it leads to is OWNER's, if nobody's. */
void hc_propagation_take_word(hc_propagation *propagation, hc_owner *owner, hc_address value);

/* A word, and the block that holds it. */
typedef struct hc_word {
	hc_address value;
	uint64_t offset;	   /* in the block */
	uint64_t size;		   /* usable bytes of the block; 0: it is in none */
	hc_address block, address; /* the block; where the word stands. 0: in none; in a register */
	uint64_t target;	   /* usable bytes of the block that it leads to; 0: not asked yet */
	bool is_table;		   /* others beside it lead to blocks of the same size */
	bool is_behind_end;	   /* of what is in use of the block */
	bool is_room;		   /* in a string, for characters that are elsewhere, or are fewer */
} hc_word;

/*
 * Whether what lies in the middle of the block at SPOT may be OWNER's, though the block is not: allocators that are libraries (g_slice)
 * have the block, and what they gave out of it has others.
 */
bool hc_propagation_may_be_piece(const hc_propagation *propagation, const hc_spot *spot, const hc_owner *owner);

/* WORD, which is of OWNER's memory, leads to SPOT. */
void hc_propagation_follow_spot(hc_propagation *propagation, hc_owner *owner, const hc_word *word, const hc_spot *spot);

enum {
	HC_BATCH_WORDS = 32 /* whose targets are fetched together */
};

/* Words of one piece of OWNER's memory that may be addresses, HC_BATCH_WORDS at most. */
void hc_propagation_follow_batch(hc_propagation *propagation, hc_owner *owner, hc_word *words, unsigned count);

/* Bytes in use of block NUMBER; UINT64_MAX: nobody said. */
uint64_t hc_propagation_end_of(const hc_propagation *propagation, uint32_t number);

/* Follows what is likely to be left over, or a number, now that all else was. */
void hc_propagation_run_strays(hc_propagation *propagation);

/* The same of what has to be last, and of strays that come up then. */
void hc_propagation_run_last(hc_propagation *propagation);

/* Looks at [START, END), elements that a shape of OWNER's parent has. */
void hc_propagation_search_range(hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end);

/* Looks at [START, END), all of a parcel of OWNER's. */
void hc_propagation_search_parcel(hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end);

/* Whether blocks of OWNER have contents that no type tells. */
bool hc_propagation_is_opaque(const hc_owner *owner);

/* ---- outside.c ---- */

/* FALSE if memory was out. */
bool hc_propagation_begin_outside(hc_propagation *propagation);
void hc_propagation_end_outside(hc_propagation *propagation);

/* VALUE, which is in no block, is a word of OWNER's at ADDRESS (0: in a register): what it leads to of parcels is OWNER's, if nobody's. */
void hc_propagation_follow_outside(hc_propagation *propagation, hc_owner *owner, hc_address value, hc_address address);

/* The parcel at ADDRESS is OWNER's: its words are. */
void hc_propagation_search_outside(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* The words of parcels that somebody has, and that nobody has looked at: those of OPAQUE ones only, or of all. */
void hc_types_search_outside(hc_propagation *propagation, bool opaque);

/* From now on words that have waited count: those that lead into the middle of something; those of libraries. */
void hc_types_begin_turn_outside(hc_propagation *propagation, struct hc_outside_turn *turn);

/* ---- pools.c ---- */

/* FALSE if memory was out. BITMAP_SIZE: bytes of a bit for each granule of the heap. */
bool hc_pools_create(hc_propagation *propagation, size_t bitmap_size);
void hc_pools_destroy(hc_propagation *propagation, size_t bitmap_size);

/* A word leads to SPOT, or into its middle; IS_ELSEWHERE: it is in no word of the block itself. */
void hc_propagation_note_entry(hc_propagation *propagation, const hc_spot *spot, bool is_elsewhere);

/*
 * Whether the block at SPOT is a pool: objects in it have owners of their own. The first who asks by
 * an address in the middle of one waits for links.c; before that there are none.
 */
bool hc_propagation_is_pool(hc_propagation *propagation, const hc_spot *spot);

/* Whether somebody has the piece of a pool at SPOT. */
bool hc_propagation_is_taken_piece(const hc_propagation *propagation, const hc_spot *spot);

/* The piece of a pool that begins at AT, which SPOT is of, is OWNER's, up to *RET_END. FALSE: somebody has it. */
bool hc_propagation_take_piece(
	hc_propagation *propagation, const hc_owner *owner, const hc_spot *spot, hc_address at, hc_address *ret_end);

/* OWNER has BYTES more of the pool that is block NUMBER. */
void hc_propagation_add_share(hc_propagation *propagation, uint32_t number, const hc_owner *owner, uint64_t bytes);

/* Pools become his who has most of their bytes, and the rest of their words is followed. */
void hc_types_settle_pools(hc_propagation *propagation);

/* ---- untyped_shapes.c ---- */

void hc_propagation_begin_shapes(hc_propagation *propagation);
void hc_propagation_end_shapes(hc_propagation *propagation);

/* Whether a shape has the word at ADDRESS as its first that leads to the heap. It is the propagation's until the next one is looked for. */
bool hc_propagation_find_shape(hc_propagation *propagation, hc_address address, hc_shape *ret_shape);

/*
 * SHAPE, whose head is OWNER's, gets its blocks; what its elements lead to waits. PLACE says where the head is, for names; the head is
 * one of the same place in all blocks of its size.
 */
typedef struct hc_shape_place {
	bool is_in_block;   /* SIZE: of that one, usable */
	bool is_in_element; /* of a container that OWNER is an element of */
	bool has_offset;    /* OFFSET: from the beginning of the block, or the element; else it is anywhere */
	uint64_t size, offset;
} hc_shape_place;

void hc_propagation_claim_shape(
	hc_propagation *propagation, hc_owner *owner, const hc_shape *shape, const hc_shape_place *place);

/*
 * Tells each owner what blocks it has, and which owners have some that are not as large as they should be.
 * FALSE if memory was out.
 */
bool hc_types_count_blocks(hc_types *types, unsigned jobs);
