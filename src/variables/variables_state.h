/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DWARF, for the files of debuginfo/ that read it: the index of a module's units, types of DIEs, locations. */
#pragma once

#include "modules/modules_state.h"
#include "program_types/type.h"

#include <elfutils/libdw.h>

/* The debug info of MODULE, from a file that is here and belongs to it; NULL if there is none. *ret_bias: what to add to its addresses. */
Dwarf *hc_module_dwarf(hc_modules *modules, struct module *module, Dwarf_Addr *ret_bias);

/* The compilation unit that ADDRESS (in the process) is in, also where .debug_aranges is missing. */
bool hc_module_unit_at(hc_modules *modules, struct module *module, hc_address address, Dwarf_Die *ret_unit);

/* The type that DIE (a type's DIE) describes, typedefs and qualifiers peeled; a declaration is replaced by its definition. Never NULL. */
const hc_type *hc_type_of_die(hc_modules *modules, struct module *module, Dwarf_Die *die);

/* The type of a variable's or member's DIE (DW_AT_type, through abstract origin and specification). void if it has none. */
const hc_type *hc_type_of_variable(hc_modules *modules, struct module *module, Dwarf_Die *die);

/* The name of DIE with its scopes: "app::Registry::instance". Belongs to MODULES. NULL if it has none. */
const char *hc_name_of_die(hc_modules *modules, struct module *module, Dwarf_Die *die);

/* A frame whose registers are known: what locations of locals are evaluated in. */
typedef struct hc_frame_registers {
	hc_address program_counter;
	bool is_activation;
	uint64_t values[32];
	uint32_t valid; /* bit for each DWARF register number */
} hc_frame_registers;

/*
 * The registers of all frames of a thread, innermost first, as hc_modules_frames() counts them. GArray of hc_frame_registers; NULL if
 * there are no frames. Belongs to MODULES, until the next call with another thread.
 */
const GArray *hc_modules_frame_registers(hc_modules *modules, unsigned thread_index);

/*
 * Fills state, address, valid_size and reason of VARIABLE, whose other members are set, from the location of DIE. FRAMES and
 * FRAME: for a local; NULL for what has one address. For a thread-local one variable->thread tells which thread's.
 */
void hc_variable_locate(hc_modules *modules, struct module *module, Dwarf_Die *die, const GArray *frames,
	unsigned frame, hc_variable *variable);

/* Appends the locals and parameters of all frames of all threads. VARIABLES: GArray of hc_variable. */
void hc_variables_add_locals(hc_modules *modules, GArray *variables);

/*
 * Keeps SIZE bytes of a value that is in no memory; VALID has a byte for each, not 0 if it is known; NULL: all are. Gives its address
 * for hc_modules_read(); 0 if there is no room left for it.
 */
hc_address hc_modules_keep_value(hc_modules *modules, const void *bytes, const uint8_t *valid, size_t size);
