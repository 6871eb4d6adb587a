/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of variables/: the variables of the program, and where each is in this process.
 *
 *	variables.c		those that live as long as the process or a thread; the object that owns all
 *	locals.c		those in scope in each frame of each thread
 *	locations.c		from a DIE to state, address and bytes, in a frame
 *	expressions.c		DWARF's operations; arithmetic.c: those on the stack alone
 *	copy_relocations.c	variables of libraries that live in the program
 *	register_values.c	values that are in no memory get an address
 */
#pragma once

#include "program_types/program_types.h"

/* Reads nothing yet. INFO, TYPES, which are of it, and DIAGNOSTICS must outlive it. */
hc_variables *hc_variables_create(hc_debug_info *info, hc_program_types *types, hc_diagnostics *diagnostics);
void hc_variables_destroy(hc_variables *variables); /* NULL is fine */

hc_program_types *hc_variables_types(const hc_variables *variables);

/* Whether VARIABLE is a frame's. */
static inline bool hc_variable_is_local(const hc_variable *variable)
{
	return variable->kind == HC_VARIABLE_LOCAL || variable->kind == HC_VARIABLE_PARAMETER;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_variables, hc_variables_destroy)
