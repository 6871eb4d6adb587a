/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of types/: what each block is, and who holds it, as an object that is asked. propagation/ finds it out.
 *
 * These are two questions with one answer: a block's owner is 4 bytes, the number of a path, which knows type, certainty and who
 * holds it (owners.h).
 *
 *	plans.c		what of an object of a type must be looked at: its pointers, containers, unions, arrays of those
 *	owners.c	a tree of paths ("g_registry", ".sessions_", "[]", "->queue_"), one node for all that share one
 *	root_places.c	where paths begin that no variable does: the places of words, by name
 *	rows.c		rows of types; of unknown ones by what they look like
 *	holdings.c	what each owner has, and what hangs below; rows of containers
 *	path_queries.c	asking for that tree
 *	selection.c	blocks chosen by what they are, and by who holds them
 *	row_lookup.c	the row of types that a block is counted in
 *	resident.c	what of it was in memory
 *	block_objects.c	where the object of a block stands in it
 *
 * And types.c: the object as a whole.
 */
#pragma once

#include <heapcore/types.h>

#include "parcels/parcels.h"
#include "types/owners.h"

typedef struct hc_root_places hc_root_places;

struct hc_types {
	/* what it was made of; who reads values works with these, too */
	const hc_core *core;
	hc_modules *modules;
	hc_program_types *program_types;
	hc_variables *variables;
	const hc_blocks *blocks;
	const hc_areas *areas;
	const hc_references *references;
	hc_container_set *set;

	/* of this folder */
	hc_plans *plans;
	hc_owners *owners;
	uint32_t *owner_of;	     /* by block number; 0: none; HC_OWNER_CLOSED: not in use, or libc's own */
	hc_root_places *root_places; /* root_places.c */
	uint64_t *interior;	     /* bit for each block: a piece that a container owns lies in its middle */
	uint64_t *several;	     /* bit for each block: more than one lies in it */
	hc_parcels *parcels;	     /* memory that is not malloc's */
	uint32_t *parcel_owner;	     /* of each; 0: none */
	uint64_t outside;	     /* bytes of parcels with an owner */
	uint64_t variable_states[HC_VARIABLE_STATE_COUNT];
	hc_types_losses losses;
	hc_amount coverage[HC_CERTAINTY_COUNT];
	hc_amount held_by[HC_PATH_BEGIN_COUNT];
	double word_seconds; /* of processor time, all threads: what following words took (propagation/root_words.c) */
	GArray *rows;	     /* of hc_type_row */
	GArray *containers;  /* of hc_container */
	GStringChunk *texts;
};

/* Owner NUMBER, from 1 on. */
static inline hc_owner *hc_types_owner(const hc_types *types, uint32_t number)
{
	return types->owners->list->pdata[number];
}

/* Bytes of hc_types.owner_of; of .interior and .several; of .parcel_owner: each of pages. */
size_t hc_types_owners_size(const hc_blocks *blocks);
size_t hc_types_bits_size(const hc_blocks *blocks);
size_t hc_types_parcels_size(const hc_types *types);

/* The owner of the parcel that ADDRESS is in; NULL: it is in none, or nobody's. */
static inline hc_owner *hc_types_owner_outside(const hc_types *types, hc_address address)
{
	uint32_t number;

	return hc_parcels_find(types->parcels, address, &number) && types->parcel_owner[number] ?
		       hc_types_owner(types, types->parcel_owner[number]) :
		       NULL;
}

/* What of hc_types_outside() lies in RANGE; *RET_RESIDENT: bytes of the same places that were in memory. Costs a step a place. */
uint64_t hc_types_outside_in(const hc_types *types, hc_range range, uint64_t *ret_resident);

/*
 * The first of the places of hc_types_outside() whose number is *NEXT or higher, in order of address, and the path that has it; moves *NEXT (0 at
 * first) behind it. FALSE if there is none.
 */
bool hc_types_next_outside(const hc_types *types, uint32_t *next, hc_range *ret_place, uint32_t *ret_path);

/* Once all owners know their blocks: what is asked for, rows of types, containers, and what hangs on each owner. */
void hc_types_make_rows(hc_types *types);

/* ---- root_places.c: the places that words of roots stand in, as owners; made while it is found out whose blocks are ---- */

