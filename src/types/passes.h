/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The passes of the stage, in their order. What each block is:
 *
 *	propagate.c	from the variables on, and the other passes of propagation in turn
 *	worklist.c	... follows the pointers that wait
 *	sweep.c		... what nothing typed leads to
 *	untyped.c	... what hangs on memory without a type
 *	word_rows.c	... the words there, read ahead (word_rows.h)
 *	root_words.c	... what no type leads to: by the words that do
 *	untyped_shapes.c ... by shapes: what is like a container there
 *	links.c		... where blocks of a size have links to each other
 *	sizes.c		which of that is doubtful
 *	rows.c		rows of types
 *
 * Who holds it:
 *
 *	holdings.c	what each owner has, added up, and rows of containers
 */
#pragma once

#include "types/propagation.h"

/* From all variables on, then hc_types_sweep(). FALSE if memory was out. */
bool hc_types_propagate(hc_types *types, unsigned jobs);

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

/* Whether a word at OFFSET in blocks of SIZE bytes is a link to others of them. The first time all sizes are looked at. */
bool hc_propagation_is_link(hc_propagation *propagation, uint64_t size, uint64_t offset);

void hc_root_places_destroy(hc_root_places *places);

/* Looks into the block of OWNER at ADDRESS, which has that number and no type. */
void hc_propagation_search(hc_propagation *propagation, hc_owner *owner, hc_address address, uint32_t number);

/* Looks at what lies from ADDRESS on, in the middle of a block that is not OWNER's. */
void hc_propagation_search_piece(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* Looks at [START, END), elements that a shape of OWNER's parent has. */
void hc_propagation_search_range(hc_propagation *propagation, hc_owner *owner, hc_address start, hc_address end);

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

/* VALUE is a word of a root that is OWNER's: whose is the block that it leads to, if nobody's? */
void hc_propagation_follow_word(hc_propagation *propagation, hc_owner *owner, hc_address value);

/* Which owners have blocks that are not as large as they should be. FALSE if memory was out. */
bool hc_types_check_sizes(hc_types *types);

/* Notes that BLOCK is one of OWNER's. */
void hc_types_hold_block(const hc_types *types, hc_owner *owner, const hc_block *block);

/*
 * Adds up what each owner holds, once all blocks were noted: its own, and what hangs below; and makes
 * the rows of containers.
 */
void hc_types_add_up_holdings(hc_types *types);

/* Everything that is asked for: rows of types, and by hc_types_add_up_holdings() what owners hold. */
void hc_types_make_rows(hc_types *types);

/* The name of BLOCK's row where its type is not known: what it looks like. Free with g_free(). */
char *hc_types_shape_name(const hc_types *types, const hc_block *block);

/* The name of the row of all blocks whose looks have none of their own: there were too many. */
#define HC_SHAPES_LEFT "? many others"

/* TEXT for as long as the result lives. */
static inline const char *hc_types_keep(hc_types *types, const char *text)
{
	return g_string_chunk_insert_const(types->texts, text);
}
