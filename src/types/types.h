/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of types/: what each block is, and which containers hold it, from typed variables on.
 *
 *	variables --plan of their type--> objects --pointers--> blocks
 *	                                     |                    ^
 *	                                     '--containers--------'  (containers/: buffers, nodes, elements)
 *
 *	owners.c	who holds what: a tree of paths ("g_registry", ".sessions_", "[]", "->queue_"), one node for all that share one
 *	plans.c		what of an object of a type must be looked at: its pointers, containers, unions, arrays of those
 *	propagate.c	the worklist: from object to object, claiming blocks for owners
 *	objects.c	one object: its pointers and containers
 *	pointers.c	one pointer: which block it leads to, of what type that is
 *	untyped.c	what hangs on memory without a type
 *	root_words.c	what no type leads to: by the words that do
 *	arrays.c	its arrays and unions
 *	counts.c	how much of an array is in use
 *	sizes.c		whether blocks are as large as what is said to be in them
 *	starts.c	where objects begin that are known
 *	sweep.c		what nothing typed leads to: by vtables, then by what it looks like
 *	path_queries.c		asking for that tree
 *	rows.c		the result: rows of types and of containers
 *	values.c	values as text
 *	scalars.c	... numbers
 *	strings.c	... strings, as bytes or from wide characters
 *	tuples.c	... the parts of a std::tuple
 *	samples.c	keys of a container
 *	evaluate.c	expressions that name an object
 *	types.c		the stage as a whole
 *
 * A block's type is 4 bytes: the number of its owner, which knows type, certainty and path.
 */
#pragma once

#include <heapcore/types.h>

#include "containers/containers.h"
#include "references/references.h"

/*
 * Types the blocks in use. MODULES are asked for variables and types; what BLOCKS, AREAS and REFERENCES say is taken as it is.
 * Fails with HC_ERROR_NO_MEMORY, or as hc_container_set_add_file() does for the files in OPTIONS (which may be NULL).
 */
hc_types *hc_types_create(const hc_core *core, hc_modules *modules, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, const hc_types_options *options, hc_diagnostics *diagnostics, GError **error);
