/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of program_types/ share. */
#pragma once

#include "program_types/program_types.h"
#include "program_types/type.h"

struct hc_program_types {
	hc_debug_info *info;
	hc_modules *modules;
	const hc_core *core;
	GStringChunk *strings;	 /* the debug info's */
	GHashTable **by_offset;	 /* by hc_modules_index(); NULL: none yet. Offset of a DIE -> hc_type * */
	GArray **vtable_symbols; /* by hc_modules_index(), lazily: of hc_vtable_symbol (vtables.c), by address */
	GHashTable *interned;	 /* key -> hc_type * */
	GPtrArray *all;		 /* owns the types */
	hc_type *void_type;
	GHashTable *definitions; /* hash of a declared name -> hc_type *, or NULL */
	GHashTable *by_name;	 /* as users write it -> hc_type *, or NULL */
	GHashTable *holders;	 /* hc_type -> GArray of hc_holder (node_holders.c) */
	GHashTable *vtables;	 /* vtables.c, lazily: address -> struct vtable * */
	GHashTable *arguments; /* function_arguments.c, lazily: "address name" of a function's -> hc_type *, or NULL */
	unsigned depth;	       /* of types that are being made within each other */
};

/* Where a type stands whose members are not read yet. */
struct hc_type_source {
	hc_program_types *types;
	const hc_module *module;
	uint64_t offset; /* of its DIE */
};

/* DW_AT_type, through abstract origin and specification. */
bool hc_die_target(Dwarf_Die *die, Dwarf_Die *ret_target);

/* An attribute of DIE itself that is a constant, or of a class that libdw takes for one. */
bool hc_die_unsigned(Dwarf_Die *die, unsigned name, uint64_t *ret_value);

/* As hc_type_of_die(). CONTEXT: the name of a type that has none; NULL: where it stands. */
const hc_type *hc_type_of_die_in(hc_program_types *types, const hc_module *module, Dwarf_Die *die, const char *context);

/* KIND: HC_TYPE_POINTER or HC_TYPE_REFERENCE. */
const hc_type *hc_type_pointer_to(hc_program_types *types, const hc_type *target, hc_type_kind kind, bool is_rvalue);

/* Reads what TYPE leaves to be read; does nothing if that is done. */
void hc_type_fill(const hc_type *type);
