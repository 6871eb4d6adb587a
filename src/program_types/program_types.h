/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of program_types/: the types that the program's debug info describes, each one
 * object.
 *
 *	type.c			from a DIE to its type; the object that owns them
 *	type_members.c		what is in a type, and the questions of <heapcore/debuginfo.h> about one
 *	type_lookup.c		by the name that a user writes
 *	node_holders.c		structs that have a member of a type
 *	vtables.c		by the vtable of an object
 *	function_arguments.c	template arguments of a function, by its address
 *
 * Types are read when they are first asked for, and kept: one thread at a time.
 */
#pragma once

#include <heapcore/debuginfo.h>

#include "dwarf/dwarf.h"

/* Reads nothing yet. INFO must outlive it. */
hc_program_types *hc_program_types_create(hc_debug_info *info);
void hc_program_types_destroy(hc_program_types *types); /* NULL is fine */

hc_modules *hc_program_types_modules(const hc_program_types *types);

/*
 * The type that DIE (a type's DIE) describes, typedefs and qualifiers peeled; a declaration is
 * replaced by its definition. Never NULL.
 */
const hc_type *hc_type_of_die(hc_program_types *types, const hc_module *module, Dwarf_Die *die);

/*
 * The type of a variable's or member's DIE (DW_AT_type, through abstract origin and specification).
 * void if it has none.
 */
const hc_type *hc_type_of_variable(hc_program_types *types, const hc_module *module, Dwarf_Die *die);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_program_types, hc_program_types_destroy)
