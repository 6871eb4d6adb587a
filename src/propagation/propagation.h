/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of propagation/: finds out what each block is, and which containers hold it, from typed variables on.
 *
 *	variables --plan of their type--> objects --pointers--> blocks
 *	                                     |                    ^
 *	                                     '--containers--------'  (containers/: buffers, nodes, elements)
 *
 *	create.c		the stage as a whole
 *	propagate.c		from the variables on: what is looked at, in which order (passes.h)
 *	worklist.c		... follows the pointers that wait
 *	sweep.c			... what nothing typed leads to: by vtables
 *	untyped.c		... what hangs on memory without a type
 *	untyped_words.c		... where a word leads there, and what that is worth
 *	untyped_shapes.c	... containers there, by their shapes
 *	root_words.c		... what no type leads to: by the words that do
 *	root_word_places.c	... whose these words are
 *	joined_owners.c		owners that turned out to be one
 *	outside.c		... memory that is not malloc's
 *	links.c			... what a word is worth, by what other blocks of the size have there
 *	word_search.c		whether a word of the heap holds one value
 *	pools.c			... blocks that an allocator has cut into objects
 *	objects.c		one object (objects.h)
 *	object_containers.c	... its containers
 *	container_pieces.c	... whose their blocks become
 *	typed_references.c	... what holds blocks that no word leads to
 *	unseen.c		... whether types may tell of such
 *	leaves_ahead.c		... those of many elements, that hold nothing but blocks
 *	walks_ahead.c		... walked ahead, by all workers
 *	nests_ahead.c		... those in elements
 *	arrays.c		... its arrays and unions
 *	pointers.c		... its pointers: which block one leads to, of what type that is
 *	plain_targets.c		... those that lead to a struct with a block of its own
 *	memory_view.c		what stands in memory (propagation_state.h)
 *	edges.c			pointers that wait to be followed
 *	edges_ahead.c		... where they lead, found out ahead, by all workers
 *	known_objects.c		where objects begin that are known
 *	claims.c		whose a block becomes
 *	array_counts.c		how much of an array is in use
 *	owned_blocks.c		blocks by whose they are, in their order
 *	sizes.c			whether blocks are as large as what is said to be in them
 */
#pragma once

#include "types/types.h"

/*
 * Types the blocks in use. VARIABLES are asked for themselves and their types; what BLOCKS, AREAS and REFERENCES say is taken as it is. But
 * REFERENCES are told what holds blocks that no word leads to, so whoever asked them before asks again (hc_references_add_typed()).
 * Fails with HC_ERROR_NO_MEMORY, or as hc_container_set_add_file() does for the files in OPTIONS (which may be NULL).
 */
hc_types *hc_types_create(const hc_core *core, hc_variables *variables, const hc_blocks *blocks, const hc_areas *areas,
	hc_references *references, const hc_types_options *options, hc_diagnostics *diagnostics, GError **error);

/*
 * Tells REFERENCES what hc_types_create() does, and nothing else: for who wants to know what is lost, and no types. Takes no time if nothing is
 * lost. Fails likewise.
 */
bool hc_types_tell_references(const hc_core *core, hc_variables *variables, const hc_blocks *blocks,
	const hc_areas *areas, hc_references *references, const hc_types_options *options, GError **error);
