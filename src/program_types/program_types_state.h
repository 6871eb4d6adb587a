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

bool hc_die_is_unnamed(Dwarf_Die *die);

/*
 * Goes from DIE through typedefs and qualifiers. FALSE if that ends in void. *ret_typedef: the
 * typedef that gives an unnamed type its name, if has_typedef.
 */
bool hc_die_peel(Dwarf_Die *die, Dwarf_Die *ret_typedef, bool *has_typedef);

/* TEXT in the types' own memory; NULL if it is NULL. */
const char *hc_type_keep(hc_program_types *types, const char *text);

/*
 * The type of that KEY, which is taken, or a new one with KIND and NAME only; *ret_new tells which.
 */
hc_type *hc_type_intern(hc_program_types *types, char *key, hc_type_kind kind, const char *name, bool *ret_new);

/* Of the process: 4 or 8 bytes. */
unsigned hc_type_word_size(const hc_program_types *types);

/* As hc_type_of_die(). CONTEXT: the name of a type that has none; NULL: where it stands. */
const hc_type *hc_type_of_die_in(hc_program_types *types, const hc_module *module, Dwarf_Die *die, const char *context);

/* KIND: HC_TYPE_POINTER or HC_TYPE_REFERENCE. */
const hc_type *hc_type_pointer_to(hc_program_types *types, const hc_type *target, hc_type_kind kind, bool is_rvalue);

/* DIE: an array's, of ELEMENT. */
const hc_type *hc_type_make_array(hc_program_types *types, Dwarf_Die *die, const hc_type *element);

/* Of all that is neither derived from another type nor has members. */
const hc_type *hc_type_make_base(hc_program_types *types, Dwarf_Die *die);

/* What has no name that is known is void; nullptr's type is a pointer. */
const hc_type *hc_type_make_unspecified(hc_program_types *types, Dwarf_Die *die);

/* Reads what TYPE leaves to be read; does nothing if that is done. */
void hc_type_fill(const hc_type *type);
