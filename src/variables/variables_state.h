/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of variables/ share. */
#pragma once

#include "base/diagnostics.h"
#include "variables/variables.h"

struct hc_variables {
	hc_debug_info *info;
	hc_program_types *types;
	hc_modules *modules;
	const hc_core *core;
	hc_diagnostics *diagnostics;
	GArray *rows;		  /* of hc_variable; NULL: not loaded */
	GPtrArray *gaps;	  /* NULL-terminated; NULL: not loaded */
	struct hc_values *values; /* register_values.c; NULL: none */
	GHashTable *copies;	  /* copy_relocations.c, lazily */
};

/*
 * Fills state, address, valid_size and reason of VARIABLE, whose other members are set, from the
 * location of DIE. FRAMES and FRAME: for a local; NULL for what has one address. For a thread-local
 * one variable->thread tells which thread's.
 */
void hc_variable_locate(hc_variables *variables, const hc_module *module, Dwarf_Die *die, const GArray *frames,
	unsigned frame, hc_variable *variable);

/* Appends the locals and parameters of all frames of all threads to ROWS: GArray of hc_variable. */
void hc_variables_add_locals(hc_variables *variables, GArray *rows);

/*
 * Keeps SIZE bytes of a value that is in no memory; VALID has a byte for each, not 0 if it is
 * known; NULL: all are. Gives its address for hc_variables_read(); 0 if there is no room left for
 * it.
 */
hc_address hc_variables_keep_value(hc_variables *variables, const void *bytes, const uint8_t *valid, size_t size);

/* register_values.c: NULL is fine. */
void hc_values_destroy(struct hc_values *values);
