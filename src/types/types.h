/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of types/: what each block is, and which containers hold it, from typed variables on.
 *
 *	variables --plan of their type--> objects --pointers--> blocks
 *	                                     |                    ^
 *	                                     '--containers--------'  (containers/: buffers, nodes, elements)
 *
 * What each block is, and who holds it, are two questions with one answer: a block's owner is 4 bytes,
 * the number of a path, which knows type, certainty and who holds it (owners.h). What it is:
 *
 *	plans.c			what of an object of a type must be looked at: its pointers, containers, unions, arrays of those
 *	propagate.c		from the variables on: what is looked at, in which order (passes.h)
 *	worklist.c		... follows the pointers that wait
 *	sweep.c			... what nothing typed leads to: by vtables
 *	untyped.c		... what hangs on memory without a type
 *	untyped_shapes.c	... containers there, by their shapes
 *	root_words.c		... what no type leads to: by the words that do
 *	outside.c		... memory that is not malloc's
 *	links.c			... what a word is worth, by what other blocks of the size have there
 *	objects.c		one object (objects.h)
 *	object_containers.c	... its containers
 *	container_pieces.c	... whose their blocks become
 *	leaves_ahead.c		... those of many elements, that hold nothing but blocks
 *	walks_ahead.c		... walked ahead, by all workers
 *	nests_ahead.c		... those in elements
 *	arrays.c		... its arrays and unions
 *	pointers.c		... its pointers: which block one leads to, of what type that is
 *	memory_view.c		what stands in memory (propagation.h)
 *	edges.c			pointers that wait to be followed
 *	known_objects.c		where objects begin that are known
 *	claims.c		whose a block becomes
 *	array_counts.c		how much of an array is in use
 *	sizes.c			whether blocks are as large as what is said to be in them
 *	rows.c			the result: rows of types; of unknown ones by what they look like
 *
 * Who holds it:
 *
 *	owners.c	a tree of paths ("g_registry", ".sessions_", "[]", "->queue_"), one node for all that share one
 *	holdings.c	what each owner has, and what hangs below; rows of containers
 *	path_queries.c	asking for that tree
 *	owned_blocks.c	blocks by whose they are, in their order
 *	selection.c	blocks chosen by what they are, and by who holds them
 *	resident.c	what of it was in memory
 *	block_objects.c	where the object of a block stands in it
 *
 * And types.c: the stage as a whole.
 */
#pragma once

#include <heapcore/types.h>

#include "containers/containers.h"
#include "parcels/parcels.h"

typedef struct hc_plans hc_plans;
typedef struct hc_owners hc_owners;
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
	hc_root_places *root_places; /* root_words.c */
	uint64_t *interior;	     /* bit for each block: a piece that a container owns lies in its middle */
	uint64_t *several;	     /* bit for each block: more than one lies in it */
	hc_parcels *parcels;	     /* memory that is not malloc's */
	uint32_t *parcel_owner;	     /* of each; 0: none */
	uint64_t outside;	     /* bytes of parcels with an owner */
	uint64_t variable_states[HC_VARIABLE_STATE_COUNT];
	hc_types_losses losses;
	hc_amount coverage[HC_CERTAINTY_COUNT];
	hc_amount held_by[HC_PATH_BEGIN_COUNT];
	double word_seconds; /* of processor time, all threads: what following words took (root_words.c) */
	GArray *rows;	     /* of hc_type_row */
	GArray *containers;  /* of hc_container */
	GStringChunk *texts;
};

/*
 * Types the blocks in use. VARIABLES are asked for themselves and their types; what BLOCKS, AREAS and REFERENCES say is taken as it is.
 * Fails with HC_ERROR_NO_MEMORY, or as hc_container_set_add_file() does for the files in OPTIONS (which may be NULL).
 */
hc_types *hc_types_create(const hc_core *core, hc_variables *variables, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, const hc_types_options *options, hc_diagnostics *diagnostics, GError **error);

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

/* What of a path's blocks is content, where a type says it for certain; all 0: nothing is known. */
typedef struct hc_path_content {
	bool is_string;	    /* buffers of strings of one-byte characters: up to the NUL, with any capacity behind it */
	bool is_characters; /* such characters that a pointer leads to */
	uint64_t object_size; /* one object, at the beginning, of so many bytes */
} hc_path_content;

/* Reads types: one thread at a time. */
hc_path_content hc_types_path_content(const hc_types *types, uint32_t number);