/* All words in [start, end) are OWNER's. */
typedef struct hc_owner_extent {
	hc_address start, end;
	hc_owner *owner; /* NULL: nobody's */
} hc_owner_extent;

/* TYPES must outlive it. Variables of which owners are known by then have their places. */
hc_root_places *hc_root_places_create(hc_types *types);
void hc_root_places_destroy(hc_root_places *places);

/* From now on places are only looked up, and no more are made. */
void hc_root_places_close(hc_root_places *places);

/* The owner of all words of PLACE, called NAME; *PLACE is copied. NULL: there are too many. */
hc_owner *hc_root_places_get(hc_root_places *places, const char *name, const hc_named_root *place);

/* Words in [START, END) of data, or of a mapping, are OWNER's from now on; NULL: nothing happens. */
void hc_root_places_keep(hc_root_places *places, hc_address start, hc_address end, hc_owner *owner);

/*
 * Whose WORD is, which lies in no data with a name: a thread's, a frame's, a register's, a mapping's. *RET_EXTENT is what has that owner
 * with it, where that is more than the word; else it is left alone. NULL: there are too many.
 */
hc_owner *hc_root_places_elsewhere(hc_root_places *places, const hc_root_word *word, hc_owner_extent *ret_extent);

/*
 * The path that begins where WORD lies, as in hc_types_path_get(); 0: none that leads to anything. Looks names up: one thread at a
 * time.
 */
uint32_t hc_types_path_of_root_word(const hc_types *types, const hc_root_word *word);

/* ---- selection.c ---- */

/* Blocks in use, chosen by rows of types, by a path, or both. TYPES must outlive it. */
typedef struct hc_selection hc_selection;
hc_selection *hc_selection_create(const hc_types *types);
void hc_selection_destroy(hc_selection *selection);

/* Blocks of this row (hc_types_row()), and of those added before; without any the type does not matter. */
void hc_selection_add_row(hc_selection *selection, unsigned row);

/*
 * Only blocks that hang on a path of this TEXT, or below one: what hc_ownership counts as held there, so none that is lost. FALSE if there is no
 * such path.
 */
bool hc_selection_set_path(hc_selection *selection, const char *text);

/* BLOCK may be of any state. */
bool hc_selection_has(const hc_selection *selection, const hc_block *block);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_selection, hc_selection_destroy)

/* ---- row_lookup.c ---- */

enum {
	HC_TYPES_NO_ROW = UINT32_MAX
};

/* The row (hc_types_row()) of each block. TYPES must outlive it. */
typedef struct hc_row_lookup hc_row_lookup;
hc_row_lookup *hc_row_lookup_create(const hc_types *types);
void hc_row_lookup_destroy(hc_row_lookup *lookup);

/* HC_TYPES_NO_ROW: BLOCK, which may be of any state, is not in use. */
uint32_t hc_row_lookup_find(const hc_row_lookup *lookup, const hc_block *block);

/* ---- block_objects.c ---- */

/* What stands in a block. */
typedef struct hc_block_object {
	const hc_type *type;
	hc_address address; /* of the first object */
	uint64_t count;	    /* objects there is room for; 1: it is no array */
	bool is_array;	    /* COUNT is how many there may be; the last ones need not be in use */
} hc_block_object;

/* FALSE where that is not known, or is no whole object: an index, slots, a block that only holds the object somewhere. */
bool hc_types_object_of_block(const hc_types *types, const hc_block *block, hc_block_object *ret_object);

/* The class whose vtable BLOCK begins with, if it has not the room for such an object: who made it knew another layout. NULL: none. */
const hc_type *hc_types_cut_class(const hc_types *types, const hc_block *block);

/* What of a path's blocks is content, where a type says it for certain; all 0: nothing is known. */
typedef struct hc_path_content {
	bool is_string;	    /* buffers of strings of one-byte characters: up to the NUL, with any capacity behind it */
	bool is_characters; /* such characters that a pointer leads to */
	uint64_t object_size; /* one object, at the beginning, of so many bytes */
} hc_path_content;

/* Reads types: one thread at a time. */
hc_path_content hc_types_path_content(const hc_types *types, uint32_t number);
